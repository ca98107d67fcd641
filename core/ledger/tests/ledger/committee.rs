//! A child's committee whose validators change: who may make a block, whom it pays, who follows.

use banyan_ledger::{
    Block, ChildBlock, CommitteeEngine, Event, GenesisError, Invalid, Overlay, Params, Rejected, apply_block,
    engine::committee::{BadCertificate, CommitteeRules, Epoch, Sets, committee},
    genesis_state,
};
use banyan_types::{
    AccountId, Amount, Bytes, Hash, Height, PublicKey, Signature,
    associate::Change,
    committee::{Member, MemberSignature, ValidatorSet},
    engine::{EngineAction, SetChange, set_change_message},
    rlp::Tail,
    tx::{EngineAct, SignedTx},
};

use crate::support::*;

/// The first validators, weighing 1, 2, 3 and 4.
pub const FIRST: [u8; 4] = [30, 31, 32, 33];
/// Blocks of an epoch in these tests.
pub const EPOCH: u64 = 4;

pub fn set(people: &[u8]) -> ValidatorSet {
    let member = |person: &u8| Member { key: PublicKey(secret(*person).public()), weight: u64::from(*person) - 29 };
    ValidatorSet::new(people.iter().map(member).collect()).unwrap()
}

pub fn rules(sets: Sets) -> CommitteeRules {
    CommitteeRules { validators: set(&FIRST), epoch_blocks: EPOCH, sets }
}

impl Pair {
    /// A child of a committee with these rules, in which Alice and Bob hold a thousand coins each.
    pub fn of_committee(rules: CommitteeRules) -> Self {
        let mut pair = Self::new();
        let params = Params { committee: Tail(Some(rules)), ..pair.child.params.clone() };
        pair.child = Ledger::new(&genesis(params, &[]));
        pair.child.signers = (0..=255).collect();
        pair.commit(ALICE, ALICE, coins(1_000));
        pair.commit(BOB, BOB, coins(1_000));
        pair.step(&[]).unwrap();
        pair
    }

    /// Blocks of the child until this height stands, each on a new block of the parent. What happened.
    pub fn grow_to(&mut self, height: u64) -> Vec<Event> {
        let mut events = vec![];
        while self.child.height() < Height(height) {
            events.extend(self.step(&[]).unwrap().events);
        }
        events
    }

    /// The child to the first block of an epoch.
    pub fn enter(&mut self, epoch: u64) -> Vec<Event> {
        self.grow_to(epoch * EPOCH + 1)
    }

    /// A transaction of the child, in its next block.
    pub fn on_child(&mut self, person: u8, tx: impl Into<banyan_types::tx::Transaction>) -> Vec<Event> {
        let tx = self.child.sign(person, tx);
        self.step(&[tx]).unwrap().events
    }

    /// What a node of the child says of a transaction.
    pub fn asked_child(&self, person: u8, tx: impl Into<banyan_types::tx::Transaction>) -> Rejected {
        self.child.admit(&self.child.sign(person, tx)).unwrap_err()
    }
}

impl Ledger {
    pub fn committee(&self) -> CommitteeEngine {
        committee(&mut Overlay::new(self.state.clone()), &self.params).unwrap().unwrap()
    }

    pub fn epoch(&self) -> Epoch {
        self.next_epoch().unwrap()
    }

    pub fn act(&self, person: u8, action: EngineAction) -> EngineAct {
        EngineAct { from_id: account(person), action, ttl: Height(0), fee: FEE, nonce: self.nonce(person) }
    }

    /// A change to `next` that these members of the running set have signed.
    fn set_change(&self, person: u8, by: &[u8], next: &[u8]) -> EngineAct {
        let leaf = self.committee();
        let (epoch, next) = (leaf.schedule.number, set(next));
        let message = set_change_message(&self.params.network_id, epoch, &next);
        let place = |person: &u8| leaf.schedule.now.set.place(&PublicKey(secret(*person).public()));
        let mut signatures: Vec<_> = by
            .iter()
            .filter_map(|by| {
                Some(MemberSignature { index: place(by)?, signature: Signature(secret(*by).sign(&message)) })
            })
            .collect();
        signatures.sort_by_key(|signature| signature.index);
        self.act(person, EngineAction::SetChange(SetChange { epoch, set: next, signatures }))
    }

