//! Regime `certificate` over validators in turns: what is final there and nothing else, and who has said too much.

use banyan_ledger::{
    Event, Rejected, Status,
    engine::{committee::BadCertificate, rotation::leaders_word},
    key, rules,
};
use banyan_types::{
    Bytes, Hash, Height, PublicKey, Signature,
    associate::{
        CertifiedBlock, Change, ENGINE_COMMITTEE, ENGINE_ROTATION, ENGINE_ROTATION_ONE_STEP, Grounds, Regime, Summary,
        Validators,
    },
    committee::{Certificate, Member, SignedStatement, Statement, StatementKind, ValidatorSet},
    header::ChildHeader,
    rlp::Tail,
    tx::{AssociateCreate, AssociateEvidence, AssociateRemit, Transaction},
};
use proptest::prelude::*;

use crate::{
    certified::{FIRST, SECOND, certificate, set},
    support::*,
};

/// A child of the first validators in turns, in which Alice holds a thousand coins. Blocks show the seal of the one before.
#[derive(Clone)]
struct Turning(Pair);

/// What is shown of a child's chain beside a summary.
#[derive(Clone)]
struct Shown {
    header: ChildHeader,
    after: Vec<ChildHeader>,
    certificate: Certificate,
    seal: Option<Certificate>,
}

impl Turning {
    fn new(engine: u64) -> Self {
        let mut pair = Pair::with(|create| create.regime = Regime::Certificate(Validators::new(engine, set(&FIRST))));
        pair.child.set_hash = set(&FIRST).hash();
        pair.child.sealers = Some(set(&FIRST));
        pair.child.signers = FIRST[..3].to_vec();
        pair.commit(ALICE, ALICE, coins(1_000));
        pair.step(&[]).unwrap();
        Self(pair)
    }

    fn network(&self) -> &str {
        &self.0.child.params.network_id
    }

    fn certify(&self, header: &ChildHeader, people: &[u8]) -> Certificate {
        let statement = Statement::precommit(header.height, header.view, header.hash());
        certificate(self.network(), &FIRST, people, &statement)
    }

    /// The child makes so many blocks more.
    fn more(&mut self, blocks: usize) -> Vec<ChildHeader> {
        let step = |_| {
            self.0.step(&[]).unwrap();
            self.0.child.child_header()
        };
        (0..blocks).map(step).collect()
    }

    /// The remit up to the last block of `then`, which is this child as it was.
    fn remit(&self, then: &Ledger, shown: &Shown) -> AssociateRemit {
        let (summary, lines) = then.summary(&self.0.root);
        let seal = shown.seal.as_ref().map_or_else(Bytes::default, |seal| Bytes(seal.encode()));
        let headers: Vec<_> = shown.after.iter().map(|header| Bytes(header.encode())).collect();
        let has_grounds = shown.seal.is_some() || !headers.is_empty();
        let block = CertifiedBlock {
            header: Bytes(shown.header.encode()),
            certificate: Bytes(shown.certificate.encode()),
            leaf: then.proof(&[key::parent()]),
            grounds: Tail(has_grounds.then_some(Grounds { headers, seal })),
        };
        AssociateRemit { authorization: Bytes(block.encode()), ..self.0.root.remit(OPERATORS[0], summary, lines) }
    }

    fn ask(&self, tx: AssociateRemit) -> Option<Rejected> {
        self.0.root.admit(&self.0.root.sign(OPERATORS[0], tx)).err()
    }

    fn evidence(&self, kind: u64, a: Vec<u8>, b: Vec<u8>) -> AssociateEvidence {
        AssociateEvidence {
            associate_id: self.0.id,
            from_id: account(CAROL),
            kind,
            a: Bytes(a),
            b: Bytes(b),
            ttl: Height(0),
            fee: FEE,
            nonce: self.0.root.nonce(CAROL),
        }
    }

    /// A block's commitments in a view, by these people.
    fn commitments(&self, view: u32, block: u8, people: &[u8]) -> Vec<u8> {
        let statement = Statement::precommit(Height(9), view, Hash([block; 32]));
        certificate(self.network(), &WITH_BOND, people, &statement).encode()
    }
}

