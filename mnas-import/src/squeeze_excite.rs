//! What the squeeze-excites of a network have in common: the map `squeeze_excite` of a spec.

use crate::error::Problems;
use crate::group::{Group, SqueezeExcites, groups};
use crate::layer::Layer;
use crate::net::{Act, Net, SqueezeExcite};
use mnas_dsl::network::{Activation, Padding};
use mnas_dsl::spec::{SeBase, SeRounding};
use std::collections::BTreeSet;

/// Of rules that say as much, the first is taken.
const RULES: [SqueezeExcites; 6] = [
    SqueezeExcites { base: SeBase::Input, rounding: SeRounding::Nearest },
    SqueezeExcites { base: SeBase::Expanded, rounding: SeRounding::Channels },
    SqueezeExcites { base: SeBase::Expanded, rounding: SeRounding::Nearest },
    SqueezeExcites { base: SeBase::Input, rounding: SeRounding::Floor },
    SqueezeExcites { base: SeBase::Input, rounding: SeRounding::Channels },
    SqueezeExcites { base: SeBase::Expanded, rounding: SeRounding::Floor },
];

impl SqueezeExcites {
    /// The rule that needs the fewest blocks, and of those the fewest ratios.
    pub(crate) fn of(layers: &[Layer], padding: Padding) -> Self {
        if layers.iter().all(|layer| layer.se.is_none()) {
            return RULES[0];
        }
        let cost = |rule: &SqueezeExcites| {
            let groups = groups(layers, *rule, padding);
            let ratios: Vec<Option<Option<f64>>> = groups.iter().map(Group::squeeze_excite).collect();
            let impossible = ratios.iter().filter(|ratio| ratio.is_none()).count();
            let distinct: BTreeSet<u64> = ratios.iter().flatten().flatten().map(|ratio| ratio.to_bits()).collect();
            (impossible, groups.len(), distinct.len())
        };
        RULES.into_iter().min_by_key(cost).unwrap_or(RULES[0])
    }

    /// The line of a spec, empty where every key has its default.
    pub(crate) fn text(self, layers: &[Layer], net: &Net, problems: &mut Problems) -> String {
        let all: Vec<(&Layer, &SqueezeExcite)> =
            layers.iter().filter_map(|layer| Some((layer, layer.se.as_ref()?))).collect();
        let mut keys = Vec::new();
        if self.base == SeBase::Expanded {
            keys.push("of: expanded".to_owned());
        }
        match self.rounding {
            SeRounding::Nearest => {}
            SeRounding::Floor => keys.push("rounding: floor".to_owned()),
            SeRounding::Channels => keys.push("rounding: channels".to_owned()),
        }
        if all.iter().any(|(layer, se)| !se.reduce.activation.fits(layer.activation))
            && let Some((_, first)) = all.first()
        {
            keys.push(format!("activation: {}", first.reduce.activation));
            for (_, se) in all.iter().filter(|(_, se)| !se.reduce.activation.fits(first.reduce.activation)) {
                let found = format!("a squeeze-excite with {} inside", se.reduce.activation);
                let expected =
                    format!("{}, as the first has it, or in all that of their blocks", first.reduce.activation);
                problems.push(net.place(se.reduce.output), found, expected);
            }
        }
        self.gate(&all, &mut keys, net, problems);
        if keys.is_empty() { String::new() } else { format!("squeeze_excite: {{{}}}\n", keys.join(", ")) }
    }

    fn gate(self, all: &[(&Layer, &SqueezeExcite)], keys: &mut Vec<String>, net: &Net, problems: &mut Problems) {
        let Some((_, first)) = all.first() else { return };
        let gate = first.expand.activation;
        if !gate.is(Activation::Sigmoid) {
            keys.push(format!("gate: {gate}"));
        }
        let is_gate = |act: Act| act.is(Activation::Sigmoid) || act.is(Activation::HardSigmoid);
        for (_, se) in all {
            if !is_gate(se.expand.activation) || !se.expand.activation.fits(gate) {
                let found = format!("a squeeze-excite whose gate is {}", se.expand.activation);
                problems.push(net.place(se.expand.output), found, "in all a sigmoid, or in all a hard sigmoid");
            }
        }
    }
}
