//! The chain as the machine sees it.

use alloc::{string::String, vec::Vec};

use crate::value::Blob;

/// The 32 bytes of an account or contract.
pub type Address = [u8; 32];

/// Answers questions and carries out effects. The caller journals: everything between [`Host::mark`] and
/// [`Host::rewind`] is undone.
pub trait Host {
    /// Ours: what the host cannot answer, as a missing leaf. Stops the run at once and is never a contract's error.
    type Fault;
    /// A point to return to.
    type Mark: Copy;

    /// The block and transaction that the run is part of.
    fn env(&self) -> &Env;
    /// The hash of the key block at a height among the last 256. `None` where there is none.
    fn block_hash(&mut self, height: u64) -> Result<Option<[u8; 32]>, Self::Fault>;
    /// Coins of an account or contract; zero if it is absent.
    fn balance(&mut self, of: &Address) -> Result<u128, Self::Fault>;
    /// Move coins. Makes the account if it is absent.
    fn transfer(
        &mut self,
        from: &Address,
        to: &Address,
        amount: u128,
        kind: Transfer,
    ) -> Result<Result<(), Refused>, Self::Fault>;
    /// What stands at an address.
    fn kind(&mut self, of: &Address) -> Result<AccountKind, Self::Fault>;
    /// The code of a contract; a clone's is that of its original.
    fn code(&mut self, of: &Address) -> Result<Option<CodeRef>, Self::Fault>;
    /// Who created a contract.
    fn creator(&mut self, of: &Address) -> Result<Option<Address>, Self::Fault>;
    /// Create a contract: its id comes from the creator's bumped nonce, `amount` moves to it. The machine has checked
    /// that the creator can pay.
    fn create(&mut self, by: &Address, code: NewCode<'_>, amount: u128) -> Result<Address, Self::Fault>;
    /// One entry of a contract's store.
    fn get(&mut self, contract: &Address, key: &[u8]) -> Result<Option<Vec<u8>>, Self::Fault>;
    /// Set or delete an entry.
    fn put(&mut self, contract: &Address, key: &[u8], value: Option<&[u8]>) -> Result<(), Self::Fault>;
    /// The keys of a contract's store that begin so, `prefix` itself aside, in any order. Not trusted: every key is read
    /// and their number is checked.
    fn hint_keys(&mut self, contract: &Address, prefix: &[u8]) -> Result<Vec<Vec<u8>>, Self::Fault>;
    /// Keep an event.
    fn log(&mut self, log: Log);
    /// Remember this point.
    fn mark(&mut self) -> Self::Mark;
    /// Undo everything since.
    fn rewind(&mut self, to: Self::Mark);
    /// What it means that a store holds what no run can have written, or that a hint was short.
    fn bad_store(&mut self, contract: &Address, why: BadStore) -> Self::Fault;
}

/// What is wrong with a store. Ours: runs do not write such things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadStore {
    /// An entry that is no value.
    #[error("an entry that is no value")]
    Value,
    /// A list of maps that makes no sense.
    #[error("register 0 does not describe the maps of the store")]
    Maps,
    /// Not as many keys as the map has.
    #[error("a map of {expected} keys of which {got} were found")]
    Keys {
        /// As register 0 says.
        expected: u64,
        /// As hinted and read.
        got: u64,
    },
}

/// The block and transaction that a run is part of.
#[derive(Debug, Clone, Default)]
pub struct Env {
    /// Height of the ledger.
    pub height: u64,
    /// Time of the block, in milliseconds since 1970.
    pub time_ms: u64,
    /// Who earns the block.
    pub beneficiary: Address,
    /// Name of the network.
    pub network_id: String,
    /// Price of gas in the transaction.
    pub gas_price: u128,
    /// Fee of the transaction.
    pub fee: u128,
    /// Difficulty of the key block; 0 on a child.
    pub difficulty: u64,
    /// Most gas that a transaction may ask for.
    pub gas_per_tx_max: u64,
    /// The transaction whose signature is being checked, in an auth run.
    pub auth: Option<Auth>,
}

/// The transaction whose signature an auth run checks.
#[derive(Debug, Clone)]
pub struct Auth {
    /// Its hash.
    pub tx_hash: [u8; 32],
    /// Itself, if it is of a kind that `Auth.tx` knows.
    pub tx: Option<AuthTx>,
}

/// A transaction as `Auth.tx` shows it.
#[derive(Debug, Clone)]
pub struct AuthTx {
    /// Who else pays, and the fee, if it is paid for.
    pub paying_for: Option<(Address, u128)>,
    /// The generalised accounts around it, outermost first, with their fees.
    pub wrappers: Vec<(Address, u128)>,
    /// Who sends it.
    pub actor: Address,
    /// Its fee.
    pub fee: u128,
    /// Until which height it is valid.
    pub ttl: u64,
    /// What it does.
    pub body: AuthBody,
}

/// What a transaction does, as far as `Auth.tx` shows it.
#[derive(Debug, Clone)]
pub enum AuthBody {
    /// Moves coins.
    Spend {
        /// To whom.
        to: Address,
        /// How many.
        amount: u128,
        /// With which message.
        payload: Vec<u8>,
    },
    /// Opens a channel with somebody.
    ChannelCreate(Address),
    /// Puts coins into a channel.
    ChannelDeposit(Address, u128),
    /// Takes coins out of a channel.
    ChannelWithdraw(Address, u128),
    /// Forces a channel on.
    ChannelForceProgress(Address),
    /// Closes a channel together.
    ChannelCloseMutual(Address),
    /// Closes a channel alone.
    ChannelCloseSolo(Address),
    /// Corrects the closing of a channel.
    ChannelSlash(Address),
    /// Settles a channel.
    ChannelSettle(Address),
    /// Snapshots a channel.
    ChannelSnapshotSolo(Address),
    /// Creates a contract with coins.
    ContractCreate(u128),
    /// Calls a contract with coins.
    ContractCall(Address, u128),
    /// Turns the account into a generalised one.
    GaAttach,
}

/// Why coins move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// A contract pays; the receiver has to accept payments.
    Spend,
    /// They go along with a call, whose function accepts them.
    CallValue,
}

/// Why coins do not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There are not enough.
    #[error("insufficient funds")]
    Funds,
    /// The receiver accepts no payments.
    #[error("the receiver is not payable")]
    NotPayable,
    /// The receiver would have more than there are.
    #[error("more coins than there are")]
    Overflow,
}

/// What stands at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// Nothing.
    Absent,
    /// An account without code, or with code that only checks signatures.
    Plain {
        /// Whether it accepts payments.
        payable: bool,
    },
    /// A contract.
    Contract {
        /// Whether it accepts payments.
        payable: bool,
        /// Since which height its code is gone, if it is.
        expired_at: Option<u64>,
    },
}

/// A contract's code.
#[derive(Debug, Clone)]
pub struct CodeRef {
    /// A name for the bytes that no other bytes have: what the cache goes by.
    pub hash: [u8; 32],
    /// The code object.
    pub bytes: Blob,
}

/// The code of a contract that is being created.
#[derive(Debug, Clone, Copy)]
pub enum NewCode<'a> {
    /// Its own code object, which loads.
    Own {
        /// The bytes.
        object: &'a [u8],
        /// Whether the contract may be paid.
        payable: bool,
    },
    /// That of another contract.
    CloneOf(&'a Address),
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Which contract said it.
    pub contract: Address,
    /// Words to find it by.
    pub topics: Vec<[u8; 32]>,
    /// What it says.
    pub data: Vec<u8>,
}
