//! A trace as judging sees it: how far it had come, and how much memory it had there.

use schemars::JsonSchema;
use serde::Serialize;

use memreel_trace::units::Count;
use memreel_trace::{Column, Memory, Series, WorkUnit};

use crate::constants::Constants;
use crate::progress_clock::ProgressClock;
use crate::stats;

/// Parts that the way is cut into; of each the lowest and the highest level are kept. A trace of a million
/// samples is judged by as many numbers as one of ten thousand, and sampling faster changes little.
const COLUMNS: usize = 2048;

/// Two readings are never closer than their pages, in bytes.
pub const PAGES: f64 = 8192.0;

/// What the steps of a course are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// Frames exported.
    #[default]
    Frame,
    /// Items of other work.
    Item,
    /// MiB that its processes wrote.
    #[serde(rename = "MiB")]
    Mebibyte,
    /// Seconds, where nothing was counted.
    Second,
}

impl Per {
    /// The step of a course whose progress has this unit.
    pub fn of(unit: WorkUnit) -> Per {
        match unit {
            WorkUnit::Frame => Per::Frame,
            WorkUnit::Item => Per::Item,
            WorkUnit::Mebibyte => Per::Mebibyte,
        }
    }

    /// Whether the program itself counted its work, one by one.
    pub fn is_counted(self) -> bool {
        self.unit().is_some_and(WorkUnit::is_counted)
    }

    /// One of them, as a sentence says it.
    pub fn one(self) -> &'static str {
        self.unit().map_or("second", WorkUnit::one)
    }

    /// Several of them.
    pub fn several(self) -> &'static str {
        self.unit().map_or("seconds", WorkUnit::several)
    }

    /// As a table's cell has it after a slash.
    pub fn short(self) -> &'static str {
        self.unit().map_or("s", WorkUnit::name)
    }

    fn unit(self) -> Option<WorkUnit> {
        match self {
            Per::Frame => Some(WorkUnit::Frame),
            Per::Item => Some(WorkUnit::Item),
            Per::Mebibyte => Some(WorkUnit::Mebibyte),
            Per::Second => None,
        }
    }
}

/// A stretch of the way that is too short to be told apart any further.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The step of its lowest level.
    pub at: f64,
    /// The lowest level, in bytes.
    pub low: f64,
    /// The highest level, in bytes.
    pub high: f64,
}

/// The way of one trace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Course {
    /// What its steps are.
    pub per: Per,
    /// From the first step to before the teardown; sorted.
    pub points: Vec<Point>,
    /// The steps of the whole way.
    pub steps: f64,
    /// The seconds that it took.
    pub seconds: f64,
    /// Steps from one thing known to the next: between samples, or between changes of the counter where
    /// those are rarer.
    pub resolution: f64,
    /// The share of the time until the last step that had passed before the first.
    pub waited: f64,
    /// The level then, in bytes.
    pub level_before: f64,
    /// Threads alive along the way.
    pub threads: Counts,
    /// Open descriptors along the way.
    pub descriptors: Counts,
    /// Frames taken in and frames put out, where both are counted: cuts are counted in the former, the way is
    /// in the latter.
    counters: Option<(ProgressClock, ProgressClock)>,
}

impl Course {
    /// The course of a trace by its work; by seconds where none was counted. `None` when this memory was not measured,
    /// or nothing happened.
    ///
    /// `work` is the clock of the series in the unit of its work.
    pub fn of(
        series: &Series,
        (work, unit): (&ProgressClock, WorkUnit),
        memory: Memory,
        k: &Constants,
    ) -> Option<Course> {
        let (per, clock) = match work.is_running() {
            true => (Per::of(unit), work.clone()),
            false => (Per::Second, ProgressClock::of_seconds(series)),
        };
        let (steps, (begin, end)) = clock.last_step().zip(clock.running())?;
        let judged = steps * k.before_teardown;
        let levels = || series.levels(memory).map(|(t_s, level)| (t_s, level.as_f64()));
        let during = levels().filter(|(t_s, _)| *t_s > begin && *t_s <= end);
        let during = during.filter_map(|(t_s, level)| Some((clock.step_at(t_s)?, level)));
        let known: Vec<(f64, f64)> = during.filter(|(at, _)| *at <= judged).collect();
        let mut points = without_short_falls(lowest_and_highest(&known, judged), k.short_fall * steps);
        end_at_last_crest(&mut points, steps, k);
        let both = per.is_counted() && series.frames_in().is_measured() && series.frames_out().is_measured();
        let before = levels().take_while(|(t_s, _)| *t_s <= begin).last();
        (points.len() > 1).then(|| Course {
            per,
            points,
            steps,
            seconds: end - begin,
            resolution: judged / known.len().min(clock.changes_within(0.0, judged)).max(1) as f64,
            waited: begin / end,
            level_before: before.map_or(0.0, |(_, level)| level),
            threads: counts(series.threads(), series, &clock),
            descriptors: counts(series.descriptors(), series, &clock),
            counters: both.then(|| (ProgressClock::of_frames_in(series), clock)),
        })
    }

