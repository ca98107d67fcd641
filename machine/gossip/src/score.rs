//! Think better or worse of a peer, and keep it to a pace.

use banyan_types::{Points, TimeMs};

use crate::limits::HALVE_MS;

/// The least score: a ban. Source: root 10.
const LEAST: i32 = -100;
/// The greatest.
const GREATEST: i32 = 20;
/// Parts of a point, so that halves of small scores are not lost.
const PARTS: i32 = 1_000;

/// A peer's score in [-100, 20], decaying by half each hour.
#[derive(Clone, Copy, Debug)]
pub struct Score {
    parts: i32,
    halved: TimeMs,
}

impl Score {
    /// A score as it stands now.
    pub fn new(points: Points, now: TimeMs) -> Self {
        Self { parts: i32::from(points.0).clamp(LEAST, GREATEST) * PARTS, halved: now }
    }

    /// Add points.
    pub fn add(&mut self, points: Points) {
        let sum = self.parts.saturating_add(i32::from(points.0) * PARTS);
        self.parts = sum.clamp(LEAST * PARTS, GREATEST * PARTS);
    }

    /// Halve it for every hour that has passed.
    pub fn decay(&mut self, now: TimeMs) {
        while self.parts != 0 && now.since(self.halved).is_some_and(|past| past >= HALVE_MS) {
            self.parts /= 2;
            self.halved = TimeMs(self.halved.0.saturating_add(HALVE_MS));
        }
        if self.parts == 0 {
            self.halved = now;
        }
    }

    /// In whole points.
    pub fn points(self) -> Points {
        Points(i8::try_from(self.parts / PARTS).unwrap_or(i8::MIN))
    }

    /// Whether it is the least.
    pub const fn is_least(self) -> bool {
        self.parts <= LEAST * PARTS
    }
}

/// So much each second, and so much in one burst.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    per_s: u64,
    burst: u64,
    /// Thousandths that are left.
    left: u64,
    filled: TimeMs,
}

impl Bucket {
    /// A full one.
    pub const fn new(per_s: u64, burst: u64, now: TimeMs) -> Self {
        Self { per_s, burst, left: burst.saturating_mul(1_000), filled: now }
    }

    /// Take so much, if there is as much.
    pub fn take(&mut self, much: u64, now: TimeMs) -> bool {
        let past = now.since(self.filled).unwrap_or(0);
        self.filled = self.filled.max(now);
        let full = self.burst.saturating_mul(1_000);
        self.left = self.left.saturating_add(past.saturating_mul(self.per_s)).min(full);
        let Some(left) = self.left.checked_sub(much.saturating_mul(1_000)) else { return false };
        self.left = left;
        true
    }
}
