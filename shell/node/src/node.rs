//! One ledger's node as a value: input in, orders out.
//!
//! The node owns the writing side of its [`Chain`], the pool and the engine's machine. It performs what the machine
//! asks of store and pool itself and passes on what needs the world. Time is an input; the disk is behind the store.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use banyan_ledger::{
    Account, Block, Changes, Fault, Invalid, Outcome, Overlay, Rejected, Verified, apply_block, rules, try_behind,
};
use banyan_root::{Peer, TemplateId, To, pow::Cycle};
use banyan_rotation::Weight;
use banyan_store::{Commit, Flush, Order as Direction, Place, Session, Version};
use banyan_types::{
    Bytes, Hash, Height, Payee, PublicKey, TimeMs, TxHash,
    header::KeyHeader,
    tx::{SignedTx, Transaction},
    witness::Seal,
};

use crate::{
    Chain, Header, Leaves as _, NodeError, Pool, PoolLimits, SubmitError,
    chain::Kept,
    child::{CommitteeDriver, RotationDriver, SoloDriver, SoloRole, ValidatorRole},
    genesis::EngineParams,
    mempool::{Dropped, Purse},
    root::{FinalityView, RootDriver, RootRole},
    service::Said,
    verify,
};

/// Rows of the pool that one read of the disk brings.
const POOL_PAGE: usize = 4_096;
/// Versions of the state that are kept below the last final block.
const KEPT_VERSIONS: usize = 64;

/// What this node does for its ledger.
#[allow(clippy::large_enum_variant)] // made once per node
pub enum Role {
    /// Follow, and if it has a key mine and lead, the root.
    Root(RootRole),
    /// Order a solo ledger.
    Solo(SoloRole),
    /// Order a committee's or a rotation's ledger with others, or follow it.
    Validator(ValidatorRole),
}

/// Something happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// The time now.
    Tick(TimeMs),
    /// A block came in.
    Block {
        /// Which peer sent it; `None` for one given to this node itself.
        from: Option<Peer>,
        /// Its bytes.
        block: BlockBytes,
    },
    /// A peer asks for a block.
    Asked {
        /// Who.
        by: Peer,
        /// Which.
        block: Hash,
    },
    /// A peer left.
    Gone(Peer),
    /// A proof of work was found.
    Solved {
        /// For which template.
        template: TemplateId,
        /// Nonce of the graph.
        nonce: u64,
        /// The cycle.
        pow: Box<Cycle>,
    },
    /// On a child: the parent has a new final block, or a new tip.
    ParentMoved,
    /// A connection to a peer stands.
    Connected {
        /// Its number, never used before.
        peer: Peer,
        /// Its key: who it is, over all connections.
        who: PublicKey,
        /// Whether this node has called.
        outbound: bool,
    },
    /// A message came in.
    Frame {
        /// From whom.
        peer: Peer,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// The network has reached peers at these addresses.
    Reached(Vec<String>),
}

/// A block on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockBytes {
    /// Its header, kind byte first.
    pub header: Vec<u8>,
    /// Its body.
    pub body: Vec<u8>,
}

/// What the world must do. Plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Search a proof of work for this header, until [`Input::Solved`] or the next `Mine` or `StopMining`.
    Mine(TemplateId, Box<KeyHeader>),
    /// Search no longer.
    StopMining,
    /// Send a block to peers.
    Send(To, BlockBytes),
    /// Ask a peer for a block.
    Fetch(Peer, Hash),
    /// Send a block to one peer that asked.
    Answer(Peer, BlockBytes),
    /// Think so much better or worse of a peer.
    Score(Peer, i8),
    /// Send a message to a peer.
    Frame {
        /// To whom.
        peer: Peer,
        /// Whether it goes before others that wait.
        is_urgent: bool,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// A peer knows of peers at these addresses.
    Learn(Peer, Vec<String>),
    /// Close a connection.
    Disconnect {
        /// Whose.
        peer: Peer,
        /// Why.
        why: String,
        /// How long to stay away from it, in milliseconds.
        ban_ms: Option<u64>,
    },
    /// Tick at this time at the latest.
    Wake(TimeMs),
    /// Give the parent this transaction.
    ToParent(Box<SignedTx>),
    /// Tell whoever listens.
    News(News),
}

