//! What a project of rlvideo plays.

use std::path::Path;

use super::reach::{self, ProjectFetch};
use super::{Found, ProjectError};
use crate::mlt::Profile;
use crate::rlvideo::{Cut, Rlvideo, RlvideoSource, from_rlvideo, profile};

/// Reads it and finds what it plays.
pub fn found(path: &Path, text: &str, folder: &Path) -> Result<(Option<Profile>, Found), ProjectError> {
    let project = from_rlvideo(text).map_err(|source| ProjectError::Rlvideo { path: path.into(), source })?;
    let mut found = Found { tracks: at_once(&project), ..Found::default() };
    // The editor plays a playlist of playlists, and of tractors where cuts meet.
    found.nesting_depth = if found.tracks > 1 { 3 } else { 2 };
    for cut in project.cuts.values() {
        found.frames = found.frames.max(cut.end());
        found.clips.push(cut.position);
        if let RlvideoSource::File { path, .. } = &project.sources[&cut.source] {
            found.uses.push((cut.position, folder.join(path)));
            found.reach.fetches.extend(fetched(path));
        }
        if cut.volume != 0.0 {
            *found.filters.entry("volume".into()).or_default() += 1;
        }
    }
    if found.frames == 0 {
        return Err(ProjectError::Indescribable { path: path.into(), what: "it has no cut to play".into() });
    }
    Ok((Some(profile()), found))
}

/// What the editor would fetch as a source.
fn fetched(path: &Path) -> Option<ProjectFetch> {
    let url = reach::fetched(path.to_str()?)?;
    Some(ProjectFetch { by: "source".into(), property: "path".into(), url: url.into() })
}

/// How many cuts meet at most.
fn at_once(project: &Rlvideo) -> usize {
    let ends = |cut: &Cut| [(cut.position, 1), (cut.end(), -1)];
    let mut changes: Vec<(u64, i64)> = project.cuts.values().flat_map(ends).collect();
    // Where one ends and another begins, they do not meet: ends are first.
    changes.sort_unstable();
    let counts = changes.into_iter().scan(0, |now, (_, more)| {
        *now += more;
        Some(*now)
    });
    counts.max().unwrap_or(0).max(0) as usize
}
