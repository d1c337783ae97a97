//! What one run measured of each figure.

use crate::analysis::JobSummary;
use crate::budget::{Figure, Figures};
use crate::compare::Measure;
use crate::units::{Bytes, Count};
use crate::verdict::RunVerdict;
use crate::verdict::course::Per;

/// The figures of a run that finished; `None` of one that did not, whose numbers say how far it came and not what
/// an export takes.
pub fn figures(summary: &JobSummary, verdict: &RunVerdict) -> Option<Figures> {
    let measure = Measure::of(summary)?;
    let stairs = verdict.staircase.as_ref();
    let between = stairs.map(|stairs| stairs.between_per_frame);
    let growth = between.or(verdict.growth.map(|growth| growth.estimate));
    let growth = growth.filter(|_| verdict.per == Some(Per::Frame) && verdict.at_rest.is_none());
    let gain = verdict.at_rest.as_ref().and_then(|rests| rests.gain);
    let figures = Figures::default()
        .with(Figure::Peak, measure.peak_rss.map(Bytes::as_f64))
        .with(Figure::Level, measure.level_at_end.map(Bytes::as_f64))
        .with(Figure::GrowthPerFrame, growth)
        .with(Figure::GrowthPerSource, stairs.and_then(|stairs| stairs.at_first_use))
        .with(Figure::GrowthPerCut, stairs.and_then(|stairs| stairs.at_other_use))
        .with(Figure::GrowthPerExport, gain.map(|gain| gain.estimate))
        .with(Figure::CpuPerFrame, measure.cpu_s_per_frame)
        .with(Figure::FramesPerSecond, measure.fps)
        .with(Figure::Threads, summary.most_threads.map(Count::as_f64))
        .with(Figure::DescriptorsLeft, summary.descriptors_left);
    Some(figures)
}
