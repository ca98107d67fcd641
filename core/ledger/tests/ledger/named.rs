//! A child whose validators are named by a contract: what it can do, what it cannot, and how another one follows it.

use banyan_fate::{
    Value,
    abi::{encode_call, function_id},
    value::decode::{Door, decode},
};
use banyan_ledger::{Base as _, Event, Naming, Rejected, key};
use banyan_types::{
    Amount, Bytes, CodeObject, ContractBytes, ContractId, FATE, Gas, GasPrice, Height, Lifetime, Serial, Status,
    engine::EngineAction,
    text,
    tx::{ContractCall, ContractCreateV2},
};

use crate::{
    committee::{FIRST, rules, set},
    support::*,
};

/// The code of a contract and its source.
pub type Compiled = (&'static str, &'static str);
const CONSENSUS: Compiled = (include_str!("../contracts/Consensus.cb"), include_str!("../contracts/Consensus.aes"));
const PRICE: GasPrice = GasPrice(1_000_000_000);

/// Weights 3, 4, 5, 6: nobody has over a third.
pub const NEXT: [u8; 4] = [32, 33, 34, 35];
pub const LATER: [u8; 4] = [33, 34, 35, 36];

pub fn names(people: &[u8]) -> Value {
    let pair =
        |person: &u8| Value::tuple(vec![Value::address(&account(*person).0), Value::int(u64::from(*person) - 29)]);
    Value::list(people.iter().map(pair).collect())
}

fn call_data(function: &str, arguments: Vec<Value>) -> ContractBytes {
    ContractBytes(encode_call(function_id(function), arguments))
}

/// A child of the first validators, who hold coins, with contracts that Alice has made.
pub struct Named(pub Pair);

impl Named {
    pub fn new() -> Self {
        let mut pair = Pair::of_committee(rules(banyan_ledger::engine::committee::Sets::Contract));
        for person in FIRST.into_iter().chain(NEXT).chain(LATER) {
            pair.commit(ALICE, person, coins(10));
        }
        pair.step(&[]).unwrap();
        Self(pair)
    }

    /// Make a contract that names these people.
    fn make(&mut self, people: &[u8], visible: bool) -> ContractId {
        self.make_of(CONSENSUS, vec![names(people)], visible)
    }

    pub fn make_of(&mut self, (code, source): Compiled, arguments: Vec<Value>, visible: bool) -> ContractId {
        let (child, code) = (&self.0.child, text::decode(code.trim()).unwrap().1);
        let source = Bytes(source.as_bytes().to_vec());
        let hash = CodeObject::decode(&code).unwrap().source_hash;
        assert_eq!(hash, banyan_types::source_hash(&source), "the code is of this source");
        let nonce = child.nonce(ALICE);
        let tx = ContractCreateV2 {
            owner_id: account(ALICE),
            nonce,
            code: ContractBytes(code),
            ct_version: FATE,
            fee: coins(1),
            ttl: Height(0),
            deposit: Amount::ZERO,
            amount: Amount::ZERO,
            gas: Gas(100_000),
            gas_price: PRICE,
            call_data: call_data("init", arguments),
            lifetime: Lifetime::Default,
            source: if visible { source } else { Bytes::default() },
        };
        let outcome = self.0.step(&[self.0.child.sign(ALICE, tx)]).unwrap();
        assert_eq!(outcome.receipts[0].status, Status::Ok);
        ContractId::derive(account(ALICE), Serial::Nonce(nonce))
    }

    /// Call it as Alice.
    fn call(&mut self, contract: ContractId, function: &str, argument: Value) {
        self.call_with(contract, function, vec![argument]);
    }

    pub fn call_with(&mut self, contract: ContractId, function: &str, arguments: Vec<Value>) -> Value {
        self.call_by((ALICE, Amount::ZERO), contract, function, arguments)
    }

    pub fn call_by(
        &mut self,
        (caller, amount): (u8, Amount),
        contract: ContractId,
        function: &str,
        arguments: Vec<Value>,
    ) -> Value {
        let tx = ContractCall {
            caller_id: account(caller),
            nonce: self.0.child.nonce(caller),
            contract_id: contract,
            abi_version: 3,
            fee: coins(1),
            ttl: Height(0),
            amount,
            gas: Gas(100_000),
            gas_price: PRICE,
            call_data: call_data(function, arguments),
        };
        let outcome = self.0.step(&[self.0.child.sign(caller, tx)]).unwrap();
        assert_eq!(outcome.receipts[0].status, Status::Ok);
        decode(&outcome.receipts[0].returned.0, Door::Any).unwrap()
    }

    pub fn act(&mut self, person: u8, action: EngineAction) -> Vec<Event> {
        let tx = self.0.child.act(person, action);
        self.0.on_child(person, tx)
    }

    pub fn refused(&self, person: u8, action: EngineAction) -> Rejected {
        self.0.asked_child(person, self.0.child.act(person, action))
    }

    pub fn epoch(&self) -> u64 {
        self.0.child.committee().schedule.number
    }

