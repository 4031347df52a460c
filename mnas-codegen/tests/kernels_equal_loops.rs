//! Kernels by themselves against plain loops, element by element: odd sizes, both strides, channel counts that are no
//! multiple of any vector, every instruction set that this machine has, unchecked and checked.
//!
//! The kernels and the loops are compiled into one program with the rustc at hand; the loops know nothing of tiles.

mod kernels;

use kernels::{Case, Program};
use mnas_codegen::graph::Residual;
use mnas_codegen::machine;
use mnas_codegen::plan::{
    ConvKernel, ConvLoops, DepthwiseKernel, DepthwiseLoops, InputLayout, LoopRange, OutputLayout, PanelGroup,
};
use mnas_codegen::units::Elements;
use mnas_dsl::network::Activation;
use std::thread;

/// What channels are rounded up to in a file of all instruction sets of x86-64.
const ALIGN: usize = 16;

/// Panels of some vectors each, for tiles of `isa`; the last holds no more than it has to.
fn panels(isa: machine::Isa, output: usize, pixels: usize) -> Vec<PanelGroup> {
    let padded = output.next_multiple_of(ALIGN);
    let widths: &[usize] = match padded / ALIGN {
        1 => &[16],
        2 => &[32],
        3 => &[16, 32],
        4 => &[16, 48],
        _ => &[64, 16],
    };
    let mut start = 0;
    let group = |&width: &usize| {
        let channels = width.min((output - start).next_multiple_of(isa.f32.channels));
        let tile = isa.tile_for(channels / isa.lanes, pixels);
        let group = PanelGroup { width, channels, count: 1, start, vectors: tile.vectors, pixels: tile.pixels };
        start += width;
        group
    };
    widths.iter().map(group).collect()
}

fn conv(isa: machine::Isa, input: usize, output: usize, k: usize, stride: usize, width: usize) -> ConvKernel {
    let pad_left = (k - 1) / 2;
    let pixels = (width + 2 * pad_left - k) / stride + 1;
    // Of larger kernels some read an image, whose pixels follow each other, and some the arena.
    let dense = k > 1 && width % 2 == 1;
    ConvKernel {
        input_channels: input,
        output_channels: output,
        kernel_size: k,
        stride,
        pad_left,
        input_width: width,
        pixels,
        source: InputLayout::Nhwc { stride: Elements(if dense { input } else { input.next_multiple_of(ALIGN) }) },
        destination: OutputLayout::Nhwc { stride: Elements(output.next_multiple_of(ALIGN)) },
        panels: panels(isa, output, pixels),
        activation: Activation::Linear,
        residual: Residual::None,
        gated: false,
        range: LoopRange::All,
        prefetch: pixels % 2 == 1 && pixels > 1 && k == 1,
        prefetch_len: Elements(if pixels % 3 == 1 && k == 1 { 40 * pixels } else { 0 }),
        loops: ConvLoops::default(),
    }
}

const ACTIVATIONS: [Activation; 7] = [
    Activation::Linear,
    Activation::Relu,
    Activation::Relu6,
    Activation::HardSwish,
    Activation::Swish,
    Activation::Sigmoid,
    Activation::HardSigmoid,
];

