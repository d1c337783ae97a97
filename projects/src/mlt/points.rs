//! Points in time as MLT writes them: frames, clock values, timecodes.

use memreel_timeline::Rate;

/// The most that MLT counts to.
const MOST: i64 = i32::MAX as i64;

/// Frames (`25`), a clock value (`00:00:01.000`, `:01.5`) or a timecode (`00:00:01:00`, `;` before the frames
/// where numbers are dropped), as MLT reads them: leading parts may be missing, nothing is 0, of `100.7` only
/// the whole frames count, and what follows a number does not. `None` for what has no number, and for times
/// without a rate.
pub fn position(text: &str, rate: Option<Rate>) -> Option<i64> {
    let text = text.trim();
    if text.is_empty() {
        return Some(0);
    }
    let frames = match (text.contains(':'), text.contains(['.', ','])) {
        (false, _) => number(text)?,
        (true, true) => clock(&text.replace(',', "."), rate?)?,
        (true, false) => timecode(text, rate?)?,
    };
    (frames.abs() <= MOST).then_some(frames)
}

/// As [`position`], and nothing is before 0.
pub fn frames(text: &str, rate: Option<Rate>) -> Option<u64> {
    position(text, rate).map(|frames| u64::try_from(frames).unwrap_or(0))
}

/// The whole number that a text begins with.
fn number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    text[..text.len() - digits.len() + end].parse().ok()
}

/// Seconds to the nearest frame, halves to the even one.
fn clock(text: &str, rate: Rate) -> Option<i64> {
    let mut seconds = 0.0;
    for part in text.split(':') {
        let part: f64 = if part.is_empty() { 0.0 } else { part.parse().ok()? };
        seconds = seconds * 60.0 + Some(part).filter(|part| part.is_finite())?;
    }
    Some((seconds * rate.as_f64()).round_ties_even() as i64)
}

/// Hours, minutes, seconds and frames; the leading ones may be missing.
fn timecode(text: &str, rate: Rate) -> Option<i64> {
    let is_drop = text.contains(';');
    let part = |part: &str| if part.is_empty() { Some(0) } else { part.parse::<u32>().ok() };
    let parts = text.split([':', ';']).map(part).collect::<Option<Vec<_>>>()?;
    let (&last, above) = parts.split_last().filter(|_| text.contains(|c: char| c.is_ascii_digit()))?;
    let seconds = above.iter().try_fold(0_u64, |sum, &part| sum.checked_mul(60)?.checked_add(part.into()))?;
    let a_second = rate.as_f64().round() as u64;
    let counted = seconds.checked_mul(a_second)?.checked_add(last.into())?;
    let dropped = if is_drop { dropped(seconds / 60, a_second) } else { 0 };
    counted.checked_sub(dropped)?.try_into().ok()
}

/// Two numbers in thirty are left out in each minute but every tenth (SMPTE 12M).
fn dropped(minutes: u64, a_second: u64) -> u64 {
    a_second / 30 * 2 * (minutes - minutes / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_clock_values_and_timecodes_are_read() {
        let rate = Rate::new(25, 1);
        let read = |text| frames(text, rate);
        assert_eq!(
            [read("25"), read("00:00:01.000"), read("00:00:01:00"), read("0:01,04")],
            [Some(25), Some(25), Some(25), Some(26)]
        );
        assert_eq!(read("00:01:00.520"), Some(1513));
        let ntsc = Rate::new(30000, 1001);
        assert_eq!(frames("00:01:00;02", ntsc), Some(1800));
        assert_eq!(frames("00:00:01.001", ntsc), Some(30));
    }

    /// What melt 7.12 makes of each.
    #[test]
    fn odd_forms_are_read_as_mlt_reads_them() {
        let rate = Rate::new(25, 1);
        for (text, frames) in [
            ("", 0),
            ("-1", -1),
            ("100.7", 100),
            ("1,9", 1),
            ("12x", 12),
            ("1;05", 1),
            (":04.5", 112),
            ("0:04.54", 114),
            ("0:04.58", 114),
            (":10", 10),
        ] {
            assert_eq!(position(text, rate), Some(frames), "{text}");
        }
        assert_eq!(position("00:00:-0.033", Rate::new(30, 1)), Some(-1));
        assert_eq!(frames("-1", rate), Some(0));
    }

    #[test]
    fn nonsense_is_no_point() {
        let rate = Rate::new(25, 1);
        for text in ["x", "-", "1:x", ":", "00:00:nan.0", "99999999999", "999999999:00:00:00", "1:inf.0"] {
            assert_eq!(frames(text, rate), None, "{text}");
        }
        assert_eq!(frames("00:00:01.000", None), None);
    }
}
