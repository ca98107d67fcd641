//! A ledger of almost nothing in place of stores: every block that was ever made, and the state after it.
//!
//! A state is a chain of hashes, the height that is sealed in it, and who was convicted. Each is worked out once for all nodes,
//! when its block is made; which node holds which block is the nodes' own matter.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use banyan_crypto::blake2b;
use banyan_root::{Block, BodyFacts, Header, KeyBodyFacts, target::Target};
use banyan_types::{AccountId, Hash, Height, TimeMs, witness::Seal};
use banyan_witness::KeyRef;

/// A transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tx {
    /// Some payment.
    Pay(u64),
    /// Two votes convict a staker.
    Votes(AccountId),
    /// The leader of this generation signed two blocks with one index.
    Fork(Hash),
}

/// What a block leads to.
#[derive(Debug, Clone)]
pub struct State {
    /// Names it.
    pub root: Hash,
    /// The height of the last seal on the chain.
    pub sealed: Height,
    /// Who has lost the stake.
    pub slashed: BTreeSet<AccountId>,
    /// Whose rewards are lost.
    pub forked: BTreeSet<Hash>,
}

/// A block as a store would hold it.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its header.
    pub header: Header,
    /// A micro block's body.
    pub txs: Vec<Tx>,
    /// A key block's body.
    pub seal: Option<Box<Seal>>,
    /// The state after it; none if it is invalid.
    pub state: Option<Rc<State>>,
    /// The key block of its generation.
    pub key: Hash,
    /// Work of its key chain.
    pub work: u128,
    /// When it was made, in world time.
    pub made: TimeMs,
}

/// Every block.
#[derive(Debug, Default)]
pub struct Ledger {
    blocks: BTreeMap<Hash, Stored>,
    /// Indices of micro blocks, by key block: who left some out shows here.
    pub longest: BTreeMap<Hash, u32>,
}

impl Ledger {
    /// The genesis alone.
    pub fn new(genesis: Header) -> Self {
        let (hash, made) = (genesis.hash(), genesis.time());
        let (slashed, forked) = (BTreeSet::new(), BTreeSet::new());
        let state = State { root: genesis.state_root(), sealed: Height(0), slashed, forked };
        let stored =
            Stored { header: genesis, txs: vec![], seal: None, state: Some(state.into()), key: hash, work: 0, made };
        Self { blocks: BTreeMap::from([(hash, stored)]), longest: BTreeMap::new() }
    }

    /// A block.
    pub fn get(&self, hash: &Hash) -> Option<&Stored> {
        self.blocks.get(hash)
    }

    /// Keep a block whose parent is here.
    pub fn add(&mut self, header: Header, txs: Vec<Tx>, seal: Option<Box<Seal>>, made: TimeMs) {
        let hash = header.hash();
        let Some(parent) = self.blocks.get(&header.prev_hash()) else { return };
        let (mut key, mut work) = (parent.key, parent.work);
        match &header {
            Header::Key(new) => {
                key = hash;
                work += Target::from_compact(new.target).map_or(0, Target::work);
            }
            Header::Micro(micro) => {
                let longest = self.longest.entry(key).or_default();
                *longest = micro.index.max(*longest);
            }
        }
        let state = self.after(&header.prev_hash(), header.height(), &txs, seal.as_deref());
        let state = state.filter(|state| state.root == header.state_root()).map(Rc::new);
        self.blocks.entry(hash).or_insert(Stored { header, txs, seal, state, key, work, made });
    }

    /// The state that a body leads to on a block; none if it must not stand there.
    pub fn after(&self, prev: &Hash, height: Height, txs: &[Tx], seal: Option<&Seal>) -> Option<State> {
        let parent = self.blocks.get(prev)?;
        let mut state = (**parent.state.as_ref()?).clone();
        let body = if txs.is_empty() { seal_hash(seal) } else { txs_root(txs) };
        state.root = Hash(blake2b(&[&state.root.0, &prev.0, &height.0.to_be_bytes(), &body.0]));
        for tx in txs {
            match tx {
                Tx::Pay(_) => {}
                Tx::Votes(staker) => drop(state.slashed.insert(*staker)),
                Tx::Fork(key) => drop(state.forked.insert(*key)),
            }
        }
        if let Some(seal) = seal {
            if seal.height <= state.sealed || !self.descends(&parent.key, &seal.hash) {
                return None;
            }
            state.sealed = seal.height;
        }
        Some(state)
    }

    /// The block as the root machine sees it.
    pub fn seen(&self, hash: &Hash) -> Option<Block> {
        let stored = self.get(hash)?;
        Some(match stored.header.clone() {
            Header::Key(header) => Block::Key(header, facts(stored.seal.as_deref())),
            Header::Micro(header) => Block::Micro(header, BodyFacts { txs_root: txs_root(&stored.txs), bytes: 200 }),
        })
    }

    /// A key block as the witness machine sees it.
    pub fn key_ref(&self, hash: &Hash) -> Option<KeyRef> {
        let stored = self.get(hash).filter(|stored| stored.key == *hash)?;
        let (height, prev_key) = (stored.header.height(), stored.header.prev_key_hash());
        Some(KeyRef { hash: *hash, height, prev_key, work: stored.work })
    }

    /// Key blocks from one downward, itself first, the genesis last.
    pub fn keys(&self, hash: &Hash) -> impl Iterator<Item = &Stored> + use<'_> {
        let first = self.get(hash).and_then(|stored| self.get(&stored.key));
        std::iter::successors(first, |stored| self.get(&stored.header.prev_key_hash()))
    }

    /// Blocks from one downward, itself first.
    pub fn line(&self, hash: &Hash) -> impl Iterator<Item = (Hash, &Stored)> + use<'_> {
        let first = self.get(hash).map(|stored| (*hash, stored));
        std::iter::successors(first, |(_, stored)| {
            let prev = stored.header.prev_hash();
            self.get(&prev).map(|stored| (prev, stored))
        })
    }

    /// Whether a key block is another or has it below.
    pub fn descends(&self, key: &Hash, ancestor: &Hash) -> bool {
        let Some(height) = self.get(ancestor).map(|stored| stored.header.height()) else { return false };
        self.keys(key).find(|stored| stored.header.height() <= height).is_some_and(|stored| stored.key == *ancestor)
    }
}

/// The hash of a micro block's body.
pub fn txs_root(txs: &[Tx]) -> Hash {
    let bytes: Vec<u8> = txs.iter().flat_map(tx_bytes).collect();
    Hash(blake2b(&[&bytes]))
}

fn tx_bytes(tx: &Tx) -> Vec<u8> {
    match tx {
        Tx::Pay(n) => n.to_be_bytes().to_vec(),
        Tx::Votes(staker) => staker.0.to_vec(),
        Tx::Fork(key) => key.0.to_vec(),
    }
}

/// The hash of a key block's body.
pub fn seal_hash(seal: Option<&Seal>) -> Hash {
    seal.map_or(Hash::ZERO, |seal| Hash(blake2b(&[&seal.encode()])))
}

fn facts(seal: Option<&Seal>) -> KeyBodyFacts {
    KeyBodyFacts {
        witness_hash: seal_hash(seal),
        bytes: seal.map_or(0, |seal| u32::try_from(seal.encode().len()).unwrap_or(0)),
    }
}
