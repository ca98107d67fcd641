//! Four validators order a child: coins walk in and out, and who is away comes back.

mod support;

use banyan_ledger::{
    Slashed, Stake,
    engine::committee::{BondRules, Sets},
    key as leaf,
};
use banyan_node::{GenesisFile, Leaves as _};
use banyan_types::{
    Amount, Height, Nonce, PublicKey, Signature,
    committee::{Member, MemberSignature, ValidatorSet},
    engine::{EngineAction, SetChange, set_change_message},
    tx::{Bond, EngineAct, SignedTx, Transaction},
    witness::bond_message,
};
use support::{council::*, *};

fn set(seeds: &[u8]) -> ValidatorSet {
    let member = |seed: &u8| Member { key: PublicKey(key(*seed).public()), weight: 1 };
    ValidatorSet::new(seeds.iter().map(member).collect()).unwrap()
}

/// A change of validators that these members of the running set have signed.
fn set_change(council: &Council, by: &[u8], next: &[u8], nonce: u64) -> SignedTx {
    let schedule = council.committee(0).schedule;
    let (epoch, set) = (schedule.number, set(next));
    let message = set_change_message(&council.network, epoch, &set);
    let sign = |seed: &u8| MemberSignature {
        index: schedule.now.set.place(&PublicKey(key(*seed).public())).unwrap(),
        signature: Signature(key(*seed).sign(&message)),
    };
    let mut signatures: Vec<_> = by.iter().map(sign).collect();
    signatures.sort_by_key(|signature| signature.index);
    let action = EngineAction::SetChange(SetChange { epoch, set, signatures });
    let act = EngineAct { from_id: account(USER), action, ttl: Height(0), fee: coins(1), nonce: Nonce(nonce) };
    Transaction::from(act).sign(&council.network, &key(USER))
}

#[test]
fn coins_walk_through_a_ledger_that_four_validators_order() {
    let mut council = Council::new(Engine::Committee);
    council.run(1_000);
    council.submit_root(commit(council.child_id, USER, coins(100), 1));
    council.run(12_000);
    assert_eq!([0, 1, 2, 3].map(|n| council.balance(n, USER)), [coins(100); 4]);
    let network = council.network.clone();
    council.submit(2, spend(&network, USER, FRIEND, coins(30), 1)).unwrap();
    council.run(1_000);
    assert_eq!([0, 1, 2, 3].map(|n| council.balance(n, FRIEND)), [coins(30); 4], "given to one, ordered by all");
    council.submit(3, withdraw(&network, FRIEND, coins(10), 1)).unwrap();
    council.run(20_000);
    let head = council.root.chain().head().unwrap();
    assert_eq!(head.view.account(account(FRIEND)).unwrap().unwrap().balance, coins(10));
    let escrow = head.view.escrow(council.child_id).unwrap();
    assert_eq!((escrow.committed, escrow.remitted, escrow.waiting), (coins(100), coins(10), Amount::ZERO));
    assert!(council.agree() && council.height(0).0 >= 8, "{}", council.height(0));
    (0..4).for_each(|n| totals_hold(council.node(n)));
    assert_eq!(council.alarms, []);
}

#[test]
fn one_of_four_may_be_away_and_two_may_not() {
    let mut council = Council::new(Engine::Committee);
    council.run(1_000);
    council.submit_root(commit(council.child_id, USER, coins(100), 1));
    council.run(12_000);
    council.kill(1);
    let network = council.network.clone();
    for nonce in 1..=10 {
        council.submit(0, spend(&network, USER, FRIEND, coins(1), nonce)).unwrap();
        council.run(2_000);
    }
    assert_eq!(council.balance(3, FRIEND), coins(10), "three of four go on, whoever leads");
    council.kill(2);
    let before = council.height(0);
    council.submit(0, spend(&network, USER, FRIEND, coins(1), 11)).unwrap();
    council.run(20_000);
    assert_eq!(council.height(0), before, "two of four order nothing");
    assert!(council.alarms.iter().any(|(n, alarm)| *n == 0 && alarm.contains("no quorum")), "{:?}", council.alarms);
    assert!(council.node(0).finality().read().unwrap().is_degraded);
    council.start(2);
    council.run(10_000);
    assert_eq!([0, 2, 3].map(|n| council.balance(n, FRIEND)), [coins(11); 3]);
    assert!(!council.node(0).finality().read().unwrap().is_degraded);
    council.start(1);
    council.run(10_000);
    assert!(council.agree());
    assert_eq!(council.balance(1, FRIEND), coins(11), "who comes back has all of it");
}

