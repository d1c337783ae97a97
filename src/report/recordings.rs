//! Recordings beside each other: a table of their numbers, and one plot of them all.

mod sentences;
mod table;

pub use table::RecordingLine;

use std::io::Write;
use std::path::Path;

use crate::report::plot::{self, Picture};
use crate::report::{COLUMNS, ReportError, TableLook};
use crate::store::{self, Recording};
use memreel_judge::analysis::{self, CpuUse, Curve, Over, ProgressClock, RecordingSummary};
use memreel_trace::{Machine, Memory, Outcome, Series, WorkUnit, visible};

/// The kind of event whose words are a label that the user gave.
const MARK: &str = "mark";

/// The most lines of a plot, and names beside it.
const MOST_LINES: usize = 50;

/// What an error calls the plot.
const NAME: &str = "of recordings";

/// What a plot of recordings shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axes {
    /// Which memory; `None`: anonymous memory and swap where all recordings have it, else RSS.
    pub memory: Option<Memory>,
    /// Over what.
    pub over: Over,
}

impl Default for Axes {
    fn default() -> Axes {
        Axes { memory: None, over: Over::Seconds }
    }
}

/// Says in words what a recording that was just made shows, and draws it if it is told where.
///
/// The picture's ending says its format ([`Picture::of_path`]). A recording of which nothing can be drawn
/// is no error: it is said why there is no picture.
///
/// # Errors
/// When the samples cannot be read, the picture's ending stands for no format, the picture cannot be
/// written, or the writer takes no more.
pub fn tell_recording(
    recording: Recording,
    picture: Option<&Path>,
    out: &mut dyn Write,
    look: TableLook,
) -> Result<(), ReportError> {
    let report = RecordingReport::read(vec![recording], Axes::default())?;
    report.tell(out, look)?;
    let Some(path) = picture else { return Ok(()) };
    if let Some(why) = report.why_no_plot() {
        return Ok(writeln!(out, "plot     none: {why}")?);
    }
    let no_format =
        || ReportError::Plot { name: NAME, reason: "its name must end in .png or .svg".to_string() };
    report.write_plot(path, Picture::of_path(path).ok_or_else(no_format)?)?;
    Ok(writeln!(out, "plot     {}", path.display())?)
}

/// Recordings, read and worked out.
///
/// They are read one after the other and only their numbers and thinned lines are kept, so that many take
/// no more memory than the largest of them.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordingReport {
    /// A row each, in the order in which they were given.
    pub rows: Vec<RecordingRow>,
    /// What the plot shows.
    pub axes: Axes,
}

/// A recording and what is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordingRow {
    /// What tells it from the others: the end of its path.
    pub name: String,
    /// What it was opened from.
    pub recording: Recording,
    /// Its numbers.
    pub summary: RecordingSummary,
    /// Its lines, by the memory that they are of; of what was not measured there is none.
    pub curves: Vec<(Memory, Curve)>,
    /// Its CPU use.
    pub cpu: CpuUse,
    /// Moments that the user has named: where on the plot's axis, and how.
    pub marks: Vec<(f64, String)>,
}

impl RecordingReport {
    /// The unit of all recordings' progress; `None` where they have several.
    pub fn unit(&self) -> Option<WorkUnit> {
        let of = |row: &RecordingRow| row.recording.context.as_ref().map(|context| context.unit);
        super::the_same(self.rows.iter().map(|row| of(row).unwrap_or_default()))
    }

    /// Reads the samples of recordings and works out what is told of them.
    ///
    /// # Errors
    /// When samples cannot be read or make no sense.
    pub fn read(recordings: Vec<Recording>, axes: Axes) -> Result<RecordingReport, ReportError> {
        let names = names(&recordings);
        let rows = names.into_iter().zip(recordings).map(|(name, recording)| row(name, recording, axes));
        Ok(RecordingReport { rows: rows.collect::<Result<_, _>>()?, axes })
    }

