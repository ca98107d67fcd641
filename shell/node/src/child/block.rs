//! Blocks of a child: built from the pool, executed as others have built them, made the head.

use banyan_child::Draft;
use banyan_ledger::{Block, ChildBlock, ChildStart, Execution, Invalid, Overlay, ParentTip};
use banyan_store::{Commit, Flush, Version};
use banyan_types::{
    Bytes, Hash, TxHash,
    associate::InboxEntry,
    header::{ChildBody, ChildHeader},
    rlp::Field as _,
    tx::SignedTx,
};

use super::{Link, Named, PARENT_ROW};
use crate::{
    Header, NodeError,
    chain::settled,
    node::{Core, Executed, News, Order, bytes_of},
};

/// A block that was executed and is not the head yet.
pub struct Made {
    /// Its transactions, encoded.
    pub txs: Vec<Bytes>,
    /// The seal of the block before that it carries.
    pub prev_seal: Bytes,
    /// The inbox entries that it settles.
    pub inbox: Vec<InboxEntry>,
    /// The parent block that it names.
    pub parent: ParentTip,
    executed: Executed,
}

impl Made {
    /// Its body under this header.
    pub fn body(&self, header: &ChildHeader) -> ChildBody {
        let (txs, prev_seal) = (self.txs.clone(), self.prev_seal.clone());
        ChildBody { header: Bytes(header.encode()), txs, prev_seal, attachments: vec![] }
    }
}

impl Made {
    /// Inbox entries with money that it settles.
    pub fn settled(&self) -> u32 {
        u32::try_from(settled(&self.executed.outcome)).unwrap_or(u32::MAX)
    }
}

/// Where the child's inbox stands after a block.
pub fn inbox_after(core: &Core, block: Hash) -> Result<u64, NodeError> {
    Ok(core.chain.connection(block)?.map_or(0, |(leaf, _)| leaf.inbox))
}

/// The state after the block that a header names before it.
fn before(core: &Core, header: &ChildHeader) -> Result<Version, NodeError> {
    core.chain.store().version_of(&header.prev_hash.0).ok_or(NodeError::Header)
}

/// Execute the block that the header begins on the one that it names before it, with whatever transactions fit. `None` where
/// the parent has let go the entries that it would settle, since others have settled them.
pub fn build(
    core: &mut Core,
    link: &Link,
    header: &ChildHeader,
    prev_seal: Bytes,
) -> Result<Option<(Made, Draft)>, NodeError> {
    let parent = link.told(header)?;
    let inbox = link.inbox(inbox_after(core, header.prev_hash)?, header.inbox_to)?;
    let Some(inbox) = inbox else { return Ok(None) };
    let at = before(core, header)?;
    let session = core.session(at).map_err(NodeError::OwnBlock)?;
    let mut state = Overlay::new(session);
    let start = ChildStart::of(header, parent, prev_seal.clone());
    let begun = Execution::child(&mut state, core.chain.params(), &start, &inbox);
    let mut execution = begun.map_err(NodeError::OwnBlock)?;
    let (mut txs, mut refused) = (Vec::new(), Vec::new());
    for tx in core.candidates() {
        match execution.push(&tx) {
            Ok(()) => txs.push(tx),
            Err(Invalid::Transaction { why, .. }) => refused.push((tx.get().hash(), why)),
            Err(_) => break,
        }
    }
    let outbox_to = execution.ends().map_or(0, |(_, outbox)| outbox);
    let outcome = execution.finish()?;
    let (session, changes) = state.into_parts();
    // On another block than the head, what is refused may be good where the chain stands.
    if at == core.chain.store().head() {
        refused.iter().try_for_each(|(tx, why): &(TxHash, _)| core.refuse(*tx, why))?;
    }
    let draft = Draft {
        height: header.height,
        txs_root: outcome.txs_root,
        receipts_root: outcome.receipts_root,
        outbox_to,
        state_root: outcome.root,
        txs: u32::try_from(txs.len()).unwrap_or(u32::MAX),
        settled: u32::try_from(settled(&outcome)).unwrap_or(u32::MAX),
    };
    let bytes = bytes_of(&txs);
    let executed = Executed { session, changes, outcome, txs };
    Ok(Some((Made { txs: bytes, prev_seal, inbox, parent, executed }, draft)))
}

/// Execute a block that is there whole, on the one that it names before it.
/// # Errors
/// `OwnBlock` with the rule that it breaks.
pub fn execute(
    core: &Core,
    header: &ChildHeader,
    body: ChildBody,
    inbox: Vec<InboxEntry>,
    parent: ParentTip,
) -> Result<Made, NodeError> {
    let ChildBody { txs, prev_seal, .. } = body;
    let signed = txs.iter().map(|tx| SignedTx::decode(&tx.0)).collect::<Result<_, _>>()?;
    let txs_verified = core.verified(signed).map_err(NodeError::OwnBlock)?;
    let block = ChildBlock {
        header: header.clone(),
        txs: txs_verified,
        parent,
        inbox: inbox.clone(),
        prev_seal: prev_seal.clone(),
    };
    let executed = core.execute(before(core, header)?, Block::Child(block)).map_err(NodeError::OwnBlock)?;
    Ok(Made { txs, prev_seal, inbox, parent, executed })
}

/// Keep a block beside the chain, with the state after it.
pub fn keep(core: &Core, header: &ChildHeader, made: Made) -> Result<(), NodeError> {
    let body = made.body(header).encode();
    core.keep(&Header::Child(Box::new(header.clone())), &body, made.executed)
}

/// Make a block the head, and final. `extra` adds rows to the same write.
pub fn commit(
    core: &mut Core,
    link: &mut Link,
    header: &ChildHeader,
    made: Made,
    extra: impl FnOnce(&mut Commit),
) -> Result<(), NodeError> {
    let mut named = Vec::new();
    Named::of(made.parent).put(&mut named);
    let body = made.body(header).encode();
    let full = Header::Child(Box::new(header.clone()));
    let with_parent = |commit: &mut Commit| {
        commit.meta(PARENT_ROW, named);
        extra(commit);
    };
    core.commit(&full, &body, made.executed, Flush::Now, with_parent)?;
    link.named(header.parent_height);
    let hash = full.hash();
    core.order(Order::News(News::Tip { hash, height: header.height, undone: vec![], redone: vec![hash] }));
    core.finalise(hash)?;
    core.tidy()
}
