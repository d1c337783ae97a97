//! The first sentences of every answer: does memory grow, with what, and by how much.

use crate::report::number::{number, short};
use memreel_judge::course::Per;
use memreel_judge::exports;
use memreel_judge::jobs::{Because, JobsVerdict, Removals};
use memreel_judge::shape::{Answer, Form};
use memreel_judge::{Growth, GrowthRate, Reason, RunVerdict, Verdict, With};
use memreel_trace::Outcome;

/// Threads or descriptors that rise along are told from so many on.
const RISING: f64 = 3.0;

/// What a verdict says, of a run or of several, as far as a sentence tells it.
struct Told<'a> {
    grows: Answer,
    with: &'a [With],
    unparted: bool,
    growth: &'a Growth,
    form: Option<Form>,
    per: Per,
    limit: Option<f64>,
    why_open: String,
    /// Whether that is because memory rose, so that growth has a bound and no more.
    rises: bool,
    /// Where it stopped growing, or rose once.
    where_it_rose: Option<String>,
    exports: Option<usize>,
    rises_along: Vec<String>,
    /// In how many of how many runs, where they do not all answer the same.
    in_runs: Option<(usize, usize)>,
    /// Without what of a project it does not grow, or grows less, or as much.
    without: Option<String>,
}

/// The answer that a run gives: first whether memory grows, and how much.
pub fn of_run(verdict: &RunVerdict) -> String {
    Told {
        grows: verdict.grows,
        with: &verdict.with,
        unparted: verdict.unparted,
        growth: &verdict.growth,
        form: verdict.form,
        per: verdict.per.unwrap_or_default(),
        limit: verdict.not_stable_above,
        why_open: why_open(verdict.reason, verdict),
        rises: verdict.reason == Some(Reason::Irregular),
        where_it_rose: where_it_rose(verdict),
        exports: verdict.at_rest.as_ref().map(|rest| rest.exports),
        rises_along: rises_along(verdict),
        in_runs: None,
        without: None,
    }
    .sentence()
}

/// The same of a recording, with how its command failed if it did.
pub fn of_recording(verdict: &RunVerdict, failure: Option<&Outcome>) -> String {
    let failed = failure.map(|outcome| format!(" The command failed: {outcome}.")).unwrap_or_default();
    format!("{}{failed}", of_run(verdict))
}

/// The answer that several jobs give, likewise.
pub fn of_jobs(verdict: &JobsVerdict) -> String {
    let several = (verdict.up_to_exports > 1).then_some(verdict.up_to_exports as usize);
    Told {
        grows: verdict.grows,
        with: &verdict.with,
        unparted: verdict.unparted,
        growth: &verdict.growth,
        form: verdict.form,
        per: verdict.per,
        limit: verdict.not_stable_above,
        why_open: why_jobs_are_open(verdict),
        rises: verdict.reason == Some(Reason::Irregular) && verdict.runs.len() == 1,
        where_it_rose: where_jobs_stopped(verdict),
        exports: several,
        rises_along: Vec::new(),
        in_runs: in_runs(verdict),
        without: without(&verdict.removals),
    }
    .sentence()
}

