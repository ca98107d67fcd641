//! What every transaction must pass before its kind's own rules, in the order of the protocol. Rules: ledger 2.3, 3.

use banyan_types::{
    Amount, Gas, GasPrice, Height, Receipt, Status,
    limits::{OPERATORS_MAX, PAYLOAD_BYTES_MAX, REMIT_BYTES_MAX, REMIT_LINES_MAX},
    tx::{AssociateRemit, SignedTx, Transaction},
};

use crate::{
    Event, Params, Rejected, State, Verified,
    associate::read_operators,
    leaf::{LINE_GAS, POINT_BYTES, SIGNATURE_GAS},
    scene::Scene,
};

/// Gas of one byte of an unsigned transaction. Source: ledger 2.3.
const BYTE_GAS: u64 = 20;

/// Gas of the longest remit: [`REMIT_BYTES_MAX`] bytes, [`REMIT_LINES_MAX`] lines, [`OPERATORS_MAX`] signatures.
/// It is measured against the block's gas instead of one transaction's, since a child may order so much in one block and
/// each block must be remittable alone.
pub const REMIT_GAS_MAX: Gas = Gas(30_000
    + BYTE_GAS * REMIT_BYTES_MAX as u64
    + LINE_GAS.0 * REMIT_LINES_MAX as u64
    + SIGNATURE_GAS.0 * OPERATORS_MAX as u64);

/// Gas of a transaction whose unsigned bytes are `unsigned_len`, before anything that depends on the state but the
/// height. `None` on overflow.
pub fn intrinsic_gas(params: &Params, tx: &Transaction, unsigned_len: usize, height: Height) -> Option<Gas> {
    let size = u64::try_from(unsigned_len).ok()?.checked_mul(BYTE_GAS)?;
    tx.base_gas().plus(size)?.plus(extra_gas(params, tx, height)?.0)
}

/// Gas for lines and signatures inside the transaction, and for keeping what it makes.
fn extra_gas(params: &Params, tx: &Transaction, height: Height) -> Option<Gas> {
    match tx {
        Transaction::AssociateRemit(remit) => remit_gas(remit),
        Transaction::AssociateCreate(create) => {
            let heights = create.expiry.since(height).unwrap_or(0).saturating_sub(params.lifetime_default);
            params.rent_gas(POINT_BYTES, heights)
        }
        _ => Some(Gas(0)),
    }
}

fn remit_gas(remit: &AssociateRemit) -> Option<Gas> {
    let times = |gas: Gas, n: usize| gas.0.checked_mul(u64::try_from(n).ok()?);
    let signatures = read_operators(&remit.authorization).map_or(0, |signatures| signatures.len());
    Some(Gas(times(LINE_GAS, remit.lines.len())?.checked_add(times(SIGNATURE_GAS, signatures)?)?))
}

/// The least fee of a transaction. `None` on overflow.
pub fn minimum_fee(params: &Params, tx: &Transaction, unsigned_len: usize, height: Height) -> Option<Amount> {
    params.price(intrinsic_gas(params, tx, unsigned_len, height)?)
}

/// Checks 1 to 6: what can be said from the transaction and the height alone. A pool asks this before it looks at
/// signatures.
/// # Errors
/// The first [`Rejected`] that applies.
pub fn precheck(params: &Params, height: Height, tx: &SignedTx) -> Result<Gas, Rejected> {
    let transaction = tx.transaction();
    let here = match transaction {
        Transaction::AssociateWithdraw(_) => !params.is_root(),
        Transaction::Bond(_) | Transaction::Unbond(_) | Transaction::Evidence(_) | Transaction::Renew(_) => {
            params.stake().is_some()
        }
        _ => true,
    };
    if !here {
        return Err(Rejected::NotHere { kind: transaction.kind() });
    }
    if let Transaction::Spend(spend) = transaction
        && spend.payload.0.len() > PAYLOAD_BYTES_MAX
    {
        return Err(Rejected::PayloadTooLarge { max: PAYLOAD_BYTES_MAX, got: spend.payload.0.len() });
    }
    let gas = intrinsic_gas(params, transaction, tx.unsigned_len(), height).ok_or(Rejected::Overflow)?;
    let needed = params.price(gas).ok_or(Rejected::Overflow)?;
    if transaction.fee() < needed {
        return Err(Rejected::FeeTooLow { needed, got: transaction.fee() });
    }
    let is_remit = matches!(transaction, Transaction::AssociateRemit(_));
    let max = if is_remit { params.gas_per_block_max } else { params.gas_per_tx_max };
    if gas > max {
        return Err(Rejected::GasTooHigh { max, got: gas });
    }
    match transaction.ttl() {
        Some(ttl) if ttl < height => Err(Rejected::TtlExpired { ttl, height }),
        _ => Ok(gas),
    }
}

