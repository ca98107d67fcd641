//! Four validators order a child by turns: coins walk in and out, a partition forks and heals, who is away comes back.

mod support;

use banyan_node::Leaves as _;
use banyan_types::Amount;
use support::{council::*, *};

/// A council that has credited the user 100 coins.
fn funded(threshold: u32) -> (Council, String) {
    let mut council = Council::new(Engine::Rotation(threshold));
    council.run(1_000);
    council.submit_root(commit(council.child_id, USER, coins(100), 1));
    council.run(12_000);
    let network = council.network.clone();
    (council, network)
}

#[test]
fn coins_walk_through_a_ledger_that_four_validators_order_by_turns() {
    for threshold in [1, 3] {
        let (mut council, network) = funded(threshold);
        assert_eq!([0, 1, 2, 3].map(|n| council.balance(n, USER)), [coins(100); 4], "threshold {threshold}");
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
}

#[test]
fn an_idle_ledger_makes_two_blocks_for_each_parent_block_and_no_more() {
    for threshold in [1, 3] {
        let (mut council, _) = funded(threshold);
        let before = [council.height(0).0, council.root.chain().head().unwrap().header.height().0];
        council.run(30_000);
        let after = [council.height(0).0, council.root.chain().head().unwrap().header.height().0];
        let parents = after[1] - before[1];
        let blocks = after[0] - before[0];
        assert!((parents - 1..=2 * parents + 2).contains(&blocks), "{before:?} {after:?}");
        assert!(council.last_final(0).0 + 1 >= council.height(0).0, "what the parent said last is final");
    }
}

#[test]
fn a_dead_leader_costs_turns_and_no_more() {
    for threshold in [1, 3] {
        let (mut council, network) = funded(threshold);
        council.kill(1);
        for nonce in 1..=10 {
            council.submit(0, spend(&network, USER, FRIEND, coins(1), nonce)).unwrap();
            council.run(2_000);
        }
        assert_eq!(council.balance(3, FRIEND), coins(10), "three of four go on, whoever leads");
        council.start(1);
        council.run(10_000);
        assert!(council.agree());
        assert_eq!(council.balance(1, FRIEND), coins(10), "who comes back has all of it");
    }
}

#[test]
fn two_dead_stop_what_needs_three_and_not_what_needs_one() {
    let (mut council, network) = funded(1);
    council.kill(1);
    council.kill(2);
    let last_final = council.last_final(0);
    council.submit(0, spend(&network, USER, FRIEND, coins(1), 1)).unwrap();
    council.run(8_000);
    assert_eq!(council.balance(3, FRIEND), coins(1), "one commitment confirms");
    assert_eq!(council.last_final(0), last_final, "and nothing is final without over two thirds");
    assert!(council.alarms.iter().any(|(n, alarm)| *n == 0 && alarm.contains("no quorum")), "{:?}", council.alarms);
    assert!(council.node(0).finality().read().unwrap().is_degraded);
    for n in [1, 2] {
        council.start(n);
    }
    council.run(10_000);
    assert!(council.last_final(0) > last_final && council.agree());
    assert!(!council.node(0).finality().read().unwrap().is_degraded);

    let (mut council, network) = funded(3);
    council.kill(1);
    council.kill(2);
    let before = council.height(0);
    council.submit(0, spend(&network, USER, FRIEND, coins(1), 1)).unwrap();
    council.run(8_000);
    assert_eq!(council.height(0), before, "two of four accept nothing");
    council.start(2);
    council.run(10_000);
    assert_eq!([0, 2, 3].map(|n| council.balance(n, FRIEND)), [coins(1); 3]);
}

#[test]
fn a_partition_forks_and_one_side_is_taken_back_without_loss() {
    let (mut council, network) = funded(1);
    let last_final = council.last_final(0);
    council.sides = vec![0, 0, 1, 1];
    // Each side has its own: the same account cannot pay on both, others can.
    council.submit(0, spend(&network, USER, FRIEND, coins(1), 1)).unwrap();
    council.submit(2, spend(&network, USER, FRIEND, coins(5), 1)).unwrap();
    council.run(5_000);
    assert_eq!([0, 3].map(|n| council.balance(n, FRIEND)), [coins(1), coins(5)], "the ledger has forked");
    assert!([0, 2].iter().all(|n| council.last_final(*n).0 <= last_final.0 + 1), "neither side is final");
    council.sides = vec![0; 4];
    council.run(20_000);
    let balances = [0, 1, 2, 3].map(|n| council.balance(n, FRIEND));
    assert!(balances == [coins(1); 4] || balances == [coins(5); 4], "{balances:?}");
    assert!(council.agree() && council.last_final(0).0 > last_final.0 + 1);
    (0..4).for_each(|n| totals_hold(council.node(n)));
    let answer = council.submit(1, spend(&network, USER, FRIEND, coins(2), 2));
    assert!(answer.is_ok(), "{answer:?}");
    council.run(2_000);
    assert_eq!(council.balance(3, FRIEND), balances[0].plus(coins(2)).unwrap());
}

#[test]
fn what_a_lost_branch_held_is_ordered_again() {
    let (mut council, network) = funded(1);
    council.sides = vec![0, 1, 1, 1];
    council.submit(0, spend(&network, USER, FRIEND, coins(7), 1)).unwrap();
    council.run(3_000);
    assert_eq!([0, 1].map(|n| council.balance(n, FRIEND)), [coins(7), Amount::ZERO], "on one side alone");
    council.run(6_000);
    council.sides = vec![0; 4];
    council.run(15_000);
    assert_eq!([0, 1, 2, 3].map(|n| council.balance(n, FRIEND)), [coins(7); 4]);
    assert!(council.agree());
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
    let mut council = Council::new(Engine::Rotation(1));
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
}

#[test]
fn a_restart_keeps_the_root() {
    for threshold in [1, 3] {
        let (mut council, network) = funded(threshold);
        let mut told = 0;
        for round in 0..10_u64 {
            for n in 0..4 {
                told += 1;
                council.submit(n, spend(&network, USER, FRIEND, coins(1), told)).unwrap();
                council.run(30 + 37 * round);
            }
            let (last, height) = (council.node(0).chain().last_final().unwrap().hash, council.last_final(0));
            (0..4).for_each(|n| council.kill(n));
            (0..4).for_each(|n| council.start(n));
            assert!(council.last_final(0) >= height, "what was final is final");
            let place = banyan_store::Place::at(height.0);
            assert_eq!(council.node(0).chain().main_at(place).unwrap(), Some(last));
        }
        council.run(10_000);
        assert_eq!([0, 1, 2, 3].map(|n| council.balance(n, FRIEND)), [coins(told); 4], "nothing promised is lost");
        assert!(council.agree());
        let roots = [0, 1, 2, 3].map(|n| council.node(n).chain().last_final().unwrap().view.root());
        assert!(roots.iter().all(|root| *root == roots[0]));
    }
}

#[test]
fn what_no_block_takes_makes_no_blocks() {
    let (mut council, network) = funded(1);
    // Its number leaves a gap: it waits for another.
    council.submit(1, spend(&network, USER, FRIEND, coins(2), 2)).unwrap();
    council.run(2_000);
    let before = [council.height(0).0, council.root.chain().head().unwrap().header.height().0];
    council.run(9_000);
    let after = [council.height(0).0, council.root.chain().head().unwrap().header.height().0];
    assert!(after[0] - before[0] <= 2 * (after[1] - before[1] + 1), "{before:?} {after:?}");
    council.submit(2, spend(&network, USER, FRIEND, coins(1), 1)).unwrap();
    council.run(1_000);
    assert_eq!(council.balance(3, FRIEND), coins(3), "both go as soon as they may");
}
