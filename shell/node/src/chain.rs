//! What a node knows of its ledger, to be read by anybody while the node works: states, blocks, transactions, proofs.

use banyan_ledger::{
    Account, Changes, Clock, ConnectionPoint, Effects, Escrow, Event, Genesis, Key, Outcome, Params, ParentLeaf,
    Supply, genesis_state, key,
};
use banyan_store::{Commit, Engine, Flush, Order, Place, Store, Version, View};
use banyan_types::{
    AccountId, Asset, AssociateId, Bytes, Hash, Height, PublicKey, Receipt, TxHash,
    associate::{InboxEntry, OutboxEntry},
    committee::Certificate,
    header::{ChildBody, ChildHeader, KeyHeader, MicroBody, POW_EDGES, PROTOCOL_VERSION},
    rlp::{DecodeError, Field as _, Items},
    tx::SignedTx,
};

use crate::{GenesisFile, Header, NodeError, child::SEAL_RECORD, genesis::EngineParams};

/// Name of the row that holds the genesis hash.
const GENESIS_ROW: &str = "genesis";

/// One ledger's blocks and states.
pub struct Chain {
    store: Store,
    file: GenesisFile,
    genesis: Genesis,
    genesis_hash: Hash,
}

/// The end of the chosen chain: a block, and the state after it.
#[derive(Clone)]
pub struct Head {
    /// The block's header.
    pub header: Header,
    /// Its hash.
    pub hash: Hash,
    /// The state after it.
    pub view: View,
}

/// A block as the store keeps it.
#[derive(Debug, Clone)]
pub struct StoredBlock {
    /// Its header.
    pub header: Header,
    /// Its transactions.
    pub txs: Vec<SignedTx>,
    /// Bytes of its body.
    pub body: Vec<u8>,
}

/// A transaction on the chosen chain.
#[derive(Debug, Clone)]
pub struct Found {
    /// The transaction.
    pub tx: SignedTx,
    /// Header of its block.
    pub header: Header,
    /// Hash of its block.
    pub block: Hash,
    /// Its place in the block.
    pub position: u32,
    /// What it did.
    pub receipt: Receipt,
}

banyan_types::record! {
    /// What a block did, kept beside it.
    Kept {
        /// Encoded receipts, in order.
        receipts: Vec<Bytes>,
        /// On a child: encoded withdrawals, in order.
        outbox: Vec<Bytes>,
        /// On a child: skipped inbox numbers.
        skipped: Vec<u64>,
        /// On a child: inbox entries with money that it settled.
        settled: u64,
        /// On a child: its side of the connection after the block, encoded; else empty.
        parent: Bytes,
    }
}

impl Chain {
    /// Open the ledger that `engine` holds, or begin it from its genesis.
    /// # Errors
    /// `OtherGenesis` when the store holds another one; `Store` when it is broken.
    pub fn open(engine: impl Engine + 'static, file: GenesisFile) -> Result<Self, NodeError> {
        let genesis = file.genesis()?;
        let genesis_hash = genesis.hash();
        let chain = Self { store: Store::open(engine)?, file, genesis, genesis_hash };
        match chain.store.meta(GENESIS_ROW)? {
            Some(held) if held == genesis_hash.0 => {}
            Some(held) => {
                let held = Hash::from_slice(&held).unwrap_or(Hash::ZERO);
                return Err(NodeError::OtherGenesis { held, asked: genesis_hash });
            }
            None => chain.begin()?,
        }
        if chain.store.last_final() == Version::EMPTY {
            chain.store.finalise(chain.store.head(), 0)?;
        }
        Ok(chain)
    }

    /// Write the genesis block and its state, as one.
    fn begin(&self) -> Result<(), NodeError> {
        let changes = genesis_state(&self.genesis)?;
        let mut session = self.store.session(Version::EMPTY)?;
        let header = self.genesis_header(Hash(session.root_after(&changes)));
        let hash = header.hash();
        let executed = session.finish(hash.0, changes);
        let version = executed.version();
        let mut commit = Commit::new();
        commit.state(executed).head(version).header(&hash.0, header.encode()).body(&hash.0, Vec::new());
        commit.main(Place::at(0), Some(&hash.0)).meta(GENESIS_ROW, self.genesis_hash.0);
        Ok(self.store.commit(commit, Flush::Now)?)
    }

