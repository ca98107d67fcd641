//! The command line, parsed once into one value.
//!
//! Only what works stands here: a command that is not there yet does not exist. Rules: protocol, node 2.

mod associate;
mod contract;
mod validators;

use std::path::PathBuf;

use banyan_network::PeerAddr;
use banyan_types::{AccountId, Amount, AssociateId, Hash, Height, PublicKey, TxHash};
use banyan_wallet::{Name, client::Level};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use associate::{Act, Associate, AssociateCreate, Chosen, Ordered};
pub use contract::{Call, CompilerArg, Contract, Deploy, DryRun, Run, What};
pub use validators::{Seat, Validators};

/// Run, use and watch a tree of ledgers.
#[derive(Debug, Parser)]
#[command(name = "banyan", version, disable_help_subcommand = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub globals: Globals,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
pub struct Globals {
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// Show no progress
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Say more of what happens inside; twice for all
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Address of the node
    #[arg(long, global = true, env = "BANYAN_URL", default_value = "http://127.0.0.1:3013")]
    pub url: String,
    /// Which ledger of the node, by its path: root, bank, bank/relay [default: the one at /]
    #[arg(long, global = true, value_name = "PATH")]
    pub ledger: Option<LedgerPath>,
    /// Folder of keys, plans and the devnet [default: $XDG_DATA_HOME/banyan]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Ask nothing: yes to every question
    #[arg(long, short, global = true)]
    pub yes: bool,
    /// File whose first line is the password of the keystore
    #[arg(long, global = true, value_name = "FILE", env = "BANYAN_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,
    /// File whose first line opens a private ledger: its operators give it out
    #[arg(long, global = true, value_name = "FILE", env = "BANYAN_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
}

/// A ledger by its names from the top of the tree down; the last one is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerPath(pub Vec<String>);

impl LedgerPath {
    /// The ledger's own name.
    pub fn name(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }
}

impl std::str::FromStr for LedgerPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let name = |name: &str| (1..=16).contains(&name.len()) && name.bytes().all(word);
        let names: Vec<_> = text.split('/').map(str::to_owned).collect();
        if names.iter().all(|one| name(one)) {
            Ok(Self(names))
        } else {
            Err("a path is names of 1 to 16 of a-z, 0-9 and _ with / between them, as in bank/relay".into())
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Grow a tree on this machine: a root, a child, funded accounts, an explorer
    Devnet(Devnet),
    /// Tell the story: coins walk into the child, are paid there and come back, each step proven
    Demo(Demo),
    /// Run one ledger from its genesis file
    Node(Node),
    /// Make, print, check or hash a genesis file
    #[command(subcommand)]
    Genesis(Genesis),
    /// Show the ledger: height, levels, limits
    Status,
    /// Show what the root's witnesses say, or the seal that makes a block final
    Finality {
        /// A height, kh_… or mh_…
        id: Option<String>,
    },
    /// Show the tree of ledgers with their escrows
    Tree,
    /// List the newest blocks
    Blocks {
        /// How many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=200))]
        limit: u16,
    },
    /// Show a block: a height, kh_… or mh_…
    Block {
        /// Its height or hash
        id: String,
    },
    /// Keep keys
    #[command(subcommand)]
    Account(Account),
    /// Pay somebody on one ledger
    Send(Send),
    /// Walk coins from one ledger to another
    Move(Move),
    /// Bond coins to witness or lead on the root, or to order a committee's ledger; take them back, look at them
    #[command(subcommand)]
    Stake(Stake),
    /// See who orders a committee's ledger, name others, let a contract name them
    #[command(subcommand)]
    Validators(Validators),
    /// Let finality go on after over a third of the stake is lost for good: operators agree on a key block
    #[command(subcommand)]
    Anchor(Anchor),
    /// Build, read, sign and follow single transactions
    #[command(subcommand)]
    Tx(Tx),
    /// Make contracts, call them, look at them, keep them alive
    #[command(subcommand)]
    Contract(Contract),
    /// Register children, look at them, answer for them, leave them
    #[command(subcommand)]
    Associate(Associate),
    /// Get and check state proofs
    #[command(subcommand)]
    Proof(Proof),
    /// Follow the root's seals without a node of one's own, and read accounts that no node can lie about
    Light(Light),
    /// Check this machine and the node
    Doctor,
    /// Print the document of the HTTP interface
    Openapi,
    /// Print the completions of a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the version
    Version,
}

