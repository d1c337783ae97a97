//! Why a process was killed: for want of memory, for another reason, or nobody can tell.
//!
//! The kernel's count of such deaths (`/proc/vmstat`) is the machine's: it can rule them out, and says nothing of
//! whose they were. That is known from the process's own control group, or from the kernel's log.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::time::{Duration, Instant};

use crate::group::{Group, MemoryPlace};
use crate::machine;
use memreel_trace::Outcome;

/// The PID namespace of the machine itself (`PROC_PID_INIT_INO`): the kernel's log has its numbers.
const OUTERMOST_PIDS: u64 = 0xEFFF_FFFC;

/// The kernel writes its log just after it has killed.
const LOGGED_WITHIN: Duration = Duration::from_millis(500);

/// What a SIGKILL was sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// By the kernel, because memory ran out.
    OutOfMemory,
    /// By anybody else.
    Other,
    /// One of these.
    Unknown,
}

/// What there is to know later why a process was killed; made before it is started.
#[derive(Debug)]
pub struct Witnesses {
    /// Deaths of this kind on the whole machine.
    machine: Option<u64>,
    /// The group that the process is in, which others may be in, too.
    shared: Option<(MemoryPlace, u64)>,
    log: Option<KernelLog>,
}

impl Witnesses {
    /// From now on, of a process in the same control group as another one.
    pub fn from_now(pid: i32) -> Witnesses {
        let shared = MemoryPlace::of_process(pid).ok();
        Witnesses {
            machine: machine::oom_kills(),
            shared: shared.and_then(|place| Some((place.clone(), place.oom_kills()?))),
            log: KernelLog::from_now(),
        }
    }

    /// How a process ended that a signal ended, as [`cause`](Witnesses::cause) says.
    pub fn outcome(&mut self, signal: i32, pid: i32, own: Option<&Group>) -> Outcome {
        if signal != libc::SIGKILL {
            return Outcome::killed(signal);
        }
        match self.cause(pid, own) {
            Cause::OutOfMemory => Outcome::OutOfMemory,
            Cause::Other => Outcome::killed(signal),
            Cause::Unknown => Outcome::Killed { signal, perhaps_out_of_memory: true },
        }
    }

    /// Why a process was killed that was alone in a group, if in any.
    pub fn cause(&mut self, pid: i32, own: Option<&Group>) -> Cause {
        if let Some(kills) = own.and_then(Group::oom_kills) {
            return if kills > 0 { Cause::OutOfMemory } else { Cause::Other };
        }
        if self.machine.is_some() && machine::oom_kills() == self.machine {
            return Cause::Other;
        }
        let unchanged = |(place, before): &(MemoryPlace, u64)| place.oom_kills() == Some(*before);
        if own.is_none() && self.shared.as_ref().is_some_and(unchanged) {
            return Cause::Other;
        }
        match self.log.as_mut().map(|log| log.says_killed(pid)) {
            Some(Some(true)) => Cause::OutOfMemory,
            Some(Some(false)) => Cause::Other,
            _ => Cause::Unknown,
        }
    }
}

/// `/dev/kmsg` from a moment on.
#[derive(Debug)]
struct KernelLog {
    records: File,
    /// Whether the kernel has overwritten what was not read.
    lost: bool,
}

impl KernelLog {
    /// `None` where it cannot be read, or where numbers of processes are others there.
    fn from_now() -> Option<KernelLog> {
        if fs::metadata("/proc/self/ns/pid").ok()?.ino() != OUTERMOST_PIDS {
            return None;
        }
        let mut options = OpenOptions::new();
        let mut records = options.read(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg").ok()?;
        records.seek(SeekFrom::End(0)).ok()?;
        Some(KernelLog { records, lost: false })
    }

    /// Whether it says that the process was killed for want of memory; `None` when records were lost.
    fn says_killed(&mut self, pid: i32) -> Option<bool> {
        let since = Instant::now();
        while since.elapsed() < LOGGED_WITHIN {
            if self.any(|record| is_kill_of(record, pid)) {
                return Some(true);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        (!self.lost).then_some(false)
    }

    /// Whether any record that can be read now is like this. Each reading gives one.
    fn any(&mut self, is_it: impl Fn(&str) -> bool) -> bool {
        let mut record = [0; 8192];
        loop {
            match self.records.read(&mut record) {
                Ok(length) if is_it(&String::from_utf8_lossy(&record[..length])) => return true,
                Ok(1..) => {}
                Err(error) if error.raw_os_error() == Some(libc::EPIPE) => self.lost = true,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return false,
            }
        }
    }
}

/// Of a record like `3,1234,5678,-;Out of memory: Killed process 99 (melt) total-vm:…`. What programs write into the
/// log has another facility than the kernel's, which is 0.
fn is_kill_of(record: &str, pid: i32) -> bool {
    let Some((head, text)) = record.split_once(';') else { return false };
    let priority = head.split(',').next().and_then(|number| number.parse::<u32>().ok());
    let killed = text.split_once("Killed process ").and_then(|(_, rest)| rest.split([' ', ',']).next());
    priority.is_some_and(|priority| priority < 8)
        && text.to_ascii_lowercase().contains("out of memory")
        && killed.and_then(|number| number.parse().ok()) == Some(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_name_the_process_that_it_killed() {
        let host =
            "3,870,5031201,-;Out of memory: Killed process 3463 (melt) total-vm:118968kB, anon-rss:30336kB";
        let group = "3,870,5031201,-;Memory cgroup out of memory: Killed process 3463 (melt) total-vm:1kB";
        assert!(is_kill_of(host, 3463) && is_kill_of(group, 3463));
        assert!(!is_kill_of(host, 346) && !is_kill_of(group, 34631));
    }

    #[test]
    fn a_program_that_writes_into_the_kernels_log_accuses_nobody() {
        assert!(!is_kill_of("12,870,5031201,-;Out of memory: Killed process 3463 (melt)", 3463));
        assert!(!is_kill_of("6,870,5031201,-;oom_reaper: reaped process 3463 (melt)", 3463));
    }

    #[test]
    fn nobody_was_killed_for_want_of_memory_while_the_machine_counts_none() {
        let mut witnesses = Witnesses { machine: machine::oom_kills(), shared: None, log: None };
        assert_eq!(witnesses.cause(1, None), Cause::Other);
        witnesses.machine = None;
        assert_eq!(witnesses.cause(1, None), Cause::Unknown);
    }
}
