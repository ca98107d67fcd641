//! Calls: local, remote, protected, capped, forbidden.

use banyan_fate::{
    Outcome, Type, Value, abi,
    code::INIT,
    engine::{AccountKind, Address, Auth, AuthBody, AuthTx, Entry, Host, Log, Reason},
    ops::table::{ALL, Argument, Op},
};

use crate::support::{A, CALLER, Function, GAS, World, function, int, is_failed, message, op, reason, store, value_of};

fn text(text: &str) -> A {
    A::I(Value::string(text))
}

fn name(name: &str) -> A {
    A::I(Value::string(abi::function_id(name)))
}

fn of(of: Type) -> A {
    A::I(Value::of_type(of))
}

/// Says and does something, then ends as told.
fn callee() -> Vec<Function> {
    let effects = || {
        vec![
            op(Op::STORE, &[store(1), int(9)]),
            op(Op::LOG0, &[text("heard")]),
            op(Op::SPEND, &[A::I(Value::address(&CALLER)), int(10)]),
        ]
    };
    let ending = |name, end: Vec<Vec<u8>>| Function {
        attributes: 2,
        result: Type::Integer,
        ..function(name, 0, [effects(), end].concat())
    };
    vec![
        ending("well", vec![op(Op::RETURNR, &[int(4)])]),
        ending("revert", vec![op(Op::ABORT, &[text("no")])]),
        ending("fail", vec![op(Op::EXIT, &[text("broken")])]),
        ending("lie", vec![op(Op::RETURNR, &[text("not a number")])]),
        ending("spin", vec![op(Op::JUMP, &[int(1)]), op(Op::JUMP, &[int(1)])]),
        Function { attributes: 1, ..ending("hidden", vec![op(Op::RETURNR, &[int(4)])]) },
    ]
}

/// Calls a function of the contract in its argument, protected, with some coins and a cap.
fn caller(callee: &'static str, cap: i64) -> Function {
    let call = [
        A::Arg(0),
        name(callee),
        of(Type::Tuple(vec![])),
        of(Type::Integer),
        int(3),
        int(cap),
        A::I(Value::Bool(true)),
    ];
    function(callee, 1, vec![op(Op::CALL_PGR, &call), op(Op::RETURN, &[])])
}

#[test]
fn a_protected_call_rewinds_all_but_gas() {
    let (mut world, target) = World::with(&callee());
    let names = ["well", "revert", "fail", "lie", "spin", "hidden", "absent"];
    let me = world.put(&names.map(|name| caller(name, 2_000_000_000)));
    let before = world.host.clone();
    for name in names {
        world.host = before.clone();
        let gas = 100_000;
        let outcome = world.call_with(me, name, vec![Value::contract(&target)], gas, Entry::Call);
        if name == "well" {
            assert_eq!(value_of(&outcome), Value::some(Value::Int(4)));
            assert_eq!(world.host.balances[&target], 1000 + 3 - 10);
            assert_eq!(world.host.stores[&target][&vec![0, 1]], Value::Int(9).encode());
            assert_eq!(world.host.logs, [Log { contract: target, topics: vec![], data: b"heard".to_vec() }]);
            continue;
        }
        // Without a cap that holds gas back, who spins leaves nothing to go on with.
        if name == "spin" {
            assert_eq!(reason(&outcome), Reason::OutOfGas);
        } else {
            assert_eq!(value_of(&outcome), Value::none(), "{name}");
        }
        assert_eq!(world.host.stores, before.stores, "{name}");
        assert_eq!(world.host.balances, before.balances, "{name}");
        assert_eq!(world.host.logs, before.logs, "{name}");
        let entered = matches!(name, "revert" | "fail" | "lie" | "spin");
        assert_eq!(outcome.gas_used() > 4900, entered, "{name} used {}", outcome.gas_used());
    }
}

