//! What is published of each package: its sources and licences, and nothing that was measured.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every package of the workspace that is published: its folder.
const PUBLISHED: [(&str, &str); 8] = [
    ("memreel", "."),
    ("memreel-bounds", "bounds"),
    ("memreel-trace", "trace"),
    ("memreel-record", "record"),
    ("memreel-judge", "judge"),
    ("memreel-timeline", "timeline"),
    ("memreel-projects", "projects"),
    ("memreel-export", "exporter"),
];

/// Cargo itself writes these.
const WRITTEN_BY_CARGO: [&str; 3] = [".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml.orig"];

fn folder(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

fn cargo(arguments: &[&str]) -> (String, String) {
    let mut command = Command::new(env!("CARGO"));
    let output = command.current_dir(folder(".")).args(arguments).output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{arguments:?}: {err}");
    (out, err)
}

/// The files of a package as it would be published, with their sizes.
fn files(name: &str, place: &str) -> BTreeMap<String, u64> {
    let (list, complaints) = cargo(&["package", "--list", "--allow-dirty", "--offline", "-p", name]);
    assert!(!complaints.contains("warning"), "{name}: {complaints}");
    let own = list.lines().filter(|file| !WRITTEN_BY_CARGO.contains(file));
    let size = |file: &str| {
        let path = folder(place).join(file);
        fs::metadata(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).len()
    };
    own.map(|file| (file.to_string(), size(file))).collect()
}

#[test]
fn a_published_package_has_its_licences_and_stays_small() {
    for (name, place) in PUBLISHED {
        let files = files(name, place);
        for wanted in ["Cargo.toml", "README.md", "LICENSE-MIT", "LICENSE-APACHE", "src/lib.rs"] {
            assert!(files.contains_key(wanted), "{name} lacks {wanted}");
        }
        let included = ["engines/ges.toml", "scenarios/one-clip.toml"].iter().filter(|_| name == "memreel");
        included
            .for_each(|file| assert!(files.contains_key(*file), "{name} lacks {file}, which it compiles in"));
        let bytes: u64 = files.values().sum();
        assert!(files.len() <= 250 && bytes <= 2 << 20, "{name}: {} files, {bytes} B", files.len());
        // One large file is a recording or a picture.
        let largest = files.iter().max_by_key(|(_, size)| **size).unwrap();
        assert!(*largest.1 <= 64 << 10, "{name}: {largest:?}");
    }
}

#[test]
fn nothing_that_was_measured_is_published() {
    for (name, place) in PUBLISHED {
        let kept = |file: &&String| {
            let begins = ["tests/data", "reports/", "docs/"].iter().any(|folder| file.starts_with(folder));
            let ends = [".csv", ".json", ".png", ".dat"].iter().any(|ending| file.ends_with(ending));
            begins || ends || file.contains("validation")
        };
        let files = files(name, place);
        let wrong: Vec<_> = files.keys().filter(kept).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
    }
}

#[test]
fn cargo_finds_each_test_and_bench_in_the_package_and_so_does_not_warn() {
    let (metadata, _) = cargo(&["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let is_published = |package: &&serde_json::Value| package["publish"].is_null();
    let mut names: Vec<_> =
        packages.iter().filter(is_published).map(|package| package["name"].as_str().unwrap()).collect();
    names.sort();
    let mut known = PUBLISHED.map(|(name, _)| name);
    known.sort();
    assert_eq!(names, known, "add a new package to the list, or say `publish = false`");
    for (name, place) in PUBLISHED {
        let files = files(name, place);
        let package = packages.iter().find(|package| package["name"] == name).unwrap();
        let root = folder(place).canonicalize().unwrap();
        for target in package["targets"].as_array().unwrap() {
            let source = Path::new(target["src_path"].as_str().unwrap()).canonicalize().unwrap();
            let source = source.strip_prefix(&root).unwrap().to_str().unwrap();
            assert!(files.contains_key(source), "{name} lacks {source}");
        }
    }
}
