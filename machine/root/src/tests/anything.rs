//! Whatever is told, in whatever order, by shells and peers alike: nothing panics, nothing grows past its limit, and
//! no index is signed twice.

use alloc::{boxed::Box, collections::BTreeMap, vec, vec::Vec};

use banyan_types::{Hash, Height, Signature, TimeMs};
use proptest::{prelude::*, sample::Index, test_runner::TestRunner};

use super::{lead::draft, world::*};
use crate::{
    Effect, Header, Input, Machine, NotApplied, Peer, RootParams, Seq, TemplateId, tree::HEADERS_MAX,
    waiting::WAITING_PER_PEER_MAX,
};

/// A small forest with one block of everything: branches, micro forks, bad blocks.
fn blocks() -> Vec<Header> {
    let mut blocks = vec![root()];
    for salt in 1..24 {
        let prev = blocks[usize::from(salt * 7) % blocks.len()].clone();
        let is_key = salt % 3 != 0 || prev == root();
        blocks.push(if is_key { key(&prev, salt) } else { micro(&prev, salt) });
    }
    let mut bad = micro_draft(&blocks[1], 99);
    bad.signature = Signature([1; 64]);
    blocks.push(Header::Micro(Box::new(bad)));
    blocks
}

/// An input, in terms of what the machine said last.
#[derive(Clone, Copy, Debug)]
enum Move {
    Tick(u64),
    Block(Index, u64),
    Gone(u64),
    Applied(Option<Index>, Result<(), NotApplied>),
    Final(Index, u64),
    Witnessed(Index),
    Locked(Index),
    Reseal,
    Templated(bool),
    Solved(bool),
    Pool(bool),
    Built(bool, Option<u8>),
    Signed(bool),
    Persisted(bool),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    // No store error among them: after one nothing else would be seen.
    let answer = prop_oneof![9 => Just(Ok(())), 1 => Just(Err(NotApplied::Invalid))];
    let one = prop_oneof![
        4 => (0u64..2_000).prop_map(Move::Tick),
        8 => (any::<Index>(), 0u64..3).prop_map(|(block, peer)| Move::Block(block, peer)),
        1 => (0u64..3).prop_map(Move::Gone),
        12 => (prop::option::weighted(0.05, any::<Index>()), answer).prop_map(|(of, answer)| Move::Applied(of, answer)),
        1 => (any::<Index>(), 0u64..6).prop_map(|(block, height)| Move::Final(block, height)),
        1 => any::<Index>().prop_map(Move::Witnessed),
        2 => any::<Index>().prop_map(Move::Locked),
        1 => Just(Move::Reseal),
        2 => prop::bool::weighted(0.9).prop_map(Move::Templated),
        1 => any::<bool>().prop_map(Move::Solved),
        3 => prop::bool::weighted(0.8).prop_map(Move::Pool),
        3 => (prop::bool::weighted(0.9), prop::option::weighted(0.9, any::<u8>()))
            .prop_map(|(asked, salt)| Move::Built(asked, salt)),
        3 => prop::bool::weighted(0.9).prop_map(Move::Signed),
        3 => prop::bool::weighted(0.9).prop_map(Move::Persisted),
    ];
    prop::collection::vec(one, 1..200)
}

/// What a shell would know.
#[derive(Default)]
struct Shell {
    now: u64,
    applying: Option<Hash>,
    template: TemplateId,
    building: Option<Hash>,
    seq: Seq,
    signing: Option<Box<banyan_types::header::MicroHeader>>,
    signed: BTreeMap<(Hash, u32), Signature>,
}

impl Shell {
    fn input(&mut self, one: Move, blocks: &[Header]) -> Input {
        let stranger = Hash([0xdd; 32]);
        match one {
            Move::Tick(more) => {
                self.now += more;
                Input::Tick(TimeMs(self.now))
            }
            Move::Block(which, peer) => {
                let from = (peer > 0).then_some(Peer(peer));
                Input::Block { from, block: block(which.get(blocks)) }
            }
            Move::Gone(peer) => Input::Gone(Peer(peer)),
            Move::Applied(None, answer) => Input::Applied(self.applying.unwrap_or(stranger), answer),
            Move::Applied(Some(which), answer) => Input::Applied(which.get(blocks).hash(), answer),
            Move::Final(which, height) => Input::Final { hash: which.get(blocks).hash(), height: Height(height) },
            Move::Witnessed(which) => Input::Witnessed(which.get(blocks).hash()),
            Move::Locked(which) => Input::Locked { micro: which.get(blocks).hash() },
            Move::Reseal => Input::Reseal,
            Move::Templated(asked) => {
                let id = if asked { self.template } else { TemplateId(9) };
                Input::Templated(id, stranger, stranger)
            }
            Move::Solved(asked) => {
                let template = if asked { self.template } else { TemplateId(9) };
                Input::Solved { template, nonce: 1, pow: Box::new([3; 42]) }
            }
            Move::Pool(true) => Input::PoolReady,
            Move::Pool(false) => Input::PoolEmpty,
            Move::Built(asked, salt) => {
                let on = self.building.filter(|_| asked).unwrap_or(stranger);
                Input::Built(on, salt.map(draft))
            }
            Move::Signed(agrees) => {
                let header = self.signing.take().filter(|_| agrees);
                Input::Signed(header.map(|header| signed(*header, LEADER).signature))
            }
            Move::Persisted(asked) => Input::Persisted(if asked { self.seq } else { Seq(77) }),
        }
    }

    fn hear(&mut self, effect: Effect) {
        match effect {
            Effect::Apply(hash) => self.applying = Some(hash),
            Effect::Template(id, _) => self.template = id,
            Effect::Build { on, .. } => self.building = Some(on),
            Effect::SignMicro(header) => self.signing = Some(header),
            Effect::Persist(seq, crate::Record::Signed(header)) => {
                self.seq = seq;
                let slot = (header.prev_key_hash, header.index);
                assert_eq!(self.signed.insert(slot, header.signature), None, "one signature for each index");
            }
            _ => {}
        }
    }
}

#[test]
fn no_sequence_of_inputs_panics_breaks_a_limit_or_signs_an_index_twice() {
    let blocks = blocks();
    let (params, miner) = (RootParams { paced: false, ..params() }, Some(miner(LEADER)));
    let play = |moves: Vec<Move>| {
        let mut machine = Machine::new(params.clone(), miner, genesis());
        let mut shell = Shell { now: GENESIS_TIME.0, ..Shell::default() };
        for one in moves {
            let mut effects = Vec::new();
            if machine.step(shell.input(one, &blocks), &mut effects).is_err() {
                break;
            }
            for effect in effects {
                shell.hear(effect);
            }
            prop_assert!(machine.tree.len() <= HEADERS_MAX);
            machine.tree.check();
            prop_assert!(machine.waiting().len() <= 3 * WAITING_PER_PEER_MAX);
            prop_assert!(machine.tip().height >= machine.parent_tip().unwrap().height);
        }
        Ok(())
    };
    TestRunner::default().run(&moves(), play).unwrap();
}
