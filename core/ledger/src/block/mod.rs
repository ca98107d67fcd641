//! Blocks: one function applies them, whoever ordered them. Rules: ledger 6.
//!
//! [`Execution`] is the same work step by step, for whoever makes a block: what it gives is what [`apply_block`]
//! demands of the header. Proof of work, leaders, times and fork choice belong to the machines.

mod child;
mod key_block;
mod seal;

use alloc::vec::Vec;

use banyan_types::{
    Bytes, Gas, Hash, Height, Receipt, TimeMs,
    associate::InboxEntry,
    header::{ChildHeader, KeyHeader, MicroHeader},
    limits::{BLOCK_BYTES_MAX, TXS_PER_BLOCK_MAX},
    tx::SignedTx,
    witness::Seal,
};

use crate::{
    Clock, Effects, Event, Invalid, Missing, Params, Rejected, State, Verified,
    leaf::key,
    scene::{Scene, load},
};

pub use child::{ChildStart, named_parent};
pub use key_block::key_outcome;

/// A block of any ledger. Its signatures were checked; its place in the chain is the machine's affair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Of the root: opens a generation.
    Key(KeyBlock),
    /// Of the root: adds transactions to a generation.
    Micro(MicroBlock),
    /// Of an associate.
    Child(ChildBlock),
}

/// Opens a generation; holds no transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBlock {
    /// Its header.
    pub header: KeyHeader,
    /// What its body holds, at most.
    pub seal: Option<Seal>,
}

/// Adds transactions to a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MicroBlock {
    /// Its header.
    pub header: MicroHeader,
    /// Its transactions in order.
    pub txs: Vec<Verified<SignedTx>>,
}

/// A block of an associate, with what the parent link or a witness supplies beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildBlock {
    /// Its header.
    pub header: ChildHeader,
    /// Its transactions in order.
    pub txs: Vec<Verified<SignedTx>>,
    /// The final parent block that it names.
    pub parent: ParentTip,
    /// The inbox entries that it settles.
    pub inbox: Vec<InboxEntry>,
    /// The seal of the block before that its body carries, encoded; no bytes where there is none.
    pub prev_seal: Bytes,
}

/// A final block of the parent, as its children see it. Source: root 7, associates 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParentTip {
    /// Its hash.
    pub hash: Hash,
    /// Its height.
    pub height: Height,
    /// Its time.
    pub time: TimeMs,
    /// Height of the root there.
    pub root_height: Height,
    /// Its entropy.
    pub entropy: Hash,
    /// Next number of this child's inbox in its state.
    pub inbox_next: u64,
}

/// What a block did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Root of the state after it.
    pub root: Hash,
    /// Root of the list of its transactions' hashes.
    pub txs_root: Hash,
    /// Root of the list of its receipts' hashes.
    pub receipts_root: Hash,
    /// Gas of all its transactions.
    pub gas_used: Gas,
    /// One receipt per transaction.
    pub receipts: Vec<Receipt>,
    /// On a child: what it does to the parent.
    pub effects: Effects,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// Apply `block` to `state`, which must stand at the block before it. On an error the state holds part of the block
/// and must be dropped.
/// # Errors
/// The first [`Invalid`] that applies; `Ours` when the state could not answer.
pub fn apply_block(state: &mut impl State, params: &Params, block: &Block) -> Result<Outcome, Invalid> {
    match block {
        Block::Key(block) => key_block::apply(state, params, block),
        Block::Micro(block) => apply_micro(state, params, block),
        Block::Child(block) => child::apply(state, params, block),
    }
}

/// A block of transactions in the making.
pub struct Execution<'a, S> {
    scene: Scene<'a, S>,
    receipts: Vec<Receipt>,
    gas_used: Gas,
    bytes: usize,
}

impl<'a, S: State> Execution<'a, S> {
    /// Begin a micro block in the running generation of the root.
    /// # Errors
    /// `Kind` on a child; `Unbonded` when the generation must stay empty.
    pub fn micro(state: &'a mut S, params: &'a Params) -> Result<Self, Invalid> {
        if !params.is_root() {
            return Err(Invalid::Kind);
        }
        let clock = clock(state)?;
        let mut scene = Scene::open(state, params, clock.height)?;
        if !scene.engine()?.may_fill {
            return Err(Invalid::Unbonded { leader: clock.leader });
        }
        Ok(Self::over(scene))
    }

