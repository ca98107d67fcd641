//! Stake: what accounts bond so that their keys may witness and lead, or order a child's blocks. Rules: root 6, 8,
//! associates 9.
//!
//! A stake keeps its leaf for ever, as its key keeps its owner. Everything that changes one goes through
//! [`Scene::set_stake`], which keeps the list of candidates beside it. Read [`Scene::bond`] first; sets are written in
//! [`sets`], punishments in [`evidence`] and, on a child, in [`contradiction`]; [`terms`] says what differs there.

mod contradiction;
mod due;
mod evidence;
mod sets;
mod terms;

use banyan_crypto::Claim;
use banyan_types::{
    AccountId, Amount, Era, Hash, PublicKey,
    tx::{Bond, Renew, Unbond},
    witness::bond_message,
};

use crate::{
    Event, Missing, Rejected, RootEngine, RootRules, State,
    leaf::{Candidate, Candidates, Slashed, Stake, Unbonding, UsedKey, WitnessSets, key},
    money::Coins,
    scene::{Scene, load},
};

/// Stakes that sets are chosen from, at most: four times the largest set, so that the list is a leaf of 100 kB. When it is
/// full, the largest stay in it; one that fell out is looked at again when it next bonds, unbonds or renews.
pub const CANDIDATES_MAX: usize = 1_024;

/// What an account has bonded, if it ever bonded anything.
/// # Errors
/// `Missing` when the state could not answer.
pub fn stake(state: &mut impl State, staker: AccountId) -> Result<Option<Stake>, Missing> {
    load(state, &key::stake(staker))
}

/// Whose stake a key serves, or served.
/// # Errors
/// `Missing` when the state could not answer.
pub fn staker_of(state: &mut impl State, key: PublicKey) -> Result<Option<AccountId>, Missing> {
    Ok(load::<UsedKey>(state, &key::used_key(key))?.map(|used| used.staker))
}

/// The sets of witnesses that the state keeps; none where witnesses are off.
/// # Errors
/// `Missing` when the state could not answer.
pub fn witness_sets(state: &mut impl State) -> Result<WitnessSets, Missing> {
    Ok(load(state, &key::witness_sets())?.unwrap_or(WitnessSets { sets: alloc::vec![] }))
}

/// The stakes that the next set would be chosen from.
/// # Errors
/// `Missing` when the state could not answer.
pub fn candidates(state: &mut impl State) -> Result<Candidates, Missing> {
    Ok(load(state, &key::candidates())?.unwrap_or(Candidates { list: alloc::vec![] }))
}

