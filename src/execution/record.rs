//! Puts together `run.json` of a job that was measured.

use std::collections::BTreeMap;

use super::{Execution, identity};
use crate::engine::Resolved;
use crate::plan::{Job, Variant};
use crate::scenario::MediaChoice;
use crate::store::PlannedJob;
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
            command: resolved.command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
            environment: differences(&resolved.environment),
            requested_threading: variant.threading,
            effective_threading: resolved.effective,
            notes: resolved.notes.clone(),
            timeline: TimelineRecord {
                digest: identity::input_digest(&variant.input, &media),
                frames: variant.frames(),
                rate: variant.export.rate.to_string(),
                clips: variant.input.clips(),
                sources: media.len() as u64,
            },
            media,
            machine: execution.machine.clone(),
            sampling: measured.sampler.sampling.clone(),
            overhead: measured.overhead.clone(),
            context: context(variant, resolved, &execution.machine),
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

/// Those settings that are not already in the harness's own environment.
fn differences(environment: &BTreeMap<String, Option<String>>) -> BTreeMap<String, Option<String>> {
    let differs = |(name, value): &(&String, &Option<String>)| std::env::var(name).ok() != **value;
    environment.iter().filter(differs).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn context(variant: &Variant, resolved: &Resolved, machine: &Machine) -> RunContext {
    let rate = variant.export.rate;
    let container = if variant.writes_a_file() { variant.export.container.name() } else { "null" };
    let (cuts, first_uses) = match variant.media_choice {
        MediaChoice::MakeProxies => (Vec::new(), Vec::new()),
        _ => variant.input.cuts(rate),
    };
    let begins: Vec<_> = (0..u64::from(variant.exports)).map(|export| export * variant.frames()).collect();
    RunContext {
        frames: Some(Count::new(variant.frames_of_all_exports())),
        rate: Some(rate.as_f64()),
        cuts: begins.iter().flat_map(|begin| cuts.iter().map(move |cut| begin + cut)).collect(),
        first_uses,
        exports: begins[1..].to_vec(),
        container: Some(container.into()),
        packets_per_frame: packets_per_frame(variant),
        frame_bytes: Some(variant.export.picture_bytes()),
        counter_error_bytes: machine::counter_error(machine, THREADS),
        cpus: Some(machine.cpus),
        frame_counters: resolved.progress.counters.into(),
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
