//! What stands before all names of a scheme: `module.` of `DataParallel`, `_orig_mod.` of `torch.compile`, whatever a
//! class calls the network that it holds, and any row of these.

use super::FileTensors;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Separators of names that a prefix may end at, and its bytes: wrappers are few, and their names short.
const MAX_PARTS: usize = 8;
const MAX_LENGTH: usize = 200;

/// Prefixes that are tried.
const MAX_TRIED: usize = 12;

/// No prefix, and then those that at least half as many tensors have as a network has, the most frequent first.
pub(super) fn candidates(tensors: &FileTensors, needed: usize) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in tensors.keys() {
        for (at, _) in name.match_indices(['.', '/']).take(MAX_PARTS).take_while(|(at, _)| *at < MAX_LENGTH) {
            *counts.entry(&name[..=at]).or_default() += 1;
        }
    }
    let mut frequent: Vec<(usize, &str)> =
        counts.into_iter().filter(|(_, count)| count * 2 >= needed).map(|(prefix, count)| (count, prefix)).collect();
    frequent.sort_by_key(|(count, prefix)| (std::cmp::Reverse(*count), prefix.len()));
    let frequent = frequent.into_iter().take(MAX_TRIED).map(|(_, prefix)| prefix.to_owned());
    std::iter::once(String::new()).chain(frequent).collect()
}

/// The tensors with `prefix`, without it.
pub(super) fn without<'a>(tensors: &'a FileTensors, prefix: &str) -> Cow<'a, FileTensors> {
    if prefix.is_empty() {
        return Cow::Borrowed(tensors);
    }
    let bare = |(name, shape): (&String, &Vec<usize>)| Some((name.strip_prefix(prefix)?.to_owned(), shape.clone()));
    Cow::Owned(tensors.iter().filter_map(bare).collect())
}
