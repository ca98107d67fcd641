//! What witnesses sign, and what their signatures make final.
//!
//! A witness votes by a [`Statement`] of 133 bytes; a quorum of equal precommits is a [`Seal`], a quorum of equal prevotes
//! a [`Justification`]. Whether one holds is `banyan_ledger::certificate`'s to say. Rules: protocol, root 8, 9.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{AccountId, Amount, Bytes, Era, Hash, Height, PublicKey, Round, Signature, rlp::DecodeError};

/// Bytes of a statement: what is signed.
pub const STATEMENT_BYTES: usize = 133;
/// Bytes of a vote: a statement, the place of its signer in the era's set, the signature.
pub const VOTE_BYTES: usize = STATEMENT_BYTES + 2 + 64;
/// Members of a set, at most. Source: root 1.
pub const WITNESSES_MAX: usize = 256;
/// Bytes of a seal inside a key block, at most. Source: root 4, rule 1.
pub const SEAL_BYTES_MAX: usize = 20 * 1024;
/// Bytes of a justification: for each signer a signature of 66 bytes and a source of 43, the bitmap and what is fixed.
pub const JUSTIFICATION_BYTES_MAX: usize = WITNESSES_MAX * (66 + 43) + 256;

/// Stands before every statement, so that no other signature can be read as one.
const DOMAIN: [u8; 12] = *b"banyan-vote\x01";

/// Stands before the proof that whoever bonds holds the key.
const BOND_DOMAIN: [u8; 14] = *b"banyan-witness";

/// Stands before what operators sign when they agree on an anchor.
const ANCHOR_DOMAIN: [u8; 14] = *b"banyan-anchor\x01";

/// What the key of a stake signs to prove that its holder wants to serve `from`, on the chain that began with the genesis
/// `chain`. Source: root 8.
pub fn bond_message(chain: Hash, from: AccountId) -> Vec<u8> {
    [&BOND_DOMAIN[..], &chain.0, &from.0].concat()
}

/// What a vote is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VoteKind {
    /// Proposes a key block to the round.
    Prevote,
    /// Promises a key block that a quorum prevoted.
    Precommit,
    /// Promises to stay on a micro block.
    Lock,
}

impl VoteKind {
    const ALL: [Self; 3] = [Self::Prevote, Self::Precommit, Self::Lock];

    /// Its number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::Prevote => 1,
            Self::Precommit => 2,
            Self::Lock => 3,
        }
    }

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prevote => "prevote",
            Self::Precommit => "precommit",
            Self::Lock => "lock",
        }
    }
}

crate::record! {
    /// A key block with the round in which a quorum prevoted it; round 0 stands for an era's anchor.
    Source {
        /// The round.
        round: Round,
        /// The key block.
        hash: Hash,
    }

    /// A member of an era's set.
    Witness {
        /// Key that signs its votes.
        key: PublicKey,
        /// Its bond after the cap, in base units: what its vote weighs.
        weight: Amount,
        /// Account whose stake answers for it.
        staker: AccountId,
    }

    /// The set of one era, in the order of keys.
    WitnessSet {
        /// The era.
        era: Era,
        /// Its members, ascending by key.
        members: Vec<Witness>,
    }

    /// Where operators let finality go on after over a third of the weight is lost for good: the last key block of an era is
    /// final by their word, and who is lost is left out of the sets of all later eras. Source: root 9.
    Anchor {
        /// Height of the key block, the last of its era.
        height: Height,
        /// The key block.
        hash: Hash,
        /// Keys that are lost, ascending.
        without: Vec<PublicKey>,
        /// Of over two thirds of the weight that is left, ascending by key.
        signatures: Vec<AnchorSignature>,
    }

    /// A witness agrees to an anchor.
    AnchorSignature {
        /// The witness's key.
        key: PublicKey,
        /// Over [`Anchor::message`].
        signature: Signature,
    }
}

impl Anchor {
    /// What those sign who agree, on the chain that began with the genesis `chain`.
    pub fn message(&self, chain: Hash) -> Vec<u8> {
        let mut message = [&ANCHOR_DOMAIN[..], &chain.0, &self.height.0.to_be_bytes(), &self.hash.0].concat();
        message.extend(self.without.iter().flat_map(|key| key.0));
        message
    }
}

