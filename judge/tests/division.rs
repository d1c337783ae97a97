//! With what memory grows, of exports of which each byte is known.

use memreel_judge::shape::Answer;
use memreel_judge::{RunVerdict, With, judge};
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{Memory, RunContext, Sample, Series};

/// Frames of each export.
const FRAMES: u64 = 4000;

/// An export, of which 400 kB are kept at some cuts and so much with each frame.
struct Export {
    cuts: Vec<u64>,
    first_uses: Vec<u64>,
    /// The cuts at which something is kept.
    keeps_at: Vec<u64>,
    /// How many frames before such a cut that is; below zero after it.
    ahead: i64,
    /// Bytes that are kept of each frame.
    per_frame: u64,
    /// The frame counter changes after so many frames.
    counted_every: u64,
}

impl Export {
    /// With these cuts, at each of which 400 kB are kept.
    fn cut_at(cuts: Vec<u64>) -> Export {
        let keeps_at = cuts.clone();
        Export { cuts, first_uses: Vec::new(), keeps_at, ahead: 0, per_frame: 0, counted_every: 4 }
    }

    fn judge(&self) -> RunVerdict {
        let level = |frame: u64| {
            let kept = self.keeps_at.iter().filter(|&&cut| cut as i64 - self.ahead <= frame as i64).count();
            60_000_000 + 400_000 * kept as u64 + self.per_frame * frame
        };
        let sample = |frame: u64| Sample {
            // Some frames take far longer than others.
            t_s: 0.3 + (frame as f64 + 4.0 * (frame as f64 / 5.25).sin()) / 400.0,
            frames_out: Some(Count::new(frame / self.counted_every * self.counted_every)),
            anon_bytes: Some(Bytes::new(level(frame) / 4096 * 4096)),
            ..Sample::default()
        };
        let samples: Vec<_> = (0..=FRAMES).step_by(2).map(sample).collect();
        let context = RunContext {
            container: Some("mpegts".into()),
            cuts: self.cuts.clone(),
            first_uses: self.first_uses.clone(),
            ..RunContext::default()
        };
        judge(&Series::of(&samples, &Memory::JUDGED), &context)
    }
}

/// Cuts after so many frames each.
fn every(frames: u64) -> Vec<u64> {
    (frames..FRAMES).step_by(frames as usize).collect()
}

/// Cuts after 20 to 200 frames, as they come.
fn unequal() -> Vec<u64> {
    let lengths = [137, 23, 181, 64, 199, 42, 112, 88, 20, 155].into_iter().cycle();
    let cuts = lengths.scan(0, |at, frames| {
        *at += frames;
        Some(*at)
    });
    cuts.take_while(|&cut| cut < FRAMES).collect()
}

/// Every fourth of these.
fn every_fourth(cuts: &[u64]) -> Vec<u64> {
    cuts.iter().copied().step_by(4).collect()
}

/// Asserts that memory grows with just this, and that of each of them 400 kB are kept.
#[track_caller]
fn grows_with(verdict: &RunVerdict, with: &[With]) {
    assert_eq!((verdict.grows, &*verdict.with, verdict.unparted), (Answer::Yes, with, false), "{verdict:?}");
    for (what, rate) in [(With::Sources, verdict.growth.source), (With::Cuts, verdict.growth.cut)] {
        if with.contains(&what) {
            let rate = rate.expect("there are enough of them");
            assert!((360e3..440e3).contains(&rate.estimate), "{what:?}: {rate:?}");
            assert!(rate.low <= 404e3 && rate.high >= 396e3, "{what:?}: {rate:?}");
        }
    }
}

#[test]
fn what_is_kept_at_the_cuts_of_unequal_clips_grows_with_cuts() {
    grows_with(&Export::cut_at(unequal()).judge(), &[With::Cuts]);
}

#[test]
fn a_leak_of_each_frame_beside_it_grows_with_frames_too() {
    for cuts in [every(100), unequal()] {
        let verdict = Export { per_frame: 1500, ..Export::cut_at(cuts) }.judge();
        grows_with(&verdict, &[With::Frames, With::Cuts]);
        let frame = verdict.growth.frame.unwrap();
        assert!((1200.0..1800.0).contains(&frame.estimate), "{frame:?}");
    }
}

#[test]
fn a_leak_of_each_frame_is_not_laid_to_cuts_or_sources() {
    for (cuts, first_uses) in [(every(100), Vec::new()), (unequal(), Vec::new()), (every(40), every(160))] {
        let export = Export { keeps_at: Vec::new(), per_frame: 8192, first_uses, ..Export::cut_at(cuts) };
        grows_with(&export.judge(), &[With::Frames]);
    }
}

#[test]
fn what_is_kept_of_each_source_is_told_from_what_is_kept_at_other_cuts() {
    for cuts in [every(40), unequal()] {
        let first_uses = every_fourth(&cuts);
        let of_sources = Export { keeps_at: first_uses.clone(), first_uses, ..Export::cut_at(cuts.clone()) };
        grows_with(&of_sources.judge(), &[With::Sources]);
        let others = |cut: &u64| !of_sources.first_uses.contains(cut);
        let keeps_at = cuts.iter().copied().filter(others).collect();
        let of_others =
            Export { keeps_at, first_uses: of_sources.first_uses.clone(), ..Export::cut_at(cuts) };
        grows_with(&of_others.judge(), &[With::Cuts]);
    }
}

#[test]
fn where_every_cut_is_a_first_use_sources_and_cuts_stay_unparted() {
    let verdict = Export { first_uses: every(50), ..Export::cut_at(every(50)) }.judge();
    assert_eq!((&*verdict.with, verdict.unparted), (&[With::Sources, With::Cuts][..], true));
}

#[test]
fn cuts_closer_than_the_counter_changes_stay_unparted_from_frames() {
    let verdict = Export { counted_every: 20, ..Export::cut_at(every(10)) }.judge();
    assert_eq!((&*verdict.with, verdict.unparted), (&[With::Frames, With::Cuts][..], true));
    let per_frame = verdict.growth.frame.unwrap();
    assert!((36e3..44e3).contains(&per_frame.estimate), "{per_frame:?}");
}

#[test]
fn what_is_taken_ahead_of_a_cut_belongs_to_that_cut() {
    for (ahead, cuts) in [
        (15, every(100)),
        (30, every(100)),
        (-30, every(100)),
        (15, every(40)),
        (-10, every(40)),
        (15, unequal()),
        (25, unequal()),
    ] {
        let first_uses = every_fourth(&cuts);
        let of_sources =
            Export { keeps_at: first_uses.clone(), first_uses, ahead, ..Export::cut_at(cuts.clone()) };
        grows_with(&of_sources.judge(), &[With::Sources]);
        grows_with(&Export { ahead, ..Export::cut_at(cuts) }.judge(), &[With::Cuts]);
    }
}

#[test]
fn two_cuts_are_no_rate() {
    let verdict = Export::cut_at(every(1400)).judge();
    assert_eq!((verdict.grows, verdict.growth.cut), (Answer::No, None));
}

#[test]
fn what_stops_growing_half_way_does_not_grow_with_the_cuts_that_follow() {
    let cuts = every(250);
    let first_uses = cuts.iter().copied().take(3).collect();
    let keeps_at = cuts.iter().copied().filter(|&cut| cut < 2500).collect();
    let verdict = Export { keeps_at, first_uses, ..Export::cut_at(cuts) }.judge();
    assert_eq!((verdict.grows, verdict.with), (Answer::No, Vec::new()));
}
