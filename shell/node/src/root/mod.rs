//! Drive the root: three machines, the shell between them.
//!
//! The chain machine chooses blocks, the witness machine makes them final, the gossip machine talks to peers. They never
//! call each other: what one says, [`RootDriver`] carries to the others, as [`Todo`]s in one queue, and performs for them
//! what needs store, pool and keys. Read [`RootDriver::run`] first. Where a genesis names no witnesses, depth decides what
//! is final; where a node has no peers, blocks go out as [`Order::Send`] to whoever listens.

mod anchors;
mod blocks;
mod chain;
mod finality;
mod gate;
mod locks;
mod lookup;
mod peers;
mod report;
mod resume;

use std::collections::{BTreeSet, VecDeque};

use banyan_crypto::SecretKey;
use banyan_gossip::Input as Talk;
use banyan_root::{Input as Step, Machine, Miner, Points};
use banyan_types::{AccountId, Hash, PublicKey, TimeMs, TxHash};
use banyan_witness::Input as Vote;

use self::{blocks::Desk, finality::Finality, peers::Peers};
use crate::{
    NodeError,
    genesis::EngineParams,
    node::{Core, Input, Order},
};

pub use finality::{Boundary, FinalityView, MemberView};

/// What this node does on the root.
#[derive(Clone, Default)]
pub struct RootRole {
    /// Mines and leads with this key; `None` only follows.
    pub miner: Option<SecretKey>,
    /// Account of the rewards; the zero account for nobody's.
    pub beneficiary: Option<AccountId>,
    /// Votes with this key; `None` only learns what is final.
    pub witness: Option<WitnessRole>,
    /// Whether this node talks to peers by messages; `None` in a world that carries blocks itself.
    pub peers: Option<PeersRole>,
    /// Go on although two seals contradicted each other: the operators have agreed that this node's chain is the right one.
    pub overrules: bool,
}

/// How this node votes.
#[derive(Clone)]
pub struct WitnessRole {
    /// The witness key.
    pub key: SecretKey,
    /// The operator says that the memory of past votes is lost: vote only in eras in which it cannot have voted.
    pub is_new: bool,
}

/// How this node talks to peers.
#[derive(Clone)]
pub struct PeersRole {
    /// Peers at once.
    pub peers_max: usize,
    /// Draws whom it talks to: another one at each start.
    pub seed: [u8; 32],
}

/// The root's engine in a node.
pub struct RootDriver {
    machine: Machine,
    finality: Finality,
    peers: Option<Box<Peers>>,
    desk: Desk,
    miner: Option<SecretKey>,
    todo: VecDeque<Todo>,
    /// Key blocks that came in and are not in the chain machine's tree yet.
    expected: BTreeSet<Hash>,
    /// Key blocks whose leaders were reported after their generation was final.
    late_forks: BTreeSet<Hash>,
    wakes: Wakes,
    ready: bool,
    /// The last alarm: why the machine has stopped, if it has.
    alarm: String,
}

/// Something that one of the machines must hear.
#[derive(Debug)]
enum Todo {
    /// The chain machine.
    Chain(Step),
    /// The witness machine.
    Votes(Vote),
    /// The gossip machine.
    Talk(Talk),
}

/// When each machine wants to be told the time.
#[derive(Default)]
struct Wakes {
    chain: Option<TimeMs>,
    votes: Option<TimeMs>,
    talk: Option<TimeMs>,
    /// There is more to do at once.
    rest: Option<TimeMs>,
    told: Option<TimeMs>,
}

impl Wakes {
    /// The next one, if it is not the one that was told last.
    fn news(&mut self) -> Option<TimeMs> {
        let next = [self.chain, self.votes, self.talk, self.rest].into_iter().flatten().min();
        let changed = next != self.told;
        self.told = next;
        next.filter(|_| changed)
    }

    /// What has come is done with.
    fn pass(&mut self, now: TimeMs) {
        for wake in [&mut self.chain, &mut self.votes, &mut self.talk, &mut self.rest, &mut self.told] {
            *wake = wake.filter(|at| *at > now);
        }
    }
}

/// Steps of the machines in one turn: about a tenth of a second of blocks to execute.
const STEPS_PER_TURN: usize = 1_024;

impl RootDriver {
    /// Whether it searches proofs of work.
    pub const fn mines(&self) -> bool {
        self.miner.is_some()
    }

