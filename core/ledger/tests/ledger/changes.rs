//! Changes of a connection point: what binds at once, what is announced, and who allows it.

use banyan_ledger::{Event, OperatorBond, Rejected, Status, key};
use banyan_types::{
    Amount, AssociateId, Bytes, Gas, Height,
    associate::{Access, AccessLine, Change, ChildParams, InboxKind},
    limits::PENDING_MAX,
    tx::AssociateUpdate,
};

use crate::support::*;

const NOBODY: AssociateId = AssociateId([1; 32]);

fn operators(people: &[u8], threshold: u8) -> Change {
    Change::Operators { operators: people.iter().map(|person| account(*person)).collect(), threshold }
}

fn line(person: u8, receive: bool, transact: bool) -> AccessLine {
    AccessLine { account: account(person), receive, transact }
}

impl Pair {
    fn change(&mut self, change: Change) -> banyan_ledger::Outcome {
        let tx = self.root.update(ALICE, self.id, change);
        self.on_root(ALICE, tx)
    }

    fn refused(&self, change: Change) -> Rejected {
        self.asked(ALICE, self.root.update(ALICE, self.id, change)).unwrap_err()
    }
}

#[test]
fn update_rejects_in_the_written_order() {
    let mut pair = Pair::new();
    for n in 0..PENDING_MAX {
        let limit = units(n as u128 + 100);
        pair.change(Change::Params(ChildParams { commit_min: limit, ..child_params() }));
    }
    let (full, id) = (pair.root.clone(), pair.id);
    let root = Pair::new().root;
    let good = root.update(ALICE, id, operators(&OPERATORS, 2));
    let wrong = AssociateUpdate {
        associate_id: NOBODY,
        change: operators(&[], 1),
        authorization: Bytes::default(),
        nonce: full.nonce(ALICE),
        ..good
    };
    Wrong::new((wrong, full.clone()), |(tx, root)| root.admit(&root.sign(ALICE, tx.clone())))
        .says(Rejected::Unknown, |(tx, _)| tx.associate_id = id)
        .says(Rejected::Operators { max: 64, got: 0 }, |(tx, _)| tx.change = operators(&[ALICE, BOB], 1))
        .says(Rejected::Threshold { of: 2, got: 1 }, |(tx, _)| tx.change = operators(&[ALICE, BOB], 2))
        .says(Rejected::TooManyPending { max: PENDING_MAX }, |(tx, ledger)| {
            tx.nonce = root.nonce(ALICE);
            *ledger = root.clone();
        })
        .says(Rejected::Authorization { valid: 0, needed: 2 }, |(tx, _)| {
            tx.authorization = root.update(ALICE, id, tx.change.clone()).authorization;
        })
        .accepted();

    pair.fall_silent();
    assert_eq!(pair.refused(Change::Expiry(Height(9_000))), Rejected::Status { status: "dead" });
    pair.commit_and_bury();
    assert_eq!(pair.refused(Change::Expiry(Height(9_000))), Rejected::Ended { status: "dead" });
}

impl Pair {
    /// Somebody's commit goes back: the child is dead for good. Money of nobody keeps its point.
    fn commit_and_bury(&mut self) {
        let mut pair = Pair::funded();
        pair.commit(CAROL, CAROL, coins(3));
        pair.fall_silent();
        let n = pair.root.point(pair.id).inbox_next - 1;
        let refund = pair.root.refund(BOB, pair.id, n);
        pair.on_root(BOB, refund);
        *self = pair;
    }
}

#[test]
fn malformed_changes_are_refused() {
    let pair = Pair::new();
    let height = pair.root.height();
    let least = height.plus(SILENCE).unwrap();
    let change = |why| Rejected::Change { why };
    let lines = change("an access list of 1 to 1,000 accounts, each once");
    let bond = change("more than is bonded, or nothing");
    let out = |amount| Change::BondOut { operator: account(OPERATORS[0]), amount };
    let rows = [
        (Change::Params(ChildParams { silence: 1, ..child_params() }), Rejected::Params { field: "silence" }),
        (Change::Access(Access::Open), change("the access is so already")),
        (Change::AccessLines(vec![]), lines.clone()),
        (Change::AccessLines(vec![line(BOB, true, true), line(BOB, false, true)]), lines),
        (Change::BondIn(coins(1)), change("who puts up a bond must be an operator")),
        (out(Amount::ZERO), bond.clone()),
        (out(units(1)), bond),
        (Change::Expiry(Height(1)), Rejected::Expiry { least, got: Height(1) }),
        (Change::Thaw, change("it is not frozen")),
    ];
    for (change, why) in rows {
        assert_eq!(pair.refused(change), why);
    }
}

