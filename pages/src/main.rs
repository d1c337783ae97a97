//! `memreel-pages FOLDER`: man pages and completions of shells, made from the command lines themselves and laid out as
//! below `/usr/share`.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

/// Where each shell looks below `/usr/share`, and what it wants before and after a program's name in a file's.
const SHELLS: [(Shell, &str, &str, &str); 3] = [
    (Shell::Bash, "bash-completion/completions", "", ""),
    (Shell::Zsh, "zsh/vendor-completions", "_", ""),
    (Shell::Fish, "fish/vendor_completions.d", "", ".fish"),
];

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [folder] = arguments.as_slice() else {
        eprintln!("usage: memreel-pages FOLDER");
        return ExitCode::from(2);
    };
    let programs = [memreel::cli::command(), memreel_export::cli::Cli::command()];
    match programs.into_iter().try_for_each(|program| write(program, Path::new(folder))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("memreel-pages: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(program: Command, folder: &Path) -> Result<(), Box<dyn Error>> {
    let name = program.get_name().to_string();
    for (shell, place, before, after) in SHELLS {
        let place = made(folder.join(place))?;
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut program.clone(), &name, &mut text);
        fs::write(place.join(format!("{before}{name}{after}")), text)?;
    }
    // What clap adds to each command, and the names of those below: `memreel-run`.
    let mut program = program.disable_help_subcommand(true);
    program.build();
    write_pages(program, &made(folder.join("man/man1"))?)
}

/// A page for a command, and one for each below it.
fn write_pages(command: Command, folder: &Path) -> Result<(), Box<dyn Error>> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()).cloned() {
        write_pages(below, folder)?;
    }
    let source = concat!("memreel ", env!("CARGO_PKG_VERSION"));
    // An empty date would be left out, and what follows would take its place.
    let page = Man::new(command).date(" ").source(source).manual("memreel manual");
    page.generate_to(folder)?;
    Ok(())
}

fn made(folder: PathBuf) -> Result<PathBuf, Box<dyn Error>> {
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    Ok(folder)
}
