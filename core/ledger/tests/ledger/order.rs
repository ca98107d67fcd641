//! Rejections come in the order of the protocol's tables: all is wrong at first, and what is repaired no longer shows.

use banyan_ledger::{
    Base, Changes, Execution, Fault, Invalid, Key, MapState, Missing, Overlay, Params, Rejected, StoreKeys, Verified,
};
use banyan_types::{
    Amount, Asset, AssociateId, Bytes, ContractId, CtVersion, Gas, GasPrice, Hash, Height, Nonce, Payee, TokenAmount,
    TokenId,
    associate::{Access, Hop},
    limits::{
        INBOX_ACKED_PER_REMIT_MAX, OPERATORS_MAX, PAYLOAD_BYTES_MAX, REMIT_LINES_MAX, ROUTE_HOPS_MAX, TX_BYTES_MAX,
    },
    rlp::DecodeError,
    tx::{AssociateCommit, AssociateCreate, AssociateRemit, AssociateWithdraw, SignedTx, Spend},
};

use crate::support::*;

const ELSEWHERE: Asset = Asset::Token(TokenId([5; 32]));
const NOBODY: AssociateId = AssociateId([6; 32]);

#[test]
fn bytes_are_refused_before_anything_else() {
    let root = Ledger::root();
    let tx =
        root.sign(ALICE, Spend { payload: Bytes(vec![0; TX_BYTES_MAX]), ..root.spend(ALICE, account(BOB), coins(1)) });
    let got = tx.bytes().len();
    let rows: [(Vec<u8>, DecodeError, &str); 4] = [
        (tx.bytes().to_vec(), DecodeError::TooLarge { max: TX_BYTES_MAX, got }, "too_large"),
        (vec![1], DecodeError::Malformed("bytes where a list should stand"), "malformed"),
        (vec![0xc2, 0x81, 0x01], DecodeError::NotCanonical("length not minimal"), "not_canonical"),
        (vec![0xc2, 22, 1], DecodeError::UnknownTag { tag: 22, version: 1 }, "unknown_tag"),
    ];
    for (bytes, error, code) in rows {
        let why = Rejected::from(SignedTx::decode(&bytes).unwrap_err());
        assert_eq!((&why, why.fault(), why.code()), (&Rejected::Decode(error), Fault::Invalid, code));
    }
}

#[test]
fn rejections_come_in_the_order_of_the_table() {
    // Height 11 of a root that nobody but Alice knows of; she has used one nonce.
    let mut root = Ledger::root();
    root.micro(&[root.sign(ALICE, root.spend(ALICE, account(BOB), coins(1)))]).unwrap();
    root.key_blocks(10);
    let tight = Params { gas_per_tx_max: Gas(15_000), auth_gas_max: Gas(0), ..root.params.clone() };
    let wide = root.params.clone();
    let wrong = Spend {
        sender_id: account(STRANGER),
        recipient_id: Payee::Contract(ContractId([1; 32])),
        amount: Amount::MAX,
        fee: Amount::ZERO,
        ttl: Height(10),
        nonce: Nonce(1),
        payload: Bytes(vec![0; PAYLOAD_BYTES_MAX + 1]),
    };
    let gas_of = |tx: &Spend| Gas(15_000 + 20 * banyan_types::tx::Transaction::from(tx.clone()).encode().len() as u64);
    let price = |gas: Gas| units(u128::from(gas.0) * 1_000_000_000);
    let short = Spend { payload: Bytes::default(), ..wrong.clone() };
    let funded = Spend { fee: price(gas_of(&short)), ..short.clone() };
    let root_at = |params: &Params| {
        let mut ledger = root.clone();
        ledger.params = params.clone();
        ledger
    };
    let balance = root.balance(ALICE);
    // The transaction, who signs it and under which parameters.
    Wrong::new((wrong, BOB, tight.clone()), |(tx, signer, params)| {
        let ledger = root_at(params);
        ledger.admit(&ledger.sign(*signer, tx.clone()))
    })
    .says(Rejected::PayloadTooLarge { max: PAYLOAD_BYTES_MAX, got: PAYLOAD_BYTES_MAX + 1 }, |(tx, ..)| {
        tx.payload = Bytes::default();
    })
    .says(Rejected::FeeTooLow { needed: price(gas_of(&short)), got: Amount::ZERO }, |(tx, ..)| tx.fee = FEE)
    .says(Rejected::GasTooHigh { max: Gas(15_000), got: gas_of(&Spend { fee: FEE, ..funded }) }, |(.., params)| {
        *params = wide;
    })
    .says(Rejected::TtlExpired { ttl: Height(10), height: Height(11) }, |(tx, ..)| tx.ttl = Height(11))
    .says(Rejected::BadSignature, |(_, signer, _)| *signer = STRANGER)
    .says(Rejected::NoAccount { account: account(STRANGER) }, |(tx, signer, _)| {
        (tx.sender_id, *signer) = (account(ALICE), ALICE);
    })
    .says(Rejected::NonceUsed { expected: Nonce(2), got: Nonce(1) }, |(tx, ..)| tx.nonce = Nonce(3))
    .says(Rejected::NonceEarly { expected: Nonce(2), got: Nonce(3) }, |(tx, ..)| tx.nonce = Nonce(2))
    .says(Rejected::Overflow, |(tx, ..)| tx.amount = balance)
    .says(Rejected::Funds { balance, needed: balance.plus(FEE).unwrap() }, |(tx, ..)| tx.amount = Amount::ZERO)
    .says(Rejected::NotPayable, |(tx, ..)| tx.recipient_id = Payee::Account(account(STRANGER)))
    .says(Rejected::Dust, |(tx, ..)| tx.amount = units(1))
    .accepted();
}

