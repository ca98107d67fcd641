//! Run a scenario over many seeds.
//!
//! Progress goes to stderr. A seed that breaks a law is one line with the command that replays it; then come the figures, and the
//! last line is the count.

use std::{
    collections::BTreeMap,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use banyan_sim::{
    figures::Figures,
    law::{Broken, ensure},
    root,
    scenario::Scenario,
    tree,
};
use banyan_types::Hash;
use clap::Parser;
use serde_json::{Value, json};

/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(5);

/// Of the worlds without nodes every so many are run twice, to see that they are the same.
const REPLAY_EVERY: u64 = 16;

/// Run a scenario over many seeds.
#[derive(Parser)]
#[command(name = "banyan-sim")]
struct Cli {
    /// Whole nodes: calm, forks, tree/nodes, crashes or liar. Without nodes: root or tree for all their scenarios in turn,
    /// root/NAME or tree/NAME for one of them
    #[arg(value_parser = world)]
    scenario: World,
    /// A..B, B not included
    #[arg(long, default_value = "0..50", value_parser = seeds)]
    seeds: Range<u64>,
    /// One JSON object instead of lines
    #[arg(long)]
    json: bool,
    /// Print everything that happens, on stderr
    #[arg(long)]
    aloud: bool,
    /// Worlds at a time; as many as there are processors if not given
    #[arg(long)]
    jobs: Option<usize>,
}

/// What a seed makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum World {
    /// Real nodes with their disks.
    Nodes(Scenario),
    /// Trees of ledgers without nodes: one scenario, or each in turn.
    Tree(Option<tree::scenario::Scenario>),
    /// The root's machines alone: one scenario, or each in turn.
    Root(Option<root::scenario::Scenario>),
}

impl World {
    fn name(self) -> String {
        match self {
            Self::Nodes(scenario) => scenario.name().into(),
            Self::Tree(None) => "tree".into(),
            Self::Tree(Some(scenario)) => format!("tree/{}", scenario.name()),
            Self::Root(None) => "root".into(),
            Self::Root(Some(scenario)) => format!("root/{}", scenario.name()),
        }
    }

    fn run(self, seed: u64, aloud: bool) -> Result<Counts, Broken> {
        match self {
            Self::Nodes(scenario) => Ok(Counts::Nodes(Box::new(scenario.run(seed, aloud)?.figures))),
            Self::Tree(scenario) => {
                let scenario = scenario.unwrap_or_else(|| tree::scenario::Scenario::at(seed));
                let run = || scenario.run(seed, aloud).map(|ended| (ended.trace, ended.figures));
                Ok(Counts::Tree(scenario, Box::new(again(seed, scenario.name(), run)?)))
            }
            Self::Root(scenario) => {
                let scenario = scenario.unwrap_or_else(|| root::scenario::Scenario::at(seed));
                let run = || scenario.run(seed).map(|ended| (ended.trace, ended.figures));
                Ok(Counts::Root(scenario, Box::new(again(seed, scenario.name(), run)?)))
            }
        }
    }
}

/// Run a world, and some worlds twice. A law that breaks names the scenario.
fn again<F>(seed: u64, name: &str, run: impl Fn() -> Result<(Hash, F), Broken>) -> Result<F, Broken> {
    let named = |Broken { law, what }| Broken { law, what: format!("{name}: {what}") };
    let (trace, figures) = run().map_err(named)?;
    if seed.is_multiple_of(REPLAY_EVERY) {
        let again = run().map_err(named)?;
        ensure(again.0 == trace, "the same seed is the same world", || name.into())?;
    }
    Ok(figures)
}

/// What happened in one world.
enum Counts {
    Nodes(Box<Figures>),
    Tree(tree::scenario::Scenario, Box<tree::figures::Figures>),
    Root(root::scenario::Scenario, Box<root::figures::Figures>),
}

fn world(name: &str) -> Result<World, String> {
    if let Some(scenario) = Scenario::named(name) {
        return Ok(World::Nodes(scenario));
    }
    let nodes = Scenario::ALL.into_iter().map(|scenario| World::Nodes(scenario).name());
    let trees = tree::scenario::Scenario::ALL.into_iter().map(|scenario| World::Tree(Some(scenario)));
    let roots = root::scenario::Scenario::ALL.into_iter().map(|scenario| World::Root(Some(scenario)));
    let others: Vec<_> = [World::Tree(None), World::Root(None)].into_iter().chain(trees).chain(roots).collect();
    others.iter().copied().find(|world| world.name() == name).ok_or_else(|| {
        let known: Vec<_> = nodes.chain(others.iter().map(|world| world.name())).collect();
        format!("no scenario {name}; there are {}", known.join(", "))
    })
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let expected = || format!("expected A..B with A below B, got {text}");
    let (first, end) = text.split_once("..").ok_or_else(expected)?;
    let (first, end) = (first.parse().map_err(|_| expected())?, end.parse().map_err(|_| expected())?);
    if first < end { Ok(first..end) } else { Err(expected()) }
}

