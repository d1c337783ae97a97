//! Inputs that the fuzzer has found, and one at least of each kind that memreel reads, are read without a panic and fast.

#[path = "support/inputs.rs"]
mod inputs;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use inputs::TARGETS;

/// What an input of at most [`LARGEST`] bytes may take: a second in a release build, more in one for debugging.
const MOST_CPU: Duration = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 1 });
const LARGEST: u64 = 64 << 10;

/// The kept inputs of a kind.
fn kept(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn no_kept_input_panics_or_takes_long() {
    for target in TARGETS {
        let kept = kept(target.name);
        assert!(!kept.is_empty(), "no input for {}", target.name);
        for path in kept {
            let input = fs::read(&path).unwrap();
            let took = std::panic::catch_unwind(|| target.time(&input));
            assert!(took.as_ref().is_ok_and(|took| *took < MOST_CPU), "{}: {took:?}", path.display());
        }
    }
    let peak = fs::read_to_string("/proc/self/status").unwrap();
    let peak = memreel_record::proc::status(peak.as_bytes()).high_water.unwrap();
    assert!(peak.mib() < 300.0, "{peak:?}");
}

#[test]
fn kept_inputs_are_small_belong_to_a_target_and_name_no_place_of_a_machine() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for folder in fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap()) {
        let name = folder.file_name().into_string().unwrap();
        assert!(TARGETS.iter().any(|target| target.name == name), "{name} is not a target");
        let mut bytes = 0;
        for path in kept(&name) {
            let input = fs::read(&path).unwrap();
            bytes += input.len() as u64;
            let said = String::from_utf8_lossy(&input);
            let place =
                ["/work/", "/home/", "/root/", "/tmp/"].into_iter().find(|place| said.contains(place));
            assert_eq!(place, None, "{}", path.display());
        }
        assert!(bytes <= LARGEST, "the inputs for {name} have {bytes} B");
    }
}
