//! The seal in a key block: that it holds on this chain, and what it pays. Rules: root 6, 9.

use alloc::vec::Vec;

use banyan_types::{
    Amount,
    witness::{Seal, WitnessSet, places_in},
};

use super::ours;
use crate::{
    BadSeal, BlockHash, Event, Invalid, Missing, Rejected, RootEngine, RootRules, State, certificate::check_seal,
    leaf::key, scene::Scene, stake::witness_sets,
};

/// What the miner that includes a seal gets of the pot: a twentieth.
const INCLUSION_PARTS: u64 = 20;

impl<S: State> Scene<'_, S> {
    /// Check a seal, pay those who signed it and give what the miner gets for including it.
    pub(super) fn seal(&mut self, rules: &RootRules, engine: &mut RootEngine, seal: &Seal) -> Result<Amount, Invalid> {
        if rules.stake.is_none() {
            return Err(Invalid::Seal(BadSeal::Off));
        }
        let sets = witness_sets(self.state)?;
        let set = &rules.signers(&sets, seal.era).ok_or(Invalid::Seal(BadSeal::NoSet { era: seal.era }))?;
        check_seal(seal, set, engine.chain).map_err(|why| Invalid::Seal(BadSeal::Certificate(why)))?;
        self.check_place(rules, engine, seal)?;
        engine.sealed_height = seal.height;
        let places: Vec<_> = places_in(&seal.bitmap).collect();
        let (weight, total) = (set.weight_at(places.iter().copied()), set.total());
        self.events.push(Event::Sealed { height: seal.height, hash: seal.hash, era: seal.era, weight, total });
        self.pay_signers(engine, set, &places).map_err(ours)
    }

    /// Whether the sealed key block is one of this chain, above the last one sealed, of its signers' era. That the last key
    /// block of the era before is final is the word of the quorum: no honest witness votes before. Its own seal need not
    /// stand on the chain, since a miner may withhold it until it is out of the ring.
    fn check_place(&mut self, rules: &RootRules, engine: &RootEngine, seal: &Seal) -> Result<(), Invalid> {
        let (height, hash) = (seal.height, seal.hash);
        let ring = self.get::<BlockHash>(&key::block_hash(height))?;
        if ring != Some(BlockHash { height, hash }) {
            return Err(Invalid::Seal(BadSeal::NotAncestor { height, hash }));
        }
        if height <= engine.sealed_height {
            return Err(Invalid::Seal(BadSeal::NotAbove { sealed: engine.sealed_height, got: height }));
        }
        let expected = rules.era_of(height);
        if seal.era != expected {
            return Err(Invalid::Seal(BadSeal::Era { expected, got: seal.era }));
        }
        Ok(())
    }

    /// Empty the pot: to each signer by its weight in the whole set, at once; what the absent would have had goes back to
    /// what is unmined. What is given back stays among the rewards.
    fn pay_signers(&mut self, engine: &mut RootEngine, set: &WitnessSet, places: &[u16]) -> Result<Amount, Rejected> {
        let pot = core::mem::take(&mut engine.pot);
        let inclusion = pot.share(1, INCLUSION_PARTS).ok_or(Rejected::Overflow)?;
        let shared = pot.minus(inclusion).ok_or(Rejected::Overflow)?;
        let (total, mut left) = (set.total(), shared);
        for member in places.iter().filter_map(|at| set.member(*at)) {
            let amount = shared.portion(member.weight, total).ok_or(Rejected::Overflow)?;
            left = left.minus(amount).ok_or(Missing("a set weighs less than its members"))?;
            let coins = self.take_rewards(amount)?;
            self.pay(member.staker, coins)?;
            self.events.push(Event::Rewarded { account: member.staker, amount });
        }
        let absent = self.take_rewards(left)?;
        self.unmint(absent)?;
        Ok(inclusion)
    }
}
