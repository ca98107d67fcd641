//! What peers send: proposals, votes, blocks, and questions for blocks.

use alloc::{boxed::Box, vec::Vec};

use banyan_ledger::engine::{self, BadHeader, Rules as _, View, rotation::Turns};
use banyan_types::{
    Hash, Height, Peer, TimeMs,
    committee::{Certificate, SignedStatement, StatementKind},
    header::ChildHeader,
};

use crate::{
    Block, Effect, Machine, Message, Proposed, Record, Sealed, To, Verdict,
    machine::{Stage, Waiting},
    tree::{HEIGHTS_MAX, HEIGHTS_SPARE},
    votes::{News, certificate, statements},
};

/// How far a block may be ahead of this node's clock, in milliseconds. Source: associates 5, rule 4.
const AHEAD_OF_CLOCK_MS: u64 = 10_000;
/// Views ahead of the running one of which statements are kept.
const VIEWS_AHEAD: u32 = 64;
/// Blocks that wait to be judged, at most.
const WAITING_MAX: usize = 1_000;
/// Blocks whose commitments, and whose proposals, answer one question for blocks, at most.
const SHOWN_MAX: usize = 64;
/// Peers whose last question is remembered.
const PEERS_MAX: usize = 1_000;

/// Why a block is not judged yet, or a bad one.
enum Doubt {
    /// Not before this time.
    Later(TimeMs),
    /// Not before the block of the parent that it names is known to be final.
    Parent,
    /// Never.
    Bad,
}

impl Machine {
    pub(crate) fn heard(&mut self, peer: Peer, message: Message, effects: &mut Vec<Effect>) {
        match message {
            Message::Proposal(proposed) => self.proposal(peer, proposed, effects),
            Message::Vote(signed) => self.statement(peer, &signed, effects),
            Message::Polka(accepts) => accepts.iter().for_each(|signed| self.statement(peer, signed, effects)),
            Message::AskBlocks(from) => self.show(peer, from),
        }
    }

    fn proposal(&mut self, peer: Peer, proposed: Box<Proposed>, effects: &mut Vec<Effect>) {
        let said = proposed.signed.statement;
        let is_below = said.height < self.clock.height;
        if is_below && self.votes.commitments(said.height, said.block_hash).is_empty() {
            return; // nobody follows it
        }
        if said.height > self.clock.height {
            return self.ask(peer, self.clock.height);
        }
        if !is_below && said.view > self.clock.view.saturating_add(VIEWS_AHEAD) {
            return;
        }
        if self.rules().check_proposal(&proposed.signed, &proposed.header).is_err() {
            return Self::score(peer, effects);
        }
        let is_accused = self.accused.contains(&(said.height, proposed.signed.by));
        let news = self.count(&proposed.signed);
        if is_accused && matches!(news, News::Fault(_)) {
            return; // two blocks of one turn are enough to judge
        }
        let Proposed { header, prev_seal, .. } = (*proposed).clone();
        if !self.is_linked(&header.prev_hash) {
            self.ask(peer, self.first_wanted()); // the leader follows another branch
        }
        let stage = Stage::Idle(self.now);
        let block = Waiting { header, prev_seal, from: peer, is_proposed: true, has_quorum: false, stage };
        self.wait_for(said.block_hash, block);
        if news == News::New {
            self.outbox.put(Effect::Send(To::Except(peer), Message::Proposal(proposed)));
        }
    }

    /// An accept or a commitment.
    fn statement(&mut self, peer: Peer, signed: &SignedStatement, effects: &mut Vec<Effect>) {
        let said = &signed.statement;
        if said.height > self.clock.height {
            return self.ask(peer, self.clock.height);
        }
        if self.votes.holds(signed) {
            self.heard.insert(signed.by, self.now);
            return;
        }
        if !self.is_wanted(signed) {
            return;
        }
        let is_member = self.turns.set().place(&signed.by).is_some();
        if !is_member || !said.is_canonical() || !signed.is_signed(&self.params.network_id) {
            return Self::score(peer, effects);
        }
        let (height, hash) = (said.height, said.block_hash);
        if self.count(signed) == News::New
            && height < self.clock.height
            && self.tree.get(&hash).is_none()
            && !self.waiting.contains_key(&hash)
        {
            self.ask(peer, self.first_wanted());
        }
    }

    /// Statements that could matter: of the running height all that are near, of those before it commitments.
    fn is_wanted(&self, signed: &SignedStatement) -> bool {
        let said = &signed.statement;
        let two_steps = self.turns.has_two_steps();
        let is_none = said.block_hash == Hash::ZERO;
        let is_near = |view: u32| said.view <= view.saturating_add(VIEWS_AHEAD);
        let is_running = said.height == self.clock.height && is_near(self.clock.view);
        match said.kind {
            StatementKind::Prevote => is_running && (two_steps || is_none),
            StatementKind::Precommit if is_none || said.height < self.tree.root.header.height => false,
            StatementKind::Precommit if is_running => true,
            // One for each validator and height, or of blocks that are here.
            StatementKind::Precommit => {
                !two_steps || self.tree.header(&said.block_hash).is_some_and(|header| is_near(header.view))
            }
            StatementKind::Proposal | StatementKind::Handover => false,
        }
    }

