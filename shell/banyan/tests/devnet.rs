//! A devnet, used as a person uses it: pay, move down and up, stop, go on.

mod support;

use std::time::Duration;

use serde_json::Value;
use support::{Devnet, banyan, coins};

fn word<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("no {name} in {json}"))
}

#[test]
fn a_payment_climbs_the_ladder() {
    let (_data, devnet) = Devnet::fresh();
    let sent = devnet.run(&["send", "dev1", "25", "--from", "dev0", "--wait", "hard", "--yes"]).ended(0);
    assert!(matches!(word(&sent, "level"), "hard" | "root_final"), "{sent}");
    assert_eq!(devnet.balance("dev1", "root"), coins(10_025));
    let shown = devnet.run(&["tx", "show", word(&sent, "hash")]).ended(0);
    assert_eq!(word(&shown, "status"), "included");
}

#[test]
fn coins_move_down_are_paid_and_come_back() {
    let (_data, devnet) = Devnet::fresh();
    let moved = devnet.run(&["move", "100", "--from", "root", "--to", "bank", "--account", "dev0", "--yes"]).ended(0);
    let steps: Vec<_> = moved["steps"].as_array().unwrap().iter().map(|step| word(step, "step")).collect();
    assert_eq!(steps, ["received", "ordered", "final", "entered", "credited"]);
    assert!(moved["steps"][4]["proven"]["facts"][0].as_str().unwrap().contains("to 1100 BNY"), "{moved}");
    assert_eq!(devnet.balance("dev0", "root/bank"), coins(1_100));

    let paid = ["send", "dev1", "30", "--from", "dev0", "--ledger", "bank", "--wait", "hard", "--yes"];
    devnet.run(&paid).ended(0);
    assert_eq!(devnet.balance("dev1", "root/bank"), coins(1_030));

    let back = devnet.run(&["move", "10", "--from", "bank", "--to", "root", "--account", "dev1", "--yes"]).ended(0);
    let steps: Vec<_> = back["steps"].as_array().unwrap().iter().map(|step| word(step, "step")).collect();
    assert_eq!(steps, ["received", "ordered", "entered", "summarised", "remitted"]);
    assert_eq!(devnet.balance("dev1", "root"), coins(10_010));

    let shown = devnet.run(&["associate", "show", "bank"]).ended(0);
    assert_eq!((word(&shown, "law"), word(&shown["escrow"], "remitted")), ("holds", coins(10).to_string().as_str()));
}

#[test]
fn coins_cross_the_tree_with_one_signature_or_one_for_each_leg() {
    let (_data, devnet) = Devnet::fresh();
    let down = devnet.run(&["move", "20", "--from", "root", "--to", "relay", "--account", "dev4", "--yes"]).ended(0);
    assert_eq!((word(&down, "manner"), down["txs"].as_array().unwrap().len()), ("routed", 1), "{down}");
    // Its own coins came down before those of the move, which waits behind them.
    let (relay, root) = (devnet.balance("dev4", "root/bank/relay"), devnet.balance("dev4", "root"));
    for (walk, txs) in [(&[][..], 1), (&["--walk"][..], 2)] {
        let args = ["move", "10", "--from", "relay", "--to", "root", "--account", "dev4", "--yes"];
        let up = devnet.run(&[&args[..], walk].concat()).ended(0);
        assert_eq!(up["txs"].as_array().unwrap().len(), txs, "{up}");
        let ends: Vec<_> =
            up["steps"].as_array().unwrap().iter().filter(|step| word(step, "step") == "remitted").collect();
        assert_eq!((ends.len(), word(ends[1], "from"), word(ends[1], "to")), (2, "bank", "root"), "{up}");
    }
    // Twenty coins less the fees, which are far below one.
    let (spent, got) = (relay - devnet.balance("dev4", "root/bank/relay"), devnet.balance("dev4", "root") - root);
    assert!(spent - coins(20) < coins(1) && coins(20) - got < coins(1), "{spent} {got}");
}

