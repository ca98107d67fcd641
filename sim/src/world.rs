//! A whole tree in one thread: virtual time, disks in memory, links that lose things, and the real nodes.
//!
//! Events wait in one queue by time; each is given to a node, its orders become events. After each, the laws are checked. Everything
//! is drawn from the seed, so the same seed is the same world. Read [`World::step`] first.

use std::collections::{BTreeMap, BTreeSet};

use banyan_node::{EngineParams, Input, LocalParent, News, NodeError, Operators, Order, Role, RootRole, SoloRole};
use banyan_root::{Peer, To};
use banyan_types::{Hash, TimeMs, tx::SignedTx};

use crate::{
    faults::Faults,
    figures::Figures,
    host::{Host, HostId, Run, is_planned},
    journeys::Journeys,
    law::{self, Broken, ensure},
    links::{FORGER, Links, Message, Parcel, RETRY_MS, Wanted},
    minter::Minter,
    oracle::{Found, Oracle},
    promise::Expect,
    random::Random,
    replay,
    setting::{GENESIS_TIME, KEY_INTERVAL_MS, Setting, Tree, Who},
    trace::{Said, Short, Told, Trace},
    users::{Sent, Users},
    watch::{Leave, Watch},
};

/// Steps at one moment at most: more is a node that asks to be woken for ever.
const STEPS_PER_MOMENT_MAX: u32 = 10_000;
/// Longest time that something takes inside one machine, in milliseconds.
const LOCAL_MS: u64 = 20;
/// Between two lies, in milliseconds.
const LIE_MS: u64 = 2_000;
/// Between two looks for missing nonces once all is well again, in milliseconds.
const FILL_MS: u64 = 500;
/// Writes after which a failing disk fails, at most.
const FAILS_AFTER_MAX: u64 = 40;

/// Share of what users send that some node has already, in thousandths.
const REPEATED: u64 = 80;

/// What will happen.
#[derive(Debug, Clone)]
enum Event {
    /// A node asked to be woken.
    Wake(HostId, Run),
    /// A message arrives.
    Arrive(Message),
    /// Whether an answer is still missing.
    Missing(Wanted),
    /// Nobody answers there any more.
    Gone(HostId, Run, Peer),
    /// A search has ended.
    Found(Found),
    /// The child is told that its parent moved.
    ParentMoved,
    /// The child's remit reaches the parent.
    Remit(Box<SignedTx>),
    /// A user does something, or has something to mend.
    User,
    /// The liar does something.
    Lie,
    /// Some host's power goes, or its disk begins to fail.
    Crash,
    /// A host starts again.
    Start(HostId),
    /// Nodes lose sight of each other.
    Part,
    /// They see each other again.
    Mend,
}

/// The world.
pub struct World {
    seed: u64,
    setting: Setting,
    tree: Tree,
    now: TimeMs,
    moment_steps: u32,
    queue: BTreeMap<(TimeMs, u64), Event>,
    events: u64,
    hosts: Vec<Host>,
    links: Links,
    oracle: Oracle,
    users: Users,
    minter: Option<Minter>,
    faults: Faults,
    chaos: Random,
    well: bool,
    watch: Watch,
    journeys: Journeys,
    trace: Trace,
    /// What happened so far.
    pub figures: Figures,
}

impl World {
    /// A world whose hosts have not started yet.
    /// # Errors
    /// `Genesis` or `GenesisFile` when the setting contradicts itself.
    pub fn new(seed: u64, setting: &Setting, faults: Faults, leave: Leave, trace: Trace) -> Result<Self, NodeError> {
        let tree = setting.tree()?;
        let mut chaos = Random::named(seed, "chaos");
        let files = (0..setting.roots).map(|_| &tree.root).chain(tree.child.as_ref().map(|(_, file)| file));
        let mut skew = || i64::try_from(chaos.below(2 * faults.skew_ms + 1)).unwrap_or(0);
        let half = i64::try_from(faults.skew_ms).unwrap_or(0);
        let hosts: Vec<_> = files.map(|file| Host::new(file.clone(), skew() - half)).collect();
        let mut world = Self {
            seed,
            setting: setting.clone(),
            now: GENESIS_TIME,
            moment_steps: 0,
            queue: BTreeMap::new(),
            events: 0,
            links: Links::new(seed),
            oracle: Oracle::new(seed),
            users: Users::new(seed, setting.users),
            minter: tree.liar.map(|child| Minter::new(seed, child)),
            faults,
            chaos,
            well: false,
            watch: Watch::new(hosts.len(), leave),
            journeys: Journeys::default(),
            trace,
            figures: Figures::default(),
            hosts,
            tree,
        };
        world.begin();
        Ok(world)
    }

