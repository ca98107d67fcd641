//! Many nodes in one thread: virtual time, links that delay and part, work found by chance.
//!
//! Events wait in one queue by time; each is given to a node, its orders become events. After each, the laws are checked.
//! All is drawn from the seed. Read `World::step` first.

use std::collections::BTreeMap;

use banyan_crypto::blake2b;
use banyan_root::{Header, TemplateId, To as Reach, target::Target};
use banyan_types::{
    Hash, Height, Peer, TimeMs,
    header::KeyHeader,
    witness::{Seal, VOTE_BYTES, Vote},
};
use banyan_witness::{Message, To, Want};

use crate::{
    law::{Broken, ensure},
    random::Random,
    root::{
        cheats,
        figures::Figures,
        ledger::{Ledger, Tx},
        node::{Node, NodeId, Order},
        plan::{Act, Fault, INTERVAL_MS, Plan},
        rules::{GENESIS_TIME, Rules, account, key_of, proof},
        scenario::{SETTLED_BLOCKS, SETTLING_BLOCKS},
        watch::Watch,
    },
};

/// Steps at one moment at most: more is a node that asks to be woken for ever.
const STEPS_PER_MOMENT_MAX: u32 = 20_000;
/// Longest that a withholding leader keeps a micro block, in milliseconds.
const LATE_MS: u64 = 40_000;
/// A fork, a skip or a withheld block is tried so often, in thousandths.
const CHEATS: u64 = 300;

/// What travels.
#[derive(Debug, Clone)]
enum Parcel {
    Blocks(Vec<Hash>),
    Ask(Hash),
    /// The block that was asked for is not there.
    Lacks,
    Word(Message),
    Want(Want),
    Pay(Tx),
}

#[derive(Debug, Clone)]
enum Event {
    Wake(NodeId, u64),
    Arrive(NodeId, NodeId, Parcel),
    Found(NodeId, u64),
    Pay,
    Start(NodeId),
    Fault(Fault),
}

/// A search.
struct Job {
    number: u64,
    template: TemplateId,
    header: Box<KeyHeader>,
    seal: Option<Box<Seal>>,
}

/// The world.
pub struct World {
    rules: Rules,
    plan: Plan,
    now: TimeMs,
    moment_steps: u32,
    queue: BTreeMap<(TimeMs, u64), Event>,
    events: u64,
    ledger: Ledger,
    nodes: Vec<Node>,
    groups: Vec<usize>,
    jobs: BTreeMap<NodeId, Job>,
    /// Of a selfish miner: what it has not shown.
    hidden: BTreeMap<NodeId, Vec<Hash>>,
    power: u64,
    links: Random,
    chance: Random,
    oracle: Random,
    /// When the work changed, and to how many percent of the first.
    shocks: Vec<(TimeMs, u64)>,
    pays: u64,
    trace: [u8; 32],
    healed: Option<(TimeMs, Height)>,
    /// Whom the figures are about, and who must keep the laws.
    pub watch: Watch,
    /// What happened so far.
    pub figures: Figures,
}

