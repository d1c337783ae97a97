//! Engines that die, hang or are stopped are data; memreel dying or being stopped loses nothing that
//! was whole, and leaves nothing behind.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use memreel::store::StoredResult;
use memreel_trace::{FramesShownBy, Outcome};
use rustix::process::Signal;
use support::*;

/// Two exports: the longer one takes seconds and, with this seed, comes first, the other an instant.
const LONG_AND_SHORT: &str = "
sources.shot.generate = { count = 2, seconds = 4, size = '320x180' }
timeline.tracks = [{ children = [{ clip = 'shot', start = '13f', duration = '20f' }] }]
export.preset = 'ultrafast'
matrix.threading = 'single'
matrix.length = [400, 2]
matrix.seed = 2
";

/// The outer guard and the guard of the job that runs.
fn guards(bench: &Bench) -> [Process; 2] {
    let all = mentioning(bench.path()).into_iter().filter(|process| process.program() == "memreel-launch");
    let guards: [Process; 2] = all.collect::<Vec<_>>().try_into().unwrap();
    let [first, second] = &guards;
    if first.parent() == second.pid { [second.clone(), first.clone()] } else { guards }
}

fn outcomes(bench: &Bench) -> Vec<Outcome> {
    bench.latest("dying").jobs.iter().map(|job| job.record.outcome.clone()).collect()
}

/// The engine of the long export, once it has put out frames.
fn working_engine(bench: &Bench) -> Process {
    let engine = bench.engine_with("400");
    until("it has a partial export", || {
        let entries = fs::read_dir(bench.latest_folder("dying").join("exports")).ok()?;
        entries.flatten().find(|entry| entry.metadata().is_ok_and(|meta| meta.len() > 100_000))
    });
    engine
}

fn run_and_hurt(bench: &Bench, more: &[&str], hurt: impl FnOnce(&Process)) -> Ran {
    bench.scenario("dying", LONG_AND_SHORT);
    let running = bench.start(&[&["run", "dying.toml"], more].concat());
    hurt(&working_engine(bench));
    running.wait()
}

#[test]
fn an_engine_that_is_killed_is_reported_and_the_others_run() {
    for (signal, number, name) in [(Signal::KILL, 9, "SIGKILL"), (Signal::SEGV, 11, "SIGSEGV")] {
        let bench = Bench::new();
        let ran = run_and_hurt(&bench, &[], |engine| {
            // Rust's runtime takes the first SIGSEGV for a stack that overflowed, and looks again.
            until("it is dead", || {
                engine.signal(signal);
                bench.engines().iter().all(|other| other.pid != engine.pid).then_some(())
            });
        });
        ran.expect(4).says(&[&format!("killed by {name}")]);
        assert!(ran.err.contains("1 of 2 exports failed"), "{}", ran.err);
        assert_eq!(outcomes(&bench), [Outcome::killed(number), Outcome::Finished]);
        let rows = summary(&bench.latest_folder("dying"));
        assert_eq!((rows[0]["outcome"].as_str(), rows[1]["outcome"].as_str()), ("killed", "finished"));
        let job = &bench.latest("dying").jobs[0];
        let frames = job.samples().unwrap().into_iter().filter_map(|sample| sample.frames_out).max().unwrap();
        assert!((1..16_000).contains(&frames.get()), "{frames:?}");
        assert!(job.record.max_rss_bytes.is_some() && job.record.cpu_s > Some(0.0));
    }
}

#[test]
fn an_engine_that_stands_still_is_stalled_and_the_others_run() {
    let bench = Bench::new();
    let ran = run_and_hurt(&bench, &["--stall-limit", "5"], |engine| engine.signal(Signal::STOP));
    ran.expect(4).says(&["stalled"]);
    let outcomes = outcomes(&bench);
    let [Outcome::Stalled { for_s, at_frame }, Outcome::Finished] = outcomes.as_slice() else {
        panic!("{outcomes:?}")
    };
    assert_eq!(*for_s, 5.0);
    assert!((1..16_000).contains(at_frame), "{at_frame}");
}

