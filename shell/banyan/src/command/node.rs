//! `node`: run one ledger from its genesis file.

use std::{path::Path, sync::Arc};

use banyan_api::Served;
use banyan_crypto::SecretKey;
use banyan_node::{
    Chain, EngineParams, Handle, Node as Ledger, PeersRole, PoolLimits, Role, RootRole, Service, ServiceConfig,
    WitnessRole,
};
use banyan_store::Fjall;
use banyan_wallet::Secret;
use serde_json::json;

use crate::{
    cli::Node,
    command::genesis,
    failure::{Exit, Failure},
    host::{self, Host},
    peers,
    report::{self, Report},
    session::Session,
};

/// Peers at once: 10 that this node calls, 100 that call it. Source: root 10.
const PEERS_MAX: usize = 110;

/// Run until Ctrl-C.
/// # Errors
/// The genesis, the disk, the address; exit 3 for a ledger that this command cannot run.
pub fn run(session: &Session, args: &Node) -> Result<Report, Failure> {
    let file = genesis::read(&args.genesis)?;
    if !matches!(file.engine, EngineParams::Root(_)) {
        let next = "banyan devnet runs a root and a child in one process";
        let what = "a child needs its parent in the same process, and this command runs one ledger";
        return Err(Failure::new(Exit::Invalid, "engine", what, next));
    }
    let name = file.name.clone();
    let folder = session.data()?.join("node").join(&name);
    let store = Fjall::open(&folder).map_err(|error| open_failed(&error))?;
    let chain = Arc::new(Chain::open(store, file)?);
    let is_alone = args.peer_listen.is_empty() && args.peers.is_empty();
    let plan = peers::Plan { listen: args.peer_listen.clone(), boot: args.peers.clone() };
    let genesis = chain.genesis_hash().0;
    let network = if is_alone { None } else { Some(peers::Started::start(&folder, genesis, &plan)?) };
    let node = Ledger::open(chain, Role::Root(role(args, network.is_some())?), PoolLimits::default())?;
    let net = network.as_ref().map(peers::Started::net);
    let service = Service::start(node, ServiceConfig { network: net, ..ServiceConfig::default() })?;
    if let Some(network) = &network {
        network.join(service.handle());
    }
    let host = Host::start(
        host::listen(args.listen)?,
        vec![Served { path: vec![name.clone()], handle: service.handle().clone() }],
    )?;
    let interrupts = host.interrupts()?;
    let addresses = network.as_ref().map(peers::Started::addresses).unwrap_or_default();
    let mut text = vec![format!("{name} at {}   data {}   Ctrl-C stops", host.url(), folder.display())];
    text.extend(addresses.iter().map(|address| format!("peers call {address}")));
    let ready =
        json!({ "ledger": name, "url": host.url(), "data": folder.display().to_string(), "peer_addresses": addresses });
    // Whoever does not read does not keep the node from running.
    let _ = if session.globals.json { report::line(&ready) } else { report::text(&text.join("\n")) };
    let ended = host::wait(&interrupts, || check(&name, service.handle()));
    host.stop();
    service.stop();
    ended?;
    Ok(Report::new("", json!({ "stopped": true })))
}

/// What the flags make of the node.
fn role(args: &Node, has_peers: bool) -> Result<RootRole, Failure> {
    let miner = args.miner_key.as_deref().map(read_key).transpose()?;
    let witness = args.witness_key.as_deref().map(read_key).transpose()?;
    let seed = banyan_wallet::random::random::<32>().map_err(|error| {
        Failure::new(Exit::Ours, "random", "the system gives no random bytes", "banyan doctor")
            .because(error.to_string())
    })?;
    Ok(RootRole {
        miner,
        beneficiary: args.beneficiary,
        witness: witness.map(|key| WitnessRole { key, is_new: args.is_new }),
        peers: has_peers.then_some(PeersRole { peers_max: PEERS_MAX, seed: *seed }),
    })
}

/// A node that has stopped by its own fault says so.
/// # Errors
/// That fault.
pub fn check(name: &str, node: &Handle) -> Result<(), Failure> {
    let Some(why) = node.failure() else { return Ok(()) };
    let next = "banyan doctor; with -v the log says more";
    Err(Failure::new(Exit::Ours, "node_stopped", format!("{name} has stopped"), next).because(why))
}

/// The store is another's, or broken.
pub fn open_failed(error: &banyan_store::OpenError) -> Failure {
    let (exit, code, next) = match error {
        banyan_store::OpenError::Locked { .. } => (Exit::Early, "locked", "stop the other one, or name another --data"),
        _ => (Exit::Ours, "disk", "check the folder's permissions and the space on the disk"),
    };
    Failure::new(exit, code, "the store cannot be opened", next).because(error.to_string())
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
