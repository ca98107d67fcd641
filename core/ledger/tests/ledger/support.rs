//! Ledgers in memory: every block is made by [`Execution`] and applied again by [`apply_block`], and both must agree.

use banyan_crypto::SecretKey;
use banyan_ledger::{
    Account, Anchors, Base as _, Block, Changes, ChildBlock, ChildStart, Clock, ConnectionPoint, Effects, EmissionRow,
    Escrow, Event, Execution, Genesis, GenesisAccount, Invalid, KeyBlock, MapState, MicroBlock, Outcome, Overlay,
    Params, ParentLeaf, ParentTip, PointView, Rejected, RootEngine, RootRules, State as _, Supply, Verified,
    apply_block, associate, check_totals,
    engine::committee::{Epoch, next_epoch},
    escrow, genesis_state, inbox_entry, key, key_outcome, named_parent, rules, summary_of,
};
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Bytes, Gas, GasPrice, Hash, Height, Nonce, Payee, PublicKey, Signature,
    TimeMs,
    associate::{
        Access, ChildParams, Hop, InboxEntry, OperatorSignature, OutboxEntry, Regime, Summary, operators_authorization,
    },
    committee::{Certificate, MemberSignature, Statement, ValidatorSet},
    header::{ChildHeader, KeyBody, KeyHeader, MicroHeader, POW_EDGES, PROTOCOL_VERSION},
    rlp::Tail,
    tx::{AssociateCommit, AssociateCreate, AssociateRemit, AssociateWithdraw, SignedTx, Spend, Transaction},
    witness::Seal,
};

mod wrong;

pub use wrong::Wrong;

/// A fee that covers every transaction of these tests.
pub const FEE: Amount = Amount::new(50_000_000_000_000_000).unwrap();
/// Heights that a child of these tests has to credit a commit.
pub const COMMIT_TIMEOUT: u64 = 20;
/// Heights after which a silent child of these tests is dead.
pub const SILENCE: u64 = 200;

pub fn coins(coins: u64) -> Amount {
    Amount::coins(coins).unwrap()
}

pub fn units(base: u128) -> Amount {
    Amount::new(base).unwrap()
}

pub fn sum(amounts: impl IntoIterator<Item = Amount>) -> Amount {
    amounts.into_iter().fold(Amount::ZERO, |sum, amount| sum.plus(amount).unwrap())
}

/// The key of a person with a number.
pub fn secret(person: u8) -> SecretKey {
    SecretKey::from_seed([person; 32])
}

pub fn account(person: u8) -> AccountId {
    AccountId(secret(person).public())
}

pub const ALICE: u8 = 1;
pub const BOB: u8 = 2;
pub const CAROL: u8 = 3;
/// Leads the root and orders children.
pub const LEADER: u8 = 9;
/// Two of the three answer for each child.
pub const OPERATORS: [u8; 3] = [10, 11, 12];
pub const THRESHOLD: u8 = 2;
/// Nobody: has no account anywhere.
pub const STRANGER: u8 = 99;

pub fn root_rules() -> RootRules {
    let emission = vec![EmissionRow { from: Height(1), coins: 100 }, EmissionRow { from: Height(1_000_001), coins: 0 }];
    RootRules {
        supply_cap: Amount::MAX,
        maturity: 5,
        era: 20,
        emission,
        tail_div: 10_000_000_000,
        stake: None,
        anchors: Anchors::default(),
    }
}

pub fn params(network_id: &str, ledger: AssociateId, root: Option<RootRules>) -> Params {
    Params {
        network_id: network_id.into(),
        ledger,
        height_interval_ms: 3_000,
        gas_price_min: GasPrice(1_000_000_000),
        gas_per_tx_max: Gas(6_000_000),
        gas_per_block_max: Gas(60_000_000),
        auth_gas_max: Gas(50_000),
        rent_gas_per_byte_year: 20,
        lifetime_default: 100_000,
        lifetime_max: 1_000_000,
        grace: 1_000,
        root,
        committee: Tail(None),
    }
}

pub fn root_params() -> Params {
    params("banyan_test", AssociateId::ZERO, Some(root_rules()))
}

