//! A contract that judges a child badly: no, for ever, failing, or what is no answer.

use banyan_types::Status;

use super::{
    Actor,
    dead::{Dead, silent},
};
use crate::{
    law::{Broken, ensure},
    tree::{acts::SILENCE, plan::Regime, speak::says, world::World},
};

pub struct BadContract {
    at: usize,
    junk: bool,
}

impl BadContract {
    pub fn new(world: &mut World) -> Self {
        let judged = |regime| (1..world.ledgers.len()).find(|at| world.spot(*at).regime == regime);
        let (junk, contract) = (judged(Regime::Junk), judged(Regime::Contract));
        if let Some(at) = junk {
            // Nothing will ever leave it but what it never settled.
            world.fence_in(at);
            world.quiet.insert(at);
        }
        let at = junk.or(contract).expect("the plan has one");
        Self { at, junk: junk.is_some() }
    }
}

impl Actor for BadContract {
    fn act(&mut self, world: &mut World, round: u64) -> Result<(), Broken> {
        if round > 1 && world.random.chance(300) {
            let kind = if self.junk { 1 } else { 2 + world.random.place(4) };
            world.misjudged(self.at, kind)?;
        }
        Ok(())
    }

    /// What such a contract never let the child settle goes back whole.
    fn close(&mut self, world: &mut World) -> Result<(), Broken> {
        if !self.junk {
            return Ok(());
        }
        let at = self.at;
        world.stopped.insert(at);
        world.wait(at, 2 * SILENCE, |world| silent(world, at))?;
        Dead::refund_all(world, at)
    }
}

impl World {
    /// A good remit with a word to which the contract does not answer yes: mined, failed, and nothing else.
    fn misjudged(&mut self, at: usize, kind: usize) -> Result<(), Broken> {
        let (parent, id) = (self.parent(at), self.ledgers[at].id());
        let Some(whole) = self.summary(at) else { return Ok(()) };
        // Others may commit into the child in the same block.
        let seen = |world: &Self| {
            let point = world.ledgers[parent].point(id);
            (
                world.ledgers[parent].escrow(id).remitted,
                point.map(|point| (point.point, point.inbox_acked, point.last_alive)),
            )
        };
        let before = seen(self);
        let keeper = self.cast.keepers[at].id;
        let has = self.ledgers[parent].account(keeper).balance;
        let said = self.say(at, whole, says(kind))?;
        ensure(said.is_ok(), "a bad answer is mined", || format!("{kind} on {at}: {said:?}"))?;
        let receipts = self.ledgers[parent].records.iter().rev().find_map(|record| record.outcome.receipts.last());
        let failed = receipts.is_some_and(|receipt| receipt.status != Status::Ok);
        ensure(failed, "only a yes is a yes", || format!("{kind} on {at}"))?;
        let after = seen(self);
        self.figures.lies_refused += 1;
        ensure(before == after, "a contract that does not agree changes nothing", || format!("{kind} on {at}"))?;
        let paid = self.ledgers[parent].account(keeper).balance < has;
        ensure(paid, "who asks a contract pays for that", || format!("{kind} on {at}"))
    }
}
