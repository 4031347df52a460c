//! Random numbers that are the same on every platform.

use crate::fnv;

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub(super) struct Generator(u64);

impl Generator {
    /// The generator of one tensor.
    pub(super) fn new(seed: u64, name: &str) -> Self {
        let hash = fnv::of(name.as_bytes());
        // One step between the two, so that no seed undoes the hash.
        Generator(Generator(seed).next() ^ hash)
    }

    /// As many values as a tensor of that name has.
    pub(super) fn draw(seed: u64, name: &str, len: usize, mut value: impl FnMut(&mut Self) -> f64) -> Vec<f64> {
        let mut generator = Self::new(seed, name);
        (0..len).map(|_| value(&mut generator)).collect()
    }

    /// Approximately normal with mean 0 and variance 1, at most 3.5 from 0: four uniform numbers added (Irwin-Hall).
    pub(super) fn normal(&mut self) -> f64 {
        let bits = self.next();
        let sum = (0..4).map(|part| bits >> (16 * part) & 0xffff).sum::<u64>();
        // The sum has mean 2 * 65535 and variance 4 * (65536^2 - 1) / 12, which is (65536 / sqrt 3)^2.
        (sum as f64 - 131_070.0) / 37_837.227_210_8
    }

    /// Uniform.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        low + (high - low) * unit
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix_gives_the_published_sequence() {
        // The first outputs for seed 1234567, as in the reference implementation.
        let mut generator = Generator(1_234_567);
        assert_eq!(generator.next(), 6_457_827_717_110_365_317);
        assert_eq!(generator.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let mut generator = Generator::new(1, "x");
        let values: Vec<f64> = (0..100_000).map(|_| generator.normal()).collect();
        let mean = values.iter().sum::<f64>() / 1e5;
        let variance = values.iter().map(|x| x * x).sum::<f64>() / 1e5 - mean * mean;
        assert!(mean.abs() < 0.01, "{mean}");
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
    }
}
