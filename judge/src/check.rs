//! A gate: whether exports keep to their budgets, and to a baseline, with an error rate for the whole check.
//!
//! **Two questions** are asked of each figure of each variant: is it within its limit, and is it no worse than
//! the baseline by more than is tolerated? And of all jobs of an engine together: does memory grow?
//!
//! **A regression is an effect and evidence.** Both are those of every comparison ([`crate::compare`]): the estimate,
//! its standard error and its 95 % interval. Here is only what is decided on them. A figure passes when it is no worse than
//! is tolerated with 95 % certainty, one-sided, fails when it surely is, and is open in between. To ask for the upper end
//! of the 95 % interval, which is 97.5 % certain, left 26 to 40 % of unchanged figures open in place of 21 to 34.
//!
//! **The error rate is that of the check**, not of each question: where nothing has changed, no more than one
//! check in a hundred may fail. So with m questions each is sure at 1 − 0.01/m, one-sided (Bonferroni's
//! inequality; Dunn, "Multiple comparisons among means", Journal of the American Statistical Association 56,
//! 1961), which holds however the questions depend on each other.
//!
//! **Time is no property of a build alone.** The same exports took three times as long, and a tenth more CPU time, beside
//! other work on the same machine: so against a baseline of another session time that is worse is a warning, and it is
//! judged where both sides are measured together, in turns.
//!
//! **Repeats are decided beforehand.** All that there are of a side are taken, once. To run again until it passes
//! is to have another error rate, and nothing here knows of it.

mod difference;
mod limit;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Serialize;

use crate::budget::{Budget, Figure, Figures, Scale};
use crate::compare;
use crate::run::With;
use crate::shape::Answer;

/// How often a whole check may fail although nothing has changed.
pub const ERROR_RATE: f64 = 0.01;
/// How sure it must be that a figure is within what is tolerated to pass.
pub const PASS_CONFIDENCE: f64 = 0.95;
/// In how many of checks the least effect that is stated would be found.
pub const POWER: f64 = 0.95;

/// A variant that is checked.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedVariant {
    /// What tells it from the others.
    pub name: String,
    /// What each of its repeats that finished measured.
    pub runs: Vec<Figures>,
    /// Repeats that were planned and that there is nothing of: not run, or lost.
    pub missing: usize,
    /// What it may take.
    pub budgets: Vec<(Figure, Budget)>,
    /// What it is compared with.
    pub against: Against,
}

/// What a variant is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Against {
    /// No baseline was given.
    Nothing,
    /// Repeats of it that were measured at another time.
    Runs(Vec<Figures>),
    /// Repeats of something else that were measured together with it, in turns: what a machine does meanwhile it does
    /// to both.
    Together(Vec<Figures>),
    /// A baseline in which something else was measured.
    Changed(Changed),
}

/// What is in a baseline, and not what was measured now.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// What differs, in words without a full stop.
    pub why: String,
    /// Repeats of the nearest that there is, which are shown and not judged; empty where nothing is near.
    pub before: Vec<Figures>,
    /// The names by which the user accepts it.
    pub names: Vec<String>,
    /// Whether the user knows and accepts it.
    pub accepted: bool,
}

/// A variant of the baseline that was not measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Lost {
    /// Its name in the baseline.
    pub name: String,
    /// The name by which the user accepts that.
    pub accepted_by: &'static str,
    /// Whether the user knows and accepts it.
    pub accepted: bool,
}

/// Jobs that belong together, and what they show.
#[derive(Debug, Clone, PartialEq)]
pub struct Grown {
    /// What tells them from others.
    pub name: String,
    /// Whether memory grows.
    pub grows: Answer,
    /// With what.
    pub with: Vec<With>,
    /// Whether what stands in `with` could not be told apart.
    pub unparted: bool,
    /// The same in words, without a full stop, as all words of an item.
    pub words: String,
    /// Whether it is to pass whatever it shows.
    pub allowed: bool,
}

/// What is asked of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Whether memory grows.
    Finding,
    /// Whether a figure is within its limit.
    Limit(Figure),
    /// Whether a figure is no worse than the baseline.
    Change(Figure),
    /// Whether there is a baseline to compare with.
    Baseline,
    /// Whether all repeats are there.
    Repeats,
}

/// The answer to a question of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// As required.
    Passed,
    /// Not as required, with certainty.
    Failed,
    /// The data do not decide.
    Open,
    /// There is nothing comparable to compare with.
    NotComparable,
    /// The figure is shown, and was not judged.
    #[serde(rename = "not-judged")]
    Shown,
}

