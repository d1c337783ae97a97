//! What is shown while a plan is carried out: a line that is redrawn on a terminal, else one line a
//! job when it is over.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::say;
use crate::execution::ExecutionEvent;
use crate::sampler::Live;
use crate::trace::Outcome;
use crate::units::{Bytes, Count};

/// Places of the bar.
const PLACES: u64 = 20;

/// Shows happenings on standard error.
pub struct ProgressLine {
    terminal: bool,
    bar: Option<ProgressBar>,
    current: Option<Current>,
}

/// The job that runs.
struct Current {
    title: String,
    began: Instant,
    frames: u64,
    live: Arc<Live>,
}

impl ProgressLine {
    /// Redraws a line when standard error is a terminal.
    pub fn new() -> ProgressLine {
        ProgressLine { terminal: std::io::stderr().is_terminal(), bar: None, current: None }
    }

    /// Shows what happened.
    pub fn show(&mut self, happening: ExecutionEvent<'_>) {
        match happening {
            ExecutionEvent::Started { number, of, variant, repeat, live } => {
                let title = format!("[{number}/{of}] {} · repeat {repeat}", variant.label());
                let frames = variant.frames_of_all_exports();
                self.begin(title, frames, live);
            }
            ExecutionEvent::Reused { variant, repeat } => {
                say(format_args!("{} · repeat {repeat}: already measured, reused", variant.label()));
            }
            ExecutionEvent::Ended { outcome, peak, .. } => self.end(outcome, peak),
        }
    }

    fn begin(&mut self, title: String, frames: u64, live: Arc<Live>) {
        if self.terminal {
            let bar = ProgressBar::with_draw_target(Some(frames), ProgressDrawTarget::stderr());
            bar.set_style(style(&title, Arc::clone(&live)));
            bar.enable_steady_tick(Duration::from_millis(200));
            self.bar = Some(bar);
        }
        self.current = Some(Current { title, began: Instant::now(), frames, live });
    }

    fn end(&mut self, outcome: &Outcome, peak: Bytes) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let Some(Current { title, began, frames, live }) = self.current.take() else { return };
        // Counters are read now and then: of a whole export the last number seen is not the last.
        let exported = if outcome.is_finished() { Some(frames) } else { live.frames().map(Count::get) };
        let exported = exported.map_or_else(String::new, |frames| format!("{frames} frames, "));
        let seconds = began.elapsed().as_secs_f64();
        say(format_args!("{title}: {outcome}, {exported}{seconds:.1} s, peak {peak}"));
    }
}

/// Everything is read from the job's own counters each time the line is drawn.
fn style(title: &str, live: Arc<Live>) -> ProgressStyle {
    let title = title.to_string();
    let template = "{title} {filled} {frames} {memory} {left}";
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("title", move |_: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = out.write_str(&title);
        })
        .with_key("filled", filled_by(Arc::clone(&live)))
        .with_key("frames", frames_of(Arc::clone(&live)))
        .with_key("memory", memory_of(Arc::clone(&live)))
        .with_key("left", left_of(live))
}

/// A bar of twenty places.
fn filled_by(live: Arc<Live>) -> impl Fn(&indicatif::ProgressState, &mut dyn std::fmt::Write) + Clone {
    move |state, out| {
        let frames = live.frames().map_or(0, Count::get);
        let filled = (frames * PLACES / state.len().unwrap_or(0).max(1)).min(PLACES) as usize;
        let _ = write!(out, "{}{}", "█".repeat(filled), "░".repeat(PLACES as usize - filled));
    }
}

fn frames_of(live: Arc<Live>) -> impl Fn(&indicatif::ProgressState, &mut dyn std::fmt::Write) + Clone {
    move |state, out| {
        let frames = live.frames().map_or(0, Count::get);
        let speed = frames as f64 / state.elapsed().as_secs_f64().max(1e-3);
        let _ = write!(out, "{frames}/{} frames, {speed:.0}/s,", state.len().unwrap_or(0));
    }
}

fn memory_of(live: Arc<Live>) -> impl Fn(&indicatif::ProgressState, &mut dyn std::fmt::Write) + Clone {
    move |_, out| {
        let (now, peak) = live.memory();
        if peak > Bytes::ZERO {
            let _ = write!(out, "{now} (peak {peak}),");
        }
    }
}

fn left_of(live: Arc<Live>) -> impl Fn(&indicatif::ProgressState, &mut dyn std::fmt::Write) + Clone {
    move |state, out| {
        let frames = live.frames().map_or(0, Count::get);
        if frames == 0 {
            return;
        }
        let missing = state.len().unwrap_or(0).saturating_sub(frames);
        let seconds = state.elapsed().as_secs_f64() * missing as f64 / frames as f64;
        let _ = write!(out, "{seconds:.0} s left");
    }
}

/// Shows how many media files are made.
pub fn media_bar(wanted: usize) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(wanted as u64), target);
    let style = ProgressStyle::with_template("making media {bar:20} {pos}/{len}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
