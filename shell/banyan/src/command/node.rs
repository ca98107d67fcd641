//! `node`: run one ledger from its genesis file.

mod child;

use std::path::Path;

use banyan_api::Served;
use banyan_crypto::SecretKey;
use banyan_node::{EngineParams, Handle, WitnessRole};
use banyan_wallet::Secret;
use serde_json::json;

use crate::{
    child_node::ChildNode,
    cli::Node,
    command::genesis,
    failure::{Exit, Failure},
    host::{self, Host},
    peers::Plan,
    report::{self, Report},
    root_node::{Duty, RootNode, check},
    session::Session,
    token,
};

/// Run until Ctrl-C.
/// # Errors
/// The genesis, the disk, the address, the parent.
pub fn run(session: &Session, args: &Node) -> Result<Report, Failure> {
    let file = genesis::read(&args.genesis)?;
    let name = file.name.clone();
    let folder = session.data()?.join("node").join(&name);
    let node = if matches!(file.engine, EngineParams::Root(_)) {
        Running::Root(RootNode::start(&folder, file, duty(args)?)?)
    } else {
        Running::Child(child::start(session, &folder, file, args)?)
    };
    let passes = args.passes.as_deref().map(token::passes).transpose()?.unwrap_or_default();
    let served = Served { passes, ..Served::new(vec![name.clone()], node.handle().clone()) };
    let host = Host::start(host::listen(args.listen)?, vec![served], None)?;
    let interrupts = host.interrupts()?;
    let addresses = node.addresses();
    let mut text = vec![format!("{name} at {}   data {}   Ctrl-C stops", host.url(), folder.display())];
    text.extend(addresses.iter().map(|address| format!("peers call {address}")));
    let ready =
        json!({ "ledger": name, "url": host.url(), "data": folder.display().to_string(), "peer_addresses": addresses });
    // Whoever does not read does not keep the node from running.
    let _ = if session.globals.json { report::line(&ready) } else { report::text(&text.join("\n")) };
    let ended = host::wait(&interrupts, || check(&name, node.handle()));
    host.stop();
    node.stop();
    ended?;
    Ok(Report::new("", json!({ "stopped": true })))
}

/// A node that runs.
enum Running {
    Root(RootNode),
    Child(ChildNode),
}

impl Running {
    const fn handle(&self) -> &Handle {
        match self {
            Self::Root(node) => node.handle(),
            Self::Child(node) => node.handle(),
        }
    }

    fn addresses(&self) -> Vec<String> {
        match self {
            Self::Root(node) => node.addresses(),
            Self::Child(node) => node.addresses(),
        }
    }

    fn stop(self) {
        match self {
            Self::Root(node) => node.stop(),
            Self::Child(node) => node.stop(),
        }
    }
}

/// What the flags make of the node.
fn duty(args: &Node) -> Result<Duty, Failure> {
    let witness = args.witness_key.as_deref().map(read_key).transpose()?;
    Ok(Duty {
        miner: args.miner_key.as_deref().map(read_key).transpose()?,
        miner_threads: args.miner_threads.unwrap_or_else(processors),
        beneficiary: args.beneficiary,
        overrules: args.overrule_conflict,
        witness: witness.map(|key| WitnessRole { key, is_new: args.is_new }),
        network: plan(args),
    })
}

/// Whom to speak with; nobody where no address is named.
fn plan(args: &Node) -> Option<Plan> {
    let is_alone = args.peer_listen.is_empty() && args.peers.is_empty();
    let allow = (!args.allowed.is_empty()).then(|| args.allowed.iter().copied().collect());
    (!is_alone).then(|| Plan { listen: args.peer_listen.clone(), boot: args.peers.clone(), allow })
}

/// As many threads as run at a time here.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The key in a file: `sk_…` on one line.
/// # Errors
/// The file does not read, or holds no key.
pub fn read_key(path: &Path) -> Result<SecretKey, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::disk("read", path, &error))?;
    let text = zeroize::Zeroizing::new(text);
    let secret = Secret::parse(&text)?;
    let none = || Failure::new(Exit::Invalid, "key", "the file holds no key", "one line: sk_…");
    secret.key(0).ok_or_else(none)
}
