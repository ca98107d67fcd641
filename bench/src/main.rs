//! Measure against the machine's own limits and print ratios.
//!
//! A number alone ages; its ratio to what the same machine could do at best in the same minute does not. Names never
//! change. Progress goes to stderr, figures to stdout as they are found; the last line counts the targets, and the exit
//! code is 0 only if all are met. Read [`bench::ALL`] first.
#![allow(clippy::cast_precision_loss)] // figures are for people

mod bench;
mod calls;
mod client;
mod committee;
mod council;
mod fate;
mod figure;
mod group;
mod http;
mod ledger;
mod limit;
mod machine;
mod memory;
mod network;
mod report;
mod rotation;
mod running;
mod sample;
mod siege;
mod store;
mod tree;
mod world;

use std::process::ExitCode;

use clap::Parser;

use crate::{bench::Bench, memory::Probe, report::Report};

/// What any bench may fail with.
pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Measure against the machine's own limits and print ratios.
#[derive(Parser)]
#[command(name = "banyan-bench")]
struct Cli {
    /// Only benches whose name holds this
    name: Option<String>,
    /// One JSON object per figure, then one that counts
    #[arg(long)]
    json: bool,
    /// Write bench/RESULTS.md
    #[arg(long)]
    report: bool,
    /// Be the process whose memory is measured
    #[arg(long, hide = true, value_enum)]
    probe: Option<Probe>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.probe {
        Some(probe) => probe.run().map(|()| true),
        None => run(&cli),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Run what was asked for. True if every target was met.
fn run(cli: &Cli) -> Result<bool, Fault> {
    let wanted = Bench::named(cli.name.as_deref())?;
    let mut report = Report::begin(cli.json);
    for bench in wanted {
        eprintln!("{}", bench.name);
        for figure in (bench.run)()? {
            report.add(figure);
        }
    }
    report.end(cli.report)
}