const fn other(field: &'static str) -> Rejected {
    Rejected::CertifiedBlock { field }
}

const fn bad(why: BadCertificate) -> Rejected {
    Rejected::Certificate { why }
}

#[test]
fn what_validators_in_turns_made_final_is_paid() {
    for engine in [ENGINE_ROTATION, ENGINE_ROTATION_ONE_STEP] {
        let mut child = Turning::new(engine);
        let tx = child.0.withdraw(ALICE, coins(10));
        child.0.step(&[tx]).unwrap();
        let (then, header) = (child.0.child.clone(), child.0.child.child_header());
        let after = child.more(usize::from(engine != ENGINE_ROTATION));
        let seal = after.last().map(|last| child.certify(last, &FIRST[1..]));
        let certificate = child.certify(&header, &FIRST[..3]);
        let remit = child.remit(&then, &Shown { header, after, certificate, seal });
        let before = child.0.root.balance(ALICE);
        child.0.on_root(OPERATORS[0], remit);
        assert_eq!(child.0.root.balance(ALICE), before.plus(coins(10)).unwrap());
    }
}

#[test]
fn a_block_is_final_with_one_that_descends_from_it() {
    for engine in [ENGINE_ROTATION, ENGINE_ROTATION_ONE_STEP] {
        let mut child = Turning::new(engine);
        let (then, header) = (child.0.child.clone(), child.0.child.child_header());
        let after = child.more(3);
        let certified = if engine == ENGINE_ROTATION { &after[2] } else { &after[1] };
        let certificate = child.certify(certified, &FIRST[..3]);
        let seal = (engine != ENGINE_ROTATION).then(|| child.certify(&after[2], &FIRST[..3]));
        let remit = child.remit(&then, &Shown { header, after, certificate, seal });
        assert_eq!(child.ask(remit), None, "engine {engine}");
    }
}

#[test]
fn a_remit_of_a_rotation_rejects_in_the_written_order() {
    let mut child = Turning::new(ENGINE_ROTATION_ONE_STEP);
    let (then, header) = (child.0.child.clone(), child.0.child.child_header());
    let after = child.more(1);
    let (quorum, seal) = (child.certify(&header, &FIRST[..3]), child.certify(&after[0], &FIRST[..3]));
    let good = Shown { header, after, certificate: quorum, seal: Some(seal.clone()) };
    assert_eq!(child.ask(child.remit(&then, &good)), None);
    let all = child.certify(&good.header, &FIRST);
    let weak = child.certify(&good.after[0], &FIRST[..2]);
    let statement = seal.precommit();
    let foreign = certificate("other.2Qx7Lm4d", &FIRST, &FIRST[..3], &statement);
    let rows: [(&str, Option<Rejected>, Box<dyn Fn(&mut Shown)>); 8] = [
        ("state_root", Some(other("block_hash")), Box::new(|shown| shown.header.state_root = Hash([9; 32]))),
        ("one block is not enough", Some(other("grounds")), Box::new(|shown| shown.after.clear())),
        ("prev_hash", Some(other("prev_hash")), Box::new(|shown| shown.after[0].prev_hash = Hash([9; 32]))),
        ("certificate", Some(other("certificate")), Box::new(|shown| shown.certificate.block_hash = Hash([9; 32]))),
        ("the child shows another", Some(other("prev_seal_hash")), Box::new(|shown| shown.certificate = all.clone())),
        ("seal", Some(other("seal")), Box::new(|shown| shown.seal.as_mut().unwrap().height = Height(99))),
        (
            "two of four",
            Some(bad(BadCertificate::Quorum { weight: 2, total: 4 })),
            Box::new(|shown| shown.seal = Some(weak.clone())),
        ),
        (
            "another ledger",
            Some(bad(BadCertificate::Signature { index: 0 })),
            Box::new(|shown| shown.seal = Some(foreign.clone())),
        ),
    ];
    for (row, (name, expected, _)) in rows.iter().enumerate() {
        let mut shown = good.clone();
        rows[row..].iter().rev().for_each(|(_, _, break_it)| break_it(&mut shown));
        assert_eq!(&child.ask(child.remit(&then, &shown)), expected, "{name}");
    }
    let grounds = Shown { seal: None, ..good.clone() };
    assert_eq!(child.ask(child.remit(&then, &grounds)), Some(other("grounds")), "the child's certificate is missing");
    let malformed = AssociateRemit { authorization: Bytes(vec![7]), ..child.remit(&then, &good) };
    assert_eq!(child.ask(malformed).map(|why| why.code()), Some("malformed"));
}

