//! Copy a value with parts of it replaced, without recursion.

use alloc::{vec, vec::Vec};

use crate::{
    Value,
    value::{Blob, List, Map, Variant},
};

/// A compound while its parts are made.
pub(super) enum Shape {
    Tuple,
    Variant(Blob, u8),
    List,
    Map,
    /// A map of the store with changes, and the id that it gets.
    Changes {
        base: u32,
        id: u32,
    },
}

/// What to do with a value.
pub(super) enum Plan {
    /// Leave it as it is.
    Keep,
    /// Make it again of these parts; keys and values of a map take turns.
    Open(Shape, Vec<Value>),
}

/// Decides what is replaced.
pub(super) trait Rebuild {
    type Error;
    /// Look at a value before its parts.
    fn plan(&mut self, value: &Value) -> Result<Plan, Self::Error>;
    /// Make a value of its parts.
    fn close(&mut self, shape: Shape, parts: Vec<Value>) -> Result<Value, Self::Error>;
}

struct Open {
    shape: Shape,
    todo: vec::IntoIter<Value>,
    done: Vec<Value>,
}

/// The value with all parts replaced that `rebuild` replaces.
pub(super) fn rebuild<R: Rebuild>(value: Value, by: &mut R) -> Result<Value, R::Error> {
    let mut open: Vec<Open> = Vec::new();
    let mut next = value;
    loop {
        let mut done = match by.plan(&next)? {
            Plan::Keep => Some(next),
            Plan::Open(shape, parts) => {
                open.push(Open { shape, done: Vec::with_capacity(parts.len()), todo: parts.into_iter() });
                None
            }
        };
        next = loop {
            let Some(top) = open.last_mut() else {
                return Ok(done.unwrap_or(Value::Unit));
            };
            top.done.extend(done.take());
            if let Some(part) = top.todo.next() {
                break part;
            }
            if let Some(full) = open.pop() {
                done = Some(by.close(full.shape, full.done)?);
            }
        };
    }
}

/// The shape and parts of a compound that is in memory.
pub(super) fn take_apart(value: &Value) -> Plan {
    let shape = match value {
        Value::Tuple(_) => Shape::Tuple,
        Value::Variant(variant) => Shape::Variant(variant.shared_arities(), variant.tag()),
        Value::List(_) => Shape::List,
        Value::Map(_) => Shape::Map,
        _ => return Plan::Keep,
    };
    Plan::Open(shape, value.children().into_iter().flatten().cloned().collect())
}

/// Pairs of what took turns.
pub(super) fn pairs(parts: Vec<Value>) -> Map {
    let mut sorted = Vec::with_capacity(parts.len() / 2);
    let mut parts = parts.into_iter();
    // Keys are never rebuilt, so that they stand in order as before.
    while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
        sorted.push((key, value));
    }
    Map::from_sorted(sorted)
}

/// A compound in memory of its parts.
pub(super) fn put_together(shape: Shape, parts: Vec<Value>) -> Value {
    match shape {
        Shape::Tuple => Value::tuple(parts),
        Shape::Variant(arities, tag) => Value::Variant(Variant::new(arities, tag, parts)),
        Shape::List => Value::List(List::from_items(parts)),
        Shape::Map | Shape::Changes { .. } => Value::Map(pairs(parts)),
    }
}
