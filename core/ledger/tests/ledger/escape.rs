//! A dead child: its users prove what they had, and everybody is paid the same share of what there is.

use banyan_ledger::{Account, Changes, Event, Invalid, Rejected, Status, Supply, key};
use banyan_types::{
    Amount, Asset, AssociateId, Bytes, Height, Payee, Signature,
    associate::{ProofStep, escape_message},
    tx::AssociateEscape,
};

use proptest::{collection::vec, prelude::*};

use crate::support::*;

const NOBODY: AssociateId = AssociateId([1; 32]);

fn owner(person: u8) -> Payee {
    Payee::Account(account(person))
}

/// A child of Alice and Bob whose last state is known, and that is silent since.
fn silent() -> Pair {
    let mut pair = Pair::funded();
    pair.fall_silent();
    pair
}

impl Pair {
    fn claim(&self, person: u8) -> AssociateEscape {
        self.root.escape(person, self.id, owner(person), &[], &self.child)
    }

    /// Past the height at which shares are fixed.
    fn pass_window(&mut self) {
        let Status::Dead { until, .. } = self.root.point(self.id).status else { panic!("nobody has claimed") };
        while self.root.height() <= until {
            self.root.key_block(LEADER);
        }
    }
}

/// Coins from nowhere, in the state that the child shows.
fn mint(child: &mut Ledger, person: u8, amount: Amount) {
    let (before, supply) = (child.account(person), child.supply());
    let mut changes = Changes::new();
    let balance = before.balance.plus(amount).unwrap();
    changes.insert(key::account(account(person)), Some(Account { balance, ..before }.encode()));
    let (minted, accounts) = (supply.minted.plus(amount).unwrap(), supply.accounts.plus(amount).unwrap());
    changes.insert(key::supply(), Some(Supply { minted, accounts, ..supply }.encode()));
    child.state.commit(&changes);
}

#[test]
fn escape_rejects_in_the_written_order() {
    let mut pair = Pair::funded();
    // Money that waits for a refund keeps the point when all else is settled.
    pair.commit(CAROL, CAROL, coins(1));
    pair.fall_silent();
    let (id, dead) = (pair.id, pair.root.clone());
    let alive = Pair::funded().root;
    let good = pair.claim(ALICE);
    let bobs = pair.claim(BOB);
    pair.on_root(BOB, bobs.clone());
    let claimed = pair.root.clone();
    pair.pass_window();
    pair.root.key_blocks(SILENCE);
    let late = pair.root.clone();

    let proof = |why| Rejected::Proof { why };
    let step = good.proofs[0].clone();
    let wrong = AssociateEscape {
        associate_id: NOBODY,
        from_id: account(CAROL),
        account_id: owner(BOB),
        proofs: vec![],
        nonce: alive.nonce(CAROL),
        ..good.clone()
    };
    let nonce = dead.nonce(CAROL);
    Wrong::new((wrong, alive), |(tx, root)| root.admit(&root.sign(CAROL, tx.clone())))
        .says(Rejected::Unknown, |(tx, _)| tx.associate_id = id)
        .says(Rejected::NotDead { status: "open" }, |(tx, root)| {
            tx.nonce = nonce;
            *root = late;
        })
        .says(
            Rejected::Window {
                last: Height(claimed.height().0 + 2 * SILENCE),
                height: Height(claimed.height().0 + 2 * SILENCE + 1),
            },
            |(_, root)| *root = claimed.clone(),
        )
        .says(proof("a way of at most 8 ledgers, with one step for each and one for the account"), |(tx, _)| {
            tx.proofs = vec![ProofStep { leaves: vec![], ..step.clone() }];
        })
        .says(proof("another number of leaves"), |(tx, _)| {
            tx.proofs = vec![ProofStep { proof: Bytes(vec![0xff]), ..step.clone() }];
        })
        .says(proof("not a proof"), |(tx, _)| tx.proofs = vec![step.clone()])
        .says(proof("the leaves do not stand in that state"), |(tx, _)| tx.proofs = bobs.proofs.clone())
        .says(Rejected::Claimed { account: owner(BOB) }, |(tx, _)| {
            (tx.account_id, tx.proofs) = (owner(ALICE), vec![step]);
        })
        .says(Rejected::Signer { owner: owner(ALICE) }, |(tx, _)| tx.authorization = Bytes(vec![7; 64]))
        .says(Rejected::Signer { owner: owner(ALICE) }, |(tx, _)| {
            let message = escape_message("banyan_test", id, owner(ALICE), Asset::Coin, &[]);
            tx.authorization = Bytes(secret(ALICE).sign(&message).to_vec());
        })
        .accepted();
}

