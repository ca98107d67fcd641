//! Draw random bytes from the operating system: the only source of chance in the wallet.

use zeroize::Zeroizing;

/// The operating system gave no random bytes: our fault, and no key may be made then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random bytes ({0})")]
pub struct NoRandomness(getrandom::Error);

/// `N` random bytes, fit for keys; wiped when dropped.
pub fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, NoRandomness> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut *bytes).map_err(NoRandomness)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        assert_ne!(random::<32>(), random::<32>());
    }
}
