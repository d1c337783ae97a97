//! What is predicted of an export from its first half, and from its first three quarters, against what it came to.

mod labelled;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use labelled::{Recording, recordings, series, until};
use memreel_judge::judge;
use memreel_judge::prediction::Prediction;
use memreel_judge::shape::{Answer, Form};
use memreel_trace::RunContext;
use memreel_trace::units::Bytes;

/// A prediction, and what the export came to.
struct Case {
    name: String,
    share: f64,
    form: Form,
    prediction: Prediction,
    truth: Bytes,
    /// Whether memory still grew with the work by the end of the whole export.
    goes_on: bool,
}

impl Case {
    /// From a share of a recording; `None` where nothing is predicted from it.
    fn of(recording: &Recording, share: f64) -> Option<Case> {
        let whole = recording.judge();
        let (end, (_, judged)) = whole.end_level.zip(whole.judged)?;
        let samples = until(&recording.samples(), (share * recording.frames() as f64) as u64);
        let last = samples.last()?.frames_out?.get();
        let before = |frames: &[u64]| frames.iter().copied().filter(|&frame| frame < last).collect();
        let context = RunContext {
            cuts: before(&recording.context.cuts),
            first_uses: before(&recording.context.first_uses),
            ..recording.context.clone()
        };
        let shorter = judge(&series(&samples), &context);
        let prediction = Prediction::of(&shorter, judged as u64).ok()?;
        let peak = shorter.peak.as_ref()?;
        let beside = peak.file.map_or(0.0, Bytes::as_f64);
        // What the shorter export reached, the longer one reached as well.
        let truth = Bytes::new((end + beside) as u64).max(peak.bytes);
        let goes_on = whole.grows == Answer::Yes;
        Some(Case { name: recording.name.clone(), share, form: shorter.form?, prediction, truth, goes_on })
    }

    fn holds(&self) -> bool {
        (self.prediction.low..=self.prediction.high).contains(&self.truth)
    }

    fn holds_if_it_goes_on(&self) -> bool {
        (self.prediction.low_if_it_goes_on..=self.prediction.high).contains(&self.truth)
    }

    /// From one end to the other if memory goes on as it did, as a share of the truth.
    fn width(&self) -> f64 {
        let Prediction { low_if_it_goes_on, high, .. } = self.prediction;
        high.saturating_sub(low_if_it_goes_on).as_f64() / self.truth.as_f64()
    }
}

fn cases(set: &'static str) -> Vec<Case> {
    let of = |recording: &Recording| {
        // Several exports in one process end again and again.
        let shares: &[f64] = if recording.context.exports.is_empty() { &[0.5, 0.75] } else { &[] };
        shares.iter().filter_map(|&share| Case::of(recording, share)).collect::<Vec<_>>()
    };
    recordings(set).iter().flat_map(of).collect()
}

static OLD: LazyLock<Vec<Case>> = LazyLock::new(|| cases("traces"));
static LIVE: LazyLock<Vec<Case>> = LazyLock::new(|| cases("live"));
static UNSEEN: LazyLock<Vec<Case>> =
    LazyLock::new(|| ["validation", "validation-2", "validation-3"].into_iter().flat_map(cases).collect());

fn told(case: &Case) -> String {
    let Prediction { low, estimate, high, .. } = case.prediction;
    let kb = |bytes: Bytes| bytes.get() / 1000;
    let (name, share, form) = (&case.name, case.share, case.form);
    let interval = (kb(low), kb(estimate), kb(high));
    format!("{name} from {share} ({form:?}): {interval:?} kB, came to {}", kb(case.truth))
}

/// Asserts that nine in ten cases are right.
#[track_caller]
fn nine_in_ten<'a>(what: &str, cases: impl Iterator<Item = &'a Case>, is_right: fn(&Case) -> bool) {
    let cases: Vec<_> = cases.collect();
    let wrong: Vec<_> = cases.iter().filter(|case| !is_right(case)).map(|case| told(case)).collect();
    let right = cases.len() - wrong.len();
    println!("{what}: {right} of {}", cases.len());
    assert!(10 * right >= 9 * cases.len(), "{what}: {right} of {}\n{}", cases.len(), wrong.join("\n"));
}

#[test]
fn nine_in_ten_exports_come_to_an_end_within_what_was_predicted() {
    let sets: [(&str, &[Case]); 3] = [("traces", &OLD), ("live", &LIVE), ("validation", &UNSEEN)];
    for (set, cases) in sets {
        nine_in_ten(set, cases.iter(), Case::holds);
    }
}

#[test]
fn nine_in_ten_of_each_course_come_to_an_end_within_what_was_predicted() {
    let mut by_form: BTreeMap<Form, Vec<&Case>> = BTreeMap::new();
    OLD.iter().chain(LIVE.iter()).for_each(|case| by_form.entry(case.form).or_default().push(case));
    by_form.retain(|_, cases| cases.len() >= 10);
    assert!(by_form.len() >= 4, "{:?}", by_form.keys());
    for (form, cases) in by_form {
        nine_in_ten(&format!("{form:?}"), cases.into_iter(), Case::holds);
    }
}

#[test]
fn what_goes_on_as_it_did_comes_to_an_end_within_the_narrower_interval() {
    let all = || OLD.iter().chain(LIVE.iter()).chain(UNSEEN.iter());
    let steady = || all().filter(|case| case.form == Form::Steady && case.goes_on);
    nine_in_ten("steady, and going on", steady(), Case::holds_if_it_goes_on);
    let is_narrow = |case: &Case| case.width() < 0.2;
    nine_in_ten("narrow", steady(), is_narrow);
    nine_in_ten("narrow", all().filter(|case| case.form == Form::Plateau), is_narrow);
}

#[test]
fn growth_that_accelerates_is_predicted_to_go_on_doing_so() {
    let accelerating: Vec<_> = LIVE.iter().filter(|case| case.name == "live-02.csv").collect();
    assert_eq!(accelerating.len(), 2);
    let wrong: Vec<_> = accelerating.iter().filter(|case| !case.holds_if_it_goes_on()).collect();
    assert!(wrong.is_empty(), "{}", wrong.iter().map(|case| told(case)).collect::<Vec<_>>().join("\n"));
}
