//! Each instruction in a table of inputs and results.

use std::collections::BTreeSet;

use banyan_fate::{
    Value,
    ops::table::{ALL, Argument, Op},
    value::{Kind, Map, Shared, Variant},
};
use num_bigint::BigInt;

use crate::support::{A, CALLER, World, function, is_failed, op, value_of};

fn n(n: i64) -> Value {
    Value::Int(n)
}
fn s(text: &str) -> Value {
    Value::string(text)
}
fn by(bytes: &[u8]) -> Value {
    Value::bytes(bytes)
}
fn t(items: &[Value]) -> Value {
    Value::tuple(items.to_vec())
}
fn l(items: &[Value]) -> Value {
    Value::list(items.to_vec())
}
fn m(pairs: &[(Value, Value)]) -> Value {
    Value::Map(pairs.iter().cloned().collect::<Map>())
}
fn bits(bits: i64) -> Value {
    Value::bits(BigInt::from(bits))
}
fn yes() -> Value {
    Value::Bool(true)
}
fn no() -> Value {
    Value::Bool(false)
}
fn some(value: Value) -> Value {
    Value::some(value)
}
fn none() -> Value {
    Value::none()
}
fn big(power: u32) -> Value {
    Value::int(BigInt::from(1) << power)
}
fn hex(text: &str) -> Value {
    Value::bytes(hex::decode(text).unwrap())
}

/// Inputs, and the result; `None` for an error.
type Row = (Op, Vec<Value>, Option<Value>);

