//! Values: laws, and depths that no stack survives.

use std::thread;

use banyan_fate::{
    Value,
    value::{
        Kind, List, Map, Shared, Variant,
        decode::{BadValue, Door, decode},
    },
};
use num_bigint::BigInt;
use proptest::prelude::*;

/// Any value that has an encoding.
pub fn any_value() -> impl Strategy<Value = Value> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..80);
    let big = (any::<bool>(), bytes()).prop_map(|(negative, bytes)| {
        let n = BigInt::from_bytes_be(num_bigint::Sign::Plus, &bytes);
        if negative { -n } else { n }
    });
    let kind = prop_oneof![Just(Kind::Address), Just(Kind::Contract), Just(Kind::Channel), Just(Kind::Oracle)];
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::Int),
        big.clone().prop_map(Value::int),
        big.prop_map(Value::bits),
        any::<bool>().prop_map(Value::Bool),
        bytes().prop_map(Value::string),
        bytes().prop_map(Value::bytes),
        (kind, any::<[u8; 32]>()).prop_map(|(kind, id)| Value::Object(kind, Shared::new(id.to_vec()))),
        Just(Value::Unit),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        let many = || proptest::collection::vec(inner.clone(), 0..20);
        let key = any::<i64>().prop_map(Value::Int);
        prop_oneof![
            many().prop_map(Value::tuple),
            many().prop_map(Value::list),
            proptest::collection::vec((key, inner.clone()), 0..20)
                .prop_map(|pairs| Value::Map(pairs.into_iter().collect())),
            (0..3_u8, inner.clone()).prop_map(|(tag, value)| {
                Value::Variant(Variant::of(vec![1, 1, 1], tag, vec![value]).expect("one value each"))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn decoding_what_was_encoded_gives_the_same(value in any_value()) {
        let bytes = value.encode();
        let read = decode(&bytes, Door::Any).expect("what was encoded");
        prop_assert_eq!(&read, &value);
        prop_assert_eq!(read.measure(), value.measure());
        prop_assert_eq!(read.encode(), bytes);
    }

    #[test]
    fn the_order_is_total(a in any_value(), b in any_value(), c in any_value()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a == b, a.encode() == b.encode());
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
    }

    #[test]
    fn maps_agree_with_a_model(changes in proptest::collection::vec((any::<bool>(), 0..60_i64, any::<i64>()), 0..300)) {
        let mut model = std::collections::BTreeMap::new();
        let mut map = Map::EMPTY;
        let mut kept = Vec::new();
        for (insert, key, value) in changes {
            if insert {
                model.insert(key, value);
                map = map.insert(Value::Int(key), Value::Int(value));
            } else {
                model.remove(&key);
                map = map.remove(&Value::Int(key));
            }
            // Whoever holds an old version keeps it.
            kept.push((map.clone(), model.clone()));
        }
        for (map, model) in kept {
            let pairs: Vec<_> = map.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            let expected: Vec<_> = model.iter().map(|(key, value)| (Value::Int(*key), Value::Int(*value))).collect();
            prop_assert_eq!(map.len(), model.len());
            prop_assert_eq!(&pairs, &expected);
            prop_assert_eq!(Value::Map(map).measure(), Value::Map(pairs.into_iter().collect()).measure());
        }
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for door in [Door::Any, Door::Store, Door::Outside] {
            if let Ok(value) = decode(&bytes, door) {
                prop_assert_eq!(value.encode(), bytes.clone());
                let _ = (value.show(), value.measure());
            }
        }
    }
}

/// On a stack that a recursion over these values would break.
fn on_a_small_stack(work: fn()) {
    thread::Builder::new().stack_size(128 * 1024).spawn(work).expect("a thread").join().expect("no overflow");
}

#[test]
fn deep_values_do_not_overflow_the_stack() {
    const DEEP: usize = 1_000_000;
    on_a_small_stack(|| {
        let list = Value::list((0..1_000_000).map(Value::Int).collect());
        let same = Value::list((0..1_000_000).map(Value::Int).collect());
        assert!(list == same);
        assert_eq!(decode(&list.encode(), Door::Any), Ok(list));
        drop(same);
    });
    on_a_small_stack(|| {
        let wrap: [fn(Value) -> Value; 5] = [
            |value| Value::tuple(vec![value]),
            |value| Value::list(vec![value]),
            Value::some,
            |value| Value::Map(Map::EMPTY.insert(Value::Int(0), value)),
            |value| Value::List(List::EMPTY.prepend(value)),
        ];
        for wrap in wrap {
            let deep = || (0..DEEP).fold(Value::Int(1), |value, _| wrap(value));
            let (a, b) = (deep(), deep());
            assert!(a == b);
            assert_eq!(a.encode(), b.encode());
            assert_eq!(decode(&a.encode(), Door::Any), Err(BadValue::TooDeep));
        }
    });
    on_a_small_stack(|| {
        let nested = (0..256).fold(Value::Int(1), |value, _| Value::tuple(vec![value]));
        assert_eq!(decode(&nested.encode(), Door::Any), Ok(nested.clone()));
        assert_eq!(decode(&Value::list(vec![nested]).encode(), Door::Any), Err(BadValue::TooDeep));
    });
}

#[test]
fn sizes_that_bytes_do_not_back_are_refused_before_anything_is_set_aside() {
    for bytes in [
        &[0x1f, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00][..],
        &[0x2f, 0x84, 0xff, 0xff, 0xff, 0xff],
        &[0x01, 0x6f, 0x84, 0xff, 0xff, 0xff, 0xff],
    ] {
        assert!(decode(bytes, Door::Any).is_err(), "{bytes:02x?}");
    }
}
