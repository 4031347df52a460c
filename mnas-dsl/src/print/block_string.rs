//! Prints block strings.

use crate::keywords::TIMM_ACTIVATIONS;
use crate::network::{Activation, Skip};
use crate::rounding::round_channels;
use crate::spec::{Block, BlockKind, Notation, PointwiseActivation};

/// The block as timm writes it, or `None` when timm has no words for it (a pooling skip, for one).
pub fn to_timm(block: &Block) -> Option<String> {
    let pointwise_activation = match block.pointwise_activation.map(|it| it.value) {
        None | Some(PointwiseActivation::Is(Activation::Linear)) => false,
        Some(PointwiseActivation::Same) => true,
        Some(PointwiseActivation::Is(_)) => return None,
    };
    if block.padding.is_some() {
        return None;
    }
    let timm = block.kind.row().timm.iter().find(|timm| timm.pointwise_activation == pointwise_activation)?;
    let mut text = timm.name.to_owned();
    push_sizes(block, &mut text, |stride| format!("{stride}"));
    if let Some(ratio) = block.expand_ratio {
        text.push_str(&format!("_e{}", ratio.value));
    }
    text.push_str(&format!("_c{}", block.filters?.value));
    if let Some(ratio) = block.se_ratio {
        text.push_str(&format!("_se{}", ratio.value));
    }
    if let Some(activation) = block.activation {
        let (word, _) = TIMM_ACTIVATIONS.iter().find(|(_, it)| *it == activation.value)?;
        text.push_str(&format!("_{word}"));
    }
    match (timm.skip_on_request, block.skip.map(|it| it.value)) {
        (_, Some(Skip::Pool | Skip::Projection)) => return None,
        (false, Some(Skip::None)) => text.push_str("_noskip"),
        (true, None | Some(Skip::Identity)) => text.push_str("_skip"),
        (false, None | Some(Skip::Identity)) | (true, Some(Skip::None)) => {}
    }
    Some(text)
}

/// The block as TensorFlow's MnasNet writes it, given its input channels (which the block's own claim
/// overrides), or `None` when TensorFlow has no words for it, or expands to another width.
pub fn to_tensorflow(block: &Block, input_filters: usize) -> Option<String> {
    let expand = match (block.kind, block.expand_ratio.map(|it| it.value)) {
        (BlockKind::SepConv, _) if !block.has_pointwise_activation() => 1.0,
        // An expansion of 1 is no expansion in TensorFlow.
        (BlockKind::MbConv, Some(ratio)) if ratio != 1.0 => ratio,
        _ => return None,
    };
    if block.activation.is_some() || block.padding.is_some() {
        return None;
    }
    let input_filters = block.input_filters.map_or(input_filters, |it| it.value);
    let exact = input_filters as f64 * expand;
    if block.notation != Notation::TensorFlow && expand != 1.0 && round_channels(exact) as f64 != exact {
        return None;
    }
    let mut text = String::new();
    push_sizes(block, &mut text, |stride| format!("{stride}{stride}"));
    if block.layers.is_none() {
        text.insert_str(0, "_r1");
    }
    if block.stride.is_none() {
        text.push_str("_s11");
    }
    text.push_str(&format!("_e{expand}_i{input_filters}_o{}", block.filters?.value));
    if let Some(ratio) = block.se_ratio {
        text.push_str(&format!("_se{}", ratio.value));
    }
    match block.skip.map(|it| it.value) {
        Some(Skip::Pool | Skip::Projection) => return None,
        Some(Skip::None) => text.push_str("_noskip"),
        None | Some(Skip::Identity) => {}
    }
    text.get(1..).map(str::to_owned)
}

fn push_sizes(block: &Block, text: &mut String, stride: impl Fn(usize) -> String) {
    if let Some(layers) = block.layers {
        text.push_str(&format!("_r{}", layers.value));
    }
    text.push_str(&format!("_k{}", block.kernel_size.value));
    if let Some(it) = block.stride {
        text.push_str(&format!("_s{}", stride(it.value)));
    }
}
