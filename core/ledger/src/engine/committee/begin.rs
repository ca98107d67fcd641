//! What a committee's engine does in every block before its transactions: pay for the block before, turn the epoch at its
//! edge, count who was away. Rules: protocol, associates 5 (d), 9.
//!
//! All is a function of the state and the block, so that whoever executes can check it: the state after a block says who
//! may make the next one ([`next_epoch`]). Fees of a block are shared by its seal, which comes with the next one.

use alloc::vec::Vec;

use banyan_types::{
    Amount, Bytes, Era, Hash, Height, PublicKey,
    committee::{Certificate, ValidatorSet},
    rlp::Tail,
};

use super::{CommitteeRules, End, Epoch, Schedule, Sets, Snapshot, check, schedule::Stakes};
use crate::{
    ChildStart, Clock, CommitteeEngine, Event, Genesis, Invalid, Missing, Params, ParentLeaf, Rejected, State,
    leaf::key,
    money::Coins,
    scene::{Scene, load},
    stake::candidates,
};

/// What the state keeps of a committee; `None` on a ledger whose validators never change.
/// # Errors
/// `Missing` when the state could not answer.
pub fn committee(state: &mut impl State, params: &Params) -> Result<Option<CommitteeEngine>, Missing> {
    if params.committee().is_none() {
        return Ok(None);
    }
    let leaf: Option<CommitteeEngine> = load(state, &key::engine())?;
    leaf.map(Some).ok_or(Missing("no engine leaf: the state has no genesis"))
}

/// Who may make the block after the one whose state this is; `None` on a ledger whose validators never change.
/// # Errors
/// `Missing` when the state could not answer.
pub fn next_epoch(state: &mut impl State, params: &Params) -> Result<Option<Epoch>, Missing> {
    let (Some(rules), Some(leaf)) = (params.committee(), committee(state, params)?) else { return Ok(None) };
    let clock: Clock = load(state, &key::clock())?.ok_or(Missing("no clock leaf: the state has no genesis"))?;
    let next = Height(clock.height.0.saturating_add(1));
    Ok(Some(leaf.next_epoch(rules, next)))
}

impl CommitteeEngine {
    /// The epoch of the block at `next`, the first after the one whose state this is.
    pub fn next_epoch(&self, rules: &CommitteeRules, next: Height) -> Epoch {
        if rules.turns_at(next) { self.schedule.following() } else { self.schedule.epoch() }
    }
}

/// The leaf at the genesis of a ledger with these rules.
pub(crate) fn first_leaf(genesis: &Genesis, rules: &CommitteeRules) -> CommitteeEngine {
    let chain = genesis.hash();
    let seed = Hash(banyan_crypto::blake2b(&[b"banyan committee", &chain.0]));
    CommitteeEngine {
        engine: CommitteeEngine::ENGINE,
        chain,
        schedule: Schedule::genesis(seed, &rules.validators),
        parent: Hash::ZERO,
        named: None,
        kept: Tail(None),
    }
}

