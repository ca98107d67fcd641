//! Fixed values of every format, all different, so that two swapped fields show.

mod committee;
mod objects;
mod points;

use banyan_crypto::SecretKey;
use banyan_ledger::{
    AccessRight, Account, Anchors, BlobPlace, BlockHash, Bucket, Candidate, Candidates, Claim, Claims, Clock, Code,
    CommitteeEngine, ConnectionPoint, Contract, Due, DueCount, DueCursor, EmissionRow, Entry, Escrow, EscrowV2, Fees,
    Genesis, GenesisAccount, GenesisWitness, Inherited, LeaderBond, Naming, Params, ParentLeaf, PendingReward, Point,
    RemitSpan, Reward, RootEngine, RootRules, Shares, Slashed, Source, Stake, StakeRules, Status, Supply, SweepQueue,
    Token, TokenBalance, Tombstone, Unbonding, UsedAuth, UsedKey, WitnessSets, key,
};
use banyan_tree::{ListProof, MultiProof, Proof, Trie, list_root, prove_item, value_hash};
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, AuthHashInput, Bytes, CodeObject, ContractBytes, ContractId, EntryId, Era,
    Gas, GasPrice, Hash, Height, Log, Nonce, Payee, PublicKey, Receipt, Round, Signature, TimeMs, TokenId, TxHash,
    associate::{
        Access, CertifiedBlock, ChildParams, ContractWord, Hop, InboxEntry, InboxKind, OperatorSignature, OutboxEntry,
        Regime, Summary, SummaryStatement, operators_authorization, read_operators_authorization,
    },
    header::{ChildBody, ChildHeader, KeyBody, KeyHeader, MicroBody, MicroHeader, POW_EDGES, PROTOCOL_VERSION},
    text::{self, Prefix},
    tx::{
        AssociateCommit, AssociateCreate, AssociateRemit, AssociateWithdraw, Bond, Evidence, Renew, SignedTx, Spend,
        Transaction, Unbond,
    },
    witness::{Justification, Seal, Witness, WitnessSet, bond_message},
};

use crate::frozen::{Again, Sample};

/// The ledger that samples are signed for.
const NETWORK: &str = "banyan_test";

/// Everything, by kind.
pub fn all() -> Vec<Sample> {
    [transactions(), headers(), committee::all(), connection(), leaves(), state_keys(), proofs(), texts()]
        .into_iter()
        .flatten()
        .collect()
}

/// An object that is read back by its own `decode`.
macro_rules! object {
    ($name:literal, $type:ty, $value:expr) => {{
        let value: $type = $value;
        let again: Again = |bytes| <$type>::decode(bytes).ok().map(|value| value.encode());
        Sample { name: $name, bytes: value.encode(), again: Some(again) }
    }};
}

fn hashed(name: &'static str, bytes: impl Into<Vec<u8>>) -> Sample {
    Sample { name, bytes: bytes.into(), again: None }
}

fn fill(first: u8) -> [u8; 32] {
    core::array::from_fn(|at| first.wrapping_add(u8::try_from(at).unwrap_or(0)))
}

const fn amount(base: u128) -> Amount {
    match Amount::new(base) {
        Some(amount) => amount,
        None => Amount::MAX,
    }
}

fn hash(first: u8) -> Hash {
    Hash(fill(first))
}

fn account(first: u8) -> AccountId {
    AccountId(fill(first))
}

fn secret() -> SecretKey {
    SecretKey::from_seed([1; 32])
}

fn signer() -> AccountId {
    AccountId(secret().public())
}

fn child() -> AssociateId {
    AssociateId(fill(0x70))
}

fn spend() -> Spend {
    Spend {
        sender_id: signer(),
        recipient_id: Payee::Account(account(1)),
        amount: amount(1_000_000_000_000_000_000),
        fee: amount(16_900_000_000_000),
        ttl: Height(500),
        nonce: Nonce(7),
        payload: Bytes(b"four".to_vec()),
    }
}

