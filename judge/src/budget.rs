//! What an export may take: figures with limits, and how much more than a baseline is tolerated.
//!
//! Budgets are written in a scenario and judged by [`crate::check`]; here is what both
//! mean by them.

mod figure;

pub use figure::{Figure, FigureUnit, Figures, Scale, Slack};

/// What may be of one figure.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Budget {
    /// The most of it, or of what less is worse of the least, in the figure's unit.
    pub limit: Option<f64>,
    /// How much worse than the baseline is tolerated; `None`: as much as is the same for the figure.
    pub slack: Option<Slack>,
    /// Whether a budget that is broken is a warning only. `None`: it is not; but of time against a baseline of another
    /// session it is, since the machine's load is in no baseline.
    pub soft: Option<bool>,
}

/// The budgets of those variants whose axes have certain values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rule {
    /// The axes and their values; empty: every variant.
    pub of: Vec<(String, String)>,
    /// Each figure once.
    pub budgets: Vec<(Figure, Budget)>,
}

/// All budgets of a scenario.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Budgets {
    /// Of two that are about the same figure of a variant the later one holds.
    pub rules: Vec<Rule>,
    /// Verdicts that do not fail although memory grows: `GROWS`, `LEAK`
    pub allow: Vec<String>,
    /// Whether a baseline of another build of an engine may be compared with.
    pub across_builds: bool,
}

/// Findings that fail a check unless they are allowed: `LEAK`, and `GROWS` unless it is with new sources alone, or with
/// cuts that cannot be distinguished from them. Engines keep sources open on purpose.
pub const FAILING_FINDINGS: [&str; 2] = ["LEAK", "GROWS"];

impl Budgets {
    /// The budgets of a variant, in the order of [`Figure::ALL`].
    pub fn of(&self, variant: &[(String, String)]) -> Vec<(Figure, Budget)> {
        let has = |(axis, value): &(String, String)| {
            variant.iter().any(|(name, of)| name == axis && (of == value || plain(axis, of) == value))
        };
        let holds = |rule: &&Rule| rule.of.iter().all(has);
        let rules: Vec<_> = self.rules.iter().filter(holds).collect();
        let last = |figure: Figure| {
            let found = rules.iter().rev().flat_map(|rule| &rule.budgets).find(|(one, _)| *one == figure);
            found.map(|(_, budget)| (figure, *budget))
        };
        Figure::ALL.into_iter().filter_map(last).collect()
    }
}

/// Of an engine its name, whatever its build is called and wherever it lies: `old:melt@/opt/melt` is `melt`.
fn plain<'a>(axis: &str, value: &'a str) -> &'a str {
    match axis {
        "engine" => {
            let engine = value.split_once('@').map_or(value, |(engine, _)| engine);
            engine.rsplit_once(':').map_or(engine, |(_, engine)| engine)
        }
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(limit: f64) -> Budget {
        Budget { limit: Some(limit), ..Budget::default() }
    }

    #[test]
    fn a_budget_of_some_variants_takes_the_place_of_that_of_all() {
        let melt = vec![("engine".to_string(), "melt".to_string())];
        let rules = vec![
            Rule { of: Vec::new(), budgets: vec![(Figure::Level, limit(1.0)), (Figure::Peak, limit(2.0))] },
            Rule { of: melt.clone(), budgets: vec![(Figure::Peak, limit(3.0))] },
        ];
        let budgets = Budgets { rules, ..Budgets::default() };
        assert_eq!(budgets.of(&melt), [(Figure::Peak, limit(3.0)), (Figure::Level, limit(1.0))]);
        assert_eq!(budgets.of(&[])[0], (Figure::Peak, limit(2.0)));
        let build = vec![("engine".to_string(), "old:melt@/opt/melt".to_string())];
        assert_eq!(budgets.of(&build)[0], (Figure::Peak, limit(3.0)));
    }

    #[test]
    fn of_a_share_and_an_amount_the_larger_is_tolerated() {
        let slack = Slack { share: 0.05, amount: 4.0 };
        assert_eq!((slack.at(10.0), slack.at(200.0)), (4.0, 10.0));
    }

    #[test]
    fn every_figure_is_found_by_its_name() {
        for figure in Figure::ALL {
            assert_eq!(Figure::named(figure.name()), Some(figure));
        }
    }
}
