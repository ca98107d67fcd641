//! Frames that wait for the node. They are read in the order in which they came, whoever sent them: a block must not overtake
//! the transactions that it names. What a peer has left behind goes with it, so what waits is bounded by the credit of those
//! who are connected, however many were thrown out.

use std::collections::{BTreeMap, VecDeque};

use banyan_types::Peer;

/// A message's bytes, and the credit that hangs on it.
pub type Frame = Box<dyn AsRef<[u8]> + Send>;

/// What waits, by peer. In which order the peers have their turn stands in the node's inbox.
#[derive(Default)]
pub struct Mail(BTreeMap<Peer, VecDeque<Frame>>);

impl Mail {
    /// A connection stands.
    pub fn open(&mut self, peer: Peer) {
        self.0.entry(peer).or_default();
    }

    /// A connection is over: what it left is dropped.
    pub fn close(&mut self, peer: Peer) {
        self.0.remove(&peer);
    }

    /// A frame has come. What comes from a peer that is gone is dropped.
    pub fn put(&mut self, peer: Peer, frame: Frame) {
        if let Some(waiting) = self.0.get_mut(&peer) {
            waiting.push_back(frame);
        }
    }

    /// The next frame of a peer.
    pub fn take(&mut self, peer: Peer) -> Option<Frame> {
        self.0.get_mut(&peer)?.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_leaves_behind_goes_with_it() {
        let mut mail = Mail::default();
        mail.open(Peer(1));
        mail.open(Peer(2));
        for (peer, mark) in [(1, 1), (2, 2), (2, 3)] {
            mail.put(Peer(peer), Box::new([mark]));
        }
        mail.close(Peer(1));
        mail.put(Peer(1), Box::new([4]));
        let mut next = |peer| mail.take(Peer(peer)).map(|frame| (*frame).as_ref().to_vec());
        assert_eq!([next(1), next(2), next(2), next(2)], [None, Some(vec![2]), Some(vec![3]), None]);
    }
}