fn integers() -> Vec<Row> {
    let mut rows = Vec::new();
    for (op, a, b, result) in [
        (Op::ADD, n(2), n(3), Some(n(5))),
        (Op::ADD, n(i64::MAX), n(1), Some(big(63))),
        (Op::ADD, big(63), n(-1), Some(n(i64::MAX))),
        (Op::ADD, n(1), s("1"), None),
        (Op::SUB, n(i64::MIN), n(1), Some(Value::int(BigInt::from(i64::MIN) - 1))),
        (Op::SUB, n(2), n(3), Some(n(-1))),
        (Op::MUL, n(-4), n(3), Some(n(-12))),
        (Op::MUL, big(40), big(40), Some(big(80))),
        (Op::DIV, n(-7), n(2), Some(n(-3))),
        (Op::DIV, n(i64::MIN), n(-1), Some(big(63))),
        (Op::DIV, n(7), n(0), None),
        (Op::DIV, big(80), n(0), None),
        (Op::MOD, n(-7), n(2), Some(n(-1))),
        (Op::MOD, n(7), n(-2), Some(n(1))),
        (Op::MOD, n(i64::MIN), n(-1), Some(n(0))),
        (Op::MOD, n(7), n(0), None),
        (Op::POW, n(0), n(0), Some(n(1))),
        (Op::POW, n(-3), n(3), Some(n(-27))),
        (Op::POW, n(2), n(200), Some(big(200))),
        (Op::POW, n(2), n(-1), None),
        (Op::POW, s("2"), n(0), None),
        (Op::BAND, n(-12), n(10), Some(n(0))),
        (Op::BOR, n(-12), n(10), Some(n(-2))),
        (Op::BXOR, n(-12), n(10), Some(n(-2))),
        (Op::BXOR, big(80), n(0), Some(big(80))),
        (Op::BSL, n(1), n(70), Some(big(70))),
        (Op::BSL, n(5), n(-1), Some(n(2))),
        (Op::BSL, n(-5), n(-1), Some(n(-3))),
        (Op::BSL, n(1), yes(), None),
        (Op::BSR, n(-5), n(1), Some(n(-3))),
        (Op::BSR, n(1), n(-70), Some(big(70))),
        (Op::BSR, n(-1), n(1000), Some(n(-1))),
        (Op::LT, n(1), n(2), Some(yes())),
        (Op::LT, n(2), yes(), Some(yes())),
        (Op::GT, s("b"), s("aa"), Some(no())),
        (Op::EQ, t(&[n(1)]), t(&[n(1)]), Some(yes())),
        (Op::EQ, by(b"x"), s("x"), Some(no())),
        (Op::ELT, bits(-1), bits(7), Some(no())),
        (Op::EGT, none(), some(n(1)), Some(no())),
        (Op::NEQ, l(&[n(1)]), l(&[]), Some(yes())),
        (Op::AND, yes(), no(), Some(no())),
        (Op::AND, n(1), yes(), None),
        (Op::OR, yes(), no(), Some(yes())),
        (Op::OR, yes(), n(1), None),
        (Op::POSEIDON, n(1), n(-1), None),
        (Op::POSEIDON, n(1), big(256), None),
    ] {
        rows.push((op, vec![a, b], result));
    }
    rows.push((Op::MULMOD, vec![n(-7), n(5), n(3)], Some(n(-2))));
    rows.push((Op::MULMOD, vec![n(1), n(1), n(0)], None));
    rows.push((Op::MULMOD, vec![big(64), big(64), n(97)], Some(n(35))));
    for (op, a, result) in [
        (Op::BNOT, n(12), Some(n(-13))),
        (Op::BNOT, yes(), None),
        (Op::NOT, yes(), Some(no())),
        (Op::NOT, n(1), None),
        (Op::CHAR_TO_INT, n(65), Some(n(65))),
        (Op::CHAR_TO_INT, s("A"), None),
        (Op::CHAR_FROM_INT, n(0x1f600), Some(some(n(0x1f600)))),
        (Op::CHAR_FROM_INT, n(0xd800), Some(none())),
        (Op::CHAR_FROM_INT, n(0x2126), Some(some(n(0x3a9)))),
        (Op::CHAR_FROM_INT, n(0x110_000), None),
        (Op::CHAR_FROM_INT, n(-1), None),
        (Op::INT_TO_STR, n(-90210), Some(s("-90210"))),
        (Op::INT_TO_STR, big(64), Some(s("18446744073709551616"))),
        (Op::INT_TO_STR, s("1"), None),
        (Op::INT_TO_ADDR, n(1), None),
        (Op::IS_ORACLE, Value::address(&CALLER), Some(no())),
        (Op::IS_CONTRACT, Value::address(&CALLER), Some(no())),
        (Op::IS_CONTRACT, n(1), None),
        (Op::IS_PAYABLE, Value::address(&[99; 32]), Some(yes())),
        (Op::BALANCE_OTHER, Value::address(&CALLER), Some(n(1_000_000))),
        (Op::BALANCE_OTHER, Value::address(&[99; 32]), Some(n(0))),
        (Op::BALANCE_OTHER, n(1), None),
        (Op::BLOCKHASH, n(1000), Some(some(by(&[0; 32])))),
        (Op::BLOCKHASH, n(745), Some(some(by(&[0; 32])))),
        (Op::BLOCKHASH, n(744), Some(none())),
        (Op::BLOCKHASH, n(1001), Some(none())),
        (Op::BLOCKHASH, n(-1), Some(none())),
        (Op::BLOCKHASH, s("1"), None),
        (Op::BYTECODE_HASH, Value::contract(&[99; 32]), Some(none())),
        (Op::BYTECODE_HASH, Value::address(&[99; 32]), None),
        (Op::ADDRESS_TO_CONTRACT, Value::address(&[9; 32]), Some(Value::contract(&[9; 32]))),
        (Op::ADDRESS_TO_CONTRACT, n(9), None),
        (Op::CONTRACT_TO_ADDRESS, Value::contract(&[9; 32]), Some(Value::address(&[9; 32]))),
        (Op::CONTRACT_TO_ADDRESS, Value::address(&[9; 32]), None),
        (Op::ADDRESS_TO_BYTES, Value::address(&[9; 32]), Some(by(&[9; 32]))),
        (Op::ADDRESS_TO_BYTES, Value::contract(&[9; 32]), None),
    ] {
        rows.push((op, vec![a], result));
    }
    rows
}