#[test]
fn a_kind_without_a_place_here_is_refused_first() {
    let root = Ledger::root();
    let mut tx = root.withdraw(STRANGER, Payee::Account(account(BOB)), Amount::MAX);
    (tx.fee, tx.ttl) = (Amount::ZERO, Height(1));
    let why = root.admit(&root.sign(BOB, tx)).unwrap_err();
    assert_eq!(why, Rejected::NotHere { kind: "AssociateWithdrawTx" });
}

#[test]
fn create_rejects_in_the_written_order() {
    let root = Ledger::root();
    let good = root.create(ALICE, "bank");
    let too_many = (0..=u8::try_from(OPERATORS_MAX).unwrap()).map(account).collect::<Vec<_>>();
    let least = root.height().plus(SILENCE).unwrap();
    let max = root.params.lifetime_max;
    let wrong = AssociateCreate {
        network_id: root.params.network_id.clone(),
        operators: vec![],
        threshold: 3,
        recovery: vec![account(1), account(1)],
        recovery_threshold: 1,
        params: banyan_types::associate::ChildParams { commit_timeout: 9, silence: 199, ..child_params() },
        expiry: Height(1),
        ..good.clone()
    };
    let operators = |got| Rejected::Operators { max: OPERATORS_MAX, got };
    let parameter = |field| Rejected::Params { field };
    Wrong::new(wrong, |tx| root.admit(&root.sign(ALICE, tx.clone())))
        .says(Rejected::NetworkName, |tx| tx.network_id = good.network_id.replace("bank", "Bank"))
        .says(Rejected::NetworkName, |tx| tx.network_id = good.network_id.replace("bank", "a_name_that_is_17"))
        .says(Rejected::NetworkName, |tx| tx.network_id = good.network_id.replace("bank", ""))
        .says(Rejected::NetworkName, |tx| tx.network_id = good.network_id.replace("bank.", "bank"))
        .says(Rejected::NetworkName, |tx| tx.network_id = good.network_id.clone())
        .says(operators(0), |tx| tx.operators = too_many)
        .says(operators(OPERATORS_MAX + 1), |tx| tx.operators = vec![account(1), account(2), account(1)])
        .says(operators(3), |tx| tx.operators = vec![account(1), account(2)])
        .says(Rejected::Threshold { of: 2, got: 3 }, |tx| tx.threshold = 1)
        .says(Rejected::Threshold { of: 2, got: 1 }, |tx| tx.threshold = 2)
        .says(operators(2), |tx| tx.recovery = vec![account(1), account(2)])
        .says(Rejected::Threshold { of: 2, got: 1 }, |tx| tx.recovery_threshold = 2)
        .says(parameter("commit_timeout"), |tx| tx.params.commit_timeout = 20)
        .says(parameter("silence"), |tx| tx.params.silence = SILENCE)
        .says(Rejected::Expiry { least, got: Height(1) }, |tx| tx.expiry = root.height().plus(max + 1).unwrap())
        .says(Rejected::LifetimeTooLong { max, got: max + 1 }, |tx| tx.expiry = least)
        .accepted();
}

