//! Kernels that are called for rows prefetch their next panel exactly where their reduction is a loop.

use mnas_codegen::compile::{Options, compile};
use mnas_codegen::emit::kernels::Kernels;
use mnas_codegen::plan::{ConvKernel, LoopRange, StepSchedule};

/// The 3x3 convolution of a network that has such an input, as the widest instruction set does it.
fn kernel(channels: usize) -> (Kernels, ConvKernel) {
    let text = format!(
        "name: rows\ninput: 16x16x3\nstem: {{op: conv, kernel: 3, stride: 2, filters: {channels}}}\n\
         blocks:\n  - {{op: conv, kernel: 3, filters: 24}}\nhead: {{filters: 32, classes: 10}}\n"
    );
    let (spec, network) = mnas_dsl::load_yaml(&text, "rows.yaml").unwrap();
    let plan = compile(&spec, &network, None, &Options::default()).unwrap().plan;
    let schedule = &plan.schedules[0];
    let kernel = schedule.steps.iter().find_map(|step| match step {
        StepSchedule::Conv { kernel } if kernel.kernel_size == 3 && kernel.input_channels == channels => Some(kernel),
        _ => None,
    });
    (Kernels::new(schedule.isa), kernel.unwrap().clone())
}

#[test]
fn loops_prefetch_and_written_out_reductions_do_not() {
    let mut loops = Vec::new();
    for channels in 5..=20 {
        let (mut kernels, kernel) = kernel(channels);
        assert!(matches!(kernel.range, LoopRange::Rows { .. }), "{:?}", kernel.range);
        kernels.conv(&kernel);
        let text = kernels.finish().to_string();
        // Only a loop advances through the input.
        let is_loop = text.contains("ap += 4");
        assert_eq!((kernel.prefetch, text.contains("prefetch (w")), (is_loop, is_loop), "{channels} channels");
        loops.push(is_loop);
    }
    assert!(loops.contains(&true) && loops.contains(&false));
}
