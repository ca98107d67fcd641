//! `validators`: who orders a committee's ledger, and who is to follow. Rules: associates 9.

use std::path::PathBuf;

use banyan_ledger::{Candidacy, CommitteeEngine, Naming, key};
use banyan_node::{EngineParams, GenesisFile};
use banyan_types::{
    AccountId, Amount, ContractId, Height, PublicKey, Signature,
    committee::{MemberSignature, ValidatorSet},
    engine::{EngineAction, SetChange, set_change_message},
    tx::EngineAct,
};
use banyan_wallet::{
    client::{Client, When},
    tx,
};
use serde_json::{Value, json};

use crate::{
    cli::{Seat, Signing, Validators},
    command::{node::read_key, send::sign_and_send},
    failure::{Exit, Failure},
    report::{Report, table},
    session::Session,
};

/// Do what is asked.
/// # Errors
/// What is wrong with the transaction, or the node's.
pub fn run(session: &Session, action: &Validators) -> Result<Report, Failure> {
    match action {
        Validators::Show => show(session),
        Validators::Name { validators, keys, signing } => name(session, validators, keys, signing),
        Validators::Unjail { signing } => act(session, EngineAction::Unjail, signing),
        Validators::Propose { contract, signing } => act(session, EngineAction::Propose(*contract), signing),
        Validators::Vote { contract, signing } => act(session, EngineAction::Vote(*contract), signing),
        Validators::Cancel { contract, signing } => act(session, EngineAction::Cancel(*contract), signing),
    }
}

fn act(session: &Session, action: EngineAction, signing: &Signing) -> Result<Report, Failure> {
    engine(&session.client()?)?.ok_or_else(fixed)?;
    sign_and_send(session, signing, |from_id, terms| {
        let ttl = terms.ttl.unwrap_or(Height(0));
        let act = EngineAct { from_id, action, ttl, fee: Amount::ZERO, nonce: terms.nonce };
        Ok(tx::with_fee(act.into(), terms)?)
    })
}

fn name(session: &Session, seats: &[Seat], files: &[PathBuf], signing: &Signing) -> Result<Report, Failure> {
    let client = session.client()?;
    let (engine, _) = engine(&client)?.ok_or_else(fixed)?;
    let network_id = client.status()?.network_id;
    let bad =
        |_| Failure::new(Exit::Usage, "set", "these make no set of validators", "each once, with a weight from 1 on");
    let set = ValidatorSet::new(seats.iter().map(|seat| seat.0).collect()).map_err(bad)?;
    // What is signed now is in the next block at the earliest: that may begin an epoch.
    let rules = GenesisFile::from_toml(&client.genesis()?.toml)?.params.committee.0.ok_or_else(fixed)?;
    let next = Height(client.status()?.top.height.saturating_add(1));
    let epoch = engine.next_epoch(&rules, next);
    let (epoch, running) = (epoch.number, &epoch.set);
    let message = set_change_message(&network_id, epoch, &set);
    let mut signatures = files.iter().map(|file| {
        let key = read_key(file)?;
        let place = running.place(&PublicKey(key.public()));
        let stranger = || {
            let what = "that key is none of the running validators'";
            Failure::new(Exit::Invalid, "no_validator", what, "banyan validators show")
                .because(file.display().to_string())
        };
        Ok(MemberSignature { index: place.ok_or_else(stranger)?, signature: Signature(key.sign(&message)) })
    });
    let mut signatures = signatures.by_ref().collect::<Result<Vec<_>, Failure>>()?;
    signatures.sort_by_key(|signature| signature.index);
    signatures.dedup_by_key(|signature| signature.index);
    let weights = signatures.iter().filter_map(|signature| running.member(signature.index)).map(|member| member.weight);
    let weight: u64 = weights.sum();
    if !running.is_quorum(weight) {
        let what = "over two thirds of the running validators have to sign";
        let why = format!("those who do weigh {weight} of {}", running.total());
        return Err(Failure::new(Exit::Invalid, "too_few", what, "more --validator-key FILE").because(why));
    }
    act(session, EngineAction::SetChange(SetChange { epoch, set, signatures }), signing)
}

fn fixed() -> Failure {
    let what = "the validators of this ledger never change";
    let next = "the ledger of a committee with epochs: --ledger PATH, as banyan tree shows it";
    Failure::new(Exit::Invalid, "fixed_set", what, next)
}

