//! How many threads really worked.

use std::collections::BTreeMap;

use memreel_trace::ThreadSample;
use memreel_trace::units::Count;

/// A thread that took less than this share of the job's CPU time did not work on the export.
const WORKED: f64 = 0.01;

/// When the threads seen account for less than this share of the job's CPU time, others worked unseen.
const SEEN: f64 = 0.5;

/// Threads that took more than 1 % of the job's CPU time.
///
/// The job's CPU time is `cpu_s`, or that of all its threads together where that is unknown.
/// `None` when nothing took any time, or when the threads that were seen account for less than half
/// of it: those of a run that was over before they were read.
pub fn busy_threads(cpu_s: Option<f64>, threads: &[ThreadSample]) -> Option<Count> {
    let mut longest: BTreeMap<(i32, i32), f64> = BTreeMap::new();
    for thread in threads {
        let seen = longest.entry((thread.pid, thread.tid)).or_default();
        *seen = seen.max(thread.cpu_s);
    }
    let seen: f64 = longest.values().sum();
    let all = cpu_s.filter(|&cpu_s| cpu_s > 0.0).unwrap_or(seen);
    let busy = longest.values().filter(|&&cpu_s| cpu_s > WORKED * all).count();
    (all > 0.0 && seen >= SEEN * all).then(|| Count::new(busy as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(tid: i32, cpu_s: f64) -> ThreadSample {
        ThreadSample { t_s: 1.0, pid: 1, tid, name: memreel_trace::name(b"melt"), cpu_s }
    }

    #[test]
    fn a_thread_that_only_waited_is_not_busy() {
        let threads = [thread(1, 0.001), thread(2, 3.0), thread(2, 5.0), thread(3, 5.0)];
        assert_eq!(busy_threads(Some(10.0), &threads), Some(Count::new(2)));
        assert_eq!(busy_threads(None, &threads), Some(Count::new(2)));
    }

    #[test]
    fn without_threads_seen_nothing_is_known() {
        assert_eq!(busy_threads(Some(10.0), &[]), None);
        assert_eq!(busy_threads(None, &[thread(1, 0.0)]), None);
    }

    #[test]
    fn threads_that_account_for_less_than_half_of_the_work_are_not_all_that_worked() {
        let threads = [thread(1, 0.0), thread(2, 0.2), thread(3, 0.2)];
        assert_eq!(busy_threads(Some(1.0), &threads), None);
        assert_eq!(busy_threads(Some(1.0), &[thread(1, 0.0)]), None);
        assert_eq!(busy_threads(Some(0.8), &threads), Some(Count::new(2)));
    }
}
