//! From a strided view of a storage to a row-major tensor.

use super::pickle::Tensor;
use super::{Checkpoint, Reason, WeightTensor};

/// PyTorch itself allows 64, convolutions have 4.
const MAX_RANK: usize = 8;

/// Copies what `tensor` describes out of its storage. `budget` is how many more elements may be copied in all.
pub(super) fn gather(tensor: &Tensor, checkpoint: &Checkpoint<'_>, budget: &mut usize) -> Result<WeightTensor, Reason> {
    let storage = checkpoint.objects.storages.get(tensor.storage).ok_or("has no storage")?;
    let element = storage.element;
    if !element.is_float() {
        return Err(format!("has elements of type {}", element.name()));
    }
    let key = || storage.key.escape_ascii();
    let bytes = checkpoint.storages.get(storage.key).ok_or_else(|| format!("has its storage `{}` missing", key()))?;
    if storage.len.checked_mul(element.size()) != Some(bytes.len()) {
        return Err(format!(
            "says its storage `{}` has {} elements, but it has {} bytes",
            key(),
            storage.len,
            bytes.len()
        ));
    }

    let start = storage.offset.checked_add(tensor.offset);
    let (count, start) = extent(tensor, storage.len)
        .zip(start)
        .filter(|&((count, last), start)| count == 0 || last.checked_add(start).is_some_and(|end| end < storage.len))
        .map(|((count, _), start)| (count, start))
        .ok_or_else(|| format!("reaches beyond its storage `{}`", key()))?;
    *budget = budget.checked_sub(count).ok_or("has, with the others, more elements than the file has bytes")?;

    // Along an axis of one element nothing is ever stepped, and its stride may be anything.
    let steps = tensor.shape.iter().zip(&tensor.strides).map(|(&size, &stride)| if size > 1 { stride } else { 0 });
    let steps: Vec<usize> = steps.collect();
    let mut data = Vec::with_capacity(count);
    let mut position = vec![0_usize; tensor.shape.len()];
    let mut offset = start;
    while data.len() < count {
        data.push(element.get(bytes, offset).ok_or("reaches beyond its storage")?);
        // One step of an odometer: the innermost axis first, carrying outwards.
        for axis in (0..position.len()).rev() {
            position[axis] += 1;
            offset += steps[axis];
            if position[axis] < tensor.shape[axis] {
                break;
            }
            // Undoes the steps along this axis, all of which were within the checked extent but the last.
            offset -= steps[axis] * tensor.shape[axis];
            position[axis] = 0;
        }
    }
    Ok(WeightTensor { shape: tensor.shape.clone(), data })
}

/// Number of elements and the largest offset from the first, or `None` when the offset passes `len`. A tensor that was
/// expanded has more elements than its storage: a stride of 0 repeats some.
fn extent(tensor: &Tensor, len: usize) -> Option<(usize, usize)> {
    if tensor.shape.len() > MAX_RANK || tensor.shape.len() != tensor.strides.len() {
        return None;
    }
    if tensor.shape.contains(&0) {
        return Some((0, 0));
    }
    let count = tensor.shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size))?;
    let last = tensor
        .shape
        .iter()
        .zip(&tensor.strides)
        .try_fold(0_usize, |last, (&size, &stride)| last.checked_add((size - 1).checked_mul(stride)?))?;
    (last < len.max(1)).then_some((count, last))
}
