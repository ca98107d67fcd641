//! How validators agree to a contract that is to name those who follow them. Rules: associates 9.
//!
//! One is proposed, answers beside the ruling one without effect, and takes over when over two thirds have agreed to it. Over
//! a third can stop it until then.

use alloc::vec::Vec;

use banyan_types::{AccountId, ContractId, PublicKey, committee::ValidatorSet};

use super::Sets;
use crate::{
    Event, Rejected, State,
    leaf::{Candidacy, Naming, key},
    scene::Scene,
};

/// A proposal is made by at least a hundredth of the weight. Source: associates 9.
const PROPOSE_PARTS: u128 = 100;
/// Who weigh more than a third can stop a proposal. Source: associates 9.
const CANCEL_PARTS: u128 = 3;
/// Epochs in which a proposed contract answers before votes count. Source: associates 9.
const SHADOW_EPOCHS: u64 = 2;

impl<S: State> Scene<'_, S> {
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
        let against = u128::from(weight(&candidate.against, &set)).saturating_mul(CANCEL_PARTS);
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
