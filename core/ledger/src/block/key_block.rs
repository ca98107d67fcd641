//! Key blocks: pay what has matured, mint, share the fees of the generation that ends. Rules: ledger 6.1, root 6.

use banyan_types::{Amount, header::KeyHeader};

use super::{Execution, Outcome, clock, ours, same_root};
use crate::{
    BlockHash, Clock, Event, Invalid, Missing, Params, PendingReward, Rejected, Reward, RootEngine, RootRules, Shares,
    State, leaf::key, money::Coins, scene::Scene,
};

pub(super) fn apply(state: &mut impl State, params: &Params, header: &KeyHeader) -> Result<Outcome, Invalid> {
    let outcome = key_outcome(state, params, header)?;
    same_root("state_root", header.state_root, outcome.root)?;
    Ok(outcome)
}

/// What the key block does, whatever `state_root` its header carries: for whoever makes one.
/// # Errors
/// `Kind` on a child, `Header` when the height does not follow.
pub fn key_outcome(state: &mut impl State, params: &Params, header: &KeyHeader) -> Result<Outcome, Invalid> {
    let rules = params.root.as_ref().ok_or(Invalid::Kind)?;
    let before = clock(state)?;
    if before.height.next() != Some(header.height) {
        return Err(Invalid::Header { field: "height" });
    }
    let mut scene = Scene::open(state, params, header.height)?;
    let ring = BlockHash { height: before.height, hash: header.prev_key_hash };
    scene.set(key::block_hash(before.height), &ring);
    scene.pay_matured(rules).map_err(ours)?;
    scene.reward(rules, &before, header).map_err(ours)?;
    let clock = Clock {
        height: header.height,
        time: header.time,
        prev_hash: header.prev_key_hash,
        beneficiary: header.beneficiary,
        leader: header.miner,
    };
    scene.set(key::clock(), &clock);
    Ok(Execution::over(scene).finish()?)
}

impl<S: State> Scene<'_, S> {
    /// Pay the rewards of the key block that is now `maturity` old.
    fn pay_matured(&mut self, rules: &RootRules) -> Result<(), Rejected> {
        let Some(height) = self.height.0.checked_sub(rules.maturity) else { return Ok(()) };
        let at = key::reward(banyan_types::Height(height));
        let Some(pending) = self.get::<PendingReward>(&at)? else { return Ok(()) };
        let Shares { before, after } = pending.shares;
        for Reward { beneficiary, amount } in [before, after].into_iter().filter(|reward| !reward.amount.is_zero()) {
            let coins = self.take_rewards(amount)?;
            self.pay(beneficiary, coins)?;
            self.events.push(Event::Rewarded { account: beneficiary, amount });
        }
        self.state.put(at, None);
        Ok(())
    }

    /// Mint the coinbase and write the rewards that will mature: of the fees, two fifths to the leader before, the rest
    /// and the coinbase to the new leader; a tenth of the coinbase to the witnesses.
    fn reward(&mut self, rules: &RootRules, before: &Clock, header: &KeyHeader) -> Result<(), Rejected> {
        let coinbase = self.mint(rules.coinbase(self.height, self.ledger.supply.pool))?;
        let tenth = coinbase.amount().share(1, 10).ok_or(Rejected::Overflow)?;
        // More than the whole supply is no limit.
        let pot_max = coinbase.amount().share(rules.era, 10).unwrap_or(Amount::MAX);
        let (pot, coinbase) = coinbase.split(tenth).ok_or(Rejected::Overflow)?;
        self.fill_pot(pot, pot_max)?;

        let fees = self.take_fees()?;
        // The genesis leads nobody: the first leader takes what its generation never had.
        let share = if before.height.0 == 0 { Amount::ZERO } else { two_fifths(fees.amount())? };
        let (to_before, to_after) = fees.split(share).ok_or(Rejected::Overflow)?;
        let to_before = self.pay_rewards(to_before)?;
        let to_after = self.pay_rewards(to_after)?.plus(self.pay_rewards(coinbase)?).ok_or(Rejected::Overflow)?;
        let shares = Shares {
            before: Reward { beneficiary: before.beneficiary, amount: to_before },
            after: Reward { beneficiary: header.beneficiary, amount: to_after },
        };
        self.set(key::reward(self.height), &PendingReward { key_hash: header.prev_key_hash, shares });
        Ok(())
    }

    /// The pot holds at most an era's tenths of the coinbase as it is now; the excess is unmined again, also when the
    /// coinbase falls.
    fn fill_pot(&mut self, tenth: Coins, pot_max: Amount) -> Result<(), Rejected> {
        let mut engine: RootEngine =
            self.get(&key::engine())?.ok_or(Missing("no engine leaf: the state has no genesis"))?;
        let pot = engine.pot.plus(self.pay_rewards(tenth)?).ok_or(Rejected::Overflow)?;
        engine.pot = pot.min(pot_max);
        let excess = self.take_rewards(pot.minus(engine.pot).unwrap_or(Amount::ZERO))?;
        self.unmint(excess)?;
        self.set(key::engine(), &engine);
        Ok(())
    }
}

fn two_fifths(fees: Amount) -> Result<Amount, Rejected> {
    fees.share(2, 5).ok_or(Rejected::Overflow)
}
