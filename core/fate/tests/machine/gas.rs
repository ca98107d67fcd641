//! What things cost, and where gas ends.

use banyan_fate::{
    Outcome, Type, Value,
    engine::{Entry, Reason},
    gas::{Meter, Model, OutOfGas},
    ops::table::Op,
};

use crate::support::{A, Function, World, function, int, op, reason, store};

#[test]
fn cells_get_dearer_after_1024() {
    for (cells, add, cost, after) in [
        (0, 1, 1, 1),
        (0, 1024, 1024, 1024),
        (1023, 1, 1, 1024),
        (1024, 1, 2, 1025),
        (0, 1025, 2 * 1025, 1025),
        (1024, 10, 20, 1034),
        (2047, 1, 3, 2048),
        (10_000, 100, 100 * 10, 10_100),
        // Less than nothing costs its magnitude and two.
        (0, -1, 3, 3),
        (0, -5, 7, 7),
        (5, 0, 0, 5),
    ] {
        let mut meter = Meter { gas: 1_000_000, cells };
        assert_eq!(meter.add_cells(add), Ok(()));
        assert_eq!((1_000_000 - meter.gas, meter.cells), (cost, after), "{cells} + {add}");
    }
    let mut meter = Meter { gas: 1, cells: 1024 };
    assert_eq!(meter.add_cells(1), Err(OutOfGas));
    assert_eq!(meter.add_cells(i64::MAX), Err(OutOfGas));
}

#[test]
fn walks_floor_once_each() {
    let one = Value::Int(1).measure();
    let mut meter = Meter::new(10);
    meter.walk(Model::Simple, one).unwrap();
    meter.walk(Model::Simple, one).unwrap();
    // Twice 0.8, each rounded against whoever pays.
    assert_eq!(meter.gas, 8);
    for (value, model, price) in [
        (Value::Int(0), Model::Final, 2),
        (Value::Int(255), Model::Serial, 2),
        (Value::Int(256), Model::Serial, 2),
        (Value::Unit, Model::Final, 2),
        (Value::list(vec![]), Model::Final, 1),
        (Value::list((0..9).map(Value::Int).collect()), Model::Simple, 16),
        (Value::tuple(vec![Value::Int(1), Value::Int(2)]), Model::Simple, 5),
        (Value::none(), Model::Simple, 2),
        (Value::some(Value::Unit), Model::Simple, 4),
        (Value::string("12345678"), Model::Serial, 4),
        (Value::address(&[1; 32]), Model::Final, 33),
    ] {
        assert_eq!(model.price(value.measure(), 0), price, "{value:?} {model:?}");
    }
    assert_eq!(Model::Unfold.price(one, 3), 60_001);
}

/// Writes a register, makes a map and an event, calls another contract, gives back what it says.
fn worker() -> Vec<Function> {
    vec![function(
        "work",
        1,
        vec![
            op(Op::STORE, &[store(1), int(5)]),
            op(Op::MAP_EMPTY, &[A::Var(0)]),
            op(Op::MAP_UPDATE, &[A::Var(0), A::Var(0), int(1), A::I(Value::string("x".repeat(120)))]),
            op(Op::STORE, &[store(2), A::Var(0)]),
            op(Op::LOG1, &[A::I(Value::string("said")), int(7)]),
            op(Op::PUSH, &[int(3)]),
            op(
                Op::CALL_R,
                &[
                    A::Arg(0),
                    A::I(Value::string(banyan_fate::abi::function_id("twice"))),
                    A::I(Value::of_type(Type::Tuple(vec![Type::Integer]))),
                    A::I(Value::of_type(Type::Integer)),
                    int(2),
                ],
            ),
            op(Op::RETURN, &[]),
        ],
    )]
}

fn helper() -> Vec<Function> {
    vec![Function {
        attributes: 2,
        arguments: vec![Type::Integer],
        result: Type::Integer,
        ..function(
            "twice",
            1,
            vec![
                op(Op::STORE, &[store(1), A::Arg(0)]),
                op(Op::ADD, &[A::S, A::Arg(0), A::Arg(0)]),
                op(Op::RETURN, &[]),
            ],
        )
    }]
}

#[test]
fn out_of_gas_at_every_gas_limit_is_clean() {
    let (mut world, helper) = World::with(&helper());
    let worker = world.put(&worker());
    let arguments = || vec![Value::contract(&helper)];
    let before = world.host.clone();
    let done = world.call(worker, "work", arguments());
    let used = done.gas_used();
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
    assert_ne!(world.host.stores, before.stores);
    for gas in 0..used {
        world.host = before.clone();
        let outcome = world.call_with(worker, "work", arguments(), gas, Entry::Call);
        assert_eq!(reason(&outcome), Reason::OutOfGas, "with {gas}");
        assert_eq!(outcome.gas_used(), gas);
        assert_eq!(world.host.stores, before.stores, "with {gas}");
        assert_eq!(world.host.balances, before.balances, "with {gas}");
        assert_eq!(world.host.logs, before.logs, "with {gas}");
    }
    world.host = before;
    assert_eq!(world.call_with(worker, "work", arguments(), used, Entry::Call), done);
}

#[test]
fn numbers_too_large_are_out_of_gas_before_they_are_computed() {
    let binary = |name, op_: Op| function(name, 2, vec![op(op_, &[A::S, A::Arg(0), A::Arg(1)]), op(Op::RETURN, &[])]);
    let functions =
        [binary("shift", Op::BSL), binary("unshift", Op::BSR), binary("pow", Op::POW), binary("mul", Op::MUL)];
    let (mut world, id) = World::with(&functions);
    for (name, a, b) in [
        ("shift", 1, i64::MAX),
        ("unshift", 1, i64::MIN + 1),
        ("unshift", 1, -2_000_000),
        ("pow", 3, i64::MAX),
        ("pow", 2, 2_000_000),
    ] {
        let arguments = vec![Value::Int(a), Value::Int(b)];
        let outcome = world.call_with(id, name, arguments, u64::MAX, Entry::Call);
        assert_eq!(reason(&outcome), Reason::OutOfGas, "{name} {a} {b}");
    }
    let large = Value::int(num_bigint::BigInt::from(1) << 700_000_u32);
    let outcome = world.call_with(id, "mul", vec![large.clone(), large], u64::MAX, Entry::Call);
    assert_eq!(reason(&outcome), Reason::OutOfGas);
}
