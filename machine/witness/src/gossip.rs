//! Votes from others: check, hold, relay; and what peers are told when they come or lag behind.

use alloc::{boxed::Box, vec::Vec};

use banyan_types::{
    Peer, Points, TimeMs,
    witness::{Vote, VoteKind},
};

use crate::{
    Alarm, Effect, Machine, Message, Standing, To, Want,
    certify::{score, send},
    pool::Taken,
};

/// A certificate is asked of one peer again after this long. Source: root 10, no answer in 10 s.
const ASK_AGAIN_MS: u64 = 10_000;
/// Questions that are remembered, at most.
const FETCHES_MAX: usize = 1_024;

impl Machine {
    pub(crate) fn receive_vote(&mut self, from: Option<Peer>, vote: Vote, effects: &mut Vec<Effect>) {
        let era = vote.statement.era;
        self.help(from, &vote, effects);
        let Some(set) = self.sets.get(&era).filter(|_| era == self.pool.era || era == self.next_pool.era) else {
            return;
        };
        let fits = vote.statement.chain == self.params.chain && self.params.era_of(vote.statement.height) == era;
        if !fits || (self.checks.vote)(&vote, set).is_err() {
            return score(from, Points::INVALID, effects);
        }
        let is_mine = self.me.is_some() && set.member(vote.by).map(|member| member.key) == self.me;
        if is_mine && !self.is_own(&vote, effects) {
            return;
        }
        self.hold(from, vote, effects);
    }

    /// Whether a vote with this node's key may be its own.
    fn is_own(&mut self, vote: &Vote, effects: &mut Vec<Effect>) -> bool {
        // What was cast before the watermarks were lost is not known any more.
        if self.durable.knows(&vote.statement) || vote.statement.era < self.votes_from {
            return true;
        }
        if !self.silent {
            self.silent = true;
            effects.push(Effect::Alarm(Alarm::MyKeyElsewhere(Box::new(*vote))));
        }
        false
    }

    fn hold(&mut self, from: Option<Peer>, vote: Vote, effects: &mut Vec<Effect>) {
        let is_now = vote.statement.era == self.pool.era;
        let standing = if is_now { self.judge(&vote) } else { Standing::Early };
        let pool = if is_now { &mut self.pool } else { &mut self.next_pool };
        let (taken, earlier) = pool.put(vote, standing);
        if taken == Taken::Old {
            return;
        }
        if vote.statement.kind == VoteKind::Lock {
            self.locks.changed();
        }
        if taken == Taken::New {
            score(from, Points::USEFUL, effects);
        }
        send(Message::Vote(Box::new(vote)), from.map_or(To::All, To::Except), effects);
        if let Some(earlier) = earlier {
            self.accuse(earlier, vote, effects);
        }
        let source = vote.statement.source;
        let is_prevote = vote.statement.kind == VoteKind::Prevote;
        if is_now && is_prevote && standing == Standing::Early && !self.justified.contains_key(&source) {
            self.fetch(from, Want::Justification(vote.statement.era, source), effects);
        }
    }

    /// Who still votes for what is final here has missed the seal.
    fn help(&mut self, from: Option<Peer>, vote: &Vote, effects: &mut Vec<Effect>) {
        let (Some(peer), Some(seal)) = (from, &self.seal) else { return };
        let lags = vote.statement.kind != VoteKind::Lock && vote.statement.height <= seal.height;
        let due = self.told.get(&peer).is_none_or(|last| last.0.saturating_add(self.params.delta_ms) <= self.now.0);
        if lags && due && self.peers.contains(&peer) {
            send(Message::Seal(seal.clone()), To::One(peer), effects);
            self.told.insert(peer, self.now);
        }
    }

    /// Ask a peer for a certificate, not too often.
    pub(crate) fn fetch(&mut self, from: Option<Peer>, want: Want, effects: &mut Vec<Effect>) {
        let Some(peer) = from else { return };
        let again = |last: &TimeMs| last.0.saturating_add(ASK_AGAIN_MS) <= self.now.0;
        if !self.fetched.get(&(peer, want)).is_none_or(again) {
            return;
        }
        if self.fetched.len() >= FETCHES_MAX {
            self.fetched.clear();
        }
        self.fetched.insert((peer, want), self.now);
        effects.push(Effect::Fetch(peer, want));
    }

    /// Tell a new peer the newest seal, the newest justification and the votes of the round.
    pub(crate) fn connected(&mut self, peer: Peer, effects: &mut Vec<Effect>) {
        self.peers.insert(peer);
        let to = To::One(peer);
        if let Some(seal) = &self.seal {
            send(Message::Seal(seal.clone()), to, effects);
        }
        if let Some(justification) = &self.justification {
            send(Message::Justification(justification.clone()), to, effects);
        }
        for kind in [VoteKind::Prevote, VoteKind::Precommit] {
            for held in self.pool.of_round(kind, self.round) {
                send(Message::Vote(Box::new(held.vote)), to, effects);
            }
        }
    }

    pub(crate) fn gone(&mut self, peer: Peer) {
        self.peers.remove(&peer);
        self.told.remove(&peer);
        self.fetched.retain(|(asked, _), _| *asked != peer);
    }
}
