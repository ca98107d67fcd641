//! Somebody who sends old remits, both of two forks, and the second before the first.

use banyan_ledger::Rejected;
use banyan_types::{
    Hash, Status,
    associate::Summary,
    tx::{AssociateRemit, Transaction},
};

use super::Actor;
use crate::{
    law::{Broken, ensure},
    tree::world::World,
};

pub struct Replayer(usize);

impl Replayer {
    pub fn new(world: &mut World) -> Self {
        Self(world.some_child())
    }
}

impl Actor for Replayer {
    fn act(&mut self, world: &mut World, _round: u64) -> Result<(), Broken> {
        if !world.random.chance(400) {
            return Ok(());
        }
        world.replayed(self.0)?;
        world.reordered(self.0)?;
        world.torn(self.0)?;
        world.forked(self.0)
    }
}

impl World {
    /// Remits of a child that its parent has accepted.
    fn accepted(&self, at: usize) -> Vec<AssociateRemit> {
        let (records, id) = (&self.ledgers[self.parent(at)].records, self.ledgers[at].id());
        let txs = records.iter().flat_map(|record| record.txs.iter().zip(&record.outcome.receipts));
        let accepted = txs.filter_map(|(tx, receipt)| match tx.transaction() {
            Transaction::AssociateRemit(tx) if receipt.status == Status::Ok => Some(tx),
            _ => None,
        });
        accepted.filter(|tx| tx.associate_id == id).cloned().collect()
    }

    fn replayed(&mut self, at: usize) -> Result<(), Broken> {
        let accepted = self.accepted(at);
        let Some(old) = self.random.pick(&accepted).cloned() else { return Ok(()) };
        let said = self.say(at, (old.summary, old.lines), old.authorization)?;
        self.figures.lies_refused += 1;
        ensure(matches!(said, Err(Rejected::SequenceUsed { .. })), "an old remit is not taken again", || {
            format!("of {at}: {said:?}")
        })
    }

    /// The honest summary, numbered as the one after it.
    fn reordered(&mut self, at: usize) -> Result<(), Broken> {
        let Some((summary, lines)) = self.summary(at) else { return Ok(()) };
        let later = Summary { seq: summary.seq + 1, ..summary };
        let authorization = self.authorise(at, &later, self.ledgers[at].final_len);
        let said = self.say(at, (later, lines), authorization)?;
        self.figures.lies_refused += 1;
        ensure(matches!(said, Err(Rejected::SequenceEarly { .. })), "no summary comes before its time", || {
            format!("of {at}: {said:?}")
        })
    }

    /// All but the last line, or the last one changed: none is paid.
    fn torn(&mut self, at: usize) -> Result<(), Broken> {
        let Some((summary, mut lines)) = self.summary(at).filter(|(_, lines)| !lines.is_empty()) else { return Ok(()) };
        let authorization = self.authorise(at, &summary, self.ledgers[at].final_len);
        if self.random.chance(500) {
            lines.pop();
        } else if let Some(line) = lines.last_mut() {
            line.leg = Hash([0xee; 32]);
        }
        let said = self.say(at, (summary, lines), authorization)?;
        self.figures.lies_refused += 1;
        ensure(said == Err(Rejected::Outbox), "a remit is all or none", || format!("of {at}: {said:?}"))
    }

    /// Two forks of the child, both signed: the second to come finds its number used.
    fn forked(&mut self, at: usize) -> Result<(), Broken> {
        if self.ledgers[at].order.as_ref().is_some_and(|order| order.lag() > 0) {
            return Ok(());
        }
        let (Some(tip), Some(inbox)) = (self.tip(at), self.inbox(at)) else { return Ok(()) };
        let mut fork = self.ledgers[at].clone();
        fork.child_block(tip, &inbox, &[], &self.absent[at].clone())?
            .map_err(|why| Broken::new("an honest block follows its parent", why.to_string()))?;
        let len = fork.records.len();
        let (Some(one), Some(other)) = (self.summary(at), self.summary_to(at, &fork, len)) else { return Ok(()) };
        let first = self.authorise(at, &one.0, self.ledgers[at].final_len);
        let second = self.authorise_of(at, &fork, &other.0, len);
        let said = self.say(at, one, first)?;
        ensure(said.is_ok(), "an honest remit is taken", || format!("of {at}: {said:?}"))?;
        let said = self.say(at, other, second)?;
        self.figures.lies_refused += 1;
        ensure(matches!(said, Err(Rejected::SequenceUsed { .. })), "of two forks one is taken", || {
            format!("of {at}: {said:?}")
        })
    }
}
