//! Signals that come while something is recorded, and who sent them.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::iterator::exfiltrator::origin::Origin;
use signal_hook::low_level::siginfo::Cause;

/// Signals with which people and programs end others.
const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// To note this moment (SIGUSR1).
    Mark,
    /// To end.
    End {
        /// The signal's number.
        signal: u8,
        /// Whether the kernel sent it, for a terminal's key or its end: then everybody in the terminal's
        /// foreground has it, not only we.
        from_terminal: bool,
    },
}

/// The signals, each caught from when this exists. Those that were ignored when we were started
/// (`nohup`, a shell's background job) stay so.
pub struct Signals {
    delivery: SignalDelivery<UnixStream, WithOrigin>,
}

impl Signals {
    /// Begins to catch them.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn catch() -> std::io::Result<Signals> {
        let caught = not_ignored(&ENDING);
        let (read, write) = UnixStream::pair()?;
        let signals: Vec<i32> = caught.into_iter().chain([SIGUSR1]).collect();
        let delivery = SignalDelivery::with_pipe(read, write, WithOrigin::default(), signals)?;
        Ok(Signals { delivery })
    }

    /// What came since last asked, oldest first for each signal.
    pub fn wishes(&mut self) -> impl Iterator<Item = Wish> + use<> {
        self.delivery.pending().map(wish)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }
}

fn wish(origin: Origin) -> Wish {
    match origin.signal {
        SIGUSR1 => Wish::Mark,
        signal => Wish::End { signal: signal as u8, from_terminal: matches!(origin.cause, Cause::Kernel) },
    }
}

/// Those of these signals that were not ignored when this process was started, as by `nohup` or of a shell's background
/// job. To be asked before any of them is caught.
pub fn not_ignored(signals: &[i32]) -> Vec<i32> {
    let ignored = ignored(&std::fs::read_to_string("/proc/self/status").unwrap_or_default());
    signals.iter().copied().filter(|signal| ignored & (1 << (signal - 1)) == 0).collect()
}

/// `SigIgn` of a process's `status`: the lowest bit is signal 1.
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_ignored_before_is_read_from_the_status() {
        let mask = ignored("Name:\tx\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000001006\n");
        let is_ignored = |signal: i32| mask & (1 << (signal - 1)) != 0;
        assert!(is_ignored(SIGINT) && is_ignored(SIGQUIT) && is_ignored(13));
        assert!(!is_ignored(SIGHUP) && !is_ignored(SIGTERM));
    }
}
