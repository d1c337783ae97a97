//! Samples a process tree from outside, at absolute deadlines.
//!
//! Three tiers. At every tick: what costs microseconds, read with `pread` from files that stay open.
//! More rarely, at a rate bounded by their own measured cost: the tree itself and its threads, and
//! PSS, which also holds the target's memory map while the kernel walks it.
//!
//! Samples go through a bounded queue to whoever writes them; the sampling thread never waits for a
//! disk.

mod clock;
mod process;
mod tree;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::trace::{Event, ProcessSample, PssSource, Sample, Sampling, ThreadSample};
use crate::units::{Bytes, Count};

pub use clock::{Instant, thread_cpu};
pub use process::{own_private_bytes, process_cpu};

use clock::Bounded;
use tree::Tree;

/// How much of the wall time each of the dear reads may take.
const DEAR_SHARE: f64 = 0.001;

/// No more often than this, however cheap: new processes and threads are looked for.
const SCAN_AT_MOST_EVERY: Duration = Duration::from_millis(100);

/// No more often than this, however cheap: PSS is read.
const PSS_AT_MOST_EVERY: Duration = Duration::from_millis(50);

/// How many rows may wait for the writer: at 1 kHz, four seconds of a stuck disk.
pub const QUEUE: usize = 4096;

/// A row for one of the trace's files.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// For `samples.csv`.
    Sample(Sample),
    /// For `processes.csv`.
    Process(ProcessSample),
    /// For `threads.csv`.
    Thread(ThreadSample),
    /// For `events.csv`.
    Event(Event),
}

/// What is known while the engine runs: the reader of its progress writes the frame counters, the
/// sampler the memory, and a progress bar reads both.
#[derive(Debug, Default)]
pub struct Live {
    /// One more than the count; zero while nothing was reported.
    frames_in: AtomicU64,
    frames_out: AtomicU64,
    resident: AtomicU64,
    peak: AtomicU64,
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

    fn note_memory(&self, resident: Bytes) {
        self.resident.store(resident.get(), Ordering::Relaxed);
        self.peak.fetch_max(resident.get(), Ordering::Relaxed);
    }
}

/// What a finished sampler says of its own work.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplerReport {
    /// For `run.json`.
    pub sampling: Sampling,
    /// CPU time that the sampling thread took.
    pub cpu: Duration,
    /// How long the target's memory map may have been held, all PSS reads together.
    pub held: Duration,
    /// When the last sample was taken, in seconds.
    pub last_s: f64,
    /// Rows that the writer was too slow for.
    pub lost_rows: u64,
}

/// A running sampler.
#[derive(Debug)]
pub struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<SamplerReport>,
}

