//! `contract`: make contracts, call them, look at them, keep them alive. Rules: node 3.2, 3.4.
//!
//! What a contract is, is read with a proof; what a call would do, a node says; what it did, the receipt says.

mod compile;
mod deploy;
mod events;
mod inspect;
mod known;
mod run;
mod verify;

pub use run::with_room;

use banyan_ledger::Params;
use banyan_node::GenesisFile;
use banyan_types::{ContractId, Height, Target};
use banyan_wallet::{
    client::{
        Client, Status,
        contract::{Found, Kept},
    },
    tx::{self, CannotBuild, Terms},
};

use crate::{
    cli::{Contract, Signing},
    command::send::sign_and_send,
    failure::{Exit, Failure},
    report::Report,
    session::Session,
};

pub use known::Known;

/// Do what is asked.
/// # Errors
/// What is wrong with the files, the arguments or the transaction, or the node's.
pub fn run(session: &Session, action: &Contract) -> Result<Report, Failure> {
    match action {
        Contract::Deploy(args) => deploy::run(session, args),
        Contract::Call(args) => run::call(session, args),
        Contract::DryRun(args) => run::dry_run(session, args),
        Contract::Inspect { contract } => inspect::run(session, *contract),
        Contract::VerifySource { contract, file, compiler } => verify::run(session, *contract, file, compiler),
        Contract::Extend { contract, heights, signing } => extend(session, *contract, *heights, signing),
        Contract::Events { contract, last } => events::run(session, *contract, *last),
    }
}

/// The contract, if it is there.
fn find(client: &Client, id: ContractId) -> Result<Kept, Failure> {
    match client.contract(id)? {
        Found::Here(kept) => Ok(*kept),
        Found::Gone(height) => {
            let what = format!("{id} is gone: it expired at height {height}, and its grace is over");
            Err(Failure::new(Exit::No, "expired", what, "banyan contract deploy FILE makes it anew, with another id"))
        }
        Found::Never => {
            let what = format!("there is no contract {id} here");
            let next = "check the id, and the ledger: banyan contract inspect CT --ledger PATH";
            Err(Failure::new(Exit::No, "no_contract", what, next))
        }
    }
}

/// Every parameter of the ledger: its genesis has those that the status does not tell.
fn params(client: &Client, status: &Status) -> Result<Params, Failure> {
    let file = GenesisFile::from_toml(&client.genesis()?.toml)?;
    // A price may move, and then the status knows it.
    Ok(Params { gas_price_min: status.params().gas_price_min, ..file.params })
}

fn extend(session: &Session, id: ContractId, heights: u64, signing: &Signing) -> Result<Report, Failure> {
    let client = session.client()?;
    let kept = find(&client, id)?;
    let params = params(&client, &client.status()?)?;
    let longer = check_longer(&kept, &params, heights)?;
    let build = |from, terms: &Terms| {
        let rent = kept.rent(&params, heights).ok_or(CannotBuild::Overflow)?;
        let terms = Terms { params, ..terms.clone() };
        Ok(tx::contract::extend(from, Target::Contract(id), heights, rent, &terms)?)
    };
    let mut report = sign_and_send(session, signing, build)?;
    report.json["contract"] = id.to_string().into();
    report.json["expiry"] = longer.0.into();
    report.text = format!("contract {id}\nlives    up to height {longer}\n{}", report.text);
    Ok(report)
}

/// The new last height. What the ledger would refuse is said before anything is signed.
fn check_longer(kept: &Kept, params: &Params, heights: u64) -> Result<Height, Failure> {
    let max = params.lifetime_max;
    let longer = kept.contract.expiry.max(kept.height).plus(heights);
    let last = kept.height.plus(max);
    match longer.zip(last) {
        _ if heights == 0 => {
            Err(Failure::new(Exit::Usage, "no_heights", "0 heights are no longer life", "one height at least"))
        }
        Some((longer, last)) if longer <= last => Ok(longer),
        _ => {
            let room = last.and_then(|last| last.since(kept.contract.expiry.max(kept.height))).unwrap_or(0);
            let next = format!("banyan contract extend {} {room}", kept.id);
            Err(Failure::new(Exit::Invalid, "lifetime_too_long", "that is longer than anything may live here", next)
                .because(format!("at most {max} heights from now, of which {room} are left")))
        }
    }
}
