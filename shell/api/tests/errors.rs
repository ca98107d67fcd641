//! Everything that can be refused says what, whose fault it is and what to do next, on both surfaces.

mod support;

use axum::http::StatusCode;
use banyan_types::{
    Amount, Bytes, Height,
    text::{self, Prefix},
    tx::{SignedTx, Spend},
};
use serde_json::json;
use support::*;

/// What is wrong, the text that is posted, the code and the owner of the answer.
type Refused = (&'static str, String, &'static str, &'static str);

/// Texts that are no signed transaction.
fn unreadable() -> Vec<Refused> {
    let good = spend(ROOT_NETWORK, USER, FRIEND, coins(1), 2);
    let bytes = |bytes: &[u8]| text::encode(Prefix::TransactionBytes, bytes);
    let mut mistyped = encoded(&good);
    let at = mistyped.len() / 2;
    mistyped.replace_range(at..=at, if &mistyped[at..=at] == "A" { "B" } else { "A" });
    let trailing = [good.bytes(), &[0]].concat();
    vec![
        ("no text encoding", "hello".into(), "no_prefix", "invalid"),
        ("a wrong checksum", mistyped, "checksum", "invalid"),
        ("letters outside the alphabet", "tx_***".into(), "alphabet", "invalid"),
        ("another kind of text", account(USER).to_string(), "wrong_prefix", "invalid"),
        ("a name, which this tree has not", "nm_2abc".into(), "unsupported_prefix", "invalid"),
        ("nobody's prefix", "zz_2abc".into(), "unknown_prefix", "invalid"),
        ("malformed RLP", bytes(&[0xf8, 0xff, 0x01]), "malformed", "invalid"),
        ("no bytes", bytes(&[]), "malformed", "invalid"),
        ("bytes behind the transaction", bytes(&trailing), "not_canonical", "invalid"),
        ("an unsigned transaction", bytes(&good.transaction().encode()), "unknown_tag", "invalid"),
    ]
}

/// Signed transactions that a rule refuses.
fn against_a_rule(world: &World) -> Vec<Refused> {
    let tx = |tx: Spend| encoded(&signed(tx, ROOT_NETWORK, USER));
    let pay = |amount, nonce| payment(USER, FRIEND, coins(amount), nonce);
    let other_key = signed(pay(1, 2), ROOT_NETWORK, FRIEND);
    let here = encoded(&spend(&world.child_network, USER, FRIEND, coins(1), 2));
    let elsewhere = encoded(&spend("elsewhere", USER, FRIEND, coins(1), 2));
    let both = [other_key.signatures(), signed(pay(1, 2), ROOT_NETWORK, USER).signatures()].concat();
    let twice = encoded(&SignedTx::assemble(pay(1, 2).into(), both));
    let stranger = encoded(&spend(ROOT_NETWORK, STRANGER, FRIEND, coins(1), 1));
    let large = Bytes(vec![0; 33 * 1024]);
    vec![
        ("signed for another ledger of the tree", here, "wrong_network", "invalid"),
        ("signed for a ledger elsewhere", elsewhere, "bad_signature", "invalid"),
        ("another one's signature", encoded(&other_key), "bad_signature", "invalid"),
        ("two signatures", twice, "bad_signature", "invalid"),
        ("a used nonce", tx(pay(2, 1)), "nonce_used", "invalid"),
        ("a nonce far ahead", tx(pay(1, 1_000)), "nonce_too_far_ahead", "early"),
        ("more than the account holds", tx(pay(20_000, 2)), "unfunded", "early"),
        ("an account that does not exist", stranger, "no_account", "early"),
        ("too low a fee", tx(Spend { fee: Amount::ZERO, ..pay(1, 2) }), "fee_too_low", "invalid"),
        ("a ttl that is over", tx(Spend { ttl: Height(1), ..pay(1, 2) }), "ttl_expired", "invalid"),
        ("too large a payload", tx(Spend { payload: large, ..pay(1, 2) }), "payload_too_large", "invalid"),
        ("no place here", encoded(&withdraw(ROOT_NETWORK, USER, coins(1), 2)), "not_here", "invalid"),
    ]
}

#[tokio::test]
async fn every_refused_transaction_names_its_owner_on_both_surfaces() {
    let world = World::quick();
    world.settle("", &[spend(ROOT_NETWORK, USER, FRIEND, coins(1), 1)], "root_final").await;
    let balance = world.get(&format!("/v3/accounts/{}", account(USER))).await.text;
    for (what, tx, code, owner) in unreadable().into_iter().chain(against_a_rule(&world)) {
        let public = world.post("/v3/transactions", json!({ "tx": tx }).to_string()).await;
        assert_eq!(public.status, StatusCode::BAD_REQUEST, "{what}: {}", public.text);
        assert_eq!(public.header("banyan-owner"), Some(owner), "{what}");
        let body = public.json();
        assert_eq!(body["error_code"], code, "{what}: {body}");
        let reason = body["reason"].as_str().unwrap();
        assert!(["Invalid tx", "Invalid api encoding"].contains(&reason), "{what}: {body}");
        assert!(body["message"].as_str().unwrap().len() > 10, "{what}: {body}");

        let ours = world.post("/banyan/v1/transactions", json!({ "txs": [tx] }).to_string()).await;
        assert_eq!(ours.status, StatusCode::OK, "one bad item does not fail the others");
        let error = &ours.json()["items"][0]["error"];
        assert_eq!((error["code"].as_str(), error["owner"].as_str()), (Some(code), Some(owner)), "{what}: {error}");
    }
    assert_eq!(world.get("/banyan/v1/mempool").await.json()["items"], json!([]), "nothing of it was kept");
    assert_eq!(world.get(&format!("/v3/accounts/{}", account(USER))).await.text, balance);
    world.stop();
}

#[tokio::test]
async fn a_wrong_network_says_both_names() {
    let world = World::quick();
    let tx = encoded(&spend(&world.child_network, USER, FRIEND, coins(1), 1));
    let answer = world.post("/banyan/v1/transactions", json!({ "txs": [tx] }).to_string()).await.json();
    let details = &answer["items"][0]["error"]["details"];
    assert_eq!(details, &json!({ "expected": ROOT_NETWORK, "got": world.child_network }));
    world.stop();
}

/// A request that is refused: path, body, status, code, owner.
type Row = (&'static str, Option<String>, StatusCode, &'static str, &'static str);

fn rows(world: &World) -> Vec<Row> {
    let large = json!({ "tx": "x".repeat(1 << 20) }).to_string();
    let many = json!({ "txs": vec!["tx_"; 257] }).to_string();
    let keys = json!({ "keys": vec!["clock"; 257] }).to_string();
    let unknown_root = banyan_types::Hash([7; 32]).text(Prefix::StateRoot);
    let unknown_block = banyan_types::Hash([7; 32]).text(Prefix::KeyBlock);
    let leak = |text: String| -> &'static str { text.leak() };
    let (bad, not_found) = (StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND);
    vec![
        ("/nowhere", None, not_found, "unknown_route", "invalid"),
        ("/banyan/v1/nowhere", None, not_found, "unknown_route", "invalid"),
        ("/l/bank/banyan/v1/nowhere", None, not_found, "unknown_route", "invalid"),
        ("/l/nobody/banyan/v1/status", None, not_found, "unknown_route", "invalid"),
        ("/banyan/v1/status", Some(String::new()), StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "invalid"),
        ("/banyan/v1/transactions", Some(large), StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "invalid"),
        ("/banyan/v1/transactions", Some("{".into()), bad, "body", "invalid"),
        ("/banyan/v1/transactions", Some("{\"txs\":7}".into()), bad, "body", "invalid"),
        ("/banyan/v1/transactions", Some(many), bad, "too_many", "invalid"),
        ("/banyan/v1/transactions?wait=certain", Some("{\"txs\":[]}".into()), bad, "query", "invalid"),
        ("/banyan/v1/transactions/th_x", None, bad, "checksum", "invalid"),
        (
            leak(format!("/banyan/v1/transactions/{}", banyan_types::TxHash([7; 32]))),
            None,
            not_found,
            "unknown_transaction",
            "invalid",
        ),
        ("/banyan/v1/accounts/nobody", None, bad, "no_prefix", "invalid"),
        ("/banyan/v1/accounts/%ff", None, bad, "path", "invalid"),
        ("/banyan/v1/blocks/1000000", None, not_found, "height_early", "early"),
        (leak(format!("/banyan/v1/blocks/{unknown_block}")), None, not_found, "unknown_block", "invalid"),
        ("/banyan/v1/blocks?after=x", None, bad, "cursor", "invalid"),
        ("/banyan/v1/mempool?after=x", None, bad, "after", "invalid"),
        ("/banyan/v1/blocks?limit=x", None, bad, "query", "invalid"),
        (
            leak(format!("/l/bank/banyan/v1/associates/{}", world.child_id)),
            None,
            not_found,
            "unknown_associate",
            "invalid",
        ),
        ("/banyan/v1/proofs", Some(keys), bad, "keys", "invalid"),
        ("/banyan/v1/proofs", Some("{\"keys\":[]}".into()), bad, "keys", "invalid"),
        ("/banyan/v1/proofs", Some("{\"keys\":[\"mine\"]}".into()), bad, "key", "invalid"),
        (
            "/banyan/v1/proofs",
            Some(json!({ "keys": ["clock"], "at": unknown_root }).to_string()),
            StatusCode::GONE,
            "collected",
            "invalid",
        ),
        ("/banyan/v1/events?topics=weather", None, bad, "topic", "invalid"),
        ("/banyan/v1/events?from=here", None, bad, "cursor", "invalid"),
        ("/banyan/v1/events?from=1000000.0@0000000000000000", None, StatusCode::CONFLICT, "cursor_early", "early"),
    ]
}

#[tokio::test]
async fn every_refused_request_has_an_error_object_with_its_owner() {
    let world = World::quick();
    for (path, body, status, code, owner) in rows(&world) {
        let answer = match body {
            Some(body) => world.post(path, body).await,
            None => world.get(path).await,
        };
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        let error = &answer.json()["error"];
        assert_eq!((error["code"].as_str(), error["owner"].as_str()), (Some(code), Some(owner)), "{path}: {error}");
        assert_eq!(answer.header("banyan-owner"), Some(owner), "{path}");
        assert_eq!(answer.header("x-request-id"), error["request_id"].as_str(), "{path}");
    }
    world.stop();
}

#[tokio::test]
async fn the_public_surface_answers_in_the_public_words() {
    let world = World::quick();
    let stranger = account(STRANGER);
    let unknown = banyan_types::TxHash([7; 32]);
    let rows = [
        (format!("/v3/accounts/{stranger}"), 404, r#"{"reason":"Account not found"}"#),
        (format!("/l/bank/v3/accounts/{stranger}"), 404, r#"{"reason":"Account not found"}"#),
        (format!("/v3/transactions/{unknown}"), 404, r#"{"reason":"Transaction not found"}"#),
        (format!("/v3/transactions/{unknown}/info"), 404, r#"{"reason":"Transaction not found"}"#),
        ("/v3/key-blocks/height/1000000".into(), 404, r#"{"reason":"Block not found"}"#),
        ("/v3/names/banyan.chain".into(), 404, r#"{"reason":"Name not found"}"#),
        ("/v3/oracles/ok_x".into(), 404, r#"{"reason":"Oracle not found"}"#),
        ("/v3/contracts/ct_x".into(), 404, r#"{"reason":"Contract not found"}"#),
        (format!("/v3/accounts/{}/height/1000000", account(USER)), 404, r#"{"reason":"Height not available"}"#),
    ];
    for (path, status, text) in rows {
        let answer = world.get(&path).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (status, text), "{path}");
    }
    let status = world.get("/v3/status").await;
    assert!(["ordered", "hard"].contains(&status.header("banyan-level").unwrap()));
    let wrong = world.get("/v3/accounts/ak_x").await;
    assert_eq!((wrong.status.as_u16(), wrong.json()["reason"].as_str()), (400, Some("Invalid public key")));
    let unknown_route = world.get("/v3/nowhere").await.json();
    assert_eq!(unknown_route["error_code"], "unknown_route");
    world.stop();
}

#[tokio::test]
async fn a_page_that_is_not_there_is_a_page() {
    let world = World::quick();
    for path in
        ["/nowhere", "/tx/th_x", "/block/1000000", "/account/me", "/l/bank/associates/ac_x", "/search?q=nothing"]
    {
        let page = world.page(path).await;
        assert!(page.status.is_client_error(), "{path}");
        assert!(page.text.starts_with("<!DOCTYPE html>"), "{path}");
        assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'self'"), "{path}");
        assert!(page.header("banyan-owner").is_some(), "{path}");
    }
    world.stop();
}
