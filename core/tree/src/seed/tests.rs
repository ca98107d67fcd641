use alloc::{collections::BTreeSet, string::ToString, vec, vec::Vec};

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// The nodes of a proof, each with its side.
type Nodes = Vec<(bool, SeedNode)>;

fn trie(data: &[Vec<u8>]) -> SeedTrie {
    let mut trie = SeedTrie::default();
    for datum in data {
        trie.insert(datum);
    }
    trie
}

fn some(n: u8) -> Vec<Vec<u8>> {
    (0..n).map(|n| vec![n, 1, 2]).collect()
}

/// The seed's own check, from its description: the proof turned round, each node hashed again with the hash below it put on its
/// side and its own hash left out. Works on the JSON alone, and shares nothing with the code above.
mod seeds_client {
    use super::*;

    pub fn bytes(value: &Value) -> Option<Vec<u8>> {
        let bytes = value.as_array()?.iter().map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap());
        Some(bytes.collect())
    }

    fn bincode(fields: &[(bool, Option<Vec<u8>>)]) -> Vec<u8> {
        let mut out = vec![];
        for (is_optional, value) in fields {
            if *is_optional {
                out.push(u8::from(value.is_some()));
            }
            if let Some(value) = value {
                out.extend((value.len() as u64).to_le_bytes());
                out.extend(value);
            }
        }
        out
    }

    pub fn sha256(bytes: &[u8]) -> Vec<u8> {
        Sha256::digest(bytes).to_vec()
    }

    pub fn leaf_hash(prefix: Option<Vec<u8>>, key: Vec<u8>, data: Option<Vec<u8>>) -> Vec<u8> {
        sha256(&bincode(&[(true, prefix), (false, Some(key)), (true, None), (true, data)]))
    }

    /// Panics unless the proof sums up to the root.
    pub fn verify_merkle_proof(json: &str, state_root_hash: &[u8]) {
        let proof: Value = serde_json::from_str(json).unwrap();
        let mut inner_proof = proof["nodes"].as_array().unwrap().clone();
        inner_proof.reverse();
        let leaf = &inner_proof[0][1]["Leaf"];
        let mut current = leaf_hash(bytes(&leaf["prefix"]), bytes(&leaf["key"]).unwrap(), bytes(&leaf["data"]));
        let mut is_right = inner_proof[0][0].as_bool().unwrap();
        let mut root = None;
        for node in &inner_proof[1..] {
            let (kind, fields) = node[1].as_object().unwrap().iter().next().unwrap();
            let (mut left, mut right) = (bytes(&fields["left"]), bytes(&fields["right"]));
            *(if is_right { &mut right } else { &mut left }) = Some(current.clone());
            let mut written = vec![];
            if kind == "Branch" {
                written.push((false, bytes(&fields["key"])));
            }
            written.extend([(true, None), (true, left), (true, right)]);
            current = sha256(&bincode(&written));
            is_right = node[0].as_bool().unwrap();
            root = (kind == "Root").then(|| current.clone());
        }
        assert_eq!(root.unwrap(), state_root_hash);
    }
}

#[test]
fn the_seeds_own_check_holds_for_every_datum() {
    let data = some(40);
    let trie = trie(&data);
    for datum in &data {
        // The seed's client makes the key so: hash of a leaf without key, its bits from the highest on.
        let hash = seeds_client::leaf_hash(None, vec![], Some(datum.clone()));
        let bits: Vec<u8> = hash.iter().flat_map(|byte| (0..8).rev().map(move |i| (byte >> i) & 1)).collect();
        let key = seed_key_of(&bits).unwrap();
        assert_eq!((key, seed_bits(&key)), (seed_key(datum), bits));
        let proof = trie.prove(&key);
        seeds_client::verify_merkle_proof(&proof.to_json(), &trie.root().hash());
        assert_eq!(verify_merkle_proof(&proof, &key, &trie.root().hash()), Ok(Shown::Present(datum)));
    }
}

#[test]
fn the_json_is_the_seeds_shape() {
    let trie = trie(&some(3));
    let proof: Value = serde_json::from_str(&trie.prove(&seed_key(&[0, 1, 2])).to_json()).unwrap();
    let nodes = proof["nodes"].as_array().unwrap();
    assert_eq!(nodes[0][0], Value::Bool(false));
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let set = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    assert_eq!(names(&nodes[0][1]["Root"]), set(&["hash", "left", "right"]));
    let leaf = &nodes.last().unwrap()[1]["Leaf"];
    assert_eq!(names(leaf), set(&["prefix", "key", "hash", "data"]));
    assert_eq!((leaf["key"].as_array().unwrap().len(), seeds_client::bytes(&leaf["data"])), (256, Some(vec![0, 1, 2])));
    if nodes.len() > 2 {
        assert_eq!(names(&nodes[1][1]["Branch"]), set(&["key", "hash", "left", "right"]));
    }
}

