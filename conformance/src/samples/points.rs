//! Changes, ends and claims of a connection point.

use banyan_ledger::{Bucket, Claim, ConnectionPoint, EscrowV2, OperatorBond, Pending, Status};
use banyan_types::{
    Asset, AssociateId, Bytes, ContractId, Gas, Height, Nonce, Payee, PublicKey, Signature, TokenId,
    associate::{
        Access, AccessLine, CertifiedBlock, Change, ContractWord, ENGINE_COMMITTEE, Grounds, InboxKind, ProofStep,
        Regime, SummaryStatement, Validators, close_message, escape_message, update_message,
    },
    committee::{Member, ValidatorSet},
    rlp::Tail,
    tx::{AssociateClose, AssociateEscape, AssociateEvidence, AssociateRefund, AssociateUpdate},
};

use super::{NETWORK, account, amount, authorization, child, child_params, connection_point, fill, signer, summary};

/// One change of each kind that has fields of its own.
pub fn changes() -> Vec<Change> {
    vec![
        Change::Operators { operators: vec![account(40), account(41)], threshold: 2 },
        Change::Regime(Regime::Operators),
        Change::Validators(validators()),
        Change::Params(child_params()),
        Change::Access(Access::Listed),
        Change::AccessLines(vec![AccessLine { account: account(42), receive: true, transact: false }]),
        Change::BondIn(amount(700)),
        Change::BondOut { operator: account(43), amount: amount(701) },
        Change::Expiry(Height(90_000)),
        Change::Thaw,
    ]
}

pub fn update() -> AssociateUpdate {
    AssociateUpdate {
        associate_id: child(),
        from_id: signer(),
        change: Change::AccessLines(vec![AccessLine { account: account(44), receive: false, transact: true }]),
        authorization: authorization(),
        ttl: Height(509),
        fee: amount(46_000_000_000_000),
        nonce: Nonce(16),
    }
}

pub fn refund() -> AssociateRefund {
    let (ttl, fee, nonce) = (Height(510), amount(47_000_000_000_000), Nonce(17));
    AssociateRefund { associate_id: child(), from_id: signer(), n: 45, ttl, fee, nonce }
}

pub fn evidence() -> AssociateEvidence {
    AssociateEvidence {
        associate_id: child(),
        from_id: signer(),
        kind: 0,
        a: Bytes(statement().encode()),
        b: Bytes(vec![1, 2]),
        ttl: Height(511),
        fee: amount(48_000_000_000_000),
        nonce: Nonce(18),
    }
}

pub fn close() -> AssociateClose {
    let (ttl, fee, nonce) = (Height(512), amount(49_000_000_000_000), Nonce(19));
    AssociateClose { associate_id: child(), from_id: signer(), authorization: authorization(), ttl, fee, nonce }
}

pub fn escape() -> AssociateEscape {
    let step =
        |leaf: u8| ProofStep { leaves: vec![Bytes(vec![leaf]), Bytes(vec![leaf, 1])], proof: Bytes(vec![9, leaf]) };
    AssociateEscape {
        associate_id: child(),
        from_id: signer(),
        account_id: Payee::Account(account(46)),
        asset: Asset::Token(TokenId(fill(69))),
        path: vec![AssociateId(fill(0x72))],
        proofs: vec![step(2), step(3)],
        authorization: Bytes(vec![5; 64]),
        ttl: Height(513),
        fee: amount(50_000_000_000_000),
        nonce: Nonce(20),
    }
}

pub fn statement() -> SummaryStatement {
    SummaryStatement { operator: account(47), summary: summary(), signature: Signature([48; 64]) }
}

pub fn update_words() -> Vec<u8> {
    changes().iter().flat_map(|change| update_message(NETWORK, child(), 3, change)).collect()
}

pub fn close_words() -> Vec<u8> {
    close_message(NETWORK, child(), 4)
}

pub fn escape_words() -> Vec<u8> {
    escape_message(NETWORK, child(), Payee::Account(account(49)), Asset::Coin, &[AssociateId(fill(0x73))])
}

fn validators() -> ValidatorSet {
    let member = |first, weight| Member { key: PublicKey(fill(first)), weight };
    ValidatorSet::new(vec![member(53, 7), member(54, 8)]).expect("two members with keys and weights of their own")
}

pub fn set_change() -> InboxKind {
    InboxKind::SetChange(validators())
}

pub fn by_contract() -> ConnectionPoint {
    ConnectionPoint { regime: Regime::Contract(ContractId(fill(55))), ..connection_point() }
}

pub fn by_certificate() -> ConnectionPoint {
    let regime = Regime::Certificate(Validators {
        epoch: 56,
        previous: Some(validators()),
        judged: Height(57),
        judged_epoch: 58,
        ..Validators::new(ENGINE_COMMITTEE, validators())
    });
    ConnectionPoint { regime, ..connection_point() }
}

pub fn certified_block() -> CertifiedBlock {
    let leaf = ProofStep { leaves: vec![Bytes(vec![59])], proof: Bytes(vec![60, 61]) };
    CertifiedBlock { header: Bytes(vec![62, 63]), certificate: Bytes(vec![64]), leaf, grounds: Tail(None) }
}

pub fn certified_in_turns() -> CertifiedBlock {
    let headers = vec![Bytes(vec![65]), Bytes(vec![66, 67])];
    CertifiedBlock { grounds: Tail(Some(Grounds { headers, seal: Bytes(vec![68, 69]) })), ..certified_block() }
}

pub fn contract_word() -> ContractWord {
    ContractWord { gas: Gas(65_000), word: Bytes(vec![66, 67]) }
}

pub const fn access_change() -> InboxKind {
    InboxKind::AccessChange { receive: true, transact: false }
}

/// With bonds, and one announced change of each kind.
pub fn frozen() -> ConnectionPoint {
    let status = Status::Frozen { until: Height(30), closing: true };
    let pending = changes().into_iter().zip(600..).map(|(change, due)| Pending { due: Height(due), change });
    let bonds = vec![OperatorBond { operator: account(50), amount: amount(702) }];
    ConnectionPoint { status, bonds, pending: pending.collect(), ..connection_point() }
}

pub fn dead() -> ConnectionPoint {
    ConnectionPoint { status: Status::Dead { since: Height(31), until: Height(32) }, ..connection_point() }
}

pub fn token_escrow() -> EscrowV2 {
    let (committed, remitted, waiting) = (amount(707), amount(708), amount(709));
    EscrowV2 { committed, remitted, waiting, token: TokenId(fill(70)) }
}

pub fn bucket() -> Bucket {
    Bucket { cap: amount(703), claimed: amount(704), late: amount(705) }
}

pub fn claim() -> Claim {
    Claim {
        account: Payee::Contract(ContractId(fill(51))),
        asset: Asset::Token(TokenId(fill(68))),
        to: account(52),
        amount: amount(706),
        path: vec![AssociateId(fill(0x74)), AssociateId(fill(0x75))],
    }
}
