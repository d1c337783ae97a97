//! Finds the processes that a test has started, by the test's folder in their command lines.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::patience::Patience;

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

    /// The number of its parent.
    pub fn parent(&self) -> i32 {
        Stat::read(Path::new(&format!("/proc/{}/stat", self.pid))).map_or(0, |stat| stat.parent)
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

/// Whether a process has yet to take a signal that it was sent.
pub fn is_pending(pid: i32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let masks =
        status.lines().filter_map(|line| line.strip_prefix("SigPnd:").or(line.strip_prefix("ShdPnd:")));
    let mut masks = masks.map(|mask| u64::from_str_radix(mask.trim(), 16).unwrap());
    masks.any(|mask| mask & 1 << (signal.as_raw() - 1) != 0)
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

/// Waits until no process mentions the folder any more; false when some go on or stand still instead of ending.
pub fn tree_is_gone(folder: &Path) -> bool {
    let mut patience = Patience::to_be_gone(folder);
    while !mentioning(folder).is_empty() {
        if patience.is_over() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// What `/proc` says of a process or thread.
pub struct Stat {
    pub name: String,
    pub parent: i32,
    /// CPU time of its own.
    pub own: Duration,
    /// CPU time of the children that it has waited for.
    pub of_children: Duration,
}

impl Stat {
    /// Reads a file `stat`; `None` when what it is about has ended.
    pub fn read(path: &Path) -> Option<Stat> {
        let text = fs::read(path).ok()?;
        let text = String::from_utf8_lossy(&text);
        let (start, rest) = text.rsplit_once(") ")?;
        let fields: Vec<_> = rest.split(' ').collect();
        // Whatever the kernel's own clock, `/proc` counts in hundredths of a second.
        let time = |index: usize| Some(Duration::from_millis(10 * fields.get(index)?.parse::<u64>().ok()?));
        Some(Stat {
            name: start.split_once('(')?.1.to_string(),
            parent: fields.get(1)?.parse().ok()?,
            own: time(11)? + time(12)?,
            of_children: time(13)? + time(14)?,
        })
    }
}

/// This process's children, their children and so on.
pub fn descendants() -> Vec<i32> {
    let parent = |pid: i32| Some(Stat::read(Path::new(&format!("/proc/{pid}/stat")))?.parent);
    let pids = fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let parents: Vec<_> = pids.filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = vec![std::process::id() as i32];
    let mut looked_at = 0;
    while let Some(&of) = found.get(looked_at) {
        found.extend(parents.iter().filter(|(_, parent)| *parent == of).map(|(pid, _)| *pid));
        looked_at += 1;
    }
    found.split_off(1)
}
