//! Files that others wrote, made to take all memory or time: they are refused in one line.

mod support;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use memreel_record::sampler::Live;
use memreel_record::supervise::{self, EngineLimits, Launch, Stop};
use memreel_trace::Outcome;
use memreel_trace::units::Bytes;
use support::*;

/// The most memory that any input may take.
const MOST_MEMORY: Bytes = Bytes::from_mib(300);

/// The longest that memreel may work on any input, on a machine that does other things as well.
const LONGEST: Duration = Duration::from_secs(5);

/// What a program said of its input, and with which code it ended.
struct Told {
    code: i32,
    output: String,
}

/// Runs a program in a folder. It takes no more memory and CPU time than it may, and does not crash.
#[track_caller]
fn told_by(program: &Path, folder: &Path, arguments: &[&str]) -> Told {
    let job = tempfile::tempdir_in(folder).unwrap();
    let script = ["sh", "-c", "cd \"$0\" && exec \"$@\""].map(OsString::from);
    let words = [folder.as_os_str(), program.as_os_str()].map(OsString::from);
    let launch = Launch {
        launcher: PathBuf::from(env!("CARGO_BIN_EXE_memreel-launch")),
        command: script.into_iter().chain(words).chain(arguments.iter().map(OsString::from)).collect(),
        environment: BTreeMap::new(),
        preload: None,
        progress: None,
        limits: EngineLimits { wall: Some(10 * LONGEST), stall: None, memory: None },
        interval: Duration::from_millis(20),
        groups: None,
        folder: None,
        writable: None,
    };
    let measured =
        supervise::measure(&launch, job.path(), &Stop::default(), &Arc::new(Live::default())).unwrap();
    let output = fs::read_to_string(job.path().join("engine.log")).unwrap();
    let (memory, cpu) = (measured.max_rss.unwrap(), measured.cpu.unwrap());
    assert!(memory < MOST_MEMORY, "{arguments:?} took {memory}");
    assert!(cpu < LONGEST, "{arguments:?} took {cpu:?}");
    let code = match measured.outcome {
        Outcome::Finished => 0,
        Outcome::Failed { code, .. } => code,
        other => panic!("{arguments:?}: {other:?}\n{output}"),
    };
    Told { code, output }
}

#[track_caller]
fn memreel(bench: &Bench, arguments: &[&str]) -> Told {
    told_by(Path::new(env!("CARGO_BIN_EXE_memreel")), bench.path(), arguments)
}

impl Told {
    /// Asserts that the input was refused in one line that has these words.
    #[track_caller]
    fn refuses(&self, words: &[&str]) {
        self.refuses_with(2, words);
    }

    /// The same of a program with exit codes of its own.
    #[track_caller]
    fn refuses_with(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}", self.output);
        let lines: Vec<_> = self.output.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines.len(), 1, "{}", self.output);
        words.iter().for_each(|word| assert!(lines[0].contains(word), "`{word}`: {}", self.output));
    }
}

const HEAD: &str = "<mlt><profile width='320' height='180' frame_rate_num='25' frame_rate_den='1'/>\n";

fn producer(id: &str) -> String {
    format!(
        "<producer id='{id}' in='0' out='24'><property name='mlt_service'>avformat</property>\
         <property name='resource'>/m/{id}.mp4</property></producer>\n"
    )
}

/// Playlists, each of which plays the one before so many times.
fn nested(levels: usize, times: usize) -> String {
    let mut text = format!("{HEAD}{}<playlist id='l0'><entry producer='p'/></playlist>\n", producer("p"));
    for level in 1..=levels {
        let entry = format!("<entry producer='l{}'/>", level - 1);
        writeln!(text, "<playlist id='l{level}'>{}</playlist>", entry.repeat(times)).unwrap();
    }
    text + "</mlt>"
}

fn clips(count: usize) -> String {
    let mut text = HEAD.to_string();
    (0..count).for_each(|number| text += &producer(&format!("p{number}")));
    text += "<playlist id='main'>";
    (0..count).for_each(|number| writeln!(text, "<entry producer='p{number}'/>").unwrap());
    text + "</playlist></mlt>"
}

#[test]
fn two_kilobytes_of_playlists_that_play_sixteen_million_clips_are_refused() {
    let bench = Bench::new();
    fs::write(bench.path().join("small.mlt"), nested(24, 2)).unwrap();
    let words = ["small.mlt:19: `l16` plays more than 150000 clips and gaps"];
    memreel(&bench, &["inspect", "small.mlt"]).refuses(&words);
    memreel(&bench, &["layout", "small.mlt", "--to", "flat"]).refuses(&words);
    memreel(&bench, &["plan", "small.mlt"]).refuses(&words);
}

#[test]
fn eight_thousand_playlists_inside_each_other_are_refused() {
    let bench = Bench::new();
    fs::write(bench.path().join("deep.mlt"), nested(8000, 1)).unwrap();
    for command in [&["inspect", "deep.mlt"][..], &["layout", "deep.mlt", "--to", "flat"]] {
        memreel(&bench, command)
            .refuses(&["deep.mlt:67: `l64` nests playlists and tractors more than 64 deep"]);
    }
    fs::write(bench.path().join("deep.mlt"), "<a>".repeat(100_000)).unwrap();
    memreel(&bench, &["inspect", "deep.mlt"]).refuses(&["elements are nested more than 64 deep"]);
}

