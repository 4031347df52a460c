//! Layers by themselves: the same code as in the network, the same for the same work, and nothing else.

use mnas_codegen::compile::{self, Options};
use mnas_codegen::layer::{self, Layer};
use mnas_codegen::plan::{Plan, Target};
use mnas_codegen::units::Elements;
use std::collections::{BTreeMap, BTreeSet};

const NET: &str = "\
name: net
input: 16x16x3
activation: relu
stem: {op: conv, kernel: 3, stride: 2, filters: 8}
blocks:
  - {op: sepconv, kernel: 3, filters: 8}
  - {op: mbconv, expand: 3, kernel: 3, stride: 2, filters: 16, layers: 3, se: 0.25}
  - {op: mbconv, expand: 3, kernel: 5, filters: 24, layers: 2, skip: pool}
  - {op: conv, kernel: 3, filters: 24}
head: {filters: 32, classes: 10}
";

fn plan(text: &str, threads: bool) -> Plan {
    let (_, network) = mnas_dsl::load_yaml(text, "net.yaml").unwrap();
    let target = Target { threads, ..Target::x86_64() };
    mnas_codegen::plan::plan(&compile::fused_graph(&network), &target).unwrap()
}

fn layers(text: &str) -> Vec<Layer> {
    layer::layers(&plan(text, false), "crate::mnas_runtime")
}

/// Functions of generated text by instruction set and name, their bodies with names that were numbered as they were.
fn functions(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut module = String::new();
    for part in text.split("pub (super) mod ").skip(1) {
        module.clear();
        module.extend(part.chars().take_while(|c| c.is_alphanumeric()));
        for function in part.split("unsafe fn ").skip(1) {
            let name: String = function.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            // Up to the end of its body.
            let (mut depth, mut end) = (0, 0);
            for (at, c) in function.char_indices() {
                depth += i32::from(c == '{') - i32::from(c == '}');
                if c == '}' && depth == 0 {
                    end = at;
                    break;
                }
            }
            let body = function[name.len()..end].replace("_v2", "").replace("_v3", "").replace("_v4", "");
            let name = name.split("_v").next().unwrap_or_default();
            all.entry(format!("{module}::{name}")).or_default().insert(body);
        }
    }
    all
}

#[test]
fn layers_are_the_functions_that_the_network_has() {
    let (spec, network) = mnas_dsl::load_yaml(NET, "net.yaml").unwrap();
    let whole = compile::compile(&spec, &network, None, &Options::default()).unwrap();
    let whole = functions(&whole.tokens().to_string());
    let mut compared = 0;
    for layer in layers(NET) {
        for (name, bodies) in functions(&layer.text) {
            // What calls the step with offsets in the arena, and copies the output, is the layer's own.
            if name.ends_with("::run") || name.contains("::view") {
                continue;
            }
            let known = whole.get(&name).unwrap_or_else(|| panic!("the network has no {name}"));
            for body in &bodies {
                assert!(known.contains(body), "{name} differs in `{}`", layer.shown);
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn equal_steps_are_one_layer_and_others_are_not() {
    let plan = plan(NET, false);
    let layers = layers(NET);
    assert_eq!(layers.len(), plan.parts().len());
    // Of the first block with three layers the last two are alike.
    let at = |name: &str| plan.parts().iter().position(|part| plan.steps[part.start].name == name).unwrap();
    assert_eq!(layers[at("blocks.1.1")].text, layers[at("blocks.1.2")].text);
    assert_ne!(layers[at("blocks.1.0")].text, layers[at("blocks.1.1")].text);
    // What every other step does is done by no other.
    let distinct: BTreeSet<&str> = layers.iter().map(|layer| layer.text.as_str()).collect();
    assert_eq!(distinct.len(), layers.len() - 1);

    // The weights of all layers are those of the network.
    let weights: Elements = layers.iter().map(|layer| layer.plan.weights_len).sum();
    assert_eq!(weights, plan.weights_len);
    let macs: u64 = layers.iter().flat_map(|layer| &layer.plan.steps).map(|step| step.macs).sum();
    assert_eq!(macs, plan.steps.iter().map(|step| step.macs).sum::<u64>());
}

#[test]
fn a_layer_knows_nothing_of_the_network_around_it() {
    let before = layers(NET);
    // Another name, another end.
    let other = NET.replace("name: net", "name: other").replace("classes: 10", "classes: 20");
    let after = layers(&other);
    let last = before.len() - 1;
    for (at, (before, after)) in before.iter().zip(&after).enumerate() {
        assert_eq!(before.text == after.text, at < last, "{}", before.shown);
    }
    // Each of these is in the code of some layer, and changes it.
    for (from, to) in [
        ("16x16x3", "20x20x3"),
        ("activation: relu", "activation: relu6"),
        ("stride: 2, filters: 8}", "stride: 2, filters: 12}"),
        ("kernel: 5", "kernel: 3"),
        ("se: 0.25", "se: 0.5"),
        ("expand: 3, kernel: 3", "expand: 4, kernel: 3"),
        ("layers: 3", "layers: 3, skip: none"),
        ("filters: 32", "filters: 48"),
    ] {
        let changed = NET.replacen(from, to, 1);
        assert_ne!(changed, NET, "{from}");
        let texts = |layers: &[Layer]| layers.iter().map(|layer| layer.text.clone()).collect::<BTreeSet<_>>();
        assert_ne!(texts(&layers(&changed)), texts(&before), "{from} to {to}");
    }
}

#[test]
fn code_for_several_threads_is_another_layer() {
    let alone = layers(NET);
    let team = layer::layers(&plan(NET, true), "crate::mnas_runtime");
    for (alone, team) in alone.iter().zip(&team) {
        assert_ne!(alone.text, team.text);
        assert!(team.plan.threads.is_some() && alone.plan.threads.is_none());
    }
}

#[test]
fn the_output_of_the_previous_step_is_touched_last() {
    let layers = layers(NET);
    for layer in &layers {
        assert_eq!(layer.plan.touched().len(), layer.plan.arena.buffers.len() - 1, "all but the image");
        let step = &layer.plan.steps[0];
        let buffers = layer.plan.touched();
        let all: BTreeSet<usize> = buffers.iter().copied().collect();
        assert_eq!(all.len(), buffers.len());
        assert_eq!(buffers.last().copied(), step.input.or(Some(step.output)));
        assert!(all.contains(&step.output) && step.scratch.is_none_or(|id| all.contains(&id)));
    }
    assert!(layers[0].plan.steps[0].input.is_none(), "the first reads the caller's image");
}

#[test]
fn a_step_that_prefetches_the_next_ones_weights_is_one_layer_with_it() {
    // Every shipped network, and so the largest heads.
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs");
    let mut tied = 0;
    for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let plan = plan(&std::fs::read_to_string(&file).unwrap(), false);
        let parts = plan.parts();
        let covered: Vec<usize> = parts.iter().cloned().flatten().collect();
        assert_eq!(covered, (0..plan.steps.len()).collect::<Vec<_>>());
        tied += parts.iter().filter(|part| part.len() > 1).count();
        let layers = layer::layers(&plan, "crate::mnas_runtime");
        assert_eq!(layers.iter().map(|layer| layer.plan.weights_len).sum::<Elements>(), plan.weights_len, "{file:?}");
    }
    assert!(tied > 5, "{tied}");
}