/// What the answer rests on.
#[derive(Debug, Clone, PartialEq)]
pub enum Evidence {
    /// What the jobs show, in words.
    Words(String),
    /// A figure that was not measured: why it has to be open.
    NotMeasured,
    /// A figure against its limit.
    Limit(LimitEvidence),
    /// A figure against its baseline.
    Change(ChangeEvidence),
}

/// A figure against its limit; all in the figure's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitEvidence {
    /// The limit.
    pub limit: f64,
    /// What a typical repeat measured.
    pub value: f64,
    /// The end of its interval that is nearer to the limit's good side, with the error rate of the whole check.
    pub surely: f64,
    /// How far it may be at worst, with 95 % certainty.
    pub at_worst: f64,
    /// Repeats that measured it.
    pub repeats: usize,
    /// How many of them were beyond the limit.
    pub beyond: usize,
}

/// A figure against its baseline. Effects are how much worse it is: of memory and counts in the figure's unit, of
/// CPU time and speed as a share of the baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangeEvidence {
    /// What a typical repeat of the baseline measured, in the figure's unit.
    pub baseline: f64,
    /// The same now.
    pub now: f64,
    /// How much worse it is.
    pub effect: f64,
    /// The ends of its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// How much worse it is at least, with the error rate of the whole check.
    pub at_least: Option<f64>,
    /// How much worse is tolerated.
    pub tolerated: f64,
    /// The least effect that this check would have found in 19 of 20, by the baseline's own spread.
    pub least_effect: Option<f64>,
    /// Repeats of the baseline and now.
    pub repeats: (usize, usize),
    /// Repeats on each side that would settle it, if it is open and they can.
    pub needs: Option<usize>,
}

/// A question and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckItem {
    /// The variant, or the jobs that belong together.
    pub subject: String,
    /// What is asked.
    pub asked: Asked,
    /// The answer.
    pub state: State,
    /// Whether a failure is a warning only.
    pub soft: bool,
    /// Whether nobody asked, so that it is no news when it cannot be told: growth that no budget names.
    pub unasked: bool,
    /// What the answer rests on.
    pub evidence: Evidence,
}

/// All questions and answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// In the order in which variants were given.
    pub items: Vec<CheckItem>,
    /// Questions that share the error rate.
    pub questions: usize,
    /// Whether something that the baseline guards was not compared, and nobody accepted that.
    pub is_unguarded: bool,
    /// The names by which the user would accept all differences that nobody accepted, each once.
    pub to_accept: Vec<String>,
}

/// The conclusion of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// Nothing failed, and nothing is inconclusive.
    Passed,
    /// Something failed that is not only a warning.
    Failed,
    /// Nothing failed, and something that the baseline guards was not compared with it.
    NotCompared,
    /// Nothing failed, and something is inconclusive.
    #[serde(rename = "inconclusive")]
    Open,
}

impl CheckItem {
    /// Whether it fails the check.
    pub fn fails(&self) -> bool {
        self.state == State::Failed && !self.soft
    }

    /// Whether it leaves the check open.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open | State::NotComparable) && !self.soft && !self.unasked
    }

    /// Whether it is worth a warning: a soft failure, what is open, or a change that is accepted.
    pub fn warns(&self) -> bool {
        let untold = matches!(self.state, State::Open | State::NotComparable) && !self.unasked;
        // That a change is accepted stays to be seen.
        let accepted = self.asked == Asked::Baseline && self.state == State::Shown;
        !self.fails() && (self.state == State::Failed || untold || accepted)
    }
}

impl Check {
    /// What it comes to.
    pub fn conclusion(&self) -> Conclusion {
        match () {
            () if self.items.iter().any(CheckItem::fails) => Conclusion::Failed,
            () if self.is_unguarded => Conclusion::NotCompared,
            () if self.items.iter().any(CheckItem::is_open) => Conclusion::Open,
            () => Conclusion::Passed,
        }
    }
}

/// A question that has not been answered yet.
struct Question<'a> {
    subject: &'a CheckedVariant,
    asked: Asked,
    budget: Budget,
    judged: bool,
    /// Whether it is worth a warning that it is open.
    asked_for: bool,
}

/// Asks everything; `lost` is what only the baseline has.
pub fn check(subjects: &[CheckedVariant], grown: &[Grown], lost: &[Lost]) -> Check {
    let questions: Vec<_> = subjects.iter().flat_map(questions).collect();
    let judged = questions.iter().filter(|question| question.judged).count();
    let confidence = 1.0 - ERROR_RATE / judged.max(1) as f64;
    let answers = questions.iter().map(|question| question.answer(confidence));
    let baselines = subjects.iter().filter_map(changed).chain(without_baseline(subjects));
    let baselines = baselines.chain(lost.iter().map(was_not_measured));
    let before = subjects.iter().flat_map(shown_beside);
    let missing = subjects.iter().filter_map(missing);
    let items =
        grown.iter().map(finding).chain(missing).chain(baselines).chain(before).chain(answers).collect();
    let is_unguarded = is_unguarded(subjects, lost);
    Check { items, questions: judged, is_unguarded, to_accept: to_accept(subjects, lost) }
}

