//! Nodes in one process: real machines for talk, a map of blocks in place of store and root machine.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};

use banyan_root::{
    Header, RootParams,
    pow::{Lean, Seed, Solver as _},
    target::Target,
};
use banyan_types::{
    AccountId, Bytes, Gas, Hash, Height, Peer, Points, PublicKey, Signature, TimeMs, TxHash,
    header::{KEY_WORKED_BYTES, KeyHeader, MicroBody, MicroHeader, POW_EDGES},
};

use crate::{
    Effect, Found, Gossip, Input, Look, Message, NewBlock, Params, To, Why, Word,
    limits::PAGE_BYTES_MAX,
    message::{BlockBytes, Status},
};

pub const START: TimeMs = TimeMs(1_000_000);
const INTERVAL: u64 = 3_000;

pub fn root_params() -> RootParams {
    RootParams::dev("test_gossip", START)
}

pub fn genesis() -> KeyHeader {
    KeyHeader {
        version: 6,
        info: None,
        height: Height(0),
        prev_hash: Hash::ZERO,
        prev_key_hash: Hash::ZERO,
        state_root: Hash([1; 32]),
        miner: PublicKey([7; 32]),
        beneficiary: AccountId([0; 32]),
        witness_hash: Hash::ZERO,
        target: Target::HIGHEST.to_compact(),
        time: START,
        nonce: 0,
        pow: [0; POW_EDGES],
    }
}

pub fn params() -> Params {
    Params { root: root_params(), chain: genesis().hash(), epoch: 0, mode: "full".into(), peers_max: 16 }
}

/// A block with its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub header: Header,
    pub body: Bytes,
    pub txs: Vec<TxHash>,
}

impl Made {
    pub fn hash(&self) -> Hash {
        self.header.hash()
    }

    pub fn bytes(&self) -> BlockBytes {
        BlockBytes::of(&self.header, self.body.clone())
    }
}

fn mined(mut header: KeyHeader) -> KeyHeader {
    let bits = root_params().edge_bits;
    let prefix = *header.encode().first_chunk::<KEY_WORKED_BYTES>().unwrap();
    loop {
        let seed = Seed::of_header(&prefix, header.nonce);
        let cycles = Lean::default().solve(&seed, bits, &|| false);
        let good = |pow: &_| banyan_root::pow::verify(&seed, bits, pow, &Target::HIGHEST).is_ok();
        if let Some(pow) = cycles.into_iter().find(good) {
            header.pow = pow;
            return header;
        }
        header.nonce += 1;
    }
}

fn key_of(prev: &Header) -> Hash {
    match prev {
        Header::Key(key) => key.hash(),
        Header::Micro(micro) => micro.prev_key_hash,
    }
}

pub fn key(prev: &Header, salt: u8) -> Made {
    let height = prev.height().0 + 1;
    let header = KeyHeader {
        height: Height(height),
        prev_hash: prev.hash(),
        prev_key_hash: key_of(prev),
        state_root: Hash([salt; 32]),
        time: TimeMs(START.0 + INTERVAL * height),
        ..genesis()
    };
    Made { header: Header::Key(Box::new(mined(header))), body: Bytes(Vec::new()), txs: Vec::new() }
}

pub fn tx(number: u32) -> (TxHash, Bytes) {
    let bytes = Bytes([b"tx ".as_slice(), &number.to_be_bytes(), &[9; 100]].concat());
    (TxHash(banyan_crypto::blake2b(&[&bytes.0])), bytes)
}

pub fn micro(prev: &Header, numbers: &[u32]) -> Made {
    let (txs, bodies): (Vec<_>, Vec<_>) = numbers.iter().map(|number| tx(*number)).unzip();
    let body = Bytes(MicroBody { txs: bodies, attachments: Vec::new() }.encode());
    let header = MicroHeader {
        version: 6,
        height: prev.height(),
        index: prev.index() + 1,
        prev_hash: prev.hash(),
        prev_key_hash: key_of(prev),
        state_root: Hash([2; 32]),
        txs_root: Hash(banyan_tree::list_root(txs.iter().map(|hash| hash.0))),
        receipts_root: Hash::ZERO,
        time: TimeMs(prev.time().0 + 300),
        gas_used: Gas(1),
        signature: Signature([0; 64]),
    };
    Made { header: Header::Micro(Box::new(header)), body, txs }
}

