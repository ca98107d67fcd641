//! The open routes of a rotation, as clients of the earlier system use them, and as they must not be used.

mod support;

use axum::http::StatusCode;
use banyan_types::{
    Bytes, Hash, Height, Nonce, PublicKey,
    committee::{Statement, StatementKind},
    header::{ChildBody, ChildHeader},
    tx::{BlobPost, Transaction},
};
use serde::Deserialize;
use serde_json::{Value, json};
use support::*;

/// A world in which user and scribe have coins on the child.
async fn funded() -> World {
    let world = World::in_turns();
    let commits =
        [commit(world.child_id, USER, coins(100), 1), commit_to(world.child_id, USER, account(SCRIBE), coins(100), 2)];
    world.settle("", &commits, "hard").await;
    for who in [USER, SCRIBE] {
        let path = format!("/l/relay/v3/accounts/{}", account(who));
        while world.get(&path).await.status != StatusCode::OK {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    world
}

/// What the earlier system's client reads: its structures know no other keys.
mod client {
    use super::*;
    use banyan_crypto::sha256;

    #[derive(Debug, Clone, Deserialize)]
    pub enum Node {
        Root(Root),
        Branch(Branch),
        Leaf(Leaf),
    }

    #[derive(Debug, Clone, Deserialize)]
    pub struct Root {
        pub hash: Option<Vec<u8>>,
        pub left: Option<Vec<u8>>,
        pub right: Option<Vec<u8>>,
    }

    #[derive(Debug, Clone, Deserialize)]
    pub struct Branch {
        pub key: Vec<u8>,
        pub hash: Option<Vec<u8>>,
        pub left: Option<Vec<u8>>,
        pub right: Option<Vec<u8>>,
    }

    #[derive(Debug, Clone, Deserialize)]
    pub struct Leaf {
        pub prefix: Option<Vec<u8>>,
        pub key: Vec<u8>,
        pub hash: Option<Vec<u8>>,
        pub data: Option<Vec<u8>>,
    }

    #[derive(Debug, Deserialize)]
    pub struct MerkleProof {
        pub nodes: Vec<(bool, Node)>,
    }

    #[derive(Debug, Deserialize)]
    pub struct Entry {
        pub data: Vec<u8>,
        pub timestamp: u32,
    }

    #[derive(Debug, Deserialize)]
    pub struct Commitment {
        pub signature: Vec<u8>,
        pub validator: Vec<u8>,
        pub timestamp: u32,
    }

    #[derive(Debug, Deserialize)]
    pub struct Block {
        pub height: u32,
        pub transactions: Vec<Entry>,
        pub signature: Vec<u8>,
        pub commitments: Vec<Commitment>,
        pub timestamp: u32,
    }

    fn bytes(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as u64).to_le_bytes(), bytes].concat()
    }

    fn option(field: Option<&Vec<u8>>) -> Vec<u8> {
        field.map_or_else(|| vec![0], |field| [vec![1], bytes(field)].concat())
    }

    /// The hash of a node without its own hash.
    pub fn hash(node: &Node) -> [u8; 32] {
        let parts = match node {
            Node::Root(root) => [option(None), option(root.left.as_ref()), option(root.right.as_ref())].concat(),
            Node::Branch(branch) => {
                let sides = [option(branch.left.as_ref()), option(branch.right.as_ref())].concat();
                [bytes(&branch.key), option(None), sides].concat()
            }
            Node::Leaf(leaf) => {
                let ends = [option(None), option(leaf.data.as_ref())].concat();
                [option(leaf.prefix.as_ref()), bytes(&leaf.key), ends].concat()
            }
        };
        sha256(&[&parts])
    }

    /// The key of data, as the client makes it.
    pub fn key(data: &[u8]) -> Vec<u8> {
        let leaf = Leaf { prefix: None, key: vec![], hash: None, data: Some(data.to_vec()) };
        hash(&Node::Leaf(leaf)).iter().flat_map(|byte| (0..8).rev().map(move |bit| (byte >> bit) & 1)).collect()
    }

    /// From the leaf up: each node stands on its side of the next, the last is the root.
    pub fn verify(reversed: &[(bool, Node)], root: &[u8]) {
        let mut below: Option<(bool, Vec<u8>)> = None;
        for (is_right, node) in reversed {
            if let Some((is_right, hash)) = &below {
                let sides = match node {
                    Node::Root(Root { left, right, .. }) | Node::Branch(Branch { left, right, .. }) => [left, right],
                    Node::Leaf(_) => panic!("a leaf leads nowhere"),
                };
                assert_eq!(sides[usize::from(*is_right)].as_ref(), Some(hash));
            }
            let said = match node {
                Node::Root(Root { hash, .. }) | Node::Branch(Branch { hash, .. }) | Node::Leaf(Leaf { hash, .. }) => {
                    hash
                }
            };
            let hash = hash(node).to_vec();
            assert_eq!(said.as_ref(), Some(&hash));
            below = Some((*is_right, hash));
        }
        assert_eq!(below.map(|(_, hash)| hash).as_deref(), Some(root));
    }
}

