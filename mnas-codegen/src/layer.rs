//! Layers of a plan as code of their own: what is measured once and counted in every network that has it.

use crate::compile::VERSION;
use crate::emit::{api, file};
use crate::graph::Residual;
use crate::plan::{Plan, Step, StepKind};
use crate::tuned::Key;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use std::collections::BTreeMap;

/// The generated type of every layer.
pub const TYPE: &str = "Layer";

/// One step of a plan, which the network does in one call.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What it is, for people: two that differ may be called the same.
    pub shown: String,
    /// It alone.
    pub plan: Plan,
    /// Its code, a network of one step with the name [`TYPE`]. Steps that are done alike have the same, byte for byte.
    pub text: String,
}

/// The layers of a plan in the order in which they run. `runtime` is the path to mnas-runtime.
///
/// # Panics
///
/// If that is no path.
pub fn layers(plan: &Plan, runtime: &str) -> Vec<Layer> {
    let runtime: TokenStream = runtime.parse().expect("a path");
    // Most layers of a network are repeated.
    let mut known: BTreeMap<String, Layer> = BTreeMap::new();
    let one = |index: usize| {
        let single = plan.single(index);
        let same = format!("{:?}", (&single.steps, &single.schedules, &single.layers));
        known.entry(same).or_insert_with(|| layer(single, &runtime)).clone()
    };
    (0..plan.steps.len()).map(one).collect()
}

fn layer(plan: Plan, runtime: &TokenStream) -> Layer {
    let step = &plan.steps[0];
    let options = api::Options {
        ident: format_ident!("{TYPE}"),
        visibility: quote!(pub),
        attributes: quote!(),
        runtime: runtime.clone(),
        standalone: false,
        checked: false,
        version: VERSION.to_owned(),
        embed: api::Embed::None,
        preprocess: None,
        parameters: 0,
        macs: step.macs,
    };
    let shown = shown(step);
    let text = file::without_notes(api::emit(&plan, &options)).to_string();
    Layer { shown, plan, text }
}

fn shown(step: &Step) -> String {
    let (input, output) = (step.input_shape, step.output_shape);
    if let Some(key) = Key::of(step) {
        let adds = match &step.kind {
            StepKind::Block(block) => block.project.conv.residual,
            StepKind::Conv { conv, .. } => conv.conv.residual,
            _ => Residual::None,
        };
        return if adds.is_some() { format!("{key} add") } else { key.to_string() };
    }
    let what = match &step.kind {
        StepKind::PadImage => "image".to_owned(),
        StepKind::Depthwise { conv } => format!("depthwise k{} s{}", conv.conv.kernel_size, conv.conv.stride),
        StepKind::SqueezeExcite { reduce, .. } => format!("squeeze-excite {}", reduce.conv.output_channels),
        StepKind::Pool { kernel_size, stride, .. } => format!("pool k{kernel_size} s{stride}"),
        StepKind::Elementwise { .. } => "elementwise".to_owned(),
        StepKind::GlobalAveragePool => "global pool".to_owned(),
        StepKind::Conv { .. } | StepKind::Block(_) | StepKind::Linear { .. } => "layer".to_owned(),
    };
    format!("{what} {input} to {output}")
}
