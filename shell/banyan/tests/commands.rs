//! Every command, and every way to end.

mod support;

use std::collections::BTreeSet;

use support::{Devnet, banyan};

/// A hash that no transaction has.
const NO_TX: &str = "th_11111111111111111111111111111111273Yts";

/// A contract that nobody has made.
const NO_CT: &str = "ct_11111111111111111111111111111111273Yts";

fn data_file(name: &str) -> String {
    format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Words of a command, and how it ends.
type Row<'a> = (Vec<&'a str>, i32);

/// Those that need no compiler.
fn contract_rows<'a>(code: &'a str, aci: &'a str, ct: &'a str) -> Vec<Row<'a>> {
    vec![
        (vec!["contract", "deploy", code, "1", "--from", "dev3"], 0),
        (vec!["contract", "deploy", code], 2),
        (vec!["contract", "deploy", code, "1", "--visible"], 2),
        (vec!["contract", "deploy", aci, "1"], 3),
        (vec!["contract", "deploy", "/nonexistent.aes"], 3),
        (vec!["contract", "call", ct, "count", "5", "--from", "dev3"], 0),
        (vec!["contract", "call", ct, "count", "0", "--from", "dev3"], 3),
        (vec!["contract", "call", ct, "count", "0", "--from", "dev3", "--gas", "5000"], 1),
        (vec!["contract", "call", NO_CT, "count", "5"], 1),
        (vec!["contract", "dry-run", ct, "get"], 0),
        (vec!["contract", "read", ct, "divide", "1", "0"], 1),
        (vec!["contract", "read", ct, "nothing"], 2),
        (vec!["contract", "inspect", ct], 0),
        (vec!["contract", "show", NO_CT], 1),
        (vec!["contract", "verify-source", ct, aci, "--compiler", "/nonexistent"], 3),
        (vec!["contract", "extend", ct, "10", "--from", "dev3"], 0),
        (vec!["contract", "extend", ct, "0"], 2),
        (vec!["contract", "events", ct], 0),
    ]
}

