//! Which tensors of a checkpoint are weights.

use super::{Element, Entry};
use std::collections::BTreeMap;

/// What training that averages weights calls the averages. They are what was evaluated.
const AVERAGE: &str = "/ExponentialMovingAverage";

/// Weights by their names, averages under the names of what they are averages of.
///
/// Left out are what an optimiser keeps (`NAME/RMSProp` beside `NAME`), integers, and scalars: they count steps.
pub(super) fn weights(entries: &BTreeMap<String, Entry>) -> BTreeMap<&str, &Entry> {
    let mut weights = BTreeMap::new();
    for (name, entry) in entries {
        if !is_weight(entry) {
            continue;
        }
        if let Some(averaged) = name.strip_suffix(AVERAGE) {
            weights.insert(averaged, entry);
        } else if !is_slot(name, entries) {
            // The average comes later in the order of names.
            weights.insert(name, entry);
        }
    }
    weights
}

/// Whether a tensor's name is that of an average.
pub(super) fn is_average(name: &str) -> bool {
    name.ends_with(AVERAGE)
}

fn is_weight(entry: &Entry) -> bool {
    matches!(entry.element, Element::Known(element) if element.is_float()) && !entry.shape.is_empty()
}

/// Whether `name` is something that is kept of another tensor.
fn is_slot(name: &str, entries: &BTreeMap<String, Entry>) -> bool {
    name.rsplit_once('/').is_some_and(|(owner, _)| entries.contains_key(owner))
}