#[test]
fn two_leaves_are_four_hops_apart_and_a_killed_move_pays_once() {
    let data = tempfile::tempdir().unwrap();
    let devnet = Devnet::start(data.path(), &["--key-interval-ms", "300", "--deep"]);
    devnet.funded();
    // Behind its own coins, which came first.
    devnet.run(&["move", "1", "--from", "root", "--to", "till", "--account", "dev5", "--yes"]).ended(0);
    devnet.run(&["move", "1", "--from", "root", "--to", "relay", "--account", "dev5", "--yes"]).ended(0);
    let way = ["move", "10", "--from", "relay", "--to", "till", "--account", "dev5", "--yes"];
    let before = devnet.balance("dev5", "root/vault/till");
    let whole = devnet.run(&way).ended(0);
    let legs: Vec<_> = whole["steps"].as_array().unwrap().iter().map(|step| word(step, "from").to_owned()).collect();
    assert!(["relay", "bank", "root", "vault"].iter().all(|from| legs.iter().any(|leg| leg == from)), "{whole}");
    let arrives = devnet.balance("dev5", "root/vault/till") - before;
    assert!(coins(10) - arrives < coins(1), "{arrives}");
    for (round, ms) in [0, 150, 400, 900, 1_800, 3_600].into_iter().enumerate() {
        let known = devnet.moves();
        devnet.killed_after(&way, Duration::from_millis(ms));
        let expected = before + arrives * (round as u128 + 2);
        // Killed before its plan was written nothing was sent, and it begins anew.
        match devnet.moves().into_iter().find(|id| !known.contains(id)) {
            Some(id) => devnet.run(&["move", "--resume", &id]).ended(0),
            None => devnet.run(&way).ended(0),
        };
        assert_eq!(devnet.balance("dev5", "root/vault/till"), expected, "killed after {ms} ms");
    }
}

#[test]
fn operators_and_users_of_a_child_are_told_what_is_missing() {
    let (data, devnet) = Devnet::fresh();
    devnet.funded();
    let few =
        devnet.run(&["associate", "operators", "vault", "--operator", "dev0", "--threshold", "1", "--yes"]).ended(3);
    assert_eq!(word(&few["error"], "code"), "authorization", "{few}");
    let kit = data.path().join("kit.json");
    let kit = kit.to_str().unwrap();
    let kept = devnet.run(&["associate", "kit", "bank", "--account", "dev1", "--out", kit]).ended(0);
    assert_eq!(word(&kept, "amount"), coins(1_000).to_string(), "{kept}");
    // While it lives it shows its parent new states, and each makes the kit useless; with the last one it is too early.
    let early = devnet.run(&["associate", "escape", kit, "--from", "dev1", "--yes"]);
    let code = early.json()["error"]["code"].as_str().unwrap().to_owned();
    assert!([(4, "not_dead"), (3, "stale_kit")].contains(&(early.code, code.as_str())), "{early:?}");
    let wrong = devnet.run(&["associate", "escape", kit, "--from", "dev2", "--ledger", "bank", "--yes"]).ended(3);
    assert_eq!(word(&wrong["error"], "code"), "wrong_ledger", "{wrong}");
    let long = devnet.run(&["associate", "extend", "vault", "1000", "--from", "dev1", "--yes"]).ended(3);
    assert_eq!(word(&long["error"], "code"), "lifetime_too_long", "it lives as long as it may: {long}");
}

#[test]
fn a_rotation_of_two_is_one_command() {
    let data = tempfile::tempdir().unwrap();
    let more = ["--key-interval-ms", "300", "--only", "rotation", "--nodes", "2"];
    let devnet = Devnet::start(data.path(), &more);
    let status = devnet.run(&["status", "--ledger", "relay"]).ended(0);
    assert_eq!((word(&status, "engine"), word(&status, "safety")), ("rotation", "order-only"), "{status}");
    devnet.run(&["move", "1", "--from", "root", "--to", "relay", "--account", "dev0", "--yes"]).ended(0);
    devnet.run(&["send", "dev1", "1", "--from", "dev0", "--ledger", "relay", "--wait", "hard", "--yes"]).ended(0);
    assert_eq!(devnet.stop(), 0);
}

#[test]
fn a_move_goes_on_where_it_stopped_and_never_pays_twice() {
    let (_data, devnet) = Devnet::fresh();
    devnet.funded();
    let stopped = devnet
        .run(&["move", "5", "--from", "root", "--to", "bank", "--account", "dev2", "--yes", "--timeout", "0"])
        .ended(7);
    let next = word(&stopped["error"], "try");
    let id = next.rsplit(' ').next().unwrap();
    for _ in 0..2 {
        devnet.run(&["move", "--resume", id]).ended(0);
        assert_eq!(devnet.balance("dev2", "root/bank"), coins(1_005));
    }
}

#[test]
fn a_devnet_restarts_where_it_stopped() {
    let (data, devnet) = Devnet::fresh();
    let sent = devnet.run(&["send", "dev1", "1", "--from", "dev0", "--yes"]).ended(0);
    assert_eq!(devnet.stop(), 0);
    let again = Devnet::start(data.path(), &[]);
    assert_eq!(again.ready["fresh"], false);
    again.run(&["tx", "wait", word(&sent, "hash"), "--wait", "hard"]).ended(0);
    assert_eq!(again.balance("dev1", "root"), coins(10_001));
}

