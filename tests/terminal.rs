//! What memreel shows in a real terminal, narrow and wide: nothing is longer than a line of it.

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use support::*;
use tempfile::TempDir;

/// Two exports, and files that are made in two rounds where there are two processors.
const SMALL: &str = "
sources.shot.generate = { count = 3, seconds = 2, size = '640x360' }
timeline.tracks = [{ children = [{ clip = 'shot', duration = 2 }] }]
export.preset = 'ultrafast'
export.size = '320x180'
matrix.threading = ['single', 'parallel']
";

/// An export that lasts longer than a second on any machine, and takes no more CPU time for it.
const SLOW: &str = "\"$real\" \"$@\" & sleep 0.3; kill -STOP $!; sleep 1; kill -CONT $!; wait $!; exit $?";

/// A terminal of tmux's own; it ends with its server.
struct Terminal {
    server: String,
    /// Of its socket, whose path has to be short.
    folder: TempDir,
}

impl Terminal {
    /// A terminal of so many columns, in which the shell reads this script.
    fn open(bench: &Bench, width: usize, script: &str) -> Terminal {
        let server = format!("memreel-test-{}-{width}", std::process::id());
        let terminal = Terminal { server, folder: tempfile::tempdir().unwrap() };
        let mut tmux = terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-y", "50"]);
        bench.settle(&mut tmux);
        tmux.args(["-x", &width.to_string(), script]).env_remove("NO_COLOR");
        tmux.env("MEMREEL_MEDIA", bench.path().join(format!("media-{width}")));
        assert!(tmux.status().expect("tmux is missing: `scripts/setup.sh --tests` installs it").success());
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.env("TMUX_TMPDIR", self.folder.path()).args(["-L", &self.server]).args(arguments);
        tmux
    }

    /// All that was shown and is not overwritten; a line that the terminal has wrapped is one.
    fn lines(&self) -> Vec<String> {
        let captured = self.tmux(&["capture-pane", "-p", "-J", "-S", "-"]).output().unwrap();
        String::from_utf8(captured.stdout).unwrap().lines().map(|line| line.trim_end().to_string()).collect()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]).status();
    }
}

/// A path, or a command that is to be pasted, is never broken.
fn is_whole(line: &str) -> bool {
    line.trim_start().starts_with('/') || line.starts_with("To decide")
}

#[track_caller]
fn assert_fit(lines: &[String], width: usize) {
    let is_long = |line: &&String| line.chars().count() > width && !is_whole(line);
    let long: Vec<_> = lines.iter().filter(is_long).collect();
    assert!(long.is_empty(), "longer than {width}: {long:#?} in\n{}", lines.join("\n"));
}

/// Looks at a terminal until a file is there; returns all that was seen of lines that begin so.
fn watch(terminal: &Terminal, width: usize, until_there: &Path, beginnings: &[&str]) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    until("memreel has run in a terminal", || {
        let is_over = until_there.exists();
        let lines = terminal.lines();
        assert_fit(&lines, width);
        let begins = |line: &&String| beginnings.iter().any(|beginning| line.starts_with(beginning));
        seen.extend(lines.iter().filter(begins).cloned());
        std::thread::sleep(Duration::from_millis(50));
        is_over.then_some(())
    });
    seen
}

/// Runs memreel in a terminal of so many columns, and all that prints a table or long lines of what it measured.
fn check_in_terminal(bench: &Bench, memreel: &str, width: usize) {
    let over = bench.path().join(format!("over-{width}"));
    let (reports, result) = (format!("reports-{width}"), format!("reports-{width}/small/latest"));
    let script = format!(
        "m='{memreel}'; $m run small.toml --reports {reports}; echo \"ended with $?\"; $m summary {result}/jobs/*; \
         $m check {result} --baseline {result}; $m baseline show {result}; $m plan small.toml; $m scenarios; \
         touch '{}'; sleep 1000",
        over.display()
    );
    let terminal = Terminal::open(bench, width, &script);
    let seen = watch(&terminal, width, &over, &["making media ", "[1/2] ", "[2/2] "]);
    let some = |words: &[&str]| seen.iter().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(some(&["making media 1/3: shot.1"]), "{seen:#?}");
    assert!(some(&["[1/2] ", " · r", "/150", " MiB"]), "{seen:#?}");
    // The first one has taken a second: so there is a basis.
    assert!(some(&["[2/2] ", " · r", "/150", " MiB", ", < 1 min left"]), "{seen:#?}");
    let lines = terminal.lines();
    assert!(lines.contains(&"ended with 0".to_string()), "{lines:#?}");
    // The progress line is gone at the end.
    assert!(!lines.iter().any(|line| line.contains("min left")), "{lines:#?}");
    let text = lines.join(" ");
    for word in [
        "peak",
        "swap",
        "warm",
        "threads",
        "wall",
        "CPU",
        "late",
        "outcome",
        "level",
        "detectable",
        "repeats",
    ] {
        assert!(text.contains(word), "{word} is missing at {width}:\n{}", lines.join("\n"));
    }
}

#[test]
fn nothing_is_longer_than_the_terminal_and_the_progress_line_has_its_parts() {
    let bench = Bench::new();
    bench.scenario("small", SMALL);
    let memreel = bench.memreel_with_exporter(SLOW, &["run"]);
    let memreel = memreel.get_program().to_str().unwrap();
    std::thread::scope(|scope| {
        for width in [60, 80, 120] {
            let bench = &bench;
            scope.spawn(move || check_in_terminal(bench, memreel, width));
        }
    });
}