#[test]
fn only_over_two_thirds_count_whatever_the_threshold() {
    // Two steps: three of four, by members alone, over a block.
    let child = Turning::new(ENGINE_ROTATION);
    let (then, header) = (child.0.child.clone(), child.0.child.child_header());
    let statement = Statement::precommit(header.height, header.view, header.hash());
    let key = secret(FIRST[0]);
    let proposal = Statement { kind: StatementKind::Proposal, ..statement };
    let signature = Signature(key.sign(&proposal.signing_message(child.network())));
    let word = leaders_word(&SignedStatement { statement: proposal, by: PublicKey(key.public()), signature });
    let none = Certificate::gather(&statement, vec![]);
    let rows = [
        (child.certify(&header, &FIRST[..3]), None),
        (child.certify(&header, &FIRST[..2]), Some(bad(BadCertificate::Quorum { weight: 2, total: 4 }))),
        (none, Some(bad(BadCertificate::Quorum { weight: 0, total: 4 }))),
        (word, Some(bad(BadCertificate::Aggregate { got: 64 }))),
        (
            certificate(child.network(), &SECOND, &SECOND[..3], &statement),
            Some(bad(BadCertificate::Signature { index: 0 })),
        ),
        (certificate("other", &FIRST, &FIRST, &statement), Some(bad(BadCertificate::Signature { index: 0 }))),
    ];
    for (certificate, expected) in rows {
        let shown = Shown { header: header.clone(), after: vec![], certificate, seal: None };
        assert_eq!(child.ask(child.remit(&then, &shown)), expected);
    }
    let certificate = child.certify(&header, &FIRST[..3]);
    let sealed = Shown { header, after: vec![], seal: Some(certificate.clone()), certificate };
    assert_eq!(child.ask(child.remit(&then, &sealed)), Some(other("grounds")), "of two steps there is no second seal");

    // One step: the threshold may confirm a block, and a child may carry that; it is not final.
    let mut child = Turning::new(ENGINE_ROTATION_ONE_STEP);
    child.0.child.signers = FIRST[..2].to_vec();
    let (then, header) = (child.0.child.clone(), child.0.child.child_header());
    let after = child.more(1);
    let seal = Some(child.certify(&after[0], &FIRST));
    let shown = Shown { certificate: child.certify(&header, &FIRST[..2]), header, after, seal };
    let few = Some(bad(BadCertificate::Quorum { weight: 2, total: 4 }));
    assert_eq!(child.ask(child.remit(&then, &shown)), few);
}

#[test]
fn a_summary_of_another_set_is_refused() {
    let mut child = Turning::new(ENGINE_ROTATION);
    child.0.child.set_hash = set(&SECOND).hash();
    let header = child.more(1).remove(0);
    let statement = Statement::precommit(header.height, header.view, header.hash());
    let certificate = certificate(child.network(), &SECOND, &SECOND, &statement);
    let then = child.0.child.clone();
    let (summary, _) = then.summary(&child.0.root);
    assert_eq!(Summary { set_hash: set(&SECOND).hash(), ..summary.clone() }, summary);
    let shown = Shown { header, after: vec![], certificate, seal: None };
    assert_eq!(child.ask(child.remit(&then, &shown)), Some(other("set_hash")));
}

