//! A contract's life on a devnet: made of code that was compiled before, called, tried, looked at, extended.

mod support;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use banyan_crypto::SecretKey;
use banyan_types::{
    AccountId, Amount, Gas,
    text::{self, Prefix},
};
use banyan_wallet::{
    aci::{Interface, nobody},
    client::Client,
    tx::{self, Terms},
};
use serde_json::Value;
use support::{Devnet, Run, banyan, coins};

/// The counter of the conformance tests, compiled by aesophia 8.0.0.
const CODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/Counter.aeb");
const ACI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/Counter.json");
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/Counter.aes");

/// A contract that nobody has made.
const NOBODY: &str = "ct_11111111111111111111111111111111273Yts";

fn word<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("no {name} in {json}"))
}

/// A devnet, and a command that somebody signs there.
struct Chain(tempfile::TempDir, Devnet);

impl Chain {
    fn new() -> Self {
        let (data, devnet) = Devnet::fresh();
        Self(data, devnet)
    }

    fn run(&self, args: &[&str]) -> Run {
        self.1.run(&[&["contract"], args].concat())
    }

    fn signed(&self, args: &[&str]) -> Run {
        self.run(&[args, &["--from", "dev0", "--yes"]].concat())
    }

    /// The counter from 10, with what goes with it.
    fn counter(&self, more: &[&str]) -> String {
        let made = self.signed(&[&["deploy", CODE, "10", "--aci", ACI], more].concat()).ended(0);
        word(&made, "contract").to_owned()
    }
}

#[test]
fn a_contract_is_made_called_tried_and_extended() {
    let chain = Chain::new();
    let made = chain.signed(&["deploy", CODE, "10", "--aci", ACI]).ended(0);
    let ct = word(&made, "contract");
    assert_eq!(word(&made, "ended"), "ok");

    let counted = chain.signed(&["call", ct, "count", "5"]).ended(0);
    assert_eq!((word(&counted, "result"), word(&counted, "type")), ("15", "int"));
    let events: Vec<_> = counted["events"].as_array().unwrap().iter().map(|event| word(event, "event")).collect();
    let dev0 = chain.1.ready["accounts"][0]["account"].as_str().unwrap();
    assert_eq!(events, [format!("Counted(15, {dev0})").as_str(), "Noted(\"counted\")"]);

    // A trial changes nothing, and says what the call would cost.
    let tried = chain.run(&["dry-run", ct, "count", "5", "--from", "dev0"]).ended(0);
    assert_eq!(word(&tried, "result"), "20");
    assert_eq!(tried["gas_used"], counted["gas_used"]);
    assert_eq!(word(&chain.run(&["read", ct, "get"]).ended(0), "result"), "15");
    let echo = ["dry-run", ct, "echo", "-1", "true", "two words", "Some(dev0)", "[(2, \"b\")]", "{[\"k\"] = 3}"];
    let echo = chain.run(&echo).ended(0);
    assert_eq!(
        word(&echo, "result"),
        format!("(-1, true, \"two words\", Some({dev0}), [(2, \"b\")], {{[\"k\"] = 3}})")
    );

    // Coins go with a call of a payable function, and lie in the contract.
    chain.signed(&["call", ct, "pay", "--amount", "2"]).ended(0);
    let shown = chain.run(&["inspect", ct]).ended(0);
    assert_eq!((word(&shown, "owner"), word(&shown, "balance")), (dev0, coins(2).to_string().as_str()));
    assert_eq!((&shown["visible"], &shown["expired"]), (&false.into(), &false.into()));
    assert_eq!((word(&shown["interface"], "origin"), word(&shown["interface"], "name")), ("file", "Counter"));

    let longer = chain.signed(&["extend", ct, "1000"]).ended(0);
    let expiry = |json: &Value| json["expiry"].as_u64().unwrap();
    assert_eq!(expiry(&longer), expiry(&shown) + 1_000);
    assert_eq!(expiry(&chain.run(&["inspect", ct]).ended(0)), expiry(&longer));

    let said = chain.run(&["events", ct, "--last", "200"]).ended(0);
    let said: Vec<_> = said["events"].as_array().unwrap().iter().map(|event| word(event, "event")).collect();
    assert_eq!(said, events, "of everything since, only the first call emitted events");
}

