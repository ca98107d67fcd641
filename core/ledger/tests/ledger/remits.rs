//! The parent's side: a summary pays out what it lists, all of it or nothing, and never more than went down.

use banyan_ledger::{Account, Event, Invalid, Rejected, key};
use banyan_types::{
    AccountId, Amount, Asset, ContractId, Hash, Height, Payee, TokenId,
    associate::{InboxKind, OutboxEntry, Summary},
    tx::{AssociateRemit, AssociateWithdraw},
};

use crate::support::*;

/// Sign `summary` and `lines` after the lines were changed, so that only the change can be wrong.
fn resigned(pair: &Pair, mut summary: Summary, lines: Vec<OutboxEntry>) -> AssociateRemit {
    let point = pair.root.point(pair.id).point;
    summary.outbox_hash = lines.iter().fold(point.outbox_hash, |before, line| line.chain(before));
    summary.outbox_acked = point.outbox_acked + lines.len() as u64;
    pair.root.remit(OPERATORS[0], summary, lines)
}

fn why(pair: &Pair, remit: AssociateRemit) -> Rejected {
    pair.root.admit(&pair.root.sign(OPERATORS[0], remit)).unwrap_err()
}

#[test]
fn what_went_down_comes_back() {
    let mut pair = Pair::funded();
    let (before, held) = (pair.root.balance(ALICE), pair.held());
    pair.step(&[pair.withdraw(ALICE, coins(10))]).unwrap();
    let outcome = pair.remit().unwrap();
    assert_eq!(pair.root.balance(ALICE), before.plus(coins(10)).unwrap());
    assert_eq!(pair.held(), held.minus(coins(10)).unwrap());
    let seq = pair.root.point(pair.id).point.seq;
    let remitted =
        Event::Remitted { associate: pair.id, n: 0, to: account(ALICE), asset: Asset::Coin, amount: coins(10) };
    let child_to = pair.child.height();
    let events = [remitted, Event::Summarised { associate: pair.id, seq, child_to }];
    assert_eq!(outcome.events[1..], events);
}

#[test]
fn a_child_cannot_take_out_more_than_was_put_in() {
    let mut pair = Pair::funded();
    pair.step(&[pair.withdraw(ALICE, coins(10))]).unwrap();
    let (summary, mut lines) = pair.child.summary(&pair.root);
    let escrow = pair.held();
    for total in [escrow.plus(units(1)).unwrap(), Amount::MAX] {
        lines[0].amount = total;
        let refused = why(&pair, resigned(&pair, summary.clone(), lines.clone()));
        assert_eq!(refused, Rejected::Escrow { escrow, total });
        assert_eq!((refused.code(), refused.fault().to_string()), ("escrow", "invalid".into()));
    }
    // A lying child can take what is in the escrow, and no more: its own users pay for it.
    lines[0].amount = escrow;
    pair.root.micro(&[pair.root.sign(OPERATORS[0], resigned(&pair, summary, lines))]).unwrap();
    assert_eq!(pair.held(), Amount::ZERO);
}

#[test]
fn a_sum_above_the_supply_is_refused_before_the_escrow_is_asked() {
    let mut pair = Pair::funded();
    pair.step(&[pair.withdraw(ALICE, coins(1)), pair.withdraw(BOB, coins(1))]).unwrap();
    let (summary, mut lines) = pair.child.summary(&pair.root);
    for line in &mut lines {
        line.amount = Amount::MAX;
    }
    assert_eq!(why(&pair, resigned(&pair, summary, lines)), Rejected::Overflow);
}

#[test]
fn a_remit_is_all_or_none() {
    let mut pair = Pair::funded();
    pair.step(&[pair.withdraw(ALICE, coins(1)), pair.withdraw(BOB, coins(2))]).unwrap();
    let (summary, mut lines) = pair.child.summary(&pair.root);
    let before = (pair.root.root_hash(), pair.root.supply(), pair.root.balance(ALICE));
    lines[1].amount = pair.held();
    let tx = pair.root.sign(OPERATORS[0], resigned(&pair, summary, lines));
    let refused = pair.root.micro(&[tx]).unwrap_err();
    assert!(matches!(refused, Invalid::Transaction { index: 0, why: Rejected::Escrow { .. } }));
    assert_eq!((pair.root.root_hash(), pair.root.supply(), pair.root.balance(ALICE)), before);
}

