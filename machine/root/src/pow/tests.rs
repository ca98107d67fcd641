use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};
use core::{
    array,
    sync::atomic::{AtomicUsize, Ordering},
};

use banyan_types::header::{KEY_WORKED_BYTES, POW_EDGES};
use proptest::{prelude::*, sample::subsequence};
use serde_json::Value;

use super::{
    graph::{Edge, Side},
    lean::cycles,
    verify::walk,
    *,
};
use crate::target::Target;

/// Lists every edge at once, as it does for small graphs.
const LISTING: Lean = Lean { listed_edges_max: usize::MAX, crew: Alone };
/// Keeps to the bitmap for as long as it can, as it does for big graphs.
const FRUGAL: Lean = Lean { listed_edges_max: 0, crew: Alone };
/// Shares the same out to hands that work one after the other, the last piece first.
const SHARED: Lean<Backwards> = Lean { listed_edges_max: 0, crew: Backwards };

struct Backwards;

impl Crew for Backwards {
    fn hands(&self) -> usize {
        3
    }

    fn share<I: Send, T: Send>(&self, items: Vec<I>, work: impl Fn(I) -> T + Sync) -> Vec<T> {
        let mut done: Vec<_> = items.into_iter().rev().map(work).collect();
        done.reverse();
        done
    }
}

const NEVER: &(dyn Fn() -> bool + Sync) = &|| false;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../conformance/vectors/cuckoo/cuckoo.json")).unwrap()
}

fn rows(of: &str) -> Vec<Value> {
    vectors()[of].as_array().unwrap().clone()
}

fn hex(value: &Value) -> [u8; 32] {
    let text = value.as_str().unwrap();
    array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
}

fn word(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap(), 16).unwrap()
}

fn cycle(value: &Value) -> Cycle {
    let edges = value.as_array().unwrap();
    assert_eq!(edges.len(), POW_EDGES);
    array::from_fn(|at| u32::try_from(edges[at].as_u64().unwrap()).unwrap())
}

fn graph(row: &Value) -> (Seed, EdgeBits) {
    let edge_bits = u8::try_from(row["edge_bits"].as_u64().unwrap()).unwrap();
    (Seed::new(&hex(&row["header_hash"]), row["nonce"].as_u64().unwrap()), bits(edge_bits))
}

fn bits(edge_bits: u8) -> EdgeBits {
    EdgeBits::new(edge_bits).unwrap()
}

fn solved(solver: &impl Solver, seed: &Seed, edge_bits: EdgeBits) -> Vec<Cycle> {
    let mut found = solver.solve(seed, edge_bits, NEVER);
    found.sort_unstable();
    found
}

#[test]
fn public_cuckoo_vector_verifies_and_its_neighbours_fail() {
    let public = &rows("solved")[0];
    let (seed, size) = graph(public);
    let good = cycle(&public["cycles"][0]);
    let refused = |seed: &Seed, size, cycle: &Cycle| verify(seed, size, cycle, &Target::HIGHEST).is_err();
    assert_eq!(verify(&seed, size, &good, &Target::HIGHEST), Ok(()));

    for at in 0..POW_EDGES {
        for changed in [good[at] - 1, good[at] + 1, good[at] ^ 1 << 14, good[(at + 1) % POW_EDGES]] {
            let mut near = good;
            near[at] = changed;
            assert!(refused(&seed, size, &near), "edge {} for {}", changed, good[at]);
        }
    }
    let header_hash = hex(&public["header_hash"]);
    for bit in 0..256 {
        let mut near = header_hash;
        near[bit / 8] ^= 1 << (bit % 8);
        assert!(refused(&Seed::new(&near, 38), size, &good), "bit {bit} of the header");
    }
    assert!([37, 39, 38 << 56].iter().all(|&nonce| refused(&Seed::new(&header_hash, nonce), size, &good)));
    assert!([14, 16, 29, 31].iter().all(|&size| refused(&seed, bits(size), &good)));
    // Its hash begins with 51d8fe9b.
    assert_eq!(verify(&seed, size, &good, &Target::from_compact(0x2051_d8ff).unwrap()), Ok(()));
    assert!(verify(&seed, size, &good, &Target::from_compact(0x2051_d8fe).unwrap()).is_err());
}