#[test]
fn a_weaker_rule_waits_and_a_stronger_one_does_not() {
    let mut pair = Pair::new();
    let now = |pair: &Pair| pair.root.point(pair.id);
    // A higher threshold of the same operators binds at once.
    assert!(pair.change(operators(&OPERATORS, 3)).events.contains(&Event::Updated {
        associate: pair.id,
        what: "operators",
        waits: false
    }));
    assert_eq!((now(&pair).threshold, now(&pair).pending.len()), (3, 0));
    let three = |pair: &Pair, change: Change| {
        let point = pair.root.point(pair.id);
        let message =
            banyan_types::associate::update_message(&pair.root.params.network_id, pair.id, point.acts, &change);
        let all: Vec<(u64, u8)> = (0..).zip(OPERATORS).collect();
        AssociateUpdate { authorization: signed_by(&message, &all), ..pair.root.update(ALICE, pair.id, change) }
    };
    // Two of them can no longer lower it, and three only after the delay.
    assert_eq!(pair.refused(operators(&OPERATORS, 2)), Rejected::Authorization { valid: 2, needed: 3 });
    let lower = three(&pair, operators(&OPERATORS, 2));
    pair.on_root(ALICE, lower);
    let due = pair.root.height().plus(COMMIT_TIMEOUT).unwrap();
    assert_eq!((now(&pair).threshold, now(&pair).pending[0].due), (3, due));
    while pair.root.height().next() < Some(due) {
        pair.root.key_block(LEADER);
    }
    assert_eq!(now(&pair).threshold, 3);
    pair.root.key_block(LEADER);
    assert_eq!((now(&pair).threshold, now(&pair).pending.len()), (2, 0));
}

#[test]
fn only_a_tighter_limit_and_a_higher_bond_bind_at_once() {
    let limited = |limit: u64, heights: u64| ChildParams {
        remit_limit: coins(limit),
        remit_limit_heights: heights,
        ..child_params()
    };
    let rows = [
        (limited(100, 50), true),
        (limited(90, 50), true),
        (limited(90, 60), true),
        (limited(91, 60), false),
        (limited(90, 59), false),
        (child_params(), false),
        (ChildParams { operator_bond: coins(1), ..limited(90, 60) }, true),
        (ChildParams { commit_min: units(11), ..limited(90, 60) }, false),
        (ChildParams { inbox_open_max: 999, ..limited(80, 60) }, false),
    ];
    let mut pair = Pair::new();
    for (params, at_once) in rows {
        let before = pair.root.point(pair.id).params;
        let mut asked = pair.clone();
        asked.change(Change::Params(params.clone()));
        let point = asked.root.point(pair.id);
        assert_eq!((point.params == params, point.pending.len()), (at_once, usize::from(!at_once)), "{params:?}");
        assert!(at_once || point.params == before);
        if at_once && params.operator_bond.is_zero() {
            pair = asked;
        }
    }
}

#[test]
fn an_act_of_the_operators_counts_once() {
    let mut pair = Pair::new();
    let lower = pair.root.update(ALICE, pair.id, operators(&[ALICE, BOB], 2));
    pair.on_root(ALICE, lower.clone());
    let again = AssociateUpdate { nonce: pair.root.nonce(ALICE), ..lower };
    assert_eq!(pair.asked(ALICE, again).unwrap_err(), Rejected::Authorization { valid: 0, needed: 2 });
}

#[test]
fn a_commit_pays_for_its_credit_where_the_child_asks_for_it() {
    let mut pair = Pair::with(|create| create.params.commit_gas = Gas(1_000_000));
    let commit = pair.root.commit(ALICE, pair.id, ALICE, coins(1));
    let size = banyan_types::tx::Transaction::from(commit.clone()).encode().len() as u128;
    let needed = units((30_000 + 20 * size + 1_000_000) * 1_000_000_000);
    let short = banyan_types::tx::AssociateCommit { fee: units(2 * 10u128.pow(14)), ..commit.clone() };
    let why = pair.asked(ALICE, short).unwrap_err();
    assert!(matches!(why, Rejected::FeeTooLow { needed: least, .. } if least <= needed), "{why}");
    pair.on_root(ALICE, commit);
}

