//! One process's files under `/proc`, opened once.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, openat, readlinkat, statat};
use rustix::io::Errno;

use super::read::{FILE, LONGEST, path, with_text};
use super::threads::OpenThreads;
use crate::proc::{self, Io, Rollup, Stat, Statm, Status};
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{self, Name};

/// Where the kernel shows its processes.
#[derive(Debug)]
pub struct ProcFolder {
    folder: OwnedFd,
    loads: Option<OwnedFd>,
    /// Whether a process was left out because no more files could be opened.
    pub(super) ran_out_of_files: Cell<bool>,
}

impl ProcFolder {
    /// Opens `/proc`.
    pub fn open() -> std::io::Result<ProcFolder> {
        let folder = openat(CWD, c"/proc", FOLDER, Mode::empty())?;
        check_it_is_ours(&folder)?;
        let loads = openat(&folder, c"loadavg", FILE, Mode::empty()).ok();
        Ok(ProcFolder { folder, loads, ran_out_of_files: Cell::new(false) })
    }

    /// The process number that was given out last; `None` where the machine does not say.
    pub fn last_pid(&self) -> Option<u64> {
        with_text(self.loads.as_ref()?, proc::last_pid).ok().flatten()
    }
}

/// Whether numbers of processes mean there what they mean to us.
fn check_it_is_ours(folder: &OwnedFd) -> std::io::Result<()> {
    let shown = readlinkat(folder, c"self", Vec::new())?;
    if shown.to_bytes() == std::process::id().to_string().as_bytes() {
        return Ok(());
    }
    Err(std::io::Error::other(
        "/proc shows the processes of another PID namespace; mount the one of this: `unshare --mount-proc`, or \
         `mount -t proc proc /proc`",
    ))
}

const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const LISTING: OFlags = FILE.union(OFlags::DIRECTORY);

/// A process, by open files: they stay with it, and say that it has ended, when its number is given to
/// another one. Everything is opened below one folder, so that no two files are of different processes.
#[derive(Debug)]
pub struct OpenProcess {
    pub pid: i32,
    pub start_ticks: u64,
    /// Its parent when it was opened.
    pub parent: i32,
    /// Whether it shared its parent's memory, or had a copy of it, when it was opened.
    pub was_fork_of_parent: bool,
    folder: OwnedFd,
    statm: OwnedFd,
    stat: OwnedFd,
    status: OwnedFd,
    io: Option<OwnedFd>,
    threads: OpenThreads,
    /// What this user may not read of it.
    pub denied: Denied,
}

/// What may not be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Denied {
    pub io: bool,
    pub rollup: bool,
    pub descriptors: bool,
}

/// What a process has done so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProcessWork {
    pub cpu_s: f64,
    pub threads: Count,
    pub io: Io,
    pub name: Name,
    /// With what those have done that it waited for.
    pub done: Done,
}

/// Counters of what was done so far, by a process and by all that it has waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    pub cpu_ticks: u64,
    pub minor_faults: u64,
    pub major_faults: u64,
    /// The kernel puts the input and output of those waited for into that of the process itself.
    pub io: [Option<u64>; 6],
}

impl Done {
    /// Nothing yet.
    pub const NOTHING: Done = Done { cpu_ticks: 0, minor_faults: 0, major_faults: 0, io: [Some(0); 6] };

    /// Combines each counter with its counterpart.
    pub fn with(self, other: Done, combine: impl Fn(u64, u64) -> u64) -> Done {
        let mut io = self.io;
        for (one, other) in io.iter_mut().zip(other.io) {
            *one = one.zip(other).map(|(one, other)| combine(one, other));
        }
        Done {
            cpu_ticks: combine(self.cpu_ticks, other.cpu_ticks),
            minor_faults: combine(self.minor_faults, other.minor_faults),
            major_faults: combine(self.major_faults, other.major_faults),
            io,
        }
    }
}

