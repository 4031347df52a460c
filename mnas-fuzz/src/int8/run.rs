//! Runs a subject on an instruction set and compares every byte.

use super::Subject;
use super::subject::Expected;
use crate::finding::{Difference, Finding};
use crate::program::{Program, WRONG_COUNT, number, values};
use mnas_codegen::int8::map::Layout;
use mnas_codegen::machine::Isa;
use mnas_codegen::quantized::Value;

/// What an entry of a network made.
struct Made {
    entry: String,
    /// The memory of each step's map; empty for an entry that shows none.
    steps: Vec<Vec<f32>>,
    output: Vec<f32>,
}

/// The first thing that is wrong.
pub(crate) fn run(program: &Program, number: usize, subject: &Subject, isa: Isa) -> Option<Finding> {
    let stopped = |message: String| Some(Finding::Stopped { isa: isa.name, message });
    let ran = match program.output(number, isa) {
        Ok(ran) => ran,
        Err(message) => return stopped(message),
    };
    let Some(entries) = parse(&ran) else { return stopped(WRONG_COUNT.to_owned()) };
    for Made { entry, steps, output } in &entries {
        if ![0, subject.steps.len()].contains(&steps.len()) {
            return stopped(format!("`{entry}` shows {} steps of {}", steps.len(), subject.steps.len()));
        }
        for (step, memory) in subject.steps.iter().zip(steps) {
            match differs(step, memory) {
                Ok(None) => {}
                Ok(Some(difference)) => {
                    let name = format!("{} of `{entry}`", step.name);
                    return Some(Finding::Step { isa: isa.name, name, source: step.source.clone(), difference });
                }
                Err(message) => return stopped(message),
            }
        }
        if output.len() != subject.output.len() {
            return stopped(format!("`{entry}` gives {} values", output.len()));
        }
        let pairs = subject.output.iter().zip(output).enumerate();
        let wrong = pairs.filter(|(_, (want, got))| want.to_bits() != got.to_bits());
        if let Some(difference) = worst(wrong.map(|(i, (want, got))| ([0, 0, i], f64::from(*want), f64::from(*got)))) {
            return Some(Finding::Output { isa: isa.name, entry: entry.clone(), difference });
        }
    }
    let threads = usize::from(subject.threads);
    let expected = 3 + threads * 3 * 7 + usize::from(subject.pixels.is_some()) * (1 + threads);
    if entries.len() != expected {
        return stopped(format!("{} entries ran of {expected}", entries.len()));
    }
    None
}

/// How the memory of a map differs from what it should hold.
fn differs(step: &Expected, memory: &[f32]) -> Result<Option<Difference>, String> {
    let Layout { height, width, channels, .. } = step.layout;
    let bytes: Vec<u8> = memory.iter().flat_map(|v| v.to_le_bytes()).collect();
    let places = (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..channels).map(move |c| [y, x, c])));
    let short = || format!("step {} shows {} bytes", step.name, bytes.len());
    let mut wrong = Vec::new();
    for (i, place) in places.enumerate() {
        let at = step.layout.at(place[0], place[1], place[2]);
        let (want, got, is_equal) = match &step.values {
            Value::Bytes(values) => {
                let (want, got) = (values[i], *bytes.get(at).ok_or_else(short)?);
                (f64::from(want), f64::from(got), want == got)
            }
            Value::Floats(values) => {
                let (want, got) = (values[i], *memory.get(at).ok_or_else(short)?);
                (f64::from(want), f64::from(got), want.to_bits() == got.to_bits())
            }
            Value::Sum(_) => return Err(format!("step {} ends with a sum", step.name)),
        };
        if !is_equal {
            wrong.push((place, want, got));
        }
    }
    Ok(worst(wrong.into_iter()))
}

/// The largest of the differences (place, expected, found).
fn worst(wrong: impl Iterator<Item = ([usize; 3], f64, f64)>) -> Option<Difference> {
    let relative = |(_, want, got): &([usize; 3], f64, f64)| {
        let off = (want - got).abs() / want.abs().max(1.0);
        if off.is_finite() { off } else { f64::INFINITY }
    };
    let worst = wrong.max_by(|a, b| relative(a).total_cmp(&relative(b)))?;
    Some(Difference { relative: relative(&worst), at: worst.0, found: worst.2, expected: worst.1 })
}

fn parse(mut rest: &[u8]) -> Option<Vec<Made>> {
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let len = number(&mut rest)?;
        let (name, tail) = rest.split_at_checked(len)?;
        rest = tail;
        let entry = String::from_utf8(name.to_vec()).ok()?;
        let count = number(&mut rest)?;
        let steps = (0..count).map(|_| values(&mut rest)).collect::<Option<_>>()?;
        entries.push(Made { entry, steps, output: values(&mut rest)? });
    }
    Some(entries)
}
