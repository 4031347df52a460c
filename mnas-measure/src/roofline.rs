//! The roofline model: the least time that a block can take on a measured machine.
//!
//! A block needs its multiply-adds, and it has to read its weights and its input and write its output. What lies
//! between its convolutions is not counted, for a fused block need not store it. Either side alone is a bound:
//!
//! - *compute*: operations over the peak of the instruction set that runs;
//! - *memory*: bytes over the bandwidth of where they lie. One inference reads every weight once, so that before a
//!   weight is read again all others were: they come from the nearest cache that holds the weights of the whole
//!   network. A block's input was written by the block before it, and its output is read by the next: they come from
//!   the nearest cache that holds both. Writing is taken to be as fast as reading. Bytes
//!   are those of the plan, channels that only pad a vector among them.
//!
//! Both are taken to overlap completely, so the bound is the larger; with each simplification it errs to the fast
//! side. [Williams, Waterman, Patterson 2009](https://doi.org/10.1145/1498765.1498785).

use crate::peak::{Buffer, Peaks};
use mnas_codegen::plan::{Plan, Step};
use mnas_codegen::units::Elements;

/// What a block has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes of packed weights.
    pub weight_bytes: u64,
    /// Bytes of its input, and of a residual that is not its input.
    pub input_bytes: u64,
    /// Bytes of its output.
    pub output_bytes: u64,
}

impl Work {
    /// What a step of a plan has to do.
    pub fn of(plan: &Plan, step: &Step) -> Self {
        let bytes = |len: Elements| len.bytes().0 as u64;
        let buffer = |id: usize| plan.arena.buffers[id].len;
        let residual = step.residual.filter(|&id| step.input != Some(id));
        Work {
            macs: step.macs,
            weight_bytes: step.kind.convs().iter().map(|conv| bytes(Elements(plan.layers[conv.layer].len()))).sum(),
            input_bytes: bytes(
                step.input.map_or_else(|| Elements(step.input_shape.len()), buffer)
                    + residual.map_or(Elements::ZERO, buffer),
            ),
            output_bytes: bytes(buffer(step.output)),
        }
    }

    /// Floating-point operations: two a multiply-accumulate.
    pub fn flops(&self) -> f64 {
        2.0 * self.macs as f64
    }

    /// Bytes in all.
    pub fn bytes(&self) -> u64 {
        self.weight_bytes + self.input_bytes + self.output_bytes
    }

    /// Operations a byte.
    pub fn intensity(&self) -> f64 {
        self.flops() / self.bytes().max(1) as f64
    }
}

/// What bounds the time of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Multiply-adds.
    Compute,
    /// Reading and writing.
    Memory,
}

impl Limit {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Limit::Compute => "compute",
            Limit::Memory => "memory",
        }
    }
}

/// The least time that a block can take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Seconds.
    pub seconds: f64,
    /// The side that takes longer.
    pub limit: Limit,
}

/// A place that is read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// `L1`, ..., `DRAM`.
    pub name: String,
    /// Bytes that it holds; of caches that each core has, those of all threads together. `None` for memory.
    pub holds: Option<u64>,
    /// Bytes a second, of all threads together.
    pub bandwidth: f64,
}

/// What a machine can do at most with one instruction set.
#[derive(Clone, Debug, PartialEq)]
pub struct Roofs {
    /// Floating-point operations a second.
    pub flops: f64,
    /// Nearest first; the last is memory.
    pub levels: Vec<Level>,
}

impl Roofs {
    /// As measured, of the widest instruction set that was measured.
    pub fn of(peaks: &Peaks) -> Self {
        let last = peaks.read.len().saturating_sub(2);
        let level = |(i, (buffer, bandwidth)): (usize, &(Buffer, f64))| {
            // The last cache is one for all threads.
            let count = if i < last { u64::from(peaks.threads) } else { 1 };
            Level { name: buffer.level.clone(), holds: buffer.cache.map(|bytes| bytes * count), bandwidth: *bandwidth }
        };
        let flops = peaks.fma.first().map_or(f64::INFINITY, |(_, rate)| *rate);
        Roofs { flops, levels: peaks.read.iter().enumerate().map(level).collect() }
    }

