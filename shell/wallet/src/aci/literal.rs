//! Read literals of the source language as values of the machine, led by the type that is asked for.

use std::iter::Peekable;

use banyan_fate::{Value, value::Map};
use banyan_types::{AccountId, ContractId, Signature, text::Prefix};
use num_bigint::{BigInt, Sign};

use super::{Constructor, Type, types::OPTION};

/// Highest bit that a literal may name: more would only fill memory.
const BIT_MAX: u32 = 65_535;

/// What stands for an account besides `ak_…`: the owner's own names.
pub type Names<'a> = &'a dyn Fn(&str) -> Option<AccountId>;

/// No names.
pub fn nobody(_: &str) -> Option<AccountId> {
    None
}

/// Why a text is no value of a type; the writer's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLiteral {
    /// Something else stands there.
    #[error("expected {expected} at character {at}, got {got}")]
    Expected {
        /// What was to come.
        expected: String,
        /// Where, from 1.
        at: usize,
        /// What stands there.
        got: String,
    },
    /// Bytes of another length.
    #[error("expected {expected} bytes, got {got}")]
    Length {
        /// How many the type says.
        expected: u32,
        /// How many there are.
        got: usize,
    },
    /// A field of a record is missing, or stands there twice.
    #[error("field {0} of the record must stand there once")]
    Field(String),
    /// A bit beyond what a literal may name.
    #[error("bit {0} is not between 0 and {BIT_MAX}")]
    Bit(BigInt),
    /// A type that has no literals here.
    #[error("values of type {0} cannot be written here")]
    Opaque(String),
}

/// Read a literal. By itself a text, and a character, may stand without its quotes: a shell takes them away.
/// # Errors
/// Any [`BadLiteral`].
pub fn encode(text: &str, of: &Type, names: Names<'_>) -> Result<Value, BadLiteral> {
    match of {
        Type::String if !text.trim_start().starts_with('"') => return Ok(Value::string(text.as_bytes())),
        Type::Char if text.chars().count() == 1 => {
            return Ok(Value::int(text.chars().next().map_or(0, u32::from)));
        }
        _ => {}
    }
    let mut reader = Reader { chars: text.char_indices().peekable(), text, names };
    let value = reader.value(of)?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.expected("the end")),
    }
}

struct Reader<'a> {
    chars: Peekable<std::str::CharIndices<'a>>,
    text: &'a str,
    names: Names<'a>,
}

impl<'a> Reader<'a> {
    fn value(&mut self, of: &Type) -> Result<Value, BadLiteral> {
        self.skip_space();
        match of {
            Type::Int => self.int().map(Value::int),
            Type::Bool => match self.word() {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                word => Err(self.expected_at(word, "true or false")),
            },
            Type::String => self.quoted('"').map(Value::string),
            Type::Char => self.character(),
            Type::Bits => self.bits().map(Value::bits),
            Type::Bytes(size) => self.bytes(*size),
            Type::Address => self.address(),
            Type::Contract => {
                let word = self.word();
                let id = word.parse::<ContractId>();
                id.map(|id| Value::contract(&id.0)).map_err(|_| self.expected_at(word, "a contract, ct_…"))
            }
            Type::List(item) => Ok(Value::list(self.items('[', ']', |reader, _| reader.value(item))?)),
            Type::Map(key, value) => self.map(key, value),
            Type::Tuple(of) => self.tuple(of).map(Value::tuple),
            Type::Record(fields) => self.record(fields),
            Type::Option(some) => {
                let [none, one] = OPTION.map(str::to_owned);
                let one = Constructor { name: one, arguments: vec![(**some).clone()] };
                self.variant(&[Constructor { name: none, arguments: vec![] }, one])
            }
            Type::Variant(constructors) => self.variant(constructors),
            Type::Opaque(name) => Err(BadLiteral::Opaque(name.clone())),
        }
    }

