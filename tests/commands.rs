//! Any command is an engine: in the matrix, with axes of the user's own, and in recipes.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use memreel::store::{StoredJob, StoredResult};
use memreel_judge::course::Per;
use memreel_judge::judge;
use memreel_trace::{FramesShownBy, Outcome, RunRecord};
use support::*;

/// Two seconds of pictures in `in.mov`.
const PICTURES: &str =
    "ffmpeg -nostdin -loglevel error -y -f lavfi -i testsrc2=size=160x90:rate=25:duration=2 in.mov";

fn with_pictures() -> Bench {
    let bench = Bench::new();
    let mut words = PICTURES.split(' ');
    let made =
        std::process::Command::new(words.next().unwrap()).args(words).current_dir(bench.path()).status();
    assert!(made.unwrap().success());
    bench
}

fn records(result: &StoredResult) -> Vec<&RunRecord> {
    result.jobs.iter().map(|job| &job.record).collect()
}

fn value<'a>(record: &'a RunRecord, axis: &str) -> &'a str {
    &record.variant.iter().find(|(name, _)| name == axis).unwrap().1
}

fn log(job: &StoredJob) -> String {
    fs::read_to_string(job.folder.join("engine.log")).unwrap_or_default()
}

/// A scenario with one engine, `own`, and what more there is: of the engine, then of the scenario.
fn own(bench: &Bench, command: &str, engine: &str, more: &str) {
    bench.scenario("own", &format!("[engines.own]\ncommand = {command}\n{engine}\n{more}"));
}

#[test]
fn an_ffmpeg_command_is_measured_by_frames_over_an_axis_of_the_users_own() {
    let bench = with_pictures();
    let command = "ffmpeg -y -threads {threads} -i in.mov -c:v libx264 -threads {threads} {output}";
    let ran = bench.run(&["run", "--command", command, "--axis", "threads=1,2", "--repeat", "3"]);
    ran.expect(0).says(&[
        "threads 2 takes",
        "threads 1",
        "too short: 50 frames",
        "To decide, run this with an input",
    ]);
    ran.says(&[&format!("memreel run --command '{command}' --axis 'threads=1,2' --repeat 3")]);
    let result = bench.latest("ffmpeg");
    assert_eq!(result.jobs.len(), 6);
    for record in records(&result) {
        assert_eq!(record.timeline.frames, Some(50));
        assert_eq!(record.frames_shown_by, Some(FramesShownBy::File));
        assert_eq!(record.context.container.as_deref(), Some("mp4"));
        assert_eq!(record.media.len(), 1, "the input is known by its content");
        let threads = record.command.iter().skip_while(|word| *word != "-threads").nth(1).unwrap();
        assert_eq!(threads, value(record, "threads"));
    }
    // Only what the command was told is a column.
    let header = fs::read_to_string(bench.latest_folder("ffmpeg").join("summary.csv")).unwrap();
    assert!(
        header.starts_with("engine,container,allocator,memory-limit,threads,repeat,outcome,"),
        "{header}"
    );
    let shown = summary(&bench.latest_folder("ffmpeg"));
    assert!(shown.iter().all(|row| row["frames_out"] == "50" && row["engine"] == "command"));
}