    /// The block that stands last, not applied yet, on the state before it.
    fn last_block(&self) -> (Overlay<banyan_ledger::MapState>, ChildBlock) {
        let Some((Block::Child(block), undo)) = self.history.last() else { panic!("no block of a child") };
        let mut before = self.state.clone();
        before.commit(undo);
        (Overlay::new(before), block.clone())
    }
}

fn permissioned() -> Pair {
    Pair::of_committee(rules(Sets::Permissioned))
}

fn rewarded(events: &[Event]) -> Vec<(AccountId, Amount)> {
    let paid = events.iter().filter_map(|event| match event {
        Event::Rewarded { account, amount } => Some((*account, *amount)),
        _ => None,
    });
    paid.collect()
}

#[test]
fn whoever_executes_checks_leader_set_and_seal() {
    let mut pair = permissioned();
    pair.step(&[]).unwrap();
    let (_, good) = pair.child.last_block();
    let apply = |change: &dyn Fn(&mut ChildBlock)| {
        let (mut before, mut block) = pair.child.last_block();
        change(&mut block);
        apply_block(&mut before, &pair.child.params, &Block::Child(block)).map(|_| ())
    };
    assert_eq!(apply(&|_| {}), Ok(()));
    let mut few = pair.child.clone();
    few.signers = vec![33, 32]; // 7 of 10
    few.history.pop();
    let seven = few.seal();
    few.signers = vec![33, 31]; // 6 of 10
    let six = few.seal();
    let carry = |seal: &Bytes| {
        let seal = seal.clone();
        move |block: &mut ChildBlock| {
            block.header.prev_seal_hash = banyan_types::committee::Certificate::read(&seal.0).unwrap().hash();
            block.prev_seal = seal.clone();
        }
    };
    let other_leader = PublicKey(secret(STRANGER).public());
    let rows: [(&str, &dyn Fn(&mut ChildBlock)); 8] = [
        ("leader", &|block| block.header.leader = other_leader),
        ("leader", &|block| block.header.view = 1),
        ("set_hash", &|block| block.header.set_hash = Hash([1; 32])),
        ("prev_seal_hash", &|block| block.header.prev_seal_hash = Hash([1; 32])),
        ("prev_seal", &|block| block.prev_seal = Bytes(vec![7])),
        ("prev_seal", &carry(&six)),
        ("prev_seal", &|block| {
            block.prev_seal = Bytes::default();
            block.header.prev_seal_hash = Hash::ZERO;
        }),
        // The seal of this block instead of the one before.
        ("prev_seal", &carry(&pair.child.seal())),
    ];
    for (field, change) in rows {
        assert_eq!(apply(change), Err(Invalid::Header { field }));
    }
    // Another quorum's seal is as good, and pays others: the state differs.
    assert!(matches!(apply(&carry(&seven)), Err(Invalid::Root { .. }) | Ok(())), "{good:?}");
}

#[test]
fn the_state_after_a_block_says_who_may_make_the_next_one() {
    let mut pair = permissioned();
    pair.grow_to(EPOCH - 1);
    let before = pair.child.committee().schedule;
    pair.step(&[]).unwrap();
    assert_eq!((pair.child.height(), pair.child.committee().schedule.number), (Height(EPOCH), 0));
    let announced = pair.child.epoch();
    assert_eq!((announced.number, announced.seed), (1, before.next.seed), "known before the epoch turns");
    let events = pair.step(&[]).unwrap().events;
    assert_eq!(pair.child.committee().schedule.epoch(), announced);
    let turned = |event: &&Event| matches!(event, Event::EpochTurned { number: 1, members: 4, repeated: false, .. });
    assert_eq!(events.iter().filter(turned).count(), 1);
}

#[test]
fn the_parents_entropy_decides_the_turns_of_the_epoch_after_next() {
    let seeds = |moves: bool| {
        let mut pair = permissioned();
        while pair.child.height() < Height(EPOCH + 1) {
            if moves {
                pair.root.key_block(LEADER);
            }
            pair.child.child_block(&pair.root, &[]).unwrap();
        }
        let schedule = pair.child.committee().schedule;
        (schedule.now.seed, schedule.next.seed)
    };
    let (still, moved) = (seeds(false), seeds(true));
    assert_eq!(still.0, moved.0, "the epoch that runs was drawn before");
    assert_ne!(still.1, moved.1);
    // A parent that stood still for a whole epoch gives no entropy: the old seed is hashed again, and nobody waits.
    let mut pair = permissioned();
    let mut seeds = std::collections::BTreeSet::new();
    for _ in 0..4 * EPOCH {
        pair.child.child_block(&pair.root, &[]).unwrap();
        seeds.insert(pair.child.committee().schedule.next.seed);
    }
    assert_eq!(seeds.len(), 5);
}