fn child_params() -> ChildParams {
    ChildParams {
        commit_timeout: 20,
        silence: 200,
        claim_window: 400,
        change_delay: 21,
        commit_min: amount(10),
        commit_gas: Gas(0),
        remit_lines_max: 1_000,
        inbox_open_max: 100_000,
        remit_limit: Amount::ZERO,
        remit_limit_heights: 0,
        operator_bond: Amount::ZERO,
    }
}

fn create() -> AssociateCreate {
    AssociateCreate {
        creator_id: signer(),
        network_id: "bank.2Qx7Lm4d".into(),
        genesis_hash: hash(2),
        genesis_root: hash(3),
        regime: Regime::Operators,
        operators: vec![account(4), account(5), account(6)],
        threshold: 2,
        recovery: vec![account(7)],
        recovery_threshold: 1,
        access: Access::Listed,
        params: child_params(),
        heir: Some(account(8)),
        expiry: Height(100_000),
        ttl: Height(501),
        fee: amount(80_000_000_000_000),
        nonce: Nonce(8),
    }
}

fn commit() -> AssociateCommit {
    AssociateCommit {
        from_id: signer(),
        associate_id: child(),
        to_id: account(9),
        asset: Asset::Coin,
        amount: amount(300),
        route: vec![Hop::Down(AssociateId(fill(0x71))), Hop::Up],
        leg: hash(10),
        deadline: Height(900),
        ttl: Height(502),
        fee: amount(40_000_000_000_000),
        nonce: Nonce(9),
    }
}

fn remit() -> AssociateRemit {
    AssociateRemit {
        associate_id: child(),
        from_id: signer(),
        summary: summary(),
        lines: vec![line(Asset::Coin), line(Asset::Token(TokenId(fill(0x80))))],
        authorization: authorization(),
        ttl: Height(503),
        fee: amount(50_000_000_000_000),
        nonce: Nonce(10),
    }
}

fn withdraw() -> AssociateWithdraw {
    AssociateWithdraw {
        from_id: signer(),
        to_id: Payee::Contract(ContractId(fill(11))),
        asset: Asset::Token(TokenId(fill(0x81))),
        amount: amount(400),
        route: vec![Hop::Up],
        leg: hash(12),
        ttl: Height(504),
        fee: amount(41_000_000_000_000),
        nonce: Nonce(11),
    }
}

fn bond() -> Bond {
    Bond {
        from_id: signer(),
        amount: amount(500),
        key: key_of(13),
        proof: Signature([14; 64]),
        ttl: Height(505),
        fee: amount(42_000_000_000_000),
        nonce: Nonce(12),
    }
}

fn unbond() -> Unbond {
    let (ttl, fee, nonce) = (Height(506), amount(43_000_000_000_000), Nonce(13));
    Unbond { from_id: signer(), amount: amount(600), ttl, fee, nonce }
}

fn evidence() -> Evidence {
    Evidence {
        from_id: signer(),
        staker_id: AccountId(fill(15)),
        statement_a: Bytes(vec![1, 2, 3]),
        statement_b: Bytes(vec![4, 5]),
        ttl: Height(507),
        fee: amount(44_000_000_000_000),
        nonce: Nonce(14),
    }
}

fn renew() -> Renew {
    Renew { from_id: signer(), ttl: Height(508), fee: amount(45_000_000_000_000), nonce: Nonce(15) }
}

fn authorization() -> Bytes {
    let signature = |index, fill| OperatorSignature { index, signature: Signature([fill; 64]) };
    operators_authorization(&[signature(0, 1), signature(2, 2)])
}