    /// Block 0: no work, no leader; its parent is the hash of the genesis.
    fn genesis_header(&self, state_root: Hash) -> Header {
        let prev_hash = self.genesis_hash;
        let (leader, set_hash) = self.file.engine.first();
        match &self.file.engine {
            EngineParams::Root(engine) => Header::Key(Box::new(KeyHeader {
                version: PROTOCOL_VERSION,
                info: None,
                height: Height(0),
                prev_hash,
                prev_key_hash: prev_hash,
                state_root,
                miner: PublicKey::ZERO,
                beneficiary: AccountId::ZERO,
                witness_hash: Hash::ZERO,
                target: engine.target_initial,
                time: self.genesis.time,
                nonce: 0,
                pow: [0; POW_EDGES],
            })),
            EngineParams::Solo(_) | EngineParams::Committee(_) | EngineParams::Rotation(_) => {
                Header::Child(Box::new(ChildHeader {
                    version: PROTOCOL_VERSION,
                    height: Height(0),
                    prev_hash,
                    parent_hash: Hash::ZERO,
                    parent_height: Height(0),
                    root_height: Height(0),
                    time_ms: self.genesis.time,
                    entropy: Hash::ZERO,
                    txs_root: Hash::ZERO,
                    receipts_root: Hash::ZERO,
                    inbox_to: 0,
                    outbox_to: 0,
                    state_root,
                    set_hash,
                    leader,
                    view: 0,
                    prev_seal_hash: Hash::ZERO,
                }))
            }
        }
    }

    /// Parameters of the transition.
    pub const fn params(&self) -> &Params {
        &self.genesis.params
    }

    /// The ledger's genesis file.
    pub const fn file(&self) -> &GenesisFile {
        &self.file
    }

    /// The ledger's name.
    pub fn name(&self) -> &str {
        &self.genesis.name
    }

    /// Hash of the genesis.
    pub const fn genesis_hash(&self) -> Hash {
        self.genesis_hash
    }

    /// The store beneath.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The end of the chosen chain.
    /// # Errors
    /// `Store` when it cannot be read.
    pub fn head(&self) -> Result<Head, NodeError> {
        self.head_at(self.store.head())
    }

    /// The last final block.
    /// # Errors
    /// `Store` when it cannot be read.
    pub fn last_final(&self) -> Result<Head, NodeError> {
        self.head_at(self.store.last_final())
    }

    fn head_at(&self, version: Version) -> Result<Head, NodeError> {
        let view = self.store.at(version)?;
        let hash = Hash(view.block());
        let header = self.header(hash)?.ok_or(NodeError::Header)?;
        Ok(Head { header, hash, view })
    }

    /// The state after `block`, if it is still kept.
    /// # Errors
    /// `Store` when it cannot be read.
    pub fn state_at(&self, block: Hash) -> Result<Option<View>, NodeError> {
        self.store.version_of(&block.0).map(|version| self.store.at(version)).transpose().map_err(Into::into)
    }

    /// The header of any block known here.
    /// # Errors
    /// `Store` when it cannot be read.
    pub fn header(&self, block: Hash) -> Result<Option<Header>, NodeError> {
        self.store.header(&block.0)?.map(|bytes| Header::decode(&bytes)).transpose()
    }

    /// Any block known here.
    /// # Errors
    /// `Store` when it cannot be read.
    pub fn block(&self, block: Hash) -> Result<Option<StoredBlock>, NodeError> {
        let Some(header) = self.header(block)? else { return Ok(None) };
        let body = self.store.body(&block.0)?.unwrap_or_default();
        let txs = decode_txs(&header, &body)?;
        Ok(Some(StoredBlock { header, txs, body }))
    }

    /// The transactions of a block as bytes; none if it is not there.
    /// # Errors
    /// `Store` when it cannot be read, `Decode` when it holds what is no block.
    pub(crate) fn raw_txs(&self, block: Hash) -> Result<Vec<Bytes>, NodeError> {
        let Some(header) = self.header(block)? else { return Ok(vec![]) };
        raw_txs(&header, &self.store.body(&block.0)?.unwrap_or_default())
    }

