//! Four validators order a child as a contract says: whom it elects leads, as fast as it wants, and it shares the fees.

mod support;

use banyan_fate::{
    Value,
    abi::{encode_call, function_id},
};
use banyan_ledger::{Faults, Naming, engine::committee::Sets, key as leaf};
use banyan_node::Leaves as _;
use banyan_types::{
    Amount, Bytes, ContractBytes, ContractId, FATE, Gas, GasPrice, Height, Lifetime, Nonce, PublicKey, Serial,
    engine::EngineAction,
    text,
    tx::{ContractCreateV2, EngineAct, SignedTx, Transaction},
};
use support::{council::*, *};

const CODE: &str = include_str!("../../../core/ledger/tests/contracts/Steward.cb");
const SOURCE: &str = include_str!("../../../core/ledger/tests/contracts/Steward.aes");
const EPOCH: u64 = 6;
const PACE_MS: u64 = 700;
/// Another order than that of the keys.
const ORDER: [u8; 4] = [43, 41, 44, 42];

fn create(network: &str) -> (SignedTx, ContractId) {
    let name = |seed: &u8| Value::tuple(vec![Value::address(&account(*seed).0), Value::int(1u64)]);
    let arguments = vec![Value::list(ORDER.iter().map(name).collect()), Value::int(PACE_MS)];
    let nonce = Nonce(1);
    let tx = ContractCreateV2 {
        owner_id: account(USER),
        nonce,
        code: ContractBytes(text::decode(CODE.trim()).unwrap().1),
        ct_version: FATE,
        fee: coins(1),
        ttl: Height(0),
        deposit: Amount::ZERO,
        amount: Amount::ZERO,
        gas: Gas(100_000),
        gas_price: GasPrice(1_000_000_000),
        call_data: ContractBytes(encode_call(function_id("init"), arguments)),
        lifetime: Lifetime::Default,
        source: Bytes(SOURCE.as_bytes().to_vec()),
    };
    let contract = ContractId::derive(account(USER), Serial::Nonce(nonce));
    (Transaction::from(tx).sign(network, &key(USER)), contract)
}

fn act(network: &str, seed: u8, action: EngineAction, nonce: u64) -> SignedTx {
    let act = EngineAct { from_id: account(seed), action, ttl: Height(0), fee: coins(1), nonce: Nonce(nonce) };
    Transaction::from(act).sign(network, &key(seed))
}

fn run_to_epoch(council: &mut Council, epoch: u64) {
    while council.committee(0).schedule.number < epoch {
        council.run(1_000);
    }
}

/// A child that the contract rules since some epochs, with nodes of these keys. Their payer has coins on it.
fn ruled(keys: &[u8]) -> Council {
    let mut council = Council::with(Engine::Committee, keys, |child| child.with_epochs(EPOCH, Sets::Contract));
    council.run(1_000);
    council.submit_root(commit(council.child_id, USER, coins(1_000), 1));
    for (nonce, seed) in (2..).zip(VALIDATORS.into_iter().chain([OPERATORS[0], FRIEND])) {
        council.submit_root(commit_to(council.child_id, USER, seed, coins(10), nonce));
    }
    council.run(12_000);
    let network = council.network.clone();
    let (tx, contract) = create(&network);
    council.submit(0, tx).unwrap();
    council.run(2_000);
    council.submit(0, act(&network, 41, EngineAction::Propose(contract), 1)).unwrap();
    council.run(2_000);
    let since = council.committee(0).schedule.number;
    run_to_epoch(&mut council, since + 2);
    for (seed, nonce) in [(41, 2), (42, 1), (43, 1)] {
        council.submit(1, act(&network, seed, EngineAction::Vote(contract), nonce)).unwrap();
    }
    council.run(3_000);
    let agreed = council.committee(0).schedule.number;
    run_to_epoch(&mut council, agreed + 6);
    council
}

#[test]
fn a_committee_of_four_follows_the_leaders_and_the_interval_of_its_contract() {
    let mut council = ruled(&VALIDATORS);
    let decree = council.committee(0).schedule.now.decree.0.expect("the contract has decreed this epoch");
    assert_eq!((decree.leaders.len(), decree.interval_ms), (4, Some(PACE_MS)));
    // There is always something to order, so that blocks come as fast as they may; one node loses its memory in between.
    let (network, from) = (council.network.clone(), council.height(0).0);
    let shared = VALIDATORS.map(|seed| council.balance(0, seed));
    for (round, nonce) in (0..100).zip(2..) {
        council.submit(0, spend(&network, USER, FRIEND, coins(1), nonce)).unwrap();
        council.run(200);
        if round == 50 {
            council.kill(2);
            council.start(2);
        }
    }
    council.run(5_000);
    let to = council.height(0).0;
    assert!(to - from >= 18, "{} blocks", to - from);
    assert!(council.agree() && council.height(2).0 + 1 >= to);
    let leader = |height: u64| {
        let slot = usize::try_from((height - 1) % EPOCH % 4).unwrap();
        PublicKey(key(ORDER[slot]).public())
    };
    let headers: Vec<_> = (from + 1..=to).map(|height| council.header(0, height)).collect();
    let led = headers.iter().filter(|header| header.view == 0).count();
    assert!(led + 3 >= headers.len(), "{led} of {} by whom the contract elected", headers.len());
    for header in headers.iter().filter(|header| header.view == 0) {
        assert_eq!(header.leader, leader(header.height.0), "{}", header.height);
    }
    // Clocks agree here but for a link: nobody makes a block before the interval has passed since the last was committed.
    for pair in headers.windows(2) {
        let passed = pair[1].time_ms.0 - pair[0].time_ms.0;
        assert!(passed >= PACE_MS - 100, "{passed} ms before {}", pair[1].height);
    }
    let after = VALIDATORS.map(|seed| council.balance(0, seed));
    assert!(shared.iter().zip(after).all(|(before, after)| *before < after), "all have had their share of fees");
    (0..4).for_each(|n| totals_hold(council.node(n)));
    assert_eq!(council.alarms, []);
}

#[test]
fn a_key_that_two_nodes_use_is_reported_and_the_contract_is_told() {
    let mut council = ruled(&[41, 42, 43, 44, 44]);
    let (network, twin) = (council.network.clone(), PublicKey(key(44).public()));
    let faults = |council: &Council| -> Faults {
        let head = council.node(0).chain().head().unwrap();
        head.view.leaf(&leaf::naming(), Naming::decode).unwrap().unwrap().faults.0.unwrap()
    };
    for nonce in 0..20 {
        // Both are given something else to put into the block that the key is to propose.
        let leads = |council: &Council| {
            let (schedule, next) = (council.committee(0).schedule, council.height(0).next().unwrap());
            next.0 % EPOCH != 1 && schedule.epoch().leader(next, 0) == twin
        };
        while !leads(&council) {
            council.run(50);
        }
        council.submit(3, spend(&network, USER, 51, coins(1), nonce + 2)).unwrap();
        council.submit(4, spend(&network, FRIEND, 51, coins(1), nonce + 1)).unwrap();
        council.run(5_000);
        if !faults(&council).proven.is_empty() {
            break;
        }
    }
    let proven = faults(&council).proven;
    assert_eq!(proven.iter().map(|proven| proven.key).collect::<Vec<_>>(), [twin]);
    council.run(10_000);
    assert_eq!(faults(&council).waiting, []);
    totals_hold(council.node(0));
}
