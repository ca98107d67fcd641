//! The machine: take one input, let each part do its own, say when to wake.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use banyan_types::{Hash, Peer, Points, TimeMs, TxHash};

use crate::{
    Effect, Found, Input, Look, LookId, Message, Params, Why,
    dice::Dice,
    light::Lights,
    limits::{ANSWER_MS, BAN_MS, DELIVERED_MAX, LOOKS_OPEN_MAX, REFUSED_MAX, SEALS_MAX, SEEN_TXS_MAX},
    message::Status,
    peer::PeerState,
    pool::PoolSet,
    ring::Ring,
    serve::Asker,
    sync::Sync,
    want::Want,
};

/// What one node says to its peers, and asks of them.
#[derive(Clone, Debug)]
pub struct Gossip {
    pub(crate) params: Params,
    pub(crate) now: TimeMs,
    pub(crate) dice: Dice,
    /// Where this node stands.
    pub(crate) status: Status,
    pub(crate) peers: BTreeMap<Peer, PeerState>,
    /// Questions to the shell, and who is to have the answer.
    pub(crate) looks: BTreeMap<LookId, Asker>,
    look: u64,
    pub(crate) question: u64,
    pub(crate) sync: Sync,
    pub(crate) lights: Lights,
    /// Blocks asked for by hash, and of whom.
    pub(crate) fetching: BTreeMap<Hash, Vec<Peer>>,
    /// Blocks that the root machine was given or gave.
    pub(crate) delivered: Ring,
    /// Blocks that it refused.
    pub(crate) refused: Ring,
    pub(crate) pool: PoolSet,
    /// Transactions that the pool was given.
    pub(crate) seen_txs: Ring,
    /// Transactions asked for.
    pub(crate) asked_txs: BTreeSet<TxHash>,
    /// When pools are compared next.
    pub(crate) round: TimeMs,
    wake: Option<TimeMs>,
}

impl Gossip {
    /// A node without peers. `seed` draws whom it talks to: another one at each start.
    pub fn new(params: Params, status: Status, seed: [u8; 32]) -> Self {
        Self {
            params,
            now: TimeMs(0),
            dice: Dice::new(seed),
            status,
            peers: BTreeMap::new(),
            looks: BTreeMap::new(),
            look: 0,
            question: 0,
            sync: Sync::default(),
            lights: Lights::default(),
            fetching: BTreeMap::new(),
            delivered: Ring::new(DELIVERED_MAX),
            refused: Ring::new(REFUSED_MAX),
            pool: PoolSet::default(),
            seen_txs: Ring::new(SEEN_TXS_MAX),
            asked_txs: BTreeSet::new(),
            round: TimeMs(0),
            wake: None,
        }
    }

