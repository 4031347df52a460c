//! Whether a network is a member of a space, and if not, the first block that is not.

use super::{Space, is_same_layer};
use crate::diagnostics::Diagnostics;
use crate::network::{Activation, Head, Layer, Network};
use std::collections::BTreeMap;

/// Combinations of choices of one block, or outside of blocks, that are tried at most.
const MAX_COMBINATIONS: usize = 20_000;

/// Whether a network is a member.
#[derive(Clone, Debug, PartialEq)]
pub enum Membership {
    /// It is a member, with these alternatives. Padding, batch norm and names are not searched and may differ.
    Member(Vec<usize>),
    /// It is not a member.
    Not(Differences),
}

/// Why a network is not a member.
#[derive(Clone, Debug, PartialEq)]
pub struct Differences {
    /// The part of the space where no alternative equals the network: `blocks.3`, `stem`, `head`, `input`.
    pub part: String,
    /// The differences from the nearest member, one sentence each.
    pub differences: Vec<String>,
}

impl Space {
    /// Whether `network` is a member: whether some alternatives give the same layers, in the same order, and the same
    /// head. Blocks may be grouped otherwise than in the space.
    ///
    /// # Errors
    ///
    /// A space whose blocks have too many combinations to try.
    pub fn contains(&self, network: &Network) -> Result<Membership, Diagnostics> {
        let count = self.size().blocks.len();
        let outside = self.combinations(None)?;
        let mut best: Option<(usize, Differences)> = None;
        for combination in outside {
            let mut indices = vec![0; self.choices.len()];
            set(&mut indices, &combination);
            match self.contains_with(network, indices, count)? {
                Ok(indices) => return Ok(Membership::Member(indices)),
                Err((depth, why)) => {
                    if best.as_ref().is_none_or(|(deepest, _)| depth > *deepest) {
                        best = Some((depth, why));
                    }
                }
            }
        }
        let nothing = Differences { part: "input".to_owned(), differences: vec!["the space is empty".to_owned()] };
        Ok(Membership::Not(best.map_or(nothing, |(_, why)| why)))
    }

    /// The alternatives of all blocks, given those outside of blocks; or how far it went and what stopped it.
    fn contains_with(
        &self,
        network: &Network,
        start: Vec<usize>,
        count: usize,
    ) -> Result<Result<Vec<usize>, (usize, Differences)>, Diagnostics> {
        let Ok((_, first)) = self.member(&start) else {
            return Ok(Err((0, not("input", vec!["this combination is not a valid network".to_owned()]))));
        };
        if first.input != network.input {
            let text = format!("{}, in the space {}", network.input, first.input);
            return Ok(Err((0, not("input", vec![text]))));
        }
        match (first.layers.first(), network.layers.first()) {
            (Some(ours), Some(theirs)) if is_same_layer(ours, theirs) => {}
            (Some(ours), Some(theirs)) => return Ok(Err((0, not("stem", differences(theirs, ours))))),
            _ => return Ok(Err((0, not("stem", vec!["the network has no stem".to_owned()])))),
        }
        // The layers at which a block may begin, each with the alternatives that lead to it.
        let mut starts = BTreeMap::from([(1, start)]);
        for block in 0..count {
            let combinations = self.combinations(Some(block))?;
            let mut ends = BTreeMap::new();
            let mut nearest: Option<Vec<String>> = None;
            for (&at, prefix) in &starts {
                for combination in &combinations {
                    let mut indices = prefix.clone();
                    set(&mut indices, combination);
                    let Ok((_, member)) = self.member(&indices) else { continue };
                    let prefix = format!("blocks.{block}.");
                    let ours: Vec<&Layer> =
                        member.layers.iter().filter(|layer| layer.name.starts_with(&prefix)).collect();
                    let theirs = network.layers.get(at..).unwrap_or_default();
                    if theirs.len() >= ours.len() && ours.iter().zip(theirs).all(|(a, b)| is_same_layer(a, b)) {
                        ends.entry(at + ours.len()).or_insert(indices);
                        continue;
                    }
                    let found = block_differences(theirs, &ours);
                    if nearest.as_ref().is_none_or(|nearest| found.len() < nearest.len()) {
                        nearest = Some(found);
                    }
                }
            }
            if ends.is_empty() {
                return Ok(Err((block + 1, not(&format!("blocks.{block}"), nearest.unwrap_or_default()))));
            }
            starts = ends;
        }
        let Some(indices) = starts.get(&network.layers.len()) else {
            let text = format!(
                "the network goes on: {} layers, in the space at most {}",
                network.layers.len(),
                starts.keys().max().unwrap_or(&0)
            );
            return Ok(Err((count + 1, not("blocks", vec![text]))));
        };
        if first.head != network.head {
            let differences = head_differences(network.head.as_ref(), first.head.as_ref());
            return Ok(Err((count + 1, not("head", differences))));
        }
        Ok(Ok(indices.clone()))
    }