#[test]
fn a_replayed_remit_is_refused() {
    let mut pair = Pair::funded();
    pair.step(&[pair.withdraw(ALICE, coins(1))]).unwrap();
    let first = pair.honest_remit();
    pair.remit().unwrap();
    let expected = first.summary.seq + 1;
    let again = AssociateRemit { nonce: pair.root.nonce(OPERATORS[0]), ..first.clone() };
    assert_eq!(why(&pair, again.clone()), Rejected::SequenceUsed { expected, got: first.summary.seq });
    // With a new number it does not continue the blocks; with new blocks it does not continue the outbox.
    let renumbered = Summary { seq: expected, ..first.summary.clone() };
    let range = why(&pair, pair.root.remit(OPERATORS[0], renumbered.clone(), first.lines.clone()));
    assert!(matches!(range, Rejected::Range { .. }));
    let moved = Summary { child_from: first.summary.child_to, ..renumbered };
    assert_eq!(why(&pair, pair.root.remit(OPERATORS[0], moved.clone(), first.lines.clone())), Rejected::Outbox);
    // Lines that fold but carry old numbers were taken already.
    assert_eq!(why(&pair, resigned(&pair, moved, first.lines)), Rejected::Outbox);
}

#[test]
fn a_summary_of_one_child_or_ledger_is_none_of_another() {
    let mut pair = Pair::funded();
    let create = pair.root.create(BOB, "other");
    let other = child_of(&create, &pair.root).params.ledger;
    pair.root.micro(&[pair.root.sign(BOB, create)]).unwrap();
    pair.step(&[pair.withdraw(ALICE, coins(1))]).unwrap();
    let good = pair.honest_remit();
    assert_eq!(why(&pair, AssociateRemit { associate_id: other, ..good.clone() }), Rejected::Unknown);
    let authorization = authorise("another_root", &good.summary, &[(0, OPERATORS[0]), (1, OPERATORS[1])]);
    let foreign = Rejected::Authorization { valid: 0, needed: 2 };
    assert_eq!(why(&pair, AssociateRemit { authorization, ..good }), foreign);
}

#[test]
fn a_skipped_commit_is_paid_back_and_never_credited() {
    let mut pair = Pair::new();
    let before = pair.root.balance(ALICE);
    pair.commit(ALICE, BOB, coins(7));
    pair.root.key_blocks(COMMIT_TIMEOUT);
    pair.step(&[]).unwrap();
    let outcome = pair.remit().unwrap();
    let back = Event::PaidBack { associate: pair.id, n: 0, to: account(ALICE), asset: Asset::Coin, amount: coins(7) };
    assert!(outcome.events.contains(&back));
    assert_eq!(pair.root.balance(ALICE), before.minus(FEE).unwrap());
    assert_eq!((pair.held(), pair.root.escrow(pair.id).waiting), (Amount::ZERO, Amount::ZERO));
    pair.step(&[]).unwrap();
    assert_eq!((pair.child.balance(BOB), pair.child.supply().minted), (Amount::ZERO, Amount::ZERO));
    assert_eq!(pair.root.inbox(pair.id, 0), None);
}

