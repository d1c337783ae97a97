//! `memreel engines`: what can export, and the recipes of those that are text.

use std::io::Write;

use clap::Args;

use super::{Exit, Failure, print_lines};
use crate::engine::{self, Companions};
use crate::scenario::{EngineChoice, EngineName, RECIPES, Recipe};

/// List the engines, or print the recipe of one as a start for your own
///
/// Four engines are part of memreel: ffmpeg (its own exporter), melt, mlt-python and rlvideo. All others are recipes: a
/// command with placeholders, and how its progress is read. A recipe stands in a scenario under [engines.NAME], or in a
/// file that `memreel run --engines FILE` adds to a scenario.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  memreel engines
  memreel engines --show ges > mine.toml
  memreel run forty-clips --engines mine.toml --engine ges,melt")]
pub struct EnginesCommand {
    /// Print the recipe of this engine
    #[arg(long, value_name = "NAME")]
    show: Option<String>,
}

impl EnginesCommand {
    /// Prints the list, or one recipe.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        match &self.show {
            Some(name) => out.write_all(recipe(name)?.as_bytes())?,
            None => print_lines(out, |out| list(out))?,
        }
        Ok(Exit::Fine)
    }
}

/// What each built-in engine is.
fn about(name: &EngineName) -> &'static str {
    match name {
        EngineName::Ffmpeg => "memreel-export, memreel's own exporter on FFmpeg's libraries",
        EngineName::Melt => "the command line of MLT",
        EngineName::MltPython => "MLT through its Python binding, as an application uses it",
        EngineName::Rlvideo => "the editor rlvideo, from a checkout",
        EngineName::Own(_) => "",
    }
}

fn list(out: &mut dyn Write) -> Result<(), Failure> {
    let companions = Companions::usual().asked(false);
    let built_in = EngineName::ALL.iter().map(|name| (EngineChoice::from(*name), about(name).to_string()));
    let recipes = RECIPES.iter().filter_map(|(name, _)| Recipe::shipped(name));
    let recipes = recipes.map(|recipe| ((&recipe).into(), recipe.about.clone().unwrap_or_default()));
    for (choice, about) in built_in.chain(recipes) {
        let found = engine::find(&choice, &companions);
        let state =
            found.installation().map_or_else(|missing| format!(" ({})", missing.what), |_| String::new());
        writeln!(out, "{:<12}{about}{state}", choice.to_string())?;
    }
    Ok(())
}

fn recipe(name: &str) -> Result<&'static str, Failure> {
    let found = RECIPES.iter().find(|(recipe, _)| *recipe == name);
    found.map(|(_, text)| *text).ok_or_else(|| {
        let names: Vec<_> = RECIPES.iter().map(|(name, _)| *name).collect();
        let what = match EngineName::ALL.iter().any(|engine| engine.name() == name) {
            true => format!("`{name}` is part of memreel and has no recipe"),
            false => format!("there is no engine `{name}`"),
        };
        Failure::usage(format!("{what}; recipes are {}", names.join(", ")))
    })
}