fn transactions() -> Vec<Sample> {
    let signed = |name, tx: Transaction| {
        let bytes = tx.sign(NETWORK, &secret()).bytes().to_vec();
        Sample { name, bytes, again: Some(|bytes| SignedTx::decode(bytes).ok().map(|tx| tx.bytes().to_vec())) }
    };
    vec![
        object!("12.1 spend", Transaction, spend().into()),
        object!("93.1 associate create", Transaction, create().into()),
        object!("92.1 associate update", Transaction, points::update().into()),
        object!("95.1 associate refund", Transaction, points::refund().into()),
        object!("98.1 associate evidence", Transaction, points::evidence().into()),
        object!("99.1 associate close", Transaction, points::close().into()),
        object!("901.1 associate escape", Transaction, points::escape().into()),
        object!("94.1 associate commit", Transaction, commit().into()),
        object!("96.1 associate remit", Transaction, remit().into()),
        object!("930.1 engine, unjail", Transaction, committee::unjail().into()),
        object!("930.1 engine, propose", Transaction, committee::propose().into()),
        object!("930.1 engine, vote", Transaction, committee::vote().into()),
        object!("930.1 engine, cancel", Transaction, committee::cancel().into()),
        object!("930.1 engine, set change", Transaction, committee::set_change().into()),
        object!("961.1 associate withdraw", Transaction, withdraw().into()),
        object!("1110.1 bond", Transaction, bond().into()),
        object!("1111.1 unbond", Transaction, unbond().into()),
        object!("1112.1 evidence", Transaction, evidence().into()),
        object!("1113.1 renew", Transaction, renew().into()),
        object!("13.1 extend", Transaction, objects::extend().into()),
        object!("42.1 contract create", Transaction, objects::contract_create().into()),
        object!("42.2 contract create, visible", Transaction, objects::contract_create_v2().into()),
        object!("43.1 contract call", Transaction, objects::contract_call().into()),
        object!("80.1 attach", Transaction, objects::attach().into()),
        object!("81.2 meta", Transaction, objects::meta().into()),
        object!("82.1 paying for", Transaction, objects::paying_for().into()),
        object!("121.1 token create", Transaction, objects::token_create().into()),
        object!("122.1 token mint", Transaction, objects::token_mint().into()),
        object!("123.1 token finalize", Transaction, objects::token_finalize().into()),
        object!("125.1 token burn", Transaction, objects::token_burn().into()),
        object!("1124.1 token transfer", Transaction, objects::token_transfer().into()),
        object!("141.1 entry create", Transaction, objects::entry_create().into()),
        object!("142.1 entry transfer", Transaction, objects::entry_transfer().into()),
        object!("143.1 entry destroy", Transaction, objects::entry_destroy().into()),
        object!("144.1 blob post", Transaction, objects::blob_post().into()),
        object!("70.3 code", CodeObject, objects::code()),
        object!("810.1 input of an authentication hash", AuthHashInput, objects::auth_hash_input()),
        signed("11.1 signed spend", spend().into()),
        signed("11.1 signed remit", remit().into()),
        hashed("message, hashed", Transaction::from(spend()).signing_message(NETWORK)),
        hashed("message, update of a child", points::update_words()),
        hashed("message, close of a child", points::close_words()),
        hashed("message, claim on a dead child", points::escape_words()),
        hashed("message, proof of a bond", bond_message(hash(16), signer())),
        hashed("transaction hash", Transaction::from(spend()).sign(NETWORK, &secret()).hash().0),
        object!("1210.1 receipt", Receipt, receipt()),
        hashed("receipt hash", receipt().hash().0),
    ]
}

fn receipt() -> Receipt {
    let log =
        Log { contract: ContractId(fill(13)), topics: vec![Bytes(vec![1]), Bytes(vec![2, 3])], data: Bytes(vec![4]) };
    Receipt {
        tx_hash: TxHash(fill(14)),
        status: banyan_types::Status::Revert,
        gas_used: Gas(16_900),
        gas_price: GasPrice(1_000_000_000),
        returned: Bytes(vec![5]),
        logs: vec![log],
        calls: vec![Bytes(vec![6])],
        created: vec![child().into()],
    }
}

