//! The text of `/proc` as numbers.
//!
//! Parsing takes bytes and opens no file, allocates nothing, and gives `None` for what a kernel
//! does not say. The formats are those of proc(5).

mod kernel;

pub use kernel::{KernelRelease, counter_error};

use memchr::{memchr, memrchr};

use memreel_trace::units::{Bytes, Count, whole as number};

/// Of `/proc/PID/statm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statm {
    /// Address space.
    pub virtual_bytes: Bytes,
    /// Resident set size.
    pub resident: Bytes,
    /// The part of it that is pages of files and shared memory; the rest is anonymous.
    pub shared: Bytes,
}

/// Of `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stat<'a> {
    /// The name, at most 15 bytes.
    pub name: &'a [u8],
    /// `R`, `S`, `D`, `Z` …
    pub state: u8,
    /// Process number of its parent.
    pub parent: i32,
    /// The kernel's `PF_…` flags.
    pub flags: u64,
    /// Page faults without I/O.
    pub minor_faults: Count,
    /// Page faults with I/O.
    pub major_faults: Count,
    /// User and system CPU time, in clock ticks.
    pub cpu_ticks: u64,
    /// Of children that have ended and were waited for: CPU time in clock ticks.
    pub waited_cpu_ticks: u64,
    /// Of the same: page faults without I/O.
    pub waited_minor_faults: Count,
    /// Of the same: page faults with I/O.
    pub waited_major_faults: Count,
    /// Threads alive.
    pub threads: Count,
    /// When it started, in clock ticks since boot.
    pub start_ticks: u64,
}

/// `PF_FORKNOEXEC` of the kernel's include/linux/sched.h.
const FORKED_BUT_NOT_EXECUTED: u64 = 0x40;

impl Stat<'_> {
    /// Whether it was forked and has not executed a program of its own since. Until then the child of a
    /// `vfork` has no memory of its own: it counts its parent's.
    pub fn is_fork_of_parent(&self) -> bool {
        self.flags & FORKED_BUT_NOT_EXECUTED != 0
    }

    /// Whether it has ended and only waits to be reaped.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }
}

/// Of `/proc/PID/status`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Status {
    /// Resident anonymous memory.
    pub anon: Option<Bytes>,
    /// Resident pages of files.
    pub file: Option<Bytes>,
    /// Resident shared memory.
    pub shmem: Option<Bytes>,
    /// Swapped-out anonymous memory.
    pub swap: Option<Bytes>,
    /// The largest resident set that the process has had since it last executed a program.
    pub high_water: Option<Bytes>,
}

/// Of `/proc/PID/io`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Io {
    /// Bytes read through system calls.
    pub read: Option<Bytes>,
    /// Bytes written through system calls.
    pub written: Option<Bytes>,
    /// System calls that read.
    pub read_calls: Option<Count>,
    /// System calls that write.
    pub write_calls: Option<Count>,
    /// Bytes that had to come from storage.
    pub disk_read: Option<Bytes>,
    /// Bytes that were sent, or are to be sent, to storage.
    pub disk_written: Option<Bytes>,
}

/// Of `/proc/PID/smaps_rollup`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rollup {
    /// Proportional set size.
    pub pss: Option<Bytes>,
    /// Anonymous memory, exact.
    pub anonymous: Option<Bytes>,
    /// Pages that no other process maps.
    pub private: Option<Bytes>,
}

/// Parses `statm`; `page` is the size of a page in bytes.
pub fn statm(text: &[u8], page: u64) -> Option<Statm> {
    let mut fields = fields(text);
    let virtual_pages = number(fields.next()?)?;
    let resident_pages = number(fields.next()?)?;
    let shared_pages = number(fields.next()?)?;
    Some(Statm {
        virtual_bytes: Bytes::new(virtual_pages.saturating_mul(page)),
        resident: Bytes::new(resident_pages.saturating_mul(page)),
        shared: Bytes::new(shared_pages.saturating_mul(page)),
    })
}

