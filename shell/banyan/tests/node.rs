//! One ledger in one process, and the story that the demo tells.

mod support;

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use serde_json::Value;
use support::{banyan, command, interrupt};

#[test]
fn a_node_runs_a_root_from_its_genesis() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (genesis, key) = (path("root.toml"), path("key"));
    let payer = "ak_21SBPc3yHP7bpQDvD1KMKzZZEgLtSXpDsK97LTjVwjiskra6Ka";
    let funded = format!("{payer}=10");
    let toml = banyan(&["genesis", "new", "root", "--interval-ms", "200", "--fund", &funded]).out;
    std::fs::write(&genesis, toml).unwrap();
    std::fs::write(&key, "sk_2rTvxzCtNvvwWMFLRStCjtCyVFpL5Sa9NNNQsAdqdtfRCiHKwH\n").unwrap();
    let data = path("data");
    let args =
        ["node", "--json", "--genesis", &genesis, "--miner-key", &key, "--listen", "127.0.0.1:0", "--data", &data];
    let mut process = command(&args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let url = ready["url"].as_str().unwrap();
    let command =
        ["send", "ak_iV7sCUsuKZytEEBEsX9N2K37m26X132LegogrgJEWzzPVjmmS", "1", "--from", "dev0", "--wait", "hard"];
    let sent = banyan(&[&command[..], &["--yes", "--json", "--url", url, "--data", &data]].concat()).ended(0);
    assert_eq!(sent["level"], "root_final");
    interrupt(&process);
    assert_eq!(process.wait().unwrap().code(), Some(0));
}

#[test]
fn the_demo_tells_its_story_slow() {
    let told = banyan(&["demo", "--json"]).ended(0);
    assert_eq!(told["ok"], true);
    let steps: Vec<_> = told["steps"].as_array().unwrap().iter().map(|step| step["title"].as_str().unwrap()).collect();
    assert_eq!(
        steps,
        [
            "grow a tree",
            "commit",
            "pay",
            "a contract",
            "remit",
            "a child that lies",
            "lose three of four witnesses",
            "totals"
        ]
    );
}
