//! The wire form of every object: `rlp([tag, version, field…])`.
//!
//! A [`Field`] knows how it is written, read and shown; [`object!`](crate::object) makes an object out of named
//! fields. Reading is strict: canonical RLP, exact field count, no trailing bytes, depth at most [`DEPTH_MAX`].
//! Rules: protocol, ledger 2.

use alloc::{
    string::{String, ToString as _},
    vec::Vec,
};

use alloy_rlp::Header;

use crate::{
    AccountId, Amount, Asset, AssociateId, Bytes, ChannelId, ContractBytes, ContractId, EntryId, Era, Gas, GasPrice,
    Hash, Height, Id, Nonce, Payee, PublicKey, Round, Signature, Target, TimeMs, TokenId, TxHash,
    show::Value,
    text::{self, Prefix},
};

/// Lists inside lists that any object may have.
pub const DEPTH_MAX: u8 = 8;

/// Why bytes are not the object that they should be. All are the sender's fault, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than the object may have.
    #[error("{got} bytes, limit {max}")]
    TooLarge {
        /// The limit, in bytes.
        max: usize,
        /// The length found, in bytes.
        got: usize,
    },
    /// Not RLP, or a field of another form than it should have.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// A second encoding of the same value: leading zeros, long lengths, trailing bytes, unsorted signatures.
    #[error("not canonical: {0}")]
    NotCanonical(&'static str),
    /// No object has this tag and version.
    #[error("unknown tag {tag} version {version}")]
    UnknownTag {
        /// The first field.
        tag: u64,
        /// The second field.
        version: u64,
    },
}

/// A value with one wire form.
pub trait Field: Sized {
    /// Append the item's RLP to `out`.
    fn put(&self, out: &mut Vec<u8>);
    /// Take the next item.
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError>;
    /// For people.
    fn show(&self) -> Value;
}

/// The items of a list that are still to be read.
#[derive(Debug, Clone)]
pub struct Items<'a> {
    rest: &'a [u8],
    depth: u8,
    wraps: u8,
}

impl<'a> Items<'a> {
    /// The items of the one list that `bytes` are.
    pub fn of(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::within(bytes, 0)
    }

    /// The items of the one list that `bytes` are, which stands inside `wraps` transactions.
    pub(crate) fn within(bytes: &'a [u8], wraps: u8) -> Result<Self, DecodeError> {
        let mut outer = Items { rest: bytes, depth: 0, wraps };
        let list = outer.list()?;
        outer.finish()?;
        Ok(list)
    }

    /// The next item, which must be a string of bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        match self.item()? {
            (false, payload) => Ok(payload),
            (true, _) => Err(DecodeError::Malformed("a list where bytes should stand")),
        }
    }

    /// The next item, which must be a list.
    pub fn list(&mut self) -> Result<Self, DecodeError> {
        if self.depth >= DEPTH_MAX {
            return Err(DecodeError::Malformed("lists too deep"));
        }
        match self.item()? {
            (true, payload) => Ok(Items { rest: payload, depth: self.depth.saturating_add(1), ..*self }),
            (false, _) => Err(DecodeError::Malformed("bytes where a list should stand")),
        }
    }

    /// How many transactions these stand inside of.
    pub(crate) const fn wraps(&self) -> u8 {
        self.wraps
    }

    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Nothing may be left.
    pub const fn finish(&self) -> Result<(), DecodeError> {
        if self.is_empty() { Ok(()) } else { Err(DecodeError::NotCanonical("trailing bytes or fields")) }
    }

    fn item(&mut self) -> Result<(bool, &'a [u8]), DecodeError> {
        let mut rest = self.rest;
        let header = Header::decode(&mut rest).map_err(|error| match error {
            alloy_rlp::Error::NonCanonicalSingleByte
            | alloy_rlp::Error::NonCanonicalSize
            | alloy_rlp::Error::LeadingZero => DecodeError::NotCanonical("length not minimal"),
            _ => DecodeError::Malformed("not RLP, or a field is missing"),
        })?;
        let parts = rest.split_at_checked(header.payload_length);
        let (payload, rest) = parts.ok_or(DecodeError::Malformed("cut short"))?;
        self.rest = rest;
        Ok((header.list, payload))
    }
}

/// Append `payload` as one string of bytes.
pub fn put_bytes(payload: &[u8], out: &mut Vec<u8>) {
    match payload {
        [byte] if *byte < 0x80 => out.push(*byte),
        _ => {
            Header { list: false, payload_length: payload.len() }.encode(out);
            out.extend_from_slice(payload);
        }
    }
}

/// Append one list whose items `fill` writes.
pub fn put_list(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut payload = Vec::new();
    fill(&mut payload);
    Header { list: true, payload_length: payload.len() }.encode(out);
    out.extend_from_slice(&payload);
}

