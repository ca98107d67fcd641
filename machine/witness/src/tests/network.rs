//! Whole networks under random schedules: messages late, twice, lost; power cuts; partitions; liars below a third.

use alloc::{vec, vec::Vec};

use banyan_types::{
    Round, TimeMs,
    witness::{Source, Vote, VoteKind},
};
use proptest::prelude::*;

use super::world::*;
use crate::{Input, KeyRef, Message, Peer, To, Want, evidence::convicts};

/// Heights per era here: short, so that boundaries are crossed all the time.
const ERA: u64 = 4;

/// Numbers from a seed: what the network does next.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.roll(of.len() as u64)).unwrap()]
    }
}

/// A message under way.
struct Parcel {
    from: Peer,
    to: usize,
    message: Message,
}

/// Nodes 0.. are witnesses; the last `liars` of them have no machine, the world votes for them.
struct World {
    dice: Dice,
    now: u64,
    blocks: Vec<KeyRef>,
    tip: KeyRef,
    nodes: Vec<Node>,
    members: u16,
    liars: u16,
    parcels: Vec<Parcel>,
    /// Messages in a hundred that are lost, or come twice.
    loss: u64,
    /// Nodes below this number hear only each other, if there is one.
    split: Option<usize>,
}

impl World {
    fn new(seed: u64, members: u16, liars: u16) -> Self {
        let mut nodes: Vec<_> = (0..members - liars).map(|place| Node::new(place, members, ERA, None)).collect();
        // One node that is no witness, to learn what is final.
        nodes.push(Node::new(members, members, ERA, None));
        let mut world = Self {
            dice: Dice(seed),
            now: 1_000,
            blocks: vec![],
            tip: genesis(),
            nodes,
            members,
            liars,
            parcels: vec![],
            loss: 20,
            split: None,
        };
        world.connect();
        world
    }

    fn connect(&mut self) {
        for node in 0..self.nodes.len() {
            for peer in (0..self.nodes.len()).filter(|peer| *peer != node) {
                let peer = self.nodes[peer].peer();
                self.tell(node, Input::Connected(peer));
            }
        }
    }

    fn index(&self, peer: Peer) -> Option<usize> {
        self.nodes.iter().position(|node| node.peer() == peer)
    }

    fn tell(&mut self, node: usize, input: Input) {
        self.nodes[node].tell(Input::Tick(TimeMs(self.now)));
        self.nodes[node].tell(input);
        self.collect(node);
        self.check();
    }

    fn collect(&mut self, node: usize) {
        let from = self.nodes[node].peer();
        for (to, message) in core::mem::take(&mut self.nodes[node].outbox) {
            let all = (0..self.nodes.len()).filter(|other| *other != node);
            let to: Vec<_> = match to {
                To::All => all.collect(),
                To::Except(peer) => all.filter(|other| self.nodes[*other].peer() != peer).collect(),
                To::One(peer) => self.index(peer).into_iter().collect(),
            };
            self.parcels.extend(to.into_iter().map(|to| Parcel { from, to, message: message.clone() }));
        }
        // What a peer has on disk it answers with.
        for (peer, want) in core::mem::take(&mut self.nodes[node].fetches) {
            let Some(asked) = self.index(peer) else { continue };
            let disk = &self.nodes[asked].disk;
            let found = match want {
                Want::Justification(_, source) => {
                    let found = disk.justifications.iter().find(|held| held.source() == source);
                    found.map(|found| Message::Justification(found.clone().into()))
                }
                Want::Boundary(era) => {
                    let last = (u64::from(era.0) + 1) * ERA - 1;
                    let found = disk.finals.iter().find(|held| held.height.0 == last);
                    found.map(|found| Message::Seal(found.clone().into()))
                }
            };
            self.parcels.extend(found.map(|message| Parcel { from: peer, to: node, message }));
        }
    }

    /// What must hold after every step.
    fn check(&self) {
        let finals: Vec<_> = self.nodes.iter().flat_map(|node| &node.finals).collect();
        let best = finals.iter().max_by_key(|seal| seal.height);
        for seal in &finals {
            assert!(descends(&self.blocks, best.unwrap().hash, seal.hash), "two finals conflict");
            assert_eq!(seal.era, params(ERA).era_of(seal.height), "sealed by another era's set");
        }
        for node in &self.nodes {
            assert_eq!(node.alarms, 0);
            assert!(node.accused.iter().all(|proof| proof.first.by >= self.members - self.liars), "honest accused");
            for (at, vote) in node.sent.iter().enumerate() {
                let before = &node.sent[..at];
                assert!(before.iter().all(|old| !convicts(&old.statement, &vote.statement)), "honest is guilty");
            }
        }
    }