impl World {
    /// A world at its genesis.
    pub fn new(seed: u64, plan: Plan) -> Self {
        let mut rules = Rules::main(plan.witnesses, plan.era, plan.signs);
        rules.rotates = plan.rotates;
        let twins = plan.twins.iter().enumerate().map(|(at, who)| (NodeId(plan.nodes + at), *who));
        let all = (0..plan.nodes).map(|at| (NodeId(at), NodeId(at))).chain(twins);
        let node = |(id, who): (NodeId, NodeId)| {
            let mines = plan.power.get(id.0).is_some_and(|power| *power > 0);
            let mut node = Node::new(id, who, &rules, mines, plan.skews.get(id.0).copied().unwrap_or(0));
            node.omits_seals = id.0 < plan.censors;
            node
        };
        let nodes: Vec<_> = all.map(node).collect();
        let mut world = Self {
            ledger: Ledger::new(Header::Key(rules.genesis().into())),
            groups: vec![0; nodes.len()],
            rules,
            now: GENESIS_TIME,
            moment_steps: 0,
            queue: BTreeMap::new(),
            events: 0,
            nodes,
            jobs: BTreeMap::new(),
            hidden: BTreeMap::new(),
            power: 100,
            links: Random::named(seed, "root links"),
            chance: Random::named(seed, "root chance"),
            oracle: Random::named(seed, "root oracle"),
            shocks: Vec::new(),
            pays: 0,
            trace: [0; 32],
            healed: None,
            watch: Watch::default(),
            figures: Figures::default(),
            plan,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        for at in 0..self.nodes.len() {
            self.after(0, Event::Wake(NodeId(at), 0));
            for other in 0..self.nodes.len() {
                if self.talk(NodeId(at), NodeId(other)) {
                    self.nodes[at].connected(NodeId(other).peer());
                }
            }
        }
        self.after(self.plan.pay_ms, Event::Pay);
        for (ms, fault) in self.plan.faults.clone() {
            self.after(ms, Event::Fault(fault));
        }
    }

    /// The hash over all that happened.
    pub const fn trace_hash(&self) -> Hash {
        Hash(self.trace)
    }

    /// Live through the plan: safety under faults, then progress without them.
    /// # Errors
    /// The first law that does not hold.
    pub fn live(&mut self) -> Result<(), Broken> {
        let heal = TimeMs(GENESIS_TIME.0 + self.plan.heal_ms);
        self.run_until(heal)?;
        self.heal()?;
        let must = !self.watch.has_conflict;
        let end = TimeMs(heal.0 + self.plan.bound * INTERVAL_MS);
        while must && !self.is_well() {
            ensure(self.now < end, "finality resumes after the heal", || self.heights())?;
            self.step()?;
        }
        self.figures.heal_ms.push(self.now.0 - heal.0);
        // What the cheats did last needs some time to be seen by all.
        self.run_until(TimeMs(self.now.0 + INTERVAL_MS))?;
        self.finish();
        Ok(())
    }

    /// When it is, by the world's clock, since the genesis.
    pub const fn time_ms(&self) -> u64 {
        self.now.0 - GENESIS_TIME.0
    }

    fn run_until(&mut self, end: TimeMs) -> Result<(), Broken> {
        while self.queue.first_key_value().is_some_and(|((at, _), _)| *at <= end) {
            self.step()?;
        }
        self.now = end;
        Ok(())
    }

    fn heal(&mut self) -> Result<(), Broken> {
        self.fault(Fault::Heal)?;
        self.plan.loss = 0;
        let tips = self.honest().map(|node| node.root.tip().height);
        let top = tips.max().unwrap_or(Height(0));
        self.healed = Some((self.now, top));
        Ok(())
    }

    fn is_well(&self) -> bool {
        let Some((_, top)) = self.healed else { return false };
        self.honest().all(|node| node.votes.last_final().height > top && node.root.last_final().height > top)
    }

    fn heights(&self) -> String {
        let heights: Vec<_> = self
            .nodes
            .iter()
            .map(|node| {
                let (tip, root) = (node.root.tip().height, node.root.last_final().height);
                format!("{}/{}/{}r{}", tip, root, node.votes.last_final().height, node.votes.round().0)
            })
            .collect();
        format!("tip/final/sealed {}", heights.join(" "))
    }

    /// Nodes that the laws are about, as far as they run.
    pub fn honest(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.is_up && self.plan.is_honest(node.id))
    }

    /// The plan.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether a leader or a witness lost what it had to lose, on the chain of the first honest node.
    pub fn is_slashed(&self, id: NodeId) -> bool {
        let tip = self.honest().next().map(|node| node.root.tip().hash);
        let state = tip.and_then(|tip| self.ledger.get(&tip)?.state.clone());
        state.is_some_and(|state| state.slashed.contains(&account(id)))
    }

    /// Carry out the next event.
    fn step(&mut self) -> Result<(), Broken> {
        let Some(((at, number), event)) = self.queue.pop_first() else { return Ok(()) };
        self.moment_steps = if at > self.now { 0 } else { self.moment_steps + 1 };
        ensure(self.moment_steps <= STEPS_PER_MOMENT_MAX, "time goes on", || format!("{event:?} again and again"))?;
        self.now = at;
        self.figures.steps += 1;
        self.trace = blake2b(&[&self.trace, &at.0.to_be_bytes(), &number.to_be_bytes()]);
        match event {
            Event::Wake(id, run) => {
                let node = &self.nodes[id.0];
                if node.is_up && node.run == run {
                    self.drain(id)?;
                }
                Ok(())
            }
            Event::Arrive(from, to, parcel) => self.arrive(from, to, parcel),
            Event::Found(id, number) => self.found(id, number),
            Event::Pay => {
                self.pay();
                Ok(())
            }
            Event::Start(id) => self.start(id),
            Event::Fault(fault) => self.fault(fault),
        }
    }

