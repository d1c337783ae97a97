//! Whether an export gets slower as it goes on.

use crate::analysis::ProgressClock;
use crate::stats::{self, Centre, Interval};
use memreel_trace::Series;

/// From 10 % to 40 % of the frames: modules are loaded and look-aheads filled.
const EARLY: (f64, f64) = (0.10, 0.40);
/// From 60 % to 95 %: as far away as can be, and before the encoder is flushed and all is closed.
const LATE: (f64, f64) = (0.60, 0.95);
/// The most blocks that a part is cut into: little is gained by more (Schmeiser, "Batch size effects in the
/// analysis of simulation output", Operations Research 30, 1982).
const MOST_BLOCKS: usize = 10;
/// Fewer blocks know too little of their own spread.
const LEAST_BLOCKS: usize = 3;
/// How much of a block's time may be due to the clock it is read from.
const LARGEST_ERROR: f64 = 0.05;
/// The kernel counts user and system time apart, each in ticks of 10 ms: their sum may be this far off.
const CPU_TICKS_S: f64 = 0.02;
/// Within a block what was counted is known so often at least: else it is the neighbours' as well.
const LEAST_READINGS: usize = 4;
/// A block of fewer frames is that of a few pictures.
const LEAST_FRAMES: f64 = 10.0;

/// How the time that a frame takes changes over an export.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// Seconds a frame from 10 % to 40 % of the frames exported.
    pub early_s_per_frame: f64,
    /// Seconds a frame from 60 % to 95 %.
    pub late_s_per_frame: f64,
    /// Late divided by early, with its 95 % interval.
    pub ratio: Interval,
    /// Blocks that each of the two parts was cut into for that.
    pub blocks: usize,
}

/// What a drift amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Frames take longer late than early, by a tenth at least.
    Slower,
    /// Frames take less time late than early, by a tenth at least.
    Faster,
    /// Frames take as long late as early, to a tenth.
    Steady,
    /// The interval allows more than one of these.
    Open,
}

impl Drift {
    /// A change of less than this is not worth saying.
    ///
    /// CPU times of twelve identical encodes scattered by 11 % on a shared machine, and two halves of
    /// any film differ by some percent. Who waits for an export notices what takes a tenth longer, and an
    /// export that takes forever takes many times as long.
    pub const WORTH_SAYING: f64 = 0.10;

    /// What it amounts to: slower or faster only when the whole interval lies beyond a tenth, steady when
    /// it lies within.
    pub fn pace(&self) -> Pace {
        let (least, most) = (1.0 - Drift::WORTH_SAYING, 1.0 + Drift::WORTH_SAYING);
        match self.ratio {
            Interval { low, .. } if low > most => Pace::Slower,
            Interval { high, .. } if high < least => Pace::Faster,
            Interval { low, high, .. } if low >= least && high <= most => Pace::Steady,
            _ => Pace::Open,
        }
    }

    /// Whether the export gets slower as it goes on, by a tenth at least.
    pub fn is_slower(&self) -> bool {
        self.pace() == Pace::Slower
    }

    fn of(early: &[f64], late: &[f64]) -> Option<Drift> {
        let [from, to] = [Centre::mean(early)?, Centre::mean(late)?];
        let ratio = to.logarithm()?.minus(from.logarithm()?).interval(0.95);
        Some(Drift {
            early_s_per_frame: from.value,
            late_s_per_frame: to.value,
            ratio: Interval { estimate: ratio.estimate.exp(), low: ratio.low.exp(), high: ratio.high.exp() },
            blocks: early.len(),
        })
    }
}

