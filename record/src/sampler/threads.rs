//! The threads of a process, by open files.

use std::os::fd::OwnedFd;

use rustix::fs::{Mode, openat};
use rustix::io::Errno;

use super::read::{FILE, path, with_text};
use crate::proc;
use memreel_trace::{self, Name};

/// Files that stay open for the threads of one process; what it has beyond is opened at each reading.
const MOST_OPEN: usize = 64;

/// A thread often takes its name only after it has begun.
const NAMED_AT_READINGS: u32 = 3;

/// The threads of a process that were read before.
#[derive(Debug, Default)]
pub struct OpenThreads {
    open: Vec<OpenThread>,
    /// How often all of them were read.
    readings: u32,
}

#[derive(Debug)]
struct OpenThread {
    tid: i32,
    name: Name,
    time: Option<Time>,
    seen: u32,
    last_reading: u32,
}

/// Where a thread's CPU time stands.
#[derive(Debug)]
enum Time {
    /// To the nanosecond, where the kernel keeps scheduler statistics.
    Schedstat(OwnedFd),
    /// To the clock tick.
    Stat(OwnedFd),
}

impl OpenThreads {
    /// Name and CPU time in seconds of a thread; `None` when it has ended.
    pub fn read(&mut self, process: &OwnedFd, tid: i32) -> Option<(Name, f64)> {
        let position = self.open.iter().position(|thread| thread.tid == tid);
        let Some(position) = position else {
            let mut thread = OpenThread::open(process, tid, self.readings)?;
            let cpu_s = thread.cpu_s()?;
            let name = thread.name;
            if self.open.len() < MOST_OPEN {
                self.open.push(thread);
            }
            return Some((name, cpu_s));
        };
        let thread = &mut self.open[position];
        thread.last_reading = self.readings;
        let Some(cpu_s) = thread.cpu_s() else {
            // Its number may be another thread's by now; the next reading opens that one.
            self.open.swap_remove(position);
            return None;
        };
        thread.seen = thread.seen.saturating_add(1);
        if thread.seen <= NAMED_AT_READINGS {
            thread.name = name(process, tid).unwrap_or(thread.name);
        }
        Some((thread.name, cpu_s))
    }

    /// Closes the files of threads that were not read since this was last called.
    pub fn forget_those_not_read(&mut self) {
        let now = self.readings;
        self.open.retain(|thread| thread.last_reading == now);
        self.readings = now.wrapping_add(1);
    }
}

impl OpenThread {
    fn open(process: &OwnedFd, tid: i32, reading: u32) -> Option<OpenThread> {
        let open = |file: &str| {
            openat(process, path(format_args!("task/{tid}/{file}")).as_str(), FILE, Mode::empty())
        };
        let time = open("schedstat").map(Time::Schedstat).or_else(|_| open("stat").map(Time::Stat));
        Some(OpenThread {
            tid,
            name: name(process, tid).ok()?,
            time: time.ok(),
            seen: 1,
            last_reading: reading,
        })
    }

    fn cpu_s(&mut self) -> Option<f64> {
        match self.time.as_ref()? {
            Time::Schedstat(file) => {
                with_text(file, proc::schedstat).ok().flatten().map(|nanoseconds| nanoseconds as f64 / 1e9)
            }
            Time::Stat(file) => {
                let ticks =
                    with_text(file, |text| proc::stat(text).map(|stat| stat.cpu_ticks)).ok().flatten()?;
                Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
            }
        }
    }
}

fn name(process: &OwnedFd, tid: i32) -> Result<Name, Errno> {
    let file = openat(process, path(format_args!("task/{tid}/comm")).as_str(), FILE, Mode::empty())?;
    with_text(&file, |text| memreel_trace::name(text.trim_ascii_end()))
}

#[cfg(test)]
mod tests {
    use super::super::process::{OpenProcess, ProcFolder};
    use std::sync::mpsc::channel;

    #[test]
    fn threads_come_and_go_and_change_their_names() {
        let mut own = OpenProcess::open(&ProcFolder::open().unwrap(), std::process::id() as i32).unwrap();
        let mut names = || {
            let mut found = Vec::new();
            own.each_thread(|_, name, _| found.push(name.to_string()));
            found
        };
        assert!(!names().contains(&"walks-in".to_string()));
        let (send, receive) = channel::<()>();
        let (ready, started) = channel();
        let thread = std::thread::Builder::new().name("walks-in".into());
        let thread = thread
            .spawn(move || {
                ready.send(()).unwrap();
                let _ = receive.recv();
            })
            .unwrap();
        started.recv().unwrap();
        assert!(names().contains(&"walks-in".to_string()) && names().contains(&"walks-in".to_string()));
        drop(send);
        thread.join().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while names().contains(&"walks-in".to_string()) {
            assert!(std::time::Instant::now() < deadline, "a thread that ended is still listed");
        }
    }

    #[test]
    fn a_thread_that_works_is_seen_to_take_time() {
        let mut own = OpenProcess::open(&ProcFolder::open().unwrap(), std::process::id() as i32).unwrap();
        let mut cpu = || {
            let mut all = 0.0;
            own.each_thread(|_, _, cpu_s| all += cpu_s);
            all
        };
        let before = cpu();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while cpu() - before < 0.005 {
            assert!(std::time::Instant::now() < deadline, "it works and its time stands still at {before}");
        }
    }
}
