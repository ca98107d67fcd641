//! Who does something in a tree that not everybody does, and what must hold of it. Source: associates 13.

mod contract;
mod dead;
mod inbox;
mod minter;
mod replayer;
mod ruler;
mod sleeper;
mod slow;
mod twin;

use super::{scenario::Scenario, world::World};
use crate::law::Broken;

/// Somebody with a part of their own.
pub trait Actor {
    /// Something before the turn of a round.
    fn act(&mut self, _world: &mut World, _round: u64) -> Result<(), Broken> {
        Ok(())
    }

    /// What its end must show, when everything else rests.
    fn close(&mut self, _world: &mut World) -> Result<(), Broken> {
        Ok(())
    }
}

/// Nobody.
struct Nobody;

impl Actor for Nobody {}

/// The actor of a scenario, at a place in the tree that suits it.
pub fn of(scenario: Scenario, world: &mut World) -> Box<dyn Actor> {
    match scenario {
        Scenario::Calm => Box::new(Nobody),
        Scenario::Minter => Box::new(minter::Minter::new(world)),
        Scenario::Forger => Box::new(inbox::Forger::new(world)),
        Scenario::Shuffler => Box::new(inbox::Shuffler::new(world)),
        Scenario::Replayer => Box::new(replayer::Replayer::new(world)),
        Scenario::Reorg => Box::new(slow::Reorg),
        Scenario::Hasty => Box::new(slow::Hasty::new(world)),
        Scenario::Absent => Box::new(slow::Absent),
        Scenario::Sleeper => Box::new(sleeper::Sleeper::new(world)),
        Scenario::Lazarus => Box::new(sleeper::Lazarus::new(world)),
        Scenario::Nested => Box::new(sleeper::Nested::new(world)),
        Scenario::Twin => Box::new(twin::Twin::new(world)),
        Scenario::BadContract => match ruler::BadRuler::at(world) {
            Some(ruler) => Box::new(ruler),
            None => Box::new(contract::BadContract::new(world)),
        },
    }
}

impl World {
    /// A ledger below the root.
    fn some_child(&mut self) -> usize {
        1 + self.random.place(self.ledgers.len() - 1)
    }

    /// A fence around a ledger and all below it.
    fn fence_in(&mut self, at: usize) {
        self.fenced.insert(at);
    }

    /// Somebody's money goes down into a child at once, so that there is something in its inbox.
    fn pour(&mut self, at: usize) -> Result<bool, Broken> {
        use super::acts::{FEE, Move};
        use banyan_types::{Amount, Hash};
        let (parent, id) = (self.parent(at), self.ledgers[at].id());
        let user = self.cast.users[self.random.place(self.cast.users.len())].clone();
        let ledger = &self.ledgers[parent];
        let has = ledger.account(user.id).balance.base() / 16;
        let Some(amount) = Amount::new(has).filter(|amount| *amount > FEE) else { return Ok(false) };
        let what = Move { amount, route: vec![], leg: Hash::ZERO };
        let commit = user.commit(user.id, id, ledger.nonce(user.id, 0), what);
        self.pools[parent].retain(|tx| tx.transaction().signer() != user.id);
        Ok(self.send(parent, &user, commit)?.is_ok())
    }
}
