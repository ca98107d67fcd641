//! Regime `certificate`: what the child's validators agreed to, and who they are.

use banyan_ledger::{Event, Rejected, Status, engine::committee::BadCertificate, key};
use banyan_types::{
    Bytes, Hash, Height, PublicKey, Signature,
    associate::{CertifiedBlock, Change, ENGINE_COMMITTEE, Grounds, InboxKind, Regime, Summary, Validators},
    committee::{Certificate, Member, MemberSignature, SignedStatement, Statement, ValidatorSet, handover_hash},
    rlp::Tail,
    tx::{AssociateEvidence, AssociateRemit, AssociateUpdate},
};

use crate::support::*;

pub const FIRST: [u8; 4] = [20, 21, 22, 23];
pub const SECOND: [u8; 4] = [22, 23, 24, OPERATORS[1]];
const THIRD: [u8; 4] = [25, 26, 27, 28];

pub fn set(people: &[u8]) -> ValidatorSet {
    let member = |person: &u8| Member { key: PublicKey(secret(*person).public()), weight: 1 };
    ValidatorSet::new(people.iter().map(member).collect()).unwrap()
}

/// What these people sign as members of a set.
pub fn certificate(network: &str, of: &[u8], people: &[u8], statement: &Statement) -> Certificate {
    let (set, message) = (set(of), statement.signing_message(network));
    let sign = |person: &u8| MemberSignature {
        index: set.place(&PublicKey(secret(*person).public())).unwrap(),
        signature: Signature(secret(*person).sign(&message)),
    };
    Certificate::gather(statement, people.iter().map(sign).collect())
}

/// A child of the first validators, in which Alice and Bob hold a thousand coins each.
struct Certified(Pair);

impl Certified {
    fn new() -> Self {
        let mut pair = Pair::with(|create| {
            create.regime = Regime::Certificate(Validators::new(ENGINE_COMMITTEE, set(&FIRST)));
        });
        pair.child.set_hash = set(&FIRST).hash();
        pair.commit(ALICE, ALICE, coins(1_000));
        pair.commit(BOB, BOB, coins(1_000));
        pair.step(&[]).unwrap();
        let mut certified = Self(pair);
        certified.send(&FIRST, &FIRST[..3]).unwrap();
        certified
    }

    fn network(&self) -> &str {
        &self.0.child.params.network_id
    }

    fn validators(&self) -> Validators {
        match self.0.root.point(self.0.id).regime {
            Regime::Certificate(validators) => validators,
            other => panic!("{other:?}"),
        }
    }

    fn block(&self, of: &[u8], people: &[u8]) -> CertifiedBlock {
        let header = self.0.child.child_header();
        let statement = Statement::precommit(header.height, 0, header.hash());
        CertifiedBlock {
            header: Bytes(header.encode()),
            certificate: Bytes(certificate(self.network(), of, people, &statement).encode()),
            leaf: self.0.child.proof(&[key::parent()]),
            grounds: Tail(None),
        }
    }

    /// The remit of the child's last block, certified by these people as members of a set.
    fn remit(&self, of: &[u8], people: &[u8]) -> AssociateRemit {
        let (summary, lines) = self.0.child.summary(&self.0.root);

        let authorization = Bytes(self.block(of, people).encode());
        AssociateRemit { authorization, ..self.0.root.remit(OPERATORS[0], summary, lines) }
    }

    fn send(&mut self, of: &[u8], people: &[u8]) -> Result<(), Rejected> {
        let tx = self.remit(of, people);
        self.0.asked(OPERATORS[0], tx.clone())?;
        self.0.on_root(OPERATORS[0], tx);
        self.0.child.effects.clear();
        Ok(())
    }

    fn handover(&self, epoch: u64, of: &[u8], people: &[u8], next: &[u8]) -> AssociateUpdate {
        let statement = Statement::handover(epoch, handover_hash(self.0.id, epoch, &set(next)));
        let authorization = Bytes(certificate(self.network(), of, people, &statement).encode());
        AssociateUpdate { authorization, ..self.0.root.update(ALICE, self.0.id, Change::Validators(set(next))) }
    }
}

#[test]
fn what_validators_agreed_to_is_paid() {
    let mut certified = Certified::new();
    let tx = certified.0.withdraw(ALICE, coins(10));
    certified.0.step(&[tx]).unwrap();
    let before = certified.0.root.balance(ALICE);
    certified.send(&FIRST, &FIRST[1..]).unwrap();
    assert_eq!(certified.0.root.balance(ALICE), before.plus(coins(10)).unwrap());
    assert_eq!(certified.validators().epoch, 0);
}

