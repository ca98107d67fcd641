//! The votes of one era, by member and slot.
//!
//! Each member has room for [`VOTES_MAX`] votes, so that nobody's flood costs anybody else's vote. A slot holds two votes
//! at most: a second one is proof of guilt already, and both count, so that all nodes come to see the same weights
//! whatever an equivocator told whom.

use alloc::{collections::BTreeMap, vec::Vec};

use banyan_types::{
    Era, Hash, Height, Round,
    witness::{Slot, Statement, Vote, VoteKind},
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
    /// What the counted prevotes and precommits add up to. Asked after each input, so it is kept and not made anew.
    tallies: BTreeMap<(VoteKind, Round), Tally>,
}

/// Members that voted, by place, for each block.
pub type Tally = BTreeMap<(Hash, Height), Vec<u16>>;

impl Pool {
    pub const fn new(era: Era) -> Self {
        Self { era, rounds: BTreeMap::new(), locks: BTreeMap::new(), tallies: BTreeMap::new() }
    }

    /// Put a vote in; also the earlier vote of the same member that convicts it, if one is held.
    pub fn put(&mut self, vote: Vote, standing: Standing) -> (Taken, Option<Vote>) {
        let is_lock = vote.statement.kind == VoteKind::Lock;
        let all = if is_lock { &mut self.locks } else { &mut self.rounds };
        let member = all.entry(vote.by).or_default();
        let guilt = member.votes().map(|held| held.vote).find(|held| convicts(&held.statement, &vote.statement));
        let (taken, gone) = member.put(Held { vote, standing });
        if !is_lock {
            if taken != Taken::Old && standing == Standing::Counted {
                count(&mut self.tallies, &vote);
            }
            gone.iter().flat_map(both).for_each(|held| forget(&mut self.tallies, &held.vote));
        }
        (taken, guilt)
    }

    /// All prevotes and precommits.
    #[cfg(test)]
    pub fn votes(&self) -> impl Iterator<Item = &Held> {
        self.rounds.values().flat_map(Member::votes)
    }

    /// The locks of one height's generations.
    pub fn locks(&self, height: Height) -> impl Iterator<Item = &Held> {
        self.locks.values().flat_map(move |member| {
            let newer = member.slots.iter().rev().take_while(move |((age, _), _)| *age >= height.0);
            newer.filter(move |((age, _), _)| *age == height.0).flat_map(|(_, slot)| both(slot))
        })
    }

    /// The votes of one kind and round.
    pub fn of_round(&self, kind: VoteKind, round: Round) -> impl Iterator<Item = &Held> {
        let key = (u64::from(round.0), Slot::Round(kind, self.era, round));
        self.rounds.values().filter_map(move |member| member.slots.get(&key)).flat_map(both)
    }

    /// What is counted in one round.
    pub fn tally(&self, kind: VoteKind, round: Round) -> Option<&Tally> {
        self.tallies.get(&(kind, round))
    }

    /// What is counted in each round, earliest first.
    pub fn tallies(&self, kind: VoteKind) -> impl Iterator<Item = (Round, &Tally)> {
        let of_kind = self.tallies.range((kind, Round(0))..=(kind, Round(u32::MAX)));
        of_kind.map(|((_, round), tally)| (*round, tally))
    }

    /// The latest round that each member is known to be in.
    pub fn latest(&self) -> impl Iterator<Item = (u16, Round)> {
        self.rounds.iter().filter_map(|(by, member)| {
            let (_, (first, _)) = member.slots.last_key_value()?;
            Some((*by, first.vote.statement.round))
        })
    }

    /// Judge the votes that are early again.
    pub fn rejudge(&mut self, mut judge: impl FnMut(&Vote) -> Standing) {
        let all = self.rounds.values_mut().flat_map(|member| member.slots.values_mut());
        for (first, second) in all {
            let early = core::iter::once(first).chain(second).filter(|held| held.standing == Standing::Early);
            for held in early {
                held.standing = judge(&held.vote);
                if held.standing == Standing::Counted {
                    count(&mut self.tallies, &held.vote);
                }
            }
        }
    }
}

impl Member {
    fn votes(&self) -> impl Iterator<Item = &Held> {
        self.slots.values().flat_map(both)
    }

    /// Also the slot that had to make room.
    fn put(&mut self, held: Held) -> (Taken, Option<(Held, Option<Held>)>) {
        let key = age(&held.vote);
        if let Some((first, second)) = self.slots.get_mut(&key) {
            if first.vote.statement == held.vote.statement || second.is_some() {
                return (Taken::Old, None);
            }
            *second = Some(held);
            return (Taken::Second, None);
        }
        // The oldest goes: a member that is ahead is caught up with, one that was is not looked back at.
        if self.slots.len() < VOTES_MAX {
            self.slots.insert(key, (held, None));
            return (Taken::New, None);
        }
        if self.slots.first_key_value().is_some_and(|(oldest, _)| key < *oldest) {
            return (Taken::Old, None);
        }
        self.slots.insert(key, (held, None));
        (Taken::New, self.slots.pop_first().map(|(_, gone)| gone))
    }
}

/// Add a vote to what its round adds up to. The two votes of an equivocator may name one block, from two sources.
fn count(tallies: &mut BTreeMap<(VoteKind, Round), Tally>, vote: &Vote) {
    let Statement { kind, round, height, hash, .. } = vote.statement;
    let places = tallies.entry((kind, round)).or_default().entry((hash, height)).or_default();
    if let Err(at) = places.binary_search(&vote.by) {
        places.insert(at, vote.by);
    }
}

/// Take a vote out again whose slot has gone.
fn forget(tallies: &mut BTreeMap<(VoteKind, Round), Tally>, vote: &Vote) {
    let Statement { kind, round, height, hash, .. } = vote.statement;
    let Some(tally) = tallies.get_mut(&(kind, round)) else { return };
    if let Some(places) = tally.get_mut(&(hash, height)) {
        places.retain(|by| *by != vote.by);
    }
    tally.retain(|_, places| !places.is_empty());
    if tally.is_empty() {
        tallies.remove(&(kind, round));
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
