//! Maps of the store against maps of a model, and hosts that hide keys.

use std::collections::{BTreeMap, BTreeSet};

use banyan_fate::{
    MapFault, Value,
    engine::{Address, BadStore, Entry},
    ops::table::Op,
    value::{
        Map,
        decode::{Door, decode},
    },
};
use proptest::prelude::*;

use crate::support::{A, Function, GAS, World, function, int, message, op, store};

/// Registers 1 and 2 hold maps, 3 a map of maps, 4 a list of maps.
fn functions() -> Vec<Function> {
    let done = || op(Op::RETURNR, &[A::I(Value::Unit)]);
    let empty = |register| op(Op::STORE, &[store(register), A::I(Value::Map(Map::default()))]);
    let get = |name, register| function(name, 0, vec![op(Op::RETURNR, &[store(register)])]);
    let put = |name, register| {
        function(name, 2, vec![op(Op::MAP_UPDATE, &[store(register), store(register), A::Arg(0), A::Arg(1)]), done()])
    };
    let delete = |name, register| {
        function(name, 1, vec![op(Op::MAP_DELETE, &[store(register), store(register), A::Arg(0)]), done()])
    };
    let nest =
        |name, from| function(name, 1, vec![op(Op::MAP_UPDATE, &[store(3), store(3), A::Arg(0), store(from)]), done()]);
    let sizes = (1..=3).map(|register| op(Op::MAP_SIZE, &[A::S, store(register)]));
    let size = sizes.chain([op(Op::TUPLE, &[A::S, int(3)]), op(Op::RETURN, &[])]).collect();
    let unnest = vec![
        op(Op::MAP_LOOKUPD, &[store(1), store(3), A::Arg(0), store(1)]),
        op(Op::MAP_UPDATE, &[store(1), store(1), int(-1), A::I(Value::string("from inside"))]),
        done(),
    ];
    vec![
        function(
            "init",
            0,
            vec![empty(1), empty(2), empty(3), op(Op::STORE, &[store(4), A::I(Value::list(vec![]))]), done()],
        ),
        get("one", 1),
        get("two", 2),
        get("three", 3),
        get("four", 4),
        put("put_one", 1),
        put("put_two", 2),
        delete("delete_one", 1),
        delete("delete_two", 2),
        delete("delete_three", 3),
        function("copy", 0, vec![op(Op::STORE, &[store(2), store(1)]), done()]),
        function("clear", 0, vec![empty(1), done()]),
        nest("nest_one", 1),
        nest("nest_two", 2),
        function("unnest", 1, unnest),
        function("keep", 0, vec![op(Op::CONS, &[store(4), store(1), store(4)]), done()]),
        function("drop", 0, vec![op(Op::STORE, &[store(4), A::I(Value::list(vec![]))]), done()]),
        function("sizes", 0, size),
    ]
}

type Small = BTreeMap<i64, Vec<u8>>;

#[derive(Default, Clone)]
struct Model {
    one: Small,
    two: Small,
    three: BTreeMap<i64, Small>,
    four: Vec<Small>,
}

fn small(map: &Small) -> Value {
    Value::Map(map.iter().map(|(key, value)| (Value::Int(*key), Value::string(value.as_slice()))).collect())
}

#[derive(Debug, Clone)]
enum Step {
    Put(bool, i64, usize),
    Delete(bool, i64),
    DeleteThree(i64),
    Copy,
    Clear,
    Nest(bool, i64),
    Unnest(i64),
    Keep,
    Drop,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0..12_i64;
    prop_oneof![
        6 => (any::<bool>(), key(), 0..90_usize).prop_map(|(one, key, size)| Step::Put(one, key, size)),
        2 => (any::<bool>(), key()).prop_map(|(one, key)| Step::Delete(one, key)),
        1 => (0..4_i64).prop_map(Step::DeleteThree),
        1 => Just(Step::Copy),
        1 => Just(Step::Clear),
        2 => (any::<bool>(), 0..4_i64).prop_map(|(one, key)| Step::Nest(one, key)),
        1 => (0..4_i64).prop_map(Step::Unnest),
        1 => Just(Step::Keep),
        1 => Just(Step::Drop),
    ]
}

/// Do a step in both worlds.
fn apply(world: &mut World, id: Address, model: &mut Model, step: &Step) {
    let mut run =
        |name: &str, arguments: Vec<Value>| assert_eq!(world.value(id, name, arguments), Value::Unit, "{name}");
    match step {
        Step::Put(one, key, size) => {
            let value = vec![b'v'; *size];
            let arguments = vec![Value::Int(*key), Value::string(value.as_slice())];
            run(if *one { "put_one" } else { "put_two" }, arguments);
            if *one { &mut model.one } else { &mut model.two }.insert(*key, value);
        }
        Step::Delete(one, key) => {
            run(if *one { "delete_one" } else { "delete_two" }, vec![Value::Int(*key)]);
            if *one { &mut model.one } else { &mut model.two }.remove(key);
        }
        Step::DeleteThree(key) => {
            run("delete_three", vec![Value::Int(*key)]);
            model.three.remove(key);
        }
        Step::Copy => {
            run("copy", vec![]);
            model.two = model.one.clone();
        }
        Step::Clear => {
            run("clear", vec![]);
            model.one.clear();
        }
        Step::Nest(one, key) => {
            run(if *one { "nest_one" } else { "nest_two" }, vec![Value::Int(*key)]);
            let map = if *one { &model.one } else { &model.two }.clone();
            model.three.insert(*key, map);
        }
        Step::Unnest(key) => {
            run("unnest", vec![Value::Int(*key)]);
            model.one = model.three.get(key).unwrap_or(&model.one).clone();
            model.one.insert(-1, b"from inside".to_vec());
        }
        Step::Keep => {
            run("keep", vec![]);
            model.four.insert(0, model.one.clone());
        }
        Step::Drop => {
            run("drop", vec![]);
            model.four.clear();
        }
    }
}

