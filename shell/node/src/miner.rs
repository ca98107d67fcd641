//! Search proofs of work on threads of their own.
//!
//! One thread has the job. A big graph it shares out to as many threads as it may use; of small ones each thread takes others.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::Sender,
    },
    thread,
};

use banyan_crypto::blake2b;
use banyan_root::{
    TemplateId,
    pow::{Crew, Cycle, EdgeBits, Lean, Seed, Solver, verify},
    target::Target,
};
use banyan_types::header::{KEY_WORKED_BYTES, KeyHeader};

use crate::{
    Input, NodeError,
    service::{Message, lock},
};

/// Small graphs that a thread takes at a time: to call a thread costs as much as some of them.
const NONCES_AT_ONCE: u64 = 64;

/// Threads that live as long as a piece of work takes.
#[derive(Clone, Copy)]
struct Threads(NonZeroUsize);

impl Crew for Threads {
    fn hands(&self) -> usize {
        self.0.get()
    }

    fn share<I: Send, T: Send>(&self, mut items: Vec<I>, work: impl Fn(I) -> T + Sync) -> Vec<T> {
        // The caller does its part, the last one.
        let Some(own) = items.pop() else { return Vec::new() };
        thread::scope(|scope| {
            let work = &work;
            let others: Vec<_> = items.into_iter().map(|item| scope.spawn(move || work(item))).collect();
            let own = work(own);
            let joined = others.into_iter().map(|other| other.join().expect("the work on a graph does not panic"));
            joined.chain([own]).collect()
        })
    }
}

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
    pub fn start(edge_bits: u8, threads: NonZeroUsize, inbox: Sender<Message>) -> Result<Self, NodeError> {
        let edge_bits = EdgeBits::new(edge_bits).ok_or(NodeError::Role)?;
        let desk = Arc::new(Desk::default());
        let thread_desk = Arc::clone(&desk);
        let thread = thread::Builder::new().name("miner".into());
        let started = thread.spawn(move || thread_desk.work(edge_bits, Threads(threads), &inbox));
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
    fn work(&self, edge_bits: EdgeBits, crew: Threads, inbox: &Sender<Message>) {
        loop {
            let (job, turn) = self.wait();
            if let Some(input) = self.search(crew, edge_bits, &job, turn)
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

    fn search(&self, crew: Threads, edge_bits: EdgeBits, job: &Job, turn: u64) -> Option<Input> {
        let worked: [u8; KEY_WORKED_BYTES] = *job.header.encode().first_chunk()?;
        let stop = || self.turn.load(Ordering::Relaxed) != turn;
        let graphs =
            Graphs { prefix: blake2b(&[&worked]), target: Target::from_compact(job.header.target).ok()?, edge_bits };
        let shared = Lean::with(crew);
        let mut nonce = 0u64;
        while !stop() {
            let found = if shared.shares(edge_bits) {
                let one = nonce;
                nonce = nonce.wrapping_add(1);
                graphs.solve(&shared, one, 1, &stop)
            } else {
                let hands = u64::try_from(crew.hands()).unwrap_or(1);
                let firsts = (0..hands).map(|hand| nonce.wrapping_add(hand.wrapping_mul(NONCES_AT_ONCE))).collect();
                nonce = nonce.wrapping_add(hands.wrapping_mul(NONCES_AT_ONCE));
                let search = |first| graphs.solve(&Lean::default(), first, NONCES_AT_ONCE, &stop);
                crew.share(firsts, search).into_iter().flatten().next()
            };
            if let Some((nonce, pow)) = found {
                return Some(Input::Solved { template: job.template, nonce, pow: Box::new(pow) });
            }
        }
        None
    }
}

/// The graphs of one header, by nonce.
struct Graphs {
    prefix: [u8; 32],
    target: Target,
    edge_bits: EdgeBits,
}

impl Graphs {
    /// A proof below the target in one of so many graphs, if there is one and the search is not stopped.
    fn solve(
        &self,
        solver: &impl Solver,
        first: u64,
        count: u64,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Option<(u64, Cycle)> {
        let nonces = (0..count).map(|n| first.wrapping_add(n)).take_while(|_| !stop());
        nonces.into_iter().find_map(|nonce| {
            let seed = Seed::new(&self.prefix, nonce);
            let cycles = solver.solve(&seed, self.edge_bits, stop);
            let good = cycles.into_iter().find(|cycle| verify(&seed, self.edge_bits, cycle, &self.target).is_ok());
            good.map(|cycle| (nonce, cycle))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_find_what_one_hand_finds() {
        let bits = EdgeBits::new(21).unwrap();
        let threads = Lean::with(Threads(NonZeroUsize::new(3).unwrap()));
        assert!(threads.shares(bits), "a graph that is shared out");
        let mut found = 0;
        // The last of these graphs has a cycle.
        for nonce in 113..116 {
            let seed = Seed::new(&[7; 32], nonce);
            let sorted = |mut cycles: Vec<Cycle>| {
                cycles.sort_unstable();
                cycles
            };
            let alone = sorted(Lean::default().solve(&seed, bits, &|| false));
            assert_eq!(sorted(threads.solve(&seed, bits, &|| false)), alone, "nonce {nonce}");
            found += alone.len();
        }
        assert_eq!(found, 1);
    }

    #[test]
    fn shares_come_back_in_order() {
        let threads = Threads(NonZeroUsize::new(4).unwrap());
        assert_eq!(threads.share((0..9).collect(), |n| n * n), (0..9).map(|n| n * n).collect::<Vec<_>>());
        assert_eq!(threads.share(Vec::<u8>::new(), |n| n), []);
    }
}
