//! What one run measured of each figure.

use crate::analysis::JobSummary;
use crate::budget::{Figure, Figures};
use crate::compare::Measure;
use crate::units::{Bytes, Count};
use crate::verdict::course::Per;
use crate::verdict::{Rate, RunVerdict};

/// The figures of a run that finished; `None` of one that did not, whose numbers say how far it came and not what
/// an export takes.
pub fn figures(summary: &JobSummary, verdict: &RunVerdict) -> Option<Figures> {
    let measure = Measure::of(summary)?;
    let growth = verdict.growth;
    let rate = |rate: Option<Rate>| rate.map(|rate| rate.estimate);
    let figures = Figures::default()
        .with(Figure::Peak, measure.peak_rss.map(Bytes::as_f64))
        .with(Figure::Level, measure.level_at_end.map(Bytes::as_f64))
        .with(Figure::GrowthPerFrame, rate(growth.frame).filter(|_| verdict.per == Some(Per::Frame)))
        .with(Figure::GrowthPerSource, rate(growth.source))
        .with(Figure::GrowthPerCut, rate(growth.cut))
        .with(Figure::GrowthPerExport, rate(growth.export))
        .with(Figure::CpuPerFrame, measure.cpu_s_per_frame)
        .with(Figure::FramesPerSecond, measure.fps)
        .with(Figure::Threads, summary.most_threads.map(Count::as_f64))
        .with(Figure::DescriptorsLeft, summary.descriptors_left);
    Some(figures)
}
