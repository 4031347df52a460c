//! The pairs of values that no spec can have.

use crate::factors::*;
use mnas_dsl::chain::Chain;
use mnas_dsl::spec::BlockKind;
use std::sync::LazyLock;

/// Values of one factor that exclude the given values of another.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Why.
    pub reason: &'static str,
    /// A factor and some of its values.
    pub one: (usize, Vec<&'static str>),
    /// Another factor and some of its values.
    pub other: (usize, Vec<&'static str>),
}

fn rule(
    reason: &'static str,
    one: (usize, impl AsRef<[&'static str]>),
    other: (usize, impl AsRef<[&'static str]>),
) -> Rule {
    Rule { reason, one: (one.0, one.1.as_ref().to_vec()), other: (other.0, other.1.as_ref().to_vec()) }
}

const SOME_HIDDEN: &[&str] = &["6", "17", "32"];
const SOME_CLASSIFIER: &[&str] = &["linear", "1", "3"];
const RATIOS: &[&str] = &["0.5", "1", "2", "2.5", "3", "6"];
const SOME_SE: &[&str] = &["0.01", "0.25", "0.5", "1"];
const SOME_SKIP: &[&str] = &["identity", "pool", "projection"];
const SOME_ACTIVATION: &[&str] = &["relu", "relu6", "hard_swish", "swish", "sigmoid", "hard_sigmoid"];
const REDUCTIONS: &[&str] = &["0.25", "0.5", "1"];
const ABOVE_1: &[&str] = &["2", "3", "4", "odd", "even", "long odd", "long even"];
const ABOVE_2: &[&str] = &["3", "4", "odd", "even", "long odd", "long even"];
const A_STEP: &[&str] = &["whole", "some", "one row"];

/// Every pair that is impossible.
pub static RULES: LazyLock<Vec<Rule>> = LazyLock::new(rules);

fn rules() -> Vec<Rule> {
    let have = |key: &'static str| ops(move |kind| kind.has(key));
    let lack = |key: &'static str| ops(move |kind| !kind.has(key));
    let (depthwise, not_depthwise) = (ops(has_depthwise), ops(|kind| !has_depthwise(kind)));
    vec![
        rule("it has no expansion", (OP, lack("expand")), (EXPAND, RATIOS)),
        rule("it always expands", (OP, have("expand")), (EXPAND, &["-"])),
        rule("only bottlenecks reduce", (OP, lack("reduce")), (REDUCE, REDUCTIONS)),
        rule("bottlenecks always reduce", (OP, have("reduce")), (REDUCE, &["-"])),
        rule("bottlenecks have no expansion", (REDUCE, REDUCTIONS), (EXPAND, RATIOS)),
        rule("it has no squeeze-excite", (OP, lack("se")), (SE, SOME_SE)),
        rule("bottlenecks have none", (REDUCE, REDUCTIONS), (SE, SOME_SE)),
        rule("only sepconv has it", (OP, lack("pointwise_activation")), (POINTWISE, &["same", "relu6"])),
        rule("only sepconv has it", (EXPAND, RATIOS), (POINTWISE, &["same", "relu6"])),
        rule("only sepconv has it", (REDUCE, REDUCTIONS), (POINTWISE, &["same", "relu6"])),
        rule("a pool has no skip", (OP, lack("skip")), (SKIP, &["none", "pool", "projection"])),
        rule("a pool has no skip", (OP, lack("skip")), (FIRST_SKIP, SOME_SKIP)),
        rule("a pool has no layers", (OP, lack("layers")), (LAYERS, &["2", "3"])),
        rule("a pool has no activation", (OP, lack("activation")), (ACTIVATION, SOME_ACTIVATION)),
        rule("refused by the language", (POINTWISE, &["same", "relu6"]), (SKIP, &["pool", "projection"])),
        rule("there is never a skip", (POINTWISE, &["same", "relu6"]), (FIRST_SKIP, SOME_SKIP)),
        rule("as written", (SKIP, &["none"]), (FIRST_SKIP, SOME_SKIP)),
        rule("as written", (SKIP, &["auto"]), (FIRST_SKIP, &["pool"])),
        rule("as written", (SKIP, &["pool"]), (FIRST_SKIP, &["identity", "projection"])),
        rule("as written", (SKIP, &["projection"]), (FIRST_SKIP, &["pool"])),
        rule("refused by the language", (SKIP, &["projection"]), (FIRST_SKIP, &["none"])),
        rule("identity keeps the size", (STRIDE, &["2"]), (FIRST_SKIP, &["identity"])),
        rule("a stride of 2 needs two rows", (STRIDE, &["2"]), (HEIGHT, &["1"])),
        rule("a stride of 2 needs two columns", (STRIDE, &["2"]), (WIDTH, &["1"])),
        rule("a stride of 2 needs two rows", (STRIDE, &["2"]), (IMAGE_HEIGHT, &["1"])),
        rule("a stride of 2 needs two columns", (STRIDE, &["2"]), (IMAGE_WIDTH, &["1"])),
        rule("a stride of 2 needs two rows", (STEM_STRIDE, &["2"]), (IMAGE_HEIGHT, &["1"])),
        rule("a stride of 2 needs two columns", (STEM_STRIDE, &["2"]), (IMAGE_WIDTH, &["1"])),
        rule("no layer adds rows", (IMAGE_HEIGHT, &["1"]), (HEIGHT, ABOVE_1)),
        rule("no layer adds columns", (IMAGE_WIDTH, &["1"]), (WIDTH, ABOVE_1)),
        rule("no layer adds rows", (IMAGE_HEIGHT, &["2"]), (HEIGHT, ABOVE_2)),
        rule("no layer adds columns", (IMAGE_WIDTH, &["2"]), (WIDTH, ABOVE_2)),
        rule("a backbone has no classes", (HEAD, &["none"]), (CLASSES, &["1", "7", "8", "10", "33", "70"])),
        rule("a head has classes", (HEAD, &["plain", "filters"]), (CLASSES, &["-"])),
        rule("as written", (HEAD, &["none", "plain"]), (HEAD_FILTERS, &["7", "20", "32", "37", "48"])),
        rule("as written", (HEAD, &["filters"]), (HEAD_FILTERS, &["-"])),
        rule("a backbone has no head", (HEAD, &["none"]), (HIDDEN, SOME_HIDDEN)),
        rule("a backbone has no head", (CLASSES, &["-"]), (HIDDEN, SOME_HIDDEN)),
        rule("a backbone has no head", (HEAD, &["none"]), (CLASSIFIER, SOME_CLASSIFIER)),
        rule("a backbone has no head", (CLASSES, &["-"]), (CLASSIFIER, SOME_CLASSIFIER)),
        rule("a head has a classifier", (HEAD, &["plain", "filters"]), (CLASSIFIER, &["-"])),
        rule("a head has a classifier", (CLASSES, &["1", "7", "8", "10", "33", "70"]), (CLASSIFIER, &["-"])),
        rule("a head has a classifier", (HEAD_FILTERS, &["7", "20", "32", "37", "48"]), (CLASSIFIER, &["-"])),
        rule("one is behind the pool, the other before", (HIDDEN, SOME_HIDDEN), (CLASSIFIER, &["-", "1", "3"])),
        rule("a backbone has no classes", (HEAD_FILTERS, &["7", "20", "32", "37", "48"]), (CLASSES, &["-"])),
        rule("only a depthwise convolution has row blocks", (OP, &not_depthwise), (ROW_BLOCKS, A_STEP)),
        rule("only a depthwise convolution has row blocks", (REDUCE, REDUCTIONS), (ROW_BLOCKS, A_STEP)),
        rule("a block is", (OP, &depthwise), (ROW_BLOCKS, &["-"])),
        rule("a block is", (POINTWISE, &["same", "relu6"]), (ROW_BLOCKS, &["-"])),
        rule(
            "only a depthwise convolution has a line buffer",
            (OP, &not_depthwise),
            (LINE_BUFFER, &["whole", "wraps"]),
        ),
        rule(
            "only a depthwise convolution has a line buffer",
            (REDUCE, REDUCTIONS),
            (LINE_BUFFER, &["whole", "wraps"]),
        ),
        rule("an expansion fills a line buffer", (OP, ops(expands_into_depthwise)), (LINE_BUFFER, &["-"])),
        rule("only blocks have a line buffer", (ROW_BLOCKS, &["-"]), (LINE_BUFFER, &["whole", "wraps"])),
        rule("one row block needs every row", (ROW_BLOCKS, &["whole"]), (LINE_BUFFER, &["wraps"])),
        rule("one row is all", (HEIGHT, &["1"]), (ROW_BLOCKS, &["some", "one row"])),
        rule("one row is all", (IMAGE_HEIGHT, &["1"]), (ROW_BLOCKS, &["some", "one row"])),
        rule("no divisor lies between", (HEIGHT, &["2", "3"]), (ROW_BLOCKS, &["some"])),
        rule("no divisor lies between", (IMAGE_HEIGHT, &["2"]), (ROW_BLOCKS, &["some"])),
        rule("one row is all", (HEIGHT, &["1"]), (LINE_BUFFER, &["wraps"])),
        rule("one row is all", (IMAGE_HEIGHT, &["1"]), (LINE_BUFFER, &["wraps"])),
    ]
}

/// The words of some kinds, in the order of all.
pub(crate) fn ops(which: impl Fn(BlockKind) -> bool) -> Vec<&'static str> {
    BlockKind::ALL.iter().filter(|kind| which(**kind)).map(|kind| kind.op()).collect()
}

/// Whether layers of a kind have a depthwise convolution: such a layer is computed in row blocks.
pub(crate) fn has_depthwise(kind: BlockKind) -> bool {
    chain(kind).convs().any(|conv| conv.depthwise)
}

/// Whether a depthwise convolution reads what another convolution of the layer wrote: rows of that lie in a line buffer.
pub(crate) fn can_have_line_buffer(kind: BlockKind) -> bool {
    chain(kind).convs().skip_while(|conv| conv.depthwise).any(|conv| conv.depthwise)
}

/// Whether a pointwise convolution comes first and a depthwise one next: the two are one step, with a line buffer between.
pub(crate) fn expands_into_depthwise(kind: BlockKind) -> bool {
    let chain = chain(kind);
    let mut convs = chain.convs();
    convs.next().is_some_and(|first| !first.depthwise) && convs.next().is_some_and(|second| second.depthwise)
}

/// What a layer of a kind computes.
fn chain(kind: BlockKind) -> Chain {
    let mut block = format!("op: {}, kernel: 3", kind.op());
    for (key, value) in [("filters", 8), ("expand", 2)] {
        if kind.has(key) {
            block.push_str(&format!(", {key}: {value}"));
        }
    }
    let text = format!(
        "name: one\ninput: 8x8x8\nstem: {{op: conv, kernel: 3, filters: 8}}\nblocks: [{{{block}}}]\nhead: none\n"
    );
    let (_, network) = mnas_dsl::load_yaml(&text, kind.op()).expect("a block of every kind fits");
    network.layers[1].chain()
}

/// Why no row can have both values; `None` if one can.
pub fn impossible(one: (usize, usize), other: (usize, usize)) -> Option<&'static str> {
    let has = |side: &(usize, Vec<&'static str>), (factor, value): (usize, usize)| {
        side.0 == factor && side.1.contains(&FACTORS[factor].values[value])
    };
    let forbids = |r: &&Rule| (has(&r.one, one) && has(&r.other, other)) || (has(&r.one, other) && has(&r.other, one));
    RULES.iter().find(forbids).map(|r| r.reason)
}