fn key_header(info: Option<u32>) -> KeyHeader {
    KeyHeader {
        version: PROTOCOL_VERSION,
        info,
        height: Height(7),
        prev_hash: hash(15),
        prev_key_hash: hash(16),
        state_root: hash(17),
        miner: PublicKey(fill(18)),
        beneficiary: account(19),
        witness_hash: hash(20),
        target: 0x2100_ffff,
        time: TimeMs(1_700_000_000_000),
        nonce: 38,
        pow: core::array::from_fn::<u32, POW_EDGES, _>(|at| u32::try_from(at).unwrap_or(0) * 3),
    }
}

fn micro_header() -> MicroHeader {
    MicroHeader {
        version: PROTOCOL_VERSION,
        height: Height(8),
        index: 2,
        prev_hash: hash(21),
        prev_key_hash: hash(22),
        state_root: hash(23),
        txs_root: hash(24),
        receipts_root: hash(25),
        time: TimeMs(1_700_000_000_300),
        gas_used: Gas(16_900),
        signature: Signature([26; 64]),
    }
}

fn child_header() -> ChildHeader {
    ChildHeader {
        version: PROTOCOL_VERSION,
        height: Height(9),
        prev_hash: hash(27),
        parent_hash: hash(28),
        parent_height: Height(10),
        root_height: Height(11),
        time_ms: TimeMs(1_700_000_000_400),
        entropy: hash(29),
        txs_root: hash(30),
        receipts_root: hash(31),
        inbox_to: 12,
        outbox_to: 13,
        state_root: hash(32),
        set_hash: hash(33),
        leader: PublicKey(fill(34)),
        view: 14,
        prev_seal_hash: hash(35),
    }
}

fn headers() -> Vec<Sample> {
    let micro = MicroBody { txs: vec![Bytes(vec![1]), Bytes(vec![0x80, 2])], attachments: vec![Bytes(vec![3])] };
    let body = ChildBody {
        header: Bytes(child_header().encode()),
        txs: vec![Bytes(vec![1, 2, 3])],
        prev_seal: Bytes(vec![4]),
        attachments: vec![Bytes(vec![5])],
    };
    vec![
        object!("key header", KeyHeader, key_header(None)),
        object!("key header with info", KeyHeader, key_header(Some(3))),
        object!("micro header", MicroHeader, micro_header()),
        object!("920.1 child header", ChildHeader, child_header()),
        object!("1200.1 key body", KeyBody, KeyBody { seal: Bytes(seal().encode()) }),
        object!("1201.1 micro body", MicroBody, micro),
        object!("921.1 child body", ChildBody, body),
        object!("1220.1 seal", Seal, seal()),
        object!("1221.1 justification", Justification, justification()),
        hashed("key block hash", key_header(None).hash().0),
        hashed("key block entropy", key_header(None).entropy().0),
        hashed("micro block hash", micro_header().hash().0),
        hashed("micro header message", micro_header().signing_message(NETWORK)),
        hashed("child block hash", child_header().hash().0),
        hashed("child entropy", ChildHeader::derive_entropy(hash(36), child()).0),
    ]
}

fn seal() -> Seal {
    Seal {
        era: Era(2),
        round: Round(3),
        height: Height(41),
        hash: hash(97),
        bitmap: Bytes(vec![0b1010_0000]),
        signatures: vec![Signature([98; 64]), Signature([99; 64])],
    }
}

fn justification() -> Justification {
    let Seal { era, round, height, hash: sealed, bitmap, signatures } = seal();
    let source = |round, first| banyan_types::witness::Source { round: Round(round), hash: hash(first) };
    Justification {
        era,
        round,
        height,
        hash: sealed,
        bitmap,
        signatures,
        sources: vec![source(1, 100), source(2, 101)],
    }
}

fn inbox_entry(kind: InboxKind) -> InboxEntry {
    InboxEntry {
        n: 3,
        kind,
        from: Payee::Account(account(37)),
        to: account(38),
        asset: Asset::Coin,
        amount: amount(500),
        route: vec![Hop::Down(AssociateId(fill(0x72)))],
        leg: hash(39),
        height: Height(15),
        deadline: Height(35),
        hash: Hash::ZERO,
    }
    .chained(hash(40))
}

