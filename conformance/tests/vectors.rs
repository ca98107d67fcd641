//! The committed folders, and what a reader says of a folder that it cannot read.

use std::path::{Path, PathBuf};

use banyan_conformance::{Figure, NAMES, Stopped, replay};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name)
}

fn figure_of(name: &str) -> Figure {
    let files = replay(name, &folder(name)).expect("a committed folder can be read");
    let failures: Vec<_> = files.iter().flat_map(|file| &file.failures).collect();
    assert_eq!(failures, [] as [&String; 0]);
    files.iter().fold(Figure::default(), |mut total, file| {
        total += file.figure;
        total
    })
}

#[test]
fn every_public_transaction_round_trips_with_the_sdk_bytes() {
    assert!(figure_of("encodings").passed > 105);
}

/// The rows say what the SDK estimates; a kind without a row is one that it does not know, or that is not here yet.
#[test]
fn minimum_fees_equal_the_sdk_estimate_for_every_kind() {
    let read = |name: &str| std::fs::read_to_string(folder("encodings").join(name)).expect("a committed file");
    let (spends, others) = (read("spend.json"), read("contract.json"));
    assert!(spends.contains("\"fee_min\":"));
    let kinds = ["ContractCreateTx", "ContractCallTx", "GAAttachTx", "GAMetaTx", "PayingForTx"];
    for kind in kinds {
        assert!(others.contains(&format!("\"kind\":\"{kind}\",\"fee_min\":")), "{kind}");
    }
    assert!(figure_of("encodings").held());
}

/// A change of what an account's contract is shown would make its answers worthless.
#[test]
fn auth_tx_hash_matches_the_sdk() {
    let dir = tempfile::tempdir().expect("a folder for this test");
    let others = std::fs::read_to_string(folder("encodings").join("contract.json")).expect("the committed vectors");
    let changed = others.replacen("\"gas_price\":\"1000000000\"", "\"gas_price\":\"1000000001\"", 1);
    std::fs::write(dir.path().join("a.json"), changed).expect("written");
    let files = replay("encodings", dir.path()).expect("the file can be read");
    assert_eq!(files[0].failures.len(), 1, "{:?}", files[0].failures);
    assert!(files[0].failures[0].contains("hash: ours"), "{:?}", files[0].failures);
    assert!(figure_of("encodings").held());
}

#[test]
fn proofs_of_work_equal_the_public_vectors() {
    assert!(figure_of("cuckoo").held());
}

#[test]
fn every_committed_folder_has_a_reader() {
    for entry in folder("").read_dir().expect("the folder of folders can be read") {
        let name = entry.expect("and so can its entries").file_name();
        assert!(NAMES.iter().any(|known| name == *known), "{name:?}");
    }
}

#[test]
fn a_row_that_differs_fails_and_says_what_differs() {
    let dir = tempfile::tempdir().expect("a folder for this test");
    let spend = std::fs::read_to_string(folder("encodings").join("spend.json")).expect("the committed vectors");
    std::fs::write(dir.path().join("a.json"), spend.replace("\"amount\":\"128\"", "\"amount\":\"129\""))
        .expect("written");
    std::fs::write(dir.path().join("b.json"), "{\"about\":\"\",\"spend\":[]}").expect("written");
    let files = replay("encodings", dir.path()).expect("both files can be read");
    let [changed, foreign] = &files[..] else { panic!("{files:?}") };
    assert_eq!(changed.figure.failed, 1);
    assert!(changed.failures[0].starts_with("first byte with a length: unsigned: ours"), "{:?}", changed.failures);
    assert_eq!(foreign.figure, Figure { passed: 0, failed: 1 });
    assert!(foreign.failures[0].contains("unknown field `spend`"), "{:?}", foreign.failures);
}

#[test]
fn nothing_replayed_is_no_success() {
    assert!(!Figure::default().held());
    let dir = tempfile::tempdir().expect("a folder for this test");
    assert!(matches!(replay("encodings", dir.path()), Err(Stopped::Empty(_))));
    assert!(matches!(replay("encodings", &dir.path().join("none")), Err(Stopped::Io(..))));
    assert!(matches!(replay("spells", dir.path()), Err(Stopped::Name(_))));
}
