//! The beginning of a ledger.

use banyan_ledger::{
    EmissionRow, Genesis, GenesisAccount, GenesisError, GenesisWitness, MapState, Params, Rejected, RootRules,
    emission_main, genesis_state, key,
};
use banyan_types::{
    Amount, AssociateId, Bytes, Gas, GasPrice, Hash, Height, Nonce, PublicKey, TimeMs,
    tx::{AssociateCreate, Transaction},
};

use crate::support::*;

fn root_genesis() -> Genesis {
    genesis(root_params(), &[(ALICE, coins(5)), (BOB, units(1))])
}

fn first_witness(person: u8) -> GenesisWitness {
    GenesisWitness { staker: account(person), key: PublicKey(secret(person).public()), bond: coins(10) }
}

fn root_of(genesis: &Genesis) -> Hash {
    let mut state = MapState::default();
    state.commit(&genesis_state(genesis).unwrap());
    state.root()
}

/// What a ledger's identity hangs on: change the encoding or the first state, and no child finds its parent again.
#[test]
fn a_genesis_has_one_hash_and_one_root() {
    let root = root_genesis();
    let child = genesis(params("bank.2Qx7Lm4d", AssociateId([1; 32]), None), &[]);
    let rows = [
        (&root, ROOT_HASH, ROOT_STATE), //
        (&child, CHILD_HASH, CHILD_STATE),
    ];
    for (genesis, hash, state) in rows {
        assert_eq!((genesis.hash().to_string(), root_of(genesis).to_string()), (hash.into(), state.into()));
    }
}

const ROOT_HASH: &str = "7a23fb5a122a6e8d0b0b61e310718ad3e96bcf8e0c4cada0de4f103e61a3db52";
const ROOT_STATE: &str = "253477f7ce7f18f9531de02bbd392a4205ea5dabda166f987772466cd571ab7a";
const CHILD_HASH: &str = "9f3814a2457e26331c0e5be539642f6a9b631315e35228641fec410a2a74d04b";
const CHILD_STATE: &str = "72377047de516066cecf00cd79b75be537df8470baed73c5e54ff0e2df2add07";

#[test]
fn a_change_of_anything_changes_the_hash() {
    let base = root_genesis();
    let changes: [fn(&mut Genesis); 13] = [
        |genesis| genesis.name.push('x'),
        |genesis| genesis.profile.push('x'),
        |genesis| genesis.time.0 += 1,
        |genesis| genesis.params.network_id.push('x'),
        |genesis| genesis.params.ledger = AssociateId([1; 32]),
        |genesis| genesis.params.height_interval_ms += 1,
        |genesis| genesis.params.gas_price_min = GasPrice(1),
        |genesis| genesis.params.root = None,
        |genesis| genesis.params.root.as_mut().unwrap().maturity += 1,
        |genesis| genesis.engine = Bytes(vec![1]),
        |genesis| genesis.accounts[0].balance = coins(6),
        |genesis| genesis.associates.push(Bytes(vec![])),
        |genesis| genesis.witnesses.push(first_witness(ALICE)),
    ];
    let mut hashes: Vec<_> = changes
        .iter()
        .map(|change| {
            let mut genesis = base.clone();
            change(&mut genesis);
            genesis.hash()
        })
        .chain([base.hash()])
        .collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), changes.len() + 1);
}

#[test]
fn a_child_genesis_cannot_hold_coins() {
    let child = genesis(params("bank.2Qx7Lm4d", AssociateId([1; 32]), None), &[(ALICE, units(1))]);
    assert_eq!(genesis_state(&child), Err(GenesisError::TooMuch { cap: Amount::ZERO }));
    let empty = Ledger::new(&Genesis { accounts: vec![], ..child });
    assert_eq!((empty.supply().minted, empty.supply().pool), (Amount::ZERO, Amount::ZERO));
    empty.check();
}

#[test]
fn balances_and_emission_stay_below_the_cap() {
    // The emission of these tests mints 100 coins a million times.
    let room = Amount::MAX.minus(coins(100_000_000)).unwrap();
    let with = |balances: &[(u8, Amount)]| genesis_state(&genesis(root_params(), balances)).map(|_| ());
    assert_eq!(with(&[(ALICE, room)]), Ok(()));
    let too_much = Err(GenesisError::TooMuch { cap: Amount::MAX });
    assert_eq!(with(&[(ALICE, room), (BOB, units(1))]), too_much);
    assert_eq!(with(&[(ALICE, Amount::MAX), (BOB, Amount::MAX)]), too_much);

    let main = RootRules { emission: emission_main(), maturity: 180, era: 720, tail_div: 10_000_000, ..root_rules() };
    let main = Params { root: Some(main), ..root_params() };
    let allocated = coins(1_000_000_000_000 - 998_558_269_200);
    assert!(genesis_state(&genesis(main.clone(), &[(ALICE, allocated)])).is_ok());
    let above = allocated.plus(units(1)).unwrap();
    assert_eq!(genesis_state(&genesis(main, &[(ALICE, above)])).map(|_| ()), too_much);
}

