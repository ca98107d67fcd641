//! `tx`: single transactions, built, read, signed and followed one step at a time.

use std::{
    thread,
    time::{Duration, Instant},
};

use banyan_ledger::key;
use banyan_types::{
    AccountId, Amount, AssociateId, Nonce, Payee,
    text::{self, Prefix},
    tx::{SignedTx, Transaction},
};
use banyan_wallet::{
    client::{Client, ClientError, Level, TxStatus, When},
    journey::{first_leg, place},
    review::{Line, Place, Review},
    tx,
};
use serde_json::{Value, json};

use crate::{
    cli::{self, BuildTerms, Follow, Tx, TxBuild},
    command::{
        contract::Known,
        follow::{self, follow, unknown},
        look::{self, plain},
        send,
    },
    failure::{Exit, Failure},
    report::{self, Report, object, table},
    session::{Owner, Session},
};

/// Do what is asked.
/// # Errors
/// What is wrong with the transaction, or the node's.
pub fn run(session: &Session, action: Tx) -> Result<Report, Failure> {
    match action {
        Tx::Build(what) => build(session, what),
        Tx::Decode { tx } => decode(session, &tx),
        Tx::Sign { tx, by, network_id } => sign(session, &tx, by.as_ref(), network_id),
        Tx::Submit { tx, follow } => submit(session, &tx, &follow),
        Tx::Wait { hash, follow } => wait(session, hash, &follow),
        Tx::Show { hash, watch: true } => watch(session, hash),
        Tx::Show { hash, watch: false } => show(session, hash),
    }
}

/// Whether a child takes a commit now. A node keeps one that may be good later, and all later ones of the account wait behind it.
fn check_door(client: &Client, child: AssociateId, to: AccountId, amount: Amount) -> Result<(), Failure> {
    let proven = client.prove(&[key::point(child), key::access(child, to)], When::Top)?;
    let next = "banyan associate show says how the child stands";
    let none = || Failure::new(Exit::Invalid, "unknown_associate", format!("{child} is not registered here"), next);
    let point = proven.point(child)?.ok_or_else(none)?;
    let why = point.refusal(proven.header().height(), to, proven.may_receive(child, to)?, amount);
    why.map_or(Ok(()), |why| Err(Failure::new(Exit::Invalid, why.code(), why.to_string(), next)))
}

fn build(session: &Session, what: TxBuild) -> Result<Report, Failure> {
    let client = session.client()?;
    let status = client.status()?;
    let (from, given) = match &what {
        TxBuild::Spend { from, terms, .. }
        | TxBuild::Commit { from, terms, .. }
        | TxBuild::Withdraw { from, terms, .. } => (*from, terms.clone()),
    };
    let BuildTerms { nonce, fee, ttl } = given;
    let nonce = match nonce {
        Some(nonce) => Nonce(nonce),
        None => client.account(from)?.next(),
    };
    let terms = tx::Terms { fee, ttl: cli::height(ttl), ..send::terms(&status, nonce) };
    let built = match what {
        TxBuild::Spend { to, amount, .. } => tx::spend(from, session.payee(&to)?, amount, &terms)?,
        TxBuild::Commit { into, amount, to, .. } => {
            let to = to.unwrap_or(from);
            check_door(&client, into, to, amount)?;
            tx::commit(from, into, to, amount, vec![], &terms)?
        }
        TxBuild::Withdraw { amount, to, .. } => {
            tx::withdraw(from, Payee::Account(to.unwrap_or(from)), amount, vec![], &terms)?
        }
    };
    let leg = first_leg(&status.network_id, &built);
    let built = tx::set_leg(built, leg);
    let review = Review::of(&built.encode(), &place(&status))?;
    session.show(&review);
    let tx = text::encode(Prefix::TransactionBytes, &built.encode());
    let json = json!({ "tx": tx, "network_id": status.network_id, "fields": object(built.fields()) });
    Ok(Report::new(tx, json))
}

/// A transaction on the command line: signed or not.
enum Given {
    Signed(Box<SignedTx>),
    Unsigned(Box<Transaction>),
}

