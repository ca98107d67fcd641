//! One row per rule: a block that breaks it, and every later rule that can be broken at the same time.

use alloc::{boxed::Box, vec, vec::Vec};

use banyan_types::{
    Hash, Height, Signature, TimeMs,
    header::{KeyHeader, MicroHeader},
};

use super::world::*;
use crate::{
    Block, BodyFacts, Effect, Header, Input, KeyBodyFacts, Points, RootParams,
    pow::BadCycle,
    refused::{Refusal, Refused},
    target::{BadTarget, Target},
    tree::Tree,
    validity::{Fault, KeyFault, MicroFault, Owner, View},
};

/// Genesis, two key blocks above it, a micro block on the first, a key block beside it.
struct Scene {
    tree: Tree,
    refused: Refused,
    first: Header,
    micro: Header,
    second: Header,
    beside: Header,
}

fn scene() -> Scene {
    let first = key(&root(), 1);
    let (micro, beside) = (micro(&first, 1), key(&root(), 2));
    let second = key(&micro, 3);
    let mut tree = Tree::new(genesis(), Vec::new(), 0);
    for header in [&first, &micro, &second, &beside] {
        tree.insert(header.hash(), header.clone(), None);
    }
    Scene { tree, refused: Refused::default(), first, micro, second, beside }
}

impl Scene {
    fn judge(&self, params: &RootParams, last_final: &Header, block: &Block) -> Result<(), Fault> {
        let now = self.second.time();
        View { params, tree: &self.tree, refused: &self.refused, last_final: last_final.hash(), now }.judge(block)
    }
}

type Break<'a, T> = Box<dyn Fn(&mut T) + 'a>;