impl OpenProcess {
    /// Opens the files; `None` if the process has ended, or if no more files can be opened.
    pub fn open(proc: &ProcFolder, pid: i32) -> Option<OpenProcess> {
        let known = |opened: Result<OwnedFd, Errno>| {
            let is_full = matches!(opened, Err(Errno::MFILE | Errno::NFILE));
            proc.ran_out_of_files.set(proc.ran_out_of_files.get() || is_full);
            opened
        };
        let pid_folder = path(format_args!("{pid}"));
        let folder = known(openat(&proc.folder, pid_folder.as_str(), FOLDER, Mode::empty())).ok()?;
        let open = |name: &str| known(openat(&folder, name, FILE, Mode::empty()));
        let (statm, stat, status, io) =
            (open("statm").ok()?, open("stat").ok()?, open("status").ok()?, open("io"));
        let (start_ticks, parent, was_fork_of_parent) = with_text(&stat, |text| {
            proc::stat(text).map(|stat| (stat.start_ticks, stat.parent, stat.is_fork_of_parent()))
        })
        .ok()??;
        let denied = Denied { io: io.as_ref().is_err_and(|&error| is_denied(error)), ..Denied::default() };
        let io = io.ok();
        Some(OpenProcess {
            pid,
            start_ticks,
            parent,
            was_fork_of_parent,
            folder,
            statm,
            stat,
            status,
            io,
            threads: OpenThreads::default(),
            denied,
        })
    }

    /// Its memory; `None` when it has ended.
    pub fn memory(&self) -> Option<Statm> {
        let page = rustix::param::page_size() as u64;
        let statm = with_text(&self.statm, |text| proc::statm(text, page)).ok().flatten();
        // One that is ending has no memory any more a moment before it is a zombie.
        statm.filter(|statm| statm.virtual_bytes > Bytes::ZERO)
    }

    /// What it has done so far; `None` when it has ended.
    pub fn work(&mut self) -> Option<ProcessWork> {
        self.work_if(|stat| !stat.has_ended())
    }

    /// The same of one that has ended and was not waited for yet; `None` when it was.
    pub fn last_work(&mut self) -> Option<ProcessWork> {
        self.work_if(|_| true)
    }

    fn work_if(&mut self, wanted: impl Fn(&Stat<'_>) -> bool) -> Option<ProcessWork> {
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        let of = |stat: Stat<'_>| ProcessWork {
            cpu_s: stat.cpu_ticks as f64 / ticks,
            threads: stat.threads,
            io: Io::default(),
            name: memreel_trace::name(stat.name),
            done: Done {
                cpu_ticks: stat.cpu_ticks + stat.waited_cpu_ticks,
                minor_faults: (stat.minor_faults + stat.waited_minor_faults).get(),
                major_faults: (stat.major_faults + stat.waited_major_faults).get(),
                io: [None; 6],
            },
        };
        let read = |text: &[u8]| proc::stat(text).filter(&wanted).map(of);
        let mut work = with_text(&self.stat, read).ok().flatten()?;
        work.io = self.io();
        let Io { read, written, read_calls, write_calls, disk_read, disk_written } = work.io;
        let (bytes, calls) =
            (|bytes: Option<Bytes>| bytes.map(Bytes::get), |calls: Option<Count>| calls.map(Count::get));
        work.done.io = [
            bytes(read),
            bytes(written),
            calls(read_calls),
            calls(write_calls),
            bytes(disk_read),
            bytes(disk_written),
        ];
        Some(work)
    }

    fn io(&mut self) -> Io {
        match self.io.as_ref().map(|file| with_text(file, proc::io)) {
            Some(Ok(io)) => io,
            Some(Err(error)) => {
                self.denied.io |= is_denied(error);
                Io::default()
            }
            None => Io::default(),
        }
    }

    /// What memory it has by kind; nothing when it has ended.
    pub fn status(&self) -> Status {
        with_text(&self.status, proc::status).unwrap_or_default()
    }

    /// Walks its memory map. Opened anew each time: the file belongs to the program that ran when it
    /// was opened, and would be empty after the process executes another one.
    pub fn rollup(&mut self) -> Option<Rollup> {
        let rollup = openat(&self.folder, c"smaps_rollup", FILE, Mode::empty())
            .and_then(|file| with_text(&file, proc::rollup));
        self.denied.rollup |= rollup.as_ref().is_err_and(|&error| is_denied(error));
        rollup.ok()
    }

    /// How many descriptors it has open; since Linux 6.2 that is the size of the folder.
    pub fn descriptors(&mut self) -> Option<Count> {
        let size = statat(&self.folder, c"fd", AtFlags::empty()).ok()?.st_size;
        if size > 0 {
            return Some(Count::new(size as u64));
        }
        let mut count = 0;
        let listed = each_entry(&self.folder, "fd", |_| count += 1);
        self.denied.descriptors |= listed.is_err_and(is_denied);
        listed.ok().map(|()| Count::new(count))
    }

