//! Check many signatures on all cores. The verdict is that of one core.

use banyan_ledger::Verified;
use banyan_types::tx::SignedTx;
use rayon::prelude::*;

/// Signatures of one batch: beyond this a batch saves no more.
const BATCH: usize = 256;

/// Check every transaction's signature.
/// # Errors
/// The position of the first one that fails.
pub fn check_all(txs: Vec<SignedTx>, network_id: &str) -> Result<Vec<Verified<SignedTx>>, usize> {
    if txs.len() < BATCH / 4 {
        return Verified::check_all(txs, network_id);
    }
    let size = txs.len().div_ceil(rayon::current_num_threads()).clamp(BATCH / 4, BATCH);
    let chunks: Vec<Vec<SignedTx>> = txs.chunks(size).map(<[SignedTx]>::to_vec).collect();
    let checked: Vec<_> = chunks.into_par_iter().map(|chunk| Verified::check_all(chunk, network_id)).collect();
    let mut all = Vec::with_capacity(txs.len());
    for (chunk, checked) in checked.into_iter().enumerate() {
        all.extend(checked.map_err(|index| chunk * size + index)?);
    }
    Ok(all)
}
