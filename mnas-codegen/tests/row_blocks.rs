//! Blocks whose rows do not all fit the second-level cache are still computed in row blocks, by one thread and by several.

use mnas_codegen::compile::{Options, compile};
use mnas_codegen::plan::{Parallelism, StepKind, StepSchedule};

#[test]
fn wide_blocks_are_done_by_strips() {
    // 288 channels of 112 x 112 pixels between the layers of the first block: 28 MB, of which three rows are 0.4 MB.
    let (spec, network) = mnas_dsl::load_yaml(include_str!("../../specs/mnasnet_d1.yaml"), "d1.yaml").unwrap();
    let options = Options { threaded: true, ..Options::default() };
    let plan = compile(&spec, &network, None, &options).unwrap().plan;
    let (index, step) = plan.steps.iter().enumerate().find(|(_, step)| step.name == "blocks.0.0").unwrap();
    let StepKind::Block(block) = &step.kind else { panic!("{:?}", step.kind) };
    let between = block.expand.as_ref().unwrap().output.len() + block.depthwise.output.len();
    for schedule in &plan.schedules {
        let StepSchedule::Block(alone) = &schedule.steps[index] else { panic!("{}", schedule.isa.name) };
        assert!(alone.scratch.len().0 < between / 50, "{}: {}", schedule.isa.name, alone.reason);
        let parallel = &schedule.parallel[index];
        assert!(parallel.variants.is_empty(), "{}", schedule.isa.name);
        let StepSchedule::Block(shared) = &parallel.default.schedule else { panic!("{}", schedule.isa.name) };
        assert_eq!(parallel.default.parallelism, Parallelism::RowBlocks(shared.row_block), "{}", schedule.isa.name);
        assert!(shared.scratch.len().0 < between / 50, "{}: {}", schedule.isa.name, shared.reason);
    }
}
