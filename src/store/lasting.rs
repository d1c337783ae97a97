//! What lasts: a file or folder has its name only when its content is on the disk, whatever happens to the machine.
//!
//! Everything is written under another name, synced, and renamed; then the folder is synced that has the name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::StoreError;

/// What is written until it is whole.
const PARTIAL: &str = ".partial";

/// Writes a file that the user named. A link is followed, and a file that is replaced hands its permissions on; what is
/// no file – a pipe, a device – is written to as it is.
///
/// # Errors
/// When the folder cannot be written or the disk is full.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    if memreel_trace::is_special(path) {
        let open = OpenOptions::new().append(true).open(path);
        return of(path, open.and_then(|mut file| file.write_all(content)));
    }
    write_in_place(&fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf()), content)
}

/// Writes a file of a result's. It never leaves the result: a link of its name is replaced, not followed.
///
/// # Errors
/// When the folder cannot be written or the disk is full.
pub fn write_in_place(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(PARTIAL);
    let partial = PathBuf::from(partial);
    let there = fs::symlink_metadata(path).ok().filter(|meta| meta.is_file());
    let written = write_new(&partial, content)
        .and_then(|()| there.map_or(Ok(()), |there| fs::set_permissions(&partial, there.permissions())))
        .and_then(|()| rename(&partial, path));
    of(path, written).inspect_err(|_| {
        let _ = fs::remove_file(&partial);
    })
}

/// Gives a file or folder that was written its name.
///
/// # Errors
/// When it cannot be synced or renamed.
pub fn put(partial: &Path, whole: &Path) -> Result<(), StoreError> {
    of(whole, sync(partial).and_then(|()| rename(partial, whole)))
}

/// Sees to it that a file, or a folder with all that is in it, is on the disk.
///
/// # Errors
/// When the system cannot promise it.
pub fn sync(path: &Path) -> io::Result<()> {
    let kind = fs::symlink_metadata(path)?.file_type();
    if kind.is_dir() {
        fs::read_dir(path)?.try_for_each(|entry| sync(&entry?.path()))?;
        sync_folder(path);
    }
    if kind.is_file() {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

/// Into a file that was not there: whatever had its name, also a link, is removed.
fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")));
    Ok(())
}

/// The names in a folder. Some file systems cannot sync a folder: there it is not promised.
fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

fn of(path: &Path, done: io::Result<()>) -> Result<(), StoreError> {
    done.map_err(|source| StoreError::Io { path: path.to_path_buf(), source })
}

/// Removes from a job's folder what an engine may have put there that is neither a file nor a folder.
///
/// # Errors
/// When it cannot be removed.
pub fn remove_strangers(folder: &Path) -> Result<(), StoreError> {
    while let Some(path) = stranger_in(folder).or_else(|source| of(folder, Err(source)).map(|()| None))? {
        of(&path, fs::remove_file(&path))?;
    }
    Ok(())
}

/// Something in a folder that is neither a file nor a folder: its path.
///
/// # Errors
/// When the folder cannot be read.
pub fn stranger_in(folder: &Path) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if !kind.is_dir() && !kind.is_file() {
            return Ok(Some(path));
        }
        if let Some(found) = if kind.is_dir() { stranger_in(&path)? } else { None } {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_in_a_result_is_replaced_and_what_it_points_to_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, file) = (folder.path().join("secret"), folder.path().join("summary.csv"));
        fs::write(&secret, "old").unwrap();
        symlink(&secret, &file).unwrap();
        symlink(&secret, folder.path().join("summary.csv.partial")).unwrap();
        write_in_place(&file, b"new").unwrap();
        assert_eq!((fs::read(&file).unwrap(), fs::read(&secret).unwrap()), (b"new".into(), b"old".into()));
        assert!(fs::symlink_metadata(&file).unwrap().is_file());
    }
}