fn compounds() -> Vec<Row> {
    let map = || m(&[(n(1), s("one")), (n(2), s("two"))]);
    let pair = |op, a, b, result| (op, vec![a, b], result);
    let one = |op, a, result| (op, vec![a], result);
    vec![
        pair(Op::ELEMENT, n(1), t(&[n(7), n(8)]), Some(n(8))),
        pair(Op::ELEMENT, n(2), t(&[n(7), n(8)]), None),
        pair(Op::ELEMENT, n(-1), t(&[n(7), n(8)]), None),
        pair(Op::ELEMENT, n(0), l(&[n(7)]), None),
        (Op::SETELEMENT, vec![n(0), t(&[n(7), n(8)]), yes()], Some(t(&[yes(), n(8)]))),
        (Op::SETELEMENT, vec![n(5), t(&[n(7)]), yes()], None),
        (Op::SETELEMENT, vec![n(0), n(7), yes()], None),
        pair(Op::MAP_LOOKUP, map(), n(2), Some(s("two"))),
        pair(Op::MAP_LOOKUP, map(), n(3), None),
        pair(Op::MAP_LOOKUP, n(1), n(3), None),
        (Op::MAP_LOOKUPD, vec![map(), n(3), s("none")], Some(s("none"))),
        (Op::MAP_LOOKUPD, vec![map(), n(1), s("none")], Some(s("one"))),
        (Op::MAP_UPDATE, vec![map(), n(2), s("zwei")], Some(m(&[(n(1), s("one")), (n(2), s("zwei"))]))),
        (Op::MAP_UPDATE, vec![map(), map(), s("zwei")], None),
        (Op::MAP_UPDATE, vec![map(), t(&[n(1), map()]), s("zwei")], None),
        pair(Op::MAP_DELETE, map(), n(1), Some(m(&[(n(2), s("two"))]))),
        pair(Op::MAP_DELETE, map(), n(9), Some(map())),
        pair(Op::MAP_DELETE, map(), map(), None),
        pair(Op::MAP_MEMBER, map(), n(1), Some(yes())),
        pair(Op::MAP_MEMBER, map(), s("1"), Some(no())),
        one(Op::MAP_FROM_LIST, l(&[t(&[n(1), n(2)]), t(&[n(1), n(3)])]), Some(m(&[(n(1), n(3))]))),
        one(Op::MAP_FROM_LIST, l(&[n(1), n(2)]), Some(m(&[]))),
        one(Op::MAP_FROM_LIST, n(1), None),
        one(Op::MAP_SIZE, map(), Some(n(2))),
        one(Op::MAP_SIZE, l(&[]), None),
        one(Op::MAP_TO_LIST, map(), Some(l(&[t(&[n(1), s("one")]), t(&[n(2), s("two")])]))),
        one(Op::MAP_TO_LIST, n(1), None),
        one(Op::IS_NIL, l(&[]), Some(yes())),
        one(Op::IS_NIL, n(1), None),
        pair(Op::CONS, n(1), l(&[n(2)]), Some(l(&[n(1), n(2)]))),
        pair(Op::CONS, n(1), n(2), None),
        one(Op::HD, l(&[n(1), n(2)]), Some(n(1))),
        one(Op::HD, l(&[]), None),
        one(Op::TL, l(&[n(1), n(2)]), Some(l(&[n(2)]))),
        one(Op::TL, l(&[]), None),
        one(Op::LENGTH, l(&[]), None),
        pair(Op::APPEND, l(&[n(1)]), l(&[n(2)]), Some(l(&[n(1), n(2)]))),
        pair(Op::APPEND, l(&[n(1)]), n(2), None),
        pair(Op::VARIANT_TEST, some(n(1)), n(1), Some(yes())),
        pair(Op::VARIANT_TEST, some(n(1)), n(-1), None),
        pair(Op::VARIANT_TEST, n(5), n(1), None),
        pair(Op::VARIANT_ELEMENT, some(n(6)), n(0), Some(n(6))),
        pair(Op::VARIANT_ELEMENT, some(n(6)), n(1), None),
        pair(Op::VARIANT_ELEMENT, n(6), n(1), None),
        (Op::VARIANT, vec![l(&[n(0), n(1)]), n(0), n(0)], Some(none())),
        (Op::VARIANT, vec![l(&[n(0), n(1)]), n(1), n(0)], None),
        (Op::VARIANT, vec![l(&[n(0), n(-1)]), n(0), n(0)], None),
        (Op::VARIANT, vec![l(&[n(0)]), n(1), n(0)], None),
        one(Op::BITS_ALL_N, n(10), Some(bits(1023))),
        one(Op::BITS_ALL_N, n(-1), Some(bits(-1))),
        one(Op::BITS_ALL_N, yes(), None),
        pair(Op::BITS_SET, bits(1), n(3), Some(bits(9))),
        pair(Op::BITS_SET, bits(1), n(-1), None),
        pair(Op::BITS_SET, n(1), n(1), None),
        pair(Op::BITS_CLEAR, bits(-1), n(2), Some(bits(-5))),
        pair(Op::BITS_TEST, bits(-1), n(999), Some(yes())),
        pair(Op::BITS_TEST, bits(4), n(1), Some(no())),
        one(Op::BITS_SUM, bits(0b1011), Some(n(3))),
        one(Op::BITS_SUM, bits(-1), None),
        pair(Op::BITS_OR, bits(1), bits(2), Some(bits(3))),
        pair(Op::BITS_AND, bits(-1), bits(2), Some(bits(2))),
        pair(Op::BITS_DIFF, bits(7), bits(2), Some(bits(5))),
        pair(Op::BITS_DIFF, bits(7), n(2), None),
    ]
}

