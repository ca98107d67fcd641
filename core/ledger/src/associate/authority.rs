//! Who answers for a child: m of its n operators. Rules: associates 3, 6.

use banyan_crypto::Claim;
use banyan_types::{AccountId, Amount, Bytes, associate::OperatorSignature};

use crate::{ConnectionPoint, Rejected};
use alloc::vec::Vec;

/// Accounts of whom so many must sign.
pub(super) struct Authority<'a> {
    accounts: &'a [AccountId],
    needed: usize,
    /// Whose word counts only with this bond.
    bonded: Option<&'a ConnectionPoint>,
}

impl<'a> Authority<'a> {
    /// The operators. Where bonds are asked for, only those who have put theirs up count.
    pub fn operators(point: &'a ConnectionPoint) -> Self {
        let bonded = (!point.params.operator_bond.is_zero()).then_some(point);
        Self { accounts: &point.operators, needed: usize::from(point.threshold), bonded }
    }

    /// Those who answer when the child is dead and committed to no state. `None` if nobody was named.
    pub fn recovery(point: &'a ConnectionPoint) -> Option<Self> {
        let needed = usize::from(point.recovery_threshold);
        (!point.recovery.is_empty()).then_some(Self { accounts: &point.recovery, needed, bonded: None })
    }

    /// Have enough of them signed `message`? Places ascend, so nobody counts twice.
    pub fn check(&self, message: &[u8], authorization: &Bytes) -> Result<(), Rejected> {
        let signatures: Vec<_> = super::read_operators(authorization).unwrap_or_default();
        let valid = signatures.iter().filter(|given| self.verifies(given, message)).count();
        let needed = self.needed;
        if valid >= needed { Ok(()) } else { Err(Rejected::Authorization { valid, needed }) }
    }

    fn verifies(&self, given: &OperatorSignature, message: &[u8]) -> bool {
        let place = usize::try_from(given.index).ok();
        let Some(account) = place.and_then(|place| self.accounts.get(place)) else { return false };
        let least = self.bonded.map_or(Amount::ZERO, |point| point.params.operator_bond);
        let held = self.bonded.map_or(Amount::ZERO, |point| point.bond_of(*account));
        let claim = Claim { key: &account.0, message, signature: &given.signature.0 };
        held >= least && banyan_crypto::verify(claim).is_ok()
    }
}