/// Count again what register 0 says: keys of each map, and who mentions it. Nothing else may lie around.
fn recount(entries: &BTreeMap<Vec<u8>, Vec<u8>>) {
    let read = |bytes: &[u8]| decode(bytes, Door::Store).expect("a value");
    let Value::Map(meta) = read(&entries[&vec![0, 0]]) else { panic!("register 0 is no map") };
    let mut mentions: BTreeMap<u32, i64> = BTreeMap::new();
    let mut keys: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    for (key, value) in entries {
        match key[0] {
            0 if key[1..] == [0] => {}
            1 if key.len() == 5 => assert_eq!(value, &[0], "a marker"),
            _ => {
                let mut todo = vec![read(value)];
                while let Some(value) = todo.pop() {
                    if let Value::StoreMap(map) = &value {
                        *mentions.entry(map.id()).or_default() += 1;
                    }
                    todo.extend(value.children().into_iter().flatten().cloned());
                }
                if key[0] == 1 {
                    *keys.entry(key[1..5].to_vec()).or_default() += 1;
                }
            }
        }
    }
    let mut raws = BTreeSet::new();
    for (id, row) in &meta {
        let [Value::Int(raw), Value::Int(references), Value::Int(size)] = row.as_tuple().unwrap() else {
            panic!("{row:?}")
        };
        let Value::Int(id) = id else { panic!("{id:?}") };
        let raw = u32::try_from(*raw).unwrap().to_be_bytes().to_vec();
        assert_eq!(mentions.get(&u32::try_from(*id).unwrap()).copied().unwrap_or(0), *references, "references of {id}");
        assert_eq!(keys.get(&raw).copied().unwrap_or(0), u64::try_from(*size).unwrap(), "size of {id}");
        assert!(entries.contains_key(&[vec![1], raw.clone()].concat()), "the marker of {id}");
        raws.insert(raw);
    }
    assert!(keys.keys().all(|raw| raws.contains(raw)), "entries of no map");
    assert_eq!(mentions.len(), meta.len(), "maps that nobody knows");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn store_maps_agree_with_a_model_map(steps in proptest::collection::vec(step(), 1..40)) {
        let (mut world, id) = World::with(&functions());
        world.call_with(id, "init", vec![], GAS, Entry::Init);
        let mut model = Model::default();
        for step in &steps {
            apply(&mut world, id, &mut model, step);
            recount(&world.host.stores[&id]);
            let sizes = [model.one.len(), model.two.len(), model.three.len()];
            let sizes = sizes.map(|size| Value::Int(i64::try_from(size).unwrap()));
            prop_assert_eq!(world.value(id, "sizes", vec![]), Value::tuple(sizes.to_vec()), "after {:?}", step);
        }
        prop_assert_eq!(world.value(id, "one", vec![]), small(&model.one));
        prop_assert_eq!(world.value(id, "two", vec![]), small(&model.two));
        let three = model.three.iter().map(|(key, map)| (Value::Int(*key), small(map))).collect();
        prop_assert_eq!(world.value(id, "three", vec![]), Value::Map(three));
        prop_assert_eq!(world.value(id, "four", vec![]), Value::list(model.four.iter().map(small).collect()));
    }
}

#[test]
fn a_short_hint_is_a_fault() {
    let (mut world, id) = World::with(&functions());
    world.call_with(id, "init", vec![], GAS, Entry::Init);
    for key in 0..5 {
        world.value(id, "put_one", vec![Value::Int(key), Value::string("x".repeat(60))]);
    }
    world.host.short_hints = true;
    let call = message(id, banyan_fate::abi::function_id("one"), vec![], GAS, Entry::Call);
    let fault = MapFault(BadStore::Keys { expected: 5, got: 4 });
    assert_eq!(world.engine.call(&mut world.host, &call), Err(fault));
}

#[test]
fn a_store_that_no_run_wrote_is_a_fault() {
    let (mut world, id) = World::with(&functions());
    world.call_with(id, "init", vec![], GAS, Entry::Init);
    let call = message(id, banyan_fate::abi::function_id("one"), vec![], GAS, Entry::Call);
    for (key, value, why) in [
        (vec![0, 1], vec![0x80], BadStore::Value),
        (vec![0, 1], vec![0xbf, 7], BadStore::Maps),
        (vec![0, 0], vec![0x02], BadStore::Maps),
    ] {
        world.host.stores.get_mut(&id).unwrap().insert(key, value);
        assert_eq!(world.engine.call(&mut world.host, &call), Err(MapFault(why)));
        world.host.stores.get_mut(&id).unwrap().insert(vec![0, 1], vec![0xbf, 7]);
    }
}
