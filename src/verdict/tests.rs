//! Courses of which the shape is known.

use super::*;
use crate::trace::Sample;
use crate::units::{Bytes, Count};

const MIB: f64 = 1_048_576.0;

/// A run of so many frames at 100 frames and 50 samples a second, with this level in bytes at each frame.
fn run(frames: u64, level: impl Fn(f64) -> f64) -> Vec<Sample> {
    let sample = |frame: u64| Sample {
        t_s: frame as f64 / 100.0,
        frames_out: Some(Count::new(frame)),
        anon_bytes: Some(Bytes::new(level(frame as f64) as u64)),
        ..Sample::default()
    };
    (0..=frames).step_by(2).map(sample).collect()
}

fn judged(samples: &[Sample], context: &RunContext) -> RunVerdict {
    judge(&Series::of(samples, &Memory::JUDGED), context)
}

fn stream() -> RunContext {
    RunContext { container: Some("mpegts".into()), ..RunContext::default() }
}

fn shown(frames: u64, level: impl Fn(f64) -> f64) -> Verdict {
    judged(&run(frames, level), &stream()).verdict
}

#[test]
fn a_level_is_a_plateau_and_a_rise_that_stays_a_step() {
    assert_eq!(shown(2000, |_| 50.0 * MIB), Verdict::Plateau);
    assert_eq!(shown(2000, |frame| if frame < 900.0 { 50.0 } else { 60.0 } * MIB), Verdict::Step);
}

#[test]
fn growth_is_told_with_its_size() {
    let verdict = judged(&run(2000, |frame| 50.0 * MIB + 4096.0 * frame), &stream());
    assert_eq!((verdict.verdict, verdict.rule), (Verdict::Growing, Rule::GrewInNearlyEveryBlock));
    let growth = verdict.growth.unwrap();
    assert!((growth.low - 4096.0).abs() < 1.0 && (growth.high - 4096.0).abs() < 1.0, "{growth:?}");
}

#[test]
fn a_cache_that_filled_is_told_with_the_frame_at_which_it_did() {
    let verdict = judged(&run(2000, |frame| 50.0 * MIB + 16384.0 * frame.min(1400.0)), &stream());
    assert_eq!(verdict.verdict, Verdict::PlateauLate);
    assert!((verdict.flat_since.unwrap() - 1400.0).abs() < 20.0, "{:?}", verdict.flat_since);
}

#[test]
fn what_fills_ever_slower_is_open_and_takes_longer_runs() {
    let verdict =
        judged(&run(2000, |frame| 50.0 * MIB + 20.0 * MIB * (1.0 - (-frame / 1500.0).exp())), &stream());
    assert_eq!((verdict.verdict, verdict.rule), (Verdict::Inconclusive, Rule::GrewEverSlower));
    assert_eq!(verdict.needs.frames, Some(6000));
}

#[test]
fn a_rise_just_before_the_end_is_open() {
    let verdict = judged(&run(2000, |frame| if frame < 1850.0 { 50.0 } else { 60.0 } * MIB), &stream());
    assert_eq!((verdict.verdict, verdict.rule), (Verdict::Inconclusive, Rule::RoseTooLate));
}

#[test]
fn falls_are_a_saw_unless_the_troughs_rise() {
    let saw = |frame: f64, trend: f64| 50.0 * MIB + 0.1 * MIB * (frame % 100.0) + trend * frame;
    assert_eq!(shown(2000, |frame| saw(frame, 0.0)), Verdict::Sawtooth);
    let rising = judged(&run(2000, |frame| saw(frame, 8192.0)), &stream());
    assert_eq!((rising.verdict, rising.rule), (Verdict::Growing, Rule::TroughsRise));
}

