//! What the users of a child need when nobody answers there any more: a kit beforehand, a claim, a refund.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use banyan_ledger::key;
use banyan_types::{
    Amount, AssociateId, Height,
    text::{self, Prefix},
    tx::AssociateRefund,
};
use banyan_wallet::{
    client::{Client, TreeNode, When},
    kit::{Kit, NoKit, Unusable},
    tx,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::find;
use crate::{
    cli::{LedgerPath, Signing},
    command::send::sign_and_send,
    disk,
    failure::{Exit, Failure},
    progress::Progress,
    report::Report,
    session::Session,
};

/// A kit's file.
#[derive(Serialize, Deserialize)]
struct File {
    format: u32,
    /// Network id of the parent, where it is claimed.
    parent: String,
    associate: String,
    seq: u64,
    account: String,
    /// Base units.
    amount: String,
    /// All of it, `ba_`.
    kit: String,
}

/// The form that is written.
const FORMAT: u32 = 1;

/// Time between two questions.
const PAUSE: Duration = Duration::from_millis(250);

/// Keep what it takes to leave, waiting so long at most for a summary that shows it.
pub fn kit(
    session: &Session,
    ledger: &LedgerPath,
    account: &str,
    (out, patience): (&Path, Duration),
) -> Result<Report, Failure> {
    let client = session.client()?;
    let account = session.account(account)?;
    let way = way(&client, ledger)?;
    let ledgers: Vec<_> = way.iter().map(|(name, _)| client.on(name)).collect();
    let ids: Vec<_> = way.iter().map(|(_, id)| *id).collect();
    let parent = parent_of(&client, &way[0].0)?;
    let kit = wait(&mut session.progress(), patience, || Kit::fetch(&parent, (&ids, &ledgers), account))?;
    let file = File {
        format: FORMAT,
        parent: kit.parent.clone(),
        associate: kit.associate.to_string(),
        seq: kit.seq,
        account: account.to_string(),
        amount: kit.amount.base().to_string(),
        kit: text::encode(Prefix::Bytes, &kit.encode()),
    };
    let json = json!(file);
    disk::write(out, serde_json::to_string_pretty(&json).unwrap_or_default().as_bytes())?;
    let text = format!(
        "{account} holds {} BNY under summary {} of {}\nkept in  {}: good until the next summary is final",
        kit.amount,
        kit.seq,
        kit.associate,
        out.display()
    );
    Ok(Report::new(text, json))
}

/// Try again while there is only no kit *yet*.
fn wait<T>(
    progress: &mut Progress,
    patience: Duration,
    mut fetch: impl FnMut() -> Result<T, NoKit>,
) -> Result<T, Failure> {
    let begun = Instant::now();
    loop {
        match fetch() {
            Err(why) if why.is_early() && begun.elapsed() < patience => {
                progress.say(&why.to_string());
                thread::sleep(PAUSE);
            }
            fetched => return fetched.map_err(|why| no_kit(&why)),
        }
    }
}

fn no_kit(why: &NoKit) -> Failure {
    let (exit, next) = match why {
        why if why.is_early() => (Exit::Early, "again when the child's next summary is final, or a longer --timeout"),
        NoKit::Client(error) => return error.clone().into(),
        NoKit::NotProven(_) => (Exit::No, "another node"),
        NoKit::Unknown(_) => (Exit::No, "banyan tree"),
        NoKit::NoState(_) | NoKit::NotShown(_) | NoKit::Nothing(_) => (Exit::No, "nothing is to be saved there"),
    };
    Failure::new(exit, "no_kit", why.to_string(), next)
}

/// The ledgers from the first below the top down to the one that is meant, with their ids.
fn way(client: &Client, ledger: &LedgerPath) -> Result<Vec<(String, AssociateId)>, Failure> {
    let unknown = || {
        let what = format!("this node serves no child {}", ledger.0.join("/"));
        Failure::new(Exit::No, "unknown_ledger", what, "banyan tree")
    };
    let tops = client.tree()?;
    let meant = tops.iter().flat_map(TreeNode::all).find(|node| node.path.ends_with(&ledger.0)).ok_or_else(unknown)?;
    let on_way = |node: &&TreeNode| meant.path.starts_with(&node.path) && node.associate.is_some();
    let mut nodes: Vec<_> = tops.iter().flat_map(TreeNode::all).filter(on_way).collect();
    nodes.sort_by_key(|node| node.path.len());
    let way: Vec<_> = nodes.iter().filter_map(|node| Some((node.name.clone(), node.associate?))).collect();
    if way.is_empty() { Err(unknown()) } else { Ok(way) }
}

/// The ledger that the first one of the way hangs from.
fn parent_of(client: &Client, name: &str) -> Result<Client, Failure> {
    let tops = client.tree()?;
    let parent = tops.iter().flat_map(TreeNode::all).find(|node| node.children.iter().any(|child| child.name == name));
    parent.map(|parent| client.on(&parent.name)).ok_or_else(|| {
        let what = format!("this node does not serve the parent of {name}");
        Failure::new(Exit::No, "no_parent", what, "--url of a node that serves both")
    })
}

/// Claim what a kit proves.
pub fn escape(session: &Session, file: &Path, signing: &Signing) -> Result<Report, Failure> {
    let bytes = std::fs::read(file).map_err(|error| Failure::disk("read", file, &error))?;
    let bad = |why: String| {
        Failure::new(Exit::Invalid, "kit", format!("{} holds no kit", file.display()), "the file of `associate kit`")
            .because(why)
    };
    let held: File = serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string()))?;
    if held.format != FORMAT {
        return Err(bad(format!("format {}, {FORMAT} expected", held.format)));
    }
    let kit = text::decode_as(Prefix::Bytes, &held.kit).map_err(|error| bad(error.to_string()))?;
    let kit = Kit::decode(&kit).map_err(|error| bad(error.to_string()))?;
    let client = session.client()?;
    let network_id = client.status()?.network_id;
    if network_id != kit.parent {
        let what = format!("the kit is claimed on {}, this ledger is {network_id}", kit.parent);
        return Err(Failure::new(
            Exit::Invalid,
            "wrong_ledger",
            what,
            "name the child's parent with --ledger or --url",
        ));
    }
    let gone = || {
        let what = format!("{} is not registered any more", kit.associate);
        Failure::new(Exit::No, "unknown_associate", what, "nothing is held for it here")
    };
    let proven = client.prove(&[key::point(kit.associate)], When::Top)?;
    let point = proven.point(kit.associate)?.ok_or_else(gone)?;
    kit.check(&point, proven.header().height()).map_err(|why| {
        let (exit, code, next) = match why {
            Unusable::Alive { .. } => (Exit::Early, "not_dead", "withdraw there, or again when it is dead"),
            Unusable::Summary { .. } | Unusable::Root => (Exit::Invalid, "stale_kit", "a kit that was made later"),
        };
        Failure::new(exit, code, format!("the kit of {} cannot be used", kit.associate), next).because(why.to_string())
    })?;
    let mut report = sign_and_send(session, signing, |from, terms| {
        if from != kit.account {
            let what = format!("the kit is of {}, {from} would sign", kit.account);
            return Err(Failure::new(Exit::Invalid, "not_owner", what, "--from the owner's account"));
        }
        Ok(kit.claim(terms)?)
    })?;
    report.json["claimed"] = kit.amount.base().to_string().into();
    report.text = format!("claimed  {} BNY of {}\n{}", kit.amount, kit.associate, report.text);
    Ok(report)
}

