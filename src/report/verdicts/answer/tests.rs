//! Every sentence that an answer can be.

use super::*;
use memreel_judge::exports::AtRest;
use memreel_judge::jobs::judge_jobs;
use memreel_judge::judge;
use memreel_judge::steps::Step;
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{Memory, RunContext, Sample, Series};

const REASONS: [Reason; 12] = [
    Reason::NothingMeasured,
    Reason::NoFrames,
    Reason::TooShort,
    Reason::TooFewSamples,
    Reason::Slowing,
    Reason::Irregular,
    Reason::GivenBack,
    Reason::FewTeeth,
    Reason::HeldInAQueue,
    Reason::FilledBefore,
    Reason::HeapsOfThreads,
    Reason::TooFewExports,
];

fn rate(kib: f64) -> Option<GrowthRate> {
    let bytes = kib * 1024.0;
    let (low, high) = (0.95 * bytes, 1.04 * bytes);
    Some(GrowthRate { grows: Answer::Yes, low, estimate: bytes, high, limit: 921.0 })
}

/// It grows by 4 KiB per frame, 12 MiB per source, 107 KiB per cut, 3 MiB per export: with these of them.
fn growing(with: &[With]) -> RunVerdict {
    let growth =
        Growth { frame: rate(4.0), source: rate(12.0 * 1024.0), cut: rate(107.0), export: rate(3072.0) };
    RunVerdict { grows: Answer::Yes, with: with.to_vec(), growth, steps: 2000.0, ..RunVerdict::default() }
}

/// Growth at cuts, where half of the cuts gain nothing.
fn growing_at_some_cuts() -> RunVerdict {
    let cut = rate(107.0).map(|rate| GrowthRate { low: 0.0, ..rate });
    let verdict = growing(&[With::Cuts]);
    RunVerdict { growth: Growth { cut, ..verdict.growth }, ..verdict }
}

fn level(form: Form) -> RunVerdict {
    let step =
        Step { at: 1240.0, over: 1.0, size: Bytes::from_kib(2900), cut: None, first_use: false, threads: 0 };
    RunVerdict {
        grows: Answer::No,
        form: Some(form),
        not_stable_above: Some(921.0),
        flat_since: Some(640.0),
        steps_up: vec![step],
        ..RunVerdict::default()
    }
}

fn open(reason: Reason) -> RunVerdict {
    let not_stable_above = Some(5632.0);
    RunVerdict {
        grows: Answer::Open,
        reason: Some(reason),
        steps: 75.0,
        not_stable_above,
        ..RunVerdict::default()
    }
}

/// Twenty exports in one process, each of ten frames.
fn at_rest() -> Option<AtRest> {
    let sample = |frame: u64| Sample {
        t_s: frame as f64,
        frames_out: Some(Count::new(frame)),
        anon_bytes: Some(Bytes::from_kib(20_000)),
        ..Sample::default()
    };
    let samples: Vec<_> = (0..200).map(sample).collect();
    let context =
        RunContext { exports: (1..20).map(|export| 10 * export).collect(), ..RunContext::default() };
    judge(&Series::of(&samples, &Memory::JUDGED), &context).at_rest
}

fn by_seconds(verdict: RunVerdict) -> RunVerdict {
    RunVerdict { per: Some(Per::Second), ..verdict }
}

