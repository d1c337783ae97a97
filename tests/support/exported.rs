//! What an exported file holds, as the exporter's own reader tells it.

use std::path::Path;
use std::process::Command;

/// Source and frame that a picture's barcode names; `None` for a picture without one.
pub type Code = Option<(u16, u32)>;

/// A frame of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Its timestamp.
    pub seconds: f64,
    /// What its barcode says.
    pub code: Code,
    /// Over its visible bytes.
    pub checksum: String,
}

/// Frames of a source, one after another.
pub fn shot(source: u16, from: u32, frames: u32) -> Vec<Code> {
    (from..from + frames).map(|frame| Some((source, frame))).collect()
}

/// Frames without a barcode.
pub fn black(frames: usize) -> Vec<Code> {
    vec![None; frames]
}

/// Every frame of a file.
pub fn frames(file: &Path) -> Vec<Shown> {
    rows(file, "--checksum").iter().map(|row| frame(row)).collect()
}

fn frame(row: &[String]) -> Shown {
    let [_, seconds, source, frame, checksum] = row else { panic!("not a frame: {row:?}") };
    let code = (!source.is_empty()).then(|| (source.parse().unwrap(), frame.parse().unwrap()));
    Shown { seconds: seconds.parse().unwrap(), code, checksum: checksum.clone() }
}

/// What the barcodes of a file say.
pub fn shown(file: &Path) -> Vec<Code> {
    frames(file).into_iter().map(|frame| frame.code).collect()
}

/// When the sound of a file bursts, in seconds.
pub fn bursts(file: &Path) -> Vec<f64> {
    rows(file, "--audio-bursts").iter().map(|row| row[1].parse().unwrap()).collect()
}

fn rows(file: &Path, option: &str) -> Vec<Vec<String>> {
    let output = Command::new(super::exporter()).args(["frames", option]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    let mut table = csv::Reader::from_reader(output.stdout.as_slice());
    table.records().map(|row| row.unwrap().iter().map(str::to_string).collect()).collect()
}