    /// Put the first events into the queue.
    fn begin(&mut self) {
        for host in self.hosts() {
            self.after(host.0 as u64, Event::Start(host));
        }
        self.after(KEY_INTERVAL_MS, Event::User);
        if self.minter.is_some() {
            self.after(KEY_INTERVAL_MS, Event::Lie);
        }
        self.plan_crash();
        self.plan_partition();
    }

    /// Let the disk of a host fail at an operation, counted from its first start.
    pub fn fail_at(&self, host: HostId, operation: u64) {
        self.hosts[host.0].disk().fail_at(operation);
    }

    /// Operations of a host's disk since its last start.
    pub fn operations(&self, host: HostId) -> u64 {
        self.hosts[host.0].disk().operations()
    }

    /// All hosts: the nodes of the root, then the child.
    pub fn hosts(&self) -> impl Iterator<Item = HostId> + use<> {
        (0..self.hosts.len()).map(HostId)
    }

    /// The hash over everything that happened.
    pub const fn trace_hash(&self) -> Hash {
        self.trace.hash()
    }

    /// The time.
    pub const fn now(&self) -> TimeMs {
        self.now
    }

    /// Run until so long after the genesis.
    /// # Errors
    /// The first law that does not hold.
    pub fn run_until(&mut self, span_ms: u64) -> Result<(), Broken> {
        let end = TimeMs(GENESIS_TIME.0 + span_ms);
        while self.queue.first_key_value().is_some_and(|((at, _), _)| *at <= end) {
            self.step()?;
        }
        self.now = end;
        Ok(())
    }

    /// Carry out the next event.
    /// # Errors
    /// The first law that does not hold.
    pub fn step(&mut self) -> Result<(), Broken> {
        let Some(((at, _), event)) = self.queue.pop_first() else { return Ok(()) };
        self.moment_steps = if at > self.now { 0 } else { self.moment_steps + 1 };
        let busy = self.moment_steps > STEPS_PER_MOMENT_MAX;
        ensure(!busy, "time goes on", || format!("{event:?} again and again"))?;
        self.now = at;
        self.figures.steps += 1;
        match event {
            Event::Wake(host, run) => self.wake(host, run),
            Event::Arrive(message) => self.arrive(message),
            Event::Missing(wanted) => self.missing(wanted),
            Event::Gone(host, run, peer) if self.hosts[host.0].run == run => self.give(host, Input::Gone(peer)),
            Event::Gone(..) => Ok(()),
            Event::Found(found) => self.found(found),
            Event::ParentMoved => self.child().map_or(Ok(()), |child| self.give(child, Input::ParentMoved)),
            Event::Remit(tx) => self.submit(HostId(0), &Sent { tx: *tx, expect: Expect::Good, leg: None }),
            Event::User => self.user(),
            Event::Lie => self.lie(),
            Event::Crash => {
                self.crash_some();
                Ok(())
            }
            Event::Start(host) => self.start(host),
            Event::Part => {
                self.part();
                Ok(())
            }
            Event::Mend => self.mend(),
        }
    }

    fn after(&mut self, ms: u64, event: Event) {
        self.at(TimeMs(self.now.0 + ms), event);
    }

    fn at(&mut self, at: TimeMs, event: Event) {
        self.events += 1;
        self.queue.insert((at.max(self.now), self.events), event);
    }

