//! `--profile`: the time of each block, compared with the machine's peak rates.

use super::rounded;
use crate::commands::peak as peaks_shown;
use crate::error::Result;
use crate::peak::{self, Peaks};
use crate::quantile::median;
use crate::roofline::{Bound, Level, Roofs, Work};
use crate::runner::Runner;
use mnas_codegen::compile::Compiled;
use mnas_codegen::machine::Isa;
use mnas_pages::roofline::{Dot, Picture, Roof, draw};
use serde_json::{Value, json};

/// The times of a network's blocks, and the machine's peak rates.
pub(super) struct Profile {
    blocks: Vec<Block>,
    /// Bytes of all packed weights.
    weight_bytes: u64,
    peaks: Peaks,
    roofs: Roofs,
}

/// A block's time, and its bound.
struct Block {
    name: String,
    /// Median time, microseconds.
    us: f64,
    /// Share of the sum of all blocks' times.
    share: f64,
    work: Work,
    /// Floating-point operations a second.
    rate: f64,
    bound: Bound,
}

impl Block {
    /// The bound over the time: 1 means that the block is as fast as the machine allows.
    fn of_bound(&self) -> f64 {
        part(self.bound.seconds * 1e6, self.us)
    }
}

impl Profile {
    /// Times every block. The peaks are measured before and after, and the higher ones count: other programs lower
    /// them, and lower peaks would make the blocks look better.
    pub(super) fn measure(
        runner: &Runner,
        compiled: &Compiled,
        isa: Isa,
        threads: u32,
        image: Vec<f32>,
        runs: u32,
    ) -> Result<Self> {
        let before = peak::measure(&[isa], threads)?;
        let times = runner.profile(isa, image, runs)?;
        let peaks = before.better(peak::measure(&[isa], threads)?);
        let roofs = Roofs::of(&peaks);
        let plan = &compiled.plan;
        let medians = (0..plan.steps.len()).map(|step| {
            let times: Vec<f64> = times.iter().map(|run| run[step] as f64).collect();
            median(&times) / 1e3
        });
        let medians: Vec<f64> = medians.collect();
        let sum: f64 = medians.iter().sum();
        let weight_bytes =
            plan.layers.iter().map(|layer| mnas_codegen::units::Elements(layer.len()).bytes().0 as u64).sum();
        let block = |(step, us): (&mnas_codegen::plan::Step, f64)| {
            let work = Work::of(plan, step);
            let bound = roofs.bound(&work, weight_bytes);
            let rate = part(work.flops(), us / 1e6);
            Block { name: step.name.clone(), us, share: part(us, sum), work, rate, bound }
        };
        let blocks = plan.steps.iter().zip(medians).map(block).collect();
        Ok(Profile { blocks, weight_bytes, peaks, roofs })
    }

