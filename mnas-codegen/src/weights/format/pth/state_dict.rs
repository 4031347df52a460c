//! Where in a checkpoint the tensors are.
//!
//! What trainers write has no one form: a state dict, one under `state_dict` beside an averaged copy and an optimiser's
//! tensors, or a whole pickled module. Every dict with floating-point tensors in it is a candidate, and so is every
//! module, by the dicts that PyTorch keeps of one. Which of them is meant, a network says.

use super::pickle::{Objects, Value};
use super::{Checkpoint, Listed, Reason, tensor};
use crate::weights::contents::{COUNTER, Contents};
use crate::weights::error::shown;
use std::collections::{BTreeMap, BTreeSet};

/// Keys under which training scripts keep a state dict, the best first.
const WRAPPERS: [&str; 4] = ["state_dict", "model_state_dict", "model", "net"];

/// Words in keys of averaged weights, which are those that a trainer evaluated.
const AVERAGED: [&str; 4] = ["ema", "averaged", "average", "swa"];

/// Dicts within dicts that are followed (`{"model": {"state_dict": ..}}`).
const MAX_DEPTH: usize = 4;

/// Values that are looked at for tensors, and dicts with tensors that are compared.
const MAX_VISITED: usize = 10_000;
const MAX_CANDIDATES: usize = 32;

/// Modules within modules, modules of one, and bytes of the names that they give to their tensors.
const MAX_MODULE_DEPTH: usize = 64;
const MAX_MODULES: usize = 50_000;
const MAX_NAMES: usize = 4 << 20;

/// Tensors that have names, and where in the checkpoint they are.
pub(super) struct Candidate {
    /// Keys on the way, with points between them; empty at the top.
    pub(super) place: String,
    /// Each name once, in the file's order.
    entries: Vec<(String, Value)>,
}

impl Candidate {
    /// Whether it is a copy that was averaged in training.
    pub(super) fn is_averaged(&self) -> bool {
        self.place.split(['.', '_']).any(|word| AVERAGED.contains(&word))
    }

    /// Smaller for a candidate that is rather meant than another that fits as well.
    pub(super) fn rank(&self) -> (bool, usize) {
        let last = self.place.rsplit('.').next().unwrap_or_default();
        (!self.is_averaged(), WRAPPERS.iter().position(|key| *key == last).unwrap_or(WRAPPERS.len()))
    }

    /// Names and shapes of the floating-point tensors.
    pub(super) fn shapes(&self, checkpoint: &Checkpoint<'_>) -> BTreeMap<String, Vec<usize>> {
        let float = |(name, value): &(String, Value)| {
            let tensor = checkpoint.objects.tensor(*value).filter(|tensor| is_float(&checkpoint.objects, tensor))?;
            Some((name.clone(), tensor.shape.clone()))
        };
        self.entries.iter().filter_map(float).collect()
    }

    /// The values of the floating-point tensors; `file_len` bounds how many elements they may have together.
    pub(super) fn contents(&self, checkpoint: &Checkpoint<'_>, file_len: usize) -> Result<Contents, Reason> {
        let objects = &checkpoint.objects;
        let mut contents = Contents::default();
        let mut budget = file_len;
        for (name, value) in self.entries.iter().filter(|(name, _)| !name.ends_with(COUNTER)) {
            let Some(tensor) = objects.tensor(*value) else {
                if let Some(class) = objects.made_by(*value) {
                    contents.unread.insert(name.clone(), format!("would be made by `{class}`, and no code is run"));
                }
                continue;
            };
            if !is_float(objects, tensor) {
                let element = objects.storages.get(tensor.storage).map_or("no", |storage| storage.element.name());
                contents.unread.insert(name.clone(), format!("has elements of type {element}"));
                continue;
            }
            let tensor = tensor::gather(tensor, checkpoint, &mut budget)
                .map_err(|reason| format!("tensor `{}` {reason}", shown(name)))?;
            contents.order.push(name.clone());
            contents.tensors.insert(name.clone(), tensor);
        }
        Ok(contents)
    }

    /// What every tensor is, in the file's order.
    pub(super) fn list(&self, checkpoint: &Checkpoint<'_>) -> Vec<Listed> {
        let objects = &checkpoint.objects;
        let listed = |(name, value): &(String, Value)| {
            let tensor = objects.tensor(*value)?;
            let element = objects.storages.get(tensor.storage)?.element;
            let bytes = tensor.shape.iter().fold(element.size(), |bytes, size| bytes.saturating_mul(*size));
            let (name, shape) = (name.clone(), tensor.shape.clone());
            Some(Listed { name, element: element.name().into(), shape, bytes: bytes as u64 })
        };
        self.entries.iter().filter_map(listed).collect()
    }
}

