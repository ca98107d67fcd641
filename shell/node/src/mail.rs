//! Frames that wait for the node, by peer: each peer has its turn, and what a peer has left behind goes with it.
//!
//! One queue for all would let whoever sends most decide how long the others wait, and keep the frames of peers that are gone
//! already. What waits for one peer is bounded by its credit with the network. Votes and seals go before a peer's other
//! frames; its blocks and transactions keep their order.

use std::collections::{BTreeMap, VecDeque};

use banyan_gossip::message::is_vote;
use banyan_types::Peer;

/// A message's bytes, and the credit that hangs on it.
pub type Frame = Box<dyn AsRef<[u8]> + Send>;

/// All that waits.
#[derive(Default)]
pub struct Mail {
    boxes: BTreeMap<Peer, Waiting>,
    /// Whose turn was last.
    last: Option<Peer>,
}

/// What one peer has sent.
#[derive(Default)]
struct Waiting {
    votes: VecDeque<Frame>,
    others: VecDeque<Frame>,
}

impl Mail {
    /// A connection stands.
    pub fn open(&mut self, peer: Peer) {
        self.boxes.entry(peer).or_default();
    }

    /// A connection is over: what it left is dropped.
    pub fn close(&mut self, peer: Peer) {
        self.boxes.remove(&peer);
    }

    /// A frame has come. What comes from a peer that is gone is dropped.
    pub fn put(&mut self, peer: Peer, frame: Frame) {
        let Some(waiting) = self.boxes.get_mut(&peer) else { return };
        let queue = if is_vote((*frame).as_ref()) { &mut waiting.votes } else { &mut waiting.others };
        queue.push_back(frame);
    }

    /// The next frame: votes first, and of each kind the peer's whose turn comes after the last one's.
    pub fn take(&mut self) -> Option<(Peer, Frame)> {
        let taken = self.take_of(|waiting| &mut waiting.votes).or_else(|| self.take_of(|waiting| &mut waiting.others));
        if let Some((peer, _)) = &taken {
            self.last = Some(*peer);
        }
        taken
    }

    fn take_of(&mut self, queue: impl Fn(&mut Waiting) -> &mut VecDeque<Frame>) -> Option<(Peer, Frame)> {
        let last = self.last;
        let is_later = |peer: &Peer| last.is_none_or(|last| *peer > last);
        let mut later = self.boxes.iter_mut().filter(|(peer, _)| is_later(peer));
        let found = later.find_map(|(peer, waiting)| queue(waiting).pop_front().map(|frame| (*peer, frame)));
        found.or_else(|| {
            self.boxes.iter_mut().find_map(|(peer, waiting)| queue(waiting).pop_front().map(|frame| (*peer, frame)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame whose first byte is its kind: 13 is a vote, 11 news of transactions.
    fn frame(kind: u8, mark: u8) -> Frame {
        Box::new([kind, mark])
    }

    fn taken(mail: &mut Mail) -> Vec<(u64, u8)> {
        std::iter::from_fn(|| mail.take()).map(|(peer, frame)| (peer.0, (*frame).as_ref()[1])).collect()
    }

    #[test]
    fn peers_have_their_turn_and_votes_go_first() {
        let mut mail = Mail::default();
        for peer in 1..=3 {
            mail.open(Peer(peer));
        }
        for (peer, kind, mark) in [(2, 11, 1), (2, 11, 2), (2, 11, 3), (1, 11, 4), (3, 13, 5), (2, 13, 6)] {
            mail.put(Peer(peer), frame(kind, mark));
        }
        assert_eq!(taken(&mut mail), [(2, 6), (3, 5), (1, 4), (2, 1), (2, 2), (2, 3)]);
    }

    #[test]
    fn what_a_peer_leaves_behind_goes_with_it() {
        let mut mail = Mail::default();
        mail.open(Peer(1));
        mail.open(Peer(2));
        mail.put(Peer(1), frame(11, 1));
        mail.put(Peer(2), frame(11, 2));
        mail.close(Peer(1));
        mail.put(Peer(1), frame(11, 3));
        assert_eq!(taken(&mut mail), [(2, 2)]);
        assert!(mail.take().is_none());
    }
}
