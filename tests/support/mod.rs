//! What the integration tests share: a folder of their own, memreel run in it for as long as it gets on,
//! the engines it starts, and what their exports hold.

// Each test file uses a part of it.
#![allow(dead_code, unused_imports)]

mod exported;
mod patience;
mod process;

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use memreel::store::{self, StoredJob, StoredResult};
use memreel_trace::Outcome;
use tempfile::TempDir;

pub use exported::{Code, Shown, black, bursts, frames, shot, shown};
pub use patience::{Limits, Patience};
pub use process::{Process, Stat, descendants, engines, is_pending, mentioning, send, tree_is_gone};

/// A folder of a test's own. When it goes, nothing that was started in it may still run.
pub struct Bench {
    folder: TempDir,
}

/// What a run of memreel said, and how it ended.
pub struct Ran {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

/// A memreel that runs; killed when it is forgotten.
pub struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
    patience: Patience,
}

impl Bench {
    pub fn new() -> Bench {
        Bench { folder: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes `NAME.toml`; version and question are put before the text.
    pub fn scenario(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(format!("{name}.toml"));
        fs::write(&path, format!("version = 1\nquestion = \"Does {name} hold?\"\n{text}")).unwrap();
        path
    }

    /// memreel, to be run in this folder.
    pub fn memreel<S: AsRef<str>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_memreel"));
        command.args(arguments.iter().map(AsRef::as_ref));
        self.settle(&mut command);
        command
    }

    /// The same with an exporter that comes to `export`, a script for the shell, when it is to export a timeline:
    /// `$real` is the exporter, `$2` the file to be written.
    pub fn memreel_with_exporter<S: AsRef<str>>(&self, export: &str, arguments: &[S]) -> Command {
        let companions = self.path().join("companions");
        fs::create_dir(&companions).unwrap();
        // Its companions are looked for beside the program itself, wherever a link to it lies.
        let memreel = companions.join("memreel");
        fs::hard_link(env!("CARGO_BIN_EXE_memreel"), &memreel).unwrap();
        let real = exporter();
        symlink(real.with_file_name("memreel-launch"), companions.join("memreel-launch")).unwrap();
        let script = format!(
            "#!/bin/sh\nreal='{}'\ncase \"$1\" in *.otio) {export};; esac\nexec \"$real\" \"$@\"\n",
            real.display()
        );
        let stand_in = companions.join("memreel-export");
        fs::write(&stand_in, script).unwrap();
        fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new(memreel);
        command.args(arguments.iter().map(AsRef::as_ref));
        self.settle(&mut command);
        command
    }

    /// Has a command run in this folder, with the tests' media, and as if no CI of GitHub's ran the tests.
    pub fn settle(&self, command: &mut Command) {
        command.current_dir(self.path()).env("MEMREEL_MEDIA", media_folder()).stdin(Stdio::null());
        for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"] {
            command.env_remove(name);
        }
    }

    /// Runs memreel to its end.
    pub fn run<S: AsRef<str>>(&self, arguments: &[S]) -> Ran {
        self.start(arguments).wait()
    }

    /// Starts memreel.
    pub fn start<S: AsRef<str>>(&self, arguments: &[S]) -> Running {
        self.start_command(self.memreel(arguments))
    }

    /// Starts any command.
    pub fn start_command(&self, mut command: Command) -> Running {
        let number = fs::read_dir(self.path()).unwrap().count();
        let file = |kind: &str| self.path().join(format!("{number}.{kind}"));
        let (out, err) = (file("out"), file("err"));
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        Running { child: command.spawn().unwrap(), out, err, patience: Patience::with_files(self.path()) }
    }

    /// Runs a scenario, expecting that all of it can be done; returns what is on disk then.
    ///
    /// On a busy machine melt 7.12 with `real_time=0` now and then ends its consumer's thread before the
    /// first frame of an export and waits for it for ever (6 of 285 runs of 80 frames with three at a time on 2 CPUs;
    /// none of as many with `real_time=-2`). Such a run says nothing of memreel, and is made again.
    pub fn result_of(&self, name: &str, text: &str, more: &[&str]) -> StoredResult {
        self.scenario(name, text);
        self.result_of_file(name, &[&["--keep-exports"], more].concat())
    }