impl<S: State> Scene<'_, S> {
    /// Hash of the first genesis, which proofs of keys name.
    fn chain(&mut self) -> Result<Hash, Missing> {
        if self.params.is_root() { Ok(self.engine()?.chain) } else { Ok(self.committee()?.chain) }
    }

    /// What the root engine keeps.
    pub fn engine(&mut self) -> Result<RootEngine, Missing> {
        self.get(&key::engine())?.ok_or(Missing("no engine leaf: the state has no genesis"))
    }

    /// Open a stake, or raise it.
    pub(crate) fn bond(&mut self, tx: &Bond) -> Result<(), Rejected> {
        if tx.amount.is_zero() {
            return Err(Rejected::NoAmount);
        }
        let held = stake(self.state, tx.from_id)?;
        match &held {
            Some(held) if held.slashed != Slashed::Never => return Err(Rejected::Slashed { staker: tx.from_id }),
            Some(held) if held.key != tx.key => {
                return Err(Rejected::StakeKey { expected: held.key, got: tx.key });
            }
            Some(_) => {}
            None => {
                if let Some(staker) = staker_of(self.state, tx.key)? {
                    return Err(Rejected::KeyUsed { staker });
                }
            }
        }
        let message = bond_message(self.chain()?, tx.from_id);
        let claim = Claim { key: &tx.key.0, message: &message, signature: &tx.proof.0 };
        banyan_crypto::verify(claim).map_err(|_| Rejected::KeyProof)?;
        let coins = self.take(tx.from_id, tx.amount)?;
        self.raise(tx.from_id, tx.key, held, coins)?;
        self.events.push(Event::Bonded { staker: tx.from_id, key: tx.key, amount: tx.amount });
        Ok(())
    }

    /// Put coins into a stake, which is made if absent. To bond is to renew.
    pub(crate) fn raise(
        &mut self,
        staker: AccountId,
        key: PublicKey,
        held: Option<Stake>,
        coins: Coins,
    ) -> Result<(), Rejected> {
        let renewed = self.terms()?.now;
        let (bonded, unbonding) = held.map_or((Amount::ZERO, alloc::vec![]), |held| (held.bonded, held.unbonding));
        let bonded = bonded.plus(self.pay_bonds(coins)?).ok_or(Rejected::Overflow)?;
        self.set(key::used_key(key), &UsedKey { staker });
        Ok(self.set_stake(staker, &Stake { key, bonded, unbonding, renewed, slashed: Slashed::Never })?)
    }

    /// Take stake out of sets not yet written.
    pub(crate) fn unbond(&mut self, tx: &Unbond) -> Result<(), Rejected> {
        let staker = tx.from_id;
        if tx.amount.is_zero() {
            return Err(Rejected::NoAmount);
        }
        let mut held = stake(self.state, staker)?.ok_or(Rejected::NoStake { staker })?;
        let left = held.bonded.minus(tx.amount);
        held.bonded = left.ok_or(Rejected::Unbond { bonded: held.bonded, got: tx.amount })?;
        self.enough_left(staker, held.bonded)?;
        let terms = self.terms()?;
        let release = terms.release_height(terms.next.0.checked_sub(1).map(Era))?;
        let part = Unbonding { amount: tx.amount, release };
        self.add_unbonding(staker, &mut held, &part)?;
        self.set_stake(staker, &held)?;
        self.events.push(Event::Unbonded { staker, amount: tx.amount, release });
        Ok(())
    }

    /// A stake that falls out of the next set to write must leave enough others for it.
    fn enough_left(&mut self, staker: AccountId, bonded: Amount) -> Result<(), Rejected> {
        let terms = self.terms()?;
        let listed = candidates(self.state)?.list;
        let eligible = |candidate: &&Candidate| terms.is_eligible(candidate, terms.next);
        let leaves = bonded < terms.bond_min && listed.iter().filter(eligible).any(|one| one.staker == staker);
        let others = listed.iter().filter(eligible).filter(|one| one.staker != staker).count();
        let (min, left) = (terms.least, u32::try_from(others).unwrap_or(u32::MAX));
        // A child's first validators need no stake: while too few have bonded, they serve on.
        let must_stay = self.params.is_root() || left.saturating_add(1) == min;
        if leaves && must_stay && left < min { Err(Rejected::WitnessesTooFew { min, left }) } else { Ok(()) }
    }

    /// Keep a stake in sets for longer.
    pub(crate) fn renew(&mut self, tx: &Renew) -> Result<(), Rejected> {
        let staker = tx.from_id;
        let held = stake(self.state, staker)?.ok_or(Rejected::NoStake { staker })?;
        if held.slashed != Slashed::Never {
            return Err(Rejected::Slashed { staker });
        }
        let renewed = self.terms()?.now;
        self.set_stake(staker, &Stake { renewed, ..held })?;
        let to = self.terms()?.registered_to(renewed);
        self.events.push(Event::Renewed { staker, to });
        Ok(())
    }

    /// Write a stake, and its place among the candidates.
    pub(crate) fn set_stake(&mut self, staker: AccountId, stake: &Stake) -> Result<(), Missing> {
        self.set(key::stake(staker), stake);
        let bond_min = self.terms()?.bond_min;
        let mut listed = candidates(self.state)?;
        let at = listed.list.binary_search_by_key(&staker, |one| one.staker);
        let candidate = Candidate { staker, key: stake.key, bonded: stake.bonded, renewed: stake.renewed };
        let may_serve = stake.slashed == Slashed::Never && stake.bonded >= bond_min;
        match at {
            Ok(at) if !may_serve => drop(listed.list.remove(at)),
            Ok(at) => listed.list.get_mut(at).into_iter().for_each(|one| *one = candidate.clone()),
            Err(at) if may_serve => listed.list.insert(at, candidate),
            Err(_) => return Ok(()),
        }
        if listed.list.len() > CANDIDATES_MAX
            && let Some(least) = listed.list.iter().max_by(|a, b| sets::rank(a, b)).map(|one| one.staker)
        {
            listed.list.retain(|one| one.staker != least);
        }
        self.set(key::candidates(), &listed);
        Ok(())
    }

    /// Whether the leader of a key block has bonded what its generation asks for, by the state before the block.
    pub(crate) fn may_fill(&mut self, rules: &RootRules, miner: PublicKey) -> Result<bool, Missing> {
        let needed = rules.leader_bond(self.height, self.ledger.supply.pool);
        if needed.is_zero() {
            return Ok(true);
        }
        let Some(staker) = staker_of(self.state, miner)? else { return Ok(false) };
        Ok(stake(self.state, staker)?.is_some_and(|stake| stake.bonded >= needed))
    }
}