    fn mine(&mut self, on: KeyRef) {
        let n = u8::try_from(self.blocks.len() + 1).unwrap();
        let block = KeyRef { hash: hash(n), height: on.height.next().unwrap(), prev_key: on.hash, work: on.work + 1 };
        self.blocks.push(block);
        if block.work > self.tip.work {
            self.tip = block;
        }
    }

    /// Give a node the headers that it lacks, and the fork choice's tip as far as it follows what is final there.
    fn sync(&mut self, node: usize) {
        for block in self.blocks.clone() {
            self.tell(node, Input::Header(block));
        }
        let last = self.nodes[node].machine.last_final();
        let above = self.blocks.iter().filter(|block| descends(&self.blocks, block.hash, last.hash));
        let best = above.copied().reduce(|best, block| if block.work > best.work { block } else { best });
        let tip = best.unwrap_or(last).hash;
        let era = self.nodes[node].machine.era().0;
        for era in era..era + 3 {
            self.tell(node, Input::Set(set(era, self.members)));
        }
        self.tell(node, Input::Tip(tip));
    }

    fn deliver(&mut self, at: usize) {
        let lost = self.dice.roll(100) < self.loss;
        let twice = self.dice.roll(100) < self.loss;
        let Parcel { from, to, message } = &self.parcels[at];
        let (from, to, message) = (*from, *to, message.clone());
        if !twice {
            self.parcels.swap_remove(at);
        }
        let side = |node: usize| self.split.is_some_and(|split| node < split);
        let apart = self.index(from).is_some_and(|from| self.split.is_some() && side(from) != side(to));
        if !lost && !apart {
            self.tell(to, input(from, message));
        }
    }

    /// A liar says something to one node.
    fn lie(&mut self) {
        if self.liars == 0 || self.blocks.is_empty() {
            return;
        }
        let by = self.members - 1 - u16::try_from(self.dice.roll(u64::from(self.liars))).unwrap();
        let block = self.dice.pick(&self.blocks.clone());
        let round = 1 + u32::try_from(self.dice.roll(4)).unwrap();
        let kind = self.dice.pick(&[VoteKind::Prevote, VoteKind::Precommit]);
        let from = match (kind, self.dice.roll(2)) {
            (VoteKind::Prevote, 0) => source(0, genesis()),
            (VoteKind::Prevote, _) => {
                Source { round: Round(round - 1), hash: self.dice.pick(&self.blocks.clone()).hash }
            }
            _ => Source::NONE,
        };
        let era = params(ERA).era_of(block.height).0;
        let vote = Vote { statement: statement(kind, era, round, block, from), by, signature: forged(by) };
        let to = usize::try_from(self.dice.roll(self.nodes.len() as u64)).unwrap();
        self.tell(to, Input::Vote { from: Some(Peer(u64::from(by))), vote });
    }

    fn crash(&mut self) {
        let node = usize::try_from(self.dice.roll(self.nodes.len() as u64)).unwrap();
        let (blocks, last) = (self.blocks.clone(), self.nodes[node].disk.seal.clone());
        let tip = last.map_or(genesis().hash, |seal| seal.hash);
        self.nodes[node].crash(&blocks, tip, TimeMs(self.now));
        for peer in (0..self.nodes.len()).filter(|peer| *peer != node) {
            let (peer, me) = (self.nodes[peer].peer(), self.nodes[node].peer());
            self.tell(node, Input::Connected(peer));
            let peer = self.index(peer).unwrap();
            self.tell(peer, Input::Connected(me));
        }
    }

