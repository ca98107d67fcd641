//! One look at the parent: what is final there, what stands in that state for the child, what the tip says.
//!
//! A final block is one that the judge names. Connection point and inbox are proven in the state after it; older final blocks
//! are found by walking headers down from it. Of the tip, which may lose, only what a remit needs is read: a lie there makes a
//! remit that the parent refuses, and no more.

use banyan_ledger::{ConnectionPoint, Genesis, ParentTip, key};
use banyan_node::{GenesisFile, NEARBY_HEIGHTS, inbox_next_at};
use banyan_types::{AccountId, AssociateId, Hash, Height, Nonce, associate::InboxEntry};
use banyan_wallet::{
    client::{Client, When},
    light::{Header, KEYS_MAX, Proven},
};
use std::collections::BTreeMap;

use crate::{
    ParentError, Trust,
    known::{Known, Shared},
    trust::Judge,
};

/// Headers of one request. Source: `/banyan/v1/headers`.
const HEADERS_MAX: u64 = 200;

/// Which parent, for which child.
#[derive(Debug, Clone)]
pub struct Config {
    /// Nodes of the parent: `http://HOST:PORT`, or with `/l/NAME`. The next one is asked when one fails.
    pub urls: Vec<String>,
    /// What is said to them, where the parent is private.
    pub token: Option<String>,
    /// The parent's genesis: what is followed is this ledger and no other.
    pub genesis: GenesisFile,
    /// How its nodes are believed.
    pub trust: Trust,
    /// The child.
    pub child: AssociateId,
    /// Pays for remits on the parent.
    pub payer: AccountId,
}

/// Somebody who looks.
pub(crate) struct Asker {
    clients: Vec<Client>,
    /// Which of them is asked.
    turn: usize,
    /// Whether it was seen to be of the parent.
    is_checked: bool,
    judge: Judge,
    genesis: Hash,
    child: AssociateId,
    payer: AccountId,
}

impl Asker {
    pub fn new(config: &Config) -> Result<Self, ParentError> {
        let clients = config.urls.iter().map(|url| {
            let client = Client::new(url)?;
            Ok(config.token.iter().fold(client, |client, token| client.with_token(token)))
        });
        let clients = clients.collect::<Result<Vec<_>, ParentError>>()?;
        if clients.is_empty() {
            return Err(ParentError::NoUrl);
        }
        let genesis: Genesis = config.genesis.genesis().map_err(ParentError::Genesis)?;
        let judge = Judge::new(&config.trust, &genesis)?;
        let (child, payer) = (config.child, config.payer);
        Ok(Self { clients, turn: 0, is_checked: false, judge, genesis: genesis.hash(), child, payer })
    }

    /// The node that is asked now.
    pub fn client(&self) -> &Client {
        &self.clients[self.turn % self.clients.len()]
    }

    /// Ask another one from now on.
    pub fn pass_on(&mut self) {
        self.turn = (self.turn + 1) % self.clients.len();
        self.is_checked = false;
    }

    /// How many nodes there are to ask.
    pub const fn nodes(&self) -> usize {
        self.clients.len()
    }

    /// Whether the node is of the parent at all: else whatever it shows would look like a lie.
    fn check_ledger(&mut self) -> Result<(), ParentError> {
        if self.is_checked {
            return Ok(());
        }
        let got = self.client().status()?.genesis;
        if !got.eq_ignore_ascii_case(&self.genesis.to_string()) {
            return Err(ParentError::OtherLedger { url: self.client().url(), expected: self.genesis, got });
        }
        self.is_checked = true;
        Ok(())
    }

    /// Everything for the first time.
    pub fn first(&mut self) -> Result<Known, ParentError> {
        self.check_ledger()?;
        let at = self.judge.final_block(&self.client().clone())?;
        let (tip, point) = self.final_state(at)?;
        let inbox = self.inbox(tip.hash, point.inbox_acked, point.inbox_next)?;
        let (top, nonce) = self.top()?;
        let top = later(top, &point);
        let (tips, answers, passed, trail) = <_>::default();
        let mut known = Known { tips, point, top, nonce, inbox, answers, passed, trail };
        known.add(tip);
        Ok(known)
    }

