//! Finds programs and asks them what they are.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Found, Missing};
use crate::digest;
use memreel_record::launch::{self, EndStatus, Reply};

/// A program that has not answered by then will not.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the programs that belong to memreel are looked for, and an editor that has no place of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companions {
    folders: Vec<PathBuf>,
    rlvideo: Option<PathBuf>,
    asked: bool,
}

impl Companions {
    /// Beside the running executable, then in `$MEMREEL_LIBEXEC`.
    pub fn usual() -> Companions {
        let beside =
            std::env::current_exe().ok().and_then(|path| Some(path.canonicalize().ok()?.parent()?.into()));
        let stated = std::env::var_os("MEMREEL_LIBEXEC").map(PathBuf::from);
        let rlvideo =
            std::env::var_os("MEMREEL_RLVIDEO").filter(|value| !value.is_empty()).map(PathBuf::from);
        Companions { folders: beside.into_iter().chain(stated).collect(), rlvideo, asked: true }
    }

    /// Only in this folder.
    pub fn in_folder(folder: &Path) -> Companions {
        Companions { folders: vec![folder.to_path_buf()], rlvideo: None, asked: true }
    }

    /// With this checkout of the editor rlvideo, where one is named.
    pub fn with_rlvideo(self, checkout: Option<&Path>) -> Companions {
        Companions { rlvideo: checkout.map(PathBuf::from).or(self.rlvideo), ..self }
    }

    /// Where engines are only looked for: none is started to ask it what it is, unless `asked`.
    pub fn asked(self, asked: bool) -> Companions {
        Companions { asked, ..self }
    }

