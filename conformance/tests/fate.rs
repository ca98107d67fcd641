//! What the vectors of the reference machine say of ours, sentence by sentence.

use std::{path::Path, sync::OnceLock};

use banyan_conformance::{Replayed, replay};

/// Every file, replayed once for all tests.
fn files() -> &'static [Replayed] {
    static FILES: OnceLock<Vec<Replayed>> = OnceLock::new();
    FILES.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/fate");
        replay("fate", &folder).expect("the committed folder can be read")
    })
}

/// Failures that hold one of these words, and how many rows held in the files that have such rows.
fn judged(words: &[&str], is_encoding: bool) -> (Vec<&'static String>, usize) {
    let files = files().iter().filter(|file| (file.name == "encoding.json") == is_encoding);
    let failures = files.clone().flat_map(|file| &file.failures);
    let failures = failures.filter(|failure| words.iter().any(|word| failure.contains(word))).collect();
    (failures, files.map(|file| file.figure.passed).sum())
}

#[test]
fn every_vector_scenario_matches_gas_bytes_and_stores() {
    let (failures, passed) = judged(&[""], false);
    assert_eq!(failures, [] as [&String; 0]);
    assert_eq!(files().len(), 16);
    assert_eq!(passed, 370);
}

#[test]
fn every_trace_line_matches() {
    assert_eq!(judged(&["trace line", "instructions"], false).0, [] as [&String; 0]);
}

#[test]
fn every_encode_row_round_trips_and_every_bad_row_is_refused() {
    let (failures, passed) = judged(&["encode", "decode", "symbol"], true);
    assert_eq!(failures, [] as [&String; 0]);
    assert_eq!(passed, 208);
}

#[test]
fn the_order_row_is_the_order() {
    assert_eq!(judged(&["order"], true).0, [] as [&String; 0]);
}

#[test]
fn every_bytecode_reserialises_byte_for_byte() {
    assert_eq!(judged(&["byte code", "first instruction"], false).0, [] as [&String; 0]);
}

#[test]
fn calldata_equals_the_sdk_encoding() {
    assert_eq!(judged(&["call data"], false).0, [] as [&String; 0]);
}

#[test]
fn what_crashes_the_reference_is_named() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/fate");
    let crashes = ["rawops.json", "chainenv.json"].map(|name| {
        let text = std::fs::read_to_string(folder.join(name)).expect("the committed vectors");
        text.matches("\"status\": \"invalid_tx\"").count() + text.matches("\"status\":\"invalid_tx\"").count()
    });
    // Copies from below the stack, an event of no string, a register that was never written, an index into no tuple, an
    // empty return; a payment of less than nothing. All are errors here, and all of their gas is spent.
    assert_eq!(crashes, [CRASHES_RAW, 1]);
}

const CRASHES_RAW: usize = 5;
