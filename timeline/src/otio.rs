//! OpenTimelineIO's JSON, the part of it that a [`Timeline`] can hold.

use std::borrow::Cow;
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
/// What is not enabled is not there: a disabled clip is a gap, a disabled track is left out. Where the
/// media have an available range, a clip begins so long after the media do: media that begin at a
/// timecode are numbered by it.
///
/// # Errors
/// When the text is not OpenTimelineIO's JSON, or holds what a [`Timeline`] cannot.
pub fn from_otio(text: &str, folder: &Path) -> Result<Timeline, OtioError> {
    let raw: RawTimeline = serde_json::from_str(&with_null_for_nan(text))?;
    let children = if raw.tracks.enabled { raw.tracks.children } else { Vec::new() };
    let tracks = children
        .into_iter()
        .enumerate()
        .filter(|(_, value)| is_enabled(value))
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
            enabled: true,
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
    #[serde(default = "yes")]
    enabled: bool,
    children: Vec<Value>,
}

fn yes() -> bool {
    true
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

/// OpenTimelineIO writes numbers that JSON does not have, as a rule in metadata of other programs: they
/// become `null`.
fn with_null_for_nan(text: &str) -> Cow<'_, str> {
    if !["NaN", "Inf"].iter().any(|word| text.contains(word)) {
        return text.into();
    }
    let mut replaced = String::with_capacity(text.len());
    let (mut rest, mut in_string) = (text, false);
    while let Some(character) = rest.chars().next() {
        let number = ["NaN", "Infinity", "-Infinity", "Inf", "-Inf"];
        if let Some(after) = number.iter().find_map(|word| rest.strip_prefix(word)).filter(|_| !in_string) {
            replaced.push_str("null");
            rest = after;
            continue;
        }
        let escaped = if in_string && character == '\\' { rest.chars().nth(1) } else { None };
        in_string ^= character == '"';
        let (taken, after) = rest.split_at(character.len_utf8() + escaped.map_or(0, char::len_utf8));
        replaced.push_str(taken);
        rest = after;
    }
    replaced.into()
}

