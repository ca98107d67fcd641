//! Remember what nodes have said and shown, and hold them to it.

use std::collections::BTreeMap;

use banyan_node::{BlockBytes, Chain, Header, News, Node, Order};
use banyan_root::Peer;
use banyan_store::{Place, Version};
use banyan_types::{
    Hash, Height,
    tx::{SignedTx, Transaction},
};

use crate::{
    figures::Figures,
    host::HostId,
    law::{self, Broken, ensure},
    links::FORGER,
    promise::{Expect, Promises},
};

/// What a world allows its nodes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Leave {
    /// Two nodes may call different blocks final: depth is a guess, and a partition may outlast it.
    pub conflicting_finals: bool,
    /// A leader signs blocks that are invalid: alarms about that, and bad marks for peers, are in order.
    pub bad_leader: bool,
}

/// The memory of a world.
pub struct Watch {
    leave: Leave,
    /// By height, what the first node to say so called final.
    finals: BTreeMap<Height, Hash>,
    /// By key block and index, the micro block that its leader signed.
    signed: BTreeMap<(Hash, u32), Hash>,
    /// By number, the summary that the child's operator signed.
    summaries: BTreeMap<u64, Hash>,
    hosts: Vec<Seen>,
    /// The heads of node 0 and the child at the last look at both.
    heads: Option<(Version, Version)>,
}

/// What one host has shown.
#[derive(Default)]
struct Seen {
    checked: Option<Version>,
    last_final: Option<(Height, Hash)>,
    /// Of a child: its last block. Every one of its blocks is final.
    tip: Option<(Height, Hash)>,
    promises: Promises,
}

impl Watch {
    /// Nothing was shown yet.
    pub fn new(hosts: usize, leave: Leave) -> Self {
        let hosts = (0..hosts).map(|_| Seen::default()).collect();
        let (finals, signed, summaries) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { leave, finals, signed, summaries, hosts, heads: None }
    }

    /// A node gave an order.
    /// # Errors
    /// The law that it broke.
    pub fn order(&mut self, host: HostId, order: &Order) -> Result<(), Broken> {
        match order {
            Order::Score(peer, points) => self.scored(host, *peer, *points),
            Order::Send(_, block) | Order::Answer(_, block) => self.showed(block),
            Order::ToParent(tx) => self.summarised(tx),
            Order::News(News::Alarm(text)) => self.alarmed(host, text),
            _ => Ok(()),
        }
    }

    fn scored(&self, host: HostId, peer: Peer, points: i8) -> Result<(), Broken> {
        let deserved = points >= 0 || peer == FORGER || self.leave.bad_leader;
        ensure(deserved, "an honest peer is never blamed", || format!("{host} scored {peer:?} by {points}"))
    }

    /// Whoever sends it: an honest leader signs an index once, over all its lives.
    fn showed(&mut self, block: &BlockBytes) -> Result<(), Broken> {
        let Ok(Header::Micro(header)) = Header::decode(&block.header) else { return Ok(()) };
        let (slot, hash) = ((header.prev_key_hash, header.index), header.hash());
        let first = *self.signed.entry(slot).or_insert(hash);
        let holds = first == hash || self.leave.bad_leader;
        ensure(holds, "a leader signs an index once", || format!("{slot:?}: {first} and {hash}"))
    }

    fn summarised(&mut self, tx: &SignedTx) -> Result<(), Broken> {
        let Transaction::AssociateRemit(remit) = tx.transaction() else { return Ok(()) };
        let (seq, digest) = (remit.summary.seq, remit.summary.digest(""));
        let first = *self.summaries.entry(seq).or_insert(digest);
        ensure(first == digest, "a summary is signed once", || format!("{seq}: {first} and {digest}"))
    }

    fn alarmed(&self, host: HostId, text: &str) -> Result<(), Broken> {
        let of_fork = text.contains("ForkBelowFinal") || text.contains("ConflictingFinal");
        let of_block = text.contains("is invalid");
        let allowed = (self.leave.conflicting_finals && of_fork) || (self.leave.bad_leader && of_block);
        ensure(allowed, "no alarm where nothing is wrong", || format!("{host}: {text}"))
    }

