//! The table in the terminal: a row for each variant, and below it what did not go as planned.

use std::io::{self, Write};

use crate::report::machines::write_machines;
use crate::report::number::{UNKNOWN, mib, middle, number, range, short};
use crate::report::rates::write_rates;
use crate::report::table::{Cell, PrintedTable, TableColumn};
use crate::report::terminal::{TableLook, write_wrapped};
use crate::report::verdicts;
use crate::report::{JobRow, MeasuredJob, Report, ReportError, VariantRow};
use memreel_judge::RunVerdict;
use memreel_judge::analysis::{Spread, VariantSummary};
use memreel_judge::shape::Answer;
use memreel_trace::WorkUnit;

/// A figure's heading, its unit, which is stacked first where there is no room, and what is shown of it.
struct FigureColumn {
    heading: &'static str,
    unit: &'static str,
    rank: u8,
    cell: fn(&VariantRow<'_>) -> String,
}

impl FigureColumn {
    /// The cell of a variant; in brackets when it never came to its end.
    fn shown(&self, variant: &VariantRow<'_>) -> String {
        let cell = (self.cell)(variant);
        if variant.summary.finished > 0 || cell == UNKNOWN {
            return cell;
        }
        cell.lines().map(|line| format!("({line})")).collect::<Vec<_>>().join("\n")
    }
}

/// The unit of the speed, where frames are counted.
const SPEED: &str = "frames/s";

const COLUMNS: &[FigureColumn] = &[
    FigureColumn {
        heading: "peak\nRSS",
        unit: "MiB",
        rank: 2,
        cell: |row| median_and_range(row.summary.peak_rss_bytes, mib),
    },
    FigureColumn {
        heading: "peak anon\n+ swap",
        unit: "MiB",
        rank: 7,
        cell: |row| median_and_range(row.summary.peak_anon_swap_bytes, mib),
    },
    FigureColumn { heading: "warm\n→ end", unit: "MiB", rank: 3, cell: |row| levels(&row.summary) },
    FigureColumn { heading: "memory\ngrows", unit: "", rank: 1, cell: verdict },
    FigureColumn {
        heading: "busy\nthreads",
        unit: "",
        rank: 6,
        cell: |row| median_and_range(row.summary.busy_threads, |threads| number(threads, 0)),
    },
    FigureColumn {
        heading: "wall",
        unit: "s",
        rank: 4,
        cell: |row| median_and_range(row.summary.wall_s, seconds),
    },
    FigureColumn {
        heading: "CPU",
        unit: "s",
        rank: 5,
        cell: |row| median_and_range(row.summary.cpu_s, seconds),
    },
    FigureColumn { heading: "early\n→ late", unit: SPEED, rank: 8, cell: |row| speeds(&row.summary) },
];

/// Writes the table, the reasons for what failed or did not run, and what measuring cost.
///
/// Of several repeats a cell shows the median, and below it the smallest and the largest; of growth
/// how sure each repeat is of it. The same numbers are in `summary.csv`, there for each repeat.
///
/// # Errors
/// When the writer takes no more.
pub fn write_table(report: &Report, out: &mut dyn Write, look: TableLook) -> Result<(), ReportError> {
    let variants = report.variants();
    write_wrapped(out, &report.question, look.width)?;
    writeln!(out)?;
    let ran: Vec<_> = variants.iter().filter(|variant| variant.summary.ran > 0).collect();
    if !ran.is_empty() {
        table(&ran, report.unit()).write(out, look)?;
        legend(&ran).iter().try_for_each(|line| write_wrapped(out, line, look.width))?;
        write_missing_plot(report, out, look.width)?;
    }
    write_machines(report, out, look.width)?;
    write_limits(report, out, look.width)?;
    write_exceptions(&variants, out, look.width)?;
    write_rates(report, &variants, out, look.width)?;
    write_findings(report, out, look.width)?;
    write_overhead(report, out, look.width)?;
    Ok(())
}

/// The answer that the jobs of each family give together, and what to do where there is none yet.
fn write_findings(report: &Report, out: &mut dyn Write, width: u16) -> io::Result<()> {
    for family in report.families().iter().filter(|family| family.verdict.jobs > 0) {
        writeln!(out)?;
        let answer = verdicts::of_jobs(&family.verdict);
        write_wrapped(out, &format!("{}: {answer}", family.name), width)?;
        if let Some(next) = report.next(family) {
            writeln!(out, "{next}")?;
        }
    }
    Ok(())
}

fn table(variants: &[&VariantRow<'_>], unit: Option<WorkUnit>) -> PrintedTable {
    let unit_of = |column: &FigureColumn| match (column.unit, unit) {
        (SPEED, Some(WorkUnit::Item)) => "items/s",
        (unit, _) => unit,
    };
    let figures =
        COLUMNS.iter().map(|column| TableColumn::numbers(column.heading, unit_of(column), column.rank));
    let columns = figures.chain([TableColumn::words("outcome", 0)]).collect();
    let repeated = variants.iter().any(|variant| variant.summary.ran > 1);
    let mut table = PrintedTable::new("variant", columns).ruled(repeated);
    for variant in variants {
        let numbers = COLUMNS.iter().map(|column| column.shown(variant).into());
        table.row(&variant.name, numbers.chain([outcome(variant)]));
    }
    table
}

fn median_and_range(spread: Option<Spread>, show: fn(f64) -> String) -> String {
    stacked(middle(spread, show), range(spread, show))
}

fn stacked(above: String, below: Option<String>) -> String {
    below.map_or_else(|| above.clone(), |below| format!("{above}\n{below}"))
}

fn seconds(seconds: f64) -> String {
    number(seconds, if seconds < 10.0 { 2 } else { 1 })
}

fn levels(summary: &VariantSummary) -> String {
    arrow(summary.level_after_warmup_bytes, summary.level_at_end_bytes, mib)
}

fn speeds(summary: &VariantSummary) -> String {
    arrow(summary.fps_early, summary.fps_late, short)
}

fn arrow(from: Option<Spread>, to: Option<Spread>, show: fn(f64) -> String) -> String {
    match (from, to) {
        (None, None) => UNKNOWN.to_string(),
        _ => format!("{} → {}", middle(from, show), middle(to, show)),
    }
}

/// What its runs answer, each answer once with how many there are, and the median growth of those that grow.
fn verdict(row: &VariantRow<'_>) -> String {
    let runs: Vec<_> = row.measured().map(|job| &job.verdict).collect();
    let mut answers: Vec<_> = runs.iter().map(|run| run.grows).collect();
    answers.sort_unstable();
    let several = answers.first() != answers.last();
    let words = answers.chunk_by(|a, b| a == b).map(|alike| match several {
        true => format!("{} {}", alike.len(), answer_in_short(alike[0])),
        false => answer_in_short(alike[0]).to_string(),
    });
    let words: Vec<_> = words.collect();
    if words.is_empty() { UNKNOWN.to_string() } else { stacked(words.join("\n"), growth_of(&runs)) }
}

fn answer_in_short(answer: Answer) -> &'static str {
    match answer {
        Answer::Yes => "yes",
        Answer::No => "no",
        Answer::Open => "can't tell",
    }
}

/// The median growth of the runs that grow, with what most of them grow with first.
fn growth_of(runs: &[&RunVerdict]) -> Option<String> {
    let mut growing: Vec<_> = runs.iter().filter(|run| run.grows == Answer::Yes).collect();
    let with = &growing.get(growing.len() / 2)?.with.clone();
    growing.retain(|run| run.with == *with);
    let size = |run: &&&RunVerdict| run.growth.frame.map_or(0.0, |rate| rate.estimate);
    growing.sort_by(|a, b| size(a).total_cmp(&size(b)));
    Some(verdicts::rates_in_short(growing[growing.len() / 2]).join("\n"))
}

fn outcome(variant: &VariantRow<'_>) -> Cell {
    let (ran, finished) = (variant.summary.ran, variant.summary.finished);
    let failed = variant.measured().map(|job| &job.summary.outcome).find(|outcome| !outcome.is_finished());
    let unverified =
        if variant.measured().any(|job| job.summary.is_unverified) { ",\nunverified" } else { "" };
    match failed {
        None if ran == variant.jobs.len() && ran == 1 => format!("finished{unverified}").into(),
        None => format!("{finished} of {}\nfinished{unverified}", variant.jobs.len()).into(),
        Some(outcome) if variant.jobs.len() == 1 => Cell::from(outcome.word()).red(),
        Some(outcome) => {
            Cell::from(format!("{finished} of {}\nfinished,\n{}", variant.jobs.len(), outcome.word())).red()
        }
    }
}

/// What the numbers mean: of several repeats, where there are several, and those in brackets.
fn legend(variants: &[&VariantRow<'_>]) -> Vec<&'static str> {
    let repeated = variants.iter().any(|variant| variant.summary.ran > 1);
    let any_grows = variants.iter().flat_map(|variant| variant.measured());
    let any_grows = any_grows.into_iter().any(|job| job.verdict.grows == Answer::Yes);
    let numbers = match (repeated, any_grows) {
        (true, true) => {
            "Median of the repeats that finished, smallest–largest below it. The line below \"yes\" is the growth of the median run."
        }
        (true, false) => "Median of the repeats that finished, smallest–largest below it.",
        (false, true) => "Each variant ran once. The line below \"yes\" is its growth.",
        (false, false) => "Each variant ran once.",
    };
    let unfinished = variants.iter().any(|variant| variant.summary.finished == 0);
    let brackets =
        unfinished.then_some("In brackets: figures up to where the run ended, because no run finished.");
    let index = variants.iter().any(has_an_index).then_some(
        "The MP4 muxer keeps the file's index in memory until the export ends: up to 512 B per frame. Growth of up to this size counts as none; larger growth is shown in full.",
    );
    [numbers].into_iter().chain(brackets).chain(index).collect()
}

/// Whether the variant's growth, where it has any, is partly that of the index of its MP4 file: 184–450
/// bytes a frame with sound, 76 without, were measured with FFmpeg 5.1 and melt 7.12.
fn has_an_index(variant: &&VariantRow<'_>) -> bool {
    let indexed = |container: &Option<String>| matches!(container.as_deref(), Some("mp4" | "mov"));
    variant.measured().any(|job| indexed(&job.context.container) && job.verdict.growth.frame.is_some())
}

/// Says why there is no plot of memory over frames, where there is none, and which commands said nothing although
/// progress was to be read.
fn write_missing_plot(report: &Report, out: &mut dyn Write, width: u16) -> io::Result<()> {
    for variant in report.variants().iter().filter(|variant| says_no_progress(variant)) {
        let line = format!(
            "{}: no progress was read: nothing that it wrote matched. Compare its `progress` with the job's engine.log.",
            variant.name
        );
        write_wrapped(out, &line, width)?;
    }
    if report.measured().any(|job| !job.over_frames.points.is_empty()) {
        return Ok(());
    }
    write_wrapped(out, "No run counted enough frames for a plot of memory over frames.", width)
}

/// Whether a command of the user's, which reports frames put out and nothing else, ran to its end, and not a line of it
/// could be read as its progress.
fn says_no_progress(variant: &VariantRow<'_>) -> bool {
    let silent = |job: &MeasuredJob| {
        let summary = &job.summary;
        let counted = summary.frames_in.or(summary.frames_out);
        job.context.frame_counters == "out" && counted.is_none() && summary.outcome.is_finished()
    };
    variant.measured().next().is_some() && variant.measured().all(silent)
}

/// The memory limits that there were, and how they were enforced.
fn write_limits(report: &Report, out: &mut dyn Write, width: u16) -> io::Result<()> {
    let groups = report.measured().filter_map(|job| job.summary.group.as_ref());
    let mut limits: Vec<_> = groups.filter_map(|group| Some((group.limit_bytes?, group.version))).collect();
    limits.sort_unstable_by_key(|(limit, _)| *limit);
    limits.dedup();
    let Some((_, version)) = limits.first() else { return Ok(()) };
    let texts: Vec<_> = limits.iter().map(|(limit, _)| limit.to_string()).collect();
    writeln!(out)?;
    let sentence = format!(
        "Memory limits, of an engine with all that it starts, without swap, by cgroup {version}: {}.",
        texts.join(", ")
    );
    write_wrapped(out, &sentence, width)
}

fn write_exceptions(variants: &[VariantRow<'_>], out: &mut dyn Write, width: u16) -> io::Result<()> {
    let reasons: Vec<String> = variants.iter().flat_map(exceptions).collect();
    if !reasons.is_empty() {
        writeln!(out)?;
    }
    reasons.iter().try_for_each(|reason| write_wrapped(out, reason, width))
}

/// A line for each reason for which repeats of the variant failed, did not run or are damaged.
fn exceptions(variant: &VariantRow<'_>) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<u32>)> = Vec::new();
    let of_job = |job: &&JobRow| job.exceptions().into_iter().zip(std::iter::repeat(job.planned.repeat));
    for (reason, repeat) in variant.jobs.iter().flat_map(of_job) {
        match reasons.iter_mut().find(|known| known.0 == reason) {
            Some(known) => known.1.push(repeat),
            None => reasons.push((reason, vec![repeat])),
        }
    }
    let all = variant.jobs.len();
    reasons.iter().map(|(reason, repeats)| exception(&variant.name, reason, repeats, all)).collect()
}

fn exception(name: &str, reason: &str, repeats: &[u32], all: usize) -> String {
    if repeats.len() == all {
        return format!("{name}: {reason}");
    }
    let numbers: Vec<_> = repeats.iter().map(u32::to_string).collect();
    let word = if repeats.len() == 1 { "repeat" } else { "repeats" };
    format!("{name}, {word} {}: {reason}", numbers.join(", "))
}

fn write_overhead(report: &Report, out: &mut dyn Write, width: u16) -> io::Result<()> {
    let jobs: Vec<_> = report.measured().map(|job| &job.summary).collect();
    let wall_s: f64 = jobs.iter().map(|job| job.wall_s).sum();
    if wall_s <= 0.0 {
        return Ok(());
    }
    let cpu_s: f64 = jobs.iter().map(|job| job.harness_cpu_s).sum();
    let private = jobs.iter().filter_map(|job| job.harness_private).max();
    let memory = private.map_or_else(|| "not measured".to_string(), |bytes| format!("{bytes} private"));
    let share = number(100.0 * cpu_s / wall_s, 2);
    let samples: u64 = jobs.iter().map(|job| job.samples).sum();
    let missed: u64 = jobs.iter().map(|job| job.missed).sum();
    let sentence = format!(
        "memreel itself: CPU {} s ({share} % of one core while engines ran), memory {memory}; {} samples, {} missed.",
        number(cpu_s, 2),
        number(samples as f64, 0),
        number(missed as f64, 0),
    );
    writeln!(out)?;
    write_wrapped(out, &sentence, width)
}
