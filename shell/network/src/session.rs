//! Speak with one peer over its two streams: greet, then carry frames both ways until one of them ends.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use banyan_types::{Peer, PublicKey};
use libp2p::{Stream, swarm::ConnectionId};
use tokio::{
    sync::{mpsc::UnboundedSender, oneshot},
    time::timeout,
};

use crate::{
    Event, FRAME_BYTES_MAX, PeerInfo, Reason,
    frame::{self, FRAME_TIME, KEEP_ALIVE},
    meter::Meter,
    outbox::Outbox,
};

/// Version of the greeting.
const VERSION: u8 = 1;
/// Bytes of the longest greeting: version, network, port, IPv6 address.
const GREETING_BYTES_MAX: usize = 1 + 32 + 2 + 16;

/// What each side says first: its network whole, and where it can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Greeting {
    pub(crate) network: [u8; 32],
    /// 0 for nowhere.
    pub(crate) port: u16,
    /// `None` for where it is seen.
    pub(crate) ip: Option<IpAddr>,
}

impl Greeting {
    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(self.network);
        bytes.extend(self.port.to_be_bytes());
        match self.ip {
            None => {}
            Some(IpAddr::V4(ip)) => bytes.extend(ip.octets()),
            Some(IpAddr::V6(ip)) => bytes.extend(ip.octets()),
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (network, rest) = rest.split_first_chunk::<32>()?;
        let (port, ip) = rest.split_first_chunk::<2>()?;
        let ip = match ip.len() {
            0 => None,
            4 => Some(IpAddr::from(<[u8; 4]>::try_from(ip).ok()?)),
            16 => Some(IpAddr::from(<[u8; 16]>::try_from(ip).ok()?)),
            _ => return None,
        };
        let port = u16::from_be_bytes(*port);
        (*version == VERSION).then_some(Self { network: *network, port, ip })
    }

    /// Where its sender can be called.
    pub(crate) fn address(&self, seen: IpAddr) -> Option<SocketAddr> {
        (self.port != 0).then(|| SocketAddr::new(self.ip.unwrap_or(seen), self.port))
    }
}

/// A live connection, shared by its task, the driver and whoever sends.
pub(crate) struct Open {
    pub(crate) id: ConnectionId,
    pub(crate) peer: Peer,
    pub(crate) key: PublicKey,
    pub(crate) address: SocketAddr,
    pub(crate) outbound: bool,
    pub(crate) outbox: Outbox,
    pub(crate) meter: Meter,
    /// Held while an event is given out, so that no frame comes after `Gone`.
    pub(crate) live: Mutex<bool>,
}

impl Open {
    pub(crate) fn info(&self) -> PeerInfo {
        let Self { peer, key, address, outbound, .. } = *self;
        PeerInfo { peer, key, address, outbound, traffic: self.meter.read() }
    }
}

/// What a session tells its driver: one of the first, one of the second.
pub(crate) enum Note {
    Greeted(Greeting),
    Over(Reason),
}

pub(crate) type Events = Arc<dyn Fn(Event) + Send + Sync>;

pub(crate) struct Session {
    pub(crate) id: ConnectionId,
    pub(crate) inward: Stream,
    pub(crate) outward: Stream,
    pub(crate) greeting: Greeting,
    pub(crate) start: oneshot::Receiver<Arc<Open>>,
    pub(crate) notes: UnboundedSender<(ConnectionId, Note)>,
    pub(crate) events: Events,
}

impl Session {
    /// Until one side has had enough. The driver may be gone before: then nobody needs the note.
    pub(crate) async fn run(mut self) {
        let (id, notes) = (self.id, self.notes.clone());
        let note = match timeout(FRAME_TIME, self.greet()).await.unwrap_or(Err(Reason::Loris)) {
            Ok(greeting) => Note::Greeted(greeting),
            Err(reason) => Note::Over(reason),
        };
        let _ = notes.send((id, note));
        let Self { inward, outward, start, events, .. } = self;
        if let Ok(open) = start.await {
            let reason = tokio::select! {
                reason = receive(inward, &open, &events) => reason,
                reason = send(outward, &open) => reason,
            };
            let _ = notes.send((id, Note::Over(reason)));
        }
    }

    async fn greet(&mut self) -> Result<Greeting, Reason> {
        frame::write(&mut self.outward, &self.greeting.to_bytes()).await?;
        let frame = frame::read(&mut self.inward, &frame::credit(), GREETING_BYTES_MAX).await?;
        Greeting::from_bytes(&frame).ok_or(Reason::Greeting)
    }
}

async fn receive(mut stream: Stream, open: &Open, events: &Events) -> Reason {
    let credit = frame::credit();
    loop {
        let frame = match frame::read(&mut stream, &credit, FRAME_BYTES_MAX).await {
            Ok(frame) => frame,
            Err(reason) => return reason,
        };
        open.meter.count_in(frame.len());
        let live = open.live.lock().unwrap_or_else(PoisonError::into_inner);
        if *live {
            events(Event::Frame { peer: open.peer, frame });
        }
    }
}

async fn send(mut stream: Stream, open: &Open) -> Reason {
    loop {
        let bytes = timeout(KEEP_ALIVE, open.outbox.pop()).await.unwrap_or_default();
        if let Err(reason) = frame::write(&mut stream, &bytes).await {
            return reason;
        }
        if !bytes.is_empty() {
            open.meter.count_out(bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_survive_their_bytes_and_nothing_else_is_one() {
        for ip in [None, Some("10.0.0.1"), Some("2001:db8::1")] {
            let ip = ip.map(|ip| ip.parse().unwrap());
            let greeting = Greeting { network: [3; 32], port: 3015, ip };
            let bytes = greeting.to_bytes();
            assert_eq!(Greeting::from_bytes(&bytes), Some(greeting));
            assert_eq!(Greeting::from_bytes(&[&bytes[..], &[0]].concat()), None);
            assert_eq!(Greeting::from_bytes(&[&[2], &bytes[1..]].concat()), None);
        }
    }
}
