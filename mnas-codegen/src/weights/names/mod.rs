//! Naming schemes of weight files, and which of them a file follows.
//!
//! A scheme translates *modules* (`blocks.2.0.expand.bn`); what a module's tensors are called (`weight`, `bias`,
//! `running_mean`, `running_var`), and how they lie, is the framework's [`Convention`]. Adding a scheme is one file and
//! one row of [`SCHEMES`] or [`TENSORFLOW_SCHEMES`].

use super::Parameter;
use mnas_dsl::network::{Layer, LayerOp, Network};
use std::collections::BTreeMap;

mod convention;
mod efficientnet_pytorch;
mod guess;
mod prefix;
mod resnet;
mod tensorflow;
mod tensorflow_slim;
mod timm;
mod torchvision;
mod transformers;

pub(super) use convention::Convention;
pub(super) use guess::guess;

/// Tensors as a file names them, and their shapes.
pub(super) type FileTensors = BTreeMap<String, Vec<usize>>;

/// Our module names to a file's.
type Modules = BTreeMap<String, String>;

/// A naming scheme: its name, and the names that it gives to a network's modules. `None` when it has no names for such a
/// network. Some schemes need the file's names to know how it groups blocks.
type Scheme = (&'static str, fn(&Network, &FileTensors) -> Option<Modules>);

/// Schemes with PyTorch's convention; of two that fit equally well, the first is taken.
const SCHEMES: [Scheme; 10] = [
    ("mnas", |_, _| Some(ours())),
    ("timm", timm::modules),
    ("torchvision mnasnet", torchvision::mnasnet),
    ("torchvision mobilenet_v2", torchvision::mobilenet_v2),
    ("torchvision mobilenet_v3", torchvision::mobilenet_v3),
    ("torchvision efficientnet", torchvision::efficientnet),
    ("resnet", resnet::modules),
    ("efficientnet-pytorch", efficientnet_pytorch::modules),
    ("transformers mobilenet_v1", transformers::mobilenet_v1),
    ("transformers mobilenet_v2", transformers::mobilenet_v2),
];

/// Schemes with a convention of TensorFlow.
const TENSORFLOW_SCHEMES: [(Convention, Scheme); 4] = [
    (Convention::Keras, ("TensorFlow mnasnet", tensorflow::mnasnet)),
    (Convention::Keras, ("TensorFlow efficientnet", tensorflow::efficientnet)),
    (Convention::Slim, ("TF-Slim mobilenet", tensorflow_slim::expanded_conv)),
    (Convention::Slim, ("TF-Slim mobilenet_v1", tensorflow_slim::mobilenet_v1)),
];

/// What a file calls the tensors of a network.
pub(super) struct Names {
    /// The scheme.
    pub(super) scheme: &'static str,
    /// How tensors of a module are called, and lie.
    pub(super) convention: Convention,
    /// What stands before every name of the scheme: `module.`.
    pub(super) prefix: String,
    modules: Modules,
    /// Names of single parameters by ours, where no scheme makes them.
    listed: BTreeMap<String, String>,
}

impl Names {
    /// The name of every parameter, one by one.
    pub(super) fn listed(scheme: &'static str, convention: Convention, listed: BTreeMap<String, String>) -> Self {
        Names { scheme, convention, prefix: String::new(), modules: Modules::new(), listed }
    }

    /// Whether no scheme makes these names.
    pub(super) fn is_listed(&self) -> bool {
        !self.listed.is_empty()
    }

    /// The file's name of a parameter.
    pub(super) fn of(&self, parameter: &Parameter) -> String {
        if let Some(name) = self.listed.get(&parameter.name) {
            return name.clone();
        }
        let module = parameter.name.rsplit_once('.').map_or("", |(module, _)| module);
        // A scheme that has no name for a module expects ours, so that the error can name it.
        let module = self.modules.get(module).map_or(module, String::as_str);
        self.prefix.clone() + &self.convention.name(module, parameter)
    }

    /// Whether a tensor belongs to a head, which a backbone leaves unused.
    pub(super) fn is_head(&self, file_name: &str) -> bool {
        let module = file_name.strip_prefix(self.prefix.as_str()).and_then(|name| self.convention.module(name));
        HEAD.iter().any(|head| self.modules.get(*head).map(String::as_str) == module)
    }

    /// How many parameters the file has under these names: first those in the right shape, then all.
    fn known(&self, parameters: &[Parameter], tensors: &FileTensors) -> Known {
        let mut known = Known::default();
        for parameter in parameters {
            if let Some(shape) = tensors.get(&self.of(parameter)) {
                known.named += 1;
                known.fitting += usize::from(self.convention.takes(parameter, shape));
            }
        }
        known
    }
}

/// How well names fit; of two, the larger is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Known {
    /// Parameters whose name and shape the file has.
    pub(super) fitting: usize,
    /// Parameters whose name the file has.
    named: usize,
}

/// Our names of the head's modules.
const HEAD: [&str; 4] = ["head.conv", "head.conv.bn", "head.hidden", "classifier"];

/// The scheme of which the file has the most tensors, with what its names begin with in the file.
pub(super) fn recognise(network: &Network, parameters: &[Parameter], tensors: &FileTensors) -> (Names, Known) {
    let (scheme, convention) = (SCHEMES[0].0, Convention::PyTorch);
    let none = Names { modules: ours(), ..Names::listed(scheme, convention, BTreeMap::new()) };
    let mut best = (none, Known::default());
    for prefix in prefix::candidates(tensors, parameters.len()) {
        let bare = prefix::without(tensors, &prefix);
        let pytorch = SCHEMES.iter().map(|scheme| (Convention::PyTorch, scheme));
        let tensorflow = TENSORFLOW_SCHEMES.iter().map(|(convention, scheme)| (*convention, scheme));
        for (convention, (scheme, modules)) in pytorch.chain(tensorflow) {
            let Some(modules) = modules(network, &bare) else { continue };
            let names = Names { modules, ..Names::listed(scheme, convention, BTreeMap::new()) };
            let known = names.known(parameters, &bare);
            if known > best.1 {
                best = (Names { prefix: prefix.clone(), ..names }, known);
            }
        }
    }
    best
}

fn ours() -> Modules {
    // Modules without a row keep our name.
    HEAD.iter().map(|module| (module.to_string(), module.to_string())).collect()
}

/// Adds `ours.a -> theirs.b` for every `(a, b)` of `table`.
fn rename(modules: &mut Modules, ours: &str, theirs: &str, table: &[(&str, &str)]) {
    let join = |prefix: &str, name: &str| if prefix.is_empty() { name.into() } else { format!("{prefix}.{name}") };
    modules.extend(table.iter().map(|(our, their)| (join(ours, our), join(theirs, their))));
}

/// The layers after the stem; `None` when the first layer is no stem that schemes have a name for.
fn blocks(network: &Network) -> Option<&[Layer]> {
    let (stem, blocks) = network.layers.split_first()?;
    (stem.name == "stem" && matches!(stem.op, LayerOp::Conv { .. })).then_some(blocks)
}
