//! Forwards, backwards and forwards again; and nothing that anybody sends makes a ledger panic.

use std::sync::LazyLock;

use banyan_ledger::{Block, Event, MapState, Overlay, apply_block};
use banyan_types::{
    Amount, Asset, AssociateId, Bytes, ContractId, Hash, Height, Id, Lifetime, Payee, Target, TokenId,
    associate::{Hop, OutboxEntry, Summary},
    tx::{AssociateCommit, AssociateRemit, AssociateWithdraw, ContractCreateV2, SignedTx, Spend, Transaction},
};
use proptest::{collection::vec, prelude::*};

use crate::{contracts::tick, support::*};

/// One move of somebody, or of a chain.
#[derive(Clone, Copy, Debug)]
enum Move {
    Key,
    Child,
    Remit,
    Spend(u8, u8, u64),
    Commit(u8, u8, u64),
    Pay(u8, u8, u64),
    Withdraw(u8, u64),
    /// Of the child: a token's first, then moves of it.
    Token(u8, u8, u8, u64),
    /// On the root: keep an entry, extend, give or destroy the last one.
    Entry(u8, u8, u64),
    /// On the root: somebody pays for a payment.
    Paid(u8, u8, u64),
    /// On the root: make a contract, or call the last one.
    Contract(u8, u8, u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let person = || 1u8..4;
    let amount = || 0u64..2_000_000_000_000_000_000;
    let one = prop_oneof![
        Just(Move::Key),
        Just(Move::Child),
        Just(Move::Remit),
        (person(), person(), amount()).prop_map(|(from, to, amount)| Move::Spend(from, to, amount)),
        (person(), person(), amount()).prop_map(|(from, to, amount)| Move::Commit(from, to, amount)),
        (person(), person(), amount()).prop_map(|(from, to, amount)| Move::Pay(from, to, amount)),
        (person(), amount()).prop_map(|(from, amount)| Move::Withdraw(from, amount)),
        (person(), person(), 0u8..4, 0u64..50).prop_map(|(from, to, kind, amount)| Move::Token(from, to, kind, amount)),
        (person(), 0u8..4, 1u64..12).prop_map(|(from, kind, heights)| Move::Entry(from, kind, heights)),
        (person(), person(), amount()).prop_map(|(from, payer, amount)| Move::Paid(from, payer, amount)),
        (person(), 0u8..4, 0u64..9).prop_map(|(from, kind, by)| Move::Contract(from, kind, by)),
    ];
    vec(one, 1..40)
}

/// Make it; what is refused is no block. What it has paid out of the escrow.
fn make(pair: &mut Pair, step: Move) -> Amount {
    let units = |amount: u64| units(u128::from(amount));
    let made = match step {
        Move::Key => Ok(pair.root.key_block(LEADER)),
        Move::Child => pair.step(&[]),
        Move::Remit => pair.remit(),
        Move::Spend(from, to, amount) => {
            let spend = pair.root.spend(from, account(to), units(amount));
            pair.root.micro(&[pair.root.sign(from, spend)])
        }
        Move::Commit(from, to, amount) => {
            let commit = pair.root.commit(from, pair.id, to, units(amount));
            pair.root.micro(&[pair.root.sign(from, commit)])
        }
        Move::Pay(from, to, amount) => {
            let spend = pair.child.sign(from, pair.child.spend(from, account(to), units(amount)));
            pair.step(&[spend])
        }
        Move::Withdraw(person, amount) => {
            let tx = pair.withdraw(person, units(amount));
            pair.step(&[tx])
        }
        Move::Token(from, to, kind, amount) => {
            let tx = token_move(&pair.child, from, to, kind, amount.into());
            pair.step(&[pair.child.sign(from, tx)])
        }
        Move::Entry(from, kind, heights) => {
            let tx = entry_move(&pair.root, from, kind, heights);
            pair.root.micro(&[pair.root.sign(from, tx)])
        }
        Move::Paid(from, payer, amount) => {
            let inner = pair.root.inner(from, pair.root.spend(from, account(BOB), units(amount)));
            pair.root.micro(&[pair.root.sign(payer, pair.root.pay_for(payer, inner))])
        }
        Move::Contract(from, kind, by) => {
            let tx = contract_move(&pair.root, from, kind, by);
            pair.root.micro(&[pair.root.sign(from, tx)])
        }
    };
    let leaves = |event: &Event| match event {
        Event::Remitted { amount, .. } | Event::PaidBack { amount, .. } => *amount,
        _ => Amount::ZERO,
    };
    made.map_or(Amount::ZERO, |outcome| sum(outcome.events.iter().map(leaves)))
}

/// The last object of a kind that a ledger's blocks have made.
fn last_made<T>(ledger: &Ledger, is: impl Fn(Id) -> Option<T>) -> Option<T> {
    let mut state = ledger.genesis.clone();
    let made = ledger.history.iter().flat_map(|(block, _)| {
        let mut over = Overlay::new(std::mem::take(&mut state));
        let outcome = apply_block(&mut over, &ledger.params, block).unwrap();
        let (base, changes) = over.into_parts();
        state = base;
        state.commit(&changes);
        outcome.receipts.into_iter().flat_map(|receipt| receipt.created).collect::<Vec<_>>()
    });
    made.filter_map(is).last()
}

fn token_move(child: &Ledger, from: u8, to: u8, kind: u8, amount: u128) -> Transaction {
    let last = last_made(child, |id| if let Id::Token(id) = id { Some(id) } else { None });
    match (last, kind) {
        (None, _) => child.create_token(from, 100, true).1.into(),
        (Some(id), 0) => child.mint_token(from, id, amount, to).into(),
        (Some(id), 1) => child.burn_token(from, id, amount).into(),
        (Some(id), _) => child.transfer_token(from, id, amount, account(to)).into(),
    }
}

fn entry_move(root: &Ledger, from: u8, kind: u8, heights: u64) -> Transaction {
    let last = last_made(root, |id| if let Id::Entry(id) = id { Some(id) } else { None });
    match (last, kind) {
        (None, _) | (_, 0) => root.create_entry(from, b"data", Lifetime::Heights(heights)).1.into(),
        (Some(id), 1) => root.extend(from, Target::Entry(id), heights).into(),
        (Some(id), 2) => root.transfer_entry(from, id, BOB).into(),
        (Some(id), _) => root.destroy_entry(from, id).into(),
    }
}

fn contract_move(root: &Ledger, from: u8, kind: u8, by: u64) -> Transaction {
    let last = last_made(root, |id| if let Id::Contract(id) = id { Some(id) } else { None });
    match (last, kind) {
        (None, _) | (_, 0) => {
            let lifetime = Lifetime::Heights(by + 1);
            ContractCreateV2 { lifetime, deposit: coins(by), ..root.counter(from, 1).1 }.into()
        }
        (Some(id), 1) => root.extend(from, Target::Contract(id), by).into(),
        (Some(id), _) => root.call_contract(from, id, tick(i64::try_from(by).unwrap())).into(),
    }
}

/// The roots after each block, from the genesis.
pub fn replayed(ledger: &Ledger) -> Vec<Hash> {
    let mut state = ledger.genesis.clone();
    let apply = |(block, _): &(Block, _)| {
        let mut overlay = Overlay::new(std::mem::take(&mut state));
        let outcome = apply_block(&mut overlay, &ledger.params, block).unwrap();
        let (base, changes) = overlay.into_parts();
        state = base;
        state.commit(&changes);
        assert_eq!(state.root(), outcome.root);
        outcome.root
    };
    ledger.history.iter().map(apply).collect()
}

/// The roots before each block, from the end; and the state that is left.
pub fn unwound(ledger: &Ledger) -> (Vec<Hash>, MapState) {
    let mut state = ledger.state.clone();
    let mut roots = vec![];
    for (_, undo) in ledger.history.iter().rev() {
        state.commit(undo);
        roots.push(state.root());
    }
    (roots, state)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn apply_then_unwind_changes_nothing(moves in moves()) {
        let mut pair = Pair::funded();
        // Objects end while we watch.
        pair.root.params.grace = 3;
        for step in moves {
            make(&mut pair, step);
        }
        for ledger in [&pair.root, &pair.child] {
            let forwards = replayed(ledger);
            let (mut backwards, state) = unwound(ledger);
            backwards.reverse();
            prop_assert_eq!(&backwards[1..], &forwards[..forwards.len() - 1], "every state was reached twice");
            prop_assert_eq!(backwards[0], ledger.genesis.root());
            prop_assert!(state.leaves().eq(ledger.genesis.leaves()));
            prop_assert_eq!(forwards.last(), Some(&ledger.root_hash()));
        }
    }

    #[test]
    fn money_leaves_an_escrow_by_one_function(moves in moves()) {
        let mut pair = Pair::funded();
        for step in moves {
            let before = pair.root.escrow(pair.id);
            let paid = make(&mut pair, step);
            let after = pair.root.escrow(pair.id);
            prop_assert_eq!(after.remitted.minus(before.remitted), Some(paid), "it falls by what a remit pays, by nothing else");
            prop_assert!(after.committed >= before.committed);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn changed_bytes_never_panic(
        kind in 0usize..4, changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut in any::<prop::sample::Index>()
    ) {
        let pair = ready();
        let mut bytes = examples(&pair)[kind].bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut.index(4) == 0 {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(tx) = SignedTx::decode(&bytes) {
            let [_, plain] = tx.messages("");
            prop_assert_eq!(tx.transaction().encode(), plain, "what was read is what was signed");
            prop_assert_eq!(tx.bytes(), &bytes[..]);
            let _ = pair.root.admit(&tx);
            let _ = pair.child.admit(&tx);
        }
    }

    #[test]
    fn no_signed_transaction_makes_a_ledger_panic_or_coin(signed in signed()) {
        let pair = ready();
        for ledger in [&pair.root, &pair.child] {
            let (signer, tx) = signed.clone();
            let tx = tx.with_nonce(ledger.nonce(signer));
            // What is accepted has kept every law: the block of it is applied and checked.
            let mut after = ledger.clone();
            let tx = ledger.sign(signer, tx);
            let fits = if ledger.params.is_root() { after.micro(&[tx]) } else { after.child_block(&pair.root, &[tx]) };
            if fits.is_err() {
                prop_assert_eq!(after.root_hash(), ledger.root_hash());
            }
        }
    }
}

/// A pair in which a remit is due and a commit waits.
fn ready() -> Pair {
    static READY: LazyLock<Pair> = LazyLock::new(|| {
        let mut pair = Pair::funded();
        pair.commit(ALICE, BOB, coins(3));
        pair.step(&[pair.withdraw(ALICE, coins(10))]).unwrap();
        pair.commit(ALICE, BOB, coins(4));
        pair.root.key_block(LEADER);
        pair
    });
    READY.clone()
}

fn examples(pair: &Pair) -> [SignedTx; 4] {
    [
        pair.root.sign(ALICE, pair.root.spend(ALICE, account(BOB), coins(1))),
        pair.root.sign(ALICE, pair.root.create(ALICE, "other")),
        pair.root.sign(OPERATORS[0], pair.honest_remit()),
        pair.withdraw(ALICE, coins(1)),
    ]
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        Just(Amount::ZERO),
        Just(Amount::MAX),
        (0..100u128).prop_map(units),
        (0..2_000u64).prop_map(coins),
        (0..=banyan_types::SUPPLY_MAX).prop_map(units),
    ]
}

fn edge() -> impl Strategy<Value = u64> {
    prop_oneof![0..20u64, Just(u64::MAX), Just(u64::MAX - 1), any::<u64>()]
}

fn person() -> impl Strategy<Value = u8> {
    prop_oneof![Just(ALICE), Just(BOB), Just(CAROL), Just(OPERATORS[0])]
}

fn asset() -> impl Strategy<Value = Asset> {
    prop_oneof![9 => Just(Asset::Coin), 1 => any::<[u8; 32]>().prop_map(|id| Asset::Token(TokenId(id)))]
}

fn associate() -> impl Strategy<Value = AssociateId> {
    let id = Pair::new().id;
    prop_oneof![4 => Just(id), 1 => any::<[u8; 32]>().prop_map(AssociateId)]
}

fn payee() -> impl Strategy<Value = Payee> {
    prop_oneof![
        4 => (0u8..14).prop_map(|person| Payee::Account(account(person))),
        1 => any::<[u8; 32]>().prop_map(|id| Payee::Contract(ContractId(id))),
    ]
}

fn route() -> impl Strategy<Value = Vec<Hop>> {
    vec(prop_oneof![Just(Hop::Up), associate().prop_map(Hop::Down)], 0..10)
}

/// Any transaction, well signed, with a fee that is enough.
fn signed() -> impl Strategy<Value = (u8, Transaction)> {
    prop_oneof![
        (person(), payee(), amount(), edge(), vec(any::<u8>(), 0..40)).prop_map(|(from, to, amount, ttl, payload)| {
            let base = Ledger::root().spend(from, account(BOB), amount);
            (from, Spend { recipient_id: to, ttl: Height(ttl), payload: Bytes(payload), ..base }.into())
        }),
        (person(), associate(), asset(), amount(), route(), edge()).prop_map(
            |(from, id, asset, amount, route, deadline)| {
                let base = Ledger::root().commit(from, id, BOB, amount);
                (from, AssociateCommit { asset, route, deadline: Height(deadline), ..base }.into())
            }
        ),
        (person(), payee(), asset(), amount(), route()).prop_map(|(from, to, asset, amount, route)| {
            let base = Ledger::root().withdraw(from, to, amount);
            (from, AssociateWithdraw { asset, route, ..base }.into())
        }),
        (person(), change(), vec((payee(), asset(), amount(), route(), edge()), 0..4), any::<bool>())
            .prop_map(|(from, change, lines, fold)| (from, lie(from, &change, &lines, fold).into())),
    ]
}

/// Numbers of a summary, where they are changed.
type Change = (Option<u64>, Option<u64>, Option<u64>, Option<u64>, Vec<u64>);

fn change() -> impl Strategy<Value = Change> {
    let maybe = || proptest::option::weighted(0.2, edge());
    (maybe(), maybe(), maybe(), maybe(), vec(0..6u64, 0..3))
}

/// A remit with the true operators' signatures over a summary that is partly invented.
fn lie(from: u8, change: &Change, lines: &[(Payee, Asset, Amount, Vec<Hop>, u64)], fold: bool) -> AssociateRemit {
    let pair = ready();
    let point = pair.root.point(pair.id).point;
    let (honest, honest_lines) = pair.child.summary(&pair.root);
    let line =
        |(n, (to, asset, amount, route, child_height)): (u64, &(Payee, Asset, Amount, Vec<Hop>, u64))| OutboxEntry {
            n,
            to: *to,
            asset: *asset,
            amount: *amount,
            route: route.clone(),
            child_height: Height(*child_height),
            ..honest_lines[0].clone()
        };
    let lines: Vec<_> = (point.outbox_acked..).zip(lines).map(line).collect();
    let (seq, child_to, parent_height, inbox_acked, skipped) = change;
    let mut summary = Summary {
        seq: seq.unwrap_or(honest.seq),
        child_to: child_to.map_or(honest.child_to, Height),
        parent_height: parent_height.map_or(honest.parent_height, Height),
        inbox_acked: inbox_acked.unwrap_or(honest.inbox_acked),
        skipped: skipped.clone(),
        ..honest
    };
    if fold {
        summary.outbox_hash = lines.iter().fold(point.outbox_hash, |before, line| line.chain(before));
        summary.outbox_acked = point.outbox_acked + lines.len() as u64;
    }
    pair.root.remit(from, summary, lines)
}
