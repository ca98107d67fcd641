//! Any bytes as transactions of a micro block on a small root: nothing panics, a refused one changes nothing, and the
//! coin adds up after whatever was taken.
#![no_main]

use std::sync::OnceLock;

use banyan_crypto::SecretKey;
use banyan_ledger::{
    Anchors, EmissionRow, Execution, Genesis, GenesisAccount, MapState, Overlay, Params, RootRules, State as _, Verified,
    check_totals, genesis_state,
};
use banyan_types::{
    AccountId, Amount, AssociateId, Bytes, Gas, GasPrice, Height, TimeMs,
    tx::{SignedTx, Transaction},
};
use libfuzzer_sys::fuzz_target;

/// A key from a fixed seed: it signs whatever the fuzzer makes, so that the rules behind the signature are reached.
fn key() -> SecretKey {
    SecretKey::from_seed([1; 32])
}

fn params() -> Params {
    Params {
        network_id: "banyan_fuzz".into(),
        ledger: AssociateId::ZERO,
        height_interval_ms: 3_000,
        gas_price_min: GasPrice(1),
        gas_per_tx_max: Gas(6_000_000),
        gas_per_block_max: Gas(60_000_000),
        auth_gas_max: Gas(50_000),
        rent_gas_per_byte_year: 20,
        lifetime_default: 1_000,
        lifetime_max: 10_000,
        grace: 21_600,
        root: Some(RootRules {
            supply_cap: Amount::MAX,
            maturity: 5,
            era: 20,
            emission: vec![EmissionRow { from: Height(1), coins: 100 }, EmissionRow { from: Height(1_000), coins: 0 }],
            tail_div: 1_000,
            stake: None,
            anchors: Anchors::default(),
        }),
        committee: banyan_types::rlp::Tail(None),
    }
}

fn world() -> &'static MapState {
    static WORLD: OnceLock<MapState> = OnceLock::new();
    WORLD.get_or_init(|| {
        let account = AccountId(key().public());
        let genesis = Genesis {
            name: "root".into(),
            profile: "dev".into(),
            time: TimeMs(1),
            params: params(),
            engine: Bytes::default(),
            accounts: vec![GenesisAccount { account, balance: Amount::coins(1_000).unwrap() }],
            witnesses: vec![],
            associates: vec![],
        };
        let mut world = MapState::default();
        world.commit(&genesis_state(&genesis).unwrap());
        world
    })
}

fuzz_target!(|txs: Vec<Vec<u8>>| {
    let params = params();
    let mut state = Overlay::new(world().clone());
    let mut execution = Execution::micro(&mut state, &params).unwrap();
    for bytes in &txs {
        let tx = match Transaction::decode(bytes) {
            Ok(tx) if tx.signer().0 == key().public() => tx.sign("banyan_fuzz", &key()),
            _ => match SignedTx::decode(bytes) {
                Ok(tx) => tx,
                Err(_) => continue,
            },
        };
        if let Ok(tx) = Verified::check(tx, "banyan_fuzz") {
            let _ = execution.push(&tx);
        }
    }
    let outcome = execution.finish().unwrap();
    assert_eq!(state.root(), Ok(outcome.root));
    let (mut world, changes) = state.into_parts();
    world.commit(&changes);
    check_totals(world.leaves().map(|(_, value)| value)).unwrap();
});
