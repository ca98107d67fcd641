//! Calls as text: `transfer("ak_…", 5)`, in Sophia's literals.
//!
//! Byte code names neither fields nor constructors. So a record's fields stand in the order of its declaration, and of
//! all constructors only `None` and `Some` are known. An `ak_…` may be quoted or not; quoted it is a string unless the
//! caller's signature says otherwise, see [`fit`].

use alloc::{
    string::{String, ToString as _},
    vec::Vec,
};

use banyan_types::text::{self, Prefix};
use num_bigint::BigInt;

use crate::{
    Type, Value,
    limits::VALUE_DEPTH_MAX,
    value::{Kind, Map, Shared},
};

/// Why text is no call or value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// Something else stands where this should.
    #[error("{expected} expected at {at}")]
    Expected {
        /// What should stand there.
        expected: &'static str,
        /// Bytes from the beginning.
        at: usize,
    },
    /// A name that byte code does not tell the meaning of.
    #[error("{0} is not known without the contract's interface")]
    Unknown(String),
    /// An `ak_…` or the like that does not check out.
    #[error("{0} is no valid name of an object")]
    Object(String),
    /// More brackets inside brackets than any value has.
    #[error("deeper than {VALUE_DEPTH_MAX}")]
    TooDeep,
}

/// Read a call: a function's name and its arguments.
pub fn parse_call(text: &str) -> Result<(String, Vec<Value>), BadText> {
    let mut reader = Reader::new(text);
    let name = reader.name().ok_or_else(|| reader.expected("a function's name"))?.to_string();
    let arguments = reader.arguments(0)?;
    reader.end()?;
    Ok((name, arguments))
}

/// Read one value.
pub fn parse_value(text: &str) -> Result<Value, BadText> {
    let mut reader = Reader::new(text);
    let value = reader.value(0)?;
    reader.end().map(|()| value)
}

/// A value as the type asks for it: a string that names an object becomes that object.
pub fn fit(value: Value, of: &Type) -> Value {
    let (Value::String(bytes), Type::Address | Type::Contract | Type::Channel) = (&value, of) else { return value };
    let object = core::str::from_utf8(bytes).ok().and_then(|text| object(text).ok());
    object.unwrap_or(value)
}