#[test]
fn a_gas_cap_protects_the_caller() {
    let (mut world, target) = World::with(&callee());
    let me = world.put(&[caller("spin", 20_000), caller("well", 0), caller("fail", -1)]);
    let outcome = world.call(me, "spin", vec![Value::contract(&target)]);
    assert_eq!(value_of(&outcome), Value::none());
    assert!((20_000..20_300).contains(&outcome.gas_used()), "{outcome:?}");
    // A cap of nothing is no call at all.
    for name in ["well", "fail"] {
        let outcome = world.call(me, name, vec![Value::contract(&target)]);
        assert_eq!(value_of(&outcome), Value::none());
        assert!(outcome.gas_used() < 200);
    }
    let capped = [A::Arg(0), name("spin"), of(Type::Tuple(vec![])), of(Type::Integer), int(0), int(20_000)];
    let me = world.put(&[function("go", 1, vec![op(Op::CALL_GR, &capped), op(Op::RETURN, &[])])]);
    let outcome = world.call(me, "go", vec![Value::contract(&target)]);
    assert_eq!(reason(&outcome), Reason::OutOfGas);
    assert!((20_000..20_300).contains(&outcome.gas_used()), "what the cap held back stays: {outcome:?}");
}

#[test]
fn reentry_is_an_error() {
    let call = |function: &str, contract: A| {
        op(Op::CALL_R, &[contract, name(function), of(Type::Tuple(vec![Type::Contract])), of(Type::Any), int(0)])
    };
    let go = Function {
        arguments: vec![Type::Contract],
        ..function("go", 1, vec![op(Op::PUSH, &[A::Arg(0)]), call("back", A::Arg(0)), op(Op::RETURN, &[])])
    };
    let back = |home: Address| Function {
        arguments: vec![Type::Contract],
        ..function(
            "back",
            1,
            vec![op(Op::PUSH, &[A::Arg(0)]), call("go", A::I(Value::contract(&home))), op(Op::RETURN, &[])],
        )
    };
    let (mut world, home) = World::with(&[go]);
    let away = world.put(&[back(home)]);
    assert_eq!(reason(&world.call(home, "go", vec![Value::contract(&away)])), Reason::Reentrant);
    assert_eq!(reason(&world.call(home, "go", vec![Value::contract(&home)])), Reason::Reentrant);
}

#[test]
fn expired_code_reverts_with_its_name() {
    let (mut world, target) = World::with(&callee());
    let plain = [A::Arg(0), name("well"), of(Type::Tuple(vec![])), of(Type::Integer), int(0)];
    let me = world
        .put(&[caller("well", 2_000_000_000), function("plain", 1, vec![op(Op::CALL_R, &plain), op(Op::RETURN, &[])])]);
    world.host.contracts.get_mut(&target).unwrap().expired_at = Some(900);
    let id = hex::encode(abi::function_id("well"));
    let contract = banyan_types::ContractId(target);
    let expected = format!("expired: call {id} of {contract} at 900");
    for outcome in [world.call(target, "well", vec![]), world.call(me, "plain", vec![Value::contract(&target)])] {
        let Outcome::Reverted { text, gas_used } = outcome else { panic!("{outcome:?}") };
        assert_eq!(String::from_utf8(text).unwrap(), expected);
        assert!(gas_used < 200);
    }
    assert_eq!(world.value(me, "well", vec![Value::contract(&target)]), Value::none());
}

#[test]
fn auth_runs_refuse_every_outside_effect() {
    let outside: Vec<Op> = ALL.iter().copied().filter(|op| op.info().outside).collect();
    assert_eq!(outside.len(), 10);
    for one in outside {
        let argument = |argument: &Argument| match argument {
            Argument::To => A::S,
            Argument::Name => name("f"),
            _ => int(1),
        };
        let args: Vec<_> = one.info().arguments.iter().map(argument).collect();
        let (mut world, id) = World::with(&[function("auth", 0, vec![op(one, &args), op(Op::RETURNR, &[int(1)])])]);
        let tx = AuthTx { paying_for: None, wrappers: vec![], actor: CALLER, fee: 1, ttl: 0, body: AuthBody::GaAttach };
        world.host.env.auth = Some(Auth { tx_hash: [3; 32], tx: Some(tx) });
        let outcome = world.call_with(id, "auth", vec![], GAS, Entry::Auth);
        assert_eq!(reason(&outcome), Reason::AuthRun, "{one:?}");
    }
}

