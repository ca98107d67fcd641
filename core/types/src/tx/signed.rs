//! Signatures over a transaction, and transactions inside others.

use alloc::{boxed::Box, string::String, vec::Vec};

use super::{AssociateRemit, ContractCreateV2, Transaction};
use crate::{
    AccountId, Bytes, Signature, TxHash,
    limits::{LARGE_TX_BYTES_MAX, SIGNATURES_MAX, TX_BYTES_MAX, WRAPS_MAX},
    rlp::{DecodeError, Field, Items, put_bytes, put_list, take_tag},
    show::Value,
};

/// What signatures of a transaction inside a [`PayingFor`](super::PayingFor) stand over in place of the network id.
pub fn inner_network(network_id: &str) -> String {
    [network_id, "-inner_tx"].concat()
}

impl Transaction {
    /// Whose keys sign it: nobody's, where a contract agrees in place of a key.
    pub fn signers(&self) -> Vec<AccountId> {
        match self {
            Self::GaMeta(_) => Vec::new(),
            tx => alloc::vec![tx.signer()],
        }
    }

    /// Whether a contract runs in it, or in what stands inside.
    pub fn runs(&self) -> bool {
        match self {
            Self::ContractCreate(_)
            | Self::ContractCreateV2(_)
            | Self::ContractCall(_)
            | Self::GaAttach(_)
            | Self::GaMeta(_) => true,
            _ => self.inside().is_some_and(|inside| inside.transaction().runs()),
        }
    }

    /// The signed transaction inside, if there is one.
    pub fn inside(&self) -> Option<&SignedTx> {
        match self {
            Self::GaMeta(tx) => Some(tx.tx.get()),
            Self::PayingFor(tx) => Some(tx.tx.get()),
            _ => None,
        }
    }

    /// The transaction that all others are wrapped around: itself, if it wraps none.
    pub fn innermost(&self) -> &Self {
        let mut tx = self;
        while let Some(inside) = tx.inside() {
            tx = inside.transaction();
        }
        tx
    }

    /// The bytes that a signer signs for the ledger `network_id`: the id, then Blake2b-256 of the unsigned bytes.
    pub fn signing_message(&self, network_id: &str) -> Vec<u8> {
        [network_id.as_bytes(), &banyan_crypto::blake2b(&[&self.encode()])].concat()
    }

    /// Sign with `key` alone.
    pub fn sign(self, network_id: &str, key: &banyan_crypto::SecretKey) -> SignedTx {
        let signature = Signature(key.sign(&self.signing_message(network_id)));
        SignedTx::assemble(self, alloc::vec![signature])
    }
}

/// Kinds, by tag and version, that may be longer than others.
const LARGE: [(u64, u64); 2] =
    [(AssociateRemit::TAG, AssociateRemit::VERSION), (ContractCreateV2::TAG, ContractCreateV2::VERSION)];

/// A transaction with its signatures, not yet checked against anybody's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTx {
    transaction: Transaction,
    signatures: Vec<Signature>,
    unsigned: Vec<u8>,
    bytes: Vec<u8>,
    hash: TxHash,
}

impl SignedTx {
    /// Tag and version of a signed transaction.
    const TAG: (u64, u64) = (11, 1);

    /// Put `signatures` on `transaction`, in ascending byte order and without repeats.
    pub fn assemble(transaction: Transaction, mut signatures: Vec<Signature>) -> Self {
        signatures.sort_unstable();
        signatures.dedup();
        let unsigned = transaction.encode();
        Self::with_bytes(transaction, signatures, unsigned)
    }

    /// `transaction` as it stands inside a [`GaMeta`](super::GaMeta) of its own account: nobody signs it.
    pub fn unsigned_inside(transaction: Transaction) -> Self {
        Self::assemble(transaction, Vec::new())
    }

    fn with_bytes(transaction: Transaction, signatures: Vec<Signature>, unsigned: Vec<u8>) -> Self {
        let mut bytes = Vec::with_capacity(unsigned.len().saturating_add(80));
        put_list(&mut bytes, |out| {
            Self::TAG.0.put(out);
            Self::TAG.1.put(out);
            signatures.put(out);
            put_bytes(&unsigned, out);
        });
        let hash = TxHash(banyan_crypto::blake2b(&[&bytes]));
        Self { transaction, signatures, unsigned, bytes, hash }
    }

