//! Faults on demand take the memory that they are asked to take, beside the same export without them.

mod bench;

use std::path::{Path, PathBuf};

use bench::*;

const MIB: f64 = (1 << 20) as f64;

/// A picture of 320x180 in 4:2:0.
const PICTURE: f64 = 320.0 * 180.0 * 1.5;

/// What the decoder of such a file holds, with its file and its pictures: some thirty of these.
const DECODER: f64 = 28.0 * PICTURE;

/// What a process holds when its exports are closed.
struct Left {
    anonymous: f64,
    peak: f64,
    descriptors: usize,
    /// Seconds.
    cpu: f64,
}

/// What is left after so many exports with these arguments.
fn left(timeline: &Path, exports: u32, arguments: &[&str]) -> Left {
    let threads = if arguments.contains(&"--threads") { &[][..] } else { &["--threads", "1"] };
    let exports = exports.to_string();
    let arguments = [&["--discard", "--exports", &exports], threads, arguments].concat();
    // Time enough to look.
    let mut watched = Watched::start(timeline, &[&arguments[..], &["--rest", "1"]].concat());
    watched.until(&format!("closed {exports}"));
    Left {
        anonymous: watched.anonymous() as f64,
        peak: watched.peak() as f64,
        descriptors: watched.descriptors(),
        cpu: watched.cpu(),
    }
}

/// What a fault leaves beyond what is left without it.
fn left_by(fault: &str, timeline: &Path, exports: u32, arguments: &[&str]) -> Left {
    let sound = left(timeline, exports, arguments);
    let faulty = left(timeline, exports, &[arguments, &["--fault", fault]].concat());
    Left {
        anonymous: faulty.anonymous - sound.anonymous,
        peak: faulty.peak - sound.peak,
        descriptors: faulty.descriptors - sound.descriptors,
        cpu: faulty.cpu - sound.cpu,
    }
}

/// Asserts that so many bytes are as many as stated, to 5 % and a MiB of the allocator's own.
#[track_caller]
fn amounts_to(bytes: f64, stated: f64) {
    assert!((bytes - stated).abs() < 0.05 * stated + MIB, "{bytes} bytes, not {stated}");
}

/// A hundred frames of a clip.
fn one_clip(bench: &Bench) -> PathBuf {
    let source = bench.source("s.mp4", 1, 100, &["--no-audio"]);
    bench.timeline(pal(), vec![video(vec![cut(&source, 0, 100)])])
}

/// So many clips, cut from as many sources or all from one.
fn clips(bench: &Bench, clips: u16, sources: u16) -> PathBuf {
    let source = |number| bench.source(&format!("{number}.mp4"), number, 30, &["--no-audio"]);
    let sources: Vec<_> = (1..=sources).map(source).collect();
    let clip = |number| cut(&sources[usize::from(number) % sources.len()], 5, 10);
    bench.timeline(pal(), vec![video((0..clips).map(clip).collect())])
}

#[test]
fn memory_is_kept_for_each_frame() {
    let bench = Bench::new();
    let timeline = one_clip(&bench);
    amounts_to(left_by("keep-per-frame=300000", &timeline, 1, &[]).anonymous, 100.0 * 300_000.0);
    amounts_to(left_by("keep-per-frame=300000", &timeline, 3, &[]).anonymous, 300.0 * 300_000.0);
}

#[test]
fn memory_is_kept_every_so_many_frames() {
    let bench = Bench::new();
    let timeline = one_clip(&bench);
    amounts_to(left_by("keep-per-frame=3000000/10", &timeline, 1, &[]).anonymous, 10.0 * 3e6);
}

#[test]
fn small_pieces_are_kept_for_what_they_are() {
    let bench = Bench::new();
    let timeline = bench.timeline(pal(), vec![video(vec![gap(30_000)])]);
    let arguments = ["--size", "32x32", "--video-codec", "rawvideo"];
    amounts_to(left_by("keep-per-frame=450", &timeline, 1, &arguments).anonymous, 30_000.0 * 450.0);
}

#[test]
fn a_cache_fills_and_grows_no_further() {
    let bench = Bench::new();
    let timeline = one_clip(&bench);
    let full = left_by("cache=1000000,20", &timeline, 1, &[]);
    amounts_to(full.anonymous, 20e6);
    amounts_to(full.peak, 20e6);
    amounts_to(left_by("cache=1000000,20", &timeline, 3, &[]).anonymous, 20e6);
    amounts_to(left_by("cache=1000000,400", &timeline, 1, &[]).anonymous, 100e6);
}

#[test]
fn a_sawtooth_rises_and_falls_to_nothing() {
    let bench = Bench::new();
    let timeline = one_clip(&bench);
    let fallen = left_by("sawtooth=1000000,25", &timeline, 1, &[]);
    assert!(fallen.anonymous < MIB, "{} bytes are left", fallen.anonymous);
    amounts_to(fallen.peak, 25e6);
    amounts_to(left_by("sawtooth=1000000,40", &timeline, 1, &[]).anonymous, 20e6);
}

