//! Drive a committee's machine: agree with other validators on blocks, carry commits down and remits up.
//!
//! The machine agrees on headers; bodies are this side's affair: one is pushed behind its proposal, asked for where it is
//! missing, executed when the machine asks for a verdict, and made the head when it is decided. Rules: associates 5, 9.

use std::collections::{BTreeMap, VecDeque};

use banyan_committee::{
    Block, CommitteeParams, Decided, Effect, Input as Step, Machine, Message, Record, Saved, Sealed, Seq, To, Verdict,
};
use banyan_crypto::SecretKey;
use banyan_ledger::ConnectionPoint;
use banyan_store::{Commit, Flush, Order as Direction};
use banyan_types::{
    Bytes, Hash, Height, Peer, Points, PublicKey, TimeMs, committee::Certificate, header::ChildHeader, rlp::Field as _,
};

use super::{
    EMPTY_MAX, Link, Operators, SEAL_RECORD,
    block::{self, Made},
    bodies::{Bodies, Held, Missing},
    epochs::{self, SET_RECORD, Turn},
    grounds,
    judge::{self, Judged, lost_block},
    kept::{INBOX_RECORD, carried, seal_bytes, stored, stored_from},
    link, mark, marks, named,
    peers::Peers,
    read_record, relay,
    talk::{Carried, Final, Talk},
};
use crate::{
    Chain, Header, NodeError, Parent,
    genesis::EngineParams,
    node::{Core, Input, News, Order},
    parent::At,
};

/// Kinds of the records kept here: the log of the height above the head, the bodies of its blocks, the newest summary.
const LOG_RECORD: u8 = 5;
const BODY_RECORD: u8 = 6;
const RANGE_RECORD: u8 = 7;
/// Kind of the record of the newest handover that was signed.
const HANDOVER_RECORD: u8 = 12;
/// Rows of the log that are read at once at the start; one height leaves far fewer.
const LOG_ROWS_MAX: usize = 1 << 20;

/// What this node does on a committee's ledger.
pub struct ValidatorRole {
    /// Key that it proposes and votes with; a node without one follows.
    pub key: Option<SecretKey>,
    /// Sign and send summaries for the parent, if it does.
    pub operators: Option<Operators>,
    /// Where commits come from and remits go.
    pub parent: Box<dyn Parent>,
}

/// A committee's engine in a node.
pub struct CommitteeDriver {
    machine: Machine,
    own: PublicKey,
    link: Link,
    /// Blocks above the head that were executed.
    made: BTreeMap<Hash, (ChildHeader, Made)>,
    bodies: Bodies,
    /// Rows of the log on disk, and the number of the next one.
    rows: Vec<u64>,
    next_row: u64,
    peers: Peers,
    steps: VecDeque<Step>,
    /// Whether the machine was told, since the state last moved, that something waits.
    ready: bool,
    /// Blocks without transactions since the pool grew. One may have been under way already; two say that no block takes what waits.
    empty: u8,
    wake: Option<TimeMs>,
    /// Whether the last block was the last one of an epoch.
    turned: bool,
}

impl CommitteeDriver {
    pub(crate) fn open(core: &mut Core, role: ValidatorRole) -> Result<Self, NodeError> {
        let (head, last_final) = (core.chain.head()?.hash, core.chain.last_final()?.hash);
        if head != last_final {
            core.finalise(head)?; // every block is, and only the store's mark of it was lost
        }
        let EngineParams::Committee(engine) = &core.chain.file().engine else { return Err(NodeError::Role) };
        let ValidatorRole { key, operators, parent } = role;
        let params = core.chain.params();
        let point = parent.point(At::Final)?;
        let committee = CommitteeParams {
            block_interval_ms: engine.block_interval_ms,
            heartbeat_ms: engine.heartbeat_ms,
            ..CommitteeParams::dev(params.network_id.clone(), params.ledger, point.params.silence)
        };
        // Who follows has no key; the machine takes any that is no validator's.
        let key = key.unwrap_or_else(|| SecretKey::from_seed(core.chain.genesis_hash().0));
        let own = PublicKey(key.public());
        let turn = epochs::turn(&core.chain, engine)?;
        let Log { records, rows, bodies } = read_log(&core.chain)?;
        let saved = saved(&core.chain, &point, turn, records)?;
        link::see_regime(core, &point);
        let link = Link::new(parent, operators, &point, saved.parent);
        let mut effects = Vec::new();
        let machine = Machine::resume(committee, key, saved, &mut effects);
        let machine = machine.map_err(|broken| NodeError::Stopped(broken.to_string()))?;
        let next_row = rows.last().map_or(0, |row| row + 1);
        let mut driver = Self {
            machine,
            own,
            link,
            made: BTreeMap::new(),
            bodies,
            rows,
            next_row,
            peers: Peers::default(),
            steps: VecDeque::new(),
            ready: false,
            empty: 0,
            wake: None,
            turned: false,
        };
        for effect in effects {
            driver.perform(core, effect)?;
        }
        driver.see_handover(core)?;
        driver.run(core)?;
        Ok(driver)
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
        if seen.tip.is_some() || seen.accepted.is_some() {
            self.see_handover(core)?;
        }
        self.steps.extend(seen.tip.into_iter().chain(seen.answer).map(Step::ParentTip));
        if let Some((seq, child_to)) = seen.accepted {
            grounds::forget_to(core, child_to)?;
            self.steps.push_back(Step::SummaryAccepted { seq, child_to });
        }
        Ok(())
    }

