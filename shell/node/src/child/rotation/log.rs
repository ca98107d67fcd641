//! What the last run wrote down above the last final block.

use std::collections::BTreeMap;

use banyan_ledger::ConnectionPoint;
use banyan_rotation::{Block, Decided, Record, Saved, Tip};
use banyan_store::{Commit, Order as Direction, Place};
use banyan_types::{Bytes, Hash, Height, committee::Certificate, rlp::Field as _};

use super::Known;
use crate::{
    Chain, NodeError,
    child::{SEAL_RECORD, child_header, mark, marks, named, read_record},
};

/// Kinds of the records: the log, the inbox entries that its blocks settle under the same number, the newest summary.
const LOG_RECORD: u8 = 5;
const ENTRIES_RECORD: u8 = 6;
const RANGE_RECORD: u8 = 7;
/// Rows of the log that are read at once at the start: as many as there may be blocks, with what is said of them.
const LOG_ROWS_MAX: usize = 1 << 20;

/// The log's rows on disk.
#[derive(Debug, Default)]
pub struct Log {
    /// Each with the height that it is of.
    rows: BTreeMap<u64, Height>,
    next: u64,
}

/// What the log holds at the start.
pub struct Found {
    /// Its rows.
    pub log: Log,
    /// What is in them, and the newest summary.
    pub records: Vec<Record>,
    /// The blocks that it says are kept.
    pub known: BTreeMap<Hash, Known>,
}

impl Log {
    /// The log as it stands.
    pub fn read(chain: &Chain) -> Result<Found, NodeError> {
        let (mut log, mut records, mut known) = (Self::default(), Vec::new(), BTreeMap::new());
        for (row, bytes) in chain.store().records(LOG_RECORD, 0, Direction::Ascending, LOG_ROWS_MAX)? {
            let record = Record::decode(&bytes)?;
            log.rows.insert(row, record.height().unwrap_or(Height(u64::MAX)));
            log.next = row + 1;
            if let Record::Built(block) | Record::Verified(block) = &record {
                let entries = chain.store().record(ENTRIES_RECORD, row)?.ok_or(NodeError::Header)?;
                known.insert(block.header.hash(), self::known(block, read_record(&entries)?));
            }
            records.push(record);
        }
        if let Some(bytes) = chain.store().record(RANGE_RECORD, 0)? {
            records.push(Record::decode(&bytes)?);
        }
        Ok(Found { log, records, known })
    }

    /// Write a record down; with a block goes what it settles.
    pub fn write(&mut self, commit: &mut Commit, record: &Record, entries: Option<&Vec<Bytes>>) {
        let Some(height) = record.height() else {
            commit.record(RANGE_RECORD, 0, record.encode());
            return;
        };
        let row = self.next;
        self.next += 1;
        self.rows.insert(row, height);
        commit.record(LOG_RECORD, row, record.encode());
        if let Some(entries) = entries {
            let mut bytes = Vec::new();
            entries.put(&mut bytes);
            commit.record(ENTRIES_RECORD, row, bytes);
        }
    }

    /// What is final needs no log.
    pub fn forget_to(&mut self, commit: &mut Commit, height: Height) {
        self.rows.retain(|row, at| {
            if *at <= height {
                commit.forget(LOG_RECORD, *row).forget(ENTRIES_RECORD, *row);
            }
            *at > height
        });
    }
}

fn known(block: &Block, inbox: Vec<Bytes>) -> Known {
    let (height, parent, settled) = (block.header.height, block.parent, block.settled);
    let is_empty = block.header.txs_root == Hash::ZERO;
    Known { height, parent, settled, is_empty, inbox }
}

/// What the store has kept, as the machine takes it.
pub fn saved(chain: &Chain, point: &ConnectionPoint, records: Vec<Record>) -> Result<Saved, NodeError> {
    let last = child_header(chain, chain.last_final()?.hash)?;
    let seal = chain.store().record(SEAL_RECORD, last.height.0)?;
    // What the parent has accepted may be ahead of this node: then it catches up first.
    let base = point.point.child_to.min(last.height);
    Ok(Saved {
        accepted: point.point.seq,
        accepted_to: point.point.child_to,
        base: mark(chain, base)?,
        since: marks(chain, base, last.height)?,
        chain: committed(chain, last.height, &records)?,
        records,
        last: Tip {
            seal: seal.map(|bytes| Certificate::read(&bytes)).transpose()?,
            parent: named(chain, &last)?,
            header: last,
        },
    })
}

/// The blocks of the chain above the last final one, with their seals.
fn committed(chain: &Chain, last: Height, records: &[Record]) -> Result<Vec<Decided>, NodeError> {
    let above = chain.main_from(Place::at(last.0 + 1), Direction::Ascending, usize::MAX)?;
    let decided = above.into_iter().map(|(place, hash)| {
        let block = records.iter().find_map(|record| match record {
            Record::Built(block) | Record::Verified(block) if block.header.hash() == hash => Some((**block).clone()),
            _ => None,
        });
        let seal = chain.store().record(SEAL_RECORD, place.height)?;
        let (Some(block), Some(seal)) = (block, seal) else { return Err(NodeError::Header) };
        Ok(Decided { block, certificate: Certificate::read(&seal)? })
    });
    decided.collect()
}