#[test]
fn a_certified_remit_rejects_in_the_written_order() {
    let mut certified = Certified::new();
    // A commit that the child has skipped, so that every number of the summary means something.
    certified.0.commit(CAROL, CAROL, coins(5));
    certified.0.root.key_blocks(COMMIT_TIMEOUT);
    let tx = certified.0.withdraw(ALICE, coins(10));
    certified.0.step(&[tx]).unwrap();
    let good = certified.remit(&FIRST, &FIRST[..3]);
    assert_eq!(good.summary.skipped.len(), 1);
    let block = certified.block(&FIRST, &FIRST[..3]);
    let header = certified.0.child.child_header();
    let grounds = Tail(Some(Grounds { headers: vec![], seal: block.certificate.clone() }));
    let field = |field| Rejected::CertifiedBlock { field };
    let ask = |tx: &AssociateRemit| certified.0.root.admit(&certified.0.root.sign(OPERATORS[0], tx.clone()));
    let with = |block: &CertifiedBlock| AssociateRemit { authorization: Bytes(block.encode()), ..good.clone() };
    let change: [(&str, fn(&mut Summary)); 5] = [
        ("block_hash", |summary| summary.block_hash = Hash([9; 32])),
        ("height", |summary| summary.child_to = summary.child_to.next().unwrap()),
        ("state_root", |summary| summary.root = Hash([9; 32])),
        ("set_hash", |summary| summary.set_hash = Hash([9; 32])),
        ("skipped", |summary| summary.skipped = vec![]),
    ];
    for (name, change) in change {
        let mut wrong = good.clone();
        change(&mut wrong.summary);
        assert_eq!(ask(&wrong).unwrap_err(), field(name));
    }
    // The validators agreed to less than the summary says: an older inbox, under a hash that is right for it.
    let point = certified.0.root.point(certified.0.id);
    let summary = Summary {
        inbox_acked: point.inbox_acked,
        inbox_hash: point.inbox_acked_hash,
        skipped: vec![],
        ..good.summary.clone()
    };
    assert_eq!(ask(&AssociateRemit { summary, ..good.clone() }).unwrap_err(), field("inbox_to"));

    assert_eq!(ask(&AssociateRemit { authorization: Bytes(vec![7]), ..good.clone() }).unwrap_err().code(), "malformed");
    assert_eq!(ask(&with(&CertifiedBlock { grounds, ..block.clone() })).unwrap_err(), field("grounds"));
    let other = Statement::precommit(header.height, 0, Hash([9; 32]));
    let other = certificate(certified.network(), &FIRST, &FIRST, &other);
    let wrong = CertifiedBlock { certificate: Bytes(other.encode()), ..block.clone() };
    assert_eq!(ask(&with(&wrong)).unwrap_err(), field("certificate"));
    let weak = Rejected::Certificate { why: BadCertificate::Quorum { weight: 2, total: 4 } };
    assert_eq!(ask(&certified.remit(&FIRST, &FIRST[..2])).unwrap_err(), weak);
    let mut leaf = block.leaf.clone();
    leaf.leaves[0].0[20] ^= 1;
    let proof = Rejected::Proof { why: "the leaves do not stand in that state" };
    assert_eq!(ask(&with(&CertifiedBlock { leaf, ..block })).unwrap_err(), proof);
    // And the law above all regimes.
    ask(&good).unwrap();
}

