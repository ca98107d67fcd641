//! Remember where nodes are, and choose whom to call next.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use banyan_types::PublicKey;
use serde::{Deserialize, Serialize};

use crate::{PeerAddr, address::subnet};

/// Addresses kept.
pub(crate) const BOOK_MAX: usize = 1_024;
/// Addresses kept of one subnet, so that nobody fills the book from one place; this machine's own are exempt.
const SUBNET_MAX: usize = 32;
/// Wait after the first failed call; it doubles with each.
const BACKOFF: Duration = Duration::from_millis(500);
/// Doublings of [`BACKOFF`]: about 8 minutes at most.
const BACKOFF_DOUBLINGS_MAX: u32 = 10;
/// Doublings for those whom the operator named: a second at most, since without them a node may be alone.
const BOOT_DOUBLINGS_MAX: u32 = 1;
/// Failed calls after which an address that never answered is forgotten.
const FAILURES_MAX: u32 = 10;

#[derive(Default)]
pub(crate) struct Book {
    entries: BTreeMap<SocketAddr, Entry>,
    anchors: Vec<SocketAddr>,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    key: Option<PublicKey>,
    /// Named by the operator: never forgotten.
    boot: bool,
    /// It has answered, in this run or an earlier one.
    met: bool,
    failures: u32,
    not_before: Option<Instant>,
}

/// The book as it stands in the file.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct BookFile {
    peers: Vec<String>,
    anchors: Vec<SocketAddr>,
}

impl Book {
    pub(crate) fn new(file: &BookFile, boot: &[PeerAddr]) -> Self {
        let mut known = Self { anchors: file.anchors.clone(), ..Self::default() };
        for address in file.peers.iter().filter_map(|text| text.parse().ok()) {
            known.learn(address);
        }
        for PeerAddr { key, address } in boot {
            known.entries.insert(*address, Entry { key: *key, boot: true, ..Entry::default() });
        }
        known
    }

    /// Take what somebody says: it never displaces what is known better.
    pub(crate) fn learn(&mut self, new: PeerAddr) {
        let ip = new.address.ip();
        if new.address.port() == 0
            || ip.is_unspecified()
            || ip.is_multicast()
            || self.entries.contains_key(&new.address)
        {
            return;
        }
        let near = subnet(ip);
        let crowd = self.entries.keys().filter(|address| near.is_some() && subnet(address.ip()) == near).count();
        if crowd >= SUBNET_MAX || (self.entries.len() >= BOOK_MAX && !self.make_room()) {
            return;
        }
        self.entries.insert(new.address, Entry { key: new.key, ..Entry::default() });
    }

    fn make_room(&mut self) -> bool {
        let lost = |entry: &Entry| entry.failures > if entry.met { FAILURES_MAX } else { 0 };
        let weak = self.entries.iter().filter(|(_, entry)| !entry.boot && lost(entry));
        let worst = weak.max_by_key(|(_, entry)| entry.failures).map(|(address, _)| *address);
        worst.is_some_and(|address| self.entries.remove(&address).is_some())
    }

    /// A call was answered by this key.
    pub(crate) fn met(&mut self, address: SocketAddr, key: PublicKey) {
        self.learn(PeerAddr { key: Some(key), address });
        if let Some(entry) = self.entries.get_mut(&address) {
            *entry = Entry { key: Some(key), boot: entry.boot, met: true, ..Entry::default() };
        }
    }

    /// A call led to nothing, or a connection ended in a way that calls for a pause.
    pub(crate) fn failed(&mut self, address: SocketAddr, now: Instant) {
        let Some(entry) = self.entries.get_mut(&address) else { return };
        let doublings_max = if entry.boot { BOOT_DOUBLINGS_MAX } else { BACKOFF_DOUBLINGS_MAX };
        entry.not_before = now.checked_add(BACKOFF * (1 << entry.failures.min(doublings_max)));
        entry.failures = entry.failures.saturating_add(1);
        if entry.failures > FAILURES_MAX && !entry.boot && !entry.met {
            self.entries.remove(&address);
        }
    }