pub fn genesis(params: Params, accounts: &[(u8, Amount)]) -> Genesis {
    let accounts =
        accounts.iter().map(|(person, balance)| GenesisAccount { account: account(*person), balance: *balance });
    Genesis {
        name: "test".into(),
        profile: "dev".into(),
        time: TimeMs(1_700_000_000_000),
        params,
        engine: Bytes::default(),
        accounts: accounts.collect(),
        witnesses: vec![],
        associates: vec![],
    }
}

/// One ledger with its whole state.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub params: Params,
    pub state: MapState,
    /// Hash of the last block.
    pub head: Hash,
    /// Hash of the last key block, or child block: what children name.
    pub named: Hash,
    /// What the blocks since the last summary did to the parent.
    pub effects: Vec<Effects>,
    /// The state at height 0.
    pub genesis: MapState,
    /// Every block since, with what undoes it.
    pub history: Vec<(Block, Changes)>,
    /// On the root: its key headers from height 1 on.
    pub keys: Vec<KeyHeader>,
    /// On a child with validators: who they are, as its headers say.
    pub set_hash: Hash,
    /// On a child whose validators change: the set of the last block, who of all people seals blocks, and the view that the
    /// next one is made in.
    pub sealers: Option<ValidatorSet>,
    pub signers: Vec<u8>,
    pub view: u32,
    micro_index: u32,
}

impl Ledger {
    pub fn new(genesis: &Genesis) -> Self {
        let mut state = MapState::default();
        state.commit(&genesis_state(genesis).unwrap());
        let (head, params) = (genesis.hash(), genesis.params.clone());
        let genesis = state.clone();
        Self {
            params,
            state,
            head,
            named: head,
            effects: vec![],
            genesis,
            history: vec![],
            keys: vec![],
            set_hash: Hash::ZERO,
            sealers: None,
            signers: vec![],
            view: 0,
            micro_index: 0,
        }
    }

    /// A root where each of the first people has a million coins, one key block old.
    pub fn root() -> Self {
        let people = [ALICE, BOB, CAROL, LEADER, OPERATORS[0], OPERATORS[1], OPERATORS[2]];
        let mut root = Self::new(&genesis(root_params(), &people.map(|person| (person, coins(1_000_000)))));
        root.key_block(LEADER);
        root
    }

    fn leaf<L>(&self, key: &banyan_ledger::Key, decode: impl Fn(&[u8]) -> L) -> Option<L> {
        self.state.read(key).unwrap().map(|bytes| decode(&bytes))
    }

    pub fn account(&self, person: u8) -> Account {
        self.account_of(account(person))
    }

    pub fn account_of(&self, id: AccountId) -> Account {
        self.leaf(&key::account(id), |bytes| Account::decode(bytes).unwrap()).unwrap_or(Account::EMPTY)
    }

    pub fn balance(&self, person: u8) -> Amount {
        self.account(person).balance
    }

    pub fn nonce(&self, person: u8) -> Nonce {
        self.account(person).nonce.next().unwrap()
    }

    pub fn supply(&self) -> Supply {
        self.leaf(&key::supply(), |bytes| Supply::decode(bytes).unwrap()).unwrap()
    }

    pub fn engine(&self) -> RootEngine {
        self.leaf(&key::engine(), |bytes| RootEngine::decode(bytes).unwrap()).unwrap()
    }

    pub fn clock(&self) -> Clock {
        self.leaf(&key::clock(), |bytes| Clock::decode(bytes).unwrap()).unwrap()
    }

    pub fn height(&self) -> Height {
        self.clock().height
    }

    pub fn point(&self, id: AssociateId) -> ConnectionPoint {
        associate(&mut Overlay::new(self.state.clone()), id).unwrap().unwrap()
    }

    pub fn escrow(&self, id: AssociateId) -> Escrow {
        escrow(&mut Overlay::new(self.state.clone()), id).unwrap()
    }

    pub fn inbox(&self, id: AssociateId, n: u64) -> Option<InboxEntry> {
        inbox_entry(&mut Overlay::new(self.state.clone()), id, n).unwrap()
    }

    pub fn parent_leaf(&self) -> ParentLeaf {
        named_parent(&mut Overlay::new(self.state.clone())).unwrap()
    }

    pub fn root_hash(&self) -> Hash {
        self.state.root()
    }

    /// All sums, as the invariants of the protocol want them.
    pub fn check(&self) {
        let supply = check_totals(self.state.leaves().map(|(_, value)| value)).unwrap();
        if let Some(root) = &self.params.root {
            assert_eq!(supply.minted.plus(supply.pool), Some(root.supply_cap), "minted and pool are the cap");
        }
    }

