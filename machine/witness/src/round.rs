//! Rounds: what this witness votes for, and when.
//!
//! A round begins with a prevote, and ends when a block is final, or by time once a quorum was seen in it. Each failed
//! round lasts twice as long as the one before, unless no block can win it any more: then it ends as long
//! after the quorum was seen as the first round lasts. With nothing above the last final block a witness rests. A node
//! that does not vote has no timers: it is in the round where it sees over a third of the weight.

use alloc::{boxed::Box, collections::BTreeSet, vec::Vec};

use banyan_types::{
    Amount, Hash, Height, Round, Signature, TimeMs,
    witness::{Source, Statement, Vote, VoteKind},
};

use crate::{Effect, KeyRef, Machine, Message, Record, Seq, Standing, To, certify::send, mutant::Mutant};

/// Where this witness stands in its round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// There is nothing to vote for.
    Resting,
    /// A new block was seen; it is voted for at this time.
    Settling(TimeMs),
    /// The vote was cast.
    Voting {
        /// A quorum was seen; from this time on the round ends if nothing can win it any more.
        lost: Option<TimeMs>,
        /// The round ends at this time, if a quorum was seen by then.
        until: TimeMs,
    },
}

impl Stage {
    /// When to look again.
    pub fn due(self, now: TimeMs) -> Option<TimeMs> {
        match self {
            Self::Resting => None,
            Self::Settling(at) => Some(at),
            Self::Voting { lost, until } => Some(lost.filter(|lost| now < *lost).unwrap_or(until)),
        }
    }
}

impl Machine {
    /// Enter the latest round in or after which over a third of the weight was seen: one honest witness is there.
    pub(crate) fn skip(&mut self) -> bool {
        let Some(set) = self.set() else { return false };
        let mut latest: Vec<_> = self.pool.latest().filter(|(_, round)| *round > self.round).collect();
        latest.sort_unstable_by_key(|(_, round)| core::cmp::Reverse(*round));
        let mut seen = Vec::new();
        let reached = latest.iter().find(|(by, _)| {
            seen.push(*by);
            set.is_third(set.weight_at(seen.iter().copied()))
        });
        let Some((_, round)) = reached else { return false };
        (self.round, self.stage) = (*round, self.due_now());
        true
    }

    /// The stage of a round that begins at once.
    const fn due_now(&self) -> Stage {
        Stage::Settling(self.now)
    }

    /// Promise a block that was justified in this round.
    pub(crate) fn precommit(&mut self, effects: &mut Vec<Effect>) -> bool {
        if self.place().is_none() {
            return false;
        }
        let is_now = |source: &Source| source.round == self.round || self.has(Mutant::OlderPrecommit);
        let justified = self.justified.keys().filter(|source| source.round > Round(0) && is_now(source));
        let statements = justified.filter_map(|source| {
            let node = self.tree.get(&source.hash).filter(|node| !node.is_invalid)?;
            let is_above = self.is_above_final(&node.key);
            let statement = self.statement(VoteKind::Precommit, source.round, &node.key, Source::NONE);
            (is_above && self.allows(&statement)).then_some(statement)
        });
        let Some(statement) = statements.into_iter().next() else { return false };
        self.ask(statement, effects);
        true
    }

    /// Go on in the round as time and votes allow.
    pub(crate) fn conduct(&mut self, effects: &mut Vec<Effect>) -> bool {
        if self.place().is_none() {
            self.stage = Stage::Resting;
            return false;
        }
        match self.stage {
            Stage::Resting if self.target().is_some() => {
                self.stage = Stage::Settling(TimeMs(self.now.0.saturating_add(self.params.settle_ms)));
                true
            }
            Stage::Settling(at) if at <= self.now => self.begin(effects),
            Stage::Voting { lost: None, until } if self.is_attended() => {
                // However hopeless a round is, the others' votes in it need time to come: the next target is found from
                // them, and who leaves before they are all here votes for something else again.
                let lost = self.after(0);
                self.stage = Stage::Voting { lost: Some(lost), until: until.max(lost) };
                true
            }
            Stage::Voting { lost: None, until } if until <= self.now => {
                self.repeat(effects);
                self.run_round();
                false
            }
            Stage::Voting { lost: Some(lost), until } if until <= self.now || lost <= self.now && self.is_lost() => {
                self.repeat(effects);
                self.round = self.round.next().unwrap_or(self.round);
                self.stage = self.due_now();
                true
            }
            Stage::Resting | Stage::Settling(_) | Stage::Voting { .. } => false,
        }
    }

    /// Prevote, and let the round run.
    fn begin(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some((target, source)) = self.target() else {
            self.stage = Stage::Resting;
            return false;
        };
        self.run_round();
        let statement = self.statement(VoteKind::Prevote, self.round, &target, source);
        // Who comes into a round that has its justification already only precommits: a prevote builds on an earlier round.
        if source.round < self.round && self.allows(&statement) {
            self.ask(statement, effects);
        }
        true
    }

