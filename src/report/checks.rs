//! A check for people and for the programs of a CI: what was asked, what the answer is, and what it rests on.

mod annotations;
mod bmf;
mod json;
mod junit;
mod kept;
mod markdown;
mod measured;
mod smaller_is_better;
mod table;
#[cfg(test)]
mod tests;
mod words;

use std::io::Write;

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::number::number;
use crate::report::terminal::write_wrapped;
use crate::report::{Report, ReportError, TableLook, VariantRow};
use memreel_judge::check::{Asked, Check, CheckItem, Conclusion, ERROR_RATE, State};
use memreel_judge::compare::LEAST_REPEATS;

pub use annotations::write_annotations;
pub use bmf::write_bmf;
pub use json::{CheckRecord, write_json};
pub use junit::write_junit;
pub use kept::{write_baseline, write_renewal};
pub use markdown::{SUMMARY_BYTES, write_markdown};
pub use smaller_is_better::write_smaller_is_better;
pub use words::sentence;

/// A check, and what it was made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Told<'a> {
    /// The result that was checked.
    pub report: &'a Report,
    /// The answers.
    pub check: &'a Check,
    /// What it was compared with, as the user named it.
    pub baseline: Option<String>,
    /// What of it is to fail.
    pub strictness: Strictness,
    /// The scenario's file, from the top of the tree that a CI has checked out; `None` where it is not in there.
    pub scenario_file: Option<String>,
}

/// Which answers fail a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strictness {
    /// None: failures are warnings.
    WarnOnly,
    /// Failures.
    #[default]
    Usual,
    /// Failures and inconclusive answers.
    Strict,
}

/// The consequence of an answer for a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It fails the check.
    Error,
    /// It does not fail the check.
    Warning,
}

/// Exports of a variant that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FailedExports {
    /// The variant's name.
    pub variant: String,
    /// How many exports failed, and how, in one sentence.
    pub words: String,
}

impl Told<'_> {
    /// What was checked against what, in a sentence.
    pub fn subject(&self) -> String {
        let against = match &self.baseline {
            Some(baseline) => format!("its budgets and {baseline}"),
            None => "its budgets".into(),
        };
        format!("{}: checked against {against}", self.report.scenario)
    }

    /// What it comes to, in a sentence.
    pub fn conclusion(&self) -> String {
        let count =
            |is_so: fn(&CheckItem) -> bool| self.check.items.iter().filter(|item| is_so(item)).count();
        let passed = count(|item| item.state == State::Passed);
        let answers = count(|item| item.state == State::Passed && item.asked == Asked::Finding);
        let (failed, warned) = (count(CheckItem::fails), count(CheckItem::warns));
        match self.check.conclusion() {
            Conclusion::Failed => {
                format!("FAILED: {failed} failed, {warned} inconclusive or soft, {passed} passed.")
            }
            Conclusion::NotCompared => format!(
                "NOT COMPARED: something else was measured than in the baseline. If that is meant, {}save the baseline \
                 anew; {passed} passed.",
                self.accepting()
            ),
            Conclusion::Open => {
                format!("INCONCLUSIVE: nothing failed, {warned} inconclusive, {passed} passed.")
            }
            Conclusion::Passed if warned > 0 => format!("passed: {passed} passed, {warned} with a warning."),
            Conclusion::Passed if answers == 0 || answers == passed => format!("passed: all {passed}."),
            Conclusion::Passed => {
                format!(
                    "passed: all {passed} ({}, {} about growth).",
                    counted(passed - answers, "figure"),
                    counted(answers, "answer")
                )
            }
        }
    }

    /// How the differences are accepted, where they can be.
    fn accepting(&self) -> String {
        match self.check.to_accept.as_slice() {
            [] => String::new(),
            names => format!("accept it with --accept-change {}, and ", names.join(",")),
        }
    }

    /// What an item is to whoever waits; `None` of what is as it should be.
    pub fn severity(&self, item: &CheckItem) -> Option<Severity> {
        let unguarded =
            self.check.is_unguarded && item.asked == Asked::Baseline && item.state == State::NotComparable;
        match self.strictness {
            Strictness::Usual | Strictness::Strict if item.fails() || unguarded => Some(Severity::Error),
            Strictness::Strict if item.is_open() => Some(Severity::Error),
            _ => (item.fails() || item.warns()).then_some(Severity::Warning),
        }
    }

    /// The variants of which exports failed. They fail a run whatever the check comes to.
    pub fn failed_exports(&self) -> Vec<FailedExports> {
        self.report.variants().iter().filter_map(failed_exports).collect()
    }

    /// How sure it is, in a sentence; nothing where no figure was judged.
    pub fn certainty(&self) -> Option<String> {
        let questions = self.check.questions;
        let rate = number(ERROR_RATE * 100.0, 0);
        let judged = if questions == 1 { "figure is judged" } else { "figures are judged together" };
        (questions > 0).then(|| {
            format!(
                "{questions} {judged}: if nothing has changed, at most {rate} check in 100 fails. Decide the number of \
                 repeats beforehand, at least {LEAST_REPEATS}."
            )
        })
    }

    /// Items that are told in a sentence each: what failed first, then what is to be warned of.
    pub fn told(&self) -> impl Iterator<Item = &CheckItem> {
        let failed = self.check.items.iter().filter(|item| item.fails());
        failed.chain(self.check.items.iter().filter(|item| item.warns()))
    }
}

/// `1 figure`, `2 figures`.
fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn failed_exports(variant: &VariantRow<'_>) -> Option<FailedExports> {
    let outcomes: Vec<_> = variant.measured().map(|job| &job.summary.outcome).collect();
    let failed: Vec<_> =
        outcomes.iter().filter(|outcome| outcome.is_final() && !outcome.is_finished()).collect();
    let mut ways: Vec<_> = failed.iter().map(|outcome| outcome.to_string()).collect();
    ways.dedup();
    let words = format!("{} of {} exports failed: {}.", failed.len(), outcomes.len(), ways.join("; "));
    (!failed.is_empty()).then(|| FailedExports { variant: variant.name.clone(), words })
}

/// Writes a check for the terminal: the figures in a table, what failed or is open in sentences, the conclusion.
///
/// # Errors
/// When the writer takes no more.
pub fn write_check(told: &Told<'_>, out: &mut dyn Write, look: TableLook) -> Result<(), ReportError> {
    write_wrapped(out, &format!("{}.", told.subject()), look.width)?;
    for table in table::tables(told.check) {
        writeln!(out)?;
        table::drawn(&table).write(out, look)?;
    }
    table::legend(told.check).iter().try_for_each(|line| write_wrapped(out, line, look.width))?;
    for item in told.told() {
        writeln!(out)?;
        write_wrapped(out, &format!("{}: {}", words::heading(item), sentence(item)), look.width)?;
    }
    if let Some(certainty) = told.certainty() {
        writeln!(out)?;
        write_wrapped(out, &certainty, look.width)?;
    }
    writeln!(out)?;
    Ok(write_wrapped(out, &told.conclusion(), look.width)?)
}
