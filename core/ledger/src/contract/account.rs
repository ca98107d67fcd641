//! Accounts that a contract speaks for. Rules: ledger 3.3.

use banyan_fate::{
    Message, Type, Value,
    abi::decode_call,
    code::INIT,
    engine::{Auth, AuthBody, AuthTx, Entry},
};
use banyan_types::{
    AccountId, Amount, AuthHashInput, Bytes, ContractId, CtVersion, FATE, Hash, Lifetime, Nonce, Payee, Serial, Status,
    auth_id,
    tx::{GaAttach, GaMeta, SignedTx, Transaction},
};

use super::{
    create::{Birth, Plan, check_code, check_init},
    run::{Ran, Terms},
};
use crate::{
    Rejected, State, UsedAuth,
    due::Ending,
    fees::run_cost,
    leaf::{Account, Generalized, key},
    rules::{Agreement, Done, Under},
    scene::Scene,
};

impl<S: State> Scene<'_, S> {
    /// Put an account under a contract, for ever.
    pub(crate) fn attach(&mut self, signed: &SignedTx, tx: &GaAttach, under: &Under) -> Result<Done, Rejected> {
        let owner = tx.owner_id;
        if tx.nonce != Nonce(1) {
            return Err(Rejected::NotFresh { got: tx.nonce });
        }
        let (loaded, object) = check_code(tx.ct_version, &tx.code)?;
        check_init(&tx.call_data)?;
        let Hash([a, b, c, d, ..]) = tx.auth_fun;
        let asked = loaded.function([a, b, c, d]).map(|(_, function)| function);
        if !asked.is_some_and(|asked| asked.id != INIT && !asked.private && asked.result == Type::Boolean) {
            return Err(Rejected::BadAuthFunction);
        }
        let id = ContractId::derive(owner, Serial::Nonce(tx.nonce));
        if self.is_taken(id)? {
            return Err(Rejected::ContractExists { contract: id });
        }
        let plan = Plan {
            owner: Payee::Account(owner),
            code: tx.code.clone(),
            source: None,
            source_hash: object.source_hash,
            template: None,
            deposit: Amount::ZERO,
        };
        let birth = Birth {
            id,
            owner,
            payer: under.payer_of(owner),
            // An account never expires, so neither may its lock.
            expiry: Lifetime::NEVER,
            amount: Amount::ZERO,
            fee: tx.fee,
            gas: tx.gas,
            gas_price: tx.gas_price,
            call_data: &tx.call_data,
            tx: signed.hash(),
        };
        let ran = self.bear(&plan, loaded.payable, &birth)?;
        if ran.status == Status::Ok {
            let account = self.account(owner)?.unwrap_or(Account::EMPTY);
            let generalized = Some(Generalized { contract: id, auth_fun: tx.auth_fun });
            self.set_account(owner, &Account { generalized, ..account });
        }
        Ok(ran.done(tx.gas_price))
    }

    /// Ask an account's contract; if it agrees, do what stands inside. If that fails, the asking stands.
    pub(crate) fn meta(&mut self, signed: &SignedTx, tx: &GaMeta, under: &Under) -> Result<Done, Rejected> {
        let lock = self.lock_of(tx.ga_id)?;
        if !self.may_transact(tx.ga_id, beneath_metas(tx))? {
            return Err(Rejected::NoTransact { account: tx.ga_id });
        }
        let (ga, name) = (tx.ga_id, auth_id(tx.ga_id, &tx.auth_data.0));
        self.check_meta(tx, &lock, name)?;
        let payer = under.payer_of(ga);
        let run = run_cost(signed.transaction()).ok_or(Rejected::Overflow)?;
        self.must_hold(payer, tx.fee.plus(run).ok_or(Rejected::Overflow)?)?;
        self.charge_fee(signed, payer)?;
        let held = self.hold_gas(payer, tx.gas, tx.gas_price)?;
        let agreement = Agreement { account: ga, id: name, fee: tx.fee };
        let under = Under { agreed: [&under.agreed[..], &[agreement]].concat(), ..under.clone() };
        let ran = self.ask(tx, &lock, &under)?;
        if ran.status != Status::Ok || ran.returned.0 != Value::Bool(true).encode() {
            return Err(Rejected::AuthFailed);
        }
        self.set(key::used_auth(name), &UsedAuth { height: self.height });
        self.due_at(self.height.next().ok_or(Rejected::Overflow)?, Ending::Auth(name))?;
        self.settle_gas(payer, held, ran.gas_used, tx.gas_price, signed.hash())?;
        let done = Done { gas_used: ran.gas_used, gas_price: tx.gas_price, logs: ran.logs, ..Done::plain() };
        self.do_inside(tx.tx.get(), &under, done)
    }

    /// Apply what stands inside in full.
    fn do_inside(&mut self, inside: &SignedTx, under: &Under, mut done: Done) -> Result<Done, Rejected> {
        let moment = self.remember();
        match self.run(inside, under) {
            Ok(receipt) => {
                done.status = receipt.status;
                done.gas_used = done.gas_used.plus(receipt.gas_used.0).ok_or(Rejected::Overflow)?;
                done.created.clone_from(&receipt.created);
                done.calls.push(Bytes(receipt.encode()));
            }
            Err(Rejected::Ours(missing)) => return Err(missing.into()),
            Err(_) => {
                self.forget_since(moment);
                done.status = Status::Error;
            }
        }
        Ok(done)
    }

    fn lock_of(&mut self, ga: AccountId) -> Result<Generalized, Rejected> {
        let account = self.account(ga)?.ok_or(Rejected::NoAccount { account: ga })?;
        account.generalized.ok_or(Rejected::AccountKind { account: ga })
    }

    fn check_meta(&mut self, tx: &GaMeta, lock: &Generalized, name: Hash) -> Result<(), Rejected> {
        if beneath_metas(tx).signer() != tx.ga_id {
            return Err(Rejected::WrongSigner { ga: tx.ga_id });
        }
        if tx.abi_version != FATE.abi() {
            return Err(Rejected::BadVersion { got: CtVersion(tx.abi_version) });
        }
        let Hash([a, b, c, d, ..]) = lock.auth_fun;
        if !decode_call(&tx.auth_data.0).is_ok_and(|(asked, _)| asked == [a, b, c, d]) {
            return Err(Rejected::WrongAuthFunction);
        }
        match self.get::<UsedAuth>(&key::used_auth(name))? {
            Some(used) if used.height == self.height => Err(Rejected::AuthRepeated { auth_id: name }),
            _ => Ok(()),
        }
    }

    /// Run the account's function over what it is to agree to.
    fn ask(&mut self, tx: &GaMeta, lock: &Generalized, under: &Under) -> Result<Ran, Rejected> {
        let unsigned = tx.tx.get().unsigned();
        let input = AuthHashInput::new(&self.params.network_id, unsigned, tx.fee, tx.gas_price);
        let auth = Auth { tx_hash: input.hash().0, tx: shown(tx, under) };
        let message = Message {
            contract: lock.contract.0,
            caller: tx.ga_id.0,
            origin: tx.ga_id.0,
            amount: 0,
            gas: tx.gas.0,
            call_data: tx.auth_data.0.clone(),
            entry: Entry::Auth,
            view: false,
        };
        let terms = Terms { fee: tx.fee, gas_price: tx.gas_price, auth: Some(auth) };
        Ok(self.execute(&message, terms)?)
    }
}