/// Forty sources, one every fifty frames, each of which takes `first` MiB, seen `lag` frames late, and `leak`
/// bytes a frame.
fn staircase(first: f64, lag: f64, leak: f64) -> RunVerdict {
    let opened = move |frame: f64| ((frame + lag) / 50.0).floor();
    let samples = run(2000, |frame| 50.0 * MIB + first * MIB * opened(frame) + leak * frame);
    let cuts: Vec<_> = (1..40).map(|cut| cut * 50).collect();
    let first_uses = std::iter::once(0).chain(cuts.iter().copied()).collect();
    judged(&samples, &RunContext { cuts, first_uses, ..stream() })
}

#[test]
fn growth_at_cuts_is_told_from_growth_between_wherever_the_engine_sees_them() {
    for lag in [0.0, 13.0, 27.0, 44.0] {
        let verdict = staircase(1.0, lag, 0.0);
        assert_eq!(verdict.verdict, Verdict::GrowsAtCuts, "{lag}");
        let stairs = verdict.staircase.unwrap();
        assert!((stairs.at_first_use.unwrap() / MIB - 1.0).abs() < 0.05, "{stairs:?}");
        assert_eq!(staircase(0.3, lag, 8192.0).verdict, Verdict::Growing, "{lag}");
    }
}

/// So many sources, one every forty frames, and five clips of the first ones once more; the first `kept` sources
/// take 2 MiB each, seen `lag` frames before the cut. As many frames as `behind` says wait for the encoder.
fn used_again(sources: u64, kept: f64, lag: f64, behind: u64) -> RunVerdict {
    let frames = 40 * (sources + 5);
    let opened = move |frame: f64| ((frame + lag + behind as f64) / 40.0).floor().min(sources as f64 - 1.0);
    let mut samples = run(frames, |frame| 50.0 * MIB + 2.0 * MIB * opened(frame).min(kept));
    let cuts: Vec<_> = (1..sources + 5).map(|cut| cut * 40).collect();
    let first_uses = (0..sources).map(|source| source * 40).collect();
    for sample in &mut samples {
        sample.frames_in = sample.frames_out.map(|put_out| Count::new((put_out.get() + behind).min(frames)));
    }
    judged(&samples, &RunContext { cuts, first_uses, ..stream() })
}

#[test]
fn growth_with_sources_has_not_stopped_where_none_was_new() {
    for (lag, behind) in [(0.0, 0), (2.0, 0), (9.0, 0), (0.0, 60), (2.0, 100)] {
        let verdict = used_again(30, 30.0, lag, behind);
        assert_eq!(verdict.verdict, Verdict::GrowsAtCuts, "{lag} {behind}: {:?}", verdict.staircase);
        let stairs = verdict.staircase.unwrap();
        assert!(stairs.first_uses_alone && stairs.quiet == (0, 0), "{stairs:?}");
    }
    assert_eq!(used_again(40, 25.0, 2.0, 0).verdict, Verdict::PlateauLate);
}

#[test]
fn growth_at_cuts_has_not_stopped_where_as_much_was_given_back() {
    let kept = |given_back: f64| {
        let fallen = move |frame: f64| if frame < 1855.0 { 0.0 } else { given_back * MIB };
        let taken = move |frame: f64| 0.3 * MIB * (frame.min(1850.0) / 50.0).floor();
        let samples = run(2000, |frame| 50.0 * MIB + taken(frame) - fallen(frame));
        judged(&samples, &RunContext { cuts: (1..40).map(|cut| cut * 50).collect(), ..stream() })
    };
    assert_eq!(kept(0.0).verdict, Verdict::GrowsAtCuts);
    assert_eq!((kept(2.0).verdict, kept(2.0).rule), (Verdict::Inconclusive, Rule::GivenBackOnce));
}

