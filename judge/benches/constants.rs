//! Which constants the verdicts hang on: `cargo bench -p memreel-judge --bench constants`.
//!
//! Each constant is halved and doubled, and all labelled recordings are judged again, as they are and without their
//! cuts, and cut to a half and three quarters. A constant of which neither changes a verdict is one that the recordings
//! do not need; its comment must say why it is there all the same.

#[path = "../tests/labelled/mod.rs"]
mod labelled;

use labelled::{Recording, SETS, Word, recordings, series, until};
use memreel_judge::constants::Constants;
use memreel_judge::shape::Answer;
use memreel_judge::{With, judge_with};
use memreel_trace::{RunContext, Series};

/// One recording, looked at in one way.
struct Subject {
    recording: Recording,
    series: Series,
    context: RunContext,
    /// Whether it is as it was recorded, so that what is expected of it is known.
    is_whole: bool,
}

/// What is said of a subject, and the limit.
type Said = (Word, f64);

impl Subject {
    /// The ways in which a recording is looked at.
    fn of(recording: Recording) -> Vec<Subject> {
        let context = recording.context.clone();
        let without_cuts = RunContext { cuts: Vec::new(), first_uses: Vec::new(), ..context.clone() };
        let part =
            |share: f64| series(&until(&recording.samples(), (share * recording.frames() as f64) as u64));
        let mut looks = vec![
            (recording.series.clone(), context.clone(), true),
            (part(0.5), context.clone(), false),
            (part(0.75), context.clone(), false),
        ];
        if !context.cuts.is_empty() {
            looks.push((recording.series.clone(), without_cuts, false));
        }
        let subject =
            |(series, context, is_whole)| Subject { recording: recording.clone(), series, context, is_whole };
        looks.into_iter().map(subject).collect()
    }

    fn judge(&self, k: &Constants) -> Said {
        let verdict = judge_with(&self.series, &self.context, k);
        (Word::of(&verdict), verdict.not_stable_above.unwrap_or_default())
    }
}

/// Counts of what is right and wrong on the recordings as they are.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Score {
    false_alarms: usize,
    denied: usize,
    found: usize,
    decided: usize,
    expected: usize,
}

fn score(subjects: &[Subject], said: &[Said]) -> Score {
    let whole = || subjects.iter().zip(said).filter(|(subject, _)| subject.is_whole);
    let count = |is_one: &dyn Fn(&Recording, &Said) -> bool| {
        whole().filter(|(subject, said)| is_one(&subject.recording, said)).count()
    };
    Score {
        false_alarms: count(&|of, (word, _)| of.is_healthy() && word.with.contains(&With::Frames)),
        denied: count(&|of, (word, limit)| of.is_leak() && word.answer == Answer::No && of.kept > *limit),
        found: count(&|of, (word, _)| of.is_leak() && word.answer == Answer::Yes),
        decided: count(&|of, (word, _)| of.is_healthy() && word.answer != Answer::Open),
        expected: count(&|of, (word, _)| *word == of.expected),
    }
}

/// How many verdicts a constant changes at so many times its value, and the bars that it breaks.
struct Change {
    words: usize,
    limits: usize,
    broken: Vec<String>,
}

fn change(subjects: &[Subject], usual: &[Said], name: &str, times: f64) -> Change {
    let mut k = Constants::USUAL;
    *k.get_mut(name).expect("it is in the table") *= times;
    let said: Vec<Said> = subjects.iter().map(|subject| subject.judge(&k)).collect();
    let differ = |is_other: fn(&Said, &Said) -> bool| {
        usual.iter().zip(&said).filter(|(usual, said)| is_other(usual, said)).count()
    };
    let (before, after) = (score(subjects, usual), score(subjects, &said));
    let more = [
        ("false alarms", before.false_alarms, after.false_alarms),
        ("leaks denied", before.denied, after.denied),
    ];
    let less = [
        ("leaks found", before.found, after.found),
        ("healthy decided", before.decided, after.decided),
        ("as expected", before.expected, after.expected),
    ];
    let more = more.into_iter().filter(|(_, before, after)| after > before);
    let less = less.into_iter().filter(|(_, before, after)| after < before);
    Change {
        words: differ(|usual, said| usual.0 != said.0),
        limits: differ(|usual, said| usual.1 != said.1),
        broken: more.chain(less).map(|(what, before, after)| format!("{what} {before} → {after}")).collect(),
    }
}

fn main() {
    let subjects: Vec<Subject> = SETS.into_iter().flat_map(recordings).flat_map(Subject::of).collect();
    let usual: Vec<Said> = subjects.iter().map(|subject| subject.judge(&Constants::USUAL)).collect();
    println!("{} recordings and parts of them; {:?}\n", subjects.len(), score(&subjects, &usual));
    println!(
        "| constant | value | verdicts at half | at double | limits at half | at double | broken at half | at double |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |");
    let mut survivors = Vec::new();
    for name in Constants::NAMES {
        let value = *Constants::USUAL.clone().get_mut(name).expect("it is in the table");
        let [half, double] = [0.5, 2.0].map(|times| change(&subjects, &usual, name, times));
        println!(
            "| {name} | {value} | {} | {} | {} | {} | {} | {} |",
            half.words,
            double.words,
            half.limits,
            double.limits,
            half.broken.join(", "),
            double.broken.join(", "),
        );
        if half.words + double.words == 0 {
            survivors.push(*name);
        }
    }
    println!("\nNo verdict hangs on: {}.", survivors.join(", "));
}
