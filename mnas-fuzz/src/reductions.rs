//! Smaller specs near a given one: each is one change away.

use mnas_dsl::network::{Activation, Skip};
use mnas_dsl::source::{At, Span};
use mnas_dsl::spec::{Block, BlockKind, Notation, Spec};

/// Every spec that is one step smaller, the largest steps first. Some of them may be invalid.
///
/// A step never leads back: each takes something away for good.
pub fn reductions(spec: &Spec) -> Vec<Spec> {
    let mut out = Reductions { spec: long_form(spec), found: Vec::new() };
    out.parts();
    out.sizes();
    out.features();
    out.channels();
    out.words();
    out.found
}

struct Reductions {
    spec: Spec,
    found: Vec<Spec>,
}

impl Reductions {
    /// The spec with a change, if it makes a difference.
    fn with(&mut self, change: impl FnOnce(&mut Spec)) {
        let mut changed = self.spec.clone();
        change(&mut changed);
        if changed != self.spec {
            self.found.push(changed);
        }
    }

    /// The spec with a change in each block; `change` returns `false` where it does not apply.
    fn each_block(&mut self, change: impl Fn(&mut Block) -> bool) {
        for at in 0..self.spec.blocks.len() {
            let mut block = self.spec.blocks[at].clone();
            if change(&mut block) {
                self.with(|spec| spec.blocks[at] = block);
            }
        }
    }

    fn parts(&mut self) {
        for at in 0..self.spec.blocks.len() {
            if self.spec.blocks.len() > 1 {
                self.with(|spec| {
                    spec.blocks.remove(at);
                });
            }
        }
        self.with(|spec| spec.head = None);
        self.with(|spec| spec.scale = None);
        self.each_block(|block| block.layers.take().is_some());
        self.with(|spec| {
            if let Some(head) = &mut spec.head {
                head.filters = None;
                head.activation = None;
            }
        });
    }

    fn sizes(&mut self) {
        let shrink: [fn(usize) -> usize; 2] = [|size| size.div_ceil(2), |size| (size - 1).max(1)];
        for smaller in shrink {
            self.with(|spec| spec.input.value.height = smaller(spec.input.value.height));
            self.with(|spec| spec.input.value.width = smaller(spec.input.value.width));
        }
    }

    fn features(&mut self) {
        self.each_block(|block| block.se_ratio.take().is_some());
        self.each_block(|block| block.reduce_ratio.take().is_some());
        self.each_block(|block| block.stride.take().is_some());
        self.with(|spec| spec.stem.stride = None);
        self.each_block(|block| {
            let goes = !matches!(block.kind, BlockKind::Conv | BlockKind::SepConv);
            if goes {
                block.kind = BlockKind::SepConv;
                (block.expand_ratio, block.reduce_ratio) = (None, None);
                // A pool has no filters, and its input may have any number of channels.
                block.filters.get_or_insert(At::new(1, Span::default()));
            }
            goes
        });
        self.each_block(|block| match &mut block.expand_ratio {
            Some(ratio) if ratio.value != 1.0 => {
                ratio.value = 1.0;
                true
            }
            _ => false,
        });
        self.each_block(|block| {
            let goes = block.skip.is_none_or(|skip| skip.value != Skip::None);
            block.skip = Some(At::new(Skip::None, Span::default()));
            goes
        });
        let kernels: [fn(usize) -> usize; 2] = [|_| 1, |size| size.saturating_sub(2).max(1)];
        for smaller in kernels {
            self.each_block(|block| smaller_of(&mut block.kernel_size.value, smaller));
            self.with(|spec| spec.stem.kernel_size.value = smaller(spec.stem.kernel_size.value));
        }
    }

    fn channels(&mut self) {
        let shrink: [fn(usize) -> usize; 3] =
            [|_| 1, |channels| channels.div_ceil(2), |channels| (channels - 1).max(1)];
        for smaller in shrink {
            let smaller_filters = |block: &mut Block| {
                block.filters.as_mut().is_some_and(|filters| smaller_of(&mut filters.value, smaller))
            };
            self.each_block(smaller_filters);
            self.with(|spec| {
                smaller_filters(&mut spec.stem);
            });
            self.with(|spec| spec.input.value.channels = smaller(spec.input.value.channels));
            self.with(|spec| {
                if let Some(head) = &mut spec.head {
                    head.classes.value = smaller(head.classes.value);
                }
            });
            self.with(|spec| {
                if let Some(filters) = spec.head.as_mut().and_then(|head| head.filters.as_mut()) {
                    filters.value = smaller(filters.value);
                }
            });
        }
    }

    /// Keys that can be removed or simplified.
    fn words(&mut self) {
        let linear = Some(At::new(Activation::Linear, Span::default()));
        self.each_block(|block| block.pointwise_activation.take().is_some());
        self.each_block(|block| block.activation.take().is_some());
        self.with(|spec| spec.stem.activation = None);
        self.with(|spec| spec.activation = linear);
        self.each_block(|block| block.padding.take().is_some());
        self.with(|spec| spec.stem.padding = None);
        self.with(|spec| spec.padding = None);
        self.with(|spec| spec.squeeze_excite = None);
        self.with(|spec| spec.batch_norm_eps = None);
        self.with(|spec| (spec.preprocess, spec.labels) = (None, None));
        self.with(|spec| {
            if let Some(head) = &mut spec.head {
                head.hidden = None;
            }
        });
        self.with(|spec| {
            if let Some(head) = &mut spec.head {
                head.kernel_size = None;
            }
        });
        self.with(|spec| {
            if let Some(head) = &mut spec.head {
                head.dropout = None;
                head.pool = false;
            }
        });
    }
}

fn smaller_of(value: &mut usize, smaller: fn(usize) -> usize) -> bool {
    let before = std::mem::replace(value, smaller(*value));
    *value < before
}

/// Block strings written with keys, because some changes cannot be written in a block string.
fn long_form(spec: &Spec) -> Spec {
    let mut spec = spec.clone();
    for block in &mut spec.blocks {
        (block.notation, block.input_filters) = (Notation::Long, None);
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Always taking the first step that is a spec, and always the last, ends at one that cannot be smaller.
    #[test]
    fn steps_lead_down_to_the_smallest_spec() {
        for case in crate::draw::cases(5, 6) {
            for last in [false, true] {
                let mut case = case.clone();
                let mut steps = 0;
                loop {
                    let next: Vec<_> = reductions(&case.spec).iter().filter_map(|spec| case.with_spec(spec)).collect();
                    let Some(smaller) = (if last { next.last() } else { next.first() }) else { break };
                    case = smaller.clone();
                    steps += 1;
                    assert!(steps < 1000, "a circle:\n{}", case.spec.to_yaml());
                }
                let spec = &case.spec;
                assert_eq!((spec.blocks.len(), case.network.layers.len()), (1, 2), "{}", spec.to_yaml());
                assert_eq!(case.network.input.len(), 1);
                assert_eq!(spec.blocks[0].filters.map(|it| it.value), Some(1));
                assert!(spec.head.is_none());
            }
        }
    }
}
