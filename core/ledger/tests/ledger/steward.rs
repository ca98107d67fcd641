//! A contract that decides all it may: who leads, how fast, who is paid, who is fined. What it says rules one epoch ahead;
//! what it says wrongly changes nothing.

use banyan_fate::{Value, value::Kind};
use banyan_ledger::{Block, Event, Invalid, Overlay, Rejected, Supply, apply_block, engine::committee::Decree};
use banyan_types::{
    AccountId, Amount, Bytes, ContractId, Hash, Height, PublicKey, Signature,
    committee::{SignedStatement, Statement, StatementKind},
    rlp::Tail,
    tx::Evidence,
};

use crate::{
    committee::{EPOCH, FIRST, set},
    named::{Compiled, LATER, NEXT, Named, names},
    support::*,
};

const STEWARD: Compiled = (include_str!("../contracts/Steward.cb"), include_str!("../contracts/Steward.aes"));
const PACE: u64 = 700;
/// What it names are the people of [`NEXT`], in another order than that of their keys.
const ORDER: [u8; 4] = [35, 33, 34, 32];

fn key_of(person: u8) -> PublicKey {
    PublicKey(secret(person).public())
}

/// A child that a steward rules, and that those serve whom it names.
fn ruled() -> (Named, ContractId) {
    let mut named = Named::new();
    let contract = named.make_of(STEWARD, vec![names(&ORDER), Value::int(PACE)], true);
    named.install(contract, &FIRST);
    let now = named.epoch();
    named.enter(now + 4);
    assert_eq!(named.0.child.committee().schedule.now.set, set(&NEXT));
    (named, contract)
}

fn feel(named: &mut Named, contract: ContractId, what: &str, how: u64) {
    named.call_with(contract, "feel", vec![Value::string(what), Value::int(how)]);
}

fn failed(events: &[Event]) -> Vec<&'static str> {
    let what = events.iter().filter_map(|event| match event {
        Event::ConsensusFailed { what, .. } => Some(*what),
        _ => None,
    });
    what.collect()
}

fn paid(events: &[Event]) -> Vec<(AccountId, Amount)> {
    let paid = events.iter().filter_map(|event| match event {
        Event::Rewarded { account, amount } => Some((*account, *amount)),
        _ => None,
    });
    paid.collect()
}

fn decree(named: &Named) -> Option<Decree> {
    named.0.child.committee().schedule.now.decree.0
}

#[test]
fn whom_a_contract_elects_leads_and_an_absent_one_costs_one_view() {
    let (mut named, contract) = ruled();
    let epoch = named.epoch();
    let schedule = named.0.child.committee().schedule;
    let ahead = schedule.next.decree.0.clone().unwrap();
    let places: Vec<u32> = ORDER.iter().map(|person| schedule.next.set.place(&key_of(*person)).unwrap()).collect();
    assert_eq!((ahead.from, &ahead.leaders), (Height((epoch + 1) * EPOCH + 1), &places), "known one epoch ahead");
    let decreed = |event: &&Event| matches!(event, Event::EpochDecreed { contract: by, leaders: 4, interval_ms: Some(PACE), .. } if *by == contract);
    let events = named.enter(epoch + 1);
    assert_eq!(events.iter().filter(decreed).count(), 1);
    assert_eq!(decree(&named), Some(ahead));
    let mut leaders = vec![named.0.child.child_header().leader];
    for _ in 1..EPOCH {
        named.0.step(&[]).unwrap();
        leaders.push(named.0.child.child_header().leader);
    }
    assert_eq!(leaders, ORDER.map(key_of), "one block each, in its own order");
    // Who is away costs one view: the next leaders are drawn among the others, each once.
    let (height, epoch) = (named.0.child.height().next().unwrap(), named.0.child.epoch());
    let views: std::collections::BTreeSet<_> = (0..4).map(|view| epoch.leader(height, view)).collect();
    assert_eq!((epoch.leader(height, 0), views.len()), (key_of(ORDER[0]), 4));
    named.0.child.view = 1;
    named.0.step(&[]).unwrap();
    let turns = named.0.child.committee().schedule.turns;
    let missed = turns.iter().find(|turns| turns.key == key_of(ORDER[0])).unwrap().missed;
    assert_eq!(missed, 1);
}

