use banyan_tree::{Change, EMPTY, Leaf, Trie, value_hash};
use nomt_core::{hasher::Sha2Hasher, update::build_trie};
use proptest::{collection::vec, prelude::*};

use crate::model::{Model, any_batch, any_model, apply, bit, hex, key, numbered, root, trie};

/// Every answer of the trie is the model's.
fn agrees(trie: &Trie<u8>, model: &Model) {
    assert_eq!(trie.root(), root(model));
    assert_eq!(trie.len(), model.len());
    assert_eq!(trie.is_empty(), model.is_empty());
    assert!(trie.iter().map(|leaf| (&leaf.key, &leaf.value_hash)).eq(model.iter()));
    for (key, value) in model {
        let leaf = trie.get(key).expect("the model holds it");
        assert_eq!((leaf.key, leaf.value_hash, value_hash(&[leaf.note])), (*key, *value, *value));
    }
}

proptest! {
    #[test]
    fn batches_in_any_order_do_what_they_do_to_a_map_and_old_versions_stay(batches in vec(any_batch(), 0..6)) {
        let mut versions = vec![(Trie::new(), Model::new())];
        for batch in &batches {
            let (trie, mut model) = versions.last().expect("starts with one").clone();
            apply(&mut model, batch);
            versions.push((trie.update(batch), model));
        }
        for (trie, model) in &versions {
            agrees(trie, model);
        }
    }

    #[test]
    fn branches_of_one_version_do_not_see_each_other(base in any_batch(), left in any_batch(), right in any_batch()) {
        let trie = Trie::new().update(&base);
        for branch in [left, right] {
            let mut model = Model::new();
            apply(&mut model, &base);
            apply(&mut model, &branch);
            agrees(&trie.update(&branch), &model);
        }
    }

    #[test]
    fn the_root_does_not_know_history(model in any_model(), extra in any_batch(), order in any::<u64>()) {
        let leaves = |(key, value_hash): (&_, &_)| Leaf { key: *key, value_hash: *value_hash, note: 0 };
        let mut shuffled: Vec<_> = model.iter().map(leaves).collect();
        shuffled.sort_by_key(|leaf| value_hash(&[&leaf.key[..], &order.to_be_bytes()].concat()));
        prop_assert_eq!(Trie::build(shuffled.clone()).root(), root(&model));

        let one_by_one = shuffled.iter().fold(Trie::new(), |trie, leaf| {
            trie.update(&[(leaf.key, Some((leaf.value_hash, leaf.note)))])
        });
        prop_assert_eq!(one_by_one.root(), root(&model));

        let undo: Vec<Change<u8>> =
            extra.iter().map(|(key, _)| (*key, model.get(key).map(|value_hash| (*value_hash, 0)))).collect();
        prop_assert_eq!(one_by_one.update(&extra).update(&undo).root(), root(&model));
    }

    #[test]
    fn the_root_is_that_of_the_published_builder(model in any_model()) {
        let published = build_trie::<Sha2Hasher>(0, model.clone(), |_| {});
        prop_assert_eq!(trie(&model).root(), published);
    }
}

#[test]
fn roots_are_frozen() {
    for (count, expected) in [
        (0, "0000000000000000000000000000000000000000000000000000000000000000"),
        (1, "e62c14fe7d5bacdaeca6344a60495d03bb3fc77a54858e988d6f3f991ad5dd8f"),
        (2, "49b5ded8cfee55a9bafc9b0d4509c8786301d8ab537cc6a119e01eb988a3cd42"),
        (9, "23bc999a07ae3d65af56208733625ded3c04732f9c84990ed7e93a2618241b82"),
        (1000, "7af96a91b70587ca651c5efe4678241a2202f5432d0087019ca6fbd1f05bc6f2"),
    ] {
        let model = numbered(count);
        assert_eq!(hex(&trie(&model).root()), expected, "of {count}");
        assert_eq!(trie(&model).root(), build_trie::<Sha2Hasher>(0, model, |_| {}), "of {count}");
    }
}

#[test]
fn large_batches_agree_with_the_published_builder() {
    let mut now = Trie::new();
    let mut model = Model::new();
    for batch in 0..10_u32 {
        let changes: Vec<Change<u8>> =
            (0..2_000).map(|n| (key(n * 3 + batch * 500), (n % 4 != 1).then(|| (key(n + batch), 0)))).collect();
        now = now.update(&changes);
        apply(&mut model, &changes);
    }
    assert!(model.len() > 4_000, "{}", model.len());
    assert_eq!(now.root(), build_trie::<Sha2Hasher>(0, model, |_| {}));
}

#[test]
fn keys_that_differ_in_one_bit_only_stand_side_by_side_below_it() {
    for index in 0..256 {
        let mut twin = key(7);
        twin[index / 8] ^= 128 >> (index % 8);
        assert_ne!(bit(&twin, index), bit(&key(7), index));
        let model = Model::from([(key(7), key(1)), (twin, key(2))]);
        let both = trie(&model);
        assert_eq!(both.root(), root(&model));
        assert_eq!(both.update(&[(twin, None)]).root(), root(&Model::from([(key(7), key(1))])));
    }
}

#[test]
fn removing_everything_leaves_the_empty_root() {
    let model = numbered(100);
    let full = trie(&model);
    let changes: Vec<Change<()>> = model.keys().map(|key| (*key, None)).collect();
    let none = full.update(&changes);
    assert_eq!((none.root(), none.len(), none.iter().count()), (EMPTY, 0, 0));
    assert_eq!(full.root(), root(&model));
}

#[test]
fn a_change_that_changes_nothing_keeps_the_root() {
    let full = trie(&numbered(100));
    let absent = (key(1_000), None);
    let same = (key(5), Some((value_hash(&5_u32.to_be_bytes()), ())));
    assert_eq!(full.update(&[]).root(), full.root());
    assert_eq!(full.update(&[absent, same]).root(), full.root());
}

#[test]
fn the_last_of_several_changes_of_one_key_holds() {
    let change = |value: u8| (key(1), Some((value_hash(&[value]), value)));
    let trie = Trie::new().update(&[change(1), (key(0), None), change(2), (key(1), None), change(3)]);
    assert_eq!(trie.get(&key(1)).map(|leaf| leaf.note), Some(3));
    let built = Trie::build([1, 2, 3].map(|note| Leaf { key: key(1), value_hash: value_hash(&[note]), note }));
    assert_eq!((built.len(), built.root()), (1, trie.root()));
}
