//! stub
use super::{Item, Rate, Timeline, TrackKind};
use std::path::Path;
/// stub
pub fn to_rlvideo(timeline: &Timeline, rate: Rate, length: &dyn Fn(&Path) -> Option<u64>) -> String {
    let mut sources = serde_json::Map::new();
    let mut cuts = serde_json::Map::new();
    for track in timeline.tracks.iter().filter(|t| t.kind == TrackKind::Video) {
        for place in track.placed(rate) {
            let path = place.clip.media.to_string_lossy().into_owned();
            let start = place.clip.source_range.start_time.frame_at(rate);
            let end = start + place.end - place.start;
            let len = length(&place.clip.media).unwrap_or(end);
            sources
                .entry(path.clone())
                .or_insert(serde_json::json!({"type":"file","path":path,"length":len}));
            cuts.insert(format!("cut{}", cuts.len()), serde_json::json!({"source":path,"in_out":{"start":start,"end":end},"position":place.start,"mix_strategy":"under","volume":0,"speed":1}));
        }
    }
    let _ = Item::Gap { duration: crate::timeline::RationalTime::new(0, rate) };
    serde_json::json!({"sources":sources,"cuts":cuts}).to_string()
}