#[test]
fn a_header_of_another_leader_than_the_elected_one_is_refused() {
    let (mut named, _) = ruled();
    named.0.step(&[]).unwrap();
    let Some((Block::Child(block), undo)) = named.0.child.history.last().cloned() else { panic!("a child's block") };
    let mut before = named.0.child.state.clone();
    before.commit(&undo);
    let apply = |person: u8| {
        let mut block = block.clone();
        block.header.leader = key_of(person);
        apply_block(&mut Overlay::new(before.clone()), &named.0.child.params, &Block::Child(block)).map(|_| ())
    };
    let leader = ORDER.into_iter().find(|person| key_of(*person) == block.header.leader).unwrap();
    for person in ORDER {
        let expected = if person == leader { Ok(()) } else { Err(Invalid::Header { field: "leader" }) };
        assert_eq!(apply(person), expected);
    }
}

#[test]
fn the_interval_of_an_epoch_is_what_the_contract_says_of_it() {
    let (mut named, contract) = ruled();
    assert_eq!(named.0.child.epoch().interval_ms(), Some(PACE));
    named.call_with(contract, "set_pace", vec![Value::int(100u64)]);
    let epoch = named.epoch();
    named.enter(epoch + 1);
    assert_eq!(named.0.child.epoch().interval_ms(), Some(PACE), "decided before");
    named.enter(epoch + 2);
    assert_eq!(named.0.child.epoch().interval_ms(), Some(100));
    // It is told how long blocks took: here as long as the parent's.
    let seen = named.call_with(contract, "seen", vec![]);
    let Value::List(seen) = seen else { panic!("a list") };
    assert!(seen.len() as u64 > 4 * EPOCH && seen.iter().all(|millis| *millis == Value::int(3_000u64)));
}

#[test]
fn a_contract_shares_the_fees_of_an_epoch_by_who_made_its_blocks() {
    let (mut named, contract) = ruled();
    let epoch = named.epoch();
    named.enter(epoch + 1);
    let spend = named.0.child.spend(ALICE, account(BOB), coins(1));
    let events = named.0.on_child(ALICE, spend);
    assert!(paid(&events).is_empty());
    named.0.step(&[]).unwrap();
    let owed = named.0.child.committee().kept.0.unwrap().owed.unwrap();
    assert_eq!(sum(owed.iter().map(|owed| owed.amount)), FEE);
    assert_eq!(named.0.child.supply().rewards, FEE, "they wait");
    let before = ORDER.map(|person| named.0.child.balance(person));
    let events = named.enter(epoch + 2);
    let quarter = units(FEE.base() / 4);
    assert_eq!(
        paid(&events),
        set(&NEXT).members().iter().map(|one| (AccountId(one.key.0), quarter)).collect::<Vec<_>>()
    );
    let after = ORDER.map(|person| named.0.child.balance(person));
    assert!(before.iter().zip(after).all(|(before, after)| before.plus(quarter) == Some(after)));
    assert_eq!((named.0.child.supply().rewards, failed(&events).len()), (Amount::ZERO, 0));
    let Value::List(worked) = named.call_with(contract, "worked", vec![]) else { panic!("a list") };
    let row = |item: &Value| item.as_tuple().unwrap().iter().skip(1).cloned().collect::<Vec<_>>();
    assert!(worked.iter().all(|item| row(item) == [Value::int(1u64), Value::int(0u64)]));
}

