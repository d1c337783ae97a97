//! Walks a person through verdicts, with the figures of their own runs.

use std::io::{self, Write};

use crate::report::comparisons;
use crate::report::machines::write_machines;
use crate::report::terminal::write_wrapped;
use crate::report::verdicts::next::Next;
use crate::report::verdicts::{self, families};
use crate::report::{FamilyRow, JobRow, MeasuredJob, Report, ReportError, TableLook};
use memreel_judge::{RULES_VERSION, RunVerdict};

/// How a verdict comes about, for who reads one for the first time.
const HOW: &[&str] = &[
    "How a run is judged: for each frame memreel takes the lowest memory of all later frames: so much was never given \
     back. The part from 25 % to 95 % of the frames is divided into twelve blocks. Memory grows if nearly every block \
     gains, to the end. Memory does not grow if the gain, after up to three single rises are left out, is that of a \
     healthy export; or if growth has stopped.",
    "With what memory grows: the gains from cut to cut are compared. Gains near the cuts are growth with cuts, even \
     gains are growth with frames.",
    "Several runs: one run proves growth, but never a leak, because a cache that has not filled yet looks the same. \
     Exports of other lengths, with more sources, or several in one process tell a leak from a cache.",
];

/// Characters that what belongs to a line is set in.
const DEPTH: u16 = 2;

/// What is to be said of a longer export, from the verdict on a run and its frames a second.
pub type Forecast<'a> = dyn Fn(&RunVerdict, Option<f64>) -> Option<String> + 'a;

/// Writes what each family of a result shows and why, with the run in its middle as the example.
///
/// # Errors
/// When the writer takes no more.
pub fn write_explanation(
    report: &Report,
    forecast: &Forecast<'_>,
    out: &mut dyn Write,
    look: TableLook,
) -> Result<(), ReportError> {
    write_wrapped(out, &report.question, look.width)?;
    write_machines(report, out, look.width)?;
    for family in report.families() {
        writeln!(out)?;
        write_family(report, &family, forecast, out, look.width)?;
    }
    comparisons::write_comparisons(report, out, look.width)?;
    write_how(out, look.width)?;
    Ok(())
}

/// What is printed of a run beside its evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct RunLines {
    /// The answer.
    pub answer: String,
    /// The command that settles it, where it is open.
    pub next: Option<Next>,
    /// What else there is to say.
    pub beside: Vec<String>,
}

/// Writes what one run shows and why.
///
/// # Errors
/// When the writer takes no more.
pub fn write_run(
    verdict: &RunVerdict,
    lines: &RunLines,
    out: &mut dyn Write,
    look: TableLook,
) -> Result<(), ReportError> {
    write_run_lines(verdict, lines, out, look)?;
    write_how(out, look.width)?;
    Ok(())
}

/// The same without how verdicts come about.
///
/// # Errors
/// When the writer takes no more.
pub fn write_run_lines(
    verdict: &RunVerdict,
    lines: &RunLines,
    out: &mut dyn Write,
    look: TableLook,
) -> io::Result<()> {
    let RunLines { answer, next, beside } = lines;
    write_wrapped(out, answer, look.width)?;
    next.iter().try_for_each(|next| writeln!(out, "{next}"))?;
    let evidence = evidence_lines(verdict);
    evidence.iter().chain(beside).try_for_each(|line| write_indented(out, line, DEPTH, look.width))
}

fn write_how(out: &mut dyn Write, width: u16) -> io::Result<()> {
    for paragraph in HOW {
        writeln!(out)?;
        write_wrapped(out, paragraph, width)?;
    }
    writeln!(out, "\nRules version {RULES_VERSION}.")
}

fn write_family(
    report: &Report,
    family: &FamilyRow<'_>,
    forecast: &Forecast<'_>,
    out: &mut dyn Write,
    width: u16,
) -> io::Result<()> {
    let verdict = &family.verdict;
    let next = report.next(family);
    write_wrapped(out, &format!("{}: {}", family.name, verdicts::of_jobs(verdict)), width)?;
    next.iter().try_for_each(|next| writeln!(out, "{next}"))?;
    for line in &families::evidence(verdict) {
        write_indented(out, line, DEPTH, width)?;
    }
    let Some((row, job)) = typical(family) else { return Ok(()) };
    write_indented(out, &format!("For example jobs/{}:", row.planned.folder), DEPTH, width)?;
    let speed = job.drift.as_ref().map(verdicts::drift);
    let forecast = forecast(&job.verdict, job.context.rate);
    let answer = verdicts::of_run(&job.verdict);
    let lines = [answer].into_iter().chain(evidence_lines(&job.verdict)).chain(speed).chain(forecast);
    lines.into_iter().try_for_each(|line| write_indented(out, &line, 2 * DEPTH, width))
}

/// The longest run that shows what most runs of the family show.
fn typical<'a>(family: &FamilyRow<'a>) -> Option<(&'a JobRow, &'a MeasuredJob)> {
    let most = family.verdict.runs.iter().max_by_key(|(_, count)| *count)?.0;
    let measured = family.jobs.iter().filter_map(|row| Some((*row, row.measured.as_ref()?)));
    let alike = measured.filter(|(_, job)| job.verdict.verdict() == most);
    alike.max_by(|(_, a), (_, b)| a.verdict.steps.total_cmp(&b.verdict.steps))
}

/// The evidence of an answer, the peak, and what limits it, a line each.
fn evidence_lines(verdict: &RunVerdict) -> Vec<String> {
    let peak = verdict.peak.as_ref().map(verdicts::peak);
    verdicts::evidence(verdict).into_iter().chain(peak).chain(verdicts::caveats(verdict)).collect()
}

/// Wrapped, so many characters in.
fn write_indented(out: &mut dyn Write, text: &str, depth: u16, width: u16) -> io::Result<()> {
    let mut wrapped = Vec::new();
    write_wrapped(&mut wrapped, text, width.saturating_sub(depth))?;
    let depth = usize::from(depth);
    for line in String::from_utf8_lossy(&wrapped).lines() {
        writeln!(out, "{:depth$}{line}", "")?;
    }
    Ok(())
}
