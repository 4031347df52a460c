//! Schedule files read back as they were written, mistakes are shown at their places, and plans follow the entries.

use mnas_codegen::compile::{Options, compile};
use mnas_codegen::machine;
use mnas_codegen::plan::{ParallelStep, Parallelism, Plan, StepSchedule};
use mnas_codegen::tuned::{Entry, RowBlock, ScheduleFile, ShapeKey, StepTuning};
use mnas_dsl::Place;

const SPEC: &str = include_str!("../../specs/mnasnet_a1.yaml");

const FILE: &str = "\
intel-xeon-6-143-8:
  avx512:
    # Measured.
    block 112x112x16 expand 96 depthwise k3 s2 to 56x56x24: {row_block: 8, columns: 7, expand: 7x2/2, project: 6x1/2}
    block 56x56x24 expand 72 depthwise k5 s2 se 6 to 28x28x40: {row_block: all, gate: tensor, prefetch: off, threads: panels}
    linear 1280 to 1000: {tiles: 1x4/8}
  avx2:
    block 112x112x16 expand 96 depthwise k3 s2 to 56x56x24: {row_block: 4, expand: 2x4/4, threads: row_blocks 7, threads 2: panels, threads 4: row_blocks 14}
zen:
  scalar:
    block: {row_block: all}
";

fn parse(text: &str) -> ScheduleFile {
    ScheduleFile::parse(text, "net.schedule.yaml").unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn plan(file: &str, cpu: Option<&str>, threaded: bool) -> Plan {
    let (spec, network) = mnas_dsl::load_yaml(SPEC, "a1.yaml").expect("a good spec");
    let tuned = parse(file).select(cpu).unwrap_or_else(|error| panic!("{error}"));
    let options = Options { tuned, threaded, ..Options::default() };
    compile(&spec, &network, None, &options).expect("it compiles").plan
}

/// The schedule of the step of that name.
fn step<'a>(plan: &'a Plan, isa: &str, name: &str) -> &'a StepSchedule {
    let schedule = plan.schedules.iter().find(|schedule| schedule.isa.name == isa).expect("it is in the file");
    let index = plan.steps.iter().position(|step| step.name == name).expect("a step of that name");
    &schedule.steps[index]
}

#[test]
fn what_is_written_is_what_is_read() {
    let file = parse(FILE);
    let text = file.to_string();
    assert_eq!(parse(&text), file);
    assert_eq!(parse(&text).to_string(), text);
    assert!(text.contains("    # Measured.\n    block 112x112x16 expand 96"), "{text}");
    // Sorted, whatever the order in the file was.
    assert!(text.find("  avx2:") < text.find("  avx512:"));
    assert_eq!(parse(&text.replace('\n', "\r\n")), file);
}

#[test]
fn sections_are_merged() {
    let (mut file, other) = (parse(FILE), parse("zen:\n  avx2:\n    block: {row_block: all}\n"));
    let choice = StepTuning { row_block: Some(RowBlock::All), ..StepTuning::default() };
    file.insert("zen", machine::AVX2, ShapeKey::AnyBlock, Entry { choice: choice.clone(), notes: vec![] });
    let tuned = file.select(Some("zen")).expect("a section");
    assert_eq!(tuned.choices["avx2"], other.select(None).expect("one section").choices["avx2"]);
    assert_eq!(tuned.choices["scalar"][&ShapeKey::AnyBlock], choice);
    assert!(file.select(Some("intel-xeon-6-143-8")).is_ok_and(|tuned| tuned.choices.len() == 2));
}

#[test]
fn a_section_is_chosen_by_name_or_is_alone() {
    let file = parse(FILE);
    let error = file.select(None).expect_err("there are two");
    assert!(error.hint.contains("`intel-xeon-6-143-8`, `zen`"), "{error}");
    let error = file.select(Some("m1")).expect_err("no such section");
    assert!(error.message.contains("`m1`") && error.hint.contains("`zen`"), "{error}");
    assert!(ScheduleFile::default().select(None).is_err());
}