async fn until_final(world: &World, key: &[u8]) -> String {
    let body = serde_json::to_string(key).unwrap();
    for _ in 0..200 {
        let answer = world.post("/l/relay/merkle_proof", body.clone()).await;
        if answer.status == StatusCode::OK {
            return answer.text;
        }
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text);
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the data are not final");
}

#[tokio::test]
async fn the_seed_client_schedules_and_verifies_a_proof_unchanged() {
    let world = funded().await;
    for data in [vec![1_u8, 2, 3], vec![], b"a longer datum".to_vec()] {
        let answer = world.post("/l/relay/schedule", json!({ "data": data, "timestamp": 17 }).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let proof = until_final(&world, &client::key(&data)).await;
        let mut nodes = serde_json::from_str::<client::MerkleProof>(&proof).unwrap().nodes;
        let root = world.get("/l/relay/get/state_root_hash").await;
        let root: client::Root = serde_json::from_str(&root.text).unwrap();
        nodes.reverse();
        client::verify(&nodes, &root.hash.unwrap());
        let client::Node::Leaf(leaf) = &nodes[0].1 else { panic!("a leaf comes first") };
        assert_eq!(leaf.data.as_ref(), Some(&data));
    }
    let height: u32 = serde_json::from_str(&world.get("/l/relay/get/height").await.text).unwrap();
    let mut found = Vec::new();
    for at in 0..height {
        let block: client::Block =
            serde_json::from_str(&world.get(&format!("/l/relay/get/block/{at}")).await.text).unwrap();
        assert_eq!((block.height, block.commitments.len()), (at, usize::from(at > 0)), "one validator commits to all");
        assert!(at == 0 || (block.signature.len() == 64 && block.commitments[0].signature.len() == 64));
        assert!(block.commitments.iter().all(|one| one.validator.len() == 32 && one.timestamp == block.timestamp));
        found.extend(block.transactions.into_iter().map(|entry| (entry.data, entry.timestamp > 0)));
    }
    assert_eq!(found, [(vec![1, 2, 3], true), (vec![], true), (b"a longer datum".to_vec(), true)]);
    let missing = world.get(&format!("/l/relay/get/block/{}", height + 1_000)).await;
    let warning = "[Warning] Requested Block that does not exist";
    assert_eq!((missing.status, missing.text.as_str()), (StatusCode::NOT_FOUND, warning));
    world.stop();
}

#[tokio::test]
async fn the_same_data_twice_is_one_entry() {
    let world = funded().await;
    let data = json!({ "data": "0a0b", "timestamp": 1 }).to_string();
    let (first, second) =
        (world.post("/l/relay/schedule", data.clone()).await, world.post("/l/relay/schedule", data.clone()).await);
    assert_eq!((first.json()["status"].clone(), second.json()["status"].clone()), (json!("received"), json!("known")));
    assert_eq!(first.json()["id"], second.json()["id"]);
    until_final(&world, &client::key(&[10, 11])).await;
    let third = world.post("/l/relay/schedule", data).await.json();
    assert_eq!((&third["status"], &third["id"]), (&json!("known"), &first.json()["id"]));
    // Somebody else's transaction with the same data, signed by himself.
    let tx = blob(&world, &[10, 11], 1);
    let fourth = world.post("/l/relay/schedule", json!(encoded(&tx)).to_string()).await.json();
    assert_eq!((&fourth["status"], &fourth["id"]), (&json!("known"), &first.json()["id"]));
    world.stop();
}

fn blob(world: &World, data: &[u8], nonce: u64) -> banyan_types::tx::SignedTx {
    let post = BlobPost {
        sender_id: account(USER),
        data: Bytes(data.to_vec()),
        ttl: Height(0),
        fee: fee(),
        nonce: Nonce(nonce),
    };
    signed(post, &world.child_network, USER)
}

#[tokio::test]
async fn data_may_be_signed_by_whoever_sends_them() {
    let world = funded().await;
    let tx = blob(&world, &[7; 40], 1);
    let fields = |signature: &[u8]| {
        json!({
            "data": vec![7; 40], "timestamp": 1, "sender": account(USER).to_string(), "nonce": 1,
            "fee": fee().base().to_string(), "signature": signature,
        })
    };
    let wrong = world.post("/l/relay/schedule", fields(&[0; 64]).to_string()).await;
    assert_eq!(
        (wrong.status, wrong.json()["error"]["code"].clone()),
        (StatusCode::BAD_REQUEST, json!("bad_signature"))
    );
    let right = world.post("/l/relay/schedule", fields(&tx.signatures()[0].0).to_string()).await;
    assert_eq!(
        (right.status, right.json()["id"].clone()),
        (StatusCode::OK, json!(tx.hash().to_string())),
        "{}",
        right.text
    );
    let large = json!({ "data": "00".repeat(64 * 1024 + 1), "timestamp": 1 }).to_string();
    let large = world.post("/l/relay/schedule", large).await;
    assert_eq!(
        (large.status, large.json()["error"]["details"]["max"].clone()),
        (StatusCode::PAYLOAD_TOO_LARGE, json!(65_536))
    );
    let elsewhere = world.post("/schedule", json!({ "data": [1], "timestamp": 1 }).to_string()).await;
    assert_eq!(
        (elsewhere.status, elsewhere.json()["error"]["code"].clone()),
        (StatusCode::NOT_FOUND, json!("no_rotation"))
    );
    world.stop();
}

#[tokio::test]
async fn absence_is_proven() {
    let world = funded().await;
    let hash = banyan_crypto::sha256(&[b"never posted"]);
    let hex = hash.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let absent = world.get(&format!("/l/relay/banyan/v1/blob/{hex}/proof")).await.json();
    assert_eq!((&absent["present"], absent["proof"]["items"][0].get("value")), (&json!(false), None));
    assert!(absent["certificate"].as_str().unwrap().starts_with("ba_"));
    let bits = client::key(b"never posted");
    let answer = world.post("/l/relay/merkle_proof", serde_json::to_string(&bits).unwrap()).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (StatusCode::NOT_FOUND, json!("absent")));
    let short = world.post("/l/relay/merkle_proof", "[1,0,1]").await;
    assert_eq!((short.status, short.json()["error"]["details"]["got"].clone()), (StatusCode::BAD_REQUEST, json!(3)));
    world.stop();
}

