//! `light`: follow the root's seals without running a node, and believe no node.
//!
//! What is known is kept in the data folder by the ledger's genesis hash, so the next time goes on from there. A node can
//! keep things back, which the age of the newest seal shows; it cannot make them up. Rules: root 9.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use banyan_ledger::{
    Account, Genesis,
    follow::{Follower, NotFollowed, Sealed},
    key,
};
use banyan_node::GenesisFile;
use banyan_types::{AccountId, Height, TimeMs, text::Prefix, witness::places_in};
use banyan_wallet::client::{Client, ClientError, Way, When};
use serde_json::{Value, json};

use crate::{
    cli::{self, Light},
    command::genesis::{now, read},
    disk,
    failure::{Exit, Failure},
    progress::Progress,
    report::{self, Report, table},
    session::Session,
};

/// Between two questions while watching: a seal comes some hundred milliseconds after its key block.
const PAUSE: Duration = Duration::from_millis(250);
/// The state of a sealed block may be gone when it is asked for; a newer one is sealed by then.
const TRIES: usize = 5;
/// Key intervals after which the newest seal is called old.
const OLD_INTERVALS: u64 = 10;
/// The files of a ledger that is followed.
const GENESIS: &str = "genesis.toml";
const SEALS: &str = "seals";

/// Do what is asked.
/// # Errors
/// What the node says does not hold; the genesis is not known; the disk refuses.
pub fn run(session: &Session, args: &Light) -> Result<Report, Failure> {
    let client = session.client()?;
    let accounts = args.accounts.iter().map(|one| session.account(one)).collect::<Result<Vec<_>, _>>()?;
    let mut light = Begun::open(session, &client, args)?;
    let mut progress = session.progress();
    if !args.watch {
        return light.see(&client, &args.accounts, &accounts, &mut progress).map(|(report, _)| report);
    }
    let mut seen = None;
    loop {
        match light.see(&client, &args.accounts, &accounts, &mut progress) {
            Ok((report, sealed)) if sealed.map(|sealed| sealed.height) != seen => {
                seen = sealed.map(|sealed| sealed.height);
                let line = light.line(sealed, &report.json);
                let printed = if session.globals.json { report::line(&report.json) } else { report::text(&line) };
                if printed.is_err() {
                    return Ok(report);
                }
            }
            Ok(_) => progress.say("waiting for a newer seal"),
            // A node that restarts, or is behind, is no reason to stop watching.
            Err(failure) if matches!(failure.exit, Exit::Unreachable | Exit::Early) => {
                progress.say(&failure.to_string());
            }
            Err(failure) => return Err(failure),
        }
        thread::sleep(PAUSE);
    }
}

/// A follower with its place on the disk.
struct Begun {
    genesis: Genesis,
    folder: PathBuf,
    follower: Follower,
    /// What it began from this time.
    from: &'static str,
    /// The height that an earlier time had seen sealed: no node may show less.
    floor: Height,
}

impl Begun {
    fn open(session: &Session, client: &Client, args: &Light) -> Result<Self, Failure> {
        let lights = session.data()?.join("light");
        let file = match &args.genesis {
            Some(file) => read(file)?,
            None => known(&lights, client, args.chain.as_deref())?,
        };
        let genesis = file.genesis()?;
        check_ledger(client, &genesis)?;
        let folder = lights.join(genesis.hash().to_string());
        let saved = saved(&genesis, &folder.join(SEALS))?;
        let floor = saved.as_ref().and_then(Follower::newest).map_or(Height(0), |seal| seal.height);
        // What is older than bonds answer proves nothing any more; the genesis needs no proof.
        let fresh = saved.filter(|saved| !saved.is_stale(TimeMs(now())));
        let (follower, from) = match (&args.trust, fresh) {
            (Some(block), _) => (trusted(client, &genesis, block)?, "the trusted block"),
            (None, Some(saved)) => (saved, "the last time"),
            (None, None) => (Follower::from_genesis(&genesis)?, "the genesis"),
        };
        fs::create_dir_all(&folder).map_err(|error| Failure::disk("make", &folder, &error))?;
        disk::write(&folder.join(GENESIS), file.to_toml().as_bytes())?;
        Ok(Self { genesis, folder, follower, from, floor })
    }