#[test]
fn an_engine_is_registered_as_it_is() {
    let root = Ledger::root();
    let code = |engine, set: ValidatorSet| {
        let regime = Regime::Certificate(Validators::new(engine, set));
        let create = AssociateCreate { regime, ..root.create(CAROL, "bank") };
        root.admit(&root.sign(CAROL, create)).err()
    };
    let heavy = |person: &u8| Member { key: PublicKey(secret(*person).public()), weight: 2 };
    let heavy = ValidatorSet::new(FIRST.iter().map(heavy).collect()).unwrap();
    assert_eq!(code(ENGINE_COMMITTEE, heavy.clone()), None);
    for engine in [ENGINE_ROTATION, ENGINE_ROTATION_ONE_STEP] {
        assert_eq!(code(engine, set(&FIRST)), None);
        assert_eq!(code(engine, heavy.clone()), Some(Rejected::Regime { why: "validators in turns weigh 1 each" }));
    }
    for engine in [0, 4] {
        let why = "only certificates of engines 1, 2 and 3 are known";
        assert_eq!(code(engine, set(&FIRST)), Some(Rejected::Regime { why }));
    }
}

#[test]
fn validators_in_turns_are_never_changed() {
    let child = Turning::new(ENGINE_ROTATION);
    let next = child.0.root.update(ALICE, child.0.id, Change::Validators(set(&SECOND)));
    let why = "validators in turns are never changed";
    assert_eq!(child.0.asked(ALICE, next).unwrap_err(), Rejected::Change { why });
    let handed = |next: u8| {
        let statement = Statement::handover(1, Hash([next; 32]));
        certificate(child.network(), &FIRST, &FIRST, &statement).encode()
    };
    let tx = child.evidence(1, handed(1), handed(2));
    assert_eq!(child.0.asked(CAROL, tx).unwrap_err(), Rejected::NoFault, "and hand over nothing");
}

#[test]
fn two_certificates_for_one_height_freeze_a_rotation_and_name_whom_they_convict() {
    // In one view everybody who stands in both is named; in two views only where one step confirms.
    for (engine, view, named) in [
        (ENGINE_ROTATION, 3, true),
        (ENGINE_ROTATION, 4, false),
        (ENGINE_ROTATION_ONE_STEP, 3, true),
        (ENGINE_ROTATION_ONE_STEP, 4, true),
    ] {
        let mut child = bonded(engine);
        let a = child.commitments(3, 1, &WITH_BOND[..3]);
        let rows = [
            (child.commitments(3, 1, &WITH_BOND[1..]), "the same block"),
            (child.commitments(view, 2, &WITH_BOND[..2]), "two of four"),
        ];
        for (b, what) in rows {
            let tx = child.evidence(1, a.clone(), b);
            assert_eq!(child.0.asked(CAROL, tx).unwrap_err(), Rejected::NoFault, "{what}");
        }
        let held = child.0.held();
        let tx = child.evidence(1, a, child.commitments(view, 2, &WITH_BOND[1..]));
        let outcome = child.0.on_root(CAROL, tx.clone());
        assert!(matches!(child.0.root.point(child.0.id).status, Status::Frozen { .. }), "engine {engine}");
        let slashed = |event: &Event| matches!(event, Event::OperatorSlashed { operator, .. } if *operator == account(OPERATORS[1]));
        assert_eq!(outcome.events.iter().any(slashed), named, "engine {engine}, view {view}");
        let pot = if named { held.plus(coins(45)).unwrap() } else { held };
        assert_eq!(child.0.held(), pot, "nine tenths of the bond");
        let again = AssociateEvidence { nonce: child.0.root.nonce(CAROL), ..tx };
        assert_eq!(child.0.asked(CAROL, again).unwrap_err(), Rejected::NoFault, "it is judged once");
    }
}

/// Validators of whom one has put up a bond.
const WITH_BOND: [u8; 4] = [FIRST[0], OPERATORS[1], FIRST[2], FIRST[3]];

