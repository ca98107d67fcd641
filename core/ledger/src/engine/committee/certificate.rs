//! Check certificates of a validator set, and find who contradicted himself.
//!
//! One check for all who ask: the engine, a child's execution, a parent in regime `certificate`, light clients. The
//! caller finds the set of the certificate's epoch. Signatures are the last check, since they cost most.
//! Rules: protocol, associates 3 (98), 6, 9.

use alloc::vec::Vec;

use banyan_crypto::Claim;
use banyan_types::{
    Hash, Height, PublicKey,
    committee::{Certificate, MemberSignature, SignedStatement, Statement, StatementKind, ValidatorSet},
};

/// Why a certificate does not hold, in the order of the checks. All are the sender's fault, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    /// One signature for all, where a list is asked.
    #[error("an aggregate of {got} bytes, none is known")]
    Aggregate {
        /// Its bytes.
        got: usize,
    },
    /// No proper statement: a handover in a view above 0.
    #[error("not a statement that can be signed")]
    Statement,
    /// The places do not ascend: somebody may stand twice.
    #[error("place {got} after {before}")]
    Order {
        /// The place before.
        before: u32,
        /// What follows.
        got: u32,
    },
    /// No member stands at the place.
    #[error("no validator {index} in a set of {members}")]
    Stranger {
        /// The place.
        index: u32,
        /// Members of the set.
        members: usize,
    },
    /// Not over two thirds of the weight, or less than the engine asks.
    #[error("weight {weight} of {total} is not enough")]
    Quorum {
        /// Of the signers.
        weight: u64,
        /// Of the set.
        total: u64,
    },
    /// A signature is not its signer's over what the certificate says.
    #[error("the signature of validator {index} does not verify")]
    Signature {
        /// The signer's place.
        index: u32,
    },
}

/// Check that a quorum of `set` precommitted the certificate's block, on the child with this network id.
/// # Errors
/// The first [`BadCertificate`] that applies.
pub fn check(certificate: &Certificate, set: &ValidatorSet, network_id: &str) -> Result<(), BadCertificate> {
    check_statement(certificate, &certificate.precommit(), set, network_id, |weight| set.is_quorum(weight))
}

/// Check that members of `set` with a weight of at least `least` precommitted the certificate's block: what engines ask
/// whose blocks are confirmed before they are final.
/// # Errors
/// The first [`BadCertificate`] that applies.
pub fn check_least(
    certificate: &Certificate,
    set: &ValidatorSet,
    network_id: &str,
    least: u64,
) -> Result<(), BadCertificate> {
    check_statement(certificate, &certificate.precommit(), set, network_id, |weight| weight >= least)
}

/// Check that a quorum of `set`, the validators of the epoch before, agree to the set of another epoch: the certificate's
/// `height` is that epoch, its `block_hash` is [`banyan_types::committee::handover_hash`], which the caller compares.
/// # Errors
/// The first [`BadCertificate`] that applies.
pub fn check_handover(certificate: &Certificate, set: &ValidatorSet, network_id: &str) -> Result<(), BadCertificate> {
    let statement = Statement { view: certificate.view, ..handover(certificate) };
    check_statement(certificate, &statement, set, network_id, |weight| set.is_quorum(weight))
}

fn handover(certificate: &Certificate) -> Statement {
    Statement::handover(certificate.height.0, certificate.block_hash)
}

fn check_statement(
    certificate: &Certificate,
    statement: &Statement,
    set: &ValidatorSet,
    network_id: &str,
    is_enough: impl Fn(u64) -> bool,
) -> Result<(), BadCertificate> {
    let got = certificate.aggregate.0.len();
    if got > 0 {
        return Err(BadCertificate::Aggregate { got });
    }
    if !statement.is_canonical() {
        return Err(BadCertificate::Statement);
    }
    check_signatures(&certificate.signatures, &statement.signing_message(network_id), set, is_enough)
}