#[test]
fn a_liar_cannot_pay_out_commits_it_has_not_credited() {
    let mut pair = Pair::funded();
    pair.step(&[pair.withdraw(ALICE, coins(10))]).unwrap();
    let (mut summary, mut lines) = pair.child.summary(&pair.root);
    let free = pair.held();
    pair.commit(BOB, BOB, coins(500));
    pair.commit(CAROL, CAROL, coins(500));
    // Without acknowledging the new commits, their money is out of reach.
    lines[0].amount = free.plus(units(1)).unwrap();
    let refused = why(&pair, resigned(&pair, summary.clone(), lines.clone()));
    assert_eq!(refused, Rejected::Escrow { escrow: free, total: lines[0].amount });
    // Nor can it have the money of a commit that it says it has not credited: that goes back.
    let open = pair.root.point(pair.id);
    let last = pair.root.inbox(pair.id, open.inbox_next - 1).unwrap();
    (summary.inbox_acked, summary.inbox_hash, summary.skipped) = (last.n + 1, last.hash, vec![last.n]);
    let credited = free.plus(coins(500)).unwrap();
    lines[0].amount = credited.plus(units(1)).unwrap();
    let (escrow, total) = (free.plus(coins(1_000)).unwrap(), lines[0].amount.plus(coins(500)).unwrap());
    let refused = why(&pair, resigned(&pair, summary.clone(), lines.clone()));
    assert_eq!(refused, Rejected::Escrow { escrow, total });
    // What it says it has credited is its own to lose.
    lines[0].amount = credited;
    let carol = pair.root.balance(CAROL);
    pair.root.micro(&[pair.root.sign(OPERATORS[0], resigned(&pair, summary, lines))]).unwrap();
    assert_eq!((pair.held(), pair.root.balance(CAROL)), (Amount::ZERO, carol.plus(coins(500)).unwrap()));
}

#[test]
fn lines_must_fold_to_the_outbox_hash() {
    let mut pair = Pair::funded();
    pair.step(&[pair.withdraw(ALICE, coins(1)), pair.withdraw(BOB, coins(2))]).unwrap();
    let good = pair.honest_remit();
    let changes: [fn(&mut Vec<OutboxEntry>); 9] = [
        |lines| lines[0].to = Payee::Account(account(STRANGER)),
        |lines| lines[0].amount = coins(2),
        |lines| lines[1].n = 7,
        |lines| lines[1].leg = Hash([9; 32]),
        |lines| lines[1].route.push(banyan_types::associate::Hop::Up),
        |lines| lines.swap(0, 1),
        |lines| drop(lines.pop()),
        |lines| lines.push(lines[1].clone()),
        Vec::clear,
    ];
    for change in changes {
        let mut bad = good.clone();
        change(&mut bad.lines);
        assert_eq!(why(&pair, bad), Rejected::Outbox);
    }
    pair.root.admit(&pair.root.sign(OPERATORS[0], good)).unwrap();
}

#[test]
fn a_token_never_leaves_an_escrow_that_never_held_one() {
    let mut pair = Pair::funded();
    pair.step(&[pair.withdraw(ALICE, coins(1))]).unwrap();
    let (summary, mut lines) = pair.child.summary(&pair.root);
    let asset = Asset::Token(TokenId([1; 32]));
    lines[0].asset = asset;
    assert_eq!(why(&pair, resigned(&pair, summary, lines)), Rejected::Asset { asset });
}

#[test]
fn an_undeliverable_line_returns_to_its_sender() {
    let mut pair = Pair::funded();
    let before = (pair.held(), pair.child.balance(ALICE));
    let nowhere = Payee::Contract(ContractId([8; 32]));
    let tx = pair.child.sign(ALICE, pair.child.withdraw(ALICE, nowhere, coins(10)));
    pair.step(&[tx]).unwrap();
    let outcome = pair.remit().unwrap();
    assert!(outcome.events.contains(&Event::Undelivered {
        associate: pair.id,
        n: 0,
        asset: Asset::Coin,
        amount: coins(10)
    }));
    // The money never left the escrow, and waits there.
    assert_eq!((pair.held(), pair.root.escrow(pair.id).waiting), (before.0, coins(10)));
    let point = pair.root.point(pair.id);
    let back = pair.root.inbox(pair.id, point.inbox_next - 1).unwrap();
    assert_eq!((back.kind, back.from, back.to), (InboxKind::Returned { outbox: 0 }, nowhere, account(ALICE)));
    // Whoever sent it has it again, however late the child hears of it.
    pair.root.key_blocks(2 * COMMIT_TIMEOUT);
    pair.step(&[]).unwrap();
    assert_eq!(pair.child.balance(ALICE), before.1.minus(FEE).unwrap());
    pair.remit().unwrap();
    assert_eq!(pair.root.escrow(pair.id).waiting, Amount::ZERO);
}