    /// A row for each block, and their sum.
    pub(super) fn table(&self) -> String {
        let header = ["block", "us", "share", "GFLOP/s", "of peak", "bound us", "of bound", "limit"].map(str::to_owned);
        let rows = self.blocks.iter().map(|block| {
            [
                block.name.clone(),
                format!("{:.1}", block.us),
                percent(block.share),
                format!("{:.1}", block.rate / 1e9),
                percent(part(block.rate, self.roofs.flops)),
                format!("{:.1}", block.bound.seconds * 1e6),
                percent(block.of_bound()),
                block.bound.limit.name().to_owned(),
            ]
        });
        let (us, rate, bound) = (self.us(), part(self.flops(), self.us() / 1e6), self.bound());
        let sum = [
            "sum".to_owned(),
            format!("{us:.1}"),
            percent(1.0),
            format!("{:.1}", rate / 1e9),
            percent(part(rate, self.roofs.flops)),
            format!("{:.1}", bound * 1e6),
            percent(part(bound * 1e6, us)),
            String::new(),
        ];
        let rows: Vec<[String; 8]> = [header].into_iter().chain(rows).chain([sum]).collect();
        let widths: [usize; 8] =
            std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0));
        let mut text = String::new();
        for (index, row) in rows.iter().enumerate() {
            if index == 1 || index + 1 == rows.len() {
                text.push_str(&"-".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1)));
                text.push('\n');
            }
            let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
                // Text is aligned to the left, numbers to the right.
                if column == 0 || column == 7 { format!("{cell:width$}") } else { format!("{cell:>width$}") }
            });
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        text
    }

    /// The whole network, which took `median` milliseconds, compared with its bounds.
    pub(super) fn verdict(&self, isa: &str, median: f64) -> String {
        let (fma, bound) = (self.fma_bound() * 1e3, self.bound() * 1e3);
        let weights = self.roofs.level(self.weight_bytes);
        format!(
            "{:.2}x the FMA bound of {fma:.3} ms ({isa} at {:.1} GFLOP/s), {:.2}x the roofline of {bound:.3} ms \
             (weights from {} at {:.1} GB/s)\n",
            part(median, fma),
            self.roofs.flops / 1e9,
            part(median, bound),
            weights.name,
            weights.bandwidth / 1e9,
        )
    }

    /// Adds the profile to the object that `--json` prints.
    pub(super) fn add_to(&self, result: &mut Value, median: f64) {
        let blocks = self.blocks.iter().map(|block| {
            let Work { macs, weight_bytes, input_bytes, output_bytes } = block.work;
            json!({
                "name": block.name,
                "median_us": rounded(block.us),
                "share": rounded(block.share),
                "macs": macs,
                "weight_bytes": weight_bytes,
                "input_bytes": input_bytes,
                "output_bytes": output_bytes,
                "gflops": rounded(block.rate / 1e9),
                "of_peak": rounded(part(block.rate, self.roofs.flops)),
                "flops_per_byte": rounded(block.work.intensity()),
                "bound_us": rounded(block.bound.seconds * 1e6),
                "of_bound": rounded(block.of_bound()),
                "limit": block.bound.limit.name(),
            })
        });
        result["blocks"] = Value::Array(blocks.collect());
        result["weights_from"] = json!(self.roofs.level(self.weight_bytes).name);
        result["fma_bound_ms"] = json!(rounded(self.fma_bound() * 1e3));
        result["times_fma_bound"] = json!(rounded(part(median, self.fma_bound() * 1e3)));
        result["roofline_ms"] = json!(rounded(self.bound() * 1e3));
        result["times_roofline"] = json!(rounded(part(median, self.bound() * 1e3)));
        result["peak"] = peaks_shown::value(&self.peaks);
    }

    /// A roofline plot with a dot for each block.
    pub(super) fn svg(&self, name: &str, isa: Isa, median: f64) -> String {
        let threads = match self.peaks.threads {
            1 => "1 thread".to_owned(),
            n => format!("{n} threads"),
        };
        let level = |level: &Level| Roof { name: level.name.clone(), bandwidth: level.bandwidth };
        let dots = self.blocks.iter().filter(|block| block.work.macs > 0 && block.rate > 0.0).map(|block| Dot {
            name: block.name.replace("blocks.", ""),
            intensity: block.work.intensity(),
            rate: block.rate,
            bound: block.work.flops() / block.bound.seconds,
            share: block.share,
            limit: block.bound.limit,
        });
        draw(&Picture {
            title: format!("{name}, block by block"),
            subtitle: format!(
                "{}, {threads}: {median:.2} ms, {:.2}x the FMA bound",
                isa.name,
                part(median, self.fma_bound() * 1e3)
            ),
            note: "one dot a block, 2.1 is blocks.2.1".to_owned(),
            flops: self.roofs.flops,
            // L1 bounds no block, as its data also passes through the other caches.
            roofs: self.roofs.levels.iter().skip(1).map(level).collect(),
            dots: dots.collect(),
        })
    }

    /// Microseconds of all blocks.
    fn us(&self) -> f64 {
        self.blocks.iter().map(|block| block.us).sum()
    }

    fn flops(&self) -> f64 {
        self.blocks.iter().map(|block| block.work.flops()).sum()
    }

    /// Seconds of all multiply-adds at the peak rate.
    fn fma_bound(&self) -> f64 {
        self.flops() / self.roofs.flops
    }

    /// The sum of the blocks' bounds in seconds.
    fn bound(&self) -> f64 {
        self.blocks.iter().map(|block| block.bound.seconds).sum()
    }
}

/// `a / b`, or 0 if `b` is 0: a coarse clock may report no time for a small block.
fn part(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}

fn percent(part: f64) -> String {
    format!("{:.1}%", part * 100.0)
}