    /// What is new. True if anything is.
    pub fn look(&mut self, shared: &Shared) -> Result<bool, ParentError> {
        self.check_ledger()?;
        let held = shared.known().tip();
        let at = self.judge.final_block(&self.client().clone())?;
        let mut moved = false;
        if held.is_none_or(|held| at != When::Block(held.hash)) {
            moved |= self.take_final(shared, at, held)?;
        }
        let (top, nonce) = self.top()?;
        {
            let mut known = shared.known_mut();
            let top = later(top, &known.point);
            moved |= (&top, nonce) != (&known.top, known.nonce);
            (known.top, known.nonce) = (top, nonce);
        }
        for height in shared.asked() {
            moved |= self.answer(shared, height)?;
        }
        Ok(moved)
    }

    fn take_final(&self, shared: &Shared, at: When, held: Option<ParentTip>) -> Result<bool, ParentError> {
        let (tip, point) = self.final_state(at)?;
        self.judge.check_floor(tip.height, held.map(|held| (held.height, held.hash)))?;
        if held.is_some_and(|held| held.hash == tip.hash) {
            return Ok(false);
        }
        let from = shared.known().inbox.last_key_value().map_or(0, |(n, _)| n.saturating_add(1));
        let fresh = self.inbox(tip.hash, from.max(point.inbox_acked), point.inbox_next)?;
        let mut known = shared.known_mut();
        known.inbox.extend(fresh);
        // What a summary has settled is settled on the child for longer.
        known.inbox = known.inbox.split_off(&point.inbox_acked);
        known.point = point;
        known.add(tip);
        Ok(true)
    }

    /// A final block, and the child's connection point in its state.
    fn final_state(&self, at: When) -> Result<(ParentTip, ConnectionPoint), ParentError> {
        let proven = self.client().prove(&[key::point(self.child)], at)?;
        let point = self.point(&proven)?;
        let tip = tip(proven.block(), proven.header(), point.inbox_next).ok_or(ParentError::NothingFinal)?;
        Ok((tip, point))
    }

    fn point(&self, proven: &Proven) -> Result<ConnectionPoint, ParentError> {
        let point = proven.point(self.child).map_err(banyan_wallet::client::ClientError::from)?;
        point.ok_or(ParentError::Unregistered { child: self.child, height: proven.header().height() })
    }

    /// Connection point and next nonce at the tip.
    fn top(&self) -> Result<(ConnectionPoint, Nonce), ParentError> {
        let proven = self.client().prove(&[key::point(self.child), key::account(self.payer)], When::Top)?;
        let payer = proven.account(self.payer).map_err(banyan_wallet::client::ClientError::from)?;
        Ok((self.point(&proven)?, payer.and_then(|payer| payer.nonce.next()).unwrap_or(Nonce(1))))
    }

    /// Entries `from..to` of the inbox, proven in the state after a final block.
    fn inbox(&self, block: Hash, from: u64, to: u64) -> Result<BTreeMap<u64, InboxEntry>, ParentError> {
        let mut entries = BTreeMap::new();
        let numbers: Vec<u64> = (from..to).collect();
        for part in numbers.chunks(KEYS_MAX) {
            let keys: Vec<_> = part.iter().map(|n| key::inbox(self.child, *n)).collect();
            let proven = self.client().prove(&keys, When::Block(block))?;
            for n in part {
                let entry = proven.inbox_entry(self.child, *n).map_err(banyan_wallet::client::ClientError::from)?;
                entries.extend(entry.map(|entry| (*n, entry)));
            }
        }
        Ok(entries)
    }

