//! What to do next where an answer is inconclusive: a command that can be pasted as it stands, for this very input.

mod narrowed;

use std::collections::BTreeSet;
use std::fmt;

use crate::store::{ProjectRecord, Recorded};
use memreel_judge::exports;
use memreel_judge::jobs::{Because, JobsVerdict};
use memreel_judge::shape::Answer;
use memreel_judge::{Needs, Reason, RunVerdict, With};

/// The smallest interval that is asked for, in seconds: finer ones bring little where a counter is read as well.
const FINE_INTERVAL_S: f64 = 0.004;
/// An export of less, in frames or seconds, is taken for one of as much when another one is to be longer.
const LEAST_STEPS: f64 = 0.1;
/// Lets a shell open as many files as the system allows it.
const MORE_FILES: &str = "ulimit -n \"$(ulimit -Hn)\"";
/// Exports in one process that usually tell whether they leave something behind: some threads come and go with each, and
/// their heaps fill in the first of them.
const EXPORTS_NEEDED: u64 = 2 * (exports::NEEDED + 1);

/// How a result was made, as far as it takes to make another one like it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Experiment {
    /// The scenario or project, or the options in its place, as `memreel run` takes them.
    pub scenario: Vec<String>,
    /// Changes to it: key and value, in the order in which they were given.
    pub changes: Vec<(String, String)>,
    /// The largest factor of its length, or times that its project was played in a row.
    pub length: u64,
    /// The numbers of sources that were measured, in order.
    pub sources: Vec<u64>,
    /// How another export of it is made longer.
    pub longer: Longer,
    /// Whether the engines' commands alone say what is exported.
    pub is_opaque: bool,
    /// What there is to take out of its project, if it can be changed.
    pub project: Option<ProjectRecord>,
    /// Whether something was taken out of its project.
    pub is_removed: bool,
}

/// How an export is made longer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Longer {
    /// Each clip is shown several times.
    #[default]
    Length,
    /// A project is played several times in a row.
    Times,
    /// Not at all: but it can be exported several times in one process.
    Exports,
    /// Only the user can.
    ByUser,
}

/// What to do next, and what for.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// A command.
    Command {
        /// What for: `To decide`.
        aim: String,
        /// The command, as a shell takes it.
        command: String,
    },
    /// A sentence, where the command of a recording is not known.
    Words(String),
}

impl fmt::Display for Next {
    /// On one line, however long: a command that is broken cannot be pasted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Next::Command { aim, command } => write!(f, "{aim}: {command}"),
            Next::Words(words) => f.write_str(words),
        }
    }
}

impl Next {
    /// The command, where there is one.
    pub fn into_command(self) -> Option<String> {
        match self {
            Next::Command { command, .. } => Some(command),
            Next::Words(_) => None,
        }
    }
}

/// What can decide an inconclusive answer of several jobs, what of a project memory grows with, or which of two things;
/// `None` where all is known.
pub fn of_jobs(verdict: &JobsVerdict, experiment: &Experiment) -> Option<Next> {
    if verdict.grows == Answer::Open {
        let open = Open {
            needs: verdict.needs,
            reason: verdict.reason,
            sources: verdict.because == Because::SourcesAreOpen,
            steps: if verdict.per.is_counted() { verdict.up_to_frames as f64 } else { verdict.steps },
        };
        return Some(experiment.next(&open));
    }
    if let Some(next) = narrowed::next(verdict, experiment) {
        return Some(next);
    }
    let can_be_longer = matches!(experiment.longer, Longer::Length | Longer::Times);
    let unparted = verdict.unparted && verdict.with.contains(&With::Frames) && can_be_longer;
    unparted.then(|| {
        let changes = [("sampling.interval".into(), FINE_INTERVAL_S.to_string()), experiment.longer(2)];
        Next::Command { aim: "To find out which".into(), command: experiment.command(&changes) }
    })
}

/// What shows whether a leak with each export is the application's, which does not stop its consumer, or the engine's.
pub fn of_exports_not_stopped(experiment: &Experiment) -> Next {
    Next::Command {
        aim: "To see whether consumer.stop() frees it".into(),
        command: experiment.command(&[("matrix.stop".into(), "after".into())]),
    }
}

/// What can decide an inconclusive answer of one job of a result; `None` for other answers.
pub fn of_job(verdict: &RunVerdict, experiment: &Experiment) -> Option<Next> {
    let open = Open { needs: verdict.needs, reason: verdict.reason, sources: false, steps: verdict.steps };
    (verdict.grows == Answer::Open).then(|| experiment.next(&open))
}

/// What can decide an inconclusive answer of a recording; `None` for other answers.
pub fn of_run(verdict: &RunVerdict, recorded: &Recorded) -> Option<Next> {
    if verdict.grows != Answer::Open {
        return None;
    }
    let input = longer_input(verdict).filter(|_| recorded.pid.is_none());
    let too_few = verdict.needs.samples.filter(|_| !recorded.lacked_files);
    let interval = too_few.map(|_| ["--interval".to_string(), FINE_INTERVAL_S.to_string()]);
    if recorded.pid.is_none() && recorded.command.is_empty() {
        let interval = interval.map(|interval| format!(" with `memreel record {}`", interval.join(" ")));
        let how: Vec<_> = input.map(|input| format!(" {input}")).into_iter().chain(interval).collect();
        return Some(Next::Words(format!("To decide: record it again{}.", how.join(" and"))));
    }
    let options = interval.into_iter().flatten().chain(progress_options(recorded));
    let record = ["memreel".to_string(), "record".into()].into_iter().chain(options);
    let command = match recorded.pid {
        Some(pid) => words(record.chain([pid.to_string()])),
        None => words(record.chain(["--".to_string()]).chain(recorded.command.iter().cloned())),
    };
    let command = if recorded.lacked_files { format!("{MORE_FILES}; {command}") } else { command };
    let aim = input.map_or("To decide".to_string(), |input| format!("To decide, run this {input}"));
    Some(Next::Command { aim, command })
}