impl Given {
    fn read(text: &str) -> Result<Self, Failure> {
        let bad = |why: String| {
            let next = "copy the whole tx_… again, or use the version that made it";
            Failure::new(Exit::Invalid, "unreadable", "that is no transaction", next).because(why)
        };
        let bytes = text::decode_as(Prefix::TransactionBytes, text).map_err(|error| bad(error.to_string()))?;
        match SignedTx::decode_unsorted(&bytes) {
            Ok(signed) => Ok(Self::Signed(Box::new(signed))),
            Err(as_signed) => match Transaction::decode(&bytes) {
                Ok(tx) => Ok(Self::Unsigned(Box::new(tx))),
                // A signed one that holds something unknown is better told by its own error.
                Err(banyan_types::rlp::DecodeError::UnknownTag { tag: 11, .. }) => Err(bad(as_signed.to_string())),
                Err(error) => Err(bad(error.to_string())),
            },
        }
    }

    fn transaction(&self) -> &Transaction {
        match self {
            Self::Signed(signed) => signed.transaction(),
            Self::Unsigned(tx) => tx,
        }
    }
}

fn decode(session: &Session, text: &str) -> Result<Report, Failure> {
    let given = Given::read(text)?;
    let tx = given.transaction();
    // A transaction does not say which ledger it is for: the signature does, and only whoever knows the key can tell.
    let place = Place {
        ledger: session.globals.ledger.as_ref().map_or_else(|| "any".into(), |ledger| ledger.0.join("/")),
        network_id: "not part of the bytes".into(),
        height: None,
        interval_ms: 0,
        gas_price: None,
    };
    let review = Review::with(&tx.encode(), &place, &Known::of(session))?;
    let line = |line: &Line| json!({ "depth": line.depth, "label": line.label, "value": line.value });
    let mut json = json!({
        "type": tx.kind(), "version": tx.version(), "fields": object(tx.fields()), "signed": false,
        "shown": review.lines().iter().map(line).collect::<Vec<_>>(),
    });
    let mut text = review.to_string();
    if let Given::Signed(signed) = &given {
        json["signed"] = true.into();
        json["hash"] = signed.hash().to_string().into();
        text = format!("{text}\nhash    {}\nsigned  by {} keys", signed.hash(), signed.signatures().len());
    }
    Ok(Report::new(text, json))
}

fn sign(
    session: &Session,
    text: &str,
    by: Option<&banyan_wallet::Name>,
    network_id: Option<String>,
) -> Result<Report, Failure> {
    let Given::Unsigned(tx) = Given::read(text)? else {
        return Err(Failure::new(Exit::Invalid, "signed", "that transaction is signed already", "banyan tx submit TX"));
    };
    let (place, owner, known) = if let Some(network_id) = network_id {
        // Without a node: nothing but the bytes and the id.
        let unnamed = "without a node the signer must be named";
        let name = by.ok_or_else(|| Failure::new(Exit::Usage, "which_account", unnamed, "--by NAME"))?;
        let owner = Owner::Kept(session.keystore()?.entry(name)?);
        let place = Place { ledger: "named by hand".into(), network_id, height: None, interval_ms: 0, gas_price: None };
        (place, owner, Known::offline(session))
    } else {
        let status = session.client()?.status()?;
        (place(&status), session.owner(by, &status)?, Known::of(session))
    };
    let network_id = place.network_id.clone();
    let signed = session.sign(Review::with(&tx.encode(), &place, &known)?, &owner)?;
    let tx = text::encode(Prefix::TransactionBytes, signed.bytes());
    let json = json!({ "tx": tx, "hash": signed.hash().to_string(), "network_id": network_id });
    Ok(Report::new(tx, json))
}

fn submit(session: &Session, text: &str, wanted: &Follow) -> Result<Report, Failure> {
    let Given::Signed(signed) = Given::read(text)? else {
        return Err(Failure::new(Exit::Invalid, "unsigned", "that transaction is not signed", "banyan tx sign TX"));
    };
    let client = session.client()?;
    let begun = Instant::now();
    let hash = client.submit(&signed)?;
    let followed = follow(&client, hash, wanted, begun, &mut session.progress())?;
    let json = json!({ "hash": hash.to_string(), "level": followed.level(), "levels": followed.json() });
    Ok(Report::new(format!("{hash}   {}", followed.text()), json))
}

