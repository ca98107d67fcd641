//! Nothing leaves before what it rests on is on disk.
//!
//! Records gather until something waits for them: others' votes alone are worth no write of their own, since a log without
//! them only knows less.

use alloc::{collections::VecDeque, vec::Vec};

use crate::{Effect, Record, Seq};

/// Records that gather before they are written even if nothing waits for them.
const RECORDS_MAX: usize = 256;

/// Records on their way to the disk, and effects behind them.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// Not handed to the shell yet.
    pending: Vec<Record>,
    /// Whether they are written at the end of this step, whatever waits for them.
    is_due: bool,
    /// Effects of this step that rest on them.
    after: Vec<Effect>,
    /// The last write handed over.
    last: Seq,
    /// The last that is on disk.
    durable: Seq,
    /// Effects that wait for a write.
    held: VecDeque<(Seq, Effect)>,
}

impl Gate {
    /// A record to be written before any effect that follows.
    pub fn log(&mut self, record: Record) {
        self.pending.push(record);
    }

    /// Have all records so far written with this step, and tell the number of that write.
    pub fn write(&mut self) -> Seq {
        self.is_due = true;
        Seq(self.last.0.saturating_add(1))
    }

    /// An effect that rests on all records before it.
    pub fn after(&mut self, effect: Effect) {
        self.after.push(effect);
    }

    /// A height is over and on disk: what was not written of it need not be.
    pub fn forget_height(&mut self) {
        self.pending.retain(|record| record.height().is_none());
    }

    /// The end of a step: hand over what has to be written, and what need not wait.
    pub fn flush(&mut self, effects: &mut Vec<Effect>) {
        let is_due = core::mem::take(&mut self.is_due);
        let due = is_due || !self.after.is_empty() || self.pending.len() >= RECORDS_MAX;
        if due && !self.pending.is_empty() {
            self.last.0 += 1;
            effects.push(Effect::Persist(self.last, core::mem::take(&mut self.pending)));
        }
        let last = self.last;
        self.held.extend(self.after.drain(..).map(|effect| (last, effect)));
        self.release(effects);
    }

    /// Writes up to this one are on disk.
    pub fn persisted(&mut self, seq: Seq) {
        self.durable = self.durable.max(seq).min(self.last);
    }

    fn release(&mut self, effects: &mut Vec<Effect>) {
        while let Some((_, effect)) = self.held.pop_front_if(|(seq, _)| *seq <= self.durable) {
            effects.push(effect);
        }
    }
}
