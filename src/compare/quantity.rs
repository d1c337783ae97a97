//! What is compared, on which scale, and how much of it is not worth saying.

use crate::analysis::JobSummary;
use crate::units::{Bytes, BytesPerFrame};

/// Memory that differs by less is the same.
///
/// glibc takes memory from the kernel in pieces of 128 KiB and more, and the same export may take a few
/// pieces more or fewer; healthy exports wander by a megabyte.
const SAME_MEMORY: Bytes = Bytes::from_mib(1);
/// Levels that differ by a smaller share are the same: peaks of one build repeat to a few percent.
const SAME_SHARE: f64 = 0.02;
/// Growth that differs by less is the same: an MP4's index alone takes up to about 450 B a frame.
const SAME_GROWTH: BytesPerFrame = BytesPerFrame(512.0);
/// Speed and CPU time that differ by a smaller share are the same. On a quiet machine, where they repeat
/// to 2 %, three repeats show as much; on a shared one they scatter by a tenth and take forty.
const SAME_SPEED: f64 = 0.05;
/// Repeats are taken to scatter by a quarter of what is the same at least, of memory two pieces of 128 KiB.
/// What few repeats agree on to the byte, the next one need not: of levels up to 50 MiB two equal repeats
/// each settle nothing, and three do.
const LEAST_SPREAD: f64 = 0.25;
/// The share of the repeats that is cut off at each end, of quantities that jump.
const JUMPS: f64 = 0.2;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// The largest resident set, in bytes.
    PeakRss,
    /// The level of anonymous memory and swap after warm-up, in bytes.
    LevelAfterWarmup,
    /// The same before the teardown.
    LevelAtEnd,
    /// Growth over the second half, in bytes a frame.
    Growth,
    /// Speed, in frames a second.
    Fps,
    /// CPU time, in seconds a frame.
    CpuPerFrame,
}

/// How two sides are set against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// b − a, in the quantity's unit.
    Difference,
    /// b / a, without a unit.
    Ratio,
}

impl Scale {
    /// A number as it is judged: of a ratio its logarithm, so that no change is zero on either scale;
    /// `None` when that is not above zero.
    pub(super) fn onto(self, number: f64) -> Option<f64> {
        match self {
            Scale::Difference => Some(number),
            Scale::Ratio => (number > 0.0).then(|| number.ln()),
        }
    }

    /// The number that is judged as this.
    pub(super) fn back(self, judged: f64) -> f64 {
        match self {
            Scale::Difference => judged,
            Scale::Ratio => judged.exp(),
        }
    }
}

impl Quantity {
    /// All of them, in the order in which they are told.
    pub const ALL: [Quantity; 6] = [
        Quantity::PeakRss,
        Quantity::LevelAfterWarmup,
        Quantity::LevelAtEnd,
        Quantity::Growth,
        Quantity::Fps,
        Quantity::CpuPerFrame,
    ];

    /// How its sides are set against each other: time takes part in proportion, memory adds up.
    pub fn scale(self) -> Scale {
        match self {
            Quantity::Fps | Quantity::CpuPerFrame => Scale::Ratio,
            _ => Scale::Difference,
        }
    }

    /// What a repeat measured of it, in the quantity's unit.
    pub fn of(self, measure: &Measure) -> Option<f64> {
        let found = match self {
            Quantity::PeakRss => measure.peak_rss.map(Bytes::as_f64),
            Quantity::LevelAfterWarmup => measure.level_after_warmup.map(Bytes::as_f64),
            Quantity::LevelAtEnd => measure.level_at_end.map(Bytes::as_f64),
            Quantity::Growth => measure.growth.map(|growth| growth.0),
            Quantity::Fps => measure.fps,
            Quantity::CpuPerFrame => measure.cpu_s_per_frame,
        };
        found.filter(|number| number.is_finite())
    }

    /// What is the same anywhere: 1 MiB of memory, 512 B a frame of growth, and of speed and CPU time a
    /// factor of 1.05, as its logarithm.
    fn same(self) -> f64 {
        match self {
            Quantity::Fps | Quantity::CpuPerFrame => SAME_SPEED.ln_1p(),
            Quantity::Growth => SAME_GROWTH.0,
            _ => SAME_MEMORY.as_f64(),
        }
    }

    /// Up to here a side is the same as another at `from`, both on the scale: of memory and growth 2 % of
    /// that where it is more.
    pub(super) fn tolerance(self, from: f64) -> f64 {
        match self.scale() {
            Scale::Difference => self.same().max(SAME_SHARE * from.abs()),
            Scale::Ratio => self.same(),
        }
    }

    /// The least standard deviation that repeats are taken to have, on the scale.
    pub(super) fn least_spread(self) -> f64 {
        LEAST_SPREAD * self.same()
    }

    /// The share of the repeats that is cut off at each end.
    pub(super) fn trim(self) -> f64 {
        match self.scale() {
            Scale::Difference => JUMPS,
            Scale::Ratio => 0.0,
        }
    }
}

/// What one repeat measured; `None` is what was not.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Measure {
    /// The largest resident set.
    pub peak_rss: Option<Bytes>,
    /// The level after warm-up.
    pub level_after_warmup: Option<Bytes>,
    /// The level before the teardown.
    pub level_at_end: Option<Bytes>,
    /// Growth over the second half.
    pub growth: Option<BytesPerFrame>,
    /// Half the width of that growth's own 95 % interval: how far off the run by itself may be.
    pub growth_half_width: Option<BytesPerFrame>,
    /// Frames a second.
    pub fps: Option<f64>,
    /// CPU seconds a frame.
    pub cpu_s_per_frame: Option<f64>,
}

impl Measure {
    /// What a job that finished measured; `None` of one that did not, whose numbers say how far it came
    /// and not what an export takes.
    pub fn of(job: &JobSummary) -> Option<Measure> {
        // Speed is that of the frames of the whole export; engines may not count the last of them.
        let frames = job.fps.map(|fps| fps * job.wall_s).filter(|&frames| frames > 0.0);
        job.outcome.is_finished().then(|| Measure {
            peak_rss: job.peak_rss,
            level_after_warmup: job.level_after_warmup,
            level_at_end: job.level_at_end,
            growth: job.growth.map(|growth| growth.estimate),
            growth_half_width: job.growth.map(|growth| growth.half_width()),
            fps: job.fps,
            cpu_s_per_frame: job.cpu_s.zip(frames).map(|(cpu_s, frames)| cpu_s / frames),
        })
    }
}
