//! What specs vary in: each factor with its values.
//!
//! Each block of a spec gives a row: one value of each factor, including those of the whole network.

use crate::case::Case;
use mnas_codegen::compile::fused_graph;
use mnas_codegen::graph::activation_name;
use mnas_codegen::machine;
use mnas_codegen::plan::{BlockSchedule, Plan, StepKind, StepSchedule};
use mnas_dsl::network::{Activation, Classifier, LayerOp, Padding, Skip};
use mnas_dsl::spec::{BlockKind, PointwiseActivation, SeBase, SeRounding};

/// Something that specs vary in.
#[derive(Clone, Copy, Debug)]
pub struct Factor {
    /// What it is called.
    pub name: &'static str,
    /// Its values.
    pub values: &'static [&'static str],
}

/// One value, by index, of each of [`FACTORS`].
pub type Row = [usize; FACTORS.len()];

/// Around the lanes of every instruction set and the widths of panels: one less, equal, one more.
const CHANNELS: &[&str] = &["1", "3", "7", "8", "9", "15", "16", "17", "24", "31", "32", "33", "40", "48"];
const SIZES: &[&str] = &["1", "2", "3", "4", "odd", "even", "long odd", "long even"];
const IMAGE_SIZES: &[&str] = &["1", "2", "odd", "even"];
const ACTIVATIONS: &[&str] = &["linear", "relu", "relu6", "hard_swish", "swish", "sigmoid", "hard_sigmoid"];

macro_rules! factors {
    ($($constant:ident $name:literal $values:expr;)*) => {
        /// Every factor; the constants are indices into it.
        pub const FACTORS: &[Factor] = &[$(Factor { name: $name, values: $values }),*];
        factors!(@number 0; $($constant $name,)*);
    };
    (@number $n:expr; $constant:ident $name:literal, $($rest:tt)*) => {
        #[doc = concat!("Index of `", $name, "`.")]
        pub const $constant: usize = $n;
        factors!(@number $n + 1; $($rest)*);
    };
    (@number $n:expr;) => {};
}

factors! {
    OP "op" BlockKind::OPS;
    KERNEL "kernel" &["1", "3", "5", "7", "9"];
    STRIDE "stride" &["1", "2"];
    EXPAND "expand" &["-", "0.5", "1", "2", "2.5", "3", "6"];
    REDUCE "reduce" &["-", "0.25", "0.5", "1"];
    SE "se" &["none", "0.01", "0.25", "0.5", "1"];
    SKIP "skip" &["auto", "none", "pool", "projection"];
    FIRST_SKIP "skip of the first layer" &["none", "identity", "pool", "projection"];
    INPUTS "input channels" CHANNELS;
    FILTERS "filters" CHANNELS;
    LAYERS "layers" &["1", "2", "3"];
    ACTIVATION "activation" ACTIVATIONS;
    POINTWISE "pointwise activation" &["linear", "same", "relu6"];
    HEIGHT "input height" SIZES;
    WIDTH "input width" SIZES;
    POSITION "position" &["first", "later"];
    ROW_BLOCKS "row_blocks" &["-", "whole", "some", "one row"];
    LINE_BUFFER "line_buffer" &["-", "whole", "wraps"];
    PADDING "padding" &["same", "symmetric", "valid"];
    SE_BASE "squeeze-excite of" &["input", "expanded"];
    SE_ROUNDING "squeeze-excite rounding" &["nearest", "floor", "channels"];
    SE_ACTIVATION "squeeze-excite activation" &["the block's", "relu", "swish"];
    SE_GATE "squeeze-excite gate" &["sigmoid", "hard_sigmoid"];
    IMAGE_HEIGHT "image height" IMAGE_SIZES;
    IMAGE_WIDTH "image width" IMAGE_SIZES;
    IMAGE_CHANNELS "image channels" &["1", "2", "3", "4", "8", "9"];
    STEM_KERNEL "stem kernel" &["1", "3", "5", "7"];
    STEM_STRIDE "stem stride" &["1", "2"];
    STEM_ACTIVATION "stem activation" ACTIVATIONS;
    HEAD "head" &["none", "plain", "filters"];
    HEAD_FILTERS "head filters" &["-", "7", "20", "32", "37", "48"];
    HIDDEN "hidden layer" &["-", "6", "17", "32"];
    CLASSIFIER "classifier" &["-", "linear", "1", "3"];
    CLASSES "classes" &["-", "1", "7", "8", "10", "33", "70"];
    L2 "cache" &["real", "1024", "2048", "4096", "8192", "16384", "32768"];
}

