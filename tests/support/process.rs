//! Finds the processes that a test has started, by the test's folder in their command lines.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A process that runs.
#[derive(Debug, Clone)]
pub struct Process {
    pub pid: i32,
    pub command: Vec<String>,
}

impl Process {
    fn read(pid: i32) -> Option<Process> {
        let text = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let words = text.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        Some(Process { pid, command: words.collect() })
    }

    /// The file name of what it runs.
    pub fn program(&self) -> &str {
        self.command[0].rsplit('/').next().unwrap_or_default()
    }

    pub fn signal(&self, signal: Signal) {
        send(self.pid, signal);
    }

    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }
}

/// Sends a signal; a process that is gone already does not mind.
pub fn send(pid: i32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
}

/// Every process whose command line mentions this folder.
pub fn mentioning(folder: &Path) -> Vec<Process> {
    let folder = folder.to_str().unwrap();
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| Process::read(entry.file_name().to_str()?.parse().ok()?))
        .filter(|process| process.command.iter().any(|word| word.contains(folder)))
        .collect()
}

/// The engines among them.
pub fn engines(folder: &Path) -> Vec<Process> {
    let engines = mentioning(folder).into_iter();
    engines.filter(|process| matches!(process.program(), "memreel-export" | "melt")).collect()
}

/// Waits until no process mentions the folder any more; false when some still do after so long.
pub fn tree_is_gone(folder: &Path, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    while !mentioning(folder).is_empty() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}