/// `devnet`.
#[derive(Debug, Args)]
pub struct Devnet {
    #[command(subcommand)]
    pub action: Option<DevnetAction>,
    /// Forget what is there and begin anew
    #[arg(long)]
    pub reset: bool,
    /// Port of the HTTP interface; 0 for any that is free
    #[arg(long, default_value_t = 3013)]
    pub port: u16,
    /// One more funded account in a fresh genesis: ak_…, or ak_…=AMOUNT
    #[arg(long, value_name = "AK[=AMOUNT]")]
    pub fund: Vec<Fund>,
    /// Milliseconds between key blocks of a fresh root [default: 3000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(100..=600_000))]
    pub key_interval_ms: Option<u64>,
    /// Below a fresh root hang one child of this engine, instead of the whole tree
    #[arg(long, value_name = "ENGINE")]
    pub only: Option<Only>,
    /// Nodes of that child
    #[arg(long, value_name = "N", requires = "only", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub nodes: Option<u8>,
    /// Commitments that confirm a block of a rotation [default: 1]
    #[arg(long, value_name = "N")]
    pub threshold: Option<u32>,
    /// Below a fresh tree hang one child more, so that two leaves are four hops apart
    #[arg(long, conflicts_with = "only")]
    pub deep: bool,
    /// Port of the rotation's open routes, if it is free; 0 for none
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub routes_port: u16,
}

/// An engine that orders a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Only {
    /// A quorum of validators
    Committee,
    /// Validators in turns
    Rotation,
    /// One operator
    Solo,
}

/// What to do with a devnet that runs.
#[derive(Debug, Subcommand)]
pub enum DevnetAction {
    /// Say whether it runs, and where
    Status,
    /// Stop it
    Stop,
}

/// An account that the genesis funds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fund {
    /// Which.
    pub account: AccountId,
    /// With how much; the devnet's own measure if it is not said.
    pub amount: Option<Amount>,
}

impl std::str::FromStr for Fund {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (account, amount) = text.split_once('=').map_or((text, None), |(account, amount)| (account, Some(amount)));
        let account = account.parse().map_err(|error| format!("account: {error}"))?;
        let amount = amount.map(str::parse).transpose().map_err(|error| format!("amount: {error}"))?;
        Ok(Self { account, amount })
    }
}

/// `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Tell it on a devnet that runs, instead of a tree of its own
    #[arg(long, value_name = "URL")]
    pub on: Option<String>,
}