/// Clips of so many frames, each of which takes 8 MiB over the first frames of it, beside so many threads.
fn smeared(clip: u64, over: f64, threads: u64) -> RunVerdict {
    let taken = |frame: f64| {
        let (clips, within) = ((frame / clip as f64).floor(), frame % clip as f64);
        clips + (within / over).min(1.0)
    };
    let mut samples = run(2000, |frame| 50.0 * MIB + 8.0 * MIB * taken(frame));
    samples.iter_mut().for_each(|sample| sample.threads = Some(Count::new(threads)));
    judged(&samples, &RunContext { cuts: (1..2000 / clip).map(|cut| cut * clip).collect(), ..stream() })
}

#[test]
fn what_short_clips_take_over_some_frames_is_no_growth_between() {
    for (clip, over, threads) in [(10, 7.0, 1), (20, 14.0, 8), (40, 28.0, 16)] {
        let verdict = smeared(clip, over, threads);
        assert_eq!(verdict.rule, Rule::BetweenCutsOpen, "{clip}: {:?}", verdict.staircase);
    }
    assert_eq!(smeared(100, 20.0, 1).verdict, Verdict::GrowsAtCuts);
}

#[test]
fn between_cuts_may_hide_what_is_gained_at_them() {
    let limit = |first: f64| staircase(first, 2.0, 0.0).not_stable_above.unwrap();
    assert!((4.0 * MIB / 50.0..5.0 * MIB / 50.0).contains(&limit(4.0)), "{}", limit(4.0));
    assert!(limit(0.2) < 1.1 * MIB / 50.0, "{}", limit(0.2));
}

#[test]
fn many_sources_leave_holes_that_a_leak_may_fill() {
    let hidden = |sources: u64| {
        let first_uses: Vec<_> = (0..sources).map(|source| source * 50).collect();
        let context = RunContext { cuts: first_uses[1..].to_vec(), first_uses, ..stream() };
        let verdict = judged(&run(2000, |_| 50.0 * MIB), &context);
        assert_eq!(verdict.verdict, Verdict::Plateau);
        verdict.not_stable_above.unwrap() * 1400.0 / MIB
    };
    let (one, four, twenty) = (hidden(1), hidden(4), hidden(20));
    assert!((four - one - 1.5).abs() < 0.01 && (twenty - one - 4.5).abs() < 0.01, "{one} {four} {twenty}");
}

#[test]
fn sources_used_again_cost_nothing_and_cuts_that_leak_cost_at_each() {
    let turns = |at_each: f64| {
        let samples = run(2000, |frame| 50.0 * MIB + at_each * MIB * (frame / 50.0).floor());
        let context =
            RunContext { cuts: (1..40).map(|cut| cut * 50).collect(), first_uses: vec![0, 50], ..stream() };
        judged(&samples, &context)
    };
    assert_eq!(turns(0.0).verdict, Verdict::Plateau);
    assert!(turns(1.0).staircase.unwrap().at_other_use.unwrap() > 0.9 * MIB);
}

#[test]
fn cuts_too_close_to_tell_are_open_and_say_how_many_samples_it_takes() {
    let samples: Vec<_> = run(2000, |frame| 50.0 * MIB + 0.5 * MIB * (frame / 10.0).floor());
    let thinned: Vec<_> = samples.into_iter().step_by(10).collect();
    let context = RunContext { cuts: (1..200).map(|cut| cut * 10).collect(), ..stream() };
    let verdict = judged(&thinned, &context);
    assert_eq!((verdict.verdict, verdict.rule), (Verdict::Inconclusive, Rule::CutsTooClose));
    assert!(verdict.needs.samples > Some(200), "{:?}", verdict.needs);
}

#[test]
fn too_short_a_run_says_how_long_it_takes_but_still_has_a_level() {
    let verdict = judged(&run(300, |frame| 50.0 * MIB + 100.0 * frame), &stream());
    assert_eq!((verdict.rule, verdict.needs.frames), (Rule::TooShort, Some(685)));
    assert!(verdict.level.unwrap().peak > Bytes::from_mib(50));
    assert_eq!(judged(&[], &stream()).rule, Rule::NothingMeasured);
}