#[test]
fn only_auth_runs_know_the_transaction() {
    let body =
        [op(Op::AUTH_TX_HASH, &[A::S]), op(Op::AUTH_TX, &[A::S]), op(Op::TUPLE, &[A::S, int(2)]), op(Op::RETURN, &[])];
    let (mut world, id) = World::with(&[function("auth", 0, body.to_vec())]);
    let none = Value::tuple(vec![Value::none(), Value::none()]);
    assert_eq!(world.value(id, "auth", vec![]), none);
    let body = AuthBody::Spend { to: [9; 32], amount: 5, payload: b"hello, you".to_vec() };
    let tx = AuthTx { paying_for: None, wrappers: vec![(CALLER, 4)], actor: CALLER, fee: 1, ttl: 2, body };
    world.host.env.auth = Some(Auth { tx_hash: [3; 32], tx: Some(tx) });
    assert_eq!(world.value(id, "auth", vec![]), none);
    let outcome = world.call_with(id, "auth", vec![], GAS, Entry::Auth);
    let value = value_of(&outcome);
    let [hash, Value::Variant(some)] = value.as_tuple().unwrap() else { panic!("{value:?}") };
    assert_eq!(*hash, Value::some(Value::bytes([3; 32])));
    let fields = some.items()[0].as_tuple().unwrap();
    assert_eq!(fields.len(), 6);
    assert_eq!(fields[2..5], [Value::address(&CALLER), Value::Int(1), Value::Int(2)]);
    let Value::Variant(spend) = &fields[5] else { panic!("{value:?}") };
    assert_eq!((spend.tag(), spend.items().len(), spend.arities().len()), (0, 3, 22));
}

#[test]
fn what_crashed_the_reference_is_an_error_here() {
    let end = || op(Op::RETURNR, &[int(1)]);
    for (what, body) in [
        ("spend less than nothing", vec![op(Op::SPEND, &[A::I(Value::address(&CALLER)), int(-1)]), end()]),
        ("copy from below the stack", vec![op(Op::PUSH, &[int(1)]), op(Op::DUP, &[int(1)]), op(Op::RETURN, &[])]),
        ("copy the top of nothing", vec![op(Op::DUPA, &[]), op(Op::RETURN, &[])]),
        ("say what is no string", vec![op(Op::LOG0, &[int(5)]), end()]),
        ("say it with what is no word", vec![op(Op::LOG1, &[text("x"), A::I(Value::list(vec![]))]), end()]),
        ("read a register of the store that was never written", vec![op(Op::RETURNR, &[store(9)])]),
        (
            "set an element of what is no tuple",
            vec![op(Op::SETELEMENT, &[A::S, int(0), int(7), int(1)]), op(Op::RETURN, &[])],
        ),
        ("return nothing", vec![op(Op::RETURN, &[])]),
        ("spend nothing to nobody", vec![op(Op::SPEND, &[A::I(Value::address(&[99; 32])), int(0)]), end()]),
    ] {
        let (mut world, id) = World::with(&[function("f", 0, body)]);
        let outcome = world.call(id, "f", vec![]);
        assert!(is_failed(&outcome), "{what}: {outcome:?}");
        assert_eq!(outcome.gas_used(), GAS, "{what}");
    }
}