    /// Write the block's changes for good, having checked that its undo restores the state before it.
    fn keep(&mut self, block: &Block, overlay: Overlay<MapState>) {
        let undo = overlay.undo().unwrap();
        let (base, changes) = overlay.into_parts();
        let before = base.root();
        self.state = base;
        self.state.commit(&changes);
        let mut unwound = self.state.clone();
        unwound.commit(&undo);
        assert_eq!(unwound.root(), before, "apply, then unwind, changes something");
        self.history.push((block.clone(), undo));
        self.check();
    }

    /// Apply a finished block, which must give exactly what making it gave.
    fn apply(&mut self, block: &Block, made: &Outcome) {
        let mut overlay = Overlay::new(self.state.clone());
        let applied = apply_block(&mut overlay, &self.params, block).unwrap();
        assert_eq!(&applied, made, "making and applying differ");
        self.keep(block, overlay);
    }

    pub fn key_header(&self, leader: u8) -> KeyHeader {
        let clock = self.clock();
        KeyHeader {
            version: PROTOCOL_VERSION,
            info: None,
            height: clock.height.next().unwrap(),
            prev_hash: self.head,
            prev_key_hash: self.named,
            state_root: Hash::ZERO,
            miner: PublicKey(secret(leader).public()),
            beneficiary: account(leader),
            witness_hash: Hash::ZERO,
            target: 0x2100_ffff,
            time: clock.time.plus(3_000).unwrap(),
            nonce: 0,
            pow: [0; POW_EDGES],
        }
    }

    /// The root: open the next generation.
    pub fn key_block(&mut self, leader: u8) -> Outcome {
        self.sealing(self.key_header(leader), None).unwrap()
    }

    /// The root: open the next generation with this header, carrying a seal.
    pub fn sealing(&mut self, mut header: KeyHeader, seal: Option<&Seal>) -> Result<Outcome, Invalid> {
        let made = key_outcome(&mut Overlay::new(self.state.clone()), &self.params, &header, seal)?;
        header.state_root = made.root;
        header.witness_hash = KeyBody::witness_hash(&KeyBody::bytes_of(seal));
        self.apply(&Block::Key(KeyBlock { header: header.clone(), seal: seal.cloned() }), &made);
        (self.head, self.named, self.micro_index) = (header.hash(), header.hash(), 0);
        self.keys.push(header);
        Ok(made)
    }

    pub fn key_blocks(&mut self, count: u64) {
        for _ in 0..count {
            self.key_block(LEADER);
        }
    }

    /// The root: a micro block of these transactions.
    pub fn micro(&mut self, txs: &[SignedTx]) -> Result<Outcome, Invalid> {
        let txs = self.verified(txs)?;
        let mut overlay = Overlay::new(self.state.clone());
        let mut execution = Execution::micro(&mut overlay, &self.params)?;
        txs.iter().try_for_each(|tx| execution.push(tx))?;
        let made = execution.finish()?;
        let clock = self.clock();
        let header = MicroHeader {
            version: PROTOCOL_VERSION,
            height: clock.height,
            index: self.micro_index + 1,
            prev_hash: self.head,
            prev_key_hash: self.named,
            state_root: made.root,
            txs_root: made.txs_root,
            receipts_root: made.receipts_root,
            time: clock.time,
            gas_used: made.gas_used,
            signature: Signature([0; 64]),
        };
        self.apply(&Block::Micro(MicroBlock { header: header.clone(), txs }), &made);
        (self.head, self.micro_index) = (header.hash(), header.index);
        Ok(made)
    }

    /// A child: the next block, naming the parent's last final block.
    pub fn child_block(&mut self, parent: &Self, txs: &[SignedTx]) -> Result<Outcome, Invalid> {
        let tip = parent.tip(self.params.ledger);
        let from = self.parent_leaf().inbox;
        let to = tip.inbox_next.clamp(from, from + 1_000);
        let inbox: Vec<_> = (from..to).map(|n| parent.inbox(self.params.ledger, n).unwrap()).collect();
        self.child_block_on(tip, &inbox, txs)
    }