/// Index of a value.
///
/// # Panics
///
/// If the factor has no such value.
pub fn value(factor: usize, label: &str) -> usize {
    position(factor, label).unwrap_or_else(|| panic!("{} is never {label}", FACTORS[factor].name))
}

fn position(factor: usize, label: &str) -> Option<usize> {
    FACTORS[factor].values.iter().position(|it| *it == label)
}

/// The class of a number of rows or columns.
pub fn size_class(size: usize) -> &'static str {
    match size {
        0..=4 => ["1", "1", "2", "3", "4"][size],
        5..=12 => ["even", "odd"][size % 2],
        _ => ["long even", "long odd"][size % 2],
    }
}

/// A row for each block. Blocks with a value that no factor lists are left out.
pub fn rows(case: &Case) -> Vec<Row> {
    let graph = fused_graph(&case.network);
    let Ok(plan) = case.plan(&graph, machine::ALL.to_vec(), None) else { return Vec::new() };
    (0..case.spec.blocks.len()).filter_map(|index| row(case, &plan, index)).collect()
}

fn row(case: &Case, plan: &Plan, index: usize) -> Option<Row> {
    let (spec, network) = (&case.spec, &case.network);
    let block = &spec.blocks[index];
    let name = format!("blocks.{index}.0");
    let layer = network.layers.iter().find(|layer| layer.name == name)?;
    let ratio = |it: Option<f64>, none: &str| it.map_or_else(|| none.to_owned(), |it| it.to_string());
    let activation = |it: Activation| activation_name(it).to_owned();
    let image_size = |size: usize| match size {
        1 | 2 => size.to_string(),
        _ => ["even", "odd"][size % 2].to_owned(),
    };
    let (row_blocks, line_buffer) =
        schedule_of(&name, plan).map_or(("-", "-"), |s| row_blocks_and_line_buffer(plan, s));
    let stem = &network.layers[0];
    let se = spec.squeeze_excite.as_ref();
    let classes = network.head.as_ref().map(|head| head.classes);
    let head_filters = network.head.as_ref().and_then(|head| head.conv).map(|(filters, _)| filters);
    let number = |it: Option<usize>| it.map_or_else(|| "-".to_owned(), |it| it.to_string());
    let mut row: Row = [0; FACTORS.len()];
    for (factor, label) in [
        (OP, block.kind.op().to_owned()),
        (KERNEL, layer.kernel_size.to_string()),
        (STRIDE, layer.stride.to_string()),
        (EXPAND, ratio(block.expand_ratio.map(|it| it.value), "-")),
        (
            REDUCE,
            match block.kind.has("reduce") {
                true => block.reduce_ratio.map_or(0.25, |it| it.value).to_string(),
                false => "-".to_owned(),
            },
        ),
        (SE, ratio(block.se_ratio.map(|it| it.value), "none")),
        (SKIP, block.skip.map_or("auto", |it| skip_name(it.value)).to_owned()),
        (FIRST_SKIP, skip_name(layer.skip).to_owned()),
        (INPUTS, layer.input.channels.to_string()),
        (FILTERS, layer.output.channels.to_string()),
        (LAYERS, block.layers.map_or(1, |it| it.value).to_string()),
        (
            ACTIVATION,
            // Linear where there is no batch norm: in a pool.
            activation(
                layer.chain().convs().find(|conv| conv.batch_norm).map_or(Activation::Linear, |it| it.activation),
            ),
        ),
        (
            POINTWISE,
            match block.pointwise_activation.map(|it| it.value) {
                None => "linear".to_owned(),
                Some(PointwiseActivation::Same) => "same".to_owned(),
                Some(PointwiseActivation::Is(it)) => activation(it),
            },
        ),
        (HEIGHT, size_class(layer.input.height).to_owned()),
        (WIDTH, size_class(layer.input.width).to_owned()),
        (POSITION, if index == 0 { "first" } else { "later" }.to_owned()),
        (ROW_BLOCKS, row_blocks.to_owned()),
        (LINE_BUFFER, line_buffer.to_owned()),
        (
            PADDING,
            match block.padding.or(spec.padding).map(|it| it.value) {
                None | Some(Padding::Same) => "same",
                Some(Padding::Symmetric) => "symmetric",
                Some(Padding::Valid) => "valid",
            }
            .to_owned(),
        ),
        (
            SE_BASE,
            match se.and_then(|it| it.of).map(|it| it.value) {
                None | Some(SeBase::Input) => "input",
                Some(SeBase::Expanded) => "expanded",
            }
            .to_owned(),
        ),
        (
            SE_ROUNDING,
            match se.and_then(|it| it.rounding).map(|it| it.value) {
                None | Some(SeRounding::Nearest) => "nearest",
                Some(SeRounding::Floor) => "floor",
                Some(SeRounding::Channels) => "channels",
            }
            .to_owned(),
        ),
        (SE_ACTIVATION, se.and_then(|it| it.activation).map_or("the block's".to_owned(), |it| activation(it.value))),
        (SE_GATE, se.and_then(|it| it.gate).map_or("sigmoid".to_owned(), |it| activation(it.value))),
        (IMAGE_HEIGHT, image_size(network.input.height)),
        (IMAGE_WIDTH, image_size(network.input.width)),
        (IMAGE_CHANNELS, network.input.channels.to_string()),
        (STEM_KERNEL, stem.kernel_size.to_string()),
        (STEM_STRIDE, stem.stride.to_string()),
        (
            STEM_ACTIVATION,
            match stem.op {
                LayerOp::Conv { activation: it } => activation(it),
                _ => return None,
            },
        ),
        (
            HEAD,
            if classes.is_none() {
                "none"
            } else if head_filters.is_none() {
                "plain"
            } else {
                "filters"
            }
            .to_owned(),
        ),
        (HEAD_FILTERS, number(head_filters)),
        (HIDDEN, number(network.head.as_ref().and_then(|head| head.hidden).map(|(outputs, _)| outputs))),
        (
            CLASSIFIER,
            match network.head.as_ref().map(|head| head.classifier) {
                None => "-".to_owned(),
                Some(Classifier::Linear) => "linear".to_owned(),
                Some(Classifier::Conv { kernel_size, .. }) => kernel_size.to_string(),
            },
        ),
        (CLASSES, number(classes)),
        (L2, case.l2_bytes.map_or_else(|| "real".to_owned(), |it| it.to_string())),
    ] {
        row[factor] = position(factor, &label)?;
    }
    Some(row)
}

