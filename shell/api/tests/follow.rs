//! A transaction is posted, found, and followed up the ladder.

mod support;

use axum::http::StatusCode;
use serde_json::json;
use support::*;

#[tokio::test]
async fn a_pending_transaction_is_minus_one() {
    let world = World::quick();
    // One nonce is left out, so that it has to wait.
    let tx = spend(ROOT_NETWORK, USER, FRIEND, coins(1), 2);
    assert_eq!(world.post_tx("", &tx).await.json(), json!({ "tx_hash": tx.hash().to_string() }));
    let waiting = world.get(&format!("/v3/transactions/{}", tx.hash())).await.json();
    assert_eq!((&waiting["block_height"], &waiting["block_hash"]), (&json!(-1), &json!("none")));
    assert_eq!((&waiting["tx"]["ttl"], &waiting["tx"]["type"]), (&json!(0), &json!("SpendTx")));
    let info = world.get(&format!("/v3/transactions/{}/info", tx.hash())).await;
    assert_eq!(info.status, StatusCode::NOT_FOUND);
    let pending = world.get(&format!("/v3/accounts/{}/transactions/pending", account(USER))).await.json();
    assert_eq!(pending["transactions"][0]["hash"], tx.hash().to_string());
    let nonce = async |strategy: &str| {
        let path = format!("/v3/accounts/{}/next-nonce{strategy}", account(USER));
        world.get(&path).await.json()["next_nonce"].clone()
    };
    assert_eq!((nonce("").await, nonce("?strategy=continuity").await), (json!(3), json!(1)));
    let first = world.settle("", &[spend(ROOT_NETWORK, USER, FRIEND, coins(1), 1)], "ordered").await;
    assert_eq!(first["items"][0]["status"]["status"], "included");
    world.settle("", std::slice::from_ref(&tx), "ordered").await;
    let found = world.get(&format!("/v3/transactions/{}", tx.hash())).await.json();
    assert!(found["block_height"].as_i64().unwrap() > 0 && found["block_hash"].as_str().unwrap().starts_with("mh_"));
    world.stop();
}

#[tokio::test]
async fn who_asks_once_after_posting_hears_of_the_block() {
    let world = World::quick();
    let tx = spend(ROOT_NETWORK, USER, FRIEND, coins(1), 1);
    world.post_tx("", &tx).await;
    let found = world.get(&format!("/v3/transactions/{}", tx.hash())).await.json();
    assert!(found["block_height"].as_i64().unwrap() > 0, "{found}");
    world.stop();
}

#[tokio::test]
async fn resubmitting_is_harmless() {
    let world = World::quick();
    let tx = spend(ROOT_NETWORK, USER, FRIEND, coins(5), 1);
    let first = world.post_tx("", &tx).await;
    let again = world.post_tx("", &tx).await;
    assert_eq!((first.status, &first.text), (again.status, &again.text), "while it waits");
    world.settle("", std::slice::from_ref(&tx), "root_final").await;
    let last = world.post_tx("", &tx).await;
    assert_eq!((last.status, &last.text), (StatusCode::OK, &first.text), "when it is final");
    let friend = world.get(&format!("/v3/accounts/{}", account(FRIEND))).await.json();
    assert_eq!(friend["balance"].to_string(), coins(5).base().to_string(), "paid once");
    world.stop();
}

#[tokio::test]
async fn big_integers_are_plain_json_numbers() {
    let world = World::quick();
    let amount = banyan_types::Amount::new(1_234_567_890_123_456_789_012).unwrap();
    let tx = spend(ROOT_NETWORK, USER, FRIEND, amount, 1);
    world.settle("", std::slice::from_ref(&tx), "ordered").await;
    let account = world.get(&format!("/v3/accounts/{}", account(FRIEND))).await.text;
    assert!(account.contains("\"balance\":1234567890123456789012,"), "{account}");
    assert!(account.contains("\"payable\":true") && account.contains("\"kind\":\"basic\""), "{account}");
    let found = world.get(&format!("/v3/transactions/{}", tx.hash())).await.text;
    assert!(found.contains("\"amount\":1234567890123456789012,"), "{found}");
    let ours = world.get(&format!("/banyan/v1/transactions/{}", tx.hash())).await.json();
    assert_eq!(ours["tx"]["fields"]["amount"], "1234567890123456789012", "ours are texts");
    world.stop();
}

