//! A private ledger: strangers are told what they are told of a ledger that is not there.

mod support;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use banyan_api::Pass;
use serde_json::json;
use support::*;

async fn said(world: &World, path: &str, token: &str) -> Answer {
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    world.request(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_private_child_is_invisible_to_strangers() {
    let world = World::private(vec![Pass::all("open sesame")]);
    for path in
        ["/l/bank/", "/l/bank/banyan/v1/status", "/l/bank/v3/status", "/l/bank/banyan/v1/blocks", "/l/bank/nothing"]
    {
        let (stranger, guesser) = (world.get(path).await, said(&world, path, "open barley").await);
        assert_eq!((stranger.status, guesser.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND), "{path}");
        let nobody = world.get(&path.replace("bank", "bonk")).await;
        let unnamed = |answer: &Answer| {
            let text = answer.text.replace("bank", "*").replace("bonk", "*");
            text.split("request_id").next().map(ToOwned::to_owned)
        };
        assert_eq!((nobody.status, unnamed(&nobody)), (stranger.status, unnamed(&stranger)), "{path}");
        assert_eq!(nobody.header("banyan-level"), stranger.header("banyan-level"), "not even by its level");
    }
    for path in ["/banyan/v1/tree", "/", "/banyan/v1/path?from=root&to=bank"] {
        assert!(!world.get(path).await.text.contains("/l/bank"), "{path} tells of it");
    }
    let member = said(&world, "/l/bank/banyan/v1/status", "open sesame").await;
    assert_eq!(
        (member.status, member.json()["network_id"].clone()),
        (StatusCode::OK, world.child_network.clone().into())
    );
    assert!(said(&world, "/l/bank/banyan/v1/tree", "open sesame").await.text.contains("bank"), "members see it");
    // What the parent holds of it is in the parent's state, which is everybody's.
    let point = format!("/banyan/v1/associates/{}", world.child_id);
    assert_eq!(world.get(&point).await.status, StatusCode::OK);
    world.stop();
}

#[tokio::test]
async fn members_get_proofs_of_their_own_leaves_only() {
    let member = Pass { token: "user".into(), accounts: Some([account(USER)].into()) };
    let world = World::private(vec![Pass::all("operator"), member]);
    let proof = async |token: &str, keys: &[String]| {
        let request = Request::post("/l/bank/banyan/v1/proofs")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        let body = json!({ "at": "top", "keys": keys }).to_string();
        world.request(request.body(Body::from(body)).unwrap()).await
    };
    let (own, other) = (format!("account:{}", account(USER)), format!("account:{}", account(FRIEND)));
    assert_eq!(proof("user", std::slice::from_ref(&own)).await.status, StatusCode::OK);
    assert_eq!(proof("user", &["parent".into(), "supply".into(), "clock".into()]).await.status, StatusCode::OK);
    let refused = proof("user", &[own, other.clone()]).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (StatusCode::FORBIDDEN, &json!("not_yours")));
    assert_eq!(proof("operator", std::slice::from_ref(&other)).await.status, StatusCode::OK);
    assert_eq!(proof("guess", &[other]).await.status, StatusCode::NOT_FOUND);
    world.stop();
}

#[tokio::test]
async fn a_public_child_does_not_show_its_private_parent() {
    let world = World::under_private(vec![Pass::all("open sesame")]);
    let root = world.get("/banyan/v1/status").await;
    assert_eq!((root.status, root.header("banyan-level")), (StatusCode::NOT_FOUND, None));
    for path in ["/l/bank/", "/l/bank/banyan/v1/status", "/l/bank/banyan/v1/tree"] {
        let answer = world.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let told = ["/l/root", ROOT_NETWORK].into_iter().find(|word| answer.text.contains(word));
        assert_eq!(told, None, "{path} tells of it");
    }
    assert_ne!(world.get("/l/bank/banyan/v1/path?from=bank&to=root").await.status, StatusCode::OK);
    world.stop();
}
