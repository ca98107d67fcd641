//! What a contract can be asked, in the words of its source: literals to values of the machine, and back.
//!
//! Read [`Interface`] first: it comes from what the compiler writes beside the code, or, poorer, from the code itself.
//! [`encode`] reads what a person types, [`show()`] writes what the machine answers. Rules: protocol, node 3.4.

mod event;
mod json;
mod literal;
mod show;
mod types;

#[cfg(test)]
mod tests;

use std::fmt;

use banyan_fate::{
    Loaded, Value,
    abi::{decode_call, encode_call, function_id},
    code::FunctionId,
};

pub use json::BadInterface;
pub use literal::{BadLiteral, Names, encode, nobody};
pub use show::{quoted, show, tame};
pub use types::{Constructor, Type};

/// What a contract can be asked, and the events that it may emit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The contract's name in its source; none in code alone.
    pub name: Option<String>,
    /// Functions that anybody may call, `init` among them.
    pub functions: Vec<Function>,
    /// Constructors of its events; none where the code alone is known.
    pub events: Vec<Constructor>,
}

/// One function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name; none where the code does not say.
    pub name: Option<String>,
    /// The four bytes that name it in a call.
    pub id: FunctionId,
    /// What it is given.
    pub arguments: Vec<Argument>,
    /// What it gives back.
    pub result: Type,
    /// Whether coins may go with a call.
    pub payable: bool,
    /// Whether it may change anything; `None` where only the code is known.
    pub stateful: Option<bool>,
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Its name; none in code alone.
    pub name: Option<String>,
    /// What it must be.
    pub of: Type,
}

/// Why a call cannot be made; the asker's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCall {
    /// No function has that name.
    #[error("no function {name}, there are: {known}")]
    NoFunction {
        /// What was asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// More or fewer arguments than it takes.
    #[error("{got} arguments, needed {needed}: {function}")]
    Arity {
        /// The function with its types.
        function: String,
        /// How many it takes.
        needed: usize,
        /// How many there are.
        got: usize,
    },
    /// One argument does not read.
    #[error("argument {place} of {function}: {why}")]
    Argument {
        /// The function.
        function: String,
        /// Which argument, from 1.
        place: usize,
        /// What is wrong with it.
        why: BadLiteral,
    },
}

/// Why an interface is not that of some code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The code has no such function, or keeps it to itself.
    #[error("the code has no function {0}")]
    Absent(String),
    /// The code says other types.
    #[error("function {name}: the code says {code}, the interface {interface}")]
    Types {
        /// Which function.
        name: String,
        /// Its types in the code.
        code: String,
        /// Its types in the interface.
        interface: String,
    },
}

impl Interface {
    /// Read what the compiler writes as JSON.
    /// # Errors
    /// Any [`BadInterface`].
    pub fn parse(text: &str) -> Result<Self, BadInterface> {
        json::interface(text)
    }

    /// What the code itself says: types as the machine knows them, names of functions where the compiler left them.
    pub fn of_code(code: &Loaded) -> Self {
        let name = |id: FunctionId| {
            let name = code.symbols.get(&Value::string(id))?.as_string()?;
            // Whoever made the code wrote the symbols: a name counts only if it hashes to the id.
            let name = std::str::from_utf8(name).ok()?;
            (is_name(name) && function_id(name) == id).then(|| name.to_owned())
        };
        let argument = |of: &banyan_fate::Type| Argument { name: None, of: Type::of_code(of) };
        let function = |function: &banyan_fate::code::Function| Function {
            name: name(function.id),
            id: function.id,
            arguments: function.arguments.iter().map(argument).collect(),
            result: Type::of_code(&function.result),
            payable: function.payable,
            stateful: None,
        };
        let functions = code.functions.iter().filter(|function| !function.private).map(function).collect();
        Self { name: None, functions, events: Vec::new() }
    }

    /// Whether this is the interface of that code, as far as code can tell: every function is there, of the same types.
    /// # Errors
    /// The first [`Misfit`].
    pub fn check(&self, code: &Loaded) -> Result<(), Misfit> {
        for function in &self.functions {
            let name = function.to_string();
            let Some((_, own)) = code.function(function.id).filter(|(_, own)| !own.private) else {
                return Err(Misfit::Absent(name));
            };
            let arguments: Vec<_> = function.arguments.iter().map(|argument| argument.of.fate()).collect();
            let fits = arguments.len() == own.arguments.len()
                && arguments.iter().zip(&own.arguments).all(|(a, b)| types::agree(a, b))
                && (function.is_init() || types::agree(&function.result.fate(), &own.result));
            if !fits {
                let code = types::signature(&own.arguments, &own.result);
                let interface = types::signature(&arguments, &function.result.fate());
                return Err(Misfit::Types { name, code, interface });
            }
        }
        Ok(())
    }

