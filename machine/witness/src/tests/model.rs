//! Model check: every schedule of a few witnesses, up to a bound, over the machine's own `step`.
//!
//! A state is one local state per honest witness: the machine, its disk, what it has sent. A message that was sent may
//! arrive at any time, any number of times, or never, so the network needs no state. Liars have no machine: they may tell
//! any witness any vote at any time, but one per slot, as a second one would only give them away. Local states are
//! interned and local steps remembered, so that a global step is a look-up.
//!
//! The bound: trees of up to five key blocks, three rounds, one crash each; all schedules to the depth that each test names
//! (4 to 7 steps, where a step may bring all that one witness has said). `MODEL_DEEPER=1` at build time adds a step.

extern crate std;

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec,
    vec::Vec,
};

use banyan_types::{
    TimeMs,
    witness::{Justification, Seal, Vote},
};

use super::world::*;
use crate::{Input, KeyRef, Standing, evidence::convicts, mutant::Mutant};

/// What is explored.
struct Model {
    members: u16,
    liars: u16,
    era_len: u64,
    rounds: u32,
    blocks: Vec<KeyRef>,
    /// The fork choice of each honest witness, by block number.
    tips: Vec<u8>,
    /// Whether the disk lags, and power may be cut once.
    crashes: bool,
    mutant: Option<Mutant>,
    /// Whether what one witness says arrives in order, though at any time; else each message comes alone.
    in_order: bool,
    /// Steps from the start, at most.
    depth_max: usize,
}

/// A witness and what happened around it.
#[derive(Clone)]
struct Local {
    node: Node,
    crashed: bool,
    /// Numbers of what it has said, and of all that together.
    votes: Vec<u32>,
    justifications: Vec<u32>,
    bundle: u32,
    /// Numbers of the lies that it may be told next.
    lies: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Move {
    Tick,
    Flush,
    Crash,
    /// Votes are named by their number.
    Vote(u32),
    /// All liars say the same.
    Lie(u32),
    Justification(u32),
    /// All that another witness has said so far.
    Bundle(u32),
}

/// What went wrong.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Fault {
    ConflictingFinals,
    HonestGuilt,
    NotDurable,
    WrongEra,
    FewCulprits,
}

#[derive(Default)]
struct Found {
    states: usize,
    depth: usize,
    finals: usize,
    conflicts: usize,
}

struct Search {
    model: Model,
    locals: Vec<Local>,
    index: BTreeMap<u128, u32>,
    moved: BTreeMap<(u32, Move), u32>,
    votes: Vec<Vote>,
    justifications: Vec<Justification>,
    bundles: Vec<(Vec<u32>, Vec<u32>)>,
}

impl Search {
    fn new(model: Model) -> Self {
        let (locals, index, moved) = (vec![], BTreeMap::new(), BTreeMap::new());
        Self { model, locals, index, moved, votes: vec![], justifications: vec![], bundles: vec![] }
    }

    fn run(&mut self) -> Result<Found, Fault> {
        let honest = self.model.members - self.model.liars;
        let first: Result<Vec<_>, _> = (0..honest).map(|place| self.first(place)).collect();
        let first = first?;
        let mut seen = BTreeSet::from([first.clone()]);
        let mut queue = VecDeque::from([(first, 0)]);
        let mut found = Found::default();
        while let Some((state, depth)) = queue.pop_front() {
            found.states += 1;
            found.depth = depth;
            found.finals += usize::from(state.iter().any(|id| !self.local(*id).node.finals.is_empty()));
            found.conflicts += usize::from(self.judge(&state)?);
            if found.states % 997 == 0 && self.model.mutant.is_none() && self.model.liars * 3 < self.model.members {
                self.settles(&state);
            }
            if depth >= self.model.depth_max {
                continue;
            }
            for place in 0..state.len() {
                for action in self.moves(&state, place) {
                    let next = self.go(state[place], action)?;
                    let mut after = state.clone();
                    after[place] = next;
                    if next != state[place] && seen.insert(after.clone()) {
                        queue.push_back((after, depth + 1));
                    }
                }
            }
        }
        Ok(found)
    }

