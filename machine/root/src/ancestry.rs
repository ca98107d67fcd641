//! What a key block's rules look at in the key blocks before it, wherever those are kept: in the tree, or in a run of
//! headers alone. Rules: protocol, root 4 (2, 3, 7 to 10) and 5.

use alloc::vec::Vec;

use banyan_types::{Height, TimeMs, header::KeyHeader};

use crate::{
    RootParams,
    target::{RETARGET_BLOCKS, Solved, Target, retarget},
    validity::{KeyFault, MEDIAN_BLOCKS},
};

/// Key headers below any block that its rules look at: 18 for the target, of which 11 for the median of times.
pub const HISTORY: usize = RETARGET_BLOCKS + 1;

/// The first height whose 11 key blocks before it do not include the genesis.
const MEDIAN_FROM: Height = Height(12);
/// The first height with a whole retarget window that does not include the genesis.
const RETARGET_FROM: Height = Height(19);

/// The newest key blocks of a chain, up to the one that the next is judged against.
#[derive(Clone, Debug)]
pub struct Ancestry {
    /// Of the newest.
    height: Height,
    /// Newest first, [`HISTORY`] at most: the genesis is among them or 18 are.
    newest: Vec<Solved>,
}

impl Ancestry {
    /// `newest` comes newest first and ends at the genesis or after [`HISTORY`] blocks.
    pub fn new(height: Height, newest: impl IntoIterator<Item = Solved>) -> Self {
        Self { height, newest: newest.into_iter().take(HISTORY).collect() }
    }

    /// Go on to the next key block, which has passed its rules.
    pub fn extend(&mut self, header: &KeyHeader) {
        self.newest.truncate(HISTORY - 1);
        self.newest.insert(0, solved(header));
        self.height = header.height;
    }

    /// The height of the newest.
    pub const fn height(&self) -> Height {
        self.height
    }

    /// The height of the next key block, as far as heights go.
    pub const fn next_height(&self) -> Height {
        Height(self.height.0.saturating_add(1))
    }

    /// Rules 7 to 10, for the key block that comes next and met `target`.
    pub fn judge(&self, params: &RootParams, header: &KeyHeader, target: Target, now: TimeMs) -> Result<(), KeyFault> {
        let expected = params.versions.at(self.next_height());
        if header.version != expected {
            return Err(KeyFault::Version { expected, got: header.version });
        }
        let expected = self.target(params);
        if target != expected {
            return Err(KeyFault::WrongTarget { expected, got: target });
        }
        let (time, latest) = (header.time, params.latest(now));
        if time > latest {
            return Err(KeyFault::Ahead { time, latest });
        }
        let least = self.paced_time(params);
        if time < least {
            return Err(KeyFault::TooSoon { time, least });
        }
        let past = self.past_time(params);
        if time <= past { Err(KeyFault::Late { time, past }) } else { Ok(()) }
    }

    /// The target of the next key block. Source: root 5.
    pub fn target(&self, params: &RootParams) -> Target {
        let headers: Vec<_> = self.newest.iter().rev().copied().collect();
        match <&[_; HISTORY]>::try_from(headers.as_slice()) {
            Ok(headers) if params.retarget && self.next_height() >= RETARGET_FROM => retarget(params.pace(), headers),
            _ => params.target_initial,
        }
    }

    /// What the time of the next key block must be above. Source: rule 10.
    pub fn past_time(&self, params: &RootParams) -> TimeMs {
        if self.next_height() < MEDIAN_FROM {
            return params.genesis_time;
        }
        let mut times: Vec<u64> = self.newest.iter().take(MEDIAN_BLOCKS).map(|solved| solved.time_ms).collect();
        times.sort_unstable();
        times.get(times.len() / 2).map_or(params.genesis_time, |median| TimeMs(*median))
    }

    /// The least time of the next key block on a paced chain, else 0. Source: rule 9.
    pub fn paced_time(&self, params: &RootParams) -> TimeMs {
        match self.newest.first().filter(|_| params.paced) {
            Some(before) => TimeMs(before.time_ms.saturating_add(params.key_interval_ms.get())),
            None => TimeMs(0),
        }
    }
}

/// Rules 2 and 3: the target that the header names, which its proof of work meets.
pub fn worked(params: &RootParams, header: &KeyHeader) -> Result<Target, KeyFault> {
    let target = Target::from_compact(header.target).map_err(KeyFault::Target)?;
    (params.checks.work)(header, params.edge_bits, &target).map_err(KeyFault::Work)?;
    Ok(target)
}

/// What later targets and medians read of a key header.
pub fn solved(header: &KeyHeader) -> Solved {
    // Only the genesis may name no target, and no retarget reads its.
    let target = Target::from_compact(header.target).unwrap_or(Target::HIGHEST);
    let TimeMs(time_ms) = header.time;
    Solved { time_ms, target }
}