crate::object! {
    /// Over two thirds of an era's weight precommitted one key block in one round: it is final, with all its ancestors.
    1220 v 1 Seal {
        /// Era of the set that signed.
        era: Era,
        /// Round of the precommits.
        round: Round,
        /// Height of the key block.
        height: Height,
        /// The key block.
        hash: Hash,
        /// Who signed: bit `i` of the set's order, the highest bit of a byte first.
        bitmap: Bytes,
        /// Signatures, in the bitmap's order.
        signatures: Vec<Signature>,
    }

    /// Over two thirds of an era's weight prevoted one key block in one round: later rounds may build on it.
    1221 v 1 Justification {
        /// Era of the set that signed.
        era: Era,
        /// Round of the prevotes.
        round: Round,
        /// Height of the key block.
        height: Height,
        /// The key block.
        hash: Hash,
        /// Who signed: bit `i` of the set's order, the highest bit of a byte first.
        bitmap: Bytes,
        /// Signatures, in the bitmap's order.
        signatures: Vec<Signature>,
        /// What each signer named as source, in the bitmap's order.
        sources: Vec<Source>,
    }
}

impl Source {
    /// What precommits and locks name: nothing.
    pub const NONE: Self = Self { round: Round(0), hash: Hash::ZERO };
}

impl Copy for Source {}

/// By round, then by hash: the newest is the greatest.
impl Ord for Source {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        (self.round, self.hash).cmp(&(other.round, other.hash))
    }
}

impl PartialOrd for Source {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// What a witness says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// Hash of the chain's first genesis.
    pub chain: Hash,
    /// What for.
    pub kind: VoteKind,
    /// Era of the set that votes.
    pub era: Era,
    /// Round in the era, from 1; 0 for a lock.
    pub round: Round,
    /// Height of the key block; of a lock, of its generation.
    pub height: Height,
    /// The key block; of a lock, the micro block.
    pub hash: Hash,
    /// Of a prevote, the justified block that it builds on; of a precommit, [`Source::NONE`]; of a lock, round 0 and the
    /// key block of the generation.
    pub source: Source,
    /// Of a lock, the micro block's index; else 0.
    pub index: u32,
}

/// What a witness may say only one thing about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// One prevote or precommit per round.
    Round(VoteKind, Era, Round),
    /// One lock per micro block index of a generation, named by its key block.
    Lock(Hash, u32),
}

impl Statement {
    /// What the statement may be the only one about.
    pub const fn slot(&self) -> Slot {
        match self.kind {
            VoteKind::Lock => Slot::Lock(self.source.hash, self.index),
            VoteKind::Prevote | VoteKind::Precommit => Slot::Round(self.kind, self.era, self.round),
        }
    }

    /// The 133 bytes that are signed.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(VOTE_BYTES);
        out.extend_from_slice(&DOMAIN);
        out.extend_from_slice(&self.chain.0);
        out.push(self.kind.number());
        out.extend_from_slice(&self.era.0.to_be_bytes());
        out.extend_from_slice(&self.round.0.to_be_bytes());
        out.extend_from_slice(&self.height.0.to_be_bytes());
        out.extend_from_slice(&self.hash.0);
        out.extend_from_slice(&self.source.round.0.to_be_bytes());
        out.extend_from_slice(&self.source.hash.0);
        out.extend_from_slice(&self.index.to_be_bytes());
        out
    }

    fn decode(wire: &mut Wire<'_>) -> Result<Self, DecodeError> {
        if wire.fixed()? != DOMAIN {
            return Err(DecodeError::Malformed("not a vote"));
        }
        let chain = Hash(wire.fixed()?);
        let [number] = wire.fixed()?;
        let kind = VoteKind::ALL.into_iter().find(|kind| kind.number() == number);
        let kind = kind.ok_or(DecodeError::Malformed("unknown kind of vote"))?;
        let statement = Self {
            chain,
            kind,
            era: Era(wire.u32()?),
            round: Round(wire.u32()?),
            height: Height(u64::from_be_bytes(wire.fixed()?)),
            hash: Hash(wire.fixed()?),
            source: Source { round: Round(wire.u32()?), hash: Hash(wire.fixed()?) },
            index: wire.u32()?,
        };
        if statement.is_canonical() { Ok(statement) } else { Err(DecodeError::NotCanonical("fields of another kind")) }
    }

    /// Whether the fields that the kind has no use for are zero, so that a slot has one form.
    fn is_canonical(&self) -> bool {
        match self.kind {
            VoteKind::Prevote => self.round.0 > 0 && self.index == 0,
            VoteKind::Precommit => self.round.0 > 0 && self.index == 0 && self.source == Source::NONE,
            VoteKind::Lock => self.round.0 == 0 && self.source.round.0 == 0 && self.index > 0,
        }
    }
}

