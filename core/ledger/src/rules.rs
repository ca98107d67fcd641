//! What every transaction must pass before its kind's own rules, in the order of the protocol. Rules: ledger 2.3, 3.

use alloc::vec::Vec;

use banyan_types::{
    AccountId, Amount, Bytes, Gas, GasPrice, Hash, Height, Id, Log, Nonce, Receipt, Serial, Status,
    limits::PAYLOAD_BYTES_MAX,
    tx::{SignedTx, Transaction},
};

use crate::{
    Account, Event, Missing, Params, Rejected, State, Verified, engine::committee::Sets, fees::amount_moved,
    scene::Scene,
};

pub use crate::fees::{
    REMIT_GAS_MAX, charged_before, fees_offered, fees_through, intrinsic_gas, minimum_fee, rent_gas, run_cost, run_gas,
};

/// Meta transactions inside each other. Source: ledger 3.
const METAS_MAX: usize = 4;

/// Checks 2 to 6: what can be said from the transaction and the height alone. A pool asks this before it looks at
/// signatures. The gas is the most that the transaction may take of its block.
/// # Errors
/// The first [`Rejected`] that applies.
pub fn precheck(params: &Params, height: Height, tx: &SignedTx) -> Result<Gas, Rejected> {
    let layers = layers(tx);
    layers.iter().try_for_each(|layer| check_place(params, layer.transaction()))?;
    check_wrapping(&layers)?;
    layers.iter().try_for_each(|layer| check_payload(layer.transaction()))?;
    layers.iter().try_for_each(|layer| check_fee(params, height, layer))?;
    let gas = check_gas(params, &layers)?;
    let too_late = layers.iter().filter_map(|layer| layer.transaction().ttl()).find(|ttl| *ttl < height);
    too_late.map_or(Ok(gas), |ttl| Err(Rejected::TtlExpired { ttl, height }))
}

/// The transaction and all that stands inside it, from the outside in.
fn layers(tx: &SignedTx) -> Vec<&SignedTx> {
    core::iter::successors(Some(tx), |layer| layer.transaction().inside()).collect()
}

fn check_place(params: &Params, tx: &Transaction) -> Result<(), Rejected> {
    let here = match tx {
        Transaction::AssociateWithdraw(_)
        | Transaction::TokenCreate(_)
        | Transaction::TokenMint(_)
        | Transaction::TokenFinalize(_)
        | Transaction::TokenBurn(_)
        | Transaction::TokenTransfer(_)
        | Transaction::BlobPost(_) => !params.is_root(),
        Transaction::Bond(_) | Transaction::Unbond(_) | Transaction::Renew(_) => params.has_stake(),
        Transaction::Evidence(_) => {
            params.has_stake() || params.committee().is_some_and(|rules| rules.sets == Sets::Contract)
        }
        Transaction::EngineAct(_) => params.committee().is_some(),
        _ => true,
    };
    if here { Ok(()) } else { Err(Rejected::NotHere { kind: tx.kind() }) }
}

/// One payer; so many metas; and no account is put under a contract in the name of another contract.
fn check_wrapping(layers: &[&SignedTx]) -> Result<(), Rejected> {
    let count = |is: fn(&Transaction) -> bool| layers.iter().filter(|layer| is(layer.transaction())).count();
    let payers = count(|tx| matches!(tx, Transaction::PayingFor(_)));
    let metas = count(|tx| matches!(tx, Transaction::GaMeta(_)));
    let attach = count(|tx| matches!(tx, Transaction::GaAttach(_)));
    if payers > 1 || metas > METAS_MAX || (metas > 0 && attach > 0) { Err(Rejected::Wrapping) } else { Ok(()) }
}

fn check_payload(tx: &Transaction) -> Result<(), Rejected> {
    let payload = match tx {
        Transaction::Spend(tx) => &tx.payload,
        Transaction::TokenTransfer(tx) => &tx.payload,
        _ => return Ok(()),
    };
    let got = payload.0.len();
    if got > PAYLOAD_BYTES_MAX { Err(Rejected::PayloadTooLarge { max: PAYLOAD_BYTES_MAX, got }) } else { Ok(()) }
}

