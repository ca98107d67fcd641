//! Children whose operators stop: for good, for too long, or below a liar's grandparent.

use banyan_ledger::{Rejected, Status};

use super::{
    Actor,
    dead::{Claimed, Dead, coins, provable, silent, whole},
};
use crate::{
    law::{Broken, ensure},
    tree::{acts::SILENCE, world::World},
};

/// Stop for good in the middle of what users do.
pub struct Sleeper {
    at: usize,
    from: u64,
}

impl Sleeper {
    pub fn new(world: &mut World) -> Self {
        let at = world.some_child();
        world.fence_in(at);
        Self { at, from: world.random.between(3, world.plan.rounds - 1) }
    }
}

impl Actor for Sleeper {
    fn act(&mut self, world: &mut World, round: u64) -> Result<(), Broken> {
        if round == self.from {
            world.stopped.insert(self.at);
        }
        Ok(())
    }

    fn close(&mut self, world: &mut World) -> Result<(), Broken> {
        let dead = bury(world, self.at)?;
        all_is_paid(world, &dead)
    }
}

/// Without a lie nobody who claims loses anything that the last state shows.
fn all_is_paid(world: &mut World, dead: &Dead) -> Result<(), Broken> {
    let paid = dead.paid(world)?;
    let short = dead.claims.iter().find(|claim| !whole(&paid, claim));
    ensure(short.is_none(), "without a lie everybody has all that the last state shows", || {
        format!("{short:?} below {}, paid {paid:?}", dead.at)
    })
}

/// Wait until a child that has stopped is dead, and claim all.
fn bury(world: &mut World, at: usize) -> Result<Dead, Broken> {
    world.wait(at, 4 * SILENCE, |world| provable(world, at))?;
    Dead::refund_all(world, at)?;
    let users = world.cast.users.clone();
    let parent = world.parent(at);
    if world.ledgers[parent].point(world.ledgers[at].id()).is_none() {
        // Nothing was in its escrow but what went back.
        return Ok(Dead { at, known: banyan_ledger::MapState::default(), claims: Vec::new() });
    }
    let mut dead = Dead::new(world, at)?;
    dead.claim_all(world, &users)?;
    Ok(dead)
}

/// Stop, come back in time, stop again and come back too late.
pub struct Lazarus(Sleeper);

impl Lazarus {
    pub fn new(world: &mut World) -> Self {
        Self(Sleeper::new(world))
    }
}

impl Actor for Lazarus {
    fn act(&mut self, world: &mut World, round: u64) -> Result<(), Broken> {
        self.0.act(world, round)
    }

    fn close(&mut self, world: &mut World) -> Result<(), Broken> {
        let at = self.0.at;
        world.stopped.insert(at);
        world.quiet.insert(at);
        world.wait(at, 2 * SILENCE, |world| silent(world, at))?;
        let said = world.speak(at)?;
        ensure(said == Some(Ok(())), "a late remit revives until the first claim", || format!("{at}: {said:?}"))?;
        ensure(world.lives(at), "a late remit revives until the first claim", || format!("{at}"))?;
        world.pour(at)?;
        world.wait(at, 4 * SILENCE, |world| provable(world, at))?;
        let user = world.cast.users[0].clone();
        let mut dead = Dead::new(world, at)?;
        dead.claim(world, &user, &[])?;
        if dead.claims.is_empty() {
            Dead::refund_all(world, at)?;
        }
        let (parent, id) = (world.parent(at), world.ledgers[at].id());
        let above = &world.ledgers[parent];
        if above.point(id).is_some_and(|point| matches!(point.status, Status::Dead { .. })) {
            let said = world.speak(at)?;
            let refused = matches!(said, Some(Err(Rejected::Ended { .. })) | None);
            ensure(refused, "nobody comes back after the first claim", || format!("{at}: {said:?}"))?;
        }
        all_is_paid(world, &dead)
    }
}

impl World {
    /// A child that has stopped says what it has to say.
    fn speak(&mut self, at: usize) -> Result<Option<Result<(), Rejected>>, Broken> {
        let Some(whole) = self.summary(at) else { return Ok(None) };
        let authorization = self.authorise(at, &whole.0, self.ledgers[at].final_len);
        self.say(at, whole, authorization).map(Some)
    }
}

/// The child of the root that dies.
const DEAD: usize = 1;
/// Its child that has lied.
const LIAR: usize = 2;
/// Another child of the root.
const COUSIN: usize = 4;

/// A child dies whose own child has shown more than it had.
pub struct Nested {
    cousin: Option<banyan_ledger::Escrow>,
    lied: bool,
}

impl Nested {
    pub fn new(world: &mut World) -> Self {
        world.fence_in(DEAD);
        let crony = world.cast.crony.id;
        world.fund(0, crony, coins(10));
        Self { cousin: None, lied: false }
    }
}

impl Actor for Nested {
    fn act(&mut self, world: &mut World, round: u64) -> Result<(), Broken> {
        if round == world.plan.rounds / 2 {
            world.liars.insert(LIAR);
            world.mint(LIAR);
            self.lied = true;
        }
        Ok(())
    }

    fn close(&mut self, world: &mut World) -> Result<(), Broken> {
        // The lie goes up as any state does, with one heartbeat after the other; then the one above it stops.
        for _ in 0..SILENCE / 2 {
            world.round()?;
        }
        world.stopped.insert(DEAD);
        self.cousin = Some(world.ledgers[0].escrow(world.ledgers[COUSIN].id()));
        let mut dead = bury(world, DEAD)?;
        let crony = world.cast.crony.clone();
        dead.claim(world, &crony, &[LIAR])?;
        let paid = dead.paid(world)?;
        self.judge(world, &dead, &paid)
    }
}

impl Nested {
    fn judge(&self, world: &World, dead: &Dead, paid: &std::collections::BTreeMap<u64, u128>) -> Result<(), Broken> {
        let beside = |claim: &&Claimed| claim.of != LIAR && !world.line(claim.of).contains(&LIAR);
        let short = dead.claims.iter().filter(beside).find(|claim| !whole(paid, claim));
        ensure(short.is_none(), "who does not come through a liar loses nothing to it", || {
            format!("{short:?} of {:?}", paid.get(&short.map_or(0, |claim| claim.n)))
        })?;
        let through: u128 =
            dead.claims.iter().filter(|claim| !beside(claim)).filter_map(|claim| paid.get(&claim.n)).sum();
        let cap = cap_of(dead, world, LIAR);
        ensure(through <= cap, "through a liar comes no more than the one above held for it", || {
            format!("{through} of {cap}")
        })?;
        let lied = dead.claims.iter().any(|claim| claim.of == LIAR && claim.amount > cap);
        ensure(lied == self.lied, "the liar has shown more than there was", || format!("{:?}", dead.claims))?;
        let cousin = Some(world.ledgers[0].escrow(world.ledgers[COUSIN].id()));
        ensure(self.cousin.is_some() && cousin.is_some(), "cousins are untouched", || format!("{cousin:?}"))
    }
}

/// What a dead ledger's last state holds for one of its children, beside what waits.
fn cap_of(dead: &Dead, world: &World, child: usize) -> u128 {
    use banyan_ledger::Base as _;
    let at = banyan_ledger::key::escrow(world.ledgers[child].id(), banyan_types::Asset::Coin);
    let bytes = dead.known.read(&at).expect("a map answers");
    bytes.and_then(|bytes| banyan_ledger::Escrow::decode(&bytes).ok()).map_or(0, |escrow| escrow.free().base())
}