    /// Calls `take` with each of its threads: number, name, CPU time in seconds.
    pub fn each_thread(&mut self, mut take: impl FnMut(i32, Name, f64)) {
        let OpenProcess { folder, threads, .. } = self;
        let _ = each_entry(folder, "task", |tid| {
            if let Some((name, cpu_s)) = threads.read(folder, tid) {
                take(tid, name, cpu_s);
            }
        });
        threads.forget_those_not_read();
    }

    /// Calls `take` with each process that it started and that is its child now.
    pub fn each_child(&self, threads: Count, mut take: impl FnMut(i32)) {
        let mut of_thread = |tid: i32| {
            let file = path(format_args!("task/{tid}/children"));
            if let Ok(file) = openat(&self.folder, file.as_str(), FILE, Mode::empty()) {
                each_number(&file, &mut take);
            }
        };
        if threads <= Count::new(1) {
            of_thread(self.pid);
        } else {
            let _ = each_entry(&self.folder, "task", of_thread);
        }
    }
}

/// Calls `take` with each entry of a folder that is a number. Nothing is allocated.
fn each_entry(parent: &OwnedFd, folder: &str, mut take: impl FnMut(i32)) -> Result<(), Errno> {
    let folder = openat(parent, folder, LISTING, Mode::empty())?;
    let mut buffer = [MaybeUninit::uninit(); LONGEST];
    let mut listing = RawDir::new(folder, &mut buffer);
    while let Some(entry) = listing.next() {
        let name = entry?;
        if let Some(number) = name.file_name().to_str().ok().and_then(|name| name.parse().ok()) {
            take(number);
        }
    }
    Ok(())
}

/// Calls `take` with each number in a file, however long it is. The kernel writes whole numbers, each with
/// a space behind it, so that only the last of a piece can be cut.
fn each_number(file: &OwnedFd, mut take: impl FnMut(i32)) {
    let mut offset = 0;
    let mut buffer = [MaybeUninit::<u8>::uninit(); LONGEST];
    while let Ok((text, _)) = rustix::io::pread(file, &mut buffer[..], offset) {
        let Some(whole) = text.iter().rposition(|&byte| byte == b' ') else { return };
        proc::children(&text[..whole]).for_each(&mut take);
        offset += whole as u64 + 1;
    }
}

fn is_denied(error: Errno) -> bool {
    matches!(error, Errno::ACCESS | Errno::PERM)
}

/// Memory that this process has for itself (`smaps_rollup`).
pub fn own_private_bytes() -> Option<Bytes> {
    proc::rollup(&std::fs::read("/proc/self/smaps_rollup").ok()?).private
}

/// CPU time that this process has used, all threads together.
pub fn process_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(pid: u32) -> OpenProcess {
        OpenProcess::open(&ProcFolder::open().unwrap(), pid as i32).unwrap()
    }

    #[test]
    fn this_very_process_can_be_read() {
        let mut own = open(std::process::id());
        let memory = own.memory().unwrap();
        assert!(memory.resident > Bytes::from_kib(100) && memory.shared < memory.resident);
        assert!(own.status().anon.is_some() && own.status().high_water >= Some(Bytes::from_kib(100)));
        assert!(own.work().unwrap().io.disk_read.is_some());
        assert!(own.rollup().unwrap().pss.is_some());
        assert!(own.descriptors().unwrap() >= Count::new(3));
        assert_eq!(own.denied, Denied::default());
        let mut threads = Vec::new();
        own.each_thread(|tid, _, _| threads.push(tid));
        assert!(threads.contains(&own.pid));
    }

    #[test]
    fn a_process_that_ended_reads_as_none_even_before_it_is_reaped() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mut open = open(child.id());
        assert!(open.memory().is_some() && open.work().is_some());
        child.kill().unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(5);
        while open.memory().is_some() || open.work().is_some() {
            assert!(std::time::Instant::now() < deadline, "still read as alive");
        }
        child.wait().unwrap();
        assert!(open.memory().is_none() && open.work().is_none());
    }

    #[test]
    fn more_children_than_a_buffer_holds_are_all_found() {
        let count = 700;
        let mut children: Vec<_> =
            (0..count).map(|_| std::process::Command::new("sleep").arg("60").spawn().unwrap()).collect();
        let mut found = Vec::new();
        open(std::process::id()).each_child(Count::new(2), |pid| found.push(pid as u32));
        let missing = children.iter().filter(|child| !found.contains(&child.id())).count();
        children.iter_mut().for_each(|child| child.kill().unwrap());
        children.iter_mut().for_each(|child| assert!(!child.wait().unwrap().success()));
        assert_eq!(missing, 0, "of {count}");
    }
}
