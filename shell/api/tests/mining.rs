//! A program that mines from outside, as a miner of another maker would.

mod support;

use std::time::{Duration, Instant};

use banyan_root::{
    pow::{EdgeBits, Lean, Seed, Solver as _, verify},
    target::Target,
};
use banyan_types::text::{self, Prefix};
use serde_json::{Value, json};
use support::*;

/// Longest that the node may take to offer work, or to put what was found on the chain.
const LIMIT: Duration = Duration::from_secs(10);

/// The pending key block with a proof, as it is posted.
fn mine(pending: &Value) -> Value {
    let header = text::decode_as(Prefix::Bytes, pending["header"].as_str().unwrap()).unwrap();
    let header = header.try_into().unwrap();
    let bits = EdgeBits::new(u8::try_from(pending["edge_bits"].as_u64().unwrap()).unwrap()).unwrap();
    let target = Target::from_compact(u32::try_from(pending["target"].as_u64().unwrap()).unwrap()).unwrap();
    let solve = |nonce| {
        let seed = Seed::of_header(&header, nonce);
        let cycles = Lean::default().solve(&seed, bits, &|| false);
        cycles.into_iter().find(|cycle| verify(&seed, bits, cycle, &target).is_ok()).map(|cycle| (nonce, cycle))
    };
    let (nonce, pow) = (0..).find_map(solve).unwrap();
    let mut mined = pending.clone();
    (mined["nonce"], mined["pow"]) = (json!(nonce), json!(pow.to_vec()));
    mined
}

/// What is found there before long.
async fn soon(world: &World, path: &str) -> Value {
    let begun = Instant::now();
    loop {
        let answer = world.get(path).await;
        if answer.status == 200 {
            return answer.json();
        }
        assert!(begun.elapsed() < LIMIT, "{path}: {}", answer.text);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_miner_from_outside_finds_what_the_node_asks_for() {
    let world = World::mined_by(0, 500);
    let pending = soon(&world, "/v3/key-blocks/pending").await;
    assert_eq!((pending["height"].as_u64(), pending.get("pow")), (Some(1), None));
    let good = mine(&pending);

    let post = async |change: &dyn Fn(&mut Value)| {
        let mut bad = good.clone();
        change(&mut bad);
        let answer = world.post("/v3/key-blocks", bad.to_string()).await;
        (answer.status.as_u16(), answer.json()["error_code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(post(&|bad| bad["pow"].as_array_mut().unwrap().reverse()).await, (400, "pow".into()));
    assert_eq!(post(&|bad| bad["pow"] = json!([1, 2, 3])).await, (400, "pow".into()));
    assert_eq!(post(&|bad| bad["nonce"] = json!(bad["nonce"].as_u64().unwrap() + 1)).await, (400, "pow".into()));
    assert_eq!(post(&|bad| bad["time"] = json!(1)).await, (400, "stale".into()));

    let taken = world.post("/v3/key-blocks", good.to_string()).await;
    assert_eq!(taken.status, 200, "{}", taken.text);
    let hash = taken.json()["hash"].as_str().unwrap().to_owned();
    soon(&world, &format!("/v3/key-blocks/hash/{hash}")).await;
    let again = world.post("/v3/key-blocks", good.to_string()).await;
    assert!([400, 404].contains(&again.status.as_u16()), "what was found is no longer asked for: {}", again.text);
    assert_eq!(world.get("/l/bank/v3/key-blocks/pending").await.status, 404);
    world.stop();
}
