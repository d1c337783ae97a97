//! What the launcher and the sampler promise of any program: nothing of it stays, nothing of it is
//! missed, and what the kernel says of it is its own.

mod support;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use memreel_record::launch::{self, EndStatus};
use memreel_record::sampler::Live;
use memreel_record::supervise::{self, EngineLimits, Launch, Measured, Stop};
use memreel_trace::Outcome;
use memreel_trace::units::Bytes;
use support::{Patience, mentioning, tree_is_gone, until};
use tempfile::TempDir;

/// A folder for a program's trace, and what it left there.
struct Lab {
    folder: TempDir,
    environment: BTreeMap<String, Option<String>>,
    wall: Option<Duration>,
    stop: Stop,
}

impl Lab {
    fn new() -> Lab {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Lab { folder, environment: BTreeMap::new(), wall: None, stop: Stop::default() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn measure(&self, command: &[&str]) -> Measured {
        let launch = Launch {
            launcher: PathBuf::from(env!("CARGO_BIN_EXE_memreel-launch")),
            command: command.iter().map(OsString::from).collect(),
            environment: self.environment.clone(),
            preload: None,
            progress: None,
            limits: EngineLimits { wall: self.wall, stall: None, memory: None },
            groups: None,
            folder: None,
            interval: Duration::from_millis(5),
            writable: None,
        };
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| self.stop_when_it_does_not_get_on(&ended));
            let measured =
                supervise::measure(&launch, self.path(), &self.stop, &Arc::new(Live::default())).unwrap();
            ended.store(true, Ordering::Relaxed);
            measured
        })
    }

    fn stop_when_it_does_not_get_on(&self, ended: &AtomicBool) {
        let mut patience = Patience::new();
        while !ended.load(Ordering::Relaxed) {
            if patience.is_over() {
                return self.stop.0.store(true, Ordering::Relaxed);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Runs a shell script; the folder is its `$0`, which also marks its processes.
    fn sh(&self, script: &str) -> Measured {
        self.measure(&["sh", "-c", script, self.path().to_str().unwrap()])
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path().join("engine.log")).unwrap()
    }

    fn events(&self, kind: &str) -> Vec<String> {
        let events = memreel_trace::read_events(&self.path().join("events.csv")).unwrap();
        events.into_iter().filter(|event| event.kind == kind).map(|event| event.what).collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !tree_is_gone(self.path()) {
            let left = mentioning(self.path());
            left.iter().for_each(support::Process::kill);
            assert!(std::thread::panicking(), "processes were left behind: {left:?}");
        }
    }
}

#[test]
fn an_exit_code_is_kept_with_the_last_words() {
    let measured = Lab::new().sh("echo first; echo 'the disk is on fire' >&2; exit 7");
    let message = Some("the disk is on fire".into());
    assert_eq!(measured.outcome, Outcome::Failed { code: 7, message });
}

#[test]
fn a_signal_is_kept() {
    for signal in [6, 9, 11, 15] {
        assert_eq!(Lab::new().sh(&format!("kill -{signal} $$")).outcome, Outcome::killed(signal));
    }
}

#[test]
fn a_program_that_is_not_there_was_not_started() {
    let lab = Lab::new();
    let missing = lab.path().join("no-such-engine");
    let Outcome::NotStarted { message } = lab.measure(&[missing.to_str().unwrap()]).outcome else { panic!() };
    assert!(message.contains("No such file"), "{message}");
}

#[test]
fn a_program_that_may_not_be_executed_was_not_started() {
    let lab = Lab::new();
    let text = lab.path().join("text");
    fs::write(&text, "no program").unwrap();
    let Outcome::NotStarted { message } = lab.measure(&[text.to_str().unwrap()]).outcome else { panic!() };
    assert!(message.contains("Permission denied"), "{message}");
}

#[test]
fn arguments_and_environment_reach_the_engine_unchanged() {
    let mut lab = Lab::new();
    let set = |value: Option<&str>| value.map(str::to_string);
    lab.environment = [("MEMREEL_TEST".into(), set(Some("a b\tc"))), ("HOME".into(), set(None))].into();
    let script = r#"printf '%s|' "$@" "$MEMREEL_TEST" "${HOME-none}""#;
    lab.measure(&["sh", "-c", script, "sh", "one two", "", "*", "é"]);
    assert_eq!(lab.log().trim_end(), "one two||*|é|a b\tc|none|");
}

#[test]
fn an_engines_standard_input_is_empty() {
    let lab = Lab::new();
    assert_eq!(lab.sh("wc -c").outcome, Outcome::Finished);
    assert_eq!(lab.log().trim(), "0");
}

#[test]
fn sigpipe_ends_an_engine_and_nothing_is_blocked() {
    let lab = Lab::new();
    lab.measure(&["grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status"]);
    let mask = |status: &str, name: &str| {
        let text = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(text.trim(), 16).unwrap()
    };
    let sigpipe = 1 << 12;
    // A test, like memreel itself, ignores it.
    assert_ne!(mask(&fs::read_to_string("/proc/self/status").unwrap(), "SigIgn:") & sigpipe, 0);
    assert_eq!(mask(&lab.log(), "SigIgn:") & sigpipe, 0);
    assert_eq!(mask(&lab.log(), "SigBlk:"), 0);
}

#[test]
fn an_engine_has_no_descriptor_of_ours_beside_its_output() {
    let lab = Lab::new();
    lab.measure(&["ls", "-l", "/proc/self/fd"]);
    let plain = std::process::Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
    assert_eq!(descriptors(&lab.log()), descriptors(&String::from_utf8_lossy(&plain.stdout)));
}

/// What `ls -l` lists, but for the standard three and the folder that it reads.
fn descriptors(listing: &str) -> Vec<String> {
    let entry = |line: &str| Some(line.rsplit_once(" -> ")?.0.rsplit_once(' ')?.1.to_string());
    let listed = listing.lines().filter(|line| !line.ends_with("/fd")).filter_map(entry);
    listed.filter(|name| !["0", "1", "2"].contains(&name.as_str())).collect()
}

#[test]
fn an_orphan_is_measured_while_it_lives_and_ended_when_its_engine_has() {
    let lab = Lab::new();
    // The middle shell is gone within a millisecond: nobody can have seen the orphan as its child.
    let measured = lab.sh("sh -c 'exec sleep 3621 & exit'; sleep 0.6");
    assert_eq!(measured.outcome, Outcome::Finished);
    let samples = memreel_trace::read_samples(&lab.path().join("samples.csv")).unwrap();
    assert_eq!(samples.iter().filter_map(|sample| sample.processes).max().map(|most| most.get()), Some(3));
    let processes = memreel_trace::read_processes(&lab.path().join("processes.csv")).unwrap();
    let sleeping: std::collections::BTreeSet<_> =
        processes.iter().filter(|process| &process.name == "sleep").map(|process| process.pid).collect();
    assert_eq!(sleeping.len(), 2, "the orphan and the engine's own child: {processes:?}");
    assert_eq!(lab.events("left-running"), ["1 processes"]);
    let gone = |pid: &i32| !Path::new(&format!("/proc/{pid}")).exists();
    assert!(sleeping.iter().all(gone), "{sleeping:?}");
}

#[test]
fn an_orphan_that_ignores_sigterm_is_killed() {
    let lab = Lab::new();
    let pid_file = lab.path().join("pid");
    let began = Instant::now();
    // `$0` is the folder.
    lab.sh(r#"(trap '' TERM; sleep 3612; sleep 3612) & echo $! > "$0/pid"; sleep 0.2"#);
    assert!(began.elapsed().as_secs_f64() > 1.5, "{:?}", began.elapsed());
    let pid = fs::read_to_string(pid_file).unwrap();
    assert!(!Path::new("/proc").join(pid.trim()).exists());
}

#[test]
fn a_child_that_is_not_waited_for_begins_once() {
    let lab = Lab::new();
    // The shell becomes a program that never waits, and its child a zombie.
    lab.sh("sleep 0.02 & exec sleep 0.7");
    let began = lab.events("process-start");
    assert!(began.len() <= 2, "{began:?}");
}

#[test]
fn an_engine_that_ignores_sigterm_is_killed_after_the_grace() {
    let mut lab = Lab::new();
    lab.wall = Some(Duration::from_millis(300));
    let measured = lab.sh(r#"trap '' TERM; for i in $(seq 400); do sleep 0.05; done; touch "$0/survived""#);
    assert_eq!(measured.outcome, Outcome::TimedOut { limit_s: 0.3 });
    assert!(measured.wall.as_secs_f64() > 2.0, "{:?}", measured.wall);
    assert!(!lab.path().join("survived").exists());
}

#[test]
fn an_engine_that_calls_its_end_a_success_has_still_taken_too_long() {
    let mut lab = Lab::new();
    lab.wall = Some(Duration::from_millis(300));
    let measured = lab.sh("trap 'exit 0' TERM; for i in $(seq 400); do sleep 0.05; done");
    assert_eq!(measured.outcome, Outcome::TimedOut { limit_s: 0.3 });
}

#[test]
fn an_engine_that_minds_sigterm_is_not_waited_for() {
    let mut lab = Lab::new();
    lab.wall = Some(Duration::from_millis(300));
    // Other work on the machine only makes it longer: one that is shorter than the grace is enough.
    let is_shorter_than_the_grace = |_| {
        let measured = lab.sh("exec sleep 3623");
        assert_eq!(measured.outcome, Outcome::TimedOut { limit_s: 0.3 });
        measured.wall < Duration::from_millis(1500)
    };
    assert!((0..5).any(is_shorter_than_the_grace));
}

#[test]
fn a_user_who_stops_ends_the_whole_tree() {
    let lab = Lab::new();
    let stop = lab.stop.clone();
    let stopper = std::thread::spawn({
        let folder = lab.path().to_path_buf();
        move || {
            until("the tree is there", || folder.join("ready").exists().then_some(()));
            stop.0.store(true, Ordering::Relaxed);
        }
    });
    let measured = lab.sh(r#"sleep 3624 & (sleep 3624 & sleep 3624) & touch "$0/ready"; wait"#);
    stopper.join().unwrap();
    assert_eq!(measured.outcome, Outcome::Interrupted);
}

#[test]
fn a_tiny_engine_of_a_large_program_has_a_tiny_peak() {
    let large = vec![1_u8; 200 << 20];
    let measured = Lab::new().measure(&["true"]);
    assert_eq!(std::hint::black_box(&large).iter().map(|&byte| usize::from(byte)).sum::<usize>(), 200 << 20);
    let peak = measured.max_rss.unwrap();
    assert!(peak > Bytes::from_kib(100) && peak < Bytes::from_mib(8), "{peak}");
}

#[test]
fn fifty_mebibytes_held_for_milliseconds_are_in_the_peak() {
    let peak = |size: &str| {
        let measured = Lab::new().measure(&["dd", "if=/dev/zero", "of=/dev/null", "count=1", size]);
        assert_eq!(measured.outcome, Outcome::Finished);
        measured.max_rss.unwrap().as_f64() / 1024.0 / 1024.0
    };
    let buffer = peak("bs=50M") - peak("bs=4k");
    assert!((buffer - 50.0).abs() < 1.0, "{buffer} MiB");
}

#[test]
fn cpu_time_is_that_of_the_engine_and_its_children() {
    let measured = Lab::new().sh("sh -c 'ulimit -t 1; while :; do :; done'; true");
    let cpu = measured.cpu.unwrap().as_secs_f64();
    assert!((0.9..1.5).contains(&cpu), "{cpu}");
}

#[test]
fn every_sample_of_memory_is_of_a_process_that_has_some() {
    for _ in 0..5 {
        let lab = Lab::new();
        lab.measure(&["dd", "if=/dev/zero", "of=/dev/null", "count=3", "bs=64M"]);
        let samples = memreel_trace::read_samples(&lab.path().join("samples.csv")).unwrap();
        assert!(!samples.is_empty());
        assert!(samples.iter().all(|sample| sample.rss_bytes > Some(Bytes::ZERO)), "{samples:?}");
    }
}

#[test]
fn a_stranger_who_holds_the_output_does_not_keep_a_job_from_its_end() {
    let lab = Lab::new();
    let pid_file = lab.path().join("pid");
    let stranger = std::thread::spawn(move || {
        let pid = until("the engine runs", || {
            fs::read_to_string(&pid_file).ok().filter(|text| text.ends_with('\n'))
        });
        fs::File::options().write(true).open(format!("/proc/{}/fd/1", pid.trim())).unwrap()
    });
    let measured = lab.sh(r#"echo $$ > "$0/pid"; sleep 0.5; echo last words"#);
    let held = stranger.join().unwrap();
    assert_eq!((measured.outcome, lab.log().trim()), (Outcome::Finished, "last words"));
    drop(held);
}

fn ask(script: &str, may_go_on: impl FnMut() -> bool) -> Result<launch::Reply, launch::NoReply> {
    let command = ["sh", "-c", script].map(OsString::from);
    let launcher = Path::new(env!("CARGO_BIN_EXE_memreel-launch"));
    launch::ask(launcher, &command, &[("ASKED", "what")], None, may_go_on)
}

#[test]
fn a_program_that_is_asked_may_write_more_than_a_pipe_holds_on_both_streams() {
    let flood = "head -c 300000 /dev/zero | tr '\\0' e >&2; head -c 300000 /dev/zero | tr '\\0' o; echo $ASKED; exit 3";
    let answer = ask(flood, || true).unwrap();
    assert_eq!((answer.output.len(), answer.errors.len()), (300_005, 300_000));
    assert!(answer.output.ends_with("what\n"));
    assert_eq!(answer.end, EndStatus::Exit(3));
}

#[test]
fn a_program_that_is_asked_and_does_not_answer_is_ended() {
    let began = Instant::now();
    let answer = ask("sleep 3625", || began.elapsed() < Duration::from_millis(200));
    assert!(matches!(answer, Err(launch::NoReply::Ended)), "{answer:?}");
    let missing = launch::ask(
        Path::new(env!("CARGO_BIN_EXE_memreel-launch")),
        &["/nowhere/x".into()],
        &[],
        None,
        || true,
    );
    assert!(matches!(missing, Err(launch::NoReply::NotStarted(_))), "{missing:?}");
}

#[test]
fn two_engines_at_once_do_not_mix() {
    let run =
        |code: i32| std::thread::spawn(move || Lab::new().sh(&format!("sleep 0.2; exit {code}")).outcome);
    let both = [run(3), run(4)].map(|thread| thread.join().unwrap());
    assert_eq!(both, [3, 4].map(|code| Outcome::Failed { code, message: None }));
}
