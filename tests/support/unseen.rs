//! Recordings that no constant of the rules was fitted to, and what may be said of them.

use std::path::{Path, PathBuf};

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
}

/// All of them.
pub fn validation() -> Vec<Unseen> {
    let mut labels = csv::Reader::from_path(folder().join("labels.csv")).unwrap();
    let all: Vec<_> = labels.deserialize().map(Result::unwrap).collect();
    assert!(all.len() >= 40);
    all
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/validation")
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
        let trace = store::open_trace(&folder().join(&self.file), None).unwrap();
        let series = trace.series(&Memory::JUDGED).unwrap();
        let last = series.frames().last().map_or(0, |frames| frames.get());
        let cuts = match self.cuts.split_once("every:") {
            Some((_, every)) => {
                let every: u64 = every.parse().unwrap();
                (1..).map(|cut| cut * every).take_while(|&cut| cut < last).collect()
            }
            None => self.cuts.split_whitespace().map(|cut| cut.parse().unwrap()).collect(),
        };
        judge(&series, &RunContext { cuts, container: Some(self.container.clone()), ..RunContext::default() })
    }
}