#[test]
fn inputs_that_ffmpeg_joins_are_where_its_clips_begin() {
    let bench = with_pictures();
    let cuts = |command: &str| {
        bench.run(&["run", "--command", command]).expect(0);
        let record = bench.latest("ffmpeg").jobs[0].record.clone();
        (record.context.cuts, record.timeline.frames)
    };
    let joined = "-filter_complex [0:v][1:v][2:v]concat=n=3:v=1:a=0[v] -map [v] -c:v mpeg4 {output}";
    let whole = cuts(&format!("ffmpeg -i in.mov -i in.mov -i in.mov {joined}"));
    assert_eq!(whole, (vec![50, 100], Some(150)));
    fs::write(bench.path().join("list"), "file in.mov\nfile in.mov\n").unwrap();
    assert_eq!(cuts("ffmpeg -f concat -safe 0 -i list -c:v mpeg4 {output}"), (vec![50], Some(100)));
    // Not whole inputs, or not at their own rate.
    let cut = cuts(&format!("ffmpeg -ss 1 -i in.mov -i in.mov -i in.mov {joined}"));
    assert_eq!(cut, (vec![], Some(125)));
    let slower = joined.replace("{output}", "-r 50 {output}");
    assert_eq!(cuts(&format!("ffmpeg -i in.mov -i in.mov -i in.mov {slower}")), (vec![], Some(300)));
    // What the user says comes first.
    let told =
        ["run", "--command", "ffmpeg -i in.mov -c:v mpeg4 {output}", "--cuts", "10,20", "--frames", "50"];
    bench.run(&told).expect(0);
    assert_eq!(bench.latest("ffmpeg").jobs[0].record.context.cuts, [10, 20]);
}

#[test]
fn the_gate_holds_a_command_against_its_baseline() {
    let bench = with_pictures();
    let run = |more: &[&str]| {
        let command = "ffmpeg -y -i in.mov -vf scale={width}:-2 -c:v mpeg4 {output}";
        bench
            .run(&[&["run", "--command", command, "--axis", "width=160,640", "--repeat", "3"], more].concat())
    };
    run(&[]).expect(0);
    bench.run(&["baseline", "save", "reports/ffmpeg/latest", "base.json"]).expect(0);
    run(&["--check", "--baseline", "base.json"]).expect(0);
    // Another width is another variant, and not compared.
    run(&["--check", "--baseline", "base.json", "--axis", "width=160"]).expect(3);
}

#[test]
fn a_variable_of_the_environment_is_an_axis_of_every_engine() {
    let bench = Bench::new();
    bench.scenario("instant", INSTANT);
    let ran = bench.run(&["run", "instant.toml", "--threading", "single", "--env", "MEMREEL_TRY=1,two"]);
    ran.expect(0);
    let result = bench.latest("instant");
    let mut seen: Vec<_> = records(&result)
        .into_iter()
        .map(|record| (value(record, "MEMREEL_TRY"), record.environment["MEMREEL_TRY"].as_deref().unwrap()))
        .collect();
    seen.sort();
    assert_eq!(seen, [("1", "1"), ("two", "two")]);
    // And of a command.
    let command = "awk 'BEGIN { print \"it is\", ENVIRON[\"MEMREEL_TRY\"] }'";
    bench.run(&["run", "--command", command, "--env", "MEMREEL_TRY=1,two"]).expect(0);
    let result = bench.latest("awk");
    let mut logs: Vec<_> = result.jobs.iter().map(log).collect();
    logs.sort();
    assert_eq!(logs, ["it is 1\n", "it is two\n"]);
}

#[test]
fn what_a_command_says_of_its_progress_is_frames() {
    for (command, progress, frames) in [
        // On the descriptor, a line at a time.
        ("['sh', '-c', 'for n in 1 2 3; do echo $n >&5; done']", "'fd'", 3),
        // In what it prints.
        ("['sh', '-c', 'printf \"Fra:1 a\\rFra:2 a\\n\"']", "{ regex = 'Fra:(\\d+)' }", 2),
        // A time, at the timeline's rate.
        ("['echo', 'at 0:00:02.5 of it']", "{ regex = 'at (?P<time>[0-9:.]+)' }", 75),
        // At the end of a file of the job's own folder.
        (
            "['sh', '-c', 'echo frame=4 > {folder}/p; echo frame=7 >> {folder}/p']",
            "{ file = '{folder}/p' }",
            7,
        ),
        // A shell's script, of which values are quoted.
        ("'echo {word} | grep -c two'\nshell = true", "{ regex = '^(\\d+)$' }", 1),
    ] {
        let bench = Bench::new();
        let axes = if command.contains("{word}") { "[axes]\nword = 'one; two'" } else { "" };
        own(&bench, command, &format!("progress = {progress}"), &format!("{axes}\n[timeline]\nrate = 30"));
        bench.run(&["run", "own.toml"]).expect(0);
        let result = bench.latest("own");
        assert_eq!(result.jobs[0].record.timeline.frames, Some(frames), "{command}");
    }
}

