//! One validator, step by step.

use alloc::{boxed::Box, vec::Vec};

use banyan_types::{
    Hash, Height, Peer, Points, TimeMs,
    committee::{SignedStatement, Statement, StatementKind},
    header::ChildHeader,
};

use super::world::*;
use crate::{Block, Draft, Effect, Input, Machine, Message, Proposed, Record, Saved, Seq, To, Verdict, Weight};

/// The validator whose turn view 0 of height 1 is, in a set of four.
fn leader(threshold: u32) -> (usize, Machine) {
    let turns = turns(4, threshold);
    let keys = keys(4);
    let at = keys.iter().position(|key| Some(public(key)) == turns.leader(Height(1), 0)).unwrap();
    let saved = Saved::genesis(genesis(&turns));
    (at, Machine::resume(params(), turns, keys[at].clone(), saved).unwrap())
}

fn step(machine: &mut Machine, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    machine.step(input, &mut effects);
    effects.retain(|effect| !matches!(effect, Effect::Wake(_)));
    effects
}

/// Up to the answer to the order to build.
fn built(machine: &mut Machine) -> Vec<Effect> {
    assert_eq!(step(machine, Input::Tick(TimeMs(START))), []);
    let effects = step(machine, Input::ParentTip(parent(1)));
    let [Effect::Build(header, None)] = effects.as_slice() else { panic!("{effects:?}") };
    let none = Hash::ZERO;
    let state_root = executed(header);
    step(
        machine,
        Input::Built(Draft {
            height: header.height,
            txs_root: none,
            receipts_root: none,
            outbox_to: 0,
            state_root,
            txs: 0,
            settled: 0,
        }),
    )
}

fn votes(effects: &[Effect], kind: StatementKind) -> usize {
    let is_vote = |effect: &&Effect| matches!(effect, Effect::Send(To::All, Message::Vote(signed)) if signed.statement.kind == kind);
    effects.iter().filter(is_vote).count()
}

#[test]
fn where_one_step_confirms_a_block_is_built_persisted_sent_and_committed_by_its_leader_alone() {
    let (_, mut machine) = leader(1);
    let effects = built(&mut machine);
    let [Effect::Persist(Seq(1), records)] = effects.as_slice() else { panic!("{effects:?}") };
    let [Record::Built(block), Record::Vote(proposal), Record::Vote(commitment)] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!(proposal.statement.kind, StatementKind::Proposal);
    assert_eq!(commitment.statement, Statement::precommit(Height(1), 0, block.header.hash()));
    let effects = step(&mut machine, Input::Persisted(Seq(1)));
    let [Effect::Send(To::All, Message::Proposal(sent)), Effect::Send(_, Message::Vote(vote)), Effect::Commit(decided)] =
        effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!((sent.signed, sent.header.hash()), (*proposal, block.header.hash()));
    assert_eq!((vote, &decided.block), (commitment, &**block));
    assert_eq!(machine.status().height, Height(0), "not before the shell has it");
    step(&mut machine, Input::Committed { height: Height(1) });
    let status = machine.status();
    assert_eq!((status.height, status.final_height), (Height(1), Height(0)));
}

