//! The figures that budgets and comparisons are about, with all that is fixed of each in one table.

use std::fmt;

use Figure::*;

/// What a budget or a comparison is about: one number of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Figure {
    /// The largest resident set, in bytes.
    Peak,
    /// Anonymous memory and swap before the teardown, in bytes.
    Level,
    /// Growth with each frame, between cuts where it grows at them, in bytes.
    GrowthPerFrame,
    /// Growth with each first use of a source, in bytes.
    GrowthPerSource,
    /// Growth with each cut to a source that was used before, in bytes.
    GrowthPerCut,
    /// What each export in one process leaves behind, in bytes.
    GrowthPerExport,
    /// CPU time per frame, in seconds.
    CpuPerFrame,
    /// Frames exported per second, start and end of the engine included.
    FramesPerSecond,
    /// The most threads at a time.
    Threads,
    /// Open files that each export in one process leaves behind.
    DescriptorsLeft,
}

/// What a figure is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FigureUnit {
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Frames per second.
    FramesPerSecond,
    /// So many.
    Count,
}

/// How two sets of repeats of a figure are compared. On either scale no change is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// By their difference, in the figure's unit: memory and counts add up.
    Difference,
    /// By their ratio, on the logarithms: time changes in proportion.
    Ratio,
}

/// How far two values may be apart: a share of the first or an amount, whichever is more.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Slack {
    /// A share of the first: 0.05 is five per cent.
    pub share: f64,
    /// An amount, in the figure's unit.
    pub amount: f64,
}

impl Slack {
    /// What it comes to at a value of so much, in the figure's unit.
    pub fn at(self, value: f64) -> f64 {
        self.amount.max(self.share * value.abs())
    }
}

/// What is fixed of a figure.
struct Row {
    figure: Figure,
    name: &'static str,
    column: &'static str,
    words: &'static str,
    kind: &'static Kind,
}

/// What figures of one kind have in common.
struct Kind {
    unit: FigureUnit,
    same: Slack,
    least_spread: f64,
}

/// Healthy exports wander by a MiB, and peaks of one build repeat to a few per cent. glibc takes memory from the
/// kernel in pieces of 128 KiB: a spread of two of them.
const MEMORY: Kind = Kind {
    unit: FigureUnit::Bytes,
    same: Slack { share: 0.02, amount: 1_048_576.0 },
    least_spread: 262_144.0,
};
/// An MP4's index alone takes up to about 450 B per frame.
const PER_FRAME: Kind =
    Kind { unit: FigureUnit::Bytes, same: Slack { share: 0.1, amount: 512.0 }, least_spread: 128.0 };
/// What a heap keeps of a source, a cut or an export by chance.
const PER_EVENT: Kind =
    Kind { unit: FigureUnit::Bytes, same: Slack { share: 0.1, amount: 65_536.0 }, least_spread: 16_384.0 };
/// On shared machines time scatters by a tenth from one run to the next.
const TIME: Kind =
    Kind { unit: FigureUnit::Seconds, same: Slack { share: 0.1, amount: 0.0 }, least_spread: 0.0125 };
const SPEED: Kind = Kind { unit: FigureUnit::FramesPerSecond, ..TIME };
/// Counts are whole: half of one is none.
const COUNT: Kind =
    Kind { unit: FigureUnit::Count, same: Slack { share: 0.0, amount: 0.5 }, least_spread: 0.05 };