/// What the engine of a committee keeps whose validators change, and what is said of its contract.
fn engine(client: &Client) -> Result<Option<(CommitteeEngine, Option<Naming>)>, Failure> {
    if client.status()?.engine != "committee" {
        return Ok(None);
    }
    let proven = client.prove(&[key::engine(), key::naming()], When::Top)?;
    proven.committee()?.map(|engine| Ok((engine, proven.naming()?))).transpose()
}

fn show(session: &Session) -> Result<Report, Failure> {
    let client = session.client()?;
    match engine(&client)? {
        Some((engine, naming)) => Ok(running(&engine, naming.as_ref())),
        None => listed(&client),
    }
}

/// Those of the genesis, where they serve for ever.
fn listed(client: &Client) -> Result<Report, Failure> {
    let set = match GenesisFile::from_toml(&client.genesis()?.toml)?.engine {
        EngineParams::Committee(engine) => engine.validators,
        EngineParams::Rotation(engine) => engine.validators,
        _ => {
            let what = "this ledger is not ordered by validators";
            return Err(Failure::new(Exit::Invalid, "no_validators", what, "--ledger PATH, as banyan tree shows it"));
        }
    };
    let rows = set.members().iter().map(|member| vec![account(member.key), format!("weight {}", member.weight)]);
    let text = format!("{}\nthe same for ever: the genesis names no epochs", table(&rows.collect::<Vec<_>>()));
    Ok(Report::new(text, json!({ "epoch": Value::Null, "validators": members(&set) })))
}

fn running(engine: &CommitteeEngine, naming: Option<&Naming>) -> Report {
    let schedule = &engine.schedule;
    let sets = [&schedule.now.set, &schedule.next.set, &schedule.later];
    let mut keys: Vec<_> = sets.iter().flat_map(|set| set.members()).map(|member| member.key).collect();
    keys.extend(&schedule.jailed);
    keys.sort_unstable();
    keys.dedup();
    let mut rows = vec![["validator", "now", "next", "after", "blocks", "missed", ""].map(String::from).to_vec()];
    let mut list = Vec::new();
    for key in keys {
        let weight = |set: &&ValidatorSet| set.weight_of(&key);
        let turns = schedule.turns.iter().find(|turns| turns.key == key);
        let (made, missed) = turns.map_or((0, 0), |turns| (turns.made, turns.missed));
        let is_jailed = schedule.jailed.contains(&key);
        let note = if is_jailed { "jailed: banyan validators unjail" } else { "" };
        let [now, next, after] = sets.each_ref().map(weight);
        let cells = [now, next, after, made, missed].map(|count| count.to_string());
        rows.push([vec![account(key)], cells.to_vec(), vec![note.into()]].concat());
        list.push(json!({
            "account": account(key), "now": now, "next": next, "after": after,
            "made": made, "missed": missed, "jailed": is_jailed,
        }));
    }
    let (ruling, candidate) = naming.map_or((None, None), |naming| (naming.ruling, naming.candidate.as_ref()));
    let named = engine.named.as_ref().map(|set| format!("named to follow: {} validators", set.members().len()));
    let by = ruling.map(|contract| format!("named by {contract}"));
    let notes = [named, by, candidate.map(proposal)].into_iter().flatten();
    let head = [format!("epoch {}", schedule.number), table(&rows)];
    let text = head.into_iter().chain(notes).collect::<Vec<_>>().join("\n");
    let proposed = candidate.map(|candidate| {
        json!({ "contract": candidate.contract.to_string(), "since": candidate.since, "for": candidate.votes.len(),
            "against": candidate.against.len(), "agreed": candidate.agreed })
    });
    let json = json!({
        "epoch": schedule.number, "validators": list, "named": engine.named.as_ref().map(members),
        "contract": ruling.map(|contract: ContractId| contract.to_string()), "proposed": proposed,
    });
    Report::new(text, json)
}

/// How a proposed contract stands.
fn proposal(candidate: &Candidacy) -> String {
    let Candidacy { contract, since, votes, against, agreed, .. } = candidate;
    let agreed = agreed.map_or(String::new(), |epoch| format!(", agreed in epoch {epoch}"));
    format!("proposed is {contract}, since epoch {since}: {} for it, {} against{agreed}", votes.len(), against.len())
}

fn account(key: PublicKey) -> String {
    AccountId(key.0).to_string()
}

fn members(set: &ValidatorSet) -> Vec<Value> {
    let member =
        |member: &banyan_types::committee::Member| json!({ "account": account(member.key), "weight": member.weight });
    set.members().iter().map(member).collect()
}