#[test]
fn what_counts_neither_frames_nor_items_is_judged_by_seconds_and_says_so() {
    let bench = Bench::new();
    own(&bench, "['sleep', '0.3']", "", "");
    bench.run(&["run", "own.toml"]).expect(0).says(&["s"]);
    let result = bench.latest("own");
    assert_eq!(result.jobs[0].record.context.frame_counters, "");
    assert_eq!(result.jobs[0].record.frames_shown_by, Some(FramesShownBy::Nothing));
    let judged = bench.run(&["judge", "reports/own/latest/jobs/own-r1"]);
    judged.expect(0).says(&["second"]);
}

#[test]
fn a_command_that_writes_nothing_where_it_was_told_to_has_failed() {
    for (script, outcome) in [
        ("true", "wrote no file"),
        (": > {output}", "wrote no file"),
        ("for n in 1 2 3; do echo $n >&5; done", "0 frames instead of 3"),
    ] {
        let bench = Bench::new();
        own(&bench, &format!("['sh', '-c', '{script}', '{{output}}']"), "progress = 'fd'", "");
        let ran = bench.run(&["run", "own.toml"]);
        ran.expect(4);
        assert!(ran.err.contains(outcome) || ran.out.contains(outcome), "{script}: {}{}", ran.out, ran.err);
    }
}

#[test]
fn a_file_with_fewer_pictures_than_were_counted_is_incomplete() {
    let bench = with_pictures();
    let script = "for n in 40 60; do echo $n >&5; done; cp in.mov \"$0\"";
    own(&bench, &format!("['sh', '-c', '''{script}''', '{{output}}']"), "progress = 'fd'", "");
    bench.run(&["run", "own.toml"]).expect(4);
    let result = bench.latest("own");
    assert_eq!(result.jobs[0].record.outcome, Outcome::Incomplete { frames: 50, of: 60 });
    // How many frames there are to be can be said.
    for (frames, code) in [(50, 0), (51, 4)] {
        own(&bench, "['cp', 'in.mov', '{output}']", "", &format!("[timeline]\nframes = {frames}"));
        bench.run(&["run", "own.toml"]).expect(code);
    }
}

#[test]
fn an_expression_that_finds_nothing_does_not_end_a_command_that_works() {
    let bench = Bench::new();
    let command = ["--command", "sleep 3", "--progress-regex", "nothing ([0-9]+)", "--stall-limit", "1"];
    bench.run(&[&["run"], &command[..]].concat()).expect(0);
    assert_eq!(bench.latest("sleep").jobs[0].record.outcome, Outcome::Finished);
}

