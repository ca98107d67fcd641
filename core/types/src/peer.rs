//! Peers, as machines know them: a number and a score.

/// A connection to another node, as the shell numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer(pub u64);

/// Points of a peer's score, which lies in -100 to 20. Source: root 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Points(pub i8);

impl Points {
    /// For an invalid block, vote or seal.
    pub const INVALID: Self = Self(-100);
    /// For bytes that are not what they were said to be, and for answers that nobody asked for.
    pub const WRONG_BYTES: Self = Self(-20);
    /// For no answer in time.
    pub const NO_ANSWER: Self = Self(-5);
    /// For being the first to bring something that was wanted.
    pub const USEFUL: Self = Self(1);
}