    /// The block of the chosen chain at `place`.
    /// # Errors
    /// `Store` when it cannot be read.
    pub fn main_at(&self, place: Place) -> Result<Option<Hash>, NodeError> {
        Ok(self.store.main(place)?.map(Hash))
    }

    /// Blocks of the chosen chain from `place` on, ascending or descending.
    /// # Errors
    /// `Store` when it cannot be read.
    pub fn main_from(&self, place: Place, order: Order, most: usize) -> Result<Vec<(Place, Hash)>, NodeError> {
        let rows = self.store.main_from(place, order, most)?;
        Ok(rows.into_iter().map(|(place, hash)| (place, Hash(hash))).collect())
    }

    /// Whether the block stands on the chosen chain.
    /// # Errors
    /// `Store` when it cannot be read.
    pub fn is_main(&self, block: Hash, header: &Header) -> Result<bool, NodeError> {
        Ok(self.main_at(header.place())? == Some(block))
    }

    /// A transaction of the chosen chain.
    /// # Errors
    /// `Store` when it cannot be read.
    pub fn transaction(&self, hash: TxHash) -> Result<Option<Found>, NodeError> {
        for (block, position) in self.store.blocks_of(&hash.0)? {
            let block = Hash(block);
            let Some(header) = self.header(block)? else { continue };
            if !self.is_main(block, &header)? {
                continue;
            }
            let txs = self.block(block)?.map(|block| block.txs).unwrap_or_default();
            let index = usize::try_from(position).unwrap_or(usize::MAX);
            let receipts = self.kept(block)?.receipts;
            let (Some(tx), Some(receipt)) = (txs.into_iter().nth(index), receipts.get(index)) else { continue };
            let receipt = Receipt::decode(&receipt.0)?;
            return Ok(Some(Found { tx, header, block, position, receipt }));
        }
        Ok(None)
    }

    /// The seal of the block of the chosen chain at a height: of a child that validators order.
    /// # Errors
    /// `Store` when it cannot be read.
    pub fn certificate(&self, height: Height) -> Result<Option<Certificate>, NodeError> {
        let seal = self.store.record(SEAL_RECORD, height.0)?;
        Ok(seal.map(|seal| Certificate::read(&seal)).transpose()?)
    }

    /// The receipts of a block.
    /// # Errors
    /// `Store` when it cannot be read.
    pub fn receipts(&self, block: Hash) -> Result<Vec<Receipt>, NodeError> {
        let kept = self.kept(block)?;
        kept.receipts.iter().map(|bytes| Ok(Receipt::decode(&bytes.0)?)).collect()
    }

    /// What a child's block does to its parent.
    /// # Errors
    /// `Store` when it cannot be read.
    pub fn effects(&self, block: Hash) -> Result<Effects, NodeError> {
        let kept = self.kept(block)?;
        let outbox = kept.outbox.iter().map(|bytes| OutboxEntry::decode(&bytes.0)).collect::<Result<_, _>>()?;
        Ok(Effects { outbox, skipped: kept.skipped })
    }

    /// On a child: its side of the connection after a block, and how many inbox entries with money the block settled.
    /// # Errors
    /// `Store` when it cannot be read.
    pub fn connection(&self, block: Hash) -> Result<Option<(ParentLeaf, u64)>, NodeError> {
        let kept = self.kept(block)?;
        if kept.parent.0.is_empty() {
            return Ok(None);
        }
        Ok(Some((ParentLeaf::decode(&kept.parent.0)?, kept.settled)))
    }

    fn kept(&self, block: Hash) -> Result<Kept, NodeError> {
        match self.store.receipt(&block.0)? {
            Some(bytes) => Ok(Kept::take_fields(&mut Items::of(&bytes)?)?),
            None => {
                Ok(Kept { receipts: vec![], outbox: vec![], skipped: vec![], settled: 0, parent: Bytes::default() })
            }
        }
    }
}

