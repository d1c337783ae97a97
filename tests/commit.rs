//! Which commit `memreel --version` names: build.rs, run as cargo runs it, in folders of every kind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A folder of a test's own, outside of every checkout, with build.rs compiled.
struct Room {
    folder: TempDir,
    script: PathBuf,
}

impl Room {
    fn new() -> Room {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("build-script");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs");
        let rustc = Path::new(env!("CARGO")).with_file_name("rustc");
        let mut command = Command::new(rustc);
        assert!(
            command.args(["--edition", "2024", "-o"]).args([&script, &source]).status().unwrap().success()
        );
        Room { folder, script }
    }

    /// A new folder in this one, or in a folder of it.
    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// What build.rs tells cargo of a package in this folder.
    fn told(&self, package: &Path, profile: &str) -> String {
        let mut command = Command::new(&self.script);
        let output =
            command.current_dir(package).envs([("PROFILE", profile)]).env("CARGO_MANIFEST_DIR", package);
        let output = output.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The commit that it names.
    fn commit(&self, package: &Path, profile: &str) -> Option<String> {
        let told = self.told(package, profile);
        told.lines().find_map(|line| Some(line.strip_prefix("cargo::rustc-env=MEMREEL_COMMIT=")?.to_string()))
    }
}

/// Makes a commit in a folder, and a repository first where there is none; returns its digits.
fn commit(folder: &Path) -> String {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        let settings = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let output = command.current_dir(folder).args(settings).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    };
    git(&["init", "--quiet"]);
    git(&["commit", "--quiet", "--allow-empty", "--message", "one"]);
    git(&["rev-parse", "HEAD"])
}

#[test]
fn a_release_build_of_a_checkout_names_its_commit_and_is_made_again_after_the_next_one() {
    let room = Room::new();
    let checkout = room.folder("checkout");
    let head = commit(&checkout);
    assert_eq!(room.commit(&checkout, "release").as_deref(), Some(&head[..12]));
    let told = room.told(&checkout, "release");
    let watched: Vec<_> =
        told.lines().filter_map(|line| line.strip_prefix("cargo::rerun-if-changed=")).collect();
    let read = || watched.iter().map(|file| fs::read(checkout.join(file)).unwrap_or_default());
    let before: Vec<_> = read().collect();
    assert_ne!(commit(&checkout), "");
    assert_ne!(read().collect::<Vec<_>>(), before, "{watched:?}");
}

#[test]
fn a_debug_build_asks_no_git_and_so_is_not_made_again_after_a_commit() {
    let room = Room::new();
    let checkout = room.folder("checkout");
    commit(&checkout);
    assert_eq!(room.told(&checkout, "debug"), "cargo::rerun-if-changed=build.rs\n");
}

#[test]
fn a_folder_in_the_checkout_of_something_else_has_no_commit() {
    let room = Room::new();
    commit(&room.folder("theirs"));
    assert_eq!(room.commit(&room.folder("theirs/memreel"), "release"), None);
    assert_eq!(room.commit(&room.folder("alone"), "release"), None);
}

#[test]
fn a_published_package_has_the_commit_that_cargo_wrote_into_it() {
    let room = Room::new();
    let package = room.folder("package");
    let written = |sha1: &str| {
        let text = format!("{{\n  \"git\": {{\n    \"sha1\": \"{sha1}\"\n  }},\n  \"path_in_vcs\": \"\"\n}}");
        fs::write(package.join(".cargo_vcs_info.json"), text).unwrap();
        room.commit(&package, "release")
    };
    assert_eq!(written("0123456789abcdef0123456789abcdef01234567").as_deref(), Some("0123456789ab"));
    assert_eq!(written("no commit at all"), None);
}
