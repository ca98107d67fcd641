//! The codec against a table, against the compiler's own words, and against itself.

use std::{fs, path::Path};

use banyan_fate::{Value, abi, code};
use banyan_types::{ContractId, text};
use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;

/// A source with every way to name a type, as the compiler describes it.
const NAMED: &str = include_str!("../../tests/aci/named.json");
/// The one that counts, from the conformance tests.
const COUNTER: &str = include_str!("../../../banyan/tests/data/Counter.json");
const COUNTER_CODE: &str = include_str!("../../../banyan/tests/data/Counter.aeb");

const AK: &str = "ak_pU5n7r13QqALGscXR3449N72tomGSxGyi77Pv9QkWxVYgvJNk";

fn list(item: Type) -> Type {
    Type::List(Box::new(item))
}

fn map(key: Type, value: Type) -> Type {
    Type::Map(Box::new(key), Box::new(value))
}

fn option(some: Type) -> Type {
    Type::Option(Box::new(some))
}

fn shape() -> Type {
    let constructor = |name: &str, arguments| Constructor { name: name.into(), arguments };
    Type::Variant(vec![
        constructor("Empty", vec![]),
        constructor("Dot", vec![Type::Int]),
        constructor("Line", vec![Type::Int, Type::String]),
    ])
}

fn point() -> Type {
    Type::Record(vec![("x".into(), Type::Int), ("y".into(), Type::Bool)])
}

fn counter_code() -> Loaded {
    code::load(&abi::from_text(COUNTER_CODE.trim()).unwrap()).unwrap()
}

