//! One ledger: its state in memory, its blocks with what undoes them, and how its engine makes the next one.

use std::collections::BTreeMap;

use banyan_ledger::{
    Account, Base as _, Changes, Clock, CommitteeEngine, ConnectionPoint, Escrow, Genesis, MapState, Outcome, Overlay,
    Params, ParentLeaf, ParentTip, Supply, engine::committee::next_epoch, genesis_state, key,
};
use banyan_tree::{Leaf, Trie};
use banyan_types::{
    AccountId, Asset, AssociateId, Bytes, Hash, Height, Nonce, PublicKey, TimeMs,
    associate::{InboxEntry, ProofStep},
    header::{ChildHeader, PROTOCOL_VERSION},
    tx::SignedTx,
};

use super::order::{Order, Seal};

/// What children name: a key block of the root, or any block of another ledger.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its hash.
    pub hash: Hash,
    /// Its height.
    pub height: Height,
    /// Its time.
    pub time: TimeMs,
    /// Height of the root there.
    pub root_height: Height,
    /// Its entropy.
    pub entropy: Hash,
    /// The next inbox number of each child.
    pub inbox_next: BTreeMap<AssociateId, u64>,
}

impl Named {
    /// As one child sees it.
    pub fn tip(&self, child: AssociateId) -> ParentTip {
        let inbox_next = self.inbox_next.get(&child).copied().unwrap_or(0);
        let Self { hash, height, time, root_height, entropy, .. } = *self;
        ParentTip { hash, height, time, root_height, entropy, inbox_next }
    }
}

/// A block of a ledger, with what undoes it.
#[derive(Clone, Debug)]
pub struct Record {
    /// What children name of it; nothing of a micro block.
    pub named: Option<Named>,
    /// Of a child: its header.
    pub header: Option<ChildHeader>,
    /// Of a child: its seal.
    pub seal: Option<Seal>,
    /// Of a child: its side of the connection after it.
    pub leaf: Option<ParentLeaf>,
    /// What undoes it.
    pub undo: Changes,
    /// Its transactions.
    pub txs: Vec<SignedTx>,
    /// What it did.
    pub outcome: Outcome,
    /// Inbox entries that it settled.
    pub inbox: Vec<InboxEntry>,
    /// Entries of children's inboxes that it wrote for money that went down.
    pub committed: Vec<(AssociateId, InboxEntry)>,
    /// Entries of children's inboxes that it paid back.
    pub paid_back: Vec<(AssociateId, InboxEntry)>,
}

/// A ledger.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Parameters of its transition.
    pub params: Params,
    /// Its whole state.
    pub state: MapState,
    /// Its blocks since the genesis.
    pub records: Vec<Record>,
    /// So many of them are final.
    pub final_len: usize,
    /// Who orders it; nobody on the root, where proof of work would.
    pub order: Option<Order>,
    /// Its children.
    pub children: Vec<AssociateId>,
    /// Header of block 0, or of the last block.
    pub(super) prev: Option<ChildHeader>,
    /// Hash of the last key block, on the root.
    pub(super) last_key: Hash,
    genesis_header: Option<ChildHeader>,
    genesis_hash: Hash,
}

impl Ledger {
    /// A ledger at its genesis.
    pub fn new(genesis: &Genesis, order: Option<Order>) -> Self {
        let mut state = MapState::default();
        state.commit(&genesis_state(genesis).expect("a plan makes a genesis that adds up"));
        let header = order.as_ref().map(|order| first_header(genesis, state.root(), order));
        let mut ledger = Self {
            params: genesis.params.clone(),
            state,
            records: Vec::new(),
            final_len: 0,
            order,
            children: Vec::new(),
            prev: header.clone(),
            last_key: genesis.hash(),
            genesis_header: header,
            genesis_hash: genesis.hash(),
        };
        ledger.follow_epochs();
        ledger
    }

    /// Who may make the next block, where the state says it.
    pub(super) fn follow_epochs(&mut self) {
        let next = next_epoch(&mut Overlay::new(&mut self.state), &self.params).expect("a map answers");
        if let (Some(next), Some(Order::Committee(epoch, _))) = (next, &mut self.order) {
            *epoch = next;
        }
    }

    /// A leaf of the state.
    pub fn leaf<T>(&self, at: &banyan_ledger::Key, decode: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        self.state.read(at).expect("a map answers").and_then(|bytes| decode(&bytes))
    }

    /// What an account has.
    pub fn account(&self, id: AccountId) -> Account {
        self.leaf(&key::account(id), |bytes| Account::decode(bytes).ok()).unwrap_or(Account::EMPTY)
    }

    /// The nonce of an account's next transaction, if `waiting` others come first.
    pub fn nonce(&self, id: AccountId, waiting: u64) -> Nonce {
        Nonce(self.account(id).nonce.0 + 1 + waiting)
    }

