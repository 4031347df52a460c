//! What the maps of a float network contain, channel by channel.

use crate::histogram::Histogram;
use mnas_codegen::graph::{Graph, TensorId};
use mnas_codegen::reference::{self, ReferenceError};
use mnas_codegen::weights::Weights;

/// Histograms of every channel of every tensor, of the images with even and with odd numbers apart: what half of the
/// images say about the other half is what all of them say about images that were not seen. Their memory does not grow
/// with the number of images.
#[derive(Clone, Debug)]
pub struct Observations {
    halves: [Vec<Vec<Histogram>>; 2],
    images: usize,
}

impl Observations {
    /// Nothing seen yet.
    pub fn new(graph: &Graph) -> Self {
        let channels = |t: &mnas_codegen::graph::Tensor| vec![Histogram::default(); t.shape.channels];
        let tensors: Vec<Vec<Histogram>> = graph.tensors.iter().map(channels).collect();
        Observations { halves: [tensors.clone(), tensors], images: 0 }
    }

    /// Runs the float network on an image (HWC, normalised) and counts the values of all its tensors.
    ///
    /// # Errors
    ///
    /// The image has another size, or the weights do not fit the graph.
    pub fn add(&mut self, graph: &Graph, weights: &Weights, image: &[f32]) -> Result<(), ReferenceError> {
        let outputs = reference::run(graph, weights, image)?;
        for (id, channels) in self.halves[self.images % 2].iter_mut().enumerate() {
            let values = outputs.get(TensorId(id)).unwrap_or(&[]);
            for pixel in values.chunks_exact(channels.len()) {
                for (histogram, &value) in channels.iter_mut().zip(pixel) {
                    histogram.add(value);
                }
            }
        }
        self.images += 1;
        Ok(())
    }

    /// How many images were seen.
    pub fn images(&self) -> usize {
        self.images
    }

    /// The histograms of a tensor's channels.
    pub(crate) fn channels(&self, id: TensorId) -> Vec<Histogram> {
        let [even, odd] = self.halves(id);
        let mut all = even.to_vec();
        all.iter_mut().zip(odd).for_each(|(sum, other)| sum.merge(other));
        all
    }

    /// Those of the images with even and with odd numbers.
    pub(crate) fn halves(&self, id: TensorId) -> [&[Histogram]; 2] {
        [&self.halves[0][id.0], &self.halves[1][id.0]]
    }
}
