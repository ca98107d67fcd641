//! The names of a journey's legs. Rules: associates 12.

use banyan_types::{Hash, tx::Transaction};

/// The same transaction as the leg `leg` of a journey; kinds that move nothing between ledgers stay as they are.
pub fn as_leg(mut tx: Transaction, leg: Hash) -> Transaction {
    match &mut tx {
        Transaction::AssociateCommit(tx) => tx.leg = leg,
        Transaction::AssociateWithdraw(tx) => tx.leg = leg,
        _ => {}
    }
    tx
}

/// The name of a journey's first leg, which nobody can give to another transaction. It stands inside the transaction, so it
/// is drawn from the transaction with a zero in its place.
pub fn first_leg(network_id: &str, tx: &Transaction) -> Hash {
    let unnamed = as_leg(tx.clone(), Hash::ZERO).encode();
    let hash = banyan_crypto::blake2b(&[&unnamed]);
    Hash(banyan_crypto::blake2b(&[b"journey", network_id.as_bytes(), &hash]))
}

/// The name of leg `index`, from that of the leg before it.
pub fn next_leg(before: Hash, index: u16) -> Hash {
    Hash(banyan_crypto::blake2b(&[&before.0, &index.to_be_bytes()]))
}
