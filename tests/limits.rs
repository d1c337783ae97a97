//! Memory limits, causes of death and evidence, with processes that misbehave. The machine has to allow control groups
//! with a memory controller.

#[path = "support/json_schema.rs"]
mod json_schema;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use json_schema::ClosedSchema;
use memreel_record::death::{Cause, Witnesses};
use memreel_record::group::{Groups, MemoryPlace};
use memreel_record::sampler::Live;
use memreel_record::supervise::{
    self, Channel, EngineLimits, EngineProgress, Launch, Measured, ProgressFormat, ProgressLines, Stop,
};
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{EVIDENCE, Outcome};
use rustix::process::Signal;
use support::*;
use tempfile::TempDir;

/// Takes as many MiB as it is told, page by page.
const TAKE: &str = "import sys; x = bytearray(int(sys.argv[1]) << 20)";

/// Reads frames as numbers on lines of their own.
fn progress(line: &str) -> Option<EngineProgress> {
    let frame = line.trim().parse().ok().map(Count::new)?;
    Some(EngineProgress { frames_out: Some(frame), ..EngineProgress::default() })
}

/// An engine with or without a group of its own.
struct Lab {
    folder: TempDir,
    limits: EngineLimits,
    groups: Option<Arc<Groups>>,
}

impl Lab {
    fn new(memory: Option<Bytes>, has_group: bool) -> Lab {
        let limits = EngineLimits { wall: None, stall: Some(Duration::from_secs(1)), memory };
        let groups = has_group.then(|| Arc::new(Groups::take().unwrap()));
        Lab { folder: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap(), limits, groups }
    }

    fn measure(&self, command: &[&str]) -> Measured {
        let format = ProgressFormat {
            channel: Channel::Output,
            lines: ProgressLines::Own(progress),
            counters: "out",
            left_out: |_| None,
        };
        let launch = Launch {
            launcher: PathBuf::from(env!("CARGO_BIN_EXE_memreel-launch")),
            command: command.iter().map(Into::into).collect(),
            environment: [].into(),
            preload: None,
            progress: Some(format),
            limits: self.limits,
            writable: None,
            groups: self.groups.clone(),
            folder: None,
            interval: Duration::from_millis(5),
        };
        supervise::measure(&launch, self.folder.path(), &Stop::default(), &Arc::new(Live::default())).unwrap()
    }

    fn evidence(&self) -> String {
        fs::read_to_string(self.folder.path().join(EVIDENCE)).unwrap()
    }
}

/// Has a process in a group of its own killed for want of memory.
fn somebody_dies_for_want_of_memory() {
    let dies = Lab::new(Some(Bytes::from_mib(8)), true).measure(&["python3", "-c", TAKE, "64"]);
    assert_eq!(dies.outcome, Outcome::OutOfMemory);
}

#[test]
fn an_engine_over_its_limit_is_out_of_memory_and_one_below_it_is_not() {
    let measure =
        |mib: &str| Lab::new(Some(Bytes::from_mib(64)), true).measure(&["python3", "-c", TAKE, mib]);
    let (over, below) = (measure("128"), measure("16"));
    assert_eq!((over.outcome, below.outcome), (Outcome::OutOfMemory, Outcome::Finished));
    let (over, below) = (over.group.unwrap(), below.group.unwrap());
    assert_eq!((over.oom_kills, below.oom_kills), (Some(Count::new(1)), Some(Count::ZERO)));
    assert!(over.limit_hits > Some(Count::ZERO), "{over:?}");
    assert!(over.peak_bytes <= Some(Bytes::from_mib(64)), "{over:?}");
    assert!(below.peak_bytes > Some(Bytes::from_mib(16)), "{below:?}");
}

#[test]
fn a_script_whose_engine_ran_out_of_memory_did_so_too() {
    let lab = Lab::new(Some(Bytes::from_mib(32)), true);
    let script = format!("python3 -c '{TAKE}' 128; exit $?");
    assert_eq!(lab.measure(&["sh", "-c", &script]).outcome, Outcome::OutOfMemory);
}