/// Every dict and module with floating-point tensors, nearest to the top first.
pub(super) fn candidates(checkpoint: &Checkpoint<'_>) -> Result<Vec<Candidate>, Reason> {
    let objects = &checkpoint.objects;
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut level = vec![(String::new(), checkpoint.root)];
    for _ in 0..=MAX_DEPTH {
        let mut next = Vec::new();
        for (place, value) in level {
            // The same dict may stand in many places, and within itself.
            if !seen.insert(identity(value)) || seen.len() > MAX_VISITED || candidates.len() >= MAX_CANDIDATES {
                continue;
            }
            let entries = match module(objects, value) {
                Some(state) => tensors_of_module(objects, state)?,
                None => items(objects, value),
            };
            let below = |key: &str| if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
            if module(objects, value).is_none() {
                let nested = entries.iter().filter(|(_, value)| has_items(objects, *value));
                next.extend(nested.map(|(key, value)| (below(key), *value)));
            }
            if entries.iter().any(|(_, value)| objects.tensor(*value).is_some_and(|tensor| is_float(objects, tensor))) {
                candidates.push(Candidate { place, entries });
            }
        }
        level = next;
    }
    if candidates.is_empty() {
        let what = "it has no state dict: no dict of tensors by name, and no module";
        return Err(match objects.made_by(checkpoint.root) {
            Some(class) => format!("{what}; its pickle makes a `{class}`, and nothing in it is executed"),
            None => what.into(),
        });
    }
    Ok(candidates)
}

/// The items of a dict and the attributes of an object under names, of equal names the last, as in Python.
fn items(objects: &Objects<'_>, value: Value) -> Vec<(String, Value)> {
    let attributes = objects.attributes(value).and_then(|state| objects.dict(state)).unwrap_or_default();
    let pairs = objects.dict(value).unwrap_or_default().iter().chain(attributes);
    unique(pairs.filter_map(|&(key, value)| Some((text(objects.string(key)?), value))).collect())
}

/// Each name once, where it came first, with what was given to it last.
fn unique(entries: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut unique: Vec<(String, Value)> = Vec::new();
    for (name, value) in entries {
        match places.get(&name) {
            Some(&place) => unique[place].1 = value,
            None => {
                places.insert(name.clone(), unique.len());
                unique.push((name, value));
            }
        }
    }
    unique
}

/// The attributes of a module, which PyTorch keeps its tensors in.
fn module(objects: &Objects<'_>, value: Value) -> Option<Value> {
    let state = objects.attributes(value)?;
    let has = |key: &[u8]| objects.get(state, key).is_some();
    (has(b"_modules") && has(b"_parameters")).then_some(state)
}

/// The parameters and buffers of a module and those below it, by the names that its `state_dict()` would have.
fn tensors_of_module(objects: &Objects<'_>, state: Value) -> Result<Vec<(String, Value)>, Reason> {
    let mut entries = Vec::new();
    let (mut modules, mut names) = (0, 0);
    let mut left = vec![(String::new(), state, 0)];
    while let Some((prefix, state, depth)) = left.pop() {
        modules += 1;
        for kind in [b"_parameters".as_slice(), b"_buffers"] {
            let pairs = objects.get(state, kind).and_then(|dict| objects.dict(dict)).unwrap_or_default();
            for &(key, value) in pairs.iter().filter(|(_, value)| *value != Value::None) {
                let Some(key) = objects.string(key) else { continue };
                names += prefix.len() + key.len();
                if names > MAX_NAMES {
                    return Err("its modules give names without end to their tensors".into());
                }
                entries.push((format!("{prefix}{}", text(key)), value));
            }
        }
        let children = objects.get(state, b"_modules").and_then(|dict| objects.dict(dict)).unwrap_or_default();
        // The last is taken first.
        for &(key, child) in children.iter().rev() {
            let (Some(key), Some(state)) = (objects.string(key), module(objects, child)) else { continue };
            names += prefix.len() + key.len();
            if depth == MAX_MODULE_DEPTH || modules + left.len() > MAX_MODULES || names > MAX_NAMES {
                return Err("its modules are nested without end".into());
            }
            left.push((format!("{prefix}{}.", text(key)), state, depth + 1));
        }
    }
    Ok(unique(entries))
}

/// Whether there may be tensors below a value.
fn has_items(objects: &Objects<'_>, value: Value) -> bool {
    objects.dict(value).is_some() || objects.attributes(value).is_some()
}

/// A number for each object: of what has none, the same.
fn identity(value: Value) -> (u8, usize) {
    match value {
        Value::Dict(index) => (0, index),
        Value::Opaque(index) => (1, index),
        _ => (2, 0),
    }
}

fn is_float(objects: &Objects<'_>, tensor: &super::pickle::Tensor) -> bool {
    objects.storages.get(tensor.storage).is_some_and(|storage| storage.element.is_float())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
