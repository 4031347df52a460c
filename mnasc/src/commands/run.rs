//! `mnasc run SPEC`: what a network says of pictures or tensors.

use crate::cli::RunArgs;
use crate::error::{Error, Result};
use crate::npy::{self, Array};
use crate::output::{self, Artifact};
use crate::runner::{self, Runner, RunnerOptions};
use crate::{input, picture};
use mnas_codegen::code::Values;
use mnas_codegen::compile::fused_graph;
use mnas_codegen::quantized::{self, Value};
use mnas_codegen::reference::{self, Keep};
use mnas_dsl::network::Shape;
use mnas_dsl::{Network, Spec};
use serde_json::{Value as Json, json};
use std::borrow::Cow;
use std::path::Path;

/// Classes of ImageNet's 2012 challenge, in the order that PyTorch's and TensorFlow's weights have.
const IMAGENET_CLASSES: &str = include_str!("../../assets/imagenet_classes.txt");

/// Bytes of a file with labels.
const LABELS_LIMIT: u64 = 64 << 20;

/// Values of all tensors in one .npy file.
const INPUT_LIMIT: usize = 1 << 28;

/// Runs a network.
pub(crate) fn run(args: &RunArgs) -> Result<()> {
    let (spec, network) = input::spec(&args.spec)?;
    match (&args.input, &args.output) {
        (Some(x), Some(y)) => tensors(args, &spec, &network, x, y),
        _ => pictures(args, &spec, &network),
    }
}

fn tensors(args: &RunArgs, spec: &Spec, network: &Network, x: &Path, y: &Path) -> Result<()> {
    let inputs: Vec<&Path> =
        [Some(args.spec.as_path()), Some(x), args.weights.weights.as_deref()].into_iter().flatten().collect();
    output::refuse_overwriting(y, &inputs)?;
    let images = read_tensors(x, network.input)?;
    let outputs = infer(args, spec, network, &images)?;
    let mut shape = vec![outputs.len()];
    let data: Vec<f32> = match &network.head {
        Some(head) => {
            shape.push(head.classes);
            outputs.into_iter().flatten().collect()
        }
        None => {
            let Shape { height, width, channels } = network.features();
            shape.extend([channels, height, width]);
            outputs.iter().flat_map(|pixels| planes(pixels, channels)).collect()
        }
    };
    output::write_all(&[Artifact { path: y.to_owned(), bytes: npy::write(&Array { shape: shape.clone(), data }) }])?;
    if args.json {
        return output::print_json(&json!({ "name": network.name, "output": y.display().to_string(), "shape": shape }));
    }
    output::progress(&format!("wrote {} {shape:?}", y.display()));
    Ok(())
}

/// Reads images, (N, C, H, W) or (C, H, W), as height x width x channels.
pub(crate) fn read_tensors(path: &Path, shape: Shape) -> Result<Vec<Vec<f32>>> {
    let array = npy::read(path, INPUT_LIMIT)?;
    let Shape { height, width, channels } = shape;
    let image = match array.shape.as_slice() {
        [_, rest @ ..] if array.shape.len() == 4 => rest,
        all => all,
    };
    if image != [channels, height, width] {
        return Err(Error::input(format!(
            "`{}` has shape {:?}, the network takes (N, {channels}, {height}, {width})",
            path.display(),
            array.shape
        ))
        .hint("channels come before rows and columns"));
    }
    let pixels = height * width;
    let interleaved = |planes: &[f32]| (0..shape.len()).map(|i| planes[i % channels * pixels + i / channels]).collect();
    Ok(array.data.chunks_exact(shape.len()).map(interleaved).collect())
}

/// Pixels as one plane a channel.
pub(crate) fn planes(pixels: &[f32], channels: usize) -> Vec<f32> {
    (0..channels).flat_map(|c| pixels.iter().skip(c).step_by(channels)).copied().collect()
}

fn infer(args: &RunArgs, spec: &Spec, network: &Network, images: &[Vec<f32>]) -> Result<Vec<Vec<f32>>> {
    let values = input::values_or_random(&args.weights, network)?;
    if args.interpret {
        return images.iter().map(|image| interpret(network, &values, image)).collect();
    }
    let isa = runner::isa_for(&values, args.isa.isa)?;
    let tuned = input::tuned(&args.schedule)?;
    Runner::build(spec, network, &values, RunnerOptions { tuned, ..RunnerOptions::new(isa) })?.infer(isa, images)
}