fn cases(isa: machine::Isa) -> Vec<Case> {
    let mut cases = Vec::new();
    let outputs = [3, 16, 20, 32, 37];
    // Pointwise: every run length around the tiles, input channels around the unrolled steps.
    for (i, pixels) in [1, 2, 3, 5, 6, 7, 11, 13, 14, 25, 49].into_iter().enumerate() {
        for (j, input) in [1, 7, 12, 13, 16, 27].into_iter().enumerate() {
            let mut kernel = conv(isa, input, outputs[(i + j) % 5], 1, 1, pixels);
            kernel.activation = ACTIVATIONS[(i * 6 + j) % 7];
            kernel.residual = [Residual::Last, Residual::None, Residual::BeforeActivation][(i + j) % 3];
            match (i + 2 * j) % 4 {
                0 => kernel.source = InputLayout::Nchwc { block_stride: Elements((pixels + 2) * isa.lanes) },
                1 => kernel.destination = OutputLayout::Nchwc { block_stride: Elements((pixels + 1) * isa.lanes) },
                2 => {
                    kernel.source = InputLayout::Nchwc { block_stride: Elements(pixels * isa.lanes) };
                    kernel.gated = true;
                }
                _ => {}
            }
            if let OutputLayout::Nchwc { .. } = kernel.destination {
                kernel.residual = Residual::None;
            }
            cases.push(Case::Conv(kernel));
        }
    }
    // Head: convolution and mean.
    for (input, output, pixels) in [(24, 40, 49), (13, 37, 9), (8, 70, 1)] {
        let mut kernel = conv(isa, input, output, 1, 1, pixels);
        kernel.destination = OutputLayout::Pool;
        kernel.activation = Activation::Relu;
        cases.push(Case::Conv(kernel));
    }
    // Fully connected: one pixel, wide panels.
    cases.push(Case::Conv(conv(isa, 131, 70, 1, 1, 1)));
    // Larger kernels: edges on both sides, images narrower than the kernel.
    for (i, k) in [3, 5, 7].into_iter().enumerate() {
        for stride in [1, 2] {
            for (j, width) in [1, 2, 4, 9, 14, 31].into_iter().enumerate() {
                let mut kernel = conv(isa, [1, 3, 9][(i + j) % 3], outputs[(i + j) % 5], k, stride, width);
                kernel.activation = ACTIVATIONS[(i + j) % 7];
                // Sums of a layer's last convolution and its shortcut.
                kernel.residual = [Residual::BeforeActivation, Residual::None, Residual::Last][j % 3];
                if j % 2 == 1 {
                    kernel.residual = Residual::None;
                    kernel.destination =
                        OutputLayout::Nchwc { block_stride: Elements((kernel.pixels + 1) * isa.lanes) };
                }
                cases.push(Case::Conv(kernel));
            }
        }
    }
    // Larger kernels whose columns are loops: tiles of pixels at edges and others; rows that a kernel finds itself.
    for (i, k) in [3, 5, 7].into_iter().enumerate() {
        for stride in [1, 2] {
            for (j, width) in [1, 2, 5, 7, 15, 30].into_iter().enumerate() {
                let mut kernel = conv(isa, [13, 16, 18][(i + j) % 3], outputs[(i + j) % 5], k, stride, width);
                kernel.activation = ACTIVATIONS[(i + j) % 7];
                kernel.residual = [Residual::None, Residual::Last, Residual::BeforeActivation][j % 3];
                match (i + j) % 5 {
                    0 => {}
                    4 => {
                        kernel.range = LoopRange::PanelRows { pad_top: 1, input_height: k - 1, height: 1 };
                        kernel.prefetch = j % 2 == 0;
                    }
                    // As at the top of an image: its first row of zeros, and all of the others.
                    1 | 2 => {
                        kernel.range = LoopRange::Rows { pad_top: 1, input_height: k - 1, most: 1 };
                        kernel.prefetch = (i + j) % 5 == 1;
                    }
                    _ => kernel = kernel.with_range(LoopRange::Tiles),
                }
                cases.push(Case::Conv(kernel));
            }
        }
    }
    for (input, output, width) in [(16, 37, 9), (13, 70, 14), (7, 20, 1)] {
        let kernel = conv(isa, input, output, 1, 2, width);
        cases.push(Case::Conv(ConvKernel {
            range: LoopRange::Rows { pad_top: 0, input_height: 1, most: 1 },
            prefetch: width == 9,
            ..kernel
        }));
    }
    // Parts that workers make: runs, panels, tiles; with and without gates, to every layout.
    for (i, range) in [LoopRange::Runs, LoopRange::Panels, LoopRange::Tiles].into_iter().enumerate() {
        for (j, (input, output, pixels)) in
            [(13, 37, 14), (16, 70, 49), (7, 20, 5), (40, 32, 33)].into_iter().enumerate()
        {
            let mut kernel = conv(isa, input, output, 1, 1, pixels).with_range(range);
            kernel.activation = ACTIVATIONS[(i + j) % 7];
            if j % 2 == 1 && range != LoopRange::Panels {
                kernel.residual = if j == 1 { Residual::Last } else { Residual::BeforeActivation };
            }
            if j % 2 == 0 {
                kernel.source = InputLayout::Nchwc { block_stride: Elements((3 * pixels + 1) * isa.lanes) };
                kernel.gated = true;
            }
            if range == LoopRange::Panels {
                kernel.destination = OutputLayout::Nchwc { block_stride: Elements((pixels + 1) * isa.lanes) };
            }
            cases.push(Case::Conv(kernel));
        }
    }
    for (output, pixels, destination) in [(40, 49, Some(OutputLayout::Pool)), (70, 1, None)] {
        let mut kernel = conv(isa, 24, output, 1, 1, pixels).with_range(LoopRange::Tiles);
        kernel.destination = destination.unwrap_or(kernel.destination);
        cases.push(Case::Conv(kernel));
    }
    for range in [LoopRange::Panels, LoopRange::Tiles] {
        let kernel = conv(isa, 3, 70, 3, 2, 14).with_range(range);
        let destination = OutputLayout::Nchwc { block_stride: Elements((kernel.pixels + 1) * isa.lanes) };
        cases.push(Case::Conv(ConvKernel { destination, ..kernel }));
    }
    // Pointwise with a stride.
    cases.push(Case::Conv(ConvKernel { stride: 2, pixels: 7, ..conv(isa, 12, 20, 1, 1, 13) }));
    // Depthwise: widths around the tile, both layouts, with and without sums, TensorFlow's uneven padding.
    for (i, k) in [3usize, 5, 7].into_iter().enumerate() {
        for stride in [1, 2] {
            for (j, width) in [1usize, 3, 6, 7, 8, 15, 16, 17, 33].into_iter().enumerate() {
                let total = (width.div_ceil(stride) - 1) * stride + k;
                let pad_left = if j % 2 == 0 { total.saturating_sub(width) / 2 } else { (k - 1) / 2 };
                let output_width =
                    if j % 2 == 0 { width.div_ceil(stride) } else { (width + 2 * pad_left - k) / stride + 1 };
                let channels: usize = [8, 13, 24, 40][(i + j) % 4];
                let ranged = (i + j) % 3 == 0;
                // By itself it writes pixels, and adds a shortcut; within a block neither.
                let alone = !ranged && j % 4 == 1;
                let (destination, residual) = if alone {
                    let residual = [Residual::BeforeActivation, Residual::Last][(i + stride) % 2];
                    (OutputLayout::Nhwc { stride: Elements(channels.next_multiple_of(ALIGN)) }, residual)
                } else {
                    let block = (3 * output_width + j % 2) * isa.lanes;
                    (OutputLayout::Nchwc { block_stride: Elements(block) }, Residual::None)
                };
                cases.push(Case::Depthwise(DepthwiseKernel {
                    channels,
                    kernel_size: k,
                    stride,
                    pad_left,
                    input_width: width,
                    output_width,
                    source: if j % 3 == 0 {
                        InputLayout::Nhwc { stride: Elements(channels.next_multiple_of(ALIGN)) }
                    } else {
                        InputLayout::Nchwc { block_stride: Elements(width * k * isa.lanes) }
                    },
                    panel: if j % 2 == 0 { ALIGN } else { isa.f32.channels },
                    destination,
                    columns: isa.depthwise_columns,
                    activation: ACTIVATIONS[(i + j) % 7],
                    residual,
                    pool: (j % 2 == 0).then(|| Elements(channels.next_multiple_of(isa.f32.channels))),
                    ranged,
                    loops: DepthwiseLoops::default(),
                }));
            }
        }
    }
    cases
}

