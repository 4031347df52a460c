//! Estimates of what a schedule costs, in cycles: functions of sizes and of the target's caches, and of nothing else.

use super::target::Target;
use crate::units::Bytes;
use mnas_dsl::network::Shape;
use std::collections::BTreeMap;

/// Thread counts for which a shared schedule has to be good.
pub(super) const THREADS: [usize; 2] = [2, 4];
/// The part of a step's time that a variant for one thread count has to save to get code of its own.
const WORTH: f64 = 0.03;
/// The part of the memory traffic that is not hidden behind multiply-adds.
const EXPOSED: f64 = 0.25;

/// Sizes of a fused block that its estimates depend on.
#[derive(Clone, Debug)]
pub(super) struct BlockSizes {
    /// What the depthwise convolution reads.
    pub(super) middle: Shape,
    /// What the depthwise convolution writes.
    pub(super) out: Shape,
    /// Rows of the depthwise kernel.
    pub(super) kernel_size: usize,
    /// Step of the depthwise convolution.
    pub(super) stride: usize,
    /// Rows of zeros above.
    pub(super) pad_top: usize,
    /// A row of the expanded tensor (0 without an expansion), and of a row of the depthwise output.
    pub(super) row: [Bytes; 2],
    /// Packed weights of the expansion and of the projection.
    pub(super) weights: [Bytes; 2],
    /// Whether squeeze-excite stands before the projection.
    pub(super) squeeze_excite: bool,
    /// Cycles of expansion, depthwise convolution and projection on one thread, if all data were in L1.
    pub(super) work: [f64; 3],
}

impl BlockSizes {
    /// Both tensors between the layers.
    pub(super) fn between(&self) -> Bytes {
        self.row[0] * self.middle.height + self.row[1] * self.out.height
    }

    /// Both tensors that are live while `rows` output rows are computed.
    pub(super) fn live(&self, rows: usize) -> Bytes {
        let inputs = ((rows - 1) * self.stride + self.kernel_size).min(self.middle.height);
        self.row[0] * inputs + self.row[1] * rows
    }

    /// Weights that each row block reads again.
    pub(super) fn streamed_weights(&self) -> Bytes {
        self.weights[0] + if self.squeeze_excite { Bytes(0) } else { self.weights[1] }
    }

    /// Traffic of one thread that computes `rows` output rows between two projections, a divisor of the height.
    ///
    /// A short row block keeps the expanded rows near, but reads the weights of both convolutions once a block; a tall
    /// one reads them seldom, but the rows between the layers leave the cache. A working set that fits in L2 is read
    /// at its bandwidth; beyond that, the share served by L3 grows with its size.
    pub(super) fn row_block(&self, rows: usize, target: &Target) -> f64 {
        let weights = self.streamed_weights();
        let room = target.caches.near().min(target.caches.l2_bytes.saturating_sub(weights.0));
        let bandwidth = match self.live(rows).0 {
            live if live > room && rows == self.out.height => target.caches.l3_bandwidth,
            live => target.caches.row_block_bandwidth(live, room),
        };
        let traffic = weights * (self.out.height / rows) + self.between() * 2;
        // Short runs of pixels leave registers idle at the end of each.
        let run = rows * self.out.width;
        let idle = run.next_multiple_of(8) as f64 / run as f64;
        traffic.as_f64() / bandwidth * idle
    }

    /// Time of the slowest of `threads` threads, each with a range of the row blocks of `rows` rows.
    pub(super) fn shared_row_blocks(&self, rows: usize, threads: usize, target: &Target) -> f64 {
        let (middle, out) = (self.middle.height, self.out.height);
        let cost = |index: usize| {
            let mine = range(out / rows, index, threads).map(|block| block * rows);
            let mine = mine[0]..mine[1];
            if mine.is_empty() {
                return 0.0;
            }
            // Neighbours' rows on both sides, but not beyond the edges.
            let first = (mine.start * self.stride).saturating_sub(self.pad_top);
            let last = ((mine.end - 1) * self.stride + self.kernel_size).saturating_sub(self.pad_top).min(middle);
            let (expanded, made) = ((last - first) as f64 / middle as f64, mine.len() as f64 / out as f64);
            let work = self.work[0] * expanded + (self.work[1] + self.work[2]) * made;
            let bandwidth = target.caches.row_block_bandwidth(self.live(rows).0, target.caches.near());
            let between = self.row[0] * (last - first) + self.row[1] * mine.len();
            work + self.traffic(bandwidth, between, mine.len() / rows)
        };
        let waits = if self.squeeze_excite { target.caches.barrier } else { 0.0 };
        waits + (0..threads).map(cost).fold(0.0, f64::max)
    }