    fn after(&mut self, ms: u64, event: Event) {
        self.at(TimeMs(self.now.0 + ms), event);
    }

    fn at(&mut self, at: TimeMs, event: Event) {
        self.events += 1;
        self.queue.insert((at.max(self.now), self.events), event);
    }

    // --- nodes ---

    /// Tell a node the time and let it work; carry out what it orders; look at it.
    fn drain(&mut self, id: NodeId) -> Result<(), Broken> {
        let mut orders = Vec::new();
        let node = &mut self.nodes[id.0];
        let wakes = node.wakes;
        node.tick(self.now);
        let lives = node.run(&self.rules, &mut self.ledger, self.now, &mut orders);
        if !lives {
            // What it had ordered in this step is lost with it: the disk may know more than the world.
            return self.lose_power(id);
        }
        let (next, run) = (node.wakes.iter().flatten().min().copied(), node.run);
        if node.wakes != wakes
            && let Some(next) = next
        {
            let at = self.nodes[id.0].world(next).max(self.now);
            self.at(at, Event::Wake(id, run));
        }
        for order in orders {
            self.carry_out(id, order)?;
        }
        let (tip, round) = (self.nodes[id.0].root.tip(), self.nodes[id.0].votes.round());
        self.trace = blake2b(&[&self.trace, &tip.hash.0, &round.0.to_be_bytes()]);
        if self.plan.is_honest(id) { self.watch.node(&self.nodes[id.0], &self.ledger) } else { Ok(()) }
    }

    fn carry_out(&mut self, id: NodeId, order: Order) -> Result<(), Broken> {
        let honest = self.plan.is_honest(id);
        match order {
            Order::Block(hash, to) => self.send_block(id, hash, to),
            Order::Fetch(peer, hash) => self.post(id, node_of(peer), Parcel::Ask(hash)),
            Order::Word(message, to) => self.say(id, &message, to)?,
            Order::Want(peer, want) => self.post(id, node_of(peer), Parcel::Want(want)),
            Order::Mine(template, header, seal) => self.mine(id, template, header, seal),
            Order::StopMining => drop(self.jobs.remove(&id)),
            Order::Signed(hash) => {
                let header = self.ledger.get(&hash).map(|stored| stored.header.clone());
                if let Some(header) = header.filter(|_| honest) {
                    self.watch.signed(id, header.prev_key_hash(), header.index(), hash)?;
                }
                self.fork(id, hash);
            }
            Order::Tip(tip) if honest => {
                let (node, hold) = (&self.nodes[id.0], self.rules.root.lock_hold_ms);
                self.watch.tip(node, &self.ledger, &tip, hold, self.now, &mut self.figures)?;
            }
            Order::Final(seal) if honest => {
                self.watch.sealed(id, &self.ledger, &seal, self.plan.is_safe())?;
                self.watch.finals(&self.nodes[id.0], &self.ledger, &seal, self.now, &mut self.figures);
            }
            Order::Witnessed(hash) => self.watch.witnessed(id, hash),
            Order::Locked(micro) if honest => self.watch.locked(id, micro.hash, self.now),
            Order::Accuse(proof) if honest => {
                let guilty = (0..self.plan.witnesses).map(NodeId).find(|who| account(*who) == proof.staker);
                let fair = guilty.is_some_and(|who| matches!(self.plan.act(who), Act::Equivocator | Act::Twin));
                ensure(fair, "honest votes are never evidence", || format!("{id} accuses {guilty:?}: {proof:?}"))?;
                self.watch.convicted.insert(proof.staker);
                self.spread(id, Tx::Votes(proof.staker));
            }
            Order::Fraud(key) => {
                let leader = self.ledger.get(&key).map(|stored| stored.header.clone());
                let is_cheat = |who: &NodeId| matches!(&leader, Some(Header::Key(key)) if key.miner == key_of(*who));
                let cheat = (0..self.plan.nodes).map(NodeId).find(is_cheat);
                let fair = cheat.is_some_and(|who| self.plan.act(who) == Act::Forking);
                ensure(fair, "an honest leader is never accused", || format!("{id} accuses {cheat:?}"))?;
                self.watch.forked.insert(key);
                self.spread(id, Tx::Fork(key));
            }
            Order::Alarm(text) if honest => self.alarm(id, &text)?,
            Order::Tip(_) | Order::Final(_) | Order::Locked(_) | Order::Accuse(_) | Order::Alarm(_) => {}
        }
        Ok(())
    }