#[test]
fn what_a_contract_shares_wrongly_goes_where_it_would_have_gone() {
    for how in 1..=6 {
        let (mut named, contract) = ruled();
        feel(&mut named, contract, "reward", how);
        let epoch = named.epoch();
        named.enter(epoch + 1);
        let spend = named.0.child.spend(ALICE, account(BOB), coins(1));
        named.0.on_child(ALICE, spend);
        named.0.child.signers = vec![33, 34, 35];
        let leader = named.0.child.child_header().leader;
        named.0.step(&[]).unwrap();
        let events = named.enter(epoch + 2);
        assert_eq!(failed(&events), ["reward"], "{how}");
        // 6/10 to the leader; 4, 5 and 6 of 15 are those in the seal.
        let part = |person: u8| {
            let sealed = if person == 32 { 0 } else { u128::from(person) - 29 };
            let share = FEE.base() * 4 / 10 * sealed / 15;
            if key_of(person) == leader { FEE.base() - (FEE.base() * 4 / 10 * (15 - sealed) / 15) } else { share }
        };
        for (to, amount) in paid(&events) {
            let person = NEXT.into_iter().find(|person| account(*person) == to).unwrap();
            assert!(amount.base().abs_diff(part(person)) <= 4, "{how}: {person} has {amount}");
        }
        assert_eq!(sum(paid(&events).into_iter().map(|(_, amount)| amount)), FEE);
        assert_eq!(named.0.child.supply().rewards, Amount::ZERO);
        assert_eq!(named.0.child.account_of(AccountId(contract.0)).balance, Amount::ZERO);
    }
}

/// What the engine's leaf says of the epoch that has been decreed last.
fn decreed(named: &Named) -> (usize, Option<u64>) {
    let decree = named.0.child.committee().schedule.next.decree.0;
    decree.map_or((0, None), |decree| (decree.leaders.len(), decree.interval_ms))
}

#[test]
fn no_answer_of_a_consensus_contract_stops_the_ledger() {
    let (mut named, contract) = ruled();
    // 1 aborts, 2 runs for ever, the others answer in ways of no use.
    let rows: [(&str, &[u64], (usize, Option<u64>)); 5] = [
        ("validators", &[1, 2, 3], (4, Some(PACE))),
        ("elect", &[1, 2, 3, 4, 5], (0, Some(PACE))),
        // The interval before stands.
        ("difficulty", &[1, 2, 3, 4, 5], (4, Some(PACE))),
        ("reward", &[1, 2, 4, 6], (4, Some(PACE))),
        // No answer of such a contract counts.
        ("version", &[1], (0, Some(PACE))),
    ];
    for (what, moods, expected) in rows {
        for how in moods {
            feel(&mut named, contract, what, *how);
            let epoch = named.epoch();
            let events = named.enter(epoch + 1);
            let of = |event: &str| failed(&events).iter().filter(|what| **what == event).count();
            assert_eq!(of(what), 1, "{what} {how}: {:?}", failed(&events));
            // Whoever named nobody has elected nobody three epochs later: that is looked at below.
            assert_eq!(decreed(&named), expected, "{what} {how}");
            assert_eq!(named.0.child.committee().schedule.later, set(&NEXT));
            feel(&mut named, contract, what, 0);
            let epoch = named.epoch();
            let events = named.enter(epoch + 4);
            assert!(!failed(&events)[..].contains(&"validators"), "{what} {how}: {:?}", failed(&events));
            let (epoch, events) = (named.epoch(), named.enter(named.epoch() + 1));
            assert_eq!((failed(&events), decreed(&named)), (vec![], (4, Some(PACE))), "{what} {how} at {epoch}");
        }
    }
}

#[test]
fn a_contract_that_only_names_validators_leaves_the_rest_as_it_was() {
    let mut named = Named::new();
    let consensus: Compiled = (include_str!("../contracts/Consensus.cb"), include_str!("../contracts/Consensus.aes"));
    let contract = named.make_of(consensus, vec![names(&NEXT)], true);
    named.install(contract, &FIRST);
    let epoch = named.epoch();
    let events = named.enter(epoch + 3);
    assert_eq!(failed(&events), Vec::<&str>::new());
    let leaf = named.0.child.committee();
    assert_eq!((leaf.kept, leaf.schedule.now.decree, leaf.schedule.next.decree), (Tail(None), Tail(None), Tail(None)));
    assert_eq!(named.naming().faults, Tail(None));
    let spend = named.0.child.spend(ALICE, account(BOB), coins(1));
    named.0.on_child(ALICE, spend);
    assert_eq!(sum(paid(&named.0.step(&[]).unwrap().events).into_iter().map(|(_, amount)| amount)), FEE);
}

