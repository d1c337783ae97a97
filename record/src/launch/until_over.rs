//! A pipe that comes to its end even if somebody keeps its other end open.

use std::io::{PipeReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long nothing has to come when all is over, until nothing is expected any more.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Set when those who are known to write have ended.
#[derive(Debug, Clone, Default)]
pub struct WritersEnded(Arc<AtomicBool>);

impl WritersEnded {
    /// They have.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What is written into a pipe until its other end is closed, or, once the [writers have ended](WritersEnded), until
/// nothing more comes: a process that is none of ours may have been handed the other end.
#[derive(Debug)]
pub struct UntilOver {
    pipe: PipeReader,
    over: WritersEnded,
}

impl UntilOver {
    /// Reads this pipe.
    pub fn new(pipe: PipeReader, over: &WritersEnded) -> UntilOver {
        UntilOver { pipe, over: over.clone() }
    }

    fn is_readable(&self) -> std::io::Result<bool> {
        let within = Timespec { tv_sec: 0, tv_nsec: LAST_WORDS.as_nanos() as i64 };
        Ok(poll(&mut [PollFd::new(&self.pipe, PollFlags::IN)], Some(&within))? > 0)
    }
}

impl Read for UntilOver {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let was_over = self.over.is_set();
            if self.is_readable()? {
                return self.pipe.read(buffer);
            }
            if was_over {
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_was_written_is_read_and_an_open_pipe_comes_to_its_end_when_all_is_over() {
        let (pipe, mut kept_open) = std::io::pipe().unwrap();
        let over = WritersEnded::default();
        let mut reader = UntilOver::new(pipe, &over);
        kept_open.write_all(b"last words").unwrap();
        over.set();
        let mut said = String::new();
        assert_eq!(reader.read_to_string(&mut said).unwrap(), 10);
        assert_eq!(said, "last words");
    }
}
