//! Transactions that wait: durable, bounded, fair.
//!
//! [`Pool`] is the index in memory; the node writes each row to disk before it answers. A transaction leaves only by
//! final inclusion, expiry, replacement, eviction, or being invalid for ever; a lost block puts it back. Rules: node 10.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, VecDeque},
};

use banyan_ledger::{Params, Rejected, Verified, rules};
use banyan_types::{
    AccountId, Amount, Gas, Height, Nonce, TxHash,
    tx::{SignedTx, Transaction},
};

use crate::SubmitError;

/// How much a pool holds. Source: node 10.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Transactions.
    pub transactions: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Transactions of one account.
    pub per_account: usize,
    /// How far a nonce may be ahead.
    pub nonces_ahead: u64,
    /// Heights that a transaction without a ttl waits.
    pub lifetime: u64,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self { transactions: 200_000, bytes: 256 << 20, per_account: 64, nonces_ahead: 64, lifetime: 1_200 }
    }
}

/// Reasons that are kept for whoever asks what became of a transaction.
const DROPPED_MAX: usize = 10_000;
/// Where the places begin of what stands in no order of nonces: no account gets so far.
const LOOSE_FROM: u64 = 1 << 63;
/// A replacement must pay this many hundredths of what it replaces.
const REPLACEMENT_PERCENT: u64 = 110;

/// A transaction that waits, or is in a block that is not final.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The transaction, its signature checked.
    pub tx: Verified<SignedTx>,
    /// Number of its row on disk; also the order of arrival.
    pub seq: u64,
    /// Its place among those of its account: its nonce; of an account that a contract speaks for, behind all nonces in the
    /// order of arrival, since nonces order nothing there.
    pub slot: Nonce,
    /// Gas that it counts to a block.
    pub gas: Gas,
    /// Base units per gas, what it bids.
    pub price: u128,
    /// Last height at which it is kept.
    pub until: Height,
    /// Whether it is in a block of the chosen chain.
    pub included: bool,
    /// Whether it was in one that has left the chain: then it comes before all that was in none. Source: root 7.
    pub returned: bool,
}

/// What the pool has to know of a transaction that is in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InBlock {
    /// Its hash.
    pub hash: TxHash,
    /// Whose nonce it uses.
    pub signer: AccountId,
    /// That nonce.
    pub nonce: Nonce,
    /// Whether it stands in no order among those of its account.
    is_loose: bool,
}

impl InBlock {
    /// Of this transaction.
    pub fn of(tx: &SignedTx) -> Self {
        let (signer, nonce) = (tx.transaction().signer(), tx.transaction().nonce());
        Self { hash: tx.hash(), signer, nonce, is_loose: is_loose(tx) }
    }
}

/// Why a transaction left the pool without being final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dropped {
    /// Its ttl, or the pool's lifetime, has passed.
    Expired,
    /// Another one with its nonce pays more.
    Replaced {
        /// By which.
        by: TxHash,
    },
    /// Others pay more and the pool was full.
    Evicted,
    /// Another one with its nonce is on the chain, or a rule refuses it for ever.
    Invalid {
        /// Which rule.
        code: &'static str,
    },
}

impl Dropped {
    /// The reason's name in answers.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Replaced { .. } => "replaced",
            Self::Evicted => "evicted",
            Self::Invalid { code } => code,
        }
    }
}

/// What an account may do now, as the head's state says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purse {
    /// Its next nonce.
    pub next: Nonce,
    /// What it holds.
    pub balance: Amount,
}

/// Gas that a transaction counts to a block, and what it bids for each, in base units.
/// # Errors
/// The rule that keeps it out of every block of this height.
pub fn bid(params: &Params, height: Height, tx: &SignedTx) -> Result<(Gas, u128), Rejected> {
    let gas = rules::precheck(params, height, tx)?;
    Ok((gas, tx.transaction().fee().base().checked_div(u128::from(gas.0)).unwrap_or(0)))
}

/// What is held of one account.
#[derive(Debug)]
struct Queue {
    /// The account's next nonce on the chosen chain.
    next: Nonce,
    txs: BTreeMap<Nonce, TxHash>,
}

/// The waiting transactions, by hash, by account and nonce, and by price.
#[derive(Debug, Default)]
pub struct Pool {
    limits: PoolLimits,
    by_hash: HashMap<TxHash, Waiting>,
    by_account: BTreeMap<AccountId, Queue>,
    by_price: BTreeSet<(u128, Reverse<u64>, TxHash)>,
    by_end: BTreeSet<(Height, TxHash)>,
    bytes: usize,
    included: usize,
    dropped: HashMap<TxHash, Dropped>,
    dropped_order: VecDeque<TxHash>,
}

