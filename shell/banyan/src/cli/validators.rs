//! `validators`: who orders a committee's ledger, and who is to follow.

use std::{path::PathBuf, str::FromStr};

use banyan_types::{AccountId, ContractId, PublicKey, committee::Member};
use clap::Subcommand;

use super::Signing;

/// `validators`.
#[derive(Debug, Subcommand)]
pub enum Validators {
    /// Show who orders the ledger, in the running epoch and the next two
    Show,
    /// Name those who are to follow, all of them: over two thirds of the running validators sign. Once in an epoch
    Name {
        /// The account of a validator's key, and its weight: ak_…, or ak_…=WEIGHT
        #[arg(value_name = "AK[=WEIGHT]", required = true)]
        validators: Vec<Seat>,
        /// File with the secret of a running validator (sk_…); as many as must sign
        #[arg(long = "validator-key", value_name = "FILE", required = true)]
        keys: Vec<PathBuf>,
        #[command(flatten)]
        signing: Signing,
    },
    /// Come back after too many missed turns: the account that has bonded says so
    Unjail {
        #[command(flatten)]
        signing: Signing,
    },
    /// Want this contract to name the validators; it answers beside the one that rules, first. A validator's account says so
    Propose {
        /// A visible contract of this ledger: ct_…
        contract: ContractId,
        #[command(flatten)]
        signing: Signing,
    },
    /// Agree to the contract that is proposed, as a validator
    Vote {
        /// Which: ct_…
        contract: ContractId,
        #[command(flatten)]
        signing: Signing,
    },
    /// Be against the contract that is proposed, as a validator
    Cancel {
        /// Which: ct_…
        contract: ContractId,
        #[command(flatten)]
        signing: Signing,
    },
}

/// A validator who is named, with its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat(pub Member);

impl FromStr for Seat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (account, weight) = text.split_once('=').unwrap_or((text, "1"));
        let account: AccountId = account.parse().map_err(|error| format!("{error}"))?;
        let weight = weight.parse().map_err(|_| format!("{weight} is no weight: a number from 1 on"))?;
        Ok(Self(Member { key: PublicKey(account.0), weight }))
    }
}
