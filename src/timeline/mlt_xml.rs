//! A timeline as MLT XML: a playlist a track, all in one tractor.
//!
//! Where no track has a clip, MLT's consumer would encode white; a black track at the bottom prevents it.
//! A video track whose sound stands on a linked audio track becomes one playlist, as an editor would
//! write it; the file is then opened once for both. Frames are those of the profile; the document's
//! format is MLT's (docs/mlt-xml.txt in its sources).

use std::collections::HashMap;
use std::path::Path;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::timeline::{Item, Rate, Timeline, Track, TrackKind};

/// The pictures that MLT composes before the encoder sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Pictures a second.
    pub rate: Rate,
}

impl Profile {
    /// BT.709 from 720 lines on, BT.601 below: what sources of these sizes are taken to be when they
    /// do not say.
    fn colorspace(self) -> &'static str {
        if self.height >= 720 { "709" } else { "601" }
    }
}

/// Writes the timeline; with `sound` false no track is heard.
///
/// # Panics
/// Never: writing to memory does not fail.
pub fn to_mlt_xml(timeline: &Timeline, profile: Profile, sound: bool) -> String {
    let mut document = Document { xml: Writer::new_with_indent(Vec::new(), b' ', 2), profile };
    document.write(timeline, sound).expect("memory can be written to");
    let mut text = String::from_utf8(document.xml.into_inner()).expect("only UTF-8 was written");
    text.push('\n');
    text
}

/// In-points that fall between two frames of the profile and are moved to the nearer one, because
/// MLT counts every source in the profile's frames.
pub fn rounded_in_points(timeline: &Timeline, rate: Rate) -> usize {
    let exact = |time: crate::timeline::RationalTime| {
        let frame = crate::timeline::RationalTime::new(time.frame_at(rate), rate);
        (frame.seconds() - time.seconds()).abs() < 1e-6
    };
    timeline.clips().filter(|clip| !exact(clip.source_range.start_time)).count()
}

/// A playlist: a track, and what of it is used.
struct Playlist<'a> {
    track: &'a Track,
    hide: Option<&'static str>,
}

impl Playlist<'_> {
    fn is_heard(&self) -> bool {
        !matches!(self.hide, Some("audio" | "both"))
    }
}

/// Pairs each video track with the audio track that has the same clips at the same places.
fn playlists(timeline: &Timeline, sound: bool) -> Vec<Playlist<'_>> {
    let mut audio: Vec<_> =
        timeline.tracks.iter().filter(|track| sound && track.kind == TrackKind::Audio).collect();
    let mut playlists = Vec::new();
    for track in timeline.tracks.iter().filter(|track| track.kind == TrackKind::Video) {
        let linked = audio.iter().position(|other| is_linked(track, other));
        if let Some(index) = linked {
            audio.remove(index);
        }
        playlists.push(Playlist { track, hide: linked.is_none().then_some("audio") });
    }
    playlists.extend(audio.into_iter().map(|track| Playlist { track, hide: Some("video") }));
    playlists
}

fn is_linked(video: &Track, audio: &Track) -> bool {
    let same = |pair: (&Item, &Item)| match pair {
        (Item::Clip(a), Item::Clip(b)) => a.media == b.media && a.source_range == b.source_range,
        (Item::Gap { duration: a }, Item::Gap { duration: b }) => a == b,
        _ => false,
    };
    video.children.len() == audio.children.len() && video.children.iter().zip(&audio.children).all(same)
}

/// Whether there is a frame for which no video track has a clip, as far as one track alone tells.
fn has_holes(timeline: &Timeline, rate: Rate) -> bool {
    let frames = timeline.frames_at(rate);
    let covers = |track: &Track| {
        let clips_only = track.children.iter().all(|item| matches!(item, Item::Clip(_)));
        track.kind == TrackKind::Video && clips_only && track.frames(rate) == frames
    };
    !timeline.tracks.iter().any(covers)
}

type Written = std::io::Result<()>;

struct Document {
    xml: Writer<Vec<u8>>,
    profile: Profile,
}

impl Document {
    fn write(&mut self, timeline: &Timeline, sound: bool) -> Written {
        let playlists = playlists(timeline, sound);
        self.xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
        let root = quick_xml::events::BytesStart::new("mlt").with_attributes([
            ("LC_NUMERIC", "C"),
            ("version", "7.0.0"),
            ("producer", "timeline"),
        ]);
        self.xml.write_event(Event::Start(root.clone()))?;
        self.profile()?;
        for (number, playlist) in playlists.iter().enumerate() {
            self.track(number, playlist)?;
        }
        let has_holes = has_holes(timeline, self.profile.rate);
        if has_holes {
            self.black(timeline)?;
        }
        self.tractor(timeline, &playlists, has_holes)?;
        self.xml.write_event(Event::End(root.to_end()))
    }

