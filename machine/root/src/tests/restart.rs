//! What a start makes of what the last run left.

use alloc::vec::Vec;

use banyan_types::{Hash, TimeMs};

use super::world::*;
use crate::{Broken, Effect, Header, Input, Machine, tree::HEADERS_MAX};

fn finalise(header: &Header) -> Input {
    Input::Final { hash: header.hash(), height: header.height() }
}

#[test]
fn a_restart_stands_where_the_last_run_stood() {
    let chain = keys(&root(), 1, 22);
    let side = key(&chain[20], 9);
    let mut node = Node::late();
    node.feed(&chain);
    node.tell(finalise(&chain[19]));
    node.feed([&side]);
    let before =
        (node.machine.tip(), node.machine.last_final(), node.machine.work(&node.tip()), node.machine.parent_tip());
    let chosen = node.machine.key_chain();
    node.log.clear();
    node.crash();
    let after =
        (node.machine.tip(), node.machine.last_final(), node.machine.work(&node.tip()), node.machine.parent_tip());
    assert_eq!(after, before);
    assert_eq!(node.machine.key_chain(), chosen);
    assert_eq!(node.log, [], "nothing is announced twice");
    // The rules look at key blocks below the final one.
    let next = key(&chain[21], 1);
    node.feed([&next]);
    assert_eq!(node.tip(), next.hash());
}

#[test]
fn a_switch_cut_short_by_a_crash_is_finished_by_the_next_run() {
    let (left, right) = (keys(&root(), 1, 2), keys(&root(), 2, 3));
    let mut node = Node::late();
    node.feed(left.iter().chain(&right[..2]));
    let effects = node.step(from(ALICE, &right[2])).unwrap();
    assert_eq!(effects.last(), Some(&Effect::Apply(right[0].hash())));
    // The state stands at the genesis; the left branch is executed.
    node.crash();
    assert_eq!(node.tip(), left[1].hash());
    node.feed(&right);
    assert_eq!(node.tip(), right[2].hash());
}

#[test]
fn a_fork_below_the_final_block_is_heavier_after_a_restart_too() {
    let (ours, theirs) = (keys(&root(), 1, 2), keys(&root(), 2, 3));
    let mut node = Node::late();
    node.feed(&ours);
    node.tell(finalise(&ours[0]));
    node.crash();
    node.log.clear();
    node.feed(&theirs);
    assert_eq!(node.log.iter().filter(|effect| matches!(effect, Effect::Alarm(_))).count(), 1);
}

#[test]
fn what_makes_no_chain_is_refused() {
    let chain = keys(&root(), 1, 2);
    let mut node = Node::late();
    node.feed(&chain);
    let saved = node.saved();
    let resume = |change: &dyn Fn(&mut crate::Saved)| {
        let mut saved = saved.clone();
        change(&mut saved);
        Machine::resume(params(), None, saved).map(|machine| machine.tip().hash)
    };
    let stranger = Hash([1; 32]);
    let many = HEADERS_MAX + 1;
    assert_eq!(resume(&|_| {}), Ok(chain[1].hash()));
    assert_eq!(resume(&|saved| saved.past.clear()), Err(Broken::NoFinal));
    assert_eq!(
        resume(&|saved| saved.above.resize(many, chain[0].clone())),
        Err(Broken::TooMany { max: HEADERS_MAX, got: many })
    );
    assert_eq!(resume(&|saved| saved.above.reverse()), Err(Broken::Unlinked(chain[1].hash())));
    assert_eq!(resume(&|saved| saved.above.push(chain[0].clone())), Err(Broken::Unlinked(chain[0].hash())));
    assert_eq!(resume(&|saved| saved.tip = stranger), Err(Broken::Tip(stranger)));
}

#[test]
fn time_never_goes_back() {
    let mut node = Node::new();
    let first = key(&root(), 1);
    node.tell(Input::Tick(first.time()));
    node.tell(Input::Tick(TimeMs(0)));
    node.feed([&first]);
    assert_eq!(node.tip(), first.hash());
    assert_eq!(node.machine.key_chain().iter().map(|key| key.height.0).collect::<Vec<_>>(), [0, 1]);
}
