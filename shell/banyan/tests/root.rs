//! The root of a devnet: four witnesses, a light client that believes none of them, stake.

mod support;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use banyan_types::text::{self, Prefix};
use serde_json::Value;
use support::{Devnet, banyan, coins};

/// Heights of an era in the profile `dev`.
const ERA: u64 = 20;
/// Longest that these tests wait for a height.
const LIMIT: Duration = Duration::from_mins(1);

fn word<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("no {name} in {json}"))
}

/// A devnet whose eras take two seconds.
fn quick() -> (tempfile::TempDir, Devnet) {
    let data = tempfile::tempdir().unwrap();
    let devnet = Devnet::start(data.path(), &["--key-interval-ms", "100"]);
    (data, devnet)
}

fn final_at(devnet: &Devnet, height: u64) {
    let begun = Instant::now();
    while devnet.run(&["finality"]).ended(0)["final_height"].as_u64().unwrap() < height {
        assert!(begun.elapsed() < LIMIT, "height {height} does not become final");
    }
}

#[test]
fn four_witnesses_make_the_root_final() {
    let (_data, devnet) = Devnet::fresh();
    final_at(&devnet, 2);
    let standing = devnet.run(&["finality"]).ended(0);
    assert_eq!((word(&standing, "by"), standing["members"].as_array().unwrap().len()), ("stake", 4));
    let sealed = devnet.run(&["finality", "1"]).ended(0);
    assert!(sealed["sealed"]["signers"].as_array().unwrap().len() >= 3, "{sealed}");
}

#[test]
fn a_light_client_goes_on_where_it_stopped() {
    let data = tempfile::tempdir().unwrap();
    let devnet = Devnet::start(data.path(), &["--key-interval-ms", "500"]);
    let chain = devnet.run(&["status"]).ended(0);
    let chain = word(&chain, "genesis");
    let unknown = devnet.run(&["light"]).ended(2);
    assert!(unknown["error"]["message"].as_str().unwrap().contains(chain), "the node's own hash is shown: {unknown}");
    let other = devnet.run(&["light", "--chain", &"ab".repeat(32)]).ended(5);
    assert_eq!(word(&other["error"], "code"), "other_genesis");

    final_at(&devnet, ERA + 1);
    let boundary = devnet.run(&["block", &(ERA - 1).to_string()]).ended(0);
    let first = devnet.run(&["light", "dev0", "dev7", "--chain", chain]).ended(0);
    assert!(first["eras_crossed"].as_u64().unwrap() >= 1, "{first}");
    assert!(first["sealed"]["height"].as_u64().unwrap() >= ERA, "{first}");
    assert_eq!(word(&first["accounts"][1], "balance"), coins(10_000).to_string());
    assert_eq!(first["old"], false, "{first}");

    // Bonds answer for an era, which is ten seconds here: what is remembered is younger, and so is the block that a friend
    // names, with which nothing else need be known.
    let again = devnet.run(&["light"]).ended(0);
    assert_eq!(word(&again, "from"), "the last time");
    assert!(again["sealed"]["height"].as_u64() >= first["sealed"]["height"].as_u64(), "{again}");
    let fresh = data.path().join("fresh");
    let fresh = fresh.to_str().unwrap();
    let trusted = ["light", "--chain", chain, "--trust", word(&boundary, "hash"), "--url", &devnet.url];
    let trusted = banyan(&[&trusted[..], &["--json", "--quiet", "--data", fresh]].concat()).ended(0);
    assert_eq!(word(&trusted, "from"), "the trusted block");
    let middle = devnet.run(&["block", "3"]).ended(0);
    let refused = devnet.run(&["light", "--trust", word(&middle, "hash")]).ended(3);
    assert_eq!(word(&refused["error"], "code"), "not_followed");

    // A broken file is named, and a node of another ledger is called just that.
    let seals = data.path().join("light").join(chain).join("seals");
    std::fs::write(&seals, "broken").unwrap();
    let broken = devnet.run(&["light"]).ended(5);
    assert!(broken["error"]["message"].as_str().unwrap().contains(seals.to_str().unwrap()), "{broken}");
    std::fs::remove_file(&seals).unwrap();
    let bank = devnet.run(&["light", "--chain", chain, "--ledger", "bank"]).ended(3);
    assert_eq!(word(&bank["error"], "code"), "other_ledger");
}

