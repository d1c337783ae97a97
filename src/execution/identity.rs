//! What makes a job the same job: a digest over everything that could change what is measured.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::digest;
use crate::engine::{Engine, JobFiles};
use crate::plan::{Input, Variant};
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
    let by_digest = named_by_digest(variant, media);
    let (_, text) = engine.timeline(&by_digest);
    let resolved = engine.resolve(&by_digest, &JobFiles::unnamed(dumps_graph));
    let build = engine.installation().map_or("", |here| here.record.build.as_str());
    let arguments = &resolved.command[1..];
    let environment = &resolved.environment;
    let mut content =
        format!("job 1\n{build}\n{text}\n{arguments:?}\n{environment:?}\n{limits:?}\n{interval:?}\n{repeat}");
    if variant.input.project().is_some() {
        content.push_str(&digests(media));
    }
    digest::of(content)
}

/// Sixteen hexadecimal digits over what is exported and how it is sampled: all that [`job_digest`] has but the
/// engine's build, the limits and the repeat. Jobs of which it is the same do the same work.
pub fn export_digest(
    engine: &dyn Engine,
    variant: &Variant,
    media: &[MediaFile],
    interval: Duration,
) -> String {
    let by_digest = named_by_digest(variant, media);
    let (_, text) = engine.timeline(&by_digest);
    let resolved = engine.resolve(&by_digest, &JobFiles::unnamed(false));
    let (arguments, environment) = (&resolved.command[1..], &resolved.environment);
    let media = digests(media);
    digest::of(format!("export 1\n{text}\n{arguments:?}\n{environment:?}\n{interval:?}{media}"))
}

/// The variant with its media named by their digests, so that it does not matter where they lie.
fn named_by_digest(variant: &Variant, media: &[MediaFile]) -> Variant {
    let mut named = variant.clone();
    if let Input::Script(timeline) = &variant.input {
        named.input = Input::Script(by_digest(timeline, media));
    }
    named
}

/// A digest of a timeline with its media named by theirs; of a project's text and its media's digests.
pub fn input_digest(input: &Input, media: &[MediaFile]) -> String {
    match input {
        Input::Script(timeline) => digest::of(timeline::to_otio(&by_digest(timeline, media))),
        Input::Project(project) => digest::of(format!("{}{}", project.text, digests(media))),
    }
}

/// One a line.
fn digests(media: &[MediaFile]) -> String {
    media.iter().map(|file| format!("\n{}", file.digest)).collect()
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
