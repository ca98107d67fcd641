//! Answer peers from the store and the pool.

use alloc::{boxed::Box, string::String, vec::Vec};

use banyan_types::{Hash, Peer, Points, witness::Seal};

use crate::{
    Effect, Found, Gossip, Look, Message,
    limits::{HEADERS_MAX, SEALS_MAX, TXS_BYTES_MAX},
    message::{Generation, GetGeneration, GetHeaders, GetJustification, GetTxs, Limited, Txs},
    peer::Answered,
    want::Want,
};

/// Who has put a question to the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A peer wants headers.
    Headers(Peer),
    /// A peer wants this generation from this index on.
    Generation(Peer, Hash, u32),
    /// A peer wants this block.
    Block(Peer, Hash),
    /// A peer wants transactions, by this question.
    Txs(Peer, u64),
    /// A peer wants the justification of this key block.
    Justification(Peer, Hash),
    /// A peer wants seals of eras' last key blocks.
    Seals(Peer),
    /// A peer wants addresses.
    Addresses(Peer),
    /// Headers are to be asked for: where does this chain stand?
    Chase,
    /// Headers have come: what is below the first, whose key block before this is?
    Past(Hash),
    /// A light block lacks transactions.
    Light(Hash),
}

impl Asker {
    /// The peer that asked.
    pub const fn peer(&self) -> Option<Peer> {
        match self {
            Self::Headers(peer)
            | Self::Generation(peer, ..)
            | Self::Block(peer, _)
            | Self::Txs(peer, _)
            | Self::Justification(peer, _)
            | Self::Seals(peer)
            | Self::Addresses(peer) => Some(*peer),
            Self::Chase | Self::Past(_) | Self::Light(_) => None,
        }
    }
}

impl Gossip {
    pub(crate) fn serve_headers(&mut self, from: Peer, ask: GetHeaders, effects: &mut Vec<Effect>) {
        let max = usize::try_from(ask.max).unwrap_or(usize::MAX).min(HEADERS_MAX);
        let look = Look::Locate { locator: ask.locator.into_vec(), max };
        self.look_for(from, Asker::Headers(from), look, effects);
    }

    pub(crate) fn serve_generation(&mut self, from: Peer, ask: &GetGeneration, effects: &mut Vec<Effect>) {
        let look = Look::Generation { key_hash: ask.key_hash, last: ask.last, from: ask.from };
        self.look_for(from, Asker::Generation(from, ask.key_hash, ask.from), look, effects);
    }

    pub(crate) fn serve_txs(&mut self, from: Peer, ask: GetTxs, effects: &mut Vec<Effect>) {
        self.look_for(from, Asker::Txs(from, ask.id), Look::Txs(ask.hashes.into_vec()), effects);
    }

    pub(crate) fn serve_justification(&mut self, from: Peer, ask: GetJustification, effects: &mut Vec<Effect>) {
        let look = Look::Justification { round: ask.round, hash: ask.hash };
        self.look_for(from, Asker::Justification(from, ask.hash), look, effects);
    }

    /// The shell has looked something up.
    pub(crate) fn answer(&mut self, asker: Asker, found: Found, effects: &mut Vec<Effect>) {
        let (peer, message) = match (asker, found) {
            (Asker::Chase, Found::Locator(locator)) => return self.chase_from(locator, effects),
            (Asker::Past(hash), Found::Past { past, work }) => return self.chase_on(hash, past, work, effects),
            (Asker::Chase | Asker::Past(_), _) => return self.end_chase(),
            (Asker::Light(block), Found::Txs(txs)) => return self.fill_light(block, txs, effects),
            (Asker::Light(block), _) => return self.fill_light(block, Vec::new(), effects),
            (Asker::Headers(peer), Found::Headers(headers)) => {
                (peer, Message::Headers(headers.into_iter().take(HEADERS_MAX).collect()))
            }
            (Asker::Headers(peer), _) => (peer, Message::Headers(Vec::new())),
            (Asker::Generation(peer, key_hash, from), Found::Generation { blocks, more }) => {
                let page = Generation { key_hash, from, blocks: Limited::first_of(blocks), more };
                (peer, Message::Generation(page))
            }
            (Asker::Block(peer, _), Found::Block(block)) => (peer, Message::Block(*block)),
            (Asker::Txs(peer, id), Found::Txs(txs)) => {
                let mut left = TXS_BYTES_MAX;
                let fits =
                    |tx: &banyan_types::Bytes| left.checked_sub(tx.0.len()).inspect(|rest| left = *rest).is_some();
                let txs = Limited::first_of(txs.into_iter().flatten().take_while(fits));
                (peer, Message::Txs(Txs { id, txs }))
            }
            (Asker::Txs(peer, id), _) => (peer, Message::Txs(Txs { id, txs: Limited::first_of([]) })),
            (Asker::Justification(peer, _), Found::Justification(justification)) => {
                (peer, Message::Justification(justification))
            }
            (Asker::Seals(peer), Found::Seals(seals)) => return self.send_seals(peer, seals, effects),
            (Asker::Seals(_), _) => return,
            (Asker::Addresses(peer), Found::Addresses(all)) => (peer, Message::Peers(Limited::first_of(all))),
            (Asker::Addresses(peer), _) => (peer, Message::Peers(Limited::first_of([]))),
            (Asker::Generation(peer, hash, _) | Asker::Block(peer, hash) | Asker::Justification(peer, hash), _) => {
                (peer, Message::Missing(hash))
            }
        };
        if self.peers.contains_key(&peer) {
            effects.push(Effect::Send(peer, Box::new(message)));
        }
    }

    /// In order: whoever is eras behind can take one only after the one before.
    fn send_seals(&self, peer: Peer, seals: Vec<Seal>, effects: &mut Vec<Effect>) {
        if self.peers.contains_key(&peer) {
            let seals = seals.into_iter().take(SEALS_MAX);
            effects.extend(seals.map(|seal| Effect::Send(peer, Box::new(Message::Seal(Box::new(seal))))));
        }
    }

    pub(crate) fn take_addresses(&mut self, from: Peer, addresses: Vec<String>, effects: &mut Vec<Effect>) {
        let Some(state) = self.peers.get_mut(&from) else { return };
        match state.answered(Want::Addresses) {
            Answered::Asked => effects.push(Effect::Addresses(from, addresses)),
            Answered::Late => {}
            Answered::Unasked => self.score(from, Points::WRONG_BYTES, effects),
        }
    }
}