fn check_fee(params: &Params, height: Height, tx: &SignedTx) -> Result<(), Rejected> {
    let got = tx.transaction().fee();
    let needed = minimum_fee(params, tx.transaction(), tx.unsigned_len(), height).ok_or(Rejected::Overflow)?;
    if got < needed { Err(Rejected::FeeTooLow { needed, got }) } else { Ok(()) }
}

/// Prices of runs, then the sum of all gas.
fn check_gas(params: &Params, layers: &[&SignedTx]) -> Result<Gas, Rejected> {
    let runs = layers.iter().filter_map(|layer| run_gas(layer.transaction()));
    let min = params.gas_price_min;
    if let Some((_, got)) = runs.clone().find(|(_, price)| *price < min) {
        return Err(Rejected::GasPriceTooLow { min, got });
    }
    let metas = layers.iter().filter(|layer| matches!(layer.transaction(), Transaction::GaMeta(_)));
    for (got, _) in metas.filter_map(|layer| run_gas(layer.transaction())) {
        if got > params.auth_gas_max {
            return Err(Rejected::GasTooHigh { max: params.auth_gas_max, got });
        }
    }
    let intrinsic = layers.iter().map(|layer| intrinsic_gas(layer.transaction(), layer.unsigned_len()));
    let all = intrinsic.chain(runs.map(|(gas, _)| Some(gas)));
    let got = all.into_iter().try_fold(Gas(0), |sum, gas| sum.plus(gas?.0)).ok_or(Rejected::Overflow)?;
    let is_remit = layers.first().is_some_and(|tx| matches!(tx.transaction(), Transaction::AssociateRemit(_)));
    let max = if is_remit { params.gas_per_block_max } else { params.gas_per_tx_max };
    if got > max { Err(Rejected::GasTooHigh { max, got }) } else { Ok(got) }
}

/// Under whose hand a transaction runs: what stands around it has said so.
#[derive(Debug, Clone, Default)]
pub(crate) struct Under {
    /// Who pays fees and runs, where not the sender.
    pub payer: Option<AccountId>,
    /// What the payer pays for paying.
    pub payer_fee: Amount,
    /// Generalized accounts that have agreed, from the outside in.
    pub agreed: Vec<Agreement>,
}

/// A generalized account's contract has said yes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Agreement {
    pub account: AccountId,
    /// Its name.
    pub id: Hash,
    /// Fee of the meta transaction.
    pub fee: Amount,
}

impl Under {
    /// What tells the transaction apart from others of `account` in the ids that it makes.
    pub fn serial(&self, account: AccountId, nonce: Nonce) -> Serial {
        let agreed = self.agreed.iter().rev().find(|agreed| agreed.account == account);
        agreed.map_or(Serial::Nonce(nonce), |agreed| Serial::Auth(agreed.id))
    }

    /// Who pays fee and run of a transaction of `sender`.
    pub fn payer_of(&self, sender: AccountId) -> AccountId {
        self.payer.unwrap_or(sender)
    }

    fn has_agreed(&self, account: AccountId) -> bool {
        self.agreed.iter().any(|agreed| agreed.account == account)
    }
}

/// What a kind's own rules have done.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub status: Status,
    /// Gas that a run has used, and all that was counted inside.
    pub gas_used: Gas,
    pub gas_price: GasPrice,
    pub returned: Bytes,
    pub logs: Vec<Log>,
    pub calls: Vec<Bytes>,
    pub created: Vec<Id>,
}

impl Done {
    /// Done, and nothing to say about it.
    pub const fn plain() -> Self {
        Self {
            status: Status::Ok,
            gas_used: Gas(0),
            gas_price: GasPrice(0),
            returned: Bytes(Vec::new()),
            logs: Vec::new(),
            calls: Vec::new(),
            created: Vec::new(),
        }
    }

    /// Done; these are new.
    pub fn created(id: impl Into<Id>) -> Self {
        Self { created: alloc::vec![id.into()], ..Self::plain() }
    }
}

