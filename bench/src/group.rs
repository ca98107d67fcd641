//! Real nodes of one root in this process, each with its store, its thread and its connections over loopback.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use banyan_crypto::SecretKey;
use banyan_ledger::GenesisWitness;
use banyan_network::{Config, Event, Network, NodeKey, PeerAddr, Priority};
use banyan_node::{
    Chain, GenesisFile, Handle, Net, Node, PeerEvent, PeersRole, PoolLimits, Role, RootRole, Service, ServiceConfig,
    WitnessRole,
};
use banyan_store::Fjall;
use banyan_types::{AccountId, Amount, Hash, Peer, PublicKey};

use crate::{Fault, machine};

/// Witnesses of equal bonds; the first one mines.
pub(crate) const WITNESSES: usize = 4;

/// The nodes, and the folders that end with them.
pub(crate) struct Group {
    nodes: Vec<Service>,
    addresses: Vec<SocketAddr>,
    _networks: Vec<Arc<Network>>,
    _folder: tempfile::TempDir,
}

pub(crate) struct Bridge(pub Arc<Network>);

impl Net for Bridge {
    fn send(&self, peer: Peer, is_urgent: bool, bytes: Vec<u8>) {
        let priority = if is_urgent { Priority::High } else { Priority::Normal };
        // Whoever does not read is disconnected by the network.
        let _ = self.0.send(peer, priority, bytes);
    }
    fn disconnect(&self, peer: Peer, _why: &str, ban: Option<Duration>) {
        self.0.disconnect(peer, ban);
    }
    fn learn(&self, _addresses: Vec<String>) {}
    fn addresses(&self) -> Vec<String> {
        Vec::new()
    }
}

fn key(n: usize) -> SecretKey {
    SecretKey::from_seed(banyan_crypto::sha256(&[b"bench witness", &n.to_be_bytes()]))
}

impl Group {
    /// The first `count` of the witnesses, and accounts that hold enough to send from.
    pub fn start(count: usize, interval_ms: u64, rich: &[AccountId]) -> Result<Self, Fault> {
        let folder = machine::folder()?;
        let coins = |coins| Amount::coins(coins).unwrap_or(Amount::ZERO);
        let accounts: BTreeMap<_, _> = rich.iter().map(|account| (*account, coins(1_000))).collect();
        let witness = |n| {
            let public = key(n).public();
            GenesisWitness { staker: AccountId(public), key: PublicKey(public), bond: coins(1_000) }
        };
        let file = GenesisFile::dev_root(machine::now(), Some(interval_ms), accounts);
        let file = file.with_witnesses((0..WITNESSES).map(witness).collect());
        let (mut nodes, mut networks, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..count {
            let chain = Arc::new(Chain::open(Fjall::open(&folder.path().join(n.to_string()))?, file.clone())?);
            let (network, heard) = network(n, chain.genesis_hash(), &addresses)?;
            let address = network.listening().first().copied().ok_or("a network that listens nowhere")?;
            addresses.push(address);
            let role = RootRole {
                miner: (n == 0).then(|| key(n)),
                beneficiary: None,
                witness: Some(WitnessRole { key: key(n), is_new: false }),
                overrules: false,
                peers: Some(PeersRole { peers_max: 16, seed: banyan_crypto::sha256(&[&n.to_be_bytes()]) }),
            };
            let node = Node::open(chain, Role::Root(role), PoolLimits::default())?;
            let config =
                ServiceConfig { network: Some(Box::new(Bridge(Arc::clone(&network)))), ..ServiceConfig::default() };
            let service = Service::start(node, config)?;
            let _ = heard.set(service.handle().clone());
            nodes.push(service);
            networks.push(network);
        }
        Ok(Self { nodes, addresses, _networks: networks, _folder: folder })
    }

    pub fn handle(&self, n: usize) -> &Handle {
        self.nodes[n].handle()
    }

    /// Where a node can be called by peers.
    pub fn address(&self, n: usize) -> SocketAddr {
        self.addresses[n]
    }

    pub fn count(&self) -> usize {
        self.nodes.len()
    }

    pub fn stop(self) {
        self.nodes.into_iter().for_each(Service::stop);
    }
}

pub(crate) type Heard = Arc<OnceLock<Handle>>;

/// A network of node `n`, which calls these, and where the node is to be put that hears it.
pub(crate) fn network(n: usize, genesis: Hash, boot: &[SocketAddr]) -> Result<(Arc<Network>, Heard), Fault> {
    let config = Config {
        listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        boot: boot.iter().map(|address| PeerAddr { key: None, address: *address }).collect(),
        inbound_per_ip_max: WITNESSES,
        ..Config::new(genesis.0)
    };
    let node: Heard = Arc::default();
    let heard = Arc::clone(&node);
    let key = NodeKey::from_seed(banyan_crypto::sha256(&[b"bench node", &n.to_be_bytes()]));
    let network = Network::start(config, &key, move |event| match event {
        Event::Connected { peer, key, outbound, .. } => {
            heard.wait().peer(PeerEvent::Connected { peer, who: key, outbound });
        }
        Event::Frame { peer, frame } => heard.wait().peer(PeerEvent::Message { peer, frame: Box::new(frame) }),
        Event::Gone { peer, .. } => heard.wait().peer(PeerEvent::Gone(peer)),
        Event::Failed { .. } | Event::Listening(_) => {}
    })?;
    Ok((Arc::new(network), node))
}
