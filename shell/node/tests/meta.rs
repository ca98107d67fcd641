//! Accounts that a contract speaks for, on their way through the pool.

mod support;

use banyan_fate::{
    Value,
    abi::{encode_call, function_id},
};
use banyan_ledger::Fault;
use banyan_types::{
    AuthHashInput, ContractBytes, FATE, Gas, GasPrice, Hash, Height, Nonce,
    tx::{GaAttach, GaMeta, SignedTx, Transaction, Wrapped},
};
use support::*;

/// Lets in whoever signs with a second key, and counts.
const GUARD: &str = include_str!("../../../conformance/vectors/fate/ga_guard.json");
/// Whose key the guard asks for.
const KEEPER: u8 = 77;
const PRICE: GasPrice = GasPrice(1_000_000_000);

fn code() -> ContractBytes {
    let (_, rest) = GUARD.split_once("\"contract_object\": \"").unwrap();
    let (hex, _) = rest.split_once('"').unwrap();
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    ContractBytes((0..hex.len()).step_by(2).map(byte).collect())
}

fn attach() -> SignedTx {
    let tx = GaAttach {
        owner_id: account(USER),
        nonce: Nonce(1),
        code: code(),
        auth_fun: Hash(banyan_crypto::blake2b(&[b"authorize"])),
        ct_version: FATE,
        fee: fee(),
        ttl: Height(0),
        gas: Gas(100_000),
        gas_price: PRICE,
        call_data: ContractBytes(encode_call(function_id("init"), vec![Value::address(&account(KEEPER).0)])),
    };
    Transaction::from(tx).sign("banyan_dev", &key(USER))
}

/// A payment through the guard, by its count and the keeper's key.
fn through(count: i64, units: u64, by: u8) -> SignedTx {
    let inner = spend("banyan_dev", USER, FRIEND, coins(units), 0).transaction().clone();
    let asked = AuthHashInput::new("banyan_dev", &inner.encode(), fee(), PRICE).hash();
    let signature = Value::bytes(key(by).sign(&asked.0));
    let meta = GaMeta {
        ga_id: account(USER),
        auth_data: ContractBytes(encode_call(function_id("authorize"), vec![Value::int(count), signature])),
        abi_version: 3,
        fee: fee(),
        gas: Gas(50_000),
        gas_price: PRICE,
        tx: Wrapped::new(SignedTx::unsigned_inside(inner)),
    };
    SignedTx::unsigned_inside(meta.into())
}

#[test]
fn a_guarded_accounts_payments_wait_in_the_order_in_which_its_contract_agrees() {
    let mut world = World::new();
    world.run(3_500);
    world.submit_root(attach()).unwrap();
    world.run(3_500);
    // Two at once: the second is asked about behind the first.
    for (count, amount) in [(1, 5), (2, 7)] {
        world.submit_root(through(count, amount, KEEPER)).unwrap();
    }
    let refused = Err((Fault::Early, "auth_failed"));
    assert_eq!(world.submit_root(through(2, 9, KEEPER)), refused, "a count serves once");
    assert_eq!(world.submit_root(through(3, 9, FRIEND)), refused, "another key");
    let plain = spend("banyan_dev", USER, FRIEND, coins(1), 2);
    assert_eq!(world.submit_root(plain), Err((Fault::Invalid, "account_kind")));
    let again = through(1, 5, KEEPER);
    assert_eq!(world.submit_root(again.clone()), Ok(again.hash()), "the same bytes are the same transaction");
    world.run(3_500);
    assert_eq!(World::balance(&world.root, FRIEND), coins(12));
    assert_eq!(world.submit_root(again.clone()), Ok(again.hash()), "also once it is done");
    world.submit_root(through(3, 1, KEEPER)).unwrap();
}