fn line(asset: Asset) -> OutboxEntry {
    OutboxEntry {
        n: 4,
        from: account(41),
        to: Payee::Account(account(42)),
        asset,
        amount: amount(600),
        route: vec![Hop::Up, Hop::Down(AssociateId(fill(0x73)))],
        leg: hash(43),
        child_height: Height(16),
    }
}

fn summary() -> Summary {
    Summary {
        associate: child(),
        seq: 5,
        child_from: Height(17),
        child_to: Height(18),
        block_hash: hash(44),
        root: hash(45),
        parent_hash: hash(46),
        parent_height: Height(19),
        inbox_acked: 20,
        inbox_hash: hash(47),
        skipped: vec![6, 300],
        outbox_acked: 21,
        outbox_hash: hash(48),
        set_hash: hash(49),
    }
}

fn connection() -> Vec<Sample> {
    let again: Again =
        |bytes| read_operators_authorization(bytes).ok().map(|signatures| operators_authorization(&signatures).0);
    vec![
        object!("910.1 inbox entry, commit", InboxEntry, inbox_entry(InboxKind::Commit)),
        object!("910.1 inbox entry, returned", InboxEntry, inbox_entry(InboxKind::Returned { outbox: 7 })),
        object!("910.1 inbox entry, remit done", InboxEntry, inbox_entry(InboxKind::RemitDone { seq: 8, outbox: 9 })),
        object!("910.1 inbox entry, set change", InboxEntry, inbox_entry(points::set_change())),
        object!("910.1 inbox entry, access", InboxEntry, inbox_entry(points::access_change())),
        object!("910.1 inbox entry, notice", InboxEntry, inbox_entry(InboxKind::Notice(Bytes(vec![1, 2])))),
        object!("910.1 inbox entry, access mode", InboxEntry, inbox_entry(InboxKind::AccessMode(Access::Listed))),
        object!("911.1 outbox entry", OutboxEntry, line(Asset::Coin)),
        object!("913.1 summary", Summary, summary()),
        object!("authorization of a certificate", CertifiedBlock, points::certified_block()),
        object!("authorization of a certificate in turns", CertifiedBlock, points::certified_in_turns()),
        object!("authorization of a contract", ContractWord, points::contract_word()),
        object!("statement of an operator", SummaryStatement, points::statement()),
        Sample { name: "authorization of operators", bytes: authorization().0, again: Some(again) },
        hashed("inbox chain", inbox_entry(InboxKind::Commit).hash.0),
        hashed("outbox chain", line(Asset::Coin).chain(hash(50)).0),
        hashed("summary digest", summary().digest(NETWORK).0),
        hashed("summary message", summary().signing_message(NETWORK)),
        hashed("associate id", AssociateId::derive(NETWORK, account(51), Nonce(52)).0),
    ]
}

