//! Check many signatures on all cores. The verdict is that of one core.

use banyan_ledger::Verified;
use banyan_types::tx::SignedTx;
use rayon::prelude::*;

/// Signatures of a batch beyond which it saves no more.
const BATCH_MAX: usize = 256;
/// Signatures of a batch below which it is not worth another core. Measured: 16 cost a quarter more each than 256 do, and
/// half of what one alone costs.
const BATCH_MIN: usize = 16;

/// Check every transaction's signature.
/// # Errors
/// The position of the first one that fails.
pub fn check_all(txs: Vec<SignedTx>, network_id: &str) -> Result<Vec<Verified<SignedTx>>, usize> {
    if txs.len() < 2 * BATCH_MIN {
        return Verified::check_all(txs, network_id);
    }
    let size = txs.len().div_ceil(rayon::current_num_threads()).clamp(BATCH_MIN, BATCH_MAX);
    let chunks: Vec<Vec<SignedTx>> = txs.chunks(size).map(<[SignedTx]>::to_vec).collect();
    let checked: Vec<_> = chunks.into_par_iter().map(|chunk| Verified::check_all(chunk, network_id)).collect();
    let mut all = Vec::with_capacity(txs.len());
    for (chunk, checked) in checked.into_iter().enumerate() {
        all.extend(checked.map_err(|index| chunk * size + index)?);
    }
    Ok(all)
}