impl Told<'_> {
    fn sentence(&self) -> String {
        let runs = self.in_runs.map(|(so, all)| format!(" (in {so} of {all} runs)")).unwrap_or_default();
        match self.grows {
            Answer::Yes => format!("Memory grows: yes{runs}, {}.", self.how_much()),
            Answer::No => format!("Memory grows: no{runs} – {}.", self.what_would_show()),
            Answer::Open => {
                let most = self.at_most().map(|most| format!("; {most}")).unwrap_or_default();
                format!("Memory grows: can't tell yet – {}{most}.", self.why_open)
            }
        }
    }

    /// How large the growth is at most, where there was enough to see that.
    fn at_most(&self) -> Option<String> {
        let limit = self.limit.filter(|_| self.rises)?;
        Some(format!("steady growth is at most {} per {}", amount(limit), self.per.one()))
    }

    fn how_much(&self) -> String {
        let each: Vec<String> = self.with.iter().filter_map(|&with| self.by(with, !self.unparted)).collect();
        let amount = match self.unparted {
            true if self.with.contains(&With::Frames) => {
                format!("{}: this run does not show which", each.join(", or "))
            }
            true => self.by(With::Sources, true).unwrap_or_default(),
            false => each.join(" and "),
        };
        let beside = self.beside().into_iter().map(str::to_string);
        let beside = beside.chain(self.without.iter().chain(&self.rises_along).cloned());
        [amount].into_iter().chain(beside).collect::<Vec<_>>().join(". ")
    }

    /// What else is known of growth: sentences without their full stops.
    fn beside(&self) -> Vec<&'static str> {
        let with_sources = self.with.contains(&With::Sources) && !self.with.contains(&With::Frames);
        let sentences = [
            (self.with == [With::Exports], "Memory that stays after an export is closed is a leak"),
            (
                with_sources && self.unparted,
                "Every cut here opens a new source, so sources and cuts cannot be told apart",
            ),
            (with_sources && !self.unparted, "The engine keeps something of each source"),
            (with_sources, "No growth per frame was found"),
            (self.form == Some(Form::Accelerating), "Growth accelerates"),
        ];
        sentences.into_iter().filter(|sentence| sentence.0).map(|sentence| sentence.1).collect()
    }

    /// By how much it grows with one thing, with its interval or without.
    fn by(&self, with: With, interval: bool) -> Option<String> {
        let rate = self.growth.with(with)?;
        let each = match (with, self.per) {
            (With::Frames, per) => &format!("per {}", per.one()),
            // Half of them may gain nothing.
            (With::Sources, _) if rate.low <= 0.0 => "with some of the new sources",
            (With::Cuts, _) if rate.low <= 0.0 => "with some of the cuts",
            (With::Sources, _) => "with each new source",
            (With::Cuts, _) if self.with.contains(&With::Sources) && !self.unparted => "with every other cut",
            (With::Cuts, _) => "with every cut",
            (With::Exports, _) => "with each export in the process",
        };
        let estimate = amount(rate.estimate);
        // That with exports reaches from the least to the greatest of three parts.
        let sure = if with == With::Exports { "" } else { "95 %: " };
        let range = range(&rate).filter(|_| interval);
        let range = range.map(|range| format!(" ({sure}{range})")).unwrap_or_default();
        Some(format!("by {estimate} {each}{range}"))
    }

    fn what_would_show(&self) -> String {
        if let Some(exports) = self.exports {
            let limit = self.growth.export.map_or(0.0, |rate| rate.limit);
            return format!(
                "nothing accumulates over {exports} exports in one process; a leak of more than {} per export would \
                 have been seen",
                amount(limit)
            );
        }
        let each = self.per.one();
        let limit = self
            .limit
            .map(|limit| format!("a leak of more than {} per {each} would have been seen", amount(limit)));
        let parts: Vec<_> = self.where_it_rose.iter().cloned().chain(limit).collect();
        parts.join("; ")
    }
}

/// The interval of a rate, in the unit of its estimate; `None` where both ends are shown as the estimate.
fn range(rate: &GrowthRate) -> Option<String> {
    let (divisor, unit) = unit_of(rate.estimate);
    let shown = |bytes: f64| short(bytes.max(0.0) / divisor);
    let (low, high) = (shown(rate.low), shown(rate.high));
    // The unit stands once, unless the lower end would lose its digits in it.
    match rate.low >= 0.1 * divisor || divisor == 1.0 {
        true => (low != high).then(|| format!("{low} to {high} {unit}")),
        false => Some(format!("{} to {high} {unit}", amount(rate.low.max(0.0)))),
    }
}

/// By how much it grows with each of what it grows with, as a table's cell shows it: `107 KiB/cut`.
pub fn rates_in_short(verdict: &RunVerdict) -> Vec<String> {
    let per = verdict.per.unwrap_or_default();
    // Where every cut opens a source, both are the same rate.
    let alike = verdict.unparted && verdict.with == [With::Sources, With::Cuts];
    let with = if alike { &verdict.with[..1] } else { &verdict.with };
    let rate = |with: &With| {
        let each = match with {
            With::Frames => per.short(),
            With::Sources => "source",
            With::Cuts => "cut",
            With::Exports => "export",
        };
        Some(format!("{}/{each}", amount(verdict.growth.with(*with)?.estimate)))
    };
    with.iter().filter_map(rate).collect()
}