#[test]
fn a_listed_child_takes_and_hears_only_its_own() {
    let mut pair = Pair::with(|create| create.access = Access::Listed);
    pair.step(&[]).unwrap();
    assert_eq!(pair.child.parent_leaf().access, Access::Listed);
    let commit = |pair: &Pair, to| pair.root.commit(ALICE, pair.id, to, coins(100));
    assert_eq!(pair.asked(ALICE, commit(&pair, ALICE)).unwrap_err(), Rejected::Access { account: account(ALICE) });
    pair.change(Change::AccessLines(vec![line(ALICE, true, true), line(BOB, true, false)]));
    assert_eq!(pair.asked(ALICE, commit(&pair, CAROL)).unwrap_err(), Rejected::Access { account: account(CAROL) });
    for to in [ALICE, BOB] {
        let tx = commit(&pair, to);
        pair.on_root(ALICE, tx);
    }
    pair.step(&[]).unwrap();
    let spend = |pair: &Pair, from| pair.child.sign(from, pair.child.spend(from, account(CAROL), coins(1)));
    pair.child.admit(&spend(&pair, ALICE)).unwrap();
    let why = pair.child.admit(&spend(&pair, BOB)).unwrap_err();
    assert_eq!(why, Rejected::NoTransact { account: account(BOB) });
    // Whoever is off the list can still take the money out.
    pair.change(Change::AccessLines(vec![line(ALICE, false, false)]));
    pair.step(&[]).unwrap();
    assert_eq!(pair.root.at(&key::access(pair.id, account(ALICE)), |_| ()), None);
    assert_eq!(pair.child.admit(&spend(&pair, ALICE)).unwrap_err().code(), "no_transact");
    let leave = pair.withdraw(ALICE, coins(99));
    pair.step(&[leave]).unwrap();
    pair.remit().unwrap();
}

#[test]
fn a_child_hears_of_a_new_access_when_it_binds() {
    let mut pair = Pair::funded();
    pair.change(Change::Access(Access::Listed));
    let point = pair.root.point(pair.id);
    let notice = pair.root.inbox(pair.id, point.inbox_next - 1).unwrap();
    assert!(matches!(notice.kind, InboxKind::Notice(_)), "it is announced below too");
    pair.step(&[]).unwrap();
    assert_eq!(pair.child.parent_leaf().access, Access::Open);
    pair.root.key_blocks(COMMIT_TIMEOUT);
    pair.step(&[]).unwrap();
    assert_eq!((pair.root.point(pair.id).access, pair.child.parent_leaf().access), (Access::Listed, Access::Listed));
}

#[test]
fn an_operator_counts_with_its_bond_alone() {
    let bond = coins(50);
    let mut pair = Pair::with(|create| create.params.operator_bond = bond);
    pair.step(&[]).unwrap();
    assert_eq!(pair.remit().unwrap_err().to_string(), {
        let why = Rejected::Authorization { valid: 0, needed: 2 };
        banyan_ledger::Invalid::Transaction { index: 0, why }.to_string()
    });
    for person in [OPERATORS[0], OPERATORS[2]] {
        let tx = pair.root.update(person, pair.id, Change::BondIn(bond));
        pair.on_root(person, AssociateUpdate { authorization: Bytes::default(), ..tx });
    }
    pair.remit().unwrap();
    assert_eq!(pair.root.supply().bonds, coins(100));
    // A bond goes back after the delay; then its owner counts no more.
    let message = |pair: &Pair, change: &Change| {
        let acts = pair.root.point(pair.id).acts;
        banyan_types::associate::update_message(&pair.root.params.network_id, pair.id, acts, change)
    };
    let out = Change::BondOut { operator: account(OPERATORS[2]), amount: units(1) };
    let authorization = signed_by(&message(&pair, &out), &[(0, OPERATORS[0]), (2, OPERATORS[2])]);
    let tx = AssociateUpdate { authorization, ..pair.root.update(ALICE, pair.id, out) };
    let before = pair.root.balance(OPERATORS[2]);
    pair.on_root(ALICE, tx);
    assert_eq!(pair.root.balance(OPERATORS[2]), before);
    pair.root.key_blocks(COMMIT_TIMEOUT);
    assert_eq!(pair.root.balance(OPERATORS[2]), before.plus(units(1)).unwrap());
    pair.step(&[]).unwrap();
    assert_eq!(pair.remit().unwrap_err().to_string(), {
        let why = Rejected::Authorization { valid: 1, needed: 2 };
        banyan_ledger::Invalid::Transaction { index: 0, why }.to_string()
    });
}

