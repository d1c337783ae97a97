//! Samples a process tree from outside, at absolute deadlines.
//!
//! What a read costs decides how often it is done:
//!
//! | read | of | when |
//! | --- | --- | --- |
//! | `statm` | resident, anonymous and virtual memory | at every tick |
//! | `stat`, `io` | CPU time, threads, faults, input and output | every 100 ms |
//! | `status` | files, shared memory, swap, high-water mark | every 100 ms; at every tick while something is swapped out |
//! | `task/*` | CPU time of threads, open files | a fiftieth of a per cent of wall time, at most every 50 ms |
//! | `children` | new processes | when `/proc/loadavg`, read every 40 ms, says that any was started; a twentieth of a per cent of wall time |
//! | `smaps_rollup` | PSS, private memory | three hundredths of a per cent of wall time, because it also holds the target's memory map |
//!
//! Every file is opened once and read with `pread`. The sampling thread allocates nothing and takes no
//! lock while no process comes or goes; its rows go through a ring of fixed size to whoever writes them,
//! so that it never waits for a disk.

mod budget;
mod clock;
mod process;
mod realtime;
mod threads;
mod tree;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rtrb::{Consumer, Producer, PushError, RingBuffer};

use crate::trace::{Event, Name, ProcessSample, PssSource, Sample, Sampling, ThreadSample};
use crate::units::{Bytes, Count};

pub use clock::{Bell, Instant, thread_cpu};
pub use process::{own_private_bytes, process_cpu};
pub use tree::{Change, Tiers, Tree};

use budget::{Budget, Terms};

/// Rows that may wait for the writer: at 1 kHz, eight seconds of a stuck disk.
const RING: usize = 8192;

/// CPU time, faults, input and output, and memory by kind. The kernel counts CPU time in clock ticks of
/// 10 ms. A little less than 100 ms, lest a tick that is early be left out.
const WORK_EVERY: Duration = Duration::from_millis(99);

/// The same for one who wants them at each tick.
const CLOCK_TICK: Duration = Duration::from_millis(9);

/// Rows for single processes.
const PROCESSES_EVERY: Duration = Duration::from_millis(99);

/// Whether processes were started.
const GROWTH_EVERY: Duration = Duration::from_millis(39);

/// With longer intervals progress is read in between.
const PROGRESS_EVERY: Duration = Duration::from_millis(50);

/// Timers that may be late by the kernel's usual slack of 50 µs are cheaper; below this interval they
/// may not.
const SLACK_BELOW: Duration = Duration::from_millis(5);

const SCAN: Terms = Terms {
    share: 0.0005,
    first: Duration::from_micros(500),
    at_most_every: Duration::from_millis(1),
    at_least_each: None,
};

const THREADS: Terms = Terms {
    share: 0.0002,
    first: Duration::from_micros(500),
    at_most_every: Duration::from_millis(50),
    at_least_each: Some(0.25),
};

const WALK: Terms = Terms {
    share: 0.0003,
    first: Duration::from_micros(500),
    at_most_every: Duration::from_millis(50),
    at_least_each: None,
};

/// What walking a memory map is taken to cost before it was measured. Found between 11 µs (huge pages) and
/// 58 µs (pages of 4 KiB in a virtual machine).
const WALK_PER_MIB: Duration = Duration::from_micros(60);

/// What is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The process.
    pub root: i32,
    /// Who inherits its orphans (the launcher), if that is known: so they are found again.
    pub adopter: Option<i32>,
}

/// How much is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Detail {
    /// Resident, anonymous and virtual memory only: for the shortest intervals.
    Resident,
    /// Everything.
    #[default]
    Full,
}

/// How it is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Time between two deadlines; zero: as fast as can be.
    pub interval: Duration,
    /// How much is read.
    pub detail: Detail,
    /// Ask the kernel for real-time scheduling; [`SamplerReport::notes`] says when it refused.
    pub realtime: bool,
    /// Whether the root gets a row of its own at every tick.
    pub root_at_each_tick: bool,
}

impl Settings {
    /// Everything, at this interval.
    pub fn every(interval: Duration) -> Settings {
        Settings { interval, detail: Detail::Full, realtime: false, root_at_each_tick: false }
    }
}

/// A row for one of the trace's files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Row {
    /// For `samples.csv`.
    Sample(Sample),
    /// For `processes.csv`.
    Process(ProcessSample),
    /// For `threads.csv`.
    Thread(ThreadSample),
    /// For `events.csv`.
    Event(Occurrence),
}

/// Something that the sampler saw happen: an [`Event`] without the words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Occurrence {
    /// Seconds since the beginning.
    pub t_s: f64,
    /// Frames exported by then.
    pub frames: Option<Count>,
    /// What it was.
    pub what: Happening,
}

