//! What makes a job the same job: a digest over everything that could change what is measured.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::digest;
use crate::engine::{Engine, JobFiles};
use crate::plan::Variant;
use crate::run::Limits;
use crate::timeline::{self, Item, Timeline};
use crate::trace::MediaFile;

/// Sixteen hexadecimal digits over engine build, timeline, arguments, environment differences, media,
/// limits, sampling and repeat. Where files lie does not matter.
pub fn job_digest(
    engine: &dyn Engine,
    variant: &Variant,
    media: &[MediaFile],
    limits: &Limits,
    interval: Duration,
    repeat: u32,
    dumps_graph: bool,
) -> String {
    let mut by_digest = variant.clone();
    by_digest.timeline = self::by_digest(&variant.timeline, media);
    let (_, text) = engine.timeline(&by_digest);
    let resolved = engine.resolve(&by_digest, &JobFiles::unnamed(dumps_graph));
    let build = engine.installation().map_or("", |here| here.record.build.as_str());
    let arguments = &resolved.command[1..];
    let environment = &resolved.environment;
    digest::of(format!(
        "job 1\n{build}\n{text}\n{arguments:?}\n{environment:?}\n{limits:?}\n{interval:?}\n{repeat}"
    ))
}

/// A digest of the timeline with its media named by theirs.
pub fn timeline_digest(timeline: &Timeline, media: &[MediaFile]) -> String {
    digest::of(timeline::to_otio(&by_digest(timeline, media)))
}

fn by_digest(timeline: &Timeline, media: &[MediaFile]) -> Timeline {
    let digests: HashMap<_, _> =
        media.iter().map(|file| (file.path.as_path(), PathBuf::from(&file.digest))).collect();
    let mut timeline = timeline.clone();
    for item in timeline.tracks.iter_mut().flat_map(|track| &mut track.children) {
        if let Item::Clip(clip) = item
            && let Some(digest) = digests.get(clip.media.as_path())
        {
            clip.media = digest.clone();
        }
    }
    timeline
}
