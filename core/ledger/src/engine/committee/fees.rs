//! Who is paid for a block of a committee: by the protocol with the next block, or by a contract when the epoch is over.
//! Rules: associates 9.
//!
//! Where a contract shares the fees, they wait among the rewards, and the state keeps what each validator would have had
//! without it. A contract whose answer is of no use so takes nothing from anybody.

use alloc::{collections::BTreeMap, vec::Vec};

use banyan_fate::Value;
use banyan_types::{AccountId, Amount, PublicKey, committee::Certificate};

use super::{
    Schedule,
    answer::read_shares,
    ask::{Said, Speaker},
    shares,
};
use crate::{CommitteeEngine, Event, Missing, Owed, Rejected, State, money::Coins, scene::Scene, stake::staker_of};

impl<S: State> Scene<'_, S> {
    /// Six tenths of a block's fees are its leader's, the rest by weight of those in the seal, what division leaves over the
    /// leader's. They are paid at once, or kept until a contract has shared them.
    pub(super) fn pay_validators(
        &mut self,
        leaf: &mut CommitteeEngine,
        leader: PublicKey,
        fees: Coins,
        seal: Option<&Certificate>,
    ) -> Result<(), Rejected> {
        let lost = Missing("fees that cannot be divided");
        let parts = match seal {
            Some(seal) => shares(fees.amount(), leader, seal, &leaf.schedule.now.set).ok_or(lost)?,
            None => [(leader, fees.amount())].into(),
        };
        if let Some(owed) = leaf.kept.0.as_mut().and_then(|kept| kept.owed.as_mut()) {
            add(owed, parts)?;
            return self.pay_rewards(fees).map(drop);
        }
        let mut lines = Vec::new();
        for (key, amount) in parts {
            lines.push((staker_of(self.state, key)?.unwrap_or(AccountId(key.0)), amount));
        }
        self.pay_lines(fees, lines)
    }

    /// The epoch is over: what its fees are is shared as the ruling contract says, or as the protocol would have. How many
    /// accounts the contract that is proposed would have shared them among.
    pub(super) fn share_epoch(
        &mut self,
        leaf: &mut CommitteeEngine,
        ruling: Option<&mut Speaker>,
        shadow: Option<&mut Speaker>,
    ) -> Result<u32, Rejected> {
        let owed = leaf.kept.0.as_mut().and_then(|kept| kept.owed.take());
        let total = owed.iter().flatten().try_fold(Amount::ZERO, |sum, owed| sum.plus(owed.amount));
        let total = total.ok_or(Missing("fees that cannot be summed up"))?;
        let epoch = leaf.schedule.number;
        let mut said = None;
        if let (Some(ruling), true) = (ruling, owed.is_some()) {
            let asked = self.ask_shares(ruling, &leaf.schedule, total)?;
            if asked == Said::Useless {
                self.events.push(Event::ConsensusFailed { contract: ruling.id, what: "reward", epoch });
            }
            said = asked.answer();
        }
        let mut payees = 0;
        if let Some(shadow) = shadow {
            let moment = self.remember();
            let would = self.ask_shares(shadow, &leaf.schedule, total)?.answer();
            self.forget_since(moment);
            payees = would.map_or(0, |lines| u32::try_from(lines.len()).unwrap_or(u32::MAX));
        }
        let as_owed = owed.into_iter().flatten().map(|owed| (AccountId(owed.key.0), owed.amount));
        let coins = self.take_rewards(total)?;
        self.pay_lines(coins, said.unwrap_or_else(|| as_owed.collect()))?;
        Ok(payees)
    }

    /// What a contract makes of the fees of an epoch: it is told who has made and missed how many blocks.
    fn ask_shares(
        &mut self,
        speaker: &mut Speaker,
        schedule: &Schedule,
        value: Amount,
    ) -> Result<Said<Vec<(AccountId, Amount)>>, Rejected> {
        let row = |member: &banyan_types::committee::Member| {
            let turns = schedule.turns.iter().find(|turns| turns.key == member.key);
            let (made, missed) = turns.map_or((0, 0), |turns| (turns.made, turns.missed));
            Value::tuple(alloc::vec![Value::address(&member.key.0), Value::int(made), Value::int(missed)])
        };
        let rows = schedule.now.set.members().iter().map(row).collect();
        let arguments = alloc::vec![Value::int(schedule.number), Value::list(rows)];
        self.ask_with_value(speaker, value, "reward", arguments, |said| read_shares(said, value))
    }

    /// Pay what has been divided, to the last unit.
    fn pay_lines(&mut self, coins: Coins, lines: Vec<(AccountId, Amount)>) -> Result<(), Rejected> {
        let mut left = coins;
        for (account, amount) in lines.into_iter().filter(|(_, amount)| !amount.is_zero()) {
            let part;
            (part, left) = left.split(amount).ok_or(Missing("shares above what is shared"))?;
            self.pay(account, part)?;
            self.events.push(Event::Rewarded { account, amount });
        }
        // The shares are the whole: nothing is left, and what is nothing may go anywhere.
        self.pay(AccountId::ZERO, left)
    }
}

fn add(owed: &mut Vec<Owed>, parts: BTreeMap<PublicKey, Amount>) -> Result<(), Rejected> {
    for (key, amount) in parts.into_iter().filter(|(_, amount)| !amount.is_zero()) {
        match owed.binary_search_by_key(&key, |owed| owed.key) {
            Ok(at) => {
                if let Some(held) = owed.get_mut(at) {
                    held.amount = held.amount.plus(amount).ok_or(Rejected::Overflow)?;
                }
            }
            Err(at) => owed.insert(at, Owed { key, amount }),
        }
    }
    Ok(())
}
