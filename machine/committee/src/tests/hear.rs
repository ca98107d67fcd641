//! What a peer may say, and what follows: one row for each check, in order.

use alloc::{boxed::Box, vec, vec::Vec};

use banyan_types::{
    Hash, Height, Signature, TimeMs,
    committee::{SignedStatement, Statement, StatementKind},
};

use super::world::*;
use crate::*;

const FROM: Peer = Peer(9);

/// Node 0 at a height that runs, with a world that stands still around it.
fn scene() -> World {
    let mut world = World::new(31, Faults::default());
    world.run_until(2, 20_000);
    // The parent's next block starts the height everywhere; the others are cut off before.
    world.parts = Some([0].into());
    let height = world.height(0);
    world.fill_pools();
    world.run(250);
    assert_eq!(world.height(0), height);
    world
}

fn tell(world: &mut World, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    world.nodes[0].machine.as_mut().unwrap().step(input, &mut effects).expect("no fault of ours");
    effects
}

fn sign(n: usize, statement: Statement) -> SignedStatement {
    let signature = Signature(key(n).sign(&statement.signing_message(NETWORK)));
    SignedStatement { statement, by: public(n), signature }
}

fn prevote(world: &World, above: u64, block: u8) -> Statement {
    let height = Height(world.height(0) + 1 + above);
    Statement { kind: StatementKind::Prevote, height, view: 0, block_hash: Hash([block; 32]), valid_view: None }
}

fn heard(message: Message) -> Input {
    Input::Heard(FROM, message)
}

/// A proposal of the leader of a view, by the rules but for what `change` does.
fn proposal(world: &World, view: u32, change: impl Fn(&mut Proposed)) -> Message {
    let next = world.height(0) + 1;
    let leader = (0..4).find(|n| public(*n) == world.epoch.leader(Height(next), view)).unwrap();
    let tip = world.nodes[0].machine.as_ref().unwrap().tip().clone();
    let header = banyan_types::header::ChildHeader { height: Height(next), prev_hash: tip.hash(), view, ..tip };
    let statement = Statement {
        kind: StatementKind::Proposal,
        height: header.height,
        view,
        block_hash: header.hash(),
        valid_view: None,
    };
    let mut proposed = Proposed { signed: sign(leader, statement), header, prev_seal: None };
    change(&mut proposed);
    Message::Proposal(Box::new(proposed))
}

#[test]
fn each_check_of_a_message_has_a_row() {
    let mut world = scene();
    let invalid = vec![Effect::Score(FROM, Points::INVALID)];
    let wrong = vec![Effect::Score(FROM, Points::WRONG_BYTES)];
    let vote = |world: &World, n, above, block| sign(n, prevote(world, above, block));
    let handover = sign(1, Statement::handover(4, Hash([1; 32])));
    let mut forged = vote(&world, 1, 0, 1);
    forged.signature.0[7] ^= 1;
    let stranger = vote(&world, 7, 0, 1);
    let rows = [
        ("a handover is no vote", Message::Vote(handover), wrong.clone()),
        ("a proposal is no vote", Message::Vote(sign(1, Statement::handover(0, Hash::ZERO))), wrong.clone()),
        ("nobody knows a stranger", Message::Vote(stranger), vec![]),
        ("a signature must hold", Message::Vote(forged), invalid.clone()),
        ("another header", proposal(&world, 5, |proposed| proposed.header.outbox_to += 1), wrong.clone()),
        ("another height", proposal(&world, 5, |proposed| proposed.signed.statement.height.0 += 1), wrong.clone()),
        ("another view", proposal(&world, 5, |proposed| proposed.signed.statement.view += 1), wrong.clone()),
        ("grounds that come later", proposal(&world, 5, |it| it.signed.statement.valid_view = Some(5)), wrong),
        ("a leader's signature must hold", proposal(&world, 5, |it| it.signed.signature.0[0] ^= 1), invalid),
        ("a view far off", proposal(&world, 40, |_| {}), vec![]),
        ("blocks that do not exist", Message::AskBlocks(Height(1_000)), vec![]),
        ("blocks before the first", Message::AskBlocks(Height(0)), vec![]),
    ];
    for (name, message, expected) in rows {
        assert_eq!(tell(&mut world, heard(message)), expected, "{name}");
    }
}

