//! Check certificates: that a quorum of a set of witnesses signed what a seal or a justification says.
//!
//! One check for all who ask: the witness gadget, a key block's execution, light clients. The caller finds the set of the
//! certificate's era; whether the block named is where it should be is the caller's affair too. Rules: root 9.

use alloc::{collections::BTreeSet, vec::Vec};

use banyan_crypto::Claim;
use banyan_types::{
    Amount, Bytes, Era, Hash, PublicKey, Signature,
    witness::{Anchor, AnchorSignature, Justification, Seal, Statement, Vote, WitnessSet, places_in},
};

/// Why a certificate or a vote does not hold, in the order of the checks. All but `Era` are the sender's fault for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    /// The set is another era's.
    #[error("signed in era {got}, the set is of era {expected}")]
    Era {
        /// The set's.
        expected: Era,
        /// The certificate's.
        got: Era,
    },
    /// The bitmap is not as long as the set, or names somebody behind its end.
    #[error("bitmap does not fit a set of {members}")]
    Bitmap {
        /// Members of the set.
        members: usize,
    },
    /// Not one signature, or one source, per bit.
    #[error("{got} signatures or sources for {signers} signers")]
    Signatures {
        /// Bits that are set.
        signers: usize,
        /// Signatures or sources found.
        got: usize,
    },
    /// Not over two thirds of the weight.
    #[error("weight {weight} of {total} is no quorum")]
    Quorum {
        /// Of the signers.
        weight: Amount,
        /// Of the set.
        total: Amount,
    },
    /// A signature is not its signer's over what the certificate says.
    #[error("signature {index} does not verify")]
    Signature {
        /// Its place among the signatures.
        index: usize,
    },
    /// No member stands at the place that a vote names.
    #[error("no member {by} in a set of {members}")]
    Stranger {
        /// The place.
        by: u16,
        /// Members of the set.
        members: usize,
    },
}

/// Check a seal against the set of its era, on the chain that began with the genesis `chain`.
/// # Errors
/// The first [`BadCertificate`] that applies.
pub fn check_seal(seal: &Seal, set: &WitnessSet, chain: Hash) -> Result<(), BadCertificate> {
    let signers = signers(seal.era, &seal.bitmap, &seal.signatures, set)?;
    let message = seal.statement(chain).encode();
    let messages: Vec<_> = signers.iter().map(|_| message.clone()).collect();
    check_signatures(set, &signers, &messages, &seal.signatures)
}

/// Check a justification against the set of its era, on the chain that began with the genesis `chain`.
/// # Errors
/// The first [`BadCertificate`] that applies.
pub fn check_justification(just: &Justification, set: &WitnessSet, chain: Hash) -> Result<(), BadCertificate> {
    let signers = signers(just.era, &just.bitmap, &just.signatures, set)?;
    if just.sources.len() != signers.len() {
        return Err(BadCertificate::Signatures { signers: signers.len(), got: just.sources.len() });
    }
    let messages: Vec<_> = just.sources.iter().map(|source| just.statement(chain, *source).encode()).collect();
    check_signatures(set, &signers, &messages, &just.signatures)
}

/// Check a vote against the set of its era.
/// # Errors
/// `Era`, `Stranger` or `Signature`.
pub fn check_vote(vote: &Vote, set: &WitnessSet) -> Result<(), BadCertificate> {
    let Vote { statement, by, signature } = vote;
    same_era(statement.era, set)?;
    let member = set.member(*by).ok_or(BadCertificate::Stranger { by: *by, members: set.members.len() })?;
    if signed(&member.key.0, statement, signature) { Ok(()) } else { Err(BadCertificate::Signature { index: 0 }) }
}

/// Why an anchor does not hold, in the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAnchor {
    /// Whoever signed is not in the set, or is left out.
    #[error("{key:?} signed and is not one of the {members} witnesses that are left")]
    Stranger {
        /// The signer.
        key: PublicKey,
        /// Members that are left.
        members: usize,
    },
    /// The signature is not its signer's over this anchor.
    #[error("the signature of {key:?} is not over this anchor on this chain")]
    Signature {
        /// The signer.
        key: PublicKey,
    },
    /// Not over two thirds of the weight.
    #[error("signed by weight {weight} of {total}, over two thirds must agree")]
    Quorum {
        /// Of the signers.
        weight: Amount,
        /// Of those who are left.
        total: Amount,
    },
}

