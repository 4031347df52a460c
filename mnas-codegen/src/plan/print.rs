//! The plan as text: `mnasc --emit plan`.

use super::{
    BlockSchedule, ConvKernel, DepthwiseKernel, LoopRange, ParallelStep, Parallelism, Plan, PoolKind, Schedule, Step,
    StepKind, StepSchedule, With,
};
use crate::units::Elements;
use std::fmt;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kib = |len: Elements| len.bytes().kib();
        writeln!(
            f,
            "plan {}: {} steps, arena {} KiB, weights {} KiB",
            self.name,
            self.steps.len(),
            kib(self.arena.len),
            kib(self.weights_len)
        )?;
        writeln!(f, "\nsteps")?;
        for (i, step) in self.steps.iter().enumerate() {
            let (a, b) = (step.input_shape, step.output_shape);
            writeln!(
                f,
                "  {i:>3} {:<22} {:<11} {:>4}x{:<4} {:>5} -> {:>4}x{:<4} {:>5}  {:>8.3} M MACs",
                step.name,
                kind(step),
                a.height,
                a.width,
                a.channels,
                b.height,
                b.width,
                b.channels,
                step.macs as f64 / 1e6
            )?;
        }
        for schedule in &self.schedules {
            print_schedule(f, self, schedule)?;
        }
        if let Some(memory) = &self.threads {
            writeln!(f, "\nseveral threads: {} KiB shared, {} KiB each", kib(memory.shared), kib(memory.per_thread))?;
        }
        writeln!(f, "\narena: {} KiB", kib(self.arena.len))?;
        writeln!(f, "  {:>10} {:>10}  {:>9}  buffer", "offset", "floats", "steps")?;
        for b in &self.arena.buffers {
            let steps = format!("{}..{}", b.first, b.last);
            writeln!(f, "  {:>10} {:>10}  {steps:>9}  {}", b.offset, b.len, b.name)?;
        }
        writeln!(f, "\nweights: {} KiB", kib(self.weights_len))?;
        writeln!(f, "  {:>10} {:>10}  layer, panels of output channels", "offset", "floats")?;
        for l in &self.layers {
            let panels: Vec<String> = l.panels.iter().map(|p| format!("{} x {}", p.count, p.width)).collect();
            writeln!(f, "  {:>10} {:>10}  {}, {}", l.offset, l.len(), l.param, panels.join(" + "))?;
        }
        Ok(())
    }
}

fn kind(step: &Step) -> &'static str {
    match &step.kind {
        StepKind::PadImage => "pad",
        StepKind::Conv { pool: true, .. } => "conv + pool",
        StepKind::Conv { .. } => "conv",
        StepKind::Block(b) if b.squeeze_excite.is_some() => "block, SE",
        StepKind::Block(_) => "block",
        StepKind::Depthwise { .. } => "depthwise",
        StepKind::SqueezeExcite { .. } => "SE",
        StepKind::Pool { kind: PoolKind::Average, .. } => "average pool",
        StepKind::Pool { kind: PoolKind::Max, .. } => "max pool",
        StepKind::Elementwise { with: With::Nothing, .. } => "activation",
        StepKind::Elementwise { with: With::Sum, .. } => "add",
        StepKind::Elementwise { with: With::Gate, .. } => "multiply",
        StepKind::GlobalAveragePool => "global pool",
        StepKind::Linear { .. } => "linear",
    }
}

fn print_schedule(f: &mut fmt::Formatter<'_>, plan: &Plan, schedule: &Schedule) -> fmt::Result {
    let isa = schedule.isa;
    writeln!(
        f,
        "\nschedule {}: vectors of {}, {} registers; tiles are pixels x vectors",
        isa.name, isa.lanes, isa.registers
    )?;
    for (i, (step, s)) in plan.steps.iter().zip(&schedule.steps).enumerate() {
        let tuned = if schedule.tuned.get(i) == Some(&true) { "tuned: " } else { "" };
        match s {
            StepSchedule::Plain | StepSchedule::SqueezeExcite(_) => {}
            StepSchedule::Depthwise(d) => {
                writeln!(f, "  {:<22} 1 rows a call, {}", step.name, depthwise(d))?;
            }
            StepSchedule::Conv { kernel } => {
                let rows = kernel.rows().unwrap_or(step.output_shape.height);
                writeln!(f, "  {:<22} {tuned}{rows} rows a call, {}", step.name, tiles(kernel))?;
            }
            StepSchedule::Block(b) => {
                writeln!(f, "  {:<22} {tuned}{}", step.name, b.reason)?;
                print_block(f, b)?;
            }
        }
    }
    if schedule.parallel.is_empty() {
        return Ok(());
    }
    writeln!(f, "\nschedule {} for several threads", isa.name)?;
    for (i, (step, parallel)) in plan.steps.iter().zip(&schedule.parallel).enumerate() {
        let tuned = if schedule.tuned.get(i) == Some(&true) { "tuned: " } else { "" };
        writeln!(f, "  {:<22} {}", step.name, shares(&parallel.default))?;
        for (count, variant) in &parallel.variants {
            writeln!(f, "  {:<22}   {tuned}{count} threads: {}", "", shares(variant))?;
        }
    }
    Ok(())
}

/// How threads share a step.
fn shares(step: &ParallelStep) -> &str {
    match (step.parallelism, &step.schedule) {
        (Parallelism::Single, _) => "one worker computes all of it",
        (Parallelism::Rows, _) => "each worker computes some rows",
        (_, StepSchedule::Conv { kernel: ConvKernel { range: LoopRange::PanelRows { .. }, .. } }) => {
            "each worker computes some panels"
        }
        (_, StepSchedule::Block(block)) => &block.reason,
        _ => "each worker computes some tiles",
    }
}

fn print_block(f: &mut fmt::Formatter<'_>, b: &BlockSchedule) -> fmt::Result {
    if let Some(expand) = &b.expand {
        writeln!(f, "  {:<22}   expand, line buffer of {} rows: {}", "", b.line_buffer, tiles(expand))?;
    }
    let d = &b.depthwise;
    writeln!(f, "  {:<22}   {}", "", depthwise(d))?;
    if let Some(se) = &b.squeeze_excite {
        let what = if se.gate_weights { "weights" } else { "tensor" };
        writeln!(f, "  {:<22}   squeeze-excite gates the {what}", "")?;
    }
    writeln!(f, "  {:<22}   project: {}", "", tiles(&b.project))
}

fn depthwise(d: &DepthwiseKernel) -> String {
    format!("depthwise {k}x{k}: {} columns x 1", d.columns.min(d.output_width), k = d.kernel_size)
}

fn tiles(kernel: &ConvKernel) -> String {
    let groups: Vec<String> = kernel
        .panels
        .iter()
        .map(|g| format!("{} panels of {} by {}x{}", g.count, g.width, g.pixels.min(kernel.pixels), g.vectors))
        .collect();
    groups.join(", ")
}
