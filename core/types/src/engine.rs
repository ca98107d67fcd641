//! What accounts tell the engine of a child. Rules: protocol, associates 1, 9.

use alloc::{string::ToString as _, vec, vec::Vec};

use crate::{
    ContractId,
    committee::{MemberSignature, ValidatorSet},
    rlp::{DecodeError, Field, Items, put_list},
    show::Value,
};

/// Stands before every change of validators that a quorum signs.
const SET_CHANGE_DOMAIN: &[u8] = b"banyan set change";

/// What an `engine_tx` is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineAction {
    /// The sender's validator was away and is back.
    Unjail,
    /// A validator wants this contract to name the validators from some epoch on: it answers beside the one that does, first.
    Propose(ContractId),
    /// A validator agrees to the contract that is proposed.
    Vote(ContractId),
    /// A validator is against it.
    Cancel(ContractId),
    /// A quorum of the running set wants another one.
    SetChange(SetChange),
}

crate::record! {
    /// A set of validators that over two thirds of the running one have signed.
    SetChange {
        /// The epoch in which it is asked for, and whose set has signed: it binds in no other.
        epoch: u64,
        /// Who shall follow.
        set: ValidatorSet,
        /// Over [`set_change_message`], ascending by place in the running set.
        signatures: Vec<MemberSignature>,
    }
}

/// What validators sign who want `set` to follow, in `epoch` of the child with this network id.
pub fn set_change_message(network_id: &str, epoch: u64, set: &ValidatorSet) -> Vec<u8> {
    [SET_CHANGE_DOMAIN, &epoch.to_be_bytes(), &set.hash().0, network_id.as_bytes()].concat()
}

impl EngineAction {
    /// Its number on the wire.
    pub const fn number(&self) -> u64 {
        match self {
            Self::Unjail => 0,
            Self::Propose(_) => 1,
            Self::Vote(_) => 2,
            Self::Cancel(_) => 3,
            Self::SetChange(_) => 4,
        }
    }

    /// What it is, in a word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unjail => "unjail",
            Self::Propose(_) => "propose",
            Self::Vote(_) => "vote",
            Self::Cancel(_) => "cancel",
            Self::SetChange(_) => "set change",
        }
    }
}

impl Field for EngineAction {
    fn put(&self, out: &mut Vec<u8>) {
        put_list(out, |out| {
            self.number().put(out);
            match self {
                Self::Unjail => {}
                Self::Propose(contract) | Self::Vote(contract) | Self::Cancel(contract) => contract.put(out),
                Self::SetChange(change) => change.put(out),
            }
        });
    }

    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        let mut list = items.list()?;
        let action = match u64::take(&mut list)? {
            0 => Self::Unjail,
            1 => Self::Propose(Field::take(&mut list)?),
            2 => Self::Vote(Field::take(&mut list)?),
            3 => Self::Cancel(Field::take(&mut list)?),
            4 => Self::SetChange(Field::take(&mut list)?),
            _ => return Err(DecodeError::Malformed("unknown action of an engine")),
        };
        list.finish().map(|()| action)
    }

    fn show(&self) -> Value {
        let mut fields = vec![("action", Value::Text(self.word().to_string()))];
        match self {
            Self::Unjail => {}
            Self::Propose(contract) | Self::Vote(contract) | Self::Cancel(contract) => {
                fields.push(("contract", contract.show()));
            }
            Self::SetChange(change) => fields.push(("change", change.show())),
        }
        Value::Record(fields)
    }
}
