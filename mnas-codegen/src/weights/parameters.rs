//! Every tensor that a network needs: names, shapes, kinds, in the network's order.

use mnas_dsl::chain::Unit;
use mnas_dsl::network::{Classifier, Layer, Network, Skip};

/// One tensor that a network needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// mnas's own name of it, such as `blocks.2.0.depthwise.weight`.
    pub name: String,
    /// Dimensions, outermost first: convolutions are OIHW, the classifier is `[classes, channels]`.
    pub shape: Vec<usize>,
    /// What it is to its layer.
    pub kind: ParameterKind,
}

/// What a tensor is to its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParameterKind {
    /// Weight of a convolution, OIHW.
    ConvWeight,
    /// Weight of a classifier that is fully connected, `[classes, channels]`.
    LinearWeight,
    /// Bias of a squeeze-excite convolution, of the head's hidden layer or of the classifier.
    Bias,
    /// Gamma of a batch norm.
    BnWeight,
    /// Beta of a batch norm.
    BnBias,
    /// Running mean of a batch norm; counted in files, not among a network's parameters.
    BnMean,
    /// Running variance of a batch norm; counted in files, not among a network's parameters.
    BnVar,
}

impl ParameterKind {
    /// Whether training learns it (running statistics are collected, not learnt), so that it counts in `num_params`.
    pub fn is_learnt(self) -> bool {
        !matches!(self, ParameterKind::BnMean | ParameterKind::BnVar)
    }
}

/// All tensors of `network`, in the order in which data meets them.
pub fn parameters(network: &Network) -> Vec<Parameter> {
    let mut list = List(Vec::new());
    for layer in &network.layers {
        list.layer(layer);
    }
    if let Some(head) = &network.head {
        let mut channels = network.layers.last().map_or(network.input.channels, |layer| layer.output.channels);
        if let Some((filters, _)) = head.conv {
            list.conv("head.conv", [filters, channels, 1, 1]);
            channels = filters;
        }
        if let Some((outputs, _)) = head.hidden {
            list.biased_conv("head.hidden", [outputs, channels, 1, 1]);
            channels = outputs;
        }
        match head.classifier {
            Classifier::Linear => {
                list.add("classifier.weight".into(), vec![head.classes, channels], ParameterKind::LinearWeight);
                list.add("classifier.bias".into(), vec![head.classes], ParameterKind::Bias);
            }
            Classifier::Conv { kernel_size: k, .. } => list.biased_conv("classifier", [head.classes, channels, k, k]),
        }
    }
    list.0
}

struct List(Vec<Parameter>);

impl List {
    fn layer(&mut self, layer: &Layer) {
        let name = &layer.name;
        for (unit, input, _) in layer.chain().with_shapes(layer.input) {
            match unit {
                Unit::Conv(conv) => {
                    let shape = conv.weight_shape(input.channels);
                    let module = format!("{name}.{}", conv.name);
                    if conv.batch_norm {
                        self.conv(&module, shape);
                    } else {
                        self.add(format!("{module}.weight"), shape.to_vec(), ParameterKind::ConvWeight);
                    }
                }
                Unit::SqueezeExcite(se) => {
                    self.biased_conv(&format!("{name}.se.reduce"), [se.channels, input.channels, 1, 1]);
                    self.biased_conv(&format!("{name}.se.expand"), [input.channels, se.channels, 1, 1]);
                }
                Unit::MaxPool { .. } => {}
            }
        }
        if layer.skip == Skip::Projection {
            self.conv(&format!("{name}.shortcut"), [layer.output.channels, layer.input.channels, 1, 1]);
        }
    }

    /// A convolution without bias and the batch norm after it.
    fn conv(&mut self, module: &str, shape: [usize; 4]) {
        use ParameterKind::{BnBias, BnMean, BnVar, BnWeight, ConvWeight};
        self.add(format!("{module}.weight"), shape.to_vec(), ConvWeight);
        for (leaf, kind) in [("weight", BnWeight), ("bias", BnBias), ("running_mean", BnMean), ("running_var", BnVar)] {
            self.add(format!("{module}.bn.{leaf}"), vec![shape[0]], kind);
        }
    }

    fn biased_conv(&mut self, module: &str, shape: [usize; 4]) {
        self.add(format!("{module}.weight"), shape.to_vec(), ParameterKind::ConvWeight);
        self.add(format!("{module}.bias"), vec![shape[0]], ParameterKind::Bias);
    }

    fn add(&mut self, name: String, shape: Vec<usize>, kind: ParameterKind) {
        self.0.push(Parameter { name, shape, kind });
    }
}
