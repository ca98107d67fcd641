//! Bytes and back.

use alloc::{boxed::Box, vec, vec::Vec};

use banyan_types::{
    Bytes, Era, Hash, Height, Round, Signature, TxHash,
    rlp::DecodeError,
    witness::{Justification, Seal, Source, Statement, Vote, VoteKind},
};
use proptest::prelude::*;

use super::world::*;
use crate::{
    Message,
    limits::{HEADERS_MAX, MESSAGE_BYTES_MAX},
    message::{
        Generation, GetGeneration, GetHeaders, GetJustification, GetTxs, Hello, Limited, PoolRanges, Priority, Range,
        RangeList, RangeSum, Txs,
    },
};

/// One of each kind.
fn messages() -> Vec<Message> {
    let (key, hash) = (key(&root(), 1), Hash([3; 32]));
    let micro = micro(&key.header, &[1, 2]);
    let header = |made: &Made| match made.header.clone() {
        banyan_root::Header::Micro(micro) => micro,
        banyan_root::Header::Key(_) => unreachable!("a micro block was made"),
    };
    let status = status(&key, u128::MAX);
    let source = Source { round: Round(0), hash };
    let statement = Statement {
        chain: hash,
        kind: VoteKind::Prevote,
        era: Era(1),
        round: Round(1),
        height: Height(2),
        hash,
        source,
        index: 0,
    };
    let (era, round, height, bitmap, signatures) =
        (Era(1), Round(1), Height(2), Bytes(vec![0x80]), vec![Signature([1; 64])]);
    let seal = Seal { era, round, height, hash, bitmap: bitmap.clone(), signatures: signatures.clone() };
    let justification = Justification { era, round, height, hash, bitmap, signatures, sources: vec![source] };
    let range = Range { digits: 1, least: TxHash([0; 32]) };
    let list = RangeList { range, hashes: Limited::first_of([TxHash([1; 32]), TxHash([2; 32])]) };
    let sum = RangeSum { range: Range::ALL, count: 7, sum: Bytes(vec![5; 16]) };
    let hello = Hello { chain: hash, epoch: 1, version: 6, network_id: "n".into(), mode: "full".into(), status };
    vec![
        Message::Hello(Box::new(hello)),
        Message::Status(status),
        Message::GetHeaders(GetHeaders { locator: Limited::first_of([hash]), max: 9 }),
        Message::Headers(vec![genesis()]),
        Message::GetGeneration(GetGeneration { key_hash: hash, last: Some(hash), from: 1 }),
        Message::Generation(Generation {
            key_hash: hash,
            from: 0,
            blocks: Limited::first_of([key.bytes(), micro.bytes()]),
            more: true,
        }),
        Message::GetBlock(hash),
        Message::Block(key.bytes()),
        Message::Light(header(&micro), Limited::first_of(micro.txs)),
        Message::GetTxs(GetTxs { id: 4, hashes: Limited::first_of([TxHash([4; 32])]) }),
        Message::Txs(Txs { id: 4, txs: Limited::first_of([Bytes(vec![1, 2, 3])]) }),
        Message::NewTxs(Limited::first_of([TxHash([4; 32])])),
        Message::Pool(PoolRanges { sums: Limited::first_of([sum]), lists: Limited::first_of([list]) }),
        Message::Vote(Box::new(Vote { statement, by: 3, signature: Signature([2; 64]) })),
        Message::Seal(Box::new(seal)),
        Message::Justification(Box::new(justification)),
        Message::GetJustification(GetJustification { round: Round(1), hash }),
        Message::GetPeers,
        Message::Peers(Limited::first_of(["one".into(), "two".into()])),
        Message::Missing(hash),
        Message::GetSeals(Height(159)),
    ]
}

#[test]
fn every_kind_of_message_is_read_as_it_was_written() {
    for (kind, message) in messages().into_iter().enumerate() {
        let bytes = message.encode();
        assert_eq!(usize::from(bytes[0]), kind);
        assert_eq!(Message::decode(&bytes), Ok(message));
    }
}

#[test]
fn key_blocks_votes_and_seals_precede_everything() {
    let first: Vec<u8> =
        messages().iter().filter(|message| message.priority() == Priority::Pace).map(|m| m.encode()[0]).collect();
    assert_eq!(first, [0, 7, 13, 14, 15, 16]);
}

#[test]
fn lists_above_their_limits_are_refused() {
    let too_long = DecodeError::Malformed("a list longer than its limit");
    let headers = Message::Headers(vec![genesis(); HEADERS_MAX + 1]).encode();
    assert_eq!(Message::decode(&headers), Err(too_long));
    let got = MESSAGE_BYTES_MAX + 1;
    assert_eq!(Message::decode(&vec![5; got]), Err(DecodeError::TooLarge { max: MESSAGE_BYTES_MAX, got }));
    // Two kinds have lists of one form and different limits: 2,000 hashes are no locator.
    let mut hashes = vec![];
    banyan_types::rlp::Field::put(&vec![TxHash([1; 32]); 1_001], &mut hashes);
    assert_eq!(Message::decode(&[&[11], &hashes[..]].concat()), Err(too_long));
}

#[test]
fn ranges_that_overlap_or_lie_about_their_place_are_refused() {
    let range =
        |digits, first| Range { digits, least: TxHash([[first].as_slice(), &[0; 31]].concat().try_into().unwrap()) };
    let pool = |ranges: &[Range]| {
        let sum = |range: &Range| RangeSum { range: *range, count: 0, sum: Bytes(vec![0; 16]) };
        Message::Pool(PoolRanges { sums: Limited::first_of(ranges.iter().map(sum)), lists: Limited::first_of([]) })
    };
    for (ranges, good) in [
        (vec![range(1, 0x10), range(1, 0x20)], true),
        (vec![range(1, 0x20), range(1, 0x10)], false),
        (vec![Range::ALL, range(1, 0x20)], false),
        (vec![range(1, 0x11)], false),
        (vec![range(65, 0)], false),
    ] {
        assert_eq!(Message::decode(&pool(&ranges).encode()).is_ok(), good, "{ranges:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(kind in 0u8..22, bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Message::decode(&[&[kind], &bytes[..]].concat());
    }

    #[test]
    fn bytes_that_decode_encode_to_themselves(which in 0usize..20, at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = messages().swap_remove(which).encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = Message::decode(&bytes) {
            prop_assert_eq!(read.encode(), bytes);
        }
    }
}
