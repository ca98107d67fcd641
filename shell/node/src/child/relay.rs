//! Spread transactions among the nodes of a child: those given to this node go out whole, those that came from a peer are
//! told by their hashes, and whoever lacks them asks.

use banyan_ledger::Rejected;
use banyan_types::{Bytes, Peer, TxHash, rlp::DecodeError, tx::SignedTx};

use super::talk::{HASHES_MAX, TXS_BYTES_MAX, TXS_MAX, Talk, parts};
use crate::{
    NodeError, SubmitError,
    node::{Core, Order},
};

/// Hashes that a new peer is told at most; what it lacks beyond them comes with blocks.
const TOLD_MAX: usize = 65_536;

/// Tell a new peer what waits here.
pub fn meet(core: &mut Core, peer: Peer) {
    let waiting: Vec<_> = core
        .pool()
        .iter()
        .filter(|waiting| !waiting.included)
        .take(TOLD_MAX)
        .map(|waiting| waiting.tx.get().hash())
        .collect();
    tell(core, &[peer], &waiting);
}

/// Give all peers what was given to this node.
pub fn spread<'a>(core: &mut Core, peers: impl Iterator<Item = &'a Peer>) {
    let (came, _) = core.take_pool_changes();
    let peers: Vec<_> = peers.copied().collect();
    give(core, &peers, &came);
}

/// Take what a peer gives. Whether all of it is what it should be: what the state refuses now may be good at the peer's,
/// what no state takes is the peer's fault.
pub fn take<'a>(
    core: &mut Core,
    from: Peer,
    peers: impl Iterator<Item = &'a Peer>,
    txs: &[Bytes],
) -> Result<bool, NodeError> {
    let decoded: Result<Vec<_>, DecodeError> = txs.iter().map(|tx| SignedTx::decode(&tx.0)).collect();
    let Ok(decoded) = decoded else { return Ok(false) };
    let answers = core.submit(decoded)?;
    let (came, _) = core.take_pool_changes();
    let others: Vec<_> = peers.copied().filter(|peer| *peer != from).collect();
    tell(core, &others, &came);
    let is_forged = |answer: &Result<_, _>| matches!(answer, Err(SubmitError::Rejected(Rejected::BadSignature)));
    Ok(!answers.iter().any(is_forged))
}

/// A peer says what waits at it: ask for what is not known here.
pub fn told(core: &mut Core, peer: Peer, hashes: &[TxHash]) -> Result<(), NodeError> {
    let mut wanted = Vec::new();
    for hash in hashes {
        let is_held = core.pool().get(hash).is_some() || core.pool().dropped(hash).is_some();
        if !is_held && core.chain.transaction(*hash)?.is_none() {
            wanted.push(*hash);
        }
    }
    for part in wanted.chunks(TXS_MAX) {
        frame(core, peer, &Talk::Want(part.to_vec()));
    }
    Ok(())
}

/// A peer asks for transactions: it gets those that wait here.
pub fn asked(core: &mut Core, peer: Peer, hashes: &[TxHash]) {
    give(core, &[peer], hashes);
}

fn give(core: &mut Core, peers: &[Peer], hashes: &[TxHash]) {
    let bytes = |hash: &TxHash| core.pool().get(hash).map(|waiting| Bytes(waiting.tx.get().bytes().to_vec()));
    let txs: Vec<_> = hashes.iter().filter_map(bytes).collect();
    for part in parts(txs, TXS_MAX, TXS_BYTES_MAX, |tx| tx.0.len()) {
        let talk = Talk::Txs(part);
        for peer in peers {
            frame(core, *peer, &talk);
        }
    }
}

fn tell(core: &mut Core, peers: &[Peer], hashes: &[TxHash]) {
    for part in hashes.chunks(HASHES_MAX) {
        let talk = Talk::Have(part.to_vec());
        for peer in peers {
            frame(core, *peer, &talk);
        }
    }
}

fn frame(core: &mut Core, peer: Peer, talk: &Talk) {
    core.order(Order::Frame { peer, is_urgent: talk.is_urgent(), bytes: talk.encode() });
}
