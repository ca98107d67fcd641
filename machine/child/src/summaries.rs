//! When to summarise, and which blocks: one summary under way, in order, none larger than the parent takes.
//!
//! Blocks since the last accepted summary are gathered into pieces as they come, each as long as a summary may be. The
//! first piece that is under way stays as it is: its number must never name other blocks.

use alloc::collections::VecDeque;

use banyan_types::{
    Height, TimeMs,
    limits::{INBOX_ACKED_PER_REMIT_MAX, REMIT_LINES_MAX},
};

/// Heartbeats in a silence: so many summaries may be lost before the child counts as dead. Source: associates 5.
const HEARTBEATS_PER_SILENCE: u64 = 20;

/// Pieces that may wait for acceptance: 65 million withdrawals. Past them no more blocks are made.
pub const PIECES_MAX: usize = 65_536;

/// What a child's connection point fixes for its summaries. Source: associates 2, 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SummaryParams {
    /// Parent heights without an accepted summary after which the child is dead.
    pub silence: u64,
    /// Withdrawals in one summary, at most.
    pub lines_max: u64,
    /// A summary without an answer is sent again after this long, in milliseconds.
    pub resend_ms: u64,
}

impl SummaryParams {
    /// The profile `dev`, with the connection point's `silence`.
    pub const fn dev(silence: u64) -> Self {
        Self { silence, lines_max: REMIT_LINES_MAX as u64, resend_ms: 10_000 }
    }

    /// Parent heights between two summaries that carry nothing.
    fn heartbeat(&self) -> u64 {
        (self.silence / HEARTBEATS_PER_SILENCE).max(1)
    }
}

/// The blocks of a summary: above `from`, up to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Number of the summary, from 1.
    pub seq: u64,
    /// Where the last accepted summary ended.
    pub from: Height,
    /// Where this one ends.
    pub to: Height,
}

/// What summaries need to know of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The block.
    pub height: Height,
    /// The parent height that it names.
    pub parent_height: Height,
    /// Outbox entries below this number exist after it.
    pub outbox_to: u64,
    /// Inbox entries below this number are settled after it.
    pub inbox_to: u64,
    /// Inbox entries that carry money and were settled by it.
    pub settled: u32,
}

/// Blocks up to `end`, and whether they bring anything that somebody waits for.
#[derive(Clone, Copy, Debug)]
struct Piece {
    end: Mark,
    has_work: bool,
}

/// The summaries of one child.
#[derive(Clone, Debug)]
pub struct Summaries {
    /// Number of the last accepted summary.
    accepted: u64,
    /// Where it ends: where the next one begins. A node that is behind may not have that block yet.
    accepted_to: Height,
    /// The last block that it covers and that is known here.
    base: Mark,
    pieces: VecDeque<Piece>,
    stage: Stage,
}

/// How far the next summary is.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// None is under way.
    Quiet,
    /// Its range is being written down.
    Persisting(Range),
    /// It is with the parent, or on its way, since this time.
    Sent(Range, TimeMs),
}

impl Summaries {
    /// After the summary of this number was accepted, which ends at `accepted_to`; `base` is the last block that it covers
    /// and that is known, `under_way` the newest range that was written down.
    pub fn new((accepted, accepted_to): (u64, Height), base: Mark, under_way: Option<Range>) -> Self {
        let under_way = under_way.filter(|range| range.seq == accepted + 1);
        // Sent long ago, as far as this run knows: it goes out again at once.
        let stage = under_way.map_or(Stage::Quiet, |range| Stage::Sent(range, TimeMs(0)));
        Self { accepted, accepted_to, base, pieces: VecDeque::new(), stage }
    }

    /// A block was committed.
    pub fn push(&mut self, params: &SummaryParams, block: Mark) {
        if block.height <= self.accepted_to {
            self.base = block; // the parent has heard of it from somebody else
            return;
        }
        let before = self.pieces.back().map_or(self.base, |piece| piece.end);
        let has_work = block.settled > 0 || block.outbox_to > before.outbox_to;
        match self.pieces.len().checked_sub(1) {
            Some(last) if self.may_extend(params, last, &block) => {
                let piece = &mut self.pieces[last];
                *piece = Piece { end: block, has_work: piece.has_work || has_work };
            }
            _ => self.pieces.push_back(Piece { end: block, has_work }),
        }
    }

    fn may_extend(&self, params: &SummaryParams, last: usize, block: &Mark) -> bool {
        let start = if last == 0 { self.base } else { self.pieces[last - 1].end };
        // What is under way stays as it is, also when a restart gathers its blocks again.
        let ends = self.pieces[last].end.height;
        let crosses = self.under_way().is_some_and(|range| ends <= range.to && range.to < block.height);
        !crosses
            && block.outbox_to.saturating_sub(start.outbox_to) <= params.lines_max
            && block.inbox_to.saturating_sub(start.inbox_to) <= INBOX_ACKED_PER_REMIT_MAX
    }

    /// Whether more blocks would be more than can be kept in mind.
    pub fn is_full(&self) -> bool {
        self.pieces.len() >= PIECES_MAX
    }

    /// Whether the parent has a summary of blocks above this one: who has only come so far has to catch up before he makes
    /// any, since the parent may not keep any more what they settle.
    pub fn is_ahead_of(&self, height: Height) -> bool {
        self.accepted_to > height
    }

    /// The range to write down now: there is work, or the parent has not heard of this child for a while.
    pub fn begin(&mut self, params: &SummaryParams) -> Option<Range> {
        let (first, last) = (self.pieces.front()?, self.pieces.back()?);
        let silent = last.end.parent_height.since(self.base.parent_height).unwrap_or(0);
        let due = silent >= params.heartbeat() || self.pieces.iter().any(|piece| piece.has_work);
        if !due || !matches!(self.stage, Stage::Quiet) {
            return None;
        }
        let range = Range { seq: self.accepted + 1, from: self.accepted_to, to: first.end.height };
        self.stage = Stage::Persisting(range);
        Some(range)
    }

    /// The range under way is on disk, or has waited for an answer long enough: it goes out, at `now`.
    pub fn send(&mut self, params: &SummaryParams, now: TimeMs) -> Option<Range> {
        let due = self.resend_due(params)?;
        let range = self.under_way().filter(|_| due <= now)?;
        self.stage = Stage::Sent(range, now);
        Some(range)
    }

    /// The range is on disk.
    pub fn persisted(&mut self) {
        if let Stage::Persisting(range) = self.stage {
            self.stage = Stage::Sent(range, TimeMs(0));
        }
    }

    /// When the summary under way goes out again.
    pub fn resend_due(&self, params: &SummaryParams) -> Option<TimeMs> {
        match self.stage {
            Stage::Sent(_, TimeMs(0)) => Some(TimeMs(0)),
            Stage::Sent(_, at) => at.plus(params.resend_ms),
            Stage::Quiet | Stage::Persisting(_) => None,
        }
    }

    /// The parent has accepted a summary. An old one is no news.
    pub fn accept(&mut self, seq: u64, child_to: Height) {
        if seq <= self.accepted {
            return;
        }
        self.accepted = seq;
        if self.under_way().is_some_and(|range| range.seq <= seq) {
            self.stage = Stage::Quiet;
        }
        while let Some(piece) = self.pieces.pop_front_if(|piece| piece.end.height <= child_to) {
            self.base = piece.end;
        }
        self.accepted_to = self.accepted_to.max(child_to);
    }

    const fn under_way(&self) -> Option<Range> {
        match self.stage {
            Stage::Persisting(range) | Stage::Sent(range, _) => Some(range),
            Stage::Quiet => None,
        }
    }
}
