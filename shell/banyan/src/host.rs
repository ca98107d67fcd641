//! Serve ledgers of this process over HTTP, until somebody says stop.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    thread::JoinHandle,
    time::Duration,
};

use banyan_api::{Served, Tree};
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use crate::failure::{Exit, Failure};

/// Ports that are tried after the one that is taken.
const PORTS_TRIED: u16 = 50;
/// Threads that answer requests.
const WORKERS: usize = 2;
/// Longest that open requests may hold up the end.
const GRACE: Duration = Duration::from_millis(1_500);

/// A running HTTP interface.
pub struct Host {
    runtime: Runtime,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<io::Result<()>>,
}

/// Listen on `address`, or on the next port that is free. Port 0 is any.
/// # Errors
/// The system's, or all are taken.
pub fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let ports = address.port()..=address.port().saturating_add(PORTS_TRIED);
    for port in ports {
        match TcpListener::bind(SocketAddr::new(address.ip(), port)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            bound => return bound.map_err(|error| no_port(address, &error.to_string())),
        }
    }
    Err(no_port(address, &format!("it and {PORTS_TRIED} after it are taken")))
}

fn no_port(address: SocketAddr, why: &str) -> Failure {
    Failure::new(Exit::Ours, "port", format!("cannot listen on {address}"), "--port 0 takes any free port").because(why)
}

impl Host {
    /// Serve on `listener`; the first ledger is at `/`.
    /// # Errors
    /// The ledgers do not fit together, or the system gives no thread.
    pub fn start(listener: TcpListener, ledgers: Vec<Served>) -> Result<Self, Failure> {
        let ours =
            |why: String| Failure::new(Exit::Ours, "host", "the interface cannot start", "report this").because(why);
        let tree = Tree::new(ledgers).map_err(|error| ours(error.to_string()))?;
        let runtime = Builder::new_multi_thread().worker_threads(WORKERS).enable_all().thread_name("http").build();
        let runtime = runtime.map_err(|error| ours(error.to_string()))?;
        listener.set_nonblocking(true).map_err(|error| ours(error.to_string()))?;
        let address = listener.local_addr().map_err(|error| ours(error.to_string()))?;
        let (stop, stopped) = oneshot::channel();
        let handle = runtime.handle().clone();
        let served = std::thread::spawn(move || {
            handle.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                // Whoever drops the sender wants the same as whoever sends.
                banyan_api::serve(listener, banyan_api::router(tree), async move { drop(stopped.await) }).await
            })
        });
        Ok(Self { runtime, address, stop, served })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Wait for Ctrl-C or a polite request to end.
    /// # Errors
    /// The system tells nobody of signals.
    pub fn wait(&self) -> Result<(), Failure> {
        let told = self.runtime.block_on(interrupted());
        told.map_err(|error| {
            Failure::new(Exit::Ours, "signals", "the system tells of no signals", "report this")
                .because(error.to_string())
        })
    }

    /// From now on a signal ends the process at once: what was acknowledged is on disk all the same.
    pub fn end_at_next_signal(&self) {
        self.runtime.spawn(async {
            if interrupted().await.is_ok() {
                std::process::exit(130);
            }
        });
    }

    /// Take no more requests, let open ones end.
    pub fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.served.join();
        self.runtime.shutdown_timeout(GRACE);
    }

    /// Run something of the node's that is asynchronous.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

/// Ctrl-C, or a polite request to end.
async fn interrupted() -> io::Result<()> {
    let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_gives_the_next_free_one() {
        let first = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let taken = first.local_addr().unwrap();
        let second = listen(taken).unwrap().local_addr().unwrap();
        assert!(second.port() > taken.port(), "{second} after {taken}");
    }
}
