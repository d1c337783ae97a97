//! How long a test waits for what it has started: as long as that makes progress.
//!
//! Other work on a machine makes everything slow, and no number of seconds tells slow from stuck. CPU time and new
//! bytes do. A test gives up when there was none for a minute in which the test itself got to look.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::process::{Stat, descendants, mentioning};

/// Whoever looks rarely counts few looks: seconds in which the test itself did not run do not count.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks without progress after which a test gives up.
const IDLE_LOOKS: u32 = 60;
/// Less CPU time is not progress: a melt that hangs wakes ten times a second to see whether it has ended.
const LEAST_CPU: Duration = Duration::from_millis(250);
/// More CPU time than any test takes: a loop that does not end.
const MOST_CPU: Duration = Duration::from_secs(1800);
/// What a process that is being ended may do beside: with grace, and with many threads.
const MOST_CPU_AFTER_ITS_END: Duration = Duration::from_secs(10);
/// Shorter than any sleep that a test starts: what is left behind must not seem to have been ended.
const IDLE_LOOKS_AFTER_ITS_END: u32 = 15;

/// Whether to wait on.
pub struct Patience {
    watched: Watched,
    limits: Limits,
    first: Option<Duration>,
    seen: Activity,
    looked: Instant,
    idle: u32,
}

/// When a test gives up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long to wait before looking again.
    pub look_every: Duration,
    /// After so many looks without progress.
    pub idle_looks: u32,
    /// After so much CPU time in all.
    pub most_cpu: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { look_every: LOOK_EVERY, idle_looks: IDLE_LOOKS, most_cpu: MOST_CPU }
    }
}

/// Whose progress it is.
enum Watched {
    /// Of what this process has started, and of these files.
    Started(Option<PathBuf>),
    /// Of every process that mentions a folder.
    Mentioning(PathBuf),
}

/// What was done so far.
#[derive(Debug, Clone, Copy, Default)]
struct Activity {
    cpu: Duration,
    bytes: u64,
}

impl Patience {
    /// With the processes that this one has started.
    pub fn new() -> Patience {
        Patience::of(Watched::Started(None), Limits::default())
    }

    /// With the processes that this one has started, and what is written in this folder.
    pub fn with_files(folder: &Path) -> Patience {
        Patience::of(Watched::Started(Some(folder.to_path_buf())), Limits::default())
    }

    /// With processes that mention this folder and ought to end.
    pub fn to_be_gone(folder: &Path) -> Patience {
        let limits = Limits {
            idle_looks: IDLE_LOOKS_AFTER_ITS_END,
            most_cpu: MOST_CPU_AFTER_ITS_END,
            ..Limits::default()
        };
        Patience::of(Watched::Mentioning(folder.to_path_buf()), limits)
    }

    /// The same with other limits.
    pub fn limited(self, limits: Limits) -> Patience {
        Patience { limits, ..self }
    }

    fn of(watched: Watched, limits: Limits) -> Patience {
        let (seen, looked) = (Activity::default(), Instant::now());
        Patience { watched, limits, first: None, seen, looked, idle: 0 }
    }

    /// Whether it is time to give up; to be asked again and again.
    pub fn is_over(&mut self) -> bool {
        if self.looked.elapsed() < self.limits.look_every {
            return false;
        }
        self.looked = Instant::now();
        let now = self.watched.activity();
        let first = *self.first.get_or_insert(now.cpu);
        let is_progress = now.bytes != self.seen.bytes || now.cpu >= self.seen.cpu + LEAST_CPU;
        if is_progress {
            (self.seen, self.idle) = (now, 0);
        } else {
            // A process that has ended takes its time with it.
            self.seen.cpu = self.seen.cpu.min(now.cpu);
            self.idle += 1;
        }
        self.idle >= self.limits.idle_looks || now.cpu.saturating_sub(first) > self.limits.most_cpu
    }
}

impl Watched {
    fn activity(&self) -> Activity {
        let (pids, files) = match self {
            Watched::Started(files) => (descendants(), files.as_deref()),
            Watched::Mentioning(folder) => {
                (mentioning(folder).iter().map(|process| process.pid).collect(), None)
            }
        };
        Activity { cpu: pids.into_iter().map(cpu).sum(), bytes: files.map_or(0, bytes) }
    }
}

/// CPU time of a process and the children it waited for, but not that of memreel's sampler, which goes on however
/// long an engine stands still.
fn cpu(pid: i32) -> Duration {
    let Some(stat) = Stat::read(Path::new(&format!("/proc/{pid}/stat"))) else { return Duration::ZERO };
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let tasks = tasks.filter_map(|task| Stat::read(&task.path().join("stat")));
    let samplers: Duration = tasks.filter(|task| task.name == "sampler").map(|task| task.own).sum();
    (stat.own + stat.of_children).saturating_sub(samplers)
}

/// Bytes of all files in a folder but those that the sampler fills.
fn bytes(folder: &Path) -> u64 {
    const SAMPLED: [&str; 4] = ["samples.csv", "processes.csv", "threads.csv", "events.csv"];
    let of = |entry: fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => bytes(&entry.path()),
        Ok(kind) if kind.is_file() && !SAMPLED.iter().any(|name| entry.file_name() == *name) => {
            entry.metadata().map_or(0, |meta| meta.len())
        }
        _ => 0,
    };
    fs::read_dir(folder).into_iter().flatten().flatten().map(of).sum()
}
