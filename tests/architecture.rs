//! The direction of imports: script → measure → judge → tell, as src/lib.rs says it.
//!
//! Plain text is searched, not a syntax tree: what stands between `crate::` and the next `::` is a
//! module that is imported; so is what follows the name of another package. Unit tests may import what they like.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which module may import which; one that is not listed may import none, and is told here.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    // What everybody may know.
    ("units", &[]),
    ("digest", &[]),
    ("timeline", &[]),
    ("mlt", &[]),
    ("rlvideo", &[]),
    ("project", &["mlt", "rlvideo"]),
    // What lies on disk between measuring and judging.
    ("trace", &[]),
    ("verdict", &[]),
    ("store", &["trace", "units"]),
    // Script: scenario → plan, pure but for reading the file.
    ("scenario", &["budget", "digest", "mlt", "project", "rlvideo", "timeline", "trace", "units"]),
    ("plan", &["digest", "mlt", "project", "scenario", "timeline", "trace", "units"]),
    // Measure.
    ("proc", &[]),
    ("progress", &[]),
    ("sampler", &["proc"]),
    ("writer", &["sampler"]),
    ("launcher", &[]),
    ("launch", &[]),
    ("machine", &["proc", "sampler"]),
    ("group", &["proc"]),
    ("death", &["group", "machine"]),
    ("supervise", &["death", "group", "launch", "proc", "progress", "sampler", "writer"]),
    ("record", &["death", "launch", "machine", "proc", "progress", "sampler", "writer"]),
    (
        "engine",
        &[
            "digest",
            "launch",
            "mlt",
            "plan",
            "progress",
            "project",
            "rlvideo",
            "scenario",
            "supervise",
            "timeline",
            "trace",
            "units",
        ],
    ),
    ("media", &["digest", "launch", "plan", "project", "scenario", "store", "supervise", "trace", "units"]),
    (
        "execution",
        &[
            "digest",
            "engine",
            "group",
            "machine",
            "media",
            "plan",
            "sampler",
            "scenario",
            "store",
            "supervise",
            "timeline",
            "trace",
            "units",
        ],
    ),
    // Judge: from the trace alone. Numbers first, then what they mean.
    ("stats", &[]),
    ("constants", &[]),
    ("progress_clock", &["stats"]),
    ("course", &["constants", "progress_clock", "stats"]),
    ("terms", &["constants", "course"]),
    ("shape", &["constants", "course", "stats", "terms"]),
    ("division", &["constants", "course", "shape", "stats", "terms"]),
    ("exports", &["constants", "division", "shape", "stats"]),
    ("saw", &["constants", "course", "stats"]),
    ("steps", &["constants", "course", "stats"]),
    ("backlog", &["constants"]),
    ("peak", &["progress_clock"]),
    ("sen", &["stats"]),
    (
        "run",
        &[
            "backlog",
            "constants",
            "course",
            "division",
            "exports",
            "peak",
            "progress_clock",
            "saw",
            "shape",
            "stats",
            "steps",
            "terms",
        ],
    ),
    ("prediction", &["constants", "course", "run", "shape", "stats"]),
    ("jobs", &["constants", "course", "division", "run", "sen", "shape", "stats", "terms"]),
    ("analysis", &["course", "progress_clock", "run", "stats"]),
    ("budget", &[]),
    ("compare", &["analysis", "budget", "course", "run", "shape", "stats"]),
    ("check", &["budget", "compare", "run", "shape", "stats"]),
    ("baseline", &["budget", "trace"]),
    // A study: what to measure next, and what it came to.
    ("headroom", &["trace", "units"]),
    // Tell.
    (
        "report",
        &[
            "analysis", "baseline", "budget", "check", "compare", "headroom", "stats", "store", "trace",
            "units", "verdict",
        ],
    ),
    // Above both: a result against budgets and a baseline.
    ("result_check", &["baseline", "budget", "check", "report", "trace"]),
    // Likewise, of a function in place of an export.
    ("function", &["baseline", "budget", "check", "machine", "proc", "report", "trace", "units"]),
];

/// Packages of the workspace whose modules are in the table, beside memreel itself. What they may know of other
/// packages, their manifests say.
const IN_THE_TABLE: &[&str] = &["src", "record/src", "judge/src", "projects/src"];