#[test]
fn a_long_text_that_is_played_over_and_over_is_refused() {
    let bench = Bench::new();
    let long = format!("<property name='note'>{}</property>", "x".repeat(1 << 20));
    let text = nested(16, 2).replace("</producer>", &format!("{long}</producer>"));
    fs::write(bench.path().join("long.mlt"), text).unwrap();
    memreel(&bench, &["inspect", "long.mlt"]).refuses(&["plays more than 67108864 bytes of properties"]);
}

#[test]
fn a_million_elements_or_attributes_are_refused() {
    let bench = Bench::new();
    let attributes: String = (0..1_000_000).map(|number| format!(" a{number}=''")).collect();
    let elements = "<a b='c' d='e'/>".repeat(1_000_000);
    for inside in [format!("<producer{attributes}/>"), elements] {
        fs::write(bench.path().join("broad.mlt"), format!("<mlt>{inside}</mlt>")).unwrap();
        memreel(&bench, &["layout", "broad.mlt", "--to", "flat"])
            .refuses(&["broad.mlt:1: the document has more than 750000 elements and attributes"]);
    }
}

#[test]
fn fifty_thousand_clips_are_described_and_laid_out() {
    let bench = Bench::new();
    fs::write(bench.path().join("many.mlt"), clips(50_000)).unwrap();
    let told = memreel(&bench, &["inspect", "many.mlt"]);
    assert!(told.code == 0 && told.output.contains("50000, with 49999 cuts"));
    let laid_out = memreel(&bench, &["layout", "many.mlt", "--to", "sections", "-o", "sections.mlt"]);
    assert_eq!((laid_out.code, laid_out.output.trim()), (0, "done: 50000 clips were laid out sections"));
    fs::write(bench.path().join("some.mlt"), clips(501)).unwrap();
    let told = memreel(&bench, &["layout", "some.mlt", "--to", "stacked"]);
    told.refuses(&["laid out stacked it would have 501 tracks; at most 500 are allowed"]);
}

#[test]
fn five_hundred_tracks_of_clips_that_never_meet_become_one() {
    let bench = Bench::new();
    let mut text = HEAD.to_string();
    for track in 0..500 {
        text += &producer(&format!("p{track}"));
        let entries = format!("<entry producer='p{track}'/>").repeat(20);
        writeln!(text, "<playlist id='t{track}'><blank length='{}'/>{entries}</playlist>", track * 500 + 1)
            .unwrap();
    }
    text += "<tractor id='all'>";
    (0..500).for_each(|track| write!(text, "<track producer='t{track}'/>").unwrap());
    let property = |(name, value): (&str, &str)| format!("<property name='{name}'>{value}</property>");
    for track in 1..500 {
        let track = track.to_string();
        let pairs = [
            ("mlt_service", "mix"),
            ("a_track", "0"),
            ("b_track", &track),
            ("sum", "1"),
            ("always_active", "1"),
        ];
        write!(text, "<transition>{}</transition>", pairs.map(property).concat()).unwrap();
    }
    fs::write(bench.path().join("tracks.mlt"), text + "</tractor></mlt>").unwrap();
    let told = memreel(&bench, &["layout", "tracks.mlt", "--to", "flat", "-o", "flat.mlt"]);
    assert!(told.output.contains("500 tracks became 1"), "{}", told.output);
}

#[test]
fn no_reader_follows_a_file_without_an_end() {
    let bench = Bench::new();
    let long = bench.path().join("long");
    File::create(&long).unwrap().set_len(2 << 30).unwrap();
    let all = ["a.mlt", "a.kdenlive", "a.rlvideo", "a.toml", "a.csv", "a.baseline", "cuts.txt"];
    let link = |to: &Path| {
        for name in all {
            let _ = fs::remove_file(bench.path().join(name));
            symlink(to, bench.path().join(name)).unwrap();
        }
    };
    link(&long);
    let larger = "the most that memreel reads";
    for project in ["a.mlt", "a.kdenlive", "a.rlvideo"] {
        memreel(&bench, &["inspect", project]).refuses(&[project, "larger than 32 MiB", larger]);
    }
    memreel(&bench, &["layout", "a.mlt", "--to", "flat"]).refuses(&["a.mlt", larger]);
    memreel(&bench, &["plan", "a.toml"]).refuses(&["a.toml", "larger than 1 MiB", larger]);
    memreel(&bench, &["baseline", "show", "a.baseline"]).refuses(&[
        "a.baseline",
        "larger than 4 MiB",
        larger,
    ]);
    let usual = "t_s,rss_bytes\n0,1\n1,1\n";
    fs::write(bench.path().join("usual.csv"), usual).unwrap();
    let cuts = ["judge", "usual.csv", "--cuts", "cuts.txt"];
    memreel(&bench, &cuts).refuses(&["cuts.txt", larger]);
    link(Path::new("/dev/zero"));
    for arguments in [
        &["inspect", "a.mlt"][..],
        &["inspect", "a.kdenlive"],
        &["inspect", "a.rlvideo"],
        &["layout", "a.mlt", "--to", "flat"],
        &["plan", "a.toml"],
        &["baseline", "show", "a.baseline"],
        &cuts,
    ] {
        memreel(&bench, arguments).refuses(&["this is a device; write its content to a file"]);
    }
}