    pub fn child_start(&self, parent: ParentTip) -> ChildStart {
        let clock = self.clock();
        ChildStart {
            height: clock.height.next().unwrap(),
            prev_hash: self.head,
            time: clock.time.next().unwrap().max(parent.time),
            leader: self.next_epoch().map_or(PublicKey(secret(LEADER).public()), |epoch| {
                epoch.leader(clock.height.next().unwrap(), self.view)
            }),
            view: self.view,
            parent,
            prev_seal: self.seal(),
        }
    }

    /// Who may make a child's next block, where its state says so.
    pub fn next_epoch(&self) -> Option<Epoch> {
        next_epoch(&mut Overlay::new(self.state.clone()), &self.params).unwrap()
    }

    /// The seal of a child's last block, by the signers that a test has put there; by none on a ledger without such.
    pub fn seal(&self) -> Bytes {
        let (Some((Block::Child(block), _)), Some(set)) = (self.history.last(), &self.sealers) else {
            return Bytes::default();
        };
        let statement = Statement::precommit(block.header.height, block.header.view, block.header.hash());
        let message = statement.signing_message(&self.params.network_id);
        let sign = |person: &u8| {
            let index = set.place(&PublicKey(secret(*person).public()))?;
            Some(MemberSignature { index, signature: Signature(secret(*person).sign(&message)) })
        };
        Bytes(Certificate::gather(&statement, self.signers.iter().filter_map(sign).collect()).encode())
    }

    pub fn child_block_on(
        &mut self,
        parent: ParentTip,
        inbox: &[InboxEntry],
        txs: &[SignedTx],
    ) -> Result<Outcome, Invalid> {
        let txs = self.verified(txs)?;
        let (start, epoch) = (self.child_start(parent), self.next_epoch());
        let mut overlay = Overlay::new(self.state.clone());
        let mut execution = Execution::child(&mut overlay, &self.params, &start, inbox)?;
        txs.iter().try_for_each(|tx| execution.push(tx))?;
        let (inbox_to, outbox_to) = execution.ends().unwrap();
        let made = execution.finish()?;
        let header = ChildHeader {
            version: PROTOCOL_VERSION,
            height: start.height,
            prev_hash: start.prev_hash,
            parent_hash: parent.hash,
            parent_height: parent.height,
            root_height: parent.root_height,
            time_ms: start.time,
            entropy: ChildHeader::derive_entropy(parent.entropy, self.params.ledger),
            txs_root: made.txs_root,
            receipts_root: made.receipts_root,
            inbox_to,
            outbox_to,
            state_root: made.root,
            set_hash: epoch.as_ref().map_or(self.set_hash, |epoch| epoch.set.hash()),
            leader: start.leader,
            view: start.view,
            prev_seal_hash: Certificate::read(&start.prev_seal.0).map_or(Hash::ZERO, |seal| seal.hash()),
        };
        let (inbox, prev_seal) = (inbox.to_vec(), start.prev_seal);
        self.apply(&Block::Child(ChildBlock { header: header.clone(), txs, parent, inbox, prev_seal }), &made);
        if let Some(epoch) = epoch {
            self.set_hash = epoch.set.hash();
            self.sealers = Some(epoch.set);
        }
        (self.head, self.named) = (header.hash(), header.hash());
        self.effects.push(made.effects.clone());
        Ok(made)
    }

    /// The last final block as children see it: on the root a key block, so nothing may have come after it.
    pub fn tip(&self, child: AssociateId) -> ParentTip {
        let clock = self.clock();
        let leaf = (!self.params.is_root()).then(|| self.parent_leaf());
        let inbox_next = associate(&mut Overlay::new(self.state.clone()), child).unwrap();
        ParentTip {
            hash: self.named,
            height: clock.height,
            time: clock.time,
            root_height: leaf.as_ref().map_or(clock.height, |leaf| leaf.root_height),
            entropy: leaf.map_or(self.named, |leaf| leaf.entropy),
            inbox_next: inbox_next.map_or(0, |point| point.inbox_next),
        }
    }

    fn verified(&self, txs: &[SignedTx]) -> Result<Vec<Verified<SignedTx>>, Invalid> {
        let why = Rejected::BadSignature;
        Verified::check_all(txs.to_vec(), &self.params.network_id).map_err(|index| Invalid::Transaction { index, why })
    }

    pub fn sign(&self, signer: u8, tx: impl Into<Transaction>) -> SignedTx {
        tx.into().sign(&self.params.network_id, &secret(signer))
    }