    fn run_round(&mut self) {
        self.stage = Stage::Voting { lost: None, until: self.after(self.failed()) };
    }

    /// When a round that begins now ends, after so many failed ones.
    fn after(&self, failed: u32) -> TimeMs {
        TimeMs(self.now.0.saturating_add(self.params.round_ms(failed)))
    }

    /// Whether a quorum was seen in this round or later. Without it nobody leaves a round: rounds are of one length once they
    /// are as long as can be, so a witness that ran ahead alone would stay one round ahead of the others for ever.
    fn is_attended(&self) -> bool {
        let seen = self.pool.latest().filter(|(_, round)| *round >= self.round).map(|(by, _)| by);
        let seen: BTreeSet<_> = seen.chain(self.place()).collect();
        self.has_quorum(&seen.into_iter().collect::<Vec<_>>())
    }

    /// Rounds since the last final block that came to nothing.
    fn failed(&self) -> u32 {
        let since = self.round.since(self.final_round).unwrap_or(0);
        since.saturating_sub(1)
    }

    /// Whether no block can be justified in this round any more: everybody's missing vote would not be enough.
    fn is_lost(&self) -> bool {
        let Some(set) = self.set() else { return false };
        if self.justified.keys().any(|source| source.round == self.round) {
            return false;
        }
        let held = self.pool.of_round(VoteKind::Prevote, self.round);
        let seen: BTreeSet<_> = held.filter(|held| held.standing != Standing::Early).map(|held| held.vote.by).collect();
        let unseen: Vec<_> = (0..).take(set.members.len()).filter(|place| !seen.contains(place)).collect();
        let can_win = |places: &[u16]| set.is_quorum(set.weight_at(places.iter().chain(&unseen).copied()));
        let mut places = self.pool.tally(VoteKind::Prevote, self.round).into_iter().flat_map(|tally| tally.values());
        !can_win(&[]) && !places.any(|places| can_win(places))
    }

    /// Messages get lost: at a round's end say again what others may lack.
    fn repeat(&self, effects: &mut Vec<Effect>) {
        if let Some(justification) = &self.justification {
            send(Message::Justification(justification.clone()), To::All, effects);
        }
        let own = [self.durable.prevote(), self.durable.precommit()].into_iter().flatten();
        for vote in own.filter(|vote| vote.statement.era == self.pool.era && vote.statement.round > self.final_round) {
            send(Message::Vote(Box::new(*vote)), To::All, effects);
        }
    }

    /// What to prevote, and the source; none if nothing above the last final block fits.
    fn target(&self) -> Option<(KeyRef, Source)> {
        let source = self.source()?;
        let first =
            self.shared(&source).or_else(|| self.preferred(&source)).or_else(|| self.fitting(&source, &self.tip));
        // A quorum prevoted the source, so somebody honest executed it: it need not be applied here, where the fork
        // choice may prefer another branch and never ask for it.
        let target = first.or_else(|| self.tree.get(&source.hash).filter(|node| !node.is_invalid).map(|node| node.key));
        let target = self.cut(target?)?;
        self.is_above_final(&target).then_some((target, source))
    }

    /// The justification with the highest round; in a round where this node precommitted, the block that it did.
    fn source(&self) -> Option<Source> {
        if self.has(Mutant::OldSource) {
            return self.justified.keys().next().copied();
        }
        let newest = self.justified.keys().next_back()?;
        let own = self.pledged.precommit().map(|vote| &vote.statement);
        let own = own.filter(|own| own.era == self.pool.era && own.round == newest.round);
        let own = own.map(|own| Source { round: own.round, hash: own.hash });
        Some(own.filter(|own| self.justified.contains_key(own)).unwrap_or(*newest))
    }

    /// (a): after a failed round, the deepest block above the source that a quorum of its prevotes stand on.
    fn shared(&self, source: &Source) -> Option<KeyRef> {
        let floor = self.tree.key(&source.hash)?.height;
        let votes = self.failed_votes()?;
        let lines = votes.iter().flat_map(|(hash, _)| self.tree.line(hash));
        let above = lines.filter(|node| node.key.height > floor && node.is_applied && !node.is_invalid);
        let above = above.filter(|node| self.tree.descends(&node.key.hash, &source.hash));
        let shared = above.filter(|node| self.has_quorum(&self.standing_on(&votes, &node.key.hash)));
        shared.map(|node| node.key).max_by_key(|key| (key.height, key.hash)).filter(|key| self.is_above_final(key))
    }