/// Check that over two thirds of the weight of `left`, the set that an anchor makes for the next era, agree to it.
/// # Errors
/// The first [`BadAnchor`] that applies.
pub fn check_anchor(anchor: &Anchor, left: &WitnessSet, chain: Hash) -> Result<(), BadAnchor> {
    let message = anchor.message(chain);
    let mut places = BTreeSet::new();
    for AnchorSignature { key, signature } in &anchor.signatures {
        let place = left.place(key).ok_or(BadAnchor::Stranger { key: *key, members: left.members.len() })?;
        banyan_crypto::verify(Claim { key: &key.0, message: &message, signature: &signature.0 })
            .map_err(|_| BadAnchor::Signature { key: *key })?;
        places.insert(place);
    }
    let (weight, total) = (left.weight_at(places), left.total());
    if left.is_quorum(weight) { Ok(()) } else { Err(BadAnchor::Quorum { weight, total }) }
}

/// Whether `key` signed `statement`.
pub fn signed(key: &[u8; 32], statement: &Statement, signature: &Signature) -> bool {
    banyan_crypto::verify(Claim { key, message: &statement.encode(), signature: &signature.0 }).is_ok()
}

/// The places of the signers, once era, form and weight are right.
fn signers(era: Era, bitmap: &Bytes, signatures: &[Signature], set: &WitnessSet) -> Result<Vec<u16>, BadCertificate> {
    same_era(era, set)?;
    let members = set.members.len();
    let places: Vec<_> = places_in(bitmap).collect();
    let fits = places.last().is_none_or(|last| usize::from(*last) < members);
    if bitmap.0.len() != members.div_ceil(8) || !fits {
        return Err(BadCertificate::Bitmap { members });
    }
    if signatures.len() != places.len() {
        return Err(BadCertificate::Signatures { signers: places.len(), got: signatures.len() });
    }
    let (weight, total) = (set.weight_at(places.iter().copied()), set.total());
    if set.is_quorum(weight) { Ok(places) } else { Err(BadCertificate::Quorum { weight, total }) }
}

const fn same_era(got: Era, set: &WitnessSet) -> Result<(), BadCertificate> {
    if got.0 == set.era.0 { Ok(()) } else { Err(BadCertificate::Era { expected: set.era, got }) }
}