    /// Which memory the plot shows: what was asked for, else anonymous memory and swap where all
    /// recordings have it, else RSS.
    pub fn memory(&self) -> Memory {
        let by_all = |memory: Memory| self.rows.iter().all(|row| row.has(memory));
        let usual = if by_all(Memory::AnonymousAndSwap) { Memory::AnonymousAndSwap } else { Memory::Rss };
        self.axes.memory.unwrap_or(usual)
    }

    /// Why there is nothing to plot; `None` when there is.
    pub fn why_no_plot(&self) -> Option<String> {
        if self.rows.len() > MOST_LINES {
            return Some(format!("more than {MOST_LINES} recordings cannot be distinguished in one plot"));
        }
        let memory = self.memory();
        let any = |has: &dyn Fn(&RecordingRow) -> bool| self.rows.iter().any(has);
        if any(&|row| !row.curve(memory).points.is_empty()) {
            return None;
        }
        let counted = match self.axes.over {
            Over::Frames => "frames",
            Over::Written => "bytes written",
            Over::Seconds => return Some(format!("no recording has any {memory}")),
        };
        let what = if any(&|row| row.has(memory)) { counted.to_string() } else { memory.to_string() };
        Some(format!("no recording has any {what}"))
    }

    /// Draws all recordings over each other and writes the picture, whole or not at all.
    ///
    /// # Errors
    /// When there is nothing to draw, or the file cannot be written.
    pub fn write_plot(&self, path: &Path, picture: Picture) -> Result<(), ReportError> {
        let nothing = || ReportError::Plot {
            name: NAME,
            reason: self.why_no_plot().unwrap_or_else(|| "there is nothing to draw".to_string()),
        };
        let scene = plot::recordings::draw(self).ok_or_else(nothing)?;
        Ok(store::write_whole(path, &plot::drawn(&scene, picture, NAME)?)?)
    }

    /// Prints a table with a row for each recording, and why a number is missing.
    ///
    /// # Errors
    /// When the writer takes no more.
    pub fn print(&self, out: &mut dyn Write, look: TableLook) -> Result<(), ReportError> {
        Ok(table::write(&self.rows, out, look)?)
    }

    /// Prints the numbers of each recording in words, a line each.
    ///
    /// # Errors
    /// When the writer takes no more.
    pub fn tell(&self, out: &mut dyn Write, look: TableLook) -> Result<(), ReportError> {
        self.rows.iter().try_for_each(|row| sentences::write(row, out, look.width))?;
        Ok(())
    }

    /// Prints an object of JSON for each recording, on a line each.
    ///
    /// # Errors
    /// When the writer takes no more.
    pub fn print_json(&self, out: &mut dyn Write) -> Result<(), ReportError> {
        Ok(table::write_json(&self.rows, out)?)
    }
}

impl RecordingRow {
    /// The line of this memory; empty when it was not measured.
    pub fn curve(&self, memory: Memory) -> &Curve {
        const NONE: &Curve = &Curve { points: Vec::new() };
        self.curves.iter().find(|(known, _)| *known == memory).map_or(NONE, |(_, curve)| curve)
    }

    /// Whether this memory was measured, and is drawn.
    pub fn has(&self, memory: Memory) -> bool {
        self.curves.iter().any(|(known, _)| *known == memory)
    }

    /// How it ended, where that was not well.
    pub fn failure(&self) -> Option<&Outcome> {
        self.recording.outcome.as_ref().filter(|outcome| !outcome.is_finished())
    }

    /// Where it was recorded.
    pub fn machine(&self) -> Option<&Machine> {
        self.recording.machine.as_ref()
    }
}

