//! Annotations on GitHub: workflow commands, lines that a runner finds in what a step prints.
//!
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use std::io::{self, Write};

use memreel_trace::visible;

use super::words::{line, statement, topic};
use super::{Severity, Told};
use memreel_judge::check::{CheckItem, State};

/// As many of each kind as GitHub shows of a step.
const MOST: usize = 10;

/// What is pointed out, before it is escaped.
struct Annotation {
    severity: Severity,
    title: String,
    message: String,
}

/// Writes an error for what fails and a warning for what is to be warned of, at most ten lines of each kind; the
/// tenth of more than that says how many there are.
///
/// # Errors
/// When the writer takes no more.
pub fn write_annotations(told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    let all = annotations(told);
    for severity in [Severity::Error, Severity::Warning] {
        let of_kind: Vec<_> = all.iter().filter(|annotation| annotation.severity == severity).collect();
        let shown = if of_kind.len() > MOST { MOST - 1 } else { of_kind.len() };
        for annotation in &of_kind[..shown] {
            write_annotation(told, severity, &annotation.title, &annotation.message, out)?;
        }
        let more = of_kind.len() - shown;
        if more > 0 {
            let message = format!("{more} more: see the summary or the output of this step.");
            write_annotation(told, severity, "more", &message, out)?;
        }
    }
    Ok(())
}

fn annotations(told: &Told<'_>) -> Vec<Annotation> {
    let exports = told.failed_exports().into_iter().map(|failed| Annotation {
        severity: Severity::Error,
        title: format!("{}: exports", failed.variant),
        message: failed.words,
    });
    let items = told.told().filter_map(|item| {
        let title = format!("{}: {}", item.subject, topic(item));
        Some(Annotation { severity: told.severity(item)?, title, message: message(item) })
    });
    exports.chain(items).collect()
}

/// That something failed is what an annotation is; of anything else it is said what came of it.
fn message(item: &CheckItem) -> String {
    match item.state {
        State::Failed => statement(item),
        _ => line(item),
    }
}

fn write_annotation(
    told: &Told<'_>,
    severity: Severity,
    title: &str,
    message: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let command = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let file = told.scenario_file.as_ref().map(|file| format!("file={},", property(file)));
    let title = property(&format!("{}: {title}", told.report.scenario));
    writeln!(out, "::{command} {}title={title}::{}", file.unwrap_or_default(), escaped(message))
}

/// Text as a command's message: what would end the line, and the sign that begins an escape.
fn escaped(text: &str) -> String {
    let lines: Vec<_> = text.replace('%', "%25").lines().map(|line| visible(line).into_owned()).collect();
    lines.join("%0A")
}

/// Text as a command's property: what would end the property, too.
fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}
