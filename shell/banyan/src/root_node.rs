//! A node of a root with its store, its network and its keys.

use std::{path::Path, sync::Arc};

use banyan_crypto::SecretKey;
use banyan_node::{
    Chain, GenesisFile, Handle, Node, PeersRole, PoolLimits, Role, RootRole, Service, ServiceConfig, WitnessRole,
};
use banyan_store::Fjall;
use banyan_types::AccountId;

use crate::{
    failure::{Exit, Failure},
    peers::{self, Plan},
};

/// Peers at once: 10 that this node calls, 100 that call it. Source: root 10.
const PEERS_MAX: usize = 110;

/// What a node is for.
pub struct Duty {
    /// Key that it mines and leads with, if it does.
    pub miner: Option<SecretKey>,
    /// Threads that search for it; none where a program from outside does.
    pub miner_threads: usize,
    /// Account of the rewards; that of the miner's key if none is named.
    pub beneficiary: Option<AccountId>,
    /// Key that it votes with, if it does.
    pub witness: Option<WitnessRole>,
    /// Go on although two seals contradicted each other.
    pub overrules: bool,
    /// Whom it talks to; without it the node is alone.
    pub network: Option<Plan>,
}

/// A running node.
pub struct RootNode {
    service: Service,
    network: Option<peers::Started>,
}

impl RootNode {
    /// Start a node whose store is in `folder`.
    /// # Errors
    /// The genesis's, the disk's, the network's.
    pub fn start(folder: &Path, file: GenesisFile, duty: Duty) -> Result<Self, Failure> {
        let chain = open(folder, file)?;
        let genesis = chain.genesis_hash().0;
        let network = duty.network.map(|plan| peers::Started::start(folder, genesis, &plan)).transpose()?;
        let peers = if network.is_some() { Some(role()?) } else { None };
        let role = RootRole {
            miner: duty.miner,
            beneficiary: duty.beneficiary,
            witness: duty.witness,
            peers,
            overrules: duty.overrules,
        };
        let node = Node::open(chain, Role::Root(role), PoolLimits::default())?;
        let net = network.as_ref().map(peers::Started::net);
        let service = Service::start(
            node,
            ServiceConfig { network: net, miner_threads: duty.miner_threads, ..ServiceConfig::default() },
        )?;
        if let Some(network) = &network {
            network.join(service.handle());
        }
        Ok(Self { service, network })
    }

    /// The node, as everybody else sees it.
    pub const fn handle(&self) -> &Handle {
        self.service.handle()
    }

    /// Addresses by which others can call it.
    pub fn addresses(&self) -> Vec<String> {
        self.network.as_ref().map(peers::Started::addresses).unwrap_or_default()
    }

    /// Stop it: what was promised is on disk when this returns.
    pub fn stop(self) {
        self.service.stop();
    }
}

/// Open the chain whose store is in `folder`.
/// # Errors
/// The disk's, and another genesis.
pub fn open(folder: &Path, file: GenesisFile) -> Result<Arc<Chain>, Failure> {
    let store = Fjall::open(folder).map_err(|error| open_failed(&error))?;
    Ok(Arc::new(Chain::open(store, file)?))
}

fn role() -> Result<PeersRole, Failure> {
    let seed = banyan_wallet::random::random::<32>().map_err(|error| {
        Failure::new(Exit::Ours, "random", "the system gives no random bytes", "banyan doctor")
            .because(error.to_string())
    })?;
    Ok(PeersRole { peers_max: PEERS_MAX, seed: *seed })
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
fn open_failed(error: &banyan_store::OpenError) -> Failure {
    let (exit, code, next) = match error {
        banyan_store::OpenError::Locked { .. } => (Exit::Early, "locked", "stop the other one, or name another --data"),
        _ => (Exit::Ours, "disk", "check the folder's permissions and the space on the disk"),
    };
    Failure::new(exit, code, "the store cannot be opened", next).because(error.to_string())
}