    /// So many generated sources of five seconds, whose sound bursts at each whole second.
    pub fn sources(&self, count: usize) -> Vec<PathBuf> {
        let text = format!(
            "sources.shot.generate = {{ count = {count}, seconds = 5, size = '320x180' }}
             timeline.tracks = [{{ children = [{{ clip = 'shot', duration = '5f' }}] }}]
             export.preset = 'ultrafast'
             matrix.engine = 'ffmpeg'
             matrix.threading = 'single'"
        );
        let result = self.result_of("sources", &text, &[]);
        result.jobs[0].record.media.iter().map(|media| media.path.clone()).collect()
    }

    /// The result of the scenario in `NAME.toml`, exports not kept.
    pub fn result_of_file(&self, name: &str, more: &[&str]) -> StoredResult {
        let file = format!("{name}.toml");
        self.result_of_command(name, &[&["run", &file, "--stall-limit", "15"], more].concat())
    }

    /// The same of any command that runs a scenario of this name.
    pub fn result_of_command<S: AsRef<str>>(&self, name: &str, arguments: &[S]) -> StoredResult {
        let mut ran = self.run(arguments);
        for _ in 0..2 {
            if ran.status.code() == Some(4) && only_melt_did_not_begin(&self.latest(name)) {
                ran = self.run(arguments);
            }
        }
        ran.expect(0);
        self.latest(name)
    }

    /// The newest result of a scenario.
    pub fn latest(&self, name: &str) -> StoredResult {
        store::open_result(&self.latest_folder(name)).unwrap()
    }

    pub fn latest_folder(&self, name: &str) -> PathBuf {
        self.path().join("reports").join(name).join("latest")
    }

    /// The engines that run now for this bench.
    pub fn engines(&self) -> Vec<Process> {
        engines(self.path())
    }

    /// Waits for an engine whose command line mentions a word.
    pub fn engine_with(&self, word: &str) -> Process {
        until("an engine runs", || {
            self.engines().into_iter().find(|engine| engine.command.iter().any(|part| part.contains(word)))
        })
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if !tree_is_gone(self.path()) {
            let left = mentioning(self.path());
            left.iter().for_each(Process::kill);
            assert!(std::thread::panicking(), "processes were left behind: {left:?}");
        }
    }
}

impl Running {
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        process::send(self.pid(), signal);
    }

    /// Whether it has come to its end.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the end for as long as it gets on.
    pub fn wait(mut self) -> Ran {
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Ran { status, out: self.out(), err: self.err() };
            }
            if self.patience.is_over() {
                panic!("memreel does not get on; it said\n{}{}", self.out(), self.err());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What it has written on standard error so far.
    pub fn err(&self) -> String {
        read(&self.err)
    }

    /// What it, or what it runs, has written on standard output so far.
    pub fn out(&self) -> String {
        read(&self.out)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}

impl Ran {
    /// Asserts the exit code.
    #[track_caller]
    pub fn expect(&self, code: i32) -> &Ran {
        assert_eq!(self.status.code(), Some(code), "{}\n{}\n{}", self.status, self.out, self.err);
        self
    }

    /// Asserts that the last line on standard error holds each of these words, and that memreel
    /// complained in that one line only.
    #[track_caller]
    pub fn complains(&self, words: &[&str]) -> &Ran {
        let complaints: Vec<_> = self.err.lines().filter(|line| line.starts_with("memreel: ")).collect();
        let [complaint] = complaints.as_slice() else { panic!("not one complaint: {}", self.err) };
        assert_eq!(self.err.lines().last(), Some(*complaint), "{}", self.err);
        for word in words {
            assert!(complaint.contains(word), "`{word}` is missing: {complaint}");
        }
        self
    }

    /// Asserts that standard output holds each of these words, also where a line ends between them.
    #[track_caller]
    pub fn says(&self, words: &[&str]) -> &Ran {
        let unwrapped = unwrapped(&self.out);
        for word in words {
            let is_said = self.out.contains(word) || unwrapped.contains(word);
            assert!(is_said, "`{word}` is missing:\n{}\n{}", self.out, self.err);
        }
        self
    }
}

/// A text on one line.
pub fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Two variants of an export of an instant.
pub const INSTANT: &str = "
sources.shot.generate = { seconds = 1, size = '64x64' }
timeline.tracks = [{ children = [{ clip = 'shot', duration = '5f' }] }]
export.preset = 'ultrafast'
export.audio = false
matrix.engine = 'ffmpeg'
matrix.threading = ['single', 'parallel:2']
";

/// A file or program that `scripts/peers.sh` installs.
pub fn peer(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers").join(name);
    assert!(path.exists(), "{} is missing: `make peers` installs it", path.display());
    path
}

/// The exporter; tests of real exports cannot do without.
pub fn exporter() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_memreel")).with_file_name("memreel-export");
    assert!(path.is_file(), "{} is missing: `cargo build --workspace` makes it", path.display());
    path
}

