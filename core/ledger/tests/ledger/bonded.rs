//! A child whose validators are those who bond: epochs, absence, contradiction.

use banyan_ledger::{
    Event, Offence, Rejected, Slashed,
    engine::committee::{BondRules, Sets},
};
use banyan_types::{
    Amount, Bytes, Hash, Height, PublicKey, Signature,
    committee::{SignedStatement, Statement, StatementKind, ValidatorSet},
    engine::EngineAction,
    tx::{Bond, Evidence},
    witness::bond_message,
};

use crate::{
    committee::{EPOCH, FIRST, rules, set},
    stakers::{vote_key, voter},
    support::*,
};

/// Who bonds: 100, 101, 102, 103 and 104 coins.
const STAKERS: [u8; 5] = [40, 41, 42, 43, 44];
const UNBOND_EPOCHS: u32 = 3;

const fn bonds() -> BondRules {
    let stake_min = Amount::new(50_000_000_000_000_000_000).unwrap();
    BondRules { stake_min, validators_min: 4, unbond_epochs: UNBOND_EPOCHS, renew_epochs: None }
}

fn bond_of(person: u8) -> Amount {
    coins(u64::from(person) + 60)
}

/// Who of those who bond is in a set.
fn people_of(set: &ValidatorSet) -> Vec<u8> {
    STAKERS.into_iter().filter(|person| set.place(&vote_key(*person)).is_some()).collect()
}

impl Ledger {
    fn child_bond(&self, person: u8, amount: Amount) -> Bond {
        let key = voter(person);
        Bond {
            from_id: account(person),
            amount,
            key: PublicKey(key.public()),
            proof: Signature(key.sign(&bond_message(self.committee().chain, account(person)))),
            ttl: Height(0),
            fee: FEE,
            nonce: self.nonce(person),
        }
    }
}

/// A child of the first validators, and five who hold 200 coins each.
fn open() -> Pair {
    let mut pair = Pair::of_committee(rules(Sets::Stake(bonds())));
    for person in STAKERS {
        pair.commit(ALICE, person, coins(200));
    }
    pair.step(&[]).unwrap();
    pair
}

/// The same, where the five have bonded in epoch 0 and rule since epoch 4.
fn ruled() -> Pair {
    let mut pair = open();
    let bonds: Vec<_> = STAKERS
        .iter()
        .map(|person| pair.child.sign(*person, pair.child.child_bond(*person, bond_of(*person))))
        .collect();
    pair.step(&bonds).unwrap();
    pair.enter(4);
    pair
}

fn statement(kind: StatementKind, height: u64, hash: u8) -> Statement {
    Statement { kind, height: Height(height), view: 1, block_hash: Hash([hash; 32]), valid_view: None }
}

fn said(network: &str, person: u8, statement: Statement) -> SignedStatement {
    let key = voter(person);
    let signature = Signature(key.sign(&statement.signing_message(network)));
    SignedStatement { statement, by: PublicKey(key.public()), signature }
}

/// Two proposals of one height and view.
fn report(child: &Ledger, by: u8, accused: u8, kind: StatementKind, height: u64) -> Evidence {
    let word = |hash| Bytes(said(&child.params.network_id, accused, statement(kind, height, hash)).encode());
    Evidence {
        from_id: account(by),
        staker_id: account(accused),
        statement_a: word(1),
        statement_b: word(2),
        ttl: Height(0),
        fee: FEE,
        nonce: child.nonce(by),
    }
}

#[test]
fn stakes_that_were_read_when_an_epoch_ended_rule_three_epochs_later() {
    let mut pair = open();
    for person in STAKERS {
        let bond = pair.child.child_bond(person, bond_of(person));
        pair.on_child(person, bond);
        assert_eq!(pair.child.stake(person).unwrap().bonded, bond_of(person));
    }
    let bonded_in = pair.child.committee().schedule.number;
    assert!((1..3).contains(&bonded_in));
    pair.enter(bonded_in + 1);
    let leaf = pair.child.committee();
    assert_eq!(people_of(&leaf.schedule.later), STAKERS);
    assert_eq!((leaf.schedule.now.set, leaf.schedule.next.set), (set(&FIRST), set(&FIRST)));
    pair.enter(bonded_in + 3);
    let rule = pair.child.committee().schedule.now.set;
    assert_eq!(people_of(&rule), STAKERS);
    let weights: Vec<_> = STAKERS.iter().map(|person| rule.weight_of(&vote_key(*person))).collect();
    assert!(weights.is_sorted_by(|a, b| a < b), "more stake weighs more: {weights:?}");
}

