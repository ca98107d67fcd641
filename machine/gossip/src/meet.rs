//! Peers come, say who they are, stand somewhere, and go; time passes for all of them.

use alloc::{boxed::Box, vec::Vec};

use banyan_types::{Hash, Peer, Points, TimeMs};

use crate::{
    Effect, Gossip, Message, Why,
    limits::{ANSWER_MS, NEAR, PEERS_MAX, POOL_BYTES_MAX, POOL_EVERY_MS},
    machine::send,
    message::{Hello, Status},
    peer::{Answered, PeerState},
    want::Want,
};

impl Gossip {
    pub(crate) fn connected(&mut self, peer: Peer, score: Points, effects: &mut Vec<Effect>) {
        if self.peers.contains_key(&peer) {
            return;
        }
        let max = self.params.peers_max.min(PEERS_MAX);
        if self.peers.len() >= max {
            return effects.push(Effect::Disconnect { peer, why: Why::Full { max }, ban_ms: None });
        }
        self.peers.insert(peer, PeerState::new(score, self.now));
        let hello = Hello {
            chain: self.params.chain,
            epoch: self.params.epoch,
            version: self.params.root.versions.newest(),
            network_id: self.params.root.network_id.clone(),
            mode: self.params.mode.clone(),
            status: self.status,
        };
        effects.push(send(peer, Message::Hello(Box::new(hello))));
    }

    /// A peer says who it is. The first difference ends the connection.
    pub(crate) fn greeted(&mut self, peer: Peer, hello: Box<Hello>, effects: &mut Vec<Effect>) {
        if let Some(why) = self.stranger(&hello) {
            return self.disconnect(peer, why, None, effects);
        }
        let Some(state) = self.peers.get_mut(&peer) else { return };
        let is_new = !state.is_met();
        let status = hello.status;
        state.status = Some(status);
        if is_new {
            effects.push(Effect::Met(peer, hello));
            effects.push(send(peer, Message::Pool(self.pool.open())));
        }
        self.told(peer, status, effects);
    }

    fn stranger(&self, hello: &Hello) -> Option<Why> {
        let ours = &self.params;
        if hello.chain != ours.chain {
            return Some(Why::Chain { theirs: hello.chain, ours: ours.chain });
        }
        if hello.epoch != ours.epoch {
            return Some(Why::Epoch { theirs: hello.epoch, ours: ours.epoch });
        }
        if hello.version != ours.root.versions.newest() {
            return Some(Why::Version { theirs: hello.version, ours: ours.root.versions.newest() });
        }
        let (theirs, ours) = (hello.network_id.clone(), ours.root.network_id.clone());
        (theirs != ours).then_some(Why::Network { theirs, ours })
    }

    /// A peer says where it stands. Close by, its tip is all that can lack here; if it leads further back, the root machine
    /// asks for more.
    pub(crate) fn told(&mut self, peer: Peer, status: Status, effects: &mut Vec<Effect>) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        state.status = Some(status);
        state.known.add(&status.tip);
        let reach = self.status.height.0.saturating_add(NEAR);
        let lacks = status.tip != self.status.tip && !self.delivered.has(&status.tip);
        let is_near = status.work >= self.status.work && status.height.0 <= reach;
        if lacks && is_near && !self.sync.is_busy() && !self.fetching.contains_key(&status.tip) {
            self.fetch(peer, status.tip, effects);
        }
    }

    /// This node stands elsewhere.
    pub(crate) fn stand(&mut self, status: Status) {
        self.status = status;
        self.delivered.add(&status.tip);
    }

    pub(crate) fn gone(&mut self, peer: Peer, effects: &mut Vec<Effect>) {
        let Some(mut state) = self.peers.remove(&peer) else { return };
        self.looks.retain(|_, asker| asker.peer() != Some(peer));
        for want in state.wants() {
            self.unanswered(peer, want, state.take_txs(&want), effects);
        }
        self.lose_chase(peer);
    }

    pub(crate) fn tick(&mut self, now: TimeMs, effects: &mut Vec<Effect>) {
        self.now = self.now.max(now);
        let then = TimeMs(self.now.0.saturating_sub(ANSWER_MS));
        for peer in self.peers.keys().copied().collect::<Vec<_>>() {
            self.tick_peer(peer, then, effects);
        }
        if self.now >= self.round {
            self.round = TimeMs(self.now.0.saturating_add(POOL_EVERY_MS));
            self.start_round(effects);
        }
    }

    fn tick_peer(&mut self, peer: Peer, then: TimeMs, effects: &mut Vec<Effect>) {
        let now = self.now;
        let Some(state) = self.peers.get_mut(&peer) else { return };
        state.score.decay(now);
        if !state.is_met() && state.since <= then {
            return self.disconnect(peer, Why::Silent { max_ms: ANSWER_MS }, None, effects);
        }
        let late = if now.0 >= ANSWER_MS { state.take_late(then) } else { Vec::new() };
        let Some(_) = late.first() else { return };
        // One loss for all that is late at once: a line that stands still is one fault.
        state.resting = TimeMs(now.0.saturating_add(ANSWER_MS));
        for want in late {
            let txs = self.peers.get_mut(&peer).and_then(|state| state.take_txs(&want));
            self.unanswered(peer, want, txs, effects);
        }
        self.score(peer, Points::NO_ANSWER, effects);
    }

    /// Compare notes with one peer.
    fn start_round(&mut self, effects: &mut Vec<Effect>) {
        self.peers.values_mut().for_each(|state| state.pool_bytes = POOL_BYTES_MAX);
        let met: Vec<Peer> = self.met().map(|(peer, _)| peer).collect();
        let Some(peer) = met.get(self.dice.below(met.len())).copied() else { return };
        effects.push(send(peer, Message::Status(self.status)));
        effects.push(send(peer, Message::Pool(self.pool.open())));
    }

    /// A peer has not what it was asked for.
    pub(crate) fn missing(&mut self, peer: Peer, hash: Hash, effects: &mut Vec<Effect>) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        let wants: Vec<Want> = state.wants().into_iter().filter(|want| want.hash() == Some(hash)).collect();
        if wants.is_empty() {
            if !state.was_asked(&hash) {
                self.score(peer, Points::WRONG_BYTES, effects);
            }
            return;
        }
        for want in wants {
            if self.peers.get_mut(&peer).map(|state| state.answered(want)) == Some(Answered::Asked) {
                self.unanswered(peer, want, None, effects);
            }
        }
    }
}
