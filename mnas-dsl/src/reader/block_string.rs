//! Reads block strings, timm's and TensorFlow's.

use super::fields::{expand_ratio, kernel_size, se_ratio, whole};
use crate::diagnostics::Report;
use crate::keywords::TIMM_ACTIVATIONS;
use crate::kind::TimmType;
use crate::limits;
use crate::nearest::nearest;
use crate::network::{Activation, Skip};
use crate::source::{At, Span};
use crate::spec::{Block, BlockKind, Broken, Notation, PointwiseActivation};
use crate::tree::{Kind, Node, shorten};

/// Option letters of either kind of string, for messages.
const TIMM_OPTIONS: &str = "rN kN sN eX cN seX nre nr6 nhs nsw skip noskip";
const TENSORFLOW_OPTIONS: &str = "rN kN sNN eX iN oN seX noskip";

/// Reads the block string `text` that stands at `span`. Mistakes leave a stand-in, or `None` when the
/// kind is not known.
pub(crate) fn read(text: &str, span: Span, report: &mut Report) -> Option<Block> {
    let pieces = pieces(text, span, report);
    let first = pieces.first()?;
    let is_tensorflow = first.0.starts_with('r') && first.0.contains(|c: char| c.is_ascii_digit());
    let mut reader = Reader { options: Vec::new(), skip: None, activation: None, is_tensorflow, report };
    let before = reader.report.found.count();
    let timm = if is_tensorflow { None } else { Some(reader.timm_type(first.0, first.1)?) };
    for &(piece, at) in pieces.get(usize::from(!is_tensorflow)..).unwrap_or_default() {
        reader.option(piece, at);
    }
    let mut block = reader.block(timm, span);
    if let Some(filters) = reader.number_option(if is_tensorflow { "o" } else { "c" }) {
        match whole(&filters, "the number of filters", limits::CHANNELS, reader.report) {
            Some(filters) => block.filters = Some(filters),
            None => block.broken.filters = true,
        }
    } else {
        block.broken.filters = true;
        let key = if is_tensorflow { "o" } else { "c" };
        reader.missing(key, span);
    }
    check_skip(&block, reader.report);
    block.broken.other = reader.report.found.count() > before;
    Some(block)
}

/// The pieces between underscores and where each stands; the whole string's place where the text that was
/// written is not the string itself (escapes, tokens).
fn pieces<'a>(text: &'a str, span: Span, report: &Report) -> Vec<(&'a str, Span)> {
    let written = report.source.slice(span);
    let shift = match written {
        Some(written) if written == text => Some(0),
        Some(written) if written.get(1..written.len().saturating_sub(1)) == Some(text) => Some(1),
        _ => None,
    };
    let mut start = 0;
    let mut pieces = Vec::new();
    for piece in text.split('_') {
        let at = shift.map_or(span, |shift| {
            let from = span.start + shift + start;
            Span::new(from, from + piece.len())
        });
        start += piece.len() + 1;
        pieces.push((piece, at));
    }
    pieces
}

struct Reader<'a, 'r> {
    options: Vec<(&'a str, &'a str, Span)>,
    skip: Option<At<Skip>>,
    activation: Option<At<Activation>>,
    is_tensorflow: bool,
    report: &'r mut Report,
}