#[test]
fn the_first_validators_serve_while_too_few_have_bonded() {
    let mut pair = open();
    for person in &STAKERS[..3] {
        let bond = pair.child.child_bond(*person, bond_of(*person));
        pair.on_child(*person, bond);
    }
    let events = pair.enter(6);
    assert_eq!(pair.child.committee().schedule.now.set, set(&FIRST));
    assert!(events.iter().any(|event| matches!(event, Event::EpochTurned { repeated: true, .. })));
    // Who is one of too few may leave.
    let unbond = pair.child.unbond(STAKERS[0], bond_of(STAKERS[0]));
    pair.on_child(STAKERS[0], unbond);
}

#[test]
fn the_schedule_is_known_one_epoch_ahead_and_not_two() {
    let pair = ruled();
    // Two futures: in one the parent goes on, in the other it stands still.
    let (mut one, mut other) = (pair.clone(), pair);
    one.enter(5);
    while other.child.height() <= Height(5 * EPOCH) {
        other.child.child_block(&other.root, &[]).unwrap();
    }
    let (a, b) = (one.child.committee().schedule, other.child.committee().schedule);
    assert_eq!((&a.now, &a.next.set, &a.later), (&b.now, &b.next.set, &b.later));
    assert_ne!(a.next.seed, b.next.seed, "two ahead of epoch 4, its seed was not known in it");
    // One ahead it is: what is next now runs then.
    one.enter(6);
    assert_eq!(one.child.committee().schedule.now, a.next);
}

#[test]
fn an_absent_validator_is_jailed_not_slashed() {
    let mut pair = ruled();
    let absent = STAKERS[0];
    let events = pair.enter(5);
    assert!(!events.iter().any(|event| matches!(event, Event::Jailed { .. })));
    // All turns of one are missed, until an epoch in which it had one is over.
    let mut jailed = None;
    while jailed.is_none() {
        let (height, epoch) = (pair.child.height().next().unwrap(), pair.child.epoch());
        pair.child.view = (0..5).find(|view| epoch.leader(height, *view) != vote_key(absent)).unwrap();
        let events = pair.step(&[]).unwrap().events;
        jailed = events.contains(&Event::Jailed { key: vote_key(absent) }).then_some(epoch.number);
        assert!(epoch.number < 40, "in 35 epochs it had no turn");
    }
    pair.child.view = 0;
    let jailed = jailed.unwrap();
    let without = |set: &ValidatorSet| set.members().len() == 4 && set.place(&vote_key(absent)).is_none();
    assert!(without(&pair.child.committee().schedule.later));
    assert_eq!(pair.child.stake(absent).unwrap().bonded, bond_of(absent), "nothing is taken");
    pair.enter(jailed + 2);
    assert!(without(&pair.child.committee().schedule.now.set));
    assert_eq!(
        pair.asked_child(STAKERS[1], pair.child.act(STAKERS[1], EngineAction::Unjail)),
        Rejected::NotJailed { staker: account(STAKERS[1]) }
    );
    let tx = pair.child.act(absent, EngineAction::Unjail);
    assert!(pair.on_child(absent, tx).contains(&Event::Unjailed { key: vote_key(absent) }));
    let now = pair.child.committee().schedule.number;
    pair.enter(now + 3);
    assert_eq!(people_of(&pair.child.committee().schedule.now.set), STAKERS);
}

