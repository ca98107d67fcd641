//! Pass on blocks and witnesses' words, fetch blocks by hash; nobody gets what it is known to have.

use alloc::vec::Vec;

use banyan_root::Header;
use banyan_types::{Hash, Height, Peer, Points, Round};

use crate::{
    Effect, Gossip, Message, NewBlock, To, Word,
    limits::{NEAR, STEPS_BACK_MAX},
    machine::send,
    message::{BlockBytes, GetJustification, Limited},
    peer::{Answered, PeerState},
    want::Want,
};

/// Peers asked for one block.
const FETCHED_FROM_MAX: usize = 3;

impl To {
    const fn includes(self, peer: Peer) -> bool {
        match self {
            Self::All => true,
            Self::Except(other) => peer.0 != other.0,
            Self::One(only) => peer.0 == only.0,
        }
    }
}

impl Gossip {
    /// Send a block to those who lack it. Whoever stands well above it has it, or wants it no more: a node that catches up
    /// does not tell its peers of their past.
    pub(crate) fn relay_block(&mut self, block: &NewBlock, to: To, effects: &mut Vec<Effect>) {
        let (hash, height, message) = match block {
            NewBlock::Key(header, body) => {
                let header = Header::Key(header.clone());
                (header.hash(), header.height(), Message::Block(BlockBytes::of(&header, body.clone())))
            }
            NewBlock::Micro(header, txs) => {
                let light = Message::Light(header.clone(), Limited::first_of(txs.iter().copied()));
                (header.hash(), header.height, light)
            }
        };
        self.delivered.add(&hash);
        let lacks = |state: &PeerState| state.height().0 <= height.0.saturating_add(NEAR);
        self.tell(&hash, to, &message, lacks, effects);
    }

    /// Say what the witness machine wants said.
    pub(crate) fn say(&mut self, word: Word, to: To, effects: &mut Vec<Effect>) {
        let message = match word {
            Word::Vote(vote) => Message::Vote(vote),
            Word::Seal(seal) => Message::Seal(seal),
            Word::Justification(justification) => Message::Justification(justification),
        };
        self.tell(&name(&message), to, &message, |_| true, effects);
    }

    fn tell(
        &mut self,
        hash: &Hash,
        to: To,
        message: &Message,
        lacks: impl Fn(&PeerState) -> bool,
        effects: &mut Vec<Effect>,
    ) {
        for (peer, state) in self.peers.iter_mut().filter(|(peer, state)| to.includes(**peer) && state.is_met()) {
            if lacks(state) && state.known.add(hash) {
                effects.push(send(*peer, message.clone()));
            }
        }
    }

    pub(crate) fn take_word(&mut self, from: Peer, message: Message, effects: &mut Vec<Effect>) {
        let hash = name(&message);
        let Some(state) = self.peers.get_mut(&from) else { return };
        let mut is_new = state.known.add(&hash);
        let word = match message {
            Message::Vote(vote) => Word::Vote(vote),
            Message::Seal(seal) => {
                if !is_new && let Some(left) = state.seals.checked_sub(1) {
                    (state.seals, is_new) = (left, true);
                }
                Word::Seal(seal)
            }
            Message::Justification(justification) => {
                let asked = state.answered(Want::Justification(justification.round, justification.hash));
                if asked == Answered::Asked {
                    return effects.push(Effect::Word(from, Word::Justification(justification)));
                }
                Word::Justification(justification)
            }
            _ => return,
        };
        if is_new {
            effects.push(Effect::Word(from, word));
        }
    }

    pub(crate) fn fetch_justification(&mut self, peer: Peer, round: Round, hash: Hash, effects: &mut Vec<Effect>) {
        let ask = Message::GetJustification(GetJustification { round, hash });
        self.ask(peer, Want::Justification(round, hash), ask, effects);
    }

    /// The root machine lacks a block that a peer built on. After too many steps back by hash, headers are faster.
    pub(crate) fn fetch_for_root(&mut self, peer: Peer, hash: Hash, effects: &mut Vec<Effect>) {
        self.delivered.remove(&hash);
        let Some(state) = self.peers.get_mut(&peer) else { return self.fetch_elsewhere(hash, Vec::new(), effects) };
        state.steps_back = state.steps_back.saturating_add(1);
        if state.steps_back > STEPS_BACK_MAX {
            state.steps_back = 0;
            state.more = true;
        } else if !self.fetching.contains_key(&hash) {
            self.fetch(peer, hash, effects);
        }
    }

    /// Ask a peer for a block.
    pub(crate) fn fetch(&mut self, peer: Peer, hash: Hash, effects: &mut Vec<Effect>) {
        if self.ask(peer, Want::Block(hash), Message::GetBlock(hash), effects) {
            self.fetching.entry(hash).or_default().push(peer);
        }
    }

    /// Ask another peer than those, if too many were not asked yet.
    pub(crate) fn fetch_elsewhere(&mut self, hash: Hash, tried: Vec<Peer>, effects: &mut Vec<Effect>) {
        let others = self.met().filter(|(peer, _)| !tried.contains(peer));
        let next = others.max_by_key(|(peer, state)| (state.known.has(&hash), core::cmp::Reverse(*peer)));
        let next = next.map(|(peer, _)| peer).filter(|_| tried.len() < FETCHED_FROM_MAX);
        if let Some(peer) = next {
            self.fetching.insert(hash, tried);
            if self.ask(peer, Want::Block(hash), Message::GetBlock(hash), effects) {
                self.fetching.entry(hash).or_default().push(peer);
                return;
            }
        }
        self.fetching.remove(&hash);
    }

    /// A block came, asked for or not.
    pub(crate) fn take_block(&mut self, from: Peer, block: BlockBytes, effects: &mut Vec<Effect>) {
        let Ok(header) = block.parse() else { return self.score(from, Points::WRONG_BYTES, effects) };
        let hash = header.hash();
        let Some(state) = self.peers.get_mut(&from) else { return };
        state.known.add(&hash);
        let answered = state.answered(Want::Block(hash));
        let asked = answered == Answered::Asked;
        let is_key = block.is_key();
        let fits = block.body_fits(&header);
        if !fits || (answered == Answered::Unasked && !is_key) {
            if asked {
                self.unanswered(from, Want::Block(hash), None, effects);
            }
            return self.score(from, Points::WRONG_BYTES, effects);
        }
        if asked {
            self.fetching.remove(&hash);
        } else if self.is_far(header.height()) {
            // Its parents are not here, and would be asked for one by one: headers first.
            if let Some(state) = self.peers.get_mut(&from) {
                state.more = true;
            }
            return;
        }
        self.deliver(from, hash, block, effects);
    }

    /// Hand a block to the root machine, once.
    pub(crate) fn deliver(&mut self, from: Peer, hash: Hash, block: BlockBytes, effects: &mut Vec<Effect>) {
        if self.delivered.add(&hash) {
            effects.push(Effect::Block(from, block));
            self.score(from, Points::USEFUL, effects);
        }
    }

    /// Whether a block's parents cannot be here.
    pub(crate) fn is_far(&self, height: Height) -> bool {
        height.0 > self.status.height.0.saturating_add(NEAR)
    }

    /// The root machine will never have this block, nor what descends from it.
    pub(crate) fn refuse(&mut self, hash: Hash) {
        self.refused.add(&hash);
        self.refuse_plan(hash);
    }
}

/// What a word is remembered by.
fn name(message: &Message) -> Hash {
    Hash(banyan_crypto::blake2b(&[&message.encode()]))
}