/// Have a commit paid back that was never credited.
pub fn refund(session: &Session, id: &str, n: u64, signing: &Signing) -> Result<Report, Failure> {
    let client = session.client()?;
    let associate_id = find(&client, id)?;
    // A node keeps what may be good later, and all later ones of the account wait behind it.
    let entry = client.prove(&[key::inbox(associate_id, n)], When::Top)?.inbox_entry(associate_id, n)?;
    if entry.is_none() {
        let what = format!("entry {n} of the inbox of {associate_id} is not there: it was settled, or never made");
        return Err(Failure::new(Exit::Invalid, "no_entry", what, "banyan associate show shows which are open"));
    }
    sign_and_send(session, signing, |from_id, terms| {
        let (ttl, nonce) = (terms.ttl.unwrap_or(Height(0)), terms.nonce);
        let tx = AssociateRefund { associate_id, from_id, n, ttl, fee: Amount::ZERO, nonce };
        Ok(tx::with_fee(tx.into(), terms)?)
    })
}

#[cfg(test)]
mod tests {
    use banyan_ledger::Fault;
    use banyan_types::AccountId;
    use banyan_wallet::client::{ClientError, Refusal};
    use serde_json::Value;

    use super::*;

    /// What is asked in this order, with so much patience: how it ends, and how often was asked.
    fn waited(patience: Duration, answers: &[fn() -> Result<u8, NoKit>]) -> (Result<u8, Exit>, usize) {
        let mut asked = 0;
        let ended = wait(&mut Progress::begin(true), patience, || {
            asked += 1;
            answers[(asked - 1).min(answers.len() - 1)]()
        });
        (ended.map_err(|failure| failure.exit), asked)
    }

    fn refused(code: &str) -> NoKit {
        let (code, message) = (code.to_owned(), String::new());
        let (owner, details) = (Fault::Invalid, Value::Null);
        let refusal = Refusal { status: 410, owner, code, message, details, hint: None, retry_after_ms: None };
        NoKit::Client(ClientError::Refused(Box::new(refusal)))
    }

    #[test]
    fn a_kit_is_waited_for_while_it_is_only_early() {
        let early: [fn() -> Result<u8, NoKit>; 3] = [
            || Err(NoKit::NoState(AssociateId::ZERO)),
            || Err(NoKit::NotShown(AccountId::ZERO)),
            || Err(refused("collected")),
        ];
        let never: [fn() -> Result<u8, NoKit>; 3] = [
            || Err(NoKit::Nothing(AccountId::ZERO)),
            || Err(NoKit::Unknown(AssociateId::ZERO)),
            || Err(refused("unknown_block")),
        ];
        let long = Duration::from_mins(10);
        for answer in early {
            assert_eq!(waited(Duration::ZERO, &[answer]), (Err(Exit::Early), 1), "no time to wait");
            assert_eq!(waited(long, &[answer, || Ok(7)]), (Ok(7), 2), "it came");
        }
        for answer in never {
            let (ended, asked) = waited(long, &[answer]);
            assert_ne!(ended, Err(Exit::Early));
            assert_eq!((ended.is_err(), asked), (true, 1), "waiting changes nothing");
        }
    }
}
