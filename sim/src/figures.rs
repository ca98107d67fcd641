//! Count what happened, over one world or many.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The counts.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Events carried out.
    pub steps: u64,
    /// Virtual milliseconds.
    pub time_ms: u64,
    /// Key blocks on the chains that worlds ended with.
    pub key_blocks: u64,
    /// Power cuts and disks that failed.
    pub crashes: u64,
    /// Partitions.
    pub partitions: u64,
    /// Switches to another branch, by key blocks undone.
    pub reorgs: BTreeMap<usize, u64>,
    /// How acknowledged transactions ended.
    pub ends: BTreeMap<&'static str, u64>,
    /// Why transactions were not taken.
    pub refusals: BTreeMap<&'static str, u64>,
    /// From the commit's submission until the child credited it, each in virtual milliseconds.
    pub credits_ms: Vec<u64>,
    /// From the withdrawal's submission until the parent paid it, each in virtual milliseconds.
    pub remits_ms: Vec<u64>,
    /// Remits of a lying operator that were accepted, each within its escrow.
    pub lies_paid: u64,
}

impl Figures {
    /// An acknowledged transaction has come to an end.
    pub fn ended(&mut self, how: &'static str) {
        *self.ends.entry(how).or_default() += 1;
    }

    /// A transaction was not taken.
    pub fn refused(&mut self, code: &'static str) {
        *self.refusals.entry(code).or_default() += 1;
    }

    /// Add the counts of another world.
    pub fn add(&mut self, other: Self) {
        self.steps += other.steps;
        self.time_ms += other.time_ms;
        self.key_blocks += other.key_blocks;
        self.crashes += other.crashes;
        self.partitions += other.partitions;
        self.lies_paid += other.lies_paid;
        add_all(&mut self.reorgs, other.reorgs);
        add_all(&mut self.ends, other.ends);
        add_all(&mut self.refusals, other.refusals);
        self.credits_ms.extend(other.credits_ms);
        self.remits_ms.extend(other.remits_ms);
    }

    /// As lines for people.
    pub fn lines(&self) -> Vec<String> {
        let (credits, remits) = (Spread::of(&self.credits_ms), Spread::of(&self.remits_ms));
        vec![
            format!("steps            {}", self.steps),
            format!("virtual hours    {:.1}", hours(self.time_ms)),
            format!("key blocks       {}", self.key_blocks),
            format!("crashes          {}", self.crashes),
            format!("partitions       {}", self.partitions),
            format!("reorgs by depth  {}", list(&self.reorgs)),
            format!("acknowledged     {}", list(&self.ends)),
            format!("refused at once  {}", list(&self.refusals)),
            format!("commit credited  {credits}"),
            format!("withdrawal paid  {remits}"),
            format!("lies paid        {} (each within its escrow)", self.lies_paid),
        ]
    }

    /// As one JSON object.
    pub fn json(&self) -> Value {
        json!({
            "steps": self.steps,
            "time_ms": self.time_ms,
            "key_blocks": self.key_blocks,
            "crashes": self.crashes,
            "partitions": self.partitions,
            "reorgs": self.reorgs.iter().map(|(depth, count)| (depth.to_string(), *count)).collect::<BTreeMap<_, _>>(),
            "acknowledged": self.ends,
            "refused": self.refusals,
            "credits": Spread::of(&self.credits_ms).json(),
            "remits": Spread::of(&self.remits_ms).json(),
            "lies_paid": self.lies_paid,
        })
    }
}

fn add_all<K: Ord>(to: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
    for (key, count) in from {
        *to.entry(key).or_default() += count;
    }
}

fn list<K: std::fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
    let counts: Vec<_> = counts.iter().map(|(key, count)| format!("{key}: {count}")).collect();
    if counts.is_empty() { "none".into() } else { counts.join(", ") }
}

#[expect(clippy::cast_precision_loss, reason = "printed with one digit")]
fn hours(ms: u64) -> f64 {
    ms as f64 / 3_600_000.0
}

/// How many, and where the middle and the slowest twentieth begin.
struct Spread {
    count: usize,
    p50_ms: u64,
    p95_ms: u64,
}

impl Spread {
    fn of(values: &[u64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let at = |percent: usize| sorted.get(sorted.len() * percent / 100).copied().unwrap_or(0);
        Self { count: sorted.len(), p50_ms: at(50), p95_ms: at(95) }
    }

    fn json(&self) -> Value {
        json!({ "count": self.count, "p50_ms": self.p50_ms, "p95_ms": self.p95_ms })
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = |ms: u64| format!("{}.{}", ms / 1_000, ms % 1_000 / 100);
        write!(f, "{}, p50 {} s, p95 {} s", self.count, seconds(self.p50_ms), seconds(self.p95_ms))
    }
}
