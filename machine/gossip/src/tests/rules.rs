//! Tables: what costs which points, who is sent away and why, who gets what.

use alloc::{boxed::Box, vec, vec::Vec};

use banyan_types::{Bytes, Era, Hash, Height, Peer, Points, Round, Signature, TimeMs, TxHash, witness::Seal};

use super::world::*;
use crate::{
    Effect, Found, Gossip, Input, Look, Message, To, Why, Word,
    limits::{ANSWER_MS, BAN_MS, HALVE_MS},
    message::{BlockBytes, Generation, GetHeaders, Hello, Limited, Txs},
};

const ALICE: Peer = Peer(1);
const BOB: Peer = Peer(2);

fn hello() -> Hello {
    let made = Made { header: root(), body: Bytes(Vec::new()), txs: Vec::new() };
    Hello {
        chain: params().chain,
        epoch: 0,
        version: 6,
        network_id: "test_gossip".into(),
        mode: "full".into(),
        status: status(&made, 0),
    }
}

pub fn step(gossip: &mut Gossip, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    gossip.step(input, &mut effects);
    effects
}

fn say(from: Peer, message: Message) -> Input {
    let bytes = message.encode().len();
    Input::Message { from, message: Box::new(message), bytes }
}

/// A node that has met these peers.
fn met(peers: &[Peer]) -> Gossip {
    let mut gossip = Node::new(1).gossip;
    for peer in peers {
        let _ = step(&mut gossip, Input::Connected { peer: *peer, outbound: true, score: Points(0) });
        let _ = step(&mut gossip, say(*peer, Message::Hello(Box::new(hello()))));
    }
    gossip
}

fn sends(effects: &[Effect]) -> Vec<(Peer, u8)> {
    let sent = effects.iter().filter_map(|effect| match effect {
        Effect::Send(peer, message) => Some((*peer, message.encode()[0])),
        _ => None,
    });
    sent.collect()
}

/// While the headers of a long chain come it grows by a few blocks, and somebody claims those: whoever looked at them first, and
/// so on, would never begin.
#[test]
fn a_plan_begins_though_the_chain_goes_on_growing() {
    let (made, mut gossip) = (chain(&root(), 1, 103, 0), met(&[ALICE, BOB]));
    let claim = |count: usize| {
        let work = banyan_root::target::Target::HIGHEST.work() * u128::try_from(count).unwrap();
        Message::Status(status(&made[count - 1], work))
    };
    let look = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Look(id, _) => Some(*id),
            _ => None,
        })
    };
    let locator = look(&step(&mut gossip, say(ALICE, claim(100)))).unwrap();
    let _ = step(&mut gossip, Input::Found(locator, Found::Locator(vec![root().hash()])));
    let keys = made[..100].iter().map(|made| match &made.header {
        banyan_root::Header::Key(header) => (**header).clone(),
        banyan_root::Header::Micro(_) => unreachable!("there are none"),
    });
    let past = look(&step(&mut gossip, say(ALICE, Message::Headers(keys.collect())))).unwrap();
    let _ = step(&mut gossip, say(BOB, claim(103)));
    let effects = step(&mut gossip, Input::Found(past, Found::Past { past: vec![genesis()], work: 0 }));
    let begins =
        |effect: &Effect| matches!(effect, Effect::Send(_, message) if matches!(**message, Message::GetGeneration(_)));
    assert!(effects.iter().any(begins), "{effects:?}");
}

fn seal(height: u64) -> Seal {
    Seal {
        era: Era(7),
        round: Round(1),
        height: Height(height),
        hash: Hash([1; 32]),
        bitmap: Bytes(vec![0xf0]),
        signatures: vec![Signature([2; 64]); 4],
    }
}

/// A seal may come eras before it is of use, and is lost then: when it is asked for it counts once more, and only then.
#[test]
fn a_seal_that_came_before_is_heard_again_when_it_is_asked_for() {
    let mut gossip = met(&[ALICE, BOB]);
    let tell = |gossip: &mut Gossip, from| {
        let effects = step(gossip, say(from, Message::Seal(Box::new(seal(159)))));
        effects.iter().filter(|effect| matches!(effect, Effect::Word(_, Word::Seal(_)))).count()
    };
    assert_eq!((tell(&mut gossip, ALICE), tell(&mut gossip, ALICE)), (1, 0));
    let _ = step(&mut gossip, Input::FetchSeals(ALICE, Height(159)));
    let again: usize = (0..100).map(|_| tell(&mut gossip, ALICE)).sum();
    assert_eq!(again, crate::limits::SEALS_MAX, "no more than an answer has");
}

