//! Whatever comes, in whatever order: the machine neither stops nor contradicts itself.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

use banyan_ledger::engine::{Turn, View, committee::Committee, next_header};
use banyan_types::{
    Hash, Height, Signature, TimeMs,
    committee::{Certificate, SignedStatement, Slot, Statement, StatementKind},
    header::ChildHeader,
};
use proptest::prelude::*;

use super::world::*;
use crate::*;

/// One act of a world that wishes no good. Numbers choose among few things, so that acts meet.
#[derive(Clone, Debug)]
enum Act {
    Vote { by: usize, precommit: bool, above: u64, view: u32, block: u8 },
    Propose { view: u32, block: u8, valid_view: Option<u32> },
    Polka { view: u32, block: u8, by: Vec<usize> },
    View { closed: bool, view: u32, by: Vec<(usize, bool, u8)> },
    Answer { good: bool },
    Persisted,
    Pass(u64),
    Parent(u64),
    Ready,
    Built,
}

fn act() -> impl Strategy<Value = Act> {
    let (view, block) = (0u32..13, 0u8..4);
    let by = proptest::collection::vec(1usize..4, 0..5);
    let votes = proptest::collection::vec((1usize..4, any::<bool>(), 0u8..4), 0..6);
    prop_oneof![
        6 => (1usize..4, any::<bool>(), 0u64..4, view.clone(), block.clone())
            .prop_map(|(by, precommit, above, view, block)| Act::Vote { by, precommit, above, view, block }),
        4 => (view.clone(), 1u8..4, proptest::option::of(0u32..12))
            .prop_map(|(view, block, valid_view)| Act::Propose { view, block, valid_view }),
        2 => (view.clone(), block, by).prop_map(|(view, block, by)| Act::Polka { view, block, by }),
        2 => (any::<bool>(), view, votes).prop_map(|(closed, view, by)| Act::View { closed, view, by }),
        3 => any::<bool>().prop_map(|good| Act::Answer { good }),
        3 => Just(Act::Persisted),
        3 => (1u64..2_000).prop_map(Act::Pass),
        1 => (1u64..9).prop_map(Act::Parent),
        1 => Just(Act::Ready),
        2 => Just(Act::Built),
    ]
}

struct Scene {
    machine: Machine,
    epoch: Epoch,
    now: u64,
    /// Blocks that have been asked for.
    asked: Vec<Hash>,
    built: Vec<Height>,
    seq: Option<Seq>,
    committing: Option<Decided>,
    seal: Option<Certificate>,
    committed: u64,
    said: BTreeMap<Slot, Statement>,
}

impl Scene {
    fn new() -> Self {
        let epoch = epoch(4, 1);
        let mut effects = Vec::new();
        let saved = Saved::genesis(genesis(&epoch), epoch.clone());
        let machine = Machine::resume(params(), key(0), saved, &mut effects).unwrap();
        let (asked, built, said) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { machine, epoch, now: START, asked, built, seq: None, committing: None, seal: None, committed: 0, said }
    }

    /// A block of the leader of a view: good by its header.
    fn block(&self, view: u32, block: u8) -> (usize, ChildHeader) {
        let prev = self.machine.tip();
        let height = Height(prev.height.0 + 1);
        let leader = (0..4).find(|n| public(*n) == self.epoch.leader(height, view)).unwrap();
        let rules = Committee { network_id: NETWORK, epoch: &self.epoch };
        let named = parent(prev.parent_height.0.max(1));
        let prev_seal_hash = self.seal.as_ref().map_or(Hash::ZERO, Certificate::hash);
        let (version, associate) = (params().version, params().associate);
        let chain = View { version, associate, prev, prev_seal_hash, parent: Some(named) };
        let turn = Turn { leader: public(leader), view, now: TimeMs(0) };
        let header = next_header(&rules, &chain, &named, turn);
        (leader, ChildHeader { state_root: Hash([block; 32]), ..header })
    }

    fn statement(&self, kind: StatementKind, above: u64, view: u32, block: u8) -> Statement {
        let height = Height(self.machine.tip().height.0 + 1 + above);
        let block_hash = if block == 0 { Hash::ZERO } else { self.block(view.min(2), block).1.hash() };
        Statement { kind, height, view, block_hash, valid_view: None }
    }