#[test]
fn every_parameter_of_a_child_has_its_limits() {
    let root = Ledger::root();
    let good = root.create(ALICE, "bank");
    let rows: [(&str, fn(&mut banyan_types::associate::ChildParams)); 13] = [
        ("commit_timeout", |params| params.commit_timeout = 9),
        ("silence", |params| params.silence = 10 * params.commit_timeout - 1),
        ("claim_window", |params| params.claim_window = params.silence - 1),
        ("claim_window", |params| params.claim_window = 1_000_001),
        ("change_delay", |params| params.change_delay = params.commit_timeout - 1),
        ("change_delay", |params| params.change_delay = u64::MAX),
        ("commit_min", |params| params.commit_min = Amount::ZERO),
        ("commit_gas", |params| params.commit_gas = Gas(6_000_001)),
        ("remit_lines_max", |params| params.remit_lines_max = 999),
        ("inbox_open_max", |params| params.inbox_open_max = 100_001),
        ("remit_limit", |params| params.remit_limit_heights = 1),
        ("remit_limit", |params| params.remit_limit = coins(1)),
        ("remit_limit_heights", |params| (params.remit_limit, params.remit_limit_heights) = (coins(1), 1_000_001)),
    ];
    for (field, change) in rows {
        let mut tx = good.clone();
        change(&mut tx.params);
        assert_eq!(root.admit(&root.sign(ALICE, tx)).unwrap_err(), Rejected::Params { field });
    }
}

#[test]
fn a_ledger_whose_blocks_hold_no_full_remit_has_no_children() {
    let mut root = Ledger::root();
    root.params.gas_per_block_max = Gas(banyan_ledger::rules::REMIT_GAS_MAX.0 - 1);
    let tx = root.sign(ALICE, root.create(ALICE, "bank"));
    assert_eq!(root.admit(&tx).unwrap_err(), Rejected::Params { field: "remit_lines_max" });
    root.params.gas_per_block_max = banyan_ledger::rules::REMIT_GAS_MAX;
    root.admit(&tx).unwrap();
}

#[test]
fn commit_rejects_in_the_written_order() {
    let pair = Pair::with(|create| {
        create.access = Access::Listed;
        create.params.inbox_open_max = 1;
    });
    let (root, id) = (&pair.root, pair.id);
    let height = root.height();
    let (from, to) = (height.plus(11).unwrap(), height.plus(COMMIT_TIMEOUT).unwrap());
    let wrong = AssociateCommit {
        associate_id: NOBODY,
        route: vec![Hop::Up; ROUTE_HOPS_MAX + 1],
        deadline: Height(height.0 + 10),
        amount: Amount::ZERO,
        ..root.commit(ALICE, id, BOB, coins(1))
    };
    let min = units(10);
    Wrong::new(wrong.clone(), |tx| root.admit(&root.sign(ALICE, tx.clone())))
        .says(Rejected::Unknown, |tx| tx.associate_id = id)
        .says(Rejected::CommitTooSmall { min, got: Amount::ZERO }, |tx| tx.amount = units(9))
        .says(Rejected::CommitTooSmall { min, got: units(9) }, |tx| tx.amount = min)
        .says(Rejected::Access { account: account(BOB) }, |_| {});

    let mut pair = Pair::with(|create| create.params.inbox_open_max = 1);
    let full = {
        let mut full = pair.clone();
        full.commit(BOB, BOB, coins(1));
        full.root
    };
    let (id, root) = (pair.id, &pair.root);
    let rest = AssociateCommit { associate_id: id, amount: min, asset: Asset::Coin, ..wrong };
    // The transaction, and whether the inbox is full.
    Wrong::new((rest, true), |(tx, is_full)| {
        let ledger = if *is_full { &full } else { root };
        ledger.admit(&ledger.sign(ALICE, tx.clone()))
    })
    .says(Rejected::Route { max: ROUTE_HOPS_MAX, got: ROUTE_HOPS_MAX + 1 }, |(tx, _)| {
        tx.route.pop();
    })
    .says(Rejected::Deadline { from, to, got: Height(height.0 + 10) }, |(tx, _)| tx.deadline = to.next().unwrap())
    .says(Rejected::Deadline { from, to, got: to.next().unwrap() }, |(tx, _)| tx.deadline = to)
    .says(Rejected::InboxFull { max: 1 }, |(_, is_full)| *is_full = false)
    .accepted();

    pair.root.key_blocks(SILENCE);
    let late = pair.root.sign(ALICE, pair.root.commit(ALICE, id, BOB, coins(1)));
    pair.root.admit(&late).unwrap();
    pair.root.key_block(LEADER);
    assert_eq!(pair.root.admit(&late).unwrap_err(), Rejected::Status { status: "dead" });
}

