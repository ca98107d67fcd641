//! List what CI runs, and run it.

use crate::command::{closing, holds};
use crate::context::Context;
use crate::figure::Figure;
use crate::step::{Held, Report, Step};
use crate::{crate_map, fuzz, gate, layers, links, network, smoke};

/// Simulations of the suite and how many seeds of each; a sweep of thousands is for `cargo xtask sweep`.
const SWEEPS: [(&str, u64); 7] =
    [("calm", 5), ("forks", 10), ("tree/nodes", 20), ("crashes", 1), ("liar", 10), ("root", 39), ("tree", 39)];

/// The gate of every change. Minutes are limits for two cores and an empty cache.
pub fn gate() -> Vec<Step> {
    vec![
        Step::new("fmt", 2, gate::format),
        Step::new("typos", 8, gate::spelling),
        Step::new("layers", 1, layers::check),
        Step::new("crate-map", 1, crate_map::check),
        Step::new("links", 1, links::check),
        Step::new("deny", 10, gate::dependencies),
        Step::new("clippy", 15, gate::clippy),
        Step::new("tests", 25, gate::tests),
        Step::new("doc-tests", 10, gate::doc_tests),
        Step::new("documents", 10, gate::documents),
        Step::new("vectors", 10, vectors),
    ]
}

/// Everything that CI runs: the gate, then the program as a user meets it.
pub fn everything() -> Vec<Step> {
    let mut steps = gate();
    steps.extend([
        Step::new("fuzz", 8, fuzz::check),
        Step::new("release", 20, gate::release),
        Step::new("sweep", 5, sweeps),
        Step::new("devnet", 2, smoke::devnet),
        Step::new("kill", 3, smoke::kill),
        Step::new("demo", 3, smoke::demo),
        Step::new("network", 6, network::check),
        Step::new("browser", 6, smoke::browser),
        Step::new("sdk", 12, smoke::sdk),
    ]);
    steps
}

/// Run the steps named in `only`, or all, and print the table and the figure. True if all held.
pub fn run(context: &Context, steps: &[Step], only: &[String]) -> bool {
    if let Some(unknown) = only.iter().find(|name| steps.iter().all(|step| step.name != **name)) {
        let names: Vec<_> = steps.iter().map(|step| step.name).collect();
        eprintln!("error: no step {unknown}\n  try one of: {}", names.join(", "));
        return false;
    }
    let wanted = steps.iter().filter(|step| only.is_empty() || only.iter().any(|name| name == step.name));
    let reports: Vec<Report> = wanted.map(|step| step.report(context)).collect();
    let mut total = Figure::default();
    eprintln!();
    for report in &reports {
        println!("{}", report.line());
        total += report.figure;
    }
    println!("{total}");
    total.held()
}

/// Every committed folder of vectors, replayed by the reader of its name.
fn vectors(context: &Context) -> Held {
    // The build that the tests had: another choice of packages would build half of it again.
    holds(context, &mut context.cargo("test --workspace --no-run --locked"))?;
    let mut total = Figure::default();
    for entry in std::fs::read_dir(context.root.join("conformance/vectors"))? {
        let folder = entry?.path();
        let mut replay = context.command(context.built("debug", "banyan-conformance"));
        replay.args(folder.file_name()).arg(&folder);
        total += closing(context, &mut replay)?;
    }
    Ok(total)
}

/// A few seeds of every simulation.
fn sweeps(context: &Context) -> Held {
    let mut total = Figure::default();
    for (name, seeds) in SWEEPS {
        let mut sim = context.command(context.built("release", "banyan-sim"));
        sim.args([name, "--seeds", &format!("0..{seeds}")]);
        total += closing(context, &mut sim)?;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{everything, gate};

    #[test]
    fn the_suite_begins_with_the_gate_and_names_every_step_once() {
        let names: Vec<_> = everything().iter().map(|step| step.name).collect();
        let gate: Vec<_> = gate().iter().map(|step| step.name).collect();
        assert_eq!(names[..gate.len()], gate);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}
