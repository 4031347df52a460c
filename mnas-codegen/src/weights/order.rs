//! Tensors whose names no scheme has: by their order and shapes.
//!
//! What a name ends in says what a tensor is to its module, in every framework. What it begins with only groups tensors
//! into modules here: those of the file, in its order, have to be those of the network, in the order in which data meets
//! them, each with the same tensors in the same shapes, and none left over.

use super::contents::Contents;
use super::names::Convention;
use super::{Parameter, ParameterKind};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The file's name of every parameter, by ours, and how its tensors lie.
pub(super) struct Order {
    pub(super) names: BTreeMap<String, String>,
    pub(super) convention: Convention,
}

/// What a tensor is to its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Weight,
    Bias,
    Mean,
    Variance,
}

/// A module of a file: its tensors by what they are.
type Module<'a> = BTreeMap<Role, &'a str>;

/// Matches the tensors of a file with a network; `None` where they are not the same, one by one. A backbone's file may
/// go on behind it.
pub(super) fn fit(contents: &Contents, parameters: &[Parameter], is_backbone: bool) -> Option<Order> {
    let ours = ours(parameters);
    let natural = {
        let mut names: Vec<&str> = contents.tensors.keys().map(String::as_str).collect();
        names.sort_by(|a, b| natural(a, b));
        names
    };
    let given: Vec<&str> = contents.order.iter().map(String::as_str).collect();
    [given, natural].into_iter().find_map(|names| {
        let modules = modules(&names)?;
        if modules.len() < ours.len() || modules.len() > ours.len() && !is_backbone {
            return None;
        }
        let pairs: Vec<(&BTreeMap<Role, &Parameter>, &Module<'_>)> = ours.iter().zip(&modules).collect();
        conventions(&names).iter().find_map(|&convention| {
            let mut theirs = BTreeMap::new();
            for (ours, module) in &pairs {
                if !ours.keys().eq(module.keys()) {
                    return None;
                }
                for (parameter, name) in ours.values().zip(module.values()) {
                    let tensor = contents.tensors.get(*name)?;
                    if !convention.takes(parameter, &tensor.shape) {
                        return None;
                    }
                    theirs.insert(parameter.name.clone(), (*name).to_owned());
                }
            }
            Some(Order { names: theirs, convention })
        })
    })
}

/// The network's modules.
fn ours(parameters: &[Parameter]) -> Vec<BTreeMap<Role, &Parameter>> {
    let mut modules: Vec<(&str, BTreeMap<Role, &Parameter>)> = Vec::new();
    for parameter in parameters {
        let module = parameter.name.rsplit_once('.').map_or("", |(module, _)| module);
        if modules.last().is_none_or(|(last, _)| *last != module) {
            modules.push((module, BTreeMap::new()));
        }
        let role = match parameter.kind {
            ParameterKind::ConvWeight | ParameterKind::LinearWeight | ParameterKind::BnWeight => Role::Weight,
            ParameterKind::Bias | ParameterKind::BnBias => Role::Bias,
            ParameterKind::BnMean => Role::Mean,
            ParameterKind::BnVar => Role::Variance,
        };
        if let Some((_, tensors)) = modules.last_mut() {
            tensors.insert(role, parameter);
        }
    }
    modules.into_iter().map(|(_, tensors)| tensors).collect()
}

/// A file's modules in the order of their first tensors; `None` where a name does not say what a tensor is, or two say
/// the same.
fn modules<'a>(names: &[&'a str]) -> Option<Vec<Module<'a>>> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut modules: Vec<Module<'_>> = Vec::new();
    for &name in names {
        let (module, role) = parts(name)?;
        let place = *places.entry(module).or_insert(modules.len());
        if place == modules.len() {
            modules.push(Module::new());
        }
        if modules.get_mut(place)?.insert(role, name).is_some() {
            return None;
        }
    }
    Some(modules)
}

/// A tensor's module, and what it is to it.
fn parts(name: &str) -> Option<(&str, Role)> {
    let bare = name.strip_suffix("/.ATTRIBUTES/VARIABLE_VALUE").or_else(|| name.strip_suffix(":0")).unwrap_or(name);
    let (module, leaf) = bare.rsplit_once(['.', '/'])?;
    let role = match leaf {
        "weight" | "weights" | "kernel" | "depthwise_kernel" | "depthwise_weights" | "gamma" | "scale" => Role::Weight,
        "bias" | "biases" | "beta" | "offset" => Role::Bias,
        "running_mean" | "moving_mean" | "_mean" | "mean" => Role::Mean,
        "running_var" | "moving_variance" | "_variance" | "variance" | "var" => Role::Variance,
        _ => return None,
    };
    Some((module, role))
}

/// In which ways tensors of these names may lie, the likeliest first.
fn conventions(names: &[&str]) -> &'static [Convention] {
    let any = |end: &str| names.iter().any(|name| name.contains(end));
    if any("kernel") || any("/weights") {
        &[Convention::Keras, Convention::Slim]
    } else if any("._variance") {
        &[Convention::Paddle, Convention::PyTorch]
    } else {
        &[Convention::PyTorch]
    }
}

/// Compares names so that `block.10` comes behind `block.9`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a_rest, mut b_rest) = (a, b);
    loop {
        let ((a_text, a_number), (b_text, b_number)) = (split(&mut a_rest), split(&mut b_rest));
        let order = a_text.cmp(b_text).then(a_number.len().cmp(&b_number.len())).then(a_number.cmp(b_number));
        if order != Ordering::Equal || (a_rest.is_empty() && b_rest.is_empty()) {
            return order.then_with(|| a.cmp(b));
        }
    }
}

/// Takes what comes before a number and the number, without zeros before it, off the start of a name.
fn split<'a>(rest: &mut &'a str) -> (&'a str, &'a str) {
    let start = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
    let (text, after) = rest.split_at(start);
    let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    let (number, after) = after.split_at(end);
    *rest = after;
    (text, number.trim_start_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        let mut names = ["b.10.x", "b.9.x", "b.1.y", "b.1.x", "a", "b.01.w", "b"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a", "b", "b.01.w", "b.1.x", "b.1.y", "b.9.x", "b.10.x"]);
    }

    #[test]
    fn the_end_of_a_name_says_what_a_tensor_is() {
        assert_eq!(parts("a.b.running_var"), Some(("a.b", Role::Variance)));
        assert_eq!(parts("conv1/kernel:0"), Some(("conv1", Role::Weight)));
        assert_eq!(
            parts("layer_with_weights-0/beta/.ATTRIBUTES/VARIABLE_VALUE"),
            Some(("layer_with_weights-0", Role::Bias))
        );
        assert_eq!((parts("a.b.momentum"), parts("weight")), (None, None));
    }
}
