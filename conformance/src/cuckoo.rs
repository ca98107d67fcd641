//! Proofs of work: graphs with all of their cycles, and cycles that must be refused.

use banyan_root::{
    pow::{BadCycle, Cycle, EdgeBits, Lean, Seed, Solver as _, cycle_hash, verify},
    target::Target,
};
use serde::Deserialize;

use crate::replay::{Row, same};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "about")]
    _about: String,
    #[serde(default)]
    solved: Vec<Solved>,
    #[serde(default)]
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
struct Graph {
    edge_bits: u8,
    #[serde(with = "hex")]
    header_hash: [u8; 32],
    nonce: u64,
}

#[derive(Deserialize)]
struct Solved {
    #[serde(default)]
    note: String,
    #[serde(flatten)]
    graph: Graph,
    keys: [String; 4],
    cycles: Vec<Vec<u32>>,
    hashes: Vec<String>,
}

#[derive(Deserialize)]
struct Refused {
    #[serde(default)]
    note: String,
    #[serde(flatten)]
    graph: Graph,
    error: String,
    /// Compact, hexadecimal.
    target: String,
    cycle: Vec<u32>,
}

pub fn read(file: &str) -> Result<Vec<Row>, serde_json::Error> {
    let file: File = serde_json::from_str(file)?;
    let name = |graph: &Graph, note: &str| format!("{note} ({} bits, nonce {})", graph.edge_bits, graph.nonce);
    let solved = file.solved.iter().map(|row| Row { note: name(&row.graph, &row.note), held: row.check() });
    let refused = file.refused.iter().map(|row| Row { note: name(&row.graph, &row.note), held: row.check() });
    Ok(solved.chain(refused).collect())
}

impl Graph {
    fn open(&self) -> Result<(Seed, EdgeBits), String> {
        let bits = EdgeBits::new(self.edge_bits).ok_or("edge_bits must be 1 to 31")?;
        Ok((Seed::new(&self.header_hash, self.nonce), bits))
    }
}

impl Solved {
    fn check(&self) -> Result<(), String> {
        let (seed, bits) = self.graph.open()?;
        same("keys", &seed.keys().map(|key| format!("{key:016x}")), &self.keys)?;
        let cycles = self.cycles.iter().map(cycle).collect::<Result<Vec<_>, _>>()?;
        let mut found = Lean::default().solve(&seed, bits, &|| false);
        found.sort_unstable();
        same("cycles", &found, &cycles)?;
        same("hashes", &cycles.iter().map(|cycle| hex::encode(cycle_hash(cycle))).collect(), &self.hashes)?;
        let verdicts = cycles.iter().map(|cycle| verify(&seed, bits, cycle, &Target::HIGHEST));
        verdicts.collect::<Result<(), _>>().map_err(|error| error.to_string())
    }
}

impl Refused {
    fn check(&self) -> Result<(), String> {
        let (seed, bits) = self.graph.open()?;
        let compact = u32::from_str_radix(&self.target, 16).map_err(|error| error.to_string())?;
        let target = Target::from_compact(compact).map_err(|error| error.to_string())?;
        let verdict = verify(&seed, bits, &cycle(&self.cycle)?, &target);
        same("refused", &verdict.map_err(|error| name_of(&error)), &Err(self.error.as_str()))
    }
}

fn cycle(edges: &Vec<u32>) -> Result<Cycle, String> {
    edges.as_slice().try_into().map_err(|_| format!("{} edges, 42 expected", edges.len()))
}

const fn name_of(error: &BadCycle) -> &'static str {
    match error {
        BadCycle::TooBig { .. } => "TooBig",
        BadCycle::NotAscending { .. } => "NotAscending",
        BadCycle::EndpointsDiffer { .. } => "EndpointsDiffer",
        BadCycle::Branch { .. } => "Branch",
        BadCycle::DeadEnd { .. } => "DeadEnd",
        BadCycle::ShortCycle { .. } => "ShortCycle",
        BadCycle::AboveTarget { .. } => "AboveTarget",
    }
}