/// How memreel names what it imports of other packages, and what stands for it in the table. The first that fits holds.
const PACKAGES: &[(&str, &str)] = &[
    ("memreel_judge::analysis", "crate::analysis"),
    ("memreel_judge::budget", "crate::budget"),
    ("memreel_judge::check", "crate::check"),
    ("memreel_judge::compare", "crate::compare"),
    ("memreel_judge::stats", "crate::stats"),
    ("memreel_judge", "crate::verdict"),
    ("memreel_projects::", "crate::"),
    ("memreel_record::", "crate::"),
    ("memreel_timeline", "crate::timeline"),
    ("memreel_trace::units", "crate::units"),
    ("memreel_trace", "crate::trace"),
];

/// What stands in the table for packages that have no sources there.
const STAND_INS: &[&str] = &["timeline", "trace", "units", "verdict"];

/// Above everything: may import all, and is imported by `main` and by what writes pages only.
const ABOVE: &[&str] = &["cli", "lib", "main", "schema"];

/// A source file: its top module, and its text without comments.
struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|ending| ending == "rs") {
            files.push(entry);
        }
    }
    files
}

fn read(path: PathBuf, root: &Path) -> Source {
    let inside = path.strip_prefix(root).unwrap();
    let module = Path::new(inside.iter().next().unwrap()).file_stem().unwrap().to_str().unwrap().to_string();
    let text = fs::read_to_string(&path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let code = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    let mut text = code.collect::<Vec<_>>().join("\n");
    if root == package().join("src") {
        text = PACKAGES.iter().fold(text, |text, (named, in_table)| text.replace(named, in_table));
    }
    Source { module, text, path }
}

/// The sources of the packages in the table.
fn sources() -> Vec<Source> {
    let sources = IN_THE_TABLE.iter().flat_map(|folder| other_sources(folder));
    let is_test = |source: &Source| source.path.ends_with("tests.rs") || source.path.ends_with("made_up.rs");
    let sources: Vec<_> = sources.filter(|source| source.module != "bin" && !is_test(source)).collect();
    assert!(sources.len() > 30, "the sources are not where they were");
    sources
}

/// The sources in a folder.
fn other_sources(folder: &str) -> Vec<Source> {
    let root = package().join(folder);
    rust_files(&root).into_iter().map(|path| read(path, &root)).collect()
}

/// The crate's modules that a text names: `crate::x::…`, `crate::{x::…, y}`, and `super::x` is not one.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        // `memreel_crate::` or `$crate::` would be something else.
        if text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
            continue;
        }
        match rest.strip_prefix('{') {
            Some(group) => found.extend(first_names(group)),
            None => found.extend(name_at(rest)),
        }
    }
    found
}

