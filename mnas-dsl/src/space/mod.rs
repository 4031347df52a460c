//! A search space: a spec with `{choose: [...]}` in the place of values.
//!
//! A member is one alternative for each choice. Its alternatives are put into the tree, which is then read like that of
//! any spec, so a space is checked by the rules of the language and no others.
//!
//! ```
//! let space = mnas_dsl::Space::parse(
//!     "
//! name: tiny
//! input: 32x32x3
//! stem: {op: conv, kernel: 3, stride: 2, filters: 8}
//! blocks:
//!   - {op: {choose: [sepconv, mbconv e6]}, kernel: {choose: [3, 5]}, filters: {choose: {base: 16, times: [0.5, 1]}}}
//! head: {classes: 10}
//! ",
//!     "tiny.yaml",
//! )?;
//! assert_eq!(space.choices().len(), 3);
//! let (spec, network) = space.member(&[1, 0, 0])?;
//! assert_eq!(spec.blocks[0].filters.map(|it| it.value), Some(8));
//! assert_eq!(network.layers.len(), 2);
//! # Ok::<(), mnas_dsl::Diagnostics>(())
//! ```

mod choices;
mod contains;
mod limits;
mod search;
mod size;
mod substitute;

pub use contains::{Differences, Membership};
pub use limits::Limits;
pub use search::Usual;
pub use size::Size;

use crate::diagnostics::{Diagnostics, Report};
use crate::network::{Layer, Network};
use crate::source::{Source, Span};
use crate::spec::Spec;
use crate::tree::{Kind, Node};
use crate::{network, reader, resolve, yaml};

/// A spec with choices.
#[derive(Clone, Debug)]
pub struct Space {
    root: Node,
    choices: Vec<Choice>,
    limits: Limits,
    usual: Usual,
    source: Source,
}

/// A place in a space with several alternatives.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Where, as keys: `blocks.3.kernel`.
    pub path: String,
    /// The entry of `blocks` that it is in; `None` outside of blocks (stem, head).
    pub block: Option<usize>,
    /// Line, from 1.
    pub line: usize,
    /// The values as they are written, in order.
    pub alternatives: Vec<String>,
    span: Span,
    nodes: Vec<Node>,
}

impl Space {
    /// Reads a space in YAML. `file` is its name in messages; nothing is opened. Each alternative is checked as part of
    /// the member that has the first alternative of every other choice.
    ///
    /// # Errors
    ///
    /// Every mistake, each with its place: those of a spec, and those of choices, limits and `search`.
    pub fn parse(text: &str, file: &str) -> Result<Self, Diagnostics> {
        let (mut root, source) = yaml::parse(text, file)?;
        let mut report = Report::new(&source);
        let limits = limits::take(&mut root, &mut report);
        let usual = search::take(&mut root, &mut report);
        let choices = choices::find(&root, &mut report);
        if report.found.count() > 0 {
            return report.finish(None);
        }
        let space = Space { root, choices, limits, usual, source };
        space.check(&mut report);
        report.finish(Some(space))
    }

    /// The choices in the order of the text.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// How many alternatives each choice has.
    pub fn sizes(&self) -> Vec<usize> {
        self.choices.iter().map(|choice| choice.nodes.len()).collect()
    }

    /// Upper bounds for a search. A member that exceeds them is a member nevertheless; a search has to check them.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Defaults of a search of this space.
    pub fn usual(&self) -> &Usual {
        &self.usual
    }

    /// The member with these alternatives, an index for each choice. Its spec says no more than it means: chosen values
    /// that its op does not have and skips that no layer can have are left away.
    ///
    /// # Errors
    ///
    /// What is wrong with this combination, such as too many layers.
    ///
    /// # Panics
    ///
    /// If the number of indices is not that of choices, or an index is out of range.
    pub fn member(&self, indices: &[usize]) -> Result<(Spec, Network), Diagnostics> {
        assert_eq!(indices.len(), self.choices.len(), "an index for each choice");
        let mut report = Report::new(&self.source);
        let both = self.read(indices, &mut report);
        report.finish(both)
    }

