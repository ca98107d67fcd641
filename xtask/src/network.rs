//! Five real nodes on a network that is cut in half, heals, loses a node under load and gains one late.

use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, Role};
use crate::context::Context;
use crate::figure::Figure;
use crate::step::{Fault, Held};

/// Milliseconds between key blocks: half of the dev profile's, so that ten of them pass soon.
const INTERVAL_MS: u64 = 1_500;
/// Key blocks of the partition.
const PARTITION_BLOCKS: u64 = 10;
/// Final key blocks to wait for before anything is done to the network.
const SETTLED: u64 = 3;
/// A bound for what hangs: a start, an era.
const PATIENCE: Duration = Duration::from_mins(1);
/// Nodes; the last one does not vote. One on each side of the partition mines.
const ROLES: [Role; 5] = [
    Role { mines: true, votes: true },
    Role { mines: false, votes: true },
    Role { mines: false, votes: true },
    Role { mines: false, votes: true },
    Role { mines: true, votes: false },
];
/// The side that moves away: half of the stake, so that neither side has over two thirds.
const AWAY: [usize; 3] = [2, 3, 4];
const ALL: [usize; 5] = [0, 1, 2, 3, 4];

/// The step `network`.
pub fn check(context: &Context) -> Held {
    let mut cluster = Cluster::lay(context, &ROLES, INTERVAL_MS)?;
    // The last one comes late.
    for n in 0..4 {
        cluster.start(context, n)?;
    }
    let mut figure = Figure::default();
    let mut held = |what: &str, took: Duration| {
        eprintln!("{what}: {:.1} s", took.as_secs_f64());
        figure += Figure::PASSED;
    };
    let voters = [0, 1, 2, 3];
    held(
        "four witnesses make key blocks final",
        cluster.until(&voters, PATIENCE, "finality", |all| all.iter().all(|(_, last)| *last >= SETTLED))?,
    );

    cluster.start(context, 4)?;
    held(
        "a late node has the final chain",
        cluster.until(&ALL, PATIENCE, "a late node", |all| {
            all.iter().all(|(top, last)| *last >= SETTLED && top.abs_diff(all[0].0) <= 2)
        })?,
    );

    partition(&cluster, &mut held)?;
    restart_under_load(context, &mut cluster, &mut held)?;
    same_chain(&cluster)?;
    held("no two conflicting final blocks", Duration::ZERO);
    Ok(figure)
}

/// Neither side finalises, both mine, and both end on one chain with finality after the heal.
fn partition(cluster: &Cluster, held: &mut impl FnMut(&str, Duration)) -> Result<(), Fault> {
    cluster.part(&AWAY)?;
    // What was on its way may still arrive.
    thread::sleep(Duration::from_millis(INTERVAL_MS));
    let before = ALL.map(|n| cluster.heights(n));
    let from = before.iter().flatten().map(|(top, _)| *top).max().unwrap_or(0);
    let limit = Duration::from_millis(INTERVAL_MS * PARTITION_BLOCKS * 3);
    let took = cluster
        .until(&ALL, limit, "both sides mine", |all| all.iter().all(|(top, _)| *top >= from + PARTITION_BLOCKS))?;
    held("both sides kept mining for 10 key blocks", took);
    for n in ALL {
        let (now, then) = (cluster.heights(n), before[n]);
        if now.map(|now| now.1) != then.map(|then| then.1) {
            return Err(Fault::Failed(format!("node {n} finalised in the partition: {then:?}, then {now:?}")));
        }
    }
    held("neither side finalised anything", Duration::ZERO);

    let final_before = before.iter().flatten().map(|(_, last)| *last).max().unwrap_or(0);
    cluster.heal()?;
    let took = cluster.until(&ALL, PATIENCE, "finality after the heal", |all| {
        all.iter().all(|(top, last)| *last > final_before && top.saturating_sub(*last) <= 2)
    })?;
    let intervals = took.as_secs_f64() * 1_000.0 / f64::from(u32::try_from(INTERVAL_MS).unwrap_or(u32::MAX));
    eprintln!("finality resumed after {intervals:.1} key-block intervals");
    held("finality resumed on one chain", took);
    Ok(())
}

/// A node loses its power while payments come in, and comes back.
fn restart_under_load(
    context: &Context,
    cluster: &mut Cluster,
    held: &mut impl FnMut(&str, Duration),
) -> Result<(), Fault> {
    for nonce in 1..=5 {
        cluster.pay(0, 0, 1, nonce)?;
    }
    cluster.kill(1);
    for nonce in 6..=10 {
        cluster.pay(0, 0, 1, nonce)?;
    }
    let begun = Instant::now();
    cluster.start(context, 1)?;
    let (top, _) = cluster.heights(0).unwrap_or_default();
    cluster.until(&ALL, PATIENCE, "the restarted node", |all| all.iter().all(|(_, last)| *last > top))?;
    held("a killed witness came back and votes", begun.elapsed());
    Ok(())
}

/// At every height that is final everywhere, every node has the same block.
fn same_chain(cluster: &Cluster) -> Result<(), Fault> {
    let last = ALL.iter().filter_map(|n| cluster.heights(*n)).map(|(_, last)| last).min().unwrap_or(0);
    for height in 1..=last {
        let block = |n: usize| cluster.ask(n, &["block", &height.to_string()]).map(|block| block["hash"].clone());
        let first = block(0);
        if let Some(n) = ALL.into_iter().find(|n| block(*n) != first || first.is_none()) {
            return Err(Fault::Failed(format!("height {height}: node 0 has {first:?}, node {n} {:?}", block(n))));
        }
    }
    Ok(())
}