    /// (b): after a failed round, of applied tips with equal work the one with more prevotes, then the lower hash.
    fn preferred(&self, source: &Source) -> Option<KeyRef> {
        let votes = self.failed_votes()?;
        let work = self.tree.key(&self.tip)?.work;
        let rivals = self.tree.of_work(work).filter_map(|node| self.fitting(source, &node.key.hash));
        let mut rivals: Vec<_> = rivals.collect();
        if rivals.len() < 2 {
            return None;
        }
        let weight = |key: &KeyRef| self.weight(&self.standing_on(&votes, &key.hash));
        rivals.sort_by_key(|key| (core::cmp::Reverse(weight(key)), key.hash));
        rivals.first().copied()
    }

    /// A block that may be voted for on this source, if it may: applied, and a descendant of it.
    fn fitting(&self, source: &Source, hash: &Hash) -> Option<KeyRef> {
        let node = self.tree.get(hash).filter(|node| node.is_applied && !node.is_invalid)?;
        self.tree.descends(hash, &source.hash).then_some(node.key)
    }

    /// Prevotes of the round before, if that failed.
    fn failed_votes(&self) -> Option<Vec<(Hash, &[u16])>> {
        let before = Round(self.round.0.checked_sub(1)?);
        let tally = self.pool.tally(VoteKind::Prevote, before).into_iter().flatten();
        (before > self.final_round).then(|| tally.map(|((hash, _), places)| (*hash, places.as_slice())).collect())
    }

    /// Who voted for a block or for a descendant of it.
    fn standing_on(&self, votes: &[(Hash, &[u16])], hash: &Hash) -> Vec<u16> {
        let on = votes.iter().filter(|(vote, _)| self.tree.descends(vote, hash));
        let places: BTreeSet<_> = on.flat_map(|(_, places)| places.iter().copied()).collect();
        places.into_iter().collect()
    }

    fn weight(&self, places: &[u16]) -> Amount {
        self.set().map_or(Amount::ZERO, |set| set.weight_at(places.iter().copied()))
    }

    /// No target lies above the era's last height: its set has no say there.
    fn cut(&self, target: KeyRef) -> Option<KeyRef> {
        let last = self.params.last_of(self.pool.era);
        if target.height <= last || self.has(Mutant::NoBoundary) {
            return Some(target);
        }
        self.tree.at(&target.hash, last).map(|node| node.key)
    }

    fn is_above_final(&self, key: &KeyRef) -> bool {
        key.hash != self.last_final && self.tree.descends(&key.hash, &self.last_final)
    }

    pub(crate) fn statement(&self, kind: VoteKind, round: Round, key: &KeyRef, source: Source) -> Statement {
        let (chain, era) = (self.params.chain, self.pool.era);
        Statement { chain, kind, era, round, height: key.height, hash: key.hash, source, index: 0 }
    }

    fn allows(&self, statement: &Statement) -> bool {
        match statement.kind {
            VoteKind::Prevote if self.has(Mutant::OldSource) => {
                self.pledged.prevote().is_none_or(|last| last.statement.round < statement.round)
            }
            VoteKind::Precommit if self.has(Mutant::OlderPrecommit) => {
                self.pledged.precommit().is_none_or(|last| last.statement.round < statement.round)
            }
            _ => self.pledged.allows(statement),
        }
    }

    /// Have a statement signed. From here on it binds.
    pub(crate) fn ask(&mut self, statement: Statement, effects: &mut Vec<Effect>) {
        let Some(by) = self.place() else { return };
        self.pledged.note(&Vote { statement, by, signature: Signature([0; 64]) });
        self.asked.push(statement);
        effects.push(Effect::Sign(statement));
    }

    pub(crate) fn signed(&mut self, statement: &Statement, signature: Option<Signature>, effects: &mut Vec<Effect>) {
        let asked = self.asked.len();
        self.asked.retain(|asked| asked != statement);
        let set = self.sets.get(&statement.era);
        let by = self.me.and_then(|key| set?.place(&key));
        let (Some(signature), Some(by), true) = (signature, by, self.asked.len() < asked) else { return };
        let vote = Vote { statement: *statement, by, signature };
        let seq = self.persist(Record::Vote(Box::new(vote)), effects);
        self.unsaved.insert(seq, vote);
        if self.has(Mutant::SendFirst) {
            send(Message::Vote(Box::new(vote)), To::All, effects);
        }
    }

    /// Only what is on disk may count or leave: a crash must not make this node forget what others can prove.
    pub(crate) fn persisted(&mut self, seq: Seq, effects: &mut Vec<Effect>) {
        let Some(vote) = self.unsaved.remove(&seq) else { return };
        self.durable.note(&vote);
        if vote.statement.era != self.pool.era || self.silent {
            return;
        }
        let standing = self.judge(&vote);
        let _ = self.pool.put(vote, standing);
        self.locks.changed();
        send(Message::Vote(Box::new(vote)), To::All, effects);
    }

    /// Key blocks from the last final one to the tip.
    pub(crate) fn lag(&self) -> u64 {
        let height = |hash| self.tree.key(hash).map_or(Height(0), |key| key.height);
        height(&self.tip).since(height(&self.last_final)).unwrap_or(0)
    }
}
