//! Run nodes of one root as processes of their own, each in a network namespace, with a line between them that can be cut.
//!
//! Two bridges join the namespaces: a node stands on one of them, and a partition moves some to the other. HTTP is asked
//! inside each namespace, on its own loopback.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use banyan_crypto::SecretKey;
use banyan_types::{
    AccountId, Amount, Bytes, Height, Nonce, Payee,
    text::{self, Prefix},
    tx::{Spend, Transaction},
};
use serde_json::Value;

use crate::context::Context;
use crate::process::Group;
use crate::step::Fault;
use crate::tools;

/// What the nodes' transactions are signed for: the dev profile's root.
const NETWORK_ID: &str = "banyan_dev";
/// More than a payment costs.
const FEE_UNITS: u128 = 100_000_000_000_000;
/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_millis(100);

/// A node of the cluster.
struct Host {
    namespace: String,
    address: String,
    data: PathBuf,
    group: Option<Group>,
    mines: bool,
    votes: bool,
}

/// Nodes in namespaces. Dropping it ends them and takes the namespaces away.
pub struct Cluster {
    program: PathBuf,
    folder: tempfile::TempDir,
    bridges: [String; 2],
    hosts: Vec<Host>,
}

/// Who a node is.
#[derive(Clone, Copy)]
pub struct Role {
    pub mines: bool,
    pub votes: bool,
}

/// The key of a test node: drawn from its number, which everybody knows.
pub fn key(n: usize) -> SecretKey {
    SecretKey::from_seed([u8::try_from(n).unwrap_or(u8::MAX).saturating_add(1); 32])
}

/// Its account.
pub fn account(n: usize) -> String {
    AccountId(key(n).public()).to_string()
}

impl Cluster {
    /// Lay the lines and write a genesis in which every voting node has bonded the same.
    pub fn lay(context: &Context, roles: &[Role], interval_ms: u64) -> Result<Self, Fault> {
        tools::ensure_ip(context)?;
        let id = std::process::id() % 10_000;
        let bridges = [format!("by{id}a"), format!("by{id}b")];
        let mut cluster = Self {
            program: context.built("release", "banyan"),
            folder: tempfile::tempdir()?,
            bridges,
            hosts: Vec::new(),
        };
        for bridge in &cluster.bridges {
            ip(&["link", "add", bridge, "type", "bridge"])?;
            ip(&["link", "set", bridge, "up"])?;
        }
        for (n, role) in roles.iter().enumerate() {
            cluster.hosts.push(Host {
                namespace: format!("by{id}n{n}"),
                address: format!("10.77.{}.{}", id % 250, n + 1),
                data: cluster.folder.path().join(format!("n{n}")),
                group: None,
                mines: role.mines,
                votes: role.votes,
            });
            cluster.wire(n)?;
        }
        cluster.write_genesis(interval_ms)?;
        Ok(cluster)
    }

    fn wire(&self, n: usize) -> Result<(), Fault> {
        let host = &self.hosts[n];
        let (ns, near, far) = (&host.namespace, format!("{}v", host.namespace), format!("{}p", host.namespace));
        ip(&["netns", "add", ns])?;
        ip(&["-n", ns, "link", "set", "lo", "up"])?;
        ip(&["link", "add", &near, "type", "veth", "peer", "name", &far, "netns", ns])?;
        ip(&["-n", ns, "addr", "add", &format!("{}/24", host.address), "dev", &far])?;
        ip(&["-n", ns, "link", "set", &far, "up"])?;
        ip(&["link", "set", &near, "master", &self.bridges[0]])?;
        ip(&["link", "set", &near, "up"])?;
        std::fs::create_dir_all(&host.data)?;
        let seed = key(n).seed();
        std::fs::write(host.data.join("sk"), text::encode(Prefix::SecretSeed, &seed))?;
        Ok(())
    }

