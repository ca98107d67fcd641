//! Our own formats, held still.

use std::collections::BTreeSet;

use banyan_conformance::frozen::{lines, samples};

const FROZEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/frozen.txt");

/// To freeze again what was changed on purpose: `BANYAN_FREEZE=1 cargo test -p banyan-conformance`.
#[test]
fn a_frozen_file_holds_one_hash_per_encoding() {
    if std::env::var_os("BANYAN_FREEZE").is_some() {
        std::fs::write(FROZEN, lines()).expect("the frozen file can be written");
    }
    let frozen = std::fs::read_to_string(FROZEN).expect("the frozen file can be read");
    let now = lines();
    let changed: Vec<_> = now.lines().filter(|line| !frozen.lines().any(|frozen| frozen == *line)).collect();
    assert_eq!(frozen, now, "a format has changed: {changed:#?}");
}

#[test]
fn a_name_stands_for_one_encoding() {
    let samples = samples();
    let names: BTreeSet<_> = samples.iter().map(|sample| sample.name).collect();
    let contents: BTreeSet<_> = samples.iter().map(|sample| &sample.bytes).collect();
    assert_eq!((names.len(), contents.len()), (samples.len(), samples.len()));
}

#[test]
fn what_is_decoded_encodes_to_the_same_bytes() {
    for sample in samples() {
        let Some(again) = sample.again else { continue };
        assert_eq!(again(&sample.bytes).as_deref(), Some(&sample.bytes[..]), "{}", sample.name);
    }
}

/// Every byte of every encoding, changed in each bit; cut short; and with one more byte behind it.
#[test]
fn no_value_has_two_encodings() {
    for sample in samples() {
        let Some(again) = sample.again else { continue };
        let holds = |bytes: &[u8]| {
            if let Some(encoded) = again(bytes) {
                assert_eq!(encoded, bytes, "{}", sample.name);
            }
        };
        for at in 0..sample.bytes.len() {
            for bit in 0..8 {
                let mut changed = sample.bytes.clone();
                changed[at] ^= 1 << bit;
                holds(&changed);
            }
            assert_eq!(again(&sample.bytes[..at]), None, "{} cut at {at}", sample.name);
        }
        let longer = [&sample.bytes[..], &[0]].concat();
        assert_eq!(again(&longer), None, "{} with a byte behind it", sample.name);
    }
}
