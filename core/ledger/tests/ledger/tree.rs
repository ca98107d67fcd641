//! The law above all regimes, on random trees: whatever a child does, never more comes out than went in.
//!
//! A liar here has everything: its operators' true keys, and a state in which it invents what it likes. Below it and
//! beside it stand honest ledgers.

use std::collections::BTreeMap;

use banyan_ledger::{Account, Changes, Event, Invalid, Outcome, Rejected, Supply, check_totals, key};
use banyan_types::{
    Amount, AssociateId, Hash, Height, Payee,
    associate::{Hop, InboxKind, OutboxEntry, Summary},
    tx::{AssociateCommit, AssociateRemit, AssociateWithdraw},
};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::support::*;

/// Ledgers below the root, at most.
const BELOW_MAX: usize = 6;
/// Depth of the tree, the root being 0.
const DEPTH_MAX: usize = 4;

/// One thing that happens. Indexes are drawn among the ledgers, or what fits there.
#[derive(Clone, Debug)]
enum Step {
    Advance,
    /// So many blocks of one ledger that commits out of it come too late.
    Delay(Index),
    Spend(Index, u8, u8, u128),
    Commit(Index, u8, u128, Vec<Index>),
    Withdraw(Index, u8, u128, Vec<Index>),
    Remit(Index),
    Lie(Index, Lie),
}

/// What a liar does.
#[derive(Clone, Copy, Debug)]
enum Lie {
    /// Give an account coins from nowhere.
    Mint(u128),
    /// Remit what its users withdrew, backed or not.
    Remit,
    /// Remit one unit more than may leave.
    TooMuch,
    /// Remit all that may leave, to itself.
    Drain,
    /// Remit all, counting the commits that it has not credited.
    Uncredited,
    /// Send an accepted remit again.
    Replay,
    /// Acknowledge an inbox that was never written.
    ForgeInbox,
    /// Say of everything that it was skipped.
    SkipAll,
    /// Sign with one operator alone.
    BelowThreshold,
}

/// A tree in which some ledgers lie, and what its parents saw.
struct World {
    tree: Tree,
    lies: Vec<bool>,
    /// For each child, what went in and what came out, as its parent's events tell.
    flows: BTreeMap<AssociateId, (Amount, Amount)>,
    /// For each child, its last accepted remit.
    accepted: BTreeMap<AssociateId, AssociateRemit>,
}

impl World {
    fn new(parents: &[usize], liars: &[bool]) -> Self {
        let tree = Tree::funded(parents);
        let lies = (0..tree.ledgers.len()).map(|at| at > 0 && liars[at - 1]).collect();
        let flows = (1..tree.ledgers.len())
            .map(|at| {
                let committed = tree.ledgers[tree.parents[at].unwrap()].escrow(tree.id(at)).committed;
                (tree.id(at), (committed, Amount::ZERO))
            })
            .collect();
        Self { tree, lies, flows, accepted: BTreeMap::new() }
    }

    fn pick(&self, index: Index) -> usize {
        index.index(self.tree.ledgers.len())
    }

    /// A ledger below the root.
    fn pick_child(&self, index: Index) -> usize {
        1 + index.index(self.tree.ledgers.len() - 1)
    }

    fn is_honest(&self, at: usize) -> bool {
        !self.lies[at]
    }

