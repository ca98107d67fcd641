//! Transactions: what an account asks a ledger to do, and the signatures that make it a will.
//!
//! One table gives each kind its number, fields in order, signer and base gas; encoding, decoding and the decoded view
//! follow from it. A kind joins the table together with its rules. Rules: protocol, ledger 2.2.

use alloc::{string::String, vec::Vec};

use crate::{
    AccountId, Amount, Asset, AssociateId, Bytes, Gas, Hash, Height, Nonce, Payee, PublicKey, Signature, TxHash,
    associate::{Access, ChildParams, Hop, OutboxEntry, Regime, Summary},
    limits::{REMIT_BYTES_MAX, SIGNATURES_MAX, TX_BYTES_MAX},
    rlp::{DecodeError, Field as _, Items, put_list, take_tag},
    show::Fields,
};

macro_rules! transactions {
    ($($(#[$doc:meta])+ $tag:literal v $version:literal $name:ident $public:literal by $signer:ident gas $gas:literal {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)+
    })+) => {
        $(crate::object! { $(#[$doc])+ $tag v $version $name { $($(#[$field_doc])* $field: $type,)+ } })+

        /// One transaction of any kind, unsigned.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Transaction { $($(#[$doc])+ $name($name),)+ }

        impl Transaction {
            /// Read exactly these bytes.
            /// # Errors
            /// `Malformed`, `NotCanonical` or `UnknownTag`.
            pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
                let mut items = Items::of(bytes)?;
                match take_tag(&mut items)? {
                    $(($name::TAG, $name::VERSION) => $name::take_fields(&mut items).map(Self::$name),)+
                    (tag, version) => Err(DecodeError::UnknownTag { tag, version }),
                }
            }

            /// The unsigned bytes.
            pub fn encode(&self) -> Vec<u8> {
                match self { $(Self::$name(tx) => tx.encode(),)+ }
            }

            /// The number of the kind.
            pub const fn tag(&self) -> u64 {
                match self { $(Self::$name(_) => $name::TAG,)+ }
            }

            /// The version of the kind's layout.
            pub const fn version(&self) -> u64 {
                match self { $(Self::$name(_) => $name::VERSION,)+ }
            }

            /// The kind's name in the public schema.
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$name(_) => $public,)+ }
            }

            /// The account that signs and pays.
            pub const fn signer(&self) -> AccountId {
                match self { $(Self::$name(tx) => tx.$signer,)+ }
            }

            /// What it pays to be included.
            pub const fn fee(&self) -> Amount {
                match self { $(Self::$name(tx) => tx.fee,)+ }
            }

            /// The last height at which it may be included. `None` for ever; on the wire that is 0.
            pub const fn ttl(&self) -> Option<Height> {
                match self { $(Self::$name(tx) => if tx.ttl.0 == 0 { None } else { Some(tx.ttl) },)+ }
            }

            /// Its number in the signer's account.
            pub const fn nonce(&self) -> Nonce {
                match self { $(Self::$name(tx) => tx.nonce,)+ }
            }

            /// Gas of the kind itself, before size, lines and storage.
            pub const fn base_gas(&self) -> Gas {
                match self { $(Self::$name(_) => Gas($gas),)+ }
            }

            /// The fields by name, decoded for people.
            pub fn fields(&self) -> Fields {
                match self { $(Self::$name(tx) => tx.fields(),)+ }
            }
        }

        $(impl From<$name> for Transaction {
            fn from(tx: $name) -> Self {
                Self::$name(tx)
            }
        })+
    };
}

