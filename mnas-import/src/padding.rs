//! Finds the padding of a spec that gives the pads of a file.

use crate::error::Problems;
use crate::layer::{Layer, Layers};
use crate::net::Net;
use mnas_dsl::network::{Padding, Pads, XCEPTION_POOL};

/// In the order in which they are preferred.
const ALL: [Padding; 3] = [Padding::Same, Padding::Symmetric, Padding::Valid];

/// The padding of most layers. Layers whose pads no padding gives are reported.
pub(crate) fn of(layers: &Layers, net: &Net, problems: &mut Problems) -> Padding {
    let windows = || layers.layers.iter().filter(|layer| layer.has_window());
    let misfits = |padding: &Padding| windows().filter(|layer| !fits(*padding, layer)).count();
    let padding = ALL.into_iter().min_by_key(misfits).unwrap_or(Padding::Same);
    let show = |Pads { top, left, bottom, right }: Pads| format!("[{top}, {left}, {bottom}, {right}]");
    let mut report = |step, kernel_size, stride, found, ours| {
        problems.push(
            net.place(step),
            format!("pads {} of a {kernel_size}x{kernel_size} kernel with stride {stride}", show(found)),
            format!("`padding: {}`, which most layers have, is {} here, and no other fits", word(padding), show(ours)),
        );
    };
    for layer in windows().filter(|layer| ALL.into_iter().all(|padding| !fits(padding, layer))) {
        let (k, stride) = (layer.kernel_size, window_stride(layer));
        match layer.pool {
            Some(pool) if Pads::of(padding, layer.input, k, stride) == layer.pads => {
                let ours = Pads::of(padding, pool.input, XCEPTION_POOL, layer.stride);
                report(layer.window, XCEPTION_POOL, layer.stride, pool.pads, ours);
            }
            _ => report(layer.window, k, stride, layer.pads, Pads::of(padding, layer.input, k, stride)),
        }
    }
    if let (Some(head), Some(last)) = (layers.head.as_ref().filter(|head| head.is_conv), layers.layers.last()) {
        let conv = head.classifier.conv;
        let ours = Pads::of(padding, last.output, conv.kernel_size, 1);
        if conv.pads != ours {
            report(head.classifier.step, conv.kernel_size, 1, conv.pads, ours);
        }
    }
    padding
}

/// Whether this padding gives a layer's pads.
pub(crate) fn fits(padding: Padding, layer: &Layer) -> bool {
    let pool = layer.pool.is_none_or(|pool| pool.pads == Pads::of(padding, pool.input, XCEPTION_POOL, layer.stride));
    pool && layer.pads == Pads::of(padding, layer.input, layer.kernel_size, window_stride(layer))
}

/// Its keyword in a spec.
pub(crate) fn word(padding: Padding) -> &'static str {
    match padding {
        Padding::Same => "same",
        Padding::Symmetric => "symmetric",
        Padding::Valid => "valid",
    }
}

/// The stride of the layer's convolution. Where a pool follows, the pool has the layer's stride.
fn window_stride(layer: &Layer) -> usize {
    if layer.pool.is_some() { 1 } else { layer.stride }
}
