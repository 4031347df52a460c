//! Arguments of `import`.

use clap::Args;
use mnas_dsl::network::Shape;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  mnasc import mnasnet.onnx -o net.yaml --weights net.safetensors
  mnasc import mnasnet.onnx -o -
  mnasc import person_detection.tflite -o net.yaml --weights net.safetensors
  mnasc import open_size.onnx -o net.yaml --input 224x224x3

The blocks of files exported by PyTorch and by mnas are recognised, with batch norms folded or not. Files that onnxruntime \
quantised to 8 bits (QDQ, QOperator) or that have weights of 8 bits are read too, and files of TensorFlow Lite: their \
weights become float32. If a spec cannot \
express the model, every such node is named together with what was expected (exit code 2), and nothing is written. Add \
by hand what an ONNX file does not hold, such as image preprocessing. External data is read only from the folder of the \
model.";

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The model: ONNX or TensorFlow Lite.
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// Write the spec to this file; `-` is standard output.
    #[arg(short, long, value_name = "NET.yaml")]
    pub(crate) output: PathBuf,
    /// Write the weights to this file.
    #[arg(short, long, value_name = "NET.safetensors")]
    pub(crate) weights: Option<PathBuf>,
    /// The spec's name [default: the name of the output].
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The input shape, if the model leaves it open.
    #[arg(long, value_name = "HEIGHTxWIDTHxCHANNELS", value_parser = shape)]
    pub(crate) input: Option<Shape>,
}

/// `224x224x3`: height, width, channels.
fn shape(text: &str) -> Result<Shape, String> {
    let sizes: Option<Vec<usize>> = text.split('x').map(|part| part.parse().ok().filter(|size| *size > 0)).collect();
    match sizes.as_deref() {
        Some(&[height, width, channels]) => Ok(Shape { height, width, channels }),
        _ => Err("expected height x width x channels, such as 224x224x3".to_owned()),
    }
}
