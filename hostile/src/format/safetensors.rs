//! Safetensors, by both readers: the compiler's, and the runtime's that allocates nothing.

use super::{Format, tiny, tiny_weights, weights_file};
use mnas_codegen::compile::fused_graph;
use mnas_codegen::machine;
use mnas_codegen::plan::{self, Target};
use mnas_codegen::weights::safetensors::write;
use mnas_runtime::{BatchNorm, Layer, Panels};
use std::sync::LazyLock;

/// Safetensors files.
pub(super) const SAFETENSORS: Format = Format {
    name: "safetensors",
    seeds: || {
        let tiny = write(&tiny_weights()).unwrap_or_else(|error| panic!("{error}"));
        let others: [&[u8]; 1] = [include_bytes!("../../../mnas-codegen/tests/files/plain.safetensors")];
        [vec![tiny.clone(), tiny], others.map(<[u8]>::to_vec).to_vec()].concat()
    },
    dictionary: &[
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b",",
        b"\"",
        b"\\",
        b"\\u0000",
        b"\\ud800",
        b"__metadata__",
        b"\"dtype\"",
        b"\"shape\"",
        b"\"data_offsets\"",
        b"\"F32\"",
        b"\"F16\"",
        b"\"BF16\"",
        b"\"F64\"",
        b"\"I8\"",
        b"\"F8_E4M3\"",
        b"\"F4\"",
        b"[]",
        b"[0,0]",
        b"[4,0]",
        b"[18446744073709551615]",
        b"[4294967296,4294967296]",
        b"-1",
        b"1.5",
        b"1e400",
        b"null",
        b"true",
        b"stem.conv.weight",
        b"classifier.bias",
        b"num_batches_tracked",
        b"module.",
        b" ",
        b"\x00",
        b"\xff",
        b"[[[[[[[[[[[[[[[[",
        b"{\"a\":{\"a\":{\"a\":{\"a\":",
    ],
    mend: |bytes| mend_header(bytes),
    read: |bytes| {
        let (layers, len) = &*LAYERS;
        let mut packed = vec![f32::NAN; *len];
        let loaded = mnas_runtime::load(bytes, layers, *len, &mut packed);
        match &loaded {
            Ok(()) => assert!(!packed.iter().any(|value| value.is_nan()), "packed weights have NaN"),
            Err(error) => drop(super::refused(&error.to_string())),
        }
        weights_file(bytes)
    },
};

/// The header ends where its brackets close for the last time before the data, and is as long as that.
pub(super) fn mend_header(bytes: &mut [u8]) {
    let Some(end) = bytes.windows(3).position(|part| part == b"]}}") else { return };
    let Some(length) = (end + 3).checked_sub(8) else { return };
    bytes[..8].copy_from_slice(&(length as u64).to_le_bytes());
}

/// The table of the tiny network, which generated code has as a constant.
static LAYERS: LazyLock<(Vec<Layer>, usize)> = LazyLock::new(|| {
    let graph = fused_graph(&tiny().1);
    let plan = plan::plan(&graph, &Target::new(vec![machine::SCALAR])).unwrap_or_else(|error| panic!("{error}"));
    let layers = plan.layers.iter().map(|layer| Layer::<&'static str, &'static [Panels]> {
        param: layer.param.clone().leak(),
        batch_norm: layer
            .batch_norm
            .clone()
            .map(|BatchNorm { param, epsilon }| BatchNorm { param: &*param.leak(), epsilon }),
        bias: layer.bias,
        depthwise: layer.depthwise,
        linear: layer.linear,
        input_channels: layer.input_channels,
        output_channels: layer.output_channels,
        kernel_size: layer.kernel_size,
        panels: layer.panels.clone().leak(),
        offset: layer.offset,
    });
    (layers.collect(), plan.weights_len.0)
});
