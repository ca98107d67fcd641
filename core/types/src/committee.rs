//! What a validator of a child signs, and what signatures of a quorum say.
//!
//! A validator says a [`Statement`]; equal precommits by over two thirds of a [`ValidatorSet`]'s weight are a
//! [`Certificate`], which makes a block final. Whether one holds is `banyan_ledger::engine`'s to say.
//! Rules: protocol, associates 6, 9.

use alloc::vec::Vec;

use crate::{
    AssociateId, Bytes, Hash, Height, PublicKey, Signature,
    rlp::{DecodeError, Field, Items, put_bytes},
    show::Value,
};

/// Members of a set, at most. Source: associates 6.
pub const VALIDATORS_MAX: usize = 200;
/// All weights of a set together stay below this: three times it must fit 64 bits. Source: associates 9.
pub const WEIGHT_END: u64 = 1 << 62;
/// Bytes of a certificate, at most: each signature of 66 bytes with its place (2) and the length of the pair (2).
pub const CERTIFICATE_BYTES_MAX: usize = VALIDATORS_MAX * 70 + 128;
/// Bytes of a signed statement.
pub const SIGNED_STATEMENT_BYTES: usize = STATEMENT_BYTES + 32 + 64;

/// Bytes of a statement without the network that it is made for.
const STATEMENT_BYTES: usize = 1 + 8 + 4 + 32 + 4;

/// Stands before every statement, so that no other signature can be read as one.
const DOMAIN: [u8; 17] = *b"banyan-validator\x01";

/// What a statement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatementKind {
    /// Accepts a proposal, or none, in a view.
    Prevote,
    /// Promises a block that a quorum prevoted, or none.
    Precommit,
    /// Proposes a block, as leader of a view.
    Proposal,
    /// Agrees to the set of the next epoch.
    Handover,
}

impl StatementKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Prevote, Self::Precommit, Self::Proposal, Self::Handover];

    /// Its number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::Prevote => 1,
            Self::Precommit => 2,
            Self::Proposal => 3,
            Self::Handover => 4,
        }
    }

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prevote => "prevote",
            Self::Precommit => "precommit",
            Self::Proposal => "proposal",
            Self::Handover => "handover",
        }
    }
}

/// What a validator says. It may say one thing only of each [`Slot`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Statement {
    /// What for.
    pub kind: StatementKind,
    /// Number of the block; of a handover, of the epoch that the new set is for.
    pub height: Height,
    /// How many leaders of the height have missed their turn; 0 for a handover.
    pub view: u32,
    /// The block; of a vote, zero for none; of a handover, [`handover_hash`].
    pub block_hash: Hash,
    /// Of a proposal, the earlier view in which a quorum prevoted this block, if there is one.
    pub valid_view: Option<u32>,
}

/// What a validator may say only one thing about.
pub type Slot = (StatementKind, Height, u32);

impl Statement {
    /// The precommit of a block.
    pub const fn precommit(height: Height, view: u32, block_hash: Hash) -> Self {
        Self { kind: StatementKind::Precommit, height, view, block_hash, valid_view: None }
    }

    /// The agreement to the set of `epoch`, whose [`handover_hash`] is given.
    pub const fn handover(epoch: u64, hash: Hash) -> Self {
        Self { kind: StatementKind::Handover, height: Height(epoch), view: 0, block_hash: hash, valid_view: None }
    }

    /// What the statement may be the only one about.
    pub const fn slot(&self) -> Slot {
        (self.kind, self.height, self.view)
    }

    /// What is signed on the child with this network id: domain, statement, network.
    pub fn signing_message(&self, network_id: &str) -> Vec<u8> {
        [&DOMAIN[..], &self.encode(), network_id.as_bytes()].concat()
    }

    fn encode(&self) -> [u8; STATEMENT_BYTES] {
        // View n is n + 1 on the wire, so that none is 0; no proposal names the last view there could be.
        let valid_view = self.valid_view.map_or(0, |view| view.saturating_add(1));
        let mut out = [0; STATEMENT_BYTES];
        let bytes = [self.kind.number()]
            .into_iter()
            .chain(self.height.0.to_be_bytes())
            .chain(self.view.to_be_bytes())
            .chain(self.block_hash.0)
            .chain(valid_view.to_be_bytes());
        out.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        out
    }