#[test]
fn who_is_killed_while_another_runs_out_of_memory_did_not() {
    let script = "echo 7; touch \"$0/here\"; while test -e \"$0/here\"; do sleep 0.01; done; kill -9 $$";
    for has_group in [true, false] {
        let lab = Lab::new(None, has_group);
        let here = lab.folder.path().join("here");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                until("it runs", || here.exists().then_some(()));
                somebody_dies_for_want_of_memory();
                fs::remove_file(&here).unwrap();
            });
            let lab = Lab { limits: EngineLimits { stall: None, ..lab.limits }, ..lab };
            let measured = lab.measure(&["sh", "-c", script, lab.folder.path().to_str().unwrap()]);
            assert_eq!(measured.outcome, Outcome::killed(9), "group: {has_group}");
            let evidence = lab.evidence();
            assert!(evidence.contains("killed by SIGKILL\nLast frame: 7\n"), "{evidence}");
        });
    }
}

#[test]
fn the_kernels_log_tells_of_a_process_without_a_group_of_its_own() {
    let groups = Groups::take().unwrap();
    let group = groups.make(Some(Bytes::from_mib(16))).unwrap();
    let script = format!("read x; exec python3 -c '{TAKE}' 64");
    let mut dies =
        Command::new("sh").args(["-c", &script]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    let pid = dies.id() as i32;
    fs::write(group.members_file(), pid.to_string()).unwrap();
    let mut witnesses = Witnesses::from_now(pid);
    drop(dies.stdin.take());
    assert!(!dies.wait().unwrap().success());
    assert_eq!(witnesses.cause(pid, None), Cause::OutOfMemory);
    assert_eq!(witnesses.cause(std::process::id() as i32, None), Cause::Other);
}

#[test]
fn a_recorded_command_that_is_killed_while_another_runs_out_of_memory_did_not() {
    let bench = Bench::new();
    let script = "touch here; while test -e here; do sleep 0.01; done; kill -9 $$";
    let running = bench.start(&["record", "--", "sh", "-c", script]);
    let here = bench.path().join("here");
    until("it runs", || here.exists().then_some(()));
    somebody_dies_for_want_of_memory();
    fs::remove_file(&here).unwrap();
    let ran = running.wait();
    assert_eq!(ran.status.code(), Some(137), "{}", ran.err);
    assert!(!ran.err.contains("out of memory") && !ran.out.contains("out of memory"), "{}", ran.err);
}

#[test]
fn an_engine_that_stands_still_leaves_what_its_threads_did() {
    let lab = Lab::new(None, true);
    let script = "import threading, time\nprint(3, flush=True)\nprint('last words', flush=True)\n\
        t = threading.Thread(target=time.sleep, args=(1000,)); t.start(); t.join()";
    let measured = lab.measure(&["python3", "-c", script]);
    assert_eq!(measured.outcome, Outcome::Stalled { for_s: 1.0, at_frame: 3 });
    let evidence = lab.evidence();
    for words in ["Last frame: 3", "last words", "python3 · S (sleeping)", "# Stacks, by gdb"] {
        assert!(evidence.contains(words), "{words}: {evidence}");
    }
    assert_eq!(evidence.lines().filter(|line| line.contains("python3 · S")).count(), 2, "{evidence}");
    assert!(evidence.contains("Thread 2"), "{evidence}");
}

#[test]
fn a_crash_says_whether_there_is_a_core() {
    let lab = Lab::new(None, true);
    let measured = lab.measure(&["sh", "-c", "echo 12; kill -SEGV $$"]);
    assert_eq!(measured.outcome, Outcome::killed(11));
    let evidence = lab.evidence();
    assert!(evidence.contains("killed by SIGSEGV\nLast frame: 12\n"), "{evidence}");
    assert!(evidence.contains("# Core file\n"), "{evidence}");
}

/// Groups of ours whose owner has this number.
fn groups_of(pid: i32) -> Vec<PathBuf> {
    let place = MemoryPlace::of_process(std::process::id() as i32).unwrap();
    let entries = fs::read_dir(&place.folder).unwrap().flatten().map(|entry| entry.path());
    let is_its = |path: &PathBuf| name(path).starts_with(&format!("memreel-{pid}-"));
    entries.filter(is_its).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

const ONE: &str = "
sources.shot.generate = { seconds = 1, size = '320x180', audio = false }
timeline.tracks = [{ children = [{ clip = 'shot', duration = '10f' }] }]
export.preset = 'ultrafast'
export.audio = false
matrix.threading = 'single'
";

#[test]
fn the_group_of_a_memreel_that_was_killed_is_removed_by_the_next() {
    let bench = Bench::new();
    bench.scenario("one", ONE);
    let running = bench.start(&["run", "one.toml", "--length", "1000", "--memory-limit", "1GiB"]);
    bench.engine_with("1000");
    let pid = running.pid();
    assert_eq!(groups_of(pid).len(), 1);
    running.signal(Signal::KILL);
    drop(running);
    until("the engine is gone", || bench.engines().is_empty().then_some(()));
    bench.run(&["run", "one.toml", "--memory-limit", "1GiB"]).expect(0);
    assert!(groups_of(pid).is_empty(), "{:?}", groups_of(pid));
}

#[test]
fn a_limit_is_an_axis_and_stands_in_all_files() {
    let bench = Bench::new();
    bench.scenario("one", &format!("{ONE}matrix.memory-limit = ['none', '1GiB']\nmatrix.exclude = []"));
    let ran = bench.run(&["run", "one.toml"]);
    ran.expect(0).says(&["memory-limit none", "memory-limit 1 GiB", "without swap, by cgroup v"]);
    let rows = summary(&bench.latest_folder("one"));
    let limits: Vec<_> = rows.iter().map(|row| row["memory_limit_bytes"].as_str()).collect();
    assert_eq!(limits, ["", "1073741824"]);
    assert!(rows.iter().all(|row| row["group_peak_bytes"].parse::<u64>().is_ok()), "{rows:?}");
    assert_eq!(rows[1]["memory-limit"], "1 GiB");
    let group = bench.latest("one").jobs[1].record.memory_group.clone().unwrap();
    assert_eq!(group.limit_bytes, Some(Bytes::from_mib(1024)));
}

#[test]
fn headroom_lies_between_a_limit_that_failed_and_one_that_ended() {
    let bench = Bench::new();
    bench.scenario("one", ONE);
    let ran = bench.run(&["headroom", "one.toml", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&ran.expect(0).out).unwrap();
    let least = &found["variants"][0]["least"];
    let bytes = |key: &str| least[key].as_u64().unwrap();
    let (failed, ended) = (bytes("failed_with_bytes"), bytes("ended_with_bytes"));
    assert!(failed < ended && (ended - failed) as f64 <= 0.03 * ended as f64, "{least}");
    let file = fs::read_to_string(bench.latest_folder("one").join("headroom.json")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&file).unwrap(), found);
    let schema = memreel::schema::documents().into_iter().find(|document| document.name == "headroom");
    assert_eq!(ClosedSchema::of(schema.unwrap().schema.to_value()).misfit(&file), None);
    let steps = found["variants"][0]["steps"].as_array().unwrap();
    let places = ran.err.lines().filter_map(|line| line.strip_prefix('[')?.split_once(']'));
    let places: Vec<_> = places.map(|(place, _)| place.to_string()).collect();
    assert_eq!(places, (1..=steps.len()).map(|number| number.to_string()).collect::<Vec<_>>(), "{}", ran.err);
    assert_eq!(steps.len(), bench.latest("one").jobs.len());
    let again = bench.run(&["headroom", "--resume", "reports/one/latest", "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&again.expect(0).out).unwrap(), found);
    assert!(!again.err.contains('['), "nothing is measured again: {}", again.err);
}

#[test]
fn headroom_of_an_export_that_never_ends_is_an_engines_failure() {
    let bench = Bench::new();
    bench.scenario("one", ONE);
    let command = bench.memreel_with_exporter("echo broken >&2; exit 3", &["headroom", "one.toml"]);
    let ran = bench.start_command(command).wait();
    ran.expect(4).says(&["the export does not end without a limit"]);
    assert!(ran.err.contains("failed with exit code 3: broken"), "{}", ran.err);
}