/// Bytes in the unit that leaves few digits.
pub fn amount(bytes: f64) -> String {
    let (divisor, unit) = unit_of(bytes);
    if divisor == 1.0 {
        format!("{} B", number(bytes, 0))
    } else {
        format!("{} {unit}", short(bytes / divisor))
    }
}

/// Several amounts in the unit of the largest, which stands once: `1.0, 12.4, 0.3 KiB`.
pub fn amounts(bytes: &[f64]) -> String {
    let largest = bytes.iter().fold(0.0, |largest: f64, bytes| largest.max(bytes.abs()));
    let (divisor, unit) = unit_of(largest);
    let decimals = usize::from(divisor > 1.0 && largest < 100.0 * divisor);
    let shown: Vec<_> = bytes.iter().map(|bytes| number(bytes / divisor, decimals)).collect();
    format!("{} {unit}", shown.join(", "))
}

fn unit_of(bytes: f64) -> (f64, &'static str) {
    const KIB: f64 = 1024.0;
    match bytes.abs() {
        small if small < KIB / 2.0 => (1.0, "B"),
        // Three digits before the point at most.
        middle if middle < 1000.0 * KIB => (KIB, "KiB"),
        large if large < 1000.0 * KIB * KIB => (KIB * KIB, "MiB"),
        _ => (KIB * KIB * KIB, "GiB"),
    }
}

fn why_open(reason: Option<Reason>, verdict: &RunVerdict) -> String {
    match reason {
        Some(Reason::TooShort) => {
            format!("the run is too short: {}", steps(verdict.steps, verdict.per.unwrap_or_default()))
        }
        Some(reason) => why(reason, verdict.at_rest.as_ref().map(|rest| rest.exports as u64)),
        None => "nothing was measured".into(),
    }
}

/// Where a step is.
fn place(step: f64, per: Per) -> String {
    match per {
        Per::Frame | Per::Item | Per::Second => format!("{} {}", per.one(), number(step, 0)),
        Per::Mebibyte => steps(step, per),
    }
}

/// So many steps.
fn steps(steps: f64, per: Per) -> String {
    match per {
        Per::Frame | Per::Item => format!("{} {}", number(steps, 0), per.several()),
        Per::Mebibyte => format!("{} {}", short(steps), per.several()),
        Per::Second => format!("{} s", short(steps)),
    }
}

/// Why a question is open, after so many exports in one process.
fn why(reason: Reason, exports: Option<u64>) -> String {
    let told = match reason {
        Reason::NothingMeasured => "memory was not measured",
        Reason::NoFrames => "no frame was exported",
        Reason::TooShort => "most runs are too short",
        Reason::TooFewSamples => "there are too few samples, or too few changes of the frame counter",
        Reason::Slowing => "growth slowed down towards the end: a leak, or a cache that is filling",
        Reason::Irregular => "memory rose, and the run is too short to tell single rises from growth",
        Reason::GivenBack => "memory rose and was given back once; it may rise again",
        Reason::FewTeeth => "memory rises and falls too rarely to see whether its lowest points rise",
        Reason::HeldInAQueue => {
            "frames wait in memory for the encoder; a longer export may hold more of them"
        }
        Reason::FilledBefore => {
            "most of the memory was taken before the first frame came out; a longer export may take more"
        }
        Reason::HeapsOfThreads => {
            "the C library keeps memory for each thread, and may still be filling it from export to export"
        }
        Reason::TooFewExports => return too_few(exports),
    };
    told.into()
}

/// That it takes more exports in one process than there were.
fn too_few(exports: Option<u64>) -> String {
    match exports.filter(|&exports| exports > 1) {
        Some(few) if few < exports::NEEDED => format!("{few} exports in one process are too few"),
        Some(uneven) => format!("{uneven} exports are too few, because they differ too much"),
        None => "there are too few exports in the process".into(),
    }
}

/// Without what memory does not grow, or grows less; or, where growth goes on whatever is taken out, that it does.
fn without(removals: &Removals) -> Option<String> {
    let named = |names: &[String], joined: &str| -> Option<String> {
        let names = names.iter().map(|name| format!("without {name}")).collect::<Vec<_>>();
        (!names.is_empty()).then(|| names.join(joined))
    };
    let ends = named(&removals.ends, ", nor ").map(|names| format!("It does not grow {names}"));
    let less = || named(&removals.lessens, ", and ").map(|names| format!("It grows less {names}"));
    let stays = || named(&removals.stays, ", and ").map(|names| format!("It grows as much {names}"));
    ends.or_else(less).or_else(stays)
}