    /// What a node does with a transaction that it is given: check, verify, run. A refused one changes nothing.
    pub fn admit(&self, tx: &SignedTx) -> Result<Outcome, Rejected> {
        let checked = rules::precheck(&self.params, self.height(), tx)
            .and_then(|_| Verified::check(tx.clone(), &self.params.network_id))?;
        let mut overlay = Overlay::new(self.state.clone());
        let supply = key::supply();
        let before = (overlay.root().unwrap(), overlay.get(&supply).unwrap());
        let mut scene = self.execution(&mut overlay);
        let pushed = scene.push(&checked);
        let outcome = scene.finish().unwrap();
        match pushed {
            Ok(()) => Ok(outcome),
            Err(Invalid::Transaction { why, .. }) => {
                // A child's block begins with what its engine does.
                let of_engine = |event: &Event| {
                    matches!(
                        event,
                        Event::Rewarded { .. }
                            | Event::EpochTurned { .. }
                            | Event::Jailed { .. }
                            | Event::EpochDecreed { .. }
                            | Event::ShadowDecreed { .. }
                            | Event::ShadowAnswered { .. }
                            | Event::ConsensusFailed { .. }
                            | Event::ConsensusRules { .. }
                    )
                };
                let none = outcome.events.iter().all(of_engine);
                assert!(outcome.receipts.is_empty() && none, "a refused transaction left a trace");
                assert_eq!(outcome.effects, Effects::default());
                if self.params.is_root() {
                    assert_eq!((outcome.root, overlay.get(&supply).unwrap()), before, "a refused transaction wrote");
                }
                Err(why)
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// A block in the making at this state. A child's names its parent block again.
    fn execution<'a>(&'a self, overlay: &'a mut Overlay<MapState>) -> Execution<'a, Overlay<MapState>> {
        if self.params.is_root() {
            return Execution::micro(overlay, &self.params).unwrap();
        }
        let leaf = self.parent_leaf();
        let parent = ParentTip {
            hash: leaf.hash,
            height: leaf.height,
            time: leaf.time,
            root_height: leaf.root_height,
            entropy: leaf.entropy,
            inbox_next: leaf.inbox,
        };
        Execution::child(overlay, &self.params, &self.child_start(parent), &[]).unwrap()
    }

    pub fn spend(&self, from: u8, to: AccountId, amount: Amount) -> Spend {
        Spend {
            sender_id: account(from),
            recipient_id: Payee::Account(to),
            amount,
            fee: FEE,
            ttl: Height(0),
            nonce: self.nonce(from),
            payload: Bytes::default(),
        }
    }

    /// Register a child under `name`, for the three operators.
    pub fn create(&self, creator: u8, name: &str) -> AssociateCreate {
        let nonce = self.nonce(creator);
        let id = AssociateId::derive(&self.params.network_id, account(creator), nonce);
        AssociateCreate {
            creator_id: account(creator),
            network_id: format!("{name}.{}", id.short()),
            genesis_hash: Hash([7; 32]),
            genesis_root: Hash::ZERO,
            regime: Regime::Operators,
            operators: OPERATORS.map(account).to_vec(),
            threshold: THRESHOLD,
            recovery: vec![],
            recovery_threshold: 0,
            access: Access::Open,
            params: child_params(),
            heir: None,
            expiry: self.height().plus(50_000).unwrap(),
            ttl: Height(0),
            fee: FEE,
            nonce,
        }
    }

    pub fn commit(&self, from: u8, child: AssociateId, to: u8, amount: Amount) -> AssociateCommit {
        AssociateCommit {
            from_id: account(from),
            associate_id: child,
            to_id: account(to),
            asset: Asset::Coin,
            amount,
            route: vec![],
            leg: Hash([1; 32]),
            deadline: Height(0),
            ttl: Height(0),
            fee: FEE,
            nonce: self.nonce(from),
        }
    }

    pub fn withdraw(&self, from: u8, to: Payee, amount: Amount) -> AssociateWithdraw {
        AssociateWithdraw {
            from_id: account(from),
            to_id: to,
            asset: Asset::Coin,
            amount,
            route: vec![],
            leg: Hash([2; 32]),
            ttl: Height(0),
            fee: FEE,
            nonce: self.nonce(from),
        }
    }

    /// The header of a child's last block.
    pub fn child_header(&self) -> ChildHeader {
        match self.history.last() {
            Some((Block::Child(block), _)) => block.header.clone(),
            _ => panic!("no block of a child"),
        }
    }

    /// The honest summary of this child's blocks since the last accepted one.
    pub fn summary(&self, parent: &Self) -> (Summary, Vec<OutboxEntry>) {
        let point = parent.point(self.params.ledger).point;
        let leaf = self.parent_leaf();
        let end = PointView {
            height: self.height(),
            block_hash: self.head,
            root: self.root_hash(),
            set_hash: self.set_hash,
            leaf,
        };
        summary_of(self.params.ledger, &point, &end, self.effects.clone())
    }

    /// A remit with the operators' signatures.
    pub fn remit(&self, payer: u8, summary: Summary, lines: Vec<OutboxEntry>) -> AssociateRemit {
        let authorization = authorise(&self.params.network_id, &summary, &[(0, OPERATORS[0]), (2, OPERATORS[2])]);
        AssociateRemit {
            associate_id: summary.associate,
            from_id: account(payer),
            summary,
            lines,
            authorization,
            ttl: Height(0),
            fee: FEE,
            nonce: self.nonce(payer),
        }
    }
}

/// Signatures of people at places among the operators.
pub fn authorise(parent_network: &str, summary: &Summary, signers: &[(u64, u8)]) -> Bytes {
    signed_by(&summary.signing_message(parent_network), signers)
}

/// Signatures of people at places among the operators, over any message.
pub fn signed_by(message: &[u8], signers: &[(u64, u8)]) -> Bytes {
    let sign = |(index, person): &(u64, u8)| OperatorSignature {
        index: *index,
        signature: Signature(secret(*person).sign(message)),
    };
    operators_authorization(&signers.iter().map(sign).collect::<Vec<_>>())
}

pub fn child_params() -> ChildParams {
    ChildParams {
        commit_timeout: COMMIT_TIMEOUT,
        silence: SILENCE,
        claim_window: SILENCE,
        change_delay: COMMIT_TIMEOUT,
        commit_min: units(10),
        commit_gas: Gas(0),
        remit_lines_max: 1_000,
        inbox_open_max: 1_000,
        remit_limit: Amount::ZERO,
        remit_limit_heights: 0,
        operator_bond: Amount::ZERO,
    }
}

/// A child's beginning, as the transaction that registered it says.
pub fn child_of(create: &AssociateCreate, parent: &Ledger) -> Ledger {
    let id = AssociateId::derive(&parent.params.network_id, create.creator_id, create.nonce);
    Ledger::new(&genesis(params(&create.network_id, id, None), &[]))
}

/// A root with one child.
#[derive(Clone, Debug)]
pub struct Pair {
    pub root: Ledger,
    pub child: Ledger,
    pub id: AssociateId,
}

impl Pair {
    /// The child is registered by Carol and has made no block.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut AssociateCreate)) -> Self {
        let mut root = Ledger::root();
        let mut create = root.create(CAROL, "bank");
        change(&mut create);
        let child = child_of(&create, &root);
        root.micro(&[root.sign(CAROL, create)]).unwrap();
        let id = child.params.ledger;
        Self { root, child, id }
    }

    /// A child in which Alice and Bob hold a thousand coins each, all acknowledged.
    pub fn funded() -> Self {
        let mut pair = Self::new();
        pair.commit(ALICE, ALICE, coins(1_000));
        pair.commit(BOB, BOB, coins(1_000));
        pair.step(&[]).unwrap();
        pair.remit().unwrap();
        pair
    }

    pub fn commit(&mut self, from: u8, to: u8, amount: Amount) {
        let tx = self.root.sign(from, self.root.commit(from, self.id, to, amount));
        self.root.micro(&[tx]).unwrap();
    }

    /// A key block, and on it a block of the child.
    pub fn step(&mut self, txs: &[SignedTx]) -> Result<Outcome, Invalid> {
        self.root.key_block(LEADER);
        self.child.child_block(&self.root, txs)
    }

    /// The honest remit of all that the child has done.
    pub fn honest_remit(&self) -> AssociateRemit {
        let (summary, lines) = self.child.summary(&self.root);
        self.root.remit(OPERATORS[0], summary, lines)
    }

    /// Send it.
    pub fn remit(&mut self) -> Result<Outcome, Invalid> {
        let tx = self.root.sign(OPERATORS[0], self.honest_remit());
        let outcome = self.root.micro(&[tx])?;
        self.child.effects.clear();
        Ok(outcome)
    }

    /// A withdrawal in the child, from an account of the same person on the root.
    pub fn withdraw(&self, person: u8, amount: Amount) -> SignedTx {
        self.child.sign(person, self.child.withdraw(person, Payee::Account(account(person)), amount))
    }

    pub fn held(&self) -> Amount {
        self.root.escrow(self.id).held()
    }
}

/// A tree of ledgers. Each one's children stand behind it.
#[derive(Clone, Debug)]
pub struct Tree {
    pub ledgers: Vec<Ledger>,
    pub parents: Vec<Option<usize>>,
}

/// Who has money everywhere in a [`Tree`].
pub const PEOPLE: [u8; 3] = [ALICE, BOB, OPERATORS[0]];

impl Tree {
    /// A root and below it the ledgers whose parents are given; nobody has money below the root.
    pub fn new(parents: &[usize]) -> Self {
        let mut geneses = vec![genesis(root_params(), &PEOPLE.map(|person| (person, coins(1_000_000))))];
        let mut all_parents = vec![None];
        for (parent, n) in parents.iter().zip(1..) {
            let above = &mut geneses[*parent];
            let blank = Ledger::new(&genesis(above.params.clone(), &[]));
            let nonce = Nonce(above.associates.len() as u64 + 1);
            let id = AssociateId::derive(&above.params.network_id, account(CAROL), nonce);
            let network_id = format!("l{n}.{}", id.short());
            let create = AssociateCreate { nonce, network_id, ..blank.create(CAROL, "any") };
            above.associates.push(Bytes(Transaction::from(create.clone()).encode()));
            geneses.push(genesis(params(&create.network_id, id, None), &[]));
            all_parents.push(Some(*parent));
        }
        let mut tree = Self { ledgers: geneses.iter().map(Ledger::new).collect(), parents: all_parents };
        tree.advance();
        tree
    }

    /// Everybody has a thousand coins, less the hops' fees, on every ledger.
    pub fn funded(parents: &[usize]) -> Self {
        let mut tree = Self::new(parents);
        let everywhere: Vec<_> = (1..tree.ledgers.len()).collect();
        for at in everywhere {
            for person in PEOPLE {
                let path = tree.path(at);
                let route = path[1..].iter().map(|at| Hop::Down(tree.id(*at))).collect();
                let commit = tree.ledgers[0].commit(person, tree.id(path[0]), person, coins(1_000));
                tree.run(0, &[tree.ledgers[0].sign(person, AssociateCommit { route, ..commit })]).unwrap();
            }
            tree.advance();
        }
        tree
    }

    pub fn id(&self, at: usize) -> AssociateId {
        self.ledgers[at].params.ledger
    }

    /// From below the root down to a ledger.
    pub fn path(&self, at: usize) -> Vec<usize> {
        let mut path: Vec<_> = core::iter::successors(Some(at), |at| self.parents[*at]).collect();
        path.pop();
        path.reverse();
        path
    }

    /// One block of a ledger; a root's generation is closed, so that children can name it.
    pub fn run(&mut self, at: usize, txs: &[SignedTx]) -> Result<Outcome, Invalid> {
        let Some(parent) = self.parents[at] else {
            let outcome = self.ledgers[0].micro(txs)?;
            self.ledgers[0].key_block(LEADER);
            return Ok(outcome);
        };
        let (above, below) = self.ledgers.split_at_mut(at);
        below[0].child_block(&above[parent], txs)
    }

    /// One block of every ledger, from the root down.
    pub fn advance(&mut self) {
        self.ledgers[0].key_block(LEADER);
        for at in 1..self.ledgers.len() {
            self.run(at, &[]).unwrap();
        }
    }

    /// The honest remit of a ledger, accepted by its parent.
    pub fn remit(&mut self, at: usize) -> Outcome {
        let parent = self.parents[at].unwrap();
        let (summary, lines) = self.ledgers[at].summary(&self.ledgers[parent]);
        let above = &self.ledgers[parent];
        let tx = above.sign(OPERATORS[0], above.remit(OPERATORS[0], summary, lines));
        let outcome = self.run(parent, &[tx]).unwrap();
        self.ledgers[at].effects.clear();
        outcome
    }
}
