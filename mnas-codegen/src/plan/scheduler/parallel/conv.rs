//! How threads share a convolution: rows of all channels, or channels of all rows.
//!
//! With rows, a map stays in the cache of the core that wrote it, but each thread reads all weights; with panels, each
//! weight is read by one thread, but each thread reads what the others wrote.

use super::super::single::Scheduler;
use crate::plan::cost::{self, THREADS};
use crate::plan::kernel::{ConvKernel, LoopRange};
use crate::plan::schedule::{ParallelStep, Parallelism, PerThreadCount, StepSchedule};
use crate::plan::steps::{PlannedConv, Step};

/// The cheaper way by estimate; `single` is the kernel of one thread.
pub(super) fn choose(
    scheduler: &Scheduler<'_>,
    step: &Step,
    packed: &PlannedConv,
    single: &ConvKernel,
) -> PerThreadCount {
    let target = scheduler.target;
    let sizes = scheduler.conv_sizes(packed, step.input_shape, scheduler.stride(step.input_shape));
    let tiles = match single.rows() {
        Some(_) => single.panel_count() * packed.output.height,
        None => single.tile_count(),
    };
    let ways = [
        (Parallelism::Rows, THREADS.map(|threads| sizes.shared_rows(single.rows(), threads, target))),
        (Parallelism::Tiles, THREADS.map(|threads| sizes.shared_panels(tiles, threads, target))),
    ];
    let (default, own) = cost::best(ways.into_iter());
    let of = |parallelism| {
        let kernel = shared(scheduler, step, packed, single, parallelism);
        ParallelStep { parallelism, schedule: StepSchedule::Conv { kernel } }
    };
    PerThreadCount::new(own.into_iter().map(|(count, way)| (count, of(way))).collect(), of(default))
}

fn shared(
    scheduler: &Scheduler<'_>,
    step: &Step,
    packed: &PlannedConv,
    single: &ConvKernel,
    parallelism: Parallelism,
) -> ConvKernel {
    let (pad_top, input_height, height) = (packed.conv.pads.top, step.input_shape.height, packed.output.height);
    // Several threads prefetch the next panel if one does: each takes a panel in fewer rows.
    let prefetch = single.prefetch;
    match (parallelism, single.rows()) {
        (Parallelism::Rows, rows) => {
            let each = height.div_ceil(THREADS[0]);
            let most = rows.map_or(each, |rows| rows.min(each));
            let (pixels, input_width) = (packed.output.width, step.input_shape.width);
            let range = LoopRange::Rows { pad_top, input_height, most };
            ConvKernel { range, pixels, input_width, prefetch, ..single.clone() }
        }
        (_, Some(_)) => {
            let range = LoopRange::PanelRows { pad_top, input_height, height };
            let prefetch = scheduler.can_prefetch(&packed.conv);
            ConvKernel { range, prefetch, ..single.clone() }
        }
        (_, None) => single.clone().with_range(LoopRange::Tiles),
    }
}
