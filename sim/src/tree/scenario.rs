//! The scenarios of associates 13, one actor in each, and what a world goes through.

use banyan_types::Hash;

use super::{
    actors,
    acts::SILENCE,
    figures::Figures,
    journeys::End,
    laws,
    plan::{Engine, Plan, Regime},
    world::World,
};
use crate::{
    law::{Broken, ensure},
    random::Random,
};

/// A kind of tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    /// Nobody lies, nothing ends.
    Calm,
    /// A child makes itself coins and remits them.
    Minter,
    /// A child's inbox is not what its parent wrote.
    Forger,
    /// Old remits, both of two forks, and the second before the first.
    Replayer,
    /// An inbox out of order, twice, with gaps.
    Shuffler,
    /// The root abandons what is not final.
    Reorg,
    /// A child's operators stop for good.
    Sleeper,
    /// They come back, once in time and once too late.
    Lazarus,
    /// Deadlines pass while a child catches up.
    Hasty,
    /// Two certificates for one height.
    Twin,
    /// A child is dead, and its child has lied before.
    Nested,
    /// Leaders are missing.
    Absent,
    /// A contract that judges a child, or decides of its committee, badly.
    BadContract,
}

/// Worlds that tell what a scenario shows from what is chance.
const MANY: u64 = 20;

/// How a world ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What happened in it.
    pub figures: Figures,
    /// The hash over all of it.
    pub trace: Hash,
}

impl Scenario {
    /// All of them, in the order that seeds go through them.
    pub const ALL: [Self; 13] = [
        Self::Calm,
        Self::Minter,
        Self::Forger,
        Self::Replayer,
        Self::Shuffler,
        Self::Reorg,
        Self::Sleeper,
        Self::Lazarus,
        Self::Hasty,
        Self::Twin,
        Self::Nested,
        Self::Absent,
        Self::BadContract,
    ];

    /// The word in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Minter => "minter",
            Self::Forger => "forger",
            Self::Replayer => "replayer",
            Self::Shuffler => "shuffler",
            Self::Reorg => "reorg",
            Self::Sleeper => "sleeper",
            Self::Lazarus => "lazarus",
            Self::Hasty => "hasty",
            Self::Twin => "twin",
            Self::Nested => "nested",
            Self::Absent => "absent",
            Self::BadContract => "bad_contract",
        }
    }

    /// The scenario whose turn it is at a seed.
    pub fn at(seed: u64) -> Self {
        let turn = usize::try_from(seed % Self::ALL.len() as u64).unwrap_or(0);
        Self::ALL[turn]
    }

    /// Parents of the first ledgers below the root, where the scenario needs a family.
    pub(super) const fn stem(self) -> &'static [usize] {
        match self {
            Self::Nested => &[0, 1, 1, 0],
            _ => &[],
        }
    }

    /// Give some ledger the engine and regime that the scenario is about.
    pub(super) fn demand(self, random: &mut Random, plan: &mut Plan) {
        let at = random.place(plan.spots.len());
        let spot = &mut plan.spots[at];
        match self {
            Self::Twin => {
                let engine = match random.below(3) {
                    0 => Engine::Committee { members: 4 },
                    1 => Engine::Rotation { members: 4, threshold: 1 },
                    _ => Engine::Rotation { members: 4, threshold: 3 },
                };
                (spot.engine, spot.regime) = (engine, Regime::Certificate);
            }
            Self::BadContract if random.chance(400) => {
                let regime = if random.chance(500) { Regime::Certificate } else { Regime::Operators };
                (spot.engine, spot.regime) = (Engine::Ruled { members: 4 }, regime);
            }
            Self::BadContract => {
                spot.regime = if random.chance(300) { Regime::Junk } else { Regime::Contract };
            }
            Self::Absent => (spot.engine, spot.regime) = (Engine::Committee { members: 4 }, Regime::Operators),
            Self::Nested => {
                for spot in plan.spots.iter_mut().take(3).filter(|spot| spot.regime == Regime::Contract) {
                    spot.regime = Regime::Operators;
                }
            }
            _ => {}
        }
    }

    /// Run one world, its verdict being that no law was broken.
    /// # Errors
    /// The law that was.
    pub fn run(self, seed: u64, aloud: bool) -> Result<Ended, Broken> {
        self.live(seed, Plan::draw(seed, self), aloud)
    }

    /// Run the world of this plan.
    /// # Errors
    /// The law that was broken, with the round.
    pub(super) fn live(self, seed: u64, plan: Plan, aloud: bool) -> Result<Ended, Broken> {
        let mut world = World::grown(seed, plan, aloud)?;
        let lived = self.through(&mut world);
        let round = world.figures.rounds;
        lived.map_err(|Broken { law, what }| Broken { law, what: format!("{what}, round {round}") })?;
        Ok(Ended { trace: world.trace_hash(), figures: world.figures })
    }

    /// What many worlds together must show: that what the scenario is about has happened in them.
    /// # Errors
    /// What has not.
    pub fn verdict_of_many(self, all: &Figures) -> Result<(), Broken> {
        const LAW: &str = "a scenario shows what it is about";
        ensure(all.worst() <= 1_000_000, "no lie takes more than its escrow held", || all.worst().to_string())?;
        if all.worlds < MANY {
            return Ok(());
        }
        let end = |name: &str| all.journeys.get(name).copied().unwrap_or(0);
        let shown = match self {
            Self::Calm => end("done"),
            Self::Minter => all.damages.len() as u64,
            Self::Forger | Self::Replayer | Self::Shuffler | Self::BadContract => all.lies_refused,
            Self::Reorg => all.reorgs.min(all.reentered).min(all.renumbered),
            Self::Sleeper => all.claims.min(all.refunds),
            Self::Lazarus | Self::Nested => all.claims,
            Self::Hasty => all.skipped.min(end("returned")),
            Self::Twin => end("stopped"),
            Self::Absent => all.views,
        };
        ensure(shown > 0, LAW, || format!("{self:?}: {all:?}"))
    }

    /// Safety while users act and the actor does; then progress without faults; then what the actor's end must show.
    fn through(self, world: &mut World) -> Result<(), Broken> {
        let mut actor = actors::of(self, world);
        laws::open(world);
        for round in 0..world.plan.rounds {
            world.weather();
            world.act();
            actor.act(world, round)?;
            world.round()?;
        }
        world.heal();
        world.settle()?;
        actor.close(world)?;
        world.finish()
    }
}

