//! Hears of a sink that fails when it happens, not when all is over.

use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::sampler::Row;
use crate::writer::Sink;
use memreel_trace::{Event, TraceError};

/// What could not be written. The descriptor is readable when there is something to [hear](Failures::hear).
#[derive(Debug)]
pub struct WriteFailures {
    errors: Receiver<TraceError>,
    wake: PipeReader,
}

/// Has failures of these sinks heard. To the writer they never fail; one that did is told nothing more.
///
/// # Errors
/// When no pipe can be made.
pub fn watched(sinks: Vec<Box<dyn Sink>>) -> std::io::Result<(Vec<Box<dyn Sink>>, WriteFailures)> {
    let (errors, heard) = channel();
    let (wake, waking) = std::io::pipe()?;
    let waking = Arc::new(waking);
    let watched = sinks.into_iter().map(|sink| -> Box<dyn Sink> {
        Box::new(Watched { sink: Some(sink), errors: errors.clone(), wake: Arc::clone(&waking) })
    });
    Ok((watched.collect(), WriteFailures { errors: heard, wake }))
}

impl WriteFailures {
    /// What has failed since last asked, once something has.
    pub fn hear(&mut self) -> Vec<TraceError> {
        // Each failure is sent before its byte is written.
        let _ = self.wake.read(&mut [0; 16]);
        self.rest()
    }

    /// What has failed since last asked, if anything.
    pub fn rest(&self) -> Vec<TraceError> {
        self.errors.try_iter().collect()
    }
}

impl AsFd for WriteFailures {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

struct Watched {
    sink: Option<Box<dyn Sink>>,
    errors: Sender<TraceError>,
    wake: Arc<PipeWriter>,
}

impl Watched {
    fn try_to(&mut self, write: impl FnOnce(&mut dyn Sink) -> Result<(), TraceError>) {
        let Some(sink) = &mut self.sink else { return };
        if let Err(error) = write(sink.as_mut()) {
            self.sink = None;
            let _ = self.errors.send(error);
            let _ = (&*self.wake).write_all(b"!");
        }
    }
}

impl Sink for Watched {
    fn row(&mut self, row: &Row) -> Result<(), TraceError> {
        self.try_to(|sink| sink.row(row));
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Result<(), TraceError> {
        self.try_to(|sink| sink.event(event));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), TraceError> {
        self.try_to(|sink| sink.flush());
        Ok(())
    }
}
