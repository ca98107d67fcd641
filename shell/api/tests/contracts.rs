//! Contracts by HTTP: made, tried, called, and what is said of them on both surfaces.

mod support;

use axum::http::StatusCode;
use banyan_fate::{Value as Fate, abi};
use banyan_types::{
    Amount, ContractBytes, ContractId, CtVersion, FATE, Gas, GasPrice, Height, Nonce, Serial,
    text::{self, Prefix},
    tx::{ContractCall, ContractCreate, PayingFor, SignedTx, Transaction, Wrapped, inner_network},
};
use serde_json::{Value, json};
use support::*;

/// A contract of the command line's tests, as the public compiler wrote it.
const COUNTER: &str = include_str!("../../banyan/tests/data/Counter.aeb");

fn call_data(function: &str, arguments: Vec<Fate>) -> ContractBytes {
    ContractBytes(abi::encode_call(abi::function_id(function), arguments))
}

fn create(nonce: u64) -> ContractCreate {
    ContractCreate {
        owner_id: account(USER),
        nonce: Nonce(nonce),
        code: ContractBytes(text::decode_as(Prefix::ContractBytes, COUNTER.trim()).unwrap()),
        ct_version: CtVersion(FATE.0),
        fee: fee(),
        ttl: Height(0),
        deposit: Amount::ZERO,
        amount: Amount::ZERO,
        gas: Gas(100_000),
        gas_price: GasPrice(1_000_000_000),
        call_data: call_data("init", vec![Fate::Int(40)]),
    }
}

fn counter() -> ContractId {
    ContractId::derive(account(USER), Serial::Nonce(Nonce(1)))
}

fn call(function: &str, arguments: Vec<Fate>, amount: Amount, nonce: u64) -> ContractCall {
    ContractCall {
        caller_id: account(USER),
        nonce: Nonce(nonce),
        contract_id: counter(),
        abi_version: FATE.abi(),
        fee: fee(),
        ttl: Height(0),
        amount,
        gas: Gas(50_000),
        gas_price: GasPrice(1_000_000_000),
        call_data: call_data(function, arguments),
    }
}

fn unsigned(tx: impl Into<Transaction>) -> String {
    text::encode(Prefix::TransactionBytes, &tx.into().encode())
}

