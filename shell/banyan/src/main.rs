//! Run, use and watch a tree of ledgers: one command line.
//!
//! [`cli`] parses it once into one value, [`command`] carries it out, [`report`] prints what came of it, [`failure`]
//! says what went wrong, whose fault it is and what to do next. Rules: protocol, node 2.

mod ask;
mod child_node;
mod cli;
mod command;
mod demo;
mod devnet;
mod disk;
mod failure;
mod host;
mod peers;
mod progress;
mod report;
mod root_node;
mod session;
mod token;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
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
        // Help and version are results, and clap knows where each belongs.
        Err(error) if !error.use_stderr() => {
            let _ = error.print();
            Exit::Done
        }
        Err(error) => report::finish(Err(usage(&error)), json),
    };
    ExitCode::from(exit as u8)
}

/// What clap says of a wrong command line, as one of our failures.
fn usage(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut lines = lines.take_while(|line| !line.starts_with("For more information"));
    let what = lines.next().unwrap_or("the command line does not read").trim_end_matches(':');
    let what = what.strip_prefix("error: ").unwrap_or(what);
    let failure = Failure::new(Exit::Usage, "usage", what, format!("{} --help", spoken()));
    lines.fold(failure, Failure::because)
}

/// The commands of the command line that was given, as far as they exist.
fn spoken() -> String {
    let (mut command, mut spoken) = (Cli::command(), String::from("banyan"));
    for word in std::env::args().skip(1).filter(|word| !word.starts_with('-')) {
        let Some(found) = command.find_subcommand(&word).cloned() else { break };
        spoken = format!("{spoken} {word}");
        command = found;
    }
    spoken
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
