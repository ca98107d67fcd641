//! One row per rule: a header that breaks it, and every later rule at the same time.

use alloc::{boxed::Box, format, string::String, vec, vec::Vec};

use banyan_types::{AssociateId, Hash, Height, PublicKey, Signature, TimeMs, header::ChildHeader};

use super::world::*;
use crate::{
    Effect, Input, ParentTip, Produced, SoloParams,
    rules::{BadHeader, View, check, seal_message},
};

/// Two blocks by the machine itself: the second one is what the rows spoil.
fn scene() -> (World, Produced) {
    let mut world = World::new();
    world.tell(Input::ParentTip(parent(5, 0)));
    world.tell(Input::ParentTip(parent(7, 1_500)));
    let good = world.chain[1].clone();
    (world, good)
}

fn judge(world: &World, header: &ChildHeader, seal: &Signature, known: Option<ParentTip>) -> Result<(), BadHeader> {
    let (prev, prev_seal_hash) = (&world.chain[0].header, world.chain[0].seal_hash());
    let SoloParams { version, associate, .. } = world.params;
    check(&world.params, &View { version, associate, prev, prev_seal_hash, parent: known }, header, seal)
}

fn name_of(fault: &BadHeader) -> String {
    format!("{fault:?}").split([' ', '{']).next().unwrap().into()
}

type Break = Box<dyn Fn(&mut ChildHeader)>;

#[test]
fn each_header_rule_has_a_row_and_the_first_failure_wins() {
    let (world, good) = scene();
    let named = world.chain[0].header.parent_height.0;
    let rows: Vec<(&str, Break)> = vec![
        ("Version", Box::new(|header| header.version = 5)),
        ("Height", Box::new(|header| header.height.0 = 9)),
        ("Prev", Box::new(|header| header.prev_hash = Hash([1; 32]))),
        ("ParentBack", Box::new(move |header| header.parent_height.0 = named)),
        ("ParentFar", Box::new(move |header| header.parent_height.0 = named + 1_001)),
        ("ParentUnknown", Box::new(|header| header.parent_hash = Hash([2; 32]))),
        ("ParentHeight", Box::new(|header| header.parent_height.0 += 1)),
        ("Clock", Box::new(|header| header.time_ms.0 = parent(7, 0).time.0 - 1)),
        ("Entropy", Box::new(|header| header.entropy = Hash([3; 32]))),
        ("RootHeight", Box::new(|header| header.root_height.0 = 4)),
        ("Inbox", Box::new(|header| header.inbox_to = 999)),
        ("Leader", Box::new(|header| header.leader = PublicKey([4; 32]))),
        ("Set", Box::new(|header| header.set_hash = Hash([5; 32]))),
        ("PrevSeal", Box::new(|header| header.prev_seal_hash = Hash([6; 32]))),
        ("Seal", Box::new(|header| header.state_root = Hash([7; 32]))),
    ];
    for (row, (name, _)) in rows.iter().enumerate() {
        let mut header = good.header.clone();
        rows[row..].iter().rev().for_each(|(_, break_it)| break_it(&mut header));
        if row > 5 {
            header.parent_hash = good.header.parent_hash;
        }
        let fault = judge(&world, &header, &good.seal, Some(good.parent)).unwrap_err();
        assert_eq!(name_of(&fault), *name);
        assert_eq!(fault.is_early(), *name == "ParentUnknown");
    }
    assert_eq!(judge(&world, &good.header, &good.seal, Some(good.parent)), Ok(()));
}

#[test]
fn edges_of_the_rules() {
    let (world, good) = scene();
    let sealed = |change: &dyn Fn(&mut ChildHeader), known: ParentTip| {
        let mut header = good.header.clone();
        header.entropy = ChildHeader::derive_entropy(known.entropy, world.params.associate);
        (header.parent_hash, header.parent_height, header.root_height) = (known.hash, known.height, known.root_height);
        header.time_ms = known.time;
        change(&mut header);
        let message = seal_message(&world.params.network_id, &header);
        judge(&world, &header, &Signature(operator().sign(&message)), Some(known))
    };
    // The same parent block again: only the clock must move on.
    let same = world.chain[0].parent;
    let time = world.chain[0].header.time_ms;
    let least = TimeMs(time.0 + 1);
    assert_eq!(sealed(&|header| (header.inbox_to, header.time_ms) = (0, least), same), Ok(()));
    let stands = Err(BadHeader::Clock { least, got: time });
    assert_eq!(sealed(&|header| (header.inbox_to, header.time_ms) = (0, time), same), stands);
    // A thousand parent blocks further, a thousand inbox entries at once.
    let far = parent(1_005, 9_999);
    assert_eq!(sealed(&|_| {}, far), Ok(()));
    let held_back = Err(BadHeader::Inbox { expected: 1_000, got: 999 });
    assert_eq!(sealed(&|header| header.inbox_to = 999, far), held_back);
    assert_eq!(
        sealed(&|_| {}, parent(1_006, 9_999)),
        Err(BadHeader::ParentFar { max: Height(1_005), got: Height(1_006) })
    );
    let turn = BadHeader::Leader { expected: None, got: world.params.operator, view: 1 };
    assert_eq!(sealed(&|header| header.view = 1, far), Err(turn));
    let unknown = Err(BadHeader::ParentUnknown { parent: good.header.parent_hash });
    assert_eq!(judge(&world, &good.header, &good.seal, None), unknown);
}

#[test]
fn the_first_block_may_name_any_parent_block() {
    let mut world = World::new();
    world.tell(Input::ParentTip(parent(5_000_000, 3)));
    assert_eq!(world.tip().parent_height, Height(5_000_000));
    assert_eq!(alarms(&world.log), 0);
}

#[test]
fn a_seal_serves_one_child_only() {
    let (mut world, good) = scene();
    world.params.network_id = "other.1234".into();
    assert_eq!(judge(&world, &good.header, &good.seal, Some(good.parent)), Err(BadHeader::Seal));
    world.params.associate = AssociateId([9; 32]);
    let fault = judge(&world, &good.header, &good.seal, Some(good.parent)).unwrap_err();
    assert_eq!(name_of(&fault), "Entropy");
    assert!(world.log.iter().any(|effect| matches!(effect, Effect::Commit(_))));
}
