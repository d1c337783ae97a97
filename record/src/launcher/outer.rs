//! The outer guard: a process above the guard that does nothing but wait for its end.
//!
//! When the guard is killed, by the kernel for want of memory or by anyone, the engine dies with it, but what the
//! engine has started becomes the outer guard's: it kills that, and keeps the report pipe open until it is gone.

use std::time::{Duration, Instant};

use super::{PATIENCE, Request, adopt_orphans, last_error, reap, signal_all};

/// Returns in a child of this process, which becomes the guard. This process becomes the outer guard, in a session of
/// its own, and never returns.
pub fn stay_behind(request: &Request) -> Result<(), String> {
    adopt_orphans()?;
    // SAFETY: these calls take no pointers. A failing setsid (already a leader) changes nothing we rely on. This process
    // has one thread, so the child may do anything the parent may.
    let (outer, guard) = unsafe {
        libc::setsid();
        (libc::getpid(), libc::fork())
    };
    match guard {
        -1 => Err(format!("cannot start a process: {}", last_error())),
        0 => hear_of_its_end(outer),
        guard => {
            // SAFETY: takes no pointers; the guard has the control pipe, and this process never reads it.
            unsafe { libc::close(request.control) };
            std::process::exit(outlive(guard))
        }
    }
}

/// In the guard: SIGTERM comes when the outer guard has ended.
fn hear_of_its_end(outer: i32) -> Result<(), String> {
    // SAFETY: takes no pointers.
    let parent = unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM, 0, 0, 0);
        libc::getppid()
    };
    if parent == outer { Ok(()) } else { Err("its parent was killed".into()) }
}

/// Waits for the guard's end, and kills what it leaves if it was killed; returns its exit code.
fn outlive(guard: i32) -> i32 {
    let status = end_of(guard);
    if libc::WIFEXITED(status) {
        return libc::WEXITSTATUS(status);
    }
    let begun = Instant::now();
    while reap(guard).some_left && begun.elapsed() < PATIENCE {
        signal_all(libc::SIGKILL);
        std::thread::sleep(Duration::from_millis(5));
    }
    5
}

fn end_of(child: i32) -> i32 {
    let mut status = 0;
    // SAFETY: `status` is valid for the call.
    while unsafe { libc::waitpid(child, &mut status, 0) } < 0
        && last_error().kind() == std::io::ErrorKind::Interrupted
    {}
    status
}
