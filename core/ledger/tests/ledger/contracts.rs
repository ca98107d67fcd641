//! Contracts from their making to their end, and accounts that they speak for. That code does what it does in the reference
//! is proved in `conformance`; here stands what the ledger makes of it.

use banyan_fate::{
    Value,
    abi::{encode_call, function_id},
};
use banyan_ledger::{
    Account, Code, Contract, Event, Overlay, Rejected, Source, contract, contract_source, dry_run, key, rules,
};
use banyan_types::{
    AccountId, Amount, AuthHashInput, Bytes, CodeObject, ContractBytes, ContractId, CtVersion, FATE, Gas, GasPrice,
    Hash, Height, Id, Lifetime, Nonce, Payee, Receipt, Serial, Status, Target, auth_id,
    limits::SOURCE_BYTES_MAX,
    tx::{ContractCall, ContractCreate, ContractCreateV2, GaAttach, GaMeta, SignedTx, Spend, Transaction, Wrapped},
};

use crate::support::*;

const COUNTER: &str = include_str!("../../../../conformance/vectors/fate/counter.json");
const COUNTER_SOURCE: &[u8] = include_bytes!("../../../../conformance/vectors/fate/contracts/counter.aes");
const FACTORY: &str = include_str!("../../../../conformance/vectors/fate/factory.json");
const GUARD: &str = include_str!("../../../../conformance/vectors/fate/ga_guard.json");

const RUN: Gas = Gas(100_000);
const PRICE: GasPrice = GasPrice(1_000_000_000);

/// The code object of a scenario's first contract.
fn code(scenario: &str) -> ContractBytes {
    let (_, rest) = scenario.split_once("\"contract_object\": \"").unwrap();
    let (hex, _) = rest.split_once('"').unwrap();
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    ContractBytes((0..hex.len()).step_by(2).map(byte).collect())
}

fn call(function: &str, arguments: Vec<Value>) -> ContractBytes {
    ContractBytes(encode_call(function_id(function), arguments))
}

/// A step of the counter.
pub fn tick(by: i64) -> ContractBytes {
    call("tick", vec![Value::int(by)])
}

fn run_price(gas: u64) -> Amount {
    units(u128::from(gas) * PRICE.0)
}

impl Ledger {
    fn create_contract(
        &self,
        owner: u8,
        code: ContractBytes,
        call_data: ContractBytes,
    ) -> (ContractId, ContractCreateV2) {
        let nonce = self.nonce(owner);
        let id = ContractId::derive(account(owner), Serial::Nonce(nonce));
        let tx = ContractCreateV2 {
            owner_id: account(owner),
            nonce,
            code,
            ct_version: FATE,
            fee: FEE,
            ttl: Height(0),
            deposit: Amount::ZERO,
            amount: Amount::ZERO,
            gas: RUN,
            gas_price: PRICE,
            call_data,
            lifetime: Lifetime::Default,
            source: Bytes::default(),
        };
        (id, tx)
    }

    pub fn counter(&self, owner: u8, start: i64) -> (ContractId, ContractCreateV2) {
        self.create_contract(owner, code(COUNTER), call("init", vec![Value::int(start)]))
    }

    pub fn call_contract(&self, caller: u8, contract_id: ContractId, call_data: ContractBytes) -> ContractCall {
        ContractCall {
            caller_id: account(caller),
            nonce: self.nonce(caller),
            contract_id,
            abi_version: 3,
            fee: FEE,
            ttl: Height(0),
            amount: Amount::ZERO,
            gas: RUN,
            gas_price: PRICE,
            call_data,
        }
    }

    fn receipt_of(&mut self, person: u8, tx: impl Into<Transaction>) -> (Receipt, Vec<Event>) {
        let mut outcome = self.micro(&[self.sign(person, tx)]).unwrap();
        (outcome.receipts.remove(0), outcome.events)
    }

    fn contract(&self, id: ContractId) -> Option<Contract> {
        contract(&mut Overlay::new(self.state.clone()), id).unwrap()
    }

    fn refused(&self, person: u8, tx: impl Into<Transaction>) -> Rejected {
        self.admit(&self.sign(person, tx)).unwrap_err()
    }
}