#[test]
fn an_empty_validator_catches_up_with_what_the_parent_has_forgotten() {
    catch_up(None);
}

#[test]
fn whoever_forges_bodies_and_inbox_entries_keeps_nobody_from_catching_up() {
    catch_up(Some(0));
}

fn catch_up(liar: Option<usize>) {
    let mut council = Council::new(Engine::Committee);
    council.run(1_000);
    council.kill(3);
    council.wipe(3);
    let network = council.network.clone();
    for nonce in 1..=10 {
        council.submit_root(commit(council.child_id, USER, coins(10), nonce));
        council.run(9_000);
    }
    for nonce in 1..=10 {
        council.submit(0, withdraw(&network, USER, coins(1), nonce)).unwrap();
        council.run(18_000);
    }
    let head = council.root.chain().head().unwrap();
    let point = head.view.associate(council.child_id).unwrap().unwrap();
    assert!(point.inbox_acked >= 10, "the parent has let the entries go");
    assert!(head.header.height().0 > 80, "and the states of their heights: {}", head.header.height());
    council.liar = liar;
    council.start(3);
    council.run(30_000);
    assert_eq!(council.balance(3, USER), council.balance(0, USER));
    assert!(council.agree() && council.height(3) >= point.point.child_to);
    // And takes part again: with another one away it is needed.
    council.kill(0);
    council.submit(3, spend(&network, USER, FRIEND, coins(1), 11)).unwrap();
    council.run(20_000);
    assert_eq!(council.balance(1, FRIEND), coins(1));
}

#[test]
fn a_crash_of_all_loses_nothing_that_was_promised() {
    let mut council = Council::new(Engine::Committee);
    council.run(1_000);
    council.submit_root(commit(council.child_id, USER, coins(100), 1));
    council.run(12_000);
    let network = council.network.clone();
    let mut told = 0;
    for round in 0..12_u64 {
        for n in 0..4 {
            told += 1;
            let paid = spend(&network, USER, FRIEND, coins(1), told);
            council.submit(n, paid).unwrap();
            council.run(30 + 37 * round);
        }
        let before = council.head(0);
        (0..4).for_each(|n| council.kill(n));
        (0..4).for_each(|n| council.start(n));
        assert!(council.node(0).chain().header(before).unwrap().is_some(), "what was final is final");
    }
    council.run(10_000);
    assert_eq!([0, 1, 2, 3].map(|n| council.balance(n, FRIEND)), [coins(told); 4]);
    assert!(council.agree());
}

#[test]
fn what_no_block_takes_makes_no_blocks() {
    let mut council = Council::new(Engine::Committee);
    council.run(1_000);
    council.submit_root(commit(council.child_id, USER, coins(100), 1));
    council.run(12_000);
    let network = council.network.clone();
    // Its number leaves a gap: it waits for another.
    council.submit(1, spend(&network, USER, FRIEND, coins(2), 2)).unwrap();
    council.run(1_000);
    let before = [council.height(0).0, council.root.chain().head().unwrap().header.height().0];
    council.run(9_000);
    let after = [council.height(0).0, council.root.chain().head().unwrap().header.height().0];
    assert!(
        after[0] - before[0] <= after[1] - before[1] + 1,
        "more than one for each parent block: {before:?} {after:?}"
    );
    council.submit(2, spend(&network, USER, FRIEND, coins(1), 1)).unwrap();
    council.run(1_000);
    assert_eq!(council.balance(3, FRIEND), coins(3), "both go as soon as they may");
    let (height, sent) = (council.height(0).0, council.now);
    council.submit(0, spend(&network, USER, FRIEND, coins(1), 3)).unwrap();
    council.run(1_000);
    let parents = (council.now.0 - sent.0).div_ceil(3_000);
    assert!(council.height(0).0 - height <= 1 + parents, "one payment makes one block");
}

