//! Graphs that no spec is lowered to, compiled, run on every instruction set of the machine and held against the reference:
//! the neighbours of MnasNet written by hand, and operators in random orders.

#[path = "../../mnas-codegen/tests/graph/family.rs"]
mod family;

use family::{Net, Norm, family};
use mnas_codegen::compile::fused;
use mnas_codegen::graph::{Graph, Residual, TensorId};
use mnas_codegen::plan::{ConvKernel, DepthwiseKernel, Plan, PoolKind, StepKind, StepSchedule, With};
use mnas_dsl::network::{Activation, Pads, Shape};
use mnas_fuzz::Case;
use mnas_fuzz::case::Sharing;
use mnas_fuzz::check::{Job, Settings, check_jobs};
use mnas_fuzz::fault::Fault;
use mnas_fuzz::finding::Finding;
use mnas_fuzz::random::Random;
use mnas_fuzz::subject::Variant;

/// Random graphs; together with those written by hand they have every kind of step.
const RANDOM: usize = 33;

const ACTIVATIONS: [Activation; 7] = [
    Activation::Linear,
    Activation::Relu,
    Activation::Relu6,
    Activation::HardSwish,
    Activation::Swish,
    Activation::Sigmoid,
    Activation::HardSigmoid,
];

/// A window that fits into a map with these pads, none of which is as wide as the window.
fn window(random: &mut Random, shape: Shape) -> (usize, usize, Pads) {
    let kernel_size: usize = random.of(&[1, 2, 3, 5, 7]);
    let mut pads = |size: usize| {
        let missing = kernel_size.saturating_sub(size);
        let before = random.below(kernel_size).max(missing / 2).min(kernel_size - 1);
        let after = random.below(kernel_size).max(missing.saturating_sub(before)).min(kernel_size - 1);
        (before, after)
    };
    let ((top, bottom), (left, right)) = (pads(shape.height), pads(shape.width));
    let stride = if shape.height.max(shape.width) > 4 { random.of(&[1, 2, 2, 3]) } else { 1 };
    (kernel_size, stride, Pads { top, left, bottom, right })
}

/// A chain of operators, now and then with a sum of two tensors of it.
fn random_graph(seed: u64) -> Graph {
    let random = &mut Random::new(seed ^ 0x5eed_0004);
    let size = |random: &mut Random| 1 + random.below(17);
    let input = (size(random), size(random), random.of(&[1, 3, 5, 16]));
    let mut net = Net::new(&format!("random_{seed}"), input);
    net.layer("stem");
    let mut made = vec![TensorId(0)];
    for index in 0..4 + random.below(6) {
        net.layer(&format!("blocks.{index}.0"));
        let mut x = made[made.len() - 1];
        let shape = net.graph.shape(x);
        let activation = random.of(&ACTIVATIONS);
        let norm = random.of(&[Norm::Batch, Norm::Batch, Norm::Bias, Norm::None]);
        let same = |k: usize| Pads { top: k / 2, left: k / 2, bottom: k / 2, right: k / 2 };
        // Sums come often where something is there to add.
        let earlier: Vec<TensorId> =
            made[..made.len() - 1].iter().copied().filter(|&it| net.graph.shape(it) == shape).collect();
        let is_sum = net.graph.nodes.iter().any(|node| node.output == x && node.name.contains("/add"));
        if !earlier.is_empty() && !is_sum && random.percent(70) {
            let other = random.of(&earlier);
            x = net.add(x, other, activation);
            made.push(x);
            continue;
        }
        let channels = 1 + random.below(37);
        x = match random.below(11) {
            0 | 1 => net.any_conv("conv", x, (1, 1, same(1)), channels, false, norm, activation),
            2 => {
                let k = random.of(&[3, 5]);
                net.any_conv("conv", x, (k, 1, same(k)), shape.channels, false, norm, activation)
            }
            3 => {
                let window = window(random, shape);
                net.any_conv("conv", x, window, channels, false, norm, activation)
            }
            4 | 5 => {
                let k = random.of(&[3, 5, 7]);
                net.any_conv("depthwise", x, (k, 1, same(k)), shape.channels, true, norm, activation)
            }
            6 => {
                let window = window(random, shape);
                net.any_conv("depthwise", x, window, shape.channels, true, norm, activation)
            }
            7 => {
                let (max, window) = (random.percent(70), window(random, shape));
                net.window("pool", x, max, window)
            }
            8 | 9 => {
                let gate = random.of(&[Activation::Sigmoid, Activation::HardSigmoid]);
                net.squeeze_excite(x, 1 + random.below(9), activation, gate)
            }
            _ if activation == Activation::Linear => net.global_pool("pool", x),
            _ => net.activation("activation", x, activation),
        };
        made.push(x);
    }
    net.graph
}

