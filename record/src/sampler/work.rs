//! What the sampling thread does.

use std::sync::Arc;
use std::time::Duration;

use super::allowance::{Allowance, AllowanceTerms};
use super::clock::{Bell, Instant, thread_cpu};
use super::live::Live;
use super::ring::Queue;
use super::row::{Happening, Occurrence, Row};
use super::tree::{Tiers, Tree};
use super::{Detail, ReadProgress, SamplerReport, Settings};
use memreel_trace::units::Bytes;
use memreel_trace::{OUT_OF_FILES, PssSource, Sample, Sampling};

/// CPU time, faults, input and output, and memory by kind. The kernel counts CPU time in clock ticks of
/// 10 ms. A little less than 100 ms, lest a tick that is early be left out.
const WORK_EVERY: Duration = Duration::from_millis(99);

/// The same for one who wants them at each tick.
const CLOCK_TICK: Duration = Duration::from_millis(9);

/// Rows for single processes.
const PROCESSES_EVERY: Duration = Duration::from_millis(99);

/// Whether processes were started: at every tick, but of a sampler without an interval.
const GROWTH_EVERY: Duration = Duration::from_millis(1);

/// With longer intervals progress is read in between.
const PROGRESS_EVERY: Duration = Duration::from_millis(50);

/// Only what is started is looked for, so that this is spent where processes come and go.
const SCAN: AllowanceTerms = AllowanceTerms {
    share: 0.005,
    first: Duration::from_millis(5),
    at_most_every: Duration::from_millis(1),
    at_least_each: None,
};

const THREADS: AllowanceTerms = AllowanceTerms {
    share: 0.0002,
    first: Duration::from_micros(500),
    at_most_every: Duration::from_millis(50),
    at_least_each: Some(0.25),
};

const WALK: AllowanceTerms = AllowanceTerms {
    share: 0.0003,
    first: Duration::from_micros(500),
    at_most_every: Duration::from_millis(50),
    at_least_each: None,
};

/// Of a tree of several processes only a walk tells shared pages from others. So however dear, it is walked again when
/// so large a share of the run has passed since the last time, or resident memory has risen by so large a share.
const WALK_SHARED_EACH: f64 = 0.25;

/// What walking a memory map is taken to cost before it was measured. Found between 11 µs (huge pages) and
/// 58 µs (pages of 4 KiB in a virtual machine).
const WALK_PER_MIB: Duration = Duration::from_micros(60);

/// A map with nothing in it costs as much as one of so many MiB.
const EMPTY_MAP_MIB: f64 = 5.0;

/// The sampling thread's own state.
pub struct Work {
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
    scan: Allowance,
    scan_cost: Duration,
    threads: Allowance,
    threads_cost: Duration,
    walk: Allowance,
    walk_per_mib: Duration,
    walked_at: Option<Bytes>,
}

impl Due {
    fn new(now: Instant) -> Due {
        Due {
            work: now,
            status: now,
            processes: now,
            growth: now,
            scan: Allowance::new(SCAN, now),
            scan_cost: Duration::ZERO,
            threads: Allowance::new(THREADS, now),
            threads_cost: Duration::ZERO,
            walk: Allowance::new(WALK, now),
            walk_per_mib: WALK_PER_MIB,
            walked_at: None,
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
    pub fn new(
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

    pub fn begin(&mut self) {
        if let Some((pid, name)) = self.tree.root() {
            self.happened(Happening::ProcessStart { pid, name });
        }
        let (frames, queue) = (self.live.frames(), &mut self.queue);
        self.tree.meet(|change| {
            queue.send(Row::Event(Occurrence { t_s: 0.0, frames, what: change.into() }));
        });
        self.tick(Instant::now(), Duration::ZERO);
    }

    pub fn run(&mut self, stop: &Bell) {
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
        self.scan(now);
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
        let resident = sample.rss_bytes.unwrap_or(Bytes::ZERO);
        let mib = resident.mib() + EMPTY_MAP_MIB;
        let expected = self.due.walk_per_mib.mul_f64(mib);
        let rose =
            self.due.walked_at.is_none_or(|at| resident.as_f64() > at.as_f64() * (1.0 + WALK_SHARED_EACH));
        let shared = self.tree.has_several() && self.due.walk.has_rested(now);
        let overdue = shared && (rose || self.due.walk.is_overdue(now, WALK_SHARED_EACH));
        if !overdue && !self.due.walk.allows(now, expected) {
            return;
        }
        self.due.walked_at = Some(resident);
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

    pub fn report(&self, mut notes: Vec<String>) -> SamplerReport {
        notes.extend(self.denied());
        SamplerReport {
            sampling: self.sampling(&notes),
            cpu: thread_cpu(),
            held: self.due.walk.spent(),
            last_s: self.first_and_last.map_or(0.0, |(_, last)| self.seconds(last)),
            high_water: self.tree.largest(),
            ran_out_of_files: self.tree.ran_out_of_files(),
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
        let denied = denied.map(|(_, what)| format!("{what}: no permission to read them for every process"));
        let left_out = self.tree.ran_out_of_files().then(|| OUT_OF_FILES.to_string());
        denied.chain(left_out).collect()
    }
}
