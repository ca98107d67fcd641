//! Judge a block by its header: key blocks by rules 1 to 11, micro blocks by 1 to 8 and 10.
//!
//! Checks run in the order of the rules, and the first failure decides. Rule 1 is half done when the bytes are decoded
//! (length and flags); execution (micro 11, both 12) comes later, when fork choice wants the block. A [`Fault`] knows
//! whose it is. Rules: protocol, root 4.

use banyan_types::{
    Hash, Height, TimeMs,
    header::{KeyHeader, MicroHeader},
    witness::SEAL_BYTES_MAX,
};
use thiserror::Error;

use crate::{
    BodyFacts, Header, KeyBodyFacts, Points, RootParams,
    ancestry::{Ancestry, worked},
    block::Block,
    pow::BadCycle,
    refused::{Refusal, Refused},
    target::{BadTarget, Target},
    tree::{Node, Tree},
    waiting::Until,
};

/// Key times whose median a key block must leave behind.
pub const MEDIAN_BLOCKS: usize = 11;

/// Whose fault it is that a block is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The sender's, for ever.
    Invalid,
    /// Nobody's: try later.
    Early,
    /// Nobody's: the chain is final elsewhere.
    Dead,
}

/// Why a block is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// A key block breaks a rule.
    #[error("key block: {0}")]
    Key(#[from] KeyFault),
    /// A micro block breaks a rule.
    #[error("micro block: {0}")]
    Micro(#[from] MicroFault),
    /// It is remembered as refused for ever.
    #[error("block was refused before")]
    Known,
    /// It did not execute to what its header says.
    #[error("block does not execute to what its header says")]
    Execution,
}

/// Why a key block is refused, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyFault {
    /// Rule 1.
    #[error("body has {got} bytes, {max} allowed")]
    Size {
        /// Greatest size.
        max: usize,
        /// The body's.
        got: usize,
    },
    /// Rule 2.
    #[error(transparent)]
    Target(BadTarget),
    /// Rule 3.
    #[error(transparent)]
    Work(BadCycle),
    /// Rule 4, early: a parent is not known here.
    #[error("parent {missing:?} is not known")]
    Unknown {
        /// The one to ask for.
        missing: Hash,
    },
    /// Rule 4: a parent is invalid.
    #[error("parent {parent:?} is invalid")]
    Parent {
        /// That parent.
        parent: Hash,
    },
    /// Rule 5: the block before is in another generation than the key block named.
    #[error("previous block is in generation {expected:?}, header says {got:?}")]
    Link {
        /// Key block of the generation that `prev_hash` is in.
        expected: Hash,
        /// The header's `prev_key_hash`.
        got: Hash,
    },
    /// Rule 5: the height is not one more than that of the key block before.
    #[error("height {got}, {expected} expected")]
    Height {
        /// One above the key block before.
        expected: Height,
        /// The header's.
        got: Height,
    },
    /// Rule 6: not above the last final key block on its own branch.
    #[error("height {height} is not on the branch of the final key block {last_final}")]
    Dead {
        /// The header's.
        height: Height,
        /// Of the last final key block.
        last_final: Height,
        /// The branch's work as far as it is known here.
        work: u128,
    },
    /// Rule 7.
    #[error("version {got}, {expected} expected")]
    Version {
        /// The version of that height.
        expected: u32,
        /// The header's.
        got: u32,
    },
    /// Rule 8.
    #[error("target {got}, {expected} expected")]
    WrongTarget {
        /// From the headers before.
        expected: Target,
        /// The header's.
        got: Target,
    },
    /// Rule 9, early: ahead of the clock.
    #[error("time {time} is after {latest}")]
    Ahead {
        /// The header's.
        time: TimeMs,
        /// The clock and the drift that it is allowed.
        latest: TimeMs,
    },
    /// Rule 9, early, where the chain is paced: too close to the key block before. Waiting does not help it.
    #[error("time {time} is before {least}, an interval after the key block before")]
    TooSoon {
        /// The header's.
        time: TimeMs,
        /// The least.
        least: TimeMs,
    },
    /// Rule 10.
    #[error("time {time} is not after {past}, the median of the key blocks before")]
    Late {
        /// The header's.
        time: TimeMs,
        /// The median, or the genesis' time below height 12.
        past: TimeMs,
    },
    /// Rule 11: the body is another one. The sender's fault, not the block's: the right body may still come.
    #[error("body hashes to {got:?}, header says {expected:?}")]
    Body {
        /// The header's `witness_hash`.
        expected: Hash,
        /// The body's.
        got: Hash,
    },
}

