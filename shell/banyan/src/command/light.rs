//! `light`: follow the root's seals without running a node, and believe no node.
//!
//! What is known is kept in the data folder by the ledger's genesis hash, so the next time goes on from there. Rules: root 9.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use banyan_ledger::{
    Genesis,
    follow::{Follower, Sealed},
    key,
};
use banyan_node::GenesisFile;
use banyan_types::{
    AccountId, Height, TimeMs,
    text::Prefix,
    witness::{Seal, places_in},
};
use banyan_wallet::client::{Client, ClientError, Way, When};
use serde_json::{Value, json};

use crate::{
    cli::{self, Light},
    command::genesis::{now, read},
    disk,
    failure::{Exit, Failure},
    report::{self, Report, table},
    session::Session,
};

/// Between two questions while watching: a seal comes some hundred milliseconds after its key block.
const PAUSE: Duration = Duration::from_millis(250);
/// The state of a sealed block may be gone when it is asked for; a newer one is sealed by then.
const TRIES: usize = 5;

/// Do what is asked.
/// # Errors
/// What the node says does not hold; the genesis is not known; the disk refuses.
pub fn run(session: &Session, args: &Light) -> Result<Report, Failure> {
    let client = session.client()?;
    let accounts = args.accounts.iter().map(|one| session.account(one)).collect::<Result<Vec<_>, _>>()?;
    let mut light = Begun::open(session, &client, args)?;
    let mut tries = 0;
    loop {
        let (sealed, way) = light.catch_up(session, &client)?;
        let seen = match look(&client, sealed, &accounts) {
            Err(error) if tries < TRIES && (error.is_gone() || error.is_unknown()) => {
                tries += 1;
                continue;
            }
            seen => seen?,
        };
        tries = 0;
        let report = light.describe(sealed, way, &args.accounts, &seen);
        if !args.watch {
            return Ok(report);
        }
        let printed = if session.globals.json { report::line(&report.json) } else { report::text(&light.line(sealed)) };
        if printed.is_err() {
            return Ok(Report::new("", Value::Null));
        }
        wait(session, &client, sealed)?;
    }
}

/// A follower with its place on the disk.
struct Begun {
    genesis: Genesis,
    folder: PathBuf,
    follower: Follower,
}

impl Begun {
    fn open(session: &Session, client: &Client, args: &Light) -> Result<Self, Failure> {
        let lights = session.data()?.join("light");
        let file = match (&args.genesis, &args.chain) {
            (Some(file), _) => read(file)?,
            (None, chain) => known(&lights, client, chain.as_deref())?,
        };
        let genesis = file.genesis()?;
        let folder = lights.join(genesis.hash().to_string());
        let saved = load(&folder.join(SEALS))?;
        let follower = match (&args.trust, saved) {
            (Some(block), _) => {
                let block = cli::block_hash(block)
                    .ok_or_else(|| Failure::new(Exit::Usage, "block", format!("{block} names no block"), "kh_…"))?;
                client.follow_from(&genesis, block)?
            }
            (None, Some(saved)) => Follower::resume(&genesis, &saved)?,
            (None, None) => Follower::from_genesis(&genesis)?,
        };
        fs::create_dir_all(&folder).map_err(|error| Failure::disk("make", &folder, &error))?;
        disk::write(&folder.join(GENESIS), file.to_toml().as_bytes())?;
        if follower.is_stale(TimeMs(now())) {
            let what = "what is known here is older than bonds answer: keys that risk nothing any more could have signed \
                        another history; compare the last line with somebody else, or give --trust KH";
            eprintln!("warning: {what}");
        }
        Ok(Self { genesis, folder, follower })
    }

    /// Go as far as the node knows the way, and keep what was seen.
    fn catch_up(&mut self, session: &Session, client: &Client) -> Result<(Option<Sealed>, Way), Failure> {
        let mut progress = session.progress();
        let caught = client.catch_up(&mut self.follower, |follower, way| {
            progress.say(&format!("era {} of the root, {} bytes checked", follower.era(), way.bytes));
        });
        disk::write(&self.folder.join(SEALS), &self.follower.save())?;
        Ok(caught?)
    }

