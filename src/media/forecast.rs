//! How much disk and time media will take, from the first pictures of a file of each kind.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Makers, MediaError, Workshop, make_in};
use crate::scenario::SourceSpec;
use memreel_trace::units::Bytes;

/// Fewer pixels than these are made in seconds, and take little room: they are not forecast.
const WORTH_IT: u64 = 500_000_000;

/// The most pictures of the shorter of the two files that are made of a kind; the other has twice as many.
const MOST_TRIED: u64 = 24;

/// What making media will take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaForecast {
    /// Room on the disk.
    pub bytes: Bytes,
    /// The same if no key frame is as large as the first one, as with a codec that keeps to a bit rate.
    pub least: Bytes,
    /// Time on the clock.
    pub time: Duration,
}

/// Forecasts what these files take, if that is worth it: what they take beyond two short ones, per picture.
///
/// # Errors
/// When the generator cannot make the short ones.
pub fn forecast(
    makers: &Makers,
    workshop: &Workshop,
    files: &[&SourceSpec],
) -> Result<Option<MediaForecast>, MediaError> {
    if files.iter().map(|spec| pixels(spec)).sum::<u64>() < WORTH_IT {
        return Ok(None);
    }
    let mut kinds: BTreeMap<String, Vec<&SourceSpec>> = BTreeMap::new();
    for &spec in files {
        kinds.entry(SourceSpec { number: 0, frames: 0, ..spec.clone() }.digest()).or_default().push(spec);
    }
    let (mut bytes, mut least, mut time) = (0.0, 0.0, Duration::ZERO);
    for kind in kinds.values() {
        let pictures: u64 = kind.iter().map(|spec| spec.frames).sum();
        let tried = (pictures / 20).clamp(1, MOST_TRIED);
        let short = Sample::make(makers, workshop, kind[0], tried)?;
        let long = Sample::make(makers, workshop, kind[0], 2 * tried)?;
        let more = pictures as f64 / tried as f64;
        let alike = (long.bytes - short.bytes).max(0.0);
        // The rest is the first picture, a key frame, of which more come.
        let key_frames = pictures / u64::from(kind[0].keyframe_distance).max(2 * tried);
        least += alike * more;
        bytes += alike * more + (short.bytes - alike).max(0.0) * key_frames as f64;
        time += long.time.saturating_sub(short.time).mul_f64(more);
    }
    let at_once = (makers.at_once.max(1) as usize).min(files.len());
    let [bytes, least] = [bytes, least].map(|bytes| Bytes::new(bytes as u64));
    Ok(Some(MediaForecast { bytes, least, time: time / at_once as u32 }))
}

fn pixels(spec: &SourceSpec) -> u64 {
    let picture = u64::from(spec.size.width) * u64::from(spec.size.height);
    picture.saturating_mul(spec.frames)
}

/// A short file: what it took.
struct Sample {
    bytes: f64,
    time: Duration,
}

impl Sample {
    fn make(
        makers: &Makers,
        workshop: &Workshop,
        like: &SourceSpec,
        frames: u64,
    ) -> Result<Sample, MediaError> {
        let file = workshop.path.join(Path::new("sample").with_extension(like.container.extension()));
        let begun = Instant::now();
        make_in(makers, &file, &SourceSpec { frames, ..like.clone() })?;
        let time = begun.elapsed();
        let failed = |source| MediaError::Folder { path: workshop.path.clone(), source };
        let bytes = std::fs::metadata(&file).map_err(failed)?.len() as f64;
        Ok(Sample { bytes, time })
    }
}
