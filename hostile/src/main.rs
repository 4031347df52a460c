//! Reads many inputs of one format, one after the other, and says of each what became of it.
//!
//! ```text
//! mnas-hostile mutants FORMAT SEED FROM TO     mutants by number
//! mnas-hostile files FORMAT FILE...            files
//! mnas-hostile write FORMAT SEED INDEX FILE    a mutant into a file
//! mnas-hostile bytes FORM SPEC...              hashes of what is made of specs
//! ```
//!
//! It prints `ready PID`, and then `accepted` or `refused` for each. Before each it looks up a file that is not there and
//! whose name has the input's number, so that a trace of its calls shows which input made which.
#![forbid(unsafe_code)]

use mnas_hostile::bytes::{Form, hashes};
use mnas_hostile::{Format, Outcome, by_name, mutant};
use std::io::{self, Write as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // If standard error is closed, the message is lost; the exit code remains.
            let _ = writeln!(io::stderr(), "{message}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), String> {
    let format = |name: &str| by_name(name).ok_or_else(|| format!("no format is called {name}"));
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{text}: {error}"));
    match arguments {
        ["mutants", name, seed, from, to] => {
            let (format, seed, from, to) = (format(name)?, number(seed)?, number(from)?, number(to)?);
            let seeds = (format.seeds)();
            answer(format, from..to, |index| mutant(format, &seeds, seed, index))
        }
        ["files", name, paths @ ..] => {
            let read = |path: &&str| std::fs::read(path).map_err(|error| format!("{path}: {error}"));
            let files: Vec<Vec<u8>> = paths.iter().map(read).collect::<Result<_, _>>()?;
            answer(format(name)?, 0..files.len() as u64, |index| files[index as usize].clone())
        }
        ["write", name, seed, index, path] => {
            let format = format(name)?;
            let bytes = mutant(format, &(format.seeds)(), number(seed)?, number(index)?);
            std::fs::write(path, bytes).map_err(|error| format!("{path}: {error}"))
        }
        ["bytes", form, specs @ ..] => {
            let form = Form::by_name(form).ok_or_else(|| format!("no form is called {form}"))?;
            for spec in specs {
                let yaml = std::fs::read_to_string(spec).map_err(|error| format!("{spec}: {error}"))?;
                let [code, onnx] = hashes(&yaml, form).map_err(|error| format!("{spec}: {error}"))?;
                writeln!(io::stdout(), "{code:016x} {onnx:016x} {spec}").map_err(|error| error.to_string())?;
            }
            Ok(())
        }
        _ => Err("see the documentation of main.rs".into()),
    }
}

/// Reads inputs one after the other.
fn answer(format: &Format, indices: std::ops::Range<u64>, input: impl Fn(u64) -> Vec<u8>) -> Result<(), String> {
    let mut out = io::stdout().lock();
    let mut say = |text: &str| writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| error.to_string());
    say(&format!("ready {}", std::process::id()))?;
    // The standard library tries once what the system can do.
    let _ = std::fs::metadata("/input/start");
    for index in indices {
        let bytes = input(index);
        let _ = std::fs::metadata(format!("/input/{index}"));
        say(match format.run(&bytes) {
            Outcome::Accepted => "accepted",
            Outcome::Refused => "refused",
        })?;
    }
    let _ = std::fs::metadata("/input/end");
    Ok(())
}
