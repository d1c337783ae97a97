//! What is kept of an engine that crashed or stood still: `evidence.txt` in the job's folder.

use std::fmt::Write;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Launch;
use crate::launch::{self, NoReply};
use crate::proc;
use crate::sampler::Instant;
use memreel_trace::units::Count;
use memreel_trace::{EVIDENCE, Outcome};

/// The longest that gdb may take.
const DEBUGGER_WITHIN: Duration = Duration::from_secs(20);

/// Of what the engine wrote so many lines, out of so many bytes.
const LAST_LINES: usize = 30;
const LAST_BYTES: u64 = 16 << 10;

/// The most threads that are listed.
const MOST_THREADS: usize = 1000;

/// What gdb is told to ask for nothing, load nothing that lies beside the program, and fetch nothing.
const DEBUGGER: [&str; 11] = [
    "gdb",
    "-nx",
    "-batch",
    "-iex",
    "set auto-load off",
    "-iex",
    "set debuginfod enabled off",
    "-iex",
    "set confirm off",
    "-ex",
    "thread apply all backtrace",
];

/// What is collected of a job for the case that it fails.
#[derive(Debug)]
pub struct DeathEvidence {
    text: String,
    began: SystemTime,
}

impl DeathEvidence {
    /// From now on.
    pub fn from_now() -> DeathEvidence {
        DeathEvidence { text: String::new(), began: SystemTime::now() }
    }

    /// Of an engine that stands still, before it is ended: what its threads do, and where, if gdb can tell.
    pub fn of_living(&mut self, guardian: i32, engine: i32, launch: &Launch, with_debugger: bool) {
        self.text.push_str(&thread_states(guardian));
        if with_debugger {
            let stacks = debugger(launch, &["-p".into(), engine.to_string()]);
            self.section("Stacks, by gdb", &stacks);
        }
    }

    /// Writes it, if the engine did not end by itself.
    pub fn write(mut self, outcome: &Outcome, frames: Option<Count>, launch: &Launch, folder: &Path) {
        let crashed = matches!(outcome, Outcome::Killed { .. });
        let ended =
            matches!(outcome, Outcome::OutOfMemory | Outcome::Stalled { .. } | Outcome::TimedOut { .. });
        if !crashed && !ended {
            return;
        }
        if crashed {
            let core = self.core(outcome, launch);
            self.section("Core file", &core);
        }
        let frame = frames.map_or_else(|| "none was counted".into(), |frames| frames.to_string());
        let lines = last_lines(&folder.join("engine.log"));
        let head = format!("{outcome}\nLast frame: {frame}\n\n# Last lines of its output\n{lines}\n");
        // The samples are what counts; a disk that is full is noticed there.
        let _ = fs::write(folder.join(EVIDENCE), head + &self.text);
    }

    fn section(&mut self, title: &str, text: &str) {
        let _ = write!(self.text, "\n# {title}\n{}\n", text.trim_end());
    }

    /// The stacks in the core file of a crash, or why there is none.
    fn core(&self, outcome: &Outcome, launch: &Launch) -> String {
        if matches!(outcome, Outcome::Killed { signal: 9 | 15 | 2 | 1, .. }) {
            return "none: this signal leaves none".into();
        }
        let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
        let pattern = pattern.trim();
        if let Some(program) = pattern.strip_prefix('|') {
            return format!("the kernel gives it to {program}; with systemd-coredump: coredumpctl debug");
        }
        match self.core_file(pattern) {
            Some(core) => {
                let path = core.display().to_string();
                format!("{path}\n{}", debugger(launch, &[launch.program(), path.clone()]))
            }
            None => format!(
                "none: the kernel writes it as {pattern} only where its size is not limited (ulimit -c unlimited)"
            ),
        }
    }

    /// The newest file that can be it.
    fn core_file(&self, pattern: &str) -> Option<PathBuf> {
        let pattern = std::path::absolute(pattern).ok()?;
        let stem = pattern.file_name()?.to_str()?.split('%').next()?.to_string();
        let entries = fs::read_dir(pattern.parent()?).ok()?.flatten();
        let written = |path: &PathBuf| fs::metadata(path).and_then(|meta| meta.modified()).ok();
        let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&stem));
        let cores = named.map(|entry| entry.path()).filter(|path| written(path) >= Some(self.began));
        cores.max_by_key(written)
    }
}

fn last_lines(log: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LAST_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(LAST_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

/// A line for each thread below the guardian: name, state, and where in the kernel it waits; then its stack there, where
/// that may be read.
fn thread_states(guardian: i32) -> String {
    let mut text = String::from("\n# Threads: process, thread, name, state, waits in\n");
    let mut open = children(guardian);
    let mut listed = 0;
    while let Some(pid) = open.pop() {
        open.extend(children(pid));
        for tid in threads(pid).into_iter().take(MOST_THREADS - listed) {
            text.push_str(&thread_state(pid, tid));
            listed += 1;
        }
    }
    text
}

fn thread_state(pid: i32, tid: i32) -> String {
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/task/{tid}/{file}")).unwrap_or_default();
    let status = read("status");
    let state = status.lines().find_map(|line| line.strip_prefix("State:")).unwrap_or("gone").trim();
    let waits = Some(read("wchan")).filter(|name| !["", "0"].contains(&name.trim()));
    let waits = waits.unwrap_or_else(|| "-".into());
    let stack: String = read("stack").lines().map(|line| format!("    {line}\n")).collect();
    format!("{pid} {tid} {} · {state} · {}\n{stack}", read("comm").trim(), waits.trim())
}

fn threads(pid: i32) -> Vec<i32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn children(pid: i32) -> Vec<i32> {
    let children = |tid| fs::read(format!("/proc/{pid}/task/{tid}/children")).unwrap_or_default();
    threads(pid).into_iter().flat_map(|tid| proc::children(&children(tid)).collect::<Vec<_>>()).collect()
}

/// What gdb says, or why it says nothing. It is guarded as an engine is: it never outlives us.
fn debugger(launch: &Launch, target: &[String]) -> String {
    let words = DEBUGGER.iter().map(ToString::to_string).chain(target.iter().cloned());
    let command: Vec<_> = words.map(Into::into).collect();
    let since = Instant::now();
    let in_time = || Instant::now().since(since) <= DEBUGGER_WITHIN;
    match launch::ask(&launch.launcher, &command, &[], None, in_time) {
        Ok(reply) if reply.output.trim().is_empty() && reply.errors.trim().is_empty() => {
            "gdb said nothing".into()
        }
        Ok(reply) => reply.output + &reply.errors,
        Err(NoReply::Ended) => format!("gdb took longer than {} s", DEBUGGER_WITHIN.as_secs()),
        Err(NoReply::NotStarted(error)) => format!("gdb is not installed or cannot be started ({error})"),
        Err(error) => format!("gdb could not be run: {error}"),
    }
}
