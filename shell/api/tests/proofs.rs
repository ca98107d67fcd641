//! What the node proves is checked here without believing it anything.

mod support;

use banyan_api::StateProof;
use banyan_ledger::{Account, Escrow, key};
use banyan_tree::MultiProof;
use banyan_types::{
    Amount, Asset, Hash,
    header::{ChildHeader, KeyHeader, MicroHeader},
    text::{Prefix, decode_as},
};
use serde_json::json;
use support::*;

/// Check a proof as a wallet does, and give the values that it proves.
fn checked(proof: &StateProof) -> Vec<(banyan_ledger::Key, Option<Vec<u8>>)> {
    let header = decode_as(Prefix::Bytes, &proof.header.bytes).unwrap();
    let (hash, root) = match proof.header.kind.as_str() {
        "key" => KeyHeader::decode(&header).map(|header| (header.hash(), header.state_root)).unwrap(),
        "micro" => MicroHeader::decode(&header).map(|header| (header.hash(), header.state_root)).unwrap(),
        _ => ChildHeader::decode(&header).map(|header| (header.hash(), header.state_root)).unwrap(),
    };
    let names = [hash.text(Prefix::KeyBlock), hash.text(Prefix::MicroBlock)];
    assert!(names.contains(&proof.at.hash), "the header is the block's");
    assert_eq!(root.text(Prefix::StateRoot), proof.state_root, "the root is the header's");
    let item = |item: &banyan_api::ProofItem| {
        let key = (0..32).map(|at| u8::from_str_radix(&item.key[at * 2..at * 2 + 2], 16).unwrap()).collect::<Vec<_>>();
        let value = item.value.as_ref().map(|value| decode_as(Prefix::Bytes, value).unwrap());
        (key.try_into().unwrap(), value)
    };
    let items: Vec<_> = proof.items.iter().map(item).collect();
    let multi = MultiProof::decode(&decode_as(Prefix::Proof, &proof.proof).unwrap()).unwrap();
    multi.verify(&root.0, &items).unwrap();
    items
}

async fn prove(world: &World, base: &str, keys: serde_json::Value, at: &str) -> StateProof {
    let answer = world.post(&format!("{base}/banyan/v1/proofs"), json!({ "keys": keys, "at": at }).to_string()).await;
    serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{error}: {}", answer.text))
}

#[tokio::test]
async fn presence_and_absence_are_proven_at_every_kind_of_place() {
    let world = World::quick();
    let sent = world.settle("", &[spend(ROOT_NETWORK, USER, FRIEND, coins(25), 1)], "root_final").await;
    let block = &sent["items"][0]["status"]["block"];
    let keys =
        json!([format!("account:{}", account(FRIEND)), format!("account:{}", account(STRANGER)), "supply", "clock"]);
    let here = prove(&world, "", keys.clone(), block["hash"].as_str().unwrap()).await;
    for at in ["top", "final", &here.state_root, block["hash"].as_str().unwrap()] {
        let items = checked(&prove(&world, "", keys.clone(), at).await);
        let at_key = |wanted| items.iter().find(|(key, _)| *key == wanted).unwrap().1.clone();
        let friend = Account::decode(&at_key(key::account(account(FRIEND))).unwrap()).unwrap();
        assert_eq!(friend.balance, coins(25), "{at}");
        assert_eq!(at_key(key::account(account(STRANGER))), None, "{at}");
        assert!(at_key(key::supply()).is_some() && at_key(key::clock()).is_some(), "{at}");
    }
    let before = checked(&prove(&world, "", keys, "0").await);
    assert!(
        before.iter().any(|(at, value)| *at == key::account(account(FRIEND)) && value.is_none()),
        "not yet at height 0"
    );
    world.stop();
}

#[tokio::test]
async fn a_key_by_its_name_and_by_its_bytes_is_one_key() {
    let world = World::quick();
    let bytes = Hash(key::account(account(USER))).to_string();
    let name = format!("account:{}", account(USER));
    let proof = prove(&world, "", json!([bytes, name, name]), "top").await;
    assert_eq!(checked(&proof).len(), 1);
    world.stop();
}

#[tokio::test]
async fn a_changed_value_does_not_verify() {
    let world = World::quick();
    let proof = prove(&world, "", json!([format!("account:{}", account(USER))]), "top").await;
    let mut items = checked(&proof);
    items[0].1.as_mut().unwrap()[5] ^= 1;
    let multi = MultiProof::decode(&decode_as(Prefix::Proof, &proof.proof).unwrap()).unwrap();
    let root = Hash::from_text(Prefix::StateRoot, &proof.state_root).unwrap();
    assert!(multi.verify(&root.0, &items).is_err());
    world.stop();
}

#[tokio::test]
async fn solvency_numbers_carry_proofs_of_both_sides() {
    let world = World::quick();
    world.settle("", &[commit(world.child_id, USER, coins(100), 1)], "root_final").await;
    let path = format!("/banyan/v1/associates/{}/solvency", world.child_id);
    let solvency: banyan_api::Solvency = serde_json::from_str(&world.get(&path).await.text).unwrap();
    let items = checked(&solvency.proof);
    let escrow = items.iter().find(|(at, _)| *at == key::escrow(world.child_id, Asset::Coin)).unwrap();
    let escrow = Escrow::decode(escrow.1.as_ref().unwrap()).unwrap();
    assert_eq!((escrow.committed, escrow.remitted), (coins(100), Amount::ZERO));
    assert_eq!(solvency.escrow.committed, coins(100).base().to_string());
    let child = checked(&solvency.child.unwrap().proof);
    assert!(child.iter().all(|(_, value)| value.is_some()));
    let point: banyan_api::Associate =
        serde_json::from_str(&world.get(&format!("/banyan/v1/associates/{}", world.child_id)).await.text).unwrap();
    assert_eq!(checked(&point.proof.unwrap()).len(), 2);
    world.stop();
}

#[tokio::test]
async fn a_child_proves_its_states_too() {
    let world = World::quick();
    let proof = prove(&world, "/l/bank", json!(["parent", "supply"]), "final").await;
    assert_eq!(proof.header.kind, "child");
    assert!(checked(&proof).iter().all(|(_, value)| value.is_some()));
    world.stop();
}
