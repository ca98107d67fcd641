//! Drive a rotation's machine: take turns with other validators, carry commits down and remits up.
//!
//! Blocks that are good here make a tree: each is kept in the store with the state after it before anything is said of it, so
//! that the machine can have the ledger go from one branch to another. What is final is taken back no more. Rules:
//! associates 5, 10.

mod log;

use std::collections::{BTreeMap, VecDeque};

use banyan_crypto::SecretKey;
use banyan_ledger::ParentTip;
use banyan_rotation::{
    Decided, Effect, Finality, Input as Step, Machine, Message, Record, RotationParams, Sealed, Seq, To, Verdict,
    Weight,
};
use banyan_store::{Commit, Flush, Order as Direction, Place};
use banyan_types::{
    Bytes, Hash, Height, Peer, Points, PublicKey, TimeMs, associate::Grounds, committee::Certificate,
    header::ChildHeader, rlp::Field as _,
};

use self::log::{Found, Log};
use super::{
    EMPTY_MAX, Link, Named, PARENT_ROW, SEAL_RECORD, ValidatorRole,
    block::{self, Made},
    bodies::{Bodies, Held, Missing},
    grounds,
    judge::{self, Judged, lost_block},
    kept::{INBOX_RECORD, seal_bytes, stored, stored_from},
    link,
    peers::Peers,
    relay,
    talk::{Carried, Final, Talk},
};
use crate::{
    NodeError,
    genesis::EngineParams,
    node::{Core, Input, News, Order},
    parent::At,
    service::Said,
};

/// Name of the row that holds the last final block, written with all that goes with it before the store is told.
const FINAL_ROW: &str = "rotation.final";

/// A rotation's engine in a node.
pub struct RotationDriver {
    machine: Machine,
    own: PublicKey,
    link: Link,
    /// Blocks above the last final one that are kept in the store.
    known: BTreeMap<Hash, Known>,
    bodies: Bodies,
    log: Log,
    peers: Peers,
    steps: VecDeque<Step>,
    /// Whether the machine was told, since the state last moved, that something waits.
    ready: bool,
    /// Blocks without transactions since the pool grew.
    empty: u8,
    wake: Option<TimeMs>,
}

/// What the store does not say of a block that it keeps.
#[derive(Debug, Clone)]
struct Known {
    height: Height,
    parent: ParentTip,
    settled: u32,
    is_empty: bool,
    /// The inbox entries that it settles, encoded.
    inbox: Vec<Bytes>,
}

impl RotationDriver {
    pub(crate) fn open(core: &mut Core, role: ValidatorRole) -> Result<Self, NodeError> {
        if let Some(last) = core.chain.store().meta(FINAL_ROW)?.and_then(|row| Hash::from_slice(&row))
            && last != core.chain.last_final()?.hash
        {
            core.finalise(last)?; // only the store's mark of it was lost
        }
        let EngineParams::Rotation(engine) = &core.chain.file().engine else { return Err(NodeError::Role) };
        let ValidatorRole { key, operators, parent } = role;
        let params = core.chain.params();
        let point = parent.point(At::Final)?;
        let rotation = RotationParams {
            turn_ms: engine.turn_ms,
            heartbeat_ms: engine.heartbeat_ms,
            ..RotationParams::dev(params.network_id.clone(), params.ledger, point.params.silence)
        };
        let turns = engine.turns(core.chain.genesis_hash())?;
        // Who follows has no key; with any that is no validator's the machine says nothing.
        let key = key.unwrap_or_else(|| SecretKey::from_seed(core.chain.genesis_hash().0));
        let own = PublicKey(key.public());
        let Found { log, records, known } = Log::read(&core.chain)?;
        let saved = log::saved(&core.chain, &point, records)?;
        link::see_regime(core, &point);
        let mut link = Link::new(parent, operators, &point, saved.last.parent);
        for known in known.values() {
            link.remember(known.parent);
        }
        let machine = Machine::resume(rotation, turns, key, saved);
        let machine = machine.map_err(|broken| NodeError::Stopped(broken.to_string()))?;
        Ok(Self {
            machine,
            own,
            link,
            known,
            bodies: Bodies::default(),
            log,
            peers: Peers::default(),
            steps: VecDeque::new(),
            ready: false,
            empty: 0,
            wake: None,
        })
    }

