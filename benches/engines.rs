//! Our exporter against the `ffmpeg` command line and against melt, on one timeline.
//!
//! Pairs are interleaved (A B A B …), so that a machine whose speed drifts slows both; what is printed
//! is the ratio pair by pair: its geometric mean with a 95 % interval (Student's t on the logarithms).
//! Before anything is timed, every contestant exports once and its frames are compared with those that
//! the timeline asks for: who does less work is no contestant.
//!
//! `make bench`; `MEMREEL_BENCH_PAIRS`: how many (12); `MEMREEL_BENCH_SOURCES`: the preset that the
//! sources were encoded with (`default`, x264's own: three reference frames and B-frames, as footage has).

mod support;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use memreel::engine::{self, JobFiles};
use memreel::plan::Variant;
use memreel::scenario::EngineName;
use memreel_judge::stats;
use memreel_record::sampler::Live;
use memreel_record::supervise::{self, EngineLimits, Launch, Stop};
use memreel_timeline::{Placed, TrackKind};

use support::{companions, made_variants};

/// The timelines: how many distinct sources, and for how many seconds each is seen.
const TIMELINES: &[(u32, u32)] = &[(12, 2), (40, 1)];

/// One of those who are compared.
struct Contestant {
    name: &'static str,
    command: Vec<OsString>,
    environment: BTreeMap<String, Option<String>>,
    output: PathBuf,
}

/// What one export took.
#[derive(Clone, Copy)]
struct Cost {
    cpu_s: f64,
    wall_s: f64,
    peak_mib: f64,
}

fn main() {
    // `cargo test --benches` only wants to know that it builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let pairs = std::env::var("MEMREEL_BENCH_PAIRS").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let preset = std::env::var("MEMREEL_BENCH_SOURCES").unwrap_or_else(|_| "default".into());
    for &(sources, seconds) in TIMELINES {
        let variants = made_variants(sources, seconds, &preset);
        let exporter = companions().exporter().expect("memreel-export is built: `make build`");
        let contestants = contestants(&variants, folder.path());
        let frames = variants[0].frames().expect("a scripted timeline has frames");
        println!(
            "{sources} sources, {frames} frames of 1280x720, libx264 ultrafast, AAC, MP4, one thread; {pairs} pairs"
        );
        for contestant in &contestants {
            export(contestant, folder.path());
            check_frames(&variants[0], contestant, &exporter);
        }
        for other in &contestants[1..] {
            compare(&contestants[0], other, pairs, folder.path());
        }
    }
}

fn contestants(variants: &[Variant], folder: &Path) -> Vec<Contestant> {
    let mut contestants: Vec<_> = variants.iter().map(|variant| of_engine(variant, folder)).collect();
    contestants.insert(1, ffmpeg(&variants[0], folder));
    contestants
}

fn of_engine(variant: &Variant, folder: &Path) -> Contestant {
    let engine = engine::find(&variant.engine, &companions());
    let (ending, text) = engine.timeline(variant);
    let timeline = folder.join(format!("timeline.{ending}"));
    std::fs::write(&timeline, text).expect("the timeline can be written");
    let output = folder.join(format!("{}.mp4", variant.engine));
    let resolved = engine
        .resolve(variant, &JobFiles { timeline: &timeline, output: &output, ..JobFiles::unnamed(false) });
    let mut command = resolved.command;
    // Nobody reads its progress here.
    if let Some(option) = command.iter().position(|word| word == "--progress-fd") {
        command.drain(option..=option + 1);
    }
    let name = if variant.engine.name == EngineName::Ffmpeg { "memreel-export" } else { "melt" };
    Contestant { name, command, environment: resolved.environment, output }
}

/// One seeked input a clip, joined by the concat filter: what a user of the command line would write.
fn ffmpeg(variant: &Variant, folder: &Path) -> Contestant {
    let output = folder.join("ffmpeg-cli.mp4");
    let clips = placed(variant);
    let mut command: Vec<OsString> = words("ffmpeg -nostdin -v error -y");
    for place in &clips {
        let range = place.clip.source_range;
        let (start, length) = (range.start_time.seconds(), range.duration.seconds());
        command.extend(words(&format!("-threads 1 -ss {start} -t {length} -i")));
        command.push(place.clip.media.clone().into());
    }
    let inputs: String = (0..clips.len()).map(|input| format!("[{input}:v][{input}:a]")).collect();
    command.extend(words("-filter_complex_threads 1 -filter_threads 1 -filter_complex"));
    command.push(format!("{inputs}concat=n={}:v=1:a=1[v][a]", clips.len()).into());
    command.extend(words("-map [v] -map [a] -c:v libx264 -preset ultrafast -threads 1 -pix_fmt yuv420p"));
    command.extend(words("-c:a aac -ar 48000"));
    command.push(output.clone().into());
    Contestant { name: "ffmpeg, concat filter", command, environment: BTreeMap::new(), output }
}