    fn child(&self) -> Option<HostId> {
        self.tree.child.as_ref().map(|_| HostId(self.setting.roots))
    }

    // --- nodes ---

    fn give(&mut self, id: HostId, input: Input) -> Result<(), Broken> {
        if self.hosts[id.0].is_up() {
            self.trace.line(self.now, id, format_args!("<- {}", Told(&input)));
        }
        let done = self.hosts[id.0].handle(self.now, Some(input));
        self.done(id, done)
    }

    fn wake(&mut self, id: HostId, run: Run) -> Result<(), Broken> {
        let host = &mut self.hosts[id.0];
        if host.run != run || host.wake != Some(self.now) {
            return Ok(());
        }
        host.wake = None;
        self.trace.line(self.now, id, format_args!("<- tick"));
        let done = host.handle(self.now, None);
        self.done(id, done)
    }

    fn submit(&mut self, id: HostId, sent: &Sent) -> Result<(), Broken> {
        if !self.hosts[id.0].is_up() {
            return Ok(());
        }
        self.trace.line(self.now, id, format_args!("<- submit {}", sent.tx.hash()));
        let (answers, orders) = match self.hosts[id.0].submit(self.now, vec![sent.tx.clone()]) {
            Ok(done) => done,
            Err(error) => return self.done(id, Err(error)),
        };
        let answer = answers.into_iter().next();
        let code = answer.as_ref().and_then(|answer| answer.as_ref().err()).map(banyan_node::SubmitError::code);
        if let Expect::Refused(expected) = sent.expect {
            let law = "what is bad is refused for what is bad about it";
            ensure(code == Some(expected), law, || format!("{id} answered {code:?}, not {expected}"))?;
        }
        if let Some(code) = code {
            self.figures.refused(code);
        } else {
            self.watch.promised(id, &sent.tx, sent.expect);
            sent.leg.into_iter().for_each(|leg| self.journeys.begin(leg, self.now));
        }
        self.done(id, Ok(orders))
    }

    /// Carry out what a node ordered, or what follows from its end; then check it.
    fn done(&mut self, id: HostId, done: Result<Vec<Order>, NodeError>) -> Result<(), Broken> {
        let orders = match done {
            Ok(orders) => orders,
            Err(error) if is_planned(&error) => {
                self.lose_power(id);
                return Ok(());
            }
            Err(error) => return Err(Broken::new("a node stops only with its disk", format!("{id}: {error}"))),
        };
        for order in orders {
            self.trace.line(self.now, id, format_args!("-> {}", Said(&order)));
            self.watch.order(id, &order)?;
            self.carry_out(id, order)?;
        }
        self.check(id)
    }

    fn carry_out(&mut self, id: HostId, order: Order) -> Result<(), Broken> {
        match order {
            Order::Mine(template, header) => {
                let mean_ms = self.setting.solve_ms * self.setting.roots as u64;
                let (ms, found) = self.oracle.begin(id, self.hosts[id.0].run, template, header, mean_ms);
                self.after(ms, Event::Found(found));
            }
            Order::StopMining => self.oracle.stop(id),
            Order::Send(to, block) => {
                for (peer, _) in self.links.of(id) {
                    if to != To::Except(peer) {
                        self.post(id, peer, &Parcel::Block(block.clone()));
                    }
                }
            }
            Order::Fetch(peer, block) => self.fetch(id, peer, block),
            Order::Answer(peer, block) => self.post(id, peer, &Parcel::Answer(block)),
            Order::Wake(at) => {
                let host = &mut self.hosts[id.0];
                let (at, run) = (host.world_time(at).max(self.now), host.run);
                host.wake = Some(at);
                self.at(at, Event::Wake(id, run));
            }
            Order::ToParent(tx) => {
                let ms = self.chaos.between(1, LOCAL_MS);
                self.after(ms, Event::Remit(tx));
            }
            Order::News(news) => self.news(id, &news)?,
            // Nodes of this world carry blocks alone: they have no gossip.
            Order::Score(..) | Order::Frame { .. } | Order::Learn(..) | Order::Disconnect { .. } => {}
        }
        Ok(())
    }

