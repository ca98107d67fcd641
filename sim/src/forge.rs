//! Change a block's bytes as somebody would who wants the real block refused, or a node confused.

use banyan_node::BlockBytes;
use banyan_types::{Bytes, header::MicroBody};

use crate::random::Random;

/// Bytes of a made up piece.
const JUNK_BYTES: usize = 64;
/// Bytes of an attachment that makes any body too large.
const LARGE_BYTES: usize = 3 << 20;

/// The block with its header or its body changed.
pub fn change(random: &mut Random, block: &BlockBytes) -> BlockBytes {
    let BlockBytes { mut header, mut body } = block.clone();
    match random.below(7) {
        0 | 1 => flip(random, &mut header),
        2 => flip(random, &mut body),
        3 => header.truncate(random.place(header.len())),
        4 => body = junk(random),
        5 => body = with_other_txs(random, &body),
        _ => body = with_attachment(random, &body),
    }
    BlockBytes { header, body }
}

fn flip(random: &mut Random, bytes: &mut [u8]) {
    let at = random.place(bytes.len());
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << random.below(8);
    }
}

fn junk(random: &mut Random) -> Vec<u8> {
    (0..random.place(JUNK_BYTES)).map(|_| random.number().to_le_bytes()[0]).collect()
}

/// Transactions left out, or in another order: a well formed body that the header does not name.
fn with_other_txs(random: &mut Random, body: &[u8]) -> Vec<u8> {
    let Ok(mut parsed) = MicroBody::decode(body) else { return junk(random) };
    if parsed.txs.len() > 1 && random.chance(500) {
        parsed.txs.reverse();
    } else {
        parsed.txs.pop();
    }
    parsed.encode()
}

/// Bytes that no transaction names, which the header's list root does not see.
fn with_attachment(random: &mut Random, body: &[u8]) -> Vec<u8> {
    let Ok(mut parsed) = MicroBody::decode(body) else { return junk(random) };
    let large = random.chance(100);
    parsed.attachments.push(Bytes(if large { vec![0; LARGE_BYTES] } else { junk(random) }));
    parsed.encode()
}
