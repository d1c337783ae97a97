//! Walks a person through verdicts, with the figures of their own runs.

use std::io::{self, Write};

use crate::report::comparisons;
use crate::report::machines::write_machines;
use crate::report::terminal::write_wrapped;
use crate::report::verdicts::{self, families};
use crate::report::{FamilyRow, JobRow, Look, MeasuredJob, Report, ReportError};
use crate::verdict::{RULES_VERSION, RunVerdict};

/// How a verdict comes about, for who reads one for the first time.
const HOW: &[&str] = &[
    "How a run is judged: memory is a ratchet with rare jumps, so that its increments are judged, not its levels. \
     From each frame on, the lowest level that is still to come is what was never given back; that curve is cut \
     into twelve blocks of equal frames, from a quarter of the way to 95 %. Growth is what nearly every block \
     shows. What is not called growth: less than the floor – what an MP4 file's index takes, or 128 KiB over \
     the whole export.",
    "How jobs are judged together: one run can prove growth, never a leak; a cache that has not filled yet looks \
     the same. Exports of other lengths, with more sources or several in one process tell with what memory \
     grows.",
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
    look: Look,
) -> Result<(), ReportError> {
    write_wrapped(out, &report.question, look.width)?;
    write_machines(report, out, look.width)?;
    for family in report.families() {
        writeln!(out)?;
        write_family(&family, forecast, out, look.width)?;
    }
    comparisons::write_comparisons(report, out, look.width)?;
    write_how(out, look.width)?;
    Ok(())
}

/// Writes what one run shows and why; `beside` is what else is to be said of it.
///
/// # Errors
/// When the writer takes no more.
pub fn write_run(
    verdict: &RunVerdict,
    beside: &[String],
    out: &mut dyn Write,
    look: Look,
) -> Result<(), ReportError> {
    write_run_lines(verdict, beside, out, look)?;
    write_how(out, look.width)?;
    Ok(())
}

/// The same without how verdicts come about.
///
/// # Errors
/// When the writer takes no more.
pub fn write_run_lines(
    verdict: &RunVerdict,
    beside: &[String],
    out: &mut dyn Write,
    look: Look,
) -> io::Result<()> {
    let lines = run_lines(verdict).into_iter().chain(beside.iter().cloned());
    lines.into_iter().try_for_each(|line| write_indented(out, &line, DEPTH, look.width))
}

fn write_how(out: &mut dyn Write, width: u16) -> io::Result<()> {
    for paragraph in HOW {
        writeln!(out)?;
        write_wrapped(out, paragraph, width)?;
    }
    writeln!(out, "\nRules of version {RULES_VERSION}.")
}

fn write_family(
    family: &FamilyRow<'_>,
    forecast: &Forecast<'_>,
    out: &mut dyn Write,
    width: u16,
) -> io::Result<()> {
    let verdict = &family.verdict;
    let headline = families::headline(verdict);
    write_wrapped(out, &format!("{}: {} – {headline}.", family.name, verdict.finding.word()), width)?;
    for line in families::evidence(verdict).iter().chain(&families::needs(verdict)) {
        write_indented(out, line, DEPTH, width)?;
    }
    let Some((row, job)) = typical(family) else { return Ok(()) };
    write_indented(out, &format!("For example jobs/{}:", row.planned.folder), DEPTH, width)?;
    let speed = job.drift.as_ref().map(verdicts::drift);
    let forecast = forecast(&job.verdict, job.context.rate);
    let lines = run_lines(&job.verdict).into_iter().chain(speed).chain(forecast);
    lines.into_iter().try_for_each(|line| write_indented(out, &line, 2 * DEPTH, width))
}

/// The longest run that shows what most runs of the family show.
fn typical<'a>(family: &FamilyRow<'a>) -> Option<(&'a JobRow, &'a MeasuredJob)> {
    let most = family.verdict.runs.iter().max_by_key(|(_, count)| *count)?.0;
    let measured = family.jobs.iter().filter_map(|row| Some((*row, row.measured.as_ref()?)));
    let alike = measured.filter(|(_, job)| job.verdict.verdict == most);
    alike.max_by(|(_, a), (_, b)| a.verdict.steps.total_cmp(&b.verdict.steps))
}

/// The verdict on a run, its evidence, its level and what would settle it, a line each.
pub fn run_lines(verdict: &RunVerdict) -> Vec<String> {
    let first = format!("{}: {}.", verdict.verdict.word(), verdicts::headline(verdict));
    let level = verdict.level.as_ref().map(verdicts::level);
    [first]
        .into_iter()
        .chain(verdicts::evidence(verdict))
        .chain(level)
        .chain(verdicts::caveats(verdict))
        .chain(verdicts::needs(verdict))
        .collect()
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