/// Whoever is eras behind can take each boundary's seal only after the one before.
#[test]
fn seals_of_boundaries_are_asked_of_a_peer_and_told_in_order() {
    let mut gossip = met(&[ALICE, BOB]);
    let asked = step(&mut gossip, Input::FetchSeals(ALICE, Height(159)));
    assert_eq!(asked[..1], [Effect::Send(ALICE, Box::new(Message::GetSeals(Height(159))))]);
    let effects = step(&mut gossip, say(BOB, Message::GetSeals(Height(159))));
    let look = effects.iter().find_map(|effect| match effect {
        Effect::Look(id, Look::Seals(Height(159))) => Some(*id),
        _ => None,
    });
    let found = Input::Found(look.unwrap(), Found::Seals(vec![seal(159), seal(179)]));
    let told = [159, 179].map(|height| Effect::Send(BOB, Box::new(Message::Seal(Box::new(seal(height))))));
    assert_eq!(step(&mut gossip, found)[..2], told);
}

#[test]
fn a_stranger_is_told_both_values_and_sent_away() {
    let ours = hello();
    let rows = [
        (Hello { chain: Hash([9; 32]), epoch: 5, ..hello() }, Why::Chain { theirs: Hash([9; 32]), ours: ours.chain }),
        (Hello { epoch: 5, version: 7, ..hello() }, Why::Epoch { theirs: 5, ours: 0 }),
        (Hello { version: 7, network_id: "x".into(), ..hello() }, Why::Version { theirs: 7, ours: 6 }),
        (Hello { network_id: "x".into(), ..hello() }, Why::Network { theirs: "x".into(), ours: "test_gossip".into() }),
    ];
    for (theirs, why) in rows {
        let mut gossip = met(&[]);
        let _ = step(&mut gossip, Input::Connected { peer: ALICE, outbound: false, score: Points(0) });
        let effects = step(&mut gossip, say(ALICE, Message::Hello(Box::new(theirs))));
        assert!(effects.contains(&Effect::Disconnect { peer: ALICE, why, ban_ms: None }), "{effects:?}");
        assert_eq!(gossip.score_of(ALICE), None);
    }
}

#[test]
fn each_fault_costs_what_the_table_says() {
    let (made, wrong) = (key(&root(), 1), BlockBytes { header: Bytes(vec![0; 9]), body: Bytes(vec![]) });
    let micro = micro(&made.header, &[1]);
    let header = match micro.header.clone() {
        banyan_root::Header::Micro(header) => header,
        banyan_root::Header::Key(_) => unreachable!("a micro block was made"),
    };
    let page = Generation { key_hash: made.hash(), from: 0, blocks: Limited::first_of([made.bytes()]), more: false };
    let with_body = BlockBytes { body: Bytes(vec![1]), ..made.bytes() };
    let rows = [
        (Input::Wrong(ALICE), -20),
        (say(ALICE, Message::Headers(vec![])), -20),
        (say(ALICE, Message::Generation(page)), -20),
        (say(ALICE, Message::Txs(Txs { id: 77, txs: Limited::first_of([]) })), -20),
        (say(ALICE, Message::Missing(Hash([4; 32]))), -20),
        (say(ALICE, Message::Peers(Limited::first_of([]))), -20),
        (say(ALICE, Message::Block(wrong)), -20),
        (say(ALICE, Message::Block(with_body)), -20),
        (say(ALICE, Message::Block(micro.bytes())), -20),
        (say(ALICE, Message::Light(header, Limited::first_of([TxHash([1; 32])]))), -20),
        (say(ALICE, Message::Block(made.bytes())), 1),
        (say(ALICE, Message::Block(chain(&root(), 1, 5, 0)[4].bytes())), 0),
        (say(ALICE, Message::NewTxs(Limited::first_of([TxHash([1; 32])]))), 0),
        (say(ALICE, Message::GetHeaders(GetHeaders { locator: Limited::first_of([]), max: 1 })), 0),
        (Input::Score(ALICE, Points(-7)), -7),
    ];
    for (input, points) in rows {
        let mut gossip = met(&[ALICE]);
        let what = alloc::format!("{input:?}");
        let _ = step(&mut gossip, input);
        assert_eq!(gossip.score_of(ALICE), Some(Points(points)), "{what}");
    }
}

