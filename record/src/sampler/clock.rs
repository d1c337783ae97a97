//! The monotonic clock, and sleeping until a point on it or until someone rings.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::thread::futex;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// A point on the monotonic clock, to the nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    nanoseconds: u64,
}

impl Instant {
    /// This very moment.
    pub fn now() -> Instant {
        Instant { nanoseconds: nanoseconds(clock_gettime(ClockId::Monotonic)) }
    }

    /// The moment at which the monotonic clock shows this.
    pub fn at(shown: Duration) -> Instant {
        Instant { nanoseconds: shown.as_nanos() as u64 }
    }

    /// The moment so much later.
    pub fn after(self, duration: Duration) -> Instant {
        Instant { nanoseconds: self.nanoseconds.saturating_add(duration.as_nanos() as u64) }
    }

    /// How long ago `earlier` was, seen from here; zero when it is later.
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.nanoseconds.saturating_sub(earlier.nanoseconds))
    }
}

/// CPU time that the calling thread has used.
pub fn thread_cpu() -> Duration {
    Duration::from_nanos(nanoseconds(clock_gettime(ClockId::ThreadCPUTime)))
}

fn nanoseconds(time: Timespec) -> u64 {
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Something that one thread sleeps on and others ring: a futex, so that one system call both waits for
/// an absolute deadline and can be cut short, and ringing takes no lock.
#[derive(Debug, Default)]
pub struct Bell {
    strokes: AtomicU32,
}

impl Bell {
    /// Wakes whoever waits.
    pub fn ring(&self) {
        self.strokes.fetch_add(1, Ordering::Release);
        let _ = futex::wake(&self.strokes, futex::Flags::PRIVATE, u32::MAX);
    }

    /// How often it was rung so far.
    pub fn strokes(&self) -> u32 {
        self.strokes.load(Ordering::Acquire)
    }

    /// Sleeps until the deadline, or until it has been rung more often than `heard`; whatever signals
    /// come. Returns whether it was rung.
    pub fn wait(&self, heard: u32, deadline: Instant) -> bool {
        let until = Timespec {
            tv_sec: (deadline.nanoseconds / 1_000_000_000) as i64,
            tv_nsec: (deadline.nanoseconds % 1_000_000_000) as _,
        };
        while self.strokes() == heard && Instant::now() < deadline {
            let _ = futex::wait_bitset(
                &self.strokes,
                futex::Flags::PRIVATE,
                heard,
                Some(&until),
                NonZeroU32::MAX,
            );
        }
        self.strokes() != heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_the_past_returns_at_once() {
        let start = Instant::now();
        assert!(!Bell::default().wait(0, Instant { nanoseconds: 0 }));
        assert!(Instant::now().since(start) < Duration::from_millis(50));
    }

    #[test]
    fn nobody_sleeps_through_the_bell_and_nobody_wakes_before_the_deadline() {
        let bell = Bell::default();
        let start = Instant::now();
        assert!(!bell.wait(bell.strokes(), start.after(Duration::from_millis(20))));
        assert!(Instant::now().since(start) >= Duration::from_millis(20));
        std::thread::scope(|scope| {
            scope.spawn(|| bell.ring());
            assert!(bell.wait(0, start.after(Duration::from_secs(60))));
        });
        assert!(Instant::now().since(start) < Duration::from_secs(30));
    }
}
