//! Files of others and of ours become specs and weights; files that mean harm are refused.

mod exports;
mod flatbuffer;
mod hostile;
mod integers;
mod ours;
mod proto;
mod tflite;
mod unrecognised;

use mnas_codegen::lower::lower;
use mnas_codegen::passes;
use mnas_codegen::reference::{self, Keep};
use mnas_codegen::weights::Weights;
use mnas_dsl::network::{Layer, LayerOp, Network, Pads};
use mnas_import::{Files, ImportError, Imported, Options};
use std::path::{Path, PathBuf};

/// Imports a file that has all of its data in it.
fn import(bytes: &[u8]) -> Result<Imported, ImportError> {
    mnas_import::import(bytes, &Files::new(), &Options { name: "net".to_owned(), input: None })
}

/// What a network makes of an image, HWC.
fn logits(network: &Network, weights: &Weights, image: &[f32]) -> Vec<f64> {
    let mut graph = lower(network);
    passes::run_all(&mut graph);
    reference::run_keeping(&graph, weights, image, Keep::LayerOutputs).unwrap().output().to_vec()
}

/// A shipped network, for another size of image.
fn shipped(name: &str, size: usize) -> Network {
    let path = specs().join(format!("{name}.yaml"));
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.replace("input: 224x224x3", &format!("input: {size}x{size}x3"));
    let (_, network) = mnas_dsl::load_yaml(&text, name).unwrap();
    assert_eq!(network.input.height, size);
    network
}

fn specs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs")
}

/// What a layer is but for its name and the pads, which follow from the padding of the whole network.
fn block(layer: &Layer) -> (usize, usize, usize, usize, LayerOp, mnas_dsl::network::Skip) {
    let op = match layer.op.clone() {
        LayerOp::Xception { activation, se, pool } => {
            LayerOp::Xception { activation, se, pool: pool.map(|_| Pads::NONE) }
        }
        op => op,
    };
    (layer.input.channels, layer.output.channels, layer.kernel_size, layer.stride, op, layer.skip)
}

/// Numbers that look drawn, from a seed.
struct Draw(u64);

impl Draw {
    /// From -1 to 1, or nearly.
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z >> 40) as f32 / (1_u32 << 23) as f32) - 1.0
    }

    fn many(&mut self, count: usize, from: f32, to: f32) -> Vec<f32> {
        (0..count).map(|_| from + (to - from) * (self.next() + 1.0) / 2.0).collect()
    }
}
