//! What happened, as one hash: two runs of a seed must agree on it.

use std::fmt;

use banyan_crypto::blake2b;
use banyan_node::{BlockBytes, Header, Input, News, Order};
use banyan_types::{Hash, TimeMs};

/// Hex digits of a hash in a line: enough to tell all blocks of a run apart.
const DIGITS: usize = 12;

/// The hash over every line so far.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    hash: [u8; 32],
    aloud: bool,
}

impl Trace {
    /// A trace that also prints its lines.
    pub fn aloud() -> Self {
        Self { aloud: true, ..Self::default() }
    }

    /// Add a line.
    pub fn line(&mut self, at: TimeMs, who: impl fmt::Display, what: fmt::Arguments<'_>) {
        let line = format!("{:>9} {who} {what}", at.0 % 1_000_000_000);
        if self.aloud {
            eprintln!("{line}");
        }
        self.hash = blake2b(&[&self.hash, line.as_bytes()]);
    }

    /// The hash.
    pub const fn hash(&self) -> Hash {
        Hash(self.hash)
    }
}

/// An input in few words.
pub struct Told<'a>(pub &'a Input);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Input::Tick(now) => write!(f, "tick {now}"),
            Input::Block { from, block } => write!(f, "block {} from {:?}", Named(block), from.map(|peer| peer.0)),
            Input::Asked { by, block } => write!(f, "asked by {} for {}", by.0, Short(block)),
            Input::Gone(peer) => write!(f, "gone {}", peer.0),
            Input::Solved { template, nonce, .. } => write!(f, "solved {} with {nonce}", template.0),
            Input::ParentMoved => f.write_str("parent moved"),
            other @ (Input::Connected { .. } | Input::Frame { .. } | Input::Reached(_)) => write!(f, "{other:?}"),
        }
    }
}

/// An order in few words.
pub struct Said<'a>(pub &'a Order);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Order::Mine(template, header) => write!(f, "mine {} on {}", template.0, Short(&header.prev_hash)),
            Order::StopMining => f.write_str("stop mining"),
            Order::Send(to, block) => write!(f, "send {} to {to:?}", Named(block)),
            Order::Fetch(peer, block) => write!(f, "fetch {} from {}", Short(block), peer.0),
            Order::Answer(peer, block) => write!(f, "answer {} with {}", peer.0, Named(block)),
            Order::Score(peer, points) => write!(f, "score {} by {points}", peer.0),
            Order::Wake(at) => write!(f, "wake at {at}"),
            Order::ToParent(tx) => write!(f, "to parent {}", tx.hash()),
            other @ (Order::Frame { .. }
            | Order::Learn(..)
            | Order::Disconnect { .. }
            | Order::News(
                News::Sealed(_) | News::Anchored { .. } | News::Witnessed(_) | News::Locked { .. },
            )) => write!(f, "{other:?}"),
            Order::News(News::Tip { hash, height, undone, redone }) => {
                write!(f, "tip {height} {} -{} +{}", Short(hash), undone.len(), redone.len())
            }
            Order::News(News::Final { hash, height }) => write!(f, "final {height} {}", Short(hash)),
            Order::News(News::Pooled(tx)) => write!(f, "pooled {tx}"),
            Order::News(News::Dropped(tx)) => write!(f, "dropped {tx}"),
            Order::News(News::Alarm(text)) => write!(f, "alarm {text}"),
        }
    }
}

/// The first digits of a hash.
pub struct Short<'a>(pub &'a Hash);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = self.0.to_string();
        f.write_str(hex.get(..DIGITS).unwrap_or(&hex))
    }
}

/// A block by height, index, hash and hash of its body.
struct Named<'a>(&'a BlockBytes);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = Hash(blake2b(&[&self.0.body]));
        match Header::decode(&self.0.header) {
            Ok(header) => {
                let place = header.place();
                write!(f, "{}.{} {} body {}", place.height, place.index, Short(&header.hash()), Short(&body))
            }
            Err(_) => write!(f, "of no form {} body {}", Short(&Hash(blake2b(&[&self.0.header]))), Short(&body)),
        }
    }
}
