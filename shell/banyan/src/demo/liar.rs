//! A child that lies: three of its four validators certify a block that takes out more than the escrow holds.

use banyan_crypto::SecretKey;
use banyan_ledger::{ConnectionPoint, Escrow, ParentLeaf, key};
use banyan_tree::{Leaf, Trie};
use banyan_types::{
    Amount, Asset, AssociateId, Bytes, Hash, Height, Payee, PublicKey, Signature, TimeMs,
    associate::{CertifiedBlock, OutboxEntry, ProofStep, Summary},
    committee::{Certificate, Member, MemberSignature, Statement, ValidatorSet},
    header::{ChildHeader, PROTOCOL_VERSION},
    rlp::Tail,
    tx::{AssociateRemit, SignedTx},
};
use banyan_wallet::{
    client::{Client, Status, When},
    light::Proven,
    tx,
};

use crate::{command::terms, devnet, failure::Failure, session::Owner};

/// Validators whose word makes a block final: over two thirds of four.
const QUORUM: usize = 3;

/// What the parent knows of the child, proven.
pub struct Seen {
    /// The connection point.
    pub point: ConnectionPoint,
    /// What is held for it.
    pub escrow: Escrow,
    /// What the liar has on the parent.
    pub balance: Amount,
}

/// Look at the child's connection point and at the liar's account, in one proven state.
/// # Errors
/// The node's.
pub fn look(root: &Client, child: AssociateId, liar: &Owner) -> Result<Option<Seen>, Failure> {
    let keys = [key::point(child), key::escrow(child, Asset::Coin), key::account(liar.account())];
    let proven: Proven = root.prove(&keys, When::Top)?;
    let (escrow, balance) = (proven.escrow(child)?, proven.balance(liar.account())?);
    Ok(proven.point(child)?.map(|point| Seen { point, escrow, balance }))
}

/// A remit of one coin more than the escrow holds, to the liar itself; certified by as many validators as it takes.
/// # Errors
/// The node's.
pub fn lie(
    root: &Client,
    status: &Status,
    child: AssociateId,
    seen: &Seen,
    liar: &Owner,
    key: &SecretKey,
) -> Result<SignedTx, Failure> {
    let one = Amount::coins(1).unwrap_or_default();
    let amount = seen.escrow.held().plus(one).unwrap_or(Amount::MAX);
    let line = OutboxEntry {
        n: seen.point.point.outbox_acked,
        from: liar.account(),
        to: Payee::Account(liar.account()),
        asset: Asset::Coin,
        amount,
        route: vec![],
        leg: Hash::ZERO,
        child_height: seen.point.point.child_to,
    };
    let (header, leaf) = block(root, &seen.point, &line)?;
    let remit = AssociateRemit {
        associate_id: child,
        from_id: liar.account(),
        summary: summary(child, &seen.point, &header, &leaf),
        authorization: certified(&seen.point, &header, &leaf),
        lines: vec![line],
        ttl: Height(0),
        fee: Amount::ZERO,
        nonce: root.account(liar.account())?.next(),
    };
    let terms = terms(status, remit.nonce);
    Ok(tx::with_fee(remit.into(), &terms)?.sign(&status.network_id, key))
}

/// A block that was never made, and the system leaf of a state that never was. Everything about them is right, but for the
/// money.
fn block(root: &Client, point: &ConnectionPoint, line: &OutboxEntry) -> Result<(ChildHeader, ParentLeaf), Failure> {
    let named = root.prove(&[key::clock()], When::Height(point.point.parent_height))?;
    let leaf = ParentLeaf {
        hash: named.block(),
        height: point.point.parent_height,
        time: TimeMs(0),
        root_height: point.point.parent_height,
        entropy: Hash::ZERO,
        inbox: point.inbox_acked,
        inbox_hash: point.inbox_acked_hash,
        skipped_hash: point.point.skipped_hash,
        outbox: point.point.outbox_acked + 1,
        outbox_hash: line.chain(point.point.outbox_hash),
        outbox_acked: point.point.outbox_acked,
        access: point.access,
    };
    let header = ChildHeader {
        version: PROTOCOL_VERSION,
        height: Height(point.point.child_to.0 + 1),
        prev_hash: point.point.block_hash,
        parent_hash: leaf.hash,
        parent_height: leaf.height,
        root_height: leaf.root_height,
        time_ms: leaf.time,
        entropy: leaf.entropy,
        txs_root: Hash::ZERO,
        receipts_root: Hash::ZERO,
        inbox_to: leaf.inbox,
        outbox_to: leaf.outbox,
        state_root: Hash(state(&leaf).root()),
        set_hash: validators().hash(),
        leader: PublicKey::ZERO,
        view: 0,
        prev_seal_hash: Hash::ZERO,
    };
    Ok((header, leaf))
}

/// A state that holds one leaf and nothing else.
fn state(leaf: &ParentLeaf) -> Trie<()> {
    let value_hash = banyan_tree::value_hash(&leaf.encode());
    Trie::build([Leaf { key: key::parent(), value_hash, note: () }])
}

fn summary(child: AssociateId, point: &ConnectionPoint, header: &ChildHeader, leaf: &ParentLeaf) -> Summary {
    Summary {
        associate: child,
        seq: point.point.seq + 1,
        child_from: point.point.child_to,
        child_to: header.height,
        block_hash: header.hash(),
        root: header.state_root,
        parent_hash: leaf.hash,
        parent_height: leaf.height,
        inbox_acked: leaf.inbox,
        inbox_hash: leaf.inbox_hash,
        skipped: vec![],
        outbox_acked: leaf.outbox,
        outbox_hash: leaf.outbox_hash,
        set_hash: header.set_hash,
    }
}

/// Three of the four validators agree: every devnet draws their keys from the same words.
fn certified(point: &ConnectionPoint, header: &ChildHeader, leaf: &ParentLeaf) -> Bytes {
    let statement = Statement::precommit(header.height, 0, header.hash());
    let (set, message) = (validators(), statement.signing_message(&point.network_id));
    let sign = |key: SecretKey| {
        let index = set.place(&PublicKey(key.public()))?;
        Some(MemberSignature { index, signature: Signature(key.sign(&message)) })
    };
    let signatures = devnet::validators().into_iter().filter_map(sign).take(QUORUM).collect();
    let certificate = Certificate::gather(&statement, signatures);
    let proof = state(leaf).prove_many(&[key::parent()]).encode();
    let leaf = ProofStep { leaves: vec![Bytes(leaf.encode())], proof: Bytes(proof) };
    let block = CertifiedBlock {
        header: Bytes(header.encode()),
        certificate: Bytes(certificate.encode()),
        leaf,
        grounds: Tail(None),
    };
    Bytes(block.encode())
}

fn validators() -> ValidatorSet {
    let member = |key: SecretKey| Member { key: PublicKey(key.public()), weight: 1 };
    ValidatorSet::new(devnet::validators().map(member).to_vec()).expect("four different keys of equal weight are a set")
}
