//! What a parent is shown of a block that validators agreed to: header, seals, and the proof of what no header says.
//!
//! It is kept by height until a summary has taken it up: states are kept for less long. Rules: associates 6 (`certificate`).

use banyan_ledger::key;
use banyan_store::{Commit, Flush, Order as Direction, View};
use banyan_types::{
    Bytes, Height,
    associate::{CertifiedBlock, ENGINE_COMMITTEE, Grounds, ProofStep, Validators},
    rlp::{Field as _, Tail},
};

use super::{SEAL_RECORD, child_at, read_record};
use crate::{Chain, NodeError, node::Core};

/// Kind of the records of the proof of the system leaf in the state after a block.
const PROOF_RECORD: u8 = 10;
/// Kind of the records of why a block is final whose seal alone is not enough: validators in turns leave one for each block
/// that they make final by itself.
const GROUNDS_RECORD: u8 = 13;
/// Rows that are let go at once; more follow with the next summary.
const ROWS_MAX: usize = 4_096;

/// Keep the proof of the system leaf in the state after the block of a height.
pub fn prove(commit: &mut Commit, height: Height, state: &View) {
    commit.record(PROOF_RECORD, height.0, state.prove_many(&[key::parent()]).encode());
}

/// Keep why the block of a height is final: the child that shows its seal, with that child's own, where one step confirms.
pub fn keep(commit: &mut Commit, height: Height, grounds: &Grounds) {
    let mut bytes = Vec::new();
    grounds.put(&mut bytes);
    commit.record(GROUNDS_RECORD, height.0, bytes);
}

/// What a summary up to this height has taken up is needed no more.
pub fn forget_to(core: &Core, height: Height) -> Result<(), NodeError> {
    let mut commit = Commit::new();
    for kind in [PROOF_RECORD, GROUNDS_RECORD] {
        let held = core.chain.store().records(kind, 0, Direction::Ascending, ROWS_MAX)?;
        for (row, _) in held.into_iter().take_while(|(row, _)| *row <= height.0) {
            commit.forget(kind, row);
        }
    }
    Ok(core.chain.store().commit(commit, Flush::Later)?)
}

/// The last block of a summary as a parent is shown it that knows these validators; `None` where it is not known here why the
/// block is final, or its state is kept no longer: others may show it.
pub fn certified(chain: &Chain, known: &Validators, height: Height) -> Result<Option<Bytes>, NodeError> {
    let (sealed, grounds) = match known.engine {
        ENGINE_COMMITTEE => (height, None),
        _ => match descent(chain, height)? {
            Some((sealed, grounds)) => (sealed, Some(grounds)),
            None => return Ok(None),
        },
    };
    let (hash, header) = child_at(chain, height)?;
    let (leaf, _) = chain.connection(hash)?.ok_or(NodeError::Header)?;
    let store = chain.store();
    let seal = store.record(SEAL_RECORD, sealed.0)?.ok_or(NodeError::Header)?;
    let proof = match store.record(PROOF_RECORD, height.0)? {
        Some(proof) => proof,
        None => match chain.state_at(hash)? {
            Some(state) => state.prove_many(&[key::parent()]).encode(),
            None => return Ok(None),
        },
    };
    let leaf = ProofStep { leaves: vec![Bytes(leaf.encode())], proof: Bytes(proof) };
    let grounds = Tail(grounds.filter(|grounds| !grounds.headers.is_empty()));
    let block = CertifiedBlock { header: Bytes(header.encode()), certificate: Bytes(seal), leaf, grounds };
    Ok(Some(Bytes(block.encode())))
}

/// The first block from a height on that is final by itself, and the headers after that height which show it.
fn descent(chain: &Chain, height: Height) -> Result<Option<(Height, Grounds)>, NodeError> {
    let rows = chain.store().records(GROUNDS_RECORD, height.0, Direction::Ascending, 1)?;
    let Some((sealed, bytes)) = rows.into_iter().next() else { return Ok(None) };
    let Grounds { headers, seal } = read_record(&bytes)?;
    let between = (height.0 + 1..=sealed).map(|height| Ok(Bytes(child_at(chain, Height(height))?.1.encode())));
    let between = between.collect::<Result<Vec<_>, NodeError>>()?;
    Ok(Some((Height(sealed), Grounds { headers: [between, headers].concat(), seal })))
}