fn wait(session: &Session, hash: banyan_types::TxHash, wanted: &Follow) -> Result<Report, Failure> {
    let client = session.client()?;
    let followed = follow(&client, hash, wanted, Instant::now(), &mut session.progress())?;
    let json = json!({ "hash": hash.to_string(), "level": followed.level(), "levels": followed.json() });
    Ok(Report::new(format!("{hash}   {}", followed.text()), json))
}

fn show(session: &Session, hash: banyan_types::TxHash) -> Result<Report, Failure> {
    let asked: Result<(Value, TxStatus), Failure> = look::ask(session, &format!("/banyan/v1/transactions/{hash}"));
    let (json, status) = asked.map_err(|failure| if failure.exit == Exit::No { unknown(hash) } else { failure })?;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        row("hash", hash.to_string()),
        row("status", status.status.clone()),
        row("level", status.level.map_or("none", |level| level.as_str()).to_owned()),
    ];
    rows.extend(status.block.iter().map(|at| row("block", format!("{} {}", at.height, at.hash))));
    rows.extend(status.expected_next_ms.iter().map(|ms| row("next level", format!("in about {ms} ms"))));
    rows.extend(status.detail.as_object().map(|_| row("in its engine", word(&status))));
    if let Some(tx) = &status.tx {
        rows.extend(tx.get("type").map(|kind| row("type", plain(kind))));
        let fields = tx.get("fields").and_then(Value::as_object);
        rows.extend(fields.into_iter().flatten().map(|(name, value)| row(name, plain(value))));
    }
    Ok(Report::new(table(&rows), json))
}

/// Between two questions while watching.
const PAUSE: Duration = Duration::from_millis(100);

/// The engine's own word for where a transaction stands, with the number of blocks on top where that says something.
pub fn word(status: &TxStatus) -> String {
    let word = status.detail["word"].as_str().unwrap_or("none");
    let depth = status.detail["depth"].as_u64().map(|depth| format!(", {depth} heights on top"));
    let reversal = &status.detail["reversal"];
    let odds = reversal["share"].as_f64().zip(reversal["estimate"].as_f64());
    let odds = odds.map(|(share, odds)| {
        format!(", {:.4} % odds that {:.0} % of the work undo it (an estimate)", odds * 100.0, share * 100.0)
    });
    format!("{word}{}{}", depth.unwrap_or_default(), odds.unwrap_or_default())
}

/// A line for each change of level or of the engine's word, until nothing more can come. A level may fall before it is final:
/// then its line says so as well.
fn watch(session: &Session, hash: banyan_types::TxHash) -> Result<Report, Failure> {
    let (client, begun) = (session.client()?, Instant::now());
    let (mut progress, mut seen) = (session.progress(), None);
    loop {
        let status = match client.transaction(hash) {
            // A node that restarts is no reason to stop watching.
            Err(ClientError::Unreachable { .. }) if seen.is_some() => {
                progress.say("the node does not answer now");
                thread::sleep(PAUSE);
                continue;
            }
            asked => asked?.ok_or_else(|| unknown(hash))?,
        };
        let Some(level) = status.level else { return Err(follow::dropped(&status)) };
        let now = (level, status.detail["word"].as_str().map(str::to_owned));
        if seen.as_ref() != Some(&now) {
            let (after_ms, fell) = (follow::millis(begun.elapsed()), seen.is_some_and(|(before, _)| level < before));
            let block = status.block.as_ref().map(|at| json!({ "height": at.height, "hash": at.hash }));
            let json = json!({
                "hash": hash.to_string(), "after_ms": after_ms, "level": level, "detail": status.detail, "block": block,
                "fell": fell,
            });
            let place = status.block.as_ref().map_or_else(String::new, |at| format!("  in {} {}", at.height, at.hash));
            let mark = if fell { "  (fell back)" } else { "" };
            let text = format!("{after_ms:>8} ms  {level:<10}  {}{place}{mark}", word(&status));
            if level == Level::RootFinal {
                return Ok(Report::new(text, json));
            }
            let printed = if session.globals.json { report::line(&json) } else { report::text(&text) };
            if printed.is_err() {
                return Ok(Report::new("", json));
            }
            seen = Some(now);
        }
        progress.say(&format!("{hash}: {level}"));
        thread::sleep(PAUSE);
    }
}