#[test]
fn remit_rejects_in_the_written_order() {
    let mut pair = Pair::funded();
    let stale = pair.child.effects.clone();
    pair.commit(ALICE, ALICE, coins(5));
    pair.step(&[pair.withdraw(ALICE, coins(10)), pair.withdraw(BOB, coins(20))]).unwrap();
    assert!(stale.is_empty());
    pair.root.key_block(LEADER);
    let (root, id) = (&pair.root, pair.id);
    let point = root.point(id);
    let good = pair.honest_remit();
    let good_summary = good.summary.clone();
    let (acked, next) = (point.inbox_acked, point.inbox_next);
    assert!(next - acked < INBOX_ACKED_PER_REMIT_MAX);
    let mut many = good.lines.clone();
    many.resize(REMIT_LINES_MAX + 1, good.lines[0].clone());

    let mut wrong =
        AssociateRemit { associate_id: NOBODY, lines: many, authorization: Bytes::default(), ..good.clone() };
    wrong.summary.seq = 1;
    wrong.summary.child_from = Height(0);
    wrong.summary.child_to = Height(0);
    wrong.summary.parent_height = root.height().next().unwrap();
    wrong.summary.parent_hash = Hash([3; 32]);
    wrong.summary.inbox_acked = next + 1;
    wrong.summary.inbox_hash = Hash([3; 32]);
    wrong.summary.skipped = vec![next, acked];
    wrong.summary.outbox_hash = Hash([3; 32]);
    wrong.summary.outbox_acked = 7;
    wrong.fee = coins(1);

    let at = point.point.child_to;
    let (from, to) = (Height(0), Height(0));
    let parent = good_summary.parent_height;
    let inbox = |got| Rejected::Inbox { from: acked, to: next, got };
    let early = Rejected::ParentEarly { height: root.height(), got: root.height().next().unwrap() };
    // The money of the entry that is acknowledged may leave already; nothing else waits.
    let free = pair.held();
    let authorization =
        |tx: &AssociateRemit, signers: &[(u64, u8)]| authorise(&root.params.network_id, &tx.summary, signers);
    Wrong::new(wrong, |tx| root.admit(&root.sign(OPERATORS[0], tx.clone())))
        .says(Rejected::Unknown, |tx| tx.associate_id = id)
        .says(Rejected::SequenceUsed { expected: 2, got: 1 }, |tx| tx.summary.seq = 3)
        .says(Rejected::SequenceEarly { expected: 2, got: 3 }, |tx| tx.summary.seq = 2)
        .says(Rejected::Range { expected: at, from, to }, |tx| tx.summary.child_from = at)
        .says(Rejected::Range { expected: at, from: at, to }, |tx| tx.summary.child_to = good_summary.child_to)
        .says(early, |tx| tx.summary.parent_height = Height(0))
        .says(Rejected::Parent { got: Height(0) }, |tx| tx.summary.parent_height = parent)
        .says(Rejected::Parent { got: parent }, |tx| tx.summary.parent_hash = good_summary.parent_hash)
        .says(inbox(next + 1), |tx| tx.summary.inbox_acked = acked.saturating_sub(1))
        .says(inbox(acked - 1), |tx| tx.summary.inbox_acked = next)
        .says(inbox(next), |tx| tx.summary.inbox_hash = good_summary.inbox_hash)
        .says(Rejected::Skipped, |tx| tx.summary.skipped = vec![next - 1, next - 1])
        .says(Rejected::Skipped, |tx| tx.summary.skipped = vec![acked]) // a notice, no money
        .says(Rejected::Skipped, |tx| tx.summary.skipped = vec![])
        .says(Rejected::Lines { max: REMIT_LINES_MAX as u64, got: REMIT_LINES_MAX as u64 + 1 }, |tx| {
            tx.lines = good.lines.clone();
        })
        .says(Rejected::Outbox, |tx| tx.summary.outbox_hash = good_summary.outbox_hash)
        .says(Rejected::Outbox, |tx| {
            tx.summary.outbox_acked = good_summary.outbox_acked;
            // From here on the lines lie: one is above all that the escrow holds.
            tx.lines[1].amount = free;
            tx.summary.outbox_hash = tx.lines.iter().fold(point.point.outbox_hash, |before, line| line.chain(before));
        })
        .says(Rejected::Authorization { valid: 0, needed: 2 }, |tx| {
            tx.authorization = authorization(tx, &[(0, OPERATORS[0])]);
        })
        .says(Rejected::Authorization { valid: 1, needed: 2 }, |tx| {
            tx.authorization = authorization(tx, &[(0, OPERATORS[0]), (1, OPERATORS[1])]);
        })
        .says(Rejected::Escrow { escrow: free, total: free.plus(coins(10)).unwrap() }, |tx| {
            tx.lines = good.lines.clone();
            tx.summary.outbox_hash = good_summary.outbox_hash;
            tx.authorization = authorization(tx, &[(1, OPERATORS[1]), (2, OPERATORS[2])]);
        })
        .accepted();
}