    fn local(&self, id: u32) -> &Local {
        &self.locals[id as usize]
    }

    fn first(&mut self, place: u16) -> Result<u32, Fault> {
        let mut node = Node::new(place, self.model.members, self.model.era_len, self.model.mutant);
        node.flushes = !self.model.crashes;
        for block in self.model.blocks.clone() {
            node.tell(Input::Header(block));
            node.tell(Input::Applied(block.hash));
        }
        node.tell(Input::Tip(hash(self.model.tips[usize::from(place)])));
        if !self.model.crashes {
            // All are past the first wait: it would only cost depth.
            node.tell(Input::Tick(TimeMs(SETTLE)));
        }
        let (votes, justifications, lies) = (vec![], vec![], vec![]);
        self.intern(Local { node, crashed: false, votes, justifications, bundle: 0, lies })
    }

    /// What can happen to a witness.
    fn moves(&self, state: &[u32], place: usize) -> Vec<Move> {
        let local = self.local(state[place]);
        let round = local.node.machine.round();
        let mut moves = vec![];
        if local.node.wake.is_some() && round.0 <= self.model.rounds {
            moves.push(Move::Tick);
        }
        if !local.node.unflushed.is_empty() {
            moves.push(Move::Flush);
        }
        if self.model.crashes && !local.crashed {
            moves.push(Move::Crash);
        }
        for (_, id) in state.iter().enumerate().filter(|(other, _)| *other != place) {
            let other = self.local(*id);
            if self.model.in_order {
                moves.push(Move::Bundle(other.bundle));
            } else {
                moves.extend(other.votes.iter().copied().map(Move::Vote));
                moves.extend(other.justifications.iter().copied().map(Move::Justification));
            }
        }
        moves.extend(local.lies.iter().copied().map(Move::Lie));
        moves
    }

    /// What liars may say to a witness: any vote of its round that it would count. Others could only wait.
    fn lies(&self, node: &Node) -> Vec<Vote> {
        let (by, round) = (self.model.members - 1, node.machine.round());
        let mut lies = vec![];
        if self.model.liars == 0 || round.0 > self.model.rounds {
            return lies;
        }
        for block in &self.model.blocks {
            lies.push(precommit(by, round.0, *block));
            let sources = node.machine.justified.keys().filter(|source| source.round < round);
            lies.extend(sources.map(|source| prevote(by, round.0, *block, *source)));
        }
        lies.retain(|lie| params(self.model.era_len).era_of(lie.statement.height) == lie.statement.era);
        lies.retain(|lie| !has_heard(node, lie) && node.machine.judge(lie) == Standing::Counted);
        lies
    }

    fn go(&mut self, id: u32, action: Move) -> Result<u32, Fault> {
        if let Some(next) = self.moved.get(&(id, action)) {
            return Ok(*next);
        }
        let mut local = self.local(id).clone();
        let now = local.node.machine.now;
        match action {
            Move::Tick => {
                let at = local.node.wake.take().unwrap_or(now);
                local.node.tell(Input::Tick(at));
            }
            Move::Flush => local.node.flush(),
            Move::Crash => {
                local.crashed = true;
                let tip = hash(self.model.tips[usize::from(local.node.place)]);
                local.node.crash(&self.model.blocks, tip, now);
                self.model.blocks.iter().for_each(|block| local.node.tell(Input::Applied(block.hash)));
            }
            Move::Vote(number) => {
                let vote = self.votes[number as usize];
                local.node.tell(Input::Vote { from: None, vote });
            }
            Move::Lie(number) => {
                let lie = self.votes[number as usize];
                for by in self.model.members - self.model.liars..self.model.members {
                    let vote = Vote { by, signature: forged(by), ..lie };
                    local.node.tell(Input::Vote { from: None, vote });
                }
            }
            Move::Justification(number) => self.tell_justification(&mut local, number),
            Move::Bundle(number) => {
                let (votes, justifications) = &self.bundles[number as usize];
                for number in justifications {
                    self.tell_justification(&mut local, *number);
                }
                for number in votes {
                    local.node.tell(Input::Vote { from: None, vote: self.votes[*number as usize] });
                }
            }
        }
        let next = self.intern(local)?;
        self.moved.insert((id, action), next);
        Ok(next)
    }

