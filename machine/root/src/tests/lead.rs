//! A leader's micro blocks.

use alloc::{boxed::Box, vec, vec::Vec};

use banyan_types::{Gas, Hash, Signature, TimeMs, header::MicroHeader};

use super::world::*;
use crate::{Draft, Effect, Header, Input, Record, RootParams, Seq, To};

pub fn draft(salt: u8) -> Draft {
    Draft {
        state_root: Hash([salt; 32]),
        txs_root: Hash([salt | 0x80; 32]),
        receipts_root: Hash::ZERO,
        gas_used: Gas(5),
        bytes: 100,
    }
}

/// A node whose key block, made elsewhere with its key, is the tip.
fn leader() -> (Node, Header) {
    let own = key(&root(), 1);
    let mut node = Node::with(params(), Some(miner(LEADER)));
    node.tell(Input::Tick(own.time()));
    node.feed([&own]);
    (node, own)
}

fn signature(header: &MicroHeader) -> Signature {
    signed(header.clone(), LEADER).signature
}

#[test]
fn a_leader_builds_signs_persists_and_only_then_sends() {
    let (mut node, own) = leader();
    let due = TimeMs(own.time().0 + 1);
    assert!(node.tell(Input::PoolReady).contains(&Effect::Wake(due)));
    let build = Effect::Build { on: own.hash(), time: due };
    assert!(node.tell(Input::Tick(due)).contains(&build));

    let Header::Micro(expected) = micro(&own, 1) else { unreachable!() };
    let expected = MicroHeader { time: due, gas_used: Gas(5), signature: Signature([0; 64]), ..*expected };
    let effects = node.tell(Input::Built(own.hash(), Some(draft(1))));
    assert_eq!(effects[0], Effect::SignMicro(Box::new(expected.clone())));

    let expected = signed(expected, LEADER);
    let effects = node.tell(Input::Signed(Some(expected.signature)));
    let record = Record::Signed(Box::new(expected.clone()));
    assert_eq!(effects, [Effect::Persist(Seq(1), record)], "nothing leaves before it is durable");

    let effects = node.tell(Input::Persisted(Seq(1)));
    assert_eq!(effects[0], Effect::Apply(expected.hash()));
    assert!(effects.contains(&Effect::Send { block: expected.hash(), to: To::All }));
    assert_eq!(node.tip(), expected.hash());
    let next = TimeMs(due.0 + params().micro_interval_ms);
    assert!(effects.contains(&Effect::Wake(next)), "and the next one an interval later");
    assert!(node.tell(Input::Tick(next)).contains(&Effect::Build { on: expected.hash(), time: next }));
}

/// Do all that a leader asks for, building `count` blocks.
pub fn lead(node: &mut Node, count: u8) {
    for salt in 0..count {
        let now = node.machine.now.0 + params().micro_interval_ms;
        let mut effects = node.tell(Input::PoolReady);
        effects.extend(node.tell(Input::Tick(TimeMs(now))));
        let mut read = 0;
        while let Some(effect) = effects.get(read).cloned() {
            read += 1;
            effects.extend(match effect {
                Effect::Build { on, .. } => node.tell(Input::Built(on, Some(draft(salt)))),
                Effect::SignMicro(header) => node.tell(Input::Signed(Some(signature(&header)))),
                Effect::Persist(seq, _) => node.tell(Input::Persisted(seq)),
                _ => vec![],
            });
        }
    }
}

fn builds(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Build { .. })).count()
}

/// Whether the node would build if it had all the time and transactions.
fn would_build(node: &mut Node) -> bool {
    let now = TimeMs(node.machine.now.0 + INTERVAL - 1);
    let effects = [node.tell(Input::PoolReady), node.tell(Input::Tick(now))].concat();
    builds(&effects) > 0
}

#[test]
fn only_the_leader_of_the_last_generation_builds() {
    let (mut node, own) = leader();
    assert!(would_build(&mut node));

    let (mut node, _) = leader();
    node.feed([&Header::Key(Box::new(mined(banyan_types::header::KeyHeader {
        miner: miner(3).key,
        ..key_draft(&own, 2)
    })))]);
    node.tell(Input::Tick(TimeMs(own.time().0 + INTERVAL)));
    assert!(!would_build(&mut node), "leading stops at the next key block");

    let mut node = Node::late();
    node.feed([&own]);
    assert!(!would_build(&mut node), "a follower has no key");

    let mut node = Node::with(params(), Some(miner(LEADER)));
    assert!(!would_build(&mut node), "the genesis leads nobody");
}

#[test]
fn a_generation_ends_at_its_greatest_index() {
    let own = key(&root(), 1);
    let params = RootParams { micro_per_generation_max: 2, ..params() };
    let mut node = Node::with(params, Some(miner(LEADER)));
    node.tell(Input::Tick(own.time()));
    node.feed([&own]);
    lead(&mut node, 3);
    assert_eq!(node.machine.tip().index, 2);
}

