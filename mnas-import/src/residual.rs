//! Blocks with a sum around several convolutions and a pool: ResNet's and Xception's.

use crate::layer::{Layer, Pool};
use crate::net::Unit;
use crate::tape::{Op, StepId};
use crate::walk::Walk;
use mnas_dsl::network::{Activation, Pads, Skip, XCEPTION_POOL};
use mnas_dsl::spec::BlockKind;

/// A block and the last of its steps before the sum.
pub(crate) type Residual<'t, 'a> = (Layer<'t, 'a>, StepId);

/// Units that have one after the other, each read by the next alone.
fn chain<'t, 'a, const N: usize>(walk: &Walk<'_, 't, 'a>, first: Unit<'t, 'a>) -> Option<[Unit<'t, 'a>; N]> {
    let mut units = vec![first];
    while units.len() < N {
        units.push(walk.net.next_unit(units.last()?.output)?);
    }
    units.try_into().ok()
}

/// Whether a result is added to the block's input, or to a shortcut of it, and to nothing else.
fn is_summed(walk: &Walk, at: StepId, shortcut: Option<Unit>, result: StepId) -> bool {
    let net = walk.net;
    let Some(add) = net.only_reader(result).filter(|&step| matches!(net.op(step), Op::Add)) else { return false };
    let inputs = &net.tape.steps[add].inputs;
    inputs.iter().any(|&it| it != result && (it == at || shortcut.is_some_and(|unit| unit.output == it)))
}

/// Reduction, convolution, linear projection, and a sum.
pub(crate) fn bottleneck<'t, 'a>(
    walk: &Walk<'_, 't, 'a>,
    at: StepId,
    first: Unit<'t, 'a>,
    shortcut: Option<Unit<'t, 'a>>,
) -> Option<Residual<'t, 'a>> {
    let units @ [reduce, window, project]: [Unit; 3] = chain(walk, first)?;
    let is_bottleneck = reduce.is_pointwise()
        && !window.conv.depthwise
        && window.activation.fits(reduce.activation)
        && project.is_pointwise()
        && project.activation.is(Activation::Linear)
        && is_summed(walk, at, shortcut, project.output);
    let names = ["reduce", "conv", "project"];
    let units = names.into_iter().zip(units).collect();
    is_bottleneck.then(|| {
        let layer = walk.layer(BlockKind::Bottleneck, walk.net.shape(at), window, project, None, units);
        (layer, project.output)
    })
}

/// Two separable convolutions, a squeeze-excite or none, a max pool or none, and a sum.
pub(crate) fn xception<'t, 'a>(
    walk: &mut Walk<'_, 't, 'a>,
    at: StepId,
    first: Unit<'t, 'a>,
    shortcut: Option<Unit<'t, 'a>>,
) -> Option<Residual<'t, 'a>> {
    let net = walk.net;
    let units @ [depthwise, pointwise, second, last]: [Unit; 4] = chain(walk, first)?;
    let is_bare = |unit: &Unit| {
        unit.conv.depthwise && unit.conv.stride == 1 && !unit.is_normed() && unit.activation.is(Activation::Linear)
    };
    let are_separable = is_bare(&depthwise) && pointwise.is_pointwise() && is_bare(&second) && last.is_pointwise();
    if !are_separable || !last.activation.is(Activation::Linear) {
        return None;
    }
    let se = net.squeeze_excite(last.output);
    let convolved = se.map_or(last.output, |se| se.output);
    let pool = net.only_reader(convolved).and_then(|step| match *net.op(step) {
        Op::MaxPool { kernel_size: XCEPTION_POOL, stride, pads } => Some((step, stride, pads)),
        _ => None,
    });
    let output = pool.map_or(convolved, |(step, ..)| step);
    if !is_summed(walk, at, shortcut, output) {
        return None;
    }
    for unit in [&depthwise, &second] {
        if unit.conv.bias.is_some() {
            let found = "a bias between a depthwise convolution and its pointwise one";
            walk.problem(unit.step, found, "a module of Xception has none there");
        }
        let own = (unit.conv.kernel_size, unit.conv.pads);
        if own != (depthwise.conv.kernel_size, depthwise.conv.pads) {
            walk.problem(unit.step, "another window than the first of its module has", "the two are alike");
        }
    }
    let names = ["depthwise1", "pointwise1", "depthwise2", "pointwise2"];
    let mut named: Vec<_> = names.into_iter().zip(units).collect();
    if let Some(se) = se {
        named.extend([("se.reduce", se.reduce), ("se.expand", se.expand)]);
    }
    let layer = walk.layer(BlockKind::Xception, net.shape(at), depthwise, last, se, named);
    let layer = Layer {
        output: net.shape(output),
        stride: pool.map_or(1, |(_, stride, _)| stride),
        activation: pointwise.activation,
        expanded: last.conv.output_channels,
        pool: pool.map(|(_, _, pads)| Pool { input: net.shape(convolved), pads }),
        ..layer
    };
    Some((layer, output))
}

/// Whether a convolution can be the one on a shortcut: a sum follows it.
pub(crate) fn is_projection(walk: &Walk, unit: &Unit) -> bool {
    let net = walk.net;
    !unit.conv.depthwise
        && unit.conv.kernel_size == 1
        && unit.conv.pads == Pads::NONE
        && unit.activation.is(Activation::Linear)
        && net.only_reader(unit.output).is_some_and(|step| matches!(net.op(step), Op::Add))
}

/// The output of a bottleneck: the activation after its sum, or the sum where the activation is missing.
pub(crate) fn behind_sum(walk: &mut Walk, layer: &Layer, sum: StepId) -> StepId {
    if layer.kind != BlockKind::Bottleneck || layer.skip == Skip::None {
        return sum;
    }
    let net = walk.net;
    match net.only_reader(sum).map(|step| (step, net.op(step))) {
        Some((step, Op::Activation(activation))) if crate::net::Act(*activation).fits(layer.activation) => step,
        _ => {
            let found = "a sum without the activation of its block after it";
            walk.problem(sum, found, format!("`bottleneck` has {} after the sum too", layer.activation));
            sum
        }
    }
}