fn cases() -> Vec<Case> {
    let random = (0..RANDOM as u64).map(random_graph);
    let graphs = family().into_iter().chain(random).enumerate();
    // Caches of which a block can fill the second level.
    let case = |(index, graph): (usize, Graph)| Case::from_graph(&graph, [None, Some(4096)][index % 2], index as u64);
    graphs.map(|graph| case(graph).expect("a name and an input as specs have them")).collect()
}

#[test]
fn graphs_in_any_order_equal_the_reference() {
    let settings = Settings::default();
    let cases = cases();
    let mut jobs = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let isas = settings.in_code.clone();
        let form = [None, Some(Sharing::RowBlocks), Some(Sharing::Panels)][index % 3];
        jobs.push(Job {
            index,
            case,
            variant: Variant { isas, checked: index % 2 == 0, team: form, int8: false },
            fault: None,
        });
        if settings.in_code.len() > 1 && index % 4 == 3 {
            // The widest decides how weights lie.
            let isas = settings.in_code[1..].to_vec();
            jobs.push(Job {
                index,
                case,
                variant: Variant { isas, checked: false, team: None, int8: false },
                fault: None,
            });
        }
    }
    let failures = check_jobs(&jobs, &settings, &|_, _| {}).expect("rustc runs");
    let shown = failures.iter().map(|failure| {
        let graph = cases[failure.index].graph.as_ref().expect("a graph");
        format!("{}\n{:?}\n{}", failure.finding, failure.variant, fused(graph.clone()))
    });
    let shown: Vec<String> = shown.collect();
    assert!(shown.is_empty(), "{} builds fail\n\n{}", shown.len(), shown.join("\n"));
}

/// A 1x1 stem is the expansion of a block that reads the caller's image, whose pixels are closer together than the arena's.
/// A row block of it must not prefetch the next rows as if they lay in the arena.
#[test]
fn row_blocks_of_an_image_stay_inside_of_it() {
    let text = "name: image\ninput: 24x24x3\nstem: {op: conv, kernel: 1, stride: 1, filters: 8}\nblocks:\n  \
                - {op: sepconv, kernel: 3, filters: 16}\n  - {op: sepconv, kernel: 3, filters: 16}\n\
                head: {filters: 16, classes: 10}\n";
    let case = Case::from_yaml(text, "image.yaml", Some(16 << 10), 1).expect("a spec");
    let settings = Settings::default();
    let graph = fused(case.lowered());
    let plan = case.plan(&graph, settings.in_code.clone(), None).expect("a plan");
    let row_blocks = |step: usize| match &plan.schedules[0].steps[step] {
        StepSchedule::Block(block) => (block.row_block, block.project.prefetch_len),
        _ => panic!("no block"),
    };
    // The second block prefetches its next rows; the first one reads the image and prefetches nothing.
    assert!(plan.steps[0].input.is_none() && row_blocks(0).0 < 24, "{plan}");
    assert_eq!((row_blocks(0).1.0 > 0, row_blocks(1).1.0 > 0), (false, settings.in_code[0].prefetch), "{plan}");
    let variant = |checked, team| Variant { isas: settings.in_code.clone(), checked, team, int8: false };
    let variants = [variant(true, None), variant(false, None), variant(true, Some(Sharing::RowBlocks))];
    let job = |(index, variant): (usize, &Variant)| Job { index, case: &case, variant: variant.clone(), fault: None };
    let jobs: Vec<Job<'_>> = variants.iter().enumerate().map(job).collect();
    let failures = check_jobs(&jobs, &settings, &|_, _| {}).expect("rustc runs");
    assert!(failures.is_empty(), "{failures:?}");
}