    fn route(&self, hops: &[Index]) -> Vec<Hop> {
        let hop = |index: &Index| match self.pick(*index) {
            0 => Hop::Up,
            at => Hop::Down(self.tree.id(at)),
        };
        hops.iter().map(hop).collect()
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Advance => self.advance(),
            Step::Delay(at) => {
                let at = self.pick(*at);
                (0..COMMIT_TIMEOUT).for_each(|_| drop(self.run(at, &[]).unwrap()));
            }
            Step::Spend(at, from, to, amount) => {
                let at = self.pick(*at);
                let ledger = &self.tree.ledgers[at];
                let tx = ledger.sign(*from, ledger.spend(*from, account(*to), units(*amount)));
                let _ = self.run(at, &[tx]);
            }
            Step::Commit(child, from, amount, hops) => {
                let child = self.pick_child(*child);
                let (at, route) = (self.tree.parents[child].unwrap(), self.route(hops));
                let ledger = &self.tree.ledgers[at];
                let commit = ledger.commit(*from, self.tree.id(child), *from, units(*amount));
                let tx = ledger.sign(*from, AssociateCommit { route, ..commit });
                let _ = self.run(at, &[tx]);
            }
            Step::Withdraw(at, from, amount, hops) => {
                let (at, route) = (self.pick_child(*at), self.route(hops));
                let ledger = &self.tree.ledgers[at];
                let withdraw = ledger.withdraw(*from, Payee::Account(account(*from)), units(*amount));
                let tx = ledger.sign(*from, AssociateWithdraw { route, ..withdraw });
                let _ = self.run(at, &[tx]);
            }
            Step::Remit(at) => {
                let at = self.pick_child(*at);
                let parent = &self.tree.ledgers[self.tree.parents[at].unwrap()];
                let (summary, lines) = self.tree.ledgers[at].summary(parent);
                let sent = self.send(at, summary, lines);
                assert!(self.lies[at] || sent.is_ok(), "an honest remit is refused: {sent:?}");
            }
            Step::Lie(at, lie) => {
                let at = self.pick_child(*at);
                if self.lies[at] {
                    self.lie(at, *lie);
                }
            }
        }
        self.check();
    }

    fn advance(&mut self) {
        self.tree.ledgers[0].key_block(LEADER);
        for at in 1..self.tree.ledgers.len() {
            self.run(at, &[]).unwrap();
        }
    }

    fn run(&mut self, at: usize, txs: &[banyan_types::tx::SignedTx]) -> Result<Outcome, Invalid> {
        let outcome = self.tree.run(at, txs)?;
        for event in &outcome.events {
            let (id, into, out) = match event {
                Event::Committed { associate, amount, .. } => (associate, *amount, Amount::ZERO),
                Event::Remitted { associate, amount, .. } | Event::PaidBack { associate, amount, .. } => {
                    (associate, Amount::ZERO, *amount)
                }
                _ => continue,
            };
            let flow = self.flows.get_mut(id).unwrap();
            *flow = (flow.0.plus(into).unwrap(), flow.1.plus(out).unwrap());
        }
        Ok(outcome)
    }

    /// Send a remit whose payer may have nothing left; a liar is then given its fee, so that every lie is heard.
    fn send(&mut self, at: usize, summary: Summary, lines: Vec<OutboxEntry>) -> Result<(), Rejected> {
        let parent = self.tree.parents[at].unwrap();
        let remit = self.tree.ledgers[parent].remit(OPERATORS[0], summary, lines);
        self.send_remit(at, remit)
    }

    fn send_remit(&mut self, at: usize, remit: AssociateRemit) -> Result<(), Rejected> {
        let parent = self.tree.parents[at].unwrap();
        let tx = self.tree.ledgers[parent].sign(OPERATORS[0], remit.clone());
        match self.run(parent, &[tx]) {
            Ok(_) => {
                self.tree.ledgers[at].effects.clear();
                self.accepted.insert(self.tree.id(at), remit);
                Ok(())
            }
            Err(Invalid::Transaction { why, .. }) => Err(why),
            Err(other) => panic!("{other}"),
        }
    }

    /// A summary that continues whatever the parent has, with one line of this amount to a crony.
    fn invented(&self, at: usize, amount: Amount) -> (Summary, Vec<OutboxEntry>) {
        let parent = &self.tree.ledgers[self.tree.parents[at].unwrap()];
        let id = self.tree.id(at);
        let point = parent.point(id);
        let line = OutboxEntry {
            n: point.point.outbox_acked,
            from: account(STRANGER),
            to: Payee::Account(account(BOB)),
            asset: banyan_types::Asset::Coin,
            amount,
            route: vec![],
            leg: Hash::ZERO,
            child_height: Height(1),
        };
        let summary = Summary {
            associate: id,
            seq: point.point.seq + 1,
            child_from: point.point.child_to,
            child_to: point.point.child_to.next().unwrap(),
            block_hash: Hash([0xbb; 32]),
            root: Hash([0xcc; 32]),
            parent_hash: parent.named,
            parent_height: parent.height(),
            inbox_acked: point.inbox_acked,
            inbox_hash: point.inbox_acked_hash,
            skipped: vec![],
            outbox_acked: point.point.outbox_acked + 1,
            outbox_hash: line.chain(point.point.outbox_hash),
            set_hash: Hash::ZERO,
        };
        (summary, vec![line])
    }

    /// The summary acknowledging the whole inbox, skipping these numbers.
    fn acknowledging(&self, at: usize, summary: &Summary, skipped: Vec<u64>) -> Summary {
        let parent = &self.tree.ledgers[self.tree.parents[at].unwrap()];
        let point = parent.point(summary.associate);
        Summary { inbox_acked: point.inbox_next, inbox_hash: point.inbox_hash, skipped, ..summary.clone() }
    }

    fn lie(&mut self, at: usize, lie: Lie) {
        let parent = self.tree.parents[at].unwrap();
        let id = self.tree.id(at);
        let escrow = self.tree.ledgers[parent].escrow(id);
        let free = escrow.held().minus(escrow.waiting).unwrap();
        let one = units(1);
        let before = self.tree.ledgers[parent].root_hash();
        let payer = self.tree.ledgers[parent].balance(OPERATORS[0]);
        let expected = match lie {
            Lie::Mint(amount) => return self.mint(at, units(amount)),
            Lie::Remit => {
                let (summary, lines) = self.tree.ledgers[at].summary(&self.tree.ledgers[parent]);
                let total = lines.iter().fold(0, |sum, line| sum + line.amount.base());
                let refused = self.send(at, summary, lines).err();
                // Refused only for what it takes, or for the fork that an earlier lie has made of it.
                assert!(refused.is_some() || total <= escrow.held().base());
                return;
            }
            Lie::TooMuch => {
                let total = free.plus(one).unwrap();
                let (summary, lines) = self.invented(at, total);
                (self.send(at, summary, lines), Rejected::Escrow { escrow: free, total })
            }
            Lie::Drain => {
                let (summary, lines) = self.invented(at, free);
                if payer >= FEE {
                    self.send(at, summary, lines).unwrap();
                    assert_eq!(self.tree.ledgers[parent].escrow(id).held(), escrow.waiting);
                }
                return;
            }
            Lie::Uncredited => {
                let total = escrow.held().plus(one).unwrap();
                let (summary, lines) = self.invented(at, total);
                let summary = self.acknowledging(at, &summary, vec![]);
                let lines_summary = self.send(at, summary, lines);
                (lines_summary, Rejected::Escrow { escrow: escrow.held(), total })
            }
            Lie::Replay => {
                let Some(remit) = self.accepted.get(&id).cloned() else { return };
                let ledger = &self.tree.ledgers[parent];
                let (got, expected) = (remit.summary.seq, ledger.point(id).point.seq + 1);
                let again = AssociateRemit { nonce: ledger.nonce(OPERATORS[0]), ..remit };
                (self.send_remit(at, again), Rejected::SequenceUsed { expected, got })
            }
            Lie::ForgeInbox => {
                let (summary, lines) = self.invented(at, Amount::ZERO);
                let inbox_acked = summary.inbox_acked;
                let summary = Summary { inbox_hash: Hash([0xdd; 32]), ..summary };
                let sent = self.send(at, summary, lines);
                // The parent's block may have written into that inbox before it came to the remit.
                let to = match &sent {
                    Err(Rejected::Inbox { to, .. }) => *to,
                    _ => self.tree.ledgers[parent].point(id).inbox_next,
                };
                (sent, Rejected::Inbox { from: inbox_acked, to, got: inbox_acked })
            }
            Lie::SkipAll => {
                let ledger = &self.tree.ledgers[parent];
                let point = ledger.point(id);
                let entries: Vec<_> =
                    (point.inbox_acked..point.inbox_next).map(|n| ledger.inbox(id, n).unwrap()).collect();
                let commits = entries.iter().filter(|entry| entry.kind == InboxKind::Commit);
                let skipped: Vec<_> = commits.clone().map(|entry| entry.n).collect();
                let back = sum(commits.map(|entry| entry.amount));
                let total = escrow.held().plus(one).unwrap();
                let (summary, lines) = self.invented(at, total.minus(back).unwrap());
                let summary = self.acknowledging(at, &summary, skipped);
                (self.send(at, summary, lines), Rejected::Escrow { escrow: escrow.held(), total })
            }
            Lie::BelowThreshold => {
                let (summary, lines) = self.invented(at, Amount::ZERO);
                let ledger = &self.tree.ledgers[parent];
                let authorization = authorise(&ledger.params.network_id, &summary, &[(1, OPERATORS[1])]);
                let remit = AssociateRemit { authorization, ..ledger.remit(OPERATORS[0], summary, lines) };
                (self.send_remit(at, remit), Rejected::Authorization { valid: 1, needed: 2 })
            }
        };
        if payer >= FEE {
            assert_eq!(expected.0, Err(expected.1));
        }
        assert_eq!(self.tree.ledgers[parent].root_hash(), before, "a lie that was refused changed something");
    }

    /// Coins from nowhere, with a nonce so that a stranger can spend them.
    fn mint(&mut self, at: usize, amount: Amount) {
        let ledger = &mut self.tree.ledgers[at];
        let before = ledger.account(ALICE);
        let (Some(balance), supply) = (before.balance.plus(amount), ledger.supply()) else { return };
        let (Some(minted), Some(accounts)) = (supply.minted.plus(amount), supply.accounts.plus(amount)) else { return };
        let mut changes = Changes::new();
        changes.insert(key::account(account(ALICE)), Some(Account { balance, ..before }.encode()));
        changes.insert(key::supply(), Some(Supply { minted, accounts, ..supply }.encode()));
        ledger.state.commit(&changes);
    }

    fn check(&self) {
        for at in 0..self.tree.ledgers.len() {
            let ledger = &self.tree.ledgers[at];
            // The sums of a liar hold too, over what it has invented.
            check_totals(ledger.state.leaves().map(|(_, value)| value)).unwrap();
            if let Some(parent) = self.tree.parents[at] {
                self.check_edge(at, &self.tree.ledgers[parent]);
            }
        }
        let root = &self.tree.ledgers[0];
        assert_eq!(root.supply().minted.plus(root.supply().pool), Some(Amount::MAX));
    }

    /// L1 and L2b by the leaf, L5 by what was seen, L4 where the child is honest.
    fn check_edge(&self, at: usize, parent: &Ledger) {
        let id = self.tree.id(at);
        let escrow = parent.escrow(id);
        assert!(escrow.remitted <= escrow.committed);
        assert!(escrow.waiting <= escrow.held());
        let (into, out) = self.flows[&id];
        assert_eq!((into, out), (escrow.committed, escrow.remitted), "the leaf is what the events say");
        if self.is_honest(at) {
            self.check_books(at, parent);
        }
    }

    /// L4: what is on the child is what its escrow holds, less what is on the way.
    fn check_books(&self, at: usize, parent: &Ledger) {
        let (id, child) = (self.tree.id(at), &self.tree.ledgers[at]);
        let point = parent.point(id);
        let credited_to = child.parent_leaf().inbox;
        let skipped: Vec<_> = child.effects.iter().flat_map(|effects| &effects.skipped).collect();
        let on_the_way_down = (point.inbox_acked..point.inbox_next)
            .filter_map(|n| parent.inbox(id, n))
            .filter(|entry| entry.n >= credited_to || skipped.contains(&&entry.n))
            .map(|entry| entry.amount);
        let on_the_way_up = child.effects.iter().flat_map(|effects| &effects.outbox).map(|line| line.amount);
        let moving = sum(on_the_way_down.chain(on_the_way_up));
        let supply = child.supply();
        let here = supply.minted.plus(supply.pool).unwrap();
        assert_eq!(here.plus(moving), Some(parent.escrow(id).held()), "ledger {at}");
    }
}