    /// The function with this name, or with this id written as `0x…`.
    /// # Errors
    /// `NoFunction`.
    pub fn function(&self, name: &str) -> Result<&Function, BadCall> {
        let id = name.strip_prefix("0x").and_then(|digits| {
            let mut id = FunctionId::default();
            hex::decode_to_slice(digits, &mut id).ok().map(|()| id)
        });
        let is = |function: &&Function| function.name.as_deref() == Some(name) || Some(function.id) == id;
        self.functions.iter().find(is).ok_or_else(|| {
            let known = self.functions.iter().filter(|function| !function.is_init()).map(Function::to_string);
            BadCall::NoFunction { name: name.into(), known: known.collect::<Vec<_>>().join(", ") }
        })
    }

    /// The function with this id.
    pub fn by_id(&self, id: FunctionId) -> Option<&Function> {
        self.functions.iter().find(|function| function.id == id)
    }

    /// Call data of a function with arguments as a person writes them.
    /// # Errors
    /// Any [`BadCall`].
    pub fn call_data(&self, name: &str, arguments: &[String], names: Names<'_>) -> Result<Vec<u8>, BadCall> {
        // A contract without `init` in its source has one in its code, which takes nothing.
        if name == "init" && arguments.is_empty() && self.function(name).is_err() {
            return Ok(encode_call(function_id(name), Vec::new()));
        }
        let function = self.function(name)?;
        if arguments.len() != function.arguments.len() {
            let (needed, got) = (function.arguments.len(), arguments.len());
            return Err(BadCall::Arity { function: function.signature(), needed, got });
        }
        let pairs = arguments.iter().zip(&function.arguments).enumerate();
        let one = |(place, (text, argument)): (usize, (&String, &Argument))| {
            let bad = |why| BadCall::Argument { function: function.signature(), place: place + 1, why };
            encode(text, &argument.of, names).map_err(bad)
        };
        Ok(encode_call(function.id, pairs.map(one).collect::<Result<_, _>>()?))
    }

    /// Call data as its function and arguments; `None` if it is not a call of this interface.
    pub fn show_call(&self, call_data: &[u8]) -> Option<String> {
        let (id, values) = decode_call(call_data).ok()?;
        let function = self.by_id(id).or_else(|| {
            let bare = id == banyan_fate::code::INIT && values.is_empty();
            bare.then_some(&types::BARE_INIT)
        })?;
        if values.len() != function.arguments.len() {
            return None;
        }
        let shown = function.arguments.iter().zip(&values).map(|(argument, value)| {
            let value = show(value, &argument.of)?;
            Some(argument.name.as_ref().map_or_else(|| value.clone(), |name| format!("{name} = {value}")))
        });
        Some(format!("{function}({})", shown.collect::<Option<Vec<_>>>()?.join(", ")))
    }

    /// An event by its topics and its payload; `None` if it is none of this interface's.
    pub fn show_event(&self, topics: &[[u8; 32]], payload: &[u8]) -> Option<String> {
        event::show(&self.events, topics, payload)
    }
}

/// Characters of a name, with the namespace before it.
const NAME_CHARS_MAX: usize = 128;

/// Whether the language can call anything so. Somebody else wrote it, and it will stand beside what is signed.
fn is_name(text: &str) -> bool {
    let is_part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '\'' | '.');
    (1..=NAME_CHARS_MAX).contains(&text.len()) && text.chars().all(is_part)
}

impl Function {
    /// Whether only the contract's creation runs it.
    pub const fn is_init(&self) -> bool {
        matches!(self.id, banyan_fate::code::INIT)
    }

    /// Name, arguments and result with their types.
    pub fn signature(&self) -> String {
        let argument = |argument: &Argument| match &argument.name {
            Some(name) => format!("{name} : {}", argument.of),
            None => argument.of.to_string(),
        };
        let arguments: Vec<_> = self.arguments.iter().map(argument).collect();
        let result = if self.is_init() { String::new() } else { format!(" : {}", self.result) };
        format!("{self}({}){result}", arguments.join(", "))
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{}", hex::encode(self.id)),
        }
    }
}
