//! `devnet`: a tree on this machine, for trying things out.
//!
//! One process: a root and the ledgers that hang from it, each node with its own store, one HTTP port, accounts that hold
//! coins on all.
//! [`Tree::grow`] starts the nodes, [`folder::Folder`] keeps two devnets apart. Rules: protocol, node 5.

mod folder;
mod genesis;
mod tree;
mod watch;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    thread,
    time::{Duration, Instant},
};

use banyan_node::EngineParams;
use banyan_wallet::client::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

pub use folder::Folder;
pub use genesis::{BANK, ROOT, Shape, child_params, validators};
pub use tree::{Plan, Tree};

use genesis::{COINS_CHILD, COINS_ROOT, Files};
use watch::Watch;

use crate::{
    cli::{Devnet, DevnetAction},
    failure::{Exit, Failure},
    host::{self, Alone, Host},
    report::{self, Report, table},
    session::{DEV_ACCOUNTS, Owner, Session, dev_secret},
};

/// Longest that a devnet may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(15);
/// How often it is looked at.
const PAUSE: Duration = Duration::from_millis(50);
/// Milliseconds between key blocks of a fresh devnet. Source: root 1, profile dev.
const KEY_INTERVAL_MS: u64 = 3_000;
/// The port that every command asks when none is named.
const PORT: u16 = 3013;

/// Run, or deal with the one that runs.
/// # Errors
/// The folder, the disk, the port.
pub fn run(session: &Session, args: &Devnet) -> Result<Report, Failure> {
    match args.action {
        None => serve(session, args),
        Some(DevnetAction::Status) => status(session),
        Some(DevnetAction::Stop) => stop(session),
    }
}

fn serve(session: &Session, args: &Devnet) -> Result<Report, Failure> {
    let begun = Instant::now();
    let mut progress = session.progress();
    progress.say("growing the tree");
    let folder = Folder::open(&session.data()?)?;
    if args.reset {
        folder.clear(&folder.genesis(ROOT))?;
    }
    check_fresh_only(&folder, args)?;
    let plan = Plan {
        key_interval_ms: args.key_interval_ms.unwrap_or(KEY_INTERVAL_MS),
        funds: args.fund.clone(),
        shape: args.shape(),
    };
    let listener = host::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)))?;
    let tree = Tree::grow(&folder, &plan)?;
    // Before anybody can ask: the commits are the first transactions of their accounts.
    tree.fund()?;
    let alone = tree.files().rotation().and_then(|ledger| open_routes(args.routes_port, ledger.name()));
    let routes = alone.as_ref().and_then(|alone| alone.listener.local_addr().ok());
    let host = Host::start(listener, tree.served(), alone)?;
    let interrupts = host.interrupts()?;
    tree.wait(&host)?;
    drop(progress);
    let ready = Ready {
        url: host.url(),
        routes: routes.map(|address| format!("http://{address}")),
        wanted: args.port,
        fresh: tree.fresh,
        took: begun.elapsed(),
        tree: &tree,
        folder: &folder,
    };
    folder.announce(&ready.json())?;
    // Whoever does not read does not keep the tree from running.
    let _ = if session.globals.json { report::line(&ready.json()) } else { report::text(&ready.text()) };
    let watch = (!session.globals.json && !session.globals.quiet).then(|| Watch::begin(&host.url(), tree.fresh, begun));
    let ended = host::wait(&interrupts, || tree.check());
    let stopping = Instant::now();
    drop(watch);
    host.stop();
    tree.stop();
    ended?;
    let took = stopping.elapsed().as_millis();
    let text = if session.globals.json { String::new() } else { format!("stopped in {took} ms") };
    Ok(Report::new(text, json!({ "stopped": true, "took_ms": u64::try_from(took).unwrap_or(u64::MAX) })))
}

/// Where the open routes of a rotation are to be, by themselves: nowhere if the port is taken.
fn open_routes(port: u16, ledger: &str) -> Option<Alone> {
    let listener = (port != 0).then(|| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())??;
    Some(Alone { listener, ledger: ledger.to_owned() })
}