    fn act(&mut self) {
        match self.dice.roll(100) {
            0..70 if !self.parcels.is_empty() => {
                let at = usize::try_from(self.dice.roll(self.parcels.len() as u64)).unwrap();
                self.deliver(at);
            }
            0..80 => self.pass(20),
            80..84 => self.lie(),
            84..88 => {
                let node = usize::try_from(self.dice.roll(self.nodes.len() as u64)).unwrap();
                self.sync(node);
            }
            88..90 => self.crash(),
            90..92 => {
                let node = usize::try_from(self.dice.roll(self.nodes.len() as u64)).unwrap();
                self.nodes[node].flushes = !self.nodes[node].flushes;
            }
            92..98 => {
                let node = usize::try_from(self.dice.roll(self.nodes.len() as u64)).unwrap();
                self.nodes[node].flush();
                self.collect(node);
            }
            _ if self.blocks.len() < 14 => {
                let fork = self.dice.roll(4) == 0;
                let prev = if fork { find(&self.blocks, self.tip.prev_key) } else { self.tip };
                let final_height = self.nodes.iter().map(|node| node.machine.last_final().height).max().unwrap();
                let prev = if prev.height < final_height { self.tip } else { prev };
                self.mine(prev);
            }
            _ => self.pass(50),
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now += ms;
        for node in 0..self.nodes.len() {
            self.tell(node, Input::Tick(TimeMs(self.now)));
        }
    }

    /// The network is whole, disks write, one block breaks every tie; deliver everything for a while.
    fn heal(&mut self) {
        (self.loss, self.split) = (0, None);
        for node in 0..self.nodes.len() {
            self.nodes[node].flushes = true;
            while !self.nodes[node].unflushed.is_empty() {
                self.nodes[node].flush();
            }
            self.collect(node);
        }
        let top = self.nodes.iter().map(|node| node.machine.last_final()).max_by_key(|key| key.height).unwrap();
        let above = self.blocks.iter().filter(|block| descends(&self.blocks, block.hash, top.hash));
        let best = above.copied().reduce(|best, block| if block.work > best.work { block } else { best });
        self.mine(best.unwrap_or(top));
        self.connect();
    }

    /// Whether all come to have the tip as final, within a number of turns.
    fn settles(&mut self, turns: usize) -> bool {
        let goal = self.blocks.last().unwrap().hash;
        for _ in 0..turns {
            (0..self.nodes.len()).for_each(|node| self.sync(node));
            let mut budget = 5_000;
            while !self.parcels.is_empty() && budget > 0 {
                self.deliver(0);
                budget -= 1;
            }
            assert!(budget > 0, "the network never falls quiet");
            if self.nodes.iter().all(|node| node.machine.last_final().hash == goal) {
                return true;
            }
            self.pass(60);
        }
        false
    }

    fn print(&self) -> alloc::string::String {
        use core::fmt::Write as _;
        let mut out = alloc::string::String::new();
        for node in &self.nodes {
            let machine = &node.machine;
            let (last, tip) = (machine.last_final().hash.0[0], machine.tip.0[0]);
            let (era, round, stage) = (machine.era().0, machine.round().0, machine.stage);
            let source = machine.justified.keys().next_back().map(|source| (source.round.0, source.hash.0[0]));
            let _ = writeln!(
                out,
                "{}: final {last} tip {tip} era {era} round {round} {stage:?} source {source:?}",
                node.place
            );
        }
        for block in &self.blocks {
            let _ = writeln!(out, "block {} on {} height {}", block.hash.0[0], block.prev_key.0[0], block.height);
        }
        out
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn finality_resumes_after_any_partition(seed: u64, members in 4u16..8, lying: bool) {
        let liars = if lying { (members - 1) / 3 } else { 0 };
        let mut world = World::new(seed, members, liars);
        for turn in 0..600 {
            if turn % 100 == 0 {
                world.split = (world.dice.roll(2) == 0).then(|| usize::from(members) / 2);
            }
            world.act();
        }
        world.heal();
        prop_assert!(world.settles(120), "seed {seed}\n{}", world.print());
    }

    #[test]
    fn both_sides_of_a_partition_never_finalise(seed: u64, members in 4u16..8) {
        let mut world = World::new(seed, members, 0);
        let half = usize::from(members) / 2;
        world.split = Some(half);
        for _ in 0..400 {
            world.act();
        }
        let has_finals = |nodes: &[Node]| nodes.iter().any(|node| !node.finals.is_empty());
        prop_assert!(!(has_finals(&world.nodes[..half]) && has_finals(&world.nodes[half..])));
    }
}

#[test]
fn honest_votes_are_never_evidence() {
    // With nobody lying, nobody is accused: the world checks it after each step.
    for seed in 0..40 {
        let mut world = World::new(seed, 4, 0);
        (0..800).for_each(|_| world.act());
        assert!(world.nodes.iter().all(|node| node.accused.is_empty()));
    }
}

#[test]
fn a_quiet_network_finalises_each_block_in_one_round() {
    let mut world = World::new(1, 7, 0);
    world.loss = 0;
    for height in 1..=12 {
        let tip = world.tip;
        world.mine(tip);
        assert!(world.settles(5), "{}", world.print());
        let seal = world.nodes[0].finals.last().unwrap();
        // Rounds begin anew in each era; height 0 is the genesis, so the first era has one round less.
        let round = if height < ERA { height } else { height % ERA + 1 };
        assert_eq!((seal.height.0, u64::from(seal.round.0)), (height, round));
    }
}
