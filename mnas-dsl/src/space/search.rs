//! `search` of a space: the defaults of a search of it.

use super::limits::take_key;
use crate::diagnostics::Report;
use crate::reader::fields::{Fields, text, whole, wrong_type};
use crate::tree::{Kind, Node};

/// Defaults of a search; `None` where the space has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usual {
    /// What networks are trained on, as an argument of a search.
    pub data: Option<String>,
    /// The target latency, as an argument of a search.
    pub target: Option<String>,
    /// Epochs of a trial.
    pub epochs: Option<usize>,
    /// Trials in all.
    pub trials: Option<usize>,
    /// Specs of the networks that results are compared with: files in the space's folder or below it.
    pub baselines: Vec<String>,
}

const KEYS: [&str; 5] = ["data", "target", "epochs", "trials", "baselines"];

/// Takes `search` out of the tree, because a spec does not have that key.
pub(super) fn take(root: &mut Node, report: &mut Report) -> Usual {
    let Some(node) = take_key(root, "search") else { return Usual::default() };
    let Some(fields) = Fields::new(&node, "search", &KEYS, report) else { return Usual::default() };
    let mut word = |key: &'static str| fields.get(key).and_then(|node| text(node, key, report)).map(str::to_owned);
    let (data, target) = (word("data"), word("target"));
    let mut count = |key: &'static str, what: &str, most: usize| {
        fields.get(key).and_then(|node| whole(node, what, 1..=most, report)).map(|it| it.value)
    };
    let epochs = count("epochs", "the epochs of a trial", 100_000);
    let trials = count("trials", "the number of trials", 10_000_000);
    let baselines = fields.get("baselines").map_or(Vec::new(), |node| texts(node, report));
    Usual { data, target, epochs, trials, baselines }
}

/// A list of files.
fn texts(node: &Node, report: &mut Report) -> Vec<String> {
    let Kind::List(list) = &node.kind else {
        wrong_type(node, "a list of specs for baselines", "such as [mobilenet_v2_style.yaml]", report);
        return Vec::new();
    };
    list.iter().filter_map(|node| text(node, "a baseline", report)).map(str::to_owned).collect()
}
