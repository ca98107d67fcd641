//! Any bytes as every object of the wire, and any text as every text: reading never panics, and what is read is written
//! back to the same bytes.
#![no_main]

use banyan_ledger::{Account, Clock, ConnectionPoint, Escrow, ParentLeaf, PendingReward, Supply};
use banyan_types::{
    Amount, Receipt,
    associate::{InboxEntry, OutboxEntry, Summary, read_operators_authorization},
    header::{ChildBody, ChildHeader, KeyHeader, MicroBody, MicroHeader},
    text,
    tx::{SignedTx, Transaction},
};
use libfuzzer_sys::fuzz_target;

macro_rules! round_trips {
    ($bytes:expr, $($object:ty),+ $(,)?) => {
        $(if let Ok(object) = <$object>::decode($bytes) {
            assert_eq!(object.encode(), $bytes, stringify!($object));
        })+
    };
}

fuzz_target!(|bytes: &[u8]| {
    round_trips!(
        bytes,
        Transaction,
        KeyHeader,
        MicroHeader,
        ChildHeader,
        ChildBody,
        MicroBody,
        Receipt,
        InboxEntry,
        OutboxEntry,
        Summary,
        Account,
        Clock,
        ConnectionPoint,
        Escrow,
        ParentLeaf,
        PendingReward,
        Supply,
    );
    if let Ok(tx) = SignedTx::decode(bytes) {
        assert_eq!(tx.bytes(), bytes);
        assert!(!tx.transaction().fields().is_empty());
    }
    let _ = SignedTx::decode_unsorted(bytes);
    let _ = read_operators_authorization(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok((prefix, payload)) = text::decode(text) {
            assert_eq!(text::decode(&text::encode(prefix, &payload)), Ok((prefix, payload)));
        }
        if let Ok(amount) = text.parse::<Amount>() {
            assert_eq!(amount.to_string().parse(), Ok(amount));
        }
    }
});
