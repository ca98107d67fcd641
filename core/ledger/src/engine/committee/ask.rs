//! Ask a contract as the protocol does: in nobody's name, at nobody's cost, within a part of the block's gas.
//! Rules: protocol, associates 9; ledger 6.2.
//!
//! At most two contracts are asked in one block, the ruling one and the one that is proposed. Each has a tenth of the block's
//! gas, so that both together stay below the fifth of the protocol, and neither can use up the other's.

use alloc::vec::Vec;

use banyan_fate::{
    Message, Value,
    abi::{encode_call, function_id},
    engine::Entry,
};
use banyan_types::{AccountId, Amount, ContractId, Status};

use super::answer::read_version;
use crate::{Contract, Missing, Params, Rejected, State, contract::Terms, scene::Scene};

/// One contract's calls in one block use at most this part of the block's gas. Source: associates 9, a fifth for two.
const GAS_PARTS: u64 = 10;
/// One call uses at most this part of that: no other answer is missing because one function runs for ever.
const CALL_PARTS: u64 = 2;

/// A contract that is asked in this block.
pub(super) struct Speaker {
    pub id: ContractId,
    /// Whether it speaks the version of the interface that is spoken here.
    pub counts: bool,
    /// What its calls may still use.
    gas: u64,
    /// What one may use at most.
    most: u64,
}

/// What has come of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said<T> {
    /// The contract has no such function: the protocol's own rule stands, by its will.
    Nothing,
    /// It failed, or its answer cannot be used; what it has done is undone.
    Useless,
    /// This.
    Answer(T),
}

impl<T> Said<T> {
    pub fn answer(self) -> Option<T> {
        match self {
            Self::Answer(answer) => Some(answer),
            Self::Nothing | Self::Useless => None,
        }
    }
}

impl Speaker {
    fn new(id: ContractId, params: &Params) -> Self {
        let gas = params.gas_per_block_max.0.checked_div(GAS_PARTS).unwrap_or(0);
        Self { id, counts: true, gas, most: gas.checked_div(CALL_PARTS).unwrap_or(0) }
    }

    /// Whether it can still be asked something in earnest.
    pub const fn has_breath(&self) -> bool {
        self.gas >= self.most
    }
}

impl<S: State> Scene<'_, S> {
    /// Begin to ask a contract: which version it speaks is the first question. A contract without an answer to that is taken
    /// to speak ours.
    pub(super) fn speaker(&mut self, id: ContractId) -> Result<Speaker, Rejected> {
        let mut speaker = Speaker::new(id, self.params);
        let moment = self.remember();
        let said = self.ask_speaker(&mut speaker, "version", Vec::new(), read_version)?;
        self.forget_since(moment);
        speaker.counts = said != Said::Useless;
        Ok(speaker)
    }

    /// Ask for something.
    pub(super) fn ask_speaker<T>(
        &mut self,
        speaker: &mut Speaker,
        function: &str,
        arguments: Vec<Value>,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<Said<T>, Rejected> {
        self.ask_with_value(speaker, Amount::ZERO, function, arguments, read)
    }

    /// Ask for how a value is to be shared, which goes with the call. It is back with the rewards when this returns: what a
    /// contract would keep of it, it names itself for.
    pub(super) fn ask_with_value<T>(
        &mut self,
        speaker: &mut Speaker,
        value: Amount,
        function: &str,
        arguments: Vec<Value>,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<Said<T>, Rejected> {
        if !self.has_function(speaker.id, function)? {
            return Ok(Said::Nothing);
        }
        if !speaker.counts {
            return Ok(Said::Useless);
        }
        let moment = self.remember();
        let said = match self.lend_and_call(speaker, value, function, arguments) {
            Ok(said) => said.as_deref().and_then(read),
            Err(Rejected::Ours(missing)) => return Err(missing.into()),
            Err(_) => None, // it holds less than it was given
        };
        if said.is_none() {
            self.forget_since(moment);
        }
        Ok(said.map_or(Said::Useless, Said::Answer))
    }

    fn lend_and_call(
        &mut self,
        speaker: &mut Speaker,
        value: Amount,
        function: &str,
        arguments: Vec<Value>,
    ) -> Result<Option<Vec<u8>>, Rejected> {
        let account = Contract::account(speaker.id);
        let coins = self.take_rewards(value)?;
        self.pay(account, coins)?;
        let said = self.call_as_protocol(speaker, value, function, arguments)?;
        let coins = self.take(account, value)?;
        self.pay_rewards(coins)?;
        Ok(said)
    }

    /// `None` if the call does not end well.
    fn call_as_protocol(
        &mut self,
        speaker: &mut Speaker,
        value: Amount,
        function: &str,
        arguments: Vec<Value>,
    ) -> Result<Option<Vec<u8>>, Rejected> {
        match self.must_be_callable(speaker.id) {
            Ok(()) => {}
            Err(Rejected::Ours(missing)) => return Err(missing.into()),
            Err(_) => return Ok(None),
        }
        let gas = speaker.gas.min(speaker.most);
        let message = Message {
            contract: speaker.id.0,
            caller: AccountId::ZERO.0,
            origin: AccountId::ZERO.0,
            amount: value.base(),
            gas,
            call_data: encode_call(function_id(function), arguments),
            entry: Entry::Call,
            view: false,
        };
        let ran = self.execute(&message, self.protocol_terms())?;
        speaker.gas = speaker.gas.saturating_sub(ran.gas_used.0.min(gas));
        Ok((ran.status == Status::Ok).then_some(ran.returned.0))
    }

    /// Whether the contract stands and has a function of this name.
    pub(super) fn has_function(&mut self, contract: ContractId, function: &str) -> Result<bool, Missing> {
        let code = self.loaded(contract, self.protocol_terms())?;
        Ok(code.is_some_and(|code| code.function(function_id(function)).is_some()))
    }

    const fn protocol_terms(&self) -> Terms {
        Terms { fee: Amount::ZERO, gas_price: self.params.gas_price_min, auth: None }
    }
}