    fn tell_justification(&self, local: &mut Local, number: u32) {
        let justification = self.justifications[number as usize].clone().into();
        local.node.tell(Input::Justification { from: None, justification });
    }

    /// Number a local state, once its own promises hold.
    fn intern(&mut self, mut local: Local) -> Result<u32, Fault> {
        local.node.outbox.clear();
        local.node.fetches.clear();
        let digest = digest(&local);
        if let Some(id) = self.index.get(&digest) {
            return Ok(*id);
        }
        let Node { sent, disk, finals, .. } = &local.node;
        let is_guilty = |vote: &Vote| sent.iter().any(|old| convicts(&old.statement, &vote.statement));
        if sent.iter().any(is_guilty) {
            return Err(Fault::HonestGuilt);
        }
        if !sent.iter().all(|vote| disk.marks.knows(&vote.statement)) {
            return Err(Fault::NotDurable);
        }
        let reaches = |vote: &Vote| params(self.model.era_len).era_of(vote.statement.height) != vote.statement.era;
        if sent.iter().any(reaches) {
            return Err(Fault::WrongEra);
        }
        if finals.iter().any(|seal| params(self.model.era_len).era_of(seal.height) != seal.era) {
            return Err(Fault::WrongEra);
        }
        let (sent, written) = (sent.clone(), disk.justifications.clone());
        let lies = self.lies(&local.node);
        local.votes = sent.into_iter().map(|vote| number(&mut self.votes, vote)).collect();
        local.justifications = written.into_iter().map(|just| number(&mut self.justifications, just)).collect();
        local.lies = lies.into_iter().map(|lie| number(&mut self.votes, lie)).collect();
        local.bundle = number(&mut self.bundles, (local.votes.clone(), local.justifications.clone()));
        let id = u32::try_from(self.locals.len()).unwrap();
        self.locals.push(local);
        self.index.insert(digest, id);
        Ok(id)
    }

    /// Whether finals conflict. An error if they may not, or too few are guilty.
    fn judge(&self, state: &[u32]) -> Result<bool, Fault> {
        let finals = state.iter().flat_map(|id| &self.local(*id).node.finals);
        let finals: Vec<&Seal> = finals.collect();
        let on = |a: &Seal, b: &Seal| descends(&self.model.blocks, a.hash, b.hash);
        let agrees = |a: &&Seal| finals.iter().all(|b| on(a, b) || on(b, a));
        if finals.iter().all(agrees) {
            return Ok(false);
        }
        if self.model.liars * 3 < self.model.members || self.model.mutant.is_some() {
            return Err(Fault::ConflictingFinals);
        }
        let held = state.iter().flat_map(|id| self.local(*id).node.machine.pool.votes());
        let held: Vec<_> = held.map(|held| held.vote).collect();
        let guilty = |by: &u16| {
            let own: Vec<_> = held.iter().filter(|vote| vote.by == *by).collect();
            own.iter().any(|a| own.iter().any(|b| convicts(&a.statement, &b.statement)))
        };
        let culprits = (0..self.model.members).filter(guilty).count();
        if culprits * 3 > usize::from(self.model.members) { Ok(true) } else { Err(Fault::FewCulprits) }
    }

    /// From here, with no more lies and no losses, all come to finalise the tip.
    fn settles(&self, state: &[u32]) {
        let mut nodes: Vec<_> = state.iter().map(|id| self.local(*id).node.clone()).collect();
        let mut blocks = self.model.blocks.clone();
        // A branch that was justified may win over the heavier one first; then the chain goes on from there.
        for number in [200, 201] {
            let top = nodes.iter().map(|node| node.machine.last_final()).max_by_key(|key| key.height).unwrap();
            let above = blocks.iter().filter(|block| descends(&blocks, block.hash, top.hash));
            let best = above.copied().max_by_key(|block| block.work).unwrap_or(top);
            let goal = key(number, best.height.0 + 1, best.hash.0[0]);
            blocks.push(goal);
            if finalise(&mut nodes, goal) {
                return;
            }
        }
        let show = |node: &Node| (node.machine.round(), node.machine.last_final().hash.0[0], node.machine.stage);
        panic!("no finality once quiet: {:?}", nodes.iter().map(show).collect::<Vec<_>>());
    }
}

