//! Draw a tree: its shape, and for each ledger below the root an engine and a regime that make sense together.

use super::scenario::Scenario;
use crate::random::Random;

/// Depth of a tree, the root being 0. Source: associates 13.
pub const DEPTH_MAX: usize = 5;
/// Ledgers of a tree, the root among them. Source: associates 13.
pub const LEDGERS_MAX: usize = 40;

/// Who orders a ledger below the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// One operator.
    Solo,
    /// So many validators, weighing 1, 2, 3 and 1 again.
    Committee {
        /// How many.
        members: usize,
    },
    /// So many validators, and a contract that names them and decides who leads, how fast, and who is paid.
    Ruled {
        /// How many.
        members: usize,
    },
    /// So many validators in turn.
    Rotation {
        /// How many.
        members: usize,
        /// Commitments that confirm a block.
        threshold: u32,
    },
}

/// What the parent demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// Two of three operators.
    Operators,
    /// The engine's own certificates.
    Certificate,
    /// A contract that says yes when it is asked with the right word.
    Contract,
    /// A contract that answers what is no answer.
    Junk,
}

impl Engine {
    /// Whether certificates of over two thirds make a block final, so that a parent may rest on them.
    pub const fn certifies(self) -> bool {
        !matches!(self, Self::Solo)
    }

    /// The regimes that make sense with it.
    pub fn regimes(self) -> Vec<Regime> {
        let all = [Regime::Operators, Regime::Certificate, Regime::Contract];
        all.into_iter().filter(|regime| *regime != Regime::Certificate || self.certifies()).collect()
    }
}

/// A ledger below the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Its parent's place in the tree.
    pub parent: usize,
    /// Who orders it.
    pub engine: Engine,
    /// What its parent demands.
    pub regime: Regime,
}

/// What a world begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The ledgers below the root: the first one's place in the tree is 1.
    pub spots: Vec<Spot>,
    /// Rounds in which users act and things go wrong.
    pub rounds: u64,
    /// Key blocks by which the root's finality lags, at most.
    pub lag_max: u64,
    /// Whether the root, and ledgers that take turns in one step, abandon what is not final.
    pub reorgs: bool,
    /// Whether leaders are missing.
    pub absences: bool,
}

impl Plan {
    /// The tree of a seed, with what the scenario needs in it.
    pub fn draw(seed: u64, scenario: Scenario) -> Self {
        let mut random = Random::named(seed, "plan");
        let below = match random.below(100) {
            0..60 => random.between(2, 8),
            60..90 => random.between(9, 16),
            90..98 => random.between(17, 28),
            _ => random.between(29, LEDGERS_MAX as u64 - 1),
        };
        let shape = shape(&mut random, scenario.stem(), usize::try_from(below).unwrap_or(2));
        let spots = shape.into_iter().map(|parent| spot(&mut random, parent)).collect();
        let rounds = random.between(12, 24);
        let (lag_max, reorgs) = (random.between(0, 4), random.chance(500) || scenario == Scenario::Reorg);
        let absences = random.chance(300) || scenario == Scenario::Absent;
        let mut plan = Self { spots, rounds, lag_max: lag_max.max(u64::from(reorgs) * 2), reorgs, absences };
        scenario.demand(&mut random, &mut plan);
        plan
    }

    /// A root and one child.
    #[cfg(test)]
    pub fn pair(engine: Engine, regime: Regime) -> Self {
        let spots = vec![Spot { parent: 0, engine, regime }];
        Self { spots, rounds: 12, lag_max: 2, reorgs: true, absences: true }
    }
}

/// The parent of each ledger below the root: those of the stem first, then any that is not too deep.
fn shape(random: &mut Random, stem: &[usize], below: usize) -> Vec<usize> {
    let (mut parents, mut depths) = (Vec::new(), vec![0]);
    for at in 0..below.max(stem.len()) {
        let open: Vec<_> = (0..depths.len()).filter(|at| depths[*at] < DEPTH_MAX).collect();
        let parent = stem.get(at).copied().unwrap_or_else(|| open[random.place(open.len())]);
        parents.push(parent);
        depths.push(depths[parent] + 1);
    }
    parents
}

fn spot(random: &mut Random, parent: usize) -> Spot {
    let engine = engine(random);
    let regimes = engine.regimes();
    let regime = regimes[random.place(regimes.len())];
    Spot { parent, engine, regime }
}

fn engine(random: &mut Random) -> Engine {
    match random.below(3) {
        0 => Engine::Solo,
        1 => Engine::Committee { members: 4 },
        _ => {
            let members = random.between(3, 4);
            let threshold = u32::try_from(random.between(1, members)).unwrap_or(1);
            Engine::Rotation { members: usize::try_from(members).unwrap_or(4), threshold }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_its_bounds_and_only_sensible_pairs() {
        let mut largest = 0;
        for seed in 0..500 {
            let plan = Plan::draw(seed, Scenario::at(seed));
            assert_eq!(plan, Plan::draw(seed, Scenario::at(seed)));
            let mut depths = vec![0];
            for spot in &plan.spots {
                depths.push(depths[spot.parent] + 1);
                assert!(spot.regime != Regime::Certificate || spot.engine.certifies(), "{spot:?}");
            }
            assert!(depths.len() <= LEDGERS_MAX && depths.iter().all(|depth| *depth <= DEPTH_MAX), "seed {seed}");
            largest = largest.max(depths.len());
        }
        assert!(largest > 28, "large trees too: {largest}");
    }
}
