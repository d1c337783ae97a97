//! Passes what a command writes on, unchanged and at once, and listens on the way.

use std::fs::File;
use std::io::{ErrorKind, PipeReader, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use crate::launch::Lines;

/// How long what a command left running may still have its say.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Threads that pass output on.
#[derive(Debug)]
pub struct Relay {
    running: usize,
    ends: Receiver<()>,
    end: Sender<()>,
}

impl Relay {
    /// None yet.
    pub fn new() -> Relay {
        let (end, ends) = channel();
        Relay { running: 0, ends, end }
    }

    /// Passes on from one to the other until there is no more, and calls `heard` with the lines that come, of those that
    /// come at once with the last first, until one counts; a carriage return ends a line, too, as progress displays
    /// have it.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn pass_on(
        &mut self,
        from: PipeReader,
        to: File,
        heard: impl FnMut(&str) -> bool + Send + 'static,
    ) -> std::io::Result<()> {
        let end = self.end.clone();
        std::thread::Builder::new().name("relay".into()).spawn(move || {
            pass_on(from, to, heard);
            let _ = end.send(());
        })?;
        self.running += 1;
        Ok(())
    }

    /// Waits until all is passed on; where processes were left running that may write for ever, only for
    /// a moment.
    pub fn finish(mut self, are_some_left: bool) {
        while self.running > 0 {
            let ended = if are_some_left {
                self.ends.recv_timeout(LAST_WORDS)
            } else {
                self.ends.recv().map_err(RecvTimeoutError::from)
            };
            match ended {
                Ok(()) => self.running -= 1,
                Err(_) => return,
            }
        }
    }
}

/// When the other end does not want any more, the pipe is closed, and the command learns it as it would
/// without us.
fn pass_on(mut from: PipeReader, mut to: File, mut heard: impl FnMut(&str) -> bool) {
    let mut lines = Lines::default();
    let mut chunk = vec![0; 1 << 16];
    loop {
        match from.read(&mut chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => break,
            Ok(length) => {
                if write_all(&mut to, &chunk[..length]).is_err() {
                    return;
                }
                lines.take_last(&chunk[..length], &mut heard);
            }
        }
    }
    lines.end(|line| _ = heard(line));
}

/// Also where somebody else has made the terminal or pipe non-blocking.
fn write_all(to: &mut File, mut text: &[u8]) -> std::io::Result<()> {
    while !text.is_empty() {
        match to.write(text) {
            Ok(written) => text = &text[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                poll(&mut [PollFd::new(to, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
