//! Families of which the truth is known.

use super::*;
use crate::trace::{Memory, RunContext, Sample, Series};
use crate::units::{Bytes, Count};
use crate::verdict::judge;

const MIB: f64 = 1_048_576.0;

/// A finished job of so many frames and sources whose level at each frame is this, in bytes.
fn job(frames: u64, sources: u64, level: impl Fn(f64) -> f64) -> JobFacts {
    job_of(frames, sources, RunContext::default(), level)
}

/// The same, each source used for as long as the others, one after another.
fn job_with_cuts(frames: u64, sources: u64, level: impl Fn(f64) -> f64) -> JobFacts {
    let uses: Vec<_> = (0..sources).map(|source| source * frames / sources).collect();
    let context = RunContext { cuts: uses[1..].to_vec(), first_uses: uses, ..RunContext::default() };
    job_of(frames, sources, context, level)
}

fn job_of(frames: u64, sources: u64, context: RunContext, level: impl Fn(f64) -> f64) -> JobFacts {
    let sample = |frame: u64| Sample {
        t_s: frame as f64 / 100.0,
        frames_out: Some(Count::new(frame)),
        anon_bytes: Some(Bytes::new(level(frame as f64) as u64)),
        ..Sample::default()
    };
    let samples: Vec<_> = (0..=frames).step_by(2).map(sample).collect();
    let context = RunContext { container: Some("mpegts".into()), ..context };
    let verdict = judge(&Series::of(&samples, &Memory::JUDGED), &context);
    JobFacts { frames, sources, index: false, finished: true, verdict }
}

/// Three repeats of each of these sizes; repeats differ by 20 KiB.
fn family(sizes: &[(u64, u64)], level: impl Fn(u64, u64, f64) -> f64) -> JobsVerdict {
    let jobs = sizes.iter().flat_map(|&(frames, sources)| {
        let level = &level;
        (0..3).map(move |repeat| {
            job(frames, sources, |frame| level(frames, sources, frame) + 20_480.0 * f64::from(repeat))
        })
    });
    judge_jobs(&jobs.collect::<Vec<_>>())
}

#[test]
fn what_grows_in_runs_of_every_length_grows_per_frame() {
    let found = family(&[(1000, 1), (2000, 1)], |_, _, frame| 50.0 * MIB + 4096.0 * frame);
    assert_eq!((found.finding, found.because), (Finding::GrowsPerFrame, Because::RunsGrow));
    let growth = found.along.iter().find(|along| along.with == With::Frame).unwrap().growth;
    assert!((growth.estimate - 4096.0).abs() < 100.0, "{growth:?}");
}

#[test]
fn what_fills_at_the_same_frame_is_bounded_and_at_the_same_share_a_queue() {
    let sizes = [(2000, 1), (4000, 1)];
    let cache = family(&sizes, |_, _, frame| 50.0 * MIB + 16_384.0 * frame.min(1200.0));
    assert_eq!(cache.finding, Finding::Bounded);
    let queue = family(&sizes, |frames, _, frame| 50.0 * MIB + 16_384.0 * frame.min(0.6 * frames as f64));
    assert_eq!((queue.finding, queue.because), (Finding::QueueGrows, Because::StopsAtTheSameShare));
}

/// A job of each of these lengths.
fn one_each(lengths: &[u64], level: impl Fn(u64, f64) -> f64) -> JobsVerdict {
    let jobs: Vec<_> = lengths.iter().map(|&frames| job(frames, 1, |frame| level(frames, frame))).collect();
    judge_jobs(&jobs)
}

#[test]
fn what_stops_in_short_exports_and_grows_in_the_longest_is_not_bounded() {
    let cache = |frames: u64| if frames == 1000 { 571.0 } else { 1e9 };
    let found = one_each(&[1000, 2000], |frames, frame| 50.0 * MIB + 16_384.0 * frame.min(cache(frames)));
    assert_eq!(found.finding, Finding::Inconclusive, "{found:?}");
    let mostly = one_each(&[1000, 1200, 2000], |frames, frame| {
        50.0 * MIB + 16_384.0 * frame.min(if frames < 2000 { 600.0 } else { 1e9 })
    });
    assert_ne!(mostly.finding, Finding::Bounded, "{mostly:?}");
}

#[test]
fn levels_that_rise_with_the_length_are_no_health_for_want_of_repeats() {
    let level = |frames: u64, _: f64| 20.0 * MIB + 1000.0 * frames as f64;
    let found = one_each(&[1000, 2000, 4000], level);
    assert_eq!((found.finding, found.because), (Finding::Inconclusive, Because::LengthsAreOpen), "{found:?}");
    assert_eq!(found.needs.repeats, Some(3));
    assert_eq!(one_each(&[1000, 2000, 4000], |_, _| 20.0 * MIB).finding, Finding::Healthy);
}

#[test]
fn two_numbers_of_sources_leave_open_what_a_third_would_tell() {
    let level = |_: u64, sources: u64, _: f64| (50.0 + 4.0 * sources as f64) * MIB;
    let two = family(&[(1000, 1), (1000, 10)], level);
    assert_eq!((two.finding, two.because), (Finding::Inconclusive, Because::TwoNumbersOfSources));
    let three = family(&[(1000, 1), (1000, 10), (1000, 20)], level);
    assert_eq!((three.finding, three.up_to_sources), (Finding::GrowsPerSource, 20));
    let growth = three.along.iter().find(|along| along.with == With::Source).unwrap();
    assert_eq!(growth.range, (10, 20));
    assert!((growth.growth.estimate / MIB - 4.0).abs() < 0.01, "{growth:?}");
}

