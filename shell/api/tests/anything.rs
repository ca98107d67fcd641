//! Whatever is sent, the node answers and goes on.

mod support;

use axum::{body::Body, http::Request};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use support::*;

/// A letter that a path may hold.
const PATH: &str = "[a-z0-9_@.%/?=&-]{0,60}";

fn paths() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "/v3/accounts/",
        "/v3/key-blocks/height/",
        "/v3/micro-blocks/hash/",
        "/v3/transactions/",
        "/banyan/v1/blocks/",
        "/banyan/v1/transactions/",
        "/banyan/v1/associates/",
        "/banyan/v1/mempool?after=",
        "/tx/",
        "/block/",
        "/search?q=",
        "/l/bank/account/",
        "/",
    ]);
    (known, PATH).prop_map(|(known, rest)| format!("{known}{rest}"))
}

fn bodies() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "\\PC{0,60}".prop_map(String::from),
        prop::collection::vec(any::<u8>(), 0..200)
            .prop_map(|bytes| banyan_types::text::encode(banyan_types::text::Prefix::TransactionBytes, &bytes)),
        changed_transactions(),
    ];
    let object =
        text.prop_map(|text| serde_json::json!({ "tx": text, "txs": [text], "keys": [text], "at": text }).to_string());
    prop_oneof![object, "\\PC{0,60}"]
}

/// A good transaction with one byte changed.
fn changed_transactions() -> impl Strategy<Value = String> {
    (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| {
        let mut bytes = spend(ROOT_NETWORK, USER, FRIEND, coins(1), 1).bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        banyan_types::text::encode(banyan_types::text::Prefix::TransactionBytes, &bytes)
    })
}

#[test]
fn no_request_is_ever_the_nodes_fault() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(async { World::quick() });
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(2_000) });
    let post = prop::sample::select(vec![
        "/v3/transactions",
        "/banyan/v1/transactions",
        "/l/bank/v3/transactions",
        "/banyan/v1/proofs",
    ]);
    let requests = prop_oneof![
        paths().prop_map(|path| (path, None)),
        (post, bodies()).prop_map(|(path, body)| (path.to_owned(), Some(body))),
    ];
    let held = runner.run(&requests, |(path, body)| {
        let method = if body.is_some() { "POST" } else { "GET" };
        let Ok(request) = Request::builder().method(method).uri(&path).body(Body::from(body.unwrap_or_default()))
        else {
            return Ok(()); // no client can write that path
        };
        let answer = runtime.block_on(world.request(request));
        prop_assert!(!answer.status.is_server_error(), "{path}: {}", answer.text);
        Ok(())
    });
    held.unwrap();
    let alive = runtime.block_on(world.get("/banyan/v1/healthz"));
    assert_eq!(alive.status, 200);
    world.stop();
}