    /// Read exactly these bytes, as they stand in a block: signatures must be sorted.
    /// # Errors
    /// `TooLarge`, `Malformed`, `NotCanonical` or `UnknownTag`.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let tx = Self::decode_unsorted(bytes)?;
        if tx.bytes == bytes { Ok(tx) } else { Err(DecodeError::NotCanonical("signatures out of order")) }
    }

    /// Read bytes as a client posts them and sort the signatures, as the public node does.
    /// # Errors
    /// `TooLarge`, `Malformed`, `NotCanonical` or `UnknownTag`.
    pub fn decode_unsorted(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::decode_within(bytes, 0)
    }

    fn decode_within(bytes: &[u8], wraps: u8) -> Result<Self, DecodeError> {
        within(LARGE_TX_BYTES_MAX, bytes)?;
        let mut items = Items::within(bytes, wraps)?;
        match take_tag(&mut items)? {
            Self::TAG => {}
            (tag, version) => return Err(DecodeError::UnknownTag { tag, version }),
        }
        let mut signatures = Vec::<Signature>::take(&mut items)?;
        let unsigned = Bytes::take(&mut items)?.0;
        items.finish()?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(DecodeError::Malformed("more than four signatures"));
        }
        signatures.sort_unstable();
        signatures.dedup();
        // Every kind but two is refused before its fields are read.
        if !LARGE.contains(&take_tag(&mut Items::of(&unsigned)?)?) {
            within(TX_BYTES_MAX, bytes)?;
        }
        let transaction = Transaction::decode_within(&unsigned, wraps)?;
        Ok(Self::with_bytes(transaction, signatures, unsigned))
    }

    /// What is signed.
    pub const fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// The signatures, ascending.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The bytes of the signed transaction.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes of the unsigned transaction, which fees are counted by.
    pub const fn unsigned_len(&self) -> usize {
        self.unsigned.len()
    }

    /// Its name on the ledger: Blake2b-256 of [`Self::bytes`].
    pub const fn hash(&self) -> TxHash {
        self.hash
    }

    /// Bytes of the unsigned transaction, which signatures stand over.
    pub fn unsigned(&self) -> &[u8] {
        &self.unsigned
    }

    /// The two messages that the signature may stand over, ours first: hashed, then plain.
    pub fn messages(&self, network_id: &str) -> [Vec<u8>; 2] {
        let id = network_id.as_bytes();
        [[id, &banyan_crypto::blake2b(&[&self.unsigned])].concat(), [id, &self.unsigned].concat()]
    }
}

/// A signed transaction inside another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped(Box<SignedTx>);

impl Wrapped {
    /// Ready to stand inside.
    pub fn new(tx: SignedTx) -> Self {
        Self(Box::new(tx))
    }

    /// What stands inside.
    pub fn get(&self) -> &SignedTx {
        &self.0
    }
}

impl Field for Wrapped {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.0.bytes(), out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        let bytes = items.bytes()?;
        let wraps = items.wraps().saturating_add(1);
        if wraps > WRAPS_MAX {
            return Err(DecodeError::Malformed("transactions wrapped too deep"));
        }
        let tx = SignedTx::decode_within(bytes, wraps)?;
        if tx.bytes == bytes { Ok(Self::new(tx)) } else { Err(DecodeError::NotCanonical("signatures out of order")) }
    }
    fn show(&self) -> Value {
        let tx = self.0.transaction();
        Value::Record(alloc::vec![
            ("signatures", self.0.signatures.show()),
            ("type", Value::Text(tx.kind().into())),
            ("tx", Value::Record(tx.fields())),
        ])
    }
}