    fn alarm(&mut self, id: NodeId, text: &str) -> Result<(), Broken> {
        if text.starts_with("ForkBelowFinal") {
            return Ok(());
        }
        if text.starts_with("ConflictingSeal") || text.starts_with("ConflictingFinal") {
            self.watch.alarmed.insert(id);
            self.watch.has_conflict = true;
        }
        ensure(!self.plan.is_safe(), "nothing alarms an honest node", || format!("{id}: {text}"))
    }

    // --- links ---

    fn talk(&self, a: NodeId, b: NodeId) -> bool {
        a != b && self.groups[a.0] == self.groups[b.0] && self.nodes[a.0].who != self.nodes[b.0].who
    }

    fn others(&self, id: NodeId) -> Vec<NodeId> {
        (0..self.nodes.len()).map(NodeId).filter(|other| self.talk(id, *other)).collect()
    }

    fn delay(&mut self) -> u64 {
        let (least, most) = self.plan.delay_ms;
        self.links.between(least, most)
    }

    fn post(&mut self, from: NodeId, to: NodeId, parcel: Parcel) {
        if self.talk(from, to) {
            let ms = self.delay();
            self.after(ms, Event::Arrive(from, to, parcel));
        }
    }

    fn spread(&mut self, from: NodeId, tx: Tx) {
        for to in self.others(from) {
            self.post(from, to, Parcel::Pay(tx));
        }
    }

    fn arrive(&mut self, from: NodeId, to: NodeId, parcel: Parcel) -> Result<(), Broken> {
        if !self.nodes[to.0].is_up || !self.talk(from, to) {
            return Ok(());
        }
        let peer = from.peer();
        match parcel {
            Parcel::Blocks(hashes) => {
                for hash in &hashes {
                    self.nodes[to.0].block(&self.ledger, Some(peer), *hash);
                    self.watch_arrival(to, *hash);
                }
                self.drain(to)?;
                self.show(to, &hashes);
            }
            Parcel::Ask(hash) => {
                let node = &self.nodes[to.0];
                let has = node.disk.executed.contains(&hash);
                self.post(to, from, if has { Parcel::Blocks(vec![hash]) } else { Parcel::Lacks });
            }
            Parcel::Lacks => {
                self.nodes[to.0].gone(peer);
                self.nodes[to.0].connected(peer);
                self.drain(to)?;
            }
            Parcel::Word(message) => {
                self.nodes[to.0].word(peer, message);
                self.drain(to)?;
            }
            Parcel::Want(want) => {
                if let Some(found) = self.nodes[to.0].certificate(&self.rules, want) {
                    self.post(to, from, Parcel::Word(found));
                }
            }
            Parcel::Pay(tx) => {
                self.nodes[to.0].pooled(tx);
                self.drain(to)?;
            }
        }
        Ok(())
    }

    fn watch_arrival(&mut self, id: NodeId, hash: Hash) {
        if self.ledger.key_ref(&hash).is_some() {
            self.watch.arrived(id, hash, self.now);
        }
    }

    fn say(&mut self, id: NodeId, message: &Message, to: To) -> Result<(), Broken> {
        let mut second = None;
        if let Message::Vote(vote) = message
            && self.nodes[id.0].is_own(&self.rules, vote)
        {
            if self.plan.is_honest(id) {
                let staker = account(self.nodes[id.0].who);
                self.watch.vote(&self.nodes[id.0], staker, vote, &mut self.figures)?;
            } else if self.plan.act(id) == Act::Equivocator {
                second = cheats::second_vote(&self.rules, &self.ledger, id, vote);
            }
        } else if matches!((message, to), (Message::Vote(_), To::All | To::Except(_))) {
            // Every node hears every other directly: nothing need be passed on.
            return Ok(());
        }
        let receivers = match to {
            To::One(peer) => vec![node_of(peer)],
            To::All => self.others(id),
            To::Except(peer) => self.others(id).into_iter().filter(|other| other.peer() != peer).collect(),
        };
        let size = size_of_word(message);
        for to in receivers {
            if matches!(message, Message::Vote(_)) && self.links.chance(self.plan.loss) {
                continue;
            }
            self.figures.bytes += size;
            let mut words = vec![message.clone()];
            words.extend(second.map(|vote: Vote| Message::Vote(Box::new(vote))));
            if to.0 % 2 == 0 {
                words.reverse();
            }
            for word in words {
                self.post(id, to, Parcel::Word(word));
            }
        }
        Ok(())
    }