    /// Advance by one input and append what follows from it to `effects`.
    pub fn step(&mut self, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Tick(now) => self.tick(now, effects),
            Input::Connected { peer, score, .. } => self.connected(peer, score, effects),
            Input::Gone(peer) => self.gone(peer, effects),
            Input::Message { from, message, bytes } => self.hear(from, *message, bytes, effects),
            Input::Wrong(peer) => self.score(peer, Points::WRONG_BYTES, effects),
            Input::Status(status) => self.stand(status),
            Input::Block { block, to } => self.relay_block(&block, to, effects),
            Input::Sealed(sealed) => self.seek(sealed),
            Input::Pooled(hashes) => self.pooled(&hashes, effects),
            Input::Unpooled(hashes) => hashes.iter().for_each(|hash| self.pool.remove(hash)),
            Input::Say { word, to } => self.say(word, to, effects),
            Input::FetchBlock(peer, hash) => self.fetch_for_root(peer, hash, effects),
            Input::FetchJustification(peer, round, hash) => self.fetch_justification(peer, round, hash, effects),
            Input::FetchSeals(peer, height) => {
                if let Some(state) = self.peers.get_mut(&peer) {
                    state.seals = SEALS_MAX;
                    effects.push(send(peer, Message::GetSeals(height)));
                }
            }
            Input::FetchAddresses(peer) => {
                self.ask(peer, Want::Addresses, Message::GetPeers, effects);
            }
            Input::Score(peer, points) => self.score(peer, points, effects),
            Input::Refused(hash) => self.refuse(hash),
            Input::Found(id, found) => self.found(id, found, effects),
        }
        self.pursue(effects);
        self.wake(effects);
    }

    /// A connected peer's score: keep it for the next connection.
    pub fn score_of(&self, peer: Peer) -> Option<Points> {
        self.peers.get(&peer).map(|state| state.score.points())
    }

    /// Where a peer says that it stands.
    pub fn status_of(&self, peer: Peer) -> Option<Status> {
        self.peers.get(&peer)?.status
    }

    /// Key blocks that are planned and not yet handed over: 0 when this node has what its peers' headers show.
    pub fn behind(&self) -> usize {
        self.sync.behind()
    }

    /// Whether headers are being asked for or generations fetched.
    pub fn is_syncing(&self) -> bool {
        self.sync.is_busy()
    }

    fn hear(&mut self, from: Peer, message: Message, bytes: usize, effects: &mut Vec<Effect>) {
        let now = self.now;
        let Some(state) = self.peers.get_mut(&from) else { return };
        let is_met = state.is_met();
        if !is_answer(&message, state) && !state.paces(bytes, now) {
            let due = state.hurried.and_then(|at| now.since(at)).is_none_or(|past| past >= 1_000);
            if due {
                state.hurried = Some(now);
                self.score(from, Points::NO_ANSWER, effects);
            }
            return;
        }
        match message {
            Message::Hello(hello) => self.greeted(from, hello, effects),
            // Before its hello a peer is nobody's: what comes early is lost.
            _ if !is_met => {}
            Message::Status(status) => self.told(from, status, effects),
            Message::GetHeaders(ask) => self.serve_headers(from, ask, effects),
            Message::Headers(headers) => self.take_headers(from, headers, effects),
            Message::GetGeneration(ask) => self.serve_generation(from, &ask, effects),
            Message::Generation(page) => self.take_page(from, page, effects),
            Message::GetBlock(hash) => self.look_for(from, Asker::Block(from, hash), Look::Block(hash), effects),
            Message::Block(block) => self.take_block(from, block, effects),
            Message::Light(header, txs) => self.take_light(from, header, txs.into_vec(), effects),
            Message::GetTxs(ask) => self.serve_txs(from, ask, effects),
            Message::Txs(answer) => self.take_txs(from, answer, effects),
            Message::NewTxs(hashes) => self.new_txs(from, &hashes, effects),
            Message::Pool(ranges) => self.compare(from, &ranges, effects),
            Message::Vote(_) | Message::Seal(_) | Message::Justification(_) => self.take_word(from, message, effects),
            Message::GetJustification(ask) => self.serve_justification(from, ask, effects),
            Message::GetSeals(height) => self.look_for(from, Asker::Seals(from), Look::Seals(height), effects),
            Message::GetPeers => self.look_for(from, Asker::Addresses(from), Look::Addresses, effects),
            Message::Peers(addresses) => self.take_addresses(from, addresses.into_vec(), effects),
            Message::Missing(hash) => self.missing(from, hash, effects),
        }
    }

    /// Think so much better or worse of a peer; the least score ends the connection.
    pub(crate) fn score(&mut self, peer: Peer, points: Points, effects: &mut Vec<Effect>) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        state.score.add(points);
        if state.score.is_least() {
            let score = state.score.points().0;
            self.disconnect(peer, Why::Score { score }, Some(BAN_MS), effects);
        }
    }

    pub(crate) fn disconnect(&mut self, peer: Peer, why: Why, ban_ms: Option<u64>, effects: &mut Vec<Effect>) {
        effects.push(Effect::Disconnect { peer, why, ban_ms });
        self.gone(peer, effects);
    }

    /// Put a question to a peer. Whether it went out.
    pub(crate) fn ask(&mut self, peer: Peer, want: Want, message: Message, effects: &mut Vec<Effect>) -> bool {
        let now = self.now;
        let asked = self.peers.get_mut(&peer).is_some_and(|state| state.ask(want, now));
        if asked {
            effects.push(send(peer, message));
        }
        asked
    }

    /// Put a question of a peer to the shell, unless it has put too many.
    pub(crate) fn look_for(&mut self, peer: Peer, asker: Asker, look: Look, effects: &mut Vec<Effect>) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        if state.looks < LOOKS_OPEN_MAX {
            state.looks = state.looks.saturating_add(1);
            self.look(asker, look, effects);
        }
    }

    pub(crate) fn look(&mut self, asker: Asker, look: Look, effects: &mut Vec<Effect>) {
        self.look = self.look.saturating_add(1);
        self.looks.insert(LookId(self.look), asker);
        effects.push(Effect::Look(LookId(self.look), look));
    }

    fn found(&mut self, id: LookId, found: Found, effects: &mut Vec<Effect>) {
        let Some(asker) = self.looks.remove(&id) else { return };
        if let Some(state) = asker.peer().and_then(|peer| self.peers.get_mut(&peer)) {
            state.looks = state.looks.saturating_sub(1);
        }
        self.answer(asker, found, effects);
    }

    /// Peers that said who they are.
    pub(crate) fn met(&self) -> impl Iterator<Item = (Peer, &PeerState)> {
        self.peers.iter().filter(|(_, state)| state.is_met()).map(|(peer, state)| (*peer, state))
    }

    fn wake(&mut self, effects: &mut Vec<Effect>) {
        let later = |at: TimeMs| TimeMs(at.0.saturating_add(ANSWER_MS));
        let peers = self
            .peers
            .values()
            .filter_map(|state| if state.is_met() { state.oldest().map(later) } else { Some(later(state.since)) });
        let round = (!self.peers.is_empty()).then_some(self.round);
        let due = peers.chain(round).min();
        if due != self.wake {
            self.wake = due;
            effects.extend(due.map(Effect::Wake));
        }
    }
}

pub(crate) fn send(peer: Peer, message: Message) -> Effect {
    Effect::Send(peer, Box::new(message))
}

/// Whether a message answers a question. One of these that nobody asked for costs points in any case.
fn is_answer(message: &Message, state: &PeerState) -> bool {
    match message {
        Message::Headers(_) | Message::Generation(_) | Message::Txs(_) | Message::Peers(_) | Message::Missing(_) => {
            true
        }
        Message::Block(block) => state.awaits(&Want::Block(block.hash())),
        _ => false,
    }
}
