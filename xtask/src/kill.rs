//! Cut the power of the real program at moments that seeds choose, and see that nothing acknowledged is lost.
//!
//! One data folder lives through all rounds. In each, a devnet starts on it, is asked for what it has acknowledged, and
//! takes payments on both of its ledgers until its process group is killed. After the last round it starts once more:
//! every acknowledged payment must end in a block, and a state proof must show the sum with the payee.

use std::collections::BTreeSet;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::context::Context;
use crate::figure::Figure;
use crate::seeds::Seeds;
use crate::step::{Fault, Held};
use crate::tree::{Devnet, LEDGERS, PAYMENT_UNITS, Payment};

/// The latest moment of a cut, counted from the start of the process: some come before the devnet is ready.
const CUT_MS_MAX: u64 = 6_000;
/// Payments that each round asks for again, the newest first; the reckoning asks for all.
const RECENT_MAX: usize = 200;
/// The reckoning with all its waiting; only a bound for what hangs.
const RECKONING_LIMIT: Duration = Duration::from_mins(5);

/// The word `sweep kill`: one check a seed, and one for the end.
pub fn sweep(context: &Context, seeds: Seeds, json: bool) -> bool {
    let figure = match rounds(context, seeds.iter()) {
        Ok(figure) => figure,
        Err(Fault::Failed(why) | Fault::Missing(why)) => {
            eprintln!("error: {why}");
            Figure::FAILED
        }
    };
    if json {
        println!(
            "{}",
            json!({ "sweep": "kill", "seeds": seeds.to_string(), "passed": figure.passed, "failed": figure.failed })
        );
    } else {
        println!("{figure}");
    }
    figure.held()
}

/// One round a seed, then the reckoning. The first loss ends it: what comes after would only repeat it.
pub fn rounds(context: &Context, seeds: impl Iterator<Item = u64>) -> Held {
    let folder = tempfile::tempdir()?;
    let mut acknowledged = Vec::new();
    let mut figure = Figure::default();
    for seed in seeds {
        let ended = round(context, folder.path(), seed, &mut acknowledged);
        eprintln!("seed {seed}: cut after {} ms; {} payments acknowledged so far", cut_ms(seed), acknowledged.len());
        if let Err(why) = ended {
            eprintln!("seed {seed}: {why:?}");
            figure += Figure::FAILED;
            return Ok(figure);
        }
        figure += Figure::PASSED;
    }
    figure += reckoning(&context.within(RECKONING_LIMIT), folder.path(), &acknowledged)?;
    Ok(figure)
}

/// Start, ask for what was acknowledged of late, pay until the power is cut.
fn round(context: &Context, data: &Path, seed: u64, acknowledged: &mut Vec<Payment>) -> Result<(), Fault> {
    let mut devnet = Devnet::spawn(context, data)?;
    let power = devnet.power();
    let cutter = thread::spawn(move || {
        thread::sleep(Duration::from_millis(cut_ms(seed)));
        power.cut();
    });
    // An error from here on may be the cut itself; only a clear "no" is a loss.
    let mut lost = Vec::new();
    if devnet.ready().is_ok() {
        let recent = acknowledged.iter().rev().take(RECENT_MAX);
        lost = recent.filter(|paid| matches!(devnet.transaction(paid), Ok(None))).cloned().collect();
    }
    for payer in 0.. {
        if !devnet.lives()? {
            break;
        }
        // Refused where the child has no coins yet, or where an account has all it may have in the pool.
        acknowledged.extend(LEDGERS.into_iter().filter_map(|ledger| devnet.pay(ledger, payer).ok()));
    }
    let _ = cutter.join();
    if lost.is_empty() { Ok(()) } else { Err(Fault::Failed(format!("no longer known: {lost:?}"))) }
}

/// Everything acknowledged stands in a block, and the payee provably has it.
fn reckoning(context: &Context, data: &Path, acknowledged: &[Payment]) -> Held {
    if acknowledged.is_empty() {
        return Err(Fault::Failed("no payment was acknowledged in any round: nothing was tested".into()));
    }
    let (mut devnet, took) = Devnet::start(context, data)?;
    eprintln!("after the last cut: ready in {took:?}");
    for payment in acknowledged {
        devnet.included(payment, context.until)?;
    }
    for ledger in LEDGERS {
        let paid: Vec<_> = acknowledged.iter().filter(|paid| paid.ledger == ledger).map(|paid| &paid.hash).collect();
        let distinct: BTreeSet<_> = paid.iter().collect();
        if distinct.len() < paid.len() {
            return Err(Fault::Failed(format!("{ledger}: {} payments were made twice", paid.len() - distinct.len())));
        }
        let least = paid.len() as u128 * PAYMENT_UNITS;
        let proven = devnet.proven(ledger)?;
        eprintln!("{ledger}: acknowledged {least} units, proven {proven}");
        if proven < least {
            return Err(Fault::Failed(format!("{ledger}: the payee has {proven} units, acknowledged were {least}")));
        }
    }
    devnet.stop()?;
    Ok(Figure::PASSED)
}

/// When the seed cuts the power: splitmix64 of it, spread over the span.
fn cut_ms(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % CUT_MS_MAX
}

#[cfg(test)]
mod tests {
    use super::{CUT_MS_MAX, cut_ms};

    #[test]
    fn seeds_cut_early_and_late() {
        let cuts: Vec<_> = (0..50).map(cut_ms).collect();
        assert!(cuts.iter().any(|ms| *ms < CUT_MS_MAX / 8), "{cuts:?}");
        assert!(cuts.iter().any(|ms| *ms > CUT_MS_MAX * 7 / 8), "{cuts:?}");
    }
}
