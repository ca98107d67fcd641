//! Lock bytes under a password: Argon2id makes the key, XSalsa20-Poly1305 locks and authenticates.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use crypto_secretbox::{AeadInPlace as _, KeyInit as _, XSalsa20Poly1305};
use zeroize::Zeroizing;

use super::secret::Password;

/// Memory of one derivation at least, in KiB: what the public tools write.
pub const MEMLIMIT_KIB_MIN: u32 = 64 * 1024;
/// Memory at most, in KiB: 2 GiB, so that a hostile file cannot exhaust the machine.
pub const MEMLIMIT_KIB_MAX: u32 = 2 * 1024 * 1024;
/// Passes over the memory at least: with the least memory, the interactive profile of libsodium.
pub const OPSLIMIT_MIN: u32 = 2;
/// Passes at most: with the most memory about a minute.
pub const OPSLIMIT_MAX: u32 = 16;
/// Lanes at most; the public tools write 4.
pub const PARALLELISM_MAX: u32 = 16;
/// Bytes of the salt that we write.
pub const SALT_BYTES: usize = 16;
/// Bytes of a salt that we read: from the least of Argon2 to a bound.
pub const SALT_BYTES_READ: core::ops::RangeInclusive<usize> = 8..=64;
/// Bytes of the nonce.
pub const NONCE_BYTES: usize = 24;
/// Bytes of the authenticator, which stands before the locked bytes.
pub const TAG_BYTES: usize = 16;

/// What one guess of the password costs: memory, passes over it, and lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memlimit_kib: u32,
    opslimit: u32,
    parallelism: u32,
}

/// A parameter outside of what is accepted; the file's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{parameter} is {got}, but only {least} to {most} is accepted")]
pub struct BadCost {
    /// Its name in the file.
    pub parameter: &'static str,
    /// Its value.
    pub got: u32,
    /// The least that is accepted.
    pub least: u32,
    /// The most that is accepted.
    pub most: u32,
}

/// The machine has not the memory that the file asks for; our fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{memlimit_kib} KiB of memory are needed to try a password, and cannot be had")]
pub struct OutOfMemory {
    /// What was asked for, in KiB.
    pub memlimit_kib: u32,
}

impl Cost {
    /// What new files cost: 256 MiB, three passes, one lane.
    pub const STANDARD: Self = Self { memlimit_kib: 262_144, opslimit: 3, parallelism: 1 };
    /// The least that is accepted, for tests and tiny machines.
    pub const LEAST: Self = Self { memlimit_kib: MEMLIMIT_KIB_MIN, opslimit: OPSLIMIT_MIN, parallelism: 1 };

    /// Memory in KiB, passes and lanes, each within its limits.
    /// # Errors
    /// The first parameter outside.
    pub fn new(memlimit_kib: u32, opslimit: u32, parallelism: u32) -> Result<Self, BadCost> {
        let rows = [
            ("memlimit_kib", memlimit_kib, MEMLIMIT_KIB_MIN, MEMLIMIT_KIB_MAX),
            ("opslimit", opslimit, OPSLIMIT_MIN, OPSLIMIT_MAX),
            ("parallelism", parallelism, 1, PARALLELISM_MAX),
        ];
        match rows.into_iter().find(|(_, got, least, most)| !(least..=most).contains(&got)) {
            Some((parameter, got, least, most)) => Err(BadCost { parameter, got, least, most }),
            None => Ok(Self { memlimit_kib, opslimit, parallelism }),
        }
    }

    /// Memory in KiB.
    pub const fn memlimit_kib(self) -> u32 {
        self.memlimit_kib
    }

    /// Passes over the memory.
    pub const fn opslimit(self) -> u32 {
        self.opslimit
    }

    /// Lanes.
    pub const fn parallelism(self) -> u32 {
        self.parallelism
    }

    /// The key that `password` gives; `salt` is within [`SALT_BYTES_READ`].
    pub(super) fn key(self, password: &Password, salt: &[u8]) -> Result<Key, OutOfMemory> {
        let params = Params::new(self.memlimit_kib, self.opslimit, self.parallelism, Some(32));
        let params = params.expect("the limits are inside those of Argon2");
        let mut memory = Zeroizing::new(Vec::<Block>::new()); // the key could be read from it
        let out_of_memory = OutOfMemory { memlimit_kib: self.memlimit_kib };
        memory.try_reserve_exact(params.block_count()).map_err(|_| out_of_memory)?;
        memory.resize(params.block_count(), Block::new());
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password.as_bytes(), salt, &mut *key, memory.as_mut_slice())
            .expect("password and salt are of a checked length");
        Ok(Key(key))
    }
}

/// What a password and a salt give: locks and unlocks.
pub(super) struct Key(Zeroizing<[u8; 32]>);

impl Key {
    /// `plain` locked: the authenticator, then as many bytes as `plain` has.
    pub fn lock(&self, nonce: &[u8; NONCE_BYTES], plain: &[u8]) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(plain.len() + TAG_BYTES); // never grows: no plain copy stays behind
        buffer.extend_from_slice(plain);
        self.cipher().encrypt_in_place(nonce.into(), b"", &mut buffer).expect("a vector has room");
        buffer
    }

    /// The plain bytes, `None` if the key is another or one bit has changed.
    pub fn unlock(&self, nonce: &[u8; NONCE_BYTES], locked: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut buffer = Zeroizing::new(locked.to_vec());
        self.cipher().decrypt_in_place(nonce.into(), b"", &mut *buffer).ok()?;
        Some(buffer)
    }

    fn cipher(&self) -> XSalsa20Poly1305 {
        XSalsa20Poly1305::new((&*self.0).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_within_its_limits() {
        let rows = [
            (MEMLIMIT_KIB_MIN - 1, 3, 1, Some("memlimit_kib")),
            (MEMLIMIT_KIB_MAX + 1, 3, 1, Some("memlimit_kib")),
            (MEMLIMIT_KIB_MIN, OPSLIMIT_MIN - 1, 1, Some("opslimit")),
            (MEMLIMIT_KIB_MIN, OPSLIMIT_MAX + 1, 1, Some("opslimit")),
            (MEMLIMIT_KIB_MIN, 3, 0, Some("parallelism")),
            (MEMLIMIT_KIB_MIN, 3, PARALLELISM_MAX + 1, Some("parallelism")),
            (MEMLIMIT_KIB_MIN, OPSLIMIT_MIN, 1, None),
            (MEMLIMIT_KIB_MAX, OPSLIMIT_MAX, PARALLELISM_MAX, None),
        ];
        for (memory, passes, lanes, refused) in rows {
            assert_eq!(Cost::new(memory, passes, lanes).err().map(|error| error.parameter), refused);
        }
    }

    #[test]
    fn one_changed_bit_does_not_unlock() {
        let (key, nonce) = (Key(Zeroizing::new([1; 32])), [2; NONCE_BYTES]);
        let locked = key.lock(&nonce, b"secret");
        assert_eq!(**key.unlock(&nonce, &locked).unwrap(), *b"secret");
        for byte in 0..locked.len() {
            let mut changed = locked.clone();
            changed[byte] ^= 1;
            assert!(key.unlock(&nonce, &changed).is_none());
        }
        assert!(key.unlock(&nonce, &locked[..TAG_BYTES - 1]).is_none());
        assert!(Key(Zeroizing::new([3; 32])).unlock(&nonce, &locked).is_none());
    }
}
