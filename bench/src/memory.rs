//! Resident memory of programs: each in a process of its own, so that nothing else is counted.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use clap::ValueEnum;

use crate::{
    Fault,
    figure::{Figure, Unit},
    machine,
    running::Running,
    store,
};

/// Where a probe finds its folder.
const FOLDER: &str = "BANYAN_BENCH_FOLDER";
/// How long a node is left alone before it is looked at.
const IDLE: Duration = Duration::from_secs(8);

/// A program that measures itself. It prints numbers, its resident bytes first.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Probe {
    /// A store, opened.
    Store,
    /// A root that mines and leads, left alone.
    Node,
}

impl Probe {
    /// Be it.
    pub fn run(self) -> Result<(), Fault> {
        let folder = PathBuf::from(env::var_os(FOLDER).ok_or("a probe needs its folder")?);
        let numbers = match self {
            Self::Store => store::open(&folder)?,
            Self::Node => vec![idle(&folder)?],
        };
        println!("{}", numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(" "));
        Ok(())
    }

    /// Start it and read what it prints.
    pub fn ask(self, folder: &Path) -> Result<Vec<u64>, Fault> {
        let name = self.to_possible_value().ok_or("a probe has a name")?;
        let mut probe = Command::new(env::current_exe()?);
        let output = probe.args(["--probe", name.get_name()]).env(FOLDER, folder).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(String::from_utf8(output.stdout)?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
    }
}

/// Bytes of a root that serves and has nothing to do but its blocks.
fn idle(folder: &Path) -> Result<u64, Fault> {
    let running = Running::start(folder, &[])?;
    std::thread::sleep(IDLE);
    let bytes = machine::resident();
    running.stop();
    Ok(bytes)
}

/// A node that has nothing to do but its blocks.
pub(crate) fn node() -> Result<Vec<Figure>, Fault> {
    let folder = machine::folder()?;
    eprintln!("  a node, alone for {IDLE:?}");
    let bytes = Probe::Node.ask(folder.path())?.first().copied().ok_or("the probe said nothing")?;
    let mib = bytes as f64 / f64::from(1 << 20);
    Ok(vec![Figure::new("node::memory/idle", mib, Unit::Mib).at_most(150.0)])
}
