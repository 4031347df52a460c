//! Where in a checkpoint the tensors are.

use super::pickle::Value;
use super::{Checkpoint, Listed, Reason, WeightTensor, tensor};
use crate::weights::error::shown;
use std::collections::BTreeMap;

/// Keys under which training scripts keep a state dict, the best first: averaged weights are those that were evaluated.
const WRAPPERS: [&str; 5] = ["state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model"];

/// Wrappers within wrappers that are followed (`{"model": {"state_dict": ..}}`).
const MAX_DEPTH: usize = 3;

const NO_STATE_DICT: &str = "it has no state dict: no tensors by name, at the top or under `state_dict`";

/// The floating-point tensors of the state dict; `file_len` bounds how many elements they may have together.
pub(super) fn tensors(checkpoint: &Checkpoint<'_>, file_len: usize) -> Result<BTreeMap<String, WeightTensor>, Reason> {
    let dict = find(checkpoint).ok_or(NO_STATE_DICT)?;
    let objects = &checkpoint.objects;
    let mut tensors = BTreeMap::new();
    let mut budget = file_len;
    for &(key, value) in dict {
        let (Some(name), Value::Tensor(index)) = (objects.string(key), value) else { continue };
        let name = String::from_utf8_lossy(name).into_owned();
        if name.ends_with("num_batches_tracked") {
            continue;
        }
        let description = objects.tensors.get(index).ok_or("it describes no such tensor")?;
        let tensor = tensor::gather(description, checkpoint, &mut budget)
            .map_err(|reason| format!("tensor `{}` {reason}", shown(&name)))?;
        tensors.insert(name, tensor);
    }
    Ok(tensors)
}

/// What every tensor of the state dict is. Of tensors with the same name the last is meant, as in Python.
pub(super) fn list(checkpoint: &Checkpoint<'_>) -> Result<Vec<Listed>, Reason> {
    let objects = &checkpoint.objects;
    let mut list: Vec<Listed> = Vec::new();
    for &(key, value) in find(checkpoint).ok_or(NO_STATE_DICT)? {
        let (Some(name), Value::Tensor(index)) = (objects.string(key), value) else { continue };
        let tensor = objects.tensors.get(index).ok_or("it describes no such tensor")?;
        let element = objects.storages.get(tensor.storage).ok_or("it describes no such storage")?.element;
        let bytes = tensor.shape.iter().fold(element.size(), |bytes, size| bytes.saturating_mul(*size));
        list.push(Listed {
            name: String::from_utf8_lossy(name).into_owned(),
            element: element.name().into(),
            shape: tensor.shape.clone(),
            bytes: bytes as u64,
        });
    }
    Ok(list)
}

fn find<'c>(checkpoint: &'c Checkpoint<'_>) -> Option<&'c [(Value, Value)]> {
    let objects = &checkpoint.objects;
    let mut at = checkpoint.root;
    for _ in 0..=MAX_DEPTH {
        let dict = objects.dict(at)?;
        if dict.iter().any(|(_, value)| matches!(value, Value::Tensor(_))) {
            return Some(dict);
        }
        at = WRAPPERS.iter().find_map(|key| {
            let value = objects.get(at, key.as_bytes())?;
            objects.dict(value).map(|_| value)
        })?;
    }
    None
}