fn to_accept(subjects: &[CheckedVariant], lost: &[Lost]) -> Vec<String> {
    let changes = subjects.iter().filter_map(|subject| match &subject.against {
        Against::Changed(changed) if !changed.accepted => Some(changed.names.iter().cloned()),
        _ => None,
    });
    let lost = lost.iter().filter(|lost| !lost.accepted).map(|lost| lost.accepted_by.to_string());
    let mut names: Vec<String> = changes.flatten().chain(lost).collect();
    names.sort();
    names.dedup();
    names
}

/// Whether less is compared than the baseline has: one of its variants was measured otherwise or not at all, or none
/// could be compared.
fn is_unguarded(subjects: &[CheckedVariant], lost: &[Lost]) -> bool {
    let is_compared =
        |subject: &CheckedVariant| matches!(subject.against, Against::Runs(_) | Against::Together(_));
    let changes: Vec<&Changed> = subjects
        .iter()
        .filter_map(|subject| match &subject.against {
            Against::Changed(changed) => Some(changed),
            _ => None,
        })
        .collect();
    let nothing = !changes.is_empty() && !subjects.iter().any(is_compared);
    lost.iter().any(|lost| !lost.accepted)
        || changes.iter().any(|changed| !changed.accepted && (nothing || !changed.before.is_empty()))
}

fn finding(grown: &Grown) -> CheckItem {
    // What goes with new sources alone may be meant: a cache of open producers. A budget says how much may.
    let may_be_meant =
        grown.with == [With::Sources] || grown.unparted && grown.with == [With::Sources, With::Cuts];
    let state = match grown.grows {
        Answer::Yes if !grown.allowed && !may_be_meant => State::Failed,
        Answer::Open if !grown.allowed => State::Open,
        _ => State::Passed,
    };
    let evidence = Evidence::Words(grown.words.clone());
    CheckItem {
        subject: grown.name.clone(),
        asked: Asked::Finding,
        state,
        soft: false,
        unasked: false,
        evidence,
    }
}

fn changed(subject: &CheckedVariant) -> Option<CheckItem> {
    let Against::Changed(changed) = &subject.against else { return None };
    let evidence = Evidence::Words(changed.why.clone());
    let (asked, state) = (Asked::Baseline, unlike(changed.accepted));
    Some(CheckItem { subject: subject.name.clone(), asked, state, soft: false, unasked: false, evidence })
}

/// The state of a figure that is not compared. If the user accepts the change, the figure is only shown.
fn unlike(accepted: bool) -> State {
    if accepted { State::Shown } else { State::NotComparable }
}

fn was_not_measured(lost: &Lost) -> CheckItem {
    let evidence = Evidence::Words("it is in the baseline and was not measured".into());
    let (asked, state) = (Asked::Baseline, unlike(lost.accepted));
    CheckItem { subject: lost.name.clone(), asked, state, soft: false, unasked: false, evidence }
}

/// The figures of the nearest that the baseline has, beside those of now.
fn shown_beside(subject: &CheckedVariant) -> Vec<CheckItem> {
    let Against::Changed(changed) = &subject.against else { return Vec::new() };
    let both = |figure: &Figure| {
        [changed.before.as_slice(), &subject.runs]
            .iter()
            .all(|runs| runs.iter().any(|run| run.get(*figure).is_some()))
    };
    let item = |figure: Figure| {
        let alike = compare::alike(figure, [&changed.before, &subject.runs]);
        let (_, evidence) = difference::answer(figure, &alike, None, PASS_CONFIDENCE);
        CheckItem {
            subject: subject.name.clone(),
            asked: Asked::Change(figure),
            state: unlike(changed.accepted),
            soft: false,
            // The line that says why is enough of a warning.
            unasked: true,
            evidence,
        }
    };
    Figure::ALL.into_iter().filter(both).map(item).collect()
}

/// A baseline that was forgotten is no pass.
fn without_baseline(subjects: &[CheckedVariant]) -> Option<CheckItem> {
    let tolerates =
        |subject: &&CheckedVariant| subject.budgets.iter().any(|(_, budget)| budget.slack.is_some());
    let all = subjects.iter().all(|subject| subject.against == Against::Nothing);
    let first = subjects.iter().find(tolerates).filter(|_| all)?;
    let words = "no baseline was given, and a budget has a tolerance against one";
    let evidence = Evidence::Words(words.into());
    let (asked, state) = (Asked::Baseline, State::NotComparable);
    Some(CheckItem { subject: first.name.clone(), asked, state, soft: false, unasked: false, evidence })
}

