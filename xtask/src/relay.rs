//! Hand a word to the crate that carries it out, with our own stdout, so that its figure is the last line.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::figure::Figure;
use crate::process;
use crate::seeds::Seeds;

/// A long sweep is the user's to stop; this only bounds a forgotten one.
const RELAY_LIMIT: Duration = Duration::from_hours(24);

/// The word `sweep`.
pub fn sweep(context: &Context, name: &str, seeds: Seeds, json: bool) -> bool {
    let mut sim = program(context, "banyan-sim");
    sim.arg(name).args(["--seeds", &seeds.to_string()]).args(json.then_some("--json"));
    ends_well(&mut sim)
}

/// The word `vectors`. The folder is the caller's, wherever the repository is.
pub fn vectors(context: &Context, name: &str, dir: &Path) -> bool {
    let Ok(dir) = dir.canonicalize() else {
        eprintln!("error: no folder {}", dir.display());
        println!("{}", Figure::FAILED);
        return false;
    };
    ends_well(program(context, "banyan-conformance").arg(name).arg(dir))
}

/// The word `bench`.
pub fn bench(context: &Context, name: Option<&str>, json: bool, report: bool) -> bool {
    let mut bench = program(context, "banyan-bench");
    bench.args(name).args(json.then_some("--json")).args(report.then_some("--report"));
    ends_well(&mut bench)
}

/// The word `guest`, whose program is still to come.
pub fn guest() -> bool {
    eprintln!("error: there is no guest program yet: it comes with the validity proofs");
    println!("{}", Figure::FAILED);
    false
}

/// One of the workspace's own programs, in release.
fn program(context: &Context, name: &str) -> Command {
    let mut command = context.cargo("run --release --locked");
    command.args(["--package", name, "--bin", name, "--"]);
    command
}

fn ends_well(command: &mut Command) -> bool {
    match process::relay(command, Instant::now() + RELAY_LIMIT) {
        Ok(end) => end.success(),
        Err(error) => {
            eprintln!("error: {error}");
            false
        }
    }
}