    fn decode(wire: &mut Wire<'_>) -> Result<Self, DecodeError> {
        let [number] = wire.fixed()?;
        let kind = StatementKind::ALL.into_iter().find(|kind| kind.number() == number);
        let statement = Self {
            kind: kind.ok_or(DecodeError::Malformed("unknown kind of statement"))?,
            height: Height(u64::from_be_bytes(wire.fixed()?)),
            view: u32::from_be_bytes(wire.fixed()?),
            block_hash: Hash(wire.fixed()?),
            valid_view: u32::from_be_bytes(wire.fixed()?).checked_sub(1),
        };
        if statement.is_canonical() { Ok(statement) } else { Err(DecodeError::NotCanonical("fields of another kind")) }
    }

    /// Whether what the kind has no use for is absent, so that a slot has one form.
    pub fn is_canonical(&self) -> bool {
        match self.kind {
            StatementKind::Prevote | StatementKind::Precommit => self.valid_view.is_none(),
            StatementKind::Proposal => {
                self.block_hash != Hash::ZERO && self.valid_view.is_none_or(|valid| valid < self.view)
            }
            StatementKind::Handover => self.view == 0 && self.valid_view.is_none(),
        }
    }
}

/// A statement with its signature. Decoded, not yet checked against the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignedStatement {
    /// What is said.
    pub statement: Statement,
    /// Who says it.
    pub by: PublicKey,
    /// The signature over [`Statement::signing_message`].
    pub signature: Signature,
}

impl SignedStatement {
    /// The 145 bytes.
    pub fn encode(&self) -> Vec<u8> {
        [&self.statement.encode()[..], &self.by.0, &self.signature.0].concat()
    }

    /// Read exactly 145 bytes.
    /// # Errors
    /// `Malformed` for another length or kind, `NotCanonical` where a kind's unused fields are not zero.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() != SIGNED_STATEMENT_BYTES {
            return Err(DecodeError::Malformed("length of a statement"));
        }
        let mut wire = Wire(bytes);
        let statement = Statement::decode(&mut wire)?;
        Ok(Self { statement, by: PublicKey(wire.fixed()?), signature: Signature(wire.fixed()?) })
    }

    /// Whether the signature is the key's, on the child with this network id.
    pub fn is_signed(&self, network_id: &str) -> bool {
        let message = self.statement.signing_message(network_id);
        let claim = banyan_crypto::Claim { key: &self.by.0, message: &message, signature: &self.signature.0 };
        banyan_crypto::verify(claim).is_ok()
    }
}

/// Inside other objects: its 145 bytes.
impl Field for SignedStatement {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(&self.encode(), out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        Self::decode(items.bytes()?)
    }
    fn show(&self) -> Value {
        let Statement { kind, height, view, block_hash, .. } = &self.statement;
        Value::Text(alloc::format!("{} of {block_hash} at {height}, view {view}", kind.as_str()))
    }
}

crate::record! {
    /// A validator of a set.
    Member {
        /// Key that signs its statements.
        key: PublicKey,
        /// What its vote weighs; above zero.
        weight: u64,
    }

    /// A signature with the place of its signer.
    MemberSignature {
        /// Place in the set.
        index: u32,
        /// Over the certificate's statement.
        signature: Signature,
    }
}

impl Copy for Member {}

/// The validators of one epoch, ascending by key: at least one, at most [`VALIDATORS_MAX`], each with a weight, all
/// weights together below [`WEIGHT_END`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorSet(Vec<Member>);

/// Why members make no set, in the order of the checks. All are the sender's fault, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSet {
    /// None, or too many.
    #[error("{got} validators, from 1 to {VALIDATORS_MAX} allowed")]
    Members {
        /// How many.
        got: usize,
    },
    /// Two have one key.
    #[error("validator {key:?} stands twice")]
    Twice {
        /// The key.
        key: PublicKey,
    },
    /// One has no weight.
    #[error("validator {key:?} has no weight")]
    NoWeight {
        /// The key.
        key: PublicKey,
    },
    /// All together have too much.
    #[error("the weights reach {WEIGHT_END}")]
    Weight,
}

