//! The machine: admit blocks, choose the best chain, switch to it.
//!
//! The shell's state follows one block at a time: [`Effect::Apply`] goes out, its answer comes in, and only then is
//! the next step decided, on what is known by then. A block that proves invalid leaves with all that descends from it,
//! and the choice is made again; the blocks that were left for it are still executed, so going back costs nothing.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};

use banyan_types::{Hash, Height, TimeMs, header::KeyHeader};

use crate::{
    Alarm, Block, BlockRef, Effect, Fraud, Header, Input, Miner, NotApplied, ParentTip, Peer, RootParams, Tip, To,
    lead::{Leader, Pool},
    mine::Mining,
    refused::{Refusal, Refused, names},
    tree::{HEADERS_MAX, Tree},
    validity::{Fault, KeyFault, MicroFault, Owner, View},
    waiting::{Received, Until, Waiting},
};

/// The machine met something that only a restart by an operator can mend; the last effect says what. This node's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("root machine has stopped")]
pub struct Stopped;

/// The root chain as one node sees it.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(crate) params: RootParams,
    pub(crate) miner: Option<Miner>,
    pub(crate) now: TimeMs,
    pub(crate) tree: Tree,
    pub(crate) leader: Leader,
    pub(crate) mining: Mining,
    refused: Refused,
    waiting: Waiting,
    /// The newest final key block that is known. The tree's root follows once the state stands above it.
    last_final: Hash,
    /// A final key block whose header has not come yet.
    awaited_final: Option<(Height, Hash)>,
    /// The greatest time of a final key block.
    clock: TimeMs,
    /// Where the shell's state stands.
    head: Hash,
    /// The last [`Effect::Tip`].
    announced: Hash,
    /// The block that [`Effect::Apply`] went out for.
    applying: Option<Hash>,
    /// What the steps lead to, and the steps left, the next one last.
    goal: Hash,
    plan: Vec<Hash>,
    wake: Option<TimeMs>,
    /// Evidence in what the last run left, not given out yet.
    pub(crate) frauds: Vec<Fraud>,
    stopped: bool,
}

impl Machine {
    /// A machine whose tree holds the final block and perhaps more, and whose state stands at `head`.
    pub(crate) fn at(params: RootParams, miner: Option<Miner>, tree: Tree, head: Hash, clock: TimeMs) -> Self {
        let last_final = tree.root();
        Self {
            params,
            miner,
            now: TimeMs(0),
            tree,
            leader: Leader::default(),
            mining: Mining::default(),
            refused: Refused::default(),
            waiting: Waiting::default(),
            last_final,
            awaited_final: None,
            clock,
            head,
            announced: head,
            applying: None,
            goal: head,
            plan: Vec::new(),
            wake: None,
            frauds: Vec::new(),
            stopped: false,
        }
    }

    /// Advance by one input and append what follows from it to `effects`.
    /// # Errors
    /// [`Stopped`] once this node's own fault was met; nothing is done then.
    pub fn step(&mut self, input: Input, effects: &mut Vec<Effect>) -> Result<(), Stopped> {
        if !self.stopped {
            effects.extend(self.frauds.drain(..).map(accuse));
            self.take(input, effects);
        }
        if self.stopped {
            return Err(Stopped);
        }
        self.advance(effects);
        self.wake(effects);
        Ok(())
    }

    /// Where the state stands, and the chain ends unless a switch is under way.
    pub fn tip(&self) -> BlockRef {
        self.tree.block_ref(&self.head)
    }

    /// The last final key block.
    pub fn last_final(&self) -> BlockRef {
        self.tree.block_ref(&self.last_final)
    }

    /// What children were told last: of the newest key block that is final and applied.
    pub fn parent_tip(&self) -> Option<ParentTip> {
        match &self.tree.node(&self.tree.root()).header {
            Header::Key(header) => Some(parent_tip(header, self.clock)),
            Header::Micro(_) => None,
        }
    }

    /// A header that the machine holds.
    pub fn header(&self, hash: &Hash) -> Option<&Header> {
        self.tree.get(hash).map(|node| &node.header)
    }

    /// Work of a block's chain since the genesis, for a block that the machine holds.
    pub fn work(&self, hash: &Hash) -> Option<u128> {
        self.tree.get(hash).map(|node| node.work)
    }