fn execution_gas(tx: &SignedTx, receipt: &Receipt) -> u64 {
    receipt.gas_used.0 - rules::intrinsic_gas(tx.transaction(), tx.unsigned_len()).unwrap().0
}

#[test]
fn a_contract_is_made_called_and_asked() {
    let mut root = Ledger::root();
    let (id, create) = root.counter(ALICE, 5);
    let create = ContractCreate {
        owner_id: create.owner_id,
        nonce: create.nonce,
        code: create.code,
        ct_version: create.ct_version,
        fee: create.fee,
        ttl: create.ttl,
        deposit: create.deposit,
        amount: create.amount,
        gas: create.gas,
        gas_price: create.gas_price,
        call_data: create.call_data,
    };
    let (receipt, _) = root.receipt_of(ALICE, create);
    assert_eq!(
        (receipt.status, receipt.created, receipt.returned),
        (Status::Ok, vec![Id::Contract(id)], Bytes::default())
    );
    let held = root.contract(id).unwrap();
    assert_eq!(held.expiry, root.height().plus(root.params.lifetime_default).unwrap());
    assert!(!held.visible && held.store_entries > 0);
    let (receipt, events) = root.receipt_of(BOB, root.call_contract(BOB, id, call("tick", vec![Value::int(3)])));
    assert_eq!(receipt.returned.0, Value::int(8).encode());
    let called = Event::Called { caller: account(BOB), contract: id, amount: Amount::ZERO, status: Status::Ok };
    assert!(events.contains(&called), "{events:?}");

    // Somebody without coins or account asks, twice in a row.
    let ask = |by| Transaction::from(root.call_contract(STRANGER, id, tick(by)));
    let (_, other) = root.counter(BOB, 1);
    let mut state = Overlay::new(root.state.clone());
    let asked = [
        ask(10),
        ask(1),
        other.into(),
        Spend { recipient_id: Payee::Contract(id), ..root.spend(BOB, account(BOB), coins(1)) }.into(),
    ];
    let credits = [(account(STRANGER), coins(1_000_000))];
    let dry = dry_run(&mut state, &root.params, &credits, &asked).unwrap();
    let returned = |at: usize| dry[at].as_ref().unwrap().receipt.returned.0.clone();
    assert_eq!((returned(0), returned(1)), (Value::int(18).encode(), Value::int(19).encode()));
    assert_eq!(dry[2].as_ref().unwrap().receipt.status, Status::Ok);
    assert_eq!(dry[3], Err(Rejected::NotPayable));
    assert!(state.into_parts().1.is_empty(), "and nothing has happened");
}

#[test]
fn unused_gas_goes_back_to_whoever_paid() {
    let mut root = Ledger::root();
    let (id, create) = root.counter(ALICE, 0);
    root.receipt_of(ALICE, create);
    for payer in [None, Some(CAROL)] {
        let paid = payer.unwrap_or(BOB);
        let (before, fees) = (root.balance(paid), root.supply().fees);
        let tx = root.call_contract(BOB, id, call("tick", vec![Value::int(1)]));
        let alone = root.sign(BOB, tx.clone());
        let signed = match payer {
            None => alone.clone(),
            Some(payer) => root.sign(payer, root.pay_for(payer, root.inner(BOB, tx))),
        };
        let outcome = root.micro(std::slice::from_ref(&signed)).unwrap();
        let receipt = &outcome.receipts[0];
        let nested = receipt.calls.first().map(|call| Receipt::decode(&call.0).unwrap());
        let used = execution_gas(&alone, nested.as_ref().unwrap_or(receipt));
        assert!(used > 1_000 && used < RUN.0);
        let fee = if payer.is_some() { FEE.plus(FEE).unwrap() } else { FEE };
        let cost = run_price(used).plus(fee).unwrap();
        assert_eq!(root.balance(paid), before.minus(cost).unwrap());
        assert_eq!(root.supply().fees, fees.plus(cost).unwrap());
        let back = run_price(RUN.0 - used);
        let refunded = |event: &Event| matches!(event, Event::Refunded { account: to, amount, .. } if (*to, *amount) == (account(paid), back));
        assert!(outcome.events.iter().any(refunded));
    }
}

