//! Splits of data sets.

use crate::Pictures;
use mnas_search::rng::Rng;
use std::collections::BTreeMap;

/// Splits data without a test split: every fifth picture of each class is a test picture. Returns training and test pictures.
pub fn test_split(pictures: &Pictures) -> (Pictures, Pictures) {
    let mut seen = BTreeMap::<u16, usize>::new();
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (at, &label) in pictures.labels.iter().enumerate() {
        let count = seen.entry(label).or_default();
        *count += 1;
        if count.is_multiple_of(5) { test.push(at) } else { train.push(at) }
    }
    (pictures.select(&train), pictures.select(&test))
}

/// Holds out a share of each class, drawn by the seed. Returns training and held-out pictures, both in their original
/// order.
pub fn hold_out(pictures: &Pictures, share: f64, seed: u64) -> (Pictures, Pictures) {
    let mut classes = BTreeMap::<u16, Vec<usize>>::new();
    for (at, &label) in pictures.labels.iter().enumerate() {
        classes.entry(label).or_default().push(at);
    }
    let mut rng = Rng::new(seed);
    let mut is_held_out = vec![false; pictures.len()];
    for indices in classes.values_mut() {
        let count = (indices.len() as f64 * share).round() as usize;
        for drawn in 0..count.min(indices.len()) {
            let other = drawn + rng.below(indices.len() - drawn);
            indices.swap(drawn, other);
            is_held_out[indices[drawn]] = true;
        }
    }
    let (held_out, train): (Vec<usize>, Vec<usize>) = (0..pictures.len()).partition(|&at| is_held_out[at]);
    (pictures.select(&train), pictures.select(&held_out))
}

/// About `count` of the images, the same share of each class, drawn by the seed; all of them if there are no more.
pub fn fewer(pictures: &Pictures, count: usize, seed: u64) -> Pictures {
    if count >= pictures.len() {
        return pictures.clone();
    }
    hold_out(pictures, count as f64 / pictures.len() as f64, seed).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_stratified_disjoint_and_decided_by_the_seed() {
        let pictures = Pictures { pixels: (0..100).collect(), labels: (0..100).map(|at| at % 4).collect() };
        let (train, held_out) = hold_out(&pictures, 0.2, 7);
        let mut all: Vec<u8> = train.pixels.iter().chain(&held_out.pixels).copied().collect();
        all.sort_unstable();
        assert_eq!(all, pictures.pixels);
        for class in 0..4 {
            assert_eq!(held_out.labels.iter().filter(|&&label| label == class).count(), 5);
        }
        assert_eq!(hold_out(&pictures, 0.2, 7).1, held_out);
        assert_ne!(hold_out(&pictures, 0.2, 8).1, held_out);
        let (train, test) = test_split(&pictures);
        assert_eq!((train.len(), test.len()), (80, 20));
        // The fifth picture of class 0.
        assert_eq!(test.pixels[0], 16);
    }

    #[test]
    fn fewer_pictures_have_of_each_class_its_share() {
        // There are 60 pictures of class 0 and 30 of class 1; the value of each is its index.
        let labels: Vec<u16> = (0..90).map(|at| u16::from(at % 3 == 0)).collect();
        let pictures = Pictures { pixels: (0..90).collect(), labels };
        let some = fewer(&pictures, 30, 1);
        let count = |class| some.labels.iter().filter(|&&label| label == class).count();
        assert_eq!((count(0), count(1)), (20, 10));
        assert!(
            some.pixels.is_sorted()
                && some.pixels.iter().zip(&some.labels).all(|(at, &label)| label == u16::from(at % 3 == 0))
        );
        assert_eq!(fewer(&pictures, 30, 1), some);
        assert_ne!(fewer(&pictures, 30, 2), some);
        assert_eq!(fewer(&pictures, 90, 1), pictures);
        assert_eq!(fewer(&pictures, 1000, 1), pictures);
    }
}
