//! What `memreel record` promises whoever puts it before a command, or points it at a process.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use memreel_trace::units::{Bytes, Count};
use memreel_trace::{Event, Outcome, ProcessSample, RecordingRecord, Sample};
use rustix::process::Signal;
use support::*;

/// Python, with psrecord beside it.
fn python() -> String {
    peer("bin/python3").to_str().unwrap().into()
}

/// A program that runs beside memreel; killed when it is forgotten.
struct Other(Child);

impl Other {
    fn start(bench: &Bench, command: &[&str]) -> Other {
        let mut started = Command::new(command[0]);
        started.args(&command[1..]).stdin(Stdio::null());
        bench.settle(&mut started);
        Other(started.spawn().unwrap())
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }

    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.end();
    }
}

/// Records a shell script into the folder `kept`; the bench's folder is its `$0`, by which its processes
/// are found.
fn record_sh(bench: &Bench, options: &[&str], script: &str) -> Ran {
    bench.run(&sh(bench, options, script))
}

fn sh(bench: &Bench, options: &[&str], script: &str) -> Vec<String> {
    let folder = bench.path().to_str().unwrap();
    let words = [&["record", "--save", "kept"], options, &["--", "sh", "-c", script, folder]].concat();
    words.into_iter().map(String::from).collect()
}

fn kept(bench: &Bench) -> PathBuf {
    bench.path().join("kept")
}

fn record(bench: &Bench) -> RecordingRecord {
    serde_json::from_slice(&fs::read(kept(bench).join("recording.json")).unwrap()).unwrap()
}

fn samples(bench: &Bench) -> Vec<Sample> {
    memreel_trace::read_samples(&kept(bench).join("samples.csv")).unwrap()
}

fn processes(bench: &Bench) -> Vec<ProcessSample> {
    memreel_trace::read_processes(&kept(bench).join("processes.csv")).unwrap()
}

fn events(bench: &Bench, kind: &str) -> Vec<Event> {
    let events = memreel_trace::read_events(&kept(bench).join("events.csv")).unwrap();
    events.into_iter().filter(|event| event.kind == kind).collect()
}

fn whats(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.what.as_str()).collect()
}

/// Waits until memreel has written samples.
fn has_begun(bench: &Bench) {
    until("samples are on disk", || {
        let about = fs::metadata(kept(bench).join("samples.csv")).ok()?;
        (about.len() > 0).then_some(())
    });
}

/// Waits until memreel has written marks.
fn has_marks(bench: &Bench, marks: usize) {
    until("marks are on disk", || (events(bench, "mark").len() >= marks).then_some(()));
}

fn read(bench: &Bench, name: &str) -> Option<String> {
    fs::read_to_string(bench.path().join(name)).ok().filter(|text| !text.is_empty())
}

fn is_alive(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}

// How it ends.

#[test]
fn the_commands_exit_code_is_passed_on() {
    for code in [0, 1, 2, 5, 124, 255] {
        let bench = Bench::new();
        record_sh(&bench, &[], &format!("exit {code}")).expect(code);
        let outcome = match code {
            0 => Outcome::Finished,
            code => Outcome::Failed { code, message: None },
        };
        assert_eq!(record(&bench).outcome, Some(outcome));
    }
}

#[test]
fn a_signal_is_told_as_a_shell_tells_it() {
    for signal in [6, 9, 11, 15] {
        let bench = Bench::new();
        record_sh(&bench, &[], &format!("kill -{signal} $$")).expect(128 + signal);
        assert_eq!(record(&bench).outcome, Some(Outcome::killed(signal)));
    }
}

#[test]
fn a_command_that_is_not_there_and_one_that_cannot_be_executed_are_told_apart() {
    let bench = Bench::new();
    let said = ["no-such-command", "No such file"];
    bench.run(&["record", "--", "no-such-command"]).expect(127).complains(&said);
    let text = bench.path().join("text");
    fs::write(&text, "no program").unwrap();
    let said = [text.to_str().unwrap(), "Permission denied"];
    bench.run(&["record", "--", text.to_str().unwrap()]).expect(126).complains(&said);
}

#[test]
fn wrong_options_are_never_mistaken_for_the_commands_end() {
    let bench = Bench::new();
    for wrong in [&["--bogus"][..], &["--interval", "soon"], &["--progress-regex", "frame"], &["12"]] {
        let words = [&["record"], wrong, &["--", "touch", "ran"]].concat();
        bench.run(&words).expect(125);
    }
    bench.run(&["record", "--bogus", "1"]).expect(2);
    assert!(!bench.path().join("ran").exists());
}

#[test]
fn what_is_no_process_number_is_answered_with_how_a_command_is_given() {
    let bench = Bench::new();
    let ran = bench.run(&["record", "sleep", "5"]);
    ran.expect(2).complains(&["`sleep` is not a PID", "memreel record -- sleep 5"]);
    bench.run(&["record"]).expect(2).complains(&["memreel record -- sleep 5"]);
    bench.run(&["record", "1", "2"]).expect(2).complains(&["give one PID"]);
}

#[test]
fn a_process_that_cannot_be_recorded_is_named_with_the_reason() {
    let bench = Bench::new();
    bench.run(&["record", "99999999"]).expect(2).complains(&["no process 99999999"]);
    bench.run(&["record", "0"]).expect(2).complains(&["no process 0"]);
    let kernel = fs::read_to_string("/proc/2/status").unwrap_or_default();
    if kernel.contains("kthreadd") {
        bench.run(&["record", "2"]).expect(2).complains(&["part of the kernel"]);
    }
    let mut zombie = Command::new("true").spawn().unwrap();
    let pid = zombie.id() as i32;
    until("it is a zombie", || (!is_alive(pid)).then_some(()));
    bench.run(&["record", &pid.to_string()]).expect(2).complains(&["has already ended"]);
    zombie.wait().unwrap();
}