    /// Find the final block at a height that was asked for.
    fn answer(&self, shared: &Shared, height: Height) -> Result<bool, ParentError> {
        if shared.known().tip().is_none_or(|tip| tip.height < height) {
            return Ok(false);
        }
        if let Some(found) = self.find(shared, height)? {
            let mut known = shared.known_mut();
            if found.height == height {
                known.add(found);
            }
            known.answer(height, found);
        }
        shared.answered(height);
        // Its header is known by now, if nothing else.
        Ok(true)
    }

    fn find(&self, shared: &Shared, height: Height) -> Result<Option<ParentTip>, ParentError> {
        let header = self.header_at(shared, height)?;
        if let Some(tip) = tip(header.hash(), &header, 0) {
            shared.known_mut().pass(tip);
        }
        // Exactly, where its state is kept there.
        match self.final_state(When::Block(header.hash())) {
            Ok((tip, _)) => return Ok(Some(tip)),
            Err(ParentError::Client(error)) if error.is_gone() || error.is_unknown() => {}
            Err(ParentError::Unregistered { .. }) => return Ok(tip(header.hash(), &header, 0)),
            Err(error) => return Err(error),
        }
        let closes = matches!(header, Header::Child(_));
        for height in (height.0.saturating_sub(NEARBY_HEIGHTS)..=height.0).rev().map(Height) {
            let known = shared.known();
            let inbox_next = inbox_next_at(&known.point, known.inbox.values(), height, closes);
            drop(known);
            if let Some(inbox_next) = inbox_next {
                let header = self.header_at(shared, height)?;
                return Ok(tip(header.hash(), &header, inbox_next));
            }
        }
        Ok(None)
    }

    /// The header of the final block at a height, by the links from a final block above it.
    fn header_at(&self, shared: &Shared, height: Height) -> Result<Header, ParentError> {
        loop {
            let above = shared.known().trail.range(height..).next().map(|(at, hash)| (*at, *hash));
            let (at, hash) = above.ok_or(ParentError::NothingFinal)?;
            let from = Height(at.0.saturating_sub(HEADERS_MAX - 1)).max(height);
            let headers = self.client().headers(from, at.0 - from.0 + 1)?;
            let unlinked = || ParentError::Unlinked { above: at };
            let mut wanted = (at, hash);
            let mut known = shared.known_mut();
            let mut lowest = None;
            for header in headers.into_iter().rev() {
                if (header.height(), header.hash()) != wanted {
                    return Err(unlinked());
                }
                known.trail.insert(wanted.0, wanted.1);
                wanted = (Height(wanted.0.0.wrapping_sub(1)), before(&header).ok_or_else(unlinked)?);
                lowest = Some(header);
            }
            match lowest {
                Some(header) if header.height() == height => return Ok(header),
                // Next time from there.
                Some(_) => drop(known.trail.insert(wanted.0, wanted.1)),
                None => return Err(unlinked()),
            }
        }
    }
}

/// A tip that knows less than what is final is a node's that is behind, or lies.
fn later(top: ConnectionPoint, point: &ConnectionPoint) -> ConnectionPoint {
    if top.point.seq < point.point.seq { point.clone() } else { top }
}

/// A final block as a child sees it; `None` for one that is never final by itself.
fn tip(hash: Hash, header: &Header, inbox_next: u64) -> Option<ParentTip> {
    let (height, time, root_height, entropy) = match header {
        Header::Key(header) => (header.height, header.time, header.height, header.entropy()),
        Header::Micro(_) => return None,
        Header::Child(header) => (header.height, header.time_ms, header.root_height, header.entropy),
    };
    Some(ParentTip { hash, height, time, root_height, entropy, inbox_next })
}

/// The block that starts the height before.
fn before(header: &Header) -> Option<Hash> {
    match header {
        Header::Key(header) => Some(header.prev_key_hash),
        Header::Micro(_) => None,
        Header::Child(header) => Some(header.prev_hash),
    }
}
