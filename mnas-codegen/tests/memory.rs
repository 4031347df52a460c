//! A plan for a board: its arena fits into a limit, or the error says how much memory is needed.

use mnas_codegen::compile::fused_graph;
use mnas_codegen::machine;
use mnas_codegen::plan::{Objective, Plan, PlanError, StepSchedule, Target, plan};

fn planned(text: &str, objective: Objective) -> Result<Plan, PlanError> {
    let (_, network) = mnas_dsl::load_yaml(text, "net.yaml").unwrap();
    plan(&fused_graph(&network), &Target { objective, ..Target::new(vec![machine::SCALAR]) })
}

/// Bytes of the arena; every buffer lies in it, and no two that are in use at the same step overlap.
fn arena(plan: &Plan) -> usize {
    let buffers = &plan.arena.buffers;
    for (i, a) in buffers.iter().enumerate() {
        assert!(a.offset + a.len <= plan.arena.len);
        for b in &buffers[i + 1..] {
            let together = a.first <= b.last && b.first <= a.last;
            assert!(!together || a.offset + a.len <= b.offset || b.offset + b.len <= a.offset, "{a:?} {b:?}");
        }
    }
    plan.arena.len.bytes().0
}

const SPECS: [&str; 3] = [
    include_str!("../../specs/mnasnet_small.yaml"),
    include_str!("../../specs/mobilenet_v2.yaml"),
    include_str!("../../specs/mnasnet_a1.yaml"),
];

/// The least bytes of the arena, as the error says it.
fn least(text: &str) -> usize {
    match planned(text, Objective::Memory { limit: 1 }) {
        Err(PlanError::Memory { limit: 1, least }) => least,
        other => panic!("one byte is enough: {other:?}"),
    }
}

#[test]
fn a_limit_gives_a_smaller_arena_or_says_the_least() {
    let mut smaller = 0;
    for text in SPECS {
        let fast = planned(text, Objective::Latency).unwrap();
        let least = least(text);
        assert!(least <= arena(&fast), "{least} {}", arena(&fast));
        smaller += usize::from(least < arena(&fast));
        // What the error says is enough, and a byte less is not.
        let small = planned(text, Objective::Memory { limit: least }).unwrap();
        assert_eq!(arena(&small), least);
        let refused = planned(text, Objective::Memory { limit: least - 1 });
        assert!(matches!(refused, Err(PlanError::Memory { least: same, .. }) if same == least));
        // Between the two a plan uses the memory that it may.
        let limit = (least + arena(&fast)) / 2;
        let between = planned(text, Objective::Memory { limit }).unwrap();
        assert!((least..=limit).contains(&arena(&between)));
        // A limit that changes nothing changes nothing.
        let same = planned(text, Objective::Memory { limit: arena(&fast) }).unwrap();
        assert_eq!(same.schedules[0].steps, fast.schedules[0].steps);
    }
    assert!(smaller > 0, "no limit makes any arena smaller");
}

#[test]
fn only_blocks_that_need_it_have_shorter_row_blocks() {
    let text = SPECS[1];
    let rows = |plan: &Plan| -> Vec<usize> {
        let steps = plan.schedules[0].steps.iter();
        steps
            .filter_map(|step| if let StepSchedule::Block(block) = step { Some(block.row_block) } else { None })
            .collect()
    };
    let fast = planned(text, Objective::Latency).unwrap();
    let small = planned(text, Objective::Memory { limit: (least(text) + arena(&fast)) / 2 }).unwrap();
    let (fast, small) = (rows(&fast), rows(&small));
    assert!(small.iter().zip(&fast).all(|(small, fast)| small <= fast), "{fast:?} {small:?}");
    assert!(small != fast && small.iter().zip(&fast).any(|(small, fast)| small == fast), "{fast:?} {small:?}");
}
