//! Decide who may be spoken with: bans, the allow-list, drills, and room.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    time::Duration,
};

use banyan_types::PublicKey;
use libp2p::swarm::ConnectionId;

use crate::{Config, Reason, file::now_s, key::key_text, parse_key};

/// Connections that have not proven a key yet.
const PENDING_MAX: usize = 32;
/// Bans kept; past them the one that ends first goes.
const BANS_MAX: usize = 4_096;

/// Somebody who is not spoken with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ban {
    /// Whose key.
    pub key: PublicKey,
    /// From where, as keys cost nothing; `None` on this machine.
    pub ip: Option<IpAddr>,
    /// Until when, in seconds since 1970.
    pub until_s: u64,
}

pub(crate) struct Gate {
    own: PublicKey,
    allow: Option<BTreeSet<PublicKey>>,
    inbound_max: usize,
    per_ip_max: usize,
    cut: BTreeSet<PublicKey>,
    bans: BTreeMap<PublicKey, (Option<IpAddr>, u64)>,
    inbound: HashMap<ConnectionId, Caller>,
}

struct Caller {
    ip: Option<IpAddr>,
    proven: bool,
}

/// A ban as it stands in the file: key, address, end.
pub(crate) type BanRow = (String, Option<IpAddr>, u64);

impl Gate {
    pub(crate) fn new(config: &Config, own: PublicKey, rows: Vec<BanRow>) -> Self {
        let bans = rows.into_iter().filter_map(|(key, ip, until)| Some((parse_key(&key).ok()?, (ip, until))));
        Self {
            own,
            allow: config.allow.clone(),
            inbound_max: config.inbound_max,
            per_ip_max: config.inbound_per_ip_max,
            cut: BTreeSet::new(),
            bans: bans.collect(),
            inbound: HashMap::new(),
        }
    }

    /// Before a caller has said anything.
    pub(crate) fn ring(&mut self, id: ConnectionId, ip: Option<IpAddr>) -> Result<(), Reason> {
        let remote = ip.filter(|ip| !ip.to_canonical().is_loopback());
        if remote.is_some_and(|ip| self.banned_ip(ip)) {
            return Err(Reason::Banned);
        }
        let pending = self.inbound.values().filter(|caller| !caller.proven).count();
        room(pending, PENDING_MAX)?;
        room(self.inbound.len() - pending, self.inbound_max)?;
        if remote.is_some() {
            room(self.inbound.values().filter(|caller| caller.ip == remote).count(), self.per_ip_max)?;
        }
        self.inbound.insert(id, Caller { ip: remote, proven: false });
        Ok(())
    }

    /// When a caller has proven its key.
    pub(crate) fn admit(&mut self, id: ConnectionId, key: &PublicKey) -> Result<(), Reason> {
        self.check(key)?;
        let proven = self.inbound.values().filter(|caller| caller.proven).count();
        room(proven, self.inbound_max)?;
        if let Some(caller) = self.inbound.get_mut(&id) {
            caller.proven = true;
        }
        Ok(())
    }

    /// Whether this key may be spoken with at all.
    pub(crate) fn check(&self, key: &PublicKey) -> Result<(), Reason> {
        if *key == self.own {
            return Err(Reason::Own);
        }
        if self.bans.get(key).is_some_and(|(_, until)| *until > now_s()) {
            return Err(Reason::Banned);
        }
        if self.allow.as_ref().is_some_and(|allow| !allow.contains(key)) {
            return Err(Reason::NotAllowed);
        }
        if self.cut.contains(key) {
            return Err(Reason::Cut);
        }
        Ok(())
    }

    pub(crate) fn banned_ip(&self, ip: IpAddr) -> bool {
        self.bans.values().any(|(banned, until)| *banned == Some(ip) && *until > now_s())
    }

    pub(crate) fn forget(&mut self, id: ConnectionId) {
        self.inbound.remove(&id);
    }

    pub(crate) fn ban(&mut self, key: PublicKey, ip: IpAddr, time: Duration) {
        let now = now_s();
        self.bans.retain(|_, (_, until)| *until > now);
        if self.bans.len() >= BANS_MAX {
            let first = self.bans.iter().min_by_key(|(_, (_, until))| *until).map(|(key, _)| *key);
            first.and_then(|key| self.bans.remove(&key));
        }
        let ip = Some(ip).filter(|ip| !ip.to_canonical().is_loopback());
        self.bans.insert(key, (ip, now.saturating_add(time.as_secs().max(1))));
    }

    pub(crate) fn lift(&mut self, key: &PublicKey) -> bool {
        self.bans.remove(key).is_some()
    }

    pub(crate) fn cut(&mut self, key: PublicKey) {
        self.cut.insert(key);
    }

    pub(crate) fn join(&mut self, key: &PublicKey) {
        self.cut.remove(key);
    }

    pub(crate) fn bans(&self) -> Vec<Ban> {
        let now = now_s();
        let live = self.bans.iter().filter(|(_, (_, until))| *until > now);
        live.map(|(key, (ip, until_s))| Ban { key: *key, ip: *ip, until_s: *until_s }).collect()
    }

    pub(crate) fn rows(&self) -> Vec<BanRow> {
        self.bans().into_iter().map(|ban| (key_text(&ban.key), ban.ip, ban.until_s)).collect()
    }
}

fn room(used: usize, max: usize) -> Result<(), Reason> {
    if used < max { Ok(()) } else { Err(Reason::Full { used, max }) }
}