/// What a transaction takes from its signer before it runs: fee and amount. `None` above the supply.
pub fn charged_before(tx: &Transaction) -> Option<Amount> {
    let amount = match tx {
        Transaction::Spend(spend) => spend.amount,
        Transaction::AssociateCommit(commit) => commit.amount,
        Transaction::AssociateWithdraw(withdraw) => withdraw.amount,
        Transaction::Bond(bond) => bond.amount,
        Transaction::AssociateCreate(_)
        | Transaction::AssociateRemit(_)
        | Transaction::Unbond(_)
        | Transaction::Evidence(_)
        | Transaction::Renew(_) => Amount::ZERO,
    };
    tx.fee().plus(amount)
}

impl<S: State> Scene<'_, S> {
    /// Apply one transaction. A refused one leaves everything as it was.
    pub(crate) fn apply(&mut self, tx: &Verified<SignedTx>) -> Result<Receipt, Rejected> {
        let moment = self.remember();
        self.apply_or_leave_half(tx.get()).inspect_err(|_| self.forget_since(moment))
    }

    fn apply_or_leave_half(&mut self, tx: &SignedTx) -> Result<Receipt, Rejected> {
        let gas_used = precheck(self.params, self.height, tx)?;
        self.charge(tx)?;
        let mut created = alloc::vec![];
        match tx.transaction() {
            Transaction::Spend(spend) => self.spend(spend)?,
            Transaction::AssociateCreate(create) => created.push(self.create(create)?.into()),
            Transaction::AssociateCommit(commit) => self.commit(commit)?,
            Transaction::AssociateRemit(remit) => self.remit(remit)?,
            Transaction::AssociateWithdraw(withdraw) => self.withdraw_tx(withdraw)?,
            Transaction::Bond(bond) => self.bond(bond)?,
            Transaction::Unbond(unbond) => self.unbond(unbond)?,
            Transaction::Evidence(evidence) => self.evidence(evidence)?,
            Transaction::Renew(renew) => self.renew(renew)?,
        }
        Ok(Receipt {
            tx_hash: tx.hash(),
            status: Status::Ok,
            gas_used,
            gas_price: GasPrice(0),
            returned: banyan_types::Bytes::default(),
            logs: alloc::vec![],
            calls: alloc::vec![],
            created,
        })
    }

    /// Checks 8 to 11, then nonce and fee.
    fn charge(&mut self, tx: &SignedTx) -> Result<(), Rejected> {
        let transaction = tx.transaction();
        let signer = transaction.signer();
        let mut account = self.account(signer)?.ok_or(Rejected::NoAccount { account: signer })?;
        let (expected, got) = (account.nonce.next().ok_or(Rejected::Overflow)?, transaction.nonce());
        if got < expected {
            return Err(Rejected::NonceUsed { expected, got });
        }
        if got > expected {
            return Err(Rejected::NonceEarly { expected, got });
        }
        let needed = charged_before(transaction).ok_or(Rejected::Overflow)?;
        if account.balance < needed {
            return Err(Rejected::Funds { balance: account.balance, needed });
        }
        account.nonce = got;
        self.set_account(signer, &account);
        let fee = self.take(signer, transaction.fee())?;
        self.events.push(Event::Charged { account: signer, amount: fee.amount(), tx: tx.hash() });
        self.pay_fees(fee)
    }
}
