//! Maps: persistent trees in key order, balanced by weight (Adams; no side more than three times the other).

use alloc::vec::Vec;
use core::{cmp::Ordering, mem};

use super::{Measure, Shared, Value, release};

/// How many times heavier one side may be.
const DELTA: usize = 3;
/// When a rotation has to be a double one.
const RATIO: usize = 2;

struct Branch {
    key: Value,
    value: Value,
    left: Map,
    right: Map,
    size: usize,
    measure: Measure,
}

impl Drop for Branch {
    fn drop(&mut self) {
        let mut todo = Vec::new();
        self.release_into(&mut todo);
        mem::take(&mut self.left).unlink(&mut todo);
        mem::take(&mut self.right).unlink(&mut todo);
        release::all(todo);
    }
}

impl Branch {
    /// Count again what changed below.
    fn refresh(&mut self) {
        self.size = self.left.len().saturating_add(self.right.len()).saturating_add(1);
        let own = Measure::nodes(1).and(self.key.measure()).and(self.value.measure());
        self.measure = own.and(self.left.inside()).and(self.right.inside());
    }

    fn is_balanced(&self) -> bool {
        let (l, r) = (self.left.len(), self.right.len());
        l.saturating_add(r) <= 1 || (l <= r.saturating_mul(DELTA) && r <= l.saturating_mul(DELTA))
    }

    fn release_into(&mut self, todo: &mut Vec<Value>) {
        for value in [&mut self.key, &mut self.value] {
            if value.is_compound() {
                todo.push(mem::replace(value, Value::Unit));
            }
        }
    }
}

/// A map in memory.
#[derive(Clone, Default)]
pub struct Map(Option<Shared<Branch>>);

/// What a branch is taken apart into.
struct Parts {
    key: Value,
    value: Value,
    left: Map,
    right: Map,
}

impl Map {
    /// The map of nothing.
    pub const EMPTY: Self = Self(None);

