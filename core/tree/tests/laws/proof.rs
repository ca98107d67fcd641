use banyan_tree::{BadEncoding, BadProof, EMPTY, Key, Node, PROOF_BYTES_MAX, Proof, Trie, value_hash};
use nomt_core::{
    hasher::Sha2Hasher,
    proof::{PathProof, PathProofTerminal},
    trie::LeafData,
    trie_pos::TriePosition,
};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::model::{any_key, any_model, hex, key, numbered, trie};

/// Read the bytes as documented, by other means than the crate's.
pub fn published(bytes: &[u8], key: &Key) -> PathProof {
    let depth = u16::from_be_bytes([bytes[0], bytes[1]]);
    let (bits, rest) = bytes[2..].split_at(usize::from(depth.div_ceil(8)));
    let (mut siblings, mut rest) = (Vec::<Node>::new(), rest);
    for index in 0..usize::from(depth) {
        let is_present = bits[index / 8] & (128 >> (index % 8)) != 0;
        let (sibling, behind) = if is_present { rest.split_at(32) } else { (&EMPTY[..], rest) };
        siblings.push(sibling.try_into().expect("32 bytes"));
        rest = behind;
    }
    let terminal = match rest {
        [0] if depth == 0 => PathProofTerminal::Terminator(TriePosition::new()),
        [0] => PathProofTerminal::Terminator(TriePosition::from_path_and_depth(*key, depth)),
        [1, leaf @ ..] => PathProofTerminal::Leaf(LeafData {
            key_path: leaf[..32].try_into().expect("32 bytes"),
            value_hash: leaf[32..].try_into().expect("32 bytes"),
        }),
        _ => panic!("no such end"),
    };
    PathProof { siblings, terminal }
}