#[test]
fn a_root_of_zeros_proves_nothing() {
    let mut pair = Pair::new();
    pair.commit(ALICE, ALICE, coins(5));
    pair.child.child_block(&pair.root.clone(), &[]).unwrap_or_else(|_| pair.step(&[]).unwrap());
    pair.fall_silent();
    let why = Rejected::Proof { why: "the ledger committed to no state" };
    assert_eq!(pair.asked(ALICE, pair.claim(ALICE)).unwrap_err(), why);
}

#[test]
fn a_dead_child_pays_every_proven_claim_its_share() {
    // The operators' last word shows money that the child never had: everybody loses the same part.
    let mut pair = Pair::funded();
    mint(&mut pair.child, CAROL, coins(2_000));
    pair.step(&[]).unwrap();
    pair.remit().unwrap();
    let held = pair.held();
    pair.fall_silent();
    for person in [ALICE, BOB, CAROL] {
        let claim = pair.claim(person);
        let before = pair.root.balance(person);
        let outcome = pair.on_root(person, claim);
        assert!(matches!(outcome.events.last(), Some(Event::Claimed { .. })));
        assert_eq!(pair.root.balance(person), before.minus(FEE).unwrap(), "shares are paid when the window is over");
    }
    let before = [ALICE, BOB, CAROL].map(|person| pair.root.balance(person));
    pair.pass_window();
    let got: Vec<_> = [ALICE, BOB, CAROL]
        .into_iter()
        .zip(before)
        .map(|(person, before)| pair.root.balance(person).minus(before).unwrap())
        .collect();
    // 2,000 coins were there, 4,000 were shown.
    assert_eq!(held, coins(2_000));
    assert_eq!(got, [coins(500), coins(500), coins(1_000)]);
    assert_eq!(pair.root.at(&key::point(pair.id), |_| ()), None, "nothing is left");
}

#[test]
fn an_honest_dead_child_pays_in_full() {
    let mut pair = silent();
    let claim = pair.claim(ALICE);
    pair.on_root(ALICE, claim);
    let before = pair.root.balance(ALICE);
    pair.pass_window();
    assert_eq!(pair.root.balance(ALICE), before.plus(coins(1_000)).unwrap());
    assert_eq!(pair.held(), coins(1_000), "Bob's is still there");
}

#[test]
fn late_claims_are_paid_while_money_remains_and_then_the_rest_goes_to_the_pool() {
    let mut pair = silent();
    let claim = pair.claim(ALICE);
    pair.on_root(ALICE, claim);
    pair.pass_window();
    let late = pair.claim(BOB);
    let mut other = pair.clone();
    let before = pair.root.balance(BOB);
    pair.on_root(BOB, late);
    assert_eq!(pair.root.balance(BOB), before.plus(coins(1_000)).unwrap().minus(FEE).unwrap());
    assert_eq!(pair.root.at(&key::point(pair.id), |_| ()), None);
    // Nobody else comes: a window later the rest is unmined again.
    let pool = other.root.supply().pool;
    let mut forfeited = false;
    for _ in 0..=SILENCE {
        let outcome = other.root.key_block(LEADER);
        forfeited |= outcome.events.contains(&Event::Forfeited {
            associate: other.id,
            asset: Asset::Coin,
            amount: coins(1_000),
        });
    }
    assert!(forfeited);
    assert!(other.root.supply().pool > pool.minus(coins(100 * (SILENCE + 1))).unwrap());
    assert_eq!(other.root.at(&key::point(other.id), |_| ()), None);
    let why = other.asked(BOB, AssociateEscape { nonce: other.root.nonce(BOB), ..other.claim_of_gone(BOB) });
    assert_eq!(why.unwrap_err(), Rejected::Unknown);
}

