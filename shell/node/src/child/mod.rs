//! Drive a child ledger's machine: make its blocks, carry commits down and remits up.
//!
//! [`link`] is the way to the parent and back, [`block`] what is built, executed and made the head; both are the same for
//! every engine. [`solo`] drives the machine of one operator, [`committee`] that of a quorum of validators, who change by
//! [`epochs`], [`rotation`] that of validators in turns; what their word rests on is kept by [`grounds`]. These talk to each other ([`talk`], [`bodies`], [`relay`]).

mod block;
mod bodies;
mod committee;
mod epochs;
mod grounds;
mod judge;
mod kept;
mod link;
mod peers;
mod relay;
mod rotation;
mod solo;
mod talk;

pub use committee::{CommitteeDriver, ValidatorRole};
use link::Link;
pub use link::{Operators, with_least_fee};
pub use rotation::RotationDriver;
pub use solo::{SoloDriver, SoloRole};
pub use talk::{Carried, Talk};

use banyan_child::Mark;
use banyan_ledger::ParentTip;
use banyan_store::Place;
use banyan_types::{
    Hash, Height, TimeMs,
    header::ChildHeader,
    rlp::{Field, Items},
};

use crate::{Chain, Header, NodeError};

/// Name of the row that holds the parent block which the head names.
const PARENT_ROW: &str = "solo.parent";

/// Blocks without transactions in a row, since the pool grew, after which what waits is taken for what no block takes.
const EMPTY_MAX: u8 = 2;

/// Kind of the records of the blocks' seals, by height.
pub const SEAL_RECORD: u8 = 8;

banyan_types::record! {
    /// A parent block.
    Named {
        /// Its hash.
        hash: Hash,
        /// Its height.
        height: Height,
        /// Its time.
        time: TimeMs,
        /// Height of the root there.
        root_height: Height,
        /// Its entropy.
        entropy: Hash,
        /// Next inbox number in its state.
        inbox_next: u64,
    }
}

impl Named {
    const fn of(tip: ParentTip) -> Self {
        let ParentTip { hash, height, time, root_height, entropy, inbox_next } = tip;
        Self { hash, height, time, root_height, entropy, inbox_next }
    }

    const fn tip(&self) -> ParentTip {
        let Self { hash, height, time, root_height, entropy, inbox_next } = *self;
        ParentTip { hash, height, time, root_height, entropy, inbox_next }
    }
}

/// The parent block that the tip names, as it was written with the tip; `None` at the genesis.
fn named(chain: &Chain, tip: &ChildHeader) -> Result<Option<ParentTip>, NodeError> {
    if tip.height == Height(0) {
        return Ok(None);
    }
    let row = chain.store().meta(PARENT_ROW)?.ok_or(NodeError::Header)?;
    let named: Named = read_record(&row)?;
    if named.hash == tip.parent_hash { Ok(Some(named.tip())) } else { Err(NodeError::Header) }
}

/// The header of a child's block.
fn child_header(chain: &Chain, block: Hash) -> Result<ChildHeader, NodeError> {
    match chain.header(block)? {
        Some(Header::Child(header)) => Ok(*header),
        _ => Err(NodeError::Header),
    }
}

/// The block of the chain at a height.
fn child_at(chain: &Chain, height: Height) -> Result<(Hash, ChildHeader), NodeError> {
    let hash = chain.main_at(Place::at(height.0))?.ok_or(NodeError::Header)?;
    Ok((hash, child_header(chain, hash)?))
}

/// What summaries need to know of a block of the chain.
fn mark(chain: &Chain, height: Height) -> Result<Mark, NodeError> {
    let (hash, header) = child_at(chain, height)?;
    let settled = chain.connection(hash)?.map_or(0, |(_, settled)| settled);
    Ok(Mark {
        height,
        parent_height: header.parent_height,
        outbox_to: header.outbox_to,
        inbox_to: header.inbox_to,
        settled: u32::try_from(settled).unwrap_or(u32::MAX),
    })
}

/// The marks of the blocks above `base`, up to the tip.
fn marks(chain: &Chain, base: Height, tip: Height) -> Result<Vec<Mark>, NodeError> {
    (base.0 + 1..=tip.0).map(|height| mark(chain, Height(height))).collect()
}

/// The newest record of a kind, of which only the newest is kept: under number 0.
fn newest<T: Field>(chain: &Chain, kind: u8) -> Result<Option<T>, NodeError> {
    chain.store().record(kind, 0)?.map(|bytes| read_record(&bytes)).transpose()
}

/// A record is one RLP item; readers take items out of a list.
fn read_record<T: Field>(item: &[u8]) -> Result<T, NodeError> {
    let mut list = Vec::new();
    banyan_types::rlp::put_list(&mut list, |out| out.extend_from_slice(item));
    Ok(T::take(&mut Items::of(&list)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use banyan_types::PublicKey;

    /// A header of this height, all else zero.
    pub fn header(height: u64) -> ChildHeader {
        ChildHeader {
            version: 1,
            height: Height(height),
            prev_hash: Hash::ZERO,
            parent_hash: Hash::ZERO,
            parent_height: Height(0),
            root_height: Height(0),
            time_ms: TimeMs(0),
            entropy: Hash::ZERO,
            txs_root: Hash::ZERO,
            receipts_root: Hash::ZERO,
            inbox_to: 0,
            outbox_to: 0,
            state_root: Hash::ZERO,
            set_hash: Hash::ZERO,
            leader: PublicKey::ZERO,
            view: 0,
            prev_seal_hash: Hash::ZERO,
        }
    }
}
