//! Records any command, or a process that runs already.
//!
//! This only watches: a command runs in the terminal of whoever started us, goes on whatever becomes of
//! us, and how it ended is passed on. While nothing happens nothing of us runs but the sampler; all that
//! can happen is waited for in one place, `watch`.

mod failures;
mod folder;
mod marks;
mod psrecord_log;
mod relay;
mod signals;
mod subject;
mod watch;

use std::fs::File;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::death::Witnesses;
use crate::launch::{EndStatus, LaunchError, Streams};
use crate::machine;
use crate::progress::Pattern;
use crate::sampler::{self, Instant, Live, Sampler, SamplerReport, Settings};
use crate::writer::{Sink, Writer};
use memreel_trace::units::Bytes;
use memreel_trace::{Outcome, RECORDING_FORMAT, RecordingRecord, Sample, TraceError, WorkUnit};

pub use folder::{Folder, check_writable};
pub use psrecord_log::{Content, LogLayout, PsrecordLog};
pub use signals::not_ignored;
pub use subject::What;

use relay::Relay;
use subject::Subject;
use watch::{Ears, Seen, Watch, WatchScene};

/// What to record, and how.
#[derive(Debug)]
pub struct Order {
    /// What.
    pub what: What,
    /// How it is sampled.
    pub settings: Settings,
    /// The longest it is recorded; a command is ended then.
    pub duration: Option<Duration>,
    /// How its progress is known.
    pub progress: ProgressSource,
    /// The unit of its progress.
    pub unit: WorkUnit,
    /// The named pipe of which each line is a mark.
    pub marks: Option<PathBuf>,
}

/// How progress is known of a program that does not tell us.
#[derive(Debug)]
pub enum ProgressSource {
    /// By what it writes, which is in each sample.
    Written,
    /// By a number in its output.
    Output {
        /// Where the number stands in a line.
        pattern: Pattern,
        /// Where its standard output and error go on to.
        to: (File, File),
    },
    /// By a number in a file.
    File {
        /// Which.
        path: PathBuf,
        /// Where the number stands in its end.
        pattern: Pattern,
    },
}

impl ProgressSource {
    fn streams(&self) -> Streams {
        match self {
            ProgressSource::Output { .. } => Streams::Relayed,
            ProgressSource::Written | ProgressSource::File { .. } => Streams::Ours,
        }
    }

    /// The regular expression and the file that were given.
    fn given(&self) -> (Option<String>, Option<String>) {
        let regex = |pattern: &Pattern| pattern.given().map(str::to_string);
        match self {
            ProgressSource::Written => (None, None),
            ProgressSource::Output { pattern, .. } => (regex(pattern), None),
            ProgressSource::File { path, pattern } => {
                (regex(pattern), Some(path.to_string_lossy().into_owned()))
            }
        }
    }
}

/// How a recording ended.
#[derive(Debug)]
pub enum Ending {
    /// The command has ended.
    Ended(EndStatus),
    /// The command could not be executed.
    NotStarted(std::io::Error),
    /// The duration was over: a command was ended, a process goes on.
    OutOfTime,
    /// The process has ended.
    Gone,
    /// The user wanted to watch a process no longer.
    Stopped,
    /// What was measured of a process could not be written.
    Unwritten,
}

/// What is known when a recording is over, beside its files.
#[derive(Debug)]
pub struct RecordingEnd {
    /// How it ended.
    pub ending: Ending,
    /// The record, for `recording.json`.
    pub record: RecordingRecord,
    /// The largest resident set of the whole tree at any sample.
    pub sampled_peak: Option<Bytes>,
    /// Whether processes were left out because no more files could be opened.
    pub ran_out_of_files: bool,
    /// Processes that a command left running.
    pub left_running: u64,
    /// What could not be written.
    pub unwritten: Vec<TraceError>,
}

