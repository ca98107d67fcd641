//! Serve a root and one child that live in memory: `cargo run -p banyan-api --example tree -- 3013 [key interval in ms]`.
//! The accounts are those of the tests; a payment goes out every other second, so that there is something to look at.

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use support::{DEV, FRIEND, OPERATORS, ROOT_NETWORK, USER, World, coins, commit, commit_to, spend, withdraw};

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let port = arguments.next().and_then(|port| u16::try_from(port).ok()).unwrap_or(3013);
    let world = World::new(arguments.next().unwrap_or(3_000));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    println!("http://{}", listener.local_addr().expect("a bound listener has an address"));
    let router = world.router.clone();
    let served = tokio::spawn(banyan_api::serve(listener, router, async {
        let _ = tokio::signal::ctrl_c().await;
    }));
    tokio::select! {
        _ = served => {}
        () = traffic(&world) => {}
    }
    world.stop();
}

/// Coins go down, are paid, and come back, over and over.
async fn traffic(world: &World) {
    let network = world.child_network.clone();
    let gifts = DEV.iter().zip(1..).map(|(to, nonce)| {
        commit_to(world.child_id, OPERATORS[1], to.parse().expect("a public address"), coins(1_000), nonce)
    });
    world.submit("", &gifts.collect::<Vec<_>>(), "received").await;
    for round in 0_u64.. {
        let nonce = |step: u64| round * 3 + step;
        world.submit("", &[commit(world.child_id, USER, coins(50 + round), nonce(1))], "hard").await;
        world.submit("", &[spend(ROOT_NETWORK, USER, FRIEND, coins(1 + round), nonce(2))], "ordered").await;
        world.submit("", &[spend(ROOT_NETWORK, USER, FRIEND, coins(2 + round), nonce(3))], "ordered").await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        world.submit("/l/bank", &[spend(&network, USER, FRIEND, coins(3), round * 2 + 1)], "ordered").await;
        world.submit("/l/bank", &[withdraw(&network, USER, coins(10), round * 2 + 2)], "ordered").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}
