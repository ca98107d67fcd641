//! Calls and results as bytes and as text.

use alloc::{format, string::String, vec::Vec};

use banyan_types::text::{self, Prefix, TextError};

use crate::{
    Value,
    code::FunctionId,
    value::decode::{BadValue, Door, decode},
};

/// The four bytes that name a function.
pub fn function_id(name: &str) -> FunctionId {
    let [a, b, c, d, ..] = banyan_crypto::blake2b(&[name.as_bytes()]);
    [a, b, c, d]
}

/// Call data: the function's id and its arguments.
pub fn encode_call(function: FunctionId, arguments: Vec<Value>) -> Vec<u8> {
    Value::tuple(Vec::from([Value::string(function), Value::tuple(arguments)])).encode()
}

/// Read call data.
pub fn decode_call(bytes: &[u8]) -> Result<(FunctionId, Vec<Value>), BadValue> {
    const FORM: BadValue = BadValue::Form("call data is a tuple of a function's id and a tuple of arguments");
    let value = decode(bytes, Door::Outside)?;
    let Some([name, arguments]) = value.as_tuple() else { return Err(FORM) };
    let id = name.as_string().and_then(|name| name.try_into().ok()).ok_or(FORM)?;
    Ok((id, arguments.as_tuple().ok_or(FORM)?.to_vec()))
}

/// Bytes of calls and results as text, `cb_…`.
pub fn to_text(bytes: &[u8]) -> String {
    text::encode(Prefix::ContractBytes, bytes)
}

/// Read `cb_…`.
pub fn from_text(text: &str) -> Result<Vec<u8>, TextError> {
    text::decode_as(Prefix::ContractBytes, text)
}

/// What a call of code that is gone says.
pub fn expired_text(function: FunctionId, contract: &[u8; 32], height: u64) -> String {
    let [a, b, c, d] = function;
    let contract = text::encode(Prefix::Contract, contract);
    format!("expired: call {a:02x}{b:02x}{c:02x}{d:02x} of {contract} at {height}")
}
