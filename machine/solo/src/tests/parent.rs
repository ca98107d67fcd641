//! What the parent says, and how far one block may follow it.

use alloc::vec::Vec;

use banyan_child::Contradiction;
use banyan_types::Height;

use super::world::*;
use crate::{Alarm, Effect, Input};

#[test]
fn a_parent_too_far_ahead_is_followed_in_steps_of_a_thousand() {
    let mut world = World::new();
    world.tell(Input::ParentTip(parent(1, 0)));
    world.inbox.insert(2_000, 3);
    let effects = world.tell(Input::ParentTip(parent(2_500, 3)));
    let asked: Vec<_> = effects.iter().filter(|effect| matches!(effect, Effect::AskParent(_))).collect();
    assert_eq!(asked, [&Effect::AskParent(Height(1_001)), &Effect::AskParent(Height(2_001))]);
    let named: Vec<_> = world.chain.iter().map(|produced| produced.header.parent_height.0).collect();
    assert_eq!(named, [1, 1_001, 2_001, 2_500]);
}

#[test]
fn a_parent_block_that_is_not_told_is_asked_for_again_when_the_next_comes() {
    let mut world = World::new();
    world.tell(Input::ParentTip(parent(1, 0)));
    let ask = [Effect::AskParent(Height(1_001))];
    assert_eq!(world.step(Input::ParentTip(parent(1_002, 0))), ask);
    assert_eq!(world.tick(10_000), []);
    assert_eq!(world.step(Input::ParentTip(parent(1_003, 0))), ask);
    // Anything within reach will do.
    world.tell(Input::ParentTip(parent(900, 0)));
    let named: Vec<_> = world.chain.iter().map(|produced| produced.header.parent_height.0).collect();
    assert_eq!(named, [1, 900, 1_003]);
}

#[test]
fn a_parent_that_contradicts_itself_raises_an_alarm_and_is_not_followed() {
    let mut world = World::new();
    world.tell(Input::ParentTip(parent(5, 10)));
    let mut other = parent(5, 10);
    other.hash.0[0] ^= 1;
    let changed =
        Alarm::Parent(Contradiction::Changed { height: Height(5), held: parent(5, 10).hash, got: other.hash });
    assert_eq!(world.tell(Input::ParentTip(other)), [Effect::Alarm(changed)]);
    let shrank = Alarm::Parent(Contradiction::InboxShrank { held: 10, got: 9 });
    assert_eq!(world.tell(Input::ParentTip(parent(6, 9))), [Effect::Alarm(shrank)]);
    assert_eq!(world.height(), 1);
    world.tell(Input::ParentTip(parent(6, 10)));
    assert_eq!(world.height(), 2);
}

#[test]
fn a_child_goes_on_ordering_while_its_parent_is_silent() {
    let mut world = World::new();
    world.tell(Input::ParentTip(parent(1, 0)));
    world.work.txs = 1;
    for height in 2..6 {
        world.tell(Input::PoolReady);
        assert_eq!((world.height(), world.tip().parent_height), (height, Height(1)));
        world.tick(params().block_interval_ms);
    }
    world.crash();
    world.tell(Input::PoolReady);
    assert_eq!(world.tip().parent_height, Height(1), "after a restart too");
}
