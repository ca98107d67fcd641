//! Hashes and signatures.

use num_bigint::{BigInt, BigUint, Sign};

use super::{expected, operands};
use crate::{
    Value,
    code::Operand,
    engine::{Flow, Host, Reason, Run, Step, Tracer, Trap},
    gas::Model,
    value::Kind,
};

/// Strings and byte arrays are hashed as they are, everything else in its encoding.
fn hash<H: Host, T: Tracer>(
    run: &mut Run<'_, H, T>,
    args: &[Operand],
    digest: fn(&[&[u8]]) -> [u8; 32],
) -> Step<Flow, H> {
    let [to, operand] = operands(args)?;
    let value = run.read(operand)?;
    let value = run.unfold(value, Model::UnfoldSerial)?;
    Run::<H, T>::check_bytes(&value)?;
    let digest = match &value {
        Value::String(bytes) | Value::Bytes(bytes) => digest(&[bytes]),
        other => digest(&[&other.encode()]),
    };
    run.give(to, Value::bytes(digest))
}

/// Keccak-256, whatever the name says.
pub fn sha3<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    hash(run, args, banyan_crypto::keccak256)
}

pub fn sha256<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    hash(run, args, banyan_crypto::sha256)
}

pub fn blake2b<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    hash(run, args, banyan_crypto::blake2b)
}

fn fixed<const N: usize, F>(value: &Value) -> Result<[u8; N], Trap<F>> {
    let bytes = value.as_bytes().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| expected("bytes of the right length"))
}

/// Ed25519 over a message of any length, by the rule of the library that the reference uses.
pub fn verify_signature<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, message, key, signature] = operands(args)?;
    let (message, key, signature) = (run.read(message)?, run.read(key)?, run.read(signature)?);
    let message = message.as_bytes().ok_or_else(|| expected("bytes"))?;
    let key = key.as_object(Kind::Address).ok_or_else(|| expected("an address"))?;
    let signature = fixed(&signature)?;
    let claim = banyan_crypto::Claim { key: &key, message, signature: &signature };
    run.give(to, Value::Bool(banyan_crypto::verify_strict(claim).is_ok()))
}

pub fn verify_secp256k1<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, digest, key, signature] = operands(args)?;
    let (digest, key, signature) = (run.read(digest)?, run.read(key)?, run.read(signature)?);
    let holds = banyan_crypto::secp256k1::verify(&fixed(&digest)?, &fixed(&key)?, &fixed(&signature)?);
    run.give(to, Value::Bool(holds))
}

pub fn verify_ethereum<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, digest, owner, signature] = operands(args)?;
    let (digest, owner, signature) = (run.read(digest)?, run.read(owner)?, run.read(signature)?);
    let holds = banyan_crypto::secp256k1::verify_address(&fixed(&digest)?, &fixed(&owner)?, &fixed(&signature)?);
    run.give(to, Value::Bool(holds))
}

pub fn recover_ethereum<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, digest, signature] = operands(args)?;
    let (digest, signature) = (run.read(digest)?, run.read(signature)?);
    let owner = banyan_crypto::secp256k1::recover(&fixed(&digest)?, &fixed(&signature)?);
    run.give(to, owner.map_or_else(Value::none, |owner| Value::some(Value::bytes(owner))))
}

pub fn poseidon<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, left, right] = operands(args)?;
    let (left, right) = (run.read(left)?, run.read(right)?);
    let hash = banyan_crypto::poseidon(&word(&left)?, &word(&right)?).ok_or(Trap::Failed(Reason::Curve))?;
    run.give(to, from_word(&hash))
}

/// A non-negative integer in so many bytes, big-endian.
pub(super) fn word<const N: usize, F>(value: &Value) -> Result<[u8; N], Trap<F>> {
    let number = value.as_int().ok_or_else(|| expected("an integer"))?;
    let bytes = number.magnitude().to_bytes_be();
    let mut word = [0; N];
    let from = N.checked_sub(bytes.len()).filter(|_| number.sign() != Sign::Minus);
    let place = from.and_then(|from| word.get_mut(from..)).ok_or(Trap::Failed(Reason::Curve))?;
    place.copy_from_slice(&bytes);
    Ok(word)
}

pub(super) fn from_word(bytes: &[u8]) -> Value {
    Value::int(BigInt::from_biguint(Sign::Plus, BigUint::from_bytes_be(bytes)))
}
