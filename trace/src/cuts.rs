//! Where the clips of an export begin, for who exported without us and knows it.

use std::path::Path;

use memreel_bounds as bounds;

use crate::fault::{FileFault, TraceError};
use crate::table::nonsense;
use crate::units::whole;

/// Reads the frames at which a clip begins, a number a line, in any order: what
/// [`RunContext::cuts`](crate::RunContext::cuts) holds, sorted, each once.
///
/// Empty lines and what follows a `#` are passed over, and so is frame 0, at which the export begins.
///
/// # Errors
/// When the file cannot be read, or a line is no frame's number.
pub fn read_cuts(path: &Path) -> Result<Vec<u64>, TraceError> {
    let read = || cuts(&bounds::read(path, bounds::DOCUMENT_BYTES)?);
    read().map_err(|source| TraceError { path: path.to_path_buf(), source })
}

fn cuts(text: &[u8]) -> Result<Vec<u64>, FileFault> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut cuts = Vec::new();
    for (line, number) in text.split(|&byte| byte == b'\n').zip(1..) {
        let said = line.split(|&byte| byte == b'#').next().unwrap_or_default().trim_ascii();
        if !said.is_empty() {
            let no_frame = || FileFault::Line { number, what: nonsense("the frame number", said) };
            cuts.push(whole(said).ok_or_else(no_frame)?);
        }
    }
    cuts.retain(|cut| *cut > 0);
    cuts.sort_unstable();
    cuts.dedup();
    Ok(cuts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &[u8]) -> Result<Vec<u64>, String> {
        cuts(text).map_err(|fault| fault.to_string())
    }

    #[test]
    fn cuts_are_sorted_and_each_is_there_once() {
        let text = b"\xef\xbb\xbf# where clips begin\r\n0\r\n250\r\n\r\n 100 # the second\r\n250";
        assert_eq!(told(text), Ok(vec![100, 250]));
        assert_eq!((told(b""), told(b"# none\n")), (Ok(vec![]), Ok(vec![])));
    }

    #[test]
    fn a_line_that_is_no_frames_number_is_named() {
        for (text, what) in
            [("100\n\n2.5\n", "line 3: `2.5`"), ("-1", "line 1: `-1`"), ("1 2\n", "line 1: `1 2`")]
        {
            let told = told(text.as_bytes()).unwrap_err();
            assert!(told.starts_with(what) && told.contains("the frame number"), "{told}");
        }
    }

    #[test]
    fn a_file_of_cuts_that_is_missing_is_named() {
        let error = read_cuts(Path::new("/nowhere/cuts.txt")).unwrap_err();
        assert!(error.is_missing() && error.to_string().starts_with("/nowhere/cuts.txt: "), "{error}");
    }
}
