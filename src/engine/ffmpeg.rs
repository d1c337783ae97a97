//! Our own exporter on FFmpeg's libraries, `memreel-export`, in a process of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use serde::Deserialize;

use super::{Companions, Engine, Installation, JobFiles, Missing, Probe, Resolved, pipe_lines, probe};
use crate::plan::Variant;
use crate::scenario::{Driver, EngineName, LayoutChoice, Sink};
use memreel_record::supervise::{Channel, PROGRESS_FD, ProgressFormat, ProgressLines};
use memreel_trace::{EngineRecord, Threading};

/// The exporter that comes with memreel.
#[derive(Debug)]
pub struct Ffmpeg {
    installation: Result<Installation, Missing>,
}

/// What `memreel-export about --json` says.
#[derive(Deserialize)]
pub(super) struct About {
    pub(super) version: String,
    pub(super) ffmpeg: String,
    libraries: BTreeMap<String, String>,
    video_encoders: BTreeSet<String>,
    audio_encoders: BTreeSet<String>,
    muxers: BTreeSet<String>,
}

impl Ffmpeg {
    /// Looks for the exporter, or for the one that was chosen, and asks it what it has.
    pub fn find(chosen: Option<&Path>, companions: &Companions) -> Ffmpeg {
        let program = match chosen {
            Some(path) => probe::chosen(path, Some("memreel-export")),
            None => companions.exporter(),
        };
        let installation = program.and_then(|program| match companions.probe() {
            Some(probe) => installation(&program, &probe),
            None => Ok(Installation::unasked(EngineName::Ffmpeg, &program)),
        });
        Ffmpeg { installation }
    }
}

/// What has an exporter say what it has.
const ABOUT: [&str; 2] = ["about", "--json"];

/// Asks an exporter what it has.
///
/// # Errors
/// When it does not answer.
pub(super) fn about(program: &Path, probe: &Probe) -> Result<About, Missing> {
    in_its_words(program, probe.output_of(program, ABOUT))
}

fn in_its_words(program: &Path, text: Option<String>) -> Result<About, Missing> {
    text.and_then(|text| serde_json::from_str(&text).ok()).ok_or_else(|| Missing {
        what: format!("{} does not answer like memreel-export", program.display()),
        advice: format!("see the output of `{} about`", program.display()),
    })
}

fn installation(program: &Path, probe: &Probe) -> Result<Installation, Missing> {
    let (text, loaded) = probe.output_and_loaded(program, ABOUT);
    let about = in_its_words(program, text)?;
    let build = probe::build_digest(program, &about.libraries, &loaded).unwrap_or_default();
    Ok(Installation {
        is_asked: true,
        record: EngineRecord {
            name: "ffmpeg".into(),
            package: loaded.library("libavcodec").and_then(|file| probe.package_of(file)),
            path: program.to_path_buf(),
            version: about.ffmpeg,
            build,
            libraries: about.libraries,
        },
        video_encoders: about.video_encoders,
        audio_encoders: about.audio_encoders,
        containers: about.muxers,
    })
}

impl Engine for Ffmpeg {
    fn name(&self) -> EngineName {
        EngineName::Ffmpeg
    }

    fn installation(&self) -> Result<&Installation, &Missing> {
        self.installation.as_ref()
    }

    fn unsupported(&self, variant: &Variant) -> Vec<String> {
        let mut unsupported = Vec::new();
        if let Some(project) = variant.input.project() {
            let ending = project.path.extension().unwrap_or_default().display();
            unsupported.push(format!("memreel-export cannot open .{ending} projects"));
        }
        if variant.layout != LayoutChoice::Default {
            unsupported.push("memreel-export has no MLT graph, so it has no layout".into());
        }
        unsupported
    }

    fn timeline(&self, variant: &Variant) -> (&'static str, String) {
        ("otio", variant.input.script().map_or_else(String::new, memreel_timeline::to_otio))
    }

    fn resolve(&self, variant: &Variant, files: &JobFiles) -> Resolved {
        let program =
            self.installation.as_ref().map_or(Path::new("memreel-export"), |here| &here.record.path);
        let mut command: Vec<OsString> = vec![program.into(), files.timeline.into()];
        match variant.export.sink {
            Sink::File => command.push(files.output.into()),
            Sink::Null => command.push("--discard".into()),
        }
        command.extend(options(variant).into_iter().map(OsString::from));
        Resolved {
            before: None,
            command,
            environment: BTreeMap::new(),
            progress: Some(ProgressFormat {
                channel: Channel::Pipe,
                lines: ProgressLines::Own(pipe_lines::parse),
                counters: "in+out",
                left_out: |_| None,
            }),
            effective: effective(variant.threading),
            notes: notes(variant.threading),
        }
    }
}

fn options(variant: &Variant) -> Vec<String> {
    let export = &variant.export;
    let mut options = vec!["--size".to_string(), export.size.to_string()];
    let mut option = |name: &str, value: String| options.extend([name.to_string(), value]);
    option("--rate", export.rate.to_string());
    if let Some(encoder) = &export.encoder {
        option("--video-codec", encoder.clone());
    }
    option("--pixel-format", export.pixel_format.name().into());
    option("--driver", if variant.driver == Driver::Background { "background" } else { "main" }.into());
    option("--progress-fd", PROGRESS_FD.to_string());
    if let Some(preset) = &export.preset {
        option("--preset", preset.clone());
    }
    if export.sink == Sink::File {
        option("--format", export.container.name().into());
    }
    for (name, value) in &export.options {
        option("--video-option", format!("{name}={value}"));
    }
    if variant.exports > 1 {
        option("--exports", variant.exports.to_string());
        option("--rest", variant.rest.as_secs_f64().to_string());
    }
    let threading = variant.threading;
    let threads = [
        ("--render-threads", threading.render),
        ("--decode-threads", threading.decode),
        ("--filter-threads", threading.filter),
        ("--encode-threads", threading.encode),
    ];
    for (name, count) in threads {
        if let Some(count) = count {
            option(name, count.to_string());
        }
    }
    match &export.audio {
        Some(audio) => {
            option("--audio-codec", audio.encoder.clone());
            option("--audio-rate", audio.rate.to_string());
        }
        None => options.push("--no-audio".into()),
    }
    options
}

/// The exporter has one thread for everything, or one that reads and one that writes.
fn effective(threading: Threading) -> Threading {
    Threading { render: Some(threading.render.unwrap_or(2).clamp(1, 2)), ..threading }
}

fn notes(threading: Threading) -> Vec<String> {
    let more = threading.render.filter(|&threads| threads > 2);
    more.map(|threads| format!("render = {threads} has the effect of 2: one thread reads, one writes"))
        .into_iter()
        .collect()
}