fn leaves() -> Vec<Sample> {
    vec![
        object!("10.1 account", Account, Account { nonce: Nonce(1), balance: amount(2), ..Account::EMPTY }),
        object!("90.1 connection point", ConnectionPoint, connection_point()),
        object!("90.1 connection point, frozen", ConnectionPoint, points::frozen()),
        object!("90.1 connection point, contract", ConnectionPoint, points::by_contract()),
        object!("90.1 connection point, certificate", ConnectionPoint, points::by_certificate()),
        object!("90.1 connection point, dead", ConnectionPoint, points::dead()),
        object!("912.1 bucket", Bucket, points::bucket()),
        object!("914.1 claim", Claim, points::claim()),
        object!("1018.1 block hash", BlockHash, BlockHash { height: Height(3), hash: hash(53) }),
        object!("1019.1 pending reward", PendingReward, pending_reward()),
        object!("1020.1 supply", Supply, supply()),
        object!("1021.1 clock", Clock, clock()),
        object!("1022.1 fees", Fees, Fees { amount: amount(4) }),
        object!("1023.1 parent", ParentLeaf, parent_leaf()),
        object!("1012.1 stake", Stake, stake()),
        object!("1013.1 due", Due, Due { kind: 1, id: Bytes(vec![2, 3]) }),
        object!("1014.1 due count", DueCount, DueCount { n: 300 }),
        object!("1024.1 due cursor", DueCursor, DueCursor { height: Height(301), index: 4 }),
        object!("1025.1 root engine", RootEngine, root_engine()),
        object!("1025.1 committee engine", CommitteeEngine, committee::engine()),
        object!("1025.1 committee engine with decrees", CommitteeEngine, committee::decreed_engine()),
        object!("1027.1 naming", Naming, committee::naming()),
        object!("1027.1 naming with faults", Naming, committee::naming_with_faults()),
        object!("1026.1 witness sets", WitnessSets, WitnessSets { sets: vec![witness_set()] }),
        object!("1045.1 used key", UsedKey, UsedKey { staker: account(80) }),
        object!("1046.1 candidates", Candidates, Candidates { list: vec![candidate()] }),
        object!("10.2 account, generalized", Account, objects::generalized()),
        object!("10.3 account, not payable", Account, objects::not_payable()),
        object!("1002.1 token balance", TokenBalance, TokenBalance { amount: objects::parts(77) }),
        object!("1003.1 contract", Contract, objects::contract(None)),
        object!("1003.1 contract, a clone", Contract, objects::contract(Some(ContractId(fill(120))))),
        object!("1005.1 code", Code, Code { refs: 3, code: ContractBytes(vec![9, 8]) }),
        object!("1006.1 source", Source, Source { refs: 4, source: Bytes(vec![7, 6]) }),
        object!("140.1 entry", Entry, objects::entry()),
        object!("120.1 token", Token, objects::token()),
        object!("1017.1 tombstone", Tombstone, Tombstone { height: Height(78), object_hash: hash(121) }),
        object!("1048.1 blob place", BlobPlace, objects::blob_place()),
        object!("1031.1 used auth", UsedAuth, UsedAuth { height: Height(79) }),
        object!("1028.1 sweep queue", SweepQueue, objects::sweep_queue()),
        object!("1029.1 escrow", Escrow, Escrow { committed: amount(9), remitted: amount(8), waiting: amount(1) }),
        object!("1029.2 escrow of a token", EscrowV2, points::token_escrow()),
        object!("1047.1 inherited", Inherited, Inherited { amount: amount(10) }),
        object!("1030.1 access", AccessRight, AccessRight { receive: true, transact: false }),
        hashed("genesis hash", genesis().hash().0),
    ]
}

fn connection_point() -> ConnectionPoint {
    ConnectionPoint {
        creator: account(54),
        network_id: "bank.2Qx7Lm4d".into(),
        genesis_hash: hash(55),
        heir: None,
        regime: Regime::Operators,
        operators: vec![account(56), account(57)],
        threshold: 2,
        recovery: vec![],
        recovery_threshold: 0,
        access: Access::Open,
        params: child_params(),
        inbox_next: 10,
        inbox_acked: 9,
        inbox_hash: hash(58),
        inbox_acked_hash: hash(59),
        point: Point {
            seq: 3,
            child_to: Height(4),
            block_hash: hash(60),
            root: hash(61),
            parent_height: Height(5),
            accepted_at: Height(6),
            outbox_acked: 7,
            outbox_hash: hash(62),
            skipped_hash: hash(63),
        },
        bonds: vec![],
        status: Status::Open,
        last_alive: Height(8),
        pending: vec![],
        acts: 10,
        span: RemitSpan { from: Height(11), amount: amount(12) },
        claims: Claims { made: 13, paid: 14 },
        tokens: vec![TokenId(fill(64))],
        expiry: Height(9),
    }
}

fn pending_reward() -> PendingReward {
    let reward = |first, base| Reward { beneficiary: account(first), amount: amount(base) };
    PendingReward { key_hash: hash(63), shares: Shares { before: reward(64, 40), after: reward(65, 60) }, forked: true }
}