/// The CPU time that a frame takes late in an export, against early.
///
/// The frames that were exported from 10 % to 40 % and from 60 % to 95 % are each cut into the same number
/// of blocks of equal frames. Of each block the CPU seconds a frame are taken between its borders, where
/// CPU time is interpolated between its readings. The ratio is that of the two means; its interval is
/// Welch's for the difference of their logarithms, whose errors come by the delta method.
///
/// Blocks that follow each other are alike where a clip is longer than a block, and then their scatter
/// promises too much. So this is done with three to ten blocks a part, as many as are known well enough,
/// and the widest interval is taken. Of simulated exports without a drift, whose clips differ by a third in
/// what they cost, that holds no drift in 99 of 100 with twelve clips in a part and in 94 with three; the
/// interval of the most blocks alone in 89 and in 66.
///
/// **Limits.** Where one or two clips fill a part it is still too narrow: of 100 such exports 80 have
/// one that holds no drift, six are called slower and as many faster. And content differs: a film whose second half is harder to encode is
/// slower late, and nothing is wrong with the exporter; looped content, or the same clips in another
/// order, tell the two apart. Of fewer than about a thousand frames the ends of an encoder's look-ahead,
/// which are cheap, reach into the parts.
///
/// `None` when CPU time was not measured all along or fell, when the export was too short for three blocks
/// a part, each with ten frames, four readings, four changes of the frame counter and so much CPU time
/// that the kernel's ticks are 5 % of it at most.
pub fn cpu_drift(clock: &ProgressClock, series: &Series) -> Option<Drift> {
    let read = cpu_readings(series);
    let (begin, end) = (at_share(clock, EARLY.0)?, at_share(clock, LATE.1)?);
    let is_known = read.first()?.0 <= begin && read.last()?.0 >= end;
    // Of the teardown nothing is asked: what it no longer counts may fall.
    if !is_known || read.windows(2).any(|pair| pair[0].0 < end && pair[1].1 < pair[0].1) {
        return None;
    }
    let is_fine = |from_s: f64, to_s: f64, spent_s: f64| {
        let before = |t_s: f64| read.partition_point(|reading| reading.0 < t_s);
        spent_s * LARGEST_ERROR >= CPU_TICKS_S && before(to_s) - before(from_s) >= LEAST_READINGS
    };
    drift(clock, |t_s| stats::interpolate(&read, t_s), is_fine)
}

/// The time that a frame takes late in an export, against early: as [`cpu_drift`], for recordings without
/// CPU time.
///
/// **Limits.** Those of [`cpu_drift`]; and whatever else runs on the machine counts. Of 70 real exports on a
/// shared machine, none of them known to drift, 2 are slower by this and 4 faster, by up to a factor of
/// two: a second run must show the same before it is believed.
///
/// `None` when the export was too short for three blocks a part, each with ten frames, four changes of the
/// frame counter and twenty samples.
pub fn wall_drift(clock: &ProgressClock, series: &Series) -> Option<Drift> {
    let sampled_s = series.end_s()? / series.len().checked_sub(1)? as f64;
    drift(clock, Some, |_, _, spent_s| spent_s * LARGEST_ERROR >= sampled_s)
}

/// Seconds and CPU time in seconds, where it was read.
fn cpu_readings(series: &Series) -> Vec<(f64, f64)> {
    let rows = series.t_s().iter().enumerate();
    rows.filter_map(|(row, &t_s)| Some((t_s, series.cpu_s().at(row)?))).collect()
}

/// The instant at which this share of the frames was exported.
fn at_share(clock: &ProgressClock, share: f64) -> Option<f64> {
    clock.time_of(share * clock.last_step()?)
}

/// The drift with as many blocks as leave it the least certain, of those that are all fine.
///
/// `spent` is the time that was spent up to an instant; `is_fine` says of a block's begin, end and time
/// spent whether that is known well enough.
fn drift(
    clock: &ProgressClock,
    spent: impl Fn(f64) -> Option<f64>,
    is_fine: impl Fn(f64, f64, f64) -> bool,
) -> Option<Drift> {
    let of = |part, count| blocks(clock, part, count, &spent, &is_fine);
    let with = |count| Drift::of(&of(EARLY, count)?, &of(LATE, count)?);
    let width = |drift: &Drift| drift.ratio.high / drift.ratio.low;
    let drifts = (LEAST_BLOCKS..=MOST_BLOCKS).filter_map(with);
    drifts.max_by(|a, b| width(a).total_cmp(&width(b)))
}