#[test]
fn withdraw_rejects_in_the_written_order() {
    let pair = Pair::funded();
    let child = &pair.child;
    let wrong = AssociateWithdraw {
        asset: ELSEWHERE,
        route: vec![Hop::Up; ROUTE_HOPS_MAX + 1],
        amount: Amount::MAX,
        fee: coins(1),
        ..child.withdraw(ALICE, Payee::Account(account(ALICE)), coins(1))
    };
    let balance = child.balance(ALICE);
    Wrong::new(wrong, |tx| child.admit(&child.sign(ALICE, tx.clone())))
        .says(Rejected::Asset { asset: ELSEWHERE }, |tx| tx.asset = Asset::Coin)
        .says(Rejected::Overflow, |tx| tx.amount = balance)
        .says(Rejected::Funds { balance, needed: balance.plus(coins(1)).unwrap() }, |tx| tx.amount = Amount::ZERO)
        .says(Rejected::Route { max: ROUTE_HOPS_MAX, got: ROUTE_HOPS_MAX + 1 }, |tx| tx.route.clear())
        .says(Rejected::Dust, |tx| tx.amount = units(1))
        .accepted();
}

#[test]
fn a_full_outbox_takes_the_next_block() {
    let mut pair = Pair::funded();
    let first = pair.child.withdraw(ALICE, Payee::Account(account(BOB)), units(1));
    let nth = |n: u64| AssociateWithdraw {
        nonce: Nonce(first.nonce.0 + n),
        fee: units(40_000 * 1_000_000_000),
        ..first.clone()
    };
    let txs: Vec<_> = (0..=REMIT_LINES_MAX as u64).map(|n| pair.child.sign(ALICE, nth(n))).collect();
    let why = pair.step(&txs).unwrap_err();
    let full = Rejected::OutboxFull { max: REMIT_LINES_MAX };
    assert_eq!(why, Invalid::Transaction { index: REMIT_LINES_MAX, why: full });
    pair.child.child_block(&pair.root, &txs[..REMIT_LINES_MAX]).unwrap();
    pair.child.child_block(&pair.root, &txs[REMIT_LINES_MAX..]).unwrap();
}

