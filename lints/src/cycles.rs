//! Cycles of imports between sibling modules.
//!
//! Two modules are siblings if they have the same parent. A module stands for its whole subtree, so that
//! `a::x -> b::y` and `b::z -> a::w` are a cycle between `a` and `b`. Imports between a module and its own ancestors do
//! not count: children often use the types of their `mod.rs`.

use crate::modules::{Edge, ModulePath, Modules, edges};
use std::collections::{BTreeMap, BTreeSet};

/// Sibling modules each of which reaches every other by imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// The parent of all of them.
    pub parent: ModulePath,
    /// Their names.
    pub members: BTreeSet<String>,
    /// The imports between them.
    pub edges: Vec<Edge>,
}

/// All cycles of a crate, as few and as large as possible: no module is in two.
pub fn cycles(modules: &Modules) -> Vec<Cycle> {
    let mut graphs: BTreeMap<ModulePath, BTreeMap<(String, String), Vec<Edge>>> = BTreeMap::new();
    for edge in edges(modules) {
        let common = edge.from.iter().zip(&edge.to).take_while(|(a, b)| a == b).count();
        if let (Some(from), Some(to)) = (edge.from.get(common), edge.to.get(common)) {
            let graph = graphs.entry(edge.from[..common].to_vec()).or_default();
            graph.entry((from.clone(), to.clone())).or_default().push(edge);
        }
    }
    let mut found = Vec::new();
    for (parent, graph) in graphs {
        let links: BTreeSet<(&str, &str)> = graph.keys().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        for members in components(&links) {
            let inside =
                |(from, to): &(String, String)| members.contains(from.as_str()) && members.contains(to.as_str());
            let edges = graph.iter().filter(|(link, _)| inside(link)).flat_map(|(_, edges)| edges.clone()).collect();
            let members = members.into_iter().map(str::to_owned).collect();
            found.push(Cycle { parent: parent.clone(), members, edges });
        }
    }
    found
}

/// Strongly connected components of more than one node. Graphs are small: reachability is searched node by node.
fn components<'a>(links: &BTreeSet<(&'a str, &'a str)>) -> Vec<BTreeSet<&'a str>> {
    let nodes: BTreeSet<&str> = links.iter().flat_map(|(from, to)| [*from, *to]).collect();
    let reach = |start: &'a str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(node) = open.pop() {
            for (_, to) in links.iter().filter(|(from, _)| *from == node) {
                if seen.insert(*to) {
                    open.push(to);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> = nodes.iter().map(|node| (*node, reach(node))).collect();
    let mut found: Vec<BTreeSet<&str>> = Vec::new();
    for (node, others) in &reached {
        let component: BTreeSet<&str> = others.iter().copied().filter(|other| reached[other].contains(node)).collect();
        if component.len() > 1 && !found.contains(&component) {
            found.push(component);
        }
    }
    found
}