/// `node`.
#[derive(Debug, Args)]
pub struct Node {
    /// The ledger's genesis file
    #[arg(long, value_name = "FILE")]
    pub genesis: PathBuf,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:3013")]
    pub listen: std::net::SocketAddr,
    /// Mine and lead with the key in this file (sk_…); without it the node follows
    #[arg(long, value_name = "FILE")]
    pub miner_key: Option<PathBuf>,
    /// Threads that search proofs of work; 0 leaves it to a program from outside, by GET /v3/key-blocks/pending and POST
    /// /v3/key-blocks [default: as many as there are processors]
    #[arg(long, value_name = "N", requires = "miner_key")]
    pub miner_threads: Option<usize>,
    /// Account of the rewards [default: that of the miner's key]
    #[arg(long, value_name = "AK", requires = "miner_key")]
    pub beneficiary: Option<AccountId>,
    /// Vote as a witness with the key in this file (sk_…)
    #[arg(long, value_name = "FILE")]
    pub witness_key: Option<PathBuf>,
    /// The witness has no memory of its votes here: it waits for up to two eras, so that it cannot vote twice
    #[arg(long = "new", requires = "witness_key")]
    pub is_new: bool,
    /// Make blocks final again after two seals contradicted each other: only when the operators have agreed that this
    /// node's chain is the right one
    #[arg(long)]
    pub overrule_conflict: bool,
    /// Listen for peers at this address; port 0 is any. Without it and without --peer the node is alone
    #[arg(long, value_name = "ADDRESS")]
    pub peer_listen: Vec<std::net::SocketAddr>,
    /// A peer to call first: pp_…@ADDRESS, or ADDRESS
    #[arg(long = "peer", value_name = "PEER")]
    pub peers: Vec<PeerAddr>,
    /// Speak with the peer of this key, and with no other that is not named: of a private ledger
    #[arg(long = "allow", value_name = "PP", value_parser = banyan_network::parse_key)]
    pub allowed: Vec<PublicKey>,
    /// Show the ledger to those alone who say a token of this file: one to a line, followed by the accounts (ak_…) of which its
    /// holder gets proofs, or by nothing for all
    #[arg(long, value_name = "FILE")]
    pub passes: Option<PathBuf>,
    #[command(flatten)]
    pub child: Child,
}

/// `node` of a child: where its parent is, and the keys that it is run with.
#[derive(Debug, Args)]
pub struct Child {
    /// A node of the parent: http://HOST:PORT, or with /l/NAME; several, of which the next is asked when one fails
    #[arg(long = "parent", value_name = "URL")]
    pub parents: Vec<String>,
    /// The parent's genesis file
    #[arg(long, value_name = "FILE", requires = "parents")]
    pub parent_genesis: Option<PathBuf>,
    /// Hash of the parent's genesis: the file is fetched from its node
    #[arg(long, value_name = "HASH", requires = "parents", conflicts_with = "parent_genesis")]
    pub parent_chain: Option<String>,
    /// Take the parent's node at its word about what is final: your own node, or a parent that is a child itself
    #[arg(long, requires = "parents")]
    pub believe_parent: bool,
    /// File whose first line opens the parent, where that is private
    #[arg(long, value_name = "FILE", requires = "parents")]
    pub parent_token_file: Option<PathBuf>,
    /// Order the child with the key in this file (sk_…): its operator, or one of its validators
    #[arg(long, value_name = "FILE", requires = "parents")]
    pub key: Option<PathBuf>,
    /// Sign summaries with the key in this file (sk_…); as many as the parent wants signatures
    #[arg(long = "operator-key", value_name = "FILE", requires = "parents")]
    pub operator_keys: Vec<PathBuf>,
    /// Pay for remits with the key in this file (sk_…); enough alone where the parent takes the validators' certificates
    /// [default: the first operator's]
    #[arg(long, value_name = "FILE", requires = "parents")]
    pub payer_key: Option<PathBuf>,
}

/// `genesis`.
#[derive(Debug, Subcommand)]
pub enum Genesis {
    /// Print a new genesis file
    New(GenesisNew),
    /// Print every value of a genesis file
    Show {
        /// The file
        file: PathBuf,
    },
    /// Say whether a genesis file can begin a ledger
    Check {
        /// The file
        file: PathBuf,
    },
    /// Print the hash of a genesis file, which is the ledger's identity
    Hash {
        /// The file
        file: PathBuf,
    },
}

/// `genesis new`.
#[derive(Debug, Args)]
pub struct GenesisNew {
    /// How the ledger is ordered
    pub engine: EngineName,
    /// Name of the ledger
    #[arg(long, default_value = "root")]
    pub name: LedgerPath,
    /// Milliseconds between heights
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u64).range(100..=600_000))]
    pub interval_ms: u64,
    /// On the root: a first balance, ak_…=AMOUNT
    #[arg(long, value_name = "AK=AMOUNT")]
    pub fund: Vec<Fund>,
    /// On the root: a first witness and its bond, ak_…=AMOUNT; four at least, or none. Its key is the account's
    #[arg(long, value_name = "AK=AMOUNT")]
    pub witness: Vec<Fund>,
    /// On a child: its id at the parent
    #[arg(long, value_name = "AC", required_if_eq("engine", "solo"))]
    pub associate: Option<AssociateId>,
    /// On a child: the account whose key orders it
    #[arg(long, value_name = "AK", required_if_eq("engine", "solo"))]
    pub leader: Option<AccountId>,
    /// When it begins, in milliseconds since 1970 [default: now]
    #[arg(long, value_name = "MS")]
    pub time_ms: Option<u64>,
}