#[test]
fn a_draft_for_a_tip_that_has_moved_is_dropped() {
    let (mut node, own) = leader();
    node.tell(Input::PoolReady);
    node.tell(Input::Tick(TimeMs(own.time().0 + 1)));
    let second = key(&own, 2);
    node.tell(Input::Tick(second.time()));
    node.feed([&second]);
    assert_eq!(node.tell(Input::Built(own.hash(), Some(draft(1)))), [Effect::Wake(TimeMs(second.time().0 + 1))]);
    lead(&mut node, 1);
    assert_eq!(node.machine.tip().key_hash, second.hash(), "its next generation is led as usual");
    assert_eq!(node.machine.tip().index, 1);
}

#[test]
fn a_pool_that_fills_while_nothing_is_built_is_not_forgotten() {
    let (mut node, own) = leader();
    let due = TimeMs(own.time().0 + 1);
    node.tell(Input::PoolReady);
    node.tell(Input::Tick(due));
    node.tell(Input::PoolReady);
    assert_eq!(builds(&node.tell(Input::Built(own.hash(), None))), 1, "told meanwhile: built again");
    assert_eq!(builds(&node.tell(Input::Built(own.hash(), None))), 0, "not told: it rests");
    assert_eq!(builds(&node.tell(Input::PoolReady)), 1);
    node.tell(Input::Built(own.hash(), None));
    node.tell(Input::PoolReady);
    let effects = [node.tell(Input::PoolEmpty), node.tell(Input::Tick(TimeMs(due.0 + INTERVAL - 2)))].concat();
    assert_eq!(builds(&effects), 0);
}

#[test]
fn a_generation_whose_signer_refused_stays_silent() {
    let (mut node, own) = leader();
    node.tell(Input::PoolReady);
    node.tell(Input::Tick(TimeMs(own.time().0 + 1)));
    node.tell(Input::Built(own.hash(), Some(draft(1))));
    assert_eq!(node.tell(Input::Signed(None)), []);
    assert!(!would_build(&mut node));
}

#[test]
fn answers_nobody_asked_for_change_nothing() {
    let (mut node, own) = leader();
    let header = Signature([1; 64]);
    for input in [Input::Built(own.hash(), Some(draft(1))), Input::Signed(Some(header)), Input::Persisted(Seq(0))] {
        assert_eq!(node.tell(input), []);
    }
}

/// Crash before input `crash_at` of a leader's life, then lead on: all headers that got onto the wire.
fn sent_over_a_crash(crash_at: usize) -> Vec<Header> {
    let (mut node, own) = leader();
    let mut now = own.time().0;
    let mut inputs = 0;
    for salt in 1..=4 {
        now += params().micro_interval_ms;
        let mut effects = [node.tell(Input::PoolReady), node.tell(Input::Tick(TimeMs(now)))].concat();
        let mut read = 0;
        while let Some(effect) = effects.get(read).cloned() {
            read += 1;
            let input = match effect {
                // What is built after a crash differs from what was built before.
                Effect::Build { on, .. } => Input::Built(on, Some(draft(salt + u8::from(inputs >= crash_at) * 16))),
                Effect::SignMicro(header) => Input::Signed(Some(signature(&header))),
                Effect::Persist(seq, _) => Input::Persisted(seq),
                _ => continue,
            };
            inputs += 1;
            if inputs == crash_at {
                node.crash();
                break;
            }
            effects.extend(node.tell(input));
        }
    }
    let sent = node.log.iter().filter_map(|effect| match effect {
        Effect::Send { block, .. } => node.applied.iter().find(|header| header.hash() == *block),
        _ => None,
    });
    sent.filter(|header| header.index() > 0).cloned().collect()
}

#[test]
fn a_leader_never_signs_an_index_twice_over_a_crash() {
    let mut lengths = Vec::new();
    for crash_at in 1..=13 {
        let sent = sent_over_a_crash(crash_at);
        let mut indices: Vec<_> = sent.iter().map(Header::index).collect();
        indices.dedup();
        assert_eq!(indices, (1..=u32::try_from(sent.len()).unwrap()).collect::<Vec<_>>());
        lengths.push(sent.len());
    }
    // Before a signature is durable nothing is lost, for the pool is still there; afterwards the generation is silent.
    assert_eq!(lengths, [4, 4, 0, 4, 4, 1, 4, 4, 2, 3, 3, 3, 4]);
}

#[test]
fn after_a_restart_a_leader_goes_on_only_where_its_last_signature_is_the_tip() {
    let (mut node, _) = leader();
    lead(&mut node, 2);
    node.crash();
    assert!(would_build(&mut node));

    let (mut node, _) = leader();
    lead(&mut node, 2);
    node.signed = None;
    node.crash();
    assert!(!would_build(&mut node), "a lost watermark");

    // Another generation of the same height: what was signed there may be held against this one.
    let (mut node, own) = leader();
    node.signed = Some(MicroHeader { prev_key_hash: Hash([9; 32]), ..micro_draft(&own, 1) });
    node.crash();
    assert!(!would_build(&mut node));
    let second = key(&own, 5);
    node.tell(Input::Tick(second.time()));
    node.feed([&second]);
    assert_eq!(builds(&node.tell(Input::Tick(TimeMs(second.time().0 + 1)))), 1, "the next height is free");
}
