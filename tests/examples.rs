//! The examples do what their words say: they are built and run as their users would.

mod support;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::*;

fn example(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/gated-export").join(file)
}

/// How our own debug build is made, as its manifest says, so that what memreel depends on is not built again. Its own
/// packages are, for another workspace; to optimise them would take longer than it saves here.
fn profile() -> Vec<String> {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let settings = |table: &str| {
        let (_, settings) = manifest.split_once(&format!("[{table}]\n")).expect("the profile is there");
        let lines = settings.lines().take_while(|line| !line.is_empty());
        let lines = lines.filter(|line| !line.starts_with("memreel-"));
        lines.map(|line| format!("{table}.{line}")).collect::<Vec<_>>()
    };
    [settings("profile.dev"), settings("profile.dev.package")].concat()
}

/// `cargo bench` of the example, with the versions of all packages that memreel itself is built with.
fn bench_example(bench: &Bench, more: &[&str], environment: &[(&str, &str)]) -> Ran {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    fs::copy(lock, example("Cargo.lock")).unwrap();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["bench", "--offline", "--profile", "dev", "--bench", "contact_sheet"]);
    command.arg("--manifest-path").arg(example("Cargo.toml"));
    for setting in profile() {
        command.args(["--config", &setting]);
    }
    command.args(more).envs(environment.iter().copied());
    command.env("MEMORY_BASELINE", bench.path().join("memory.baseline"));
    command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap());
    bench.start_command(command).wait()
}

/// Asserts the exit code and that this was said, of which criterion's part is time.
#[track_caller]
fn assert_says(ran: &Ran, code: i32, words: &[&str]) {
    let text = format!("{}{}", ran.out, ran.err);
    assert_eq!(ran.status.code(), Some(code), "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is missing: {text}");
    }
}

// One test, as cargo keeps a file in the example's folder.
#[test]
fn a_function_that_takes_twice_as_much_fails_its_gate_and_one_that_does_not_passes() {
    let bench = Bench::new();
    // No benchmark of time is called so.
    let memory_only = ["--", "none"];
    let missing = bench_example(&bench, &[], &[]);
    assert_says(&missing, 2, &["sheet of 4", "time:", "memory.baseline: No such file", "SAVE_MEMORY=1"]);
    assert_says(&bench_example(&bench, &memory_only, &[("SAVE_MEMORY", "1")]), 0, &["memory.baseline"]);
    let kept = fs::read_to_string(bench.path().join("memory.baseline")).unwrap();
    assert!(kept.contains("variant = \"sheet of 32\"") && kept.contains("peak_bytes = ["), "{kept}");
    let same = bench_example(&bench, &memory_only, &[]);
    assert_says(&same, 0, &["checked against its budgets and memory.baseline", "passed: all 2."]);
    let careless = bench_example(&bench, &["--features", "careless", "--", "none"], &[]);
    assert_says(&careless, 1, &["FAILED: sheet of 32: peak is 3", "is 1.0 MiB.", "FAILED: 1 failed"]);
    let panics = bench_example(&bench, &memory_only, &[("PICTURES", "0")]);
    let words =
        ["a sheet of no pictures", "contact_sheet: sheet of 32: repeat 1 ended with exit status: 101"];
    assert_says(&panics, 2, &words);
}

#[test]
fn the_scenario_is_within_its_budgets_and_within_what_was_kept_of_it() {
    let bench = Bench::new();
    let scenario = example("exports.toml");
    let scenario = scenario.to_str().unwrap();
    // Its budgets name what is tolerated: without a baseline that is open.
    let first = bench.run(&["run", scenario, "--repeat", "3", "--check", "--strict"]);
    first.expect(3).says(&["2 passed", "no baseline was given"]);
    bench.run(&["baseline", "save", "reports/exports/latest"]).expect(0);
    let again = ["check", "reports/exports/latest", "--baseline", "memreel.baseline"];
    bench.run(&again).expect(0).says(&["CPU time per frame", "passed"]);
}
