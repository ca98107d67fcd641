//! The protocol as lists of inputs and effects.

use alloc::{boxed::Box, vec, vec::Vec};

use banyan_types::{Round, Signature, TimeMs, witness::VoteKind};

use super::world::*;
use crate::{Alarm, Effect, Input, Machine, Me, Memory, Message, Points, Record, Refused, Saved, Seq, To, Want};

fn machine(place: u16) -> Machine {
    let me = Me { key: key_of(place), memory: Memory::None };
    Machine::start(params(20), CHECKS, Some(me), Saved::genesis(genesis(), sets(4))).unwrap()
}

fn step(machine: &mut Machine, input: Input) -> Vec<Effect> {
    let mut effects = vec![];
    machine.step(input, &mut effects);
    effects
}

fn vote(vote: banyan_types::witness::Vote) -> Input {
    Input::Vote { from: Some(ALICE), vote }
}

/// A machine that has prevoted block 1 in round 1.
fn voting() -> Machine {
    let mut machine = machine(0);
    let block = chain(1)[0];
    let own = prevote(0, 1, block, source(0, genesis()));
    for input in [
        Input::Tick(TimeMs(1_000)),
        Input::Header(block),
        Input::Tip(block.hash),
        Input::Tick(TimeMs(1_000 + SETTLE)),
        Input::Signed(own.statement, Some(own.signature)),
        Input::Persisted(Seq(1)),
    ] {
        let _ = step(&mut machine, input);
    }
    machine
}

fn relayed(vote: banyan_types::witness::Vote) -> [Effect; 2] {
    let message = Message::Vote(Box::new(vote));
    [Effect::Score(ALICE, Points::USEFUL), Effect::Send { message, to: To::Except(ALICE) }]
}

#[test]
fn a_vote_is_durable_before_it_is_sent() {
    let mut machine = machine(0);
    let block = chain(1)[0];
    let own = prevote(0, 1, block, source(0, genesis()));
    let sent = Effect::Send { message: Message::Vote(Box::new(own)), to: To::All };
    let rows = [
        (Input::Tick(TimeMs(1_000)), vec![]),
        (Input::Header(block), vec![]),
        (Input::Tip(block.hash), vec![Effect::Wake(TimeMs(1_050))]),
        (Input::Tick(TimeMs(1_049)), vec![]),
        (Input::Tick(TimeMs(1_050)), vec![Effect::Sign(own.statement), Effect::Wake(TimeMs(1_250))]),
        (Input::Signed(own.statement, Some(own.signature)), vec![Effect::Persist(Seq(1), Record::Vote(Box::new(own)))]),
        (Input::Persisted(Seq(1)), vec![sent]),
        (Input::Persisted(Seq(1)), vec![]),
    ];
    for (input, effects) in rows {
        assert_eq!(step(&mut machine, input.clone()), effects, "{input:?}");
    }
}

#[test]
fn two_exchanges_make_a_key_block_final() {
    let mut machine = voting();
    let block = chain(1)[0];
    let anchor = source(0, genesis());
    assert_eq!(step(&mut machine, vote(prevote(1, 1, block, anchor))), relayed(prevote(1, 1, block, anchor)));
    let effects = step(&mut machine, vote(prevote(2, 1, block, anchor)));
    let own = precommit(0, 1, block);
    let justified = Box::new(justification(1, block, &[0, 1, 2], anchor, 4));
    assert!(effects.contains(&Effect::Persist(Seq(2), Record::Justification(justified))));
    let weight = set(0, 3).total();
    assert!(effects.contains(&Effect::Witnessed { hash: block.hash, weight }));
    assert!(effects.contains(&Effect::Sign(own.statement)));
    let _ = step(&mut machine, Input::Signed(own.statement, Some(own.signature)));
    let _ = step(&mut machine, Input::Persisted(Seq(3)));
    let _ = step(&mut machine, vote(precommit(1, 1, block)));
    let effects = step(&mut machine, vote(precommit(3, 1, block)));
    let seal = Box::new(seal(1, block, &[0, 1, 3], 4));
    let last = [
        Effect::Persist(Seq(4), Record::Seal(seal.clone())),
        Effect::Send { message: Message::Seal(seal.clone()), to: To::All },
        Effect::Final(seal),
    ];
    assert_eq!(effects[2..], last);
    assert_eq!((machine.last_final(), machine.round()), (block, Round(2)));
}

#[test]
fn witness_restarted_without_watermarks_refuses_to_vote() {
    let blocks = chain(2);
    let start = |memory| {
        let saved = Saved { above: blocks.clone(), last_final: hash(1), ..Saved::genesis(genesis(), sets(4)) };
        Machine::start(params(20), CHECKS, Some(Me { key: key_of(0), memory }), saved)
    };
    assert_eq!(start(Memory::None).unwrap_err(), Refused::NoWatermarks);
    assert!(start(Memory::Kept(Box::default())).unwrap().is_voting());
    let waiting = start(Memory::Lost { from: banyan_types::Era(1) }).unwrap();
    assert!(!waiting.is_voting());
}