    /// Time of the slowest of `threads` threads, each with a range of the `panels` of the expansion and a range of the
    /// `tiles` of the projection.
    pub(super) fn shared_panels(&self, [panels, tiles]: [usize; 2], threads: usize, target: &Target) -> f64 {
        let work = (self.work[0] + self.work[1]) * share(panels, threads) + self.work[2] * share(tiles, threads);
        // Every thread reads the whole depthwise output, of which the others wrote this much.
        let made = self.row[1] * self.out.height;
        let foreign = made * (threads - 1) / threads;
        let near = self.row[0] * self.middle.height / panels;
        work + self.traffic(target.caches.bandwidth(near.0), (near * panels + made) / threads, 1) / threads as f64
            // Once to read it, once when its lines are taken back to be written.
            + 2.0 * foreign.as_f64() / target.caches.core_bandwidth
            + target.caches.barrier
    }

    /// Tensors between the layers are written and read, weights read `times` times.
    fn traffic(&self, bandwidth: f64, between: Bytes, times: usize) -> f64 {
        ((self.weights[0] + self.weights[1]) * times + between * 2).as_f64() / bandwidth * EXPOSED
    }
}

/// Sizes of a convolution that its estimates depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConvSizes {
    /// Rows of the input and of the output.
    pub(super) rows: [usize; 2],
    /// Rows of the kernel, and its step.
    pub(super) window: [usize; 2],
    /// Panels of the packed weights.
    pub(super) panels: usize,
    /// The packed weights.
    pub(super) weights: Bytes,
    /// A row of the input.
    pub(super) row_in: Bytes,
    /// A row of the output, twice where a residual is read before it is written.
    pub(super) row_out: Bytes,
    /// Cycles on one thread, if all data were in L1.
    pub(super) work: f64,
}

impl ConvSizes {
    /// Traffic of one thread whose calls compute `rows` output rows, a divisor of the height: a call reads all weights
    /// once, and its input rows once for each panel.
    ///
    /// What is read again comes from L2 if it fits there, and from L3 otherwise. So does what is written: in a large map
    /// each panel writes a few channels of each pixel, in an order that the hardware prefetcher does not recognise.
    pub(super) fn row_block(&self, rows: usize, target: &Target) -> f64 {
        let ([input, output], [kernel_size, stride]) = (self.rows, self.window);
        let read = ((rows - 1) * stride + kernel_size).min(input);
        let weights = self.weights * (output / rows);
        let maps = self.row_in * (self.panels * input) + self.row_out * output;
        weights.as_f64() / target.caches.bandwidth(self.weights.0)
            + maps.as_f64() / target.caches.bandwidth((self.row_in * read + self.row_out * rows).0)
    }

    /// Time of the slowest of `threads` threads, each with a range of the output rows, at most `most` rows a call.
    pub(super) fn shared_rows(&self, most: Option<usize>, threads: usize, target: &Target) -> f64 {
        let [input, output] = self.rows;
        let [from, to] = range(output, 0, threads);
        let calls = most.map_or(1, |most| (to - from).div_ceil(most));
        self.work * share(output, threads) + self.traffic(self.weights * calls, self.row_in * input / threads, target)
    }

    /// Time of the slowest of `threads` threads, each with a range of the `tiles` of all panels.
    pub(super) fn shared_panels(&self, tiles: usize, threads: usize, target: &Target) -> f64 {
        let input = self.row_in * self.rows[0];
        let foreign = input * (threads - 1) / threads;
        self.work * share(tiles, threads)
            + self.traffic(self.weights / threads, input, target) / threads as f64
            // Once to read it, once when its lines are taken back to be written.
            + 2.0 * foreign.as_f64() / target.caches.core_bandwidth
    }

    /// Memory traffic: `weights` once, `input` once for each panel.
    fn traffic(&self, weights: Bytes, input: Bytes, target: &Target) -> f64 {
        let weights = weights.as_f64() / target.caches.bandwidth(self.weights.0);
        let input = (input * self.panels).as_f64() / target.caches.bandwidth(input.0);
        (weights + input) * EXPOSED
    }
}

/// The divisor of `height` with the least cost; the first of `divisors` in case of a tie.
pub(super) fn cheapest_rows(
    divisors: impl Iterator<Item = usize>,
    height: usize,
    cost: impl Fn(usize) -> f64,
) -> usize {
    let divisors = divisors.filter(|rows| height.is_multiple_of(*rows));
    divisors.min_by(|&a, &b| cost(a).total_cmp(&cost(b))).unwrap_or(height)
}

