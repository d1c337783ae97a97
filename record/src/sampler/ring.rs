//! The ring of fixed size between the sampling thread and whoever writes.

use std::sync::Arc;
use std::time::Duration;

use rtrb::{Consumer, Producer, PushError, RingBuffer};

use super::clock::Bell;
use super::row::Row;

/// Rows that may wait for the writer: at 1 kHz, eight seconds of a stuck disk.
const RING: usize = 8192;

/// Makes a ring. One that `waits` loses no row: without deadlines to keep there is time to wait for the
/// writer.
pub fn ring(waits: bool) -> (Queue, Rows) {
    let (producer, consumer) = RingBuffer::new(RING);
    let bell = Arc::<Bell>::default();
    (Queue { ring: producer, bell: Arc::clone(&bell), waits, lost: 0 }, Rows { ring: consumer, bell })
}

/// The rows that a sampler has taken.
#[derive(Debug)]
pub struct Rows {
    ring: Consumer<Row>,
    bell: Arc<Bell>,
}

impl Rows {
    /// Takes the oldest row off the ring, if there is one now.
    pub fn take(&mut self) -> Option<Row> {
        self.ring.pop().ok()
    }

    /// Rung when the ring is half full, and may be by others.
    pub fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }
}

/// The sampling thread's end of the ring.
pub struct Queue {
    ring: Producer<Row>,
    bell: Arc<Bell>,
    waits: bool,
    /// Rows that found no room.
    pub lost: u64,
}

impl Queue {
    pub fn send(&mut self, row: Row) {
        let mut row = row;
        while let Err(PushError::Full(back)) = self.ring.push(row) {
            if !self.waits || self.ring.is_abandoned() {
                self.lost += 1;
                return;
            }
            row = back;
            self.bell.ring();
            std::thread::sleep(Duration::from_micros(200));
        }
        if self.ring.slots() == RING / 2 {
            self.bell.ring();
        }
    }
}