impl ValidatorSet {
    /// The set of these members, in any order.
    /// # Errors
    /// The first [`BadSet`] that applies.
    pub fn new(mut members: Vec<Member>) -> Result<Self, BadSet> {
        if members.is_empty() || members.len() > VALIDATORS_MAX {
            return Err(BadSet::Members { got: members.len() });
        }
        members.sort_unstable_by_key(|member| member.key);
        if let Some(twice) = members.iter().zip(members.iter().skip(1)).find(|(a, b)| a.key == b.key) {
            return Err(BadSet::Twice { key: twice.0.key });
        }
        if let Some(member) = members.iter().find(|member| member.weight == 0) {
            return Err(BadSet::NoWeight { key: member.key });
        }
        let total = members.iter().try_fold(0u64, |sum, member| sum.checked_add(member.weight));
        if total.is_none_or(|total| total >= WEIGHT_END) { Err(BadSet::Weight) } else { Ok(Self(members)) }
    }

    /// The members, ascending by key.
    pub fn members(&self) -> &[Member] {
        &self.0
    }

    /// The member at a place, if there is one.
    pub fn member(&self, index: u32) -> Option<&Member> {
        self.0.get(usize::try_from(index).ok()?)
    }

    /// The place of a key, if it is a member.
    pub fn place(&self, key: &PublicKey) -> Option<u32> {
        let at = self.0.binary_search_by_key(key, |member| member.key).ok()?;
        u32::try_from(at).ok()
    }

    /// The weight of a key; 0 if it is no member.
    pub fn weight_of(&self, key: &PublicKey) -> u64 {
        self.place(key).and_then(|at| self.member(at)).map_or(0, |member| member.weight)
    }

    /// The weight of all members; below [`WEIGHT_END`].
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, member| sum.saturating_add(member.weight))
    }

    /// Whether `weight` is over two thirds of all.
    pub fn is_quorum(&self, weight: u64) -> bool {
        u128::from(weight).saturating_mul(3) > u128::from(self.total()).saturating_mul(2)
    }

    /// What a header and a summary carry as `set_hash`: Blake2b-256 over `"validators"` and the set.
    pub fn hash(&self) -> Hash {
        Hash(banyan_crypto::blake2b(&[b"validators", &self.bytes()]))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }
}

impl Field for ValidatorSet {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        let members = Vec::<Member>::take(items)?;
        if !members.is_sorted_by_key(|member| member.key) {
            return Err(DecodeError::NotCanonical("validators do not ascend"));
        }
        Self::new(members).map_err(|bad| {
            DecodeError::Malformed(match bad {
                BadSet::Members { .. } => "number of validators",
                BadSet::Twice { .. } => "a validator stands twice",
                BadSet::NoWeight { .. } => "a validator without weight",
                BadSet::Weight => "weights of validators too large",
            })
        })
    }
    fn show(&self) -> Value {
        self.0.show()
    }
}

/// What the validators of the epoch before sign to hand over to the set of `epoch`: Blake2b-256 over `"handover"`, the
/// child, the epoch as 8 bytes, the set. Source: associates 6.
pub fn handover_hash(associate: AssociateId, epoch: u64, next: &ValidatorSet) -> Hash {
    Hash(banyan_crypto::blake2b(&[b"handover", &associate.0, &epoch.to_be_bytes(), &next.bytes()]))
}

crate::object! {
    /// Validators of over two thirds of a set's weight signed one statement: precommits make a block final, handovers
    /// change the set.
    1230 v 1 Certificate {
        /// Number of the block; of a handover, of the epoch.
        height: Height,
        /// How many leaders missed their turn; 0 for a handover.
        view: u32,
        /// The block; of a handover, [`handover_hash`].
        block_hash: Hash,
        /// Signatures, ascending by place.
        signatures: Vec<MemberSignature>,
        /// One signature for all in place of the list; empty, since no engine makes any yet.
        aggregate: Bytes,
    }
}

impl Certificate {
    /// The certificate of equal statements: `by` gives signatures by places, in any order, each place once.
    pub fn gather(statement: &Statement, mut by: Vec<MemberSignature>) -> Self {
        by.sort_unstable_by_key(|signature| signature.index);
        let Statement { height, view, block_hash, .. } = *statement;
        Self { height, view, block_hash, signatures: by, aggregate: Bytes::default() }
    }

    /// What each signer signed, if it is the precommit of a block.
    pub const fn precommit(&self) -> Statement {
        Statement::precommit(self.height, self.view, self.block_hash)
    }

    /// What the next header carries as `prev_seal_hash`: Blake2b-256 of the certificate's bytes.
    pub fn hash(&self) -> Hash {
        Hash(banyan_crypto::blake2b(&[&self.encode()]))
    }