#[test]
fn a_failed_init_returns_amount_and_deposit() {
    let mut root = Ledger::root();
    let before = root.balance(ALICE);
    // `init` takes a number.
    let (id, create) = root.create_contract(ALICE, code(COUNTER), call("init", vec![Value::Bool(true)]));
    let create = ContractCreateV2 { amount: coins(3), deposit: coins(2), ..create };
    let (receipt, _) = root.receipt_of(ALICE, create);
    assert_eq!((receipt.status, receipt.created), (Status::Error, vec![]));
    assert_eq!(root.balance(ALICE), before.minus(FEE.plus(run_price(RUN.0)).unwrap()).unwrap(), "all gas is gone");
    assert_eq!(root.contract(id), None);
    assert_eq!(root.account_of(AccountId(id.0)), Account::EMPTY);
    assert_eq!(root.supply().deposits, Amount::ZERO);
    assert!(root.state.leaves().all(|(_, value)| Code::decode(value).is_err()), "no code is kept");
}

#[test]
fn a_failed_call_gives_its_coins_back() {
    let mut root = Ledger::root();
    let (id, create) = root.counter(ALICE, 0);
    root.receipt_of(ALICE, create);
    let (supply, before) = (root.supply().accounts, root.balance(BOB));
    // It reverts, and keeps the gas it did not need.
    let (receipt, events) = root.receipt_of(BOB, root.call_contract(BOB, id, call("tick", vec![Value::int(0)])));
    assert_eq!(receipt.status, Status::Revert);
    assert_eq!(receipt.returned.0, Value::string("STEP_NOT_POSITIVE").encode());
    assert!(!events.iter().any(|event| matches!(event, Event::Spent { .. })));
    let cost = before.minus(root.balance(BOB)).unwrap();
    assert_eq!(root.supply().accounts, supply.minus(cost).unwrap());
    // No function of it takes coins.
    let paid = ContractCall { amount: coins(1), ..root.call_contract(BOB, id, call("get", vec![])) };
    let (receipt, _) = root.receipt_of(BOB, paid);
    assert_eq!((receipt.status, root.account_of(AccountId(id.0)).balance), (Status::Error, Amount::ZERO));
}

#[test]
fn a_deposit_comes_back_when_the_contract_is_gone() {
    let mut root = Ledger::root();
    (root.params.lifetime_default, root.params.grace) = (5, 2);
    let (id, create) = root.counter(ALICE, 0);
    root.receipt_of(ALICE, ContractCreateV2 { deposit: coins(2), ..create });
    assert_eq!(root.supply().deposits, coins(2));
    let before = root.balance(ALICE);
    root.key_blocks(8);
    assert_eq!((root.balance(ALICE), root.supply().deposits), (before.plus(coins(2)).unwrap(), Amount::ZERO));
    assert_eq!(root.contract(id), None);
}

#[test]
fn a_visible_contract_must_hash_to_its_source() {
    let mut root = Ledger::root();
    let (id, create) = root.counter(ALICE, 0);
    let expected = CodeObject::decode(&create.code.0).unwrap().source_hash;
    let other = Bytes(b"contract Other = ...".to_vec());
    let got = banyan_types::source_hash(&other);
    let why = root.refused(ALICE, ContractCreateV2 { source: other, ..create.clone() });
    assert_eq!(why, Rejected::SourceMismatch { expected, got });
    root.receipt_of(ALICE, ContractCreateV2 { source: Bytes(COUNTER_SOURCE.to_vec()), ..create });
    let held = root.contract(id).unwrap();
    assert!(held.visible);
    let source = contract_source(&mut Overlay::new(root.state.clone()), &held).unwrap();
    assert_eq!(source, Some(Bytes(COUNTER_SOURCE.to_vec())));
}

