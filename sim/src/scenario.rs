//! Worlds with a name, and what each must show.

use std::fmt;

use crate::{
    faults::Faults, figures::Figures, host::HostId, law::Broken, random::Random, setting::Setting, trace::Trace,
    watch::Leave, world::World,
};
use banyan_types::Hash;

/// A kind of world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Nothing goes wrong.
    Calm,
    /// Several nodes of the root: forks, partitions, crashes, skewed clocks, forged blocks.
    Forks,
    /// The same with a child: two ledgers, everything.
    Tree,
    /// One node and its child, crashed at every write that they make.
    Crashes,
    /// A child whose operator lies, beside one whose operator does not.
    Liar,
}

/// How a world ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// What happened in it.
    pub figures: Figures,
    /// The hash over all of it.
    pub trace: Hash,
}

/// Key block intervals after which everything must have come to its end.
const SETTLE_INTERVALS: u64 = 400;

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Calm, Self::Forks, Self::Tree, Self::Crashes, Self::Liar];

    /// The word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Forks => "forks",
            Self::Tree => "tree/nodes",
            Self::Crashes => "crashes",
            Self::Liar => "liar",
        }
    }

    /// The scenario of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.name() == name)
    }

    /// Run one world, its verdict being that no law was broken.
    /// # Errors
    /// The law that was.
    pub fn run(self, seed: u64, aloud: bool) -> Result<Ended, Broken> {
        if self == Self::Crashes {
            return crashes(seed, 1, aloud);
        }
        let trace = if aloud { Trace::aloud() } else { Trace::default() };
        let (setting, faults) = self.world(seed);
        live(World::new(seed, &setting, faults, Leave::default(), trace)?, setting.span_ms, SETTLE_INTERVALS)
    }

    fn world(self, seed: u64) -> (Setting, Faults) {
        let roots = usize::try_from(Random::named(seed, "setting").between(1, 4)).unwrap_or(1);
        let setting = Setting {
            roots,
            child: self != Self::Forks,
            liar: self == Self::Liar,
            final_depth: if roots == 1 { 1 } else { 10 },
            span_ms: 120_000,
            solve_ms: 800,
            users: 4,
            act_ms: 700,
        };
        let swarm = Faults::swarm(seed);
        match self {
            Self::Calm => (setting, Faults::none()),
            Self::Forks => (Setting { roots: roots.max(2), final_depth: 10, ..setting }, swarm),
            Self::Tree => (setting, swarm),
            Self::Crashes => (Setting { roots: 1, final_depth: 1, span_ms: 24_000, ..setting }, Faults::none()),
            Self::Liar => (setting, Faults { crash_every_ms: 0, forged: 0, ..swarm }),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Safety under faults, then progress without them, then replay.
fn live(mut world: World, span_ms: u64, intervals: u64) -> Result<Ended, Broken> {
    let mut lived = || {
        world.run_until(span_ms)?;
        world.heal()?;
        world.settle_within(intervals)?;
        world.finish()
    };
    lived().map_err(|broken| world.dated(broken))?;
    Ok(Ended { trace: world.trace_hash(), figures: world.figures })
}

/// One short world without a fault; then the same world once for every operation of every disk, failing there. `stride` tries
/// only every so many of them.
/// # Errors
/// The first law that was broken, with the host and the operation.
pub fn crashes(seed: u64, stride: u64, aloud: bool) -> Result<Ended, Broken> {
    let (setting, faults) = Scenario::Crashes.world(seed);
    let world = || World::new(seed, &setting, faults.clone(), Leave::default(), Trace::default());
    let mut whole = world()?;
    whole.run_until(setting.span_ms)?;
    let plans: Vec<(HostId, u64)> = whole.hosts().map(|host| (host, whole.operations(host))).collect();
    let mut all = live(world()?, setting.span_ms, SETTLE_INTERVALS)?;
    for (host, operations) in plans {
        for operation in (seed % stride..operations).step_by(usize::try_from(stride).unwrap_or(1)) {
            if aloud {
                eprintln!("{host} fails at operation {operation} of {operations}");
            }
            let world = world()?;
            world.fail_at(host, operation);
            let ended = live(world, setting.span_ms, SETTLE_INTERVALS)
                .map_err(|Broken { law, what }| Broken { law, what: format!("{host} fails at {operation}: {what}") })?;
            all.figures.add(ended.figures);
            all.trace = Hash(banyan_crypto::blake2b(&[&all.trace.0, &ended.trace.0]));
        }
    }
    Ok(all)
}
