//! The naive model: a map, and the root of it by the plain words of the definition.

use std::collections::BTreeMap;

use banyan_tree::{Change, Key, Leaf, Node, Trie, ValueHash, value_hash};
use proptest::{collection::vec, prelude::*};
use sha2::{Digest, Sha256};

pub type Model = BTreeMap<Key, ValueHash>;

pub fn root(model: &Model) -> Node {
    let leaves: Vec<(Key, ValueHash)> = model.iter().map(|(key, value)| (*key, *value)).collect();
    node(0, &leaves)
}

fn node(depth: usize, leaves: &[(Key, ValueHash)]) -> Node {
    match leaves {
        [] => [0; 32],
        [(key, value)] => {
            let mut hash: Node = Sha256::digest([*key, *value].concat()).into();
            hash[0] |= 0x80;
            hash
        }
        _ => {
            let (right, left): (Vec<_>, Vec<_>) = leaves.iter().partition(|(key, _)| bit(key, depth));
            let mut hash: Node = Sha256::digest([node(depth + 1, &left), node(depth + 1, &right)].concat()).into();
            hash[0] &= 0x7f;
            hash
        }
    }
}

pub fn bit(key: &Key, index: usize) -> bool {
    key[index / 8] & (128 >> (index % 8)) != 0
}

/// A key by number, spread evenly as keys of a state are.
pub fn key(number: u32) -> Key {
    value_hash(&number.to_be_bytes())
}

/// Keys with collisions and long shared prefixes: each branches off one of two fixed keys after any number of bits,
/// mostly early or late, or is one of them.
pub fn any_key() -> impl Strategy<Value = Key> {
    let bits = prop_oneof![0..12_usize, 0..=256_usize, 248..=256_usize];
    (prop_oneof![Just([0x5a; 32]), Just([0; 32])], bits, 0..4_u8).prop_map(|(mut key, bits, tail)| {
        for index in bits..256 {
            let flip = index == bits || value_hash(&[tail])[index / 8] & (1 << (index % 8)) != 0;
            key[index / 8] ^= u8::from(flip) << (7 - index % 8);
        }
        key
    })
}

/// A batch as a caller may send it: in any order, with repeats; a third of it removes.
pub fn any_batch() -> impl Strategy<Value = Vec<Change<u8>>> {
    let value = prop_oneof![Just(None), any::<u8>().prop_map(Some), any::<u8>().prop_map(Some)];
    vec((any_key(), value.prop_map(|value| value.map(|value| (value_hash(&[value]), value)))), 0..60)
}

pub fn any_model() -> impl Strategy<Value = Model> {
    vec((any_key(), any::<u8>()), 0..80)
        .prop_map(|entries| entries.into_iter().map(|(key, value)| (key, value_hash(&[value]))).collect())
}

pub fn apply(model: &mut Model, batch: &[Change<u8>]) {
    for (key, value) in batch {
        match value {
            Some((value_hash, _)) => model.insert(*key, *value_hash),
            None => model.remove(key),
        };
    }
}

pub fn trie(model: &Model) -> Trie<()> {
    Trie::build(model.iter().map(|(key, value_hash)| Leaf { key: *key, value_hash: *value_hash, note: () }))
}

/// The trie and model of the keys 0 to `count`, each holding its number's four bytes.
pub fn numbered(count: u32) -> Model {
    (0..count).map(|number| (key(number), value_hash(&number.to_be_bytes()))).collect()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}
