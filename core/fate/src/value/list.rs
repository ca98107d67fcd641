//! Lists: cells that share their tails.

use alloc::vec::Vec;
use core::mem;

use super::{Measure, Shared, Value, release};

struct Cell {
    head: Value,
    tail: List,
    length: usize,
    measure: Measure,
}

impl Drop for Cell {
    fn drop(&mut self) {
        let mut todo = Vec::new();
        mem::take(&mut self.tail).unlink(&mut todo);
        if self.head.is_compound() {
            todo.push(mem::replace(&mut self.head, Value::Unit));
        }
        release::all(todo);
    }
}

/// A list.
#[derive(Clone, Default)]
pub struct List(Option<Shared<Cell>>);

impl List {
    /// The list of nothing.
    pub const EMPTY: Self = Self(None);

    /// These items, in order.
    pub fn from_items(items: Vec<Value>) -> Self {
        items.into_iter().rev().fold(Self::EMPTY, Self::prepend)
    }

    /// This list with `head` before it.
    #[must_use]
    pub fn prepend(self, head: Value) -> Self {
        let length = self.len().saturating_add(1);
        let inner = head.measure();
        let measure = Measure::nodes(1).and(inner.nested()).and(self.measure());
        Self(Some(Shared::new(Cell { head, tail: self, length, measure })))
    }

    /// The first item and the rest.
    pub fn split(&self) -> Option<(&Value, &Self)> {
        self.0.as_ref().map(|cell| (&cell.head, &cell.tail))
    }

    /// How many items.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |cell| cell.length)
    }

    /// Whether there are no items.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The items, in order.
    pub const fn iter(&self) -> Iter<'_> {
        Iter(self)
    }

    /// Gas rules: a list of n items is n + 1 nodes and the items.
    pub(crate) fn measure(&self) -> Measure {
        self.0.as_ref().map_or(Measure::nodes(1), |cell| cell.measure)
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => Shared::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }

    /// Free the cells that nobody else holds; heads that hold others go to `todo`.
    pub(super) fn unlink(mut self, todo: &mut Vec<Value>) {
        while let Some(mut cell) = self.0.take().and_then(Shared::into_inner) {
            self = mem::take(&mut cell.tail);
            if cell.head.is_compound() {
                todo.push(mem::replace(&mut cell.head, Value::Unit));
            }
        }
    }
}

impl<'a> IntoIterator for &'a List {
    type Item = &'a Value;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Items of a list, in order.
#[derive(Clone)]
pub struct Iter<'a>(&'a List);

impl<'a> Iterator for Iter<'a> {
    type Item = &'a Value;

    fn next(&mut self) -> Option<&'a Value> {
        let (head, tail) = self.0.split()?;
        self.0 = tail;
        Some(head)
    }
}