#[test]
fn a_missing_leader_costs_one_view() {
    let mut pair = permissioned();
    let height = pair.child.height().next().unwrap();
    let epoch = pair.child.epoch();
    pair.child.view = 1;
    pair.step(&[]).unwrap();
    let header = pair.child.child_header();
    assert_eq!((header.height, header.view, header.leader), (height, 1, epoch.leader(height, 1)));
    assert_ne!(epoch.leader(height, 0), epoch.leader(height, 1));
    let turns = pair.child.committee().schedule.turns;
    let of = |key| turns.iter().find(|turns| turns.key == key).map_or((0, 0), |turns| (turns.made, turns.missed));
    assert_eq!(of(epoch.leader(height, 0)).1, 1);
    assert!(of(epoch.leader(height, 1)).0 >= 1);
    assert_eq!(
        turns.iter().map(|turns| (turns.made, turns.missed)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)),
        (2, 1)
    );
}

#[test]
fn fees_go_to_the_leader_and_to_those_in_the_seal_by_weight() {
    let mut pair = permissioned();
    pair.grow_to(2);
    let spend = pair.child.sign(ALICE, pair.child.spend(ALICE, account(BOB), coins(1)));
    pair.step(&[spend]).unwrap();
    let leader = pair.child.child_header().leader;
    pair.child.signers = vec![31, 32, 33]; // 2, 3 and 4 of 10
    let events = pair.step(&[]).unwrap().events;
    let part = |person: u8| {
        let key = PublicKey(secret(person).public());
        let sealed = if pair.child.signers.contains(&person) { u128::from(person) - 29 } else { 0 };
        let of_seal = FEE.base() * 4 / 10 * sealed / 9;
        // What division leaves over is the leader's.
        let rest = FEE.base() - (2..=4).map(|weight| FEE.base() * 4 / 10 * weight / 9).sum::<u128>();
        units(of_seal + if key == leader { rest } else { 0 })
    };
    let mut expected: Vec<_> = FIRST.iter().map(|person| (account(*person), part(*person))).collect();
    expected.retain(|(_, amount)| !amount.is_zero());
    let mut got = rewarded(&events);
    expected.sort();
    got.sort();
    assert_eq!(got, expected);
    assert_eq!(sum(got.iter().map(|(_, amount)| *amount)), FEE);
    for person in FIRST {
        assert_eq!(pair.child.balance(person), part(person));
    }
}

#[test]
fn a_child_without_such_rules_pays_its_leader_alone() {
    let mut pair = Pair::funded();
    let spend = pair.child.sign(ALICE, pair.child.spend(ALICE, account(BOB), coins(1)));
    pair.step(&[spend]).unwrap();
    let events = pair.step(&[]).unwrap().events;
    assert_eq!(rewarded(&events), [(account(LEADER), FEE)]);
}

#[test]
fn a_set_named_by_the_parents_operators_follows_at_an_edge() {
    let mut pair = permissioned();
    let next = [31, 32, 33, 34];
    let update = pair.root.update(ALICE, pair.id, Change::Validators(set(&next)));
    pair.on_root(ALICE, update);
    pair.root.key_blocks(COMMIT_TIMEOUT); // it is announced first
    pair.step(&[]).unwrap();
    let epoch = pair.child.committee().schedule.number;
    assert_eq!(pair.child.committee().named, Some(set(&next)));
    pair.enter(epoch + 1);
    let leaf = pair.child.committee();
    assert_eq!((leaf.named, leaf.schedule.now.set, leaf.schedule.next.set), (None, set(&FIRST), set(&next)));
    pair.enter(epoch + 2);
    let leaders: Vec<_> = (0..EPOCH)
        .map(|_| {
            pair.step(&[]).unwrap();
            pair.child.child_header().leader
        })
        .collect();
    assert_eq!(pair.child.child_header().set_hash, set(&next).hash());
    assert!(leaders.iter().all(|leader| set(&next).place(leader).is_some()));
    pair.enter(epoch + 7);
    assert_eq!(pair.child.committee().schedule.later, set(&next));
}