fn check_signatures(
    set: &WitnessSet,
    signers: &[u16],
    messages: &[Vec<u8>],
    signatures: &[Signature],
) -> Result<(), BadCertificate> {
    let keys = signers.iter().filter_map(|at| set.member(*at)).map(|member| &member.key.0);
    let claims = keys.zip(messages).zip(signatures);
    let claims: Vec<_> =
        claims.map(|((key, message), signature)| Claim { key, message, signature: &signature.0 }).collect();
    banyan_crypto::verify_all(&claims).map_err(|index| BadCertificate::Signature { index })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{collections::BTreeMap, vec};
    use banyan_crypto::SecretKey;
    use banyan_types::{
        AccountId, Height, PublicKey, Round,
        witness::{Source, VoteKind, Witness},
    };

    const CHAIN: Hash = Hash([9; 32]);

    /// Keys from fixed seeds, and the set of equal weights that they make.
    fn set(members: u8) -> (Vec<SecretKey>, WitnessSet) {
        let mut keys: Vec<_> = (0..members).map(|n| SecretKey::from_seed([n; 32])).collect();
        keys.sort_by_key(SecretKey::public);
        let member = |key: &SecretKey| Witness {
            key: PublicKey(key.public()),
            weight: Amount::new(10).unwrap(),
            staker: AccountId(key.public()),
        };
        let set = WitnessSet { era: Era(1), members: keys.iter().map(member).collect() };
        (keys, set)
    }

    fn statement(kind: VoteKind, source: Source) -> Statement {
        let (era, round, height, hash) = (Era(1), Round(2), Height(30), Hash([3; 32]));
        Statement { chain: CHAIN, kind, era, round, height, hash, source, index: 0 }
    }

    fn seal(keys: &[SecretKey], by: &[u16]) -> Seal {
        let statement = statement(VoteKind::Precommit, Source::NONE);
        let sign = |at: &u16| (*at, Signature(keys[usize::from(*at)].sign(&statement.encode())));
        Seal::gather(&statement, &by.iter().map(sign).collect(), keys.len())
    }

    #[test]
    fn a_seal_with_exactly_two_thirds_is_refused() {
        let (keys, set) = set(6);
        assert_eq!(check_seal(&seal(&keys, &[0, 1, 2, 3, 5]), &set, CHAIN), Ok(()));
        let (weight, total) = (Amount::new(40).unwrap(), Amount::new(60).unwrap());
        assert_eq!(check_seal(&seal(&keys, &[0, 1, 2, 3]), &set, CHAIN), Err(BadCertificate::Quorum { weight, total }));
    }

    #[test]
    fn each_check_of_a_seal_has_a_row_in_order() {
        let (keys, set) = set(4);
        let good = seal(&keys, &[0, 1, 2]);
        let with = |change: fn(&mut Seal)| {
            let mut seal = good.clone();
            change(&mut seal);
            check_seal(&seal, &set, CHAIN)
        };
        let rows = [
            (with(|seal| seal.era = Era(2)), BadCertificate::Era { expected: Era(1), got: Era(2) }),
            (with(|seal| seal.bitmap.0.push(0)), BadCertificate::Bitmap { members: 4 }),
            (with(|seal| seal.bitmap.0 = vec![0b1110_1000]), BadCertificate::Bitmap { members: 4 }),
            (with(|seal| seal.signatures.truncate(2)), BadCertificate::Signatures { signers: 3, got: 2 }),
            (with(|seal| seal.signatures[1].0[0] ^= 1), BadCertificate::Signature { index: 1 }),
            (with(|seal| seal.height = Height(31)), BadCertificate::Signature { index: 0 }),
        ];
        for (got, expected) in rows {
            assert_eq!(got, Err(expected));
        }
        assert_eq!(check_seal(&good, &set, Hash([1; 32])), Err(BadCertificate::Signature { index: 0 }));
    }

    #[test]
    fn a_justification_needs_each_signers_own_source() {
        let (keys, set) = set(4);
        let source = |n| Source { round: Round(1), hash: Hash([n; 32]) };
        let sign = |at: u16| {
            let source = source(u8::try_from(at).unwrap());
            let statement = statement(VoteKind::Prevote, source);
            (at, (Signature(keys[usize::from(at)].sign(&statement.encode())), source))
        };
        let by: BTreeMap<_, _> = [0, 2, 3].into_iter().map(sign).collect();
        let good = Justification::gather(&statement(VoteKind::Prevote, Source::NONE), &by, 4);
        assert_eq!(check_justification(&good, &set, CHAIN), Ok(()));
        let mut swapped = good.clone();
        swapped.sources.swap(0, 1);
        assert_eq!(check_justification(&swapped, &set, CHAIN), Err(BadCertificate::Signature { index: 0 }));
        let mut short = good;
        short.sources.pop();
        assert_eq!(check_justification(&short, &set, CHAIN), Err(BadCertificate::Signatures { signers: 3, got: 2 }));
    }

    #[test]
    fn a_vote_is_checked_against_the_member_it_names() {
        let (keys, set) = set(4);
        let statement = statement(VoteKind::Precommit, Source::NONE);
        let vote = Vote { statement, by: 1, signature: Signature(keys[1].sign(&statement.encode())) };
        assert_eq!(check_vote(&vote, &set), Ok(()));
        assert_eq!(check_vote(&Vote { by: 2, ..vote }, &set), Err(BadCertificate::Signature { index: 0 }));
        assert_eq!(check_vote(&Vote { by: 4, ..vote }, &set), Err(BadCertificate::Stranger { by: 4, members: 4 }));
    }
}
