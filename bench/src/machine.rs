//! Say what the figures were taken on.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use banyan_types::TimeMs;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Cores that the targets are written for.
pub(crate) const CORES: [usize; 2] = [1, 2];

/// The machine as a reader must know it to judge a figure.
pub(crate) struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub memory_mib: u64,
    pub kernel: String,
    pub rustc: String,
    pub date: String,
}

impl Machine {
    pub fn look() -> Self {
        let cpu = line_of("/proc/cpuinfo", "model name");
        let memory = line_of("/proc/meminfo", "MemTotal");
        let features = line_of("/proc/cpuinfo", "flags");
        let known = ["sha_ni", "avx2", "avx512ifma"];
        let has: Vec<_> =
            known.into_iter().filter(|name| features.split(' ').any(|feature| feature == *name)).collect();
        Self {
            cpu: format!("{cpu} ({})", has.join(", ")),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            memory_mib: memory.trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024,
            kernel: said("uname", &["-sr"]),
            rustc: said("rustc", &["--version"]),
            date: said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        }
    }
}

/// Who else is at work here: the load averages of 1, 5 and 15 minutes.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// Resident memory of this process, in bytes.
pub(crate) fn resident() -> u64 {
    let resident = line_of("/proc/self/status", "VmRSS");
    resident.trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
}

/// Threads on so many cores; made once.
pub(crate) fn pool(cores: usize) -> &'static ThreadPool {
    static POOLS: OnceLock<Vec<ThreadPool>> = OnceLock::new();
    let make = |cores| ThreadPoolBuilder::new().num_threads(cores).build().expect("a few threads can be started");
    let pools = POOLS.get_or_init(|| CORES.map(make).into());
    &pools[CORES.iter().position(|known| *known == cores).expect("only for the listed numbers of cores")]
}

/// A folder on the disk that the repository is on; gone when dropped.
pub(crate) fn folder() -> std::io::Result<tempfile::TempDir> {
    let disk = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench"));
    fs::create_dir_all(&disk)?;
    tempfile::tempdir_in(disk)
}

fn line_of(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map_or_else(|| "unknown".into(), |(_, value)| value.trim().into())
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success());
    output.map_or_else(|| "unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().into())
}

/// The time by this machine's clock.
pub(crate) fn now() -> TimeMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
