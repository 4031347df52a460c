//! Batches: pictures as the input of a network; for training, each is shifted and mirrored at random.

use crate::data::Pictures;
use crate::recipe::Recipe;
use mnas_dsl::network::{Preprocess, Shape};
use mnas_search::rng::Rng;

/// The normalisation of bytes, `(byte / divide - mean) / std`, which generated code and `mnasc run` use too.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// The value of each byte, for each channel.
    table: Vec<[f32; 256]>,
}

impl Values {
    /// The normalisation that a spec's `preprocess` describes.
    pub fn new(preprocess: &Preprocess) -> Self {
        let channel = |(mean, std): (&f64, &f64)| {
            std::array::from_fn(|byte| ((byte as f64 / preprocess.divide - mean) / std) as f32)
        };
        Self { table: preprocess.mean.iter().zip(&preprocess.std).map(channel).collect() }
    }

    /// The pictures unchanged, one after another.
    pub fn batch(&self, pictures: &Pictures, indices: &[usize], shape: Shape) -> Vec<f32> {
        self.drawn(pictures, indices, shape, Moved::default)
    }

    /// The pictures one after another, each shifted and mirrored at random.
    pub fn augmented(
        &self,
        pictures: &Pictures,
        indices: &[usize],
        shape: Shape,
        recipe: &Recipe,
        rng: &mut Rng,
    ) -> Vec<f32> {
        let shift = |rng: &mut Rng| match recipe.shift {
            0 => 0,
            by => rng.below(2 * by + 1) as isize - by as isize,
        };
        self.drawn(pictures, indices, shape, || {
            let (down, right) = (shift(rng), shift(rng));
            Moved { down, right, is_mirrored: recipe.flip && rng.below(2) == 1 }
        })
    }

    fn drawn(
        &self,
        pictures: &Pictures,
        indices: &[usize],
        shape: Shape,
        mut moved: impl FnMut() -> Moved,
    ) -> Vec<f32> {
        let mut values = Vec::with_capacity(indices.len() * shape.len());
        for &at in indices {
            let picture = &pictures.pixels[at * shape.len()..][..shape.len()];
            let moved = moved();
            for row in 0..shape.height {
                let row = inside(row as isize - moved.down, shape.height);
                for column in 0..shape.width {
                    let column = if moved.is_mirrored { shape.width - 1 - column } else { column };
                    let column = inside(column as isize - moved.right, shape.width);
                    let pixel = &picture[(row * shape.width + column) * shape.channels..][..shape.channels];
                    values.extend(pixel.iter().zip(&self.table).map(|(&byte, table)| table[usize::from(byte)]));
                }
            }
        }
        values
    }
}

/// The shift of a picture, and whether it is mirrored.
#[derive(Clone, Copy, Default)]
struct Moved {
    down: isize,
    right: isize,
    is_mirrored: bool,
}

/// The nearest row or column inside of the picture.
fn inside(at: isize, size: usize) -> usize {
    at.clamp(0, size as isize - 1) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Pictures of 3x2 pixels with two channels; the values of the second count down.
    const SHAPE: Shape = Shape { height: 2, width: 3, channels: 2 };

    fn pictures() -> Pictures {
        Pictures { pixels: (0..6).flat_map(|pixel| [pixel, 100 - pixel]).collect(), labels: vec![0] }
    }

    /// A normalisation with other constants for each channel: `(byte / 2 - mean) / std`.
    fn values() -> Values {
        Values::new(&Preprocess { divide: 2.0, mean: vec![0.0, 10.0], std: vec![0.5, 4.0], ..preprocess() })
    }

    fn preprocess() -> Preprocess {
        let text = "name: n\ninput: 8x8x1\npreprocess: {mean: 0.5, std: 0.25}\nstem: {op: conv, kernel: 3, filters: 8}\n\
                    blocks: [{op: sepconv, kernel: 3, filters: 8}]\nhead: {classes: 2}\n";
        let (_, network) = mnas_dsl::load_yaml(text, "n").unwrap_or_else(|mistakes| panic!("{mistakes}"));
        network.preprocess.expect("it has one")
    }

    #[test]
    fn bytes_become_values_as_worked_out_by_hand() {
        let batch = values().batch(&pictures(), &[0], SHAPE);
        // Pixel 0 is (0, 100): (0 / 2 - 0) / 0.5 and (100 / 2 - 10) / 4.
        assert_eq!(&batch[..4], &[0.0, 10.0, 1.0, 9.875]);
        assert_eq!(batch.len(), 12);
    }

    /// The test computes all pictures that a shift by one pixel and a mirror give in another way, and all of them occur.
    #[test]
    fn pictures_are_moved_as_worked_out_by_hand() {
        let moved = |down: isize, right: isize, mirrored: bool| -> Vec<i32> {
            let mut rows: Vec<[i32; 3]> = vec![[0, 1, 2], [3, 4, 5]];
            match down {
                1 => rows = vec![rows[0], rows[0]],
                -1 => rows = vec![rows[1], rows[1]],
                _ => {}
            }
            for row in &mut rows {
                *row = match right {
                    1 => [row[0], row[0], row[1]],
                    -1 => [row[1], row[2], row[2]],
                    _ => *row,
                };
                if mirrored {
                    row.reverse();
                }
            }
            rows.concat()
        };
        let drawn = |recipe: Recipe| -> BTreeSet<Vec<i32>> {
            let mut rng = Rng::new(1);
            let one = |_| {
                let batch = values().augmented(&pictures(), &[0], SHAPE, &recipe, &mut rng);
                // The first channel is the byte itself; the second moves with the first.
                let bytes: Vec<i32> = batch.iter().step_by(2).map(|value| *value as i32).collect();
                let other = batch.iter().skip(1).step_by(2).map(|value| 100 - ((value * 4.0 + 10.0) * 2.0) as i32);
                assert!(other.eq(bytes.iter().copied()));
                bytes
            };
            (0..400).map(one).collect()
        };
        let all = |mirrors: &[bool], by: isize| -> BTreeSet<Vec<i32>> {
            let shifts = || -by..=by;
            let of = |&mirrored: &bool| {
                shifts().flat_map(move |down| shifts().map(move |right| moved(down, right, mirrored)))
            };
            mirrors.iter().flat_map(of).collect()
        };
        let recipe = Recipe { shift: 0, flip: false, ..Recipe::default() };
        assert_eq!(drawn(recipe.clone()), all(&[false], 0));
        assert_eq!(drawn(Recipe { flip: true, ..recipe.clone() }), all(&[false, true], 0));
        assert_eq!(drawn(Recipe { shift: 1, ..recipe.clone() }), all(&[false], 1));
        assert_eq!(drawn(Recipe { shift: 1, flip: true, ..recipe }), all(&[false, true], 1));
        assert_eq!((all(&[false, true], 0).len(), all(&[false], 1).len()), (2, 9));
    }
}
