//! Recognises the head: the pool and the classifier after the blocks.

use crate::layer::Head;
use crate::net::{Reader, Unit};
use crate::tape::{Op, StepId};
use crate::walk::Walk;
use mnas_dsl::network::Activation;

impl<'t, 'a> Walk<'_, 't, 'a> {
    /// The pool of a head, and the convolution before it that belongs to it.
    pub(crate) fn pool_ahead(&self, at: StepId) -> Option<(Option<Unit<'t, 'a>>, StepId)> {
        let net = self.net;
        let is_pool = |step: StepId| matches!(net.op(step), Op::GlobalAveragePool);
        let next = net.only_reader(at)?;
        if is_pool(next) {
            return Some((None, next));
        }
        let conv = net.unit(next).filter(|_| !self.layers.layers.is_empty())?;
        let pool = net.only_reader(conv.output).filter(|&step| is_pool(step))?;
        if net.readers(pool) == [Reader::Output] {
            return Some((Some(conv), pool));
        }
        if !conv.is_pointwise() {
            return None;
        }
        // MobileNetV3's last 1x1 convolution is a block: its head begins with the pool.
        let has_hidden = net.next_unit(pool).and_then(|unit| net.next_unit(unit.output)).is_some();
        (!has_hidden).then_some((Some(conv), pool))
    }

    pub(crate) fn head(&mut self, conv: Option<Unit<'t, 'a>>, pool: StepId) {
        let net = self.net;
        let mut at = pool;
        let mut units = Vec::new();
        while let Some(unit) = net.next_unit(at) {
            at = unit.output;
            units.push(unit);
        }
        if net.readers(at) != [Reader::Output] {
            let place = net.only_reader(at).unwrap_or(at);
            self.problem(place, "it follows the pool", "a head ends with the classifier, whose logits are the output");
            return;
        }
        if let (Some(conv), []) = (conv, &units[..]) {
            self.classifier_conv(conv);
            return;
        }
        let (hidden, classifier) = match units[..] {
            [classifier] => (None, classifier),
            [hidden, classifier] => (Some(hidden), classifier),
            _ => {
                let found = format!("{} layers of weights after the pool", units.len());
                let expected = "a classifier, with at most one layer before it; `head: none` has no pool";
                self.problem(pool, found, expected);
                return;
            }
        };
        if let Some(hidden) = hidden.filter(Unit::is_normed) {
            self.problem(hidden.output, "a batch norm after the pool", "the hidden layer of a head has a bias");
        }
        if classifier.is_normed() || !classifier.activation.is(Activation::Linear) {
            let found = format!("a classifier with a batch norm or an activation ({})", classifier.activation);
            self.problem(classifier.output, found, "nothing follows the classifier of a spec");
        }
        self.layers.head = Some(Head { conv, hidden, classifier, is_conv: false });
    }

    /// A classifier before the pool, whose scores are averaged.
    fn classifier_conv(&mut self, classifier: Unit<'t, 'a>) {
        let is_plain = !classifier.is_normed() && classifier.activation.is(Activation::Linear);
        if !is_plain || classifier.conv.stride != 1 || classifier.conv.depthwise {
            let found = "the last convolution before the pool that ends the network";
            let expected = "a classifier there is a convolution of stride 1 without a batch norm or an activation";
            self.problem(classifier.step, found, expected);
        }
        self.layers.head = Some(Head { conv: None, hidden: None, classifier, is_conv: true });
    }
}
