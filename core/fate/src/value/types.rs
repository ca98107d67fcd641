//! Types: what a signature says, what a value shows, how the two agree.
//!
//! Types are no deeper than [`VALUE_DEPTH_MAX`], whether read or inferred, so that functions over them may recurse.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::{Children, Kind, Shared, Value, decode, decode::BadValue, decode::Door, encode};
use crate::limits::VALUE_DEPTH_MAX;

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// An integer.
    Integer,
    /// Yes or no.
    Boolean,
    /// A string.
    String,
    /// A set of bits.
    Bits,
    /// An account.
    Address,
    /// A contract.
    Contract,
    /// An oracle.
    Oracle,
    /// A question to an oracle.
    OracleQuery,
    /// A channel.
    Channel,
    /// Byte code.
    Code,
    /// Bytes: so many, or any number.
    Bytes(Option<u32>),
    /// A list.
    List(Shared<Type>),
    /// A map from keys to values.
    Map(Shared<Type>, Shared<Type>),
    /// A tuple.
    Tuple(Vec<Type>),
    /// The constructors, each a tuple of its values.
    Variant(Vec<Type>),
    /// A variable of the signature.
    Variable(u8),
    /// Any value.
    Any,
    /// Of a constructor that was not seen: how many values it has. Inferred only, never written.
    Arity(u8),
}

impl Type {
    /// For people: as disassembled code shows it.
    pub fn show(&self) -> String {
        super::show::of_type(self)
    }
}

/// Append the encoding of a type.
pub fn put(of: &Type, out: &mut Vec<u8>) {
    match of {
        Type::Integer => out.push(0x07),
        Type::Boolean => out.push(0x17),
        Type::List(item) => {
            out.push(0x27);
            put(item, out);
        }
        Type::Tuple(items) => put_types(0x37, items, out),
        Type::Address => out.extend_from_slice(&[0x47, 0]),
        // Kind 1 was a hash once and is not used.
        Type::Contract => out.extend_from_slice(&[0x47, 2]),
        Type::Oracle => out.extend_from_slice(&[0x47, 3]),
        Type::OracleQuery => out.extend_from_slice(&[0x47, 4]),
        Type::Channel => out.extend_from_slice(&[0x47, 5]),
        Type::Bits => out.push(0x57),
        Type::Map(key, value) => {
            out.push(0x67);
            put(key, out);
            put(value, out);
        }
        Type::String => out.push(0x77),
        Type::Variant(items) => put_types(0x87, items, out),
        Type::Bytes(size) => {
            out.push(0x97);
            encode::put_int(size.map_or(-1, i64::from), out);
        }
        Type::Code => out.push(0xa7),
        Type::Variable(id) => out.extend_from_slice(&[0xe7, *id]),
        Type::Any | Type::Arity(_) => out.push(0xf7),
    }
}

fn put_types(tag: u8, items: &[Type], out: &mut Vec<u8>) {
    out.push(tag);
    out.push(u8::try_from(items.len()).unwrap_or(u8::MAX));
    for item in items {
        put(item, out);
    }
}

/// Take one type.
pub fn take(from: &mut &[u8]) -> Result<Type, BadValue> {
    take_at(from, VALUE_DEPTH_MAX)
}

fn take_byte(from: &mut &[u8]) -> Result<u8, BadValue> {
    let (byte, rest) = from.split_first().ok_or(BadValue::Short)?;
    *from = rest;
    Ok(*byte)
}

fn take_at(from: &mut &[u8], depth: u32) -> Result<Type, BadValue> {
    let deeper = depth.checked_sub(1).ok_or(BadValue::TooDeep)?;
    Ok(match take_byte(from)? {
        0x07 => Type::Integer,
        0x17 => Type::Boolean,
        0x27 => Type::List(Shared::new(take_at(from, deeper)?)),
        0x37 => Type::Tuple(take_types(from, deeper)?),
        0x47 => match take_byte(from)? {
            0 => Type::Address,
            2 => Type::Contract,
            3 => Type::Oracle,
            4 => Type::OracleQuery,
            5 => Type::Channel,
            _ => return Err(BadValue::Form("a type of an unknown kind of object")),
        },
        0x57 => Type::Bits,
        0x67 => {
            let key = Shared::new(take_at(from, deeper)?);
            Type::Map(key, Shared::new(take_at(from, deeper)?))
        }
        0x77 => Type::String,
        0x87 => {
            let items = take_types(from, deeper)?;
            if !items.iter().all(|item| matches!(item, Type::Tuple(_))) {
                return Err(BadValue::Form("a constructor that is no tuple"));
            }
            Type::Variant(items)
        }
        0x97 => Type::Bytes(take_size(from)?),
        0xa7 => Type::Code,
        0xe7 => Type::Variable(take_byte(from)?),
        0xf7 => Type::Any,
        _ => return Err(BadValue::Form("an unknown type")),
    })
}

