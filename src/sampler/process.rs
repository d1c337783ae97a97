//! One process's files under `/proc`, opened once.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::proc::{self, Io, Rollup, Stat, Statm, Status};
use crate::units::{Bytes, Count};

/// `status` is the longest; on a machine with very many CPUs its masks grow, but come after what we read.
const LONGEST: usize = 4096;

/// A process, by open files: they stay with it when its number is given to another one.
#[derive(Debug)]
pub struct OpenProcess {
    pub pid: i32,
    pub start_ticks: u64,
    folder: PathBuf,
    statm: File,
    stat: File,
    status: File,
    io: Option<File>,
    buffer: Box<[u8]>,
}

/// What is read of a process at every tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub statm: Statm,
    pub status: Status,
    pub io: Io,
    pub cpu_s: f64,
    pub threads: Count,
    pub minor_faults: Count,
    pub major_faults: Count,
}

impl OpenProcess {
    /// Opens the files; `None` when there is no such process (any more).
    pub fn open(proc_root: &Path, pid: i32) -> Option<OpenProcess> {
        let folder = proc_root.join(pid.to_string());
        let open = |name: &str| File::open(folder.join(name)).ok();
        let mut process = OpenProcess {
            pid,
            start_ticks: 0,
            statm: open("statm")?,
            stat: open("stat")?,
            status: open("status")?,
            io: open("io"),
            folder,
            buffer: vec![0; LONGEST].into_boxed_slice(),
        };
        process.start_ticks = process.read_stat(|stat| stat.start_ticks)?;
        Some(process)
    }

    /// Reads everything that is cheap; `None` when the process has ended.
    pub fn read(&mut self) -> Option<Reading> {
        let reading = self.read_stat(|stat| {
            (!stat.has_ended()).then_some((
                stat.cpu_ticks,
                stat.threads,
                stat.minor_faults,
                stat.major_faults,
            ))
        });
        let (cpu_ticks, threads, minor_faults, major_faults) = reading??;
        let page = rustix::param::page_size() as u64;
        // A process that is ending has no memory any more a moment before it is a zombie.
        let statm = proc::statm(pread(&self.statm, &mut self.buffer)?, page)
            .filter(|statm| statm.virtual_bytes > Bytes::ZERO)?;
        let status = proc::status(pread(&self.status, &mut self.buffer)?);
        let io =
            self.io.as_ref().and_then(|file| pread(file, &mut self.buffer)).map(proc::io).unwrap_or_default();
        let cpu_s = cpu_ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
        Some(Reading { statm, status, io, cpu_s, threads, minor_faults, major_faults })
    }

    /// Its name as the kernel shows it; it changes when the process executes another program.
    pub fn name(&mut self) -> Option<String> {
        self.read_stat(|stat| String::from_utf8_lossy(stat.name).into_owned())
    }

    /// Walks its memory map. Opened anew each time: the file belongs to the program that ran when it
    /// was opened, and would be empty after the process executes another one.
    pub fn read_rollup(&mut self) -> Option<Rollup> {
        let file = File::open(self.folder.join("smaps_rollup")).ok()?;
        Some(proc::rollup(pread(&file, &mut self.buffer)?))
    }

    /// How many descriptors it has open; since Linux 6.2 that is the size of the folder.
    pub fn descriptors(&self) -> Option<Count> {
        let folder = self.folder.join("fd");
        let size = std::fs::metadata(&folder).ok()?.size();
        if size > 0 {
            return Some(Count::new(size));
        }
        Some(Count::new(std::fs::read_dir(&folder).ok()?.count() as u64))
    }

    /// Its threads: number, name, CPU time in seconds.
    pub fn threads(&mut self) -> Vec<(i32, String, f64)> {
        self.each_thread(|folder, tid, buffer| {
            let name = std::fs::read_to_string(folder.join("comm")).ok()?;
            Some((tid, name.trim_end().to_string(), thread_cpu_s(folder, buffer)?))
        })
    }

    /// The processes it started and that are its children now.
    pub fn children(&mut self) -> Vec<i32> {
        let children = self.each_thread(|folder, _, buffer| {
            let file = File::open(folder.join("children")).ok()?;
            Some(proc::children(pread(&file, buffer)?).collect::<Vec<_>>())
        });
        children.into_iter().flatten().collect()
    }

    fn each_thread<T>(&mut self, mut read: impl FnMut(&Path, i32, &mut [u8]) -> Option<T>) -> Vec<T> {
        let Ok(threads) = std::fs::read_dir(self.folder.join("task")) else { return Vec::new() };
        threads
            .flatten()
            .filter_map(|entry| {
                let tid = entry.file_name().to_str()?.parse().ok()?;
                read(&entry.path(), tid, &mut self.buffer)
            })
            .collect()
    }

    fn read_stat<T>(&mut self, take: impl FnOnce(Stat<'_>) -> T) -> Option<T> {
        proc::stat(pread(&self.stat, &mut self.buffer)?).map(take)
    }
}

/// To the nanosecond where the kernel keeps scheduler statistics, else to the clock tick.
fn thread_cpu_s(folder: &Path, buffer: &mut [u8]) -> Option<f64> {
    let exact = File::open(folder.join("schedstat")).ok();
    if let Some(nanoseconds) = exact.and_then(|file| proc::schedstat(pread(&file, buffer)?)) {
        return Some(nanoseconds as f64 / 1e9);
    }
    let file = File::open(folder.join("stat")).ok()?;
    let ticks = proc::stat(pread(&file, buffer)?)?.cpu_ticks;
    Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

fn pread<'a>(file: &File, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    let length = rustix::io::pread(file, &mut *buffer, 0).ok()?;
    (length > 0).then(|| &buffer[..length])
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

    #[test]
    fn this_very_process_can_be_read() {
        let mut own = OpenProcess::open(Path::new("/proc"), std::process::id() as i32).unwrap();
        let reading = own.read().unwrap();
        assert!(reading.statm.resident > Bytes::from_kib(100));
        assert!(reading.status.anon.is_some());
        assert!(own.read_rollup().unwrap().pss.is_some());
        assert!(own.descriptors().unwrap() >= Count::new(3));
        assert!(own.threads().iter().any(|(tid, ..)| *tid == own.pid));
    }

    #[test]
    fn a_process_that_ended_reads_as_none_even_before_it_is_reaped() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mut open = OpenProcess::open(Path::new("/proc"), child.id() as i32).unwrap();
        assert!(open.read().is_some());
        child.kill().unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(5);
        while open.read().is_some() {
            assert!(std::time::Instant::now() < deadline, "still read as alive");
        }
        child.wait().unwrap();
        assert!(open.read().is_none());
    }
}