impl Pool {
    /// An empty pool.
    pub fn new(limits: PoolLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// How many transactions are held, and of them in blocks that are not final.
    pub fn len(&self) -> usize {
        self.by_hash.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    /// Whether something waits for a block.
    pub fn has_waiting(&self) -> bool {
        self.by_hash.len() > self.included
    }

    /// The transaction, if it is held.
    pub fn get(&self, hash: &TxHash) -> Option<&Waiting> {
        self.by_hash.get(hash)
    }

    /// Why a transaction was dropped, if that is still known.
    pub fn dropped(&self, hash: &TxHash) -> Option<&Dropped> {
        self.dropped.get(hash)
    }

    /// What is held of one account, by nonce.
    pub fn of_account(&self, account: AccountId) -> impl Iterator<Item = &Waiting> {
        let hashes = self.by_account.get(&account).into_iter().flat_map(|queue| queue.txs.values());
        hashes.filter_map(|hash| self.by_hash.get(hash))
    }

    /// Everything held, best price first.
    pub fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.by_price.iter().rev().filter_map(|(_, _, hash)| self.by_hash.get(hash))
    }

    /// Take a transaction in. Returns what it pushed out.
    /// # Errors
    /// The first [`SubmitError`] that applies; the pool is unchanged then.
    pub fn admit(
        &mut self,
        tx: Verified<SignedTx>,
        seq: u64,
        purse: Purse,
        params: &Params,
        height: Height,
    ) -> Result<Vec<u64>, SubmitError> {
        let waiting = self.weigh(tx, seq, params, height)?;
        let replaced = self.check_place(&waiting, purse)?;
        let mut freed = Vec::new();
        if let Some(old) = replaced {
            let by = waiting.tx.get().hash();
            freed.extend(self.drop_out(&old, Dropped::Replaced { by }));
        }
        while self.is_full(&waiting) {
            let cheapest = self.cheapest_last().filter(|(price, _)| *price < waiting.price);
            let (_, hash) = cheapest.ok_or(SubmitError::PoolFull)?;
            freed.extend(self.drop_out(&hash, Dropped::Evicted));
        }
        self.insert(waiting, purse.next);
        Ok(freed)
    }

    fn weigh(&self, tx: Verified<SignedTx>, seq: u64, params: &Params, height: Height) -> Result<Waiting, SubmitError> {
        let (gas, price) = bid(params, height, tx.get())?;
        let transaction = tx.get().transaction();
        let kept = Height(height.0.saturating_add(self.limits.lifetime));
        let until = transaction.ttl().unwrap_or(kept);
        let slot = if is_loose(tx.get()) { Nonce(LOOSE_FROM.saturating_add(seq)) } else { transaction.nonce() };
        Ok(Waiting { tx, seq, slot, gas, price, until, included: false, returned: false })
    }

    /// Whether the account may queue it; the transaction that it replaces, if any.
    fn check_place(&self, new: &Waiting, purse: Purse) -> Result<Option<TxHash>, SubmitError> {
        let tx = new.tx.get().transaction();
        let (got, next, ahead) = (new.slot, purse.next, self.limits.nonces_ahead);
        let is_loose = is_loose(new.tx.get());
        if !is_loose && got < next {
            return Err(Rejected::NonceUsed { expected: next, got }.into());
        }
        if !is_loose && got.since(next).is_some_and(|by| by > ahead) {
            return Err(SubmitError::TooFarAhead { next, got, ahead });
        }
        let queue = self.by_account.get(&tx.signer());
        let replaced = queue.and_then(|queue| queue.txs.get(&got)).copied();
        if let Some(old) = replaced.and_then(|hash| self.by_hash.get(&hash)) {
            let old_fee = old.tx.get().transaction().fee();
            let needed = old_fee.share(REPLACEMENT_PERCENT, 100).unwrap_or(Amount::MAX);
            if tx.fee() < needed {
                return Err(SubmitError::Underpriced { needed, got: tx.fee() });
            }
        } else if queue.is_some_and(|queue| queue.txs.len() >= self.limits.per_account) {
            return Err(SubmitError::AccountFull { max: self.limits.per_account });
        }
        self.check_funds(new, purse, replaced)?;
        Ok(replaced)
    }

    /// What the account holds must cover all that waits: nothing is parked where producers cannot see it.
    fn check_funds(&self, new: &Waiting, purse: Purse, replaced: Option<TxHash>) -> Result<(), SubmitError> {
        let signer = new.tx.get().transaction().signer();
        let queued = self.of_account(signer).filter(|waiting| !waiting.included);
        let others = queued.filter(|waiting| Some(waiting.tx.get().hash()) != replaced);
        let all = others.chain(std::iter::once(new));
        let needed = all
            .map(|waiting| rules::charged_before(waiting.tx.get().transaction()))
            .try_fold(Amount::ZERO, |sum, charge| sum.plus(charge?))
            .ok_or(Rejected::Overflow)?;
        let balance = purse.balance;
        if needed > balance { Err(SubmitError::Unfunded { balance, needed }) } else { Ok(()) }
    }

    fn is_full(&self, new: &Waiting) -> bool {
        let bytes = self.bytes.saturating_add(new.tx.get().bytes().len());
        self.by_hash.len() >= self.limits.transactions || bytes > self.limits.bytes
    }

    /// The cheapest transaction that waits; of its account the last nonce, so that no gap opens.
    fn cheapest_last(&self) -> Option<(u128, TxHash)> {
        let (price, _, hash) = self
            .by_price
            .iter()
            .find(|(_, _, hash)| self.by_hash.get(hash).is_some_and(|waiting| !waiting.included))?;
        let signer = self.by_hash.get(hash)?.tx.get().transaction().signer();
        let last = self.by_account.get(&signer)?.txs.values().next_back()?;
        self.by_hash.get(last).filter(|waiting| !waiting.included).map(|_| (*price, *last))
    }

    /// Put back what was on disk at the start; `next` is the account's next nonce.
    pub fn restore(
        &mut self,
        tx: Verified<SignedTx>,
        seq: u64,
        next: Nonce,
        params: &Params,
        height: Height,
        included: bool,
    ) {
        if let Ok(waiting) = self.weigh(tx, seq, params, height) {
            self.insert(Waiting { included, ..waiting }, next);
        }
    }

    fn insert(&mut self, waiting: Waiting, next: Nonce) {
        let tx = waiting.tx.get();
        let (hash, signer) = (tx.hash(), tx.transaction().signer());
        self.bytes = self.bytes.saturating_add(tx.bytes().len());
        self.included += usize::from(waiting.included);
        let queue = self.by_account.entry(signer).or_insert_with(|| Queue { next, txs: BTreeMap::new() });
        if !is_loose(tx) {
            queue.next = next;
        }
        queue.txs.insert(waiting.slot, hash);
        self.by_price.insert((waiting.price, Reverse(waiting.seq), hash));
        self.by_end.insert((waiting.until, hash));
        self.by_hash.insert(hash, waiting);
    }

    /// Let a transaction go because it is final, and with it others of its account whose nonces are used now. Returns the
    /// numbers of the rows.
    pub fn settle(&mut self, tx: &InBlock) -> Vec<u64> {
        let InBlock { hash, signer, nonce, is_loose } = *tx;
        let mut rows: Vec<_> = self.remove(&hash).map(|waiting| waiting.seq).into_iter().collect();
        if is_loose {
            return rows;
        }
        let used = self.by_account.get(&signer).into_iter().flat_map(|queue| queue.txs.range(..=nonce));
        let used: Vec<_> = used.map(|(_, hash)| *hash).collect();
        let stale = |hash: &TxHash| self.drop_out(hash, Dropped::Invalid { code: "nonce_used" });
        rows.extend(used.iter().filter_map(stale));
        rows
    }

    /// Let a transaction go for a reason that is remembered. Returns the number of its row.
    pub fn drop_out(&mut self, hash: &TxHash, why: Dropped) -> Option<u64> {
        let waiting = self.remove(hash)?;
        self.dropped.insert(*hash, why);
        self.dropped_order.push_back(*hash);
        if self.dropped_order.len() > DROPPED_MAX
            && let Some(oldest) = self.dropped_order.pop_front()
        {
            self.dropped.remove(&oldest);
        }
        Some(waiting.seq)
    }

    fn remove(&mut self, hash: &TxHash) -> Option<Waiting> {
        let waiting = self.by_hash.remove(hash)?;
        self.included -= usize::from(waiting.included);
        let tx = waiting.tx.get();
        self.bytes = self.bytes.saturating_sub(tx.bytes().len());
        self.by_price.remove(&(waiting.price, Reverse(waiting.seq), *hash));
        self.by_end.remove(&(waiting.until, *hash));
        let signer = tx.transaction().signer();
        if let Some(queue) = self.by_account.get_mut(&signer) {
            queue.txs.remove(&waiting.slot);
            if queue.txs.is_empty() {
                self.by_account.remove(&signer);
            }
        }
        Some(waiting)
    }

    /// A block of the chosen chain holds `tx`, whether it was waiting here or not.
    pub fn include(&mut self, tx: &InBlock) {
        let nonce = tx.nonce;
        self.follow(tx, true, |_| nonce.next().unwrap_or(nonce));
    }

    /// The block that held `tx` has left the chosen chain.
    pub fn exclude(&mut self, tx: &InBlock) {
        let nonce = tx.nonce;
        self.follow(tx, false, |next| next.min(nonce));
    }

    fn follow(&mut self, tx: &InBlock, included: bool, next: impl FnOnce(Nonce) -> Nonce) {
        if let Some(queue) = self.by_account.get_mut(&tx.signer).filter(|_| !tx.is_loose) {
            queue.next = next(queue.next);
        }
        if let Some(waiting) = self.by_hash.get_mut(&tx.hash) {
            let was = std::mem::replace(&mut waiting.included, included);
            waiting.returned = !included;
            self.included = self.included + usize::from(included) - usize::from(was);
        }
    }

    /// Drop what may not be included at `height` any more. Returns the numbers of the rows.
    pub fn expire(&mut self, height: Height) -> Vec<u64> {
        let past = self.by_end.iter().take_while(|(until, _)| *until < height);
        let past: Vec<_> = past.map(|(_, hash)| *hash).collect();
        let waiting = past.into_iter().filter(|hash| self.by_hash.get(hash).is_some_and(|waiting| !waiting.included));
        let waiting: Vec<_> = waiting.collect();
        waiting.iter().filter_map(|hash| self.drop_out(hash, Dropped::Expired)).collect()
    }

    /// Candidates for a block of `gas`: what lost blocks held first, then the best next-nonce price over accounts, ties by
    /// arrival; one account gets at most an eighth of the gas while others wait.
    pub fn select(&self, gas: Gas) -> Vec<Verified<SignedTx>> {
        let next = |(account, queue): (&AccountId, &Queue)| self.bid(*account, queue, queue.next);
        let mut heads: BinaryHeap<Bid> = self.by_account.iter().filter_map(next).collect();
        let (mut chosen, mut spent, mut later) = (Vec::new(), HashMap::<AccountId, u64>::new(), Vec::new());
        let (mut left, share) = (gas.0, gas.0 / 8);
        while let Some(bid) = heads.pop() {
            let Some(waiting) = self.at(bid.account, bid.nonce) else { continue };
            let mine = spent.entry(bid.account).or_default();
            if mine.saturating_add(waiting.gas.0) > share && !heads.is_empty() {
                later.push(bid);
                continue;
            }
            let Some(rest) = left.checked_sub(waiting.gas.0) else { break };
            left = rest;
            *mine = mine.saturating_add(waiting.gas.0);
            chosen.push(waiting.tx.clone());
            let queue = self.by_account.get(&bid.account);
            heads.extend(queue.zip(bid.nonce.next()).and_then(|(queue, nonce)| self.bid(bid.account, queue, nonce)));
            if heads.is_empty() {
                heads.extend(later.drain(..));
            }
        }
        chosen
    }

    /// What an account offers from `from` on: exactly that nonce, or where nonces order nothing the next that waits.
    fn bid(&self, account: AccountId, queue: &Queue, from: Nonce) -> Option<Bid> {
        let mut behind = queue.txs.range(from..).filter_map(|(slot, hash)| Some((*slot, self.by_hash.get(hash)?)));
        let (nonce, waiting) = behind.find(|(_, waiting)| !waiting.included)?;
        if nonce != from && !is_loose(waiting.tx.get()) {
            return None;
        }
        let (returned, price, arrival) = (waiting.returned, waiting.price, Reverse(waiting.seq));
        Some(Bid { returned, price, arrival, account, nonce })
    }

    fn at(&self, account: AccountId, nonce: Nonce) -> Option<&Waiting> {
        self.by_hash.get(self.by_account.get(&account)?.txs.get(&nonce)?)
    }
}

/// Whether the transaction stands in no order among those of its account: a contract agrees to each.
fn is_loose(tx: &SignedTx) -> bool {
    matches!(tx.transaction(), Transaction::GaMeta(_))
}

/// The next transaction of an account: what a lost block held comes first, then what pays more, then what came sooner.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Bid {
    returned: bool,
    price: u128,
    arrival: Reverse<u64>,
    account: AccountId,
    nonce: Nonce,
}
