//! Blocks of validators as they are kept, and as they travel.

use banyan_store::{Order as Direction, Place};
use banyan_types::{Bytes, Hash, Height, committee::Certificate, header::ChildHeader};

use super::{
    SEAL_RECORD,
    block::Made,
    read_record,
    talk::{BLOCKS_BYTES_MAX, BLOCKS_MAX, Carried, Final, parts},
};
use crate::{Chain, NodeError};

/// Kind of the records with the inbox entries that blocks have settled, by height.
pub const INBOX_RECORD: u8 = 9;

/// A seal as a body carries it.
pub fn seal_bytes(seal: Option<&Certificate>) -> Bytes {
    seal.map_or_else(Bytes::default, |seal| Bytes(seal.encode()))
}

/// A block that was executed, with the entries that it settles.
pub fn carried(header: &ChildHeader, made: &Made) -> Carried {
    let inbox = made.inbox.iter().map(|entry| Bytes(entry.encode())).collect();
    Carried { body: Bytes(made.body(header).encode()), inbox }
}

/// A block of the chain as it is kept here, with its seal.
pub fn stored(chain: &Chain, place: Place, block: Hash) -> Result<Option<Final>, NodeError> {
    let store = chain.store();
    let (seal, inbox) = (store.record(SEAL_RECORD, place.height)?, store.record(INBOX_RECORD, place.height)?);
    let (Some(body), Some(seal), Some(inbox)) = (store.body(&block.0)?, seal, inbox) else { return Ok(None) };
    let carried = Carried { body: Bytes(body), inbox: read_record(&inbox)? };
    Ok(Some(Final { carried, seal: Bytes(seal) }))
}

/// The blocks of the chain from a height on, as many as one frame takes.
pub fn stored_from(chain: &Chain, from: Height) -> Result<Option<Vec<Final>>, NodeError> {
    let rows = chain.main_from(Place::at(from.0.max(1)), Direction::Ascending, BLOCKS_MAX)?;
    let blocks = rows.into_iter().map(|(place, hash)| stored(chain, place, hash));
    let blocks = blocks.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let size = |block: &Final| block.carried.body.0.len();
    Ok(parts(blocks, BLOCKS_MAX, BLOCKS_BYTES_MAX, size).into_iter().next())
}
