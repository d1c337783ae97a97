//! What is measured, what disturbs, and what is compared with.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use memreel_judge::stats;
use memreel_record::supervise::{self, EngineLimits, Launch, Measured, Stop};

use crate::MS;
use crate::support::companions;

/// A process that is ended when this goes.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    pub fn start(command: &mut Command) -> Running {
        Running(command.stdout(Stdio::null()).spawn().expect("it starts"))
    }

    pub fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

pub fn this_program() -> PathBuf {
    std::env::current_exe().expect("this program has a path")
}

/// A process with 80 MiB of its own that does nothing.
pub fn resident() -> Running {
    let running = Running::start(Command::new(this_program()).args(["--hold", "80"]));
    std::thread::sleep(300 * MS);
    running
}

pub fn hold(mib: usize) {
    let memory: Vec<u8> = (0..mib << 20).map(|index| index as u8).collect();
    std::thread::sleep(Duration::from_secs(std::hint::black_box(&memory).len() as u64));
}

pub fn busy_loop() -> Running {
    Running::start(Command::new("sh").args(["-c", "while :; do :; done"]))
}

pub fn memreel() -> String {
    let folder = companions().launcher().expect("memreel-launch is built: `make build`");
    folder.with_file_name("memreel").to_string_lossy().into_owned()
}

pub fn peer(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/bin").join(name);
    assert!(path.exists(), "{} is not there: `make peers`", path.display());
    path.to_string_lossy().into_owned()
}

/// Runs a command by itself, to know what it took with all that it started.
pub fn measured(command: &[&str], folder: &Path) -> Measured {
    let launch = Launch {
        launcher: companions().launcher().expect("memreel-launch is built: `make build`"),
        command: command.iter().map(Into::into).collect(),
        environment: Default::default(),
        preload: None,
        progress: None,
        limits: EngineLimits { wall: Some(Duration::from_secs(300)), stall: None, memory: None },
        groups: None,
        folder: None,
        interval: Duration::from_secs(3600),
        writable: None,
    };
    let folder = tempfile::tempdir_in(folder).expect("a folder");
    let measured =
        supervise::measure(&launch, folder.path(), &Stop::default(), &Arc::default()).expect("measured");
    if !measured.outcome.is_finished() {
        let log = std::fs::read_to_string(folder.path().join("engine.log")).unwrap_or_default();
        panic!("{command:?}: {}\n{log}", measured.outcome);
    }
    measured
}

pub fn median(values: &[f64]) -> f64 {
    stats::median(values).unwrap_or(f64::NAN)
}

pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// Lines of a file that begin like this.
pub fn lines(path: &Path, beginning: &str) -> usize {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter(|line| line.starts_with(beginning)).count()
}
