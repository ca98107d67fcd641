//! Give a node its world: a thread, a clock, a miner, ears.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use banyan_root::{
    pow::{BadCycle, EdgeBits, Seed, verify},
    target::Target,
};
use banyan_rotation::{Proposed, Weight};
use banyan_types::{Bytes, Peer, PublicKey, TimeMs, committee::SignedStatement, header::KeyHeader, tx::SignedTx};
use tokio::sync::{broadcast, oneshot};

use crate::{
    Chain, EngineParams, FinalityView, Input, News, Node, NodeError, Order, Pool, Submitted,
    child::{Carried, Talk},
    mail::{Frame, Mail},
    miner::{Job, Miner},
};

/// News that a slow listener may lag behind before it loses some.
const NEWS_MAX: usize = 4_096;
/// Longest sleep of a node that waits for nothing.
const IDLE: Duration = Duration::from_millis(500);
/// Who sends what came by HTTP: no connection has this number.
const OUTSIDE: Peer = Peer(u64::MAX);
/// Messages that one turn of the loop takes: submits among them share one write to disk, and wait for the others.
const TURN_MAX: usize = 1_024;

/// A running node.
pub struct Service {
    handle: Handle,
    threads: Vec<JoinHandle<()>>,
}

/// What a service needs beside its node.
pub struct ServiceConfig {
    /// The parent's node, where it runs in this process: it is told of final blocks and given remits.
    pub parent: Option<Handle>,
    /// Where remits go if the parent's node is elsewhere; whoever watches that one calls [`Handle::parent_moved`].
    pub uplink: Option<Box<dyn Uplink>>,
    /// Where messages to peers go; what comes from them is given to [`Handle::peer`].
    pub network: Option<Box<dyn Net>>,
    /// Threads that search proofs of work, where the node mines; none where others do that, by [`Handle::solve`].
    pub miner_threads: usize,
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self { parent: None, uplink: None, network: None, miner_threads: 1 }
    }
}

/// Takes transactions to a parent whose node is elsewhere. Nothing here waits, and what is lost is sent again.
pub trait Uplink: Send {
    /// Give it a transaction.
    fn submit(&self, tx: SignedTx);
}

/// Carries messages to peers. Nothing here waits.
pub trait Net: Send {
    /// Put a message into a peer's queue.
    fn send(&self, peer: Peer, is_urgent: bool, bytes: Vec<u8>);
    /// Close a connection, and stay away from the peer for a time.
    fn disconnect(&self, peer: Peer, why: &str, ban: Option<Duration>);
    /// Hear where others are.
    fn learn(&self, addresses: Vec<String>);
    /// Peers' addresses to tell to others.
    fn addresses(&self) -> Vec<String>;
}

/// What the network tells a node.
pub enum PeerEvent {
    /// A connection stands.
    Connected {
        /// Its number, never used before.
        peer: Peer,
        /// Its key: who it is, over all connections.
        who: PublicKey,
        /// Whether this node has called.
        outbound: bool,
    },
    /// A message came in. It is let go when the node has read it: a peer's credit may hang on that.
    Message {
        /// From whom.
        peer: Peer,
        /// Its bytes.
        frame: Frame,
    },
    /// A connection is gone.
    Gone(Peer),
}

/// A running node, as everybody else sees it. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    chain: Arc<Chain>,
    pool: Arc<RwLock<Pool>>,
    finality: Arc<RwLock<FinalityView>>,
    news: broadcast::Sender<News>,
    inbox: Sender<Message>,
    mail: Arc<Mutex<Mail>>,
    /// What is to be searched for now.
    work: Arc<Mutex<Option<Job>>>,
    /// Why the parent's node is not followed now, if it is not.
    parent_lost: Arc<Mutex<Option<String>>>,
    failure: Arc<OnceLock<String>>,
}

/// Why a proof of work from outside is not taken, in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoWork {
    /// The node does not mine, or not now.
    #[error("no key block is to be mined now")]
    None,
    /// The proof is for a header that is not, or no longer, the one to be mined.
    #[error("the key block to be mined is another one by now")]
    Stale,
    /// The proof does not hold.
    #[error("the proof of work does not hold: {0}")]
    Proof(#[from] BadCycle),
    /// The node has stopped.
    #[error("the node has stopped")]
    Ended,
}

pub(crate) enum Message {
    Submit(Vec<SignedTx>, oneshot::Sender<Vec<Submitted>>),
    Input(Input),
    Connected {
        peer: Peer,
        who: PublicKey,
        outbound: bool,
    },
    /// One more frame has come from this peer.
    Mail(Peer),
    /// A validator speaks who is no peer.
    Outside(Said, oneshot::Sender<Weight>),
    Gone(Peer),
    Stop,
}