#[test]
fn an_engine_that_takes_too_long_is_ended_at_the_limit() {
    let bench = Bench::new();
    bench.scenario("dying", LONG_AND_SHORT);
    let ran = bench.run(&["run", "dying.toml", "--wall-limit", "3"]);
    ran.expect(4).says(&["ended after the limit of 3 s"]);
    assert_eq!(outcomes(&bench), [Outcome::TimedOut { limit_s: 3.0 }, Outcome::Finished]);
    let wall = bench.latest("dying").jobs[0].record.wall_s;
    assert!((3.0..6.5).contains(&wall), "{wall}");
}

#[test]
fn melt_that_is_killed_is_reported_too() {
    let bench = Bench::new();
    let ran = run_and_hurt(&bench, &["--engine", "melt", "--threading", "parallel:2"], Process::kill);
    ran.expect(4);
    assert_eq!(outcomes(&bench), [Outcome::killed(9), Outcome::Finished]);
}

/// Every file below a folder: what it holds and when it was written.
fn files(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let file = |entry: fs::DirEntry| {
        let written = entry.metadata().unwrap().modified().unwrap();
        (entry.file_name().into_string().unwrap(), (fs::read(entry.path()).unwrap(), written))
    };
    entries.map(file).collect()
}

/// The other way round, with this seed: the short export is whole when the long one runs.
const SHORT_AND_LONG: &str = "
sources.shot.generate = { count = 2, seconds = 4, size = '320x180' }
timeline.tracks = [{ children = [{ clip = 'shot', start = '13f', duration = '20f' }] }]
export.preset = 'ultrafast'
matrix.threading = 'single'
matrix.length = [2, 25]
matrix.seed = 3
";

