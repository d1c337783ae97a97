//! What an export takes: threads, and decoders only while they are needed.

mod bench;

use std::path::Path;
use std::process::{Child, Stdio};

use bench::*;

/// The highest number of threads that a process was seen to have until it ended.
fn most_threads(mut child: Child) -> usize {
    let tasks = format!("/proc/{}/task", child.id());
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(std::fs::read_dir(&tasks).map_or(0, Iterator::count));
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(child.wait().unwrap().success());
    most
}

fn threads_of(timeline: &Path, arguments: &[&str]) -> usize {
    let mut command = program();
    command.args(["--discard", "--size", "640x360"]).args(arguments).arg(timeline);
    most_threads(command.stdout(Stdio::null()).spawn().unwrap())
}

fn long_timeline(bench: &Bench) -> std::path::PathBuf {
    let sources = [bench.source("a.mp4", 1, 100, &[]), bench.source("b.mkv", 2, 100, &["--codec", "ffv1"])];
    let items = || vec![cut(&sources[0], 5, 90), cut(&sources[1], 5, 40), gap(10)];
    bench.timeline(pal(), vec![video(items()), audio(items())])
}

#[test]
fn one_thread_is_one_thread_and_a_background_export_has_two() {
    let bench = Bench::new();
    let timeline = long_timeline(&bench);
    assert_eq!(threads_of(&timeline, &["--threads", "1"]), 1);
    assert_eq!(threads_of(&timeline, &["--threads", "1", "--driver", "background"]), 2);
    assert_eq!(threads_of(&timeline, &["--threads", "1", "--render-threads", "2"]), 2);
    assert!(threads_of(&timeline, &["--threads", "4"]) > 4);
}

#[test]
fn a_decoder_is_open_from_its_first_cut_to_its_last_frame() {
    let bench = Bench::new();
    let [a, b, c] = [("a", 1), ("b", 2), ("c", 3)]
        .map(|(name, number)| bench.source(&format!("{name}.mp4"), number, 60, &[]));
    let items = vec![cut(&a, 3, 10), cut(&b, 20, 10), cut(&a, 30, 10), gap(5), cut(&c, 0, 10)];
    let timeline = bench.timeline(pal(), vec![video(items)]);
    let output = succeed(program().args(["--threads", "1", "--discard", "--progress-fd", "1"]).arg(timeline));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("memreel-export-progress 1"));

    let (mut events, mut taken) = (Vec::new(), 0);
    for line in lines {
        match line.split_once(' ').unwrap() {
            ("export" | "closed", number) => assert_eq!(number, "1"),
            ("frames", counts) => taken = counts.split_once(' ').unwrap().0.parse().unwrap(),
            (event, path) => {
                events.push((event, Path::new(path).file_stem().unwrap().to_str().unwrap(), taken))
            }
        }
    }
    // A decoder is closed while its last frame is rendered, just before that one is counted.
    let wanted = [
        ("open", "a", 0),
        ("open", "b", 10),
        ("close", "b", 19),
        ("close", "a", 29),
        ("open", "c", 35),
        ("close", "c", 44),
    ];
    assert_eq!(events, wanted);
    assert!(text.ends_with("frames 45 45\nclosed 1\n"), "{text}");
}

#[test]
fn both_counters_end_at_the_number_of_frames_and_never_fall() {
    let bench = Bench::new();
    let timeline = long_timeline(&bench);
    let output = succeed(program().args(["--discard", "--progress-fd", "1"]).arg(timeline));
    let text = String::from_utf8(output.stdout).unwrap();
    let counts: Vec<(u64, u64)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("frames ")?.split_once(' '))
        .map(|(taken, put)| (taken.parse().unwrap(), put.parse().unwrap()))
        .collect();
    assert!(counts.windows(2).all(|pair| pair[0].0 + pair[0].1 + 1 == pair[1].0 + pair[1].1));
    assert_eq!(counts.last(), Some(&(140, 140)));
}
