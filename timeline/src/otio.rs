//! OpenTimelineIO's JSON, the part of it that a [`Timeline`] can hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Clip, Item, Rate, RationalTime, TimeRange, Timeline, Track, TrackKind};

/// Why an `.otio` file could not be taken as a timeline.
#[derive(Debug, thiserror::Error)]
pub enum OtioError {
    /// Not JSON, or not OpenTimelineIO's.
    #[error("not an OpenTimelineIO timeline: {0}")]
    Json(#[from] serde_json::Error),
    /// Well-formed, but more than clips and gaps on tracks.
    #[error("{place}: {what} is not supported yet (tracks of clips and gaps are)")]
    Unsupported {
        /// Which track or clip.
        place: String,
        /// Which schema or feature.
        what: String,
    },
    /// A value that makes no sense.
    #[error("{place}: {what}")]
    Invalid {
        /// Which track or clip.
        place: String,
        /// What is wrong with it.
        what: String,
    },
}

/// Reads an `.otio` file's text. Relative media paths are taken from `folder`, where the file lies.
///
/// # Errors
/// When the text is not OpenTimelineIO's JSON, or holds what a [`Timeline`] cannot.
pub fn from_otio(text: &str, folder: &Path) -> Result<Timeline, OtioError> {
    let raw: RawTimeline = serde_json::from_str(text)?;
    let tracks = raw
        .tracks
        .children
        .into_iter()
        .enumerate()
        .map(|(index, value)| track(index, value, folder))
        .collect::<Result<Vec<_>, _>>()?;
    let rate = timeline_rate(&raw.metadata, &tracks).ok_or_else(|| OtioError::Invalid {
        place: raw.name.clone(),
        what: "the timeline has no clip or gap to take a frame rate from".into(),
    })?;
    Ok(Timeline { name: raw.name, rate, tracks })
}

/// The timeline as `.otio` text, media as absolute `file://` URLs where their paths are absolute.
pub fn to_otio(timeline: &Timeline) -> String {
    let raw = RawTimeline {
        schema: "Timeline.1".into(),
        name: timeline.name.clone(),
        metadata: BTreeMap::from([(
            "memreel".to_string(),
            serde_json::json!({ "rate": timeline.rate.to_string() }),
        )]),
        tracks: RawStack {
            schema: "Stack.1".into(),
            name: "tracks".into(),
            children: timeline.tracks.iter().map(track_value).collect(),
        },
    };
    let mut text = serde_json::to_string_pretty(&raw).expect("a tree of strings and numbers is JSON");
    text.push('\n');
    text
}

#[derive(Serialize, Deserialize)]
struct RawTimeline {
    #[serde(rename = "OTIO_SCHEMA")]
    schema: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    metadata: BTreeMap<String, Value>,
    tracks: RawStack,
}

#[derive(Serialize, Deserialize)]
struct RawStack {
    #[serde(rename = "OTIO_SCHEMA")]
    schema: String,
    #[serde(default)]
    name: String,
    children: Vec<Value>,
}

#[derive(Deserialize)]
struct RawTrack {
    #[serde(default)]
    name: String,
    kind: String,
    children: Vec<Value>,
    #[serde(default)]
    source_range: Option<Value>,
    #[serde(default)]
    effects: Vec<Value>,
}

#[derive(Deserialize)]
struct RawClip {
    #[serde(default)]
    name: String,
    #[serde(default)]
    source_range: Option<RawRange>,
    #[serde(default)]
    media_reference: Option<RawReference>,
    #[serde(default)]
    media_references: BTreeMap<String, RawReference>,
    #[serde(default)]
    active_media_reference_key: Option<String>,
    #[serde(default)]
    effects: Vec<Value>,
}

#[derive(Deserialize)]
struct RawReference {
    #[serde(rename = "OTIO_SCHEMA")]
    schema: String,
    #[serde(default)]
    target_url: Option<String>,
    #[serde(default)]
    available_range: Option<RawRange>,
}

#[derive(Deserialize)]
struct RawRange {
    start_time: RawTime,
    duration: RawTime,
}

#[derive(Deserialize)]
struct RawTime {
    rate: f64,
    value: f64,
}

fn schema(value: &Value) -> &str {
    value.get("OTIO_SCHEMA").and_then(Value::as_str).unwrap_or("an object without OTIO_SCHEMA")
}

/// `Clip` of `Clip.2`: the version may rise as long as the fields we read stay.
fn kind_of(value: &Value) -> &str {
    schema(value).split('.').next().unwrap_or_default()
}

fn track(index: usize, value: Value, folder: &Path) -> Result<Track, OtioError> {
    let place = format!("track {}", index + 1);
    if kind_of(&value) != "Track" {
        return Err(OtioError::Unsupported { place, what: schema(&value).into() });
    }
    let raw: RawTrack = serde_json::from_value(value)?;
    let place = if raw.name.is_empty() { place } else { format!("track {} ({})", index + 1, raw.name) };
    if raw.source_range.is_some_and(|range| !range.is_null()) {
        return Err(OtioError::Unsupported { place, what: "a source range on a track".into() });
    }
    if let Some(effect) = raw.effects.first() {
        return Err(OtioError::Unsupported { place, what: schema(effect).into() });
    }
    let kind = match raw.kind.as_str() {
        "Video" => TrackKind::Video,
        "Audio" => TrackKind::Audio,
        other => return Err(OtioError::Unsupported { place, what: format!("track kind `{other}`") }),
    };
    let children = raw
        .children
        .into_iter()
        .enumerate()
        .map(|(index, value)| item(&format!("{place}, item {}", index + 1), value, folder))
        .collect::<Result<_, _>>()?;
    Ok(Track { name: raw.name, kind, children })
}

fn item(place: &str, value: Value, folder: &Path) -> Result<Item, OtioError> {
    match kind_of(&value) {
        "Clip" => clip(place, serde_json::from_value(value)?, folder).map(Item::Clip),
        "Gap" => {
            let raw: RawClip = serde_json::from_value(value)?;
            let range = raw.source_range.ok_or_else(|| invalid(place, "a gap without a source range"))?;
            Ok(Item::Gap { duration: time(place, &range.duration)? })
        }
        _ => Err(OtioError::Unsupported { place: place.into(), what: schema(&value).into() }),
    }
}

fn clip(place: &str, mut raw: RawClip, folder: &Path) -> Result<Clip, OtioError> {
    let place = if raw.name.is_empty() { place.to_string() } else { format!("{place} ({})", raw.name) };
    if let Some(effect) = raw.effects.first() {
        return Err(OtioError::Unsupported { place, what: schema(effect).into() });
    }
    let key = raw.active_media_reference_key.as_deref().unwrap_or("DEFAULT_MEDIA");
    let reference = raw
        .media_references
        .remove(key)
        .or(raw.media_reference)
        .ok_or_else(|| invalid(&place, "a clip without a media reference"))?;
    let url = match (reference.schema.split('.').next(), reference.target_url) {
        (Some("ExternalReference"), Some(url)) => url,
        _ => return Err(OtioError::Unsupported { place, what: reference.schema }),
    };
    let range = raw
        .source_range
        .or(reference.available_range)
        .ok_or_else(|| invalid(&place, "a clip with neither a source range nor an available range"))?;
    Ok(Clip {
        media: folder.join(path_of_url(&place, &url)?),
        source_range: TimeRange {
            start_time: time(&place, &range.start_time)?,
            duration: time(&place, &range.duration)?,
        },
        name: raw.name,
    })
}

fn invalid(place: &str, what: &str) -> OtioError {
    OtioError::Invalid { place: place.into(), what: what.into() }
}

fn time(place: &str, raw: &RawTime) -> Result<RationalTime, OtioError> {
    let rate = Rate::from_f64(raw.rate)
        .ok_or_else(|| invalid(place, &format!("a rate of {} per second", raw.rate)))?;
    if !(0.0..9e15).contains(&raw.value) || (raw.value - raw.value.round()).abs() > 1e-3 {
        return Err(invalid(
            place,
            &format!("a time of {} frames is not a whole, positive number", raw.value),
        ));
    }
    Ok(RationalTime::new(raw.value.round() as u64, rate))
}

/// What memreel wrote beside the tracks, else the rate of the first video item, else of the first.
fn timeline_rate(metadata: &BTreeMap<String, Value>, tracks: &[Track]) -> Option<Rate> {
    let stated = metadata.get("memreel").and_then(|ours| ours.get("rate")).and_then(Value::as_str);
    if let Some(rate) = stated.and_then(|text| text.parse().ok()) {
        return Some(rate);
    }
    let first = |track: &Track| track.children.first().map(|item| item.duration().rate);
    let video = tracks.iter().filter(|track| track.kind == TrackKind::Video).find_map(first);
    video.or_else(|| tracks.iter().find_map(first))
}

fn track_value(track: &Track) -> Value {
    serde_json::json!({
        "OTIO_SCHEMA": "Track.1",
        "name": track.name,
        "kind": match track.kind { TrackKind::Video => "Video", TrackKind::Audio => "Audio" },
        "children": track.children.iter().map(item_value).collect::<Vec<_>>(),
    })
}

fn item_value(item: &Item) -> Value {
    match item {
        Item::Gap { duration } => serde_json::json!({
            "OTIO_SCHEMA": "Gap.1",
            "source_range": range_value(RationalTime::new(0, duration.rate), *duration),
        }),
        Item::Clip(clip) => serde_json::json!({
            "OTIO_SCHEMA": "Clip.2",
            "name": clip.name,
            "source_range": range_value(clip.source_range.start_time, clip.source_range.duration),
            "active_media_reference_key": "DEFAULT_MEDIA",
            "media_references": { "DEFAULT_MEDIA": {
                "OTIO_SCHEMA": "ExternalReference.1",
                "target_url": url_of_path(&clip.media),
            }},
        }),
    }
}

fn range_value(start: RationalTime, duration: RationalTime) -> Value {
    serde_json::json!({
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": time_value(start),
        "duration": time_value(duration),
    })
}

fn time_value(time: RationalTime) -> Value {
    serde_json::json!({ "OTIO_SCHEMA": "RationalTime.1", "rate": time.rate.as_f64(), "value": time.value as f64 })
}

/// An absolute path becomes a `file://` URL, a relative one stays a relative URL; what a URL cannot
/// hold is percent-encoded (RFC 3986, section 2.1).
fn url_of_path(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let mut url = String::from(if path.is_absolute() { "file://" } else { "" });
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                url.push(byte.into())
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

fn path_of_url(place: &str, url: &str) -> Result<PathBuf, OtioError> {
    use std::os::unix::ffi::OsStringExt;
    let (path, encoded) = match url.strip_prefix("file://") {
        Some(rest) => (rest.strip_prefix("localhost").unwrap_or(rest), true),
        None if url.contains("://") => {
            return Err(OtioError::Unsupported { place: place.into(), what: format!("media at {url}") });
        }
        None => (url, url.contains('%')),
    };
    let bytes = if encoded { percent_decoded(path.as_bytes()) } else { path.as_bytes().to_vec() };
    Ok(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}

/// A `%` that two hexadecimal digits do not follow stands for itself: other programs write bare paths.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let decoded = match (first, after) {
            (b'%', [high, low, ..]) => {
                hexadecimal(*high).zip(hexadecimal(*low)).map(|(high, low)| high * 16 + low)
            }
            _ => None,
        };
        bytes.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
    bytes
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Timeline {
        let rate = Rate::new(25, 1).unwrap();
        let clip = |name: &str, start| {
            Item::Clip(Clip {
                name: name.into(),
                media: PathBuf::from(format!("/media/a b/100%25 é/{name}.mp4")),
                source_range: TimeRange {
                    start_time: RationalTime::new(start, rate),
                    duration: RationalTime::new(50, rate),
                },
            })
        };
        let gap = Item::Gap { duration: RationalTime::new(10, rate) };
        Timeline {
            name: "two tracks".into(),
            rate,
            tracks: vec![
                Track {
                    name: "V1".into(),
                    kind: TrackKind::Video,
                    children: vec![clip("a", 13), gap, clip("b", 0)],
                },
                Track { name: "A1".into(), kind: TrackKind::Audio, children: vec![clip("a", 13)] },
            ],
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let timeline = sample();
        assert_eq!(from_otio(&to_otio(&timeline), Path::new("/elsewhere")).unwrap(), timeline);
    }

    #[test]
    fn clips_are_placed_after_gaps() {
        let timeline = sample();
        let places: Vec<_> =
            timeline.tracks[0].placed(timeline.rate).iter().map(|p| (p.start, p.end)).collect();
        assert_eq!(places, [(0, 50), (60, 110)]);
        assert_eq!(timeline.frames(), 110);
    }

    #[test]
    fn what_is_not_supported_is_named_with_its_place() {
        let text = to_otio(&sample()).replacen("Gap.1", "Transition.1", 1);
        let error = from_otio(&text, Path::new("/")).unwrap_err().to_string();
        assert!(error.contains("track 1 (V1), item 2") && error.contains("Transition.1"), "{error}");
    }

    #[test]
    fn relative_media_lie_beside_the_file() {
        let text = to_otio(&sample()).replace("file:///media/", "media/");
        let timeline = from_otio(&text, Path::new("/project")).unwrap();
        assert!(timeline.media()[0].starts_with("/project/media/a b"));
    }
}
