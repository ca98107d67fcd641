//! Bytes of messages and records.

use alloc::{boxed::Box, vec, vec::Vec};

use banyan_types::{
    Hash, Height, TimeMs,
    committee::{Certificate, Statement, StatementKind},
    rlp::DecodeError,
};
use proptest::prelude::*;

use super::world::*;
use crate::{Block, MESSAGE_BYTES_MAX, Message, Proposed, Range, Record, Saved};

fn statement(kind: StatementKind) -> Statement {
    Statement { kind, height: Height(3), view: 1, block_hash: Hash([4; 32]), valid_view: None }
}

fn block() -> Block {
    let prev_seal = Some(Certificate::gather(&Statement::precommit(Height(2), 0, Hash([5; 32])), vec![]));
    Block { header: genesis(&turns(3, 1)), prev_seal, parent: parent(4), settled: 7 }
}

fn messages() -> Vec<Message> {
    let key = &keys(1)[0];
    let signed = sign(key, statement(StatementKind::Proposal));
    let proposed = Proposed { signed, header: block().header, prev_seal: block().prev_seal };
    let votes = keys(3).iter().map(|key| sign(key, statement(StatementKind::Prevote))).collect();
    vec![
        Message::Proposal(Box::new(proposed)),
        Message::Vote(sign(key, statement(StatementKind::Precommit))),
        Message::Polka(votes),
        Message::AskBlocks(Height(9)),
    ]
}

#[test]
fn messages_and_records_decode_to_themselves() {
    for message in messages() {
        assert_eq!(Message::decode(&message.encode()), Ok(message));
    }
    let vote = sign(&keys(1)[0], statement(StatementKind::Prevote));
    let range = Range { seq: 1, from: Height(2), to: Height(3) };
    let (built, verified) = (Record::Built(Box::new(block())), Record::Verified(Box::new(block())));
    for record in [built, verified, Record::Vote(vote), Record::Polka(vec![vote]), Record::Summary(range)] {
        assert_eq!(Record::decode(&record.encode()), Ok(record));
    }
}

#[test]
fn a_polka_is_one_statement_and_no_more_than_a_set_may_say() {
    let sign = |view| sign(&keys(1)[0], Statement { view, ..statement(StatementKind::Prevote) });
    let read = |votes| Message::decode(&Message::Polka(votes).encode());
    assert_eq!(read(vec![]), Err(DecodeError::Malformed("no votes")));
    assert_eq!(read(vec![sign(0), sign(1)]), Err(DecodeError::Malformed("votes that are not one statement")));
    let full = vec![sign(1); 200];
    assert_eq!(read(full.clone()), Ok(Message::Polka(full)));
    assert!(read(vec![sign(1); 201]).is_err());
    let (max, got) = (MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX + 1);
    assert_eq!(Message::decode(&vec![0; got]), Err(DecodeError::TooLarge { max, got }));
}

#[test]
fn a_genesis_is_a_start_and_what_makes_no_ledger_is_refused() {
    let turns = turns(3, 1);
    let resume = |change: &dyn Fn(&mut Saved)| {
        let mut saved = Saved::genesis(genesis(&turns));
        change(&mut saved);
        crate::Machine::resume(params(), turns.clone(), keys(1)[0].clone(), saved)
            .map(|machine| machine.status().height)
    };
    let height = Height(0);
    assert_eq!(resume(&|_| {}), Ok(height));
    assert_eq!(resume(&|saved| saved.last.header.height = Height(2)), Err(crate::Broken::Parent(Height(2))));
    let gap = crate::Broken::Since { expected: Height(0), got: Height(1) };
    assert_eq!(resume(&|saved| saved.base.height = Height(1)), Err(gap));
    let decided = crate::Decided { block: block(), certificate: block().prev_seal.unwrap() };
    assert_eq!(resume(&|saved| saved.chain = vec![decided.clone()]), Err(crate::Broken::Chain(Height(0))));
    let _ = TimeMs(0);
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = (Message::decode(&bytes), Record::decode(&bytes));
    }

    #[test]
    fn a_changed_byte_is_refused_or_read_as_what_it_says(which in 0usize..4, at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut bytes = messages()[which].encode();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(read) = Message::decode(&bytes) {
            prop_assert_eq!(read.encode(), bytes);
        }
    }
}