#[test]
fn an_account_stands_once() {
    let mut twice = root_genesis();
    twice.accounts.push(GenesisAccount { account: account(BOB), balance: units(2) });
    assert_eq!(genesis_state(&twice), Err(GenesisError::Twice { account: account(BOB) }));
}

#[test]
fn an_account_without_coins_has_no_leaf() {
    let with = genesis(root_params(), &[(ALICE, coins(5)), (BOB, Amount::ZERO)]);
    let without = genesis(root_params(), &[(ALICE, coins(5))]);
    // The engine's leaf names the genesis, which the two differ in.
    let leaves = |genesis| {
        let mut leaves = genesis_state(genesis).unwrap();
        leaves.remove(&key::engine());
        leaves
    };
    assert_eq!(leaves(&with), leaves(&without));
}

#[test]
fn parameters_that_no_ledger_can_live_with_are_refused() {
    let root = |change: fn(&mut RootRules)| {
        let mut rules = root_rules();
        change(&mut rules);
        Params { root: Some(rules), ..root_params() }
    };
    let row = |from, coins| EmissionRow { from: Height(from), coins };
    let emission = |emission| Params { root: Some(RootRules { emission, ..root_rules() }), ..root_params() };
    let rows = [
        ("network_id", Params { network_id: String::new(), ..root_params() }),
        ("network_id", Params { network_id: "a".repeat(33), ..root_params() }),
        ("network_id", Params { network_id: "banyan-dev".into(), ..root_params() }),
        ("network_id", Params { network_id: "bänyan".into(), ..root_params() }),
        ("ledger", Params { ledger: AssociateId([1; 32]), ..root_params() }),
        ("ledger", params("bank", AssociateId::ZERO, None)),
        ("height_interval_ms", Params { height_interval_ms: 0, ..root_params() }),
        ("gas_per_tx_max", Params { gas_per_block_max: Gas(1), ..root_params() }),
        ("auth_gas_max", Params { auth_gas_max: Gas(6_000_001), ..root_params() }),
        ("lifetime_default", Params { lifetime_default: 0, ..root_params() }),
        ("lifetime_default", Params { lifetime_default: 1_000_001, ..root_params() }),
        ("maturity", root(|rules| rules.maturity = 0)),
        ("maturity", root(|rules| rules.maturity = 256)),
        ("era", root(|rules| rules.era = 0)),
        ("tail_div", root(|rules| rules.tail_div = 0)),
        ("emission", emission(vec![row(1, 100)])),
        ("emission", emission(vec![row(2, 100), row(1, 0)])),
        ("emission", emission(vec![row(1, 100), row(1, 0)])),
    ];
    for (field, params) in rows {
        assert_eq!(genesis_state(&genesis(params, &[])), Err(GenesisError::Params { field }));
    }
}

fn create(nonce: u64) -> AssociateCreate {
    let blank = Ledger::new(&root_genesis());
    let id = AssociateId::derive(&blank.params.network_id, account(ALICE), Nonce(nonce));
    let network_id = format!("bank.{}", id.short());
    AssociateCreate { nonce: Nonce(nonce), network_id, ..blank.create(ALICE, "bank") }
}

fn with_associates(associates: &[Transaction]) -> Genesis {
    let associates = associates.iter().map(|tx| Bytes(tx.encode())).collect();
    Genesis { associates, time: TimeMs(1), ..root_genesis() }
}

#[test]
fn children_may_stand_in_the_genesis() {
    let genesis = with_associates(&[create(1).into(), create(2).into()]);
    let ledger = Ledger::new(&genesis);
    for nonce in 1..=2 {
        let id = AssociateId::derive(&ledger.params.network_id, account(ALICE), Nonce(nonce));
        assert_eq!(ledger.point(id).network_id, create(nonce).network_id);
    }
    assert_eq!(ledger.nonce(ALICE), Nonce(3), "a later child of hers has an id of its own");
    assert_eq!(ledger.balance(ALICE), coins(5));
}

#[test]
fn a_genesis_names_the_associate_that_is_wrong() {
    let spend = Ledger::new(&root_genesis()).spend(ALICE, account(BOB), coins(1));
    let rows = [
        (vec![create(1).into(), create(1).into()], 1, Rejected::Exists),
        (vec![spend.into()], 0, Rejected::NotHere { kind: "SpendTx" }),
        (vec![AssociateCreate { threshold: 1, ..create(1) }.into()], 0, Rejected::Threshold { of: 3, got: 1 }),
    ];
    for (associates, index, why) in rows {
        assert_eq!(genesis_state(&with_associates(&associates)), Err(GenesisError::Associate { index, why }));
    }
    let garbage = Genesis { associates: vec![Bytes(vec![1, 2, 3])], ..root_genesis() };
    assert!(matches!(genesis_state(&garbage), Err(GenesisError::Associate { index: 0, why: Rejected::Decode(_) })));
}
