//! Talk to peers: carry frames to the gossip machine, and what it asks for to the others.

use std::collections::BTreeMap;

use banyan_gossip::{
    Effect, Gossip, Input as Talk, Message, Params, Word,
    message::{Priority, Status},
};
use banyan_root::{Machine, Peer, Points, RootParams};
use banyan_types::{PublicKey, rlp::DecodeError, tx::SignedTx};
use banyan_witness::Input as Vote;

use super::{PeersRole, RootDriver, Todo};
use crate::{
    NodeError, SubmitError,
    node::{BlockBytes, Core, Order},
};

/// What a node keeps, as it tells its peers.
const MODE: &str = "collect";
/// Peers that left with a bad score and are remembered, at most.
const SCORES_MAX: usize = 1_024;
/// Addresses that are passed on to a peer that asks.
const ADDRESSES_MAX: usize = banyan_gossip::limits::ADDRESSES_MAX;

/// The gossip machine and what it needs of this node.
pub struct Peers {
    machine: Gossip,
    /// Addresses of peers that this node has reached, as the network says.
    pub addresses: Vec<String>,
    /// Who is connected.
    who: BTreeMap<Peer, PublicKey>,
    /// What is held against peers that left: they have it again when they come back.
    scores: BTreeMap<PublicKey, Points>,
}

impl Peers {
    pub fn open(core: &Core, machine: &Machine, root: RootParams, role: &PeersRole) -> Self {
        let params =
            Params { root, chain: core.chain.genesis_hash(), epoch: 0, mode: MODE.into(), peers_max: role.peers_max };
        let machine = Gossip::new(params, status(machine), role.seed);
        Self { machine, addresses: Vec::new(), who: BTreeMap::new(), scores: BTreeMap::new() }
    }

    /// A connection stands. The score that is left of an earlier one.
    pub fn meet(&mut self, peer: Peer, who: PublicKey) -> Points {
        self.who.insert(peer, who);
        self.scores.get(&who).copied().unwrap_or(Points(0))
    }

    /// A connection is gone.
    pub fn part(&mut self, peer: Peer) {
        let (Some(who), Some(score)) = (self.who.remove(&peer), self.machine.score_of(peer)) else { return };
        if score.0 < 0 {
            self.scores.insert(who, score);
        } else {
            self.scores.remove(&who);
        }
        if self.scores.len() > SCORES_MAX {
            self.scores.pop_first();
        }
    }
}

/// Where the chain machine stands, as peers are told.
fn status(machine: &Machine) -> Status {
    let (tip, last) = (machine.tip(), machine.last_final());
    Status {
        work: machine.work(&tip.hash).unwrap_or(0),
        tip: tip.hash,
        height: tip.height,
        final_hash: last.hash,
        final_height: last.height,
    }
}

impl RootDriver {
    pub(super) fn step_talk(&mut self, core: &mut Core, step: Talk) -> Result<(), NodeError> {
        let Some(peers) = &mut self.peers else { return Ok(()) };
        let mut effects = Vec::new();
        peers.machine.step(step, &mut effects);
        for effect in effects {
            self.perform_talk(core, effect)?;
        }
        Ok(())
    }

    fn perform_talk(&mut self, core: &mut Core, effect: Effect) -> Result<(), NodeError> {
        match effect {
            Effect::Send(peer, message) => {
                let is_urgent = message.priority() == Priority::Pace;
                core.order(Order::Frame { peer, is_urgent, bytes: message.encode() });
            }
            Effect::Look(id, look) => {
                let found = self.look_up(core, look)?;
                self.todo.push_back(Todo::Talk(Talk::Found(id, found)));
            }
            Effect::Met(peer, hello) => {
                self.witness_met(core, hello.status.final_height)?;
                self.todo.push_back(Todo::Votes(Vote::Connected(peer)));
                self.todo.push_back(Todo::Talk(Talk::FetchAddresses(peer)));
            }
            Effect::Block(peer, block) => {
                self.look_at(core, Some(peer), BlockBytes { header: block.header.0, body: block.body.0 })?;
            }
            Effect::Word(peer, word) => self.hear_word(core, peer, word)?,
            Effect::Txs(peer, txs) => self.take_txs(core, peer, &txs)?,
            Effect::Addresses(peer, addresses) => core.order(Order::Learn(peer, addresses)),
            Effect::Disconnect { peer, why, ban_ms } => {
                core.order(Order::Disconnect { peer, why: why.to_string(), ban_ms });
            }
            Effect::Wake(at) => self.wakes.talk = Some(at),
        }
        Ok(())
    }

    /// A frame has come.
    pub(super) fn hear(&mut self, from: Peer, bytes: &[u8]) {
        let step = match Message::decode(bytes) {
            Ok(message) => Talk::Message { from, message: Box::new(message), bytes: bytes.len() },
            Err(_) => Talk::Wrong(from),
        };
        self.todo.push_back(Todo::Talk(step));
    }

    fn hear_word(&mut self, core: &mut Core, peer: Peer, word: Word) -> Result<(), NodeError> {
        let from = Some(peer);
        self.todo.push_back(Todo::Votes(match word {
            Word::Vote(vote) => Vote::Vote { from, vote: *vote },
            Word::Seal(seal) => return self.hear_seal(core, peer, seal),
            Word::Justification(justification) => Vote::Justification { from, justification },
        }));
        Ok(())
    }

    /// Put a peer's transactions into the pool. What this node's state refuses now may be good at the peer's; what no state
    /// takes is the peer's fault.
    fn take_txs(&mut self, core: &mut Core, peer: Peer, txs: &[banyan_types::Bytes]) -> Result<(), NodeError> {
        let decoded: Result<Vec<_>, DecodeError> = txs.iter().map(|tx| SignedTx::decode(&tx.0)).collect();
        let Ok(decoded) = decoded else {
            self.score(core, peer, Points::WRONG_BYTES);
            return Ok(());
        };
        let answers = core.submit(decoded)?;
        let forged = |answer: &Result<_, SubmitError>| {
            matches!(answer, Err(SubmitError::Rejected(banyan_ledger::Rejected::BadSignature)))
        };
        if answers.iter().any(forged) {
            self.score(core, peer, Points::INVALID);
        }
        if answers.iter().any(Result::is_ok) {
            self.ready = false;
        }
        Ok(())
    }

    /// Tell peers where this node stands now.
    pub(super) fn tell_status(&mut self) {
        if self.peers.is_some() {
            self.todo.push_back(Todo::Talk(Talk::Status(status(&self.machine))));
        }
    }

    /// Addresses that the network has reached.
    pub(super) fn reached(&mut self, mut addresses: Vec<String>) {
        addresses.truncate(ADDRESSES_MAX);
        if let Some(peers) = &mut self.peers {
            peers.addresses = addresses;
        }
    }

    /// Whether this node fetches what its peers have.
    pub(super) fn syncing(&self) -> bool {
        self.peers.as_ref().is_some_and(|peers| peers.machine.behind() > 0)
    }
}
