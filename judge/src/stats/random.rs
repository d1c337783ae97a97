//! Random numbers that follow from a seed: the same in every run, for the bootstrap and for simulations.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator whose numbers follow from this one.
    pub fn seeded(seed: u64) -> Random {
        Random(seed)
    }

    /// Evenly above 0 and below 1.
    pub fn even(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((mixed ^ (mixed >> 31)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// A whole number below another, each as likely.
    pub fn below(&mut self, end: usize) -> usize {
        ((self.even() * end as f64) as usize).min(end.saturating_sub(1))
    }

    /// Normal with a mean of zero and a standard deviation of one (Box and Muller, 1958).
    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.even().ln()).sqrt() * (std::f64::consts::TAU * self.even()).cos()
    }
}
