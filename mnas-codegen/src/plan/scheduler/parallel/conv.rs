//! How threads share a convolution: rows of all channels, or channels of all rows.
//!
//! With rows, a map stays in the cache of the core that wrote it, but each thread reads all weights; with panels, each
//! weight is read by one thread, but each thread reads what the others wrote.

use super::super::single::Scheduler;
use crate::plan::cost::{self, THREADS};
use crate::plan::kernel::{ConvKernel, Part};
use crate::plan::schedule::TeamStep;
use crate::plan::steps::{PackedConv, Step};

/// What each thread takes a range of.
#[derive(Clone, Copy)]
enum Way {
    Rows,
    Panels,
}

/// The cheaper way by estimate; `single` is the kernel of one thread.
pub(super) fn choose(scheduler: &Scheduler<'_>, step: &Step, packed: &PackedConv, single: &ConvKernel) -> TeamStep {
    let target = scheduler.target;
    let sizes = scheduler.conv_sizes(packed, step.input_shape, scheduler.stride(step.input_shape));
    let tiles = match single.rows() {
        Some(_) => single.panel_count() * packed.output.height,
        None => single.tile_count(),
    };
    let ways = [
        (Way::Rows, THREADS.map(|threads| sizes.shared_rows(single.rows(), threads, target))),
        (Way::Panels, THREADS.map(|threads| sizes.shared_panels(tiles, threads, target))),
    ];
    let (others, of) = cost::best(ways.into_iter());
    let kernel = |way| shared(scheduler, step, packed, single, way);
    TeamStep::counted(of.into_iter().map(|(count, way)| (count, kernel(way))).collect(), kernel(others))
}

fn shared(scheduler: &Scheduler<'_>, step: &Step, packed: &PackedConv, single: &ConvKernel, way: Way) -> TeamStep {
    let (pad_top, input_height, height) = (packed.conv.pads.top, step.input_shape.height, packed.output.height);
    // Several threads prefetch the next panel if one does: each takes a panel in fewer rows.
    let prefetch = single.prefetch;
    match (way, single.rows()) {
        (Way::Rows, rows) => {
            let each = height.div_ceil(THREADS[0]);
            let most = rows.map_or(each, |rows| rows.min(each));
            let (pixels, input_width) = (packed.output.width, step.input_shape.width);
            let part = Part::Rows { pad_top, input_height, most };
            TeamStep::ConvRows(ConvKernel { part, pixels, input_width, prefetch, ..single.clone() })
        }
        (Way::Panels, Some(_)) => {
            let part = Part::PanelRows { pad_top, input_height, height };
            let prefetch = scheduler.can_prefetch(&packed.conv);
            TeamStep::Tiles(ConvKernel { part, prefetch, ..single.clone() })
        }
        (Way::Panels, None) => TeamStep::Tiles(single.clone().with_part(Part::Tiles)),
    }
}
