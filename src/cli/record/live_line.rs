//! The figures of the moment, on one line that is drawn again each second and fits the terminal.

use std::io::Write;
use std::time::Duration;

use crate::report::stderr_width;
use memreel_record::sampler::Row;
use memreel_record::writer::Sink;
use memreel_trace::units::{Bytes, Count};
use memreel_trace::{Event, Sample, TraceError};

/// Draws when the writer hands what it has to the disk: that costs no wake-up of its own.
pub struct LiveLine {
    out: Box<dyn Write + Send>,
    limit: Option<Duration>,
    last: Sample,
    peak: Bytes,
    /// When CPU time was last shown, and what it was.
    shown: Option<(f64, f64)>,
}

impl LiveLine {
    /// On this terminal; nothing is drawn yet.
    pub fn new(out: Box<dyn Write + Send>, limit: Option<Duration>) -> LiveLine {
        LiveLine { out, limit, last: Sample::default(), peak: Bytes::ZERO, shown: None }
    }

    /// In so many columns; of what does not fit the last is left out first.
    fn text(&mut self, width: usize) -> String {
        let sample = &self.last;
        let mut parts = vec![clock(sample.t_s)];
        if let Some(limit) = self.limit {
            parts[0] += &format!(" of {}", clock(limit.as_secs_f64()));
        }
        let rss = sample.rss_bytes.unwrap_or(Bytes::ZERO);
        parts.push(format!("RSS {rss} (peak {})", self.peak));
        parts.extend(self.cpu_percent().map(|percent| format!("CPU {percent:.0} %")));
        let sample = &self.last;
        parts.extend(match sample.frames() {
            Some(frames) => Some(format!("frame {frames}")),
            None => sample.written_bytes.map(|written| format!("{written} written")),
        });
        if let Some(processes) = sample.processes.filter(|processes| *processes > Count::new(1)) {
            parts.push(format!("{processes} processes"));
        }
        while parts.len() > 1 && parts.join("  ").chars().count() > width {
            parts.pop();
        }
        parts.join("  ")
    }

    fn cpu_percent(&mut self) -> Option<f64> {
        let now = (self.last.t_s, self.last.cpu_s?);
        let (t_s, cpu_s) = self.shown.replace(now)?;
        (now.0 > t_s).then(|| (now.1 - cpu_s) / (now.0 - t_s) * 100.0)
    }
}

impl Sink for LiveLine {
    fn row(&mut self, row: &Row) -> Result<(), TraceError> {
        if let Row::Sample(sample) = row {
            self.peak = self.peak.max(sample.rss_bytes.unwrap_or(Bytes::ZERO));
            let known = self.last;
            self.last = Sample {
                cpu_s: sample.cpu_s.or(known.cpu_s),
                written_bytes: sample.written_bytes.or(known.written_bytes),
                ..*sample
            };
        }
        Ok(())
    }

    fn event(&mut self, _: &Event) -> Result<(), TraceError> {
        Ok(())
    }

    /// The cursor goes back to the line's beginning: what the command writes next is written over it.
    fn flush(&mut self) -> Result<(), TraceError> {
        let text = self.text(stderr_width().map_or(usize::MAX, usize::from));
        let _ = write!(self.out, "\r\x1b[K{text}\r").and_then(|()| self.out.flush());
        Ok(())
    }
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        let _ = write!(self.out, "\r\x1b[K").and_then(|()| self.out.flush());
    }
}

/// Hours, minutes and seconds as far as they are needed.
fn clock(seconds: f64) -> String {
    let whole = seconds as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match hours {
        0 => format!("{minutes}:{rest:02}"),
        _ => format!("{hours}:{minutes:02}:{rest:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_what_is_known() {
        let mut line = LiveLine::new(Box::new(std::io::sink()), None);
        let sample = Sample {
            t_s: 61.0,
            rss_bytes: Some(Bytes::from_mib(100)),
            cpu_s: Some(1.0),
            processes: Some(Count::new(3)),
            ..Sample::default()
        };
        line.row(&Row::Sample(sample)).unwrap();
        assert_eq!(line.text(80), "1:01  RSS 100 MiB (peak 100 MiB)  3 processes");
        let frames_out = Some(Count::new(7));
        let later = Sample { t_s: 63.0, cpu_s: Some(2.0), processes: None, frames_out, ..sample };
        line.row(&Row::Sample(later)).unwrap();
        assert_eq!(line.text(80), "1:03  RSS 100 MiB (peak 100 MiB)  CPU 50 %  frame 7");
    }

    #[test]
    fn a_narrow_terminal_shows_the_first_figures() {
        let mut line = LiveLine::new(Box::new(std::io::sink()), None);
        line.row(&Row::Sample(Sample { rss_bytes: Some(Bytes::from_mib(100)), ..Sample::default() }))
            .unwrap();
        assert_eq!(
            (line.text(34), line.text(30)),
            ("0:00  RSS 100 MiB (peak 100 MiB)".into(), "0:00".into())
        );
    }

    #[test]
    fn hours_are_shown_when_there_are_any() {
        assert_eq!((clock(59.9), clock(3600.0)), ("0:59".into(), "1:00:00".into()));
    }
}