impl Pair {
    /// A claim on a child whose point is gone.
    fn claim_of_gone(&self, person: u8) -> AssociateEscape {
        self.root.escape(person, self.id, owner(person), &[], &self.child)
    }
}

#[test]
fn a_late_remit_revives_until_the_first_claim() {
    let mut pair = silent();
    pair.step(&[]).unwrap();
    let mut claimed = pair.clone();
    pair.remit().unwrap();
    assert_eq!(pair.root.point(pair.id).status, Status::Open);
    assert_eq!(pair.asked(ALICE, pair.claim(ALICE)).unwrap_err(), Rejected::NotDead { status: "open" });

    // The proof is against the state that the parent knows: the child's own has gone on since.
    let known = Pair::funded().child;
    let claim = claimed.root.escape(ALICE, claimed.id, owner(ALICE), &[], &known);
    claimed.on_root(ALICE, claim);
    let Status::Dead { since, until } = claimed.root.point(claimed.id).status else { panic!("it is not dead") };
    assert_eq!((since, until), (claimed.root.height(), since.plus(SILENCE).unwrap()));
    let late = claimed.honest_remit();
    assert_eq!(claimed.asked(OPERATORS[0], late).unwrap_err(), Rejected::Ended { status: "dead" });
}

#[test]
fn an_expired_child_with_money_opens_escape() {
    let mut pair = Pair::with(|create| create.expiry = Height(1 + SILENCE));
    pair.commit(ALICE, ALICE, coins(10));
    pair.step(&[]).unwrap();
    pair.remit().unwrap();
    let claim = |pair: &Pair| pair.claim(ALICE);
    while pair.root.height() < Height(1 + SILENCE) {
        pair.root.key_block(LEADER);
    }
    assert_eq!(pair.asked(ALICE, claim(&pair)).unwrap_err(), Rejected::NotDead { status: "open" });
    pair.root.key_block(LEADER);
    let tx = claim(&pair);
    pair.on_root(ALICE, tx);
    pair.pass_window();
    assert_eq!(pair.root.at(&key::point(pair.id), |_| ()), None, "paid, and gone");
}

#[test]
fn a_contracts_money_goes_to_who_made_it() {
    let mut pair = Pair::funded();
    let (id, create) = pair.child.counter(ALICE, 1);
    let tx = pair.child.sign(ALICE, banyan_types::tx::ContractCreateV2 { deposit: coins(30), ..create });
    pair.step(&[tx]).unwrap();
    pair.remit().unwrap();
    pair.fall_silent();
    let claim = pair.root.escape(BOB, pair.id, Payee::Contract(id), &[], &pair.child);
    assert_eq!(pair.asked(BOB, claim).unwrap_err(), Rejected::Signer { owner: owner(ALICE) });
    let claim = pair.root.escape(ALICE, pair.id, Payee::Contract(id), &[], &pair.child);
    pair.on_root(ALICE, claim);
    let before = pair.root.balance(ALICE);
    pair.pass_window();
    assert_eq!(pair.root.balance(ALICE), before.plus(coins(30)).unwrap());
}

/// A root, a child and two children of that one. The first grandchild shows money that it never had.
fn dead_family() -> Tree {
    let mut tree = Tree::funded(&[0, 1, 1]);
    mint(&mut tree.ledgers[2], BOB, coins(9_000));
    tree.advance();
    tree.remit(2);
    tree.remit(3);
    tree.advance();
    tree.remit(1);
    tree.ledgers[0].key_blocks(SILENCE + 1);
    tree
}