fn skip_name(skip: Skip) -> &'static str {
    match skip {
        Skip::None => "none",
        Skip::Identity => "identity",
        Skip::Pool => "pool",
        Skip::Projection => "projection",
    }
}

/// The schedule of a layer's block for the widest instruction set.
fn schedule_of<'p>(layer: &str, plan: &'p Plan) -> Option<(usize, &'p BlockSchedule)> {
    let schedule = plan.schedules.first()?;
    let ends_with_it = |name: &str| name == layer || name.ends_with(&format!("+{layer}"));
    plan.steps.iter().zip(&schedule.steps).enumerate().find_map(|(index, (step, schedule))| match schedule {
        StepSchedule::Block(block) if ends_with_it(&step.name) => Some((index, &**block)),
        _ => None,
    })
}

fn row_blocks_and_line_buffer(plan: &Plan, (index, s): (usize, &BlockSchedule)) -> (&'static str, &'static str) {
    let StepKind::Block(block) = &plan.steps[index].kind else { return ("-", "-") };
    let rows = block.depthwise.output.height;
    let row_blocks = match s.row_block {
        n if n == rows => "whole",
        1 => "one row",
        _ => "some",
    };
    let line_buffer = match &block.expand {
        None => "-",
        Some(expand) if s.line_buffer < expand.output.height => "wraps",
        Some(_) => "whole",
    };
    (row_blocks, line_buffer)
}