/// Engines that a genesis can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// Proof of work.
    Root,
    /// One operator.
    Solo,
}

/// `account`.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// Make a new account
    New {
        /// What to call it
        name: Name,
        /// A mnemonic of so many words instead of a single key
        #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(["12", "24"]))]
        words: Option<String>,
    },
    /// Keep a secret that exists: sk_…, 128 digits, words or a keystore file, read from a file or from stdin
    Import {
        /// What to call it
        name: Name,
        /// File with the secret [default: stdin]
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
    /// List accounts with their balances on every ledger
    List,
    /// Show one account with its balances on every ledger
    Show {
        /// A name, or ak_…
        account: String,
    },
    /// Print the keystore file of an account, or with --secret its secret
    Export {
        /// Which
        name: Name,
        /// The secret itself, unlocked
        #[arg(long)]
        secret: bool,
    },
    /// Call an account by another name
    Rename {
        /// Its name
        from: Name,
        /// Its new name
        to: Name,
    },
    /// Forget an account for ever
    Remove {
        /// Which
        name: Name,
    },
}

/// `send`.
#[derive(Debug, Args)]
pub struct Send {
    /// Who is paid: ak_…, ct_… or the name of an own account
    pub to: String,
    /// How much: 12.5 is coins, 12500u base units
    pub amount: Amount,
    #[command(flatten)]
    pub signing: Signing,
}

/// Who signs a transaction, on what terms, and how far it is followed.
#[derive(Debug, Args)]
pub struct Signing {
    /// Who pays: a name of the keystore, or dev0 to dev7 on a devnet [default: the only account there is, else dev0 on a devnet]
    #[arg(long, value_name = "NAME")]
    pub from: Option<Name>,
    #[command(flatten)]
    pub follow: Follow,
    /// The fee [default: the least]
    #[arg(long, value_name = "AMOUNT")]
    pub fee: Option<Amount>,
    /// Last height at which it may be included [default: none]
    #[arg(long, value_name = "HEIGHT")]
    pub ttl: Option<u64>,
}

/// `stake`.
#[derive(Debug, Subcommand)]
pub enum Stake {
    /// Bond coins, so that a key may witness or lead; on a committee's ledger, validate
    Bond {
        /// How much: 12.5 is coins, 12500u base units
        amount: Amount,
        /// File with the secret of the key that is to serve (sk_…) [default: the account's own]
        #[arg(long, value_name = "FILE", visible_alias = "validator-key")]
        witness_key: Option<PathBuf>,
        #[command(flatten)]
        signing: Signing,
    },
    /// Take coins back, which are paid once they have answered long enough
    Unbond {
        /// How much: 12.5 is coins, 12500u base units
        amount: Amount,
        #[command(flatten)]
        signing: Signing,
    },
    /// Keep a stake among those who may serve for longer
    Renew {
        #[command(flatten)]
        signing: Signing,
    },
    /// Show what an account has bonded and which sets it is in, as the node's newest block has it
    Status {
        /// A name, or ak_… [default: the only account there is]
        account: Option<String>,
    },
}

