//! Count what trees show.

use std::collections::BTreeMap;

use banyan_ledger::{Event, Outcome};
use serde_json::{Value, json};

/// What a lie took, of what was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// What left the liar's escrow wrongly.
    pub taken: u128,
    /// What the escrow held then.
    pub escrow: u128,
}

/// The counts of one world or many.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Worlds.
    pub worlds: u64,
    /// Ledgers.
    pub ledgers: u64,
    /// Turns of a whole tree.
    pub rounds: u64,
    /// Blocks made.
    pub blocks: u64,
    /// Blocks in which a leader was missing.
    pub views: u64,
    /// Money that went from one ledger to the next.
    pub transfers: u64,
    /// Commits that came too late.
    pub skipped: u64,
    /// Remits that honest children sent.
    pub remits: u64,
    /// Transactions that were not taken.
    pub refused: u64,
    /// How often the root abandoned blocks.
    pub reorgs: u64,
    /// Transactions that were in them.
    pub reentered: u64,
    /// Commits among them that came to other numbers.
    pub renumbered: u64,
    /// How often a ledger that takes turns in one step abandoned a block.
    pub forks: u64,
    /// How journeys ended.
    pub journeys: BTreeMap<&'static str, u64>,
    /// Most rounds from the heal until all had.
    pub settled_max: u64,
    /// Lies that were refused.
    pub lies_refused: u64,
    /// Lies that were not.
    pub damages: Vec<Damage>,
    /// Claims on dead ledgers that were paid.
    pub claims: u64,
    /// Commits that went back because the child had died.
    pub refunds: u64,
}

impl Figures {
    /// Count what a block did.
    pub fn count(&mut self, outcome: &Outcome) {
        for event in &outcome.events {
            match event {
                Event::Credited { .. } | Event::Remitted { .. } => self.transfers += 1,
                Event::Skipped { .. } => self.skipped += 1,
                Event::Escaped { .. } => self.claims += 1,
                _ => {}
            }
        }
    }

    /// Add another world's.
    pub fn add(&mut self, other: Self) {
        let sums = [
            (&mut self.worlds, other.worlds),
            (&mut self.ledgers, other.ledgers),
            (&mut self.rounds, other.rounds),
            (&mut self.blocks, other.blocks),
            (&mut self.views, other.views),
            (&mut self.transfers, other.transfers),
            (&mut self.skipped, other.skipped),
            (&mut self.remits, other.remits),
            (&mut self.refused, other.refused),
            (&mut self.reorgs, other.reorgs),
            (&mut self.reentered, other.reentered),
            (&mut self.renumbered, other.renumbered),
            (&mut self.forks, other.forks),
            (&mut self.lies_refused, other.lies_refused),
            (&mut self.claims, other.claims),
            (&mut self.refunds, other.refunds),
        ];
        for (sum, more) in sums {
            *sum += more;
        }
        for (end, count) in other.journeys {
            *self.journeys.entry(end).or_default() += count;
        }
        self.settled_max = self.settled_max.max(other.settled_max);
        self.damages.extend(other.damages);
    }

    /// The largest damage against its escrow, in millionths.
    pub fn worst(&self) -> u128 {
        let ratio = |damage: &Damage| damage.taken.saturating_mul(1_000_000).checked_div(damage.escrow).unwrap_or(0);
        self.damages.iter().map(ratio).max().unwrap_or(0)
    }

    /// What the columns of [`Self::row`] are.
    pub fn head() -> String {
        format!(
            "{:<13} {:>5} {:>7} {:>8} {:>9} {:>8} {:>8} {:>8} {:>7} {:>7} {:>6} {:>6} {:>6} {:>6} {:>7} {:>13} {:>13} {:>8}",
            "scenario",
            "seeds",
            "ledgers",
            "blocks",
            "transfers",
            "journeys",
            "done",
            "returned",
            "stopped",
            "beyond",
            "settle",
            "reorgs",
            "lies",
            "taken",
            "claims",
            "damage BNY",
            "escrow BNY",
            "max"
        )
    }

    /// One line of the table.
    pub fn row(&self, name: &str) -> String {
        let end = |name: &str| self.journeys.get(name).copied().unwrap_or(0);
        let sum = |part: fn(&Damage) -> u128| self.damages.iter().map(part).fold(0, u128::saturating_add) / UNITS;
        format!(
            "{name:<13} {:>5} {:>7} {:>8} {:>9} {:>8} {:>8} {:>8} {:>7} {:>7} {:>6} {:>6} {:>6} {:>6} {:>7} {:>13} {:>13} {:>8}",
            self.worlds,
            self.ledgers,
            self.blocks,
            self.transfers,
            self.journeys.values().sum::<u64>(),
            end("done"),
            end("returned"),
            end("stopped"),
            end("beyond"),
            self.settled_max,
            self.reorgs + self.forks,
            self.lies_refused,
            self.damages.len(),
            self.claims,
            sum(|damage| damage.taken),
            sum(|damage| damage.escrow),
            if self.damages.is_empty() { "-".into() } else { ratio(self.worst()) },
        )
    }

    /// As one JSON object.
    pub fn json(&self) -> Value {
        let sum = |part: fn(&Damage) -> u128| self.damages.iter().map(part).fold(0, u128::saturating_add).to_string();
        json!({
            "worlds": self.worlds,
            "ledgers": self.ledgers,
            "rounds": self.rounds,
            "blocks": self.blocks,
            "views": self.views,
            "transfers": self.transfers,
            "skipped": self.skipped,
            "remits": self.remits,
            "refused": self.refused,
            "reorgs": self.reorgs,
            "reentered": self.reentered,
            "renumbered": self.renumbered,
            "forks": self.forks,
            "journeys": self.journeys,
            "settled_max": self.settled_max,
            "lies_refused": self.lies_refused,
            "lies_taken": self.damages.len(),
            "damage": sum(|damage| damage.taken),
            "escrow": sum(|damage| damage.escrow),
            "damage_to_escrow_max": ratio(self.worst()),
            "claims": self.claims,
            "refunds": self.refunds,
        })
    }
}

/// Units of a coin.
const UNITS: u128 = 1_000_000_000_000_000_000;

fn ratio(millionths: u128) -> String {
    format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000)
}