#[test]
fn a_clone_inherits_visibility_and_names_its_template() {
    let mut root = Ledger::root();
    let (factory, create) = root.create_contract(ALICE, code(FACTORY), call("init", vec![]));
    root.receipt_of(ALICE, ContractCreateV2 { gas: Gas(1_000_000), ..create });
    let made = |root: &mut Ledger, function, arguments| {
        let tx = ContractCall { gas: Gas(1_000_000), ..root.call_contract(BOB, factory, call(function, arguments)) };
        let (receipt, _) = root.receipt_of(BOB, tx);
        assert_eq!(receipt.status, Status::Ok);
        let [Id::Contract(id)] = receipt.created[..] else { panic!("{:?}", receipt.created) };
        id
    };
    let first = made(&mut root, "make", vec![Value::string("a"), Value::int(1)]);
    assert_eq!(first, ContractId::derive(AccountId(factory.0), Serial::Nonce(Nonce(1))));
    // Show its source after the fact, to see that a clone shows it too.
    let at = key::contract(first);
    let held = Contract { visible: true, ..root.contract(first).unwrap() };
    let source = Source { refs: 1, source: Bytes(b"contract Child".to_vec()) };
    root.state.commit(&banyan_ledger::Changes::from([
        (at, Some(held.encode())),
        (key::source(held.source_hash), Some(source.encode())),
    ]));
    let copy = |root: &mut Ledger, of: ContractId| {
        made(root, "copy", vec![Value::contract(&of.0), Value::string("b"), Value::int(2)])
    };
    let clone = copy(&mut root, first);
    let of_clone = copy(&mut root, clone);
    for id in [clone, of_clone] {
        let held = root.contract(id).unwrap();
        assert_eq!((held.template.0, held.visible), (Some(first), true), "never a clone");
        assert_eq!(held.owner, Payee::Contract(factory));
    }
    let refs = |root: &Ledger, hash| {
        root.state.leaves().find(|(at, _)| **at == key::code(hash)).map(|(_, value)| Code::decode(value).unwrap().refs)
    };
    assert_eq!(refs(&root, held.code_hash), Some(3));
}

#[test]
fn calling_expired_code_reverts_and_names_call_and_contract() {
    let mut root = Ledger::root();
    (root.params.lifetime_default, root.params.grace) = (5, 3);
    let (id, create) = root.counter(ALICE, 0);
    root.receipt_of(ALICE, create);
    let last = root.contract(id).unwrap().expiry;
    root.key_blocks(6);
    let before = root.balance(BOB);
    let tx = ContractCall { amount: coins(1), ..root.call_contract(BOB, id, call("get", vec![])) };
    let signed = root.sign(BOB, tx.clone());
    let (receipt, _) = root.receipt_of(BOB, tx);
    let [a, b, c, d] = function_id("get");
    let text = format!("expired: call {a:02x}{b:02x}{c:02x}{d:02x} of {id} at {last}");
    assert_eq!((receipt.status, &receipt.returned.0), (Status::Revert, &Value::string(text.as_str()).encode()));
    assert_eq!(execution_gas(&signed, &receipt), 0);
    assert_eq!(root.balance(BOB), before.minus(FEE).unwrap());
    // In grace it may be brought back to life.
    let mut saved = root.clone();
    saved.receipt_of(CAROL, saved.extend(CAROL, Target::Contract(id), 50));
    let (receipt, _) = saved.receipt_of(BOB, saved.call_contract(BOB, id, call("get", vec![])));
    assert_eq!(receipt.status, Status::Ok);
    // When that is over, it is no more, taken away or not.
    root.key_blocks(3);
    let expired = Rejected::Expired { id: id.into(), height: last };
    for _ in 0..3 {
        assert_eq!(root.refused(BOB, root.call_contract(BOB, id, call("get", vec![]))), expired);
        root.key_block(LEADER);
    }
    assert_eq!(root.contract(id), None);
}