#[test]
fn what_would_settle_a_run_is_never_what_it_had_already() {
    let all = run(2000, |frame| 50.0 * MIB + 2000.0 * frame);
    for (frames, thinned) in (1..=20).flat_map(|hundreds| [1, 20, 70, 200].map(|by| (hundreds * 50, by))) {
        let mut samples: Vec<_> = all[..=frames / 2].iter().step_by(thinned).cloned().collect();
        // The counter is read once more when the export has ended.
        samples.push(Sample { anon_bytes: None, ..all[frames / 2] });
        let known = samples.len() as u64;
        for uncounted in [false, true] {
            if uncounted {
                samples.iter_mut().for_each(|sample| sample.frames_out = None);
            }
            let verdict = judged(&samples, &stream());
            let told = format!("{frames} frames, {known} samples: {:?} {:?}", verdict.rule, verdict.needs);
            assert!(verdict.needs.frames.is_none_or(|frames| frames as f64 > verdict.steps), "{told}");
            assert!(verdict.needs.samples.is_none_or(|samples| samples > known), "{told}");
            let short = matches!(verdict.rule, Rule::TooShort | Rule::TooFewSamples);
            assert!(!short || verdict.needs != Needs::default(), "{told}");
        }
    }
}

#[test]
fn a_run_that_is_long_enough_takes_more_samples_unless_it_has_them() {
    let ends_at = |frame: f64, every: usize| {
        let mut samples: Vec<_> = run(906, |_| 50.0 * MIB).into_iter().step_by(every).collect();
        for sample in samples.iter_mut().filter(|sample| sample.t_s > frame / 100.0) {
            sample.anon_bytes = None;
        }
        let verdict = judged(&samples, &stream());
        assert_eq!((verdict.rule, verdict.steps), (Rule::TooShort, 906.0));
        (verdict.needs.frames, verdict.needs.samples)
    };
    assert_eq!(ends_at(604.0, 151), (None, Some(35)));
    assert_eq!(ends_at(604.0, 1), (Some(1812), None));
}

#[test]
fn what_was_taken_before_the_first_frame_may_be_more_for_a_longer_export() {
    let mut samples = run(2000, |_| 800.0 * MIB);
    samples.iter_mut().for_each(|sample| sample.t_s += 30.0);
    let reading = (0..1500).map(|tick| Sample {
        t_s: f64::from(tick) / 50.0,
        frames_out: Some(Count::ZERO),
        anon_bytes: Some(Bytes::new((f64::from(tick) * 0.53 * MIB) as u64)),
        ..Sample::default()
    });
    let all: Vec<_> = reading.chain(samples).collect();
    assert_eq!(judged(&all, &stream()).rule, Rule::FilledBeforeTheFirstFrame);
}

#[test]
fn shared_memory_that_grows_is_growth_although_it_is_not_anonymous() {
    let mut samples = run(2000, |_| 50.0 * MIB);
    for (row, sample) in samples.iter_mut().enumerate() {
        sample.shmem_bytes = Some(Bytes::new(row as u64 * 20_000));
    }
    let verdict = judged(&samples, &stream());
    assert_eq!((verdict.verdict, verdict.memory), (Verdict::Growing, Some("shared memory".into())));
}

#[test]
fn an_index_is_expected_of_a_file_that_keeps_one_and_of_no_stream() {
    let index = |frame: f64| 50.0 * MIB + 400.0 * frame;
    let file = RunContext { container: Some("mp4".into()), ..RunContext::default() };
    assert_eq!(judged(&run(2000, index), &file).verdict, Verdict::Plateau);
    assert_eq!(judged(&run(2000, index), &stream()).verdict, Verdict::Growing);
    let picture_only = RunContext { packets_per_frame: Some(1.0), ..file };
    assert_eq!(judged(&run(2000, index), &picture_only).verdict, Verdict::Growing);
}