#[test]
fn a_proposed_contract_is_asked_everything_without_effect() {
    let (mut named, _) = ruled();
    let other = named.make_of(STEWARD, vec![names(&LATER), Value::int(300u64)], true);
    named.act(NEXT[3], banyan_types::engine::EngineAction::Propose(other));
    let epoch = named.epoch();
    let events = named.enter(epoch + 2);
    // It elects nobody, as what it names was undone; the interval and the payees are what it says.
    let shadow = |event: &&Event| {
        let Event::ShadowDecreed { contract, leaders, interval_ms, payees, .. } = event else { return false };
        (*contract, *leaders, *interval_ms, *payees) == (other, 0, Some(300), 4)
    };
    assert_eq!(events.iter().filter(shadow).count(), 2);
    assert_eq!((failed(&events), decreed(&named)), (vec![], (4, Some(PACE))));
    assert_eq!(named.call_with(other, "worked", vec![]), Value::list(vec![]));
}

#[test]
fn a_contract_of_another_version_never_rules() {
    let mut named = Named::new();
    let contract = named.make_of(STEWARD, vec![names(&ORDER), Value::int(PACE)], true);
    feel(&mut named, contract, "version", 1);
    let events = named.install(contract, &FIRST);
    assert_eq!(failed(&events), ["version"]);
    assert_eq!((named.naming().ruling, named.naming().candidate), (None, None));
}

#[test]
fn a_successor_pays_what_it_has_collected_and_the_old_one_what_it_had() {
    let (mut named, old) = ruled();
    let next = named.make_of(STEWARD, vec![names(&ORDER), Value::int(400u64)], true);
    named.install(next, &NEXT);
    assert_eq!(named.naming().ruling, Some(next));
    let before = named.call_with(next, "before", vec![]);
    assert_eq!(before, Value::some(Value::address(&old.0)));
    let epoch = named.epoch();
    assert_eq!(named.0.child.supply().rewards, Amount::ZERO, "shared by the old one before");
    named.0.grow_to((epoch + 1) * EPOCH);
    let Supply { rewards, fees, .. } = named.0.child.supply();
    let events = named.enter(epoch + 1);
    assert!(rewards > coins(1), "the fee of the question above, and its gas");
    assert_eq!(Some(sum(paid(&events).into_iter().map(|(_, amount)| amount))), rewards.plus(fees));
    assert_eq!(decreed(&named).1, Some(400));
}

fn statement(kind: StatementKind, height: u64, hash: u8) -> Statement {
    Statement { kind, height: Height(height), view: 1, block_hash: Hash([hash; 32]), valid_view: None }
}

fn said(network: &str, person: u8, statement: Statement) -> SignedStatement {
    let key = secret(person);
    let signature = Signature(key.sign(&statement.signing_message(network)));
    SignedStatement { statement, by: PublicKey(key.public()), signature }
}

fn report(child: &Ledger, accused: u8, kind: StatementKind, height: u64) -> Evidence {
    let word = |hash| Bytes(said(&child.params.network_id, accused, statement(kind, height, hash)).encode());
    Evidence {
        from_id: account(BOB),
        staker_id: account(accused),
        statement_a: word(1),
        statement_b: word(2),
        ttl: Height(0),
        fee: FEE,
        nonce: child.nonce(BOB),
    }
}

