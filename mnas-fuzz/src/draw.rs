//! Draws specs greedily, so that a small number of them covers every pair of values.

use crate::case::Case;
use crate::cover::{Missing, Pair};
use crate::factors::*;
use crate::random::Random;
use crate::rules::{can_have_line_buffer, has_depthwise, ops};
use mnas_dsl::spec::BlockKind;
use std::fmt::Write as _;

/// Multiply-accumulates of a network at most, so that the reference takes milliseconds.
const MACS: u64 = 1_500_000;
/// Layers of a network at most, without the stem.
const LAYERS_IN_ALL: usize = 7;
/// Random candidates for each spec that is taken.
const CANDIDATES: usize = 12;
/// Missing pairs for which a candidate is drawn, for each spec that is taken.
const WISHES: usize = 16;
/// Attempts for one missing pair, if there are at least [`WISHES`] of them.
const TRIES: usize = 6;

/// The first `count` specs of a seed. They are the same on every machine, and a longer list begins with a shorter one.
pub fn cases(seed: u64, count: usize) -> Vec<Case> {
    let mut random = Random::new(seed);
    let mut missing = Missing::all();
    (0..count).map(|index| next(&mut random, &mut missing, seed, index)).collect()
}

/// The candidate with the largest number of pairs that are still missing.
fn next(random: &mut Random, missing: &mut Missing, seed: u64, index: usize) -> Case {
    let name = format!("fuzz_{seed}_{index}");
    let mut best: Option<(usize, Case, Vec<Row>)> = None;
    let mut offer = |case: Case, missing: &Missing| {
        let rows = rows(&case);
        let new = missing.in_rows(&rows);
        if best.as_ref().is_none_or(|(most, ..)| new > *most) {
            best = Some((new, case, rows));
        }
    };
    let mut drawn = 0;
    while drawn < CANDIDATES {
        if let Some(case) = draw(random, &name, &[]) {
            offer(case, missing);
            drawn += 1;
        }
    }
    let wanted = missing.list();
    // The last missing pairs are the rarest, so each gets more attempts.
    let wishes = WISHES.min(wanted.len());
    let tries = TRIES * WISHES / wishes.max(1);
    for _ in 0..wishes {
        let pair = random.of(&wanted);
        let has = |case: &Case| rows(case).iter().any(|row| row[pair.0.0] == pair.0.1 && row[pair.1.0] == pair.1.1);
        let found = (0..tries).filter_map(|_| draw(random, &name, &[pair])).find(has);
        if let Some(case) = found {
            offer(case, missing);
        }
    }
    let (_, case, rows) = best.expect("candidates were drawn");
    missing.remove(&rows);
    case
}

/// A valid spec within the limits, or `None` if the drawn text is not one.
fn draw(random: &mut Random, name: &str, wishes: &[Pair]) -> Option<Case> {
    let wishes: Vec<(usize, usize)> = wishes.iter().flat_map(|(one, other)| [*one, *other]).collect();
    let mut sketch = Sketch { random, wishes };
    let (text, l2_bytes) = sketch.spec(name);
    let case = Case::from_yaml(&text, name, l2_bytes, sketch.random.bits() >> 32).ok()?;
    let fits = case.network.macs() <= MACS && case.network.layers.len() <= LAYERS_IN_ALL + 1;
    fits.then_some(case)
}

struct Sketch<'r> {
    random: &'r mut Random,
    /// Values that one of the blocks should have.
    wishes: Vec<(usize, usize)>,
}

/// The values of a block that its neighbours depend on.
struct Block {
    op: &'static str,
    stride: &'static str,
    skip: &'static str,
    pointwise: &'static str,
    layers: &'static str,
}

/// Whether blocks of a kind can have a key.
fn has(op: &str, key: &str) -> bool {
    BlockKind::from_op(op).is_some_and(|kind| kind.has(key))
}

