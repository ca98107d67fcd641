//! Validators named by a contract, and how its successor comes to rule. Rules: associates 9.
//!
//! The protocol asks the contract when an epoch turns. A contract can be wrong; the ledger does not stop: where an answer fails
//! or is of no use, the set before serves on, and an event says so. Which contract rules is the validators' own choice: one is
//! proposed, answers beside the ruling one without effect, and takes over when over two thirds have agreed to it.

use alloc::vec::Vec;

use banyan_fate::{
    Message, Value,
    abi::{encode_call, function_id},
    engine::Entry,
    value::{
        Kind,
        decode::{Door, decode},
    },
};
use banyan_types::{
    AccountId, Amount, ContractId, PublicKey, Status,
    committee::{Member, VALIDATORS_MAX, ValidatorSet},
};

use super::{Sets, begin::ours};
use crate::{
    Event, Invalid, Missing, Rejected, State,
    contract::Terms,
    leaf::{Candidacy, Naming, key},
    scene::Scene,
};

/// All calls of the protocol in one block use at most this part of the block's gas: a fifth. Source: associates 9.
const GAS_PARTS: u64 = 5;
/// A proposal is made by at least a hundredth of the weight. Source: associates 9.
const PROPOSE_PARTS: u128 = 100;
/// No validator weighs more than a third, and who weigh more can stop a proposal. Source: associates 9.
const SHARE_PARTS: u128 = 3;
/// Epochs in which a proposed contract answers before votes count, and between the vote and its rule. Source: associates 9.
const SHADOW_EPOCHS: u64 = 2;
const RULE_EPOCHS: u64 = 2;

/// What the ruling contract says of the set for an epoch.
pub(super) enum Answer {
    /// No contract rules.
    Nobody,
    /// These follow.
    Set(ValidatorSet),
    /// Nothing that can be used.
    Useless,
}

