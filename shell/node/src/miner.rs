//! Search proofs of work on a thread of its own.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::Sender,
    },
    thread,
};

use banyan_root::{
    TemplateId,
    pow::{EdgeBits, Lean, Seed, Solver as _, verify},
    target::Target,
};
use banyan_types::header::{KEY_WORKED_BYTES, KeyHeader};

use crate::{
    Input, NodeError,
    service::{Message, lock},
};

/// What to search for.
#[derive(Debug, Clone)]
pub struct Job {
    pub template: TemplateId,
    pub header: Box<KeyHeader>,
}

/// The thread's desk: the job, and a counter that tells it when the job has changed.
#[derive(Default)]
struct Desk {
    job: Mutex<Option<Job>>,
    changed: Condvar,
    turn: AtomicU64,
}

/// A thread that mines.
pub struct Miner(Arc<Desk>);

impl Miner {
    /// Start it; it ends when nobody hears it any more.
    pub fn start(edge_bits: u8, inbox: Sender<Message>) -> Result<Self, NodeError> {
        let edge_bits = EdgeBits::new(edge_bits).ok_or(NodeError::Role)?;
        let desk = Arc::new(Desk::default());
        let thread_desk = Arc::clone(&desk);
        let thread = thread::Builder::new().name("miner".into());
        let started = thread.spawn(move || thread_desk.work(edge_bits, &inbox));
        started.map_err(|error| NodeError::Stopped(error.to_string()))?;
        Ok(Self(desk))
    }

    /// Search for this now, or for nothing.
    pub fn set(&self, job: Option<Job>) {
        *lock(&self.0.job) = job;
        self.0.turn.fetch_add(1, Ordering::Relaxed);
        self.0.changed.notify_one();
    }
}

impl Desk {
    fn work(&self, edge_bits: EdgeBits, inbox: &Sender<Message>) {
        let mut solver = Lean::default();
        loop {
            let (job, turn) = self.wait();
            if let Some(input) = self.search(&mut solver, edge_bits, &job, turn)
                && inbox.send(Message::Input(input)).is_err()
            {
                return;
            }
        }
    }

    fn wait(&self) -> (Job, u64) {
        let mut job = lock(&self.job);
        loop {
            // A job is searched once: what is found goes to the node, which sets the next.
            if let Some(job) = job.take() {
                return (job, self.turn.load(Ordering::Relaxed));
            }
            job = self.changed.wait(job).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn search(&self, solver: &mut Lean, edge_bits: EdgeBits, job: &Job, turn: u64) -> Option<Input> {
        let worked: [u8; KEY_WORKED_BYTES] = *job.header.encode().first_chunk()?;
        let target = Target::from_compact(job.header.target).ok()?;
        let stop = || self.turn.load(Ordering::Relaxed) != turn;
        let mut nonce = 0u64;
        while !stop() {
            let seed = Seed::of_header(&worked, nonce);
            let cycles = solver.solve(&seed, edge_bits, &stop);
            if let Some(pow) = cycles.into_iter().find(|cycle| verify(&seed, edge_bits, cycle, &target).is_ok()) {
                return Some(Input::Solved { template: job.template, nonce, pow: Box::new(pow) });
            }
            nonce = nonce.wrapping_add(1);
        }
        None
    }
}
