//! What goes wrong is told in one line, and leaves no file behind.

mod bench;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use bench::*;

fn one_clip(bench: &Bench) -> PathBuf {
    let source = bench.source("s.mp4", 1, 60, &[]);
    bench.timeline(pal(), vec![video(vec![cut(&source, 0, 50)])])
}

fn export_of(bench: &Bench, timeline: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(arguments).arg(timeline).arg(bench.path("o.mp4"));
    command
}

#[test]
fn what_the_encoder_or_container_refuses_is_named_with_the_way_out() {
    let bench = Bench::new();
    let timeline = one_clip(&bench);
    let before = bench.files();
    for (arguments, told) in [
        (&["--video-codec", "libx999"][..], &["libx999", "memreel-export about"][..]),
        (&["--video-codec", "h264"], &["`h264` is a codec, not an encoder", "libx264"]),
        (&["--video-codec", "aac"], &["no video encoder `aac`"]),
        (&["--pixel-format", "rgb24"], &["libx264", "rgb24", "yuv420p", "yuv422p"]),
        (&["--preset", "warp"], &["libx264", "invalid preset 'warp'"]),
        (&["--video-codec", "mpeg4", "--preset", "fast"], &["mpeg4 has no presets"]),
        (&["--video-option", "colour=red"], &["libx264 has no option `colour`"]),
        (&["--video-option", "crf=many"], &["does not take `many` for `crf`"]),
        (&["--format", "tape"], &["unknown container `tape`"]),
        (&["--format", "webm"], &["webm cannot hold h264"]),
        (&["--size", "321x181"], &["cannot open encoder libx264"]),
        (&["--progress-fd", "77"], &["--progress-fd 77 is not open"]),
    ] {
        let line = fail(&mut export_of(&bench, &timeline, arguments), 1);
        assert!(told.iter().all(|part| line.contains(part)), "{arguments:?}: {line}");
        assert_eq!(bench.files(), before, "{arguments:?}");
    }
}

#[test]
fn a_sample_rate_that_the_encoder_does_not_take_is_refused() {
    let bench = Bench::new();
    let source = bench.source("s.mp4", 1, 20, &[]);
    let timeline =
        bench.timeline(pal(), vec![video(vec![cut(&source, 0, 9)]), audio(vec![cut(&source, 0, 9)])]);
    let line = fail(&mut export_of(&bench, &timeline, &["--audio-rate", "47999"]), 1);
    assert!(line.contains("aac does not take 47999") && line.contains("48000"), "{line}");
}

#[test]
fn wrong_usage_has_exit_code_2() {
    for arguments in [
        &[][..],
        &["t.otio"],
        &["--discard", "t.otio", "o.mp4"],
        &["--size", "big", "t.otio", "o.mp4"],
        &["--rate", "0", "t.otio", "o.mp4"],
        &["--pixel-format", "blue", "t.otio", "o.mp4"],
        &["--threads", "0", "t.otio", "o.mp4"],
        &["--video-option", "crf", "t.otio", "o.mp4"],
        &["--exports", "0", "t.otio", "o.mp4"],
        &["--rest", "-1", "t.otio", "o.mp4"],
    ] {
        fail(program().args(arguments), 2);
    }
}

#[test]
fn missing_and_broken_media_are_named() {
    let bench = Bench::new();
    let source = bench.source("s.mp4", 1, 60, &[]);
    let missing =
        bench.timeline(pal(), vec![video(vec![cut(&source, 0, 9), cut(&bench.path("gone.mp4"), 0, 9)])]);
    let line = fail(&mut export_of(&bench, &missing, &[]), 1);
    assert!(line.contains("gone.mp4") && line.contains("clip `gone`") && line.contains("missing"), "{line}");

    let no_media = bench.path("text.mp4");
    fs::write(&no_media, "nothing to see").unwrap();
    let broken = bench.timeline(pal(), vec![video(vec![cut(&no_media, 0, 9)])]);
    let line = fail(&mut export_of(&bench, &broken, &[]), 1);
    assert!(line.contains("clip `text`") && line.contains("text.mp4"), "{line}");
    assert!(!bench.files().iter().any(|name| name.contains("o.mp4")));
}

#[test]
fn a_clip_longer_than_its_file_is_an_error_that_tells_how_long_it_is() {
    let bench = Bench::new();
    let source = bench.source("s.mp4", 1, 60, &[]);
    let timeline = bench.timeline(pal(), vec![video(vec![cut(&source, 40, 22)])]);
    let line = fail(&mut export_of(&bench, &timeline, &[]), 1);
    assert!(line.contains("clip `s`") && line.contains("s.mp4") && line.contains("60 frames"), "{line}");
    let beyond = bench.timeline(pal(), vec![video(vec![cut(&source, 400, 22)])]);
    let line = fail(&mut export_of(&bench, &beyond, &[]), 1);
    assert!(line.contains("60 frames"), "{line}");
    let rounded = bench.timeline(pal(), vec![video(vec![cut(&source, 40, 21)])]);
    let mut wanted = run(1, 40, 20);
    wanted.push(Some((1, 59)));
    assert_eq!(shown(&bench.export(&rounded, "o.mp4", &[])), wanted);
    assert!(!bench.files().iter().any(|name| name.contains("partial")));
}