#[test]
fn a_certificate_of_the_old_set_hands_over_once() {
    let mut certified = Certified::new();
    let id = certified.0.id;
    let rows = [
        (certified.handover(1, &FIRST, &FIRST[..2], &SECOND), {
            Rejected::Certificate { why: BadCertificate::Quorum { weight: 2, total: 4 } }
        }),
        (certified.handover(2, &FIRST, &FIRST, &SECOND), Rejected::SequenceEarly { expected: 1, got: 2 }),
        (certified.handover(0, &FIRST, &FIRST, &SECOND), Rejected::SequenceUsed { expected: 1, got: 0 }),
        (
            AssociateUpdate {
                change: Change::Validators(set(&THIRD)),
                ..certified.handover(1, &FIRST, &FIRST, &SECOND)
            },
            Rejected::CertifiedBlock { field: "handover" },
        ),
        (certified.0.root.update(ALICE, id, Change::Validators(set(&SECOND))), {
            // The operators cannot put other validators there.
            Rejected::Decode(banyan_types::rlp::DecodeError::Malformed("bytes where a list should stand"))
        }),
    ];
    for (tx, why) in rows {
        let refused = certified.0.asked(ALICE, tx).unwrap_err();
        assert_eq!(refused.code(), why.code(), "{refused}");
    }
    let good = certified.handover(1, &FIRST, &FIRST[..3], &SECOND);
    certified.0.on_root(ALICE, good.clone());
    let after = certified.validators();
    assert_eq!((after.epoch, &after.set, &after.previous), (1, &set(&SECOND), &Some(set(&FIRST))));
    let again = AssociateUpdate { nonce: certified.0.root.nonce(ALICE), ..good };
    assert_eq!(certified.0.asked(ALICE, again).unwrap_err(), Rejected::SequenceUsed { expected: 2, got: 1 });
    // The next one waits until the new set has spoken.
    let third = certified.handover(2, &SECOND, &SECOND, &THIRD);
    assert_eq!(certified.0.asked(ALICE, third).unwrap_err(), Rejected::Status { status: "handing over" });

    // Blocks of the epoch before are still answered for by its own validators, and by them alone.
    certified.0.step(&[]).unwrap();
    certified.send(&FIRST, &FIRST[..3]).unwrap();
    assert_eq!(certified.validators().previous, Some(set(&FIRST)));
    certified.0.child.set_hash = set(&SECOND).hash();
    certified.0.step(&[]).unwrap();
    certified.send(&SECOND, &SECOND[..3]).unwrap();
    assert_eq!(certified.validators().previous, None);
    certified.0.child.set_hash = set(&FIRST).hash();
    certified.0.step(&[]).unwrap();
    let why = certified.send(&FIRST, &FIRST).unwrap_err();
    assert_eq!(why, Rejected::CertifiedBlock { field: "set_hash" });
    let third = certified.handover(2, &SECOND, &SECOND, &THIRD);
    certified.0.on_root(ALICE, third);
    assert_eq!(certified.validators().epoch, 2);
}

#[test]
fn two_certificates_for_one_height_freeze_the_child() {
    let mut certified = Certified::new();
    let id = certified.0.id;
    let bond = certified.0.root.update(OPERATORS[1], id, Change::BondIn(coins(50)));
    certified.0.on_root(OPERATORS[1], bond);
    let handover = certified.handover(1, &FIRST, &FIRST, &SECOND);
    certified.0.on_root(ALICE, handover);
    let evidence = |certified: &Certified, kind, a: &Certificate, b: &Certificate| AssociateEvidence {
        associate_id: id,
        from_id: account(CAROL),
        kind,
        a: Bytes(a.encode()),
        b: Bytes(b.encode()),
        ttl: Height(0),
        fee: FEE,
        nonce: certified.0.root.nonce(CAROL),
    };
    let block = |certified: &Certified, height, hash, people: &[u8]| {
        let statement = Statement::precommit(Height(height), 3, Hash([hash; 32]));
        certificate(certified.network(), &SECOND, people, &statement)
    };
    let one = block(&certified, 9, 1, &SECOND[1..]);
    let other = block(&certified, 9, 2, &SECOND[..]);
    let rows = [
        evidence(&certified, 0, &one, &other),
        evidence(&certified, 2, &one, &other),
        evidence(&certified, 1, &one, &one),
        evidence(&certified, 1, &one, &block(&certified, 8, 2, &SECOND)),
        evidence(&certified, 1, &one, &block(&certified, 9, 2, &SECOND[..2])),
    ];
    for tx in rows {
        assert_eq!(certified.0.asked(CAROL, tx).unwrap_err(), Rejected::NoFault);
    }
    let held = certified.0.held();
    let good = evidence(&certified, 1, &one, &other);
    let outcome = certified.0.on_root(CAROL, good.clone());
    let until = certified.0.root.height().plus(COMMIT_TIMEOUT).unwrap();
    assert_eq!(certified.0.root.point(id).status, Status::Frozen { until, closing: false });
    // The validator that is an operator with a bond has signed both, and its bond is in the pot.
    let culprit =
        |event: &Event| matches!(event, Event::OperatorSlashed { operator, .. } if *operator == account(OPERATORS[1]));
    assert!(outcome.events.iter().any(culprit));
    assert_eq!(certified.0.held(), held.plus(coins(45)).unwrap());
    let again = AssociateEvidence { nonce: certified.0.root.nonce(CAROL), ..good };
    assert_eq!(certified.0.asked(CAROL, again).unwrap_err(), Rejected::NoFault, "it is judged once");

    let commit = certified.0.root.commit(ALICE, id, ALICE, coins(1));
    assert_eq!(certified.0.asked(ALICE, commit).unwrap_err(), Rejected::Status { status: "frozen" });
    certified.0.step(&[]).unwrap();
    assert_eq!(certified.send(&FIRST, &FIRST).unwrap_err(), Rejected::Status { status: "frozen" });
    // The operators thaw it, or time does.
    let mut thawed = certified.0.clone();
    let thaw = thawed.root.update(ALICE, id, Change::Thaw);
    thawed.on_root(ALICE, thaw);
    assert_eq!(thawed.root.point(id).status, Status::Open);
    while certified.0.root.height() <= until {
        certified.0.root.key_block(LEADER);
    }
    certified.0.step(&[]).unwrap();
    certified.send(&FIRST, &FIRST).unwrap();
    assert_eq!(certified.0.root.point(id).status, Status::Open);
}

