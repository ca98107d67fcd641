//! Say where a node is: `ip:port`, with its key where that is known. There are no names to look up.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use banyan_types::{
    PublicKey,
    text::{Prefix, TextError},
};
use libp2p::{Multiaddr, multiaddr::Protocol};

use crate::key::key_text;

/// Where a node may be reached: `pp_…@ip:port`, or `ip:port` while its key is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerAddr {
    /// The key that must answer there.
    pub key: Option<PublicKey>,
    /// Where.
    pub address: SocketAddr,
}

/// Why a text is no [`PeerAddr`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerAddrError {
    /// What stands before the `@` is no peer's key.
    #[error("{0} before the @, expected a key pp_…")]
    Key(TextError),
    /// What stands after it is no address.
    #[error("{got} is not ip:port")]
    Address {
        /// That text.
        got: String,
    },
}

impl FromStr for PeerAddr {
    type Err = PeerAddrError;

    fn from_str(text: &str) -> Result<Self, PeerAddrError> {
        let (key, address) = match text.split_once('@') {
            Some((key, address)) => (Some(parse_key(key).map_err(PeerAddrError::Key)?), address),
            None => (None, text),
        };
        let address = address.parse().map_err(|_| PeerAddrError::Address { got: address.to_owned() })?;
        Ok(Self { key, address })
    }
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{}@{}", key_text(key), self.address),
            None => self.address.fmt(f),
        }
    }
}

/// Parse a node's public key from `pp_…`.
pub fn parse_key(text: &str) -> Result<PublicKey, TextError> {
    PublicKey::from_text(Prefix::Peer, text)
}

/// What an operator of many addresses cannot have many of: a /16 of IPv4, a /32 of IPv6. `None` on this machine.
/// Source: root 10.
pub(crate) fn subnet(ip: IpAddr) -> Option<[u8; 4]> {
    match ip.to_canonical() {
        ip if ip.is_loopback() => None,
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            Some([0, 0, a, b])
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.octets();
            Some([a, b, c, d])
        }
    }
}

pub(crate) fn to_multiaddr(address: SocketAddr) -> Multiaddr {
    Multiaddr::from(address.ip()).with(Protocol::Tcp(address.port()))
}

pub(crate) fn from_multiaddr(address: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => IpAddr::V4(ip),
        Protocol::Ip6(ip) => IpAddr::V6(ip),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some(SocketAddr::new(ip, port)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_their_text_with_and_without_a_key() {
        let key = Some(PublicKey([7; 32]));
        for (key, address) in [(None, "127.0.0.1:3015"), (key, "[2001:db8::1]:1"), (key, "10.0.0.1:65535")] {
            let address = PeerAddr { key, address: address.parse().unwrap() };
            assert_eq!(address.to_string().parse(), Ok(address));
        }
    }

    #[test]
    fn what_is_no_address_is_told_apart() {
        assert!(matches!("pp_x@127.0.0.1:1".parse::<PeerAddr>(), Err(PeerAddrError::Key(_))));
        let got = "localhost:1".to_owned();
        assert_eq!("localhost:1".parse::<PeerAddr>(), Err(PeerAddrError::Address { got }));
    }

    #[test]
    fn subnets_are_sixteen_bits_of_four_and_thirty_two_of_six_and_loopback_has_none() {
        let rows = [
            ("10.1.2.3", Some([0, 0, 10, 1])),
            ("::ffff:10.1.2.3", Some([0, 0, 10, 1])),
            ("2001:db8:1::", Some([0x20, 0x01, 0x0d, 0xb8])),
            ("127.0.0.1", None),
            ("::1", None),
        ];
        for (ip, expected) in rows {
            assert_eq!(subnet(ip.parse().unwrap()), expected, "{ip}");
        }
    }
}
