//! Takes rows off the sampler's ring and hands them to whoever keeps them, on a thread of its own.
//!
//! It wakes once a second, or when the ring is half full, because every wake-up costs more than the
//! rows it writes.

mod files;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::sampler::{Bell, Instant, Row, Rows};
use memreel_trace::{Event, Sample, TraceError};

pub use files::{SamplesFile, TraceFiles};

/// What a kill of the harness can lose at most.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// Keeps rows.
pub trait Sink: Send {
    /// Takes a row of the sampler; its events come through [`Sink::event`].
    ///
    /// # Errors
    /// When it cannot be written.
    fn row(&mut self, row: &Row) -> Result<(), TraceError>;

    /// Takes an event; the events of a second come in the order of their time.
    ///
    /// # Errors
    /// When it cannot be written.
    fn event(&mut self, event: &Event) -> Result<(), TraceError>;

    /// Hands everything taken so far to the kernel.
    ///
    /// # Errors
    /// When it cannot be written.
    fn flush(&mut self) -> Result<(), TraceError>;
}

/// The thread that writes.
#[derive(Debug)]
pub struct Writer {
    failed: Arc<AtomicBool>,
    end: Sender<Option<Sample>>,
    bell: Arc<Bell>,
    thread: JoinHandle<Result<(), TraceError>>,
}

impl Writer {
    /// Starts writing what comes off the ring, and events of others, to all the sinks.
    ///
    /// A sink that fails gets nothing more; the others go on.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(rows: Rows, events: Receiver<Event>, sinks: Vec<Box<dyn Sink>>) -> std::io::Result<Writer> {
        let (failed, bell) = (Arc::<AtomicBool>::default(), rows.bell());
        let mut work =
            Work { rows, events, sinks, batch: Vec::new(), failed: Arc::clone(&failed), failure: None };
        let (end, ended) = channel();
        let rung = Arc::clone(&bell);
        let thread = std::thread::Builder::new().name("writer".into()).spawn(move || {
            let last = loop {
                let heard = rung.strokes();
                let end = ended.try_recv();
                work.drain();
                match end {
                    Ok(last) => break last,
                    // Nobody waits for the end any more.
                    Err(TryRecvError::Disconnected) => break None,
                    Err(TryRecvError::Empty) => rung.wait(heard, Instant::now().after(FLUSH_EVERY)),
                };
            };
            if let Some(last) = last {
                work.each(|sink| sink.row(&Row::Sample(last)).and_then(|()| sink.flush()));
            }
            work.failure.map_or(Ok(()), Err)
        })?;
        Ok(Writer { failed, end, bell, thread })
    }

    /// Whether writing has failed, for example because the disk is full.
    pub fn have_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Writes what is still on its way, once the sampler has finished and all events were sent; and behind
    /// it a sample of what is known of the very end beside the sampler, if there is one.
    ///
    /// # Errors
    /// When something could not be written: the first failure.
    pub fn finish(self, end: Option<Sample>) -> Result<(), TraceError> {
        let _ = self.end.send(end);
        self.bell.ring();
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

struct Work {
    rows: Rows,
    events: Receiver<Event>,
    sinks: Vec<Box<dyn Sink>>,
    batch: Vec<Event>,
    failed: Arc<AtomicBool>,
    failure: Option<TraceError>,
}

impl Work {
    /// Writes everything there is.
    fn drain(&mut self) {
        while let Some(row) = self.rows.take() {
            match row {
                Row::Event(seen) => self.batch.push(seen.into()),
                row => self.each(|sink| sink.row(&row)),
            }
        }
        self.batch.extend(self.events.try_iter());
        let mut batch = std::mem::take(&mut self.batch);
        batch.sort_by(|a, b| a.t_s.total_cmp(&b.t_s));
        for event in batch.drain(..) {
            self.each(|sink| sink.event(&event));
        }
        self.batch = batch;
        self.each(|sink| sink.flush());
    }

    fn each(&mut self, mut write: impl FnMut(&mut dyn Sink) -> Result<(), TraceError>) {
        let (failure, failed) = (&mut self.failure, &self.failed);
        self.sinks.retain_mut(|sink| match write(sink.as_mut()) {
            Ok(()) => true,
            Err(error) => {
                failure.get_or_insert(error);
                failed.store(true, Ordering::Relaxed);
                false
            }
        });
    }
}
