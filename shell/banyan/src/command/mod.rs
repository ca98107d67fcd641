//! Carry out a command. Each file is one word or a few that belong together.

mod account;
mod anchor;
mod associate;
mod contract;
mod doctor;
mod follow;
pub mod genesis;
mod help;
mod light;
mod look;
mod moves;
pub mod node;
mod proof;
mod send;
mod stake;
mod tx;
mod validators;

pub use contract::with_room;
pub use follow::{Followed, follow, millis};
pub use look::{draw, levels};
pub use moves::line;
pub use send::terms;
pub use tx::word;

use crate::{
    cli::{Cli, Command},
    demo, devnet,
    failure::Failure,
    report::Report,
    session::Session,
};

/// Do what the command line says.
/// # Errors
/// What went wrong.
pub fn run(cli: Cli) -> Result<Report, Failure> {
    let session = Session { globals: cli.globals };
    match cli.command {
        Command::Devnet(args) => devnet::run(&session, &args),
        Command::Demo(args) => demo::run(&session, &args),
        Command::Node(args) => node::run(&session, &args),
        Command::Genesis(action) => genesis::run(&action),
        Command::Status => look::status(&session),
        Command::Finality { id } => look::finality(&session, id.as_deref()),
        Command::Tree => look::tree(&session),
        Command::Blocks { limit } => look::blocks(&session, limit),
        Command::Block { id } => look::block(&session, &id),
        Command::Account(action) => account::run(&session, action),
        Command::Send(args) => send::run(&session, &args),
        Command::Move(args) => moves::run(&session, &args),
        Command::Stake(action) => stake::run(&session, &action),
        Command::Validators(action) => validators::run(&session, &action),
        Command::Anchor(action) => anchor::run(&session, &action),
        Command::Tx(action) => tx::run(&session, action),
        Command::Contract(action) => contract::run(&session, &action),
        Command::Associate(action) => associate::run(&session, &action),
        Command::Proof(action) => proof::run(&session, &action),
        Command::Light(args) => light::run(&session, &args),
        Command::Doctor => doctor::run(&session),
        Command::Openapi => help::openapi(),
        Command::Completions { shell } => Ok(help::completions(shell)),
        Command::Version => Ok(help::version()),
    }
}