/// Why nothing could be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The number is nobody's.
    #[error("there is no process {pid}")]
    NoProcess {
        /// Which.
        pid: i32,
    },
    /// It is a zombie.
    #[error("process {pid} has already ended (it is a zombie)")]
    Ended {
        /// Which.
        pid: i32,
    },
    /// It is a thread of the kernel.
    #[error("process {pid} is part of the kernel and has no memory of its own")]
    NoMemory {
        /// Which.
        pid: i32,
    },
    /// The command could not be started or watched.
    #[error(transparent)]
    Launch(LaunchError),
    /// The pipe for marks could not be made.
    #[error("cannot read marks from {path}: {source}")]
    Marks {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file of the progress cannot be watched.
    #[error("cannot watch {path}: {source}")]
    ProgressFile {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A thread or pipe could not be made.
    #[error("cannot watch: {0}")]
    System(#[from] std::io::Error),
}

impl RecordError {
    /// Whether there is nothing to record, rather than something wrong with us.
    pub fn is_of_the_process(&self) -> bool {
        matches!(
            self,
            RecordError::NoProcess { .. } | RecordError::Ended { .. } | RecordError::NoMemory { .. }
        )
    }
}

/// Records until the end. Every sink is told every row; one that fails is told nothing more, and its
/// failure is told to `tell` when it happens.
///
/// # Errors
/// When nothing could be recorded. A command has then not been executed, unless the launcher died.
pub fn record(
    order: Order,
    sinks: Vec<Box<dyn Sink>>,
    live: &Arc<Live>,
    tell: &mut dyn FnMut(&TraceError),
) -> Result<RecordingEnd, RecordError> {
    let started = Timestamp::now();
    let ears = Ears::open(&order)?;
    let mut subject = Subject::take(&order.what, order.progress.streams())?;
    let witnesses = Witnesses::from_now(subject.pid);
    let origin = Instant::now();
    let (progress, unit) = (order.progress.given(), order.unit);
    let heard = LastHeard::default();
    let relay = relay(&mut subject, order.progress, &heard, (live, origin))?;
    let (sampler, rows) = Sampler::start(subject.target(), order.settings, origin, Arc::clone(live), None)?;
    let mut began =
        Began { started, witnesses, origin, cpu: live.cpu(), limit: order.duration, progress, unit };
    let (events, queue) = channel();
    let (sinks, failures) = failures::watched(sinks)?;
    let writer = Writer::start(rows, queue, sinks)?;
    subject.release();
    let program = subject.command().swap_remove(0);
    let deadline = order.duration.map(|duration| origin.after(duration));
    let scene = WatchScene { origin, live, events, program: &program, deadline };
    let (mut seen, failures) = Watch::new(&mut subject, ears, failures, scene).until_the_end(tell)?;
    let sampler = sampler.finish();
    relay.finish(seen.left_running > 0);
    // What is heard after the last sample counts, too: whoever counts to 200 has done 200.
    let heard = *heard.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = writer.finish(heard.filter(|heard| heard.t_s > sampler.last_s));
    for failure in failures.rest() {
        tell(&failure);
        seen.unwritten.push(failure);
    }
    let ending = seen.ending(subject.is_command()).ok_or_else(|| subject.launcher_died())?;
    let ran_out_of_files = sampler.ran_out_of_files;
    let outcome = outcome(&ending, &subject, &mut began);
    let record = describe(&subject, &seen, outcome, &began, sampler, live);
    subject.let_go();
    let Seen { left_running, unwritten, .. } = seen;
    let sampled_peak = Some(live.memory().1).filter(|peak| *peak > Bytes::ZERO);
    Ok(RecordingEnd { ending, record, sampled_peak, ran_out_of_files, left_running, unwritten })
}

/// What was known when the first sample was taken.
struct Began {
    started: Timestamp,
    witnesses: Witnesses,
    origin: Instant,
    /// What a process that ran already had used.
    cpu: Duration,
    limit: Option<Duration>,
    /// The regular expression and the file that its progress is read by.
    progress: (Option<String>, Option<String>),
    unit: WorkUnit,
}

fn describe(
    subject: &Subject,
    seen: &Seen,
    outcome: Option<Outcome>,
    began: &Began,
    sampler: SamplerReport,
    live: &Live,
) -> RecordingRecord {
    let cpu_seen = live.cpu().saturating_sub(began.cpu);
    RecordingRecord {
        format: RECORDING_FORMAT.into(),
        command: subject.command(),
        pid: subject.pid,
        attached: !subject.is_command(),
        started: began.started.to_string(),
        wall_s: seen.ended_at().since(began.origin).as_secs_f64(),
        outcome,
        cpu_s: subject.cpu(seen.end, cpu_seen).map(|cpu| cpu.as_secs_f64()),
        high_water_bytes: seen.end.map(|end| end.max_rss).max(sampler.high_water),
        progress: progress_kind(live).into(),
        unit: began.unit,
        progress_regex: began.progress.0.clone(),
        progress_file: began.progress.1.clone(),
        machine: machine::describe(),
        // This process does nothing but measure: all of its CPU time is the cost.
        overhead: sampler.overhead(sampler::process_cpu()),
        notes: sampler.notes,
        sampling: sampler.sampling,
    }
}

/// The last progress that was heard in the output, and when.
type LastHeard = Arc<Mutex<Option<Sample>>>;

/// Passes the output on where it comes to us, listening for the progress in it.
fn relay(
    subject: &mut Subject,
    progress: ProgressSource,
    heard: &LastHeard,
    (live, origin): (&Arc<Live>, Instant),
) -> std::io::Result<Relay> {
    let mut relay = Relay::new();
    if let (Some((output, errors)), ProgressSource::Output { pattern, to }) = (subject.outputs(), progress) {
        for (from, to) in [(output, to.0), (errors, to.1)] {
            let (pattern, live, heard) = (pattern.clone(), Arc::clone(live), Arc::clone(heard));
            relay.pass_on(from, to, move |line| {
                let Some(frames) = pattern.last_in(line) else { return false };
                live.note_frames(None, Some(frames));
                let t_s = Instant::now().since(origin).as_secs_f64();
                let last = Sample { t_s, frames_out: live.frames_out(), ..Sample::default() };
                *heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
                true
            })?;
        }
    }
    Ok(relay)
}

fn outcome(ending: &Ending, subject: &Subject, began: &mut Began) -> Option<Outcome> {
    Some(match ending {
        Ending::NotStarted(error) => Outcome::NotStarted { message: error.to_string() },
        Ending::OutOfTime if subject.is_command() => {
            Outcome::TimedOut { limit_s: began.limit.unwrap_or_default().as_secs_f64() }
        }
        Ending::Ended(EndStatus::Exit(0)) => Outcome::Finished,
        Ending::Ended(EndStatus::Exit(code)) => Outcome::Failed { code: *code, message: None },
        Ending::Ended(EndStatus::Signal(signal)) => began.witnesses.outcome(*signal, subject.pid, None),
        Ending::OutOfTime | Ending::Gone | Ending::Stopped | Ending::Unwritten => return None,
    })
}

fn progress_kind(live: &Live) -> &'static str {
    match live.frames() {
        Some(_) => "frames",
        None if live.written() > Bytes::ZERO => "written",
        None => "none",
    }
}
