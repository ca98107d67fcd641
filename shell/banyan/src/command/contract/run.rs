//! `contract call` and `contract dry-run`: what a run would do, and what one has done.

use banyan_ledger::rules::{run_cost, run_gas};
use banyan_types::{AccountId, Amount, ContractId, Gas, tx::Transaction};
use banyan_wallet::{
    aci::{self, Interface, Type, show},
    client::{
        Client,
        contract::{Emitted, Ended, Kept, Ran},
    },
    review::Interfaces as _,
    tx::{self, Terms, contract::Run},
};
use serde_json::{Value, json};

use super::{Known, find, known::interface, params};
use crate::{
    cli::{Call, DryRun, What},
    command::send::{self, Sent, sign_and_follow},
    failure::{Exit, Failure},
    report::{Report, table},
    session::Session,
};

/// A trial's gas, and a quarter more: by the time of the run the state may be another. As the JavaScript SDK does.
pub fn with_room(used: Gas) -> Gas {
    Gas(used.0.saturating_mul(5) / 4)
}

/// Call data of a function by its interface; accounts may be named as their owner calls them.
pub fn call_data(
    session: &Session,
    interface: &Interface,
    function: &str,
    arguments: &[String],
) -> Result<Vec<u8>, Failure> {
    let names = |name: &str| session.account(name).ok();
    Ok(interface.call_data(function, arguments, &names)?)
}

/// A call, ready to be made.
struct Prepared {
    interface: Interface,
    result: Type,
    run: Run,
    /// Gas that was asked for, if any was.
    gas: Option<u64>,
}

fn prepare(session: &Session, client: &Client, what: &What, args: &crate::cli::Run) -> Result<Prepared, Failure> {
    let kept = find(client, what.contract)?;
    if kept.is_expired() {
        return Err(expired(&kept));
    }
    let (interface, _) = interface(session, &kept.code, args.aci.as_deref())?;
    let call_data = call_data(session, &interface, &what.function, &what.arguments)?;
    let result = interface.function(&what.function)?.result.clone();
    let run = Run { call_data, amount: args.amount, gas: Gas(args.gas.unwrap_or(0)) };
    Ok(Prepared { interface, result, run, gas: args.gas })
}

/// It would refuse every call, so that none is worth its fee.
fn expired(kept: &Kept) -> Failure {
    let next = format!("banyan contract extend {} HEIGHTS brings it back, while its grace lasts", kept.id);
    Failure::new(Exit::Invalid, "expired", format!("{} has expired, and refuses every call", kept.id), next)
        .because(format!("its last height was {}, the newest is {}", kept.contract.expiry, kept.height))
}

/// Call a contract and say what it did.
/// # Errors
/// Whatever keeps the call from being made or from reaching its level; a trial that fails, unless the gas was named.
pub fn call(session: &Session, args: &Call) -> Result<Report, Failure> {
    let client = session.client()?;
    let prepared = prepare(session, &client, &args.what, &args.run)?;
    let params = params(&client, &client.status()?)?;
    let build = |from: AccountId, terms: &Terms| {
        let terms = Terms { params, ..terms.clone() };
        let of_gas = |gas, terms: &Terms| {
            let run = Run { gas, ..prepared.run.clone() };
            Ok(tx::contract::call(from, args.what.contract, &run, terms)?)
        };
        let Some(gas) = prepared.gas else {
            let (tx, ran) = tried(&client, from, &terms, of_gas)?;
            let events = Events::of(session, &prepared.interface, args.what.contract);
            let mut rows = vec![row("a trial gave", answer(&ran, &prepared.result))];
            rows.extend(ran.events.iter().map(|event| row("and", events.show(event))));
            session.tell(&table(&rows));
            return Ok(tx);
        };
        of_gas(Gas(gas), &terms)
    };
    let sent = sign_and_follow(session, &args.signing, build)?;
    let shown = prepared.interface.show_call(&prepared.run.call_data).unwrap_or_default();
    let rows = vec![row("contract", args.what.contract.to_string()), row("call", shown)];
    outcome(session, &client, sent, rows, &prepared.interface, args.what.contract, &prepared.result)
}