fn finalise(nodes: &mut [Node], goal: KeyRef) -> bool {
    let mut now = nodes.iter().map(|node| node.machine.now.0).max().unwrap();
    for _ in 0..200 {
        for node in nodes.iter_mut() {
            node.flushes = true;
            (0..node.unflushed.len()).for_each(|_| node.flush());
            node.tell(Input::Tick(TimeMs(now)));
            node.tell(Input::Header(goal));
            node.tell(Input::Tip(goal.hash));
        }
        exchange(nodes);
        if nodes.iter().all(|node| node.machine.last_final().hash == goal.hash) {
            return true;
        }
        now += 50;
    }
    false
}

/// Everything on every disk reaches everybody.
fn exchange(nodes: &mut [Node]) {
    loop {
        let votes: Vec<_> = nodes.iter().flat_map(|node| node.sent.clone()).collect();
        let seals: Vec<_> = nodes.iter().flat_map(|node| node.disk.finals.clone()).collect();
        let justifications: Vec<_> = nodes.iter().flat_map(|node| node.disk.justifications.clone()).collect();
        for node in nodes.iter_mut() {
            for justification in &justifications {
                node.tell(Input::Justification { from: None, justification: justification.clone().into() });
            }
            for vote in &votes {
                node.tell(Input::Vote { from: None, vote: *vote });
            }
            for seal in &seals {
                node.tell(Input::Seal { from: None, seal: seal.clone().into() });
            }
        }
        if nodes.iter().map(|node| node.sent.len()).sum::<usize>() == votes.len() {
            return;
        }
    }
}

fn number<T: PartialEq>(known: &mut Vec<T>, value: T) -> u32 {
    let at = known.iter().position(|held| *held == value).unwrap_or_else(|| {
        known.push(value);
        known.len() - 1
    });
    u32::try_from(at).unwrap()
}

/// Whether a liar has filled the slot at this witness.
fn has_heard(node: &Node, lie: &Vote) -> bool {
    node.machine.pool.votes().any(|held| held.vote.by == lie.by && held.vote.statement.slot() == lie.statement.slot())
}

/// All that a local state's future depends on.
fn digest(local: &Local) -> u128 {
    let Local { node, crashed, .. } = local;
    let machine = &node.machine;
    let place = u8::try_from(node.place).unwrap();
    let mut bytes =
        vec![place, machine.tip.0[0], u8::from(*crashed), u8::from(machine.halted), u8::from(machine.silent)];
    let numbers = [machine.now.0, machine.pool.era.0.into(), machine.round.0.into(), machine.final_round.0.into()];
    for number in numbers {
        bytes.extend(number.to_be_bytes());
    }
    bytes.extend(machine.stage.due(TimeMs(0)).map_or(0, |at| at.0).to_be_bytes());
    bytes.push(u8::from(matches!(machine.stage, crate::round::Stage::Voting { .. })));
    bytes.extend(node.wake.map_or(0, |at| at.0).to_be_bytes());
    bytes.extend(machine.last_final.0);
    let vote = |bytes: &mut Vec<u8>, vote: &Vote| bytes.extend(vote.encode());
    for held in machine.pool.votes() {
        vote(&mut bytes, &held.vote);
        bytes.push(held.standing as u8);
    }
    for marks in [&machine.pledged, &machine.durable, &node.disk.marks] {
        bytes.push(0);
        marks.votes().iter().for_each(|held| vote(&mut bytes, held));
    }
    bytes.push(1);
    node.sent.iter().for_each(|sent| vote(&mut bytes, sent));
    bytes.push(2);
    machine.unsaved.values().for_each(|unsaved| vote(&mut bytes, unsaved));
    let sources = machine.justified.keys().copied().chain(node.disk.justifications.iter().map(Justification::source));
    let early = machine.early.iter().map(|(_, early)| early.source());
    for source in sources.chain(early) {
        bytes.extend(source.round.0.to_be_bytes());
        bytes.extend(source.hash.0);
    }
    bytes.push(u8::try_from(machine.early.len() * 16 + machine.justified.len()).unwrap());
    node.finals.iter().for_each(|seal| bytes.extend(seal.hash.0));
    bytes.push(u8::try_from(node.unflushed.len()).unwrap());
    // FNV-1a, 128 bits.
    bytes.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |sum: u128, byte| {
        (sum ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    })
}