/// What listeners hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The chain has a new end.
    Tip {
        /// Its hash.
        hash: Hash,
        /// Its height.
        height: Height,
        /// Blocks that left the chain, oldest first.
        undone: Vec<Hash>,
        /// Blocks that came to it, oldest first.
        redone: Vec<Hash>,
    },
    /// A block is final, and all before it.
    Final {
        /// Its hash.
        hash: Hash,
        /// Its height.
        height: Height,
    },
    /// Over half of the witnesses' weight prevoted a key block.
    Witnessed(Hash),
    /// A quorum of the witnesses promised to stay on a micro block.
    Locked {
        /// The micro block.
        hash: Hash,
        /// Height of its generation.
        height: Height,
        /// Its place there.
        index: u32,
    },
    /// A seal makes a key block final.
    Sealed(Box<Seal>),
    /// An operators' anchor makes a key block final.
    Anchored {
        /// The key block.
        hash: Hash,
        /// Its height.
        height: Height,
    },
    /// A transaction is in the durable pool.
    Pooled(TxHash),
    /// A transaction left the pool without being final.
    Dropped(TxHash),
    /// An operator must know.
    Alarm(String),
}

/// The answer to one submitted transaction.
pub type Submitted = Result<TxHash, SubmitError>;

/// One ledger's node.
pub struct Node {
    core: Core,
    driver: Driver,
}

enum Driver {
    Root(Box<RootDriver>),
    Solo(Box<SoloDriver>),
    Committee(Box<CommitteeDriver>),
    Rotation(Box<RotationDriver>),
}

/// What every engine's driver works on.
pub(crate) struct Core {
    pub chain: Arc<Chain>,
    pub now: TimeMs,
    pool: Arc<RwLock<Pool>>,
    finality: Arc<RwLock<FinalityView>>,
    /// Transactions that came into the pool, and that left it, since peers were told.
    came: Vec<TxHash>,
    went: Vec<TxHash>,
    /// What lost blocks held and the pool did not.
    lost: Vec<SignedTx>,
    next_seq: u64,
    orders: Vec<Order>,
}

impl Node {
    /// Start on what the chain holds.
    /// # Errors
    /// `Role` when the role does not fit the engine; `Store` when the disk is broken.
    pub fn open(chain: Arc<Chain>, role: Role, limits: PoolLimits) -> Result<Self, NodeError> {
        let mut core = Core::open(chain, limits)?;
        let driver = match role {
            Role::Root(role) => Driver::Root(Box::new(RootDriver::open(&mut core, role)?)),
            Role::Solo(role) => Driver::Solo(Box::new(SoloDriver::open(&mut core, role)?)),
            Role::Validator(role) if matches!(core.chain.file().engine, EngineParams::Rotation(_)) => {
                Driver::Rotation(Box::new(RotationDriver::open(&mut core, role)?))
            }
            Role::Validator(role) => Driver::Committee(Box::new(CommitteeDriver::open(&mut core, role)?)),
        };
        Ok(Self { core, driver })
    }

    /// What everybody may read.
    pub const fn chain(&self) -> &Arc<Chain> {
        &self.core.chain
    }

    /// The waiting transactions.
    pub const fn pool(&self) -> &Arc<RwLock<Pool>> {
        &self.core.pool
    }

    /// Finality as it stands now.
    pub const fn finality(&self) -> &Arc<RwLock<FinalityView>> {
        &self.core.finality
    }

    /// Whether it searches proofs of work.
    pub(crate) fn mines(&self) -> bool {
        matches!(&self.driver, Driver::Root(driver) if driver.mines())
    }

    /// Advance by one input.
    /// # Errors
    /// Only what is ours: the node must stop.
    pub fn handle(&mut self, input: Input) -> Result<Vec<Order>, NodeError> {
        if let Input::Tick(now) = input {
            self.core.now = self.core.now.max(now);
        }
        match &mut self.driver {
            Driver::Root(driver) => driver.handle(&mut self.core, input)?,
            Driver::Solo(driver) => {
                driver.handle(&mut self.core, &input)?;
                // Nobody is told.
                drop(self.core.take_pool_changes());
            }
            // Peers were told of what came; what went they see in blocks.
            Driver::Committee(driver) => {
                driver.handle(&mut self.core, input)?;
                drop(self.core.take_pool_changes());
            }
            Driver::Rotation(driver) => {
                driver.handle(&mut self.core, input)?;
                drop(self.core.take_pool_changes());
            }
        }
        Ok(std::mem::take(&mut self.core.orders))
    }

    /// What a validator's word from outside, which was heard, has come to.
    pub(crate) fn weigh(&self, said: &Said) -> Weight {
        match &self.driver {
            Driver::Rotation(driver) => driver.weigh(said),
            _ => Weight::Refused,
        }
    }

