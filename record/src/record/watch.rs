//! Waits for all that can happen while something is recorded, asleep in between.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::Sender;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::failures::WriteFailures;
use super::marks::Marks;
use super::signals::{Signals, Wish};
use super::subject::{Heard, Subject};
use super::{Ending, Order, ProgressSource, RecordError};
use crate::launch::{End, LaunchReport};
use crate::progress::ProgressFile;
use crate::sampler::{Instant, Live};
use memreel_trace::{Event, TraceError};

/// The file that says the progress is read no more often than this, however often it is written.
const FILE_AT_MOST_EVERY: Duration = Duration::from_millis(20);

/// Who is listened to beside the subject.
pub struct Ears {
    signals: Signals,
    marks: Option<Marks>,
    file: Option<ProgressFile>,
}

impl Ears {
    /// From now on signals are heard.
    pub fn open(order: &Order) -> Result<Ears, RecordError> {
        let signals = Signals::catch()?;
        let marks = order.marks.as_ref().map(|path| {
            Marks::open(path).map_err(|source| RecordError::Marks { path: path.clone(), source })
        });
        let file = match &order.progress {
            ProgressSource::File { path, pattern } => {
                let watched = ProgressFile::watch(path, pattern.clone(), order.what.is_command());
                Some(watched.map_err(|source| RecordError::ProgressFile { path: path.clone(), source })?)
            }
            ProgressSource::Written | ProgressSource::Output { .. } => None,
        };
        Ok(Ears { signals, marks: marks.transpose()?, file })
    }
}

/// Where it happens.
pub struct WatchScene<'a> {
    /// When the recording began.
    pub origin: Instant,
    /// The figures of this moment.
    pub live: &'a Live,
    /// Where events go.
    pub events: Sender<Event>,
    /// The command's program, as people read it.
    pub program: &'a str,
    /// When the end comes at the latest.
    pub deadline: Option<Instant>,
}

/// What was seen by the end.
#[derive(Debug, Default)]
pub struct Seen {
    /// The command's end.
    pub end: Option<End>,
    /// Processes that the command left running.
    pub left_running: u64,
    /// What could not be written.
    pub unwritten: Vec<TraceError>,
    not_started: Option<std::io::Error>,
    out_of_time: bool,
    stopped: bool,
    ended_at: Option<Instant>,
    is_over: bool,
}

impl Seen {
    /// When it was over.
    pub fn ended_at(&self) -> Instant {
        self.ended_at.unwrap_or_else(Instant::now)
    }

    /// How it ended; `None` when nobody could tell.
    pub fn ending(&mut self, is_command: bool) -> Option<Ending> {
        if let Some(error) = self.not_started.take() {
            return Some(Ending::NotStarted(error));
        }
        if self.out_of_time {
            return Some(Ending::OutOfTime);
        }
        match self.end {
            Some(end) => Some(Ending::Ended(end.status)),
            None if is_command => None,
            None if !self.unwritten.is_empty() => Some(Ending::Unwritten),
            None if self.stopped => Some(Ending::Stopped),
            None => Some(Ending::Gone),
        }
    }
}

/// Who has something to say.
#[derive(Debug, Clone, Copy)]
enum Ear {
    Subject,
    Signals,
    Marks,
    File,
    Failures,
}

/// The wait for the end.
pub struct Watch<'a> {
    subject: &'a mut Subject,
    ears: Ears,
    failures: WriteFailures,
    scene: WatchScene<'a>,
    file_rests_until: Option<Instant>,
    marks: u64,
    seen: Seen,
}