fn strings() -> Vec<Row> {
    let pair = |op, a, b, result| (op, vec![a, b], result);
    let one = |op, a, result| (op, vec![a], result);
    let bad = || Value::string([0xff, 0xfe]);
    vec![
        pair(Op::STR_JOIN, s("Guru"), s("rollup"), Some(s("Gururollup"))),
        pair(Op::STR_JOIN, s("x"), by(b"x"), None),
        one(Op::STR_REVERSE, s("abc"), Some(s("cba"))),
        one(Op::STR_REVERSE, bad(), None),
        one(Op::STR_LENGTH, s("smörgås"), Some(n(7))),
        // One letter and a mark are one character in normal form C.
        one(Op::STR_LENGTH, s("o\u{308}"), Some(n(1))),
        one(Op::STR_LENGTH, bad(), None),
        one(Op::STR_LENGTH, n(1), None),
        one(Op::STR_TO_LIST, s("h!"), Some(l(&[n(104), n(33)]))),
        one(Op::STR_TO_LIST, bad(), None),
        one(Op::STR_FROM_LIST, l(&[n(111), n(107)]), Some(s("ok"))),
        one(Op::STR_FROM_LIST, l(&[n(0xd800)]), None),
        one(Op::STR_FROM_LIST, l(&[n(-1)]), None),
        one(Op::STR_FROM_LIST, n(1), None),
        one(Op::STR_TO_UPPER, s("straße 9"), Some(s("STRASSE 9"))),
        one(Op::STR_TO_UPPER, bad(), None),
        one(Op::STR_TO_LOWER, s("ÀÉ Σ"), Some(s("àé σ"))),
        one(Op::STR_TO_BYTES, s("hey"), Some(by(b"hey"))),
        one(Op::STR_TO_BYTES, by(b"hey"), None),
        one(Op::ADDR_TO_STR, Value::address(&[0; 32]), Some(s("ak_11111111111111111111111111111111273Yts"))),
        one(Op::ADDR_TO_STR, n(1), None),
        one(Op::BYTES_TO_INT, by(&[0xff, 0, 0, 1]), Some(n(0xff00_0001))),
        one(Op::BYTES_TO_INT, by(&[]), Some(n(0))),
        one(Op::BYTES_TO_INT, s("1"), None),
        one(Op::BYTES_TO_STR, by(&[0xab, 0x0c]), Some(s("AB0C"))),
        pair(Op::BYTES_CONCAT, by(&[1]), by(&[2]), Some(by(&[1, 2]))),
        pair(Op::BYTES_CONCAT, by(&[1]), s("2"), None),
        pair(Op::BYTES_SPLIT, by(&[1, 2, 3]), n(2), Some(t(&[by(&[1, 2]), by(&[3])]))),
        pair(Op::BYTES_SPLIT, by(&[1, 2, 3]), n(4), None),
        pair(Op::BYTES_SPLIT_ANY, by(&[1, 2, 3]), n(-2), Some(some(t(&[by(&[1]), by(&[2, 3])])))),
        pair(Op::BYTES_SPLIT_ANY, by(&[1, 2, 3]), n(4), Some(none())),
        pair(Op::BYTES_SPLIT_ANY, by(&[1, 2, 3]), big(70), Some(none())),
        pair(Op::BYTES_SPLIT_ANY, by(&[1, 2, 3]), yes(), None),
        one(Op::BYTES_SIZE, by(&[1, 2, 3]), Some(n(3))),
        pair(Op::BYTES_TO_FIXED_SIZE, by(&[1]), n(1), Some(some(by(&[1])))),
        pair(Op::BYTES_TO_FIXED_SIZE, by(&[1]), n(2), Some(none())),
        pair(Op::INT_TO_BYTES, n(-2), n(4), Some(by(&[0xff, 0xff, 0xff, 0xfe]))),
        pair(Op::INT_TO_BYTES, n(70000), n(2), Some(by(&[0x11, 0x70]))),
        pair(Op::INT_TO_BYTES, n(1), n(0), Some(by(&[]))),
        pair(Op::INT_TO_BYTES, n(1), n(-1), None),
    ]
}

