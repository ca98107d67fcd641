//! Join the node to the network: what one says is carried to the other.

use std::{collections::BTreeSet, net::SocketAddr, path::Path, sync::OnceLock, time::Duration};

use banyan_network::{Config, Event, Network, NodeKey, PeerAddr, Priority, key_text};
use banyan_node::{Handle, Net, PeerEvent};
use banyan_types::{Peer, PublicKey};

use crate::failure::{Exit, Failure};

/// Name of the node key's file.
const KEY_FILE: &str = "node.key";
/// Name of the folder of the address book and the bans.
const FOLDER: &str = "peers";
/// Addresses told to a peer that asks.
const TOLD_MAX: usize = 32;

/// Whom to talk to, and where.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Where to listen for peers.
    pub listen: Vec<SocketAddr>,
    /// Whom to call first.
    pub boot: Vec<PeerAddr>,
    /// Whom to talk to alone, where the ledger is private.
    pub allow: Option<BTreeSet<PublicKey>>,
}

/// A network that has started before its node: it hears events once the node is there.
pub struct Started {
    network: std::sync::Arc<Network>,
    node: std::sync::Arc<OnceLock<Handle>>,
    key: PublicKey,
}

/// The node's side of the network.
struct Bridge(std::sync::Arc<Network>);

impl Net for Bridge {
    fn send(&self, peer: Peer, is_urgent: bool, bytes: Vec<u8>) {
        let priority = if is_urgent { Priority::High } else { Priority::Normal };
        // A peer that does not read is disconnected by the network, and the node hears that it is gone.
        let _ = self.0.send(peer, priority, bytes);
    }

    fn disconnect(&self, peer: Peer, why: &str, ban: Option<Duration>) {
        tracing::info!(peer = peer.0, why, banned = ban.is_some(), "disconnected");
        self.0.disconnect(peer, ban);
    }

    fn learn(&self, addresses: Vec<String>) {
        self.0.learn(addresses.iter().filter_map(|address| address.parse::<PeerAddr>().ok()));
    }

    fn addresses(&self) -> Vec<String> {
        self.0.known().iter().take(TOLD_MAX).map(ToString::to_string).collect()
    }
}

impl Started {
    /// Start the network of the ledger whose genesis has this hash; its files lie in `folder`.
    /// # Errors
    /// The key's, the port's, the folder's.
    pub fn start(folder: &Path, genesis: [u8; 32], plan: &Plan) -> Result<Self, Failure> {
        let failed = |what: &str, why: String| {
            Failure::new(Exit::Ours, "network", what, "another --peer-listen, or banyan doctor").because(why)
        };
        std::fs::create_dir_all(folder).map_err(|error| Failure::disk("make", folder, &error))?;
        let key = NodeKey::open_or_create(&folder.join(KEY_FILE))
            .map_err(|error| failed("the node key cannot be used", error.to_string()))?;
        let public = key.public();
        let config = Config {
            listen: plan.listen.clone(),
            boot: plan.boot.clone(),
            allow: plan.allow.clone(),
            directory: Some(folder.join(FOLDER)),
            ..Config::new(genesis)
        };
        let node: std::sync::Arc<OnceLock<Handle>> = std::sync::Arc::default();
        let heard = std::sync::Arc::clone(&node);
        let network = Network::start(config, &key, move |event| hear(&heard, event))
            .map_err(|error| failed("the network does not start", error.to_string()))?;
        Ok(Self { network: std::sync::Arc::new(network), node, key: public })
    }

    /// What the node is given to talk through.
    pub fn net(&self) -> Box<dyn Net> {
        Box::new(Bridge(std::sync::Arc::clone(&self.network)))
    }

    /// The node is there: it hears from now on.
    pub fn join(&self, node: &Handle) {
        let _ = self.node.set(node.clone());
    }

    /// Addresses by which others can call this node.
    pub fn addresses(&self) -> Vec<String> {
        let key = key_text(&self.key);
        self.network.listening().iter().map(|address| format!("{key}@{address}")).collect()
    }
}

/// Carry an event to the node. A peer that comes before the node is there waits: it is opened within moments.
fn hear(node: &OnceLock<Handle>, event: Event) {
    match event {
        Event::Connected { peer, key, address, outbound } => {
            tracing::info!(peer = peer.0, key = key_text(&key), %address, outbound, "peer connected");
            node.wait().peer(PeerEvent::Connected { peer, who: key, outbound });
        }
        Event::Frame { peer, frame } => node.wait().peer(PeerEvent::Message { peer, frame: Box::new(frame) }),
        Event::Gone { peer, reason } => {
            tracing::info!(peer = peer.0, %reason, "peer gone");
            node.wait().peer(PeerEvent::Gone(peer));
        }
        Event::Failed { address, reason } => tracing::debug!(%address, %reason, "no connection"),
        Event::Listening(address) => tracing::info!(%address, "listening for peers"),
    }
}