#[test]
fn a_vote_whose_source_is_unknown_waits_for_its_justification() {
    let mut machine = voting();
    let (one, two) = (chain(2)[0], chain(2)[1]);
    let _ = step(&mut machine, Input::Header(two));
    let (anchor, first) = (source(0, genesis()), source(1, one));
    let effects = step(&mut machine, vote(prevote(1, 2, two, first)));
    assert_eq!(effects[2], Effect::Fetch(ALICE, Want::Justification(banyan_types::Era(0), first)));
    assert!(machine.tally(VoteKind::Prevote, Round(2)).is_empty());
    let justification = Box::new(justification(1, one, &[1, 2, 3], anchor, 4));
    let _ = step(&mut machine, Input::Justification { from: Some(ALICE), justification });
    assert_eq!(machine.tally(VoteKind::Prevote, Round(2)).len(), 1);
}

#[test]
fn a_vote_that_does_not_descend_from_its_source_never_counts() {
    let mut machine = voting();
    let fork = key(9, 1, 0);
    let _ = step(&mut machine, Input::Header(fork));
    let justification = Box::new(justification(1, chain(1)[0], &[1, 2, 3], source(0, genesis()), 4));
    let _ = step(&mut machine, Input::Justification { from: None, justification });
    let _ = step(&mut machine, vote(prevote(1, 2, fork, source(1, chain(1)[0]))));
    assert!(machine.tally(VoteKind::Prevote, Round(2)).is_empty());
}

#[test]
fn a_second_vote_for_a_slot_is_evidence_and_is_relayed() {
    let mut machine = voting();
    let anchor = source(0, genesis());
    let (first, second) = (prevote(1, 1, chain(1)[0], anchor), prevote(1, 1, key(9, 1, 0), anchor));
    let _ = step(&mut machine, vote(first));
    let effects = step(&mut machine, vote(second));
    let proof = crate::Proof { staker: set(0, 4).members[1].staker, first, second };
    let send = Effect::Send { message: Message::Vote(Box::new(second)), to: To::Except(ALICE) };
    assert_eq!(effects, [send, Effect::Accuse(Box::new(proof))]);
    assert_eq!(step(&mut machine, vote(second)), []);
}

#[test]
fn a_prevote_that_unlocks_is_evidence() {
    let mut machine = voting();
    let locked = precommit(1, 1, chain(1)[0]);
    let unlocked = prevote(1, 2, key(9, 1, 0), source(0, genesis()));
    let _ = step(&mut machine, vote(unlocked));
    let effects = step(&mut machine, vote(locked));
    let proof = crate::Proof { staker: set(0, 4).members[1].staker, first: locked, second: unlocked };
    assert_eq!(effects.last(), Some(&Effect::Accuse(Box::new(proof))));
}

#[test]
fn a_witness_whose_key_votes_elsewhere_falls_silent() {
    let mut machine = voting();
    let alien = prevote(0, 1, key(9, 1, 0), source(0, genesis()));
    assert_eq!(step(&mut machine, vote(prevote(0, 1, chain(1)[0], source(0, genesis())))), []);
    let effects = step(&mut machine, vote(alien));
    assert_eq!(effects, [Effect::Alarm(Alarm::MyKeyElsewhere(Box::new(alien)))]);
    assert!(!machine.is_voting());
}

#[test]
fn a_seal_covers_all_its_ancestors() {
    let mut machine = machine(0);
    for block in chain(5) {
        let _ = step(&mut machine, Input::Header(block));
    }
    let given = Box::new(seal(4, chain(5)[3], &[0, 1, 2], 4));
    let effects = step(&mut machine, Input::Seal { from: None, seal: given.clone() });
    assert!(effects.contains(&Effect::Final(given)));
    for (round, below) in (1..).zip(&chain(5)[..3]) {
        let old = Box::new(seal(round, *below, &[0, 1, 2], 4));
        assert_eq!(step(&mut machine, Input::Seal { from: None, seal: old }), []);
    }
    assert_eq!(machine.last_final(), chain(5)[3]);
}

#[test]
fn a_seal_that_comes_before_its_header_waits_for_it() {
    let mut machine = machine(0);
    let given = Box::new(seal(1, chain(1)[0], &[0, 1, 2], 4));
    assert_eq!(
        step(&mut machine, Input::Seal { from: Some(ALICE), seal: given.clone() }),
        [Effect::Fetch(ALICE, Want::Boundary(banyan_types::Era(0)))],
        "its branch may be another one"
    );
    assert!(step(&mut machine, Input::Header(chain(1)[0])).contains(&Effect::Final(given)));
}

