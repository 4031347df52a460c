//! Layers of a plan as programs of their own, to be measured once for all networks that have them.

use crate::compile::VERSION;
use crate::emit::{file, surface};
use crate::graph::Residual;
use crate::plan::{Plan, Step, StepKind};
use crate::tuned::ShapeKey;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use std::collections::BTreeMap;

/// The generated type of every layer.
pub const TYPE: &str = "Layer";

/// A step of a plan, or two if the first prefetches the weights of the second.
#[derive(Clone, Debug)]
pub struct Layer {
    /// A description for people; layers that differ may share it.
    pub shown: String,
    /// The plan of this layer alone.
    pub plan: Plan,
    /// Its code, a network with the name [`TYPE`]; equal byte by byte for equal steps.
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
    let one = |range| {
        let part = plan.part(range);
        let same = format!("{:?}", (&part.steps, &part.schedules, &part.layers));
        known.entry(same).or_insert_with(|| layer(part, &runtime)).clone()
    };
    plan.parts().into_iter().map(one).collect()
}

fn layer(plan: Plan, runtime: &TokenStream) -> Layer {
    let options = surface::Options {
        ident: format_ident!("{TYPE}"),
        visibility: quote!(pub),
        attributes: quote!(),
        runtime: runtime.clone(),
        standalone: false,
        checked: false,
        version: VERSION.to_owned(),
        embed: surface::Embed::None,
        preprocess: None,
        parameters: 0,
        macs: plan.steps.iter().map(|step| step.macs).sum(),
    };
    let shown = plan.steps.iter().map(shown).collect::<Vec<_>>().join("; ");
    let text = file::without_notes(surface::emit(&plan, &options)).to_string();
    Layer { shown, plan, text }
}

fn shown(step: &Step) -> String {
    let (input, output) = (step.input_shape, step.output_shape);
    if let Some(key) = ShapeKey::of(step) {
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
