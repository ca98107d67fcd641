//! The object that carries code in transactions: RLP tag 70, version 3.

use alloc::vec::Vec;

use banyan_types::rlp::{DecodeError, Field as _, Items, take_tag};

use super::BadCode;

/// The tag of code objects in the public registry.
const TAG: u64 = 70;
/// The version whose byte code is FATE.
const VERSION: u64 = 3;

/// What stands around byte code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeObject {
    /// Hash of the source.
    pub source_hash: [u8; 32],
    /// The code.
    pub byte_code: Vec<u8>,
    /// Who compiled it.
    pub compiler: Vec<u8>,
    /// Whether the contract may be paid.
    pub payable: bool,
}

impl CodeObject {
    /// Read the object from exactly these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadCode> {
        Self::read(bytes).map_err(BadCode::Object)
    }

    fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut items = Items::of(bytes)?;
        match take_tag(&mut items)? {
            (TAG, VERSION) => {}
            (tag, version) => return Err(DecodeError::UnknownTag { tag, version }),
        }
        let source_hash =
            items.bytes()?.try_into().map_err(|_| DecodeError::Malformed("a source hash of another length"))?;
        // Descriptions of types, which another machine needed. FATE code has none.
        items.list()?.finish()?;
        let byte_code = items.bytes()?.to_vec();
        let compiler = items.bytes()?.to_vec();
        let payable = bool::take(&mut items)?;
        items.finish().map(|()| Self { source_hash, byte_code, compiler, payable })
    }
}
