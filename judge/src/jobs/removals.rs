//! Without what memory no longer grows: the same export with something taken out, beside the export with all.

use schemars::JsonSchema;
use serde::Serialize;

use super::JobsVerdict;
use crate::shape::Answer;

/// What growth became when something was taken out. Empty unless the export with all grows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Removals {
    /// Without each of these memory does not grow.
    pub ends: Vec<String>,
    /// Without each of these memory grows less: there is more than one cause.
    pub lessens: Vec<String>,
    /// Without each of these memory grows as much.
    pub stays: Vec<String>,
    /// Without each of these it is not known whether memory grows.
    pub open: Vec<String>,
}

impl Removals {
    /// Compares an export with all and the same without something, each by the name of what was taken out.
    pub fn of<'a>(
        whole: &JobsVerdict,
        without: impl IntoIterator<Item = (String, &'a JobsVerdict)>,
    ) -> Removals {
        let mut removals = Removals::default();
        if whole.grows != Answer::Yes {
            return removals;
        }
        for (name, verdict) in without {
            let list = match verdict.grows {
                Answer::Yes if grows_less(whole, verdict) => &mut removals.lessens,
                Answer::Yes => &mut removals.stays,
                Answer::No if would_show(whole, verdict) => &mut removals.ends,
                Answer::No | Answer::Open => &mut removals.open,
            };
            list.push(name);
        }
        removals
    }

    /// Whether nothing was taken out.
    pub fn is_empty(&self) -> bool {
        [&self.ends, &self.lessens, &self.stays, &self.open].iter().all(|names| names.is_empty())
    }

    /// What causes all of the growth, or a part of it.
    pub fn causes(&self) -> impl Iterator<Item = &str> {
        self.ends.iter().chain(&self.lessens).map(String::as_str)
    }
}

/// Whether some growth of the whole is larger, beyond what chance does to both, than without what was taken out.
fn grows_less(whole: &JobsVerdict, without: &JobsVerdict) -> bool {
    whole.with.iter().any(|&with| match (whole.growth.with(with), without.growth.with(with)) {
        (Some(all), Some(rest)) => rest.high < all.low,
        _ => false,
    })
}

/// Whether the growth of the whole would have been seen without what was taken out. A source or a cut may have gone with
/// it: then what grew with them could only show with frames.
fn would_show(whole: &JobsVerdict, without: &JobsVerdict) -> bool {
    whole.with.iter().all(|&with| {
        let grew = whole.growth.with(with).map_or(0.0, |rate| rate.estimate);
        without.growth.with(with).is_none_or(|rate| rate.limit < grew)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::judge_jobs;
    use crate::{Growth, GrowthRate, With};

    /// A verdict with so much growth with each frame, and so large a detection limit.
    fn verdict(grows: Answer, estimate: f64, limit: f64) -> JobsVerdict {
        let (low, high) = (0.98 * estimate, 1.02 * estimate);
        let rate = GrowthRate { grows, low, estimate, high, limit };
        let with = if grows == Answer::Yes { vec![With::Frames] } else { Vec::new() };
        JobsVerdict {
            grows,
            with,
            growth: Growth { frame: Some(rate), ..Growth::default() },
            ..judge_jobs(&[])
        }
    }

    #[test]
    fn growth_ends_without_something_only_where_it_would_have_been_seen() {
        let whole = verdict(Answer::Yes, 1000.0, 100.0);
        let without = [
            ("a", verdict(Answer::No, 0.0, 900.0)),
            ("b", verdict(Answer::Yes, 1000.0, 100.0)),
            ("c", verdict(Answer::No, 0.0, 1100.0)),
            ("d", verdict(Answer::Open, 0.0, 0.0)),
            ("e", verdict(Answer::Yes, 990.0, 100.0)),
            ("f", verdict(Answer::Yes, 500.0, 100.0)),
        ];
        let of = |whole: &JobsVerdict| {
            Removals::of(whole, without.iter().map(|(name, verdict)| (name.to_string(), verdict)))
        };
        let removals = of(&whole);
        assert_eq!((removals.ends.join(" "), removals.stays.join(" ")), ("a".to_string(), "b e".to_string()));
        assert_eq!(
            (removals.lessens.join(" "), removals.open.join(" ")),
            ("f".to_string(), "c d".to_string())
        );
        assert_eq!(removals.causes().collect::<Vec<_>>(), ["a", "f"]);
        assert!(of(&without[0].1).is_empty());
    }
}