#[test]
fn when_the_duration_is_over_a_command_and_its_children_are_ended() {
    let bench = Bench::new();
    record_sh(&bench, &["--duration", "300ms"], "sleep 3631 & sleep 3632; true").expect(124);
    let sleeps = processes(&bench).into_iter().filter(|process| process.name.as_str() == "sleep");
    let sleeps: BTreeSet<_> = sleeps.map(|process| process.pid).collect();
    assert!(sleeps.len() == 2 && !sleeps.into_iter().any(is_alive));
    assert_eq!(record(&bench).outcome, Some(Outcome::TimedOut { limit_s: 0.3 }));
}

#[test]
fn when_the_duration_is_over_a_process_goes_on() {
    let bench = Bench::new();
    let other = Other::start(&bench, &["sleep", "3633"]);
    bench.run(&["record", "--save", "kept", "--duration", "0.3", &other.pid()]).expect(0);
    assert!(is_alive(other.0.id() as i32));
    let record = record(&bench);
    assert!(record.attached && record.outcome.is_none(), "{record:?}");
    assert!(record.wall_s > 0.29, "{}", record.wall_s);
    assert_eq!(record.command, ["sleep", "3633"]);
}

#[test]
fn a_process_is_watched_to_its_end() {
    let bench = Bench::new();
    let mut other = Other::start(&bench, &["sleep", "3634"]);
    // Its end is not waited for until the next sample.
    let running = bench.start(&["record", "--save", "kept", "--interval", "3600", &other.pid()]);
    has_begun(&bench);
    other.end();
    running.wait().expect(0);
}

#[test]
fn to_end_watching_a_process_is_no_failure() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let bench = Bench::new();
        let other = Other::start(&bench, &["sleep", "3635"]);
        let running = bench.start(&["record", "--save", "kept", &other.pid()]);
        has_begun(&bench);
        running.signal(signal);
        running.wait().expect(0);
        assert!(is_alive(other.0.id() as i32));
        assert_eq!(record(&bench).sampling.samples as usize, samples(&bench).len());
    }
}

// A command runs as it would without us.

#[test]
fn input_and_output_are_the_commands_own() {
    let bench = Bench::new();
    fs::write(bench.path().join("in"), "through and through\n").unwrap();
    let list = "readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2; ls /proc/self/fd | wc -l";
    let run = |mut command: Command| {
        command.stdin(fs::File::open(bench.path().join("in")).unwrap());
        command.stdout(fs::File::create(bench.path().join("out")).unwrap());
        command.stderr(fs::File::create(bench.path().join("err")).unwrap());
        assert!(command.status().unwrap().success());
        (read(&bench, "out"), read(&bench, "err"))
    };
    let mut plain = Command::new("sh");
    plain.args(["-c", list]);
    bench.settle(&mut plain);
    let recorded = bench.memreel(&["record", "--quiet", "--", "sh", "-c", list]);
    assert_eq!(run(recorded), run(plain));
    let through = bench.memreel(&["record", "--quiet", "--", "cat"]);
    assert_eq!(run(through), (Some("through and through\n".into()), None));
}

#[test]
fn whatever_else_is_open_for_the_command_stays_open() {
    let bench = Bench::new();
    for (number, text) in ["three", "four", "five"].iter().enumerate() {
        fs::write(bench.path().join((number + 3).to_string()), text).unwrap();
    }
    let script = format!("exec {MEMREEL} record -q -- cat /dev/fd/3 /dev/fd/4 /dev/fd/5 3<3 4<4 5<5");
    let mut command = Command::new("sh");
    bench.settle(command.args(["-c", &script]));
    bench.start_command(command).wait().expect(0).says(&["threefourfive"]);
}

