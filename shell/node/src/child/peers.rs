//! The peers that validators of a child talk to, and how well they behave.

use std::collections::{BTreeMap, btree_map::Keys};

use banyan_child::To;
use banyan_types::{Peer, Points, TimeMs};

use super::talk::Talk;
use crate::node::{Core, Order};

/// The least score: the peer is sent away.
const SCORE_MIN: i32 = -100;
/// How long to stay away from it, in milliseconds.
const BAN_MS: u64 = 600_000;
/// Answers with blocks that a peer gets within a span, and that span in milliseconds.
const SERVED_MAX: u32 = 32;
const SERVED_SPAN_MS: u64 = 1_000;

/// Who is connected.
#[derive(Debug, Default)]
pub struct Peers(BTreeMap<Peer, Standing>);

#[derive(Debug, Default)]
pub struct Standing {
    score: i32,
    /// Answers with blocks since a time.
    served: u32,
    since: TimeMs,
}

impl Peers {
    /// A connection stands.
    pub fn join(&mut self, peer: Peer) {
        self.0.insert(peer, Standing::default());
    }

    /// It is gone.
    pub fn leave(&mut self, peer: Peer) {
        self.0.remove(&peer);
    }

    /// All of them.
    pub fn iter(&self) -> Keys<'_, Peer, Standing> {
        self.0.keys()
    }

    /// Send it.
    pub fn send(&self, core: &mut Core, to: To, talk: &Talk) {
        let (bytes, is_urgent) = (talk.encode(), talk.is_urgent());
        for peer in self.0.keys().filter(|peer| to.is(**peer)) {
            core.order(Order::Frame { peer: *peer, is_urgent, bytes: bytes.clone() });
        }
    }

    /// Think so much better or worse of a peer; whoever is too bad has to go.
    pub fn score(&mut self, core: &mut Core, peer: Peer, points: Points) {
        let Some(standing) = self.0.get_mut(&peer) else { return };
        standing.score = standing.score.saturating_add(i32::from(points.0)).min(0);
        if standing.score <= SCORE_MIN {
            self.0.remove(&peer);
            core.order(Order::Disconnect { peer, why: "score too low".into(), ban_ms: Some(BAN_MS) });
        }
    }

    /// Whether a peer may have one more answer with blocks now.
    pub fn may_have(&mut self, peer: Peer, now: TimeMs) -> bool {
        let Some(standing) = self.0.get_mut(&peer) else { return false };
        if standing.since.0.saturating_add(SERVED_SPAN_MS) <= now.0 {
            (standing.served, standing.since) = (0, now);
        }
        standing.served += 1;
        standing.served <= SERVED_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_gets_so_many_answers_in_a_second_and_then_waits() {
        let (mut peers, peer) = (Peers::default(), Peer(1));
        assert!(!peers.may_have(peer, TimeMs(5_000)), "not connected");
        peers.join(peer);
        let answered = |peers: &mut Peers, now| (0..50).filter(|_| peers.may_have(peer, TimeMs(now))).count();
        assert_eq!(answered(&mut peers, 5_000), 32);
        assert_eq!(answered(&mut peers, 5_999), 0);
        assert_eq!(answered(&mut peers, 6_000), 32);
    }
}