    // --- blocks ---

    fn send_block(&mut self, id: NodeId, hash: Hash, to: Reach) {
        let Some(stored) = self.ledger.get(&hash) else { return };
        let generation = self.ledger.get(&stored.key).map(|stored| stored.header.clone());
        let is_own = matches!(generation, Some(Header::Key(key)) if key.miner == key_of(self.nodes[id.0].who));
        let is_micro = stored.header.index() > 0;
        let mut extra = 0;
        match self.plan.act(id) {
            Act::Selfish if is_own => return self.hidden.entry(id).or_default().push(hash),
            Act::Withholding if is_own && is_micro => {
                if self.chance.chance(CHEATS) {
                    return;
                }
                extra = self.chance.below(LATE_MS);
            }
            _ => {}
        }
        for other in self.others(id) {
            if to != Reach::Except(other.peer()) {
                let ms = self.delay() + extra;
                self.after(ms, Event::Arrive(id, other, Parcel::Blocks(vec![hash])));
            }
        }
    }

    /// A selfish miner sees how far the others are, and shows what it must to stay ahead.
    fn show(&mut self, id: NodeId, came: &[Hash]) {
        if self.plan.act(id) != Act::Selfish {
            return;
        }
        let height = |hash: &Hash| self.ledger.get(hash).map_or(0, |stored| stored.header.height().0);
        let public = came.iter().map(height).max().unwrap_or(0);
        let Some(hidden) = self.hidden.remove(&id) else { return };
        let top = hidden.iter().map(height).max().unwrap_or(0);
        let (shown, kept): (Vec<_>, Vec<_>) =
            hidden.into_iter().partition(|hash| top <= public + 1 || height(hash) <= public);
        if !kept.is_empty() {
            self.hidden.insert(id, kept);
        }
        if !shown.is_empty() {
            for other in self.others(id) {
                self.post(id, other, Parcel::Blocks(shown.clone()));
            }
        }
    }

    /// A forking leader signs a second block, and gives it to half of the others.
    fn fork(&mut self, id: NodeId, hash: Hash) {
        if self.plan.act(id) != Act::Forking || !self.chance.chance(CHEATS) {
            return;
        }
        self.pays += 1;
        let Some((header, txs)) = cheats::second_micro(&self.rules, &self.ledger, id, &hash, self.pays) else { return };
        let second = header.hash();
        self.ledger.add(header, txs, None, self.now);
        for other in self.others(id) {
            if other.0 % 2 == 0 {
                self.post(id, other, Parcel::Blocks(vec![second]));
            }
        }
    }

    fn mine(&mut self, id: NodeId, template: TemplateId, mut header: Box<KeyHeader>, seal: Option<Box<Seal>>) {
        let mut seal = seal;
        let honest_prev = header.prev_hash;
        if self.plan.act(id) == Act::Greedy && self.chance.chance(CHEATS) {
            cheats::skip_last(&self.ledger, &mut header);
            seal = seal.filter(|_| header.prev_hash == honest_prev);
        }
        let target = Target::from_compact(header.target).unwrap_or(Target::HIGHEST);
        let share = self.plan.power.get(id.0).copied().unwrap_or(1).max(1) * self.power;
        let ms = self.oracle.exponential(self.mean_ms(target, share));
        self.events += 1;
        let number = self.events;
        self.jobs.insert(id, Job { number, template, header, seal });
        self.after(ms, Event::Found(id, number));
    }

