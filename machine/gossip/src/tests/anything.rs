//! Whatever is told, in whatever order: nothing panics and nothing grows past its limit.

use alloc::boxed::Box;

use banyan_types::{Hash, Peer, Points, TimeMs};
use proptest::{prelude::*, sample::Index};

use super::world::*;
use crate::{
    Input, Message,
    limits::{IN_FLIGHT_MAX, KNOWN_MAX, LIGHTS_MAX},
    message::{GetGeneration, GetHeaders, GetTxs, Limited, Txs},
};

fn speech(blocks: &[Made], at: Index, kind: u8, number: u8) -> Message {
    let made = &blocks[at.index(blocks.len())];
    let hash = made.hash();
    match kind {
        0 => Message::Status(status(made, u128::from(number) << (number % 100))),
        1 => Message::GetHeaders(GetHeaders { locator: Limited::first_of([hash]), max: u32::from(number) }),
        2 => {
            let key = |made: &Made| match &made.header {
                banyan_root::Header::Key(header) => Some((**header).clone()),
                banyan_root::Header::Micro(_) => None,
            };
            Message::Headers(blocks.iter().filter_map(key).skip(usize::from(number % 3)).collect())
        }
        3 => Message::GetGeneration(GetGeneration { key_hash: hash, last: None, from: u32::from(number % 3) }),
        4 => Message::GetBlock(hash),
        5 => Message::Block(made.bytes()),
        6 => match made.header.clone() {
            banyan_root::Header::Micro(header) => Message::Light(header, Limited::first_of(made.txs.clone())),
            banyan_root::Header::Key(_) => Message::GetPeers,
        },
        7 => Message::GetTxs(GetTxs { id: u64::from(number), hashes: Limited::first_of(made.txs.clone()) }),
        8 => Message::Txs(Txs { id: u64::from(number % 8), txs: Limited::first_of([tx(u32::from(number)).1]) }),
        9 => Message::NewTxs(Limited::first_of([tx(u32::from(number)).0])),
        10 => Message::Missing(hash),
        _ => Message::Peers(Limited::first_of([])),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn no_speech_makes_the_machine_panic_or_grow(
        moves in proptest::collection::vec((0u64..3, 0u8..16, any::<Index>(), any::<u8>()), 1..200)
    ) {
        let blocks = chain(&root(), 1, 12, 1);
        let mut node = Node::with(1, &blocks[..4]);
        let mut now = START.0 + 1_000_000_000;
        for (number, (peer, kind, at, extra)) in moves.into_iter().enumerate() {
            let from = Peer(peer);
            match kind {
                12 => node.tell(Input::Connected { peer: from, outbound: true, score: Points(0) }),
                13 => node.tell(Input::Gone(from)),
                14 => {
                    now += u64::from(extra) * 100;
                    node.tell(Input::Tick(TimeMs(now)));
                }
                15 => node.tell(Input::FetchBlock(from, Hash([extra; 32]))),
                kind => {
                    if number % 5 == 0 {
                        node.tell(Input::Connected { peer: from, outbound: true, score: Points(0) });
                        let mut other = Node::with(9, &blocks);
                        other.tell(Input::Connected { peer: from, outbound: true, score: Points(0) });
                        let hello = other.out.pop_front().unwrap().1;
                        node.tell(Input::Message { from, message: Box::new(hello), bytes: 200 });
                    }
                    let message = Box::new(speech(&blocks, at, kind, extra));
                    node.tell(Input::Message { from, message, bytes: 100 });
                }
            }
            let gossip = &node.gossip;
            prop_assert!(gossip.lights.len() <= LIGHTS_MAX && gossip.looks.is_empty());
            prop_assert!(gossip.sync.plan.as_ref().is_none_or(|plan| plan.slots() <= IN_FLIGHT_MAX));
            prop_assert!(gossip.peers.values().all(|state| state.known.len() <= KNOWN_MAX));
            for peer in gossip.peers.keys() {
                let Points(score) = gossip.score_of(*peer).unwrap();
                prop_assert!((-100..=20).contains(&score));
            }
        }
    }
}