#[test]
fn one_validator_leaves_another_joins_and_remits_go_on() {
    const OLD: [u8; 4] = VALIDATORS;
    const NEW: [u8; 4] = [42, 43, 44, 45];
    let mut council =
        Council::with(Engine::Committee, &[41, 42, 43, 44, 45], |child| child.with_epochs(6, Sets::Permissioned));
    council.run(1_000);
    council.submit_root(commit(council.child_id, USER, coins(100), 1));
    council.run(12_000);
    // The words bind in the epoch that they name.
    while !(1..=3).contains(&(council.height(0).0 % 6)) {
        council.run(1_000);
    }
    let change = set_change(&council, &[41, 42, 43], &NEW, 1);
    council.submit(1, change).unwrap();
    council.run(2_000);
    let epoch = council.committee(0).schedule.number;
    assert_eq!(council.committee(0).named, Some(set(&NEW)));
    assert_eq!(council.committee(4).named, Some(set(&NEW)), "also where nobody votes");
    // Announced by the next epoch, handed over in it, in force in the one after.
    let before = council.network.clone();
    council.submit(2, withdraw(&before, USER, coins(10), 2)).unwrap();
    while council.committee(0).schedule.number < epoch + 2 {
        council.run(1_000);
    }
    assert_eq!((council.known().set, council.known().epoch), (set(&NEW), 1), "the parent was told in time");
    let edge = council.height(0).0;
    council.submit(3, withdraw(&before, USER, coins(10), 3)).unwrap();
    council.run(40_000);
    let escrow = council.root.chain().head().unwrap().view.escrow(council.child_id).unwrap();
    assert_eq!((escrow.committed, escrow.remitted), (coins(100), coins(20)), "the new set's word is taken");
    assert_eq!(council.known().previous, None);
    let (first, last) = (council.header(0, edge - 6), council.header(0, council.height(0).0));
    assert_eq!((first.set_hash, last.set_hash), (set(&OLD).hash(), set(&NEW).hash()));
    let leaders = (edge..council.height(0).0).map(|height| council.header(0, height).leader);
    let leaders: std::collections::BTreeSet<_> = leaders.collect();
    assert!(!leaders.contains(&PublicKey(key(41).public())) && leaders.contains(&PublicKey(key(45).public())));
    assert_eq!(council.height(0), council.height(4), "who has left follows");
    // Three of the new four go on without one of them; the one that left is not needed.
    council.kill(0);
    council.kill(2);
    council.submit(4, spend(&before, USER, FRIEND, coins(1), 4)).unwrap();
    council.run(10_000);
    assert_eq!(council.balance(4, FRIEND), coins(1));
    council.start(0);
    council.start(2);
    council.run(10_000);
    assert!(council.agree());
    (0..5).for_each(|n| totals_hold(council.node(n)));
    assert_eq!(council.alarms, []);
}

/// A bond of this validator's key, by an account that holds coins on the child.
fn bond(council: &Council, staker: u8, validator: u8, amount: Amount) -> SignedTx {
    let (from_id, validator) = (account(staker), key(validator));
    let message = bond_message(council.committee(0).chain, from_id);
    let proof = Signature(validator.sign(&message));
    let validator = PublicKey(validator.public());
    let bond = Bond { from_id, amount, key: validator, proof, ttl: Height(0), fee: coins(1), nonce: Nonce(1) };
    Transaction::from(bond).sign(&council.network, &key(staker))
}

/// Accounts that bond, and the keys that serve for them.
const STAKERS: [(u8, u8); 4] = [(51, 42), (52, 43), (53, 44), (54, 45)];

