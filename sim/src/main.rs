//! Run a scenario over many seeds.
//!
//! Progress goes to stderr. A seed that breaks a law is one line with the command that replays it; then come the figures, and the
//! last line is the count.

use std::{
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

use banyan_sim::{figures::Figures, scenario::Scenario};
use clap::Parser;
use serde_json::json;

/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(5);

/// Run a scenario over many seeds.
#[derive(Parser)]
#[command(name = "banyan-sim")]
struct Cli {
    /// calm, root, tree, crashes or liar
    #[arg(value_parser = scenario)]
    scenario: Scenario,
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

fn scenario(name: &str) -> Result<Scenario, String> {
    Scenario::named(name).ok_or_else(|| {
        let names: Vec<_> = Scenario::ALL.into_iter().map(Scenario::name).collect();
        format!("no scenario {name}; there are {}", names.join(", "))
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
    failures: Vec<(u64, String)>,
    figures: Figures,
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
            "figures": sum.figures.json(),
        });
        println!("{report}");
    } else {
        sum.figures.lines().iter().for_each(|line| println!("{line}"));
        println!("real seconds     {:.1}", started.elapsed().as_secs_f64());
        println!("{} passed, {failed} failed", sum.passed);
    }
    if failed == 0 && sum.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Run all seeds, some at a time.
fn sweep(cli: &Cli) -> Sum {
    let sum = Mutex::new(Sum::default());
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
    sum.failures.sort();
    sum
}

fn run(cli: &Cli, seed: u64, sum: &Mutex<Sum>) {
    let ended = catch_unwind(AssertUnwindSafe(|| cli.scenario.run(seed, cli.aloud)));
    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
    let why = match ended {
        Ok(Ok(ended)) => {
            sum.passed += 1;
            sum.figures.add(ended.figures);
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
    eprintln!("{}: {done} of {all} seeds, {} failed", cli.scenario, sum.failures.len());
}