impl<S: State> Scene<'_, S> {
    /// Apply one transaction. A refused one leaves everything as it was.
    pub(crate) fn apply(&mut self, tx: &Verified<SignedTx>) -> Result<Receipt, Rejected> {
        let moment = self.remember();
        let applied = precheck(self.params, self.height, tx.get()).and_then(|_| self.run(tx.get(), &Under::default()));
        applied.inspect_err(|_| self.forget_since(moment))
    }

    /// Checks 8 to 12 and what follows, for the transaction or for one inside it. A refused one leaves half of itself.
    pub(crate) fn run(&mut self, tx: &SignedTx, under: &Under) -> Result<Receipt, Rejected> {
        let done = match tx.transaction() {
            Transaction::PayingFor(paying) => self.pay_for(tx, paying, under)?,
            Transaction::GaMeta(meta) => self.meta(tx, meta, under)?,
            _ => {
                self.charge(tx, under)?;
                self.perform(tx, under)?
            }
        };
        let intrinsic = intrinsic_gas(tx.transaction(), tx.unsigned_len()).ok_or(Rejected::Overflow)?;
        Ok(Receipt {
            tx_hash: tx.hash(),
            status: done.status,
            gas_used: intrinsic.plus(done.gas_used.0).ok_or(Rejected::Overflow)?,
            gas_price: done.gas_price,
            returned: done.returned,
            logs: done.logs,
            calls: done.calls,
            created: done.created,
        })
    }

    /// The kind's own rules.
    fn perform(&mut self, tx: &SignedTx, under: &Under) -> Result<Done, Rejected> {
        let plain = |()| Done::plain();
        match tx.transaction() {
            Transaction::Spend(spend) => self.spend(spend).map(plain),
            Transaction::AssociateCreate(create) => self.create(create).map(Done::created),
            Transaction::AssociateUpdate(update) => self.update(update, tx.unsigned_len()).map(plain),
            Transaction::AssociateCommit(commit) => self.commit(commit, tx.unsigned_len()).map(plain),
            Transaction::AssociateRefund(refund) => self.refund(refund).map(plain),
            Transaction::AssociateEvidence(evidence) => self.report_child(evidence).map(plain),
            Transaction::AssociateClose(close) => self.close(close).map(plain),
            Transaction::AssociateEscape(escape) => self.escape(tx, escape, under),
            Transaction::AssociateRemit(remit) => self.remit(tx, remit, under),
            Transaction::AssociateWithdraw(withdraw) => self.withdraw_tx(withdraw).map(plain),
            Transaction::Bond(bond) => self.bond(bond).map(plain),
            Transaction::Unbond(unbond) => self.unbond(unbond).map(plain),
            Transaction::Evidence(evidence) => self.evidence(evidence).map(plain),
            Transaction::Renew(renew) => self.renew(renew).map(plain),
            Transaction::Extend(extend) => self.extend(extend, tx.unsigned_len()).map(plain),
            Transaction::TokenCreate(create) => self.create_token(create, under).map(Done::created),
            Transaction::TokenMint(mint) => self.mint_token(mint).map(plain),
            Transaction::TokenFinalize(finalize) => self.finalize_token(finalize).map(plain),
            Transaction::TokenBurn(burn) => self.burn_token(burn).map(plain),
            Transaction::TokenTransfer(transfer) => self.transfer_token(transfer).map(plain),
            Transaction::EntryCreate(create) => self.create_entry(create, under).map(Done::created),
            Transaction::EntryTransfer(transfer) => self.transfer_entry(transfer).map(plain),
            Transaction::EntryDestroy(destroy) => self.destroy_entry(destroy).map(plain),
            Transaction::BlobPost(post) => self.post_blob(post).map(plain),
            Transaction::EngineAct(act) => self.engine_act(act).map(plain),
            Transaction::ContractCreate(create) => self.create_contract(tx, create, under),
            Transaction::ContractCreateV2(create) => self.create_contract_v2(tx, create, under),
            Transaction::ContractCall(call) => self.call_contract(tx, call, under),
            Transaction::GaAttach(attach) => self.attach(tx, attach, under),
            Transaction::GaMeta(_) | Transaction::PayingFor(_) => {
                Err(Missing("a wrapping transaction is run whole").into())
            }
        }
    }

    /// Checks 8 to 11, then nonce and fee. What a run costs at most must be there, and is taken by the run.
    pub(crate) fn charge(&mut self, tx: &SignedTx, under: &Under) -> Result<(), Rejected> {
        let transaction = tx.transaction();
        let (sender, payer) = (transaction.signer(), under.payer_of(transaction.signer()));
        self.enter(transaction, under)?;
        let fees =
            transaction.fee().plus(run_cost(transaction).ok_or(Rejected::Overflow)?).ok_or(Rejected::Overflow)?;
        let amount = amount_moved(transaction).ok_or(Rejected::Overflow)?;
        if payer == sender {
            self.must_hold(sender, fees.plus(amount).ok_or(Rejected::Overflow)?)?;
        } else {
            self.must_hold(payer, fees)?;
            self.must_hold(sender, amount)?;
        }
        self.take_nonce(sender, transaction.nonce(), under)?;
        self.charge_fee(tx, payer)
    }

    /// Checks 8 to 10: the account is there, of the right kind, and the transaction is its next one.
    pub(crate) fn enter(&mut self, tx: &Transaction, under: &Under) -> Result<(), Rejected> {
        let sender = tx.signer();
        let account = match self.account(sender)? {
            Some(account) => account,
            None if under.payer.is_some() => Account::EMPTY,
            None => return Err(Rejected::NoAccount { account: sender }),
        };
        if !self.may_transact(sender, tx)? {
            return Err(Rejected::NoTransact { account: sender });
        }
        let (has_agreed, got) = (under.has_agreed(sender), tx.nonce());
        if account.generalized.is_some() != has_agreed {
            return Err(Rejected::AccountKind { account: sender });
        }
        if has_agreed {
            return if got == Nonce(0) { Ok(()) } else { Err(Rejected::NonceNotZero { got }) };
        }
        let expected = account.nonce.next().ok_or(Rejected::Overflow)?;
        match got.cmp(&expected) {
            core::cmp::Ordering::Less => Err(Rejected::NonceUsed { expected, got }),
            core::cmp::Ordering::Greater => Err(Rejected::NonceEarly { expected, got }),
            core::cmp::Ordering::Equal => Ok(()),
        }
    }

    /// Check 11, for one account.
    pub(crate) fn must_hold(&mut self, id: AccountId, needed: Amount) -> Result<(), Rejected> {
        let balance = self.account(id)?.map_or(Amount::ZERO, |account| account.balance);
        if balance < needed { Err(Rejected::Funds { balance, needed }) } else { Ok(()) }
    }

    /// The transaction counts from now on, unless a contract's agreement stands in its nonce's place.
    pub(crate) fn take_nonce(&mut self, id: AccountId, nonce: Nonce, under: &Under) -> Result<(), Rejected> {
        if !under.has_agreed(id) {
            let account = self.account(id)?.unwrap_or(Account::EMPTY);
            self.set_account(id, &Account { nonce, ..account });
        }
        Ok(())
    }

    /// Take the fee of one transaction.
    pub(crate) fn charge_fee(&mut self, tx: &SignedTx, payer: AccountId) -> Result<(), Rejected> {
        let fee = self.take(payer, tx.transaction().fee())?;
        self.events.push(Event::Charged { account: payer, amount: fee.amount(), tx: tx.hash() });
        self.pay_fees(fee)
    }
}

/// What the rent of an extension adds to its least fee is known with the object alone.
pub(crate) fn fee_with_rent(params: &Params, tx: &Transaction, unsigned_len: usize, rent: Gas) -> Option<Amount> {
    debug_assert!(rent_gas(params, tx, Height(0)).is_some_and(|gas| gas.0 == 0), "rent is counted once");
    params.price(intrinsic_gas(tx, unsigned_len)?.plus(rent.0)?)
}
