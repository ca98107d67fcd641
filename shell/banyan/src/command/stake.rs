//! `stake`: bond coins on the root, so that a key may witness or lead; take them back; look at them. Rules: root 8.

use std::path::Path;

use banyan_ledger::{Slashed, WitnessSets, key};
use banyan_types::{
    AccountId, Amount, PublicKey, Signature,
    text::Prefix,
    witness::{WitnessSet, bond_message},
};
use banyan_wallet::{
    client::{Client, When},
    tx::{self, Terms},
};
use serde_json::{Value, json};

use crate::{
    cli::{Signing, Stake},
    command::{node::read_key, send::sign_and_send},
    failure::{Exit, Failure},
    report::{Report, table},
    session::Session,
};

/// Do what is asked.
/// # Errors
/// What is wrong with the transaction, or the node's.
pub fn run(session: &Session, action: &Stake) -> Result<Report, Failure> {
    match action {
        Stake::Bond { amount, witness_key, signing } => bond(session, *amount, witness_key.as_deref(), signing),
        Stake::Unbond { amount, signing } => sign_and_send(session, signing, |from, terms| {
            check_held(session, from)?;
            Ok(tx::unbond(from, *amount, terms)?)
        }),
        Stake::Renew { signing } => sign_and_send(session, signing, |from, terms| {
            check_held(session, from)?;
            Ok(tx::renew(from, terms)?)
        }),
        Stake::Status { account } => status(session, account.as_deref()),
    }
}

fn bond(session: &Session, amount: Amount, file: Option<&Path>, signing: &Signing) -> Result<Report, Failure> {
    let client = session.client()?;
    let chain = client.prove(&[key::engine()], When::Top)?.engine()?.ok_or_else(no_root)?.chain;
    // The key proves that it serves this stake and no other, so its secret is needed as well as the account's.
    let secret = if let Some(file) = file {
        read_key(file)?
    } else {
        session.unlock(&session.owner(signing.from.as_ref(), &client.status()?)?)?
    };
    let witness = PublicKey(secret.public());
    let build = |from: AccountId, terms: &Terms| {
        let proof = Signature(secret.sign(&bond_message(chain, from)));
        Ok(tx::bond(from, amount, witness, proof, terms)?)
    };
    let mut report = sign_and_send(session, signing, build)?;
    let name = witness.text(Prefix::Peer);
    report.json["witness"] = name.as_str().into();
    report.text = format!(
        "{}\nwitness  {name}, from the era after next on. A node must vote with it: banyan node --genesis FILE\n         \
         --witness-key FILE --peer ADDRESS. Where over a third of all bonds have no node, nothing is final any more",
        report.text
    );
    Ok(report)
}

/// Say that nothing is bonded before anything is signed: the node would keep the transaction for a bond that may come.
fn check_held(session: &Session, from: AccountId) -> Result<(), Failure> {
    let (_, stake, _) = read(&session.client()?, from)?;
    let none =
        || Failure::new(Exit::Invalid, "no_stake", format!("{from} has bonded nothing"), "banyan stake bond AMOUNT");
    stake.map(drop).ok_or_else(none)
}

fn no_root() -> Failure {
    let next = "name the root with --ledger, as banyan tree shows it";
    Failure::new(Exit::Invalid, "no_stake_here", "coins are bonded on the root alone", next)
}

fn status(session: &Session, account: Option<&str>) -> Result<Report, Failure> {
    let client = session.client()?;
    let id = match account {
        Some(account) => session.account(account)?,
        None => session.owner(None, &client.status()?)?.account(),
    };
    let (sets, stake, height) = read(&client, id)?;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![row("account", id.to_string())];
    let Some(stake) = stake else {
        rows.push(row("stake", "none".into()));
        let json = json!({ "account": id.to_string(), "height": height, "stake": Value::Null, "sets": [] });
        return Ok(Report::new(table(&rows), json));
    };
    let witness = stake.key.text(Prefix::Peer);
    rows.push(row("witness", witness.clone()));
    rows.push(row("bonded", format!("{} BNY", stake.bonded)));
    let parts = stake.unbonding.iter();
    rows.extend(parts.map(|part| row("unbonding", format!("{} BNY, paid at height {}", part.amount, part.release))));
    rows.push(row("renewed", format!("in era {}", stake.renewed)));
    if stake.slashed != Slashed::Never {
        let lost = if stake.slashed == Slashed::Whole {
            "all of it, for votes or blocks that contradict each other"
        } else {
            "a tenth, for two locks"
        };
        rows.push(row("slashed", lost.into()));
    }
    let served: Vec<_> = sets.sets.iter().filter_map(|set| Some((set, weight_in(set, id)?))).collect();
    let share = |(set, weight): &(&WitnessSet, Amount)| {
        row(
            &format!("era {}", set.era),
            format!("weight {weight} of {} BNY, {} members", set.total(), set.members.len()),
        )
    };
    rows.extend(served.iter().map(share));
    if served.is_empty() {
        let why = if stake.bonded.is_zero() {
            "in none: nothing is bonded any more"
        } else {
            "in none: what is at least the ledger's bond_min joins the next set that is written, for the era after next"
        };
        rows.push(row("sets", why.into()));
    }
    let json = json!({
        "account": id.to_string(), "height": height, "witness": witness,
        "stake": {
            "bonded": stake.bonded.base().to_string(), "renewed": stake.renewed.0,
            "slashed": match stake.slashed { Slashed::Never => "never", Slashed::Lock => "tenth", Slashed::Whole => "whole" },
            "unbonding": stake.unbonding.iter().map(|part| json!({ "amount": part.amount.base().to_string(), "release": part.release.0 })).collect::<Vec<_>>(),
        },
        "sets": served.iter().map(|(set, weight)| json!({ "era": set.era.0, "weight": weight.base().to_string(), "total": set.total().base().to_string(), "members": set.members.len() })).collect::<Vec<_>>(),
    });
    Ok(Report::new(table(&rows), json))
}

/// The sets, the stake, and the height that they are proven at.
fn read(client: &Client, id: AccountId) -> Result<(WitnessSets, Option<banyan_ledger::Stake>, u64), Failure> {
    let proven = client.prove(&[key::stake(id), key::witness_sets()], When::Top)?;
    let sets = proven.witness_sets()?.ok_or_else(no_root)?;
    Ok((sets, proven.stake(id)?, proven.header().height().0))
}

fn weight_in(set: &WitnessSet, staker: AccountId) -> Option<Amount> {
    set.members.iter().find(|member| member.staker == staker).map(|member| member.weight)
}
