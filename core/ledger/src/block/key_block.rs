//! Key blocks: pay what has matured, mint, share the fees of the generation that ends. Rules: ledger 6.1, root 6.

use banyan_types::{
    Amount,
    header::{KeyBody, KeyHeader},
    witness::Seal,
};

use super::{Execution, KeyBlock, Outcome, clock, ours, same_root};
use crate::{
    BlockHash, Clock, Event, Invalid, Params, PendingReward, Rejected, Reward, RootEngine, RootRules, Shares, State,
    leaf::key, money::Coins, scene::Scene,
};

pub(super) fn apply(state: &mut impl State, params: &Params, block: &KeyBlock) -> Result<Outcome, Invalid> {
    let KeyBlock { header, seal } = block;
    if header.witness_hash != KeyBody::witness_hash(&KeyBody::bytes_of(seal.as_ref())) {
        return Err(Invalid::Header { field: "witness_hash" });
    }
    let outcome = key_outcome(state, params, header, seal.as_ref())?;
    same_root("state_root", header.state_root, outcome.root)?;
    Ok(outcome)
}

/// What the key block does, whatever `state_root` and `witness_hash` its header carries: for whoever makes one.
/// # Errors
/// `Kind` on a child, `Header` when the height does not follow, `Seal` when the seal does not hold.
pub fn key_outcome(
    state: &mut impl State,
    params: &Params,
    header: &KeyHeader,
    seal: Option<&Seal>,
) -> Result<Outcome, Invalid> {
    let rules = params.root.as_ref().ok_or(Invalid::Kind)?;
    let before = clock(state)?;
    if before.height.next() != Some(header.height) {
        return Err(Invalid::Header { field: "height" });
    }
    let mut scene = Scene::open(state, params, header.height)?;
    let ring = BlockHash { height: before.height, hash: header.prev_key_hash };
    scene.set(key::block_hash(before.height), &ring);
    let mut engine = scene.engine()?;
    // Before any step: by the state that the miner knew.
    engine.may_fill = scene.may_fill(rules, header.miner)?;
    scene.end_what_is_due().map_err(ours)?;
    scene.pay_matured(rules).map_err(ours)?;
    let coinbase = scene.mint_coinbase(rules, &mut engine).map_err(ours)?;
    let inclusion = match seal {
        Some(seal) => scene.seal(rules, &mut engine, seal)?,
        None => Amount::ZERO,
    };
    scene.reward(&before, header, coinbase, inclusion).map_err(ours)?;
    if let Some(stake) = &rules.stake {
        scene.write_set(rules, stake).map_err(ours)?;
    }
    scene.set(key::engine(), &engine);
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

    /// Mint the coinbase: a tenth to the witnesses' pot, the rest for the new leader.
    fn mint_coinbase(&mut self, rules: &RootRules, engine: &mut RootEngine) -> Result<Coins, Rejected> {
        let coinbase = self.mint(rules.coinbase(self.height, self.ledger.supply.pool))?;
        let tenth = coinbase.amount().share(1, 10).ok_or(Rejected::Overflow)?;
        // More than the whole supply is no limit.
        let pot_max = coinbase.amount().share(rules.era, 10).unwrap_or(Amount::MAX);
        let (tenth, coinbase) = coinbase.split(tenth).ok_or(Rejected::Overflow)?;
        self.fill_pot(engine, tenth, pot_max)?;
        Ok(coinbase)
    }

    /// The pot holds at most an era's tenths of the coinbase as it is now; the excess is unmined again, also when the
    /// coinbase falls.
    fn fill_pot(&mut self, engine: &mut RootEngine, tenth: Coins, pot_max: Amount) -> Result<(), Rejected> {
        let pot = engine.pot.plus(self.pay_rewards(tenth)?).ok_or(Rejected::Overflow)?;
        engine.pot = pot.min(pot_max);
        let excess = self.take_rewards(pot.minus(engine.pot).unwrap_or(Amount::ZERO))?;
        self.unmint(excess)
    }

    /// Write the rewards that will mature: of the fees, two fifths to the leader before; the rest, the coinbase and what
    /// a seal brings to the new leader. `inclusion` has left the pot and waits among the rewards already.
    fn reward(
        &mut self,
        before: &Clock,
        header: &KeyHeader,
        coinbase: Coins,
        inclusion: Amount,
    ) -> Result<(), Rejected> {
        let fees = self.take_fees()?;
        // The genesis leads nobody: the first leader takes what its generation never had.
        let share = if before.height.0 == 0 { Amount::ZERO } else { two_fifths(fees.amount())? };
        let (to_before, to_after) = fees.split(share).ok_or(Rejected::Overflow)?;
        let to_before = self.pay_rewards(to_before)?;
        let to_after = self.pay_rewards(to_after)?.plus(self.pay_rewards(coinbase)?).ok_or(Rejected::Overflow)?;
        let to_after = to_after.plus(inclusion).ok_or(Rejected::Overflow)?;
        let shares = Shares {
            before: Reward { beneficiary: before.beneficiary, amount: to_before },
            after: Reward { beneficiary: header.beneficiary, amount: to_after },
        };
        let pending = PendingReward { key_hash: header.prev_key_hash, shares, forked: false };
        self.set(key::reward(self.height), &pending);
        Ok(())
    }
}

fn two_fifths(fees: Amount) -> Result<Amount, Rejected> {
    fees.share(2, 5).ok_or(Rejected::Overflow)
}
