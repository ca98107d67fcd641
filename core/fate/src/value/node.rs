//! Tuples, variants and maps of the store: a few values behind one pointer.

use alloc::vec::Vec;
use core::mem;

use super::{Blob, Map, Measure, Shared, Value, release};

/// Values side by side, with their measure. Releases them without recursion.
struct Node {
    items: Vec<Value>,
    measure: Measure,
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.items.iter().any(Value::is_compound) {
            release::all(mem::take(&mut self.items));
        }
    }
}

impl Node {
    /// Gas rules: a tuple or variant of n items is n + 2 nodes and the items.
    fn new(items: Vec<Value>) -> Self {
        let own = super::count(items.len()).saturating_add(2);
        let measure = Measure::nodes(own).and(Measure::sum(&items)).nested();
        Self { items, measure }
    }
}

/// A tuple of at least one value.
#[derive(Clone)]
pub struct Tuple(Shared<Node>);

impl Tuple {
    pub(crate) fn new(items: Vec<Value>) -> Self {
        Self(Shared::new(Node::new(items)))
    }

    /// The values, in order.
    pub fn items(&self) -> &[Value] {
        &self.0.items
    }

    pub(crate) fn measure(&self) -> Measure {
        self.0.measure
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Shared::ptr_eq(&self.0, &other.0)
    }

    /// The items, if nobody else holds them.
    pub(super) fn into_items(self) -> Option<Vec<Value>> {
        Shared::into_inner(self.0).map(|mut node| mem::take(&mut node.items))
    }
}

struct Constructed {
    arities: Blob,
    tag: u8,
    node: Node,
}

/// One constructor of a variant type with its values.
#[derive(Clone)]
pub struct Variant(Shared<Constructed>);

impl Variant {
    /// The caller has checked that `tag` is below the number of arities and that its arity is the number of items.
    pub(crate) fn new(arities: Blob, tag: u8, items: Vec<Value>) -> Self {
        Self(Shared::new(Constructed { arities, tag, node: Node::new(items) }))
    }

    /// The constructor `tag` with its values. `None` if there is no such constructor, or it has another number of values.
    pub fn of(arities: Vec<u8>, tag: u8, items: Vec<Value>) -> Option<Self> {
        let fits = arities.get(usize::from(tag)).is_some_and(|arity| usize::from(*arity) == items.len());
        fits.then(|| Self::new(Shared::new(arities), tag, items))
    }

    /// How many values each constructor has.
    pub fn arities(&self) -> &[u8] {
        &self.0.arities
    }

    pub(crate) fn shared_arities(&self) -> Blob {
        Shared::clone(&self.0.arities)
    }

    /// Which constructor this is.
    pub fn tag(&self) -> u8 {
        self.0.tag
    }

    /// Its values.
    pub fn items(&self) -> &[Value] {
        &self.0.node.items
    }

    pub(crate) fn measure(&self) -> Measure {
        self.0.node.measure
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Shared::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn into_items(self) -> Option<Vec<Value>> {
        Shared::into_inner(self.0).map(|mut constructed| mem::take(&mut constructed.node.items))
    }
}

struct Stored {
    id: u32,
    changes: Map,
}

/// A map that lies in the contract's store, with what was changed since.
#[derive(Clone)]
pub struct StoreMap(Shared<Stored>);

impl StoreMap {
    /// The map with this id, and these changes; a deleted key is [`Value::Gone`].
    pub fn new(id: u32, changes: Map) -> Self {
        Self(Shared::new(Stored { id, changes }))
    }

    /// Its number among the maps of its contract.
    pub fn id(&self) -> u32 {
        self.0.id
    }

    /// Keys that were set or deleted since it was read.
    pub fn changes(&self) -> &Map {
        &self.0.changes
    }

    /// Gas rules: one node, a stand-in for the contents that counts as unit, and the changes as a map.
    pub(crate) fn measure(&self) -> Measure {
        Measure::nodes(1).and(Measure::leaf(1)).and(self.changes().measure()).nested().with_store_map()
    }

    /// The changes, taken out if nobody else holds them.
    pub(crate) fn into_changes(self) -> Map {
        match Shared::try_unwrap(self.0) {
            Ok(stored) => stored.changes,
            Err(shared) => shared.changes.clone(),
        }
    }
}