#[test]
fn a_line_to_a_contract_is_paid_if_that_may_be_paid() {
    for payable in [true, false] {
        let mut pair = Pair::funded();
        let (id, create) = pair.root.counter(BOB, 1);
        pair.on_root(BOB, create);
        let address = AccountId(id.0);
        let mut held = pair.root.at(&key::account(address), |bytes| Account::decode(bytes).unwrap()).unwrap();
        held.payable = payable;
        pair.root.state.commit(&[(key::account(address), Some(held.encode()))].into());
        let before = pair.held();
        let tx = pair.child.sign(ALICE, pair.child.withdraw(ALICE, Payee::Contract(id), coins(10)));
        pair.step(&[tx]).unwrap();
        let outcome = pair.remit().unwrap();
        let got = pair.root.at(&key::account(address), |bytes| Account::decode(bytes).unwrap().balance);
        let back = Event::Undelivered { associate: pair.id, n: 0, asset: Asset::Coin, amount: coins(10) };
        assert_eq!(
            (got, outcome.events.contains(&back)),
            (Some(if payable { coins(10) } else { Amount::ZERO }), !payable)
        );
        assert_eq!(before.minus(pair.held()), Some(if payable { coins(10) } else { Amount::ZERO }));
    }
}

#[test]
fn a_returned_line_cannot_be_skipped() {
    let mut pair = Pair::funded();
    let nowhere = Payee::Contract(ContractId([8; 32]));
    let tx = pair.child.sign(ALICE, pair.child.withdraw(ALICE, nowhere, coins(10)));
    pair.step(&[tx]).unwrap();
    pair.remit().unwrap();
    pair.step(&[]).unwrap();
    let (mut summary, lines) = pair.child.summary(&pair.root);
    summary.skipped = vec![summary.inbox_acked - 1];
    assert_eq!(why(&pair, resigned(&pair, summary, lines)), Rejected::Skipped);
}

#[test]
fn operators_below_threshold_move_nothing() {
    let mut pair = Pair::funded();
    pair.step(&[pair.withdraw(ALICE, coins(10))]).unwrap();
    let good = pair.honest_remit();
    let sign = |signers: &[(u64, u8)]| authorise(&pair.root.params.network_id, &good.summary, signers);
    let [first, second, third] = OPERATORS;
    let rows: [(&[(u64, u8)], Option<usize>); 9] = [
        (&[], Some(0)),
        (&[(0, first)], Some(1)),
        (&[(0, first), (1, STRANGER)], Some(1)),
        (&[(0, first), (1, first)], Some(1)), // one key in two places
        (&[(0, second), (1, first)], Some(0)),
        (&[(0, first), (3, second)], Some(1)), // no such place
        (&[(0, first), (u64::MAX, second)], Some(1)),
        (&[(0, first), (1, second)], None),
        (&[(0, first), (1, second), (2, third)], None),
    ];
    for (signers, valid) in rows {
        let remit = AssociateRemit { authorization: sign(signers), ..good.clone() };
        let refused = pair
            .root
            .admit(&pair.root.sign(
                STRANGER_PAYS,
                AssociateRemit { from_id: account(STRANGER_PAYS), nonce: pair.root.nonce(STRANGER_PAYS), ..remit },
            ))
            .err();
        assert_eq!(refused, valid.map(|valid| Rejected::Authorization { valid, needed: 2 }), "{signers:?}");
    }
}

/// Anybody may send a remit: the operators' word is inside.
const STRANGER_PAYS: u8 = BOB;