#[test]
fn a_sawtooth_of_pieces_that_lie_among_others_falls_to_nothing() {
    let bench = Bench::new();
    let fallen = left_by("sawtooth=100000,120", &clips(&bench, 12, 12), 1, &[]);
    assert!(fallen.anonymous < MIB, "{} bytes are left", fallen.anonymous);
}

/// Asserts that so many decoders are left, with their files and, to a fifth, their memory.
#[track_caller]
fn are_decoders(left: &Left, number: usize) {
    assert_eq!(left.descriptors, number);
    let each = left.anonymous / number as f64;
    assert!((0.8..1.2).contains(&(each / DECODER)), "{each} bytes for each of {number}");
}

#[test]
fn a_decoder_is_kept_for_each_source_whatever_the_exports() {
    let bench = Bench::new();
    let timeline = clips(&bench, 12, 12);
    are_decoders(&left_by("keep-decoder=source", &timeline, 1, &[]), 12);
    are_decoders(&left_by("keep-decoder=source", &timeline, 2, &[]), 12);
}

#[test]
fn a_decoder_is_kept_for_each_source_whatever_the_clips() {
    let bench = Bench::new();
    let timeline = clips(&bench, 12, 1);
    assert_eq!(left_by("keep-decoder=source", &timeline, 1, &[]).descriptors, 1);
}

#[test]
fn a_decoder_is_kept_for_each_clip_and_export() {
    let bench = Bench::new();
    let timeline = clips(&bench, 12, 1);
    are_decoders(&left_by("keep-decoder=clip", &timeline, 1, &[]), 12);
    are_decoders(&left_by("keep-decoder=clip", &timeline, 2, &[]), 24);
}

#[test]
fn a_queue_without_bound_holds_what_the_encoder_has_not_taken() {
    let bench = Bench::new();
    let source = bench.source("s.mp4", 1, 400, &["--no-audio"]);
    let timeline = bench.timeline(pal(), vec![video(vec![cut(&source, 0, 400)])]);
    let slow = ["--threads", "1", "--render-threads", "2", "--preset", "veryslow"];
    let peak = left_by("queue", &timeline, 1, &slow).peak;
    assert!((0.6..1.2).contains(&(peak / (400.0 * PICTURE))), "{peak} bytes for 400 frames");
}

#[test]
fn a_queue_needs_a_thread_that_fills_it() {
    let bench = Bench::new();
    let timeline = one_clip(&bench);
    let arguments = ["--fault", "queue", "--threads", "1", "--discard"];
    let line = fail(program().args(arguments).arg(&timeline), 1);
    assert!(line.contains("--render-threads 2"), "{line}");
}

#[test]
fn memory_is_kept_for_each_export() {
    let bench = Bench::new();
    let timeline = one_clip(&bench);
    for exports in [1, 3] {
        let kept = left_by("keep-per-export=10000000", &timeline, exports, &[]);
        amounts_to(kept.anonymous, f64::from(exports) * 1e7);
    }
}

#[test]
fn memory_is_held_once_from_before_the_first_source_to_the_end() {
    let bench = Bench::new();
    let timeline = one_clip(&bench);
    for exports in [1, 3] {
        let held = left_by("hold=30000000", &timeline, exports, &[]);
        amounts_to(held.peak, 3e7);
        amounts_to(held.anonymous, 3e7);
    }
    let arguments = ["--threads", "1", "--discard", "--fault", "hold=300000000"];
    let mut watched = Watched::start(&timeline, &arguments);
    watched.until(&format!("open {}", bench.path("s.mp4").display()));
    assert!(watched.anonymous() as f64 > 3e8, "{}", watched.anonymous());
}

#[test]
fn time_is_spent_on_each_frame() {
    let bench = Bench::new();
    let timeline = one_clip(&bench);
    for (exports, threads) in [(1, "1"), (1, "2"), (2, "1")] {
        let burnt = left_by("burn=10000", &timeline, exports, &["--threads", threads]).cpu;
        let stated = f64::from(exports) * 100.0 * 0.01;
        // The export itself takes a tenth of that, and not the same each time.
        assert!((burnt - stated).abs() < 0.2 * stated, "{burnt} s, not {stated}: {threads} threads");
    }
}

#[test]
fn faults_add_up_and_the_output_is_as_ever() {
    let bench = Bench::new();
    let timeline = one_clip(&bench);
    let both = left_by("keep-per-frame=100000", &timeline, 1, &["--fault", "keep-per-export=20000000"]);
    amounts_to(both.anonymous, 10e6);
    let every = [
        "keep-per-frame=100/7",
        "keep-decoder=clip",
        "cache=10,3",
        "sawtooth=10,3",
        "queue",
        "hold=10",
        "burn=10",
    ];
    let arguments: Vec<_> = every.iter().flat_map(|fault| ["--fault", fault]).collect();
    assert_eq!(shown(&bench.export(&timeline, "o.mp4", &arguments)), run(1, 0, 100));
}

#[test]
fn help_does_not_tell_of_faults() {
    let help = String::from_utf8(succeed(program().arg("--help")).stdout).unwrap();
    assert!(help.contains("--exports") && !help.contains("--fault"), "{help}");
}