    fn describe(&self, sealed: Option<Sealed>, way: Way, names: &[String], seen: &[banyan_ledger::Account]) -> Report {
        let row = |name: &str, value: String| vec![name.to_owned(), value];
        let (era, running) = (self.follower.era(), self.follower.sets().first());
        let members = running.map_or(0, |set| set.members.len());
        let total = running.map(banyan_types::witness::WitnessSet::total).unwrap_or_default();
        let mut rows = vec![
            row("ledger", format!("{} ({})", self.genesis.name, self.genesis.params.network_id)),
            row("chain", self.genesis.hash().to_string()),
            row("era", format!("{era}, {members} witnesses with {total} BNY")),
            row("crossed", format!("{} eras, {} bytes checked", way.eras, way.bytes)),
        ];
        let mut json = json!({
            "ledger": self.genesis.name, "chain": self.genesis.hash().to_string(), "era": era.0, "witnesses": members,
            "total": total.base().to_string(), "eras_crossed": way.eras, "bytes": way.bytes,
            "stale": self.follower.is_stale(TimeMs(now())),
        });
        if let Some(sealed) = sealed {
            let (hash, root) = (sealed.hash.text(Prefix::KeyBlock), sealed.state_root.text(Prefix::StateRoot));
            rows.push(row("sealed", format!("{} {hash}{}", sealed.height, self.signers())));
            rows.push(row("state", root.clone()));
            json["sealed"] = json!({ "height": sealed.height.0, "hash": hash, "state_root": root });
        } else {
            rows.push(row("sealed", "nothing yet".into()));
        }
        for (name, account) in names.iter().zip(seen) {
            rows.push(row(name, format!("{} BNY, nonce {}, proven", account.balance, account.nonce)));
        }
        json["accounts"] = names
            .iter()
            .zip(seen)
            .map(|(name, account)| json!({ "account": name, "balance": account.balance.base().to_string(), "nonce": account.nonce.0 }))
            .collect();
        Report::new(table(&rows), json)
    }

    fn signers(&self) -> String {
        let signers = |seal: &Seal| format!(", by {} of its era's witnesses", places_in(&seal.bitmap).count());
        self.follower.newest().map(signers).unwrap_or_default()
    }

    fn line(&self, sealed: Option<Sealed>) -> String {
        let Some(sealed) = sealed else { return "nothing is sealed yet".into() };
        format!("{} {}{}", sealed.height, sealed.hash.text(Prefix::KeyBlock), self.signers())
    }
}

/// The files of a ledger that is followed.
const GENESIS: &str = "genesis.toml";
const SEALS: &str = "seals";

/// Balance and nonce of each account after the sealed block, proven.
fn look(
    client: &Client,
    sealed: Option<Sealed>,
    accounts: &[AccountId],
) -> Result<Vec<banyan_ledger::Account>, ClientError> {
    let Some(sealed) = sealed.filter(|_| !accounts.is_empty()) else { return Ok(Vec::new()) };
    let keys: Vec<_> = accounts.iter().map(|account| key::account(*account)).collect();
    let proven = client.prove(&keys, When::Block(sealed.hash))?;
    let one = |id: &AccountId| Ok(proven.account(*id)?.unwrap_or(banyan_ledger::Account::EMPTY));
    accounts.iter().map(one).collect()
}

/// Until the node has a newer seal.
fn wait(session: &Session, client: &Client, seen: Option<Sealed>) -> Result<(), Failure> {
    let mut progress = session.progress();
    let height = seen.map_or(Height(0), |sealed| sealed.height);
    loop {
        thread::sleep(PAUSE);
        let standing: Value = client.get("/banyan/v1/finality")?;
        if standing["seal"]["height"].as_u64().is_some_and(|newest| newest > height.0) {
            return Ok(());
        }
        progress.say(&format!("waiting for a seal above {height}"));
    }
}

/// The genesis by the hash that the user names, or of a ledger that was followed before: from the disk, else from the node.
fn known(lights: &Path, client: &Client, chain: Option<&str>) -> Result<GenesisFile, Failure> {
    let claimed = client.status()?.genesis;
    let wanted = chain.unwrap_or(&claimed);
    let named = wanted.len() == 64 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !named {
        let what = format!("{wanted} is no hash of a genesis");
        return Err(Failure::new(
            Exit::Usage,
            "chain",
            what,
            "64 hexadecimal digits, as banyan genesis hash FILE prints them",
        ));
    }
    let kept = lights.join(wanted.to_ascii_lowercase()).join(GENESIS);
    let toml = match load(&kept)? {
        Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        None if chain.is_some() => client.genesis()?.toml,
        None => {
            let what = "which ledger is to be followed was never said here";
            let next = "--genesis FILE, or --chain HASH with a hash from somebody whom you trust";
            let why = format!("this node says that its own is {claimed}");
            return Err(Failure::new(Exit::Usage, "chain", what, next).because(why));
        }
    };
    let file = GenesisFile::from_toml(&toml)?;
    let got = file.genesis()?.hash().to_string();
    if got.eq_ignore_ascii_case(wanted) {
        return Ok(file);
    }
    let why = format!("its hash is {got}, wanted {wanted}");
    Err(Failure::new(Exit::Ours, "other_genesis", "the node gives another genesis", "ask another node with --url")
        .because(why))
}

fn load(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::disk("read", path, &error)),
    }
}