/// A fork at each height: 1 - 2, 3 - 4, and 5 beside 2.
fn forks() -> Vec<KeyRef> {
    vec![key(1, 1, 0), key(3, 1, 0), key(2, 2, 1), key(4, 2, 3), key(5, 2, 1)]
}

fn fork() -> Vec<KeyRef> {
    vec![key(1, 1, 0), key(3, 1, 0)]
}

/// The normal depth, and more if the build says so: each further step takes about seven times as long.
fn depth(normal: usize) -> usize {
    normal + option_env!("MODEL_DEEPER").and_then(|more| more.parse().ok()).unwrap_or(0)
}

fn model(liars: u16, blocks: Vec<KeyRef>, tips: &[u8]) -> Model {
    Model {
        members: 4,
        liars,
        era_len: 20,
        rounds: 3,
        blocks,
        tips: tips.to_vec(),
        crashes: false,
        mutant: None,
        in_order: true,
        depth_max: depth(5),
    }
}

fn explore(model: Model) -> Result<Found, Fault> {
    let mut search = Search::new(model);
    let found = search.run()?;
    Ok(found)
}

#[test]
fn one_liar_among_four_never_makes_finals_conflict() {
    let rows = [(fork(), [1, 1, 3], 5), (fork(), [1, 1, 1], 5), (forks(), [2, 4, 4], 4), (forks(), [2, 5, 2], 4)];
    let finals = rows.map(|(blocks, tips, normal)| {
        explore(Model { depth_max: depth(normal), ..model(1, blocks, &tips) }).unwrap().finals
    });
    assert!(finals.iter().sum::<usize>() > 0);
}

#[test]
fn messages_in_any_order_never_make_finals_conflict() {
    explore(Model { in_order: false, ..model(1, fork(), &[1, 1, 3]) }).unwrap();
}

#[test]
fn one_liar_and_crashes_never_make_finals_conflict() {
    for tips in [[1, 1, 3], [1, 1, 1]] {
        explore(Model { crashes: true, depth_max: depth(6), ..model(1, fork(), &tips) }).unwrap();
    }
}

#[test]
fn one_third_plus_one_equivocating_is_always_provable() {
    let rows = [(fork(), [1, 3], 7), (forks(), [2, 4], 5), (forks(), [2, 5], 5)];
    let conflicts = rows.map(|(blocks, tips, normal)| {
        explore(Model { depth_max: depth(normal), ..model(2, blocks, &tips) }).unwrap().conflicts
    });
    assert!(conflicts.iter().sum::<usize>() > 0);
}

#[test]
fn each_broken_rule_is_caught() {
    let broken = |mutant| Model { mutant: Some(mutant), depth_max: 8, ..model(1, fork(), &[1, 1, 3]) };
    let rows = [
        Model { rounds: 2, ..broken(Mutant::OlderPrecommit) },
        Model { rounds: 2, ..broken(Mutant::OldSource) },
        Model { members: 3, tips: vec![1, 3], ..broken(Mutant::TwoThirds) },
        Model { crashes: true, ..broken(Mutant::SendFirst) },
        Model { era_len: 2, blocks: chain(3), tips: vec![3, 3, 3], ..broken(Mutant::NoBoundary) },
    ];
    let faults = rows.map(|model| (model.mutant, explore(model).err()));
    assert!(faults.iter().all(|(_, fault)| fault.is_some()), "{faults:?}");
}
