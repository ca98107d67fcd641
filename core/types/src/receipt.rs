//! What a transaction did.

use alloc::vec::Vec;

use crate::{
    Bytes, ContractId, Gas, GasPrice, Hash, Id, TxHash,
    rlp::{DecodeError, Field, Items},
    show::Value,
};

/// How a transaction ended. Whatever the end, it is on the ledger and has paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Ok,
    /// Stopped by the machine: out of gas, a bad instruction.
    Error,
    /// Stopped by the contract itself.
    Revert,
}

impl Field for Status {
    fn put(&self, out: &mut Vec<u8>) {
        (*self as u64).put(out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        match u64::take(items)? {
            0 => Ok(Self::Ok),
            1 => Ok(Self::Error),
            2 => Ok(Self::Revert),
            _ => Err(DecodeError::Malformed("unknown status")),
        }
    }
    fn show(&self) -> Value {
        Value::Text(
            match self {
                Self::Ok => "ok",
                Self::Error => "error",
                Self::Revert => "revert",
            }
            .into(),
        )
    }
}

crate::record! {
    /// An event of a contract.
    Log {
        /// The contract that emitted it.
        contract: ContractId,
        /// Topics, the first of which is the hash of the event's name.
        topics: Vec<Bytes>,
        /// Its data.
        data: Bytes,
    }
}

crate::object! {
    /// The outcome of one transaction; provable under a header's `receipts_root`. Source: ledger 6.3.
    1210 v 1 Receipt {
        /// Of which transaction.
        tx_hash: TxHash,
        /// How it ended.
        status: Status,
        /// Gas counted to the block.
        gas_used: Gas,
        /// Price of execution gas.
        gas_price: GasPrice,
        /// What a call returned.
        returned: Bytes,
        /// Events.
        logs: Vec<Log>,
        /// Receipts of nested transactions.
        calls: Vec<Bytes>,
        /// What was made: a connection point.
        created: Vec<Id>,
    }
}

impl Receipt {
    /// The receipt's place in the list under `receipts_root`: Blake2b-256 of its bytes.
    pub fn hash(&self) -> Hash {
        Hash(banyan_crypto::blake2b(&[&self.encode()]))
    }
}