/// In how many runs the answer is what it is, where others grow or do not.
fn in_runs(verdict: &JobsVerdict) -> Option<(usize, usize)> {
    let count = |is_so: fn(Verdict) -> bool| -> usize {
        verdict.runs.iter().filter(|(word, _)| is_so(*word)).map(|(_, count)| count).sum()
    };
    let grows = count(|word| matches!(word, Verdict::Grows | Verdict::Leak));
    let level = count(|word| word == Verdict::Level);
    let so = if verdict.grows == Answer::Yes { grows } else { level };
    (grows > 0 && level > 0).then_some((so, verdict.jobs))
}

fn why_jobs_are_open(verdict: &JobsVerdict) -> String {
    match verdict.because {
        Because::NothingMeasured => "no export finished".into(),
        Because::LengthsAreOpen => "the lengths do not show whether memory grows".into(),
        Because::SourcesAreOpen => {
            "two numbers of sources do not show whether growth with sources continues".into()
        }
        _ if verdict.reason == Some(Reason::TooShort) && verdict.runs.len() == 1 => {
            let per = verdict.per;
            let done = if per.is_counted() { verdict.up_to_frames as f64 } else { verdict.steps };
            format!("the export is too short: {}", steps(done, per))
        }
        _ => verdict
            .reason
            .filter(|_| verdict.runs.len() == 1)
            .map_or_else(|| disagree(verdict), |reason| why(reason, Some(verdict.up_to_exports))),
    }
}

fn disagree(verdict: &JobsVerdict) -> String {
    let runs: Vec<_> = verdict.runs.iter().map(|(word, count)| format!("{count} {}", word.word())).collect();
    let why_open = |reason| format!(" ({})", why(reason, Some(verdict.up_to_exports)));
    let why_open = verdict.reason.map(why_open).unwrap_or_default();
    format!("the runs disagree: {}{why_open}", runs.join(", "))
}

/// Where it rose, of a run that is level.
fn where_it_rose(verdict: &RunVerdict) -> Option<String> {
    let at = |step: f64| place(step, verdict.per.unwrap_or_default());
    match verdict.form? {
        Form::Filled => {
            verdict.flat_since.map(|since| format!("it grew until {} and then stopped", at(since)))
        }
        Form::SawTooth => Some("it rises and falls".into()),
        Form::Steps => {
            let begin = verdict.judged.map_or(0.0, |judged| judged.0);
            let judged = verdict.steps_up.iter().filter(|step| step.at >= begin);
            let largest = judged.max_by_key(|step| step.size)?;
            Some(format!(
                "it rose by {} at {} and stayed there",
                amount(largest.size.as_f64()),
                at(largest.at)
            ))
        }
        _ => None,
    }
}

fn where_jobs_stopped(verdict: &JobsVerdict) -> Option<String> {
    match verdict.because {
        Because::RunsStop => {
            verdict.stopped_at.map(|at| format!("it grew until {} and then stopped", place(at, verdict.per)))
        }
        Because::LevelsStopRisingWithSources => {
            Some("it grew with the first sources and not with more".into())
        }
        _ => None,
    }
}

/// Threads and descriptors that rise along with memory.
fn rises_along(verdict: &RunVerdict) -> Vec<String> {
    let at_cuts = verdict.with.iter().find(|with| matches!(with, With::Sources | With::Cuts));
    let events = verdict.division.as_ref().map_or(0, |division| division.events.len()) as f64;
    let told = |gained: f64, what: &str| {
        let each = match at_cuts {
            Some(With::Sources) if events > 0.0 => format!("{} per source", short(gained / events)),
            Some(_) if events > 0.0 => format!("{} per cut", short(gained / events)),
            _ => format!("{} over the judged part", number(gained, 0)),
        };
        (gained >= RISING).then(|| format!("{what} also increase: {each}"))
    };
    let threads = told(verdict.threads_gained, "Threads");
    threads.into_iter().chain(told(verdict.descriptors_gained, "Open files")).collect()
}

#[cfg(test)]
mod tests;