/// What the sampler can see happen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Happening {
    /// A process is seen for the first time.
    ProcessStart {
        /// Process number.
        pid: i32,
        /// Its name.
        name: Name,
    },
    /// A process has another name.
    NewName {
        /// Process number.
        pid: i32,
        /// Its name now.
        name: Name,
    },
    /// A process has ended.
    ProcessEnd {
        /// Process number.
        pid: i32,
        /// Its last name.
        name: Name,
    },
    /// Deadlines were overtaken.
    MissedTicks(u64),
}

impl From<Occurrence> for Event {
    fn from(seen: Occurrence) -> Event {
        let (kind, what) = match seen.what {
            Happening::ProcessStart { pid, name } => ("process-start", format!("{pid} {name}")),
            Happening::NewName { pid, name } => ("name", format!("{pid} {name}")),
            Happening::ProcessEnd { pid, name } => ("process-end", format!("{pid} {name}")),
            Happening::MissedTicks(count) => ("missed-ticks", count.to_string()),
        };
        Event { t_s: seen.t_s, frames: seen.frames, kind: kind.into(), what }
    }
}

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

    fn note(&self, sample: &Sample) {
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
    /// The largest resident set that any process of the tree has had, as the kernel last said it.
    pub high_water: Option<Bytes>,
    /// What could not be read or was not allowed, in words.
    pub notes: Vec<String>,
}

/// Reads the target's progress; called before each sample on the sampling thread, it must be quick.
pub type ReadProgress = Box<dyn FnMut() + Send>;

/// A running sampler.
pub struct Sampler {
    stop: Arc<Bell>,
    thread: JoinHandle<SamplerReport>,
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampler").finish_non_exhaustive()
    }
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

impl Sampler {
    /// Starts sampling the target and all its descendants. Times count from `origin`.
    ///
    /// The first sample is taken before this returns, so that the caller can then let the process go.
    ///
    /// # Errors
    /// When `/proc` cannot be read or no thread can be started.
    pub fn start(
        target: Target,
        settings: Settings,
        origin: Instant,
        live: Arc<Live>,
        progress: Option<ReadProgress>,
    ) -> std::io::Result<(Sampler, Rows)> {
        let tree = Tree::new(target.root, target.adopter)?;
        let (ring, consumer) = RingBuffer::new(RING);
        let rows = Rows { ring: consumer, bell: Arc::default() };
        let queue = Queue { ring, bell: rows.bell(), waits: settings.interval.is_zero(), lost: 0 };
        let stop = Arc::new(Bell::default());
        let stopped = Arc::clone(&stop);
        let (ready, first_taken) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name("sampler".into()).spawn(move || {
            let mut notes = Vec::new();
            if settings.realtime {
                notes.extend(realtime::ask().err());
            }
            if settings.interval < SLACK_BELOW {
                let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
            }
            let mut work = Work::new(tree, settings, origin, live, queue, progress);
            work.begin();
            let _ = ready.send(());
            work.run(&stopped);
            work.report(notes)
        })?;
        let _ = first_taken.recv();
        Ok((Sampler { stop, thread }, rows))
    }

