//! Several exports in one process: each is opened and closed whole, and told apart.

mod bench;

use std::path::PathBuf;
use std::time::Instant;

use bench::*;

const MIB: u64 = 1 << 20;

/// Two sources and sound, 60 frames.
fn two_sources(bench: &Bench) -> PathBuf {
    let sources = [bench.source("a.mp4", 1, 60, &[]), bench.source("b.mp4", 2, 60, &[])];
    let items = || vec![cut(&sources[0], 3, 30), cut(&sources[1], 5, 30)];
    bench.timeline(pal(), vec![video(items()), audio(items())])
}

/// The events of an export and the counts of frames at which they came.
fn events(text: &str) -> Vec<(String, u64, u64)> {
    let (mut events, mut counts) = (Vec::new(), (0, 0));
    for line in text.lines().skip(1) {
        match line.split_once(' ').unwrap() {
            ("frames", both) => {
                let (taken, put) = both.split_once(' ').unwrap();
                let next = (taken.parse().unwrap(), put.parse().unwrap());
                assert!(next.0 >= counts.0 && next.1 >= counts.1, "{counts:?} falls to {next:?}");
                counts = next;
            }
            ("open" | "close", _) => {}
            _ => events.push((line.to_string(), counts.0, counts.1)),
        }
    }
    events
}

#[test]
fn each_export_is_told_and_frames_are_counted_over_all_of_them() {
    let bench = Bench::new();
    let timeline = two_sources(&bench);
    for (driver, threads) in [("main", "1"), ("main", "2"), ("background", "1"), ("background", "2")] {
        let mut command = program();
        command.args(["--exports", "3", "--discard", "--progress-fd", "1", "--preset", "ultrafast"]);
        let output = succeed(command.args(["--driver", driver, "--threads", threads]).arg(&timeline));
        let text = String::from_utf8(output.stdout).unwrap();
        let wanted = [
            ("export 1", 0),
            ("closed 1", 60),
            ("export 2", 60),
            ("closed 2", 120),
            ("export 3", 120),
            ("closed 3", 180),
        ];
        assert_eq!(events(&text), wanted.map(|(line, frames)| (line.to_string(), frames, frames)));
        assert_eq!(text.matches("open ").count(), 6, "{text}");
        assert_eq!(text.matches("close ").count(), 6, "{text}");
    }
}

#[test]
fn the_output_is_written_anew_each_time_and_the_last_one_is_whole() {
    let bench = Bench::new();
    let timeline = two_sources(&bench);
    let output = bench.path("o.mp4");
    let mut watched =
        Watched::start(&timeline, &["--exports", "2", "--rest", "0.5", output.to_str().unwrap()]);
    watched.until("closed 1");
    std::fs::remove_file(&output).unwrap();
    watched.finish();
    assert_eq!(shown(&output), [run(1, 3, 30), run(2, 5, 30)].concat());
    assert!(!bench.files().iter().any(|name| name.contains("partial")));
}

#[test]
fn what_is_closed_leaves_no_thread_and_no_descriptor() {
    let bench = Bench::new();
    let timeline = two_sources(&bench);
    for driver in ["main", "background"] {
        let arguments =
            ["--exports", "3", "--rest", "0.2", "--threads", "2", "--driver", driver, "--discard"];
        let mut watched = Watched::start(&timeline, &arguments);
        watched.until("closed 1");
        let descriptors = watched.descriptors();
        assert_eq!(watched.threads(), 1);
        watched.until("closed 3");
        assert_eq!((watched.threads(), watched.descriptors()), (1, descriptors));
    }
}

#[test]
fn many_exports_in_one_process_take_no_more_memory_than_a_few() {
    let bench = Bench::new();
    let timeline = two_sources(&bench);
    for driver in ["main", "background"] {
        let arguments =
            ["--exports", "30", "--rest", "0.05", "--threads", "1", "--driver", driver, "--discard"];
        let mut watched = Watched::start(&timeline, &arguments);
        let mut after = |number: u32| {
            watched.until(&format!("closed {number}"));
            watched.anonymous()
        };
        let levels: Vec<_> = (1..=30).map(&mut after).collect();
        // The allocator gives memory back now and then: the highest levels tell, once its pools are full.
        let highest = |levels: &[u64]| levels.iter().copied().max().unwrap();
        let (early, late) = (highest(&levels[10..20]), highest(&levels[20..]));
        assert!(late < early + MIB / 2, "{driver}: {levels:?}");
    }
}

#[test]
fn after_each_export_it_rests() {
    let bench = Bench::new();
    let timeline = two_sources(&bench);
    let began = Instant::now();
    succeed(program().args(["--exports", "3", "--rest", "0.5", "--discard"]).arg(&timeline));
    assert!(began.elapsed().as_secs_f64() >= 1.5);
}

#[test]
fn an_export_that_fails_is_the_last_one() {
    let bench = Bench::new();
    let source = bench.source("s.mp4", 1, 60, &[]);
    let timeline = bench.timeline(pal(), vec![video(vec![cut(&source, 40, 40)])]);
    let mut command = program();
    let output = command.args(["--exports", "3", "--discard", "--progress-fd", "1"]).arg(&timeline).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(text.contains("export 1\n") && !text.contains("closed") && !text.contains("export 2"), "{text}");
}
