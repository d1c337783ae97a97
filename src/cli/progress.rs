//! What is shown while a plan is carried out: a line that is redrawn on a terminal, else one line a
//! job when it is over.

mod left;
mod line;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::say;
use crate::execution::ExecutionEvent;
use crate::media::{MediaEvent, MediaForecast};
use crate::report::stderr_width;
use left::{RunPace, Schedule};
use line::JobProgress;
use memreel_record::sampler::Live;
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{Outcome, WorkUnit, visible};

/// Shows happenings on standard error.
pub struct ProgressLine {
    bar: Option<ProgressBar>,
    current: Option<Arc<Current>>,
    schedule: Schedule,
    /// In a search nobody knows how many jobs there will be: so many came before.
    before: Option<usize>,
}

/// The job that runs.
struct Current {
    number: usize,
    of: Option<usize>,
    variant: String,
    repeat: u32,
    began: Instant,
    frames: Option<u64>,
    unit: WorkUnit,
    live: Arc<Live>,
    /// As it was when the job began.
    schedule: Schedule,
}

impl ProgressLine {
    /// Of jobs in this order: the labels of their variants, and their frames.
    pub fn new(jobs: impl IntoIterator<Item = (String, u64)>) -> ProgressLine {
        ProgressLine { bar: None, current: None, schedule: Schedule::new(jobs), before: None }
    }

    /// The same of a step of a search, if that is so, after so many jobs; those are not mentioned again.
    pub fn in_a_search(self, before: Option<usize>) -> ProgressLine {
        ProgressLine { before, ..self }
    }

    /// Shows what happened.
    pub fn show(&mut self, happening: ExecutionEvent<'_>) {
        match happening {
            ExecutionEvent::Started { number, of, variant, repeat, live } => {
                let (number, of) = match &mut self.before {
                    Some(before) => {
                        *before += 1;
                        (*before, None)
                    }
                    None => (number, Some(of)),
                };
                let current = Arc::new(Current {
                    number,
                    of,
                    variant: variant.label().to_string(),
                    repeat,
                    began: Instant::now(),
                    frames: variant.frames_of_all_exports().filter(|_| variant.unit().is_counted()),
                    unit: variant.unit(),
                    live,
                    schedule: self.schedule.clone(),
                });
                self.current = Some(Arc::clone(&current));
                self.bar = redrawn(move |width| current.text(width));
            }
            ExecutionEvent::Reused { .. } if self.before > Some(0) => {}
            ExecutionEvent::Reused { variant, repeat } => {
                say(format_args!("{} · repeat {repeat}: already measured, reused", variant.label()));
            }
            ExecutionEvent::Ended { outcome, peak } => self.end(outcome, peak),
        }
    }

    fn end(&mut self, outcome: &Outcome, peak: Bytes) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let Some(current) = self.current.take() else { return };
        let Current { number, of, variant, repeat, began, frames, .. } = &*current;
        let place = line::place(*number, *of);
        // Counters are read now and then: of a whole export the last number seen is not the last.
        let all = frames.filter(|_| outcome.is_finished());
        let exported = all.or_else(|| current.done());
        self.schedule.note(variant, RunPace::new(exported.unwrap_or(0), began.elapsed()));
        let exported =
            exported.map_or_else(String::new, |frames| format!("{frames} {}, ", current.unit.several()));
        let seconds = began.elapsed().as_secs_f64();
        say(format_args!(
            "{place} {variant} · repeat {repeat}: {outcome}, {exported}{seconds:.1} s, peak {peak}"
        ));
    }
}

impl Current {
    /// How much of its work is done, where that is counted.
    fn done(&self) -> Option<u64> {
        match self.unit.is_counted() {
            true => self.live.frames().map(Count::get),
            false => Some(self.live.written().mib() as u64),
        }
    }

    /// Everything is read from the job's own counters each time the line is drawn.
    fn text(&self, width: usize) -> String {
        let (frames, elapsed) = (self.done().unwrap_or(0), self.began.elapsed());
        let progress = JobProgress {
            number: self.number,
            of: self.of,
            variant: &self.variant,
            repeat: self.repeat,
            frames,
            all_frames: self.frames,
            unit: self.unit,
            elapsed,
            memory: Some(self.live.memory()).filter(|(_, peak)| *peak > Bytes::ZERO),
            left: self.of.and_then(|_| self.schedule.left(self.number, RunPace::new(frames, elapsed))),
        };
        progress.text(width)
    }
}

/// Shows how far the making of media is.
pub struct MediaLine {
    bar: Option<ProgressBar>,
    making: Arc<Mutex<Making>>,
}

/// Files that are made, several at a time.
struct Making {
    /// Names, and pixels of all pictures.
    files: Vec<(String, u64)>,
    began: Instant,
    begun: BTreeSet<usize>,
    made: BTreeSet<usize>,
}

impl MediaLine {
    /// Of files in this order: names, and how much work each one is.
    pub fn new(files: Vec<(String, u64)>) -> MediaLine {
        let making = Making { files, began: Instant::now(), begun: BTreeSet::new(), made: BTreeSet::new() };
        let making = Arc::new(Mutex::new(making));
        let shown = Arc::clone(&making);
        let text = move |width| shown.lock().map_or_else(|_| String::new(), |making| making.text(width));
        MediaLine { bar: redrawn(text), making }
    }

    /// Notes what happened.
    pub fn show(&self, event: MediaEvent) {
        let Ok(mut making) = self.making.lock() else { return };
        match event {
            MediaEvent::WaitsFor(holder) => {
                say(format_args!("waiting for {holder}, which makes media there"))
            }
            MediaEvent::Forecast(MediaForecast { bytes, time, .. }) => {
                say(format_args!("they take about {bytes} and {}", left::minutes(time)));
            }
            MediaEvent::Begun(file) => _ = making.begun.insert(file),
            MediaEvent::Made(file) => _ = making.made.insert(file),
        };
        drop(making);
        self.bar.iter().for_each(ProgressBar::tick);
    }
}

impl Drop for MediaLine {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Making {
    /// Of the files that are in the making the first one is named.
    fn text(&self, width: usize) -> String {
        let Some(&first) = self.begun.difference(&self.made).next() else { return String::new() };
        let work = |is_counted: &dyn Fn(usize) -> bool| -> u64 {
            self.files
                .iter()
                .enumerate()
                .filter(|(file, _)| is_counted(*file))
                .map(|(_, (_, work))| work)
                .sum()
        };
        let (made, all) = (work(&|file| self.made.contains(&file)), work(&|_| true));
        let left = RunPace::new(made, self.began.elapsed()).time_for(all - made);
        line::media(self.made.len() + 1, self.files.len(), &self.files[first].0, left, width)
    }
}

/// A line on standard error that is drawn again and again for the width of the terminal; `None` where there is none.
fn redrawn(text: impl Fn(usize) -> String + Clone + Send + Sync + 'static) -> Option<ProgressBar> {
    stderr_width()?;
    let line = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = out.write_str(&visible(&text(stderr_width().map_or(0, usize::from))));
    };
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{line}").unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.with_key("line", line));
    bar.enable_steady_tick(Duration::from_millis(200));
    Some(bar)
}