    pub fn enter(&mut self, epoch: u64) -> Vec<Event> {
        self.0.enter(epoch)
    }

    pub fn naming(&self) -> Naming {
        Naming::decode(&self.0.child.state.read(&key::naming()).unwrap().unwrap()).unwrap()
    }

    /// All of them vote in one block.
    fn vote(&mut self, contract: ContractId, voters: &[u8]) -> Vec<Event> {
        let child = &self.0.child;
        let vote = |voter: &u8| child.sign(*voter, child.act(*voter, EngineAction::Vote(contract)));
        let all: Vec<_> = voters.iter().map(vote).collect();
        self.0.step(&all).unwrap().events
    }

    /// The proposal goes through: the contract rules, and what it names is known.
    pub fn install(&mut self, contract: ContractId, voters: &[u8]) -> Vec<Event> {
        let mut events = self.act(voters[0], EngineAction::Propose(contract));
        let since = self.epoch();
        events.extend(self.enter(since + 2));
        events.extend(self.vote(contract, voters));
        let agreed = self.epoch();
        events.extend(self.enter(agreed + 2));
        events
    }
}

fn failures(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::ConsensusFailed { what: "validators", .. })).count()
}

#[test]
fn an_upgrade_runs_in_shadow_before_it_rules() {
    let mut named = Named::new();
    let contract = named.make(&NEXT, true);
    named.act(FIRST[3], EngineAction::Propose(contract));
    let since = named.epoch();
    // Two epochs pass in which its answers are shown and change nothing.
    assert_eq!(
        named.refused(FIRST[3], EngineAction::Vote(contract)),
        Rejected::SequenceEarly { expected: since + 2, got: named.0.child.epoch().number }
    );
    let events = named.enter(since + 2);
    let shadow = |epoch| Event::ShadowAnswered { contract, epoch, members: 4, set: set(&NEXT).hash() };
    assert!([since + 3, since + 4].iter().all(|epoch| events.contains(&shadow(*epoch))));
    assert_eq!(named.0.child.committee().schedule.later, set(&FIRST));
    // 7 of 10 are over two thirds, 6 are not.
    let not_yet = named.act(FIRST[3], EngineAction::Vote(contract));
    assert!(!not_yet.iter().any(|event| matches!(event, Event::ConsensusAgreed { .. })));
    let agreed = named.epoch();
    assert!(
        named.act(FIRST[2], EngineAction::Vote(contract)).contains(&Event::ConsensusAgreed { contract, epoch: agreed })
    );
    assert_eq!(named.naming().ruling, None);
    let events = named.enter(agreed + 2);
    assert!(events.contains(&Event::ConsensusRules { contract, epoch: agreed + 2 }));
    let schedule = named.0.child.committee().schedule;
    assert_eq!((schedule.now.set, schedule.next.set, schedule.later), (set(&FIRST), set(&FIRST), set(&NEXT)));
    named.enter(agreed + 4);
    assert_eq!(named.0.child.committee().schedule.now.set, set(&NEXT), "what it names rules");
}

#[test]
fn a_throwing_consensus_contract_keeps_the_old_set() {
    let mut named = Named::new();
    let contract = named.make(&NEXT, true);
    named.install(contract, &FIRST);
    let now = named.epoch();
    named.enter(now + 2);
    assert_eq!(named.0.child.committee().schedule.now.set, set(&NEXT));
    named.call(contract, "feel", Value::int(1u64));
    let from = named.epoch();
    let events = named.enter(from + 4);
    assert_eq!(failures(&events), 4);
    assert!(events.iter().any(|event| matches!(event, Event::EpochTurned { repeated: true, .. })));
    assert_eq!(named.0.child.committee().schedule.now.set, set(&NEXT));
    // It thinks better of it, and is heard again.
    named.call(contract, "feel", Value::int(0u64));
    named.call(contract, "name", names(&LATER));
    let from = named.epoch();
    assert_eq!(failures(&named.enter(from + 3)), 0);
    assert_eq!(named.0.child.committee().schedule.now.set, set(&LATER));
}

#[test]
fn a_failing_consensus_contract_does_not_stop_the_ledger() {
    let mut named = Named::new();
    let contract = named.make(&NEXT, true);
    named.install(contract, &FIRST);
    let heavy = Value::list(vec![
        Value::tuple(vec![Value::address(&account(32).0), Value::int(5u64)]),
        Value::tuple(vec![Value::address(&account(33).0), Value::int(1u64)]),
        Value::tuple(vec![Value::address(&account(34).0), Value::int(1u64)]),
    ]);
    let weightless = Value::list(vec![Value::tuple(vec![Value::address(&account(32).0), Value::int(0u64)])]);
    let twice = names(&[33, 33, 34, 35]);
    for (function, argument) in [
        ("feel", Value::int(2u64)), // nobody
        ("feel", Value::int(3u64)), // runs for ever
        ("feel", Value::int(0u64)),
        ("name", heavy),
        ("name", weightless),
        ("name", twice),
    ] {
        named.call(contract, function, argument.clone());
        let from = named.epoch();
        let events = named.enter(from + 1);
        let is_well = function == "feel" && argument == Value::int(0u64);
        assert_eq!(failures(&events), usize::from(!is_well), "{function} {}", argument.show());
        assert_eq!(named.0.child.committee().schedule.later, set(&NEXT));
    }
}

