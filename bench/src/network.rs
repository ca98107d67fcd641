//! Real nodes of one root, each with its store, its thread and its connections over loopback: how soon key blocks are final,
//! and how many spends a second become final everywhere.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use banyan_crypto::SecretKey;
use banyan_ledger::GenesisWitness;
use banyan_network::{Config, Event, Network, NodeKey, PeerAddr, Priority};
use banyan_node::{
    Chain, GenesisFile, Handle, Leaves as _, Net, News, Node, PeerEvent, PeersRole, PoolLimits, Role, RootRole,
    Service, ServiceConfig, WitnessRole,
};
use banyan_store::Fjall;
use banyan_types::{AccountId, Amount, Hash, Peer, PublicKey};
use tokio::{runtime::Runtime, sync::broadcast::error::RecvError};

use crate::{
    Fault,
    figure::{Figure, Unit},
    machine, world,
};

/// Nodes, all of them witnesses of equal bonds; the first one mines.
const NODES: usize = 4;
/// Milliseconds between key blocks while finality is timed.
const INTERVAL_MS: u64 = 1_000;
/// Key blocks that are timed.
const KEY_BLOCKS: usize = 40;
/// Accounts that send while spends are counted, and spends of each: as many as a pool keeps of one account.
const SENDERS: usize = 600;
const SPENDS_EACH: u64 = 60;
/// Transactions of one submit.
const BATCH: usize = 256;
/// A bound for what hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// The nodes, and the folders that end with them.
struct Group {
    nodes: Vec<Service>,
    _networks: Vec<Arc<Network>>,
    _folder: tempfile::TempDir,
}

struct Bridge(Arc<Network>);

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
    fn start(interval_ms: u64, rich: &[AccountId]) -> Result<Self, Fault> {
        let folder = tempfile::tempdir()?;
        let coins = |coins| Amount::coins(coins).unwrap_or(Amount::ZERO);
        let accounts: BTreeMap<_, _> = rich.iter().map(|account| (*account, coins(1_000))).collect();
        let witness = |n| {
            let public = key(n).public();
            GenesisWitness { staker: AccountId(public), key: PublicKey(public), bond: coins(1_000) }
        };
        let file = GenesisFile::dev_root(machine::now(), Some(interval_ms), accounts);
        let file = file.with_witnesses((0..NODES).map(witness).collect());
        let (mut nodes, mut networks, mut boot) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..NODES {
            let chain = Arc::new(Chain::open(Fjall::open(&folder.path().join(n.to_string()))?, file.clone())?);
            let (network, heard) = network(n, chain.genesis_hash(), &boot)?;
            let address = network.listening().first().copied().ok_or("a network that listens nowhere")?;
            boot.push(PeerAddr { key: None, address });
            let role = RootRole {
                miner: (n == 0).then(|| key(n)),
                beneficiary: None,
                witness: Some(WitnessRole { key: key(n), is_new: false }),
                peers: Some(PeersRole { peers_max: 16, seed: banyan_crypto::sha256(&[&n.to_be_bytes()]) }),
            };
            let node = Node::open(chain, Role::Root(role), PoolLimits::default())?;
            let config = ServiceConfig { parent: None, network: Some(Box::new(Bridge(Arc::clone(&network)))) };
            let service = Service::start(node, config)?;
            let _ = heard.set(service.handle().clone());
            nodes.push(service);
            networks.push(network);
        }
        Ok(Self { nodes, _networks: networks, _folder: folder })
    }

    fn handle(&self, n: usize) -> &Handle {
        self.nodes[n].handle()
    }

    fn stop(self) {
        self.nodes.into_iter().for_each(Service::stop);
    }
}

type Heard = Arc<OnceLock<Handle>>;

fn network(n: usize, genesis: Hash, boot: &[PeerAddr]) -> Result<(Arc<Network>, Heard), Fault> {
    let config = Config {
        listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        boot: boot.to_vec(),
        inbound_per_ip_max: NODES,
        ..Config::new(genesis.0)
    };
    let node: Heard = Arc::default();
    let heard = Arc::clone(&node);
    let key = NodeKey::from_seed(banyan_crypto::sha256(&[b"bench node", &n.to_be_bytes()]));
    let network = Network::start(config, &key, move |event| match event {
        Event::Connected { peer, outbound, .. } => heard.wait().peer(PeerEvent::Connected { peer, outbound }),
        Event::Frame { peer, frame } => heard.wait().peer(PeerEvent::Message { peer, frame: Box::new(frame) }),
        Event::Gone { peer, .. } => heard.wait().peer(PeerEvent::Gone(peer)),
        Event::Failed { .. } | Event::Listening(_) => {}
    })?;
    Ok((Arc::new(network), node))
}