/// Seconds a frame in each of the blocks of a part; `None` unless all are fine.
fn blocks(
    clock: &ProgressClock,
    (low, high): (f64, f64),
    count: usize,
    spent: impl Fn(f64) -> Option<f64>,
    is_fine: impl Fn(f64, f64, f64) -> bool,
) -> Option<Vec<f64>> {
    let frames = clock.last_step()?;
    let (first, block) = (low * frames, (high - low) * frames / count as f64);
    let seconds_a_frame = |index: usize| {
        let (from, to) = (first + block * index as f64, first + block * (index + 1) as f64);
        let (from_s, to_s) = (clock.time_of(from)?, clock.time_of(to)?);
        let spent_s = spent(to_s)? - spent(from_s)?;
        let is_fine = clock.changes_within(from, to) >= LEAST_READINGS && is_fine(from_s, to_s, spent_s);
        is_fine.then_some(spent_s / block)
    };
    if block < LEAST_FRAMES { None } else { (0..count).map(seconds_a_frame).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::Random;
    use memreel_trace::Sample;
    use memreel_trace::units::Count;

    /// An export by one busy core, whose frames take so many CPU seconds at a share of the way: sampled
    /// every 20 ms, CPU time read every 100 ms and counted in ticks, user and system time apart.
    fn export(frames: u64, cpu_s: impl Fn(f64) -> f64) -> Vec<Sample> {
        let mut done_s = vec![0.0];
        for frame in 0..frames {
            done_s.push(done_s[frame as usize] + cpu_s(frame as f64 / frames as f64));
        }
        let sample = |tick: usize| {
            let t_s = tick as f64 * 0.02;
            let done = done_s.partition_point(|&at| at <= t_s) as u64 - 1;
            let counted = (ticks(0.8 * t_s) + ticks(0.2 * t_s)) / 100.0;
            let cpu_s = tick.is_multiple_of(5).then_some(counted);
            Sample { t_s, frames_out: Some(Count::new(done)), cpu_s, ..Sample::default() }
        };
        (0..=(done_s[frames as usize] / 0.02) as usize + 5).map(sample).collect()
    }

    fn ticks(seconds: f64) -> f64 {
        (seconds * 100.0).floor()
    }

    fn drifts(samples: &[Sample]) -> [Option<Drift>; 2] {
        let series = Series::of(samples, &[]);
        let clock = ProgressClock::of_frames(&series);
        [cpu_drift(&clock, &series), wall_drift(&clock, &series)]
    }

    /// Clips of 50 frames, each up to so much dearer or cheaper than the mean.
    fn clips(share: f64, scatter: f64) -> f64 {
        1.0 + scatter * ((share * 2000.0 / 50.0).floor() * 2.399_963).sin()
    }

    #[test]
    fn an_export_that_takes_twice_as_long_for_its_last_frames_gets_slower() {
        for drift in drifts(&export(2000, |share| 0.01 * (1.0 + share) * clips(share, 0.2))) {
            let drift = drift.unwrap();
            assert!(drift.is_slower(), "{drift:?}");
            // At a share of 0.25 and of 0.775.
            assert!(drift.ratio.low < 1.42 && 1.42 < drift.ratio.high, "{drift:?}");
        }
    }

    #[test]
    fn an_export_at_the_same_pace_is_steady_though_cpu_time_comes_in_ticks() {
        for drift in drifts(&export(2000, |_| 0.01)) {
            let drift = drift.unwrap();
            assert_eq!(drift.pace(), Pace::Steady, "{drift:?}");
            assert!((drift.early_s_per_frame - 0.01).abs() < 2e-4, "{drift:?}");
            assert!((drift.ratio.estimate - 1.0).abs() < 0.02, "{drift:?}");
        }
    }

    #[test]
    fn clips_that_differ_much_leave_it_open_and_are_not_called_slower() {
        let [cpu, wall] = drifts(&export(2000, |share| 0.01 * clips(share, 0.8)));
        assert_eq!([cpu.unwrap().pace(), wall.unwrap().pace()], [Pace::Open; 2]);
    }

    /// How many of 100 exports of 2,000 frames without a drift, whose clips of this many frames differ by a
    /// third, have an interval that holds none; and how many are called slower or faster.
    fn of_100_without_a_drift(clip: f64) -> (usize, usize) {
        let mut random = Random::seeded(11);
        let mut drift = |_| {
            let costs: Vec<_> =
                (0..=(2000.0 / clip) as usize).map(|_| 0.01 * (0.3 * random.normal()).exp()).collect();
            drifts(&export(2000, |share| costs[(2000.0 * share / clip) as usize]))[0].unwrap()
        };
        let found: Vec<_> = (0..100).map(&mut drift).collect();
        let holds_none = |drift: &&Drift| drift.ratio.low <= 1.0 && drift.ratio.high >= 1.0;
        let is_called = |drift: &&Drift| matches!(drift.pace(), Pace::Slower | Pace::Faster);
        (found.iter().filter(holds_none).count(), found.iter().filter(is_called).count())
    }

    #[test]
    fn clips_that_cost_more_or_less_are_no_drift_though_they_are_longer_than_a_block() {
        for (clip, least, most) in [(50.0, 96, 1), (200.0, 90, 5)] {
            let (holds_none, called) = of_100_without_a_drift(clip);
            assert!(holds_none >= least && called <= most, "{clip}: {holds_none}, {called}");
        }
    }

    #[test]
    fn an_export_that_gets_quicker_is_faster() {
        let [cpu, wall] = drifts(&export(2000, |share| 0.01 * (2.0 - share)));
        assert_eq!([cpu.unwrap().pace(), wall.unwrap().pace()], [Pace::Faster; 2]);
    }

    #[test]
    fn the_start_the_flush_and_the_teardown_are_no_part_of_it() {
        let at_the_ends = |share: f64| if (0.09..0.96).contains(&share) { 0.01 } else { 0.1 };
        for drift in drifts(&export(2000, at_the_ends)) {
            assert_eq!(drift.unwrap().pace(), Pace::Steady, "{drift:?}");
        }
    }

    #[test]
    fn too_little_cpu_time_for_its_ticks_says_nothing() {
        let quick = |frames| drifts(&export(frames, |_| 0.001))[0];
        assert_eq!(quick(3000), None);
        assert_eq!(quick(5000).map(|drift| drift.blocks), Some(3));
        let [cpu, wall] = drifts(&export(90, |_| 0.1));
        assert!(cpu.is_none() && wall.is_none(), "of a handful of frames nothing is known");
    }

    /// The same, by so many cores.
    fn by_cores(mut samples: Vec<Sample>, cores: f64) -> Vec<Sample> {
        let more = |cpu_s| ticks(cpu_s * cores) / 100.0;
        samples.iter_mut().for_each(|sample| sample.cpu_s = sample.cpu_s.map(more));
        samples
    }

    #[test]
    fn what_is_hardly_busy_has_too_little_cpu_time_though_it_takes_long() {
        assert!(matches!(drifts(&by_cores(export(3000, |_| 0.005), 0.1)), [None, Some(_)]));
        assert!(matches!(drifts(&by_cores(export(3000, |_| 0.005), 0.5)), [Some(_), Some(_)]));
    }

    #[test]
    fn many_cores_that_are_read_too_rarely_say_nothing() {
        assert!(matches!(drifts(&by_cores(export(2000, |_| 0.001), 16.0)), [None, None]));
    }

    #[test]
    fn progress_that_is_told_too_rarely_says_nothing() {
        let told = |every: u64| {
            let mut samples = export(2000, |_| 0.01);
            samples.iter_mut().for_each(|sample| {
                let coarse = |frames: Count| Count::new(frames.get() / every * every);
                sample.frames_out = sample.frames_out.map(coarse);
            });
            drifts(&samples)
        };
        assert!(matches!(told(40), [Some(_), Some(_)]));
        assert_eq!(told(80), [None, None]);
    }

    #[test]
    fn cpu_time_that_was_not_measured_or_fell_is_no_pace() {
        let mut samples = export(2000, |_| 0.01);
        samples.iter_mut().filter(|sample| sample.t_s > 15.0).for_each(|sample| sample.cpu_s = None);
        assert!(matches!(drifts(&samples), [None, Some(_)]));
        let mut samples = export(2000, |_| 0.01);
        samples.iter_mut().filter(|sample| sample.t_s > 8.0).for_each(|sample| {
            sample.cpu_s = sample.cpu_s.map(|cpu_s| cpu_s - 5.0);
        });
        assert!(matches!(drifts(&samples), [None, Some(_)]));
        assert_eq!(drifts(&[]), [None, None]);
    }
}
