//! A node of a child ledger with its store, its network and its keys.

use std::{path::Path, sync::Arc};

use banyan_crypto::SecretKey;
use banyan_node::{
    GenesisFile, Handle, LocalParent, Node, Operators, PoolLimits, Role, Service, ServiceConfig, SoloRole,
    ValidatorRole,
};

use crate::{
    failure::Failure,
    peers::{self, Plan},
    root_node::open,
};

/// What a node of a child is for.
pub struct Seat {
    /// Key that it orders or votes with.
    pub key: SecretKey,
    /// Sign and send the child's summaries.
    pub operators: Operators,
    /// Node of the parent in the same process.
    pub parent: Handle,
    /// Whom it talks to; without it the node is alone.
    pub network: Option<Plan>,
}

/// A running node.
pub struct ChildNode {
    service: Service,
    network: Option<peers::Started>,
}

impl ChildNode {
    /// Start a node whose store is in `folder`: alone it is the operator of a solo ledger, with peers a validator.
    /// # Errors
    /// The genesis's, the disk's, the network's.
    pub fn start(folder: &Path, file: GenesisFile, seat: Seat) -> Result<Self, Failure> {
        let ledger = file.params.ledger;
        let chain = open(folder, file)?;
        let genesis = chain.genesis_hash().0;
        let network = seat.network.map(|plan| peers::Started::start(folder, genesis, &plan)).transpose()?;
        let parent = Box::new(LocalParent::new(Arc::clone(seat.parent.chain()), ledger));
        let role = if network.is_some() {
            Role::Validator(ValidatorRole { key: Some(seat.key), operators: Some(seat.operators), parent })
        } else {
            Role::Solo(SoloRole { leader: seat.key, operators: seat.operators, parent })
        };
        let node = Node::open(chain, role, PoolLimits::default())?;
        let net = network.as_ref().map(peers::Started::net);
        let config = ServiceConfig { parent: Some(seat.parent), network: net, ..ServiceConfig::default() };
        let service = Service::start(node, config)?;
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
