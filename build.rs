//! Tells the program which commit it is built from, for `memreel --version`.
//!
//! Only a release build asks git. There cargo runs this again, and compiles memreel's own package again, after each
//! commit; a debug build would do so with every test at each commit, and is used where the commit is known.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// As many digits as nobody has to count: the same text for a commit in every clone.
const DIGITS: usize = 12;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let package = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package"));
    let is_release = std::env::var_os("PROFILE").is_some_and(|profile| profile == "release");
    let commit = if is_release { of_checkout(&package).or_else(|| of_published(&package)) } else { None };
    let commit =
        commit.filter(|commit| commit.len() >= DIGITS && commit.bytes().all(|b| b.is_ascii_hexdigit()));
    if let Some(commit) = commit {
        println!("cargo::rustc-env=MEMREEL_COMMIT={}", &commit[..DIGITS]);
    }
}

/// The commit that is checked out, when the package is the root of a checkout and no folder of somebody else's.
fn of_checkout(package: &Path) -> Option<String> {
    let root = PathBuf::from(git(package, &["rev-parse", "--show-toplevel"])?);
    if root.canonicalize().ok()? != package.canonicalize().ok()? {
        return None;
    }
    // The log of HEAD grows with every commit, checkout and reset. A file that is not there would always be changed.
    for name in ["HEAD", "logs/HEAD"] {
        let file = package.join(git(package, &["rev-parse", "--git-path", name])?);
        if file.exists() {
            println!("cargo::rerun-if-changed={}", file.display());
        }
    }
    git(package, &["rev-parse", "HEAD"])
}

/// The commit that cargo wrote into a published package.
fn of_published(package: &Path) -> Option<String> {
    let text = fs::read_to_string(package.join(".cargo_vcs_info.json")).ok()?;
    Some(text.split_once("\"sha1\": \"")?.1.split_once('"')?.0.to_string())
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").current_dir(folder).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_string())
}
