//! Follow money down and up: from a commit's submission to its credit, from a withdrawal's to its payment.

use std::collections::BTreeMap;

use banyan_node::{Chain, Leaves as _};
use banyan_store::View;
use banyan_types::{AssociateId, Hash, Height, TimeMs, associate::InboxKind};

use crate::{figures::Figures, law::Broken};

/// The journeys under way.
#[derive(Default)]
pub struct Journeys {
    /// When the transaction of a leg was acknowledged.
    begun: BTreeMap<Hash, TimeMs>,
    /// Final commits that the child has not settled, by inbox number.
    down: BTreeMap<u64, Hash>,
    inbox_seen: u64,
    /// Withdrawals that the parent has not paid, by outbox number.
    up: BTreeMap<u64, Hash>,
    child_seen: Height,
}

impl Journeys {
    /// A transaction was acknowledged that begins this leg.
    pub fn begin(&mut self, leg: Hash, now: TimeMs) {
        self.begun.entry(leg).or_insert(now);
    }

    /// See how far both ledgers are. `parent` is the parent's last final state.
    /// # Errors
    /// What cannot be read.
    pub fn look(
        &mut self,
        now: TimeMs,
        parent: &View,
        child: &Chain,
        id: AssociateId,
        figures: &mut Figures,
    ) -> Result<(), Broken> {
        let Some(point) = parent.associate(id)? else { return Ok(()) };
        for n in self.inbox_seen..point.inbox_next {
            let entry = parent.inbox_entry(id, n)?.filter(|entry| entry.kind == InboxKind::Commit);
            self.down.extend(entry.map(|entry| (n, entry.leg)));
        }
        self.inbox_seen = self.inbox_seen.max(point.inbox_next);
        let head = child.head()?;
        for height in self.child_seen.0 + 1..=head.header.height().0 {
            let block = child.main_at(banyan_store::Place::at(height))?;
            let effects = block.map(|block| child.effects(block)).transpose()?.unwrap_or_default();
            for skipped in effects.skipped {
                self.down.remove(&skipped);
                figures.ended("skipped and paid back");
            }
            self.up.extend(effects.outbox.into_iter().map(|entry| (entry.n, entry.leg)));
        }
        self.child_seen = head.header.height();
        let credited = head.view.parent_leaf()?.map_or(0, |leaf| leaf.inbox);
        let arrived = |open: &mut BTreeMap<u64, Hash>, to| {
            let rest = open.split_off(&to);
            std::mem::replace(open, rest).into_values().filter_map(|leg| self.begun.get(&leg)).map(|at| now.0 - at.0)
        };
        figures.credits_ms.extend(arrived(&mut self.down, credited));
        figures.remits_ms.extend(arrived(&mut self.up, point.point.outbox_acked));
        Ok(())
    }
}
