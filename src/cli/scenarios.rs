//! `memreel scenarios`: what can be asked.

use std::io::Write;

use clap::Args;

use super::{Exit, Failure, changes, print_lines};
use crate::scenario::SHIPPED;

/// List the scenarios that come with memreel, each with its question
///
/// Run any of them by its name (`memreel run forty-clips`), or print one with --show and change it.
#[derive(Debug, Args)]
pub struct ScenariosCommand {
    /// Print the file of this scenario, as a start for your own
    #[arg(long, value_name = "NAME")]
    show: Option<String>,
}

impl ScenariosCommand {
    /// Prints the list, or one file.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        match &self.show {
            Some(name) => show(name, out)?,
            None => print_lines(out, |out| list(out))?,
        }
        Ok(Exit::Fine)
    }
}

fn list(out: &mut dyn Write) -> Result<(), Failure> {
    let width = SHIPPED.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, _) in SHIPPED {
        let scenario = changes::load(name, &[])?;
        writeln!(out, "{name:width$}  {}", scenario.question)?;
    }
    Ok(())
}

fn show(name: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let found = SHIPPED.iter().find(|(shipped, _)| *shipped == name);
    let (_, text) = found.ok_or_else(|| {
        let names: Vec<_> = SHIPPED.iter().map(|(name, _)| *name).collect();
        Failure::usage(format!("there is no scenario `{name}`; memreel has {}", names.join(", ")))
    })?;
    Ok(out.write_all(text.as_bytes())?)
}