/// A chain of so many key blocks, each with so many micro blocks of one transaction.
pub fn chain(prev: &Header, salt: u8, keys: u32, micros: u32) -> Vec<Made> {
    let mut made: Vec<Made> = Vec::new();
    for number in 0..keys {
        let before = made.last().map_or(prev, |made| &made.header).clone();
        made.push(key(&before, salt));
        for index in 0..micros {
            let before = made.last().unwrap().header.clone();
            made.push(micro(&before, &[u32::from(salt) * 1_000_000 + number * 100 + index]));
        }
    }
    made
}

pub fn root() -> Header {
    Header::Key(Box::new(genesis()))
}

/// What a node keeps: every block whose parent it has, and the best end.
pub struct Node {
    pub gossip: Gossip,
    pub blocks: BTreeMap<Hash, (Made, u128)>,
    pub orphans: BTreeMap<Hash, (Peer, Made)>,
    pub tip: Hash,
    pub pool: BTreeMap<TxHash, Bytes>,
    pub words: Vec<Word>,
    /// Names of bodies that came in.
    pub got: Vec<Hash>,
    pub out: VecDeque<(Peer, Message)>,
    pub closed: Vec<(Peer, Why, Option<u64>)>,
    /// Serves no bodies.
    pub hides: bool,
    /// Up to where it says that its chain is final.
    pub sealed: Height,
    pub looked: BTreeSet<Hash>,
}

impl Node {
    pub fn new(seed: u8) -> Self {
        let made = Made { header: root(), body: Bytes(Vec::new()), txs: Vec::new() };
        let tip = made.hash();
        let mut node = Self {
            gossip: Gossip::new(params(), status(&made, 0), [seed; 32]),
            blocks: BTreeMap::from([(tip, (made, 0))]),
            orphans: BTreeMap::new(),
            tip,
            pool: BTreeMap::new(),
            words: Vec::new(),
            got: Vec::new(),
            out: VecDeque::new(),
            closed: Vec::new(),
            hides: false,
            sealed: Height(0),
            looked: BTreeSet::new(),
        };
        node.tell(Input::Tick(TimeMs(START.0 + 1_000_000_000)));
        node
    }

    pub fn with(seed: u8, blocks: &[Made]) -> Self {
        let mut node = Self::new(seed);
        for made in blocks {
            node.take(None, made.clone());
        }
        node
    }

    pub fn tell(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.gossip.step(input, &mut effects);
        for effect in effects {
            self.obey(effect);
        }
    }

    fn obey(&mut self, effect: Effect) {
        match effect {
            Effect::Send(peer, message) => {
                let bytes = message.encode();
                assert_eq!(Message::decode(&bytes).as_ref(), Ok(&*message), "what is sent can be read");
                self.out.push_back((peer, *message));
            }
            Effect::Look(id, look) => {
                let found = self.find(look);
                self.tell(Input::Found(id, found));
            }
            Effect::Block(from, bytes) => {
                let header = bytes.parse().unwrap();
                self.got.push(header.hash());
                assert!(bytes.body_fits(&header), "the root machine gets bodies that fit");
                let txs = match &header {
                    Header::Key(_) => Vec::new(),
                    Header::Micro(_) => {
                        let body = MicroBody::decode(&bytes.body.0).unwrap();
                        body.txs.iter().map(|tx| TxHash(banyan_crypto::blake2b(&[&tx.0]))).collect()
                    }
                };
                self.take(Some(from), Made { header, body: bytes.body, txs });
            }
            Effect::Word(_, word) => self.words.push(word),
            Effect::Txs(_, txs) => self.pool_in(txs),
            Effect::Disconnect { peer, why, ban_ms } => self.closed.push((peer, why, ban_ms)),
            Effect::Met(..) | Effect::Addresses(..) | Effect::Wake(_) => {}
        }
    }

    pub fn pool_in(&mut self, txs: Vec<Bytes>) {
        let named = txs.into_iter().map(|tx| (TxHash(banyan_crypto::blake2b(&[&tx.0])), tx));
        let named: Vec<_> = named.filter(|(hash, _)| !self.pool.contains_key(hash)).collect();
        let hashes = named.iter().map(|(hash, _)| *hash).collect();
        self.pool.extend(named);
        self.tell(Input::Pooled(hashes));
    }