#[test]
fn whoever_is_no_operator_any_more_has_its_bond_back() {
    let mut pair = Pair::new();
    let tx = pair.root.update(OPERATORS[2], pair.id, Change::BondIn(coins(9)));
    pair.on_root(OPERATORS[2], tx);
    assert_eq!(pair.root.point(pair.id).bonds, [OperatorBond { operator: account(OPERATORS[2]), amount: coins(9) }]);
    let before = pair.root.balance(OPERATORS[2]);
    pair.change(operators(&OPERATORS[..2], 2));
    pair.root.key_blocks(COMMIT_TIMEOUT);
    assert_eq!(pair.root.point(pair.id).bonds, []);
    assert_eq!(pair.root.balance(OPERATORS[2]), before.plus(coins(9)).unwrap());
    assert_eq!(pair.root.supply().bonds, Amount::ZERO);
}

#[test]
fn bonds_go_back_with_a_closed_child() {
    let mut pair = Pair::new();
    let tx = pair.root.update(OPERATORS[2], pair.id, Change::BondIn(coins(9)));
    pair.on_root(OPERATORS[2], tx);
    let before = pair.root.balance(OPERATORS[2]);
    let close = pair.root.close(ALICE, pair.id);
    pair.on_root(ALICE, close);
    assert_eq!(pair.root.balance(OPERATORS[2]), before.plus(coins(9)).unwrap());
}

#[test]
fn a_longer_life_by_an_update_is_paid_for() {
    let mut pair = Pair::new();
    let id = pair.id;
    let longer = pair.root.height().plus(900_000).unwrap();
    let tx = pair.root.update(ALICE, id, Change::Expiry(longer));
    let unsigned = banyan_types::tx::Transaction::from(tx.clone());
    let (params, size) = (&pair.root.params, unsigned.encode().len());
    let fee = banyan_ledger::rules::minimum_fee(params, &unsigned, size, pair.root.height()).unwrap();
    let cheap = AssociateUpdate { fee, ..tx.clone() };
    assert!(matches!(pair.asked(ALICE, cheap).unwrap_err(), Rejected::FeeTooLow { .. }));
    pair.on_root(ALICE, AssociateUpdate { fee: coins(1), ..tx });
    assert_eq!(pair.root.point(id).expiry, longer);
    // A shorter one ends it sooner, though never before its users could know.
    let sooner = pair.root.height().plus(SILENCE).unwrap();
    pair.change(Change::Expiry(sooner));
    while pair.root.height() <= sooner {
        pair.root.key_block(LEADER);
    }
    assert_eq!(pair.root.at(&key::point(id), |_| ()), None);
}

#[test]
fn a_speed_limit_holds_per_span() {
    let mut pair = Pair::funded();
    let params = ChildParams { remit_limit: coins(30), remit_limit_heights: 50, ..child_params() };
    pair.change(Change::Params(params));
    let take = |pair: &mut Pair, amount| {
        let tx = pair.withdraw(ALICE, coins(amount));
        pair.step(&[tx]).unwrap();
    };
    take(&mut pair, 20);
    pair.remit().unwrap();
    take(&mut pair, 11);
    let remit = pair.honest_remit();
    let why = pair.asked(OPERATORS[0], remit).unwrap_err();
    assert_eq!(why, Rejected::RateLimit { limit: coins(30), got: coins(31) });
    pair.root.key_blocks(50);
    pair.remit().unwrap();
    assert_eq!(pair.root.point(pair.id).span.amount, coins(11));
    // A heartbeat needs no allowance.
    pair.step(&[]).unwrap();
    pair.remit().unwrap();
    assert_eq!(pair.root.point(pair.id).span.amount, coins(11));
    assert_eq!(pair.root.point(pair.id).status, Status::Open);
}
