//! Validators who certify two blocks of one height.

use banyan_ledger::{Event, Rejected, Status};
use banyan_types::{Amount, Hash, Height, associate::Change, committee::Statement};

use super::Actor;
use crate::{
    law::{Broken, ensure},
    tree::{
        acts::{COMMIT_TIMEOUT, Move},
        people::Person,
        plan::Regime,
        world::World,
    },
};

/// What each operator puts up.
const BOND: u64 = 50;
/// Operators who do.
const BONDED: usize = 2;

pub struct Twin {
    at: usize,
    done: bool,
}

impl Twin {
    pub fn new(world: &mut World) -> Self {
        let certified = |at: &usize| world.spot(*at).regime == Regime::Certificate;
        let at = (1..world.ledgers.len()).find(certified).expect("the plan has one");
        Self { at, done: false }
    }
}

impl Actor for Twin {
    fn act(&mut self, world: &mut World, round: u64) -> Result<(), Broken> {
        let parent = world.parent(self.at);
        let bonded: Vec<_> = world.cast.operators[self.at].iter().take(BONDED).cloned().collect();
        match round {
            0 => bonded.iter().for_each(|one| world.fund(parent, one.id, coins(2 * BOND))),
            _ if self.done
                || !bonded.iter().all(|one| world.ledgers[parent].account(one.id).balance >= coins(BOND + 1)) => {}
            _ => {
                self.done = true;
                for one in &bonded {
                    let (ledger, id) = (&world.ledgers[parent], world.ledgers[self.at].id());
                    let put_up = Change::BondIn(coins(BOND));
                    let update = ledger.update(one, ledger.nonce(one.id, 0), id, put_up, &[]);
                    let said = world.send(parent, one, update)?;
                    ensure(said.is_ok(), "an operator puts up a bond", || format!("{said:?}"))?;
                }
                world.convict(self.at, &bonded)?;
            }
        }
        Ok(())
    }

    fn close(&mut self, world: &mut World) -> Result<(), Broken> {
        let parent = world.parent(self.at);
        let until = world.ledgers[parent].height().0 + COMMIT_TIMEOUT + 1;
        let at = self.at;
        world.wait(at, 4 * COMMIT_TIMEOUT, |world| world.ledgers[parent].height().0 > until)?;
        let point = world.ledgers[parent].point(world.ledgers[at].id());
        ensure(point.is_some_and(|point| point.status == Status::Open), "a frozen child thaws with time", || {
            format!("ledger {at}")
        })
    }
}

impl World {
    fn convict(&mut self, at: usize, bonded: &[Person]) -> Result<(), Broken> {
        let (parent, id, keeper) = (self.parent(at), self.ledgers[at].id(), self.cast.keepers[at].clone());
        let evidence = self.two_certificates(at);
        let held = self.ledgers[parent].escrow(id).held();
        self.pools[parent].retain(|tx| tx.transaction().signer() != keeper.id);
        let ledger = &self.ledgers[parent];
        let tx = keeper.evidence(ledger.nonce(keeper.id, 0), id, evidence.clone());
        let said = self.send(parent, &keeper, tx)?;
        ensure(said.is_ok(), "two certificates of one height convict", || format!("{said:?}"))?;
        let events = self.ledgers[parent].records.iter().rev().take(2).flat_map(|record| &record.outcome.events);
        let slashed: Vec<_> = events
            .filter_map(|event| match event {
                Event::OperatorSlashed { operator, .. } => Some(*operator),
                _ => None,
            })
            .collect();
        let named = slashed.len() == BONDED && bonded.iter().all(|one| slashed.contains(&one.id));
        ensure(named, "the culprits are named", || format!("{slashed:?}"))?;
        let pot = Amount::coins(BOND * BONDED as u64 / 10 * 9).and_then(|pot| held.plus(pot));
        let now = self.ledgers[parent].escrow(id).held();
        ensure(Some(now) >= pot, "nine tenths of the bonds are in the pot", || format!("{held} before, {now} now"))?;
        self.is_frozen(at)?;
        let ledger = &self.ledgers[parent];
        let again = keeper.evidence(ledger.nonce(keeper.id, 0), id, evidence);
        let said = self.send(parent, &keeper, again)?;
        ensure(said == Err(Rejected::NoFault), "a pair of certificates convicts once", || format!("{said:?}"))
    }

    /// Two certificates for the block that comes next.
    fn two_certificates(&self, at: usize) -> (u64, Vec<u8>, Vec<u8>) {
        let ledger = &self.ledgers[at];
        let height = Height(ledger.height().0 + 1);
        let order = ledger.order.as_ref().expect("a child is ordered by somebody");
        let certify = |block: u8| {
            let statement = Statement::precommit(height, 0, Hash([block; 32]));
            order.certify(&ledger.params.network_id, &statement, &std::collections::BTreeSet::new()).encode()
        };
        (1, certify(1), certify(2))
    }

    fn is_frozen(&mut self, at: usize) -> Result<(), Broken> {
        let (parent, id) = (self.parent(at), self.ledgers[at].id());
        let user = self.cast.users[0].clone();
        self.pools[parent].retain(|tx| tx.transaction().signer() != user.id);
        let ledger = &self.ledgers[parent];
        let what = Move { amount: coins(1), route: vec![], leg: Hash::ZERO };
        let commit = user.commit(user.id, id, ledger.nonce(user.id, 0), what);
        let said = self.send(parent, &user, commit)?;
        let frozen = Err(Rejected::Status { status: "frozen" });
        ensure(said == frozen, "nothing goes into a frozen child", || format!("{said:?}"))?;
        let Some(whole) = self.summary(at) else { return Ok(()) };
        let authorization = self.authorise(at, &whole.0, self.ledgers[at].final_len);
        let said = self.say(at, whole, authorization)?;
        ensure(said == frozen, "nothing leaves a frozen child", || format!("{said:?}"))
    }
}

fn coins(coins: u64) -> Amount {
    Amount::coins(coins).expect("below the cap")
}
