//! What the store asks of a table engine: ordered keys in named columns and one atomic, durable batch.
//!
//! [`Engine`] is the seam. [`Fjall`](crate::Fjall) keeps the rows on a disk, [`Mem`](crate::Mem) in a map that can be told to
//! fail and to crash. Read [`Engine::write`] first: everything the store promises rests on it.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};

/// Most bytes of keys and values that one [`Engine::scan`] returns, unless its first row alone is larger.
pub const PAGE_BYTES_MAX: usize = 4 << 20;

/// A table of the store. Every column orders its rows by key, bytewise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Block hash → header.
    Header,
    /// Block hash → body.
    Body,
    /// Height ‖ index → block hash, of the chosen chain.
    Main,
    /// Transaction hash ‖ block hash → position.
    Tx,
    /// Block hash → receipts.
    Receipt,
    /// Sequence number → waiting transaction.
    Pool,
    /// Kind ‖ sequence number → record of a machine.
    Record,
    /// Name → anything else, and the store's own marks.
    Meta,
    /// State key ‖ version, newest first → value.
    Leaf,
    /// Version → parent version, block hash, root, changed keys.
    Change,
    /// Contract ‖ beginning of a key of its store ‖ state key → that key, of every such leaf that a kept version holds.
    StoreKey,
    /// State key → its row of [`Column::StoreKey`].
    StoreName,
}

impl Column {
    /// Every column; the position is the column's number.
    pub const ALL: [Self; 12] = [
        Self::Header,
        Self::Body,
        Self::Main,
        Self::Tx,
        Self::Receipt,
        Self::Pool,
        Self::Record,
        Self::Meta,
        Self::Leaf,
        Self::Change,
        Self::StoreKey,
        Self::StoreName,
    ];

    /// The name on disk; part of the format.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Body => "body",
            Self::Main => "main",
            Self::Tx => "tx",
            Self::Receipt => "receipt",
            Self::Pool => "pool",
            Self::Record => "record",
            Self::Meta => "meta",
            Self::Leaf => "leaf",
            Self::Change => "change",
            Self::StoreKey => "store-key",
            Self::StoreName => "store-name",
        }
    }
}

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// The keys between two bounds.
pub type Span = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// Which end of a span a scan starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first.
    Ascending,
    /// Largest key first.
    Descending,
}

/// Whether a write is on disk when it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// It is: a promise may leave the process.
    Now,
    /// It may be lost by a crash, together with everything after it and with nothing before it.
    Later,
}

/// Rows to write together: all of them or, after a crash, none. The last word on a key wins. Keys are not empty and have at most
/// 65,535 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    rows: BTreeMap<(Column, Vec<u8>), Option<Vec<u8>>>,
}

impl Batch {
    /// Set `key` in `column` to `value`.
    pub fn put(&mut self, column: Column, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.rows.insert((column, key.into()), Some(value.into()));
    }

    /// Remove `key` from `column`, if it is there.
    pub fn delete(&mut self, column: Column, key: impl Into<Vec<u8>>) {
        self.rows.insert((column, key.into()), None);
    }

    /// Rows put or deleted.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Nothing to write.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows by column and key; no value is a deletion.
    pub fn iter(&self) -> impl Iterator<Item = (Column, &[u8], Option<&[u8]>)> {
        self.rows.iter().map(|((column, key), value)| (*column, key.as_slice(), value.as_deref()))
    }
}

/// Why the disk could not do it. Always *ours*: no peer and no sender can cause one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An earlier write or sync failed, so what is on disk is unknown until the store is opened again.
    #[error("the store is poisoned by an earlier failure")]
    Poisoned,
    /// The engine failed.
    #[error("{action} failed: {cause}")]
    Failed {
        /// What was tried.
        action: &'static str,
        /// The engine's words.
        cause: String,
    },
    /// What was read cannot have been written by us.
    #[error("{part} is broken: {cause}")]
    Broken {
        /// The table.
        part: &'static str,
        /// What is wrong with it.
        cause: String,
    },
}

impl Fault {
    /// A [`Fault::Failed`], for use in `map_err`.
    pub(crate) fn failed<C: ToString>(action: &'static str) -> impl FnOnce(C) -> Self {
        move |cause| Self::Failed { action, cause: cause.to_string() }
    }

    /// A [`Fault::Broken`].
    pub(crate) fn broken(part: Column, cause: impl Into<String>) -> Self {
        Self::Broken { part: part.name(), cause: cause.into() }
    }
}

