//! How much memory grows with each frame, as the verdict on the run says.

use crate::course::Per;
use crate::run::RunVerdict;
use memreel_trace::units::BytesPerFrame;

/// Growth with each frame exported, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameGrowth {
    /// The estimate.
    pub estimate: BytesPerFrame,
    /// The lower end of the interval.
    pub low: BytesPerFrame,
    /// The upper end of the interval.
    pub high: BytesPerFrame,
}

impl FrameGrowth {
    /// What the verdict on a run says of growth with frames; `None` where they were not counted, or the run was judged
    /// by its exports.
    pub fn of(verdict: &RunVerdict) -> Option<FrameGrowth> {
        let rate = verdict.growth.frame.filter(|_| verdict.per == Some(Per::Frame))?;
        let [estimate, low, high] = [rate.estimate, rate.low, rate.high].map(BytesPerFrame);
        Some(FrameGrowth { estimate, low, high })
    }

    /// Half the width of the interval: the number after ±.
    pub fn half_width(&self) -> BytesPerFrame {
        BytesPerFrame((self.high.0 - self.low.0) / 2.0)
    }
}
