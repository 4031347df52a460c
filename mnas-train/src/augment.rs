//! Batches: pictures as a network sees them, shifted and mirrored where training wants it.

use crate::data::Pictures;
use crate::recipe::Recipe;
use mnas_dsl::network::{Preprocess, Shape};
use mnas_search::rng::Rng;

/// What bytes become: `(byte / divide - mean) / std`, as generated code and `mnasc run` have it.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// For each channel, of each byte.
    table: Vec<[f32; 256]>,
}

impl Values {
    /// As a spec's `preprocess` says.
    pub fn new(preprocess: &Preprocess) -> Self {
        let channel = |(mean, std): (&f64, &f64)| {
            std::array::from_fn(|byte| ((byte as f64 / preprocess.divide - mean) / std) as f32)
        };
        Self { table: preprocess.mean.iter().zip(&preprocess.std).map(channel).collect() }
    }

    /// Pictures as they are, one behind the other.
    pub fn batch(&self, pictures: &Pictures, indices: &[usize], shape: Shape) -> Vec<f32> {
        self.drawn(pictures, indices, shape, Moved::default)
    }

    /// The same, each shifted and mirrored at random.
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

/// How a picture is moved.
#[derive(Clone, Copy, Default)]
struct Moved {
    down: isize,
    right: isize,
    is_mirrored: bool,
}

/// The nearest row or column that there is.
fn inside(at: isize, size: usize) -> usize {
    at.clamp(0, size as isize - 1) as usize
}
