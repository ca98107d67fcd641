//! How each entry of an inbox ended: credited below, or paid back above, once and never both.

use std::collections::BTreeMap;

use banyan_ledger::Event;
use banyan_types::AssociateId;

use super::chain::Record;
use crate::law::{Broken, ensure};

/// What was done with an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// Credited by the child.
    pub credited: u32,
    /// Skipped by the child.
    pub skipped: u32,
    /// Paid back by the parent.
    pub paid_back: u32,
}

/// All entries that were settled.
#[derive(Clone, Debug, Default)]
pub struct Settled(BTreeMap<(AssociateId, u64), Fate>);

impl Settled {
    /// Enter a block of the ledger with this id.
    /// # Errors
    /// A second end of one entry.
    pub fn enter(&mut self, id: AssociateId, record: &Record) -> Result<(), Broken> {
        for (at, change) in changes(id, record) {
            let fate = self.0.entry(at).or_default();
            change(fate, true);
            let once = fate.credited + fate.skipped <= 1 && fate.paid_back <= 1;
            ensure(once, "an inbox entry is credited at most once", || format!("{} of {}: {fate:?}", at.1, at.0))?;
        }
        Ok(())
    }

    /// Take a block out again.
    pub fn take_back(&mut self, id: AssociateId, record: &Record) {
        for (at, change) in changes(id, record) {
            change(self.0.entry(at).or_default(), false);
        }
    }

    /// How an entry ended.
    pub fn fate(&self, id: AssociateId, n: u64) -> Fate {
        self.0.get(&(id, n)).copied().unwrap_or_default()
    }

    /// Entries of these children that were both credited and paid back.
    pub fn both(&self, is_honest: impl Fn(AssociateId) -> bool) -> Option<(AssociateId, u64)> {
        let both = |(at, fate): (&(AssociateId, u64), &Fate)| {
            (is_honest(at.0) && fate.credited > 0 && fate.paid_back > 0).then_some(*at)
        };
        self.0.iter().find_map(both)
    }
}

type Change = fn(&mut Fate, bool);

fn changes(id: AssociateId, record: &Record) -> Vec<((AssociateId, u64), Change)> {
    let change = |event: &Event| -> Option<((AssociateId, u64), Change)> {
        match event {
            Event::Credited { n, .. } => Some(((id, *n), |fate, more| step(&mut fate.credited, more))),
            Event::Skipped { n } => Some(((id, *n), |fate, more| step(&mut fate.skipped, more))),
            Event::PaidBack { associate, n, .. } => {
                Some(((*associate, *n), |fate, more| step(&mut fate.paid_back, more)))
            }
            _ => None,
        }
    };
    record.outcome.events.iter().filter_map(change).collect()
}

const fn step(count: &mut u32, more: bool) {
    *count = if more { *count + 1 } else { count.saturating_sub(1) };
}
