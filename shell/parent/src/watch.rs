//! Look at the parent again and again, on a thread of its own, and carry remits up.

use std::{
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use banyan_node::Handle;
use banyan_types::tx::SignedTx;

use crate::{Config, ParentError, RemoteParent, ask::Asker, known::Shared, trust::is_conflict};

/// Looks in the time between two of the parent's heights.
const LOOKS: u64 = 6;
/// Least and most milliseconds between two looks.
const PAUSE_MS: (u64, u64) = (50, 2_000);
/// Milliseconds between two looks while no node answers.
const LOST_MS: u64 = 1_000;

/// What wakes the watch.
pub(crate) enum Job {
    /// Something was asked for.
    Look,
    /// Carry this up.
    Submit(Box<SignedTx>),
    /// End.
    Stop,
}

/// Looks at the parent. It does nothing before [`Watch::start`].
pub struct Watch {
    asker: Asker,
    shared: Arc<Shared>,
    pause: Duration,
    jobs: Receiver<Job>,
    sender: Sender<Job>,
}

/// Carries a child's remits to the parent.
#[derive(Debug, Clone)]
pub struct Uplink(Sender<Job>);

impl banyan_node::Uplink for Uplink {
    fn submit(&self, tx: SignedTx) {
        // A watch that has ended carries nothing: the machine sends again.
        let _ = self.0.send(Job::Submit(Box::new(tx)));
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Look => "Look",
            Self::Submit(_) => "Submit",
            Self::Stop => "Stop",
        })
    }
}

/// Look at the parent for the first time.
///
/// `wait` is asked after every failure that may pass whether to try again; while the parent is away a child cannot begin, as it
/// does not know where it stands there.
/// # Errors
/// The first [`ParentError`] that lasts, or the last one when `wait` says no.
pub fn open(config: &Config, mut wait: impl FnMut(&ParentError) -> bool) -> Result<(RemoteParent, Watch), ParentError> {
    let mut asker = Asker::new(config)?;
    let known = loop {
        match asker.first() {
            Ok(known) => break known,
            Err(error) if error.is_lasting() || !wait(&error) => return Err(error),
            Err(_) => asker.pass_on(),
        }
    };
    let params = config.genesis.params.clone();
    let pause = (params.height_interval_ms / LOOKS).clamp(PAUSE_MS.0, PAUSE_MS.1);
    let shared = Arc::new(Shared::new(params, config.payer, known));
    let (sender, jobs) = mpsc::channel();
    let parent = RemoteParent { shared: Arc::clone(&shared), jobs: sender.clone() };
    Ok((parent, Watch { asker, shared, pause: Duration::from_millis(pause), jobs, sender }))
}

/// A watch that runs; it ends when this is dropped.
pub struct Watching {
    sender: Sender<Job>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.sender.send(Job::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Watch {
    /// Where remits go.
    pub fn uplink(&self) -> Uplink {
        Uplink(self.sender.clone())
    }

    /// Look from now on, and tell the child's node.
    pub fn start(self, child: Handle) -> Watching {
        let sender = self.sender.clone();
        let thread = thread::spawn(move || self.run(&child));
        Watching { sender, thread: Some(thread) }
    }

    /// Look once, by any of the nodes. True if anything is new.
    /// # Errors
    /// The last node's [`ParentError`].
    pub fn look(&mut self) -> Result<bool, ParentError> {
        let mut last = None;
        for _ in 0..self.asker.nodes() {
            match self.asker.look(&self.shared) {
                Ok(moved) => return Ok(moved),
                Err(error) if error.is_lasting() || is_conflict(&error) => return Err(error),
                Err(error) => last = Some(error),
            }
            self.asker.pass_on();
        }
        Err(last.unwrap_or(ParentError::NoUrl))
    }

    /// Give the parent a transaction, by any of the nodes.
    /// # Errors
    /// The last node's: it is to be given again.
    pub fn submit(&mut self, tx: &SignedTx) -> Result<(), ParentError> {
        let mut last = None;
        for _ in 0..self.asker.nodes() {
            match self.asker.client().submit(tx) {
                Ok(_) => return Ok(()),
                Err(error) => last = Some(error),
            }
            if !matches!(last, Some(banyan_wallet::client::ClientError::Refused(_))) {
                self.asker.pass_on();
            }
        }
        Err(last.map_or(ParentError::NoUrl, Into::into))
    }

    fn run(mut self, child: &Handle) {
        loop {
            let pause = match self.look() {
                Ok(moved) => {
                    child.set_parent_lost(None);
                    if moved {
                        child.parent_moved();
                    }
                    self.pause
                }
                Err(error) => {
                    if is_conflict(&error) {
                        tracing::error!(%error, "two seals of the parent contradict each other: it is followed no further");
                    } else {
                        tracing::warn!(%error, "the parent is not followed now");
                    }
                    child.set_parent_lost(Some(error.to_string()));
                    self.pause.max(Duration::from_millis(LOST_MS))
                }
            };
            if !self.work(pause) {
                return;
            }
        }
    }

    /// Carry up what came, until it is time to look again. False if this is the end.
    fn work(&mut self, pause: Duration) -> bool {
        let mut wait = pause;
        loop {
            match self.jobs.recv_timeout(wait) {
                Ok(Job::Submit(tx)) => {
                    if let Err(error) = self.submit(&tx) {
                        tracing::warn!(%error, "a remit was not taken; it is sent again");
                    }
                    // Whether it is there is to be seen soon.
                    wait = Duration::from_millis(PAUSE_MS.0);
                }
                Ok(Job::Look) | Err(RecvTimeoutError::Timeout) => return true,
                Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }
}
