//! What a network is told once.

use std::{collections::BTreeSet, io, net::SocketAddr, path::PathBuf};

use banyan_types::PublicKey;

use crate::PeerAddr;

/// What a network is told once. Defaults: node 4, `[network]`.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 lets the system choose.
    pub listen: Vec<SocketAddr>,
    /// Where others can reach this node, if that is not where they see it.
    pub advertise: Option<SocketAddr>,
    /// Whom to call first.
    pub boot: Vec<PeerAddr>,
    /// Connections that others may open.
    pub inbound_max: usize,
    /// Connections of them from one IP address; this machine's own are exempt.
    pub inbound_per_ip_max: usize,
    /// Connections to keep open to others.
    pub outbound: usize,
    /// Of them in one subnet, a /16 of IPv4 or a /32 of IPv6; this machine's own are exempt.
    pub per_subnet_max: usize,
    /// If given, nobody else is spoken with.
    pub allow: Option<BTreeSet<PublicKey>>,
    /// The hash of the genesis: strangers' networks do not connect.
    pub network: [u8; 32],
    /// Where the address book and the bans are kept; nowhere in a test.
    pub directory: Option<PathBuf>,
}

impl Config {
    /// The defaults for a network that nobody is called in.
    pub fn new(network: [u8; 32]) -> Self {
        Self {
            listen: Vec::new(),
            advertise: None,
            boot: Vec::new(),
            inbound_max: 100,
            inbound_per_ip_max: 4,
            outbound: 10,
            per_subnet_max: 1,
            allow: None,
            network,
            directory: None,
        }
    }

    /// `/banyan/<16 hex digits of the genesis hash>/1`.
    pub(crate) fn protocol(&self) -> String {
        let digits = hex::encode(self.network);
        format!("/banyan/{}/1", digits.get(..16).unwrap_or_default())
    }
}

/// Why a network did not start. All of it is ours.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The port is taken or forbidden.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        error: String,
    },
    /// The key cannot be used.
    #[error("the node key cannot be used: {0}")]
    Key(String),
    /// A thread, a timer or a file is missing.
    #[error("network: {0}")]
    Io(#[from] io::Error),
    /// A file of the network's directory is not what it was.
    #[error("{path} is malformed: {error}; move it away to start with an empty one")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: String,
    },
}
