//! The compiler's JSON: a list of contracts and namespaces whose types name each other.

use std::collections::BTreeMap;

use banyan_fate::abi::function_id;
use serde::Deserialize;
use serde_json::Value;

use super::{Argument, Constructor, Function, Interface, Type, is_name};

/// Levels of a type, names looked up: a source of today has a handful, and none refers to itself.
const TYPE_DEPTH_MAX: u8 = 32;
/// Types and names that one type may be made of: each name may stand for many, and so on.
const TYPE_NODES_MAX: usize = 10_000;

/// Why a text is no interface.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadInterface {
    /// No JSON of that form.
    #[error("not what the compiler writes: {0}")]
    Json(String),
    /// No contract in it.
    #[error("it describes no contract that could be made")]
    NoContract,
    /// A name that the language does not have.
    #[error("{0:?} is no name")]
    Name(String),
    /// A type that does not read.
    #[error("type {0} does not read")]
    Type(String),
    /// A type too deep or too large.
    #[error("type {0} has more than {TYPE_DEPTH_MAX} levels or {TYPE_NODES_MAX} parts")]
    TooDeep(String),
}

#[derive(Deserialize)]
enum Item {
    #[serde(rename = "contract")]
    Contract(Described),
    #[serde(rename = "namespace")]
    Namespace(Described),
}

#[derive(Deserialize)]
struct Described {
    name: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    functions: Vec<FunctionJson>,
    #[serde(default)]
    typedefs: Vec<Definition>,
    #[serde(default)]
    state: Option<Value>,
    #[serde(default)]
    event: Option<Value>,
}

#[derive(Deserialize)]
struct FunctionJson {
    name: String,
    arguments: Vec<ArgumentJson>,
    returns: Value,
    payable: bool,
    stateful: bool,
}

#[derive(Deserialize)]
struct ArgumentJson {
    name: String,
    #[serde(rename = "type")]
    of: Value,
}

#[derive(Deserialize)]
struct Definition {
    name: String,
    typedef: Value,
    #[serde(default)]
    vars: Vec<Variable>,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
}

/// The interface of the one contract that the source makes.
pub fn interface(text: &str) -> Result<Interface, BadInterface> {
    let bad = |error: serde_json::Error| BadInterface::Json(error.to_string());
    let items: Vec<Item> = match serde_json::from_str(text).map_err(bad)? {
        // A list; or, as some programs keep it, the contract by itself.
        list @ Value::Array(_) => serde_json::from_value(list).map_err(bad)?,
        one => vec![serde_json::from_value(one).map_err(bad)?],
    };
    let names = Names::of(&items);
    let contracts = items.iter().filter_map(|item| match item {
        Item::Contract(contract) => Some(contract),
        Item::Namespace(_) => None,
    });
    let main = contracts.clone().find(|one| one.kind == "contract_main");
    let made = || contracts.clone().rfind(|one| one.kind != "contract_interface");
    let contract = main.or_else(made).ok_or(BadInterface::NoContract)?;
    let events = match &contract.event {
        None => Vec::new(),
        Some(event) => match names.resolve(event)? {
            Type::Variant(constructors) => constructors,
            _ => return Err(BadInterface::Type("event".into())),
        },
    };
    let functions = contract.functions.iter().map(|one| function(one, &names)).collect::<Result<_, _>>()?;
    Ok(Interface { name: Some(named(&contract.name)?), functions, events })
}

fn named(name: &str) -> Result<String, BadInterface> {
    if is_name(name) { Ok(name.to_owned()) } else { Err(BadInterface::Name(name.into())) }
}

fn function(json: &FunctionJson, names: &Names<'_>) -> Result<Function, BadInterface> {
    let argument =
        |argument: &ArgumentJson| Ok(Argument { name: Some(named(&argument.name)?), of: names.resolve(&argument.of)? });
    Ok(Function {
        name: Some(named(&json.name)?),
        id: function_id(&json.name),
        arguments: json.arguments.iter().map(argument).collect::<Result<_, _>>()?,
        result: names.resolve(&json.returns)?,
        payable: json.payable,
        stateful: Some(json.stateful),
    })
}

/// What a name of a type stands for.
enum Meaning<'a> {
    Contract,
    Defined(Vec<&'a str>, &'a Value),
}

/// Every name that types may use.
struct Names<'a>(BTreeMap<String, Meaning<'a>>);

/// A type being looked up, with what its variables stand for.
struct Frame<'a> {
    variables: BTreeMap<&'a str, Type>,
    depth: u8,
}

impl<'a> Names<'a> {
    fn of(items: &'a [Item]) -> Self {
        let mut names = BTreeMap::new();
        for item in items {
            let (Item::Contract(one) | Item::Namespace(one)) = item;
            if matches!(item, Item::Contract(_)) {
                names.insert(one.name.clone(), Meaning::Contract);
            }
            let parts = [("state", &one.state), ("event", &one.event)];
            for (name, of) in parts.into_iter().filter_map(|(name, of)| Some((name, of.as_ref()?))) {
                names.insert(format!("{}.{name}", one.name), Meaning::Defined(vec![], of));
            }
            for definition in &one.typedefs {
                let variables = definition.vars.iter().map(|variable| variable.name.as_str()).collect();
                let name = format!("{}.{}", one.name, definition.name);
                names.insert(name, Meaning::Defined(variables, &definition.typedef));
            }
        }
        Self(names)
    }

