//! What accounts tell a committee's engine: that a validator is back, and whom a quorum wants to follow it.
//! Rules: protocol, associates 9.

use banyan_types::{
    PublicKey,
    engine::{EngineAction, SetChange, set_change_message},
    tx::EngineAct,
};

use super::{Sets, certificate::check_signatures};
use crate::{Event, Rejected, State, leaf::key, scene::Scene, stake::stake};

impl<S: State> Scene<'_, S> {
    /// Tell the engine something.
    pub(crate) fn engine_act(&mut self, tx: &EngineAct) -> Result<(), Rejected> {
        match &tx.action {
            EngineAction::Unjail => self.unjail(tx),
            EngineAction::Propose(contract) => self.propose_contract(tx.from_id, *contract),
            EngineAction::Vote(contract) => self.vote_for_contract(tx.from_id, *contract),
            EngineAction::Cancel(contract) => self.cancel_contract(tx.from_id, *contract),
            EngineAction::SetChange(change) => self.change_set(change),
        }
    }

    /// The validator of the sender's stake may be in sets again. It costs the fee.
    fn unjail(&mut self, tx: &EngineAct) -> Result<(), Rejected> {
        let held = stake(self.state, tx.from_id)?.ok_or(Rejected::NoStake { staker: tx.from_id })?;
        let mut leaf = self.committee()?;
        let key: PublicKey = held.key;
        if !leaf.schedule.unjail(key) {
            return Err(Rejected::NotJailed { staker: tx.from_id });
        }
        self.set(key::engine(), &leaf);
        self.events.push(Event::Unjailed { key });
        Ok(())
    }

    /// A quorum of the running set names the one that is to follow: once in an epoch, so that no earlier word of it can be sent
    /// again over a later one.
    fn change_set(&mut self, change: &SetChange) -> Result<(), Rejected> {
        if self.params.committee().is_none_or(|rules| rules.sets != Sets::Permissioned) {
            return Err(Rejected::Change { why: "validators are not named by those before them" });
        }
        let mut leaf = self.committee()?;
        let (expected, got) = (leaf.schedule.number, change.epoch);
        if got < expected || leaf.named.is_some() {
            return Err(Rejected::SequenceUsed { expected, got });
        }
        if got > expected {
            return Err(Rejected::SequenceEarly { expected, got });
        }
        let set = &leaf.schedule.now.set;
        let message = set_change_message(&self.params.network_id, change.epoch, &change.set);
        check_signatures(&change.signatures, &message, set, |weight| set.is_quorum(weight))
            .map_err(|why| Rejected::Certificate { why })?;
        leaf.named = Some(change.set.clone());
        self.set(key::engine(), &leaf);
        let associate = self.params.ledger;
        self.events.push(Event::Updated { associate, what: "validators", waits: true });
        Ok(())
    }
}