#[tokio::test]
async fn unsigned_commitments_are_refused() {
    let world = funded().await;
    let block = vec![5_u8; 32];
    let statement = |height| Statement::precommit(Height(height), 0, Hash([5; 32]));
    let by = |seed: u8, height: u64, signature: Option<Vec<u8>>| {
        let validator = key(seed).public().to_vec();
        json!({ "validator": validator, "height": height, "view": 0, "block": block, "signature": signature })
            .to_string()
    };
    let sign =
        |seed: u8, height| Some(key(seed).sign(&statement(height).signing_message(&world.child_network)).to_vec());
    let next: u64 = serde_json::from_str(&world.get("/l/relay/get/height").await.text).unwrap();
    let lottery = json!({ "validator": key(LEADER).public().to_vec(), "receipt": {} }).to_string();
    let rows = [
        (lottery, 410, "no_lottery"),
        (by(LEADER, next, None), 403, "no_validator"),
        (by(LEADER, next, sign(STRANGER, next)), 403, "no_validator"),
        (by(STRANGER, next, sign(STRANGER, next)), 403, "no_validator"),
        (by(LEADER, 1, sign(LEADER, 1)), 400, "final"),
        (by(LEADER, next + 1_000, sign(LEADER, next + 1_000)), 409, "height_early"),
    ];
    for (body, status, code) in rows {
        let answer = world.post("/l/relay/commit", body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"]["code"].clone()), (status, json!(code)), "{body}");
    }
    let seals: Vec<Value> = serde_json::from_str(&world.get("/l/relay/get/commitments").await.text).unwrap();
    assert!(seals.iter().all(|seal| seal["validator"] == json!(key(LEADER).public().to_vec())) && !seals.is_empty());
    world.stop();
}

#[tokio::test]
async fn an_unauthenticated_proposal_is_refused() {
    let world = funded().await;
    let next: u64 = serde_json::from_str(&world.get("/l/relay/get/height").await.text).unwrap();
    let header = ChildHeader {
        version: 6,
        height: Height(next),
        prev_hash: Hash([1; 32]),
        parent_hash: Hash::ZERO,
        parent_height: Height(0),
        root_height: Height(0),
        time_ms: banyan_types::TimeMs(0),
        entropy: Hash::ZERO,
        txs_root: Hash::ZERO,
        receipts_root: Hash::ZERO,
        inbox_to: 0,
        outbox_to: 0,
        state_root: Hash::ZERO,
        set_hash: Hash::ZERO,
        leader: PublicKey(key(LEADER).public()),
        view: 0,
        prev_seal_hash: Hash::ZERO,
    };
    let body =
        ChildBody { header: Bytes(header.encode()), txs: vec![], prev_seal: Bytes::default(), attachments: vec![] };
    let (kind, block_hash) = (StatementKind::Proposal, header.hash());
    let statement = Statement { kind, height: header.height, view: 0, block_hash, valid_view: None };
    let propose =
        |signature: Option<Vec<u8>>| json!({ "body": body.encode(), "view": 0, "signature": signature }).to_string();
    let sign = |seed: u8| Some(key(seed).sign(&statement.signing_message(&world.child_network)).to_vec());
    for signature in [None, sign(STRANGER), Some(vec![1; 10])] {
        let answer = world.post("/l/relay/propose", propose(signature)).await;
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].clone()),
            (StatusCode::FORBIDDEN, json!("no_validator"))
        );
    }
    // A validator's own block that rests on nothing here is early, not counted.
    let answer = world.post("/l/relay/propose", propose(sign(LEADER))).await;
    assert_eq!(
        (answer.status, answer.json()["error"]["owner"].clone()),
        (StatusCode::CONFLICT, json!("early")),
        "{}",
        answer.text
    );
    let unreadable = json!({ "body": "00ff", "signature": vec![1; 64] }).to_string();
    assert_eq!(world.post("/l/relay/propose", unreadable).await.status, StatusCode::BAD_REQUEST);
    world.stop();
}

/// A transaction of another kind goes the same way.
#[tokio::test]
async fn any_transaction_may_be_scheduled() {
    let world = funded().await;
    let tx = spend(&world.child_network, USER, FRIEND, coins(1), 1);
    assert!(matches!(tx.transaction(), Transaction::Spend(_)));
    let answer = world.post("/l/relay/schedule", json!(encoded(&tx)).to_string()).await;
    assert_eq!((answer.status, answer.json()["key"].clone()), (StatusCode::OK, Value::Null), "{}", answer.text);
    world.settle("/l/relay", &[tx], "hard").await;
    world.stop();
}