    /// The nearest level that holds that many bytes.
    ///
    /// # Panics
    ///
    /// If nothing was measured.
    pub fn level(&self, bytes: u64) -> &Level {
        let holds = |level: &&Level| level.holds.is_none_or(|holds| holds >= bytes);
        self.levels.iter().find(holds).expect("memory holds everything")
    }

    /// The least time for `work` in a network whose weights have `network_bytes` bytes.
    pub fn bound(&self, work: &Work, network_bytes: u64) -> Bound {
        let compute = work.flops() / self.flops;
        let passed = work.input_bytes + work.output_bytes;
        let memory = work.weight_bytes as f64 / self.level(network_bytes).bandwidth
            + passed as f64 / self.level(passed).bandwidth;
        let limit = if compute >= memory { Limit::Compute } else { Limit::Memory };
        Bound { seconds: compute.max(memory), limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnas_codegen::compile::{Options, compile};
    use mnas_codegen::machine;

    fn roofs() -> Roofs {
        let level = |name: &str, holds, bandwidth| Level { name: name.to_owned(), holds, bandwidth };
        Roofs {
            flops: 100e9,
            levels: vec![
                level("L1", Some(32 << 10), 200e9),
                level("L2", Some(1 << 20), 100e9),
                level("DRAM", None, 10e9),
            ],
        }
    }

    #[test]
    fn the_slower_side_bounds() {
        let work = Work { macs: 5_000_000, weight_bytes: 100_000, input_bytes: 20_000, output_bytes: 10_000 };
        // 10 MFLOP at 100 GFLOP/s against 100 kB at 100 GB/s and 30 kB at 200 GB/s.
        assert_eq!(roofs().bound(&work, 1 << 20), Bound { seconds: 100e-6, limit: Limit::Compute });
        // The same weights from memory, as one byte more of the network's fits into no cache: 10 us, still compute.
        assert_eq!(roofs().bound(&work, (1 << 20) + 1).limit, Limit::Compute);
        let classifier = Work { macs: 1_280_000, weight_bytes: 5_000_000, input_bytes: 5_000, output_bytes: 4_000 };
        // 25.6 us of operations; 500 us of weights and 9 kB at 200 GB/s.
        let bound = roofs().bound(&classifier, 20 << 20);
        assert_eq!(bound.limit, Limit::Memory);
        assert!((bound.seconds - 500.045e-6).abs() < 1e-12, "{bound:?}");
    }

    #[test]
    fn work_of_each_step_adds_up_to_the_network() {
        let text = "\
name: tiny
input: 32x32x3
stem: {op: conv, kernel: 3, stride: 2, filters: 8}
blocks:
  - {op: sepconv, kernel: 3, filters: 8}
  - {op: mbconv, expand: 6, kernel: 3, filters: 8, se: 0.25, layers: 2}
head: {filters: 32, classes: 10}
";
        let (spec, network) = mnas_dsl::load_yaml(text, "tiny.yaml").unwrap();
        // Whose vectors pad channels to eight.
        let options = Options { isas: vec![machine::AVX2], ..Options::default() };
        let plan = compile(&spec, &network, None, &options).unwrap().plan;
        let works: Vec<Work> = plan.steps.iter().map(|step| Work::of(&plan, step)).collect();
        let weights: u64 = plan.layers.iter().map(|layer| Elements(layer.len()).bytes().0 as u64).sum();
        assert_eq!(works.iter().map(|work| work.weight_bytes).sum::<u64>(), weights);
        assert_eq!(works.iter().map(|work| work.macs).sum::<u64>(), network.macs());
        // The image as it is; 16x16 pixels of 8 channels from then on.
        assert_eq!([works[0].input_bytes, works[0].output_bytes], [32 * 32 * 3 * 4, 16 * 16 * 8 * 4]);
        // A residual that is the block's input is read once.
        let residual = plan.steps.iter().position(|step| step.residual.is_some()).expect("a block with a skip");
        assert_eq!([works[residual].input_bytes, works[residual].output_bytes], [16 * 16 * 8 * 4; 2]);
        assert_eq!(works.last().unwrap().output_bytes, 16 * 4, "ten classes, padded");
    }
}