    pub(crate) fn handle(&mut self, core: &mut Core, input: Input) -> Result<(), NodeError> {
        match input {
            Input::Tick(now) => self.tick(core, now),
            Input::ParentMoved => self.look_up(core)?,
            Input::Connected { peer, .. } => {
                self.peers.join(peer);
                relay::meet(core, peer);
            }
            Input::Gone(peer) => self.peers.leave(peer),
            Input::Frame { peer, bytes } => self.hear(core, peer, &bytes)?,
            // Nobody mines, and blocks come in frames.
            Input::Block { .. } | Input::Asked { .. } | Input::Solved { .. } | Input::Reached(_) => {}
        }
        self.run(core)
    }

    /// Tell the machine and the peers of new transactions, even if others wait already: those may be what no block takes.
    pub(crate) fn pool_grew(&mut self, core: &mut Core) -> Result<(), NodeError> {
        relay::spread(core, self.peers.iter());
        (self.ready, self.empty) = (true, 0);
        self.steps.push_back(Step::PoolReady);
        self.run(core)
    }

    /// What a validator's word from outside has come to.
    pub(crate) fn weigh(&self, said: &Said) -> Weight {
        match said {
            Said::Statement(signed) => self.machine.weigh_statement(signed),
            Said::Block(proposed, _) => self.machine.weigh_block(&proposed.header.hash()),
        }
    }

    fn tick(&mut self, core: &mut Core, now: TimeMs) {
        self.steps.push_back(Step::Tick(now));
        let due = self.bodies.due(now);
        for block in due.ask {
            self.peers.send(core, To::All, &Talk::AskBody(block));
        }
        self.steps.extend(due.lost.into_iter().map(|block| Step::Verified(block, Verdict::Missing)));
    }

    /// See what the parent has made final.
    fn look_up(&mut self, core: &mut Core) -> Result<(), NodeError> {
        let seen = self.link.look_up()?;
        if seen.tip.is_some() {
            self.link.report(core)?;
        }
        self.steps.extend(seen.tip.into_iter().chain(seen.answer).map(Step::ParentTip));
        if let Some((seq, child_to)) = seen.accepted {
            grounds::forget_to(core, child_to)?;
            self.steps.push_back(Step::SummaryAccepted { seq, child_to });
        }
        Ok(())
    }

    fn run(&mut self, core: &mut Core) -> Result<(), NodeError> {
        let mut effects = Vec::new();
        loop {
            let ready = core.pool().has_waiting() && self.empty < EMPTY_MAX;
            if std::mem::replace(&mut self.ready, ready) != ready {
                self.steps.push_back(if ready { Step::PoolReady } else { Step::PoolEmpty });
            }
            let Some(step) = self.steps.pop_front() else { break };
            self.machine.step(step, &mut effects);
            for effect in effects.drain(..) {
                self.perform(core, effect)?;
            }
        }
        let wakes = [self.wake.filter(|at| *at > core.now), self.bodies.wake()];
        if let Some(at) = wakes.into_iter().flatten().min() {
            core.order(Order::Wake(at));
        }
        Ok(())
    }