    fn input(&mut self, act: &Act) -> Option<Input> {
        let heard = |message| Some(Input::Heard(Peer(1), message));
        let kind = |precommit| if precommit { StatementKind::Precommit } else { StatementKind::Prevote };
        match act {
            Act::Vote { by, precommit, above, view, block } => {
                heard(Message::Vote(sign(*by, self.statement(kind(*precommit), *above, *view, *block))))
            }
            Act::Propose { view, block, valid_view } => {
                let (_, header) = self.block(valid_view.map_or(*view, |valid| valid.min(2)), *block);
                let (leader, _) = self.block(*view, *block);
                let (height, block_hash) = (header.height, header.hash());
                let kind = StatementKind::Proposal;
                let statement = Statement { kind, height, view: *view, block_hash, valid_view: *valid_view };
                let signed = sign(leader, statement);
                // Node 0's own key signs nothing here.
                if leader == 0 {
                    None
                } else {
                    heard(Message::Proposal(Box::new(Proposed { signed, header, prev_seal: None })))
                }
            }
            Act::Polka { view, block, by } => {
                let statement = self.statement(StatementKind::Prevote, 0, *view, *block);
                heard(Message::Polka(by.iter().map(|by| sign(*by, statement)).collect()))
            }
            Act::View { closed, view, by } => {
                let vote = |(by, precommit, block): &(usize, bool, u8)| {
                    sign(*by, self.statement(kind(*precommit), 0, *view, *block))
                };
                heard(Message::View { closed: *closed, votes: by.iter().map(vote).collect() })
            }
            Act::Answer { good } => {
                let verdict = if *good { Verdict::Good { settled: 0 } } else { Verdict::Bad };
                self.asked.pop().map(|hash| Input::Verified(hash, verdict))
            }
            Act::Persisted => self.seq.take().map(Input::Persisted),
            Act::Pass(millis) => {
                self.now += millis;
                Some(Input::Tick(TimeMs(self.now)))
            }
            Act::Parent(height) => Some(Input::ParentTip(parent(*height))),
            Act::Ready => Some(Input::PoolReady),
            Act::Built => self.built.pop().map(|height| {
                let root = Hash([7; 32]);
                let (txs_root, receipts_root, state_root) = (root, root, root);
                Input::Built(Draft { height, txs_root, receipts_root, outbox_to: 0, state_root, txs: 0, settled: 0 })
            }),
        }
    }

    fn tell(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.machine.step(input, &mut effects).expect("no peer stops a node");
        for effect in effects {
            match effect {
                Effect::Verify(header, _) => self.asked.push(header.hash()),
                Effect::Build(header, _) => self.built.push(header.height),
                Effect::Persist(seq, _) => self.seq = Some(seq),
                Effect::Commit(decided) => {
                    assert_eq!(self.committing, None, "two blocks of one height");
                    self.committing = Some(*decided);
                }
                Effect::Send(_, Message::Vote(vote)) if vote.by == public(0) => {
                    let first = self.said.entry(vote.statement.slot()).or_insert(vote.statement);
                    assert_eq!(*first, vote.statement, "said two things");
                }
                _ => {}
            }
        }
    }
}

fn sign(n: usize, statement: Statement) -> SignedStatement {
    let signature = Signature(key(n).sign(&statement.signing_message(NETWORK)));
    SignedStatement { statement, by: public(n), signature }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn nothing_that_peers_say_stops_a_validator_or_makes_it_contradict_itself(
        acts in proptest::collection::vec(act(), 1..120),
    ) {
        let mut scene = Scene::new();
        scene.tell(Input::Tick(TimeMs(START)));
        scene.tell(Input::ParentTip(parent(1)));
        for act in &acts {
            if let Some(input) = scene.input(act) {
                scene.tell(input);
            }
            if let Some(Decided { block, certificate }) = scene.committing.take() {
                scene.seal = Some(certificate);
                scene.committed += 1;
                scene.tell(Input::Committed { height: block.header.height, next: None });
            }
        }
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = (Message::decode(&bytes), Record::decode(&bytes));
    }
}

#[test]
fn the_acts_reach_decisions() {
    let mut scene = Scene::new();
    scene.tell(Input::Tick(TimeMs(START)));
    scene.tell(Input::ParentTip(parent(1)));
    scene.tell(Input::Tick(TimeMs(START + 300)));
    let view = (0..4).find(|view| scene.block(*view, 1).0 != 0).unwrap();
    let vote = |by, precommit| Act::Vote { by, precommit, above: 0, view, block: 1 };
    let acts = [
        Act::Propose { view, block: 1, valid_view: None },
        Act::Answer { good: true },
        vote(1, false),
        vote(2, false),
        vote(3, false),
        vote(1, true),
        vote(2, true),
        vote(3, true),
    ];
    for act in &acts {
        if let Some(input) = scene.input(act) {
            scene.tell(input);
        }
    }
    assert!(scene.committing.is_some());
}