#[test]
fn a_conflicting_seal_stops_finality_and_is_kept() {
    let mut machine = machine(0);
    let (ours, theirs) = (chain(1)[0], key(9, 1, 0));
    let held = Box::new(seal(1, ours, &[0, 1, 2], 4));
    let got = Box::new(seal(2, theirs, &[1, 2, 3], 4));
    let _ = step(&mut machine, Input::Header(ours));
    let _ = step(&mut machine, Input::Header(theirs));
    let _ = step(&mut machine, Input::Seal { from: None, seal: held.clone() });
    let effects = step(&mut machine, Input::Seal { from: None, seal: got.clone() });
    let alarm = Alarm::ConflictingSeal { held: ours.hash, seal: Some(held), got: got.clone() };
    assert_eq!(effects, halted(&alarm));
    assert!(machine.is_halted() && !machine.is_voting());
}

/// What follows from two seals of different rounds that share two signers, of whom nothing else is known.
fn halted(alarm: &Alarm) -> Vec<Effect> {
    let Alarm::ConflictingSeal { seal, got, .. } = alarm else { unreachable!() };
    let record = Record::Conflict { held: seal.clone(), got: got.clone() };
    vec![Effect::Persist(Seq(2), record), Effect::Alarm(alarm.clone())]
}

#[test]
fn two_seals_of_one_round_convict_whoever_signed_both_though_no_vote_is_held() {
    let mut machine = machine(0);
    let (ours, theirs) = (chain(1)[0], key(9, 1, 0));
    let _ = step(&mut machine, Input::Header(ours));
    let _ = step(&mut machine, Input::Seal { from: None, seal: Box::new(seal(1, ours, &[0, 1, 2], 4)) });
    machine.pool = crate::pool::Pool::new(machine.pool.era);
    let effects = step(&mut machine, Input::Seal { from: None, seal: Box::new(seal(1, theirs, &[1, 2, 3], 4)) });
    let accused = |effect: &Effect| match effect {
        Effect::Accuse(proof) => Some(proof.staker),
        _ => None,
    };
    let accused: Vec<_> = effects.iter().filter_map(accused).collect();
    assert_eq!(accused, [banyan_types::AccountId([2; 32]), banyan_types::AccountId([3; 32])]);
    assert!(machine.is_halted());
}

#[test]
fn a_halt_outlives_a_restart() {
    let saved = Saved { halted: true, ..Saved::genesis(genesis(), sets(4)) };
    let mut machine = Machine::start(params(20), CHECKS, None, saved).unwrap();
    let block = chain(1)[0];
    let _ = step(&mut machine, Input::Header(block));
    let effects = step(&mut machine, Input::Seal { from: None, seal: Box::new(seal(1, block, &[0, 1, 2], 4)) });
    assert_eq!((effects, machine.last_final()), (vec![], genesis()));
}

#[test]
fn a_seal_beside_the_final_chain_conflicts_though_its_header_never_comes() {
    let mut machine = machine(0);
    let (ours, theirs) = (chain(1)[0], key(9, 1, 0));
    let held = Box::new(seal(1, ours, &[0, 1, 2], 4));
    let got = Box::new(seal(2, theirs, &[1, 2, 3], 4));
    let _ = step(&mut machine, Input::Header(ours));
    let _ = step(&mut machine, Input::Seal { from: None, seal: held.clone() });
    let effects = step(&mut machine, Input::Seal { from: None, seal: got.clone() });
    let alarm = Alarm::ConflictingSeal { held: ours.hash, seal: Some(held), got: got.clone() };
    assert_eq!(effects, halted(&alarm));
    assert!(machine.is_halted());
}

#[test]
fn no_finality_across_an_unsealed_era_boundary() {
    let me = Me { key: key_of(0), memory: Memory::None };
    let saved = Saved::genesis(genesis(), sets(4));
    let mut machine = Machine::start(params(3), CHECKS, Some(me), saved).unwrap();
    let blocks = chain(4);
    for block in &blocks {
        let _ = step(&mut machine, Input::Header(*block));
    }
    let _ = step(&mut machine, Input::Tip(blocks[3].hash));
    // The tip is in era 1; what is voted for is the last block of era 0.
    let effects = step(&mut machine, Input::Tick(TimeMs(SETTLE)));
    assert!(effects.contains(&Effect::Sign(prevote(0, 1, blocks[1], source(0, genesis())).statement)));
    // Precommits of era 1 are held, and count once the boundary is final.
    for by in 1..4 {
        let mut early = precommit(by, 1, blocks[2]);
        early.statement.era = banyan_types::Era(1);
        let effects = step(&mut machine, vote(early));
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Final(_))));
    }
    let boundary = Box::new(seal(1, blocks[1], &[1, 2, 3], 4));
    let effects = step(&mut machine, Input::Seal { from: None, seal: boundary });
    let finals = effects.iter().filter(|effect| matches!(effect, Effect::Final(_)));
    assert_eq!((finals.count(), machine.last_final()), (2, blocks[2]));
}

