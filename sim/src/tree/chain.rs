//! One ledger: its state in memory, its blocks with what undoes them, and how its engine makes the next one.

use std::collections::{BTreeMap, BTreeSet};

use banyan_ledger::{
    Account, Base as _, Block, Changes, ChildBlock, ChildStart, Clock, ConnectionPoint, Escrow, Event, Execution,
    Genesis, Invalid, KeyBlock, MapState, Outcome, Overlay, Params, ParentLeaf, ParentTip, Rejected, Supply, Verified,
    apply_block,
    engine::{BadHeader, Turn, View},
    genesis_state, key, key_outcome,
};
use banyan_tree::{Leaf, Trie};
use banyan_types::{
    AccountId, Asset, AssociateId, Bytes, Hash, Height, Nonce, PublicKey, TimeMs,
    associate::{InboxEntry, ProofStep},
    header::{ChildHeader, KeyHeader, POW_EDGES, PROTOCOL_VERSION},
    tx::SignedTx,
};

use super::order::{Order, Seal};
use crate::law::{Broken, ensure};

/// One block of so many is applied again by [`apply_block`], which must give what making it gave.
const APPLY_EVERY: u64 = 8;

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
    prev: Option<ChildHeader>,
    /// Hash of the last key block, on the root.
    last_key: Hash,
    genesis_header: Option<ChildHeader>,
    genesis_hash: Hash,
}

