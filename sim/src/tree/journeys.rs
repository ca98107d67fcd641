//! Where the money of each journey is, by what blocks say that they did.

use std::collections::BTreeMap;

use banyan_ledger::Event;
use banyan_types::{
    AccountId, Hash, Status,
    associate::{InboxEntry, InboxKind, OutboxEntry},
    tx::Transaction,
};

use super::chain::Record;

/// How a journey came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Where it was to go.
    Done,
    /// One ledger up, or where it began.
    Returned,
    /// On its way.
    Stopped,
    /// With somebody whose it is not: never.
    Astray,
}

/// Money of a user on its way through the tree.
#[derive(Clone, Debug)]
pub struct Journey {
    /// Whose.
    pub owner: AccountId,
    /// The ledger where it is to end.
    pub to: usize,
    /// Every ledger that it passes, both ends among them.
    pub path: Vec<usize>,
    /// How often it left a ledger.
    pub sent: i64,
    /// How often it came to one.
    pub received: i64,
    /// Its ends, with their ledgers: one at most.
    pub ends: Vec<(End, usize)>,
}

impl Journey {
    /// Whether it is between two ledgers.
    pub const fn moves(&self) -> bool {
        self.sent != self.received
    }

    fn end(&mut self, end: End, at: usize, forwards: bool) {
        if forwards {
            return self.ends.push((end, at));
        }
        let last = self.ends.iter().rposition(|ended| *ended == (end, at));
        last.map(|last| self.ends.remove(last));
    }
}

/// All of them, by the name of their leg.
#[derive(Clone, Debug, Default)]
pub struct Journeys(pub BTreeMap<Hash, Journey>);

/// What a block did to a journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// It left.
    Sent(Hash),
    /// It came.
    Received(Hash),
    /// It rests here, with this account.
    Ended(Hash, End, AccountId),
}

impl Journeys {
    /// Enter a block of the ledger `at`, or take it out again.
    pub fn enter(&mut self, at: usize, happenings: &[Happening], forwards: bool) {
        let step = if forwards { 1 } else { -1 };
        for happening in happenings {
            let (Happening::Sent(leg) | Happening::Received(leg) | Happening::Ended(leg, ..)) = happening;
            let Some(journey) = self.0.get_mut(leg) else { continue };
            match happening {
                Happening::Sent(_) => journey.sent += step,
                Happening::Received(_) => journey.received += step,
                Happening::Ended(_, end, who) => {
                    let end = if *who == journey.owner { *end } else { End::Astray };
                    journey.end(end, at, forwards);
                }
            }
        }
    }
}

/// What a block did to journeys, in order.
pub fn happenings(record: &Record) -> Vec<Happening> {
    let lines = remitted(record);
    let (mut all, mut arrived) = (Vec::new(), None);
    for event in &record.outcome.events {
        match event {
            Event::Committed { associate, n, .. } => {
                let entry = record.committed.iter().find(|(id, entry)| id == associate && entry.n == *n);
                all.extend(entry.map(|(_, entry)| Happening::Sent(entry.leg)));
            }
            Event::Withdrawn { n, .. } => {
                let line = record.outcome.effects.outbox.iter().find(|line| line.n == *n);
                all.extend(line.map(|line| Happening::Sent(line.leg)));
            }
            Event::Credited { n, to, .. } => {
                arrived = record.inbox.iter().find(|entry| entry.n == *n).map(|entry| entry.leg);
                let entry = record.inbox.iter().find(|entry| entry.n == *n);
                all.extend(entry.into_iter().flat_map(|entry| credited(entry, *to)));
            }
            Event::Remitted { associate, n, to, .. } => {
                let line = lines.iter().find(|(id, line)| id == associate && line.n == *n);
                arrived = line.map(|(_, line)| line.leg);
                all.extend(
                    line.into_iter().flat_map(|(_, line)| came(line.leg, line.route.is_empty(), End::Done, *to)),
                );
            }
            Event::PaidBack { associate, n, to, .. } => {
                let entry = record.paid_back.iter().find(|(id, entry)| id == associate && entry.n == *n);
                all.extend(entry.into_iter().flat_map(|(_, entry)| came(entry.leg, true, End::Returned, *to)));
            }
            Event::Undelivered { associate, n, .. } => {
                let line = lines.iter().find(|(id, line)| id == associate && line.n == *n);
                all.extend(
                    line.into_iter().flat_map(|(_, line)| [Happening::Received(line.leg), Happening::Sent(line.leg)]),
                );
            }
            Event::Stopped { account, .. } => {
                all.extend(arrived.map(|leg| Happening::Ended(leg, End::Stopped, *account)));
            }
            _ => {}
        }
    }
    all
}

fn credited(entry: &InboxEntry, to: AccountId) -> Vec<Happening> {
    let end = if matches!(entry.kind, InboxKind::Returned { .. }) { End::Returned } else { End::Done };
    came(entry.leg, entry.route.is_empty(), end, to)
}

fn came(leg: Hash, rests: bool, end: End, with: AccountId) -> Vec<Happening> {
    let rest = rests.then_some(Happening::Ended(leg, end, with));
    [Happening::Received(leg)].into_iter().chain(rest).collect()
}

/// The lines of a block's accepted remits.
fn remitted(record: &Record) -> Vec<(banyan_types::AssociateId, &OutboxEntry)> {
    let receipts = record.outcome.receipts.iter();
    let accepted = record.txs.iter().zip(receipts).filter(|(_, receipt)| receipt.status == Status::Ok);
    let lines = accepted.filter_map(|(tx, _)| match tx.transaction() {
        Transaction::AssociateRemit(tx) => Some(tx.lines.iter().map(|line| (tx.associate_id, line))),
        _ => None,
    });
    lines.flatten().collect()
}
