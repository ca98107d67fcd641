//! Run, use and watch a tree of ledgers: one command line.
//!
//! [`cli`] parses it once into one value, [`command`] carries it out, [`report`] prints what came of it, [`failure`]
//! says what went wrong, whose fault it is and what to do next. Rules: protocol, node 2.

mod ask;
mod cli;
mod command;
mod demo;
mod devnet;
mod failure;
mod host;
mod progress;
mod report;
mod session;

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::{
    cli::{Cli, Globals},
    failure::{Exit, Failure},
};

fn main() -> ExitCode {
    let json = std::env::args_os().any(|arg| arg == "--json");
    let exit = match Cli::try_parse() {
        Ok(cli) => {
            log(&cli.globals);
            report::finish(command::run(cli), json)
        }
        Err(error) if json && error.use_stderr() => report::finish(Err(usage(&error)), json),
        Err(error) => {
            // Help and version are results; clap knows where each belongs.
            let _ = error.print();
            if error.use_stderr() { Exit::Usage } else { Exit::Done }
        }
    };
    ExitCode::from(exit as u8)
}

/// What clap says of a wrong command line, as one of our failures.
fn usage(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let what = lines.next().unwrap_or("the command line does not read");
    let what = what.strip_prefix("error: ").unwrap_or(what).to_owned();
    let why = lines.take_while(|line| !line.starts_with("For more information"));
    why.fold(Failure::new(Exit::Usage, "usage", what, "banyan --help"), Failure::because)
}

/// Warnings go to stderr; `-v` adds what happens, `-vv` everything of ours. `RUST_LOG` overrides.
fn log(globals: &Globals) {
    let default = match globals.verbose {
        0 => "warn",
        1 => "info",
        _ => "info,banyan=debug,banyan_node=debug,banyan_api=debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Set once, at the beginning; a second time cannot be.
    let _ = if globals.json { subscriber.json().try_init() } else { subscriber.try_init() };
}
