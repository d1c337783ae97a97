//! Misbehaviour on demand: memory that is really kept and time that is really spent, so that whoever looks for
//! leaks and regressions can be held against answers that are known.
//!
//! Every byte that is kept is written, since memory that nobody has written to takes none. The rest of
//! the program calls this where an export begins and is closed, where a frame has been rendered and where a
//! source would be closed; with no fault asked for, those calls find an empty list.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// Something to do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Keeps memory for ever as frames are rendered.
    KeepPerFrame {
        /// How much each time.
        bytes: usize,
        /// Each how many frames.
        every: u64,
    },
    /// Never closes the decoder of a source's first opening in the process.
    KeepDecoderOfSource,
    /// Never closes the decoder of a clip, and opens another one for the next.
    KeepDecoderOfClip,
    /// Caches something for each frame, and forgets the oldest.
    Cache {
        /// How much a frame.
        bytes: usize,
        /// How many at most.
        entries: usize,
    },
    /// Keeps memory for each frame, and frees all of it now and then.
    Sawtooth {
        /// How much a frame.
        bytes: usize,
        /// Each how many frames all is freed.
        frames: u64,
    },
    /// Lets rendering run ahead of encoding as far as it can.
    Queue,
    /// Keeps memory for ever when an export is closed.
    KeepPerExport {
        /// How much each time.
        bytes: usize,
    },
    /// Holds memory from the beginning of the first export to the end of the process: a higher level that never
    /// grows.
    Hold {
        /// How much.
        bytes: usize,
    },
    /// Computes for nothing as frames are rendered.
    Burn {
        /// How much CPU time a frame.
        time: Duration,
    },
}

/// How faults are written.
const KINDS: &str = "keep-per-frame=BYTES or BYTES/EVERY, keep-decoder=source or clip, cache=BYTES,ENTRIES, \
                     sawtooth=BYTES,FRAMES, queue, keep-per-export=BYTES, hold=BYTES, burn=MICROSECONDS";

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Fault, String> {
        let (kind, amount) = text.split_once('=').unwrap_or((text, ""));
        let fault = match kind {
            "keep-per-frame" => keep_per_frame(amount),
            "keep-decoder" => keep_decoder(amount),
            "cache" => pair(amount, ',').map(|(bytes, entries)| Fault::Cache { bytes, entries }),
            "sawtooth" => pair(amount, ',').map(|(bytes, frames)| Fault::Sawtooth { bytes, frames }),
            "queue" => Some(Fault::Queue).filter(|_| amount.is_empty()),
            "keep-per-export" => positive(amount).map(|bytes| Fault::KeepPerExport { bytes }),
            "hold" => positive(amount).map(|bytes| Fault::Hold { bytes }),
            "burn" => positive(amount).map(|micros| Fault::Burn { time: Duration::from_micros(micros) }),
            _ => None,
        };
        fault.ok_or_else(|| format!("write one of {KINDS}"))
    }
}

fn keep_per_frame(amount: &str) -> Option<Fault> {
    let (bytes, every) = if amount.contains('/') { pair(amount, '/')? } else { (positive(amount)?, 1) };
    Some(Fault::KeepPerFrame { bytes, every })
}

fn keep_decoder(of: &str) -> Option<Fault> {
    match of {
        "source" => Some(Fault::KeepDecoderOfSource),
        "clip" => Some(Fault::KeepDecoderOfClip),
        _ => None,
    }
}

fn pair<A: FromStr + Default + PartialOrd, B: FromStr + Default + PartialOrd>(
    text: &str,
    between: char,
) -> Option<(A, B)> {
    let (one, other) = text.split_once(between)?;
    Some((positive(one)?, positive(other)?))
}

fn positive<N: FromStr + Default + PartialOrd>(text: &str) -> Option<N> {
    text.parse().ok().filter(|number| *number > N::default())
}

/// The faults of a process, with what they have kept so far. Any thread may call it.
pub struct Faults {
    at_work: Vec<Mutex<AtWork>>,
}

/// A fault, and what it has kept so far.
struct AtWork {
    fault: Fault,
    frames: u64,
    kept: VecDeque<Box<[u8]>>,
    sources: HashSet<PathBuf>,
}

impl Faults {
    /// These faults; nothing is kept yet.
    pub fn new(faults: &[Fault]) -> Faults {
        Faults { at_work: faults.iter().map(|&fault| Mutex::new(AtWork::new(fault))).collect() }
    }

    /// An export begins: nothing of it is there yet.
    pub fn export_began(&self) {
        self.each().for_each(|mut fault| fault.export_began());
    }

    /// A frame was rendered.
    pub fn frame_rendered(&self) {
        self.each().for_each(|mut fault| fault.frame_rendered());
    }

    /// Everything of an export was freed.
    pub fn export_closed(&self) {
        self.each().for_each(|mut fault| fault.export_closed());
    }

    /// Whether the decoder of a source that would be closed is to stay open.
    pub fn keeps_source(&self, path: &Path) -> bool {
        self.each().any(|mut fault| fault.keeps_source(path))
    }

