//! What a check promises a CI: its exit codes, and the files that it leaves.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::*;

/// Three exports of an instant: too short to say whether memory grows.
const SMALL: &str = "
sources.shot.generate = { seconds = 1, size = '320x180' }
timeline.tracks = [{ children = [{ clip = 'shot', duration = '5f' }], repeat = 4 }]
export.preset = 'ultrafast'
export.audio = false
matrix.threading = 'single'
matrix.repeats = 3
";

/// A result of it, and its folder.
fn small(bench: &Bench) -> String {
    bench.scenario("small", SMALL);
    bench.run(&["run", "small.toml"]).expect(0);
    "reports/small/latest".into()
}

/// Checks a result.
fn check(bench: &Bench, result: &str, more: &[&str]) -> Ran {
    bench.run(&[&["check", result], more].concat())
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// What a validator has to say of a document, by the schema of JUnit's XML that Jenkins' xUnit plugin has.
fn schema_faults(document: &Path) -> String {
    let program = "import sys\nfrom lxml import etree\nschema = etree.XMLSchema(file=sys.argv[1])\n\
                   schema.validate(etree.parse(sys.argv[2]))\nprint(schema.error_log, end='')";
    let mut python = Command::new(peer("bin/python3"));
    let output = python.args(["-c", program]).arg(peer("junit-10.xsd")).arg(document).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn assert_is_junit(document: &Path) -> String {
    assert_eq!(schema_faults(document), "", "{}", fs::read_to_string(document).unwrap());
    fs::read_to_string(document).unwrap()
}

#[test]
fn a_broken_budget_is_exit_code_1_and_one_that_only_warns_is_none() {
    let bench = Bench::new();
    let result = small(&bench);
    check(&bench, &result, &["--budget", "peak=1GiB"]).expect(0).says(&["peak", "ok", "INCONCLUSIVE"]);
    check(&bench, &result, &["--budget", "peak=1MiB"])
        .expect(1)
        .says(&["FAILED: ffmpeg: peak is", "1.0 MiB is allowed"]);
    check(&bench, &result, &["--budget", "peak=1MiB", "--warn-only"])
        .expect(0)
        .says(&["FAILED: ffmpeg: peak is"]);
    for limit in ["peak.limit=1MiB", "peak=1MiB"] {
        check(&bench, &result, &["--budget", limit, "--budget", "peak.soft=true"])
            .expect(0)
            .says(&["warning: "]);
    }
    check(&bench, &result, &["--budget", "peak=1MiB", "--strict"]).expect(1);
}

#[test]
fn what_is_open_passes_unless_nothing_may_be() {
    let bench = Bench::new();
    let result = small(&bench);
    check(&bench, &result, &[])
        .expect(0)
        .says(&["inconclusive: ", "INCONCLUSIVE: nothing failed, 1 inconclusive"]);
    check(&bench, &result, &["--strict"]).expect(3).says(&["INCONCLUSIVE"]);
}

#[test]
fn a_check_in_which_all_is_settled_passes_also_where_nothing_may_be_open() {
    let bench = Bench::new();
    // Memory that is level for long enough, no index to keep, and only what was measured in each repeat. Sound makes it
    // slow enough for enough samples.
    let long = SMALL.replace("repeat = 4", "repeat = 140").replace("repeats = 3", "repeats = 1");
    let long =
        long.replace("export.audio = false\n", "") + "export.sink = 'null'\n[budgets]\npeak = '1GiB'\n";
    bench.scenario("long", &long);
    bench
        .run(&["run", "long.toml", "--check", "--strict"])
        .expect(0)
        .says(&["passed: all 2 (1 figure, 1 answer about growth)."]);
}

#[test]
fn what_is_wrong_with_the_command_line_or_a_baseline_is_exit_code_2_and_one_line() {
    let bench = Bench::new();
    let result = small(&bench);
    let wrong = |more: &[&str], words: &[&str]| {
        check(&bench, &result, more).expect(2).complains(words);
    };
    wrong(&["--budget", "peek=1MiB"], &["peek", "did you mean `peak`?"]);
    wrong(&["--budget", "peak=1 parrot"], &["peak=1 parrot", "400MiB"]);
    wrong(&["--baseline", "gone.baseline"], &["gone.baseline", "memreel baseline save"]);
    fs::write(bench.path().join("broken.baseline"), "format = \"memreel-baseline/1\"\n[[entry]]\nx = 1\n")
        .unwrap();
    wrong(
        &["--baseline", "broken.baseline"],
        &["broken.baseline: not a memreel baseline: line 2: ", "missing field"],
    );
    fs::write(bench.path().join("late.baseline"), "format = \"memreel-baseline/9\"").unwrap();
    wrong(&["--baseline", "late.baseline"], &["memreel-baseline/9", "update memreel"]);
    bench.run(&["check", "reports"]).expect(2).complains(&["not a memreel result"]);
    bench
        .run(&["check", "late.baseline"])
        .expect(2)
        .complains(&["late.baseline: this is a file; a result is a folder"]);
    wrong(&["--junit", "both", "--markdown", "both"], &["both: two outputs cannot be written to one file"]);
    assert!(!bench.path().join("both").exists());
    check(&bench, &result, &["--strict", "--warn-only"]).expect(2);
}

#[test]
fn a_check_that_cannot_be_made_is_told_before_anything_is_exported() {
    let bench = Bench::new();
    bench.scenario("small", SMALL);
    let run = |more: &[&str], words: &[&str]| {
        bench.run(&[&["run", "small.toml", "--check"], more].concat()).expect(2).complains(words);
    };
    run(&["--budget", "peek=1MiB"], &["did you mean `peak`?"]);
    run(&["--junit", "both", "--bmf", "both"], &["both: two outputs cannot be written to one file"]);
    run(&["--baseline", "gone.baseline"], &["gone.baseline", "memreel baseline save"]);
    assert!(!bench.path().join("reports").exists());
}

#[test]
fn what_a_check_is_to_leave_is_refused_where_there_is_no_check() {
    let bench = Bench::new();
    bench.scenario("small", SMALL);
    for option in ["--junit", "--markdown", "--bmf", "--smaller-is-better"] {
        bench.run(&["run", "small.toml", option, "file"]).expect(2).complains(&["--check"]);
    }
    bench.run(&["run", "small.toml", "--json"]).expect(2).complains(&["--check"]);
    assert!(!bench.path().join("reports").exists());
}

#[test]
fn an_export_that_failed_is_exit_code_4_whatever_the_check_comes_to() {
    let bench = Bench::new();
    bench.scenario("small", SMALL);
    let once = "[ -e failed ] || { touch failed; echo 'no such codec' >&2; exit 9; }";
    let mut arguments = vec!["run", "small.toml", "--check", "--budget", "peak=1MiB", "--junit", "run.xml"];
    arguments.extend(["--allow-write", "."]);
    let command = bench.memreel_with_exporter(
        &once.replace("failed ]", "$0.failed ]").replace("touch failed", "touch $0.failed"),
        &arguments,
    );
    bench.start_command(command).wait().expect(4).says(&["FAILED: ffmpeg: peak is"]);
    let text = assert_is_junit(&bench.path().join("run.xml"));
    assert!(
        text.contains("<error message=\"1 of 3 exports failed: failed with exit code 9: no such codec.\""),
        "{text}"
    );
    let again = check(&bench, "reports/small/latest", &["--budget", "peak=1MiB"]);
    again.expect(4).complains(&["1 of 3 exports failed"]);
    check(&bench, "reports/small/latest", &["--warn-only"]).expect(4);
    check(&bench, "reports/small/latest", &["--bmf", "gone/bmf.json"]).expect(5);
}

#[test]
fn a_file_that_cannot_be_written_is_exit_code_5_and_all_else_is_told() {
    let bench = Bench::new();
    let result = small(&bench);
    let more =
        ["--junit", "gone/junit.xml", "--bmf", "bmf.json", "--markdown", "page.md", "--budget", "peak=1MiB"];
    let ran = check(&bench, &result, &more);
    ran.expect(5).complains(&["gone/junit.xml", "No such file"]).says(&["FAILED: ffmpeg: peak is"]);
    assert!(json(&bench.path().join("bmf.json")).is_object());
    assert!(fs::read_to_string(bench.path().join("page.md")).unwrap().contains("FAILED"));
}

#[test]
fn a_run_with_a_check_leaves_every_file_that_was_asked_for() {
    let bench = Bench::new();
    bench.scenario("small", SMALL);
    let outputs =
        ["--junit", "j.xml", "--markdown", "m.md", "--bmf", "b.json", "--smaller-is-better", "s.json"];
    bench.run(&[&["run", "small.toml", "--check", "--budget", "peak=1MiB"], &outputs[..]].concat()).expect(1);
    let file = |name: &str| bench.path().join(name);
    let junit = assert_is_junit(&file("j.xml"));
    for words in [
        "<failure message=\"FAILED: peak is",
        "<skipped message=\"inconclusive: Memory grows: can&apos;t tell yet – the export is too short: 20 frames.\">",
        "ffmpeg: peak_bytes lowest",
    ] {
        assert!(junit.contains(words), "`{words}` is missing: {junit}");
    }
    let page = fs::read_to_string(file("m.md")).unwrap();
    assert!(
        page.starts_with("### memreel: small\n") && page.contains("| ffmpeg | peak | 1.0 MiB |"),
        "{page}"
    );
    let bmf = json(&file("b.json"));
    let peak = &bmf["small/ffmpeg-single"]["peak-rss"];
    let [low, value, high] = ["lower_value", "value", "upper_value"].map(|key| peak[key].as_f64().unwrap());
    assert!(1e7 < low && low <= value && value <= high && high < 1e9, "{bmf}");
    let entries = json(&file("s.json"));
    assert_eq!(
        (&entries[0]["name"], &entries[0]["unit"]),
        (&"small/ffmpeg-single: peak".into(), &"MiB".into())
    );
    assert!((entries[0]["value"].as_f64().unwrap() - value / 1048576.0).abs() < 0.001, "{entries}");
    assert_eq!(summary(&bench.latest_folder("small")).len(), 3);
}

#[test]
fn of_several_that_save_into_one_baseline_at_once_all_are_in_it() {
    let bench = Bench::new();
    let names = ["one", "two", "three", "four"];
    for name in names {
        bench.scenario(name, SMALL);
        bench.run(&["run", &format!("{name}.toml")]).expect(0);
    }
    let save = |name: &str| bench.start(&["baseline", "save", &format!("reports/{name}/latest")]);
    let saving: Vec<_> = names.map(save).into();
    for one in saving {
        one.wait().expect(0);
    }
    let text = fs::read_to_string(bench.path().join("memreel.baseline")).unwrap();
    for name in names {
        assert!(text.contains(&format!("scenario = \"{name}\"")), "{name} is missing: {text}");
    }
}

#[test]
fn a_result_is_within_a_baseline_of_itself_and_the_same_figures_are_told_from_both() {
    let bench = Bench::new();
    let result = small(&bench);
    bench.run(&["baseline", "save", &result]).expect(0).says(&["memreel.baseline"]);
    let by_file = check(&bench, &result, &["--baseline", "memreel.baseline", "--json"]);
    let by_folder = check(&bench, &result, &["--baseline", &result, "--json"]);
    let items = |ran: &Ran| {
        let check: Value = serde_json::from_str(&ran.expect(0).out).unwrap();
        check["items"].as_array().unwrap().clone()
    };
    let peak = |items: &[Value]| {
        let peak = items.iter().find(|item| item["asked"] == "change" && item["figure"] == "peak").unwrap();
        assert_eq!((&peak["state"], &peak["change"]["effect"]), (&"passed".into(), &0.0.into()), "{peak}");
        peak["change"]["now"].as_f64().unwrap()
    };
    assert_eq!(peak(&items(&by_file)), peak(&items(&by_folder)));
}

#[test]
fn json_is_all_that_a_run_prints_where_it_is_asked_for() {
    let bench = Bench::new();
    bench.scenario("small", SMALL);
    let ran = bench.run(&["run", "small.toml", "--check", "--json", "--budget", "peak=1MiB"]);
    let check: Value = serde_json::from_str(&ran.expect(1).out).unwrap();
    assert_eq!((&check["format"], &check["conclusion"]), (&"memreel-check/1".into(), &"failed".into()));
    let limit =
        &check["items"].as_array().unwrap().iter().find(|item| item["asked"] == "limit").unwrap()["limit"];
    assert_eq!((&limit["limit"], &limit["beyond"]), (&1048576.0.into(), &3.into()));
    assert!(ran.err.contains("peak anon"), "the table is for people: {}", ran.err);
}

/// A check as a step of a workflow of GitHub's.
fn on_github(bench: &Bench, result: &str, more: &[&str]) -> Ran {
    let mut command = bench.memreel(&[&["check", result, "--budget", "peak=1MiB"], more].concat());
    let (summary, workspace) = (bench.path().join("summary"), bench.path());
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", summary)
        .env("GITHUB_WORKSPACE", workspace);
    bench.start_command(command).wait()
}

#[test]
fn on_github_a_check_adds_to_the_summary_of_its_step_and_points_to_the_scenario() {
    let bench = Bench::new();
    let result = small(&bench);
    fs::write(bench.path().join("summary"), "what was there\n").unwrap();
    let ran = on_github(&bench, &result, &[]);
    ran.expect(1).says(&[
        "::error file=small.toml,title=small%3A ffmpeg%3A peak::peak is ",
        "::warning file=small.toml,",
    ]);
    let for_programs = on_github(&bench, &result, &["--json"]);
    assert!(serde_json::from_str::<Value>(&for_programs.expect(1).out).is_ok(), "{}", for_programs.out);
    assert!(for_programs.err.contains("::error file=small.toml,"), "{}", for_programs.err);
    let summary = fs::read_to_string(bench.path().join("summary")).unwrap();
    assert!(summary.starts_with("what was there\n### memreel: small\n"), "{summary}");
    assert_eq!(summary.matches("### memreel: small\n").count(), 2);
    assert!(!check(&bench, &result, &["--budget", "peak=1MiB"]).out.contains("::"));
}

#[test]
fn whoever_reads_only_the_first_lines_gets_the_exit_code_all_the_same() {
    let bench = Bench::new();
    bench.scenario("small", SMALL);
    let to_nobody = |arguments: &[&str]| {
        let mut command = bench.memreel(&[arguments, &["--budget", "peak=1MiB"]].concat());
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(writer).stderr(Stdio::null()).status().unwrap().code()
    };
    assert_eq!(to_nobody(&["run", "small.toml", "--check"]), Some(1));
    assert_eq!(to_nobody(&["check", "reports/small/latest"]), Some(1));
}

#[test]
fn the_schema_finds_what_is_wrong_with_a_document() {
    let bench = Bench::new();
    let document = bench.path().join("wrong.xml");
    fs::write(&document, "<testsuites skipped='1'><testsuite name='x'/></testsuites>").unwrap();
    let faults = schema_faults(&document);
    assert!(faults.contains("skipped") && faults.contains("tests"), "{faults}");
}

#[test]
fn a_check_is_not_passed_by_changing_the_question() {
    let bench = Bench::new();
    bench.scenario("instant", INSTANT);
    let run = |more: &[&str]| bench.run(&[&["run", "instant.toml", "--repeat", "3"], more].concat());
    run(&[]).expect(0);
    bench.run(&["baseline", "save", "reports/instant/latest", "b"]).expect(0);
    let kept = fs::read_to_string(bench.path().join("b")).unwrap();
    assert!(kept.contains("preset = \"ultrafast\""), "a review shows what was measured: {kept}");
    let check =
        |more: &[&str]| bench.run(&[&["check", "reports/instant/latest", "--baseline", "b"], more].concat());
    // Another preset: both figures, what differs, and no pass.
    run(&["--preset", "medium"]).expect(0);
    check(&[]).expect(3).says(&[
        "preset medium, was ultrafast",
        "NOT COMPARED",
        "not comparable",
        "accept it with --accept-change preset, and save the baseline anew",
    ]);
    check(&["--accept-change", "perset"])
        .expect(2)
        .complains(&["no change is called `perset`; did you mean `preset`?", "timeline"]);
    check(&["--strict"]).expect(1);
    check(&["--warn-only"]).expect(0);
    check(&["--accept-change", "size"]).expect(3);
    let accepted = check(&["--accept-change", "preset"]);
    accepted.expect(0).says(&["preset medium, was ultrafast", "not judged"]);
    // Another threading, and a variant that is not run any more.
    run(&["--threading", "single,parallel:3"]).expect(0);
    check(&[]).expect(3).says(&["threading parallel:3, was parallel:2"]);
    run(&["--threading", "single"]).expect(0);
    check(&[]).expect(3).says(&["ffmpeg-parallel-2", "it is in the baseline and was not measured"]);
    check(&["--accept-change", "missing"]).expect(0);
    // A variant that is new beside all that the baseline has.
    run(&["--threading", "single,parallel:2,parallel:3"]).expect(0);
    check(&[]).expect(0).says(&["the baseline has no ffmpeg-parallel-3 of instant"]);
    // Another timeline.
    run(&["--set", "timeline.tracks.0.repeat=2"]).expect(0);
    check(&[])
        .expect(3)
        .says(&["another export: the command", "accept it with --accept-change timeline, and save"]);
    check(&["--accept-change", "timeline"]).expect(0);
}