impl Sketch<'_> {
    fn wish(&self, factor: usize) -> Option<&'static str> {
        self.wishes.iter().find(|(f, _)| *f == factor).map(|&(_, value)| FACTORS[factor].values[value])
    }

    /// The wished value if this block is the one for it, else a random one.
    fn pick(&mut self, factor: usize, focus: bool) -> &'static str {
        self.wish(factor).filter(|_| focus).unwrap_or_else(|| self.random.of(FACTORS[factor].values))
    }

    fn op(&mut self, focus: bool) -> &'static str {
        let wish = |factor| self.wish(factor).filter(|_| focus);
        let is = |factor, none: &str| wish(factor).is_some_and(|it| it != none);
        if let Some(op) = wish(OP) {
            return op;
        }
        if is(REDUCE, "-") {
            self.any(ops(|kind| kind.has("reduce")))
        } else if is(POINTWISE, "linear") {
            self.any(ops(|kind| kind.has("pointwise_activation")))
        } else if is(EXPAND, "-") {
            let expands = |kind: BlockKind| kind.has("expand");
            if wish(ROW_BLOCKS) == Some("-") || wish(LINE_BUFFER) == Some("-") {
                self.any(ops(|kind| expands(kind) && !has_depthwise(kind)))
            } else if is(ROW_BLOCKS, "-") || is(LINE_BUFFER, "-") {
                self.any(ops(|kind| expands(kind) && has_depthwise(kind)))
            } else {
                self.any(ops(expands))
            }
        } else if is(LINE_BUFFER, "-") {
            self.any(ops(can_have_line_buffer))
        } else if is(ROW_BLOCKS, "-") {
            self.any(ops(has_depthwise))
        } else if is(SE, "none") {
            self.any(ops(|kind| kind.has("se")))
        } else if wish(LINE_BUFFER) == Some("-") || wish(EXPAND) == Some("-") {
            let mut kinds = ops(|kind| !kind.has("expand"));
            // The order is part of what a seed means: residual blocks and pools are last.
            kinds.sort_by_key(|op| {
                !BlockKind::from_op(op).is_some_and(|kind| !kind.has("reduce") && kind.has("filters"))
            });
            self.any(kinds)
        } else if wish(ROW_BLOCKS) == Some("-") {
            self.any(ops(|kind| !has_depthwise(kind)))
        } else {
            // `mbconv` twice as often as any other.
            let twice = |op: &'static str| std::iter::repeat_n(op, 1 + usize::from(op == "mbconv"));
            self.any(BlockKind::OPS.iter().flat_map(|op| twice(op)).collect())
        }
    }

    /// One of the choices. A single choice takes no random number.
    fn any(&mut self, choices: Vec<&'static str>) -> &'static str {
        if let [only] = choices[..] { only } else { self.random.of(&choices) }
    }

    fn block(&mut self, focus: bool) -> Block {
        let op = self.op(focus);
        let first_skip = self.wish(FIRST_SKIP).filter(|_| focus);
        let skip = match first_skip {
            _ if !has(op, "skip") => "auto",
            Some("pool") => "pool",
            Some("projection") => "projection",
            Some("identity") => "auto",
            _ => match self.wish(SKIP).filter(|_| focus) {
                Some(skip) => skip,
                None => self.random.of(&["auto", "auto", "none", "pool", "projection"]),
            },
        };
        let pointwise = match op {
            _ if has(op, "pointwise_activation")
                && !matches!(skip, "pool" | "projection")
                && first_skip != Some("identity") =>
            {
                self.pick(POINTWISE, focus)
            }
            _ => "linear",
        };
        let layers = match self.wish(LAYERS).filter(|_| has(op, "layers")).filter(|_| focus) {
            Some(layers) => layers,
            None if !has(op, "layers") => "1",
            None => self.random.of(&["1", "1", "1", "2", "2", "3"]),
        };
        let stride = match self.wish(STRIDE).filter(|_| focus) {
            _ if first_skip == Some("identity") => "1",
            Some(stride) => stride,
            None => self.random.of(&["1", "1", "2"]),
        };
        Block { op, stride, skip, pointwise, layers }
    }

    /// Text of a spec, and the cache that it is planned for.
    fn spec(&mut self, name: &str) -> (String, Option<usize>) {
        let most = match self.wish(POSITION) {
            Some("first") => 3,
            _ => 4,
        };
        let count = 1 + self.random.below(most);
        let (count, focus) = match self.wish(POSITION) {
            Some("first") => (count, 0),
            Some(_) => (count.max(2), 1 + self.random.below(count.max(2) - 1)),
            None => (count, self.random.below(count)),
        };
        let mut blocks: Vec<Block> = (0..count).map(|at| self.block(at == focus)).collect();
        let channels = self.channels(&mut blocks, focus);
        let stem_stride = self.pick(STEM_STRIDE, true);
        let height = self.size(HEIGHT, IMAGE_HEIGHT, stem_stride, &blocks[..focus]);
        let width = self.size(WIDTH, IMAGE_WIDTH, stem_stride, &blocks[..focus]);
        keep_sizes(&mut blocks, stem_stride, height, width);

        let mut out = format!("name: {name}\n");
        let _ = writeln!(out, "input: {height}x{width}x{}", self.pick(IMAGE_CHANNELS, true));
        let padding = match self.wish(PADDING).filter(|it| *it != "valid") {
            Some(padding) => padding,
            None => self.random.of(&["same", "symmetric"]),
        };
        let _ = writeln!(out, "padding: {padding}");
        if self.random.percent(30) {
            out.push_str("batch_norm: {eps: 1e-5}\n");
        }
        let _ = writeln!(out, "activation: {}", self.random.of(FACTORS[ACTIVATION].values));
        let (base, rounding, gate) = (self.pick(SE_BASE, true), self.pick(SE_ROUNDING, true), self.pick(SE_GATE, true));
        let _ = write!(out, "squeeze_excite: {{of: {base}, rounding: {rounding}, gate: {gate}");
        match self.pick(SE_ACTIVATION, true) {
            "the block's" => out.push_str("}\n"),
            activation => {
                let _ = writeln!(out, ", activation: {activation}}}");
            }
        }
        let (kernel, activation) = (self.pick(STEM_KERNEL, true), self.pick(STEM_ACTIVATION, true));
        let _ = writeln!(
            out,
            "stem: {{op: conv, kernel: {kernel}, stride: {stem_stride}, filters: {}, activation: {activation}}}",
            channels[0]
        );
        out.push_str("blocks:\n");
        for (at, block) in blocks.iter().enumerate() {
            self.write_block(&mut out, block, channels[at + 1], at == focus);
        }
        self.write_head(&mut out);
        let l2 = self.pick(L2, true).parse().ok();
        (out, l2)
    }

    /// Channels before the first block and after each. Equal channels, which allow skips, are more frequent than by chance.
    fn channels(&mut self, blocks: &mut [Block], focus: usize) -> Vec<&'static str> {
        let mut channels: Vec<&str> = (0..=blocks.len()).map(|_| self.random.of(FACTORS[INPUTS].values)).collect();
        if let Some(wished) = self.wish(INPUTS) {
            channels[focus] = wished;
        }
        for at in 0..blocks.len() {
            let wished = self.wish(FILTERS).filter(|_| at == focus);
            let keeps = (at == focus && matches!(self.wish(FIRST_SKIP), Some("identity" | "pool")))
                || !has(blocks[at].op, "filters");
            if keeps && let Some(wished) = wished {
                channels[at] = wished;
            }
            match wished {
                Some(wished) => channels[at + 1] = wished,
                None if keeps || (self.random.percent(35) && !(at + 1 == focus && self.wish(INPUTS).is_some())) => {
                    channels[at + 1] = channels[at];
                }
                None => {}
            }
        }
        // A pooling skip is an error where no layer can have it.
        for at in 0..blocks.len() {
            if !has(blocks[at].op, "filters") {
                channels[at + 1] = channels[at];
            }
            if channels[at] != channels[at + 1] && blocks[at].layers == "1" && blocks[at].skip == "pool" {
                blocks[at].skip = "none";
            }
        }
        channels
    }

    /// Rows or columns of the image, so that the block after `before` has the wished number of them.
    fn size(&mut self, block: usize, image: usize, stem_stride: &str, before: &[Block]) -> usize {
        let small: &[usize] = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 20, 21, 28, 33];
        if self.wish(block).is_none()
            && let Some(wished) = self.wish(image)
        {
            return match wished {
                "odd" => self.random.of(&[3, 5, 7, 9, 13, 17, 21, 27]),
                "even" => self.random.of(&[4, 6, 8, 10, 14, 16, 20, 32]),
                other => other.parse().unwrap_or(1),
            };
        }
        let class = self.wish(block);
        let mut size = loop {
            let size = self.random.of(small);
            if class.is_none_or(|class| class == size_class(size)) {
                break size;
            }
        };
        let strides = before.iter().map(|block| block.stride).chain([stem_stride]);
        for _ in strides.filter(|stride| *stride == "2") {
            size = (2 * size - self.random.below(2)).max(2);
        }
        size
    }

    fn write_block(&mut self, out: &mut String, block: &Block, filters: &str, focus: bool) {
        let Block { op, stride, skip, pointwise, layers } = block;
        let kernel = self.pick(KERNEL, focus);
        let _ = write!(out, "  - {{op: {op}, kernel: {kernel}, stride: {stride}");
        let is_valid = match self.wish(PADDING).filter(|_| focus) {
            Some(padding) => padding == "valid",
            None => self.random.percent(10),
        };
        if is_valid {
            out.push_str(", padding: valid");
        }
        if !has(op, "filters") {
            out.push_str("}\n");
            return;
        }
        let _ = write!(out, ", filters: {filters}, layers: {layers}");
        if has(op, "reduce") {
            let ratio = match self.wish(REDUCE).filter(|it| focus && *it != "-") {
                Some(ratio) => ratio,
                None => self.random.of(&FACTORS[REDUCE].values[1..]),
            };
            let _ = write!(out, ", reduce: {ratio}");
        }
        if has(op, "expand") {
            let ratio = match self.wish(EXPAND).filter(|it| focus && *it != "-") {
                Some(ratio) => ratio,
                None => self.random.of(&FACTORS[EXPAND].values[1..]),
            };
            let _ = write!(out, ", expand: {ratio}");
        }
        if has(op, "se") {
            let se = match self.wish(SE).filter(|_| focus) {
                Some(se) => se,
                None if self.random.percent(50) => "none",
                None => self.random.of(&FACTORS[SE].values[1..]),
            };
            if se != "none" {
                let _ = write!(out, ", se: {se}");
            }
        }
        if *skip != "auto" {
            let _ = write!(out, ", skip: {skip}");
        }
        if self.wish(ACTIVATION).is_some() && focus || self.random.percent(70) {
            let _ = write!(out, ", activation: {}", self.pick(ACTIVATION, focus));
        }
        if *pointwise != "linear" {
            let _ = write!(out, ", pointwise_activation: {pointwise}");
        }
        out.push_str("}\n");
    }

    fn write_head(&mut self, out: &mut String) {
        let some_head = [HIDDEN, CLASSIFIER].iter().any(|&factor| self.wish(factor).is_some_and(|it| it != "-"));
        let head = match (self.wish(HEAD), self.wish(HEAD_FILTERS), self.wish(CLASSES)) {
            (None, Some("-"), None) if some_head => "plain",
            (None, None, None) if some_head => self.random.of(&["plain", "filters"]),
            (None, ..) if self.wish(CLASSIFIER) == Some("-") => "none",
            (Some(head), ..) => head,
            (None, Some("-"), Some("-")) | (None, None, Some("-")) => "none",
            (None, Some("-"), Some(_)) => "plain",
            (None, Some("-"), None) => self.random.of(&["none", "plain"]),
            (None, Some(_), _) => "filters",
            (None, None, Some(_)) => self.random.of(&["plain", "filters"]),
            (None, None, None) => self.random.of(FACTORS[HEAD].values),
        };
        let some = |sketch: &mut Self, factor| match sketch.wish(factor).filter(|it| *it != "-") {
            Some(value) => value,
            None => sketch.random.of(&FACTORS[factor].values[1..]),
        };
        if head == "none" {
            out.push_str("head: none\n");
            return;
        }
        let _ = write!(out, "head: {{pool: average, classes: {}", some(self, CLASSES));
        let classifier = match self.wish(HIDDEN) {
            Some(hidden) if hidden != "-" => "linear",
            _ => some(self, CLASSIFIER),
        };
        let hidden = match self.wish(HIDDEN) {
            _ if classifier != "linear" => "-",
            Some(hidden) => hidden,
            None => self.random.of(FACTORS[HIDDEN].values),
        };
        if classifier != "linear" {
            let _ = write!(out, ", kernel: {classifier}");
        }
        if hidden != "-" {
            let _ = write!(out, ", hidden: {hidden}");
        }
        if head == "filters" {
            let _ = write!(out, ", filters: {}", some(self, HEAD_FILTERS));
        }
        if head == "filters" || hidden != "-" {
            let _ = write!(out, ", activation: {}", self.random.of(FACTORS[ACTIVATION].values));
        }
        out.push_str("}\n");
    }
}

/// A stride of 2 needs two rows and columns: where fewer are left, strides become 1.
fn keep_sizes(blocks: &mut [Block], stem_stride: &str, mut height: usize, mut width: usize) {
    let strides = std::iter::once(stem_stride).chain(blocks.iter().map(|block| block.stride)).collect::<Vec<_>>();
    for (at, stride) in strides.into_iter().enumerate() {
        if stride == "1" {
            continue;
        }
        match at.checked_sub(1) {
            Some(block) if height < 2 || width < 2 => blocks[block].stride = "1",
            _ => (height, width) = (height.div_ceil(2), width.div_ceil(2)),
        }
    }
}
