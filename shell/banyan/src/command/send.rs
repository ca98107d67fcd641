//! `send`: one payment on one ledger; and what every signed transaction goes through.

use std::time::Instant;

use banyan_ledger::rules;
use banyan_types::{AccountId, Amount, Nonce, TxHash, tx::Transaction};
use banyan_wallet::{
    client::{Account, Client, Level, Status},
    journey::place,
    review::Review,
    tx::{self, Terms},
};
use serde_json::json;

use crate::{
    cli::{self, Follow, Send, Signing},
    command::{Followed, contract::Known, follow},
    failure::{Failure, not_enough},
    report::Report,
    session::Session,
};

/// Pay.
/// # Errors
/// Whatever keeps the payment from being made or from reaching its level.
pub fn run(session: &Session, args: &Send) -> Result<Report, Failure> {
    let to = session.payee(&args.to)?;
    let build = |from, terms: &Terms| Ok(tx::spend(from, to, args.amount, terms)?);
    let mut report = sign_and_send(session, &args.signing, build)?;
    report.json["to"] = to.to_string().into();
    report.json["amount"] = args.amount.base().to_string().into();
    report.text = format!("to       {to}\namount   {} BNY\n{}", args.amount, report.text);
    Ok(report)
}

/// Have an owner sign what `build` makes for it, and follow that to the level that is wanted.
/// # Errors
/// Whatever keeps the transaction from being made or from reaching its level.
pub fn sign_and_send(
    session: &Session,
    args: &Signing,
    build: impl FnOnce(AccountId, &Terms) -> Result<Transaction, Failure>,
) -> Result<Report, Failure> {
    sign_and_follow(session, args, build).map(|sent| sent.report)
}

/// A transaction that has come to the level that was wanted.
pub struct Sent {
    pub hash: TxHash,
    pub tx: Transaction,
    /// How it came there.
    pub report: Report,
}

/// The same, for whoever wants to know what the transaction did.
/// # Errors
/// As [`sign_and_send`].
pub fn sign_and_follow(
    session: &Session,
    args: &Signing,
    build: impl FnOnce(AccountId, &Terms) -> Result<Transaction, Failure>,
) -> Result<Sent, Failure> {
    let client = session.client()?;
    let status = client.status()?;
    let owner = session.owner(args.from.as_ref(), &status)?;
    let held = client.account(owner.account())?;
    let terms = Terms { ttl: cli::height(args.ttl), fee: args.fee, ..terms(&status, held.next()) };
    let tx = build(owner.account(), &terms)?;
    check_funds(&status, &held, &tx)?;
    let review = Review::with(&tx.encode(), &place(&status), &Known::of(session))?;
    let signed = session.sign(review, &owner)?;
    let begun = Instant::now();
    let hash = client.submit(&signed)?;
    let followed = wait(session, &client, hash, &args.follow, begun)?;
    let text = format!(
        "on       {} ({})   fee {} BNY   nonce {}\n{hash}   {}",
        status.path(),
        status.network_id,
        tx.fee(),
        tx.nonce(),
        followed.text()
    );
    let json = json!({
        "hash": hash.to_string(), "ledger": status.path(), "network_id": status.network_id,
        "from": owner.account().to_string(), "fee": tx.fee().base().to_string(), "nonce": tx.nonce().0,
        "level": followed.level(), "levels": followed.json(),
    });
    Ok(Sent { hash, tx, report: Report::new(text, json) })
}

/// What is acknowledged is received: no question is asked for that level.
fn wait(
    session: &Session,
    client: &Client,
    hash: TxHash,
    wanted: &Follow,
    begun: Instant,
) -> Result<Followed, Failure> {
    let received = Followed { levels: vec![(Level::Received, begun.elapsed())] };
    if wanted.wait == Level::Received {
        return Ok(received);
    }
    let further = follow(client, hash, wanted, begun, &mut session.progress())?;
    let above = further.levels.into_iter().filter(|(level, _)| *level > Level::Received);
    Ok(Followed { levels: received.levels.into_iter().chain(above).collect() })
}

/// What the ledger says about a new transaction.
pub fn terms(status: &Status, nonce: Nonce) -> Terms {
    Terms { params: status.params(), height: status.height(), nonce, ttl: None, fee: None }
}

/// Say that the coins are missing before anything is signed: the node would only say it later.
fn check_funds(status: &Status, held: &Account, tx: &Transaction) -> Result<(), Failure> {
    let (amount, run) = (tx::paid_by(tx), rules::run_cost(tx).unwrap_or(Amount::MAX));
    let needed = amount.plus(tx.fee()).and_then(|sum| sum.plus(run)).unwrap_or(Amount::MAX);
    if held.balance >= needed {
        return Ok(());
    }
    let gas = if run.is_zero() { String::new() } else { format!(" + gas {run}") };
    let why = format!("balance {} BNY, needed {needed} BNY (amount {amount} + fee {}{gas})", held.balance, tx.fee());
    Err(not_enough(&status.path(), held.balance, needed).because(why))
}