fn missing(subject: &CheckedVariant) -> Option<CheckItem> {
    let missing = subject.missing;
    let words = match missing {
        1 => "1 repeat is missing: not run, or lost".to_string(),
        _ => format!("{missing} repeats are missing: not run, or lost"),
    };
    let (asked, state) = (Asked::Repeats, State::Open);
    let evidence = Evidence::Words(words);
    (missing > 0).then(|| CheckItem {
        subject: subject.name.clone(),
        asked,
        state,
        soft: false,
        unasked: false,
        evidence,
    })
}

/// What is asked of a variant: every limit, and of every figure that both sides measured how it changed.
fn questions(subject: &CheckedVariant) -> Vec<Question<'_>> {
    let budget = |figure: Figure| subject.budgets.iter().find(|(one, _)| *one == figure).map(|(_, b)| *b);
    let limits = subject.budgets.iter().filter(|(_, budget)| budget.limit.is_some());
    let limits = limits.map(|&(figure, budget)| {
        let asked = Asked::Limit(figure);
        Question { subject, asked, budget, judged: true, asked_for: true }
    });
    let changes = Figure::ALL.into_iter().filter(|&figure| subject.is_comparable(figure));
    let changes = changes.map(|figure| {
        let together = matches!(subject.against, Against::Together(_));
        let is_time = figure.scale() == Scale::Ratio;
        let budget = budget(figure).unwrap_or_default();
        let (named, soft) = (budget.slack.is_some(), budget.soft.or((is_time && !together).then_some(true)));
        // Time is not judged unasked but where both sides were measured together: the same exports took three times
        // as long beside other work.
        let judged = named || if is_time { together } else { figure != Figure::Threads };
        let asked_for = named || repeats_well(figure);
        Question {
            subject,
            asked: Asked::Change(figure),
            budget: Budget { soft, ..budget },
            judged,
            asked_for,
        }
    });
    limits.chain(changes).collect()
}

/// Whether it is worth a warning that a figure is open although no budget names it.
fn repeats_well(figure: Figure) -> bool {
    matches!(figure, Figure::Peak | Figure::Level)
}

impl CheckedVariant {
    /// The repeats that it is compared with.
    fn before(&self) -> &[Figures] {
        match &self.against {
            Against::Runs(runs) | Against::Together(runs) => runs,
            Against::Nothing | Against::Changed(_) => &[],
        }
    }

    /// Whether there is something to compare, or should be.
    fn is_comparable(&self, figure: Figure) -> bool {
        let is_measured = |runs: &[Figures]| runs.iter().any(|run| run.get(figure).is_some());
        let expected =
            matches!(self.against, Against::Runs(_) | Against::Together(_)) && repeats_well(figure);
        is_measured(&self.runs) && (expected || is_measured(self.before()))
    }
}

impl Question<'_> {
    fn answer(&self, confidence: f64) -> CheckItem {
        let (runs, before) = (self.subject.runs.as_slice(), self.subject.before());
        let (state, evidence) = match self.asked {
            Asked::Limit(figure) => {
                let [alike] = compare::alike(figure, [runs]);
                let all = runs.iter().filter(|run| run.get(figure).is_some()).count();
                match alike.len() == all {
                    true => limit::answer(figure, &alike, self.budget, confidence),
                    false => not_alike(figure),
                }
            }
            Asked::Change(figure) => {
                let alike = compare::alike(figure, [before, runs]);
                let measured = before.iter().any(|run| run.get(figure).is_some());
                match alike[0].is_empty() && measured {
                    true => not_alike(figure),
                    false => difference::answer(figure, &alike, self.budget.slack, confidence),
                }
            }
            Asked::Finding | Asked::Baseline | Asked::Repeats => {
                unreachable!("they are no questions about figures")
            }
        };
        CheckItem {
            subject: self.subject.name.clone(),
            asked: self.asked,
            state: if self.judged { state } else { State::Shown },
            soft: self.budget.soft.unwrap_or(false),
            unasked: !self.asked_for,
            evidence,
        }
    }
}

/// Where some repeats tell a figure of all frames and some of those between cuts.
fn not_alike(figure: Figure) -> (State, Evidence) {
    let words = format!("{figure} is between cuts in some repeats and over all frames in others");
    (State::NotComparable, Evidence::Words(words))
}