#[test]
fn one_key_counts_once() {
    let mut pair = Pair::funded();
    pair.step(&[pair.withdraw(ALICE, coins(10))]).unwrap();
    let good = pair.honest_remit();
    let one = authorise(&pair.root.params.network_id, &good.summary, &[(0, OPERATORS[0])]).0;
    let item = &one[1 + usize::from(one[0] > 0xf7)..];
    // The same signature twice; then descending; then no list at all: nothing of it counts.
    let list = |items: &[&[u8]]| {
        let mut out = vec![];
        banyan_types::rlp::put_list(&mut out, |out| items.iter().for_each(|item| out.extend_from_slice(item)));
        banyan_types::Bytes(out)
    };
    let two = authorise(&pair.root.params.network_id, &good.summary, &[(1, OPERATORS[1])]).0;
    let other = &two[1 + usize::from(two[0] > 0xf7)..];
    for authorization in [list(&[item, item]), list(&[other, item]), banyan_types::Bytes(vec![7; 10])] {
        let refused = why(&pair, AssociateRemit { authorization, ..good.clone() });
        assert_eq!(refused, Rejected::Authorization { valid: 0, needed: 2 });
    }
    let both = AssociateRemit { authorization: list(&[item, other]), ..good };
    pair.root.admit(&pair.root.sign(OPERATORS[0], both)).unwrap();
}

#[test]
fn the_longest_remit_of_one_block_fits_into_a_transaction() {
    let mut pair = Pair::with(|create| {
        create.operators = (100..164).map(account).collect();
        create.threshold = 64;
    });
    pair.commit(ALICE, ALICE, coins(1_000));
    let route = vec![
        banyan_types::associate::Hop::Down(banyan_types::AssociateId([0xff; 32]));
        banyan_types::limits::ROUTE_HOPS_MAX
    ];
    pair.step(&[]).unwrap();
    let first = AssociateWithdraw {
        route,
        fee: units(40_000_000_000_000),
        ..pair.child.withdraw(ALICE, Payee::Account(account(BOB)), units(1))
    };
    let nth = |n: u64| AssociateWithdraw { nonce: banyan_types::Nonce(1 + n), ..first.clone() };
    let txs: Vec<_> = (0..1_000).map(|n| pair.child.sign(ALICE, nth(n))).collect();
    pair.child.child_block(&pair.root, &txs).unwrap();
    let (summary, lines) = pair.child.summary(&pair.root);
    assert_eq!(lines.len(), 1_000);
    let signers: Vec<(u64, u8)> = (0..64).zip(100..164).collect();
    let authorization = authorise(&pair.root.params.network_id, &summary, &signers);
    let remit = AssociateRemit { authorization, fee: coins(1), ..pair.root.remit(BOB, summary, lines) };
    let tx = pair.root.sign(BOB, remit);
    assert!(tx.bytes().len() > banyan_types::limits::TX_BYTES_MAX, "else this proves nothing");
    assert_eq!(banyan_types::tx::SignedTx::decode(tx.bytes()), Ok(tx.clone()));
    let outcome = pair.root.micro(&[tx]).unwrap();
    assert!(outcome.gas_used > pair.root.params.gas_per_tx_max, "else this proves nothing");
}

#[test]
fn a_summary_without_lines_is_a_heartbeat() {
    let mut pair = Pair::new();
    pair.root.key_blocks(SILENCE - 1);
    pair.step(&[]).unwrap();
    pair.root.key_block(LEADER);
    let tx = |pair: &Pair| pair.root.sign(ALICE, pair.root.commit(ALICE, pair.id, BOB, coins(1)));
    assert_eq!(pair.root.admit(&tx(&pair)).unwrap_err(), Rejected::Status { status: "dead" });
    // A late remit revives it: nobody has claimed anything.
    pair.remit().unwrap();
    pair.root.admit(&tx(&pair)).unwrap();
    assert_eq!(pair.root.point(pair.id).last_alive, pair.root.height());
}

