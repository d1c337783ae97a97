//! A file or folder that has its name is whole, also after the machine has lost its power: what memreel asks the kernel
//! to do, in which order.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::*;

/// What memreel asked for that matters here.
#[derive(Debug)]
enum Asked {
    Synced(PathBuf),
    Renamed(PathBuf, PathBuf),
}

/// A line of `strace -y`: `fsync(5</place>) = 0`, `rename("from", "to") = 0`.
fn asked(line: &str) -> Option<Asked> {
    let line = line.strip_suffix(" = 0")?;
    if let Some((_, path)) = line.split_once("sync(").filter(|(before, _)| before.ends_with('f')) {
        return Some(Asked::Synced(path.split_once('<')?.1.strip_suffix(">)")?.into()));
    }
    let words: Vec<_> = line.split_once("rename")?.1.split('"').collect();
    Some(Asked::Renamed(words.get(1)?.into(), words.get(3)?.into()))
}

/// Files in a folder, or the file itself.
fn files(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.into()];
    }
    fs::read_dir(path).unwrap().flat_map(|entry| files(&entry.unwrap().path())).collect()
}

/// Runs memreel in the bench, and holds each rename against what was synced before and after. Returns what was renamed.
fn renamed_when_whole(bench: &Bench, arguments: &[&str]) -> BTreeSet<String> {
    let log = bench.path().join("calls");
    let memreel = bench.memreel(arguments);
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-y", "--seccomp-bpf", "-e", "trace=fsync,rename,renameat,renameat2", "-o"]);
    traced.arg(&log).arg(memreel.get_program()).args(memreel.get_args());
    bench.settle(&mut traced);
    traced.env("MEMREEL_MEDIA", bench.path().join("media"));
    bench.start_command(traced).wait().expect(0);
    let text = fs::read_to_string(log).unwrap();
    let calls: Vec<_> = text.lines().filter_map(asked).collect();
    let synced = |calls: &[Asked], what: &Path| {
        calls.iter().any(|call| matches!(call, Asked::Synced(path) if path == what))
    };
    let mut names = BTreeSet::new();
    for (number, call) in calls.iter().enumerate() {
        let Asked::Renamed(from, to) = call else { continue };
        let (from, to) = (&bench.path().join(from), &bench.path().join(to));
        // Not a link, and not what was renamed in a folder that is gone.
        if !fs::symlink_metadata(to).is_ok_and(|meta| meta.is_file() || meta.is_dir()) {
            continue;
        }
        let later = |file: &PathBuf| {
            let mut calls = calls[number + 1..].iter();
            calls.any(|call| matches!(call, Asked::Renamed(_, to) if bench.path().join(to) == *file))
        };
        for file in files(to).iter().filter(|file| !later(file)) {
            let before = from.join(file.strip_prefix(to).unwrap());
            let before = if to.is_dir() { before } else { from.clone() };
            assert!(synced(&calls[..number], &before), "{} was not synced:\n{text}", before.display());
        }
        assert!(synced(&calls[number..], to.parent().unwrap()), "{} may be lost:\n{text}", to.display());
        names.insert(to.file_name().unwrap().to_str().unwrap().to_string());
    }
    names
}

#[test]
fn what_has_its_name_is_on_the_disk() {
    let bench = Bench::new();
    bench.scenario("instant", INSTANT);
    let run = renamed_when_whole(&bench, &["run", "instant.toml", "--threading", "single"]);
    for name in ["result.json", "ffmpeg-single-r1", "summary.csv", "summary.json"] {
        assert!(run.contains(name), "{name} is not among {run:?}");
    }
    // Its source, and the record beside it.
    assert_eq!(files(&bench.path().join("media")).len(), 2);
    assert!(
        files(&bench.path().join("media"))
            .iter()
            .all(|file| run.contains(file.file_name().unwrap().to_str().unwrap()))
    );
    let saved = renamed_when_whole(&bench, &["baseline", "save", "reports/instant/latest", "kept.json"]);
    assert!(saved.contains("kept.json"), "{saved:?}");
    let merged = renamed_when_whole(&bench, &["merge", "reports/instant/latest", "-o", "merged"]);
    assert!(merged.contains("merged"), "{merged:?}");
}
