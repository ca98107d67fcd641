//! The child's side: what comes down is credited once, in order, while it counts.

use banyan_ledger::{Base as _, Block, ChildBlock, Event, Execution, Invalid, Overlay, ParentTip, apply_block, key};
use banyan_types::{
    Amount, Hash, Height,
    associate::{InboxEntry, InboxKind},
    header::ChildHeader,
};

use crate::support::*;

fn entries(pair: &Pair) -> Vec<InboxEntry> {
    let point = pair.root.point(pair.id);
    (point.inbox_acked..point.inbox_next).map(|n| pair.root.inbox(pair.id, n).unwrap()).collect()
}

#[test]
fn an_inbox_entry_is_credited_exactly_once() {
    let mut pair = Pair::new();
    pair.commit(ALICE, BOB, coins(7));
    let outcome = pair.step(&[]).unwrap();
    assert_eq!(
        outcome.events,
        [Event::Credited { n: 0, to: account(BOB), asset: banyan_types::Asset::Coin, amount: coins(7) }]
    );
    assert_eq!(pair.child.balance(BOB), coins(7));
    // On the same parent block again, on the next one, after it was acknowledged: never a second time.
    let again = pair.child.child_block(&pair.root, &[]).unwrap();
    let next = pair.step(&[]).unwrap();
    pair.remit().unwrap();
    let acknowledged = pair.step(&[]).unwrap();
    assert!([again, next, acknowledged].iter().all(|outcome| outcome.events.is_empty()));
    assert_eq!((pair.child.balance(BOB), pair.child.supply().minted), (coins(7), coins(7)));

    let tip = pair.root.tip(pair.id);
    let twice = InboxEntry { n: 0, ..pair.root.inbox(pair.id, 1).unwrap_or_else(|| entry_like(&pair)) };
    let refused = pair.child.child_block_on(ParentTip { inbox_next: tip.inbox_next + 1, ..tip }, &[twice], &[]);
    assert_eq!(refused.unwrap_err(), Invalid::Inbox { n: 2 });
}

/// An entry as the parent would write it next.
fn entry_like(pair: &Pair) -> InboxEntry {
    InboxEntry {
        n: 0,
        kind: InboxKind::Commit,
        from: banyan_types::Payee::Account(account(ALICE)),
        to: account(BOB),
        asset: banyan_types::Asset::Coin,
        amount: coins(7),
        route: vec![],
        leg: Hash::ZERO,
        height: pair.root.height(),
        deadline: Height(u64::MAX),
        hash: Hash::ZERO,
    }
}

#[test]
fn inbox_entries_that_do_not_fold_are_refused() {
    let mut pair = Pair::new();
    for amount in 1..=3 {
        pair.commit(ALICE, BOB, coins(amount));
    }
    pair.root.key_block(LEADER);
    let (good, tip) = (entries(&pair), pair.root.tip(pair.id));
    let swap = |at: usize, entry: InboxEntry| {
        let mut all = good.clone();
        all[at] = entry;
        all
    };
    let rechained = InboxEntry { amount: coins(9), ..good[1].clone() }.chained(good[0].hash);
    let renumbered = InboxEntry { n: 2, ..good[1].clone() }.chained(good[0].hash);
    let rows = [
        (swap(0, InboxEntry { amount: coins(9), ..good[0].clone() }), Invalid::Inbox { n: 0 }),
        (swap(1, InboxEntry { to: account(CAROL), ..good[1].clone() }), Invalid::Inbox { n: 1 }),
        (swap(1, InboxEntry { deadline: Height(1), ..good[1].clone() }), Invalid::Inbox { n: 1 }),
        (swap(2, InboxEntry { hash: Hash([1; 32]), ..good[2].clone() }), Invalid::Inbox { n: 2 }),
        // One that folds to itself: the entry behind it does not follow.
        (swap(1, rechained), Invalid::Inbox { n: 2 }),
        (swap(1, renumbered), Invalid::Inbox { n: 1 }),
        (vec![good[1].clone(), good[0].clone(), good[2].clone()], Invalid::Inbox { n: 0 }),
        (vec![good[0].clone(), good[0].clone(), good[2].clone()], Invalid::Inbox { n: 1 }),
        (vec![good[0].clone(), good[2].clone(), good[2].clone()], Invalid::Inbox { n: 1 }),
        // None may be held back, and none added.
        (good[..2].to_vec(), Invalid::Header { field: "inbox_to" }),
        ([&good[..], &good[2..]].concat(), Invalid::Header { field: "inbox_to" }),
        (vec![], Invalid::Header { field: "inbox_to" }),
    ];
    for (inbox, why) in rows {
        assert_eq!(pair.child.child_block_on(tip, &inbox, &[]).unwrap_err(), why);
    }
    pair.child.child_block_on(tip, &good, &[]).unwrap();
    assert_eq!(pair.child.balance(BOB), coins(6));
}

