//! `mnasc inspect FILE`

use crate::cli::InspectArgs;
use crate::error::Result;
use crate::output;
use crate::weight_file::WeightFile;
use mnas_codegen::weights::{Inventory, Listed};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Letters of a name that are shown; the longest of TensorFlow's that are known have half as many.
const MAX_LETTERS: usize = 200;

/// Dimensions that are shown one by one.
const MAX_DIMENSIONS: usize = 8;

/// Lists what a weights file holds.
pub(crate) fn run(args: &InspectArgs) -> Result<()> {
    let file = WeightFile::inspect(&args.file)?;
    let inventory = file.inventory()?;
    let is_int8 = file.is_int8();
    if args.json { output::print_json(&object(&inventory, is_int8)) } else { output::print(&text(&inventory, is_int8)) }
}

fn text(inventory: &Inventory, is_int8: bool) -> String {
    let mut text = String::new();
    // Names are anyone's: what would move a terminal's cursor is shown as an escape.
    let rows: Vec<[String; 4]> = inventory.tensors.iter().map(row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    for [name, element, shape, bytes] in &rows {
        let [names, elements, shapes, sizes] = widths;
        let _ = writeln!(text, "{name:names$}  {element:elements$}  {shape:>shapes$}  {bytes:>sizes$}");
    }
    let (format, tensors, bytes) = (inventory.format, inventory.tensors.len(), inventory.bytes());
    if is_int8 {
        let _ = writeln!(
            text,
            "{format}: a network in int8, as `mnasc quantize` writes it; {tensors} tensors, {bytes} bytes"
        );
        return text;
    }
    let _ = write!(
        text,
        "{format}: {tensors} tensors, {} floating-point values, {bytes} bytes; names: {}",
        inventory.floats(),
        inventory.scheme().unwrap_or("none that mnas knows"),
    );
    if let Some(averages) = inventory.averages.filter(|averages| *averages > 0) {
        let _ = write!(text, "; {averages} averages, which are what is loaded");
    }
    text.push('\n');
    text
}

fn row(tensor: &Listed) -> [String; 4] {
    let mut name = tensor.name.escape_debug().to_string();
    // One endless name would widen every row.
    if let Some((cut, _)) = name.char_indices().nth(MAX_LETTERS) {
        name.replace_range(cut.., "...");
    }
    let shape = match tensor.shape.len() {
        0..=MAX_DIMENSIONS => format!("{:?}", tensor.shape),
        dimensions => format!("{dimensions} dimensions"),
    };
    [name, tensor.element.clone(), shape, tensor.bytes.to_string()]
}

fn object(inventory: &Inventory, is_int8: bool) -> Value {
    let tensor = |tensor: &Listed| json!({"name": tensor.name, "type": tensor.element, "shape": tensor.shape, "bytes": tensor.bytes});
    let tensors: Vec<Value> = inventory.tensors.iter().map(tensor).collect();
    json!({
        "format": inventory.format,
        "names": inventory.scheme(),
        "values": inventory.floats(),
        "bytes": inventory.bytes(),
        "int8": is_int8,
        "averages": inventory.averages,
        "tensors": tensors,
    })
}
