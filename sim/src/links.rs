//! Carry messages: late, twice, not at all, and never across a partition.
//!
//! A connection has a number, which its two ends know each other by; a restart or the end of a partition makes a new one. What
//! was under way on the old one is lost. A request without an answer is asked again, as a network layer does.

use std::collections::{BTreeMap, BTreeSet};

use banyan_node::BlockBytes;
use banyan_root::Peer;
use banyan_types::Hash;

use crate::{faults::Faults, forge, host::HostId, random::Random};

/// Times that a block is asked for on one connection before the network gives that up.
pub const TRIES_MAX: u32 = 8;
/// Between two of them, in milliseconds.
pub const RETRY_MS: u64 = 1_000;
/// The connection that forged blocks come by: nobody is at its other end.
pub const FORGER: Peer = Peer(u64::MAX);

/// What travels.
#[derive(Debug, Clone)]
pub enum Parcel {
    /// A block that nobody asked for.
    Block(BlockBytes),
    /// A question for a block.
    Ask(Hash),
    /// The block that was asked for.
    Answer(BlockBytes),
}

/// A parcel on its way.
#[derive(Debug, Clone)]
pub struct Message {
    /// By which connection.
    pub peer: Peer,
    /// To whom.
    pub to: HostId,
    /// What.
    pub parcel: Parcel,
}

/// A block that somebody waits for on a connection.
pub type Wanted = (HostId, Peer, Hash);

/// The connections between the nodes of the root.
pub struct Links {
    random: Random,
    last: u64,
    ends: BTreeMap<Peer, [HostId; 2]>,
    /// Nodes that the others cannot reach.
    far: BTreeSet<HostId>,
    wanted: BTreeMap<Wanted, u32>,
}

impl Links {
    /// No connections yet.
    pub fn new(seed: u64) -> Self {
        let (ends, far, wanted) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Self { random: Random::named(seed, "links"), last: 0, ends, far, wanted }
    }

    /// A new connection between two nodes.
    pub fn connect(&mut self, a: HostId, b: HostId) -> Peer {
        self.last += 1;
        self.ends.insert(Peer(self.last), [a, b]);
        Peer(self.last)
    }

    /// End a connection.
    pub fn hang_up(&mut self, peer: Peer) {
        self.ends.remove(&peer);
        self.wanted.retain(|(_, other, _), _| *other != peer);
    }

    /// The living connections of a node, with who is at the other end.
    pub fn of(&self, host: HostId) -> Vec<(Peer, HostId)> {
        self.ends.keys().filter_map(|peer| Some((*peer, self.other_end(*peer, host)?))).collect()
    }

    /// Who is at the other end of a living connection.
    pub fn other_end(&self, peer: Peer, host: HostId) -> Option<HostId> {
        let [a, b] = *self.ends.get(&peer)?;
        if a == host { Some(b) } else { (b == host).then_some(a) }
    }

    /// Cut these nodes off from the others.
    pub fn cut(&mut self, far: BTreeSet<HostId>) {
        self.far = far;
    }

    /// End the partition. The connections across it, which must be made anew.
    pub fn mend(&mut self) -> Vec<(Peer, [HostId; 2])> {
        let far = std::mem::take(&mut self.far);
        let across = |[a, b]: &[HostId; 2]| far.contains(a) != far.contains(b);
        self.ends.iter().filter(|(_, ends)| across(ends)).map(|(peer, ends)| (*peer, *ends)).collect()
    }

    /// Whether a partition lies between the ends of a connection.
    pub fn is_cut(&self, peer: Peer) -> bool {
        self.ends.get(&peer).is_some_and(|[a, b]| self.far.contains(a) != self.far.contains(b))
    }

    /// Whether a partition is on.
    pub fn is_parted(&self) -> bool {
        !self.far.is_empty()
    }

    /// Send a parcel from one end of a connection. What arrives, and after how many milliseconds.
    pub fn post(&mut self, faults: &Faults, from: HostId, peer: Peer, parcel: &Parcel) -> Vec<(u64, Message)> {
        let Some(to) = self.other_end(peer, from) else { return Vec::new() };
        let mut arrivals = Vec::new();
        if let Parcel::Block(block) | Parcel::Answer(block) = parcel
            && self.random.chance(faults.forged)
        {
            let parcel = Parcel::Block(forge::change(&mut self.random, block));
            arrivals.push((self.delay(faults) / 2, Message { peer: FORGER, to, parcel }));
        }
        let copies = 1 + usize::from(self.random.chance(faults.doubled));
        if self.random.chance(faults.dropped) || self.is_cut(peer) {
            return arrivals;
        }
        for _ in 0..copies {
            arrivals.push((self.delay(faults), Message { peer, to, parcel: parcel.clone() }));
        }
        arrivals
    }

    fn delay(&mut self, faults: &Faults) -> u64 {
        let longest = if self.random.chance(faults.slow) { faults.delay_ms * 10 } else { faults.delay_ms };
        self.random.between(1, longest)
    }

    /// A node asks for a block. True if it did not wait for it already.
    pub fn want(&mut self, wanted: Wanted) -> bool {
        self.wanted.insert(wanted, 0).is_none()
    }

    /// An answer has come.
    pub fn got(&mut self, wanted: &Wanted) {
        self.wanted.remove(wanted);
    }

    /// Whether to ask once more; `None` if nobody waits any longer. False means that the other end is given up.
    pub fn ask_again(&mut self, wanted: &Wanted) -> Option<bool> {
        let tries = self.wanted.get_mut(wanted)?;
        *tries += 1;
        Some(*tries < TRIES_MAX)
    }
}
