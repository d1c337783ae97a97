//! `memreel inspect`: what an editor's project plays.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Exit, Failure, print_lines};
use crate::engine::{self, Companions};
use crate::execution;
use memreel_projects::mlt::Profile;
use memreel_projects::mlt::edit::ShownTrack;
use memreel_projects::mlt::graph::Hide;
use memreel_projects::project::{
    self, PlayedClip, Project, ProjectError, ProjectFetch, ProjectFormat, ProjectWrite, Reach,
};

/// Describe what an editor's project plays: tracks, clips, nesting, files, transitions, filters
///
/// A project is MLT XML (.mlt, as Shotcut, Flowblade and `melt -consumer xml` write it), Kdenlive's (.kdenlive),
/// or rlvideo's (.rlvideo). Only the played part counts: a sequence that is used twice counts twice, clips that are
/// only in a bin do not count. The number of tracks is the most that play at the same time, including those of nested
/// sequences. Nesting is the number of playlists and tractors inside each other, down to a clip.
///
/// Missing files are listed. They are not an error, because an editor would replace them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  memreel inspect holiday.kdenlive
  memreel inspect project.mlt --json | jq -r '.missing[]'
  memreel layout project.mlt --to flat -o flat.mlt && memreel inspect flat.mlt")]
pub struct InspectCommand {
    /// The project: .mlt, .kdenlive or .rlvideo
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print one JSON object; `cuts` and `first_used_at` are frames
    #[arg(long)]
    json: bool,
    /// Have the installed melt open the project: also list what it cannot load, and take lengths from it
    #[arg(long)]
    probe: bool,
    /// Also list the clips in the order of play: `memreel run --without clip:N` exports the project without one of them
    #[arg(long)]
    clips: bool,
}

impl From<ProjectError> for Failure {
    fn from(error: ProjectError) -> Failure {
        Failure::usage(error.to_string())
    }
}

impl InspectCommand {
    /// Reads the project and prints what it is.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        let companions = Companions::usual().asked(self.probe);
        let ask = |project: &Project| engine::opened(project, [], &companions);
        let project = project::open_as_played(&self.file, &ask)?;
        let clips = if self.clips { project.played_clips().unwrap_or_default() } else { Vec::new() };
        match self.json {
            true => {
                serde_json::to_writer_pretty(&mut *out, &InspectRecord::of(&project, &clips))
                    .map_err(std::io::Error::from)?;
                writeln!(out)?;
            }
            false => print_lines(out, |out| {
                print(&project, self.probe, out)?;
                Ok(print_clips(&clips, out)?)
            })?,
        }
        Ok(Exit::Fine)
    }
}

fn print(project: &Project, is_probed: bool, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{}", project.path.display())?;
    let mut line = |name: &str, value: String| writeln!(out, "  {name:<12} {value}");
    line("format", project.format.to_string())?;
    line("profile", profile(project))?;
    line("length", length(project))?;
    line("tracks", format!("{} at most at the same time", project.tracks))?;
    for track in shown_tracks(project) {
        line(&format!("  track {}", track.number), track_words(&track))?;
    }
    let cuts = project.cuts.len();
    line("clips", format!("{}, with {cuts} cut{}", project.clips, if cuts == 1 { "" } else { "s" }))?;
    line("nesting", format!("{} levels", project.nesting_depth))?;
    line("transitions", counts(&project.transitions))?;
    line("filters", counts(&project.filters))?;
    line("proxies", proxies(project.proxies))?;
    line("not loaded", not_loaded(project, is_probed))?;
    if let Some(consumer) = &project.consumer {
        line("consumer", format!("{consumer}: not used, exports have memreel's settings"))?;
    }
    line("writes", reached(project.reach.writes.len(), "file"))?;
    line("fetches", reached(project.reach.fetches.len(), "URL"))?;
    line("files", format!("{}, {} of them missing", project.sources.len(), project.missing.len()))?;
    let missing: HashSet<_> = project.missing.iter().collect();
    for (path, first) in project.sources.iter().zip(&project.first_uses) {
        let missing = if missing.contains(path) { "  MISSING" } else { "" };
        writeln!(out, "    from frame {first:<7} {}{missing}", path.display())?;
    }
    print_reach(project, out)
}

