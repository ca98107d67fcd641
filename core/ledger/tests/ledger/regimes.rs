//! Regime `contract`: what a contract says, and what it cannot.

use banyan_fate::{
    Value,
    abi::{encode_call, function_id},
};
use banyan_ledger::{Event, Outcome, Rejected, Status as Life};
use banyan_types::{
    Amount, Asset, Bytes, CodeObject, ContractBytes, ContractId, FATE, Gas, GasPrice, Height, Lifetime, Payee, Serial,
    Status,
    associate::{ContractWord, Regime, Summary},
    text::{self, Prefix},
    tx::{AssociateEscape, AssociateRemit, ContractCall, ContractCreateV2},
};

use crate::support::*;

const CODE: &str = include_str!("../contracts/Regime.cb");
const PRICE: GasPrice = GasPrice(1_000_000_000);

fn call(function: &str, arguments: Vec<Value>) -> ContractBytes {
    ContractBytes(encode_call(function_id(function), arguments))
}

fn word(bytes: &[u8]) -> Bytes {
    Bytes(ContractWord { gas: Gas(100_000), word: Bytes(bytes.to_vec()) }.encode())
}

/// A child of which a contract lets at most so many coins go at once; Alice and Bob hold a thousand each.
struct Judged {
    pair: Pair,
    contract: ContractId,
}

impl Judged {
    fn new(most: u64) -> Self {
        let code = text::decode(CODE).unwrap();
        assert_eq!(code.0, Prefix::ContractBytes);
        CodeObject::decode(&code.1).unwrap();
        let mut root = Ledger::root();
        let nonce = root.nonce(BOB);
        let contract = ContractId::derive(account(BOB), Serial::Nonce(nonce));
        let tx = ContractCreateV2 {
            owner_id: account(BOB),
            nonce,
            code: ContractBytes(code.1),
            ct_version: FATE,
            fee: FEE,
            ttl: Height(0),
            deposit: Amount::ZERO,
            amount: Amount::ZERO,
            gas: Gas(100_000),
            gas_price: PRICE,
            call_data: call("init", vec![Value::int(coins(most).base())]),
            lifetime: Lifetime::Default,
            source: Bytes::default(),
        };
        let made = root.micro(&[root.sign(BOB, tx)]).unwrap();
        assert_eq!(made.receipts[0].status, Status::Ok);
        let create =
            banyan_types::tx::AssociateCreate { regime: Regime::Contract(contract), ..root.create(CAROL, "judged") };
        let child = child_of(&create, &root);
        root.micro(&[root.sign(CAROL, create)]).unwrap();
        let id = child.params.ledger;
        let mut judged = Self { pair: Pair { root, child, id }, contract };
        judged.pair.commit(ALICE, ALICE, coins(1_000));
        judged.pair.commit(BOB, BOB, coins(1_000));
        judged.pair.step(&[]).unwrap();
        let tx = judged.remit(b"yes");
        assert_eq!(judged.send(tx).receipts[0].status, Status::Ok);
        judged
    }

    fn remit(&self, says: &[u8]) -> AssociateRemit {
        AssociateRemit { authorization: word(says), ..self.pair.honest_remit() }
    }

    fn send(&mut self, tx: AssociateRemit) -> Outcome {
        let outcome = self.pair.on_root(OPERATORS[0], tx);
        if outcome.receipts[0].status == Status::Ok {
            self.pair.child.effects.clear();
        }
        outcome
    }

    fn withdraw(&mut self, amount: Amount) {
        let tx = self.pair.withdraw(ALICE, amount);
        self.pair.step(&[tx]).unwrap();
    }

    /// What the contract has kept.
    fn ask(&mut self, function: &str) -> Value {
        let tx = ContractCall {
            caller_id: account(CAROL),
            nonce: self.pair.root.nonce(CAROL),
            contract_id: self.contract,
            abi_version: FATE.abi(),
            fee: FEE,
            ttl: Height(0),
            amount: Amount::ZERO,
            gas: Gas(100_000),
            gas_price: PRICE,
            call_data: call(function, vec![]),
        };
        let outcome = self.pair.on_root(CAROL, tx);
        banyan_fate::value::decode::decode(&outcome.receipts[0].returned.0, banyan_fate::value::decode::Door::Any)
            .unwrap()
    }
}

#[test]
fn a_contract_is_shown_the_summary_and_lets_money_go() {
    let mut judged = Judged::new(50);
    judged.withdraw(coins(50));
    let before = judged.pair.root.balance(ALICE);
    let payer = judged.pair.root.balance(OPERATORS[0]);
    let tx = judged.remit(b"please");
    let outcome = judged.send(tx);
    assert_eq!(outcome.receipts[0].status, Status::Ok);
    assert_eq!(judged.pair.root.balance(ALICE), before.plus(coins(50)).unwrap());
    // The run is paid by who sends the remit, and what is not used comes back.
    assert!(payer.minus(judged.pair.root.balance(OPERATORS[0])).unwrap() > FEE);
    assert!(outcome.receipts[0].gas_used > Gas(30_000));
    assert_eq!(judged.ask("agreed"), Value::int(2));
    assert_eq!(judged.ask("child"), Value::some(Value::address(&judged.pair.id.0)));
}

#[test]
fn a_contract_that_says_no_or_fails_costs_fee_and_gas_alone() {
    for (most, says) in [(10, &b"please"[..]), (50, b"")] {
        let mut judged = Judged::new(most);
        judged.withdraw(coins(50));
        let (held, point) = (judged.pair.held(), judged.pair.root.point(judged.pair.id));
        let payer = judged.pair.root.balance(OPERATORS[0]);
        let tx = judged.remit(says);
        let outcome = judged.send(tx);
        assert_ne!(outcome.receipts[0].status, Status::Ok, "mined, and failed");
        assert_eq!((judged.pair.held(), judged.pair.root.point(judged.pair.id)), (held, point));
        assert!(payer.minus(judged.pair.root.balance(OPERATORS[0])).unwrap() > FEE);
        assert_eq!(judged.ask("agreed"), Value::int(1), "what it has written is undone");
    }
}