/// What the graphs are there for is among their steps.
#[test]
fn every_kind_of_step_is_among_them() {
    let mut kinds = std::collections::BTreeMap::new();
    for case in cases() {
        let graph = fused(case.lowered());
        let plan = case.plan(&graph, Settings::default().in_code, None).expect("every order has a plan");
        for step in &plan.steps {
            let added = step.residual.is_some();
            let kind = match &step.kind {
                StepKind::PadImage => "pad".to_owned(),
                StepKind::Conv { conv, pool } => {
                    let conv = &conv.conv;
                    let norm = if conv.batch_norm.is_some() {
                        "bn"
                    } else if conv.bias {
                        "bias"
                    } else {
                        "bare"
                    };
                    let kernel = if conv.kernel_size == 1 { "1x1" } else { "kxk" };
                    let stride = if conv.stride > 1 { " strided" } else { "" };
                    format!("{kernel}{stride} {norm} {:?} pool {pool}", conv.residual)
                }
                StepKind::Depthwise { conv } => format!("depthwise {:?}", conv.conv.residual),
                StepKind::Block(block) => format!(
                    "block expand {} gate {} {:?}",
                    block.expand.is_some(),
                    block.squeeze_excite.is_some(),
                    block.project.conv.residual
                ),
                StepKind::SqueezeExcite { .. } => "se".to_owned(),
                StepKind::Pool { kind, .. } => format!("{kind:?} pool"),
                StepKind::GlobalAveragePool => "global pool".to_owned(),
                StepKind::Elementwise { with: With::Sum, activation } if *activation != Activation::Linear => {
                    "activated sum".to_owned()
                }
                StepKind::Elementwise { with, .. } => format!("elementwise {with:?} {added}"),
                StepKind::Linear { .. } => "linear".to_owned(),
            };
            *kinds.entry(kind).or_insert(0) += 1;
        }
    }
    let wanted = [
        "pad",
        "1x1 bn None pool false",
        "1x1 bn None pool true",
        "1x1 bn Last pool false",
        "1x1 bn BeforeActivation pool false",
        "1x1 bias None pool false",
        "1x1 bare None pool false",
        "1x1 strided bn None pool false",
        "1x1 strided bn Last pool false",
        "kxk bn None pool false",
        "kxk bn Last pool false",
        "kxk bn BeforeActivation pool false",
        "kxk bias None pool false",
        "kxk bare None pool false",
        "kxk strided bn None pool false",
        "depthwise None",
        "depthwise Last",
        "depthwise BeforeActivation",
        "block expand true gate false None",
        "block expand true gate true None",
        "block expand true gate true Last",
        "block expand false gate false BeforeActivation",
        "block expand false gate true Last",
        "block expand false gate false None",
        "se",
        "Average pool",
        "Max pool",
        "global pool",
        "elementwise Nothing false",
        "elementwise Sum true",
        "activated sum",
        "linear",
    ];
    let missing: Vec<&str> = wanted.into_iter().filter(|kind| !kinds.contains_key(*kind)).collect();
    assert!(missing.is_empty(), "{missing:?} are not among {kinds:#?}");
}

/// A compiler that is wrong in an operator that only these graphs have, and the graph that shows it.
fn faults() -> Vec<(&'static str, &'static str, Fault)> {
    vec![
        ("the padding of a max pool wins", "mini_xception", Fault::Code(padding_wins)),
        (
            "a max pool takes the mean",
            "mini_xception",
            Fault::Plan(|plan| {
                kinds(plan, |kind| match kind {
                    StepKind::Pool { kind, .. } if *kind == PoolKind::Max => {
                        *kind = PoolKind::Average;
                        true
                    }
                    _ => false,
                })
            }),
        ),
        (
            "a strided 1x1 convolution reads every column",
            "resnet",
            Fault::Plan(|plan| {
                kernels(plan, |kernel| {
                    let strided = kernel.kernel_size == 1 && kernel.stride > 1;
                    if strided {
                        kernel.stride = 1;
                    }
                    strided
                })
            }),
        ),
        (
            "an activation comes before the residual",
            "resnet",
            Fault::Plan(|plan| {
                kernels(plan, |kernel| {
                    let before = kernel.residual == Residual::BeforeActivation;
                    if before {
                        kernel.residual = Residual::Last;
                    }
                    before
                })
            }),
        ),
        (
            "a depthwise convolution adds behind its activation",
            "loose",
            Fault::Plan(|plan| {
                depthwises(plan, |kernel| {
                    let before = kernel.residual == Residual::BeforeActivation;
                    if before {
                        kernel.residual = Residual::Last;
                    }
                    before
                })
            }),
        ),
        (
            "a sum is not activated",
            "loose",
            Fault::Plan(|plan| {
                kinds(plan, |kind| match kind {
                    StepKind::Elementwise { with: With::Sum, activation } if *activation != Activation::Linear => {
                        *activation = Activation::Linear;
                        true
                    }
                    _ => false,
                })
            }),
        ),
        (
            "the gate of a step is a sigmoid",
            "loose",
            Fault::Plan(|plan| {
                gates(plan, |gate| {
                    let hard = gate.activation == Activation::HardSigmoid;
                    if hard {
                        gate.activation = Activation::Sigmoid;
                    }
                    hard
                })
            }),
        ),
        (
            "the bias of a classifying convolution is dropped",
            "mini_xception",
            Fault::Packed(|plan, packed| {
                let Some(layer) = plan.layers.iter().find(|layer| layer.bias && layer.kernel_size > 1) else {
                    return false;
                };
                packed[layer.offset..][..layer.panels[0].width].fill(0.0);
                true
            }),
        ),
        (
            "the bias of the layer behind the pool is dropped",
            "mobilenet_v3",
            Fault::Packed(|plan, packed| {
                let Some(layer) = plan.layers.iter().find(|layer| layer.param.ends_with("hidden")) else {
                    return false;
                };
                packed[layer.offset..][..layer.panels[0].width].fill(0.0);
                true
            }),
        ),
    ]
}