/// Names of the commands, as the program itself lists them.
fn commands() -> BTreeSet<String> {
    let help = banyan(&["--help"]).out;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    listed
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a row for each command")]
fn every_command_prints_valid_json() {
    let (data, devnet) = Devnet::fresh();
    devnet.funded();
    let path = |name: &str| data.path().join(name).to_str().unwrap().to_owned();
    let (password, genesis, proof) = (path("password"), path("genesis.toml"), path("proof.json"));
    std::fs::write(&password, "correct horse").unwrap();
    let made = devnet.run(&["genesis", "new", "root", "--time-ms", "1700000000000"]).ended(0);
    std::fs::write(&genesis, made["toml"].as_str().unwrap()).unwrap();
    std::fs::write(&proof, devnet.run(&["proof", "get", "supply"]).out).unwrap();
    let ak = devnet.ready["accounts"][0]["account"].as_str().unwrap();
    let tree = devnet.run(&["tree"]).ended(0);
    let bank = tree[0]["children"][0]["associate"].as_str().unwrap();
    let unsigned = devnet.run(&["tx", "build", "spend", ak, "dev1", "1"]).ended(0);
    let unsigned = unsigned["tx"].as_str().unwrap();

    let (code, aci) = (data_file("Counter.aeb"), data_file("Counter.json"));
    let made = devnet.run(&["contract", "deploy", &code, "1", "--aci", &aci, "--from", "dev3", "--yes"]).ended(0);
    let ct = made["contract"].as_str().unwrap();

    let with_password = ["--password-file", password.as_str(), "--yes"];
    let mut rows: Vec<Row<'_>> = vec![
        (vec!["status"], 0),
        (vec!["finality"], 0),
        (vec!["finality", "1"], 0),
        (vec!["finality", "9999999"], 1),
        (vec!["tree"], 0),
        (vec!["blocks", "--limit", "3"], 0),
        (vec!["block", "0"], 0),
        (vec!["block", "9999999"], 1),
        (vec!["account", "new", "alice"], 0),
        (vec!["account", "new", "alice"], 3),
        (vec!["account", "new", "dev0"], 2),
        (vec!["account", "list"], 0),
        (vec!["account", "show", "alice"], 0),
        (vec!["account", "export", "alice"], 0),
        (vec!["account", "rename", "alice", "bob"], 0),
        (vec!["account", "show", "alice"], 3),
        (vec!["account", "remove", "bob"], 0),
        (vec!["account", "import", "carol", "--from", "/nonexistent"], 3),
        (vec!["send", "dev1", "1", "--from", "dev0"], 0),
        (vec!["send", "dev1", "99999999", "--from", "dev0"], 4),
        (vec!["send", "nobody", "1"], 3),
        (vec!["move", "1", "--from", "root", "--to", "bank", "--quote", "--account", "dev0"], 0),
        (vec!["move", "1", "--from", "root", "--to", "moon", "--account", "dev0"], 3),
        (vec!["move", "1", "--from", "bank", "--to", "root", "--walk", "--quote", "--account", "dev0"], 0),
        (vec!["move", "1u", "--from", "root", "--to", "root", "--account", "dev0"], 3),
        (vec!["move", "99999999", "--from", "root", "--to", "bank", "--account", "dev0"], 4),
        (vec!["move", "--resume", "0123456789abcdef"], 1),
        (vec!["stake", "status", "dev0"], 0),
        (vec!["stake", "bond", "1", "--from", "dev0"], 0),
        (vec!["stake", "bond", "1", "--from", "dev0", "--witness-key", "/nonexistent"], 3),
        (vec!["stake", "unbond", "2", "--from", "dev0"], 3),
        (vec!["stake", "renew", "--from", "dev7"], 3),
        (vec!["stake", "bond", "1", "--from", "dev0", "--ledger", "bank"], 3),
        (vec!["validators", "show", "--ledger", "bank"], 0),
        (vec!["validators", "show"], 3),
        (vec!["validators", "unjail", "--from", "dev0", "--ledger", "bank"], 3),
        (vec!["validators", "name", ak, "--validator-key", "/nonexistent", "--ledger", "bank"], 3),
        (vec!["anchor", "draft"], 4),
        (vec!["anchor", "sign", "/nonexistent", "--genesis", &genesis, "--witness-key", "/nonexistent"], 3),
        (vec!["anchor", "add", &proof, "--genesis", &genesis], 3),
        (vec!["light"], 2),
        (vec!["light", "--chain", "nonsense"], 2),
        (vec!["light", "--trust", "nonsense", "--genesis", &genesis], 3),
        (vec!["light", "--genesis", &genesis], 3),
        (vec!["tx", "build", "spend", ak, ak, "1"], 0),
        (vec!["tx", "build", "commit", ak, bank, "1"], 0),
        (vec!["tx", "build", "withdraw", ak, "1", "--ledger", "bank"], 0),
        (vec!["tx", "decode", unsigned], 0),
        (vec!["tx", "decode", "tx_+"], 3),
        (vec!["tx", "sign", unsigned, "--by", "dev0"], 0),
        (vec!["tx", "sign", unsigned, "--by", "dev1"], 3),
        (vec!["tx", "submit", unsigned], 3),
        (vec!["tx", "wait", NO_TX], 1),
        (vec!["tx", "show", NO_TX], 1),
        (vec!["associate", "list"], 0),
        (vec!["associate", "show", "bank"], 0),
        (vec!["associate", "show", bank], 0),
        (vec!["associate", "show", "moon"], 1),
        (vec!["proof", "get", "supply", ak, bank], 0),
        (vec!["proof", "get", "nonsense"], 2),
        (vec!["proof", "verify", &proof], 0),
        (vec!["proof", "verify", &genesis], 3),
        (vec!["genesis", "new", "root"], 0),
        (vec!["genesis", "new", "solo"], 2),
        (vec!["genesis", "new", "solo", "--associate", bank, "--leader", ak, "--name", "shop"], 0),
        (vec!["genesis", "show", &genesis], 0),
        (vec!["genesis", "check", &genesis], 0),
        (vec!["genesis", "hash", &genesis], 0),
        (vec!["genesis", "check", &proof], 3),
        (vec!["doctor"], 0),
        (vec!["openapi"], 0),
        (vec!["completions", "bash"], 0),
        (vec!["version"], 0),
        (vec!["devnet", "status"], 0),
        (vec!["node", "--genesis", "/nonexistent"], 3),
        (vec!["demo", "--on", "http://127.0.0.1:9"], 6),
        (vec!["no-such-command"], 2),
        (vec!["send"], 2),
    ];
    rows.extend(contract_rows(&code, &aci, ct));
    for (args, code) in &rows {
        let run = devnet.run(&[&args[..], &with_password[..]].concat());
        assert_eq!(run.code, *code, "{args:?}: {} {}", run.out, run.err);
        let json = run.json();
        if *code > 1 {
            assert!(json["error"]["try"].as_str().is_some_and(|next| !next.is_empty()), "{args:?}: {json}");
        }
    }
    let run: BTreeSet<_> = rows.iter().map(|(args, _)| args[0].to_owned()).collect();
    let missed: Vec<_> = commands().difference(&run).cloned().collect();
    assert!(missed.is_empty(), "no row for {missed:?}");
}

