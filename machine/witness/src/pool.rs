//! The votes of one era, by member and slot.
//!
//! Each member has room for [`VOTES_MAX`] votes, so that nobody's flood costs anybody else's vote. A slot holds two votes
//! at most: a second one is proof of guilt already, and both count, so that all nodes come to see the same weights
//! whatever an equivocator told whom.

use alloc::{collections::BTreeMap, vec::Vec};

use banyan_types::{
    Era, Hash, Height, Round,
    witness::{Slot, Vote, VoteKind},
};

use crate::evidence::convicts;

/// Slots of one member that are held, at most. Source: root 8, early votes held per key.
pub const VOTES_MAX: usize = 64;

/// How far a prevote has come. Precommits and locks are always counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its block, or its source, is not known yet.
    Early,
    /// It counts.
    Counted,
    /// Its block does not descend from its source, so it is no vote.
    Void,
}

/// A vote that is held.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    pub vote: Vote,
    pub standing: Standing,
}

/// One member's votes.
#[derive(Clone, Debug, Default)]
struct Member {
    slots: BTreeMap<Key, (Held, Option<Held>)>,
}

/// A slot in the order of age: locks by height, the others by round.
type Key = (u64, Slot);

/// What became of a vote that was put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was here before, or there is no room for it.
    Old,
    /// The slot was empty.
    New,
    /// The slot had another vote.
    Second,
}

/// The votes of an era.
#[derive(Clone, Debug)]
pub struct Pool {
    pub era: Era,
    rounds: BTreeMap<u16, Member>,
    locks: BTreeMap<u16, Member>,
}

impl Pool {
    pub const fn new(era: Era) -> Self {
        Self { era, rounds: BTreeMap::new(), locks: BTreeMap::new() }
    }

    /// Put a vote in; also the earlier vote of the same member that convicts it, if one is held.
    pub fn put(&mut self, vote: Vote, standing: Standing) -> (Taken, Option<Vote>) {
        let all = if vote.statement.kind == VoteKind::Lock { &mut self.locks } else { &mut self.rounds };
        let member = all.entry(vote.by).or_default();
        let guilt = member.votes().map(|held| held.vote).find(|held| convicts(&held.statement, &vote.statement));
        (member.put(Held { vote, standing }), guilt)
    }

    /// All prevotes and precommits.
    pub fn votes(&self) -> impl Iterator<Item = &Held> {
        self.rounds.values().flat_map(Member::votes)
    }

    /// All locks.
    pub fn locks(&self) -> impl Iterator<Item = &Held> {
        self.locks.values().flat_map(Member::votes)
    }

    /// The votes of one kind and round.
    pub fn of_round(&self, kind: VoteKind, round: Round) -> impl Iterator<Item = &Held> {
        let key = (u64::from(round.0), Slot::Round(kind, self.era, round));
        self.rounds.values().filter_map(move |member| member.slots.get(&key)).flat_map(both)
    }

    /// What is counted, in one round, as places by block.
    pub fn tally(&self, kind: VoteKind, round: Round) -> BTreeMap<(Hash, Height), Vec<u16>> {
        let mut tally: BTreeMap<_, Vec<u16>> = BTreeMap::new();
        let counted = self.of_round(kind, round).filter(|held| held.standing == Standing::Counted);
        for Held { vote, .. } in counted {
            let places = tally.entry((vote.statement.hash, vote.statement.height)).or_default();
            // The two votes of an equivocator may name one block, from two sources.
            if !places.contains(&vote.by) {
                places.push(vote.by);
            }
        }
        tally
    }

    /// The latest round that each member is known to be in.
    pub fn latest(&self) -> impl Iterator<Item = (u16, Round)> {
        self.rounds.iter().filter_map(|(by, member)| {
            let held = member.votes().map(|held| held.vote.statement.round).max()?;
            Some((*by, held))
        })
    }

    /// Rounds that anything is held of, ascending.
    pub fn rounds(&self) -> Vec<Round> {
        let mut rounds: Vec<_> = self.votes().map(|held| held.vote.statement.round).collect();
        rounds.sort_unstable();
        rounds.dedup();
        rounds
    }

    /// Judge the votes that are early again.
    pub fn rejudge(&mut self, mut judge: impl FnMut(&Vote) -> Standing) {
        let all = self.rounds.values_mut().flat_map(|member| member.slots.values_mut());
        for (first, second) in all {
            let early = core::iter::once(first).chain(second).filter(|held| held.standing == Standing::Early);
            early.for_each(|held| held.standing = judge(&held.vote));
        }
    }
}

impl Member {
    fn votes(&self) -> impl Iterator<Item = &Held> {
        self.slots.values().flat_map(both)
    }

    fn put(&mut self, held: Held) -> Taken {
        let key = age(&held.vote);
        if let Some((first, second)) = self.slots.get_mut(&key) {
            if first.vote.statement == held.vote.statement || second.is_some() {
                return Taken::Old;
            }
            *second = Some(held);
            return Taken::Second;
        }
        self.slots.insert(key, (held, None));
        // The oldest goes: a member that is ahead is caught up with, one that was is not looked back at.
        if self.slots.len() > VOTES_MAX && self.slots.pop_first().is_some_and(|(oldest, _)| oldest == key) {
            return Taken::Old;
        }
        Taken::New
    }
}

fn both((first, second): &(Held, Option<Held>)) -> impl Iterator<Item = &Held> {
    core::iter::once(first).chain(second)
}

fn age(vote: &Vote) -> Key {
    let statement = &vote.statement;
    let age = if statement.kind == VoteKind::Lock { statement.height.0 } else { u64::from(statement.round.0) };
    (age, statement.slot())
}
