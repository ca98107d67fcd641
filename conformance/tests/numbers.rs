//! Numbers of the registry, as the sources and the frozen encodings name them. Rules: ledger 10.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use banyan_conformance::frozen::samples;

/// Numbers that drafts have used; nothing may have them again. Source: ledger 10.
const USED_BY_DRAFTS: [std::ops::RangeInclusive<u64>; 3] = [110..=119, 150..=150, 1032..=1032];
/// A number of a test inside the sources.
const OF_A_TEST: u64 = 9999;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources can be listed").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// `1210 v 1 Receipt {` as number, version and type.
fn row(line: &str) -> Option<(u64, u64, String)> {
    let mut words = line.split_whitespace();
    let (number, v, version, name) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let is_type = name.starts_with(|letter: char| letter.is_ascii_uppercase());
    (v == "v" && is_type).then_some((number.parse().ok()?, version.parse().ok()?, name.to_owned()))
}

/// Every row of the sources.
fn rows() -> Vec<(u64, u64, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is the folder above");
    let mut files = Vec::new();
    for layer in ["core", "machine", "shell"] {
        sources(&root.join(layer), &mut files);
    }
    let text = |path: &PathBuf| fs::read_to_string(path).expect("a source can be read");
    let rows = files.iter().flat_map(|path| text(path).lines().filter_map(row).collect::<Vec<_>>());
    rows.filter(|(number, ..)| *number != OF_A_TEST).collect()
}

#[test]
fn no_number_means_two_things() {
    let (rows, mut names) = (rows(), BTreeMap::new());
    for (number, version, name) in &rows {
        let before = names.insert((number, version), name);
        assert_eq!(before, None, "{number} v {version} is {name} too");
        assert!(!USED_BY_DRAFTS.iter().any(|drafts| drafts.contains(number)), "{number} was used by drafts");
    }
    // Versions of one number are one thing: a transaction stays a transaction, a leaf a leaf.
    let mut kinds = BTreeMap::<u64, BTreeSet<&str>>::new();
    for (number, _, name) in &rows {
        kinds.entry(*number).or_default().insert(name.trim_end_matches("V2"));
    }
    let twice: Vec<_> = kinds.iter().filter(|(_, names)| names.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn every_number_has_a_frozen_encoding() {
    let samples = samples();
    let frozen: BTreeSet<_> = samples.iter().filter_map(|sample| sample.name.split(' ').next()).collect();
    let rows = rows();
    assert!(rows.len() > 50, "the rows of the sources were not found");
    let absent: Vec<_> =
        rows.iter().filter(|(number, version, _)| !frozen.contains(format!("{number}.{version}").as_str())).collect();
    assert!(absent.is_empty(), "without a sample: {absent:?}");
}