#[test]
fn over_two_thirds_of_the_running_set_change_it_and_no_fewer() {
    let mut pair = permissioned();
    pair.enter(1);
    let next = [31, 32, 33, 34];
    let good = pair.child.set_change(ALICE, &[31, 32, 33], &next); // 9 of 10
    let change = |change: &dyn Fn(&mut SetChange)| {
        let mut tx = good.clone();
        if let EngineAction::SetChange(inner) = &mut tx.action {
            change(inner);
        }
        pair.asked_child(ALICE, tx)
    };
    let certificate = |why| Rejected::Certificate { why };
    let few = pair.child.set_change(ALICE, &[33, 31], &next); // 6 of 10
    let rows = [
        (change(&|change| change.epoch = 0), Rejected::SequenceUsed { expected: 1, got: 0 }),
        (change(&|change| change.epoch = 2), Rejected::SequenceEarly { expected: 1, got: 2 }),
        (pair.asked_child(ALICE, few), certificate(BadCertificate::Quorum { weight: 6, total: 10 })),
        (
            change(&|change| change.set = set(&FIRST)),
            certificate(BadCertificate::Signature {
                index: {
                    let EngineAction::SetChange(change) = &good.action else { panic!() };
                    change.signatures[0].index
                },
            }),
        ),
    ];
    for (got, expected) in rows {
        assert_eq!(got, expected);
    }
    pair.on_child(ALICE, good);
    let other = pair.child.set_change(ALICE, &[31, 32, 33], &[31, 32, 33]);
    // One word for each epoch: or else anybody could send an earlier one again, over what was wanted later.
    assert_eq!(pair.asked_child(ALICE, other), Rejected::SequenceUsed { expected: 1, got: 1 });
    pair.enter(2);
    assert_eq!(pair.child.committee().schedule.now.set, set(&FIRST));
    pair.enter(3);
    assert_eq!(pair.child.committee().schedule.now.set, set(&next));
    // Who left has no word any more, who came has one.
    let back = pair.child.set_change(ALICE, &[30, 31, 32, 33], &FIRST);
    let missing = Rejected::Certificate { why: BadCertificate::Quorum { weight: 9, total: 14 } };
    assert_eq!(pair.asked_child(ALICE, back), missing);
    pair.on_child(ALICE, pair.child.set_change(ALICE, &[34, 33, 32], &FIRST));
    pair.enter(5);
    assert_eq!(pair.child.committee().schedule.now.set, set(&FIRST));
}

#[test]
fn the_engine_is_spoken_to_only_where_validators_change() {
    let pair = Pair::funded();
    let tx = pair.child.act(ALICE, EngineAction::Unjail);
    assert_eq!(pair.asked_child(ALICE, tx), Rejected::NotHere { kind: "EngineTx" });
    let pair = permissioned();
    let tx = pair.child.act(ALICE, EngineAction::Unjail);
    assert_eq!(pair.asked_child(ALICE, tx), Rejected::NoStake { staker: account(ALICE) });
    let root: &Ledger = &pair.root;
    let tx: SignedTx = root.sign(ALICE, root.act(ALICE, EngineAction::Unjail));
    assert_eq!(root.admit(&tx).unwrap_err(), Rejected::NotHere { kind: "EngineTx" });
}

#[test]
fn rules_of_a_committee_stand_at_the_end_of_the_parameters_and_cost_others_nothing() {
    let plain = genesis(Pair::new().child.params, &[]);
    let with = |sets| {
        let params = Params { committee: Tail(Some(rules(sets))), ..plain.params.clone() };
        genesis(params, &[])
    };
    assert_ne!(with(Sets::Permissioned).hash(), plain.hash());
    let wrong = |rules: CommitteeRules| {
        let params = Params { committee: Tail(Some(rules)), ..plain.params.clone() };
        genesis_state(&genesis(params, &[])).unwrap_err()
    };
    let none = CommitteeRules { epoch_blocks: 0, ..rules(Sets::Permissioned) };
    assert_eq!(wrong(none), GenesisError::Params { field: "epoch_blocks" });
    let root = Params { committee: Tail(Some(rules(Sets::Permissioned))), ..root_params() };
    assert_eq!(genesis_state(&genesis(root, &[])).unwrap_err(), GenesisError::Params { field: "committee" });
}
