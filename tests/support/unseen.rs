//! Recordings that no constant of the rules was fitted to, and what may be said of them.

use std::path::Path;

use memreel::store;
use memreel::trace::{Memory, RunContext};
use memreel::verdict::{RunVerdict, judge};
use serde::Deserialize;

/// A row of `labels.csv`.
#[derive(Debug, Deserialize)]
pub struct Unseen {
    file: String,
    container: String,
    cuts: String,
    label: String,
    injected_bytes_per_frame: f64,
    acceptable: String,
    /// Frames at which a source is used first; the first set has no such column.
    #[serde(default)]
    first_uses: String,
    /// The folder below `tests/data`.
    #[serde(skip)]
    set: &'static str,
}

/// All of the first set.
pub fn validation() -> Vec<Unseen> {
    recordings("validation", 40)
}

/// All of the second.
pub fn second_validation() -> Vec<Unseen> {
    recordings("validation-2", 39)
}

/// All of the third.
pub fn third_validation() -> Vec<Unseen> {
    recordings("validation-3", 24)
}

fn recordings(set: &'static str, count: usize) -> Vec<Unseen> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(set);
    let mut labels = csv::Reader::from_path(path.join("labels.csv")).unwrap();
    let all: Vec<_> = labels.deserialize().map(|row| Unseen { set, ..row.unwrap() }).collect();
    assert_eq!(all.len(), count);
    all
}

impl Unseen {
    /// What is said of it, where that may not be said; a leak below what would have been seen may be called
    /// anything.
    pub fn wrong(&self) -> Option<String> {
        let verdict = self.judged();
        let word = verdict.verdict.word();
        let below = self.injected_bytes_per_frame > 0.0
            && verdict.not_stable_above.is_some_and(|limit| self.injected_bytes_per_frame <= limit);
        let right = self.acceptable.split_whitespace().any(|acceptable| acceptable == word);
        (!right && !below).then(|| {
            let (rule, limit) = (verdict.rule.word(), verdict.not_stable_above);
            format!("{} ({}): {word} by {rule}, limit {limit:?}, {:?}", self.file, self.label, verdict.blocks)
        })
    }

    fn judged(&self) -> RunVerdict {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(self.set);
        let trace = store::open_trace(&path.join(&self.file), None).unwrap();
        let series = trace.series(&Memory::JUDGED).unwrap();
        let last = series.frames().last().map_or(0, |frames| frames.get());
        let cuts = match self.cuts.split_once("every:") {
            Some((_, every)) => {
                let every: u64 = every.parse().unwrap();
                (1..).map(|cut| cut * every).take_while(|&cut| cut < last).collect()
            }
            None => frames_in(&self.cuts),
        };
        let (first_uses, container) = (frames_in(&self.first_uses), Some(self.container.clone()));
        judge(&series, &RunContext { cuts, first_uses, container, ..RunContext::default() })
    }
}

/// The frames in a cell.
fn frames_in(cell: &str) -> Vec<u64> {
    cell.split_whitespace().map(|frame| frame.parse().unwrap()).collect()
}