    /// Whether everything that was sampled has ended.
    pub fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends sampling, at once, and returns what it cost.
    pub fn finish(self) -> SamplerReport {
        self.stop.ring();
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// The sampling thread's end of the ring.
struct Queue {
    ring: Producer<Row>,
    bell: Arc<Bell>,
    /// Without deadlines to keep there is time to wait for the writer.
    waits: bool,
    lost: u64,
}

impl Queue {
    fn send(&mut self, row: Row) {
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

/// The sampling thread's own state.
struct Work {
    tree: Tree,
    settings: Settings,
    origin: Instant,
    live: Arc<Live>,
    queue: Queue,
    progress: Option<ReadProgress>,
    due: Due,
    samples: u64,
    late: u64,
    missed: u64,
    walks: u64,
    counter_off: Option<Bytes>,
    first_and_last: Option<(Instant, Instant)>,
}

/// When what is not read at every tick is read next, and what it cost.
struct Due {
    work: Instant,
    status: Instant,
    processes: Instant,
    growth: Instant,
    scan: Budget,
    scan_cost: Duration,
    threads: Budget,
    threads_cost: Duration,
    walk: Budget,
    walk_per_mib: Duration,
}

impl Due {
    fn new(now: Instant) -> Due {
        Due {
            work: now,
            status: now,
            processes: now,
            growth: now,
            scan: Budget::new(SCAN, now),
            scan_cost: Duration::ZERO,
            threads: Budget::new(THREADS, now),
            threads_cost: Duration::ZERO,
            walk: Budget::new(WALK, now),
            walk_per_mib: WALK_PER_MIB,
        }
    }
}

/// Whether something that is done every so often is due; if so, notes when it is next.
fn is_due(next: &mut Instant, now: Instant, every: Duration) -> bool {
    let due = now >= *next;
    if due {
        *next = now.after(every);
    }
    due
}

impl Work {
    fn new(
        tree: Tree,
        settings: Settings,
        origin: Instant,
        live: Arc<Live>,
        queue: Queue,
        progress: Option<ReadProgress>,
    ) -> Work {
        Work {
            tree,
            settings,
            origin,
            live,
            queue,
            progress,
            due: Due::new(Instant::now()),
            samples: 0,
            late: 0,
            missed: 0,
            walks: 0,
            counter_off: None,
            first_and_last: None,
        }
    }

    fn begin(&mut self) {
        if let Some((pid, name)) = self.tree.root() {
            self.happened(Happening::ProcessStart { pid, name });
        }
        let (frames, queue) = (self.live.frames(), &mut self.queue);
        self.tree.meet(|change| {
            queue.send(Row::Event(Occurrence { t_s: 0.0, frames, what: change.into() }));
        });
        self.tick(Instant::now(), Duration::ZERO);
    }

    fn run(&mut self, stop: &Bell) {
        let mut deadline = self.origin.after(self.settings.interval);
        while !self.tree.is_over() && !self.wait(stop, deadline) {
            let now = Instant::now();
            self.tick(now, now.since(deadline));
            deadline = self.next_deadline(deadline);
        }
    }

    /// Sleeps until the deadline, reading progress meanwhile where that is far; true when it is to stop.
    fn wait(&mut self, stop: &Bell, deadline: Instant) -> bool {
        if self.settings.interval.is_zero() {
            return stop.strokes() > 0;
        }
        if self.progress.is_some() && self.settings.interval > PROGRESS_EVERY {
            let mut soon = Instant::now().after(PROGRESS_EVERY);
            while soon < deadline && !stop.wait(0, soon) {
                self.read_progress();
                soon = soon.after(PROGRESS_EVERY);
            }
        }
        stop.wait(0, deadline)
    }

    fn read_progress(&mut self) {
        if let Some(read) = &mut self.progress {
            read();
        }
    }

    /// The first deadline that is still to come; those already past are missed.
    fn next_deadline(&mut self, deadline: Instant) -> Instant {
        let interval = self.settings.interval;
        let next = deadline.after(interval);
        if interval.is_zero() {
            return Instant::now();
        }
        let behind = Instant::now().since(next);
        if behind.is_zero() {
            return next;
        }
        let missed = 1 + (behind.as_nanos() / interval.as_nanos()) as u64;
        self.missed += missed;
        self.happened(Happening::MissedTicks(missed));
        next.after(interval.saturating_mul(missed.min(u64::from(u32::MAX)) as u32))
    }

    fn tick(&mut self, now: Instant, late: Duration) {
        self.read_progress();
        let mut sample = Sample {
            t_s: self.seconds(now),
            frames_in: self.live.frames_in(),
            frames_out: self.live.frames_out(),
            late_s: late.as_secs_f64(),
            ..Sample::default()
        };
        let tiers = self.tiers(now);
        self.read_tree(&mut sample, tiers);
        if sample.rss_bytes.is_none() {
            return;
        }
        if self.settings.detail == Detail::Full {
            self.walk(&mut sample, now);
        }
        self.keep(sample, now, late);
        self.send_processes(sample.t_s, now);
        self.scan(now);
        if self.settings.detail == Detail::Full {
            self.read_threads(now);
        }
    }

    fn tiers(&mut self, now: Instant) -> Tiers {
        let full = self.settings.detail == Detail::Full;
        let work_every = if self.settings.root_at_each_tick { CLOCK_TICK } else { WORK_EVERY };
        Tiers {
            work: full && is_due(&mut self.due.work, now, work_every),
            status: full && (is_due(&mut self.due.status, now, WORK_EVERY) || self.tree.is_swapped()),
        }
    }

    fn read_tree(&mut self, sample: &mut Sample, tiers: Tiers) {
        let (t_s, frames, queue) = (sample.t_s, self.live.frames(), &mut self.queue);
        self.tree.read(sample, tiers, |change| {
            queue.send(Row::Event(Occurrence { t_s, frames, what: change.into() }));
        });
    }

    /// Walks the memory maps, when that may be afforded.
    fn walk(&mut self, sample: &mut Sample, now: Instant) {
        let mib = sample.rss_bytes.map_or(1.0, Bytes::mib).max(1.0);
        if !self.due.walk.allows(now, self.due.walk_per_mib.mul_f64(mib)) {
            return;
        }
        let before = Instant::now();
        let walked = self.tree.walk();
        let cost = Instant::now().since(before);
        self.due.walk.spend(now, cost);
        self.due.walk_per_mib = cost.div_f64(mib);
        sample.pss_bytes = walked.pss;
        sample.private_bytes = walked.private;
        sample.exact_anon_bytes = walked.anonymous;
        self.counter_off = self.counter_off.max(walked.counter_off);
        self.walks += u64::from(walked.pss.is_some());
    }

    fn keep(&mut self, sample: Sample, now: Instant, late: Duration) {
        self.samples += 1;
        self.late += u64::from(!self.settings.interval.is_zero() && late > self.settings.interval / 2);
        self.first_and_last = Some((self.first_and_last.map_or(now, |(first, _)| first), now));
        self.live.note(&sample);
        self.queue.send(Row::Sample(sample));
    }

    fn send_processes(&mut self, t_s: f64, now: Instant) {
        let all = self.tree.has_several() && is_due(&mut self.due.processes, now, PROCESSES_EVERY);
        let count = if all { usize::MAX } else { usize::from(self.settings.root_at_each_tick) };
        for process in self.tree.processes(t_s).take(count) {
            self.queue.send(Row::Process(process));
        }
    }

    /// Looks for new processes, where there may be any and it may be afforded.
    fn scan(&mut self, now: Instant) {
        let is_due = is_due(&mut self.due.growth, now, GROWTH_EVERY) || self.tree.has_newborn();
        if !is_due || !self.due.scan.allows(now, self.due.scan_cost) || !self.tree.may_have_grown() {
            return;
        }
        let before = Instant::now();
        let (t_s, frames, queue) = (self.seconds(before), self.live.frames(), &mut self.queue);
        self.tree.scan(|change| {
            queue.send(Row::Event(Occurrence { t_s, frames, what: change.into() }));
        });
        self.due.scan_cost = Instant::now().since(before);
        self.due.scan.spend(now, self.due.scan_cost);
    }

    fn read_threads(&mut self, now: Instant) {
        if !self.due.threads.allows(now, self.due.threads_cost) {
            return;
        }
        let before = Instant::now();
        let (t_s, queue) = (self.seconds(before), &mut self.queue);
        self.tree.threads(t_s, |thread| queue.send(Row::Thread(thread)));
        self.due.threads_cost = Instant::now().since(before);
        self.due.threads.spend(now, self.due.threads_cost);
    }

    fn happened(&mut self, what: Happening) {
        let t_s = self.seconds(Instant::now());
        self.queue.send(Row::Event(Occurrence { t_s, frames: self.live.frames(), what }));
    }

    fn seconds(&self, at: Instant) -> f64 {
        at.since(self.origin).as_secs_f64()
    }

    fn report(&self, mut notes: Vec<String>) -> SamplerReport {
        notes.extend(self.denied());
        SamplerReport {
            sampling: self.sampling(&notes),
            cpu: thread_cpu(),
            held: self.due.walk.spent(),
            last_s: self.first_and_last.map_or(0.0, |(_, last)| self.seconds(last)),
            high_water: self.tree.high_water(),
            notes,
        }
    }

    fn sampling(&self, notes: &[String]) -> Sampling {
        let achieved_hz = match self.first_and_last {
            Some((first, last)) if self.samples > 1 => {
                (self.samples - 1) as f64 / last.since(first).as_secs_f64().max(1e-9)
            }
            _ => 0.0,
        };
        Sampling {
            interval_s: self.settings.interval.as_secs_f64(),
            samples: self.samples,
            late: self.late,
            missed: self.missed,
            achieved_hz,
            pss: if self.walks > 0 { PssSource::SmapsRollup } else { PssSource::None },
            pss_reads: self.walks,
            lost_rows: self.queue.lost,
            counter_off_bytes: self.counter_off,
            notes: notes.to_vec(),
        }
    }

    fn denied(&self) -> Vec<String> {
        let denied = self.tree.denied();
        let what = [
            (denied.io, "bytes read and written (io)"),
            (denied.rollup, "PSS and private memory (smaps_rollup)"),
            (denied.descriptors, "open files (fd)"),
        ];
        let denied = what.into_iter().filter(|(denied, _)| *denied);
        denied.map(|(_, what)| format!("{what}: only its own user and root may read that")).collect()
    }
}

impl From<Change> for Happening {
    fn from(change: Change) -> Happening {
        match change {
            Change::Started { pid, name } => Happening::ProcessStart { pid, name },
            Change::Renamed { pid, name } => Happening::NewName { pid, name },
            Change::Ended { pid, name } => Happening::ProcessEnd { pid, name },
        }
    }
}
