//! How far a program is that does not tell us: a number in its output, or at the end of a file.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use regex::{Captures, Regex};
use rustix::fs::inotify;

use memreel_trace::units::Count;

/// The end of a file in which progress is looked for.
const TAIL: u64 = 4096;

/// The name of the group that is the number of frames.
const GROUP: &str = "frames";

/// The name of the group that is the time exported so far.
const TIME: &str = "time";

/// What `ffmpeg -progress FILE` writes, once a block.
const FFMPEG: &str = r"(?m)^frame=[ \t]*([0-9]+)[ \t]*$";

const NUMBER: &str = r"([0-9]+)";

/// Where in a text the number of frames stands.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The first that matches anything counts.
    regexes: Vec<Regex>,
    /// As the user gave it.
    given: Option<String>,
    /// The frame rate of the export, which converts a time into a number of frames.
    rate: f64,
}

/// Why a regular expression cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// It is none.
    #[error("{0}")]
    Syntax(#[from] regex::Error),
    /// It does not say which part is the number.
    #[error("put parentheses around the number, as in 'frame *([0-9]+)'")]
    NoGroup,
}

impl Pattern {
    /// A regular expression of which the group `frames`, or else the first, is the number.
    ///
    /// # Errors
    /// When it is none, or has no group.
    pub fn new(text: &str) -> Result<Pattern, PatternError> {
        let regex = Regex::new(text)?;
        if regex.captures_len() < 2 {
            return Err(PatternError::NoGroup);
        }
        Ok(Pattern { regexes: vec![regex], given: Some(text.to_string()), rate: 1.0 })
    }

    /// The same, where a second is so many frames: the group `time`, like `0:01:23.4` or `83.4`, is then a number of
    /// frames, too. Without a rate it is one of seconds.
    pub fn at_rate(self, rate: f64) -> Pattern {
        Pattern { rate, ..self }
    }

    /// For a file of which nothing is said: lines `frame=N`, or else the last number.
    pub fn usual_of_files() -> Pattern {
        let regexes = [FFMPEG, NUMBER].into_iter().filter_map(|text| Regex::new(text).ok());
        Pattern { regexes: regexes.collect(), given: None, rate: 1.0 }
    }

    /// For the blocks of lines that `ffmpeg -progress` writes.
    pub fn of_ffmpeg() -> Pattern {
        Pattern { regexes: Regex::new(FFMPEG).into_iter().collect(), given: None, rate: 1.0 }
    }

    /// The regular expression, where one was given.
    pub fn given(&self) -> Option<&str> {
        self.given.as_deref()
    }

    /// The number that is said last.
    pub fn last_in(&self, text: &str) -> Option<Count> {
        let number = |found| self.number(found);
        self.regexes.iter().find_map(|regex| regex.captures_iter(text).filter_map(number).last())
    }

    fn number(&self, found: Captures<'_>) -> Option<Count> {
        if let Some(time) = found.name(TIME) {
            return seconds(time.as_str()).map(|seconds| Count::new((seconds * self.rate).round() as u64));
        }
        let group = found.name(GROUP).or_else(|| found.get(1))?;
        group.as_str().parse().ok().map(Count::new)
    }
}

/// Hours, minutes and seconds, of which only the last may have a fraction; fewer of them are the last ones.
fn seconds(text: &str) -> Option<f64> {
    let digit = |c: char| c.is_ascii_digit() || c == ':' || c == '.';
    let mut parts = text.split(':').map(|part| part.parse::<f64>().ok());
    let seconds = parts.try_fold(0.0, |all, part| Some(all * 60.0 + part?))?;
    text.chars().all(digit).then_some(seconds)
}

/// A file whose end says how far a program is. The descriptor is readable when the file may have changed.
#[derive(Debug)]
pub struct ProgressFile {
    path: PathBuf,
    changes: OwnedFd,
    pattern: Pattern,
    /// As it was left behind by someone else before.
    stale: Option<State>,
}

