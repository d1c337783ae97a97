//! The lines by which engines of ours report on a pipe: memreel-export, and the drivers that run in Python.

use memreel_record::supervise::EngineProgress;
use memreel_trace::units::Count;

/// `frames IN OUT`, `open PATH`, `close PATH`, `proxy ID`, `export K`, `closed K`.
pub fn parse(line: &str) -> Option<EngineProgress> {
    let (kind, rest) = line.split_once(' ')?;
    let event = |kind: &str| {
        Some(EngineProgress { event: Some((kind.into(), rest.into())), ..EngineProgress::default() })
    };
    match kind {
        "frames" => {
            let (taken_in, put_out) = rest.split_once(' ')?;
            Some(EngineProgress {
                frames_in: Some(Count::new(taken_in.parse().ok()?)),
                frames_out: Some(Count::new(put_out.parse().ok()?)),
                event: None,
            })
        }
        "open" => event("source-open"),
        "close" => event("source-close"),
        "proxy" => event("proxy-made"),
        "export" => event("export-start"),
        "closed" => event("export-end"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_counters_and_events_are_understood() {
        let progress = parse("frames 52 12").unwrap();
        assert_eq!((progress.frames_in, progress.frames_out), (Some(Count::new(52)), Some(Count::new(12))));
        let opened = parse("open /media/a b.mp4").unwrap();
        assert_eq!(opened.event, Some(("source-open".into(), "/media/a b.mp4".into())));
        assert_eq!(parse("closed 3").unwrap().event, Some(("export-end".into(), "3".into())));
        assert_eq!(parse("memreel-export-progress 1"), None);
        assert_eq!(parse("memreel-driver-progress 1"), None);
    }
}