#[test]
fn committed_vectors_are_replayed_by_each_way_of_the_solver() {
    for row in rows("solved") {
        let (seed, size) = graph(&row);
        let list = |of: &str| row[of].as_array().unwrap().clone();
        let expected: Vec<_> = list("cycles").iter().map(cycle).collect();
        assert_eq!(seed.keys().as_slice(), list("keys").iter().map(word).collect::<Vec<_>>());
        assert_eq!(solved(&LISTING, &seed, size), expected);
        assert_eq!(solved(&FRUGAL, &seed, size), expected);
        assert_eq!(solved(&SHARED, &seed, size), expected);
        assert_eq!(
            expected.iter().map(cycle_hash).collect::<Vec<_>>(),
            list("hashes").iter().map(hex).collect::<Vec<_>>()
        );
    }
}

#[test]
fn solver_and_verifier_agree_at_10_to_19_bits() {
    let mut proofs = 0;
    for size in 10..=19 {
        for nonce in 0..(1 << (19 - size)).clamp(3, 80) {
            let seed = Seed::of_header(&[size; KEY_WORKED_BYTES], nonce);
            let found = solved(&LISTING, &seed, bits(size));
            assert_eq!(solved(&FRUGAL, &seed, bits(size)), found, "{size} bits, nonce {nonce}");
            for cycle in &found {
                assert_eq!(verify(&seed, bits(size), cycle, &Target::HIGHEST), Ok(()));
            }
            proofs += found.len();
        }
    }
    assert!(proofs > 0, "these seeds prove nothing");
}

#[test]
fn solver_finds_what_a_plain_search_finds() {
    let row = &rows("solved")[3];
    assert_eq!(plain_search(&graph(row).0, bits(10)).len(), 2);
    for nonce in 200..260 {
        let seed = Seed::new(&[0; 32], nonce);
        assert_eq!(solved(&LISTING, &seed, bits(10)), plain_search(&seed, bits(10)), "nonce {nonce}");
    }
}

/// All paths of 42 edges in the whole graph that end where they began: slow, with nothing thrown away before, and each
/// cycle found from all of its edges in both directions.
fn plain_search(seed: &Seed, edge_bits: EdgeBits) -> Vec<Cycle> {
    fn extend(at: &BTreeMap<u32, Vec<Edge>>, nodes: &[u32], path: &[u32], found: &mut BTreeSet<Cycle>) {
        let (node, before) = nodes.split_last().unwrap();
        if let Ok(mut cycle) = Cycle::try_from(path) {
            cycle.sort_unstable();
            found.extend((*node == nodes[0]).then_some(cycle));
        } else if !before.contains(node) {
            for edge in at[node].iter().filter(|edge| !path.contains(&edge.index)) {
                extend(at, &[nodes, &[edge.across(*node)]].concat(), &[path, &[edge.index]].concat(), found);
            }
        }
    }
    let mut at: BTreeMap<u32, Vec<Edge>> = BTreeMap::new();
    for edge in (0..=edge_bits.last()).map(|index| seed.edge(edge_bits, index)) {
        at.entry(edge.u).or_default().push(edge);
        at.entry(edge.v).or_default().push(edge);
    }
    let mut found = BTreeSet::new();
    for node in at.keys() {
        extend(&at, &[*node], &[], &mut found);
    }
    found.into_iter().collect()
}

#[test]
fn three_paths_between_two_nodes_are_three_cycles() {
    // 21 edges a path, so any two make 42; the nodes between are the path's own.
    let node = |path: u32, step: u32| match step {
        0 => 0,
        21 => 1,
        _ => (1 + path * 30 + step) << 1 | step & 1,
    };
    let edge = |path: u32, step: u32| {
        let (one, two) = (node(path, step), node(path, step + 1));
        let (u, v) = if one & 1 == 0 { (one, two) } else { (two, one) };
        Edge { index: path * 21 + step, u, v }
    };
    let edges: Vec<_> = (0..3).flat_map(|path| (0..21).map(move |step| edge(path, step))).collect();
    let pair =
        |one: u32, two: u32| [one, two].into_iter().flat_map(|path| path * 21..path * 21 + 21).collect::<Vec<u32>>();
    let mut found: [Cycle; 3] = cycles(&edges).try_into().unwrap();
    found.sort_unstable();
    assert_eq!(found.map(Vec::from), [pair(0, 1), pair(0, 2), pair(1, 2)]);
    assert!(cycles(&edges[1..42]).is_empty());
}

fn stops(solver: &impl Solver, seed: &Seed, size: EdgeBits) {
    let asked = AtomicUsize::new(0);
    let stop_after = |limit: usize| {
        asked.store(0, Ordering::Relaxed);
        solver.solve(seed, size, &|| asked.fetch_add(1, Ordering::Relaxed) == limit).len()
    };
    assert_eq!(stop_after(usize::MAX), 1);
    let all = asked.load(Ordering::Relaxed);
    assert!(all > 3);
    assert_eq!((0..all).map(stop_after).sum::<usize>(), 0);
}

