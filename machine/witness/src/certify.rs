//! Certificates: gather them from votes, take them from others, finalise.
//!
//! A justification holds for this node once every signer's own source is justified here too: only so does a chain of
//! justifications lead back to what was final, and the proof of guilt in root 9 has no hole.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use core::cmp::Reverse;

use banyan_types::{
    Hash, Height, Peer, Points, Round,
    witness::{Justification, Seal, Source, Vote, VoteKind, WitnessSet, places_in},
};

use crate::{
    Alarm, Effect, Machine, Message, Record, Standing, To, Want, evidence::convicts, pool::Pool, round::Stage,
};

/// Justifications of unknown sources that are held, at most: a chain of them is as long as rounds failed in a row.
pub(crate) const EARLY_MAX: usize = 64;
/// Justified blocks of an era that are remembered, at most; the oldest is forgotten, and fetched again if named.
const JUSTIFIED_MAX: usize = 4_096;

impl Machine {
    /// A seal of the running era from precommits held.
    pub(crate) fn gather_seal(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(votes) = self.gathered(VoteKind::Precommit, Self::wants_seal) else {
            return false;
        };
        let (Some(first), Some(members)) = (votes.first(), self.set().map(|set| set.members.len())) else {
            return false;
        };
        let by: BTreeMap<_, _> = votes.iter().map(|vote| (vote.by, vote.signature)).collect();
        let seal = Seal::gather(&first.statement, &by, members);
        self.accept_seal(None, Box::new(seal), effects);
        true
    }

    fn wants_seal(&self, Block { hash, height, .. }: Block<'_>) -> bool {
        let is_awaited = self.awaited.as_ref().is_some_and(|seal| seal.height >= height);
        match self.tree.key(hash) {
            Some(key) => key.height == height && !self.tree.descends(&self.last_final, hash),
            None => !is_awaited,
        }
    }

