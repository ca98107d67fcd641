//! Regime `contract`: a contract of this ledger says what may leave a child's escrow. Rules: associates 6, 7.
//!
//! It is asked last: a contract that says yes to everything still obeys every other rule, and a remit that another rule
//! refuses costs nobody a run.

use alloc::vec::Vec;

use banyan_fate::{
    Message, Value,
    abi::{encode_call, function_id},
    engine::Entry,
    value::decode::{Door, decode},
};
use banyan_types::{
    AccountId, Amount, AssociateId, Bytes, ContractId, Hash, Status,
    associate::{ContractWord, Summary},
    tx::{AssociateEscape, AssociateRemit, SignedTx},
};

use crate::{
    Rejected, State,
    contract::Terms,
    rules::{Done, Under},
    scene::{Runs, Scene},
};

/// Who asks a contract, and who pays for that.
pub(super) struct Asker<'a> {
    /// In whose name.
    pub child: AssociateId,
    pub contract: ContractId,
    pub from: AccountId,
    pub fee: Amount,
    pub signed: &'a SignedTx,
    pub under: &'a Under,
}

impl<S: State> Scene<'_, S> {
    /// Does the contract let this much leave? If not, fee and gas are all that the remit costs.
    pub(super) fn ask_for_remit(
        &mut self,
        asker: &Asker<'_>,
        tx: &AssociateRemit,
        total: Amount,
    ) -> Result<(bool, Done), Rejected> {
        let word = self.read_word(&tx.authorization)?;
        let arguments = alloc::vec![
            hash(tx.summary.digest(&self.params.network_id)),
            record(&tx.summary),
            Value::int(total.base()),
            Value::bytes(word.word.0.clone()),
        ];
        let yes = Value::Bool(true).encode();
        // A look ahead runs no contract, and takes it to agree.
        let ahead = self.runs == Runs::Authentications;
        let (said, done) =
            self.ask_contract(asker, &word, "authorise", arguments, |said| (ahead || said == yes).then_some(()))?;
        Ok((said.is_some(), done))
    }

    /// What the contract lets a claimant of a dead child have, at most what is free. `None` if it fails or gives nothing.
    pub(super) fn ask_for_escape(
        &mut self,
        asker: &Asker<'_>,
        tx: &AssociateEscape,
        free: Amount,
    ) -> Result<(Option<Amount>, Done), Rejected> {
        let word = self.read_word(&tx.authorization)?;
        let arguments =
            alloc::vec![Value::address(&tx.from_id.0), Value::int(free.base()), Value::bytes(word.word.0.clone()),];
        self.ask_contract(asker, &word, "escape", arguments, |said| {
            let int = decode(said, Door::Outside).ok()?.as_int()?;
            let amount = u128::try_from(int).ok().and_then(Amount::new)?;
            Some(amount.min(free)).filter(|amount| !amount.is_zero())
        })
    }

    fn read_word(&self, authorization: &Bytes) -> Result<ContractWord, Rejected> {
        let none = Rejected::Authorization { valid: 0, needed: 1 };
        let word = ContractWord::decode(&authorization.0).map_err(|_| none)?;
        let max = self.params.gas_per_tx_max;
        if word.gas > max { Err(Rejected::GasTooHigh { max, got: word.gas }) } else { Ok(word) }
    }

    /// Run a function of the contract as the child. What it has done is undone unless it answers what is asked for.
    fn ask_contract<T>(
        &mut self,
        asker: &Asker<'_>,
        word: &ContractWord,
        function: &str,
        arguments: Vec<Value>,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<(Option<T>, Done), Rejected> {
        self.must_be_callable(asker.contract)?;
        let (payer, price) = (asker.under.payer_of(asker.from), self.params.gas_price_min);
        let held = self.hold_gas(payer, word.gas, price)?;
        let moment = self.remember();
        let message = Message {
            contract: asker.contract.0,
            caller: asker.child.0,
            origin: asker.from.0,
            amount: 0,
            gas: word.gas.0,
            call_data: encode_call(function_id(function), arguments),
            entry: Entry::Call,
            view: false,
        };
        let ran = self.execute(&message, Terms { fee: asker.fee, gas_price: price, auth: None })?;
        let said = if ran.status == Status::Ok { read(&ran.returned.0) } else { None };
        if said.is_none() {
            self.forget_since(moment);
        }
        self.settle_gas(payer, held, ran.gas_used, price, asker.signed.hash())?;
        let mut done = ran.done(price);
        if said.is_none() && done.status == Status::Ok {
            done.status = Status::Revert;
        }
        Ok((said, done))
    }
}

fn hash(hash: Hash) -> Value {
    Value::bytes(hash.0)
}

/// The fields of a summary, in their order.
fn record(summary: &Summary) -> Value {
    let int = |n: u64| Value::int(n);
    Value::tuple(alloc::vec![
        Value::address(&summary.associate.0),
        int(summary.seq),
        int(summary.child_from.0),
        int(summary.child_to.0),
        hash(summary.block_hash),
        hash(summary.root),
        hash(summary.parent_hash),
        int(summary.parent_height.0),
        int(summary.inbox_acked),
        hash(summary.inbox_hash),
        Value::list(summary.skipped.iter().map(|n| int(*n)).collect()),
        int(summary.outbox_acked),
        hash(summary.outbox_hash),
        hash(summary.set_hash),
    ])
}