    fn news(&mut self, id: HostId, news: &News) -> Result<(), Broken> {
        if let News::Tip { undone, .. } = news
            && let Some(chain) = self.hosts[id.0].chain()
        {
            let headers: Vec<_> = undone.iter().map(|block| chain.header(*block)).collect::<Result<_, _>>()?;
            let keys = headers.iter().flatten().filter(|header| matches!(header, banyan_node::Header::Key(_))).count();
            if !undone.is_empty() {
                *self.figures.reorgs.entry(keys).or_default() += 1;
            }
        }
        if id == HostId(0) && matches!(news, News::Tip { .. } | News::Final { .. }) && self.child().is_some() {
            let ms = self.chaos.between(1, LOCAL_MS);
            self.after(ms, Event::ParentMoved);
        }
        Ok(())
    }

    /// The laws, as far as this host can break them.
    fn check(&mut self, id: HostId) -> Result<(), Broken> {
        let Some(node) = self.hosts[id.0].node() else { return Ok(()) };
        self.watch.node(id, node, &mut self.figures)?;
        let (Some((associate, _)), Some(child)) = (&self.tree.child, self.child()) else { return Ok(()) };
        if id != HostId(0) && id != child {
            return Ok(());
        }
        let (Some(root), Some(child)) = (self.hosts[0].chain(), self.hosts[child.0].chain()) else { return Ok(()) };
        if self.watch.moved(root.store().head(), child.store().head()) {
            law::bridge(&root.head()?.view, child, *associate)?;
            let parent = root.last_final()?.view;
            self.journeys.look(self.now, &parent, child, *associate, &mut self.figures)?;
        }
        Ok(())
    }

    // --- links ---

    fn post(&mut self, from: HostId, peer: Peer, parcel: &Parcel) {
        for (ms, message) in self.links.post(&self.faults, from, peer, parcel) {
            self.after(ms, Event::Arrive(message));
        }
    }

    fn arrive(&mut self, Message { peer, to, parcel }: Message) -> Result<(), Broken> {
        let is_open = peer == FORGER || (self.links.other_end(peer, to).is_some() && !self.links.is_cut(peer));
        if !is_open {
            return Ok(());
        }
        match parcel {
            Parcel::Ask(block) => self.give(to, Input::Asked { by: peer, block }),
            Parcel::Block(block) => self.give(to, Input::Block { from: Some(peer), block }),
            Parcel::Answer(block) => {
                if let Ok(header) = banyan_node::Header::decode(&block.header) {
                    self.links.got(&(to, peer, header.hash()));
                }
                self.give(to, Input::Block { from: Some(peer), block })
            }
        }
    }

    fn fetch(&mut self, id: HostId, peer: Peer, block: Hash) {
        let wanted = (id, peer, block);
        if self.links.other_end(peer, id).is_none() {
            self.after(RETRY_MS, Event::Gone(id, self.hosts[id.0].run, peer));
        } else if self.links.want(wanted) {
            self.post(id, peer, &Parcel::Ask(block));
            self.after(RETRY_MS, Event::Missing(wanted));
        }
    }