/// A signed statement. Decoded, not yet checked against anybody's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// What is said.
    pub statement: Statement,
    /// Who says it: a place in the era's set.
    pub by: u16,
    /// The signature over [`Statement::encode`].
    pub signature: Signature,
}

impl Vote {
    /// The 199 bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.statement.encode();
        out.extend_from_slice(&self.by.to_be_bytes());
        out.extend_from_slice(&self.signature.0);
        out
    }

    /// Read exactly 199 bytes.
    /// # Errors
    /// `Malformed` for another length, start or kind, `NotCanonical` where a kind's unused fields are not zero.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() != VOTE_BYTES {
            return Err(DecodeError::Malformed("length of a vote"));
        }
        let mut wire = Wire(bytes);
        let statement = Statement::decode(&mut wire)?;
        Ok(Self { statement, by: u16::from_be_bytes(wire.fixed()?), signature: Signature(wire.fixed()?) })
    }
}

impl WitnessSet {
    /// The set without these members.
    #[must_use]
    pub fn without(mut self, keys: &[PublicKey]) -> Self {
        self.members.retain(|member| !keys.contains(&member.key));
        self
    }

    /// The weight of all members.
    pub fn total(&self) -> Amount {
        weight_of(self.members.iter())
    }

    /// The member at a place, if there is one.
    pub fn member(&self, at: u16) -> Option<&Witness> {
        self.members.get(usize::from(at))
    }

    /// The place of a key, if it is a member.
    pub fn place(&self, key: &PublicKey) -> Option<u16> {
        let at = self.members.iter().position(|member| member.key == *key)?;
        u16::try_from(at).ok()
    }

    /// The weight of the members at `places`, each counted as often as it is named.
    pub fn weight_at(&self, places: impl IntoIterator<Item = u16>) -> Amount {
        weight_of(places.into_iter().filter_map(|at| self.member(at)))
    }

    /// Whether `weight` is over two thirds of all.
    pub fn is_quorum(&self, weight: Amount) -> bool {
        exceeds(weight, 3, self.total(), 2)
    }

    /// Whether `weight` is over one third of all: what honest witnesses alone cannot be without.
    pub fn is_third(&self, weight: Amount) -> bool {
        exceeds(weight, 3, self.total(), 1)
    }

    /// Whether `weight` is over half of all.
    pub fn is_majority(&self, weight: Amount) -> bool {
        exceeds(weight, 2, self.total(), 1)
    }
}

fn weight_of<'a>(members: impl Iterator<Item = &'a Witness>) -> Amount {
    // Bonds are coins, so no sum of them is above the supply.
    members.map(|member| member.weight).try_fold(Amount::ZERO, Amount::plus).unwrap_or(Amount::MAX)
}

/// `part · times > whole · of`. The greatest amount is 10^30, so neither product leaves 128 bits.
const fn exceeds(part: Amount, times: u128, whole: Amount, of: u128) -> bool {
    part.base().saturating_mul(times) > whole.base().saturating_mul(of)
}

/// Who signed, as a bitmap over a set of `members`; bit 0 is the highest of the first byte.
pub fn bitmap_of(places: impl IntoIterator<Item = u16>, members: usize) -> Bytes {
    let mut bitmap = alloc::vec![0u8; members.div_ceil(8)];
    for place in places {
        let (byte, bit) = (usize::from(place >> 3), place & 7);
        if let Some(byte) = bitmap.get_mut(byte) {
            *byte |= 0x80 >> bit;
        }
    }
    Bytes(bitmap)
}

/// The places that a bitmap names, ascending.
pub fn places_in(bitmap: &Bytes) -> impl Iterator<Item = u16> {
    bitmap.0.iter().enumerate().flat_map(|(at, byte)| {
        let set = (0u16..8).filter(move |bit| byte & (0x80 >> bit) != 0);
        set.filter_map(move |bit| u16::try_from(at).ok()?.checked_mul(8)?.checked_add(bit))
    })
}

impl Seal {
    /// The seal of equal precommits, each member's once: `by` gives signatures by places. `members` is the set's size.
    pub fn gather(statement: &Statement, by: &BTreeMap<u16, Signature>, members: usize) -> Self {
        Self {
            era: statement.era,
            round: statement.round,
            height: statement.height,
            hash: statement.hash,
            bitmap: bitmap_of(by.keys().copied(), members),
            signatures: by.values().copied().collect(),
        }
    }

    /// What each signer signed.
    pub fn statement(&self, chain: Hash) -> Statement {
        Statement {
            chain,
            kind: VoteKind::Precommit,
            era: self.era,
            round: self.round,
            height: self.height,
            hash: self.hash,
            source: Source::NONE,
            index: 0,
        }
    }
}