    fn perform(&mut self, core: &mut Core, effect: Effect) -> Result<(), NodeError> {
        match effect {
            Effect::Build(header, prev_seal) => {
                let built = block::build(core, &self.link, &header, seal_bytes(prev_seal.as_deref()))?;
                let Some((made, draft)) = built else {
                    self.steps.push_back(Step::Unbuilt);
                    return Ok(());
                };
                self.keep(core, &draft.complete(&header), made)?;
                self.steps.push_back(Step::Built(draft));
            }
            Effect::Verify(header, prev_seal) => self.verify(core, header, prev_seal)?,
            Effect::Persist(seq, records) => self.persist(core, seq, &records)?,
            Effect::Send(to, message) => self.say(core, to, &message)?,
            Effect::Serve(peer, from) if self.peers.may_have(peer, core.now) => {
                if let Some(blocks) = stored_from(&core.chain, from)? {
                    self.peers.send(core, To::One(peer), &Talk::Blocks(blocks));
                }
            }
            Effect::Serve(..) => {}
            Effect::Commit(decided) => self.commit(core, &decided)?,
            Effect::Seal(seal) => seal_again(core, &seal)?,
            Effect::Final(finality) => self.finalise(core, *finality)?,
            Effect::Accuse(pair) => self.link.accuse(core, &pair)?,
            Effect::Sealed(header) => {
                self.link.recall(&header)?;
                self.bodies.seal(&header);
            }
            Effect::AskParent(height) => self.steps.extend(self.link.ask(height)?.map(Step::ParentTip)),
            Effect::Summarise(range) => self.link.summarise(core, range)?,
            Effect::Quorum(is_there) => {
                core.publish(|view| view.is_degraded = !is_there);
                let news = if is_there { "a quorum of validators is back" } else { "no quorum of validators" };
                alarm(core, news.into());
            }
            Effect::Score(peer, points) => self.peers.score(core, peer, points),
            Effect::Wake(at) => self.wake = Some(at),
            Effect::Alarm(what) => alarm(core, format!("{what:?}")),
        }
        Ok(())
    }

    /// Keep a block that is good, with the state after it, beside the chain.
    fn keep(&mut self, core: &Core, header: &ChildHeader, made: Made) -> Result<(), NodeError> {
        let known = Known {
            height: header.height,
            parent: made.parent,
            settled: made.settled(),
            is_empty: made.txs.is_empty(),
            inbox: made.inbox.iter().map(|entry| Bytes(entry.encode())).collect(),
        };
        block::keep(core, header, made)?;
        self.known.insert(header.hash(), known);
        Ok(())
    }

    /// Execute another's block, or wait for its body.
    fn verify(
        &mut self,
        core: &mut Core,
        header: Box<ChildHeader>,
        prev_seal: Option<Box<Certificate>>,
    ) -> Result<(), NodeError> {
        let block = header.hash();
        let verdict = match self.known.get(&block) {
            Some(known) => Some(Verdict::Good { settled: known.settled }),
            None => self.judge(core, &header, prev_seal.as_deref())?,
        };
        match verdict {
            Some(verdict) => self.steps.push_back(Step::Verified(block, verdict)),
            None => self.bodies.miss(block, header, prev_seal, core.now),
        }
        Ok(())
    }

    /// What execution says, if the body is there.
    fn judge(
        &mut self,
        core: &mut Core,
        header: &ChildHeader,
        prev_seal: Option<&Certificate>,
    ) -> Result<Option<Verdict>, NodeError> {
        let block = header.hash();
        let Some(held) = self.bodies.get(block) else { return Ok(None) };
        let held = (held, self.bodies.is_sealed(&block));
        Ok(match judge::judge(core, &self.link, header, prev_seal, held)? {
            Judged::Good(made) => {
                let settled = made.settled();
                self.keep(core, header, *made)?;
                Some(Verdict::Good { settled })
            }
            Judged::Bad => Some(Verdict::Bad),
            Judged::Unknown => Some(Verdict::Missing),
            Judged::Forged => {
                if let Some(peer) = self.bodies.forget(&block) {
                    self.peers.score(core, peer, Points::INVALID);
                }
                Some(Verdict::Missing)
            }
        })
    }

    fn persist(&mut self, core: &Core, seq: Seq, records: &[Record]) -> Result<(), NodeError> {
        let mut commit = Commit::new();
        for record in records {
            let block = match record {
                Record::Built(block) | Record::Verified(block) => Some(block.header.hash()),
                _ => None,
            };
            let inbox = block.map(|block| self.known.get(&block).map(|known| &known.inbox).ok_or_else(lost_block));
            self.log.write(&mut commit, record, inbox.transpose()?);
        }
        core.chain.store().commit(commit, Flush::Now)?;
        self.steps.push_back(Step::Persisted(seq));
        Ok(())
    }