    /// A justification of the running era from prevotes held.
    pub(crate) fn gather_justification(&mut self, effects: &mut Vec<Effect>) -> bool {
        let is_new = |machine: &Self, Block { round, hash, .. }: Block<'_>| {
            !machine.justified.contains_key(&Source { round, hash: *hash })
        };
        let Some(votes) = self.gathered(VoteKind::Prevote, is_new) else { return false };
        let (Some(first), Some(members)) = (votes.first(), self.set().map(|set| set.members.len())) else {
            return false;
        };
        let by = votes.iter().map(|vote| (vote.by, (vote.signature, vote.statement.source))).collect();
        let justification = Justification::gather(&first.statement, &by, members);
        self.accept_justification(Box::new(justification), effects);
        true
    }

    /// Counted votes of the first block and round that is wanted and has the weight of a quorum.
    fn gathered(&self, kind: VoteKind, wanted: impl Fn(&Self, Block<'_>) -> bool) -> Option<Vec<Vote>> {
        let blocks = self.pool.tallies(kind).flat_map(|(round, tally)| {
            tally.iter().map(move |((hash, height), places)| (Block { round, hash, height: *height }, places))
        });
        let mut good = blocks.filter(|(block, places)| wanted(self, *block) && self.has_quorum(places));
        let (Block { round, hash, height }, _) = good.next()?;
        let counted = self.pool.of_round(kind, round).filter(|held| held.standing == Standing::Counted);
        let votes = counted.map(|held| held.vote);
        Some(votes.filter(|vote| vote.statement.hash == *hash && vote.statement.height == height).collect())
    }

    pub(crate) fn receive_seal(&mut self, from: Option<Peer>, seal: Box<Seal>, effects: &mut Vec<Effect>) {
        let era = self.pool.era;
        if self.halted || seal.era < era {
            return;
        }
        let Some(set) = self.set().filter(|_| seal.era == era) else {
            // A block may carry a seal of an era whose beginning no block has sealed: anybody may know that one.
            let asked = from.or_else(|| self.peers.first().copied());
            self.fetch(asked, Want::Boundary(era), effects);
            return self.put_off(from, seal, effects);
        };
        let is_old = |held: &Option<Box<Seal>>| held.as_ref().is_some_and(|held| held.hash == seal.hash);
        if is_old(&self.seal) || is_old(&self.awaited) {
            return;
        }
        if !self.is_good(&seal, set) {
            return score(from, Points::INVALID, effects);
        }
        self.observe(&precommits(&seal, self.params.chain), effects);
        self.accept_seal(from, seal, effects);
    }

    fn is_good(&self, seal: &Seal, set: &WitnessSet) -> bool {
        self.params.era_of(seal.height) == seal.era && (self.checks.seal)(seal, set, self.params.chain).is_ok()
    }

    /// Keep a seal until its era has begun here and its set is known: of the nearest era the highest one.
    fn put_off(&mut self, from: Option<Peer>, seal: Box<Seal>, effects: &mut Vec<Effect>) {
        let rank = |seal: &Seal| (Reverse(seal.era), seal.height);
        if self.later.as_ref().is_some_and(|(_, held)| rank(held) >= rank(&seal)) {
            return;
        }
        if self.sets.get(&seal.era).is_some_and(|set| !self.is_good(&seal, set)) {
            return score(from, Points::INVALID, effects);
        }
        self.later = Some((from, seal));
    }

    /// The running era, or its set, has become known: a seal may have waited for that.
    pub(crate) fn take_up(&mut self, effects: &mut Vec<Effect>) {
        if let Some((from, seal)) = self.later.take() {
            self.receive_seal(from, seal, effects);
        }
    }

    /// A seal that holds.
    pub(crate) fn accept_seal(&mut self, from: Option<Peer>, seal: Box<Seal>, effects: &mut Vec<Effect>) {
        let Some(node) = self.tree.get(&seal.hash).copied() else {
            // All final blocks of the era are here, and this is none of them: its header will never be taken up.
            if self.tree.key(&self.last_final).is_some_and(|held| seal.height <= held.height) {
                return self.conflict(self.seal.clone(), seal, effects);
            }
            if self.awaited.as_ref().is_none_or(|held| held.height < seal.height) {
                // If it is of another branch, what that peer holds of the height that is final here contradicts this node.
                self.fetch(from, Want::Boundary(seal.era), effects);
                self.awaited = Some(seal);
            }
            return;
        };
        if node.key.height != seal.height || self.tree.descends(&self.last_final, &seal.hash) {
            return;
        }
        if !self.tree.descends(&seal.hash, &self.last_final) {
            return self.conflict(self.seal.clone(), seal, effects);
        }
        self.persist(Record::Seal(seal.clone()), effects);
        score(from, Points::USEFUL, effects);
        send(Message::Seal(seal.clone()), from.map_or(To::All, To::Except), effects);
        effects.push(Effect::Final(seal.clone()));
        if node.is_invalid {
            self.silent = true;
            effects.push(Effect::Alarm(Alarm::FinalInvalid(seal.hash)));
        }
        self.finalised(from, seal, effects);
    }

    /// A key block that operators have agreed on is here and holds: it is final by their word, and the era after it begins.
    /// That ends a halt too. Between eras no vote binds, so honest witnesses can build on it whatever they promised before.
    pub(crate) fn reach_anchor(&mut self, effects: &mut Vec<Effect>) -> bool {
        let held = self.last_final().height;
        let reached = self.anchors.iter().find(|(height, hash)| {
            let node = self.tree.get(hash).filter(|node| node.is_applied && !node.is_invalid);
            *height > held && node.is_some_and(|node| node.key.height == *height)
        });
        let Some((height, hash)) = reached.copied() else { return false };
        if !self.tree.descends(&hash, &self.last_final) {
            return false;
        }
        let era = self.params.era_of(height);
        if era != self.pool.era {
            (self.pool, self.next_pool) = (Pool::new(era), Pool::new(era.next().unwrap_or(era)));
        }
        (self.last_final, self.seal, self.awaited, self.halted) = (hash, None, None, false);
        effects.push(Effect::Anchored { hash, height });
        self.enter_next_era(effects);
        true
    }

    /// Two seals that cannot both be: stop.
    pub(crate) fn conflict(&mut self, seal: Option<Box<Seal>>, got: Box<Seal>, effects: &mut Vec<Effect>) {
        self.halted = true;
        self.stage = Stage::Resting;
        let held = seal.as_ref().map_or(self.last_final, |seal| seal.hash);
        self.persist(Record::Conflict { held: seal.clone(), got: got.clone() }, effects);
        if let Some(seal) = &seal {
            self.convict_signers(seal, &got, effects);
        }
        effects.push(Effect::Alarm(Alarm::ConflictingSeal { held, seal, got }));
    }

    /// Both seals are proof by themselves, whatever votes are still held: who signed both in one round, and who went on from
    /// an older source than what it had promised in the earlier one.
    fn convict_signers(&mut self, held: &Seal, got: &Seal, effects: &mut Vec<Effect>) {
        let (first, second) = if held.round <= got.round { (held, got) } else { (got, held) };
        let promises = precommits(first, self.params.chain);
        let newest =
            self.justification.as_deref().filter(|newest| newest.round > first.round && newest.era == first.era);
        let later = newest.map(|newest| prevotes(newest, self.params.chain)).unwrap_or_default();
        let against: Vec<_> = precommits(second, self.params.chain).into_iter().chain(later).collect();
        for promise in promises {
            let contradicts = |vote: &&Vote| vote.by == promise.by && convicts(&promise.statement, &vote.statement);
            if let Some(vote) = against.iter().find(contradicts) {
                self.accuse(promise, *vote, effects);
            }
        }
    }

    fn finalised(&mut self, from: Option<Peer>, seal: Box<Seal>, effects: &mut Vec<Effect>) {
        let source = Source { round: seal.round, hash: seal.hash };
        if !self.justified.contains_key(&source) {
            let asked = from.or_else(|| self.peers.first().copied());
            self.fetch(asked, Want::Justification(seal.era, source), effects);
        }
        let is_last = seal.height >= self.params.last_of(seal.era);
        self.last_final = seal.hash;
        self.final_round = self.final_round.max(seal.round);
        self.round = self.round.max(seal.round.next().unwrap_or(seal.round));
        self.stage = Stage::Resting;
        self.seal = Some(seal);
        if is_last {
            self.enter_next_era(effects);
        }
    }

    pub(crate) fn receive_justification(
        &mut self,
        from: Option<Peer>,
        justification: Box<Justification>,
        effects: &mut Vec<Effect>,
    ) {
        let is_held = self.early.iter().any(|(_, held)| held.source() == justification.source());
        let is_known = self.justified.contains_key(&justification.source());
        let Some(set) = self.set() else { return };
        if justification.era != self.pool.era || is_known || is_held {
            return;
        }
        let good = (self.checks.justification)(&justification, set, self.params.chain);
        let fits = self.params.era_of(justification.height) == justification.era;
        if !fits || good.is_err() {
            return score(from, Points::INVALID, effects);
        }
        self.admit_justification(from, justification, effects);
    }

    /// Take a justification whose signatures are good, if its sources are known.
    fn admit_justification(
        &mut self,
        from: Option<Peer>,
        justification: Box<Justification>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let votes = prevotes(&justification, self.params.chain);
        let standings: Vec<_> = votes.iter().map(|vote| self.judge(vote)).collect();
        if standings.contains(&Standing::Void) {
            score(from, Points::INVALID, effects);
            return true;
        }
        if standings.contains(&Standing::Early) {
            let wanted = votes.iter().map(|vote| vote.statement.source).max();
            let wanted = wanted.filter(|source| !self.justified.contains_key(source));
            if let Some(source) = wanted {
                self.fetch(from, Want::Justification(justification.era, source), effects);
            }
            if self.early.len() >= EARLY_MAX {
                self.early.remove(0);
            }
            self.early.push((from, justification));
            return false;
        }
        self.observe(&votes, effects);
        self.accept_justification(justification, effects);
        true
    }

    /// Try the early justifications again. True if one has been decided.
    pub(crate) fn retry(&mut self, effects: &mut Vec<Effect>) -> bool {
        let is_ready = |machine: &Self, justification: &Justification| {
            let votes = prevotes(justification, machine.params.chain);
            votes.iter().all(|vote| machine.judge(vote) != Standing::Early)
        };
        let at = self.early.iter().position(|(_, justification)| is_ready(self, justification));
        let Some(at) = at else { return false };
        let (from, justification) = self.early.remove(at);
        self.admit_justification(from, justification, effects)
    }

    fn accept_justification(&mut self, justification: Box<Justification>, effects: &mut Vec<Effect>) {
        self.persist(Record::Justification(justification.clone()), effects);
        self.justified.insert(justification.source(), justification.height);
        if self.justified.len() > JUSTIFIED_MAX {
            self.justified.pop_first();
        }
        if self.justification.as_ref().is_none_or(|newest| newest.round < justification.round) {
            self.justification = Some(justification);
        }
    }

    /// Over half prevoted a key block in one round: say so, once.
    pub(crate) fn say_witnessed(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(set) = self.set() else { return false };
        let tallies = self.pool.tallies(VoteKind::Prevote).flat_map(|(_, tally)| tally);
        let new = tallies.filter(|((hash, _), _)| self.tree.get(hash).is_some_and(|node| !node.is_witnessed));
        let mut weights = new.map(|((hash, _), places)| (*hash, set.weight_at(places.iter().copied())));
        let Some((hash, weight)) = weights.find(|(_, weight)| set.is_majority(*weight)) else { return false };
        if let Some(node) = self.tree.get_mut(&hash) {
            node.is_witnessed = true;
        }
        effects.push(Effect::Witnessed { hash, weight });
        true
    }

    /// Votes inside a certificate: they count, and they convict.
    pub(crate) fn observe(&mut self, votes: &[Vote], effects: &mut Vec<Effect>) {
        for vote in votes {
            let standing = self.judge(vote);
            if let (_, Some(earlier)) = self.pool.put(*vote, standing) {
                self.accuse(earlier, *vote, effects);
            }
        }
    }
}

/// A key block that was voted for in a round.
#[derive(Clone, Copy)]
struct Block<'a> {
    round: Round,
    hash: &'a Hash,
    height: Height,
}

/// The votes that a seal is made of.
pub(crate) fn precommits(seal: &Seal, chain: Hash) -> Vec<Vote> {
    let statement = seal.statement(chain);
    let signed = places_in(&seal.bitmap).zip(&seal.signatures);
    signed.map(|(by, signature)| Vote { statement, by, signature: *signature }).collect()
}

/// The votes that a justification is made of.
pub(crate) fn prevotes(justification: &Justification, chain: Hash) -> Vec<Vote> {
    let signed = places_in(&justification.bitmap).zip(&justification.signatures).zip(&justification.sources);
    let vote = |((by, signature), source): ((u16, &_), &Source)| Vote {
        statement: justification.statement(chain, *source),
        by,
        signature: *signature,
    };
    signed.map(vote).collect()
}

pub(crate) fn send(message: Message, to: To, effects: &mut Vec<Effect>) {
    effects.push(Effect::Send { message, to });
}

pub(crate) fn score(from: Option<Peer>, points: Points, effects: &mut Vec<Effect>) {
    effects.extend(from.map(|peer| Effect::Score(peer, points)));
}