#[test]
fn what_was_acknowledged_survives_a_power_cut() {
    let (data, devnet) = Devnet::fresh();
    let sent = devnet.run(&["send", "dev1", "1", "--from", "dev0", "--wait", "received", "--yes"]).ended(0);
    devnet.cut();
    let again = Devnet::start(data.path(), &[]);
    again.run(&["tx", "wait", word(&sent, "hash"), "--wait", "hard"]).ended(0);
    assert_eq!(again.balance("dev1", "root"), coins(10_001));
    assert_eq!(again.stop(), 0);
}

#[test]
fn ctrl_c_leaves_no_process_and_no_lock() {
    let (data, devnet) = Devnet::fresh();
    assert_eq!(devnet.interrupt(), 0);
    assert!(!data.path().join("devnet/running.json").exists());
    assert_eq!(Devnet::start(data.path(), &[]).interrupt(), 0);
}

#[test]
fn funds_and_resets_are_for_fresh_trees() {
    let data = tempfile::tempdir().unwrap();
    let ak = "ak_24h4GD5wdWmQ5sLFADdZYKjEREMujbTAup5THvthcnPikYozq3";
    let args = ["--key-interval-ms", "300", "--fund", &format!("{ak}=7"), "--reset"];
    let devnet = Devnet::start(data.path(), &args);
    assert_eq!(devnet.balance(ak, "root"), coins(7));
    let folder = data.path().to_str().unwrap();
    assert_eq!(banyan(&["devnet", "--data", folder, "--json"]).ended(4)["error"]["code"], "locked");
    assert_eq!(devnet.stop(), 0);
    let late = banyan(&["devnet", "--data", folder, "--fund", ak, "--json"]);
    assert_eq!(late.ended(2)["error"]["code"], "not_fresh");
    let anew = Devnet::start(data.path(), &["--reset", "--key-interval-ms", "300"]);
    assert_eq!(anew.ready["fresh"], true);
    assert_eq!(anew.balance(ak, "root"), 0);
}

#[test]
fn a_devnet_says_that_it_runs() {
    let (data, devnet) = Devnet::fresh();
    let folder = data.path().to_str().unwrap();
    let status = banyan(&["devnet", "status", "--data", folder, "--json"]).ended(0);
    assert_eq!(word(&status, "url"), devnet.url);
    assert_eq!(devnet.stop(), 0);
    assert_eq!(banyan(&["devnet", "status", "--data", folder, "--json"]).ended(1)["running"], false);
    assert_eq!(banyan(&["devnet", "stop", "--data", folder, "--json"]).ended(1)["error"]["code"], "not_running");
}

#[test]
fn offline_signing_needs_no_node() {
    let (data, devnet) = Devnet::fresh();
    let folder = data.path().to_str().unwrap();
    let file = |name: &str, text: &str| {
        let path = data.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (password, secret) =
        (file("password", "correct horse"), file("secret", word(&devnet.ready["accounts"][3], "secret")));
    let keys = ["--json", "--data", folder, "--password-file", &password, "--yes"];
    let run = |args: &[&str]| banyan(&[args, &keys[..]].concat());
    let account = run(&["account", "import", "cold", "--from", &secret]).ended(0)["account"].clone();
    let from = account.as_str().unwrap();
    let built = devnet.run(&["tx", "build", "spend", from, "dev0", "2"]).ended(0);
    let network = word(&built, "network_id");
    let signed = run(&["tx", "sign", word(&built, "tx"), "--by", "cold", "--network-id", network]).ended(0);
    let decoded = run(&["tx", "decode", word(&signed, "tx")]).ended(0);
    assert_eq!(decoded["hash"], signed["hash"]);
    let sent = devnet.run(&["tx", "submit", word(&signed, "tx"), "--wait", "ordered"]).ended(0);
    assert_eq!(sent["hash"], signed["hash"]);
    assert_eq!(devnet.balance("dev0", "root"), coins(10_002));
    // Signed for this ledger, good for no other.
    let elsewhere = devnet.run(&["tx", "submit", word(&signed, "tx"), "--ledger", "bank"]);
    assert_eq!(elsewhere.ended(3)["error"]["owner"], "invalid");
}

#[test]
fn a_proof_verifies_without_the_node() {
    let (data, devnet) = Devnet::fresh();
    let got = devnet.run(&["proof", "get", word(&devnet.ready["accounts"][0], "account"), "supply"]);
    let (json, file) = (got.ended(0), data.path().join("proof.json"));
    std::fs::write(&file, &got.out).unwrap();
    drop(devnet);
    let path = file.to_str().unwrap();
    let verified = banyan(&["proof", "verify", path, "--block", word(&json, "block"), "--json"]).ended(0);
    assert_eq!(verified["leaves"], json["leaves"]);
    let other = "kh_2DH9gj198ShzkLkEkMtqPZhzig2fMx9rg723MscUAt51sCkf8W";
    assert_eq!(banyan(&["proof", "verify", path, "--block", other, "--json"]).ended(1)["verified"], false);
}