/// Append a minimal big-endian integer; zero is the single byte 00.
fn put_int(value: u128, out: &mut Vec<u8>) {
    let bytes = value.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count().min(15);
    put_bytes(bytes.get(zeros..).unwrap_or_default(), out);
}

fn take_int(items: &mut Items<'_>) -> Result<u128, DecodeError> {
    let bytes = items.bytes()?;
    match bytes {
        [] => Err(DecodeError::NotCanonical("an integer without bytes: zero is the single byte 00")),
        [0, _, ..] => Err(DecodeError::NotCanonical("leading zeros")),
        _ if bytes.len() > 16 => Err(DecodeError::Malformed("integer above 128 bits")),
        _ => Ok(bytes.iter().fold(0, |value, byte| (value << 8) | u128::from(*byte))),
    }
}

fn take_fixed<const N: usize>(items: &mut Items<'_>) -> Result<[u8; N], DecodeError> {
    items.bytes()?.try_into().map_err(|_| DecodeError::Malformed("bytes of another length"))
}

fn take_id(items: &mut Items<'_>) -> Result<Id, DecodeError> {
    let [tag, bytes @ ..] = take_fixed::<33>(items)?;
    Id::from_parts(tag, bytes).ok_or(DecodeError::Malformed("unknown kind of id"))
}

fn put_id(id: Id, out: &mut Vec<u8>) {
    let (tag, bytes) = id.parts();
    let mut payload = [tag; 33];
    payload.iter_mut().skip(1).zip(bytes).for_each(|(to, from)| *to = *from);
    put_bytes(&payload, out);
}

macro_rules! int_fields {
    ($($name:ident($int:ty)),+) => {$(
        impl Field for $name {
            fn put(&self, out: &mut Vec<u8>) {
                put_int(u128::from(self.0), out);
            }
            fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
                <$int>::try_from(take_int(items)?).map(Self).map_err(|_| DecodeError::Malformed("integer too large"))
            }
            fn show(&self) -> Value {
                Value::Int(u128::from(self.0))
            }
        }
    )+};
}
int_fields!(Height(u64), Nonce(u64), Gas(u64), GasPrice(u128), TimeMs(u64), Era(u32), Round(u32));

macro_rules! plain_int_fields {
    ($($int:ty),+) => {$(
        impl Field for $int {
            fn put(&self, out: &mut Vec<u8>) {
                put_int(u128::from(*self), out);
            }
            fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
                take_int(items)?.try_into().map_err(|_| DecodeError::Malformed("integer too large"))
            }
            fn show(&self) -> Value {
                Value::Int(u128::from(*self))
            }
        }
    )+};
}
plain_int_fields!(u8, u32, u64, u128);

macro_rules! fixed_fields {
    ($($name:ident => $show:expr;)+) => {$(
        impl Field for $name {
            fn put(&self, out: &mut Vec<u8>) {
                put_bytes(&self.0, out);
            }
            fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
                take_fixed(items).map(Self)
            }
            fn show(&self) -> Value {
                let show: fn(&Self) -> String = $show;
                Value::Text(show(self))
            }
        }
    )+};
}
fixed_fields! {
    Hash => |hash| hash.to_string();
    PublicKey => |key| key.text(Prefix::Account);
    Signature => |signature| signature.text(Prefix::Signature);
    TxHash => |hash| hash.to_string();
}

macro_rules! id_fields {
    ($($kind:ident($name:ident)),+) => {$(
        impl Field for $name {
            fn put(&self, out: &mut Vec<u8>) {
                put_id(Id::$kind(*self), out);
            }
            fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
                match take_id(items)? {
                    Id::$kind(id) => Ok(id),
                    _ => Err(DecodeError::Malformed("an id of another kind")),
                }
            }
            fn show(&self) -> Value {
                Value::Text(self.to_string())
            }
        }
    )+};
}
id_fields!(
    Account(AccountId),
    Contract(ContractId),
    Channel(ChannelId),
    Associate(AssociateId),
    Token(TokenId),
    Entry(EntryId)
);

