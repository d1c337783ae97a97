//! What the kernel is asked for and no crate that we use anyway has a safe call for.

/// Above everything that is not real-time, below the kernel's own threads (50 on most systems).
const PRIORITY: i32 = 10;

/// Asks for real-time scheduling of the calling thread; else says in words why not.
pub fn ask_for_realtime() -> Result<(), String> {
    let wanted = libc::sched_param { sched_priority: PRIORITY };
    // SAFETY: 0 means the calling thread; `wanted` is initialised and outlives the call.
    let result =
        unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &wanted) };
    if result == 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    Err(format!(
        "no real-time scheduling: {error}; it needs root, CAP_SYS_NICE or a limit `rtprio` of {PRIORITY}"
    ))
}

/// `KCMP_VM` of the kernel's include/uapi/linux/kcmp.h.
const MEMORY: libc::c_long = 1;

/// Whether two processes have one memory between them, as after `vfork`; `None` where the kernel does not
/// say.
pub fn share_memory(one: i32, other: i32) -> Option<bool> {
    let (one, other) = (libc::c_long::from(one), libc::c_long::from(other));
    // SAFETY: kcmp takes numbers only.
    let order = unsafe { libc::syscall(libc::SYS_kcmp, one, other, MEMORY, 0_u64, 0_u64) };
    (order >= 0).then_some(order == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_shares_its_memory_with_itself_and_with_no_program_that_it_started() {
        let own = std::process::id() as i32;
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let (with_itself, with_child) = (share_memory(own, own), share_memory(own, child.id() as i32));
        child.kill().unwrap();
        child.wait().unwrap();
        // A container may forbid the question; then both are unknown.
        assert_eq!(with_itself.is_some(), with_child.is_some());
        assert!(with_itself != Some(false) && with_child != Some(true));
    }
}