/// `anchor`.
#[derive(Debug, Subcommand)]
pub enum Anchor {
    /// Propose the last key block of an era and say who is lost; the other operators sign the file that this prints
    Draft {
        /// The key of a witness that is lost for good: pp_… [default: whoever does not vote now]
        #[arg(long, value_name = "PP")]
        without: Vec<String>,
        /// Height of the key block, the last of its era [default: the last such that the node has]
        #[arg(long, value_name = "HEIGHT")]
        height: Option<u64>,
    },
    /// Agree to an anchor by the key of a witness that is left: the signature is added to the file
    Sign {
        /// The anchor's file
        file: PathBuf,
        /// The ledger's genesis file
        #[arg(long, value_name = "FILE")]
        genesis: PathBuf,
        /// File with the secret of the witness's key (sk_…)
        #[arg(long, value_name = "FILE")]
        witness_key: PathBuf,
    },
    /// Write a signed anchor into a genesis file; a node follows it from its next start on
    Add {
        /// The anchor's file
        file: PathBuf,
        /// The genesis file
        #[arg(long, value_name = "FILE")]
        genesis: PathBuf,
    },
}

/// How far to follow a transaction.
#[derive(Debug, Clone, Args)]
pub struct Follow {
    /// Wait until it has this level
    #[arg(long, value_name = "LEVEL", default_value = "ordered")]
    pub wait: Level,
    /// Seconds to wait at most
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u64,
}

/// `move`.
#[derive(Debug, Args)]
pub struct Move {
    /// How much: 12.5 is coins, 12500u base units
    #[arg(required_unless_present = "resume")]
    pub amount: Option<Amount>,
    /// Where it is
    #[arg(long, value_name = "LEDGER", required_unless_present = "resume")]
    pub from: Option<LedgerPath>,
    /// Where it is to be
    #[arg(long, value_name = "LEDGER", required_unless_present = "resume")]
    pub to: Option<LedgerPath>,
    /// Whose: a name of the keystore, or dev0 to dev7 on a devnet [default: the only account there is, else dev0 on a devnet]
    #[arg(long, value_name = "NAME")]
    pub account: Option<Name>,
    /// Sign for each leg, in place of one signature that carries the route
    #[arg(long, conflicts_with = "resume")]
    pub walk: bool,
    /// Say what it costs, takes and risks, and move nothing
    #[arg(long, conflicts_with = "resume")]
    pub quote: bool,
    /// Go on with a move that was begun
    #[arg(long, value_name = "ID", conflicts_with_all = ["amount", "from", "to", "account"])]
    pub resume: Option<String>,
    /// Seconds to wait for each leg at most
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub timeout: u64,
}

/// `tx`.
#[derive(Debug, Subcommand)]
pub enum Tx {
    /// Build an unsigned transaction
    #[command(subcommand)]
    Build(TxBuild),
    /// Show what a transaction says: tx_…
    Decode {
        /// Its bytes as text
        tx: String,
    },
    /// Sign an unsigned transaction after showing it
    Sign {
        /// Its bytes as text
        tx: String,
        /// Who signs
        #[arg(long, value_name = "NAME")]
        by: Option<Name>,
        /// What the signature is for; asked of the node if it is not said
        #[arg(long, value_name = "ID")]
        network_id: Option<String>,
    },
    /// Give a signed transaction to the node
    Submit {
        /// Its bytes as text
        tx: String,
        #[command(flatten)]
        follow: Follow,
    },
    /// Wait for a transaction
    Wait {
        /// Its hash
        hash: TxHash,
        #[command(flatten)]
        follow: Follow,
    },
    /// Show a transaction and its level
    #[command(visible_alias = "status")]
    Show {
        /// Its hash
        hash: TxHash,
        /// Go on, with a line for each change, until it is final on the root
        #[arg(long)]
        watch: bool,
    },
}

