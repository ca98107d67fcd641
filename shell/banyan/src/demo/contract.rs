//! A contract in the child: made, called, its event read, its store proven.

use banyan_types::{
    AccountId, ContractId, Gas, Serial,
    text::{self, Prefix},
    tx::Transaction,
};
use banyan_wallet::{
    aci::Interface,
    client::{
        Client, Level,
        contract::{Ended, Found, Ran},
    },
    tx::{
        Terms,
        contract::{Keeping, Run, call, create, gas_max},
    },
};

use super::{
    steps::{PAYMENT_LIMIT, Scene},
    story::Story,
};
use crate::{
    command::{terms, with_room},
    devnet::BANK,
    failure::{Exit, Failure},
    session::{Owner, dev_key},
};

/// A counter, as the Sophia compiler wrote it: its code, and its interface.
const CODE: &str = include_str!("../../tests/data/Counter.aeb");
const INTERFACE: &str = include_str!("../../tests/data/Counter.json");
/// Who makes it and calls it.
const WHO: u16 = 2;
/// What it begins with, and what is added.
const START: u32 = 40;
const BY: u32 = 2;

/// Make a counter in the child, count, and read what it says.
/// # Errors
/// It does not count, or its event does not read as its interface says.
pub fn count(story: &mut Story, scene: &Scene) -> Result<(), Failure> {
    let bank = scene.child();
    let interface = Interface::parse(INTERFACE)?;
    let owner = Owner::Dev(WHO).account();
    let code = text::decode_as(Prefix::ContractBytes, CODE.trim()).map_err(|error| broken(&error.to_string()))?;
    let init = interface.call_data("init", &[START.to_string()], &|_| None)?;
    let (made, id) = send(&bank, owner, |terms, gas| {
        let run = Run { call_data: init.clone(), amount: banyan_types::Amount::ZERO, gas };
        Ok(create(owner, &code, &run, &Keeping::default(), terms)?)
    })?;
    story.fact(format!("{id} is made on {BANK}, {} bytes of code, {} gas", code.len(), made.gas_used));
    let count = interface.call_data("count", &[BY.to_string()], &|_| None)?;
    let (ran, _) = send(&bank, owner, |terms, gas| {
        let run = Run { call_data: count.clone(), amount: banyan_types::Amount::ZERO, gas };
        Ok(call(owner, id, &run, terms)?)
    })?;
    let shown = interface.show_call(&count).unwrap_or_default();
    let value = ran.value().map(|value| value.show());
    let expected = (START + BY).to_string();
    story.check(value.as_deref() == Some(expected.as_str()), format!("{shown} = {expected}, {} gas", ran.gas_used))?;
    let event = ran.events.first().and_then(|event| interface.show_event(&event.topics, &event.payload));
    let counted = format!("Counted({expected}, {owner})");
    story.check(event.as_deref() == Some(counted.as_str()), format!("its event: {counted}"))?;
    let Found::Here(kept) = bank.contract(id)? else { return Err(broken("the contract is not in the state")) };
    let (entries, expiry) = (kept.contract.store_entries, kept.contract.expiry);
    let same = kept.code == code && kept.contract.owner.account() == owner;
    story.check(same, format!("proven on {BANK}: its code, {entries} entries, a life up to height {expiry}"))?;
    story.fact(format!("explorer {}/contract/{id}", bank.url()));
    Ok(())
}

/// Try it for its gas, send it, wait until it is hard, and read what it has done.
fn send(
    bank: &Client,
    from: AccountId,
    build: impl Fn(&Terms, Gas) -> Result<Transaction, Failure>,
) -> Result<(Ran, ContractId), Failure> {
    let status = bank.status()?;
    let terms = terms(&status, bank.account(from)?.next());
    let most = gas_max(&build(&terms, terms.params.gas_per_tx_max)?, &terms);
    let trial = bank.dry_run(&build(&terms, most)?, from)?;
    let tx = build(&terms, with_room(trial.gas_used))?;
    let signed = tx.clone().sign(&status.network_id, &dev_key(WHO));
    bank.submit_and_wait(&signed, Level::Hard, PAYMENT_LIMIT)?;
    let ran = bank.receipt(signed.hash())?.and_then(|receipt| receipt.ran(&tx));
    let ran = ran.filter(|ran| ran.ended == Ended::Ok).ok_or_else(|| broken("the run has not ended well"))?;
    Ok((ran, ContractId::derive(from, Serial::Nonce(tx.nonce()))))
}

fn broken(why: &str) -> Failure {
    Failure::new(Exit::No, "contract", "the contract does not do what it should", "banyan demo again").because(why)
}