/// Nodes with these keys, where those who bond have begun to order, and the nodes' payer has coins too.
fn staked(keys: &[u8]) -> Council {
    let bonds = BondRules { stake_min: coins(10), validators_min: 4, unbond_epochs: 14, renew_epochs: None };
    let with_stake = |child: GenesisFile| child.with_epochs(4, Sets::Stake(bonds));
    let mut council = Council::with(Engine::Committee, keys, with_stake);
    council.run(1_000);
    let receivers = STAKERS.map(|(staker, _)| staker).into_iter().chain([USER, FRIEND, OPERATORS[0]]);
    for (nonce, to) in (1..).zip(receivers) {
        council.submit_root(commit_to(council.child_id, USER, to, coins(100), nonce));
    }
    council.run(12_000);
    for (staker, validator) in STAKERS {
        council.submit(0, bond(&council, staker, validator, coins(50))).unwrap();
    }
    council.run(2_000);
    let bonded = council.committee(0).schedule.number;
    run_to_epoch(&mut council, bonded + 4);
    council
}

#[test]
fn who_bonds_orders_and_the_parent_follows() {
    let mut council = staked(&[41, 42, 43, 44, 45]);
    let of_stake = |set: &ValidatorSet| set.members().iter().all(|member| member.key != PublicKey(key(41).public()));
    assert!(of_stake(&council.committee(4).schedule.now.set));
    assert!(of_stake(&council.known().set), "the parent was told");
    let network = council.network.clone();
    council.submit(0, withdraw(&network, 51, coins(10), 2)).unwrap();
    council.run(30_000);
    let escrow = council.root.chain().head().unwrap().view.escrow(council.child_id).unwrap();
    assert_eq!((escrow.committed, escrow.remitted), (coins(700), coins(10)));
    assert!(council.agree());
    (0..5).for_each(|n| totals_hold(council.node(n)));
    assert_eq!(council.alarms, []);
}

#[test]
fn a_key_that_two_nodes_use_is_reported_by_those_who_see_both_and_loses_half_its_stake() {
    let mut council = staked(&[42, 43, 44, 45, 45]);
    let (network, twin) = (council.network.clone(), PublicKey(key(45).public()));
    let stake = |council: &Council| {
        let head = council.node(0).chain().head().unwrap();
        head.view.leaf(&leaf::stake(account(54)), Stake::decode).unwrap().unwrap()
    };
    assert_eq!(stake(&council).bonded, coins(50));
    for nonce in 1..=20 {
        // Both are given something else to put into the block that the key is to propose.
        let leads = |council: &Council| {
            let (schedule, next) = (council.committee(0).schedule, council.height(0).next().unwrap());
            next.0 % 4 != 1 && schedule.epoch().leader(next, 0) == twin
        };
        while !leads(&council) {
            council.run(100);
        }
        council.submit(3, spend(&network, USER, 51, coins(1), nonce)).unwrap();
        council.submit(4, spend(&network, FRIEND, 51, coins(1), nonce)).unwrap();
        council.run(3_000);
        if stake(&council).slashed == Slashed::Whole {
            break;
        }
    }
    assert_eq!((stake(&council).bonded, stake(&council).slashed), (coins(25), Slashed::Whole));
    let now = council.committee(0).schedule.number;
    run_to_epoch(&mut council, now + 4);
    totals_hold(council.node(0));
}

/// Five nodes with an epoch of six blocks, and a hundred coins of a user; in an epoch in which words of the set still bind.
fn changing() -> Council {
    let mut council =
        Council::with(Engine::Committee, &[41, 42, 43, 44, 45], |child| child.with_epochs(6, Sets::Permissioned));
    council.run(1_000);
    council.submit_root(commit(council.child_id, USER, coins(100), 1));
    council.run(12_000);
    settle(&mut council);
    council
}

fn settle(council: &mut Council) {
    while !(1..=3).contains(&(council.height(0).0 % 6)) {
        council.run(1_000);
    }
}

