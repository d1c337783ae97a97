//! Real-time scheduling for the calling thread.

/// Above everything that is not real-time, below the kernel's own threads (50 on most systems).
const PRIORITY: i32 = 10;

/// Asks for it; else says in words why not.
pub fn ask() -> Result<(), String> {
    let wanted = libc::sched_param { sched_priority: PRIORITY };
    // SAFETY: 0 means the calling thread; `wanted` is initialised and outlives the call.
    let result =
        unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &wanted) };
    if result == 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    Err(format!(
        "no real-time scheduling: {error}; it takes root, CAP_SYS_NICE or a limit `rtprio` of {PRIORITY}"
    ))
}
