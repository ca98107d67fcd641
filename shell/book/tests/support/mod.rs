//! A parent that is nothing but one connection point and its rules, and books that hang from it.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

pub mod postgres;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use banyan_accounts::{Adapter, Did, Ours, Settings, SqlBook, Stopped};
use banyan_crypto::SecretKey;
use banyan_ledger::{ConnectionPoint, Params, ParentTip, Standing};
use banyan_node::{At, GenesisFile, NodeError, Operators, Parent};
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Gas, Hash, Height, Nonce, Payee, TimeMs,
    associate::{Access, ChildParams, Hop, InboxEntry, InboxKind, Regime},
    tx::{AssociateCreate, AssociateRemit, SignedTx, Transaction},
};

pub const CHILD: AssociateId = AssociateId([7; 32]);

pub fn account(seed: u8) -> AccountId {
    AccountId(SecretKey::from_seed([seed; 32]).public())
}

pub fn units(base: u128) -> Amount {
    Amount::new(base).unwrap()
}

/// Who signs for the book: two of three.
pub fn operators(keys: std::ops::Range<u8>) -> Operators {
    let key = |seed| SecretKey::from_seed([seed; 32]);
    Operators { signers: keys.map(key).collect(), payer: key(200) }
}

struct State {
    params: Params,
    point: ConnectionPoint,
    inbox: BTreeMap<u64, InboxEntry>,
    height: u64,
    nonce: u64,
    committed: u128,
    paid: Vec<(AccountId, u128)>,
    /// What went back to its sender, by its number.
    back: Vec<u64>,
    remits: Vec<Vec<u8>>,
}

/// The parent. Clones are one.
#[derive(Clone)]
pub struct Fake(Arc<Mutex<State>>);

impl Fake {
    pub fn new() -> Self {
        let params = GenesisFile::dev_root(TimeMs(0), None, BTreeMap::new()).params;
        Self(Arc::new(Mutex::new(State {
            params,
            point: registered(),
            inbox: BTreeMap::new(),
            height: 1,
            nonce: 0,
            committed: 0,
            paid: vec![],
            back: vec![],
            remits: vec![],
        })))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }

    /// A block goes by.
    pub fn block(&self) {
        self.with(|state| state.height += 1);
    }

    /// Money for an account of the child.
    pub fn commit(&self, to: AccountId, base: u128) -> u64 {
        self.with(|state| {
            state.committed += base;
            let deadline = Height(state.height + 1_000);
            state.tell(InboxEntry { to, amount: units(base), deadline, ..entry(InboxKind::Commit) })
        })
    }

    /// Any other entry.
    pub fn tell(&self, entry: InboxEntry) -> u64 {
        self.with(|state| {
            state.committed += entry.amount.base();
            state.tell(entry)
        })
    }

    pub fn point(&self) -> ConnectionPoint {
        self.with(|state| state.point.clone())
    }

    /// What was paid out of the escrow.
    pub fn paid(&self) -> Vec<(AccountId, u128)> {
        self.with(|state| state.paid.clone())
    }

    pub fn back(&self) -> Vec<u64> {
        self.with(|state| state.back.clone())
    }

    /// Every remit that was taken, its summary as bytes.
    pub fn remits(&self) -> Vec<Vec<u8>> {
        self.with(|state| state.remits.clone())
    }

    /// Take a remit by the rules that concern a book; false if it was taken before.
    pub fn take(&self, tx: &SignedTx) -> bool {
        let Transaction::AssociateRemit(remit) = tx.transaction() else { panic!("no remit") };
        self.with(|state| state.remit(remit))
    }
}

impl State {
    fn tell(&mut self, entry: InboxEntry) -> u64 {
        let n = self.point.inbox_next;
        let entry = InboxEntry { n, height: Height(self.height), ..entry }.chained(self.point.inbox_hash);
        self.point.inbox_next = n + 1;
        self.point.inbox_hash = entry.hash;
        self.inbox.insert(n, entry);
        n
    }

