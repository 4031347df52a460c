//! The whole compiler on one page: `Spec` -> `Network` -> `Graph` -> passes -> `Plan` -> Rust and packed weights.
//!
//! Every door (command line, macro, build script) goes through [`compile`]; ONNX and reports start from
//! [`fused_graph`].

use crate::emit::surface::{self, Embed};
use crate::graph::Graph;
use crate::machine::{self, Isa};
use crate::plan::{self, Objective, Plan, PlanError, Target};
use crate::tuned::TuningProfile;
use crate::weights::Weights;
use crate::{fnv, lower, pack, passes};
use mnas_dsl::names::camel_case;
use mnas_dsl::network::Network;
use mnas_dsl::spec::Spec;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use std::fmt;

/// Version of mnas: generated code demands the same of the runtime.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What can be chosen about generated code: the same for every door.
#[derive(Clone, Debug)]
pub struct Options {
    /// Instruction sets in the code; the best one that the processor has runs.
    pub isas: Vec<Isa>,
    /// Whether mnas-runtime is put into the code, so that it needs no other crate.
    pub standalone: bool,
    /// Whether every memory access is asserted.
    pub checked: bool,
    /// Whether several threads may share an inference: needs the feature `std` of mnas-runtime.
    pub threaded: bool,
    /// What was measured of schedules on some processor; by default nothing, and all is estimated.
    pub tuned: TuningProfile,
    /// What the plan is optimised for.
    pub objective: Objective,
    /// The type: its name, visibility, attributes. By default public and named as the spec.
    pub item: Option<Item>,
    /// Path to mnas-runtime, by default `::mnas_runtime`.
    pub runtime: Option<TokenStream>,
}

/// The generated type as its user declares it.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its name.
    pub ident: Ident,
    /// Its visibility.
    pub visibility: TokenStream,
    /// Attributes and documentation.
    pub attributes: TokenStream,
}

impl Default for Options {
    /// Every implemented instruction set of every architecture, never a guess from the machine that compiles: what does
    /// not fit the target is not compiled.
    fn default() -> Self {
        let isas = machine::ALL.to_vec();
        let tuned = TuningProfile::default();
        Options {
            isas,
            standalone: false,
            checked: false,
            threaded: false,
            tuned,
            objective: Objective::default(),
            item: None,
            runtime: None,
        }
    }
}

/// A compiled network before it is printed.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The fused graph.
    pub graph: Graph,
    /// The plan.
    pub plan: Plan,
    /// Packed weights, little-endian, where weights were given.
    pub weights: Option<Vec<u8>>,
    /// Hash of the spec.
    pub spec_hash: String,
    /// For the header of a file.
    #[cfg(feature = "format")]
    options: Options,
    emit: surface::Options,
}

/// Why a network could not be compiled.
#[derive(Clone, Debug, PartialEq)]
pub enum CompileError {
    /// See [`PlanError`].
    Plan(PlanError),
    /// See [`pack::PackError`].
    Pack(pack::PackError),
    /// What int8 kernels cannot compute.
    Int8(String),
    /// An instruction set without `f32` kernels.
    Isa(&'static str),
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CompileError::Plan(e) => e.fmt(f),
            CompileError::Pack(e) => e.fmt(f),
            CompileError::Int8(problem) => f.write_str(problem),
            CompileError::Isa(name) => {
                let known: Vec<String> = machine::ALL.iter().map(|isa| format!("`{}`", isa.name)).collect();
                let known = known.join(", ");
                write!(f, "`{name}` has int8 kernels and none for `f32`; expected {known}, or int8 weights")
            }
        }
    }
}

impl std::error::Error for CompileError {}

/// The graph of a network after all passes.
pub fn fused_graph(network: &Network) -> Graph {
    fused(lower::lower(network))
}

/// A graph after all passes.
pub fn fused(mut graph: Graph) -> Graph {
    passes::run_all(&mut graph);
    graph
}

/// Compiles a network, with weights where they are to be embedded.
///
/// # Errors
///
/// Weights that do not fit the network.
pub fn compile(
    spec: &Spec,
    network: &Network,
    weights: Option<&Weights>,
    options: &Options,
) -> Result<Compiled, CompileError> {
    if let Some(isa) = options.isas.iter().find(|isa| !machine::ALL.contains(isa)) {
        return Err(CompileError::Isa(isa.name));
    }
    let graph = fused_graph(network);
    let (threads, tuned) = (options.threaded, options.tuned.clone());
    let target = Target { threads, tuned, objective: options.objective, ..Target::new(options.isas.clone()) };
    let plan = plan::plan(&graph, &target).map_err(CompileError::Plan)?;
    compile_plan(spec, network, graph, plan, weights, options)
}

