//! How verdicts compare with what people use to tell whether memory grows, on two hundred exports of which the
//! truth is known; and how long a million samples take.
//!
//! `cargo bench --bench verdicts` (`make verdicts`) prints tables in Markdown.

mod increments;
mod labelled;
mod methods;
#[path = "../../judge/tests/simulated/mod.rs"]
mod simulated;

use std::hint::black_box;
use std::time::Instant;

use increments::by_increments;
use labelled::{Label, Labelled, bar, labelled};
use memreel_judge::analysis::ProgressClock;
use memreel_judge::stats;
use memreel_judge::terms::Index;
use memreel_judge::{RunVerdict, Verdict, With, judge, shape};
use memreel_trace::{Memory, Series};
use methods::{
    Answer, against_floor, against_zero, by_eye, by_ranks, first_and_last, least_squares, newey_west,
};
use simulated::{Course, Looked, Simulated};

/// A million samples may take so long.
const MOST_MS: f64 = 50.0;

/// None of these grows with every frame: to say that they do is a false alarm.
const NOT_GROWING: [Label; 5] =
    [Label::Healthy, Label::FilledCache, Label::Sawtooth, Label::Retention, Label::PerSource];

/// A trace as the methods see it.
struct Subject {
    trace: Labelled,
    verdict: RunVerdict,
    /// Frames and anonymous memory, from the first frame to 98 % of the frames.
    levels: Vec<(f64, f64)>,
    /// The same of resident memory.
    resident: Vec<(f64, f64)>,
    frames: f64,
    floor: f64,
}

impl Subject {
    fn of(trace: Labelled) -> Subject {
        let verdict = trace.judge();
        let series = trace.series();
        let clock = ProgressClock::of_frames(&series);
        let frames = clock.last_step().expect("each trace counts its frames");
        let before_end = |memory: Memory| {
            let mut levels = clock.levels(&series, memory);
            levels.retain(|level| level.0 <= 0.98 * frames);
            levels
        };
        let floor = verdict.terms.expect("each trace is judged").floor;
        let (levels, resident) = (before_end(Memory::AnonymousAndSwap), before_end(Memory::Rss));
        Subject { trace, verdict, levels, resident, frames, floor }
    }

    /// From a quarter of the frames on, where the warm-up is over.
    fn warm<'a>(&self, levels: &'a [(f64, f64)]) -> &'a [(f64, f64)] {
        &levels[levels.partition_point(|level| level.0 < 0.25 * self.frames)..]
    }
}

/// A way to tell whether memory grows with every frame.
struct Method {
    name: &'static str,
    answer: fn(&Subject) -> Answer,
}

const METHODS: &[Method] = &[
    Method { name: "memreel", answer: |subject| answer_of(&subject.verdict) },
    Method { name: "block-increment test", answer: block_increments },
    Method {
        name: "least squares, above zero",
        answer: |subject| against_zero(least_squares(subject.warm(&subject.levels))),
    },
    Method {
        name: "least squares, above the floor",
        answer: |subject| against_floor(least_squares(subject.warm(&subject.levels)), subject.floor),
    },
    Method {
        name: "Newey–West, above zero",
        answer: |subject| against_zero(newey_west(subject.warm(&subject.levels))),
    },
    Method {
        name: "Newey–West, above the floor",
        answer: |subject| against_floor(newey_west(subject.warm(&subject.levels)), subject.floor),
    },
    Method {
        name: "Mann–Kendall and Theil–Sen, above zero",
        answer: |subject| by_ranks(subject.warm(&subject.levels), 0.0),
    },
    Method {
        name: "Mann–Kendall and Theil–Sen, above the floor",
        answer: |subject| by_ranks(subject.warm(&subject.levels), subject.floor),
    },
    Method {
        name: "by eye: last third of RSS 10 % above the first",
        answer: |subject| by_eye(&bytes(&subject.resident)),
    },
    Method {
        name: "RSS at 98 % of the frames 1 MiB above that at 25 %",
        answer: |subject| first_and_last(&bytes(subject.warm(&subject.resident))),
    },
];

/// Growth that goes with the cuts is none with every frame.
fn answer_of(verdict: &RunVerdict) -> Answer {
    match verdict.grows {
        shape::Answer::Yes if verdict.with.contains(&With::Frames) => Answer::Grows,
        shape::Answer::Open => Answer::Open,
        _ => Answer::Rests,
    }
}

fn block_increments(subject: &Subject) -> Answer {
    let has_index = subject.verdict.terms.is_some_and(|terms| terms.index == Index::Kept);
    by_increments(&subject.levels, subject.frames, has_index)
}

