//! memreel-export: parse, dispatch, one line for an error, exit.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;
use memreel_export::about::About;
use memreel_export::cli::{Cli, Task};
use memreel_export::failure::Failure;
use memreel_export::{export, frames, libav, media};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match start(&cli).and_then(|()| run(cli.into_task())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody can be told about a stderr that is closed.
            let _ = writeln!(io::stderr(), "memreel-export: {}", failure.line());
            ExitCode::from(failure.exit_code())
        }
    }
}

fn start(cli: &Cli) -> Result<(), Failure> {
    libav::start(cli.is_verbose()).map_err(|cause| Failure::Refused(format!("cannot start FFmpeg: {cause}")))
}

fn run(task: Task) -> Result<(), Failure> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    match task {
        Task::Export(request) => export::run(&request),
        Task::MakeSource(request) => media::make(&request),
        Task::Frames { path, checksum } => frames::list(&path, checksum, &mut stdout),
        Task::CountFrames { path } => frames::count(&path, &mut stdout),
        Task::AudioBursts { path } => frames::list_bursts(&path, &mut stdout),
        Task::About { json } => tell(&About::ask(), json, &mut stdout),
    }
}

fn tell(about: &About, json: bool, out: &mut impl Write) -> Result<(), Failure> {
    let text = if json {
        let text = serde_json::to_string_pretty(about).expect("a tree of strings is JSON");
        format!("{text}\n")
    } else {
        about.to_string()
    };
    // A reader that went away has read enough.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    Ok(())
}
