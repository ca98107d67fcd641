//! Blocks that are early: their parent is unknown, or their time has not come.
//!
//! Each peer fills its own share only: past it, its oldest goes. So nobody can push out what another sent, and the same
//! block may wait once for each peer: one of them may have brought a wrong body.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use banyan_types::{Hash, TimeMs};

use crate::{Block, Peer};

/// Early blocks of one peer, at most. Source: root 3.
pub const WAITING_PER_PEER_MAX: usize = 256;

/// What an early block waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    /// This block is known.
    Parent(Hash),
    /// It is so late.
    Time(TimeMs),
}

/// A block with its sender.
#[derive(Clone, Debug)]
pub struct Received {
    pub from: Option<Peer>,
    pub hash: Hash,
    pub block: Block,
}

/// The early blocks.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    held: BTreeMap<(Option<Peer>, Arrival), (Until, Received)>,
    by_reason: BTreeSet<(Until, Arrival, Option<Peer>)>,
    arrivals: Arrival,
}

/// Place in the order of arrival.
type Arrival = u64;

impl Waiting {
    /// Keep a block. Gives the one that had to make room.
    pub fn hold(&mut self, received: Received, until: Until) -> Option<Received> {
        let from = received.from;
        self.arrivals += 1;
        self.by_reason.insert((until, self.arrivals, from));
        self.held.insert((from, self.arrivals), (until, received));
        let oldest = self.of_peer(from).next().map(|(arrival, _)| arrival)?;
        if self.of_peer(from).count() > WAITING_PER_PEER_MAX { self.take(from, oldest) } else { None }
    }

    /// Whether the peer's copy of a block is here.
    pub fn holds(&self, from: Option<Peer>, hash: &Hash) -> bool {
        self.of_peer(from).any(|(_, (_, received))| received.hash == *hash)
    }

    /// Whether anybody's copy of a block is here.
    pub fn holds_any(&self, hash: &Hash) -> bool {
        self.held.values().any(|(_, received)| received.hash == *hash)
    }

    /// Whether something that the peer sent waits for this.
    pub fn awaits(&self, from: Option<Peer>, until: Until) -> bool {
        self.of_peer(from).any(|(_, (other, _))| *other == until)
    }

    /// Take out what waits for a block, in order of arrival.
    pub fn take_children(&mut self, parent: Hash) -> Vec<Received> {
        self.take_range(Until::Parent(parent), Until::Parent(parent))
    }

    /// Take out what waits for a time that has come.
    pub fn take_due(&mut self, now: TimeMs) -> Vec<Received> {
        self.take_range(Until::Time(TimeMs(0)), Until::Time(now))
    }

    /// Take out what a peer sent.
    pub fn take_peer(&mut self, peer: Peer) -> Vec<Received> {
        let arrivals: Vec<_> = self.of_peer(Some(peer)).map(|(arrival, _)| arrival).collect();
        arrivals.into_iter().filter_map(|arrival| self.take(Some(peer), arrival)).collect()
    }

    /// When the next block's time comes.
    pub fn next_time(&self) -> Option<TimeMs> {
        match self.by_reason.range((Until::Time(TimeMs(0)), 0, None)..).next() {
            Some((Until::Time(time), ..)) => Some(*time),
            _ => None,
        }
    }

    fn of_peer(&self, from: Option<Peer>) -> impl Iterator<Item = (Arrival, &(Until, Received))> {
        self.held.range((from, 0)..=(from, Arrival::MAX)).map(|((_, arrival), held)| (*arrival, held))
    }

    fn take_range(&mut self, first: Until, last: Until) -> Vec<Received> {
        let greatest = (last, Arrival::MAX, Some(Peer(u64::MAX)));
        let found: Vec<_> = self.by_reason.range((first, 0, None)..=greatest).copied().collect();
        found.into_iter().filter_map(|(_, arrival, from)| self.take(from, arrival)).collect()
    }

    fn take(&mut self, from: Option<Peer>, arrival: Arrival) -> Option<Received> {
        let (until, received) = self.held.remove(&(from, arrival))?;
        self.by_reason.remove(&(until, arrival, from));
        Some(received)
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.held.len()
    }
}