#[test]
fn an_entry_has_to_fit() {
    let plain = Function {
        arguments: vec![Type::Integer],
        result: Type::Integer,
        ..function("plain", 1, vec![op(Op::RETURNR, &[A::Arg(0)])])
    };
    let hidden = Function { attributes: 1, ..function("hidden", 0, vec![op(Op::RETURNR, &[int(1)])]) };
    let init = function("init", 0, vec![op(Op::STORE, &[store(1), int(1)]), op(Op::RETURNR, &[A::I(Value::Unit)])]);
    let (mut world, id) = World::with(&[plain, hidden, init]);
    let call = |world: &mut World, name: &str, arguments: Vec<Value>| world.call(id, name, arguments);
    assert_eq!(value_of(&call(&mut world, "plain", vec![Value::Int(3)])), Value::Int(3));
    for (name, arguments, why) in [
        ("absent", vec![], Reason::NoFunction(abi::function_id("absent"))),
        ("hidden", vec![], Reason::Private(abi::function_id("hidden"))),
        ("init", vec![], Reason::Init),
        ("plain", vec![], Reason::ArgumentCount { expected: 1, got: 0 }),
        ("plain", vec![Value::Bool(true)], Reason::ArgumentTypes),
    ] {
        let outcome = call(&mut world, name, arguments);
        assert_eq!((reason(&outcome), outcome.gas_used()), (why, GAS), "{name}");
    }
    let mut paid = message(id, abi::function_id("plain"), vec![Value::Int(1)], GAS, Entry::Call);
    paid.amount = 1;
    let outcome = world.engine.call(&mut world.host, &paid).unwrap();
    assert_eq!(reason(&outcome), Reason::NotPayable(abi::function_id("plain")));
    paid.call_data = vec![0x3f];
    assert!(matches!(reason(&world.engine.call(&mut world.host, &paid).unwrap()), Reason::CallData(_)));
    let absent = message([1; 32], INIT, vec![], GAS, Entry::Call);
    assert_eq!(reason(&world.engine.call(&mut world.host, &absent).unwrap()), Reason::NoContract);
    assert!(matches!(world.call_with(id, "init", vec![], GAS, Entry::Init), Outcome::Done { .. }));
}

#[test]
fn a_view_leaves_no_trace() {
    let (mut world, id) = World::with(&callee());
    let mut view = message(id, abi::function_id("well"), vec![], GAS, Entry::Call);
    view.view = true;
    let before = world.host.clone();
    assert_eq!(value_of(&world.engine.call(&mut world.host, &view).unwrap()), Value::Int(4));
    assert_eq!(
        (world.host.stores, world.host.balances, world.host.logs),
        (before.stores, before.balances, before.logs)
    );
}

#[test]
fn calls_in_calls_end_somewhere() {
    let deep = function("deep", 0, vec![op(Op::CALL, &[name("deep")]), op(Op::RETURN, &[])]);
    let (mut world, id) = World::with(&[deep]);
    let outcome = world.call_with(id, "deep", vec![], u64::MAX, Entry::Call);
    assert_eq!(reason(&outcome), Reason::Limit("calls in calls"));
    let grow = function("grow", 0, vec![op(Op::PUSH, &[int(1)]), op(Op::JUMP, &[int(0)])]);
    let (mut world, id) = World::with(&[grow]);
    let outcome = world.call_with(id, "grow", vec![], u64::MAX, Entry::Call);
    assert_eq!(reason(&outcome), Reason::Limit("values on the stack"));
}

#[test]
fn a_tail_call_keeps_what_lies_below_its_arguments() {
    let tail =
        function("tail", 0, vec![op(Op::PUSH, &[int(40)]), op(Op::PUSH, &[int(2)]), op(Op::CALL_T, &[name("sum")])]);
    let sum = function("sum", 1, vec![op(Op::ADD, &[A::S, A::S, A::Arg(0)]), op(Op::RETURN, &[])]);
    let (mut world, id) = World::with(&[tail, sum]);
    assert_eq!(world.value(id, "tail", vec![]), Value::Int(42));
}

