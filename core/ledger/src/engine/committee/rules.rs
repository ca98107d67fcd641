//! How the validators of a committee change: the numbers that its genesis fixes. Rules: protocol, associates 9.

use alloc::vec::Vec;

use banyan_types::{
    Amount, Height,
    committee::ValidatorSet,
    rlp::{DecodeError, Field, Items, put_list},
    show::Value,
};

use super::STAKED_MAX;

banyan_types::record! {
    /// A committee whose validators change at the edges of epochs. A child without these rules keeps its first set for ever.
    CommitteeRules {
        /// The validators of the first epochs.
        validators: ValidatorSet,
        /// Blocks of an epoch.
        epoch_blocks: u64,
        /// Who follows them.
        sets: Sets,
    }

    /// Numbers of a set by stake.
    BondRules {
        /// Bonded at least, or it does not serve.
        stake_min: Amount,
        /// Fewer make no set: then the one before serves on, so that the first to bond does not rule alone.
        validators_min: u32,
        /// Epochs that a bond still answers after the last one that it served.
        unbond_epochs: u32,
        /// Epochs that a registration lasts unless it is renewed; absent for ever.
        renew_epochs: Option<u32>,
    }
}

/// Who is in the sets after the first ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sets {
    /// Whom the parent's operators name, or over two thirds of those who serve.
    Permissioned,
    /// Those who have bonded most.
    Stake(BondRules),
    /// Whom a contract names, once the first validators have agreed to one.
    Contract,
}

impl Field for Sets {
    fn put(&self, out: &mut Vec<u8>) {
        put_list(out, |out| match self {
            Self::Permissioned => 0u64.put(out),
            Self::Stake(rules) => {
                1u64.put(out);
                rules.put(out);
            }
            Self::Contract => 2u64.put(out),
        });
    }

    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        let mut list = items.list()?;
        let sets = match u64::take(&mut list)? {
            0 => Self::Permissioned,
            1 => Self::Stake(Field::take(&mut list)?),
            2 => Self::Contract,
            _ => return Err(DecodeError::Malformed("unknown kind of validator sets")),
        };
        list.finish().map(|()| sets)
    }

    fn show(&self) -> Value {
        match self {
            Self::Permissioned => Value::Text("permissioned".into()),
            Self::Stake(rules) => rules.show(),
            Self::Contract => Value::Text("contract".into()),
        }
    }
}

impl CommitteeRules {
    /// The rules of stake, where validators are those who bond.
    pub const fn bonds(&self) -> Option<&BondRules> {
        match &self.sets {
            Sets::Stake(rules) => Some(rules),
            Sets::Permissioned | Sets::Contract => None,
        }
    }

    /// The epoch of a block. The genesis belongs to the first one.
    pub fn epoch_of(&self, height: Height) -> u64 {
        height.0.saturating_sub(1).checked_div(self.epoch_blocks).unwrap_or(0)
    }

    /// The last height of an epoch.
    pub const fn last_height(&self, epoch: u64) -> Height {
        Height(epoch.saturating_add(1).saturating_mul(self.epoch_blocks))
    }

    /// Whether a block is the first of its epoch, and turns it.
    pub fn turns_at(&self, height: Height) -> bool {
        self.epoch_of(height) > self.epoch_of(Height(height.0.saturating_sub(1)))
    }

    /// Each rule about these parameters, and whether it holds.
    pub(crate) fn rows(&self, is_root: bool) -> impl Iterator<Item = (&'static str, bool)> {
        let rows = [("committee", !is_root), ("epoch_blocks", self.epoch_blocks > 0)];
        rows.into_iter().chain(self.bonds().into_iter().flat_map(BondRules::rows))
    }
}

impl BondRules {
    fn rows(&self) -> [(&'static str, bool); 3] {
        let most = u32::try_from(STAKED_MAX).unwrap_or(u32::MAX);
        [
            ("stake_min", !self.stake_min.is_zero()),
            ("validators_min", (1..=most).contains(&self.validators_min)),
            // Who served must answer for its last epoch when that is over.
            ("unbond_epochs", self.unbond_epochs > 0),
        ]
    }
}