#[test]
fn a_plan_follows_its_entries_alone() {
    let (tuned, plain) = (plan(FILE, Some("intel-xeon-6-143-8"), false), plan("a:\n", None, false));
    let StepSchedule::Block(block) = step(&tuned, "avx512", "blocks.1.0") else { panic!("a block") };
    let expand = block.expand.as_ref().expect("an expansion");
    assert_eq!((block.row_block, block.depthwise.columns), (8, 7));
    assert!(expand.panels.iter().all(|g| (g.vectors, g.pixels) == (2, 7)));
    assert!(block.project.panels.iter().all(|g| (g.vectors, g.pixels) == (1, 6)));
    let StepSchedule::Block(block) = step(&tuned, "avx512", "blocks.2.0") else { panic!("a block") };
    assert_eq!((block.row_block, block.project.prefetch, block.project.gated), (28, false, false));
    let StepSchedule::Block(block) = step(&plain, "avx512", "blocks.2.0") else { panic!("a block") };
    assert!(block.row_block < 28 && block.project.gated, "the entry would change nothing");
    let StepSchedule::Block(block) = step(&tuned, "avx2", "blocks.1.0") else { panic!("a block") };
    assert_eq!(block.row_block, 4);
    for name in ["blocks.1.1", "head"] {
        assert_eq!(step(&tuned, "avx512", name), step(&plain, "avx512", name));
    }
    assert_eq!(step(&tuned, "scalar", "blocks.1.0"), step(&plain, "scalar", "blocks.1.0"));
    let text = tuned.to_string();
    assert!(text.contains("tuned: row blocks of 8") && text.contains("tuned: layer by layer"), "{text}");
    assert!(!plain.to_string().contains("tuned"));
}

#[test]
fn an_entry_for_every_block_gives_way_to_its_own() {
    let file = "a:\n  avx512:\n    block: {row_block: all}\n    \
                block 112x112x16 expand 96 depthwise k3 s2 to 56x56x24: {row_block: 2}\n";
    let plan = plan(file, None, false);
    for (step, schedule) in plan.steps.iter().zip(&plan.schedules[0].steps) {
        if let StepSchedule::Block(block) = schedule {
            let rows = if step.name == "blocks.1.0" { 2 } else { step.output_shape.height };
            assert_eq!(block.row_block, rows, "{}", step.name);
        }
    }
}

#[test]
fn a_plan_written_as_an_entry_gives_the_same_plan() {
    let plain = plan("a:\n", None, true);
    let mut file = ScheduleFile::default();
    for schedule in &plain.schedules {
        for (index, step) in plain.steps.iter().enumerate() {
            if let (Some(key), Some(choice)) = (ShapeKey::of(step), StepTuning::of(&plain, schedule, index)) {
                file.insert("a", schedule.isa, key, Entry { choice, notes: vec![] });
            }
        }
    }
    let again = plan(&file.to_string(), None, true);
    for (a, b) in plain.schedules.iter().zip(&again.schedules) {
        assert_eq!((&a.steps, &a.parallel), (&b.steps, &b.parallel), "{}", a.isa.name);
        assert!(b.tuned.iter().any(|tuned| *tuned));
    }
}

#[test]
fn each_number_of_workers_has_its_own_share() {
    let plan = plan(FILE, Some("intel-xeon-6-143-8"), true);
    let schedule = plan.schedules.iter().find(|schedule| schedule.isa == machine::AVX2).expect("it is in the file");
    let index = plan.steps.iter().position(|step| step.name == "blocks.1.0").expect("a step of that name");
    let form = |step: &ParallelStep| match &step.schedule {
        StepSchedule::Block(block) => (step.parallelism, block.row_block),
        other => panic!("{other:?}"),
    };
    let parallel = &schedule.parallel[index];
    let variants: Vec<_> = parallel.variants.iter().map(|(count, step)| (*count, form(step))).collect();
    let row_blocks = |rows| (Parallelism::RowBlocks(rows), rows);
    assert_eq!(variants, [(2, (Parallelism::Panels, 56)), (4, row_blocks(14))]);
    assert_eq!(form(&parallel.default), row_blocks(7));
    let text = plan.to_string();
    assert!(
        text.contains("tuned: 2 threads: each worker computes some channels") && text.contains("tuned: 4 threads: "),
        "{text}"
    );
}