    fn remit(&mut self, remit: &AssociateRemit) -> bool {
        let (summary, point) = (&remit.summary, &self.point.point);
        if summary.seq <= point.seq {
            return false;
        }
        assert_eq!((summary.seq, summary.child_from), (point.seq + 1, point.child_to));
        assert!(
            summary.parent_height >= point.parent_height && summary.parent_hash == hash_at(summary.parent_height.0)
        );
        let entries: Vec<_> =
            (self.point.inbox_acked..summary.inbox_acked).map(|n| self.inbox.remove(&n).unwrap()).collect();
        assert_eq!(entries.last().map_or(self.point.inbox_acked_hash, |entry| entry.hash), summary.inbox_hash);
        let folded = remit.lines.iter().fold(point.outbox_hash, |chain, line| line.chain(chain));
        assert_eq!(folded, summary.outbox_hash);
        assert_eq!(summary.outbox_acked, point.outbox_acked + remit.lines.len() as u64);
        for line in &remit.lines {
            let Payee::Account(to) = line.to else { panic!("paid to no account") };
            self.paid.push((to, line.amount.base()));
        }
        for n in &summary.skipped {
            let entry = entries.iter().find(|entry| entry.n == *n).expect("skipped within what is settled");
            assert_eq!(entry.kind, InboxKind::Commit);
            self.back.push(*n);
            self.committed -= entry.amount.base();
        }
        let paid: u128 = self.paid.iter().map(|(_, base)| base).sum();
        assert!(paid <= self.committed, "the escrow law: {paid} of {}", self.committed);
        self.remits.push(summary.encode());
        self.point.inbox_acked = summary.inbox_acked;
        self.point.inbox_acked_hash = summary.inbox_hash;
        self.point.last_alive = Height(self.height);
        let point = &mut self.point.point;
        (point.seq, point.child_to, point.root) = (summary.seq, summary.child_to, summary.root);
        (point.block_hash, point.parent_height) = (summary.block_hash, summary.parent_height);
        (point.outbox_acked, point.outbox_hash) = (summary.outbox_acked, summary.outbox_hash);
        let (seq, outbox) = (summary.seq, summary.outbox_acked);
        self.nonce += 1;
        self.tell(entry(InboxKind::RemitDone { seq, outbox }));
        true
    }
}

pub fn entry(kind: InboxKind) -> InboxEntry {
    InboxEntry {
        n: 0,
        kind,
        from: Payee::Account(account(9)),
        to: account(1),
        asset: Asset::Coin,
        amount: Amount::ZERO,
        route: vec![],
        leg: Hash::ZERO,
        height: Height(0),
        deadline: Height(u64::MAX),
        hash: Hash::ZERO,
    }
}

/// An entry of each sort that may not be credited.
pub fn not_for_a_book() -> Vec<InboxEntry> {
    let commit = InboxEntry { amount: units(5), ..entry(InboxKind::Commit) };
    vec![
        InboxEntry { deadline: Height(0), ..commit.clone() },
        InboxEntry { asset: Asset::Token(banyan_types::TokenId([3; 32])), ..commit.clone() },
        InboxEntry { route: vec![Hop::Up], ..commit },
    ]
}

fn hash_at(height: u64) -> Hash {
    Hash(banyan_crypto::sha256(&[&height.to_be_bytes()]))
}

/// The connection point of [`CHILD`], made by the ledger's own rules.
fn registered() -> ConnectionPoint {
    use banyan_ledger::{Claims, Point, RemitSpan, Status};
    let create = create();
    ConnectionPoint {
        creator: create.creator_id,
        network_id: create.network_id,
        genesis_hash: create.genesis_hash,
        heir: None,
        regime: create.regime,
        operators: create.operators,
        threshold: create.threshold,
        recovery: vec![],
        recovery_threshold: 0,
        access: create.access,
        params: create.params,
        inbox_next: 0,
        inbox_acked: 0,
        inbox_hash: Hash::ZERO,
        inbox_acked_hash: Hash::ZERO,
        point: Point {
            seq: 0,
            child_to: Height(0),
            block_hash: Hash::ZERO,
            root: Hash::ZERO,
            parent_height: Height(0),
            accepted_at: Height(1),
            outbox_acked: 0,
            outbox_hash: Hash::ZERO,
            skipped_hash: Hash::ZERO,
        },
        bonds: vec![],
        status: Status::Open,
        last_alive: Height(1),
        pending: vec![],
        acts: 0,
        span: RemitSpan::NONE,
        claims: Claims::NONE,
        tokens: vec![],
        expiry: create.expiry,
    }
}