#[test]
fn a_contract_is_told_of_a_fault_once_and_fines_it() {
    let (mut named, contract) = ruled();
    let liar = ORDER[1];
    named.call_by((liar, coins(7)), contract, "bond", vec![]);
    let height = named.0.child.height().0;
    let tx = report(&named.0.child, liar, StatementKind::Precommit, height);
    let events = named.0.on_child(BOB, tx);
    let epoch = named.epoch();
    let hash = events.iter().find_map(|event| match event {
        Event::FaultProven { key, epoch: of, hash, .. } if (*key, *of) == (key_of(liar), epoch) => Some(*hash),
        _ => None,
    });
    named.0.step(&[]).unwrap();
    let told = |named: &mut Named| {
        let Value::List(faults) = named.call_with(contract, "faults", vec![]) else { panic!("a list") };
        faults.iter().cloned().collect::<Vec<_>>()
    };
    let expected = vec![Value::address(&account(liar).0), Value::int(2u64), Value::bytes(hash.unwrap().0)];
    assert_eq!(told(&mut named), [Value::tuple(expected)]);
    let bond = named.call_with(contract, "bond_of", vec![Value::address(&account(liar).0)]);
    let fined = named.call_with(contract, "fined", vec![]);
    assert_eq!((bond, fined), (Value::int(0u64), Value::int(coins(7).base())));
    // Other statements of the same epoch are the same fault.
    let again = report(&named.0.child, liar, StatementKind::Proposal, height);
    assert_eq!(named.0.asked_child(BOB, again), Rejected::FaultKnown { epoch });
    named.enter(epoch + 1);
    let height = named.0.child.height().0;
    let tx = report(&named.0.child, liar, StatementKind::Proposal, height);
    named.0.on_child(BOB, tx);
    named.0.step(&[]).unwrap();
    assert_eq!(told(&mut named).len(), 2);
}

#[test]
fn a_contract_that_will_not_hear_of_a_fault_is_not_told_again() {
    for how in [1, 2] {
        let (mut named, contract) = ruled();
        feel(&mut named, contract, "penalise", how);
        let epoch = named.epoch();
        named.enter(epoch + 1);
        let height = named.0.child.height().0;
        // A validator each, in one block: one that runs for ever leaves no gas for a second one in the same block.
        for accused in &ORDER[..3] {
            let tx = report(&named.0.child, *accused, StatementKind::Prevote, height);
            named.0.on_child(BOB, tx);
        }
        let mut events = vec![];
        for _ in 0..3 {
            events.extend(named.0.step(&[]).unwrap().events);
        }
        assert!(named.naming().faults.0.unwrap().waiting.is_empty());
        feel(&mut named, contract, "penalise", 0);
        named.0.step(&[]).unwrap();
        assert_eq!(named.call_with(contract, "faults", vec![]), Value::list(vec![]), "{how}");
    }
}

#[test]
fn evidence_against_named_validators_rejects_in_the_written_order() {
    let (named, _) = ruled();
    let child = &named.0.child;
    let (liar, height) = (ORDER[1], child.height().0);
    let good = report(child, liar, StatementKind::Prevote, height);
    let network = child.params.network_id.clone();
    let vote = |height, hash| Bytes(said(&network, liar, statement(StatementKind::Prevote, height, hash)).encode());
    let refused = |change: &dyn Fn(&mut Evidence)| {
        let mut tx = good.clone();
        change(&mut tx);
        named.0.asked_child(BOB, tx)
    };
    let (expected, got) = (account(liar), account(ORDER[0]));
    let next = Height(height + 1);
    let rows: [(Rejected, &dyn Fn(&mut Evidence)); 6] = [
        (Rejected::Accused { expected, got }, &|tx| tx.staker_id = got),
        (Rejected::Change { why: "the accused is no validator" }, &|tx| {
            *tx = report(child, STRANGER, StatementKind::Prevote, height);
        }),
        (Rejected::StatementEarly { height: next, got: Height(height + 2) }, &|tx| {
            (tx.statement_a, tx.statement_b) = (vote(height + 2, 1), vote(height + 2, 2));
        }),
        (Rejected::NoFault, &|tx| tx.statement_b = tx.statement_a.clone()),
        (Rejected::NoFault, &|tx| tx.statement_b = vote(height - 1, 2)),
        (Rejected::NoFault, &|tx| {
            let handover = |hash| Bytes(said(&network, liar, Statement::handover(9, Hash([hash; 32]))).encode());
            (tx.statement_a, tx.statement_b) = (handover(1), handover(2));
        }),
    ];
    for (expected, change) in rows {
        assert_eq!(refused(change), expected);
    }
    let none = Named::new();
    let why = "no contract wants to know of faults";
    let tx = report(&none.0.child, FIRST[0], StatementKind::Prevote, 1);
    assert_eq!(none.0.asked_child(BOB, tx), Rejected::Change { why });
}