    /// Go as far as the node knows the way, keep that, and read the accounts there.
    fn see(
        &mut self,
        client: &Client,
        names: &[String],
        accounts: &[AccountId],
        progress: &mut Progress,
    ) -> Result<(Report, Option<Sealed>), Failure> {
        let mut tries = 0;
        loop {
            let caught = client.catch_up(&mut self.follower, |follower, way| {
                progress.say(&format!("era {} of the root, {} bytes checked", follower.era(), way.bytes));
            });
            let newest = self.follower.newest().map_or(Height(0), |seal| seal.height);
            if newest >= self.floor {
                disk::write(&self.folder.join(SEALS), &self.follower.save())?;
            }
            let (sealed, way) = caught?;
            if newest < self.floor {
                return Err(NotFollowed::Old { held: self.floor, got: newest }.into());
            }
            match look(client, sealed, accounts) {
                // Meanwhile a newer block may be sealed, and the older state gone.
                Err(error) if tries < TRIES && (error.is_gone() || error.is_unknown()) => tries += 1,
                seen => return Ok((self.describe(sealed, way, names, &seen?), sealed)),
            }
        }
    }

    fn describe(&self, sealed: Option<Sealed>, way: Way, names: &[String], seen: &[Account]) -> Report {
        let row = |name: &str, value: String| vec![name.to_owned(), value];
        let (era, running) = (self.follower.era(), self.follower.sets().first());
        let members = running.map_or(0, |set| set.members.len());
        let total = running.map(banyan_types::witness::WitnessSet::total).unwrap_or_default();
        let mut rows = vec![
            row("ledger", format!("{} ({})", self.genesis.name, self.genesis.params.network_id)),
            row("chain", self.genesis.hash().to_string()),
            row("from", format!("{}, over {} ends of eras, {} bytes checked", self.from, way.eras, way.bytes)),
            row("era", format!("{era}, {members} witnesses with {total} BNY")),
        ];
        let mut json = json!({
            "ledger": self.genesis.name, "chain": self.genesis.hash().to_string(), "from": self.from, "era": era.0,
            "witnesses": members, "total": total.base().to_string(), "eras_crossed": way.eras, "bytes": way.bytes,
        });
        if let Some(sealed) = sealed {
            let (hash, root) = (sealed.hash.text(Prefix::KeyBlock), sealed.state_root.text(Prefix::StateRoot));
            let age = now().saturating_sub(sealed.time.0);
            rows.push(row("sealed", format!("{} {hash}, {}", sealed.height, self.signers())));
            rows.push(row("age", self.age(age)));
            rows.push(row("state", root.clone()));
            json["sealed"] = json!({ "height": sealed.height.0, "hash": hash, "state_root": root, "age_ms": age });
            json["old"] = self.is_old(age).into();
        } else {
            rows.push(row("sealed", "nothing yet".into()));
        }
        let account = |(name, account): (&String, &Account)| {
            row(name, format!("{} BNY, nonce {}, proven", account.balance, account.nonce))
        };
        rows.extend(names.iter().zip(seen).map(account));
        let account = |(name, account): (&String, &Account)| json!({ "account": name, "balance": account.balance.base().to_string(), "nonce": account.nonce.0 });
        json["accounts"] = names.iter().zip(seen).map(account).collect();
        Report::new(table(&rows), json)
    }

    fn is_old(&self, age_ms: u64) -> bool {
        age_ms > self.genesis.params.height_interval_ms.saturating_mul(OLD_INTERVALS)
    }

    fn age(&self, age_ms: u64) -> String {
        let seconds = age_ms / 1_000;
        if self.is_old(age_ms) {
            return format!(
                "{seconds} s: old. This node keeps newer seals back, or there are none; ask another with --url"
            );
        }
        format!("{seconds} s")
    }

    fn signers(&self) -> String {
        let signers = self.follower.newest().map_or(0, |seal| places_in(&seal.bitmap).count());
        format!("signed by {signers} witnesses")
    }

    /// What is printed while watching.
    fn line(&self, sealed: Option<Sealed>, json: &Value) -> String {
        let Some(sealed) = sealed else { return "nothing is sealed yet".into() };
        let accounts = json["accounts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let balance = |account: &Value| {
            let base =
                account["balance"].as_str().and_then(|base| base.parse().ok()).and_then(banyan_types::Amount::new);
            format!("   {} {} BNY", account["account"].as_str().unwrap_or_default(), base.unwrap_or_default())
        };
        let accounts: String = accounts.iter().map(balance).collect();
        format!("{} {}, {}{accounts}", sealed.height, sealed.hash.text(Prefix::KeyBlock), self.signers())
    }
}

/// Balance and nonce of each account after the sealed block, proven.
fn look(client: &Client, sealed: Option<Sealed>, accounts: &[AccountId]) -> Result<Vec<Account>, ClientError> {
    let Some(sealed) = sealed.filter(|_| !accounts.is_empty()) else { return Ok(Vec::new()) };
    let keys: Vec<_> = accounts.iter().map(|account| key::account(*account)).collect();
    let proven = client.prove(&keys, When::Block(sealed.hash))?;
    accounts.iter().map(|id| Ok(proven.account(*id)?.unwrap_or(Account::EMPTY))).collect()
}