    /// Take transactions into the durable pool: on disk before this returns.
    /// # Errors
    /// Only what is ours: the node must stop. Each transaction has its own answer.
    pub fn submit(&mut self, txs: Vec<SignedTx>) -> Result<(Vec<Submitted>, Vec<Order>), NodeError> {
        let answers = self.core.submit(txs)?;
        match &mut self.driver {
            _ if answers.iter().all(Result::is_err) => {}
            Driver::Root(driver) => driver.pool_grew(&mut self.core)?,
            Driver::Solo(driver) => driver.pool_grew(&mut self.core)?,
            Driver::Committee(driver) => driver.pool_grew(&mut self.core)?,
            Driver::Rotation(driver) => driver.pool_grew(&mut self.core)?,
        }
        Ok((answers, std::mem::take(&mut self.core.orders)))
    }
}

/// A block that was executed and not yet committed.
pub(crate) struct Executed {
    pub session: Session,
    pub changes: Changes,
    pub outcome: Outcome,
    pub txs: Vec<Verified<SignedTx>>,
}

impl Executed {
    /// Block, state, receipts and where its transactions are, to be written as one; which version the state is.
    fn rows(self, header: &Header, body: &[u8]) -> (Commit, Version, Vec<Verified<SignedTx>>) {
        let hash = header.hash();
        let Self { session, changes, outcome, txs } = self;
        let kept = Kept::of(&outcome, &changes);
        let executed = session.finish(hash.0, changes);
        let version = executed.version();
        let mut commit = Commit::new();
        commit.state(executed).header(&hash.0, header.encode()).body(&hash.0, body).receipt(&hash.0, kept);
        for (position, tx) in txs.iter().enumerate() {
            commit.tx(&tx.get().hash().0, &hash.0, u32::try_from(position).unwrap_or(u32::MAX));
        }
        (commit, version, txs)
    }
}

/// Kinds whose own rules are asked before they wait.
fn is_of_objects(tx: &Transaction) -> bool {
    match tx {
        Transaction::Spend(spend) => !matches!(spend.recipient_id, Payee::Account(_)),
        Transaction::ContractCreate(_)
        | Transaction::ContractCreateV2(_)
        | Transaction::ContractCall(_)
        | Transaction::GaAttach(_)
        | Transaction::Extend(_)
        | Transaction::TokenCreate(_)
        | Transaction::TokenMint(_)
        | Transaction::TokenFinalize(_)
        | Transaction::TokenBurn(_)
        | Transaction::TokenTransfer(_)
        | Transaction::EntryCreate(_)
        | Transaction::EntryTransfer(_)
        | Transaction::EntryDestroy(_)
        | Transaction::BlobPost(_) => true,
        _ => false,
    }
}

/// The transactions as a block's body carries them.
pub(crate) fn bytes_of(txs: &[Verified<SignedTx>]) -> Vec<Bytes> {
    txs.iter().map(|tx| Bytes(tx.get().bytes().to_vec())).collect()
}

impl Core {
    fn open(chain: Arc<Chain>, limits: PoolLimits) -> Result<Self, NodeError> {
        let now = chain.head()?.header.time();
        let mut core = Self {
            chain,
            now,
            pool: Arc::new(RwLock::new(Pool::new(limits))),
            finality: Arc::default(),
            came: Vec::new(),
            went: Vec::new(),
            lost: Vec::new(),
            next_seq: 0,
            orders: Vec::new(),
        };
        core.restore_pool()?;
        Ok(core)
    }

    /// Read the pool's rows back; those that are final meanwhile go.
    fn restore_pool(&mut self) -> Result<(), NodeError> {
        let mut gone = Commit::new();
        loop {
            let rows = self.chain.store().pool_from(self.next_seq, POOL_PAGE)?;
            let Some((last, _)) = rows.last() else { break };
            self.next_seq = last + 1;
            for (seq, bytes) in rows {
                if !self.restore(seq, &bytes)? {
                    gone.unpool(seq);
                }
            }
        }
        Ok(self.chain.store().commit(gone, Flush::Later)?)
    }