/// Starts the windows of max pools from zero, which is what padding would be.
fn padding_wins(code: &mut String) -> bool {
    let mut changed = false;
    let mut from = 0;
    while let Some(at) = code[from..].find("fn max_pool").map(|at| at + from) {
        let first = at + code[at..].find("let mut acc = load").expect("a first value");
        let end = first + code[first..].find(';').expect("its end");
        let inside = "let mut acc = load";
        let value = code[first + inside.len() - "load".len()..end].to_owned();
        // Where the window leaves the image: fewer than `k` rows.
        code.replace_range(
            first..end,
            &format!("let mut acc = if y1 - y0 < 3 {{ core::mem::zeroed() }} else {{ {value} }}"),
        );
        from = first;
        changed = true;
    }
    changed
}

fn kinds(plan: &mut Plan, change: impl Fn(&mut StepKind) -> bool) -> bool {
    plan.steps.iter_mut().any(|step| change(&mut step.kind))
}

/// Changes the first kernel of each schedule for which `change` says yes.
fn schedules(plan: &mut Plan, change: impl Fn(&mut StepSchedule) -> bool) -> bool {
    let mut any = false;
    for schedule in &mut plan.schedules {
        any |= schedule.steps.iter_mut().any(&change);
    }
    any
}

fn kernels(plan: &mut Plan, change: impl Fn(&mut ConvKernel) -> bool) -> bool {
    schedules(plan, |step| match step {
        StepSchedule::Conv { kernel, .. } => change(kernel),
        StepSchedule::Block(block) => change(&mut block.project),
        _ => false,
    })
}

fn depthwises(plan: &mut Plan, change: impl Fn(&mut DepthwiseKernel) -> bool) -> bool {
    schedules(plan, |step| match step {
        StepSchedule::Depthwise(kernel) => change(kernel),
        _ => false,
    })
}

fn gates(plan: &mut Plan, change: impl Fn(&mut ConvKernel) -> bool) -> bool {
    schedules(plan, |step| match step {
        StepSchedule::SqueezeExcite(gate) => change(&mut gate.expand),
        _ => false,
    })
}

#[test]
fn wrong_compilers_are_caught() {
    let settings = Settings::default();
    let cases = cases();
    let faults = faults();
    let case = |name: &str| cases.iter().find(|case| case.network.name == name).expect("a graph of that name");
    let variant = Variant { isas: settings.in_code.clone(), checked: false, team: None, int8: false };
    let numbered = faults.iter().enumerate();
    let job = |index, name, fault| Job { index, case: case(name), variant: variant.clone(), fault: Some(fault) };
    let jobs: Vec<Job<'_>> = numbered.map(|(index, (_, name, fault))| job(index, name, fault)).collect();
    let failures = check_jobs(&jobs, &settings, &|_, _| {}).expect("rustc runs");
    for (index, (what, name, _)) in faults.iter().enumerate() {
        let found = failures.iter().find(|failure| failure.index == index);
        let found = found.unwrap_or_else(|| panic!("not caught in {name}: {what}"));
        let seen = matches!(found.finding, Finding::Step { .. } | Finding::Output { .. });
        assert!(seen, "{what}: {}", found.finding);
    }
}