    fn resolve(&self, of: &Value) -> Result<Type, BadInterface> {
        let frame = Frame { variables: BTreeMap::new(), depth: TYPE_DEPTH_MAX };
        let mut left = TYPE_NODES_MAX;
        self.look_up(of, &frame, &mut left)
    }

    fn look_up(&self, of: &Value, frame: &Frame<'_>, left: &mut usize) -> Result<Type, BadInterface> {
        let bad = || BadInterface::Type(of.to_string());
        let too_deep = || BadInterface::TooDeep(of.to_string());
        *left = left.checked_sub(1).ok_or_else(too_deep)?;
        let inner =
            Frame { variables: frame.variables.clone(), depth: frame.depth.checked_sub(1).ok_or_else(too_deep)? };
        let (name, parts) = match of {
            Value::String(name) => (name.as_str(), None),
            Value::Object(one) if one.len() == 1 => {
                one.iter().next().map(|(k, v)| (k.as_str(), Some(v))).ok_or_else(bad)?
            }
            _ => return Err(bad()),
        };
        if let Some(of) = frame.variables.get(name) {
            // A variable that is named twice is twice as large.
            *left = left.checked_sub(of.parts()).ok_or_else(too_deep)?;
            return Ok(of.clone());
        }
        if name == "bytes" {
            return bytes(parts).ok_or_else(bad);
        }
        let list = match parts {
            None => &[][..],
            Some(parts) => parts.as_array().ok_or_else(bad)?,
        };
        match name {
            "record" => {
                let field = |field: &Value| {
                    let name = field["name"].as_str().ok_or_else(bad)?;
                    Ok((named(name)?, self.look_up(&field["type"], &inner, left)?))
                };
                return Ok(Type::Record(list.iter().map(field).collect::<Result<_, _>>()?));
            }
            "variant" => {
                let constructor = |one: &Value| {
                    let (name, of) = one.as_object().and_then(|one| one.iter().next()).ok_or_else(bad)?;
                    let of = of.as_array().ok_or_else(bad)?;
                    let arguments = of.iter().map(|of| self.look_up(of, &inner, left)).collect::<Result<_, _>>()?;
                    Ok(Constructor { name: named(name)?, arguments })
                };
                return Ok(Type::Variant(list.iter().map(constructor).collect::<Result<_, _>>()?));
            }
            _ => {}
        }
        let items = list.iter().map(|of| self.look_up(of, &inner, left)).collect::<Result<Vec<_>, _>>()?;
        if let Some(of) = builtin(name, &items) {
            return Ok(of);
        }
        match self.0.get(name) {
            Some(Meaning::Contract) => Ok(Type::Contract),
            Some(Meaning::Defined(variables, of)) if variables.len() == items.len() => {
                let frame = Frame { variables: variables.iter().copied().zip(items).collect(), ..inner };
                self.look_up(of, &frame, left)
            }
            Some(Meaning::Defined(..)) => Err(bad()),
            // Oracles, names and what else the language has and these ledgers have not.
            None => named(name).map(Type::Opaque),
        }
    }
}

/// The type of so many bytes, or of any number.
fn bytes(size: Option<&Value>) -> Option<Type> {
    match size? {
        Value::String(any) if any == "any" => Some(Type::Bytes(None)),
        size => u32::try_from(size.as_u64()?).ok().map(|size| Type::Bytes(Some(size))),
    }
}

fn builtin(name: &str, items: &[Type]) -> Option<Type> {
    let constructor = |name: &str| Constructor { name: name.into(), arguments: vec![Type::Int] };
    Some(match (name, items) {
        ("int", []) => Type::Int,
        ("bool", []) => Type::Bool,
        ("string", []) => Type::String,
        ("char", []) => Type::Char,
        ("bits", []) => Type::Bits,
        ("address", []) => Type::Address,
        ("contract_pubkey", []) => Type::Contract,
        ("hash", []) => Type::Bytes(Some(32)),
        ("signature", []) => Type::Bytes(Some(64)),
        ("unit", []) => Type::Tuple(Vec::new()),
        ("list", [item]) => Type::List(Box::new(item.clone())),
        ("option", [some]) => Type::Option(Box::new(some.clone())),
        ("map", [key, value]) => Type::Map(Box::new(key.clone()), Box::new(value.clone())),
        // The compiler makes no tuple of one value.
        ("tuple", [only]) => only.clone(),
        ("tuple", items) => Type::Tuple(items.to_vec()),
        ("Chain.ttl", []) => Type::Variant(vec![constructor("RelativeTTL"), constructor("FixedTTL")]),
        _ => return None,
    })
}