fn amount() -> impl Strategy<Value = u128> {
    prop_oneof![0..100u128, 0..2_000_000_000_000_000_000_000u128, Just(10u128.pow(27))]
}

fn lie() -> impl Strategy<Value = Lie> {
    prop_oneof![
        amount().prop_map(Lie::Mint),
        Just(Lie::Remit),
        Just(Lie::TooMuch),
        Just(Lie::Drain),
        Just(Lie::Uncredited),
        Just(Lie::Replay),
        Just(Lie::ForgeInbox),
        Just(Lie::SkipAll),
        Just(Lie::BelowThreshold),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let at = any::<Index>;
    let person = || prop_oneof![Just(ALICE), Just(BOB)];
    let hops = || vec(at(), 0..4);
    prop_oneof![
        3 => Just(Step::Advance),
        1 => at().prop_map(Step::Delay),
        2 => (at(), person(), person(), amount()).prop_map(|(at, from, to, amount)| Step::Spend(at, from, to, amount)),
        3 => (at(), person(), amount(), hops()).prop_map(|(at, from, amount, hops)| Step::Commit(at, from, amount, hops)),
        3 => (at(), person(), amount(), hops())
            .prop_map(|(at, from, amount, hops)| Step::Withdraw(at, from, amount, hops)),
        3 => at().prop_map(Step::Remit),
        4 => (at(), lie()).prop_map(|(at, lie)| Step::Lie(at, lie)),
    ]
}

/// The parent of each ledger below the root, none deeper than [`DEPTH_MAX`].
fn shape() -> impl Strategy<Value = Vec<usize>> {
    vec(any::<Index>(), 2..=BELOW_MAX).prop_map(|picks| {
        let mut depths = vec![0];
        picks
            .iter()
            .map(|pick| {
                let open: Vec<_> = (0..depths.len()).filter(|at| depths[*at] < DEPTH_MAX).collect();
                let parent = open[pick.index(open.len())];
                depths.push(depths[parent] + 1);
                parent
            })
            .collect()
    })
}

/// At least one lies.
fn liars() -> impl Strategy<Value = Vec<bool>> {
    (vec(proptest::bool::weighted(0.3), BELOW_MAX), 0..2usize).prop_map(|(mut liars, at)| {
        liars[at] = true;
        liars
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_escrow_law_holds_on_random_trees_with_liars(
        (shape, liars) in (shape(), liars()), steps in vec(step(), 1..40)
    ) {
        let mut world = World::new(&shape, &liars);
        world.check();
        for step in &steps {
            world.step(step);
        }
    }
}
