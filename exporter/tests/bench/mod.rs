//! What the tests work with: a folder, sources and timelines in it, and the program itself.

#![allow(dead_code, reason = "every test file uses another part")]

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use memreel_timeline::{Clip, Item, Rate, RationalTime, TimeRange, Timeline, Track, TrackKind};
use tempfile::TempDir;

/// A folder that goes when the test ends.
pub struct Bench {
    folder: TempDir,
}

/// What a frame's barcode says: source and frame; `None` for a frame without.
pub type Shown = Option<(u16, u32)>;

/// A line of `memreel-export frames`.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameRow {
    pub pts_s: f64,
    pub shown: Shown,
    pub checksum: String,
}

impl Bench {
    pub fn new() -> Bench {
        Bench { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a source of 320x180 at 25 frames a second with B-frames, unless the arguments say
    /// otherwise.
    pub fn source(&self, name: &str, number: u16, frames: u32, arguments: &[&str]) -> PathBuf {
        let path = self.path(name);
        let mut command = program();
        command.args([
            "make-source",
            "--source-number",
            &number.to_string(),
            "--frames",
            &frames.to_string(),
        ]);
        if !arguments.contains(&"--size") {
            command.args(["--size", "320x180"]);
        }
        if !["--video-codec", "--codec", "--preset"].iter().any(|told| arguments.contains(told)) {
            command.args(["--preset", "ultrafast", "--video-option", "bf=3"]);
        }
        succeed(command.args(arguments).arg(&path));
        path
    }

    /// Writes a timeline.
    pub fn timeline(&self, rate: Rate, tracks: Vec<Track>) -> PathBuf {
        let path = self.path("timeline.otio");
        let timeline = Timeline { name: "test".into(), rate, tracks };
        std::fs::write(&path, memreel_timeline::to_otio(&timeline)).unwrap();
        path
    }

    /// Exports a timeline with the fastest preset; gives the output.
    pub fn export(&self, timeline: &Path, name: &str, arguments: &[&str]) -> PathBuf {
        let output = self.path(name);
        let mut command = program();
        if !arguments.contains(&"--video-codec") {
            command.args(["--preset", "ultrafast"]);
        }
        succeed(command.args(arguments).arg(timeline).arg(&output));
        output
    }

    /// Names of all files in the folder.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// An export whose progress is read as it comes; killed when it is forgotten.
pub struct Watched {
    child: Child,
    progress: Lines<BufReader<ChildStdout>>,
}

impl Watched {
    /// Starts an export with the fastest preset, which tells its progress and rests for a minute when it is
    /// closed, unless the arguments say otherwise.
    pub fn start(timeline: &Path, arguments: &[&str]) -> Watched {
        let mut command = program();
        if !["--preset", "--video-codec"].iter().any(|told| arguments.contains(told)) {
            command.args(["--preset", "ultrafast"]);
        }
        if !arguments.contains(&"--rest") {
            command.args(["--rest", "60"]);
        }
        command.args(["--progress-fd", "1"]).arg(timeline).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let progress = BufReader::new(child.stdout.take().unwrap()).lines();
        Watched { child, progress }
    }

    /// Reads progress up to a line.
    #[track_caller]
    pub fn until(&mut self, wanted: &str) {
        let found = self.progress.by_ref().map_while(Result::ok).any(|line| line == wanted);
        assert!(found, "it ended before `{wanted}`");
    }

    /// Reads progress to its end, which must be a success.
    pub fn finish(mut self) {
        self.progress.by_ref().for_each(drop);
        assert!(self.child.wait().unwrap().success());
    }

    /// Resident anonymous memory now, in bytes.
    pub fn anonymous(&self) -> u64 {
        self.status("RssAnon:")
    }

    /// The most resident memory so far, in bytes.
    pub fn peak(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, key: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// CPU time so far, in seconds: a multiple of the kernel's hundredths.
    pub fn cpu(&self) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The program's name, in brackets, may hold spaces; user and system time are the 14th and 15th field.
        let fields: Vec<_> = text.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
    }

    /// Threads now.
    pub fn threads(&self) -> usize {
        self.count("task")
    }

    /// Open descriptors now.
    pub fn descriptors(&self) -> usize {
        self.count("fd")
    }

    fn count(&self, what: &str) -> usize {
        std::fs::read_dir(format!("/proc/{}/{what}", self.child.id())).unwrap().count()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program under test.
pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_memreel-export"))
}

pub fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{command:?} chatters");
    output
}

/// The one line of a run that failed with this exit code.
pub fn fail(command: &mut Command, code: i32) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{command:?}: {text}");
    if code == 1 {
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.starts_with("memreel-export: "), "{text}");
    }
    text
}

pub fn frames(path: &Path) -> Vec<FrameRow> {
    let output = succeed(program().args(["frames", "--checksum"]).arg(path));
    let table = String::from_utf8(output.stdout).unwrap();
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("frame,pts_s,source,source_frame,checksum"));
    lines
        .enumerate()
        .map(|(number, line)| {
            let cells: Vec<_> = line.split(',').collect();
            assert_eq!(cells[0], number.to_string());
            FrameRow {
                pts_s: cells[1].parse().unwrap(),
                shown: cells[2].parse().ok().zip(cells[3].parse().ok()),
                checksum: cells[4].into(),
            }
        })
        .collect()
}

pub fn shown(path: &Path) -> Vec<Shown> {
    frames(path).into_iter().map(|row| row.shown).collect()
}

/// When a file's bursts begin, in seconds since its first frame.
pub fn bursts(path: &Path) -> Vec<f64> {
    let output = succeed(program().args(["frames", "--audio-bursts"]).arg(path));
    let table = String::from_utf8(output.stdout).unwrap();
    let first = frames(path)[0].pts_s;
    table
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap().parse::<f64>().unwrap() - first)
        .collect()
}

pub fn rate(above: u32, below: u32) -> Rate {
    Rate::new(above, below).unwrap()
}

pub fn pal() -> Rate {
    rate(25, 1)
}

pub fn cut_at(media: &Path, in_point: u64, frames: u64, rate: Rate) -> Item {
    let source_range = TimeRange {
        start_time: RationalTime::new(in_point, rate),
        duration: RationalTime::new(frames, rate),
    };
    let name = media.file_stem().unwrap().to_str().unwrap().into();
    Item::Clip(Clip { name, media: media.into(), source_range })
}

pub fn cut(media: &Path, in_point: u64, frames: u64) -> Item {
    cut_at(media, in_point, frames, pal())
}

pub fn gap(frames: u64) -> Item {
    Item::Gap { duration: RationalTime::new(frames, pal()) }
}

pub fn video(children: Vec<Item>) -> Track {
    Track { name: "V".into(), kind: TrackKind::Video, children }
}

pub fn audio(children: Vec<Item>) -> Track {
    Track { name: "A".into(), kind: TrackKind::Audio, children }
}

/// Frames of one source in a row.
pub fn run(source: u16, in_point: u32, frames: u32) -> Vec<Shown> {
    (in_point..in_point + frames).map(|frame| Some((source, frame))).collect()
}

pub fn black(frames: usize) -> Vec<Shown> {
    vec![None; frames]
}

/// Numbers that look random and are the same each time.
pub fn scattered(count: usize, below: u64) -> Vec<u64> {
    let mut state = 12345u64;
    let next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % below
    };
    std::iter::repeat_with(next).take(count).collect()
}
