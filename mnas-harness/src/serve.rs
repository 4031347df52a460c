//! Runs a network on images: `PROGRAM MODE [RUNS [THREADS]]`.
//!
//! Standard input: packed weights, then images (height x width x channels), all little-endian f32. Standard output:
//! values as f32 (`infer`, `observe`), or times in nanoseconds as u64 (`bench`, `profile`).

use crate::engine::Engine;
use crate::values::{aligned, fill, write};
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// The program's `main`.
///
/// # Errors
///
/// The processor lacks the instruction set, the input is too short, or pipes fail.
pub fn main<E: Engine>() -> io::Result<()> {
    let mode = std::env::args().nth(1).unwrap_or_default();
    let number = |at| std::env::args().nth(at).and_then(|number| number.parse().ok()).unwrap_or(1);
    if !E::supported() {
        return Err(io::Error::other("this processor lacks the instruction set"));
    }
    serve::<E>(&mode, number(2), number(3), &mut io::stdin().lock(), &mut io::BufWriter::new(io::stdout()))
}

/// Serves all images of an input.
///
/// # Errors
///
/// An unknown mode, an input that is too short, or pipes that fail.
pub fn serve<E: Engine>(
    mode: &str,
    runs: usize,
    threads: usize,
    input: &mut impl Read,
    output: &mut (impl Write + Send),
) -> io::Result<()> {
    let packed = aligned(E::WEIGHTS_LEN);
    if !fill(input, packed)? {
        return Err(io::Error::other("no weights"));
    }
    let mut engine = E::new(packed, threads)?;
    let mut image = vec![0.0; E::INPUT_LEN];
    let mut result = vec![0.0; E::OUTPUT_LEN];
    while fill(input, &mut image)? {
        match mode {
            "infer" => {
                engine.infer(&image, &mut result);
                write(output, &result)?;
            }
            "observe" => {
                let mut failed = Ok(());
                engine.observe(&image, &mut result, &mut |_, made| {
                    if failed.is_ok() {
                        failed = write(output, made);
                    }
                });
                failed?;
            }
            "bench" => {
                warm_up(|| engine.infer(&image, &mut result));
                for _ in 0..runs {
                    let start = Instant::now();
                    engine.infer(&image, &mut result);
                    write_time(output, start.elapsed())?;
                }
            }
            "profile" => {
                warm_up(|| engine.infer(&image, &mut result));
                let mut times = vec![Duration::ZERO; E::STEPS];
                for _ in 0..runs {
                    let mut last = Instant::now();
                    engine.observe(&image, &mut result, &mut |step, _| {
                        let now = Instant::now();
                        times[step] = now - last;
                        last = now;
                    });
                    for time in &times {
                        write_time(output, *time)?;
                    }
                }
            }
            _ => return Err(io::Error::other("no such mode")),
        }
    }
    output.flush()
}

/// Half a second, for the clock of the processor to rise and the caches to fill.
fn warm_up(mut infer: impl FnMut()) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(500) {
        infer();
    }
}

fn write_time(output: &mut impl Write, time: Duration) -> io::Result<()> {
    output.write_all(&(time.as_nanos() as u64).to_le_bytes())
}