/// The best of all ways with their costs for [`THREADS`], and for each thread count the way that is better by more than
/// [`WORTH`] for it.
pub(super) fn best<T: Copy>(costs: impl Iterator<Item = (T, [f64; 2])>) -> (T, BTreeMap<usize, T>) {
    let costs: Vec<(T, [f64; 2])> = costs.collect();
    let least = |cost: &dyn Fn(&[f64; 2]) -> f64| {
        let best = costs.iter().min_by(|a, b| cost(&a.1).total_cmp(&cost(&b.1)));
        *best.expect("there is always a way")
    };
    let all = least(&|cost| THREADS.iter().zip(cost).map(|(&threads, cost)| threads as f64 * cost).sum());
    let own = THREADS.iter().enumerate().filter_map(|(at, &threads)| {
        let best = least(&|cost| cost[at]);
        (best.1[at] < all.1[at] * (1.0 - WORTH)).then_some((threads, best.0))
    });
    (all.0, own.collect())
}

/// The largest of equal shares, as a part of all.
fn share(tasks: usize, threads: usize) -> f64 {
    tasks.div_ceil(threads) as f64 / tasks.max(1) as f64
}

/// Where the share of a thread begins and ends, as `Worker::range` cuts it.
fn range(tasks: usize, index: usize, threads: usize) -> [usize; 2] {
    let (each, longer) = (tasks / threads, tasks % threads);
    [index, index + 1].map(|index| index * each + index.min(longer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::CacheModel;

    /// 28x28x96 to 28x28x96 by a 3x3 depthwise kernel, in f32.
    fn block() -> BlockSizes {
        let shape = Shape { height: 28, width: 28, channels: 96 };
        let row = Bytes(28 * 96 * 4);
        let (weights, work) = ([Bytes(16 * 96 * 4); 2], [1000.0; 3]);
        let (row, squeeze_excite) = ([row, row], false);
        BlockSizes {
            middle: shape,
            out: shape,
            kernel_size: 3,
            stride: 1,
            pad_top: 1,
            row,
            weights,
            squeeze_excite,
            work,
        }
    }

    fn target(l2_bytes: usize) -> Target {
        let caches = CacheModel { l2_bytes, ..CacheModel::generic() };
        Target { caches, ..Target::new(Vec::new()) }
    }

    #[test]
    fn row_blocks_are_as_tall_as_the_cache_allows() {
        let block = block();
        let rows = |l2| cheapest_rows(1..=28, 28, |rows| block.row_block(rows, &target(l2)));
        assert_eq!(rows(8 << 20), 28, "all fits: weights are read once");
        let (small, large) = (rows(128 << 10), rows(512 << 10));
        assert!(small < large && large < 28, "{small} {large}");
    }

    #[test]
    fn live_rows_are_those_of_the_window_and_of_the_output() {
        let block = block();
        assert_eq!(block.live(1), block.row[0] * 3 + block.row[1]);
        assert_eq!(block.live(28), block.between(), "the window ends with the map");
    }

    #[test]
    fn threads_are_worth_their_barrier_only_where_there_is_work() {
        let small = BlockSizes { work: [1.0; 3], ..block() };
        let large = BlockSizes { work: [1e6; 3], ..block() };
        let target = target(1 << 20);
        let speedup = |b: &BlockSizes| b.shared_panels([6, 6], 1, &target) / b.shared_panels([6, 6], 3, &target);
        assert!(speedup(&large) > 2.7, "{}", speedup(&large));
        assert!(speedup(&small) < 2.0, "{}", speedup(&small));
    }

    #[test]
    fn a_thread_count_has_a_way_of_its_own_if_that_saves_more_than_three_percent() {
        let (all, own) = best([('a', [100.0, 50.0]), ('b', [98.0, 70.0])].into_iter());
        assert_eq!((all, own), ('a', BTreeMap::new()), "2 % are not worth the code");
        let (all, own) = best([('a', [100.0, 50.0]), ('b', [90.0, 70.0])].into_iter());
        assert_eq!((all, own), ('a', BTreeMap::from([(2, 'b')])));
    }

    #[test]
    fn shares_cover_all_tasks_once() {
        for (tasks, threads) in [(1, 4), (7, 3), (12, 4)] {
            let mut next = 0;
            for index in 0..threads {
                let [from, to] = range(tasks, index, threads);
                assert_eq!(from, next);
                next = to;
                assert!((to - from) as f64 <= share(tasks, threads) * tasks as f64 + 1e-9);
            }
            assert_eq!(next, tasks);
        }
    }
}
