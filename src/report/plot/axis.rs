//! Axes: round numbers, and where a value lies.

use crate::report::number::number;

/// Where the values from zero to `largest` lie between two places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AxisScale {
    largest: f64,
    zero: i32,
    far: i32,
}

impl AxisScale {
    /// Zero at one place, the largest value at another.
    pub fn new(largest: f64, zero: i32, far: i32) -> AxisScale {
        AxisScale { largest: if largest > 0.0 { largest } else { 1.0 }, zero, far }
    }

    /// Where a value lies.
    pub fn place(&self, value: f64) -> i32 {
        self.zero + (value / self.largest * f64::from(self.far - self.zero)).round() as i32
    }

    /// The value at a place.
    pub fn value(&self, place: i32) -> f64 {
        f64::from(place - self.zero) / f64::from(self.far - self.zero) * self.largest
    }
}

/// Round values from zero on: 1, 2 or 5 times a power of ten apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ticks {
    step: f64,
    count: usize,
}

impl Ticks {
    /// About this many, the last of them at or below `largest`.
    pub fn within(largest: f64, about: usize) -> Ticks {
        let step = round_step(largest, about);
        Ticks { step, count: (largest / step * (1.0 + 1e-9)).floor() as usize }
    }

    /// About this many, the last of them at or above `largest`.
    pub fn beyond(largest: f64, about: usize) -> Ticks {
        let step = round_step(largest, about);
        Ticks { step, count: ((largest / step * (1.0 - 1e-9)).ceil() as usize).max(1) }
    }

    /// The last value.
    pub fn last(&self) -> f64 {
        self.step * self.count as f64
    }

    /// Each value and how it is written.
    pub fn labelled(&self) -> impl Iterator<Item = (f64, String)> {
        let Ticks { step, count } = *self;
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        (0..=count).map(move |index| step * index as f64).map(move |value| (value, number(value, decimals)))
    }
}

fn round_step(largest: f64, about: usize) -> f64 {
    let largest = if largest > 0.0 { largest } else { 1.0 };
    let wanted = largest / about.max(1) as f64;
    let power = 10f64.powf(wanted.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|&step| step >= wanted * (1.0 - 1e-9)).unwrap_or(steps[3])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(ticks: Ticks) -> Vec<String> {
        ticks.labelled().map(|tick| tick.1).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(written(Ticks::within(2000.0, 5)), ["0", "500", "1,000", "1,500", "2,000"]);
        assert_eq!(written(Ticks::beyond(302.0, 6)), ["0", "100", "200", "300", "400"]);
        assert_eq!(written(Ticks::within(0.05, 5)), ["0.00", "0.01", "0.02", "0.03", "0.04", "0.05"]);
    }

    #[test]
    fn nothing_measured_still_has_an_axis() {
        assert!(Ticks::beyond(0.0, 5).last() > 0.0);
        assert_eq!(AxisScale::new(0.0, 10, 20).place(0.0), 10);
    }

    #[test]
    fn a_scale_can_be_read_back() {
        let scale = AxisScale::new(400.0, 1000, 200);
        assert_eq!(scale.place(100.0), 800);
        assert_eq!(scale.value(800), 100.0);
    }
}
