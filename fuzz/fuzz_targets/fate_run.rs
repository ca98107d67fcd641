//! Programs that load, made of any bytes: each byte picks an instruction or an argument that it takes. They end within
//! their gas, never panic, and do the same again.
#![no_main]

use banyan_fate::{
    MapHost, Message, Value, abi,
    engine::{Engine, Entry},
    ops::table::{ALL, Argument, Op},
    value::{Map, types},
};
use banyan_types::rlp::{put_bytes, put_list};
use libfuzzer_sys::fuzz_target;

const ID: [u8; 32] = [1; 32];

/// Takes bytes for choices; zeros when there are none left.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn value(&mut self) -> Value {
        let small = i64::from(self.next()) - 3;
        match self.next() % 12 {
            0 => Value::Bool(small % 2 == 0),
            1 => Value::string(abi::function_id("f")),
            2 => Value::list(vec![Value::Int(0), Value::Int(1)]),
            3 => Value::address(&ID),
            4 => Value::contract(&ID),
            5 => Value::bytes(vec![7; usize::from(self.next())]),
            6 => Value::bits(small.into()),
            7 => Value::tuple(vec![Value::Int(small), Value::Unit]),
            8 => Value::Map(Map::EMPTY.insert(Value::Int(small), Value::Unit)),
            9 => Value::some(Value::Int(small)),
            10 => Value::of_type(banyan_fate::Type::Tuple(vec![])),
            _ => Value::Int(small),
        }
    }

    fn instruction(&mut self, out: &mut Vec<u8>) {
        let op = ALL[usize::from(self.next()) % ALL.len()];
        let (mut modes, mut data) = (0_u16, Vec::new());
        for (at, argument) in op.info().arguments.iter().enumerate() {
            let choice = self.next();
            let mode = match argument {
                Argument::To => u16::from(choice % 3),
                Argument::Any => u16::from(choice % 4),
                _ => 3,
            };
            modes |= mode << (2 * at);
            let number = Value::Int(i64::from(choice >> 2) % 6 - 3);
            match (mode, argument) {
                (0, _) => {}
                (1 | 2, _) => data.extend(number.encode()),
                (_, Argument::Any) => data.extend(self.value().encode()),
                (_, Argument::Name) => data.extend(Value::string(abi::function_id("f")).encode()),
                (_, Argument::Blocks) => data.extend(Value::list(vec![Value::Int(0), Value::Int(1)]).encode()),
                _ => data.extend(Value::Int(i64::from(choice % 5)).encode()),
            }
        }
        out.push(op as u8);
        let [high, low] = modes.to_be_bytes();
        match op.info().arguments.len() {
            0 => {}
            1..=4 => out.push(low),
            _ => out.extend([high, low]),
        }
        out.extend(data);
    }
}

fn object(bytes: &[u8]) -> Vec<u8> {
    let mut choices = Choices(bytes);
    let mut code = vec![0xfe];
    code.extend(abi::function_id("f"));
    code.extend(Value::Int(2).encode());
    types::put(&banyan_fate::Type::Tuple(vec![banyan_fate::Type::Any; 2]), &mut code);
    types::put(&banyan_fate::Type::Any, &mut code);
    for _ in 0..64 {
        if choices.0.is_empty() {
            break;
        }
        choices.instruction(&mut code);
    }
    code.extend([Op::RETURNR as u8, 3]);
    code.extend(Value::Unit.encode());
    let mut byte_code = Vec::new();
    put_bytes(&code, &mut byte_code);
    put_bytes(&Value::Map(Map::EMPTY).encode(), &mut byte_code);
    put_bytes(&Value::Map(Map::EMPTY).encode(), &mut byte_code);
    let mut out = Vec::new();
    put_list(&mut out, |out| {
        put_bytes(&[70], out);
        put_bytes(&[3], out);
        put_bytes(&[0; 32], out);
        put_list(out, |_| {});
        put_bytes(&byte_code, out);
        put_bytes(b"fuzz", out);
        put_bytes(&[1], out);
    });
    out
}

fuzz_target!(|bytes: &[u8]| {
    let object = object(bytes);
    let run = || {
        let mut host = MapHost::default();
        host.add([7; 32], 1000);
        host.put_contract(ID, [7; 32], &object, true);
        host.add(ID, 1000);
        let message = Message {
            contract: ID,
            caller: [7; 32],
            origin: [7; 32],
            amount: 0,
            gas: 200_000,
            call_data: abi::encode_call(abi::function_id("f"), vec![Value::Int(1), Value::list(vec![Value::Int(2)])]),
            entry: Entry::Call,
            view: false,
        };
        let outcome = Engine::default().call(&mut host, &message).expect("maps answer everything");
        (outcome, host.stores, host.balances, host.logs)
    };
    assert_eq!(run(), run());
});