#[tokio::test]
async fn coins_walk_down_and_up_and_each_leg_climbs_its_ladder() {
    let world = World::quick();
    world.settle("", &[commit(world.child_id, USER, coins(100), 1)], "root_final").await;
    let paid = spend(&world.child_network, USER, FRIEND, coins(30), 1);
    // The commit is credited once the child has named the final block that holds it.
    while world.submit("/l/bank", std::slice::from_ref(&paid), "hard").await.json()["items"][0].get("error").is_some() {
    }
    let up = withdraw(&world.child_network, FRIEND, coins(10), 1);
    world.settle("/l/bank", &[up], "root_final").await;
    // What takes money up is summarised at once, and the summary covers all that stood before it.
    let status = world.get(&format!("/l/bank/banyan/v1/transactions/{}", paid.hash())).await.json();
    let levels: Vec<_> =
        status["levels"].as_array().unwrap().iter().map(|level| level["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["received", "ordered", "hard", "anchored", "root_final"]);
    assert_eq!(status["detail"]["word"], "signed");
    let friend = world.get(&format!("/banyan/v1/accounts/{}", account(FRIEND))).await.json();
    assert_eq!(friend["balance"], coins(10).base().to_string());
    let solvency = world.get(&format!("/banyan/v1/associates/{}/solvency", world.child_id)).await.json();
    assert_eq!(solvency["escrow"]["committed"], coins(100).base().to_string());
    assert_eq!(solvency["escrow"]["remitted"], coins(10).base().to_string());
    assert_eq!(
        (&solvency["escrow"]["law"], &solvency["child"]["minted"]),
        (&json!("holds"), &json!(coins(90).base().to_string()))
    );
    world.stop();
}

#[tokio::test]
async fn a_wait_that_is_over_answers_202_and_where_to_follow_on() {
    let world = World::new(60_000);
    let tx = spend(ROOT_NETWORK, USER, FRIEND, coins(1), 2);
    let body = json!({ "txs": [encoded(&tx)] }).to_string();
    let answer = world.post("/banyan/v1/transactions?wait=ordered&timeout_ms=50", body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let answer = answer.json();
    assert_eq!(answer["items"][0]["status"]["level"], "received");
    assert!(answer["cursor"].as_str().unwrap().starts_with("0.0@"), "{answer}");
    world.stop();
}

#[tokio::test]
async fn a_block_is_the_same_by_height_and_by_hash_and_lists_go_on() {
    let world = World::quick();
    let sent = world.settle("", &[spend(ROOT_NETWORK, USER, FRIEND, coins(1), 1)], "root_final").await;
    let at = &sent["items"][0]["status"]["block"];
    let block = world.get(&format!("/banyan/v1/blocks/{}", at["hash"].as_str().unwrap())).await.json();
    assert_eq!(
        (&block["kind"], &block["tx_count"], &block["level"]),
        (&json!("micro"), &json!(1), &json!("root_final"))
    );
    let key = world.get(&format!("/banyan/v1/blocks/{}", at["height"])).await.json();
    let again = world.get(&format!("/banyan/v1/blocks/{}", key["hash"].as_str().unwrap())).await.json();
    assert_eq!(key["hash"], again["hash"]);
    let (mut path, mut seen) = (String::from("/banyan/v1/blocks?limit=2"), Vec::new());
    loop {
        let page = world.get(&path).await.json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|block| (block["height"].as_u64().unwrap(), block["index"].as_u64().unwrap())),
        );
        match page["next"].as_str() {
            Some(next) => path = format!("/banyan/v1/blocks?limit=2&after={next}"),
            None => break,
        }
    }
    assert!(seen.is_sorted_by(|before, after| before > after), "{seen:?}");
    assert_eq!(seen.last(), Some(&(0, 0)), "down to the genesis");
    world.stop();
}

#[tokio::test]
async fn an_account_knows_its_history_and_its_queue() {
    let world = World::quick();
    let txs: Vec<_> = (1..=3).map(|nonce| spend(ROOT_NETWORK, USER, FRIEND, coins(nonce), nonce)).collect();
    world.settle("", &txs, "ordered").await;
    world.post_tx("", &spend(ROOT_NETWORK, USER, FRIEND, coins(9), 9)).await;
    for seed in [USER, FRIEND] {
        let history = world.get(&format!("/banyan/v1/accounts/{}/transactions", account(seed))).await.json();
        let hashes: Vec<_> =
            history["items"].as_array().unwrap().iter().map(|item| item["tx"]["hash"].as_str().unwrap()).collect();
        assert_eq!(hashes.len(), 3, "{history}");
        assert!(txs.iter().all(|tx| hashes.contains(&tx.hash().to_string().as_str())));
    }
    let queue = world.get(&format!("/banyan/v1/mempool/{}", account(USER))).await.json();
    assert_eq!(queue.as_array().unwrap().last().unwrap()["nonce"], 9);
    world.stop();
}
