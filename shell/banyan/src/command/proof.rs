//! `proof`: state proofs, got from a node and checked here, with or without it.

use std::path::Path;

use banyan_ledger::{
    Account, Clock, ConnectionPoint, Contract, Entry, Escrow, Key, ParentLeaf, Supply, Token, TokenBalance, Tombstone,
    key,
};
use banyan_types::{
    Asset, Hash, Height,
    associate::{InboxEntry, OutboxEntry},
    show::Fields,
    text::Prefix,
};
use banyan_wallet::{
    client::{StateProof, When},
    light::{Header, Proven},
};
use serde_json::{Value, json};

use crate::{
    cli::{self, Proof},
    failure::{Exit, Failure},
    report::{Report, lines, object},
    session::Session,
};

/// Bytes of a proof's file at most.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Do what is asked.
/// # Errors
/// The node's; exit 1 when a proof does not hold.
pub fn run(session: &Session, action: &Proof) -> Result<Report, Failure> {
    match action {
        Proof::Get { keys, at } => get(session, keys, at.as_deref()),
        Proof::Verify { file, block } => verify(file, block.as_deref()),
    }
}

fn get(session: &Session, names: &[String], at: Option<&str>) -> Result<Report, Failure> {
    let keys = names.iter().map(|name| read_key(name)).collect::<Result<Vec<_>, _>>()?;
    let when = match at {
        None => When::Top,
        Some(at) => read_block(at)?,
    };
    let (proven, proof) = session.client()?.proof(&keys, when)?;
    let mut report = describe(&proven);
    report.json["proof"] = serde_json::to_value(&proof).unwrap_or(Value::Null);
    Ok(report)
}

fn verify(file: &Path, block: Option<&str>) -> Result<Report, Failure> {
    let read = |path: &Path| {
        let size = path.metadata()?.len();
        if size > FILE_BYTES_MAX { Err(std::io::Error::other("the file is too large")) } else { std::fs::read(path) }
    };
    let bytes = read(file).map_err(|error| Failure::disk("read", file, &error))?;
    let next = "banyan proof get KEY --json > FILE makes such a file";
    let bad = |why: String| Failure::new(Exit::Invalid, "file", "the file holds no proof", next).because(why);
    let document: Value = serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string()))?;
    let proof = document.get("proof").filter(|proof| proof.is_object()).unwrap_or(&document);
    let proof: StateProof = serde_json::from_value(proof.clone()).map_err(|error| bad(error.to_string()))?;
    let claim = proof.claim().ok_or_else(|| bad("a text in it does not decode".into()))?;
    let expected = block.map(|block| cli::block_hash(block).ok_or_else(|| no_block(block))).transpose()?;
    let checked = match expected {
        Some(block) => claim.check(block),
        None => claim.check_alone(),
    };
    match checked {
        Ok(proven) => Ok(describe(&proven)),
        Err(why) => {
            let json = json!({ "verified": false, "why": why.to_string() });
            Ok(Report::new(format!("does not verify: {why}"), json).or_no(true))
        }
    }
}

/// What stands before the id where the escrow of a child is meant.
const ESCROW: &str = "escrow:";

/// A key as it is named on the command line.
fn read_key(name: &str) -> Result<Key, Failure> {
    let bad = |why: String| {
        let next = "ak_…, ac_…, escrow:ac_…, supply, parent, clock, or 64 hexadecimal digits";
        Failure::new(Exit::Usage, "key", format!("{name} names no key of a state"), next).because(why)
    };
    let text = |error: banyan_types::text::TextError| bad(error.to_string());
    Ok(match name {
        "supply" => key::supply(),
        "parent" => key::parent(),
        "clock" => key::clock(),
        _ if name.starts_with("ak_") => key::account(name.parse().map_err(text)?),
        _ if name.starts_with("ac_") => key::point(name.parse().map_err(text)?),
        _ if name.starts_with(ESCROW) => key::escrow(name[ESCROW.len()..].parse().map_err(text)?, Asset::Coin),
        _ => {
            let mut key = [0; 32];
            hex::decode_to_slice(name, &mut key).map_err(|error| bad(error.to_string()))?;
            key
        }
    })
}

fn read_block(text: &str) -> Result<When, Failure> {
    if let Ok(height) = text.parse() {
        return Ok(When::Height(Height(height)));
    }
    cli::block_hash(text).map(When::Block).ok_or_else(|| no_block(text))
}

fn no_block(text: &str) -> Failure {
    Failure::new(Exit::Usage, "block", format!("{text} names no block"), "a height, kh_… or mh_…")
}

/// What was proven, leaf by leaf.
fn describe(proven: &Proven) -> Report {
    let (block, height, root) = (name(proven), proven.header().height(), proven.header().state_root());
    let mut text = vec![format!("verified  block {block} height {height}\nroot      {}", root.text(Prefix::StateRoot))];
    let mut leaves = Vec::new();
    for (key, value) in proven.leaves() {
        let key = hex::encode(key);
        let (kind, fields) = match value {
            None => ("absent", None),
            Some(bytes) => read_leaf(bytes).map_or(("unknown", None), |(kind, fields)| (kind, Some(fields))),
        };
        text.push(format!("\n{key}  {kind}"));
        text.extend(fields.as_ref().map(lines));
        leaves.push(json!({ "key": key, "kind": kind, "fields": fields.map(object) }));
    }
    let json = json!({
        "verified": true, "block": block, "height": height.0, "state_root": root.text(Prefix::StateRoot), "leaves": leaves,
    });
    Report::new(text.join("\n"), json)
}

/// The block's text name: `mh_` for a micro block, `kh_` for every other.
fn name(proven: &Proven) -> String {
    let block: Hash = proven.block();
    match proven.header() {
        Header::Micro(_) => block.text(Prefix::MicroBlock),
        Header::Key(_) | Header::Child(_) => block.text(Prefix::KeyBlock),
    }
}

/// The object that a leaf's bytes are, by their tag.
fn read_leaf(bytes: &[u8]) -> Option<(&'static str, Fields)> {
    let found = [
        Account::decode(bytes).ok().map(|leaf| ("account", leaf.fields())),
        ConnectionPoint::decode(bytes).ok().map(|leaf| ("connection point", leaf.fields())),
        Escrow::decode(bytes).ok().map(|leaf| ("escrow", leaf.fields())),
        Supply::decode(bytes).ok().map(|leaf| ("supply", leaf.fields())),
        Clock::decode(bytes).ok().map(|leaf| ("clock", leaf.fields())),
        ParentLeaf::decode(bytes).ok().map(|leaf| ("parent", leaf.fields())),
        InboxEntry::decode(bytes).ok().map(|leaf| ("inbox entry", leaf.fields())),
        OutboxEntry::decode(bytes).ok().map(|leaf| ("outbox entry", leaf.fields())),
        Contract::decode(bytes).ok().map(|leaf| ("contract", leaf.fields())),
        Token::decode(bytes).ok().map(|leaf| ("token", leaf.fields())),
        TokenBalance::decode(bytes).ok().map(|leaf| ("token balance", leaf.fields())),
        Entry::decode(bytes).ok().map(|leaf| ("data entry", leaf.fields())),
        Tombstone::decode(bytes).ok().map(|leaf| ("tombstone", leaf.fields())),
    ];
    found.into_iter().flatten().next()
}
