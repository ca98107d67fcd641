//! Judge a block of another validator: execute its body under its header, on the block before it.

use banyan_ledger::{Fault, Invalid};
use banyan_types::{
    associate::InboxEntry,
    committee::Certificate,
    header::{ChildBody, ChildHeader},
};

use super::{
    Link,
    block::{self, Made},
    bodies::Held,
    kept::seal_bytes,
};
use crate::{NodeError, node::Core};

/// What a body says of a header that is good.
pub enum Judged {
    /// It gives what the header says.
    Good(Box<Made>),
    /// It does not: the leader's fault.
    Bad,
    /// What it settles is not known here.
    Unknown,
}

/// Execute a body under its header.
/// # Errors
/// Only what is ours.
pub fn judge(
    core: &Core,
    link: &Link,
    header: &ChildHeader,
    prev_seal: Option<&Certificate>,
    held: &Held,
) -> Result<Judged, NodeError> {
    let Ok(body) = ChildBody::decode(&held.carried.body.0) else { return Ok(Judged::Bad) };
    let fits =
        body.header.0 == header.encode() && body.prev_seal == seal_bytes(prev_seal) && body.attachments.is_empty();
    if !fits {
        return Ok(Judged::Bad);
    }
    let Some(inbox) = inbox(core, link, header, held)? else { return Ok(Judged::Unknown) };
    let parent = link.told(header)?;
    match block::execute(core, header, body, inbox, parent) {
        Ok(made) => Ok(Judged::Good(Box::new(made))),
        Err(NodeError::Decode(_)) => Ok(Judged::Bad),
        Err(NodeError::OwnBlock(why)) if is_senders_fault(&why) => Ok(Judged::Bad),
        Err(error) => Err(error),
    }
}

/// The entries that the block settles: the parent's word, and where it keeps them no longer, for a block that has a seal,
/// what came with it. Such entries belong to what the parent has a summary of.
fn inbox(core: &Core, link: &Link, header: &ChildHeader, held: &Held) -> Result<Option<Vec<InboxEntry>>, NodeError> {
    let from = block::inbox_after(core, header.prev_hash)?;
    match link.inbox(from, header.inbox_to)? {
        Some(entries) => Ok(Some(entries)),
        None if held.is_sealed => Ok(held.carried.entries().ok()),
        None => Ok(None),
    }
}

fn is_senders_fault(why: &Invalid) -> bool {
    why.fault() == Fault::Invalid
}

/// A block that was executed, and that the driver does not find.
pub fn lost_block() -> NodeError {
    NodeError::Stopped("a block that was executed is not there".into())
}
