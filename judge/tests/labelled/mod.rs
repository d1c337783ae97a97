//! Recordings of real exports of which the truth is known, and what is expected to be said of each.
//!
//! The sets are folders of `tests/data`; the README in `traces` says what the columns of `labels.csv` mean.

// Each of the tests and benches uses a part of it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

use memreel_judge::progress_clock::ProgressClock;
use memreel_judge::shape::Answer;
use memreel_judge::{RunVerdict, With, judge};
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{Memory, RunContext, Sample, Series, SeriesFormat, read_series};
use serde::Deserialize;

/// The sets, from the one that rules were made on to the newest.
pub const SETS: [&str; 6] = ["traces", "validation", "validation-2", "validation-3", "live", "profile"];

/// A row of `labels.csv` of any set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Row {
    file: String,
    container: String,
    cuts: String,
    cut_every_frames: String,
    first_uses: String,
    exports: String,
    cpus: Option<u32>,
    packets_per_frame: Option<f64>,
    frame_bytes: Option<u64>,
    label: String,
    injected_bytes_per_frame: f64,
    bytes_per_that: Option<f64>,
    expected: String,
    reason: String,
    notes: String,
}

/// A recording, and what is known of it.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Its set.
    pub set: &'static str,
    /// Its file.
    pub name: String,
    /// The kind of truth: `healthy`, `leak` …
    pub label: String,
    /// Bytes that are kept of each frame (in `live` of each frame, source, cut or export).
    pub kept: f64,
    /// What is expected to be said.
    pub expected: Word,
    /// Why it is expected to be left open.
    pub reason: String,
    /// Whether something was injected into the process that a healthy engine would not do.
    pub is_injected: bool,
    /// What is known of the export beside its memory.
    pub context: RunContext,
    /// Its samples.
    pub series: Series,
}

/// What is said of a recording, or expected to be said: an answer, and for a yes with what memory grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Whether it grows.
    pub answer: Answer,
    /// With what.
    pub with: Vec<With>,
    /// Whether what stands in `with` cannot be told apart.
    pub unparted: bool,
}

impl Word {
    /// What a verdict says.
    pub fn of(verdict: &RunVerdict) -> Word {
        Word { answer: verdict.grows, with: verdict.with.clone(), unparted: verdict.unparted }
    }

    fn read(text: &str) -> Word {
        let (answer, with) = text.split_once(' ').unwrap_or((text, ""));
        let answer = match answer {
            "yes" => Answer::Yes,
            "no" => Answer::No,
            "open" => Answer::Open,
            other => panic!("`{other}` is no answer"),
        };
        let with = with.split(['+', '|']).filter(|word| !word.is_empty()).map(|word| match word {
            "frames" => With::Frames,
            "sources" => With::Sources,
            "cuts" => With::Cuts,
            "exports" => With::Exports,
            other => panic!("memory grows with no `{other}`"),
        });
        Word { answer, with: with.collect(), unparted: text.contains('|') }
    }

    /// Whether it says of a recording that memory grows with what it does not grow with; what it leaves unparted is
    /// right where the truth is in it.
    pub fn names_another(&self, truth: &Word) -> bool {
        let mut with = self.with.iter();
        let is_true = |with| truth.with.contains(with);
        self.answer == Answer::Yes && !if self.unparted { with.any(is_true) } else { with.all(is_true) }
    }
}

/// Labels of exports in which nothing is kept that is not given back.
const HEALTHY: [&str; 8] = [
    "warmup_plateau",
    "healthy",
    "collector",
    "fills-before",
    "step",
    "healthy-staircase",
    "healthy-sources",
    "staircase",
];

/// Labels of exports that keep something for ever, of frames at least.
const LEAKS: [&str; 10] = [
    "per_frame_leak",
    "leak",
    "leak-and-decoder-per-source",
    "leak-and-lump-per-cut",
    "leak-and-decoder-per-clip",
    "leak-and-per-clip",
    "real-growth",
    "real-leak",
    "late",
    "saw-rising",
];