fn bonded(engine: u64) -> Turning {
    let mut pair = Pair::with(|create| create.regime = Regime::Certificate(Validators::new(engine, set(&WITH_BOND))));
    let bond = pair.root.update(OPERATORS[1], pair.id, Change::BondIn(coins(50)));
    pair.on_root(OPERATORS[1], bond);
    Turning(pair)
}

#[test]
fn a_validator_in_turns_loses_its_bond_for_what_it_may_say_once() {
    let say = |child: &Turning, view, block: u8| {
        let statement = Statement::precommit(Height(9), view, Hash([block; 32]));
        let key = secret(OPERATORS[1]);
        let signature = Signature(key.sign(&statement.signing_message(child.network())));
        SignedStatement { statement, by: PublicKey(key.public()), signature }
    };
    for (engine, view, is_fault) in [
        (ENGINE_COMMITTEE, 0, true),
        (ENGINE_COMMITTEE, 1, false),
        (ENGINE_ROTATION, 0, true),
        (ENGINE_ROTATION, 1, false),
        (ENGINE_ROTATION_ONE_STEP, 0, true),
        (ENGINE_ROTATION_ONE_STEP, 1, true),
    ] {
        let mut child = bonded(engine);
        let (a, b) = (say(&child, 0, 1), say(&child, view, 2));
        let point = child.0.root.point(child.0.id);
        assert_eq!(banyan_ledger::convicts(&point, &a, &b), is_fault, "engine {engine}, view {view}");
        let tx = child.evidence(0, a.encode(), b.encode());
        if is_fault {
            child.0.on_root(CAROL, tx);
            assert_eq!(child.0.root.point(child.0.id).bonds, []);
            assert_eq!(child.0.root.point(child.0.id).status, Status::Open, "one liar freezes nothing");
            let again = child.evidence(0, a.encode(), b.encode());
            assert_eq!(child.0.asked(CAROL, again).unwrap_err(), Rejected::NoBond);
        } else {
            assert_eq!(child.0.asked(CAROL, tx).unwrap_err(), Rejected::NoFault);
        }
    }
}

#[test]
fn every_signature_of_a_second_certificate_is_paid_for() {
    let mut child = Turning::new(ENGINE_ROTATION_ONE_STEP);
    let (then, header) = (child.0.child.clone(), child.0.child.child_header());
    let after = child.more(1);
    let certificate = child.certify(&header, &FIRST[..3]);
    let gas = |people: &[u8]| {
        let seal = Some(child.certify(&after[0], people));
        let shown = Shown { header: header.clone(), after: after.clone(), certificate: certificate.clone(), seal };
        let tx = Transaction::from(child.remit(&then, &shown));
        let bytes = tx.encode().len();
        (rules::intrinsic_gas(&tx, bytes).unwrap().0, bytes as u64)
    };
    let (three, four) = (gas(&FIRST[..3]), gas(&FIRST));
    assert_eq!(four.0 - three.0, 1_500 + 20 * (four.1 - three.1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_bit_of_what_shows_a_block_to_be_final_may_be_another(steps in 1u8..=2, blocks in 1usize..5, at in 0usize..1 << 16, bit in 0u8..8) {
        let engine = if steps == 1 { ENGINE_ROTATION_ONE_STEP } else { ENGINE_ROTATION };
        let mut child = Turning::new(engine);
        let (then, header) = (child.0.child.clone(), child.0.child.child_header());
        let after = child.more(blocks);
        let chain: Vec<_> = std::iter::once(&header).chain(&after).collect();
        let certificate = child.certify(chain[blocks + usize::from(steps) - 2], &FIRST[..3]);
        let seal = (steps == 1).then(|| child.certify(&after[blocks - 1], &FIRST[..3]));
        let good = child.remit(&then, &Shown { header, after, certificate, seal });
        prop_assert_eq!(child.ask(good.clone()), None);
        let mut bytes = good.authorization.0.clone();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let changed = AssociateRemit { authorization: Bytes(bytes), ..good };
        prop_assert!(child.ask(changed).is_some(), "byte {at}");
    }
}