/// Hashes of "abc" as published, and what does not verify. What verifies is in the vectors and in `banyan_crypto`.
fn crypto() -> Vec<Row> {
    let one = |op, a, result| (op, vec![a], result);
    let key = banyan_crypto::SecretKey::from_seed([5; 32]);
    let signature = key.sign(&[3; 32]);
    let verify =
        |message: Value, key: Value, signature: Value, result| (Op::VERIFY_SIG, vec![message, key, signature], result);
    vec![
        one(Op::SHA3, s("abc"), Some(hex("4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"))),
        one(Op::SHA256, by(b"abc"), Some(hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))),
        one(Op::BLAKE2B, s("abc"), Some(hex("bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"))),
        verify(by(&[3; 32]), Value::address(&key.public()), by(&signature), Some(yes())),
        verify(by(&[4; 32]), Value::address(&key.public()), by(&signature), Some(no())),
        // A message may have any length, as the compiler lets it.
        verify(by(&[3; 31]), Value::address(&key.public()), by(&signature), Some(no())),
        (Op::VERIFY_SIG_SECP256K1, vec![by(&[1; 32]), by(&[2; 64]), by(&[3; 64])], Some(no())),
        (Op::VERIFY_SIG_SECP256K1, vec![by(&[1; 32]), by(&[2; 63]), by(&[3; 64])], None),
        (Op::ECVERIFY_SECP256K1, vec![by(&[1; 32]), by(&[2; 20]), by(&[0; 65])], Some(no())),
        (Op::ECVERIFY_SECP256K1, vec![by(&[1; 32]), by(&[2; 21]), by(&[0; 65])], None),
        (Op::ECRECOVER_SECP256K1, vec![by(&[1; 32]), by(&[0; 65])], Some(none())),
        (Op::ECRECOVER_SECP256K1, vec![by(&[1; 32]), by(&[0; 64])], None),
    ]
}

fn rows() -> Vec<Row> {
    [integers(), compounds(), strings(), crypto()].concat()
}

