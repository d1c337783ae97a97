//! What one run measured of each figure, and which of it may be compared.

use crate::analysis::JobSummary;
use crate::budget::{Figure, Figures};
use crate::units::{Bytes, Count};
use crate::verdict::RunVerdict;
use crate::verdict::course::Per;

/// The figures of a run that finished; `None` of one that did not, whose numbers say how far it came and not what
/// an export takes.
pub fn figures(summary: &JobSummary, verdict: &RunVerdict) -> Option<Figures> {
    // Speed is that of the frames of the whole export; engines may not count the last of them.
    let frames = summary.fps.map(|fps| fps * summary.wall_s).filter(|&frames| frames > 0.0);
    let stairs = verdict.staircase.as_ref();
    let growth =
        growth_per_frame(verdict).map(|over_all| stairs.map_or(over_all, |stairs| stairs.between_per_frame));
    let gain = verdict.at_rest.as_ref().and_then(|rests| rests.gain);
    let figures = Figures::default()
        .with(Figure::Peak, summary.peak_rss.map(Bytes::as_f64))
        .with(Figure::Level, summary.level_at_end.map(Bytes::as_f64))
        .with(Figure::GrowthPerFrame, growth)
        .with(Figure::GrowthPerSource, stairs.and_then(|stairs| stairs.at_first_use))
        .with(Figure::GrowthPerCut, stairs.and_then(|stairs| stairs.at_other_use))
        .with(Figure::GrowthPerExport, gain.map(|gain| gain.estimate))
        .with(Figure::CpuPerFrame, summary.cpu_s.zip(frames).map(|(cpu_s, frames)| cpu_s / frames))
        .with(Figure::FramesPerSecond, summary.fps)
        .with(Figure::Threads, summary.most_threads.map(Count::as_f64))
        .with(Figure::DescriptorsLeft, summary.descriptors_left);
    summary.outcome.is_finished().then_some(figures)
}

/// Growth per frame of a run, over all frames. A run whose frames were not counted tells its growth per second, which
/// is another quantity: `None`.
pub fn growth_per_frame(verdict: &RunVerdict) -> Option<f64> {
    verdict.growth.filter(|_| verdict.per == Some(Per::Frame)).map(|growth| growth.estimate)
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
