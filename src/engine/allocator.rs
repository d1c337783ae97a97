//! The memory allocator of an engine: glibc's, glibc's with a number of arenas, or one that is loaded in its place.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::fs;
use std::path::PathBuf;

use crate::scenario::AllocatorChoice;

/// Libraries that the dynamic linker loads before all others.
const PRELOAD: &str = "LD_PRELOAD";

/// The number of arenas of glibc's allocator.
const ARENAS: &str = "MALLOC_ARENA_MAX";

/// An allocator that takes the place of glibc's.
struct Library {
    /// The beginning of its file's name.
    stem: &'static str,
    /// Its package in Debian and Ubuntu.
    package: &'static str,
}

fn library(choice: AllocatorChoice) -> Option<Library> {
    match choice {
        AllocatorChoice::Default | AllocatorChoice::Arenas(_) => None,
        AllocatorChoice::Jemalloc => Some(Library { stem: "libjemalloc.so", package: "libjemalloc2" }),
        AllocatorChoice::Mimalloc => Some(Library { stem: "libmimalloc.so", package: "libmimalloc2.0" }),
    }
}

/// The file that is loaded in place of glibc's allocator; `None` where there is none to load, or it is not installed.
pub fn file(choice: AllocatorChoice) -> Option<PathBuf> {
    found(&library(choice)?, &folders())
}

/// Where the dynamic linker looks.
fn folders() -> [PathBuf; 4] {
    [
        "/usr/local/lib".into(),
        format!("/usr/lib/{ARCH}-linux-gnu").into(),
        "/usr/lib64".into(),
        "/usr/lib".into(),
    ]
}

/// In the first of the folders that has it, its newest version.
fn found(library: &Library, folders: &[PathBuf]) -> Option<PathBuf> {
    let versions = |folder: &PathBuf| {
        let entries = fs::read_dir(folder).ok()?.flatten();
        let files = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(library.stem));
        files.map(|entry| entry.path()).max()
    };
    folders.iter().find_map(versions)
}

/// The allocators that can take the place of glibc's, and where each is, or how to install it.
pub fn all() -> impl Iterator<Item = (AllocatorChoice, Result<PathBuf, String>)> {
    [AllocatorChoice::Jemalloc, AllocatorChoice::Mimalloc]
        .into_iter()
        .map(|choice| (choice, file(choice).ok_or_else(|| missing(choice).unwrap_or_default())))
}

/// Why a variant cannot have its allocator.
pub fn missing(choice: AllocatorChoice) -> Option<String> {
    let library = library(choice).filter(|library| found(library, &folders()).is_none())?;
    Some(format!("{choice} is not installed: apt-get install {}", library.package))
}

/// Gives an engine its allocator, beside what its environment has already.
pub fn put(choice: AllocatorChoice, environment: &mut BTreeMap<String, Option<String>>) {
    if let AllocatorChoice::Arenas(count) = choice {
        environment.insert(ARENAS.into(), Some(count.to_string()));
    }
    if let Some(file) = file(choice) {
        let others = match environment.get(PRELOAD) {
            Some(others) => others.clone(),
            None => std::env::var(PRELOAD).ok(),
        };
        let files = [Some(file.to_string_lossy().into_owned()), others.filter(|others| !others.is_empty())];
        let files: Vec<_> = files.into_iter().flatten().collect();
        environment.insert(PRELOAD.into(), Some(files.join(":")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_in_the_first_folder_that_has_one_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| folder.path().join(name);
        let folders = ["none", "a", "b"].map(of);
        for file in [
            "a/libmimalloc.so.2.0",
            "a/libmimalloc.so.2.1",
            "a/libmimalloc-secure.so.2.1",
            "b/libmimalloc.so.3",
        ] {
            fs::create_dir_all(of(file).parent().unwrap()).unwrap();
            fs::write(of(file), "").unwrap();
        }
        let mimalloc = library(AllocatorChoice::Mimalloc).unwrap();
        assert_eq!(found(&mimalloc, &folders), Some(of("a/libmimalloc.so.2.1")));
        assert_eq!(found(&mimalloc, &folders[..1]), None);
    }

    #[test]
    fn what_is_preloaded_already_stays_and_arenas_are_a_variable() {
        let with = |choice, before: &[(&str, &str)]| {
            let pairs = before.iter().map(|(name, value)| (name.to_string(), Some(value.to_string())));
            let mut environment = pairs.collect();
            put(choice, &mut environment);
            environment
        };
        let set = |name: &str, value: &str| BTreeMap::from([(name.to_string(), Some(value.to_string()))]);
        assert_eq!(with(AllocatorChoice::Default, &[]), BTreeMap::new());
        assert_eq!(with(AllocatorChoice::Arenas(1), &[]), set(ARENAS, "1"));
        let file = file(AllocatorChoice::Jemalloc).expect("the setup of tests installs jemalloc");
        let both = format!("{}:/lib/mine.so", file.display());
        assert_eq!(with(AllocatorChoice::Jemalloc, &[(PRELOAD, "/lib/mine.so")]), set(PRELOAD, &both));
    }
}