    fn found(&mut self, id: NodeId, number: u64) -> Result<(), Broken> {
        if self.jobs.get(&id).is_none_or(|job| job.number != number) || !self.nodes[id.0].is_up {
            return Ok(());
        }
        let Some(Job { template, mut header, seal, .. }) = self.jobs.remove(&id) else { return Ok(()) };
        header.nonce = number;
        header.pow = proof(number);
        let hash = header.hash();
        self.ledger.add(Header::Key(header.clone()), Vec::new(), seal.clone(), self.now);
        self.watch_arrival(id, hash);
        if self.plan.act(id) == Act::Greedy {
            self.nodes[id.0].block(&self.ledger, None, hash);
            for other in self.others(id) {
                self.post(id, other, Parcel::Blocks(vec![hash]));
            }
        } else {
            self.nodes[id.0].solved(template, &header);
        }
        self.drain(id)
    }

    fn pay(&mut self) {
        self.pays += 1;
        let tx = Tx::Pay(self.pays);
        for at in 0..self.nodes.len() {
            let ms = self.delay();
            self.after(ms, Event::Arrive(NodeId((at + 1) % self.nodes.len()), NodeId(at), Parcel::Pay(tx)));
        }
        let ms = self.chance.exponential(self.plan.pay_ms);
        self.after(ms, Event::Pay);
    }

    // --- faults ---

    fn fault(&mut self, fault: Fault) -> Result<(), Broken> {
        match fault {
            Fault::Part(groups) => self.groups = groups,
            Fault::Heal => {
                let before = std::mem::replace(&mut self.groups, vec![0; self.nodes.len()]);
                for a in 0..self.nodes.len() {
                    for b in (0..self.nodes.len()).filter(|b| before[a] != before[*b]) {
                        self.meet(NodeId(a), NodeId(b));
                    }
                }
                for at in 0..self.nodes.len() {
                    if self.nodes[at].is_up {
                        self.drain(NodeId(at))?;
                    }
                }
            }
            Fault::Power(percent) => {
                self.power = percent;
                self.shocks.push((self.now, percent));
            }
            Fault::Crash(id, steps, outage_ms) => {
                self.nodes[id.0].fuse = Some(steps);
                if let Some(ms) = outage_ms {
                    self.after(ms, Event::Start(id));
                } else {
                    self.lose_power(id)?;
                }
            }
            Fault::Anchor(gone) => self.anchor(gone)?,
        }
        Ok(())
    }

    /// A connection stands again, seen from `to`: what `from` knows of the chain comes with it.
    fn meet(&mut self, from: NodeId, to: NodeId) {
        if !self.talk(from, to) || !self.nodes[from.0].is_up || !self.nodes[to.0].is_up {
            return;
        }
        self.nodes[to.0].gone(from.peer());
        self.nodes[to.0].connected(from.peer());
        let last_final = self.nodes[to.0].disk.last_final;
        let floor = self.ledger.get(&last_final).map_or(Height(0), |stored| stored.header.height());
        let line = self.ledger.line(&self.nodes[from.0].disk.head);
        let mut chain: Vec<_> =
            line.take_while(|(_, stored)| stored.header.height() >= floor).map(|(hash, _)| hash).collect();
        chain.reverse();
        self.post(from, to, Parcel::Blocks(chain));
    }

    fn lose_power(&mut self, id: NodeId) -> Result<(), Broken> {
        self.nodes[id.0].crash();
        self.jobs.remove(&id);
        for other in self.others(id) {
            if self.nodes[other.0].is_up {
                self.nodes[other.0].gone(id.peer());
                self.drain(other)?;
            }
        }
        Ok(())
    }

    fn start(&mut self, id: NodeId) -> Result<(), Broken> {
        if self.nodes[id.0].is_up {
            self.lose_power(id)?;
        }
        let mines = self.plan.power.get(id.0).is_some_and(|power| *power > 0);
        self.nodes[id.0].start(&self.rules, &self.ledger, mines);
        self.watch.restarted(id);
        for other in self.others(id) {
            self.meet(other, id);
            self.meet(id, other);
            if self.nodes[other.0].is_up {
                self.drain(other)?;
            }
        }
        self.drain(id)
    }