#[test]
fn stake_is_bonded_serves_and_is_taken_back() {
    let (_data, devnet) = quick();
    let signed = |args: &[&str]| devnet.run(&[args, &["--from", "dev0", "--yes", "--wait", "hard"]].concat());
    let before = devnet.run(&["stake", "status", "dev0"]).ended(0);
    assert!(before["stake"].is_null(), "{before}");
    let bonded = signed(&["stake", "bond", "500"]).ended(0);
    let at = devnet.run(&["stake", "status", "dev0"]).ended(0);
    assert_eq!(word(&at, "witness"), word(&bonded, "witness"));
    assert_eq!(word(&at["stake"], "bonded"), coins(500).to_string());

    let height = devnet.run(&["status"]).ended(0)["top"]["height"].as_u64().unwrap();
    final_at(&devnet, (height / ERA + 1) * ERA);
    let serves = devnet.run(&["stake", "status", "dev0"]).ended(0);
    assert_eq!(word(&serves["sets"][0], "weight"), coins(500).to_string(), "{serves}");
    signed(&["stake", "renew"]).ended(0);
    signed(&["stake", "unbond", "500"]).ended(0);
    let left = devnet.run(&["stake", "status", "dev0"]).ended(0);
    assert_eq!(word(&left["stake"], "bonded"), "0");
    assert_eq!(word(&left["stake"]["unbonding"][0], "amount"), coins(500).to_string());
    let too_much = signed(&["stake", "unbond", "1"]).ended(3);
    assert_eq!(word(&too_much["error"], "owner"), "invalid");
    devnet.run(&["stake", "status", "dev0", "--ledger", "bank"]).ended(3);
    let nothing = devnet.run(&["stake", "renew", "--from", "dev5", "--yes"]).ended(3);
    assert_eq!(word(&nothing["error"], "code"), "no_stake");
}

#[test]
fn a_transaction_is_watched_until_it_is_final() {
    let (_data, devnet) = Devnet::fresh();
    let sent = devnet.run(&["send", "dev1", "1", "--from", "dev0", "--wait", "received", "--yes"]).ended(0);
    let watched = devnet.run(&["tx", "status", word(&sent, "hash"), "--watch"]);
    assert_eq!(watched.code, 0, "{}", watched.err);
    let lines: Vec<Value> = watched.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.last().unwrap();
    assert_eq!((word(last, "level"), word(&last["detail"], "word")), ("root_final", "final"));
    let levels: Vec<_> = lines.iter().map(|line| word(line, "level").to_owned()).collect();
    assert!(levels.len() > 1, "each change has a line: {levels:?}");
}

/// The key of a witness of the devnet, in a file as an operator has it. A devnet's keys come from its roles' names.
fn witness_key(folder: &Path, n: usize) -> String {
    let seed = banyan_crypto::blake2b(&[b"banyan devnet", format!("root witness {n}").as_bytes()]);
    let file = folder.join(format!("witness.{n}"));
    std::fs::write(&file, text::encode(Prefix::SecretSeed, &seed)).unwrap();
    file.to_str().unwrap().to_owned()
}

/// Over a third of the stake has no node; its operators leave it out, and the root is final again.
#[test]
fn operators_let_finality_go_on_without_stake_that_is_lost() {
    let (data, devnet) = quick();
    for who in ["dev0", "dev1", "dev2"] {
        devnet.run(&["stake", "bond", "9900", "--from", who, "--yes"]).ended(0);
    }
    let begun = Instant::now();
    let level = |devnet: &Devnet| devnet.run(&["finality"]).ended(0)["degraded"] == true;
    while !level(&devnet) {
        assert!(begun.elapsed() < LIMIT, "finality goes on");
    }
    let draft = loop {
        let draft = devnet.run(&["anchor", "draft"]);
        if draft.code == 0 {
            break draft.json();
        }
        assert!(begun.elapsed() < LIMIT, "{}", draft.err);
    };
    assert_eq!(draft["without"].as_array().unwrap().len(), 3, "{draft}");
    let genesis = data.path().join("devnet/genesis/root.toml");
    let (file, genesis) = (data.path().join("anchor.toml"), genesis.to_str().unwrap());
    std::fs::write(&file, word(&draft, "toml")).unwrap();
    let file = file.to_str().unwrap();
    for n in 0..3 {
        let key = witness_key(data.path(), n);
        let signed = banyan(&["--json", "anchor", "sign", file, "--genesis", genesis, "--witness-key", &key]).ended(0);
        assert_eq!(signed["signatures"], n + 1);
    }
    let hash = banyan(&["--json", "genesis", "hash", genesis]).ended(0);
    drop(devnet);
    banyan(&["--json", "anchor", "add", file, "--genesis", genesis]).ended(0);
    assert_eq!(banyan(&["--json", "genesis", "hash", genesis]).ended(0), hash, "the ledger is the one it was");

    let devnet = Devnet::start(data.path(), &[]);
    let height = draft["height"].as_u64().unwrap();
    final_at(&devnet, height + 2 * ERA);
    let standing = devnet.run(&["finality"]).ended(0);
    assert_eq!((&standing["anchored"]["height"], standing["members"].as_array().unwrap().len()), (&draft["height"], 4));
    // A light client passes with that file, and stops without it.
    let light = |more: &[&str]| devnet.run(&[&["light"][..], more].concat());
    let passed = light(&["--genesis", genesis]).ended(0);
    assert!(passed["sealed"]["height"].as_u64().unwrap() > height, "{passed}");
    let fresh = data.path().join("fresh");
    let fresh = fresh.to_str().unwrap();
    let chain = ["light", "--chain", word(&hash, "hash"), "--url", &devnet.url, "--json", "--quiet", "--data", fresh];
    assert_eq!(word(&banyan(&chain).ended(3)["error"], "code"), "not_followed");
}