    /// A node has acknowledged a transaction.
    pub fn promised(&mut self, host: HostId, tx: &SignedTx, expect: Expect) {
        self.hosts[host.0].promises.add(tx, expect);
    }

    /// How many acknowledged transactions have no end yet.
    pub fn promises_open(&self) -> usize {
        self.hosts.iter().map(|seen| seen.promises.open()).sum()
    }

    /// One that has none, for a message.
    pub fn first_promise(&self) -> String {
        let first = self.hosts.iter().enumerate().find_map(|(host, seen)| Some((host, seen.promises.first()?)));
        first.map_or_else(String::new, |(host, tx)| format!("n{host}: {tx}"))
    }

    /// Whether node 0 or the child has another head than at the last call.
    pub fn moved(&mut self, root: Version, child: Version) -> bool {
        self.heads.replace((root, child)) != Some((root, child))
    }

    /// The node has started again: what it said of the pool's past is forgotten there.
    pub fn restarted(&mut self, host: HostId) {
        let seen = &mut self.hosts[host.0];
        seen.checked = None;
        self.heads = None;
        seen.promises.restarted();
    }

    /// Check a node after it did something.
    /// # Errors
    /// The first law that does not hold.
    pub fn node(&mut self, host: HostId, node: &Node, figures: &mut Figures) -> Result<(), Broken> {
        let chain = node.chain();
        let seen = &mut self.hosts[host.0];
        let head = chain.store().head();
        if seen.checked.replace(head) != Some(head) {
            law::head(chain)?;
            if chain.params().is_root() { self.root(host, chain)? } else { seen.child(chain)? }
        }
        self.hosts[host.0].promises.check(node, figures)
    }

    fn root(&mut self, host: HostId, chain: &Chain) -> Result<(), Broken> {
        let last = chain.last_final()?;
        let (height, hash) = (last.header.height(), last.hash);
        let (before, held) = self.hosts[host.0].last_final.unwrap_or((Height(0), chain_genesis(chain)?));
        let law = "what was final stays final";
        ensure(height >= before, law, || format!("{host}: height {before}, now {height}"))?;
        let now = chain.main_at(Place::at(before.0))?;
        ensure(now == Some(held), law, || format!("{host}: {held} at height {before}, now {now:?}"))?;
        for height in before.0 + 1..=height.0 {
            let hash = chain.main_at(Place::at(height))?.ok_or_else(|| Broken::new(law, "a final block is gone"))?;
            let first = *self.finals.entry(Height(height)).or_insert(hash);
            let holds = first == hash || self.leave.conflicting_finals;
            ensure(holds, "no two final blocks at one height", || format!("{host}: {first} and {hash} at {height}"))?;
        }
        self.hosts[host.0].last_final = Some((height, hash));
        Ok(())
    }
}

impl Seen {
    /// A child's operator never takes a block back.
    fn child(&mut self, chain: &Chain) -> Result<(), Broken> {
        let head = chain.head()?;
        let tip = (head.header.height(), head.hash);
        if let Some((height, hash)) = self.tip {
            let now = chain.main_at(Place::at(height.0))?;
            let law = "a child's operator takes no block back";
            ensure(now == Some(hash), law, || format!("{hash} at height {height}, now {now:?}"))?;
        }
        let last_final = chain.last_final()?.header.height();
        let before = self.last_final.map_or(Height(0), |(height, _)| height);
        ensure(last_final >= before, "what was final stays final", || format!("child: {before}, now {last_final}"))?;
        self.last_final = Some((last_final, head.hash));
        self.tip = Some(tip);
        Ok(())
    }
}

fn chain_genesis(chain: &Chain) -> Result<Hash, Broken> {
    chain.main_at(Place::at(0))?.ok_or_else(|| Broken::new("every chain has its genesis", "no block 0"))
}
