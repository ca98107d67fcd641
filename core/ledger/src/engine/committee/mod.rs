//! The rules of engine `committee`: a weighted draw of leaders, a quorum's certificate. Rules: protocol, associates 9.

mod acts;
mod answer;
mod ask;
mod begin;
mod certificate;
mod contract;
mod decree;
mod election;
mod faults;
mod fees;
mod rules;
mod schedule;
mod votes;

use banyan_types::{
    Hash, Height, PublicKey,
    committee::{Certificate, ValidatorSet},
    header::ChildHeader,
};

pub use begin::{committee, next_epoch};
pub(crate) use begin::{first_leaf, read_seal};
pub(in crate::engine) use certificate::signers_of_both;
pub use certificate::{
    BadCertificate, Fault, certificate_fault, check, check_handover, check_least, fault, handover_fault,
};
pub use decree::{Decree, INTERVAL_MS_MAX, INTERVAL_MS_MIN, LEADERS_MAX};
pub use rules::{BondRules, CommitteeRules, Sets};
pub use schedule::{Drawn, End, STAKED_MAX, Schedule, Snapshot, Stakes, Turns, shares};

use super::{BadHeader, Rules};

/// Who orders the blocks of an epoch, and the seed that their turns are drawn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// Its number.
    pub number: u64,
    /// Known one epoch ahead, and not two.
    pub seed: Hash,
    /// The validators.
    pub set: ValidatorSet,
    /// What a contract has decided of it, where one does.
    pub decree: Option<Decree>,
}

impl Epoch {
    /// An epoch whose leaders are drawn.
    pub const fn drawn(number: u64, seed: Hash, set: ValidatorSet) -> Self {
        Self { number, seed, set, decree: None }
    }

    /// Who leads `view` at `height`: in view 0 whom a contract has elected, all others by draw.
    pub fn leader(&self, height: Height, view: u32) -> PublicKey {
        let first = self.decree.as_ref().and_then(|decree| decree.leader(&self.set, height));
        election::leader(&self.set, self.seed, height, view, first)
    }

    /// Milliseconds between its blocks; `None` where the genesis says it.
    pub fn interval_ms(&self) -> Option<u64> {
        self.decree.as_ref()?.interval_ms
    }
}

/// The engine `committee`, at a block of this epoch.
#[derive(Debug, Clone, Copy)]
pub struct Committee<'a> {
    /// The child's own network.
    pub network_id: &'a str,
    /// The epoch of the block.
    pub epoch: &'a Epoch,
}

impl Rules for Committee<'_> {
    type Seal = Certificate;

    fn leader(&self, height: Height, view: u32) -> Option<PublicKey> {
        Some(self.epoch.leader(height, view))
    }

    fn set_hash(&self) -> Hash {
        self.epoch.set.hash()
    }

    fn seal_hash(&self, seal: &Certificate) -> Hash {
        seal.hash()
    }

    /// A certificate may be of a later view than the block's: who proposes a block again, because it was nearly agreed on,
    /// does not make it anew.
    fn check_seal(&self, header: &ChildHeader, seal: &Certificate) -> Result<(), BadHeader> {
        if (seal.height, seal.block_hash) != (header.height, header.hash()) || seal.view < header.view {
            return Err(BadHeader::Seal);
        }
        check(seal, &self.epoch.set, self.network_id).map_err(BadHeader::Certificate)
    }
}
