//! The most that memreel takes from a file that others wrote, in one table, and reading no more than that.
//!
//! A file may be larger than memory, or small and stand for more than there is memory or time for. Each reader of
//! such files has a bound here, and names it in its error. `docs/bounds.md` has the same table; a test holds
//! them equal. Bounds of *what memreel is asked to do* (threads, jobs, repeats) are not here but beside the key that
//! asks.

#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Declares the bounds once: as constants, and as a table.
macro_rules! bounds {
    ($($(#[doc = $doc:literal])+ $name:ident = $value:expr;)+) => {
        $($(#[doc = $doc])+ pub const $name: u64 = $value;)+

        /// Name and value of each bound, in the order of the table.
        pub const ALL: &[(&str, u64)] = &[$((stringify!($name), $name),)+];
    };
}

const MIB: u64 = 1 << 20;

bounds! {
    /// Bytes of an editor's project or an OpenTimelineIO file.
    PROJECT_BYTES = 32 * MIB;
    /// XML elements of a project – services, entries, properties – and their attributes.
    PROJECT_ELEMENTS = 750_000;
    /// Producers, chains, playlists and tractors of a project.
    PROJECT_SERVICES = 250_000;
    /// XML elements inside each other.
    PROJECT_ELEMENT_DEPTH = 64;
    /// Playlists and tractors inside each other.
    PROJECT_NESTING = 64;
    /// Tracks of one tractor.
    PROJECT_TRACKS = 500;
    /// Tracks times transitions and filters of one tractor.
    PROJECT_MIXES = 1_000_000;
    /// Clips, gaps and sequences that a project plays, a sequence that is used twice counted twice.
    PROJECT_CLIPS = 150_000;
    /// Bytes of text of all that a project plays, a sequence that is used twice counted twice.
    PROJECT_PLAYED_BYTES = 64 * MIB;
    /// Bytes of a scenario.
    SCENARIO_BYTES = MIB;
    /// Bytes of a JSON document of a result or a recording, and of a list of cuts.
    DOCUMENT_BYTES = 16 * MIB;
    /// Bytes of a baseline.
    BASELINE_BYTES = 4 * MIB;
    /// Shards of a plan.
    SHARDS = 10_000;
    /// Bytes of a table of samples.
    TABLE_BYTES = 1024 * MIB;
    /// Bytes of a line of a table of samples.
    TABLE_LINE_BYTES = MIB;
    /// Lines of a table of samples.
    TABLE_LINES = 10_000_000;
    /// Bytes of a table that is kept whole: events, threads.
    KEPT_TABLE_BYTES = 128 * MIB;
    /// Lines of a table that is kept whole.
    KEPT_TABLE_LINES = 2_000_000;
}

/// A file that is read up to a bound, and an error beyond it.
#[derive(Debug)]
pub struct BoundedFile {
    file: File,
    left: u64,
    most: u64,
}

/// Opens a file, or a folder, to be read. Nobody is waited for: a pipe may have no writer, and a device no end.
///
/// # Errors
/// When it cannot be opened, or is something else.
pub fn open_file(path: &Path) -> io::Result<File> {
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(|error| {
        // So the system calls a socket.
        if error.raw_os_error() == Some(libc::ENXIO) { not_a_file("socket") } else { error }
    })?;
    let kind = file.metadata()?.file_type();
    match kind.is_file() || kind.is_dir() {
        true => Ok(file),
        false => Err(not_a_file(if kind.is_fifo() { "pipe" } else { "device" })),
    }
}

fn not_a_file(kind: &str) -> io::Error {
    let told = format!("this is a {kind}; write its content to a file, and name that");
    io::Error::new(io::ErrorKind::InvalidInput, told)
}

/// Opens a file of at most `most` bytes.
///
/// # Errors
/// When it cannot be opened, is no file, or is known to have more.
pub fn open(path: &Path, most: u64) -> io::Result<BoundedFile> {
    let file = open_file(path)?;
    match file.metadata()?.len() > most {
        true => Err(too_large(most)),
        false => Ok(BoundedFile { file, left: most, most }),
    }
}

impl Read for BoundedFile {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(room)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| too_large(self.most))?;
        Ok(read)
    }
}

/// Reads a file of at most `most` bytes. Reading stops at the bound, also of a file without an end.
///
/// # Errors
/// When it cannot be read, or has more bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut file = open(path, most)?;
    let mut content = Vec::with_capacity(file.file.metadata()?.len() as usize);
    file.read_to_end(&mut content)?;
    Ok(content)
}

/// Reads a text file of at most `most` bytes.
///
/// # Errors
/// As [`read`], and with [`io::ErrorKind::InvalidData`] when it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8 text"))
}

