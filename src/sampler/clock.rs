//! The monotonic clock, absolute deadlines, and reads whose rate their own cost bounds.

use std::time::Duration;

use rustix::thread::{ClockId as SleepClock, clock_nanosleep_absolute};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// A point on the monotonic clock, to the nanosecond, that can be slept until.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    nanoseconds: u64,
}

impl Instant {
    /// This very moment.
    pub fn now() -> Instant {
        Instant { nanoseconds: nanoseconds(clock_gettime(ClockId::Monotonic)) }
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

/// Sleeps until the deadline, whatever signals come; returns at once when it is past.
pub fn sleep_until(deadline: Instant) {
    let until = Timespec {
        tv_sec: (deadline.nanoseconds / 1_000_000_000) as i64,
        tv_nsec: (deadline.nanoseconds % 1_000_000_000) as _,
    };
    while clock_nanosleep_absolute(SleepClock::Monotonic, &until).is_err() && Instant::now() < deadline {}
}

/// Something dear that may take no more than a share of the time that passes.
#[derive(Debug)]
pub struct Bounded {
    share: f64,
    at_most_every: Duration,
    next: Option<Instant>,
    total: Duration,
}

impl Bounded {
    /// May take `share` of wall time (0.001: a thousandth), and is never done more often than stated.
    pub fn new(share: f64, at_most_every: Duration) -> Bounded {
        Bounded { share, at_most_every, next: None, total: Duration::ZERO }
    }

    /// Whether it may be done now.
    pub fn is_due(&self, now: Instant) -> bool {
        self.next.is_none_or(|next| now >= next)
    }

    /// Notes that it was done at `now` and took so long; the next time waits accordingly.
    pub fn took(&mut self, now: Instant, cost: Duration) {
        self.total += cost;
        self.next = Some(now.after(cost.div_f64(self.share).max(self.at_most_every)));
    }

    /// How long it took in all.
    pub fn total(&self) -> Duration {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dear_read_waits_a_thousand_times_its_cost() {
        let mut dear = Bounded::new(0.001, Duration::from_millis(50));
        let start = Instant::now();
        assert!(dear.is_due(start));
        dear.took(start, Duration::from_millis(3));
        assert!(!dear.is_due(start.after(Duration::from_millis(2_900))));
        assert!(dear.is_due(start.after(Duration::from_millis(3_001))));
    }

    #[test]
    fn sleeping_until_the_past_returns_at_once() {
        let start = Instant::now();
        sleep_until(Instant { nanoseconds: 0 });
        assert!(Instant::now().since(start) < Duration::from_millis(50));
    }
}