/// The transaction with as much gas as a trial of it used, and some more; and the trial.
/// # Errors
/// The trial fails: then nothing is worth signing.
pub fn tried(
    client: &Client,
    from: AccountId,
    terms: &Terms,
    of_gas: impl Fn(Gas, &Terms) -> Result<Transaction, Failure>,
) -> Result<(Transaction, Ran), Failure> {
    let trial = with_most_gas(terms, &of_gas)?;
    let ran = client.dry_run(&trial, from)?;
    if ran.ended == Ended::Ok {
        return Ok((of_gas(with_room(ran.gas_used), terms)?, ran));
    }
    let what = match ran.ended {
        Ended::Revert => "the contract would refuse it",
        Ended::Ok | Ended::Error => "the contract would fail",
    };
    let next = "other arguments or another --from; with --gas GAS it is sent all the same, and its gas is paid";
    Err(Failure::new(Exit::Invalid, ran.ended.as_str(), what, next).because(quoted(&ran)))
}

/// Larger than the transaction that follows, so that a fee which is named may be too low for it.
fn with_most_gas(
    terms: &Terms,
    of_gas: &impl Fn(Gas, &Terms) -> Result<Transaction, Failure>,
) -> Result<Transaction, Failure> {
    let terms = Terms { fee: None, ..terms.clone() };
    let sized = of_gas(terms.params.gas_per_tx_max, &terms)?;
    of_gas(tx::contract::gas_max(&sized, &terms), &terms)
}

/// Try a call.
/// # Errors
/// The call cannot be made, or the node refuses to try it. A run that fails is the answer "no".
pub fn dry_run(session: &Session, args: &DryRun) -> Result<Report, Failure> {
    let client = session.client()?;
    let prepared = prepare(session, &client, &args.what, &args.run)?;
    let status = client.status()?;
    let from = match &args.from {
        Some(name) => session.account(name)?,
        None => session.owner(None, &status).map_or(AccountId([0; 32]), |owner| owner.account()),
    };
    let nonce = client.account(from)?.next();
    let terms = Terms { params: params(&client, &status)?, ..send::terms(&status, nonce) };
    let of_gas = |gas, terms: &Terms| {
        let run = Run { gas, ..prepared.run.clone() };
        Ok(tx::contract::call(from, args.what.contract, &run, terms)?)
    };
    let trial = match prepared.gas {
        Some(gas) => of_gas(Gas(gas), &terms)?,
        None => with_most_gas(&terms, &of_gas)?,
    };
    let ran = client.dry_run(&trial, from)?;
    let charge = charge(&of_gas(ran.gas_used, &terms)?);
    let events = Events::of(session, &prepared.interface, args.what.contract);
    let mut rows = vec![
        row("call", prepared.interface.show_call(&prepared.run.call_data).unwrap_or_default()),
        row("as", if from.0 == [0; 32] { "nobody".into() } else { from.to_string() }),
        row(word(ran.ended), answer(&ran, &prepared.result)),
        row("gas", ran.gas_used.to_string()),
        row("charge", format!("{charge} BNY on the ledger: fee and gas")),
    ];
    rows.extend(ran.events.iter().map(|event| row("event", events.show(event))));
    let mut json = ran_json(&ran, &prepared.result, &events);
    json["contract"] = args.what.contract.to_string().into();
    json["caller"] = from.to_string().into();
    json["charge"] = charge.base().to_string().into();
    Ok(Report::new(table(&rows), json).or_no(ran.ended != Ended::Ok))
}

/// Fee and used gas. What was not used has come back.
fn charge(tx: &Transaction) -> Amount {
    run_cost(tx).and_then(|run| run.plus(tx.fee())).unwrap_or(Amount::MAX)
}