/// Check that members of `set` have signed `message`, each once, and that their weight is enough.
/// # Errors
/// `Order`, `Stranger`, `Quorum` or `Signature`, the first that applies.
pub(super) fn check_signatures(
    signatures: &[MemberSignature],
    message: &[u8],
    set: &ValidatorSet,
    is_enough: impl Fn(u64) -> bool,
) -> Result<(), BadCertificate> {
    let (weight, total) = (weight(signatures, set)?, set.total());
    if !is_enough(weight) {
        return Err(BadCertificate::Quorum { weight, total });
    }
    let signed = signatures.iter().filter_map(|signature| Some((set.member(signature.index)?, signature)));
    let claims = signed.map(|(member, by)| Claim { key: &member.key.0, message, signature: &by.signature.0 });
    banyan_crypto::verify_all(&claims.collect::<Vec<_>>()).map_err(|at| {
        let index = signatures.get(at).map_or(u32::MAX, |signature| signature.index);
        BadCertificate::Signature { index }
    })
}

/// The weight of the signers, each a member and none twice.
fn weight(signatures: &[MemberSignature], set: &ValidatorSet) -> Result<u64, BadCertificate> {
    let (mut sum, mut before) = (0u64, None);
    for signature in signatures {
        let index = signature.index;
        if let Some(before) = before.filter(|before| *before >= index) {
            return Err(BadCertificate::Order { before, got: index });
        }
        let stranger = BadCertificate::Stranger { index, members: set.members().len() };
        sum = sum.saturating_add(set.member(index).ok_or(stranger)?.weight);
        before = Some(index);
    }
    Ok(sum)
}

/// One key, or a quorum, said two things of which one may be said only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What both statements are for.
    pub kind: StatementKind,
    /// The height that they are about; of a handover, the epoch.
    pub height: Height,
    /// Keys that signed both, ascending. Empty where two certificates stand in different views: then over a third of the
    /// weight broke its word, but these certificates alone do not say who.
    pub keys: Vec<PublicKey>,
}

/// The fault that two statements of one key prove: the same kind, height and view, another content. Order does not matter.
pub fn fault(a: &SignedStatement, b: &SignedStatement, network_id: &str) -> Option<Fault> {
    let conflict = a.by == b.by && a.statement.slot() == b.statement.slot() && a.statement != b.statement;
    let proper = a.statement.is_canonical() && b.statement.is_canonical();
    let signed = conflict && proper && a.is_signed(network_id) && b.is_signed(network_id);
    signed.then(|| Fault { kind: a.statement.kind, height: a.statement.height, keys: [a.by].into() })
}

/// The fault that two certificates of one set prove: another block of one height. Order does not matter. A quorum that wants
/// no block in one view and a block in another is honest.
pub fn certificate_fault(a: &Certificate, b: &Certificate, set: &ValidatorSet, network_id: &str) -> Option<Fault> {
    let is_block = |certificate: &Certificate| certificate.block_hash != Hash::ZERO;
    let conflict = a.height == b.height && a.block_hash != b.block_hash;
    let contradict = conflict && (a.view == b.view || (is_block(a) && is_block(b)));
    let hold = contradict && check(a, set, network_id).is_ok() && check(b, set, network_id).is_ok();
    hold.then(|| of_both(StatementKind::Precommit, a, b, set))
}

/// The fault that two handovers of one set prove: another set for one epoch. Order does not matter.
pub fn handover_fault(a: &Certificate, b: &Certificate, set: &ValidatorSet, network_id: &str) -> Option<Fault> {
    let conflict = a.height == b.height && a.block_hash != b.block_hash;
    let hold = conflict && check_handover(a, set, network_id).is_ok() && check_handover(b, set, network_id).is_ok();
    hold.then(|| of_both(StatementKind::Handover, a, b, set))
}

fn of_both(kind: StatementKind, a: &Certificate, b: &Certificate, set: &ValidatorSet) -> Fault {
    let keys = if a.view == b.view { signers_of_both(a, b, set) } else { Vec::new() };
    Fault { kind, height: a.height, keys }
}