    /// Whether the row still belongs to the pool.
    fn restore(&self, seq: u64, bytes: &[u8]) -> Result<bool, NodeError> {
        let tx = SignedTx::decode(bytes)?;
        let found = self.chain.transaction(tx.hash())?;
        let last_final = self.chain.last_final()?.header.place();
        if found.as_ref().is_some_and(|found| found.header.place() <= last_final) {
            return Ok(false);
        }
        let params = self.chain.params();
        let Ok(tx) = Verified::check(tx, &params.network_id) else { return Ok(false) };
        let head = self.chain.head()?;
        let account = head.view.account(tx.get().transaction().signer())?.unwrap_or(Account::EMPTY);
        let next = account.nonce.next().unwrap_or(account.nonce);
        self.pool_mut().restore(tx, seq, next, params, head.header.height(), found.is_some());
        Ok(true)
    }

    pub fn order(&mut self, order: Order) {
        self.orders.push(order);
    }

    pub fn pool(&self) -> RwLockReadGuard<'_, Pool> {
        self.pool.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn pool_mut(&self) -> RwLockWriteGuard<'_, Pool> {
        self.pool.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Let others see finality as it is now.
    pub fn publish(&self, change: impl FnOnce(&mut FinalityView)) {
        change(&mut self.finality.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Transactions that came into the pool, and that left it, since this was asked last.
    pub fn take_pool_changes(&mut self) -> (Vec<TxHash>, Vec<TxHash>) {
        (std::mem::take(&mut self.came), std::mem::take(&mut self.went))
    }

    pub fn submit(&mut self, txs: Vec<SignedTx>) -> Result<Vec<Submitted>, NodeError> {
        let head = self.chain.head()?;
        let mut answers: Vec<Option<Submitted>> = Vec::with_capacity(txs.len());
        let mut fresh = Vec::new();
        for tx in txs {
            let answer = self.answer_at_once(&tx, &head)?;
            if answer.is_none() {
                fresh.push(tx);
            }
            answers.push(answer);
        }
        let mut commit = Commit::new();
        let mut admitted = self.check_signatures(fresh).into_iter().map(|tx| {
            let tx = tx?;
            self.admit(tx, &head, &mut commit)
        });
        let answers: Vec<Submitted> = answers
            .into_iter()
            .map(|answer| answer.unwrap_or_else(|| admitted.next().unwrap_or(Err(SubmitError::PoolFull))))
            .collect();
        drop(admitted);
        self.chain.store().commit(commit, Flush::Now)?;
        let pooled: Vec<_> = answers.iter().flatten().copied().collect();
        self.came.extend(&pooled);
        self.orders.extend(pooled.into_iter().map(|hash| Order::News(News::Pooled(hash))));
        Ok(answers)
    }

    /// Known ones are answered with their hash again; those that fail a check before the signature with its error.
    fn answer_at_once(&self, tx: &SignedTx, head: &crate::Head) -> Result<Option<Submitted>, NodeError> {
        let (hash, signer, nonce) = (tx.hash(), tx.transaction().signer(), tx.transaction().nonce());
        let used = head.view.account(signer)?.is_some_and(|account| nonce <= account.nonce);
        // Of the chain only what has used its nonce is worth asking for: a search of the disk.
        if self.pool().get(&hash).is_some() || (used && self.chain.transaction(hash)?.is_some()) {
            return Ok(Some(Ok(hash)));
        }
        Ok(rules::precheck(self.chain.params(), head.header.height(), tx).err().map(|why| Err(why.into())))
    }

    fn check_signatures(&self, txs: Vec<SignedTx>) -> Vec<Result<Verified<SignedTx>, SubmitError>> {
        let network_id = &self.chain.params().network_id;
        match verify::check_all(txs.clone(), network_id) {
            Ok(all) => all.into_iter().map(Ok).collect(),
            Err(_) => txs.into_iter().map(|tx| Ok(Verified::check(tx, network_id)?)).collect(),
        }
    }

    fn admit(&mut self, tx: Verified<SignedTx>, head: &crate::Head, commit: &mut Commit) -> Submitted {
        let ours = |error: NodeError| SubmitError::Ours(error.to_string());
        let signer = tx.get().transaction().signer();
        let account = head.view.account(signer).map_err(ours)?.ok_or(Rejected::NoAccount { account: signer })?;
        let is_meta = matches!(tx.get().transaction(), Transaction::GaMeta(_));
        if account.generalized.is_some() != is_meta {
            return Err(Rejected::AccountKind { account: signer }.into());
        }
        self.try_out(&tx, head)?;
        let purse = Purse { next: account.nonce.next().ok_or(Rejected::Overflow)?, balance: account.balance };
        let (hash, seq) = (tx.get().hash(), self.next_seq);
        let bytes = tx.get().bytes().to_vec();
        let freed = self.pool_mut().admit(tx, seq, purse, self.chain.params(), head.header.height())?;
        self.next_seq = seq.saturating_add(1);
        commit.pool(seq, bytes);
        for seq in freed {
            commit.unpool(seq);
        }
        Ok(hash)
    }

    /// Apply a transaction behind what waits of its account, without running contracts: some of what would refuse it in a
    /// block refuses it here, so that its sender hears of it. What wraps another must fit now, but for nonces to come.
    fn try_out(&self, tx: &Verified<SignedTx>, head: &crate::Head) -> Result<(), SubmitError> {
        let transaction = tx.get().transaction();
        let is_wrapping = transaction.inside().is_some();
        if !is_wrapping && !is_of_objects(transaction) {
            return Ok(());
        }
        let before: Vec<_> = {
            let pool = self.pool();
            pool.of_account(transaction.signer())
                .filter(|waiting| !waiting.included && (is_wrapping || waiting.slot < transaction.nonce()))
                .map(|waiting| waiting.tx.clone())
                .collect()
        };
        let mut state = Overlay::new(head.view.clone());
        match try_behind(&mut state, self.chain.params(), &before, tx) {
            Ok(()) | Err(Rejected::NonceEarly { .. }) => Ok(()),
            Err(why) if is_wrapping || why.fault() == Fault::Invalid => Err(why.into()),
            Err(_) => Ok(()),
        }
    }

    /// Execute `block` on the state `at`.
    pub fn execute(&self, at: Version, block: Block) -> Result<Executed, Invalid> {
        let session = self.session(at)?;
        let mut state = Overlay::new(session);
        let outcome = apply_block(&mut state, self.chain.params(), &block)?;
        let (session, changes) = state.into_parts();
        let txs = match block {
            Block::Key(_) => Vec::new(),
            Block::Micro(block) => block.txs,
            Block::Child(block) => block.txs,
        };
        Ok(Executed { session, changes, outcome, txs })
    }

    pub fn session(&self, at: Version) -> Result<Session, Invalid> {
        self.chain.store().session(at).map_err(|_| Invalid::Ours(banyan_ledger::Missing("the version is not kept")))
    }

    /// Signatures that the pool has checked are not checked again.
    pub fn verified(&self, txs: Vec<SignedTx>) -> Result<Vec<Verified<SignedTx>>, Invalid> {
        let pool = self.pool();
        let known: Vec<_> = txs.iter().map(|tx| pool.get(&tx.hash()).map(|waiting| waiting.tx.clone())).collect();
        drop(pool);
        let places: Vec<_> = known.iter().enumerate().filter(|(_, known)| known.is_none()).map(|(at, _)| at).collect();
        let fresh = txs.into_iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(tx, _)| tx).collect();
        let checked = verify::check_all(fresh, &self.chain.params().network_id).map_err(|index| {
            let index = places.get(index).copied().unwrap_or(index);
            Invalid::Transaction { index, why: Rejected::BadSignature }
        })?;
        let mut checked = checked.into_iter();
        Ok(known.into_iter().filter_map(|known| known.or_else(|| checked.next())).collect())
    }

    /// Make an executed block the head: block, state, receipts and its place on the chain, as one. `extra` adds rows.
    pub fn commit(
        &mut self,
        header: &Header,
        body: &[u8],
        executed: Executed,
        flush: Flush,
        extra: impl FnOnce(&mut Commit),
    ) -> Result<(), NodeError> {
        let (mut commit, version, txs) = executed.rows(header, body);
        commit.head(version).main(header.place(), Some(&header.hash().0));
        extra(&mut commit);
        self.chain.store().commit(commit, flush)?;
        let mut pool = self.pool_mut();
        for tx in &txs {
            pool.include(tx.get());
        }
        Ok(())
    }

    /// Keep an executed block and the state after it beside the chain, to be made the head by [`Self::reapply`].
    pub fn keep(&self, header: &Header, body: &[u8], executed: Executed) -> Result<(), NodeError> {
        let (commit, ..) = executed.rows(header, body);
        Ok(self.chain.store().commit(commit, Flush::Later)?)
    }

    /// Make a block that was executed before the head again. `extra` adds rows to the same write.
    pub fn reapply(&mut self, hash: Hash, version: Version, extra: impl FnOnce(&mut Commit)) -> Result<(), NodeError> {
        let block = self.chain.block(hash)?.ok_or(NodeError::Header)?;
        let mut commit = Commit::new();
        commit.head(version).main(block.header.place(), Some(&hash.0));
        extra(&mut commit);
        self.chain.store().commit(commit, Flush::Later)?;
        let mut pool = self.pool_mut();
        for tx in &block.txs {
            pool.include(tx);
        }
        Ok(())
    }

    /// Make `to`, an ancestor of the head, the head; what stood above waits again.
    pub fn unwind(&mut self, to: Hash) -> Result<(), NodeError> {
        let place = self.chain.header(to)?.ok_or(NodeError::Header)?.place();
        let version = self.chain.store().version_of(&to.0).ok_or(NodeError::Header)?;
        let above = self.chain.main_from(
            Place { index: place.index.saturating_add(1), ..place },
            Direction::Ascending,
            usize::MAX,
        )?;
        let mut commit = Commit::new();
        commit.head(version);
        let mut back = Vec::new();
        for (place, hash) in above {
            commit.main(place, None);
            back.extend(self.chain.block(hash)?.map(|block| block.txs).unwrap_or_default());
        }
        self.chain.store().commit(commit, Flush::Later)?;
        let mut pool = self.pool_mut();
        for tx in back.iter().rev() {
            pool.exclude(tx);
        }
        back.retain(|tx| pool.get(&tx.hash()).is_none());
        drop(pool);
        self.lost.extend(back);
        Ok(())
    }

    /// The chain has a new end: what the lost blocks held and neither it nor the pool does waits from now on. Most of it came
    /// in blocks and was never given to this node, and nobody else may have kept it.
    pub fn take_back(&mut self) -> Result<(), NodeError> {
        let mut lost = std::mem::take(&mut self.lost);
        let mut gone = Vec::new();
        for tx in &lost {
            if self.chain.transaction(tx.hash())?.is_some() {
                gone.push(tx.hash());
            }
        }
        lost.retain(|tx| !gone.contains(&tx.hash()));
        if lost.is_empty() {
            return Ok(());
        }
        // What a rule says against one of them on this chain is nobody's business: nobody here has sent it.
        let _ = self.submit(lost.clone())?;
        let mut pool = self.pool_mut();
        lost.iter().rev().for_each(|tx| pool.exclude(tx));
        Ok(())
    }

    /// A block is final, and all before it: its transactions leave the pool, older states may go.
    pub fn finalise(&mut self, hash: Hash) -> Result<(), NodeError> {
        let version = self.chain.store().version_of(&hash.0).ok_or(NodeError::Header)?;
        let (from, to) = (self.chain.last_final()?.header.place(), self.chain.header(hash)?.ok_or(NodeError::Header)?);
        let from = Place { index: from.index.saturating_add(1), ..from };
        let mut commit = Commit::new();
        for (place, hash) in self.chain.main_from(from, Direction::Ascending, usize::MAX)? {
            if place > to.place() {
                break;
            }
            let txs = self.chain.block(hash)?.map(|block| block.txs).unwrap_or_default();
            self.went.extend(txs.iter().map(SignedTx::hash));
            let mut pool = self.pool_mut();
            for seq in txs.iter().flat_map(|tx| pool.settle(tx)) {
                commit.unpool(seq);
            }
        }
        self.chain.store().commit(commit, Flush::Later)?;
        self.chain.store().finalise(version, KEPT_VERSIONS)?;
        self.order(Order::News(News::Final { hash, height: to.height() }));
        Ok(())
    }

    /// Drop what can no longer be included: what is too late, and what another transaction with its nonce has replaced.
    pub fn tidy(&mut self) -> Result<(), NodeError> {
        let head = self.chain.head()?;
        let rows = self.pool_mut().expire(head.header.height());
        self.unpool(rows)
    }

    /// Drop a transaction that a rule refuses for ever.
    pub fn refuse(&mut self, tx: TxHash, why: &Rejected) -> Result<(), NodeError> {
        if why.fault() != Fault::Invalid {
            return Ok(());
        }
        let row = self.pool_mut().drop_out(&tx, Dropped::Invalid { code: why.code() });
        self.went.push(tx);
        self.order(Order::News(News::Dropped(tx)));
        self.unpool(row)
    }

    fn unpool(&self, rows: impl IntoIterator<Item = u64>) -> Result<(), NodeError> {
        let mut commit = Commit::new();
        for seq in rows {
            commit.unpool(seq);
        }
        Ok(self.chain.store().commit(commit, Flush::Later)?)
    }

    /// Candidates for a block on the head.
    pub fn candidates(&self) -> Vec<Verified<SignedTx>> {
        self.pool().select(self.chain.params().gas_per_block_max)
    }
}
