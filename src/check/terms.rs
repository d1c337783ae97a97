//! What of each figure is the same, how it is set against another, and how little it may scatter.

use crate::budget::{Figure, Slack, Unit};

/// Memory that differs by less than a MiB, or by less than 2 %, is the same: healthy exports wander by as much.
const SAME_MEMORY: Slack = Slack { share: 0.02, amount: 1_048_576.0 };
/// Growth that differs by less than half a KiB a frame is the same: an MP4's index takes up to about 450 B.
const SAME_PER_FRAME: Slack = Slack { share: 0.1, amount: 512.0 };
/// Growth with a source, a cut or an export: what a heap keeps of them by chance.
const SAME_PER_SOURCE: Slack = Slack { share: 0.1, amount: 65_536.0 };
/// Time: on shared machines it scatters by a tenth from one run to the next.
const SAME_TIME: Slack = Slack { share: 0.1, amount: 0.0 };

/// Repeats are taken to scatter so much at least: what few of them agree on to the byte, the next one need not.
/// Of memory two of the pieces in which glibc takes it from the kernel, 128 KiB each.
const LEAST_MEMORY: f64 = 262_144.0;
const LEAST_PER_FRAME: f64 = 128.0;
const LEAST_PER_SOURCE: f64 = 16_384.0;
const LEAST_TIME: f64 = 0.0125;
const LEAST_COUNT: f64 = 0.05;

/// Counts are whole: half of one is none.
const SAME_COUNT: Slack = Slack { share: 0.0, amount: 0.5 };

/// How much worse is tolerated where no budget says.
pub(super) fn usual_slack(figure: Figure) -> Slack {
    match figure {
        Figure::Peak | Figure::Level => SAME_MEMORY,
        Figure::GrowthPerFrame => SAME_PER_FRAME,
        Figure::GrowthPerSource | Figure::GrowthPerCut | Figure::GrowthPerExport => SAME_PER_SOURCE,
        Figure::CpuPerFrame | Figure::FramesPerSecond => SAME_TIME,
        Figure::Threads | Figure::DescriptorsLeft => SAME_COUNT,
    }
}

/// The least standard deviation of repeats, on the scale.
pub(super) fn least_spread(figure: Figure) -> f64 {
    match figure {
        Figure::Peak | Figure::Level => LEAST_MEMORY,
        Figure::GrowthPerFrame => LEAST_PER_FRAME,
        Figure::GrowthPerSource | Figure::GrowthPerCut | Figure::GrowthPerExport => LEAST_PER_SOURCE,
        Figure::CpuPerFrame | Figure::FramesPerSecond => LEAST_TIME,
        Figure::Threads | Figure::DescriptorsLeft => LEAST_COUNT,
    }
}

/// Whether a figure is held against the baseline where no budget names it. Time is only where both sides were
/// measured together: the same exports took three times as long beside other work.
pub(super) fn is_judged_untold(figure: Figure, together: bool) -> bool {
    match figure {
        Figure::CpuPerFrame | Figure::FramesPerSecond => together,
        Figure::Threads => false,
        _ => true,
    }
}

/// Whether it is worth a warning that a figure is open although no budget names it: of those that repeat well.
pub(super) fn is_asked_for_untold(figure: Figure) -> bool {
    matches!(figure, Figure::Peak | Figure::Level)
}

/// Whether sides are set in proportion: on the logarithms.
pub(super) fn is_ratio(figure: Figure) -> bool {
    matches!(figure.unit(), Unit::Seconds | Unit::FramesPerSecond)
}

/// A number on the scale on which worse is more and no change is zero; `None` where it has no logarithm.
pub(super) fn onto(figure: Figure, number: f64) -> Option<f64> {
    let on_scale = if is_ratio(figure) { (number > 0.0).then(|| number.ln())? } else { number };
    Some(if figure.less_is_worse() { -on_scale } else { on_scale })
}

/// The number that lies there on the scale.
pub(super) fn back(figure: Figure, on_scale: f64) -> f64 {
    let on_scale = if figure.less_is_worse() { -on_scale } else { on_scale };
    if is_ratio(figure) { on_scale.exp() } else { on_scale }
}

/// An effect on the scale as it is told: in the figure's unit, or as a share of what it was.
pub(super) fn told(figure: Figure, effect: f64) -> f64 {
    match (is_ratio(figure), figure.less_is_worse()) {
        (false, _) => effect,
        (true, false) => effect.exp_m1(),
        (true, true) => -(-effect).exp_m1(),
    }
}

/// What is tolerated at a baseline, on the scale.
pub(super) fn tolerance(figure: Figure, slack: Slack, baseline: f64) -> f64 {
    let worst =
        if figure.less_is_worse() { baseline - slack.at(baseline) } else { baseline + slack.at(baseline) };
    match (onto(figure, worst), onto(figure, baseline)) {
        (Some(worst), Some(baseline)) => worst - baseline,
        _ => f64::INFINITY,
    }
}
