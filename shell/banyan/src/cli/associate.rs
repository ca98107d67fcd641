//! `associate`: what is said of children, what their operators sign, what their users keep.

use std::path::PathBuf;

use banyan_types::{AccountId, Amount};
use clap::{Args, Subcommand, ValueEnum};

use super::{LedgerPath, Signing};

/// `associate`.
#[derive(Debug, Subcommand)]
pub enum Associate {
    /// List the children of the ledger
    List,
    /// Show a child's connection point, with the wallet's own check of its escrow
    Show {
        /// ac_…, or the child's name
        id: String,
    },
    /// Register a child that one operator orders, or validators by turns; writes its genesis file
    Create(AssociateCreate),
    /// Let other accounts answer for a child; binds once the announced delay is over, unless more must sign then
    Operators {
        /// ac_…, or the child's name
        id: String,
        /// One of them all: ak_…, or a name of the keystore
        #[arg(long = "operator", value_name = "ACCOUNT", required = true)]
        operators: Vec<String>,
        /// How many of them must sign
        #[arg(long, value_name = "N")]
        threshold: u8,
        #[command(flatten)]
        act: Act,
    },
    /// Say who may be credited and transact on a child
    Access {
        /// ac_…, or the child's name
        id: String,
        /// Let in an account: ak_…, or a name of the keystore
        #[arg(long, value_name = "ACCOUNT")]
        allow: Vec<String>,
        /// Shut out an account
        #[arg(long, value_name = "ACCOUNT")]
        deny: Vec<String>,
        /// Only those let in may use it from now on
        #[arg(long, conflicts_with_all = ["open", "allow", "deny"])]
        listed: bool,
        /// Everybody may, once the announced delay is over
        #[arg(long, conflicts_with_all = ["allow", "deny"])]
        open: bool,
        #[command(flatten)]
        act: Act,
    },
    /// Let a child that is frozen for contradicting itself go on
    Thaw {
        /// ac_…, or the child's name
        id: String,
        #[command(flatten)]
        act: Act,
    },
    /// Take no more commits; the connection point goes when its escrow is empty
    Close {
        /// ac_…, or the child's name
        id: String,
        #[command(flatten)]
        act: Act,
    },
    /// Let a connection point live for more heights; anybody may pay for that
    Extend {
        /// ac_…, or the child's name
        id: String,
        /// How many
        heights: u64,
        #[command(flatten)]
        signing: Signing,
    },
    /// Keep what it takes to leave a child without its nodes: good until its next summary is final
    Kit {
        /// The account's ledger, by its path: bank, bank/relay
        ledger: LedgerPath,
        /// Whose: a name of the keystore, or ak_…
        #[arg(long, value_name = "ACCOUNT")]
        account: String,
        /// The file to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Seconds to wait at most for a summary that shows the account
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        timeout: u64,
    },
    /// Claim on the parent what a kit proves, when the child is dead
    Escape {
        /// The file that `associate kit` wrote
        kit: PathBuf,
        #[command(flatten)]
        signing: Signing,
    },
    /// Have a commit that a dead child never credited paid back
    Refund {
        /// ac_…, or the child's name
        id: String,
        /// The commit's number in the child's inbox
        n: u64,
        #[command(flatten)]
        signing: Signing,
    },
}

/// What operators sign together.
#[derive(Debug, Args)]
pub struct Act {
    /// File with the secret of an operator (sk_…); as many as must sign
    #[arg(long = "operator-key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    #[command(flatten)]
    pub signing: Signing,
}

/// How validators order a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Ordered {
    Rotation,
    Committee,
}

/// Who chooses a committee's next validators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Chosen {
    /// The operators, or over two thirds of the running ones
    Named,
    /// Whoever bonds most
    Stake,
    /// A contract that the validators agree to
    Contract,
}

/// `associate create`.
#[derive(Debug, Args)]
pub struct AssociateCreate {
    /// Name of the ledger: 1 to 16 of a-z, 0-9 and _
    pub name: LedgerPath,
    /// The account whose key orders it
    #[arg(long, value_name = "AK", required_unless_present = "validators")]
    pub leader: Option<AccountId>,
    /// Instead of that, a validator that orders it with the others; several
    #[arg(long = "validator", value_name = "AK", conflicts_with = "leader")]
    pub validators: Vec<AccountId>,
    /// How validators order it: by turns, or by agreeing on each block
    #[arg(long, value_name = "ENGINE", default_value = "rotation", conflicts_with = "leader")]
    pub engine: Ordered,
    /// In turns: how many validators confirm a block [default: over two thirds]
    #[arg(long, value_name = "N", conflicts_with_all = ["leader", "sets"])]
    pub commitments: Option<u32>,
    /// How a committee's validators change, at the edges of epochs [default: never]
    #[arg(long, value_name = "HOW", conflicts_with = "leader")]
    pub sets: Option<Chosen>,
    /// Blocks of an epoch
    #[arg(long, value_name = "N", default_value_t = 600, requires = "sets", value_parser = clap::value_parser!(u64).range(2..))]
    pub epoch_blocks: u64,
    /// Where stake chooses: the least that a validator bonds
    #[arg(long, value_name = "AMOUNT", default_value = "100", requires = "sets")]
    pub stake_min: Amount,
    /// The parent takes the validators' certificates in place of the operators' signatures
    #[arg(long, conflicts_with = "leader")]
    pub certificate: bool,
    /// An account that answers for it to the parent; several
    #[arg(long = "operator", value_name = "AK", required = true)]
    pub operators: Vec<AccountId>,
    /// How many of them sign a summary, or what is changed [default: more than half]
    #[arg(long, value_name = "N")]
    pub threshold: Option<u8>,
    /// Where its genesis file goes
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Heights of the parent that its connection point is paid for [default: a year's]
    #[arg(long, value_name = "N")]
    pub lifetime: Option<u64>,
    #[command(flatten)]
    pub signing: Signing,
}