    /// It is this node, or speaks of another network: nothing to call.
    pub(crate) fn forget(&mut self, address: SocketAddr) {
        self.entries.remove(&address);
    }

    /// Whom to call: an anchor, or else whoever `random` points to among those that are due and not refused by `skip`.
    pub(crate) fn choose(&self, now: Instant, random: u64, skip: impl Fn(&PeerAddr) -> bool) -> Option<PeerAddr> {
        let due = self.entries.iter().filter(|(_, entry)| entry.not_before.is_none_or(|time| time <= now));
        let free = due.map(|(address, entry)| PeerAddr { key: entry.key, address: *address }).filter(|to| !skip(to));
        let free: Vec<_> = free.collect();
        let anchor = free.iter().find(|to| self.anchors.contains(&to.address));
        anchor.or_else(|| free.get(index(random, free.len()))).copied()
    }

    /// An address that was never answered from, for a feeler.
    pub(crate) fn untried(&self, random: u64) -> Option<PeerAddr> {
        let fresh = self.entries.iter().filter(|(_, entry)| !entry.met && entry.failures == 0);
        let fresh: Vec<_> = fresh.map(|(address, entry)| PeerAddr { key: entry.key, address: *address }).collect();
        fresh.get(index(random, fresh.len())).copied()
    }

    /// Everything known.
    pub(crate) fn known(&self) -> Vec<PeerAddr> {
        self.entries.iter().map(|(address, entry)| PeerAddr { key: entry.key, address: *address }).collect()
    }

    /// What to keep, with the addresses to call first after a restart.
    pub(crate) fn file(&self, anchors: Vec<SocketAddr>) -> BookFile {
        BookFile { peers: self.known().iter().map(ToString::to_string).collect(), anchors }
    }
}

fn index(random: u64, len: usize) -> usize {
    usize::try_from(random % (len.max(1) as u64)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ip: &str) -> PeerAddr {
        PeerAddr { key: None, address: format!("{ip}:3015").parse().unwrap() }
    }

    #[test]
    fn the_book_is_bounded_whatever_is_told() {
        let mut book = Book::default();
        for n in 0..20_000_u32 {
            let [_, b, c, d] = n.wrapping_mul(65_521).to_be_bytes();
            book.learn(at(&format!("10.{b}.{c}.{d}")));
        }
        assert_eq!(book.known().len(), BOOK_MAX);
    }

    #[test]
    fn one_subnet_does_not_fill_the_book() {
        let mut book = Book::default();
        (0..200).for_each(|n| book.learn(at(&format!("10.1.2.{n}"))));
        assert_eq!(book.known().len(), SUBNET_MAX);
    }

    #[test]
    fn a_failed_call_waits_longer_each_time() {
        let (mut book, start) = (Book::default(), Instant::now());
        book.learn(at("10.1.1.1"));
        let next = |book: &Book, after: Duration| book.choose(start + after, 0, |_| false);
        book.failed(at("10.1.1.1").address, start);
        assert_eq!(next(&book, BACKOFF / 2), None);
        assert_eq!(next(&book, BACKOFF), Some(at("10.1.1.1")));
        book.failed(at("10.1.1.1").address, start);
        assert_eq!(next(&book, BACKOFF), None);
        assert_eq!(next(&book, BACKOFF * 2), Some(at("10.1.1.1")));
    }

    #[test]
    fn anchors_are_called_first_after_a_restart() {
        let mut book = Book::default();
        (0..20).for_each(|n| book.learn(at(&format!("10.{n}.1.1"))));
        let book = Book::new(&book.file(vec![at("10.7.1.1").address]), &[]);
        for random in 0..20 {
            assert_eq!(book.choose(Instant::now(), random, |_| false), Some(at("10.7.1.1")));
        }
    }
}
