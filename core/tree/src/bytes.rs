//! Read bytes that a stranger sent.

use thiserror::Error;

/// Why bytes are no proof: whoever sent them is at fault. In the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadEncoding {
    /// More bytes than any proof of this kind may have.
    #[error("{got} bytes, at most {limit}")]
    TooLong {
        /** The named limit. */
        limit: usize,
        /** Bytes given. */
        got: usize,
    },
    /// The bytes end before the proof does.
    #[error("{missing} bytes missing")]
    Truncated {
        /** How many more a complete read needs. */
        missing: usize,
    },
    /// Bytes stand behind the proof.
    #[error("{extra} bytes too many")]
    Trailing {
        /** How many. */
        extra: usize,
    },
    /// A depth, length, index or kind that no proof has.
    #[error("{field} out of range: {got}")]
    Range {
        /** Which field. */
        field: &'static str,
        /** Its value. */
        got: u64,
    },
    /// A second way to write the same proof: an empty sibling in full, or padding that is not zero.
    #[error("not canonical: {field}")]
    NotCanonical {
        /** Which field. */
        field: &'static str,
    },
}

/// What is left to read.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], limit: usize) -> Result<Self, BadEncoding> {
        if bytes.len() > limit {
            return Err(BadEncoding::TooLong { limit, got: bytes.len() });
        }
        Ok(Self(bytes))
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], BadEncoding> {
        let (head, rest) = self.0.split_first_chunk().ok_or_else(|| self.truncated(N))?;
        self.0 = rest;
        Ok(*head)
    }

    pub(crate) fn slice(&mut self, len: usize) -> Result<&'a [u8], BadEncoding> {
        let (head, rest) = self.0.split_at_checked(len).ok_or_else(|| self.truncated(len))?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, BadEncoding> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn end(self) -> Result<(), BadEncoding> {
        match self.0.len() {
            0 => Ok(()),
            extra => Err(BadEncoding::Trailing { extra }),
        }
    }

    fn truncated(&self, wanted: usize) -> BadEncoding {
        BadEncoding::Truncated { missing: wanted.saturating_sub(self.0.len()) }
    }
}
