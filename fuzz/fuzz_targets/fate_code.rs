//! Any bytes as a value, a type, byte code and a code object: reading never panics, and what is read is written back to
//! the same bytes.
#![no_main]

use banyan_fate::{
    Engine, abi,
    code::load_byte_code,
    value::{
        decode::{Door, decode},
        types,
    },
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for door in [Door::Any, Door::Store, Door::Outside] {
        if let Ok(value) = decode(bytes, door) {
            assert_eq!(value.encode(), bytes);
            let _ = (value.show(), value.cmp(&value), types::infer(&value));
        }
    }
    let mut rest = bytes;
    if let Ok(of) = types::take(&mut rest) {
        let mut out = Vec::new();
        types::put(&of, &mut out);
        assert_eq!(out, bytes[..bytes.len() - rest.len()]);
    }
    if let Ok(loaded) = load_byte_code(bytes) {
        assert_eq!(loaded.serialize(), bytes);
        let _ = loaded.show();
    }
    let _ = Engine::load(bytes);
    if let Ok((function, arguments)) = abi::decode_call(bytes) {
        assert_eq!(abi::encode_call(function, arguments), bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = abi::parse_call(text);
    }
});