fn words(text: &str) -> Vec<OsString> {
    text.split(' ').map(OsString::from).collect()
}

fn placed(variant: &Variant) -> Vec<Placed<'_>> {
    let pictures =
        variant.input.script().expect("a script").tracks.iter().find(|track| track.kind == TrackKind::Video);
    pictures.expect("the timeline has pictures").placed(variant.export.rate)
}

fn export(contestant: &Contestant, folder: &Path) -> Cost {
    let launch = Launch {
        launcher: companions().launcher().expect("memreel-launch is built: `make build`"),
        command: contestant.command.clone(),
        environment: contestant.environment.clone(),
        preload: None,
        progress: None,
        limits: EngineLimits { wall: Some(Duration::from_secs(300)), stall: None, memory: None },
        groups: None,
        folder: None,
        interval: Duration::from_secs(1),
        writable: None,
    };
    let measured = supervise::measure(&launch, folder, &Stop::default(), &Arc::new(Live::default()));
    let measured = measured.expect("it can be measured");
    assert!(measured.outcome.is_finished(), "{}: {}", contestant.name, measured.outcome);
    Cost {
        cpu_s: measured.cpu.expect("wait4 tells").as_secs_f64(),
        wall_s: measured.wall.as_secs_f64(),
        peak_mib: measured.max_rss.expect("wait4 tells").mib(),
    }
}

/// Every frame of the export is the one that the timeline asks for.
fn check_frames(variant: &Variant, contestant: &Contestant, exporter: &Path) {
    let mut wanted = Vec::new();
    for place in placed(variant) {
        let numbers = frames_of(&place.clip.media, exporter);
        let first = place.clip.source_range.start_time.frame_at(variant.export.rate) as usize;
        wanted.extend_from_slice(&numbers[first..first + (place.end - place.start) as usize]);
    }
    assert_eq!(frames_of(&contestant.output, exporter), wanted, "{} exports other frames", contestant.name);
}

/// The barcodes of a file: source and frame number of each of its frames.
fn frames_of(file: &Path, exporter: &Path) -> Vec<String> {
    let listing = Command::new(exporter).arg("frames").arg(file).output().expect("frames can be listed");
    let text = String::from_utf8(listing.stdout).expect("numbers");
    text.lines().skip(1).map(|line| line.splitn(3, ',').nth(2).unwrap_or_default().to_string()).collect()
}

fn compare(ours: &Contestant, other: &Contestant, pairs: usize, folder: &Path) {
    let costs: Vec<_> = (0..pairs).map(|_| (export(ours, folder), export(other, folder))).collect();
    println!("  {} against {}", ours.name, other.name);
    print_row("CPU s", &costs, |cost| cost.cpu_s);
    print_row("wall s", &costs, |cost| cost.wall_s);
    print_row("peak MiB", &costs, |cost| cost.peak_mib);
}

fn print_row(title: &str, costs: &[(Cost, Cost)], of: fn(&Cost) -> f64) {
    let median = |values: Vec<f64>| stats::median(&values).unwrap_or(f64::NAN);
    let ours = median(costs.iter().map(|(ours, _)| of(ours)).collect());
    let other = median(costs.iter().map(|(_, other)| of(other)).collect());
    let logarithms: Vec<f64> = costs.iter().map(|(ours, other)| (of(ours) / of(other)).ln()).collect();
    let ratio = stats::mean_interval(&logarithms, 0.95).map_or_else(
        || "too few pairs for an interval".into(),
        |log| {
            format!("{:.3}, 95 % interval {:.3} to {:.3}", log.estimate.exp(), log.low.exp(), log.high.exp())
        },
    );
    println!("    {title:<9} medians {ours:>7.2} and {other:>7.2}; ratio {ratio}");
}
