//! Runs one engine under the launcher, samples it, and says how it ended.
//!
//! Everything that is measured is on disk before this returns. An engine that fails is an
//! [`Outcome`]; an error means that the harness could not do its work.

mod evidence;
mod output;
mod preload;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::death::Witnesses;
use crate::group::{Group, Groups};
use crate::launch::{
    self, LaunchError, LaunchReport, LaunchRequest, Launched, Manner, REACHED_WITHIN, Streams, Waited,
};
use crate::progress::Pattern;
use crate::sampler::{self, Instant, Live, Sampler, SamplerReport, Settings, Target};
use crate::writer::{Sink, TraceFiles, Writer};
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{Event, MemoryGroupRecord, Outcome, Overhead, TraceError};

use evidence::DeathEvidence;
use output::{LastHeard, ProgressSink};
use preload::Preload;

/// The descriptor on which an engine of ours finds its progress pipe.
pub const PROGRESS_FD: i32 = 5;

/// How often limits and the user's wish to stop are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Who looked longer ago than this was stopped, or waited for the machine.
const NOT_LOOKING: Duration = Duration::from_secs(1);

/// What a line of an engine's progress says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineProgress {
    /// Frames pulled from the timeline so far.
    pub frames_in: Option<Count>,
    /// Frames put out so far.
    pub frames_out: Option<Count>,
    /// Something else worth keeping: kind and subject of an event.
    pub event: Option<(String, String)>,
}

/// Where an engine reports its progress, and how to read a line of it.
#[derive(Debug, Clone)]
pub struct ProgressFormat {
    /// Where the lines come from.
    pub channel: Channel,
    /// How a line is read.
    pub lines: ProgressLines,
    /// `in`, `out` or `in+out`: the counters it gives.
    pub counters: &'static str,
    /// What it leaves out of the export by its own word, if a line that it writes says so, whatever its exit code
    /// will be.
    pub left_out: fn(&str) -> Option<&str>,
}

/// How a line of an engine's progress is read.
#[derive(Debug, Clone)]
pub enum ProgressLines {
    /// By a format of its own.
    Own(fn(&str) -> Option<EngineProgress>),
    /// The number of frames put out stands where the pattern finds it.
    Numbered(Pattern),
}

impl ProgressLines {
    /// What a line says; `None` when it is no progress line.
    pub fn read(&self, line: &str) -> Option<EngineProgress> {
        match self {
            ProgressLines::Own(parse) => parse(line),
            ProgressLines::Numbered(pattern) => {
                let frames_out = Some(pattern.last_in(line)?);
                Some(EngineProgress { frames_out, ..EngineProgress::default() })
            }
        }
    }
}

/// Where progress lines come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// A pipe of its own, descriptor [`PROGRESS_FD`].
    Pipe,
    /// Among what the engine writes on standard output and error.
    Output,
    /// The end of a file, whenever it changes.
    File(PathBuf),
}

/// A command to measure.
#[derive(Debug, Clone)]
pub struct Launch {
    /// `memreel-launch`.
    pub launcher: PathBuf,
    /// The engine and its arguments.
    pub command: Vec<OsString>,
    /// What to change in the environment: `None` takes a variable away.
    pub environment: BTreeMap<String, Option<String>>,
    /// A library that has to be loaded by it, since the environment asks the dynamic linker to.
    pub preload: Option<PathBuf>,
    /// How its progress is read, if it has any.
    pub progress: Option<ProgressFormat>,
    /// When to give up on it, and the memory that it gets.
    pub limits: EngineLimits,
    /// Where it runs; `None`: where memreel does.
    pub folder: Option<PathBuf>,
    /// Where its control group is made; `None`: it gets none, and no limit of memory.
    pub groups: Option<Arc<Groups>>,
    /// Time between two samples.
    pub interval: Duration,
    /// Where it can write; nothing elsewhere, if the kernel can see to that.
    pub writable: Option<Vec<PathBuf>>,
}

impl Launch {
    fn request<'a>(&'a self, cgroup: Option<&'a Path>) -> LaunchRequest<'a> {
        let has_pipe = self.progress.as_ref().is_some_and(|format| format.channel == Channel::Pipe);
        LaunchRequest {
            launcher: &self.launcher,
            command: &self.command,
            environment: &self.environment,
            manner: Manner::Guarded,
            streams: Streams::Captured,
            progress_fd: has_pipe.then_some(PROGRESS_FD),
            writable: self.writable.as_deref(),
            folder: self.folder.as_deref(),
            cgroup,
        }
    }

