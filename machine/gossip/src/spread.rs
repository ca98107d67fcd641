//! Spread transactions: hashes are pushed, bodies pulled, and comparing pools heals the rest.

use alloc::{collections::BTreeMap, vec::Vec};

use banyan_types::{Bytes, Hash, Peer, Points, TxHash};

use crate::{
    Effect, Gossip, Message,
    limits::{NEW_TXS_MAX, TXS_MAX},
    machine::send,
    message::{GetTxs, Limited, PoolRanges, Txs},
    peer::{Answered, TxsAsked},
    want::Want,
};

/// Bytes of a hash on the wire.
const HASH_WIRE: usize = 33;

impl Gossip {
    /// The pool has these: tell who may lack them.
    pub(crate) fn pooled(&mut self, hashes: &[TxHash], effects: &mut Vec<Effect>) {
        for hash in hashes {
            self.pool.add(*hash);
            self.seen_txs.add(hash);
        }
        for (peer, state) in self.peers.iter_mut().filter(|(_, state)| state.is_met()) {
            let lacking: Vec<TxHash> = hashes.iter().filter(|hash| state.known.add(*hash)).copied().collect();
            for part in lacking.chunks(NEW_TXS_MAX) {
                effects.push(send(*peer, Message::NewTxs(Limited::first_of(part.iter().copied()))));
            }
        }
    }

    /// A peer has these. While this node catches up it wants none: most are in blocks that it has not seen.
    pub(crate) fn new_txs(&mut self, from: Peer, hashes: &[TxHash], effects: &mut Vec<Effect>) {
        let Some(state) = self.peers.get_mut(&from) else { return };
        for hash in hashes {
            state.known.add(hash);
        }
        if !self.sync.is_busy() {
            self.want_txs(from, hashes.iter().copied(), effects);
        }
    }

    fn want_txs(&mut self, from: Peer, hashes: impl Iterator<Item = TxHash>, effects: &mut Vec<Effect>) {
        let is_new = |hash: &TxHash| !self.pool.has(hash) && !self.seen_txs.has(hash) && !self.asked_txs.contains(hash);
        let lacking: Vec<TxHash> = hashes.filter(is_new).take(TXS_MAX).collect();
        if !lacking.is_empty() {
            self.ask_txs(from, None, lacking, effects);
        }
    }

    /// Ask a peer for transactions, for a light block or for the pool.
    pub(crate) fn ask_txs(
        &mut self,
        peer: Peer,
        block: Option<Hash>,
        hashes: Vec<TxHash>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        self.question = self.question.saturating_add(1);
        let id = self.question;
        let ask = GetTxs { id, hashes: Limited::first_of(hashes.iter().copied()) };
        let asked = self.ask(peer, Want::Txs(id), Message::GetTxs(ask), effects);
        if let Some(state) = self.peers.get_mut(&peer).filter(|_| asked) {
            if block.is_none() {
                self.asked_txs.extend(hashes.iter().copied());
            }
            state.txs.insert(id, TxsAsked { block, hashes });
        }
        asked
    }

    pub(crate) fn take_txs(&mut self, from: Peer, answer: Txs, effects: &mut Vec<Effect>) {
        let Some(state) = self.peers.get_mut(&from) else { return };
        let want = Want::Txs(answer.id);
        let asked = match (state.answered(want), state.take_txs(&want)) {
            (Answered::Asked, Some(asked)) => asked,
            (Answered::Unasked, _) => return self.score(from, Points::WRONG_BYTES, effects),
            _ => return,
        };
        let named = answer.txs.into_vec().into_iter().map(|tx| (TxHash(banyan_crypto::blake2b(&[&tx.0])), tx));
        let (good, wrong): (BTreeMap<_, _>, BTreeMap<_, _>) = named.partition(|(hash, _)| asked.hashes.contains(hash));
        match asked.block {
            Some(block) => self.feed_light(block, from, good, effects),
            None => self.take_new(from, asked.hashes, good, effects),
        }
        if !wrong.is_empty() {
            self.score(from, Points::WRONG_BYTES, effects);
        }
    }

    fn take_new(&mut self, from: Peer, asked: Vec<TxHash>, good: BTreeMap<TxHash, Bytes>, effects: &mut Vec<Effect>) {
        for hash in &asked {
            self.asked_txs.remove(hash);
        }
        if good.is_empty() {
            return;
        }
        for hash in good.keys() {
            self.seen_txs.add(hash);
        }
        let rest: Vec<TxHash> = asked.into_iter().filter(|hash| !good.contains_key(hash)).collect();
        effects.push(Effect::Txs(from, good.into_values().collect()));
        self.score(from, Points::USEFUL, effects);
        self.want_txs(from, rest.into_iter(), effects);
    }

    /// A peer compares pools.
    pub(crate) fn compare(&mut self, from: Peer, theirs: &PoolRanges, effects: &mut Vec<Effect>) {
        let Some(left) = self.peers.get(&from).map(|state| state.pool_bytes) else { return };
        if self.sync.is_busy() {
            return;
        }
        let compared = self.pool.compare(theirs, left);
        let answer = compared.answer.map(Message::Pool);
        let left = left.saturating_sub(answer.as_ref().map_or(0, |answer| answer.encode().len()));
        effects.extend(answer.map(|answer| send(from, answer)));
        let surplus = compared.surplus.get(..compared.surplus.len().min(left / HASH_WIRE)).unwrap_or_default();
        for part in surplus.chunks(NEW_TXS_MAX) {
            effects.push(send(from, Message::NewTxs(Limited::first_of(part.iter().copied()))));
        }
        if let Some(state) = self.peers.get_mut(&from) {
            for hash in surplus {
                state.known.add(hash);
            }
            state.pool_bytes = left.saturating_sub(surplus.len().saturating_mul(HASH_WIRE));
        }
        self.want_txs(from, compared.lacking.into_iter(), effects);
    }

    /// Nobody answered: new transactions come by the next comparison, a light block asks the next peer.
    pub(crate) fn lose_txs(&mut self, peer: Peer, asked: &TxsAsked, effects: &mut Vec<Effect>) {
        match asked.block {
            Some(block) => self.feed_light(block, peer, BTreeMap::new(), effects),
            None => asked.hashes.iter().for_each(|hash| {
                self.asked_txs.remove(hash);
            }),
        }
    }
}
