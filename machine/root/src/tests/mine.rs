//! Templates, proofs of work, pace.

use alloc::{boxed::Box, vec, vec::Vec};

use banyan_types::{Hash, Height, TimeMs, header::KeyHeader};

use super::world::*;
use crate::{Effect, Header, Input, RootParams, TemplateId, To, validity::Fault};

const ROOT_AFTER: Hash = Hash([42; 32]);

fn unpaced() -> Node {
    Node::with(RootParams { paced: false, ..params() }, Some(miner(LEADER)))
}

/// The effect of a tick now, when the tip is new.
fn template(effects: &[Effect]) -> (TemplateId, KeyHeader) {
    let found = effects.iter().find_map(|effect| match effect {
        Effect::Template(id, header) => Some((*id, (**header).clone())),
        _ => None,
    });
    found.expect("a template")
}

fn solution(id: TemplateId, header: &KeyHeader) -> (Input, Header) {
    let header = mined(KeyHeader { state_root: ROOT_AFTER, ..header.clone() });
    let input = Input::Solved { template: id, nonce: header.nonce, pow: Box::new(header.pow) };
    (input, Header::Key(Box::new(header)))
}

#[test]
fn a_miner_asks_for_the_state_mines_and_sends_what_it_found_once_applied() {
    let mut node = unpaced();
    let (id, draft) = template(&node.log.clone());
    let now = TimeMs(GENESIS_TIME.0 + 1);
    let expected =
        KeyHeader { state_root: Hash::ZERO, time: now, beneficiary: draft.beneficiary, ..key_draft(&root(), 0) };
    assert_eq!(draft, expected);
    assert_eq!(draft.beneficiary, miner(LEADER).beneficiary);
    let work = KeyHeader { state_root: ROOT_AFTER, ..draft.clone() };
    assert_eq!(node.tell(Input::Templated(id, ROOT_AFTER, Hash::ZERO)), [Effect::Mine(id, Box::new(work))]);
    let (solved, header) = solution(id, &draft);
    let effects = node.tell(solved);
    assert_eq!(effects[0], Effect::Apply(header.hash()));
    assert!(effects.contains(&Effect::Send { block: header.hash(), to: To::All }));
    assert_eq!(template(&effects).1.prev_hash, header.hash(), "and goes on above it");
}

#[test]
fn work_follows_the_tip_and_late_answers_are_dropped() {
    let mut node = unpaced();
    let (id, draft) = template(&node.log.clone());
    node.tell(Input::Templated(id, ROOT_AFTER, Hash::ZERO));
    let first = key(&root(), 1);
    node.tell(Input::Tick(first.time()));
    let effects = node.feed([&first]);
    assert!(effects.contains(&Effect::StopMining));
    let (next, _) = template(&effects);
    assert!(next > id);
    assert_eq!(node.tell(Input::Templated(id, ROOT_AFTER, Hash::ZERO)), []);
    assert_eq!(node.tell(solution(id, &draft).0), [], "it would leave out what has come since");
    node.tell(Input::Templated(next, ROOT_AFTER, Hash::ZERO));
    assert_eq!(node.tell(solution(id, &draft).0), []);
    let effects = node.feed([&micro(&first, 1)]);
    assert!(effects.contains(&Effect::StopMining));
    assert_eq!(template(&effects).1.prev_hash, micro(&first, 1).hash());
    let effects = node.feed([&micro(&micro(&first, 1), 1)]);
    assert!(!effects.contains(&Effect::StopMining), "nothing is searched before the state's root is known");
}

