//! What an export may take: figures with limits, and how much more than a baseline is tolerated.
//!
//! Budgets are written in a scenario ([`crate::scenario`]) and judged by [`crate::check`]; here is what both
//! mean by them.

use std::fmt;

/// What a budget is about: one number of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Figure {
    /// The largest resident set, in bytes.
    Peak,
    /// Anonymous memory and swap before the teardown, in bytes.
    Level,
    /// Growth with each frame, between cuts where it grows at them, in bytes.
    GrowthPerFrame,
    /// Growth with each first use of a source, in bytes.
    GrowthPerSource,
    /// Growth with each cut to a source that was used before, in bytes.
    GrowthPerCut,
    /// What each export in one process leaves behind, in bytes.
    GrowthPerExport,
    /// CPU time a frame, in seconds.
    CpuPerFrame,
    /// Frames exported a second, start and end of the engine included.
    FramesPerSecond,
    /// The most threads at a time.
    Threads,
    /// Open files that each export in one process leaves behind.
    DescriptorsLeft,
}

/// What a figure is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Frames a second.
    FramesPerSecond,
    /// So many.
    Count,
}

impl Figure {
    /// All of them, in the order in which they are told.
    pub const ALL: [Figure; 10] = [
        Figure::Peak,
        Figure::Level,
        Figure::GrowthPerFrame,
        Figure::GrowthPerSource,
        Figure::GrowthPerCut,
        Figure::GrowthPerExport,
        Figure::CpuPerFrame,
        Figure::FramesPerSecond,
        Figure::Threads,
        Figure::DescriptorsLeft,
    ];

    /// Its name in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            Figure::Peak => "peak",
            Figure::Level => "level",
            Figure::GrowthPerFrame => "growth_per_frame",
            Figure::GrowthPerSource => "growth_per_source",
            Figure::GrowthPerCut => "growth_per_cut",
            Figure::GrowthPerExport => "growth_per_export",
            Figure::CpuPerFrame => "cpu_per_frame",
            Figure::FramesPerSecond => "frames_per_second",
            Figure::Threads => "threads",
            Figure::DescriptorsLeft => "descriptors_left",
        }
    }

    /// The figure of a name.
    pub fn named(name: &str) -> Option<Figure> {
        Figure::ALL.into_iter().find(|figure| figure.name() == name)
    }

    /// Its name in files, with its unit: `peak_bytes`.
    pub const fn column(self) -> &'static str {
        match self {
            Figure::Peak => "peak_bytes",
            Figure::Level => "level_bytes",
            Figure::GrowthPerFrame => "growth_bytes_per_frame",
            Figure::GrowthPerSource => "growth_bytes_per_source",
            Figure::GrowthPerCut => "growth_bytes_per_cut",
            Figure::GrowthPerExport => "growth_bytes_per_export",
            Figure::CpuPerFrame => "cpu_s_per_frame",
            Figure::FramesPerSecond => "frames_per_second",
            Figure::Threads => "threads",
            Figure::DescriptorsLeft => "descriptors_left_per_export",
        }
    }

    /// What it is measured in.
    pub const fn unit(self) -> Unit {
        match self {
            Figure::Peak
            | Figure::Level
            | Figure::GrowthPerFrame
            | Figure::GrowthPerSource
            | Figure::GrowthPerCut
            | Figure::GrowthPerExport => Unit::Bytes,
            Figure::CpuPerFrame => Unit::Seconds,
            Figure::FramesPerSecond => Unit::FramesPerSecond,
            Figure::Threads | Figure::DescriptorsLeft => Unit::Count,
        }
    }

    /// Whether less of it is worse: of speed.
    pub const fn less_is_worse(self) -> bool {
        matches!(self, Figure::FramesPerSecond)
    }
}

impl fmt::Display for Figure {
    /// As people say it: `growth per frame`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Figure::Peak => "peak",
            Figure::Level => "level",
            Figure::GrowthPerFrame => "growth per frame",
            Figure::GrowthPerSource => "growth per source",
            Figure::GrowthPerCut => "growth per cut",
            Figure::GrowthPerExport => "growth per export",
            Figure::CpuPerFrame => "CPU time a frame",
            Figure::FramesPerSecond => "frames a second",
            Figure::Threads => "threads",
            Figure::DescriptorsLeft => "descriptors left",
        })
    }
}

/// What one run measured of each figure; what was not measured is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures([Option<f64>; Figure::ALL.len()]);

impl Figures {
    /// What was measured of a figure, in its unit.
    pub fn get(&self, figure: Figure) -> Option<f64> {
        self.0[figure as usize]
    }

    /// The same with this of a figure; a number that is none is not measured.
    pub fn with(mut self, figure: Figure, number: Option<f64>) -> Figures {
        self.0[figure as usize] = number.filter(|number| number.is_finite());
        self
    }
}

/// How much worse than a baseline is tolerated: a share of it or an amount, whichever is more.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Slack {
    /// A share of the baseline: 0.05 is five per cent.
    pub share: f64,
    /// An amount, in the figure's unit.
    pub amount: f64,
}

impl Slack {
    /// What it comes to at a baseline of so much, in the figure's unit.
    pub fn at(self, baseline: f64) -> f64 {
        self.amount.max(self.share * baseline.abs())
    }
}

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

/// Findings that fail a check unless they are allowed: memory that grows with the length of an export, or with
/// their number. Growth with sources or cuts is what healthy engines do, and takes a budget to fail.
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
