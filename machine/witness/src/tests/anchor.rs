//! Operators agree on a key block: eras of three key blocks, three witnesses of whom two are left.

use alloc::{boxed::Box, vec, vec::Vec};

use banyan_types::{Era, Hash, Height, TimeMs, witness::Vote};

use super::world::*;
use crate::{Effect, Input, KeyRef, Machine, Me, Memory, Saved};

/// Era 1, from the first witness on, is signed by those who are left.
fn started(anchors: &[KeyRef], saved: Saved) -> Machine {
    let me = Me { key: key_of(0), memory: Memory::Kept(Box::default()) };
    let anchors = anchors.iter().map(|block| (block.height, block.hash)).collect();
    Machine::start(params(3), CHECKS, Some(me), Saved { anchors, ..saved }).unwrap()
}

fn at_genesis() -> Saved {
    Saved::genesis(genesis(), vec![set(0, 3), set(1, 2), set(2, 2)])
}

fn tell(machine: &mut Machine, inputs: impl IntoIterator<Item = Input>) -> Vec<Effect> {
    let mut effects = vec![];
    inputs.into_iter().for_each(|input| machine.step(input, &mut effects));
    effects
}

fn headers(blocks: &[KeyRef]) -> Vec<Input> {
    blocks.iter().copied().map(Input::Header).collect()
}

fn anchored(block: KeyRef) -> Effect {
    Effect::Anchored { hash: block.hash, height: block.height }
}

fn sealed(era: u32, block: KeyRef, members: usize) -> Input {
    let by: Vec<_> = (0..2).collect();
    let mut seal = seal(1, block, &by, members);
    seal.era = Era(era);
    Input::Seal { from: None, seal: Box::new(seal) }
}

#[test]
fn an_anchor_ends_an_era_that_nobody_can_seal() {
    let blocks = chain(4);
    let mut machine = started(&[blocks[1]], at_genesis());
    assert!(!tell(&mut machine, headers(&blocks)).contains(&anchored(blocks[1])), "it is not executed yet");
    let effects = tell(&mut machine, [Input::Applied(blocks[3].hash)]);
    assert!(effects.contains(&anchored(blocks[1])));
    assert_eq!((machine.last_final(), machine.era(), machine.seal()), (blocks[1], Era(1), None));
    // Those who are left vote for what comes after it, and nothing before it can be a source.
    let effects = tell(&mut machine, [Input::Tip(blocks[3].hash), Input::Tick(TimeMs(10 * SETTLE))]);
    let mut own: Vote = prevote(0, 1, blocks[3], source(0, blocks[1]));
    own.statement.era = Era(1);
    assert!(effects.contains(&Effect::Sign(own.statement)), "{effects:?}");
    let _ = tell(&mut machine, [sealed(1, blocks[3], 2)]);
    assert_eq!(machine.last_final(), blocks[3]);
}

#[test]
fn an_anchor_of_a_later_era_passes_those_that_were_never_sealed() {
    let blocks = chain(7);
    let mut machine = started(&[blocks[4]], at_genesis());
    let _ = tell(&mut machine, headers(&blocks));
    let effects = tell(&mut machine, [Input::Tip(blocks[6].hash)]);
    assert!(effects.contains(&anchored(blocks[4])));
    assert_eq!((machine.last_final(), machine.era()), (blocks[4], Era(2)));
    let _ = tell(&mut machine, [sealed(2, blocks[5], 2)]);
    assert_eq!(machine.last_final(), blocks[5]);
}

#[test]
fn an_anchor_beside_what_is_final_is_never_taken() {
    let (blocks, beside) = (chain(2), [key(11, 1, 0), key(12, 2, 11)]);
    let mut machine = started(&[beside[1]], at_genesis());
    let _ = tell(&mut machine, headers(&[&blocks[..], &beside[..]].concat()));
    let _ = tell(&mut machine, [sealed(0, blocks[0], 3)]);
    assert_eq!(machine.last_final(), genesis(), "two of three are no quorum");
    let by: Vec<_> = (0..3).collect();
    let _ = tell(&mut machine, [Input::Seal { from: None, seal: Box::new(seal(1, blocks[0], &by, 3)) }]);
    let effects = tell(&mut machine, [Input::Applied(beside[1].hash)]);
    assert_eq!((effects, machine.last_final()), (vec![], blocks[0]));
}

#[test]
fn an_anchor_at_or_below_what_is_final_changes_nothing() {
    let blocks = chain(3);
    let above = blocks.clone();
    let saved = Saved { above, last_final: blocks[2].hash, anchor: blocks[1], sets: vec![set(1, 2)], ..at_genesis() };
    let saved = Saved { above: saved.above[2..].to_vec(), ..saved };
    let mut machine = started(&[blocks[1]], saved);
    let effects = tell(&mut machine, [Input::Tick(TimeMs(1))]);
    assert_eq!((effects, machine.last_final()), (vec![], blocks[2]));
}

#[test]
fn an_anchor_ends_a_halt() {
    let blocks = chain(2);
    let mut machine = started(&[blocks[1]], Saved { halted: true, ..at_genesis() });
    let _ = tell(&mut machine, headers(&blocks));
    assert!(machine.is_halted());
    let effects = tell(&mut machine, [Input::Applied(blocks[1].hash)]);
    assert!(effects.contains(&anchored(blocks[1])));
    assert!(!machine.is_halted() && machine.is_voting());
}

#[test]
fn an_anchor_of_another_height_is_never_taken() {
    let blocks = chain(2);
    let me = Me { key: key_of(0), memory: Memory::Kept(Box::default()) };
    let wrong: (Height, Hash) = (Height(5), blocks[1].hash);
    let saved = Saved { anchors: vec![wrong], ..at_genesis() };
    let mut machine = Machine::start(params(3), CHECKS, Some(me), saved).unwrap();
    let _ = tell(&mut machine, headers(&blocks));
    let _ = tell(&mut machine, [Input::Applied(blocks[1].hash)]);
    assert_eq!(machine.last_final(), genesis());
}