#[test]
fn at_the_least_score_a_peer_is_banned() {
    let mut gossip = met(&[ALICE]);
    let effects = step(&mut gossip, Input::Score(ALICE, Points::INVALID));
    let why = Why::Score { score: -100 };
    assert!(effects.contains(&Effect::Disconnect { peer: ALICE, why, ban_ms: Some(BAN_MS) }));
    assert!(step(&mut gossip, Input::Wrong(ALICE)).is_empty());
}

#[test]
fn scores_decay_by_half_each_hour_and_never_leave_their_bounds() {
    let mut gossip = met(&[ALICE]);
    let _ = step(&mut gossip, Input::Score(ALICE, Points(-80)));
    let start = START.0 + 1_000_000_000;
    for (hours, points) in [(1, -40), (2, -20), (5, -2)] {
        let _ = step(&mut gossip, Input::Tick(TimeMs(start + hours * HALVE_MS)));
        assert_eq!(gossip.score_of(ALICE), Some(Points(points)));
    }
    for _ in 0..9 {
        let _ = step(&mut gossip, Input::Score(ALICE, Points(100)));
    }
    assert_eq!(gossip.score_of(ALICE), Some(Points(20)));
}

#[test]
fn silence_costs_five_points_once_and_a_late_answer_nothing() {
    let mut gossip = met(&[ALICE, BOB]);
    let hashes: Vec<Hash> = (1..4).map(|n| Hash([n; 32])).collect();
    for hash in &hashes {
        assert_eq!(sends(&step(&mut gossip, Input::FetchBlock(ALICE, *hash))), [(ALICE, 6)]);
    }
    let effects = step(&mut gossip, Input::Tick(TimeMs(START.0 + 1_000_000_000 + ANSWER_MS)));
    assert_eq!(gossip.score_of(ALICE), Some(Points(-5)));
    let elsewhere = sends(&effects).into_iter().filter(|sent| *sent == (BOB, 6)).count();
    assert_eq!(elsewhere, hashes.len());
    let _ = step(&mut gossip, say(ALICE, Message::Missing(hashes[0])));
    assert_eq!(gossip.score_of(ALICE), Some(Points(-5)));
}

#[test]
fn a_peer_without_hello_is_nobody_and_goes_after_a_while() {
    let mut gossip = met(&[]);
    let _ = step(&mut gossip, Input::Connected { peer: ALICE, outbound: false, score: Points(0) });
    assert!(sends(&step(&mut gossip, say(ALICE, Message::GetPeers))).is_empty());
    let effects = step(&mut gossip, Input::Tick(TimeMs(START.0 + 1_000_000_000 + ANSWER_MS)));
    let why = Why::Silent { max_ms: ANSWER_MS };
    assert!(effects.contains(&Effect::Disconnect { peer: ALICE, why, ban_ms: None }));
}

#[test]
fn there_are_no_more_peers_than_allowed() {
    let mut gossip = met(&(0..16).map(Peer).collect::<Vec<_>>());
    let effects = step(&mut gossip, Input::Connected { peer: Peer(99), outbound: false, score: Points(0) });
    assert_eq!(effects[0], Effect::Disconnect { peer: Peer(99), why: Why::Full { max: 16 }, ban_ms: None });
}

#[test]
fn a_word_goes_to_whom_it_is_said_and_to_nobody_twice() {
    let seal = Seal {
        era: Era(0),
        round: Round(1),
        height: Height(1),
        hash: Hash([1; 32]),
        bitmap: Bytes(vec![0x80]),
        signatures: vec![Signature([1; 64])],
    };
    let word = || Word::Seal(Box::new(seal.clone()));
    let rows = [(To::All, vec![ALICE, BOB]), (To::Except(ALICE), vec![BOB]), (To::One(ALICE), vec![ALICE])];
    for (to, peers) in rows {
        let mut gossip = met(&[ALICE, BOB]);
        let expected: Vec<_> = peers.iter().map(|peer| (*peer, 14)).collect();
        assert_eq!(sends(&step(&mut gossip, Input::Say { word: word(), to })), expected);
        assert_eq!(sends(&step(&mut gossip, Input::Say { word: word(), to })), []);
    }
    let mut gossip = met(&[ALICE, BOB]);
    let heard = step(&mut gossip, say(ALICE, Message::Seal(Box::new(seal.clone()))));
    assert!(heard.contains(&Effect::Word(ALICE, word())));
    assert_eq!(sends(&step(&mut gossip, Input::Say { word: word(), to: To::All })), [(BOB, 14)]);
}