/// Appends the next line, with its newline, to `line`, and returns its length: at most `most` bytes, zero at the end.
///
/// # Errors
/// When the text cannot be read, or the line is longer.
pub fn read_line(text: &mut impl BufRead, most: u64, line: &mut Vec<u8>) -> io::Result<usize> {
    let length = text.take(most + 1).read_until(b'\n', line)?;
    check_line(length as u64, most).map(|()| length)
}

/// Checks that a line of `length` bytes is within the bound.
///
/// # Errors
/// When it is longer.
pub fn check_line(length: u64, most: u64) -> io::Result<()> {
    let told = || format!("a line is longer than {}, the most that memreel reads", size(most));
    if length > most { Err(io::Error::new(io::ErrorKind::FileTooLarge, told())) } else { Ok(()) }
}

/// Checks that line `number` is within the bound.
///
/// # Errors
/// When there are more.
pub fn count_line(number: u64, most: u64) -> io::Result<()> {
    let told = || format!("more than {most} lines, the most that memreel reads");
    if number > most { Err(io::Error::new(io::ErrorKind::FileTooLarge, told())) } else { Ok(()) }
}

/// Whether an error says that a file is beyond a bound, or is no file. The system says the like of files that it may not
/// make longer.
pub fn is_refusal(error: &io::Error) -> bool {
    let kinds = [io::ErrorKind::FileTooLarge, io::ErrorKind::InvalidInput];
    kinds.contains(&error.kind()) && error.raw_os_error().is_none()
}

fn too_large(most: u64) -> io::Error {
    let told = format!("larger than {}, the most that memreel reads of such a file", size(most));
    io::Error::new(io::ErrorKind::FileTooLarge, told)
}

/// `64 MiB`; the bounds of bytes are whole ones, some of them KiB.
fn size(bytes: u64) -> String {
    if bytes.is_multiple_of(MIB) { format!("{} MiB", bytes / MIB) } else { format!("{bytes} B") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_most_bytes_is_read_and_one_of_a_byte_more_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "abcd").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"abcd");
        let told = read(&path, 3).unwrap_err().to_string();
        assert_eq!(told, "larger than 3 B, the most that memreel reads of such a file");
    }

    #[test]
    fn a_file_without_an_end_is_left_at_the_bound() {
        // The kernel says that it is empty, and writes it while it is read.
        let told = read(Path::new("/proc/self/status"), 64).unwrap_err().to_string();
        assert_eq!(told, "larger than 64 B, the most that memreel reads of such a file");
    }

    #[test]
    fn a_pipe_a_device_and_a_socket_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, kind) in [(&*pipe, "pipe"), (&*socket, "socket"), (Path::new("/dev/zero"), "device")] {
            let told = read(path, MIB).unwrap_err().to_string();
            assert_eq!(told, format!("this is a {kind}; write its content to a file, and name that"));
        }
    }

    #[test]
    fn a_line_may_have_so_many_bytes_with_its_end() {
        let mut text = "abc\nabcd\n".as_bytes();
        let mut line = Vec::new();
        assert_eq!(read_line(&mut text, 4, &mut line).unwrap(), 4);
        assert!(read_line(&mut text, 4, &mut line).unwrap_err().to_string().contains("longer than 4 B"));
    }
}
