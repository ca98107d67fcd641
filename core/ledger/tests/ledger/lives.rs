//! Random lives of a child: whatever its operators, validators, users and enemies do to its connection point, in whatever
//! order, no money is made or lost, and each block is undone whole.

use banyan_ledger::{Invalid, Rejected, Status, key};
use banyan_types::{
    Amount, Bytes, Hash, Height, Payee, Signature,
    associate::{Access, AccessLine, Change, ChildParams, Summary, SummaryStatement},
    tx::{AssociateEvidence, AssociateUpdate, Transaction},
};
use proptest::{collection::vec, prelude::*};

use crate::support::*;

/// Something that somebody tries; what is refused is as good as what is not.
#[derive(Clone, Debug)]
enum Act {
    Wait(u64),
    Commit(u8, u64),
    Step(Option<(u8, u64)>),
    Remit,
    Change(Change),
    Close,
    Refund(u64),
    Report(u8),
    Escape(u8),
    Drain,
}

fn person() -> impl Strategy<Value = u8> {
    prop_oneof![Just(ALICE), Just(BOB), Just(CAROL)]
}

fn change() -> impl Strategy<Value = Change> {
    let bond = |bond| Change::Params(ChildParams { operator_bond: coins(bond), ..child_params() });
    let limit = |(limit, heights)| {
        Change::Params(ChildParams { remit_limit: coins(limit), remit_limit_heights: heights, ..child_params() })
    };
    prop_oneof![
        (1..4usize, 1..4u8).prop_map(|(of, threshold)| {
            Change::Operators { operators: OPERATORS[..of].iter().map(|one| account(*one)).collect(), threshold }
        }),
        (0..3u64).prop_map(bond),
        (1..500u64, 1..100u64).prop_map(limit),
        prop_oneof![Just(Access::Open), Just(Access::Listed)].prop_map(Change::Access),
        (person(), any::<bool>(), any::<bool>()).prop_map(|(person, receive, transact)| {
            Change::AccessLines(vec![AccessLine { account: account(person), receive, transact }])
        }),
        (1..5u64).prop_map(|bond| Change::BondIn(coins(bond))),
        (0..3usize, 1..5u64)
            .prop_map(|(one, amount)| Change::BondOut { operator: account(OPERATORS[one]), amount: coins(amount) }),
        (200..2_000u64).prop_map(|expiry| Change::Expiry(Height(expiry))),
        Just(Change::Thaw),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => prop_oneof![1..30u64, Just(SILENCE + 1)].prop_map(Act::Wait),
        4 => (person(), 1..500u64).prop_map(|(person, amount)| Act::Commit(person, amount)),
        4 => proptest::option::of((person(), 1..300u64)).prop_map(Act::Step),
        4 => Just(Act::Remit),
        4 => change().prop_map(Act::Change),
        1 => Just(Act::Close),
        2 => (0..12u64).prop_map(Act::Refund),
        1 => (0..3u8).prop_map(Act::Report),
        3 => person().prop_map(Act::Escape),
        1 => Just(Act::Drain),
    ]
}

impl Pair {
    /// Put a transaction into a block, if it is accepted.
    fn attempt(&mut self, signer: u8, tx: impl Into<Transaction>) {
        let tx = self.root.sign(signer, tx);
        match self.root.micro(&[tx]) {
            Ok(_) => {}
            Err(Invalid::Transaction { why, .. }) => assert!(!matches!(why, Rejected::Ours(_)), "{why}"),
            Err(other) => panic!("{other}"),
        }
    }

    fn exists(&self) -> bool {
        self.root.at(&key::point(self.id), |_| ()).is_some()
    }