#[test]
fn a_command_runs_where_its_scenario_lies_and_writes_where_it_likes() {
    let bench = Bench::new();
    let folder = bench.path().join("a folder");
    fs::create_dir(&folder).unwrap();
    let program = folder.join("export");
    fs::write(&program, "#!/bin/sh\npwd > where\nsleep 0.2\necho frame=7 > progress\nsleep 0.2\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let text = "version = 1\nquestion = 'Where?'\n[engines.own]\ncommand = ['./export']\n\
                progress = { file = 'progress' }\n";
    fs::write(folder.join("s.toml"), text).unwrap();
    bench.run(&["run", "a folder/s.toml"]).expect(0);
    let where_it_was = fs::read_to_string(folder.join("where")).unwrap();
    assert_eq!(where_it_was.trim(), folder.canonicalize().unwrap().to_str().unwrap());
    let result = memreel::store::open_result(&bench.latest_folder("s")).unwrap();
    assert_eq!(result.jobs[0].record.timeline.frames, Some(7), "its progress is read there, too");
}

#[test]
fn a_run_of_a_command_is_resumed_and_dealt_as_any_other() {
    let bench = Bench::new();
    let options = ["--command", "echo {a} {b}", "--axis", "a=1,2", "--axis", "b=x,y,z"];
    let part = |part: &str| bench.run(&[&["run"], &options[..], &["--shard", part]].concat());
    part("1/2").expect(0);
    let first = bench.latest_folder("echo").canonicalize().unwrap();
    part("2/2").expect(0);
    let second = bench.latest_folder("echo").canonicalize().unwrap();
    let folders = [first.to_str().unwrap(), second.to_str().unwrap()];
    bench.run(&["merge", folders[0], folders[1], "--output", "whole"]).expect(0);
    let whole = memreel::store::open_result(&bench.path().join("whole")).unwrap();
    assert_eq!(whole.jobs.len(), 6);
    // A job that is gone is made again, by the result alone.
    fs::remove_dir_all(second.join("jobs").join(whole_job(&second))).unwrap();
    bench.run(&["run", "--resume", folders[1]]).expect(0);
    assert_eq!(memreel::store::open_result(&second).unwrap().jobs.len(), 3);
}

fn whole_job(result: &std::path::Path) -> std::ffi::OsString {
    fs::read_dir(result.join("jobs")).unwrap().next().unwrap().unwrap().file_name()
}

#[test]
fn exclusions_and_budgets_know_the_users_axes() {
    let bench = Bench::new();
    own(
        &bench,
        "['sh', '-c', 'head -c {size_of} /dev/zero | tail | wc -c; echo {b}']",
        "",
        "[axes]\nsize_of = ['1K', '96M']\nb = [1, 2]\n[matrix]\nexclude = [{ size_of = '96M', b = 2 }]\n\
         [[budgets.where]]\nsize_of = '96M'\npeak = '40 MiB'\n[[budgets.where]]\nb = 1\nframes_per_second = 0",
    );
    let ran = bench.run(&["run", "own.toml", "--check"]);
    ran.expect(1).says(&["96M · b 1: peak is", "at most 40.0 MiB is allowed"]);
    assert_eq!(bench.latest("own").jobs.len(), 3);
}

#[test]
fn what_is_wrong_with_a_command_is_told_before_anything_runs() {
    let bench = Bench::new();
    let refused = |arguments: &[&str], words: &[&str]| {
        for command in ["plan", "run"] {
            bench.run(&[&[command], arguments].concat()).expect(2).complains(words);
        }
        assert!(!bench.path().join("reports").exists());
    };
    let missing = bench.run(&["run", "--command", "no-such-program-anywhere"]);
    missing.expect(4).complains(&["`no-such-program-anywhere` is not installed"]);
    let command = |text: &'static str| ["--command", text];
    refused(
        &command("echo {thraeds}"),
        &["nothing fills in {thraeds}", "did you mean {threads}?", "{{thraeds}}"],
    );
    refused(&command("cat a.mov | wc"), &["only a shell understands `|`", "add --shell"]);
    refused(&command("cat 'a"), &["a quotation mark is not closed"]);
    refused(&command(""), &["there is no word"]);
    refused(&["--command", "echo", "--axis", "a=1,2"], &["nothing of command depends on `a`"]);
    refused(&["--command", "echo", "--axis", "a"], &["write --axis NAME=LIST, like --axis threads=1,4"]);
    refused(&["--command", "echo {output}", "--axis", "output=1"], &["memreel fills in {output} itself"]);
    refused(
        &["--command", "echo", "--size", "64x64,128x128"],
        &["cannot be told the size", "{size} or {width} or {height}"],
    );
    refused(&["--command", "echo {timeline}"], &["exports a timeline, and the scenario has no [timeline]"]);
    refused(
        &["--command", "echo {threads}", "--threading", "default"],
        &["{threads} in the command of command has no value"],
    );
    refused(&["--command", "echo", "--engine", "melt"], &["the engine melt exports a timeline"]);
    refused(&["--command", "echo", "--progress-regex", "frame"], &["put parentheses around the number"]);
    own(&bench, "['echo']", "", "");
    refused(&["own.toml", "--engine", "own,melt"], &["the engine melt exports a timeline"]);
    bench.scenario("name", "[engines.melt]\ncommand = ['echo']");
    refused(&["name.toml"], &["`melt` is an engine of memreel: choose another name"]);
    bench.scenario("axis", "[engines.own]\ncommand = ['echo']\n[axes]\npreset = ['a']");
    refused(&["axis.toml"], &["`preset` is an axis of memreel: its values belong in [matrix]"]);
}

#[test]
fn braces_that_are_no_placeholders_are_text() {
    let bench = Bench::new();
    bench
        .run(&["run", "--command", "echo {{word}} { x } {} ${{HOME}} {\"a\":1} {a}", "--axis", "a=7"])
        .expect(0);
    assert_eq!(log(&bench.latest("echo").jobs[0]), "{word} { x } {} ${HOME} {a:1} 7\n");
}

#[test]
fn words_without_a_value_are_left_out_with_their_option() {
    let bench = Bench::new();
    let command = "['echo', 'a', ['-preset', '{preset}'], ['-t', '{threads}'], '{encoder}']";
    bench.scenario(
        "own",
        &format!("export.encoder = 'libx264'\nmatrix.preset = ['default', 'fast']\nmatrix.threading = 'single'\n[engines.own]\ncommand = {command}"),
    );
    bench.run(&["run", "own.toml"]).expect(0);
    let result = bench.latest("own");
    let mut logs: Vec<_> = result.jobs.iter().map(log).collect();
    logs.sort();
    assert_eq!(logs, ["a -preset fast -t 1 libx264\n", "a -t 1 libx264\n"]);
}

/// What all engines are to export: cuts between key frames, and a gap.
const TIMELINE: &str = "
[sources.shot]
generate = { count = 3, seconds = 2, size = '320x180' }
[timeline]
tracks = [{ children = [{ clip = 'shot', start = '13f', duration = '25f' }, { gap = '5f' },
                        { clip = 'shot', start = '3f', duration = '10f' }] }]
[export]
preset = 'ultrafast'
[matrix]
threading = ['single', 'parallel:2']
";

fn frames_of_timeline() -> Vec<Option<(u16, u32)>> {
    let [long, short] =
        [(13, 25), (3, 10)].map(|(from, frames)| (1..=3).flat_map(move |n| shot(n, from, frames)));
    long.chain(black(5)).chain(short).collect()
}

/// Exports the timeline by a recipe; returns what each export shows.
fn shown_by(engine: &str) -> Vec<Vec<Option<(u16, u32)>>> {
    let bench = Bench::new();
    let result = bench.result_of("recipe", TIMELINE, &["--engine", engine]);
    assert_eq!(result.jobs.len(), 2);
    for record in records(&result) {
        assert_eq!(record.frames_shown_by, Some(FramesShownBy::File));
        assert!(!record.engine.version.is_empty());
        let Outcome::Finished = record.outcome else { panic!("{:?}", record.outcome) };
    }
    result.jobs.iter().map(|job| shown(&export_of(&result, job))).collect()
}

#[test]
fn ffmpeg_cli_exports_every_frame_that_is_asked_for() {
    shown_by("ffmpeg-cli").iter().for_each(|shown| assert_eq!(*shown, frames_of_timeline()));
}

#[test]
fn openshot_exports_every_frame_that_is_asked_for() {
    shown_by("openshot").iter().for_each(|shown| assert_eq!(*shown, frames_of_timeline()));
}

#[test]
fn moviepy_exports_every_frame_that_is_asked_for() {
    let python = peer("bin/python3");
    let engine = format!("moviepy@{}", python.display());
    shown_by(&engine).iter().for_each(|shown| assert_eq!(*shown, frames_of_timeline()));
}

/// GES 1.22 may repeat a frame at the end of a clip and drop another.
#[test]
fn ges_exports_as_many_frames_as_are_asked_for_each_within_one_of_its_own() {
    let wanted = frames_of_timeline();
    for shown in shown_by("ges") {
        assert_eq!(shown.len(), wanted.len());
        for (place, frame) in shown.iter().enumerate() {
            let near = &wanted[place.saturating_sub(1)..(place + 2).min(wanted.len())];
            let close = near.iter().any(|other| other == frame);
            assert!(close, "frame {place} shows {frame:?}, not one of {near:?}");
        }
        let right = shown.iter().zip(&wanted).filter(|(shown, wanted)| shown == wanted).count();
        assert!(right + 6 >= wanted.len(), "{right} of {} frames are right", wanted.len());
    }
}

#[test]
fn a_project_that_memreel_cannot_open_is_given_to_a_command_by_its_path() {
    let bench = with_pictures();
    fs::rename(bench.path().join("in.mov"), bench.path().join("scene.osp")).unwrap();
    let scenario = |name: &str, engine: &str, frames: u32| {
        let text = format!(
            "[engines.mine]\ncommand = ['cp', '{{project}}', '{{output}}']\n\
             [timeline]\nproject = 'scene.osp'\nframes = {frames}\n[matrix]\nengine = '{engine}'\n"
        );
        bench.scenario(name, &text);
        bench.run(&["run", &format!("{name}.toml")])
    };
    scenario("whole", "mine", 50).expect(0);
    scenario("short", "mine", 60).expect(4).says(&["exported 50 frames instead of 60"]);
    let refused = scenario("melt", "melt", 50);
    refused.expect(2).complains(&["the engine melt cannot open it", "a project of OpenShot"]);
}

#[test]
fn progress_that_is_never_found_is_told() {
    let bench = Bench::new();
    let wrong = ["--command", "echo Frame 1", "--progress-regex", "Frmae ([0-9]+)"];
    let told = "no progress was read: nothing that it wrote matched";
    bench.run(&[&["run"], &wrong[..]].concat()).expect(0).says(&[told]);
    let right = bench.run(&["run", "--command", "echo Frame 1", "--progress-regex", "Frame ([0-9]+)"]);
    assert!(!right.expect(0).out.contains(told), "{}", right.out);
}

#[test]
fn a_recipe_that_is_printed_is_where_ones_own_begins() {
    let bench = Bench::new();
    let recipe = bench.run(&["engines", "--show", "ffmpeg-cli"]);
    recipe.expect(0);
    fs::write(bench.path().join("mine.toml"), recipe.out.replace("engines.ffmpeg-cli", "engines.mine"))
        .unwrap();
    let scenario = bench.scenario("recipe", TIMELINE);
    let ran = bench.run(&[
        "run",
        "recipe.toml",
        "--engines",
        "mine.toml",
        "--engine",
        "mine",
        "--threading",
        "single",
    ]);
    ran.expect(0);
    let result = bench.latest("recipe");
    assert_eq!(result.jobs[0].record.engine.name, "mine");
    let file = bench.path().join("mine.toml");
    let to_decide =
        format!("To decide: memreel run {} --engines {} --engine mine ", scenario.display(), file.display());
    assert!(ran.out.contains(&to_decide), "{to_decide}\n{}", ran.out);
    // The file need not be there any more.
    fs::remove_file(bench.path().join("mine.toml")).unwrap();
    fs::remove_dir_all(bench.latest_folder("recipe").join("jobs").join("mine-single-r1")).unwrap();
    bench.run(&["run", "--resume", "reports/recipe/latest"]).expect(0);
    bench.run(&["engines", "--show", "melt"]).expect(2).complains(&["`melt` is part of memreel"]);
    let listed = bench.run(&["engines"]);
    listed.expect(0).says(&["ffmpeg-cli", "ges", "moviepy", "openshot", "mlt-python"]);
}

/// A program that takes so many MiB for a moment.
fn taking(mib: u32) -> String {
    format!("import time; taken = b'x' * ({mib} << 20); time.sleep(0.2)")
}

#[test]
fn a_command_that_says_nothing_is_judged_by_the_mib_that_it_writes() {
    let bench = Bench::new();
    let script = "import sys, time\nkept = []\nwith open(sys.argv[1], 'wb') as file:\n    for n in range(80):\n        \
                  file.write(bytes(1 << 20)); file.flush()\n        \
                  kept.append(bytearray(b'x') * (int(sys.argv[2]) << 10)); time.sleep(0.1)";
    fs::write(bench.path().join("writes.py"), script).unwrap();
    let command = "/usr/bin/python3 writes.py {folder}/written {keep}";
    let ran = bench.run(&["run", "--command", command, "--unit", "MiB", "--axis", "keep=0,400"]);
    ran.expect(0)
        .says(&["keep 0: Memory grows: no – a leak of more than ", " per MiB written would have been seen"]);
    let result = bench.latest("python3");
    let of = |keep: &str| {
        let job = result.jobs.iter().find(|job| value(&job.record, "keep") == keep).unwrap();
        judge(&job.series().unwrap(), &job.record.context)
    };
    let (leaks, level) = (of("400"), of("0"));
    assert_eq!((leaks.per, level.per), (Some(Per::Mebibyte), Some(Per::Mebibyte)));
    let grown = leaks.growth.frame.unwrap().estimate / 1024.0;
    assert!((360.0..440.0).contains(&grown), "{grown} KiB per MiB written\n{}", ran.out);
    assert!(ran.out.contains(" KiB per MiB written (95 %: "), "{}", ran.out);
    ran.says(&["keep 400 grows with every MiB written, keep 0 does not grow"]);
    assert!(!ran.out.contains("--cuts"), "{}", ran.out);
}

#[test]
fn what_is_counted_in_items_is_called_so() {
    let bench = Bench::new();
    let script = "import sys, time\nkept = []\nfor page in range(1, int(sys.argv[1]) + 1):\n    \
                  kept.append(bytearray(b'x') * 20000); print('page', page, flush=True); time.sleep(0.005)";
    fs::write(bench.path().join("pages.py"), script).unwrap();
    let counted = ["--progress-regex", "page ([0-9]+)", "--unit", "item"];
    let pages = |count: &str| format!("/usr/bin/python3 pages.py {count}");
    let long = bench.run(&[&["run", "--command", &pages("900")][..], &counted].concat());
    long.expect(0).says(&["Memory grows: yes, by 19.6 KiB per item", "19.6 KiB/item", "items/s"]);
    assert!(!long.out.contains(" frame "), "{}", long.out);
    let svg = fs::read_to_string(bench.latest_folder("python3").join("memory-over-frames.svg")).unwrap();
    assert!(svg.contains("items finished") && !svg.contains("frames exported"));
    let short = bench.run(
        &[
            &["record", "--save", "short", "--interval", "0.3"][..],
            &counted,
            &["--", "/usr/bin/python3", "pages.py", "200"],
        ]
        .concat(),
    );
    short.expect(0);
    let said = unwrapped(&short.err);
    assert!(said.contains("can't tell yet – the run is too short: 200 items."), "{said}");
    assert!(said.contains("memreel record --progress-regex 'page ([0-9]+)' --unit item -- "), "{said}");
    bench.run(&["plot", "short", "-o", "short.svg", "--over", "frames"]).expect(0);
    let svg = fs::read_to_string(bench.path().join("short.svg")).unwrap();
    assert!(svg.contains("items finished") && !svg.contains("frames exported"));
}

#[test]
fn a_unit_that_there_is_not_or_that_leaves_nothing_to_read_is_refused() {
    let bench = Bench::new();
    let run = |more: &[&str]| bench.run(&[&["run", "--command", "echo page 1"][..], more].concat());
    let unknown = run(&["--unit", "page"]);
    unknown.expect(2);
    assert!(
        unknown.err.contains("`page` is not a unit of progress; use frame, item or MiB"),
        "{}",
        unknown.err
    );
    let both = run(&["--unit", "MiB", "--progress-regex", "page ([0-9]+)"]);
    both.expect(2).complains(&["the MiB are those that the command writes: leave out `progress`, or `unit`"]);
    let record = ["record", "--unit", "MiB", "--progress-file", "p.txt", "--", "echo", "page 1"];
    bench.run(&record).expect(125).complains(&["--unit MiB counts what the process writes"]);
}

#[test]
fn growth_of_a_command_that_counts_nothing_is_told_per_second() {
    let bench = Bench::new();
    let grows =
        "import time\nkept = []\nfor n in range(500):\n    kept.append(bytearray(200000)); time.sleep(0.012)";
    fs::write(bench.path().join("grows.py"), grows).unwrap();
    let ran = bench.run(&["run", "--command", "/usr/bin/python3 grows.py"]);
    ran.expect(0).says(&["Memory grows: yes, by ", " MiB per second ("]);
}

#[test]
fn commands_take_turns_and_are_compared_in_a_sentence() {
    let bench = Bench::new();
    let [small, large] = [2, 64].map(taking);
    let ran = bench.run(&[
        "compare",
        "--repeat",
        "3",
        "--names",
        "old,new",
        "--",
        "/usr/bin/python3",
        "-c",
        &small,
        "--",
        "/usr/bin/python3",
        "-c",
        &large,
    ]);
    ran.expect(0).says(&["new takes 6", "MiB more than old", "95 % intervals from 3 of each"]);
    let result = bench.latest("compare");
    let mut order: Vec<_> =
        records(&result).iter().map(|record| (record.started.clone(), record.repeat)).collect();
    order.sort();
    let repeats: Vec<_> = order.iter().map(|(_, repeat)| *repeat).collect();
    assert_eq!(repeats, [1, 1, 2, 2, 3, 3], "they take turns");
    let refused = |words: &[&str], told: &str| _ = bench.run(words).expect(2).complains(&[told]);
    refused(&["compare", "--", "true"], "give two commands or more");
    refused(&["compare", "a", "--", "true", "--", "true"], "`a` is before the commands");
    refused(&["compare", "a"], "give two results or more");
    refused(&["compare", "a", "b"], "a");
    refused(&["compare", "--names", "melt,b", "--", "true", "--", "true"], "none of an engine");
}

#[test]
fn recordings_that_were_repeated_are_compared_by_their_names() {
    let bench = Bench::new();
    for (name, mib) in [("before", 2), ("after", 64)] {
        bench
            .run(&["record", "--repeat", "3", "--name", name, "--", "/usr/bin/python3", "-c", &taking(mib)])
            .expect(0);
    }
    let ran = bench.run(&["compare", "before", "after", "-o", "both"]);
    ran.expect(0).says(&["How do before and after differ?", "after takes 6", "MiB more than before"]);
    let rows = summary(&bench.path().join("both"));
    let results: Vec<_> = rows.iter().map(|row| row["result"].as_str()).collect();
    assert_eq!(results, ["before", "before", "before", "after", "after", "after"]);
    assert!(bench.path().join("both/memory-over-time.svg").exists());
    // Any two results: also of a scenario with other variants.
    bench.scenario("instant", INSTANT);
    bench.run(&["run", "instant.toml", "--name", "x"]).expect(2);
    bench.run(&["run", "instant.toml", "--command", "true"]).expect(2).complains(&["not both"]);
    bench.run(&["run", "instant.toml"]).expect(0);
    let ran = bench.run(&["compare", "instant", "before"]);
    ran.expect(0).says(&["How do instant and before differ?"]);
    // Each inconclusive answer names what decides it, for the result that it is of.
    let decide: Vec<_> = ran.out.lines().filter(|line| line.starts_with("To decide")).collect();
    let of = |words: &str| decide.iter().filter(|line| line.contains(words)).count();
    assert_eq!((decide.len(), of("instant.toml --length"), of("--command")), (2, 1, 1), "{}", ran.out);
    bench.run(&["record", "--repeat", "3", "--", "true"]).expect(125);
}