fn root_engine() -> RootEngine {
    RootEngine { engine: 0, pot: amount(5), sealed_height: Height(6), chain: hash(66), may_fill: true }
}

fn key_of(first: u8) -> PublicKey {
    PublicKey(fill(first))
}

fn stake_rules() -> StakeRules {
    StakeRules {
        witness_min: 4,
        witness_max: 256,
        bond_min: amount(1_000_000),
        weight_cap_permille: 100,
        leader_bond: Some(LeaderBond { from: Era(30), coinbase_div: 2 }),
        unbond_eras: 14,
        renew_eras: Some(90),
    }
}

fn stake() -> Stake {
    let unbonding = vec![Unbonding { amount: amount(7), release: Height(302) }];
    Stake { key: key_of(81), bonded: amount(8), unbonding, renewed: Era(9), slashed: Slashed::Lock }
}

fn candidate() -> Candidate {
    Candidate { staker: account(82), key: key_of(83), bonded: amount(10), renewed: Era(11) }
}

fn witness_set() -> WitnessSet {
    let member = Witness { key: key_of(84), weight: amount(12), staker: account(85) };
    WitnessSet { era: Era(13), members: vec![member] }
}

const fn supply() -> Supply {
    Supply {
        minted: amount(1),
        pool: amount(2),
        accounts: amount(3),
        escrows: amount(4),
        channels: amount(5),
        deposits: amount(6),
        bonds: amount(7),
        rewards: amount(8),
        fees: amount(9),
    }
}

fn clock() -> Clock {
    Clock {
        height: Height(1),
        time: TimeMs(2),
        prev_hash: hash(66),
        beneficiary: account(67),
        leader: PublicKey(fill(68)),
    }
}

fn parent_leaf() -> ParentLeaf {
    ParentLeaf {
        hash: hash(69),
        height: Height(1),
        time: TimeMs(2),
        root_height: Height(3),
        entropy: hash(70),
        inbox: 4,
        inbox_hash: hash(71),
        skipped_hash: hash(72),
        outbox: 5,
        outbox_hash: hash(73),
        outbox_acked: 6,
        access: Access::Listed,
    }
}

fn genesis() -> Genesis {
    let root = RootRules {
        supply_cap: Amount::MAX,
        maturity: 5,
        era: 20,
        emission: vec![EmissionRow { from: Height(1), coins: 100 }, EmissionRow { from: Height(10), coins: 0 }],
        tail_div: 10_000_000_000,
        stake: Some(stake_rules()),
        anchors: Anchors::default(),
    };
    Genesis {
        name: "root".into(),
        profile: "dev".into(),
        time: TimeMs(1_700_000_000_000),
        params: Params {
            network_id: NETWORK.into(),
            ledger: AssociateId::ZERO,
            height_interval_ms: 3_000,
            gas_price_min: GasPrice(1_000_000_000),
            gas_per_tx_max: Gas(6_000_000),
            gas_per_block_max: Gas(60_000_000),
            auth_gas_max: Gas(50_000),
            rent_gas_per_byte_year: 20,
            lifetime_default: 262_800,
            lifetime_max: 2_628_000,
            grace: 21_600,
            root: Some(root),
            committee: banyan_types::rlp::Tail(None),
        },
        engine: Bytes(vec![1, 2, 3]),
        accounts: vec![GenesisAccount { account: account(74), balance: amount(5) }],
        witnesses: vec![GenesisWitness { staker: account(75), key: key_of(76), bond: amount(6) }],
        associates: vec![Bytes(Transaction::from(create()).encode())],
    }
}

