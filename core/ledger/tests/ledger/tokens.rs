//! Tokens of a ledger go down into its children and come back, and never rise above it.

use banyan_ledger::{Event, Invalid, Rejected, Status, escrow_of};
use banyan_types::{
    Amount, Asset, Payee, TokenId,
    associate::Hop,
    tx::{AssociateCommit, AssociateEscape, AssociateRemit, AssociateWithdraw},
};

use crate::support::*;

/// A root, a ledger that defines a token, a child of it and a child of that one. Alice holds a thousand parts.
fn family() -> (Tree, TokenId) {
    let mut tree = Tree::funded(&[0, 1, 2]);
    let (id, create) = tree.ledgers[1].create_token(ALICE, 1_000, false);
    let tx = tree.ledgers[1].sign(ALICE, create);
    tree.run(1, &[tx]).unwrap();
    (tree, id)
}

impl Tree {
    fn down(&mut self, at: usize, person: u8, token: TokenId, amount: u128, route: Vec<Hop>) {
        let parent = self.parents[at].unwrap();
        let commit = self.ledgers[parent].commit(person, self.id(at), person, units(amount));
        let commit = AssociateCommit { asset: Asset::Token(token), route, ..commit };
        let tx = self.ledgers[parent].sign(person, commit);
        self.run(parent, &[tx]).unwrap();
        self.run(at, &[]).unwrap();
    }

    fn up(&mut self, at: usize, person: u8, token: TokenId, amount: u128, route: Vec<Hop>) -> Result<(), Invalid> {
        let ledger = &self.ledgers[at];
        let withdraw = ledger.withdraw(person, Payee::Account(account(person)), units(amount));
        let tx = ledger.sign(person, AssociateWithdraw { asset: Asset::Token(token), route, ..withdraw });
        self.run(at, &[tx])?;
        self.remit(at);
        Ok(())
    }

    fn held(&self, at: usize, token: TokenId) -> (u128, u128) {
        let parent = &self.ledgers[self.parents[at].unwrap()];
        let mut state = banyan_ledger::Overlay::new(parent.state.clone());
        let escrow = escrow_of(&mut state, self.id(at), Asset::Token(token)).unwrap();
        (escrow.held().base(), escrow.waiting.base())
    }
}

#[test]
fn a_token_goes_down_two_ledgers_and_comes_back() {
    let (mut tree, token) = family();
    tree.down(2, ALICE, token, 600, vec![]);
    assert_eq!((tree.ledgers[1].tokens(token, ALICE), tree.held(2, token)), (400, (600, 600)));
    assert_eq!(tree.ledgers[2].tokens(token, ALICE), 600);
    tree.remit(2);
    assert_eq!(tree.held(2, token), (600, 0));
    let pay = tree.ledgers[2].sign(ALICE, tree.ledgers[2].transfer_token(ALICE, token, 250, account(BOB)));
    tree.run(2, &[pay]).unwrap();
    tree.down(3, BOB, token, 250, vec![]);
    assert_eq!(tree.ledgers[3].tokens(token, BOB), 250);
    tree.up(3, BOB, token, 50, vec![]).unwrap();
    assert_eq!((tree.held(3, token), tree.ledgers[2].tokens(token, BOB)), ((200, 0), 50));
    tree.up(2, BOB, token, 50, vec![]).unwrap();
    assert_eq!((tree.held(2, token), tree.ledgers[1].tokens(token, BOB)), ((550, 0), 50));
    // Only the ledger that defines it can make or destroy it.
    let burn = tree.ledgers[2].sign(ALICE, tree.ledgers[2].burn_token(ALICE, token, 1));
    assert_eq!(tree.ledgers[2].admit(&burn).unwrap_err(), Rejected::NoToken { token });
}

#[test]
fn tokens_never_rise_above_their_ledger() {
    let (mut tree, token) = family();
    let asset = Asset::Token(token);
    let refused = tree.up(1, ALICE, token, 1, vec![]).unwrap_err();
    assert_eq!(refused, Invalid::Transaction { index: 0, why: Rejected::Asset { asset } });
    // Nor by a route: it rests where it came to.
    tree.down(2, ALICE, token, 10, vec![]);
    tree.remit(2);
    tree.up(2, ALICE, token, 10, vec![Hop::Up]).unwrap();
    assert_eq!(tree.ledgers[1].tokens(token, ALICE), 1_000);
    assert_eq!(tree.held(2, token), (0, 0));
}

#[test]
fn a_route_carries_tokens_whole_and_their_owner_pays_the_hop() {
    let (mut tree, token) = family();
    let hop = Hop::Down(tree.id(3));
    tree.down(2, ALICE, token, 70, vec![hop]);
    tree.run(3, &[]).unwrap();
    assert_eq!(tree.ledgers[3].tokens(token, ALICE), 70);
    // Somebody without coins there keeps the tokens where they are.
    let give = tree.ledgers[1].sign(ALICE, tree.ledgers[1].transfer_token(ALICE, token, 5, account(CAROL)));
    let fund = tree.ledgers[1].sign(BOB, tree.ledgers[1].spend(BOB, account(CAROL), coins(1)));
    tree.run(1, &[give, fund]).unwrap();
    tree.down(2, CAROL, token, 5, vec![hop]);
    assert_eq!(tree.ledgers[2].tokens(token, CAROL), 5);
}