#[test]
fn who_has_left_answers_for_a_while() {
    let (mut named, _) = ruled();
    let old = named.0.child.height().0;
    let left = FIRST[0];
    // It served until the epoch before; nobody of the first set is in the running one but two.
    let epoch = named.epoch();
    let height = epoch * EPOCH;
    let tx = report(&named.0.child, NEXT[0], StatementKind::Prevote, height);
    named.0.on_child(BOB, tx);
    let gone = report(&named.0.child, left, StatementKind::Prevote, old.min(height));
    let served = named.naming().faults.0.unwrap().served;
    assert!(served.iter().any(|served| served.key == key_of(left)));
    named.0.on_child(BOB, gone);
    let now = named.epoch();
    named.enter(now + 17);
    let late = report(&named.0.child, left, StatementKind::Prevote, height);
    assert_eq!(named.0.asked_child(BOB, late), Rejected::Change { why: "the accused is no validator" });
    let late = report(&named.0.child, NEXT[0], StatementKind::Prevote, height);
    let now = named.epoch();
    assert_eq!(named.0.asked_child(BOB, late), Rejected::StatementOld { first: now - 14, got: (height - 1) / EPOCH });
}

#[test]
fn an_address_of_the_answer_is_a_key() {
    // What the contract calls an address is the validator's public key, as everywhere in the interface.
    let (mut named, contract) = ruled();
    let Value::List(worked) = named.call_with(contract, "worked", vec![]) else { panic!("a list") };
    let keys: Vec<_> =
        worked.iter().map(|item| item.as_tuple().unwrap()[0].as_object(Kind::Address).unwrap()).collect();
    assert_eq!(keys.len(), 4);
    assert!(keys.iter().all(|key| named.0.child.committee().schedule.now.set.place(&PublicKey(*key)).is_some()));
}

/// A ledger that lives through moods of its contract, spends, faults and absent leaders, drawn from a seed.
fn lived(seed: u64) -> (Hash, usize) {
    let (mut named, contract) = ruled();
    let mut dice = Hash([0; 32]);
    let mut roll = |below: u64| {
        dice = Hash(banyan_crypto::blake2b(&[&dice.0, &seed.to_be_bytes()]));
        u64::from_be_bytes(dice.0[..8].try_into().unwrap()) % below
    };
    let functions = ["version", "validators", "elect", "difficulty", "reward", "penalise"];
    let mut failures = 0;
    for _ in 0..40 {
        let what = functions[usize::try_from(roll(6)).unwrap()];
        // Version 2 is a mood of its own; well is as likely as all others together.
        let how = if roll(2) == 0 { 0 } else { roll(7) };
        feel(&mut named, contract, what, how);
        named.0.child.view = u32::try_from(roll(5).saturating_sub(2)).unwrap();
        let spend = named.0.child.spend(ALICE, account(BOB), units(1));
        failures += failed(&named.0.on_child(ALICE, spend)).len();
        if roll(3) == 0 {
            let accused = NEXT[usize::try_from(roll(4)).unwrap()];
            let height = named.0.child.height().0 - roll(EPOCH);
            let tx = report(&named.0.child, accused, StatementKind::Prevote, height);
            let tx = named.0.child.sign(BOB, tx);
            // It may be known already.
            if named.0.child.admit(&tx).is_ok() {
                failures += failed(&named.0.step(&[tx]).unwrap().events).len();
            }
        }
    }
    (named.0.child.root_hash(), failures)
}

#[test]
fn whatever_a_contract_answers_blocks_go_on_and_no_coin_is_lost() {
    // Each block is made, applied and unwound, and all sums are checked.
    for seed in 0..6 {
        let (root, failures) = lived(seed);
        assert_eq!(lived(seed), (root, failures), "seed {seed}");
        assert!(failures > 3, "seed {seed}: {failures} answers of no use");
    }
}