/// What MLT leaves out of an export on this machine.
fn not_loaded(project: &Project, is_probed: bool) -> String {
    match &project.not_loaded {
        Some(missed) if missed.is_empty() => "nothing: melt loads everything".into(),
        Some(missed) => execution::counted(missed).join(", "),
        None if !is_probed => "unknown: --probe has melt open the project".into(),
        None if project.format == ProjectFormat::Rlvideo => {
            "unknown: melt does not open .rlvideo projects".into()
        }
        None if project.reach != Reach::default() => {
            "unknown: melt does not open a project that writes or fetches".into()
        }
        None => "unknown: melt is not installed, or did not open the project".into(),
    }
}

fn proxies(count: usize) -> String {
    match count {
        0 => "none".into(),
        _ => format!("{count}: their originals are exported (`run --media proxy` exports the proxies)"),
    }
}

/// The clips, a line each.
fn print_clips(clips: &[PlayedClip], out: &mut dyn Write) -> std::io::Result<()> {
    let mut numbered = clips.iter().zip(1..);
    numbered.try_for_each(|(clip, number)| {
        writeln!(out, "    clip {number:<6} from frame {:<7} {}", clip.at, clip.name)
    })
}

/// The tracks as the editor shows them; a project of rlvideo has none.
fn shown_tracks(project: &Project) -> Vec<ShownTrack> {
    project.shown_tracks().unwrap_or_default()
}

fn track_words(track: &ShownTrack) -> String {
    let what = match (track.is_empty, track.hide) {
        (true, _) => ", empty",
        (false, Hide::Nothing) => "",
        (false, Hide::Video) => ", sound only",
        (false, Hide::Audio) => ", pictures only",
        (false, Hide::Both) => ", hidden",
    };
    format!("{}{what}", track.name)
}

/// What it reaches for beside its files, a line each.
fn print_reach(project: &Project, out: &mut dyn Write) -> std::io::Result<()> {
    for write in &project.reach.writes {
        let alone = if write.in_an_export { "" } else { "  only when melt plays the project alone" };
        writeln!(out, "    {} writes {} ({}){alone}", write.by, write.file.display(), write.property)?;
    }
    for fetch in &project.reach.fetches {
        writeln!(out, "    {} fetches {} ({})", fetch.by, fetch.url, fetch.property)?;
    }
    Ok(())
}

fn reached(count: usize, what: &str) -> String {
    match count {
        0 => "nothing".into(),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

fn clip_record((number, clip): (usize, &PlayedClip)) -> ClipRecord<'_> {
    ClipRecord { number, begins_at: clip.at, name: &clip.name }
}

fn write_record(write: &ProjectWrite) -> WriteRecord<'_> {
    let ProjectWrite { by, property, file, in_an_export } = write;
    WriteRecord { by, property, file, in_an_export: *in_an_export }
}

fn fetch_record(fetch: &ProjectFetch) -> FetchRecord<'_> {
    let ProjectFetch { by, property, url } = fetch;
    FetchRecord { by, property, url }
}

fn profile(project: &Project) -> String {
    match project.profile {
        Some(profile) => format!("{}x{} at {} frames/s", profile.width, profile.height, profile.rate),
        None => "none: MLT uses that of the first clip".into(),
    }
}

fn length(project: &Project) -> String {
    match seconds(project) {
        Some(seconds) => format!("{} frames, {seconds:.2} s", project.frames),
        None => format!("{} frames", project.frames),
    }
}

fn seconds(project: &Project) -> Option<f64> {
    project.profile.map(|profile| project.frames as f64 / profile.rate.as_f64())
}

fn counts(counts: &BTreeMap<String, usize>) -> String {
    let each: Vec<_> = counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    if each.is_empty() { "none".into() } else { each.join(", ") }
}

/// An editor's project, as it is played.
#[derive(Serialize, JsonSchema)]
pub struct InspectRecord<'a> {
    /// The file of the project.
    file: &'a Path,
    /// The format of the project.
    #[schemars(extend("enum" = ["mlt", "kdenlive", "rlvideo"]))]
    format: &'static str,
    /// The size and rate of its frames. Unknown if MLT takes them from the first clip.
    profile: Option<ProfileRecord>,
    /// Its length, in frames.
    frames: u64,
    /// Its length, in seconds.
    seconds: Option<f64>,
    /// The most tracks that play at the same time.
    tracks: usize,
    /// The tracks as the editor shows them, from the lowest; empty if the project has only one.
    shown_tracks: Vec<TrackRecord>,
    /// The number of clips.
    clips: usize,
    /// The number of playlists and tractors inside each other, down to a clip.
    nesting_depth: usize,
    /// The clips in the order of play, with `--clips`.
    played_clips: Vec<ClipRecord<'a>>,
    /// Every file, in the order of first use.
    sources: Vec<SourceRecord<'a>>,
    /// The files that do not exist.
    missing: &'a [PathBuf],
    /// Frames at which a clip begins, without the first frame.
    cuts: &'a [u64],
    /// The number of transitions of each kind.
    transitions: &'a BTreeMap<String, usize>,
    /// The number of filters of each kind, and of links of chains.
    filters: &'a BTreeMap<String, usize>,
    /// The number of producers that play a proxy in the file. Everything else here is about their originals.
    proxies: usize,
    /// What MLT cannot load, and how often it is used: filters, transitions and links by name, producers by resource.
    /// Unknown if MLT did not open the project (`--probe`).
    not_loaded: Option<&'a BTreeMap<String, usize>>,
    /// The service of its own consumer, if it has one. Exports do not use it.
    consumer: Option<&'a str>,
    /// The files that it would write, beside the export.
    writes: Vec<WriteRecord<'a>>,
    /// What it would fetch by a protocol of FFmpeg.
    fetches: Vec<FetchRecord<'a>>,
}

