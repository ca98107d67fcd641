//! Pay back what was unbonded, when it has answered long enough. Rules: root 8, ledger 6.1.

use banyan_types::{AccountId, Amount};

use super::stake;
use crate::{
    Event, Missing, Rejected, State,
    due::Ending,
    leaf::{Stake, Unbonding},
    scene::Scene,
};

impl<S: State> Scene<'_, S> {
    /// Add to what is on its way back, and remember when. Parts of one height become one.
    pub(super) fn add_unbonding(
        &mut self,
        staker: AccountId,
        held: &mut Stake,
        part: &Unbonding,
    ) -> Result<(), Rejected> {
        match held.unbonding.binary_search_by_key(&part.release, |held| held.release) {
            Ok(at) => {
                let held = held.unbonding.get_mut(at).ok_or(Missing("a place just found"))?;
                held.amount = held.amount.plus(part.amount).ok_or(Rejected::Overflow)?;
            }
            Err(at) => {
                held.unbonding.insert(at, part.clone());
                self.due_at(part.release, Ending::Release(staker))?;
            }
        }
        Ok(())
    }

    /// Pay back what has answered long enough. Nothing may be there any more: it was slashed, or serves for longer.
    pub(crate) fn release(&mut self, staker: AccountId) -> Result<(), Rejected> {
        let Some(mut held) = stake(self.state, staker)? else { return Ok(()) };
        let now = self.height;
        let ripe = held.unbonding.iter().take_while(|part| part.release <= now);
        let amount = ripe.map(|part| part.amount).try_fold(Amount::ZERO, Amount::plus).ok_or(Rejected::Overflow)?;
        held.unbonding.retain(|part| part.release > now);
        self.set_stake(staker, &held)?;
        if amount.is_zero() {
            return Ok(());
        }
        let coins = self.take_bonds(amount)?;
        self.pay(staker, coins)?;
        self.events.push(Event::Released { staker, amount });
        Ok(())
    }
}