#[test]
fn a_commit_counts_until_its_deadline_and_is_skipped_after_it() {
    for (late, credited) in [(0, true), (1, false)] {
        let mut pair = Pair::new();
        pair.commit(ALICE, BOB, coins(7));
        pair.root.key_blocks(COMMIT_TIMEOUT - 1 + late);
        let outcome = pair.step(&[]).unwrap();
        assert_eq!(outcome.events.contains(&Event::Skipped { n: 0 }), !credited);
        assert_eq!(outcome.effects.skipped.is_empty(), credited);
        assert_eq!(pair.child.balance(BOB), if credited { coins(7) } else { Amount::ZERO });
        assert_eq!(pair.child.parent_leaf().skipped_hash == Hash::ZERO, credited);
    }
}

#[test]
fn the_parent_is_followed_step_by_step_and_never_back() {
    let mut pair = Pair::new();
    pair.step(&[]).unwrap();
    let tip = pair.root.tip(pair.id);
    let up = |heights: u64| Height(tip.height.0 + heights);
    let rows = [
        (ParentTip { height: Height(tip.height.0 - 1), ..tip }, Some("parent_height")),
        (ParentTip { hash: Hash([1; 32]), ..tip }, Some("parent_height")),
        (ParentTip { height: up(1_001), hash: Hash([1; 32]), ..tip }, Some("parent_height")),
        (ParentTip { height: up(1_000), hash: Hash([1; 32]), ..tip }, None),
        (tip, None),
    ];
    for (parent, field) in rows {
        let expected = field.map(|field| Invalid::Header { field });
        assert_eq!(pair.child.clone().child_block_on(parent, &[], &[]).err(), expected);
    }
}

#[test]
fn the_first_block_names_a_parent_block_of_any_height() {
    let pair = Pair::new();
    let tip = pair.root.tip(pair.id);
    for height in [1, 1_000, 5_000, 1_000_000] {
        let parent = ParentTip { height: Height(height), ..tip };
        let mut child = pair.child.clone();
        child.child_block_on(parent, &[], &[]).unwrap();
        let far = ParentTip { height: Height(height + 1_001), hash: Hash([1; 32]), ..tip };
        let refused = Err(Invalid::Header { field: "parent_height" });
        assert_eq!(child.child_block_on(far, &[], &[]).map(drop), refused);
    }
}

/// The child's next block, with every root right.
fn block(pair: &Pair) -> ChildBlock {
    let child = &pair.child;
    let parent = pair.root.tip(pair.id);
    let (from, to) = (child.parent_leaf().inbox, parent.inbox_next);
    let inbox: Vec<_> = (from..to).map(|n| pair.root.inbox(pair.id, n).unwrap()).collect();
    let start = child.child_start(parent);
    let mut overlay = Overlay::new(child.state.clone());
    let made = Execution::child(&mut overlay, &child.params, &start, &inbox).unwrap().finish().unwrap();
    let header = ChildHeader {
        version: banyan_types::header::PROTOCOL_VERSION,
        height: start.height,
        prev_hash: start.prev_hash,
        parent_hash: parent.hash,
        parent_height: parent.height,
        root_height: parent.root_height,
        time_ms: start.time,
        entropy: ChildHeader::derive_entropy(parent.entropy, pair.id),
        txs_root: made.txs_root,
        receipts_root: made.receipts_root,
        inbox_to: to,
        outbox_to: child.parent_leaf().outbox,
        state_root: made.root,
        set_hash: Hash::ZERO,
        leader: start.leader,
        view: 0,
        prev_seal_hash: Hash::ZERO,
    };
    ChildBlock { header, txs: vec![], parent, inbox, prev_seal: banyan_types::Bytes::default() }
}

