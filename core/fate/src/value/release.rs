//! Let go of values without recursion: a program can nest them as deep as its gas lasts.

use alloc::vec::Vec;

use super::Value;

/// Release `values` and whatever only they hold.
pub(super) fn all(values: Vec<Value>) {
    let mut todo = values;
    while let Some(value) = todo.pop() {
        match value {
            Value::Tuple(tuple) => todo.extend(tuple.into_items().into_iter().flatten()),
            Value::Variant(variant) => todo.extend(variant.into_items().into_iter().flatten()),
            Value::List(list) => list.unlink(&mut todo),
            Value::Map(map) => map.unlink(&mut todo),
            Value::StoreMap(map) => map.into_changes().unlink(&mut todo),
            _ => {}
        }
    }
}