#[test]
fn creating_runs_init_and_a_clone_shares_code() {
    let init = Function {
        arguments: vec![Type::Integer],
        result: Type::Tuple(vec![]),
        ..function("init", 1, vec![op(Op::STORE, &[store(1), A::Arg(0)]), op(Op::RETURNR, &[A::I(Value::Unit)])])
    };
    let get = function("get", 0, vec![op(Op::RETURNR, &[store(1)])]);
    let child = crate::support::object(&crate::support::byte_code(&[init, get]));
    let arguments = of(Type::Tuple(vec![Type::Integer]));
    let create = vec![
        op(Op::PUSH, &[A::Arg(0)]),
        op(Op::CREATE, &[A::I(Value::Code(child.into())), arguments.clone(), int(5)]),
        op(Op::RETURN, &[]),
    ];
    let clone = |protected: bool| {
        vec![
            op(Op::PUSH, &[A::Arg(1)]),
            op(Op::CLONE_G, &[A::Arg(0), arguments.clone(), int(5), int(50_000), A::I(Value::Bool(protected))]),
            op(Op::RETURN, &[]),
        ]
    };
    let (mut world, me) = World::with(&[
        function("create", 1, create),
        function("clone", 2, clone(false)),
        function("clone_safe", 2, clone(true)),
    ]);
    let made = world.value(me, "create", vec![Value::Int(11)]);
    let cloned = world.value(me, "clone", vec![made.clone(), Value::Int(12)]);
    let contract = |value: &Value| value.as_object(banyan_fate::value::Kind::Contract).unwrap();
    assert_eq!(world.value(contract(&made), "get", vec![]), Value::Int(11));
    assert_eq!(world.value(contract(&cloned), "get", vec![]), Value::Int(12));
    assert_eq!(world.host.balances[&contract(&cloned)], 5);
    assert_eq!(world.host.creator(&contract(&cloned)), Ok(Some(me)));
    let before = world.host.clone();
    let wrong = vec![made, Value::string("no number")];
    assert_eq!(world.value(me, "clone_safe", wrong), Value::none());
    assert_eq!((&world.host.contracts.len(), &world.host.balances), (&before.contracts.len(), &before.balances));
    assert!(matches!(world.host.kind(&contract(&cloned)), Ok(AccountKind::Contract { .. })));
}

/// What `init` and `get` of a small contract do: the first keeps a number, the second gives one of its own.
fn numbered(init_ends: Vec<u8>, number: i64) -> Vec<u8> {
    let init = Function { result: Type::Tuple(vec![]), ..function("init", 0, vec![init_ends]) };
    crate::support::object(&crate::support::byte_code(&[
        init,
        function("get", 0, vec![op(Op::RETURNR, &[int(number)])]),
    ]))
}

#[test]
fn an_id_that_comes_free_again_brings_no_code_with_it() {
    let fine = || op(Op::RETURNR, &[A::I(Value::Unit)]);
    let unit = of(Type::Tuple(vec![]));
    let mut world = World::new();
    let broken = world.put_object(&numbered(op(Op::ABORT, &[text("no")]), 1));
    let go = vec![
        op(Op::CLONE, &[A::Arg(0), unit.clone(), int(0), A::I(Value::Bool(true))]),
        op(Op::POP, &[A::Var(0)]),
        op(Op::CREATE, &[A::I(Value::Code(numbered(fine(), 2).into())), unit.clone(), int(0)]),
        op(Op::POP, &[A::Var(1)]),
        op(Op::CALL_R, &[A::Var(1), name("get"), unit, of(Type::Integer), int(0)]),
        op(Op::RETURN, &[]),
    ];
    let me = world.put(&[function("go", 1, go)]);
    assert_eq!(world.value(me, "go", vec![Value::contract(&broken)]), Value::Int(2));
}