fn create() -> AssociateCreate {
    AssociateCreate {
        creator_id: account(9),
        network_id: "bank.1234".into(),
        genesis_hash: Hash::ZERO,
        genesis_root: Hash::ZERO,
        regime: Regime::Operators,
        operators: (201..204).map(account).collect(),
        threshold: 2,
        recovery: vec![],
        recovery_threshold: 0,
        access: Access::Open,
        params: ChildParams {
            commit_timeout: 1_000,
            silence: 100_000,
            claim_window: 100_000,
            change_delay: 1_000,
            commit_min: units(1),
            commit_gas: Gas(0),
            remit_lines_max: 1_000,
            inbox_open_max: 100_000,
            remit_limit: Amount::ZERO,
            remit_limit_heights: 0,
            operator_bond: Amount::ZERO,
        },
        heir: None,
        expiry: Height(10_000_000),
        ttl: Height(0),
        fee: Amount::ZERO,
        nonce: Nonce(1),
    }
}

impl Parent for Fake {
    fn tip(&self) -> Result<ParentTip, NodeError> {
        Ok(self.with(|state| ParentTip {
            hash: hash_at(state.height),
            height: Height(state.height),
            time: TimeMs(state.height * 1_000),
            root_height: Height(state.height),
            entropy: Hash::ZERO,
            inbox_next: state.point.inbox_next,
        }))
    }

    fn tip_at(&self, _: Height) -> Result<Option<ParentTip>, NodeError> {
        Ok(None)
    }

    fn past(&self, _: Height, _: u64) -> Result<Option<ParentTip>, NodeError> {
        Ok(None)
    }

    fn params(&self) -> &Params {
        // One for all tests, and never dropped.
        Box::leak(Box::new(self.with(|state| state.params.clone())))
    }

    fn inbox(&self, from: u64, to: u64) -> Result<Option<Vec<InboxEntry>>, NodeError> {
        Ok(self.with(|state| (from..to).map(|n| state.inbox.get(&n).cloned()).collect()))
    }

    fn point(&self, _: At) -> Result<ConnectionPoint, NodeError> {
        Ok(self.point())
    }

    fn next_nonce(&self, _: AccountId) -> Result<Nonce, NodeError> {
        Ok(self.with(|state| Nonce(state.nonce + 1)))
    }
}

pub type Link = Adapter<SqlBook, Fake, Operators>;

/// A book that hangs from a parent.
pub fn link(book: SqlBook, parent: &Fake) -> Link {
    assert!(!matches!(parent.point().standing(Height(1)), Standing::Dead));
    Adapter::new(book, parent.clone(), operators(201..203), CHILD)
}

/// Step until there is nothing to do; remits go to the parent.
pub fn settle(link: &mut Link, parent: &Fake) -> Result<(), Stopped> {
    loop {
        match link.step()? {
            Did::Nothing => return Ok(()),
            Did::Remit(tx) => {
                parent.take(&tx);
            }
            Did::Credited { .. } | Did::Closed(_) | Did::Settled(_) | Did::Stands(_) => {}
        }
    }
}

pub fn open(settings: &Settings) -> Result<SqlBook, Ours> {
    SqlBook::open(settings, CHILD)
}

/// A file for a book.
pub fn file(folder: &tempfile::TempDir, name: &str) -> Settings {
    Settings::reference(folder.path().join(name).to_str().unwrap())
}