    pub(crate) fn open(core: &mut Core, role: RootRole) -> Result<Self, NodeError> {
        let EngineParams::Root(engine) = &core.chain.file().engine else { return Err(NodeError::Role) };
        let engine = engine.clone();
        let params = resume::machine_params(&core.chain, &engine)?;
        resume::make_final_again(core)?;
        let RootRole { miner: key, beneficiary, witness, peers, overrules } = role;
        if overrules {
            finality::forget_conflict(&core.chain)?;
        }
        let own = |key: &SecretKey| beneficiary.unwrap_or(AccountId(key.public()));
        let miner = key.as_ref().map(|key| Miner { key: PublicKey(key.public()), beneficiary: own(key) });
        let machine = Machine::resume(params.clone(), miner, resume::saved(&core.chain)?)
            .map_err(|broken| NodeError::Stopped(broken.to_string()))?;
        let finality = Finality::open(core, &machine, &engine, witness, peers.is_some())?;
        if finality.is_halted() {
            let text =
                "two seals contradict each other: nothing is final here until the operators have agreed on a chain";
            core.order(Order::News(crate::News::Alarm(text.into())));
        }
        let peers = peers.map(|role| Box::new(Peers::open(core, &machine, params, &role)));
        let mut driver = Self {
            machine,
            finality,
            peers,
            desk: Desk::default(),
            miner: key,
            todo: VecDeque::new(),
            expected: BTreeSet::new(),
            late_forks: BTreeSet::new(),
            wakes: Wakes::default(),
            ready: false,
            alarm: String::new(),
        };
        driver.begin(core)?;
        Ok(driver)
    }

    /// Tell the machines what a start finds.
    fn begin(&mut self, core: &mut Core) -> Result<(), NodeError> {
        self.todo.extend(self.finality.first_words(core, &self.machine)?.into_iter().map(Todo::Votes));
        let pooled: Vec<TxHash> = core.pool().iter().map(|waiting| waiting.tx.get().hash()).collect();
        if self.peers.is_some() && !pooled.is_empty() {
            self.todo.push_back(Todo::Talk(Talk::Pooled(pooled)));
        }
        self.run(core)
    }

    pub(crate) fn handle(&mut self, core: &mut Core, input: Input) -> Result<(), NodeError> {
        match input {
            Input::Tick(now) => {
                self.wakes.pass(now);
                self.todo.extend([Todo::Chain(Step::Tick(now)), Todo::Votes(Vote::Tick(now))]);
                self.todo.push_back(Todo::Talk(Talk::Tick(now)));
            }
            Input::Gone(peer) => {
                if let Some(peers) = &mut self.peers {
                    peers.part(peer);
                }
                self.todo.extend([Todo::Chain(Step::Gone(peer)), Todo::Votes(Vote::Gone(peer))]);
                self.todo.push_back(Todo::Talk(Talk::Gone(peer)));
            }
            Input::Solved { template, nonce, pow } => {
                self.todo.push_back(Todo::Chain(Step::Solved { template, nonce, pow }));
            }
            Input::Block { from, block } => self.look_at(core, from, block)?,
            Input::Asked { by, block } => return self.answer(core, by, block),
            Input::Connected { peer, who, outbound } => {
                let score = self.peers.as_mut().map_or(Points(0), |peers| peers.meet(peer, who));
                self.todo.push_back(Todo::Talk(Talk::Connected { peer, outbound, score }));
            }
            Input::Frame { peer, bytes } => self.hear(peer, &bytes),
            Input::Reached(addresses) => self.reached(addresses),
            Input::ParentMoved => return Ok(()),
        }
        self.run(core)
    }

    /// Tell the machines of new transactions, even if others wait already: those may be what no block takes.
    pub(crate) fn pool_grew(&mut self, core: &mut Core) -> Result<(), NodeError> {
        self.ready = true;
        self.todo.push_back(Todo::Chain(Step::PoolReady));
        self.run(core)
    }

    /// Carry what the machines say to each other until all are silent, or others must be heard: whoever fetches a long chain
    /// would else learn nothing of its seals before it has executed all of it.
    fn run(&mut self, core: &mut Core) -> Result<(), NodeError> {
        for _ in 0..STEPS_PER_TURN {
            let Some(todo) = self.todo.pop_front() else { break };
            match todo {
                Todo::Chain(step) => self.step_chain(core, step)?,
                Todo::Votes(step) => self.step_votes(core, step)?,
                Todo::Talk(step) => self.step_talk(core, step)?,
            }
            if self.todo.is_empty() {
                self.tell_of_pool(core);
            }
        }
        if !self.todo.is_empty() {
            self.wakes.rest = Some(core.now);
        }
        if let Some(at) = self.wakes.news() {
            core.order(Order::Wake(at));
        }
        self.finality.publish(core, self.syncing());
        Ok(())
    }

    fn tell_of_pool(&mut self, core: &mut Core) {
        let ready = core.pool().has_waiting();
        if std::mem::replace(&mut self.ready, ready) != ready {
            self.todo.push_back(Todo::Chain(if ready { Step::PoolReady } else { Step::PoolEmpty }));
        }
        let (came, went) = core.take_pool_changes();
        if self.peers.is_none() {
            return;
        }
        if !came.is_empty() {
            self.todo.push_back(Todo::Talk(Talk::Pooled(came)));
        }
        if !went.is_empty() {
            self.todo.push_back(Todo::Talk(Talk::Unpooled(went)));
        }
    }

    fn alarm(&mut self, core: &mut Core, text: String) {
        self.alarm.clone_from(&text);
        core.order(Order::News(crate::News::Alarm(text)));
    }
}