/// How many commits it takes until every case was tried.
const PARTS: usize = 3;

/// The cases to compare: all of them with `MNAS_NIGHT`, otherwise one of each three that follow each other, as
/// `MNAS_SEED` says. It is another one in the next three, because some layouts repeat after three cases.
fn chosen(cases: Vec<Case>) -> Vec<Case> {
    if std::env::var_os("MNAS_NIGHT").is_some() {
        return cases;
    }
    let seed = std::env::var("MNAS_SEED").map_or(0, |text| text.parse::<usize>().expect("MNAS_SEED is a number"));
    let is_chosen = |number: usize| (number + number / PARTS) % PARTS == seed % PARTS;
    cases.into_iter().enumerate().filter(|(number, _)| is_chosen(*number)).map(|(_, case)| case).collect()
}

/// Compiles and runs the chosen cases for `isa`.
fn compare(isa: machine::Isa, checked: bool) {
    let mut program = Program::new(isa, checked);
    let cases = chosen(cases(isa));
    for case in &cases {
        program.push(case);
    }
    let output = program.run();
    if output.contains("unsupported") {
        eprintln!("skipped: this machine has no {}", isa.name);
        return;
    }
    // One result is spoilt on purpose and has to be found.
    assert!(output.contains("control found"), "the comparison cannot fail:\n{output}");
    assert!(!output.lines().any(|l| l.starts_with("wrong ")), "{} checked={checked}:\n{output}", isa.name);
    let ran = output.lines().filter(|l| l.starts_with("ok ")).count();
    assert_eq!(ran, cases.len(), "every case ran:\n{output}");
}

/// All instruction sets at once: rustc optimises each by itself, on one processor.
fn compare_all(checked: bool) {
    thread::scope(|scope| {
        for &isa in machine::ALL {
            scope.spawn(move || compare(isa, checked));
        }
    });
}

#[test]
fn kernels_equal_plain_loops() {
    compare_all(false);
}

#[test]
fn checked_kernels_stay_inside_of_their_slices() {
    compare_all(true);
}