proptest! {
    #[test]
    fn each_key_is_proven_to_hold_what_it_holds(model in any_model(), others in vec(any_key(), 0..20)) {
        let trie = trie(&model);
        for key in model.keys().chain(&others) {
            let proof = trie.prove(key);
            prop_assert_eq!(proof.open(&trie.root(), key), Ok(model.get(key).copied()));
            prop_assert_eq!(Proof::decode(&proof.encode()), Ok(proof));
        }
    }

    #[test]
    fn the_published_verifier_agrees(model in any_model(), others in vec(any_key(), 0..20)) {
        let trie = trie(&model);
        for key in model.keys().chain(&others) {
            let published = published(&trie.prove(key).encode(), key);
            let path = TriePosition::from_path_and_depth(*key, 256);
            let verified = published.verify::<Sha2Hasher>(path.path(), trie.root()).expect("ours holds");
            match model.get(key) {
                None => prop_assert!(verified.confirm_nonexistence(key).expect("in scope")),
                Some(value) => {
                    let leaf = LeafData { key_path: *key, value_hash: *value };
                    prop_assert!(verified.confirm_value(&leaf).expect("in scope"));
                }
            }
        }
    }

    #[test]
    fn a_proof_with_one_bit_changed_proves_nothing(model in any_model(), key in any_key(), at in any::<Index>()) {
        let trie = trie(&model);
        let mut bytes = trie.prove(&key).encode();
        let bit = at.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(changed) = Proof::decode(&bytes) {
            let opened = changed.open(&trie.root(), &key);
            prop_assert!(matches!(opened, Err(BadProof::Root { .. })), "{:?}", opened);
        }
    }

    #[test]
    fn a_proof_cut_or_lengthened_is_no_proof(model in any_model(), key in any_key(), cut in any::<Index>(), more in 0..4_u8) {
        let bytes = trie(&model).prove(&key).encode();
        prop_assert!(Proof::decode(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert!(Proof::decode(&[&bytes[..], &[more]].concat()).is_err());
    }

    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes_and_verifies_without_panic(
        depth in prop_oneof![0..10_u16, any::<u16>()], rest in vec(prop_oneof![Just(0), any::<u8>()], 0..700), key in any_key()
    ) {
        let bytes = [&depth.to_be_bytes()[..], &rest].concat();
        if let Ok(proof) = Proof::decode(&bytes) {
            prop_assert_eq!(proof.encode(), bytes);
            prop_assert!(proof.open(&EMPTY, &key).is_err() || proof.nodes() == 1);
        }
    }
}

#[test]
fn a_proof_tells_another_value_and_another_root_apart() {
    let trie = trie(&numbered(20));
    let (root, held) = (trie.root(), Some(value_hash(&7_u32.to_be_bytes())));
    let proof = trie.prove(&key(7));
    assert_eq!(proof.verify(&root, &key(7), Some(&7_u32.to_be_bytes())), Ok(()));
    for claim in [None, Some(&[][..]), Some(&8_u32.to_be_bytes())] {
        let claimed = claim.map(value_hash);
        assert_eq!(proof.verify(&root, &key(7), claim), Err(BadProof::Value { claimed, held }));
    }
    let older = trie.update(&[(key(7), None)]).root();
    assert_eq!(
        proof.verify(&older, &key(7), Some(&7_u32.to_be_bytes())),
        Err(BadProof::Root { expected: older, got: root })
    );
    assert_eq!(trie.prove(&key(99)).verify(&root, &key(99), None), Ok(()));
}

#[test]
fn a_proof_of_one_key_says_nothing_of_a_key_elsewhere() {
    let trie = trie(&numbered(100));
    let proof = trie.prove(&key(7));
    for other in (0..200).filter(|number| *number != 7) {
        // A key that ends at the same leaf is honestly absent by the same proof.
        let (expected, opened) = (trie.get(&key(other)), proof.open(&trie.root(), &key(other)));
        assert!(matches!(opened, Err(BadProof::Root { .. })) || (opened == Ok(None) && expected.is_none()), "{other}");
    }
}

#[test]
fn an_inner_node_is_never_taken_for_a_leaf() {
    let (low, high) = ([0; 32], [0xff; 32]);
    let trie = trie(&[(low, key(1)), (high, key(2))].into());
    // The root's preimage, its two children, shown as a leaf's: as a key and the hash of its value.
    let [right, left]: [Node; 2] =
        [low, high].map(|key| trie.prove(&key).encode()[3..35].try_into().expect("32 bytes"));
    let forged = Proof::decode(&[&[0, 0, 1], &left[..], &right].concat()).expect("well formed");
    assert!(matches!(forged.open(&trie.root(), &left), Err(BadProof::Root { .. })));
}

#[test]
fn bytes_that_no_proof_has_are_refused_by_name() {
    let leaf = [1; 65];
    let zeros = [0; 40];
    let table: &[(&[&[u8]], BadEncoding)] = &[
        (&[&[0; PROOF_BYTES_MAX + 1]], BadEncoding::TooLong { limit: PROOF_BYTES_MAX, got: PROOF_BYTES_MAX + 1 }),
        (&[], BadEncoding::Truncated { missing: 2 }),
        (&[&[0]], BadEncoding::Truncated { missing: 1 }),
        (&[&[0, 0]], BadEncoding::Truncated { missing: 1 }),
        (&[&[0, 0, 1]], BadEncoding::Truncated { missing: 32 }),
        (&[&[0, 1, 0x80, 1]], BadEncoding::Truncated { missing: 31 }),
        (&[&[0, 0], &leaf, &[0]], BadEncoding::Trailing { extra: 1 }),
        (&[&[1, 1], &zeros], BadEncoding::Range { field: "depth", got: 257 }),
        (&[&[0, 0, 2]], BadEncoding::Range { field: "end", got: 2 }),
        (&[&[0, 1, 0x80], &zeros[..33]], BadEncoding::NotCanonical { field: "siblings" }),
        (&[&[0, 1, 0x40, 0]], BadEncoding::NotCanonical { field: "siblings" }),
        (&[&[0, 1, 0xc0], &leaf, &leaf], BadEncoding::NotCanonical { field: "siblings" }),
    ];
    for (parts, expected) in table {
        assert_eq!(Proof::decode(&parts.concat()), Err(*expected), "{parts:?}");
    }
}

#[test]
fn proofs_keep_to_their_size() {
    // Siblings on every level: the longest proof that keys can be made for.
    let mut keys = vec![[0; 32]];
    keys.extend((0..256).map(|index| {
        let mut key = [0; 32];
        key[index / 8] = 128 >> (index % 8);
        key
    }));
    let longest = trie(&keys.iter().map(|key| (*key, *key)).collect()).prove(&[0; 32]).encode();
    assert_eq!(longest.len(), PROOF_BYTES_MAX);
    assert!(Proof::decode(&longest).is_ok());

    let usual = trie(&numbered(10_000));
    assert!((0..10_000).all(|number| usual.prove(&key(number)).encode().len() <= 1_228));
}

#[test]
fn proof_bytes_are_frozen() {
    let some = trie(&numbered(9));
    let text = [key(3), key(1_003)].map(|key| hex(&value_hash(&some.prove(&key).encode())));
    assert_eq!(
        text,
        [
            "42e46ec359f9b106362fe297995e7f9fb47beb8eacaf223513c423cb7463f1a3",
            "749de5dd29aa99c380a2794aec67f82702d8cf14d1f15d296dc43b41bb0eed4c"
        ]
    );
    assert_eq!(hex(&Trie::<()>::new().prove(&key(3)).encode()), "000000");
}