impl<S: State> Scene<'_, S> {
    fn naming(&mut self) -> Result<Naming, Missing> {
        Ok(self.get(&key::naming())?.unwrap_or(Naming { ruling: None, candidate: None }))
    }

    /// At the turn into epoch `now`: let a successor take over that is due, ask the ruling contract for the set of `epoch`, and
    /// the one that is proposed, without effect.
    pub(super) fn ask_who_follows(&mut self, now: u64, epoch: u64) -> Result<Answer, Invalid> {
        let mut gas = self.params.gas_per_block_max.0.checked_div(GAS_PARTS).unwrap_or(0);
        let mut naming = self.naming()?;
        self.take_over(&mut naming, now, &mut gas).map_err(ours)?;
        let answer = match naming.ruling {
            None => Answer::Nobody,
            Some(contract) => self.ask_ruling(contract, epoch, &mut gas).map_err(ours)?,
        };
        if let Some(Candidacy { contract, .. }) = naming.candidate {
            let moment = self.remember();
            let said = self.ask_validators(contract, epoch, &mut gas).map_err(ours)?;
            self.forget_since(moment);
            let set = said.as_ref().map_or(banyan_types::Hash::ZERO, ValidatorSet::hash);
            let members = said.map_or(0, |set| u32::try_from(set.members().len()).unwrap_or(u32::MAX));
            self.events.push(Event::ShadowAnswered { contract, epoch, members, set });
        }
        self.set(key::naming(), &naming);
        Ok(answer)
    }

    fn ask_ruling(&mut self, contract: ContractId, epoch: u64, gas: &mut u64) -> Result<Answer, Rejected> {
        if let Some(set) = self.ask_validators(contract, epoch, gas)? {
            return Ok(Answer::Set(set));
        }
        self.events.push(Event::ConsensusFailed { contract, what: "validators", epoch });
        Ok(Answer::Useless)
    }

    /// A contract that was agreed to rules from the second epoch after. One that cannot take over from the old one never does.
    fn take_over(&mut self, naming: &mut Naming, now: u64, gas: &mut u64) -> Result<(), Rejected> {
        let is_due = |candidate: &mut Candidacy| {
            candidate.agreed.is_some_and(|agreed| now >= agreed.saturating_add(RULE_EPOCHS))
        };
        let Some(Candidacy { contract, .. }) = naming.candidate.take_if(is_due) else { return Ok(()) };
        if let Some(old) = naming.ruling {
            let said = self.call_as_protocol(contract, "migrate", alloc::vec![Value::address(&old.0)], gas)?;
            if said.is_none() {
                self.events.push(Event::ConsensusFailed { contract, what: "migrate", epoch: now });
                return Ok(());
            }
        }
        naming.ruling = Some(contract);
        self.events.push(Event::ConsensusRules { contract, epoch: now });
        Ok(())
    }

    /// The set that a contract names, if it is one. What the call has done is undone otherwise.
    fn ask_validators(
        &mut self,
        contract: ContractId,
        epoch: u64,
        gas: &mut u64,
    ) -> Result<Option<ValidatorSet>, Rejected> {
        let moment = self.remember();
        let said = self.call_as_protocol(contract, "validators", alloc::vec![Value::int(epoch)], gas)?;
        let set = said.as_deref().and_then(read_set);
        if set.is_none() {
            self.forget_since(moment);
        }
        Ok(set)
    }

    /// Call a contract as the protocol: in nobody's name, at nobody's cost. `None` if it does not end well.
    fn call_as_protocol(
        &mut self,
        contract: ContractId,
        function: &str,
        arguments: Vec<Value>,
        gas: &mut u64,
    ) -> Result<Option<Vec<u8>>, Rejected> {
        match self.must_be_callable(contract) {
            Ok(()) => {}
            Err(Rejected::Ours(missing)) => return Err(missing.into()),
            Err(_) => return Ok(None),
        }
        let message = Message {
            contract: contract.0,
            caller: AccountId::ZERO.0,
            origin: AccountId::ZERO.0,
            amount: 0,
            gas: *gas,
            call_data: encode_call(function_id(function), arguments),
            entry: Entry::Call,
            view: false,
        };
        let terms = Terms { fee: Amount::ZERO, gas_price: self.params.gas_price_min, auth: None };
        let moment = self.remember();
        let ran = self.execute(&message, terms)?;
        *gas = gas.saturating_sub(ran.gas_used.0);
        if ran.status != Status::Ok {
            self.forget_since(moment);
            return Ok(None);
        }
        Ok(Some(ran.returned.0))
    }

    /// The weight of the validator whose key is the account's, where a contract may name validators.
    fn voice(&mut self, from: AccountId) -> Result<(PublicKey, u64, ValidatorSet, u64), Rejected> {
        if self.params.committee().is_none_or(|rules| rules.sets != Sets::Contract) {
            return Err(Rejected::Change { why: "no contract names validators here" });
        }
        let schedule = self.committee()?.schedule;
        let (validator, set) = (PublicKey(from.0), schedule.now.set);
        match set.weight_of(&validator) {
            0 => Err(Rejected::Change { why: "the sender is no validator" }),
            weight => Ok((validator, weight, set, schedule.number)),
        }
    }

    /// A validator wants a contract to rule: one whose source everybody can read.
    pub(super) fn propose_contract(&mut self, from: AccountId, contract: ContractId) -> Result<(), Rejected> {
        let (_, weight, set, since) = self.voice(from)?;
        if u128::from(weight).saturating_mul(PROPOSE_PARTS) < u128::from(set.total()) {
            return Err(Rejected::Change { why: "less than a hundredth of the weight" });
        }
        let mut naming = self.naming()?;
        if naming.candidate.is_some() {
            return Err(Rejected::TooManyPending { max: 1 });
        }
        self.must_be_callable(contract)?;
        if !self.contract(contract)?.is_some_and(|contract| contract.visible) {
            return Err(Rejected::Change { why: "the contract hides its source" });
        }
        naming.candidate =
            Some(Candidacy { contract, since, voted_in: since, votes: Vec::new(), against: Vec::new(), agreed: None });
        self.set(key::naming(), &naming);
        self.events.push(Event::ConsensusProposed { contract, epoch: since });
        Ok(())
    }

    /// A validator agrees. Votes of one epoch count together, once the contract has answered beside the other for long enough.
    pub(super) fn vote_for_contract(&mut self, from: AccountId, contract: ContractId) -> Result<(), Rejected> {
        let (validator, _, set, got) = self.voice(from)?;
        let (mut naming, mut candidate) = self.candidacy(contract)?;
        let expected = candidate.since.saturating_add(SHADOW_EPOCHS);
        if got < expected {
            return Err(Rejected::SequenceEarly { expected, got });
        }
        if candidate.voted_in != got {
            (candidate.voted_in, candidate.votes) = (got, Vec::new());
        }
        add(&mut candidate.votes, validator);
        if candidate.agreed.is_none() && set.is_quorum(weight(&candidate.votes, &set)) {
            candidate.agreed = Some(got);
            self.events.push(Event::ConsensusAgreed { contract, epoch: got });
        }
        naming.candidate = Some(candidate);
        self.set(key::naming(), &naming);
        Ok(())
    }

    /// A validator is against it: over a third of the weight can stop it until it rules.
    pub(super) fn cancel_contract(&mut self, from: AccountId, contract: ContractId) -> Result<(), Rejected> {
        let (validator, _, set, epoch) = self.voice(from)?;
        let (mut naming, mut candidate) = self.candidacy(contract)?;
        add(&mut candidate.against, validator);
        let against = u128::from(weight(&candidate.against, &set)).saturating_mul(SHARE_PARTS);
        naming.candidate = Some(candidate);
        if against > u128::from(set.total()) {
            naming.candidate = None;
            self.events.push(Event::ConsensusCancelled { contract, epoch });
        }
        self.set(key::naming(), &naming);
        Ok(())
    }

    fn candidacy(&mut self, contract: ContractId) -> Result<(Naming, Candidacy), Rejected> {
        let mut naming = self.naming()?;
        let candidate = naming.candidate.take().filter(|candidate| candidate.contract == contract);
        candidate.map(|candidate| (naming, candidate)).ok_or(Rejected::Change { why: "the contract is not proposed" })
    }
}

fn add(keys: &mut Vec<PublicKey>, key: PublicKey) {
    if let Err(at) = keys.binary_search(&key) {
        keys.insert(at, key);
    }
}

/// What those of `keys` weigh who are members.
fn weight(keys: &[PublicKey], set: &ValidatorSet) -> u64 {
    keys.iter().fold(0, |sum, key| sum.saturating_add(set.weight_of(key)))
}

/// `list(address * int)` as a set: at most 200, nobody with over a third of the weight.
fn read_set(said: &[u8]) -> Option<ValidatorSet> {
    let Value::List(list) = decode(said, Door::Outside).ok()? else { return None };
    if list.len() > VALIDATORS_MAX {
        return None;
    }
    let mut members = Vec::new();
    for item in &list {
        let [address, weight] = item.as_tuple()? else { return None };
        let key = PublicKey(address.as_object(Kind::Address)?);
        members.push(Member { key, weight: u64::try_from(weight.as_int()?).ok()? });
    }
    let set = ValidatorSet::new(members).ok()?;
    let most = u128::from(set.total());
    let is_fair = |member: &Member| u128::from(member.weight).saturating_mul(SHARE_PARTS) <= most;
    set.members().iter().all(is_fair).then_some(set)
}
