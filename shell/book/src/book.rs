//! What the adapter asks of a book.

use banyan_ledger::ParentTip;
use banyan_types::{
    Hash, Height,
    associate::{InboxEntry, OutboxEntry, Summary},
};

/// A final block of the parent.
pub type ParentBlock = ParentTip;

/// Where a book stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Blocks that were closed.
    pub height: Height,
    /// Inbox entries below this number are in the book, credited or skipped.
    pub inbox: u64,
    /// Hash chain of the inbox up to there.
    pub inbox_hash: Hash,
    /// Outbox entries below this number are in closed blocks.
    pub outbox: u64,
    /// Hash chain of the outbox up to there.
    pub outbox_hash: Hash,
    /// The parent block that the last closed block names.
    pub parent: Option<(Height, Hash)>,
    /// The summary of the last closed block, until the parent has taken it.
    pub pending: Option<Summary>,
    /// Whether money came in or is to go out since the last block was closed.
    pub has_work: bool,
}

/// An entry that was not credited: its money goes back to its sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its number.
    pub n: u64,
    /// Why.
    pub why: &'static str,
}

/// Why a book cannot go on. All are ours: the database, or what is in it.
#[derive(Debug, thiserror::Error)]
pub enum Ours {
    /// The database.
    #[error("the database: {0}")]
    Sql(#[from] sqlx::Error),
    /// The settings.
    #[error("the settings of the book: {0}")]
    Settings(String),
    /// The database holds another child's book.
    #[error("this database holds the book of {held}, asked for was that of {asked}")]
    OtherBook {
        /// Whose.
        held: String,
        /// Whose it was to be.
        asked: String,
    },
    /// What is in the database contradicts itself.
    #[error("the book is broken: {0}")]
    Broken(String),
    /// An entry does not follow on what was credited: nothing was written.
    #[error("inbox entry {got} does not follow; {expected} is next")]
    Inbox {
        /// The next number.
        expected: u64,
        /// The entry's.
        got: u64,
    },
    /// A block is closed while the one before is not settled.
    #[error("summary {seq} is not settled yet")]
    Unsettled {
        /// Its number.
        seq: u64,
    },
    /// A test broke it off here.
    #[error("broken off at moment {0}")]
    BrokenOff(u64),
}

/// A book of balances that already exists. Each call is one transaction of the database; numbers make it happen once.
pub trait Book {
    /// Where it stands.
    /// # Errors
    /// [`Ours`].
    fn position(&mut self) -> Result<Position, Ours>;
    /// Credit inbox entries, which continue those before in the order of their numbers. What is in the book already is passed
    /// over; what may not be credited is skipped, and said.
    /// # Errors
    /// [`Ours`]; nothing is written then.
    fn credit(&mut self, at: &ParentBlock, entries: &[InboxEntry]) -> Result<Vec<Skipped>, Ours>;
    /// Outbox entries of closed blocks from number `from` on, at most so many.
    /// # Errors
    /// [`Ours`].
    fn outbox(&mut self, from: u64, max: u16) -> Result<Vec<OutboxEntry>, Ours>;
    /// Take up what is to be withdrawn, and close a block that names the parent's: its summary is the next one for the parent.
    /// # Errors
    /// [`Ours`]; nothing is written then.
    fn close_block(&mut self, at: &ParentBlock) -> Result<Summary, Ours>;
    /// The parent has taken the summary of this number.
    /// # Errors
    /// [`Ours`].
    fn settled(&mut self, seq: u64) -> Result<(), Ours>;
}