    fn profile(&mut self) -> Written {
        let Profile { width, height, rate } = self.profile;
        let attributes = [
            ("description", "memreel".to_string()),
            ("width", width.to_string()),
            ("height", height.to_string()),
            ("progressive", "1".into()),
            ("sample_aspect_num", "1".into()),
            ("sample_aspect_den", "1".into()),
            ("display_aspect_num", width.to_string()),
            ("display_aspect_den", height.to_string()),
            ("frame_rate_num", rate.numerator().to_string()),
            ("frame_rate_den", rate.denominator().to_string()),
            ("colorspace", self.profile.colorspace().into()),
        ];
        self.empty("profile", &attributes)
    }

    /// The media of a track, then its playlist. Each track has producers of its own: MLT would have to
    /// clone one that two tracks seek at the same time.
    fn track(&mut self, number: usize, playlist: &Playlist) -> Written {
        let mut producers = HashMap::new();
        for item in &playlist.track.children {
            let Item::Clip(clip) = item else { continue };
            if producers.contains_key(clip.media.as_path()) {
                continue;
            }
            let id = format!("track{number}_media{}", producers.len());
            self.producer(&id, &clip.media, playlist)?;
            producers.insert(clip.media.as_path(), id);
        }
        self.playlist(number, playlist.track, &producers)
    }

    fn producer(&mut self, id: &str, media: &Path, playlist: &Playlist) -> Written {
        let resource = media.to_string_lossy().into_owned();
        self.nested("producer", &[("id", id.to_string())], |document| {
            document.property("resource", &resource)?;
            document.property("mlt_service", "avformat")?;
            match playlist.hide {
                Some("audio") => document.property("audio_index", "-1"),
                Some("video") => document.property("video_index", "-1"),
                _ => Ok(()),
            }
        })
    }

    fn playlist(&mut self, number: usize, track: &Track, media: &HashMap<&Path, String>) -> Written {
        let rate = self.profile.rate;
        let mut clips = track.placed(rate).into_iter();
        let mut at = 0;
        self.nested("playlist", &[("id", format!("track{number}"))], |document| {
            for item in &track.children {
                let Item::Clip(clip) = item else { continue };
                let Some(place) = clips.next() else { break };
                document.blank(place.start - at)?;
                at = place.end;
                let first = clip.source_range.start_time.frame_at(rate);
                let attributes = [
                    ("producer", media[clip.media.as_path()].clone()),
                    ("in", first.to_string()),
                    ("out", (first + place.end - place.start).saturating_sub(1).to_string()),
                ];
                document.empty("entry", &attributes)?;
            }
            document.blank(track.frames(rate) - at)
        })
    }

    fn blank(&mut self, frames: u64) -> Written {
        if frames == 0 { Ok(()) } else { self.empty("blank", &[("length", frames.to_string())]) }
    }

    fn black(&mut self, timeline: &Timeline) -> Written {
        let frames = timeline.frames_at(self.profile.rate);
        let last = frames.saturating_sub(1).to_string();
        let attributes = [("id", "black".to_string()), ("in", "0".into()), ("out", last)];
        self.nested("producer", &attributes, |document| {
            document.property("length", &frames.to_string())?;
            document.property("resource", "black")?;
            document.property("mlt_service", "color")
        })
    }

    fn tractor(&mut self, timeline: &Timeline, playlists: &[Playlist], on_black: bool) -> Written {
        let last = timeline.frames_at(self.profile.rate).saturating_sub(1).to_string();
        let attributes = [("id", "timeline".to_string()), ("in", "0".into()), ("out", last.clone())];
        self.nested("tractor", &attributes, |document| {
            if on_black {
                document.empty("track", &[("producer", "black".into()), ("hide", "audio".into())])?;
            }
            for (number, playlist) in playlists.iter().enumerate() {
                let mut attributes = vec![("producer", format!("track{number}"))];
                attributes.extend(playlist.hide.map(|hide| ("hide", hide.to_string())));
                document.empty("track", &attributes)?;
            }
            let below = usize::from(on_black);
            let heard = (0..playlists.len()).filter(|&number| playlists[number].is_heard());
            let mut heard = heard.map(|number| number + below);
            let Some(first) = heard.next() else { return Ok(()) };
            heard.try_for_each(|number| document.mix(first, number, &last))
        })
    }