    /// The engine's control group. Without a limit it only counts, and an engine can do without.
    fn group(&self) -> Result<Option<Group>, RunError> {
        let limit = self.limits.memory;
        match (self.groups.as_ref().map(|groups| groups.make(limit)), limit) {
            (Some(Ok(group)), _) => Ok(Some(group)),
            (_, None) => Ok(None),
            (Some(Err(error)), Some(limit)) => Err(RunError::Limit { limit, reason: error.to_string() }),
            (None, Some(limit)) => {
                Err(RunError::Limit { limit, reason: "there are no control groups".into() })
            }
        }
    }

    /// The engine's program, as people read it.
    fn program(&self) -> String {
        self.command.first().map_or_else(String::new, |word| word.to_string_lossy().into_owned())
    }
}

/// When to give up on an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineLimits {
    /// The longest it may run.
    pub wall: Option<Duration>,
    /// The longest its frame counter may stand still; not used for an engine without one.
    pub stall: Option<Duration>,
    /// The most memory that it and all that it starts may use.
    pub memory: Option<Bytes>,
}

/// What is known when a job is over, beside its files.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it loaded the library that it was to load; `None` where there was none, or it was never seen.
    pub is_preloaded: Option<bool>,
    /// How long it ran.
    pub wall: Duration,
    /// CPU time of the engine and the children it waited for.
    pub cpu: Option<Duration>,
    /// The largest resident set of any of its processes.
    pub max_rss: Option<Bytes>,
    /// What the sampler says of itself.
    pub sampler: SamplerReport,
    /// What measuring cost.
    pub overhead: Overhead,
    /// Its control group, if it had one.
    pub group: Option<MemoryGroupRecord>,
}

/// Why the harness could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The launcher could not do its work.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// A thread or pipe could not be made.
    #[error("cannot watch the engine: {0}")]
    System(#[from] std::io::Error),
    /// The memory could not be limited.
    #[error("cannot limit the memory to {limit}: {reason}")]
    Limit {
        /// To what.
        limit: Bytes,
        /// What the kernel said.
        reason: String,
    },
    /// The trace could not be written.
    #[error("cannot write the trace: {0}")]
    Trace(#[from] TraceError),
}

/// Set when the user wants the run to end.
#[derive(Debug, Clone, Default)]
pub struct Stop(pub Arc<AtomicBool>);

impl Stop {
    /// Whether the user wants the run to end.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs the command and writes its trace's time series into `folder`.
///
/// # Errors
/// When the launcher cannot be started or the files cannot be written; no engine is left running.
pub fn measure(launch: &Launch, folder: &Path, stop: &Stop, live: &Arc<Live>) -> Result<Measured, RunError> {
    let cpu_before = sampler::process_cpu();
    let group = launch.group()?;
    let members = group.as_ref().map(Group::members_file);
    let sinks: Vec<Box<dyn Sink>> = vec![Box::new(TraceFiles::create(folder)?)];
    let mut launched = launch::start(&launch.request(members.as_deref()))?;
    let origin = Instant::now();
    let (events, queue) = std::sync::mpsc::channel();
    let progress = ProgressSink::new(origin, live, events.clone());
    let (readers, read_progress) = output::start(&mut launched, launch.progress.as_ref(), folder, progress)?;
    let target = Target { root: launched.command_pid()?, adopter: launched.guard() };
    let mut witnesses = Witnesses::from_now(target.root);
    let settings = Settings::every(launch.interval);
    let (sampler, rows) = Sampler::start(target, settings, origin, Arc::clone(live), read_progress)?;
    let writer = Writer::start(rows, queue, sinks)?;
    let around = Surroundings { launch, target, origin, stop, live, writer: &writer, events: &events };
    let watched = Watch::new(around).follow(launched, sampler);
    let heard = readers.finish();
    // Counted between the last sample and the engine's end: what memory there was, nobody saw.
    let counted =
        heard.counted.filter(|counted| watched.as_ref().is_ok_and(|seen| counted.t_s > seen.sampler.last_s));
    let written = writer.finish(counted);
    let watched = watched?;
    written?;
    let cpu = sampler::process_cpu().saturating_sub(cpu_before);
    let mut killed = |signal| witnesses.outcome(signal, target.root, group.as_ref());
    let outcome = outcome(&watched, heard, group.as_ref(), &mut killed);
    watched.evidence.write(&outcome, live.frames(), launch, folder);
    Ok(Measured {
        outcome,
        group: group.as_ref().map(Group::record),
        is_preloaded: watched.is_preloaded,
        wall: watched.wall,
        cpu: watched.end.map(|end| end.cpu),
        max_rss: watched.end.map(|end| end.max_rss),
        overhead: watched.sampler.overhead(cpu),
        sampler: watched.sampler,
    })
}

/// What the watching loop came back with.
struct Watched {
    end: Option<launch::End>,
    not_started: Option<std::io::Error>,
    ended_by_us: Option<Outcome>,
    wall: Duration,
    is_preloaded: Option<bool>,
    sampler: SamplerReport,
    evidence: DeathEvidence,
}

/// What the watching loop looks at.
#[derive(Clone, Copy)]
struct Surroundings<'a> {
    launch: &'a Launch,
    target: Target,
    origin: Instant,
    stop: &'a Stop,
    live: &'a Arc<Live>,
    writer: &'a Writer,
    events: &'a Sender<Event>,
}

/// The watching loop: what was reported, and when the frame counter last moved.
struct Watch<'a> {
    around: Surroundings<'a>,
    end: Option<launch::End>,
    not_started: Option<std::io::Error>,
    ended_by_us: Option<Outcome>,
    /// Whether somebody else had the launcher end before the engine had ended by itself.
    interfered: bool,
    wall: Option<Duration>,
    frames: (Option<Count>, Option<Count>),
    moved: Instant,
    looked: Instant,
    /// The library that the engine is to load, from its start on.
    preload: Option<Preload>,
    evidence: DeathEvidence,
}

