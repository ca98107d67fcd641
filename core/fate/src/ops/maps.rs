//! Maps, in memory and in the store.

use super::{expected, operands};
use crate::{
    Value,
    code::Operand,
    engine::{Flow, Host, Reason, Run, Step, Tracer, Trap},
    gas::{Meter, Model, STORE_ENTRY},
    limits::{KEY_BYTES_FREE, KEY_NODES_FREE, VALUE_DEPTH_MAX},
    value::{Map, StoreMap, count},
};

/// A map of either form.
enum Either {
    Memory(Map),
    Store(StoreMap),
}

fn read_map<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, operand: &Operand) -> Step<Either, H> {
    match run.read(operand)? {
        Value::Map(map) => Ok(Either::Memory(map)),
        Value::StoreMap(map) => Ok(Either::Store(map)),
        _ => Err(expected("a map")),
    }
}

/// The same; out of its register, if the result goes there anyway. Then nobody else holds it and it changes in place.
fn take_map<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, operand: &Operand, in_place: bool) -> Step<Either, H> {
    let map = read_map(run, operand)?;
    if in_place {
        run.forget(operand);
    }
    Ok(map)
}

/// A key holds no map. It pays for what it holds beyond what comes with the instruction.
fn check_key<F>(meter: &mut Meter, key: &Value) -> Result<(), Trap<F>> {
    let measure = key.measure();
    if measure.has_map() || measure.depth > VALUE_DEPTH_MAX {
        return Err(Trap::Failed(Reason::BadKey));
    }
    if measure.nodes > KEY_NODES_FREE || measure.bytes > KEY_BYTES_FREE {
        meter.walk(Model::Serial, measure)?;
    }
    Ok(())
}

pub fn empty<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to] = operands(args)?;
    run.write(to, Value::Map(Map::EMPTY))?;
    run.meter.add_cells(2)?;
    Ok(Flow::Next)
}

/// What stands at a key. One entry of the store is paid for if the changes do not know it.
fn find<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, map: &Either, key: &Value) -> Step<Option<Value>, H> {
    if key.measure().has_map() {
        return Ok(None);
    }
    check_key(&mut run.meter, key)?;
    let map = match map {
        Either::Memory(map) => return Ok(map.get(key).cloned()),
        Either::Store(map) => map,
    };
    match map.changes().get(key) {
        Some(Value::Gone) => return Ok(None),
        Some(value) => return Ok(Some(value.clone())),
        None => {}
    }
    run.meter.spend(STORE_ENTRY)?;
    let (host, stores, at, _) = run.store_parts();
    stores.entry(host, at, map.id(), key).map_err(Trap::Fault)
}

pub fn lookup<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, map, key] = operands(args)?;
    let (map, key) = (read_map(run, map)?, run.read(key)?);
    let value = find(run, &map, &key)?.ok_or(Reason::MissingKey)?;
    run.give(to, value)
}

pub fn lookup_or<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, map, key, default] = operands(args)?;
    let (map, key, default) = (read_map(run, map)?, run.read(key)?, run.read(default)?);
    let value = find(run, &map, &key)?.unwrap_or(default);
    run.give(to, value)
}

pub fn member<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, map, key] = operands(args)?;
    let (map, key) = (read_map(run, map)?, run.read(key)?);
    let found = find(run, &map, &key)?.is_some();
    run.give(to, Value::Bool(found))
}

pub fn update<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, map, key, value] = operands(args)?;
    let in_place = to == map && key != map && value != map;
    let (map, key, value) = (take_map(run, map, in_place)?, run.read(key)?, run.read(value)?);
    check_key(&mut run.meter, &key)?;
    let result = match map {
        Either::Memory(map) => Value::Map(map.insert(key, value)),
        Either::Store(map) => with_change(map, key, value),
    };
    run.write(to, result)?;
    run.meter.add_cells(2)?;
    Ok(Flow::Next)
}

fn with_change(map: StoreMap, key: Value, value: Value) -> Value {
    let id = map.id();
    Value::StoreMap(StoreMap::new(id, map.into_changes().insert(key, value)))
}

pub fn delete<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, map, key] = operands(args)?;
    let in_place = to == map && key != map;
    let (map, key) = (take_map(run, map, in_place)?, run.read(key)?);
    check_key(&mut run.meter, &key)?;
    let result = match map {
        Either::Memory(map) => Value::Map(map.remove(&key)),
        Either::Store(map) => with_change(map, key, Value::Gone),
    };
    run.give(to, result)
}

/// Items that are no pairs are left out, as in the reference. Of several with one key the last one counts.
pub fn from_list<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, list] = operands(args)?;
    let Value::List(list) = run.read(list)? else { return Err(expected("a list")) };
    let mut pairs = alloc::vec::Vec::new();
    for item in &list {
        if let Some([key, value]) = item.as_tuple() {
            check_key(&mut run.meter, key)?;
            pairs.push((key.clone(), value.clone()));
        }
    }
    let map: Map = pairs.into_iter().collect();
    let size = count(map.len());
    run.write(to, Value::Map(map))?;
    run.meter.add_length(size.saturating_add(2))?;
    Ok(Flow::Next)
}

/// One entry of the store for each change: whether its key was there decides.
pub fn size<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, map] = operands(args)?;
    let map = match read_map(run, map)? {
        Either::Memory(map) => return run.give(to, length(count(map.len()))),
        Either::Store(map) => map,
    };
    run.meter.spend(STORE_ENTRY.saturating_mul(count(map.changes().len())))?;
    let (host, stores, at, _) = run.store_parts();
    let mut size = stores.size(host, at, map.id()).map_err(Trap::Fault)?;
    for (key, value) in map.changes() {
        let known = stores.entry(host, at, map.id(), key).map_err(Trap::Fault)?.is_some();
        match (known, matches!(value, Value::Gone)) {
            (true, true) => size = size.saturating_sub(1),
            (false, false) => size = size.saturating_add(1),
            _ => {}
        }
    }
    run.give(to, length(size))
}

fn length(size: u64) -> Value {
    Value::Int(i64::try_from(size).unwrap_or(i64::MAX))
}

/// Pairs in key order.
pub fn to_list<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, map] = operands(args)?;
    let map = match read_map(run, map)? {
        Either::Memory(map) => map,
        Either::Store(map) => fetch(run, &map)?,
    };
    let size = count(map.len());
    if matches!(to, Operand::Stack) {
        run.meter.add_cells(1)?;
    }
    run.meter.add_length(size.saturating_mul(2))?;
    let pair = |(key, value): (&Value, &Value)| Value::tuple(alloc::vec![key.clone(), value.clone()]);
    run.write_paid(to, Value::list(map.iter().map(pair).collect()))
}

/// All of a map of the store, paid for by its entries.
fn fetch<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, map: &StoreMap) -> Step<Map, H> {
    let (host, stores, at, meter) = run.store_parts();
    let size = stores.size(host, at, map.id()).map_err(Trap::Fault)?;
    meter.spend(STORE_ENTRY.saturating_mul(size))?;
    let all: Map = stores.entries(host, at, map.id()).map_err(Trap::Fault)?.into_iter().collect();
    Ok(map.changes().iter().fold(all, |all, (key, value)| match value {
        Value::Gone => all.remove(key),
        value => all.insert(key.clone(), value.clone()),
    }))
}