/// The second half of [`compile`], for a graph and a plan that were made otherwise: for other caches, or by tests that
/// look for a wrong one.
///
/// # Errors
///
/// Weights that do not fit the plan.
pub fn compile_plan(
    spec: &Spec,
    network: &Network,
    graph: Graph,
    plan: Plan,
    weights: Option<&Weights>,
    options: &Options,
) -> Result<Compiled, CompileError> {
    let weights = match weights {
        None => None,
        Some(weights) => {
            let floats = pack::pack(&plan, weights).map_err(CompileError::Pack)?;
            Some(floats.iter().flat_map(|v| v.to_le_bytes()).collect())
        }
    };
    let emit = surface_options(network, options);
    Ok(Compiled {
        graph,
        plan,
        weights,
        spec_hash: spec_hash(spec),
        #[cfg(feature = "format")]
        options: options.clone(),
        emit,
    })
}

/// What is chosen about the text of a file without weights.
pub(crate) fn surface_options(network: &Network, options: &Options) -> surface::Options {
    let item = item(network, options);
    surface::Options {
        ident: item.ident,
        visibility: item.visibility,
        attributes: item.attributes,
        runtime: options.runtime.clone().unwrap_or_else(|| quote!(::mnas_runtime)),
        standalone: options.standalone,
        checked: options.checked,
        version: VERSION.to_owned(),
        embed: Embed::None,
        preprocess: network.preprocess.clone(),
        parameters: network.parameters(),
        macs: network.macs(),
    }
}

/// The generated type of `network`.
fn item(network: &Network, options: &Options) -> Item {
    options.item.clone().unwrap_or_else(|| Item {
        ident: Ident::new(&camel_case(&network.name), Span::call_site()),
        visibility: quote!(pub),
        attributes: {
            let doc = format!(
                " The network `{}`: {} parameters, {} multiply-accumulates.",
                network.name,
                network.parameters(),
                network.macs()
            );
            quote!(#[doc = #doc])
        },
    })
}

/// Options as the command line would have them, behind those that `shown` has already.
#[cfg(feature = "format")]
pub(crate) fn shown_options(shown: &str, options: &Options) -> String {
    let mut shown = shown.to_owned();
    let Options { standalone, checked, threaded, .. } = *options;
    for (name, on) in [("--standalone", standalone), ("--checked", checked), ("--threaded", threaded)] {
        if on {
            shown = format!("{shown} {name}");
        }
    }
    shown
}

impl Compiled {
    /// The items, for a macro; weights are written into them. Outside of a macro proc-macro2 keeps a part of the text of
    /// each call until the thread ends, which [`source`](Self::source) does not.
    pub fn tokens(&self) -> TokenStream {
        let embed = self.weights.clone().map_or(Embed::None, Embed::Bytes);
        crate::emit::file::without_notes(surface::emit(&self.plan, &surface::Options { embed, ..self.emit.clone() }))
    }

    /// The text of a file, which includes `weights_file` (a path as `include_bytes!` takes it) where weights were given.
    ///
    /// # Errors
    ///
    /// A mistake of the emitter: the text is no Rust.
    #[cfg(feature = "format")]
    pub fn text(&self, weights_file: &str) -> Result<String, crate::emit::file::FormatError> {
        use crate::emit::file::{Header, Number, format};
        let embed = if self.weights.is_some() { Embed::File(weights_file.to_owned()) } else { Embed::None };
        let emit = surface::Options { embed, ..self.emit.clone() };
        let isas: Vec<&str> = self.plan.schedules.iter().map(|s| s.isa.name).collect();
        let mut shown = shown_options(&format!("--isa {}", isas.join(",")), &self.options);
        if let Objective::Memory { limit } = self.options.objective {
            shown = format!("{shown} --ram {limit}");
        }
        if !self.options.tuned.is_empty() {
            shown = format!("{shown} --cpu {}", self.options.tuned.cpu);
        }
        let header = Header { version: VERSION, spec_hash: &self.spec_hash, options: &shown };
        let (tokens, threads) = (surface::emit(&self.plan, &emit), self.plan.threads.is_some());
        let text = format(&self.plan.name, Number::F32, threads, tokens, &emit, &header);
        forget_sources();
        text
    }

    /// The items as one line of text, for a file that is compiled and not read.
    pub fn source(&self) -> String {
        let text = self.tokens().to_string();
        forget_sources();
        text
    }

    /// The generated type's name.
    pub fn type_name(&self) -> String {
        self.emit.ident.to_string()
    }
}

/// Frees what proc-macro2 keeps of every text that this thread has parsed, each literal of emitted code among them: it is
/// kept for the places of spans, which no emitted code has. Spans that the thread made of texts before lose their places.
pub(crate) fn forget_sources() {
    // Inside of a macro spans are rustc's, and there is nothing to free.
    if format!("{:?}", Span::call_site()).starts_with("bytes(") {
        proc_macro2::extra::invalidate_current_thread_spans();
    }
}

/// A hash of what a spec says, whatever its layout and comments: FNV-1a of its canonical text, 64 bits as hexadecimal.
pub fn spec_hash(spec: &Spec) -> String {
    format!("{:016x}", fnv::of(spec.to_yaml().as_bytes()))
}