impl Recording {
    fn read(set: &'static str, row: Row) -> Recording {
        let path = folder(set).join(&row.file);
        let series =
            read_series(&path, SeriesFormat::Samples, &Memory::JUDGED).expect("it is in the repository");
        let last = series.frames().last().map_or(0, |frames| frames.get());
        let every = (!row.cut_every_frames.is_empty()).then(|| format!("every:{}", row.cut_every_frames));
        // As it was for rules 3: a file that is written as it goes, of whatever kind.
        let container = if set == "traces" && row.container != "mp4" { "stream" } else { &row.container };
        let context = RunContext {
            container: Some(container.to_string()),
            cuts: frames_in(every.as_ref().unwrap_or(&row.cuts), last),
            first_uses: frames_in(&row.first_uses, last),
            exports: frames_in(&row.exports, last),
            cpus: row.cpus,
            packets_per_frame: row.packets_per_frame,
            frame_bytes: row.frame_bytes.map(Bytes::new),
            ..RunContext::default()
        };
        Recording {
            set,
            expected: Word::read(&row.expected),
            kept: row.bytes_per_that.unwrap_or(row.injected_bytes_per_frame),
            is_injected: row.notes.split(' ').any(|note| note.starts_with("K=") && note != "K=0"),
            name: row.file,
            label: row.label,
            reason: row.reason,
            context,
            series,
        }
    }

    /// Whether the engine did what a healthy one does, and nothing was injected.
    pub fn is_healthy(&self) -> bool {
        !self.is_injected && (HEALTHY.contains(&&*self.label) || self.label == "per_source")
    }

    /// Whether something of each frame is kept for ever.
    pub fn is_leak(&self) -> bool {
        LEAKS.contains(&&*self.label) || self.label.starts_with("leak-per-")
    }

    /// Frames of the export, as counted.
    pub fn frames(&self) -> u64 {
        self.series.frames().last().map_or(0, |frames| frames.get())
    }

    /// The verdict on it.
    pub fn judge(&self) -> RunVerdict {
        judge(&self.series, &self.context)
    }

    /// The same export with other samples.
    pub fn judge_samples(&self, samples: &[Sample]) -> RunVerdict {
        judge(&series(samples), &self.context)
    }

    /// Its samples, as far as judging looks at them.
    pub fn samples(&self) -> Vec<Sample> {
        let of = &self.series;
        let sample = |(row, &t_s): (usize, &f64)| Sample {
            t_s,
            frames_out: of.frames().at(row),
            rss_bytes: of.memory(Memory::Rss).at(row),
            anon_bytes: of.memory(Memory::AnonymousAndSwap).at(row),
            threads: of.threads().at(row),
            ..Sample::default()
        };
        of.t_s().iter().enumerate().map(sample).collect()
    }
}

/// The series of these samples.
pub fn series(samples: &[Sample]) -> Series {
    Series::of(samples, &Memory::JUDGED)
}

/// These samples with other memory, as a function of the sample and its bytes.
pub fn with_memory(samples: &[Sample], change: impl Fn(&Sample, u64) -> u64) -> Vec<Sample> {
    let changed = |sample: &Sample| {
        let bytes = |memory: Option<Bytes>| memory.map(|memory| Bytes::new(change(sample, memory.get())));
        Sample { anon_bytes: bytes(sample.anon_bytes), rss_bytes: bytes(sample.rss_bytes), ..*sample }
    };
    samples.iter().map(changed).collect()
}

/// These samples with a leak of so many bytes per frame.
pub fn leaking(samples: &[Sample], bytes_per_frame: f64) -> Vec<Sample> {
    let clock = ProgressClock::of_frames(&series(samples));
    with_memory(samples, |sample, memory| {
        memory + (bytes_per_frame * clock.step_at(sample.t_s).unwrap_or_default()).round() as u64
    })
}

/// These samples up to a frame: as of an export that ended there.
pub fn until(samples: &[Sample], frame: u64) -> Vec<Sample> {
    let is_before = |sample: &&Sample| sample.frames_out.is_none_or(|frames| frames <= Count::new(frame));
    samples.iter().take_while(is_before).copied().collect()
}

fn folder(set: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(set)
}

/// The frames in a cell: a list, or `every:N` for all multiples of N before the last frame.
fn frames_in(cell: &str, last: u64) -> Vec<u64> {
    let number = |text: &str| text.parse().expect("a number of a frame");
    match cell.strip_prefix("every:") {
        Some(every) => (number(every)..last).step_by(number(every) as usize).collect(),
        None => cell.split_whitespace().map(number).collect(),
    }
}

/// The recordings of a set, without those of which the truth is not known.
pub fn recordings(set: &'static str) -> Vec<Recording> {
    let labels =
        csv::Reader::from_path(folder(set).join("labels.csv")).expect("the set is in the repository");
    let rows = labels.into_deserialize().map(|row| row.expect("a row of labels"));
    rows.filter(|row: &Row| !row.expected.is_empty()).map(|row| Recording::read(set, row)).collect()
}
