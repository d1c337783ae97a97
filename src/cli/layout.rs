//! `memreel layout`: the same project with other tracks.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Exit, Failure, say};
use crate::mlt::{self, Layout as Tracks};
use crate::project;
use crate::store;

/// Write a project in MLT XML with other tracks, so that it shows and sounds the same
///
/// Do the many tracks and nested sequences that an editor generates cost memory or time? Write the project
/// without them, and export both. Only what can be shown to change nothing is changed: a filter, or a
/// transition that is not known to rest where a track shows nothing, stays with its tracks. What was done, and
/// what was left and why, is told on standard error.
///
/// flat: nested sequences are put in their place, tracks that show nothing go, tracks whose clips never meet
/// become one. stacked: a track for every clip. sections: a playlist of sequences, as rlvideo generates it. For the
/// last two a project has to be plain once it is flat: clips, gaps, and sound that is added up.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  memreel layout project.mlt --to flat -o flat.mlt
  memreel layout flat.mlt --to stacked -o stacked.mlt
  memreel layout holiday.kdenlive --to flat > flat.mlt
  for to in flat stacked sections; do memreel layout project.mlt --to $to -o $to.mlt; done")]
pub struct LayoutCommand {
    /// The project: .mlt or .kdenlive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How its clips are laid out
    #[arg(long, value_enum, value_name = "LAYOUT")]
    to: To,
    /// Where to write it; unless told, standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A layout.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum To {
    /// As few tracks and as little nesting as can be
    Flat,
    /// A track for every clip
    Stacked,
    /// A playlist of sequences, as an editor generates it
    Sections,
}

impl From<To> for Tracks {
    fn from(to: To) -> Tracks {
        match to {
            To::Flat => Tracks::Flat,
            To::Stacked => Tracks::Stacked,
            To::Sections => Tracks::Sections,
        }
    }
}

impl LayoutCommand {
    /// Reads the project, lays it out, writes it and tells what was done.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        let graph = project::open_graph(&self.file)?;
        let file = self.file.display();
        let laid_out = mlt::lay_out(&graph, self.to.into());
        let (graph, changes) = laid_out.map_err(|why| Failure::usage(format!("{file}: {why}")))?;
        let text = mlt::write(&graph);
        match &self.output {
            None => out.write_all(text.as_bytes())?,
            Some(path) => store::write_whole(path, text.as_bytes())?,
        }
        say(format_args!("{changes}"));
        Ok(Exit::Fine)
    }
}
