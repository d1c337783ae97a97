//! `memreel layout`: the same project with other tracks.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Exit, Failure, say};
use crate::store;
use memreel_projects::mlt::{self, Layout as Tracks};
use memreel_projects::project;

/// Write a project as MLT XML with other tracks, with the same frames and sound
///
/// Do the many tracks and nested sequences that an editor generates cost memory or time? Write the project
/// without them, and export both. memreel makes only changes that provably leave frames and sound the same: a filter,
/// or a transition that may have an effect where a track is empty, stays with its tracks. Standard error lists the
/// changes, and what was kept and why.
///
/// flat: nested sequences are replaced by their content, tracks that show nothing are removed, tracks whose clips
/// never overlap are joined. stacked: one track per clip. sections: a playlist of sequences, as rlvideo generates it.
/// The last two need a project that consists of clips, gaps and summed sound once it is flat.
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
    /// Layout of its clips
    #[arg(long, value_enum, value_name = "LAYOUT")]
    to: To,
    /// Output file; default: standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A layout.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum To {
    /// As few tracks and as little nesting as possible
    Flat,
    /// One track per clip
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