    /// Adds the sound of one track to that of another.
    fn mix(&mut self, onto: usize, track: usize, last: &str) -> Written {
        self.nested("transition", &[("in", "0".to_string()), ("out", last.to_string())], |document| {
            document.property("mlt_service", "mix")?;
            document.property("a_track", &onto.to_string())?;
            document.property("b_track", &track.to_string())?;
            document.property("sum", "1")?;
            document.property("always_active", "1")
        })
    }

    fn property(&mut self, name: &str, value: &str) -> Written {
        self.xml
            .create_element("property")
            .with_attribute(("name", name))
            .write_text_content(BytesText::new(value))
            .map(drop)
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, String)]) -> Written {
        let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
        self.xml.create_element(name).with_attributes(attributes).write_empty().map(drop)
    }

    fn nested(
        &mut self,
        name: &str,
        attributes: &[(&str, String)],
        inside: impl FnOnce(&mut Document) -> Written,
    ) -> Written {
        let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
        let start = quick_xml::events::BytesStart::new(name).with_attributes(attributes);
        self.xml.write_event(Event::Start(start.clone()))?;
        inside(self)?;
        self.xml.write_event(Event::End(start.to_end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::{Clip, RationalTime, TimeRange};

    const PROFILE: (u32, u32) = (640, 360);

    fn clip(name: &str, start: u64, frames: u64) -> Item {
        let rate = Rate::new(25, 1).unwrap();
        let source_range = TimeRange {
            start_time: RationalTime::new(start, rate),
            duration: RationalTime::new(frames, rate),
        };
        Item::Clip(Clip { name: name.into(), media: format!("/media/{name}.mp4").into(), source_range })
    }

    fn xml(tracks: &[(TrackKind, Vec<Item>)], sound: bool) -> String {
        let rate = Rate::new(25, 1).unwrap();
        let track = |(kind, children): &(TrackKind, Vec<Item>)| Track {
            name: String::new(),
            kind: *kind,
            children: children.clone(),
        };
        let timeline = Timeline { name: "test".into(), rate, tracks: tracks.iter().map(track).collect() };
        to_mlt_xml(&timeline, Profile { width: PROFILE.0, height: PROFILE.1, rate }, sound)
    }

    #[test]
    fn out_points_are_inclusive() {
        let xml = xml(&[(TrackKind::Video, vec![clip("a", 13, 50)])], true);
        assert!(xml.contains(r#"<entry producer="track0_media0" in="13" out="62"/>"#), "{xml}");
    }

    #[test]
    fn a_linked_audio_track_is_no_second_playlist() {
        let children = vec![clip("a", 0, 50), clip("b", 0, 50), clip("a", 0, 50)];
        let xml = xml(&[(TrackKind::Video, children.clone()), (TrackKind::Audio, children)], true);
        assert_eq!(xml.matches("<playlist").count(), 1, "{xml}");
        assert_eq!(xml.matches("<producer").count(), 2, "{xml}");
        assert!(!xml.contains("hide") && !xml.contains("audio_index"), "{xml}");
    }

    #[test]
    fn without_sound_nothing_is_heard() {
        let children = vec![clip("a", 0, 50)];
        let xml = xml(&[(TrackKind::Video, children.clone()), (TrackKind::Audio, children)], false);
        assert!(xml.contains(r#"hide="audio""#), "{xml}");
        assert!(xml.contains(r#"<property name="audio_index">-1</property>"#), "{xml}");
    }

    #[test]
    fn a_gap_lies_on_black() {
        let gap = Item::Gap { duration: RationalTime::new(10, Rate::new(25, 1).unwrap()) };
        let holed = xml(&[(TrackKind::Video, vec![clip("a", 0, 50), gap])], true);
        assert!(holed.contains(r#"<track producer="black" hide="audio"/>"#), "{holed}");
        let whole = xml(&[(TrackKind::Video, vec![clip("a", 0, 50)])], true);
        assert!(!whole.contains("black"), "{whole}");
    }

    #[test]
    fn names_that_xml_reserves_are_escaped() {
        let xml = xml(&[(TrackKind::Video, vec![clip("a & <b>", 0, 50)])], true);
        assert!(xml.contains("/media/a &amp; &lt;b&gt;.mp4"), "{xml}");
    }
}