#[test]
fn every_field_of_a_childs_header_is_checked() {
    let mut pair = Pair::new();
    pair.commit(ALICE, BOB, coins(7));
    pair.root.key_block(LEADER);
    let good = block(&pair);
    let apply = |block: ChildBlock| {
        apply_block(&mut Overlay::new(pair.child.state.clone()), &pair.child.params, &Block::Child(block))
    };
    apply(good.clone()).unwrap();
    let rows: [(&str, fn(&mut ChildHeader)); 14] = [
        ("version", |header| header.version += 1),
        ("height", |header| header.height = Height(0)),
        ("height", |header| header.height = Height(2)),
        ("parent_hash", |header| header.parent_hash = Hash::ZERO),
        ("parent_height", |header| header.parent_height = Height(9)),
        ("root_height", |header| header.root_height = Height(9)),
        ("time_ms", |header| header.time_ms.0 -= 3_000),
        ("entropy", |header| header.entropy = Hash::ZERO),
        ("inbox_to or outbox_to", |header| header.inbox_to += 1),
        ("inbox_to or outbox_to", |header| header.outbox_to += 1),
        ("txs_root", |header| header.txs_root = Hash([1; 32])),
        ("receipts_root", |header| header.receipts_root = Hash([1; 32])),
        ("state_root", |header| header.state_root = Hash([1; 32])),
        ("state_root", |header| header.leader = banyan_types::PublicKey([1; 32])),
    ];
    for (what, change) in rows {
        let mut bad = good.clone();
        change(&mut bad.header);
        match apply(bad).unwrap_err() {
            Invalid::Header { field } => assert_eq!(field, what),
            Invalid::Root { what: root, .. } => assert_eq!(root, what),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn time_goes_on_from_block_to_block() {
    let mut pair = Pair::new();
    pair.step(&[]).unwrap();
    let before = pair.child.clock().time;
    let start = pair.child.child_start(pair.root.tip(pair.id));
    for (time, goes) in [(before, false), (before.next().unwrap(), true)] {
        let start = banyan_ledger::ChildStart { time, ..start.clone() };
        let mut overlay = Overlay::new(pair.child.state.clone());
        let begun = Execution::child(&mut overlay, &pair.child.params, &start, &[]).map(|_| ());
        assert_eq!(begun, if goes { Ok(()) } else { Err(Invalid::Header { field: "time_ms" }) });
    }
}

#[test]
fn a_block_belongs_to_one_kind_of_ledger() {
    let mut pair = Pair::new();
    pair.root.key_block(LEADER);
    let on = |ledger: &Ledger, block: Block| {
        apply_block(&mut Overlay::new(ledger.state.clone()), &ledger.params, &block).unwrap_err()
    };
    let key = banyan_ledger::KeyBlock { header: pair.root.key_header(LEADER), seal: None };
    assert_eq!(on(&pair.child, Block::Key(key)), Invalid::Kind);
    assert_eq!(on(&pair.root, Block::Child(block(&pair))), Invalid::Kind);
    assert!(matches!(
        Execution::micro(&mut Overlay::new(pair.child.state.clone()), &pair.child.params),
        Err(Invalid::Kind)
    ));
}

#[test]
fn whoever_orders_a_block_has_its_fees_with_the_next() {
    let mut pair = Pair::funded();
    let spend = pair.child.sign(ALICE, pair.child.spend(ALICE, account(BOB), coins(1)));
    pair.step(&[spend]).unwrap();
    assert_eq!((pair.child.balance(LEADER), pair.child.supply().fees), (Amount::ZERO, FEE));
    let outcome = pair.step(&[]).unwrap();
    assert!(outcome.events.contains(&Event::Rewarded { account: account(LEADER), amount: FEE }));
    assert_eq!((pair.child.balance(LEADER), pair.child.supply().fees), (FEE, Amount::ZERO));
}

#[test]
fn an_outbox_entry_stays_until_its_remit_is_done() {
    let mut pair = Pair::funded();
    pair.step(&[pair.withdraw(ALICE, coins(1)), pair.withdraw(BOB, coins(2))]).unwrap();
    let is_there = |pair: &Pair, n| pair.child.state.read(&key::outbox(n)).unwrap().is_some();
    assert!(is_there(&pair, 0) && is_there(&pair, 1));
    pair.remit().unwrap();
    assert!(is_there(&pair, 0), "the child does not know yet");
    pair.step(&[pair.withdraw(ALICE, coins(1))]).unwrap();
    assert!(!is_there(&pair, 0) && !is_there(&pair, 1) && is_there(&pair, 2));
    assert_eq!(pair.child.parent_leaf().outbox_acked, 2);
}

#[test]
fn an_access_list_guards_commits() {
    let pair = Pair::with(|create| create.access = banyan_types::associate::Access::Listed);
    let tx = pair.root.sign(ALICE, pair.root.commit(ALICE, pair.id, BOB, coins(1)));
    let mut root = pair.root.clone();
    assert_eq!(root.admit(&tx).unwrap_err().code(), "access");
    let mut right = banyan_ledger::Changes::new();
    // `[1030, 1, receive, transact]`: no transaction writes it yet.
    right.insert(key::access(pair.id, account(BOB)), Some(vec![0xc6, 0x82, 0x04, 0x06, 1, 1, 0]));
    root.state.commit(&right);
    root.admit(&tx).unwrap();
}
