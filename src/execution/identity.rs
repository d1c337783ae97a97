//! What makes a job the same job: a digest over everything that could change what is measured.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::digest;
use crate::engine::{self, Engine, JobFiles};
use crate::plan::{Input, Variant};
use memreel_record::supervise::EngineLimits;
use memreel_timeline::{Item, Timeline};
use memreel_trace::MediaFile;
use memreel_trace::units::Bytes;

/// Sixteen hexadecimal digits over engine build, timeline, arguments, environment differences, media,
/// limits, sampling and repeat. Where files lie does not matter.
pub fn job_digest(
    engine: &dyn Engine,
    variant: &Variant,
    media: &[MediaFile],
    limits: &EngineLimits,
    interval: Duration,
    repeat: u32,
    dumps_graph: bool,
) -> String {
    let by_digest = named_by_digest(variant, media);
    let (_, text) = engine.timeline(&by_digest);
    let resolved = engine::resolve(engine, &by_digest, &JobFiles::unnamed(dumps_graph));
    let build = engine.installation().map_or("", |here| here.record.build.as_str());
    let arguments = &resolved.command[1..];
    let environment = &resolved.environment;
    let (memory, limits) = (limits.memory, (limits.wall, limits.stall));
    let mut content =
        format!("job 1\n{build}\n{text}\n{arguments:?}\n{environment:?}\n{limits:?}\n{interval:?}\n{repeat}");
    if variant.input.script().is_none() {
        content.push_str(&digests(media));
    }
    content.push_str(&memory_limit(memory));
    content.push_str(&unit(variant));
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
    let resolved = engine::resolve(engine, &by_digest, &JobFiles::unnamed(false));
    let (arguments, environment) = (&resolved.command[1..], &resolved.environment);
    let (media, memory, unit) = (digests(media), memory_limit(variant.memory_limit), unit(variant));
    digest::of(format!("export 1\n{text}\n{arguments:?}\n{environment:?}\n{interval:?}{media}{memory}{unit}"))
}

/// The unit of progress. For frames the text is empty, so that digests of older results stay valid.
fn unit(variant: &Variant) -> String {
    let unit = variant.unit();
    if unit.is_frame() { String::new() } else { format!("\nunit {}", unit.name()) }
}

/// Nothing without a limit: so it is the same as before there were any.
fn memory_limit(limit: Option<Bytes>) -> String {
    limit.map_or_else(String::new, |limit| format!("\nmemory limit {}", limit.get()))
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
        Input::Script(timeline) => digest::of(memreel_timeline::to_otio(&by_digest(timeline, media))),
        Input::Project(project) => digest::of(format!("{}{}", project.text, digests(media))),
        Input::Opaque(opaque) => digest::of(format!("{opaque:?}{}", digests(media))),
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;
    use crate::engine::{Installation, Missing, Resolved};
    use crate::plan::{self, PlanContext};
    use crate::scenario::{EngineName, Scenario};
    use memreel_record::supervise::{Channel, ProgressFormat, ProgressLines};
    use memreel_trace::{EngineRecord, Threading};

    /// An engine whose build never changes.
    struct Fixed(Installation);

    impl Fixed {
        fn new() -> Fixed {
            let record = EngineRecord {
                name: "melt".into(),
                path: "/usr/bin/melt".into(),
                version: "7.12.0".into(),
                package: None,
                build: "0090b8ea06f43c4f".into(),
                libraries: BTreeMap::new(),
            };
            let none = BTreeSet::new;
            let (video_encoders, audio_encoders, containers) = (none(), none(), none());
            Fixed(Installation { record, is_asked: true, video_encoders, audio_encoders, containers })
        }
    }

    impl Engine for Fixed {
        fn name(&self) -> EngineName {
            EngineName::Melt
        }

        fn installation(&self) -> Result<&Installation, &Missing> {
            Ok(&self.0)
        }

        fn unsupported(&self, _: &Variant) -> Vec<String> {
            Vec::new()
        }

        fn timeline(&self, _: &Variant) -> (&'static str, String) {
            ("txt", "timeline".into())
        }

        fn resolve(&self, variant: &Variant, files: &JobFiles) -> Resolved {
            Resolved {
                before: None,
                command: ["melt".as_ref(), files.timeline.as_os_str()].map(Into::into).to_vec(),
                environment: BTreeMap::from([("THREADS".into(), Some("1".into()))]),
                progress: Some(ProgressFormat {
                    channel: Channel::Output,
                    lines: ProgressLines::Own(|_| None),
                    counters: "",
                    left_out: |_| None,
                }),
                effective: Threading { render: variant.threading.render, ..Threading::default() },
                notes: Vec::new(),
            }
        }
    }

    #[test]
    fn a_job_is_the_same_as_ever_whatever_its_build_is_called() {
        let text = "version = 1\nquestion = '?'\nsources.s.generate = { seconds = 1 }
            timeline.tracks = [{ children = [{ clip = 's', duration = 1 }] }]
            matrix.threading = 'single'\nmatrix.engine = ['melt', 'a:melt', 'b:melt', 'melt@/usr/bin/melt']";
        let scenario = Scenario::parse(text, Path::new("/s/x.toml"), &[]).unwrap();
        let context = PlanContext { cpus: 2, media_folder: "/media".into(), project: None };
        let digest = |variant: &Variant| {
            let limits = EngineLimits { wall: None, stall: Some(Duration::from_secs(60)), memory: None };
            job_digest(&Fixed::new(), variant, &[], &limits, Duration::from_millis(20), 1, false)
        };
        let digests: Vec<_> = plan::plan(&scenario, &context).variants.iter().map(digest).collect();
        // As `printf 'job 1\n0090b8ea06f43c4f\n…' | sha256sum` says of build, timeline, arguments and so on.
        assert_eq!(digests, ["29cc1186fb23feec"; 4]);
    }
}
