//! On a child whose validators bond: two statements of one of them that no honest key signs, and what they cost.
//! Rules: associates 9.

use banyan_types::{
    AccountId,
    committee::{SignedStatement, StatementKind},
    tx::Evidence,
};

use super::{stake, staker_of};
use crate::{
    Missing, Offence, Rejected, State,
    engine::committee::{Sets, fault},
    leaf::Slashed,
    scene::Scene,
};

/// What is lost: half of the stake. The other half waits for its owner, but its key serves no more.
const LOST_PARTS: u64 = 2;
/// What the reporter has of that: a tenth.
const REPORTER_PARTS: u64 = 10;

impl<S: State> Scene<'_, S> {
    /// Punish two proposals or votes of one kind for one height and view. Handovers are the parent's affair: they name its
    /// epochs.
    pub(super) fn contradiction(
        &mut self,
        tx: &Evidence,
        a: &SignedStatement,
        b: &SignedStatement,
    ) -> Result<(), Rejected> {
        if self.params.committee().is_some_and(|rules| rules.sets == Sets::Contract) {
            return self.contradiction_of_named(tx, a, b);
        }
        let staker = tx.staker_id;
        let held = stake(self.state, staker)?.ok_or(Rejected::NoStake { staker })?;
        let expected = staker_of(self.state, a.by)?.unwrap_or(AccountId::ZERO);
        if staker != expected {
            return Err(Rejected::Accused { expected, got: staker });
        }
        self.answers_for(a)?;
        let is_vote = a.statement.kind != StatementKind::Handover;
        let proven = fault(a, b, &self.params.network_id).filter(|_| is_vote);
        if proven.is_none() {
            return Err(Rejected::NoFault);
        }
        if held.slashed != Slashed::Never {
            return Err(Rejected::Slashed { staker });
        }
        let lost = self.slash(staker, held, Slashed::Whole, LOST_PARTS)?;
        self.share_out(tx, Offence::Double, lost, REPORTER_PARTS)
    }

    /// What was said in an epoch answers until so many epochs later.
    fn answers_for(&self, said: &SignedStatement) -> Result<(), Rejected> {
        let rules = self.params.committee().ok_or(Missing("no committee on this ledger"))?;
        let span = rules.bonds().map_or(0, |bonds| bonds.unbond_epochs);
        let first = rules.epoch_of(self.height).saturating_sub(u64::from(span));
        let got = rules.epoch_of(said.statement.height);
        if got < first { Err(Rejected::StatementOld { first, got }) } else { Ok(()) }
    }
}
