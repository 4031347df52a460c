//! A compiled case: its code, its packed weights and the expected outputs.

use crate::case::{Case, Sharing};
use crate::data;
use crate::fault::Fault;
use crate::finding::{Finding, compare_layers};
use crate::program::{Unit, bytes};
use mnas_codegen::compile::{Options, compile_plan};
use mnas_codegen::graph::{Graph, Node, TensorId};
use mnas_codegen::machine::Isa;
use mnas_codegen::pack;
use mnas_codegen::passes::{self, PASSES};
use mnas_codegen::plan::{Plan, Step};
use mnas_codegen::reference::{self, Outputs};
use mnas_codegen::validate::validate;
use mnas_codegen::weights::Weights;
use quote::quote;
use std::collections::BTreeMap;

/// What a case is compiled for.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Instruction sets in the code; the widest decides the layout of the weights.
    pub isas: Vec<Isa>,
    /// Every memory access asserted.
    pub checked: bool,
    /// How several threads share blocks; `None` is code for one. Code of int8 shares in one way.
    pub team: Option<Sharing>,
    /// Whether weights and maps are int8.
    pub int8: bool,
}

/// A case ready to be built and run.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The plan.
    pub plan: Plan,
    /// The generated items, which find mnas-runtime as `crate::mnas_runtime`.
    pub code: String,
    /// Name of the generated type.
    pub type_name: String,
    /// Packed weights.
    pub packed: Vec<f32>,
    /// The image, height x width x channels.
    pub image: Vec<f32>,
    /// The fused graph, which computes the same as the one that was lowered.
    pub graph: Graph,
    /// Weights by name.
    pub weights: Weights,
    /// The output of the network, from the graph as it was lowered.
    pub output: Vec<f64>,
}

impl Subject {
    /// What a program has of it.
    pub fn unit(&self) -> Unit<'_> {
        Unit {
            code: &self.code,
            type_name: &self.type_name,
            weights: bytes(&self.packed).into(),
            image: &self.image,
            pixels: None,
            macros: vec![if self.plan.threads.is_some() { "run_threaded" } else { "run" }],
        }
    }
}

/// The graph as lowered, and what it computes.
pub struct Lowered {
    /// Nothing fused.
    pub graph: Graph,
    /// Weights for it.
    pub weights: Weights,
    /// The image.
    pub image: Vec<f32>,
    /// Every tensor.
    pub outputs: Outputs,
}

/// Lowers a case, draws its weights and image, and runs the reference on it.
///
/// # Errors
///
/// A graph that the reference refuses.
pub fn lowered(case: &Case) -> Result<Lowered, Finding> {
    let graph = case.lowered();
    let refused = |error: reference::ReferenceError| Finding::Refused(error.to_string());
    let image = data::image(&case.network, case.seed);
    let weights = data::weights(data::first_weights(case, &graph), &graph, &image, case.seed).map_err(refused)?;
    let outputs = reference::run(&graph, &weights, &image).map_err(refused)?;
    Ok(Lowered { graph, weights, image, outputs })
}

/// Runs the passes of these names on a graph, and the fault after its pass. Returns whether the fault changed anything.
pub fn run_passes(graph: &mut Graph, names: &[&str], fault: Option<&Fault>) -> bool {
    let mut changed = false;
    for name in names {
        passes::run(graph, &[name]).expect("names of the table");
        if let Some(Fault::Graph { after, change }) = fault
            && after == name
        {
            changed |= change(graph);
        }
    }
    changed
}

/// Whether the graph is valid and computes what `lowered` does, layer by layer.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_graph(graph: &Graph, lowered: &Lowered) -> Result<(), Finding> {
    validate(graph).map_err(|error| Finding::InvalidGraph(error.to_string()))?;
    let outputs = reference::run(graph, &lowered.weights, &lowered.image);
    let outputs = outputs.map_err(|error| Finding::InvalidGraph(error.to_string()))?;
    compare_layers(&lowered.graph, &lowered.outputs, graph, &outputs)
}

/// Compiles a case, with a fault where a test wants one.
///
/// # Errors
///
/// An error before anything runs.
pub fn prepare(case: &Case, variant: &Variant, fault: Option<&Fault>) -> Result<Subject, Finding> {
    let lowered = lowered(case)?;
    let mut graph = lowered.graph.clone();
    run_passes(&mut graph, &PASSES.map(|pass| pass.name), fault);
    check_graph(&graph, &lowered)?;

    let refused = |error: &dyn std::fmt::Display| Finding::Refused(error.to_string());
    let mut plan = case.plan(&graph, variant.isas.clone(), variant.team).map_err(|error| refused(&error))?;
    if let Some(Fault::Plan(change)) = fault {
        change(&mut plan);
        plan.lay_out();
    }
    let mut packed = pack::pack(&plan, &lowered.weights).map_err(|error| refused(&error))?;
    if let Some(Fault::Packed(change)) = fault {
        change(&plan, &mut packed);
    }
    let options = Options {
        isas: variant.isas.clone(),
        checked: variant.checked,
        threaded: variant.team.is_some(),
        runtime: Some(quote!(crate::mnas_runtime)),
        ..Options::default()
    };
    let compiled = compile_plan(&case.spec, &case.network, graph, plan, None, &options);
    let compiled = compiled.map_err(|error| refused(&error))?;
    let mut code = compiled.source();
    if let Some(Fault::Code(change)) = fault {
        change(&mut code);
    }
    Ok(Subject {
        type_name: compiled.type_name(),
        plan: compiled.plan,
        code,
        packed,
        image: lowered.image,
        graph: compiled.graph,
        output: lowered.outputs.output().to_vec(),
        weights: lowered.weights,
    })
}

/// The expected output of a step for the actual outputs of the steps before it, from the reference.
///
/// Each step is compared with the reference on its own inputs, so rounding errors do not accumulate through the network
/// and the tolerance does not grow with its depth.
///
/// # Errors
///
/// As [`reference::run_nodes`]: not for a graph that has been run before.
pub fn expected(subject: &Subject, step: &Step, before: &BTreeMap<TensorId, Vec<f64>>) -> Result<Vec<f64>, Finding> {
    let graph = &subject.graph;
    if let Some(values) = before.get(&step.tensor) {
        // The padded image: no node makes it.
        return Ok(values.clone());
    }
    let refused = |why: &str| Finding::Refused(format!("step {}: {why}", step.name));
    let last = graph.producer(step.tensor).ok_or_else(|| refused("no node makes its tensor"))?;
    // Backwards from there to what has been made.
    let mut needed = vec![step.tensor];
    let mut nodes: Vec<Node> = Vec::new();
    for node in graph.nodes[..=last].iter().rev() {
        if needed.contains(&node.output) && !before.contains_key(&node.output) {
            needed.extend(&node.inputs);
            nodes.insert(0, node.clone());
        }
    }
    let mut made =
        reference::run_nodes(graph, &nodes, &subject.weights, before).map_err(|e| refused(&e.to_string()))?;
    made.remove(&step.tensor).ok_or_else(|| refused("nothing makes its tensor"))
}