/// What has come of the sweep so far.
#[derive(Default)]
struct Sum {
    passed: u64,
    /// Whether each world of the root has its own line as well.
    lines: bool,
    trees: BTreeMap<tree::scenario::Scenario, tree::figures::Figures>,
    failures: Vec<(u64, String)>,
    figures: Figures,
    roots: BTreeMap<root::scenario::Scenario, root::figures::Figures>,
}

impl Sum {
    fn add(&mut self, counts: Counts) {
        self.passed += 1;
        match counts {
            Counts::Nodes(figures) => self.figures.add(*figures),
            Counts::Tree(scenario, figures) => self.trees.entry(scenario).or_default().add(*figures),
            Counts::Root(scenario, figures) => {
                if self.lines {
                    println!("{}", figures.row(scenario.name()));
                }
                self.roots.entry(scenario).or_default().add(*figures);
            }
        }
    }

    fn json(&self) -> Value {
        let roots = self.roots.iter().map(|(scenario, figures)| (scenario.name().to_owned(), figures.json()));
        let trees = self.trees.iter().map(|(scenario, figures)| (scenario.name().to_owned(), figures.json()));
        match (self.roots.is_empty(), self.trees.is_empty()) {
            (true, true) => self.figures.json(),
            _ => roots.chain(trees).collect(),
        }
    }

    fn lines(&self) -> Vec<String> {
        if !self.trees.is_empty() {
            let rows = self.trees.iter().map(|(scenario, figures)| figures.row(scenario.name()));
            let mut all = tree::figures::Figures::default();
            self.trees.values().for_each(|figures| all.add(figures.clone()));
            return std::iter::once(tree::figures::Figures::head()).chain(rows).chain([all.row("all")]).collect();
        }
        if self.roots.is_empty() {
            return self.figures.lines();
        }
        let rows = self.roots.iter().map(|(scenario, figures)| figures.row(scenario.name()));
        std::iter::once(root::figures::Figures::head()).chain(rows).collect()
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let started = Instant::now();
    let sum = sweep(&cli);
    let failed = sum.failures.len();
    if cli.json {
        let failures: Vec<_> = sum.failures.iter().map(|(seed, why)| json!({ "seed": seed, "why": why })).collect();
        let report = json!({
            "sweep": cli.scenario.name(),
            "seeds": format!("{}..{}", cli.seeds.start, cli.seeds.end),
            "passed": sum.passed,
            "failed": failed,
            "failures": failures,
            "figures": sum.json(),
        });
        println!("{report}");
    } else {
        sum.lines().iter().for_each(|line| println!("{line}"));
        println!("real seconds     {:.1}", started.elapsed().as_secs_f64());
        println!("{} passed, {failed} failed", sum.passed);
    }
    if failed == 0 && sum.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Run all seeds, some at a time.
fn sweep(cli: &Cli) -> Sum {
    let is_root = matches!(cli.scenario, World::Root(_));
    if is_root && !cli.json {
        println!("{}", root::figures::Figures::head());
    }
    let sum = Mutex::new(Sum { lines: is_root && !cli.json, ..Sum::default() });
    let next = AtomicU64::new(cli.seeds.start);
    let jobs = cli.jobs.or_else(|| thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    let shown = Mutex::new(Instant::now());
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= cli.seeds.end {
                        return;
                    }
                    run(cli, seed, &sum);
                    progress(cli, &sum, &shown);
                }
            });
        }
    });
    let mut sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    let roots = sum.roots.iter().map(|(scenario, figures)| (scenario.name(), scenario.verdict_of_many(figures)));
    let trees = sum.trees.iter().map(|(scenario, figures)| (scenario.name(), scenario.verdict_of_many(figures)));
    let broken: Vec<_> = roots.chain(trees).filter_map(|(name, verdict)| Some((name, verdict.err()?))).collect();
    for (name, broken) in broken {
        let why = format!("{name}, all worlds together: {broken}");
        println!("{why}");
        sum.failures.push((cli.seeds.start, why));
    }
    sum.failures.sort();
    sum
}

fn run(cli: &Cli, seed: u64, sum: &Mutex<Sum>) {
    let ended = catch_unwind(AssertUnwindSafe(|| cli.scenario.run(seed, cli.aloud)));
    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
    let why = match ended {
        Ok(Ok(ended)) => {
            sum.add(ended);
            return;
        }
        Ok(Err(broken)) => broken.to_string(),
        Err(_) => "panicked".to_owned(),
    };
    if !cli.json {
        let name = cli.scenario.name();
        println!("{name} seed {seed}: {why}; replay: cargo xtask sweep {name} --seeds {seed}..{}", seed + 1);
    }
    sum.failures.push((seed, why));
}

fn progress(cli: &Cli, sum: &Mutex<Sum>, shown: &Mutex<Instant>) {
    let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
    if shown.elapsed() < PROGRESS {
        return;
    }
    *shown = Instant::now();
    let sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
    let (done, all) = (sum.passed + sum.failures.len() as u64, cli.seeds.end - cli.seeds.start);
    eprintln!("{}: {done} of {all} seeds, {} failed", cli.scenario.name(), sum.failures.len());
}