const fn within(max: usize, bytes: &[u8]) -> Result<(), DecodeError> {
    if bytes.len() <= max { Ok(()) } else { Err(DecodeError::TooLarge { max, got: bytes.len() }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Amount, Height, Nonce, Payee,
        tx::{PayingFor, Spend},
    };
    use banyan_crypto::SecretKey;
    use proptest::prelude::*;

    fn spend(amount: u128, fee: u128, ttl: u64, nonce: u64, payload: Vec<u8>) -> Transaction {
        Spend {
            sender_id: AccountId(SecretKey::from_seed([1; 32]).public()),
            recipient_id: Payee::Account(AccountId([2; 32])),
            amount: Amount::new(amount).unwrap(),
            fee: Amount::new(fee).unwrap(),
            ttl: Height(ttl),
            nonce: Nonce(nonce),
            payload: Bytes(payload),
        }
        .into()
    }

    #[test]
    fn signatures_of_a_block_are_sorted_and_those_of_a_client_need_not_be() {
        let tx = spend(1, 1, 0, 1, alloc::vec![]);
        let sorted = SignedTx::assemble(tx.clone(), alloc::vec![Signature([1; 64]), Signature([2; 64])]);
        let unsorted =
            SignedTx::with_bytes(tx, alloc::vec![Signature([2; 64]), Signature([1; 64])], sorted.transaction.encode());
        assert_eq!(SignedTx::decode(unsorted.bytes()), Err(DecodeError::NotCanonical("signatures out of order")));
        assert_eq!(SignedTx::decode_unsorted(unsorted.bytes()), Ok(sorted.clone()));
        assert_eq!(SignedTx::decode(sorted.bytes()), Ok(sorted));
    }

    #[test]
    fn bytes_that_are_no_transaction_say_why() {
        let good = spend(1, 1, 0, 1, alloc::vec![]).sign("banyan_test", &SecretKey::from_seed([1; 32]));
        let mut unknown = good.bytes().to_vec();
        unknown[2] = 12; // the tag of a signed transaction, after the two bytes of the list's length
        let mut trailing = good.bytes().to_vec();
        trailing.push(0);
        let big = spend(1, 1, 0, 1, alloc::vec![0; TX_BYTES_MAX]).sign("banyan_test", &SecretKey::from_seed([1; 32]));
        let big_len = big.bytes().len();
        for (bytes, error) in [
            (
                alloc::vec![0; LARGE_TX_BYTES_MAX + 1],
                DecodeError::TooLarge { max: LARGE_TX_BYTES_MAX, got: LARGE_TX_BYTES_MAX + 1 },
            ),
            (big.bytes().to_vec(), DecodeError::TooLarge { max: TX_BYTES_MAX, got: big_len }),
            (alloc::vec![], DecodeError::Malformed("not RLP, or a field is missing")),
            (alloc::vec![0x01], DecodeError::Malformed("bytes where a list should stand")),
            (unknown, DecodeError::UnknownTag { tag: 12, version: 1 }),
            (trailing, DecodeError::NotCanonical("trailing bytes or fields")),
        ] {
            assert_eq!(SignedTx::decode(&bytes), Err(error));
        }
    }

    /// A payment inside so many payers; what the rules make of it is their affair.
    fn wrapped(times: u8) -> SignedTx {
        let key = SecretKey::from_seed([1; 32]);
        (0..times).fold(spend(1, 1, 0, 1, alloc::vec![]).sign("net-inner_tx", &key), |inside, nonce| {
            let (payer_id, fee) = (AccountId(key.public()), Amount::ZERO);
            let tx = PayingFor { payer_id, nonce: Nonce(nonce.into()), fee, tx: Wrapped::new(inside) };
            Transaction::from(tx).sign("net", &key)
        })
    }

    #[test]
    fn transactions_stand_inside_each_other_up_to_a_limit() {
        let deepest = wrapped(WRAPS_MAX);
        assert_eq!(SignedTx::decode(deepest.bytes()), Ok(deepest.clone()));
        assert_eq!(deepest.transaction().innermost(), &spend(1, 1, 0, 1, alloc::vec![]));
        let too_deep = Err(DecodeError::Malformed("transactions wrapped too deep"));
        assert_eq!(SignedTx::decode(wrapped(WRAPS_MAX + 1).bytes()), too_deep);
        assert_eq!(SignedTx::decode(wrapped(200).bytes()), too_deep);
    }

    #[test]
    fn what_stands_inside_is_as_strict_as_what_stands_around_it() {
        let tx = spend(1, 1, 0, 1, alloc::vec![]);
        let unsigned = tx.encode();
        let two = alloc::vec![Signature([2; 64]), Signature([1; 64])];
        let inside = Wrapped::new(SignedTx::with_bytes(tx, two, unsigned));
        let payer_id = AccountId([3; 32]);
        let paying: Transaction = PayingFor { payer_id, nonce: Nonce(1), fee: Amount::ZERO, tx: inside }.into();
        let refused = Err(DecodeError::NotCanonical("signatures out of order"));
        assert_eq!(Transaction::decode(&paying.encode()), refused);
    }

    proptest! {
        #[test]
        fn a_signed_spend_round_trips(
            amount in 0..=crate::SUPPLY_MAX, fee in 0..=crate::SUPPLY_MAX, ttl: u64, nonce: u64,
            payload in proptest::collection::vec(any::<u8>(), 0..100)
        ) {
            let signed = spend(amount, fee, ttl, nonce, payload).sign("banyan_test", &SecretKey::from_seed([1; 32]));
            prop_assert_eq!(SignedTx::decode(signed.bytes()), Ok(signed.clone()));
            prop_assert_eq!(Transaction::decode(&signed.unsigned), Ok(signed.transaction));
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = SignedTx::decode(&bytes);
            let _ = Transaction::decode(&bytes);
        }
    }
}