#[test]
fn who_is_behind_is_helped_now_and_then() {
    let mut world = scene();
    let mut old = prevote(&world, 0, 1);
    old.height = Height(1);
    let old = || heard(Message::Vote(sign(1, old)));
    assert_eq!(tell(&mut world, old()), [Effect::Serve(FROM, Height(1))]);
    assert_eq!(tell(&mut world, old()), []);
    let ask = |height| heard(Message::AskBlocks(Height(height)));
    assert_eq!(tell(&mut world, ask(1)), [], "the same again, at once");
    assert_eq!(tell(&mut world, ask(2)), [Effect::Serve(FROM, Height(2))], "it goes on");
    assert_eq!(tell(&mut world, ask(1)), []);
}

#[test]
fn who_is_far_ahead_is_asked_for_blocks() {
    let mut world = scene();
    let vote = sign(1, prevote(&world, 2, 1));
    let ask = Effect::Send(To::One(FROM), Message::AskBlocks(Height(world.height(0) + 1)));
    let effects = tell(&mut world, heard(Message::Vote(vote)));
    assert!(effects.contains(&ask), "{effects:?}");
    let effects = tell(&mut world, heard(Message::Vote(vote)));
    assert!(!effects.contains(&ask), "asked again before an answer could come");
}

#[test]
fn a_third_proposal_of_one_view_is_not_looked_at() {
    let mut world = scene();
    let view = (0..5).find(|view| world.epoch.leader(Height(world.height(0) + 1), *view) == public(1)).unwrap();
    let one = |world: &World, outbox| {
        proposal(world, view, |proposed| {
            proposed.header.outbox_to = outbox;
            let block_hash = proposed.header.hash();
            proposed.signed = sign(1, Statement { block_hash, ..proposed.signed.statement });
        })
    };
    let relayed = |effects: Vec<Effect>| {
        let seq = effects.iter().find_map(|effect| match effect {
            Effect::Persist(seq, _) => Some(*seq),
            _ => None,
        });
        seq.is_some()
    };
    let mut looked = Vec::new();
    for outbox in 1..5 {
        let message = one(&world, outbox);
        looked.push(relayed(tell(&mut world, heard(message))));
    }
    assert_eq!(looked, [true, true, false, false]);
}

#[test]
fn a_block_with_a_seal_that_does_not_hold_costs_its_sender() {
    let mut world = scene();
    let mut sealed = sealed(&world.nodes[0].disk.chain[1]);
    sealed.header.height = Height(world.height(0) + 1);
    let effects = tell(&mut world, Input::Blocks(FROM, vec![sealed]));
    assert_eq!(effects, [Effect::Score(FROM, Points::INVALID)]);
}

#[test]
fn one_validator_alone_does_not_make_the_others_go_on() {
    let mut world = World::new(32, Faults::default());
    world.run_until(2, 20_000);
    // Nobody has anything to do.
    world.stop_parent();
    world.run(1_000);
    let height = world.height(0);
    world.parts = Some([0].into());
    let starts = |effects: Vec<Effect>, at: u64| {
        let soon = TimeMs(at + params().block_interval_ms);
        effects.iter().any(|effect| matches!(effect, Effect::Wake(due) if *due <= soon))
    };
    let vote = |world: &World, n| heard(Message::Vote(sign(n, prevote(world, 0, 0))));
    let one = vote(&world, 1);
    let now = world.now;
    assert!(!starts(tell(&mut world, one), now), "one vote of four");
    let again = vote(&world, 1);
    assert!(!starts(tell(&mut world, again), now));
    let other = vote(&world, 2);
    assert!(starts(tell(&mut world, other), now), "over a third of the weight");
    assert_eq!(world.height(0), height);
}