/// A follower from a block that the user trusts. What is older than bonds answer proves nothing.
fn trusted(client: &Client, genesis: &Genesis, block: &str) -> Result<Follower, Failure> {
    let bad = || Failure::new(Exit::Usage, "block", format!("{block} names no block"), "copy the whole kh_… again");
    let follower = client.follow_from(genesis, cli::block_hash(block).ok_or_else(bad)?)?;
    if follower.is_stale(TimeMs(now())) {
        let what = "that block is older than bonds answer: keys that risk nothing any more could have signed it";
        let next = "--trust KH of a later era's last key block, or leave --trust out and begin at the genesis";
        return Err(Failure::new(Exit::Invalid, "stale", what, next));
    }
    Ok(follower)
}

/// Whether the node speaks of this ledger at all: else whatever it shows would look like a lie.
fn check_ledger(client: &Client, genesis: &Genesis) -> Result<(), Failure> {
    let status = client.status()?;
    if genesis.params.stake().is_none() {
        let what = format!("the genesis of {} names no witnesses: nothing of it is ever sealed", genesis.name);
        return Err(Failure::new(Exit::Invalid, "no_witnesses", what, "only a root is sealed; leave --ledger out"));
    }
    let ours = genesis.hash().to_string();
    if status.genesis.eq_ignore_ascii_case(&ours) {
        return Ok(());
    }
    let what = format!("the node at {} runs another ledger", client.url());
    let why = format!("its genesis is {}, wanted {ours}", status.genesis);
    Err(Failure::new(Exit::Invalid, "other_ledger", what, "--url of a node of the ledger that is meant").because(why))
}

/// The genesis by the hash that the user names, or of the one ledger that was followed before: from the disk, else from the
/// node.
fn known(lights: &Path, client: &Client, chain: Option<&str>) -> Result<GenesisFile, Failure> {
    let wanted = match chain {
        Some(chain) if chain.len() == 64 && chain.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            chain.to_ascii_lowercase()
        }
        Some(chain) => {
            let next = "64 hexadecimal digits, as banyan genesis hash FILE prints them";
            return Err(Failure::new(Exit::Usage, "chain", format!("{chain} is no hash of a genesis"), next));
        }
        None => followed_before(lights, client)?,
    };
    let hash_of = |file: &GenesisFile| file.genesis().map(|genesis| genesis.hash().to_string()).unwrap_or_default();
    let kept = load(&lights.join(&wanted).join(GENESIS))?;
    let kept = kept.and_then(|bytes| GenesisFile::from_toml(&String::from_utf8_lossy(&bytes)).ok());
    if let Some(file) = kept.filter(|file| hash_of(file) == wanted) {
        return Ok(file);
    }
    let other = |why: String| {
        let what = "the node gives another genesis than the one that is wanted";
        Failure::new(Exit::Ours, "other_genesis", what, "another node with --url, or --genesis FILE").because(why)
    };
    let mut file = GenesisFile::from_toml(&client.genesis()?.toml).map_err(|error| other(error.to_string()))?;
    // Anchors are no part of the hash: they count only from a file that the user gives.
    file.params.root.iter_mut().for_each(|root| root.anchors.0.clear());
    let got = hash_of(&file);
    if got == wanted { Ok(file) } else { Err(other(format!("its hash is {got}, wanted {wanted}"))) }
}

/// The one ledger that was followed before. A node must not choose among several: each is true, and not what is meant.
fn followed_before(lights: &Path, client: &Client) -> Result<String, Failure> {
    let folders = fs::read_dir(lights).into_iter().flatten().flatten();
    let mut names: Vec<_> = folders.filter_map(|folder| folder.file_name().into_string().ok()).collect();
    names.retain(|name| name.len() == 64);
    match (names.pop(), names.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(one), false) => {
            let (what, next) = ("several ledgers were followed here", "--chain HASH of the one that is meant");
            let why = format!("{one}, {}", names.join(", "));
            Err(Failure::new(Exit::Usage, "chain", what, next).because(why))
        }
        (None, _) => {
            let what = "which ledger is to be followed was never said here";
            let next = "--genesis FILE, or --chain HASH with a hash from somebody whom you trust";
            let why = format!("this node says that its own is {}", client.status()?.genesis);
            Err(Failure::new(Exit::Usage, "chain", what, next).because(why))
        }
    }
}

/// What an earlier time has left.
fn saved(genesis: &Genesis, path: &Path) -> Result<Option<Follower>, Failure> {
    let broken = |error: NotFollowed| {
        let what = format!("{} does not read", path.display());
        Failure::new(Exit::Ours, "light_file", what, "delete it: the seals are checked anew").because(error.to_string())
    };
    load(path)?.map(|bytes| Follower::resume(genesis, &bytes).map_err(broken)).transpose()
}

fn load(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::disk("read", path, &error)),
    }
}
