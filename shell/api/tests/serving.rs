//! Over a real socket: the host is checked, and nobody keeps the server from stopping.

mod support;

use std::{future::Future, net::SocketAddr, time::Duration};

use support::*;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

async fn serve(world: &World) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move {
        let _ = stopped.await;
    };
    let served = tokio::spawn(banyan_api::serve(listener, world.router.clone(), shutdown));
    Running { address, stop, served }
}

async fn open(address: SocketAddr, path: &str, host: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn first_line(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4_096];
    let read = in_time(stream.read(&mut bytes)).await.unwrap();
    let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
    text.lines().next().unwrap_or_default().to_owned()
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("in time")
}

#[tokio::test]
async fn on_loopback_only_loopback_names_are_answered() {
    let world = World::quick();
    let running = serve(&world).await;
    for (host, status) in [
        ("127.0.0.1", "200"),
        ("127.0.0.1:3013", "200"),
        ("localhost:3013", "200"),
        ("[::1]:3013", "200"),
        ("evil.example", "421"),
        ("evil.example:3013", "421"),
        ("127.0.0.1.evil.example", "421"),
        ("192.168.0.7", "421"),
    ] {
        let line = first_line(&mut open(running.address, "/v3/status", host).await).await;
        assert!(line.contains(status), "{host}: {line}");
    }
    running.stop.send(()).unwrap();
    in_time(running.served).await.unwrap().unwrap();
    world.stop();
}

#[tokio::test]
async fn an_open_stream_does_not_keep_the_server_from_stopping() {
    let world = World::quick();
    let running = serve(&world).await;
    let mut stream = open(running.address, "/banyan/v1/events", "localhost").await;
    assert!(first_line(&mut stream).await.contains("200"));
    running.stop.send(()).unwrap();
    in_time(running.served).await.unwrap().unwrap();
    world.stop();
}
