//! What is to be done at a height: pay back what was unbonded. Rules: ledger 5.3, 6.1.
//!
//! Items of a height stand in order of their making. Each key block walks on from the cursor, at most
//! [`DUE_MAX`] items; what is left over is paid by the next ones.

use banyan_types::{AccountId, Amount, Bytes, Height};

use super::stake;
use crate::{
    Event, Missing, Rejected, State,
    leaf::{Due, DueCount, DueCursor, Stake, Unbonding, key},
    scene::Scene,
};

/// Items that one key block does, at most. Source: ledger 7, `PRUNE_MAX`.
const DUE_MAX: u32 = 1_024;
/// An item that pays back what its account has unbonded.
const RELEASE: u64 = 1;

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
                self.due_at(part.release, &Due { kind: RELEASE, id: Bytes(staker.0.to_vec()) })?;
            }
        }
        Ok(())
    }

    fn due_at(&mut self, height: Height, item: &Due) -> Result<(), Rejected> {
        let n = self.get::<DueCount>(&key::due_count(height))?.map_or(0, |count| count.n);
        let next = n.checked_add(1).ok_or(Rejected::Overflow)?;
        self.set(key::due(height, n), item);
        self.set(key::due_count(height), &DueCount { n: next });
        Ok(())
    }

    /// Do what is due up to this height.
    pub(crate) fn walk_due(&mut self) -> Result<(), Rejected> {
        let at = key::due_cursor();
        let mut cursor: DueCursor = self.get(&at)?.ok_or(Missing("no due cursor: the state has no genesis"))?;
        let mut left = DUE_MAX;
        while cursor.height <= self.height && left > 0 {
            let item = key::due(cursor.height, cursor.index);
            let Some(due) = self.get::<Due>(&item)? else {
                self.state.put(key::due_count(cursor.height), None);
                let height = cursor.height.next().ok_or(Rejected::Overflow)?;
                cursor = DueCursor { height, index: 0 };
                continue;
            };
            self.state.put(item, None);
            self.release(&due)?;
            cursor.index = cursor.index.saturating_add(1);
            left = left.saturating_sub(1);
        }
        self.set(at, &cursor);
        Ok(())
    }

    /// Pay back what has answered long enough. Nothing may be there any more: it was slashed, or serves for longer.
    fn release(&mut self, due: &Due) -> Result<(), Rejected> {
        let staker = AccountId::from_slice(&due.id.0).filter(|_| due.kind == RELEASE);
        let staker = staker.ok_or(Missing("a due item of an unknown kind"))?;
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
