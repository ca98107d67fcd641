//! Contracts in our own words: what the ledger holds of one, its source, its interface as the byte code says it.

use axum::{Json, extract::State};
use banyan_fate::{Engine, Loaded, Type, code::Function};
use banyan_ledger::{Code, Contract, Source, key};
use banyan_node::Leaves as _;
use banyan_types::{AccountId, ContractId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Answer;
use crate::{Failure, answer::units, ask::Part, ledger::Mount, v3::contracts::held};

/// A contract.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ContractAnswer {
    /// `ct_`
    pub id: String,
    /// Who made it: `ak_` or `ct_`.
    pub owner: String,
    /// Hash of its code object, hexadecimal.
    pub code_hash: String,
    /// Hash of the source that it says it was compiled from, hexadecimal.
    pub source_hash: String,
    /// Whether the ledger keeps that source; else it is incognito.
    pub visible: bool,
    /// The contract that it was cloned from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Coins that come back to the owner at its end, in units.
    pub deposit: String,
    /// Last height of its life.
    pub expiry: u64,
    /// Whether that is over; until its grace is over too, anyone may extend it.
    pub expired: bool,
    /// Leaves of its store.
    pub store_entries: u64,
    /// Their keys and values in bytes.
    pub store_bytes: u64,
    /// Whether it may be paid without being called.
    pub payable: bool,
    /// What it holds, in units.
    pub balance: String,
}

/// A contract's source.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SourceAnswer {
    /// The text.
    pub source: String,
    /// Its hash, hexadecimal. That it compiles to the code is not proven by that.
    pub source_hash: String,
}

/// What a contract's code lets others call.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InterfaceAnswer {
    /// In the order of the code.
    pub functions: Vec<FunctionAnswer>,
}

/// One function.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FunctionAnswer {
    /// Its name, where the code says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The four bytes that call data name it by, hexadecimal.
    pub id: String,
    /// Types of its arguments.
    pub arguments: Vec<String>,
    /// Type of its result.
    pub result: String,
    /// Whether coins may go with a call.
    pub payable: bool,
    /// Whether only the contract itself may call it.
    pub private: bool,
}

impl FunctionAnswer {
    fn of(loaded: &Loaded, function: &Function) -> Self {
        let [a, b, c, d] = function.id;
        Self {
            name: loaded.name(function.id).map(str::to_owned),
            id: format!("{a:02x}{b:02x}{c:02x}{d:02x}"),
            arguments: function.arguments.iter().map(sophia).collect(),
            result: sophia(&function.result),
            payable: function.payable,
            private: function.private,
        }
    }
}

/// A type as a source writes it, as far as byte code still knows it: records are tuples there, and constructors have no names.
fn sophia(of: &Type) -> String {
    let all = |types: &[Type], between: &str| types.iter().map(sophia).collect::<Vec<_>>().join(between);
    match of {
        Type::Integer => "int".into(),
        Type::Boolean => "bool".into(),
        Type::String => "string".into(),
        Type::Bits => "bits".into(),
        Type::Address => "address".into(),
        Type::Contract => "contract".into(),
        Type::Bytes(None) => "bytes()".into(),
        Type::Bytes(Some(size)) => format!("bytes({size})"),
        Type::List(item) => format!("list({})", sophia(item)),
        Type::Map(key, value) => format!("map({}, {})", sophia(key), sophia(value)),
        Type::Tuple(items) if items.is_empty() => "unit".into(),
        Type::Tuple(items) => format!("({})", all(items, " * ")),
        Type::Variant(shapes) => match &shapes[..] {
            [Type::Tuple(none), Type::Tuple(some)] if none.is_empty() && some.len() == 1 => {
                format!("option({})", all(some, ""))
            }
            shapes => format!("one of {}", all(shapes, " | ")),
        },
        Type::Variable(id) => format!("'{id}"),
        other => other.show(),
    }
}

