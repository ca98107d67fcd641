//! `genesis`: the files that ledgers begin from.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use banyan_ledger::GenesisWitness;
use banyan_node::GenesisFile;
use banyan_types::{Amount, AssociateId, PublicKey, TimeMs};
use serde_json::json;

use crate::{
    cli::{EngineName, Fund, Genesis, GenesisNew},
    failure::{Exit, Failure},
    report::{Report, lines, object},
};

/// Bytes of a genesis file at most.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Do what is asked.
/// # Errors
/// What is wrong with the file.
pub fn run(action: &Genesis) -> Result<Report, Failure> {
    match action {
        Genesis::New(args) => new(args),
        Genesis::Show { file } => show(file),
        Genesis::Check { file } => check(file),
        Genesis::Hash { file } => {
            let hash = read(file)?.genesis()?.hash().to_string();
            Ok(Report::new(hash.clone(), json!({ "hash": hash })))
        }
    }
}

/// Read a genesis file.
/// # Errors
/// What is wrong with it, with the place.
pub fn read(file: &Path) -> Result<GenesisFile, Failure> {
    let size = file.metadata().map_err(|error| Failure::disk("read", file, &error))?.len();
    if size > FILE_BYTES_MAX {
        let what = format!("{} has {size} bytes, a genesis file at most {FILE_BYTES_MAX}", file.display());
        return Err(Failure::new(Exit::Invalid, "too_large", what, "another file"));
    }
    let text = std::fs::read_to_string(file).map_err(|error| Failure::disk("read", file, &error))?;
    Ok(GenesisFile::from_toml(&text)?)
}

fn new(args: &GenesisNew) -> Result<Report, Failure> {
    let time = TimeMs(args.time_ms.unwrap_or_else(now));
    let file = match args.engine {
        EngineName::Root => {
            let accounts: BTreeMap<_, _> =
                args.fund.iter().map(|fund| (fund.account, fund.amount.unwrap_or(Amount::ZERO))).collect();
            let witness = |fund: &Fund| GenesisWitness {
                staker: fund.account,
                key: PublicKey(fund.account.0),
                bond: fund.amount.unwrap_or(Amount::ZERO),
            };
            let file = GenesisFile::dev_root(time, Some(args.interval_ms), accounts)
                .with_witnesses(args.witness.iter().map(witness).collect());
            GenesisFile { name: args.name.name().into(), ..file }
        }
        EngineName::Solo if !args.witness.is_empty() => {
            let what = "witnesses make the root final, and no other ledger";
            return Err(Failure::new(Exit::Usage, "witness", what, "leave --witness out"));
        }
        EngineName::Solo if !args.fund.is_empty() => {
            let next = "commit into the child once it runs: banyan move AMOUNT --from PARENT --to CHILD";
            return Err(Failure::new(Exit::Usage, "child_accounts", "a child's coins come by commit only", next));
        }
        EngineName::Solo => {
            let id = args.associate.unwrap_or(AssociateId::ZERO);
            let leader = PublicKey(args.leader.map_or([0; 32], |leader| leader.0));
            GenesisFile::dev_solo(args.name.name(), id, time, args.interval_ms, leader)
        }
    };
    let hash = file.genesis()?.hash().to_string();
    let toml = file.to_toml();
    Ok(Report::new(toml.trim_end(), json!({ "hash": hash, "toml": toml })))
}

/// Milliseconds since 1970 by the clock of this machine.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn show(path: &Path) -> Result<Report, Failure> {
    let file = read(path)?;
    let hash = file.genesis()?.hash().to_string();
    let (engine, fields) = (file.engine.name(), file.engine.fields());
    let accounts: BTreeMap<_, _> =
        file.accounts.iter().map(|(id, amount)| (id.to_string(), amount.to_string())).collect();
    let text = format!(
        "name        {}\nprofile     {}\ntime        {} ms since 1970\nhash        {hash}\n\nparameters\n{}\n\nengine {engine}\n{}\n\n{} accounts, {} witnesses, {} associates",
        file.name,
        file.profile,
        file.time,
        lines(&file.params.fields()),
        lines(&fields),
        accounts.len(),
        file.witnesses.len(),
        file.associates.len()
    );
    let json = json!({
        "name": file.name, "profile": file.profile, "time_ms": file.time.0, "hash": hash,
        "params": object(file.params.fields()), "engine": { "kind": engine, "params": object(fields) },
        "accounts": accounts, "witnesses": file.witnesses.iter().map(|one| object(one.fields())).collect::<Vec<_>>(),
        "associates": file.associates.iter().map(|tx| object(tx.fields())).collect::<Vec<_>>(),
    });
    Ok(Report::new(text, json))
}

fn check(path: &Path) -> Result<Report, Failure> {
    let genesis = read(path)?.genesis()?;
    banyan_ledger::genesis_state(&genesis).map_err(banyan_node::NodeError::from)?;
    let (hash, network_id) = (genesis.hash().to_string(), &genesis.params.network_id);
    let text = format!("{} can begin: network id {network_id}, hash {hash}", genesis.name);
    Ok(Report::new(text, json!({ "ok": true, "name": genesis.name, "network_id": network_id, "hash": hash })))
}
