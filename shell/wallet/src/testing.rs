//! Values that the tests of this crate share.

use banyan_ledger::Params;
use banyan_types::{AccountId, Amount, AssociateId, Gas, GasPrice, Height, Nonce};

use crate::tx::Terms;

pub fn account(byte: u8) -> AccountId {
    AccountId([byte; 32])
}

pub fn coins(coins: u64) -> Amount {
    Amount::coins(coins).unwrap()
}

pub fn params() -> Params {
    Params {
        network_id: "banyan_test".into(),
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
        root: None,
        committee: banyan_types::rlp::Tail(None),
    }
}

pub fn terms(nonce: u64) -> Terms {
    Terms { params: params(), height: Height(10), nonce: Nonce(nonce), ttl: None, fee: None }
}
