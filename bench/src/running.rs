//! A root of the profile dev in this process: it mines, leads, makes blocks and serves HTTP on loopback.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc};

use banyan_api::{Served, Tree};
use banyan_crypto::SecretKey;
use banyan_node::{Chain, GenesisFile, Handle, Node, PoolLimits, Role, RootRole, Service, ServiceConfig};
use banyan_store::Fjall;
use banyan_types::{AccountId, Amount};
use tokio::runtime::{Builder, Runtime};

use crate::{Fault, machine};

/// A running root.
pub(crate) struct Running {
    service: Service,
    address: SocketAddr,
    server: Runtime,
}

impl Running {
    /// Start one on an empty folder; each of `rich` has ten thousand coins.
    pub fn start(folder: &Path, rich: &[AccountId]) -> Result<Self, Fault> {
        let service = node(folder, rich)?;
        let server = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let tree = Tree::new(vec![Served::new(vec!["root".into()], service.handle().clone())])?;
        let listener = server.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        server.spawn(banyan_api::serve(listener, banyan_api::router(tree), std::future::pending()));
        Ok(Self { service, address, server })
    }

    pub const fn handle(&self) -> &Handle {
        self.service.handle()
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn stop(self) {
        self.server.shutdown_background();
        self.service.stop();
    }
}

fn node(folder: &Path, rich: &[AccountId]) -> Result<Service, Fault> {
    let key = SecretKey::from_seed([1; 32]);
    let coins = Amount::coins(10_000).unwrap_or(Amount::ZERO);
    let accounts: BTreeMap<_, _> = rich.iter().map(|account| (*account, coins)).collect();
    let file = GenesisFile::dev_root(machine::now(), None, accounts);
    let chain = Arc::new(Chain::open(Fjall::open(folder)?, file)?);
    let beneficiary = AccountId(key.public());
    let role = Role::Root(RootRole { miner: Some(key), beneficiary: Some(beneficiary), ..RootRole::default() });
    Ok(Service::start(Node::open(chain, role, PoolLimits::default())?, ServiceConfig::default())?)
}
