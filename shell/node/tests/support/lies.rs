//! Frames between validators of a child, changed on their way: bodies lose a transaction, inbox entries an amount.

use banyan_types::{
    Amount, Bytes,
    associate::InboxEntry,
    header::ChildBody,
    rlp::{DecodeError, Field as _, Items, put_list},
};

/// Kinds of frames that carry bodies: one, or those of blocks with their seals.
const BODY: u8 = 1;
const BLOCKS: u8 = 3;

/// The same frame with other bodies, or where there is nothing to take away, with other entries.
pub fn lie(frame: Vec<u8>) -> Vec<u8> {
    changed(&frame).unwrap().unwrap_or(frame)
}

fn changed(frame: &[u8]) -> Result<Option<Vec<u8>>, DecodeError> {
    let (mut items, mut out) = (Items::of(frame)?, Vec::new());
    let kind = u8::take(&mut items)?;
    if kind == BODY {
        out.extend(forged(&mut items.list()?)?);
    } else if kind == BLOCKS {
        let (mut blocks, mut forgeries) = (items.list()?, Vec::new());
        while let Ok(mut block) = blocks.list() {
            let carried = forged(&mut block.list()?)?;
            let seal = Bytes::take(&mut block)?;
            put_list(&mut forgeries, |out| {
                out.extend(carried);
                seal.put(out);
            });
        }
        put_list(&mut out, |out| out.extend(forgeries));
    } else {
        return Ok(None);
    }
    let mut whole = Vec::new();
    put_list(&mut whole, |whole| {
        kind.put(whole);
        whole.extend(out);
    });
    Ok(Some(whole))
}

/// What is carried of a block, forged.
fn forged(carried: &mut Items<'_>) -> Result<Vec<u8>, DecodeError> {
    let mut body = ChildBody::decode(&Bytes::take(carried)?.0)?;
    let inbox: Vec<Bytes> = Vec::take(carried)?;
    let lost = body.txs.pop().is_some();
    let entries: Vec<Bytes> =
        inbox.into_iter().map(|entry| if lost { Ok(entry) } else { raised(&entry) }).collect::<Result<_, _>>()?;
    let mut out = Vec::new();
    put_list(&mut out, |out| {
        Bytes(body.encode()).put(out);
        entries.put(out);
    });
    Ok(out)
}

fn raised(entry: &Bytes) -> Result<Bytes, DecodeError> {
    let mut entry = InboxEntry::decode(&entry.0)?;
    entry.amount = Amount::new(entry.amount.base() + 1).unwrap();
    Ok(Bytes(entry.encode()))
}