#[test]
fn cues_are_expected_of_a_file_of_keyframes_and_of_what_may_be_one() {
    let cues = run(16_000, |frame| 50.0 * MIB + 41.0 * frame);
    for (container, verdict) in [
        ("matroska", Verdict::Plateau),
        ("webm", Verdict::Plateau),
        ("stream", Verdict::Plateau),
        ("nut", Verdict::Plateau),
        ("mpegts", Verdict::Growing),
        ("null", Verdict::Growing),
    ] {
        let context = RunContext { container: Some(container.into()), ..RunContext::default() };
        assert_eq!(judged(&cues, &context).verdict, verdict, "{container}");
    }
}

#[test]
fn heaps_of_threads_may_take_what_would_be_growth_of_a_single_one() {
    let shown = |threads: u64, gain: f64, evenly: bool| {
        let taken = |frame: f64| if evenly { frame } else { frame + 110.0 * (frame / 60.0).sin() };
        let mut samples = run(2000, |frame| 50.0 * MIB + gain * MIB * taken(frame) / 1400.0);
        let count = (threads > 0).then(|| Count::new(threads));
        samples.iter_mut().for_each(|sample| sample.threads = count);
        judged(&samples, &stream()).verdict
    };
    let (growing, plateau) = (Verdict::Growing, Verdict::Plateau);
    assert_eq!([1, 16].map(|threads| shown(threads, 0.6, true)), [growing, growing]);
    assert_eq!([1, 16].map(|threads| shown(threads, 0.6, false)), [growing, plateau]);
    assert_eq!(shown(0, 0.6, false), Verdict::Inconclusive, "they were not counted");
    assert_eq!([1.2, 1.6].map(|gain| shown(16, gain, false)), [Verdict::Inconclusive, growing]);
}

/// A rise of so many MiB at frame 1,000, over so many frames, and so many in all from the beginning to the end.
fn risen(step: f64, over: f64, beside: f64) -> Verdict {
    let rise = move |frame: f64| ((frame - 1000.0) / over).clamp(0.0, 1.0);
    let lumps = move |frame: f64| (frame / 150.0).floor() * 150.0 / 1400.0;
    shown(2000, move |frame| (50.0 + step * rise(frame) + beside * lumps(frame)) * MIB)
}

#[test]
fn a_single_step_may_have_little_beside_it() {
    assert_eq!(risen(8.0, 20.0, 0.5), Verdict::Step);
    assert_ne!(risen(8.0, 20.0, 1.5), Verdict::Step, "what is beside it is more than may hide");
    assert_ne!(risen(1.5, 20.0, 0.5), Verdict::Step, "what is beside it is a quarter of all");
    assert_ne!(risen(8.0, 400.0, 0.5), Verdict::Step, "it is no step, but a slope");
    let late = shown(
        2000,
        |frame| if frame < 1790.0 { 50.0 } else { 60.0 } * MIB + 0.3 * MIB * (frame / 150.0).floor(),
    );
    assert_ne!(late, Verdict::Step, "nothing is known of what follows it");
}

#[test]
fn a_counter_that_changes_rarely_is_enough_for_what_is_plain() {
    let counted = |every: u64, level: &dyn Fn(f64) -> f64| {
        let mut samples = run(2000, level);
        for sample in &mut samples {
            sample.frames_out = sample.frames_out.map(|frame| Count::new(frame.get() / every * every));
        }
        judged(&samples, &stream()).verdict
    };
    for every in [20, 100] {
        assert_eq!(counted(every, &|_| 50.0 * MIB), Verdict::Plateau);
        assert_eq!(counted(every, &|frame| 50.0 * MIB + 20_000.0 * frame), Verdict::Growing);
    }
    assert_eq!(counted(100, &|frame| 50.0 * MIB + 1000.0 * frame), Verdict::Inconclusive);
    assert_eq!(counted(250, &|_| 50.0 * MIB), Verdict::Inconclusive);
    // So few samples may meet a saw higher up at each tooth.
    let sampled: Vec<_> = run(2000, |frame| 50.0 * MIB + 20_000.0 * frame).into_iter().step_by(50).collect();
    assert_eq!(judged(&sampled, &stream()).rule, Rule::TooFewSamples);
}