#[test]
fn what_is_no_file_is_refused_where_a_file_is_named() {
    let bench = Bench::new();
    let pipe = |name: &str| {
        let made = std::process::Command::new("mkfifo").arg(bench.path().join(name)).status();
        assert!(made.unwrap().success());
    };
    ["a.toml", "a.mlt", "a.rlvideo", "a.baseline", "a.csv", "a.mp4"].into_iter().for_each(pipe);
    let refused = ["this is a pipe; write its content to a file, and name that"];
    for name in ["a.toml", "a.mlt", "a.rlvideo"] {
        for command in ["run", "plan"] {
            memreel(&bench, &[command, name]).refuses(&refused);
        }
    }
    memreel(&bench, &["inspect", "a.mlt"]).refuses(&refused);
    memreel(&bench, &["layout", "a.mlt", "--to", "flat"]).refuses(&refused);
    memreel(&bench, &["baseline", "show", "a.baseline"]).refuses(&refused);
    for command in ["judge", "summary", "plot"] {
        memreel(&bench, &[command, "a.csv"]).refuses(&["a.csv: neither a file nor a folder"]);
    }
    fs::write(bench.path().join("samples.csv"), "t_s,rss_bytes\n0,1\n1,1\n").unwrap();
    memreel(&bench, &["judge", "samples.csv", "--cuts", "a.csv"]).refuses(&refused);
    let media = "
        sources.shot.file = 'a.mp4'
        timeline.tracks = [{ children = [{ clip = 'shot', duration = '2f' }] }]
        matrix.threading = 'single'";
    bench.scenario("media", media);
    memreel(&bench, &["run", "media.toml"]).refuses(&["a.mp4: this is a pipe"]);
    memreel(&bench, &["plan", "/dev/zero"]).refuses(&["this is a device"]);
}

#[test]
fn a_line_of_two_gigabytes_is_refused_in_every_format_of_recordings() {
    let bench = Bench::new();
    for (name, begin) in [
        ("memreel.csv", "t_s,rss_bytes\n0,1\n"),
        ("psrecord.txt", "# Elapsed time   CPU (%)     Real (MB)   Virtual (MB)\n"),
        ("psrecord.csv", "elapsed_time,nproc,cpu,mem_real,mem_virtual\n"),
        ("mprof.dat", "CMDLINE python3 work.py\n"),
        ("any.csv", "time,rss_mb\n0,1\n"),
    ] {
        fs::write(bench.path().join(name), begin).unwrap();
        let file = File::options().append(true).open(bench.path().join(name)).unwrap();
        file.set_len(1 << 30).unwrap();
        memreel(&bench, &["judge", name]).refuses(&[name, "a line is longer than 1 MiB"]);
        file.set_len(1 << 31).unwrap();
        memreel(&bench, &["judge", name]).refuses(&[name, "larger than 1024 MiB"]);
    }
}

#[test]
fn a_result_that_claims_four_billion_shards_is_refused() {
    let bench = Bench::new();
    let folder = bench.path().join("result");
    fs::create_dir(&folder).unwrap();
    let write = |shard: &str| {
        let text = format!(
            "{{\"format\": \"{}\", \"scenario\": \"s\", \"question\": \"q\", \"scenario_path\": \"s.toml\", \
             \"scenario_text\": \"\", \"overrides\": [], \"started\": \"2026-01-01T00:00:00Z\", \"varied\": [], \
             \"shard\": {shard}, \"jobs\": []}}",
            memreel::store::FORMAT
        );
        fs::write(folder.join("result.json"), text).unwrap();
    };
    write("{\"number\": 1, \"of\": 4294967295, \"elsewhere\": []}");
    let words = ["result.json", "4294967295 shards; at most 10000 are allowed"];
    memreel(&bench, &["merge", "result", "-o", "merged"]).refuses(&words);
}

#[test]
fn a_result_or_a_timeline_of_two_gigabytes_is_refused() {
    let bench = Bench::new();
    fs::create_dir(bench.path().join("result")).unwrap();
    let file = File::create(bench.path().join("result/result.json")).unwrap();
    file.set_len(1 << 31).unwrap();
    memreel(&bench, &["report", "result"]).refuses(&["result.json", "larger than 16 MiB"]);
    File::create(bench.path().join("a.otio")).unwrap().set_len(1 << 31).unwrap();
    let told = told_by(&exporter(), bench.path(), &["a.otio", "--discard"]);
    told.refuses_with(1, &["a.otio", "larger than 32 MiB"]);
}