impl Ledger {
    /// A ledger at its genesis.
    pub fn new(genesis: &Genesis, order: Option<Order>) -> Self {
        let mut state = MapState::default();
        state.commit(&genesis_state(genesis).expect("a genesis"));
        let header = order.as_ref().map(|order| first_header(genesis, state.root(), order));
        Self {
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
        self.leaf(&key::supply(), |bytes| Supply::decode(bytes).ok()).expect("a supply")
    }

    /// Of a child: its side of the connection.
    pub fn parent_leaf(&self) -> ParentLeaf {
        self.leaf(&key::parent(), |bytes| ParentLeaf::decode(bytes).ok()).expect("a child's leaf")
    }

    fn clock(&self) -> Clock {
        self.leaf(&key::clock(), |bytes| Clock::decode(bytes).ok()).expect("a clock")
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

    /// Take back the last block.
    pub fn unwind(&mut self) -> Option<Record> {
        let record = self.records.pop()?;
        self.state.commit(&record.undo);
        self.final_len = self.final_len.min(self.records.len());
        let last = self.records.iter().rev();
        self.last_key = last.clone().find_map(|record| Some(record.named.as_ref()?.hash)).unwrap_or(self.genesis_hash);
        self.prev = last.clone().find_map(|record| record.header.clone()).or_else(|| self.genesis_header.clone());
        Some(record)
    }

    /// The root: transactions, as many as are accepted; then a key block, which ends the generation before it.
    pub fn generation(&mut self, txs: &[SignedTx], leader: PublicKey) -> Result<Vec<Refusal>, Broken> {
        let mut refused = Vec::new();
        if !txs.is_empty() {
            let mut overlay = Overlay::new(&mut self.state);
            let mut execution = Execution::micro(&mut overlay, &self.params).map_err(invalid)?;
            let (accepted, why) = push_all(&mut execution, &self.params.network_id, txs)?;
            refused = why;
            let outcome = execution.finish().map_err(missing)?;
            let written = Written::of(overlay)?;
            self.keep(written, Record { txs: accepted, ..blank(outcome) });
        }
        let clock = self.clock();
        self.key_block(KeyHeader {
            version: PROTOCOL_VERSION,
            info: None,
            height: Height(clock.height.0 + 1),
            prev_hash: self.last_key,
            prev_key_hash: self.last_key,
            state_root: Hash::ZERO,
            miner: leader,
            beneficiary: AccountId(leader.0),
            witness_hash: Hash::ZERO,
            target: 0x2100_ffff,
            time: TimeMs(clock.time.0 + 3_000),
            nonce: 0,
            pow: [0; POW_EDGES],
        })?;
        Ok(refused)
    }

    fn key_block(&mut self, mut header: KeyHeader) -> Result<(), Broken> {
        let made = key_outcome(&mut Overlay::new(&mut self.state), &self.params, &header, None).map_err(invalid)?;
        header.state_root = made.root;
        let block = Block::Key(KeyBlock { header: header.clone(), seal: None });
        let mut overlay = Overlay::new(&mut self.state);
        let outcome = apply_block(&mut overlay, &self.params, &block).map_err(invalid)?;
        ensure(outcome == made, LAW, || "making and applying a key block differ".into())?;
        let written = Written::of(overlay)?;
        self.last_key = header.hash();
        let named = Named {
            hash: header.hash(),
            height: header.height,
            time: header.time,
            root_height: header.height,
            entropy: header.entropy(),
            inbox_next: BTreeMap::new(),
        };
        self.keep(written, Record { named: Some(named), ..blank(outcome) });
        Ok(())
    }

    /// A child: the next block, naming `tip`, settling `inbox`, with as many of the transactions as are accepted.
    /// # Errors
    /// A broken law. Inside it, what the transition says of parent or inbox: then nothing has changed.
    pub fn child_block(
        &mut self,
        tip: ParentTip,
        inbox: &[InboxEntry],
        txs: &[SignedTx],
        absent: &BTreeSet<PublicKey>,
    ) -> Result<Result<Vec<Refusal>, Invalid>, Broken> {
        let order = self.order.clone().expect("a child is ordered by somebody");
        let prev = self.prev.clone().expect("a child has headers");
        let prev_seal_hash = self.prev_seal_hash(&order);
        let (version, associate) = (PROTOCOL_VERSION, self.id());
        let view = View { version, associate, prev: &prev, prev_seal_hash, parent: Some(tip) };
        let height = Height(prev.height.0 + 1);
        let (leader, turn) = order.turn(height, absent).ok_or_else(|| Broken::new(LAW, "nobody leads"))?;
        let header = order.draft(&self.params.network_id, &view, &tip, Turn { leader, view: turn, now: TimeMs(0) });
        let start = ChildStart { height, prev_hash: prev.hash(), time: header.time_ms, leader, parent: tip };

        let mut overlay = Overlay::new(&mut self.state);
        let mut execution = match Execution::child(&mut overlay, &self.params, &start, inbox) {
            Ok(execution) => execution,
            Err(why) => return Ok(Err(why)),
        };
        let (accepted, refused) = push_all(&mut execution, &self.params.network_id, txs)?;
        let (inbox_to, outbox_to) = execution.ends().expect("a child's ends");
        let outcome = execution.finish().map_err(missing)?;
        let written = Written::of(overlay)?;
        let header = ChildHeader {
            txs_root: outcome.txs_root,
            receipts_root: outcome.receipts_root,
            inbox_to,
            outbox_to,
            state_root: outcome.root,
            ..header
        };
        let seal = order.seal(&self.params.network_id, &header, absent);
        let judged = order.check(&self.params.network_id, &view, &header, &seal);
        judged.map_err(|why| Broken::new("blocks that an engine makes pass its rules", why.to_string()))?;
        if height.0.is_multiple_of(APPLY_EVERY) {
            self.apply_again(&header, tip, inbox, &accepted, &outcome)?;
        }
        self.keep_child(written, header, seal, Record { txs: accepted, inbox: inbox.to_vec(), ..blank(outcome) });
        Ok(Ok(refused))
    }

    /// What somebody who follows the ledger says to its last block, knowing its parent's block.
    pub fn judge_last(&self, parent: ParentTip) -> Result<(), BadHeader> {
        let (order, (last, before)) = match (&self.order, self.records.split_last()) {
            (Some(order), Some(records)) => (order, records),
            _ => return Ok(()),
        };
        let prev = before.last().map_or(self.genesis_header.as_ref(), |record| record.header.as_ref());
        let (Some(prev), Some(header), Some(seal)) = (prev, &last.header, &last.seal) else { return Ok(()) };
        let prev_seal_hash = before.last().and_then(|record| record.seal.as_ref());
        let prev_seal_hash = prev_seal_hash.map_or(Hash::ZERO, |seal| order.seal_hash(seal));
        let (version, associate) = (PROTOCOL_VERSION, self.id());
        let view = View { version, associate, prev, prev_seal_hash, parent: Some(parent) };
        order.check(&self.params.network_id, &view, header, seal)
    }

    fn prev_seal_hash(&self, order: &Order) -> Hash {
        let last = self.records.last().and_then(|record| record.seal.as_ref());
        last.map_or(Hash::ZERO, |seal| order.seal_hash(seal))
    }

    fn apply_again(
        &mut self,
        header: &ChildHeader,
        parent: ParentTip,
        inbox: &[InboxEntry],
        txs: &[SignedTx],
        made: &Outcome,
    ) -> Result<(), Broken> {
        let txs = Verified::check_all(txs.to_vec(), &self.params.network_id)
            .map_err(|at| Broken::new(LAW, format!("signature of transaction {at}")))?;
        let block = Block::Child(ChildBlock { header: header.clone(), txs, parent, inbox: inbox.to_vec() });
        let outcome = apply_block(&mut Overlay::new(&mut self.state), &self.params, &block).map_err(invalid)?;
        ensure(outcome == *made, LAW, || format!("making and applying block {} differ", header.height))
    }

    fn keep_child(&mut self, written: Written, header: ChildHeader, seal: Seal, record: Record) {
        self.prev = Some(header.clone());
        let named = Named {
            hash: header.hash(),
            height: header.height,
            time: header.time_ms,
            root_height: header.root_height,
            entropy: header.entropy,
            inbox_next: BTreeMap::new(),
        };
        self.keep(written, Record { named: Some(named), header: Some(header), seal: Some(seal), ..record });
        let leaf = self.parent_leaf();
        if let Some(record) = self.records.last_mut() {
            record.leaf = Some(leaf);
        }
    }

    /// Write a block's changes for good.
    fn keep(&mut self, written: Written, mut record: Record) {
        record.paid_back = self.paid_back(&record.outcome.events);
        self.state.commit(&written.changes);
        record.undo = written.undo;
        record.committed = self.committed(&record.outcome.events);
        if let Some(named) = &mut record.named {
            let next = |id| self.point(id).map(|point| (id, point.inbox_next));
            named.inbox_next = self.children.iter().filter_map(|id| next(*id)).collect();
        }
        self.records.push(record);
    }

    fn committed(&self, events: &[Event]) -> Vec<(AssociateId, InboxEntry)> {
        let entry = |event: &Event| match event {
            Event::Committed { associate, n, .. } => Some((*associate, self.entry(*associate, *n)?)),
            _ => None,
        };
        events.iter().filter_map(entry).collect()
    }

    /// The entries that events say were paid back, as they stood before.
    fn paid_back(&self, events: &[Event]) -> Vec<(AssociateId, InboxEntry)> {
        let entry = |event: &Event| match event {
            Event::PaidBack { associate, n, .. } => Some((*associate, self.entry(*associate, *n)?)),
            _ => None,
        };
        events.iter().filter_map(entry).collect()
    }
}

/// A transaction that was not taken, and why.
pub type Refusal = (SignedTx, Rejected);

/// What a block has written.
struct Written {
    changes: Changes,
    undo: Changes,
}

impl Written {
    fn of(overlay: Overlay<&mut MapState>) -> Result<Self, Broken> {
        let undo = overlay.undo().map_err(missing)?;
        Ok(Self { changes: overlay.into_parts().1, undo })
    }
}

const LAW: &str = "a block that is made can be applied";

fn invalid(why: Invalid) -> Broken {
    Broken::new(LAW, why.to_string())
}

fn missing(why: banyan_ledger::Missing) -> Broken {
    Broken::new(LAW, why.to_string())
}

fn push_all<S: banyan_ledger::State>(
    execution: &mut Execution<'_, S>,
    network_id: &str,
    txs: &[SignedTx],
) -> Result<(Vec<SignedTx>, Vec<Refusal>), Broken> {
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for tx in txs {
        let pushed = match Verified::check(tx.clone(), network_id) {
            Ok(verified) => execution.push(&verified),
            Err(why) => Err(Invalid::Transaction { index: 0, why }),
        };
        match pushed {
            Ok(()) => accepted.push(tx.clone()),
            Err(Invalid::Transaction { why: Rejected::Ours(why), .. }) => return Err(missing(why)),
            Err(Invalid::Transaction { why, .. }) => refused.push((tx.clone(), why)),
            Err(other) => return Err(invalid(other)),
        }
    }
    Ok((accepted, refused))
}

fn blank(outcome: Outcome) -> Record {
    Record {
        named: None,
        header: None,
        seal: None,
        leaf: None,
        undo: Changes::new(),
        txs: Vec::new(),
        outcome,
        inbox: Vec::new(),
        committed: Vec::new(),
        paid_back: Vec::new(),
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
