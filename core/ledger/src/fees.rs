//! What a transaction costs. Rules: ledger 2.3.

use banyan_tree::MultiProof;
use banyan_types::{
    Amount, Asset, Bytes, Gas, GasPrice, Height, Lifetime,
    associate::{CertifiedBlock, Change, ProofStep},
    committee::{Certificate, VALIDATORS_MAX},
    engine::EngineAction,
    limits::{REMIT_BYTES_MAX, REMIT_LINES_MAX},
    tx::{AssociateCommit, AssociateUpdate, AssociateWithdraw, ContractCreateV2, EngineAct, SignedTx, Transaction},
};

use crate::{
    Params,
    associate::read_operators,
    leaf::{LINE_GAS, POINT_BYTES, SIGNATURE_GAS},
};

/// Gas of one byte of an unsigned transaction. Source: ledger 2.3.
const BYTE_GAS: u64 = 20;

/// Nodes of the proof of one leaf: one for each bit of its key.
const PROOF_NODES_MAX: usize = 256;

/// Certificates of one remit, where validators take turns.
const CERTIFICATES_MAX: usize = 2;

/// Gas of the longest remit: [`REMIT_BYTES_MAX`] bytes, [`REMIT_LINES_MAX`] lines, [`VALIDATORS_MAX`] signatures in each
/// certificate, which are more than operators', and a proof as deep as a state can be.
/// It is measured against the block's gas instead of one transaction's, since a child may order so much in one block and
/// each block must be remittable alone.
pub const REMIT_GAS_MAX: Gas = Gas(30_000
    + BYTE_GAS * REMIT_BYTES_MAX as u64
    + LINE_GAS.0 * REMIT_LINES_MAX as u64
    + SIGNATURE_GAS.0 * (CERTIFICATES_MAX * VALIDATORS_MAX + PROOF_NODES_MAX) as u64);

/// Bytes of a contract that rent is paid for beside its code, source and store. Source: ledger 5.2.
pub(crate) const CONTRACT_BYTES: u64 = 512;
/// Bytes of a store leaf that rent is paid for beside its key and value. Source: ledger 5.2.
pub(crate) const STORE_LEAF_BYTES: u64 = 64;
/// Bytes of a data entry that rent is paid for beside its data. Source: ledger 5.2.
pub(crate) const ENTRY_BYTES: u64 = 256;
/// Bytes of a token that rent is paid for once. Source: ledger 2.2.
const TOKEN_BYTES: u64 = 512;
/// Bytes of a blob's place that rent is paid for once; the blob itself is in its block. Source: associates 10.
const BLOB_BYTES: u64 = 64;
/// Years that a token or a blob's place pays for. Source: ledger 2.2.
const TOKEN_YEARS: u64 = 10;

/// Gas of including a transaction whose unsigned bytes are `unsigned_len`, and that is counted to the block: without rent,
/// without what a run uses and without what stands inside. `None` on overflow.
pub fn intrinsic_gas(tx: &Transaction, unsigned_len: usize) -> Option<Gas> {
    let inside = tx.inside().map_or(0, SignedTx::unsigned_len);
    let own = u64::try_from(unsigned_len.checked_sub(inside)?).ok()?;
    tx.base_gas().plus(own.checked_mul(BYTE_GAS)?)?.plus(parts_gas(tx)?.0)
}

/// What is checked one by one in an authorization, whatever the regime: signatures and nodes of a proof.
fn authorization_checks(bytes: &Bytes) -> usize {
    let of = |certificate: &[u8]| Certificate::read(certificate).map_or(0, |read| read.signatures.len());
    if let Some(signatures) = read_operators(bytes) {
        return signatures.len();
    }
    match CertifiedBlock::decode(&bytes.0) {
        Ok(block) => {
            let grounds = block.grounds.0.map_or(0, |grounds| of(&grounds.seal.0));
            of(&block.certificate.0).saturating_add(grounds).saturating_add(nodes(&block.leaf))
        }
        Err(_) => of(&bytes.0),
    }
}

fn nodes(step: &ProofStep) -> usize {
    MultiProof::decode(&step.proof.0).map_or(0, |proof| proof.nodes())
}

/// Gas of the lines, signatures and nodes of proofs that stand in a transaction and are checked one by one.
fn parts_gas(tx: &Transaction) -> Option<Gas> {
    let signatures = |bytes| read_operators(bytes).map_or(0, |signatures| signatures.len());
    let (lines, checks) = match tx {
        Transaction::AssociateRemit(tx) => (tx.lines.len(), authorization_checks(&tx.authorization)),
        Transaction::AssociateUpdate(tx) => {
            let lines = if let Change::AccessLines(lines) = &tx.change { lines.len() } else { 0 };
            (lines, authorization_checks(&tx.authorization))
        }
        Transaction::AssociateClose(tx) => (0, signatures(&tx.authorization)),
        Transaction::EngineAct(EngineAct { action: EngineAction::SetChange(change), .. }) => {
            (0, change.signatures.len())
        }
        Transaction::AssociateEvidence(tx) => {
            let checks = |statement: &Bytes| Certificate::read(&statement.0).map_or(1, |read| read.signatures.len());
            (0, checks(&tx.a).checked_add(checks(&tx.b))?)
        }
        Transaction::AssociateEscape(tx) => {
            let all = tx.proofs.iter().try_fold(0usize, |sum, step| sum.checked_add(nodes(step)))?;
            (0, all.checked_add(usize::from(!tx.authorization.0.is_empty()))?)
        }
        _ => (0, 0),
    };
    let times = |gas: Gas, n: usize| gas.0.checked_mul(u64::try_from(n).ok()?);
    Some(Gas(times(LINE_GAS, lines)?.checked_add(times(SIGNATURE_GAS, checks)?)?))
}