    /// The chain's key blocks from the last final one to the tip, oldest first.
    pub fn key_chain(&self) -> Vec<BlockRef> {
        let line = self.tree.line(&self.head).map(|(hash, _)| self.tree.block_ref(&hash));
        let mut keys: Vec<_> = line.filter(BlockRef::is_key).collect();
        keys.reverse();
        keys
    }

    fn take(&mut self, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Tick(now) => self.tick(now, effects),
            Input::Block { from, block } => self.receive(from, block, effects),
            Input::Gone(peer) => self.gone(peer, effects),
            Input::Applied(hash, answer) => self.applied(hash, answer, effects),
            Input::Final { hash, height } => self.finalise(hash, height, effects),
            Input::Witnessed(hash) => self.tree.witness(hash),
            Input::Locked { micro } => self.tree.lock(micro, self.now),
            Input::Templated(template, root, body) => self.templated(template, root, body, effects),
            Input::Reseal => self.reseal(),
            Input::Solved { template, nonce, pow } => self.solved(template, nonce, *pow, effects),
            Input::PoolReady => self.leader.pool = Pool::Ready,
            Input::PoolEmpty => self.leader.pool = Pool::Empty,
            Input::Built(on, draft) => self.built(on, draft, effects),
            Input::Signed(signature) => self.signed(signature, effects),
            Input::Persisted(seq) => self.persisted(seq, effects),
        }
    }

    fn tick(&mut self, now: TimeMs, effects: &mut Vec<Effect>) {
        self.now = self.now.max(now);
        let due = self.waiting.take_due(self.now);
        self.admit_all(due, effects);
    }

    fn gone(&mut self, peer: Peer, effects: &mut Vec<Effect>) {
        let dropped = self.waiting.take_peer(peer);
        self.forget(dropped.iter().map(|received| received.hash).collect(), effects);
    }

    /// A block came in. One that is here already is no error, whoever sends it.
    pub(crate) fn receive(&mut self, from: Option<Peer>, block: Block, effects: &mut Vec<Effect>) {
        let hash = block.hash();
        if self.tree.get(&hash).is_some() || self.waiting.holds(from, &hash) {
            return;
        }
        match self.refused.get(&hash) {
            Some(Refusal::Dead { .. }) => self.forget(alloc::vec![hash], effects),
            Some(Refusal::Invalid) => refuse(from, hash, Fault::Known, effects),
            None => self.admit_all(alloc::vec![Received { from, hash, block }], effects),
        }
    }

    /// Judge blocks, and then whatever waited for them.
    fn admit_all(&mut self, blocks: Vec<Received>, effects: &mut Vec<Effect>) {
        let mut queue = VecDeque::from(blocks);
        while let Some(received) = queue.pop_front() {
            let hash = received.hash;
            if self.tree.get(&hash).is_none() && self.admit(received, effects) {
                queue.extend(self.waiting.take_children(hash));
            }
        }
    }

    /// Judge one block. True if what waits for it should be judged as well.
    fn admit(&mut self, received: Received, effects: &mut Vec<Effect>) -> bool {
        let Received { from, hash, ref block } = received;
        let Err(fault) = self.view().judge(block) else {
            self.join(hash, received.block.into_header(), from);
            effects.extend(self.tree.accuse(&hash).map(accuse));
            self.make_room(effects);
            self.await_final(hash, effects);
            return true;
        };
        if let Some(until) = fault.until(self.params.drift_ms) {
            self.hold(received, until, effects);
            return false;
        }
        let body_fits = received.block.body_fits();
        refuse(from, hash, fault, effects);
        match (fault.owner(), fault) {
            (Owner::Dead, Fault::Key(KeyFault::Dead { work, .. }) | Fault::Micro(MicroFault::Dead { work, .. })) => {
                self.bury(hash, work, effects);
            }
            // With a body that is not the header's, nothing is known about the block that the header names.
            (Owner::Invalid, _) if body_fits => self.condemn(hash, effects),
            _ => return false,
        }
        true
    }

    /// Take a block into the tree. This is when a key block arrives, as the lock rule means it: one that came before it
    /// could be judged was no choice yet.
    fn join(&mut self, hash: Hash, header: Header, from: Option<Peer>) {
        let is_key = header.index() == 0;
        let hold_ms = self.params.lock_hold_ms;
        let is_discounted = is_key && self.tree.leaves_out_a_lock(&header.prev_hash(), hold_ms, self.now);
        self.tree.insert(hash, header, from);
        if is_discounted {
            self.tree.discount(&hash);
        }
    }

    fn hold(&mut self, received: Received, until: Until, effects: &mut Vec<Effect>) {
        let from = received.from;
        if let (Until::Parent(block), Some(peer), false) = (until, from, self.waiting.awaits(from, until)) {
            effects.push(Effect::Fetch { from: peer, block });
        }
        let dropped = self.waiting.hold(received, until);
        self.forget(dropped.iter().map(|received| received.hash).collect(), effects);
    }

    /// Remember an invalid block; one that is final elsewhere is more than this node can judge.
    fn condemn(&mut self, hash: Hash, effects: &mut Vec<Effect>) {
        self.refused.remember(hash, Refusal::Invalid);
        if self.awaited_final.is_some_and(|(_, awaited)| awaited == hash) {
            self.stop(Alarm::FinalInvalid(hash), effects);
        }
    }

    /// Remember a block that can never join the chain; say so if its branch is heavier than the chain.
    fn bury(&mut self, block: Hash, work: u128, effects: &mut Vec<Effect>) {
        self.refused.remember(block, Refusal::Dead { work });
        let ours = self.tree.node(&self.head).work;
        if work > ours {
            effects.push(Effect::Alarm(Alarm::ForkBelowFinal { block, work, ours }));
        }
    }

    /// Forget the worst branches. The chain itself may grow past any limit: without witnesses nothing is final for as long as
    /// it takes, and work goes on. What it takes to grow it is work, so no peer can do so for nothing.
    fn make_room(&mut self, effects: &mut Vec<Effect>) {
        while self.tree.len() > HEADERS_MAX {
            let best = self.choose();
            let kept = [Some(self.head), Some(self.announced), Some(self.last_final), self.applying, Some(best)];
            let kept: Vec<_> = kept.into_iter().flatten().collect();
            let Some(worst) = self.tree.forget_worst(&kept) else { return };
            self.forget(alloc::vec![worst], effects);
        }
    }

    /// Tell the shell what is of no use any more, unless another copy is still looked after.
    fn forget(&self, mut hashes: Vec<Hash>, effects: &mut Vec<Effect>) {
        hashes.retain(|hash| self.tree.get(hash).is_none() && !self.waiting.holds_any(hash));
        if !hashes.is_empty() {
            effects.push(Effect::Forget(hashes));
        }
    }

    fn applied(&mut self, hash: Hash, answer: Result<(), NotApplied>, effects: &mut Vec<Effect>) {
        if self.applying != Some(hash) {
            return;
        }
        self.applying = None;
        match answer {
            Ok(()) => self.head = hash,
            Err(NotApplied::Ours) => self.stop(Alarm::Store(hash), effects),
            Err(NotApplied::Invalid) => self.invalid(hash, effects),
        }
    }

    /// A block does not execute: it and all that descends from it go.
    fn invalid(&mut self, hash: Hash, effects: &mut Vec<Effect>) {
        if self.tree.descends(&self.last_final, &hash) {
            return self.stop(Alarm::FinalInvalid(hash), effects);
        }
        if self.tree.descends(&self.announced, &hash) {
            // It was executed here before, and held: what has changed since is this node's disk.
            return self.stop(Alarm::Store(hash), effects);
        }
        let from = self.tree.node(&hash).from;
        refuse(from, hash, Fault::Execution, effects);
        let removed = names(&self.tree.remove(&hash));
        self.refused.remember_all(&removed, Refusal::Invalid);
        self.forget(removed, effects);
    }

    fn stop(&mut self, alarm: Alarm, effects: &mut Vec<Effect>) {
        self.stopped = true;
        effects.push(Effect::Alarm(alarm));
    }

    fn finalise(&mut self, hash: Hash, height: Height, effects: &mut Vec<Effect>) {
        let held = self.last_final;
        let held_height = self.tree.node(&held).header.height();
        let known = self.tree.get(&hash).is_some();
        let refusal = self.refused.get(&hash);
        if hash == held || height < held_height {
            return;
        }
        if refusal == Some(Refusal::Invalid) {
            self.stop(Alarm::FinalInvalid(hash), effects);
        } else if !known && refusal.is_none() && height > held_height {
            self.awaited_final = self.awaited_final.max(Some((height, hash)));
        } else if known && self.tree.node(&hash).key == hash && self.tree.descends(&hash, &held) {
            self.last_final = hash;
        } else if !(known && self.tree.descends(&held, &hash)) {
            effects.push(Effect::Alarm(Alarm::ConflictingFinal { held, got: hash }));
        }
    }

    /// The header of a block that was said to be final has come.
    fn await_final(&mut self, hash: Hash, effects: &mut Vec<Effect>) {
        if let Some((height, _)) = self.awaited_final.take_if(|(_, awaited)| *awaited == hash) {
            self.finalise(hash, height, effects);
        }
    }

    fn choose(&self) -> Hash {
        self.tree.best_above(&self.last_final)
    }

    /// Take the next step towards the best chain; at its end, do what a tip allows.
    fn advance(&mut self, effects: &mut Vec<Effect>) {
        if self.applying.is_some() {
            return;
        }
        let goal = self.choose();
        self.tree.count_all_work(&goal);
        if goal != self.goal {
            self.head_for(goal, effects);
        }
        if let Some(next) = self.plan.pop() {
            self.applying = Some(next);
            effects.push(Effect::Apply(next));
        } else {
            self.announce(effects);
            self.take_final(effects);
            self.mine(effects);
            self.lead(effects);
        }
    }

    fn head_for(&mut self, goal: Hash, effects: &mut Vec<Effect>) {
        let common = self.tree.common(&self.head, &goal);
        if common != self.head {
            self.head = common;
            effects.push(Effect::Unwind(common));
        }
        self.goal = goal;
        self.plan = self.tree.path(&common, &goal);
    }

    fn announce(&mut self, effects: &mut Vec<Effect>) {
        let (old, new) = (self.announced, self.head);
        if old == new {
            return;
        }
        let common = self.tree.common(&old, &new);
        let path = |end: &Hash| -> Vec<_> {
            self.tree.path(&common, end).iter().rev().map(|hash| self.tree.block_ref(hash)).collect()
        };
        let tip = Tip { block: self.tree.block_ref(&new), undone: path(&old), redone: path(&new) };
        let to = self.tree.node(&new).from.map_or(To::All, To::Except);
        effects.extend([Effect::Tip(tip), Effect::Send { block: new, to }]);
        self.announced = new;
    }

    /// The state stands above the last final block: what is not on its branch goes, and the children learn of it.
    fn take_final(&mut self, effects: &mut Vec<Effect>) {
        if self.tree.root() == self.last_final {
            return;
        }
        let rerooted = self.tree.reroot(&self.last_final);
        for (hash, work) in &rerooted.lost {
            self.refused.remember(*hash, Refusal::Dead { work: *work });
        }
        self.forget(names(&rerooted.lost), effects);
        self.clock = rerooted.finals.iter().map(|header| header.time).fold(self.clock, TimeMs::max);
        let newest = rerooted.finals.last().expect("the root moved to a key block");
        effects.push(Effect::Propagate(parent_tip(newest, self.clock)));
    }

    /// Ask for a tick when the next thing is due, if that has changed.
    fn wake(&mut self, effects: &mut Vec<Effect>) {
        let due = [self.waiting.next_time(), self.mining_due(), self.leading_due()].into_iter().flatten().min();
        if due != self.wake {
            self.wake = due;
            effects.extend(due.map(Effect::Wake));
        }
    }

    /// Whether the chain ends where the state stands, and all was said about it.
    pub(crate) fn is_settled(&self) -> bool {
        self.applying.is_none() && self.announced == self.head
    }

    pub(crate) const fn head(&self) -> Hash {
        self.head
    }

    #[cfg(test)]
    pub(crate) const fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    pub(crate) const fn view(&self) -> View<'_> {
        View {
            params: &self.params,
            tree: &self.tree,
            refused: &self.refused,
            last_final: self.last_final,
            now: self.now,
        }
    }
}

/// What children learn of a final key block; `clock` is the greatest time of any.
fn parent_tip(header: &KeyHeader, clock: TimeMs) -> ParentTip {
    let (hash, entropy) = (header.hash(), header.entropy());
    ParentTip { hash, height: header.height, time: clock, entropy, state_root: header.state_root }
}

fn accuse(fraud: Fraud) -> Effect {
    Effect::Accuse(Box::new(fraud))
}

/// Say that a block is refused, and what its sender loses for it.
fn refuse(from: Option<Peer>, hash: Hash, fault: Fault, effects: &mut Vec<Effect>) {
    let score = |peer| fault.points().map(|points| Effect::Score(peer, points));
    effects.extend(from.and_then(score));
    effects.push(Effect::Refuse(hash, fault));
}