impl Devnet {
    const fn shape(&self) -> Shape {
        let Self { only, nodes, threshold, deep: is_deep, .. } = *self;
        Shape { only, nodes, threshold, is_deep }
    }
}

/// What the genesis fixes can be said only where there is none yet.
fn check_fresh_only(folder: &Folder, args: &Devnet) -> Result<(), Failure> {
    if !folder.genesis(ROOT).exists() {
        return Ok(());
    }
    let given = [
        ("--fund", !args.fund.is_empty()),
        ("--key-interval-ms", args.key_interval_ms.is_some()),
        ("--only", args.only.is_some()),
        ("--nodes", args.nodes.is_some()),
        ("--threshold", args.threshold.is_some()),
        ("--deep", args.deep),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((flag, _)) => {
            let what = format!("{flag} is for a fresh devnet, and there is one in {}", folder.path().display());
            Err(Failure::new(
                Exit::Usage,
                "not_fresh",
                what,
                "add --reset to forget it and begin anew, or use another --data",
            ))
        }
    }
}

/// What a devnet says when it is ready.
struct Ready<'a> {
    url: String,
    /// Where the open routes of the rotation are, by themselves.
    routes: Option<String>,
    wanted: u16,
    fresh: bool,
    took: Duration,
    tree: &'a Tree,
    folder: &'a Folder,
}

impl Ready<'_> {
    fn text(&self) -> String {
        let Self { url, tree, .. } = self;
        let files = tree.files();
        let other_port = self.wanted != 0 && !url.ends_with(&format!(":{}", self.wanted));
        let moved =
            if other_port { format!("port {} is taken, so another was chosen\n", self.wanted) } else { String::new() };
        let row = |drawn: String, at: usize| {
            let file = &files.all()[at].file;
            let regime = match file.engine {
                EngineParams::Root(_) => "",
                EngineParams::Committee(_) => " × regime certificate",
                EngineParams::Solo(_) | EngineParams::Rotation(_) => " × regime operators, 2 of 3",
            };
            let path = if at == 0 { String::new() } else { format!("l/{}/", file.name) };
            let engine = format!("engine {}{regime}", file.engine.name());
            vec![drawn, format!("{url}/{path}"), file.params.network_id.clone(), engine]
        };
        let ledgers: Vec<_> = draw(files).into_iter().map(|(drawn, at)| row(drawn, at)).collect();
        let accounts: Vec<_> = (0..DEV_ACCOUNTS)
            .map(|index| vec![format!("dev{index}"), Owner::Dev(index).account().to_string(), dev_secret(index)])
            .collect();
        let routes = self.routes.iter().map(|url| format!("schedule  {url}/schedule, {url}/get/block/1, …\n"));
        let routes = routes.collect::<String>();
        let age = if self.fresh { "a fresh tree" } else { "the tree of before goes on" };
        format!(
            "{moved}ready in {:.2} s: {age}\n\n{}\n\nexplorer  {url}/\n{routes}data      {}\n\n{}\n{}\n\ntry, in another terminal:\n{}",
            self.took.as_secs_f64(),
            table(&ledgers),
            self.folder.path().display(),
            table(&accounts),
            self.measure(),
            self.commands().map(|command| format!("  {command}")).join("\n")
        )
    }

    fn measure(&self) -> String {
        let interval = self.tree.files().root().params.height_interval_ms;
        let credited = if self.fresh {
            format!(", credited by real commits about {} s after the first start", (interval * 3).div_ceil(1_000))
        } else {
            String::new()
        };
        format!(
            "{COINS_ROOT} BNY each on root, {COINS_CHILD} on each ledger below{credited}\neverybody has these keys: use them for nothing of value"
        )
    }

    fn commands(&self) -> [String; 3] {
        let url = if self.url.ends_with(&format!(":{PORT}")) { String::new() } else { format!(" --url {}", self.url) };
        [
            format!("banyan send dev1 25 --from dev0 --wait hard{url}"),
            format!("banyan move 10 --from root --to {} --account dev0{url}", self.tree.files().all()[1].name()),
            format!("banyan account list{url}"),
        ]
    }

    fn json(&self) -> Value {
        let files = self.tree.files();
        let ledger = |ledger: &genesis::Ledger| {
            let (name, network_id) = (ledger.name(), &ledger.file.params.network_id);
            let (path, url) = (ledger.path.join("/"), format!("{}/l/{name}", self.url));
            json!({ "name": name, "path": path, "url": url, "network_id": network_id })
        };
        let account = |index| {
            let owner = Owner::Dev(index);
            json!({ "name": owner.name(), "account": owner.account().to_string(), "secret": dev_secret(index) })
        };
        let ledgers: Vec<_> = files.all().iter().map(ledger).collect();
        json!({
            "ready": true, "url": self.url, "open_routes": self.routes, "explorer": format!("{}/", self.url), "fresh": self.fresh,
            "took_ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX), "data": self.folder.path().display().to_string(),
            "ledgers": ledgers,
            "accounts": (0..DEV_ACCOUNTS).map(account).collect::<Vec<_>>(), "pid": std::process::id(),
        })
    }
}

