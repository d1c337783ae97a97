//! Points in time as MLT writes them: frames, clock values, timecodes.

use memreel_timeline::Rate;

/// The most that MLT counts to.
const MOST: u64 = i32::MAX as u64;

/// `25`, the clock value `00:00:01.000` or the timecode `00:00:01:00` (`;` before the frames where
/// numbers are dropped), as frames; `None` for anything else, and for times without a rate.
pub fn frames(text: &str, rate: Option<Rate>) -> Option<u64> {
    let text = text.trim();
    let frames = match (text.contains([':', ';']), text.contains(['.', ','])) {
        (false, _) => text.parse().ok()?,
        (true, true) => clock(&text.replace(',', "."), rate?)?,
        (true, false) => timecode(text, rate?)?,
    };
    (frames <= MOST).then_some(frames)
}

/// Seconds to the nearest frame.
fn clock(text: &str, rate: Rate) -> Option<u64> {
    let mut seconds = 0.0;
    for part in text.split(':') {
        let part: f64 = part.parse().ok().filter(|part: &f64| part.is_finite() && *part >= 0.0)?;
        seconds = seconds * 60.0 + part;
    }
    Some((seconds * rate.as_f64()).round() as u64)
}

/// Hours, minutes, seconds and frames; the leading ones may be missing.
fn timecode(text: &str, rate: Rate) -> Option<u64> {
    let is_drop = text.contains(';');
    let parts = text.split([':', ';']).map(|part| part.parse::<u32>().ok()).collect::<Option<Vec<_>>>()?;
    let (&last, above) = parts.split_last()?;
    let seconds = above.iter().try_fold(0_u64, |sum, &part| sum.checked_mul(60)?.checked_add(part.into()))?;
    let a_second = rate.as_f64().round() as u64;
    let counted = seconds.checked_mul(a_second)?.checked_add(last.into())?;
    let dropped = if is_drop { dropped(seconds / 60, a_second) } else { 0 };
    counted.checked_sub(dropped)
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

    #[test]
    fn nonsense_is_no_point() {
        let rate = Rate::new(25, 1);
        for text in
            ["", "-1", "x", "1.5", "1:x", ":", "00:00:nan.0", "99999999999", "999999999:00:00:00", "1:inf.0"]
        {
            assert_eq!(frames(text, rate), None, "{text}");
        }
        assert_eq!(frames("00:00:01.000", None), None);
    }
}