fn bytes(levels: &[(f64, f64)]) -> Vec<f64> {
    levels.iter().map(|level| level.1).collect()
}

/// Leaks above twice the floor, and those of them that have to be found.
fn is_leak(subject: &Subject) -> bool {
    subject.trace.label == Label::Leak && subject.trace.injected > 2.0 * subject.floor
}

fn is_above_bar(subject: &Subject) -> bool {
    is_leak(subject) && subject.trace.injected > bar(&subject.verdict)
}

fn print_methods(subjects: &[Subject]) {
    let labels = NOT_GROWING.map(Label::word).join(" | ");
    println!("| method | {labels} | leaks found | called at rest | above the bar found | decided |");
    println!("| --- |{}", " ---: |".repeat(NOT_GROWING.len() + 4));
    let of = |is_one: &dyn Fn(&Subject) -> bool| subjects.iter().filter(|&one| is_one(one)).count();
    let totals = NOT_GROWING.map(|label| of(&|one| one.trace.label == label).to_string());
    let (leaks, above) = (of(&is_leak), of(&is_above_bar));
    println!("| *exports* | {} | {leaks} | {leaks} | {above} | {} |", totals.join(" | "), subjects.len());
    for method in METHODS {
        println!("| {} | {} |", method.name, counts(method, subjects).join(" | "));
    }
}

/// False alarms label by label, leaks found, called at rest, above the bar found; and what is decided.
fn counts(method: &Method, subjects: &[Subject]) -> Vec<String> {
    let answers: Vec<_> = subjects.iter().map(|subject| (subject, (method.answer)(subject))).collect();
    let of = |is_one: &dyn Fn(&Subject) -> bool, answer: Answer| {
        answers.iter().filter(|(subject, said)| is_one(subject) && *said == answer).count()
    };
    let alarms = NOT_GROWING.map(|label| of(&|one| one.trace.label == label, Answer::Grows));
    let open = of(&|_| true, Answer::Open);
    let found = [of(&is_leak, Answer::Grows), of(&is_leak, Answer::Rests), of(&is_above_bar, Answer::Grows)];
    let all = alarms.into_iter().chain(found).chain([subjects.len() - open]);
    all.map(|count| count.to_string()).collect()
}

/// What a verdict says, in a column of the table.
const SAID: [&str; 4] = ["GROWS with frames", "GROWS at cuts", "LEVEL", "INCONCLUSIVE"];

fn said(verdict: &RunVerdict) -> &'static str {
    match (verdict.verdict(), verdict.with.contains(&With::Frames)) {
        (Verdict::Grows | Verdict::Leak, true) => SAID[0],
        (Verdict::Grows | Verdict::Leak, false) => SAID[1],
        (Verdict::Level, _) => SAID[2],
        (Verdict::Inconclusive, _) => SAID[3],
    }
}

fn print_verdicts(subjects: &[Subject]) {
    println!("| label | {} |", SAID.join(" | "));
    println!("| --- |{}", " ---: |".repeat(SAID.len()));
    for label in Label::ALL {
        let count = |word: &str| {
            let is_one = |one: &&Subject| one.trace.label == label && said(&one.verdict) == word;
            subjects.iter().filter(is_one).count().to_string()
        };
        println!("| {} | {} |", label.word(), SAID.map(count).join(" | "));
    }
}

/// Milliseconds that a million samples take, the median of nine.
fn million_ms() -> f64 {
    let export = Simulated { course: Course::Ratchet { jumps: 8.0 }, frames: 400_000, seed: 1 };
    let samples = export.samples(Looked { hz: 1000.0, ..Looked::default() });
    let (series, context) = (Series::of(&samples[..1_000_000], &Memory::JUDGED), export.context());
    let round = |_| {
        let began = Instant::now();
        black_box(judge(black_box(&series), &context));
        began.elapsed().as_secs_f64() * 1e3
    };
    stats::median(&(0..9).map(round).collect::<Vec<_>>()).expect("nine rounds")
}

fn main() {
    let subjects: Vec<_> = labelled().into_iter().map(Subject::of).collect();
    println!("Exports called growing that are not, and leaks:\n");
    print_methods(&subjects);
    println!("\nVerdicts of memreel:\n");
    print_verdicts(&subjects);
    let took = million_ms();
    println!("\nA million samples are judged in {took:.1} ms (median of 9).");
    assert!(took <= MOST_MS, "a million samples may take {MOST_MS} ms");
}
