//! Any bytes as a proof of a key, of keys, of a list's item: reading and verifying never panic, what is read is written
//! back to the same bytes, and nothing but the empty trie's proof verifies under the empty root.
#![no_main]

use std::collections::BTreeSet;

use banyan_tree::{EMPTY, Key, ListProof, MultiProof, Proof};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<Key>, &[u8])| {
    let (keys, bytes) = input;
    let keys: Vec<Key> = BTreeSet::from_iter(keys).into_iter().collect();
    if let Ok(proof) = Proof::decode(bytes) {
        assert_eq!(proof.encode(), bytes);
        for key in &keys {
            let opened = proof.open(&EMPTY, key);
            assert!(opened.is_err() || (opened == Ok(None) && proof.nodes() == 1));
        }
    }
    if let Ok(proof) = MultiProof::decode(bytes) {
        assert_eq!(proof.encode(), bytes);
        let opened = proof.open(&EMPTY, &keys);
        assert!(opened.is_err() || (opened == Ok(vec![None; keys.len()]) && proof.nodes() == 1));
    }
    if let Ok(proof) = ListProof::decode(bytes) {
        assert_eq!(proof.encode(), bytes);
        assert!(keys.iter().all(|item| proof.verify(&EMPTY, item).is_err()));
    }
});