async fn quote(world: &World, tx: impl Into<Transaction>) -> Value {
    let answer = world.post("/banyan/v1/quote", json!({ "tx": unsigned(tx) }).to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

fn units(value: &Value) -> u128 {
    value.as_str().unwrap().parse().unwrap()
}

async fn balance(world: &World, seed: u8) -> u128 {
    units(&world.get(&format!("/banyan/v1/accounts/{}", account(seed))).await.json()["balance"])
}

async fn deployed() -> World {
    let world = World::quick();
    world.settle("", &[signed(create(1), ROOT_NETWORK, USER)], "ordered").await;
    world
}

#[tokio::test]
async fn a_quote_says_the_charge_to_the_last_unit() {
    let world = deployed().await;
    let rows = [
        Transaction::from(payment(USER, FRIEND, coins(3), 2)),
        call("count", vec![Fate::Int(2)], Amount::ZERO, 3).into(),
        call("pay", vec![], coins(1), 4).into(),
        call("refuse", vec![Fate::string(*b"no")], coins(1), 5).into(),
        call("divide", vec![Fate::Int(1), Fate::Int(0)], Amount::ZERO, 6).into(),
        create(7).into(),
    ];
    for tx in rows {
        let quoted = quote(&world, tx.clone()).await;
        let charge = &quoted["charge"];
        let parts = ["inclusion", "storage", "execution"].map(|part| units(&charge[part]["amount"]));
        let sum = parts.iter().sum::<u128>() + units(&charge["tip"]) + units(&charge["proving"]);
        assert_eq!(sum, units(&charge["total"]), "{quoted}");
        assert!(units(&charge["total"]) <= units(&charge["total_max"]), "{quoted}");
        let mine =
            quoted["changes"].as_array().unwrap().iter().find(|change| change["account"] == account(USER).to_string());
        let (before, after) = mine.map(|change| (units(&change["before"]), units(&change["after"]))).unwrap();
        assert_eq!(before, balance(&world, USER).await, "{quoted}");
        let sent = world.submit("", &[signed(tx, ROOT_NETWORK, USER)], "ordered").await;
        assert_eq!((sent.status, &sent.json()["items"][0]["error"]), (StatusCode::OK, &Value::Null), "{}", sent.text);
        assert_eq!(after, balance(&world, USER).await, "{quoted}");
    }
    world.stop();
}

#[tokio::test]
async fn a_quote_tells_how_a_run_ends_and_which_rule_refuses() {
    let world = deployed().await;
    let counted = quote(&world, call("count", vec![Fate::Int(2)], Amount::ZERO, 2)).await;
    assert_eq!(counted["trial"]["result"], "ok");
    assert_eq!(counted["trial"]["return_value"], text::encode(Prefix::ContractBytes, &Fate::Int(42).encode()));
    assert!(counted["charge"]["execution"]["gas"].as_u64().unwrap() > 1_000, "{counted}");
    assert!(counted["events"].as_array().unwrap().iter().any(|event| event["event"] == "called"), "{counted}");
    let refused = quote(&world, call("refuse", vec![Fate::string(*b"no")], Amount::ZERO, 2)).await;
    assert_eq!(refused["trial"]["result"], "revert");
    let failed = quote(&world, call("divide", vec![Fate::Int(1), Fate::Int(0)], Amount::ZERO, 2)).await;
    assert_eq!(
        (&failed["trial"]["result"], failed["trial"]["reason"].is_string()),
        (&json!("error"), true),
        "{failed}"
    );
    let poor = quote(&world, payment(USER, FRIEND, coins(1_000_000), 2)).await;
    assert_eq!(poor["trial"]["error"]["code"], "funds", "{poor}");
    assert_eq!((&poor["trial"]["result"], poor["changes"].as_array().unwrap().len()), (&json!("refused"), 0));
    let wrong = world.post("/banyan/v1/quote", json!({ "tx": "tx_nothing" }).to_string()).await;
    assert_eq!((wrong.status, &wrong.json()["error"]["owner"]), (StatusCode::BAD_REQUEST, &json!("invalid")));
    world.stop();
}

#[tokio::test]
async fn a_quote_for_longer_life_counts_the_heights() {
    let world = deployed().await;
    let extend = |heights| banyan_types::tx::Extend {
        sender_id: account(USER),
        target_id: banyan_types::Target::Contract(counter()),
        heights,
        ttl: Height(0),
        fee: coins(1),
        nonce: Nonce(2),
    };
    let (short, long) = (quote(&world, extend(1_000_000)).await, quote(&world, extend(2_000_000)).await);
    let gas = |quoted: &Value| quoted["charge"]["storage"]["gas"].as_u64().unwrap();
    assert!(gas(&short) > 0 && gas(&long).abs_diff(2 * gas(&short)) <= 1, "{short} {long}");
    assert!(units(&long["minimum_fee"]) > units(&short["minimum_fee"]));
    assert_eq!(units(&long["fees"]["p99"]), units(&long["minimum_fee"]), "an empty pool asks for no more");
    world.stop();
}

#[tokio::test]
async fn calls_and_events_are_listed_newest_first_whoever_paid() {
    let world = deployed().await;
    let (first, second) =
        (call("count", vec![Fate::Int(2)], Amount::ZERO, 2), call("refuse", vec![Fate::string(*b"no")], coins(1), 3));
    let sent = [signed(first, ROOT_NETWORK, USER), signed(second, ROOT_NETWORK, USER)];
    world.settle("", &sent, "ordered").await;
    let inner = signed(call("count", vec![Fate::Int(5)], Amount::ZERO, 4), &inner_network(ROOT_NETWORK), USER);
    let paid = PayingFor { payer_id: account(OPERATORS[1]), nonce: Nonce(1), fee: fee(), tx: Wrapped::new(inner) };
    let paid: SignedTx = signed(paid, ROOT_NETWORK, OPERATORS[1]);
    world.settle("", std::slice::from_ref(&paid), "ordered").await;

    let calls = world.get(&format!("/banyan/v1/contracts/{}/calls", counter())).await.json();
    let calls = calls["items"].as_array().unwrap();
    let told = |call: &Value| (call["function"].clone(), call["result"].clone(), call["returned"].clone());
    let expected = [("count", "ok", "47"), ("refuse", "revert", "\"no\""), ("count", "ok", "42")];
    assert_eq!(calls.iter().map(told).collect::<Vec<_>>(), expected.map(|(f, r, v)| (json!(f), json!(r), json!(v))));
    assert_eq!(
        (&calls[0]["tx"], &calls[0]["caller"]),
        (&json!(paid.hash().to_string()), &json!(account(USER).to_string()))
    );
    assert_eq!(calls[0]["arguments"], json!(["5"]));

    let all = world.get(&format!("/banyan/v1/contracts/{}/events?limit=200", counter())).await.json();
    let names: Vec<_> = all["items"].as_array().unwrap().iter().map(|event| event["topics"][0].clone()).collect();
    let name = |event: &str| json!(banyan_types::Hash(banyan_crypto::blake2b(&[event.as_bytes()])).to_string());
    assert_eq!(names, [name("Noted"), name("Counted"), name("Noted"), name("Counted")], "{all}");
    world.stop();
}

#[tokio::test]
async fn the_public_surface_answers_for_contracts_as_clients_expect() {
    let world = deployed().await;
    let id = counter().to_string();
    let held = world.get(&format!("/v3/contracts/{id}")).await.json();
    let expected = json!({ "id": id, "owner_id": account(USER).to_string(), "vm_version": 8, "abi_version": 3,
        "active": true, "referrer_ids": [], "deposit": 0 });
    assert_eq!(held, expected);
    assert_eq!(world.get(&format!("/v3/contracts/{id}/code")).await.json()["bytecode"], COUNTER.trim());
    let of_account = world.get(&format!("/v3/accounts/{id}")).await.json();
    assert_eq!((&of_account["kind"], &of_account["payable"]), (&json!("basic"), &json!(true)), "{of_account}");
    let absent = ContractId([7; 32]).to_string();
    for path in
        [format!("/v3/contracts/{absent}"), format!("/v3/contracts/{absent}/code"), format!("/v3/contracts/{id}/poi")]
    {
        assert_eq!(world.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    world.stop();
}

#[tokio::test]
async fn a_dry_run_sees_what_stands_before_it_and_leaves_nothing() {
    let world = deployed().await;
    let ask = |amount: Value| {
        json!({
            "accounts": [{ "pub_key": account(STRANGER).to_string(), "amount": amount }],
            "txs": [
                { "tx": unsigned(call("count", vec![Fate::Int(2)], Amount::ZERO, 2)) },
                { "call_req": { "contract": counter().to_string(), "calldata": text::encode(Prefix::ContractBytes, &call_data("get", vec![]).0) } },
                { "tx": unsigned(payment(STRANGER, FRIEND, coins(1), 1)) },
            ],
            "tx_events": true,
        })
    };
    let run = world.post("/v3/dry-run", ask(json!("5000000000000000000")).to_string()).await.json();
    let kinds: Vec<_> =
        run["results"].as_array().unwrap().iter().map(|one| (one["type"].clone(), one["result"].clone())).collect();
    let expected = [("contract_call", "ok"), ("contract_call", "ok"), ("spend", "ok")];
    assert_eq!(kinds, expected.map(|(kind, result)| (json!(kind), json!(result))), "{run}");
    let seen = &run["results"][1]["call_obj"];
    assert_eq!(seen["return_value"], text::encode(Prefix::ContractBytes, &Fate::Int(42).encode()));
    assert_eq!(run["results"][0]["call_obj"]["log"].as_array().unwrap().len(), 2);
    let spent = run["tx_events"].as_array().unwrap().iter().find(|event| event["event"] == "spent").unwrap();
    assert_eq!((&spent["to"], &spent["amount"]), (&json!(account(FRIEND).to_string()), &json!("1000000000000000000")));
    let poor = world.post("/v3/dry-run", ask(json!(1)).to_string()).await.json();
    assert_eq!(poor["results"][2]["result"], "error", "{poor}");
    let again = world.post("/v3/dry-run", ask(json!("5000000000000000000")).to_string()).await.json();
    assert_eq!(again["results"], run["results"], "a trial leaves nothing");
    let many: Vec<_> = (0..33).map(|_| json!({ "tx": unsigned(payment(USER, FRIEND, coins(1), 2)) })).collect();
    let refused = world.post("/v3/dry-run", json!({ "txs": many }).to_string()).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    world.stop();
}
