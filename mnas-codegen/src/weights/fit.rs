//! Fits a file's tensors to what a network needs: by name, else by order, each with its shape checked.

use super::contents::Contents;
use super::error::shown;
use super::names::{self, FileTensors, Names};
use super::{Parameter, ParameterKind, Problem, WeightTensor, Weights, WeightsError, order, parameters};
use mnas_dsl::network::Network;
use std::collections::{BTreeMap, BTreeSet};

/// Names that are compared with each other for the nearest one. A checkpoint has a few hundred;
/// beyond this the file is of another kind, and the comparison, which is quadratic, would take long.
const MAX_COMPARED: usize = 2_000;

/// Weights that fit a network, and what they were in their file.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// Every tensor of [`parameters`] in its shape, finite, under mnas's names, and no other.
    pub weights: Weights,
    /// The naming scheme that the file follows.
    pub scheme: &'static str,
    /// The file's name of each tensor, by ours.
    pub sources: BTreeMap<String, String>,
    /// What was chosen where the file left a choice, each a line: which of several dicts, which prefix of names, and that
    /// tensors were matched by order and shape.
    pub notes: Vec<String>,
}

/// Finds the weights of `network` among the tensors of a file, by name.
///
/// The naming scheme (ours, timm's, torchvision's, efficientnet-pytorch's, TensorFlow's) is recognised by itself, and
/// axes are put in our order; whatever stands before all names of the scheme, as `module.` of `DataParallel` does, is
/// taken off, and tensors without it are left out. Where no scheme has half of the tensors, they are matched by order and
/// shape, if all of them fit. `file_name` is only for errors. A backbone leaves the tensors of a classifier unused.
///
/// # Errors
///
/// Everything that is missing, extra, misshapen or not finite.
pub fn fit(
    tensors: BTreeMap<String, WeightTensor>,
    file_name: &str,
    network: &Network,
) -> Result<Fitted, WeightsError> {
    fit_contents(tensors.into(), file_name, network)
}

/// How many parameters of `network` tensors of these names and shapes are, by the naming scheme that fits best.
pub(super) fn fitness(network: &Network) -> impl Fn(&FileTensors) -> usize {
    let parameters = parameters(network);
    move |tensors| names::recognise(network, &parameters, tensors).1.fitting
}

/// As [`fit`], for all that the reader of a file says of it.
pub(super) fn fit_contents(mut contents: Contents, file_name: &str, network: &Network) -> Result<Fitted, WeightsError> {
    let parameters = parameters(network);
    let is_backbone = network.head.is_none();
    let shapes = contents.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape.clone())).collect();
    let (mut names, known) = names::recognise(network, &parameters, &shapes);
    let mut notes = std::mem::take(&mut contents.notes);
    if known.fitting * 2 < parameters.len()
        && let Some(order) = order::fit(&contents, &parameters, is_backbone)
    {
        let first = parameters.first().map(|parameter| (&parameter.name, order.names.get(&parameter.name)));
        let example = match first {
            Some((ours, Some(theirs))) => format!(", `{}` for `{ours}` first", shown(theirs)),
            _ => String::new(),
        };
        notes.push(format!("no naming scheme fits: tensors are matched by order and shape{example}"));
        names = Names::listed("order and shape", order.convention, order.names);
    }
    if !names.prefix.is_empty() {
        let outside = contents.tensors.len();
        contents.tensors.retain(|name, _| name.starts_with(&names.prefix));
        let rest = match outside - contents.tensors.len() {
            0 => String::new(),
            1 => ", and 1 tensor without it is left out".into(),
            count => format!(", and {count} tensors without it are left out"),
        };
        notes.push(format!("the prefix `{}` is taken off all names{rest}", shown(&names.prefix)));
    }
    match assign(contents, &parameters, &names, is_backbone) {
        Ok((weights, sources)) => Ok(Fitted { weights, scheme: names.scheme, sources, notes }),
        Err(problems) => Err(WeightsError::Unfit {
            file: file_name.into(),
            network: network.name.clone(),
            scheme: names.scheme,
            problems,
        }),
    }
}