/// A clip as it is played.
#[derive(Serialize, JsonSchema)]
struct ClipRecord<'a> {
    /// Its number, from 1: `--without clip:NUMBER`.
    number: usize,
    /// The frame at which it begins.
    begins_at: u64,
    /// Its file as the project names it, or the id of a title or generator.
    name: &'a str,
}

/// A track as the editor shows it.
#[derive(Serialize, JsonSchema)]
struct TrackRecord {
    /// Its number, from 1 for the lowest: `--without track:NUMBER`.
    number: usize,
    /// The name that the editor gave it, or its id in the file.
    name: String,
    /// What is left out of it: `video`, `audio` or `both`.
    hide: Option<&'static str>,
    /// Whether nothing is on it.
    is_empty: bool,
}

impl TrackRecord {
    fn of(track: ShownTrack) -> TrackRecord {
        let ShownTrack { number, name, hide, is_empty, .. } = track;
        TrackRecord { number, name, hide: hide.word(), is_empty }
    }
}

/// A file that a project would write.
#[derive(Serialize, JsonSchema)]
struct WriteRecord<'a> {
    /// The service that writes it.
    by: &'a str,
    /// The property that names it.
    property: &'a str,
    /// The file; `/` if it may be any file.
    file: &'a Path,
    /// Whether an export writes it. Otherwise only `melt` does when it plays the project alone.
    in_an_export: bool,
}

/// Something that a project would fetch.
#[derive(Serialize, JsonSchema)]
struct FetchRecord<'a> {
    /// The service that reads it.
    by: &'a str,
    /// The property that names it.
    property: &'a str,
    /// What it reads.
    url: &'a str,
}

/// The frames that a project is composed of.
#[derive(Serialize, JsonSchema)]
struct ProfileRecord {
    /// The width, in pixels.
    width: u32,
    /// The height, in pixels.
    height: u32,
    /// Frames per second, as a number or a fraction.
    rate: String,
}

/// A file that a project plays.
#[derive(Serialize, JsonSchema)]
struct SourceRecord<'a> {
    /// The path of the file.
    path: &'a Path,
    /// The frame at which it is used for the first time.
    first_used_at: u64,
}

impl InspectRecord<'_> {
    fn of<'a>(project: &'a Project, clips: &'a [PlayedClip]) -> InspectRecord<'a> {
        let profile = |profile: Profile| ProfileRecord {
            width: profile.width,
            height: profile.height,
            rate: profile.rate.to_string(),
        };
        let sources = project.sources.iter().zip(&project.first_uses);
        InspectRecord {
            file: &project.path,
            format: project.format.word(),
            profile: project.profile.map(profile),
            frames: project.frames,
            seconds: seconds(project),
            tracks: project.tracks,
            shown_tracks: shown_tracks(project).into_iter().map(TrackRecord::of).collect(),
            clips: project.clips,
            nesting_depth: project.nesting_depth,
            played_clips: (1..).zip(clips).map(clip_record).collect(),
            sources: sources.map(|(path, &first_used_at)| SourceRecord { path, first_used_at }).collect(),
            missing: &project.missing,
            cuts: &project.cuts,
            transitions: &project.transitions,
            filters: &project.filters,
            proxies: project.proxies,
            not_loaded: project.not_loaded.as_ref(),
            consumer: project.consumer.as_deref(),
            writes: project.reach.writes.iter().map(write_record).collect(),
            fetches: project.reach.fetches.iter().map(fetch_record).collect(),
        }
    }
}
