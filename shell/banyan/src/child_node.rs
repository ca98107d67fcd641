//! A node of a child ledger with its store, its network and its keys.

use std::{path::Path, sync::Arc};

use banyan_crypto::SecretKey;
use banyan_node::{
    EngineParams, GenesisFile, Handle, LocalParent, Node, Operators, Parent, PoolLimits, Role, Service, ServiceConfig,
    SoloRole, ValidatorRole,
};
use banyan_parent::{RemoteParent, Watch, Watching};
use banyan_types::AssociateId;

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
    /// The parent.
    pub parent: Above,
    /// Whom it talks to; without it the node is alone.
    pub network: Option<Plan>,
}

/// Where the parent's node is.
pub enum Above {
    /// In this process.
    Here(Handle),
    /// Elsewhere.
    There(Box<(RemoteParent, Watch)>),
}

impl From<Handle> for Above {
    fn from(node: Handle) -> Self {
        Self::Here(node)
    }
}

impl Above {
    /// What the node asks, and what it needs to be told and heard by the parent.
    fn link(self, child: AssociateId) -> (Box<dyn Parent>, ServiceConfig, Option<Watch>) {
        match self {
            Self::Here(node) => {
                let parent = Box::new(LocalParent::new(Arc::clone(node.chain()), child));
                (parent, ServiceConfig { parent: Some(node), ..ServiceConfig::default() }, None)
            }
            Self::There(there) => {
                let (parent, watch) = *there;
                let uplink = Some(Box::new(watch.uplink()) as _);
                (Box::new(parent), ServiceConfig { uplink, ..ServiceConfig::default() }, Some(watch))
            }
        }
    }
}

/// A running node.
pub struct ChildNode {
    /// Ends before the node does.
    watching: Option<Watching>,
    service: Service,
    network: Option<peers::Started>,
}

impl ChildNode {
    /// Start a node whose store is in `folder`: the operator of a solo ledger, else one of its validators.
    /// # Errors
    /// The genesis's, the disk's, the network's.
    pub fn start(folder: &Path, file: GenesisFile, seat: Seat) -> Result<Self, Failure> {
        let ledger = file.params.ledger;
        let chain = open(folder, file)?;
        let genesis = chain.genesis_hash().0;
        let network = seat.network.map(|plan| peers::Started::start(folder, genesis, &plan)).transpose()?;
        let (parent, config, watch) = seat.parent.link(ledger);
        let role = if matches!(chain.file().engine, EngineParams::Solo(_)) {
            Role::Solo(SoloRole { leader: seat.key, operators: seat.operators, parent })
        } else {
            Role::Validator(ValidatorRole { key: Some(seat.key), operators: Some(seat.operators), parent })
        };
        let node = Node::open(chain, role, PoolLimits::default())?;
        let net = network.as_ref().map(peers::Started::net);
        let service = Service::start(node, ServiceConfig { network: net, ..config })?;
        let watching = watch.map(|watch| watch.start(service.handle().clone()));
        if let Some(network) = &network {
            network.join(service.handle());
        }
        Ok(Self { watching, service, network })
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
        drop(self.watching);
        self.service.stop();
    }
}