#[test]
fn an_empty_trie_shows_that_everything_is_absent() {
    let trie = SeedTrie::default();
    assert!(trie.is_empty());
    let key = seed_key(b"x");
    assert_eq!(verify_merkle_proof(&trie.prove(&key), &key, &trie.root().hash()), Ok(Shown::Absent));
}

#[test]
fn keys_are_256_bits_of_nothing_else() {
    assert_eq!(seed_key_of(&[1; 255]), None);
    assert_eq!(seed_key_of(&[2; 256]), None);
    assert_eq!(seed_key_of(&[1; 256]), Some([255; 32]));
}

#[test]
fn each_check_of_a_proof_has_a_row() {
    let data = some(40);
    let trie = trie(&data);
    let (key, root) = (seed_key(&data[7]), trie.root().hash());
    let good = trie.prove(&key);
    let last = good.nodes.len() - 1;
    assert!(last > 2, "the row of bits needs two branches");
    let with = |change: &dyn Fn(&mut Nodes)| {
        let mut proof = good.clone();
        change(&mut proof.nodes);
        verify_merkle_proof(&proof, &key, &root).map(|shown| shown == Shown::Absent)
    };
    let long = |nodes: &mut Vec<(bool, SeedNode)>| *nodes = vec![nodes[1].clone(); 258];
    assert_eq!(with(&long), Err(BadSeedProof::Length { got: 258 }));
    assert_eq!(with(&|nodes| drop(nodes.remove(0))), Err(BadSeedProof::Kind { at: 0 }));
    assert_eq!(with(&|nodes| nodes.insert(1, nodes[0].clone())), Err(BadSeedProof::Kind { at: 1 }));
    assert_eq!(with(&|nodes| nodes.insert(2, nodes[1].clone())), Err(BadSeedProof::Bit { at: 2 }));
    assert_eq!(with(&|nodes| nodes[1].0 = !nodes[1].0), Err(BadSeedProof::Side { at: 1 }));
    assert_eq!(with(&|nodes| nodes[0].1 = SeedTrie::default().root()), Err(BadSeedProof::Hash { at: 0 }));
    assert_eq!(with(&|nodes| nodes[last].1 = leaf_node(&key, b"other")), Err(BadSeedProof::Hash { at: last }));
    assert_eq!(with(&|nodes| nodes.truncate(1)), Err(BadSeedProof::End));
    assert_eq!(with(&|nodes| nodes.truncate(last)), Err(BadSeedProof::End));
    assert_eq!(with(&|nodes| nodes.clear()), Err(BadSeedProof::End));
}

#[test]
fn a_leaf_whose_key_is_not_its_datums_shows_nothing() {
    let leaf = SeedNode::Leaf { prefix: None, key: seed_bits(&[0; 32]), data: Some(vec![1]) };
    let root = SeedNode::Root { left: Some(leaf.hash()), right: None };
    let hash = root.hash();
    let proof = SeedProof { nodes: vec![(false, root), (false, leaf)] };
    assert_eq!(verify_merkle_proof(&proof, &[0; 32], &hash), Err(BadSeedProof::End));
}

proptest! {
    #[test]
    fn the_root_does_not_depend_on_the_order(
        data in prop::collection::btree_set(prop::collection::vec(any::<u8>(), 0..8), 0..60),
        turn: prop::sample::Index,
    ) {
        let data: Vec<_> = data.into_iter().collect();
        let mut other = data.clone();
        other.reverse();
        let middle = turn.index(other.len().max(1)).min(other.len());
        other.rotate_left(middle);
        prop_assert_eq!(trie(&data).root(), trie(&other).root());
        prop_assert_eq!(trie(&data).len(), data.len());
        let mut twice = trie(&data);
        prop_assert!(data.iter().all(|datum| !twice.insert(datum)), "nothing is new the second time");
        prop_assert_eq!(twice.root(), trie(&data).root());
    }

    #[test]
    fn presence_and_absence_are_provable(
        data in prop::collection::btree_set(prop::collection::vec(any::<u8>(), 0..8), 0..60),
        other in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        let held: Vec<_> = data.iter().cloned().collect();
        let trie = trie(&held);
        for datum in held.iter().chain([&other]) {
            let key = seed_key(datum);
            let shown = if data.contains(datum) { Shown::Present(datum) } else { Shown::Absent };
            let proof = trie.prove(&key);
            prop_assert_eq!(verify_merkle_proof(&proof, &key, &trie.root().hash()), Ok(shown));
        }
    }

    #[test]
    fn a_proof_of_one_key_shows_nothing_false_of_another(a in 0u8..40, b in 0u8..40) {
        let data = some(40);
        let trie = trie(&data);
        let proof = trie.prove(&seed_key(&data[usize::from(a)]));
        let judged = verify_merkle_proof(&proof, &seed_key(&data[usize::from(b)]), &trie.root().hash());
        prop_assert!(a == b || judged.is_err(), "all forty are there");
    }
}
