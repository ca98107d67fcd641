//! The rules of engine `solo`: one operator's signature. Rules: protocol, associates 8, 11.

use alloc::vec::Vec;

use banyan_types::{Hash, Height, PublicKey, Signature, header::ChildHeader};

use super::{BadHeader, Rules};

/// The engine `solo`.
#[derive(Debug, Clone, Copy)]
pub struct Solo<'a> {
    /// The child's own network.
    pub network_id: &'a str,
    /// Key of whoever orders it.
    pub operator: PublicKey,
}

impl Rules for Solo<'_> {
    type Seal = Signature;

    /// The operator, in view 0: there are no turns.
    fn leader(&self, _height: Height, view: u32) -> Option<PublicKey> {
        (view == 0).then_some(self.operator)
    }

    fn set_hash(&self) -> Hash {
        Hash::ZERO
    }

    fn seal_hash(&self, seal: &Signature) -> Hash {
        Hash(banyan_crypto::blake2b(&[&seal.0]))
    }

    fn check_seal(&self, header: &ChildHeader, seal: &Signature) -> Result<(), BadHeader> {
        let message = seal_message(self.network_id, header);
        let claim = banyan_crypto::Claim { key: &self.operator.0, message: &message, signature: &seal.0 };
        banyan_crypto::verify(claim).map_err(|_| BadHeader::Seal)
    }
}

/// What the operator signs of a block: the child's network id, then the block's hash.
pub fn seal_message(network_id: &str, header: &ChildHeader) -> Vec<u8> {
    [network_id.as_bytes(), &header.hash().0].concat()
}