#[test]
fn two_handovers_for_one_epoch_freeze_the_child() {
    let mut certified = Certified::new();
    let (id, network) = (certified.0.id, certified.network().to_owned());
    let handover = |next: &[u8]| {
        let statement = Statement::handover(1, handover_hash(id, 1, &set(next)));
        Bytes(certificate(&network, &FIRST, &FIRST[..3], &statement).encode())
    };
    let tx = AssociateEvidence {
        associate_id: id,
        from_id: account(CAROL),
        kind: 1,
        a: handover(&SECOND),
        b: handover(&THIRD),
        ttl: Height(0),
        fee: FEE,
        nonce: certified.0.root.nonce(CAROL),
    };
    certified.0.on_root(CAROL, tx);
    assert!(matches!(certified.0.root.point(id).status, Status::Frozen { .. }));
    assert_eq!(certified.validators().judged_epoch, 1);
}

#[test]
fn a_closing_child_that_was_frozen_goes_on_closing() {
    let mut certified = Certified::new();
    let (id, network) = (certified.0.id, certified.network().to_owned());
    let close = certified.0.root.close(ALICE, id);
    certified.0.on_root(ALICE, close);
    // It has been silent for too long besides.
    certified.0.fall_silent();
    let vote = |hash| {
        let statement = Statement::precommit(Height(50), 0, Hash([hash; 32]));
        Bytes(certificate(&network, &FIRST, &FIRST, &statement).encode())
    };
    let tx = AssociateEvidence {
        associate_id: id,
        from_id: account(CAROL),
        kind: 1,
        a: vote(1),
        b: vote(2),
        ttl: Height(0),
        fee: FEE,
        nonce: certified.0.root.nonce(CAROL),
    };
    certified.0.on_root(CAROL, tx);
    assert!(matches!(certified.0.root.point(id).status, Status::Frozen { closing: true, .. }));
    let thaw = certified.0.root.update(ALICE, id, Change::Thaw);
    certified.0.on_root(ALICE, thaw);
    assert_eq!(certified.0.root.point(id).status, Status::Closing);
}

#[test]
fn a_validator_with_a_bond_loses_it_for_two_votes() {
    let mut pair = Pair::funded();
    let tx = pair.root.update(OPERATORS[1], pair.id, Change::BondIn(coins(50)));
    pair.on_root(OPERATORS[1], tx);
    let vote = |hash| {
        let statement = Statement::precommit(Height(3), 0, Hash([hash; 32]));
        let key = secret(OPERATORS[1]);
        let message = statement.signing_message(&pair.child.params.network_id);
        let signed =
            SignedStatement { statement, by: PublicKey(key.public()), signature: Signature(key.sign(&message)) };
        Bytes(signed.encode())
    };
    let tx = AssociateEvidence {
        associate_id: pair.id,
        from_id: account(CAROL),
        kind: 0,
        a: vote(1),
        b: vote(2),
        ttl: Height(0),
        fee: FEE,
        nonce: pair.root.nonce(CAROL),
    };
    pair.on_root(CAROL, tx);
    assert_eq!(pair.root.point(pair.id).bonds, []);
}

#[test]
fn operators_announce_other_validators_to_the_child() {
    let mut pair = Pair::funded();
    let tx = pair.root.update(ALICE, pair.id, Change::Validators(set(&SECOND)));
    pair.on_root(ALICE, tx);
    pair.root.key_blocks(COMMIT_TIMEOUT);
    let last = pair.root.inbox(pair.id, pair.root.point(pair.id).inbox_next - 1).unwrap();
    assert_eq!(last.kind, InboxKind::SetChange(set(&SECOND)));
    pair.step(&[]).unwrap();
    pair.remit().unwrap();
}

