//! What is known of one peer, and what was asked of it.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};

use banyan_types::{Hash, Height, Points, TimeMs, TxHash};

use crate::{
    limits::{
        BYTES_BURST, BYTES_PER_S, KNOWN_MAX, MESSAGES_BURST, MESSAGES_PER_S, POOL_BYTES_MAX, QUESTIONS_BURST,
        QUESTIONS_OPEN_MAX, QUESTIONS_PER_S, RECENT_MAX,
    },
    message::Status,
    ring::Ring,
    score::{Bucket, Score},
    want::Want,
};

/// One connection.
#[derive(Clone, Debug)]
pub struct PeerState {
    /// Since when.
    pub since: TimeMs,
    /// What it said of itself last; `None` before its hello.
    pub status: Option<Status>,
    /// It showed a key block that headers lead to, whatever it said before.
    pub more: bool,
    /// Blocks fetched by hash from it in a row.
    pub steps_back: u32,
    /// Until when it is asked for nothing that others could give.
    pub resting: TimeMs,
    /// Until when it is not asked for headers.
    pub headers_after: TimeMs,
    pub score: Score,
    messages: Bucket,
    bytes: Bucket,
    questions: Bucket,
    /// Blocks, votes and transactions that it has.
    pub known: Ring,
    /// Open questions, and when they were put.
    asked: BTreeMap<Want, TimeMs>,
    /// Closed ones.
    recent: VecDeque<Want>,
    /// Which transactions the open questions of [`Want::Txs`] are for.
    pub txs: BTreeMap<u64, TxsAsked>,
    /// Seals that were asked for and may be ones that it has sent before, but too early to be of use.
    pub seals: usize,
    /// Questions of this peer that are being looked up.
    pub looks: usize,
    /// Bytes of reconciliation that may still be sent.
    pub pool_bytes: usize,
    /// When its pace was last held against it.
    pub hurried: Option<TimeMs>,
}

impl PeerState {
    pub fn new(score: Points, now: TimeMs) -> Self {
        Self {
            since: now,
            status: None,
            more: false,
            steps_back: 0,
            resting: TimeMs(0),
            headers_after: TimeMs(0),
            score: Score::new(score, now),
            messages: Bucket::new(MESSAGES_PER_S, MESSAGES_BURST, now),
            bytes: Bucket::new(BYTES_PER_S, BYTES_BURST, now),
            questions: Bucket::new(QUESTIONS_PER_S, QUESTIONS_BURST, now),
            known: Ring::new(KNOWN_MAX),
            asked: BTreeMap::new(),
            recent: VecDeque::new(),
            txs: BTreeMap::new(),
            seals: 0,
            looks: 0,
            pool_bytes: POOL_BYTES_MAX,
            hurried: None,
        }
    }

    /// Whether it said who it is.
    pub const fn is_met(&self) -> bool {
        self.status.is_some()
    }

    /// Work that it claims.
    pub fn work(&self) -> u128 {
        self.status.map_or(0, |status| status.work)
    }

    /// Up to where its chain is final, as it says.
    pub fn final_height(&self) -> Height {
        self.status.map_or(Height(0), |status| status.final_height)
    }

    /// Height that it claims.
    pub fn height(&self) -> Height {
        self.status.map_or(Height(0), |status| status.height)
    }

    /// It keeps to the pace with a message that nobody asked for.
    pub fn paces(&mut self, bytes: usize, now: TimeMs) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.messages.take(1, now) && self.bytes.take(bytes, now)
    }

    /// Put a question, if this does not press the peer; one that is open is not put again.
    pub fn ask(&mut self, want: Want, now: TimeMs) -> bool {
        let free = self.asked.len() < QUESTIONS_OPEN_MAX && !self.asked.contains_key(&want);
        let may = free && self.is_met() && self.questions.take(1, now);
        if may {
            self.asked.insert(want, now);
        }
        may
    }

    /// Whether this question is open.
    pub fn awaits(&self, want: &Want) -> bool {
        self.asked.contains_key(want)
    }

    /// An answer came: to an open question, to one that is closed, or to none.
    pub fn answered(&mut self, want: Want) -> Answered {
        if self.asked.remove(&want).is_some() {
            self.close(want);
            Answered::Asked
        } else if self.recent.contains(&want) {
            Answered::Late
        } else {
            Answered::Unasked
        }
    }

    /// Whether anything by this hash was asked for lately.
    pub fn was_asked(&self, hash: &Hash) -> bool {
        self.recent.iter().any(|want| want.hash() == Some(*hash))
    }

    /// The transactions that a question is for; it will not be looked at again.
    pub fn take_txs(&mut self, want: &Want) -> Option<TxsAsked> {
        match want {
            Want::Txs(id) => self.txs.remove(id),
            _ => None,
        }
    }

    /// Open questions put before `then`, closed by this.
    pub fn take_late(&mut self, then: TimeMs) -> Vec<Want> {
        let late: Vec<_> = self.asked.iter().filter(|(_, at)| **at <= then).map(|(want, _)| *want).collect();
        for want in &late {
            self.asked.remove(want);
            self.close(*want);
        }
        late
    }

    /// When the oldest open question was put.
    pub fn oldest(&self) -> Option<TimeMs> {
        self.asked.values().min().copied()
    }

    /// All open questions.
    pub fn wants(&self) -> Vec<Want> {
        self.asked.keys().copied().collect()
    }

    /// Generations asked of it.
    pub fn generations(&self) -> usize {
        let range = Want::Generation(Hash::ZERO)..=Want::Generation(Hash([0xff; 32]));
        self.asked.range(range).count()
    }

    fn close(&mut self, want: Want) {
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(want);
    }
}

/// Transactions asked for.
#[derive(Clone, Debug)]
pub struct TxsAsked {
    /// The light block that lacks them; `None`: they are new.
    pub block: Option<Hash>,
    /// Which.
    pub hashes: Vec<TxHash>,
}

/// Whether something was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It was.
    Asked,
    /// It was, but the question is closed.
    Late,
    /// It was not.
    Unasked,
}
