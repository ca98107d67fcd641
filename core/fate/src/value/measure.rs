//! What a walk over a value would find, known without walking.

use super::{Value, count};

/// Somewhere inside is a map that lies in the store.
const STORE_MAP: u8 = 1;
/// Somewhere inside is a map of either form.
const MAP: u8 = 2;

/// Size of a value as a tree: what several places share counts several times, so the numbers saturate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measure {
    /// Nodes, as the gas rules count them (fate 6.3).
    pub nodes: u64,
    /// Bytes of all leaves.
    pub bytes: u64,
    /// Values inside values; a leaf has 0.
    pub depth: u32,
    flags: u8,
}

impl Measure {
    /// A leaf of so many bytes.
    pub const fn leaf(bytes: u64) -> Self {
        Self { nodes: 1, bytes, depth: 0, flags: 0 }
    }

    /// So many bytes and nothing else.
    pub const fn bytes(bytes: u64) -> Self {
        Self { nodes: 0, bytes, depth: 0, flags: 0 }
    }

    /// So many nodes and nothing else.
    pub const fn nodes(nodes: u64) -> Self {
        Self { nodes, bytes: 0, depth: 0, flags: 0 }
    }

    /// Both, side by side.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            nodes: self.nodes.saturating_add(other.nodes),
            bytes: self.bytes.saturating_add(other.bytes),
            depth: self.depth.max(other.depth),
            flags: self.flags | other.flags,
        }
    }

    /// One level further down.
    #[must_use]
    pub const fn nested(self) -> Self {
        Self { depth: self.depth.saturating_add(1), ..self }
    }

    /// With the mark of a map in memory.
    #[must_use]
    pub const fn with_map(self) -> Self {
        Self { flags: self.flags | MAP, ..self }
    }

    /// With the mark of a map in the store.
    #[must_use]
    pub const fn with_store_map(self) -> Self {
        Self { flags: self.flags | MAP | STORE_MAP, ..self }
    }

    /// Whether a map of either form is inside.
    pub const fn has_map(self) -> bool {
        self.flags & MAP != 0
    }

    /// Whether a map that lies in the store is inside.
    pub const fn has_store_map(self) -> bool {
        self.flags & STORE_MAP != 0
    }

    /// All of these, side by side.
    pub fn sum(items: &[Value]) -> Self {
        items.iter().fold(Self::default(), |sum, item| sum.and(item.measure()))
    }
}

impl Value {
    /// The size of this value as a tree.
    pub fn measure(&self) -> Measure {
        match self {
            Self::Int(n) => Measure::leaf(small_bytes(*n)),
            Self::Big(n) | Self::Bits(n) => Measure::leaf(n.bits().div_ceil(8).max(1)),
            Self::Bool(_) | Self::Unit | Self::Gone | Self::Type(_) => Measure::leaf(1),
            Self::String(bytes) | Self::Bytes(bytes) | Self::Code(bytes) => Measure::leaf(count(bytes.len())),
            Self::Object(..) => Measure::leaf(32),
            Self::Tuple(tuple) => tuple.measure(),
            Self::Variant(variant) => variant.measure(),
            Self::List(list) => list.measure(),
            Self::Map(map) => map.measure(),
            Self::StoreMap(map) => map.measure(),
        }
    }
}

/// Bytes of the absolute value, at least one.
fn small_bytes(n: i64) -> u64 {
    let bits = u64::from(u64::BITS.saturating_sub(n.unsigned_abs().leading_zeros()));
    bits.div_ceil(8).max(1)
}