fn take_types(from: &mut &[u8], depth: u32) -> Result<Vec<Type>, BadValue> {
    let count = take_byte(from)?;
    (0..count).map(|_| take_at(from, depth)).collect()
}

fn take_size(from: &mut &[u8]) -> Result<Option<u32>, BadValue> {
    match decode::take(from, Door::Outside)? {
        Value::Int(-1) => Ok(None),
        Value::Int(size) => u32::try_from(size).map(Some).map_err(|_| BadValue::TooLarge),
        _ => Err(BadValue::Form("a size that is no integer")),
    }
}

/// What the variables of a signature stand for.
pub type Bindings = BTreeMap<u8, Type>;

/// Whether a value is of a type, and what the type's variables stand for then.
pub fn check(of: &Type, value: &Value) -> Option<Bindings> {
    let mut bindings = Bindings::new();
    matches(of, &infer(value)?, &mut bindings).then_some(bindings)
}

/// Whether values are of these types in order; variables mean the same in all of them.
pub fn check_all(types: &[Type], values: &[Value]) -> Option<Bindings> {
    let mut bindings = Bindings::new();
    let mut pairs = types.iter().zip(values);
    let agree = types.len() == values.len()
        && pairs.all(|(of, value)| infer(value).is_some_and(|got| matches(of, &got, &mut bindings)));
    agree.then_some(bindings)
}

/// Whether what a callee's signature says agrees with what the caller expects; binds the caller's variables.
pub fn agree(expected: &[Type], got: &[Type]) -> Option<Bindings> {
    let mut bindings = Bindings::new();
    let mut pairs = expected.iter().zip(got);
    let agree = expected.len() == got.len() && pairs.all(|(of, got)| matches(of, got, &mut bindings));
    agree.then_some(bindings)
}

/// Add bindings; `None` if one variable would have to stand for two types.
pub fn merge(into: &Bindings, more: Bindings) -> Option<Bindings> {
    let mut all = into.clone();
    more.into_iter().all(|(id, of)| bind(id, of, &mut all)).then_some(all)
}

fn bind(id: u8, of: Type, bindings: &mut Bindings) -> bool {
    let bound = match bindings.remove(&id) {
        None => Some(of),
        Some(known) => unify(known, of),
    };
    match bound {
        Some(of) => {
            bindings.insert(id, of);
            true
        }
        None => false,
    }
}

/// Put what the variables stand for in their place; unknown ones become `any`.
pub fn instantiate(of: &Type, bindings: &Bindings) -> Type {
    let all = |items: &[Type]| items.iter().map(|item| instantiate(item, bindings)).collect();
    match of {
        Type::Variable(id) => bindings.get(id).cloned().unwrap_or(Type::Any),
        Type::List(item) => Type::List(Shared::new(instantiate(item, bindings))),
        Type::Map(key, value) => {
            Type::Map(Shared::new(instantiate(key, bindings)), Shared::new(instantiate(value, bindings)))
        }
        Type::Tuple(items) => Type::Tuple(all(items)),
        Type::Variant(items) => Type::Variant(all(items)),
        other => other.clone(),
    }
}

/// Whether something of type `got` may stand where `of` is asked for. `got` may leave constructors open.
fn matches(of: &Type, got: &Type, bindings: &mut Bindings) -> bool {
    match (of, got) {
        (of, got) if of == got => true,
        (Type::Any, _) | (_, Type::Any) | (Type::Bytes(None), Type::Bytes(_)) => true,
        (Type::Variable(id), got) => bind(*id, got.clone(), bindings),
        (Type::List(of), Type::List(got)) => matches(of, got, bindings),
        (Type::Map(key, value), Type::Map(got_key, got_value)) => {
            matches(key, got_key, bindings) && matches(value, got_value, bindings)
        }
        (Type::Tuple(of), Type::Tuple(got)) | (Type::Variant(of), Type::Variant(got)) => {
            of.len() == got.len() && of.iter().zip(got).all(|(of, got)| matches(of, got, bindings))
        }
        (Type::Tuple(of), Type::Arity(got)) => of.len() == usize::from(*got),
        _ => false,
    }
}