/// A validator's word that came by another way than from a peer.
pub(crate) enum Said {
    Statement(SignedStatement),
    /// A proposal and the body of its block.
    Block(Box<Proposed>, Vec<u8>),
}

impl Said {
    /// As peers say it.
    fn talk(&self) -> Vec<Talk> {
        let word = |message: banyan_rotation::Message| Talk::Word(Bytes(message.encode()));
        match self {
            Self::Statement(signed) => vec![word(banyan_rotation::Message::Vote(*signed))],
            Self::Block(proposed, body) => vec![
                Talk::Body(Box::new(Carried { body: Bytes(body.clone()), inbox: vec![] })),
                word(banyan_rotation::Message::Proposal(proposed.clone())),
            ],
        }
    }
}

impl Handle {
    /// What everybody may read.
    pub const fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    /// Read the waiting transactions.
    pub fn pool<T>(&self, read: impl FnOnce(&Pool) -> T) -> T {
        read(&self.pool.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Hear of everything from now on.
    pub fn news(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Why the node has stopped by its own fault, if it has.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Give transactions to the node. When this returns, those answered with their hash are on disk.
    /// # Errors
    /// `Ended` when the node has stopped.
    pub async fn submit(&self, txs: Vec<SignedTx>) -> Result<Vec<Submitted>, NodeError> {
        let (reply, answer) = oneshot::channel();
        self.inbox.send(Message::Submit(txs, reply)).map_err(|_| NodeError::Ended)?;
        answer.await.map_err(|_| NodeError::Ended)
    }

    /// The header of the key block to be mined, without its proof; `None` where nothing is mined.
    pub fn work(&self) -> Option<KeyHeader> {
        lock(&self.work).as_ref().map(|job| (*job.header).clone())
    }

    /// Give a proof of work to the node: `header` must be that of [`Self::work`], with nonce and cycle.
    /// # Errors
    /// The first [`NoWork`] that applies.
    pub fn solve(&self, header: &KeyHeader) -> Result<(), NoWork> {
        let Job { template, header: wanted } = lock(&self.work).clone().ok_or(NoWork::None)?;
        let EngineParams::Root(engine) = &self.chain.file().engine else { return Err(NoWork::None) };
        let (bits, target) = (EdgeBits::new(engine.edge_bits), Target::from_compact(wanted.target));
        let (Some(bits), Ok(target)) = (bits, target) else { return Err(NoWork::None) };
        let (bytes, expected) = (header.encode(), wanted.encode());
        let (Some(worked), Some(expected)) = (bytes.first_chunk(), expected.first_chunk()) else {
            return Err(NoWork::None);
        };
        if worked != expected {
            return Err(NoWork::Stale);
        }
        verify(&Seed::of_header(worked, header.nonce), bits, &header.pow, &target)?;
        let solved = Input::Solved { template, nonce: header.nonce, pow: Box::new(header.pow) };
        self.inbox.send(Message::Input(solved)).map_err(|_| NoWork::Ended)
    }

    /// Tell the node what came from a peer.
    pub fn peer(&self, event: PeerEvent) {
        let message = match event {
            PeerEvent::Connected { peer, who, outbound } => {
                lock(&self.mail).open(peer);
                Message::Connected { peer, who, outbound }
            }
            PeerEvent::Message { peer, frame } => {
                lock(&self.mail).put(peer, frame);
                Message::Mail(peer)
            }
            PeerEvent::Gone(peer) => {
                lock(&self.mail).close(peer);
                Message::Gone(peer)
            }
        };
        // A node that has stopped hears nobody.
        let _ = self.inbox.send(message);
    }

    /// Give a validator's statement to the engine of a rotation, as if a peer had sent it, and say what it came to.
    /// # Errors
    /// The node has ended.
    pub async fn vote(&self, vote: SignedStatement) -> Result<Weight, NodeError> {
        self.outside(Said::Statement(vote)).await
    }

    /// Give a leader's proposal with its body to the engine of a rotation, as if a peer had sent both, and say what it came
    /// to.
    /// # Errors
    /// The node has ended.
    pub async fn propose(&self, proposed: Proposed, body: Vec<u8>) -> Result<Weight, NodeError> {
        self.outside(Said::Block(Box::new(proposed), body)).await
    }

    async fn outside(&self, said: Said) -> Result<Weight, NodeError> {
        let (reply, answer) = oneshot::channel();
        self.inbox.send(Message::Outside(said, reply)).map_err(|_| NodeError::Ended)?;
        answer.await.map_err(|_| NodeError::Ended)
    }

    /// Finality as it stands now.
    pub fn finality(&self) -> FinalityView {
        self.finality.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tell a child's node that its parent has a new final block, or a new tip.
    pub fn parent_moved(&self) {
        // A node that has stopped builds on nothing.
        let _ = self.inbox.send(Message::Input(Input::ParentMoved));
    }

    /// Say why the parent's node cannot be followed now, or that it can.
    pub fn set_parent_lost(&self, why: Option<String>) {
        *lock(&self.parent_lost) = why;
    }

    /// Why the parent's node cannot be followed now, if it cannot. The ledger's own work goes on.
    pub fn parent_lost(&self) -> Option<String> {
        lock(&self.parent_lost).clone()
    }

    fn forward(&self, tx: SignedTx) {
        let (reply, _) = oneshot::channel();
        // A parent that has stopped takes nothing: the machine sends again.
        let _ = self.inbox.send(Message::Submit(vec![tx], reply));
    }
}

impl Service {
    /// Start the node's threads.
    /// # Errors
    /// `Store` when the chain cannot be read.
    pub fn start(node: Node, config: ServiceConfig) -> Result<Self, NodeError> {
        let (inbox, messages) = mpsc::channel();
        let (news, _) = broadcast::channel(NEWS_MAX);
        let (chain, pool) = (Arc::clone(node.chain()), Arc::clone(node.pool()));
        let failure = Arc::new(OnceLock::new());
        let finality = Arc::clone(node.finality());
        let handle = Handle {
            chain,
            pool,
            finality,
            news,
            inbox,
            mail: Arc::default(),
            work: Arc::default(),
            parent_lost: Arc::default(),
            failure,
        };
        let miner = match (&handle.chain.file().engine, NonZeroUsize::new(config.miner_threads)) {
            (EngineParams::Root(engine), Some(threads)) if node.mines() => {
                Some(Miner::start(engine.edge_bits, threads, handle.inbox.clone())?)
            }
            _ => None,
        };
        let mut threads = Vec::new();
        if let Some(parent) = &config.parent {
            threads.push(listen(parent, handle.inbox.clone()));
        }
        let ServiceConfig { parent, uplink, network, .. } = config;
        let looped = Loop { node, miner, handle: handle.clone(), parent, uplink, network, wake: None };
        let name = format!("node {}", handle.chain.name());
        let thread = thread::Builder::new().name(name).spawn(move || looped.run(&messages));
        threads.push(thread.map_err(|error| NodeError::Stopped(error.to_string()))?);
        Ok(Self { handle, threads })
    }

    /// The node as everybody else sees it.
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Stop: what was promised is on disk when this returns.
    pub fn stop(self) {
        let _ = self.handle.inbox.send(Message::Stop);
        // The listener of a child ends with its parent's news or its own inbox; only the node is waited for.
        if let Some(node) = self.threads.into_iter().next_back() {
            let _ = node.join();
        }
    }
}

/// Tell a child whenever its parent moves.
fn listen(parent: &Handle, inbox: Sender<Message>) -> JoinHandle<()> {
    let mut news = parent.news();
    thread::spawn(move || {
        loop {
            match news.blocking_recv() {
                Ok(News::Final { .. } | News::Tip { .. }) | Err(broadcast::error::RecvError::Lagged(_)) => {
                    if inbox.send(Message::Input(Input::ParentMoved)).is_err() {
                        return;
                    }
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    })
}

/// The node's own thread.
struct Loop {
    node: Node,
    miner: Option<Miner>,
    handle: Handle,
    parent: Option<Handle>,
    uplink: Option<Box<dyn Uplink>>,
    network: Option<Box<dyn Net>>,
    wake: Option<TimeMs>,
}

impl Loop {
    fn run(mut self, messages: &Receiver<Message>) {
        let ended = self.serve(messages);
        if let Err(error) = ended {
            tracing::error!(ledger = self.handle.chain.name(), %error, "the node stops: this is our fault");
            let _ = self.handle.failure.set(error.to_string());
            let _ = self.handle.news.send(News::Alarm(error.to_string()));
        }
        if let Err(error) = self.handle.chain.store().sync() {
            tracing::error!(%error, "the store could not be flushed");
        }
    }

    fn serve(&mut self, messages: &Receiver<Message>) -> Result<(), NodeError> {
        self.tick()?;
        self.input(Input::ParentMoved)?;
        loop {
            let first = match messages.recv_timeout(self.sleep()) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            self.tick()?;
            let turn: Vec<_> = first.into_iter().chain(messages.try_iter().take(TURN_MAX)).collect();
            let mut submits = Vec::new();
            for message in turn {
                match message {
                    Message::Submit(txs, reply) => submits.push((txs, reply)),
                    Message::Input(input) => {
                        if matches!(input, Input::Solved { .. }) {
                            // Found: nobody is to search for it any more, until the node says for what.
                            lock(&self.handle.work).take();
                        }
                        self.input(input)?;
                    }
                    Message::Connected { peer, who, outbound } => self.connected(peer, who, outbound)?,
                    Message::Mail(peer) => self.read_mail(peer)?,
                    Message::Gone(peer) => self.input(Input::Gone(peer))?,
                    Message::Outside(said, reply) => {
                        for talk in said.talk() {
                            self.input(Input::Frame { peer: OUTSIDE, bytes: talk.encode() })?;
                        }
                        // Whoever asked may be gone; what was said stays said.
                        let _ = reply.send(self.node.weigh(&said));
                    }
                    Message::Stop => return self.submit(submits),
                }
            }
            self.submit(submits)?;
        }
    }

    /// Tell the time. A wake that has come is done with: who needs another asks for it.
    fn tick(&mut self) -> Result<(), NodeError> {
        let now = now();
        self.wake = self.wake.filter(|wake| *wake > now);
        self.input(Input::Tick(now))
    }

    fn sleep(&self) -> Duration {
        let until = self.wake.map(|wake| Duration::from_millis(wake.0.saturating_sub(now().0)));
        until.unwrap_or(IDLE).min(IDLE)
    }

    fn input(&mut self, input: Input) -> Result<(), NodeError> {
        let orders = self.node.handle(input)?;
        self.carry_out(orders);
        Ok(())
    }

    fn connected(&mut self, peer: Peer, who: PublicKey, outbound: bool) -> Result<(), NodeError> {
        let addresses = self.network.as_ref().map(|network| network.addresses()).unwrap_or_default();
        self.input(Input::Reached(addresses))?;
        self.input(Input::Connected { peer, who, outbound })
    }

    fn read_mail(&mut self, peer: Peer) -> Result<(), NodeError> {
        let next = lock(&self.handle.mail).take(peer);
        // The peer may be gone, and its frames with it.
        let Some(frame) = next else { return Ok(()) };
        self.input(Input::Frame { peer, bytes: (*frame).as_ref().to_vec() })
    }

    /// All submits of one turn go to disk together; then each gets its answer.
    fn submit(&mut self, submits: Vec<(Vec<SignedTx>, oneshot::Sender<Vec<Submitted>>)>) -> Result<(), NodeError> {
        if submits.is_empty() {
            return Ok(());
        }
        let sizes: Vec<_> = submits.iter().map(|(txs, _)| txs.len()).collect();
        let (txs, replies): (Vec<_>, Vec<_>) = submits.into_iter().unzip();
        let (answers, orders) = self.node.submit(txs.into_iter().flatten().collect())?;
        let mut answers = answers.into_iter();
        for (size, reply) in sizes.into_iter().zip(replies) {
            // Whoever asked may be gone; the transactions are in the pool all the same.
            let _ = reply.send(answers.by_ref().take(size).collect());
        }
        self.carry_out(orders);
        Ok(())
    }

    fn carry_out(&mut self, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Mine(template, header) => self.mine(Some(Job { template, header })),
                Order::StopMining => self.mine(None),
                Order::Wake(at) => self.wake = Some(at),
                Order::ToParent(tx) => {
                    if let Some(uplink) = &self.uplink {
                        uplink.submit(*tx);
                    } else if let Some(parent) = &self.parent {
                        parent.forward(*tx);
                    }
                }
                Order::News(news) => drop(self.handle.news.send(news)),
                Order::Frame { peer, is_urgent, bytes } => {
                    if let Some(network) = &self.network {
                        network.send(peer, is_urgent, bytes);
                    }
                }
                Order::Disconnect { peer, why, ban_ms } => {
                    lock(&self.handle.mail).close(peer);
                    if let Some(network) = &self.network {
                        network.disconnect(peer, &why, ban_ms.map(Duration::from_millis));
                    }
                }
                Order::Learn(_, addresses) => {
                    if let Some(network) = &self.network {
                        network.learn(addresses);
                    }
                }
                // Where peers talk by messages there are none of these.
                Order::Send(..) | Order::Fetch(..) | Order::Answer(..) | Order::Score(..) => {}
            }
        }
    }

    fn mine(&self, job: Option<Job>) {
        lock(&self.handle.work).clone_from(&job);
        if let Some(miner) = &self.miner {
            miner.set(job);
        }
    }
}

/// Milliseconds since 1970 by this machine's clock.
pub(crate) fn now() -> TimeMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A lock whose holder never panics half way.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