#[test]
fn every_mistake_is_shown_at_its_place() {
    const BLOCK: &str = "block 112x112x16 expand 96 depthwise k3 s2 to 56x56x24";
    let entry = |choices: &str| format!("a:\n  avx2:\n    {BLOCK}: {choices}\n");
    let column = 4 + BLOCK.len() + 2;
    let cases: Vec<(String, &str, usize, usize)> = vec![
        ("my cpu:\n".into(), "invalid name of a processor", 1, 1),
        ("  avx2:\n".into(), "without a processor", 1, 3),
        ("a:\n  avx3:\n".into(), "unknown instruction set", 2, 3),
        ("a:\n    block: {row_block: all}\n".into(), "without an instruction set", 2, 5),
        ("a:\n\tavx2:\n".into(), "unexpected indentation", 2, 2),
        ("a:\n   avx2:\n".into(), "unexpected indentation", 2, 4),
        ("a:\na:\n".into(), "two sections", 2, 1),
        ("a:\n  avx2:\n  avx2:\n".into(), "two sections", 3, 3),
        ("a:\n  avx2:\n    block {row_block: all}\n".into(), "invalid shape of a step", 3, 5),
        ("a:\n  avx2:\n    block\n".into(), "invalid entry", 3, 5),
        ("a:\n  avx2:\n    block 1x1: {row_block: all}\n".into(), "invalid shape of a step", 3, 5),
        ("a:\n  avx2:\n    linear 01 to 5: {tiles: 1x1/1}\n".into(), "invalid shape of a step", 3, 5),
        ("a:\n  avx2:\n    block: {row_block: all}\n    block: {row_block: all}\n".into(), "two entries", 4, 5),
        ("a:\n  avx2:\n    block: {row_block: 2}\n".into(), "every block", 3, 13),
        ("a:\n  avx2:\n    block: row_block\n".into(), "invalid list of choices", 3, 12),
        (entry("{row_block: 3}"), "invalid height of a row block", 3, column + 2),
        (entry("{row_block: 0}"), "invalid height of a row block", 3, column + 2),
        (entry("{row_block: 56}"), "invalid height of a row block", 3, column + 2),
        (entry("{gate: weights}"), "unknown choice", 3, column + 2),
        (entry("{columns: 9}"), "columns", 3, column + 2),
        (entry("{expand: 7x2/2}"), "does not fit the registers", 3, column + 2),
        (entry("{row_block: 1, expand: 1x9/9}"), "does not fit the registers", 3, column + 16),
        (entry("{expand: 4x2/3}"), "do not make a panel", 3, column + 2),
        (entry("{expand: 4x2}"), "invalid tile", 3, column + 2),
        (entry("{expand: 4x2/2 2x1/2}"), "two tiles", 3, column + 2),
        (entry("{expand: }"), "list of tiles is empty", 3, column + 2),
        (entry("{prefetch: on}"), "prefetch", 3, column + 2),
        (entry("{threads: rows}"), "invalid share", 3, column + 2),
        (entry("{threads 2: rows}"), "invalid share", 3, column + 2),
        (entry("{threads 1: panels}"), "invalid number of threads", 3, column + 2),
        (entry("{threads 02: panels}"), "invalid number of threads", 3, column + 2),
        (entry("{threads 2: panels, threads 2: row_blocks 7}"), "given twice", 3, column + 21),
        (entry("{row_block: 1, row_block: 2}"), "given twice", 3, column + 16),
        (entry("{row_block: 1,}"), "invalid choice", 3, column + 15),
        (entry("{\u{1b}[31m: 1}"), "unknown choice", 3, column + 2),
    ];
    for (text, message, line, column) in cases {
        let mistakes = ScheduleFile::parse(&text, "x.yaml").expect_err(&text);
        let mistake = mistakes.iter().next().expect("one at least");
        assert!(mistake.message.contains(message), "{text}: {}", mistake.message);
        assert!(!mistake.message.contains('\u{1b}') && mistake.hint.is_some());
        let Place::Text { line: at_line, column: at_column, .. } = mistake.place else { panic!("a place in the text") };
        assert_eq!((at_line, at_column), (line, column), "{text}: {}", mistake.message);
    }
}

#[test]
fn all_mistakes_are_shown_at_once() {
    let text = "a:\n  avx2:\n    block: {row_block: 2}\n    block 1: {}\n  avx:\n    block: {row_block: all}\nb c:\n";
    let mistakes = ScheduleFile::parse(text, "x.yaml").expect_err("four mistakes");
    assert_eq!(mistakes.len(), 4, "{mistakes}");
}

#[test]
fn hostile_files_are_refused_without_a_panic() {
    let mut state = 1_u64;
    let mut random = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let pieces =
        [":", "{", "}", ",", " ", "\n", "    ", "#", "x", "/", "99999999999999999999", "\u{0}", "\u{1f600}", "-1"];
    for _ in 0..3000 {
        let mut bytes = FILE.as_bytes().to_vec();
        for _ in 0..1 + random(4) {
            let at = random(bytes.len());
            let end = (at + random(30)).min(bytes.len());
            bytes.splice(at..end, pieces[random(pieces.len())].bytes());
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Ok(file) = ScheduleFile::parse(&text, "x.yaml") {
            assert_eq!(parse(&file.to_string()), file);
        }
    }
    let long = format!("a:\n  avx2:\n    {}: {{}}\n", "block ".repeat(100_000));
    assert!(ScheduleFile::parse(&long, "x.yaml").is_err());
}
