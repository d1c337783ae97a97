//! The sampling thread allocates nothing while no process and no thread comes or goes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use memreel_record::sampler::{Instant, Live, Sampler, Settings, Target};

/// Counts what each thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is the system's; the counter is a plain cell of the thread, without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Samples a process at this interval; returns what the sampling thread allocated after the first half
/// second, and how many samples it took in all.
fn allocations(interval: Duration) -> (u64, u64) {
    let mut sleeping = Command::new("sleep").arg("60").spawn().unwrap();
    let counted = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&counted);
    // Called on the sampling thread.
    let count = move || seen.store(ALLOCATIONS.with(Cell::get), Ordering::Relaxed);
    let target = Target { root: sleeping.id() as i32, adopter: None };
    let settings = Settings { root_at_each_tick: true, ..Settings::every(interval) };
    let started =
        Sampler::start(target, settings, Instant::now(), Arc::new(Live::default()), Some(Box::new(count)));
    let (sampler, mut rows) = started.unwrap();
    let mut kept = 0;
    let mut drain = |milliseconds: u64| {
        for _ in 0..milliseconds {
            std::thread::sleep(Duration::from_millis(1));
            while rows.take().is_some() {
                kept += 1;
            }
        }
    };
    drain(500);
    let before = counted.load(Ordering::Relaxed);
    drain(1500);
    let after = counted.load(Ordering::Relaxed);
    let report = sampler.finish();
    sleeping.kill().unwrap();
    sleeping.wait().unwrap();
    assert!(before > 0, "it allocates when it begins: the counter does not work");
    assert!(kept > 0 && report.sampling.lost_rows == 0, "{report:?}");
    (after - before, report.sampling.samples)
}

#[test]
fn the_sampling_thread_allocates_nothing_at_steady_state() {
    let (allocated, samples) = allocations(Duration::from_millis(1));
    assert!(samples > 500, "{samples}");
    assert_eq!(allocated, 0, "in {samples} samples");
    assert_eq!(allocations(Duration::from_millis(20)).0, 0);
}