#[test]
fn creating_rejects_in_the_written_order() {
    let mut root = Ledger::root();
    let (taken, first) = root.counter(ALICE, 0);
    let (max, tight) = (root.params.lifetime_max, GasPrice(PRICE.0 - 1));
    let mut bad = first.code.clone();
    let end = bad.0.len() - 1;
    bad.0[end] = 7; // neither payable nor not
    let source = Bytes(vec![0; SOURCE_BYTES_MAX + 1]);
    let expected = CodeObject::decode(&first.code.0).unwrap().source_hash;
    // The id was used before: its tombstone says so.
    let stone = banyan_ledger::Tombstone { height: Height(1), object_hash: Hash::ZERO };
    root.state.commit(&banyan_ledger::Changes::from([(key::tombstone(taken.into()), Some(stone.encode()))]));
    let wrong = ContractCreateV2 {
        ct_version: CtVersion(0x07_0003),
        code: bad.clone(),
        call_data: call("get", vec![]),
        gas: Gas(5_900_000),
        gas_price: tight,
        source,
        lifetime: Lifetime::Heights(max + 1),
        fee: coins(1),
        ..first.clone()
    };
    let gas = |tx: &ContractCreateV2| {
        let tx = Transaction::from(tx.clone());
        Gas(rules::intrinsic_gas(&tx, tx.encode().len()).unwrap().0 + 5_900_000)
    };
    let priced = gas(&ContractCreateV2 { gas_price: PRICE, ..wrong.clone() });
    let fault = banyan_fate::Engine::load(&bad.0).unwrap_err();
    let other = Bytes(b"x".to_vec());
    let mismatch = Rejected::SourceMismatch { expected, got: banyan_types::source_hash(&other) };
    let admit = |tx: &ContractCreateV2| root.admit(&root.sign(ALICE, tx.clone()));
    Wrong::new(wrong, admit)
        .says(Rejected::GasPriceTooLow { min: PRICE, got: tight }, |tx| tx.gas_price = PRICE)
        .says(Rejected::GasTooHigh { max: Gas(6_000_000), got: priced }, |tx| tx.gas = RUN)
        .says(Rejected::BadVersion { got: CtVersion(0x07_0003) }, |tx| tx.ct_version = FATE)
        .says(Rejected::BadCode { why: fault }, |tx| tx.code = first.code.clone())
        .says(Rejected::BadInit, |tx| tx.call_data = first.call_data.clone())
        .says(Rejected::CodeTooLarge { max: SOURCE_BYTES_MAX, got: SOURCE_BYTES_MAX + 1 }, |tx| tx.source = other)
        .says(mismatch, |tx| tx.source = Bytes::default())
        .says(Rejected::ContractExists { contract: taken }, |tx| (tx.owner_id, tx.nonce) = (account(BOB), Nonce(1)))
        .says(Rejected::BadSignature, |_| {});
    let late = ContractCreateV2 { lifetime: Lifetime::Heights(max + 1), fee: coins(1), ..root.counter(BOB, 0).1 };
    assert_eq!(root.refused(BOB, late), Rejected::LifetimeTooLong { max, got: max + 1 });
}

#[test]
fn calls_reject_in_the_written_order() {
    let mut root = Ledger::root();
    let (id, create) = root.counter(ALICE, 0);
    root.receipt_of(ALICE, create);
    let nobody = ContractId([1; 32]);
    let wrong = ContractCall { abi_version: 1, ..root.call_contract(BOB, nobody, call("get", vec![])) };
    Wrong::new(wrong, |tx| root.admit(&root.sign(BOB, tx.clone())))
        .says(Rejected::NoContract { contract: nobody }, |tx| tx.contract_id = id)
        .says(Rejected::BadVersion { got: CtVersion(1) }, |tx| tx.abi_version = 3)
        .accepted();
}

/// Carol's account under a contract that asks for Bob's signature and a counter.
fn guarded() -> Ledger {
    let mut root = Ledger::root();
    let call_data = call("init", vec![Value::address(&account(BOB).0)]);
    let attach = GaAttach {
        owner_id: account(CAROL),
        nonce: Nonce(1),
        code: code(GUARD),
        auth_fun: Hash(banyan_crypto::blake2b(&[b"authorize"])),
        ct_version: FATE,
        fee: FEE,
        ttl: Height(0),
        gas: RUN,
        gas_price: PRICE,
        call_data,
    };
    let (receipt, _) = root.receipt_of(CAROL, attach);
    assert_eq!(receipt.status, Status::Ok);
    root
}

