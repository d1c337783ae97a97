//! Where the timeline is cut, marked under the frames.

use crate::report::plot::axis::AxisScale;
use crate::report::plot::frame::PlotArea;
use crate::report::plot::palette::{GREY, INK};
use crate::report::plot::scene::Scene;
use crate::report::{MeasuredJob, Report};
use memreel_trace::RunContext;

/// More marks than this are a grey bar.
const MOST: usize = 60;

/// Cuts and first uses of sources that all variants have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cuts {
    cuts: Marks,
    first_uses: Marks,
}

/// Marks of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Marks {
    /// All of them.
    frames: Vec<u64>,
    /// Whether there are some that not every variant has.
    differ: bool,
}

/// The cuts that every variant has which is long enough for it.
pub fn shared(report: &Report) -> Cuts {
    let contexts: Vec<&RunContext> = report.measured().map(|job: &MeasuredJob| &job.context).collect();
    let first_uses = Marks::shared(&contexts, |context| &context.first_uses);
    let mut cuts = Marks::shared(&contexts, |context| &context.cuts);
    cuts.frames.retain(|frame| !first_uses.frames.contains(frame));
    Cuts { cuts, first_uses }
}

impl Marks {
    fn shared(contexts: &[&RunContext], of: fn(&RunContext) -> &Vec<u64>) -> Marks {
        let reaches =
            |context: &RunContext, frame: u64| context.frames.is_none_or(|frames| frame < frames.get());
        let by_all = |frame: &u64| {
            contexts.iter().all(|context| !reaches(context, *frame) || of(context).contains(frame))
        };
        let mut all: Vec<u64> = contexts.iter().flat_map(|context| of(context)).copied().collect();
        all.sort_unstable();
        all.dedup();
        let frames: Vec<u64> = all.iter().copied().filter(by_all).filter(|&frame| frame > 0).collect();
        let differ = all.iter().filter(|&&frame| frame > 0).count() > frames.len();
        Marks { frames, differ }
    }

    /// Every how many-th is drawn.
    fn step(&self) -> usize {
        self.frames.len().div_ceil(MOST).max(1)
    }

    fn drawn(&self) -> impl Iterator<Item = f64> {
        self.frames.iter().step_by(self.step()).map(|&frame| frame as f64)
    }

    fn note(&self, mark: &str, what: &str) -> Option<String> {
        let every = match self.step() {
            1 => String::new(),
            step => format!(", one in {step} of {} shown", self.frames.len()),
        };
        let differ = if self.differ { ", without those of only some variants" } else { "" };
        let any = !self.frames.is_empty() || self.differ;
        any.then(|| format!("{mark} tick: {what}{every}{differ}"))
    }
}

impl Cuts {
    /// What the marks mean.
    pub fn notes(&self) -> Vec<String> {
        let notes = [
            self.first_uses.note("long", "a cut to a source not used before"),
            self.cuts
                .note("short", if self.first_uses.frames.is_empty() { "a cut" } else { "any other cut" }),
        ];
        notes.into_iter().flatten().collect()
    }

    /// Draws the marks under the field, where they cover nothing.
    pub fn draw(&self, scene: &mut Scene, field: PlotArea, across: AxisScale) {
        let top = field.bottom + 6;
        let mut tick = |frame: f64, length: i32, width: u32, colour| {
            let x = across.place(frame);
            if x <= field.right {
                scene.line(vec![(x, top), (x, top + length)], width, colour);
            }
        };
        self.cuts.drawn().for_each(|frame| tick(frame, 16, 2, GREY));
        self.first_uses.drawn().for_each(|frame| tick(frame, 34, 5, INK));
    }
}