    /// What the root machine does, for blocks that are all valid.
    pub fn take(&mut self, from: Option<Peer>, made: Made) {
        let (hash, prev) = (made.hash(), made.header.prev_hash());
        let is_other_branch = from.is_some() && self.sealed > Height(0);
        if self.blocks.contains_key(&hash) || is_other_branch {
            return;
        }
        let Some((_, before)) = self.blocks.get(&prev) else {
            if let Some(from) = from {
                self.orphans.insert(hash, (from, made));
                self.tell(Input::FetchBlock(from, prev));
            }
            return;
        };
        let more = if made.header.index() == 0 { Target::HIGHEST.work() } else { 0 };
        self.blocks.insert(hash, (made.clone(), before + more));
        let best = self.rank(&self.tip);
        if self.rank(&hash) > best {
            self.tip = hash;
            let (tip, work) = &self.blocks[&hash];
            let status = Status { final_height: self.sealed, ..status(tip, *work) };
            self.tell(Input::Status(status));
            let block = match made.header.clone() {
                Header::Key(header) => NewBlock::Key(header, made.body.clone()),
                Header::Micro(header) => NewBlock::Micro(header, made.txs.clone()),
            };
            self.tell(Input::Block { block, to: from.map_or(To::All, To::Except) });
        }
        let ready: Vec<_> = self.orphans.iter().filter(|(_, (_, made))| made.header.prev_hash() == hash).collect();
        let ready: Vec<Hash> = ready.into_iter().map(|(hash, _)| *hash).collect();
        for hash in ready {
            let (from, made) = self.orphans.remove(&hash).unwrap();
            self.take(Some(from), made);
        }
    }

    fn rank(&self, hash: &Hash) -> (u128, u32) {
        let (made, work) = &self.blocks[hash];
        (*work, made.header.index())
    }

    /// The key blocks of the chain, oldest first.
    pub fn keys(&self) -> Vec<KeyHeader> {
        self.keys_to(self.tip)
    }

    fn keys_to(&self, tip: Hash) -> Vec<KeyHeader> {
        let mut keys = Vec::new();
        let mut at = key_of(&self.blocks[&tip].0.header);
        while let Some((Made { header: Header::Key(header), .. }, _)) = self.blocks.get(&at) {
            keys.push((**header).clone());
            at = header.prev_key_hash;
        }
        keys.reverse();
        keys
    }

    fn find(&mut self, look: Look) -> Found {
        match look {
            Look::Locator => {
                let keys = self.keys();
                let (mut step, mut at, mut locator) = (1, keys.len() - 1, Vec::new());
                while at > 0 {
                    locator.push(keys[at].hash());
                    at = at.saturating_sub(step);
                    step *= 2;
                }
                locator.push(keys[0].hash());
                Found::Locator(locator)
            }
            Look::Locate { locator, max } => {
                let keys = self.keys();
                let names: BTreeMap<Hash, usize> =
                    keys.iter().enumerate().map(|(at, key)| (key.prev_key_hash, at)).collect();
                let tip = keys.last().unwrap().hash();
                let on = locator.iter().find(|hash| names.contains_key(*hash) || **hash == tip);
                let from = on.and_then(|hash| names.get(hash)).copied().unwrap_or(keys.len());
                Found::Headers(keys.into_iter().skip(from).take(max).collect())
            }
            Look::Past(hash) => {
                let work = self.blocks[&hash].1;
                let past = self.keys_to(hash);
                Found::Past { past: past[past.len().saturating_sub(32)..].to_vec(), work }
            }
            Look::Generation { .. } | Look::Block(_) if self.hides => Found::Nothing,
            Look::Generation { key_hash, last, from } => self.generation(key_hash, last, from),
            Look::Block(hash) => {
                self.looked.insert(hash);
                self.blocks.get(&hash).map_or(Found::Nothing, |(made, _)| Found::Block(Box::new(made.bytes())))
            }
            Look::Txs(hashes) => Found::Txs(hashes.iter().map(|hash| self.pool.get(hash).cloned()).collect()),
            Look::Justification { .. } | Look::Seals(_) => Found::Nothing,
            Look::Addresses => Found::Addresses(Vec::new()),
        }
    }