fn interpret(network: &Network, values: &Values, image: &[f32]) -> Result<Vec<f32>> {
    let weights = match values {
        Values::F32(weights) => weights,
        Values::Int8(quantized) => {
            let output = quantized.graph.output;
            return match quantized::run(quantized, image, |_| false).remove(&output) {
                Some(Value::Floats(values)) => Ok(values),
                _ => Err(Error::system("a mistake of mnas itself: the output of an int8 network is no `f32`")),
            };
        }
    };
    let outputs = reference::run_keeping(&fused_graph(network), weights, image, Keep::Only(&[]));
    let outputs = outputs.map_err(|error| Error::input(error.to_string()))?;
    Ok(outputs.output().iter().map(|value| *value as f32).collect())
}

fn pictures(args: &RunArgs, spec: &Spec, network: &Network) -> Result<()> {
    if network.head.is_none() {
        return Err(Error::input("the network is a backbone (`head: none`), which names nothing")
            .hint("give a tensor by `--input X.npy --output Y.npy`"));
    }
    let Some(preprocess) = &network.preprocess else {
        return Err(Error::input("the spec does not say how a picture becomes the input")
            .hint("add `preprocess: {mean: [...], std: [...]}` to the spec, or give a tensor by `--input X.npy`"));
    };
    let labels = labels(&args.spec, network)?;
    let images: Vec<Vec<f32>> =
        args.image.iter().map(|path| picture::read(path, network.input, preprocess)).collect::<Result<_>>()?;
    let outputs = infer(args, spec, network, &images)?;
    let mut found = Vec::new();
    for (path, logits) in args.image.iter().zip(&outputs) {
        let top = top(logits, args.top as usize);
        let label = |index: usize| labels.as_ref().and_then(|labels| labels.get(index));
        if args.json {
            let classes: Vec<Json> = top
                .iter()
                .map(|&(index, probability)| json!({ "index": index, "label": label(index), "probability": probability }))
                .collect();
            found.push(json!({ "image": path.display().to_string(), "top": classes }));
        } else {
            let mut text = format!("\x1b[1m{}\x1b[0m\n", path.display());
            for (index, probability) in top {
                let name = label(index).map_or_else(|| format!("class {index}"), String::clone);
                text.push_str(&format!("  {probability:.4}  {name}\n"));
            }
            output::print(&text)?;
        }
    }
    if args.json { output::print_json(&json!({ "name": network.name, "images": found })) } else { Ok(()) }
}

/// The names of the classes, where the spec says where they are.
fn labels(spec: &Path, network: &Network) -> Result<Option<Vec<String>>> {
    let Some(labels) = &network.labels else { return Ok(None) };
    let text: Cow<'_, str> = if labels == "imagenet" {
        IMAGENET_CLASSES.into()
    } else {
        let path = spec.parent().unwrap_or(Path::new("")).join(labels);
        let bytes = input::read(&path, LABELS_LIMIT)?;
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        let bad = || Error::input(format!("the labels `{}` are no text of sensible size", path.display()));
        text.ok_or_else(bad)?.into()
    };
    let classes = network.output_len();
    let labels = labels_of(&text, classes);
    if labels.len() != classes {
        return Err(Error::input(format!("the spec names {} labels for {classes} classes", labels.len()))
            .hint("a file of labels has one on each line, in the order of the classes"));
    }
    Ok(Some(labels))
}

/// The lines of a file of labels. Editors put a mark before the first and blank lines behind the last.
fn labels_of(text: &str, classes: usize) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut labels: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    if labels.len() != classes {
        labels.retain(|label| !label.is_empty());
    }
    labels
}

/// The likeliest classes and their probabilities (softmax); of equal ones the first.
fn top(logits: &[f32], count: usize) -> Vec<(usize, f64)> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f64> = logits.iter().map(|&logit| (f64::from(logit) - f64::from(largest)).exp()).collect();
    let total: f64 = exponentials.iter().sum();
    let mut classes: Vec<(usize, f64)> = exponentials.into_iter().map(|e| e / total).enumerate().collect();
    classes.sort_by(|a, b| b.1.total_cmp(&a.1));
    classes.truncate(count);
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_blank_lines_are_no_labels() {
        assert_eq!(labels_of("\u{feff}cat\r\ndog\r\n\r\n", 2), ["cat", "dog"]);
        assert_eq!(labels_of("cat\n\ndog", 2), ["cat", "dog"]);
        // A class may have no name.
        assert_eq!(labels_of("cat\n\ndog\n", 3), ["cat", "", "dog"]);
        assert_eq!(labels_of("cat\ndog\n", 3).len(), 2);
    }

    #[test]
    fn the_likeliest_classes_come_first() {
        let found = top(&[0.0, 1000.0, 0.0, 1000.0], 3);
        assert_eq!(found, [(1, 0.5), (3, 0.5), (0, 0.0)]);
        assert_eq!(top(&[2.0], 5), [(0, 1.0)]);
    }
}
