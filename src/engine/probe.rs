//! Finds programs and asks them what they are.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::{Found, Missing};
use crate::digest;

/// A program that has not answered by then will not.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the programs that belong to memreel are looked for, and an editor that has no place of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companions {
    folders: Vec<PathBuf>,
    rlvideo: Option<PathBuf>,
}

impl Companions {
    /// Beside the running executable, then in `$MEMREEL_LIBEXEC`.
    pub fn usual() -> Companions {
        let beside =
            std::env::current_exe().ok().and_then(|path| Some(path.canonicalize().ok()?.parent()?.into()));
        let stated = std::env::var_os("MEMREEL_LIBEXEC").map(PathBuf::from);
        let rlvideo =
            std::env::var_os("MEMREEL_RLVIDEO").filter(|value| !value.is_empty()).map(PathBuf::from);
        Companions { folders: beside.into_iter().chain(stated).collect(), rlvideo }
    }

    /// Only in this folder.
    pub fn in_folder(folder: &Path) -> Companions {
        Companions { folders: vec![folder.to_path_buf()], rlvideo: None }
    }

    /// With this checkout of the editor rlvideo, where one is named.
    pub fn with_rlvideo(self, checkout: Option<&Path>) -> Companions {
        Companions { rlvideo: checkout.map(PathBuf::from).or(self.rlvideo), ..self }
    }

    /// The checkout of the editor rlvideo that the user named, or `$MEMREEL_RLVIDEO`.
    pub fn rlvideo(&self) -> Option<&Path> {
        self.rlvideo.as_deref()
    }

    /// The launcher.
    ///
    /// # Errors
    /// When it is in none of the folders.
    pub fn launcher(&self) -> Found {
        self.find("memreel-launch", "build or install memreel again: the launcher comes with it")
    }

    /// The exporter.
    ///
    /// # Errors
    /// When it is in none of the folders.
    pub fn exporter(&self) -> Found {
        self.find(
            "memreel-export",
            "build it with `cargo build --release --workspace` (`make setup` installs FFmpeg's libraries), \
             or name its folder in MEMREEL_LIBEXEC",
        )
    }

    fn find(&self, name: &str, advice: &str) -> Found {
        let found = self.folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
        found.ok_or_else(|| {
            let folders: Vec<_> = self.folders.iter().map(|folder| folder.display().to_string()).collect();
            Missing { what: format!("{name} is not in {}", folders.join(" or ")), advice: advice.into() }
        })
    }
}

/// The program that a shell would run for this name.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// What a program prints on standard output; `None` when it fails or does not answer in time.
pub fn output_of(program: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Option<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdout = child.stdout.take()?;
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stdout.read_to_end(&mut text);
        let _ = send.send(text);
    });
    let text = receive.recv_timeout(PATIENCE);
    if text.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    status.success().then(|| String::from_utf8_lossy(&text.unwrap_or_default()).into_owned())
}

/// The shared libraries that a program or library is linked with: name and file.
pub fn linked_libraries(file: &Path) -> BTreeMap<String, PathBuf> {
    let listing = on_path("ldd").and_then(|ldd| output_of(&ldd, [file])).unwrap_or_default();
    let line = |line: &str| {
        let (name, rest) = line.split_once("=>")?;
        Some((name.trim().to_string(), PathBuf::from(rest.split_whitespace().next()?)))
    };
    listing.lines().filter_map(line).collect()
}

/// The Debian package that a file comes from, with its version: `melt 7.12.0-1+deb12u1`.
pub fn package_of(file: &Path) -> Option<String> {
    let dpkg = on_path("dpkg-query")?;
    // The packages' own lists may name the file as it was before /usr was merged, or after.
    let real = file.canonicalize().ok()?;
    let merged = real.strip_prefix("/usr").map(|rest| Path::new("/").join(rest));
    let owner = [Some(real.clone()), merged.ok()].into_iter().flatten().find_map(|path| {
        let found = output_of(&dpkg, [OsStr::new("--search"), path.as_os_str()])?;
        Some(found.split_once(": ")?.0.to_string())
    })?;
    output_of(&dpkg, ["--show", "--showformat=${Package} ${Version}", &owner])
}

/// `59.37.100` of a library that is really `libavcodec.so.59.37.100`.
pub fn library_version(file: &Path) -> Option<String> {
    let real = file.canonicalize().ok()?;
    let (_, version) = real.file_name()?.to_str()?.split_once(".so.")?;
    Some(version.to_string())
}

/// A digest of a program's file and of the versions of the libraries that do the work.
pub fn build_digest(program: &Path, libraries: &BTreeMap<String, String>) -> Option<String> {
    let mut content = std::fs::read(program).ok()?;
    for (name, version) in libraries {
        content.extend(format!("\n{name} {version}").bytes());
    }
    Some(digest::of(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_has_no_answer() {
        let shell = on_path("sh").unwrap();
        assert_eq!(output_of(&shell, ["-c", "echo yes"]).as_deref(), Some("yes\n"));
        assert_eq!(output_of(&shell, ["-c", "echo no; exit 3"]), None);
    }

    #[test]
    fn a_missing_companion_is_named_with_its_folder() {
        let missing = Companions::in_folder(Path::new("/nowhere")).launcher().unwrap_err();
        assert!(missing.what.contains("memreel-launch") && missing.what.contains("/nowhere"), "{missing:?}");
    }
}
