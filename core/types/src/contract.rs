//! What a contract is made of, as the wire has it. Rules: protocol, ledger 2.2, 3.2, 3.3.

use alloc::{string::String, vec::Vec};

use crate::{
    Amount, Bytes, ContractBytes, GasPrice, Hash, Height,
    rlp::{DecodeError, Field, Items, put_list},
    show::Value,
};

/// The one machine and calling convention of every ledger.
pub const FATE: CtVersion = CtVersion(0x08_0003);

/// A machine and a calling convention: `vm << 16 | abi`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CtVersion(pub u32);

impl CtVersion {
    /// The machine.
    pub const fn vm(self) -> u32 {
        self.0 >> 16
    }

    /// The calling convention.
    pub const fn abi(self) -> u32 {
        self.0 & 0xffff
    }
}

impl Field for CtVersion {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        u32::take(items).map(Self)
    }
    fn show(&self) -> Value {
        Value::Record(alloc::vec![("vm_version", self.vm().show()), ("abi_version", self.abi().show())])
    }
}

/// How long an object is to live. On the wire 0 is the ledger's default and 2^64 - 1 is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// What the ledger gives when nothing is said.
    Default,
    /// So many heights.
    Heights(u64),
    /// Without end, where keeping costs nothing.
    Forever,
}

impl Lifetime {
    /// The expiry that objects without end have.
    pub const NEVER: Height = Height(u64::MAX);
}

impl Field for Lifetime {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Default => 0u64.put(out),
            Self::Heights(heights) => heights.put(out),
            Self::Forever => u64::MAX.put(out),
        }
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        u64::take(items).map(|heights| match heights {
            0 => Self::Default,
            u64::MAX => Self::Forever,
            heights => Self::Heights(heights),
        })
    }
    fn show(&self) -> Value {
        match self {
            Self::Default => Value::Text("default".into()),
            Self::Heights(heights) => heights.show(),
            Self::Forever => Value::Text("for ever".into()),
        }
    }
}

/// The list of types that contracts of an older machine had; empty for every one of ours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoTypes;

impl Field for NoTypes {
    fn put(&self, out: &mut Vec<u8>) {
        put_list(out, |_| {});
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        items.list()?.finish().map(|()| Self).map_err(|_| DecodeError::Malformed("type information of another machine"))
    }
    fn show(&self) -> Value {
        Value::List(Vec::new())
    }
}

crate::object! {
    /// A contract's code as its maker hands it in; the public layout.
    70 v 3 CodeObject {
        /// Blake2b-256 of the source.
        source_hash: Hash,
        /// Nothing.
        type_info: NoTypes,
        /// What the machine runs.
        byte_code: ContractBytes,
        /// What made it.
        compiler_version: String,
        /// Whether coins may be sent to it.
        payable: bool,
    }

    /// What the hash that a generalized account's contract is shown stands over; the public layout.
    810 v 1 AuthHashInput {
        /// Fee of the meta transaction.
        fee: Amount,
        /// Its price of gas.
        gas_price: GasPrice,
        /// Blake2b-256 of the network id and the unsigned bytes of the transaction inside.
        tx_hash: Hash,
    }
}

impl CodeObject {
    /// The name under which code is kept: Blake2b-256 of the object's bytes.
    pub fn hash_of(bytes: &[u8]) -> Hash {
        Hash(banyan_crypto::blake2b(&[bytes]))
    }
}

impl AuthHashInput {
    /// The input for a transaction inside a meta transaction on a ledger.
    pub fn new(network_id: &str, unsigned: &[u8], fee: Amount, gas_price: GasPrice) -> Self {
        let tx_hash = Hash(banyan_crypto::blake2b(&[network_id.as_bytes(), unsigned]));
        Self { fee, gas_price, tx_hash }
    }

    /// What the contract is shown as `Auth.tx_hash`.
    pub fn hash(&self) -> Hash {
        Hash(banyan_crypto::blake2b(&[&self.encode()]))
    }
}

/// Blake2b-256 of a source, which a visible contract's code must name.
pub fn source_hash(source: &Bytes) -> Hash {
    Hash(banyan_crypto::blake2b(&[&source.0]))
}
