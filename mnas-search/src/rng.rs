//! The random generator of searchers: xoshiro256**, seeded by splitmix64.
//!
//! It is written here because its bits are part of a study: a search that is resumed with a later version of a library
//! has to draw the same numbers.

use serde::{Deserialize, Serialize};

/// A generator whose state is part of a study.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rng([u64; 4]);

impl Rng {
    /// Equal seeds give equal numbers; similar seeds give unrelated numbers.
    pub fn new(seed: u64) -> Self {
        let mut state = seed;
        Self(std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }))
    }

    /// Whether the generator gives only zeros, which a seeded generator never does.
    pub(crate) fn is_stuck(&self) -> bool {
        self.0 == [0; 4]
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Uniform in `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `low..high`.
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in `0..count`, without bias.
    ///
    /// # Panics
    ///
    /// Where `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        assert!(count > 0, "`count` must not be 0");
        let count = count as u64;
        // The values beyond the last multiple of `count` below 2^64 are rejected.
        let limit = u64::MAX - u64::MAX % count;
        loop {
            let bits = self.bits();
            if bits < limit {
                return (bits % count) as usize;
            }
        }
    }

    /// An index, drawn with these probabilities, whose sum is 1.
    pub fn choose(&mut self, probabilities: &[f64]) -> usize {
        let mut left = self.unit();
        for (index, &probability) in probabilities.iter().enumerate() {
            left -= probability;
            if left < 0.0 {
                return index;
            }
        }
        // Rounding left a remainder: the last index with a probability above 0.
        probabilities.iter().rposition(|&probability| probability > 0.0).unwrap_or(0)
    }

    /// An index into each of `sizes`, uniform.
    pub fn indices(&mut self, sizes: &[usize]) -> Vec<usize> {
        sizes.iter().map(|&size| self.below(size)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published reference of xoshiro256** gives these from the state 1, 2, 3, 4.
    #[test]
    fn numbers_are_those_of_the_published_generator() {
        let mut rng = Rng([1, 2, 3, 4]);
        let expected = [11520, 0, 1_509_978_240, 1_215_971_899_390_074_240];
        assert_eq!(expected, std::array::from_fn(|_| rng.bits()));
    }

    #[test]
    fn draws_are_uniform_and_states_survive_being_written() {
        let mut rng = Rng::new(7);
        let mut counts = [0_u32; 3];
        for _ in 0..30_000 {
            counts[rng.below(3)] += 1;
        }
        // Six standard deviations of a binomial.
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 490), "{counts:?}");
        let mut counts = [0_u32; 3];
        for _ in 0..30_000 {
            counts[rng.choose(&[0.5, 0.0, 0.5])] += 1;
        }
        assert!(counts[1] == 0 && counts[0].abs_diff(15_000) < 520, "{counts:?}");
        let mut again: Rng = serde_json::from_str(&serde_json::to_string(&rng).unwrap()).unwrap();
        assert_eq!(again.bits(), rng.bits());
    }
}
