//! Checks of results that are alike: repeats drawn from real exports of one build on one machine, so that whatever a
//! check says has changed is a false alarm, and what is put in is known.

use std::fs;
use std::path::{Path, PathBuf};

use memreel::baseline::{Baseline, BaselineEntry};
use memreel_judge::budget::{Budget, Figure, Figures, Slack};
use memreel_judge::check::{self, Against, Check, CheckedVariant, Evidence};

pub use memreel_judge::stats::random::Random;

/// The runs of one variant in each session: exports that were made in one go, hours or days from those of another.
pub struct Cell {
    pub variant: String,
    pub sessions: Vec<Vec<Figures>>,
}

/// From which sessions the two sides of a check are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sides {
    /// Both from one: nothing has changed but chance.
    OneSession,
    /// From two: what changes on a machine from hour to hour comes to it.
    TwoSessions,
}

/// The stored runs, a cell a variant.
pub fn cells() -> Vec<Cell> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gate");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the stored runs")
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "baseline"))
        .collect();
    files.sort();
    let mut cells: Vec<Cell> = Vec::new();
    for file in files {
        let baseline = Baseline::parse(&fs::read_to_string(&file).unwrap()).unwrap();
        for BaselineEntry { key, runs, .. } in baseline.entries() {
            match cells.iter_mut().find(|cell| cell.variant == key.variant) {
                Some(cell) => cell.sessions.push(runs.clone()),
                None => cells.push(Cell { variant: key.variant.clone(), sessions: vec![runs.clone()] }),
            }
        }
    }
    cells
}

/// How many stored runs there are.
pub fn runs(cells: &[Cell]) -> usize {
    cells.iter().flat_map(|cell| &cell.sessions).map(Vec::len).sum()
}

/// Draws whole runs with replacement (Efron's bootstrap), so that figures of one run stay together.
fn draw(runs: &[Figures], repeats: usize, random: &mut Random) -> Vec<Figures> {
    (0..repeats).map(|_| runs[below(runs.len(), random)]).collect()
}

fn below(count: usize, random: &mut Random) -> usize {
    ((random.even() * count as f64) as usize).min(count - 1)
}

/// The variants of one check, with so many repeats on each side.
pub fn subjects(cells: &[Cell], sides: Sides, repeats: usize, random: &mut Random) -> Vec<CheckedVariant> {
    let sessions = cells.iter().map(|cell| cell.sessions.len()).min().unwrap_or(0);
    let before = below(sessions, random);
    let now = match sides {
        Sides::OneSession => before,
        Sides::TwoSessions => (before + 1 + below(sessions - 1, random)) % sessions,
    };
    let mut subject = |cell: &Cell| {
        let drawn = draw(&cell.sessions[before], repeats, random);
        let against = match sides {
            Sides::OneSession => Against::Together(drawn),
            Sides::TwoSessions => Against::Runs(drawn),
        };
        let runs = draw(&cell.sessions[now], repeats, random);
        CheckedVariant { name: cell.variant.clone(), against, runs, missing: 0, budgets: every_budget() }
    };
    cells.iter().map(&mut subject).collect()
}

/// All figures are judged, those of time and the threads as well.
fn every_budget() -> Vec<(Figure, Budget)> {
    let judged = |share, amount| Budget { slack: Some(Slack { share, amount }), ..Budget::default() };
    vec![
        (Figure::CpuPerFrame, judged(0.1, 0.0)),
        (Figure::FramesPerSecond, judged(0.1, 0.0)),
        (Figure::Threads, judged(0.0, 0.5)),
    ]
}

/// A check of these.
pub fn check(subjects: &[CheckedVariant]) -> Check {
    check::check(subjects, &[], &[])
}

/// Whether a check fails, whatever for.
pub fn fails(check: &Check) -> bool {
    check.items.iter().any(|item| item.fails())
}

/// Whether a check fails for this figure of this variant.
pub fn finds(check: &Check, variant: &str, figure: Figure) -> bool {
    let asked = check::Asked::Change(figure);
    check.items.iter().any(|item| item.subject == variant && item.asked == asked && item.fails())
}

/// The least effect on a figure of a variant that a check says it could have found.
pub fn least_effect(check: &Check, variant: &str, figure: Figure) -> Option<f64> {
    let asked = check::Asked::Change(figure);
    let item = check.items.iter().find(|item| item.subject == variant && item.asked == asked)?;
    match item.evidence {
        Evidence::Change(change) => change.least_effect,
        _ => None,
    }
}

/// Puts so much more of a figure into each run of a variant as it is now.
pub fn put_in(subjects: &mut [CheckedVariant], variant: &str, figure: Figure, more: f64) {
    let subject =
        subjects.iter_mut().find(|subject| subject.name == variant).expect("a variant of the cells");
    for run in &mut subject.runs {
        *run = run.with(figure, run.get(figure).map(|number| number + more));
    }
}
