//! Alternatives to the current choice of a step; each changes one thing.

use mnas_codegen::machine::{Isa, Tile};
use mnas_codegen::plan::{BlockSchedule, ConvKernel, Parallelism, Plan, Schedule, StepSchedule};
use mnas_codegen::tuned::{RowBlock, StepTuning, Tiles};

/// Groups of alternatives, tried in order: each group starts from the best of the group before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// How blocks are cut into row blocks, and what the gate scales.
    Form,
    /// Tiles of the kernels.
    Kernels,
    /// How that many threads share a block.
    Team(usize),
}

/// Choices for step `index`, the likeliest first.
pub(super) fn candidates(
    plan: &Plan,
    schedule: &Schedule,
    index: usize,
    now: &StepTuning,
    stage: Stage,
) -> Vec<StepTuning> {
    let isa = schedule.isa;
    let height = plan.steps[index].output_shape.height;
    match (&schedule.steps[index], stage) {
        (StepSchedule::Block(block), Stage::Form) => forms(block, height, now),
        (StepSchedule::Block(block), Stage::Kernels) => kernels(isa, block, now),
        (StepSchedule::Block(_), Stage::Team(workers)) => shares(height, workers, now),
        (StepSchedule::Conv { kernel, .. }, Stage::Kernels) => {
            tiles(isa, kernel, &now.tiles).into_iter().map(|tiles| StepTuning { tiles, ..now.clone() }).collect()
        }
        _ => Vec::new(),
    }
}

fn divisors(height: usize) -> impl Iterator<Item = usize> {
    (1..height).filter(move |rows| height.is_multiple_of(*rows))
}

fn forms(block: &BlockSchedule, height: usize, now: &StepTuning) -> Vec<StepTuning> {
    let row_blocks = divisors(height).map(RowBlock::Rows).chain([RowBlock::All]);
    // Tiles go with the length of a run: they are estimated anew.
    let other = |row_block| StepTuning {
        row_block: Some(row_block),
        expand: Tiles::new(),
        project: Tiles::new(),
        ..now.clone()
    };
    let mut row_blocks: Vec<RowBlock> = row_blocks.filter(|row_block| Some(*row_block) != now.row_block).collect();
    let rows = |row_block: &RowBlock| if let RowBlock::Rows(rows) = row_block { *rows } else { height };
    // Neighbours first: a factor of two is as far in both directions.
    row_blocks.sort_by_key(|row_block| {
        let (a, b) = (rows(row_block).max(block.row_block), rows(row_block).min(block.row_block));
        a * 1000 / b
    });
    let mut all: Vec<StepTuning> = row_blocks.into_iter().map(other).collect();
    if let Some(se) = &block.squeeze_excite {
        let gate = StepTuning { gate_weights: Some(!se.gate_weights), ..now.clone() };
        all.insert(0, gate);
    }
    all
}

fn kernels(isa: Isa, block: &BlockSchedule, now: &StepTuning) -> Vec<StepTuning> {
    let mut lists = Vec::new();
    lists.push(
        tiles(isa, &block.project, &now.project)
            .into_iter()
            .map(|project| StepTuning { project, ..now.clone() })
            .collect(),
    );
    if let Some(kernel) = &block.expand {
        let expand = tiles(isa, kernel, &now.expand);
        lists.push(expand.into_iter().map(|expand| StepTuning { expand, ..now.clone() }).collect());
    }
    lists.push(
        columns(isa, block)
            .into_iter()
            .map(|columns| StepTuning { columns: Some(columns), ..now.clone() })
            .collect::<Vec<StepTuning>>(),
    );
    if block.project.prefetch || block.expand.as_ref().is_some_and(|kernel| kernel.prefetch) {
        lists.push(vec![StepTuning { no_prefetch: true, ..now.clone() }]);
    }
    // One of each in turn.
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest).flat_map(|i| lists.iter().filter_map(move |list| list.get(i).cloned())).collect()
}

/// Other widths of a depthwise tile, each of which makes another number of tiles.
fn columns(isa: Isa, block: &BlockSchedule) -> Vec<usize> {
    let (width, now) = (block.depthwise.output_width, block.depthwise.columns);
    let tiles = |columns: usize| width.div_ceil(columns);
    let least = tiles(isa.depthwise_columns.min(width));
    let all = (least..least + 3).map(|count| width.div_ceil(count)).filter(|columns| *columns > 1);
    let mut all: Vec<usize> = all.filter(|columns| tiles(*columns) != tiles(now)).collect();
    all.dedup();
    all
}

fn shares(height: usize, workers: usize, now: &StepTuning) -> Vec<StepTuning> {
    let shares = [Parallelism::Panels].into_iter().chain(divisors(height).map(Parallelism::RowBlocks));
    let others = shares.filter(|share| now.per_thread_count.get(&workers) != Some(share));
    let with = |share| {
        let mut choice = now.clone();
        choice.per_thread_count.insert(workers, share);
        choice
    };
    others.map(with).collect()
}

/// Other tiles of a kernel. Panels of different widths change together: they are measured together.
fn tiles(isa: Isa, kernel: &ConvKernel, now: &Tiles) -> Vec<Tiles> {
    let panels: Vec<(usize, Vec<Tile>)> = kernel
        .panels
        .iter()
        .map(|group| {
            let panel = group.channels / isa.lanes;
            let used = now.get(&panel).copied().unwrap_or(Tile { vectors: group.vectors, pixels: group.pixels });
            (panel, panel_tiles(isa, panel, kernel.pixels, used))
        })
        .collect();
    let longest = panels.iter().map(|(_, tiles)| tiles.len()).max().unwrap_or(0);
    let nth = |i: usize| {
        let mut tiles = now.clone();
        tiles.extend(panels.iter().filter_map(|(panel, list)| Some((*panel, *list.get(i)?))));
        tiles
    };
    (0..longest).map(nth).collect()
}

/// For each number of vectors the tallest tile, and those that cut the run into one and two tiles more.
fn panel_tiles(isa: Isa, panel: usize, pixels: usize, used: Tile) -> Vec<Tile> {
    let mut all: Vec<Tile> = Vec::new();
    for more in 0..3 {
        for vectors in (1..=panel.min(Isa::MOST_VECTORS)).rev().filter(|vectors| panel.is_multiple_of(*vectors)) {
            let most = isa.most_pixels_of(vectors).min(pixels);
            let tile = Tile { vectors, pixels: pixels.div_ceil(pixels.div_ceil(most.max(1)) + more) };
            // Many vectors of one pixel are a matrix times a vector.
            let idle = tile.vectors * tile.pixels < 6 && pixels > 1;
            let cut = |tile: Tile| (tile.vectors, pixels.div_ceil(tile.pixels));
            if !idle && cut(tile) != cut(used) && !all.iter().any(|other| cut(*other) == cut(tile)) {
                all.push(tile);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnas_codegen::machine;

    #[test]
    fn tiles_are_others_that_fit() {
        for isa in machine::ALL {
            for (panel, pixels) in [(1, 7), (2, 112), (3, 49), (4, 196), (8, 1)] {
                let used = isa.tile_for(panel, pixels);
                let tiles = panel_tiles(*isa, panel, pixels, used);
                assert!(tiles.iter().all(|tile| *tile != used && panel.is_multiple_of(tile.vectors)));
                assert!(tiles.iter().all(|tile| tile.pixels <= isa.most_pixels_of(tile.vectors)));
            }
        }
        assert!(panel_tiles(machine::AVX512, 2, 112, Tile { vectors: 2, pixels: 14 }).len() >= 3);
    }
}
