//! The state trie in memory, against the hashing that its definition asks for.

use std::sync::OnceLock;

use banyan_tree::{Change, Key, Leaf, Proof, Trie, value_hash};

use crate::{
    Fault,
    figure::{Figure, Unit},
    limit,
    sample::{Sample, timed},
};

const KEYS: u64 = 1_000_000;
const CHANGES: u64 = 10_000;
/// Keys of one multi-proof.
const MANY: u64 = 100;

fn trie() -> &'static Trie<u64> {
    static TRIE: OnceLock<Trie<u64>> = OnceLock::new();
    TRIE.get_or_init(|| {
        let leaf = |number: u64| Leaf { key: key(number), value_hash: value_hash(&[0]), note: number };
        Trie::build((0..KEYS).map(leaf))
    })
}

fn key(number: u64) -> Key {
    value_hash(&number.to_be_bytes())
}

/// Numbers of so many leaves, spread over all.
fn spread(count: u64, salt: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |n| (salt * count + n).wrapping_mul(0x9e37_79b9_7f4a_7c15) % KEYS)
}

/// A block's worth of changes at once.
pub(crate) fn update() -> Result<Vec<Figure>, Fault> {
    let keys: Vec<_> = trie().iter().map(|leaf| leaf.key).collect();
    let mut hashes = 0;
    let mut wrong = false;
    let mut salt = 0;
    let sample = Sample::of(20, || {
        salt += 1;
        let changes = changes(salt);
        let touched: Vec<_> = changes.iter().map(|(key, _)| *key).collect();
        hashes = nodes(&keys, &touched, 0);
        let (updated, took) = timed(|| trie().update(&changes));
        wrong |= updated.get(&touched[0]).map(|leaf| leaf.note) != Some(salt);
        took
    });
    if wrong {
        return Err("an updated trie does not hold its changes".into());
    }
    let figure = Figure::time(format!("tree::update/keys={KEYS},changes={CHANGES}"), &sample, 1, Unit::Millis);
    let bare = hashes as f64 * limit::node_seconds();
    Ok(vec![figure.ratio(sample.median() / bare, format!("bare hashing of its {hashes} nodes")).at_most(150.0)])
}

/// New values for leaves all over the trie, ascending by key.
fn changes(salt: u64) -> Vec<Change<u64>> {
    let value = value_hash(&salt.to_be_bytes());
    let mut changes: Vec<_> = spread(CHANGES, salt).map(|number| (key(number), Some((value, salt)))).collect();
    changes.sort_unstable_by_key(|(key, _)| *key);
    changes.dedup_by_key(|(key, _)| *key);
    changes
}

/// Nodes that any trie of the definition must hash anew: those above `changed` among `keys`, which share `depth` bits.
fn nodes(keys: &[Key], changed: &[Key], depth: usize) -> usize {
    if changed.is_empty() || keys.len() <= 1 {
        return changed.len();
    }
    let goes_left = |key: &Key| key[depth / 8] & (0x80 >> (depth % 8)) == 0;
    let (left, right) = keys.split_at(keys.partition_point(goes_left));
    let (left_changed, right_changed) = changed.split_at(changed.partition_point(goes_left));
    1 + nodes(left, left_changed, depth + 1) + nodes(right, right_changed, depth + 1)
}

/// One key's proof.
pub(crate) fn prove() -> Result<Vec<Figure>, Fault> {
    const PROOFS: u64 = 1_000;
    let keys: Vec<_> = spread(PROOFS, 1).map(key).collect();
    let sample = Sample::timed(20, || prove_each(&keys));
    let (proofs, root) = (prove_each(&keys), trie().root());
    if !keys.iter().zip(&proofs).all(|(key, proof)| proof.open(&root, key).is_ok_and(|value| value.is_some())) {
        return Err("a proof does not prove".into());
    }
    let opened = Sample::timed(20, || keys.iter().zip(&proofs).all(|(key, proof)| proof.open(&root, key).is_ok()));
    let bytes: Vec<_> = proofs.iter().map(|proof| proof.encode().len()).collect();
    let bare = proofs.iter().map(Proof::nodes).sum::<usize>() as f64 * limit::node_seconds();
    let name = format!("tree::prove/keys={KEYS}");
    Ok(vec![
        Figure::time(&name, &sample, keys.len(), Unit::Micros).at_most(1_000.0),
        Figure::time(format!("{name},open"), &opened, keys.len(), Unit::Micros)
            .ratio(opened.median() / bare, "bare hashing of its nodes"),
        Figure::new(format!("{name},bytes"), bytes.iter().sum::<usize>() as f64 / bytes.len() as f64, Unit::Bytes)
            .at_most(1.2 * 1024.0),
    ])
}

fn prove_each(keys: &[Key]) -> Vec<Proof> {
    keys.iter().map(|key| trie().prove(key)).collect()
}

/// Many keys in one proof.
pub(crate) fn multiproof() -> Result<Vec<Figure>, Fault> {
    let mut keys: Vec<_> = spread(MANY, 1).map(key).collect();
    keys.sort_unstable();
    let sample = Sample::timed(50, || trie().prove_many(&keys));
    let proof = trie().prove_many(&keys);
    let root = trie().root();
    if proof.open(&root, &keys)?.iter().any(Option::is_none) {
        return Err("a proof does not prove".into());
    }
    let opened = Sample::timed(50, || proof.open(&root, &keys).is_ok());
    let name = format!("tree::multiproof/{MANY}");
    let alone: usize = keys.iter().map(|key| trie().prove(key).encode().len()).sum();
    let bytes = proof.encode().len() as f64;
    Ok(vec![
        Figure::time(&name, &sample, 1, Unit::Millis).at_most(10.0),
        Figure::time(format!("{name},open"), &opened, 1, Unit::Millis)
            .ratio(opened.median() / (proof.nodes() as f64 * limit::node_seconds()), "bare hashing of its nodes"),
        Figure::new(format!("{name},bytes"), bytes, Unit::Bytes).ratio(bytes / alone as f64, "as many single proofs"),
    ])
}

#[cfg(test)]
mod tests {
    use super::nodes;

    #[test]
    fn the_nodes_above_a_change_are_counted_by_the_definition() {
        let key = |first: u8| [first; 32];
        let keys = [key(0x00), key(0x40), key(0x80), key(0xc0)];
        assert_eq!(nodes(&keys, &[], 0), 0);
        assert_eq!(nodes(&keys, &keys[..1], 0), 3, "top, left, leaf");
        assert_eq!(nodes(&keys, &keys, 0), 7);
        assert_eq!(nodes(&keys[..1], &keys[..1], 0), 1);
    }
}