#[test]
fn a_run_is_answered_in_these_sentences() {
    use With::{Cuts, Exports, Frames, Sources};
    let unparted = |with: &[With]| RunVerdict { unparted: true, ..growing(with) };
    let accelerating = RunVerdict { form: Some(Form::Accelerating), ..growing(&[Frames]) };
    let threads = RunVerdict { threads_gained: 40.0, descriptors_gained: 12.0, ..growing(&[Frames]) };
    let mut wide = growing(&[Frames]);
    wide.growth.frame = Some(GrowthRate { low: 90.0, ..rate(4.0).unwrap() });
    let no_leak = RunVerdict { at_rest: at_rest(), ..level(Form::Plateau) };
    let no_leak = RunVerdict { growth: Growth { export: rate(64.0), ..Growth::default() }, ..no_leak };
    let verdicts = [
        growing(&[Frames]),
        by_seconds(growing(&[Frames])),
        growing(&[Sources]),
        growing(&[Cuts]),
        growing_at_some_cuts(),
        growing(&[Exports]),
        growing(&[Frames, Cuts]),
        growing(&[Sources, Cuts]),
        unparted(&[Frames, Cuts]),
        unparted(&[Frames, Sources, Cuts]),
        unparted(&[Sources, Cuts]),
        accelerating,
        threads,
        wide,
        level(Form::Plateau),
        by_seconds(level(Form::Plateau)),
        level(Form::Steps),
        level(Form::Filled),
        by_seconds(level(Form::Filled)),
        level(Form::SawTooth),
        no_leak,
        by_seconds(open(Reason::TooShort)),
        RunVerdict::default(),
    ];
    let sentences = verdicts.iter().map(of_run).chain(REASONS.map(|reason| of_run(&open(reason))));
    insta::assert_snapshot!(sentences.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_recording_of_a_failed_command_says_how_it_failed() {
    let failed = of_recording(&level(Form::Plateau), Some(&Outcome::Failed { code: 1, message: None }));
    assert!(
        failed.ends_with("would have been seen. The command failed: failed with exit code 1."),
        "{failed}"
    );
}

/// What jobs show, of which so many grow, are level, are open.
fn jobs(grows: Answer, because: Because, runs: &[(Verdict, usize)]) -> JobsVerdict {
    let run = match grows {
        Answer::Yes => growing(&[With::Frames]),
        Answer::No => level(Form::Plateau),
        Answer::Open => open(Reason::Slowing),
    };
    JobsVerdict {
        grows,
        because,
        with: run.with,
        growth: run.growth,
        reason: run.reason,
        jobs: runs.iter().map(|(_, count)| count).sum(),
        runs: runs.to_vec(),
        up_to_frames: 2000,
        stopped_at: Some(640.0),
        not_stable_above: run.not_stable_above,
        ..judge_jobs(&[])
    }
}

#[test]
fn several_jobs_are_answered_in_these_sentences() {
    use Verdict::{Grows, Inconclusive, Level};
    let without = |ends: &[&str], lessens: &[&str], stays: &[&str]| {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        let removals =
            Removals { ends: words(ends), lessens: words(lessens), stays: words(stays), open: Vec::new() };
        JobsVerdict { removals, ..jobs(Answer::Yes, Because::RunsGrow, &[(Grows, 1)]) }
    };
    let open_jobs = |because| jobs(Answer::Open, because, &[(Inconclusive, 3)]);
    let verdicts = [
        jobs(Answer::Yes, Because::RunsGrow, &[(Grows, 3)]),
        jobs(Answer::Yes, Because::RunsGrow, &[(Grows, 2), (Level, 1)]),
        jobs(Answer::No, Because::NothingGrows, &[(Level, 3)]),
        jobs(Answer::No, Because::NothingGrows, &[(Level, 3), (Grows, 1)]),
        jobs(Answer::No, Because::RunsStop, &[(Level, 3)]),
        jobs(Answer::No, Because::LevelsStopRisingWithSources, &[(Level, 3)]),
        open_jobs(Because::NothingMeasured),
        open_jobs(Because::LengthsAreOpen),
        open_jobs(Because::SourcesAreOpen),
        open_jobs(Because::RunsAreOpen),
        JobsVerdict { reason: Some(Reason::TooShort), ..open_jobs(Because::RunsAreOpen) },
        JobsVerdict { reason: None, ..jobs(Answer::Open, Because::RunsAreOpen, &[(Grows, 1), (Level, 1)]) },
        jobs(Answer::Open, Because::RunsAreOpen, &[(Grows, 1), (Level, 1), (Inconclusive, 1)]),
        without(&["avfilter.gblur"], &[], &["mix"]),
        without(&["filters", "track:1", "clip:3"], &[], &[]),
        without(&[], &["sepia", "mix"], &["vignette"]),
        without(&[], &[], &["filters", "transitions"]),
    ];
    insta::assert_snapshot!(verdicts.iter().map(of_jobs).collect::<Vec<_>>().join("\n"));
}
