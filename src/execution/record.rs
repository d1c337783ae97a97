//! Puts together `run.json` of a job that was measured.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::{Execution, identity};
use crate::engine::Resolved;
use crate::plan::{Input, Job, Variant};
use crate::scenario::MediaChoice;
use crate::store::{self, PlannedJob};
use memreel_record::machine;
use memreel_record::supervise::Measured;
use memreel_timeline::RationalTime;
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{FramesShownBy, Machine, RunContext, RunRecord, TimelineRecord};

/// Samples in a packet of AAC (ISO/IEC 14496-3: a frame of 1024).
const AAC_FRAME: f64 = 1024.0;

/// More threads than this are taken for granted when the counters' error is bounded on kernels where
/// it grows with the threads.
const THREADS: u32 = 32;

/// What a record is made of.
pub struct RecordOf<'a> {
    pub execution: &'a Execution<'a>,
    pub job: Job,
    pub planned: &'a PlannedJob,
    pub resolved: &'a Resolved,
    pub measured: &'a Measured,
    pub started: jiff::Timestamp,
    pub cuts: Option<Vec<u64>>,
    pub frames: Option<u64>,
    pub frames_shown_by: Option<FramesShownBy>,
    pub output_bytes: Option<u64>,
    pub graph: Option<String>,
}

impl RecordOf<'_> {
    /// The record.
    pub fn record(&self) -> RunRecord {
        let RecordOf { execution, job, planned, resolved, measured, .. } = self;
        let variant = execution.plan.variant(*job);
        let media = execution.media[job.variant].clone();
        let engine = execution.engine(variant);
        let context = context(variant, resolved, self.frames, &execution.machine);
        let build = engine.installation().expect("a variant of a missing engine is not run").record.clone();
        RunRecord {
            format: memreel_trace::FORMAT.into(),
            digest: planned.digest.clone(),
            export_digest: Some(identity::export_digest(
                engine,
                variant,
                &media,
                execution.scenario.sampling.interval,
            )),
            scenario: execution.plan.scenario.clone(),
            variant: planned.variant.clone(),
            repeat: job.repeat,
            engine: build,
            command: words(&resolved.command),
            environment: differences(&resolved.environment),
            requested_threading: variant.threading,
            effective_threading: resolved.effective,
            notes: resolved.notes.clone(),
            timeline: TimelineRecord {
                digest: identity::input_digest(&variant.input, &media),
                frames: variant.frames().or(self.frames),
                rate: variant.export.rate.to_string(),
                clips: variant.input.clips(),
                sources: media.len() as u64,
            },
            media,
            machine: execution.machine.clone(),
            sampling: measured.sampler.sampling.clone(),
            overhead: measured.overhead.clone(),
            context: RunContext { cuts: self.cuts.clone().unwrap_or(context.cuts), ..context },
            outcome: measured.outcome.clone(),
            frames_shown_by: self.frames_shown_by,
            started: self.started.to_string(),
            wall_s: measured.wall.as_secs_f64(),
            cpu_s: measured.cpu.map(|cpu| cpu.as_secs_f64()),
            max_rss_bytes: measured.max_rss,
            output_bytes: self.output_bytes.map(Bytes::new),
            graph_digest: self.graph.clone(),
            memory_group: measured.group.clone(),
        }
    }
}

fn words(command: &[OsString]) -> Vec<String> {
    command.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// Those settings that are not already in the harness's own environment.
fn differences(environment: &BTreeMap<String, Option<String>>) -> BTreeMap<String, Option<String>> {
    let differs = |(name, value): &(&String, &Option<String>)| std::env::var(name).ok() != **value;
    environment.iter().filter(differs).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn context(variant: &Variant, resolved: &Resolved, counted: Option<u64>, machine: &Machine) -> RunContext {
    let rate = variant.export.rate;
    let is_opaque = matches!(variant.input, Input::Opaque(_));
    let container = match (is_opaque, variant.writes_a_file()) {
        (true, _) => store::container(&words(&resolved.command)),
        (false, true) => Some(variant.export.container.name().into()),
        (false, false) => Some("null".into()),
    };
    let frames = variant.frames().or(counted);
    let (cuts, first_uses) = match variant.media_choice {
        MediaChoice::MakeProxies => (Vec::new(), Vec::new()),
        _ => variant.input.cuts(rate),
    };
    // Several exports are no more than one where nobody knows where they begin.
    let exports = if frames.is_some() { variant.exports } else { 1 };
    let begins: Vec<_> = (0..u64::from(exports)).map(|export| export * frames.unwrap_or(0)).collect();
    RunContext {
        frames: frames.map(|frames| Count::new(frames * u64::from(exports))),
        rate: (!is_opaque).then(|| rate.as_f64()),
        cuts: begins.iter().flat_map(|begin| cuts.iter().map(move |cut| begin + cut)).collect(),
        first_uses,
        exports: begins[1..].to_vec(),
        container,
        packets_per_frame: packets_per_frame(variant).filter(|_| !is_opaque),
        frame_bytes: (!is_opaque).then(|| variant.export.picture_bytes()),
        counter_error_bytes: machine::counter_error(machine, THREADS),
        cpus: Some(machine.cpus),
        frame_counters: resolved.progress.as_ref().map_or("", |progress| progress.counters).into(),
        unit: variant.unit(),
    }
}

/// One packet a picture, and those of the sound where the encoder's packet size is known.
fn packets_per_frame(variant: &Variant) -> Option<f64> {
    match &variant.export.audio {
        None => Some(1.0),
        Some(audio) if audio.encoder == "aac" => {
            let second = f64::from(audio.rate) / AAC_FRAME;
            Some(1.0 + second * RationalTime::new(1, variant.export.rate).seconds())
        }
        Some(_) => None,
    }
}
