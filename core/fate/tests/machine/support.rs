//! Byte code by hand, and a world to run it in.

use banyan_fate::{
    Engine, MapHost, Message, Outcome, Type, Value, abi,
    code::FunctionId,
    engine::{Address, Entry},
    ops::table::Op,
    value::{Map, types},
};
use banyan_types::rlp::{put_bytes, put_list};

/// An argument of an instruction.
#[derive(Debug, Clone)]
pub enum A {
    S,
    Arg(i64),
    Var(i64),
    I(Value),
}

pub fn int(n: i64) -> A {
    A::I(Value::Int(n))
}

pub fn store(number: i64) -> A {
    A::Var(-number)
}

/// The bytes of one instruction.
pub fn op(op: Op, args: &[A]) -> Vec<u8> {
    let mut out = vec![op as u8];
    let mode = |arg: &A| match arg {
        A::S => 0,
        A::Arg(_) => 1,
        A::Var(_) => 2,
        A::I(_) => 3_u16,
    };
    let modes = args.iter().rev().fold(0, |all, arg| (all << 2) | mode(arg));
    let [high, low] = modes.to_be_bytes();
    match args.len() {
        0 => {}
        1..=4 => out.push(low),
        _ => out.extend([high, low]),
    }
    for arg in args {
        match arg {
            A::S => {}
            A::Arg(number) | A::Var(number) => out.extend(Value::Int(*number).encode()),
            A::I(value) => out.extend(value.encode()),
        }
    }
    out
}

/// A function by hand.
pub struct Function {
    pub name: &'static str,
    pub attributes: i64,
    pub arguments: Vec<Type>,
    pub result: Type,
    pub body: Vec<Vec<u8>>,
}

/// A public function that takes so many values of any type and returns any.
pub fn function(name: &'static str, arguments: usize, body: Vec<Vec<u8>>) -> Function {
    Function { name, attributes: 0, arguments: vec![Type::Any; arguments], result: Type::Any, body }
}

pub fn function_bytes(function: &Function) -> Vec<u8> {
    let mut out = vec![0xfe];
    out.extend(abi::function_id(function.name));
    out.extend(Value::Int(function.attributes).encode());
    types::put(&Type::Tuple(function.arguments.clone()), &mut out);
    types::put(&function.result, &mut out);
    out.extend(function.body.concat());
    out
}

pub fn byte_code_of(code: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(code, &mut out);
    put_bytes(&Value::Map(Map::EMPTY).encode(), &mut out);
    put_bytes(&Value::Map(Map::EMPTY).encode(), &mut out);
    out
}

pub fn byte_code(functions: &[Function]) -> Vec<u8> {
    let mut sorted: Vec<_> = functions.iter().collect();
    sorted.sort_by_key(|function| abi::function_id(function.name));
    byte_code_of(&sorted.into_iter().flat_map(function_bytes).collect::<Vec<_>>())
}

/// The code object around byte code.
pub fn object(byte_code: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_list(&mut out, |out| {
        put_bytes(&[70], out);
        put_bytes(&[3], out);
        put_bytes(&[0; 32], out);
        put_list(out, |_| {});
        put_bytes(byte_code, out);
        put_bytes(b"by hand", out);
        put_bytes(&[1], out);
    });
    out
}

pub const CALLER: Address = [7; 32];
pub const GAS: u64 = 1_000_000;

pub struct World {
    pub host: MapHost,
    pub engine: Engine,
    nonce: u64,
}

impl World {
    pub fn new() -> Self {
        let mut host = MapHost::default();
        host.add(CALLER, 1_000_000);
        host.env.height = 1000;
        host.env.network_id = "test".into();
        Self { host, engine: Engine::default(), nonce: 0 }
    }

    /// A contract of these functions, without an `init` run.
    pub fn with(functions: &[Function]) -> (Self, Address) {
        let mut world = Self::new();
        let id = world.put(functions);
        (world, id)
    }

    pub fn put(&mut self, functions: &[Function]) -> Address {
        self.put_object(&object(&byte_code(functions)))
    }

    pub fn put_object(&mut self, object: &[u8]) -> Address {
        Engine::load(object).expect("code by hand loads");
        self.nonce += 1;
        let id = MapHost::contract_id(&CALLER, self.nonce);
        self.host.put_contract(id, CALLER, object, true);
        self.host.add(id, 1000);
        self.host.stores.entry(id).or_default().insert(vec![0, 0], vec![0x2f, 0]);
        self.host.commit();
        id
    }

    pub fn call(&mut self, contract: Address, name: &str, arguments: Vec<Value>) -> Outcome {
        self.call_with(contract, name, arguments, GAS, Entry::Call)
    }

    pub fn call_with(
        &mut self,
        contract: Address,
        name: &str,
        arguments: Vec<Value>,
        gas: u64,
        entry: Entry,
    ) -> Outcome {
        let message = message(contract, abi::function_id(name), arguments, gas, entry);
        self.engine.call(&mut self.host, &message).expect("maps answer everything")
    }

    /// What a call returned.
    pub fn value(&mut self, contract: Address, name: &str, arguments: Vec<Value>) -> Value {
        value_of(&self.call(contract, name, arguments))
    }
}

pub fn message(contract: Address, function: FunctionId, arguments: Vec<Value>, gas: u64, entry: Entry) -> Message {
    let call_data = abi::encode_call(function, arguments);
    Message { contract, caller: CALLER, origin: CALLER, amount: 0, gas, call_data, entry, view: false }
}

pub fn value_of(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Done { value, .. } => read(value),
        other => panic!("{other:?}"),
    }
}

pub fn read(bytes: &[u8]) -> Value {
    banyan_fate::value::decode::decode(bytes, banyan_fate::value::decode::Door::Any).expect("the machine gives values")
}

pub fn is_failed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed { .. })
}

/// Why a run failed.
pub fn reason(outcome: &Outcome) -> banyan_fate::engine::Reason {
    match outcome {
        Outcome::Failed { why, .. } => why.reason.clone(),
        other => panic!("{other:?}"),
    }
}