#[test]
fn an_expired_connection_point_takes_no_commits_and_still_pays() {
    let mut pair = Pair::with(|create| create.expiry = Height(1 + SILENCE));
    pair.commit(ALICE, ALICE, coins(10));
    pair.step(&[]).unwrap();
    pair.remit().unwrap();
    while pair.root.height() < Height(1 + SILENCE) {
        pair.root.key_block(LEADER);
        if pair.root.height().0.is_multiple_of(100) {
            pair.child.child_block(&pair.root, &[]).unwrap();
            pair.remit().unwrap();
        }
    }
    let tx = pair.root.sign(ALICE, pair.root.commit(ALICE, pair.id, BOB, coins(1)));
    pair.root.admit(&tx).unwrap();
    pair.root.key_block(LEADER);
    assert_eq!(pair.root.admit(&tx).unwrap_err(), Rejected::Status { status: "expired" });
    pair.step(&[pair.withdraw(ALICE, coins(9))]).unwrap();
    pair.remit().unwrap();
    assert_eq!(pair.held(), coins(1));
}

#[test]
fn a_summary_never_names_an_older_parent_block() {
    let mut pair = Pair::funded();
    let older = pair.child.parent_leaf();
    pair.step(&[]).unwrap();
    let (newer, _) = pair.child.summary(&pair.root);
    pair.remit().unwrap();
    pair.step(&[]).unwrap();
    let (summary, lines) = pair.child.summary(&pair.root);
    let back = Summary { parent_height: older.height, parent_hash: older.hash, ..summary.clone() };
    assert_eq!(why(&pair, pair.root.remit(OPERATORS[0], back, lines.clone())), Rejected::Parent { got: older.height });
    // The same one again is no step back.
    let same = Summary { parent_height: newer.parent_height, parent_hash: newer.parent_hash, ..summary };
    pair.root.admit(&pair.root.sign(OPERATORS[0], pair.root.remit(OPERATORS[0], same, lines))).unwrap();
}

#[test]
fn a_parent_block_that_has_left_the_ring_is_taken_at_its_word() {
    let mut pair = Pair::funded();
    pair.step(&[pair.withdraw(ALICE, coins(1))]).unwrap();
    pair.root.key_blocks(banyan_types::limits::BLOCK_RING + 1);
    pair.remit().unwrap();
}

#[test]
fn a_wrong_inbox_is_no_summary_of_ours() {
    let mut pair = Pair::funded();
    pair.commit(ALICE, ALICE, coins(5));
    pair.commit(ALICE, ALICE, coins(6));
    pair.step(&[]).unwrap();
    let (good, lines) = pair.child.summary(&pair.root);
    let point = pair.root.point(pair.id);
    let first = pair.root.inbox(pair.id, point.inbox_acked).unwrap();
    let rows = [
        Summary { inbox_hash: Hash([1; 32]), ..good.clone() },
        Summary { inbox_acked: good.inbox_acked - 1, ..good.clone() }, // one less under the same hash
        Summary { inbox_acked: good.inbox_acked + 1, ..good.clone() },
        Summary { inbox_acked: point.inbox_acked, ..good.clone() },
        Summary { inbox_acked: 0, ..good.clone() },
        // Backwards, under the hash that stands there now: what is settled stays settled.
        Summary { inbox_acked: point.inbox_acked - 1, inbox_hash: point.inbox_acked_hash, ..good.clone() },
        Summary { inbox_hash: first.hash, ..good.clone() },
    ];
    for summary in rows {
        let refused = why(&pair, pair.root.remit(OPERATORS[0], summary, lines.clone()));
        assert!(matches!(refused, Rejected::Inbox { .. }), "{refused}");
    }
    // Any prefix is fine: the rest waits for the next summary.
    let prefix = Summary { inbox_acked: first.n + 1, inbox_hash: first.hash, ..good };
    let tx = pair.root.sign(OPERATORS[0], pair.root.remit(OPERATORS[0], prefix, lines));
    pair.root.micro(&[tx]).unwrap();
    assert_eq!(pair.root.escrow(pair.id).waiting, coins(11));
}