/// Instructions whose result does not follow from their operands alone: tested among calls, in scenarios, or below.
const ELSEWHERE: &[Op] = &[
    Op::RETURN,
    Op::RETURNR,
    Op::CALL,
    Op::CALL_R,
    Op::CALL_T,
    Op::CALL_GR,
    Op::CALL_PGR,
    Op::JUMP,
    Op::JUMPIF,
    Op::SWITCH_V2,
    Op::SWITCH_V3,
    Op::SWITCH_VN,
    Op::PUSH,
    Op::DUPA,
    Op::DUP,
    Op::POP,
    Op::INC,
    Op::INCA,
    Op::DEC,
    Op::DECA,
    Op::STORE,
    Op::TUPLE,
    Op::LOG0,
    Op::LOG1,
    Op::LOG2,
    Op::LOG3,
    Op::LOG4,
    Op::SPEND,
    Op::CREATE,
    Op::CLONE,
    Op::CLONE_G,
    Op::ABORT,
    Op::EXIT,
    Op::NOP,
    Op::DEACTIVATE,
    Op::BITS_NONEA,
    Op::BITS_ALLA,
    Op::DBG_LOC,
    Op::DBG_DEF,
    Op::DBG_UNDEF,
    Op::DBG_CONTRACT,
];

fn is_curve(op: Op) -> bool {
    op.info().name.starts_with("BLS12_381")
}

/// Writes its result from its operands; the operands are arguments of the call.
fn run(one: Op, inputs: &[Value]) -> banyan_fate::Outcome {
    let args = (0..).zip(inputs).map(|(at, _)| A::Arg(at));
    let args: Vec<_> = [A::S].into_iter().chain(args).collect();
    let (mut world, id) = World::with(&[function("f", inputs.len(), vec![op(one, &args), op(Op::RETURN, &[])])]);
    world.call(id, "f", inputs.to_vec())
}

#[test]
fn each_op_runs_in_a_table_of_inputs_and_results() {
    for (op, inputs, expected) in rows() {
        let outcome = run(op, &inputs);
        match expected {
            Some(expected) => assert_eq!(value_of(&outcome), expected, "{op:?} {inputs:?}"),
            None => assert!(is_failed(&outcome), "{op:?} {inputs:?}: {outcome:?}"),
        }
    }
}

#[test]
fn every_instruction_is_in_a_table_or_tested_elsewhere() {
    let name = |op: &Op| op.info().name;
    let tested: BTreeSet<_> = rows().iter().map(|row| name(&row.0)).chain(ELSEWHERE.iter().map(name)).collect();
    for op in ALL {
        let constant = op.info().arguments == [Argument::To];
        assert!(tested.contains(name(op)) || constant || is_curve(*op), "{op:?} is in no table");
    }
}

#[test]
fn constants_say_what_the_world_is() {
    let (mut world, id) = World::with(&[]);
    world.host.env.time_ms = 5;
    world.host.env.beneficiary = [8; 32];
    world.host.env.difficulty = 77;
    world.host.env.gas_per_tx_max = 6_000_000;
    world.host.env.gas_price = 3;
    world.host.env.fee = 4;
    let _ = id;
    for (one, expected) in [
        (Op::CALL_VALUE, n(0)),
        (Op::MAP_EMPTY, m(&[])),
        (Op::NIL, l(&[])),
        (Op::BITS_NONE, bits(0)),
        (Op::BITS_ALL, bits(-1)),
        (Op::BALANCE, n(1000)),
        (Op::ORIGIN, Value::address(&CALLER)),
        (Op::CALLER, Value::address(&CALLER)),
        (Op::CREATOR, Value::address(&CALLER)),
        (Op::BENEFICIARY, Value::address(&[8; 32])),
        (Op::TIMESTAMP, n(5)),
        (Op::GENERATION, n(1000)),
        (Op::DIFFICULTY, n(77)),
        (Op::GASLIMIT, n(6_000_000)),
        (Op::GAS, n(999_990)),
        (Op::GASPRICE, n(3)),
        (Op::FEE, n(4)),
        (Op::NETWORK_ID, s("test")),
        (Op::AUTH_TX_HASH, none()),
        (Op::AUTH_TX, none()),
    ] {
        let id = world.put(&[function("f", 0, vec![op(one, &[A::S]), op(Op::RETURN, &[])])]);
        assert_eq!(world.value(id, "f", vec![]), expected, "{one:?}");
    }
    let id = world.put(&[function("f", 0, vec![op(Op::ADDRESS, &[A::S]), op(Op::RETURN, &[])])]);
    assert_eq!(world.value(id, "f", vec![]), Value::address(&id));
}

