//! What a status page shows of the running round. Cheap enough to be asked at each request.

use alloc::vec::Vec;

use banyan_types::{
    AccountId, Amount, Era, Hash, Height, Round,
    witness::{Justification, Seal, Vote, VoteKind, Witness},
};

use crate::{KeyRef, Machine, Standing, Watermarks};

/// Key blocks from the last final one to the tip, from which on finality is degraded. Source: root 9.
const DEGRADED_LAG: u64 = 3;

/// What one key block has in a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The key block.
    pub hash: Hash,
    /// Its height.
    pub height: Height,
    /// Weight of its votes.
    pub weight: Amount,
    /// Places of those who voted.
    pub members: Vec<u16>,
}

impl Machine {
    /// The last final key block.
    pub fn last_final(&self) -> KeyRef {
        // The tree never drops its final block.
        self.tree.key(&self.last_final).unwrap_or_else(|| self.tree.root())
    }

    /// The newest seal; none before there was one.
    pub fn seal(&self) -> Option<&Seal> {
        self.seal.as_deref()
    }

    /// The newest justification of the running era.
    pub fn justification(&self) -> Option<&Justification> {
        self.justification.as_deref()
    }

    /// The running era: that of the first key block above the last final one.
    pub const fn era(&self) -> Era {
        self.pool.era
    }

    /// A key block that a good seal names and whose header is not here.
    pub fn awaited(&self) -> Option<(Hash, Height)> {
        self.awaited.as_ref().map(|seal| (seal.hash, seal.height))
    }

    /// The round that this node is in.
    pub const fn round(&self) -> Round {
        self.round
    }

    /// The round to show: the running one, or the last that made a block final while there is nothing to vote for.
    pub fn round_shown(&self) -> Round {
        let has_votes = self.pool.of_round(VoteKind::Prevote, self.round).next().is_some();
        if has_votes { self.round } else { self.final_round.max(Round(1)) }
    }

    /// Weight and members of each key block voted for in a round.
    pub fn tally(&self, kind: VoteKind, round: Round) -> Vec<Tally> {
        let weight = |places: &[u16]| self.set().map_or(Amount::ZERO, |set| set.weight_at(places.iter().copied()));
        let sum = |((hash, height), members): (&(Hash, Height), &Vec<u16>)| Tally {
            hash: *hash,
            height: *height,
            weight: weight(members),
            members: members.clone(),
        };
        self.pool.tally(kind, round).into_iter().flatten().map(sum).collect()
    }

    /// Each vote of a round, counted or not.
    pub fn votes(&self, kind: VoteKind, round: Round) -> impl Iterator<Item = (&Vote, Standing)> {
        self.pool.of_round(kind, round).map(|held| (&held.vote, held.standing))
    }

    /// Members whose prevote of a round was not seen.
    pub fn missing(&self, round: Round) -> impl Iterator<Item = &Witness> {
        let seen: Vec<_> = self.pool.of_round(VoteKind::Prevote, round).map(|held| held.vote.by).collect();
        let members = self.set().into_iter().flat_map(|set| (0..).zip(&set.members));
        members.filter(move |(place, _)| !seen.contains(place)).map(|(_, member)| member)
    }

    /// Stakers that were accused in this era.
    pub fn accused(&self) -> impl Iterator<Item = AccountId> {
        self.accused.iter().map(|(staker, _)| *staker)
    }

    /// Whether the tip is so far above the last final block that users must be told.
    pub fn is_degraded(&self) -> bool {
        self.lag() >= DEGRADED_LAG
    }

    /// Whether conflicting seals stopped finality here.
    pub const fn is_halted(&self) -> bool {
        self.halted
    }

    /// Whether this node votes in the running era.
    pub fn is_voting(&self) -> bool {
        self.place().is_some()
    }

    /// This node's own votes that bind it, as far as they are on disk.
    pub const fn watermarks(&self) -> &Watermarks {
        &self.durable
    }
}