impl<'a> Watch<'a> {
    fn new(around: Surroundings<'a>) -> Watch<'a> {
        Watch {
            moved: around.origin,
            looked: around.origin,
            around,
            end: None,
            not_started: None,
            ended_by_us: None,
            interfered: false,
            wall: None,
            frames: (None, None),
            preload: None,
            evidence: DeathEvidence::from_now(),
        }
    }

    /// Samples the engine until nothing of it is left, or ends it when it has to be ended.
    fn follow(mut self, mut launched: Launched, sampler: Sampler) -> Result<Watched, RunError> {
        let origin = self.around.origin;
        launched.release();
        loop {
            match launched.reports.next(LOOK_EVERY) {
                Waited::Report(report) => self.note(report),
                Waited::End => break,
                Waited::Nothing => self.look_at_what_is_loaded(),
            }
            if self.ended_by_us.is_none() && self.end.is_none() {
                self.ended_by_us = self.reason_to_end();
                if self.ended_by_us.is_some() {
                    self.look_at_it();
                    launched.ask_to_end();
                }
            }
        }
        let sampler = sampler.finish();
        let died = launched.died();
        launched.reap();
        if self.ended_by_us.is_none() && self.was_stopped_with_us() {
            self.ended_by_us = Some(Outcome::Interrupted);
        }
        let is_unknown = self.end.is_none() && self.not_started.is_none();
        if is_unknown || (self.interfered && self.ended_by_us.is_none()) {
            return Err(died.into());
        }
        Ok(Watched {
            end: self.end,
            not_started: self.not_started,
            ended_by_us: self.ended_by_us,
            wall: self.wall.unwrap_or_else(|| Instant::now().since(origin)),
            is_preloaded: self.preload.and_then(|preload| preload.is_loaded()),
            sampler,
            evidence: self.evidence,
        })
    }

    /// Whether the signal that ended the engine or the launcher was sent to us, too: the engine is not to blame.
    fn was_stopped_with_us(&self) -> bool {
        let by_a_signal = |end: &launch::End| {
            let signals = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP].map(launch::EndStatus::Signal);
            signals.contains(&end.status)
        };
        if !self.interfered && !self.end.as_ref().is_some_and(by_a_signal) {
            return false;
        }
        let since = Instant::now();
        while !self.around.stop.is_set() && Instant::now().since(since) < REACHED_WITHIN {
            std::thread::sleep(REACHED_WITHIN / 25);
        }
        self.around.stop.is_set()
    }