fn run_to_epoch(council: &mut Council, epoch: u64) {
    while council.committee(0).schedule.number < epoch {
        council.run(1_000);
    }
}

#[test]
fn crashes_around_an_edge_lose_neither_the_set_nor_the_handover() {
    let mut council = changing();
    let change = set_change(&council, &[41, 42, 43], &[42, 43, 44, 45], 1);
    council.submit(1, change).unwrap();
    let epoch = council.committee(0).schedule.number;
    let mut crashes = 0;
    while council.committee(0).schedule.number < epoch + 2 {
        council.run(2_730);
        (0..5).for_each(|n| council.kill(n));
        (0..5).for_each(|n| council.start(n));
        crashes += 1;
    }
    assert!(crashes > 5);
    let network = council.network.clone();
    council.submit(3, withdraw(&network, USER, coins(10), 2)).unwrap();
    council.run(50_000);
    let escrow = council.root.chain().head().unwrap().view.escrow(council.child_id).unwrap();
    assert_eq!(escrow.remitted, coins(10));
    assert_eq!((council.known().set, council.known().epoch), (set(&[42, 43, 44, 45]), 1));
    // Who lost all of it follows from the first block on, across the edge.
    council.kill(1);
    council.wipe(1);
    council.start(1);
    council.run(20_000);
    assert!(council.agree() && council.height(1).0 + 2 >= council.height(0).0);
    assert_eq!(council.alarms, []);
}

#[test]
fn a_parent_that_missed_two_changes_is_led_through_both() {
    let mut council = changing();
    council.is_mute = true;
    let change = set_change(&council, &[41, 42, 43], &[42, 43, 44, 45], 1);
    council.submit(1, change).unwrap();
    let epoch = council.committee(0).schedule.number;
    run_to_epoch(&mut council, epoch + 2);
    settle(&mut council);
    let change = set_change(&council, &[43, 44, 45], &[41, 43, 44, 45], 2);
    council.submit(1, change).unwrap();
    let epoch = council.committee(0).schedule.number;
    run_to_epoch(&mut council, epoch + 2);
    let network = council.network.clone();
    council.submit(3, withdraw(&network, USER, coins(10), 3)).unwrap();
    council.run(10_000);
    assert_eq!(council.known().epoch, 0, "nothing has reached the parent");
    council.is_mute = false;
    council.run(150_000);
    assert_eq!((council.known().set, council.known().epoch), (set(&[41, 43, 44, 45]), 2));
    let escrow = council.root.chain().head().unwrap().view.escrow(council.child_id).unwrap();
    assert_eq!((escrow.remitted, council.known().previous), (coins(10), None));
    assert_eq!(council.alarms, []);
}

#[test]
fn who_comes_back_and_knows_nobody_of_the_running_set_catches_up() {
    const NEW: [u8; 4] = [45, 46, 47, 48];
    let keys = [41, 42, 43, 44, 45, 46, 47, 48];
    let mut council = Council::with(Engine::Committee, &keys, |child| child.with_epochs(6, Sets::Permissioned));
    council.run(1_000);
    council.submit_root(commit(council.child_id, USER, coins(100), 1));
    council.run(12_000);
    settle(&mut council);
    council.kill(3);
    let change = set_change(&council, &[41, 42, 43], &NEW, 1);
    council.submit(1, change).unwrap();
    let epoch = council.committee(0).schedule.number;
    run_to_epoch(&mut council, epoch + 2);
    council.run(10_000);
    // Those who have left go, and nobody whom the node knows is there any more.
    (0..3).for_each(|n| council.kill(n));
    council.start(3);
    council.run(20_000);
    assert!(council.agree() && council.height(3).0 + 2 >= council.height(4).0, "{}", council.height(3));
    let network = council.network.clone();
    council.submit(3, spend(&network, USER, FRIEND, coins(1), 2)).unwrap();
    council.run(5_000);
    assert_eq!(council.balance(7, FRIEND), coins(1), "and what it is given is ordered");
}
