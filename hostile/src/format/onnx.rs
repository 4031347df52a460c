//! ONNX files, which become specs and weights.

use super::{Format, Outcome, compiles, list, refused, tiny, tiny_weights};
use mnas_codegen::compile::fused_graph;
use mnas_codegen::onnx::{Metadata, export, export_quantized};
use mnas_codegen::quantized;
use mnas_codegen::weights::random;
use mnas_import::{Files, ImportError, Options, external_files, import, inventory, is_onnx, load};
use mnas_quantize::{self as quantize, Observations};

/// Exported networks.
pub(super) const ONNX: Format = Format {
    name: "onnx",
    seeds: || {
        let (_, network) = tiny();
        let metadata = Metadata { mnas_version: "0".to_owned(), spec_hash: "0".to_owned() };
        let fused = export(&fused_graph(&network), &network, &tiny_weights(), &metadata);
        let plain = export(&mnas_codegen::lower::lower(&network), &network, &tiny_weights(), &metadata);
        let mut seeds: Vec<Vec<u8>> = [fused, plain].into_iter().flatten().collect();
        seeds.extend(int8());
        // Constants in another file: the name is that of what `read` hands over.
        if let Some(first) = seeds.first().cloned() {
            seeds.push([first, EXTERNAL.to_vec()].concat());
        }
        seeds
    },
    dictionary: &[
        b"Conv",
        b"Relu",
        b"Clip",
        b"Add",
        b"Mul",
        b"GlobalAveragePool",
        b"QuantizeLinear",
        b"DequantizeLinear",
        b"QLinearConv",
        b"QLinearAdd",
        b"QGemm",
        b"com.microsoft",
        b"axis",
        b"block_size",
        b"Gemm",
        b"Flatten",
        b"MaxPool",
        b"Sigmoid",
        b"HardSigmoid",
        b"BatchNormalization",
        b"Constant",
        b"Identity",
        b"Loop",
        b"If",
        b"Scan",
        b"Cast",
        b"Reshape",
        b"Pad",
        b"kernel_shape",
        b"strides",
        b"pads",
        b"dilations",
        b"group",
        b"auto_pad",
        b"SAME_UPPER",
        b"VALID",
        b"epsilon",
        b"input",
        b"output",
        b"location",
        b"offset",
        b"length",
        b"checksum",
        b"../../etc/passwd",
        b"/etc/passwd",
        b"weights.bin",
        b"a/../../b",
        b"-1",
        b"18446744073709551615",
        b"9223372036854775807",
        EXTERNAL,
        // Tags of fields, varints without end, lengths of everything.
        b"\x3a\xff\xff\xff\xff\x0f",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x0a\0",
        b"\x2a\0",
        b"\x70\x01",
        b"\x08\x07",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
        b"\x0b",
        b"\x0c",
        b"\x07",
        b"\x32\x02\x32\x00",
        b"\x6a\x02\x6a\x00",
        b"\x10\x01",
        b"\x10\x0b",
        b"\x10\x10",
    ],
    mend: |_| {},
    read,
};

/// An exported network in int8 whose maps have one scale each.
fn int8() -> Option<Vec<u8>> {
    let text = "name: plain\ninput: 9x8x3\nactivation: relu6\nstem: {op: conv, kernel: 3, stride: 2, filters: 4}\n\
        blocks: [{op: mbconv, expand: 2, kernel: 3, filters: 4}]\nhead: {classes: 3}\n";
    let (_, network) = mnas_dsl::load_yaml(text, "plain.yaml").ok()?;
    let (graph, weights) = (quantized::graph(&network), random(&network, 1));
    let image: Vec<f32> = (0..network.input.len()).map(|i| (i % 7) as f32 / 3.0 - 1.0).collect();
    let mut observations = Observations::new(&graph);
    observations.add(&graph, &weights, &image).ok()?;
    let options = quantize::Options { by_channel: false, ..Default::default() };
    let network_in_int8 = quantize::quantize(&graph, &weights, &observations, &[image], &options).ok()?;
    let metadata = Metadata { mnas_version: "0".to_owned(), spec_hash: "0".to_owned() };
    export_quantized(&network_in_int8, &network, &metadata).ok()
}

/// A graph with one more constant, whose data is in `weights.bin`: fields 7 (graph), 5 (initializer), 13 (external).
const EXTERNAL: &[u8] = b"\x3a\x32\x2a\x30\x08\x04\x10\x01\x42\x01e\x70\x01\x6a\x17\x0a\x08location\x12\x0bweights.bin\
    \x6a\x0b\x0a\x06offset\x12\x010";

fn read(bytes: &[u8]) -> Outcome {
    // The constants alone, as `convert` reads them.
    let names = match external_files(bytes) {
        Ok(names) => names,
        Err(error) => return words(&error),
    };
    assert!(is_onnx(bytes) || !is_onnx(&[]), "asked without harm");
    for name in &names {
        let inside =
            !name.starts_with(['/', '\\']) && !name.split(['/', '\\']).any(|part| part == "..") && !name.is_empty();
        assert!(inside, "a file outside of the model's folder: {name:?}");
    }
    let files: Files = names.into_iter().map(|name| (name, vec![0x3f; 64])).collect();
    // As a file of weights, by name or by its layers.
    if let Ok(inventory) = inventory(bytes) {
        list(&inventory);
    }
    let (spec, network) = tiny();
    match load(bytes, &files, "model.onnx", &network) {
        Ok(fitted) => drop(compiles(&spec, &network, Some(&fitted.weights))),
        Err(error) => drop(refused(&error.to_string())),
    }
    let options = Options { name: "imported".to_owned(), input: None };
    match import(bytes, &files, &options) {
        Ok(imported) => compiles(&imported.spec, &imported.network, Some(&imported.weights)),
        Err(error) => words(&error),
    }
}

fn words(error: &ImportError) -> Outcome {
    refused(&error.to_string())
}