#[test]
fn over_a_third_can_cancel_an_upgrade_until_it_rules() {
    let mut named = Named::new();
    let contract = named.make(&NEXT, true);
    named.act(FIRST[0], EngineAction::Propose(contract));
    let since = named.epoch();
    named.enter(since + 2);
    named.vote(contract, &FIRST);
    assert!(named.naming().candidate.is_some_and(|candidate| candidate.agreed.is_some()));
    named.act(FIRST[2], EngineAction::Cancel(contract)); // 3 of 10
    assert!(named.naming().candidate.is_some());
    let epoch = named.epoch();
    let events = named.act(FIRST[0], EngineAction::Cancel(contract)); // 4 of 10
    assert!(events.contains(&Event::ConsensusCancelled { contract, epoch }));
    named.enter(epoch + 4);
    assert_eq!((named.naming().ruling, named.naming().candidate), (None, None));
}

#[test]
fn a_successor_takes_over_from_the_old_contract_or_not_at_all() {
    let mut named = Named::new();
    let (first, second) = (named.make(&NEXT, true), named.make(&LATER, true));
    named.install(first, &FIRST);
    let now = named.epoch();
    named.enter(now + 2);
    named.call(second, "feel", Value::int(4u64)); // it will not take over
    let events = named.install(second, &NEXT);
    assert!(events.iter().any(|event| matches!(event, Event::ConsensusFailed { what: "migrate", .. })));
    assert_eq!((named.naming().ruling, named.naming().candidate), (Some(first), None));
    named.call(second, "feel", Value::int(0u64));
    named.install(second, &NEXT);
    assert_eq!(named.naming().ruling, Some(second));
    assert_eq!(named.0.child.committee().schedule.later, set(&LATER));
}

#[test]
fn votes_count_in_one_epoch() {
    let mut named = Named::new();
    let contract = named.make(&NEXT, true);
    named.act(FIRST[0], EngineAction::Propose(contract));
    let since = named.epoch();
    named.enter(since + 2);
    named.act(FIRST[3], EngineAction::Vote(contract));
    named.enter(since + 3);
    named.act(FIRST[2], EngineAction::Vote(contract));
    assert_eq!(named.naming().candidate.unwrap().agreed, None, "4 and 3 of 10, in two epochs");
    named.act(FIRST[3], EngineAction::Vote(contract));
    assert_eq!(named.naming().candidate.unwrap().agreed, Some(since + 3));
}

#[test]
fn proposals_and_votes_reject_in_the_written_order() {
    let mut named = Named::new();
    let (hidden, contract) = (named.make(&NEXT, false), named.make(&NEXT, true));
    let change = |why| Rejected::Change { why };
    let nowhere = ContractId([9; 32]);
    let rows = [
        (named.refused(ALICE, EngineAction::Propose(contract)), change("the sender is no validator")),
        (named.refused(FIRST[0], EngineAction::Propose(nowhere)), Rejected::NoContract { contract: nowhere }),
        (named.refused(FIRST[0], EngineAction::Propose(hidden)), change("the contract hides its source")),
        (named.refused(FIRST[0], EngineAction::Vote(contract)), change("the contract is not proposed")),
        (named.refused(FIRST[0], EngineAction::Cancel(contract)), change("the contract is not proposed")),
    ];
    for (got, expected) in rows {
        assert_eq!(got, expected);
    }
    named.act(FIRST[0], EngineAction::Propose(contract));
    assert_eq!(named.refused(FIRST[1], EngineAction::Propose(hidden)), Rejected::TooManyPending { max: 1 });
    assert_eq!(named.refused(FIRST[1], EngineAction::Vote(hidden)), change("the contract is not proposed"));
    let other = Pair::of_committee(rules(banyan_ledger::engine::committee::Sets::Permissioned));
    let tx = other.child.act(ALICE, EngineAction::Propose(contract));
    assert_eq!(other.asked_child(ALICE, tx), change("no contract names validators here"));
}

#[test]
fn a_shadow_leaves_no_trace() {
    let with = |proposed: bool| {
        let mut named = Named::new();
        let contract = named.make(&NEXT, true);
        if proposed {
            named.act(FIRST[0], EngineAction::Propose(contract));
        } else {
            let spend = named.0.child.spend(FIRST[0], account(BOB), coins(0));
            named.0.on_child(FIRST[0], spend);
        }
        let now = named.epoch();
        named.enter(now + 3);
        let store = named.0.child.state.hint_keys(contract, &[], 100).unwrap();
        let leaves = store.into_iter().map(|raw| named.0.child.state.read(&key::store(contract, &raw)).unwrap());
        (leaves.collect::<Vec<_>>(), named.0.child.committee().schedule.now.set)
    };
    assert_eq!(with(true), with(false), "its store does not know that it was asked");
}
