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
    /// Without each of these memory grows as well.
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
        self.ends.is_empty() && self.stays.is_empty() && self.open.is_empty()
    }
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
        let rate = GrowthRate { grows, low: estimate, estimate, high: estimate, limit };
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
        ];
        let of = |whole: &JobsVerdict| {
            Removals::of(whole, without.iter().map(|(name, verdict)| (name.to_string(), verdict)))
        };
        let removals = of(&whole);
        assert_eq!((removals.ends, removals.stays), (vec!["a".to_string()], vec!["b".to_string()]));
        assert_eq!(removals.open, ["c", "d"]);
        assert!(of(&without[0].1).is_empty());
    }
}
