//! Rebuild micro blocks from the pool: a light block says which transactions, the pool has most of them.
//!
//! The hashes must make the header's root, so a rebuilt body is the leader's or none. What lacks is asked of the sender,
//! then of two others; if all fail, the next comparison of tips fetches the block whole. Rules: protocol, root 10.

use alloc::{boxed::Box, collections::BTreeMap, vec, vec::Vec};

use banyan_root::Header;
use banyan_types::{
    Bytes, Hash, Peer, Points, TxHash,
    header::{MicroBody, MicroHeader},
};

use crate::{
    Effect, Gossip, Look,
    limits::{LIGHT_ASKED_MAX, LIGHTS_MAX, LIGHTS_PER_PEER_MAX, TXS_MAX},
    message::BlockBytes,
    serve::Asker,
};

/// Light blocks that wait for transactions.
#[derive(Clone, Debug, Default)]
pub struct Lights(BTreeMap<Hash, Light>);

#[derive(Clone, Debug)]
struct Light {
    header: Box<MicroHeader>,
    hashes: Vec<TxHash>,
    /// Bodies as far as they are here, in the order of `hashes`.
    txs: Vec<Option<Bytes>>,
    /// Who sent it, then others that sent it too.
    havers: Vec<Peer>,
    /// Who was asked.
    tried: Vec<Peer>,
}

impl Lights {
    fn of(&self, peer: Peer) -> usize {
        self.0.values().filter(|light| light.havers.first() == Some(&peer)).count()
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl Light {
    fn lacking(&self) -> Vec<TxHash> {
        self.hashes.iter().zip(&self.txs).filter(|(_, tx)| tx.is_none()).map(|(hash, _)| *hash).collect()
    }

    fn fill(&mut self, mut have: BTreeMap<TxHash, Bytes>) {
        for (hash, tx) in self.hashes.iter().zip(&mut self.txs).filter(|(_, tx)| tx.is_none()) {
            *tx = have.remove(hash);
        }
    }
}

impl Gossip {
    pub(crate) fn take_light(
        &mut self,
        from: Peer,
        header: Box<MicroHeader>,
        hashes: Vec<TxHash>,
        effects: &mut Vec<Effect>,
    ) {
        if Hash(banyan_tree::list_root(hashes.iter().map(|hash| hash.0))) != header.txs_root {
            return self.score(from, Points::WRONG_BYTES, effects);
        }
        let hash = header.hash();
        let is_far = self.is_far(header.height);
        let Some(state) = self.peers.get_mut(&from) else { return };
        state.known.add(&hash);
        state.more |= is_far;
        if let Some(light) = self.lights.0.get_mut(&hash) {
            if light.havers.len() < LIGHT_ASKED_MAX && !light.havers.contains(&from) {
                light.havers.push(from);
            }
            return;
        }
        let is_full = self.lights.0.len() >= LIGHTS_MAX || self.lights.of(from) >= LIGHTS_PER_PEER_MAX;
        if is_far || is_full || self.delivered.has(&hash) {
            return;
        }
        let txs = vec![None; hashes.len()];
        let look = Look::Txs(hashes.clone());
        self.lights.0.insert(hash, Light { header, hashes, txs, havers: vec![from], tried: Vec::new() });
        self.look(Asker::Light(hash), look, effects);
    }

    /// The pool gave what it has.
    pub(crate) fn fill_light(&mut self, block: Hash, txs: Vec<Option<Bytes>>, effects: &mut Vec<Effect>) {
        let Some(light) = self.lights.0.get_mut(&block) else { return };
        light.fill(light.hashes.iter().copied().zip(txs).filter_map(|(hash, tx)| Some((hash, tx?))).collect());
        self.complete(block, effects);
    }

    /// A peer gave what it has, perhaps less than was asked for.
    pub(crate) fn feed_light(
        &mut self,
        block: Hash,
        from: Peer,
        txs: BTreeMap<TxHash, Bytes>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(light) = self.lights.0.get_mut(&block) else { return };
        if !txs.is_empty() {
            // It may have more that did not fit. Each time less is lacking, so this ends.
            light.tried.retain(|peer| *peer != from);
        }
        light.fill(txs);
        self.complete(block, effects);
    }

    /// Hand the block over if nothing lacks, else ask the next peer.
    fn complete(&mut self, block: Hash, effects: &mut Vec<Effect>) {
        let Some(light) = self.lights.0.get(&block) else { return };
        let (lacking, sender) = (light.lacking(), light.havers.first().copied());
        if lacking.is_empty() {
            let Some(light) = self.lights.0.remove(&block) else { return };
            let body = MicroBody { txs: light.txs.into_iter().flatten().collect(), attachments: Vec::new() };
            let bytes = BlockBytes::of(&Header::Micro(light.header), Bytes(body.encode()));
            let Some(from) = sender else { return };
            return self.deliver(from, block, bytes, effects);
        }
        if lacking.len() > TXS_MAX {
            // So much is asked for at once only as a whole.
            self.lights.0.remove(&block);
            return self.fetch_elsewhere(block, Vec::new(), effects);
        }
        while let Some(peer) = self.next_haver(&block) {
            if let Some(light) = self.lights.0.get_mut(&block) {
                light.tried.push(peer);
            }
            if self.ask_txs(peer, Some(block), lacking.clone(), effects) {
                return;
            }
        }
        self.lights.0.remove(&block);
    }

    fn next_haver(&self, block: &Hash) -> Option<Peer> {
        let light = self.lights.0.get(block).filter(|light| light.tried.len() < LIGHT_ASKED_MAX)?;
        let anybody = self.met().map(|(peer, _)| peer);
        light.havers.iter().copied().chain(anybody).find(|peer| !light.tried.contains(peer))
    }
}
