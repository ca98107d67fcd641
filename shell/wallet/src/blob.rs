//! Whether data stand on a rotation's ledger, by proofs alone.
//!
//! Two kinds: [`verify_blob`] checks what the ledger's own state says, under the commitments of its validators;
//! [`verify_merkle_proof`] checks a proof of the open routes, which is as good as whoever named its root. Rules: node 8.5.

use banyan_ledger::{
    BlobPlace, blob_key,
    engine::{
        BadHeader, Rules as _,
        rotation::{Rotation, Strength},
    },
};
use banyan_types::{Hash, committee::Certificate};

pub use banyan_tree::{BadSeedProof, SeedHash, SeedNode, SeedProof, Shown, seed_key, verify_merkle_proof};

use crate::light::{Header, NotProven, StateProof};

/// Why a proof shows nothing, in the order of the checks. All are the sender's fault.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBlob {
    /// Header, proof and leaves do not fit together, or they are of another key.
    #[error(transparent)]
    NotProven(#[from] NotProven),
    /// The header is no child's.
    #[error("the header is not one of a child ledger")]
    Kind,
    /// The certificate is not of this block, or not good.
    #[error(transparent)]
    Seal(#[from] BadHeader),
    /// Too few committed to the block for it to be final.
    #[error("{got} validators committed to the block: that is not over two thirds")]
    Quorum {
        /// How many did.
        got: usize,
    },
}

/// Where data with this SHA-256 stand in the state that the proof is of; `None` if they are not there. Over two thirds of
/// the validators committed to that state's block. Where one step confirms, that block is final once its child is as well
/// (ADR 19). Pure; never panics.
/// # Errors
/// The first [`BadBlob`] that applies.
pub fn verify_blob(
    proof: &StateProof,
    hash: Hash,
    certificate: &Certificate,
    rules: &Rotation<'_>,
) -> Result<Option<BlobPlace>, BadBlob> {
    let proven = proof.check_alone()?;
    let Header::Child(header) = proven.header() else { return Err(BadBlob::Kind) };
    rules.check_seal(header, certificate)?;
    if rules.turns.strength(certificate) < Strength::Quorum {
        return Err(BadBlob::Quorum { got: certificate.signatures.len() });
    }
    let key = blob_key(hash);
    let asked = proven.leaves().find(|(at, _)| **at == key);
    let (_, held) = asked.ok_or_else(|| NotProven::NotAsked { what: format!("blob {hash}") })?;
    let decode = |bytes| BlobPlace::decode(bytes).map_err(|why| NotProven::Leaf { what: format!("blob {hash}"), why });
    Ok(held.map(decode).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::light::Kind;
    use banyan_crypto::SecretKey;
    use banyan_ledger::{
        blob_hash,
        engine::{committee::Epoch, rotation::Turns},
    };
    use banyan_tree::{Trie, value_hash};
    use banyan_types::{
        Height, PublicKey, Signature,
        committee::{Member, MemberSignature, Statement, ValidatorSet},
    };

    const NETWORK: &str = "relay.2Qx7Lm4d";

    fn keys() -> Vec<SecretKey> {
        let mut keys: Vec<_> = (0..4).map(|n| SecretKey::from_seed([n; 32])).collect();
        keys.sort_by_key(SecretKey::public);
        keys
    }

    fn turns() -> Turns {
        let member = |key: &SecretKey| Member { key: PublicKey(key.public()), weight: 1 };
        let set = ValidatorSet::new(keys().iter().map(member).collect()).unwrap();
        Turns::new(&Epoch::drawn(0, Hash([3; 32]), set), 3).unwrap()
    }

    /// A proof of what a state that holds one blob says of another, and the commitments of so many validators.
    fn shown(held: &[u8], asked: Hash, by: usize) -> (StateProof, Certificate) {
        let (key, place) = (blob_key(blob_hash(held)), BlobPlace { height: Height(5), index: 2 }.encode());
        let trie = Trie::new().update(&[(key, Some((value_hash(&place), ())))]);
        let header = crate::light::tests::header(Hash(trie.root()));
        let statement = Statement::precommit(header.height, header.view, header.hash());
        let sign = |(index, key): (usize, &SecretKey)| MemberSignature {
            index: u32::try_from(index).unwrap(),
            signature: Signature(key.sign(&statement.signing_message(NETWORK))),
        };
        let certificate = Certificate::gather(&statement, keys().iter().enumerate().take(by).map(sign).collect());
        let asked = blob_key(asked);
        let leaves = vec![(asked, (asked == key).then_some(place))];
        let proof = trie.prove_many(&[asked]).encode();
        (StateProof { kind: Kind::Child, header: header.encode(), proof, leaves }, certificate)
    }

    fn verified(held: &[u8], asked: &[u8], by: usize) -> Result<Option<BlobPlace>, BadBlob> {
        let (turns, asked) = (turns(), blob_hash(asked));
        let (proof, certificate) = shown(held, asked, by);
        verify_blob(&proof, asked, &certificate, &Rotation { network_id: NETWORK, turns: &turns })
    }

    #[test]
    fn presence_and_absence_are_proven_under_a_quorum() {
        assert_eq!(verified(b"here", b"here", 3), Ok(Some(BlobPlace { height: Height(5), index: 2 })));
        assert_eq!(verified(b"here", b"there", 4), Ok(None));
    }

    #[test]
    fn what_does_not_fit_shows_nothing() {
        assert!(matches!(verified(b"here", b"here", 2), Err(BadBlob::Seal(BadHeader::Certificate(_)))));
        let turns = turns();
        let rules = Rotation { network_id: NETWORK, turns: &turns };
        let (mut proof, certificate) = shown(b"here", blob_hash(b"here"), 3);
        let other = verify_blob(&proof, blob_hash(b"there"), &certificate, &rules);
        assert!(matches!(other, Err(BadBlob::NotProven(NotProven::NotAsked { .. }))), "{other:?}");
        let elsewhere = Rotation { network_id: "relay.other", turns: &turns };
        assert!(matches!(verify_blob(&proof, blob_hash(b"here"), &certificate, &elsewhere), Err(BadBlob::Seal(_))));
        proof.leaves[0].1 = None;
        assert!(matches!(verify_blob(&proof, blob_hash(b"here"), &certificate, &rules), Err(BadBlob::NotProven(_))));
    }
}
