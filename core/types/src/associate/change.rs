//! What the operators of a child may change about its connection point. Rules: associates 3.

use alloc::{string::ToString as _, vec, vec::Vec};

use super::{Access, ChildParams, Regime};
use crate::{
    AccountId, Amount, AssociateId, Hash, Height,
    committee::ValidatorSet,
    rlp::{DecodeError, Field, Items, put_list},
    show::Value,
};

crate::record! {
    /// What an account may do with a listed child from now on.
    AccessLine {
        /// Who.
        account: AccountId,
        /// Be credited there.
        receive: bool,
        /// Send transactions there.
        transact: bool,
    }
}

/// One change of a connection point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Other accounts answer for the child.
    Operators {
        /// Who.
        operators: Vec<AccountId>,
        /// How many of them must sign.
        threshold: u8,
    },
    /// Something else is demanded before money leaves the escrow.
    Regime(Regime),
    /// Other times and limits.
    Params(ChildParams),
    /// Open to everybody, or to the listed.
    Access(Access),
    /// Lines of the access list.
    AccessLines(Vec<AccessLine>),
    /// Other validators order the child's blocks.
    Validators(ValidatorSet),
    /// The sender puts up so much of an operator's bond.
    BondIn(Amount),
    /// So much of an operator's bond goes back to it.
    BondOut {
        /// Whose.
        operator: AccountId,
        /// How much.
        amount: Amount,
    },
    /// Another last height of the connection point.
    Expiry(Height),
    /// A frozen child goes on.
    Thaw,
}

impl Change {
    /// Its number on the wire.
    pub const fn number(&self) -> u64 {
        match self {
            Self::Operators { .. } => 0,
            Self::Regime(_) => 1,
            Self::Params(_) => 2,
            Self::Access(_) => 3,
            Self::AccessLines(_) => 4,
            Self::Validators(_) => 5,
            Self::BondIn(_) => 6,
            Self::BondOut { .. } => 7,
            Self::Expiry(_) => 8,
            Self::Thaw => 9,
        }
    }

    /// What it is about, in a word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Operators { .. } => "operators",
            Self::Regime(_) => "regime",
            Self::Params(_) => "parameters",
            Self::Access(_) => "access",
            Self::AccessLines(_) => "access list",
            Self::Validators(_) => "validators",
            Self::BondIn(_) => "bond in",
            Self::BondOut { .. } => "bond out",
            Self::Expiry(_) => "expiry",
            Self::Thaw => "thaw",
        }
    }
}

impl Field for Change {
    fn put(&self, out: &mut Vec<u8>) {
        put_list(out, |out| {
            self.number().put(out);
            match self {
                Self::Operators { operators, threshold } => {
                    operators.put(out);
                    threshold.put(out);
                }
                Self::Regime(regime) => regime.put(out),
                Self::Params(params) => params.put(out),
                Self::Access(access) => access.put(out),
                Self::AccessLines(lines) => lines.put(out),
                Self::Validators(set) => set.put(out),
                Self::BondIn(amount) => amount.put(out),
                Self::BondOut { operator, amount } => {
                    operator.put(out);
                    amount.put(out);
                }
                Self::Expiry(height) => height.put(out),
                Self::Thaw => {}
            }
        });
    }

    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        let mut list = items.list()?;
        let items = &mut list;
        let change = match u64::take(items)? {
            0 => Self::Operators { operators: Field::take(items)?, threshold: Field::take(items)? },
            1 => Self::Regime(Field::take(items)?),
            2 => Self::Params(Field::take(items)?),
            3 => Self::Access(Field::take(items)?),
            4 => Self::AccessLines(Field::take(items)?),
            5 => Self::Validators(Field::take(items)?),
            6 => Self::BondIn(Field::take(items)?),
            7 => Self::BondOut { operator: Field::take(items)?, amount: Field::take(items)? },
            8 => Self::Expiry(Field::take(items)?),
            9 => Self::Thaw,
            _ => return Err(DecodeError::Malformed("unknown change")),
        };
        list.finish().map(|()| change)
    }

    fn show(&self) -> Value {
        let mut fields = vec![("change", Value::Text(self.word().to_string()))];
        match self {
            Self::Operators { operators, threshold } => {
                fields.extend([("operators", operators.show()), ("threshold", threshold.show())]);
            }
            Self::Regime(regime) => fields.push(("regime", regime.show())),
            Self::Params(params) => fields.push(("params", params.show())),
            Self::Access(access) => fields.push(("access", access.show())),
            Self::AccessLines(lines) => fields.push(("lines", lines.show())),
            Self::Validators(set) => fields.push(("validators", set.show())),
            Self::BondIn(amount) => fields.push(("amount", amount.show())),
            Self::BondOut { operator, amount } => {
                fields.extend([("operator", operator.show()), ("amount", amount.show())]);
            }
            Self::Expiry(height) => fields.push(("expiry", height.show())),
            Self::Thaw => {}
        }
        Value::Record(fields)
    }
}

/// What an operator signs to change its child's connection point, `serial` being the point's count of such acts: none can
/// be done twice.
pub fn update_message(parent_network: &str, id: AssociateId, serial: u64, change: &Change) -> Vec<u8> {
    let mut bytes = Vec::new();
    change.put(&mut bytes);
    act_message(parent_network, b"banyan update", id, serial, &bytes)
}

/// What an operator signs to close its child.
pub fn close_message(parent_network: &str, id: AssociateId, serial: u64) -> Vec<u8> {
    act_message(parent_network, b"banyan close", id, serial, &[])
}

fn act_message(parent_network: &str, act: &[u8], id: AssociateId, serial: u64, bytes: &[u8]) -> Vec<u8> {
    let network = parent_network.as_bytes();
    let digest = Hash(banyan_crypto::blake2b(&[act, network, &id.0, &serial.to_be_bytes(), bytes]));
    [network, &digest.0].concat()
}