impl<S: State> Scene<'_, S> {
    /// What the committee's engine keeps; every caller has asked whether there is one.
    pub(crate) fn committee(&mut self) -> Result<CommitteeEngine, Missing> {
        committee(self.state, self.params)?.ok_or(Missing("no committee on this ledger"))
    }

    /// Pay for the block before, of which `fees` are left; turn the epoch; count turns. `named` is the parent block that the
    /// block before has named.
    pub(crate) fn begin_committee(
        &mut self,
        rules: &CommitteeRules,
        start: &ChildStart,
        (before, named): (&Clock, &ParentLeaf),
        fees: Coins,
    ) -> Result<(), Invalid> {
        let mut leaf = self.committee()?;
        let seal = self.prev_seal(start, before, &leaf.schedule.now.set)?;
        self.pay_validators(&mut leaf, before.leader, fees, seal.as_ref()).map_err(ours)?;
        leaf.note_interval(start.time.since(before.time).unwrap_or(0));
        if rules.turns_at(start.height) {
            self.turn_epoch(rules, &mut leaf, named)?;
        } else if rules.sets == Sets::Contract {
            self.tell_faults(leaf.schedule.number).map_err(ours)?;
        }
        leaf.schedule.count(start.height, start.view);
        self.set(key::engine(), &leaf);
        Ok(())
    }

    /// The seal of the block before, which the block carries: of the very block, by a quorum. The genesis has none.
    fn prev_seal(
        &self,
        start: &ChildStart,
        before: &Clock,
        set: &ValidatorSet,
    ) -> Result<Option<Certificate>, Invalid> {
        let wrong = Invalid::Header { field: "prev_seal" };
        let Some(seal) = read_seal(&start.prev_seal).map_err(|()| wrong.clone())? else {
            return if before.height == Height(0) { Ok(None) } else { Err(wrong) };
        };
        let of_block = (seal.height, seal.block_hash) == (before.height, start.prev_hash);
        let holds = of_block && before.height > Height(0) && check(&seal, set, &self.params.network_id).is_ok();
        if holds { Ok(Some(seal)) } else { Err(wrong) }
    }

    fn turn_epoch(
        &mut self,
        rules: &CommitteeRules,
        leaf: &mut CommitteeEngine,
        named: &ParentLeaf,
    ) -> Result<(), Invalid> {
        let entropy = (named.hash != leaf.parent).then_some(named.entropy);
        leaf.parent = named.hash;
        let jailed = leaf.schedule.jailed.clone();
        let epoch = leaf.schedule.number.saturating_add(3);
        let is_repeated = match &rules.sets {
            Sets::Permissioned => {
                let asked = leaf.named.take();
                leaf.schedule.turn(&End { entropy, snapshot: Snapshot::Named(asked.as_ref()) })
            }
            Sets::Contract => self.turn_by_contract(rules, leaf, entropy).map_err(ours)?,
            Sets::Stake(bonds) => {
                let era = Era(u32::try_from(epoch).unwrap_or(u32::MAX));
                let terms = self.terms()?;
                let listed = candidates(self.state)?.list;
                let may_serve = listed.iter().filter(|one| terms.is_eligible(one, era));
                let list: Vec<(PublicKey, Amount)> = may_serve.map(|one| (one.key, one.bonded)).collect();
                let least = usize::try_from(bonds.validators_min).unwrap_or(usize::MAX);
                let stakes = Stakes { list: &list, stake_min: bonds.stake_min, least };
                leaf.schedule.turn(&End { entropy, snapshot: Snapshot::Stakes(&stakes) })
            }
        };
        if is_repeated && rules.bonds().is_some() {
            self.hold_validators(&leaf.schedule.later, epoch).map_err(ours)?;
        }
        let new = leaf.schedule.jailed.iter().filter(|key| jailed.binary_search(key).is_err());
        self.events.extend(new.map(|key| Event::Jailed { key: *key }));
        let set = &leaf.schedule.later;
        let members = u32::try_from(set.members().len()).unwrap_or(u32::MAX);
        let number = leaf.schedule.number;
        self.events.push(Event::EpochTurned { number, members, set: set.hash(), repeated: is_repeated });
        Ok(())
    }

    /// The parent's operators name who is to follow. Where validators are not named, nothing comes of it.
    pub(crate) fn name_validators(&mut self, set: &ValidatorSet) -> Result<(), Missing> {
        if self.params.committee().is_none_or(|rules| rules.sets != Sets::Permissioned) {
            return Ok(());
        }
        let mut leaf = self.committee()?;
        leaf.named = Some(set.clone());
        self.set(key::engine(), &leaf);
        Ok(())
    }
}

/// The certificate in these bytes; none where there are none.
pub(crate) fn read_seal(bytes: &Bytes) -> Result<Option<Certificate>, ()> {
    if bytes.0.is_empty() { Ok(None) } else { Certificate::read(&bytes.0).map(Some).map_err(|_| ()) }
}

/// Coin that only moves between the ledger's own places is refused by nobody's fault but ours.
pub(super) fn ours(why: Rejected) -> Invalid {
    match why {
        Rejected::Ours(missing) => Invalid::Ours(missing),
        _ => Invalid::Ours(Missing("the running totals do not cover what the state owes")),
    }
}
