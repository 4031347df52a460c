//! Passes: rewrite a Graph in place into one that computes the same with fewer operators.
//!
//! Each pass matches by itself what it needs (a Conv that has no activation yet, a tensor with one use), so any
//! choice of passes in any order gives a correct graph. The order of [`PASSES`] is the one that fuses most.

mod fold_batch_norm;
mod fuse_activation;
mod fuse_residual;
mod fuse_residual_activation;
mod fuse_squeeze_excite;
mod remove_dead;

use std::fmt;
use std::sync::Arc;

use crate::graph::{Conv, Graph, Op};

/// A rewriting of the Graph.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// Its name.
    pub name: &'static str,
    /// The reason for its place in [`PASSES`].
    pub reason: &'static str,
    run: fn(&mut Graph),
}

/// Every pass, in the order in which they run.
pub const PASSES: [Pass; 6] = [
    Pass {
        name: "fold_batch_norm",
        reason: "first: a batch norm parts every convolution from its activation",
        run: fold_batch_norm::run,
    },
    Pass {
        name: "fuse_activation",
        reason: "before the residual, which is added after this activation, and before squeeze-excite, whose two \
                 convolutions carry their activations",
        run: fuse_activation::run,
    },
    Pass {
        name: "fuse_residual",
        reason: "needs the convolution that feeds the Add to be complete: only an activation of the sum fuses into it afterwards",
        run: fuse_residual::run,
    },
    Pass {
        name: "fuse_residual_activation",
        reason: "right after fuse_residual, which makes the convolutions that it looks for",
        run: fuse_residual_activation::run,
    },
    Pass {
        name: "fuse_squeeze_excite",
        reason: "after fuse_activation; independent of residuals, since a gate is never a residual",
        run: fuse_squeeze_excite::run,
    },
    Pass {
        name: "remove_dead",
        reason: "last: clears away the tensors that fusion orphaned and renumbers the rest in execution order",
        run: remove_dead::run,
    },
];

/// Runs every pass in the order of the table.
pub fn run_all(graph: &mut Graph) {
    for pass in &PASSES {
        (pass.run)(graph);
    }
}

/// Runs the passes of these names in this order; each combination leaves the graph correct.
///
/// # Errors
///
/// An unknown name; the graph is then unchanged.
pub fn run(graph: &mut Graph, names: &[&str]) -> Result<(), UnknownPass> {
    let find = |name: &&str| {
        PASSES.iter().find(|pass| pass.name == *name).ok_or_else(|| UnknownPass { name: (*name).to_owned() })
    };
    let passes = names.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    for pass in passes {
        (pass.run)(graph);
    }
    Ok(())
}

/// An unknown name of a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPass {
    /// The name.
    pub name: String,
}

impl fmt::Display for UnknownPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<&str> = PASSES.iter().map(|pass| pass.name).collect();
        write!(f, "no pass is called `{}`; there are {}", self.name, known.join(", "))
    }
}

impl std::error::Error for UnknownPass {}

/// Fuses the operator after a convolution into it wherever `absorb` accepts it and returns `true`.
///
/// It is called only where the convolution's result has no other use.
fn absorb_into_conv(graph: &mut Graph, absorb: impl Fn(&Op, &mut Conv) -> bool) {
    let mut index = 0;
    while index < graph.nodes.len() {
        let between = graph.nodes[index].inputs[0];
        let producer = graph.producer(between).filter(|_| graph.uses(between) == 1);
        if let Some(producer) = producer {
            let (before, from) = graph.nodes.split_at_mut(index);
            if let Op::Conv(conv) = &mut before[producer].op
                && absorb(&from[0].op, Arc::make_mut(conv))
            {
                let absorbed = graph.nodes.remove(index);
                graph.replace_uses(absorbed.output, between);
                continue;
            }
        }
        index += 1;
    }
}