#[test]
fn curve_instructions_take_points_as_the_reference_writes_them() {
    let fr = |n: i64| value_of(&run(Op::BLS12_381_INT_TO_FR, &[Value::Int(n)]));
    let fp = |n: BigInt| value_of(&run(Op::BLS12_381_INT_TO_FP, &[Value::int(n)]));
    let number = |text: &str| BigInt::parse_bytes(text.as_bytes(), 16).unwrap();
    // The generators of the draft on pairing-friendly curves, as EIP-2537 gives them.
    let g1 = t(&[
        fp(number("17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb")),
        fp(number("08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1")),
        fp(BigInt::from(1)),
    ]);
    let fp2 = |a: &str, b: &str| t(&[fp(number(a)), fp(number(b))]);
    let g2 = t(&[
        fp2(
            "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8",
            "13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e",
        ),
        fp2(
            "0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801",
            "0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be",
        ),
        fp2("1", "0"),
    ]);
    let get = |op, inputs: &[&Value]| value_of(&run(op, &inputs.iter().copied().cloned().collect::<Vec<_>>()));
    for (op, point) in [(Op::BLS12_381_G1_VALID, &g1), (Op::BLS12_381_G2_VALID, &g2)] {
        assert_eq!(get(op, &[point]), yes());
        assert!(is_failed(&run(op, &[n(1)])));
    }
    assert_eq!(get(Op::BLS12_381_FR_TO_INT, &[&fr(5)]), n(5));
    assert_eq!(get(Op::BLS12_381_FP_TO_INT, &[&fp(BigInt::from(6))]), n(6));
    let double = get(Op::BLS12_381_G1_ADD, &[&g1, &g1]);
    let scaled = get(Op::BLS12_381_G1_MUL, &[&fr(2), &g1]);
    assert_eq!(get(Op::BLS12_381_G1_NORM, &[&double]), get(Op::BLS12_381_G1_NORM, &[&scaled]));
    let double2 = get(Op::BLS12_381_G2_ADD, &[&g2, &g2]);
    let scaled2 = get(Op::BLS12_381_G2_MUL, &[&fr(2), &g2]);
    assert_eq!(get(Op::BLS12_381_G2_NORM, &[&double2]), get(Op::BLS12_381_G2_NORM, &[&scaled2]));
    for (neg, add, zero, point) in [
        (Op::BLS12_381_G1_NEG, Op::BLS12_381_G1_ADD, Op::BLS12_381_G1_IS_ZERO, &g1),
        (Op::BLS12_381_G2_NEG, Op::BLS12_381_G2_ADD, Op::BLS12_381_G2_IS_ZERO, &g2),
    ] {
        let negated = get(neg, &[point]);
        assert_eq!(get(zero, &[&get(add, &[point, &negated])]), yes());
        assert_eq!(get(zero, &[point]), no());
    }
    let paired = get(Op::BLS12_381_PAIRING, &[&g1, &g2]);
    let looped = get(Op::BLS12_381_MILLER_LOOP, &[&g1, &g2]);
    assert_eq!(get(Op::BLS12_381_FINAL_EXP, &[&looped]), paired);
    let squared = get(Op::BLS12_381_GT_MUL, &[&paired, &paired]);
    assert_eq!(get(Op::BLS12_381_GT_POW, &[&paired, &fr(2)]), squared);
    assert_eq!(get(Op::BLS12_381_PAIRING, &[&double, &g2]), squared);
    let inverse = get(Op::BLS12_381_GT_INV, &[&paired]);
    assert_eq!(get(Op::BLS12_381_GT_IS_ONE, &[&get(Op::BLS12_381_GT_MUL, &[&paired, &inverse])]), yes());
    assert_eq!(get(Op::BLS12_381_GT_IS_ONE, &[&get(Op::BLS12_381_GT_ADD, &[&paired, &inverse])]), no());
    for bad in [n(-1), big(400), s("1")] {
        assert!(is_failed(&run(Op::BLS12_381_INT_TO_FR, std::slice::from_ref(&bad))));
        assert!(is_failed(&run(Op::BLS12_381_INT_TO_FP, &[bad])));
    }
}

