//! Serve ledgers of this process over HTTP, until somebody says stop.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread::JoinHandle,
    time::Duration,
};

use banyan_api::{Served, Tree};
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use crate::failure::{Exit, Failure};

/// Ports that are tried after the one that is taken.
const PORTS_TRIED: u16 = 50;
/// Threads that answer requests.
const WORKERS: usize = 2;
/// Longest that open requests may hold up the end.
const GRACE: Duration = Duration::from_millis(1_500);
/// How often the nodes are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// The exit code of an interrupted program.
pub const INTERRUPTED: i32 = 130;

/// A running HTTP interface.
pub struct Host {
    runtime: Runtime,
    address: SocketAddr,
    stop: watch::Sender<()>,
    served: JoinHandle<io::Result<()>>,
}

/// One ledger by itself, at `/` of a port of its own.
pub struct Alone {
    /// Where.
    pub listener: TcpListener,
    /// Its name.
    pub ledger: String,
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
    /// Serve on `listener`; the first ledger is at `/`. One of them may have a port of its own.
    /// # Errors
    /// The ledgers do not fit together, or the system gives no thread.
    pub fn start(listener: TcpListener, ledgers: Vec<Served>, alone: Option<Alone>) -> Result<Self, Failure> {
        let ours =
            |why: String| Failure::new(Exit::Ours, "host", "the interface cannot start", "report this").because(why);
        let tree = Tree::new(ledgers).map_err(|error| ours(error.to_string()))?;
        let runtime = Builder::new_multi_thread().worker_threads(WORKERS).enable_all().thread_name("http").build();
        let runtime = runtime.map_err(|error| ours(error.to_string()))?;
        let address = listener.local_addr().map_err(|error| ours(error.to_string()))?;
        let (stop, stopped) = watch::channel(());
        let handle = runtime.handle().clone();
        let served = std::thread::spawn(move || handle.block_on(serve_all(listener, tree, alone, stopped)));
        Ok(Self { runtime, address, stop, served })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Do this at Ctrl-C or a polite request to end, from when this returns. At the second one the process ends at once:
    /// what was acknowledged is on disk all the same.
    /// # Errors
    /// The system tells of no signals.
    pub fn on_signal(&self, first: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
        let _inside = self.runtime.enter();
        let (mut int, mut term) = signals().map_err(|error| {
            Failure::new(Exit::Ours, "signals", "the system tells of no signals", "report this")
                .because(error.to_string())
        })?;
        self.runtime.spawn(async move {
            next(&mut int, &mut term).await;
            first();
            next(&mut int, &mut term).await;
            std::process::exit(INTERRUPTED);
        });
        Ok(())
    }

    /// Hear of Ctrl-C or a polite request to end, from when this returns.
    /// # Errors
    /// The system tells of no signals.
    pub fn interrupts(&self) -> Result<Receiver<()>, Failure> {
        let (told, hear) = mpsc::channel();
        self.on_signal(move || {
            // Nobody hears it when something has gone wrong meanwhile: then the end comes anyway.
            let _ = told.send(());
        })?;
        Ok(hear)
    }

    /// Take no more requests, let open ones end.
    pub fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.served.join();
        self.runtime.shutdown_timeout(GRACE);
    }
}

async fn serve_all(
    listener: TcpListener,
    tree: Tree,
    alone: Option<Alone>,
    stopped: watch::Receiver<()>,
) -> io::Result<()> {
    let name = alone.as_ref().map_or("", |alone| alone.ledger.as_str());
    let (whole, one) = banyan_api::routers(tree, name);
    let serve = async |listener: TcpListener, router, mut stopped: watch::Receiver<()>| {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        // Whoever drops the sender wants the same as whoever sends.
        banyan_api::serve(listener, router, async move { drop(stopped.changed().await) }).await
    };
    match alone.zip(one) {
        Some((alone, router)) => {
            let alone = serve(alone.listener, router, stopped.clone());
            tokio::try_join!(serve(listener, whole, stopped), alone).map(drop)
        }
        None => serve(listener, whole, stopped).await,
    }
}

/// Wait for an interrupt; meanwhile look from time to time whether all is well.
/// # Errors
/// All is not.
pub fn wait(interrupts: &Receiver<()>, mut look: impl FnMut() -> Result<(), Failure>) -> Result<(), Failure> {
    loop {
        match interrupts.recv_timeout(LOOK) {
            Err(RecvTimeoutError::Timeout) => look()?,
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

fn signals() -> io::Result<(Signal, Signal)> {
    Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
}

async fn next(int: &mut Signal, term: &mut Signal) {
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
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
