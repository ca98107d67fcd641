//! `stake`: bond coins, so that a key may witness or lead on the root, or validate on a committee's ledger; take them back; look
//! at them. Rules: root 8, associates 9.

use std::path::Path;

use banyan_ledger::{CommitteeEngine, Slashed, WitnessSets, key};
use banyan_types::{
    AccountId, Amount, Hash, PublicKey, Signature,
    committee::ValidatorSet,
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
    let chain = read(&client, AccountId([0; 32]))?.0.chain();
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
    let (role, start, flags) = match client.status()?.engine.as_str() {
        "committee" => ("validator", "in the third epoch from now", "--parent URL --key FILE --peer ADDRESS"),
        _ => ("witness", "from the era after next on", "--witness-key FILE --peer ADDRESS"),
    };
    report.text = format!(
        "{}\n{role}  {name}, {start}. A node must vote with it: banyan node --genesis FILE\n         {flags}. Where over a third \
         of all bonds have no node, nothing is final any more",
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
    let next = "name the root, or a committee's ledger, with --ledger, as banyan tree shows it";
    Failure::new(Exit::Invalid, "no_stake_here", "no coins are bonded on this ledger", next)
}

fn status(session: &Session, account: Option<&str>) -> Result<Report, Failure> {
    let client = session.client()?;
    let id = match account {
        Some(account) => session.account(account)?,
        None => session.owner(None, &client.status()?)?.account(),
    };
    let (chosen, stake, height) = read(&client, id)?;
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
    let served = chosen.served(id, stake.key);
    let share = |seat: &Seat| {
        row(&seat.when, format!("weight {} of {}{}, {} members", seat.weight, seat.total, seat.unit, seat.members))
    };
    rows.extend(served.iter().map(share));
    if served.is_empty() {
        let why = if stake.bonded.is_zero() {
            "in none: nothing is bonded any more"
        } else {
            "in none: what is at least the ledger's least bond joins the next set that is written, which serves later"
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
        "sets": served.iter().map(Seat::json).collect::<Vec<_>>(),
    });
    Ok(Report::new(table(&rows), json))
}

/// Whom stakes have chosen.
enum Chosen {
    /// Witnesses of the root, and the hash of its genesis.
    Witnesses(WitnessSets, Hash),
    /// Validators of a committee's ledger.
    Validators(Box<CommitteeEngine>),
}

/// A place among the chosen.
struct Seat {
    /// Which era or epoch.
    when: String,
    number: u64,
    /// Base units, or the weight in the set.
    base: (u128, u128),
    weight: String,
    total: String,
    unit: &'static str,
    members: usize,
}

impl Seat {
    fn json(&self) -> Value {
        let word = self.when.split(' ').next().unwrap_or_default();
        json!({ word: self.number, "weight": self.base.0.to_string(), "total": self.base.1.to_string(), "members": self.members })
    }
}

impl Chosen {
    /// What the key of a bond signs besides the account.
    fn chain(&self) -> Hash {
        match self {
            Self::Witnesses(_, chain) => *chain,
            Self::Validators(engine) => engine.chain,
        }
    }

    /// The sets in which a stake serves.
    fn served(&self, staker: AccountId, key: PublicKey) -> Vec<Seat> {
        match self {
            Self::Witnesses(sets, _) => sets.sets.iter().filter_map(|set| as_witness(set, staker)).collect(),
            Self::Validators(engine) => {
                let schedule = &engine.schedule;
                let sets = [&schedule.now.set, &schedule.next.set, &schedule.later];
                let seat = |(number, set): (u64, &&ValidatorSet)| as_validator(number, set, key);
                (schedule.number..).zip(&sets).filter_map(seat).collect()
            }
        }
    }
}

fn as_witness(set: &WitnessSet, staker: AccountId) -> Option<Seat> {
    let weight = set.members.iter().find(|member| member.staker == staker)?.weight;
    let (when, total) = (format!("era {}", set.era), set.total());
    let base = (weight.base(), total.base());
    let (weight, total) = (weight.to_string(), total.to_string());
    Some(Seat { when, number: set.era.0.into(), base, weight, total, unit: " BNY", members: set.members.len() })
}

fn as_validator(number: u64, set: &ValidatorSet, key: PublicKey) -> Option<Seat> {
    let (weight, total) = (Some(set.weight_of(&key)).filter(|weight| *weight > 0)?, set.total());
    let (when, base) = (format!("epoch {number}"), (weight.into(), total.into()));
    let (weight, total) = (weight.to_string(), total.to_string());
    Some(Seat { when, number, base, weight, total, unit: "", members: set.members().len() })
}

/// The chosen, the stake, and the height that they are proven at.
fn read(client: &Client, id: AccountId) -> Result<(Chosen, Option<banyan_ledger::Stake>, u64), Failure> {
    let engine = client.status()?.engine;
    let proven = client.prove(&[key::stake(id), key::witness_sets(), key::engine()], When::Top)?;
    let chosen = match engine.as_str() {
        "committee" => proven.committee()?.map(|engine| Chosen::Validators(Box::new(engine))),
        "root" => {
            let chain = proven.engine()?.ok_or_else(no_root)?.chain;
            proven.witness_sets()?.map(|sets| Chosen::Witnesses(sets, chain))
        }
        _ => None,
    };
    Ok((chosen.ok_or_else(no_root)?, proven.stake(id)?, proven.header().height().0))
}