/// Rounds in which a ledger that nobody waits for makes no block of nothing.
pub(super) const IDLE_PACE: u64 = 8;

impl World {
    /// What changes by chance: who is slow, and who is not there.
    fn weather(&mut self) {
        for at in 1..self.ledgers.len() {
            if self.random.chance(100) {
                self.paces[at] = self.random.between(1, 4);
            }
            if self.plan.absences && self.random.chance(300) {
                self.absent[at] = self.absentees(at);
            }
        }
    }

    /// Less than a third of a ledger's validators, so that a quorum is left, and the threshold.
    fn absentees(&mut self, at: usize) -> std::collections::BTreeSet<banyan_types::PublicKey> {
        let members = self.ledgers[at].order.as_ref().map_or(Vec::new(), |order| order.members().to_vec());
        let may = match self.spot(at).engine {
            Engine::Solo => false,
            Engine::Committee { members } | Engine::Ruled { members } => members > 3,
            Engine::Rotation { members, threshold } => members > 3 && threshold < 4,
        };
        let one = self.random.place(members.len() + 1);
        members.get(one).filter(|_| may).map(super::people::Person::key).into_iter().collect()
    }

    /// From now on nothing goes wrong by chance.
    fn heal(&mut self) {
        (self.plan.reorgs, self.plan.absences, self.plan.lag_max, self.lag) = (false, false, 0, 0);
        self.paces.iter_mut().for_each(|pace| *pace = 1);
        self.absent.iter_mut().for_each(std::collections::BTreeSet::clear);
    }

    /// Wait until every journey outside fences rests: at most three times as long as a silence.
    fn settle(&mut self) -> Result<(), Broken> {
        let begun = self.figures.rounds;
        while self.journeys.0.values().any(|journey| self.is_promised(&journey.path) && journey.moves())
            || self.pools.iter().enumerate().any(|(at, pool)| self.is_outside(at) && !pool.is_empty())
        {
            let rounds = self.figures.rounds - begun;
            ensure(rounds <= 3 * SILENCE, "every journey rests within three silences", || {
                let moves =
                    self.journeys.0.iter().find(|(_, journey)| self.is_promised(&journey.path) && journey.moves());
                format!("{moves:?}")
            })?;
            self.round()?;
        }
        self.figures.settled_max = self.figures.rounds - begun;
        Ok(())
    }

    /// Whether a way leads over ledgers alone that neither lie nor die.
    fn is_promised(&self, path: &[usize]) -> bool {
        path.iter().all(|at| self.is_outside(*at))
    }

    /// Every journey has one end, under its owner's key; no entry was credited and paid back.
    fn finish(&mut self) -> Result<(), Broken> {
        let both = self.settled.both(|id| self.is_outside(self.places.get(&id).copied().unwrap_or(0)));
        ensure(both.is_none(), "what is paid back is never credited", || format!("{both:?}"))?;
        for (leg, journey) in &self.journeys.0 {
            if !self.is_promised(&journey.path) {
                *self.figures.journeys.entry("beyond").or_default() += 1;
                continue;
            }
            let name = match journey.ends.as_slice() {
                [] if journey.sent == 0 => "never begun",
                [(End::Done, at)] if *at == journey.to => "done",
                [(End::Returned, _)] => "returned",
                [(End::Stopped, _)] => "stopped",
                _ => {
                    return Err(Broken::new(
                        "every journey ends once, under its owner's key",
                        format!("{leg}: {journey:?}"),
                    ));
                }
            };
            *self.figures.journeys.entry(name).or_default() += 1;
        }
        Ok(())
    }

    /// Rounds in which only these ledgers and those above them make blocks of nothing.
    pub(super) fn wait(&mut self, hot: usize, rounds: u64, until: impl Fn(&Self) -> bool) -> Result<(), Broken> {
        let line = self.line(hot);
        for at in 1..self.ledgers.len() {
            self.paces[at] = if line.contains(&at) { 1 } else { IDLE_PACE };
        }
        for _ in 0..rounds {
            if until(self) {
                break;
            }
            self.round()?;
        }
        self.paces.iter_mut().for_each(|pace| *pace = 1);
        ensure(until(self), "what is waited for comes", || format!("not on {hot} in {rounds} rounds"))
    }
}
