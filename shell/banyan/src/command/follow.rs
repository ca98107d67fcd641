//! Follow a transaction up the ladder.

use std::{
    thread,
    time::{Duration, Instant},
};

use banyan_types::TxHash;
use banyan_wallet::client::{Client, Level, TxStatus};
use serde_json::{Value, json};

use crate::{
    cli::Follow,
    failure::{Exit, Failure},
    progress::Progress,
};

/// Time between two questions, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(15), Duration::from_millis(250));

/// How far a transaction came, and how long each level took.
#[derive(Debug, Clone, Default)]
pub struct Followed {
    /// Each level with the time since the submit.
    pub levels: Vec<(Level, Duration)>,
}

impl Followed {
    /// The levels on one line.
    pub fn text(&self) -> String {
        let level = |(level, after): &(Level, Duration)| format!("{level} {} ms", after.as_millis());
        self.levels.iter().map(level).collect::<Vec<_>>().join("   ")
    }

    /// The levels for programs.
    pub fn json(&self) -> Value {
        let level = |(level, after): &(Level, Duration)| json!({ "level": level, "after_ms": millis(*after) });
        self.levels.iter().map(level).collect()
    }

    /// The highest level reached.
    pub fn level(&self) -> Option<Level> {
        self.levels.last().map(|(level, _)| *level)
    }

    fn reach(&mut self, status: &TxStatus, after: Duration) {
        let seen = self.level();
        let fresh =
            status.levels.iter().map(|reached| reached.level).filter(|level| seen.is_none_or(|seen| *level > seen));
        self.levels.extend(fresh.map(|level| (level, after)).collect::<Vec<_>>());
    }
}

/// Whole milliseconds.
pub fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Wait until the transaction has the level, was dropped, or the time is over.
/// # Errors
/// Exit 7 when the time is over; exit 3 when it was dropped; exit 1 when the node does not know it.
pub fn follow(
    client: &Client,
    hash: TxHash,
    follow: &Follow,
    begun: Instant,
    progress: &mut Progress,
) -> Result<Followed, Failure> {
    let (mut followed, mut pause) = (Followed::default(), PAUSE.0);
    loop {
        let status = client.transaction(hash)?.ok_or_else(|| unknown(hash))?;
        let level = status.level.ok_or_else(|| dropped(&status))?;
        followed.reach(&status, begun.elapsed());
        if level >= follow.wait {
            return Ok(followed);
        }
        if begun.elapsed() >= Duration::from_secs(follow.timeout) {
            return Err(timed_out(hash, level, follow));
        }
        progress.say(&format!("{} of {hash}: {level}", follow.wait));
        thread::sleep(pause);
        pause = (pause * 2).min(PAUSE.1);
    }
}

/// The node does not know the transaction.
pub fn unknown(hash: TxHash) -> Failure {
    let what = format!("{hash} is neither on the chain nor in the pool of this node");
    Failure::new(
        Exit::No,
        "unknown_transaction",
        what,
        "check the hash, and the ledger: banyan tx show HASH --ledger PATH",
    )
}

/// The node had the transaction and has it no more.
pub fn dropped(status: &TxStatus) -> Failure {
    let what = format!("{} left the pool and is on no block", status.hash);
    let next = "the same command with what the reason names set right; banyan tx build makes single transactions";
    Failure::new(Exit::Invalid, &status.status, what, next).because(format!("invalid: {}", status.status))
}

fn timed_out(hash: TxHash, level: Level, follow: &Follow) -> Failure {
    let what = format!("{hash} is {level} after {} s, not yet {}", follow.timeout, follow.wait);
    let next = format!("banyan tx wait {hash} --wait {}", follow.wait);
    Failure::new(Exit::TimedOut, "timed_out", what, next).because("it may still come there")
}