/// Resumes a result of which only the short export is whole, and looks at what becomes of it.
fn resume_completes(bench: &Bench) {
    let folder = bench.latest_folder("going");
    let name = bench.latest("going").index.jobs[0].folder.clone();
    let whole = folder.join("jobs").join(&name);
    let before = files(&whole);
    assert!(before.contains_key("run.json"), "{:?}", before.keys());
    let ran = bench.run(&["run", "--resume", folder.to_str().unwrap()]);
    ran.expect(0);
    assert_eq!(ran.err.matches("already measured, reused").count(), 1, "{}", ran.err);
    assert!(files(&whole) == before, "a whole job was touched");
    let result = bench.latest("going");
    assert_eq!(result.jobs.len(), 2);
    assert!(result.jobs.iter().all(|job| job.record.outcome == Outcome::Finished));
    let names: Vec<_> =
        fs::read_dir(folder.join("jobs")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(summary(&folder).iter().all(|row| row["outcome"] == "finished"));
}

/// Starts the short and the long export, and waits until the long one is at work.
fn long_one_is_running(bench: &Bench) -> Running {
    bench.scenario("going", SHORT_AND_LONG);
    let running = bench.start(&["run", "going.toml"]);
    bench.engine_with("length-25");
    until("it is sampled", || {
        let jobs = fs::read_dir(bench.latest_folder("going").join("jobs")).ok()?.flatten();
        let mut partial = jobs.filter(|entry| entry.file_name().to_string_lossy().starts_with(".partial"));
        partial
            .find(|entry| fs::metadata(entry.path().join("samples.csv")).is_ok_and(|meta| meta.len() > 2_000))
    });
    running
}

#[test]
fn a_user_who_interrupts_keeps_what_was_measured_and_can_go_on() {
    for signal in [Signal::INT, Signal::TERM] {
        let bench = Bench::new();
        let running = long_one_is_running(&bench);
        running.signal(signal);
        let ran = running.wait();
        assert!(bench.engines().is_empty());
        ran.expect(130).says(&["finished", "interrupted"]);
        assert!(ran.err.contains("continue with `memreel run --resume"), "{}", ran.err);
        let result = bench.latest("going");
        let outcomes: Vec<_> = result.jobs.iter().map(|job| &job.record.outcome).collect();
        assert_eq!(outcomes, [&Outcome::Finished, &Outcome::Interrupted]);
        assert!(result.jobs[1].samples().unwrap().len() > 1);
        assert_eq!(summary(&result.folder)[1]["outcome"], "interrupted");
        resume_completes(&bench);
    }
}

#[test]
fn a_result_that_is_being_written_is_not_resumed_by_another() {
    let bench = Bench::new();
    let running = long_one_is_running(&bench);
    let partial = || {
        let jobs = fs::read_dir(bench.latest_folder("going").join("jobs")).unwrap().flatten();
        jobs.filter(|entry| entry.file_name().to_string_lossy().starts_with(".partial")).count()
    };
    let second = bench.run(&["run", "--resume", "reports/going/latest"]);
    let held = format!("it is being written by process {}", running.pid());
    second.expect(2).complains(&["reports/going/", &held, "wait until"]);
    assert_eq!(partial(), 1);
    running.wait().expect(0);
    let result = bench.latest("going");
    assert!(result.jobs.iter().all(|job| job.record.outcome == Outcome::Finished));
    // Nobody writes it any more, and nothing is left to do.
    bench.run(&["run", "--resume", "reports/going/latest"]).expect(0);
    let records =
        |result: &StoredResult| result.jobs.iter().map(|job| job.record.clone()).collect::<Vec<_>>();
    assert_eq!(records(&bench.latest("going")), records(&result));
}

#[test]
fn what_is_called_latest_and_is_no_link_is_left_alone() {
    let bench = Bench::new();
    bench.scenario("own", INSTANT);
    let latest = bench.path().join("reports/own/latest");
    fs::create_dir_all(latest.parent().unwrap()).unwrap();
    for make in [|path: &Path| fs::write(path, "mine"), |path: &Path| fs::create_dir(path)] {
        make(&latest).unwrap();
        bench.run(&["run", "own.toml"]).expect(2).complains(&["latest: this is not a link", "--reports"]);
        assert_eq!(fs::read_dir(latest.parent().unwrap()).unwrap().count(), 1);
        let _ = fs::remove_file(&latest);
    }
    assert!(latest.is_dir());
}

#[test]
fn a_signal_that_was_ignored_before_stays_ignored() {
    let bench = Bench::new();
    bench.scenario("going", SHORT_AND_LONG);
    let memreel = bench.memreel(&["run", "going.toml"]);
    let mut nohup = Command::new("sh");
    nohup.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(memreel.get_program()).args(memreel.get_args());
    bench.settle(&mut nohup);
    let running = bench.start_command(nohup);
    bench.engine_with("length-25");
    running.signal(Signal::HUP);
    running.wait().expect(0);
    assert!(bench.latest("going").jobs.iter().all(|job| job.record.outcome == Outcome::Finished));
}

#[test]
fn a_second_interrupt_ends_memreel_at_once_and_the_engine_with_it() {
    let bench = Bench::new();
    let running = long_one_is_running(&bench);
    bench.engines().iter().for_each(|engine| engine.signal(Signal::STOP));
    // Without its launcher there is no orderly end, however long it is waited for.
    let [_, guard] = guards(&bench);
    guard.signal(Signal::STOP);
    running.signal(Signal::INT);
    until("the first one is heard", || (!is_pending(running.pid(), Signal::INT)).then_some(()));
    running.signal(Signal::INT);
    let ran = running.wait();
    guard.signal(Signal::CONT);
    assert!(!ran.expect(130).err.contains("--resume"), "{}", ran.err);
    assert!(tree_is_gone(bench.path()));
}

#[test]
fn a_memreel_that_is_killed_leaves_no_engine_and_can_be_resumed() {
    let bench = Bench::new();
    let running = long_one_is_running(&bench);
    // So that it cannot come to its end by itself.
    bench.engines().iter().for_each(|engine| engine.signal(Signal::STOP));
    running.signal(Signal::KILL);
    assert_eq!(running.wait().status.code(), None);
    assert!(tree_is_gone(bench.path()), "{:?}", mentioning(bench.path()));
    // What was whole can be reported on.
    let folder = bench.latest_folder("going");
    bench.run(&["report", folder.to_str().unwrap()]).expect(0).says(&["finished", "not run yet"]);
    resume_completes(&bench);
}

#[test]
fn what_passes_while_memreel_is_stopped_is_no_stall_and_no_time_of_the_engine() {
    let bench = Bench::new();
    let silent = format!("{}export.audio = false\n", SHORT_AND_LONG.replace("25", "8"));
    bench.scenario("going", &silent);
    let began = Instant::now();
    let running = bench.start(&["run", "going.toml", "--stall-limit", "1"]);
    bench.engine_with("length-8");
    running.signal(Signal::STOP);
    until("the engine has ended", || bench.engines().is_empty().then_some(()));
    std::thread::sleep(Duration::from_millis(1500));
    let until_now = began.elapsed().as_secs_f64();
    running.signal(Signal::CONT);
    running.wait().expect(0);
    let wall = bench.latest("going").jobs.iter().map(|job| job.record.wall_s).fold(0.0, f64::max);
    assert!(wall < until_now - 1.4, "{wall} s of {until_now} s");
}

#[test]
fn what_memreel_is_fed_never_reaches_an_engine() {
    let bench = Bench::new();
    let scenario = bench.scenario("dying", LONG_AND_SHORT);
    let mut command = bench.memreel(&["run", "dying.toml"]);
    command.stdin(fs::File::open(scenario).unwrap());
    let running = bench.start_command(command);
    let engine = working_engine(&bench);
    let fed = |pid| fs::read_link(format!("/proc/{pid}/fd/0")).unwrap();
    assert!(fed(running.pid()).ends_with("dying.toml"));
    assert_eq!(fed(engine.pid), Path::new("/dev/null"));
}

#[test]
fn a_launcher_that_is_killed_takes_its_engine_along_and_is_memreels_own_failure() {
    let bench = Bench::new();
    let running = long_one_is_running(&bench);
    bench.engines().iter().for_each(|engine| engine.signal(Signal::STOP));
    guards(&bench)[1].kill();
    let ran = running.wait();
    ran.expect(5).complains(&["memreel-launch", "ended before the command did"]);
    assert!(tree_is_gone(bench.path()));
}

/// The long export runs with each engine, has put out frames, and is in the middle of it.
fn with_either_engine(act: impl Fn(&Bench, Running)) {
    for engine in ["ffmpeg", "melt"] {
        let bench = Bench::new();
        bench.scenario("dying", LONG_AND_SHORT);
        let running = bench.start(&["run", "dying.toml", "--engine", engine]);
        working_engine(&bench);
        act(&bench, running);
        assert!(tree_is_gone(bench.path()), "{:?}", mentioning(bench.path()));
    }
}

#[test]
fn an_engine_is_not_to_blame_for_the_end_of_a_guard() {
    for (guard, signal) in [(0, Signal::KILL), (1, Signal::TERM)] {
        with_either_engine(|bench, running| {
            guards(bench)[guard].signal(signal);
            let ran = running.wait();
            ran.expect(5).complains(&["memreel-launch", "ended before the command did"]);
            assert!(outcomes(bench).iter().all(Outcome::is_finished), "guard {guard}, {signal:?}");
        });
    }
}

#[test]
fn an_engine_is_not_to_blame_when_all_are_asked_to_end() {
    for engine_first in [false, true] {
        with_either_engine(|bench, running| {
            let mut all = mentioning(bench.path());
            all.sort_by_key(|process| (process.program() == "memreel-launch") == engine_first);
            all.retain(|process| process.pid != running.pid());
            all.iter().for_each(|process| process.signal(Signal::TERM));
            // It waits for a CPU, and is reached last.
            std::thread::sleep(Duration::from_millis(30));
            running.signal(Signal::TERM);
            running.wait().expect(130);
            let outcomes = outcomes(bench);
            let is_known = |outcome| matches!(outcome, &Outcome::Interrupted | &Outcome::Finished);
            assert!(outcomes[0] == Outcome::Interrupted && outcomes.iter().all(is_known), "{outcomes:?}");
        });
    }
}

/// An engine with a child in a session of its own that minds no signal; both mention the output.
const STUBBORN: &str = "\
    setsid sh -c 'trap \"\" TERM HUP INT; while :; do sleep 0.1; done' \"$2\" & \
    trap '' TERM; while :; do sleep 0.1; done";

#[test]
fn whoever_of_memreel_and_its_two_guards_is_killed_nothing_runs_on() {
    for killed in [
        [true, false, false],
        [false, true, false],
        [false, false, true],
        [true, true, false],
        [true, false, true],
    ] {
        let bench = Bench::new();
        bench.scenario("short", INSTANT);
        let arguments = ["run", "short.toml", "--threading", "single"];
        let running = bench.start_command(bench.memreel_with_exporter(STUBBORN, &arguments));
        let stubborn = |process: &Process| process.command.iter().any(|word| word.contains("trap"));
        until("its child runs", || mentioning(bench.path()).iter().any(stubborn).then_some(()));
        let [outer, guard] = guards(&bench);
        for (pid, _) in
            [running.pid(), outer.pid, guard.pid].into_iter().zip(killed).filter(|(_, killed)| *killed)
        {
            send(pid, Signal::KILL);
        }
        let code = running.wait().status.code();
        // A memreel that lives has noticed, and waited for the end of all.
        assert_eq!(code, if killed[0] { None } else { Some(5) }, "{killed:?}");
        let ended = Instant::now();
        assert!(tree_is_gone(bench.path()), "{killed:?}: {:?}", mentioning(bench.path()));
        assert!(ended.elapsed() < Duration::from_secs(2), "{killed:?}: {:?}", ended.elapsed());
    }
}

#[test]
fn of_an_export_too_short_to_be_sampled_the_peak_is_known_and_the_rest_is_empty() {
    let bench = Bench::new();
    let text = "
        sources.shot.generate = { seconds = 1, size = '64x64' }
        timeline.tracks = [{ children = [{ clip = 'shot', duration = '2f' }] }]
        export.preset = 'ultrafast'
        export.audio = false
        [matrix]
        engine = ['ffmpeg', 'melt']
        threading = 'single'";
    let result = bench.result_of("tiny", text, &["--interval", "1"]);
    for row in summary(&result.folder) {
        let number =
            |column: &str| row[column].parse::<u64>().unwrap_or_else(|_| panic!("{column}: {row:?}"));
        assert!((8 << 20..300 << 20).contains(&number("kernel_max_rss_bytes")), "{row:?}");
        assert_eq!(number("peak_rss_bytes"), number("kernel_max_rss_bytes"));
        assert!(row["wall_s"].parse::<f64>().unwrap() > 0.0 && row["cpu_s"].parse::<f64>().unwrap() > 0.0);
        assert!(number("output_bytes") > 0);
        for column in ["level_after_warmup", "level_at_end", "growth", "growth_low", "growth_high"] {
            let cell = row.iter().find(|(name, _)| name.starts_with(&format!("{column}_bytes"))).unwrap();
            assert_eq!(cell.1, "", "{row:?}");
        }
        assert_eq!((row["fps_early"].as_str(), row["fps_late"].as_str()), ("", ""), "{row:?}");
    }
}

#[test]
fn the_record_of_a_job_says_what_was_run() {
    let bench = Bench::new();
    let text = "
        sources.shot.generate = { count = 3, seconds = 1, size = '320x180' }
        timeline.tracks = [{ children = [{ clip = 'shot', start = '3f', duration = '9f' }] }]
        export.preset = 'ultrafast'
        export.audio = false
        [matrix]
        engine = ['ffmpeg', 'melt']
        threading = 'single'";
    let result = bench.result_of("record", text, &[]);
    for job in &result.jobs {
        let record = &job.record;
        // The command does it again, by itself.
        let export = export_of(&result, job);
        let before = frames(&export);
        fs::remove_file(&export).unwrap();
        // The progress pipe is the one thing that cannot be had again.
        let words = record.command.iter().map(|word| if word == "5" { "2" } else { word.as_str() });
        let words: Vec<_> = words.collect();
        let mut command = std::process::Command::new(words[0]);
        for (name, value) in &record.environment {
            command.env(name, value.as_ref().unwrap());
        }
        command.args(&words[1..]);
        bench.settle(&mut command);
        bench.start_command(command).wait().expect(0);
        assert_eq!(frames(&export), before);

        let environment: Vec<_> = record.environment.keys().map(String::as_str).collect();
        let wanted: &[&str] =
            if record.engine.name == "melt" { &["MLT_AVFORMAT_THREADS", "MLT_SLICES_COUNT"] } else { &[] };
        assert_eq!(environment, wanted);
        assert_eq!(record.outcome, Outcome::Finished);
        assert_eq!(Path::new(&record.command[0]), record.engine.path);
        assert!(!record.engine.build.is_empty() && !record.engine.libraries.is_empty(), "{record:?}");
        assert_eq!(
            (record.timeline.clips, record.timeline.sources, record.timeline.frames),
            (3, 3, Some(27))
        );
        assert_eq!(record.context.cuts, [9, 18]);
        assert_eq!(record.context.first_uses, [0, 9, 18]);
        assert!(record.media.iter().all(|media| media.path.is_file() && media.bytes.get() > 0));
        assert_eq!(record.output_bytes.unwrap().get(), fs::metadata(&export).unwrap().len());
    }
}

#[test]
fn an_environment_that_says_the_same_already_is_no_difference() {
    let bench = Bench::new();
    let text = "
        sources.shot.generate = { seconds = 1, size = '320x180' }
        timeline.tracks = [{ children = [{ clip = 'shot', duration = '2f' }] }]
        export.preset = 'ultrafast'
        export.audio = false
        matrix.engine = 'melt'
        matrix.threading = 'parallel:2'";
    bench.scenario("same", text);
    let mut command = bench.memreel(&["run", "same.toml"]);
    command.env("MLT_SLICES_COUNT", "2").env("MLT_AVFORMAT_THREADS", "7");
    bench.start_command(command).wait().expect(0);
    let record = &bench.latest("same").jobs[0].record;
    let differences: Vec<_> = record.environment.iter().collect();
    assert_eq!(differences, [(&"MLT_AVFORMAT_THREADS".to_string(), &Some("2".to_string()))]);
}

/// Of the first variant's twenty: three die of a signal, one gives up, one stands still, one goes on and on, one
/// leaves two frames out.
const FLAKY: &str = r#"
ulimit -c 0
case "$2" in
*-single-r[123].mp4) kill -SEGV $$;;
*-single-r4.mp4) exit 3;;
*-single-r5.mp4) echo 'frames 1 1' >&5; sleep 60;;
*-single-r6.mp4) while :; do n=$((n + 1)); echo "frames $n $n" >&5; sleep 0.2; done;;
*-single-r7.mp4)
    timeline=$1; shift
    sed 's/"value": 5.0/"value": 3.0/' "$timeline" > "$1.otio"
    "$real" "$1.otio" "$@"; exit $?;;