/// Both ends of two eras may be sealed before the state of the first is here, and with it the set of the era after next.
#[test]
fn a_seal_whose_set_is_unknown_waits_for_it() {
    let saved = Saved::genesis(genesis(), sets(4)[..2].to_vec());
    let mut machine = Machine::start(params(3), CHECKS, None, saved).unwrap();
    let blocks = chain(6);
    for block in &blocks {
        let _ = step(&mut machine, Input::Header(*block));
    }
    let sealed = |era, block| {
        let mut seal = seal(1, block, &[1, 2, 3], 4);
        seal.era = banyan_types::Era(era);
        Input::Seal { from: None, seal: Box::new(seal) }
    };
    for (era, at) in [(0, 1), (1, 4), (2, 5)] {
        let _ = step(&mut machine, sealed(era, blocks[at]));
    }
    assert_eq!(machine.last_final(), blocks[4]);
    let effects = step(&mut machine, Input::Set(sets(4)[2].clone()));
    let is_final = |effect: &Effect| matches!(effect, Effect::Final(seal) if seal.hash == blocks[5].hash);
    assert!(effects.iter().any(is_final), "{effects:?}");
}

#[test]
fn an_invalid_vote_costs_its_sender_everything() {
    let mut machine = voting();
    let good = prevote(1, 1, chain(1)[0], source(0, genesis()));
    let mut rows = [good; 4];
    rows[0].signature = Signature([0; 64]);
    rows[1].by = 9;
    rows[2].statement.chain = hash(3);
    rows[3].statement.height = banyan_types::Height(20);
    for bad in rows {
        assert_eq!(step(&mut machine, vote(bad)), [Effect::Score(ALICE, Points::INVALID)]);
    }
    let mut far = good;
    far.statement.era = banyan_types::Era(2);
    assert_eq!(step(&mut machine, vote(far)), []);
}

#[test]
fn a_third_of_the_weight_ahead_draws_a_witness_along() {
    let mut machine = voting();
    let (block, anchor) = (chain(1)[0], source(0, genesis()));
    let _ = step(&mut machine, vote(prevote(1, 5, block, anchor)));
    assert_eq!(machine.round(), Round(1));
    let effects = step(&mut machine, vote(prevote(2, 7, block, anchor)));
    assert_eq!(machine.round(), Round(5));
    assert!(effects.contains(&Effect::Sign(prevote(0, 5, block, anchor).statement)));
}

#[test]
fn a_round_is_left_by_time_once_a_quorum_was_seen_in_it() {
    let mut machine = voting();
    let (block, anchor) = (chain(1)[0], source(0, genesis()));
    let effects = step(&mut machine, Input::Tick(TimeMs(1_050 + DELTA)));
    let own = Message::Vote(Box::new(prevote(0, 1, block, anchor)));
    assert_eq!(effects, [Effect::Send { message: own, to: To::All }, Effect::Wake(TimeMs(1_050 + 2 * DELTA))]);
    assert_eq!(machine.round(), Round(1), "nobody else was seen");
    let _ = step(&mut machine, vote(prevote(1, 1, block, anchor)));
    let _ = step(&mut machine, vote(prevote(2, 1, key(9, 1, 0), anchor)));
    let _ = step(&mut machine, Input::Tick(TimeMs(1_050 + 2 * DELTA - 1)));
    assert_eq!(machine.round(), Round(1));
    let _ = step(&mut machine, Input::Tick(TimeMs(1_050 + 2 * DELTA)));
    assert_eq!(machine.round(), Round(2));
}

#[test]
fn a_round_without_a_winner_is_as_short_as_the_first() {
    let (block, fork, anchor) = (chain(1)[0], key(9, 1, 0), source(0, genesis()));
    let mut machine = voting();
    let _ = step(&mut machine, Input::Header(fork));
    let split = [(1, block), (2, fork), (3, fork)];
    // The third round: four times as long, were it not lost.
    for (by, target) in split {
        let _ = step(&mut machine, vote(prevote(by, 3, target, anchor)));
    }
    let own = prevote(0, 3, block, anchor);
    let _ = step(&mut machine, Input::Signed(own.statement, Some(own.signature)));
    let _ = step(&mut machine, Input::Persisted(Seq(2)));
    let _ = step(&mut machine, Input::Tick(TimeMs(1_050 + DELTA - 1)));
    assert_eq!(machine.round(), Round(3));
    let _ = step(&mut machine, Input::Tick(TimeMs(1_050 + DELTA)));
    assert_eq!(machine.round(), Round(4));
}
