//! Open one stream each way in every connection, of one protocol, and refuse everything else. The part of libp2p's seams that
//! is ours: a behaviour that asks the [`Gate`], and a handler that hands out two streams.

use std::{
    collections::VecDeque,
    convert::Infallible,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol,
    core::{Endpoint, transport::PortUse, upgrade::ReadyUpgrade},
    swarm::{
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm, NetworkBehaviour,
        StreamUpgradeError, SubstreamProtocol, ToSwarm,
        handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};

use crate::{Reason, address::from_multiaddr, gate::Gate, key::public_key};

pub(crate) struct Links {
    protocol: StreamProtocol,
    gate: Arc<Mutex<Gate>>,
    steps: VecDeque<(ConnectionId, Step)>,
}

/// How a connection gets its streams.
#[derive(Debug)]
pub(crate) enum Step {
    /// The peer's, to read from.
    Inward(Stream),
    /// Ours, to write to.
    Outward(Stream),
    /// It will not have one.
    Refused(Reason),
}

impl Links {
    pub(crate) fn new(protocol: StreamProtocol, gate: Arc<Mutex<Gate>>) -> Self {
        Self { protocol, gate, steps: VecDeque::new() }
    }

    fn ask<T>(&self, question: impl FnOnce(&mut Gate) -> Result<T, Reason>) -> Result<T, ConnectionDenied> {
        question(&mut self.gate.lock().unwrap_or_else(PoisonError::into_inner)).map_err(ConnectionDenied::new)
    }

    fn handler(&self) -> Handler {
        Handler { protocol: self.protocol.clone(), asked: false, given: false, steps: VecDeque::new() }
    }
}

fn ip(address: &Multiaddr) -> Option<IpAddr> {
    from_multiaddr(address).map(|address| address.ip())
}

impl NetworkBehaviour for Links {
    type ConnectionHandler = Handler;
    type ToSwarm = (ConnectionId, Step);

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.ask(|gate| gate.ring(id, ip(remote)))
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        self.ask(|gate| gate.admit(id, &public_key(peer).ok_or(Reason::WrongKey)?))?;
        Ok(self.handler())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<Handler, ConnectionDenied> {
        self.ask(|gate| gate.check(&public_key(peer).ok_or(Reason::WrongKey)?))?;
        Ok(self.handler())
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        let over = match event {
            FromSwarm::ConnectionClosed(closed) => closed.connection_id,
            FromSwarm::ListenFailure(failure) => failure.connection_id,
            _ => return,
        };
        self.gate.lock().unwrap_or_else(PoisonError::into_inner).forget(over);
    }

    fn on_connection_handler_event(&mut self, _: PeerId, id: ConnectionId, step: Step) {
        self.steps.push_back((id, step));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, Infallible>> {
        // No waker: steps come from handlers, and the swarm polls this after each of those.
        self.steps.pop_front().map_or(Poll::Pending, |step| Poll::Ready(ToSwarm::GenerateEvent(step)))
    }
}

pub(crate) struct Handler {
    protocol: StreamProtocol,
    asked: bool,
    given: bool,
    steps: VecDeque<Step>,
}

type Upgrade = ReadyUpgrade<StreamProtocol>;

impl ConnectionHandler for Handler {
    type FromBehaviour = Infallible;
    type ToBehaviour = Step;
    type InboundProtocol = Upgrade;
    type OutboundProtocol = Upgrade;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Upgrade> {
        SubstreamProtocol::new(ReadyUpgrade::new(self.protocol.clone()), ())
    }

    fn connection_keep_alive(&self) -> bool {
        true
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ConnectionHandlerEvent<Upgrade, (), Step>> {
        if let Some(step) = self.steps.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(step));
        }
        if self.asked {
            return Poll::Pending;
        }
        self.asked = true;
        Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol: self.listen_protocol() })
    }

    fn on_behaviour_event(&mut self, event: Infallible) {
        match event {}
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<Upgrade, Upgrade>) {
        match event {
            // One is enough; a second is dropped and thereby closed.
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol, .. }) if !self.given => {
                self.given = true;
                self.steps.push_back(Step::Inward(protocol));
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol, .. }) => {
                self.steps.push_back(Step::Outward(protocol));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { error, .. }) => {
                let reason = match error {
                    StreamUpgradeError::NegotiationFailed => Reason::OtherNetwork { ours: self.protocol.to_string() },
                    StreamUpgradeError::Timeout => Reason::Loris,
                    StreamUpgradeError::Io(error) => error.into(),
                };
                self.steps.push_back(Step::Refused(reason));
            }
            _ => {}
        }
    }
}