#[test]
fn a_better_seal_makes_a_new_template_and_the_old_search_counts_until_it_is_ready() {
    let mut node = unpaced();
    assert_eq!(template(&node.log.clone()).0, TemplateId(1));
    let (old, draft) = template(&node.log.clone());
    node.tell(Input::Templated(old, ROOT_AFTER, Hash::ZERO));
    let effects = node.tell(Input::Reseal);
    let (id, resealed) = template(&effects);
    assert_eq!((id, resealed.prev_hash), (TemplateId(2), draft.prev_hash));
    assert!(!effects.contains(&Effect::StopMining));
    let sealed = Hash([6; 32]);
    let mut other = node.machine.clone();
    let (solved, header) = solution(old, &draft);
    node.tell(solved.clone());
    assert_eq!(node.tip(), header.hash(), "found before the new template was ready");

    let mut effects = Vec::new();
    other.step(Input::Templated(id, ROOT_AFTER, sealed), &mut effects).unwrap();
    let work = KeyHeader { state_root: ROOT_AFTER, witness_hash: sealed, ..resealed.clone() };
    assert_eq!(effects, [Effect::Mine(id, Box::new(work.clone()))]);
    effects.clear();
    other.step(solved, &mut effects).unwrap();
    assert_eq!(effects, [], "afterwards only the new one counts");
    let found = mined(work);
    let input = Input::Solved { template: id, nonce: found.nonce, pow: Box::new(found.pow) };
    other.step(input, &mut effects).unwrap();
    assert_eq!(effects[0], Effect::Apply(found.hash()));

    let mut idle = Node::late();
    assert_eq!(idle.tell(Input::Reseal), [], "a follower has nothing to build");
}

#[test]
fn a_solution_that_is_none_is_refused_and_the_search_goes_on() {
    let mut node = unpaced();
    let (id, draft) = template(&node.log.clone());
    node.tell(Input::Templated(id, ROOT_AFTER, Hash::ZERO));
    let nothing = Input::Solved { template: id, nonce: 0, pow: Box::new([0; 42]) };
    let work = KeyHeader { state_root: ROOT_AFTER, ..draft.clone() };
    let effects = node.tell(nothing);
    assert!(matches!(effects[0], Effect::Refuse(_, Fault::Key(_))));
    assert_eq!(effects[1..], [Effect::Mine(id, Box::new(work))]);
    let (solved, header) = solution(id, &draft);
    node.tell(solved);
    assert_eq!(node.tip(), header.hash());
}

#[test]
fn a_paced_miner_waits_for_the_interval() {
    let mut node = Node::with(params(), Some(miner(LEADER)));
    let templates = |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::Template(..))).count();
    assert_eq!(templates(&node.log), 0);
    let due = TimeMs(GENESIS_TIME.0 + INTERVAL);
    assert_eq!(templates(&node.tell(Input::Tick(TimeMs(due.0 - 1)))), 0);
    let effects = node.tell(Input::Tick(due));
    let (id, draft) = template(&effects);
    assert_eq!((draft.time, draft.height), (due, Height(1)));
    node.tell(Input::Templated(id, ROOT_AFTER, Hash::ZERO));
    let effects = node.tell(solution(id, &draft).0);
    assert_eq!(templates(&effects), 0);
    assert_eq!(effects.last(), Some(&Effect::Wake(TimeMs(due.0 + INTERVAL))));
}

#[test]
fn a_miner_whose_clock_is_behind_waits_until_its_block_would_be_in_time() {
    let mut node = unpaced();
    let ahead = key(&root(), 1);
    let micro = micro(&ahead, 1);
    node.tell(Input::Tick(TimeMs(ahead.time().0 - params().drift_ms)));
    node.feed([&ahead, &micro]);
    let chain = keys(&ahead, 1, 12);
    let behind = TimeMs(chain[10].time().0 - params().drift_ms);
    node.tell(Input::Tick(behind));
    let effects = node.feed(&chain[..11]);
    let (_, draft) = template(&effects[effects.len() - 2..]);
    assert!(draft.time <= TimeMs(behind.0 + params().drift_ms), "a block of ours is never ahead at others");
}

#[test]
fn a_follower_never_mines() {
    let mut node = Node::late();
    node.feed(&keys(&root(), 1, 2));
    let mining = |effect: &&Effect| matches!(effect, Effect::Template(..) | Effect::Mine(..) | Effect::StopMining);
    assert_eq!(node.log.iter().filter(mining).collect::<Vec<_>>(), Vec::<&Effect>::new());
    let answer = Input::Solved { template: TemplateId(0), nonce: 0, pow: Box::new([0; 42]) };
    assert_eq!(node.tell(answer), vec![]);
}
