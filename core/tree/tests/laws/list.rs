use banyan_tree::{BadEncoding, BadProof, EMPTY, LIST_PROOF_BYTES_MAX, ListProof, Node, list_root, prove_item};
use proptest::{collection::vec, prelude::*, sample::Index};
use sha2::{Digest, Sha256};

use crate::model::{hex, key};

fn items(count: u32) -> Vec<[u8; 32]> {
    (0..count).map(key).collect()
}

/// The root by the plain words of the definition.
fn model_root(items: &[[u8; 32]]) -> Node {
    if items.is_empty() {
        return EMPTY;
    }
    let count = (items.len() as u64).to_be_bytes();
    Sha256::digest([&[2], &count[..], &model_top(items)].concat()).into()
}

fn model_top(items: &[[u8; 32]]) -> Node {
    if let [item] = items {
        return Sha256::digest([&[0], &item[..]].concat()).into();
    }
    let (left, right) = items.split_at(items.len().next_power_of_two() / 2);
    Sha256::digest([&[1], &model_top(left)[..], &model_top(right)].concat()).into()
}

#[test]
fn the_root_is_that_of_the_model_for_every_length() {
    for count in 0..200 {
        assert_eq!(list_root(items(count)), model_root(&items(count)), "of {count}");
    }
}

#[test]
fn roots_are_frozen() {
    for (count, expected) in [
        (0, "0000000000000000000000000000000000000000000000000000000000000000"),
        (1, "00f50c7ce4891a75535237c38d8047384e9b1ab83b1fc33c37aba1666cf492cf"),
        (2, "4fb1ff45e3ec7bdf2036bd2d3fe5fde79958baf6f7f577ce425e0c48a6e568cb"),
        (3, "cffc9db84cb02d2401fdb23422f77b2602de2067175a4ad4e38b732e0430bad1"),
        (1000, "e86b1b5053277e2961ed2b78604eebecc0c49107572063dc26d3c5e09eef7f2c"),
    ] {
        assert_eq!(hex(&list_root(items(count))), expected, "of {count}");
    }
}

#[test]
fn each_item_of_every_length_is_proven_at_its_place_and_nowhere_else() {
    for count in 1..40 {
        let (items, root) = (items(count), list_root(items(count)));
        for (index, item) in items.iter().enumerate() {
            let proof = prove_item(&items, index).expect("in the list");
            assert_eq!((proof.index() as usize, proof.count()), (index, count));
            assert_eq!(proof.verify(&root, item), Ok(()));
            assert_eq!(ListProof::decode(&proof.encode()), Ok(proof.clone()));
            for other in items.iter().filter(|other| *other != item) {
                assert!(matches!(proof.verify(&root, other), Err(BadProof::Root { .. })));
            }
        }
        assert_eq!(prove_item(&items, count as usize), None);
    }
    assert_eq!(prove_item(&[], 0), None);
}

#[test]
fn the_third_of_three_is_not_the_second_of_two() {
    let three = items(3);
    let mut bytes = prove_item(&three, 2).expect("in the list").encode();
    bytes[..8].copy_from_slice(&[0, 0, 0, 1, 0, 0, 0, 2]);
    let forged = ListProof::decode(&bytes).expect("well formed");
    assert!(matches!(forged.verify(&list_root(three.clone()), &three[2]), Err(BadProof::Root { .. })));
}

#[test]
fn an_inner_node_is_no_item_and_no_list_is_an_item_of_itself() {
    let four = items(4);
    let tops: Vec<Node> = four.chunks(2).map(model_top).collect();
    assert_ne!(list_root(tops), list_root(four.clone()));
    assert_ne!(list_root([list_root(four.clone())]), list_root(four));
}

proptest! {
    #[test]
    fn a_proof_with_one_bit_changed_proves_nothing(count in 1..70_u32, at in any::<Index>(), bit in any::<Index>()) {
        let items = items(count);
        let index = at.index(items.len());
        let mut bytes = prove_item(&items, index).expect("in the list").encode();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(changed) = ListProof::decode(&bytes) {
            let opened = changed.verify(&list_root(items.clone()), &items[index]);
            prop_assert!(matches!(opened, Err(BadProof::Root { .. })), "{:?}", opened);
        }
    }

    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes_and_verifies_without_panic(
        index in prop_oneof![0..9_u32, any::<u32>()], count in prop_oneof![0..9_u32, any::<u32>()], path in vec(any::<[u8; 32]>(), 0..33)
    ) {
        let bytes = [&index.to_be_bytes()[..], &count.to_be_bytes(), &path.concat()].concat();
        if let Ok(proof) = ListProof::decode(&bytes) {
            prop_assert_eq!(proof.encode(), bytes);
            prop_assert!(proof.verify(&EMPTY, &key(0)).is_err());
        }
    }
}

#[test]
fn bytes_that_no_proof_has_are_refused_by_name() {
    let head = |index: u32, count: u32| [index.to_be_bytes(), count.to_be_bytes()].concat();
    let table = [
        (
            vec![0; LIST_PROOF_BYTES_MAX + 1],
            BadEncoding::TooLong { limit: LIST_PROOF_BYTES_MAX, got: LIST_PROOF_BYTES_MAX + 1 },
        ),
        (vec![], BadEncoding::Truncated { missing: 4 }),
        (head(0, 0), BadEncoding::Range { field: "index", got: 0 }),
        (head(3, 3), BadEncoding::Range { field: "index", got: 3 }),
        (head(0, 2), BadEncoding::Truncated { missing: 32 }),
        ([head(0, 1), vec![0]].concat(), BadEncoding::Trailing { extra: 1 }),
    ];
    for (bytes, expected) in table {
        assert_eq!(ListProof::decode(&bytes), Err(expected));
    }
    let longest = [head(0, u32::MAX), vec![1; 32 * 32]].concat();
    assert_eq!(longest.len(), LIST_PROOF_BYTES_MAX);
    assert!(ListProof::decode(&longest).is_ok());
}
