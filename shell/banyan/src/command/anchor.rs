//! `anchor`: operators agree on where finality goes on after over a third of the stake is lost for good. Rules: root 9.
//!
//! A draft goes from operator to operator as a file; each signs it with its witness's key, all add it to their genesis
//! files and start their nodes again. The nodes check the signatures against the stake that is left.

use std::{fs, path::Path};

use banyan_node::{GenesisFile, anchor};
use banyan_types::{
    Hash, Height, PublicKey, Signature,
    text::Prefix,
    witness::{Anchor as Agreed, AnchorSignature},
};
use serde_json::{Value, json};

use crate::{
    cli::Anchor,
    command::{genesis::read, node::read_key},
    disk,
    failure::{Exit, Failure},
    report::Report,
    session::Session,
};

/// Do what is asked.
/// # Errors
/// What is wrong with a file, or the node's.
pub fn run(session: &Session, action: &Anchor) -> Result<Report, Failure> {
    match action {
        Anchor::Draft { without, height } => draft(session, without, *height),
        Anchor::Sign { file, genesis, witness_key } => sign(file, genesis, witness_key),
        Anchor::Add { file, genesis } => add(file, genesis),
    }
}

fn draft(session: &Session, without: &[String], height: Option<u64>) -> Result<Report, Failure> {
    let client = session.client()?;
    let standing: Value = client.get("/banyan/v1/finality")?;
    let file = GenesisFile::from_toml(&client.genesis()?.toml)?;
    let rules = file.params.root.filter(|root| root.stake.is_some()).ok_or_else(no_witnesses)?;
    let last_final = standing["final_height"].as_u64().unwrap_or(0);
    let top = last_final + standing["lag"].as_u64().unwrap_or(0);
    let ends = |height: u64| rules.last_height(rules.era_of(Height(height))).0 == height;
    let height = match height {
        Some(height) if ends(height) && (last_final + 1..=top).contains(&height) => height,
        Some(height) => return Err(no_end(&format!("height {height} is none"), last_final, top)),
        None => (last_final + 1..=top)
            .rev()
            .find(|height| ends(*height))
            .ok_or_else(|| no_end("there is none yet", last_final, top))?,
    };
    let missing = standing["missing"].as_array().into_iter().flatten().filter_map(Value::as_str).map(String::from);
    let lost: Vec<_> = if without.is_empty() { missing.collect() } else { without.to_vec() };
    let mut keys = lost.iter().map(|key| read_witness(key)).collect::<Result<Vec<_>, _>>()?;
    keys.sort_unstable();
    keys.dedup();
    let block = client.block(&height.to_string())?;
    let hash = Hash::from_text(Prefix::KeyBlock, &block.hash).map_err(|error| {
        Failure::new(Exit::Ours, "unreadable", "the node's answer is not understood", "another node")
            .because(error.to_string())
    })?;
    let agreed = Agreed { height: Height(height), hash, without: keys, signatures: vec![] };
    let toml = anchor::to_toml(&agreed);
    let json = json!({ "height": height, "hash": block.hash, "without": lost, "toml": toml });
    Ok(Report::new(toml.trim_end(), json))
}

fn no_witnesses() -> Failure {
    let next = "name the root with --ledger, as banyan tree shows it";
    Failure::new(Exit::Invalid, "no_witnesses", "no witnesses make this ledger final", next)
}

fn no_end(what: &str, last_final: u64, top: u64) -> Failure {
    let what = format!(
        "an anchor is the last key block of an era above height {last_final}, which is final, up to {top}; {what}"
    );
    Failure::new(Exit::Early, "no_era_end", what, "wait until an era ends: work goes on without finality")
}

fn read_witness(text: &str) -> Result<PublicKey, Failure> {
    PublicKey::from_text(Prefix::Peer, text).map_err(|error| {
        let next = "a key as banyan finality shows it: pp_…";
        Failure::new(Exit::Usage, "witness", format!("{text} is no key of a witness"), next).because(error.to_string())
    })
}

fn load(file: &Path) -> Result<Agreed, Failure> {
    let text = fs::read_to_string(file).map_err(|error| Failure::disk("read", file, &error))?;
    Ok(anchor::from_toml(&text)?)
}

fn sign(path: &Path, genesis: &Path, key: &Path) -> Result<Report, Failure> {
    let (mut agreed, chain, secret) = (load(path)?, read(genesis)?.genesis()?.hash(), read_key(key)?);
    let key = PublicKey(secret.public());
    let name = key.text(Prefix::Peer);
    if agreed.without.contains(&key) {
        let what = format!("{name} is one of those that the anchor calls lost");
        return Err(Failure::new(Exit::Invalid, "left_out", what, "another key, or another draft"));
    }
    let signature = Signature(secret.sign(&agreed.message(chain)));
    agreed.signatures.retain(|by| by.key != key);
    agreed.signatures.push(AnchorSignature { key, signature });
    agreed.signatures.sort_unstable_by_key(|by| by.key);
    disk::write(path, anchor::to_toml(&agreed).as_bytes())?;
    let count = agreed.signatures.len();
    let text = format!(
        "{name} agrees to {} at height {}; {count} have signed",
        agreed.hash.text(Prefix::KeyBlock),
        agreed.height
    );
    Ok(Report::new(text, json!({ "witness": name, "height": agreed.height.0, "signatures": count })))
}

fn add(path: &Path, genesis: &Path) -> Result<Report, Failure> {
    let (agreed, file) = (load(path)?, read(genesis)?);
    let height = agreed.height.0;
    let root = file.params.root.as_ref().ok_or_else(no_witnesses)?;
    if root.anchor_at(agreed.height).is_some() {
        let what = format!("{} has an anchor at height {height} already", genesis.display());
        return Err(Failure::new(Exit::Invalid, "anchored", what, "take that one out of the file first"));
    }
    // Behind what stands there, so that the file keeps its comments and its order.
    let held = fs::read_to_string(genesis).map_err(|error| Failure::disk("read", genesis, &error))?;
    let text = format!("{}\n\n{}", held.trim_end(), anchor::to_toml(&agreed));
    banyan_ledger::genesis_state(&GenesisFile::from_toml(&text)?.genesis()?).map_err(banyan_node::NodeError::from)?;
    disk::write(genesis, text.as_bytes())?;
    let text = format!("{} has an anchor at height {height}: start the node again with it", genesis.display());
    Ok(Report::new(text, json!({ "genesis": genesis.display().to_string(), "height": height })))
}
