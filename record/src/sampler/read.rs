//! Reads files of `/proc` without allocating.

use std::fmt::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

use arrayvec::ArrayString;
use rustix::fs::OFlags;
use rustix::io::Errno;

/// How a file is opened.
pub const FILE: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC);

/// `status` is the longest; on a machine with very many CPUs its masks grow, but come after what we read.
pub const LONGEST: usize = 4096;

/// Hands on the text of an open file, from its beginning.
pub fn with_text<T>(file: impl AsFd, take: impl FnOnce(&[u8]) -> T) -> Result<T, Errno> {
    let mut buffer = [MaybeUninit::<u8>::uninit(); LONGEST];
    let (text, _) = rustix::io::pread(file, &mut buffer[..], 0)?;
    Ok(take(text))
}

/// A short path without allocation.
pub fn path(parts: std::fmt::Arguments<'_>) -> ArrayString<64> {
    let mut path = ArrayString::new();
    // Two numbers and two short words always fit.
    let _ = path.write_fmt(parts);
    path
}
