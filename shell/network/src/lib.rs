//! Carry messages between peers.
//!
//! Authenticated, bounded connections between nodes of one network; what the frames mean is the affair of those who send them.
//! Read [`Network::start`] and [`Event`] first. Every queue has a limit: what a peer sends is bounded by its credit
//! ([`Frame`]), what it does not read by its queue ([`QUEUE_BYTES_MAX`]). Rules: protocol, node 10 and root 10. Why libp2p,
//! and which part of it: ADR 13.

mod address;
mod book;
mod config;
mod driver;
mod event;
mod file;
mod frame;
mod gate;
mod key;
mod link;
mod meter;
mod network;
mod outbox;
mod session;
mod transport;

pub use address::{PeerAddr, PeerAddrError, parse_key};
pub use config::{Config, NetworkError};
pub use event::{Event, NotSent, PeerInfo, Reason};
pub use frame::{FRAME_BYTES_MAX, Frame};
pub use gate::Ban;
pub use key::{KeyError, NodeKey, key_text};
pub use meter::Traffic;
pub use network::Network;
pub use outbox::{Priority, QUEUE_BYTES_MAX, QUEUE_FRAMES_MAX};
