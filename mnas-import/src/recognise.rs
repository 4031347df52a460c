//! Recognises layers in steps: which block each convolution belongs to.

use crate::error::Problems;
use crate::layer::{Layer, Layers};
use crate::net::{Act, Net, Reader, Unit};
use crate::ratios;
use crate::residual::{self, Residual};
use crate::tape::{Op, StepId};
use crate::walk::Walk;
use mnas_dsl::network::{Activation, Pads, Shape, Skip};
use mnas_dsl::spec::BlockKind;

/// Divides the network into layers. Steps that are not part of a layer go into `problems`.
pub(crate) fn recognise<'t, 'a>(net: &Net<'t, 'a>, problems: &mut Problems) -> Layers<'t, 'a> {
    let mut walk = Walk { net, problems, layers: Layers { layers: Vec::new(), head: None } };
    let mut at = 0;
    while let Some(next) = walk.step(at) {
        // Operands come before their readers; a step back would be a bug.
        if next <= at {
            break;
        }
        at = next;
    }
    walk.layers
}

impl<'t, 'a> Walk<'_, 't, 'a> {
    /// Recognises the layer after `at`, the output of the layer before, and returns its output; `None` at the end.
    fn step(&mut self, at: StepId) -> Option<StepId> {
        let net = self.net;
        let readers = net.readers(at);
        if readers == [Reader::Output] {
            if self.layers.layers.len() < 2 {
                self.problem(at, "the network ends here", "a spec has a stem and at least one block");
            }
            return None;
        }
        if let Some((conv, pool)) = self.pool_ahead(at) {
            self.head(conv, pool);
            return None;
        }
        if let [Reader::Step(step)] = *readers
            && let Op::MaxPool { kernel_size, stride, pads } = *net.op(step)
        {
            self.max_pool(at, step, (kernel_size, stride, pads));
            return Some(step);
        }
        let steps: Vec<StepId> = readers
            .iter()
            .filter_map(|reader| match reader {
                Reader::Step(step) => Some(*step),
                Reader::Output => None,
            })
            .collect();
        if steps.len() < readers.len() {
            self.problem(
                at,
                "its result is the output of the network and has other readers",
                "a spec has one output, at the end",
            );
        }
        let mut units: Vec<Unit> = steps.iter().filter_map(|&step| net.unit(step)).collect();
        let mut shortcut = None;
        if units.len() == 2 && !self.layers.layers.is_empty() {
            shortcut =
                units.iter().rposition(|unit| residual::is_projection(self, unit)).map(|index| units.remove(index));
        }
        let [unit] = units[..] else {
            match (steps.first(), units.len()) {
                (Some(&first), 0) => self.problem(
                    first,
                    format!("it is the first operator of a block, after a map of {}", net.shape(at)),
                    "a block begins with a convolution: 1x1 (`mbconv`), depthwise (`sepconv`) or any other (`conv`)",
                ),
                _ => self.problem(
                    at,
                    format!("{} convolutions read its result", units.len()),
                    "a block is one chain of convolutions and a shortcut of its input",
                ),
            }
            return steps.first().copied();
        };
        let (layer, last) = match self.block(at, unit, shortcut) {
            Ok(found) => found,
            Err(resume) => return Some(resume),
        };
        let (layer, output) = self.skip(at, layer, last, shortcut, &steps);
        let output = residual::behind_sum(self, &layer, output);
        self.layers.layers.push(layer);
        Some(output)
    }

    fn max_pool(&mut self, at: StepId, step: StepId, (kernel_size, stride, pads): (usize, usize, Pads)) {
        if self.layers.layers.is_empty() {
            self.problem(step, "the first operator is a pool", "a stem is a `conv`");
        }
        let (input, output) = (self.net.shape(at), self.net.shape(step));
        self.layers.layers.push(Layer {
            kind: BlockKind::MaxPool,
            input,
            output,
            kernel_size,
            stride,
            pads,
            activation: Act(None),
            pointwise_activation: Act(None),
            expanded: input.channels,
            pool: None,
            se: None,
            skip: Skip::None,
            units: Vec::new(),
            window: step,
        });
    }

    /// The block that begins with `first`, and the step before its sum; or, if it is not a block, the step to continue from.
    fn block(
        &mut self,
        at: StepId,
        first: Unit<'t, 'a>,
        shortcut: Option<Unit<'t, 'a>>,
    ) -> Result<Residual<'t, 'a>, StepId> {
        let net = self.net;
        let input = net.shape(at);
        let is_stem = self.layers.layers.is_empty();
        if !is_stem
            && let Some(found) = residual::bottleneck(self, at, first, shortcut)
                .or_else(|| residual::xception(self, at, first, shortcut))
        {
            return Ok(found);
        }
        let expansion_of = |unit: &Unit| {
            let next = net.next_unit(unit.output)?;
            (unit.is_pointwise() && next.conv.depthwise && next.activation.fits(unit.activation)).then_some(next)
        };
        let (kind, window) = match expansion_of(&first) {
            _ if is_stem && first.conv.depthwise => {
                self.problem(first.step, "the first convolution is depthwise", "a stem is a `conv`");
                return Err(first.output);
            }
            _ if is_stem => (BlockKind::Conv, first),
            Some(depthwise) => (BlockKind::MbConv, depthwise),
            None if first.conv.depthwise => (BlockKind::SepConv, first),
            None if self.is_fused(&first, input) => (BlockKind::FusedMbConv, first),
            None => (BlockKind::Conv, first),
        };
        if kind == BlockKind::Conv {
            return Ok((self.layer(kind, input, first, first, None, vec![("conv", first)]), first.output));
        }
        let mut units = Vec::new();
        if kind != BlockKind::SepConv {
            units.push(("expand", first));
        }
        if kind != BlockKind::FusedMbConv {
            units.push(("depthwise", window));
        }
        let se = net.squeeze_excite(window.output);
        if let Some(se) = se {
            units.extend([("se.reduce", se.reduce), ("se.expand", se.expand)]);
        }
        let behind = se.map_or(window.output, |se| se.output);
        let Some(project) = net.next_unit(behind).filter(Unit::is_pointwise) else {
            let what = match net.only_reader(behind) {
                Some(reader) => format!("{} follows", net.place(reader)),
                None => format!("{} nodes read its result", net.readers(behind).len()),
            };
            let found = format!("a depthwise convolution, but {what}");
            self.problem(
                window.step,
                found,
                "after it an activation, optionally a squeeze-excite, and a 1x1 convolution of stride 1",
            );
            return Err(behind);
        };
        if kind == BlockKind::MbConv && !project.activation.is(Activation::Linear) {
            let found = format!("an activation ({}) after a projection", project.activation);
            self.problem(project.output, found, "the projection of `mbconv` is linear");
        }
        units.push(("project", project));
        Ok((self.layer(kind, input, window, project, se, units), project.output))
    }

    /// Whether a convolution is the first of a `fused_mbconv`: a linear projection follows, and its width is one that an
    /// expansion can have.
    fn is_fused(&self, first: &Unit, input: Shape) -> bool {
        let net = self.net;
        let behind = net.squeeze_excite(first.output).map_or(first.output, |se| se.output);
        let project =
            net.next_unit(behind).filter(|unit| unit.is_pointwise() && unit.activation.is(Activation::Linear));
        first.conv.kernel_size > 1
            && !matches!(first.activation.0, Some(Activation::Linear))
            && project.is_some()
            && ratios::expand(&[(input.channels, first.conv.output_channels)]).is_some()
    }

    /// Adds the skip to a layer; returns the layer with the step of its output.
    fn skip(
        &mut self,
        at: StepId,
        mut layer: Layer<'t, 'a>,
        last: StepId,
        projection: Option<Unit<'t, 'a>>,
        readers: &[StepId],
    ) -> (Layer<'t, 'a>, StepId) {
        let net = self.net;
        let add = net.only_reader(last).filter(|&step| matches!(net.op(step), Op::Add));
        let shortcut = add.and_then(|add| net.tape.steps[add].inputs.iter().copied().find(|it| *it != last));
        let mut output = last;
        let mut used = None;
        match (add, shortcut) {
            (Some(add), Some(shortcut)) if shortcut == at => {
                (layer.skip, output, used) = (Skip::Identity, add, Some(add));
            }
            (Some(add), Some(shortcut))
                if net.tape.steps[shortcut].inputs == [at] && self.is_pool(&layer, shortcut) =>
            {
                (layer.skip, output, used) = (Skip::Pool, add, Some(shortcut));
            }
            (Some(add), Some(shortcut)) if projection.is_some_and(|unit| unit.output == shortcut) => {
                let Some(unit) = projection else { return (layer, add) };
                if unit.conv.stride != layer.stride {
                    let found = format!("a shortcut with a stride of {}", unit.conv.stride);
                    self.problem(unit.step, found, format!("the block's, {}", layer.stride));
                }
                layer.units.push(("shortcut", unit));
                (layer.skip, output, used) = (Skip::Projection, add, Some(unit.step));
            }
            (Some(add), Some(shortcut)) => {
                let found = format!("it adds the result of {}", net.place(shortcut));
                self.problem(
                    add,
                    found,
                    "a skip adds the block's input, a 3x3 average pool or a 1x1 convolution of it",
                );
                output = add;
                used = Some(shortcut);
            }
            (Some(add), None) => {
                self.problem(add, "it adds a map to itself", "a skip adds the block's input");
                output = add;
            }
            (None, _) => {}
        }
        let cannot_skip = self.layers.layers.is_empty()
            || (layer.kind.has("pointwise_activation") && !layer.pointwise_activation.is(Activation::Linear));
        if layer.skip != Skip::None && cannot_skip {
            let what = if self.layers.layers.is_empty() { "a stem" } else { "a block with an activation at its end" };
            self.problem(output, format!("a skip around {what}"), "such a block has no skip in the language");
        }
        for &step in readers.iter().filter(|&&step| step != layer.first_step() && Some(step) != used) {
            self.problem(
                step,
                format!("it also reads the result of {}", net.place(at)),
                "a block's input goes into its first convolution and is added at its end",
            );
        }
        (layer, output)
    }

    /// Whether a shortcut is a pool; one that the language does not have is reported.
    fn is_pool(&mut self, layer: &Layer, shortcut: StepId) -> bool {
        let Op::AveragePool { kernel_size, stride, pads, counts_padding } = *self.net.op(shortcut) else {
            return false;
        };
        let is_ours = kernel_size == 3 && stride == layer.stride && pads == Pads::same(layer.input, 3, stride);
        if !is_ours || counts_padding {
            self.problem(
                shortcut,
                "a pool around a block",
                "one of 3x3 with the block's stride and SAME padding, which does not count the padding",
            );
        }
        true
    }
}
