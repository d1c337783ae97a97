//! What to do next where a question is open: a command that can be pasted as it stands, for this very input.

use std::collections::BTreeSet;
use std::fmt;

use crate::store::Recorded;
use crate::verdict::exports;
use crate::verdict::jobs::{Because, JobsVerdict};
use crate::verdict::shape::Answer;
use crate::verdict::{Needs, Reason, RunVerdict, With};

/// The smallest interval that is asked for, in seconds: finer ones bring little where a counter is read as well.
const FINE_INTERVAL_S: f64 = 0.004;
/// Exports in one process that usually tell whether they leave something behind: some threads come and go with each, and
/// their heaps fill in the first of them.
const EXPORTS_NEEDED: u64 = 2 * (exports::NEEDED + 1);

/// How a result was made, as far as it takes to make another one like it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Experiment {
    /// The scenario or project, as `memreel run` takes it.
    pub scenario: String,
    /// Changes to it: key and value, in the order in which they were given.
    pub changes: Vec<(String, String)>,
    /// The largest factor of its length.
    pub length: u64,
    /// The numbers of sources that were measured, in order.
    pub sources: Vec<u64>,
    /// Whether it is a project that is exported as it is: it cannot be made longer.
    pub is_project: bool,
}

/// What to do next, and what for.
#[derive(Debug, Clone, PartialEq)]
pub struct Next {
    /// What for: `To decide`.
    pub aim: String,
    /// The command, as a shell takes it.
    pub command: String,
}

impl fmt::Display for Next {
    /// On one line, however long: a command that is broken cannot be pasted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.aim, self.command)
    }
}

impl Next {
    fn to_decide(command: String) -> Next {
        Next { aim: "To decide".into(), command }
    }
}

/// What settles what is open about several jobs, or tells apart what a run could not; `None` where all is known.
pub fn of_jobs(verdict: &JobsVerdict, experiment: &Experiment) -> Option<Next> {
    if verdict.grows == Answer::Open {
        let open = Open {
            needs: verdict.needs,
            reason: verdict.reason,
            sources: verdict.because == Because::SourcesAreOpen,
            frames: verdict.up_to_frames,
        };
        return Some(Next::to_decide(experiment.command(&experiment.answer_to(&open))));
    }
    let unparted = verdict.unparted && verdict.with.contains(&With::Frames) && !experiment.is_project;
    unparted.then(|| {
        let changes = [("sampling.interval".into(), FINE_INTERVAL_S.to_string()), experiment.longer(2)];
        Next { aim: "To find out which".into(), command: experiment.command(&changes) }
    })
}

/// What settles what is open about one job of a result; `None` where nothing is.
pub fn of_job(verdict: &RunVerdict, experiment: &Experiment) -> Option<Next> {
    let frames = verdict.steps.max(1.0) as u64;
    let open = Open { needs: verdict.needs, reason: verdict.reason, sources: false, frames };
    (verdict.answer() == Answer::Open)
        .then(|| Next::to_decide(experiment.command(&experiment.answer_to(&open))))
}

/// What settles what is open about a recording; `None` where nothing is.
pub fn of_run(verdict: &RunVerdict, recorded: &Recorded) -> Option<Next> {
    if verdict.answer() != Answer::Open {
        return None;
    }
    let Needs { frames, samples, exports, .. } = verdict.needs;
    let interval = samples.map(|_| ["--interval".to_string(), FINE_INTERVAL_S.to_string()]);
    let record = ["memreel".to_string(), "record".into()].into_iter().chain(interval.into_iter().flatten());
    let command = match recorded.pid {
        Some(pid) => words(record.chain([pid.to_string()])),
        None if recorded.command.is_empty() => format!("{} -- COMMAND", words(record)),
        None => words(record.chain(["--".to_string()]).chain(recorded.command.iter().cloned())),
    };
    let times = frames.map(|frames| (frames as f64 / verdict.steps.max(1.0)).ceil().max(2.0));
    let aim = match (exports, times) {
        (Some(exports), _) => format!("To decide, with {exports} exports in one process"),
        (None, Some(times)) if recorded.pid.is_none() && samples.is_none() => {
            let times = if times == 2.0 { "twice".into() } else { format!("{times} times") };
            format!("To decide, with an input {times} as long")
        }
        _ => "To decide".into(),
    };
    Some(Next { aim, command })
}

/// What is open, and what would settle it.
struct Open {
    needs: Needs,
    reason: Option<Reason>,
    /// Whether it is open if growth with sources goes on.
    sources: bool,
    /// Frames of the longest export.
    frames: u64,
}

impl Experiment {
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
        if self.is_project && (frames.is_some() || samples.is_some()) {
            return self.several_exports();
        }
        let times = frames.map_or(1, |frames| frames.div_ceil(open.frames.max(1)));
        let lengths = matches!(open.reason, Some(Reason::HeldInAQueue | Reason::FilledBefore));
        let longer = match times.max(if samples.is_some() { 2 } else { 1 }) {
            1 => None,
            // What is not seen in one run shows from length to length.
            times if lengths => {
                let (once, more) = (self.length, self.length * times);
                Some(("matrix.length".to_string(), format!("{once},{more},{}", 2 * more)))
            }
            times => Some(self.longer(times)),
        };
        let finer = samples.map(|_| ("sampling.interval".to_string(), FINE_INTERVAL_S.to_string()));
        longer.into_iter().chain(finer).chain(repeats.map(repeat)).collect()
    }

    /// So many times as long.
    fn longer(&self, times: u64) -> (String, String) {
        ("matrix.length".into(), (self.length * times).to_string())
    }

    /// A number of sources between those that were measured, and these.
    fn more_sources(&self) -> (String, String) {
        let (least, most) =
            (self.sources.first().copied().unwrap_or(1), self.sources.last().copied().unwrap_or(2));
        let numbers: BTreeSet<u64> = [least, least.midpoint(most), most].into();
        let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
        ("matrix.sources".into(), numbers.join(","))
    }

    /// A project cannot be made longer, but it can be exported again and again in one process.
    fn several_exports(&self) -> Vec<(String, String)> {
        let mut changes = vec![("matrix.exports".to_string(), EXPORTS_NEEDED.to_string())];
        if !self.scenario.ends_with(".rlvideo") {
            changes.insert(0, ("matrix.engine".into(), "mlt-python".into()));
        }
        changes
    }

    /// `memreel run` with these changes in place of those of the same keys.
    fn command(&self, changes: &[(String, String)]) -> String {
        let kept = self.changes.iter().filter(|(key, _)| changes.iter().all(|(changed, _)| changed != key));
        let all = kept.chain(changes).flat_map(|(key, value)| option(key, value));
        words(["memreel".into(), "run".into(), self.scenario.clone()].into_iter().chain(all))
    }
}

/// A change as an option of `memreel run`.
fn option(key: &str, value: &str) -> [String; 2] {
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