fn is_enabled(value: &Value) -> bool {
    value.get("enabled") != Some(&Value::Bool(false))
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
    if let Some(effect) = raw.effects.iter().find(|effect| is_enabled(effect)) {
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
        "Clip" | "Stack" | "Track" if !is_enabled(&value) => {
            let raw: RawClip = serde_json::from_value(value)?;
            Ok(Item::Gap { duration: duration(place, &raw)? })
        }
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
    if let Some(effect) = raw.effects.iter().find(|effect| is_enabled(effect)) {
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
    let available = reference.available_range.as_ref();
    let range = raw.source_range.as_ref().or(available).ok_or_else(|| invalid(&place, NO_RANGE))?;
    Ok(Clip {
        media: folder.join(path_of_url(&place, &url)?),
        source_range: TimeRange {
            start_time: start_time(&place, &range.start_time, available.map(|range| &range.start_time))?,
            duration: time(&place, &range.duration)?,
        },
        name: raw.name,
    })
}

const NO_RANGE: &str = "a clip with neither a source range nor an available range";

/// How long something lasts of which no more is wanted.
fn duration(place: &str, raw: &RawClip) -> Result<RationalTime, OtioError> {
    let key = raw.active_media_reference_key.as_deref().unwrap_or("DEFAULT_MEDIA");
    let reference = raw.media_references.get(key).or(raw.media_reference.as_ref());
    let available = reference.and_then(|reference| reference.available_range.as_ref());
    let range = raw.source_range.as_ref().or(available).ok_or_else(|| invalid(place, NO_RANGE))?;
    time(place, &range.duration)
}

/// Where a clip begins in its media, counted from the first frame of these, which may have a timecode.
fn start_time(place: &str, start: &RawTime, media: Option<&RawTime>) -> Result<RationalTime, OtioError> {
    let Some(media) = media else { return time(place, start) };
    let rate = rate(place, start)?;
    let (from, begins) = (point(place, start)?, point(place, media)?);
    from.since(begins, rate).ok_or_else(|| {
        let (from, begins) = (from.seconds(), begins.seconds());
        invalid(
            place,
            &format!(
                "the source range begins at {from:.3} s, before the media do, at {begins:.3} s \
                 (`available_range` of the media reference)"
            ),
        )
    })
}

/// A point in time, also one between two frames: a timecode that was counted at another rate.
fn point(place: &str, raw: &RawTime) -> Result<RationalTime, OtioError> {
    let whole = time(place, raw);
    if whole.is_ok() || !(0.0..9e12).contains(&raw.value) {
        return whole;
    }
    let rate = rate(place, raw)?;
    let fine = rate.numerator().checked_mul(1000).and_then(|above| Rate::new(above, rate.denominator()));
    fine.map_or(whole, |fine| Ok(RationalTime::new((raw.value * 1000.0).round() as u64, fine)))
}

fn rate(place: &str, raw: &RawTime) -> Result<Rate, OtioError> {
    Rate::from_f64(raw.rate).ok_or_else(|| invalid(place, &format!("a rate of {} per second", raw.rate)))
}

fn invalid(place: &str, what: &str) -> OtioError {
    OtioError::Invalid { place: place.into(), what: what.into() }
}

fn time(place: &str, raw: &RawTime) -> Result<RationalTime, OtioError> {
    let rate = rate(place, raw)?;
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

    /// The sample as a tree, changed, and what is read of it.
    fn changed(change: impl FnOnce(&mut Value)) -> Result<Timeline, OtioError> {
        let mut value: Value = serde_json::from_str(&to_otio(&sample())).unwrap();
        change(&mut value);
        from_otio(&value.to_string(), Path::new("/"))
    }

    #[test]
    fn a_disabled_clip_is_a_gap_and_a_disabled_track_is_not_there() {
        let timeline = changed(|value| {
            let tracks = &mut value["tracks"]["children"];
            tracks[0]["children"][2]["enabled"] = false.into();
            tracks[0]["children"][2]["media_references"]["DEFAULT_MEDIA"]["OTIO_SCHEMA"] =
                "MissingReference.1".into();
            tracks[1]["enabled"] = false.into();
            tracks[1]["kind"] = "Subtitle".into();
        })
        .unwrap();
        assert_eq!(timeline.tracks.len(), 1);
        let gap = |frames| Item::Gap { duration: RationalTime::new(frames, timeline.rate) };
        assert_eq!(timeline.tracks[0].children[1..], [gap(10), gap(50)]);
        assert_eq!((timeline.frames(), timeline.media().len()), (110, 1));
        let nothing = changed(|value| value["tracks"]["enabled"] = false.into()).unwrap();
        assert_eq!(nothing.frames(), 0);
    }

    /// Where the first clip begins in its media, when both count so: value and rate.
    fn begins(start: (f64, f64), media: (f64, f64)) -> Result<(u64, String), String> {
        let time = |(value, rate): (f64, f64)| serde_json::json!({ "value": value, "rate": rate });
        let timeline = changed(|value| {
            let clip = &mut value["tracks"]["children"][0]["children"][0];
            clip["source_range"]["start_time"] = time(start);
            clip["media_references"]["DEFAULT_MEDIA"]["available_range"] =
                serde_json::json!({ "start_time": time(media), "duration": time((100.0, 25.0)) });
        });
        let start =
            timeline.map_err(|error| error.to_string())?.clips().next().unwrap().source_range.start_time;
        Ok((start.value, start.rate.to_string()))
    }

    #[test]
    fn media_that_begin_at_a_timecode_are_numbered_by_it() {
        let at = |value, rate: &str| Ok((value, rate.to_string()));
        assert_eq!(begins((30.0, 25.0), (25.0, 25.0)), at(5, "25"));
        assert_eq!(begins((90_005.0, 25.0), (90_000.0, 25.0)), at(5, "25"));
        // One hour, counted in 1/90000 s, and as timecode at 24; at 29.97 it falls between two frames.
        assert_eq!(begins((90_005.0, 25.0), (324_000_000.0, 90_000.0)), at(5, "25"));
        assert_eq!(begins((324_018_000.0, 90_000.0), (90_000.0, 25.0)), at(18_000, "90000"));
        assert_eq!(begins((90_005.0, 25.0), (86_400.0, 24.0)), at(5, "25"));
        assert_eq!(begins((90_005.0, 25.0), (107_892.107_892, 29.97)), at(5, "25"));
        assert_eq!(begins((86_405.5, 24.0), (86_400.5, 24.0)), at(5, "24"));
        // Half a frame is not lost.
        assert_eq!(begins((31.0, 25.0), (61.0, 50.0)), at(1, "50"));
        assert_eq!(begins((90_000.0, 25.0), (86_400.2, 24.0)), at(0, "25"));
    }

    #[test]
    fn a_clip_before_its_media_is_refused() {
        let error = begins((30.0, 25.0), (90_000.0, 25.0)).unwrap_err();
        assert!(error.contains("at 1.200 s, before the media do, at 3600.000 s"), "{error}");
    }

    #[test]
    fn numbers_that_json_does_not_have_are_read_where_nothing_depends_on_them() {
        let inside =
            r#""metadata": { "a": NaN, "b": [-Infinity, Infinity, -Inf], "c": "\" NaN \\" , "d": NaN },"#;
        let text = to_otio(&sample()).replacen("\"name\": \"two", &format!("{inside} \"name\": \"two"), 1);
        let text = text.replacen("\"kind\"", "\"metadata\": { \"gain\": NaN }, \"kind\"", 1);
        let text = text.replacen("\"metadata\": {\n    \"memreel\"", "\"x\": {\n    \"memreel\"", 1);
        assert_eq!(from_otio(&text, Path::new("/")).unwrap(), sample());
        assert_eq!(with_null_for_nan(r#"["é NaN\\", NaN]"#), r#"["é NaN\\", null]"#);
    }
}