    /// Say it; behind a proposal of this node's own goes the body.
    fn say(&self, core: &mut Core, to: To, message: &Message) -> Result<(), NodeError> {
        self.peers.send(core, to, &Talk::Word(Bytes(message.encode())));
        let Message::Proposal(proposed) = message else { return Ok(()) };
        let is_first = proposed.signed.by == self.own && proposed.signed.statement.valid_view.is_none();
        if is_first && let Some(carried) = self.carried(core, proposed.header.hash())? {
            self.peers.send(core, to, &Talk::Body(Box::new(carried)));
        }
        Ok(())
    }

    /// A block that is here, as it travels.
    fn carried(&self, core: &Core, block: Hash) -> Result<Option<Carried>, NodeError> {
        if let (Some(known), Some(body)) = (self.known.get(&block), core.chain.store().body(&block.0)?) {
            return Ok(Some(Carried { body: Bytes(body), inbox: known.inbox.clone() }));
        }
        match core.chain.header(block)? {
            Some(header) if core.chain.is_main(block, &header)? => {
                Ok(stored(&core.chain, header.place(), block)?.map(|block| block.carried))
            }
            _ => Ok(self.bodies.get(block).map(|held| held.carried.clone())),
        }
    }

    /// Make a block the head, after those that it does not follow were taken back.
    fn commit(&mut self, core: &mut Core, decided: &Decided) -> Result<(), NodeError> {
        let header = &decided.block.header;
        let (hash, height) = (header.hash(), header.height);
        let known = self.known.get(&hash).ok_or_else(lost_block)?;
        let version = core.chain.store().version_of(&hash.0).ok_or_else(lost_block)?;
        let state = core.chain.state_at(hash)?.ok_or_else(lost_block)?;
        let undone = take_back_to(core, header.prev_hash)?;
        let (mut entries, is_empty) = (Vec::new(), known.is_empty);
        known.inbox.put(&mut entries);
        core.reapply(hash, version, |commit| {
            commit.record(SEAL_RECORD, height.0, decided.certificate.encode());
            commit.record(INBOX_RECORD, height.0, entries);
            grounds::prove(commit, height, &state);
        })?;
        core.order(Order::News(News::Tip { hash, height, undone, redone: vec![hash] }));
        core.take_back()?;
        core.tidy()?;
        self.empty = if is_empty { self.empty.saturating_add(1) } else { 0 };
        // Whoever did not build the block still takes the pool for what it was.
        self.ready = core.pool().has_waiting() && self.empty < EMPTY_MAX;
        self.steps.push_back(if self.ready { Step::PoolReady } else { Step::PoolEmpty });
        self.steps.push_back(Step::Committed { height });
        Ok(())
    }

    /// A block of the chain is final, and all before it.
    fn finalise(&mut self, core: &mut Core, Finality { seal, child }: Finality) -> Result<(), NodeError> {
        let (hash, height) = (seal.block_hash, seal.height);
        let parent = self.known.get(&hash).ok_or_else(lost_block)?.parent;
        let mut named = Vec::new();
        Named::of(parent).put(&mut named);
        let mut commit = Commit::new();
        commit.record(SEAL_RECORD, height.0, seal.encode()).meta(PARENT_ROW, named).meta(FINAL_ROW, hash.0);
        let mut grounds = Grounds { headers: vec![], seal: Bytes::default() };
        if let Some((header, seal)) = child {
            grounds = Grounds { headers: vec![Bytes(header.encode())], seal: Bytes(seal.encode()) };
        }
        grounds::keep(&mut commit, height, &grounds);
        self.log.forget_to(&mut commit, height);
        core.chain.store().commit(commit, Flush::Now)?;
        core.finalise(hash)?;
        self.known.retain(|_, known| known.height > height);
        self.bodies.forget_to(height);
        self.link.named(parent.height);
        Ok(())
    }