impl Field for Id {
    fn put(&self, out: &mut Vec<u8>) {
        put_id(*self, out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        take_id(items)
    }
    fn show(&self) -> Value {
        Value::Text(self.to_string())
    }
}

impl Field for Payee {
    fn put(&self, out: &mut Vec<u8>) {
        put_id(self.id(), out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        Self::try_from(take_id(items)?).map_err(|_| DecodeError::Malformed("an id that cannot be paid"))
    }
    fn show(&self) -> Value {
        Value::Text(self.to_string())
    }
}

impl Field for Target {
    fn put(&self, out: &mut Vec<u8>) {
        put_id(self.id(), out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        Self::try_from(take_id(items)?).map_err(|_| DecodeError::Malformed("an id of what does not expire"))
    }
    fn show(&self) -> Value {
        Value::Text(self.to_string())
    }
}

impl Field for Asset {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Coin => put_bytes(&[0], out),
            Self::Token(id) => put_id(Id::Token(*id), out),
        }
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        if items.clone().bytes()? == [0] {
            return items.bytes().map(|_| Self::Coin);
        }
        TokenId::take(items).map(Self::Token)
    }
    fn show(&self) -> Value {
        Value::Text(self.to_string())
    }
}

impl Field for Amount {
    fn put(&self, out: &mut Vec<u8>) {
        put_int(self.base(), out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        Self::new(take_int(items)?).ok_or(DecodeError::Malformed("amount above the supply"))
    }
    fn show(&self) -> Value {
        Value::Coins(*self)
    }
}

impl Field for bool {
    fn put(&self, out: &mut Vec<u8>) {
        put_int(u128::from(*self), out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        match take_int(items)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Malformed("neither yes nor no")),
        }
    }
    fn show(&self) -> Value {
        Value::Flag(*self)
    }
}

impl Field for Bytes {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(&self.0, out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        items.bytes().map(|bytes| Self(bytes.to_vec()))
    }
    fn show(&self) -> Value {
        Value::Text(text::encode(Prefix::Bytes, &self.0))
    }
}

impl Field for ContractBytes {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(&self.0, out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        items.bytes().map(|bytes| Self(bytes.to_vec()))
    }
    fn show(&self) -> Value {
        Value::Text(text::encode(Prefix::ContractBytes, &self.0))
    }
}

impl Field for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.as_bytes(), out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        let bytes = items.bytes()?.to_vec();
        Self::from_utf8(bytes).map_err(|_| DecodeError::Malformed("not UTF-8"))
    }
    fn show(&self) -> Value {
        Value::Text(self.clone())
    }
}

impl<T: Field> Field for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_list(out, |out| self.iter().for_each(|item| item.put(out)));
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        let mut list = items.list()?;
        let mut all = Self::new();
        while !list.is_empty() {
            all.push(T::take(&mut list)?);
        }
        Ok(all)
    }
    fn show(&self) -> Value {
        Value::List(self.iter().map(Field::show).collect())
    }
}

/// Absent is the empty list, present a list of one.
impl<T: Field> Field for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_list(out, |out| self.iter().for_each(|item| item.put(out)));
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        let mut list = items.list()?;
        let value = if list.is_empty() { None } else { Some(T::take(&mut list)?) };
        list.finish().map(|()| value)
    }
    fn show(&self) -> Value {
        Value::List(self.iter().map(Field::show).collect())
    }
}

/// The last field of a record, which older ones do not have: absent, it has no bytes at all, so that they keep theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail<T>(pub Option<T>);

impl<T: Field> Field for Tail<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|item| item.put(out));
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        Ok(Self(if items.is_empty() { None } else { Some(T::take(items)?) }))
    }
    fn show(&self) -> Value {
        self.0.show()
    }
}