/// The transaction that the meta transactions are about.
fn beneath_metas(meta: &GaMeta) -> &Transaction {
    let mut tx = meta.tx.get().transaction();
    while let Transaction::GaMeta(inside) = tx {
        tx = inside.tx.get().transaction();
    }
    tx
}

/// What the account's contract is shown of the transaction, if that is of a public kind.
fn shown(meta: &GaMeta, under: &Under) -> Option<AuthTx> {
    let tx = beneath_metas(meta);
    let body = match tx {
        Transaction::Spend(tx) => {
            AuthBody::Spend { to: tx.recipient_id.account().0, amount: tx.amount.base(), payload: tx.payload.0.clone() }
        }
        Transaction::ContractCreate(tx) => AuthBody::ContractCreate(tx.amount.base()),
        Transaction::ContractCreateV2(tx) => AuthBody::ContractCreate(tx.amount.base()),
        Transaction::ContractCall(tx) => AuthBody::ContractCall(tx.contract_id.0, tx.amount.base()),
        _ => return None,
    };
    Some(AuthTx {
        paying_for: under.payer.map(|payer| (payer.0, under.payer_fee.base())),
        wrappers: under.agreed.iter().map(|agreed| (agreed.account.0, agreed.fee.base())).collect(),
        actor: tx.signer().0,
        fee: tx.fee().base(),
        ttl: tx.ttl().map_or(0, |ttl| ttl.0),
        body,
    })
}