impl Sampler {
    /// Starts sampling the process `root` and all its descendants, also those that its `adopter`
    /// (the launcher) has inherited. Times count from `origin`.
    /// The first sample is taken before this returns, so that the caller can then let the process go.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        (root, adopter): (i32, i32),
        interval: Duration,
        origin: Instant,
        live: Arc<Live>,
        rows: SyncSender<Row>,
    ) -> std::io::Result<Sampler> {
        let stop = Arc::new(AtomicBool::new(false));
        let stop_seen = Arc::clone(&stop);
        let tree = Tree::new(root, adopter);
        let (ready, first_taken) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name("sampler".into()).spawn(move || {
            let mut work = Work::new(tree, interval, origin, live, rows);
            work.tick(Instant::now(), Duration::ZERO);
            let _ = ready.send(());
            work.run(&stop_seen);
            work.report()
        })?;
        let _ = first_taken.recv();
        Ok(Sampler { stop, thread })
    }

    /// Ends sampling and returns what it cost.
    pub fn finish(self) -> SamplerReport {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// The sampling thread's own state.
struct Work {
    tree: Tree,
    interval: Duration,
    origin: Instant,
    live: Arc<Live>,
    rows: SyncSender<Row>,
    pss: Bounded,
    scan: Bounded,
    pss_reads: u64,
    samples: u64,
    late: u64,
    missed: u64,
    lost_rows: u64,
    first_and_last: Option<(Instant, Instant)>,
}

impl Work {
    fn new(tree: Tree, interval: Duration, origin: Instant, live: Arc<Live>, rows: SyncSender<Row>) -> Work {
        Work {
            tree,
            interval,
            origin,
            live,
            rows,
            pss: Bounded::new(DEAR_SHARE, PSS_AT_MOST_EVERY),
            scan: Bounded::new(DEAR_SHARE, SCAN_AT_MOST_EVERY),
            pss_reads: 0,
            samples: 0,
            late: 0,
            missed: 0,
            lost_rows: 0,
            first_and_last: None,
        }
    }

    fn run(&mut self, stop: &AtomicBool) {
        let mut deadline = self.origin.after(self.interval);
        while !stop.load(Ordering::Relaxed) && !self.tree.is_over() {
            clock::sleep_until(deadline);
            let now = Instant::now();
            let late = now.since(deadline);
            self.tick(now, late);
            deadline = self.next_deadline(deadline);
        }
    }

    /// The first deadline that is still to come; those already past are missed.
    fn next_deadline(&mut self, deadline: Instant) -> Instant {
        let next = deadline.after(self.interval);
        let behind = Instant::now().since(next);
        if behind.is_zero() {
            return next;
        }
        let missed = 1 + (behind.as_nanos() / self.interval.as_nanos().max(1)) as u32;
        self.missed += u64::from(missed);
        self.event("missed-ticks", missed.to_string());
        next.after(self.interval * missed)
    }

    fn tick(&mut self, now: Instant, late: Duration) {
        if self.scan.is_due(now) {
            self.scan_tree(now);
        }
        let mut sample = Sample {
            t_s: self.seconds(now),
            frames_in: self.live.frames_in(),
            frames_out: self.live.frames_out(),
            late_s: late.as_secs_f64(),
            ..Sample::default()
        };
        self.tree.read(&mut sample);
        if sample.rss_bytes.is_none() {
            return;
        }
        if self.pss.is_due(now) {
            let before = Instant::now();
            sample.pss_bytes = self.tree.read_pss();
            self.pss.took(now, Instant::now().since(before));
            self.pss_reads += u64::from(sample.pss_bytes.is_some());
        }
        self.keep(&sample, now, late);
    }

    fn keep(&mut self, sample: &Sample, now: Instant, late: Duration) {
        self.samples += 1;
        self.late += u64::from(late > self.interval / 2);
        self.first_and_last = Some((self.first_and_last.map_or(now, |(first, _)| first), now));
        self.live.note_memory(sample.rss_bytes.unwrap_or(Bytes::ZERO));
        self.send(Row::Sample(*sample));
        if self.tree.has_several() {
            for process in self.tree.process_samples(sample.t_s) {
                self.send(Row::Process(process));
            }
        }
    }

    /// Looks for processes and threads that began or ended.
    fn scan_tree(&mut self, now: Instant) {
        let before = Instant::now();
        for (kind, what) in self.tree.rescan() {
            self.event(kind, what);
        }
        for thread in self.tree.thread_samples(self.seconds(now)) {
            self.send(Row::Thread(thread));
        }
        self.scan.took(now, Instant::now().since(before));
    }

    fn event(&mut self, kind: &str, what: String) {
        let t_s = self.seconds(Instant::now());
        self.send(Row::Event(Event { t_s, frames: self.live.frames(), kind: kind.into(), what }));
    }

    fn send(&mut self, row: Row) {
        if let Err(TrySendError::Full(_)) = self.rows.try_send(row) {
            self.lost_rows += 1;
        }
    }

    fn seconds(&self, at: Instant) -> f64 {
        at.since(self.origin).as_secs_f64()
    }

    fn report(&self) -> SamplerReport {
        let achieved_hz = match self.first_and_last {
            Some((first, last)) if self.samples > 1 => {
                (self.samples - 1) as f64 / last.since(first).as_secs_f64().max(1e-9)
            }
            _ => 0.0,
        };
        SamplerReport {
            sampling: Sampling {
                interval_s: self.interval.as_secs_f64(),
                samples: self.samples,
                late: self.late,
                missed: self.missed,
                achieved_hz,
                pss: if self.pss_reads > 0 { PssSource::SmapsRollup } else { PssSource::None },
                pss_reads: self.pss_reads,
            },
            cpu: thread_cpu(),
            held: self.pss.total(),
            last_s: self.first_and_last.map_or(0.0, |(_, last)| self.seconds(last)),
            lost_rows: self.lost_rows,
        }
    }
}