/// Clips of these lengths in turn, each of which takes 200 KiB when it begins, and `leak` bytes a frame.
fn unequal(lengths: &[u64], leak: f64) -> Verdict {
    let mut cuts: Vec<u64> = Vec::new();
    for length in lengths.iter().cycle() {
        match cuts.last().unwrap_or(&0) + length {
            cut if cut < 12_000 => cuts.push(cut),
            _ => break,
        }
    }
    let begun = |frame: f64| cuts.partition_point(|&cut| cut as f64 <= frame) as f64;
    let samples = run(12_000, |frame| 50.0 * MIB + 204_800.0 * begun(frame) + leak * frame);
    judged(&samples, &RunContext { cuts: cuts.clone(), ..stream() }).verdict
}

#[test]
fn clips_of_unequal_lengths_that_take_memory_are_no_growth_between_them() {
    for lengths in [&[60][..], &[20, 60, 130, 45, 90, 33], &[200, 12, 61, 28, 350, 90, 40, 15, 77]] {
        assert_eq!(unequal(lengths, 0.0), Verdict::GrowsAtCuts, "{lengths:?}");
        assert_eq!(unequal(lengths, 16_384.0), Verdict::Growing, "{lengths:?}");
    }
}

#[test]
fn what_happened_while_nothing_was_looked_at_is_not_known() {
    let step = |frame: f64| if frame < 1000.0 { 50.0 } else { 58.0 } * MIB;
    let is_unseen = |sample: &Sample| (520.0..1880.0).contains(&(sample.t_s * 100.0));
    let unsampled: Vec<_> = run(2000, step).into_iter().filter(|sample| !is_unseen(sample)).collect();
    assert_eq!(judged(&unsampled, &stream()).rule, Rule::TooFewSamples);
    let mut uncounted = run(2000, step);
    for sample in uncounted.iter_mut().filter(|sample| is_unseen(sample)) {
        sample.frames_out = Some(Count::new(520));
    }
    assert_eq!(judged(&uncounted, &stream()).rule, Rule::TooFewSamples);
}

#[test]
fn a_leak_that_one_fall_hides_is_below_the_limit() {
    let dip = |frame: f64| if (3220.0..3300.0).contains(&frame) { 6.0 } else { 0.0 };
    let freed = |frame: f64| if frame > 3200.0 { 1.6 } else { 0.0 };
    for (leak, fallen) in [(1100.0, &dip as &dyn Fn(f64) -> f64), (600.0, &freed)] {
        let samples = run(4000, |frame| 50.0 * MIB + leak * frame - fallen(frame) * MIB);
        let verdict = judged(&samples, &stream());
        assert!(verdict.verdict.is_stable(), "{:?}", verdict.rule);
        assert!(verdict.not_stable_above.unwrap() > leak, "{leak} of {:?}", verdict.not_stable_above);
    }
}

#[test]
fn by_seconds_as_little_is_no_growth_as_by_frames() {
    let mut samples = run(20_000, |frame| 50.0 * MIB + 20.0 * frame);
    assert_eq!(judged(&samples, &stream()).verdict, Verdict::Plateau);
    samples.iter_mut().for_each(|sample| sample.frames_out = None);
    assert_eq!(judged(&samples, &stream()).verdict, Verdict::Plateau);
}

#[test]
fn sources_that_are_closed_do_not_add_up_however_the_last_ones_rise() {
    // Of each clip one source of another size is open, and closed at the next cut: the last are the largest.
    let sizes = [4.0, 19.0, 7.0, 12.0, 5.0, 9.0, 3.0, 6.0, 8.0, 5.0, 11.0, 14.0];
    let samples = run(2400, |frame| (60.0 + sizes[((frame / 200.0) as usize).min(11)]) * MIB);
    let context = RunContext { cuts: (1..12).map(|cut| cut * 200).collect(), ..stream() };
    let verdict = judged(&samples, &context);
    assert_eq!((verdict.verdict, verdict.rule), (Verdict::Inconclusive, Rule::GivenBackOnce));
}