/// The tests' generated media: made once, and made anew when the exporter is.
pub fn media_folder() -> PathBuf {
    let built = fs::metadata(exporter()).unwrap().modified().unwrap();
    let stamp = built.duration_since(UNIX_EPOCH).unwrap().as_nanos();
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("media-{stamp:x}"))
}

/// The job of a variant, by the values of varied axes that tell it from the others.
#[track_caller]
pub fn job<'a>(result: &'a StoredResult, values: &[&str]) -> &'a StoredJob {
    let varied = |axis: &String| result.index.varied.contains(axis);
    let has = |job: &StoredJob, value: &str, only_varied: bool| {
        let mut variant = job.record.variant.iter();
        variant.any(|(axis, other)| other == value && (varied(axis) || !only_varied))
    };
    // A word like `default` is a value of several axes: of those that are varied, where there is one.
    let is_varied = |value: &&str| result.jobs.iter().any(|job| has(job, value, true));
    let is_it = |job: &&StoredJob| values.iter().all(|value| has(job, value, is_varied(value)));
    let jobs: Vec<_> = result.jobs.iter().filter(is_it).collect();
    let [job] = jobs.as_slice() else { panic!("{} jobs with {values:?}", jobs.len()) };
    job
}

fn only_melt_did_not_begin(result: &StoredResult) -> bool {
    let begins = |job: &StoredJob, frame: u64| {
        frame == 0
            || job
                .record
                .context
                .exports
                .iter()
                .any(|&next| (next.saturating_sub(20)..=next).contains(&frame))
    };
    result.jobs.iter().filter(|job| !job.record.outcome.is_finished()).all(|job| match job.record.outcome {
        Outcome::Stalled { at_frame, .. } => job.record.engine.name != "ffmpeg" && begins(job, at_frame),
        _ => false,
    })
}

/// The file that a job exported.
pub fn export_of(result: &StoredResult, job: &StoredJob) -> PathBuf {
    let name = job.folder.file_name().unwrap().to_str().unwrap();
    let exports = fs::read_dir(result.folder.join("exports")).unwrap().map(|entry| entry.unwrap().path());
    let mut files = exports.filter(|path| path.file_stem().is_some_and(|stem| stem == name));
    files.next().unwrap_or_else(|| panic!("{name} exported no file"))
}

/// `summary.csv`: a map from column to cell for each row.
pub fn summary(folder: &Path) -> Vec<std::collections::HashMap<String, String>> {
    csv::Reader::from_path(folder.join("summary.csv"))
        .unwrap()
        .deserialize()
        .collect::<Result<_, _>>()
        .unwrap()
}

/// Asks again and again until there is an answer, or nothing that this process has started gets on.
#[track_caller]
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let mut patience = Patience::new();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(!patience.is_over(), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