impl<'a> Watch<'a> {
    pub fn new(
        subject: &'a mut Subject,
        mut ears: Ears,
        failures: WriteFailures,
        scene: WatchScene<'a>,
    ) -> Watch<'a> {
        // What a file of a process that runs already says is true now.
        if let Some(file) = &mut ears.file {
            scene.live.note_frames(None, file.read());
        }
        Watch { subject, ears, failures, scene, file_rests_until: None, marks: 0, seen: Seen::default() }
    }

    /// Waits. What fails meanwhile is told to `tell`.
    ///
    /// # Errors
    /// When the system does not let us wait.
    pub fn until_the_end(
        mut self,
        tell: &mut dyn FnMut(&TraceError),
    ) -> Result<(Seen, WriteFailures), RecordError> {
        while !self.seen.is_over {
            for ear in self.listen()? {
                match ear {
                    Ear::Subject => self.hear_subject(),
                    Ear::Signals => self.hear_signals(),
                    Ear::Marks => self.hear_marks(),
                    Ear::File => self.read_file(),
                    Ear::Failures => self.hear_failures(tell),
                }
            }
            self.mind_the_time();
        }
        Ok((self.seen, self.failures))
    }

    /// Sleeps until somebody has something to say, or it is time for something.
    fn listen(&self) -> Result<Vec<Ear>, RecordError> {
        let mut ears: Vec<(Ear, BorrowedFd<'_>)> = vec![
            (Ear::Subject, self.subject.as_fd()),
            (Ear::Signals, self.ears.signals.as_fd()),
            (Ear::Failures, self.failures.as_fd()),
        ];
        ears.extend(self.ears.marks.as_ref().map(|marks| (Ear::Marks, marks.as_fd())));
        let file = self.ears.file.as_ref().filter(|_| self.file_rests_until.is_none());
        ears.extend(file.map(|file| (Ear::File, file.as_fd())));
        let watched = ears.iter().map(|(_, ear)| PollFd::from_borrowed_fd(*ear, PollFlags::IN));
        let mut watched: Vec<_> = watched.collect();
        match poll(&mut watched, self.patience().as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Vec::new()),
            Err(error) => return Err(RecordError::System(error.into())),
        }
        let ready = ears.iter().zip(&watched).filter(|(_, state)| !state.revents().is_empty());
        Ok(ready.map(|((ear, _), _)| *ear).collect())
    }

    /// How long until it is time for something; `None` when nothing is planned.
    fn patience(&self) -> Option<Timespec> {
        let next = [self.scene.deadline, self.file_rests_until].into_iter().flatten().min()?;
        Timespec::try_from(next.since(Instant::now())).ok()
    }

    fn mind_the_time(&mut self) {
        let now = Instant::now();
        if self.file_rests_until.is_some_and(|end| now >= end) {
            self.file_rests_until = None;
        }
        if self.scene.deadline.is_some_and(|deadline| now >= deadline) && self.seen.end.is_none() {
            self.scene.deadline = None;
            self.seen.out_of_time = true;
            match self.subject.is_command() {
                true => self.subject.ask_to_end(),
                false => self.end(),
            }
        }
    }

    fn end(&mut self) {
        self.seen.is_over = true;
        self.seen.ended_at.get_or_insert_with(Instant::now);
    }

    fn hear_subject(&mut self) {
        while let Some(heard) = self.subject.hear() {
            match heard {
                Heard::Report(report) => self.note(report),
                Heard::Over => return self.end(),
            }
        }
    }

    fn note(&mut self, report: LaunchReport) {
        match report {
            LaunchReport::NotStarted(error) => self.seen.not_started = Some(error),
            // Nothing that is only watched is confined, or ended with the launcher.
            LaunchReport::Unconfined | LaunchReport::Interfered => {}
            LaunchReport::Executed => self.event("exec", self.scene.program.to_string()),
            LaunchReport::Ended(end) => {
                self.seen.end = Some(end);
                if !self.subject.waits_for_all() {
                    self.seen.ended_at = Some(Instant::at(end.at));
                }
            }
            LaunchReport::Left(count) => {
                self.seen.left_running = count;
                self.event("left-running", format!("{count} processes"));
            }
        }
    }

    /// A terminal's key is for the command, and has reached it without us.
    fn hear_signals(&mut self) {
        for wish in self.ears.signals.wishes() {
            match wish {
                Wish::Mark => self.mark(""),
                Wish::End { from_terminal: true, .. } if self.subject.is_command() => {}
                Wish::End { signal, .. } if self.subject.is_command() => self.subject.pass_on(signal),
                Wish::End { .. } => {
                    self.seen.stopped = true;
                    self.end();
                }
            }
        }
    }

    fn hear_marks(&mut self) {
        let labels = self.ears.marks.as_mut().map(Marks::read).unwrap_or_default();
        labels.iter().for_each(|label| self.mark(label));
    }

    /// A mark without a label is called by its number among all marks.
    fn mark(&mut self, label: &str) {
        self.marks += 1;
        let label = if label.is_empty() { format!("mark {}", self.marks) } else { label.to_string() };
        self.event("mark", label);
    }

    fn read_file(&mut self) {
        let Some(file) = &mut self.ears.file else { return };
        self.scene.live.note_frames(None, file.read());
        self.file_rests_until = Some(Instant::now().after(FILE_AT_MOST_EVERY));
    }

    /// A command goes on without being recorded: it is not its fault. To watch a process has no point then.
    fn hear_failures(&mut self, tell: &mut dyn FnMut(&TraceError)) {
        for failure in self.failures.hear() {
            tell(&failure);
            self.seen.unwritten.push(failure);
        }
        if !self.subject.is_command() {
            self.end();
        }
    }

    fn event(&self, kind: &str, what: String) {
        let WatchScene { origin, live, events, .. } = &self.scene;
        let _ = events.send(live.event(*origin, kind, what));
    }
}
