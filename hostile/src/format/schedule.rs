//! Measured schedules, and what is compiled by them.

use super::{Format, Outcome, refused, tiny};
use mnas_codegen::compile::{Options, compile};
use mnas_codegen::tuned::{Entry, ScheduleFile, ShapeKey, StepTuning};

/// Schedule files.
pub(super) const SCHEDULE: Format = Format {
    name: "schedule",
    seeds: || {
        let (spec, network) = tiny();
        let mut seeds = vec![EXAMPLE.as_bytes().to_vec()];
        // What the network's plan does, said by a file: one with all of it, and one for each instruction set.
        let mut all = ScheduleFile::default();
        for isa in Options::default().isas {
            let options = Options { threaded: true, isas: vec![isa], ..Options::default() };
            let Ok(compiled) = compile(&spec, &network, None, &options) else { continue };
            let (plan, mut one) = (compiled.plan, ScheduleFile::default());
            for (index, step) in plan.steps.iter().enumerate() {
                if let (Some(key), Some(choice)) =
                    (ShapeKey::of(step), StepTuning::of(&plan, &plan.schedules[0], index))
                {
                    for file in [&mut all, &mut one] {
                        file.insert("cpu", isa, key, Entry { choice: choice.clone(), notes: vec!["note".into()] });
                    }
                }
            }
            seeds.push(one.to_string().into_bytes());
        }
        seeds.push(all.to_string().into_bytes());
        seeds
    },
    dictionary: &[
        b"cpu:\n",
        b"  avx512:\n",
        b"  avx2:\n",
        b"  scalar:\n",
        b"    ",
        b"    # ",
        b"block",
        b"expand",
        b"depthwise",
        b" k3",
        b" s2",
        b" se 6",
        b" to ",
        b"9x8x3",
        b"linear 5 to 3",
        b"{row_block: all}",
        b"row_block: 1",
        b"row_blocks",
        b"columns: 7",
        b"tiles: 1x4/8",
        b"expand: 14x2/2",
        b"project: ",
        b"gate: tensor",
        b"prefetch: off",
        b"threads: panels",
        b"threads: row_blocks 7",
        b"{",
        b"}",
        b", ",
        b"/",
        b"x",
        b"\n",
        b"\r\n",
        b"\t",
        b"\xe2\x80\xae",
        b"\x1b[2J",
    ],
    mend: |_| {},
    read: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return Outcome::Refused };
        let file = match ScheduleFile::parse(text, "net.schedule.yaml") {
            Ok(file) => file,
            Err(mistakes) => return refused(&mistakes.to_string()),
        };
        let again = ScheduleFile::parse(&file.to_string(), "again");
        assert!(again.is_ok_and(|again| again == file), "not what it says of itself");
        let tuned = match file.select(None).or_else(|_| file.select(Some("cpu"))) {
            Ok(tuned) => tuned,
            Err(error) => return refused(&error.to_string()),
        };
        let (spec, network) = tiny();
        let options = Options { tuned, threaded: bytes.len().is_multiple_of(2), ..Options::default() };
        match compile(&spec, &network, None, &options) {
            Ok(_) => Outcome::Accepted,
            Err(error) => refused(&error.to_string()),
        }
    },
};

const EXAMPLE: &str = "\
# A file of several networks.
cpu:
  avx512:
    # Measured.
    block 112x112x16 expand 96 depthwise k3 s2 to 56x56x24: {row_block: 8, columns: 7, expand: 7x2/2, project: 6x1/2}
    block 56x56x24 expand 72 depthwise k5 s2 se 6 to 28x28x40: {row_block: all, gate: tensor, prefetch: off, threads: panels}
    linear 1280 to 1000: {tiles: 1x4/8}
  avx2:
    block 112x112x16 expand 96 depthwise k3 s2 to 56x56x24: {row_block: 4, expand: 2x4/4, threads: row_blocks 7}
other:
  scalar:
    block: {row_block: all}
";