impl Justification {
    /// The justification of prevotes for one key block in one round, each member's once.
    pub fn gather(statement: &Statement, by: &BTreeMap<u16, (Signature, Source)>, members: usize) -> Self {
        Self {
            era: statement.era,
            round: statement.round,
            height: statement.height,
            hash: statement.hash,
            bitmap: bitmap_of(by.keys().copied(), members),
            signatures: by.values().map(|(signature, _)| *signature).collect(),
            sources: by.values().map(|(_, source)| *source).collect(),
        }
    }

    /// The key block and round that it lets others build on.
    pub const fn source(&self) -> Source {
        Source { round: self.round, hash: self.hash }
    }

    /// What a signer with this source signed.
    pub const fn statement(&self, chain: Hash, source: Source) -> Statement {
        Statement {
            chain,
            kind: VoteKind::Prevote,
            era: self.era,
            round: self.round,
            height: self.height,
            hash: self.hash,
            source,
            index: 0,
        }
    }
}

/// Fixed-width fields, read in order.
struct Wire<'a>(&'a [u8]);

impl Wire<'_> {
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(DecodeError::Malformed("length of a vote"))?;
        self.0 = rest;
        Ok(*head)
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        self.fixed().map(u32::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn statement(kind: VoteKind) -> Statement {
        let (round, source, index) = match kind {
            VoteKind::Prevote => (Round(3), Source { round: Round(2), hash: Hash([7; 32]) }, 0),
            VoteKind::Precommit => (Round(3), Source::NONE, 0),
            VoteKind::Lock => (Round(0), Source { round: Round(0), hash: Hash([7; 32]) }, 4),
        };
        Statement {
            chain: Hash([1; 32]),
            kind,
            era: Era(5),
            round,
            height: Height(100),
            hash: Hash([2; 32]),
            source,
            index,
        }
    }

    fn vote(kind: VoteKind) -> Vote {
        Vote { statement: statement(kind), by: 9, signature: Signature([8; 64]) }
    }

    #[test]
    fn a_statement_is_133_bytes_and_a_vote_199() {
        for kind in VoteKind::ALL {
            assert_eq!(statement(kind).encode().len(), STATEMENT_BYTES);
            assert_eq!(vote(kind).encode().len(), VOTE_BYTES);
            assert_eq!(Vote::decode(&vote(kind).encode()), Ok(vote(kind)));
        }
    }

    #[test]
    fn a_field_of_another_kind_is_not_canonical() {
        let mut with_source = vote(VoteKind::Precommit);
        with_source.statement.source = Source { round: Round(1), hash: Hash([1; 32]) };
        let mut with_index = vote(VoteKind::Prevote);
        with_index.statement.index = 1;
        let mut with_round = vote(VoteKind::Lock);
        with_round.statement.round = Round(1);
        for vote in [with_source, with_index, with_round] {
            assert_eq!(Vote::decode(&vote.encode()), Err(DecodeError::NotCanonical("fields of another kind")));
        }
    }

    #[test]
    fn a_quorum_is_over_two_thirds_and_exactly_two_thirds_is_none() {
        let member =
            |n| Witness { key: PublicKey([n; 32]), weight: Amount::new(1).unwrap(), staker: AccountId([n; 32]) };
        let set = WitnessSet { era: Era(0), members: (0..6).map(member).collect() };
        let weight = |n| set.weight_at(0..n);
        assert_eq!((set.is_quorum(weight(4)), set.is_quorum(weight(5))), (false, true));
        assert_eq!((set.is_third(weight(2)), set.is_third(weight(3))), (false, true));
        assert_eq!((set.is_majority(weight(3)), set.is_majority(weight(4))), (false, true));
    }

    proptest! {
        #[test]
        fn bitmaps_name_the_places_that_made_them(places in proptest::collection::btree_set(0u16..256, 0..40)) {
            let bitmap = bitmap_of(places.iter().copied(), 256);
            prop_assert_eq!(places_in(&bitmap).collect::<Vec<_>>(), places.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn no_bytes_make_a_vote_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Vote::decode(&bytes);
            let _ = Seal::decode(&bytes);
            let _ = Justification::decode(&bytes);
        }

        #[test]
        fn a_change_in_any_byte_of_a_vote_is_seen(at in 0..VOTE_BYTES, bit in 0u8..8) {
            let mut bytes = vote(VoteKind::Prevote).encode();
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = Vote::decode(&bytes) {
                prop_assert_ne!(changed, vote(VoteKind::Prevote));
                prop_assert_eq!(changed.encode(), bytes);
            }
        }
    }
}
