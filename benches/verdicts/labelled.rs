//! Traces of real exports of which the truth is known, and what may be said of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use memreel_judge::{RunVerdict, judge};
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{Memory, RunContext, Sample, Series, SeriesFormat};
use serde::Deserialize;

/// A cache that has filled before this share of the export has filled.
const FILLED: f64 = 0.95;

/// What is known of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// Nothing was injected: memory comes to rest after the warm-up.
    Healthy,
    /// The engine keeps something for each source, or something was leaked at each opening.
    PerSource,
    /// A cache that filled before the end.
    FilledCache,
    /// A cache that was larger than the export.
    UnfilledCache,
    /// Memory that falls again and again.
    Sawtooth,
    /// Memory that was freed, and that the allocator kept.
    Retention,
    /// A queue that grows with the length.
    Backpressure,
    /// So many bytes a frame were never freed.
    Leak,
}

impl Label {
    /// All of them, in the order of tables.
    pub const ALL: [Label; 8] = [
        Label::Healthy,
        Label::PerSource,
        Label::FilledCache,
        Label::UnfilledCache,
        Label::Sawtooth,
        Label::Retention,
        Label::Backpressure,
        Label::Leak,
    ];

    /// Its name in tables.
    pub fn word(self) -> &'static str {
        match self {
            Label::Healthy => "healthy",
            Label::PerSource => "sources opened",
            Label::FilledCache => "cache, filled",
            Label::UnfilledCache => "cache, not filled",
            Label::Sawtooth => "saw-tooth",
            Label::Retention => "retention",
            Label::Backpressure => "queue",
            Label::Leak => "leak",
        }
    }
}

/// A row of `labels.csv`.
#[derive(Debug, Deserialize)]
struct LabelRow {
    file: String,
    frames: f64,
    container: String,
    cut_every_frames: Option<u64>,
    label: String,
    injected_bytes_per_frame: f64,
    notes: String,
}

impl LabelRow {
    /// The label; `None` where what was to be injected was not.
    fn label(&self) -> Option<Label> {
        Some(match self.label.as_str() {
            "warmup_plateau" => Label::Healthy,
            "per_source" => Label::PerSource,
            "bounded_cache" => self.cache(),
            "sawtooth" => Label::Sawtooth,
            "allocator_retention" => Label::Retention,
            "backpressure" => Label::Backpressure,
            "per_frame_leak" => Label::Leak,
            "excluded" => return None,
            other => panic!("{}: `{other}` is no label", self.file),
        })
    }

    /// A cache holds M entries, one a frame; one that fills like 1 − exp(−x/M) does so earlier.
    fn cache(&self) -> Label {
        let parameters = parameters(&self.notes);
        let entries: f64 = parameters["M"].parse().expect("a number of entries");
        match parameters["shim"] == "satur" || entries <= FILLED * self.frames {
            true => Label::FilledCache,
            false => Label::UnfilledCache,
        }
    }
}

/// `name=value` in the notes.
fn parameters(notes: &str) -> BTreeMap<&str, &str> {
    notes.split_whitespace().filter_map(|word| word.split_once('=')).collect()
}

/// A sample of a trace: what judging looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Seconds since the process began.
    pub t_s: f64,
    /// Frames exported, as last told.
    pub frames: u64,
    /// Anonymous memory, in bytes.
    pub anonymous: u64,
    /// Resident memory, in bytes.
    pub resident: u64,
}

/// The series of these rows.
pub fn series(rows: &[Row]) -> Series {
    let mut series = Series::keeping(&Memory::JUDGED);
    for row in rows {
        series.push(&Sample {
            t_s: row.t_s,
            frames_out: Some(Count::new(row.frames)),
            anon_bytes: Some(Bytes::new(row.anonymous)),
            rss_bytes: Some(Bytes::new(row.resident)),
            ..Sample::default()
        });
    }
    series
}

/// A trace of which the truth is known.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// What is known of it.
    pub label: Label,
    /// What was injected, in bytes a frame.
    pub injected: f64,
    /// What the judge is told of the export: its container, and where clips begin.
    pub context: RunContext,
    /// Its samples.
    pub rows: Vec<Row>,
}

impl Labelled {
    fn of(folder: &Path, row: &LabelRow) -> Option<Labelled> {
        let label = row.label()?;
        let cuts = row.cut_every_frames.map(|every| (every..row.frames as u64).step_by(every as usize));
        Some(Labelled {
            label,
            injected: row.injected_bytes_per_frame,
            context: RunContext {
                container: Some(if row.container == "mp4" { "mp4" } else { "stream" }.into()),
                cuts: cuts.into_iter().flatten().collect(),
                ..RunContext::default()
            },
            rows: rows(&folder.join(&row.file)),
        })
    }

    /// The trace as the judge gets it.
    pub fn series(&self) -> Series {
        series(&self.rows)
    }

    /// What is judged of it.
    pub fn judge(&self) -> RunVerdict {
        self.judge_rows(&self.rows)
    }

    /// The same export with other samples.
    pub fn judge_rows(&self, rows: &[Row]) -> RunVerdict {
        judge(&series(rows), &self.context)
    }
}

/// The leak that has to be found in a run, in bytes a frame: twice the floor, and what the run says that it
/// would have shown.
pub fn bar(verdict: &RunVerdict) -> f64 {
    let floor = verdict.terms.map_or(f64::INFINITY, |terms| terms.floor);
    verdict.not_stable_above.unwrap_or(f64::INFINITY).max(2.0 * floor)
}

fn rows(path: &Path) -> Vec<Row> {
    let series = memreel_trace::read_series(path, SeriesFormat::Samples, &[Memory::Rss, Memory::Anonymous])
        .unwrap_or_else(|error| panic!("{error}"));
    let bytes = |memory: Memory, row: usize| series.memory(memory).at(row).expect("each row has it").get();
    let row = |(row, &t_s): (usize, &f64)| Row {
        t_s,
        frames: series.frames().at(row).expect("each row has it").get(),
        anonymous: bytes(Memory::Anonymous, row),
        resident: bytes(Memory::Rss, row),
    };
    series.t_s().iter().enumerate().map(row).collect()
}

/// The labelled traces in the repository, in the order of `labels.csv`; those without a truth are left out.
pub fn labelled() -> Vec<Labelled> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/traces");
    let labels = File::open(folder.join("labels.csv")).expect("the traces are in the repository");
    let rows = csv::Reader::from_reader(labels).into_deserialize::<LabelRow>();
    let known = rows.filter_map(|row| Labelled::of(&folder, &row.expect("a row of labels")));
    known.collect()
}