#[test]
fn what_signals_do_to_the_command_is_what_they_would_do_without_us() {
    let grep = ["grep", "-E", "^Sig(Ign|Blk|Cgt)", "/proc/self/status"];
    // A shell's background job ignores INT and QUIT; nohup ignores HUP.
    for before in ["", "trap '' INT QUIT;", "trap '' HUP TERM;"] {
        let ask = |what: &str| {
            let script = format!("{before} exec {what}");
            let mut command = Command::new("sh");
            command.args(["-c", &script]).args(grep);
            String::from_utf8(command.output().unwrap().stdout).unwrap()
        };
        let plain = ask(r#""$0" "$@""#);
        let recorded = ask(&format!(r#"{} record --quiet -- "$0" "$@""#, env!("CARGO_BIN_EXE_memreel")));
        assert!(plain.contains("SigIgn"), "{plain}");
        assert_eq!(recorded, plain, "{before}");
    }
}

#[test]
fn a_signal_sent_to_memreel_reaches_the_command() {
    for (signal, name) in [(Signal::TERM, "TERM"), (Signal::INT, "INT"), (Signal::HUP, "HUP")] {
        let bench = Bench::new();
        let script =
            format!("trap 'echo got {name}; exit 9' {name}; echo ready; while :; do sleep 0.05; done");
        let running = bench.start(&sh(&bench, &[], &script));
        until("the command runs", || running.out().contains("ready").then_some(()));
        running.signal(signal);
        let ran = running.wait();
        ran.expect(9).says(&[&format!("got {name}")]);
    }
}

#[test]
fn a_watcher_that_dies_costs_the_command_nothing() {
    let bench = Bench::new();
    let script = r#"sleep 1; echo done > "$0/done""#;
    let running = bench.start(&sh(&bench, &[], script));
    has_begun(&bench);
    running.signal(Signal::KILL);
    drop(running);
    until("the command has ended", || read(&bench, "done"));
    assert!(!kept(&bench).join("recording.json").exists(), "a torn recording must not look whole");
}

#[test]
fn a_launcher_that_dies_is_our_fault_and_costs_the_command_nothing() {
    let bench = Bench::new();
    let running = bench.start(&sh(&bench, &[], r#"sleep 0.7; echo done > "$0/done""#));
    has_begun(&bench);
    let launcher = mentioning(bench.path()).into_iter().find(|process| process.program() == "memreel-launch");
    launcher.unwrap().kill();
    running.wait().expect(125).complains(&["memreel-launch", "ended before the command"]);
    until("the command has ended", || read(&bench, "done"));
}

#[test]
fn what_a_command_leaves_running_goes_on_and_is_counted() {
    let bench = Bench::new();
    let script = r#"sh -c 'cat go; echo late > "$0/late"' "$0" & sleep 0.2; exit 4"#;
    let ran = record_sh(&bench, &[], &format!("mkfifo go; {script}"));
    ran.expect(4);
    assert!(ran.err.contains("2 processes are still running"), "{}", ran.err);
    assert!(!bench.path().join("late").exists());
    assert_eq!(whats(&events(&bench, "left-running")), ["2 processes"]);
    fs::write(bench.path().join("go"), "").unwrap();
    until("it has done its work", || read(&bench, "late"));
}

/// A parent of 60 MiB and three children by fork, which only wait: they have its pages in common.
#[test]
fn pages_that_processes_share_are_told_apart_from_those_that_they_have_alone() {
    let bench = Bench::new();
    let script = "import os, time\nheld = os.urandom(1 << 20) * 60\nfor _ in range(3):\n    if os.fork() == 0:\n        \
        time.sleep(3)\n        os._exit(0)\ntime.sleep(2.5)\n[os.wait() for _ in range(3)]";
    let ran = bench.run(&["record", "--save", "kept", "--", &python(), "-c", script]);
    let told = ran.expect(0).err.lines().find(|line| line.starts_with("shared   ")).map(str::to_string);
    let told = told.unwrap_or_else(|| panic!("no line on shared pages: {}", ran.err));
    let number = |before: &str| -> f64 {
        told.split_once(before).unwrap().0.split_whitespace().next_back().unwrap().parse().unwrap()
    };
    let (pss, rss) = (number(" MiB proportional"), number(" MiB resident"));
    assert!(pss < 90.0 && rss > 3.0 * 60.0, "{told}");
    // It is read when memory has risen, and over the whole run.
    let reads: Vec<f64> =
        samples(&bench).iter().filter(|sample| sample.pss_bytes.is_some()).map(|sample| sample.t_s).collect();
    assert!(reads.last().is_some_and(|last| *last > 1.5), "{reads:?}");
}

#[test]
fn a_command_that_goes_into_the_background_can_be_followed_to_its_end() {
    let bench = Bench::new();
    let script = r#"setsid sh -c 'sleep 0.7; echo late > "$0/late"' "$0" & exit 4"#;
    record_sh(&bench, &["--wait-for-all"], script).expect(4);
    assert!(bench.path().join("late").exists());
    let record = record(&bench);
    assert!(record.wall_s > 0.65, "{}", record.wall_s);
    assert!(samples(&bench).last().unwrap().t_s > 0.6);
}

#[test]
fn closed_standard_streams_hurt_nobody() {
    let bench = Bench::new();
    let script = format!("exec {} record -- sh -c 'exit 3' >&- 2>&- <&-", env!("CARGO_BIN_EXE_memreel"));
    let status = Command::new("sh").args(["-c", &script]).current_dir(bench.path()).status().unwrap();
    assert_eq!(status.code(), Some(3));
}

#[test]
fn quiet_is_quiet() {
    let bench = Bench::new();
    let ran = bench.run(&["record", "--quiet", "--", "true"]);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    let ran = bench.run(&["record", "--", "true"]);
    assert_eq!(ran.out, "");
    for word in ["finished", "peak", " sample", "cost"] {
        assert!(ran.err.contains(word), "{}", ran.err);
    }
}

// In a terminal.

/// Runs a command in a terminal, types what the steps say, and returns what was shown.
fn in_terminal(bench: &Bench, steps: &[&str], command: &[&str]) -> Ran {
    fs::write(bench.path().join("steps"), steps.join("\n")).unwrap();
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/terminal.py");
    let mut python = Command::new(peer("bin/python3"));
    python.arg(driver).arg("steps").args(command);
    bench.settle(&mut python);
    bench.start_command(python).wait()
}

const MEMREEL: &str = env!("CARGO_BIN_EXE_memreel");

#[test]
fn ctrl_c_is_for_the_command_and_its_end_is_waited_for() {
    let bench = Bench::new();
    let folder = bench.path().to_str().unwrap();
    let script = "import os, select, signal, time
heard, hear = os.pipe()
os.set_blocking(hear, False)
signal.set_wakeup_fd(hear)
signal.signal(signal.SIGINT, lambda *_: None)
print('ready', flush=True)
select.select([heard], [], [])
time.sleep(0.5)
print('count', len(os.read(heard, 64)))
raise SystemExit(7)";
    // A shell that is just starting a program may lose it to the background.
    let steps = ["expect ready", "wait 0.2", r"type \x03"];
    let python = python();
    let trapped = [MEMREEL, "record", "--save", "kept", "--", &python, "-c", script];
    // Once: memreel does not send what the terminal has sent.
    in_terminal(&bench, &steps, &trapped).expect(7).says(&["count 1"]);
    assert_eq!(record(&bench).outcome, Some(Outcome::Failed { code: 7, message: None }));
    let untrapped =
        [MEMREEL, "record", "--force", "--save", "kept", "--", "sh", "-c", "echo ready; sleep 47", folder];
    in_terminal(&bench, &steps, &untrapped).expect(130);
}

#[test]
fn ctrl_z_stops_all_and_fg_goes_on() {
    let bench = Bench::new();
    let command = format!("{MEMREEL} record -q -- sh -c 'echo rea\"\"dy; cat go; echo do\"\"ne; exit 4'");
    let steps = [
        "type mkfifo go; PS1=:prompt:; set -m\\n",
        "expect :prompt:",
        &format!("type {}\\n", command.replace('\\', "\\\\")),
        "expect ready",
        "wait 0.3",
        r"type \x1a",
        "expect Stopped",
        "wait 1",
        // memreel, its launcher, the shell and its cat.
        "type echo stopped $(ps -o stat= --sid $$ | grep -c ^T); (echo > go &); fg\\n",
        "expect stopped 4",
        "expect done",
        r"type echo code $?; exit\n",
        "expect code 4",
    ];
    let ran = in_terminal(&bench, &steps, &["bash", "--norc", "-i"]);
    ran.expect(0);
}

#[test]
fn the_terminal_is_the_commands_own() {
    let bench = Bench::new();
    let script = "import os, sys
print('tty', os.isatty(0), os.isatty(1), os.isatty(2), os.tcgetpgrp(0) == os.getpgrp())
print('read', input())";
    let python = python();
    let command = [MEMREEL, "record", "--quiet", "--", &python, "-c", script];
    let steps = ["expect tty True True True True", r"type words\n", "expect read words"];
    in_terminal(&bench, &steps, &command).expect(0);
}

#[test]
fn the_live_line_is_drawn_on_a_terminal_only() {
    let bench = Bench::new();
    let record = [MEMREEL, "record", "--live", "--quiet", "--", "sleep", "1.3"];
    in_terminal(&bench, &[], &record).expect(0).says(&[
        "\r\x1b[K0:01  RSS ",
        " (peak ",
        "CPU 0 %",
        "\r\x1b[K",
    ]);
    let ran = bench.run(&record[1..]);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
}

// The log of psrecord.

/// A log: its header, and its rows of numbers.
#[derive(Debug)]
struct Log {
    header: String,
    lines: Vec<String>,
    rows: Vec<Vec<f64>>,
}

impl Log {
    fn read(path: &Path) -> Log {
        let text = fs::read_to_string(path).unwrap();
        let mut lines = text.lines().map(String::from);
        let header = lines.next().unwrap();
        let lines: Vec<_> = lines.collect();
        let number = |word: &str| word.parse::<f64>().unwrap();
        let words = |line: &str| -> Vec<f64> {
            line.split([' ', ',']).filter(|word| !word.is_empty()).map(number).collect()
        };
        Log { rows: lines.iter().map(|line| words(line)).collect(), header, lines }
    }

    fn column(&self, number: usize) -> Vec<f64> {
        self.rows.iter().map(|row| row[number]).collect()
    }
}

/// Has psrecord and memreel record the same process at the same time.
fn side_by_side(bench: &Bench, pid: &str, options: &[&str]) -> (Log, Log) {
    let (theirs, ours) = (bench.path().join("theirs"), bench.path().join("ours"));
    let options = [&["--interval", "0.1", "--duration", "1.5"], options].concat();
    let mut psrecord = Command::new(peer("bin/python3"));
    psrecord.arg(peer("bin/psrecord")).arg(pid).arg("--log").arg(&theirs).args(&options);
    let mut psrecord = psrecord.stdout(Stdio::null()).spawn().unwrap();
    let log = ["record", "--log", ours.to_str().unwrap(), pid];
    bench.run(&[&log, options.as_slice()].concat()).expect(0);
    assert!(psrecord.wait().unwrap().success());
    (Log::read(&theirs), Log::read(&ours))
}

/// A process that holds memory and does nothing.
fn steady(bench: &Bench) -> Other {
    let script = "import time; held = bytearray(40 << 20); open('ready', 'w').write('!'); time.sleep(60)";
    let other = Other::start(bench, &[&python(), "-c", script]);
    until("it holds its memory", || read(bench, "ready"));
    other
}

#[test]
fn the_log_is_psrecords_column_for_column() {
    let bench = Bench::new();
    let steady = steady(&bench);
    for options in [&["--log-format", "plain"][..], &["--log-format", "csv"]] {
        for more in [&[][..], &["--include-io"], &["--include-children", "--include-io"]] {
            let (theirs, ours) = side_by_side(&bench, &steady.pid(), &[options, more].concat());
            assert_eq!(ours.header, theirs.header);
            assert!(ours.rows.len() >= 14 && theirs.rows.len() >= 12, "{ours:?}");
            let is_csv = options[1] == "csv";
            for row in &ours.rows {
                // All but when it was, to the last digit: also what was read and written.
                assert_eq!(row[1..], theirs.rows[0][1..]);
            }
            if !is_csv {
                let widths = |log: &Log| log.lines.iter().map(String::len).collect::<BTreeSet<_>>();
                assert_eq!(widths(&ours), widths(&theirs));
                assert_eq!(ours.lines[0].find('.'), theirs.lines[0].find('.'));
            }
        }
    }
}

#[test]
fn cpu_is_what_psrecord_says_it_is() {
    let bench = Bench::new();
    let script = r#"while :; do :; done"#;
    let busy = Other::start(&bench, &["sh", "-c", script, bench.path().to_str().unwrap()]);
    let mean = |log: &Log| {
        let cpu = log.column(1);
        cpu[1..].iter().sum::<f64>() / (cpu.len() - 1) as f64
    };
    // On a busy machine what it gets changes from moment to moment, and neither looks when the other does.
    let agree = |_| {
        let (theirs, ours) = side_by_side(&bench, &busy.pid(), &[]);
        assert_eq!((ours.rows[0][1], theirs.rows[0][1]), (0.0, 0.0));
        mean(&ours) > 10.0 && (mean(&ours) - mean(&theirs)).abs() < 10.0
    };
    assert!((0..5).any(agree));
}

#[test]
fn the_log_counts_children_only_when_asked() {
    let bench = Bench::new();
    let family =
        Other::start(&bench, &["sh", "-c", "sleep 37 & sleep 37 & wait", bench.path().to_str().unwrap()]);
    until("the children run", || {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", family.pid())).ok()?;
        let names = children.split_whitespace().map(|pid| fs::read_to_string(format!("/proc/{pid}/comm")));
        (names.filter(|name| name.as_ref().is_ok_and(|name| name == "sleep\n")).count() == 2).then_some(())
    });
    let alone = side_by_side(&bench, &family.pid(), &["--log-format", "csv"]);
    let all = side_by_side(&bench, &family.pid(), &["--log-format", "csv", "--include-children"]);
    for (pair, processes) in [(&alone, 1.0), (&all, 3.0)] {
        let (theirs, ours) = (pair.0.rows.last().unwrap(), pair.1.rows.last().unwrap());
        assert_eq!((ours[1], &ours[3..]), (processes, &theirs[3..]));
    }
    Command::new("pkill").args(["-P", &family.pid()]).status().unwrap();
}

// Marks and progress.

#[test]
fn signals_and_lines_of_a_pipe_mark_their_moment() {
    let bench = Bench::new();
    let other = Other::start(&bench, &["sleep", "3638"]);
    let running = bench.start(&["record", "--save", "kept", "--marks", "marks", &other.pid()]);
    let pipe = bench.path().join("marks");
    has_begun(&bench);
    for labels in ["loaded\n", "first pass\nsecond pass\n"] {
        fs::write(&pipe, labels).unwrap();
    }
    has_marks(&bench, 3);
    for marks in [4, 5] {
        running.signal(Signal::USR1);
        has_marks(&bench, marks);
    }
    running.signal(Signal::TERM);
    running.wait().expect(0);
    let marks = events(&bench, "mark");
    assert_eq!(whats(&marks), ["loaded", "first pass", "second pass", "mark 4", "mark 5"]);
    assert!(marks.is_sorted_by(|a, b| a.t_s <= b.t_s));
    assert!(!pipe.exists());
}

#[test]
fn progress_is_read_from_output_that_is_passed_on_unchanged() {
    let bench = Bench::new();
    let script = r#"i=0; while [ $i -lt 40 ]; do i=$((i + 1)); printf 'frame= %d of 40\r' $i >&2; sleep 0.01; done
        printf 'done\0\377'; exit 6"#;
    let regex = "frame= *([0-9]+) of";
    let ran = record_sh(&bench, &["--quiet", "--progress-regex", regex], script);
    ran.expect(6);
    let lines: String = (1..=40).map(|frame| format!("frame= {frame} of 40\r")).collect();
    assert_eq!((ran.out.as_str(), ran.err), ("done\0\u{FFFD}", lines));
    let frames: Vec<_> = samples(&bench).iter().filter_map(Sample::frames).map(Count::get).collect();
    assert!(frames.len() > 10 && frames.is_sorted() && frames.iter().all(|frame| (1..=40).contains(frame)));
    assert_eq!(record(&bench).progress, "frames");
}

#[test]
fn output_is_passed_on_at_once() {
    let bench = Bench::new();
    let script = "printf 'no line yet'; exec sleep 3639";
    let running = bench.start(&sh(&bench, &["--progress-regex", "([0-9]+)"], script));
    until("it is passed on", || (running.out() == "no line yet").then_some(()));
    running.signal(Signal::TERM);
    running.wait().expect(143);
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_command_as_without_us() {
    let bench = Bench::new();
    let script = format!(
        "{} record -q --progress-regex '(x)' -- yes | head -1; echo ok",
        env!("CARGO_BIN_EXE_memreel")
    );
    let mut command = Command::new("sh");
    bench.settle(command.args(["-c", &script]));
    bench.start_command(command).wait().expect(0).says(&["y\nok\n"]);
}

#[test]
fn ffmpegs_progress_file_counts_frames() {
    let bench = Bench::new();
    let ffmpeg = ["ffmpeg", "-v", "error", "-stats_period", "0.05", "-progress", "export.progress"];
    let source = ["-re", "-f", "lavfi", "-i", "testsrc=size=320x180:rate=25", "-t", "1", "-f", "null", "-"];
    let options = ["record", "--save", "kept", "--progress-file", "export.progress", "--"];
    bench.run(&[&options[..], &ffmpeg, &source].concat()).expect(0);
    let frames: BTreeSet<_> = samples(&bench).iter().filter_map(Sample::frames).map(Count::get).collect();
    assert!(frames.len() > 1 && frames.last() <= Some(&25), "{frames:?}");
    assert_eq!(record(&bench).progress, "frames");
}

#[test]
fn a_command_that_says_nothing_is_known_by_what_it_writes() {
    let bench = Bench::new();
    let script =
        "for i in 1 2 3 4 5; do dd if=/dev/zero of=$0/out bs=100k count=1 2>/dev/null; sleep 0.1; done";
    record_sh(&bench, &[], script).expect(0);
    assert_eq!(record(&bench).progress, "written");
    let written: Vec<_> = samples(&bench).iter().filter_map(|sample| sample.written_bytes).collect();
    assert!(written.is_sorted() && *written.last().unwrap() >= Bytes::new(500 * 1024), "{written:?}");
}

// What is measured.

#[test]
fn fifty_mebibytes_held_for_milliseconds_are_in_the_peak() {
    let bench = Bench::new();
    let dd = ["dd", "if=/dev/zero", "of=/dev/null", "count=1", "bs=50M", "status=none"];
    // What the kernel says to a parent that is smaller than that.
    let wait = "import resource, subprocess, sys; subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
    let truth = Command::new(python()).args(["-c", wait]).args(dd).output().unwrap();
    let truth: u64 = String::from_utf8(truth.stdout).unwrap().trim().parse().unwrap();
    bench.run(&[&["record", "--save", "kept", "--"], &dd[..]].concat()).expect(0);
    let peak = record(&bench).high_water_bytes.unwrap();
    assert!((peak.mib() - Bytes::from_kib(truth).mib()).abs() < 1.0, "{peak} {truth} KiB");
    assert!(peak > Bytes::from_mib(50));
}

#[test]
fn the_whole_tree_is_measured_with_those_that_lost_their_parent() {
    let bench = Bench::new();
    let python = python();
    let script = format!(
        "sh -c '{python} -c \"import time; held = bytearray(60 << 20); open(\\\"held\\\", \\\"x\\\"); time.sleep(1)\" & exit'; \
         until [ -e held ]; do sleep 0.05; done; sleep 0.3"
    );
    record_sh(&bench, &[], &script).expect(0);
    let most = samples(&bench).iter().filter_map(|sample| sample.rss_bytes).max().unwrap();
    assert!(most > Bytes::from_mib(60), "{most}");
}

#[test]
fn what_children_did_before_is_not_done_now() {
    let bench = Bench::new();
    // A child that executes another program, and one that stays a copy of its parent.
    let busy = "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done";
    let script = format!(
        "(sh -c '{busy}; echo 1 > one; exec sleep 3646' $0 & {busy}; echo 2 > two; sleep 3602; :) & wait"
    );
    let family = Other::start(&bench, &["sh", "-c", &script, bench.path().to_str().unwrap()]);
    until("the children have worked", || read(&bench, "one").and(read(&bench, "two")));
    bench.run(&["record", "--save", "kept", "--duration", "0.5", &family.pid()]).expect(0);
    let cpu_s = record(&bench).cpu_s.unwrap();
    assert!(cpu_s < 0.05, "{cpu_s}");
    assert!(samples(&bench).iter().all(|sample| sample.processes >= Some(Count::new(4))));
    processes(&bench).iter().for_each(|process| end(process.pid));
}

fn end(pid: i32) {
    let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), Signal::KILL);
}

#[test]
fn intervals_may_be_of_any_length() {
    let bench = Bench::new();
    let other = Other::start(&bench, &["sleep", "3640"]);
    // On a busy machine some may be missed; that is counted.
    let count = |options: &[&str]| {
        let always = ["record", "--force", "--save", "kept", "--duration", "0.5", &other.pid()];
        bench.run(&[&always, options].concat()).expect(0);
        assert_eq!(record(&bench).sampling.samples as usize, samples(&bench).len());
        (samples(&bench).len() as u64 + record(&bench).sampling.missed, record(&bench).wall_s)
    };
    for (interval, interval_s) in [("10", 10.0), ("0.1", 0.1), ("20ms", 0.02), ("1ms", 0.001)] {
        let (counted, wall_s) = count(&["--interval", interval]);
        let (least, most) = (0.5 / interval_s, 1.1 * wall_s / interval_s + 3.0);
        assert!((least.ceil()..most).contains(&(counted as f64)), "{interval}: {counted} in {wall_s} s");
    }
    let pace = |options: &[&str]| {
        let (counted, wall_s) = count(options);
        counted as f64 / wall_s
    };
    // Other work on the machine only takes samples away.
    assert!((0..5).any(|_| pace(&["--interval", "0", "--detail", "rss"]) > 1000.0));
    assert!(samples(&bench).iter().all(|sample| sample.cpu_s.is_none() && sample.rss_bytes.is_some()));
}

#[test]
fn while_nothing_happens_only_the_sampler_and_the_writer_wake() {
    let bench = Bench::new();
    let other = Other::start(&bench, &["sleep", "3641"]);
    let options = ["record", "--interval", "10", "--save", "kept", "--marks", "marks"];
    let running = bench.start(&[&options[..], &["--duration", "60", &other.pid()]].concat());
    has_begun(&bench);
    let wakes = || -> u64 {
        let status = fs::read_to_string(format!("/proc/{0}/task/{0}/status", running.pid())).unwrap();
        let wakes = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        wakes.unwrap().trim().parse().unwrap()
    };
    let cpu_ns = || -> u64 {
        let times = fs::read_to_string(format!("/proc/{0}/task/{0}/schedstat", running.pid())).unwrap();
        times.split(' ').next().unwrap().parse().unwrap()
    };
    // A writer that is gone must not keep us busy.
    fs::write(bench.path().join("marks"), "begun\n").unwrap();
    has_marks(&bench, 1);
    std::thread::sleep(Duration::from_millis(50));
    let before = (wakes(), cpu_ns());
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!((wakes(), cpu_ns()), before);
    running.signal(Signal::TERM);
    running.wait().expect(0);
}

// Processes that run already.

#[test]
fn a_process_that_executes_another_program_is_followed() {
    let bench = Bench::new();
    let script = format!(
        "until [ -e go ]; do sleep 0.01; done; exec {} -c 'import time; x = bytearray(50 << 20); time.sleep(0.5)'",
        python()
    );
    let other = Other::start(&bench, &["sh", "-c", &script]);
    let running = bench.start(&["record", "--save", "kept", &other.pid()]);
    has_begun(&bench);
    fs::write(bench.path().join("go"), "").unwrap();
    running.wait().expect(0);
    let most = samples(&bench).iter().filter_map(|sample| sample.rss_bytes).max().unwrap();
    assert!(most > Bytes::from_mib(50), "{most}");
    let names = events(&bench, "name");
    assert!(whats(&names).contains(&format!("{} python3", other.pid()).as_str()), "{names:?}");
    drop(other);
}

#[test]
fn a_name_may_hold_anything() {
    let bench = Bench::new();
    let program = bench.path().join("a (b) \n) R 1");
    fs::copy(which("sleep"), &program).unwrap();
    let other = Other::start(&bench, &[program.to_str().unwrap(), "42"]);
    bench.run(&["record", "--save", "kept", "--duration", "0.3", &other.pid()]).expect(0);
    assert!(samples(&bench).iter().all(|sample| sample.rss_bytes > Some(Bytes::ZERO)));
    assert_eq!(whats(&events(&bench, "process-start")), [format!("{} a (b) ␊) R 1", other.pid())]);
    assert_eq!(record(&bench).command, [program.to_str().unwrap(), "42"]);
}

fn which(program: &str) -> PathBuf {
    std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .unwrap()
}

/// memreel as another user than the one who owns the process: nobody, where the tests run as root, else
/// this user, of a process of root's.
fn as_somebody_else(bench: &Bench) -> (Command, Option<Other>, String) {
    if !rustix::process::getuid().is_root() {
        return (bench.memreel(&["record"]), None, "1".into());
    }
    // Nobody cannot reach the folder of the build.
    let folder = std::env::temp_dir().join(format!("memreel-test-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for name in ["memreel", "memreel-launch"] {
        fs::copy(Path::new(env!("CARGO_BIN_EXE_memreel")).with_file_name(name), folder.join(name)).unwrap();
    }
    let other = Other::start(bench, &["sleep", "43"]);
    let pid = other.pid();
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(folder.join("memreel"))
        .arg("record");
    bench.settle(&mut command);
    command.current_dir("/tmp").env("TMPDIR", "/tmp");
    (command, Some(other), pid)
}

#[test]
fn of_somebody_elses_process_is_measured_what_may_be_and_the_rest_is_named() {
    let bench = Bench::new();
    let (mut command, other, pid) = as_somebody_else(&bench);
    command.args(["--duration", "0.4", "--json", "-", &pid]);
    let ran = bench.start_command(command).wait();
    ran.expect(0);
    let known: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert!(known["sampled_peak_bytes"].as_u64() > Some(100_000), "{known}");
    let notes = known["notes"].to_string();
    for word in ["io", "smaps_rollup"] {
        assert!(notes.contains(word) && ran.err.contains(word), "{notes}\n{}", ran.err);
    }
    assert_eq!(known["progress"], "none");
    if other.is_some() {
        fs::remove_dir_all(std::env::temp_dir().join(format!("memreel-test-{}", std::process::id())))
            .unwrap();
    }
}

// Where it is kept.

#[test]
fn a_recording_is_whole_and_says_how_it_was_made() {
    let bench = Bench::new();
    let options = ["--csv", "alone.csv", "--json", "known.json", "--plot", "memory.svg"];
    record_sh(&bench, &options, "sleep 0.3").expect(0);
    let record = record(&bench);
    assert_eq!((record.format.as_str(), record.attached), (memreel_trace::RECORDING_FORMAT, false));
    assert_eq!(record.command[..2], ["sh", "-c"]);
    assert!((0.3..0.6).contains(&record.wall_s), "{}", record.wall_s);
    let samples = samples(&bench);
    assert_eq!(record.sampling.samples as usize, samples.len());
    assert_eq!(memreel_trace::read_samples(&bench.path().join("alone.csv")).unwrap(), samples);
    assert_eq!(whats(&events(&bench, "exec")), ["sh"]);
    let known: serde_json::Value = serde_json::from_str(&read(&bench, "known.json").unwrap()).unwrap();
    assert_eq!(known["pid"], record.pid);
    assert_eq!(known["summary"]["samples"], samples.len());
    assert!(read(&bench, "memory.svg").unwrap().contains("</svg>"));
}

#[test]
fn what_is_not_kept_is_not_left_behind() {
    let bench = Bench::new();
    let place = bench.path().join("temporary");
    fs::create_dir(&place).unwrap();
    for command in [&["--", "true"][..], &["--", "no-such-command"], &["99999999"]] {
        let mut memreel = bench.memreel(&[&["record"], command].concat());
        memreel.env("TMPDIR", &place);
        bench.start_command(memreel).wait();
        assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
    }
}

#[test]
fn a_place_that_cannot_be_written_is_known_before_the_command_is_started() {
    let bench = Bench::new();
    fs::create_dir(bench.path().join("full")).unwrap();
    fs::write(bench.path().join("full").join("thesis"), "years of work").unwrap();
    let places = [
        ["--log", "/proc/log"],
        ["--csv", "/nowhere/samples.csv"],
        ["--json", "/nowhere/known.json"],
        ["--plot", "/nowhere/memory.svg"],
        ["--plot", "memory.gif"],
        ["--save", "/proc/kept"],
        ["--save", "full"],
        ["--marks", "full"],
        ["--progress-file", "/nowhere/progress"],
    ];
    for place in places {
        let words = [&["record"], &place[..], &["--", "touch", "ran"]].concat();
        bench.run(&words).expect(125).complains(&[if place[1] == "memory.gif" { ".png" } else { place[1] }]);
    }
    assert!(!bench.path().join("ran").exists());
    let other = Other::start(&bench, &["sleep", "44"]);
    bench.run(&["record", "--csv", "/nowhere/samples.csv", &other.pid()]).expect(5);
}

#[test]
fn an_old_recording_is_replaced_only_when_asked() {
    let bench = Bench::new();
    record_sh(&bench, &[], "exit 0").expect(0);
    record_sh(&bench, &[], "exit 0").expect(125).complains(&["kept", "--force"]);
    record_sh(&bench, &["--force"], "exit 3").expect(3);
    assert_eq!(record(&bench).outcome, Some(Outcome::Failed { code: 3, message: None }));
}

#[test]
fn where_numbers_of_processes_mean_others_nothing_is_measured() {
    let bench = Bench::new();
    let memreel = bench.memreel(&["record", "--", "sh", "-c", "echo ran"]);
    let mut elsewhere = Command::new("unshare");
    elsewhere.args(["--user", "--map-root-user", "--pid", "--fork"]);
    elsewhere.arg(memreel.get_program()).args(memreel.get_args());
    bench.settle(&mut elsewhere);
    let ran = bench.start_command(elsewhere).wait();
    ran.expect(125)
        .complains(&["/proc shows the processes of another PID namespace", "unshare --mount-proc"]);
    assert_eq!(ran.out, "");
}

#[test]
fn where_no_more_files_can_be_opened_that_is_said_and_is_no_success() {
    let bench = Bench::new();
    let few_files = bench.memreel(&["record", "--", "sleep", "0.3"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -S -n 16; exec \"$0\" \"$@\""]);
    limited.arg(few_files.get_program()).args(few_files.get_args());
    bench.settle(&mut limited);
    let ran = bench.start_command(limited).wait();
    let last = ran.expect(125).err.lines().last().unwrap();
    assert!(last.ends_with("not every process was sampled; raise `ulimit -n`"), "{last}");
    let told = ran.err.matches("too many open files").count();
    assert_eq!(told, 1, "{}", ran.err);
    // The command that decides opens more, in the same shell.
    let decides = ran.err.lines().find_map(|line| line.strip_prefix("To decide: ")).unwrap();
    let memreel = few_files.get_program().to_str().unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -S -n 16; {}", decides.replace("memreel", memreel))]);
    bench.settle(&mut shell);
    let again = bench.start_command(shell).wait();
    assert!(!again.expect(0).err.contains("too many open files"), "{}", again.err);
}

#[test]
fn a_disk_that_fills_up_does_not_end_the_command_and_is_told() {
    let bench = Bench::new();
    let ran = record_sh(&bench, &["--csv", "/dev/full"], "sleep 1.2; exit 8");
    ran.expect(8).complains(&["/dev/full", "No space left", "the command continues"]);
    assert!(!kept(&bench).join("recording.json").exists());
    let other = Other::start(&bench, &["sleep", "45"]);
    bench.run(&["record", "--csv", "/dev/full", &other.pid()]).expect(5).complains(&["No space left"]);
    // A file that was asked for and is not there is no success; how the command failed is worth more.
    record_sh(&bench, &["--force", "--json", "/dev/full"], "exit 0")
        .expect(125)
        .complains(&["/dev/full", "No space left"]);
    record_sh(&bench, &["--force", "--json", "/dev/full"], "exit 8")
        .expect(8)
        .complains(&["/dev/full", "No space left"]);
}

// What to do next.

#[test]
fn the_next_command_reads_the_progress_as_the_last_one_did() {
    let bench = Bench::new();
    let script = "for n in 1 2 3; do echo n=$n; sleep 0.1; done";
    let ran = record_sh(&bench, &["--progress-regex", "n=([0-9]+)"], script);
    let said = ran.expect(0).err.lines().find(|line| line.starts_with("To decide")).unwrap();
    let next = |text: &str| shlex::split(text.split_once(": memreel ").unwrap().1).unwrap();
    let words = next(said);
    let (options, command) = words.split_at(words.iter().position(|word| word == "--").unwrap());
    assert!(options.windows(2).any(|two| two == ["--progress-regex", "n=([0-9]+)"]), "{said}");
    assert_eq!(command[1..4], ["sh", "-c", script], "{said}");
    let judged = bench.run(&["judge", "kept"]);
    assert!(judged.expect(0).out.lines().any(|line| line == said), "{}", judged.out);

    let script = "for n in 1 2 3; do echo $n > p.txt; sleep 0.1; done";
    let options = ["--force", "--progress-file", "p.txt", "--progress-regex=-?([0-9]+)"];
    let said = record_sh(&bench, &options, script);
    let said = said.expect(0).err.lines().find(|line| line.starts_with("To decide")).unwrap();
    for words in ["--progress-file p.txt", "'--progress-regex=-?([0-9]+)'"] {
        assert!(said.contains(words), "{said}");
    }
}