/// Gas for keeping what a transaction makes, as far as the transaction and the height alone say: an extension pays for the
/// size of its object too. It is paid for, and counted to no block. `None` on overflow.
pub fn rent_gas(params: &Params, tx: &Transaction, height: Height) -> Option<Gas> {
    match tx {
        Transaction::AssociateCreate(create) => {
            let heights = create.expiry.since(height).unwrap_or(0).saturating_sub(params.lifetime_default);
            params.rent_gas(POINT_BYTES, heights)
        }
        Transaction::ContractCreateV2(create) => create_rent(params, create),
        Transaction::TokenCreate(_) => {
            params.rent_gas(TOKEN_BYTES, TOKEN_YEARS.checked_mul(params.heights_per_year())?)
        }
        Transaction::EntryCreate(create) => {
            params.rent_gas(ENTRY_BYTES.checked_add(length(&create.data.0)?)?, heights(params, create.lifetime))
        }
        Transaction::BlobPost(_) => params.rent_gas(BLOB_BYTES, TOKEN_YEARS.checked_mul(params.heights_per_year())?),
        _ => Some(Gas(0)),
    }
}

/// What exceeds the default lifetime is paid for.
fn create_rent(params: &Params, create: &ContractCreateV2) -> Option<Gas> {
    let bytes = length(&create.code.0)?.checked_add(length(&create.source.0)?)?.checked_add(CONTRACT_BYTES)?;
    params.rent_gas(bytes, heights(params, create.lifetime).saturating_sub(params.lifetime_default))
}

pub(crate) const fn heights(params: &Params, lifetime: Lifetime) -> u64 {
    match lifetime {
        Lifetime::Default => params.lifetime_default,
        Lifetime::Heights(heights) => heights,
        Lifetime::Forever => u64::MAX,
    }
}

fn length(bytes: &[u8]) -> Option<u64> {
    u64::try_from(bytes.len()).ok()
}

/// The least fee of a transaction; an extension's grows by the rent of its object. `None` on overflow.
pub fn minimum_fee(params: &Params, tx: &Transaction, unsigned_len: usize, height: Height) -> Option<Amount> {
    params.price(intrinsic_gas(tx, unsigned_len)?.plus(rent_gas(params, tx, height)?.0)?)
}

/// The gas that a transaction's run may use, and its price. `None` where nothing runs.
pub const fn run_gas(tx: &Transaction) -> Option<(Gas, GasPrice)> {
    match tx {
        Transaction::ContractCreate(tx) => Some((tx.gas, tx.gas_price)),
        Transaction::ContractCreateV2(tx) => Some((tx.gas, tx.gas_price)),
        Transaction::ContractCall(tx) => Some((tx.gas, tx.gas_price)),
        Transaction::GaAttach(tx) => Some((tx.gas, tx.gas_price)),
        Transaction::GaMeta(tx) => Some((tx.gas, tx.gas_price)),
        _ => None,
    }
}

/// What a run may cost. `None` above the supply.
pub fn run_cost(tx: &Transaction) -> Option<Amount> {
    run_gas(tx).map_or(Some(Amount::ZERO), |(gas, price)| cost(gas, price))
}

/// `gas` at `price`. `None` above the supply.
pub fn cost(gas: Gas, price: GasPrice) -> Option<Amount> {
    price.0.checked_mul(u128::from(gas.0)).and_then(Amount::new)
}

/// Fee and run of a transaction and of all that stands inside it: what a payer answers for. `None` above the supply.
pub fn fees_through(tx: &Transaction) -> Option<Amount> {
    through(tx).try_fold(Amount::ZERO, |sum, tx| sum.plus(tx.fee())?.plus(run_cost(tx)?))
}

/// The fees alone of a transaction and of all that stands inside it. `None` above the supply.
pub fn fees_offered(tx: &Transaction) -> Option<Amount> {
    through(tx).try_fold(Amount::ZERO, |sum, tx| sum.plus(tx.fee()))
}

/// The transaction, and those inside it.
fn through(tx: &Transaction) -> impl Iterator<Item = &Transaction> {
    core::iter::successors(Some(tx), |tx| tx.inside().map(SignedTx::transaction))
}

/// What a transaction moves out of its sender's account. `None` above the supply.
pub fn amount_moved(tx: &Transaction) -> Option<Amount> {
    Some(match tx {
        Transaction::Spend(tx) => tx.amount,
        Transaction::ContractCreate(tx) => tx.amount.plus(tx.deposit)?,
        Transaction::ContractCreateV2(tx) => tx.amount.plus(tx.deposit)?,
        Transaction::ContractCall(tx) => tx.amount,
        Transaction::AssociateCommit(AssociateCommit { asset: Asset::Coin, amount, .. })
        | Transaction::AssociateWithdraw(AssociateWithdraw { asset: Asset::Coin, amount, .. })
        | Transaction::AssociateUpdate(AssociateUpdate { change: Change::BondIn(amount), .. }) => *amount,
        Transaction::Bond(tx) => tx.amount,
        _ => Amount::ZERO,
    })
}

/// What a transaction takes at most from the account that signs it. `None` above the supply.
pub fn charged_before(tx: &Transaction) -> Option<Amount> {
    match tx {
        Transaction::PayingFor(_) => fees_through(tx),
        // What is inside is done in the same account's name; a payer inside pays for others.
        Transaction::GaMeta(meta) => tx.fee().plus(run_cost(tx)?)?.plus(charged_before(meta.tx.get().transaction())?),
        _ => tx.fee().plus(run_cost(tx)?)?.plus(amount_moved(tx)?),
    }
}