/// Define records: structs whose wire form is the list of their fields, inside another object.
#[macro_export]
macro_rules! record {
    ($($(#[$doc:meta])+ $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)+ })+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)+ }

        impl $name {
            /// The fields by name, decoded for people.
            pub fn fields(&self) -> $crate::show::Fields {
                ::alloc::vec![$((stringify!($field), $crate::rlp::Field::show(&self.$field)),)+]
            }

            fn put_fields(&self, out: &mut ::alloc::vec::Vec<u8>) {
                $($crate::rlp::Field::put(&self.$field, out);)+
            }

            fn take_fields(items: &mut $crate::rlp::Items<'_>) -> Result<Self, $crate::rlp::DecodeError> {
                let record = Self { $($field: $crate::rlp::Field::take(items)?,)+ };
                items.finish().map(|()| record)
            }
        }

        impl $crate::rlp::Field for $name {
            fn put(&self, out: &mut ::alloc::vec::Vec<u8>) {
                $crate::rlp::put_list(out, |out| self.put_fields(out));
            }
            fn take(items: &mut $crate::rlp::Items<'_>) -> Result<Self, $crate::rlp::DecodeError> {
                Self::take_fields(&mut items.list()?)
            }
            fn show(&self) -> $crate::show::Value {
                $crate::show::Value::Record(self.fields())
            }
        }
    )+};
}

/// Define objects: records that stand alone and begin with a tag and a version from the registry (ledger 10).
#[macro_export]
macro_rules! object {
    ($($(#[$doc:meta])+ $tag:literal v $version:literal $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)+
    })+) => {$(
        $crate::record! { $(#[$doc])+ $name { $($(#[$field_doc])* $field: $type,)+ } }

        impl $name {
            /// The number of this kind in the registry.
            pub const TAG: u64 = $tag;
            /// The version of its layout.
            pub const VERSION: u64 = $version;

            /// The object's bytes.
            pub fn encode(&self) -> ::alloc::vec::Vec<u8> {
                let mut out = ::alloc::vec::Vec::new();
                $crate::rlp::put_list(&mut out, |out| {
                    $crate::rlp::Field::put(&Self::TAG, out);
                    $crate::rlp::Field::put(&Self::VERSION, out);
                    self.put_fields(out);
                });
                out
            }

            /// Read the object from exactly these bytes.
            /// # Errors
            /// The first [`DecodeError`]($crate::rlp::DecodeError) that applies.
            pub fn decode(bytes: &[u8]) -> Result<Self, $crate::rlp::DecodeError> {
                let mut items = $crate::rlp::Items::of(bytes)?;
                match $crate::rlp::take_tag(&mut items)? {
                    (Self::TAG, Self::VERSION) => Self::take_fields(&mut items),
                    (tag, version) => Err($crate::rlp::DecodeError::UnknownTag { tag, version }),
                }
            }
        }
    )+};
}

/// The tag and version that every object begins with.
pub fn take_tag(items: &mut Items<'_>) -> Result<(u64, u64), DecodeError> {
    Ok((u64::take(items)?, u64::take(items)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    object! {
        /// An object of every form, for these tests.
        9999 v 1 Sample {
            /// A number.
            height: Height,
            /// Coins.
            amount: Amount,
            /// An id.
            to: Payee,
            /// What.
            asset: Asset,
            /// Bytes.
            payload: Bytes,
            /// A list.
            hashes: Vec<Hash>,
            /// Perhaps.
            maybe: Option<u64>,
            /// Yes or no.
            flag: bool,
        }
    }

    fn sample() -> impl Strategy<Value = Sample> {
        let id = (any::<bool>(), any::<[u8; 32]>()).prop_map(|(contract, bytes)| {
            if contract { Payee::Contract(ContractId(bytes)) } else { Payee::Account(AccountId(bytes)) }
        });
        let asset = proptest::option::of(any::<[u8; 32]>())
            .prop_map(|token| token.map_or(Asset::Coin, |bytes| Asset::Token(TokenId(bytes))));
        let rest = (proptest::collection::vec(any::<u8>(), 0..80), proptest::collection::vec(any::<[u8; 32]>(), 0..4));
        (any::<u64>(), 0..=crate::SUPPLY_MAX, id, asset, rest, any::<Option<u64>>(), any::<bool>()).prop_map(
            |(height, base, to, asset, (payload, hashes), maybe, flag)| Sample {
                height: Height(height),
                amount: Amount::new(base).unwrap(),
                to,
                asset,
                payload: Bytes(payload),
                hashes: hashes.into_iter().map(Hash).collect(),
                maybe,
                flag,
            },
        )
    }

    #[test]
    fn zero_is_one_byte_and_leading_zeros_are_refused() {
        let mut out = vec![];
        Height(0).put(&mut out);
        assert_eq!(out, [0]);
        for (bytes, ok) in [
            (&[0xc1, 0x00][..], true),
            (&[0xc1, 0x80], false),
            (&[0xc3, 0x82, 0x00, 0x01], false),
            (&[0xc2, 0x81, 0x01], false),
            (&[0xc2, 0x01, 0x01], false),
        ] {
            let read = Items::of(bytes).and_then(|mut items| {
                let height = Height::take(&mut items)?;
                items.finish().map(|()| height)
            });
            assert_eq!(read.is_ok(), ok, "{bytes:?} {read:?}");
        }
    }

    #[test]
    fn lists_too_deep_are_refused() {
        let nested = |depth: usize| {
            (0..depth).fold(vec![], |inner: Vec<u8>, _| {
                let mut out = vec![];
                put_list(&mut out, |out| out.extend_from_slice(&inner));
                out
            })
        };
        let dive = |bytes: &[u8]| {
            let mut items = Items::of(bytes)?;
            while !items.is_empty() {
                items = items.list()?;
            }
            Ok(())
        };
        assert_eq!(dive(&nested(usize::from(DEPTH_MAX))), Ok(()));
        assert_eq!(dive(&nested(usize::from(DEPTH_MAX) + 1)), Err(DecodeError::Malformed("lists too deep")));
    }

    proptest! {
        #[test]
        fn decoding_what_was_encoded_gives_the_same(sample in sample()) {
            prop_assert_eq!(Sample::decode(&sample.encode()), Ok(sample));
        }

        #[test]
        fn bytes_that_decode_encode_to_themselves(sample in sample(), at in any::<prop::sample::Index>(), byte: u8) {
            let mut bytes = sample.encode();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(read) = Sample::decode(&bytes) {
                prop_assert_eq!(read.encode(), bytes);
            }
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Sample::decode(&bytes);
        }
    }
}
