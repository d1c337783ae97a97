//! Reads what an engine writes: progress into the live counters, the rest into `engine.log`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, PipeReader, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::JoinHandle;

use super::{Channel, EngineProgress, ProgressFormat, ProgressLines};
use crate::launch::{Launched, Lines, UntilOver, WritersEnded};
use crate::progress::ProgressFile;
use crate::sampler::{Instant, Live, ReadProgress};
use memreel_trace::{Event, Sample};

/// An engine that writes more than this is cut off in the log; its progress is still read.
const LONGEST_LOG: usize = 8 << 20;

/// Of what an engine leaves out no more than this is kept.
const MOST_LEFT_OUT: usize = 100;

/// What a progress pipe holds, so that an engine need not wait between two looks at it.
const PIPE_SIZE: usize = 1 << 20;

/// What reads.
pub struct Readers {
    output: JoinHandle<LastHeard>,
    over: WritersEnded,
    progress: Option<Receiver<Option<Sample>>>,
}

/// What was heard last.
#[derive(Debug, Default)]
pub struct LastHeard {
    /// The last line that the engine wrote.
    pub message: Option<String>,
    /// What the engine leaves out of the export by its own word.
    pub left_out: BTreeSet<String>,
    /// The frame counters when they last changed; no memory was measured then.
    pub counted: Option<Sample>,
}

/// Starts reading the engine's output; returns also what reads its progress pipe, if it has one.
///
/// The output has a thread of its own, because it is written to a disk. The progress pipe is read by the
/// sampler just before each sample: so the frames belong to that very moment, and the engine wakes
/// nobody when it writes.
///
/// # Errors
/// When the log cannot be created or no thread can be started.
pub fn start(
    launched: &mut Launched,
    format: Option<&ProgressFormat>,
    folder: &Path,
    sink: ProgressSink,
) -> std::io::Result<(Readers, Option<ReadProgress>)> {
    let mut log = Log::new(File::create(folder.join("engine.log"))?);
    let in_output = format.filter(|format| format.channel == Channel::Output).cloned();
    let of_line = format.map(|format| format.left_out);
    let output = launched.output.take().ok_or_else(|| std::io::Error::other("the output is already read"))?;
    let over = WritersEnded::default();
    let output = UntilOver::new(output, &over);
    let mut output_sink = sink.clone();
    let output = std::thread::Builder::new().name("output".into()).spawn(move || {
        let mut left_out = BTreeSet::new();
        each_line(output, |line| match in_output.as_ref().and_then(|format| format.lines.read(line)) {
            Some(progress) => output_sink.note(progress),
            None => {
                if left_out.len() < MOST_LEFT_OUT {
                    left_out.extend(of_line.and_then(|of_line| of_line(line)).map(str::to_string));
                }
                log.line(line);
            }
        });
        LastHeard { message: log.last, left_out, counted: output_sink.counted }
    })?;
    let (result, progress) = std::sync::mpsc::channel();
    let read: ReadProgress = match (launched.progress.take(), format) {
        (Some(pipe), Some(format)) => {
            let mut pipe = ProgressPipe::new(pipe, format.lines.clone(), sink, result)?;
            Box::new(move || pipe.drain())
        }
        (
            None,
            Some(ProgressFormat {
                channel: Channel::File(path),
                lines: ProgressLines::Numbered(pattern),
                ..
            }),
        ) => {
            let mut file = FileEnd { file: ProgressFile::watch(path, pattern.clone(), true)?, sink, result };
            Box::new(move || file.look())
        }
        _ => return Ok((Readers { output, over, progress: None }, None)),
    };
    Ok((Readers { output, over, progress: Some(progress) }, Some(read)))
}

impl Readers {
    /// Waits until all is read; the sampler has finished, and nothing of the engine is left that could write.
    pub fn finish(self) -> LastHeard {
        self.over.set();
        let counted = self.progress.and_then(|progress| progress.recv().ok().flatten());
        let heard = self.output.join().unwrap_or_default();
        LastHeard { counted: counted.or(heard.counted), ..heard }
    }
}

/// An engine's progress pipe, read without waiting. What is left in it is read when this is dropped.
struct ProgressPipe {
    pipe: PipeReader,
    lines: Lines,
    format: ProgressLines,
    sink: ProgressSink,
    result: Sender<Option<Sample>>,
}