    /// How many keys.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |branch| branch.size)
    }

    /// Whether there are no keys.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The value of a key.
    pub fn get(&self, key: &Value) -> Option<&Value> {
        let mut at = self;
        while let Some(branch) = &at.0 {
            match key.cmp(&branch.key) {
                Ordering::Less => at = &branch.left,
                Ordering::Greater => at = &branch.right,
                Ordering::Equal => return Some(&branch.value),
            }
        }
        None
    }

    /// The map with this key set. Goes down the tree, which is no deeper than its balance lets it be, and changes
    /// branches in place that nobody else holds.
    #[must_use]
    pub fn insert(mut self, key: Value, value: Value) -> Self {
        let Some(shared) = &mut self.0 else { return Self::join(key, value, Self::EMPTY, Self::EMPTY) };
        let order = key.cmp(&shared.key);
        let Some(branch) = Shared::get_mut(shared) else {
            let Some(mut parts) = self.take_apart() else { return Self::EMPTY };
            match order {
                Ordering::Less => parts.left = parts.left.insert(key, value),
                Ordering::Greater => parts.right = parts.right.insert(key, value),
                Ordering::Equal => (parts.key, parts.value) = (key, value),
            }
            return Self::balanced(parts.key, parts.value, parts.left, parts.right);
        };
        match order {
            Ordering::Less => branch.left = mem::take(&mut branch.left).insert(key, value),
            Ordering::Greater => branch.right = mem::take(&mut branch.right).insert(key, value),
            Ordering::Equal => (branch.key, branch.value) = (key, value),
        }
        branch.refresh();
        if branch.is_balanced() {
            return self;
        }
        let Some(parts) = self.take_apart() else { return Self::EMPTY };
        Self::balanced(parts.key, parts.value, parts.left, parts.right)
    }

    /// A map of pairs in key order, each key once.
    pub(crate) fn from_sorted(pairs: Vec<(Value, Value)>) -> Self {
        let count = pairs.len();
        Self::build(&mut pairs.into_iter(), count)
    }

    /// A balanced tree of the next so many pairs.
    fn build(pairs: &mut alloc::vec::IntoIter<(Value, Value)>, count: usize) -> Self {
        if count == 0 {
            return Self::EMPTY;
        }
        let before = count / 2;
        let left = Self::build(pairs, before);
        let Some((key, value)) = pairs.next() else { return left };
        let right = Self::build(pairs, count.saturating_sub(before).saturating_sub(1));
        Self::join(key, value, left, right)
    }

    /// The map without this key.
    #[must_use]
    pub fn remove(self, key: &Value) -> Self {
        if self.get(key).is_none() {
            return self;
        }
        let mut path = Vec::new();
        let mut at = self;
        let mut built = loop {
            let Some(mut parts) = at.take_apart() else { break Self::EMPTY };
            let order = key.cmp(&parts.key);
            match order {
                Ordering::Less => at = mem::take(&mut parts.left),
                Ordering::Greater => at = mem::take(&mut parts.right),
                Ordering::Equal => break Self::glue(parts.left, parts.right),
            }
            path.push((order, parts));
        };
        for (order, parts) in path.into_iter().rev() {
            built = parts.rejoin(order, built);
        }
        built
    }

    /// Keys and values, in key order.
    pub fn iter(&self) -> Iter<'_> {
        let mut iter = Iter(Vec::new());
        iter.descend(self);
        iter
    }

    /// Gas rules: a map of n keys is 1 + n nodes, the keys and the values.
    pub(crate) fn measure(&self) -> Measure {
        let inside = self.0.as_ref().map_or_else(Measure::default, |branch| branch.measure);
        Measure::nodes(1).and(inside).nested().with_map()
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => Shared::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }

    /// Free the branches that nobody else holds; values that hold others go to `todo`.
    pub(super) fn unlink(self, todo: &mut Vec<Value>) {
        let mut open = Vec::new();
        open.push(self);
        while let Some(map) = open.pop() {
            if let Some(mut branch) = map.0.and_then(Shared::into_inner) {
                branch.release_into(todo);
                open.push(mem::take(&mut branch.left));
                open.push(mem::take(&mut branch.right));
            }
        }
    }

    fn inside(&self) -> Measure {
        self.0.as_ref().map_or_else(Measure::default, |branch| branch.measure)
    }

    /// A branch, as it is.
    fn join(key: Value, value: Value, left: Self, right: Self) -> Self {
        let size = left.len().saturating_add(right.len()).saturating_add(1);
        let own = Measure::nodes(1).and(key.measure()).and(value.measure());
        let measure = own.and(left.inside()).and(right.inside());
        Self(Some(Shared::new(Branch { key, value, left, right, size, measure })))
    }

    /// A branch, after one side has grown or shrunk by one.
    fn balanced(key: Value, value: Value, left: Self, right: Self) -> Self {
        let (l, r) = (left.len(), right.len());
        if l.saturating_add(r) <= 1 {
            Self::join(key, value, left, right)
        } else if r > l.saturating_mul(DELTA) {
            Self::rotate_left(key, value, left, right)
        } else if l > r.saturating_mul(DELTA) {
            Self::rotate_right(key, value, left, right)
        } else {
            Self::join(key, value, left, right)
        }
    }

    fn rotate_left(key: Value, value: Value, left: Self, right: Self) -> Self {
        let Some(mut up) = right.take_apart() else { return Self::join(key, value, left, Self::EMPTY) };
        if up.left.len() < up.right.len().saturating_mul(RATIO) {
            return Self::join(up.key, up.value, Self::join(key, value, left, up.left), up.right);
        }
        let Some(mid) = mem::take(&mut up.left).take_apart() else {
            return Self::join(up.key, up.value, Self::join(key, value, left, Self::EMPTY), up.right);
        };
        let left = Self::join(key, value, left, mid.left);
        Self::join(mid.key, mid.value, left, Self::join(up.key, up.value, mid.right, up.right))
    }

    fn rotate_right(key: Value, value: Value, left: Self, right: Self) -> Self {
        let Some(mut up) = left.take_apart() else { return Self::join(key, value, Self::EMPTY, right) };
        if up.right.len() < up.left.len().saturating_mul(RATIO) {
            return Self::join(up.key, up.value, up.left, Self::join(key, value, up.right, right));
        }
        let Some(mid) = mem::take(&mut up.right).take_apart() else {
            return Self::join(up.key, up.value, up.left, Self::join(key, value, Self::EMPTY, right));
        };
        let right = Self::join(key, value, mid.right, right);
        Self::join(mid.key, mid.value, Self::join(up.key, up.value, up.left, mid.left), right)
    }

    /// Two sides whose branch is gone.
    fn glue(left: Self, right: Self) -> Self {
        if left.is_empty() {
            return right;
        }
        if right.is_empty() {
            return left;
        }
        if left.len() > right.len() {
            match left.split_edge(Ordering::Greater) {
                (rest, Some((key, value))) => Self::balanced(key, value, rest, right),
                (_, None) => right,
            }
        } else {
            match right.split_edge(Ordering::Less) {
                (rest, Some((key, value))) => Self::balanced(key, value, left, rest),
                (_, None) => left,
            }
        }
    }

    /// The outermost pair on one side, and the map without it.
    fn split_edge(self, side: Ordering) -> (Self, Option<(Value, Value)>) {
        let mut path = Vec::new();
        let mut at = self;
        let (mut built, edge) = loop {
            let Some(mut parts) = at.take_apart() else { break (Self::EMPTY, None) };
            let (inner, outer) = if side == Ordering::Less {
                (&mut parts.right, &mut parts.left)
            } else {
                (&mut parts.left, &mut parts.right)
            };
            if outer.is_empty() {
                let rest = mem::take(inner);
                break (rest, Some((parts.key, parts.value)));
            }
            at = mem::take(outer);
            path.push(parts);
        };
        for parts in path.into_iter().rev() {
            built = parts.rejoin(side, built);
        }
        (built, edge)
    }

    /// Own the parts of the branch: moved if nobody else holds it, shared otherwise.
    fn take_apart(self) -> Option<Parts> {
        let mut branch = match Shared::try_unwrap(self.0?) {
            Ok(branch) => branch,
            Err(shared) => {
                return Some(Parts {
                    key: shared.key.clone(),
                    value: shared.value.clone(),
                    left: shared.left.clone(),
                    right: shared.right.clone(),
                });
            }
        };
        Some(Parts {
            key: mem::replace(&mut branch.key, Value::Unit),
            value: mem::replace(&mut branch.value, Value::Unit),
            left: mem::take(&mut branch.left),
            right: mem::take(&mut branch.right),
        })
    }
}

impl Parts {
    /// Put the side back that was taken out to be changed.
    fn rejoin(self, side: Ordering, built: Map) -> Map {
        match side {
            Ordering::Less => Map::balanced(self.key, self.value, built, self.right),
            _ => Map::balanced(self.key, self.value, self.left, built),
        }
    }
}

impl core::fmt::Debug for Map {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl FromIterator<(Value, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Value, Value)>>(pairs: I) -> Self {
        let mut pairs: Vec<_> = pairs.into_iter().collect();
        // Stable, so that of several pairs with one key the last one stays the last.
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        pairs.reverse();
        pairs.dedup_by(|(a, _), (b, _)| a == b);
        pairs.reverse();
        Self::from_sorted(pairs)
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Value, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Pairs of a map, in key order. Holds the branches whose key is still to come.
#[derive(Clone)]
pub struct Iter<'a>(Vec<&'a Branch>);

impl<'a> Iter<'a> {
    fn descend(&mut self, map: &'a Map) {
        let mut at = map;
        while let Some(branch) = &at.0 {
            self.0.push(branch);
            at = &branch.left;
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Value, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        let branch = self.0.pop()?;
        self.descend(&branch.right);
        Some((&branch.key, &branch.value))
    }
}