    /// A frame has come.
    fn hear(&mut self, core: &mut Core, peer: Peer, bytes: &[u8]) -> Result<(), NodeError> {
        let is_good = match Talk::decode(bytes) {
            Err(_) => false,
            Ok(Talk::Word(word)) => {
                let message = Message::decode(&word.0).ok();
                let is_good = message.is_some();
                self.steps.extend(message.map(|message| Step::Heard(peer, message)));
                is_good
            }
            Ok(Talk::Body(carried)) => self.body_came(core, peer, *carried)?,
            Ok(Talk::AskBody(block)) => {
                let carried = self.carried(core, block)?.filter(|_| self.peers.may_have(peer, core.now));
                if let Some(carried) = carried {
                    self.peers.send(core, To::One(peer), &Talk::Body(Box::new(carried)));
                }
                true
            }
            Ok(Talk::Blocks(blocks)) => self.blocks_came(peer, blocks),
            Ok(Talk::Txs(txs)) => {
                (self.ready, self.empty) = (false, 0);
                relay::take(core, peer, self.peers.iter(), &txs)?
            }
            Ok(Talk::Have(hashes)) => {
                relay::told(core, peer, &hashes)?;
                true
            }
            Ok(Talk::Want(hashes)) => {
                relay::asked(core, peer, &hashes);
                true
            }
        };
        if !is_good {
            self.peers.score(core, peer, Points::WRONG_BYTES);
        }
        Ok(())
    }

    /// A body has come. Whether it is one.
    fn body_came(&mut self, core: &mut Core, peer: Peer, carried: Carried) -> Result<bool, NodeError> {
        let Ok((header, _)) = carried.open() else { return Ok(false) };
        let block = header.hash();
        if header.height <= self.machine.status().final_height || self.known.contains_key(&block) {
            return Ok(true);
        }
        self.bodies.hold(block, Held { height: header.height, from: Some(peer), carried });
        if let Some(Missing { header, prev_seal, .. }) = self.bodies.found(block)
            && let Some(verdict) = self.judge(core, &header, prev_seal.as_deref())?
        {
            self.steps.push_back(Step::Verified(block, verdict));
        }
        Ok(true)
    }

    /// Blocks of a peer's ledger have come. Whether they are such.
    fn blocks_came(&mut self, peer: Peer, blocks: Vec<Final>) -> bool {
        let mut sealed = Vec::new();
        for Final { carried, seal } in blocks {
            let (Ok((header, body)), Ok(seal)) = (carried.open(), Certificate::read(&seal.0)) else {
                return false;
            };
            let Ok(one) = Sealed::of(&body, seal) else { return false };
            if header.height <= self.machine.status().final_height {
                continue;
            }
            if !self.known.contains_key(&header.hash()) {
                self.bodies.hold(header.hash(), Held { height: header.height, from: Some(peer), carried });
            }
            sealed.push(one);
        }
        self.steps.push_back(Step::Blocks(peer, sealed));
        true
    }
}

/// Take back all blocks above this one of the chain, and say which, lowest first.
fn take_back_to(core: &mut Core, block: Hash) -> Result<Vec<Hash>, NodeError> {
    if core.chain.head()?.hash == block {
        return Ok(vec![]);
    }
    let place = core.chain.header(block)?.ok_or_else(lost_block)?.place();
    let above = core.chain.main_from(Place::at(place.height + 1), Direction::Ascending, usize::MAX)?;
    core.unwind(block)?;
    Ok(above.into_iter().map(|(_, hash)| hash).collect())
}

/// More commitments have come to a block of the chain.
fn seal_again(core: &Core, seal: &Certificate) -> Result<(), NodeError> {
    if core.chain.main_at(Place::at(seal.height.0))? != Some(seal.block_hash) {
        return Ok(());
    }
    let mut commit = Commit::new();
    commit.record(SEAL_RECORD, seal.height.0, seal.encode());
    Ok(core.chain.store().commit(commit, Flush::Later)?)
}

fn alarm(core: &mut Core, what: String) {
    core.order(Order::News(News::Alarm(what)));
}
