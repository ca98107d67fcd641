//! What does not load.

use banyan_fate::{
    BadCode, Engine, Type, Value, abi,
    code::load_byte_code,
    limits::{BLOCKS_MAX, CODE_BYTES_MAX, REGISTERS_MAX},
    ops::table::{ILLEGAL, Op},
    value::types,
};
use proptest::prelude::*;

use crate::support::{A, Function, byte_code, byte_code_of, function, function_bytes, int, object, op};

fn load(body: Vec<Vec<u8>>) -> Result<(), BadCode> {
    load_byte_code(&byte_code(&[function("f", 1, body)])).map(drop)
}

#[test]
fn oracle_and_name_opcodes_do_not_load() {
    assert_eq!(ILLEGAL.len(), 17);
    for (byte, name) in ILLEGAL {
        let body = vec![vec![*byte, 0, 0], op(Op::RETURN, &[])];
        assert_eq!(load(body), Err(BadCode::IllegalOp { name }), "{name}");
    }
}

#[test]
fn each_loader_rule_has_a_refused_program() {
    let end = || op(Op::RETURN, &[]);
    assert_eq!(load(vec![end()]), Ok(()));
    for byte in [0xb7, 0xef, 0xf4, 0xf9, 0xff] {
        assert_eq!(load(vec![vec![byte], end()]), Err(BadCode::UnknownOp { byte }), "{byte:02x}");
    }
    let argument = |op, argument| Err(BadCode::Argument { op, argument });
    for (body, refused) in [
        (vec![op(Op::ADD, &[int(1), int(1), int(1)]), end()], argument(Op::ADD, 0)),
        (vec![op(Op::JUMP, &[A::Arg(0)])], argument(Op::JUMP, 0)),
        (vec![op(Op::JUMP, &[A::S])], argument(Op::JUMP, 0)),
        (vec![op(Op::JUMP, &[int(-1)])], argument(Op::JUMP, 0)),
        (vec![op(Op::JUMPIF, &[A::S, A::I(Value::Bool(true))])], argument(Op::JUMPIF, 1)),
        (vec![op(Op::SWITCH_VN, &[A::S, int(1)])], argument(Op::SWITCH_VN, 1)),
        (vec![op(Op::TUPLE, &[A::S, A::S]), end()], argument(Op::TUPLE, 1)),
        (vec![op(Op::TUPLE, &[A::S, int(-1)]), end()], argument(Op::TUPLE, 1)),
        (vec![op(Op::CALL_R, &[A::S, A::S, A::S, A::S, A::S])], argument(Op::CALL_R, 1)),
        (vec![vec![Op::PUSH as u8, 0b0111, 0x02, 0x02], end()], argument(Op::PUSH, 1)),
        (vec![], Err(BadCode::EmptyFunction)),
        (vec![op(Op::NOP, &[])], Err(BadCode::OpenBlock)),
        (vec![end(), op(Op::NOP, &[])], Err(BadCode::OpenBlock)),
    ] {
        assert_eq!(load(body.clone()), refused, "{body:02x?}");
    }
    // A value that has no place in code, and one that is none.
    assert!(matches!(load(vec![vec![Op::PUSH as u8, 3, 0xbf, 0x00], end()]), Err(BadCode::Value(_))));
    assert!(matches!(load(vec![vec![Op::PUSH as u8, 3, 0x80], end()]), Err(BadCode::Value(_))));
    assert!(matches!(load(vec![vec![Op::PUSH as u8]]), Err(BadCode::Short)));
}

#[test]
fn functions_stand_sorted_and_once() {
    let f = function_bytes(&function("f", 0, vec![op(Op::RETURN, &[])]));
    let g = function_bytes(&function("g", 0, vec![op(Op::RETURN, &[])]));
    let (low, high) = if abi::function_id("f") < abi::function_id("g") { (f, g) } else { (g, f) };
    assert!(load_byte_code(&byte_code_of(&[low.clone(), high.clone()].concat())).is_ok());
    assert_eq!(load_byte_code(&byte_code_of(&[high, low.clone()].concat())).map(drop), Err(BadCode::Unsorted));
    assert_eq!(load_byte_code(&byte_code_of(&[low.clone(), low.clone()].concat())).map(drop), Err(BadCode::Unsorted));
    let trailing = [byte_code_of(&low), vec![0]].concat();
    assert_eq!(load_byte_code(&trailing).map(drop), Err(BadCode::Trailing));
    assert_eq!(load_byte_code(&byte_code_of(&[0])).map(drop), Err(BadCode::UnknownOp { byte: 0 }));
    let odd = Function { attributes: 4, ..function("f", 0, vec![op(Op::RETURN, &[])]) };
    assert_eq!(load_byte_code(&byte_code(&[odd])).map(drop), Err(BadCode::Attributes(4)));
}

#[test]
fn too_much_code_does_not_load() {
    let blocks = vec![op(Op::RETURN, &[]); BLOCKS_MAX + 1];
    assert_eq!(load(blocks), Err(BadCode::TooMany("blocks")));
    let registers = (0..=REGISTERS_MAX).map(|n| op(Op::INC, &[A::Var(i64::try_from(n).unwrap())]));
    assert_eq!(load(registers.collect()), Err(BadCode::TooMany("registers")));
    let got = CODE_BYTES_MAX + 1;
    assert_eq!(load_byte_code(&vec![0; got]).map(drop), Err(BadCode::TooLarge { got }));
    assert_eq!(Engine::load(&vec![0; got]).map(drop), Err(BadCode::TooLarge { got }));
    assert!(matches!(Engine::load(&[0xc0]), Err(BadCode::Object(_))));
}

#[test]
fn a_jump_to_no_block_loads_and_fails_where_it_is_taken() {
    assert_eq!(load(vec![op(Op::JUMP, &[int(9)])]), Ok(()));
}

#[test]
fn types_nest_no_deeper_than_values() {
    let nested = |depth: usize| [vec![0x27; depth], vec![0x07]].concat();
    let read = |bytes: &[u8]| types::take(&mut &bytes[..]).map(|of: Type| of.show().len());
    assert!(read(&nested(255)).is_ok());
    assert!(read(&nested(256)).is_err());
    assert!(read(&nested(100_000)).is_err());
}

proptest! {
    #[test]
    fn the_decoder_and_loader_survive_fuzzing(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let code = [vec![0xfe, 1, 2, 3, 4, 0, 0x37, 0, 0x07], bytes.clone()].concat();
        for code in [byte_code_of(&code), bytes.clone(), byte_code_of(&bytes)] {
            if let Ok(loaded) = load_byte_code(&code) {
                prop_assert_eq!(loaded.serialize(), code.clone());
                let _ = loaded.show();
            }
        }
        let _ = Engine::load(&bytes);
        let _ = Engine::load(&object(&bytes));
    }
}