#[test]
fn an_equivocator_is_slashed_by_anyone() {
    let mut pair = ruled();
    let (liar, height) = (STAKERS[4], pair.child.height().0);
    // A part of it is on its way back and answers too.
    let unbond = pair.child.unbond(liar, coins(20));
    pair.on_child(liar, unbond);
    let (before, pool) = (pair.child.balance(BOB), pair.child.supply().pool);
    let tx = report(&pair.child, BOB, liar, StatementKind::Proposal, height);
    let events = pair.on_child(BOB, tx);
    let lost = units(bond_of(liar).base() / 2);
    let reward = units(lost.base() / 10);
    let (staker, reporter) = (account(liar), account(BOB));
    let slashed = Event::Slashed { staker, offence: Offence::Double, amount: lost, reporter, reward };
    assert!(events.contains(&slashed));
    assert_eq!(pair.child.balance(BOB), before.minus(FEE).and_then(|left| left.plus(reward)).unwrap());
    assert_eq!(pair.child.supply().pool, pool.plus(lost.minus(reward).unwrap()).unwrap());
    let held = pair.child.stake(liar).unwrap();
    assert_eq!((held.at_stake(), held.slashed), (bond_of(liar).minus(lost), Slashed::Whole));
    let now = pair.child.committee().schedule.number;
    pair.enter(now + 3);
    assert_eq!(people_of(&pair.child.committee().schedule.now.set), STAKERS[..4]);
    // Its key is removed for ever; what is left may go.
    let bond = pair.child.child_bond(liar, coins(1));
    assert_eq!(pair.asked_child(liar, bond), Rejected::Slashed { staker });
    let unbond = pair.child.unbond(liar, held.bonded);
    pair.on_child(liar, unbond);
}

#[test]
fn evidence_on_a_child_rejects_in_the_written_order() {
    let mut pair = ruled();
    let (liar, height) = (STAKERS[4], pair.child.height().0);
    let good = report(&pair.child, BOB, liar, StatementKind::Prevote, height);
    let network = pair.child.params.network_id.clone();
    let vote = |height, hash| Bytes(said(&network, liar, statement(StatementKind::Prevote, height, hash)).encode());
    let foreign = |hash| Bytes(said("other", liar, statement(StatementKind::Prevote, height, hash)).encode());
    let refused = |change: &dyn Fn(&mut Evidence)| {
        let mut tx = good.clone();
        change(&mut tx);
        pair.asked_child(BOB, tx)
    };
    let (expected, other) = (account(liar), account(STAKERS[0]));
    let nobody = account(STRANGER);
    let rows: [(Rejected, &dyn Fn(&mut Evidence)); 7] = [
        (Rejected::NoStake { staker: nobody }, &|tx| tx.staker_id = nobody),
        (Rejected::Accused { expected, got: other }, &|tx| tx.staker_id = other),
        (Rejected::StatementOld { first: 1, got: 0 }, &|tx| {
            (tx.statement_a, tx.statement_b) = (vote(1, 1), vote(1, 2));
        }),
        (Rejected::NoFault, &|tx| tx.statement_b = tx.statement_a.clone()),
        (Rejected::NoFault, &|tx| tx.statement_b = vote(height + 1, 2)),
        (Rejected::NoFault, &|tx| (tx.statement_a, tx.statement_b) = (foreign(1), foreign(2))),
        (Rejected::NoFault, &|tx| {
            let handover = |hash| Bytes(said(&network, liar, Statement::handover(9, Hash([hash; 32]))).encode());
            // Epochs of the parent are not heights: the parent judges them.
            (tx.statement_a, tx.statement_b) = (handover(1), handover(2));
        }),
    ];
    for (expected, change) in rows {
        assert_eq!(refused(change), expected);
    }
    assert_eq!(refused(&|tx| tx.statement_a = Bytes(vec![1])).code(), "malformed");
    pair.on_child(BOB, good.clone());
    let again = report(&pair.child, BOB, liar, StatementKind::Prevote, height);
    assert_eq!(pair.asked_child(BOB, again), Rejected::Slashed { staker: expected });
}