    /// A child's connection point.
    pub fn point(&self, id: AssociateId) -> Option<ConnectionPoint> {
        self.leaf(&key::point(id), |bytes| ConnectionPoint::decode(bytes).ok())
    }

    /// A child's escrow.
    pub fn escrow(&self, id: AssociateId) -> Escrow {
        let leaf = self.leaf(&key::escrow(id, Asset::Coin), |bytes| Escrow::decode(bytes).ok());
        leaf.unwrap_or(Escrow::EMPTY)
    }

    /// An open entry of a child's inbox.
    pub fn entry(&self, id: AssociateId, n: u64) -> Option<InboxEntry> {
        self.leaf(&key::inbox(id, n), |bytes| InboxEntry::decode(bytes).ok())
    }

    /// The open entries of a child's inbox.
    pub fn entries(&self, id: AssociateId) -> Vec<InboxEntry> {
        let Some(point) = self.point(id) else { return Vec::new() };
        (point.inbox_acked..point.inbox_next).filter_map(|n| self.entry(id, n)).collect()
    }

    /// The totals.
    pub fn supply(&self) -> Supply {
        self.leaf(&key::supply(), |bytes| Supply::decode(bytes).ok()).expect("every genesis writes the supply")
    }

    /// Of a child: its side of the connection.
    pub fn parent_leaf(&self) -> ParentLeaf {
        self.leaf(&key::parent(), |bytes| ParentLeaf::decode(bytes).ok())
            .expect("every block of a child writes its parent leaf")
    }

    /// Height and time of its last block.
    pub fn clock(&self) -> Clock {
        self.leaf(&key::clock(), |bytes| Clock::decode(bytes).ok()).expect("every genesis writes the clock")
    }

    /// Its height.
    pub fn height(&self) -> Height {
        self.clock().height
    }

    /// Its id at its parent.
    pub const fn id(&self) -> AssociateId {
        self.params.ledger
    }

    /// The last final block that children may name.
    pub fn final_named(&self) -> Option<&Named> {
        self.records[..self.final_len].iter().rev().find_map(|record| record.named.as_ref())
    }

    /// Leaves of a state with a proof that they stand there.
    pub fn prove(state: &MapState, keys: &[banyan_ledger::Key]) -> ProofStep {
        let leaf = |(key, value): (&banyan_ledger::Key, &[u8])| Leaf {
            key: *key,
            value_hash: banyan_tree::value_hash(value),
            note: (),
        };
        let trie = Trie::build(state.leaves().map(leaf));
        let mut sorted = keys.to_vec();
        sorted.sort_unstable();
        let leaves = keys.iter().map(|key| Bytes(state.read(key).expect("a map answers").unwrap_or_default()));
        ProofStep { leaves: leaves.collect(), proof: Bytes(trie.prove_many(&sorted).encode()) }
    }

    /// The state after the first `len` blocks.
    pub fn state_at(&self, len: usize) -> MapState {
        let mut state = self.state.clone();
        self.records[len..].iter().rev().for_each(|record| state.commit(&record.undo));
        state
    }

    /// Who orders a child.
    pub fn order(&self) -> &Order {
        self.order.as_ref().expect("a child is ordered by somebody")
    }

    /// What the state keeps of a committee whose validators may change.
    pub fn committee(&self) -> Option<CommitteeEngine> {
        self.leaf(&key::engine(), |bytes| CommitteeEngine::decode(bytes).ok())
    }

    /// Of a child: the header of its last block.
    pub fn prev(&self) -> &ChildHeader {
        self.prev.as_ref().expect("a child has headers")
    }

    /// Take back the last block.
    pub fn unwind(&mut self) -> Option<Record> {
        let record = self.records.pop()?;
        self.state.commit(&record.undo);
        self.final_len = self.final_len.min(self.records.len());
        let last = self.records.iter().rev();
        self.last_key = last.clone().find_map(|record| Some(record.named.as_ref()?.hash)).unwrap_or(self.genesis_hash);
        self.prev = last.clone().find_map(|record| record.header.clone()).or_else(|| self.genesis_header.clone());
        self.follow_epochs();
        Some(record)
    }
}

/// Block 0 of a child: its parent is the hash of the genesis.
fn first_header(genesis: &Genesis, state_root: Hash, order: &Order) -> ChildHeader {
    ChildHeader {
        version: PROTOCOL_VERSION,
        height: Height(0),
        prev_hash: genesis.hash(),
        parent_hash: Hash::ZERO,
        parent_height: Height(0),
        root_height: Height(0),
        time_ms: genesis.time,
        entropy: Hash::ZERO,
        txs_root: Hash::ZERO,
        receipts_root: Hash::ZERO,
        inbox_to: 0,
        outbox_to: 0,
        state_root,
        set_hash: order.set_hash(),
        leader: PublicKey::ZERO,
        view: 0,
        prev_seal_hash: Hash::ZERO,
    }
}
