//! `memreel-pages FOLDER`: man pages, completions of shells, the reference of the command line and the JSON Schemas of what
//! memreel writes, made from the command lines and the types themselves and laid out as below `/usr/share`.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_markdown::MarkdownOptions;
use memreel::schema::JsonDocument;

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
    match write_all(Path::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("memreel-pages: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write_all(folder: &Path) -> Result<(), Box<dyn Error>> {
    let place = made(folder.join("doc/memreel/docs"))?;
    fs::write(place.join("cli.md"), reference(&memreel::cli::command()))?;
    write_schemas(&made(place.join("schema"))?)?;
    let programs = [memreel::cli::command(), memreel_export::cli::Cli::command()];
    programs.into_iter().try_for_each(|program| write(program, folder))
}

/// A JSON Schema for each document that memreel writes.
fn write_schemas(folder: &Path) -> Result<(), Box<dyn Error>> {
    for JsonDocument { name, schema } in memreel::schema::documents() {
        fs::write(folder.join(format!("{name}.json")), format!("{:#}\n", schema.as_value()))?;
    }
    Ok(())
}

/// All commands of a program, with their options, on one page of Markdown.
fn reference(program: &Command) -> String {
    let options = MarkdownOptions::new().title("The command line".into()).show_footer(false);
    let page = clap_markdown::help_markdown_command_custom(&fenced(program.clone()), &options);
    // Blocks are one empty line apart, and a flag's values go without saying.
    let page = page.replace("\n\n  Possible values: `true`, `false`\n", "\n");
    let lines = page.lines().collect::<Vec<_>>();
    let mut kept: Vec<_> = lines.into_iter().map(str::trim_end).collect();
    kept.dedup_by(|line, before| line.is_empty() && before.is_empty());
    kept.join("\n") + "\n"
}

/// A command, and those below it, with their examples as they stand in a terminal.
fn fenced(command: Command) -> Command {
    let after = command.get_after_long_help().or(command.get_after_help());
    let after = after.map(|after| format!("```text\n{after}\n```"));
    let command = command.mut_subcommands(fenced);
    match after {
        Some(after) => command.after_long_help(after),
        None => command,
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
