//! Networks in int8: safetensors that hold integers, scales and zero points.

use super::safetensors::{SAFETENSORS, mend_header};
use super::{Format, Outcome, refused, tiny, tiny_weights};
use mnas_codegen::quantized;
use mnas_quantize::{Observations, Options, quantize};

/// Files of networks in int8.
pub(super) const INT8: Format = Format {
    name: "int8",
    seeds: || {
        let network = &tiny().1;
        let graph = quantized::graph(network);
        let weights = tiny_weights();
        let image: Vec<f32> = (0..network.input.len()).map(|i| (i % 7) as f32 / 3.0 - 1.0).collect();
        let mut observations = Observations::new(&graph);
        observations.add(&graph, &weights, &image).unwrap_or_else(|error| panic!("{error}"));
        let file = |by_channel| {
            let options = Options { by_channel, ..Options::default() };
            let network = quantize(&graph, &weights, &observations, std::slice::from_ref(&image), &options);
            quantized::write(&network.unwrap_or_else(|error| panic!("{error}")))
        };
        vec![file(true), file(false)]
    },
    dictionary: SAFETENSORS.dictionary,
    mend: |bytes| mend_header(bytes),
    read: |bytes| {
        let network = &tiny().1;
        match quantized::read(bytes, &quantized::graph(network)) {
            Err(error) => refused(&error.to_string()),
            Ok(read) => {
                let image = vec![0.5; network.input.len()];
                drop(quantized::run(&read, &image, |_| false));
                Outcome::Accepted
            }
        }
    },
};