impl Ledger {
    /// `inner`, which Carol's contract is asked about with Bob's signature.
    fn meta(&self, counter: i64, inner: impl Into<Transaction>) -> GaMeta {
        let inner = inner.into();
        let shown = AuthHashInput::new(&self.params.network_id, &inner.encode(), FEE, PRICE).hash();
        let signature = Value::bytes(secret(BOB).sign(&shown.0));
        GaMeta {
            ga_id: account(CAROL),
            auth_data: call("authorize", vec![Value::int(counter), signature]),
            abi_version: 3,
            fee: FEE,
            gas: Gas(50_000),
            gas_price: PRICE,
            tx: Wrapped::new(SignedTx::unsigned_inside(inner)),
        }
    }

    fn spend_of_carol(&self, amount: Amount) -> Spend {
        Spend { nonce: Nonce(0), ..self.spend(CAROL, account(ALICE), amount) }
    }
}

fn unsigned(tx: GaMeta) -> SignedTx {
    SignedTx::unsigned_inside(tx.into())
}

#[test]
fn an_account_under_a_contract_obeys_it_alone() {
    let mut root = guarded();
    let lock = root.account(CAROL).generalized.unwrap();
    assert_eq!(root.contract(lock.contract).unwrap().expiry, Lifetime::NEVER);
    // Its key signs nothing any more.
    let own = root.spend(CAROL, account(ALICE), coins(1));
    assert_eq!(root.refused(CAROL, own), Rejected::AccountKind { account: account(CAROL) });
    let before = [CAROL, ALICE].map(|person| root.balance(person));
    let outcome = root.micro(&[unsigned(root.meta(1, root.spend_of_carol(coins(7))))]).unwrap();
    let receipt = &outcome.receipts[0];
    assert_eq!(receipt.status, Status::Ok);
    assert_eq!(root.balance(ALICE), before[1].plus(coins(7)).unwrap());
    assert_eq!(root.account(CAROL).nonce, Nonce(1), "the agreement stands in the nonce's place");
    let fees = FEE.plus(FEE).unwrap().plus(run_price(5_430)).unwrap();
    assert_eq!(root.balance(CAROL), before[0].minus(coins(7).plus(fees).unwrap()).unwrap());
    // A payer may pay for all of it.
    let before = root.balance(CAROL);
    let paid = root.pay_for(ALICE, unsigned(root.meta(2, root.spend_of_carol(coins(1)))));
    root.receipt_of(ALICE, paid);
    assert_eq!(root.balance(CAROL), before.minus(coins(1)).unwrap());
}

#[test]
fn a_meta_transaction_whose_inner_one_fails_keeps_only_its_own_charges() {
    let mut root = guarded();
    let before = root.account(CAROL);
    let meta = unsigned(root.meta(1, root.spend_of_carol(before.balance)));
    let outcome = root.micro(std::slice::from_ref(&meta)).unwrap();
    let receipt = &outcome.receipts[0];
    assert_eq!((receipt.status, receipt.calls.len()), (Status::Error, 0));
    let own = FEE.plus(run_price(5_430)).unwrap();
    assert_eq!(root.balance(CAROL), before.balance.minus(own).unwrap());
    assert_eq!(execution_gas(&meta, receipt), 5_430);
}

#[test]
fn auth_data_cannot_be_replayed_within_a_generation() {
    let mut root = guarded();
    let meta = root.meta(1, root.spend_of_carol(coins(1)));
    let name = auth_id(account(CAROL), &meta.auth_data.0);
    root.micro(&[unsigned(meta.clone())]).unwrap();
    let again = |root: &Ledger| root.admit(&unsigned(meta.clone())).unwrap_err();
    assert_eq!(again(&root), Rejected::AuthRepeated { auth_id: name });
    root.key_block(LEADER);
    assert_eq!(again(&root), Rejected::AuthFailed, "its own counter has moved on");
    assert!(!root.state.leaves().any(|(at, _)| *at == key::used_auth(name)), "and the ledger has forgotten it");
}

