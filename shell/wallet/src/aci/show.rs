//! Write values of the machine as the source does, by their types.

use std::fmt::Write as _;

use banyan_fate::{Value, value::Kind};
use banyan_types::{AccountId, ContractId};

use super::{Constructor, Type, literal::show_bits, types::OPTION};

/// A value as a literal of its type. `None` if it is not of that type: whoever made it may have lied about either.
pub fn show(value: &Value, of: &Type) -> Option<String> {
    match (of, value) {
        (Type::Int, value) => value.as_int().map(|int| int.to_string()),
        (Type::Bool, Value::Bool(flag)) => Some(flag.to_string()),
        (Type::String, Value::String(bytes)) => Some(quoted(bytes)),
        (Type::Char, value) => {
            let number = u32::try_from(value.as_int()?).ok()?;
            let mut buffer = [0; 4];
            let char = char::from_u32(number)?.encode_utf8(&mut buffer);
            Some(format!("'{}'", escaped(char.as_bytes(), '\'')))
        }
        (Type::Bits, Value::Bits(bits)) => show_bits(bits),
        (Type::Bytes(size), Value::Bytes(bytes)) => {
            let digits = format!("#{}", hex::encode(bytes.as_slice()));
            match size {
                None => Some(format!("Bytes.to_any_size({digits})")),
                Some(size) => (usize::try_from(*size) == Ok(bytes.len())).then_some(digits),
            }
        }
        (Type::Address, value) => value.as_object(Kind::Address).map(|id| AccountId(id).to_string()),
        (Type::Contract, value) => value.as_object(Kind::Contract).map(|id| ContractId(id).to_string()),
        (Type::List(of), Value::List(list)) => {
            let items = list.iter().map(|item| show(item, of)).collect::<Option<Vec<_>>>()?;
            Some(format!("[{}]", items.join(", ")))
        }
        (Type::Map(key_type, value_type), Value::Map(map)) => {
            let pair = |(key, value)| Some(format!("[{}] = {}", show(key, key_type)?, show(value, value_type)?));
            Some(format!("{{{}}}", map.iter().map(pair).collect::<Option<Vec<_>>>()?.join(", ")))
        }
        (Type::Tuple(of), value) => tuple(value.as_tuple()?, of),
        (Type::Record(fields), value) => record(value, fields),
        (Type::Option(some), value) => {
            let [none, one] = OPTION.map(str::to_owned);
            let one = Constructor { name: one, arguments: vec![(**some).clone()] };
            variant(value, &[Constructor { name: none, arguments: vec![] }, one])
        }
        (Type::Variant(constructors), value) => variant(value, constructors),
        (Type::Opaque(_), value) => Some(value.show()),
        _ => None,
    }
}

fn tuple(values: &[Value], of: &[Type]) -> Option<String> {
    if values.len() != of.len() {
        return None;
    }
    let items = values.iter().zip(of).map(|(value, of)| show(value, of)).collect::<Option<Vec<_>>>()?;
    Some(format!("({})", items.join(", ")))
}

fn record(value: &Value, fields: &[(String, Type)]) -> Option<String> {
    let only = [value.clone()];
    let values = if fields.len() == 1 { &only } else { value.as_tuple()? };
    if values.len() != fields.len() {
        return None;
    }
    let field = |(value, (name, of)): (&Value, &(String, Type))| Some(format!("{name} = {}", show(value, of)?));
    let fields = values.iter().zip(fields).map(field).collect::<Option<Vec<_>>>()?;
    Some(format!("{{{}}}", fields.join(", ")))
}

fn variant(value: &Value, constructors: &[Constructor]) -> Option<String> {
    let Value::Variant(variant) = value else { return None };
    let is_same = variant.arities().len() == constructors.len()
        && variant.arities().iter().zip(constructors).all(|(got, one)| usize::from(*got) == one.arguments.len());
    let one = constructors.get(usize::from(variant.tag())).filter(|_| is_same)?;
    if one.arguments.is_empty() {
        return Some(one.name.clone());
    }
    Some(format!("{}{}", one.name, tuple(variant.items(), &one.arguments)?))
}

/// Bytes as a literal of the source's strings.
pub fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", escaped(bytes, '"'))
}

/// Text that somebody else wrote, on one line and without what draws on a screen.
pub fn tame(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().map(|char| if is_harmful(char) { char::REPLACEMENT_CHARACTER } else { char }).collect()
}

/// Text that reads back as the same bytes and draws nothing: what is no harmless character stands as its number.
fn escaped(bytes: &[u8], quote: char) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            // Writing to a string cannot fail.
            let _ = match char {
                '\n' => out.write_str("\\n"),
                '\t' => out.write_str("\\t"),
                '\r' => out.write_str("\\r"),
                '\\' => out.write_str("\\\\"),
                char if char == quote => write!(out, "\\{char}"),
                char if char.is_ascii_control() => write!(out, "\\x{:02x}", u32::from(char)),
                char if is_harmful(char) => write!(out, "\\x{{{:x}}}", u32::from(char)),
                char => out.write_char(char),
            };
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\{{{byte:02x}}}");
        }
    }
    out
}

/// Control characters, and those that turn the direction of writing.
fn is_harmful(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
