//! Counters with a meaning: two like integers in one signature cannot be swapped.

macro_rules! counter {
    ($($(#[$doc:meta])+ $name:ident($int:ty);)+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $int);

        impl $name {
            /// The next one. `None` at the end of the range.
            pub const fn next(self) -> Option<Self> {
                match self.0.checked_add(1) { Some(next) => Some(Self(next)), None => None }
            }

            /// This and `more`. `None` on overflow.
            pub const fn plus(self, more: $int) -> Option<Self> {
                match self.0.checked_add(more) { Some(sum) => Some(Self(sum)), None => None }
            }

            /// How far this is above `other`. `None` if it is below.
            pub const fn since(self, other: Self) -> Option<$int> {
                self.0.checked_sub(other.0)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(&self.0, f)
            }
        }
    )+};
}

counter! {
    /// The number of a key block or of a child's block; the genesis has 0.
    Height(u64);
    /// The number of an account's transaction; the first has 1.
    Nonce(u64);
    /// Work that a transaction costs its ledger.
    Gas(u64);
    /// Base units for one [`Gas`].
    GasPrice(u128);
    /// Milliseconds since 1970, as a block says.
    TimeMs(u64);
    /// A span of key blocks with one set of witnesses.
    Era(u32);
    /// An attempt of an era's witnesses to agree; the first is 1.
    Round(u32);
}

impl Height {
    /// The one before. `None` at the genesis.
    pub const fn prev(self) -> Option<Self> {
        match self.0.checked_sub(1) {
            Some(prev) => Some(Self(prev)),
            None => None,
        }
    }
}
