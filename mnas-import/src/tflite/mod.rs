//! Files of TensorFlow Lite (LiteRT): operators on maps in the order batch, rows, columns, channels, in floating-point
//! numbers or in 8 bits. They become steps of the same tape as ONNX's nodes.

mod flatbuffer;
mod model;
mod operators;

pub(crate) use model::{Model, is_tflite};
pub(crate) use operators::record;
