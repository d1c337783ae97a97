//! What an export tells a watcher while it runs: one line an event, on a descriptor of the caller's.
//!
//! ```text
//! memreel-export-progress 1
//! export 1
//! open /media/a.mp4
//! frames 1 0
//! close /media/a.mp4
//! frames 1 1
//! closed 1
//! ```
//!
//! Frames are counted over all exports of the process: they never fall.
//!
//! A watcher that went away is no reason to fail: the lines just end.

use std::fs::File;
use std::io::Write;
use std::os::fd::FromRawFd;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use crate::failure::Failure;

/// The lines' first one; the number rises when their meaning changes.
const GREETING: &str = "memreel-export-progress 1\n";

/// Counts frames and reports them, with sources opened and closed. Any thread may report.
pub struct Progress {
    state: Mutex<State>,
}

struct State {
    watcher: Option<File>,
    frames_in: u64,
    packets_out: u64,
    line: Vec<u8>,
}

impl Progress {
    /// Reports to nobody.
    pub fn silent() -> Progress {
        Progress::to(None)
    }

    /// Reports to a descriptor that the caller's parent left open.
    ///
    /// # Errors
    /// When `fd` is no open descriptor.
    pub fn on_descriptor(fd: i32) -> Result<Progress, Failure> {
        // SAFETY: F_GETFD only asks; an invalid number is answered with -1.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 {
            return Err(Failure::Refused(format!(
                "--progress-fd {fd} is not open: open it in the shell, as in `{fd}>progress.txt`"
            )));
        }
        // SAFETY: the descriptor is open, and by the option's meaning it is given to us alone.
        let watcher = unsafe { File::from_raw_fd(fd) };
        Ok(Progress::to(Some(watcher)))
    }

    fn to(watcher: Option<File>) -> Progress {
        let mut state = State { watcher, frames_in: 0, packets_out: 0, line: Vec::with_capacity(64) };
        state.line.extend_from_slice(GREETING.as_bytes());
        state.send();
        Progress { state: Mutex::new(state) }
    }

    /// An export begins: which one in this process, from 1.
    pub fn export_began(&self, number: u32) {
        self.state().send_number("export", number);
    }

    /// Everything of an export has been freed.
    pub fn export_closed(&self, number: u32) {
        self.state().send_number("closed", number);
    }

    /// One more frame was taken from the timeline.
    pub fn frame_in(&self) {
        let mut state = self.state();
        state.frames_in += 1;
        state.send_frames();
    }

    /// One more picture came out of the encoder.
    pub fn packet_out(&self) {
        let mut state = self.state();
        state.packets_out += 1;
        state.send_frames();
    }

    /// A source's picture decoder was opened.
    pub fn opened(&self, path: &Path) {
        self.state().send_path("open", path);
    }

    /// A source's picture decoder was closed and freed.
    pub fn closed(&self, path: &Path) {
        self.state().send_path("close", path);
    }

    /// A thread that panicked while it reported leaves at worst a line half written.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl State {
    fn send_frames(&mut self) {
        if self.watcher.is_none() {
            return;
        }
        // Writing to a Vec cannot fail.
        let _ = writeln!(self.line, "frames {} {}", self.frames_in, self.packets_out);
        self.send();
    }

    fn send_number(&mut self, event: &str, number: u32) {
        // Writing to a Vec cannot fail.
        let _ = writeln!(self.line, "{event} {number}");
        self.send();
    }

    /// A backslash and a line end within the path are written as `\\` and `\n`.
    fn send_path(&mut self, event: &str, path: &Path) {
        use std::os::unix::ffi::OsStrExt;
        self.line.extend_from_slice(event.as_bytes());
        self.line.push(b' ');
        for &byte in path.as_os_str().as_bytes() {
            match byte {
                b'\n' => self.line.extend_from_slice(b"\\n"),
                b'\\' => self.line.extend_from_slice(b"\\\\"),
                _ => self.line.push(byte),
            }
        }
        self.line.push(b'\n');
        self.send();
    }

    fn send(&mut self) {
        if self.watcher.as_mut().is_some_and(|watcher| watcher.write_all(&self.line).is_err()) {
            self.watcher = None;
        }
        self.line.clear();
    }
}
