//! Those who are slow or missing, and a root that thinks again.

use banyan_types::header::ChildHeader;

use super::Actor;
use crate::{
    law::{Broken, ensure},
    tree::{acts::COMMIT_TIMEOUT, world::World},
};

/// The root abandons blocks all the time. The laws are looked at each time; here is seen that commits were in them.
pub struct Reorg;

impl Actor for Reorg {
    fn act(&mut self, world: &mut World, _round: u64) -> Result<(), Broken> {
        let first = world.places[&world.ledgers[0].children[0]];
        world.pour(first).map(|_| ())
    }
}

/// A child that sleeps for longer than a commit may wait, and wakes up again.
pub struct Hasty {
    at: usize,
    until: u64,
}

impl Hasty {
    pub fn new(world: &mut World) -> Self {
        Self { at: world.some_child(), until: world.plan.rounds }
    }
}

impl Actor for Hasty {
    fn act(&mut self, world: &mut World, _round: u64) -> Result<(), Broken> {
        world.paces[self.at] = if self.until > 0 { 2 * COMMIT_TIMEOUT } else { 1 };
        world.pools[self.at].clear();
        world.pour(self.at).map(|_| ())
    }

    fn close(&mut self, world: &mut World) -> Result<(), Broken> {
        let ledger = &world.ledgers[self.at];
        let settled = (0..ledger.parent_leaf().inbox).map(|n| world.settled.fate(ledger.id(), n));
        let skipped: Vec<_> = settled.filter(|fate| fate.skipped > 0).collect();
        let whole = skipped.iter().all(|fate| fate.credited == 0 && fate.paid_back == 1);
        ensure(whole, "what is skipped is paid back, and not credited", || format!("{skipped:?}"))
    }
}

/// Leaders are missing; who leads instead was known before.
pub struct Absent;

impl Actor for Absent {
    fn close(&mut self, world: &mut World) -> Result<(), Broken> {
        for (at, ledger) in world.ledgers.iter().enumerate().skip(1) {
            let Some(order) = &ledger.order else { continue };
            let headers = ledger.records.iter().filter_map(|record| record.header.as_ref());
            let drawn = |header: &ChildHeader| order.leader(header.height, header.view) == Some(header.leader);
            let fixed = headers.clone().all(|header| drawn(header) && header.set_hash == order.set_hash());
            ensure(fixed, "who leads was known before", || format!("ledger {at}"))?;
            ensure(headers.count() > 0, "blocks go on without some leaders", || format!("ledger {at}"))?;
            let named = ledger.final_named().map(|named| named.root_height.0 + 3);
            let root = world.ledgers[0].height().0;
            ensure(named.is_some_and(|named| named >= root), "blocks go on without some leaders", || {
                format!("ledger {at} is at {named:?} of {root}")
            })?;
        }
        Ok(())
    }
}
