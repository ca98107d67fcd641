//! A network with its events in hand. Every wait has a deadline.
#![allow(dead_code)] // each test binary uses its own part

use std::{
    sync::{
        Mutex,
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant},
};

use banyan_network::{Config, Event, Network, NetworkError, NodeKey, PeerAddr};
use banyan_types::{Peer, PublicKey};

/// Longest wait of a test; far above what a loaded machine needs.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Node {
    pub network: Network,
    pub key: PublicKey,
    pub events: Mutex<Receiver<Event>>,
}

pub fn config() -> Config {
    let mut config = Config::new([1; 32]);
    config.listen = vec!["127.0.0.1:0".parse().unwrap()];
    config
}

pub fn start(seed: u8, config: Config) -> Result<Node, NetworkError> {
    let key = NodeKey::from_seed([seed; 32]);
    let (sender, events) = channel();
    let network = Network::start(config, &key, move |event| {
        let _ = sender.send(event);
    })?;
    Ok(Node { network, key: key.public(), events: Mutex::new(events) })
}

impl Node {
    pub fn start(seed: u8, config: Config) -> Self {
        start(seed, config).unwrap()
    }

    pub fn address(&self) -> PeerAddr {
        PeerAddr { key: Some(self.key), address: self.network.listening()[0] }
    }

    /// The first event that answers, skipping others.
    pub fn until<T>(&self, what: &str, mut answer: impl FnMut(&Event) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let event = self.events.lock().unwrap().recv_timeout(left);
            let event = event.unwrap_or_else(|_| panic!("no {what} in time"));
            if let Some(answer) = answer(&event) {
                return answer;
            }
        }
    }

    /// Waits until nobody is connected.
    pub fn peer_gone(&self) {
        eventually("an end", || self.network.peers().is_empty());
    }

    /// Waits until the other is connected.
    pub fn peer_of(&self, other: &Self) -> Peer {
        let mut found = None;
        eventually("a connection", || {
            found = self.network.peers().into_iter().find(|info| info.key == other.key).map(|info| info.peer);
            found.is_some()
        });
        found.unwrap()
    }
}

pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "no {what} in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Two nodes, the second of which has called the first.
pub fn pair() -> (Node, Node) {
    let a = Node::start(1, config());
    let mut called = config();
    called.boot = vec![a.address()];
    let b = Node::start(2, called);
    a.peer_of(&b);
    b.peer_of(&a);
    (a, b)
}