    pub(crate) fn blocks(&mut self, peer: Peer, blocks: Vec<Sealed>, effects: &mut Vec<Effect>) {
        for sealed in blocks.into_iter().take(WAITING_MAX) {
            let Sealed { header, prev_seal, certificate } = sealed;
            let (hash, height) = (header.hash(), header.height);
            if height <= self.tree.root.header.height {
                continue;
            }
            if !self.is_linked(&header.prev_hash) {
                if height > self.first_wanted() {
                    self.ask_now(peer, self.first_wanted());
                }
                return;
            }
            if height.0 > self.tree.root.header.height.0.saturating_add(HEIGHTS_MAX + HEIGHTS_SPARE) {
                return;
            }
            if self.check_seal(&header, &certificate).is_err() {
                return Self::score(peer, effects);
            }
            effects.push(Effect::Sealed(Box::new(header.clone())));
            self.count_all(&certificate);
            self.tree.follow(&hash);
            let has_quorum = self.is_quorum(&certificate);
            let stage = Stage::Idle(self.now);
            let block = Waiting { header, prev_seal, from: peer, is_proposed: false, has_quorum, stage };
            self.wait_for(hash, block);
            self.source = Some((peer, height));
        }
        self.ask_further();
    }

    /// Whether a block is here, or waits for one after the other that lead to what is here.
    fn is_linked(&self, hash: &Hash) -> bool {
        let before = |hash: &Hash| self.waiting.get(hash).map(|block| block.header.prev_hash);
        let mut way = core::iter::successors(Some(*hash), before).take(WAITING_MAX);
        way.any(|hash| self.tree.header(&hash).is_some())
    }

    /// The engine's check of a seal, without looking again at signatures that were.
    fn check_seal(&self, header: &ChildHeader, seal: &Certificate) -> Result<(), BadHeader> {
        let statements = statements(&self.turns, seal);
        let is_counted =
            statements.len() == seal.signatures.len() && statements.iter().all(|signed| self.votes.holds(signed));
        let is_canonical = || certificate(&self.turns, &statements).as_ref() == Some(seal);
        if is_counted && has_no_twice(seal) && is_canonical() {
            self.rules().check_counted(header, seal)
        } else {
            self.rules().check_seal(header, seal)
        }
    }

    /// The first height that is not final here.
    fn first_wanted(&self) -> Height {
        Height(self.tree.root.header.height.0.saturating_add(1))
    }

    /// Ask a peer that is ahead, or on another branch, but not for every word it says.
    fn ask(&mut self, peer: Peer, from: Height) {
        if self.ask_due.get(&peer).is_some_and(|due| *due > self.now) {
            return;
        }
        if self.ask_due.len() >= PEERS_MAX {
            self.ask_due.clear();
        }
        self.ask_due.insert(peer, TimeMs(self.now.0.saturating_add(self.params.repeat_ms)));
        self.ask_now(peer, from);
    }

    fn ask_now(&mut self, peer: Peer, from: Height) {
        self.outbox.put(Effect::Send(To::One(peer), Message::AskBlocks(from)));
    }

    /// Blocks of the ledger with all commitments to them, then what speaks for those that are not part of it yet.
    fn show(&mut self, peer: Peer, from: Height) {
        let last = self.adopted_height();
        self.tell_seals();
        if from <= last {
            self.outbox.put(Effect::Serve(peer, from));
        }
        for equal in self.votes.commitments_from(from.max(last)).take(SHOWN_MAX) {
            self.outbox.put(Effect::Send(To::One(peer), Message::Polka(equal)));
        }
        for node in self.tree.above(last.max(Height(from.0.saturating_sub(1)))).into_iter().take(SHOWN_MAX) {
            let header = &node.block.header;
            let slot = (StatementKind::Proposal, header.height, header.view);
            let hash = header.hash();
            let said = self.votes.of(slot, &header.leader).find(|signed| signed.statement.block_hash == hash);
            let Some(signed) = said else { continue };
            let (header, prev_seal) = (header.clone(), node.block.prev_seal.clone());
            let proposed = Box::new(Proposed { signed: *signed, header, prev_seal });
            self.outbox.put(Effect::Send(To::One(peer), Message::Proposal(proposed)));
        }
    }

    fn wait_for(&mut self, hash: Hash, block: Waiting) {
        if self.tree.get(&hash).is_some() || hash == self.tree.root.hash {
            return;
        }
        if let Some(known) = self.waiting.get_mut(&hash) {
            known.is_proposed &= block.is_proposed;
            known.has_quorum |= block.has_quorum;
            return;
        }
        if self.waiting.len() >= WAITING_MAX {
            let tree = &self.tree; // those that nothing leads to
            self.waiting.retain(|_, block| tree.header(&block.header.prev_hash).is_some());
        }
        if self.waiting.len() < WAITING_MAX {
            self.waiting.insert(hash, block);
        }
    }

