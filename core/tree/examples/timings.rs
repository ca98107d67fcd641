//! Print how long the trie takes and how much memory it holds: `cargo run --release -p banyan-tree --example timings`.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "measuring is this program's purpose")]

use std::{hint::black_box, time::Instant};

use banyan_tree::{Change, Key, Leaf, ListProof, Trie, list_root, prove_item, value_hash};

const LEAVES: u32 = 1_000_000;
const CHANGES: u32 = 10_000;
const REPEATS: u32 = 10;

fn main() {
    let mut leaves: Vec<Leaf<u64>> = (0..LEAVES).map(|n| Leaf { key: key(n), value_hash: key(n), note: 0 }).collect();
    leaves.sort_unstable_by_key(|leaf| leaf.key);
    let before = resident_bytes();
    let start = Instant::now();
    let trie = Trie::build(leaves.iter().cloned());
    println!("build/leaves={LEAVES}  {:.0} ms", ms(start));
    if let (Some(before), Some(after)) = (before, resident_bytes()) {
        println!("memory  {} bytes a leaf", after.saturating_sub(before) / u64::from(LEAVES));
    }
    updates(&trie);
    proofs(&trie);
    lists();
}

fn updates(trie: &Trie<u64>) {
    for (name, first) in [("change", 0), ("insert", LEAVES)] {
        let batches: Vec<Vec<Change<u64>>> = (0..REPEATS).map(|batch| changes(first, batch)).collect();
        let mut now = trie.clone();
        let start = Instant::now();
        for batch in &batches {
            now = now.update(batch);
        }
        println!("update/{name}={CHANGES}  {:.1} ms", ms(start) / f64::from(REPEATS));
        black_box(now);
    }
}

fn changes(first: u32, batch: u32) -> Vec<Change<u64>> {
    let stride = if first == 0 { LEAVES / CHANGES } else { 1 };
    let numbers = (0..CHANGES).map(|n| first + n * stride + batch * if first == 0 { 1 } else { CHANGES });
    let mut changes: Vec<_> = numbers.map(|n| (key(n), Some((key(batch), u64::from(batch))))).collect();
    changes.sort_unstable_by_key(|(key, _)| *key);
    changes
}

fn proofs(trie: &Trie<u64>) {
    let root = trie.root();
    let start = Instant::now();
    let proofs: Vec<_> = (0..CHANGES).map(|n| trie.prove(&key(n))).collect();
    println!("prove/keys=1  {:.2} us", 1000.0 * ms(start) / f64::from(CHANGES));
    let start = Instant::now();
    for (n, proof) in (0..).zip(&proofs) {
        assert_eq!(proof.open(&root, &key(n)), Ok(Some(key(n))));
    }
    println!("open/keys=1  {:.2} us", 1000.0 * ms(start) / f64::from(CHANGES));
    println!("bytes/keys=1  at most {}", proofs.iter().map(|proof| proof.encode().len()).max().unwrap_or(0));

    let mut keys: Vec<Key> = (0..100).map(key).collect();
    keys.sort_unstable();
    let start = Instant::now();
    let proof = trie.prove_many(&keys);
    println!("prove/keys=100  {:.3} ms", ms(start));
    let start = Instant::now();
    assert!(proof.open(&root, &keys).is_ok());
    println!("open/keys=100  {:.3} ms", ms(start));
    println!("bytes/keys=100  {}", proof.encode().len());
}

fn lists() {
    let items: Vec<[u8; 32]> = (0..20_000).map(key).collect();
    let start = Instant::now();
    let root = list_root(items.iter().copied());
    println!("list_root/items=20000  {:.2} ms", ms(start));
    let start = Instant::now();
    let proof = prove_item(&items, 12_345);
    println!("prove_item/items=20000  {:.2} ms", ms(start));
    assert!(proof.is_some_and(|proof: ListProof| proof.verify(&root, &items[12_345]).is_ok()));
}

fn key(number: u32) -> Key {
    value_hash(&number.to_be_bytes())
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// What the kernel holds for this process, where it says so.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(status.split(' ').nth(1)?.parse::<u64>().ok()? * 4096)
}
