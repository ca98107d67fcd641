//! Hang a bank's own table from a ledger that runs.
//!
//! ```text
//! cargo run -p banyan-accounts --example bank -- --genesis bank.toml --chain HASH --key operator.key --settings book.toml
//! ```
//!
//! The bank has a table of customers and a table of payouts, in SQLite or PostgreSQL, and no idea of a chain. What is committed to
//! a customer on the parent is added to the customer's balance; what stands in `payout` is paid on the parent. The tutorial "A
//! bank's SQL book as an associate" walks through it.

use std::{error::Error, path::PathBuf, thread, time::Duration};

use banyan_accounts::{Adapter, Did, Settings, SqlBook};
use banyan_crypto::SecretKey;
use banyan_node::{GenesisFile, Operators};
use banyan_parent::{Config, Memory, Trust, Watch};
use banyan_types::AccountId;
use banyan_wallet::{Secret, client::Client};

/// Between two looks at the parent.
const PAUSE: Duration = Duration::from_millis(500);

/// What is said on the command line.
struct Args {
    /// A node of the parent.
    parent: String,
    /// Hash of the parent's genesis: which ledger it is.
    chain: String,
    /// The child's genesis file, as `banyan associate create` wrote it.
    genesis: PathBuf,
    /// File with the key that answers for the child and pays for its remits: `sk_…`.
    key: PathBuf,
    /// File with the section `[book]`.
    settings: PathBuf,
    /// End when there has been nothing to do for so many looks; else never.
    looks: Option<u32>,
}

impl Args {
    fn read() -> Result<Self, Box<dyn Error>> {
        let mut given: Vec<(String, String)> = Vec::new();
        let mut words = std::env::args().skip(1);
        while let Some(name) = words.next() {
            given.push((name, words.next().ok_or("every flag has a value")?));
        }
        let mut take = |name: &str| {
            let at = given.iter().position(|(flag, _)| flag == name)?;
            Some(given.swap_remove(at).1)
        };
        let args = Self {
            parent: take("--parent").unwrap_or_else(|| "http://127.0.0.1:3013".into()),
            chain: take("--chain").ok_or("--chain HASH of the parent's genesis")?,
            genesis: take("--genesis").ok_or("--genesis FILE of the child")?.into(),
            key: take("--key").ok_or("--key FILE of the operator")?.into(),
            settings: take("--settings").ok_or("--settings FILE of the book")?.into(),
            looks: take("--looks").map(|looks| looks.parse()).transpose()?,
        };
        if let Some((flag, _)) = given.first() {
            return Err(format!("{flag} is no flag").into());
        }
        Ok(args)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::read()?;
    let child = GenesisFile::from_toml(&std::fs::read_to_string(&args.genesis)?)?.params.ledger;
    let settings = Settings::from_toml(&std::fs::read_to_string(&args.settings)?)?;
    let operators = operators(&args)?;

    // What is known of the parent is proven from its genesis on; `bank.seals` remembers how far.
    let config = Config {
        urls: vec![args.parent.clone()],
        token: None,
        genesis: parent_genesis(&args)?,
        trust: Trust::Verify(Memory::File(args.genesis.with_extension("seals"))),
        child,
        payer: AccountId(operators.payer.public()),
    };
    let (parent, mut watch) = banyan_parent::open(&config, |error| {
        println!("waiting for the parent: {error}");
        thread::sleep(PAUSE);
        true
    })?;

    let book = SqlBook::open(&settings, child)?;
    println!("the book {} of {child} hangs from {}", settings.url, args.parent);
    let mut adapter = Adapter::new(book, parent, operators, child);
    let mut quiet = 0;
    while args.looks.is_none_or(|looks| quiet < looks) {
        if let Err(error) = watch.look() {
            println!("the parent is not followed now: {error}");
        }
        let mut did = adapter.step()?;
        quiet = if did == Did::Nothing { quiet + 1 } else { 0 };
        while did != Did::Nothing {
            tell(&did, &mut watch);
            did = adapter.step()?;
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Say what was done, and carry up what is to be carried up.
fn tell(did: &Did, watch: &mut Watch) {
    match did {
        Did::Nothing => {}
        Did::Credited { to, skipped } => {
            println!("inbox     taken in up to entry {to}");
            for one in skipped {
                println!("inbox     entry {} goes back: {}", one.n, one.why);
            }
        }
        Did::Closed(summary) => {
            let (height, outbox) = (summary.child_to, summary.outbox_acked);
            println!("block     {height} is closed, {outbox} withdrawals so far, root {}", summary.root);
        }
        Did::Remit(tx) => match watch.submit(tx) {
            Ok(()) => println!("remit     {} is with the parent", tx.hash()),
            Err(error) => println!("remit     not taken, it is given again: {error}"),
        },
        Did::Settled(seq) => println!("settled   the parent has taken summary {seq} for good"),
        Did::Stands(word) => println!("stands    the child is {word} on the parent"),
    }
}

fn operators(args: &Args) -> Result<Operators, Box<dyn Error>> {
    let key: SecretKey =
        Secret::parse(std::fs::read_to_string(&args.key)?.trim())?.key(0).ok_or("the file holds no key")?;
    Ok(Operators { signers: vec![key.clone()], payer: key })
}

/// The parent's genesis from its node: believed because its hash is the one that was named.
fn parent_genesis(args: &Args) -> Result<GenesisFile, Box<dyn Error>> {
    let mut file = GenesisFile::from_toml(&Client::new(&args.parent)?.genesis()?.toml)?;
    // Anchors are no part of the hash: they would count only from a file of one's own.
    file.params.root.iter_mut().for_each(|root| root.anchors.0.clear());
    let got = file.genesis()?.hash().to_string();
    if got.eq_ignore_ascii_case(&args.chain) { Ok(file) } else { Err(format!("the parent's genesis is {got}").into()) }
}