#[test]
fn every_exit_code_has_its_owner() {
    let (_data, devnet) = Devnet::fresh();
    let rows: [(&[&str], i32, Option<&str>); 8] = [
        (&["status"], 0, None),
        (&["block", "9999999"], 1, Some("invalid")),
        (&["send"], 2, Some("invalid")),
        (&["tx", "decode", "tx_AAAA"], 3, Some("invalid")),
        (&["send", "dev1", "99999999", "--from", "dev0", "--yes"], 4, Some("early")),
        (&["account", "list", "--data", "/dev/null/x"], 5, Some("ours")),
        (
            &["move", "1", "--from", "root", "--to", "bank", "--account", "dev0", "--yes", "--timeout", "0"],
            7,
            Some("early"),
        ),
        (&["send", "dev1", "1", "--from", "dev0"], 8, Some("invalid")),
    ];
    for (args, code, owner) in rows {
        // The last flag wins, so a row may name another folder.
        let run = banyan(&[&["--json", "--quiet", "--url", &devnet.url], args].concat());
        let json = run.ended(code);
        assert_eq!(json["error"]["owner"].as_str(), owner, "{args:?}: {json}");
    }
    let nobody = banyan(&["status", "--json", "--url", "http://127.0.0.1:9"]).ended(6);
    assert_eq!(nobody["error"]["owner"], "early");
}

#[test]
fn a_move_is_quoted_and_told_leg_by_leg() {
    let (data, devnet) = Devnet::fresh();
    devnet.funded();
    let quoted = devnet.run(&["move", "10", "--from", "root", "--to", "bank", "--account", "dev0", "--quote"]).ended(0);
    let names: Vec<_> = quoted["legs"][0].as_object().unwrap().keys().map(String::as_str).collect();
    insta::assert_snapshot!(names.join(" "), @"action amount at_risk child covered escrow expected_ms fee from minted pending regime signed to worst_ms");
    assert_eq!((&quoted["manner"], &quoted["legs"][0]["covered"]), (&"routed".into(), &true.into()), "{quoted}");
    let args = ["move", "10", "--from", "root", "--to", "bank", "--account", "dev0", "--yes", "--url", &devnet.url];
    let folder = data.path().to_str().unwrap();
    let moved = banyan(&[&args[..], &["--data", folder, "--json"]].concat());
    let json = moved.ended(0);
    let steps = json["steps"].as_array().unwrap().iter();
    let words: Vec<_> = steps.map(|step| format!("{} {}", step["step"], step["level"]).replace('"', "")).collect();
    let expected = ["received received", "ordered ordered", "final hard", "entered hard", "credited hard"];
    assert_eq!(words, expected);
    // One line for each leg, where the quote and the plan were told before it.
    let lines: Vec<_> = moved.err.lines().filter(|line| line.starts_with("1/1 root → bank")).collect();
    assert!(matches!(lines[..], [line] if line.contains("credited   hard")), "{}", moved.err);
    // The node tells the same journey to whoever knows its name.
    let path = format!("/banyan/v1/journeys/{}", json["journey"].as_str().unwrap());
    let told: serde_json::Value = banyan_wallet::client::Client::new(&devnet.url).unwrap().get(&path).unwrap();
    assert_eq!((&told["status"], &told["txs"][0]), (&"done".into(), &json["txs"][0]), "{told}");
}