#[test]
fn metas_reject_in_the_written_order() {
    let root = guarded();
    let good = root.meta(1, root.spend_of_carol(coins(1)));
    let stranger = root.spend(BOB, account(ALICE), coins(1)); // Bob's, in Carol's name
    let inner = |spend: &Spend, signer: u8| root.sign(signer, spend.clone());
    let attach = SignedTx::unsigned_inside(
        GaAttach {
            owner_id: account(CAROL),
            nonce: Nonce(0),
            code: code(GUARD),
            auth_fun: Hash::ZERO,
            ct_version: FATE,
            fee: FEE,
            ttl: Height(0),
            gas: RUN,
            gas_price: PRICE,
            call_data: call("init", vec![]),
        }
        .into(),
    );
    let wrong = GaMeta {
        ga_id: account(ALICE),
        auth_data: call("counter", vec![]),
        abi_version: 1,
        gas: Gas(50_001),
        tx: Wrapped::new(attach),
        ..good.clone()
    };
    Wrong::new(wrong, |tx| root.admit(&unsigned(tx.clone())))
        .says(Rejected::Wrapping, |tx| tx.tx = Wrapped::new(inner(&stranger, CAROL)))
        .says(Rejected::GasTooHigh { max: Gas(50_000), got: Gas(50_001) }, |tx| tx.gas = Gas(50_000))
        .says(Rejected::BadSignature, |tx| tx.tx = Wrapped::new(inner(&stranger, BOB)))
        .says(Rejected::AccountKind { account: account(ALICE) }, |tx| tx.ga_id = account(CAROL))
        .says(Rejected::WrongSigner { ga: account(CAROL) }, |tx| tx.tx = good.tx.clone())
        .says(Rejected::BadVersion { got: CtVersion(1) }, |tx| tx.abi_version = 3)
        .says(Rejected::WrongAuthFunction, |tx| {
            tx.auth_data = call("authorize", vec![Value::int(2), Value::bytes([0; 64])]);
        })
        .says(Rejected::AuthFailed, |tx| tx.auth_data = good.auth_data.clone())
        .accepted();
    // A nonce inside has nothing to say.
    let counted = root.meta(1, Spend { nonce: Nonce(2), ..root.spend_of_carol(coins(1)) });
    let outcome = root.admit(&unsigned(counted)).unwrap();
    assert_eq!(outcome.receipts[0].status, Status::Error);
}

#[test]
fn attaching_rejects_in_the_written_order() {
    let root = Ledger::root();
    let attach = |auth_fun: &str| GaAttach {
        owner_id: account(CAROL),
        nonce: Nonce(1),
        code: code(GUARD),
        auth_fun: Hash(banyan_crypto::blake2b(&[auth_fun.as_bytes()])),
        ct_version: FATE,
        fee: FEE,
        ttl: Height(0),
        gas: RUN,
        gas_price: PRICE,
        call_data: call("init", vec![Value::address(&account(BOB).0)]),
    };
    for function in ["init", "counter", "nothing"] {
        assert_eq!(root.refused(CAROL, attach(function)), Rejected::BadAuthFunction, "{function}");
    }
    let mut used = root.clone();
    used.receipt_of(CAROL, used.spend(CAROL, account(ALICE), coins(1)));
    let why = used.refused(CAROL, GaAttach { nonce: Nonce(2), ..attach("authorize") });
    assert_eq!(why, Rejected::NotFresh { got: Nonce(2) });
    // What `init` refuses leaves the account as it was.
    let mut failed = root;
    let (receipt, _) = failed.receipt_of(CAROL, GaAttach { call_data: call("init", vec![]), ..attach("authorize") });
    assert_eq!((receipt.status, failed.account(CAROL).generalized), (Status::Error, None));
}

#[test]
fn contracts_live_on_children_too() {
    let mut pair = Pair::funded();
    let (id, create) = pair.child.counter(ALICE, 1);
    pair.step(&[pair.child.sign(ALICE, create)]).unwrap();
    let tick = pair.child.call_contract(BOB, id, call("tick", vec![Value::int(1)]));
    let outcome = pair.step(&[pair.child.sign(BOB, tick)]).unwrap();
    assert_eq!(outcome.receipts[0].returned.0, Value::int(2).encode());
}
