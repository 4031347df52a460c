//! The names that TensorFlow's code of MnasNet and of EfficientNet gives: `mnas_blocks_3/se/conv2d_6/kernel`.
//!
//! A scope says which layer it is (`mnas_stem`, `mnas_blocks_N` or `blocks_N`, `mnas_head`). Within a scope modules of a
//! kind have numbers, which count in the order in which data meets them: from 0 in each scope, or, where Keras made
//! the variables, through the whole network, and then the stem comes after the blocks. Their order within a scope is the
//! same both ways, so modules go by it. What stands before the scope differs between convolutions and batch norms
//! (`mnasnet-a1/mnas_net_model/` and `mnasnet-a1/`), and means nothing.

use super::{FileTensors, Modules, blocks};
use mnas_dsl::network::{Layer, LayerOp, Network};
use std::collections::{BTreeMap, BTreeSet};

/// The code under `models/official/mnasnet`.
pub(super) fn mnasnet(network: &Network, tensors: &FileTensors) -> Option<Modules> {
    modules(network, &Scopes::find(tensors, "mnas_"), "mnas_")
}

/// The code under `models/official/efficientnet`, EfficientNet-Lite too.
pub(super) fn efficientnet(network: &Network, tensors: &FileTensors) -> Option<Modules> {
    modules(network, &Scopes::find(tensors, ""), "")
}

fn modules(network: &Network, scopes: &Scopes<'_>, prefix: &str) -> Option<Modules> {
    let mut modules = Modules::new();
    scopes.name(&mut modules, "stem", &format!("{prefix}stem"), &["conv"], None);
    for (index, layer) in blocks(network)?.iter().enumerate() {
        scopes.name_layer(&mut modules, layer, &format!("{prefix}blocks_{index}"));
    }
    let head = format!("{prefix}head");
    scopes.name(&mut modules, "head", &head, &["conv"], None);
    modules.insert("classifier".into(), scopes.module(&head, Kind::Dense, 0));
    Some(modules)
}

/// A kind of module. Each is numbered apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Conv,
    Depthwise,
    BatchNorm,
    Dense,
}

impl Kind {
    fn of(layer: &str) -> Option<Self> {
        match layer {
            "conv2d" => Some(Kind::Conv),
            "depthwise_conv2d" => Some(Kind::Depthwise),
            "dense" => Some(Kind::Dense),
            // Also with what replaces it on several machines: `tpu_batch_normalization`, `sync_batch_normalization`.
            _ => layer.ends_with("batch_normalization").then_some(Kind::BatchNorm),
        }
    }

    /// A name for what is missing.
    fn name(self) -> &'static str {
        match self {
            Kind::Conv => "conv2d",
            Kind::Depthwise => "depthwise_conv2d",
            Kind::BatchNorm => "batch_normalization",
            Kind::Dense => "dense",
        }
    }
}

/// The modules of a file: by scope (`mnas_blocks_3`, `mnas_blocks_3/se`) and kind, in the order of their numbers.
struct Scopes<'a> {
    modules: BTreeMap<(&'a str, Kind), BTreeSet<(u64, &'a str)>>,
    /// What stands before the scopes of a kind.
    roots: BTreeMap<Kind, &'a str>,
}

impl<'a> Scopes<'a> {
    fn find(tensors: &'a FileTensors, prefix: &str) -> Self {
        let mut scopes = Scopes { modules: BTreeMap::new(), roots: BTreeMap::new() };
        for name in tensors.keys() {
            let Some((module, _)) = name.rsplit_once('/') else { continue };
            let Some((path, layer)) = module.rsplit_once('/') else { continue };
            let (base, number) = numbered(layer);
            let (Some(kind), Some(start)) = (Kind::of(base), scope_start(path, prefix)) else { continue };
            scopes.modules.entry((&path[start..], kind)).or_default().insert((number, module));
            scopes.roots.insert(kind, &path[..start]);
        }
        scopes
    }

    /// The file's name of the module at a place in its scope; of one that is not there, a name that it could have.
    fn module(&self, scope: &str, kind: Kind, place: usize) -> String {
        let modules = self.modules.get(&(scope, kind));
        if let Some((_, module)) = modules.and_then(|modules| modules.iter().nth(place)) {
            return (*module).to_owned();
        }
        let last = modules.and_then(|modules| modules.last()).map(|(number, _)| *number);
        let root = self.roots.get(&kind).copied().unwrap_or_default();
        match last.map_or(place as u64, |last| last.saturating_add(1)) {
            0 => format!("{root}{scope}/{}", kind.name()),
            number => format!("{root}{scope}/{}_{number}", kind.name()),
        }
    }

    fn name_layer(&self, modules: &mut Modules, layer: &Layer, scope: &str) {
        let parts: &[&str] = match &layer.op {
            LayerOp::Conv { .. } => &["conv"],
            LayerOp::SepConv { .. } => &["depthwise", "project"],
            LayerOp::MbConv { .. } => &["expand", "depthwise", "project"],
            LayerOp::FusedMbConv { .. } => &["expand", "project"],
            // No network of these schemes has them.
            _ => return,
        };
        let squeeze_excite = layer.chain().squeeze_excite().map(|_| format!("{scope}/se"));
        self.name(modules, &layer.name, scope, parts, squeeze_excite.as_deref());
    }

    /// Names the convolutions `parts` of a layer, and the batch norms after them.
    fn name(&self, modules: &mut Modules, layer: &str, scope: &str, parts: &[&str], se: Option<&str>) {
        let mut convs = 0;
        for (index, part) in parts.iter().enumerate() {
            let conv = if *part == "depthwise" {
                self.module(scope, Kind::Depthwise, 0)
            } else {
                convs += 1;
                self.module(scope, Kind::Conv, convs - 1)
            };
            modules.insert(format!("{layer}.{part}"), conv);
            modules.insert(format!("{layer}.{part}.bn"), self.module(scope, Kind::BatchNorm, index));
        }
        if let Some(scope) = se {
            modules.insert(format!("{layer}.se.reduce"), self.module(scope, Kind::Conv, 0));
            modules.insert(format!("{layer}.se.expand"), self.module(scope, Kind::Conv, 1));
        }
    }
}

/// Where in `path` a scope begins: at its last part but for `se`.
fn scope_start(path: &str, prefix: &str) -> Option<usize> {
    let outer = path.strip_suffix("/se").unwrap_or(path);
    let start = outer.rfind('/').map_or(0, |at| at + 1);
    let scope = outer[start..].strip_prefix(prefix)?;
    let (base, _) = numbered(scope);
    matches!(base, "stem" | "blocks" | "head").then_some(start)
}

/// `conv2d_6` to `conv2d` and 6; without a number it is the first, 0.
fn numbered(name: &str) -> (&str, u64) {
    name.rsplit_once('_').and_then(|(base, number)| Some((base, number.parse().ok()?))).unwrap_or((name, 0))
}
