//! Findings of a check.

use mnas_codegen::graph::Graph;
use mnas_codegen::plan::Step;
use mnas_codegen::reference::Outputs;
use mnas_dsl::network::Shape;
use std::fmt;

/// The largest difference over the largest value of a step, on its own inputs, that counts as equal: single precision, up to
/// four convolutions after another with sums of up to a few thousand products.
pub const TOLERANCE: f64 = 1e-5;

/// The same for the output of a network whose steps were compared: the rounding errors of all steps add up.
pub const NETWORK_TOLERANCE: f64 = 1e-3;

/// The same between graphs, both of which the reference runs in double precision.
const GRAPH_TOLERANCE: f64 = 1e-9;

/// Something that is wrong with a case.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// A stage of the compiler refused a valid network.
    Refused(String),
    /// The passes left an invalid graph.
    InvalidGraph(String),
    /// The passes changed what a layer computes.
    Passes {
        /// The first layer that differs.
        layer: String,
        /// The largest difference over the largest value.
        difference: f64,
    },
    /// rustc refuses the generated code.
    DoesNotCompile(String),
    /// The program stopped: an assertion, a fault.
    Stopped {
        /// Instruction set.
        isa: &'static str,
        /// What it said.
        message: String,
    },
    /// The output of a step differs from the reference's.
    Step {
        /// Instruction set.
        isa: &'static str,
        /// The step.
        name: String,
        /// Its block as the spec writes it.
        source: String,
        /// By how much.
        difference: Difference,
    },
    /// Every step is right, but the output that the caller gets is not.
    Output {
        /// Instruction set.
        isa: &'static str,
        /// Which way of calling gives it.
        entry: String,
        /// By how much.
        difference: Difference,
    },
}

impl Finding {
    /// Whether it is of the same kind, for shrinking.
    pub fn is_like(&self, other: &Finding) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// The instruction set on which it shows; `None` where nothing ran.
    pub fn isa(&self) -> Option<&'static str> {
        match self {
            Finding::Refused(_) | Finding::InvalidGraph(_) | Finding::Passes { .. } | Finding::DoesNotCompile(_) => {
                None
            }
            Finding::Stopped { isa, .. } | Finding::Step { isa, .. } | Finding::Output { isa, .. } => Some(*isa),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Refused(why) => write!(f, "the compiler refuses it: {why}"),
            Finding::InvalidGraph(why) => write!(f, "the passes leave no valid graph: {why}"),
            Finding::Passes { layer, difference } => {
                write!(f, "the passes change layer {layer} by {difference:.1e} of its largest output")
            }
            Finding::DoesNotCompile(why) => write!(f, "rustc refuses the code:\n{why}"),
            Finding::Stopped { isa, message } => write!(f, "{isa}: the program stops: {message}"),
            Finding::Step { isa, name, source, difference } => {
                write!(f, "{isa}: step {name} is the first that differs, by {difference}\n  {source}")
            }
            Finding::Output { isa, entry, difference } => {
                write!(f, "{isa}: the output of `{entry}` differs, by {difference}")
            }
        }
    }
}

/// The largest difference of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Relative to the largest value; infinite where one of the two is NaN.
    pub relative: f64,
    /// Row, column, channel.
    pub at: [usize; 3],
    /// What was found there.
    pub found: f64,
    /// What the reference says.
    pub expected: f64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { relative, at: [y, x, c], found, expected } = self;
        write!(
            f,
            "{relative:.1e} of the largest value (row {y}, column {x}, channel {c}: {found:e} instead of {expected:e})"
        )
    }
}

/// Compares a tensor whose pixels are `stride` floats apart with the reference's.
///
/// # Panics
///
/// If one of the two is too short for its shape.
pub fn compare(expected: &[f64], found: &[f32], shape: Shape, stride: usize) -> Difference {
    assert_eq!(expected.len(), shape.len());
    let largest = expected.iter().fold(0.0f64, |largest, v| largest.max(v.abs()));
    let scale = if largest == 0.0 { 1.0 } else { largest };
    let mut worst = Difference { relative: -1.0, at: [0; 3], found: 0.0, expected: 0.0 };
    for pixel in 0..shape.pixels() {
        for c in 0..shape.channels {
            let (want, got) = (expected[pixel * shape.channels + c], f64::from(found[pixel * stride + c]));
            let off = (want - got).abs() / scale;
            let relative = if off.is_finite() { off } else { f64::INFINITY };
            if relative > worst.relative {
                let at = [pixel / shape.width, pixel % shape.width, c];
                worst = Difference { relative, at, found: got, expected: want };
            }
        }
    }
    worst
}

/// Compares what a step wrote, its pixels `stride` floats apart, with what it should; `None` where they agree.
pub fn compare_step(step: &Step, expected: &[f64], found: &[f32], stride: usize, isa: &'static str) -> Option<Finding> {
    let difference = compare(expected, found, step.output_shape, stride);
    let wrong = difference.relative > TOLERANCE;
    wrong.then(|| Finding::Step { isa, name: step.name.clone(), source: step.source.clone(), difference })
}

/// Compares every layer of two graphs.
///
/// # Errors
///
/// The first layer that differs.
pub fn compare_layers(before: &Graph, expected: &Outputs, after: &Graph, found: &Outputs) -> Result<(), Finding> {
    for (a, b) in before.layers.iter().zip(&after.layers) {
        let (Some(x), Some(y)) = (expected.get(a.output), found.get(b.output)) else {
            return Err(Finding::InvalidGraph(format!("nothing makes the output of layer {}", a.name)));
        };
        let largest = x.iter().fold(1e-30f64, |largest, v| largest.max(v.abs()));
        let pairs = x.iter().zip(y).map(|(x, y)| if (x - y).is_finite() { (x - y).abs() } else { f64::INFINITY });
        let difference = pairs.fold(0.0, f64::max) / largest;
        if x.len() != y.len() || difference > GRAPH_TOLERANCE {
            return Err(Finding::Passes { layer: a.name.clone(), difference });
        }
    }
    Ok(())
}
