//! The values directly inside a value, in the order of its encoding.

use core::slice;

use super::{Value, list, map};

/// The values directly inside a value. Of a map: key, value, key, value.
#[derive(Clone)]
pub enum Children<'a> {
    /// Of a tuple or variant.
    Items(slice::Iter<'a, Value>),
    /// Of a list.
    List(list::Iter<'a>),
    /// Of a map, or the changes of a map in the store, and the value whose key was given last.
    Map(map::Iter<'a>, Option<&'a Value>),
}

impl<'a> Iterator for Children<'a> {
    type Item = &'a Value;

    fn next(&mut self) -> Option<&'a Value> {
        match self {
            Self::Items(items) => items.next(),
            Self::List(items) => items.next(),
            Self::Map(pairs, pending) => pending.take().or_else(|| {
                let (key, value) = pairs.next()?;
                *pending = Some(value);
                Some(key)
            }),
        }
    }
}

impl Value {
    /// The values directly inside; `None` if this is a leaf.
    pub fn children(&self) -> Option<Children<'_>> {
        match self {
            Self::Tuple(tuple) => Some(Children::Items(tuple.items().iter())),
            Self::Variant(variant) => Some(Children::Items(variant.items().iter())),
            Self::List(list) => Some(Children::List(list.iter())),
            Self::Map(map) => Some(Children::Map(map.iter(), None)),
            Self::StoreMap(map) => Some(Children::Map(map.changes().iter(), None)),
            _ => None,
        }
    }
}