transactions! {
    /// Move coins to an account, which is made if absent, or to a contract that takes them.
    12 v 1 Spend "SpendTx" by sender_id gas 15_000 {
        /// Who pays.
        sender_id: AccountId,
        /// Who is paid.
        recipient_id: Payee,
        /// How much.
        amount: Amount,
        /// What inclusion costs.
        fee: Amount,
        /// Last height, 0 for none.
        ttl: Height,
        /// Number in the sender's account.
        nonce: Nonce,
        /// Free bytes.
        payload: Bytes,
    }

    /// Register a child ledger: make its connection point on this one. Rules: associates 3.
    93 v 1 AssociateCreate "AssociateCreateTx" by creator_id gas 75_000 {
        /// Who registers.
        creator_id: AccountId,
        /// The child's network id, which its transactions are signed for.
        network_id: String,
        /// Hash of the child's genesis file.
        genesis_hash: Hash,
        /// The child's state root at its genesis; zero commits to no state.
        genesis_root: Hash,
        /// What this ledger demands before money leaves the escrow.
        regime: Regime,
        /// Accounts that answer for the child.
        operators: Vec<AccountId>,
        /// How many of them must sign.
        threshold: u8,
        /// Accounts that may remit when the child is dead and its root is zero.
        recovery: Vec<AccountId>,
        /// How many of those.
        recovery_threshold: u8,
        /// Who may commit and transact.
        access: Access,
        /// Times and limits.
        params: ChildParams,
        /// Who is paid if this ledger is evacuated.
        heir: Option<AccountId>,
        /// Last height of the connection point.
        expiry: Height,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the creator's account.
        nonce: Nonce,
    }

    /// Move money down into a child. Rules: associates 3.
    94 v 1 AssociateCommit "AssociateCommitTx" by from_id gas 30_000 {
        /// Who pays.
        from_id: AccountId,
        /// Into which child.
        associate_id: AssociateId,
        /// Who is credited there.
        to_id: AccountId,
        /// What.
        asset: Asset,
        /// How much.
        amount: Amount,
        /// Where it goes on from there.
        route: Vec<Hop>,
        /// Names this leg of a journey.
        leg: Hash,
        /// Last parent height at which the child may credit it; 0 for the default.
        deadline: Height,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Accept a child's summary and pay out its withdrawals. Rules: associates 3.
    96 v 1 AssociateRemit "AssociateRemitTx" by from_id gas 30_000 {
        /// Which child.
        associate_id: AssociateId,
        /// Who pays the fee.
        from_id: AccountId,
        /// What the child says of itself.
        summary: Summary,
        /// The withdrawals to pay.
        lines: Vec<OutboxEntry>,
        /// What the regime asks for.
        authorization: Bytes,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// On a child: move money up to the parent. Rules: associates 5.
    961 v 1 AssociateWithdraw "AssociateWithdrawTx" by from_id gas 30_000 {
        /// Who pays.
        from_id: AccountId,
        /// Who is paid on the parent.
        to_id: Payee,
        /// What.
        asset: Asset,
        /// How much.
        amount: Amount,
        /// Where it goes on from there.
        route: Vec<Hop>,
        /// Names this leg of a journey.
        leg: Hash,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Open or raise the stake of an account: it may then witness and lead under `key`. Rules: root 8.
    1110 v 1 Bond "BondTx" by from_id gas 30_000 {
        /// Whose stake, and who pays.
        from_id: AccountId,
        /// How much is added.
        amount: Amount,
        /// Key that signs votes and micro blocks; it serves this stake alone, once in the chain's life.
        key: PublicKey,
        /// By `key`, over [`crate::witness::bond_message`].
        proof: Signature,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Take stake out of the sets that are not yet written; it is paid back when it has answered long enough.
    /// Rules: root 8.
    1111 v 1 Unbond "UnbondTx" by from_id gas 30_000 {
        /// Whose stake.
        from_id: AccountId,
        /// How much.
        amount: Amount,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Report two statements of one key that no honest key signs. Rules: root 6, 9.
    1112 v 1 Evidence "EvidenceTx" by from_id gas 30_000 {
        /// Who reports, and is paid for it.
        from_id: AccountId,
        /// Whose stake answers; the account of zeros for a leader without one.
        staker_id: AccountId,
        /// A vote; of a fork, the key header and a micro header.
        statement_a: Bytes,
        /// Another vote; of a fork, another micro header.
        statement_b: Bytes,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }

    /// Keep a stake in the sets of further eras. Rules: root 8.
    1113 v 1 Renew "RenewTx" by from_id gas 30_000 {
        /// Whose stake.
        from_id: AccountId,
        /// Last height, 0 for none.
        ttl: Height,
        /// What inclusion costs.
        fee: Amount,
        /// Number in the sender's account.
        nonce: Nonce,
    }
}

impl Transaction {
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

    fn with_bytes(transaction: Transaction, signatures: Vec<Signature>, unsigned: Vec<u8>) -> Self {
        let mut bytes = Vec::with_capacity(unsigned.len().saturating_add(80));
        put_list(&mut bytes, |out| {
            Self::TAG.0.put(out);
            Self::TAG.1.put(out);
            signatures.put(out);
            crate::rlp::put_bytes(&unsigned, out);
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
        within(REMIT_BYTES_MAX, bytes)?;
        let mut items = Items::of(bytes)?;
        match take_tag(&mut items)? {
            Self::TAG => {}
            (tag, version) => return Err(DecodeError::UnknownTag { tag, version }),
        }
        let mut signatures = Vec::<Signature>::take(&mut items)?;
        let unsigned = Bytes::take(&mut items)?.0;
        items.finish()?;
        if signatures.is_empty() || signatures.len() > SIGNATURES_MAX {
            return Err(DecodeError::Malformed("no signature, or more than four"));
        }
        signatures.sort_unstable();
        signatures.dedup();
        // Every kind but one is refused before its fields are read.
        if tag_of(&unsigned)? != AssociateRemit::TAG {
            within(TX_BYTES_MAX, bytes)?;
        }
        let transaction = Transaction::decode(&unsigned)?;
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

    /// The key that must have signed: a plain account's bytes are its public key.
    pub const fn signer_key(&self) -> PublicKey {
        PublicKey(self.transaction.signer().0)
    }

    /// The two messages that the signature may stand over, ours first: hashed, then plain.
    pub fn messages(&self, network_id: &str) -> [Vec<u8>; 2] {
        let id = network_id.as_bytes();
        [[id, &banyan_crypto::blake2b(&[&self.unsigned])].concat(), [id, &self.unsigned].concat()]
    }
}

const fn within(max: usize, bytes: &[u8]) -> Result<(), DecodeError> {
    if bytes.len() <= max { Ok(()) } else { Err(DecodeError::TooLarge { max, got: bytes.len() }) }
}

fn tag_of(unsigned: &[u8]) -> Result<u64, DecodeError> {
    Ok(take_tag(&mut Items::of(unsigned)?)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;
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
                alloc::vec![0; REMIT_BYTES_MAX + 1],
                DecodeError::TooLarge { max: REMIT_BYTES_MAX, got: REMIT_BYTES_MAX + 1 },
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
