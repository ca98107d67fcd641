//! Read and write frames: four bytes of length, big-endian, then as many bytes. Length zero says "still here".
//!
//! What a peer can make us hold is bounded by its credit: bytes count from the moment their length is announced until the
//! consumer drops the [`Frame`], and while the credit is used up nothing more is read from that peer, so that TCP tells it to
//! wait. What a peer can make us wait for is bounded by [`FRAME_TIME`] and [`RATE_MIN_BYTES`].

use std::{ops::Deref, sync::Arc, time::Duration};

use libp2p::futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::Reason;

/// Bytes of the longest frame. Source: root 3, limits.
pub const FRAME_BYTES_MAX: usize = 4 << 20;
/// Bytes that one peer may have in this node, unread by its consumer: one longest frame, or as much in small ones.
pub(crate) const CREDIT_BYTES: usize = FRAME_BYTES_MAX;
/// What a frame costs beside its bytes, so that small ones count too.
const FRAME_COST_BYTES: usize = 256;
/// How long a handshake, a length or a short frame may take once it has begun.
pub(crate) const FRAME_TIME: Duration = Duration::from_secs(10);
/// Bytes a second below which a long frame is a slow-loris, not a slow line.
const RATE_MIN_BYTES: usize = 128 << 10;
/// How often a quiet side says that it is still there.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(2);
/// How long a peer may be quiet: three times what it should be. A line that was cut is given up by then and called anew, so
/// that a network is whole again within two key blocks after a partition heals; TCP alone would wait much longer.
const QUIET: Duration = Duration::from_secs(6);
/// How long a call may take until both sides are authenticated: one lost packet on a line round the world.
pub(crate) const CALL_TIME: Duration = Duration::from_secs(3);
/// How long a peer may let one of our frames wait in the socket.
const STALL: Duration = Duration::from_mins(1);
/// What is read at once: memory grows with what has come, not with what was promised.
const CHUNK_BYTES: usize = 64 << 10;

/// A message as it came. Holding it holds its sender's credit.
#[derive(Debug)]
pub struct Frame {
    bytes: Vec<u8>,
    _credit: OwnedSemaphorePermit,
}

impl Frame {
    /// The bytes; the credit goes back.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Deref for Frame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The credit of one peer.
pub(crate) fn credit() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(CREDIT_BYTES + FRAME_COST_BYTES))
}

/// The next frame of at most `max` bytes that is not a sign of life.
pub(crate) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    credit: &Arc<Semaphore>,
    max: usize,
) -> Result<Frame, Reason> {
    loop {
        let len = read_len(stream).await?;
        if len > max {
            return Err(Reason::Oversized { bytes: len, max });
        }
        if len > 0 {
            let cost = u32::try_from(len + FRAME_COST_BYTES).unwrap_or(u32::MAX);
            let credit = Arc::clone(credit).acquire_many_owned(cost).await.map_err(|_| Reason::Closed)?;
            let bytes = read_body(stream, len).await?;
            return Ok(Frame { bytes, _credit: credit });
        }
    }
}

async fn read_len(stream: &mut (impl AsyncRead + Unpin)) -> Result<usize, Reason> {
    let mut len = [0; 4];
    let (first, rest) = len.split_at_mut(1);
    timeout(QUIET, stream.read_exact(first)).await.map_err(|_| Reason::Quiet)??;
    timeout(FRAME_TIME, stream.read_exact(rest)).await.map_err(|_| Reason::Loris)??;
    Ok(usize::try_from(u32::from_be_bytes(len)).unwrap_or(usize::MAX))
}

async fn read_body(stream: &mut (impl AsyncRead + Unpin), len: usize) -> Result<Vec<u8>, Reason> {
    let time = FRAME_TIME + Duration::from_secs((len / RATE_MIN_BYTES) as u64);
    let body = async {
        let mut bytes = Vec::new();
        while bytes.len() < len {
            let start = bytes.len();
            bytes.resize(len.min(start + CHUNK_BYTES), 0);
            stream.read_exact(bytes.get_mut(start..).unwrap_or_default()).await?;
        }
        Ok(bytes)
    };
    timeout(time, body).await.map_err(|_| Reason::Loris)?
}

/// Write one frame and push it out.
pub(crate) async fn write(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), Reason> {
    let len = u32::try_from(bytes.len()).map_err(|_| Reason::Oversized { bytes: bytes.len(), max: FRAME_BYTES_MAX })?;
    let all = async {
        stream.write_all(&len.to_be_bytes()).await?;
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    timeout(STALL, all).await.map_err(|_| Reason::Slow)?.map_err(Reason::from)
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };

    use libp2p::futures::io::{self, Cursor};

    use super::*;

    /// Bytes, and then silence without an end.
    struct Silent(Cursor<Vec<u8>>);

    impl AsyncRead for Silent {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut [u8]) -> Poll<io::Result<usize>> {
            match Pin::new(&mut self.0).poll_read(cx, to) {
                Poll::Ready(Ok(0)) => Poll::Pending,
                read => read,
            }
        }
    }

    async fn read_all(bytes: &[u8]) -> Result<Vec<u8>, Reason> {
        read(&mut Silent(Cursor::new(bytes.to_vec())), &credit(), FRAME_BYTES_MAX).await.map(Frame::into_bytes)
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_is_read_or_its_fault_is_named() {
        let oversized = Reason::Oversized { bytes: FRAME_BYTES_MAX + 1, max: FRAME_BYTES_MAX };
        let rows = [
            (&[0, 0, 0, 2, 5, 6][..], Ok(vec![5, 6])),
            (&[0, 0, 0, 0, 0, 0, 0, 1, 9], Ok(vec![9])),
            (&[0, 0x40, 0, 1], Err(oversized)),
            (&[], Err(Reason::Quiet)),
            (&[0], Err(Reason::Loris)),
            (&[0, 0x40, 0, 0, 1, 2, 3], Err(Reason::Loris)),
        ];
        for (bytes, expected) in rows {
            assert_eq!(read_all(bytes).await, expected, "{bytes:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_read_while_the_credit_is_used_up() {
        let (credit, mut wire) = (credit(), Vec::new());
        for _ in 0..2 {
            write(&mut wire, &vec![7; FRAME_BYTES_MAX]).await.unwrap();
        }
        let mut stream = Silent(Cursor::new(wire));
        let first = read(&mut stream, &credit, FRAME_BYTES_MAX).await.unwrap();
        let hour = Duration::from_hours(1);
        assert!(timeout(hour, read(&mut stream, &credit, FRAME_BYTES_MAX)).await.is_err());
        let at_rest = stream.0.position();
        assert!(at_rest <= FRAME_BYTES_MAX as u64 + 8, "read on to {at_rest}");
        drop(first);
    }
}
