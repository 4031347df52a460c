//! How large a space is, as the MnasNet paper counts.

use super::Space;

/// The number of members of a space, counted in choices: some may be equal networks.
#[derive(Clone, Debug, PartialEq)]
pub struct Size {
    /// Combinations of each block's own choices.
    pub blocks: Vec<f64>,
    /// Combinations of all choices outside of blocks.
    pub outside: f64,
    /// Layers of each block: the mean of its alternatives.
    pub layers: Vec<f64>,
    /// Combinations of each block's choices but the number of its layers: what one layer may be.
    pub per_layer: Vec<f64>,
    /// All members: layers of a block are alike.
    pub factorised: f64,
    /// The number of members if each layer of a block chose by itself: for each block, the combinations of all of its
    /// choices but the number of layers, to the power of its layers (the mean), times the alternatives of that number.
    pub layerwise: f64,
}

impl Space {
    /// How many members the space has.
    pub fn size(&self) -> Size {
        let count = self.root_blocks();
        let product = |of: &dyn Fn(&&super::Choice) -> bool| -> f64 {
            self.choices.iter().filter(of).map(|choice| choice.nodes.len() as f64).product()
        };
        let blocks: Vec<f64> = (0..count).map(|index| product(&|choice| choice.block == Some(index))).collect();
        let layers: Vec<f64> = (0..count).map(|index| self.mean_layers(index)).collect();
        let outside = product(&|choice| choice.block.is_none());
        let numbers = |index: usize| product(&|choice| choice.path == format!("blocks.{index}.layers"));
        let per_layer: Vec<f64> = blocks.iter().enumerate().map(|(index, all)| all / numbers(index)).collect();
        let layerwise = per_layer.iter().zip(&layers).enumerate();
        let layerwise = layerwise.map(|(index, (one, &layers))| one.powf(layers) * numbers(index));
        Size {
            outside,
            factorised: outside * blocks.iter().product::<f64>(),
            layerwise: outside * layerwise.product::<f64>(),
            layers,
            per_layer,
            blocks,
        }
    }

    fn root_blocks(&self) -> usize {
        let first = vec![0; self.choices.len()];
        self.member(&first).map_or(0, |(spec, _)| spec.blocks.len())
    }

    /// The mean over the alternatives of whichever choices the block has.
    fn mean_layers(&self, block: usize) -> f64 {
        let path = format!("blocks.{block}.layers");
        let at = self.choices.iter().position(|choice| choice.path == path);
        let mut indices = vec![0; self.choices.len()];
        let alternatives = at.map_or(1, |at| self.choices[at].nodes.len());
        let mut sum = 0;
        for alternative in 0..alternatives {
            if let Some(at) = at {
                indices[at] = alternative;
            }
            let layers = self.member(&indices).ok().and_then(|(spec, _)| spec.blocks.get(block)?.layers);
            sum += layers.map_or(1, |layers| layers.value);
        }
        sum as f64 / alternatives as f64
    }
}