/// What tells a file's content from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    inode: u64,
    bytes: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl ProgressFile {
    /// Begins to watch. Where the program is yet to be started, what the file says until it changes is of
    /// another one.
    ///
    /// # Errors
    /// When the folder of the file cannot be watched.
    pub fn watch(path: &Path, pattern: Pattern, is_stale: bool) -> std::io::Result<ProgressFile> {
        let changes = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let new_files = inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO;
        inotify::add_watch(&changes, folder.unwrap_or(Path::new(".")), new_files)?;
        let stale = if is_stale { File::open(path).ok().and_then(|file| state(&file)) } else { None };
        let file = ProgressFile { path: path.to_path_buf(), changes, pattern, stale };
        file.follow();
        Ok(file)
    }

    /// What it says now, if that is a number of this program.
    pub fn read(&mut self) -> Option<Count> {
        let mut changes = [0; 4096];
        while rustix::io::read(&self.changes, &mut changes).is_ok_and(|length| length > 0) {}
        // It may be another file of that name by now.
        self.follow();
        let file = File::open(&self.path).ok()?;
        let state = state(&file)?;
        if self.stale == Some(state) {
            return None;
        }
        self.stale = None;
        let mut tail = vec![0; state.bytes.min(TAIL) as usize];
        let length = file.read_at(&mut tail, state.bytes.saturating_sub(TAIL)).ok()?;
        self.pattern.last_in(&String::from_utf8_lossy(&tail[..length]))
    }

    fn follow(&self) {
        let _ = inotify::add_watch(&self.changes, &self.path, inotify::WatchFlags::MODIFY);
    }
}

fn state(file: &File) -> Option<State> {
    let about = file.metadata().ok().filter(|about| about.is_file())?;
    Some(State {
        inode: about.ino(),
        bytes: about.len(),
        seconds: about.mtime(),
        nanoseconds: about.mtime_nsec(),
    })
}

impl AsFd for ProgressFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.changes.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(pattern: &Pattern, text: &str) -> Option<u64> {
        pattern.last_in(text).map(Count::get)
    }

    #[test]
    fn the_named_group_or_the_first_is_the_number_and_the_last_match_counts() {
        let first = Pattern::new("([0-9]+) of ([0-9]+)").unwrap();
        assert_eq!(last(&first, "3 of 90, 4 of 90"), Some(4));
        let named = Pattern::new("([a-z]+)=(?P<frames>[0-9]+)").unwrap();
        assert_eq!(last(&named, "done=7"), Some(7));
        assert_eq!(last(&named, "nothing"), None);
    }

    #[test]
    fn a_time_is_as_many_frames_as_its_seconds_have() {
        let position = Pattern::new("<position: (?P<time>[0-9:.]+)").unwrap().at_rate(25.0);
        assert_eq!(last(&position, "<position: 0:01:02.480000000 duration: 0:02:00"), Some(1562));
        assert_eq!(last(&position, "<position: 3.2 "), Some(80));
        assert_eq!(last(&position, "<position: : "), None);
    }

    #[test]
    fn a_regular_expression_without_a_group_is_refused() {
        assert!(matches!(Pattern::new("frame [0-9]+"), Err(PatternError::NoGroup)));
        assert!(matches!(Pattern::new("frame ("), Err(PatternError::Syntax(_))));
    }

    #[test]
    fn ffmpegs_progress_is_understood_as_it_is_and_else_the_last_number() {
        let usual = Pattern::usual_of_files();
        let block = "frame=123\nfps=24.91\nbitrate=9.1kbits/s\nspeed=0.9x\nprogress=continue\n";
        assert_eq!(last(&usual, block), Some(123));
        assert_eq!(last(&usual, &format!("{block}frame=  130\nfps=9\n")), Some(130));
        assert_eq!(last(&usual, "step 4 of 9\nstep 5"), Some(5));
        assert_eq!(last(&usual, ""), None);
    }

    #[test]
    fn what_an_earlier_program_left_in_the_file_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress");
        std::fs::write(&path, "frame=500\n").unwrap();
        let mut file = ProgressFile::watch(&path, Pattern::usual_of_files(), true).unwrap();
        assert_eq!(file.read(), None);
        std::fs::write(&path, "frame=1\n").unwrap();
        assert_eq!(file.read(), Some(Count::new(1)));
        let mut attached = ProgressFile::watch(&path, Pattern::usual_of_files(), false).unwrap();
        assert_eq!(attached.read(), Some(Count::new(1)));
    }

    #[test]
    fn a_file_that_appears_later_or_is_replaced_is_noticed() {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress");
        let mut file = ProgressFile::watch(&path, Pattern::usual_of_files(), true).unwrap();
        let changed = |file: &ProgressFile| {
            poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&Timespec::default())).unwrap() > 0
        };
        assert!(!changed(&file));
        std::fs::write(&path, "frame=1\n").unwrap();
        assert!(changed(&file));
        assert_eq!(file.read(), Some(Count::new(1)));
        assert!(!changed(&file));
        std::fs::write(folder.path().join("new"), "frame=2\n").unwrap();
        std::fs::rename(folder.path().join("new"), &path).unwrap();
        assert!(changed(&file));
        assert_eq!(file.read(), Some(Count::new(2)));
        std::fs::write(&path, "frame=3\n").unwrap();
        assert!(changed(&file));
        assert_eq!(file.read(), Some(Count::new(3)));
    }
}
