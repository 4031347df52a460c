//! `mnasc verify SPEC --weights W8`: the integers of the generated code against those of the definition.

use crate::error::{Error, Result};
use crate::output;
use crate::runner::Runner;
use mnas_codegen::int8;
use mnas_codegen::machine::Isa;
use mnas_codegen::quantized::{self, Quantized, Value};
use mnas_dsl::network::Shape;
use serde_json::json;

/// Compares every value of every step, for each instruction set.
pub(super) fn run(
    runner: &Runner,
    compiled: &int8::Compiled,
    network: &Quantized,
    image: &[f32],
    isas: &[Isa],
    as_json: bool,
) -> Result<()> {
    let steps = &compiled.plan.steps;
    let expected = quantized::run(network, image, |id| steps.iter().any(|step| step.tensor == id));
    let (mut rows, mut different) = (Vec::new(), Vec::new());
    for isa in isas {
        let found = runner.observe(*isa, image.to_vec())?;
        let first = steps.iter().zip(&found).find_map(|(step, found)| {
            let shape = network.graph.shape(step.tensor);
            let difference = difference(&step.kernel.output().layout(), shape, found, &expected[&step.tensor])?;
            Some(format!("step {} is the first that differs: {difference}\n  {}", step.name, step.source))
        });
        rows.push(json!({ "isa": isa.name, "first_different": first }));
        match first {
            Some(first) => different.push(format!("{}: {first}", isa.name)),
            None if as_json => {}
            None => {
                output::print(&format!("\x1b[32mok\x1b[0m {}: {} steps, all integers equal\n", isa.name, steps.len()))?
            }
        }
    }
    if as_json {
        let name = &network.graph.name;
        output::print_json(&json!({ "name": name, "ok": different.is_empty(), "number": "int8", "isas": rows }))?;
    }
    if different.is_empty() { Ok(()) } else { Err(Error::difference(different.join("\n"))) }
}

/// The first value that is not the expected one.
fn difference(layout: &int8::map::Layout, shape: Shape, found: &[f32], expected: &Value) -> Option<String> {
    let pixels = (0..shape.height).flat_map(|row| (0..shape.width).map(move |column| (row, column)));
    let places = pixels.flat_map(|(row, column)| (0..shape.channels).map(move |channel| (row, column, channel)));
    let memory: Vec<u8> = match expected {
        Value::Bytes(_) => found.iter().flat_map(|value| value.to_le_bytes()).collect(),
        _ => Vec::new(),
    };
    places.enumerate().find_map(|(index, (row, column, channel))| {
        let at = layout.at(row, column, channel);
        let (found, expected) = match expected {
            Value::Bytes(bytes) => (f64::from(memory[at]), f64::from(bytes[index])),
            Value::Floats(values) => (f64::from(found[at]), f64::from(values[index])),
            Value::Sum(_) => return None,
        };
        let is_equal = found == expected || (found.is_nan() && expected.is_nan());
        (!is_equal).then(|| format!("row {row}, column {column}, channel {channel}: {found} instead of {expected}"))
    })
}