#[test]
fn a_grandchild_escapes_through_its_dead_parent() {
    let mut tree = dead_family();
    let id = tree.id(1);
    let escrow = tree.ledgers[0].escrow(id);
    let free = escrow.held().minus(escrow.waiting).unwrap();
    let run = |tree: &mut Tree, person, tx: AssociateEscape| {
        let tx = tree.ledgers[0].sign(person, tx);
        tree.ledgers[0].micro(&[tx]).unwrap();
    };
    // The state of the child that its parent knows is that before it heard of the remit.
    let child = tree.known(1);
    let (liar, cousin) = (tree.known(2), tree.known(3));
    let caps = [2, 3].map(|at| child.escrow(tree.id(at)).held().minus(child.escrow(tree.id(at)).waiting).unwrap());
    let mut shown = vec![];
    for person in [ALICE, BOB] {
        for (above, of) in [(vec![], &child), (vec![&child], &liar), (vec![&child], &cousin)] {
            let tx = tree.ledgers[0].escape(person, id, owner(person), &above, of);
            shown.push((person, above.len(), of.params.ledger, of.balance(person)));
            run(&mut tree, person, tx);
        }
    }
    let before = [ALICE, BOB].map(|person| tree.ledgers[0].balance(person));
    let outcomes: Vec<_> = (0..=SILENCE).map(|_| tree.ledgers[0].key_block(LEADER)).collect();
    let paid = |n: u64| {
        let mut events = outcomes.iter().flat_map(|outcome| &outcome.events);
        events
            .find_map(|event| match event {
                Event::Escaped { n: of, amount, .. } if *of == n => Some(*amount),
                _ => None,
            })
            .unwrap()
    };
    let of_liar = |child: AssociateId| child == tree.id(2);
    let claimed = sum(shown.iter().filter(|(_, _, of, _)| of_liar(*of)).map(|(.., amount)| *amount));
    assert!(claimed > caps[0], "else this proves nothing");
    let mut liars = 0;
    for (n, (_, _, of, amount)) in shown.iter().enumerate() {
        let paid = paid(n as u64);
        if !of_liar(*of) {
            assert_eq!(paid, *amount, "siblings and cousins are whole");
            continue;
        }
        // In one bucket everybody loses the same share.
        liars += paid.base();
        let expected = amount.base() / 1_000_000 * (caps[0].base() / 1_000) / (claimed.base() / 1_000);
        assert!((paid.base() / 1_000_000).abs_diff(expected) <= expected / 100_000 + 1, "{paid} of {amount}");
    }
    assert!(liars <= caps[0].base() && liars + 2 >= caps[0].base());
    let after = [ALICE, BOB].map(|person| tree.ledgers[0].balance(person));
    let all = sum(after).minus(sum(before)).unwrap();
    assert!(all <= free);
}

impl Tree {
    /// A ledger as its parent's last accepted summary shows it.
    fn known(&self, at: usize) -> Ledger {
        let ledger = &self.ledgers[at];
        let parent = self.parents[at].unwrap();
        // A child of a dead ledger is known by that ledger's own last accepted state.
        let above = if parent == 0 { self.ledgers[0].clone() } else { self.known(parent) };
        let root = above.point(ledger.params.ledger).point.root;
        let mut known = ledger.clone();
        for (_, undo) in ledger.history.iter().rev() {
            if known.root_hash() == root {
                return known;
            }
            known.state.commit(undo);
        }
        assert_eq!(known.root_hash(), root, "its parent knows no state of it");
        known
    }
}

#[test]
fn money_leaves_an_escrow_by_one_function() {
    // A claim by its signature alone, by somebody who pays for it; and whoever was refused has nothing.
    let mut pair = silent();
    let message = escape_message("banyan_test", pair.id, owner(ALICE), Asset::Coin, &[]);
    let authorization = Bytes(Signature(secret(ALICE).sign(&message)).0.to_vec());
    let claim = pair.root.escape(BOB, pair.id, owner(ALICE), &[], &pair.child);
    let escrow = pair.root.escrow(pair.id);
    pair.on_root(BOB, AssociateEscape { authorization, ..claim });
    assert_eq!(pair.root.escrow(pair.id), escrow, "a claim moves nothing");
    pair.pass_window();
    let after = pair.root.escrow(pair.id);
    assert_eq!(after.committed, escrow.committed);
    assert_eq!(after.remitted, escrow.remitted.plus(coins(1_000)).unwrap());
}