#[test]
fn stake_answers_for_the_epochs_that_it_served_and_some_more() {
    let mut pair = ruled();
    let person = STAKERS[0];
    let epoch = pair.child.committee().schedule.number;
    let unbond = pair.child.unbond(person, bond_of(person));
    let events = pair.on_child(person, unbond);
    // The snapshot of this epoch is not taken yet: the last one that it may serve is two ahead.
    let release = Height((epoch + 2 + u64::from(UNBOND_EPOCHS) + 1) * EPOCH);
    assert!(events.contains(&Event::Unbonded { staker: account(person), amount: bond_of(person), release }));
    let released = Event::Released { staker: account(person), amount: bond_of(person) };
    assert!(!pair.grow_to(release.0 - 1).contains(&released));
    assert!(pair.step(&[]).unwrap().events.contains(&released));
    // Four are left, and no more may leave.
    let another = STAKERS[1];
    let unbond = pair.child.unbond(another, bond_of(another));
    assert_eq!(pair.asked_child(another, unbond), Rejected::WitnessesTooFew { min: 4, left: 3 });
}

#[test]
fn who_does_not_renew_is_in_no_further_set_until_it_does() {
    let mut pair = Pair::of_committee(rules(Sets::Stake(BondRules { renew_epochs: Some(4), ..bonds() })));
    for person in STAKERS {
        pair.commit(ALICE, person, coins(200));
    }
    pair.step(&[]).unwrap();
    let bonds: Vec<_> = STAKERS
        .iter()
        .map(|person| pair.child.sign(*person, pair.child.child_bond(*person, bond_of(*person))))
        .collect();
    pair.step(&bonds).unwrap();
    let bonded = pair.child.committee().schedule.number;
    for person in &STAKERS[1..] {
        pair.enter(bonded + 1);
        let renew = pair.child.renew(*person);
        pair.on_child(*person, renew);
    }
    let renewed = pair.child.committee().schedule.number;
    // The last set that an unrenewed stake may be in is that of four epochs later.
    pair.enter(bonded + 4);
    assert_eq!(people_of(&pair.child.committee().schedule.now.set), STAKERS);
    pair.enter(bonded + 5);
    assert_eq!(people_of(&pair.child.committee().schedule.now.set), STAKERS[1..]);
    assert!(renewed <= bonded + 2);
    let renew = pair.child.renew(STAKERS[0]);
    pair.on_child(STAKERS[0], renew);
    let others: Vec<_> =
        STAKERS[1..].iter().map(|person| pair.child.sign(*person, pair.child.renew(*person))).collect();
    pair.step(&others).unwrap();
    let now = pair.child.committee().schedule.number;
    pair.enter(now + 3);
    assert_eq!(people_of(&pair.child.committee().schedule.now.set), STAKERS);
}

#[test]
fn rewards_go_to_whom_the_stake_belongs() {
    let mut pair = ruled();
    let spend = pair.child.sign(ALICE, pair.child.spend(ALICE, account(BOB), coins(1)));
    pair.step(&[spend]).unwrap();
    let events = pair.step(&[]).unwrap().events;
    let rewards = events.iter().filter_map(|event| match event {
        Event::Rewarded { account, amount } => Some((*account, *amount)),
        _ => None,
    });
    let rewards: Vec<_> = rewards.collect();
    assert_eq!((rewards.len(), sum(rewards.iter().map(|(_, amount)| *amount))), (5, FEE));
    assert!(rewards.iter().all(|(to, _)| STAKERS.iter().any(|person| account(*person) == *to)));
}

#[test]
fn nobody_bonds_where_validators_are_named() {
    let pair = Pair::of_committee(rules(Sets::Permissioned));
    let bond = pair.child.child_bond(ALICE, coins(100));
    assert_eq!(pair.asked_child(ALICE, bond), Rejected::NotHere { kind: "BondTx" });
}

#[test]
fn bonds_leave_with_no_summary_and_no_coin_is_made() {
    let mut pair = ruled();
    let held = pair.held();
    pair.step(&[]).unwrap();
    let supply = pair.child.supply();
    assert_eq!(supply.bonds, sum(STAKERS.map(bond_of)));
    assert_eq!(supply.minted.plus(supply.pool), Some(held), "all that went down is here");
}