pub(crate) fn one(mount: &Mount, text: &str) -> Result<ContractAnswer, Failure> {
    let (id, contract) = held(mount, text)?;
    let head = mount.head()?;
    let account = head.view.account(AccountId(id.0))?.unwrap_or(banyan_ledger::Account::EMPTY);
    Ok(ContractAnswer {
        id: id.to_string(),
        owner: contract.owner.to_string(),
        code_hash: contract.code_hash.to_string(),
        source_hash: contract.source_hash.to_string(),
        visible: contract.visible,
        template: contract.template.0.map(|id: ContractId| id.to_string()),
        deposit: units(contract.deposit),
        expiry: contract.expiry.0,
        expired: contract.expiry < head.header.height(),
        store_entries: contract.store_entries,
        store_bytes: contract.store_bytes,
        payable: account.payable,
        balance: units(account.balance),
    })
}

/// The loaded code of a contract.
pub(crate) fn loaded(mount: &Mount, contract: &Contract) -> Result<Loaded, Failure> {
    let code = mount.head()?.view.leaf(&key::code(contract.code_hash), Code::decode)?;
    let code = code.ok_or_else(|| Failure::ours("a contract's code is absent"))?;
    Engine::load(&code.code.0).map_err(|why| Failure::ours(format!("a contract's code does not load: {why}")))
}

/// The functions of a contract.
pub(crate) fn interface(mount: &Mount, text: &str) -> Result<InterfaceAnswer, Failure> {
    let (_, contract) = held(mount, text)?;
    let loaded = loaded(mount, &contract)?;
    Ok(InterfaceAnswer {
        functions: loaded.functions.iter().map(|function| FunctionAnswer::of(&loaded, function)).collect(),
    })
}

/// The source of a visible contract.
pub(crate) fn source(mount: &Mount, text: &str) -> Result<SourceAnswer, Failure> {
    let (_, contract) = held(mount, text)?;
    let incognito = || Failure::unknown("incognito", "the ledger does not keep this contract's source");
    if !contract.visible {
        return Err(incognito());
    }
    let held = mount.head()?.view.leaf(&key::source(contract.source_hash), Source::decode)?.ok_or_else(incognito)?;
    Ok(SourceAnswer {
        source: String::from_utf8_lossy(&held.source.0).into_owned(),
        source_hash: contract.source_hash.to_string(),
    })
}

/// A contract as the ledger holds it.
#[utoipa::path(get, path = "/contracts/{id}", tag = "contracts", params(("id" = String, Path,)),
    responses((status = 200, body = ContractAnswer), (status = 404)))]
pub(crate) async fn one_route(State(mount): State<Mount>, Part(id): Part<String>) -> Answer<ContractAnswer> {
    Ok(Json(one(&mount, &id)?))
}

/// The source of a visible contract; the ledger has proven its hash, and no more.
#[utoipa::path(get, path = "/contracts/{id}/source", tag = "contracts", params(("id" = String, Path,)),
    responses((status = 200, body = SourceAnswer), (status = 404)))]
pub(crate) async fn source_route(State(mount): State<Mount>, Part(id): Part<String>) -> Answer<SourceAnswer> {
    Ok(Json(source(&mount, &id)?))
}

/// The functions of a contract, as its byte code says them.
#[utoipa::path(get, path = "/contracts/{id}/interface", tag = "contracts", params(("id" = String, Path,)),
    responses((status = 200, body = InterfaceAnswer), (status = 404)))]
pub(crate) async fn interface_route(State(mount): State<Mount>, Part(id): Part<String>) -> Answer<InterfaceAnswer> {
    Ok(Json(interface(&mount, &id)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_read_as_a_source_writes_them() {
        let (int, text) = (Type::Integer, Type::String);
        let option = Type::Variant(vec![Type::Tuple(vec![]), Type::Tuple(vec![int.clone()])]);
        let pair = Type::Tuple(vec![int, text]);
        let rows = [
            (Type::Tuple(vec![]), "unit"),
            (option, "option(int)"),
            (Type::List(banyan_fate::value::Shared::new(pair.clone())), "list((int * string))"),
            (Type::Variant(vec![pair, Type::Tuple(vec![])]), "one of (int * string) | unit"),
            (Type::Bytes(Some(32)), "bytes(32)"),
            (Type::Variable(1), "'1"),
        ];
        for (of, expected) in rows {
            assert_eq!(sophia(&of), expected);
        }
    }
}