/// Ordered tables with one atomic batch over all of them.
///
/// Reads see every write that was answered, and of a write in progress nothing or all. After a failed write or sync every later
/// one answers [`Fault::Poisoned`], and reads go on from what was there before it.
pub trait Engine: Send + Sync {
    /// The value of `key`.
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;

    /// Rows of `span` from one end: at most `rows_max` of them and [`PAGE_BYTES_MAX`] bytes. Empty only if none is left.
    fn scan(&self, column: Column, span: Span, order: Order, rows_max: usize) -> Result<Vec<Row>, Fault>;

    /// Write `batch` as one; with [`Flush::Now`], it and everything before it is on disk when this returns.
    fn write(&self, batch: Batch, flush: Flush) -> Result<(), Fault>;

    /// Put everything written so far on disk.
    fn sync(&self) -> Result<(), Fault>;
}

/// Every key that starts with `prefix`.
pub fn prefixed(prefix: &[u8]) -> Span {
    // The first key after them all: the prefix with its last byte that can grow grown, and nothing behind it.
    let end = prefix.iter().rposition(|byte| *byte < u8::MAX).map_or(Bound::Unbounded, |last| {
        let mut end = prefix[..=last].to_vec();
        end[last] += 1;
        Bound::Excluded(end)
    });
    (Bound::Included(prefix.to_vec()), end)
}

/// Read all of `span`, ascending, a page at a time; stops at the first error of `each`.
pub fn scan_all(
    engine: &dyn Engine,
    column: Column,
    mut span: Span,
    mut each: impl FnMut(Row) -> Result<(), Fault>,
) -> Result<(), Fault> {
    /// Rows of one page.
    const PAGE_ROWS: usize = 4096;
    loop {
        let page = engine.scan(column, span.clone(), Order::Ascending, PAGE_ROWS)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        span.0 = Bound::Excluded(last.clone());
        page.into_iter().try_for_each(&mut each)?;
    }
}

/// The rows that fit a page, of those that an engine walks over.
pub(crate) fn page(rows: impl Iterator<Item = Result<Row, Fault>>, rows_max: usize) -> Result<Vec<Row>, Fault> {
    let mut bytes = 0;
    let mut page = Vec::new();
    for row in rows.take(rows_max) {
        let (key, value) = row?;
        bytes += key.len() + value.len();
        if bytes > PAGE_BYTES_MAX && !page.is_empty() {
            break;
        }
        page.push((key, value));
    }
    Ok(page)
}

/// No key lies in such a span; an ordered map would panic on some of them.
pub(crate) fn is_void((from, to): &Span) -> bool {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to))
        | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
    }
}

/// Remembers that a write failed, for a handle's whole life: after a failed sync nobody knows what the disk kept, and asking again
/// may answer yes for pages that the kernel has already dropped.
#[derive(Debug, Default)]
pub(crate) struct Poison(AtomicBool);

impl Poison {
    /// Do `write` unless an earlier one failed.
    pub(crate) fn guard(&self, write: impl FnOnce() -> Result<(), Fault>) -> Result<(), Fault> {
        if self.0.load(Ordering::Acquire) {
            return Err(Fault::Poisoned);
        }
        write().inspect_err(|fault| {
            self.0.store(true, Ordering::Release);
            tracing::error!(%fault, "the store is poisoned");
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_spans_exactly_the_keys_that_start_with_it() {
        for (prefix, end) in [
            (&b""[..], Bound::Unbounded),
            (b"a", Bound::Excluded(b"b".to_vec())),
            (b"a\xff", Bound::Excluded(b"b".to_vec())),
            (b"a\xffb", Bound::Excluded(b"a\xffc".to_vec())),
            (b"\xff\xff", Bound::Unbounded),
        ] {
            assert_eq!(prefixed(prefix), (Bound::Included(prefix.to_vec()), end));
        }
    }

    #[test]
    fn a_column_s_position_is_its_number() {
        for (number, column) in Column::ALL.into_iter().enumerate() {
            assert_eq!(column as usize, number);
        }
    }

    #[test]
    fn a_page_ends_at_its_bytes_but_never_before_its_first_row() {
        let row = |bytes| Ok((vec![0], vec![0; bytes]));
        let sizes = |rows: Vec<_>| page(rows.into_iter(), 3).map(|page| page.len());
        assert_eq!(sizes(vec![row(PAGE_BYTES_MAX * 2), row(1)]), Ok(1));
        assert_eq!(sizes(vec![row(1), row(PAGE_BYTES_MAX), row(1)]), Ok(1));
        assert_eq!(sizes(vec![row(1), row(1), row(1), row(1)]), Ok(3));
    }
}