/// Parses `stat`. The name may hold spaces and parentheses: it ends at the last `)`.
pub fn stat(text: &[u8]) -> Option<Stat<'_>> {
    let (open, close) = (memchr(b'(', text)?, memrchr(b')', text)?);
    let name = text.get(open + 1..close)?;
    let mut fields = fields(&text[close + 1..]);
    // After the name, proc(5)'s field 3 (state) comes first.
    let state = *fields.next()?.first()?;
    let parent = number(fields.next()?)? as i32;
    let flags = number(fields.nth(4)?)?;
    let mut next = || number(fields.next()?);
    let (minor_faults, waited_minor_faults) = (next()?, next()?);
    let (major_faults, waited_major_faults) = (next()?, next()?);
    let (user, system) = (next()?, next()?);
    let (waited_user, waited_system) = (next()?, next()?);
    let threads = number(fields.nth(2)?)?;
    let start_ticks = number(fields.nth(1)?)?;
    Some(Stat {
        name,
        state,
        parent,
        flags,
        minor_faults: Count::new(minor_faults),
        major_faults: Count::new(major_faults),
        cpu_ticks: user.saturating_add(system),
        waited_cpu_ticks: waited_user.saturating_add(waited_system),
        waited_minor_faults: Count::new(waited_minor_faults),
        waited_major_faults: Count::new(waited_major_faults),
        threads: Count::new(threads),
        start_ticks,
    })
}

/// Parses `status`. A process that has ended has none of these lines, and all is `None`.
pub fn status(text: &[u8]) -> Status {
    let mut status = Status::default();
    // Two lines in three begin otherwise.
    let telling = lines(text).filter(|line| matches!(line[0], b'R' | b'V'));
    for (key, value) in telling.filter_map(entry) {
        match key {
            b"VmHWM" => status.high_water = kib(value),
            b"RssAnon" => status.anon = kib(value),
            b"RssFile" => status.file = kib(value),
            b"RssShmem" => status.shmem = kib(value),
            b"VmSwap" => {
                status.swap = kib(value);
                break;
            }
            _ => {}
        }
    }
    status
}

/// Parses `io`.
pub fn io(text: &[u8]) -> Io {
    let mut io = Io::default();
    for (key, value) in lines(text).filter_map(entry) {
        let value = fields(value).next().and_then(number);
        match key {
            b"rchar" => io.read = value.map(Bytes::new),
            b"wchar" => io.written = value.map(Bytes::new),
            b"syscr" => io.read_calls = value.map(Count::new),
            b"syscw" => io.write_calls = value.map(Count::new),
            b"read_bytes" => io.disk_read = value.map(Bytes::new),
            b"write_bytes" => io.disk_written = value.map(Bytes::new),
            _ => {}
        }
    }
    io
}

/// Parses `smaps_rollup`.
pub fn rollup(text: &[u8]) -> Rollup {
    let mut rollup = Rollup::default();
    for (key, value) in lines(text).filter_map(entry) {
        match key {
            b"Pss" => rollup.pss = kib(value),
            b"Anonymous" => rollup.anonymous = kib(value),
            b"Private_Clean" | b"Private_Dirty" => {
                rollup.private = kib(value).map(|part| part + rollup.private.unwrap_or(Bytes::ZERO));
            }
            _ => {}
        }
    }
    rollup
}

/// Parses a thread's `schedstat`: nanoseconds on a CPU.
pub fn schedstat(text: &[u8]) -> Option<u64> {
    fields(text).next().and_then(number)
}

/// Parses a thread's `children`: process numbers.
pub fn children(text: &[u8]) -> impl Iterator<Item = i32> {
    fields(text).filter_map(number).filter_map(|pid| i32::try_from(pid).ok())
}

/// Parses `/proc/loadavg`: the process number that was given out last. While it stays the same no process
/// and no thread was made on the machine.
pub fn last_pid(text: &[u8]) -> Option<u64> {
    fields(text).nth(4).and_then(number)
}

/// The value of a counter in `/proc/vmstat` or a cgroup's file of the same form.
pub fn counter(text: &[u8], name: &str) -> Option<u64> {
    text.split(|&byte| byte == b'\n').find_map(|line| {
        let mut fields = fields(line);
        (fields.next()? == name.as_bytes()).then(|| fields.next().and_then(number)).flatten()
    })
}

/// The words between white space. Words here are short: a search that looks at many bytes at once takes
/// longer to begin than this takes to end.
fn fields(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while text.get(at).is_some_and(|&byte| byte <= b' ') {
            at += 1;
        }
        let begin = at;
        while text.get(at).is_some_and(|&byte| byte > b' ') {
            at += 1;
        }
        (at > begin).then(|| &text[begin..at])
    })
}

/// The whole lines.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let line;
        (line, rest) = rest.split_at(memchr(b'\n', rest)? + 1);
        Some(line)
    })
}

