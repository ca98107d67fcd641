//! A child that lies: its operators sign a remit of more than its escrow holds.

use banyan_crypto::SecretKey;
use banyan_ledger::{ConnectionPoint, Escrow, key};
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Hash, Height, Payee, Signature,
    associate::{OperatorSignature, OutboxEntry, Summary, operators_authorization},
    tx::{AssociateRemit, SignedTx},
};
use banyan_wallet::{
    client::{Client, Status, When},
    light::Proven,
    tx,
};

use crate::{command::terms, devnet, failure::Failure, session::Owner};

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

/// A remit of one coin more than the escrow holds, to the liar itself; signed by as many operators as it takes.
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
    let summary = summary(root, child, &seen.point, &line)?;
    let remit = AssociateRemit {
        associate_id: child,
        from_id: liar.account(),
        authorization: operators_authorization(&signatures(&seen.point, &summary, &status.network_id)),
        summary,
        lines: vec![line],
        ttl: Height(0),
        fee: Amount::ZERO,
        nonce: root.account(liar.account())?.next(),
    };
    let terms = terms(status, remit.nonce);
    Ok(tx::with_fee(remit.into(), &terms)?.sign(&status.network_id, key))
}

/// Everything about it is right, but for the money.
fn summary(root: &Client, child: AssociateId, point: &ConnectionPoint, line: &OutboxEntry) -> Result<Summary, Failure> {
    let named = root.prove(&[key::clock()], When::Height(point.point.parent_height))?;
    Ok(Summary {
        associate: child,
        seq: point.point.seq + 1,
        child_from: point.point.child_to,
        child_to: Height(point.point.child_to.0 + 1),
        block_hash: Hash([0x11; 32]),
        root: Hash([0x11; 32]),
        parent_hash: named.block(),
        parent_height: point.point.parent_height,
        inbox_acked: point.inbox_acked,
        inbox_hash: point.inbox_acked_hash,
        skipped: vec![],
        outbox_acked: point.point.outbox_acked + 1,
        outbox_hash: line.chain(point.point.outbox_hash),
        set_hash: Hash::ZERO,
    })
}

/// The operators' own keys: every devnet draws them from the same words.
fn signatures(point: &ConnectionPoint, summary: &Summary, network: &str) -> Vec<OperatorSignature> {
    let message = summary.signing_message(network);
    let keys = devnet::operators(devnet::BANK);
    let sign = |(index, operator): (usize, &AccountId)| {
        let key = keys.iter().find(|key| key.public() == operator.0)?;
        Some(OperatorSignature { index: index as u64, signature: Signature(key.sign(&message)) })
    };
    point.operators.iter().enumerate().filter_map(sign).take(point.threshold.into()).collect()
}