/// What a transaction that was followed did, below `rows` that say what it was. A run that failed is the answer "no".
/// # Errors
/// The node's.
pub fn outcome(
    session: &Session,
    client: &Client,
    sent: Sent,
    mut rows: Vec<Vec<String>>,
    interface: &Interface,
    contract: ContractId,
    result: &Type,
) -> Result<Report, Failure> {
    let Sent { hash, tx, mut report } = sent;
    report.json["contract"] = contract.to_string().into();
    let Some(ran) = client.receipt(hash)?.and_then(|receipt| receipt.ran(&tx)) else {
        // It was followed no further than into the pool.
        report.text = format!("{}\n{}", table(&rows), report.text);
        return Ok(report);
    };
    let events = Events::of(session, interface, contract);
    let price = run_gas(&tx).map_or(0, |(_, price)| price.0);
    let run = price.checked_mul(u128::from(ran.gas_used.0)).and_then(Amount::new).unwrap_or(Amount::MAX);
    let charged = tx.fee().plus(run).unwrap_or(Amount::MAX);
    if ran.ended != Ended::Ok || !ran.returned.is_empty() {
        rows.push(row(word(ran.ended), answer(&ran, result)));
    }
    rows.push(row("gas", ran.gas_used.to_string()));
    rows.push(row("charged", format!("{charged} BNY: fee {} + gas {run}", tx.fee())));
    rows.extend(ran.events.iter().map(|event| row("event", events.show(event))));
    let (Value::Object(json), Value::Object(more)) = (&mut report.json, ran_json(&ran, result, &events)) else {
        unreachable!("both are written as objects");
    };
    json.extend(more);
    json.insert("charged".into(), charged.base().to_string().into());
    report.text = format!("{}\n{}", table(&rows), report.text);
    Ok(report.or_no(ran.ended != Ended::Ok))
}

/// A label and what stands beside it.
pub fn row(label: &str, value: String) -> Vec<String> {
    vec![label.to_owned(), value]
}

const fn word(ended: Ended) -> &'static str {
    match ended {
        Ended::Ok => "result",
        Ended::Revert => "refused",
        Ended::Error => "failed",
    }
}

/// The result as a literal, or why there is none.
fn answer(ran: &Ran, result: &Type) -> String {
    if ran.ended != Ended::Ok {
        return quoted(ran);
    }
    let value = ran.value();
    let literal = value.as_ref().and_then(|value| show(value, result));
    literal.or_else(|| value.map(|value| format!("{value:?}, which is no {result}"))).unwrap_or_else(|| "none".into())
}

fn quoted(ran: &Ran) -> String {
    match ran.text() {
        text if text.is_empty() => "the ledger keeps no reason; banyan contract dry-run says why".into(),
        text => aci::quoted(&text),
    }
}

fn ran_json(ran: &Ran, result: &Type, events: &Events<'_>) -> Value {
    let event = |event: &Emitted| {
        json!({
            "contract": event.contract.to_string(), "event": events.known(event),
            "topics": topics(event), "payload": String::from_utf8_lossy(&event.payload),
        })
    };
    json!({
        "ended": ran.ended.as_str(), "result": (ran.ended == Ended::Ok).then(|| answer(ran, result)),
        "type": result.to_string(), "returned": banyan_fate::abi::to_text(&ran.returned),
        "reason": (ran.ended != Ended::Ok).then(|| String::from_utf8_lossy(&ran.text()).into_owned()),
        "gas_used": ran.gas_used.0, "events": ran.events.iter().map(event).collect::<Vec<_>>(),
    })
}

/// Topics as hexadecimal digits.
pub fn topics(event: &Emitted) -> Vec<String> {
    event.topics.iter().map(|topic| format!("0x{}", hex::encode(topic))).collect()
}

/// Events in the words of the contracts that emitted them.
pub struct Events<'a> {
    known: Known,
    interface: &'a Interface,
    contract: ContractId,
}

impl<'a> Events<'a> {
    /// Of a contract whose interface is known; of others it is looked up.
    pub fn of(session: &Session, interface: &'a Interface, contract: ContractId) -> Self {
        Self { known: Known::of(session), interface, contract }
    }

    fn known(&self, event: &Emitted) -> Option<String> {
        let show = |interface: &Interface| interface.show_event(&event.topics, &event.payload);
        if event.contract == self.contract {
            return show(self.interface);
        }
        self.known.of_contract(event.contract).as_ref().and_then(show)
    }

    /// An event on one line.
    pub fn show(&self, event: &Emitted) -> String {
        let what =
            self.known(event).unwrap_or_else(|| format!("{} {}", topics(event).join(" "), aci::quoted(&event.payload)));
        if event.contract == self.contract { what } else { format!("{what}   of {}", event.contract) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_more_than_a_trial_used() {
        for (used, asked) in [(0, 0), (1, 1), (1_500, 1_875), (u64::MAX, u64::MAX / 4)] {
            assert_eq!(with_room(Gas(used)), Gas(asked), "{used}");
        }
    }
}