    /// Whether the decoder of a clip that is over is to stay open, and the next clip has its own.
    pub fn keeps_clips(&self) -> bool {
        self.each().any(|fault| fault.fault == Fault::KeepDecoderOfClip)
    }

    /// How many rendered frames may wait for the encoder in an export of so many, where `bound` is sound.
    pub fn frames_ahead(&self, bound: usize, frames: u64) -> usize {
        let unbounded = self.each().any(|fault| fault.fault == Fault::Queue);
        if unbounded { frames as usize } else { bound }
    }

    /// What a thread that panicked has kept stays kept.
    fn each(&self) -> impl Iterator<Item = MutexGuard<'_, AtWork>> {
        self.at_work.iter().map(|fault| fault.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

impl AtWork {
    fn new(fault: Fault) -> AtWork {
        AtWork { fault, frames: 0, kept: VecDeque::new(), sources: HashSet::new() }
    }

    fn export_began(&mut self) {
        if let Fault::Hold { bytes } = self.fault
            && self.kept.is_empty()
        {
            self.kept.push_front(written(bytes));
        }
    }

    fn frame_rendered(&mut self) {
        self.frames += 1;
        match self.fault {
            Fault::KeepPerFrame { bytes, every } if self.frames.is_multiple_of(every) => keep(bytes),
            Fault::Cache { bytes, entries } => {
                self.kept.truncate(entries - 1);
                self.kept.push_front(written(bytes));
            }
            Fault::Sawtooth { bytes, frames } => {
                self.kept.push_front(written(bytes));
                if self.frames.is_multiple_of(frames) {
                    self.kept.clear();
                    give_back();
                }
            }
            Fault::Burn { time } => burn(time),
            _ => {}
        }
    }

    fn export_closed(&mut self) {
        if let Fault::KeepPerExport { bytes } = self.fault {
            keep(bytes);
        }
    }

    fn keeps_source(&mut self, path: &Path) -> bool {
        self.fault == Fault::KeepDecoderOfSource && self.sources.insert(path.into())
    }
}

/// Loses memory: no pointer to it is left.
fn keep(bytes: usize) {
    Box::leak(written(bytes));
}

/// Memory, each byte of which was written. Hidden from the compiler, which would see that nobody reads it.
fn written(bytes: usize) -> Box<[u8]> {
    std::hint::black_box(vec![0xA5; bytes].into_boxed_slice())
}

/// Has this thread take so much CPU time, however long that takes on a busy machine.
fn burn(time: Duration) {
    let end = cpu_time() + time;
    while cpu_time() < end {
        // Asking is a call of the system: most of the time is to be the program's own.
        for spent in 0..1000_u32 {
            std::hint::black_box(spent);
        }
    }
}

/// What this thread has taken so far.
fn cpu_time() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes to `now` and nowhere else. Every thread has this clock, so it cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Has the allocator give free memory back to the system, where it would hold on to it.
fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it touches no memory that is in use, and locks what it touches.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_read_as_it_is_written() {
        let read = |text: &str| text.parse::<Fault>().unwrap();
        assert_eq!(read("keep-per-frame=10"), Fault::KeepPerFrame { bytes: 10, every: 1 });
        assert_eq!(read("keep-per-frame=10/25"), Fault::KeepPerFrame { bytes: 10, every: 25 });
        assert_eq!(read("keep-decoder=source"), Fault::KeepDecoderOfSource);
        assert_eq!(read("keep-decoder=clip"), Fault::KeepDecoderOfClip);
        assert_eq!(read("cache=10,20"), Fault::Cache { bytes: 10, entries: 20 });
        assert_eq!(read("sawtooth=10,20"), Fault::Sawtooth { bytes: 10, frames: 20 });
        assert_eq!(read("queue"), Fault::Queue);
        assert_eq!(read("keep-per-export=10"), Fault::KeepPerExport { bytes: 10 });
        assert_eq!(read("hold=10"), Fault::Hold { bytes: 10 });
        assert_eq!(read("burn=1500"), Fault::Burn { time: Duration::from_micros(1500) });
    }

    #[test]
    fn what_is_no_fault_is_told_what_there_is() {
        for text in [
            "",
            "leak=1",
            "keep-per-frame",
            "keep-per-frame=0",
            "keep-per-frame=1/0",
            "cache=1",
            "queue=2",
            "hold=",
            "burn=0",
            "burn=1.5",
        ] {
            assert!(text.parse::<Fault>().unwrap_err().contains("sawtooth=BYTES,FRAMES"), "{text}");
        }
    }

    #[test]
    fn without_a_fault_nothing_is_kept() {
        let faults = Faults::new(&[]);
        assert!(!faults.keeps_source(Path::new("a.mp4")) && !faults.keeps_clips());
        assert_eq!(faults.frames_ahead(4, 100), 4);
    }

    #[test]
    fn what_is_burnt_is_time_of_the_cpu_and_not_of_the_clock() {
        let (time, before) = (Duration::from_millis(20), cpu_time());
        burn(time);
        let burnt = cpu_time() - before;
        assert!((time..2 * time).contains(&burnt), "{burnt:?}");
    }
}