    /// Operators agree on a block that all have, and go on without some members. It must be the last of an era: in an era
    /// where something was final before, a prevote on the anchor would let go of an older precommit, and no honest witness
    /// casts it. So they wait for one.
    fn anchor(&mut self, gone: usize) -> Result<(), Broken> {
        self.rules.gone = gone;
        let lines = self.honest().map(|node| node.root.tip());
        let Some(lowest) = lines.min_by_key(|tip| tip.height).map(|tip| tip.key_hash) else { return Ok(()) };
        let common = |key: &Hash| self.honest().all(|node| self.ledger.descends(&node.root.tip().key_hash, key));
        let is_last = |height: Height| self.rules.votes.last_of(self.rules.votes.era_of(height)) == height;
        let last_final = self.honest().map(|node| node.root.last_final().height).max().unwrap_or(Height(0));
        let lasts = self.ledger.keys(&lowest).map(|stored| (stored.key, stored.header.height()));
        let mut lasts = lasts.filter(|(_, height)| is_last(*height) && *height > last_final);
        let Some((hash, height)) = lasts.find(|(key, _)| common(key)) else {
            drop(lasts);
            self.after(INTERVAL_MS, Event::Fault(Fault::Anchor(gone)));
            return Ok(());
        };
        drop(lasts);
        self.rules.anchors.push((height, hash));
        let left: Vec<_> = self.honest().map(|node| node.id).collect();
        for id in left {
            self.watch.anchored(id, height);
            self.start(id)?;
        }
        Ok(())
    }

    // --- the end ---

    fn finish(&mut self) {
        self.figures.worlds = 1;
        self.figures.convicted = (self.watch.convicted.len() + self.watch.forked.len()) as u64;
        self.figures.conflicts = self.watch.has_conflict.into();
        let best = self.honest().max_by_key(|node| node.root.last_final().height);
        let Some(top) = best.map(|node| node.root.last_final().hash) else { return };
        self.figures.shocks_ms = self.settled(&top);
        let Self { ledger, figures, plan, .. } = self;
        let (mut first, mut last) = (0, 0);
        for stored in ledger.keys(&top) {
            let Header::Key(key) = &stored.header else { continue };
            if key.height == Height(0) {
                continue;
            }
            figures.key_blocks += 1;
            (first, last) = (stored.made.0, last.max(stored.made.0));
            let cheats = (0..plan.nodes).map(NodeId).filter(|id| plan.act(*id) != Act::Honest);
            figures.cheats_blocks += u64::from(cheats.into_iter().any(|id| key_of(id) == key.miner));
            if let Some(seal) = &stored.seal {
                figures.seal_lag.push(key.height.0 - seal.height.0);
            }
            let index = ledger.get(&key.prev_hash).map_or(0, |prev| prev.header.index());
            let longest = ledger.longest.get(&key.prev_key_hash).copied().unwrap_or(0);
            figures.forked_generations += u64::from(longest > index);
        }
        figures.time_ms = last.saturating_sub(first);
    }

    /// What the interval should be with the work there is, for the blocks that come long after each shock, in milliseconds.
    fn settled(&self, tip: &Hash) -> Vec<Vec<u64>> {
        let mut chain: Vec<_> = self.ledger.keys(tip).collect();
        chain.reverse();
        let ends = self.shocks.iter().skip(1).map(|(at, _)| *at).chain([self.now]);
        let after = |((from, percent), until): (&(TimeMs, u64), TimeMs)| {
            let made = chain.iter().filter(|stored| stored.made >= *from && stored.made < until);
            let targets = made.filter_map(|stored| match &stored.header {
                Header::Key(key) => Target::from_compact(key.target).ok(),
                Header::Micro(_) => None,
            });
            let settled = targets.skip(SETTLING_BLOCKS).take(SETTLED_BLOCKS);
            settled.map(|target| self.mean_ms(target, percent * 1_000)).collect()
        };
        self.shocks.iter().zip(ends).map(after).collect()
    }

    /// How long a search takes on average, with so many hundred thousandths of the work at the genesis.
    fn mean_ms(&self, target: Target, share: u64) -> u64 {
        let first = self.rules.root.target_initial.work();
        let mean = u128::from(INTERVAL_MS) * 100_000 * target.work() / (first * u128::from(share));
        u64::try_from(mean).unwrap_or(u64::MAX / 64)
    }
}

fn node_of(peer: Peer) -> NodeId {
    NodeId(usize::try_from(peer.0).unwrap_or(usize::MAX))
}

fn size_of_word(message: &Message) -> u64 {
    match message {
        Message::Vote(_) => VOTE_BYTES as u64,
        Message::Seal(seal) => seal.encode().len() as u64,
        Message::Justification(just) => just.encode().len() as u64,
    }
}