#[test]
fn what_the_first_sources_cost_and_the_next_do_not_is_bounded() {
    let level = |_: u64, sources: u64, _: f64| (50.0 + 8.0 * sources.min(5) as f64) * MIB;
    let found = family(&[(1000, 1), (1000, 5), (1000, 20)], level);
    assert_eq!((found.finding, found.because), (Finding::Bounded, Because::LevelsStopRisingWithSources));
}

#[test]
fn steps_at_cuts_that_lead_to_the_same_level_with_more_sources_are_no_growth_with_sources() {
    // From 20 sources on each adds less, the more of them there are: 16 MiB in all.
    let stairs = |sources: u64, frame: f64| {
        let step = (frame / (2000.0 / sources as f64)).floor() / sources as f64;
        (if sources == 1 { 20.0 } else { 40.0 + 16.0 * step }) * MIB
    };
    let jobs = [1, 20, 40].into_iter().flat_map(|sources| {
        (0..3).map(move |repeat| {
            job_with_cuts(2000, sources, |frame| stairs(sources, frame) + 20_480.0 * f64::from(repeat))
        })
    });
    let jobs: Vec<_> = jobs.collect();
    assert!(jobs[3..].iter().all(|job| job.verdict.verdict == Verdict::GrowsAtCuts), "the runs grow");
    let found = judge_jobs(&jobs);
    assert_eq!((found.finding, found.because), (Finding::Bounded, Because::LevelsStopRisingWithSources));
    // Fewer repeats than say something of levels are enough to keep it open.
    let twice: Vec<_> =
        jobs.iter().enumerate().filter(|(at, _)| at % 3 < 2).map(|(_, job)| job.clone()).collect();
    let open = judge_jobs(&twice);
    assert_eq!((open.finding, open.because), (Finding::Inconclusive, Because::SourcesAreOpen));
    // With one number of sources there is nothing to hold against what the runs show.
    let alone = judge_jobs(&jobs[6..]);
    assert_eq!((alone.finding, alone.because), (Finding::GrowsPerSource, Because::RunsGrowAtFirstUses));
}

#[test]
fn nothing_that_grows_is_healthy_and_nothing_measured_is_open() {
    assert_eq!(family(&[(1000, 1), (2000, 1)], |_, _, _| 50.0 * MIB).finding, Finding::Healthy);
    assert_eq!(judge_jobs(&[]).because, Because::NothingMeasured);
}

#[test]
fn what_would_settle_a_family_is_longer_than_its_longest_export_and_counted_in_frames() {
    // A fifth of a second, of which the counter told the end alone.
    let mut short = [(); 3].map(|()| job(20, 1, |_| 50.0 * MIB));
    for job in &mut short {
        let samples = (0..10).map(|tick| Sample {
            t_s: f64::from(tick) / 50.0,
            frames_out: (tick == 9).then_some(Count::new(5)),
            anon_bytes: Some(Bytes::from_mib(50)),
            ..Sample::default()
        });
        let series = Series::of(&samples.collect::<Vec<_>>(), &Memory::JUDGED);
        (job.frames, job.verdict) = (5, judge(&series, &RunContext::default()));
        assert_eq!((job.verdict.per, job.verdict.needs.frames), (Some(Per::Second), Some(5)));
    }
    assert_eq!(judge_jobs(&short).needs.frames, Some(685));
    // As fast for long, and still not counted: 5 s of 3.
    short.iter_mut().for_each(|job| (job.frames, job.verdict.steps) = (3000, 3.0));
    assert_eq!(judge_jobs(&short).needs.frames, Some(5000));
    // One that never put out a frame does not tell how many it takes.
    short.iter_mut().for_each(|job| job.frames = 0);
    assert_eq!(judge_jobs(&short).needs.frames, None);
    // Of two lengths the shorter asks for less than the longer had.
    let fills = |frame: f64| 50.0 * MIB + 20.0 * MIB * (1.0 - (-frame / 900.0).exp());
    let short = [(); 3].map(|()| job(1000, 1, fills));
    let long = job(4000, 1, |_| 50.0 * MIB);
    assert!(short[0].verdict.needs.frames.is_some_and(|frames| frames < 4000));
    let jobs: Vec<_> = short.into_iter().chain([long]).collect();
    assert_eq!(judge_jobs(&jobs).needs.frames, Some(8000));
}

#[test]
fn a_family_hides_what_its_usual_run_hides() {
    let mut jobs = [1000, 2000, 4000].map(|frames| job(frames, 1, |_| 50.0 * MIB));
    assert_eq!(judge_jobs(&jobs).not_stable_above, jobs[1].verdict.not_stable_above);
    // Growth a second is no growth a frame.
    jobs.iter_mut().for_each(|job| job.verdict.per = Some(Per::Second));
    assert_eq!(judge_jobs(&jobs).not_stable_above, None);
}

#[test]
fn one_run_that_jumps_does_not_change_what_a_family_shows() {
    let mut jobs: Vec<_> = (0..6).map(|place| job(1000 + 1000 * (place % 2), 1, |_| 50.0 * MIB)).collect();
    jobs[1] = job(2000, 1, |frame| if frame < 900.0 { 50.0 } else { 95.0 } * MIB);
    assert_eq!(judge_jobs(&jobs).finding, Finding::Healthy);
}
