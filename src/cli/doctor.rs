//! `memreel doctor`: what is here, what is missing, what can be measured.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, Failure, print_lines};
use crate::engine::{self, Companions, Engine, Installation, Missing};
use crate::scenario::{EngineName, RECIPES, Recipe};
use memreel_record::group::Groups;
use memreel_record::machine;
use memreel_trace::Machine;
use memreel_trace::units::Bytes;

/// List the installed engines and what this machine can measure
#[derive(Debug, Args)]
pub struct DoctorCommand {
    /// List every encoder and container of every engine
    #[arg(long)]
    encoders: bool,
}

/// Encoders that scenarios usually ask for.
const USUAL: &[&str] =
    &["libx264", "libx265", "libsvtav1", "mpeg4", "ffv1", "prores_ks", "aac", "libopus", "flac"];

impl DoctorCommand {
    /// Prints what it found; 4 when an engine is missing.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        let companions = Companions::usual();
        let engines: Vec<_> =
            EngineName::ALL.iter().map(|&name| engine::find(&name.into(), &companions)).collect();
        let launcher = companions.launcher();
        print_lines(out, |out| self.print(&engines, launcher.as_ref().map(PathBuf::as_path), out))?;
        // Nobody has to have the editor.
        let wanted = |name| name != EngineName::Rlvideo || companions.rlvideo().is_some();
        let mut wanted_ones = engines.iter().filter(|engine| wanted(engine.name()));
        let all_here = wanted_ones.all(|engine| engine.installation().is_ok());
        Ok(match (launcher.is_ok(), all_here) {
            (false, _) => Exit::HarnessFailed,
            (true, false) => Exit::EngineFailed,
            (true, true) => Exit::Fine,
        })
    }

    fn print(
        &self,
        engines: &[Box<dyn Engine>],
        launcher: Result<&Path, &Missing>,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        writeln!(out, "Engines")?;
        for engine in engines {
            self.print_engine(engine.as_ref(), out)?;
        }
        writeln!(
            out,
            "\nEngines that are recipes (nobody has to have them; `memreel engines` says what they are)"
        )?;
        for recipe in RECIPES.iter().filter_map(|(name, _)| Recipe::shipped(name)) {
            let engine = engine::find(&(&recipe).into(), &Companions::usual());
            match engine.installation() {
                Ok(here) => writeln!(
                    out,
                    "  {}  {}  {}",
                    recipe.name,
                    here.record.version,
                    here.record.path.display()
                )?,
                Err(missing) => writeln!(out, "  {}  not found: {missing}", recipe.name)?,
            }
        }
        writeln!(out, "\nCompanions")?;
        match launcher {
            Ok(path) => writeln!(out, "  memreel-launch  {}", path.display())?,
            Err(missing) => writeln!(out, "  memreel-launch  missing: {missing}")?,
        }
        writeln!(out, "\nAllocators that can replace the C library's (`--allocator`)")?;
        for (allocator, file) in engine::allocators() {
            match file {
                Ok(file) => writeln!(out, "  {allocator}  {}", file.display())?,
                Err(missing) => writeln!(out, "  {missing}")?,
            }
        }
        writeln!(out, "\nMachine")?;
        print_machine(&machine::describe(), out)
    }

    fn print_engine(&self, engine: &dyn Engine, out: &mut dyn Write) -> Result<(), Failure> {
        match engine.installation() {
            Err(missing) => {
                writeln!(out, "  {}  not found: {}", engine.name(), missing.what)?;
                writeln!(out, "      {}", missing.advice)?;
            }
            Ok(here) => {
                let record = &here.record;
                writeln!(out, "  {}  {}  {}", record.name, record.version, record.path.display())?;
                let package = record.package.as_deref().unwrap_or("not from a package of the distribution");
                writeln!(out, "      build {} ({package})", record.build)?;
                let libraries: Vec<_> =
                    record.libraries.iter().map(|(name, version)| format!("{name} {version}")).collect();
                writeln!(out, "      {}", libraries.join(", "))?;
                self.print_encoders(here, out)?;
            }
        }
        Ok(())
    }

    fn print_encoders(&self, here: &Installation, out: &mut dyn Write) -> Result<(), Failure> {
        let all = || here.video_encoders.iter().chain(&here.audio_encoders).map(String::as_str);
        if self.encoders {
            for (kind, names) in [
                ("video encoders", &here.video_encoders),
                ("audio encoders", &here.audio_encoders),
                ("containers", &here.containers),
            ] {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                writeln!(out, "      {kind}: {}", names.join(" "))?;
            }
            return Ok(());
        }
        let usual: Vec<_> = USUAL.iter().filter(|usual| all().any(|name| name == **usual)).copied().collect();
        writeln!(
            out,
            "      {} encoders, including {} (--encoders lists all)",
            all().count(),
            usual.join(" ")
        )?;
        Ok(())
    }
}

fn print_machine(machine: &Machine, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "  {}, kernel {}", machine.system, machine.kernel)?;
    writeln!(
        out,
        "  {} CPUs ({}), {:.1} GiB of memory, {:.1} GiB of swap",
        machine.cpus,
        machine.cpu,
        machine.memory_bytes.mib() / 1024.0,
        machine.swap_bytes.mib() / 1024.0
    )?;
    let pss = if machine::has_pss() { "yes (smaps_rollup)" } else { "no: this kernel has no smaps_rollup" };
    writeln!(out, "  proportional set size (PSS): {pss}")?;
    writeln!(out, "  resident counters of a process: {}", exactness(machine))?;
    writeln!(out, "  memory limits by control groups: {}", groups())?;
    let confined = if machine::has_landlock() { "yes (Landlock)" } else { "no: this kernel has no Landlock" };
    writeln!(out, "  engines write only in their result: {confined}")?;
    Ok(())
}

fn exactness(machine: &Machine) -> String {
    let bounds = (machine::counter_error(machine, 1), machine::counter_error(machine, 32));
    match bounds {
        (None, _) | (_, None) => "unknown: the kernel's release has an unknown form".into(),
        (Some(Bytes::ZERO), Some(Bytes::ZERO)) => "exact on this kernel".into(),
        (Some(one), Some(many)) if one == many => format!("may be off by {one}"),
        (Some(one), Some(many)) => format!("may be off by {one} (1 thread) to {many} (32 threads)"),
    }
}

fn groups() -> String {
    match Groups::take() {
        Ok(groups) => format!("cgroup {}, below {}", groups.version(), groups.folder().display()),
        Err(error) => format!("no: {error}"),
    }
}
