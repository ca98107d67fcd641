//! Programs that load, drawn at random: they end, they never panic, and they do the same again.

use banyan_fate::{
    Value, abi,
    engine::Entry,
    ops::table::{ALL, Argument, Op},
};
use proptest::prelude::*;

use crate::support::{A, World, function, message, op};

fn operand() -> impl Strategy<Value = A> {
    let value = prop_oneof![
        crate::values::any_value(),
        (-3..70_i64).prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::string(abi::function_id("f"))),
        Just(Value::list(vec![Value::Int(0), Value::Int(1)])),
    ];
    prop_oneof![
        4 => Just(A::S),
        2 => (0..3_i64).prop_map(A::Arg),
        2 => (-3..3_i64).prop_map(A::Var),
        4 => value.prop_map(A::I),
    ]
}

/// An instruction whose arguments are what it takes.
fn instruction() -> impl Strategy<Value = (Op, Vec<u8>)> {
    let parts = (0..ALL.len(), proptest::collection::vec((operand(), 0..4_i64), 8));
    parts.prop_map(|(at, drawn)| {
        let one = ALL[at];
        let args = one.info().arguments.iter().zip(drawn).map(|(argument, (operand, number))| match argument {
            Argument::To => match operand {
                A::I(_) => A::S,
                other => other,
            },
            Argument::Any => operand,
            Argument::Name => A::I(Value::string(abi::function_id("f"))),
            Argument::Block | Argument::Size => A::I(Value::Int(number)),
            Argument::Blocks => A::I(Value::list(vec![Value::Int(number), Value::Int(0)])),
        });
        (one, op(one, &args.collect::<Vec<_>>()))
    })
}

fn body() -> impl Strategy<Value = Vec<Vec<u8>>> {
    proptest::collection::vec(instruction(), 1..30).prop_map(|drawn| {
        let mut body: Vec<_> = drawn.into_iter().map(|(_, bytes)| bytes).collect();
        body.push(op(Op::RETURNR, &[A::I(Value::Unit)]));
        body
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn typed_random_programs_never_panic_and_replay_equal(
        f in body(),
        g in body(),
        arguments in proptest::collection::vec(crate::values::any_value(), 2),
        entry in prop_oneof![Just(Entry::Call), Just(Entry::Auth)],
    ) {
        let run = || {
            let (mut world, id) = World::with(&[function("f", 2, f.clone()), function("g", 0, g.clone())]);
            world.put(&[function("f", 2, g.clone())]);
            let call = message(id, abi::function_id("f"), arguments.clone(), 100_000, entry);
            let outcome = world.engine.call(&mut world.host, &call);
            (outcome, world.host.stores, world.host.balances, world.host.logs)
        };
        prop_assert_eq!(run(), run());
    }
}
