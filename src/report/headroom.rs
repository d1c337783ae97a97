//! The headroom of an export: a table of limits, a sentence, a CSV.

use std::io::{self, Write};

use crate::headroom::{HeadroomRecord, Least, StepEnd, VariantHeadroom};
use crate::report::ReportError;
use crate::report::number::{UNKNOWN, mib, short};
use crate::report::table::{Cell, PrintedTable, TableColumn};
use crate::report::terminal::{TableLook, write_wrapped};
use memreel_trace::units::Bytes;

/// Takes that are larger by no more than this are nearly the same.
const NEARLY: f64 = 1.1;

/// Prints the table and the sentence of each variant.
///
/// # Errors
/// When the writer takes no more.
pub fn print_headroom(headroom: &HeadroomRecord, out: &mut dyn Write, look: TableLook) -> io::Result<()> {
    for variant in &headroom.variants {
        table(variant).write(out, look)?;
        write_wrapped(out, &format!("{}: {}", variant.variant, sentence(variant)), look.width)?;
        if let Some(files) = variant.file_bytes.filter(|_| variant.least.is_some()) {
            write_wrapped(out, &about_files(files), look.width)?;
        }
        writeln!(out)?;
    }
    match headroom.cgroup {
        Some(version) => {
            write_wrapped(out, &format!("Limits were enforced by cgroup {version}."), look.width)
        }
        None => Ok(()),
    }
}

/// Writes a row for each step.
///
/// # Errors
/// When the writer takes no more.
pub fn write_headroom_csv(headroom: &HeadroomRecord, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut csv = csv::Writer::from_writer(out);
    let header = ["variant", "limit_bytes", "end", "fps", "group_peak_bytes", "limit_hits", "wall_s"];
    csv.write_record(header).map_err(io::Error::from)?;
    for variant in &headroom.variants {
        for step in &variant.steps {
            let bytes = |bytes: Option<Bytes>| bytes.map(|bytes| bytes.get().to_string()).unwrap_or_default();
            let row = [
                variant.variant.clone(),
                bytes(step.limit_bytes),
                word(step.end).replace(' ', "-"),
                step.frames_per_second.map(|speed| format!("{speed:.2}")).unwrap_or_default(),
                bytes(step.group_peak_bytes),
                step.limit_hits.map(|hits| hits.to_string()).unwrap_or_default(),
                format!("{:.3}", step.wall_s),
            ];
            csv.write_record(row).map_err(io::Error::from)?;
        }
    }
    Ok(csv.flush()?)
}

fn table(variant: &VariantHeadroom) -> PrintedTable {
    let columns = vec![
        TableColumn::words("export", 0),
        TableColumn::numbers("speed", "frames/s", 1),
        TableColumn::numbers("peak of\nits group", "MiB", 2),
        TableColumn::numbers("limit hit", "times", 3),
    ];
    let mut table = PrintedTable::new("limit", columns);
    for step in &variant.steps {
        let limit = step.limit_bytes.map_or_else(|| "none".into(), |limit| limit.to_string());
        let end = Cell::from(word(step.end));
        table.row(
            &limit,
            [
                if step.end == StepEnd::Ended { end } else { end.red() },
                step.frames_per_second.map_or(UNKNOWN.into(), short).into(),
                step.group_peak_bytes.map_or(UNKNOWN.into(), |peak| mib(peak.as_f64())).into(),
                step.limit_hits.map_or(UNKNOWN.into(), |hits| hits.to_string()).into(),
            ],
        );
    }
    table
}

fn word(end: StepEnd) -> &'static str {
    match end {
        StepEnd::Ended => "ended",
        StepEnd::OutOfMemory => "out of memory",
        StepEnd::Thrashing => "thrashing",
        StepEnd::Failed => "failed",
    }
}

/// What the search came to.
pub fn sentence(variant: &VariantHeadroom) -> String {
    let failed = || variant.steps.iter().any(|step| step.end == StepEnd::Failed);
    match (variant.least, variant.unlimited_peak_bytes) {
        (Some(least), Some(peak)) => format!("{} {}", needs(least), takes(least, peak)),
        _ if variant.steps.first().is_some_and(|step| step.end != StepEnd::Ended) => {
            "The least memory was not found: the export does not end without a limit.".into()
        }
        _ if failed() => {
            "The least memory was not found: an export failed for another reason than memory.".into()
        }
        _ => "The least memory was not found: no limit was tried in which the export ended and below which it did \
              not."
            .into(),
    }
}

fn needs(least: Least) -> String {
    let Least { needs_bytes, failed_with_bytes, ended_with_bytes } = least;
    let bare = |bytes: Bytes| bytes.to_string().replace(" MiB", "");
    format!(
        "The export needs {needs_bytes} ({} to {}): it did not end with {failed_with_bytes}, and it did with \
         {ended_with_bytes}.",
        bare(failed_with_bytes),
        bare(ended_with_bytes),
    )
}

/// An export that also ends with less takes more because there is more.
fn takes(least: Least, peak: Bytes) -> String {
    let comment = match peak.as_f64() {
        peak if peak > NEARLY * least.ended_with_bytes.as_f64() => {
            "it takes more than it needs, but not more than there is"
        }
        _ => "nearly all of that is needed, and it fails where there is less",
    };
    format!("Without a limit it takes {peak}: {comment}.")
}

fn about_files(files: Bytes) -> String {
    format!(
        "Not all of its program and library pages ({files} resident) are in these figures: the kernel counts a page \
         of a file in the group that read it first. In a container of its own the export may need up to that much \
         more."
    )
}
