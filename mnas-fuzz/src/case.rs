//! A spec to check, with the caches that it is planned for and its data.

use mnas_codegen::graph::Graph;
use mnas_codegen::lower::lower;
use mnas_codegen::machine;
use mnas_codegen::plan::{Plan, PlanError, Target, plan};
use mnas_dsl::{Diagnostics, Network, Spec};

/// A spec, the caches that its row blocks are planned for, and the seed of its weights and image.
#[derive(Clone, Debug)]
pub struct Case {
    /// As written.
    pub spec: Spec,
    /// As meant.
    pub network: Network,
    /// Bytes of L2 cache for a row block; `None` is the compiler's own value, with which a small network never needs row
    /// blocks.
    pub l2_bytes: Option<usize>,
    /// Decides weights and image.
    pub seed: u64,
    /// A graph, not fused, that is compiled in place of the spec's; only the name of the spec is used then.
    pub graph: Option<Graph>,
}

/// What the costs of a plan make threads divide in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Row blocks.
    RowBlocks,
    /// Panels of the expansion.
    Panels,
}

impl Case {
    /// Reads a spec. `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// The errors of the spec.
    pub fn from_yaml(text: &str, file: &str, l2_bytes: Option<usize>, seed: u64) -> Result<Self, Diagnostics> {
        let (spec, network) = mnas_dsl::load_yaml(text, file)?;
        Ok(Case { spec, network, l2_bytes, seed, graph: None })
    }

    /// A case for a graph that no spec gives.
    ///
    /// # Errors
    ///
    /// A name or an input that is not valid in a spec.
    pub fn from_graph(graph: &Graph, l2_bytes: Option<usize>, seed: u64) -> Result<Self, Diagnostics> {
        let shape = graph.shape(graph.input);
        let text = format!(
            "name: {}\ninput: {}x{}x{}\nstem: {{op: conv, kernel: 1, stride: 1, filters: 1}}\nblocks: [{{op: conv, kernel: 1, filters: 1}}]\nhead: none\n",
            graph.name, shape.height, shape.width, shape.channels
        );
        let case = Case::from_yaml(&text, "graph.yaml", l2_bytes, seed)?;
        Ok(Case { graph: Some(graph.clone()), ..case })
    }

    /// The graph to compile, not fused.
    pub fn lowered(&self) -> Graph {
        self.graph.clone().unwrap_or_else(|| lower(&self.network))
    }

    /// The same case with another spec, printed and read again; `None` if that spec is not valid.
    pub fn with_spec(&self, spec: &Spec) -> Option<Self> {
        Case::from_yaml(&spec.to_yaml(), "shrunk.yaml", self.l2_bytes, self.seed).ok()
    }

    /// A plan for these instruction sets of a fused graph of this spec; for several threads with `sharing`, which blocks
    /// then use where they can.
    ///
    /// # Errors
    ///
    /// A graph that is not fused as steps need it.
    pub fn plan(&self, graph: &Graph, isas: Vec<machine::Isa>, sharing: Option<Sharing>) -> Result<Plan, PlanError> {
        let mut target = Target::new(isas);
        if let Some(bytes) = self.l2_bytes {
            // A slow L3, so that row blocks are as tall as L2 allows, whatever the weights.
            (target.caches.l2_bytes, target.caches.l3_bandwidth) = (bytes, target.caches.l2_bandwidth / 1000.0);
        }
        if let Some(sharing) = sharing {
            // The schedule of one thread depends on neither: all bandwidths change alike. Slow memory favours panels,
            // which read the weights once, and slow transfers between cores favour row blocks, which share nothing.
            let (memory, cores) = if sharing == Sharing::Panels { (1e-6, 1e9) } else { (1e6, 1e-6) };
            (target.threads, target.caches.barrier, target.caches.core_bandwidth) = (true, 0.0, cores);
            target.caches.l2_bandwidth *= memory;
            target.caches.l3_bandwidth *= memory;
        }
        plan(graph, &target)
    }
}
