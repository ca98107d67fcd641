//! Transactions that make, call and extend contracts.

use banyan_ledger::rules::intrinsic_gas;
use banyan_types::{
    AccountId, Amount, Bytes, ContractBytes, ContractId, FATE, Gas, Height, Lifetime, Target,
    tx::{ContractCall, ContractCreate, ContractCreateV2, Extend, Transaction},
};

use super::{CannotBuild, Terms, with_fee, with_fee_and_rent};

/// What goes with a run of a contract.
#[derive(Debug, Clone)]
pub struct Run {
    /// Function and arguments.
    pub call_data: Vec<u8>,
    /// Coins that go with it.
    pub amount: Amount,
    /// Gas that it may use, at the ledger's least price.
    pub gas: Gas,
}

/// How a contract is kept; whoever says nothing keeps no source, for the ledger's default lifetime.
#[derive(Debug, Clone, Default)]
pub struct Keeping {
    /// Heights that it is to live.
    pub lifetime: Option<u64>,
    /// Its source, for all to read.
    pub source: Option<Vec<u8>>,
}

/// A contract made of a code object; the run is its `init`.
/// # Errors
/// Any [`CannotBuild`].
pub fn create(
    owner: AccountId,
    code: &[u8],
    run: &Run,
    keeping: &Keeping,
    terms: &Terms,
) -> Result<Transaction, CannotBuild> {
    let plain = ContractCreate {
        owner_id: owner,
        nonce: terms.nonce,
        code: ContractBytes(code.to_vec()),
        ct_version: FATE,
        fee: Amount::ZERO,
        ttl: terms.ttl.unwrap_or(Height(0)),
        deposit: Amount::ZERO,
        amount: run.amount,
        gas: run.gas,
        gas_price: terms.params.gas_price_min,
        call_data: ContractBytes(run.call_data.clone()),
    };
    if keeping.lifetime.is_none() && keeping.source.is_none() {
        return with_fee(plain.into(), terms);
    }
    let full = ContractCreateV2 {
        owner_id: plain.owner_id,
        nonce: plain.nonce,
        code: plain.code,
        ct_version: plain.ct_version,
        fee: plain.fee,
        ttl: plain.ttl,
        deposit: plain.deposit,
        amount: plain.amount,
        gas: plain.gas,
        gas_price: plain.gas_price,
        call_data: plain.call_data,
        lifetime: keeping.lifetime.map_or(Lifetime::Default, Lifetime::Heights),
        source: Bytes(keeping.source.clone().unwrap_or_default()),
    };
    with_fee(full.into(), terms)
}

/// A call of a contract.
/// # Errors
/// Any [`CannotBuild`].
pub fn call(caller: AccountId, contract: ContractId, run: &Run, terms: &Terms) -> Result<Transaction, CannotBuild> {
    let call = ContractCall {
        caller_id: caller,
        nonce: terms.nonce,
        contract_id: contract,
        abi_version: FATE.abi(),
        fee: Amount::ZERO,
        ttl: terms.ttl.unwrap_or(Height(0)),
        amount: run.amount,
        gas: run.gas,
        gas_price: terms.params.gas_price_min,
        call_data: ContractBytes(run.call_data.clone()),
    };
    with_fee(call.into(), terms)
}

/// More heights for an object, whose rent for them is `rent` gas.
/// # Errors
/// Any [`CannotBuild`].
pub fn extend(
    sender: AccountId,
    target: Target,
    heights: u64,
    rent: Gas,
    terms: &Terms,
) -> Result<Transaction, CannotBuild> {
    let ttl = terms.ttl.unwrap_or(Height(0));
    let extend = Extend { sender_id: sender, target_id: target, heights, ttl, fee: Amount::ZERO, nonce: terms.nonce };
    with_fee_and_rent(extend.into(), rent, terms)
}

/// The most gas that a transaction of this size may ask for.
pub fn gas_max(tx: &Transaction, terms: &Terms) -> Gas {
    let intrinsic = intrinsic_gas(tx, tx.encode().len()).unwrap_or(terms.params.gas_per_tx_max);
    Gas(terms.params.gas_per_tx_max.0.saturating_sub(intrinsic.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{account, coins, params, terms};
    use banyan_ledger::rules::minimum_fee;

    fn run() -> Run {
        Run { call_data: vec![1, 2, 3], amount: coins(1), gas: Gas(1_000) }
    }

    #[test]
    fn only_what_is_asked_for_makes_the_longer_form() {
        let plain = create(account(1), &[9; 40], &run(), &Keeping::default(), &terms(1)).unwrap();
        assert!(matches!(plain, Transaction::ContractCreate(_)));
        let longer = Keeping { lifetime: Some(params().lifetime_default + 1_000), source: None };
        let longer = create(account(1), &[9; 40], &run(), &longer, &terms(1)).unwrap();
        assert!(matches!(&longer, Transaction::ContractCreateV2(tx) if tx.lifetime == Lifetime::Heights(263_800)));
        assert!(longer.fee() > plain.fee(), "heights above the default are paid for");
    }

    #[test]
    fn runs_pay_the_least_price_and_the_least_fee() {
        let terms = terms(3);
        let keeping = Keeping { lifetime: None, source: Some(b"contract C".to_vec()) };
        for tx in [
            create(account(1), &[9; 40], &run(), &Keeping::default(), &terms).unwrap(),
            create(account(1), &[9; 40], &run(), &keeping, &terms).unwrap(),
            call(account(1), ContractId([2; 32]), &run(), &terms).unwrap(),
        ] {
            let needed = minimum_fee(&terms.params, &tx, tx.encode().len(), terms.height).unwrap();
            assert_eq!(tx.fee(), needed, "{}", tx.kind());
            let gas = gas_max(&tx, &terms);
            let intrinsic = intrinsic_gas(&tx, tx.encode().len()).unwrap();
            assert_eq!(gas.0 + intrinsic.0, terms.params.gas_per_tx_max.0);
        }
    }

    #[test]
    fn an_extension_pays_its_rent() {
        let (terms, target) = (terms(3), Target::Contract(ContractId([2; 32])));
        let rent = Gas(123_456);
        let tx = extend(account(1), target, 1_000, rent, &terms).unwrap();
        let intrinsic = intrinsic_gas(&tx, tx.encode().len()).unwrap();
        let needed = terms.params.price(Gas(intrinsic.0 + rent.0)).unwrap();
        assert_eq!(tx.fee(), needed);
        let low = Terms { fee: Amount::new(1), ..terms };
        assert!(matches!(extend(account(1), target, 1_000, rent, &low), Err(CannotBuild::FeeTooLow { .. })));
    }
}