    /// See which set of validators the parent has to follow next.
    fn see_handover(&mut self, core: &Core) -> Result<(), NodeError> {
        if core.chain.params().committee().is_some() {
            let handover = epochs::handover(&core.chain, &self.link.point()?)?;
            self.steps.push_back(Step::Handover(handover));
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
            let stepped = self.machine.step(step, &mut effects);
            stepped.map_err(|stopped| NodeError::Stopped(stopped.to_string()))?;
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
                let step = built.map_or(Step::Unbuilt, |(made, draft)| {
                    let header = draft.complete(&header);
                    self.made.insert(header.hash(), (header, made));
                    Step::Built(draft)
                });
                self.steps.push_back(step);
            }
            Effect::Verify(header, prev_seal) => self.verify(core, header, prev_seal)?,
            Effect::Persist(seq, records) => self.persist(core, seq, &records)?,
            Effect::Send(to, message) => self.say(core, to, &message),
            Effect::Serve(peer, from) => self.serve(core, peer, from)?,
            Effect::Commit(decided) => self.commit(core, &decided)?,
            Effect::Accuse(pair) => self.link.accuse(core, &pair)?,
            Effect::HandOver(handover, certificate) => self.link.hand_over(core, &handover, &certificate)?,
            Effect::Sealed(header) => {
                self.link.recall(&header)?;
                self.bodies.seal(&header);
            }
            Effect::AskParent(height) => self.steps.extend(self.link.ask(height)?.map(Step::ParentTip)),
            Effect::Summarise(range) => self.link.summarise(core, range)?,
            Effect::Quorum(is_there) => {
                core.publish(|view| view.is_degraded = !is_there);
                let news = if is_there { "a quorum of validators is back" } else { "no quorum of validators" };
                core.order(Order::News(News::Alarm(news.into())));
            }
            Effect::Score(peer, points) => self.peers.score(core, peer, points),
            Effect::Wake(at) => self.wake = Some(at),
            Effect::Alarm(alarm) => core.order(Order::News(News::Alarm(format!("{alarm:?}")))),
        }
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
        let verdict = match self.made.get(&block) {
            Some((_, made)) => Some(Verdict::Good { settled: made.settled() }),
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
                self.made.insert(block, (header.clone(), *made));
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
            let newest = match record {
                Record::Summary(_) => Some(RANGE_RECORD),
                Record::Handover(_) => Some(HANDOVER_RECORD),
                _ => None,
            };
            if let Some(kind) = newest {
                commit.record(kind, 0, record.encode());
                continue;
            }
            let row = self.next_row;
            self.next_row += 1;
            self.rows.push(row);
            commit.record(LOG_RECORD, row, record.encode());
            if let Record::Built(block) | Record::Verified(block) = record {
                let Block { header, .. } = &**block;
                let (_, made) = self.made.get(&header.hash()).ok_or_else(lost_block)?;
                let mut bytes = Vec::new();
                carried(header, made).put(&mut bytes);
                commit.record(BODY_RECORD, row, bytes);
            }
        }
        core.chain.store().commit(commit, Flush::Now)?;
        self.steps.push_back(Step::Persisted(seq));
        Ok(())
    }

    /// Say it; behind a proposal of this node's own goes the body.
    fn say(&self, core: &mut Core, to: To, message: &Message) {
        self.peers.send(core, to, &Talk::Word(Bytes(message.encode())));
        let Message::Proposal(proposed) = message else { return };
        let is_first = proposed.signed.by == self.own && proposed.signed.statement.valid_view.is_none();
        if let Some((header, made)) = self.made.get(&proposed.header.hash()).filter(|_| is_first) {
            self.peers.send(core, to, &Talk::Body(Box::new(carried(header, made))));
        }
    }

    /// Send a peer the final blocks from a height on, as many as one frame takes.
    fn serve(&mut self, core: &mut Core, peer: Peer, from: Height) -> Result<(), NodeError> {
        if !self.peers.may_have(peer, core.now) {
            return Ok(());
        }
        if let Some(blocks) = stored_from(&core.chain, from)? {
            self.peers.send(core, To::One(peer), &Talk::Blocks(blocks));
        }
        Ok(())
    }

    /// Make a decided block the head.
    fn commit(&mut self, core: &mut Core, decided: &Decided) -> Result<(), NodeError> {
        let Block { header, prev_seal, .. } = &decided.block;
        let (block, height) = (header.hash(), header.height);
        if !self.made.contains_key(&block) {
            // It was executed before a crash.
            self.judge(core, header, prev_seal.as_ref())?;
        }
        let (_, made) = self.made.remove(&block).ok_or_else(lost_block)?;
        let is_empty = made.txs.is_empty();
        self.empty = if is_empty { self.empty.saturating_add(1) } else { 0 };
        let (mut entries, rows) = (Vec::new(), std::mem::take(&mut self.rows));
        made.inbox.iter().map(|entry| Bytes(entry.encode())).collect::<Vec<_>>().put(&mut entries);
        let edge = epochs::row(self.machine.tip(), header, &self.machine.epoch().set);
        block::commit(core, &mut self.link, header, made, |commit| {
            commit.record(SEAL_RECORD, height.0, decided.certificate.encode());
            commit.record(INBOX_RECORD, height.0, entries);
            if let Some(set) = edge {
                commit.record(SET_RECORD, height.0, set);
            }
            for row in rows {
                commit.forget(LOG_RECORD, row).forget(BODY_RECORD, row);
            }
        })?;
        // A crash in between loses only what the state says too, as long as it is kept.
        let mut more = Commit::new();
        grounds::prove(&mut more, height, &core.chain.head()?.view);
        core.chain.store().commit(more, Flush::Later)?;
        self.made.clear();
        self.bodies.forget_to(height);
        // Whoever did not build the block still takes the pool for what it was.
        self.ready = core.pool().has_waiting() && self.empty < EMPTY_MAX;
        self.steps.push_back(if self.ready { Step::PoolReady } else { Step::PoolEmpty });
        let next = epochs::next(&core.chain)?.map(|(_, epoch)| epoch);
        let next = next.filter(|next| next.number != self.machine.epoch().number).map(Box::new);
        let is_edge = next.is_some();
        self.steps.push_back(Step::Committed { height, next });
        // What follows the running epoch is announced by its first block; the parent is looked at then.
        if is_edge || self.turned {
            self.see_handover(core)?;
        }
        self.turned = is_edge;
        Ok(())
    }

    /// A frame has come.
    fn hear(&mut self, core: &mut Core, peer: Peer, bytes: &[u8]) -> Result<(), NodeError> {
        let wrong = match Talk::decode(bytes) {
            Err(_) => true,
            Ok(Talk::Word(word)) => match Message::decode(&word.0) {
                Ok(message) => {
                    self.steps.push_back(Step::Heard(peer, message));
                    false
                }
                Err(_) => true,
            },
            Ok(Talk::Body(carried)) => !self.body_came(core, peer, *carried)?,
            Ok(Talk::AskBody(block)) => {
                self.give_body(core, peer, block)?;
                false
            }
            Ok(Talk::Blocks(blocks)) => !self.blocks_came(peer, blocks),
            Ok(Talk::Txs(txs)) => {
                (self.ready, self.empty) = (false, 0);
                !relay::take(core, peer, self.peers.iter(), &txs)?
            }
            Ok(Talk::Have(hashes)) => {
                relay::told(core, peer, &hashes)?;
                false
            }
            Ok(Talk::Want(hashes)) => {
                relay::asked(core, peer, &hashes);
                false
            }
        };
        if wrong {
            self.peers.score(core, peer, Points::WRONG_BYTES);
        }
        Ok(())
    }

    /// A body has come. Whether it is one.
    fn body_came(&mut self, core: &mut Core, peer: Peer, carried: Carried) -> Result<bool, NodeError> {
        let Ok((header, _)) = carried.open() else { return Ok(false) };
        if header.height <= self.machine.tip().height {
            return Ok(true);
        }
        let block = header.hash();
        self.bodies.hold(block, Held { height: header.height, from: Some(peer), carried });
        if let Some(Missing { header, prev_seal, .. }) = self.bodies.found(block)
            && let Some(verdict) = self.judge(core, &header, prev_seal.as_deref())?
        {
            self.steps.push_back(Step::Verified(block, verdict));
        }
        Ok(true)
    }

    fn give_body(&self, core: &mut Core, peer: Peer, block: Hash) -> Result<(), NodeError> {
        let made = self.made.get(&block).map(|(header, made)| carried(header, made));
        let held = || self.bodies.get(block).map(|held| held.carried.clone());
        let found = match made.or_else(held) {
            Some(carried) => Some(carried),
            None => match core.chain.header(block)? {
                Some(header) => stored(&core.chain, header.place(), block)?.map(|block| block.carried),
                None => None,
            },
        };
        if let Some(carried) = found {
            self.peers.send(core, To::One(peer), &Talk::Body(Box::new(carried)));
        }
        Ok(())
    }

    /// Final blocks have come. Whether they are such.
    fn blocks_came(&mut self, peer: Peer, blocks: Vec<Final>) -> bool {
        let mut sealed = Vec::new();
        for Final { carried, seal } in blocks {
            let (Ok((header, body)), Ok(seal)) = (carried.open(), Certificate::read(&seal.0)) else {
                return false;
            };
            let Ok(one) = Sealed::of(&body, seal) else { return false };
            if header.height > self.machine.tip().height {
                self.bodies.hold(header.hash(), Held { height: header.height, from: Some(peer), carried });
                sealed.push(one);
            }
        }
        self.steps.push_back(Step::Blocks(peer, sealed));
        true
    }
}

