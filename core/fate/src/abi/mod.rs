//! Calls and results as bytes and as text.

mod literal;

use alloc::{format, string::String, vec::Vec};

use banyan_types::text::{self, Prefix, TextError};

pub use literal::{BadText, fit, parse_call, parse_value};

use crate::{
    Loaded, Value,
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

/// The call data of a call as text, fitted to the function of this code.
/// # Errors
/// What of the text is none, or which name the code does not have.
pub fn call_from_text(text: &str, loaded: &Loaded) -> Result<Vec<u8>, BadText> {
    let (name, arguments) = parse_call(text)?;
    let id = function_id(&name);
    let (_, function) = loaded.function(id).ok_or(BadText::Unknown(name))?;
    let fitted = arguments.into_iter().enumerate().map(|(at, value)| match function.arguments.get(at) {
        Some(of) => fit(value, of),
        None => value,
    });
    Ok(encode_call(id, fitted.collect()))
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
    let contract = text::encode(Prefix::Contract, contract);
    format!("expired: call {} of {contract} at {height}", crate::value::hex(&function))
}
