//! Four validators order a child: coins walk in and out, and who is away comes back.

mod support;

use banyan_node::Leaves as _;
use banyan_types::Amount;
use support::{council::*, *};

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