#[test]
fn who_only_receives_tokens_pays_no_hop() {
    let (mut tree, token) = family();
    let hop = Hop::Down(tree.id(3));
    let stopped = |tree: &Tree| {
        (tree.ledgers[2].balance(BOB), tree.ledgers[2].tokens(token, BOB), tree.ledgers[3].tokens(token, BOB))
    };
    // Alice sends them down to Bob, and on in his name.
    let before = tree.ledgers[2].balance(BOB);
    let commit = tree.ledgers[1].commit(ALICE, tree.id(2), BOB, units(70));
    let commit = AssociateCommit { asset: Asset::Token(token), route: vec![hop], ..commit };
    let tx = tree.ledgers[1].sign(ALICE, commit);
    tree.run(1, &[tx]).unwrap();
    tree.run(2, &[]).unwrap();
    tree.run(3, &[]).unwrap();
    assert_eq!(stopped(&tree), (before, 70, 0));
    // Nor does a child send them on that comes with them: it may be a liar's.
    tree.down(3, BOB, token, 20, vec![]);
    let before = tree.ledgers[2].balance(BOB);
    tree.up(3, BOB, token, 20, vec![hop]).unwrap();
    assert_eq!(stopped(&tree), (before, 70, 0));
}

#[test]
fn a_late_commit_of_tokens_goes_back() {
    let (mut tree, token) = family();
    let commit = tree.ledgers[1].commit(ALICE, tree.id(2), ALICE, units(30));
    let tx = tree.ledgers[1].sign(ALICE, AssociateCommit { asset: Asset::Token(token), ..commit });
    tree.run(1, &[tx]).unwrap();
    (0..=COMMIT_TIMEOUT).for_each(|_| drop(tree.run(1, &[]).unwrap()));
    tree.run(2, &[]).unwrap();
    tree.remit(2);
    assert_eq!((tree.ledgers[1].tokens(token, ALICE), tree.held(2, token)), (1_000, (0, 0)));
}

#[test]
fn a_liar_cannot_pay_out_more_tokens_than_came_down() {
    let (mut tree, token) = family();
    tree.down(2, ALICE, token, 40, vec![]);
    tree.remit(2);
    let ledger = &tree.ledgers[2];
    let tx = ledger.withdraw(ALICE, Payee::Account(account(ALICE)), units(40));
    let tx = ledger.sign(ALICE, AssociateWithdraw { asset: Asset::Token(token), ..tx });
    tree.run(2, &[tx]).unwrap();
    let (mut summary, mut lines) = tree.ledgers[2].summary(&tree.ledgers[1]);
    let point = tree.ledgers[1].point(tree.id(2)).point;
    lines[0].amount = units(41);
    summary.outbox_hash = lines[0].chain(point.outbox_hash);
    let remit = tree.ledgers[1].remit(OPERATORS[0], summary.clone(), lines.clone());
    let why = tree.ledgers[1].admit(&tree.ledgers[1].sign(OPERATORS[0], remit)).unwrap_err();
    assert_eq!(why, Rejected::Escrow { escrow: units(40), total: units(41) });
    // And coins do not stand in for tokens, nor tokens for coins.
    lines[0].asset = Asset::Token(TokenId([9; 32]));
    summary.outbox_hash = lines[0].chain(point.outbox_hash);
    let remit: AssociateRemit = tree.ledgers[1].remit(OPERATORS[0], summary, lines);
    let why = tree.ledgers[1].admit(&tree.ledgers[1].sign(OPERATORS[0], remit)).unwrap_err();
    assert_eq!(why, Rejected::Asset { asset: Asset::Token(TokenId([9; 32])) });
}

#[test]
fn a_dead_child_gives_its_tokens_back_in_shares() {
    let (mut tree, token) = family();
    let asset = Asset::Token(token);
    let pay = tree.ledgers[1].sign(ALICE, tree.ledgers[1].transfer_token(ALICE, token, 300, account(BOB)));
    tree.run(1, &[pay]).unwrap();
    tree.down(2, ALICE, token, 500, vec![]);
    tree.down(2, BOB, token, 300, vec![]);
    tree.remit(2);
    let child = tree.ledgers[2].clone();
    (0..=SILENCE).for_each(|_| drop(tree.run(1, &[]).unwrap()));
    let claim = |tree: &Tree, person: u8| AssociateEscape {
        asset,
        proofs: vec![child.proof(&[banyan_ledger::key::token_balance(token, account(person))])],
        ..tree.ledgers[1].escape(person, tree.id(2), Payee::Account(account(person)), &[], &child)
    };
    let tx = tree.ledgers[1].sign(ALICE, claim(&tree, ALICE));
    tree.run(1, &[tx]).unwrap();
    // The same account's coins are another claim.
    let coins_too = tree.ledgers[1].escape(ALICE, tree.id(2), Payee::Account(account(ALICE)), &[], &child);
    let tx = tree.ledgers[1].sign(ALICE, coins_too);
    tree.run(1, &[tx]).unwrap();
    let again = tree.ledgers[1].sign(ALICE, claim(&tree, ALICE));
    let account_id = Payee::Account(account(ALICE));
    assert_eq!(tree.ledgers[1].admit(&again).unwrap_err(), Rejected::Claimed { account: account_id });
    let Status::Dead { until, .. } = tree.ledgers[1].point(tree.id(2)).status else { panic!("it is not dead") };
    while tree.ledgers[1].height() <= until {
        tree.run(1, &[]).unwrap();
    }
    assert_eq!((tree.ledgers[1].tokens(token, ALICE), tree.held(2, token)), (700, (300, 0)));
    // What nobody claims is no more: the token has so much less of it.
    let mut gone = Amount::ZERO;
    for _ in 0..=SILENCE {
        for event in tree.run(1, &[]).unwrap().events {
            if let Event::Forfeited { asset: of, amount, .. } = event
                && of == asset
            {
                gone = gone.plus(amount).unwrap();
            }
        }
    }
    assert_eq!(gone, units(300));
}