    /// Whether a block waits for nothing but its parent block.
    pub(crate) fn is_next(&self, block: &Waiting) -> bool {
        matches!(block.stage, Stage::Idle(_)) && self.tree.header(&block.header.prev_hash).is_some()
    }

    /// Check the headers of blocks whose turn it is to be judged, and have the good ones executed.
    pub(crate) fn judge(&mut self, effects: &mut Vec<Effect>) {
        let due = |block: &Waiting| matches!(block.stage, Stage::Idle(due) if due <= self.now) && self.is_next(block);
        let next: Vec<_> = self.waiting.iter().filter(|(_, block)| due(block)).map(|(hash, _)| *hash).collect();
        for hash in next {
            let Some(block) = self.waiting.get(&hash).cloned() else { continue };
            match self.check(&block) {
                Err(Doubt::Parent) => {}
                Err(Doubt::Later(due)) => {
                    self.waiting.entry(hash).and_modify(|block| block.stage = Stage::Idle(due));
                }
                Ok(stage) => {
                    block.prev_seal.iter().for_each(|seal| self.count_all(seal));
                    effects.push(Effect::Verify(Box::new(block.header), block.prev_seal.map(Box::new)));
                    self.waiting.entry(hash).and_modify(|block| block.stage = stage);
                }
                Err(Doubt::Bad) => {
                    self.waiting.remove(&hash);
                    Self::score(block.from, effects);
                }
            }
        }
    }

    fn check(&self, block: &Waiting) -> Result<Stage, Doubt> {
        let (header, rules) = (&block.header, self.rules());
        let Some(prev) = self.tree.header(&header.prev_hash) else { return Err(Doubt::Parent) };
        let parent = self.named(header);
        let prev_seal_hash = Turns::seal_hash(block.prev_seal.as_ref());
        let (version, associate) = (self.params.version, self.params.associate);
        match engine::check(&rules, &View { version, associate, prev, prev_seal_hash, parent }, header) {
            Err(bad) if bad.is_early() => return Err(Doubt::Parent),
            judged => judged.map_err(|_| Doubt::Bad)?,
        }
        // Whoever dates a block far ahead would else set everybody's time: of this ledger and of all below it.
        let ahead = header.time_ms.0.saturating_sub(AHEAD_OF_CLOCK_MS);
        if ahead > self.now.0 {
            return Err(Doubt::Later(TimeMs(ahead)));
        }
        match &block.prev_seal {
            Some(seal) if prev.height > Height(0) => self.check_seal(prev, seal).map_err(|_| Doubt::Bad)?,
            None if prev.height == Height(0) => {}
            _ => return Err(Doubt::Bad),
        }
        parent.map(Stage::Judging).ok_or(Doubt::Parent)
    }

    pub(crate) fn verified(&mut self, hash: Hash, verdict: Verdict, effects: &mut Vec<Effect>) {
        let Some(waiting) = self.waiting.get_mut(&hash) else { return };
        let Stage::Judging(parent) = waiting.stage else { return };
        if verdict == Verdict::Missing {
            waiting.stage = Stage::Idle(TimeMs(self.now.0.saturating_add(self.params.repeat_ms)));
            return;
        }
        let Some(Waiting { header, prev_seal, from, is_proposed, has_quorum, .. }) = self.waiting.remove(&hash) else {
            return;
        };
        match verdict {
            Verdict::Good { settled } => {
                let block = Block { header, prev_seal, parent, settled };
                self.outbox.persist(Record::Verified(Box::new(block.clone())));
                self.tree.insert(&self.turns, block, is_proposed);
            }
            Verdict::Bad if has_quorum => return self.diverge(header.height, effects),
            Verdict::Bad => Self::score(from, effects),
            Verdict::Missing => {}
        }
        self.ask_further();
    }

    /// All that a peer has sent is judged: there may be more.
    fn ask_further(&mut self) {
        let is_linked = |block: &Waiting| self.tree.header(&block.header.prev_hash).is_some();
        if !self.waiting.values().any(is_linked)
            && let Some((peer, height)) = self.source.take()
        {
            self.ask_now(peer, Height(height.0.saturating_add(1)));
        }
    }

    pub(crate) fn retry_due(&self) -> Option<TimeMs> {
        let due = |block: &Waiting| match block.stage {
            Stage::Idle(due) => Some(due),
            Stage::Judging(_) => None,
        };
        self.waiting.values().filter_map(due).min()
    }
}

/// Whether no place stands twice; [`Certificate::gather`] has put them in order.
fn has_no_twice(seal: &Certificate) -> bool {
    seal.signatures.iter().zip(seal.signatures.iter().skip(1)).all(|(before, next)| before.index < next.index)
}
