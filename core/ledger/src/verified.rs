//! Values whose signatures were checked; the type is the proof.

use alloc::{collections::BTreeSet, vec::Vec};

use banyan_crypto::Claim;
use banyan_types::{
    AccountId, Signature,
    tx::{SignedTx, Transaction, inner_network},
};

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
    /// Check the signatures of a transaction and of those inside it, each in either of its two forms: one for each signer,
    /// and none of whom a meta transaction around it speaks for; the state is asked later whether it may.
    /// # Errors
    /// `BadSignature`: missing, superfluous or wrong.
    pub fn check(tx: SignedTx, network_id: &str) -> Result<Self, Rejected> {
        let mut spoken_for = BTreeSet::new();
        let mut network = alloc::string::String::from(network_id);
        let mut layer = Some(&tx);
        while let Some(signed) = layer {
            let mut signers = signed.transaction().signers();
            signers.retain(|signer| !spoken_for.contains(signer));
            if !are_signed_by(signed, &signers, &network) {
                return Err(Rejected::BadSignature);
            }
            match signed.transaction() {
                Transaction::PayingFor(_) => network = inner_network(network_id),
                Transaction::GaMeta(meta) => drop(spoken_for.insert(meta.ga_id)),
                _ => {}
            }
            layer = signed.transaction().inside();
        }
        Ok(Self(tx))
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

/// Whether each of `signers` has exactly one signature, and there is no other one.
fn are_signed_by(tx: &SignedTx, signers: &[AccountId], network: &str) -> bool {
    let messages = tx.messages(network);
    let is_by = |signature: &Signature, signer: &AccountId| {
        let claims = messages.iter().map(|message| Claim { key: &signer.0, message, signature: &signature.0 });
        claims.into_iter().any(|claim| banyan_crypto::verify(claim).is_ok())
    };
    let mut left: Vec<_> = tx.signatures().iter().collect();
    for signer in signers {
        let Some(at) = left.iter().position(|signature| is_by(signature, signer)) else { return false };
        left.remove(at);
    }
    left.is_empty()
}

/// How many transactions from the first on wrap none and have one signature that verifies in the hashed form, which nearly
/// all have.
fn known_good(txs: &[SignedTx], network_id: &str) -> usize {
    let signed = txs.iter().map_while(|tx| {
        let ([signature], None) = (tx.signatures(), tx.transaction().inside()) else { return None };
        let [hashed, _] = tx.messages(network_id);
        Some((tx.transaction().signer(), hashed, signature))
    });
    let signed: Vec<_> = signed.collect();
    let claims = signed.iter().map(|(key, message, signature)| Claim { key: &key.0, message, signature: &signature.0 });
    banyan_crypto::verify_all(&claims.collect::<Vec<_>>()).err().unwrap_or(signed.len())
}