/// What the last run wrote down of the height above the head.
struct Log {
    records: Vec<Record>,
    rows: Vec<u64>,
    bodies: Bodies,
}

fn read_log(chain: &Chain) -> Result<Log, NodeError> {
    let rows = chain.store().records(LOG_RECORD, 0, Direction::Ascending, LOG_ROWS_MAX)?;
    let mut log = Log { records: vec![], rows: vec![], bodies: Bodies::default() };
    for (row, bytes) in rows {
        let record = Record::decode(&bytes)?;
        if let Record::Built(block) | Record::Verified(block) = &record {
            let bytes = chain.store().record(BODY_RECORD, row)?.ok_or_else(lost_block)?;
            let held = Held { height: block.header.height, from: None, carried: read_record(&bytes)? };
            log.bodies.hold(block.header.hash(), held);
            // It was executed here once: what lies beside it is what it has settled.
            log.bodies.seal(&block.header);
        }
        log.records.push(record);
        log.rows.push(row);
    }
    Ok(log)
}

/// What the store has kept, as the machine takes it.
fn saved(chain: &Chain, point: &ConnectionPoint, turn: Turn, log: Vec<Record>) -> Result<Saved, NodeError> {
    let Header::Child(tip) = chain.head()?.header else { return Err(NodeError::Role) };
    let seal = chain.store().record(SEAL_RECORD, tip.height.0)?;
    let newest =
        |kind| Ok::<_, NodeError>(chain.store().record(kind, 0)?.map(|bytes| Record::decode(&bytes)).transpose()?);
    let (range, handover) = (newest(RANGE_RECORD)?, newest(HANDOVER_RECORD)?);
    // What the parent has accepted may be ahead of this node: then it catches up first.
    let base = point.point.child_to.min(tip.height);
    Ok(Saved {
        seal: seal.map(|bytes| Certificate::read(&bytes)).transpose()?,
        parent: named(chain, &tip)?,
        sealers: turn.sealers,
        epoch: turn.epoch,
        log,
        accepted: point.point.seq,
        accepted_to: point.point.child_to,
        base: mark(chain, base)?,
        since: marks(chain, base, tip.height)?,
        edges: epochs::edges(chain, base)?,
        summary: match range {
            Some(Record::Summary(range)) => Some(range),
            _ => None,
        },
        handover: match handover {
            Some(Record::Handover(signed)) => Some(signed),
            _ => None,
        },
        tip: *tip,
    })
}