/// The table, in the order of the enum.
#[rustfmt::skip]
const TABLE: [Row; 10] = [
    row(Peak, "peak", "peak_bytes", "peak", &MEMORY),
    row(Level, "level", "level_bytes", "level", &MEMORY),
    row(GrowthPerFrame, "growth_per_frame", "growth_bytes_per_frame", "growth per frame", &PER_FRAME),
    row(GrowthPerSource, "growth_per_source", "growth_bytes_per_source", "growth per source", &PER_EVENT),
    row(GrowthPerCut, "growth_per_cut", "growth_bytes_per_cut", "growth per cut", &PER_EVENT),
    row(GrowthPerExport, "growth_per_export", "growth_bytes_per_export", "growth per export", &PER_EVENT),
    row(CpuPerFrame, "cpu_per_frame", "cpu_s_per_frame", "CPU time per frame", &TIME),
    row(FramesPerSecond, "frames_per_second", "frames_per_second", "frames per second", &SPEED),
    row(Threads, "threads", "threads", "threads", &COUNT),
    row(DescriptorsLeft, "descriptors_left", "descriptors_left_per_export", "descriptors left", &COUNT),
];

const fn row(
    figure: Figure,
    name: &'static str,
    column: &'static str,
    words: &'static str,
    kind: &'static Kind,
) -> Row {
    Row { figure, name, column, words, kind }
}

impl Figure {
    /// All of them, in the order in which they are told.
    pub const ALL: [Figure; TABLE.len()] = {
        let mut all = [Peak; TABLE.len()];
        let mut place = 0;
        while place < all.len() {
            all[place] = TABLE[place].figure;
            place += 1;
        }
        all
    };

    const fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// Its name in scenarios.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The figure of a name.
    pub fn named(name: &str) -> Option<Figure> {
        Figure::ALL.into_iter().find(|figure| figure.name() == name)
    }

    /// Its name in files, with its unit: `peak_bytes`.
    pub const fn column(self) -> &'static str {
        self.row().column
    }

    /// What it is measured in.
    pub const fn unit(self) -> FigureUnit {
        self.row().kind.unit
    }

    /// How two sets of repeats of it are compared.
    pub const fn scale(self) -> Scale {
        match self.unit() {
            FigureUnit::Bytes | FigureUnit::Count => Scale::Difference,
            FigureUnit::Seconds | FigureUnit::FramesPerSecond => Scale::Ratio,
        }
    }

    /// Values that differ by no more are the same: what a check tolerates where no budget says.
    pub const fn same(self) -> Slack {
        self.row().kind.same
    }

    /// The least standard deviation that repeats are taken to have, on the scale: what few of them agree on to the
    /// byte, the next one need not.
    pub const fn least_spread(self) -> f64 {
        self.row().kind.least_spread
    }

    /// Whether less of it is worse: of speed.
    pub const fn less_is_worse(self) -> bool {
        matches!(self, FramesPerSecond)
    }

    /// A number on the scale; `None` where it has no logarithm.
    pub fn onto_scale(self, number: f64) -> Option<f64> {
        match self.scale() {
            Scale::Difference => Some(number),
            Scale::Ratio => (number > 0.0).then(|| number.ln()),
        }
    }

    /// The number that lies there on the scale; of a difference on the scale the amount, or the ratio.
    pub fn off_scale(self, on_scale: f64) -> f64 {
        match self.scale() {
            Scale::Difference => on_scale,
            Scale::Ratio => on_scale.exp(),
        }
    }
}

impl fmt::Display for Figure {
    /// As people say it: `growth per frame`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().words)
    }
}

/// What one run measured of each figure; what was not measured is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures([Option<f64>; Figure::ALL.len()]);

impl Figures {
    /// What was measured of a figure, in its unit.
    pub fn get(&self, figure: Figure) -> Option<f64> {
        self.0[figure as usize]
    }

    /// The same with this of a figure; a number that is none is not measured.
    pub fn with(mut self, figure: Figure, number: Option<f64>) -> Figures {
        self.0[figure as usize] = number.filter(|number| number.is_finite());
        self
    }

    /// Whether growth was told at cuts and between them: then growth per frame is that between cuts, and else that
    /// over all frames.
    pub fn is_told_at_cuts(&self) -> bool {
        self.get(GrowthPerSource).or(self.get(GrowthPerCut)).is_some()
    }
}
