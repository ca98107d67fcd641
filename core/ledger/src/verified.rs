//! Values whose signatures were checked; the type is the proof.

use alloc::vec::Vec;

use banyan_crypto::Claim;
use banyan_types::tx::SignedTx;

use crate::Rejected;

/// A value whose signatures verify. Only this module makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// The value.
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// The value alone.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl Verified<SignedTx> {
    /// Check the one signature of a plain account's transaction, in either of its two forms.
    /// # Errors
    /// `BadSignature`: missing, superfluous or wrong.
    pub fn check(tx: SignedTx, network_id: &str) -> Result<Self, Rejected> {
        let [signature] = tx.signatures() else { return Err(Rejected::BadSignature) };
        let key = tx.signer_key();
        let verifies = tx.messages(network_id).iter().any(|message| {
            let claim = Claim { key: &key.0, message, signature: &signature.0 };
            banyan_crypto::verify(claim).is_ok()
        });
        if verifies { Ok(Self(tx)) } else { Err(Rejected::BadSignature) }
    }

    /// Check many at once: the same verdict as [`Self::check`] on each, faster when they are right.
    /// # Errors
    /// The position of the first one that fails.
    pub fn check_all(txs: Vec<SignedTx>, network_id: &str) -> Result<Vec<Self>, usize> {
        let known = known_good(&txs, network_id);
        let checked = txs.into_iter().enumerate().map(|(index, tx)| {
            if index < known { Ok(Self(tx)) } else { Self::check(tx, network_id).map_err(|_| index) }
        });
        checked.collect()
    }
}

/// How many transactions from the first on have one signature that verifies in the hashed form, which nearly all have.
fn known_good(txs: &[SignedTx], network_id: &str) -> usize {
    let signed = txs.iter().map_while(|tx| {
        let [signature] = tx.signatures() else { return None };
        let [hashed, _] = tx.messages(network_id);
        Some((tx.signer_key(), hashed, signature))
    });
    let signed: Vec<_> = signed.collect();
    let claims = signed.iter().map(|(key, message, signature)| Claim { key: &key.0, message, signature: &signature.0 });
    banyan_crypto::verify_all(&claims.collect::<Vec<_>>()).err().unwrap_or(signed.len())
}