/// A header that breaks the rules from `row` on, the row's own last.
fn broken<T: Clone>(good: &T, breaks: &[(&str, Break<'_, T>)], row: usize) -> T {
    let mut header = good.clone();
    breaks[row..].iter().rev().for_each(|(_, break_it)| break_it(&mut header));
    header
}

fn name_of(fault: &Fault) -> String {
    let text = match fault {
        Fault::Key(fault) => format!("{fault:?}"),
        Fault::Micro(fault) => format!("{fault:?}"),
        other => format!("{other:?}"),
    };
    text.split([' ', '(', '{']).next().unwrap().into()
}

use alloc::{format, string::String};

#[test]
fn each_validity_rule_has_a_row_and_the_first_failure_wins() {
    key_rows();
    micro_rows();
}

fn key_rows() {
    let scene = scene();
    let (first, beside) = (scene.first.hash(), scene.beside.hash());
    let latest = scene.second.time().0 + params().drift_ms;
    let invalid = Hash([0xbb; 32]);
    let mut scene = scene;
    scene.refused.remember(invalid, Refusal::Invalid);
    let good = key_draft(&scene.second, 4);
    let breaks: Vec<(&str, Break<'_, KeyHeader>)> = vec![
        ("Size", Box::new(|_| {})),
        ("Target", Box::new(|header| header.target |= 0x0080_0000)),
        ("Work", Box::new(|header| header.pow = core::array::from_fn(|edge| u32::try_from(edge).unwrap()))),
        ("Unknown", Box::new(|header| header.prev_hash = Hash([0xaa; 32]))),
        ("Parent", Box::new(|header| header.prev_hash = invalid)),
        ("Link", Box::new(|header| header.prev_key_hash = first)),
        ("Height", Box::new(|header| header.height.0 = 9)),
        (
            "Dead",
            Box::new(|header| (header.prev_hash, header.prev_key_hash, header.height) = (beside, beside, Height(2))),
        ),
        ("Version", Box::new(|header| header.version = 5)),
        ("WrongTarget", Box::new(|header| header.target = 0x207f_ffff)),
        ("Ahead", Box::new(|header| header.time.0 = latest + 1)),
        ("TooSoon", Box::new(|header| header.time.0 = GENESIS_TIME.0 + 2 * INTERVAL + 1)),
        ("Late", Box::new(|header| header.time = GENESIS_TIME)),
        ("Body", Box::new(|header| header.witness_hash = Hash([1; 32]))),
    ];
    for (row, (name, _)) in breaks.iter().enumerate() {
        let mut header = broken(&good, &breaks, row);
        if row > 7 {
            (header.prev_hash, header.prev_key_hash, header.height) = (good.prev_hash, good.prev_key_hash, good.height);
        }
        let header = if row < 3 { header } else { mined(header) };
        let params = RootParams { paced: row < 12, ..params() };
        // Only the row of rule 6 has a final block that its branch leaves out.
        let last_final = if row == 7 { &scene.first } else { &root() };
        let huge = KeyBodyFacts { witness_hash: header.witness_hash, bytes: 20 * 1024 + 1 };
        let body = if row == 0 { huge } else { KeyBodyFacts::EMPTY };
        let fault = scene.judge(&params, last_final, &Block::Key(Box::new(header), body)).unwrap_err();
        assert_eq!(name_of(&fault), *name);
    }
    let good = Block::Key(Box::new(mined(good)), KeyBodyFacts::EMPTY);
    assert_eq!(scene.judge(&params(), &scene.first, &good), Ok(()));
}

fn micro_rows() {
    let mut scene = scene();
    let invalid = Hash([0xbb; 32]);
    scene.refused.remember(invalid, Refusal::Invalid);
    let (first, second) = (scene.first.hash(), scene.second.hash());
    let (good, now) = (micro_draft(&scene.second, 4), scene.second.time().0);
    let body = BodyFacts { txs_root: good.txs_root, bytes: 100 };
    let breaks: Vec<(&str, Break<'_, MicroHeader>)> = vec![
        ("Size", Box::new(|_| {})),
        ("Unknown", Box::new(|header| header.prev_hash = Hash([0xaa; 32]))),
        ("Parent", Box::new(|header| header.prev_hash = invalid)),
        ("Dead", Box::new(|header| header.prev_hash = first)),
        ("Version", Box::new(|header| header.version = 5)),
        ("Height", Box::new(|header| header.height.0 = 9)),
        ("Link", Box::new(|header| header.prev_hash = first)),
        ("Index", Box::new(|header| header.index = 3)),
        ("Signature", Box::new(|header| header.signature = Signature([9; 64]))),
        ("Genesis", Box::new(|_| {})),
        ("Ahead", Box::new(|header| header.time.0 = now + params().drift_ms + 1)),
        ("TooSoon", Box::new(|header| header.time.0 = now)),
        ("Empty", Box::new(|header| header.txs_root = Hash::ZERO)),
        ("Body", Box::new(|header| header.txs_root = Hash([0xcc; 32]))),
    ];
    for (row, (name, _)) in breaks.iter().enumerate() {
        let mut header = broken(&good, &breaks, row);
        match row {
            9 => (header.prev_hash, header.prev_key_hash, header.height) = (root().hash(), root().hash(), Height(0)),
            7.. => (header.prev_hash, header.prev_key_hash) = (second, second),
            _ => {}
        }
        let header = if row < 9 { header } else { signed(header, LEADER) };
        let huge = BodyFacts { txs_root: header.txs_root, bytes: 2 * 1024 * 1024 + 1 };
        let body = if row == 0 { huge } else { body };
        let last_final = if row == 3 { &scene.second } else { &root() };
        let fault = scene.judge(&params(), last_final, &Block::Micro(Box::new(header), body)).unwrap_err();
        assert_eq!(name_of(&fault), *name);
    }
    let good = Block::Micro(Box::new(signed(good, LEADER)), body);
    assert_eq!(scene.judge(&params(), &scene.first, &good), Ok(()));
    assert_eq!(scene.micro.index(), 1);
}

#[test]
fn rule_one_is_the_decoders_length_and_flags() {
    let (key, micro) = (genesis().encode(), micro_draft(&root(), 1).encode());
    assert!(KeyHeader::decode(&key).is_ok() && MicroHeader::decode(&micro).is_ok());
    assert!(KeyHeader::decode(&key[1..]).is_err() && MicroHeader::decode(&micro[1..]).is_err());
    let flagged = |mut bytes: Vec<u8>| {
        bytes[4] ^= 0x40;
        bytes
    };
    assert!(KeyHeader::decode(&flagged(key)).is_err() && MicroHeader::decode(&flagged(micro)).is_err());
}

#[test]
fn faults_know_whose_they_are() {
    let early = Fault::Key(KeyFault::Unknown { missing: Hash::ZERO });
    let dead = Fault::Micro(MicroFault::Dead { height: Height(1), last_final: Height(2), work: 0 });
    let other_body = Fault::Micro(MicroFault::Body { expected: Hash::ZERO, got: Hash([1; 32]) });
    let rows = [
        (early, Owner::Early, None),
        (dead, Owner::Dead, None),
        (other_body, Owner::Invalid, Some(Points::WRONG_BYTES)),
        (Fault::Execution, Owner::Invalid, Some(Points::INVALID)),
        (Fault::Key(KeyFault::Work(BadCycle::ShortCycle { edges: 4 })), Owner::Invalid, Some(Points::INVALID)),
        (Fault::Key(KeyFault::Target(BadTarget::Negative { compact: 1 })), Owner::Invalid, Some(Points::INVALID)),
    ];
    for (fault, owner, points) in rows {
        assert_eq!((fault.owner(), fault.points()), (owner, points), "{fault}");
    }
}

#[test]
fn an_invalid_block_is_scored_every_time_and_judged_once() {
    let mut node = Node::late();
    let bad = Header::Key(Box::new(mined(KeyHeader { version: 5, ..key_draft(&root(), 1) })));
    let fault = Fault::Key(KeyFault::Version { expected: 6, got: 5 });
    for (peer, fault) in [(ALICE, fault), (BOB, Fault::Known)] {
        let effects = node.tell(from(peer, &bad));
        assert_eq!(effects, [Effect::Score(peer, Points::INVALID), Effect::Refuse(bad.hash(), fault)]);
    }
}

#[test]
fn an_invalid_block_makes_its_descendants_invalid() {
    let mut node = Node::late();
    let bad = Header::Key(Box::new(mined(KeyHeader { version: 5, ..key_draft(&root(), 1) })));
    let (child, late) = (micro(&bad, 1), micro(&bad, 2));
    node.tell(from(BOB, &child));
    let effects = node.tell(from(ALICE, &bad));
    let fault = Fault::Micro(MicroFault::Parent { parent: bad.hash() });
    assert!(effects.contains(&Effect::Refuse(child.hash(), fault)));
    assert!(node.tell(from(BOB, &late)).contains(&Effect::Refuse(late.hash(), fault)));
}

#[test]
fn a_wrong_body_does_not_condemn_its_header() {
    let mut node = Node::late();
    let first = key(&root(), 1);
    let second = micro(&first, 1);
    node.feed([&first]);
    let Block::Micro(header, body) = block(&second) else { unreachable!() };
    let wrong = BodyFacts { txs_root: Hash([5; 32]), ..body };
    let effects = node.tell(Input::Block { from: Some(ALICE), block: Block::Micro(header.clone(), wrong) });
    assert_eq!(effects[0], Effect::Score(ALICE, Points::WRONG_BYTES));
    let huge = BodyFacts { bytes: u32::MAX, ..wrong };
    let effects = node.tell(Input::Block { from: Some(ALICE), block: Block::Micro(header, huge) });
    assert_eq!(effects[0], Effect::Score(ALICE, Points::WRONG_BYTES), "its size is not the block's either");
    node.tell(from(BOB, &second));
    assert_eq!(node.tip(), second.hash());
}

#[test]
fn equal_bytes_twice_are_no_error() {
    let mut node = Node::late();
    let first = key(&root(), 1);
    node.feed([&first]);
    assert_eq!(node.feed([&first]), []);
    let ahead = micro(&key(&first, 2), 1);
    assert!(!node.tell(from(ALICE, &ahead)).is_empty());
    assert_eq!(node.tell(from(ALICE, &ahead)), []);
}

#[test]
fn from_height_12_on_a_key_block_must_pass_the_median_of_eleven() {
    let params = RootParams { paced: false, ..params() };
    let mut node = Node::with(params, None);
    node.tell(Input::Tick(LATE));
    let chain = keys(&root(), 1, 11);
    node.feed(&chain);
    let median = chain[5].time();
    let at = |time| Header::Key(Box::new(mined(KeyHeader { time, ..key_draft(&chain[10], 1) })));
    let late = at(median);
    let fault = Fault::Key(KeyFault::Late { time: median, past: median });
    assert!(node.feed([&late]).contains(&Effect::Refuse(late.hash(), fault)));
    let good = at(TimeMs(median.0 + 1));
    node.feed([&good]);
    assert_eq!(node.tip(), good.hash());
}

#[test]
fn from_height_19_on_the_target_follows_the_interval() {
    let params = RootParams { paced: false, retarget: true, ..params() };
    let mut node = Node::with(params, None);
    node.tell(Input::Tick(LATE));
    let mut tip = root();
    // Twice as fast as wanted: the target of height 19 is harder, and the one before it is still the initial one.
    for height in 1..=18 {
        let time = TimeMs(GENESIS_TIME.0 + height * INTERVAL / 2);
        tip = Header::Key(Box::new(mined(KeyHeader { time, ..key_draft(&tip, 1) })));
        node.feed([&tip]);
        assert_eq!(node.tip(), tip.hash());
    }
    let work = node.machine.work(&tip.hash()).unwrap();
    let expected = node.machine.view().ancestry(&tip.hash()).target(&node.params);
    assert!(expected < Target::HIGHEST);
    let time = TimeMs(tip.time().0 + INTERVAL / 2);
    let initial = Header::Key(Box::new(mined(KeyHeader { time, ..key_draft(&tip, 1) })));
    let fault = Fault::Key(KeyFault::WrongTarget { expected, got: Target::HIGHEST });
    assert!(node.feed([&initial]).contains(&Effect::Refuse(initial.hash(), fault)));
    let target = expected.to_compact();
    let harder = Header::Key(Box::new(mined(KeyHeader { time, target, ..key_draft(&tip, 1) })));
    node.feed([&harder]);
    assert_eq!(node.machine.work(&node.tip()), Some(work + expected.work()));
    assert!(!node.log.iter().any(|effect| matches!(effect, Effect::Alarm(_))));
}