/// The names of the tree's ledgers, drawn as a tree, with their places.
fn draw(files: &Files) -> Vec<(String, usize)> {
    let mut drawn = vec![(ROOT.to_owned(), 0)];
    draw_below(files, 0, "", &mut drawn);
    drawn
}

fn draw_below(files: &Files, above: usize, indent: &str, drawn: &mut Vec<(String, usize)>) {
    let below: Vec<_> = (0..files.all().len()).filter(|at| files.all()[*at].parent == Some(above)).collect();
    for (n, at) in below.iter().enumerate() {
        let (branch, more) = if n + 1 == below.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        drawn.push((format!("{indent}{branch}{}", files.all()[*at].name()), *at));
        draw_below(files, *at, &format!("{indent}{more}"), drawn);
    }
}

fn status(session: &Session) -> Result<Report, Failure> {
    let data = session.data()?;
    let Some(running) = folder::running(&data)? else {
        let text = format!("no devnet runs on {}", data.display());
        return Ok(Report::new(text, json!({ "running": false })).or_no(true));
    };
    let url = running.note.as_ref().and_then(|note| note["url"].as_str()).map(str::to_owned);
    let tree = match &url {
        Some(url) => Client::new(url)?.tree().map(|tops| crate::command::draw(&tops)).unwrap_or_default(),
        None => "not ready yet".into(),
    };
    let text = format!("devnet at {} process {}\n{tree}", url.as_deref().unwrap_or("-"), running.pid);
    Ok(Report::new(
        text.trim_end(),
        json!({ "running": true, "pid": running.pid, "url": url, "ready": running.note.is_some() }),
    ))
}

fn stop(session: &Session) -> Result<Report, Failure> {
    let data = session.data()?;
    let none = || {
        let what = format!("no devnet runs on {}", data.display());
        Failure::new(Exit::No, "not_running", what, "banyan devnet, or --data of the one that is meant")
    };
    let running = folder::running(&data)?.ok_or_else(none)?;
    // The lock says that the process lives: its number cannot have been given to another.
    let pid = Pid::from_raw(running.pid).ok_or_else(none)?;
    let asked = Instant::now();
    let failed = |why: String| {
        Failure::new(Exit::Ours, "not_stopped", "the devnet does not stop", "look at its terminal").because(why)
    };
    kill_process(pid, Signal::INT).map_err(|error| failed(error.to_string()))?;
    while folder::running(&data)?.is_some() {
        if asked.elapsed() >= STOP_LIMIT {
            return Err(failed(format!("process {} is still there after {} s", running.pid, STOP_LIMIT.as_secs())));
        }
        thread::sleep(PAUSE);
    }
    let took = asked.elapsed().as_millis();
    Ok(Report::new(
        format!("stopped in {took} ms"),
        json!({ "stopped": true, "took_ms": u64::try_from(took).unwrap_or(u64::MAX) }),
    ))
}
