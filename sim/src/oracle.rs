//! Find proofs of work when chance says so.
//!
//! Real cycles on small graphs, so that every node checks real headers; but how long the search took is drawn, not measured.

use std::collections::BTreeMap;

use banyan_node::Input;
use banyan_root::{
    TemplateId,
    pow::{EdgeBits, Lean, Seed, Solver as _, verify},
    target::Target,
};
use banyan_types::header::{KEY_WORKED_BYTES, KeyHeader};

use crate::{
    host::{HostId, Run},
    random::Random,
};

/// Graphs that are searched for one header at most: about one in 42 holds a cycle.
const GRAPHS_MAX: u64 = 100_000;

/// A search of one node.
#[derive(Debug, Clone)]
pub struct Job {
    run: Run,
    number: u64,
    template: TemplateId,
    header: Box<KeyHeader>,
}

/// Which search has ended.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// Whose.
    pub host: HostId,
    run: Run,
    number: u64,
}

/// Everybody's searches.
pub struct Oracle {
    random: Random,
    solver: Lean,
    jobs: BTreeMap<HostId, Job>,
    last: u64,
}

impl Oracle {
    /// No searches yet.
    pub fn new(seed: u64) -> Self {
        Self { random: Random::named(seed, "oracle"), solver: Lean::default(), jobs: BTreeMap::new(), last: 0 }
    }

    /// A node begins to search; it will find something after so many milliseconds, `mean_ms` on average.
    pub fn begin(
        &mut self,
        host: HostId,
        run: Run,
        template: TemplateId,
        header: Box<KeyHeader>,
        mean_ms: u64,
    ) -> (u64, Found) {
        self.last += 1;
        let number = self.last;
        self.jobs.insert(host, Job { run, number, template, header });
        (self.random.exponential(mean_ms), Found { host, run, number })
    }

    /// A node searches no longer.
    pub fn stop(&mut self, host: HostId) {
        self.jobs.remove(&host);
    }

    /// The proof, unless the search was given up meanwhile.
    pub fn found(&mut self, found: Found, edge_bits: u8) -> Option<Input> {
        let job = self.jobs.get(&found.host).filter(|job| job.run == found.run && job.number == found.number)?;
        let worked: [u8; KEY_WORKED_BYTES] = *job.header.encode().first_chunk()?;
        let (edge_bits, target) = (EdgeBits::new(edge_bits)?, Target::from_compact(job.header.target).ok()?);
        let first = self.random.number();
        (0..GRAPHS_MAX).map(|step| first.wrapping_add(step)).find_map(|nonce| {
            let seed = Seed::of_header(&worked, nonce);
            let cycles = self.solver.solve(&seed, edge_bits, &|| false);
            let pow = cycles.into_iter().find(|pow| verify(&seed, edge_bits, pow, &target).is_ok())?;
            Some(Input::Solved { template: job.template, nonce, pow: Box::new(pow) })
        })
    }
}