/// Renames the file's tensors to ours, and gives the file's name of each; or lists everything that does not fit.
fn assign(
    contents: Contents,
    parameters: &[Parameter],
    names: &Names,
    backbone: bool,
) -> Result<(Weights, BTreeMap<String, String>), Vec<Problem>> {
    let Contents { mut tensors, unread, .. } = contents;
    let mut weights = Weights::new();
    let mut sources = BTreeMap::new();
    let mut missing = Vec::new();
    let mut problems = Vec::new();
    for parameter in parameters {
        let name = names.of(parameter);
        match tensors.remove(&name) {
            None => match unread.get(&name) {
                Some(reason) => problems.push(Problem::NoWeight { name, reason: reason.clone() }),
                None => missing.push((name, names.convention.shape(parameter))),
            },
            Some(mut tensor) => {
                let needed = names.convention.shape(parameter);
                if tensor.shape != needed && names.convention.takes(parameter, &tensor.shape) {
                    tensor.shape = needed;
                }
                problems.extend(check(&name, &tensor, parameter, names));
                weights.insert(parameter.name.clone(), names.convention.to_ours(tensor, parameter));
                sources.insert(parameter.name.clone(), name);
            }
        }
    }
    let extra: BTreeMap<&String, &WeightTensor> =
        tensors.iter().filter(|(name, _)| !(backbone && (names.is_listed() || names.is_head(name)))).collect();

    let expected: BTreeSet<String> = parameters.iter().map(|parameter| names.of(parameter)).collect();
    let absent: BTreeSet<&str> = missing.iter().map(|(name, _)| name.as_str()).collect();
    let mut all: Vec<Problem> = Vec::new();
    for (name, shape) in &missing {
        let nearest = nearest(name, extra.keys().map(|name| name.as_str()));
        all.push(Problem::Missing { name: name.clone(), shape: shape.clone(), nearest });
    }
    for (name, tensor) in &extra {
        // What is missing is what was meant, if it is near at all.
        let nearest =
            nearest(name, absent.iter().copied()).or_else(|| nearest(name, expected.iter().map(String::as_str)));
        all.push(Problem::Extra { name: name.to_string(), shape: tensor.shape.clone(), nearest });
    }
    all.append(&mut problems);
    if all.is_empty() { Ok((weights, sources)) } else { Err(all) }
}

/// What is wrong with a tensor that is there.
fn check(name: &str, tensor: &WeightTensor, parameter: &Parameter, names: &Names) -> Vec<Problem> {
    let mut problems = Vec::new();
    let name = name.to_string();
    let needed = names.convention.shape(parameter);
    if tensor.shape != needed {
        let found = tensor.shape.clone();
        problems.push(Problem::Shape { name: name.clone(), found, needed });
    }
    let mut bad = tensor.data.iter().enumerate().filter(|(_, value)| !value.is_finite());
    if let Some((first, _)) = bad.next() {
        problems.push(Problem::NotFinite { name: name.clone(), count: 1 + bad.count(), first });
    }
    if parameter.kind == ParameterKind::BnVar
        && let Some(first) = tensor.data.iter().position(|value| *value < 0.0 && value.is_finite())
    {
        problems.push(Problem::NegativeVariance { name, first });
    }
    problems
}

/// The candidate with the fewest edits from `name`, if no more than a third of its length; of equals, the first.
fn nearest<'a>(name: &str, candidates: impl ExactSizeIterator<Item = &'a str>) -> Option<String> {
    if candidates.len() > MAX_COMPARED {
        return None;
    }
    let limit = name.len() / 3;
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        // Strings whose lengths differ by more cannot be nearer, and most are sorted out by that alone.
        let bound = best.map_or(limit + 1, |(distance, _)| distance);
        if candidate.len().abs_diff(name.len()) >= bound {
            continue;
        }
        let distance = strsim::levenshtein(name, candidate);
        if distance < bound {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate.to_string())
}
