//! A real node, and twenty peers that do it no good for a minute: what they cost it, and whether it goes on.
//!
//! The node is a process of its own that follows honest witnesses in this one. An attacker who is thrown out comes back
//! with a new key, which only an attacker on the node's own machine can do at once: others lose their address too.

use std::{
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use banyan_gossip::{
    Message,
    message::{BlockBytes, GetGeneration, GetHeaders, GetTxs, Hello, Limited, Status, Txs},
};
use banyan_network::{Config, Event, Network, NodeKey, Priority};
use banyan_node::EngineParams;
use banyan_root::{
    Header,
    pow::{EdgeBits, Lean, Seed, Solver as _, verify},
    target::Target,
};
use banyan_types::{
    Bytes, Hash, Height, Peer, Round, Signature, TimeMs, TxHash,
    header::{KEY_WORKED_BYTES, KeyHeader, MicroHeader},
    witness::{Source, Statement, Vote, VoteKind},
};
use serde_json::Value;

use crate::{
    Fault,
    figure::{Figure, Unit},
    group::{Group, WITNESSES},
    machine,
};

/// Attackers, and how long they go on. Source: issue of the root, "bad peers".
const ATTACKERS: usize = 20;
const TIME: Duration = Duration::from_mins(1);
/// Milliseconds between key blocks.
const INTERVAL_MS: u64 = 1_000;
/// How much resident memory the node may come to, in MiB.
const MEMORY_MAX_MIB: f64 = 300.0;
/// Frames that an attacker sends before it looks up.
const VOLLEY: usize = 32;
/// Connections that a slow attacker opens at once.
const LINES: usize = 12;
/// Bytes that an attacker lets wait on its own side.
const QUEUED_BYTES: u64 = 1 << 20;
/// Key blocks of other chains that attackers have ready: work is done before the siege begins.
const FORGED: usize = 64;

/// A way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// Bytes that are no message.
    Garbage,
    /// Answers of four megabytes that nobody asked for.
    Unasked,
    /// Questions without an end.
    Questions,
    /// Votes that nobody signed.
    Forger,
    /// Key blocks with work, on blocks that nobody knows.
    Orphans,
    /// Key blocks with work, beside blocks that are final.
    DeepForks,
    /// Micro blocks of transactions that nobody has.
    Lights,
    /// Connections that are opened and left.
    Loris,
}

impl Act {
    const ALL: [Self; 8] = [
        Self::Garbage,
        Self::Unasked,
        Self::Questions,
        Self::Forger,
        Self::Orphans,
        Self::DeepForks,
        Self::Lights,
        Self::Loris,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Garbage => "garbage",
            Self::Unasked => "unasked",
            Self::Questions => "questions",
            Self::Forger => "forged votes",
            Self::Orphans => "orphans",
            Self::DeepForks => "deep forks",
            Self::Lights => "light blocks",
            Self::Loris => "slow loris",
        }
    }
}

/// What attackers know of the chain.
struct Loot {
    hello: Vec<u8>,
    genesis: Hash,
    target: SocketAddr,
    orphans: Vec<Vec<u8>>,
    forks: Vec<Vec<u8>>,
}

/// The node that is besieged.
struct Victim {
    child: Child,
    address: SocketAddr,
    url: String,
}