#[test]
fn what_has_been_collected_once_may_be_again() {
    let collected = |fell_at: f64, slope: f64| {
        judged(
            &run(6000, |frame| 70.0 * MIB + slope * (frame - if frame < fell_at { 0.0 } else { fell_at })),
            &stream(),
        )
    };
    let open = collected(2200.0, 5000.0);
    assert_eq!((open.verdict, open.rule), (Verdict::Inconclusive, Rule::GivenBackOnce));
    assert_eq!(collected(1000.0, 5000.0).verdict, Verdict::Growing, "it rose five times as far since");
}

#[test]
fn a_leak_that_uneven_troughs_hide_is_below_the_limit() {
    let base = [9.0, 2.0, 8.0, 1.0, 6.0, 4.0, 7.0, 0.0, 5.0, 3.0, 6.0, 1.0];
    let level = |frame: f64| {
        let tooth = (frame / 500.0) as usize % 12;
        (70.0 + base[tooth] + 0.04 * (frame % 500.0)) * MIB + 500.0 * frame
    };
    let verdict = judged(&run(6000, level), &stream());
    let limit = verdict.not_stable_above.unwrap();
    assert!(verdict.rule != Rule::TroughsDoNotRise || limit > 500.0, "{:?} {limit}", verdict.rule);
    assert_eq!(verdict.verdict, Verdict::Sawtooth);
}

#[test]
fn counters_that_may_be_off_hide_what_they_may_be_off_by() {
    let growth = |frame: f64| 50.0 * MIB + 400.0 * frame;
    let off = RunContext { counter_error_bytes: Some(Bytes::from_mib(1)), ..stream() };
    assert_eq!(judged(&run(2000, growth), &off).verdict, Verdict::Plateau);
    let limit = |context: &RunContext| judged(&run(2000, |_| 50.0 * MIB), context).not_stable_above.unwrap();
    assert!(limit(&off) > limit(&stream()));
}

#[test]
fn a_prediction_is_made_where_the_verdict_allows_it() {
    use prediction::{Fit, Prediction, WhyNot};
    let grows = judged(&run(2000, |frame| 50.0 * MIB + 4096.0 * frame), &stream());
    let told = Prediction::of(&grows, 180_000).unwrap();
    assert!((told.estimate.mib() - (50.0 + 4096.0 * 180_000.0 / MIB)).abs() < 1.0, "{told:?}");
    assert_eq!(told.fit(Bytes::from_mib(4096)), Fit::Fits);
    assert_eq!(told.fit(Bytes::from_mib(500)), Fit::DoesNotFit);
    assert_eq!(told.fit(told.estimate), Fit::Open);
    assert!(!told.if_cuts_go_on);
    let cuts = RunContext {
        cuts: (1..40).map(|cut| cut * 50).collect(),
        first_uses: (0..40).map(|cut| cut * 50).collect(),
        ..stream()
    };
    let stairs = judged(&run(2000, |frame| 50.0 * MIB + 4.0 * MIB * (frame / 50.0).floor()), &cuts);
    let told = Prediction::of(&stairs, 20_000).unwrap();
    assert!(told.if_cuts_go_on, "{stairs:?}");
    assert!((told.estimate.mib() / (50.0 + 4.0 * 400.0) - 1.0).abs() < 0.05, "{told:?}");
    let step = judged(&run(2000, |frame| if frame < 900.0 { 50.0 } else { 60.0 } * MIB), &stream());
    assert_eq!(Prediction::of(&step, 180_000), Err(WhyNot::Verdict));
}