/// The one type that fits both; `None` if there is none.
fn unify(a: Type, b: Type) -> Option<Type> {
    Some(match (a, b) {
        (a, b) if a == b => a,
        (Type::Any, other) | (other, Type::Any) => other,
        (Type::Bytes(_), Type::Bytes(_)) => Type::Bytes(None),
        (Type::List(a), Type::List(b)) => Type::List(unify_shared(&a, &b)?),
        (Type::Map(key, value), Type::Map(other_key, other_value)) => {
            Type::Map(unify_shared(&key, &other_key)?, unify_shared(&value, &other_value)?)
        }
        (Type::Tuple(a), Type::Tuple(b)) => Type::Tuple(unify_all(a, b)?),
        (Type::Variant(a), Type::Variant(b)) => Type::Variant(unify_all(a, b)?),
        (Type::Arity(arity), Type::Tuple(items)) | (Type::Tuple(items), Type::Arity(arity))
            if items.len() == usize::from(arity) =>
        {
            Type::Tuple(items)
        }
        _ => return None,
    })
}

fn unify_shared(a: &Shared<Type>, b: &Shared<Type>) -> Option<Shared<Type>> {
    unify((**a).clone(), (**b).clone()).map(Shared::new)
}

fn unify_all(a: Vec<Type>, b: Vec<Type>) -> Option<Vec<Type>> {
    if a.len() != b.len() {
        return None;
    }
    a.into_iter().zip(b).map(|(a, b)| unify(a, b)).collect()
}

/// A compound whose type is being inferred: what was seen of the values inside.
enum Seen<'a> {
    Tuple(Vec<Type>),
    Variant(&'a super::Variant, Vec<Type>),
    List(Type),
    /// Keys and values take turns; whether a value is next.
    Map(Type, Type, bool),
}

impl Seen<'_> {
    fn take(&mut self, of: Type) -> Option<()> {
        match self {
            Self::Tuple(items) | Self::Variant(_, items) => items.push(of),
            Self::List(item) => *item = unify(core::mem::replace(item, Type::Any), of)?,
            Self::Map(key, value, value_next) => {
                let side = if *value_next { value } else { key };
                *side = unify(core::mem::replace(side, Type::Any), of)?;
                *value_next = !*value_next;
            }
        }
        Some(())
    }

    fn close(self) -> Type {
        match self {
            Self::Tuple(items) => Type::Tuple(items),
            Self::List(item) => Type::List(Shared::new(item)),
            Self::Map(key, value, _) => Type::Map(Shared::new(key), Shared::new(value)),
            Self::Variant(variant, items) => {
                let mut all: Vec<_> = variant.arities().iter().map(|arity| Type::Arity(*arity)).collect();
                if let Some(own) = all.get_mut(usize::from(variant.tag())) {
                    *own = Type::Tuple(items);
                }
                Type::Variant(all)
            }
        }
    }
}

/// The type that a value shows. `None` if lists or maps mix types, or if it is nothing that a signature can name.
pub fn infer(value: &Value) -> Option<Type> {
    if value.measure().depth > VALUE_DEPTH_MAX {
        return None;
    }
    let mut open: Vec<(Seen<'_>, Children<'_>)> = Vec::new();
    let mut next = Some(value);
    loop {
        let mut done = None;
        if let Some(value) = next.take() {
            match compound(value) {
                Some(seen) => open.push(seen),
                None => done = Some(leaf(value)?),
            }
        }
        loop {
            match (done.take(), open.last_mut()) {
                (Some(of), None) => return Some(of),
                (Some(of), Some((seen, _))) => seen.take(of)?,
                (None, None) => return None,
                (None, Some((_, children))) => {
                    next = children.next();
                    if next.is_some() {
                        break;
                    }
                    done = open.pop().map(|(seen, _)| seen.close());
                }
            }
        }
    }
}

fn compound(value: &Value) -> Option<(Seen<'_>, Children<'_>)> {
    let seen = match value {
        Value::Tuple(_) => Seen::Tuple(Vec::new()),
        Value::Variant(variant) => Seen::Variant(variant, Vec::new()),
        Value::List(_) => Seen::List(Type::Any),
        Value::Map(_) => Seen::Map(Type::Any, Type::Any, false),
        _ => return None,
    };
    Some((seen, value.children()?))
}

fn leaf(value: &Value) -> Option<Type> {
    Some(match value {
        Value::Int(_) | Value::Big(_) => Type::Integer,
        Value::Bool(_) => Type::Boolean,
        Value::Bits(_) => Type::Bits,
        Value::String(_) => Type::String,
        Value::Bytes(bytes) => Type::Bytes(Some(u32::try_from(bytes.len()).ok()?)),
        Value::Object(Kind::Address, _) => Type::Address,
        Value::Object(Kind::Contract, _) => Type::Contract,
        Value::Object(Kind::Oracle, _) => Type::Oracle,
        Value::Object(Kind::OracleQuery, _) => Type::OracleQuery,
        Value::Unit => Type::Tuple(Vec::new()),
        // Unfolded before it crosses a border, so that this is a call within the contract.
        Value::StoreMap(_) => Type::Map(Shared::new(Type::Any), Shared::new(Type::Any)),
        _ => return None,
    })
}
