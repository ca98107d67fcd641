//! `contract`, parsed.

use std::path::PathBuf;

use banyan_types::{Amount, ContractId};
use clap::{Args, Subcommand};

use super::Signing;

/// `contract`.
#[derive(Debug, Subcommand)]
pub enum Contract {
    /// Make a contract of a source, or of code that was compiled before
    Deploy(Deploy),
    /// Call a contract: what it does stays, and costs
    Call(Call),
    /// Try a call: show what it would give and cost, and change nothing
    #[command(visible_alias = "read")]
    DryRun(DryRun),
    /// Show a contract: whose, of what code, until when, what it can be asked
    #[command(visible_alias = "show")]
    Inspect {
        /// Which: ct_…
        contract: ContractId,
    },
    /// Compile a source and say whether it gives a contract's byte code
    #[command(visible_alias = "verify")]
    VerifySource {
        /// Which: ct_…
        contract: ContractId,
        /// The source
        file: PathBuf,
        #[command(flatten)]
        compiler: CompilerArg,
    },
    /// Pay for a contract to live longer, whoever made it
    Extend {
        /// Which: ct_…
        contract: ContractId,
        /// How many heights longer
        heights: u64,
        #[command(flatten)]
        signing: Signing,
    },
    /// Show the events of a contract in the newest blocks
    Events {
        /// Which: ct_…
        contract: ContractId,
        /// How many blocks
        #[arg(long, value_name = "BLOCKS", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=200))]
        last: u16,
    },
}

/// `contract deploy`.
#[derive(Debug, Args)]
pub struct Deploy {
    /// The source (.aes), or its code as the compiler wrote it (.aeb: cb_…)
    pub file: PathBuf,
    /// Arguments of init, as the source would write them: 5, text, true, ak_…, [1, 2], (1, "a"), Some(3)
    #[arg(allow_negative_numbers = true)]
    pub arguments: Vec<String>,
    /// Keep the source on the ledger, for all to read
    #[arg(long)]
    pub visible: bool,
    /// Heights that it is to live [default: what the ledger gives, without a rent]
    #[arg(long, value_name = "HEIGHTS", value_parser = clap::value_parser!(u64).range(1..))]
    pub lifetime: Option<u64>,
    #[command(flatten)]
    pub run: Run,
    #[command(flatten)]
    pub compiler: CompilerArg,
    #[command(flatten)]
    pub signing: Signing,
}

/// `contract call`.
#[derive(Debug, Args)]
pub struct Call {
    #[command(flatten)]
    pub what: What,
    #[command(flatten)]
    pub run: Run,
    #[command(flatten)]
    pub signing: Signing,
}

/// `contract dry-run`.
#[derive(Debug, Args)]
pub struct DryRun {
    #[command(flatten)]
    pub what: What,
    #[command(flatten)]
    pub run: Run,
    /// Who would call: a name, dev0 to dev7, or ak_… [default: the only account there is, else nobody's]
    #[arg(long, value_name = "NAME")]
    pub from: Option<String>,
}

/// Which function of which contract.
#[derive(Debug, Args)]
pub struct What {
    /// Which contract: ct_…
    pub contract: ContractId,
    /// Name of the function, or 0x… and its four bytes
    pub function: String,
    /// Its arguments, as the source would write them: 5, text, true, ak_…, [1, 2], (1, "a"), Some(3)
    #[arg(allow_negative_numbers = true)]
    pub arguments: Vec<String>,
}

/// What goes with a run.
#[derive(Debug, Args)]
pub struct Run {
    /// Coins that go with it: 12.5 is coins, 12500u base units
    #[arg(long, value_name = "AMOUNT", default_value = "0")]
    pub amount: Amount,
    /// Gas that it may use [default: what a trial used, and a quarter more]
    #[arg(long, value_name = "GAS")]
    pub gas: Option<u64>,
    /// The interface, as the compiler wrote it (.json) [default: of a compilation here, else what the code says]
    #[arg(long, value_name = "FILE")]
    pub aci: Option<PathBuf>,
}

/// Where the compiler is.
#[derive(Debug, Clone, Args)]
pub struct CompilerArg {
    /// The compiler, aesophia_cli [default: on the PATH, else of the JavaScript SDK in node_modules here or above]
    #[arg(long, value_name = "FILE", env = "BANYAN_COMPILER")]
    pub compiler: Option<PathBuf>,
}