    fn missing(&mut self, wanted: Wanted) -> Result<(), Broken> {
        let (id, peer, block) = wanted;
        match self.links.ask_again(&wanted) {
            Some(true) => {
                self.post(id, peer, &Parcel::Ask(block));
                self.after(RETRY_MS, Event::Missing(wanted));
                Ok(())
            }
            Some(false) => match self.links.other_end(peer, id) {
                Some(other) => self.reconnect(peer, [id, other]),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// End a connection and make a new one.
    fn reconnect(&mut self, peer: Peer, [a, b]: [HostId; 2]) -> Result<(), Broken> {
        self.links.hang_up(peer);
        self.give(a, Input::Gone(peer))?;
        self.give(b, Input::Gone(peer))?;
        self.connect(a, b)
    }

    /// A new connection, on which both say where they stand.
    fn connect(&mut self, a: HostId, b: HostId) -> Result<(), Broken> {
        if !self.hosts[a.0].is_up() || !self.hosts[b.0].is_up() {
            return Ok(());
        }
        let peer = self.links.connect(a, b);
        self.trace.line(self.now, a, format_args!("== {b} {}", peer.0));
        for host in [a, b] {
            let Some(chain) = self.hosts[host.0].chain() else { continue };
            let hash = chain.head()?.hash;
            if let Some(block) = chain.block(hash)? {
                let block = banyan_node::BlockBytes { header: block.header.encode(), body: block.body };
                self.post(host, peer, &Parcel::Block(block));
            }
        }
        Ok(())
    }

    fn plan_partition(&mut self) {
        if self.faults.partition_every_ms > 0 && self.setting.roots > 1 {
            let ms = self.chaos.exponential(self.faults.partition_every_ms);
            self.after(ms, Event::Part);
        }
    }

    fn part(&mut self) {
        if self.well || self.links.is_parted() {
            return;
        }
        let far: BTreeSet<_> = (0..self.setting.roots).map(HostId).filter(|_| self.chaos.chance(500)).collect();
        if !far.is_empty() && far.len() < self.setting.roots {
            self.trace.line(self.now, "world", format_args!("parts {far:?}"));
            self.figures.partitions += 1;
            self.links.cut(far);
        }
        let ms = self.chaos.between(100, self.faults.partition_ms.max(100));
        self.after(ms, Event::Mend);
    }

    fn mend(&mut self) -> Result<(), Broken> {
        for (peer, ends) in self.links.mend() {
            self.reconnect(peer, ends)?;
        }
        if !self.well {
            self.plan_partition();
        }
        Ok(())
    }

    // --- power ---

    fn plan_crash(&mut self) {
        if self.faults.crash_every_ms > 0 {
            let ms = self.chaos.exponential(self.faults.crash_every_ms);
            self.after(ms, Event::Crash);
        }
    }

    fn crash_some(&mut self) {
        if self.well {
            return;
        }
        self.plan_crash();
        let host = HostId(self.chaos.place(self.hosts.len()));
        if !self.hosts[host.0].is_up() {
            return;
        }
        if self.chaos.chance(500) {
            self.lose_power(host);
            return;
        }
        let disk = self.hosts[host.0].disk();
        disk.fail_at(disk.operations() + self.chaos.below(FAILS_AFTER_MAX));
    }

    /// A host ends, and with node 0 the child, whose process it shares. Both start again later.
    fn lose_power(&mut self, host: HostId) {
        let mut down = vec![host];
        down.extend(self.child().filter(|_| host == HostId(0)));
        let outage = self.chaos.between(50, self.faults.outage_ms.max(50));
        for host in down {
            let lost = self.hosts[host.0].lose_power(&mut self.chaos);
            self.trace.line(self.now, host, format_args!("loses its power and {lost} batches"));
            self.figures.crashes += 1;
            self.oracle.stop(host);
            let planned = self.queue.values().any(|event| matches!(event, Event::Start(other) if *other == host));
            if !planned {
                self.after(outage + host.0 as u64, Event::Start(host));
            }
            for (peer, other) in self.links.of(host) {
                self.links.hang_up(peer);
                self.after(LOCAL_MS, Event::Gone(other, self.hosts[other.0].run, peer));
            }
        }
    }

    fn start(&mut self, id: HostId) -> Result<(), Broken> {
        if self.hosts[id.0].is_up() {
            return Ok(());
        }
        let Some(role) = self.role(id) else {
            // The child waits for its parent's process.
            self.after(LOCAL_MS, Event::Start(id));
            return Ok(());
        };
        let disk = self.hosts[id.0].disk();
        if !self.well && self.faults.crash_every_ms > 0 && self.chaos.chance(100) {
            disk.fail_at(disk.operations() + self.chaos.below(4));
        }
        let was_up = self.hosts[id.0].run > 0;
        self.trace.line(self.now, id, format_args!("starts"));
        match self.hosts[id.0].start(role) {
            Ok(()) => {}
            Err(error) => return self.done(id, Err(error)),
        }
        if was_up {
            self.watch.restarted(id);
        }
        self.check(id)?;
        if Some(id) == self.child() {
            return self.give(id, Input::ParentMoved);
        }
        let clock = self.hosts[id.0].clock(self.now);
        self.give(id, Input::Tick(clock))?;
        for other in (0..self.setting.roots).map(HostId).filter(|other| *other != id) {
            self.connect(id, other)?;
        }
        Ok(())
    }

    fn role(&self, id: HostId) -> Option<Role> {
        if let (Some((associate, _)), true) = (&self.tree.child, Some(id) == self.child()) {
            let parent = LocalParent::new(self.hosts[0].chain()?.clone(), *associate);
            let operators = Operators { signers: vec![Who::Operator.key()], payer: Who::Operator.key() };
            return Some(Role::Solo(SoloRole { leader: Who::Operator.key(), operators, parent: Box::new(parent) }));
        }
        let who = Who::Miner(id.0);
        Some(Role::Root(RootRole { miner: Some(who.key()), beneficiary: Some(who.account()), ..RootRole::default() }))
    }

    // --- people ---

    fn user(&mut self) -> Result<(), Broken> {
        let ms = if self.well { FILL_MS } else { self.chaos.exponential(self.setting.act_ms) };
        self.after(ms, Event::User);
        let host = HostId(self.chaos.place(self.hosts.len()));
        let Some(node) = self.hosts[host.0].node() else { return Ok(()) };
        let sent = if self.well {
            self.users.fill(node)?
        } else if self.chaos.chance(REPEATED) {
            let there = if Some(host) == self.child() { host } else { HostId(self.chaos.place(self.setting.roots)) };
            self.hosts[there.0].node().map(|there| self.users.repeat(there)).transpose()?.flatten()
        } else {
            self.users.act(node, &self.tree)?
        };
        sent.map_or(Ok(()), |sent| self.submit(host, &sent))
    }

    fn lie(&mut self) -> Result<(), Broken> {
        if self.well {
            return Ok(());
        }
        self.after(LIE_MS, Event::Lie);
        let (Some(minter), Some(node)) = (&mut self.minter, self.hosts[0].node()) else { return Ok(()) };
        let told = minter.act(node)?;
        told.map_or(Ok(()), |(tx, expect)| self.submit(HostId(0), &Sent { tx, expect, leg: None }))
    }

    fn found(&mut self, found: Found) -> Result<(), Broken> {
        let EngineParams::Root(engine) = &self.tree.root.engine else { return Ok(()) };
        match self.oracle.found(found, engine.edge_bits) {
            Some(input) => self.give(found.host, input),
            None => Ok(()),
        }
    }

    // --- the end ---

    /// No more faults: every host runs, every link is whole and fast.
    /// # Errors
    /// The first law that does not hold.
    pub fn heal(&mut self) -> Result<(), Broken> {
        self.trace.line(self.now, "world", format_args!("heals"));
        self.well = true;
        self.faults = Faults::none();
        self.mend()?;
        for host in self.hosts().collect::<Vec<_>>() {
            self.hosts[host.0].disk().fail_at(u64::MAX);
            if !self.hosts[host.0].is_up() {
                self.start(host)?;
            }
        }
        Ok(())
    }

    /// Run until everything under way has come to its end, for so many key block intervals at most.
    /// # Errors
    /// The first law that does not hold; the last one is that this happens in time.
    pub fn settle_within(&mut self, intervals: u64) -> Result<(), Broken> {
        let goal = self.highest()?;
        let end = self.now.0 + intervals * KEY_INTERVAL_MS;
        while self.now.0 < end {
            if let Some(why) = self.unsettled(goal)? {
                let next = self.now.0 + KEY_INTERVAL_MS;
                if next >= end {
                    return Err(Broken::new("what is under way ends once all is well", why));
                }
                self.run_until(next - GENESIS_TIME.0)?;
            } else {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Height of the highest head.
    fn highest(&self) -> Result<u64, Broken> {
        let mut highest = 0;
        for chain in self.roots() {
            highest = highest.max(chain.head()?.header.height().0);
        }
        Ok(highest)
    }

    fn roots(&self) -> impl Iterator<Item = &std::sync::Arc<banyan_node::Chain>> {
        self.hosts.iter().take(self.setting.roots).filter_map(Host::chain)
    }

    /// What is still under way, if anything; `goal` is a height that must be final everywhere.
    fn unsettled(&self, goal: u64) -> Result<Option<String>, Broken> {
        let mut finals = BTreeSet::new();
        for chain in self.roots() {
            let last = chain.last_final()?.header.height().0;
            if last < goal {
                return Ok(Some(format!("final height {last}, {goal} wanted")));
            }
            finals.insert(chain.main_at(banyan_store::Place::at(goal))?);
        }
        if finals.len() != 1 {
            return Ok(Some(format!("heads at {goal}: {finals:?}")));
        }
        let open = self.watch.promises_open();
        if open > 0 {
            return Ok(Some(format!("{open} promises are open: {}", self.watch.first_promise())));
        }
        self.bridge_open()
    }

    /// What is still under way between parent and child.
    fn bridge_open(&self) -> Result<Option<String>, Broken> {
        use banyan_node::Leaves as _;
        let (Some((associate, _)), Some(child)) = (&self.tree.child, self.child()) else { return Ok(None) };
        let (Some(root), Some(child)) = (self.hosts[0].chain(), self.hosts[child.0].chain()) else {
            return Ok(Some("a host is down".into()));
        };
        let Some(point) = root.last_final()?.view.associate(*associate)? else { return Ok(None) };
        let tip = root.head()?.view.associate(*associate)?.map_or(0, |point| point.inbox_next);
        let leaf = child.head()?.view.parent_leaf()?;
        let (inbox, outbox) = leaf.map_or((0, 0), |leaf| (leaf.inbox, leaf.outbox));
        let escrow = root.last_final()?.view.escrow(*associate)?;
        let settled = inbox == point.inbox_next && point.inbox_next == tip && outbox == point.point.outbox_acked;
        let settled = settled && escrow.waiting.is_zero();
        Ok((!settled).then(|| {
            let (next, acked) = (point.inbox_next, point.point.outbox_acked);
            format!("inbox {inbox} of {next} of {tip}, outbox {acked} of {outbox}, waiting {:?}", escrow.waiting)
        }))
    }

    /// Apply every chain again from its genesis; count what the world ends with.
    /// # Errors
    /// That replay gives other roots.
    pub fn finish(&mut self) -> Result<(), Broken> {
        self.figures.time_ms = self.now.0 - GENESIS_TIME.0;
        self.figures.key_blocks = self.highest()?;
        for chain in self.roots() {
            let replayed = replay::root(chain, self.tree.child.as_ref().map(|(id, _)| *id))?;
            let is_first = self.hosts[0].chain().is_some_and(|first| std::sync::Arc::ptr_eq(first, chain));
            let child = self.child().and_then(|child| self.hosts[child.0].chain());
            if let (true, Some(child)) = (is_first, child) {
                replay::child(child, &replayed)?;
            }
        }
        self.trace.line(self.now, "world", format_args!("ends at {}", Short(&self.ends()?)));
        Ok(())
    }

    /// A hash over all heads.
    fn ends(&self) -> Result<Hash, Broken> {
        let mut all = Vec::new();
        for chain in self.hosts.iter().filter_map(Host::chain) {
            all.extend(chain.head()?.hash.0);
        }
        Ok(Hash(banyan_crypto::blake2b(&[&all])))
    }

    /// A broken law with the time at which it was.
    pub fn dated(&self, Broken { law, what }: Broken) -> Broken {
        let ms = self.now.0 - GENESIS_TIME.0;
        Broken { law, what: format!("{what} (after {}.{:03} s)", ms / 1_000, ms % 1_000) }
    }

    /// The seed.
    pub const fn seed(&self) -> u64 {
        self.seed
    }
}
