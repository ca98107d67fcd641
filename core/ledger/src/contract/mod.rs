//! Contracts: make them, call them, let them speak for accounts. Rules: ledger 3.2, 3.3.
//!
//! What code does is the affair of `banyan-fate`; here stands what is checked before a run, what the run sees of the ledger
//! ([`host`]), and what becomes of its outcome. Read `create` first.

mod account;
mod call;
mod create;
mod dry;
mod host;
mod run;

pub(crate) use run::Terms;

pub use dry::{Tried, dry_run, public_text, try_alone, try_behind};

use crate::{Missing, State, leaf::Contract, leaf::key, scene::load};
use banyan_types::ContractId;

/// A contract, as long as it is there; it may have expired.
/// # Errors
/// `Missing` when the state could not answer.
pub fn contract(state: &mut impl State, id: ContractId) -> Result<Option<Contract>, Missing> {
    load(state, &key::contract(id))
}

/// The code object of a contract.
/// # Errors
/// `Missing` when the state could not answer.
pub fn contract_code(state: &mut impl State, contract: &Contract) -> Result<banyan_types::ContractBytes, Missing> {
    let code: Option<crate::Code> = load(state, &key::code(contract.code_hash))?;
    code.map(|code| code.code).ok_or(Missing("a contract's code is absent"))
}

/// The source of a visible contract.
/// # Errors
/// `Missing` when the state could not answer.
pub fn contract_source(state: &mut impl State, contract: &Contract) -> Result<Option<banyan_types::Bytes>, Missing> {
    if !contract.visible {
        return Ok(None);
    }
    let source: Option<crate::Source> = load(state, &key::source(contract.source_hash))?;
    source.map(|source| Some(source.source)).ok_or(Missing("a visible contract's source is absent"))
}