    const fn over(scene: Scene<'a, S>) -> Self {
        Self { scene, receipts: Vec::new(), gas_used: Gas(0), bytes: 0 }
    }

    /// Add one transaction.
    /// # Errors
    /// `Limit` when the block is full; `Transaction` when it is refused. Either way the block stands as it did.
    pub fn push(&mut self, tx: &Verified<SignedTx>) -> Result<(), Invalid> {
        let index = self.receipts.len();
        let bytes = self.bytes.saturating_add(tx.get().bytes().len());
        within("transactions", TXS_PER_BLOCK_MAX as u64, (index as u64).saturating_add(1))?;
        within("bytes", BLOCK_BYTES_MAX as u64, bytes as u64)?;
        let moment = self.scene.remember();
        self.scene.index = u32::try_from(index).unwrap_or(u32::MAX);
        let receipt = self.scene.apply(tx).map_err(|why| Invalid::Transaction { index, why })?;
        let gas_used = Gas(self.gas_used.0.saturating_add(receipt.gas_used.0));
        let fits = within("gas", self.scene.params.gas_per_block_max.0, gas_used.0);
        if let Err(full) = fits {
            self.scene.forget_since(moment);
            return Err(full);
        }
        self.receipts.push(receipt);
        (self.bytes, self.gas_used) = (bytes, gas_used);
        Ok(())
    }

    /// How many transactions the block holds.
    pub fn len(&self) -> usize {
        self.receipts.len()
    }

    /// Whether the block holds no transactions.
    pub fn is_empty(&self) -> bool {
        self.receipts.is_empty()
    }

    /// On a child: the next inbox and outbox number so far.
    pub fn ends(&self) -> Option<(u64, u64)> {
        self.scene.ledger.parent.as_ref().map(|leaf| (leaf.inbox, leaf.outbox))
    }

    /// Write the totals and give the roots that the header must carry.
    /// # Errors
    /// `Missing` when the state could not answer.
    pub fn finish(mut self) -> Result<Outcome, Missing> {
        self.scene.settle();
        debug_assert!(crate::invariant::totals_add_up(&self.scene.ledger.supply), "coin was made or lost");
        Ok(Outcome {
            root: self.scene.state.root()?,
            txs_root: Hash(banyan_tree::list_root(self.receipts.iter().map(|receipt| receipt.tx_hash.0))),
            receipts_root: Hash(banyan_tree::list_root(self.receipts.iter().map(|receipt| receipt.hash().0))),
            gas_used: self.gas_used,
            receipts: self.receipts,
            effects: self.scene.effects,
            events: self.scene.events,
        })
    }
}

fn apply_micro(state: &mut impl State, params: &Params, block: &MicroBlock) -> Result<Outcome, Invalid> {
    let header = &block.header;
    let mut execution = Execution::micro(state, params)?;
    if execution.scene.height != header.height {
        return Err(Invalid::Header { field: "height" });
    }
    block.txs.iter().try_for_each(|tx| execution.push(tx))?;
    let outcome = execution.finish()?;
    if outcome.gas_used != header.gas_used {
        return Err(Invalid::Header { field: "gas_used" });
    }
    same_root("txs_root", header.txs_root, outcome.txs_root)?;
    same_root("receipts_root", header.receipts_root, outcome.receipts_root)?;
    same_root("state_root", header.state_root, outcome.root)?;
    Ok(outcome)
}

fn clock(state: &mut impl State) -> Result<Clock, Missing> {
    load(state, &key::clock())?.ok_or(Missing("no clock leaf: the state has no genesis"))
}

fn same_root(what: &'static str, header: Hash, executed: Hash) -> Result<(), Invalid> {
    if header == executed { Ok(()) } else { Err(Invalid::Root { what, header, executed }) }
}

fn within(what: &'static str, max: u64, got: u64) -> Result<(), Invalid> {
    if got <= max { Ok(()) } else { Err(Invalid::Limit { what, max, got }) }
}

/// A rule that only moves coin between the ledger's own places cannot be refused by anybody's fault but ours.
fn ours(why: Rejected) -> Invalid {
    match why {
        Rejected::Ours(missing) => Invalid::Ours(missing),
        _ => Invalid::Ours(Missing("the running totals do not cover what the state owes")),
    }
}