esac"#;

/// How the only job of `INSTANT` with one thread ended, and what is known of it, when the exporter does this.
fn ended(does: &str, more: &[&str], code: i32) -> (Outcome, Option<FramesShownBy>, String) {
    let bench = Bench::new();
    bench.scenario("short", INSTANT);
    let arguments = [&["run", "short.toml", "--threading", "single"], more].concat();
    let ran = bench.start_command(bench.memreel_with_exporter(does, &arguments)).wait();
    let table = ran.expect(code).out.clone();
    let record = bench.latest("short").jobs.remove(0).record;
    (record.outcome, record.frames_shown_by, table)
}

#[test]
fn an_engine_that_says_that_it_succeeded_is_held_against_its_file() {
    let wrote = |does: &str| ended(does, &[], 4);
    let incomplete = |frames| (Outcome::Incomplete { frames, of: 5 }, Some(FramesShownBy::File));
    for (does, frames) in [
        ("exit 0", 0),
        ("mkdir \"$2\"; exit 0", 0),
        ("ln -s /dev/zero \"$2\"; exit 0", 0),
        (": > \"$2\"; exit 0", 0),
        ("\"$real\" \"$@\"; truncate --size=-1000 \"$2\"; exit 0", 0),
        ("echo 'frames 5 5' >&5; exit 0", 0),
    ] {
        let (outcome, by, table) = wrote(does);
        assert_eq!((outcome, by), incomplete(frames), "{does}");
        assert!(table.contains("incomplete"), "{table}");
    }
    let (outcome, by, _) = ended("exec \"$real\" \"$@\"", &[], 0);
    assert_eq!((outcome, by), (Outcome::Finished, Some(FramesShownBy::File)));
}

