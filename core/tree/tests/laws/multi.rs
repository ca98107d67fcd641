use banyan_tree::{BadEncoding, BadProof, EMPTY, Key, MULTI_PROOF_BYTES_MAX, MultiProof, Trie, value_hash};
use nomt_core::{
    hasher::Sha2Hasher,
    proof::{MultiProof as PublishedProof, verify_multi_proof},
    trie::LeafData,
};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::{
    model::{Model, any_key, any_model, hex, key, numbered, trie},
    proof::published,
};

fn sorted(keys: impl IntoIterator<Item = Key>) -> Vec<Key> {
    std::collections::BTreeSet::from_iter(keys).into_iter().collect()
}

/// Some of the model's keys and some others.
fn any_question() -> impl Strategy<Value = (Model, Vec<Key>)> {
    (any_model(), vec(any::<Index>(), 0..20), vec(any_key(), 0..20)).prop_map(|(model, picks, mut keys)| {
        let held: Vec<Key> = model.keys().copied().collect();
        if !held.is_empty() {
            keys.extend(picks.iter().map(|pick| *pick.get(&held)));
        }
        (model, keys)
    })
}

proptest! {
    #[test]
    fn many_keys_are_proven_to_hold_what_they_hold((model, asked) in any_question()) {
        let trie = trie(&model);
        let proof = trie.prove_many(&asked);
        let keys = sorted(asked);
        let held: Vec<_> = keys.iter().map(|key| model.get(key).copied()).collect();
        prop_assert_eq!(proof.open(&trie.root(), &keys), Ok(held));
        prop_assert_eq!(MultiProof::decode(&proof.encode()), Ok(proof));
    }

    #[test]
    fn the_published_verifier_agrees((model, asked) in any_question()) {
        let (trie, keys) = (trie(&model), sorted(asked));
        prop_assume!(!keys.is_empty());
        let mut paths: Vec<_> = keys.iter().map(|key| published(&trie.prove(key).encode(), key)).collect();
        paths.sort_by(|a, b| a.terminal.path().cmp(b.terminal.path()));
        paths.dedup_by(|a, b| a.terminal == b.terminal);
        let verified = verify_multi_proof::<Sha2Hasher>(&PublishedProof::from_path_proofs(paths), trie.root());
        let verified = verified.expect("made of good proofs");
        for (key, held) in keys.iter().zip(trie.prove_many(&keys).open(&trie.root(), &keys).expect("good")) {
            match held {
                None => prop_assert!(verified.confirm_nonexistence(key).expect("in scope")),
                Some(value_hash) => {
                    let leaf = LeafData { key_path: *key, value_hash };
                    prop_assert!(verified.confirm_value(&leaf).expect("in scope"));
                }
            }
        }
    }

    #[test]
    fn a_proof_with_one_bit_changed_proves_nothing((model, asked) in any_question(), at in any::<Index>()) {
        let (trie, keys) = (trie(&model), sorted(asked));
        let mut bytes = trie.prove_many(&keys).encode();
        let bit = at.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(changed) = MultiProof::decode(&bytes) {
            let opened = changed.open(&trie.root(), &keys);
            prop_assert!(matches!(opened, Err(BadProof::Root { .. } | BadProof::Shape)), "{:?}", opened);
        }
    }

    #[test]
    fn a_proof_cut_or_lengthened_is_no_proof((model, keys) in any_question(), cut in any::<Index>(), more in any::<u8>()) {
        let bytes = trie(&model).prove_many(&keys).encode();
        prop_assert!(MultiProof::decode(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert!(MultiProof::decode(&[&bytes[..], &[more]].concat()).is_err());
    }

    #[test]
    fn a_proof_answers_no_key_that_it_does_not_show((model, asked) in any_question(), other in any_key()) {
        let trie = trie(&model);
        let opened = trie.prove_many(&asked).open(&trie.root(), &[other]);
        let held = model.get(&other).copied();
        prop_assert!(opened == Ok(vec![held]) || opened == Err(BadProof::Shape), "{:?}", opened);
    }

    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes_and_verifies_without_panic(
        kinds in vec(any::<u8>(), 0..6), rest in vec(prop_oneof![Just(0), any::<u8>()], 0..500), asked in vec(any_key(), 0..9)
    ) {
        // Pad to whole hashes, else hardly any bytes decode.
        let hashes = rest.len() / 32 * 32;
        for bytes in [[&kinds[..], &rest].concat(), [&kinds[..], &rest[..hashes]].concat()] {
            if let Ok(proof) = MultiProof::decode(&bytes) {
                prop_assert_eq!(proof.encode(), bytes);
                prop_assert!(proof.open(&[1; 32], &sorted(asked.clone())).is_err());
            }
        }
    }
}

#[test]
fn each_false_claim_among_true_ones_is_found() {
    let trie = trie(&numbered(50));
    let keys = sorted((40..60).map(key));
    let proof = trie.prove_many(&keys);
    let truth: Vec<(Key, Option<Vec<u8>>)> = keys
        .iter()
        .map(|asked| {
            (*asked, (0..50_u32).find(|number| key(*number) == *asked).map(|number| number.to_be_bytes().to_vec()))
        })
        .collect();
    assert_eq!(truth.iter().filter(|(_, value)| value.is_some()).count(), 10);
    assert_eq!(proof.verify(&trie.root(), &truth), Ok(()));
    for index in 0..truth.len() {
        let mut lie = truth.clone();
        lie[index].1 = if index % 3 == 0 && lie[index].1.is_some() { None } else { Some(vec![1]) };
        let [claimed, held] = [&lie, &truth].map(|items| items[index].1.as_deref().map(value_hash));
        assert_eq!(proof.verify(&trie.root(), &lie), Err(BadProof::Value { claimed, held }));
    }
}

#[test]
fn keys_out_of_order_are_the_callers_fault() {
    let trie = trie(&numbered(9));
    let keys = sorted((0..4).map(key));
    let proof = trie.prove_many(&keys);
    let [a, b, c, d] = keys[..] else { unreachable!("four keys") };
    for (keys, index) in [([a, a, c, d], 1), ([a, b, d, c], 3), ([b, a, d, c], 1)] {
        assert_eq!(proof.open(&trie.root(), &keys), Err(BadProof::Order { index }));
    }
}

#[test]
fn one_key_costs_what_its_path_costs() {
    let trie = trie(&numbered(1_000));
    for number in 0..50 {
        let (one, many) = (trie.prove(&key(number)), trie.prove_many(&[key(number)]));
        // Two bits a node, of which there are two a level, in place of one bit a sibling.
        assert!(many.encode().len() * 8 <= one.encode().len() * 8 + 3 * one.nodes(), "{number}");
    }
}

/// The bytes of these nodes: e empty, i inner, h hidden, l leaf.
fn bytes(kinds: &str, hashes: &[[u8; 32]]) -> Vec<u8> {
    let code = |kind: &u8| match kind {
        b'e' => 0,
        b'i' => 1,
        b'h' => 2,
        _ => 3,
    };
    let packed = kinds
        .as_bytes()
        .chunks(4)
        .map(|four| (0..4).fold(0, |byte, index| byte << 2 | four.get(index).map_or(0, code)));
    packed.chain(hashes.iter().flatten().copied()).collect()
}

#[test]
fn bytes_that_no_proof_has_are_refused_by_name() {
    let some = [1; 32];
    let deep = "i".repeat(40);
    let table = [
        (bytes("", &[]), BadEncoding::Truncated { missing: 1 }),
        (bytes("iiii", &[]), BadEncoding::Truncated { missing: 1 }),
        (bytes(&deep, &[some; 20]), BadEncoding::NotCanonical { field: "padding" }),
        (bytes("h", &[]), BadEncoding::Truncated { missing: 32 }),
        (bytes("l", &[some]), BadEncoding::Truncated { missing: 32 }),
        (bytes("e", &[some]), BadEncoding::Trailing { extra: 32 }),
        (bytes("h", &[EMPTY]), BadEncoding::NotCanonical { field: "hidden node" }),
        (bytes("eeeee", &[]), BadEncoding::Trailing { extra: 1 }),
        (bytes("eeei", &[]), BadEncoding::NotCanonical { field: "padding" }),
    ];
    for (bytes, expected) in table {
        assert_eq!(MultiProof::decode(&bytes), Err(expected), "{}", hex(&bytes));
    }
    let long = vec![0; MULTI_PROOF_BYTES_MAX + 1];
    let limit = MULTI_PROOF_BYTES_MAX;
    assert_eq!(MultiProof::decode(&long), Err(BadEncoding::TooLong { limit, got: limit + 1 }));
}

#[test]
fn nodes_where_no_key_leads_and_hashes_where_one_does_are_refused() {
    let (some, left, right) = ([1; 32], [0; 32], [0xff; 32]);
    let table = [
        ("h", vec![some], vec![left]),
        ("l", vec![some, some], vec![]),
        ("iee", vec![], vec![]),
        ("ihh", vec![some, some], vec![left]),
        ("ieh", vec![some], vec![left, right]),
        ("iel", vec![some, some], vec![left]),
        ("ieiee", vec![], vec![left]),
    ];
    for (kinds, hashes, keys) in table {
        let proof = MultiProof::decode(&bytes(kinds, &hashes)).expect("well formed");
        assert_eq!(proof.open(&some, &keys), Err(BadProof::Shape), "{kinds}");
    }
}

#[test]
fn a_proof_deeper_than_keys_are_long_is_refused_without_overflow() {
    for depth in [256, 257, 100_000] {
        let chain = format!("{}{}", "i".repeat(depth), "e".repeat(depth + 1));
        let opened = MultiProof::decode(&bytes(&chain, &[])).expect("complete").open(&[1; 32], &[[0; 32]]);
        match depth {
            256 => assert!(matches!(opened, Err(BadProof::Root { .. }))),
            _ => assert_eq!(opened, Err(BadProof::Shape)),
        }
    }
}

#[test]
fn no_keys_prove_the_root_alone() {
    for count in [0, 1, 9] {
        let trie = trie(&numbered(count));
        assert_eq!(trie.prove_many(&[]).open(&trie.root(), &[]), Ok(vec![]));
        assert!(trie.prove_many(&[]).open(&[1; 32], &[]).is_err());
    }
}

#[test]
fn proof_bytes_are_frozen() {
    let some = trie(&numbered(9));
    assert_eq!(
        hex(&value_hash(&some.prove_many(&[key(3), key(5), key(1_003)]).encode())),
        "1fc7185e0418d8e86e26564a999cb3f11f1d031cb7bfbc340e88cf15eb1cf8d5"
    );
    assert_eq!(hex(&Trie::<()>::new().prove_many(&[key(3)]).encode()), "00");
}