#[test]
fn a_stopped_search_ends_with_nothing() {
    let (seed, size) = graph(&rows("solved")[0]);
    stops(&LISTING, &seed, size);
    stops(&FRUGAL, &seed, size);
    stops(&SHARED, &seed, size);
}

#[test]
fn each_pow_error_has_a_row_in_order() {
    let order = ["TooBig", "NotAscending", "EndpointsDiffer", "Branch", "DeadEnd", "ShortCycle", "AboveTarget"];
    let mut names: Vec<String> = Vec::new();
    for row in rows("refused") {
        let (seed, size) = graph(&row);
        let target = Target::from_compact(u32::try_from(word(&row["target"])).unwrap()).unwrap();
        let error = verify(&seed, size, &cycle(&row["cycle"]), &target).unwrap_err();
        let name = row["error"].as_str().unwrap();
        assert!(format!("{error:?}").starts_with(name), "{name} expected, {error}");
        names.push(name.into());
    }
    names.dedup();
    assert_eq!(names, order);
}

#[test]
fn a_seed_is_the_hash_of_the_header_and_its_nonce() {
    let prefix: [u8; KEY_WORKED_BYTES] = array::from_fn(|at| u8::try_from(at).unwrap());
    assert_eq!(Seed::of_header(&prefix, 7), Seed::new(&banyan_crypto::blake2b(&[&prefix]), 7));
}

#[test]
fn edge_bits_are_1_to_31() {
    assert_eq!(
        (0..=255).filter(|&size| EdgeBits::new(size).is_some()).collect::<Vec<_>>(),
        (1..=31).collect::<Vec<_>>()
    );
    assert_eq!((bits(1).last(), bits(29).last(), bits(31).last()), (1, (1 << 29) - 1, u32::MAX >> 1));
    assert!((1..10).all(|size| solved(&LISTING, &Seed::new(&[0; 32], 0), bits(size)).is_empty()));
}

#[test]
fn canned_solver_answers_its_script() {
    let script = [[1; POW_EDGES], [2; POW_EDGES]].to_vec();
    assert_eq!(Canned(script.clone()).solve(&Seed::new(&[0; 32], 0), bits(29), NEVER), script);
}

/// Edges of a graph in which every node has two: the U ends in order, the V ends as `order` says.
fn paired(order: &[u32]) -> [Edge; POW_EDGES] {
    array::from_fn(|at| {
        let index = u32::try_from(at).unwrap();
        Edge { index, u: index & !1, v: order[at] | 1 }
    })
}

/// Edges that can be reached from the first.
fn reach(edges: &[Edge]) -> usize {
    let mut seen = [edges[0]].to_vec();
    for at in 0..edges.len() {
        let Some(&edge) = seen.get(at) else { break };
        for near in edges.iter().filter(|near| near.touches(edge.node(Side::U)) || near.touches(edge.node(Side::V))) {
            if !seen.contains(near) {
                seen.push(*near);
            }
        }
    }
    seen.len()
}

proptest! {
    #[test]
    fn no_cycle_makes_the_verifier_panic(
        edges in prop::array::uniform32(any::<u32>()), more in prop::array::uniform10(any::<u32>()),
        size in 1_u8..=31, sort in any::<bool>(), nonce in any::<u64>(),
    ) {
        let mut cycle: Cycle = array::from_fn(|at| *edges.iter().chain(&more).nth(at).unwrap());
        if sort {
            cycle = cycle.map(|edge| edge & bits(size).last());
            cycle.sort_unstable();
        }
        prop_assert!(verify(&Seed::new(&[0; 32], nonce), bits(size), &cycle, &Target::HIGHEST).is_err());
    }

    #[test]
    fn a_crowded_graph_does_not_make_the_verifier_panic(
        edges in subsequence((0..64).collect::<Vec<u32>>(), POW_EDGES), nonce in any::<u64>(),
    ) {
        let cycle: Cycle = edges.try_into().unwrap();
        let verdict = verify(&Seed::new(&[0; 32], nonce), bits(6), &cycle, &Target::LOWEST);
        let formal = matches!(verdict, Err(BadCycle::TooBig { .. } | BadCycle::NotAscending { .. }));
        prop_assert!(verdict.is_err() && !formal);
    }

    #[test]
    fn the_walk_accepts_one_cycle_and_counts_a_short_one(order in Just((0..42).collect::<Vec<u32>>()).prop_shuffle()) {
        let edges = paired(&order);
        let expected = match reach(&edges) {
            POW_EDGES => Ok(()),
            edges => Err(BadCycle::ShortCycle { edges }),
        };
        prop_assert_eq!(walk(&edges), expected);
    }
}
