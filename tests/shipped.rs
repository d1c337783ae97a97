//! The scenarios that come with memreel, exported by both engines as they are: healthy, so that no verdict
//! on them may say that memory leaks, or grows with frames or with cuts.
//!
//! What a single run beside other work shows is a matter of luck: that such exports are decided is tested with
//! recordings of them that were kept (`judge/tests/sets.rs`). Pictures are small and silent: encoding their sound would take
//! most of the time. A UHD export as short as the shipped one has a level, and no verdict.

mod support;

use memreel::report::Report;
use memreel_judge::{Reason, With};
use support::*;

/// Exports a shipped scenario with both engines, threaded and not.
fn shipped(scenario: &str, more: &[&str]) -> Report {
    let bench = Bench::new();
    let text = memreel::scenario::SHIPPED.iter().find(|(name, _)| *name == scenario).unwrap().1;
    // Ten minutes, and large sources, take longer than they tell.
    let text = text.replace("length = \"10m\"", "length = \"160s\"");
    let text =
        text.replace("640x360", "160x90").replace("1280x720", "160x90").replace("3840x2160", "320x180");
    std::fs::write(bench.path().join(format!("{scenario}.toml")), text).unwrap();
    // Ten times as fast as with sound, they are sampled as much more often.
    let silent = [&["--set", "export.audio=false", "--interval", "0.004"], more].concat();
    Report::read(&bench.result_of_file(scenario, &silent)).unwrap()
}

#[track_caller]
fn assert_healthy(report: &Report) {
    for family in report.families() {
        let runs = family.jobs.iter().filter_map(|job| job.measured.as_ref());
        let runs: Vec<_> =
            runs.map(|job| (job.verdict.form, job.verdict.reason, &job.verdict.blocks)).collect();
        let shows = (&family.name, family.verdict.grows, &family.verdict.with, runs);
        // An engine may keep something of each source.
        let at_most = [Vec::new(), vec![With::Sources], vec![With::Sources, With::Cuts]];
        assert!(at_most.contains(&family.verdict.with), "{shows:?}");
        let finished = family.jobs.iter().all(|job| job.measured.is_some());
        assert!(finished && family.verdict.jobs > 0, "{shows:?}");
    }
}

#[test]
fn one_clip_is_healthy() {
    assert_healthy(&shipped("one-clip", &["--size", "160x90"]));
}

#[test]
fn two_clips_are_healthy() {
    assert_healthy(&shipped("two-clips", &["--size", "160x90"]));
}

#[test]
fn forty_clips_are_healthy() {
    assert_healthy(&shipped("forty-clips", &["--size", "160x90"]));
}

#[test]
fn a_long_export_is_healthy() {
    assert_healthy(&shipped("long", &["--size", "160x90"]));
}

#[test]
fn a_short_uhd_export_has_a_level() {
    let report = shipped("uhd", &["--size", "320x180"]);
    for job in report.measured() {
        let peak = job.verdict.peak.as_ref().unwrap();
        assert!(peak.bytes.mib() > 40.0 && peak.anonymous.is_some(), "{peak:?}");
        // Of melt's, each of whose cuts opens a source, that alone may be known.
        if job.engine.name == "ffmpeg" {
            assert_eq!(job.verdict.reason, Some(Reason::TooShort));
        }
        let is_open = job.verdict.reason.is_some();
        assert_eq!(
            job.verdict.needs.frames >= Some(685),
            is_open,
            "{}: {:?}",
            job.engine.name,
            job.verdict.needs
        );
    }
}