    /// `known` is the child at its last accepted summary: what its users can prove.
    fn act(&mut self, act: &Act, known: &mut Ledger) {
        // A child that is dead for good has lost what was refunded from its inbox, and makes no more blocks.
        let dead = matches!(self.root.point(self.id).status, Status::Dead { .. });
        if dead && matches!(act, Act::Step(_) | Act::Drain) {
            return;
        }
        match act {
            Act::Wait(heights) => self.root.key_blocks(*heights),
            Act::Commit(person, amount) => {
                let tx = self.root.commit(*person, self.id, *person, coins(*amount));
                self.attempt(*person, tx);
            }
            Act::Step(withdrawal) => {
                self.root.key_block(LEADER);
                let txs: Vec<_> = withdrawal
                    .map(|(person, amount)| self.withdraw(person, coins(amount)))
                    .into_iter()
                    .filter(|tx| self.child.admit(tx).is_ok())
                    .collect();
                self.child.child_block(&self.root, &txs).unwrap();
            }
            Act::Remit => {
                let before = self.root.point(self.id).point.seq;
                let tx = self.honest_remit();
                self.attempt(OPERATORS[0], tx);
                if !self.exists() || self.root.point(self.id).point.seq > before {
                    self.child.effects.clear();
                    *known = self.child.clone();
                }
            }
            Act::Change(change) => {
                let tx = self.root.update(OPERATORS[0], self.id, change.clone());
                let all: Vec<(u64, u8)> = (0..).zip(OPERATORS).take(self.root.point(self.id).operators.len()).collect();
                let message = banyan_types::associate::update_message(
                    &self.root.params.network_id,
                    self.id,
                    self.root.point(self.id).acts,
                    change,
                );
                let authorization = signed_by(&message, &all);
                self.attempt(OPERATORS[0], AssociateUpdate { authorization, ..tx });
            }
            Act::Close => {
                let tx = self.root.close(CAROL, self.id);
                self.attempt(CAROL, tx);
            }
            Act::Refund(n) => {
                let tx = self.root.refund(CAROL, self.id, *n);
                self.attempt(CAROL, tx);
            }
            Act::Report(one) => {
                let (summary, _) = self.child.summary(&self.root);
                let operator = OPERATORS[usize::from(*one)];
                let word = |block| {
                    let summary = Summary { block_hash: Hash([block; 32]), ..summary.clone() };
                    let message = summary.signing_message(&self.root.params.network_id);
                    let signature = Signature(secret(operator).sign(&message));
                    Bytes(SummaryStatement { operator: account(operator), summary, signature }.encode())
                };
                let tx = AssociateEvidence {
                    associate_id: self.id,
                    from_id: account(CAROL),
                    kind: 0,
                    a: word(1),
                    b: word(2),
                    ttl: Height(0),
                    fee: FEE,
                    nonce: self.root.nonce(CAROL),
                };
                self.attempt(CAROL, tx);
            }
            Act::Escape(person) => {
                let tx = self.root.escape(*person, self.id, Payee::Account(account(*person)), &[], known);
                self.attempt(*person, tx);
            }
            Act::Drain => {
                let people = [ALICE, BOB, CAROL, LEADER].into_iter().filter_map(|person| {
                    let rest = self.child.balance(person).minus(FEE).filter(|rest| !rest.is_zero())?;
                    Some(self.withdraw(person, rest))
                });
                let txs: Vec<_> = people.collect();
                self.root.key_block(LEADER);
                self.child.child_block(&self.root, &txs).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn apply_then_unwind_restores_the_connection_point(acts in vec(act(), 1..30)) {
        let mut pair = Pair::funded();
        let mut known = pair.child.clone();
        for act in &acts {
            if !pair.exists() {
                break;
            }
            // Every block is checked by full sums, and undone and done again, by the ledger of these tests.
            pair.act(act, &mut known);
            let escrow = pair.root.escrow(pair.id);
            prop_assert!(escrow.remitted <= escrow.committed && escrow.waiting <= escrow.held());
        }
        if !pair.exists() {
            prop_assert_eq!(pair.root.escrow(pair.id).held(), Amount::ZERO);
            prop_assert_eq!(pair.root.supply().bonds, Amount::ZERO, "bonds have gone back");
            return Ok(());
        }
        // However it stands, its end pays out all that somebody can prove, and leaves nothing behind but refunds.
        pair.fall_silent();
        pair.root.key_blocks(COMMIT_TIMEOUT);
        for person in [ALICE, BOB, CAROL, LEADER] {
            if pair.exists() {
                pair.act(&Act::Escape(person), &mut known);
            }
        }
        if pair.exists() && matches!(pair.root.point(pair.id).status, Status::Dead { .. }) {
            pair.root.key_blocks(2 * SILENCE + 2);
            for n in 0..60 {
                if pair.exists() {
                    pair.act(&Act::Refund(n), &mut known);
                }
            }
            prop_assert!(!pair.exists(), "{:?}", pair.root.point(pair.id));
            prop_assert_eq!(pair.root.supply().bonds, Amount::ZERO);
        }
    }
}
