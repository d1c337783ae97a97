//! `memreel --version`: what is built in, and the FFmpeg that the exporter is linked with.

use std::io::{self, Write};

use crate::engine::{self, Companions};
use memreel_judge::RULES_VERSION;

/// The commit that memreel was built from; build.rs sets it in release builds of a checkout or a published package.
const COMMIT: Option<&str> = option_env!("MEMREEL_COMMIT");

/// Whether the version was asked for in full: `--version`, not `-V`.
pub fn is_in_full(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> bool {
    arguments.into_iter().nth(1).is_some_and(|argument| argument == "--version")
}

/// Writes all that a bug report needs. Only the exporter is started, once.
pub fn print(companions: &Companions, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "memreel {}", env!("CARGO_PKG_VERSION"))?;
    let unknown = if cfg!(debug_assertions) { "not recorded in a debug build" } else { "unknown" };
    writeln!(out, "commit: {}", COMMIT.unwrap_or(unknown))?;
    writeln!(out, "rules: version {RULES_VERSION}")?;
    match engine::exporter_version(companions) {
        Ok(exporter) => writeln!(
            out,
            "FFmpeg: {} (memreel-export {}, {})",
            exporter.ffmpeg,
            exporter.version,
            exporter.path.display()
        ),
        Err(missing) => writeln!(out, "FFmpeg: unknown, because {}", missing.what),
    }
}
