//! Hold what waits to be sent to one peer: two queues under one limit. Whatever is high goes before whatever is normal.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;

use crate::{FRAME_BYTES_MAX, NotSent};

/// Bytes that may wait for one peer: two longest frames.
pub const QUEUE_BYTES_MAX: usize = 2 * FRAME_BYTES_MAX;
/// Frames that may wait for one peer.
pub const QUEUE_FRAMES_MAX: usize = 4_096;

/// What goes first. Source: root 10, "key blocks and votes precede everything in send queues".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Key blocks, votes, seals.
    High,
    /// Everything else.
    Normal,
}

/// What waits for one peer.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    high: VecDeque<Arc<[u8]>>,
    normal: VecDeque<Arc<[u8]>>,
    bytes: usize,
    closed: bool,
}

impl Outbox {
    /// Take a frame, or say why not. After `Slow` nothing more is taken and what waited is dropped.
    pub(crate) fn push(&self, priority: Priority, bytes: Arc<[u8]>) -> Result<(), NotSent> {
        if bytes.is_empty() {
            return Err(NotSent::Empty);
        }
        if bytes.len() > FRAME_BYTES_MAX {
            return Err(NotSent::Oversized { bytes: bytes.len(), max: FRAME_BYTES_MAX });
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.closed {
            return Err(NotSent::NoPeer);
        }
        let (total, frames) = (queue.bytes + bytes.len(), queue.high.len() + queue.normal.len() + 1);
        if total > QUEUE_BYTES_MAX || frames > QUEUE_FRAMES_MAX {
            *queue = Queue { closed: true, ..Queue::default() };
            return Err(NotSent::Slow { bytes: total, frames });
        }
        queue.bytes = total;
        match priority {
            Priority::High => queue.high.push_back(bytes),
            Priority::Normal => queue.normal.push_back(bytes),
        }
        drop(queue);
        self.more.notify_one();
        Ok(())
    }

    /// The next frame, as soon as there is one. For one reader.
    pub(crate) async fn pop(&self) -> Arc<[u8]> {
        loop {
            if let Some(bytes) = self.try_pop() {
                return bytes;
            }
            self.more.notified().await;
        }
    }

    fn try_pop(&self) -> Option<Arc<[u8]>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = queue.high.pop_front().or_else(|| queue.normal.pop_front())?;
        queue.bytes = queue.bytes.saturating_sub(bytes.len());
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: &[u8]) -> Arc<[u8]> {
        Arc::from(bytes)
    }

    #[test]
    fn high_frames_overtake_normal_ones_and_keep_their_own_order() {
        let outbox = Outbox::default();
        for (priority, byte) in [(Priority::Normal, 1), (Priority::High, 2), (Priority::Normal, 3), (Priority::High, 4)]
        {
            assert_eq!(outbox.push(priority, frame(&[byte])), Ok(()));
        }
        let order: Vec<u8> = std::iter::from_fn(|| outbox.try_pop()).map(|bytes| bytes[0]).collect();
        assert_eq!(order, [2, 4, 1, 3]);
    }

    #[test]
    fn a_full_queue_closes_and_forgets_what_waited() {
        let outbox = Outbox::default();
        for _ in 0..QUEUE_FRAMES_MAX {
            assert_eq!(outbox.push(Priority::Normal, frame(&[0])), Ok(()));
        }
        let full = NotSent::Slow { bytes: QUEUE_FRAMES_MAX + 1, frames: QUEUE_FRAMES_MAX + 1 };
        assert_eq!(outbox.push(Priority::High, frame(&[0])), Err(full));
        assert_eq!(outbox.push(Priority::High, frame(&[0])), Err(NotSent::NoPeer));
        assert_eq!(outbox.try_pop(), None);
    }

    #[test]
    fn bytes_that_wait_are_bounded_too() {
        let outbox = Outbox::default();
        let longest = frame(&vec![0; FRAME_BYTES_MAX]);
        assert_eq!(outbox.push(Priority::Normal, Arc::clone(&longest)), Ok(()));
        assert_eq!(outbox.push(Priority::Normal, longest), Ok(()));
        assert!(matches!(outbox.push(Priority::Normal, frame(&[0])), Err(NotSent::Slow { .. })));
    }
}