    /// Every combination of a block's choices (or of those outside of blocks), as pairs of choice and alternative.
    fn combinations(&self, block: Option<usize>) -> Result<Vec<Vec<(usize, usize)>>, Diagnostics> {
        let mut all = vec![Vec::new()];
        for (at, choice) in self.choices.iter().enumerate().filter(|(_, choice)| choice.block == block) {
            if all.len() * choice.nodes.len() > MAX_COMBINATIONS {
                let mut report = crate::diagnostics::Report::new(&self.source);
                report.error(choice.span, "too many combinations to try", |d| {
                    d.label("the limit is exceeded here")
                        .hint(format!("a block may have at most {MAX_COMBINATIONS} combinations for this check"));
                });
                return report.finish(None);
            }
            all = all
                .iter()
                .flat_map(|combination| {
                    (0..choice.nodes.len()).map(move |alternative| {
                        let mut longer = combination.clone();
                        longer.push((at, alternative));
                        longer
                    })
                })
                .collect();
        }
        Ok(all)
    }
}

fn set(indices: &mut [usize], combination: &[(usize, usize)]) {
    for &(at, alternative) in combination {
        indices[at] = alternative;
    }
}

fn not(part: &str, differences: Vec<String>) -> Differences {
    Differences { part: part.to_owned(), differences }
}

/// The differences between a block and the layers of a network from some layer on.
fn block_differences(theirs: &[Layer], ours: &[&Layer]) -> Vec<String> {
    let Some((last, first)) = ours.last().zip(ours.first()) else { return Vec::new() };
    let Some(their_first) = theirs.first() else {
        return vec!["the network has ended".to_owned()];
    };
    let mut found = differences(their_first, first);
    if found.is_empty() {
        // The first layers are equal: report the first layer that differs.
        let alike = ours.iter().zip(theirs).take_while(|(a, b)| is_same_layer(a, b)).count();
        match theirs.get(alike) {
            Some(other) => {
                let ours = ours.get(alike).unwrap_or(last);
                found =
                    differences(other, ours).into_iter().map(|text| format!("layer {}: {text}", alike + 1)).collect();
            }
            None => found.push(format!("layers {alike}, in the space {}", ours.len())),
        }
    }
    found
}

/// The differences between two layers, each with both values.
fn differences(theirs: &Layer, ours: &Layer) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, theirs: String, ours: String| {
        if theirs != ours {
            found.push(format!("{what} {theirs}, in the space {ours}"));
        }
    };
    compare("op", op(theirs), op(ours));
    compare("kernel", theirs.kernel_size.to_string(), ours.kernel_size.to_string());
    compare("stride", theirs.stride.to_string(), ours.stride.to_string());
    compare("squeeze-excite", se(theirs), se(ours));
    compare("filters", theirs.output.channels.to_string(), ours.output.channels.to_string());
    compare("skip", format!("{:?}", theirs.skip).to_lowercase(), format!("{:?}", ours.skip).to_lowercase());
    if found.is_empty() && !is_same_layer(theirs, ours) {
        found.push(format!("{:?}, in the space {:?}", theirs.op, ours.op));
    }
    found
}

/// The differences between two heads, each with both values.
fn head_differences(theirs: Option<&Head>, ours: Option<&Head>) -> Vec<String> {
    let (Some(theirs), Some(ours)) = (theirs, ours) else {
        let is_there = |head: Option<&Head>| if head.is_some() { "one" } else { "none" };
        return vec![format!("{}, in the space {}", is_there(theirs), is_there(ours))];
    };
    let layer = |it: Option<(usize, Activation)>| {
        it.map_or("none".to_owned(), |(outputs, activation)| format!("{outputs} ({activation:?})").to_lowercase())
    };
    let classifier = |head: &Head| format!("{:?}", head.classifier).to_lowercase();
    [
        ("classes", theirs.classes.to_string(), ours.classes.to_string()),
        ("filters", layer(theirs.conv), layer(ours.conv)),
        ("hidden", layer(theirs.hidden), layer(ours.hidden)),
        ("classifier", classifier(theirs), classifier(ours)),
    ]
    .into_iter()
    .filter(|(_, theirs, ours)| theirs != ours)
    .map(|(what, theirs, ours)| format!("{what} {theirs}, in the space {ours}"))
    .collect()
}

/// The word of a layer's kind, with the width that its block chooses.
fn op(layer: &Layer) -> String {
    let kind = layer.op.kind();
    let inner = layer.chain().convs().next().map(|conv| conv.filters);
    match inner.filter(|_| kind.has("expand") || kind.has("reduce")) {
        Some(channels) => format!("{} of {channels} channels", kind.op()),
        None => kind.op().to_owned(),
    }
}

fn se(layer: &Layer) -> String {
    layer.chain().squeeze_excite().map_or("none".to_owned(), |se| format!("of {} channels", se.channels))
}