#[test]
fn switches_and_debug_marks_do_what_they_say() {
    let three = |tag| Value::Variant(Variant::of(vec![0, 0, 0], tag, vec![]).unwrap());
    let switch = |at| op(Op::SWITCH_V3, &[A::Arg(0), A::I(n(at)), A::I(n(2)), A::I(n(3))]);
    let many = op(Op::SWITCH_VN, &[A::Arg(0), A::I(l(&[n(1), n(2), n(3)]))]);
    let ends = || (1..4).map(|at| op(Op::RETURNR, &[A::I(n(at))]));
    let file = A::I(s("a.aes"));
    let marks = [
        op(Op::DBG_LOC, &[file.clone(), A::I(n(1))]),
        op(Op::DBG_DEF, &[file.clone(), A::Var(0)]),
        op(Op::DBG_UNDEF, &[file.clone(), A::Var(0)]),
        op(Op::DBG_CONTRACT, &[file]),
        op(Op::NOP, &[]),
    ];
    let body = |first: Vec<u8>| marks.iter().cloned().chain([first]).chain(ends()).collect::<Vec<_>>();
    let (mut world, id) = World::with(&[function("three", 1, body(switch(1))), function("many", 1, body(many))]);
    for name in ["three", "many"] {
        for tag in 0..3_u8 {
            assert_eq!(world.value(id, name, vec![three(tag)]), n(i64::from(tag) + 1));
        }
        for wrong in [some(n(1)), n(1)] {
            assert!(is_failed(&world.call(id, name, vec![wrong])));
        }
    }
}

#[test]
fn objects_of_all_kinds_make_topics() {
    let log = vec![
        op(Op::LOG4, &[A::I(by(b"data")), A::Arg(0), A::I(yes()), A::I(bits(5)), A::I(by(&[1, 2]))]),
        op(Op::RETURNR, &[A::I(Value::Unit)]),
    ];
    let (mut world, id) = World::with(&[function("log", 1, log)]);
    let oracle = Value::Object(Kind::Oracle, Shared::new(vec![6; 32]));
    for topic in [Value::address(&[6; 32]), Value::contract(&[6; 32]), oracle, by(&[6; 32])] {
        world.host.logs.clear();
        world.value(id, "log", vec![topic]);
        let log = world.host.logs[0].clone();
        let padded = |bytes: &[u8]| [vec![0; 32 - bytes.len()], bytes.to_vec()].concat();
        assert_eq!(log.topics.map_to_vec(), [padded(&[6; 32]), padded(&[1]), padded(&[5]), padded(&[1, 2])]);
        assert_eq!(log.data, b"data");
    }
    for topic in [n(-1), big(256), bits(-1), s("x"), by(&[0; 33]), Value::Unit] {
        assert!(is_failed(&world.call(id, "log", vec![topic])));
    }
}

trait MapToVec {
    fn map_to_vec(&self) -> Vec<Vec<u8>>;
}

impl MapToVec for Vec<[u8; 32]> {
    fn map_to_vec(&self) -> Vec<Vec<u8>> {
        self.iter().map(|word| word.to_vec()).collect()
    }
}