fn row(name: String, recording: Recording, axes: Axes) -> Result<RecordingRow, ReportError> {
    let usual = [Memory::AnonymousAndSwap, Memory::Rss];
    let drawn: Vec<Memory> = axes.memory.map_or(usual.to_vec(), |memory| vec![memory]);
    let series = recording.series(&[Memory::JUDGED.as_slice(), &drawn].concat())?;
    let context = recording.context.clone().unwrap_or_default();
    let clock = match axes.over {
        Over::Frames => Some(ProgressClock::of_frames(&series)),
        Over::Written => Some(ProgressClock::of_written(&series)),
        Over::Seconds => None,
    };
    let measured = drawn.into_iter().filter(|memory| series.memory(*memory).is_measured());
    let frames = recording.context.as_ref().and_then(|context| context.frames);
    let marks = recording.events.iter().filter(|event| event.kind == MARK);
    let at = |t_s: f64| clock.as_ref().map_or(Some(t_s), |clock| clock.step_at(t_s));
    Ok(RecordingRow {
        name,
        summary: analysis::summarise_recording(
            &series,
            &context,
            recording.high_water,
            recording.wall_s,
            frames,
        ),
        curves: measured.map(|memory| (memory, curve(&series, clock.as_ref(), memory))).collect(),
        cpu: CpuUse::of(&series, COLUMNS),
        marks: marks.filter_map(|mark| Some((at(mark.t_s)?, visible(&mark.what).into_owned()))).collect(),
        recording,
    })
}

fn curve(series: &Series, clock: Option<&ProgressClock>, memory: Memory) -> Curve {
    match clock {
        Some(clock) => Curve::over_progress(clock, series, memory, COLUMNS),
        None => Curve::over_time(series, memory, COLUMNS),
    }
}

/// The shortest ends of the recordings' paths that tell them apart.
fn names(recordings: &[Recording]) -> Vec<String> {
    let paths: Vec<_> = recordings.iter().map(|recording| parts(&recording.path)).collect();
    let deepest = paths.iter().map(Vec::len).max().unwrap_or(1);
    let at_depth = |depth: usize| -> Vec<String> {
        paths.iter().map(|parts| parts[parts.len().saturating_sub(depth)..].join("/")).collect()
    };
    let differ = |names: &Vec<String>| (1..names.len()).all(|index| !names[..index].contains(&names[index]));
    let told = (1..=deepest).map(at_depth).find(differ);
    told.unwrap_or_else(|| {
        // The same one twice.
        let numbered = |(index, name): (usize, String)| format!("{name} ({})", index + 1);
        at_depth(1).into_iter().enumerate().map(numbered).collect()
    })
}

