//! The network as the rest of the node sees it: commands that return at once.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use banyan_types::{Peer, PublicKey};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::{
    Ban, Config, Event, NetworkError, NodeKey, NotSent, PeerAddr, PeerInfo, Priority,
    book::Book,
    driver::Driver,
    file,
    gate::Gate,
    session::{Events, Open},
};

/// Addresses that one call of [`Network::learn`] takes; more of one source would be an attempt.
const LEARN_MAX: usize = 64;

/// A running network. It ends when this is dropped.
pub struct Network {
    shared: Arc<Shared>,
    commands: UnboundedSender<Command>,
    thread: Option<JoinHandle<()>>,
}

/// What handle and driver both look at. Each lock is held for a few lines and never across another.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) own: PublicKey,
    pub(crate) events: Events,
    pub(crate) gate: Arc<Mutex<Gate>>,
    pub(crate) book: Mutex<Book>,
    pub(crate) open: Mutex<BTreeMap<Peer, Arc<Open>>>,
    pub(crate) listening: Mutex<Vec<SocketAddr>>,
}

#[derive(Clone, Copy)]
pub(crate) enum Command {
    Connect(PeerAddr),
    Disconnect(Peer, Option<Duration>),
    Slow(Peer),
    /// Who may be spoken with has changed.
    Recheck,
    Stop,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn book_path(&self) -> Option<PathBuf> {
        Some(self.config.directory.as_ref()?.join("peers.json"))
    }

    pub(crate) fn bans_path(&self) -> Option<PathBuf> {
        Some(self.config.directory.as_ref()?.join("bans.json"))
    }

    pub(crate) fn listening_at(&self, address: SocketAddr) -> bool {
        lock(&self.listening).contains(&address)
    }

    pub(crate) fn keep_bans(&self) {
        let Some(path) = self.bans_path() else { return };
        let rows = lock(&self.gate).rows();
        if let Err(error) = file::write(&path, &rows) {
            tracing::warn!(%error, path = %path.display(), "bans not kept");
        }
    }
}

impl Network {
    /// Listen, then call others, on a thread of its own. `events` is called from that thread and must return at once; a
    /// channel's `send` does, and what waits in it is bounded by the credit that each [`crate::Frame`] holds.
    /// # Errors
    /// `File` or `Io` when the directory cannot be used, `Key`, `Listen` when a port is taken.
    pub fn start(
        config: Config,
        key: &NodeKey,
        events: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Self, NetworkError> {
        let own = key.public();
        let (mut book, mut bans) = (None, None);
        if let Some(directory) = &config.directory {
            std::fs::create_dir_all(directory)?;
            book = file::read(&directory.join("peers.json"))?;
            bans = file::read(&directory.join("bans.json"))?;
        }
        let shared = Arc::new(Shared {
            own,
            events: Arc::new(events),
            gate: Arc::new(Mutex::new(Gate::new(&config, own, bans.unwrap_or_default()))),
            book: Mutex::new(Book::new(&book.unwrap_or_default(), &config.boot)),
            open: Mutex::default(),
            listening: Mutex::default(),
            config,
        });
        let keypair = key.keypair().map_err(|error| NetworkError::Key(error.to_string()))?;
        let (commands, inbox) = unbounded_channel();
        let (ready, started) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let world = Arc::clone(&shared);
        let thread = thread::Builder::new().name("network".into()).spawn(move || {
            runtime.block_on(async {
                let driver = Driver::start(world, &keypair, inbox).await;
                let driver = driver.map_err(|error| ready.send(Err(error)));
                if let Ok(driver) = driver {
                    let _ = ready.send(Ok(()));
                    driver.run().await;
                }
            });
        })?;
        let network = Self { shared, commands, thread: Some(thread) };
        started.recv().map_err(|_| NetworkError::Key("the network's thread ended".into()))??;
        Ok(network)
    }

    /// Put a frame into the peer's queue. Never waits.
    /// # Errors
    /// Why it is not on its way; after `Slow` the peer is on its way out.
    pub fn send(&self, peer: Peer, priority: Priority, bytes: impl Into<Arc<[u8]>>) -> Result<(), NotSent> {
        let open = lock(&self.shared.open).get(&peer).cloned().ok_or(NotSent::NoPeer)?;
        let sent = open.outbox.push(priority, bytes.into());
        if matches!(sent, Err(NotSent::Slow { .. })) {
            self.command(Command::Slow(peer));
        }
        sent
    }

    /// End a connection, and refuse its key and address for a time.
    pub fn disconnect(&self, peer: Peer, ban: Option<Duration>) {
        self.command(Command::Disconnect(peer, ban));
    }

    /// Call somebody now, beside the calls that the network makes of itself.
    pub fn connect(&self, address: PeerAddr) {
        self.command(Command::Connect(address));
    }

    /// Hear where others are; the first 64 are looked at.
    pub fn learn(&self, addresses: impl IntoIterator<Item = PeerAddr>) {
        let mut book = lock(&self.shared.book);
        addresses.into_iter().take(LEARN_MAX).for_each(|address| book.learn(address));
    }

    /// Every address in the book.
    pub fn known(&self) -> Vec<PeerAddr> {
        lock(&self.shared.book).known()
    }

    /// Every live connection.
    pub fn peers(&self) -> Vec<PeerInfo> {
        lock(&self.shared.open).values().map(|open| open.info()).collect()
    }

    /// Where this node can be called.
    pub fn listening(&self) -> Vec<SocketAddr> {
        lock(&self.shared.listening).clone()
    }

    /// Everybody who is banned.
    pub fn bans(&self) -> Vec<Ban> {
        lock(&self.shared.gate).bans()
    }

    /// Speak with a banned key again. Says whether it was banned.
    pub fn lift(&self, key: &PublicKey) -> bool {
        let lifted = lock(&self.shared.gate).lift(key);
        self.shared.keep_bans();
        lifted
    }

    /// Refuse all traffic with a key until it is joined again: a fault drill, forgotten at the end of the process.
    pub fn cut(&self, key: PublicKey) {
        lock(&self.shared.gate).cut(key);
        self.command(Command::Recheck);
    }

    /// End a drill.
    pub fn join(&self, key: &PublicKey) {
        lock(&self.shared.gate).join(key);
    }

    fn command(&self, command: Command) {
        // A driver that has ended has no connections left to command.
        let _ = self.commands.send(command);
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.command(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
