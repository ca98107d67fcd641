//! What those do that break the rules.

use banyan_root::Header;
use banyan_types::{
    Hash,
    header::KeyHeader,
    witness::{Vote, VoteKind},
};

use crate::root::{
    ledger::{Ledger, Tx, txs_root},
    node::NodeId,
    rules::Rules,
};

/// Another vote of the same slot: for the key block before, or for one that nobody has.
pub fn second_vote(rules: &Rules, ledger: &Ledger, who: NodeId, vote: &Vote) -> Option<Vote> {
    let mut statement = vote.statement;
    if statement.kind == VoteKind::Lock {
        return None;
    }
    let before = ledger.get(&statement.hash).map(|stored| stored.header.prev_key_hash());
    let before = before.and_then(|hash| ledger.key_ref(&hash));
    let fits = |height| rules.votes.era_of(height) == statement.era && height.0 > 0;
    match before.filter(|key| fits(key.height)) {
        Some(key) => (statement.hash, statement.height) = (key.hash, key.height),
        None => statement.hash = Hash([0x66; 32]),
    }
    Some(Vote { statement, by: vote.by, signature: rules.sign_vote(who, &statement) })
}

/// A micro block beside another, with one more payment.
pub fn second_micro(rules: &Rules, ledger: &Ledger, who: NodeId, hash: &Hash, pay: u64) -> Option<(Header, Vec<Tx>)> {
    let stored = ledger.get(hash)?;
    let Header::Micro(header) = &stored.header else { return None };
    let (mut header, mut txs) = (header.clone(), stored.txs.clone());
    txs.push(Tx::Pay(pay));
    let state = ledger.after(&header.prev_hash, header.height, &txs, None)?;
    header.state_root = state.root;
    header.txs_root = txs_root(&txs);
    header.signature = rules.sign_micro(who, &header);
    Some((Header::Micro(header), txs))
}

/// A key block that leaves out the last micro block.
pub fn skip_last(ledger: &Ledger, header: &mut KeyHeader) {
    let Some(stored) = ledger.get(&header.prev_hash) else { return };
    let prev = stored.header.prev_hash();
    let state = ledger.after(&prev, header.height, &[], None);
    if let (Header::Micro(_), Some(state)) = (&stored.header, state) {
        (header.prev_hash, header.state_root, header.witness_hash) = (prev, state.root, Hash::ZERO);
    }
}