    /// Read a certificate that may be no larger than one can be.
    /// # Errors
    /// `TooLarge`, or what `decode` says.
    pub fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (max, got) = (CERTIFICATE_BYTES_MAX, bytes.len());
        if got > max { Err(DecodeError::TooLarge { max, got }) } else { Self::decode(bytes) }
    }
}

/// Fixed-width fields, read in order.
struct Wire<'a>(&'a [u8]);

impl Wire<'_> {
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(DecodeError::Malformed("length of a statement"))?;
        self.0 = rest;
        Ok(*head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn member(key: u8, weight: u64) -> Member {
        Member { key: PublicKey([key; 32]), weight }
    }

    fn statement(kind: StatementKind) -> Statement {
        let (view, valid_view) = match kind {
            StatementKind::Handover => (0, None),
            StatementKind::Proposal => (3, Some(2)),
            _ => (3, None),
        };
        Statement { kind, height: Height(7), view, block_hash: Hash([2; 32]), valid_view }
    }

    fn signed(kind: StatementKind) -> SignedStatement {
        SignedStatement { statement: statement(kind), by: PublicKey([4; 32]), signature: Signature([8; 64]) }
    }

    fn read_set(bytes: &[u8]) -> Result<ValidatorSet, DecodeError> {
        let mut list = vec![];
        crate::rlp::put_list(&mut list, |out| out.extend_from_slice(bytes));
        let mut items = Items::of(&list)?;
        let set = ValidatorSet::take(&mut items)?;
        items.finish().map(|()| set)
    }

    #[test]
    fn a_signed_statement_is_145_bytes_and_decodes_to_itself() {
        for kind in StatementKind::ALL {
            let bytes = signed(kind).encode();
            assert_eq!(bytes.len(), SIGNED_STATEMENT_BYTES);
            assert_eq!(SignedStatement::decode(&bytes), Ok(signed(kind)));
        }
    }

    #[test]
    fn a_field_of_another_kind_is_not_canonical() {
        let with = |kind, change: fn(&mut Statement)| {
            let mut signed = signed(kind);
            change(&mut signed.statement);
            SignedStatement::decode(&signed.encode())
        };
        for got in [
            with(StatementKind::Prevote, |statement| statement.valid_view = Some(0)),
            with(StatementKind::Precommit, |statement| statement.valid_view = Some(0)),
            with(StatementKind::Proposal, |statement| statement.valid_view = Some(3)),
            with(StatementKind::Proposal, |statement| statement.block_hash = Hash::ZERO),
            with(StatementKind::Handover, |statement| statement.view = 1),
        ] {
            assert_eq!(got, Err(DecodeError::NotCanonical("fields of another kind")));
        }
        assert!(with(StatementKind::Prevote, |statement| statement.block_hash = Hash::ZERO).is_ok());
    }

    #[test]
    fn what_is_signed_names_the_ledger() {
        let statement = statement(StatementKind::Precommit);
        assert_ne!(statement.signing_message("one.ac"), statement.signing_message("other.ac"));
        let precommit = Statement::precommit(statement.height, statement.view, statement.block_hash);
        assert_eq!(precommit.signing_message("one.ac"), statement.signing_message("one.ac"));
    }

    #[test]
    fn each_check_of_a_set_has_a_row_in_order() {
        let many = |n: u8| (0..n).map(|key| member(key, 1)).collect::<Vec<_>>();
        let key = |n| PublicKey([n; 32]);
        assert_eq!(ValidatorSet::new(many(200)).map(|set| set.total()), Ok(200));
        let full = vec![member(1, WEIGHT_END - 2), member(2, 1)];
        assert_eq!(ValidatorSet::new(full).map(|set| set.total()), Ok(WEIGHT_END - 1));
        for (members, bad) in [
            (vec![], BadSet::Members { got: 0 }),
            (many(201), BadSet::Members { got: 201 }),
            (vec![member(2, 0), member(1, 1), member(2, 1)], BadSet::Twice { key: key(2) }),
            (vec![member(2, 0), member(1, u64::MAX)], BadSet::NoWeight { key: key(2) }),
            (vec![member(2, u64::MAX), member(1, 1)], BadSet::Weight),
            (vec![member(2, WEIGHT_END - 1), member(1, 1)], BadSet::Weight),
        ] {
            assert_eq!(ValidatorSet::new(members), Err(bad));
        }
    }

    #[test]
    fn a_set_has_one_order_and_one_hash() {
        let (a, b) = (member(1, 5), member(2, 7));
        let (one, other) = (ValidatorSet::new(vec![a, b]).unwrap(), ValidatorSet::new(vec![b, a]).unwrap());
        assert_eq!((one.hash(), one.members()), (other.hash(), other.members()));
        let mut turned = vec![];
        vec![b, a].put(&mut turned);
        assert_eq!(read_set(&turned), Err(DecodeError::NotCanonical("validators do not ascend")));
        assert_eq!(read_set(&one.bytes()), Ok(one));
    }

    #[test]
    fn a_quorum_is_over_two_thirds_and_exactly_two_thirds_is_none() {
        let set = ValidatorSet::new((0..6).map(|key| member(key, 1)).collect()).unwrap();
        assert_eq!((set.is_quorum(4), set.is_quorum(5)), (false, true));
        let heavy = ValidatorSet::new(vec![member(1, WEIGHT_END - 2), member(2, 1)]).unwrap();
        assert_eq!((heavy.is_quorum(1), heavy.is_quorum(WEIGHT_END - 2)), (false, true));
    }

    #[test]
    fn another_epoch_child_or_set_is_another_handover() {
        let set = |weight| ValidatorSet::new(vec![member(1, weight)]).unwrap();
        let child = |n| AssociateId([n; 32]);
        let first = handover_hash(child(1), 4, &set(1));
        for other in [(child(2), 4, set(1)), (child(1), 5, set(1)), (child(1), 4, set(2))] {
            assert_ne!(handover_hash(other.0, other.1, &other.2), first);
        }
    }

    fn certificate() -> impl Strategy<Value = Certificate> {
        let signature = |(index, byte): (u32, u8)| MemberSignature { index, signature: Signature([byte; 64]) };
        let signatures = proptest::collection::vec((0u32..200, any::<u8>()).prop_map(signature), 0..9);
        (any::<u64>(), any::<u32>(), any::<[u8; 32]>(), signatures).prop_map(|(height, view, hash, by)| {
            Certificate::gather(&Statement::precommit(Height(height), view, Hash(hash)), by)
        })
    }

    #[test]
    fn the_largest_certificate_can_be_read() {
        let signature = |index| MemberSignature { index, signature: Signature([9; 64]) };
        let statement = Statement::precommit(Height(u64::MAX), u32::MAX, Hash([9; 32]));
        let largest = Certificate::gather(&statement, (0..200).map(signature).collect());
        assert_eq!(Certificate::read(&largest.encode()), Ok(largest));
        let got = CERTIFICATE_BYTES_MAX + 1;
        let too_large = DecodeError::TooLarge { max: CERTIFICATE_BYTES_MAX, got };
        assert_eq!(Certificate::read(&vec![0; got]), Err(too_large));
    }

    proptest! {
        #[test]
        fn decoding_a_certificate_that_was_encoded_gives_the_same(certificate in certificate()) {
            prop_assert!(certificate.signatures.is_sorted_by_key(|signature| signature.index));
            prop_assert_eq!(Certificate::decode(&certificate.encode()), Ok(certificate));
        }

        #[test]
        fn decoding_a_set_that_was_encoded_gives_the_same(
            members in proptest::collection::btree_map(any::<[u8; 32]>(), 1u64..1 << 50, 1..20),
        ) {
            let members = members.into_iter().map(|(key, weight)| Member { key: PublicKey(key), weight });
            let set = ValidatorSet::new(members.collect()).unwrap();
            for (at, member) in (0u32..).zip(set.members()) {
                prop_assert_eq!(set.place(&member.key), Some(at));
                prop_assert_eq!(set.weight_of(&member.key), member.weight);
            }
            prop_assert_eq!(read_set(&set.bytes()), Ok(set));
        }

        #[test]
        fn a_change_in_any_byte_of_a_statement_is_seen(at in 0..SIGNED_STATEMENT_BYTES, bit in 0u8..8) {
            let original = signed(StatementKind::Proposal);
            let mut bytes = original.encode();
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = SignedStatement::decode(&bytes) {
                prop_assert_ne!(changed, original);
                prop_assert_eq!(changed.encode(), bytes);
            }
        }

        #[test]
        fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = (SignedStatement::decode(&bytes), Certificate::decode(&bytes), read_set(&bytes));
        }
    }
}