/// What the input of another recording has to have more of; `None` where only its sampling has to change.
fn longer_input(verdict: &RunVerdict) -> Option<String> {
    longer(&verdict.needs, verdict.steps)
}

/// The same of an export that did so many steps.
fn longer(needs: &Needs, steps: f64) -> Option<String> {
    let Needs { frames, samples, exports, .. } = *needs;
    if let Some(exports) = exports {
        return Some(format!("with {exports} exports in one process"));
    }
    let frames = frames.filter(|_| samples.is_none())?;
    let times = (frames as f64 / steps.max(1.0)).ceil().max(2.0);
    let times = if times == 2.0 { "twice".into() } else { format!("{times} times") };
    Some(format!("with an input {times} as long"))
}

/// The options by which the progress of a recording was read: without them the next one would be judged per second.
fn progress_options(recorded: &Recorded) -> impl Iterator<Item = String> {
    let options =
        [("--progress-regex", &recorded.progress_regex), ("--progress-file", &recorded.progress_file)];
    let given = options.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    let unit = (!recorded.unit.is_frame()).then(|| ("--unit", recorded.unit.name()));
    given.chain(unit).flat_map(|(name, value)| match value.starts_with('-') {
        true => vec![format!("{name}={value}")],
        false => vec![name.to_string(), value.to_string()],
    })
}

/// What is open, and what would settle it.
struct Open {
    needs: Needs,
    reason: Option<Reason>,
    /// Whether it is open if growth with sources goes on.
    sources: bool,
    /// Frames of the longest export, or its seconds.
    steps: f64,
}

impl Experiment {
    /// What settles what is open.
    fn next(&self, open: &Open) -> Next {
        let command = self.command(&self.answer_to(open));
        let input = longer(&open.needs, open.steps).filter(|_| self.longer == Longer::ByUser);
        let aim = input.map_or("To decide".to_string(), |input| format!("To decide, run this {input}"));
        Next::Command { aim, command }
    }

    /// The changes that settle what is open.
    fn answer_to(&self, open: &Open) -> Vec<(String, String)> {
        let Needs { frames, samples, repeats, exports } = open.needs;
        let repeat = |count: u64| ("matrix.repeats".to_string(), count.to_string());
        if open.sources {
            return vec![self.more_sources(), repeat(3)];
        }
        if let Some(exports) = exports {
            return vec![("matrix.exports".into(), exports.to_string())];
        }
        if self.longer == Longer::Exports && (frames.is_some() || samples.is_some()) {
            return vec![("matrix.exports".into(), EXPORTS_NEEDED.to_string())];
        }
        let finer = samples.map(|_| ("sampling.interval".to_string(), FINE_INTERVAL_S.to_string()));
        if self.longer == Longer::ByUser {
            return finer.into_iter().chain(repeats.map(repeat)).collect();
        }
        let times = frames.map_or(1, |frames| (frames as f64 / open.steps.max(LEAST_STEPS)).ceil() as u64);
        let lengths = matches!(open.reason, Some(Reason::HeldInAQueue | Reason::FilledBefore));
        let longer = match times.max(if samples.is_some() { 2 } else { 1 }) {
            1 => None,
            // What is not seen in one run shows from length to length.
            times if lengths => {
                let (once, more) = (self.length, self.length * times);
                Some((self.length_key().to_string(), format!("{once},{more},{}", 2 * more)))
            }
            times => Some(self.longer(times)),
        };
        longer.into_iter().chain(finer).chain(repeats.map(repeat)).collect()
    }

    /// So many times as long.
    fn longer(&self, times: u64) -> (String, String) {
        (self.length_key().into(), (self.length * times).to_string())
    }

    fn length_key(&self) -> &'static str {
        if self.longer == Longer::Times { "matrix.times" } else { "matrix.length" }
    }

    /// A number of sources between those that were measured, and these.
    fn more_sources(&self) -> (String, String) {
        let (least, most) =
            (self.sources.first().copied().unwrap_or(1), self.sources.last().copied().unwrap_or(2));
        let numbers: BTreeSet<u64> = [least, least.midpoint(most), most].into();
        let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
        ("matrix.sources".into(), numbers.join(","))
    }

    /// `memreel run` with these changes in place of those of the same keys.
    fn command(&self, changes: &[(String, String)]) -> String {
        let kept = self.changes.iter().filter(|(key, _)| changes.iter().all(|(changed, _)| changed != key));
        let all = kept.chain(changes).flat_map(|(key, value)| option(key, value));
        words(["memreel".into(), "run".into()].into_iter().chain(self.scenario.iter().cloned()).chain(all))
    }
}

/// A change as an option of `memreel run`.
fn option(key: &str, value: &str) -> [String; 2] {
    if let Some(axis) = key.strip_prefix("axes.") {
        return ["--axis".into(), format!("{axis}={value}")];
    }
    let short = match key {
        "matrix.repeats" => Some("repeat"),
        "sampling.interval" => Some("interval"),
        "limits.wall" => Some("wall-limit"),
        "limits.stall" => Some("stall-limit"),
        _ => key.strip_prefix("matrix."),
    };
    match short {
        Some(name) => [format!("--{name}"), value.into()],
        None => ["--set".into(), format!("{key}={value}")],
    }
}

/// Words as a shell takes them.
fn words(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}