fn name_at(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// The first name of each path of a group, up to its closing brace.
fn first_names(group: &str) -> Vec<String> {
    let (mut depth, mut begins, mut names) = (0, true, Vec::new());
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            c if begins && !c.is_whitespace() => {
                names.extend(name_at(&group[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn imports_are_read_in_every_way_they_are_written() {
    let text = "use crate::trace::{self, Sample}; let x = crate::units::Bytes::ZERO;
        use crate::{plan, store::{self, StoreError}, sampler::Live}; use super::neighbour; my_crate::other();";
    let found: Vec<_> = imports(text).into_iter().collect();
    assert_eq!(found, ["plan", "sampler", "store", "trace", "units"]);
}

#[test]
fn every_module_has_its_place() {
    let known: BTreeSet<_> = MAY_IMPORT.iter().map(|(name, _)| *name).chain(ABOVE.iter().copied()).collect();
    let modules: BTreeSet<_> = sources().iter().map(|source| source.module.clone()).collect();
    let modules: BTreeSet<_> = modules.iter().map(String::as_str).chain(STAND_INS.iter().copied()).collect();
    assert_eq!(modules, known, "add new modules to the table, with what they may import");
}

#[test]
fn modules_import_what_their_place_allows() {
    let table: BTreeMap<_, _> = MAY_IMPORT.iter().copied().collect();
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !ABOVE.contains(&source.module.as_str())) {
        let allowed = table.get(source.module.as_str()).copied().unwrap_or_default();
        for import in imports(&source.text) {
            if import != source.module && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{} imports {import}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_table_allows_no_more_than_is_needed() {
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        used.entry(source.module).or_default().extend(imports(&source.text));
    }
    let idle = MAY_IMPORT.iter().flat_map(|(name, others)| others.iter().map(move |other| (*name, *other)));
    let idle: Vec<_> = idle.filter(|(name, other)| !used[*name].contains(*other)).collect();
    assert!(idle.is_empty(), "take these out: {idle:?}");
}

#[test]
fn the_table_allows_no_circle() {
    let mut left: BTreeMap<_, BTreeSet<_>> =
        MAY_IMPORT.iter().map(|(name, others)| (*name, others.iter().copied().collect())).collect();
    while let Some(free) = left.iter().find(|(_, others)| others.is_empty()).map(|(name, _)| *name) {
        left.remove(free);
        left.values_mut().for_each(|others| others.retain(|other| *other != free));
    }
    assert!(left.is_empty(), "these import each other: {left:?}");
}

#[test]
fn measuring_and_judging_never_meet() {
    let table: BTreeMap<_, _> = MAY_IMPORT.iter().copied().collect();
    let reaches = |from: &str| {
        let (mut open, mut seen) = (vec![from.to_string()], BTreeSet::new());
        while let Some(module) = open.pop() {
            open.extend(table[module.as_str()].iter().map(|name| name.to_string()));
            seen.insert(module);
        }
        seen
    };
    for judge in ["analysis", "compare", "stats", "verdict", "report"] {
        for script_or_measure in
            ["scenario", "plan", "timeline", "engine", "supervise", "sampler", "proc", "execution"]
        {
            assert!(!reaches(judge).contains(script_or_measure), "{judge} reaches {script_or_measure}");
            assert!(!reaches(script_or_measure).contains(judge), "{script_or_measure} reaches {judge}");
        }
    }
}

/// Asserts that a word stands in none of these sources but those that are excepted.
#[track_caller]
fn nowhere_but(what: &[&str], sources: &[Source], excepted: impl Fn(&Source) -> bool) {
    let has = |source: &&Source| what.iter().any(|word| has_word(&source.text, word));
    let wrong: Vec<_> =
        sources.iter().filter(|source| !excepted(source)).filter(has).map(|s| &s.path).collect();
    assert!(wrong.is_empty(), "{what:?} in {wrong:#?}");
    assert!(!sources.is_empty());
}

fn has_word(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(inside) && (!after.starts_with(inside) || word.ends_with(':'))
    })
}

#[test]
fn only_the_command_line_knows_clap() {
    nowhere_but(&["clap", "indicatif"], &sources(), |source| source.module == "cli");
}

#[test]
fn only_programs_need_clap_and_only_the_pages_what_writes_pages() {
    let folders = [".", "bounds", "trace", "record", "judge", "timeline", "projects", "exporter", "pages"];
    let needing = |name: &str| {
        let needs = |folder: &&&str| {
            let manifest = fs::read_to_string(package().join(folder).join("Cargo.toml")).unwrap();
            let own = manifest.split("\n[dependencies]\n").nth(1).unwrap();
            own.lines().any(|line| line.starts_with(name))
        };
        folders.iter().filter(needs).copied().collect::<Vec<_>>()
    };
    assert_eq!(needing("clap.workspace"), [".", "exporter", "pages"]);
    assert_eq!(needing("clap_"), ["pages"]);
    assert_eq!(needing("memreel-pages"), [""; 0], "a user would build it, too");
}

#[test]
fn only_the_command_line_prints_and_only_it_and_the_report_draw_tables() {
    let printing = ["println!", "print!", "eprintln!", "eprint!", "dbg!", "io::stdout", "io::stderr"];
    let is_above = |source: &Source| ABOVE.contains(&source.module.as_str()) || source.module == "launcher";
    // A report only asks whether standard output is a terminal, and how wide.
    let may_print = |source: &Source| is_above(source) || source.path.ends_with("report/terminal.rs");
    nowhere_but(&printing, &sources(), may_print);
    let drawing = ["plotters", "png"];
    nowhere_but(&drawing, &sources(), |source| matches!(source.module.as_str(), "report" | "cli"));
}

#[test]
fn only_the_exporter_knows_ffmpegs_libraries() {
    nowhere_but(&["ffmpeg_next", "ffmpeg_sys_next"], &sources(), |_| false);
    nowhere_but(&["ffmpeg_next", "ffmpeg_sys_next"], &other_sources("timeline/src"), |_| false);
    let manifest = |folder: &str| fs::read_to_string(package().join(folder).join("Cargo.toml")).unwrap();
    assert!(manifest("exporter").contains("ffmpeg-next"));
    assert!(!manifest(".").contains("ffmpeg-next") && !manifest("timeline").contains("ffmpeg-next"));
}

#[test]
fn only_the_launcher_the_exporter_and_two_kernel_calls_are_unsafe() {
    let is_the_rule = |source: &Source| source.text.matches("unsafe").count() == 0;
    // No crate that we use anyway has safe calls for what stands there.
    let in_harness = |source: &Source| {
        source.path.ends_with("sampler/kernel.rs") || source.module == "launcher" || is_the_rule(source)
    };
    nowhere_but(&["unsafe"], &sources(), in_harness);
    nowhere_but(&["unsafe"], &other_sources("timeline/src"), is_the_rule);
    assert!(sources().iter().any(|source| source.module == "launcher" && has_word(&source.text, "unsafe")));
}

#[test]
fn the_launcher_knows_libc_and_landlock_and_nothing_else() {
    let launcher = fs::read_to_string(package().join("record/src/launcher.rs")).unwrap();
    let used = launcher.lines().filter_map(|line| line.trim().strip_prefix("use "));
    for import in used {
        assert!(
            import.starts_with("std::") || import.starts_with("libc::") || import.starts_with("landlock::"),
            "use {import}"
        );
    }
    assert!(!launcher.contains("crate::") && !launcher.contains("memreel_"), "it would bring more along");
}

#[test]
fn the_same_files_are_judged_the_same_at_any_time_on_any_machine() {
    let outside = [
        "std::env",
        "env::",
        "std::time",
        "SystemTime",
        "Instant",
        "Timestamp",
        "Zoned",
        "rand",
        "HashMap",
        "HashSet",
        "std::process",
        "std::net",
        "std::thread",
        "available_parallelism",
        "std::fs",
        "fs::",
    ];
    nowhere_but(&outside, &other_sources("judge/src"), |_| false);
}

#[test]
fn only_main_and_the_launcher_exit() {
    let is_program = |source: &Source| matches!(source.module.as_str(), "main" | "launcher");
    nowhere_but(&["process::exit", "process::abort", "libc::exit"], &sources(), is_program);
    let exporter = other_sources("exporter/src");
    nowhere_but(&["process::exit", "process::abort"], &exporter, |source| source.module == "main");
}

#[test]
fn text_of_proc_is_parsed_without_opening_a_file() {
    let parsing: Vec<_> = sources().into_iter().filter(|source| source.module == "proc").collect();
    nowhere_but(&["std::fs", "fs::", "File", "std::io", "rustix"], &parsing, |_| false);
}

/// Every path that a text imports or names from its crate's root or its parent: `crate::a::b`, `super::c`.
fn paths(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for root in ["crate::", "super::"] {
        for (at, _) in text.match_indices(root) {
            let is_inside = text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            if !is_inside {
                let end = text[at..]
                    .find([';', '(', ')', '<', '>', '=', '!', '.'])
                    .map_or(text.len(), |to| at + to);
                found.extend(expanded(text[at..end].trim()));
            }
        }
    }
    found
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
fn expanded(tree: &str) -> Vec<Vec<String>> {
    let (path, group) = tree.split_once('{').map_or((tree, None), |(path, group)| (path, Some(group)));
    let steps: Vec<String> = path.split("::").map_while(|step| name_at(step.trim())).collect();
    let Some(group) = group else { return vec![steps] };
    let (mut depth, mut begin, mut branches) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                branches.push(&group[begin..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                branches.push(&group[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    let branches = branches.into_iter().map(str::trim).filter(|branch| !branch.is_empty());
    let whole = |branch: Vec<String>| [steps.clone(), branch].concat();
    branches.flat_map(expanded).map(whole).collect()
}

/// The module of a file: `sampler::tree`.
fn module_of(path: &Path, root: &Path) -> Vec<String> {
    let inside = path.strip_prefix(root).unwrap().with_extension("");
    inside.iter().map(|step| step.to_str().unwrap().to_string()).collect()
}

/// The folders of all packages' sources.
const PACKAGE_SOURCES: [&str; 8] = [
    "src",
    "bounds/src",
    "record/src",
    "judge/src",
    "projects/src",
    "trace/src",
    "timeline/src",
    "exporter/src",
];

#[test]
fn no_two_public_types_have_one_name() {
    let mut defined: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for source in PACKAGE_SOURCES.into_iter().flat_map(other_sources) {
        for line in source.text.lines() {
            let kinds = ["pub struct ", "pub enum ", "pub trait ", "pub type "];
            if let Some(name) = kinds.iter().find_map(|kind| name_at(line.strip_prefix(kind)?)) {
                defined.entry(name).or_default().push(source.path.clone());
            }
        }
    }
    assert!(defined.len() > 300, "types are not where they were");
    defined.retain(|_, places| places.len() > 1);
    assert!(defined.is_empty(), "{defined:#?}");
}

#[test]
fn trees_of_imports_are_expanded() {
    let text = "use crate::trace::{self, a::{B, C}}; fn f() { super::d::e() }";
    let found: Vec<_> = paths(text).iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["crate::trace::self", "crate::trace::a::B", "crate::trace::a::C", "super::d::e"]);
}

#[test]
fn no_two_files_import_each_other_also_not_around_a_corner() {
    for folder in PACKAGE_SOURCES {
        let root = package().join(folder);
        let is_test =
            |source: &Source| source.path.ends_with("tests.rs") || source.path.ends_with("made_up.rs");
        let sources: Vec<_> = other_sources(folder).into_iter().filter(|source| !is_test(source)).collect();
        let modules: BTreeSet<_> = sources.iter().map(|source| module_of(&source.path, &root)).collect();
        let imports_of = |source: &Source| {
            let own = module_of(&source.path, &root);
            let absolute = |path: Vec<String>| {
                let up = path.iter().take_while(|step| *step == "super").count();
                let base = if path[0] == "crate" { 0 } else { own.len().saturating_sub(up) };
                [&own[..base], &path[up.max(1)..]].concat()
            };
            let file = |path: Vec<String>| {
                (1..=path.len())
                    .rev()
                    .map(|length| path[..length].to_vec())
                    .find(|start| modules.contains(start))
            };
            let of = paths(&source.text).into_iter().map(absolute).filter_map(file);
            // What a file is a part of is known to it.
            let others: BTreeSet<_> = of.filter(|module| !own.starts_with(module)).collect();
            (own, others)
        };
        let mut left: BTreeMap<_, _> = sources.iter().map(imports_of).collect();
        while let Some(free) = left.iter().find(|(_, others)| others.is_empty()).map(|(own, _)| own.clone()) {
            left.remove(&free);
            left.values_mut().for_each(|others| others.retain(|other| *other != free));
            // What is no file of its own was imported by nobody.
            let known: BTreeSet<_> = left.keys().cloned().collect();
            left.values_mut().for_each(|others| others.retain(|other| known.contains(other)));
        }
        assert!(left.is_empty(), "files of {folder} import each other: {left:#?}");
    }
}

/// What stands in `docs/unsafe.md` of a file: the function of each block, and why it may be.
fn unsafe_blocks(text: &str) -> Vec<String> {
    let (mut function, mut listed, mut reason) = (String::new(), Vec::new(), None::<String>);
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.split_once("fn ").filter(|_| !line.starts_with("//")) {
            function = name_at(name.1).unwrap_or(function);
        }
        match (&mut reason, line.strip_prefix("// SAFETY: "), line.strip_prefix("// ")) {
            (_, Some(begin), _) => reason = Some(begin.to_string()),
            (Some(reason), None, Some(more)) => reason.extend([" ", more]),
            _ => listed.extend(reason.take().map(|reason| format!("- `{function}`: {reason}"))),
        }
    }
    listed
}

#[test]
fn every_block_of_unsafe_code_is_listed_with_its_reason() {
    let mut page =
        "# Unsafe code\n\nEvery block, by file and function, with the reason that stands above it. `make \
                    reference` writes this page.\n"
            .to_string();
    for source in PACKAGE_SOURCES.into_iter().flat_map(other_sources) {
        // With its comments.
        let text = fs::read_to_string(&source.path).unwrap();
        let (blocks, written): (_, usize) = (
            unsafe_blocks(&text),
            ["unsafe {", "unsafe impl"].map(|word| text.matches(word).count()).iter().sum(),
        );
        assert_eq!(blocks.len(), written, "{}: blocks with a reason, and blocks", source.path.display());
        if !blocks.is_empty() {
            let path = source.path.strip_prefix(package()).unwrap().display();
            page.extend([format!("\n## {path}\n\n"), blocks.join("\n"), "\n".into()]);
        }
    }
    let file = package().join("docs/unsafe.md");
    if std::env::var_os("MEMREEL_WRITE_DOCS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    assert_eq!(fs::read_to_string(file).unwrap(), page, "`make reference` writes docs/unsafe.md");
}
