//! Calls and results as bytes and as text.

/// The four bytes that name a function.
pub fn function_id(name: &str) -> [u8; 4] {
    let [a, b, c, d, ..] = banyan_crypto::blake2b(&[name.as_bytes()]);
    [a, b, c, d]
}