/// Why a micro block is refused, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MicroFault {
    /// Rule 1.
    #[error("body has {got} bytes, {max} allowed")]
    Size {
        /// Greatest size.
        max: u32,
        /// The body's.
        got: u32,
    },
    /// Rule 2, early: a parent is not known here.
    #[error("parent {missing:?} is not known")]
    Unknown {
        /// The one to ask for.
        missing: Hash,
    },
    /// Rule 2: a parent is invalid.
    #[error("parent {parent:?} is invalid")]
    Parent {
        /// That parent.
        parent: Hash,
    },
    /// Rule 2: its generation is not above the last final key block on its branch.
    #[error("generation {height} is not on the branch of the final key block {last_final}")]
    Dead {
        /// The header's.
        height: Height,
        /// Of the last final key block.
        last_final: Height,
        /// The branch's work as far as it is known here.
        work: u128,
    },
    /// Rule 3.
    #[error("version {got}, {expected} expected")]
    Version {
        /// The version of that height.
        expected: u32,
        /// The header's.
        got: u32,
    },
    /// Rule 4: the height is not that of its key block.
    #[error("height {got}, {expected} expected")]
    Height {
        /// Of its key block.
        expected: Height,
        /// The header's.
        got: Height,
    },
    /// Rule 4: the block before is in another generation.
    #[error("previous block is in generation {expected:?}, header says {got:?}")]
    Link {
        /// Key block of the generation that `prev_hash` is in.
        expected: Hash,
        /// The header's `prev_key_hash`.
        got: Hash,
    },
    /// Rule 4: the index does not follow that of the block before, or is above the greatest.
    #[error("index {got}, {expected} expected, at most {max}")]
    Index {
        /// One above the block before.
        expected: u32,
        /// The header's.
        got: u32,
        /// Greatest index.
        max: u32,
    },
    /// Rule 5.
    #[error("signature is not its leader's")]
    Signature,
    /// Rule 6.
    #[error("the genesis leads nobody")]
    Genesis,
    /// Rule 7, early: ahead of the clock.
    #[error("time {time} is after {latest}")]
    Ahead {
        /// The header's.
        time: TimeMs,
        /// The clock and the drift that it is allowed.
        latest: TimeMs,
    },
    /// Rule 8.
    #[error("time {time} is before {least}")]
    TooSoon {
        /// The header's.
        time: TimeMs,
        /// An interval after a micro block, or just after a key block.
        least: TimeMs,
    },
    /// Rule 10: no transactions.
    #[error("body is empty")]
    Empty,
    /// Rule 10: the body is another one. The sender's fault, not the block's: the right body may still come.
    #[error("body hashes to {got:?}, header says {expected:?}")]
    Body {
        /// The header's `txs_root`.
        expected: Hash,
        /// The body's.
        got: Hash,
    },
}

impl Fault {
    /// Whose fault it is.
    pub const fn owner(&self) -> Owner {
        match self {
            Self::Key(KeyFault::Unknown { .. } | KeyFault::Ahead { .. } | KeyFault::TooSoon { .. })
            | Self::Micro(MicroFault::Unknown { .. } | MicroFault::Ahead { .. }) => Owner::Early,
            Self::Key(KeyFault::Dead { .. }) | Self::Micro(MicroFault::Dead { .. }) => Owner::Dead,
            _ => Owner::Invalid,
        }
    }

    /// What the sender loses for it.
    pub const fn points(&self) -> Option<Points> {
        match (self, self.owner()) {
            (Self::Key(KeyFault::Body { .. }) | Self::Micro(MicroFault::Body { .. }), _) => Some(Points::WRONG_BYTES),
            (_, Owner::Invalid) => Some(Points::INVALID),
            (_, Owner::Early | Owner::Dead) => None,
        }
    }

