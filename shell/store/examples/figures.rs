//! Print what the store costs on this machine: `cargo run --release -p banyan-store --example figures [FOLDER [LEAVES]]`.
//!
//! A state of LEAVES leaves (default 1,000,000) in FOLDER (default: a temporary one), then blocks of 10,000 changes on random
//! leaves, each committed with a sync, made head and finalised with a window of 16.

use banyan_store::{Changes, Commit, Fjall, Flush, Store, Version};
use banyan_tree::value_hash;
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

/// Leaves that one block changes.
const CHANGES: u64 = 10_000;
/// Bytes of a value: about an account's.
const VALUE_BYTES: usize = 48;
/// Blocks measured.
const BLOCKS: u64 = 50;
/// Versions kept before the final one.
const WINDOW: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let temporary = tempfile::tempdir()?;
    let folder = arguments.next().map_or_else(|| temporary.path().join("store"), Into::into);
    let leaves = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    println!("{:<28}{:>12}", "memory, process alone", memory());
    println!("{:<28}{:>12}", "fsync of 4 KiB, p50", millis(fsync(&folder.with_extension("fsync"))?));
    if !folder.exists() {
        fill(&folder, leaves)?;
    }
    measure_open(&folder)?;
    measure_blocks(&folder, leaves)?;
    measure_open(&folder)
}

fn fill(folder: &Path, leaves: u64) -> Result<(), Box<dyn Error>> {
    let store = Store::open(Fjall::open(folder)?)?;
    println!("{:<28}{:>12}", "memory, empty store open", memory());
    let begun = Instant::now();
    for first in (0..leaves).step_by(100_000) {
        let changes = (first..leaves.min(first + 100_000)).map(|number| write(number, first));
        advance(&store, changes.collect(), first + 1)?;
    }
    println!("{:<28}{:>12}", format!("fill with {leaves} leaves"), millis(begun.elapsed()));
    Ok(())
}

fn measure_open(folder: &Path) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let tables = Fjall::open(folder)?;
    println!("{:<28}{:>12}   {}", "open the tables", millis(begun.elapsed()), memory());
    let begun = Instant::now();
    let store = Store::open(tables)?;
    println!(
        "{:<28}{:>12}   {} versions, {}",
        "rebuild the states",
        millis(begun.elapsed()),
        store.kept().len(),
        memory()
    );
    Ok(())
}

fn measure_blocks(folder: &Path, leaves: u64) -> Result<(), Box<dyn Error>> {
    let store = Store::open(Fjall::open(folder)?)?;
    let mut times: [Vec<Duration>; 5] = Default::default();
    for block in 0..BLOCKS {
        let number = |n: u64| (block * CHANGES + n).wrapping_mul(0x9e37_79b9_7f4a_7c15) % leaves;
        let changes: Changes = (0..CHANGES).map(|n| write(number(n), block)).collect();
        for (part, time) in advance(&store, changes, leaves + block)?.into_iter().enumerate() {
            times[part].push(time);
        }
    }
    for (part, times) in
        ["read 10,000 leaves", "root of 10,000 changes", "commit and sync", "finalise", "root + commit"]
            .iter()
            .zip(times)
    {
        println!("{:<28}{}", part, spread(times));
    }
    println!("{:<28}{:>12}", "memory after blocks", memory());
    Ok(())
}

/// One block on the head: how long its reads, its root, its commit and its finality took, and root and commit together.
fn advance(store: &Store, changes: Changes, block: u64) -> Result<[Duration; 5], Box<dyn Error>> {
    let mut begun = Instant::now();
    let mut lap = || std::mem::replace(&mut begun, Instant::now()).elapsed();
    let mut session = store.session(store.head())?;
    for key in changes.keys() {
        session.read(key)?;
    }
    let read = lap();
    session.root_after(&changes);
    let rooted = lap();
    let executed = session.finish(value_hash(&block.to_be_bytes()), changes);
    let version: Version = executed.version();
    let mut commit = Commit::new();
    commit.state(executed).head(version);
    store.commit(commit, Flush::Now)?;
    let committed = lap();
    store.finalise(version, WINDOW)?;
    Ok([read, rooted, committed, lap(), rooted + committed])
}

fn write(number: u64, salt: u64) -> ([u8; 32], Option<Vec<u8>>) {
    let key = value_hash(&number.to_be_bytes());
    (key, Some(value_hash(&salt.to_be_bytes()).iter().cycle().take(VALUE_BYTES).copied().collect()))
}

fn fsync(file: &Path) -> Result<Duration, Box<dyn Error>> {
    use std::io::Write;
    let mut open = std::fs::File::create(file)?;
    let mut times = Vec::new();
    for _ in 0..50 {
        open.write_all(&[1; 4096])?;
        let begun = Instant::now();
        open.sync_all()?;
        times.push(begun.elapsed());
    }
    std::fs::remove_file(file)?;
    times.sort();
    Ok(times[times.len() / 2])
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |percent| millis(times[(times.len() - 1) * percent / 100]);
    format!("{:>12} p50{:>12} p99{:>12} max", at(50), at(99), at(100))
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// Resident memory of this process, from the kernel.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map_or_else(|| "unknown".into(), |kib| format!("{} MiB", kib / 1024))
}