/// What happens to a dead family: who claims what, in which order, and how much later.
#[derive(Clone, Debug)]
struct Claim901 {
    person: u8,
    /// 0 the child itself, 1 and 2 its children.
    from: usize,
    wait: u64,
}

fn claims() -> impl Strategy<Value = Vec<Claim901>> {
    let person = prop_oneof![Just(ALICE), Just(BOB), Just(OPERATORS[0])];
    let wait = prop_oneof![3 => Just(0), 1 => 1..SILENCE, 1 => Just(SILENCE)];
    vec((person, 0..3usize, wait).prop_map(|(person, from, wait)| Claim901 { person, from, wait }), 1..10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever liars have shown, whoever comes when: no more is paid than there was, through each ledger no more than that
    /// ledger had, and each block of it is undone whole.
    #[test]
    fn a_dead_family_never_pays_more_than_it_had(
        invented in vec(0..5_000u64, 3),
        claims in claims(),
    ) {
        let mut tree = Tree::funded(&[0, 1, 1]);
        for (at, amount) in (1..4).zip(&invented) {
            mint(&mut tree.ledgers[at], BOB, coins(*amount));
        }
        tree.advance();
        tree.remit(2);
        tree.remit(3);
        tree.advance();
        tree.remit(1);
        tree.ledgers[0].key_blocks(SILENCE + 1);
        let (id, child) = (tree.id(1), tree.known(1));
        let below = [tree.known(2), tree.known(3)];
        let caps = [2, 3].map(|at| child.escrow(tree.id(at)).held().minus(child.escrow(tree.id(at)).waiting).unwrap());
        let free = tree.ledgers[0].escrow(id);
        let free = free.held().minus(free.waiting).unwrap();
        let (mut of_claim, mut paid) = (vec![], [Amount::ZERO; 3]);
        for claim in &claims {
            let tx = match claim.from {
                0 => tree.ledgers[0].escape(claim.person, id, owner(claim.person), &[], &child),
                at => tree.ledgers[0].escape(claim.person, id, owner(claim.person), &[&child], &below[at - 1]),
            };
            let tx = tree.ledgers[0].sign(claim.person, tx);
            let mut events = vec![];
            match tree.ledgers[0].micro(&[tx]) {
                Ok(outcome) => {
                    of_claim.push(claim.from);
                    events.extend(outcome.events);
                }
                Err(Invalid::Transaction { why, .. }) => prop_assert!(
                    matches!(why, Rejected::Claimed { .. } | Rejected::Window { .. } | Rejected::Unknown), "{why}"
                ),
                Err(other) => panic!("{other}"),
            }
            (0..claim.wait).for_each(|_| events.extend(tree.ledgers[0].key_block(LEADER).events));
            count(&events, &of_claim, &mut paid);
        }
        for _ in 0..=2 * SILENCE {
            let events = tree.ledgers[0].key_block(LEADER).events;
            count(&events, &of_claim, &mut paid);
        }
        prop_assert!(sum(paid) <= free, "{paid:?} of {free}");
        prop_assert!(paid[1] <= caps[0] && paid[2] <= caps[1], "{paid:?} of {caps:?}");
    }
}

/// Add what these events pay to what came through each ledger.
fn count(events: &[Event], of_claim: &[usize], paid: &mut [Amount; 3]) {
    for event in events {
        if let Event::Escaped { n, amount, .. } = event {
            let from = of_claim[usize::try_from(*n).unwrap()];
            paid[from] = paid[from].plus(*amount).unwrap();
        }
    }
}