/// `tx build`.
#[derive(Debug, Subcommand)]
pub enum TxBuild {
    /// A payment
    Spend {
        /// Who pays: ak_…
        from: AccountId,
        /// Who is paid: ak_… or ct_…
        to: String,
        /// How much
        amount: Amount,
        #[command(flatten)]
        terms: BuildTerms,
    },
    /// Money down into a child
    Commit {
        /// Who pays: ak_…
        from: AccountId,
        /// Into which child: ac_…
        into: AssociateId,
        /// How much
        amount: Amount,
        /// Who is credited there [default: who pays]
        #[arg(long, value_name = "AK")]
        to: Option<AccountId>,
        #[command(flatten)]
        terms: BuildTerms,
    },
    /// Money up out of a child
    Withdraw {
        /// Who pays: ak_…
        from: AccountId,
        /// How much
        amount: Amount,
        /// Who is paid on the parent [default: who pays]
        #[arg(long, value_name = "AK")]
        to: Option<AccountId>,
        #[command(flatten)]
        terms: BuildTerms,
    },
}

/// What a built transaction may fix.
#[derive(Debug, Clone, Args)]
pub struct BuildTerms {
    /// Its number in the account [default: the next]
    #[arg(long)]
    pub nonce: Option<u64>,
    /// The fee [default: the least]
    #[arg(long, value_name = "AMOUNT")]
    pub fee: Option<Amount>,
    /// Last height at which it may be included [default: none]
    #[arg(long, value_name = "HEIGHT")]
    pub ttl: Option<u64>,
}

/// `proof`.
#[derive(Debug, Subcommand)]
pub enum Proof {
    /// Get a proof of what the state holds, check it, and print it
    Get {
        /// What: ak_…, ac_…, escrow:ac_…, supply, parent, or 64 digits of a hashed key
        #[arg(required = true, num_args = 1..=256)]
        keys: Vec<String>,
        /// After which block: a height, kh_… or mh_… [default: the newest]
        #[arg(long, value_name = "BLOCK")]
        at: Option<String>,
    },
    /// Check a proof that `proof get --json` has printed; needs no node
    Verify {
        /// The file
        file: PathBuf,
        /// The block that it must be of: kh_… or mh_…
        #[arg(long, value_name = "BLOCK")]
        block: Option<String>,
    },
}

/// `light`.
#[derive(Debug, Args)]
pub struct Light {
    /// Accounts to read at the newest seal: names, or ak_…
    #[arg(num_args = 0..=64)]
    pub accounts: Vec<String>,
    /// The root's genesis file; needed once, unless --chain is given
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// Hash of the root's genesis, as banyan genesis hash prints it; the node may then give the file
    #[arg(long, value_name = "HASH", conflicts_with = "genesis")]
    pub chain: Option<String>,
    /// Begin at this last key block of an era, which you know to be final: kh_… [default: the genesis, or the last time]
    #[arg(long, value_name = "KH")]
    pub trust: Option<String>,
    /// Go on, with a line for each key block that is sealed
    #[arg(long)]
    pub watch: bool,
}

/// A height on the command line.
pub const fn height(ttl: Option<u64>) -> Option<Height> {
    match ttl {
        Some(height) => Some(Height(height)),
        None => None,
    }
}

/// A block's hash in either of its two text forms.
pub fn block_hash(text: &str) -> Option<Hash> {
    use banyan_types::text::Prefix;
    let read = |prefix| Hash::from_text(prefix, text).ok();
    read(Prefix::KeyBlock).or_else(|| read(Prefix::MicroBlock))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_fund_is_an_account_and_perhaps_an_amount() {
        let ak = "ak_iV7sCUsuKZytEEBEsX9N2K37m26X132LegogrgJEWzzPVjmmS";
        let account = ak.parse().unwrap();
        assert_eq!(ak.parse(), Ok(Fund { account, amount: None }));
        assert_eq!(format!("{ak}=5").parse(), Ok(Fund { account, amount: Amount::coins(5) }));
        for bad in ["", "ak_1", &format!("{ak}="), &format!("{ak}=-1")] {
            assert!(bad.parse::<Fund>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_ledger_path_is_names() {
        assert_eq!("bank/relay".parse::<LedgerPath>().unwrap().name(), "relay");
        for bad in ["", "/", "bank/", "Bank", "..", "a-b", "abcdefghijklmnopq"] {
            assert!(bad.parse::<LedgerPath>().is_err(), "{bad}");
        }
    }
}