#[test]
fn an_export_is_not_to_blame_when_its_frames_cannot_be_counted() {
    let killed = "exec \"$real\" \"$@\";; frames) kill -KILL $$";
    let (outcome, by, _) = ended(killed, &[], 0);
    assert_eq!((outcome, by), (Outcome::Finished, Some(FramesShownBy::Counter)));
}

#[test]
fn an_export_without_a_file_is_held_against_the_engines_counter_or_said_to_be_unverified() {
    let null = ["--sink", "null"];
    let (outcome, by, _) = ended("echo 'frames 3 3' >&5; exit 0", &null, 4);
    assert_eq!((outcome, by), (Outcome::Incomplete { frames: 3, of: 5 }, Some(FramesShownBy::Counter)));
    let (outcome, by, table) = ended("exec \"$real\" \"$@\"", &null, 0);
    assert_eq!((outcome, by), (Outcome::Finished, Some(FramesShownBy::Counter)));
    assert!(!table.contains("unverified"), "{table}");
    let (outcome, by, table) = ended("exit 0", &null, 0);
    assert_eq!((outcome, by), (Outcome::Finished, Some(FramesShownBy::Nothing)));
    assert!(table.contains("unverified"), "{table}");
}

#[test]
fn of_twenty_exports_each_it_is_told_how_often_they_fail_and_whether_one_does_more_often() {
    let bench = Bench::new();
    bench.scenario("flaky", INSTANT);
    let arguments = ["run", "flaky.toml", "--repeat", "20", "--stall-limit", "4", "--wall-limit", "8"];
    let ran = bench.start_command(bench.memreel_with_exporter(FLAKY, &arguments)).wait();
    ran.expect(4);
    let told = unwrapped(&ran.out);
    for sentence in [
        "single: 7 of 20 failed (35 %, 18–57 %): 4 crashed (20 %, 8–42 %), 1 stalled (5 %, 0.9–24 %), \
         1 timed out (5 %, 0.9–24 %), 1 ended incomplete (5 %, 0.9–24 %).",
        "parallel:2: 0 of 20 failed; at most 16 % fail (95 % confidence).",
        "single failed in 7 of 20 exports (35 %, 18–57 %), parallel:2 in 0 of 20 (0 %, 0–16 %): more often by 35 \
         points (12–57).",
        "single crashed in 4 of 20 exports (20 %, 8–42 %), parallel:2 in 0 of 20 (0 %, 0–16 %): too few to \
         decide.",
    ] {
        assert!(told.contains(sentence), "`{sentence}` is missing:\n{}", ran.out);
    }
    let summary = fs::read(bench.latest_folder("flaky").join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
    let counts = |variant: usize| {
        ["failed", "crashed", "stalled", "timed_out", "out_of_memory", "incomplete"]
            .map(|way| summary["rates"][variant][way]["count"].as_u64().unwrap())
    };
    assert_eq!([counts(0), counts(1)], [[7, 4, 1, 1, 0, 1], [0; 6]]);
    let findings = summary["rate_comparisons"].as_array().unwrap().iter();
    let findings: Vec<_> = findings.map(|change| (&change["way"], &change["finding"])).collect();
    assert_eq!(findings[0], (&"failed".into(), &"less".into()));
    assert!(
        findings.len() == 5 && findings[1..].iter().all(|(_, finding)| *finding == "open"),
        "{findings:?}"
    );
}
