//! Naming schemes of weight files, and which of them a file follows.
//!
//! A scheme translates *modules* (`blocks.2.0.expand.bn`); what a module's tensors are called (`weight`, `bias`,
//! `running_mean`, `running_var`), and how they lie, is the framework's [`Convention`]. Adding a scheme is one file and
//! one row of [`SCHEMES`] or [`TENSORFLOW_SCHEMES`].

use super::{Parameter, WeightTensor};
use mnas_dsl::network::{Layer, LayerOp, Network};
use std::collections::BTreeMap;

mod convention;
mod efficientnet_pytorch;
mod guess;
mod resnet;
mod tensorflow;
mod tensorflow_slim;
mod timm;
mod torchvision;

pub(super) use convention::Convention;
pub(super) use guess::guess;

/// Tensors as a file names them.
pub(super) type FileTensors = BTreeMap<String, WeightTensor>;

/// Our module names to a file's.
type Modules = BTreeMap<String, String>;

/// A naming scheme: its name, and the names that it gives to a network's modules. `None` when it has no names for such a
/// network. Some schemes need the file's names to know how it groups blocks.
type Scheme = (&'static str, fn(&Network, &FileTensors) -> Option<Modules>);

/// Schemes with PyTorch's convention; of two that fit equally well, the first is taken.
const SCHEMES: [Scheme; 8] = [
    ("mnas", |_, _| Some(ours())),
    ("timm", timm::modules),
    ("torchvision mnasnet", torchvision::mnasnet),
    ("torchvision mobilenet_v2", torchvision::mobilenet_v2),
    ("torchvision mobilenet_v3", torchvision::mobilenet_v3),
    ("torchvision efficientnet", torchvision::efficientnet),
    ("resnet", resnet::modules),
    ("efficientnet-pytorch", efficientnet_pytorch::modules),
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
    modules: Modules,
}

impl Names {
    /// The file's name of a parameter.
    pub(super) fn of(&self, parameter: &Parameter) -> String {
        let module = parameter.name.rsplit_once('.').map_or("", |(module, _)| module);
        // A scheme that has no name for a module expects ours, so that the error can name it.
        let module = self.modules.get(module).map_or(module, String::as_str);
        self.convention.name(module, parameter)
    }

    /// Whether a tensor belongs to a head, which a backbone leaves unused.
    pub(super) fn is_head(&self, file_name: &str) -> bool {
        let module = self.convention.module(file_name);
        HEAD.iter().any(|head| self.modules.get(*head).map(String::as_str) == module)
    }
}

/// Our names of the head's modules.
const HEAD: [&str; 4] = ["head.conv", "head.conv.bn", "head.hidden", "classifier"];

/// The scheme of which the file has the most names.
pub(super) fn recognise(network: &Network, parameters: &[Parameter], tensors: &FileTensors) -> Names {
    let mut best = (0, Names { scheme: SCHEMES[0].0, convention: Convention::PyTorch, modules: ours() });
    let pytorch = SCHEMES.iter().map(|scheme| (Convention::PyTorch, scheme));
    let tensorflow = TENSORFLOW_SCHEMES.iter().map(|(convention, scheme)| (*convention, scheme));
    for (convention, (scheme, modules)) in pytorch.chain(tensorflow) {
        let Some(modules) = modules(network, tensors) else { continue };
        let names = Names { scheme, convention, modules };
        let known = parameters.iter().filter(|parameter| tensors.contains_key(&names.of(parameter))).count();
        if known > best.0 {
            best = (known, names);
        }
    }
    best.1
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
