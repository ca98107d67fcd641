//! Bring maps of the store into memory, where a value crosses a border, is compared or hashed.

use alloc::{
    collections::{BTreeMap, btree_map::Entry},
    vec::Vec,
};

use super::{
    Stores,
    rebuild::{Plan, Rebuild, Shape, put_together, rebuild, take_apart},
};
use crate::{
    Value,
    engine::{Host, Reason, Step, Trap},
    gas::{Meter, Model},
    value::{Map, Measure},
};

/// Pay for the walk, then replace every map of the store by what it holds.
pub(crate) fn unfold<H: Host>(
    host: &mut H,
    stores: &mut Stores,
    at: usize,
    meter: &mut Meter,
    model: Model,
    value: Value,
) -> Step<Value, H> {
    let contents = walk(host, stores, at, meter, model, &value)?;
    rebuild(value, &mut Unfold(&contents)).map_err(Trap::Failed)
}

/// Contents of maps by their ids.
type Contents = BTreeMap<u32, Map>;

/// Pay for a walk over a value and all that its maps hold. Each map is fetched once but paid for wherever it is met.
fn walk<H: Host>(
    host: &mut H,
    stores: &mut Stores,
    at: usize,
    meter: &mut Meter,
    model: Model,
    value: &Value,
) -> Step<Contents, H> {
    let mut contents = Contents::new();
    let mut total = value.measure();
    let mut entries: u64 = 0;
    let mut todo = Vec::from([value.clone()]);
    while let Some(value) = todo.pop() {
        if let Value::StoreMap(map) = &value {
            entries = entries.saturating_add(stores.size(host, at, map.id()).map_err(Trap::Fault)?);
            afford(meter, model, total, entries)?;
            let inside = match contents.entry(map.id()) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(place) => {
                    let pairs = stores.entries(host, at, map.id()).map_err(Trap::Fault)?;
                    place.insert(pairs.into_iter().collect()).clone()
                }
            };
            let inside = Value::Map(inside);
            // The contents take the place of what stood in for them: one leaf of one byte.
            total = total.and(inside.measure());
            total.nodes = total.nodes.saturating_sub(1);
            total.bytes = total.bytes.saturating_sub(1);
            todo.push(inside);
            afford(meter, model, total, entries)?;
        }
        let inside = value.children().into_iter().flatten();
        todo.extend(inside.filter(|value| value.measure().has_store_map()).cloned());
    }
    meter.spend(model.price(total, entries))?;
    Ok(contents)
}

fn afford(meter: &Meter, model: Model, measure: Measure, entries: u64) -> Result<(), Reason> {
    if model.price(measure, entries) > meter.gas { Err(Reason::OutOfGas) } else { Ok(()) }
}

struct Unfold<'a>(&'a Contents);

impl Rebuild for Unfold<'_> {
    type Error = Reason;

    fn plan(&mut self, value: &Value) -> Result<Plan, Reason> {
        if !value.measure().has_store_map() {
            return Ok(Plan::Keep);
        }
        let Value::StoreMap(map) = value else { return Ok(take_apart(value)) };
        let stored = self.0.get(&map.id()).ok_or(Reason::Malformed)?;
        let merged = map.changes().iter().fold(stored.clone(), |merged, (key, value)| match value {
            Value::Gone => merged.remove(key),
            value => merged.insert(key.clone(), value.clone()),
        });
        Ok(Plan::Open(Shape::Map, merged.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).collect()))
    }

    fn close(&mut self, shape: Shape, parts: Vec<Value>) -> Result<Value, Reason> {
        Ok(put_together(shape, parts))
    }
}