    fn generation(&mut self, key_hash: Hash, last: Option<Hash>, from: u32) -> Found {
        self.looked.insert(key_hash);
        let in_it = |made: &Made| key_of(&made.header) == key_hash;
        let end = last.unwrap_or(self.tip);
        let mut blocks = Vec::new();
        let mut at = end;
        while let Some((made, _)) = self.blocks.get(&at).filter(|(made, _)| in_it(made)) {
            blocks.push(made.bytes());
            at = made.header.prev_hash();
        }
        blocks.reverse();
        let mut size = 0;
        let from = usize::try_from(from).unwrap();
        let fits = |block: &BlockBytes| {
            size += block.size();
            size <= PAGE_BYTES_MAX || size == block.size()
        };
        let page: Vec<_> = blocks.iter().skip(from).cloned().take_while(fits).collect();
        let more = from + page.len() < blocks.len();
        if page.is_empty() { Found::Nothing } else { Found::Generation { blocks: page, more } }
    }
}

pub fn status(tip: &Made, work: u128) -> Status {
    Status { work, tip: tip.hash(), height: tip.header.height(), final_hash: genesis().hash(), final_height: Height(0) }
}

/// Nodes and the lines between them.
pub struct World {
    pub nodes: Vec<Node>,
    pub now: TimeMs,
    /// Messages that never arrive, of 100; as many more come twice or out of their order.
    pub loss: u32,
    draws: u32,
    pub bytes: usize,
}

impl World {
    pub fn new(nodes: Vec<Node>) -> Self {
        Self { nodes, now: TimeMs(START.0 + 1_000_000_000), loss: 0, draws: 0, bytes: 0 }
    }

    /// The number by which each node knows another is its place.
    pub fn connect(&mut self, a: usize, b: usize) {
        for (at, to) in [(a, b), (b, a)] {
            let peer = Peer(u64::try_from(to).unwrap());
            self.nodes[at].tell(Input::Connected { peer, outbound: a == at, score: Points(0) });
        }
    }

    pub fn connect_all(&mut self) {
        for a in 0..self.nodes.len() {
            for b in 0..a {
                self.connect(a, b);
            }
        }
    }

    /// The next message from a node, not always the oldest, and sometimes one that stays to come again.
    fn next(&mut self, from: usize) -> Option<(Peer, Message)> {
        let (late, twice) = (self.strikes(), self.strikes());
        let queue = &mut self.nodes[from].out;
        if late && queue.len() > 1 {
            queue.swap(0, 1);
        }
        let next = queue.pop_front()?;
        if twice {
            queue.push_back(next.clone());
        }
        Some(next)
    }

    fn strikes(&mut self) -> bool {
        self.draws += 1;
        let drawn = banyan_crypto::blake2b(&[&self.draws.to_be_bytes()]);
        u32::from(drawn[0]) * 100 / 256 < self.loss
    }

    /// Carry messages until nobody has one.
    pub fn settle(&mut self) {
        loop {
            let mut carried = false;
            for from in 0..self.nodes.len() {
                while let Some((to, message)) = self.next(from) {
                    carried = true;
                    let bytes = message.encode().len();
                    self.bytes += bytes;
                    let from = Peer(u64::try_from(from).unwrap());
                    let is_hello = matches!(message, Message::Hello(_));
                    if is_hello || !self.strikes() {
                        let to = usize::try_from(to.0).unwrap();
                        if let Some(node) = self.nodes.get_mut(to) {
                            node.tell(Input::Message { from, message: Box::new(message), bytes });
                        }
                    }
                }
            }
            if !carried {
                return;
            }
        }
    }

    /// Let so many seconds pass, one at a time.
    pub fn run(&mut self, seconds: u64) {
        self.settle();
        for _ in 0..seconds {
            self.now = TimeMs(self.now.0 + 1_000);
            for node in &mut self.nodes {
                node.tell(Input::Tick(self.now));
            }
            self.settle();
        }
    }

    pub fn agree(&self) -> bool {
        self.nodes.iter().all(|node| node.tip == self.nodes[0].tip)
    }
}