    /// How far the way was gone when a frame of the timeline was taken in: an encoder that looks ahead puts out
    /// frames long after.
    pub fn step_of_frame(&self, frame: u64) -> f64 {
        let frame = frame as f64;
        let Some((taken_in, put_out)) = &self.counters else { return frame };
        taken_in.time_of(frame).and_then(|t_s| put_out.step_at(t_s)).unwrap_or(frame)
    }

    /// By how many steps the way is behind when these frames of the timeline are taken in: the median.
    pub fn behind(&self, frames: &[u64]) -> f64 {
        let behind: Vec<_> = frames.iter().map(|&frame| frame as f64 - self.step_of_frame(frame)).collect();
        stats::median(&behind).unwrap_or_default()
    }

    /// Things known over a part of the way.
    pub fn known_within(&self, (begin, end): (f64, f64)) -> f64 {
        (end - begin) / self.resolution
    }
}

/// Something that is counted along the way: steps, and how many there were.
pub type Counts = Vec<(f64, f64)>;

fn counts(column: &Column<Count>, series: &Series, clock: &ProgressClock) -> Counts {
    let rows = series.t_s().iter().enumerate();
    rows.filter_map(|(row, &t_s)| Some((clock.step_at(t_s)?, column.at(row)?.as_f64()))).collect()
}

/// Of each column of the way, up to its end, the lowest and the highest level.
fn lowest_and_highest(levels: &[(f64, f64)], end: f64) -> Vec<Point> {
    let column = |at: f64| ((at / end * COLUMNS as f64) as usize).min(COLUMNS - 1);
    let point = |levels: &[(f64, f64)]| {
        let by_level = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let (&(at, low), &(_, high)) = levels.iter().min_by(by_level).zip(levels.iter().max_by(by_level))?;
        Some(Point { at, low, high })
    };
    levels.chunk_by(|a, b| column(a.0) == column(b.0)).filter_map(point).collect()
}

/// Leaves out a fall at the end that is higher than any before: with it, nothing of what grew until then would
/// seem to be kept.
fn end_at_last_crest(points: &mut Vec<Point>, steps: f64, k: &Constants) {
    let ending = points.partition_point(|point| point.at < k.judged_to * steps);
    let warm = points.partition_point(|point| point.at < k.judged_from * steps).min(ending);
    let highest_fall = |points: &[Point]| stats::largest_fall(points.iter().map(|point| point.low));
    if highest_fall(&points[ending..]) > k.stopped * highest_fall(&points[warm..ending]) + PAGES {
        let crest = (ending..points.len()).max_by(|&a, &b| points[a].low.total_cmp(&points[b].low));
        points.truncate(crest.map_or(ending, |crest| crest + 1));
    }
}

/// The points without falls that last no longer than `reach` steps, or one point: of each point the lowest of
/// the highest levels around its neighbours (a morphological closing).
fn without_short_falls(mut points: Vec<Point>, reach: f64) -> Vec<Point> {
    let half = reach / 2.0;
    let near = |levels: &[f64], pick: fn(f64, f64) -> f64| -> Vec<f64> {
        let (mut begin, mut end) = (0, 0);
        let around = |place: usize| {
            while points[place].at - points[begin].at > half {
                begin += 1;
            }
            while end < points.len() && points[end].at - points[place].at <= half {
                end += 1;
            }
            let (from, to) = (begin.min(place.saturating_sub(1)), end.max((place + 2).min(points.len())));
            levels[from..to].iter().copied().reduce(pick).unwrap_or(levels[place])
        };
        (0..points.len()).map(around).collect()
    };
    let lows: Vec<_> = points.iter().map(|point| point.low).collect();
    let closed = near(&near(&lows, f64::max), f64::min);
    for (point, low) in points.iter_mut().zip(closed) {
        point.low = low.max(point.low);
        point.high = point.high.max(point.low);
    }
    points
}

/// What memory came to and never gave back: at each step the lowest level from there on, in bytes.
///
/// The future-minimum envelope never falls. What is taken and given back – a frame in flight, a collector's
/// garbage – is not in it, except at its very end, where the future is not known.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    knots: Vec<(f64, f64)>,
}

impl Envelope {
    /// Of these points.
    pub fn of(points: &[Point]) -> Envelope {
        let levels = stats::future_minimum(points.iter().map(|point| point.low));
        Envelope { knots: points.iter().map(|point| point.at).zip(levels).collect() }
    }

    /// Its knots: steps and bytes.
    pub fn knots(&self) -> &[(f64, f64)] {
        &self.knots
    }

    /// At a step, between two knots on the straight line.
    pub fn at(&self, step: f64) -> f64 {
        stats::interpolate(&self.knots, step).unwrap_or_default()
    }
}
