//! Judge a block of another validator: execute its body under its header, on the block before it.

use banyan_ledger::{Fault, Invalid};
use banyan_types::{
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
    /// The inbox entries that came beside it are others than it settles: the carrier's fault.
    Forged,
}

/// Execute a body under its header.
/// # Errors
/// Only what is ours.
pub fn judge(
    core: &Core,
    link: &Link,
    header: &ChildHeader,
    prev_seal: Option<&Certificate>,
    (held, is_sealed): (&Held, bool),
) -> Result<Judged, NodeError> {
    let Ok(body) = ChildBody::decode(&held.carried.body.0) else { return Ok(Judged::Bad) };
    let fits =
        body.header.0 == header.encode() && body.prev_seal == seal_bytes(prev_seal) && body.attachments.is_empty();
    if !fits {
        return Ok(Judged::Bad);
    }
    let from = block::inbox_after(core, header.prev_hash)?;
    let (inbox, bad) = match link.inbox(from, header.inbox_to)? {
        Some(entries) => (entries, Judged::Bad),
        // The parent keeps them no longer, as it has a summary that has settled them.
        None if is_sealed => match held.carried.entries() {
            Ok(entries) => (entries, Judged::Forged),
            Err(_) => return Ok(Judged::Forged),
        },
        None => return Ok(Judged::Unknown),
    };
    let parent = link.told(header)?;
    match block::execute(core, header, body, inbox, parent) {
        Ok(made) => Ok(Judged::Good(Box::new(made))),
        Err(NodeError::Decode(_)) => Ok(bad),
        Err(NodeError::OwnBlock(why)) if is_senders_fault(&why) => Ok(bad),
        Err(error) => Err(error),
    }
}

fn is_senders_fault(why: &Invalid) -> bool {
    why.fault() == Fault::Invalid
}

/// A block that was executed, and that the driver does not find.
pub fn lost_block() -> NodeError {
    NodeError::Stopped("a block that was executed is not there".into())
}
