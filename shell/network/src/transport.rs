//! Carry bytes: TCP, Noise for who it is, Yamux for two streams in one connection.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use libp2p::{
    PeerId, Transport as _,
    core::{
        muxing::{StreamMuxer, StreamMuxerBox, StreamMuxerEvent, SubstreamBox},
        transport::{Boxed, upgrade::Version},
    },
    identity::Keypair,
    noise, tcp, yamux,
};

use crate::frame::CALL_TIME;

/// Streams in one connection: one each way, and room for those that are just being refused.
const STREAMS_MAX: usize = 8;

pub(crate) fn build(key: &Keypair) -> Result<Boxed<(PeerId, StreamMuxerBox)>, noise::Error> {
    let noise = noise::Config::new(key)?;
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(STREAMS_MAX);
    Ok(tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(yamux)
        .timeout(CALL_TIME)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(Abrupt(StreamMuxerBox::new(muxer)))))
        .boxed())
}

/// A connection that ends when it is told to. A polite close waits until the peer has read everything, so a peer that does not
/// read would keep its place for ever.
struct Abrupt(StreamMuxerBox);

impl StreamMuxer for Abrupt {
    type Substream = SubstreamBox;
    type Error = io::Error;

    fn poll_inbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<SubstreamBox, io::Error>> {
        Pin::new(&mut self.0).poll_inbound(cx)
    }

    fn poll_outbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<SubstreamBox, io::Error>> {
        Pin::new(&mut self.0).poll_outbound(cx)
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, io::Error>> {
        Pin::new(&mut self.0).poll(cx)
    }
}
