//! The pages and completions that are written, as `man` and the shells read them.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

fn pages() -> TempDir {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_memreel-pages")).arg(folder.path()).status().unwrap();
    assert!(status.success());
    folder
}

/// The names of the files in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Asserts that a program, where it is installed, takes a file without complaint; returns what it wrote.
#[track_caller]
fn taken_by(program: &str, options: &[&str], file: &Path) -> Option<String> {
    let mut command = Command::new(program);
    let Ok(output) = command.args(options).arg(file).env("MANWIDTH", "80").output() else {
        eprintln!("{program} is not installed: {} not checked", file.display());
        return None;
    };
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{program} {}: {complaints}", file.display());
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn each_command_has_a_page_that_man_renders() {
    let pages = pages();
    let folder = pages.path().join("man/man1");
    let names = names(&folder);
    let commands = memreel::cli::command();
    for command in commands.get_subcommands().map(|command| command.get_name()) {
        assert!(names.contains(&format!("memreel-{command}.1")), "{command}: {names:?}");
    }
    for page in ["memreel.1", "memreel-export.1", "memreel-export-make-source.1", "memreel-baseline-save.1"] {
        assert!(names.iter().any(|name| name == page), "{page}: {names:?}");
    }
    let mut rendered = 0;
    for name in &names {
        let shown = taken_by("man", &["--warnings", "-l"], &folder.join(name));
        rendered += usize::from(shown.is_some_and(|text| text.contains("SYNOPSIS")));
    }
    assert!(rendered == 0 || rendered == names.len(), "{rendered} of {}", names.len());
}

#[test]
fn pages_hold_no_hidden_option_and_no_commit() {
    let pages = pages();
    let page = |name: &str| fs::read_to_string(pages.path().join("man/man1").join(name)).unwrap();
    let run = page("memreel-run.1");
    assert!(run.contains("\\-\\-threading") && run.contains("\\-\\-baseline"), "{run}");
    let export = page("memreel-export.1");
    assert!(export.contains("\\-\\-discard") && !export.contains("\\-\\-fault"), "{export}");
    let title = format!(".TH memreel 1 \" \" \"memreel {}\" \"memreel manual\"", env!("CARGO_PKG_VERSION"));
    let program = page("memreel.1");
    assert!(program.contains(&title) && program.contains("Exit codes"), "{program}");
    // Of the commit only what the option says: the pages of a release are the same wherever they are made.
    assert_eq!(program.matches("commit").count(), 1, "{program}");
}

#[test]
fn the_reference_of_the_command_line_is_that_of_the_program() {
    let pages = pages();
    let made = fs::read_to_string(pages.path().join("doc/memreel/docs/cli.md")).unwrap();
    let kept = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md")).unwrap();
    assert!(made == kept, "docs/cli.md differs from the program: run `make reference`");
}

#[test]
fn the_json_schemas_are_those_of_the_program() {
    let pages = pages();
    let made = pages.path().join("doc/memreel/docs/schema");
    let kept = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/schema"));
    assert_eq!(names(&made), names(kept), "the files of docs/schema differ: run `make reference`");
    for name in names(&made) {
        let read = |folder: &Path| fs::read_to_string(folder.join(&name)).unwrap();
        let is_same = read(&made) == read(kept);
        assert!(is_same, "docs/schema/{name} differs from the program: run `make reference`");
    }
}

#[test]
fn pages_are_the_same_every_time() {
    let (first, second) = (pages(), pages());
    let folder = "man/man1";
    for name in names(&first.path().join(folder)) {
        let read = |pages: &TempDir| fs::read(pages.path().join(folder).join(&name)).unwrap();
        assert_eq!(read(&first), read(&second), "{name}");
    }
}

#[test]
fn shells_take_their_completions() {
    let pages = pages();
    for program in ["memreel", "memreel-export"] {
        let file = |name: String| pages.path().join(name);
        taken_by("bash", &["-n"], &file(format!("bash-completion/completions/{program}"))).unwrap();
        taken_by("zsh", &["-n"], &file(format!("zsh/vendor-completions/_{program}")));
        taken_by("fish", &["-n"], &file(format!("fish/vendor_completions.d/{program}.fish")));
    }
}

#[test]
fn bash_completes_a_command_and_an_option() {
    let pages = pages();
    let script = "source $0/bash-completion/completions/memreel; \
                  complete_at() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); \
                  _memreel memreel \"${@: -1}\" \"${@: -2:1}\"; echo \"${COMPREPLY[@]}\"; }; \
                  complete_at memreel sc; complete_at memreel run --thread";
    let output = Command::new("bash").args(["-c", script]).arg(pages.path()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "scenarios\n--threading\n");
}