fn state_keys() -> Vec<Sample> {
    vec![
        hashed("key 01 account", key::account(account(1))),
        hashed("key 08 associate", key::point(child())),
        hashed("key 15 escrow of the coin", key::escrow(child(), Asset::Coin)),
        hashed("key 15 escrow of a token", key::escrow(child(), Asset::Token(TokenId(fill(2))))),
        hashed("key 16 access", key::access(child(), account(3))),
        hashed("key 18 bucket", key::bucket(child(), Asset::Coin, &[AssociateId(fill(22))], None)),
        hashed(
            "key 18 bucket of an account",
            key::bucket(child(), Asset::Token(TokenId(fill(25))), &[], Some(Payee::Account(account(23)))),
        ),
        hashed("key 1f inherited", key::inherited(TokenId(fill(26)))),
        hashed("key 1b claim", key::claim(child(), 24)),
        hashed("key 09 inbox", key::inbox(child(), 4)),
        hashed("key 17 outbox", key::outbox(5)),
        hashed("key 12 block hash", key::block_hash(Height(0x0107))),
        hashed("key 13 reward", key::reward(Height(6))),
        hashed("key 14 supply", key::supply()),
        hashed("key 14 clock", key::clock()),
        hashed("key 14 fees", key::fees()),
        hashed("key 14 parent", key::parent()),
        hashed("key 14 engine", key::engine()),
        hashed("key 14 naming", key::naming()),
        hashed("key 14 due cursor", key::due_cursor()),
        hashed("key 14 witness sets", key::witness_sets()),
        hashed("key 14 candidates", key::candidates()),
        hashed("key 02 token balance", key::token_balance(TokenId(fill(12)), account(13))),
        hashed("key 03 contract", key::contract(ContractId(fill(14)))),
        hashed("key 04 store", key::store(ContractId(fill(15)), &[1, 2])),
        hashed("key 05 code", key::code(hash(16))),
        hashed("key 06 source", key::source(hash(17))),
        hashed("key 0f entry", key::entry(EntryId(fill(18)))),
        hashed("key 10 token", key::token(TokenId(fill(19)))),
        hashed("key 11 tombstone", key::tombstone(ContractId(fill(20)).into())),
        hashed("key 19 used auth", key::used_auth(hash(21))),
        hashed("key 14 sweep queue", key::sweep_queue()),
        hashed("key 0c stake", key::stake(account(7))),
        hashed("key 0d due", key::due(Height(8), 9)),
        hashed("key 0e due count", key::due_count(Height(10))),
        hashed("key 1a used key", key::used_key(key_of(11))),
    ]
}

fn proofs() -> Vec<Sample> {
    let keys: Vec<_> = (0..20).map(|n| banyan_crypto::sha256(&[&[n]])).collect();
    let changes: Vec<_> = keys.iter().map(|key| (*key, Some((value_hash(key), ())))).collect();
    let trie = Trie::new().update(&changes);
    let absent = banyan_crypto::sha256(&[b"absent"]);
    let list: Option<ListProof> = prove_item(&keys, 13);
    let list = list.map(|proof| object!("list proof", ListProof, proof));
    let proofs = vec![
        hashed("state root of 20 leaves", trie.root()),
        hashed("list root of 20 items", list_root(keys.iter().copied())),
        object!("proof of presence", Proof, trie.prove(&keys[7])),
        object!("proof of absence", Proof, trie.prove(&absent)),
        object!("proof of many keys", MultiProof, trie.prove_many(&[keys[1], keys[2], absent])),
    ];
    proofs.into_iter().chain(list).collect()
}

/// The same payload under every prefix.
fn texts() -> Vec<Sample> {
    let all = Prefix::ALL.iter().map(|prefix| {
        let payload: Vec<u8> = (0..64).take(prefix.payload_bytes().unwrap_or(50)).collect();
        text::encode(*prefix, &payload)
    });
    let again: Again = |bytes| {
        let texts = core::str::from_utf8(bytes).ok()?.split(' ').map(text::decode);
        let again = texts.map(|decoded| decoded.map(|(prefix, payload)| text::encode(prefix, &payload)));
        let again = again.collect::<Result<Vec<_>, _>>().ok()?;
        (again.len() == Prefix::ALL.len()).then(|| again.join(" ").into_bytes())
    };
    let bytes = all.collect::<Vec<_>>().join(" ").into_bytes();
    vec![Sample { name: "texts of every prefix", bytes, again: Some(again) }]
}