/// What `ak_…`, `ct_…` and the like stand for.
fn object(text: &str) -> Result<Value, BadText> {
    let bad = || BadText::Object(text.to_string());
    let (prefix, payload) = text::decode(text).map_err(|_| bad())?;
    let kind = match prefix {
        Prefix::Account => Kind::Address,
        Prefix::Contract => Kind::Contract,
        Prefix::Channel => Kind::Channel,
        Prefix::Signature => return Ok(Value::bytes(payload)),
        _ => return Err(bad()),
    };
    Ok(Value::Object(kind, Shared::new(payload)))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        let space = rest.len().saturating_sub(rest.trim_start().len());
        self.at = self.at.saturating_add(space);
    }

    const fn expected(&self, expected: &'static str) -> BadText {
        BadText::Expected { expected, at: self.at }
    }

    /// Take this if it stands next.
    fn take(&mut self, what: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(what);
        if found {
            self.at = self.at.saturating_add(what.len());
        }
        found
    }

    fn need(&mut self, what: &'static str) -> Result<(), BadText> {
        if self.take(what) { Ok(()) } else { Err(self.expected(what)) }
    }

    fn end(&mut self) -> Result<(), BadText> {
        self.skip_space();
        if self.rest().is_empty() { Ok(()) } else { Err(self.expected("the end")) }
    }

    /// Take as many characters as hold, at least one.
    fn take_while(&mut self, holds: impl Fn(char) -> bool) -> Option<&'a str> {
        let rest = self.rest();
        let length = rest.find(|character| !holds(character)).unwrap_or(rest.len());
        self.at = self.at.saturating_add(length);
        rest.get(..length).filter(|found| !found.is_empty())
    }

    /// Letters, digits, underscores, and dots between names.
    fn name(&mut self) -> Option<&'a str> {
        self.skip_space();
        let starts = self.rest().starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        starts.then(|| self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '\''))).flatten()
    }

    fn arguments(&mut self, depth: u32) -> Result<Vec<Value>, BadText> {
        self.need("(")?;
        self.items(")", depth)
    }

    /// Values with commas between them, up to what closes them.
    fn items(&mut self, close: &'static str, depth: u32) -> Result<Vec<Value>, BadText> {
        let mut items = Vec::new();
        if self.take(close) {
            return Ok(items);
        }
        loop {
            items.push(self.value(depth)?);
            if self.take(close) {
                return Ok(items);
            }
            self.need(",")?;
        }
    }

    fn value(&mut self, depth: u32) -> Result<Value, BadText> {
        if depth > VALUE_DEPTH_MAX {
            return Err(BadText::TooDeep);
        }
        let deeper = depth.saturating_add(1);
        self.skip_space();
        match self.rest().chars().next() {
            Some('"') => self.string(),
            Some('\'') => self.character(),
            Some('#') => self.bytes(),
            Some('-' | '0'..='9') => self.integer(),
            Some('[') => {
                self.need("[")?;
                self.items("]", deeper).map(Value::list)
            }
            Some('(') => {
                let mut items = self.arguments(deeper)?;
                // One value in brackets is itself.
                Ok(if items.len() == 1 { items.pop().unwrap_or(Value::Unit) } else { Value::tuple(items) })
            }
            Some('{') => self.braces(deeper),
            _ => self.named(deeper),
        }
    }

    fn integer(&mut self) -> Result<Value, BadText> {
        let negative = self.take("-");
        self.skip_space();
        let radix = if self.take("0x") { 16 } else { 10 };
        let digits = self.take_while(|c| c.is_ascii_hexdigit() || c == '_').unwrap_or_default().replace('_', "");
        let number = BigInt::parse_bytes(digits.as_bytes(), radix).ok_or_else(|| self.expected("a number"))?;
        Ok(Value::int(if negative { -number } else { number }))
    }

    fn bytes(&mut self) -> Result<Value, BadText> {
        self.need("#")?;
        let digits = self.take_while(|c| c.is_ascii_hexdigit() || c == '_').unwrap_or_default().replace('_', "");
        let pairs = digits.as_bytes().chunks(2).map(|pair| {
            let pair = core::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        });
        pairs.collect::<Option<Vec<_>>>().map(Value::bytes).ok_or_else(|| self.expected("pairs of digits"))
    }

    fn string(&mut self) -> Result<Value, BadText> {
        self.need("\"")?;
        let mut string = String::new();
        while !self.rest().starts_with('"') {
            string.push(self.letter()?);
        }
        self.need("\"")?;
        Ok(Value::string(string))
    }

    fn character(&mut self) -> Result<Value, BadText> {
        self.need("'")?;
        let character = self.letter()?;
        if !self.rest().starts_with('\'') {
            return Err(self.expected("'"));
        }
        self.need("'")?;
        Ok(Value::Int(i64::from(u32::from(character))))
    }

    fn next(&mut self) -> Result<char, BadText> {
        let character = self.rest().chars().next().ok_or_else(|| self.expected("a character"))?;
        self.at = self.at.saturating_add(character.len_utf8());
        Ok(character)
    }

    /// A character of a string: itself, or what an escape stands for.
    fn letter(&mut self) -> Result<char, BadText> {
        let character = self.next()?;
        if character != '\\' {
            return Ok(character);
        }
        Ok(match self.next()? {
            'b' => '\u{8}',
            'e' => '\u{1b}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => return self.code(),
            other => other,
        })
    }

    /// `\xHH` or `\x{H…}`.
    fn code(&mut self) -> Result<char, BadText> {
        let braced = self.rest().starts_with('{');
        let digits = if braced {
            self.next()?;
            let digits = self.take_while(|c| c.is_ascii_hexdigit()).unwrap_or_default();
            self.next()?;
            digits
        } else {
            let digits = self.rest().get(..2).unwrap_or_default();
            self.at = self.at.saturating_add(digits.len());
            digits
        };
        let code = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
        code.ok_or_else(|| self.expected("the number of a character"))
    }

    /// A map, `{[key] = value}`, or a record, `{field = value}`.
    fn braces(&mut self, depth: u32) -> Result<Value, BadText> {
        self.need("{")?;
        let mut pairs = Vec::new();
        let mut fields = Vec::new();
        while !self.take("}") {
            if !(pairs.is_empty() && fields.is_empty()) {
                self.need(",")?;
            }
            if self.take("[") {
                let key = self.value(depth)?;
                self.need("]")?;
                self.need("=")?;
                if key.measure().has_map() {
                    return Err(self.expected("a value that can be a key"));
                }
                pairs.push((key, self.value(depth)?));
            } else {
                self.name().ok_or_else(|| self.expected("a field"))?;
                self.need("=")?;
                fields.push(self.value(depth)?);
            }
        }
        match (pairs.is_empty(), fields.is_empty()) {
            (_, true) => Ok(Value::Map(pairs.into_iter().collect::<Map>())),
            (true, false) => Ok(Value::tuple(fields)),
            (false, false) => Err(self.expected("either keys or fields")),
        }
    }

    /// What begins with a name.
    fn named(&mut self, depth: u32) -> Result<Value, BadText> {
        let name = self.name().ok_or_else(|| self.expected("a value"))?;
        match name {
            "true" => return Ok(Value::Bool(true)),
            "false" => return Ok(Value::Bool(false)),
            "None" => return Ok(Value::none()),
            "Bits.none" => return Ok(Value::bits(BigInt::ZERO)),
            "Bits.all" => return Ok(Value::bits(BigInt::from(-1))),
            _ if name.contains('_') && !self.rest().trim_start().starts_with('(') => return object(name),
            "Some" | "Bits.set" | "Bits.clear" | "Bytes.to_any_size" => {}
            _ => return Err(BadText::Unknown(name.to_string())),
        }
        let mut arguments = self.arguments(depth)?;
        match (name, arguments.len(), arguments.pop()) {
            ("Some", 1, Some(value)) => Ok(Value::some(value)),
            ("Bytes.to_any_size", 1, Some(value)) => Ok(value),
            ("Bits.set" | "Bits.clear", 2, Some(Value::Int(bit @ 0..=0xffff))) => {
                let Some(Value::Bits(bits)) = arguments.pop() else { return Err(self.expected("bits")) };
                let mut bits = (*bits).clone();
                bits.set_bit(bit.unsigned_abs(), name == "Bits.set");
                Ok(Value::bits(bits))
            }
            _ => Err(self.expected("other arguments")),
        }
    }
}