#[test]
fn literals_are_values_and_are_shown_as_literals() {
    let ct = ContractId([7; 32]).to_string();
    let rows: Vec<(Type, &str, &str)> = vec![
        (Type::Int, "5", "5"),
        (Type::Int, " - 13 ", "-13"),
        (Type::Int, "0xff", "255"),
        (Type::Int, "1_000", "1000"),
        (Type::Int, "340282366920938463463374607431768211456", "340282366920938463463374607431768211456"),
        (Type::Bool, "true", "true"),
        (Type::String, r#""a \"b\" \x41\n""#, r#""a \"b\" A\n""#),
        (Type::String, "no quotes", "\"no quotes\""),
        (Type::String, r#""\xe4""#, "\"ä\""),
        (Type::String, r#""\{ff}""#, r#""\{ff}""#),
        (Type::String, r#""\x{202e}""#, r#""\x{202e}""#),
        (Type::Char, "'a'", "'a'"),
        (Type::Char, "a", "'a'"),
        (Type::Char, r"'\x{1f600}'", "'\u{1f600}'"),
        (Type::Char, "'\\''", "'\\''"),
        (Type::Bits, "Bits.none", "Bits.none"),
        (Type::Bits, "Bits.set(Bits.set(Bits.none, 8), 3)", "Bits.set(Bits.set(Bits.none, 3), 8)"),
        (Type::Bits, "Bits.clear(Bits.all, 2)", "Bits.clear(Bits.all, 2)"),
        (Type::Bytes(Some(2)), "#00Ff", "#00ff"),
        (Type::Bytes(None), "#c0ffee", "Bytes.to_any_size(#c0ffee)"),
        (Type::Bytes(None), "Bytes.to_any_size(#)", "Bytes.to_any_size(#)"),
        (Type::Address, AK, AK),
        (Type::Address, "alice", AK),
        (Type::Contract, &ct, &ct),
        (list(Type::Int), "[1,2 , 3]", "[1, 2, 3]"),
        (list(list(Type::Bool)), "[[], [true]]", "[[], [true]]"),
        (Type::Tuple(vec![]), "()", "()"),
        (Type::Tuple(vec![Type::Int, Type::String]), "(1,\"a\")", "(1, \"a\")"),
        (map(Type::String, Type::Int), "{[\"b\"] = 1, [\"a\"] = 2}", "{[\"a\"] = 2, [\"b\"] = 1}"),
        (map(Type::Int, Type::Int), "{}", "{}"),
        (option(Type::Int), "None", "None"),
        (option(option(Type::Int)), "Some(Some(3))", "Some(Some(3))"),
        (point(), "{y = true, x = 1}", "{x = 1, y = true}"),
        (shape(), "Empty", "Empty"),
        (shape(), "Shapes.Line(1, \"a\")", "Line(1, \"a\")"),
    ];
    let names = |name: &str| (name == "alice").then(|| AK.parse().unwrap());
    for (of, literal, shown) in rows {
        let value = encode(literal, &of, &names).unwrap_or_else(|error| panic!("{literal} as {of}: {error}"));
        assert_eq!(show(&value, &of).as_deref(), Some(shown), "{literal} as {of}");
        assert_eq!(encode(shown, &of, &names).unwrap(), value, "{shown} as {of}");
    }
}

#[test]
fn one_field_alone_is_no_tuple() {
    let of = Type::Record(vec![("x".into(), Type::Int)]);
    let value = encode("{x = 5}", &of, &nobody).unwrap();
    assert_eq!(value, Value::Int(5));
    assert_eq!(show(&value, &of).unwrap(), "{x = 5}");
}

#[test]
fn a_literal_that_does_not_read_says_what_was_expected_where() {
    let rows = [
        (Type::Int, "five", "expected int at character 1, got five"),
        (Type::Int, "5 6", "expected the end at character 3, got 6"),
        (Type::Int, "", "expected int at character 1, got the end"),
        (Type::Bool, "yes", "expected true or false at character 1, got yes"),
        (list(Type::Int), "[1; 2]", "expected , at character 3, got ; 2]"),
        (Type::Tuple(vec![Type::Int, Type::Int]), "(1)", "expected , at character 3, got )"),
        (Type::Bytes(Some(3)), "#00ff", "expected 3 bytes, got 2"),
        (Type::Address, "ak_1", "expected an account, ak_… at character 1, got ak_1"),
        (point(), "{x = 1}", "field y of the record must stand there once"),
        (point(), "{x = 1, x = 2, y = true}", "field x of the record must stand there once"),
        (point(), "{z = 1}", "expected a field of x, y at character 2, got z = 1}"),
        (shape(), "Square", "expected Empty or Dot(int) or Line(int, string) at character 1, got Square"),
        (Type::Bits, "Bits.set(Bits.none, 99999999)", "bit 99999999 is not between 0 and 65535"),
        (Type::Opaque("AENS.pointee".into()), "x", "values of type AENS.pointee cannot be written here"),
    ];
    for (of, literal, said) in rows {
        assert_eq!(encode(literal, &of, &nobody).unwrap_err().to_string(), said, "{literal}");
    }
}

#[test]
fn a_value_of_another_type_is_not_shown_as_one() {
    for (value, of) in [
        (Value::Bool(true), Type::Int),
        (Value::Int(-1), Type::Char),
        (Value::bytes([0; 2]), Type::Bytes(Some(3))),
        (Value::list(vec![Value::Int(1)]), list(Type::Bool)),
        (Value::some(Value::Int(1)), shape()),
        (Value::tuple(vec![Value::Int(1)]), Type::Tuple(vec![Type::Int, Type::Int])),
    ] {
        assert_eq!(show(&value, &of), None, "{value:?} as {of}");
    }
}

#[test]
fn names_of_types_are_looked_up() {
    let interface = Interface::parse(NAMED).unwrap();
    assert_eq!(interface.name.as_deref(), Some("T"));
    let expected = "g(s : (Dot({x : int, y : int}) | Line({x : int, y : int}, {x : int, y : int}) | Empty), \
                    p : (string * char), b : bits, y : bytes(4), z : bytes(), r : contract, h : bytes(32), \
                    sg : bytes(64), o : option(unit), t : (RelativeTTL(int) | FixedTTL(int)), pt : AENS.pointee) : ";
    let signature = interface.function("g").unwrap().signature();
    assert!(signature.starts_with(expected), "{signature}");
    let state = interface.function("st").unwrap().result.to_string();
    assert!(state.ends_with("m : map(string, (int * bool))}"), "{state}");
    assert_eq!(interface.events[3].to_string(), "E4(address)");
}

#[test]
fn what_is_no_interface_is_refused() {
    let contract = |typedefs: &str, of: &str| {
        format!(
            r#"[{{"contract":{{"name":"C","kind":"contract_main","payable":false,"typedefs":{typedefs},"functions":
            [{{"name":"f","arguments":[{{"name":"x","type":{of}}}],"returns":"int","payable":false,"stateful":false}}]}}}}]"#
        )
    };
    let recursive = r#"[{"name":"t","vars":[],"typedef":{"list":["C.t"]}}]"#;
    let double = r#"[{"name":"t","vars":[{"name":"'a"}],"typedef":{"tuple":["'a","'a"]}}]"#;
    let wide = (0..30).fold("\"int\"".to_owned(), |of, _| format!(r#"{{"C.t":[{of}]}}"#));
    for (text, is) in [
        (String::new(), (|error| matches!(error, BadInterface::Json(_))) as fn(&BadInterface) -> bool),
        ("[]".into(), |error| matches!(error, BadInterface::NoContract)),
        (contract(recursive, "\"C.t\""), |error| matches!(error, BadInterface::TooDeep(_))),
        (contract(double, &wide), |error| matches!(error, BadInterface::TooDeep(_))),
        (contract("[]", "5"), |error| matches!(error, BadInterface::Type(_))),
    ] {
        let error = Interface::parse(&text).unwrap_err();
        assert!(is(&error), "{error:?} of {text}");
    }
}

#[test]
fn an_interface_must_be_that_of_the_code() {
    let (interface, code) = (Interface::parse(COUNTER).unwrap(), counter_code());
    assert_eq!(interface.check(&code), Ok(()));
    assert!(matches!(Interface::parse(NAMED).unwrap().check(&code), Err(Misfit::Types { .. } | Misfit::Absent(_))));
    let bare = Interface::of_code(&code);
    assert_eq!(bare.check(&code), Ok(()));
    assert_eq!(bare.function("count").unwrap().signature(), "count(int) : int");
}

#[test]
fn a_name_that_draws_lines_is_no_name() {
    const EVIL: &str = "get\nfee  0 BNY";
    let mut code = counter_code();
    let id = function_id(EVIL);
    code.functions[0].id = id;
    code.symbols = std::mem::take(&mut code.symbols).insert(Value::string(id), Value::string(EVIL));
    let interface = Interface::of_code(&code);
    assert_eq!(interface.functions[0].to_string(), format!("0x{}", hex::encode(id)));
    let json = COUNTER.replacen("\"start\"", &format!("{EVIL:?}"), 1);
    assert_eq!(Interface::parse(&json), Err(BadInterface::Name(EVIL.into())));
    assert_eq!(tame(EVIL.as_bytes()), "get\u{fffd}fee  0 BNY");
}

#[test]
fn calls_are_written_and_read_with_and_without_the_compiler_s_description() {
    let whole = Interface::parse(COUNTER).unwrap();
    let bare = Interface::of_code(&counter_code());
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let echo = words(&["1", "true", "hi", &format!("Some({AK})"), "[(2, \"b\")]", "{[\"k\"] = 3}"]);
    let call = whole.call_data("echo", &echo, &nobody).unwrap();
    assert_eq!(bare.call_data("echo", &echo, &nobody).unwrap(), call);
    let shown = format!(
        "echo(n = 1, flag = true, text = \"hi\", who = Some({AK}), pairs = [(2, \"b\")], book = {{[\"k\"] = 3}})"
    );
    assert_eq!(whole.show_call(&call).unwrap(), shown);
    assert!(bare.show_call(&call).unwrap().starts_with("echo(1, true, \"hi\""));
    let id = format!("0x{}", hex::encode(whole.function("get").unwrap().id));
    assert_eq!(bare.call_data(&id, &[], &nobody), whole.call_data("get", &[], &nobody));
    let arity = whole.call_data("count", &[], &nobody).unwrap_err();
    assert_eq!(arity.to_string(), "0 arguments, needed 1: count(by : int) : int");
    assert!(matches!(whole.call_data("nope", &[], &nobody), Err(BadCall::NoFunction { .. })));
    let bad = whole.call_data("count", &words(&["x"]), &nobody).unwrap_err();
    assert_eq!(bad.to_string(), "argument 1 of count(by : int) : int: expected int at character 1, got x");
    assert_eq!(whole.show_call(&[0]), None);
}

#[test]
fn events_are_read_by_their_names() {
    let interface = Interface::parse(COUNTER).unwrap();
    let topic = |name: &str| banyan_crypto::blake2b(&[name.as_bytes()]);
    let mut three = [0; 32];
    three[31] = 3;
    let counted = interface.show_event(&[topic("Counted"), three, [9; 32]], b"").unwrap();
    assert_eq!(counted, format!("Counted(3, {})", banyan_types::AccountId([9; 32])));
    assert_eq!(interface.show_event(&[topic("Noted")], b"hi").unwrap(), "Noted(\"hi\")");
    for (topics, payload) in [(vec![], b""), (vec![topic("Other")], b""), (vec![topic("Counted"), three], b"")] {
        assert_eq!(interface.show_event(&topics, payload), None);
    }
    let named = Interface::parse(NAMED).unwrap();
    let mut bits = [0; 32];
    bits[31] = 5;
    let (ct, hash) = ([1; 32], [2; 32]);
    let shown = named.show_event(&[topic("E2"), ct, hash, three], b"");
    assert_eq!(shown, None, "3 is no bool");
    assert!(named.show_event(&[topic("E2"), ct, hash, [0; 32]], b"").unwrap().ends_with(", false)"));
    let payload = named.show_event(&[topic("E3"), bits], &[7; 33]).unwrap();
    assert!(payload.starts_with("E3(Bits.set(Bits.set(Bits.none, 0), 2), #0707"), "{payload}");
}

/// The compiler's words have no space between a sign and its number here, and no line breaks.
fn one_line(text: &str) -> String {
    text.replace("- ", "-").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn vectors() -> Vec<(String, serde_json::Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors/fate");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect()
}

fn interface_of(source: &str) -> Option<Interface> {
    let name = source.strip_suffix(".aes")?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/aci/{name}.json"));
    fs::read_to_string(path).ok().map(|text| Interface::parse(&text).unwrap())
}

/// The vectors hold what the compiler of the public tools made of each argument, and how it writes each result.
#[test]
fn calldata_equals_the_sdk_encoding() {
    let (mut calls, mut results) = (0, 0);
    for (file, vector) in vectors() {
        let mut sources = std::collections::BTreeMap::new();
        for step in vector["steps"].as_array().into_iter().flatten() {
            let instance = step["instance"].as_str().unwrap_or_default().to_owned();
            if let Some(source) = step["contract"].as_str() {
                sources.insert(instance.clone(), source.to_owned());
            }
            let Some(interface) = sources.get(&instance).and_then(|source| interface_of(source)) else { continue };
            let (Some(name), Some(arguments)) = (step["function"].as_str(), step["args"].as_array()) else { continue };
            // What stands inside another transaction has no call data of its own there.
            let Some(expected) = step["calldata"].as_str() else { continue };
            let arguments: Vec<_> = arguments.iter().map(|one| one.as_str().unwrap().to_owned()).collect();
            // Some steps call on purpose what is not there.
            let Ok(call) = interface.call_data(name, &arguments, &nobody) else {
                assert!(interface.function(name).is_err(), "{file}: {name} {arguments:?}");
                continue;
            };
            assert_eq!(hex::encode(&call), expected, "{file}: {name} {arguments:?}");
            calls += 1;
            let result = &step["result"];
            if result["status"] != "ok" || name == "init" || step["op"] != "call" {
                continue;
            }
            let data = hex::decode(result["return_data"].as_str().unwrap()).unwrap();
            let value = banyan_fate::value::decode::decode(&data, banyan_fate::value::decode::Door::Outside).unwrap();
            let shown = show(&value, &interface.function(name).unwrap().result).unwrap();
            // What the vectors' printer cannot print, and bits, which it writes in another order.
            let printed = result["value"].as_str().unwrap();
            if printed != "?" && !printed.contains("Bits.") && !printed.contains('\\') {
                assert_eq!(one_line(&shown), one_line(printed), "{file}: {name}");
                results += 1;
            }
        }
    }
    assert!(calls > 200 && results > 100, "only {calls} calls and {results} results");
}

#[test]
fn every_contract_of_the_vectors_fits_its_description() {
    let mut contracts = 0;
    for (file, vector) in vectors() {
        for contract in vector["contracts"].as_array().into_iter().flatten() {
            let Some(interface) = contract["file"].as_str().and_then(interface_of) else { continue };
            let code = code::load_byte_code(&hex::decode(contract["bytecode"].as_str().unwrap()).unwrap()).unwrap();
            assert_eq!(interface.check(&code), Ok(()), "{file}");
            assert_eq!(Interface::of_code(&code).check(&code), Ok(()), "{file}");
            contracts += 1;
        }
    }
    assert!(contracts > 12, "only {contracts}");
}

/// A type with a value of it.
fn typed() -> impl Strategy<Value = (Type, Value)> {
    let int = any::<i128>().prop_map(|int| (Type::Int, Value::int(BigInt::from(int))));
    let bytes = proptest::collection::vec(any::<u8>(), 0..40);
    let leaf = prop_oneof![
        int,
        any::<bool>().prop_map(|flag| (Type::Bool, Value::Bool(flag))),
        bytes.clone().prop_map(|bytes| (Type::String, Value::string(bytes))),
        any::<String>().prop_map(|text| (Type::String, Value::string(text.into_bytes()))),
        any::<char>().prop_map(|char| (Type::Char, Value::int(u32::from(char)))),
        any::<i64>().prop_map(|bits| (Type::Bits, Value::bits(BigInt::from(bits)))),
        bytes.clone().prop_map(|bytes| (Type::Bytes(None), Value::bytes(bytes))),
        bytes.prop_map(|bytes| (Type::Bytes(u32::try_from(bytes.len()).ok()), Value::bytes(bytes))),
        any::<[u8; 32]>().prop_map(|id| (Type::Address, Value::address(&id))),
        any::<[u8; 32]>().prop_map(|id| (Type::Contract, Value::contract(&id))),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let several = proptest::collection::vec(inner.clone(), 0..4);
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner.clone().prop_map(|(of, value)| (list(of), Value::list(vec![value.clone(), value]))),
            inner.clone().prop_map(|(of, value)| (option(of), Value::some(value))),
            inner.prop_map(|(of, _)| (option(of), Value::none())),
            pair.prop_map(|((key_type, key), (of, value))| {
                (map(key_type, of), Value::Map([(key, value)].into_iter().collect()))
            }),
            several.clone().prop_map(|items| {
                let (of, values) = items.into_iter().unzip();
                (Type::Tuple(of), Value::tuple(values))
            }),
            several.clone().prop_map(|items| {
                let (of, mut values): (Vec<_>, Vec<_>) = items.into_iter().unzip();
                let value = if values.len() == 1 { values.remove(0) } else { Value::tuple(values) };
                let fields = of.into_iter().enumerate().map(|(n, of)| (format!("f{n}"), of));
                (Type::Record(fields.collect()), value)
            }),
            several.prop_map(|items| {
                let (of, values): (Vec<_>, Vec<_>) = items.into_iter().unzip();
                let arity = u8::try_from(of.len()).unwrap();
                let one = Constructor { name: "One".into(), arguments: of };
                let all = vec![Constructor { name: "Zero".into(), arguments: vec![] }, one];
                (Type::Variant(all), Value::variant(vec![0, arity], 1, values).unwrap())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_shown_reads_back((of, value) in typed()) {
        let shown = show(&value, &of).unwrap();
        prop_assert_eq!(encode(&shown, &of, &nobody).unwrap(), value, "{} as {}", shown, of);
        prop_assert!(!shown.chars().any(char::is_control));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text: String, (of, _) in typed()) {
        let _ = encode(&text, &of, &nobody);
    }

    #[test]
    fn no_text_makes_the_interface_panic(text in "[\\[\\]{}\":,a-z_]{0,60}") {
        let _ = Interface::parse(&text);
    }
}

#[test]
fn the_committed_code_is_text() {
    assert!(text::decode_as(text::Prefix::ContractBytes, COUNTER_CODE.trim()).is_ok());
}