    fn read(&self, indices: &[usize], report: &mut Report) -> Option<(Spec, Network)> {
        let root = substitute::substitute(&self.root, &self.choices, indices);
        let mut spec = reader::read(&root, report)?;
        if report.found.count() > 0 {
            return None;
        }
        // A chosen skip applies wherever shapes allow; a skip that no layer allows is removed.
        let unchecked = resolve::resolve(&spec, &mut Report::new(&self.source));
        for choice in self.choices.iter().filter(|choice| choice.path.ends_with(".skip")) {
            let Some(index) = choice.block else { continue };
            let prefix = format!("blocks.{index}.");
            let mut layers = unchecked.layers.iter().filter(|layer| layer.name.starts_with(&prefix));
            if layers.all(|layer| layer.skip == network::Skip::None)
                && let Some(block) = spec.blocks.get_mut(index)
                && let Some(skip) = &mut block.skip
                && skip.value != network::Skip::None
            {
                match block.kind.row().skip {
                    // Without the key there would be the default skip.
                    network::Skip::Projection => skip.value = network::Skip::None,
                    _ => block.skip = None,
                }
            }
        }
        let network = resolve::resolve(&spec, report);
        Some((spec, network))
    }

    fn check(&self, report: &mut Report) {
        let mut seen: Vec<crate::Diagnostic> = Vec::new();
        let first = vec![0; self.choices.len()];
        let others = self.choices.iter().enumerate().flat_map(|(at, choice)| {
            let first = &first;
            (1..choice.nodes.len()).map(move |alternative| {
                let mut indices = first.clone();
                indices[at] = alternative;
                indices
            })
        });
        for indices in std::iter::once(first.clone()).chain(others) {
            let mut found = Report::new(&self.source);
            // The errors of a spec that cannot be read are in the report already.
            let _ = self.read(&indices, &mut found);
            for diagnostic in &found.found {
                if !seen.contains(diagnostic) {
                    seen.push(diagnostic.clone());
                    report.found.push(diagnostic.clone());
                }
            }
        }
    }
}

/// Choices that count as slips in a spec; each is reported with its place. A file with more is a space.
const SLIPS: usize = 2;

/// Reports in one error that a space is not a network; `false` for a spec.
pub(crate) fn refuse(root: &Node, report: &mut Report) -> bool {
    let choices = choices::how_many(root);
    let has_key = |key: &str| matches!(&root.kind, Kind::Map(map) if map.iter().any(|entry| entry.key == key));
    let is_space = choices > SLIPS || choices > 0 && (has_key("limits") || has_key("search"));
    if is_space {
        report.error(root.span, "this is a search space, not a network", |d| {
            d.label(format!("has {choices} {}", if choices == 1 { "choice" } else { "choices" })).hint(
                "`mnasc space` shows it and draws members, `mnasc search` looks for the best; a network has one value in \
                 place of each `choose`",
            );
        });
    }
    is_space
}

/// Whether two layers compute the same but for padding: names, notation and pads do not count.
pub(crate) fn is_same_layer(a: &Layer, b: &Layer) -> bool {
    a.input == b.input
        && a.output == b.output
        && a.kernel_size == b.kernel_size
        && a.stride == b.stride
        && a.op == b.op
        && a.skip == b.skip
}

/// A text that two networks share exactly if they compute the same but for padding, batch-norm epsilon and names.
pub fn key(network: &Network) -> String {
    let mut key = format!("{:?}", network.input);
    for layer in &network.layers {
        key.push_str(&format!(
            "|{} {} {:?} {:?} {:?}",
            layer.kernel_size, layer.stride, layer.output, layer.op, layer.skip
        ));
    }
    key.push_str(&format!("|{:?}", network.head));
    key
}

/// The value of a choice as it is written in a spec.
fn show(node: &Node, source: &Source) -> String {
    match &node.kind {
        Kind::Int(value) => value.to_string(),
        Kind::Float(value) => crate::keywords::show_number(*value),
        Kind::Bool(value) => value.to_string(),
        Kind::Text(text) => text.clone(),
        Kind::Null | Kind::Wrong => "nothing".to_owned(),
        Kind::List(_) | Kind::Map(_) => source.slice(node.span).unwrap_or_default().to_owned(),
    }
}
