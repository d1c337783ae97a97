//! What is known while the target runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::clock::Instant;
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{Event, Sample};

/// What is known while the target runs: the reader of its progress writes the frame counters, the
/// sampler the rest, and a progress bar reads all.
#[derive(Debug, Default)]
pub struct Live {
    /// One more than the count; zero while nothing was reported.
    frames_in: AtomicU64,
    frames_out: AtomicU64,
    resident: AtomicU64,
    peak: AtomicU64,
    processes: AtomicU64,
    cpu_ns: AtomicU64,
    written: AtomicU64,
}

impl Live {
    /// Notes frame counters as the engine reports them.
    pub fn note_frames(&self, taken_in: Option<Count>, put_out: Option<Count>) {
        for (counter, frames) in [(&self.frames_in, taken_in), (&self.frames_out, put_out)] {
            if let Some(frames) = frames {
                counter.store(frames.get() + 1, Ordering::Relaxed);
            }
        }
    }

    /// Frames pulled from the timeline so far.
    pub fn frames_in(&self) -> Option<Count> {
        self.frames_in.load(Ordering::Relaxed).checked_sub(1).map(Count::new)
    }

    /// Frames put out so far.
    pub fn frames_out(&self) -> Option<Count> {
        self.frames_out.load(Ordering::Relaxed).checked_sub(1).map(Count::new)
    }

    /// Frames exported so far, by the better counter.
    pub fn frames(&self) -> Option<Count> {
        self.frames_out().or(self.frames_in())
    }

    /// Resident memory at the last sample, and the most seen.
    pub fn memory(&self) -> (Bytes, Bytes) {
        (Bytes::new(self.resident.load(Ordering::Relaxed)), Bytes::new(self.peak.load(Ordering::Relaxed)))
    }

    /// Processes alive at the last sample.
    pub fn processes(&self) -> Count {
        Count::new(self.processes.load(Ordering::Relaxed))
    }

    /// CPU time used so far.
    pub fn cpu(&self) -> Duration {
        Duration::from_nanos(self.cpu_ns.load(Ordering::Relaxed))
    }

    /// Bytes written so far.
    pub fn written(&self) -> Bytes {
        Bytes::new(self.written.load(Ordering::Relaxed))
    }

    /// Something that happens now; times count from `origin`.
    pub fn event(&self, origin: Instant, kind: &str, what: String) -> Event {
        let t_s = Instant::now().since(origin).as_secs_f64();
        Event { t_s, frames: self.frames(), kind: kind.into(), what }
    }

    pub(super) fn note(&self, sample: &Sample) {
        let resident = sample.rss_bytes.unwrap_or(Bytes::ZERO).get();
        self.resident.store(resident, Ordering::Relaxed);
        self.peak.fetch_max(resident, Ordering::Relaxed);
        self.processes.store(sample.processes.unwrap_or(Count::ZERO).get(), Ordering::Relaxed);
        if let Some(cpu_s) = sample.cpu_s {
            self.cpu_ns.store((cpu_s * 1e9) as u64, Ordering::Relaxed);
        }
        if let Some(written) = sample.written_bytes {
            self.written.store(written.get(), Ordering::Relaxed);
        }
    }
}