#[test]
fn a_truncated_source_is_an_error() {
    let bench = Bench::new();
    for name in ["s.mkv", "s.ts", "s.mp4"] {
        let source = bench.source(name, 1, 100, &["--no-audio"]);
        let bytes = fs::read(&source).unwrap();
        fs::write(&source, &bytes[..bytes.len() / 2]).unwrap();
        let timeline = bench.timeline(pal(), vec![video(vec![cut(&source, 0, 100)])]);
        let line = fail(&mut export_of(&bench, &timeline, &["--threads", "4"]), 1);
        assert!(line.contains(name) && line.contains("clip `s`"), "{line}");
        assert!(!bench.files().iter().any(|name| name.contains("o.mp4")));
    }
}

#[test]
fn damaged_packets_are_an_error() {
    let bench = Bench::new();
    for (name, threads) in [("s.mp4", "1"), ("s.mp4", "4"), ("s.mkv", "1")] {
        let source = bench.source(name, 1, 100, &["--no-audio"]);
        let mut bytes = fs::read(&source).unwrap();
        let middle = bytes.len() / 2;
        let noise = scattered(3000, 256);
        bytes[middle..middle + 3000].iter_mut().zip(noise).for_each(|(byte, noise)| *byte = noise as u8);
        fs::write(&source, &bytes).unwrap();
        let timeline = bench.timeline(pal(), vec![video(vec![cut(&source, 0, 100)])]);
        let line = fail(&mut export_of(&bench, &timeline, &["--threads", threads]), 1);
        assert!(line.contains("cannot decode") && line.contains(name), "{line}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let bench = Bench::new();
    let timeline = one_clip(&bench);
    let line = fail(program().args(["--format", "mpegts"]).arg(&timeline).arg("/dev/full"), 5);
    assert!(line.contains("/dev/full") && line.contains("No space left"), "{line}");
    for (format, threads) in [("mp4", "1"), ("mp4", "2"), ("matroska", "1"), ("mpegts", "1")] {
        let script = format!(
            "ulimit -f 64; trap '' XFSZ; exec '{}' --threads {threads} --format {format} '{}' '{}'",
            env!("CARGO_BIN_EXE_memreel-export"),
            timeline.display(),
            bench.path("o.out").display()
        );
        let line = fail(Command::new("sh").args(["-c", &script]), 5);
        assert!(line.contains("cannot write") && line.contains("o.out"), "{line}");
        assert!(!bench.files().iter().any(|name| name.contains("o.out")), "{format}");
    }
}

#[test]
fn an_existing_output_stays_when_its_replacement_fails() {
    let bench = Bench::new();
    let source = bench.source("s.mp4", 1, 60, &[]);
    fs::write(bench.path("o.mp4"), "precious").unwrap();
    let timeline = bench.timeline(pal(), vec![video(vec![cut(&source, 40, 40)])]);
    fail(&mut export_of(&bench, &timeline, &[]), 1);
    assert_eq!(fs::read_to_string(bench.path("o.mp4")).unwrap(), "precious");
}

#[test]
fn an_export_never_replaces_what_it_reads() {
    let bench = Bench::new();
    let timeline = one_clip(&bench);
    for read in [bench.path("s.mp4"), timeline.clone()] {
        let before = fs::read(&read).unwrap();
        let line = fail(program().args(["--format", "mp4"]).arg(&timeline).arg(&read), 1);
        assert!(line.contains("would replace"), "{line}");
        assert_eq!(fs::read(&read).unwrap(), before);
    }
}

#[test]
fn a_watcher_that_went_away_does_not_matter() {
    let bench = Bench::new();
    let timeline = one_clip(&bench);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = export_of(&bench, &timeline, &["--progress-fd", "1", "--preset", "ultrafast"]);
    assert!(command.stdout(writer).status().unwrap().success());
    assert_eq!(shown(&bench.path("o.mp4")).len(), 50);
}

#[test]
fn a_timeline_with_more_than_clips_and_gaps_is_refused_by_name() {
    let bench = Bench::new();
    let timeline = one_clip(&bench);
    let text = fs::read_to_string(&timeline).unwrap();
    fs::write(&timeline, text.replace("Clip.2", "Transition.1")).unwrap();
    let line = fail(&mut export_of(&bench, &timeline, &[]), 1);
    assert!(line.contains("timeline.otio") && line.contains("Transition.1 is not supported yet"), "{line}");
    fs::write(&timeline, "{").unwrap();
    let line = fail(&mut export_of(&bench, &timeline, &[]), 1);
    assert!(line.contains("not an OpenTimelineIO timeline"), "{line}");
    let line = fail(&mut export_of(&bench, &bench.path("none.otio"), &[]), 1);
    assert!(line.contains("cannot read the timeline"), "{line}");
}

#[test]
fn black_alone_needs_a_size() {
    let bench = Bench::new();
    let timeline = bench.timeline(pal(), vec![video(vec![gap(10)])]);
    let line = fail(&mut export_of(&bench, &timeline, &[]), 1);
    assert!(line.contains("--size"), "{line}");
    assert_eq!(shown(&bench.export(&timeline, "o.mp4", &["--size", "320x180"])), black(10));
}