    /// Of an engine that runs for a while: whether it has the library that it was to load.
    fn look_at_what_is_loaded(&mut self) {
        if let Some(preload) = &mut self.preload {
            preload.look_at(self.around.target.root);
        }
    }

    /// While it is still there: what it was doing instead of its work.
    fn look_at_it(&mut self) {
        let Surroundings { launch, target, .. } = self.around;
        let stalled = matches!(self.ended_by_us, Some(Outcome::Stalled { .. }));
        if stalled || matches!(self.ended_by_us, Some(Outcome::TimedOut { .. })) {
            let guardian = target.adopter.unwrap_or(target.root);
            self.evidence.of_living(guardian, target.root, launch, stalled);
        }
    }

    fn note(&mut self, report: LaunchReport) {
        match report {
            LaunchReport::NotStarted(error) => self.not_started = Some(error),
            LaunchReport::Interfered => self.interfered |= self.end.is_none() && self.not_started.is_none(),
            LaunchReport::Ended(end) => {
                self.wall = Some(Instant::at(end.at).since(self.around.origin));
                self.end = Some(end);
            }
            LaunchReport::Unconfined => self.event("unconfined", "this kernel has no Landlock".into()),
            LaunchReport::Executed => {
                self.preload = self.around.launch.preload.clone().map(Preload::of);
                self.event("exec", self.around.launch.program());
            }
            LaunchReport::Left(count) => self.event("left-running", format!("{count} processes")),
        }
    }

    fn event(&self, kind: &str, what: String) {
        let Surroundings { origin, live, events, .. } = self.around;
        let _ = events.send(live.event(origin, kind, what));
    }

    /// Whether a counter that stands still says anything: an expression of the user's may find no number at all.
    fn is_heard_of(&self) -> bool {
        match self.around.launch.progress.as_ref().map(|format| &format.lines) {
            Some(ProgressLines::Own(_)) => true,
            Some(ProgressLines::Numbered(_)) => self.around.live.frames().is_some(),
            None => false,
        }
    }

    /// Why the engine has to be ended now, if it has to.
    fn reason_to_end(&mut self) -> Option<Outcome> {
        let Surroundings { launch, origin, stop, live, writer, .. } = self.around;
        let now = Instant::now();
        let unseen = now.since(std::mem::replace(&mut self.looked, now));
        if unseen > NOT_LOOKING {
            // We stood still ourselves: what the engine did meanwhile is not known yet.
            self.moved = self.moved.after(unseen);
        }
        if stop.is_set() || writer.have_failed() {
            return Some(Outcome::Interrupted);
        }
        if let Some(limit) = launch.limits.wall.filter(|limit| now.since(origin) > *limit) {
            return Some(Outcome::TimedOut { limit_s: limit.as_secs_f64() });
        }
        let frames = (live.frames_in(), live.frames_out());
        if frames != self.frames {
            (self.frames, self.moved) = (frames, now);
        }
        let limit = launch.limits.stall.filter(|_| self.is_heard_of())?;
        (now.since(self.moved) > limit).then(|| Outcome::Stalled {
            for_s: limit.as_secs_f64(),
            at_frame: live.frames().map_or(0, Count::get),
        })
    }
}

/// How it ended; `killed` says it of a signal.
fn outcome(
    watched: &Watched,
    heard: LastHeard,
    group: Option<&Group>,
    killed: &mut dyn FnMut(i32) -> Outcome,
) -> Outcome {
    if let Some(error) = &watched.not_started {
        return Outcome::NotStarted { message: error.to_string() };
    }
    // Whatever it said then: an engine that minds SIGTERM may call its end a success.
    if let Some(reason) = &watched.ended_by_us {
        return reason.clone();
    }
    match watched.end.as_ref().map(|end| end.status) {
        Some(launch::EndStatus::Exit(0)) if heard.left_out.is_empty() => Outcome::Finished,
        Some(launch::EndStatus::Exit(0)) => {
            Outcome::ExportedWithout { what: heard.left_out.into_iter().collect() }
        }
        // A script whose engine was killed only passes that on.
        Some(launch::EndStatus::Exit(_)) if group.and_then(Group::oom_kills) > Some(0) => {
            Outcome::OutOfMemory
        }
        Some(launch::EndStatus::Exit(code)) => Outcome::Failed { code, message: heard.message },
        Some(launch::EndStatus::Signal(signal)) => killed(signal),
        None => Outcome::Interrupted,
    }
}