/// Who stands in two certificates of one set, ascending.
pub(in crate::engine) fn signers_of_both(a: &Certificate, b: &Certificate, set: &ValidatorSet) -> Vec<PublicKey> {
    let is_in_b = |index| b.signatures.binary_search_by_key(&index, |signature| signature.index).is_ok();
    let both = a.signatures.iter().filter(|signature| is_in_b(signature.index));
    both.filter_map(|signature| set.member(signature.index)).map(|member| member.key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};
    use banyan_crypto::SecretKey;
    use banyan_types::{
        AssociateId, Bytes, Hash, Signature,
        committee::{Member, handover_hash},
    };

    const NETWORK: &str = "bank.2Qx7Lm4d";

    /// Keys from fixed seeds, in the order of the set of equal weights that they make.
    fn set(members: u8) -> (Vec<SecretKey>, ValidatorSet) {
        let mut keys: Vec<_> = (0..members).map(|n| SecretKey::from_seed([n; 32])).collect();
        keys.sort_by_key(SecretKey::public);
        let member = |key: &SecretKey| Member { key: PublicKey(key.public()), weight: 1 };
        (keys.clone(), ValidatorSet::new(keys.iter().map(member).collect()).unwrap())
    }

    fn statement(view: u32, block: u8) -> Statement {
        Statement::precommit(Height(9), view, Hash([block; 32]))
    }

    fn certificate(keys: &[SecretKey], by: &[u32], statement: &Statement) -> Certificate {
        let sign = |index: &u32| {
            let signature = keys[usize::try_from(*index).unwrap()].sign(&statement.signing_message(NETWORK));
            MemberSignature { index: *index, signature: Signature(signature) }
        };
        Certificate::gather(statement, by.iter().map(sign).collect())
    }

    fn signed(key: &SecretKey, statement: Statement) -> SignedStatement {
        let signature = Signature(key.sign(&statement.signing_message(NETWORK)));
        SignedStatement { statement, by: PublicKey(key.public()), signature }
    }

    #[test]
    fn a_certificate_with_exactly_two_thirds_is_refused() {
        let (keys, set) = set(6);
        assert_eq!(check(&certificate(&keys, &[5, 1, 2, 3, 0], &statement(1, 3)), &set, NETWORK), Ok(()));
        let short = certificate(&keys, &[0, 1, 2, 3], &statement(1, 3));
        assert_eq!(check(&short, &set, NETWORK), Err(BadCertificate::Quorum { weight: 4, total: 6 }));
    }

    #[test]
    fn each_check_of_a_certificate_has_a_row_in_order() {
        let (keys, set) = set(4);
        let good = certificate(&keys, &[0, 1, 3], &statement(2, 3));
        assert_eq!(check(&good, &set, NETWORK), Ok(()));
        let with = |change: fn(&mut Certificate)| {
            let mut certificate = good.clone();
            change(&mut certificate);
            check(&certificate, &set, NETWORK)
        };
        let rows = [
            (with(|bad| bad.aggregate = Bytes(vec![1])), BadCertificate::Aggregate { got: 1 }),
            (with(|bad| bad.signatures.swap(0, 1)), BadCertificate::Order { before: 1, got: 0 }),
            (with(|bad| bad.signatures[1] = bad.signatures[0].clone()), BadCertificate::Order { before: 0, got: 0 }),
            (with(|bad| bad.signatures[2].index = 4), BadCertificate::Stranger { index: 4, members: 4 }),
            (with(|bad| bad.signatures.truncate(2)), BadCertificate::Quorum { weight: 2, total: 4 }),
            (with(|bad| bad.signatures[2].index = 2), BadCertificate::Signature { index: 2 }),
            (with(|bad| bad.signatures[1].signature.0[0] ^= 1), BadCertificate::Signature { index: 1 }),
            (with(|bad| bad.view = 1), BadCertificate::Signature { index: 0 }),
            (with(|bad| bad.block_hash = Hash([4; 32])), BadCertificate::Signature { index: 0 }),
        ];
        for (got, expected) in rows {
            assert_eq!(got, Err(expected));
        }
        assert_eq!(check(&good, &set, "other.2Qx7Lm4d"), Err(BadCertificate::Signature { index: 0 }));
    }

    #[test]
    fn a_handover_is_no_certificate_of_a_block_and_a_block_no_handover() {
        let (keys, set) = set(4);
        let hash = handover_hash(AssociateId([7; 32]), 5, &set);
        let handed = certificate(&keys, &[0, 1, 2], &Statement::handover(5, hash));
        assert_eq!(check_handover(&handed, &set, NETWORK), Ok(()));
        assert_eq!(check(&handed, &set, NETWORK), Err(BadCertificate::Signature { index: 0 }));
        let block = certificate(&keys, &[0, 1, 2], &statement(0, 3));
        assert_eq!(check_handover(&block, &set, NETWORK), Err(BadCertificate::Signature { index: 0 }));
        let later = certificate(&keys, &[0, 1, 2], &statement(1, 3));
        assert_eq!(check_handover(&later, &set, NETWORK), Err(BadCertificate::Statement));
    }

    #[test]
    fn one_key_that_says_two_things_of_one_slot_is_at_fault_and_nobody_else_is() {
        let (keys, _) = set(4);
        let said = |statement| signed(&keys[0], statement);
        let a = said(statement(1, 3));
        let proven = Fault { kind: StatementKind::Precommit, height: Height(9), keys: vec![a.by] };
        for other in [statement(1, 4), statement(1, 0)] {
            assert_eq!(fault(&a, &said(other), NETWORK), Some(proven.clone()));
            assert_eq!(fault(&said(other), &a, NETWORK), Some(proven.clone()));
        }
        let forged = SignedStatement { signature: Signature([1; 64]), ..said(statement(1, 4)) };
        let prevote = Statement { kind: StatementKind::Prevote, ..statement(1, 4) };
        let higher = Statement { height: Height(10), ..statement(1, 4) };
        let odd = Statement { valid_view: Some(0), ..statement(1, 3) };
        for innocent in [
            a,
            forged,
            said(prevote),
            said(higher),
            said(odd),
            said(statement(2, 4)),
            signed(&keys[1], statement(1, 4)),
        ] {
            assert_eq!(fault(&a, &innocent, NETWORK), None, "{innocent:?}");
        }
        assert_eq!(fault(&a, &said(statement(1, 4)), "other"), None);
    }

    #[test]
    fn two_proposals_of_one_view_are_a_fault_also_if_only_their_grounds_differ() {
        let (keys, _) = set(1);
        let proposal = |valid_view| Statement { kind: StatementKind::Proposal, valid_view, ..statement(2, 3) };
        let (a, b) = (signed(&keys[0], proposal(None)), signed(&keys[0], proposal(Some(1))));
        assert_eq!(fault(&a, &b, NETWORK).map(|fault| fault.kind), Some(StatementKind::Proposal));
    }

    #[test]
    fn two_certificates_of_one_height_name_those_who_signed_both() {
        let (keys, set) = set(4);
        let a = certificate(&keys, &[0, 1, 2], &statement(1, 3));
        let b = certificate(&keys, &[1, 2, 3], &statement(1, 4));
        let key = |at: usize| PublicKey(keys[at].public());
        let found = certificate_fault(&a, &b, &set, NETWORK).unwrap();
        assert_eq!((found.height, found.keys), (Height(9), vec![key(1), key(2)]));
        let later = certificate(&keys, &[1, 2, 3], &statement(2, 4));
        assert_eq!(certificate_fault(&a, &later, &set, NETWORK).map(|fault| fault.keys), Some(vec![]));
        let same = certificate(&keys, &[1, 2, 3], &statement(2, 3));
        assert_eq!(certificate_fault(&a, &same, &set, NETWORK), None);
        let weak = certificate(&keys, &[2, 3], &statement(1, 4));
        assert_eq!(certificate_fault(&a, &weak, &set, NETWORK), None);
        // Who wants no block in one view may want one in the next, or have wanted one before.
        let nobody = certificate(&keys, &[0, 1, 2], &statement(2, 0));
        assert_eq!(certificate_fault(&a, &nobody, &set, NETWORK), None);
        let both = certificate(&keys, &[0, 1, 2], &statement(1, 0));
        assert_eq!(certificate_fault(&both, &a, &set, NETWORK).map(|fault| fault.keys.len()), Some(3));
        assert_eq!(handover_fault(&a, &b, &set, NETWORK), None);
        let handed = |next: u8| certificate(&keys, &[0, 1, 2], &Statement::handover(5, Hash([next; 32])));
        let found = handover_fault(&handed(1), &handed(2), &set, NETWORK).unwrap();
        assert_eq!((found.kind, found.keys.len()), (StatementKind::Handover, 3));
    }
}
