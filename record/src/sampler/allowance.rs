//! How often something dear may be done: its own measured cost decides.

use std::time::Duration;

use super::clock::Instant;

/// What may be spent on something: a share of the time that passes.
///
/// Costs are added up and never forgotten, so that over any run the share holds; a run too short to
/// have earned anything has the first allowance.
#[derive(Debug)]
pub struct Allowance {
    terms: AllowanceTerms,
    began: Instant,
    spent: Duration,
    last: Option<Instant>,
}

/// The terms of an allowance.
#[derive(Debug, Clone, Copy)]
pub struct AllowanceTerms {
    /// The share of wall time (0.001: a thousandth).
    pub share: f64,
    /// What may be spent at once.
    pub first: Duration,
    /// Never more often than this, however cheap.
    pub at_most_every: Duration,
    /// However dear, when so large a share of the run has passed since the last time: so what is seen last
    /// is never far from the end. Over a run of any length that is seldom: with a quarter, four times for
    /// each factor e in its length.
    pub at_least_each: Option<f64>,
}

impl Allowance {
    pub fn new(terms: AllowanceTerms, began: Instant) -> Allowance {
        Allowance { terms, began, spent: Duration::ZERO, last: None }
    }

    /// Whether something that is expected to cost so much may be done now.
    pub fn allows(&self, now: Instant, expected: Duration) -> bool {
        let overdue = self.terms.at_least_each.is_some_and(|share| self.is_overdue(now, share));
        let earned = self.terms.first + now.since(self.began).mul_f64(self.terms.share);
        self.has_rested(now) && (overdue || self.spent + expected <= earned)
    }

    /// Whether the last time is as long ago as it has to be.
    pub fn has_rested(&self, now: Instant) -> bool {
        self.last.is_none_or(|last| now.since(last) >= self.terms.at_most_every)
    }

    /// Whether so large a share of the run has passed since the last time.
    pub fn is_overdue(&self, now: Instant, share: f64) -> bool {
        let run = now.since(self.began);
        self.last.map_or(run, |last| now.since(last)) >= run.mul_f64(share)
    }

    /// Notes that it was done at `now` and what it cost.
    pub fn spend(&mut self, now: Instant, cost: Duration) {
        self.spent += cost;
        self.last = Some(now);
    }

    /// What was spent in all.
    pub fn spent(&self) -> Duration {
        self.spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn budget(first: Duration) -> (Allowance, Instant) {
        let began = Instant::now();
        let terms = AllowanceTerms { share: 0.001, first, at_most_every: 50 * MS, at_least_each: None };
        (Allowance::new(terms, began), began)
    }

    #[test]
    fn what_costs_three_milliseconds_is_done_every_three_seconds_at_a_thousandth() {
        let (mut budget, began) = budget(3 * MS);
        assert!(budget.allows(began, 3 * MS));
        budget.spend(began, 3 * MS);
        assert!(!budget.allows(began.after(2_900 * MS), 3 * MS));
        assert!(budget.allows(began.after(3_001 * MS), 3 * MS));
    }

    #[test]
    fn what_is_expected_to_cost_more_than_was_earned_waits_even_the_first_time() {
        let (budget, began) = budget(MS);
        assert!(!budget.allows(began, 2 * MS));
        assert!(budget.allows(began.after(1_001 * MS), 2 * MS));
    }

    #[test]
    fn what_is_too_dear_is_done_again_after_a_quarter_of_the_run() {
        let (mut budget, began) = budget(MS);
        budget.terms.at_least_each = Some(0.25);
        budget.spend(began.after(3_000 * MS), 900 * MS);
        assert!(!budget.allows(began.after(3_990 * MS), MS));
        assert!(budget.allows(began.after(4_000 * MS), MS));
    }

    #[test]
    fn what_is_cheap_still_rests() {
        let (mut budget, began) = budget(MS);
        budget.spend(began, Duration::ZERO);
        assert!(!budget.allows(began.after(49 * MS), Duration::ZERO));
        assert!(budget.allows(began.after(50 * MS), Duration::ZERO));
    }
}