/// A state whose disk is gone.
struct Broken;

impl Base for Broken {
    fn read(&self, _: &Key) -> Result<Option<Vec<u8>>, Missing> {
        Err(Missing("the disk is gone"))
    }

    fn root_after(&mut self, _: &Changes) -> Result<Hash, Missing> {
        Err(Missing("the disk is gone"))
    }

    fn hint_keys(&self, _: ContractId, _: &[u8], _: usize) -> Result<Vec<Vec<u8>>, Missing> {
        Err(Missing("the disk is gone"))
    }

    fn learn_keys(&mut self, _: StoreKeys) {}
}

/// A state that loses its disk once it has been opened.
struct Failing(MapState, Key);

impl Base for Failing {
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Missing> {
        if *key == self.1 { Err(Missing("the disk is gone")) } else { self.0.read(key) }
    }

    fn root_after(&mut self, changes: &Changes) -> Result<Hash, Missing> {
        self.0.root_after(changes)
    }

    fn hint_keys(&self, contract: ContractId, prefix: &[u8], max: usize) -> Result<Vec<Vec<u8>>, Missing> {
        self.0.hint_keys(contract, prefix, max)
    }

    fn learn_keys(&mut self, keys: StoreKeys) {
        self.0.learn_keys(keys);
    }
}

#[test]
fn a_state_that_cannot_answer_is_our_fault_and_not_the_blocks() {
    let root = Ledger::root();
    let mut overlay = Overlay::new(Broken);
    let opened = Execution::micro(&mut overlay, &root.params).map(|_| ());
    assert_eq!(opened.map_err(|why| why.fault()), Err(Fault::Ours));

    let tx = root.sign(ALICE, root.spend(ALICE, account(BOB), coins(1)));
    let tx = Verified::check(tx, &root.params.network_id).unwrap();
    for person in [ALICE, BOB] {
        let key = banyan_ledger::key::account(account(person));
        let mut overlay = Overlay::new(Failing(root.state.clone(), key));
        let mut execution = Execution::micro(&mut overlay, &root.params).unwrap();
        let why = execution.push(&tx).unwrap_err();
        assert_eq!(why.fault(), Fault::Ours);
        let ours = Rejected::Ours(Missing("the disk is gone"));
        assert_eq!((ours.fault(), ours.code()), (Fault::Ours, "state_missing"));
        assert_eq!(why, Invalid::Transaction { index: 0, why: ours });
    }
}