    /// What asks engines what they are; `None` where they are only looked for.
    pub fn probe(&self) -> Option<Probe> {
        self.asked.then(|| Probe::with(self))
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

/// The program that a path stands for: itself, or the one of this name in the folder that it is.
///
/// # Errors
/// When it is not there, or nothing that could be started.
pub fn chosen(path: &Path, name: Option<&str>) -> Found {
    let within = |name: &str| [path.join(name), path.join("bin").join(name)];
    let inside = name.filter(|_| path.is_dir()).map(within);
    let program = match &inside {
        Some(places) => places.iter().find(|place| place.is_file()).unwrap_or(&places[0]).as_path(),
        None => path,
    };
    let wrong = |what: &str| {
        let tilde = program.components().any(|part| part.as_os_str() == "~");
        let advice =
            if tilde { "write $HOME: only a shell expands ~" } else { "give another path after the @" };
        Err(Missing { what: format!("{} {what}", program.display()), advice: advice.into() })
    };
    match program.metadata() {
        Err(_) => wrong("does not exist"),
        Ok(meta) if meta.is_dir() => wrong("is a folder"),
        Ok(_) if !is_executable(program) => wrong("is not an executable file"),
        Ok(_) => Ok(program.into()),
    }
}

/// Asks programs what they are. They are started through the launcher: none outlives memreel, or keeps it waiting.
#[derive(Debug, Clone)]
pub struct Probe {
    launcher: Found,
}

impl Probe {
    /// With the launcher among these.
    pub fn with(companions: &Companions) -> Probe {
        Probe { launcher: companions.launcher() }
    }

    /// What a program prints on standard output; `None` when it fails or does not answer in time.
    pub fn output_of(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Option<String> {
        let answer = self.answer(program, arguments, &[])?;
        (answer.end == EndStatus::Exit(0)).then_some(answer.output)
    }

    /// What a program prints, and how it ends; `None` when it cannot be started or does not answer in time.
    pub fn answer(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        environment: &[(&str, &str)],
    ) -> Option<Reply> {
        self.ask(program, arguments, environment, None)
    }

    /// The same of a program that reads a file of somebody else's: it can write nowhere but among these.
    pub fn confined_answer(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        environment: &[(&str, &str)],
        writable: &[PathBuf],
    ) -> Option<Reply> {
        self.ask(program, arguments, environment, Some(writable))
    }

    fn ask(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        environment: &[(&str, &str)],
        writable: Option<&[PathBuf]>,
    ) -> Option<Reply> {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_os_string());
        let command: Vec<OsString> = [program.into()].into_iter().chain(arguments).collect();
        let asked = Instant::now();
        let in_time = || asked.elapsed() < PATIENCE;
        launch::ask(self.launcher.as_deref().ok()?, &command, environment, writable, in_time).ok()
    }

    /// The libraries that are really loaded when a program runs with these arguments: by a program that a script
    /// starts, too, by whatever path, and while it runs. Where the C library's loader does not say it, as that of
    /// glibc does, those that the program is linked with.
    pub fn loaded(&self, program: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Loaded {
        self.output_and_loaded(program, arguments).1
    }

    /// The same, and before it what the program prints, of the same run; `None` when it fails.
    pub fn output_and_loaded(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> (Option<String>, Loaded) {
        let answer = self.answer(program, arguments, &[("LD_DEBUG", "libs")]);
        let answer = answer.filter(|answer| answer.end == EndStatus::Exit(0));
        let (output, told) = answer.map(|answer| (answer.output, answer.errors)).unzip();
        let mut loaded = Loaded::told(&told.unwrap_or_default());
        if loaded.libraries.is_empty() {
            loaded.libraries = self.linked_libraries(program);
        }
        (output, loaded)
    }

    /// The shared libraries that a program or library is linked with: name and file.
    pub fn linked_libraries(&self, file: &Path) -> BTreeMap<String, PathBuf> {
        let listing = on_path("ldd").and_then(|ldd| self.output_of(&ldd, [file])).unwrap_or_default();
        let line = |line: &str| {
            let (name, rest) = line.split_once("=>")?;
            Some((name.trim().to_string(), PathBuf::from(rest.split_whitespace().next()?)))
        };
        listing.lines().filter_map(line).collect()
    }

    /// The Debian package that a file comes from, with its version: `melt 7.12.0-1+deb12u1`.
    pub fn package_of(&self, file: &Path) -> Option<String> {
        let dpkg = on_path("dpkg-query")?;
        // The packages' own lists may name the file as it was before /usr was merged, or after.
        let real = file.canonicalize().ok()?;
        let merged = real.strip_prefix("/usr").map(|rest| Path::new("/").join(rest));
        let owner = [Some(real.clone()), merged.ok()].into_iter().flatten().find_map(|path| {
            let found = self.output_of(&dpkg, [OsStr::new("--search"), path.as_os_str()])?;
            Some(found.split_once(": ")?.0.to_string())
        })?;
        self.output_of(&dpkg, ["--show", "--showformat=${Package} ${Version}", &owner])
    }
}

/// What was loaded while a program ran.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The program that loaded them, where a script started it and its path is known.
    pub program: Option<PathBuf>,
    /// Shared libraries: name and file.
    pub libraries: BTreeMap<String, PathBuf>,
}

impl Loaded {
    /// What glibc's loader says with `LD_DEBUG=libs`.
    fn told(text: &str) -> Loaded {
        let mut loaded = Loaded::default();
        for line in text.lines() {
            if let Some((_, file)) = line.split_once("calling init: ") {
                let file = Path::new(file.trim_end());
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                loaded.libraries.insert(name, file.into());
            }
            // The last that a script starts is the one that it is about.
            if let Some((_, file)) = line.split_once("initialize program: ") {
                loaded.program = Some(PathBuf::from(file.trim_end())).filter(|file| file.is_absolute());
            }
        }
        loaded
    }

    /// The file of the library whose name begins so.
    pub fn library(&self, beginning: &str) -> Option<&Path> {
        let found = self.libraries.iter().find(|(name, _)| name.starts_with(beginning));
        found.map(|(_, file)| file.as_path())
    }
}

/// Whether a file lies where distributions put libraries.
pub fn is_systems(file: &Path) -> bool {
    ["/lib", "/lib64", "/usr/lib", "/usr/lib64"].iter().any(|folder| file.starts_with(folder))
}

/// Whether a program is no script (ELF's first bytes).
pub fn is_machine_code(program: &Path) -> bool {
    let mut begin = [0; 4];
    let read = std::fs::File::open(program).and_then(|mut file| file.read_exact(&mut begin));
    read.is_ok() && begin == *b"\x7fELF"
}

/// `59.37.100` of a library that is really `libavcodec.so.59.37.100`.
pub fn library_version(file: &Path) -> Option<String> {
    let real = file.canonicalize().ok()?;
    let (_, version) = real.file_name()?.to_str()?.split_once(".so.")?;
    Some(version.to_string())
}

/// A digest of a program's file and of the libraries that do the work: of their versions, and of what files hold
/// that are no distribution's, since a library that was built again may have the version that it had before.
pub fn build_digest(program: &Path, libraries: &BTreeMap<String, String>, loaded: &Loaded) -> Option<String> {
    let mut content = std::fs::read(program).ok()?;
    for (name, version) in libraries {
        content.extend(format!("\n{name} {version}").bytes());
    }
    let of_script = loaded.program.as_deref().filter(|_| !is_machine_code(program));
    let own = loaded.libraries.values().map(PathBuf::as_path).filter(|file| {
        let real = file.canonicalize();
        !is_systems(real.as_deref().unwrap_or(file))
    });
    for file in own.chain(of_script) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let held = std::fs::read(file).map(digest::of).unwrap_or_default();
        content.extend(format!("\n{name} holds {held}").bytes());
    }
    Some(digest::of(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_has_no_answer() {
        let shell = on_path("sh").unwrap();
        let here = std::env::current_exe().unwrap();
        let probe = Probe::with(&Companions::in_folder(here.parent().and_then(Path::parent).unwrap()));
        assert_eq!(probe.output_of(&shell, ["-c", "echo yes"]).as_deref(), Some("yes\n"));
        assert_eq!(probe.output_of(&shell, ["-c", "echo no; exit 3"]), None);
    }

    #[test]
    fn a_missing_companion_is_named_with_its_folder() {
        let missing = Companions::in_folder(Path::new("/nowhere")).launcher().unwrap_err();
        assert!(missing.what.contains("memreel-launch") && missing.what.contains("/nowhere"), "{missing:?}");
    }
}