#[test]
fn errors_have_three_parts() {
    let nobody = banyan(&["status", "--url", "http://127.0.0.1:9"]);
    assert_eq!((nobody.code, nobody.out.as_str()), (6, ""));
    insta::assert_snapshot!(nobody.err, @r"
    error: no node answers
      http://127.0.0.1:9/banyan/v1/status: io: Connection refused (os error 111)
      try: banyan devnet, or name a running node with --url or BANYAN_URL
    ");
    insta::assert_snapshot!(banyan(&["send", "dev1", "1,5"]).err, @r"
    error: invalid value '1,5' for '<AMOUNT>': not an amount: write 12.5 for coins or 12500u for base units
      try: banyan send --help
    ");
    insta::assert_snapshot!(banyan(&["account", "nwe", "--json"]).ended(2)["error"]["message"], @r#""unrecognized subcommand 'nwe': Usage: banyan account [OPTIONS] <COMMAND>""#);
}

#[test]
fn a_genesis_is_shown_value_by_value() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("root.toml");
    let path = file.to_str().unwrap();
    std::fs::write(&file, banyan(&["genesis", "new", "root", "--time-ms", "1700000000000"]).out).unwrap();
    insta::assert_snapshot!(banyan(&["genesis", "show", path]).out, @r"
    name        root
    profile     dev
    time        1700000000000 ms since 1970
    hash        7465c1d80dd3ff76dceb50d06bcb2c22dc5e9aa7f70d8ac1587b131cb3e0fe76

    parameters
    network_id              banyan_dev
    ledger                  ac_11111111111111111111111111111111273Yts
    height_interval_ms      3000
    gas_price_min           1000000000
    gas_per_tx_max          6000000
    gas_per_block_max       60000000
    auth_gas_max            50000
    rent_gas_per_byte_year  20
    lifetime_default        262800
    lifetime_max            2628000
    grace                   21600
    root                    supply_cap 1000000000000 BNY, maturity 5, era 20, emission from 1, coins 100, from 1000000001, coins 0, tail_div 10000000000, stake none, anchors none
    committee               none

    engine root
    edge_bits                 10
    target_initial            553713663
    retarget                  no
    paced                     yes
    micro_interval_ms         300
    drift_ms                  3000
    micro_per_generation_max  4096
    micro_bytes_max           2097152
    final_depth               1
    settle_ms                 50
    delta_ms                  200
    versions                  from 0, version 6

    0 accounts, 0 witnesses, 0 associates
    ");
}

#[test]
fn a_child_genesis_cannot_hold_coins() {
    let ak = "ak_24h4GD5wdWmQ5sLFADdZYKjEREMujbTAup5THvthcnPikYozq3";
    let id = "ac_TgTKXQ17BFCetFVL1Z1X5FVUHg6jwvEt6iVZAVmbY5ETmAVMh";
    let child = ["genesis", "new", "solo", "--name", "shop", "--associate", id, "--leader", ak, "--json"];
    let refused = banyan(&[&child[..], &["--fund", &format!("{ak}=5")]].concat());
    assert_eq!(refused.ended(2)["error"]["code"], "child_accounts");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.toml");
    let toml =
        banyan(&child).ended(0)["toml"].as_str().unwrap().replace("[accounts]", &format!("[accounts]\n{ak} = \"5\""));
    assert!(toml.contains(ak));
    std::fs::write(&file, toml).unwrap();
    assert_eq!(banyan(&["genesis", "check", file.to_str().unwrap(), "--json"]).ended(3)["error"]["code"], "genesis");
}
