//! The document is the router, and the router is the document.

mod support;

use std::collections::BTreeSet;

use axum::{body::Body, http::Request};
use support::*;

/// Every path of the document with its methods.
fn documented() -> BTreeSet<(String, &'static str)> {
    let document = serde_json::to_value(banyan_api::document()).unwrap();
    let paths = document["paths"].as_object().unwrap().clone();
    let of_path = |(path, item): (String, serde_json::Value)| {
        let methods = [("get", "GET"), ("post", "POST")];
        methods
            .into_iter()
            .filter(move |(name, _)| item.get(name).is_some())
            .map(move |(_, method)| (path.clone(), method))
    };
    paths.into_iter().flat_map(of_path).collect()
}

#[tokio::test]
async fn every_route_of_the_document_answers() {
    let world = World::quick();
    for (path, method) in documented() {
        let filled =
            path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect::<Vec<_>>().join("/");
        for base in ["", "/l/bank", "/l/root"] {
            if filled.ends_with("/events") {
                continue; // it answers for ever
            }
            let request = Request::builder().method(method).uri(format!("{base}{filled}")).body(Body::empty()).unwrap();
            let answer = world.request(request).await;
            let code = serde_json::from_str::<serde_json::Value>(&answer.text).unwrap_or_default();
            let code = code["error"]["code"].as_str().or(code["error_code"].as_str()).unwrap_or_default().to_owned();
            assert!(!["unknown_route", "wrong_method"].contains(&code.as_str()), "{method} {base}{filled}");
            assert!(!answer.status.is_server_error(), "{method} {base}{filled}: {}", answer.text);
        }
    }
    world.stop();
}

#[tokio::test]
async fn every_route_of_the_router_is_in_the_document() {
    let world = World::quick();
    let shown = format!("{:?}", world.router);
    let documented: BTreeSet<_> = documented().into_iter().map(|(path, _)| path).collect();
    // The routes that stand at a mount's root beside pages are known by the document alone.
    let is_open = |text: &str| documented.contains(text) || text.starts_with("/get/");
    let is_ours = |text: &str| text.starts_with("/v3/") || text.starts_with("/banyan/v1/") || is_open(text);
    let routed: BTreeSet<_> = shown.split('"').filter(|text| is_ours(text)).map(ToOwned::to_owned).collect();
    assert!(routed.len() > 40, "{routed:?}");
    assert_eq!(routed, documented);
    world.stop();
}

#[tokio::test]
async fn the_document_is_served_and_every_operation_says_what_it_does() {
    let world = World::quick();
    let served = world.get("/banyan/v1/openapi.json").await.json();
    assert_eq!(served, serde_json::to_value(banyan_api::document()).unwrap());
    for (path, item) in served["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let said = operation["summary"].as_str().or(operation["description"].as_str());
            assert!(said.is_some_and(|said| said.len() > 5), "{method} {path}");
        }
    }
    world.stop();
}
