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
//! | `children` | new processes | when `/proc/loadavg`, read at every tick, says that any was started; half a per cent of wall time |
//! | `smaps_rollup` | PSS, private memory | three hundredths of a per cent of wall time, because it also holds the target's memory map |
//!
//! A tick goes through `work` (when what is due) → `tree` (all processes) → `process` (reads its open files) →
//! [`crate::proc`] (parses their text).
//!
//! Every file is opened once and read with `pread`. The sampling thread allocates nothing and takes no
//! lock while no process comes or goes; its rows go through a ring of fixed size to whoever writes them,
//! so that it never waits for a disk.

mod allowance;
mod clock;
mod kernel;
mod live;
mod process;
mod read;
mod ring;
mod row;
mod threads;
mod tree;
mod work;

use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use memreel_trace::units::Bytes;
use memreel_trace::{Overhead, Sampling};

pub use clock::{Bell, Instant, thread_cpu};
pub use live::Live;
pub use process::{own_private_bytes, process_cpu};
pub use ring::Rows;
pub use row::{Happening, Occurrence, Row};
pub use tree::{Tiers, Tree, TreeChange};

use work::Work;

/// Timers that may be late by the kernel's usual slack of 50 µs are cheaper; below this interval they
/// may not.
const SLACK_BELOW: Duration = Duration::from_millis(5);

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
    /// Whether processes were left out because no more files could be opened (`RLIMIT_NOFILE`).
    pub ran_out_of_files: bool,
    /// What could not be read or was not allowed, in words.
    pub notes: Vec<String>,
}

impl SamplerReport {
    /// What measuring cost, of which this much CPU time is that of the whole harness.
    pub fn overhead(&self, harness_cpu: Duration) -> Overhead {
        Overhead {
            harness_cpu_s: harness_cpu.as_secs_f64(),
            sampler_cpu_s: self.cpu.as_secs_f64(),
            held_s: self.held.as_secs_f64(),
            harness_private_bytes: own_private_bytes(),
        }
    }
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
        let (queue, rows) = ring::ring(settings.interval.is_zero());
        let stop = Arc::new(Bell::default());
        let stopped = Arc::clone(&stop);
        let (ready, first_taken) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name("sampler".into()).spawn(move || {
            let mut notes = Vec::new();
            if settings.realtime {
                notes.extend(kernel::ask_for_realtime().err());
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
