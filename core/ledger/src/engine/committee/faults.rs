//! Faults of validators whom a contract has named: they are proven to the ledger, and the contract is told. Rules: associates 9.
//!
//! Nothing of theirs is bonded, so the protocol takes nothing: what a fault costs is the contract's own affair. It is told of
//! each once, in a block after the one that proved it, and cannot refuse to hear it.

use alloc::vec::Vec;

use banyan_fate::Value;
use banyan_types::{
    AccountId, Hash, PublicKey,
    committee::{SignedStatement, StatementKind},
    tx::Evidence,
};

use super::{
    CommitteeRules, Schedule,
    ask::{Said, Speaker},
    fault,
};
use crate::{Event, Faults, Missing, Proven, Rejected, Served, State, Untold, leaf::key, scene::Scene};

/// Epochs after which what was signed answers no more. Source: associates 9, the default of bonds.
const ANSWER_EPOCHS: u64 = 14;
/// Faults that wait to be told, at most: more than a third of the largest set, and then the ledger has other worries. A bound
/// of ours.
const WAITING_MAX: usize = 100;
/// Faults that one block tells of, at most. A bound of ours.
const TOLD_PER_BLOCK: usize = 10;

impl<S: State> Scene<'_, S> {
    /// Two proposals or votes of one kind for one height and view, by who is or was a validator.
    pub(crate) fn contradiction_of_named(
        &mut self,
        tx: &Evidence,
        a: &SignedStatement,
        b: &SignedStatement,
    ) -> Result<(), Rejected> {
        let rules = self.params.committee().ok_or(Missing("no committee on this ledger"))?;
        let mut naming = self.naming()?;
        let Some(faults) = &mut naming.faults.0 else {
            return Err(Rejected::Change { why: "no contract wants to know of faults" });
        };
        let (key, expected) = (a.by, AccountId(a.by.0));
        if tx.staker_id != expected {
            return Err(Rejected::Accused { expected, got: tx.staker_id });
        }
        let schedule = self.committee()?.schedule;
        if schedule.now.set.place(&key).is_none() && !faults.has_served(key) {
            return Err(Rejected::Change { why: "the accused is no validator" });
        }
        let epoch = self.epoch_of_statement(rules, a)?;
        let is_vote = a.statement.kind != StatementKind::Handover;
        if !is_vote || fault(a, b, &self.params.network_id).is_none() {
            return Err(Rejected::NoFault);
        }
        let at = faults.proven.binary_search_by_key(&(key, epoch), |proven| (proven.key, proven.epoch));
        let Err(at) = at else { return Err(Rejected::FaultKnown { epoch }) };
        if faults.waiting.len() >= WAITING_MAX {
            return Err(Rejected::TooManyPending { max: WAITING_MAX });
        }
        let hash = name(&self.params.network_id, key, epoch);
        faults.proven.insert(at, Proven { key, epoch });
        faults.waiting.push(Untold { key, kind: a.statement.kind.number().into(), hash });
        self.set(key::naming(), &naming);
        self.events.push(Event::FaultProven { key, epoch, hash, reporter: tx.from_id });
        Ok(())
    }

    /// What was said of a block that could be made by now, and not too long ago.
    fn epoch_of_statement(&self, rules: &CommitteeRules, said: &SignedStatement) -> Result<u64, Rejected> {
        let (height, got) = (self.height, said.statement.height);
        if got > height {
            return Err(Rejected::StatementEarly { height, got });
        }
        let first = rules.epoch_of(height).saturating_sub(ANSWER_EPOCHS);
        let got = rules.epoch_of(got);
        if got < first { Err(Rejected::StatementOld { first, got }) } else { Ok(got) }
    }

    /// In a block that turns no epoch: tell the ruling contract of faults that were proven.
    pub(super) fn tell_faults(&mut self, epoch: u64) -> Result<(), Rejected> {
        let mut naming = self.naming()?;
        let (Some(ruling), Some(faults)) = (naming.ruling, &mut naming.faults.0) else { return Ok(()) };
        if faults.waiting.is_empty() {
            return Ok(());
        }
        let mut speaker = self.speaker(ruling)?;
        self.tell_speaker(&mut speaker, faults, epoch)?;
        self.set(key::naming(), &naming);
        Ok(())
    }

    /// Tell a contract of faults, oldest first, as long as it has gas to listen in earnest.
    pub(super) fn tell_speaker(
        &mut self,
        speaker: &mut Speaker,
        faults: &mut Faults,
        epoch: u64,
    ) -> Result<(), Rejected> {
        let mut told = 0usize;
        for Untold { key, kind, hash } in faults.waiting.iter().take(TOLD_PER_BLOCK) {
            if !speaker.has_breath() {
                break;
            }
            let arguments = alloc::vec![Value::address(&key.0), Value::int(*kind), Value::bytes(hash.0)];
            if self.ask_speaker(speaker, "penalise", arguments, |_| Some(()))? != Said::Answer(()) {
                self.events.push(Event::ConsensusFailed { contract: speaker.id, what: "penalise", epoch });
            }
            told = told.saturating_add(1);
        }
        faults.waiting.drain(..told);
        Ok(())
    }
}

impl Faults {
    /// A ledger begins to keep them.
    pub(super) const NONE: Self = Self { served: Vec::new(), proven: Vec::new(), waiting: Vec::new() };

    /// The epoch is over: who has served in it can be accused for a while, and what is too old is forgotten.
    pub(super) fn turn(&mut self, schedule: &Schedule) {
        let first = schedule.number.saturating_add(1).saturating_sub(ANSWER_EPOCHS);
        for member in schedule.now.set.members() {
            self.serve(member.key, schedule.number);
        }
        self.served.retain(|served| served.epoch >= first);
        self.proven.retain(|proven| proven.epoch >= first);
    }

    fn has_served(&self, key: PublicKey) -> bool {
        self.served.binary_search_by_key(&key, |served| served.key).is_ok()
    }

    fn serve(&mut self, key: PublicKey, epoch: u64) {
        match self.served.binary_search_by_key(&key, |served| served.key) {
            Ok(at) => self.served.get_mut(at).into_iter().for_each(|served| served.epoch = epoch),
            Err(at) => self.served.insert(at, Served { key, epoch }),
        }
    }
}

/// What names a fault, whichever statements prove it.
fn name(network_id: &str, key: PublicKey, epoch: u64) -> Hash {
    Hash(banyan_crypto::blake2b(&[b"fault", network_id.as_bytes(), &key.0, &epoch.to_be_bytes()]))
}