impl ProgressPipe {
    fn new(
        pipe: PipeReader,
        format: ProgressLines,
        sink: ProgressSink,
        result: Sender<Option<Sample>>,
    ) -> std::io::Result<ProgressPipe> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        // Refused where the user has too many of them; then it keeps its size.
        let _ = rustix::pipe::fcntl_setpipe_size(&pipe, PIPE_SIZE);
        Ok(ProgressPipe { pipe, lines: Lines::default(), format, sink, result })
    }

    fn drain(&mut self) {
        let mut buffer = [0; 4096];
        // Who writes without end has to wait, and is sampled all the same.
        for _ in 0..PIPE_SIZE / buffer.len() {
            let length = self.pipe.read(&mut buffer).unwrap_or(0);
            self.lines.take(&buffer[..length], |line| {
                if let Some(progress) = self.format.read(line) {
                    self.sink.note(progress);
                }
            });
            // What does not fill the buffer was all there is: no need to ask again.
            if length < buffer.len() {
                return;
            }
        }
    }
}

impl Drop for ProgressPipe {
    fn drop(&mut self) {
        self.drain();
        let _ = self.result.send(self.sink.counted);
    }
}

/// A file whose end says how far the engine is. It is read once more when this is dropped.
struct FileEnd {
    file: ProgressFile,
    sink: ProgressSink,
    result: Sender<Option<Sample>>,
}

impl FileEnd {
    fn look(&mut self) {
        if let Some(frames) = self.file.read() {
            self.sink.note(EngineProgress { frames_out: Some(frames), ..EngineProgress::default() });
        }
    }
}

impl Drop for FileEnd {
    fn drop(&mut self) {
        self.look();
        let _ = self.result.send(self.sink.counted);
    }
}

/// Where progress goes.
#[derive(Clone)]
pub struct ProgressSink {
    origin: Instant,
    live: Arc<Live>,
    events: Sender<Event>,
    counted: Option<Sample>,
}

impl ProgressSink {
    /// Counts into `live`; the rest become events.
    pub fn new(origin: Instant, live: &Arc<Live>, events: Sender<Event>) -> ProgressSink {
        ProgressSink { origin, live: Arc::clone(live), events, counted: None }
    }

    fn note(&mut self, progress: EngineProgress) {
        self.live.note_frames(progress.frames_in, progress.frames_out);
        let t_s = Instant::now().since(self.origin).as_secs_f64();
        let (frames_in, frames_out) = (self.live.frames_in(), self.live.frames_out());
        let before = self.counted.map(|counted| (counted.frames_in, counted.frames_out));
        if before != Some((frames_in, frames_out)) && frames_in.or(frames_out).is_some() {
            self.counted = Some(Sample { t_s, frames_in, frames_out, ..Sample::default() });
        }
        if let Some((kind, what)) = progress.event {
            let frames = self.live.frames();
            let _ = self.events.send(Event { t_s, frames, kind, what });
        }
    }
}

struct Log {
    file: BufWriter<File>,
    written: usize,
    last: Option<String>,
}

impl Log {
    fn new(file: File) -> Log {
        Log { file: BufWriter::new(file), written: 0, last: None }
    }

    /// The log is a courtesy: a disk that is full is noticed where the samples are written.
    fn line(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        self.last = Some(line.trim().to_string());
        if self.written <= LONGEST_LOG {
            self.written += line.len() + 1;
            let cut = if self.written > LONGEST_LOG { "\n… the rest is left out" } else { "" };
            let _ = writeln!(self.file, "{line}{cut}").and_then(|()| self.file.flush());
        }
    }
}

/// Calls `take` with each line.
fn each_line(mut pipe: impl Read, mut take: impl FnMut(&str)) {
    let (mut lines, mut chunk) = (Lines::default(), vec![0; 1 << 13]);
    loop {
        match pipe.read(&mut chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return lines.end(take),
            Ok(length) => lines.take(&chunk[..length], &mut take),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::LONGEST_LINE;

    fn lines(text: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        each_line(text, |line| lines.push(line.to_string()));
        lines
    }

    #[test]
    fn carriage_returns_end_lines_and_the_last_line_needs_no_end() {
        assert_eq!(lines(b"frame 1\rframe 2\rdone\nend"), ["frame 1", "frame 2", "done", "end"]);
    }

    #[test]
    fn an_endless_line_does_not_eat_memory() {
        let pieces = lines(&vec![b'x'; 3 * LONGEST_LINE]);
        assert!(pieces.iter().all(|piece| piece.len() <= LONGEST_LINE));
        assert_eq!(pieces.concat().len(), 3 * LONGEST_LINE);
    }
}
