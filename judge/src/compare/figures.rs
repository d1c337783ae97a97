//! What one run measured of each figure, and which of it may be compared.

use crate::analysis::JobSummary;
use crate::budget::{Figure, Figures};
use crate::course::Per;
use crate::run::{GrowthRate, RunVerdict};
use crate::shape::Answer;
use memreel_trace::units::{Bytes, Count};

/// The figures of a run that finished; `None` of one that did not, whose numbers say how far it came and not what
/// an export takes.
pub fn figures(summary: &JobSummary, verdict: &RunVerdict) -> Option<Figures> {
    // Speed is that of the frames of the whole export; engines may not count the last of them.
    let frames = summary.fps.map(|fps| fps * summary.wall_s).filter(|&frames| frames > 0.0);
    let growth = verdict.growth;
    let rate = |rate: Option<GrowthRate>| rate.map(|rate| rate.estimate);
    // Where there are cuts and it does not grow with frames, what is told per frame is what is gained between them.
    let by_frames = growth.frame.is_some_and(|rate| rate.grows == Answer::Yes);
    let between = verdict.division.as_ref().filter(|_| !by_frames).map(|division| division.between_per_frame);
    let per_frame = between.or(rate(growth.frame)).filter(|_| verdict.per == Some(Per::Frame));
    let figures = Figures::default()
        .with(Figure::Peak, summary.peak_rss.map(Bytes::as_f64))
        .with(Figure::Level, summary.level_at_end.map(Bytes::as_f64))
        .with(Figure::GrowthPerFrame, per_frame)
        .with(Figure::GrowthPerSource, rate(growth.source))
        .with(Figure::GrowthPerCut, rate(growth.cut))
        .with(Figure::GrowthPerExport, rate(growth.export))
        .with(Figure::CpuPerFrame, summary.cpu_s.zip(frames).map(|(cpu_s, frames)| cpu_s / frames))
        .with(Figure::FramesPerSecond, summary.fps)
        .with(Figure::Threads, summary.most_threads.map(Count::as_f64))
        .with(Figure::DescriptorsLeft, summary.descriptors_left);
    summary.outcome.is_finished().then_some(figures)
}

/// What the repeats of each side measured of a figure, as far as it is the same quantity.
///
/// Growth per frame is told in two ways: between cuts where a run grows at them, else over all frames. A mean of
/// both would be neither. So these are the repeats of one way: of the one that has more repeats on the side that has
/// fewer. Where no way is on every side, all are empty.
pub fn alike<const SIDES: usize>(figure: Figure, sides: [&[Figures]; SIDES]) -> [Vec<f64>; SIDES] {
    let told = |at_cuts: bool| {
        let is_alike = |run: &&Figures| figure != Figure::GrowthPerFrame || run.is_told_at_cuts() == at_cuts;
        sides.map(|runs| runs.iter().filter(is_alike).filter_map(|run| run.get(figure)).collect::<Vec<_>>())
    };
    let fewest = |numbers: &[Vec<f64>; SIDES]| numbers.iter().map(Vec::len).min().unwrap_or(0);
    let [over_all, between] = [false, true].map(told);
    let more = if fewest(&between) > fewest(&over_all) { between } else { over_all };
    if fewest(&more) > 0 { more } else { sides.map(|_| Vec::new()) }
}