impl<'a> Reader<'a, '_> {
    fn timm_type(&mut self, name: &str, span: Span) -> Option<(BlockKind, &'static TimmType)> {
        let types = || BlockKind::ALL.iter().flat_map(|&kind| kind.row().timm.iter().map(move |timm| (kind, timm)));
        if let Some(found) = types().find(|(_, timm)| timm.name == name) {
            return Some(found);
        }
        let list = types().map(|(_, timm)| timm.name).collect::<Vec<_>>().join(", ");
        self.report.error(span, format!("unknown type `{}` of a block string", shorten(name)), |d| {
            d.label("not known")
                .hint(format!("known types: {list} (timm); a TensorFlow string starts with its repeats, `r1`"));
        });
        None
    }

    fn option(&mut self, piece: &'a str, span: Span) {
        if piece == "noskip" || piece == "skip" && !self.is_tensorflow {
            let value = if piece == "skip" { Skip::Identity } else { Skip::None };
            if self.skip.replace(At::new(value, span)).is_some() {
                self.twice("skip", span);
            }
            return;
        }
        let activation = TIMM_ACTIVATIONS.iter().find(|(word, _)| *word == piece);
        if let (Some((_, value)), false) = (activation, self.is_tensorflow) {
            if self.activation.replace(At::new(*value, span)).is_some() {
                self.twice("activation", span);
            }
            return;
        }
        let digits = piece.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(piece.len());
        let (letters, value) = piece.split_at_checked(digits).unwrap_or((piece, ""));
        let known: &[&str] = match self.is_tensorflow {
            true => &["r", "k", "s", "e", "i", "o", "se"],
            false => &["r", "k", "s", "e", "c", "se"],
        };
        if !known.contains(&letters) {
            let list = if self.is_tensorflow { TENSORFLOW_OPTIONS } else { TIMM_OPTIONS };
            let near = nearest(piece, ["noskip", "skip"]);
            self.report.error(span, format!("unknown option `{}` of a block string", shorten(piece)), |d| {
                d.label("not known").hint(match near {
                    Some(near) => format!("did you mean `{near}`? known: {list}"),
                    None => format!("known: {list}"),
                });
            });
        } else if self.options.iter().any(|(key, ..)| *key == letters) {
            self.twice(letters, span);
        } else {
            self.options.push((letters, value, span));
        }
    }

    fn twice(&mut self, what: &str, span: Span) {
        self.report.error(span, format!("`{what}` is given twice in a block string"), |d| {
            d.label("second time").hint("keep one of them");
        });
    }

    fn missing(&mut self, key: &str, span: Span) {
        let what = match key {
            "r" => "repeats",
            "k" => "kernel size",
            "s" => "stride",
            "e" => "expansion",
            "i" => "input filters",
            _ => "filters",
        };
        self.report.error(span, format!("the block string has no {what}"), |d| {
            d.label(format!("no `{key}`")).hint(format!("add `_{key}` and the number"));
        });
    }

    /// The option as a value of the tree, so that it is checked as one in long form is.
    fn number_option(&self, key: &str) -> Option<Node> {
        let &(_, value, span) = self.options.iter().find(|(it, ..)| *it == key)?;
        let is_number =
            value.starts_with(|c: char| c.is_ascii_digit()) && value.ends_with(|c: char| c.is_ascii_digit());
        let kind = match (value.parse::<i64>(), value.parse::<f64>()) {
            (Ok(whole), _) if is_number => Kind::Int(whole),
            (_, Ok(number)) if is_number && !value.contains(['e', 'E']) => Kind::Float(number),
            _ => Kind::Text(value.to_owned()),
        };
        Some(Node::new(span, kind))
    }

    fn block(&mut self, timm: Option<(BlockKind, &'static TimmType)>, span: Span) -> Block {
        let kernel_size = match self.number_option("k") {
            Some(node) => kernel_size(&node, self.report),
            None => {
                self.missing("k", span);
                None
            }
        };
        let layers =
            self.number_option("r").and_then(|node| whole(&node, "the number of repeats", limits::LAYERS, self.report));
        let stride = self.stride(span);
        let input_filters = self
            .number_option("i")
            .and_then(|node| whole(&node, "the number of input filters", limits::CHANNELS, self.report));
        for key in ["r", "i", "e"] {
            if self.is_tensorflow && self.number_option(key).is_none() {
                self.missing(key, span);
            }
        }
        let expand = self.number_option("e").and_then(|node| expand_ratio(&node, self.report));
        let se = self.number_option("se").and_then(|node| se_ratio(&node, self.report));
        let kind = match timm {
            Some((kind, _)) => kind,
            // TensorFlow has no types: what does not expand has no expansion at all.
            None if expand.is_some_and(|it| it.value == 1.0) => BlockKind::SepConv,
            None => BlockKind::MbConv,
        };
        self.check_expand(kind, expand, timm.map(|(_, timm)| timm.name), span);
        if let (Some(ratio), BlockKind::Conv) = (se, kind) {
            self.report.error(ratio.span, "`cn` has no `se`", |d| {
                d.label("squeeze-excite stands before a projection, and `cn` has none")
                    .hint("remove it, or use a type that has it: ds, ir, er");
            });
        }
        let on_request = timm.is_some_and(|(_, timm)| timm.skip_on_request);
        let pointwise = timm.is_some_and(|(_, timm)| timm.pointwise_activation);
        Block {
            span,
            line: self.report.source.line(span),
            notation: if self.is_tensorflow { Notation::TensorFlow } else { Notation::Timm },
            kind,
            kernel_size: kernel_size.unwrap_or(At::new(3, span)),
            stride,
            filters: Some(At::new(8, span)),
            input_filters,
            layers,
            expand_ratio: expand,
            se_ratio: se,
            reduce_ratio: None,
            skip: self.skip.or(on_request.then_some(At::new(Skip::None, span))),
            activation: self.activation,
            padding: None,
            pointwise_activation: pointwise.then_some(At::new(PointwiseActivation::Same, span)),
            broken: Broken::default(),
        }
    }

    /// `s2`, or TensorFlow's two digits `s22`.
    fn stride(&mut self, span: Span) -> Option<At<usize>> {
        let Some(node) = self.number_option("s") else {
            if self.is_tensorflow {
                self.missing("s", span);
            }
            return None;
        };
        if !self.is_tensorflow {
            return whole(&node, "the stride", limits::STRIDE, self.report);
        }
        match node.kind {
            Kind::Int(11) => Some(At::new(1, node.span)),
            Kind::Int(22) => Some(At::new(2, node.span)),
            _ => {
                self.report.error(node.span, "not a stride of a TensorFlow block string", |d| {
                    d.label("must be `s11` or `s22`")
                        .hint("the digits are the strides down and across, which have to be equal");
                });
                None
            }
        }
    }

    fn check_expand(&mut self, kind: BlockKind, expand: Option<At<f64>>, name: Option<&str>, span: Span) {
        match (kind, expand) {
            (BlockKind::MbConv | BlockKind::FusedMbConv, None)
                if !self.is_tensorflow && self.number_option("e").is_none() =>
            {
                self.missing("e", span)
            }
            (BlockKind::Conv | BlockKind::SepConv, Some(ratio)) if ratio.value != 1.0 => {
                let name = name.unwrap_or("a block");
                self.report.error(ratio.span, format!("`{name}` has no expansion"), |d| {
                    d.label("only `ir` and `er` expand").hint("write `e1`, leave it away, or use `ir`");
                });
            }
            _ => {}
        }
    }
}

/// A skip that a block cannot have whatever its shapes.
pub(crate) fn check_skip(block: &Block, report: &mut Report) {
    if let Some(skip) = block.skip
        && skip.value != Skip::None
        && block.has_pointwise_activation()
    {
        report.error(skip.span, "a block with an activation after its pointwise half has no skip", |d| {
            d.label("skip written here").hint("remove `skip`, or the activation after the pointwise convolution");
        });
    }
}
