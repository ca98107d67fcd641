//! A crash anywhere: nothing is signed twice, nothing that was durable is lost.

use alloc::{boxed::Box, vec::Vec};

use banyan_types::Height;

use super::world::*;
use crate::{Broken, Effect, Input, Machine, Mark, Produced, Saved};

/// Three blocks with withdrawals, with a crash after so many orders were carried out. The last answer is lost with it.
fn life(crash_after: usize) -> World {
    let mut world = World::new();
    (world.work.txs, world.work.withdrawals) = (1, 1);
    let mut orders = 0;
    for height in 1..=3 {
        let mut effects = world.step(Input::ParentTip(parent(height, height)));
        let mut read = 0;
        while let Some(effect) = effects.get(read).cloned() {
            read += 1;
            let Some(answer) = world.obey(&effect) else { continue };
            orders += 1;
            if orders == crash_after {
                world.crash();
                world.tell(Input::ParentTip(parent(height, height)));
                break;
            }
            effects.extend(world.step(answer));
        }
    }
    world
}

#[test]
fn one_signature_for_each_height_even_over_a_crash() {
    for crash_after in 1..=16 {
        let world = life(crash_after);
        assert_eq!((world.height(), world.tip().parent_height), (3, Height(3)), "{crash_after}");
        let committed: Vec<_> = world.chain.iter().map(|block| block.header.hash()).collect();
        assert_eq!(world.durable.into_values().collect::<Vec<_>>(), committed);
        assert_eq!(world.summaries[&1].from, Height(0));
    }
}

#[test]
fn a_signed_block_that_was_not_committed_is_committed_first() {
    let mut world = World::new();
    let mut effects = world.step(Input::ParentTip(parent(1, 0)));
    while !matches!(effects[0], Effect::Commit(_)) {
        let answer = world.obey(&effects[0]).unwrap();
        effects = world.step(answer);
    }
    world.log.clear();
    let after = world.crash();
    assert_eq!(after[0], effects[0], "the same block, byte for byte");
    assert_eq!(world.height(), 1);
    world.tell(Input::ParentTip(parent(2, 0)));
    assert_eq!(world.height(), 2);
}

#[test]
fn what_makes_no_ledger_is_refused() {
    let mut world = World::new();
    for height in 1..=3 {
        world.tell(Input::ParentTip(parent(height, 0)));
    }
    let saved = world.saved();
    let resume = |change: &dyn Fn(&mut Saved)| {
        let mut saved = saved.clone();
        change(&mut saved);
        Machine::resume(params(), saved).map(|machine| machine.tip().height)
    };
    let next = |saved: &mut Saved| {
        let mut next: Box<Produced> = saved.signed.clone().unwrap();
        next.header.height = Height(4);
        saved.signed = Some(next);
    };
    assert_eq!(resume(&|_| {}), Ok(Height(3)));
    assert_eq!(resume(&|saved| saved.parent = None), Err(Broken::Parent(Height(3))));
    assert_eq!(resume(&|saved| saved.parent = Some(parent(2, 0))), Err(Broken::Parent(Height(3))));
    let gap = Broken::Since { expected: Height(1), got: Height(2) };
    assert_eq!(resume(&|saved| saved.since = saved.since[1..].to_vec()), Err(gap));
    let short = Broken::Since { expected: Height(3), got: Height(2) };
    assert_eq!(resume(&|saved| saved.since.truncate(2)), Err(short));
    assert_eq!(resume(&next), Err(Broken::Signed(Height(4))));
    assert_eq!(resume(&|saved| saved.base = Mark::default()), Ok(Height(3)));
}
