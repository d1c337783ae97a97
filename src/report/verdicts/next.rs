//! What to do next where a question is open: a command that can be pasted as it stands, for this very input.

use std::collections::BTreeSet;

use super::answer::exports_needed;
use crate::store::Recorded;
use crate::verdict::jobs::{Because, JobsVerdict};
use crate::verdict::shape::Answer;
use crate::verdict::{Needs, Reason, RunVerdict, With};

/// The smallest interval that is asked for, in seconds: finer ones bring little where a counter is read as well.
const FINE_INTERVAL_S: f64 = 0.004;

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

/// The command that settles what is open about several jobs; `None` where nothing is.
pub fn of_jobs(verdict: &JobsVerdict, experiment: &Experiment) -> Option<String> {
    if verdict.grows != Answer::Open {
        return parting(verdict, experiment);
    }
    let changes = experiment.answer_to(verdict);
    Some(format!("To decide: {}", experiment.command(&changes)))
}

/// The command that settles what is open about a recording; `None` where nothing is.
pub fn of_run(verdict: &RunVerdict, recorded: &Recorded) -> Option<String> {
    if verdict.answer() != Answer::Open {
        return None;
    }
    let Needs { frames, samples, exports, .. } = verdict.needs;
    if let Some(exports) = exports {
        return Some(format!("To decide: record {exports} exports in one process."));
    }
    let longer = frames.map(|frames| frames as f64 / verdict.steps.max(1.0));
    let finer = samples.map(|_| FINE_INTERVAL_S);
    Some(record_again(recorded, longer, finer))
}

/// What would tell apart the two things that a growing run could not.
fn parting(verdict: &JobsVerdict, experiment: &Experiment) -> Option<String> {
    let frames = verdict.with.contains(&With::Frames);
    (verdict.unparted && frames && !experiment.is_project).then(|| {
        let changes = [("sampling.interval".into(), FINE_INTERVAL_S.to_string()), experiment.longer(2)];
        format!("To tell which: {}", experiment.command(&changes))
    })
}

impl Experiment {
    /// The changes that settle what is open.
    fn answer_to(&self, verdict: &JobsVerdict) -> Vec<(String, String)> {
        let Needs { frames, samples, repeats, exports } = verdict.needs;
        let repeat = |count: u64| ("matrix.repeats".to_string(), count.to_string());
        if verdict.because == Because::SourcesAreOpen {
            return vec![self.more_sources(), repeat(3)];
        }
        if let Some(exports) = exports {
            return vec![("matrix.exports".into(), exports.to_string())];
        }
        if self.is_project && (frames.is_some() || samples.is_some()) {
            return self.several_exports();
        }
        let times = frames.map_or(1, |frames| frames.div_ceil(verdict.up_to_frames.max(1)));
        let lengths = matches!(verdict.reason, Some(Reason::HeldInAQueue | Reason::FilledBefore));
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
        let mut changes = vec![("matrix.exports".to_string(), exports_needed().to_string())];
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

/// `memreel record` of the same again, finer or longer.
fn record_again(recorded: &Recorded, longer: Option<f64>, finer: Option<f64>) -> String {
    let interval = finer.map(|seconds| ["--interval".to_string(), seconds.to_string()]);
    let start = ["memreel".to_string(), "record".into()].into_iter().chain(interval.into_iter().flatten());
    match (recorded.pid, longer) {
        (Some(pid), _) => format!("To decide: {}", words(start.chain([pid.to_string()]))),
        (None, longer) if !recorded.command.is_empty() => {
            let command = words(start.chain(["--".to_string()]).chain(recorded.command.iter().cloned()));
            let times = longer.filter(|_| finer.is_none());
            let times = times.map(|times| format!(", with an input {} times as long", times.ceil().max(2.0)));
            format!("To decide: {command}{}", times.unwrap_or_default())
        }
        _ => {
            let times = longer.map_or(2.0, |times| times.ceil().max(2.0));
            format!(
                "To decide: record a run that is {times} times as long, with its frames counted: memreel record -- \
                     COMMAND"
            )
        }
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