/// What stands before and behind the colon of a line.
fn entry(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    Some((&line[..colon], &line[colon + 1..]))
}

fn kib(value: &[u8]) -> Option<Bytes> {
    fields(value).next().and_then(number).map(Bytes::from_kib)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured from a melt export; the name is made hostile.
    const STAT: &[u8] = b"4211 (melt) (x) R) R 4208 4208 4208 0 -1 4194304 31874 7 12 8 1534 87 9 10 20 0 5 0 \
        918273 915456000 61234 18446744073709551615 1 1 0 0 0 0 0 4096 66 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = stat(STAT).unwrap();
        assert_eq!(stat.name, b"melt) (x) R");
        assert_eq!((stat.state, stat.cpu_ticks, stat.start_ticks), (b'R', 1621, 918_273));
        let waited = (stat.waited_cpu_ticks, stat.waited_minor_faults.get(), stat.waited_major_faults.get());
        assert_eq!(waited, (19, 7, 8));
        assert_eq!((stat.parent, stat.flags, stat.is_fork_of_parent()), (4208, 4_194_304, false));
        assert_eq!((stat.minor_faults.get(), stat.major_faults.get(), stat.threads.get()), (31_874, 12, 5));
    }

    #[test]
    fn what_a_zombie_does_not_say_is_not_zero() {
        assert_eq!(status(b"Name:\tmelt\nState:\tZ (zombie)\nThreads:\t1\n"), Status::default());
    }

    #[test]
    fn status_gives_bytes() {
        let text = b"Name:\tmelt\nVmHWM:\t  310000 kB\nVmRSS:\t  300000 kB\nRssAnon:\t  250000 kB\n\
            RssFile:\t   49000 kB\nRssShmem:\t    1000 kB\nVmSwap:\t      16 kB\nThreads:\t5\n";
        let status = status(text);
        assert_eq!(status.anon, Some(Bytes::from_kib(250_000)));
        assert_eq!(status.swap, Some(Bytes::from_kib(16)));
        assert_eq!(status.high_water, Some(Bytes::from_kib(310_000)));
    }

    #[test]
    fn private_memory_is_clean_and_dirty_together() {
        let text = b"55a-7ff ---p 00000000 00:00 0 [rollup]\nRss: 900 kB\nPss: 500 kB\nPss_Dirty: 1 kB\n\
            Private_Clean: 100 kB\nPrivate_Dirty: 300 kB\nAnonymous: 280 kB\n";
        let rollup = rollup(text);
        assert_eq!(rollup.private, Some(Bytes::from_kib(400)));
        assert_eq!(rollup.pss, Some(Bytes::from_kib(500)));
    }

    #[test]
    fn cut_short_text_gives_nothing_rather_than_something_wrong() {
        for end in 0..STAT.len() - 1 {
            if let Some(stat) = stat(&STAT[..end]) {
                assert_eq!(stat.cpu_ticks, 1621, "at {end}");
            }
        }
        assert_eq!(statm(b"", 4096), None);
        assert_eq!(number(b"99999999999999999999999"), None);
    }

    #[test]
    fn what_is_not_shared_is_anonymous() {
        let statm = statm(b"224 100 60 11 0 100 0\n", 4096).unwrap();
        assert_eq!(statm.resident.saturating_sub(statm.shared), Bytes::from_kib(160));
    }

    #[test]
    fn bytes_of_calls_and_bytes_of_disks_are_told_apart() {
        let io = io(b"rchar: 11\nwchar: 12\nsyscr: 13\nsyscw: 14\nread_bytes: 15\nwrite_bytes: 16\n\
            cancelled_write_bytes: 17\n");
        assert_eq!((io.read, io.disk_read), (Some(Bytes::new(11)), Some(Bytes::new(15))));
        assert_eq!((io.written, io.disk_written), (Some(Bytes::new(12)), Some(Bytes::new(16))));
        assert_eq!((io.read_calls, io.write_calls), (Some(Count::new(13)), Some(Count::new(14))));
    }

    #[test]
    fn the_last_process_number_ends_the_line_of_loads() {
        assert_eq!(last_pid(b"0.31 0.50 1.22 1/123 4567\n"), Some(4567));
    }

    #[test]
    fn counters_are_found_by_whole_name() {
        assert_eq!(counter(b"oom_kill_disable 0\noom_kill 3\n", "oom_kill"), Some(3));
    }
}
