//! Run the project's own commands.
//!
//! `cargo xtask --help` lists the words. Progress goes to stderr, results to stdout; the last line of stdout is the
//! figure, and the exit code is 0 only if all held. Read [`suite`] first: it is what CI runs.

mod cluster;
mod command;
mod context;
mod crate_map;
mod figure;
mod fuzz;
mod gate;
mod house;
mod kill;
mod layers;
mod links;
mod network;
mod process;
mod relay;
mod seeds;
mod smoke;
mod step;
mod suite;
mod tools;
mod tree;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::context::Context;
use crate::seeds::Seeds;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    word: Word,
}

#[derive(Subcommand)]
enum Word {
    /// Run everything that CI runs
    Test {
        /// Only these steps, by name
        #[arg(long, value_delimiter = ',', value_name = "STEP")]
        only: Vec<String>,
    },
    /// Run the gate of every change: style, lints, tests, documents, conformance
    Ci,
    /// Run one simulation over many seeds; `kill` drives the real program instead
    Sweep {
        name: String,
        #[arg(long, default_value = "0..50")]
        seeds: Seeds,
        #[arg(long)]
        json: bool,
    },
    /// Replay a folder of reference vectors, from anywhere on this machine
    Vectors { name: String, dir: PathBuf },
    /// Measure, and print ratios to this machine's own limits
    Bench {
        name: Option<String>,
        #[arg(long)]
        json: bool,
        /// Write bench/RESULTS.md
        #[arg(long)]
        report: bool,
    },
    /// Run the unmodified JavaScript SDK against a devnet
    Sdk,
    /// Build the prover's guest program
    Guest,
    /// Write docs/crate-map.md from the crates' descriptions
    CrateMap {
        /// Change nothing; fail if the file is stale
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    process::end_children_on_interrupt();
    let context = Context::new();
    let held = match Cli::parse().word {
        Word::Test { only } => suite::run(&context, &suite::everything(), &only),
        Word::Ci => suite::run(&context, &suite::gate(), &[]),
        Word::Sweep { name, seeds, json } if name == "kill" => kill::sweep(&context, seeds, json),
        Word::Sweep { name, seeds, json } => relay::sweep(&context, &name, seeds, json),
        Word::Vectors { name, dir } => relay::vectors(&context, &name, &dir),
        Word::Bench { name, json, report } => relay::bench(&context, name.as_deref(), json, report),
        Word::Sdk => suite::run(&context, &suite::everything(), &["release".into(), "sdk".into()]),
        Word::Guest => relay::guest(),
        Word::CrateMap { check } => crate_map::word(&context, check),
    };
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