/// From a key block's place at the end of the miner's chain until each node holds its seal.
pub(crate) fn finality() -> Result<Vec<Figure>, Fault> {
    let group = Group::start(INTERVAL_MS, &[])?;
    let runtime = Runtime::new()?;
    let (told, seen) = std::sync::mpsc::channel();
    for n in 0..NODES {
        let (mut news, told) = (group.handle(n).news(), told.clone());
        runtime.spawn(async move {
            loop {
                let sent = match news.recv().await {
                    Ok(News::Tip { hash, .. }) if n == 0 => told.send((hash, None, Instant::now())),
                    Ok(News::Sealed(seal)) => told.send((seal.hash, Some(n), Instant::now())),
                    Ok(_) | Err(RecvError::Lagged(_)) => Ok(()),
                    Err(RecvError::Closed) => return,
                };
                if sent.is_err() {
                    return;
                }
            }
        });
    }
    let (mut found, mut times) = (BTreeMap::<Hash, Instant>::new(), Vec::new());
    while times.len() < KEY_BLOCKS * NODES {
        let (hash, node, at) = seen.recv_timeout(PATIENCE)?;
        match (node, found.get(&hash)) {
            (None, _) => drop(found.insert(hash, at)),
            (Some(_), Some(begun)) => times.push(at.saturating_duration_since(*begun).as_secs_f64() * 1e3),
            (Some(_), None) => {}
        }
    }
    drop(seen);
    let memory = machine::resident() as f64 / NODES as f64 / f64::from(1 << 20);
    group.stop();
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let interval = INTERVAL_MS as f64;
    let figure = |percent, limit| {
        let name = format!("network::final/witnesses={NODES},p{percent}");
        Figure::new(name, at(percent), Unit::Millis).ratio(at(percent) / interval, "key interval").at_most(limit)
    };
    Ok(vec![
        figure(50, 1_000.0),
        figure(95, 3_000.0),
        Figure::new(format!("network::memory/witnesses={NODES},per node"), memory, Unit::Mib),
    ])
}

/// Spends put into the pool of the miner until each of them is final on every node.
pub(crate) fn spends() -> Result<Vec<Figure>, Fault> {
    let senders = world::senders(SENDERS);
    let rich: Vec<_> = senders.iter().map(|key| AccountId(key.public())).collect();
    let group = Group::start(3_000, &rich)?;
    let network_id = group.handle(0).chain().params().network_id.clone();
    let payee = AccountId(banyan_crypto::sha256(&[b"payee"]));
    let nonces = 1..=SPENDS_EACH;
    let txs: Vec<_> = nonces.flat_map(|nonce| senders.iter().map(move |key| (nonce, key))).collect::<Vec<_>>();
    let txs: Vec<_> = txs.iter().map(|(nonce, key)| world::spend(&network_id, key, payee, *nonce)).collect();
    let count = txs.len();
    let begun_at = Instant::now();
    while group.handle(NODES - 1).chain().last_final()?.header.height().0 < 1 {
        patient(begun_at)?;
    }
    let runtime = Runtime::new()?;
    let begun = Instant::now();
    for batch in txs.chunks(BATCH) {
        let answers = runtime.block_on(group.handle(0).submit(batch.to_vec()))?;
        if let Some(error) = answers.into_iter().find_map(Result::err) {
            return Err(format!("a spend is refused: {error}").into());
        }
    }
    let pooled = begun.elapsed().as_secs_f64();
    let expected = Amount::new(count as u128).unwrap_or(Amount::ZERO);
    for n in 0..NODES {
        let paid = || group.handle(n).chain().last_final()?.view.account(payee);
        while paid()?.is_none_or(|account| account.balance < expected) {
            patient(begun)?;
        }
    }
    let took = begun.elapsed().as_secs_f64();
    group.stop();
    let name = format!("network::spends/nodes={NODES}");
    let per_second = count as f64 / took;
    Ok(vec![
        Figure::new(format!("{name},pooled"), count as f64 / pooled, Unit::PerSecond),
        Figure::new(format!("{name},final everywhere"), per_second, Unit::PerSecond)
            .ratio(per_second / 118.0, "what aeternity's limits allow")
            .at_least(1_000.0),
    ])
}

fn patient(begun: Instant) -> Result<(), Fault> {
    if begun.elapsed() > PATIENCE {
        return Err("the nodes do not get there".into());
    }
    std::thread::sleep(Duration::from_millis(20));
    Ok(())
}