#[test]
fn a_contract_that_says_yes_to_everything_still_obeys_the_escrow() {
    let mut judged = Judged::new(1_000_000);
    judged.withdraw(coins(50));
    let good = judged.remit(b"yes");
    let held = judged.pair.held();
    let mut lines = good.lines.clone();
    lines[0].amount = held.plus(units(1)).unwrap();
    let point = judged.pair.root.point(judged.pair.id).point;
    let summary = Summary { outbox_hash: lines[0].chain(point.outbox_hash), ..good.summary.clone() };
    let rows = [
        (
            AssociateRemit { lines, summary: summary.clone(), ..good.clone() },
            Rejected::Escrow { escrow: held, total: held.plus(units(1)).unwrap() },
        ),
        (AssociateRemit { summary, ..good.clone() }, Rejected::Outbox),
        (
            AssociateRemit { summary: Summary { seq: 1, ..good.summary.clone() }, ..good.clone() },
            Rejected::SequenceUsed { expected: 2, got: 1 },
        ),
        (
            AssociateRemit { authorization: Bytes(vec![7]), ..good.clone() },
            Rejected::Authorization { valid: 0, needed: 1 },
        ),
        (
            AssociateRemit {
                authorization: Bytes(ContractWord { gas: Gas(6_000_001), word: Bytes(vec![1]) }.encode()),
                ..good.clone()
            },
            Rejected::GasTooHigh { max: Gas(6_000_000), got: Gas(6_000_001) },
        ),
    ];
    for (tx, why) in rows {
        assert_eq!(judged.pair.asked(OPERATORS[0], tx).unwrap_err(), why);
    }
    judged.send(good);
}

#[test]
fn a_child_cannot_be_judged_by_nobody() {
    let root = Ledger::root();
    let contract = ContractId([5; 32]);
    let create =
        banyan_types::tx::AssociateCreate { regime: Regime::Contract(contract), ..root.create(CAROL, "judged") };
    let why = root.admit(&root.sign(CAROL, create)).unwrap_err();
    assert_eq!(why, Rejected::NoContract { contract });
}

#[test]
fn a_dead_childs_contract_says_who_has_what_and_then_proofs_do() {
    let mut judged = Judged::new(50);
    judged.pair.fall_silent();
    let id = judged.pair.id;
    let claim = |judged: &Judged, person: u8, says: &[u8]| AssociateEscape {
        associate_id: id,
        from_id: account(person),
        account_id: Payee::Account(account(person)),
        asset: Asset::Coin,
        path: vec![],
        proofs: vec![],
        authorization: word(says),
        ttl: Height(0),
        fee: FEE,
        nonce: judged.pair.root.nonce(person),
    };
    let held = judged.pair.held();
    let silent = claim(&judged, CAROL, b"");
    assert_ne!(judged.pair.on_root(CAROL, silent).receipts[0].status, Status::Ok);
    assert_eq!(judged.pair.root.point(id).status, Life::Open, "a failed claim changes nothing");
    let mine = claim(&judged, CAROL, b"mine");
    let outcome = judged.pair.on_root(CAROL, mine.clone());
    let paid = Event::Escaped { associate: id, n: 0, to: account(CAROL), asset: Asset::Coin, amount: coins(1_000) };
    assert!(outcome.events.contains(&paid), "half of what is free, by this contract");
    assert_eq!(judged.pair.held(), held.minus(coins(1_000)).unwrap());
    let again = AssociateEscape { nonce: judged.pair.root.nonce(CAROL), ..mine };
    let account_id = Payee::Account(account(CAROL));
    assert_eq!(judged.pair.asked(CAROL, again).unwrap_err(), Rejected::Claimed { account: account_id });
    let other = AssociateEscape { account_id, ..claim(&judged, ALICE, b"theirs") };
    assert_eq!(judged.pair.asked(ALICE, other).unwrap_err(), Rejected::Claimed { account: account_id });

    // Twice the silence later its last known state counts, with a whole window for all.
    judged.pair.root.key_blocks(SILENCE);
    let proven = judged.pair.root.escape(ALICE, id, Payee::Account(account(ALICE)), &[], &judged.pair.child);
    judged.pair.on_root(ALICE, proven);
    let Life::Dead { until, .. } = judged.pair.root.point(id).status else { panic!("it is not dead") };
    assert!(until >= judged.pair.root.height().plus(SILENCE - 2).unwrap());
    let before = judged.pair.root.balance(ALICE);
    while judged.pair.root.height() <= until {
        judged.pair.root.key_block(LEADER);
    }
    assert_eq!(judged.pair.root.balance(ALICE), before.plus(coins(1_000)).unwrap());
}

#[test]
fn a_refund_leaves_proofs_a_whole_window_behind_the_contract() {
    let mut judged = Judged::new(50);
    judged.pair.commit(CAROL, CAROL, coins(3));
    let alive = judged.pair.root.point(judged.pair.id).last_alive;
    judged.pair.fall_silent();
    let n = judged.pair.root.point(judged.pair.id).inbox_next - 1;
    let refund = judged.pair.root.refund(BOB, judged.pair.id, n);
    judged.pair.on_root(BOB, refund);
    let Life::Dead { until, .. } = judged.pair.root.point(judged.pair.id).status else { panic!("it is not dead") };
    assert_eq!(until, alive.plus(2 * SILENCE).unwrap().plus(SILENCE).unwrap());
}