#[test]
fn every_error_knows_its_owner() {
    let contract = ContractId([1; 32]);
    let early = [
        Rejected::NoAccount { account: account(1) },
        Rejected::NonceEarly { expected: Nonce(1), got: Nonce(2) },
        Rejected::Funds { balance: Amount::ZERO, needed: coins(1) },
        Rejected::Status { status: "dead" },
        Rejected::Access { account: account(1) },
        Rejected::Deadline { from: Height(1), to: Height(2), got: Height(3) },
        Rejected::InboxFull { max: 1 },
        Rejected::SequenceEarly { expected: 1, got: 2 },
        Rejected::ParentEarly { height: Height(1), got: Height(2) },
        Rejected::OutboxFull { max: 1 },
        Rejected::NoToken { token: TokenId([1; 32]) },
        Rejected::NoEntry { entry: contract.into() },
        Rejected::NoContract { contract },
        Rejected::NoTarget { target: contract.into() },
        Rejected::TokenFunds { balance: TokenAmount::ZERO, needed: TokenAmount::ZERO },
        Rejected::AuthFailed,
        Rejected::NoTransact { account: account(1) },
        Rejected::NotDead { status: "open" },
        Rejected::TooManyPending { max: 1 },
        Rejected::Assets { max: 1 },
        Rejected::RateLimit { limit: Amount::ZERO, got: coins(1) },
    ];
    let invalid = [
        Rejected::Wrapping,
        Rejected::GasPriceTooLow { min: GasPrice(2), got: GasPrice(1) },
        Rejected::AccountKind { account: account(1) },
        Rejected::NonceNotZero { got: Nonce(1) },
        Rejected::NotOwner { owner: account(1) },
        Rejected::Finalized { token: TokenId([1; 32]) },
        Rejected::SupplyOverflow,
        Rejected::Expired { id: contract.into(), height: Height(1) },
        Rejected::Unlimited,
        Rejected::NoHeights,
        Rejected::EntryTooLarge { max: 1, got: 2 },
        Rejected::BadVersion { got: CtVersion(1) },
        Rejected::BadCode { why: banyan_fate::BadCode::Short },
        Rejected::BadInit,
        Rejected::CodeTooLarge { max: 1, got: 2 },
        Rejected::SourceMismatch { expected: Hash::ZERO, got: Hash::ZERO },
        Rejected::ContractExists { contract },
        Rejected::Taken { id: contract.into() },
        Rejected::NotFresh { got: Nonce(2) },
        Rejected::BadAuthFunction,
        Rejected::WrongSigner { ga: account(1) },
        Rejected::WrongAuthFunction,
        Rejected::AuthRepeated { auth_id: Hash::ZERO },
        Rejected::NotHere { kind: "" },
        Rejected::PayloadTooLarge { max: 1, got: 2 },
        Rejected::FeeTooLow { needed: coins(1), got: Amount::ZERO },
        Rejected::GasTooHigh { max: Gas(1), got: Gas(2) },
        Rejected::TtlExpired { ttl: Height(1), height: Height(2) },
        Rejected::BadSignature,
        Rejected::NonceUsed { expected: Nonce(2), got: Nonce(1) },
        Rejected::Overflow,
        Rejected::Dust,
        Rejected::NotPayable,
        Rejected::NetworkName,
        Rejected::Operators { max: 1, got: 2 },
        Rejected::Threshold { of: 2, got: 1 },
        Rejected::Params { field: "" },
        Rejected::Expiry { least: Height(1), got: Height(2) },
        Rejected::LifetimeTooLong { max: 1, got: 2 },
        Rejected::Exists,
        Rejected::Unknown,
        Rejected::CommitTooSmall { min: coins(1), got: Amount::ZERO },
        Rejected::Route { max: 1, got: 2 },
        Rejected::Asset { asset: Asset::Coin },
        Rejected::SequenceUsed { expected: 2, got: 1 },
        Rejected::Range { expected: Height(1), from: Height(2), to: Height(3) },
        Rejected::Parent { got: Height(1) },
        Rejected::Inbox { from: 1, to: 2, got: 3 },
        Rejected::Ended { status: "dead" },
        Rejected::Entry { n: 1 },
        Rejected::Window { last: Height(1), height: Height(2) },
        Rejected::Proof { why: "" },
        Rejected::Claimed { account: banyan_types::Payee::Contract(contract) },
        Rejected::Signer { owner: banyan_types::Payee::Contract(contract) },
        Rejected::Change { why: "" },
        Rejected::Regime { why: "" },
        Rejected::CertifiedBlock { field: "" },
        Rejected::Certificate { why: banyan_ledger::engine::committee::BadCertificate::Statement },
        Rejected::NoBond,
        Rejected::NotJailed { staker: account(1) },
        Rejected::StatementOld { first: 2, got: 1 },
        Rejected::Skipped,
        Rejected::Lines { max: 1, got: 2 },
        Rejected::Outbox,
        Rejected::Authorization { valid: 0, needed: 1 },
        Rejected::Escrow { escrow: Amount::ZERO, total: coins(1) },
    ];
    assert!(early.iter().all(|why| why.fault() == Fault::Early));
    assert!(invalid.iter().all(|why| why.fault() == Fault::Invalid));
    let mut codes: Vec<_> = early.iter().chain(&invalid).map(Rejected::code).collect();
    codes.sort_unstable();
    let named = codes.len();
    codes.dedup();
    assert_eq!(codes.len(), named, "two errors have one name");
}