impl Kept {
    /// What is kept of a block.
    pub(crate) fn of(outcome: &Outcome, changes: &Changes) -> Vec<u8> {
        let parent = changes.get(&key::parent()).cloned().flatten().unwrap_or_default();
        let kept = Self {
            receipts: outcome.receipts.iter().map(|receipt| Bytes(receipt.encode())).collect(),
            outbox: outcome.effects.outbox.iter().map(|entry| Bytes(entry.encode())).collect(),
            skipped: outcome.effects.skipped.clone(),
            settled: settled(outcome),
            parent: Bytes(parent),
        };
        let mut bytes = Vec::new();
        kept.put(&mut bytes);
        bytes
    }
}

/// Inbox entries with money that the block settled, credited or skipped.
pub(crate) fn settled(outcome: &Outcome) -> u64 {
    let money = |event: &&Event| matches!(event, Event::Credited { .. } | Event::Skipped { .. });
    outcome.events.iter().filter(money).count() as u64
}

fn decode_txs(header: &Header, body: &[u8]) -> Result<Vec<SignedTx>, NodeError> {
    raw_txs(header, body)?.iter().map(|bytes| Ok(SignedTx::decode(&bytes.0)?)).collect()
}

fn raw_txs(header: &Header, body: &[u8]) -> Result<Vec<Bytes>, NodeError> {
    Ok(match header {
        Header::Key(_) => vec![],
        _ if body.is_empty() => vec![],
        Header::Micro(_) => MicroBody::decode(body)?.txs,
        Header::Child(_) => ChildBody::decode(body)?.txs,
    })
}

/// The leaves of a kept state, by what they mean.
pub trait Leaves {
    /// The leaf under `key`, read by `decode`.
    /// # Errors
    /// `Store` when it cannot be read, `Decode` when it is not what it should be.
    fn leaf<T>(&self, key: &Key, decode: fn(&[u8]) -> Result<T, DecodeError>) -> Result<Option<T>, NodeError>;

    /// An account; `None` if it does not exist.
    /// # Errors
    /// As [`Self::leaf`].
    fn account(&self, id: AccountId) -> Result<Option<Account>, NodeError> {
        self.leaf(&key::account(id), Account::decode)
    }

    /// A connection point.
    /// # Errors
    /// As [`Self::leaf`].
    fn associate(&self, id: AssociateId) -> Result<Option<ConnectionPoint>, NodeError> {
        self.leaf(&key::point(id), ConnectionPoint::decode)
    }

    /// What a child's escrow of the inherited coin holds.
    /// # Errors
    /// As [`Self::leaf`].
    fn escrow(&self, id: AssociateId) -> Result<Escrow, NodeError> {
        Ok(self.leaf(&key::escrow(id, Asset::Coin), Escrow::decode)?.unwrap_or(Escrow::EMPTY))
    }

    /// An open entry of a child's inbox.
    /// # Errors
    /// As [`Self::leaf`].
    fn inbox_entry(&self, id: AssociateId, n: u64) -> Result<Option<InboxEntry>, NodeError> {
        self.leaf(&key::inbox(id, n), InboxEntry::decode)
    }

    /// On a child: its side of the connection.
    /// # Errors
    /// As [`Self::leaf`].
    fn parent_leaf(&self) -> Result<Option<ParentLeaf>, NodeError> {
        self.leaf(&key::parent(), ParentLeaf::decode)
    }

    /// Running totals of the coin.
    /// # Errors
    /// As [`Self::leaf`].
    fn supply(&self) -> Result<Option<Supply>, NodeError> {
        self.leaf(&key::supply(), Supply::decode)
    }

    /// Height and time.
    /// # Errors
    /// As [`Self::leaf`].
    fn clock(&self) -> Result<Option<Clock>, NodeError> {
        self.leaf(&key::clock(), Clock::decode)
    }
}

impl Leaves for View {
    fn leaf<T>(&self, key: &Key, decode: fn(&[u8]) -> Result<T, DecodeError>) -> Result<Option<T>, NodeError> {
        self.read(key)?.map(|bytes| Ok(decode(&bytes)?)).transpose()
    }
}