    fn int(&mut self) -> Result<BigInt, BadLiteral> {
        let minus = self.take_if('-');
        self.skip_space();
        let word = self.word();
        let digits = word.replace('_', "");
        let bad = || self.expected_at(word, "int");
        let (digits, radix) = digits.strip_prefix("0x").map_or((digits.as_str(), 10), |digits| (digits, 16));
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(bad());
        }
        let int = BigInt::parse_bytes(digits.as_bytes(), radix).ok_or_else(bad)?;
        Ok(if minus { -int } else { int })
    }

    fn character(&mut self) -> Result<Value, BadLiteral> {
        let bytes = self.quoted('\'')?;
        let mut chars = std::str::from_utf8(&bytes).unwrap_or_default().chars();
        let one = chars.next().filter(|_| chars.next().is_none()).map(u32::from);
        one.map(Value::int).ok_or_else(|| self.expected("one character"))
    }

    fn bytes(&mut self, size: Option<u32>) -> Result<Value, BadLiteral> {
        if size.is_none() && self.text_ahead().starts_with("Bytes.to_any_size") {
            self.word();
            self.take('(')?;
            let value = self.bytes(None)?;
            self.take(')')?;
            return Ok(value);
        }
        self.skip_space();
        let bytes = if self.text_ahead().starts_with("sg_") {
            let word = self.word();
            let signature = Signature::from_text(Prefix::Signature, word);
            signature.map_err(|_| self.expected_at(word, "a signature, sg_…"))?.0.to_vec()
        } else {
            self.take('#')?;
            let word = self.word();
            hex::decode(word.replace('_', "")).map_err(|_| self.expected_at(word, "pairs of hexadecimal digits"))?
        };
        match size {
            Some(expected) if usize::try_from(expected) != Ok(bytes.len()) => {
                Err(BadLiteral::Length { expected, got: bytes.len() })
            }
            _ => Ok(Value::bytes(bytes)),
        }
    }

    /// An account by its id or the owner's name for it; a contract's id stands for its account.
    fn address(&mut self) -> Result<Value, BadLiteral> {
        let word = self.word();
        let account = word.parse::<AccountId>().ok().map(|id| id.0);
        let contract = || word.parse::<ContractId>().ok().map(|id| id.0);
        let own = || (self.names)(word).map(|id| id.0);
        let id = account.or_else(contract).or_else(own);
        id.map(|id| Value::address(&id)).ok_or_else(|| self.expected_at(word, "an account, ak_…"))
    }

    /// `Bits.none`, `Bits.all`, and any number of `Bits.set(…, n)` and `Bits.clear(…, n)` around them.
    fn bits(&mut self) -> Result<BigInt, BadLiteral> {
        let mut open = Vec::new();
        let mut bits = loop {
            let word = self.word();
            match word.trim_start_matches("Bits.") {
                "none" => break BigInt::ZERO,
                "all" => break BigInt::from(-1),
                "set" => open.push(true),
                "clear" => open.push(false),
                _ => return Err(self.expected_at(word, "Bits.none, Bits.all, Bits.set(…, n) or Bits.clear(…, n)")),
            }
            self.take('(')?;
            self.skip_space();
        };
        while let Some(set) = open.pop() {
            self.take(',')?;
            self.skip_space();
            let place = self.int()?;
            let at = u32::try_from(&place).ok().filter(|at| *at <= BIT_MAX).ok_or(BadLiteral::Bit(place))?;
            bits.set_bit(u64::from(at), set);
            self.take(')')?;
        }
        Ok(bits)
    }

    fn tuple(&mut self, of: &[Type]) -> Result<Vec<Value>, BadLiteral> {
        self.take('(')?;
        let mut values = Vec::with_capacity(of.len());
        for (place, of) in of.iter().enumerate() {
            if place > 0 {
                self.take(',')?;
            }
            values.push(self.value(of)?);
        }
        self.take(')')?;
        Ok(values)
    }

    fn map(&mut self, key: &Type, value: &Type) -> Result<Value, BadLiteral> {
        let pair = |reader: &mut Self, _| {
            reader.take('[')?;
            let key = reader.value(key)?;
            reader.take(']')?;
            reader.take('=')?;
            Ok((key, reader.value(value)?))
        };
        Ok(Value::Map(self.items('{', '}', pair)?.into_iter().collect::<Map>()))
    }

    fn record(&mut self, fields: &[(String, Type)]) -> Result<Value, BadLiteral> {
        let mut values: Vec<Option<Value>> = vec![None; fields.len()];
        let field = |reader: &mut Self, _| {
            let word = reader.word();
            let found = fields.iter().position(|(name, _)| name == word);
            let Some((place, (name, of))) = found.and_then(|place| Some((place, fields.get(place)?))) else {
                let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
                return Err(reader.expected_at(word, &format!("a field of {}", names.join(", "))));
            };
            reader.take('=')?;
            let value = reader.value(of)?;
            match values.get_mut(place) {
                Some(slot @ None) => *slot = Some(value),
                _ => return Err(BadLiteral::Field(name.clone())),
            }
            Ok(())
        };
        self.items('{', '}', field)?;
        let whole = values
            .into_iter()
            .zip(fields)
            .map(|(value, (name, _))| value.ok_or_else(|| BadLiteral::Field(name.clone())));
        let mut values = whole.collect::<Result<Vec<_>, _>>()?;
        // One field alone is no tuple to the machine.
        Ok(if values.len() == 1 { values.swap_remove(0) } else { Value::tuple(values) })
    }

    fn variant(&mut self, constructors: &[Constructor]) -> Result<Value, BadLiteral> {
        let word = self.word();
        let name = word.rsplit('.').next().unwrap_or(word);
        let found = constructors.iter().position(|one| one.name == name);
        let Some((tag, one)) = found.and_then(|tag| Some((tag, constructors.get(tag)?))) else {
            let names: Vec<_> = constructors.iter().map(Constructor::to_string).collect();
            return Err(self.expected_at(word, &names.join(" or ")));
        };
        let values = if one.arguments.is_empty() { Vec::new() } else { self.tuple(&one.arguments)? };
        let arities = constructors.iter().map(|one| u8::try_from(one.arguments.len())).collect::<Result<_, _>>();
        let value = arities.ok().zip(u8::try_from(tag).ok()).and_then(|(all, tag)| Value::variant(all, tag, values));
        value.ok_or_else(|| BadLiteral::Opaque(one.to_string()))
    }

    /// Items with commas between them.
    fn items<T>(
        &mut self,
        begin: char,
        end: char,
        mut item: impl FnMut(&mut Self, usize) -> Result<T, BadLiteral>,
    ) -> Result<Vec<T>, BadLiteral> {
        self.take(begin)?;
        let mut items = Vec::new();
        loop {
            self.skip_space();
            if items.is_empty() && self.take_if(end) {
                return Ok(items);
            }
            items.push(item(self, items.len())?);
            self.skip_space();
            if self.take_if(end) {
                return Ok(items);
            }
            self.take(',')?;
        }
    }

    /// Bytes between quotes, with escapes.
    fn quoted(&mut self, quote: char) -> Result<Vec<u8>, BadLiteral> {
        self.take(quote)?;
        let mut bytes = Vec::new();
        let mut buffer = [0; 4];
        loop {
            match self.chars.next() {
                None => return Err(self.expected(&quote.to_string())),
                Some((_, char)) if char == quote => return Ok(bytes),
                Some((_, '\\')) => self.escape(&mut bytes)?,
                Some((_, char)) => bytes.extend_from_slice(char.encode_utf8(&mut buffer).as_bytes()),
            }
        }
    }

    /// `\xHH` and `\x{H…}` are the character with that number, as the compiler reads them; `\{HH}`, which it does not
    /// know, is a byte that belongs to no character.
    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), BadLiteral> {
        let named = [('n', '\n'), ('t', '\t'), ('r', '\r'), ('b', '\x08'), ('v', '\x0b'), ('f', '\x0c'), ('e', '\x1b')];
        let char = match self.chars.next().map(|(_, char)| char) {
            Some('x') if self.take_if('{') => {
                let char = self.number("the number of a character")?;
                self.take('}')?;
                char::from_u32(char).ok_or_else(|| self.expected("the number of a character"))?
            }
            Some('x') => {
                let at = self.at();
                let digits = self.text.get(at..at.saturating_add(2)).unwrap_or_default();
                let byte = u8::from_str_radix(digits, 16).map_err(|_| self.expected("two hexadecimal digits"))?;
                self.chars.next();
                self.chars.next();
                char::from(byte)
            }
            Some('{') => {
                let byte = u8::try_from(self.number("the number of a byte")?);
                bytes.push(byte.map_err(|_| self.expected("the number of a byte"))?);
                return self.take('}');
            }
            Some(char @ ('"' | '\'' | '\\')) => char,
            Some(name) => match named.iter().find(|(known, _)| *known == name) {
                Some((_, char)) => *char,
                None => return Err(self.expected("an escape that exists")),
            },
            None => return Err(self.expected("an escape")),
        };
        bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn number(&mut self, expected: &str) -> Result<u32, BadLiteral> {
        let digits = self.word();
        u32::from_str_radix(digits, 16).map_err(|_| self.expected_at(digits, expected))
    }

    /// Letters, digits, `_` and `.`, as many as there are.
    fn word(&mut self) -> &'a str {
        let begin = self.at();
        while self.chars.next_if(|(_, char)| char.is_alphanumeric() || matches!(char, '_' | '.')).is_some() {}
        self.text.get(begin..self.at()).unwrap_or_default()
    }

    fn at(&mut self) -> usize {
        self.chars.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn text_ahead(&mut self) -> &'a str {
        let at = self.at();
        self.text.get(at..).unwrap_or_default()
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.chars.peek().map(|(_, char)| *char)
    }

    fn skip_space(&mut self) {
        while self.chars.next_if(|(_, char)| char.is_whitespace()).is_some() {}
    }

    fn take_if(&mut self, wanted: char) -> bool {
        self.chars.next_if(|(_, char)| *char == wanted).is_some()
    }

    fn take(&mut self, wanted: char) -> Result<(), BadLiteral> {
        self.skip_space();
        if self.take_if(wanted) { Ok(()) } else { Err(self.expected(&wanted.to_string())) }
    }

    fn expected(&self, expected: &str) -> BadLiteral {
        let at = self.chars.clone().peek().map_or(self.text.len(), |(at, _)| *at);
        self.expected_from(at, expected)
    }

    /// The same, of a word that was read already.
    fn expected_at(&self, word: &str, expected: &str) -> BadLiteral {
        let at = self.chars.clone().peek().map_or(self.text.len(), |(at, _)| *at);
        self.expected_from(at.saturating_sub(word.len()), expected)
    }

    fn expected_from(&self, at: usize, expected: &str) -> BadLiteral {
        /// Characters that are repeated of what stands there.
        const SAID_MAX: usize = 20;
        let (before, rest) = self.text.split_at_checked(at).unwrap_or((self.text, ""));
        let got = match rest.chars().take(SAID_MAX).collect::<String>() {
            got if got.is_empty() => "the end".into(),
            got => got,
        };
        BadLiteral::Expected { expected: expected.into(), at: before.chars().count() + 1, got }
    }
}

/// Bits as the source writes them; `None` where that would name more bits than a literal may.
pub fn show_bits(bits: &BigInt) -> Option<String> {
    let all = bits.sign() == Sign::Minus;
    let (word, base) = if all { ("clear", "Bits.all") } else { ("set", "Bits.none") };
    // Of infinitely many bits those are written that are not set.
    let written = if all { -bits - 1 } else { bits.clone() };
    if written.bits() > u64::from(BIT_MAX) + 1 {
        return None;
    }
    let places: Vec<_> = (0..written.bits()).filter(|place| written.bit(*place)).collect();
    let open = format!("Bits.{word}(").repeat(places.len());
    let close: Vec<_> = places.iter().map(|place| format!(", {place})")).collect();
    Some(format!("{open}{base}{}", close.concat()))
}
