//! List the benches.

use crate::{
    Fault, calls, committee, fate, figure::Figure, http, ledger, limit, memory, network, rotation, siege, store, tree,
};

/// One bench: its figures' names begin with its own.
pub(crate) struct Bench {
    pub name: &'static str,
    pub run: fn() -> Result<Vec<Figure>, Fault>,
}

impl Bench {
    const fn new(name: &'static str, run: fn() -> Result<Vec<Figure>, Fault>) -> Self {
        Self { name, run }
    }

    /// The benches whose name holds `part`; all without one.
    pub fn named(part: Option<&str>) -> Result<Vec<&'static Self>, Fault> {
        let part = part.unwrap_or_default();
        let found: Vec<_> = ALL.iter().filter(|bench| bench.name.contains(part)).collect();
        if found.is_empty() {
            let names: Vec<_> = ALL.iter().map(|bench| bench.name).collect();
            return Err(format!("no bench {part}\n  try one of: {}", names.join(", ")).into());
        }
        Ok(found)
    }
}

/// Every bench, the machine's limits first.
pub(crate) static ALL: [Bench; 21] = [
    Bench::new("ed25519::verify", limit::ed25519),
    Bench::new("sha256", limit::sha256),
    Bench::new("disk", limit::disk),
    Bench::new("tree::update", tree::update),
    Bench::new("tree::prove", tree::prove),
    Bench::new("tree::multiproof", tree::multiproof),
    Bench::new("fate::run", fate::run),
    Bench::new("fate::load", fate::load),
    Bench::new("ledger::apply", ledger::apply_figures),
    Bench::new("ledger::calls", calls::transfers),
    Bench::new("ledger::prune", calls::prune),
    Bench::new("store::commit", store::commit),
    Bench::new("store::reopen", store::reopen),
    Bench::new("http::submit", http::submit),
    Bench::new("http::get", http::get),
    Bench::new("node::memory", memory::node),
    Bench::new("network::final", network::finality),
    Bench::new("network::spends", network::spends),
    Bench::new("committee/4", committee::committee),
    Bench::new("rotation/4", rotation::rotation),
    Bench::new("siege", siege::siege),
];
