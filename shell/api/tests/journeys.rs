//! Ways through the tree and journeys along them, for clients that speak nothing but HTTP.

mod support;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use banyan_types::{
    Asset, Hash, Height, Nonce, Payee,
    tx::{AssociateCommit, AssociateWithdraw, SignedTx},
};
use serde_json::Value;
use support::*;

const DOWN: Hash = Hash([7; 32]);
const UP: Hash = Hash([8; 32]);

fn down(world: &World, amount: u64, nonce: u64) -> SignedTx {
    let tx = AssociateCommit {
        from_id: account(USER),
        associate_id: world.child_id,
        to_id: account(USER),
        asset: Asset::Coin,
        amount: coins(amount),
        route: vec![],
        leg: DOWN,
        deadline: Height(0),
        ttl: Height(0),
        fee: fee(),
        nonce: Nonce(nonce),
    };
    signed(tx, ROOT_NETWORK, USER)
}

fn up(world: &World, amount: u64, nonce: u64) -> SignedTx {
    let tx = AssociateWithdraw {
        from_id: account(USER),
        to_id: Payee::Account(account(USER)),
        asset: Asset::Coin,
        amount: coins(amount),
        route: vec![],
        leg: UP,
        ttl: Height(0),
        fee: fee(),
        nonce: Nonce(nonce),
    };
    signed(tx, &world.child_network, USER)
}

fn words(events: &[Value]) -> Vec<String> {
    let word = |event: &Value| format!("{} on {}", event["event"].as_str().unwrap(), event["ledger"].as_str().unwrap());
    events.iter().map(word).collect()
}

/// Server-sent events, read to their end.
fn told(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.map(|data| serde_json::from_str(data.trim()).unwrap()).collect()
}

#[tokio::test]
async fn a_way_is_quoted_leg_by_leg() {
    let world = World::quick();
    let way = world.get("/banyan/v1/path?from=root&to=bank&amount=1000000000000000000").await.json();
    let leg = &way["legs"][0];
    assert_eq!(
        (&way["through"], &leg["action"], &leg["on"], &leg["into"]),
        (&"root".into(), &"commit".into(), &"root".into(), &"bank".into())
    );
    assert_eq!(leg["associate"], world.child_id.to_string());
    assert_eq!((&leg["regime"], &leg["threshold"], &leg["operators"]), (&"operators".into(), &2.into(), &3.into()));
    assert_eq!(
        (&leg["covered"], &leg["pending"], &leg["refused"]),
        (&true.into(), &Value::Array(vec![]), &Value::Null)
    );
    assert_eq!((&way["arrives"], &way["route"]), (&"1000000000000000000".into(), &Value::Array(vec![])));
    // The quote is not exceeded by the transaction that the ledger takes.
    let least = world.post("/banyan/v1/quote", serde_json::json!({ "tx": encoded(&down(&world, 1, 1)) }).to_string());
    let least = least.await.json()["charge"]["inclusion"]["amount"].as_str().unwrap().parse::<u128>().unwrap();
    assert!(way["fees"].as_str().unwrap().parse::<u128>().unwrap() >= least, "{way} {least}");
    // The same from the child, whatever mount is asked, and by the whole path.
    let back = world.get("/l/bank/banyan/v1/path?from=root/bank&to=root").await.json();
    assert_eq!((&back["legs"][0]["action"], &back["legs"][0]["amount"]), (&"withdraw".into(), &Value::Null));
    world.stop();
}

#[tokio::test]
async fn where_there_is_no_way_the_reason_is_said() {
    let world = World::quick();
    for (query, status, code) in [
        ("from=root&to=moon", 404, "unknown_ledger"),
        ("from=bank&to=root/bank", 400, "here"),
        ("from=root&to=bank&amount=0", 400, "amount"),
        ("from=root&to=bank&amount=1.5", 400, "amount"),
        ("from=root", 400, "query"),
    ] {
        let answer = world.get(&format!("/banyan/v1/path?{query}")).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (status, &code.into()), "{query}");
    }
    for (leg, status, code) in [("1", 400, "leg"), (&DOWN.to_string()[..], 404, "unknown_journey")] {
        let answer = world.get(&format!("/banyan/v1/journeys/{leg}")).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (status, &code.into()), "{leg}");
    }
    world.stop();
}

#[tokio::test]
async fn a_journey_is_found_by_the_name_of_its_first_leg() {
    let world = World::quick();
    let tx = down(&world, 100, 1);
    world.settle("", std::slice::from_ref(&tx), "received").await;
    // A stream tells each step once and ends with the journey.
    let asked = Request::get(format!("/banyan/v1/journeys/{DOWN}")).header("accept", "text/event-stream");
    let answer = world.request(asked.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let events = told(&answer.text);
    let expected = ["signed on root", "included on root", "inbox on root", "credited on bank", "done on bank"];
    let mut heard = words(&events);
    heard.retain(|word| word != "final on root");
    heard.dedup();
    assert!(expected.iter().all(|word| heard.iter().any(|heard| heard == word)), "{heard:?}");
    assert_eq!(heard.last().unwrap(), "done on bank");

    let journey = world.get(&format!("/l/bank/banyan/v1/journeys/{DOWN}")).await.json();
    assert_eq!(
        (&journey["status"], &journey["ledger"], &journey["txs"][0]),
        (&"done".into(), &"bank".into(), &tx.hash().to_string().into())
    );
    let events = journey["events"].as_array().unwrap();
    let all =
        ["signed on root", "included on root", "final on root", "inbox on root", "credited on bank", "done on bank"];
    assert_eq!(words(events), all);
    // What is told can be proven: the keys, after that block.
    let inbox = &events[3];
    let ask = serde_json::json!({ "keys": inbox["keys"], "at": inbox["at"]["hash"] });
    let proof = world.post("/banyan/v1/proofs", ask.to_string()).await.json();
    assert!(proof["items"][0]["value"].as_str().is_some_and(|value| value.starts_with("ba_")), "{proof}");
    world.stop();
}

#[tokio::test]
async fn a_journey_up_is_told_to_its_payment() {
    let world = World::quick();
    world.settle("", &[down(&world, 100, 1)], "received").await;
    let stream = |leg: Hash| Request::get(format!("/banyan/v1/journeys/{leg}")).header("accept", "text/event-stream");
    world.request(stream(DOWN).body(Body::empty()).unwrap()).await;
    let tx = up(&world, 10, 1);
    world.settle("/l/bank", std::slice::from_ref(&tx), "ordered").await;
    world.request(stream(UP).body(Body::empty()).unwrap()).await;
    let journey = world.get(&format!("/banyan/v1/journeys/{UP}?tx={}", tx.hash())).await.json();
    let expected = [
        "signed on bank",
        "included on bank",
        "final on bank",
        "outbox on bank",
        "summarised on root",
        "remitted on root",
        "done on root",
    ];
    assert_eq!(words(journey["events"].as_array().unwrap()), expected);
    assert_eq!(
        (&journey["status"], &journey["events"][6]["amount"]),
        (&"done".into(), &coins(10).base().to_string().into())
    );
    world.stop();
}