impl Victim {
    fn start(folder: &Path, genesis: &str, friend: SocketAddr) -> Result<Self, Fault> {
        let program = std::env::current_exe()?.with_file_name("banyan");
        let file = folder.join("genesis.toml");
        std::fs::write(&file, genesis)?;
        let mut command = Command::new(&program);
        command.args(["node", "--json", "--listen", "127.0.0.1:0", "--peer-listen", "127.0.0.1:0"]);
        command.arg("--genesis").arg(&file).arg("--data").arg(folder.join("data"));
        command.args(["--peer", &friend.to_string()]);
        command.stdout(Stdio::piped()).stderr(std::fs::File::create(folder.join("log"))?);
        let missing = |error| format!("{}: {error}; build it with cargo build --release", program.display());
        let mut child = command.spawn().map_err(missing)?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("a node without output")?).lines();
        let ready: Value = serde_json::from_str(&lines.next().ok_or("the node does not start")??)?;
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let address = ready["peer_addresses"][0].as_str().and_then(|text| text.rsplit_once('@')?.1.parse().ok());
        let url = ready["url"].as_str().ok_or("the node does not say where it listens")?.to_owned();
        Ok(Self { child, address: address.ok_or("the node does not say where peers reach it")?, url })
    }

    /// The last final height, asked as a user would.
    fn last_final(&self) -> Result<u64, Fault> {
        let program = std::env::current_exe()?.with_file_name("banyan");
        let output = Command::new(program).args(["status", "--json", "--url", &self.url]).output()?;
        let status: Value = serde_json::from_slice(&output.stdout)?;
        let levels = status["levels"].as_array().ok_or("a status without levels")?;
        let hard = levels.iter().find(|rung| rung["level"] == "hard").and_then(|rung| rung["height"].as_u64());
        Ok(hard.unwrap_or(0))
    }

    /// Resident memory now, and the most that it ever was, in MiB.
    fn memory(&self) -> Result<(f64, f64), Fault> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib = |name: &str| -> Option<f64> {
            let line = text.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        let (now, peak) = (kib("VmRSS:"), kib("VmHWM:"));
        Ok((now.ok_or("the node has ended")? / 1024.0, peak.ok_or("the node has ended")? / 1024.0))
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the siege came to.
#[derive(Default)]
struct Count {
    frames: AtomicU64,
    bytes: AtomicU64,
    thrown_out: [AtomicU64; Act::ALL.len()],
}

/// The bench.
pub(crate) fn siege() -> Result<Vec<Figure>, Fault> {
    let group = Group::start(WITNESSES, INTERVAL_MS, &[])?;
    let folder = machine::folder()?;
    let victim = Victim::start(folder.path(), &group.handle(0).chain().file().to_toml(), group.address(0))?;
    let begun = Instant::now();
    while victim.last_final()? < 3 {
        if begun.elapsed() > TIME {
            return Err("the node does not follow".into());
        }
        thread::sleep(Duration::from_millis(100));
    }
    let (before, _) = victim.memory()?;
    let loot = Arc::new(loot(&group, victim.address)?);
    let (count, is_over) = (Arc::<Count>::default(), Arc::<AtomicBool>::default());
    let attackers: Vec<_> = (0..ATTACKERS)
        .map(|n| {
            let (loot, count, is_over) = (Arc::clone(&loot), Arc::clone(&count), Arc::clone(&is_over));
            thread::spawn(move || attack(n, &loot, &count, &is_over))
        })
        .collect();
    let (mut lag, begun) = (0, Instant::now());
    while begun.elapsed() < TIME {
        thread::sleep(Duration::from_millis(500));
        let theirs = group.handle(0).chain().last_final()?.header.height().0;
        lag = lag.max(theirs.saturating_sub(victim.last_final()?));
    }
    is_over.store(true, Ordering::Relaxed);
    for attacker in attackers {
        attacker.join().map_err(|_| "an attacker gave up")??;
    }
    let (_, peak) = victim.memory()?;
    group.stop();
    Ok(figures(before, peak, lag, &count))
}

fn figures(before: f64, peak: f64, lag: u64, count: &Count) -> Vec<Figure> {
    let seconds = TIME.as_secs_f64();
    let get = |number: &AtomicU64| number.load(Ordering::Relaxed) as f64;
    let name = format!("siege::{{}}/peers={ATTACKERS}");
    let named = |what: &str| name.replace("{}", what);
    let mut figures = vec![
        Figure::new(named("memory"), peak, Unit::Mib).ratio(peak / before, "before the siege").at_most(MEMORY_MAX_MIB),
        Figure::new(named("final lag,most"), lag as f64, Unit::Blocks).at_most(3.0),
        Figure::new(named("frames"), get(&count.frames) / seconds, Unit::PerSecond),
        Figure::new(named("bytes"), get(&count.bytes) / seconds / f64::from(1 << 20), Unit::MibPerSecond),
    ];
    for (act, thrown_out) in Act::ALL.into_iter().zip(&count.thrown_out) {
        // Whoever only asks is slowed down, not thrown out; but each that breaks a rule must be.
        let figure = Figure::new(named(&format!("thrown out,{}", act.name())), get(thrown_out), Unit::Times);
        figures.push(if act == Act::Questions { figure } else { figure.at_least(1.0) });
    }
    figures
}

/// What an attacker can learn before it begins, with work of its own.
fn loot(group: &Group, target: SocketAddr) -> Result<Loot, Fault> {
    let chain = group.handle(0).chain();
    let genesis = chain.genesis_hash();
    let EngineParams::Root(engine) = &chain.file().engine else { return Err("a root has the engine root".into()) };
    let status = Status { work: 1, tip: genesis, height: Height(0), final_hash: genesis, final_height: Height(0) };
    let hello = Hello {
        chain: genesis,
        epoch: 0,
        version: banyan_types::header::PROTOCOL_VERSION,
        network_id: chain.params().network_id.clone(),
        mode: "collect".into(),
        status,
    };
    let hello = Message::Hello(Box::new(hello)).encode();
    let bits = EdgeBits::new(engine.edge_bits).ok_or("no such graph")?;
    let forge = |number: usize, prev: Hash, height: u64| {
        let mut header = KeyHeader {
            version: banyan_types::header::PROTOCOL_VERSION,
            info: None,
            height: Height(height),
            prev_hash: prev,
            prev_key_hash: prev,
            state_root: hash(b"state", number),
            miner: banyan_types::PublicKey(hash(b"miner", number).0),
            beneficiary: banyan_types::AccountId(hash(b"miner", number).0),
            witness_hash: Hash::ZERO,
            target: engine.target_initial,
            time: TimeMs(chain.file().time.0 + 10 * INTERVAL_MS),
            nonce: 0,
            pow: [0; banyan_types::header::POW_EDGES],
        };
        work(&mut header, bits)
            .map(|()| Message::Block(BlockBytes::of(&Header::Key(Box::new(header)), Bytes::default())).encode())
    };
    let orphans = (0..FORGED).map(|n| forge(n, hash(b"unknown", n), 1_000)).collect::<Result<_, _>>()?;
    let forks = (0..FORGED).map(|n| forge(n, genesis, 1)).collect::<Result<_, _>>()?;
    Ok(Loot { hello, genesis, target, orphans, forks })
}

/// Find a proof of work.
fn work(header: &mut KeyHeader, bits: EdgeBits) -> Result<(), Fault> {
    let target = Target::from_compact(header.target).map_err(|_| "no such target")?;
    let worked: [u8; KEY_WORKED_BYTES] = *header.encode().first_chunk().ok_or("a short header")?;
    for nonce in 0..u64::from(u32::MAX) {
        let seed = Seed::of_header(&worked, nonce);
        let cycles = Lean::default().solve(&seed, bits, &|| false);
        if let Some(pow) = cycles.into_iter().find(|cycle| verify(&seed, bits, cycle, &target).is_ok()) {
            (header.nonce, header.pow) = (nonce, pow);
            return Ok(());
        }
    }
    Err("no proof of work".into())
}

fn hash(what: &[u8], number: usize) -> Hash {
    Hash(banyan_crypto::sha256(&[what, &number.to_be_bytes()]))
}

/// Be one attacker until all is over, under as many keys as it takes.
fn attack(n: usize, loot: &Loot, count: &Count, is_over: &AtomicBool) -> Result<(), Fault> {
    let act = Act::ALL[n % Act::ALL.len()];
    let thrown_out = &count.thrown_out[n % Act::ALL.len()];
    for life in 0_usize.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        if act == Act::Loris {
            dawdle(loot.target, is_over, thrown_out)?;
            continue;
        }
        let (told, heard) = mpsc::channel();
        let key = NodeKey::from_seed(hash(b"attacker", n * 1_000_000 + life).0);
        let boot = vec![banyan_network::PeerAddr { key: None, address: loot.target }];
        let config = Config { boot, outbound: 1, ..Config::new(loot.genesis.0) };
        let network = Network::start(config, &key, move |event| {
            let _ = match event {
                Event::Connected { peer, .. } => told.send(Some(peer)),
                Event::Gone { .. } => told.send(None),
                _ => Ok(()),
            };
        })?;
        let Ok(Some(peer)) = heard.recv_timeout(Duration::from_secs(10)) else { continue };
        if molest(act, &network, peer, &heard, loot, count, is_over) {
            thrown_out.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Use one connection up. True if the node ended it.
fn molest(
    act: Act,
    network: &Network,
    peer: Peer,
    heard: &mpsc::Receiver<Option<Peer>>,
    loot: &Loot,
    count: &Count,
    is_over: &AtomicBool,
) -> bool {
    if network.send(peer, Priority::High, loot.hello.clone()).is_err() {
        return false;
    }
    let mut given = 0;
    for number in 0_usize.. {
        if is_over.load(Ordering::Relaxed) {
            return false;
        }
        if let Ok(None) | Err(mpsc::TryRecvError::Disconnected) = heard.try_recv() {
            return true;
        }
        // What waits is this program's memory, and its own network ends a connection that has too much of it.
        let went = network.peers().first().map_or(given, |info| info.traffic.bytes_out);
        if given.saturating_sub(went) > QUEUED_BYTES {
            thread::sleep(Duration::from_millis(1));
            continue;
        }
        for shot in 0..VOLLEY {
            let frame = shot_of(act, loot, number * VOLLEY + shot);
            count.frames.fetch_add(1, Ordering::Relaxed);
            count.bytes.fetch_add(frame.len() as u64, Ordering::Relaxed);
            given += frame.len() as u64;
            if network.send(peer, Priority::Normal, frame).is_err() || given.saturating_sub(went) > QUEUED_BYTES {
                break;
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
    false
}

/// The next frame of an attacker.
fn shot_of(act: Act, loot: &Loot, number: usize) -> Vec<u8> {
    let some = hash(b"some", number);
    let message = match act {
        Act::Garbage | Act::Loris => return some.0.repeat(1 + number % 64),
        Act::Unasked => {
            let txs = Limited::first_of((0..64).map(|_| Bytes(some.0.repeat(2_000))));
            Message::Txs(Txs { id: number as u64, txs })
        }
        Act::Questions => match number % 4 {
            0 => Message::GetHeaders(GetHeaders { locator: Limited::first_of([loot.genesis]), max: 2_000 }),
            1 => Message::GetGeneration(GetGeneration { key_hash: loot.genesis, last: None, from: 0 }),
            2 => Message::GetTxs(GetTxs {
                id: number as u64,
                hashes: Limited::first_of((0..1_000).map(|n| TxHash(hash(b"tx", n).0))),
            }),
            _ => Message::GetSeals(Height(0)),
        },
        Act::Forger => Message::Vote(Box::new(forged_vote(loot, some))),
        Act::Orphans => return loot.orphans[number % FORGED].clone(),
        Act::DeepForks => return loot.forks[number % FORGED].clone(),
        Act::Lights => {
            let header = MicroHeader {
                version: banyan_types::header::PROTOCOL_VERSION,
                height: Height(1),
                index: 1,
                prev_hash: loot.genesis,
                prev_key_hash: loot.genesis,
                state_root: some,
                txs_root: some,
                receipts_root: some,
                time: TimeMs(number as u64),
                gas_used: banyan_types::Gas(1),
                signature: Signature([1; 64]),
            };
            let hashes = (0..20_000).map(|n| TxHash(hash(b"tx", number * 20_000 + n).0));
            Message::Light(Box::new(header), Limited::first_of(hashes))
        }
    };
    message.encode()
}

fn forged_vote(loot: &Loot, some: Hash) -> Vote {
    let statement = Statement {
        chain: loot.genesis,
        kind: VoteKind::Prevote,
        era: banyan_types::Era(0),
        round: Round(1),
        height: Height(1),
        hash: some,
        source: Source { round: Round(0), hash: loot.genesis },
        index: 0,
    };
    Vote { statement, by: 0, signature: Signature([7; 64]) }
}

/// Open a connection, say half a word, and wait to be thrown out.
fn dawdle(target: SocketAddr, is_over: &AtomicBool, thrown_out: &AtomicU64) -> Result<(), Fault> {
    use std::io::{Read as _, Write as _};
    let mut lines = Vec::new();
    // On the node's own machine no address has a limit, and all its places for callers would be taken by tighter loops.
    thread::sleep(Duration::from_millis(200));
    for _ in 0..LINES {
        let mut line = TcpStream::connect(target)?;
        line.set_read_timeout(Some(Duration::from_millis(100)))?;
        let _ = line.write_all(&[0x13]);
        lines.push(line);
    }
    while !is_over.load(Ordering::Relaxed) && !lines.is_empty() {
        lines.retain_mut(|line| {
            let mut byte = [0];
            let is_open = loop {
                match line.read(&mut byte) {
                    Ok(0) => break false,
                    Ok(_) => {}
                    Err(error) => {
                        break matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
                    }
                }
            };
            if !is_open {
                thrown_out.fetch_add(1, Ordering::Relaxed);
            }
            is_open
        });
    }
    Ok(())
}
