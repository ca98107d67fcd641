//! Turn the swarm's events into ours, and keep enough connections. One task; nothing here waits for a peer.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use banyan_types::{Peer, PublicKey};
use libp2p::{
    StreamProtocol, Swarm,
    futures::StreamExt as _,
    identity::Keypair,
    swarm::{
        self, ConnectionId, DialError, SwarmEvent,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use tokio::{
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
    task::AbortHandle,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    Event, NetworkError, PeerAddr, Reason,
    address::{from_multiaddr, subnet, to_multiaddr},
    file,
    frame::FRAME_TIME,
    key::{peer_id, public_key},
    link::{Links, Step},
    meter::Meter,
    network::{Command, Shared, lock},
    outbox::Outbox,
    session::{Greeting, Note, Open, Session},
    transport,
};

/// How often the number of connections is looked at.
const TICK: Duration = Duration::from_millis(200);
/// Calls under way at a time.
const DIALS_MAX: usize = 4;
/// How often two outbound slots go to others. Source: root 10.
const ROTATION: Duration = Duration::from_hours(1);
/// Slots that rotate.
const ROTATED: usize = 2;
/// Longest-lived outbound connections, which do not rotate and are called first after a restart. Source: root 10.
const ANCHORS: usize = 3;
/// How often an address that nobody has tried is asked whether it is there.
const FEELER: Duration = Duration::from_mins(2);
/// How often the address book is kept.
const KEEP: Duration = Duration::from_mins(1);
/// Streams of one connection whose protocol is being agreed upon.
const NEGOTIATING_MAX: usize = 4;

pub(crate) struct Driver {
    shared: Arc<Shared>,
    swarm: Swarm<Links>,
    commands: UnboundedReceiver<Command>,
    notes: UnboundedReceiver<(ConnectionId, Note)>,
    tell: UnboundedSender<(ConnectionId, Note)>,
    dials: HashMap<ConnectionId, Dial>,
    links: HashMap<ConnectionId, Link>,
    last_peer: u64,
    rotated: Instant,
    felt: Instant,
    kept: Instant,
}

#[derive(Clone, Copy)]
struct Dial {
    address: SocketAddr,
    feeler: bool,
}

/// A connection that has proven its key.
struct Link {
    key: PublicKey,
    address: SocketAddr,
    dial: Option<Dial>,
    since: Instant,
    /// Why it is about to end, where the caller is given the time to see it.
    parting: Option<Reason>,
    state: State,
}

#[derive(Default)]
struct Streams {
    inward: Option<libp2p::Stream>,
    outward: Option<libp2p::Stream>,
}

enum State {
    Opening(Box<Streams>),
    Greeting { start: oneshot::Sender<Arc<Open>>, task: AbortHandle },
    Open { open: Arc<Open>, task: AbortHandle },
}

impl Driver {
    pub(crate) async fn start(
        shared: Arc<Shared>,
        key: &Keypair,
        commands: UnboundedReceiver<Command>,
    ) -> Result<Self, NetworkError> {
        let malformed = |error: &dyn ToString| NetworkError::Key(error.to_string());
        let protocol = StreamProtocol::try_from_owned(shared.config.protocol()).map_err(|error| malformed(&error))?;
        let links = Links::new(protocol, Arc::clone(&shared.gate));
        let transport = transport::build(key).map_err(|error| malformed(&error))?;
        let config = swarm::Config::with_tokio_executor().with_max_negotiating_inbound_streams(NEGOTIATING_MAX);
        let swarm = Swarm::new(transport, links, key.public().to_peer_id(), config);
        let (tell, notes) = unbounded_channel();
        let (dials, links, now) = (HashMap::new(), HashMap::new(), Instant::now());
        let mut driver = Self {
            shared,
            swarm,
            commands,
            notes,
            tell,
            dials,
            links,
            last_peer: 0,
            rotated: now,
            felt: now,
            kept: now,
        };
        for address in driver.shared.config.listen.clone() {
            driver.listen(address).await.map_err(|error| NetworkError::Listen { address, error })?;
        }
        Ok(driver)
    }

    async fn listen(&mut self, address: SocketAddr) -> Result<(), String> {
        // The library shares its ports; without this look two nodes of one machine would share callers without a word.
        std::net::TcpListener::bind(address).map_err(|error| error.to_string())?;
        let id = self.swarm.listen_on(to_multiaddr(address)).map_err(|error| error.to_string())?;
        loop {
            let event = timeout(FRAME_TIME, self.swarm.select_next_some()).await;
            let event = event.map_err(|_| "no answer from the system".to_owned())?;
            let ours = matches!(&event, SwarmEvent::NewListenAddr { listener_id, .. } if *listener_id == id);
            self.on_swarm(event);
            if ours {
                return Ok(());
            }
        }
    }

    pub(crate) async fn run(mut self) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_swarm(event),
                Some((id, note)) = self.notes.recv() => self.on_note(id, note),
                command = self.commands.recv() => match command {
                    Some(Command::Stop) | None => break,
                    Some(command) => self.on_command(command),
                },
                _ = tick.tick() => self.on_tick(Instant::now()),
            }
        }
        self.keep_book();
        let ids: Vec<_> = self.links.keys().copied().collect();
        for id in ids {
            self.end(id, Reason::Disconnected);
        }
    }

    fn tell(&self, event: Event) {
        (self.shared.events)(event);
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Connect(to) => self.call(to, false),
            Command::Disconnect(peer, ban) => {
                let Some(open) = lock(&self.shared.open).get(&peer).cloned() else { return };
                if let Some(time) = ban {
                    lock(&self.shared.gate).ban(open.key, open.address.ip(), time);
                    self.shared.keep_bans();
                }
                self.end(open.id, if ban.is_some() { Reason::Banned } else { Reason::Disconnected });
            }
            Command::Slow(peer) => {
                let open = lock(&self.shared.open).get(&peer).cloned();
                if let Some(open) = open {
                    self.end(open.id, Reason::Slow);
                }
            }
            Command::Recheck => {
                let refused = |link: &Link| lock(&self.shared.gate).check(&link.key).err();
                let refused: Vec<_> = self.links.iter().filter_map(|(id, link)| Some((*id, refused(link)?))).collect();
                for (id, reason) in refused {
                    self.end(id, reason);
                }
            }
            Command::Stop => {}
        }
    }

    fn on_swarm(&mut self, event: SwarmEvent<(ConnectionId, Step)>) {
        match event {
            SwarmEvent::NewListenAddr { address, .. } => {
                if let Some(address) = from_multiaddr(&address) {
                    lock(&self.shared.listening).push(address);
                    self.tell(Event::Listening(address));
                }
            }
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                let dial = self.dials.remove(&connection_id);
                let address = from_multiaddr(endpoint.get_remote_address());
                // Both were asked for when the connection was admitted.
                let (Some(key), Some(address)) = (public_key(peer_id), address) else { return };
                let state = State::Opening(Box::default());
                self.links
                    .insert(connection_id, Link { key, address, dial, since: Instant::now(), parting: None, state });
            }
            SwarmEvent::Behaviour((id, step)) => self.on_step(id, step),
            SwarmEvent::ConnectionClosed { connection_id, cause, .. } => {
                // The session's own word for it is better, and on its way, if there is a session.
                let reason = cause.map_or(Reason::Closed, |cause| Reason::Line(cause.to_string()));
                self.end(connection_id, reason);
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                if let Some(dial) = self.dials.remove(&connection_id) {
                    self.failed(dial.address, dial_reason(error));
                }
            }
            _ => {}
        }
    }

    fn failed(&self, address: SocketAddr, reason: Reason) {
        match reason {
            Reason::Own => lock(&self.shared.book).forget(address),
            _ => lock(&self.shared.book).failed(address, Instant::now()),
        }
        self.tell(Event::Failed { address, reason });
    }

    fn on_step(&mut self, id: ConnectionId, step: Step) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let State::Opening(streams) = &mut link.state else { return };
        match step {
            Step::Inward(stream) => streams.inward = Some(stream),
            Step::Outward(stream) => streams.outward = Some(stream),
            Step::Refused(reason) => return self.refuse(id, reason),
        }
        if streams.inward.is_none() || streams.outward.is_none() {
            return;
        }
        let (Some(inward), Some(outward)) = (streams.inward.take(), streams.outward.take()) else { return };
        let (start, started) = oneshot::channel();
        let listening = lock(&self.shared.listening).first().copied();
        let advertise = self.shared.config.advertise;
        let session = Session {
            id,
            inward,
            outward,
            greeting: Greeting {
                network: self.shared.config.network,
                port: advertise.or(listening).map_or(0, |address| address.port()),
                ip: advertise.map(|address| address.ip()),
            },
            start: started,
            notes: self.tell.clone(),
            events: Arc::clone(&self.shared.events),
        };
        let task = tokio::spawn(session.run()).abort_handle();
        link.state = State::Greeting { start, task };
    }

    fn on_note(&mut self, id: ConnectionId, note: Note) {
        match note {
            Note::Over(reason) => self.end(id, reason),
            Note::Greeted(greeting) if greeting.network != self.shared.config.network => {
                self.refuse(id, Reason::OtherNetwork { ours: self.shared.config.protocol() });
            }
            Note::Greeted(greeting) => self.greeted(id, greeting),
        }
    }

    fn greeted(&mut self, id: ConnectionId, greeting: Greeting) {
        let Some(link) = self.links.get(&id) else { return };
        let (key, dial) = (link.key, link.dial);
        if let Some(dial) = dial {
            lock(&self.shared.book).met(dial.address, key);
        } else {
            let address = greeting.address(link.address.ip());
            let mut book = lock(&self.shared.book);
            if let Some(address) = address {
                book.learn(PeerAddr { key: Some(key), address });
            }
        }
        if dial.is_some_and(|dial| dial.feeler) {
            return self.end(id, Reason::Feeler);
        }
        let other = self
            .links
            .iter()
            .find(|(other, link)| **other != id && link.key == key && matches!(link.state, State::Open { .. }));
        if let Some((other, old)) = other.map(|(other, link)| (*other, link.dial.is_some())) {
            if self.keeps_old(key, old, dial.is_some()) {
                return self.end(id, Reason::Duplicate);
            }
            self.end(other, Reason::Duplicate);
        }
        self.open(id);
    }

    /// Both sides decide alike: the call of the lower key stays. Two calls from one side: an honest caller makes the second
    /// only after the first is dead, so who was called takes the newer.
    fn keeps_old(&self, key: PublicKey, old_outbound: bool, new_outbound: bool) -> bool {
        if old_outbound == new_outbound { new_outbound } else { old_outbound == (self.shared.own < key) }
    }

    fn open(&mut self, id: ConnectionId) {
        let Some(mut link) = self.links.remove(&id) else { return };
        let State::Greeting { start, task } = link.state else { return };
        self.last_peer += 1;
        let peer = Peer(self.last_peer);
        let (key, address, outbound) = (link.key, link.address, link.dial.is_some());
        let (outbox, meter, live) = (Outbox::default(), Meter::default(), true.into());
        let open = Arc::new(Open { id, peer, key, address, outbound, outbox, meter, live });
        lock(&self.shared.open).insert(peer, Arc::clone(&open));
        self.tell(Event::Connected { peer, key, address, outbound });
        // A session that is gone has left its note.
        let _ = start.send(Arc::clone(&open));
        link.since = Instant::now();
        link.state = State::Open { open, task };
        self.links.insert(id, link);
    }

    /// A caller of another network hangs up when it has seen that for itself; if we did so first, it would know only that the
    /// line broke. One that does not is late, and ended as that.
    fn refuse(&mut self, id: ConnectionId, reason: Reason) {
        match self.links.get_mut(&id) {
            Some(link) if link.dial.is_none() && matches!(reason, Reason::OtherNetwork { .. }) => {
                link.parting = Some(reason);
            }
            _ => self.end(id, reason),
        }
    }

    /// The end of a connection, told once.
    fn end(&mut self, id: ConnectionId, reason: Reason) {
        let Some(link) = self.links.remove(&id) else { return };
        self.swarm.close_connection(id);
        let reason = link.parting.unwrap_or(reason);
        match link.state {
            State::Open { open, task } => {
                task.abort();
                lock(&self.shared.open).remove(&open.peer);
                *lock(&open.live) = false;
                if let (Some(dial), true) = (link.dial, reason != Reason::Duplicate) {
                    lock(&self.shared.book).failed(dial.address, Instant::now());
                }
                self.tell(Event::Gone { peer: open.peer, reason });
            }
            State::Opening(_) | State::Greeting { .. } => {
                if let State::Greeting { task, .. } = link.state {
                    task.abort();
                }
                match (reason, link.dial) {
                    (Reason::Feeler | Reason::Duplicate, _) => {}
                    (reason, Some(dial)) => self.failed(dial.address, reason),
                    (reason, None) => self.tell(Event::Failed { address: link.address, reason }),
                }
            }
        }
    }

    fn call(&mut self, to: PeerAddr, feeler: bool) {
        // Nobody is called twice: of two calls by one side, the caller would keep the older and the called the newer.
        let called = self.links.values().filter(|link| link.dial.is_some_and(|dial| dial.address == to.address));
        if called.count() > 0 || self.dials.values().any(|dial| dial.address == to.address) {
            return;
        }
        let refused = match to.key {
            _ if self.shared.listening_at(to.address) => Some(Reason::Own),
            Some(key) => lock(&self.shared.gate).check(&key).err(),
            None => None,
        };
        if let Some(reason) = refused {
            return self.failed(to.address, reason);
        }
        let address = to_multiaddr(to.address);
        // A port of its own: two nodes that call each other from the ports on which they listen would meet half-way.
        let options = match to.key.and_then(|key| peer_id(&key)) {
            Some(peer) => DialOpts::peer_id(peer)
                .condition(PeerCondition::Always)
                .addresses(vec![address])
                .allocate_new_port()
                .build(),
            None => DialOpts::unknown_peer_id().address(address).allocate_new_port().build(),
        };
        self.dials.insert(options.connection_id(), Dial { address: to.address, feeler });
        let id = options.connection_id();
        if let Err(error) = self.swarm.dial(options) {
            self.dials.remove(&id);
            self.failed(to.address, dial_reason(error));
        }
    }

    fn on_tick(&mut self, now: Instant) {
        let late = |link: &Link| !matches!(link.state, State::Open { .. }) && now - link.since > FRAME_TIME * 2;
        let late: Vec<_> = self.links.iter().filter(|(_, link)| late(link)).map(|(id, _)| *id).collect();
        for id in late {
            self.end(id, Reason::Loris);
        }
        self.fill(now);
        if now - self.felt > FEELER {
            self.felt = now;
            self.feel();
        }
        if now - self.rotated > ROTATION {
            self.rotated = now;
            self.rotate();
        }
        if now - self.kept > KEEP {
            self.kept = now;
            self.keep_book();
        }
    }

    /// Call until enough are connected or on their way.
    fn fill(&mut self, now: Instant) {
        let outbound = self.links.values().filter(|link| link.dial.is_some()).count();
        let mut wanted = self.shared.config.outbound.saturating_sub(outbound + self.dials.len());
        while wanted > 0 && self.dials.len() < DIALS_MAX {
            let Some(to) = lock(&self.shared.book).choose(now, random(), |to| self.skips(to)) else { return };
            self.call(to, false);
            wanted -= 1;
        }
    }

    fn skips(&self, to: &PeerAddr) -> bool {
        let gate = lock(&self.shared.gate);
        let refused = to.key.is_some_and(|key| gate.check(&key).is_err()) || gate.banned_ip(to.address.ip());
        let called = self.dials.values().copied().chain(self.links.values().filter_map(|link| link.dial));
        let near = subnet(to.address.ip());
        let mut neighbours = 0;
        for dial in called {
            if dial.address == to.address {
                return true;
            }
            neighbours += usize::from(near.is_some() && subnet(dial.address.ip()) == near);
        }
        refused
            || neighbours >= self.shared.config.per_subnet_max
            || self.shared.listening_at(to.address)
            || self.links.values().any(|link| Some(link.key) == to.key)
    }

    /// One at a time, and only when every slot is taken: otherwise filling them asks anyway.
    fn feel(&mut self) {
        let under_way = self.dials.values().any(|dial| dial.feeler);
        let outbound = self.links.values().filter(|link| link.dial.is_some()).count();
        if under_way || outbound < self.shared.config.outbound {
            return;
        }
        let to = lock(&self.shared.book).untried(random());
        if let Some(to) = to.filter(|to| !self.links.values().any(|link| Some(link.key) == to.key)) {
            self.call(to, true);
        }
    }

    fn rotate(&mut self) {
        let outbound = self.oldest_outbound();
        if outbound.len() < self.shared.config.outbound {
            return;
        }
        let mut young: Vec<_> = outbound.into_iter().skip(ANCHORS).map(|(id, _)| id).collect();
        for _ in 0..ROTATED.min(young.len()) {
            let at = usize::try_from(random() % (young.len() as u64)).unwrap_or(0);
            self.end(young.swap_remove(at), Reason::Rotated);
        }
    }

    fn oldest_outbound(&self) -> Vec<(ConnectionId, SocketAddr)> {
        let open = self.links.iter().filter(|(_, link)| matches!(link.state, State::Open { .. }));
        let mut open: Vec<_> = open.filter_map(|(id, link)| Some((link.since, *id, link.dial?.address))).collect();
        open.sort_by_key(|(since, ..)| *since);
        open.into_iter().map(|(_, id, address)| (id, address)).collect()
    }

    fn keep_book(&self) {
        let Some(path) = self.shared.book_path() else { return };
        let anchors = self.oldest_outbound().into_iter().take(ANCHORS).map(|(_, address)| address).collect();
        let book = lock(&self.shared.book).file(anchors);
        if let Err(error) = file::write(&path, &book) {
            tracing::warn!(%error, path = %path.display(), "address book not kept");
        }
    }
}

fn random() -> u64 {
    // Without random numbers the choice is only less random.
    getrandom::u64().unwrap_or_default()
}

fn dial_reason(error: DialError) -> Reason {
    match error {
        DialError::LocalPeerId { .. } => Reason::Own,
        DialError::WrongPeerId { .. } => Reason::WrongKey,
        DialError::Denied { cause } => {
            cause.downcast::<Reason>().unwrap_or_else(|cause| Reason::Line(cause.to_string()))
        }
        error => Reason::Line(error.to_string()),
    }
}