/// The parts of a path as they can be shown. One that ends in no name, as `.`, is looked up.
fn parts(path: &Path) -> Vec<String> {
    let named = path.file_name().is_some().then(|| path.to_path_buf());
    let path = named.or_else(|| path.canonicalize().ok()).unwrap_or_else(|| path.to_path_buf());
    path.components().map(|part| visible(&part.as_os_str().to_string_lossy()).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::report::plot::svg;

    /// What is told of a file with this content, and its plot. The folder's random name is left out: it may
    /// hold any letters.
    fn told(content: &str, axes: Axes) -> Result<(String, String), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it.csv");
        fs::write(&path, content).unwrap();
        let recording = store::open_recording(&path).map_err(|error| error.to_string())?;
        let report = RecordingReport::read(vec![recording], axes).map_err(|error| error.to_string())?;
        let mut out = Vec::new();
        report.print(&mut out, TableLook::PLAIN).unwrap();
        report.print_json(&mut out).unwrap();
        let scene = plot::recordings::draw(&report);
        assert_eq!(scene.is_none(), report.why_no_plot().is_some());
        let svg = scene.map_or(String::new(), |scene| svg::write(&scene).unwrap());
        let text = String::from_utf8(out).unwrap();
        Ok((text.replace(folder.path().to_str().unwrap(), ""), svg))
    }

    const COLUMNS: [&str; 8] =
        ["t_s", "frames_out", "rss_bytes", "anon_bytes", "swap_bytes", "cpu_s", "written_bytes", "processes"];

    /// Columns and samples that are all different; a column less where one is left out.
    fn table(samples: usize, without: Option<usize>) -> String {
        let kept = |column: &usize| Some(*column) != without;
        let line = |cells: &dyn Fn(usize) -> String| {
            (0..COLUMNS.len()).filter(kept).map(cells).collect::<Vec<_>>().join(",") + "\n"
        };
        let rows = (0..samples).map(|row| line(&|column| (row * (column + 1) * 1000).to_string()));
        rows.fold(line(&|column| COLUMNS[column].to_string()), |text, row| text + &row)
    }

    #[test]
    fn a_recording_of_any_length_without_any_column_is_told_or_refused_in_words() {
        for samples in [0, 1, 3, 100] {
            for over in [Over::Seconds, Over::Frames, Over::Written] {
                for memory in [None, Some(Memory::Pss)] {
                    for without in
                        (0..=COLUMNS.len()).map(|column| Some(column).filter(|&c| c < COLUMNS.len()))
                    {
                        let told = told(&table(samples, without), Axes { memory, over });
                        let text = told.map_or_else(|error| error, |(table, svg)| table + &svg);
                        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_value_at_the_edge_of_what_can_be_written_down_is_told_too() {
        for row in ["1e308,18446744073709551615", "-1e308,0", "0,18446744073709551615", "1e-308,1"] {
            let text = format!("t_s,rss_bytes\n0,5\n{row}\n");
            let (table, svg) = told(&text, Axes::default()).unwrap();
            assert!(!table.contains("NaN") && !svg.contains("NaN"), "{table}{svg}");
        }
    }

    #[test]
    fn a_spike_of_one_sample_in_many_rises_to_its_height() {
        let level = |row: usize| if row == 32_109 { 400 << 20 } else { 100 << 20 };
        let rows = (0..50_000).map(|row| format!("{row},{}\n", level(row)));
        let text = rows.fold("t_s,rss_bytes\n".to_string(), |text, row| text + &row);
        let (_, svg) = told(&text, Axes::default()).unwrap();
        let line = svg.lines().find(|line| line.contains("<polyline") && line.contains("#0072B2")).unwrap();
        let points = line.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
        let heights: Vec<i32> = points
            .split_whitespace()
            .map(|point| point.split(',').nth(1).unwrap().parse().unwrap())
            .collect();
        let (top, rest) = (*heights.iter().min().unwrap(), *heights.iter().max().unwrap());
        assert!(rest - top > 900, "{top} {rest}");
    }

    #[test]
    fn a_recording_that_was_just_made_is_told_in_words_and_drawn() {
        let folder = tempfile::tempdir().unwrap();
        let (samples, picture) = (folder.path().join("it.csv"), folder.path().join("it.svg"));
        let told = |rows: usize| {
            let rows = (0..rows).map(|row| format!("{},{}\n", row as f64 * 0.02, (50 << 20) + row * 10_240));
            fs::write(&samples, rows.fold("t_s,rss_bytes\n".to_string(), |text, row| text + &row)).unwrap();
            let (recording, mut out) = (store::open_recording(&samples).unwrap(), Vec::new());
            tell_recording(recording, Some(&picture), &mut out, TableLook::PLAIN).unwrap();
            String::from_utf8(out).unwrap()
        };
        let nothing = told(0);
        assert!(nothing.contains("plot     none: ") && !picture.exists(), "{nothing}");
        let grown = told(1000);
        for words in [
            "Memory grows: yes, by 500 KiB per second.",
            "lasted   20.0 s, 1,000 samples",
            "peak     59.8 MiB",
        ] {
            assert!(grown.contains(words), "{words} is not in\n{grown}");
        }
        assert!(picture.exists());
    }

    #[test]
    fn the_shortest_ends_of_paths_that_differ_are_names() {
        let folder = tempfile::tempdir().unwrap();
        let made = ["a/run/samples.csv", "b/run/samples.csv", "b/other.csv"].map(|name| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "t_s,rss_bytes\n").unwrap();
            store::open_recording(&path).unwrap()
        });
        assert_eq!(names(&made[1..]), ["samples.csv", "other.csv"]);
        assert_eq!(names(&made[..2]), ["a/run/samples.csv", "b/run/samples.csv"]);
        assert_eq!(names(&[made[2].clone(), made[2].clone()]), ["other.csv (1)", "other.csv (2)"]);
        let here = Recording { path: folder.path().join("a/run/../../b/."), ..made[0].clone() };
        assert_eq!(names(&[here]), ["b"]);
        let up = Recording { path: folder.path().join("b/run/.."), ..made[0].clone() };
        assert_eq!(names(&[up]), ["b"]);
    }
}