    fn write_genesis(&self, interval_ms: u64) -> Result<(), Fault> {
        let mut command = Command::new(&self.program);
        command.args(["genesis", "new", "root", "--interval-ms", &interval_ms.to_string()]);
        for (n, host) in self.hosts.iter().enumerate() {
            command.args(["--fund", &format!("{}=1000000", account(n))]);
            if host.votes {
                command.args(["--witness", &format!("{}=1000", account(n))]);
            }
        }
        let output = command.output()?;
        if !output.status.success() {
            return Err(Fault::Failed(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(std::fs::write(self.genesis(), output.stdout)?)
    }

    fn genesis(&self) -> PathBuf {
        self.folder.path().join("genesis.toml")
    }

    /// Start a node; it calls all others.
    pub fn start(&mut self, context: &Context, n: usize) -> Result<(), Fault> {
        let others = self.hosts.iter().enumerate().filter(|(other, _)| *other != n);
        let others: Vec<_> = others.map(|(_, host)| format!("{}:3015", host.address)).collect();
        let (genesis, host) = (self.genesis(), &mut self.hosts[n]);
        let mut command = context.command("ip");
        command.args(["netns", "exec", &host.namespace]).arg(&self.program).args(["node", "--json", "--genesis"]);
        command.arg(genesis).arg("--data").arg(&host.data).args(["--listen", "127.0.0.1:3013"]);
        command.args(["--peer-listen", &format!("{}:3015", host.address)]);
        command.args(others.iter().flat_map(|other| ["--peer", other]));
        let key = host.data.join("sk");
        if host.mines {
            command.arg("--miner-key").arg(&key);
        }
        if host.votes {
            command.arg("--witness-key").arg(&key);
        }
        let log = std::fs::File::options().create(true).append(true).open(host.data.join("log"))?;
        command.env("RUST_LOG", "banyan=info,banyan_node=info").stdout(Stdio::piped()).stderr(log);
        let mut group = Group::start(&mut command)?;
        if let Some(output) = group.output() {
            drain(output);
        }
        host.group = Some(group);
        Ok(())
    }

    /// Cut a node's power.
    pub fn kill(&mut self, n: usize) {
        if let Some(group) = self.hosts[n].group.take() {
            group.power().cut();
        }
    }

    /// Move these nodes to the other line: they hear each other, and no one else.
    pub fn part(&self, away: &[usize]) -> Result<(), Fault> {
        away.iter().try_for_each(|n| self.stand(*n, 1))
    }

    /// Everybody on one line again.
    pub fn heal(&self) -> Result<(), Fault> {
        (0..self.hosts.len()).try_for_each(|n| self.stand(n, 0))
    }

    fn stand(&self, n: usize, bridge: usize) -> Result<(), Fault> {
        ip(&["link", "set", &format!("{}v", self.hosts[n].namespace), "master", &self.bridges[bridge]])
    }

    /// Run one command of the program against a node; its JSON. `None` if it does not answer.
    pub fn ask(&self, n: usize, words: &[&str]) -> Option<Value> {
        let host = &self.hosts[n];
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &host.namespace]).arg(&self.program).args(words);
        command.args(["--json", "--url", "http://127.0.0.1:3013", "--data"]).arg(&host.data);
        let output = command.stdin(Stdio::null()).output().ok()?;
        if output.status.success() { serde_json::from_slice(&output.stdout).ok() } else { None }
    }

    /// Pay a little from one node's account to another's; acknowledged when this returns.
    pub fn pay(&self, at: usize, from: usize, to: usize, nonce: u64) -> Result<(), Fault> {
        let spend = Spend {
            sender_id: AccountId(key(from).public()),
            recipient_id: Payee::Account(AccountId(key(to).public())),
            amount: Amount::coins(1).unwrap_or(Amount::ZERO),
            fee: Amount::new(FEE_UNITS).unwrap_or(Amount::ZERO),
            ttl: Height(0),
            nonce: Nonce(nonce),
            payload: Bytes::default(),
        };
        let signed = Transaction::from(spend).sign(NETWORK_ID, &key(from));
        let text = text::encode(Prefix::TransactionBytes, signed.bytes());
        let answer = self.ask(at, &["tx", "submit", &text, "--wait", "received"]);
        answer.map(drop).ok_or_else(|| Fault::Failed(format!("payment {nonce} was not acknowledged\n{}", self.logs())))
    }

    /// Height of a node's chain, and of its last final block.
    pub fn heights(&self, n: usize) -> Option<(u64, u64)> {
        let status = self.ask(n, &["status"])?;
        let level = |name: &str| {
            let levels = status["levels"].as_array()?;
            levels.iter().find(|rung| rung["level"] == name)?["height"].as_u64()
        };
        Some((level("ordered")?, level("hard")?))
    }

    /// Wait until `is_so` of the nodes' heights.
    pub fn until(
        &self,
        nodes: &[usize],
        limit: Duration,
        what: &str,
        is_so: impl Fn(&[(u64, u64)]) -> bool,
    ) -> Result<Duration, Fault> {
        let begun = Instant::now();
        loop {
            let heights: Vec<_> = nodes.iter().filter_map(|n| self.heights(*n)).collect();
            if heights.len() == nodes.len() && is_so(&heights) {
                return Ok(begun.elapsed());
            }
            if begun.elapsed() > limit {
                return Err(Fault::Failed(format!(
                    "{what}: not within {limit:?}, heights {heights:?}\n{}",
                    self.logs()
                )));
            }
            thread::sleep(PAUSE);
        }
    }

    /// The end of every node's log.
    fn logs(&self) -> String {
        let tail = |host: &Host| {
            let text = std::fs::read_to_string(host.data.join("log")).unwrap_or_default();
            let lines: Vec<_> = text.lines().rev().take(8).collect();
            format!("{}:\n  {}", host.namespace, lines.into_iter().rev().collect::<Vec<_>>().join("\n  "))
        };
        self.hosts.iter().map(tail).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for host in &mut self.hosts {
            drop(host.group.take());
            let _ = ip(&["netns", "del", &host.namespace]);
            let _ = ip(&["link", "del", &format!("{}v", host.namespace)]);
        }
        for bridge in &self.bridges {
            let _ = ip(&["link", "del", bridge]);
        }
    }
}

fn drain(output: impl Read + Send + 'static) {
    thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).for_each(drop));
}

fn ip(words: &[&str]) -> Result<(), Fault> {
    let output = Command::new("ip").args(words).output()?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Fault::Missing(format!("ip {}: {}", words.join(" "), why.trim())))
}