/// As a person reads it; what the devnet of a test gives is the same each time.
#[test]
fn a_trial_reads_well() {
    let chain = Chain::new();
    let ct = chain.counter(&[]);
    let plain = |args: &[&str]| {
        let more = ["--url", &chain.1.url, "--data", chain.0.path().to_str().unwrap()];
        banyan(&[&["contract"], args, &more[..]].concat())
    };
    insta::assert_snapshot!(plain(&["dry-run", &ct, "count", "5", "--from", "dev1"]).out, @r#"
    call    count(by = 5)
    as      ak_iV7sCUsuKZytEEBEsX9N2K37m26X132LegogrgJEWzzPVjmmS
    result  15
    gas     5431
    charge  0.000187431 BNY on the ledger: fee and gas
    event   Counted(15, ak_iV7sCUsuKZytEEBEsX9N2K37m26X132LegogrgJEWzzPVjmmS)
    event   Noted("counted")
    "#);
    insta::assert_snapshot!(plain(&["dry-run", &ct, "count", "-5"]).out, @r#"
    call     count(by = -5)
    as       ak_21SBPc3yHP7bpQDvD1KMKzZZEgLtSXpDsK97LTjVwjiskra6Ka
    refused  "only upwards"
    gas      33
    charge   0.000181993 BNY on the ledger: fee and gas
    "#);
    insta::assert_snapshot!(plain(&["dry-run", &ct, "count"]).err, @"
    error: that is no call of this contract
      0 arguments, needed 1: count(by : int) : int
      try: banyan contract inspect CT lists the functions with their types
    ");
}

#[test]
fn what_a_contract_refuses_is_said_before_and_after() {
    let chain = Chain::new();
    let ct = chain.counter(&[]);
    let tried = chain.run(&["dry-run", &ct, "refuse", "not today"]).ended(1);
    assert_eq!((word(&tried, "ended"), word(&tried, "reason")), ("revert", "not today"));
    let refused = chain.signed(&["call", &ct, "refuse", "not today"]).ended(3);
    assert_eq!(word(&refused["error"], "code"), "revert");
    assert!(word(&refused["error"], "message").contains("\"not today\""), "{refused}");
    let failed = chain.signed(&["call", &ct, "divide", "1", "0"]).ended(3);
    assert!(word(&failed["error"], "message").contains("division by zero"), "{failed}");

    // Whoever names the gas sends it all the same: it stands on the ledger, and has done nothing.
    let sent = chain.signed(&["call", &ct, "refuse", "not today", "--gas", "5000"]).ended(1);
    assert_eq!((word(&sent, "ended"), word(&sent, "reason")), ("revert", "not today"));
    assert!(sent["gas_used"].as_u64().unwrap() < 5_000, "{sent}");
    assert_eq!(sent["events"].as_array().unwrap().len(), 0);
    let failed = chain.signed(&["call", &ct, "divide", "1", "0", "--gas", "5000"]).ended(1);
    assert_eq!((word(&failed, "ended"), &failed["gas_used"]), ("error", &5_000.into()));
}

#[test]
fn a_call_that_cannot_be_is_not_sent() {
    let chain = Chain::new();
    let ct = chain.counter(&[]);
    let rows: [(&[&str], i32, &str); 8] = [
        (&["call", &ct, "nothing"], 2, "bad_call"),
        (&["call", &ct, "count"], 2, "bad_call"),
        (&["call", &ct, "count", "five"], 2, "bad_call"),
        (&["call", NOBODY, "get"], 1, "no_contract"),
        (&["call", &ct, "count", "5", "--aci", CODE], 3, "bad_interface"),
        (&["extend", &ct, "0"], 2, "no_heights"),
        (&["extend", &ct, "99999999"], 3, "lifetime_too_long"),
        (&["deploy", CODE, "1", "--lifetime", "99999999"], 3, "lifetime_too_long"),
    ];
    for (args, code, named) in rows {
        let run = chain.signed(args).ended(code);
        assert_eq!(word(&run["error"], "code"), named, "{args:?}: {run}");
    }
}

#[test]
fn a_contract_without_a_description_is_called_by_what_its_code_says() {
    let chain = Chain::new();
    let made = chain.signed(&["deploy", CODE, "1", "--lifetime", "300000"]).ended(0);
    let ct = word(&made, "contract");
    let shown = chain.run(&["show", ct]).ended(0);
    assert_eq!(word(&shown["interface"], "origin"), "code");
    let now = chain.1.run(&["status"]).ended(0)["top"]["height"].as_u64().unwrap();
    assert!(shown["expiry"].as_u64().unwrap() > now + 290_000, "{shown}");
    let called = chain.signed(&["call", ct, "count", "1"]).ended(0);
    assert_eq!(word(&called, "result"), "2");
    // The trial is larger than the call, and asks for no more of the fee that is named.
    let fee = format!("{}u", word(&called, "fee"));
    assert_eq!(word(&chain.signed(&["call", ct, "count", "1", "--fee", &fee]).ended(0), "result"), "3");
    // What was learned of the code stays, and serves every contract of the same code.
    chain.run(&["read", ct, "get", "--aci", ACI]).ended(0);
    assert_eq!(word(&chain.run(&["show", ct]).ended(0)["interface"], "origin"), "file");
}

#[test]
fn an_expired_contract_refuses_calls_until_somebody_extends_it() {
    let chain = Chain::new();
    let ct = chain.counter(&["--lifetime", "1"]);
    let begun = Instant::now();
    while chain.run(&["inspect", &ct]).ended(0)["expired"] == false {
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not expire");
    }
    let refused = chain.signed(&["call", &ct, "count", "1"]).ended(3);
    assert_eq!(word(&refused["error"], "code"), "expired");
    assert!(word(&refused["error"], "try").starts_with(&format!("banyan contract extend {ct}")), "{refused}");
    chain.run(&["extend", &ct, "1000", "--from", "dev1", "--yes"]).ended(0);
    assert_eq!(word(&chain.signed(&["call", &ct, "count", "1"]).ended(0), "result"), "11");
}

#[test]
fn what_is_signed_is_shown_in_the_words_of_the_source() {
    let chain = Chain::new();
    let ct = chain.counter(&[]);
    let args = ["--url", &chain.1.url, "--data", chain.0.path().to_str().unwrap(), "--from", "dev0"];
    let asked = banyan(&[&["contract", "call", &ct, "count", "5"], &args[..]].concat());
    assert_eq!((asked.code, asked.out.as_str()), (8, ""), "{}", asked.err);
    for line in ["call a contract (ContractCallTx)", &ct, "count(by = 5)", "what is not used comes back"] {
        assert!(asked.err.contains(line), "no {line} in {}", asked.err);
    }
}

#[test]
fn without_a_compiler_a_source_is_not_deployed() {
    let chain = Chain::new();
    let none = chain.signed(&["deploy", SOURCE, "1", "--compiler", "/nonexistent"]).ended(3);
    assert_eq!(word(&none["error"], "code"), "no_compiler");
    assert!(word(&none["error"], "try").contains("erlang-crypto"), "{none}");
    let ct = chain.counter(&[]);
    let none = chain.run(&["verify", &ct, SOURCE, "--compiler", "/nonexistent"]).ended(3);
    assert_eq!(word(&none["error"], "code"), "no_compiler");
}

/// The compiler: named by `BANYAN_COMPILER`, or of the SDK that the conformance tests have fetched.
fn compiler() -> Option<String> {
    const IN_TESTS: &str = "/../../conformance/sdk/node_modules/@aeternity/aepp-sdk/bin/aesophia_cli";
    let named = std::env::var("BANYAN_COMPILER").ok();
    let fetched = format!("{}{IN_TESTS}", env!("CARGO_MANIFEST_DIR"));
    let found = named.or_else(|| Path::new(&fetched).is_file().then_some(fetched));
    if found.is_none() {
        println!("SKIPPED: there is no compiler");
    }
    found
}

#[test]
fn a_source_is_compiled_deployed_and_verified() {
    let Some(compiler) = compiler() else { return };
    let chain = Chain::new();
    let made = chain.signed(&["deploy", SOURCE, "3", "--visible", "--compiler", &compiler]).ended(0);
    let ct = word(&made, "contract");
    let shown = chain.run(&["inspect", ct]).ended(0);
    assert_eq!((&shown["visible"], word(&shown["interface"], "origin")), (&true.into(), "compiled"));
    let verified = chain.run(&["verify-source", ct, SOURCE, "--compiler", &compiler]).ended(0);
    assert_eq!((&verified["verified"], &verified["same_source_hash"]), (&true.into(), &true.into()));
    let (other, source) = (chain.0.path().join("Other.aes"), std::fs::read_to_string(SOURCE).unwrap());
    std::fs::write(&other, source.replace("state.count + by", "state.count - by")).unwrap();
    let other = chain.run(&["verify-source", ct, other.to_str().unwrap(), "--compiler", &compiler]).ended(1);
    assert_eq!(other["verified"], false);
}

const TUTORIAL: &str = include_str!("../../../docs/tutorials/first-contract.md");

/// Words of a line as a shell reads them, as far as the tutorial needs one.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for char in line.chars() {
        match char {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            char => words.last_mut().unwrap().push(char),
        }
    }
    words
}

/// Commands of the tutorial with the line that follows each.
fn told() -> Vec<(Vec<String>, &'static str)> {
    let lines: Vec<_> = TUTORIAL.lines().collect();
    let pairs = lines.iter().zip(lines.iter().skip(1));
    let told = pairs.filter_map(|(line, next)| Some((words(line.strip_prefix("$ banyan contract ")?), *next)));
    told.collect()
}

#[test]
fn the_commands_of_the_tutorial_exist() {
    let told = told();
    assert!(told.len() > 8, "{told:?}");
    for (words, _) in told {
        let words: Vec<_> = words.iter().map(|word| if word == "$CT" { NOBODY } else { word }).collect();
        let nowhere = ["--url", "http://127.0.0.1:9", "--json", "--compiler", "/nonexistent"];
        let compiles = ["deploy", "verify-source"].contains(&words[0]);
        let more = if compiles { &nowhere[..] } else { &nowhere[..3] };
        let run = banyan(&[&["contract"], &words[..], more].concat());
        assert_ne!(run.code, 2, "{words:?}: {}", run.out);
    }
}

#[test]
fn the_tutorial_works_as_it_is_written() {
    let Some(compiler) = compiler() else { return };
    let chain = Chain::new();
    let source = TUTORIAL.split("```sophia\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let file = chain.0.path().join("Jar.aes");
    std::fs::write(&file, source).unwrap();
    let mut ct = String::new();
    for (words, next) in told() {
        let place = |word: &String| match word.as_str() {
            "$CT" => ct.clone(),
            "Jar.aes" => file.to_str().unwrap().to_owned(),
            word => word.to_owned(),
        };
        let mut words: Vec<_> = words.iter().map(place).collect();
        if ["deploy", "verify-source"].contains(&words[0].as_str()) {
            words.extend(["--compiler".to_owned(), compiler.clone()]);
        }
        words.push("--yes".to_owned());
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let run = chain.run(&words);
        let refused = next.starts_with("error: ");
        assert_eq!(run.code, if refused { 3 } else { 0 }, "{words:?}: {} {}", run.out, run.err);
        if words[0] == "deploy" {
            word(&run.json(), "contract").clone_into(&mut ct);
            assert!(TUTORIAL.contains(&format!("$ CT={ct}\n")), "on a fresh devnet the id is always {ct}");
        }
    }
}

/// A call of the counter by its owner, built as any program may build it.
fn unsigned(chain: &Chain, ct: &str) -> String {
    let client = Client::new(&chain.1.url).unwrap();
    let (status, account) = (client.status().unwrap(), client.account(owner()).unwrap());
    let interface = Interface::parse(&std::fs::read_to_string(ACI).unwrap()).unwrap();
    let call_data = interface.call_data("count", &["5".to_owned()], &nobody).unwrap();
    let terms = Terms { params: status.params(), height: status.height(), nonce: account.next(), ttl: None, fee: None };
    let run = tx::contract::Run { call_data, amount: Amount::ZERO, gas: Gas(20_000) };
    let call = tx::contract::call(owner(), ct.parse().unwrap(), &run, &terms).unwrap();
    text::encode(Prefix::TransactionBytes, &call.encode())
}

/// The account whose secret is all ones.
fn owner() -> AccountId {
    AccountId(SecretKey::from_seed([1; 32]).public())
}

#[test]
fn a_transaction_from_elsewhere_is_shown_and_never_signed_unread() {
    let chain = Chain::new();
    let ct = chain.counter(&[]);
    let (secret, password) = (chain.0.path().join("secret"), chain.0.path().join("password"));
    std::fs::write(&secret, text::encode(Prefix::SecretSeed, &[1; 32])).unwrap();
    std::fs::write(&password, "correct horse").unwrap();
    let with = ["--password-file", password.to_str().unwrap(), "--yes"];
    let run = |args: &[&str]| chain.1.run(&[args, &with[..]].concat());
    run(&["account", "import", "elsewhere", "--from", secret.to_str().unwrap()]).ended(0);
    let tx = unsigned(&chain, &ct);
    let function = |json: &Value| {
        let lines = json["shown"].as_array().unwrap();
        lines.iter().find(|line| line["label"] == "function").unwrap()["value"].as_str().unwrap().to_owned()
    };
    assert_eq!(function(&run(&["tx", "decode", &tx]).ended(0)), "count(by = 5)");
    let unread = banyan(&["tx", "decode", &tx, "--json", "--url", "http://127.0.0.1:9"]).ended(0);
    assert_eq!(function(&unread), "0xdf209683 (no interface known)");

    run(&["tx", "sign", &tx, "--by", "elsewhere"]).ended(0);
    // Without a node nobody knows what the contract is asked, and no flag says yes to that.
    let offline = run(&["tx", "sign", &tx, "--by", "elsewhere", "--network-id", "banyan_dev"]);
    assert_eq!(offline.ended(8)["error"]["code"], "not_confirmed");
    assert!(offline.err.contains("(no interface known)"), "{}", offline.err);
}
