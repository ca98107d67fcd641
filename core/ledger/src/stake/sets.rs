//! The sets of witnesses: who votes in an era, and with what weight. Rules: root 8.

use alloc::vec::Vec;
use core::cmp::Ordering;

use banyan_types::{
    AccountId, Amount, Era,
    committee::ValidatorSet,
    witness::{Witness, WitnessSet},
};

use super::{candidates, stake, staker_of, terms::Terms, witness_sets};
use crate::{
    Event, Missing, Rejected, RootRules, StakeRules, State,
    leaf::{Candidate, Candidates, Unbonding, WitnessSets, key},
    params::CAPPED_FROM,
    scene::Scene,
};

/// The larger bond first, then the lower key.
pub(super) fn rank(a: &Candidate, b: &Candidate) -> Ordering {
    b.bonded.cmp(&a.bonded).then(a.key.cmp(&b.key))
}

/// The set of `era` that the candidates make; none if they are too few.
fn choose(rules: &StakeRules, terms: &Terms, candidates: &Candidates, era: Era) -> Option<WitnessSet> {
    let mut chosen: Vec<_> = candidates.list.iter().filter(|one| terms.is_eligible(one, era)).collect();
    chosen.sort_by(|a, b| rank(a, b));
    chosen.truncate(usize::try_from(rules.witness_max).unwrap_or(usize::MAX));
    if chosen.len() < usize::try_from(rules.witness_min).unwrap_or(usize::MAX) {
        return None;
    }
    chosen.sort_by_key(|one| one.key);
    let total = chosen.iter().map(|one| one.bonded).try_fold(Amount::ZERO, Amount::plus)?;
    let capped = chosen.len() >= CAPPED_FROM;
    let cap = if capped { total.share(u64::from(rules.weight_cap_permille), 1_000)? } else { total };
    let member = |one: &Candidate| Witness { key: one.key, weight: one.bonded.min(cap), staker: one.staker };
    Some(WitnessSet { era, members: chosen.into_iter().map(member).collect() })
}

impl<S: State> Scene<'_, S> {
    /// Write the sets of eras 0 and 1, which the genesis knows. `false` if its witnesses are too few.
    pub(crate) fn write_first_sets(&mut self) -> Result<bool, Missing> {
        let listed = candidates(self.state)?;
        let (terms, rules) = (self.terms()?, self.params.stake().ok_or(Missing("stake where it is off"))?);
        let sets: Option<Vec<_>> =
            [Era(0), Era(1)].map(|era| choose(rules, &terms, &listed, era)).into_iter().collect();
        let Some(sets) = sets else { return Ok(false) };
        self.set(key::witness_sets(), &WitnessSets { sets });
        Ok(true)
    }

    /// At the last height of an era: write the set of the era after next, and forget those before this one.
    pub(crate) fn write_set(&mut self, root: &RootRules, rules: &StakeRules) -> Result<(), Rejected> {
        let now = root.era_of(self.height);
        let Some(era) = now.plus(2).filter(|_| root.last_height(now) == self.height) else { return Ok(()) };
        let mut listed = candidates(self.state)?;
        let chosen = choose(rules, &self.terms()?, &listed, era);
        // Whoever did not renew comes back to the list when it does, and makes room until then.
        listed.list.retain(|one| rules.registered_to(one.renewed) >= era);
        self.set(key::candidates(), &listed);

        let mut kept = witness_sets(self.state)?;
        kept.sets.retain(|set| set.era >= now);
        let last = kept.sets.last().ok_or(Missing("no set of witnesses: the state has no genesis"))?;
        let repeated = chosen.is_none();
        let set = chosen.unwrap_or_else(|| WitnessSet { era, members: last.members.clone() });
        if repeated {
            self.hold(set.members.iter().map(|member| member.staker), set.era)?;
        }
        let (members, total) = (u32::try_from(set.members.len()).unwrap_or(u32::MAX), set.total());
        self.events.push(Event::SetChanged { era, members, total, repeated });
        kept.sets.push(set);
        self.set(key::witness_sets(), &kept);
        Ok(())
    }

    /// The members of a repeated set serve for longer than they were told, and what they unbonded answers for it.
    fn hold(&mut self, stakers: impl Iterator<Item = AccountId>, era: Era) -> Result<(), Rejected> {
        let release = self.terms()?.release_height(Some(era))?;
        for staker in stakers {
            let Some(mut held) = stake(self.state, staker)? else { continue };
            let (early, later) = held.unbonding.into_iter().partition::<Vec<_>, _>(|part| part.release < release);
            held.unbonding = later;
            let amount = early.iter().map(|part| part.amount).try_fold(Amount::ZERO, Amount::plus);
            let amount = amount.ok_or(Rejected::Overflow)?;
            if !amount.is_zero() {
                self.add_unbonding(staker, &mut held, &Unbonding { amount, release })?;
                self.set_stake(staker, &held)?;
            }
        }
        Ok(())
    }

    /// The same for a child's set, which serves in `epoch` again. Its members need not all have a stake.
    pub(crate) fn hold_validators(&mut self, set: &ValidatorSet, epoch: u64) -> Result<(), Rejected> {
        let mut stakers = Vec::new();
        for member in set.members() {
            stakers.extend(staker_of(self.state, member.key)?);
        }
        self.hold(stakers.into_iter(), Era(u32::try_from(epoch).map_err(|_| Rejected::Overflow)?))
    }
}
