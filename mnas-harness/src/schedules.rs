//! Times several schedules of one network, each step or whole inferences: `PROGRAM steps|whole MILLISECONDS THREADS FIRST`.
//!
//! Standard input: packed weights, then an image, little-endian f32, which all schedules share. Standard output:
//! nanoseconds as u64, in the order of rounds, then schedules, then steps. A round starts with schedule FIRST, so that
//! another run can give each schedule another predecessor.

use crate::engine::Engine;
use crate::values::{aligned, fill};
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

/// Fewer rounds have no median.
const ROUNDS: usize = 9;

/// Runs a schedule once and writes the time of each step, or of the whole inference if there is room for one time.
pub type Variant = Box<dyn FnMut(&mut [u64])>;

/// Makes a schedule ready to run.
pub type Maker = fn(&'static [f32], &'static [f32], usize) -> io::Result<Variant>;

/// The schedule of an engine, a [`Maker`].
///
/// # Errors
///
/// As [`Engine::new`].
pub fn variant<E: Engine + 'static>(
    packed: &'static [f32],
    image: &'static [f32],
    threads: usize,
) -> io::Result<Variant> {
    let mut engine = E::new(packed, threads)?;
    let mut output = vec![0.0; E::OUTPUT_LEN].into_boxed_slice();
    Ok(Box::new(move |times: &mut [u64]| {
        let mut last = Instant::now();
        if let [time] = times {
            engine.infer(image, &mut output);
            *time = last.elapsed().as_nanos() as u64;
            return;
        }
        engine.observe(image, &mut output, &mut |step: usize, _: &[f32]| {
            let now = Instant::now();
            times[step] = (now - last).as_nanos() as u64;
            last = now;
        });
    }))
}

/// The program's `main`: `E` is the engine of any of the schedules.
///
/// # Errors
///
/// The input is too short, the engines refuse, or pipes fail.
pub fn main<E: Engine>(makers: &[Maker]) -> io::Result<()> {
    let number = |at| std::env::args().nth(at).and_then(|number| number.parse().ok()).unwrap_or(1);
    let is_whole = std::env::args().nth(1).as_deref() == Some("whole");
    let (time, threads, first) = (Duration::from_millis(number(2)), number(3) as usize, number(4) as usize);
    let mut input = io::stdin().lock();
    let (packed, image) = (aligned(E::WEIGHTS_LEN), aligned(E::INPUT_LEN));
    if !fill(&mut input, packed)? || !fill(&mut input, image)? {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let (packed, image) = (&*packed, &*image);
    let mut variants: Vec<Variant> =
        makers.iter().map(|make| make(packed, image, threads)).collect::<io::Result<_>>()?;
    let each = if is_whole { 1 } else { E::STEPS };
    let mut times = vec![0; each * variants.len()];
    let mut out = io::BufWriter::new(io::stdout().lock());
    // The first rounds are for caches and clock.
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(200) {
        variants.iter_mut().for_each(|variant| variant(&mut times[..each]));
    }
    let start = Instant::now();
    let mut rounds = 0;
    while rounds < ROUNDS || start.elapsed() < time {
        for turn in 0..variants.len() {
            let at = (first + turn) % variants.len();
            let times = &mut times[at * each..][..each];
            // An untimed run first: the variant before has filled the caches with its own data.
            variants[at](times);
            variants[at](times);
        }
        times.iter().try_for_each(|time| out.write_all(&time.to_le_bytes()))?;
        rounds += 1;
    }
    out.flush()
}
