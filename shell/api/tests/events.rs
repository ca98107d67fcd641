//! Streams tell what happens, and resume without a gap.

mod support;

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    http::{Request, StatusCode},
};
use banyan_api::{Event, Level};
use support::*;
use tokio_stream::StreamExt as _;
use tower::ServiceExt as _;

/// A listener that reads one event after the other.
struct Listener {
    body: BodyDataStream,
    read: String,
}

impl Listener {
    async fn open(world: &World, path: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(path);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = world.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), read: String::new() }
    }

    /// The next event and the id that it carries.
    async fn next(&mut self) -> (Event, Option<String>) {
        loop {
            if let Some((message, rest)) = self.read.split_once("\n\n") {
                let (message, rest) = (message.to_owned(), rest.to_owned());
                self.read = rest;
                let line = |name: &str| message.lines().find_map(|line| line.strip_prefix(name)).map(ToOwned::to_owned);
                if let Some(data) = line("data: ") {
                    return (serde_json::from_str(&data).unwrap(), line("id: "));
                }
            } else {
                let chunk = tokio::time::timeout(Duration::from_secs(30), self.body.next()).await;
                self.read.push_str(std::str::from_utf8(&chunk.expect("something happens").unwrap().unwrap()).unwrap());
            }
        }
    }

    async fn until(&mut self, mut wanted: impl FnMut(&Event) -> bool) -> Event {
        loop {
            let (event, _) = self.next().await;
            if wanted(&event) {
                return event;
            }
        }
    }
}

#[tokio::test]
async fn blocks_are_told_as_they_come_each_once_and_in_order() {
    let world = World::quick();
    let mut listener = Listener::open(&world, "/banyan/v1/events?topics=key_blocks", None).await;
    let mut heights = Vec::new();
    while heights.len() < 3 {
        let (event, id) = listener.next().await;
        assert_eq!((event.topic.as_str(), id.as_ref()), ("key_blocks", Some(&event.cursor)));
        heights.push(event.data["height"].as_u64().unwrap());
    }
    assert!(heights.windows(2).all(|pair| pair[1] == pair[0] + 1), "{heights:?}");
    world.stop();
}

#[tokio::test]
async fn a_stream_resumes_where_it_was_cut() {
    let world = World::quick();
    let mut first = Listener::open(&world, "/banyan/v1/events?topics=blocks", None).await;
    let cut = first.until(|event| event.data["height"].as_u64() == Some(2)).await;
    drop(first);
    world.settle("", &[spend(ROOT_NETWORK, USER, FRIEND, coins(1), 1)], "ordered").await;
    // The header, as a browser sends it, and the query say the same.
    for (path, last) in [
        ("/banyan/v1/events?topics=blocks".to_owned(), Some(cut.cursor.as_str())),
        (format!("/banyan/v1/events?topics=blocks&from={}", cut.cursor), None),
    ] {
        let mut resumed = Listener::open(&world, &path, last).await;
        let mut place = (2, 0);
        for _ in 0..3 {
            let event = resumed.until(|event| event.data.get("index").is_some()).await;
            let now = (event.data["height"].as_u64().unwrap(), event.data["index"].as_u64().unwrap());
            assert!(now == (place.0, place.1 + 1) || now == (place.0 + 1, 0), "{place:?} {now:?}");
            place = now;
        }
    }
    world.stop();
}

#[tokio::test]
async fn a_cursor_of_a_branch_that_is_gone_begins_with_the_fork() {
    let world = World::quick();
    world.settle("", &[spend(ROOT_NETWORK, USER, FRIEND, coins(1), 1)], "root_final").await;
    let path = "/banyan/v1/events?topics=blocks&from=1.0@ffffffffffffffff";
    let mut listener = Listener::open(&world, path, None).await;
    let (reorg, _) = listener.next().await;
    assert_eq!(reorg.topic, "reorg");
    assert!(reorg.data["fork_height"].as_u64().unwrap() <= 1, "{reorg:?}");
    assert!(listener.next().await.0.data["height"].as_u64().unwrap() >= 1);
    world.stop();
}

#[tokio::test]
async fn a_transaction_is_told_at_every_level() {
    let world = World::quick();
    let tx = spend(ROOT_NETWORK, USER, FRIEND, coins(1), 1);
    let mut listener = Listener::open(&world, &format!("/banyan/v1/events?topics=tx:{}", tx.hash()), None).await;
    world.post_tx("", &tx).await;
    let mut levels = Vec::new();
    while levels.last() != Some(&Some(Level::RootFinal)) {
        let (event, _) = listener.next().await;
        assert_eq!(event.data.get("demoted_from"), None, "{event:?}");
        levels.push(event.level);
    }
    assert!(levels.is_sorted() && levels.contains(&Some(Level::Ordered)), "{levels:?}");
    world.stop();
}

#[tokio::test]
async fn accounts_and_escrows_are_told_when_they_change() {
    let world = World::quick();
    let topics = format!("account:{},associate:{}", account(FRIEND), world.child_id);
    let mut listener = Listener::open(&world, &format!("/banyan/v1/events?topics={topics}"), None).await;
    world.settle("", &[spend(ROOT_NETWORK, USER, FRIEND, coins(7), 1)], "ordered").await;
    let event = listener.until(|event| event.topic.starts_with("account:")).await;
    assert_eq!(event.data["balance"], coins(7).base().to_string());
    world.settle("", &[commit(world.child_id, USER, coins(50), 2)], "ordered").await;
    let committed = coins(50).base().to_string();
    let event = listener.until(|event| event.data["escrow"]["committed"] == committed.as_str()).await;
    assert_eq!(event.topic, format!("associate:{}", world.child_id));
    world.stop();
}
