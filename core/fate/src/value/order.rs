//! The total order of values: keys of maps, listing, comparison.

use alloc::vec::Vec;
use core::{cmp::Ordering, slice};

use num_bigint::{BigInt, Sign};

use super::{Kind, List, Shared, Value, list, map};

/// What is still to be compared, innermost last.
enum Todo<'a> {
    Items(slice::Iter<'a, Value>, slice::Iter<'a, Value>),
    Lists(list::Iter<'a>, list::Iter<'a>),
    Maps(map::Iter<'a>, map::Iter<'a>),
    Pair(&'a Value, &'a Value),
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Object(ours, a), Self::Object(theirs, b)) if ours == theirs => a.cmp(b),
            _ => compare(self, other),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

fn compare(a: &Value, b: &Value) -> Ordering {
    let mut todo = Vec::new();
    let mut order = step(a, b, &mut todo);
    while order == Ordering::Equal {
        let Some(next) = todo.pop() else { break };
        order = advance(next, &mut todo);
    }
    order
}

/// Compare the next part; what is left of `next` goes back to `todo`.
fn advance<'a>(next: Todo<'a>, todo: &mut Vec<Todo<'a>>) -> Ordering {
    match next {
        Todo::Pair(a, b) => step(a, b, todo),
        Todo::Items(mut xs, mut ys) => match (xs.next(), ys.next()) {
            (Some(x), Some(y)) => {
                todo.push(Todo::Items(xs, ys));
                step(x, y, todo)
            }
            (x, y) => x.is_some().cmp(&y.is_some()),
        },
        Todo::Lists(mut xs, mut ys) => match (xs.next(), ys.next()) {
            (Some(x), Some(y)) => {
                todo.push(Todo::Lists(xs, ys));
                step(x, y, todo)
            }
            (x, y) => x.is_some().cmp(&y.is_some()),
        },
        Todo::Maps(mut xs, mut ys) => match (xs.next(), ys.next()) {
            (Some((key, value)), Some((other_key, other_value))) => {
                todo.push(Todo::Maps(xs, ys));
                todo.push(Todo::Pair(value, other_value));
                step(key, other_key, todo)
            }
            (x, y) => x.is_some().cmp(&y.is_some()),
        },
    }
}

/// Compare two values as far as they are leaves; what is inside goes to `todo`.
fn step<'a>(a: &'a Value, b: &'a Value, todo: &mut Vec<Todo<'a>>) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Int(_) | Value::Big(_), Value::Int(_) | Value::Big(_)) => a.as_int().cmp(&b.as_int()),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Bits(a), Value::Bits(b)) => compare_bits(a, b),
        (Value::String(a), Value::String(b))
        | (Value::Bytes(a), Value::Bytes(b))
        | (Value::Code(a), Value::Code(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        (Value::Object(ours, a), Value::Object(theirs, b)) if ours == theirs => a.cmp(b),
        (Value::Tuple(a), Value::Tuple(b)) => {
            let sizes = a.items().len().cmp(&b.items().len());
            if sizes == Ordering::Equal && !a.is(b) {
                todo.push(Todo::Items(a.items().iter(), b.items().iter()));
            }
            sizes
        }
        (Value::List(a), Value::List(b)) => {
            push_lists(a, b, todo);
            Ordering::Equal
        }
        (Value::Map(a), Value::Map(b)) => {
            let sizes = a.len().cmp(&b.len());
            if sizes == Ordering::Equal && !a.is(b) {
                todo.push(Todo::Maps(a.iter(), b.iter()));
            }
            sizes
        }
        (Value::Variant(a), Value::Variant(b)) => {
            let shapes = a.arities().len().cmp(&b.arities().len());
            let order = shapes.then_with(|| a.arities().cmp(b.arities())).then_with(|| a.tag().cmp(&b.tag()));
            if order == Ordering::Equal && !a.is(b) {
                todo.push(Todo::Items(a.items().iter(), b.items().iter()));
            }
            order
        }
        (Value::StoreMap(a), Value::StoreMap(b)) => {
            todo.push(Todo::Maps(a.changes().iter(), b.changes().iter()));
            a.id().cmp(&b.id())
        }
        (Value::Type(a), Value::Type(b)) => {
            if Shared::ptr_eq(a, b) {
                Ordering::Equal
            } else {
                a.cmp(b)
            }
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

fn push_lists<'a>(a: &'a List, b: &'a List, todo: &mut Vec<Todo<'a>>) {
    if !a.is(b) {
        todo.push(Todo::Lists(a.iter(), b.iter()));
    }
}

/// Finite sets stand before infinite ones.
fn compare_bits(a: &BigInt, b: &BigInt) -> Ordering {
    let infinite = |bits: &BigInt| bits.sign() == Sign::Minus;
    infinite(a).cmp(&infinite(b)).then_with(|| a.cmp(b))
}

/// Where a kind of value stands among the others. Unit is a tuple, of size zero.
fn rank(value: &Value) -> u8 {
    match value {
        Value::Int(_) | Value::Big(_) => 0,
        Value::Bool(_) => 1,
        Value::Object(Kind::Address, _) => 2,
        Value::Object(Kind::Channel, _) => 3,
        Value::Object(Kind::Contract, _) => 4,
        Value::Object(Kind::Oracle, _) => 5,
        Value::Bytes(_) => 6,
        Value::Bits(_) => 7,
        Value::String(_) => 8,
        Value::Unit => 9,
        Value::Tuple(_) => 10,
        Value::Map(_) => 11,
        Value::StoreMap(_) => 12,
        Value::List(_) => 13,
        Value::Variant(_) => 14,
        Value::Object(Kind::OracleQuery, _) => 15,
        Value::Code(_) => 16,
        Value::Type(_) => 17,
        Value::Gone => 18,
    }
}
