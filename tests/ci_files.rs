//! What a CI is given by us – the action, workflows, GitLab's job, scripts – is what its programs take, and does what it
//! says.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::*;

/// The schemas that the CIs publish, as they come with check-jsonschema.
const ACTION: &str = "vendor.github-actions";
const WORKFLOW: &str = "vendor.github-workflows";
const GITLAB: &str = "vendor.gitlab-ci";

fn package(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What a checker complains of; nothing when it has no complaint.
fn complaints(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; `make setup peers`"));
    let said = [output.stdout, output.stderr].concat();
    if output.status.success() { String::new() } else { String::from_utf8(said).unwrap() }
}

fn against_schema(schema: &str, file: &Path) -> String {
    complaints(Command::new(peer("bin/check-jsonschema")).args(["--builtin-schema", schema]).arg(file))
}

/// What lets strangers in, or a token out.
fn zizmor(file: &Path) -> String {
    let config = package("tests/data/ci/zizmor.yml");
    let mut command = Command::new(peer("bin/zizmor"));
    complaints(command.args(["--offline", "--no-progress", "--config"]).arg(config).arg(file))
}

fn shellcheck(shell: &str, script: &Path) -> String {
    complaints(Command::new("shellcheck").args(["--severity=warning", "--shell", shell]).arg(script))
}

/// What a file has run, checked as the shell that runs it reads it.
fn shellcheck_of_blocks(bench: &Bench, shell: &str, file: &Path) -> (usize, String) {
    let mut python = Command::new(peer("bin/python3"));
    let output = python.arg(package("tests/support/run_blocks.py")).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let blocks: Vec<_> = text.split_terminator("#-- end --\n").collect();
    let check = |block: &&str| {
        let script = bench.path().join("block.sh");
        fs::write(&script, block).unwrap();
        shellcheck(shell, &script)
    };
    (blocks.len(), blocks.iter().map(check).collect())
}

/// The workflows that we show, each in a file of its own, and those that we run: of the docs, of the example, our own.
fn workflows(bench: &Bench) -> Vec<PathBuf> {
    let docs = fs::read_to_string(package("docs/ci.md")).unwrap();
    let blocks = docs.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut files = Vec::new();
    // zizmor knows a workflow by where it lies.
    let folder = bench.path().join(".github/workflows");
    fs::create_dir_all(&folder).unwrap();
    for (number, block) in blocks.filter(|block| block.contains("runs-on:")).enumerate() {
        let file = folder.join(format!("docs-{number}.yml"));
        fs::write(&file, block).unwrap();
        files.push(file);
    }
    assert!(!files.is_empty(), "docs/ci.md shows no workflow");
    let of_example = folder.join("example.yml");
    fs::copy(package("examples/gated-export/.github/workflows/gate.yml"), &of_example).unwrap();
    files.push(of_example);
    files.extend(own_workflows());
    files
}

/// The workflows that test and release memreel itself.
fn own_workflows() -> Vec<PathBuf> {
    let entries = fs::read_dir(package(".github/workflows")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 2, "{files:?}");
    files
}

#[track_caller]
fn assert_none(complaints: &str) {
    assert!(complaints.is_empty(), "{complaints}");
}

#[test]
fn the_action_is_one_and_lets_nobody_run_what_is_written_in_its_inputs() {
    let bench = Bench::new();
    let action = package("action.yml");
    assert_none(&against_schema(ACTION, &action));
    assert_none(&zizmor(&action));
    let (blocks, said) = shellcheck_of_blocks(&bench, "bash", &action);
    assert!(blocks >= 4, "{blocks}");
    assert_none(&said);
}

#[test]
fn workflows_that_are_shown_or_run_are_taken_by_github_and_give_nothing_away() {
    let bench = Bench::new();
    for workflow in workflows(&bench) {
        assert_none(&against_schema(WORKFLOW, &workflow));
        assert_none(&zizmor(&workflow));
        assert_none(&shellcheck_of_blocks(&bench, "bash", &workflow).1);
    }
}

#[test]
fn our_own_workflows_run_what_is_there() {
    let makefile = fs::read_to_string(package("Makefile")).unwrap();
    let mut ran = 0;
    for workflow in own_workflows() {
        let text = fs::read_to_string(workflow).unwrap();
        let words: Vec<_> = text.split_whitespace().collect();
        for target in words.windows(2).filter(|pair| pair[0] == "make").map(|pair| pair[1]) {
            assert!(makefile.contains(&format!("\n{target}: ")), "make {target}");
            ran += 1;
        }
        for script in words.iter().filter(|word| word.starts_with("scripts/") || word.starts_with(".ci/")) {
            assert!(package(script).is_file(), "{script}");
            ran += 1;
        }
    }
    assert!(ran >= 6, "{ran}");
}

#[test]
fn the_oldest_rust_is_the_same_for_cargo_for_setup_and_in_ci() {
    let read = |name: &str| fs::read_to_string(package(name)).unwrap();
    let manifest = read("Cargo.toml");
    let rust = manifest.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(read("scripts/setup.sh").contains(&format!("\noldest_rust={rust}\n")), "{rust}");
    assert!(
        read(".github/workflows/ci.yml").contains(&format!("container: rust:{rust}-bookworm\n")),
        "{rust}"
    );
}

#[test]
fn a_tag_that_names_another_version_releases_nothing() {
    let names = |tag: &str| {
        let output = Command::new(package("scripts/package.sh")).args(["is-version", tag]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(names(concat!("v", env!("CARGO_PKG_VERSION"))), (Some(0), String::new()));
    let (code, said) = names("v99.0.0");
    assert!(code == Some(1) && said.contains("v99.0.0"), "{said}");
}

#[test]
fn gitlabs_job_is_one() {
    let bench = Bench::new();
    let job = package("docs/gitlab-ci.yml");
    assert_none(&against_schema(GITLAB, &job));
    let (blocks, said) = shellcheck_of_blocks(&bench, "bash", &job);
    assert_eq!(blocks, 2);
    assert_none(&said);
}

#[test]
fn the_docs_show_no_input_that_the_action_does_not_have() {
    let bench = Bench::new();
    let action = fs::read_to_string(package("action.yml")).unwrap();
    let mut shown = 0;
    for workflow in workflows(&bench) {
        let text = fs::read_to_string(workflow).unwrap();
        for step in text.split("/memreel@").skip(1) {
            let inputs = step.lines().skip_while(|line| line.trim() != "with:").skip(1);
            for (input, _) in inputs.map_while(|line| line.strip_prefix("          ")?.split_once(':')) {
                assert!(action.contains(&format!("\n  {input}:\n")), "{input}");
                shown += 1;
            }
        }
    }
    assert!(shown >= 3, "{shown}");
}

/// A copy of a file with something in place of something, which has to be there.
fn broken(bench: &Bench, file: &Path, name: &str, right: &str, wrong: &str) -> PathBuf {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(right), "{right} is not in {}", file.display());
    let copy = bench.path().join(name);
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::write(&copy, text.replacen(right, wrong, 1)).unwrap();
    copy
}

#[test]
fn the_checkers_find_what_is_wrong() {
    let bench = Bench::new();
    let (action, gitlab) = (package("action.yml"), package("docs/gitlab-ci.yml"));
    let misspelt = broken(&bench, &action, "action.yml", "using: composite", "using: composit");
    assert!(against_schema(ACTION, &misspelt).contains("runs"), "{}", against_schema(ACTION, &misspelt));
    let injected =
        broken(&bench, &action, "action.yml", "action.sh\" check'", "action.sh\" check ${{ inputs.args }}'");
    assert!(zizmor(&injected).contains("template-injection"), "{}", zizmor(&injected));
    let workflow = workflows(&bench).remove(0);
    let misspelt = broken(&bench, &workflow, "w.yml", "runs-on:", "run-on:");
    assert!(
        against_schema(WORKFLOW, &misspelt).contains("runs-on"),
        "{}",
        against_schema(WORKFLOW, &misspelt)
    );
    let open =
        broken(&bench, &workflow, ".github/workflows/open.yml", "pull_request:", "pull_request_target:");
    assert!(zizmor(&open).contains("dangerous-triggers"), "{}", zizmor(&open));
    let misspelt = broken(&bench, &gitlab, "g.yml", "junit: memreel.xml", "junits: memreel.xml");
    assert!(against_schema(GITLAB, &misspelt).contains("reports"), "{}", against_schema(GITLAB, &misspelt));
    let unclosed = broken(&bench, &gitlab, "s.yml", "memreel\" run", "memreel run");
    assert!(shellcheck_of_blocks(&bench, "bash", &unclosed).1.contains("SC1"), "an open quote");
}

#[test]
fn budgets_that_the_docs_show_are_budgets() {
    let bench = Bench::new();
    let docs = fs::read_to_string(package("docs/scenarios.md")).unwrap();
    let blocks = docs.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let budgets = blocks.filter(|block| block.contains("[budgets]")).collect::<String>();
    bench.scenario("small", &format!("{SMALL}{budgets}"));
    bench.run(&["plan", "small.toml"]).expect(0);
    bench.scenario("wrong", &format!("{SMALL}{}", budgets.replace("peak", "paek")));
    bench.run(&["plan", "wrong.toml"]).expect(2).complains(&["did you mean `peak`?"]);
}

/// A step of the action, as GitHub has it run.
fn step(bench: &Bench, step: &str, more: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(package("scripts/action.sh"));
    bench.settle(&mut command);
    let outputs = bench.path().join("outputs");
    command.arg(step).env("GITHUB_OUTPUT", &outputs).env("RUNNER_TEMP", bench.path());
    let programs = exporter();
    let defaults = [
        ("ARGS", ""),
        ("BASELINE", ""),
        ("STRICT", "false"),
        ("JUNIT", "memreel.xml"),
        ("SCENARIO", "small.toml"),
    ];
    defaults.iter().chain(more).for_each(|(name, value)| {
        command.env(format!("MEMREEL_{name}"), value);
    });
    if more.iter().all(|(name, _)| *name != "PROGRAMS") {
        command.env("MEMREEL_PROGRAMS", programs.parent().unwrap());
    }
    bench.start_command(command).wait()
}

#[test]
fn an_input_of_the_action_is_no_option_and_no_other_output() {
    let bench = Bench::new();
    let ran = step(&bench, "check", &[("SCENARIO", "--resume=elsewhere")]);
    ran.expect(2).complains(&["--resume=elsewhere"]);
    assert!(!ran.err.contains("elsewhere: not a memreel result"), "{}", ran.err);
    step(&bench, "keys", &[("PROGRAMS", "here\nprograms-key=mine")])
        .expect(2)
        .complains(&["`programs` has more"]);
    assert!(!fs::read_to_string(bench.path().join("outputs")).unwrap().contains("mine"));
}

/// What a step has told later ones, the last time that it did.
fn told(bench: &Bench, name: &str) -> String {
    let text = fs::read_to_string(bench.path().join("outputs")).unwrap();
    let value = text.lines().rev().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {name} in {text}")).to_string()
}

const SMALL: &str = "
sources.shot.generate = { seconds = 1, size = '320x180' }
timeline.tracks = [{ children = [{ clip = 'shot', duration = '5f' }] }]
export.preset = 'ultrafast'
export.audio = false
matrix.threading = 'single'
";

#[test]
fn the_action_passes_on_what_came_of_the_check_and_where_the_result_is() {
    let bench = Bench::new();
    bench.scenario("small", SMALL);
    step(&bench, "check", &[("ARGS", "--budget peak=1GiB  --repeat 2")]).expect(0);
    assert_eq!(told(&bench, "exit-code"), "0");
    assert_eq!(summary(Path::new(&told(&bench, "result"))).len(), 2);
    assert!(fs::read_to_string(bench.path().join("memreel.xml")).unwrap().contains("<testsuites"));
    step(&bench, "check", &[("STRICT", "true")]).expect(3);
    step(&bench, "check", &[("ARGS", "--budget peak=1MiB"), ("STRICT", "true")]).expect(1);
    assert_eq!(told(&bench, "exit-code"), "1");
    assert!(Path::new(&told(&bench, "result")).join("summary.json").is_file());
    step(&bench, "check", &[("BASELINE", "gone.baseline")]).expect(2).complains(&["gone.baseline"]);
    assert_eq!(told(&bench, "exit-code"), "2");
}

#[test]
fn what_is_written_in_an_input_is_never_run() {
    let bench = Bench::new();
    bench.scenario("small", SMALL);
    for input in ["SCENARIO", "ARGS", "BASELINE", "JUNIT", "STRICT"] {
        step(&bench, "check", &[(input, "$(touch run);`touch run`;touch run;'\"*")]);
        step(&bench, "keys", &[(input, "$(touch run);`touch run`;touch run;'\"*")]);
    }
    assert!(!bench.path().join("run").exists());
}

#[test]
fn media_are_kept_for_as_long_as_a_scenario_asks_for_the_same() {
    let bench = Bench::new();
    bench.scenario("small", SMALL);
    let key = |more: &[(&str, &str)]| {
        step(&bench, "keys", more).expect(0);
        (told(&bench, "programs-key"), told(&bench, "media-key"))
    };
    let first = key(&[]);
    assert_eq!(key(&[]), first);
    assert!(first.1.contains(env!("CARGO_PKG_VERSION")), "{first:?}");
    bench.scenario("small", &SMALL.replace("320x180", "160x90"));
    let second = key(&[]);
    assert_eq!(second.0, first.0);
    assert_ne!(second.1, first.1);
    assert_ne!(key(&[("SCENARIO", "forty-clips")]).1, key(&[("SCENARIO", "one-clip")]).1);
}
