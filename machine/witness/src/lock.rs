//! Locks: promises to stay on a micro block, between one key block and the next.
//!
//! A witness locks the newest micro block of the tip's generation, at most one per interval, and only on the line of its
//! last lock there. A lock speaks for all micro blocks below it too. Rules: protocol, root 8.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use banyan_types::{
    Hash, Round, TimeMs,
    witness::{Source, Statement, VoteKind},
};

use crate::{Effect, Machine, MicroRef};

/// Micro blocks of a generation that are held, at most. Source: root 1, `micro_per_generation_max`.
const MICROS_MAX: usize = 4_096;

/// The tip's generation.
#[derive(Clone, Debug, Default)]
pub struct Locks {
    micros: BTreeMap<Hash, MicroRef>,
    newest: Option<MicroRef>,
    /// When this node locked last.
    last: Option<TimeMs>,
    /// The highest index that was said to be locked.
    said: u32,
    has_changed: bool,
}

impl Locks {
    pub fn take(&mut self, micro: MicroRef) {
        if self.newest.is_none_or(|newest| newest.key_hash != micro.key_hash) {
            self.micros.clear();
            self.said = 0;
        }
        if self.micros.len() < MICROS_MAX {
            self.micros.insert(micro.hash, micro);
        }
        self.newest = Some(micro);
        self.has_changed = true;
    }

    /// Votes have come.
    pub const fn changed(&mut self) {
        self.has_changed = true;
    }

    /// From a micro block down its generation, itself first.
    fn line(&self, from: Hash) -> impl Iterator<Item = &MicroRef> {
        let mut next = self.micros.get(&from);
        core::iter::from_fn(move || {
            let micro = next?;
            next = self.micros.get(&micro.prev_hash).filter(|prev| prev.index < micro.index);
            Some(micro)
        })
    }
}

impl Machine {
    /// Lock the newest micro block, if it is time.
    pub(crate) fn lock(&mut self, effects: &mut Vec<Effect>) -> bool {
        let is_due = self.lock_due().is_some_and(|due| due <= self.now);
        let Some(micro) = self.lockable().filter(|_| is_due) else { return false };
        let (hash, index) = (micro.hash, micro.index);
        let source = Source { round: Round(0), hash: micro.key_hash };
        let (chain, era, kind, round) = (self.params.chain, self.pool.era, VoteKind::Lock, Round(0));
        let statement = Statement { chain, kind, era, round, height: micro.height, hash, source, index };
        self.locks.last = Some(self.now);
        self.ask(statement, effects);
        true
    }

    pub(crate) fn lock_due(&self) -> Option<TimeMs> {
        self.lockable()?;
        let next = |last: TimeMs| TimeMs(last.0.saturating_add(self.params.micro_interval_ms));
        Some(self.locks.last.map_or(self.now, next))
    }

    /// The newest micro block, if this node may lock it. Only the running era's set has a say.
    fn lockable(&self) -> Option<MicroRef> {
        let micro = self.locks.newest.filter(|micro| micro.key_hash == self.tip)?;
        self.place()?;
        if self.params.era_of(micro.height) != self.pool.era {
            return None;
        }
        match self.pledged.lock(&micro.key_hash).map(|vote| vote.statement) {
            // The floor of the watermarks decides, as the generation may be an old one.
            None => self.pledged.allows_generation(micro.height).then_some(micro),
            Some(last) => {
                let on_line = self.locks.line(micro.hash).any(|below| below.hash == last.hash);
                (last.index < micro.index && on_line).then_some(micro)
            }
        }
    }

    /// Say which micro block a quorum has promised, or one after it.
    pub(crate) fn say_locked(&mut self, effects: &mut Vec<Effect>) -> bool {
        if !core::mem::take(&mut self.locks.has_changed) {
            return false;
        }
        let Some(newest) = self.locks.newest.filter(|newest| newest.key_hash == self.tip) else { return false };
        let mut by_block: BTreeMap<Hash, Vec<u16>> = BTreeMap::new();
        let held = self.pool.locks(newest.height).filter(|held| held.vote.statement.source.hash == newest.key_hash);
        held.for_each(|held| by_block.entry(held.vote.statement.hash).or_default().push(held.vote.by));
        let mut promised: BTreeSet<u16> = BTreeSet::new();
        let locked = self.locks.line(newest.hash).take_while(|micro| micro.index > self.locks.said).find(|micro| {
            promised.extend(by_block.get(&micro.hash).into_iter().flatten());
            self.has_quorum(&promised.iter().copied().collect::<Vec<_>>())
        });
        let Some(locked) = locked.copied() else { return false };
        self.locks.said = locked.index;
        effects.push(Effect::Locked(locked));
        true
    }
}