#[test]
fn data_of_a_regime_are_checked() {
    let root = Ledger::root();
    let begun = |change: fn(&mut Validators)| {
        let mut validators = Validators::new(ENGINE_COMMITTEE, set(&FIRST));
        change(&mut validators);
        let create =
            banyan_types::tx::AssociateCreate { regime: Regime::Certificate(validators), ..root.create(CAROL, "bank") };
        root.admit(&root.sign(CAROL, create)).err().map(|why| why.code())
    };
    assert_eq!(begun(|_| {}), None);
    assert_eq!(begun(|validators| validators.engine = 4), Some("regime"));
    assert_eq!(begun(|validators| validators.epoch = 1), Some("regime"));
    assert_eq!(begun(|validators| validators.previous = Some(validators.set.clone())), Some("regime"));
    assert_eq!(begun(|validators| validators.judged = Height(1)), Some("regime"));
}

#[test]
fn operators_give_way_to_certificates_at_once_and_never_back() {
    let mut pair = Pair::new();
    let stronger = Change::Regime(Regime::Certificate(Validators::new(ENGINE_COMMITTEE, set(&FIRST))));
    let tx = pair.root.update(ALICE, pair.id, stronger.clone());
    pair.on_root(ALICE, tx);
    assert_eq!(pair.root.point(pair.id).pending.len(), 0);
    let again = pair.root.update(ALICE, pair.id, stronger);
    assert_eq!(pair.asked(ALICE, again).unwrap_err().code(), "change");
    let weaker = pair.root.update(ALICE, pair.id, Change::Regime(Regime::Operators));
    pair.on_root(ALICE, weaker);
    assert_eq!(pair.root.point(pair.id).pending.len(), 1);
}

#[test]
fn what_a_contract_demands_is_left_only_after_a_while() {
    let contract = Regime::Contract(banyan_types::ContractId([1; 32]));
    let begun = Validators::new(ENGINE_COMMITTEE, set(&FIRST));
    for other in [Regime::Operators, Regime::Certificate(begun)] {
        let mut pair = Pair::new();
        let mut point = pair.root.point(pair.id);
        point.regime = contract.clone();
        pair.root.state.commit(&[(key::point(pair.id), Some(point.encode()))].into());
        let tx = pair.root.update(ALICE, pair.id, Change::Regime(other));
        pair.on_root(ALICE, tx);
        let point = pair.root.point(pair.id);
        assert_eq!((&point.regime, point.pending.len()), (&contract, 1));
    }
}

#[test]
fn a_child_cannot_be_kept_from_dying_by_freezing_it_again_and_again() {
    let mut certified = Certified::new();
    let id = certified.0.id;
    let alive = certified.0.root.point(id).last_alive;
    let last = alive.0 + SILENCE + COMMIT_TIMEOUT;
    for height in 0.. {
        let vote = |certified: &Certified, hash| {
            let statement = Statement::precommit(Height(100 + height), 0, Hash([hash; 32]));
            Bytes(certificate(certified.network(), &FIRST, &FIRST, &statement).encode())
        };
        let tx = AssociateEvidence {
            associate_id: id,
            from_id: account(CAROL),
            kind: 1,
            a: vote(&certified, 1),
            b: vote(&certified, 2),
            ttl: Height(0),
            fee: FEE,
            nonce: certified.0.root.nonce(CAROL),
        };
        certified.0.on_root(CAROL, tx);
        (0..COMMIT_TIMEOUT).for_each(|_| drop(certified.0.root.key_block(LEADER)));
        if certified.0.root.height().0 > last {
            break;
        }
    }
    let claim =
        certified.0.root.escape(ALICE, id, banyan_types::Payee::Account(account(ALICE)), &[], &certified.0.child);
    certified.0.on_root(ALICE, claim);
}

#[test]
fn a_speaking_child_of_each_regime_is_shown_by_its_word() {
    let regimes = [
        (Regime::Operators, "operators"),
        (Regime::Certificate(Validators::new(ENGINE_COMMITTEE, set(&FIRST))), "certificate"),
        (Regime::Contract(banyan_types::ContractId([1; 32])), "contract"),
    ];
    for (regime, word) in regimes {
        assert_eq!(regime.word(), word);
    }
}