#[test]
fn where_two_steps_confirm_a_validator_commits_only_after_the_threshold_accepts() {
    let (at, mut machine) = leader(3);
    let effects = built(&mut machine);
    let [Effect::Persist(seq, records)] = effects.as_slice() else { panic!("{effects:?}") };
    let Some(Record::Built(block)) = records.first() else { panic!("{records:?}") };
    let effects = step(&mut machine, Input::Persisted(*seq));
    assert_eq!((votes(&effects, StatementKind::Prevote), votes(&effects, StatementKind::Precommit)), (1, 0));
    let others: Vec<_> =
        keys(4).into_iter().enumerate().filter(|(other, _)| *other != at).map(|(_, key)| key).collect();
    let say = |key, kind| {
        let statement =
            Statement { kind, height: Height(1), view: 0, block_hash: block.header.hash(), valid_view: None };
        Input::Heard(Peer(9), Message::Vote(sign(key, statement)))
    };
    assert_eq!(step(&mut machine, say(&others[0], StatementKind::Prevote)), []);
    assert_eq!(step(&mut machine, say(&others[0], StatementKind::Prevote)), [], "one key counts once");
    let effects = step(&mut machine, say(&others[1], StatementKind::Prevote));
    let [Effect::Persist(seq, records)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(matches!(records.as_slice(), [Record::Polka(accepts), Record::Vote(_)] if accepts.len() == 3));
    let effects = step(&mut machine, Input::Persisted(*seq));
    assert_eq!(votes(&effects, StatementKind::Precommit), 1);
    assert_eq!(step(&mut machine, say(&others[0], StatementKind::Precommit)), []);
    let effects = step(&mut machine, say(&others[1], StatementKind::Precommit));
    assert!(matches!(effects.as_slice(), [Effect::Commit(decided)] if decided.certificate.signatures.len() == 3));
    let effects = step(&mut machine, Input::Committed { height: Height(1) });
    assert!(matches!(effects.first(), Some(Effect::Final(it)) if it.seal.block_hash == block.header.hash()));
}

#[test]
fn what_is_not_a_validators_word_costs_its_bearer_and_changes_nothing() {
    let (_, mut machine) = leader(1);
    let effects = built(&mut machine);
    let [Effect::Persist(_, records)] = effects.as_slice() else { panic!("{effects:?}") };
    let Some(Record::Built(block)) = records.first() else { panic!("{records:?}") };
    let statement = Statement::precommit(Height(1), 0, block.header.hash());
    let good = sign(&keys(4)[0], statement);
    let forged = SignedStatement { statement: Statement { view: 1, ..statement }, ..good };
    let stranger = sign(&banyan_crypto::SecretKey::from_seed([99; 32]), statement);
    for signed in [forged, stranger] {
        let effects = step(&mut machine, Input::Heard(Peer(3), Message::Vote(signed)));
        assert_eq!(effects, [Effect::Score(Peer(3), Points::INVALID)]);
    }
    let proposal = Statement { kind: StatementKind::Proposal, ..Statement::precommit(Height(2), 0, Hash([1; 32])) };
    let (header, prev_seal) = (block.header.clone(), None);
    let by_another = crate::Proposed { signed: sign(&keys(4)[0], proposal), header, prev_seal };
    let effects = step(&mut machine, Input::Heard(Peer(3), Message::Proposal(Box::new(by_another))));
    assert_eq!(effects, [Effect::Score(Peer(3), Points::INVALID)], "an unauthenticated proposal is refused");
}

#[test]
fn a_restart_says_again_what_was_said_and_nothing_else() {
    let (at, mut machine) = leader(1);
    let effects = built(&mut machine);
    let [Effect::Persist(_, records)] = effects.as_slice() else { panic!("{effects:?}") };
    let turns = turns(4, 1);
    let saved = Saved { records: records.clone(), ..Saved::genesis(genesis(&turns)) };
    let mut machine = Machine::resume(params(), turns, keys(4)[at].clone(), saved).unwrap();
    let effects = step(&mut machine, Input::Tick(TimeMs(START)));
    assert!(matches!(effects.first(), Some(Effect::Commit(_))), "{effects:?}");
    let mut effects = step(&mut machine, Input::ParentTip(parent(1)));
    for tick in 1..20 {
        effects.extend(step(&mut machine, Input::Tick(TimeMs(START + tick * 100))));
    }
    let signed: Vec<_> = records.iter().filter(|record| matches!(record, Record::Vote(_))).collect();
    assert_eq!(signed.len(), 2);
    for effect in effects {
        if let Effect::Send(_, Message::Vote(vote)) = effect
            && vote.statement.height == Height(1)
        {
            assert!(records.contains(&Record::Vote(vote)), "{vote:?}");
        }
    }
}

/// A block of the first leader, and another validator that has heard of no block yet.
fn second(threshold: u32) -> (usize, Block, Machine) {
    let turns = turns(4, threshold);
    let keys = keys(4);
    let (lead, mut machine) = leader(threshold);
    let effects = built(&mut machine);
    let [Effect::Persist(Seq(1), records)] = effects.as_slice() else { panic!("{effects:?}") };
    let [Record::Built(block), ..] = records.as_slice() else { panic!("{records:?}") };
    let saved = Saved::genesis(genesis(&turns));
    let mut other = Machine::resume(params(), turns, keys[(lead + 1) % 4].clone(), saved).unwrap();
    step(&mut other, Input::Tick(TimeMs(START)));
    step(&mut other, Input::ParentTip(parent(1)));
    (lead, (**block).clone(), other)
}

/// The leader's proposal of a block in view 0.
fn proposal(lead: usize, header: &ChildHeader) -> Input {
    let (kind, block_hash) = (StatementKind::Proposal, header.hash());
    let said = Statement { kind, height: Height(1), view: 0, block_hash, valid_view: None };
    let signed = sign(&keys(4)[lead], said);
    let proposed = Proposed { signed, header: header.clone(), prev_seal: None };
    Input::Heard(Peer(1), Message::Proposal(Box::new(proposed)))
}

#[test]
fn a_block_that_is_dated_ahead_of_the_clock_waits_for_it() {
    let late = |ahead_ms: u64| {
        let (lead, block, mut other) = second(1);
        let header = ChildHeader { time_ms: TimeMs(START + ahead_ms), ..block.header };
        let effects = step(&mut other, proposal(lead, &header));
        let asks = |effects: &[Effect]| effects.iter().any(|effect| matches!(effect, Effect::Verify(..)));
        let now = asks(&effects);
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Score(..))), "early is nobody's fault");
        (now, asks(&step(&mut other, Input::Tick(TimeMs(START + ahead_ms - 10_000)))))
    };
    assert_eq!(late(10_000), (true, false));
    assert_eq!(late(10_001), (false, true));
}

#[test]
fn whoever_speaks_is_told_what_became_of_it() {
    let (lead, block, mut other) = second(3);
    let (hash, key) = (block.header.hash(), &keys(4)[lead]);
    let wrong = ChildHeader { entropy: Hash([9; 32]), ..block.header.clone() };
    step(&mut other, proposal(lead, &wrong));
    assert_eq!(other.weigh_block(&wrong.hash()), Weight::Refused);

    let (.., mut other) = second(3);
    let commitment = |block_hash| sign(key, Statement::precommit(Height(1), 0, block_hash));
    let heard = |signed| Input::Heard(Peer(1), Message::Vote(signed));
    step(&mut other, heard(commitment(hash)));
    assert_eq!(other.weigh_statement(&commitment(hash)), Weight::Early, "the block is not here");
    step(&mut other, proposal(lead, &block.header));
    assert_eq!(other.weigh_block(&hash), Weight::Early, "it is not executed");
    step(&mut other, Input::Verified(hash, Verdict::Good { settled: 0 }));
    assert_eq!((other.weigh_block(&hash), other.weigh_statement(&commitment(hash))), (Weight::Counts, Weight::Counts));
    step(&mut other, heard(commitment(wrong.hash())));
    assert_eq!(other.weigh_statement(&commitment(wrong.hash())), Weight::Contradicts);
    let far = sign(key, Statement::precommit(Height(9), 0, hash));
    step(&mut other, heard(far));
    assert_eq!(other.weigh_statement(&far), Weight::Early);
}
