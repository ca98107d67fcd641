//! What is shown of a child that lies or is dead: statements of its operators, and proofs of what its users had.
//! Rules: associates 3, 7.

use alloc::vec::Vec;

use super::Summary;
use crate::{
    AccountId, Asset, AssociateId, Bytes, Hash, Payee, Signature,
    rlp::{DecodeError, Field as _, Items},
};

crate::record! {
    /// Leaves of one state with the proof that they stand there. On the way to an account: a connection point and its
    /// escrow, for each child that is passed; at its end the account or its token balance, and of a contract's account the
    /// contract behind it.
    ProofStep {
        /// The leaves' values.
        leaves: Vec<Bytes>,
        /// One proof of all of them.
        proof: Bytes,
    }

    /// An operator's word on a summary, by itself.
    SummaryStatement {
        /// Who.
        operator: AccountId,
        /// On what.
        summary: Summary,
        /// Over the parent's network id and [`Summary::digest`].
        signature: Signature,
    }
}

impl SummaryStatement {
    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }

    /// Read exactly these bytes.
    /// # Errors
    /// The first [`DecodeError`] that applies.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::take_fields(&mut Items::of(bytes)?)
    }
}

/// What the owner of an account signs to have it claimed by somebody else, who pays for that.
pub fn escape_message(
    parent_network: &str,
    id: AssociateId,
    account: Payee,
    asset: Asset,
    path: &[AssociateId],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    account.put(&mut bytes);
    asset.put(&mut bytes);
    path.to_vec().put(&mut bytes);
    let network = parent_network.as_bytes();
    [network, &Hash(banyan_crypto::blake2b(&[b"banyan escape", network, &id.0, &bytes])).0].concat()
}
