//! What can go wrong in a node, and whose fault it is.

use banyan_ledger::{Fault, Invalid, Missing, Rejected};
use banyan_store::StoreError;
use banyan_types::{Amount, Nonce};

/// The node cannot go on. All are ours: the store, the genesis or a bug; never a peer's or a client's.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The disk, or what is on it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state could not answer.
    #[error(transparent)]
    State(#[from] Missing),
    /// The store holds another ledger.
    #[error("this folder holds another ledger: its genesis is {held}, the file says {asked}")]
    OtherGenesis {
        /// Hash of the genesis in the store.
        held: banyan_types::Hash,
        /// Hash of the genesis asked for.
        asked: banyan_types::Hash,
    },
    /// A genesis that cannot begin a ledger.
    #[error(transparent)]
    Genesis(#[from] banyan_ledger::GenesisError),
    /// A genesis file that cannot be read.
    #[error("genesis file: {0}")]
    GenesisFile(String),
    /// Stored bytes that are no header.
    #[error("stored bytes are no header")]
    Header,
    /// Stored bytes that are no block, receipt or record.
    #[error("stored bytes do not decode: {0}")]
    Decode(#[from] banyan_types::rlp::DecodeError),
    /// A block that this node made itself is refused by its own rules.
    #[error("own block refused: {0}")]
    OwnBlock(Invalid),
    /// The role does not fit the genesis.
    #[error("this ledger's engine is not run by that role")]
    Role,
    /// The machine stopped.
    #[error("the chain machine stopped: {0}")]
    Stopped(String),
    /// The parent could not be asked.
    #[error("the parent cannot be asked: {0}")]
    Parent(String),
    /// The node's thread has ended.
    #[error("the node has stopped")]
    Ended,
}

impl From<banyan_store::Fault> for NodeError {
    fn from(fault: banyan_store::Fault) -> Self {
        Self::Store(fault.into())
    }
}

/// Why a transaction is not taken into the pool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// A rule of the ledger.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// Further ahead than the pool keeps.
    #[error("nonce {got} is more than {ahead} ahead of the account's next nonce {next}")]
    TooFarAhead {
        /// The account's next nonce.
        next: Nonce,
        /// The transaction's.
        got: Nonce,
        /// How far ahead the pool keeps.
        ahead: u64,
    },
    /// Too many of one account wait.
    #[error("{max} transactions of this account wait already")]
    AccountFull {
        /// How many the pool keeps.
        max: usize,
    },
    /// What waits before it leaves too little.
    #[error("balance {balance}, but what waits and this transaction need {needed}")]
    Unfunded {
        /// What the account holds.
        balance: Amount,
        /// What all of its waiting transactions need.
        needed: Amount,
    },
    /// Another transaction with this nonce waits and pays nearly as much.
    #[error("another transaction with this nonce waits; replacing it needs a fee of {needed}, got {got}")]
    Underpriced {
        /// Least fee.
        needed: Amount,
        /// The fee offered.
        got: Amount,
    },
    /// The pool is full of better-paying ones.
    #[error("the pool is full; try a higher fee or later")]
    PoolFull,
    /// The node is ours and broken.
    #[error("the node cannot take transactions: {0}")]
    Ours(String),
}

impl SubmitError {
    /// Whose fault.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Rejected(why) => why.fault(),
            Self::Ours(_) => Fault::Ours,
            _ => Fault::Early,
        }
    }

    /// The error's name in answers.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Rejected(why) => why.code(),
            Self::TooFarAhead { .. } => "nonce_too_far_ahead",
            Self::AccountFull { .. } => "account_full",
            Self::Unfunded { .. } => "unfunded",
            Self::Underpriced { .. } => "replacement_underpriced",
            Self::PoolFull => "pool_full",
            Self::Ours(_) => "node_broken",
        }
    }
}