    /// What an early block waits for, if waiting helps. `drift_ms` is what its time may be ahead.
    pub(crate) fn until(&self, drift_ms: u64) -> Option<Until> {
        match *self {
            Self::Key(KeyFault::Unknown { missing }) | Self::Micro(MicroFault::Unknown { missing }) => {
                Some(Until::Parent(missing))
            }
            Self::Key(KeyFault::Ahead { time, .. }) | Self::Micro(MicroFault::Ahead { time, .. }) => {
                Some(Until::Time(TimeMs(time.0.saturating_sub(drift_ms))))
            }
            _ => None,
        }
    }
}

/// What the rules look at besides the block.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub params: &'a RootParams,
    pub tree: &'a Tree,
    pub refused: &'a Refused,
    pub last_final: Hash,
    pub now: TimeMs,
}

/// A parent that cannot be built on.
enum BadParent {
    Unknown(Hash),
    Invalid(Hash),
    Dead(u128),
}

impl View<'_> {
    /// The first rule that the block breaks.
    pub fn judge(&self, block: &Block) -> Result<(), Fault> {
        match block {
            Block::Key(header, body) => self.judge_key(header, *body).map_err(Fault::Key),
            Block::Micro(header, body) => self.judge_micro(header, *body).map_err(Fault::Micro),
        }
    }

    fn judge_key(&self, header: &KeyHeader, body: KeyBodyFacts) -> Result<(), KeyFault> {
        let (expected, got) = (header.witness_hash, body.witness_hash);
        let (max, size) = (SEAL_BYTES_MAX, body.bytes as usize);
        if got == expected && size > max {
            return Err(KeyFault::Size { max, got: size });
        }
        let target = worked(self.params, header)?;
        let prev = self.key_parent(header, target)?;
        let ancestry = self.ancestry(&prev.key);
        key_link(header, prev.key, ancestry.next_height())?;
        if !self.tree.descends(&header.prev_hash, &self.last_final) {
            return Err(self.dead(header, prev.work.saturating_add(target.work())));
        }
        ancestry.judge(self.params, header, target, self.now)?;
        if got == expected { Ok(()) } else { Err(KeyFault::Body { expected, got }) }
    }

    /// Rule 4, and what of rule 6 can be said without the parents: nothing can be fetched at or below the final height.
    fn key_parent(&self, header: &KeyHeader, target: Target) -> Result<&Node, KeyFault> {
        self.parent([header.prev_hash, header.prev_key_hash]).map_err(|bad| match bad {
            BadParent::Invalid(parent) => KeyFault::Parent { parent },
            BadParent::Dead(work) => self.dead(header, work.saturating_add(target.work())),
            BadParent::Unknown(_) if header.height <= self.final_height() => {
                let before = self.tree.work(&header.prev_key_hash).unwrap_or(0);
                self.dead(header, before.saturating_add(target.work()))
            }
            BadParent::Unknown(missing) => KeyFault::Unknown { missing },
        })
    }

    fn dead(&self, header: &KeyHeader, work: u128) -> KeyFault {
        KeyFault::Dead { height: header.height, last_final: self.final_height(), work }
    }

    fn judge_micro(&self, header: &MicroHeader, body: BodyFacts) -> Result<(), MicroFault> {
        // The size of a body says nothing about a block that does not name it: that is rule 10's.
        let (max, got) = (self.params.micro_bytes_max, body.bytes);
        if got > max && body.txs_root == header.txs_root {
            return Err(MicroFault::Size { max, got });
        }
        let prev = self.micro_parent(header)?;
        let expected = self.params.versions.at(header.height);
        if header.version != expected {
            return Err(MicroFault::Version { expected, got: header.version });
        }
        self.place(header, prev)?;
        self.leader(header)?;
        self.micro_time(header, prev)?;
        if header.txs_root == Hash::ZERO {
            return Err(MicroFault::Empty);
        }
        let (expected, got) = (header.txs_root, body.txs_root);
        if got == expected { Ok(()) } else { Err(MicroFault::Body { expected, got }) }
    }

    /// Rule 2. What belongs below the last final block, or beside it, is on no chain that can be chosen.
    fn micro_parent(&self, header: &MicroHeader) -> Result<&Node, MicroFault> {
        let last_final = self.final_height();
        let dead = |work| MicroFault::Dead { height: header.height, last_final, work };
        let beside = header.height == last_final && header.prev_key_hash != self.last_final;
        let prev = self.parent([header.prev_hash, header.prev_key_hash]).map_err(|bad| match bad {
            BadParent::Invalid(parent) => MicroFault::Parent { parent },
            BadParent::Dead(work) => dead(work),
            BadParent::Unknown(_) if header.height < last_final || beside => dead(0),
            BadParent::Unknown(missing) => MicroFault::Unknown { missing },
        })?;
        if self.tree.descends(&header.prev_hash, &self.last_final) { Ok(prev) } else { Err(dead(prev.work)) }
    }

    /// Rule 4.
    fn place(&self, header: &MicroHeader, prev: &Node) -> Result<(), MicroFault> {
        let expected = self.tree.node(&header.prev_key_hash).header.height();
        if header.height != expected {
            return Err(MicroFault::Height { expected, got: header.height });
        }
        if prev.key != header.prev_key_hash {
            return Err(MicroFault::Link { expected: prev.key, got: header.prev_key_hash });
        }
        let (expected, got) = (prev.header.index().saturating_add(1), header.index);
        let max = self.params.micro_per_generation_max;
        if got != expected || got > max { Err(MicroFault::Index { expected, got, max }) } else { Ok(()) }
    }

    /// Rules 5 and 6.
    fn leader(&self, header: &MicroHeader) -> Result<(), MicroFault> {
        let Header::Key(key) = &self.tree.node(&header.prev_key_hash).header else {
            return Err(MicroFault::Signature);
        };
        let signed = (self.params.checks.leader)(header, &key.miner, &self.params.network_id);
        signed.map_err(|_| MicroFault::Signature)?;
        if key.height == Height(0) { Err(MicroFault::Genesis) } else { Ok(()) }
    }

    /// Rules 7 and 8.
    fn micro_time(&self, header: &MicroHeader, prev: &Node) -> Result<(), MicroFault> {
        let (time, latest) = (header.time, self.params.latest(self.now));
        if time > latest {
            return Err(MicroFault::Ahead { time, latest });
        }
        let least = self.micro_time_after(&prev.header);
        if time < least { Err(MicroFault::TooSoon { time, least }) } else { Ok(()) }
    }

    fn parent(&self, parents: [Hash; 2]) -> Result<&Node, BadParent> {
        for parent in parents {
            match self.refused.get(&parent) {
                Some(Refusal::Invalid) => return Err(BadParent::Invalid(parent)),
                Some(Refusal::Dead { work }) => return Err(BadParent::Dead(work)),
                None if self.tree.get(&parent).is_none() => return Err(BadParent::Unknown(parent)),
                None => {}
            }
        }
        Ok(self.tree.node(&parents[0]))
    }

    fn final_height(&self) -> Height {
        self.tree.node(&self.last_final).header.height()
    }

    /// What the rules of the key block after `key` look at.
    pub fn ancestry(&self, key: &Hash) -> Ancestry {
        Ancestry::new(self.tree.node(key).header.height(), self.tree.history(key))
    }

    /// The least time of a micro block after `prev`. Source: rule 8.
    pub fn micro_time_after(&self, prev: &Header) -> TimeMs {
        let step = match prev {
            Header::Key(_) => 1,
            Header::Micro(_) => self.params.micro_interval_ms,
        };
        TimeMs(prev.time().0.saturating_add(step))
    }
}

/// Rule 5: the key block before is `prev_key`, and the next height is `expected`.
pub(crate) fn key_link(header: &KeyHeader, prev_key: Hash, expected: Height) -> Result<(), KeyFault> {
    if prev_key != header.prev_key_hash {
        return Err(KeyFault::Link { expected: prev_key, got: header.prev_key_hash });
    }
    if header.height == expected { Ok(()) } else { Err(KeyFault::Height { expected, got: header.height }) }
}
