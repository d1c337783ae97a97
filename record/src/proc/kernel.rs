//! What a kernel's release says about how exact its counters are.

use memreel_trace::units::Bytes;

/// A kernel's release, as `uname -r` gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelRelease {
    /// The `6` of `6.18.44`.
    pub major: u32,
    /// The `18` of `6.18.44`.
    pub minor: u32,
}

impl KernelRelease {
    /// Reads the first two numbers of a release.
    pub fn parse(release: &str) -> Option<KernelRelease> {
        let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        Some(KernelRelease { major: numbers.next()?.ok()?, minor: numbers.next()?.ok()? })
    }
}

/// How far `RssAnon` and its like may be off for one process of so many threads.
///
/// - Before Linux 6.2 every thread keeps up to 64 pages to itself before it adds them
///   (`TASK_RSS_EVENTS_THRESH` in mm/memory.c).
/// - From 6.2 a counter is kept per CPU and added in batches of max(32, 2 × CPUs) pages
///   (`percpu_counter_batch` in lib/percpu_counter.c); a read may miss one batch for each CPU.
/// - Later `/proc/PID/status` adds up all CPUs' parts when it is read, and is exact; that was measured on
///   6.18, and a somewhat older kernel that may be exact as well is given the older bound.
pub fn counter_error(kernel: KernelRelease, cpus: u32, threads: u32, page: Bytes) -> Bytes {
    let pages = match (kernel.major, kernel.minor) {
        (0..=5, _) | (6, 0..=1) => 64 * u64::from(threads),
        (6, 2..=17) => u64::from(cpus) * u64::from(cpus * 2).max(32),
        _ => 0,
    };
    Bytes::new(pages * page.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Bytes = Bytes::new(4096);

    #[test]
    fn the_bound_follows_kernel_and_cpus() {
        let bound = |release: &str, cpus, threads| {
            counter_error(KernelRelease::parse(release).unwrap(), cpus, threads, PAGE)
        };
        assert_eq!(bound("5.15.0-91-generic", 4, 10), Bytes::from_kib(2560));
        assert_eq!(bound("6.8.0", 4, 10), Bytes::from_kib(512));
        assert_eq!(bound("6.8.0", 64, 10), Bytes::from_mib(32));
        assert_eq!(bound("6.18.44-custom", 64, 10), Bytes::ZERO);
    }
}
